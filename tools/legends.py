"""Drawing by meaning: colours for probabilities, and for what a prediction hit, missed and added; their legends."""
from __future__ import annotations

from typing import Mapping, Tuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gluon_r2n2_tools.drawing import Colour

# 17 steps of viridis (S. van der Walt and N. Smith, in matplotlib since 1.5, CC0), sRGB bytes: perceptually uniform,
# and readable without colour vision. Linear between them it is within 0.021 of the 256 steps of matplotlib.
VIRIDIS = np.array([
    (68, 1, 84), (72, 24, 106), (71, 45, 123), (66, 64, 134), (59, 82, 139), (51, 99, 141), (44, 114, 142),
    (38, 130, 142), (33, 145, 140), (31, 160, 136), (40, 174, 128), (63, 188, 115), (94, 201, 98), (132, 212, 75),
    (173, 220, 48), (216, 226, 25), (253, 231, 37)], np.uint8)
# Blue and orange of the palette of M. Okabe and K. Ito (Color Universal Design, 2008), told apart by all kinds of
# colour vision; what is right stays in the background.
DIFFERENCE: Mapping[str, Colour] = {
    "hit": (0.84, 0.84, 0.84),  # predicted and true
    "missed": (0.0, 114 / 255, 178 / 255),  # true only
    "extra": (230 / 255, 159 / 255, 0.0),  # predicted only
}


def viridis(values: np.ndarray) -> np.ndarray:
    """Colour values in 0..1 (clipped): (..., 3) float32 sRGB in 0..1."""
    steps = np.linspace(0, 1, len(VIRIDIS))
    channels = [np.interp(values, steps, VIRIDIS[:, channel] / 255) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def difference_colours(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Two (X, Y, Z) bool -> (X, Y, Z, 3) sRGB of DIFFERENCE, for the cells of either."""
    hit, missed, extra = (np.array(colour, np.float32) for colour in DIFFERENCE.values())
    return np.where((predicted & true)[..., None], hit, np.where(true[..., None], missed, extra))


def colour_keys(colours: Mapping[str, Colour], ink: Tuple[int, int, int], text: int = 14) -> np.ndarray:
    """A legend of named colours in one line: (h, w, 4) uint8 RGBA."""
    font = ImageFont.load_default(text)
    places, width = [], 0
    for name in colours:
        places.append(width)
        width += text + 6 + int(font.getlength(name)) + 18  # the square, a space, the name, a space
    picture = Image.new("RGBA", (width, text + 8))
    pen = ImageDraw.Draw(picture)
    for left, (name, colour) in zip(places, colours.items()):
        pen.rectangle((left, 4, left + text - 1, text + 3), outline=(*ink, 255),
                      fill=(*(round(255 * channel) for channel in colour), 255))
        pen.text((left + text + 6, 2), name, fill=(*ink, 255), font=font)
    return np.array(picture)


def colour_bar(ink: Tuple[int, int, int], text: int = 14, width: int = 160) -> np.ndarray:
    """A legend of probabilities coloured by `viridis`, 0 at its left and 1 at its right: (h, w, 4) uint8 RGBA."""
    font = ImageFont.load_default(text)
    before, after = "probability 0", "1"
    left = int(font.getlength(before)) + 8
    picture = Image.new("RGBA", (left + width + 8 + int(font.getlength(after)) + 4, text + 8))
    bar = np.rint(255 * viridis(np.broadcast_to(np.linspace(0, 1, width), (text, width)))).astype(np.uint8)
    picture.paste(Image.fromarray(bar), (left, 4))
    pen = ImageDraw.Draw(picture)
    pen.text((0, 2), before, fill=(*ink, 255), font=font)
    pen.text((left + width + 8, 2), after, fill=(*ink, 255), font=font)
    return np.array(picture)
