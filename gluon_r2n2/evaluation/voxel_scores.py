"""Evaluation: probabilities and true voxels -> cross-entropy, average precision and the precision-recall curve.

Definitions are in docs/evaluation.md. Every object is measured alone and pooled numbers are integer counts, so that
nothing depends on the batch size or on the order of the objects.
"""
from __future__ import annotations

from typing import List, NamedTuple, Sequence, Tuple

import numpy as np

from gluon_r2n2.evaluation.samples import samples

# float32 tells a probability from 1 no better than this; also where scikit-learn's log_loss clips float32
CLIP = float(np.finfo(np.float32).eps)  # 1.2e-7, so that one voxel costs at most 15.9
CURVE = np.arange(101) / 100  # the thresholds of the curve that is handed out


def _levels() -> np.ndarray:
    """The thresholds that pooled voxels are counted at, ascending float32 from 0 to 1; they hold CURVE.

    Even steps of the probability and, for networks that are sure of themselves, even steps of the log-odds over the
    range of float32: pooled average precision of a trained network is then about 2e-4 from the exact one, also with all
    logits times 8. Where all logits lie within a few of these steps of 0.02 it is not: docs/evaluation.md has figures.
    """
    odds = np.arange(-5000, 850) / 50  # log-odds -100 .. 17
    return np.unique(np.concatenate([np.arange(2001) / 2000, 1 / (1 + np.exp(-odds))]).astype(np.float32))


LEVELS = _levels()


class PrecisionRecall(NamedTuple):
    """Precision and recall of all voxels of all objects together, (101,) float64 each."""

    thresholds: np.ndarray  # ascending; a voxel is predicted from its threshold on
    precision: np.ndarray  # 1 where nothing is predicted
    recall: np.ndarray  # 1 where nothing is there to be found


class VoxelScores:
    """A watcher of `gluon_r2n2.evaluation.evaluate`: collects the scores of n objects at W view counts.

    A grid of 32^3 costs about 1 ms per view count. Memory: two numbers per object and view count, and the counts.

    Args:
        views: the view counts, as given to `evaluate`.
    """

    def __init__(self, views: Sequence[int]):
        self.views = tuple(views)
        self._rows: List[List[Tuple[float, float]]] = []
        self._predicted = np.zeros((len(self.views), len(LEVELS)), np.int64)  # voxels from each level on
        self._hits = np.zeros_like(self._predicted)  # those of them that are occupied in truth

    def __call__(self, batch, occupied: Sequence[np.ndarray]) -> None:
        """Measure a batch: *occupied* holds (B, V, V, V) per view count.

        Raises:
            ModelError: sizes that differ, or probabilities that are NaN or outside 0..1; no score is made up.
        """
        for sample in samples(batch, occupied, self.views):
            row = []
            for column, grid in enumerate(sample.occupied):
                every, true = np.sort(grid, axis=None), np.sort(grid[sample.truth])
                self._predicted[column] += _reaching(every, LEVELS)
                self._hits[column] += _reaching(true, LEVELS)
                row.append((cross_entropy(grid, sample.truth), _average_precision(every, true)))
            self._rows.append(row)

    @property
    def cross_entropy(self) -> np.ndarray:
        """(n, W) float64, in nats per voxel, in the order in which the objects came."""
        return self._table()[..., 0]

    @property
    def average_precision(self) -> np.ndarray:
        """(n, W) float64, 0..1, exact within each object."""
        return self._table()[..., 1]

    def precision_recall(self, view_count: int) -> PrecisionRecall:
        """The curve over all voxels of all objects at the thresholds 0.00, 0.01, ... 1.00; its counts are exact."""
        precision, recall = self._curve(view_count)
        at = np.searchsorted(LEVELS, CURVE.astype(np.float32))
        return PrecisionRecall(CURVE.copy(), precision[at], recall[at])

    def pooled_average_precision(self, view_count: int) -> float:
        """Average precision over all voxels of all objects, each probability rounded down to the next of LEVELS."""
        precision, recall = self._curve(view_count)
        if not self._hits[self.views.index(view_count), 0]:
            return 0.0  # nothing is occupied, as for a single object
        return float(-(np.diff(recall, append=0.0) * precision).sum())

    def _curve(self, view_count: int) -> Tuple[np.ndarray, np.ndarray]:
        """Precision and recall at LEVELS."""
        column = self.views.index(view_count)
        predicted, hits = self._predicted[column], self._hits[column]
        precision = np.where(predicted == 0, 1.0, hits / np.maximum(predicted, 1))
        return precision, np.where(hits[0] == 0, 1.0, hits / max(hits[0], 1))  # at level 0 all voxels are predicted

    def _table(self) -> np.ndarray:
        return np.array(self._rows, np.float64).reshape(len(self._rows), len(self.views), 2)


def cross_entropy(occupied: np.ndarray, truth: np.ndarray) -> float:
    """Mean over the voxels of one object of -ln(probability given to the truth), the probability clipped by CLIP.

    Args:
        occupied: probabilities of being occupied, any shape.
        truth: bool, of that shape.
    """
    clipped = occupied.astype(np.float64).clip(CLIP, 1 - CLIP)
    return float(-np.log(np.where(truth, clipped, 1 - clipped)).mean())


def average_precision(occupied: np.ndarray, truth: np.ndarray) -> float:
    """Average precision over the voxels of one object, as scikit-learn's average_precision_score; 0 for empty truth.

    Args:
        occupied: probabilities of being occupied, any shape.
        truth: bool, of that shape.
    """
    return _average_precision(np.sort(occupied, axis=None), np.sort(occupied[truth]))


def _average_precision(every: np.ndarray, true: np.ndarray) -> float:
    """From the sorted probabilities of all voxels and of the occupied ones.

    The sum over thresholds of (gain in recall) * precision is the mean, over the occupied voxels, of the precision at
    each one's own probability; equal probabilities come out as one threshold.
    """
    if not len(true):
        return 0.0
    return float((_reaching(true, true) / _reaching(every, true)).mean())


def _reaching(ascending: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """How many of the sorted values are >= each of *levels*."""
    return len(ascending) - np.searchsorted(ascending, levels, side="left")
