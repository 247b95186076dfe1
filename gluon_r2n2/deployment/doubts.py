"""Beside the network: signs that a picture or a reconstruction is not to be trusted, a sentence each.

How often each is right, and how often it is a false alarm, was measured: docs/photos.md.
"""
from __future__ import annotations

from itertools import combinations
from typing import Iterator, Optional, Sequence, Tuple

import cv2
import numpy as np

from gluon_r2n2.deployment.foreground import NEAR, TOLERANCE, bounding_box, touched_sides
from gluon_r2n2.deployment.grabcut import ring

PLAIN_RING = 0.8  # share of the network input's border that must be background; that of renderings is above .9
RING = 0.016  # width of that border, as a share of the side: 2 pixels of 127
LEAST_SHOWN = 0.003  # share of the network's input that must differ from the background
BLUR_SIDE = 64  # pixels, on which sharpness is measured, whatever the network's input is
LEAST_EDGE = 22.0  # 99th percentile of the Laplacian, grey levels; the blurriest of 975 renderings has more
LEAST_DETAIL = 0.35  # the object's longest side in the given picture over that in the network's input
LEAST_EXPECTED = 0.15  # expected IoU; see expected_iou
LEAST_LIKENESS = 0.2  # mean IoU of the reconstructions from single views


def view_doubts(prepared: np.ndarray, alpha: Optional[np.ndarray], method: str, *, background: int,
                object_side: int) -> Tuple[str, ...]:
    """What may be wrong with a prepared picture.

    Args:
        prepared: (S, S, 3) uint8, what the network gets.
        alpha: (H, W) uint8, the object in the given picture; None where it was not found or not looked for.
        method: as in PreparedView.
        background: grey of the training pictures, 0..255.
        object_side: pixels of the object's longest side in *prepared*.
    """
    return tuple(_view_doubts(prepared, alpha, method, background, object_side))


def _view_doubts(prepared, alpha, method, background, object_side) -> Iterator[str]:
    differs = np.abs(prepared.astype(np.int16) - background).max(axis=2) > TOLERANCE  # (S, S)
    if differs[ring(prepared, RING)].mean() > 1 - PLAIN_RING:
        yield (f"the picture looks unlike the training data: what the network gets of it has no border of plain grey "
               f"{background}; cut the object out, or take it before a plain background")
    elif differs.mean() < LEAST_SHOWN:
        yield "the picture shows next to nothing: hardly a pixel differs from the background; leave it out"
    elif _edge(prepared) < LEAST_EDGE:
        yield "the object is blurred: no edge is sharp, even at the size that the network sees; take a sharp picture"
    if alpha is None or method in ("training picture", "none"):
        return
    sides = touched_sides(alpha, near=NEAR if method == "grabcut" else 0)
    if sides and not (method == "alpha" and len(sides) == 4):  # a cut-out that was trimmed touches all
        nearly = ", or nearly so" if method == "grabcut" else ""
        yield (f"the object touches the {_listed(sides)} of the picture{nearly}: what lies beyond is missing; take the "
               "whole object")
    left, top, right, bottom = bounding_box(alpha)
    side = max(right - left, bottom - top)
    if side < LEAST_DETAIL * object_side:
        yield (f"the object is only {side} pixels long in the picture, the network sees it at {object_side}; take it "
               "from nearer or in a higher resolution")


def _edge(prepared) -> float:
    small = prepared
    if len(prepared) > BLUR_SIDE:
        small = cv2.resize(prepared, (BLUR_SIDE, BLUR_SIDE), interpolation=cv2.INTER_AREA)
    return float(np.percentile(np.abs(cv2.Laplacian(small.astype(np.float32).mean(axis=2), cv2.CV_32F)), 99))


def expected_iou(probabilities: np.ndarray, threshold: float) -> float:
    """The IoU that the network itself expects of (V, V, V) probabilities, were they right: 0 to 1.

    The expectation of intersection over that of union, between the voxels at or above *threshold* and an object
    drawn from the probabilities.
    """
    solid = probabilities >= threshold
    meeting = float(probabilities[solid].sum())
    union = float(np.count_nonzero(solid)) + float(probabilities[~solid].sum())
    return meeting / union if union else 0.0


def doubts(probabilities: np.ndarray, threshold: float) -> Tuple[str, ...]:
    """What may be wrong with a reconstruction (V, V, V), float32 probabilities."""
    expected = expected_iou(probabilities, threshold)
    if expected >= LEAST_EXPECTED:
        return ()
    return (f"the network is unsure of this reconstruction: by its own probabilities it expects an IoU of "
            f"{expected:.2f}; the pictures may show something that it was not trained on",)


def likeness(singles: Sequence[np.ndarray], threshold: float) -> float:
    """The mean IoU of reconstructions (V, V, V), each from one view, with each other: 0 to 1; 1 for a single one."""
    solid = [grid >= threshold for grid in singles]
    overlaps = [np.count_nonzero(first & second) / max(1, np.count_nonzero(first | second))
                for first, second in combinations(solid, 2)]
    return float(np.mean(overlaps)) if overlaps else 1.0


def view_disagreement(singles: Sequence[np.ndarray], threshold: float) -> Tuple[str, ...]:
    """What may be wrong with the views of one object, judged by the reconstruction (V, V, V) from each alone."""
    found = likeness(singles, threshold)
    if found >= LEAST_LIKENESS:
        return ()
    return (f"the pictures hardly seem to show the same object: what the network makes of each alone overlaps by an "
            f"IoU of {found:.2f}; check that no picture of another object is among them",)


def _listed(sides: Sequence[str]) -> str:
    *first, last = sides
    return f"{', '.join(first)} and {last} edges" if first else f"{last} edge"
