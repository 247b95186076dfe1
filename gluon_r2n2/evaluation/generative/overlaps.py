"""Generative measures: two sets of voxel grids -> the intersection over union of every pair."""
from __future__ import annotations

import numpy as np

from gluon_r2n2.metrics import iou

BLOCK = 2 ** 24  # voxels of both sets as float32 at a time, 64 MiB; up to 2^24 float32 counts exactly


def pairwise_iou(samples: np.ndarray, references: np.ndarray) -> np.ndarray:
    """The IoU of every sample with every reference, (n, m) float64; 1 where both are empty.

    The counts are exact integers; beside the grids and the result, about 64 MiB are in use. 1 - IoU is a distance
    (Jaccard's), as `coverage` and its like take it.

    Args:
        samples: (n, V, V, V) occupancy, bool or 0/1.
        references: (m, V, V, V).

    Raises:
        ValueError: grids of different size, or numbers that are no occupancy, such as probabilities.
    """
    first, second = _rows(samples), _rows(references)
    if samples.shape[1:] != references.shape[1:]:
        raise ValueError(f"wanted grids of one size, got {samples.shape[1:]} and {references.shape[1:]}")
    intersection = np.zeros((len(first), len(second)), np.float64)
    step = max(1, BLOCK // max(1, len(first) + len(second)))
    for start in range(0, first.shape[1], step):
        part = slice(start, start + step)
        # a product of 0/1 matrices counts the voxels that both have; sums below 2^24 are exact in any order
        intersection += first[:, part].astype(np.float32) @ second[:, part].astype(np.float32).T
    counts = np.count_nonzero(first, axis=1)[:, None] + np.count_nonzero(second, axis=1)
    return iou(intersection, counts - intersection)


def _rows(grids: np.ndarray) -> np.ndarray:
    """(n, V, V, V) occupancy -> (n, V^3) bool."""
    if grids.dtype.kind not in "bui":
        raise ValueError(f"wanted occupancy as bool or 0/1 integers, got {grids.dtype}; compare probabilities with a "
                         "threshold first")
    return grids.reshape(len(grids), int(np.prod(grids.shape[1:]))).astype(bool, copy=False)
