"""Loading: all random numbers, each a function of (seed, epoch, what it is for, index) and of nothing else.

The words come from the counter-based generator Philox-4x64, keyed by the seed with (purpose, index, epoch) as the
counter: streams cannot overlap, none depends on what was drawn before, and the integer arithmetic on them below is
ours, so that they stay the same for every NumPy version.
"""
from __future__ import annotations

import numpy as np

ORDER, VIEW_NUMBER, SAMPLE = range(3)  # purposes; the index is 0, the batch, the sample's place in the data set


def words(seed: int, epoch: int, purpose: int, index: int, count: int) -> np.ndarray:
    """(count,) uint64; a longer call begins with the words of a shorter one."""
    generator = np.random.Philox(key=[seed % (1 << 64), 0], counter=[0, purpose, index, epoch])
    return generator.random_raw(count)


def integers(numbers: np.ndarray, low: int, high: int) -> np.ndarray:
    """Uniform integers low..high, both included, from uint64 words; int64 of the same shape."""
    span = np.uint64(high - low + 1)
    return (((numbers >> np.uint64(32)) * span) >> np.uint64(32)).astype(np.int64) + low


def symmetric(numbers: np.ndarray) -> np.ndarray:
    """Uniform float64 in [-1, 1) from uint64 words."""
    return (numbers >> np.uint64(11)) * 2.0 ** -52 - 1.0


def order(seed: int, epoch: int, count: int) -> np.ndarray:
    """A random permutation of range(count), int64."""
    return np.argsort(words(seed, epoch, ORDER, 0, count), kind="stable")


def view_number(seed: int, epoch: int, batch: int, low: int, high: int) -> int:
    """How many views the batch has: uniform, low..high both included."""
    return int(integers(words(seed, epoch, VIEW_NUMBER, batch, 1), low, high)[0])
