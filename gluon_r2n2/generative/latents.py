"""Latent vectors, before the generator: drawn from the prior, and the paths between two of them."""
from __future__ import annotations

from typing import Callable, Dict

import numpy as np

from gluon_r2n2.errors import ModelError, unknown_name
from gluon_r2n2.generative.config import GenerativeConfig

LEAST_SINE = 1e-12  # of the angle between two vectors, below which no great circle through both stands out


def draw_latents(config: GenerativeConfig, count: int, rng: np.random.Generator) -> np.ndarray:
    """Latent vectors (count, L) float32 from the prior of a network; more of them begin with the same ones."""
    shape = (count, config.latent)
    if config.prior == "uniform":
        return rng.random(shape, np.float32)
    return rng.standard_normal(shape, np.float32)


def linear(first: np.ndarray, second: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The straight line: vectors (L,) each and places (n,) from 0 to 1 -> (n, L) float64."""
    at = np.asarray(at, np.float64)[:, None]
    return (1 - at) * np.asarray(first, np.float64) + at * np.asarray(second, np.float64)


def spherical(first: np.ndarray, second: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Along the great circle: vectors (L,) each and places (n,) from 0 to 1 -> (n, L) float64.

    The direction turns at constant speed and the length goes linearly from one's to the other's, so that unit vectors
    stay unit vectors. Samples of a standard normal of L numbers nearly all have a length near sqrt(L), which a straight
    line between two of them leaves: its middle is about 0.7 times as long, where the generator has seen next to nothing
    (White, Sampling Generative Networks, 2016). Opposite vectors have a half circle in every plane; the one towards the
    axis along which the first is shortest is taken. A vector of length 0 has no direction: then the line is straight.
    """
    first, second = (np.asarray(each, np.float64) for each in (first, second))
    lengths = np.linalg.norm(first), np.linalg.norm(second)
    if 0 in lengths:
        return linear(first, second, at)
    along, towards = first / lengths[0], second / lengths[1]
    cosine = along @ towards
    across = towards - cosine * along  # its length is the sine of the angle, which an arc cosine loses near 0 and 180
    across -= (across @ along) * along  # where it is short, rounding has left it not quite at a right angle
    sine = np.linalg.norm(across)
    if sine < LEAST_SINE:
        axis = np.eye(len(along))[np.abs(along).argmin()]
        across = axis - (axis @ along) * along
    across /= np.linalg.norm(across) or 1.0  # 0 where there is one dimension only
    at = np.asarray(at, np.float64)[:, None]
    angle = at * np.arctan2(sine, cosine)
    return ((1 - at) * lengths[0] + at * lengths[1]) * (np.cos(angle) * along + np.sin(angle) * across)


PATHS: Dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]] = {"spherical": spherical,
                                                                              "linear": linear}


def path_of(config: GenerativeConfig) -> str:
    """The path that stays where the prior of a network has its samples: 'spherical' for normal, else 'linear'."""
    return "spherical" if config.prior == "normal" else "linear"


def interpolate(first: np.ndarray, second: np.ndarray, steps: int, *, path: str = "spherical") -> np.ndarray:
    """Latent vectors at even places of the way from *first* to *second*.

    Args:
        first, second: (L,) each.
        steps: how many, both ends included; at least 2.
        path: one of PATHS.

    Returns:
        (steps, L) float32; the ends are *first* and *second* to the bit.

    Raises:
        ModelError: an unknown path, fewer than 2 steps, or vectors of different lengths.
    """
    if path not in PATHS:
        raise unknown_name("path", path, PATHS)
    if steps < 2:
        raise ModelError(f"an interpolation wants at least 2 steps, its ends, got {steps}")
    first, second = (np.asarray(each, np.float32) for each in (first, second))
    if first.ndim != 1 or first.shape != second.shape:
        raise ModelError(f"an interpolation wants two latent vectors (L,) of one length, got {first.shape} and "
                         f"{second.shape}")
    way = PATHS[path](first, second, np.linspace(0, 1, steps)).astype(np.float32)
    way[0], way[-1] = first, second  # cos(180 degrees) and the like leave a rounding error
    return way
