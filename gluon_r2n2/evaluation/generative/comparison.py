"""Generative measures: a set of made-up shapes and a set of real ones -> all that is measured between the two."""
from __future__ import annotations

import functools
from typing import Any, Callable, Dict, Iterable, Sequence, Tuple

import numpy as np
from scipy import ndimage

from gluon_r2n2.evaluation.generative.chamfer import pairwise_chamfer, surface_points
from gluon_r2n2.evaluation.generative.features import shape_features
from gluon_r2n2.evaluation.generative.frechet import frechet_distance
from gluon_r2n2.evaluation.generative.neighbours import (
    coverage,
    minimum_matching_distance,
    nearest,
    two_sample_accuracy,
)
from gluon_r2n2.evaluation.generative.overlaps import pairwise_iou

DISTANCES = ("iou", "chamfer")  # 1 - IoU, and the squared Chamfer distance
Progress = Callable[[Sequence], Iterable]


class Shapes:
    """n shapes and what their comparison needs of them, each worked out once, when it is first asked for.

    Args:
        grids: (n, V, V, V) bool.
        points: on each surface.
        seed: of the points; one of its own for every set.
        workers: threads that Chamfer distances are worked out by.
    """

    def __init__(self, grids: np.ndarray, *, points: int = 1000, seed: Sequence[int] = (0,), workers: int = 1):
        self.grids, self._count, self._seed, self._workers = grids, points, seed, workers
        self._own: Dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.grids)

    @functools.cached_property
    def points(self):
        """Of each surface, (points, 3)."""
        return surface_points(self.grids, points=self._count, seed=self._seed)

    @functools.cached_property
    def features(self) -> np.ndarray:
        """(n, d) of `shape_features`."""
        return shape_features(self.grids)

    def distances(self, others: Shapes, kind: str, progress: Progress = iter) -> np.ndarray:
        """(n, m) distances of one of DISTANCES to m others, or to these themselves."""
        if kind == "iou":
            return 1 - pairwise_iou(self.grids, others.grids)
        return pairwise_chamfer(self.points, others.points, workers=self._workers, progress=progress)

    def own(self, kind: str, progress: Progress = iter) -> np.ndarray:
        """(n, n) distances of the shapes to each other."""
        if kind not in self._own:  # of references, it serves every set that is compared with them
            self._own[kind] = self.distances(self, kind, progress)
        return self._own[kind]


def compare_shapes(samples: Shapes, references: Shapes, *, progress: Progress = iter
                   ) -> Tuple[Dict[str, Any], Dict[str, np.ndarray]]:
    """Measure n samples against m references.

    Returns:
        the numbers of the set: ``frechet``, and by name of the distance ``coverage``, ``minimum_matching_distance``
        and ``two_sample_accuracy`` (``both``, ``samples`` and ``references``, of the first min(n, m)); and those of
        each sample: ``reference_iou`` and ``reference_chamfer``, the place of its nearest reference, and
        ``distance_iou`` and ``distance_chamfer``.
    """
    total: Dict[str, Any] = {"frechet": frechet_distance(samples.features, references.features),
                             "coverage": {}, "minimum_matching_distance": {}, "two_sample_accuracy": {}}
    each: Dict[str, np.ndarray] = {}
    equal = slice(min(len(samples), len(references)))
    for kind in DISTANCES:
        between = samples.distances(references, kind, progress)
        own = samples.own(kind, progress)
        total["coverage"][kind] = coverage(between)
        total["minimum_matching_distance"][kind] = minimum_matching_distance(between)
        total["two_sample_accuracy"][kind] = two_sample_accuracy(
            between[equal, equal], own[equal, equal], references.own(kind, progress)[equal, equal])._asdict()
        each[f"reference_{kind}"], each[f"distance_{kind}"] = nearest(between)
    return total, each


def nearest_of(grids: np.ndarray, blocks: Iterable[Tuple[Sequence[str], np.ndarray]]) -> Tuple[list, np.ndarray]:
    """The shape with the highest IoU (the first of equals) for each of n grids: its key, and the IoU (n,).

    Args:
        grids: (n, V, V, V) bool.
        blocks: what is searched, in parts: keys and grids (m, V, V, V) bool.
    """
    keys, best = [""] * len(grids), np.full(len(grids), -1.0)
    for names, part in blocks:
        ious = pairwise_iou(grids, part)
        places = ious.argmax(axis=1)
        for row in np.flatnonzero(ious[np.arange(len(grids)), places] > best):
            keys[row], best[row] = names[places[row]], ious[row, places[row]]
    return keys, best


def solidity(grids: np.ndarray) -> Dict[str, np.ndarray]:
    """Of each of n grids (V, V, V): ``occupied`` voxels, ``parts`` that share no face, and ``largest_part``, the share
    of the occupied voxels that is in the largest of them (0 of an empty grid)."""
    rows = []
    for grid in grids:
        labels, parts = ndimage.label(grid)  # six neighbours
        sizes = np.bincount(labels.ravel())[1:]
        rows.append((sizes.sum(), parts, sizes.max() / sizes.sum() if parts else 0.0))
    return {name: np.array([row[place] for row in rows])
            for place, name in enumerate(("occupied", "parts", "largest_part"))}
