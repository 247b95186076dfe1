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
    _compose(rgba, row, column, drawn.flips[view], drawn.background[view], drawn.mix[view], drawn.shift[view], blend,
             planes)
    if not same:
        for plane, resized in zip(planes, out):
            resized[:] = cv2.resize(plane, out.shape[:0:-1], interpolation=cv2.INTER_AREA)


@compiled
def _compose(rgba, top, left, flip, background, mix, shift, blend, out):
    _, side, _ = out.shape
    own, following, preceding = mix
    half = shift + 128  # rounds the division by 256
    colour = np.empty(3, np.int64)
    for row in range(side):
        for column in range(side):
            pixel = rgba[top + row, left + column]
            alpha = np.int64(pixel[3])
            target = side - 1 - column if flip else column
            # most pixels are wholly background or wholly object: only the rim is mixed
            if alpha == 0:
                for channel in range(3):
                    out[channel, row, target] = background[channel]
                continue
            red, green, blue = np.int64(pixel[0]), np.int64(pixel[1]), np.int64(pixel[2])
            colour[0] = (own * red + following * green + preceding * blue + half) >> 8
            colour[1] = (own * green + following * blue + preceding * red + half) >> 8
            colour[2] = (own * blue + following * red + preceding * green + half) >> 8
            for channel in range(3):
                value = min(max(colour[channel], 0), 255)
                if blend and alpha < 255:
                    # rounded; no ties, as 255 is odd
                    value = (value * alpha + background[channel] * (255 - alpha) + 127) // 255
                out[channel, row, target] = value
