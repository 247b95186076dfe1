"""Layouts: photographs of any size -> pictures as training renderings show an object, centred and of one size.

`gluon_r2n2.deployment.preprocess` does the same with the pictures of users before the network. The data side and the
model side import nothing of each other, so VISIBLE must agree with `gluon_r2n2.deployment.foreground.VISIBLE`, and
SIZE and SHARE with the fields `frame` and `object_share` of its `Preprocessing`; tests/test_photos.py holds both
paths against each other.
"""
from __future__ import annotations

from typing import Optional, Tuple

import cv2
import numpy as np

from recordio.errors import DataError

SIZE = 137  # pixels, side of a training rendering
SHARE = 0.67  # the object's longest side over the picture's; mean of the original's renderings
VISIBLE = 16  # alpha from which a pixel counts as object, 0..255; faint shadows and halos stay below

Box = Tuple[int, int, int, int]  # left, top, right, bottom in pixels, ends exclusive


def fit_object(rgba: np.ndarray, *, size: int = SIZE, share: float = SHARE) -> np.ndarray:
    """Bring a picture into the form of a training rendering.

    The object is found by the alpha channel, centred, and scaled so that its longest side takes *share* of the
    picture. A picture without any transparency gives its middle square.

    Args:
        rgba: (H, W, 4) uint8 sRGB, straight alpha.

    Returns:
        (size, size, 4) uint8 sRGB, straight alpha; 0 0 0 0 where the window reaches beyond the picture.

    Raises:
        DataError: nothing in the picture is visible.
    """
    height, width = rgba.shape[:2]
    if (rgba[..., 3] == 255).all():
        side = min(height, width)
        return _window(rgba, (width - side) // 2, (height - side) // 2, side, size)
    box = visible_box(rgba[..., 3])
    if box is None:
        raise DataError("the picture shows nothing: its alpha channel hides every pixel; leave it out or mend its mask")
    return fit_box(rgba, box, size=size, share=share)


def fit_box(rgba: np.ndarray, box: Box, *, size: int = SIZE, share: float = SHARE) -> np.ndarray:
    """The square around *box* of which the box's longest side takes *share*, as `fit_object` returns it."""
    left, top, right, bottom = box
    side = max(1, round(max(right - left, bottom - top) / share))
    return _window(rgba, round((left + right - side) / 2), round((top + bottom - side) / 2), side, size)


def visible_box(alpha: np.ndarray) -> Optional[Box]:
    """The box around the visible pixels of *alpha* (H, W) uint8; None if there are none."""
    seen = alpha >= VISIBLE
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _window(rgba, column: int, row: int, side: int, size: int) -> np.ndarray:
    """The side x side part from (column, row) on, transparent beyond the picture, resized to size x size."""
    height, width = rgba.shape[:2]
    top, left = min(max(row, 0), height), min(max(column, 0), width)
    bottom, right = max(min(row + side, height), top), max(min(column + side, width), left)
    window = np.zeros((side, side, 4), np.uint8)
    window[top - row:bottom - row, left - column:right - column] = rgba[top:bottom, left:right]
    if side == size:
        return window
    method = cv2.INTER_AREA if size < side else cv2.INTER_CUBIC
    if (window[..., 3] == 255).all():
        return cv2.resize(window, (size, size), interpolation=method)
    premultiplied = window.astype(np.float32)  # the colour of hidden pixels must not bleed in
    premultiplied[..., :3] *= premultiplied[..., 3:] / 255
    resized = cv2.resize(premultiplied, (size, size), interpolation=method)
    alpha = resized[..., 3:]
    colour = np.divide(resized[..., :3] * 255, alpha, out=np.zeros_like(resized[..., :3]), where=alpha >= 0.5)
    return np.rint(np.concatenate([colour, alpha], axis=2)).clip(0, 255).astype(np.uint8)
