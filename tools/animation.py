"""Pictures, last step where they move: frames -> the bytes of a GIF with one palette for all of them."""
from __future__ import annotations

import io
from typing import Sequence

import numpy as np
from PIL import Image

SAMPLED = 8  # frames that the palette is chosen from, spread over all
COLOURS = 256
MAX_SIDE = 65535  # pixels, what the format's 16 bits hold


def encode_gif(frames: Sequence[np.ndarray], *, fps: float) -> bytes:
    """Encode (H, W, 3) uint8 frames as a GIF that plays for ever.

    One palette serves all frames and nothing is dithered, so that what does not move does not flicker. The colour of
    the upper left pixel, the background, is kept exactly; others move by 1 to 3 of 255 on average.

    Args:
        fps: frames a second; the format counts in hundredths of a second, to which a frame's time is rounded.
    """
    chosen = np.unique(np.linspace(0, len(frames) - 1, SAMPLED).round().astype(int))
    several = Image.fromarray(np.concatenate([frames[number] for number in chosen]))
    found = np.reshape(several.quantize(COLOURS - 1, method=Image.Quantize.FASTOCTREE).getpalette(), (-1, 3))
    background = frames[0][0, 0]
    unlike = (found != background).any(axis=1)
    colours = np.concatenate([background[None], np.unique(found[unlike], axis=0)])[:COLOURS].astype(np.uint8)
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours.tobytes())
    first, *others = [_indexed(frame, palette) for frame in frames]
    stream = io.BytesIO()
    first.save(stream, "GIF", save_all=True, append_images=others, duration=10 * round(100 / fps), loop=0,
               optimize=False, palette=colours.tobytes())  # named here it is written once, not per frame
    return stream.getvalue()


def _indexed(frame, palette):
    """A frame in the colours of *palette*, whose first one is the background; Pillow alone looks up nearly exactly."""
    nearest = np.asarray(Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE))
    background = np.array(palette.getpalette()[:3], np.uint8)
    indexed = Image.fromarray(np.where((frame == background).all(axis=-1), 0, nearest).astype(np.uint8))
    indexed.putpalette(palette.getpalette())
    return indexed
