"""Before colouring: a surface and the object's outline in a picture -> the camera from which it was seen."""
from __future__ import annotations

from dataclasses import dataclass
from typing import List, Sequence, Tuple

import cv2
import numpy as np

from recordio.geometry import Camera, depths

AZIMUTHS = tuple(range(0, 360, 10))  # degrees, tried first
ELEVATIONS = (0.0, 12.0, 27.0, 42.0)  # degrees; pictures from below and from above are rare
USUAL_ELEVATION = 27.5  # degrees, middle of the training renderings: a camera there is taken if all else is equal
UNUSUAL = 0.05  # IoU that a camera 30 degrees higher or lower must gain to be preferred
DISTANCE = 0.8  # ratio, middle of the training renderings; perspective is weak, it is refined afterwards
TALLEST = 85.0  # degrees, highest camera that is considered
NEAREST, FARTHEST = 0.55, 1.6  # ratios of camera distance that are considered
SIDE = 96  # pixels of the drawings and outlines that are compared
SHARE = 0.16  # of that square which an outline covers when outlines are compared
CANDIDATES = 4  # directions that are refined
APART = 25.0  # degrees of azimuth between two of them
# refined in turn: azimuth, elevation (degrees), distance (logarithm), scale (logarithm), shift right, down (pixels)
STEPS = np.array([5.0, 5.0, 0.1, 0.03, 1.0, 1.0])
ROUNDS = 4  # each halves the steps


@dataclass(frozen=True)
class Placed:
    """Where a surface is in a picture: drawn by *camera*, then scaled and shifted.

    Attributes:
        scale, shift: picture pixel = scale * place + shift, where place (column, row) is that of `Camera.project`
            for a picture of SIDE pixels.
        iou: intersection over union of the surface's outline and the object's, 0..1.
    """

    camera: Camera
    scale: float
    shift: Tuple[float, float]
    iou: float


def find_cameras(triangles: np.ndarray, masks: Sequence[np.ndarray]) -> List[Placed]:
    """Find for each picture the camera whose view of *triangles* fits the object's outline best.

    Only the outline is compared, its size and place in the picture set free: an object with several sides of one
    outline (a square table, a bottle) has several cameras that fit, and any of them may be taken.

    Args:
        triangles: (m, 3, 3) in the object frame.
        masks: (H, W) bool each, True on the object, at least one pixel.
    """
    directions = [Camera(azimuth, elevation, DISTANCE) for elevation in ELEVATIONS for azimuth in AZIMUTHS]
    drawn = np.stack([_framed(mask)[0] for mask in _outlines(triangles, directions)])  # (directions, SIDE, SIDE)
    return [_find_camera(triangles, directions, drawn, mask) for mask in masks]


def outline_overlap(triangles: np.ndarray, camera: Camera, mask: np.ndarray) -> float:
    """IoU of what *camera* sees of *triangles* and a square picture's *mask* (H, H), both as they are."""
    seen = _outlines(triangles, [camera], size=len(mask))[0]
    return _iou(seen, mask)


def _find_camera(triangles, directions, drawn, mask):
    target, (target_scale, target_shift) = _framed(mask)
    scores = np.array([_iou(outline, target) - _unusual(camera) for outline, camera in zip(drawn, directions)])

    def draw(values):
        """-> (IoU, camera, scale and shift from drawing to frame)."""
        camera = Camera(values[0] % 360, np.clip(values[1], -TALLEST, TALLEST),
                        np.clip(DISTANCE * np.exp(values[2]), NEAREST, FARTHEST))
        outline = _outlines(triangles, [camera])[0]
        framed, (scale, shift) = _framed(outline, np.exp(values[3]), values[4:])
        return _iou(framed, target), camera, scale, shift

    def preferred(found):
        return found[0] - _unusual(found[1])

    starts = [np.array([directions[at].azimuth, directions[at].elevation, 0.0, 0.0, 0.0, 0.0])
              for at in _peaks(scores, directions)]
    best = max((_climb(draw, preferred, start) for start in starts), key=preferred)
    iou, camera, scale, shift = best
    # drawing -> frame -> picture
    scale, shift = scale / target_scale, (shift - target_shift) / target_scale
    return Placed(camera, float(scale), (float(shift[0]), float(shift[1])), float(iou))


def _peaks(scores, directions):
    """Indices of the best directions, APART from each other in azimuth."""
    kept = []
    for at in np.argsort(-scores, kind="stable"):
        turns = [abs((directions[at].azimuth - directions[other].azimuth + 180) % 360 - 180) for other in kept]
        if min(turns, default=360) >= APART:
            kept.append(at)
        if len(kept) == CANDIDATES:
            break
    return kept


def _climb(draw, preferred, values):
    """Change one value at a time while that makes `draw`'s result better; the best one."""
    best, steps = draw(values), STEPS.copy()
    for _ in range(ROUNDS):
        for index in range(len(values)):
            for sign in (1, -1):
                tried = values.copy()
                tried[index] += sign * steps[index]
                found = draw(tried)
                if preferred(found) > preferred(best):
                    values, best = tried, found
                    break
        steps /= 2
    return best


def _unusual(camera):
    return UNUSUAL * ((camera.elevation - USUAL_ELEVATION) / 30) ** 2


def _outlines(triangles, cameras, size=SIDE):
    return np.isfinite(depths(triangles, cameras, size=size))


def _framed(mask, zoom=1.0, offset=(0.0, 0.0)):
    """*mask* (H, W) bool scaled and shifted so that it covers SHARE of a SIDE x SIDE square about its middle.

    Returns:
        the square, and (scale, shift (2,)): place in it = scale * pixel of the mask + shift. Nothing stays nothing: a
        surface may be too thin to cover the middle of any pixel.
    """
    if not mask.any():
        return np.zeros((SIDE, SIDE), bool), (1.0, np.zeros(2))
    moments = cv2.moments(mask.astype(np.uint8), binaryImage=True)
    area = moments["m00"]
    centre = np.array([moments["m10"], moments["m01"]]) / area + 0.5  # a pixel's middle is at + 0.5
    scale = np.sqrt(SHARE * SIDE * SIDE / area) * zoom
    shift = SIDE / 2 - scale * centre + offset
    # warpAffine has the middle of the first pixel at 0
    matrix = np.array([[scale, 0, shift[0] + scale / 2 - 0.5], [0, scale, shift[1] + scale / 2 - 0.5]])
    square = cv2.warpAffine(mask.astype(np.uint8) * 255, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR)
    return square >= 128, (scale, shift)


def _iou(first, second):
    return np.count_nonzero(first & second) / max(1, np.count_nonzero(first | second))
