"""What a network must beat: the mean shape of the training objects, and the mean shape of the true class."""
from __future__ import annotations

import dataclasses
from typing import Dict, Iterable, Iterator, Optional, Sequence, Tuple

import numpy as np

from gluon_r2n2.evaluation.sweep import Evaluation
from gluon_r2n2.metrics import voxel_counts

NO_VIEWS = 0  # the view count of an evaluation that looks at no image


@dataclasses.dataclass(frozen=True)
class MeanShapes:
    """The share of training objects that occupy each voxel, (V, V, V) float64 in 0..1."""

    overall: np.ndarray
    by_class: Dict[str, np.ndarray]  # synset -> share within the class

    def of(self, synset: Optional[str] = None) -> np.ndarray:
        """The mean shape of a class; of all objects where no class is named or none of it was trained on."""
        return self.by_class.get(synset, self.overall)


def mean_shapes(objects: Iterable[Tuple[str, np.ndarray]]) -> MeanShapes:
    """Average the voxels of *objects*, pairs of synset and (V, V, V) bool; every object weighs the same."""
    counts: Dict[str, int] = {}
    sums: Dict[str, np.ndarray] = {}
    for synset, voxels in objects:
        counts[synset] = counts.get(synset, 0) + 1
        sums[synset] = sums.get(synset, 0) + voxels.astype(np.int64)
    overall = sum(sums.values()) / sum(counts.values())
    return MeanShapes(overall, {synset: total / counts[synset] for synset, total in sums.items()})


def evaluate_shapes(shapes: MeanShapes, keys: Sequence[str], objects: Iterable[Tuple[str, np.ndarray]], *,
                    thresholds: Sequence[float], know_class: bool) -> Evaluation:
    """Count the voxels of the mean shape against every object, as `evaluate` does for a network.

    Args:
        keys: of the objects.
        objects: pairs of synset and (V, V, V) bool.
        know_class: take the mean shape of the object's true class; else the overall one.
    """
    synsets, intersections, unions = [], [], []
    for synset, voxels in objects:
        shape = shapes.of(synset if know_class else None)
        counts = voxel_counts(shape[None], voxels[None], thresholds=thresholds)
        synsets.append(synset)
        intersections.append(counts.intersection)  # (1, K): the row is the view axis of the result
        unions.append(counts.union)
    return Evaluation(tuple(keys), tuple(synsets), (NO_VIEWS,), tuple(thresholds),
                      np.stack(intersections), np.stack(unions))


def objects_of(dataset) -> Iterator[Tuple[str, np.ndarray]]:
    """Pairs of synset and voxels of a data set that has ``class_ids`` and ``voxels(index)``; no view is decoded."""
    for index, synset in enumerate(dataset.class_ids):
        yield synset, dataset.voxels(index)
