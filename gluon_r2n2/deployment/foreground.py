"""Before the network, on the user's photographs: where in the picture is the object?"""
from __future__ import annotations

from typing import Optional, Tuple

import cv2
import numpy as np

VISIBLE = 16  # alpha from which a pixel counts as object, 0..255; faint shadows and halos stay below
RING = 0.02  # width of the border that is looked at, as a share of the shorter side
UNIFORM = 0.85  # share of the border that must have the border's colour; the rest may be an object that touches it
TOLERANCE = 18  # largest difference per channel, 0..255, at which a pixel still has the background's colour
LEAST_AREA = 0.005  # share of the picture; fewer object pixels are taken for noise


def border_colour(image: np.ndarray) -> np.ndarray:
    """Return the median colour (3,) uint8 of the outer ring of *image* (H, W, 3) uint8."""
    return np.median(_ring(image), axis=0).astype(np.uint8)


def plain_background_alpha(image: np.ndarray) -> Optional[np.ndarray]:
    """Separate an object from a background of nearly one colour.

    Args:
        image: (H, W, 3) uint8 RGB without alpha.

    Returns:
        (H, W) uint8 alpha, 255 on the object, or None where the border is not of one colour or nothing differs
        from it. Regions of the background's colour inside the object (between the legs of a chair) are background.
    """
    colour = border_colour(image).astype(np.int16)
    distance = np.abs(image.astype(np.int16) - colour).max(axis=2)  # (H, W)
    if (_ring(distance[..., None]) <= TOLERANCE).mean() < UNIFORM:
        return None
    mask = (distance > TOLERANCE).astype(np.uint8)
    # single pixels of noise or of JPEG ringing would stretch the bounding box: keep pieces of some size
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0  # label 0 is the background
    if count == 1 or areas.max() < LEAST_AREA * mask.size:
        return None
    mask = (areas >= 0.02 * areas.max())[labels]
    return mask.astype(np.uint8) * 255


def bounding_box(alpha: np.ndarray) -> Optional[Tuple[int, int, int, int]]:
    """Return (left, top, right, bottom), ends exclusive, of the visible pixels of *alpha* (H, W); None if none."""
    rows, columns = np.nonzero((alpha >= VISIBLE).any(axis=1))[0], np.nonzero((alpha >= VISIBLE).any(axis=0))[0]
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _ring(image: np.ndarray) -> np.ndarray:
    """The border pixels (n, channels) of *image* (H, W, channels)."""
    width = max(1, round(RING * min(image.shape[:2])))
    inner = np.zeros(image.shape[:2], bool)
    inner[width:-width, width:-width] = True
    return image[~inner]
