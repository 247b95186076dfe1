"""Generative measures: two sets of voxel grids -> points on their surfaces -> the Chamfer distance of every pair."""
from __future__ import annotations

from typing import Callable, Iterable, List, Sequence

import numpy as np
from scipy.spatial import cKDTree

from gluon_r2n2.evaluation.surface_scores import DIAGONAL, sample_surface
from gluon_r2n2.surfaces import marching_mesh

WORST = 2 * DIAGONAL ** 2  # of a shape without a surface to one with


def surface_points(grids: np.ndarray, *, points: int = 1000, seed: Sequence[int] = (0,)) -> List[np.ndarray]:
    """Points on the surface of each of n grids, drawn evenly by area: n arrays (points, 3), (0, 3) of an empty one.

    Lengths are in edges of the grid, the frame is that of `marching_mesh`.

    Args:
        grids: (n, V, V, V) occupancy, bool; the surface is halfway between a full and an empty cell.
        points: on each surface.
        seed: of the points, together with the place of the grid in *grids*. Sets that are compared want seeds of their
            own: with the same points, two equal surfaces would be nearer than two draws from one surface ever are.
    """
    return [sample_surface(marching_mesh(grid), points, np.random.default_rng([*seed, place])).points
            for place, grid in enumerate(grids)]


def pairwise_chamfer(samples: Sequence[np.ndarray], references: Sequence[np.ndarray], *, workers: int = 1,
                     progress: Callable[[Sequence], Iterable] = iter) -> np.ndarray:
    """The squared Chamfer distance of every sample to every reference: n and m sets of points -> (n, m) float64.

    The mean squared distance from a point of one set to the nearest of the other, in both directions, added up:
    `compare_surfaces`'s chamfer_squared (Fan, Su, Guibas, CVPR 2017, with means for sums). Two sets without points are
    at distance 0, one with and one without at WORST.

    Args:
        samples, references: points (p, 3) in the unit cube, as `surface_points` gives them; p may differ.
        workers: threads that search; the numbers are the same.
        progress: wraps the shapes that are gone through, as tqdm does: m and n of them, or n where *references* is
            *samples*.
    """
    there = _directed(samples, references, workers, progress)
    if references is samples:
        return there + there.T
    return there + _directed(references, samples, workers, progress).T


def _directed(sources: Sequence[np.ndarray], targets: Sequence[np.ndarray], workers: int,
              progress: Callable[[Sequence], Iterable]) -> np.ndarray:
    """Mean squared distance from each set's points to the nearest of each target: (n, m)."""
    lengths = np.array([len(points) for points in sources], int)
    full = lengths > 0
    joined = np.concatenate([np.empty((0, 3)), *sources])  # (p_1 + ... + p_n, 3): one query per target
    starts = (np.cumsum(lengths) - lengths)[full]
    result = np.zeros((len(sources), len(targets)))
    for column, target in enumerate(progress(targets)):
        if not len(target):
            result[full, column] = WORST / 2
            continue
        result[~full, column] = WORST / 2
        if full.any():
            tree = cKDTree(target, compact_nodes=False, balanced_tree=False)
            squares = tree.query(joined, workers=workers)[0] ** 2
            result[full, column] = np.add.reduceat(squares, starts) / lengths[full]
    return result
