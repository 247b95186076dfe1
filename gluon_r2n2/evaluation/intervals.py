"""Evaluation: values per object -> bootstrap intervals of their micro, macro and class means."""
from __future__ import annotations

import dataclasses
from typing import Dict, Sequence

import numpy as np

BLOCK = 2 ** 21  # numbers drawn at a time, 16 MiB


@dataclasses.dataclass(frozen=True)
class Intervals:
    """Lower and upper ends along the last axis: (..., 2) float64 for values of shape (n, ...)."""

    micro: np.ndarray
    macro: np.ndarray
    classes: Dict[str, np.ndarray]  # by synset; a class of one object has an interval of width 0


def bootstrap_means(values: np.ndarray, synsets: Sequence[str], *, resamples: int = 2000, level: float = 0.95,
                    seed: int = 0) -> Intervals:
    """Percentile bootstrap intervals (Efron 1979) of the means that `gluon_r2n2.metrics.mean_iou` gives.

    micro draws from all objects, each class from its own, and macro is the mean of the drawn classes' means. For two
    runs on the same objects, the values are the differences. The columns of *values* are independent of each other:
    each is sorted before anything is drawn, so that the result depends neither on the order of the objects nor on
    which other columns, or classes, are there.

    Args:
        values: (n, ...) finite numbers, a row per object.
        synsets: n class ids.
        resamples: sets of objects drawn.
        level: the share of drawn means that an interval holds.
        seed: of the draws.

    Raises:
        ValueError: no values, values that are not finite, sizes that differ, or a level outside 0..1.
    """
    values, synsets = np.asarray(values, np.float64), np.asarray(synsets)
    if not len(values) or len(values) != len(synsets):
        raise ValueError(f"wanted a value and a class id for each of at least one object, got {len(values)} values "
                         f"and {len(synsets)} class ids")
    if not np.isfinite(values).all():
        raise ValueError("wanted finite values, got NaN or infinity among them")
    if not 0 < level < 1 or resamples < 1:
        raise ValueError(f"wanted a level between 0 and 1 and at least one resample, got {level} and {resamples}")

    micro = _drawn_means(values, resamples, np.random.default_rng([seed]))
    # the name is part of the seed: a class's draws are its own, whichever classes are there
    by_class = {str(name): _drawn_means(values[synsets == name], resamples,
                                        np.random.default_rng([seed, *str(name).encode()]))
                for name in np.unique(synsets)}
    macro = np.mean(list(by_class.values()), axis=0)  # (resamples, ...)
    return Intervals(_interval(micro, level), _interval(macro, level),
                     {name: _interval(means, level) for name, means in by_class.items()})


def _drawn_means(values: np.ndarray, resamples: int, rng: np.random.Generator) -> np.ndarray:
    """Means of as many values drawn with replacement as there are, (n, ...) -> (resamples, ...)."""
    count, shape = len(values), values.shape[1:]
    columns = np.sort(values.reshape(count, -1), axis=0).T.copy()  # (n, ...) -> (C, n)
    step = max(1, BLOCK // columns.size)
    means = []
    for start in range(0, resamples, step):
        places = rng.integers(0, count, (min(step, resamples - start), count))
        # `take`, unlike an index, keeps the draws of one mean together in memory: the sum has one order for any C
        means.append(columns.take(places, axis=1).mean(axis=2))  # (C, step, n) -> (C, step)
    return np.concatenate(means, axis=1).T.reshape(resamples, *shape)


def _interval(means: np.ndarray, level: float) -> np.ndarray:
    """The middle *level* of (resamples, ...) as (..., 2)."""
    ends = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)  # (2, ...)
    return np.moveaxis(ends, 0, -1)
