"""The report: probabilities (W, V, V, V) and truth -> few levels, compressed, as base64 text; read by web/src/grids.js.

A level says how many of the thresholds a probability reaches, so that the page can show the voxels of any of these
thresholds exactly, and nothing in between is lost that it could show.
"""
from __future__ import annotations

import base64
import zlib
from typing import Tuple

import numpy as np

from gluon_r2n2.metrics import THRESHOLDS


def edges(threshold: float) -> Tuple[float, ...]:
    """The thresholds that the page offers, ascending: 0.05, 0.10 ... 0.95 and the result's own."""
    return tuple(sorted({*THRESHOLDS, threshold}))


def pack(probabilities: np.ndarray, truth: np.ndarray, thresholds: Tuple[float, ...]) -> str:
    """Pack the grids of an object.

    Args:
        probabilities: (W, V, V, V) of being occupied; NaN reaches no threshold.
        truth: (V, V, V) bool.
        thresholds: ascending, at most 255.

    Returns:
        base64 of a zlib stream of 1 + W grids, a byte per cell in the order [x][y][z]: the truth (0 or 1), then of
        each view count the levels. A cell reaches thresholds[i] (both as float32, as in `gluon_r2n2.metrics`) where
        its level is above i.

    Raises:
        ValueError: grids of different shapes, or not cubes.
    """
    if truth.shape != (len(truth),) * 3 or probabilities.shape[1:] != truth.shape:
        raise ValueError(f"wanted probabilities (W, V, V, V) and truth (V, V, V), got {probabilities.shape} and "
                         f"{truth.shape}")
    known = np.where(np.isnan(probabilities), -np.inf, probabilities).astype(np.float32, copy=False)
    # the number of thresholds that are <= p
    levels = np.searchsorted(np.asarray(thresholds, np.float32), known, side="right").astype(np.uint8)
    return base64.b64encode(zlib.compress(truth.astype(np.uint8).tobytes() + levels.tobytes(), 9)).decode()
