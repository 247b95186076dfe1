"""Metrics: occupied probabilities (B, V, V, V) and true voxels -> integer counts -> intersection over union (IoU).

Counts are integers per sample, so that no sum depends on the batch size or on the order of the samples.
"""
from __future__ import annotations

import math
from typing import Dict, NamedTuple, Sequence, Tuple

import numpy as np
from mxnet import nd

DEFAULT_THRESHOLD = 0.4  # the original's: a voxel counts as occupied from probability 0.4 on
THRESHOLDS = tuple(round(0.05 * step, 2) for step in range(1, 20))  # 0.05 .. 0.95


class VoxelCounts(NamedTuple):
    """Voxels per sample (rows, B) and threshold (columns, K), int64."""

    intersection: np.ndarray  # predicted and true
    union: np.ndarray  # predicted or true


def voxel_counts(probabilities: np.ndarray, voxels: np.ndarray, *,
                 thresholds: Sequence[float] = (DEFAULT_THRESHOLD,)) -> VoxelCounts:
    """Count, per sample and threshold, the voxels in the intersection and in the union of prediction and truth.

    A voxel is predicted where its probability is >= the threshold, both as float32 (as in the original's
    lib/voxel.py). A NaN is never predicted.

    Args:
        probabilities: (B, V, V, V) of being occupied, 0..1.
        voxels: (B, V, V, V), bool or 0/1.
        thresholds: K numbers.

    Raises:
        ValueError: the shapes differ.
    """
    if probabilities.shape != voxels.shape:
        raise ValueError(f"wanted probabilities and voxels of one shape, got {probabilities.shape} and {voxels.shape}")
    axes = tuple(range(1, voxels.ndim))
    probabilities = probabilities.astype(np.float32, copy=False)
    truth = voxels.astype(bool, copy=False)
    true_count = np.count_nonzero(truth, axis=axes)  # (B,)
    intersection = np.empty((len(voxels), len(thresholds)), np.int64)
    union = np.empty_like(intersection)
    for column, threshold in enumerate(thresholds):
        predicted = probabilities >= np.float32(threshold)
        intersection[:, column] = np.count_nonzero(predicted & truth, axis=axes)
        union[:, column] = np.count_nonzero(predicted, axis=axes) + true_count - intersection[:, column]
    return VoxelCounts(intersection, union)


def iou(intersection: np.ndarray, union: np.ndarray) -> np.ndarray:
    """Intersection over union as float64; 1 where both sets are empty (nothing predicted, nothing there)."""
    intersection, union = np.asarray(intersection, np.float64), np.asarray(union, np.float64)
    return np.where(union == 0, 1.0, intersection / np.where(union == 0, 1.0, union))


def mean_iou(values: np.ndarray, classes: Sequence[str]) -> Tuple[float, float, Dict[str, float]]:
    """Mean the IoU (or any other number) of samples in the two ways that the field mixes.

    The sums are exact, so that no mean depends on the order of the samples.

    Args:
        values: (n,) per sample.
        classes: n class ids.

    Returns:
        micro, the mean over samples; macro, the mean of the class means; and the class means by class id.
    """
    values, classes = np.asarray(values, np.float64), np.asarray(classes)
    by_class = {str(name): _mean(values[classes == name]) for name in np.unique(classes)}
    return _mean(values), _mean(list(by_class.values())), by_class


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def best_threshold(values: np.ndarray, thresholds: Sequence[float]) -> Tuple[float, float]:
    """Return the threshold with the highest IoU averaged over samples (the lowest of equals), and that IoU.

    Args:
        values: (n, K) IoU per sample and threshold.
        thresholds: K numbers, ascending.
    """
    means = [_mean(column) for column in np.asarray(values, np.float64).T]
    best = int(np.argmax(means))
    return float(thresholds[best]), float(means[best])


def batch_iou(logits: nd.NDArray, voxels: nd.NDArray, *, threshold: float = DEFAULT_THRESHOLD) -> nd.NDArray:
    """IoU per sample, (B,) float32, computed where the arrays live and without waiting for them.

    Args:
        logits: (B, 2, V, V, V), channel 1 = occupied.
        voxels: (B, V, V, V), 0/1.
    """
    # softmax(a, b)[1] >= t  <=>  b - a >= log(t / (1 - t))
    margin = logits.slice_axis(axis=1, begin=1, end=2) - logits.slice_axis(axis=1, begin=0, end=1)
    predicted = (margin >= math.log(threshold / (1 - threshold))).reshape((len(logits), -1))
    truth = voxels.astype(predicted.dtype).reshape((len(voxels), -1))
    intersection = (predicted * truth).sum(axis=1)
    union = nd.broadcast_maximum(predicted, truth).sum(axis=1)
    return nd.where(union == 0, nd.ones_like(union), intersection / nd.broadcast_maximum(union, nd.ones_like(union)))
