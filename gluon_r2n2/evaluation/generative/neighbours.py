"""Generative measures: a matrix of distances -> coverage, minimum matching distance, 1-nearest-neighbour accuracy.

Rows are n samples, columns m references; the distance is 1 - IoU or a Chamfer distance, any number >= 0.
"""
from __future__ import annotations

from typing import NamedTuple, Tuple

import numpy as np


class TwoSampleAccuracy(NamedTuple):
    """How often the nearest neighbour of a shape is of its own set."""

    both: float  # of all shapes, the usual figure
    samples: float
    references: float


def nearest(distances: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """The nearest reference of each sample (the first of equals): (n, m) -> indices (n,), distances (n,).

    Raises:
        ValueError: as `coverage`.
    """
    distances = _checked(distances)
    indices = distances.argmin(axis=1)
    return indices, distances[np.arange(len(distances)), indices]


def coverage(distances: np.ndarray) -> float:
    """The share of the references that are the nearest one of at least one sample: (n, m) -> 0..1.

    Low where the samples are few shapes over and over (mode collapse). At most n / m, and below 1 for a perfect
    generator as well: of two sets of equal size from one distribution, some members are nobody's nearest. It does not
    say how near (`minimum_matching_distance` does).

    Raises:
        ValueError: no matrix, one without rows or columns, or one that holds NaN.

    Source: Achlioptas et al., ICML 2018.
    """
    return len(np.unique(nearest(distances)[0])) / distances.shape[1]


def minimum_matching_distance(distances: np.ndarray) -> float:
    """The mean, over the references, of the distance to the nearest sample: (n, m) -> a distance.

    Raises:
        ValueError: as `coverage`.

    Source: Achlioptas et al., ICML 2018.
    """
    return float(_checked(distances).min(axis=0).mean())


def two_sample_accuracy(between: np.ndarray, samples: np.ndarray, references: np.ndarray) -> TwoSampleAccuracy:
    """How often a shape's nearest neighbour, itself left out, is of its own set (1-NNA): 0.5 is the ideal.

    1: the sets are told apart without a fault; below 0.5: the samples are nearer to the references than those to each
    other, as copies of them are. A shape with as near neighbours in both sets counts one half. Look at both halves: of
    samples that are all far from each other, as noise is by IoU, each has a reference for a neighbour, and 0 of the
    samples and 1 of the references make 0.5 as well.

    Args:
        between: (n, n) distances of samples and as many references; of unequal sets 0.5 would not be the ideal.
        samples: (n, n) distances of the samples to each other; the diagonal is not looked at.
        references: (n, n) of the references.

    Raises:
        ValueError: matrices of different size, or of one shape only; else as `coverage`.

    Source: Lopez-Paz and Oquab, ICLR 2017; as a measure of shapes Yang et al. (PointFlow), ICCV 2019.
    """
    count = len(between)
    if count < 2 or not between.shape == samples.shape == references.shape == (count, count):
        raise ValueError("wanted three square matrices of one size, for at least 2 samples and as many references, got "
                         f"{between.shape}, {samples.shape} and {references.shape}")
    right = []
    for own, other in ((samples, between), (references, between.T)):
        own = np.where(np.eye(count, dtype=bool), np.inf, _checked(own)).min(axis=1)
        other = _checked(other).min(axis=1)
        right.append((own < other) + 0.5 * (own == other))
    return TwoSampleAccuracy(float(np.mean(right)), *(float(half.mean()) for half in right))


def _checked(distances: np.ndarray) -> np.ndarray:
    if distances.ndim != 2 or not distances.size or np.isnan(distances).any():
        raise ValueError("wanted distances (samples, references), at least one of each and none NaN, got the shape "
                         f"{distances.shape}")
    return distances
