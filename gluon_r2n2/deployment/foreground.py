"""Before the network, on the user's photographs: where in the picture is the object?"""
from __future__ import annotations

from typing import NamedTuple, Optional, Tuple

import cv2
import numpy as np

from gluon_r2n2.deployment.grabcut import grabcut, ring
from gluon_r2n2.deployment.segmentation import Segmentation
from gluon_r2n2.errors import ModelError, unknown_name

FOREGROUNDS = ("auto", "alpha", "plain", "grabcut", "model", "none")  # ways to find the object
VISIBLE = 16  # alpha from which a pixel counts as object, 0..255; faint shadows and halos stay below
RING = 0.02  # width of the border that is looked at, as a share of the shorter side
UNIFORM = 0.85  # share of the border that must have the border's colour; the rest may be an object that touches it
TOLERANCE = 18  # largest difference per channel, 0..255, at which a pixel still has the background's colour
LEAST_AREA = 0.005  # share of the picture; fewer pixels, of the object or hidden around it, are taken for noise
AGREEMENT = 0.7  # mean IoU of GrabCut's starts; below, most results are wrong (docs/photos.md)
NEAR = 0.05  # share of the shorter side; GrabCut, which takes the border for background, cuts off so much there
CONTACT = 0.01  # share of a side of the picture; fewer object pixels there are no contact


class Foreground(NamedTuple):
    """Where the object is in a picture (H, W), and how it was found."""

    alpha: np.ndarray  # (H, W) uint8, 255 on the object
    method: str  # "alpha", "plain background", "segmentation model" or "grabcut"
    warnings: Tuple[str, ...] = ()  # a sentence each


def find_foreground(colour: np.ndarray, alpha: Optional[np.ndarray], *, method: str = "auto",
                    segmentation: Optional[Segmentation] = None) -> Optional[Foreground]:
    """Find the object by its alpha channel, a background of one colour, a segmentation model, or GrabCut.

    Args:
        colour: (H, W, 3) uint8 RGB.
        alpha: (H, W) uint8 straight alpha, or None where the picture has none.
        method: one of FOREGROUNDS; "auto" takes the first of them that finds anything, a model only where there is one,
            and alpha only where it hides some of the picture: not rounded corners, nor a level that is everywhere.
        segmentation: for "model" and "auto".

    Returns:
        None where nothing was found, and for "none".

    Raises:
        ModelError: no such method, or "model" without a model.
    """
    if method not in FOREGROUNDS:
        raise unknown_name("foreground", method, FOREGROUNDS)
    if method == "model" and segmentation is None:
        raise ModelError("the foreground 'model' needs a segmentation model, and none was found; give its file, or "
                         "choose 'auto'")
    if alpha is not None and (method == "alpha" or method == "auto" and (alpha < VISIBLE).mean() >= LEAST_AREA):
        return Foreground(alpha, "alpha")
    if method in ("auto", "plain"):
        found = plain_background_alpha(colour)
        if found is not None:
            return Foreground(found, "plain background")
    if method in ("auto", "model") and segmentation is not None:
        found = segmentation.alpha(colour)
        if bounding_box(found) is not None:
            return Foreground(found, "segmentation model")
    if method in ("auto", "grabcut"):
        cut = grabcut(colour)
        if cut is not None and bounding_box(cut.alpha) is not None:
            doubt = ("it is doubtful whether the object was found: three starts of GrabCut agree by "
                     f"{cut.agreement:.0%} only; cut the object out yourself, or take it before a plain background",)
            return Foreground(cut.alpha, "grabcut", doubt if cut.agreement < AGREEMENT else ())
    return None


def border_colour(image: np.ndarray) -> np.ndarray:
    """Return the median colour (3,) uint8 of the outer ring of *image* (H, W, 3) uint8."""
    return np.median(image[ring(image, RING)], axis=0).astype(np.uint8)


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
    if (distance[ring(image, RING)] <= TOLERANCE).mean() < UNIFORM:
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


def touched_sides(alpha: np.ndarray, *, near: float = 0.0) -> Tuple[str, ...]:
    """The sides of the picture, of "left", "top", "right" and "bottom", that the object of *alpha* (H, W) touches.

    Args:
        near: share of the shorter side; so near counts as well.
    """
    width = max(1, round(near * min(alpha.shape)))
    sides = {"left": alpha[:, :width].max(axis=1), "top": alpha[:width].max(axis=0),
             "right": alpha[:, -width:].max(axis=1), "bottom": alpha[-width:].max(axis=0)}
    return tuple(name for name, edge in sides.items() if (edge >= 128).sum() > CONTACT * len(edge))
