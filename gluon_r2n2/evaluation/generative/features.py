"""Generative measures: voxel grids -> the features that `frechet_distance` compares, of one fixed network.

No trained network of 3D shapes comes with this project that others would have too, so the features are those of
random convolutions that never change: what matters is that they are the same for everybody, and that shapes which
differ in their parts, in thickness or in layout differ in them. They are a choice of this project; distances between
them compare with no others.
"""
from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

EDGE = 32  # voxels, of what the network sees
KERNEL, STRIDE, PADDING = 4, 2, 1
CHANNELS = (8, 8, 16)  # of the maps of 16^3, 8^3 and 4^3
SEED = 2016


def feature_weights() -> list:
    """The weights of the three convolutions, (channels, channels before, 4, 4, 4) float64.

    Normal numbers of `numpy.random.RandomState(2016)`, whose stream NumPy has frozen, drawn layer by layer and scaled
    so that the values keep their size (He et al., ICCV 2015); there is no bias.
    """
    random, weights, before = np.random.RandomState(SEED), [], 1
    for channels in CHANNELS:
        fan_in = before * KERNEL ** 3
        weights.append(random.standard_normal((channels, before) + (KERNEL,) * 3) * np.sqrt(2 / fan_in))
        before = channels
    return weights


def shape_features(grids: np.ndarray) -> np.ndarray:
    """Voxel grids (n, V, V, V) -> features (n, 64) float64.

    A grid is brought to 32^3 first: a larger one by means over cubes of voxels, a smaller one by repetition. Then come
    three convolutions (kernel 4, stride 2, zero padding 1, weights of `feature_weights`), each followed by ReLU; the
    features are, stage by stage, the mean of each map and then the maximum of each map. A grid's features are the same
    bits whichever grids are beside it.

    Args:
        grids: occupancy, bool or 0..1; V = 16, 32, 64 or 128.

    Raises:
        ValueError: no cubes, or of an edge that neither divides 32 nor is divided by it.
    """
    edge = grids.shape[-1]
    if grids.ndim != 4 or len(set(grids.shape[1:])) != 1 or not edge or max(edge, EDGE) % min(edge, EDGE):
        raise ValueError(f"wanted grids (n, V, V, V) of 16, 32, 64 or 128 voxels, got the shape {grids.shape}")
    # as matrices: (channels before * 64, channels)
    weights = [weight.reshape(len(weight), -1).T for weight in feature_weights()]
    rows = [_features(_resized(grid), weights) for grid in grids]
    return np.stack(rows) if rows else np.empty((0, 2 * sum(CHANNELS)))


def _features(grid: np.ndarray, weights) -> np.ndarray:
    maps, found = grid[None], []  # (C, D, D, D)
    for weight in weights:
        padded = np.pad(maps, [(0, 0)] + [(PADDING, PADDING)] * 3)
        windows = sliding_window_view(padded, (KERNEL,) * 3, axis=(1, 2, 3))[:, ::STRIDE, ::STRIDE, ::STRIDE]
        size = windows.shape[1]
        patches = windows.transpose(1, 2, 3, 0, 4, 5, 6).reshape(size ** 3, -1)  # (places, C * 64)
        values = np.maximum(patches @ weight, 0)  # (places, C')
        found += [values.mean(axis=0), values.max(axis=0)]
        maps = values.T.reshape(-1, size, size, size)
    return np.concatenate(found)


def _resized(grid: np.ndarray) -> np.ndarray:
    """(V, V, V) -> (32, 32, 32) float64."""
    grid, edge = np.asarray(grid, np.float64), len(grid)
    if edge > EDGE:
        step = edge // EDGE
        return grid.reshape(EDGE, step, EDGE, step, EDGE, step).mean(axis=(1, 3, 5))
    step = EDGE // edge
    return grid.repeat(step, axis=0).repeat(step, axis=1).repeat(step, axis=2)
