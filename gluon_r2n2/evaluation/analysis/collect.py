"""Error analysis, first step: watchers of a sweep (`evaluate(..., watch=...)`) that collect what the findings need."""
from __future__ import annotations

from typing import List, Optional, Sequence

import numpy as np

from gluon_r2n2.evaluation.baselines import MeanShapes
from gluon_r2n2.evaluation.sweep import THRESHOLD_VIEWS
from gluon_r2n2.metrics import iou


def analysed_views(views: Sequence[int]) -> int:
    """The view count that is analysed: THRESHOLD_VIEWS, or the measured one nearest to it (the lower of equals)."""
    return min(views, key=lambda count: (abs(count - THRESHOLD_VIEWS), count))


class Seen:
    """A watcher of what each of n samples is and shows: its true occupancy, and which views the network was given."""

    def __init__(self) -> None:
        self._occupancy: List[np.ndarray] = []
        self._views: List[np.ndarray] = []

    def __call__(self, batch, occupied: Sequence[np.ndarray]) -> None:
        count = len(occupied[0])  # a limited sweep evaluates less than its last batch
        voxels = batch.voxels[:count].reshape(count, -1)  # (B, V, V, V) -> (B, V^3)
        self._occupancy.append(np.count_nonzero(voxels, axis=1) / voxels.shape[1])
        if getattr(batch, "views", None) is not None:  # predictions from files were made of no known views
            self._views.append(np.array(batch.views[:count], np.int64))  # a copy: the loader uses its batches again

    @property
    def occupancy(self) -> np.ndarray:
        """(n,) float64, the share of the cells that the truth occupies, 0..1."""
        return np.concatenate(self._occupancy)

    @property
    def views(self) -> Optional[np.ndarray]:
        """(n, T) int64, which stored view the network was given first, second, ...; None where batches do not say."""
        return np.concatenate(self._views) if self._views else None


class NearestShapes:
    """A watcher of how like each prediction and each truth is to the mean training shape of every class.

    A mean shape is made of cells, like a prediction, by the threshold of the `class_mean` baseline; likeness is the
    IoU of two sets of cells. So the likeness of a truth to its own class is the baseline's IoU on that object.

    Args:
        shapes: of the training objects.
        views: the view counts of the sweep, of which `analysed_views` is watched.
        threshold: makes cells of the predicted probabilities.
        shape_threshold: makes cells of the mean shapes.

    Attributes:
        columns: C synsets, sorted.
        view_count: the one that is watched.
    """

    def __init__(self, shapes: MeanShapes, views: Sequence[int], *, threshold: float, shape_threshold: float):
        self.columns = tuple(sorted(shapes.by_class))
        self.view_count = analysed_views(views)
        self.shape_threshold = shape_threshold
        self._place, self._threshold = list(views).index(self.view_count), np.float32(threshold)
        # the last row, the mean shape of all classes, stands in for a class without training objects (MeanShapes.of)
        means = [shapes.of(synset).ravel() for synset in self.columns] + [shapes.of().ravel()]
        self._shapes = _cells(np.stack(means), np.float32(shape_threshold))  # (C + 1, V^3)
        self._predictions: List[np.ndarray] = []
        self._truths: List[np.ndarray] = []
        self._baseline: List[np.ndarray] = []

    def __call__(self, batch, occupied: Sequence[np.ndarray]) -> None:
        prediction = occupied[self._place]
        count = len(prediction)
        truth = self._likeness(_cells(batch.voxels[:count].reshape(count, -1), np.float32(0.5)))  # (B, C + 1)
        own = [self.columns.index(synset) if synset in self.columns else len(self.columns)
               for synset in batch.synsets[:count]]
        self._predictions.append(self._likeness(_cells(prediction.reshape(count, -1), self._threshold))[:, :-1])
        self._truths.append(truth[:, :-1])
        self._baseline.append(truth[np.arange(count), own])

    def _likeness(self, cells: np.ndarray) -> np.ndarray:
        """IoU of every row of (B, V^3) with every mean shape, (B, C + 1) float64."""
        # sums of ones in float32 are exact up to 2^24 cells, so that the fast matrix product counts
        intersection = (cells @ self._shapes.T).astype(np.float64)
        union = cells.sum(axis=1, dtype=np.float64)[:, None] + self._shapes.sum(axis=1, dtype=np.float64) - intersection
        return iou(intersection, union)

    @property
    def prediction(self) -> np.ndarray:
        """(n, C) float64, likeness of the predictions."""
        return np.concatenate(self._predictions)

    @property
    def truth(self) -> np.ndarray:
        """(n, C) float64, likeness of the true shapes."""
        return np.concatenate(self._truths)

    @property
    def baseline(self) -> np.ndarray:
        """(n,) float64, likeness of each true shape to the mean of its own class; of all where that has none."""
        return np.concatenate(self._baseline)


def _cells(values: np.ndarray, threshold: np.float32) -> np.ndarray:
    """Ones where *values* reach the threshold, compared as float32 as `voxel_counts` does; float32."""
    return (values.astype(np.float32, copy=False) >= threshold).astype(np.float32)
