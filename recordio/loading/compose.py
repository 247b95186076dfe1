"""Loading: the pixels - crop, flip, colour and background in one pass, straight into the batch."""
from __future__ import annotations

import cv2
import numpy as np

from recordio.geometry.compiled import compiled
from recordio.loading.augment import Drawn


def compose(rgba: np.ndarray, drawn: Drawn, view: int, blend: bool, out: np.ndarray) -> None:
    """Write view number *view* of *drawn* into *out*.

    Args:
        rgba: (H, W, 4) uint8 straight alpha, the stored picture.
        blend: mix the background by alpha, or only put it where alpha is 0.
        out: (3, S, S) uint8, C-contiguous; where S is not the crop's side the crop is resized by area.
    """
    side = drawn.side
    same = out.shape[1] == side
    planes = out if same else np.empty((3, side, side), np.uint8)
    row, column = drawn.corners[view]
    _compose(rgba, row, column, drawn.flips[view], drawn.background[view], drawn.gain[view], drawn.shift[view], blend,
             planes)
    if not same:
        for plane, resized in zip(planes, out):
            resized[:] = cv2.resize(plane, out.shape[:0:-1], interpolation=cv2.INTER_AREA)


@compiled
def _compose(rgba, top, left, flip, background, gain, shift, blend, out):
    _, side, _ = out.shape
    table = np.empty(256, np.int32)  # stored colour -> augmented colour; gain 256 and shift 0 leave it as it is
    for colour in range(256):
        table[colour] = min(max((colour * gain + shift + 128) >> 8, 0), 255)
    for row in range(side):
        for column in range(side):
            pixel = rgba[top + row, left + column]
            alpha = np.int32(pixel[3])
            target = side - 1 - column if flip else column
            # most pixels are wholly background or wholly object: only the rim is mixed
            if alpha == 0:
                for channel in range(3):
                    out[channel, row, target] = background[channel]
            elif alpha == 255 or not blend:
                for channel in range(3):
                    out[channel, row, target] = table[pixel[channel]]
            else:
                for channel in range(3):
                    mixed = table[pixel[channel]] * alpha + background[channel] * (255 - alpha)
                    out[channel, row, target] = (mixed + 127) // 255  # rounded; no ties, as 255 is odd
