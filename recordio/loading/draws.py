"""Loading: all random numbers, each a function of (seed, epoch, what it is for, index) and of nothing else.

The words are those of the counter-based generator Philox-4x64-10 (Salmon et al., Parallel random numbers: as easy as
1, 2, 3, 2011), keyed by the seed with (purpose, index, epoch) as the counter: streams cannot overlap, and none depends
on what was drawn before. All of it is compiled, so that the loader's threads draw outside the interpreter lock.
"""
from __future__ import annotations

import hashlib

import numpy as np

from recordio.geometry.compiled import compiled

# purposes; the index is 0, the batch, the sample's place in the data set or the number of its key
ORDER, VIEW_NUMBER, SAMPLE, PICTURES, REPLACEMENT = range(5)

# numba makes float64 of a uint64 and an int64, so every number that meets a word is a uint64
_MULTIPLIERS = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
_STEPS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)  # of the two keys, per round
_HALF, _LOW, _MANTISSA = np.uint64(32), np.uint64(0xFFFFFFFF), np.uint64(11)
ROUNDS = 10


def words(seed: int, epoch: int, purpose: int, index: int, count: int) -> np.ndarray:
    """(count,) uint64; a longer call begins with the words of a shorter one."""
    out = np.empty(count, np.uint64)
    fill_words(np.uint64(seed % (1 << 64)), epoch, purpose, index, out)
    return out


@compiled
def fill_words(seed, epoch, purpose, index, out):
    """Fill *out* with the first words of a stream; *seed* is a uint64."""
    for block in range((len(out) + 3) // 4):
        # counter (block + 1, purpose, index, epoch), key (seed, 0): as numpy.random.Philox counts
        a, b, c, d = np.uint64(block + 1), np.uint64(purpose), np.uint64(index), np.uint64(epoch)
        first, second = np.uint64(seed), np.uint64(0)
        for _ in range(ROUNDS):
            a, b, c, d = (_high(_MULTIPLIERS[1], c) ^ b ^ first, _MULTIPLIERS[1] * c,
                          _high(_MULTIPLIERS[0], a) ^ d ^ second, _MULTIPLIERS[0] * a)
            first += _STEPS[0]
            second += _STEPS[1]
        for place, word in enumerate((a, b, c, d)):
            if 4 * block + place < len(out):
                out[4 * block + place] = word


@compiled
def _high(a, b):
    """The upper 64 bits of the product of two uint64."""
    middle = (a >> _HALF) * (b & _LOW) + ((a & _LOW) * (b & _LOW) >> _HALF)
    other = (a & _LOW) * (b >> _HALF) + (middle & _LOW)
    return (a >> _HALF) * (b >> _HALF) + (middle >> _HALF) + (other >> _HALF)


@compiled
def integer(word, low, high):
    """A uniform integer low..high, both included, from a uint64 word."""
    return np.int64((word >> _HALF) * np.uint64(high - low + 1) >> _HALF) + low


@compiled
def symmetric(word):
    """A uniform float64 in [-1, 1) from a uint64 word."""
    return np.float64(word >> _MANTISSA) * 2.0 ** -52 - 1.0


def order(seed: int, epoch: int, count: int) -> np.ndarray:
    """A random permutation of range(count), int64."""
    return np.argsort(words(seed, epoch, ORDER, 0, count), kind="stable")


def view_number(seed: int, epoch: int, batch: int, low: int, high: int) -> int:
    """How many views the batch has: uniform, low..high both included."""
    return int(integer(words(seed, epoch, VIEW_NUMBER, batch, 1)[0], low, high))


def replacement(seed: int, epoch: int, index: int, attempt: int, count: int) -> int:
    """The sample of *count* that is tried in place of the bad sample *index*, at the given attempt."""
    return int(integer(words(seed, epoch, REPLACEMENT, index, attempt + 1)[attempt], 0, count - 1))


def number_of(key: str) -> int:
    """A number below 2^63 that stands for the sample *key* wherever it lies, in place of its place in a data set."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little") >> 1
