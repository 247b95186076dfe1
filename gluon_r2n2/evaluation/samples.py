"""Evaluation: a batch and its probabilities -> its objects one by one, checked before anything is measured on them."""
from __future__ import annotations

from typing import Iterator, List, NamedTuple, Sequence

import numpy as np

from gluon_r2n2.errors import ModelError


class Sample(NamedTuple):
    """One object."""

    key: str  # `synset/model_id`
    truth: np.ndarray  # (V, V, V) bool
    occupied: List[np.ndarray]  # per view count: (V, V, V) float32, the probability of being occupied


def samples(batch, occupied: Sequence[np.ndarray], views: Sequence[int]) -> Iterator[Sample]:
    """Yield the objects of what `gluon_r2n2.evaluation.evaluate` hands to its watchers.

    Args:
        batch: with keys and voxels (B, V, V, V), 0/1; may hold more objects than *occupied*.
        occupied: per view count, (B, V, V, V).
        views: the view counts, for the messages.

    Raises:
        ModelError: sizes that differ, or probabilities that are NaN or outside 0..1.
    """
    if len(occupied) != len(views):
        raise ValueError(f"wanted probabilities for the view counts {list(views)}, got them for {len(occupied)}")
    for place in range(len(occupied[0])):
        key, truth = batch.keys[place], np.asarray(batch.voxels[place]).astype(bool)
        grids = [np.asarray(each[place], np.float32) for each in occupied]
        for count, grid in zip(views, grids):
            seen = f" after {count} view{'s' * (count > 1)}" if count else ""  # 0: no view was looked at
            _check(f"object {key}{seen}", grid, truth)
        yield Sample(key, truth, grids)


def _check(what: str, grid: np.ndarray, truth: np.ndarray) -> None:
    if grid.shape != truth.shape:
        raise ModelError(f"{what}: wanted a predicted grid of the truth's shape {truth.shape}, got {grid.shape}; "
                         "evaluate on data of the network's voxel size")
    low, high = float(grid.min()), float(grid.max())  # both NaN if any value is
    if np.isnan(low):
        raise ModelError(f"{what}: the predicted probabilities hold NaN; the network has diverged, take an earlier "
                         "checkpoint")
    if low < 0 or high > 1:
        raise ModelError(f"{what}: wanted probabilities from 0 to 1, got values from {low:g} to {high:g}; hand over "
                         "probabilities, not logits")
