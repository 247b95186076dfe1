"""After the network: probabilities (V, V, V) -> a smooth closed triangle mesh, by marching cubes."""
from __future__ import annotations

import numpy as np
import trimesh
from skimage.measure import marching_cubes

from gluon_r2n2.errors import ModelError

# Marching cubes leaves holes where a value lies on the level, and where the four corners of a face tie (saturated
# probabilities 0 and 1 at the threshold 0.5 do): push both sides off the level, by unlike amounts.
INSIDE_PUSH, OUTSIDE_PUSH = 2e-4, 1e-4


def marching_mesh(grid: np.ndarray, *, threshold: float = 0.5) -> trimesh.Trimesh:
    """Return the surface where the trilinear interpolation of *grid* passes *threshold*.

    The grid is taken to be empty beyond its border, so that the surface closes there, and the mesh never leaves
    the unit cube. Frame: [-0.5, 0.5]^3, axes (x, y, z) as in the grid, Y up; the centre of cell (i, j, k) is
    (index + 0.5) / V - 0.5. Every edge belongs to exactly two faces and the normals point outward.

    Args:
        grid: (X, Y, Z) probabilities in [0, 1], or booleans. The longest edge spans the unit cube.
        threshold: a cell with a value >= threshold is inside.

    Returns:
        A mesh of float32 precision; without faces if no cell is inside.

    Raises:
        ModelError: not a finite 3-D grid, or a threshold that is not above 0, the value beyond the border.
    """
    grid = checked_grid(grid, threshold)
    if not (grid >= threshold).any():
        return trimesh.Trimesh()
    field = np.pad(grid, 1) - np.float32(threshold)
    field = np.where(field >= 0, field + INSIDE_PUSH, field - OUTSIDE_PUSH)
    # 'ascent': values rise towards the inside, so that faces are counter-clockwise seen from outside
    vertices, faces, normals, _ = marching_cubes(field, level=0.0, gradient_direction="ascent")
    # index i of the padded grid is cell i - 1; clipping slides a vertex along its own grid edge, so nothing folds
    vertices = to_unit_cube(vertices - 0.5, grid.shape).clip(-0.5, 0.5)
    return trimesh.Trimesh(vertices, faces, vertex_normals=normals, process=False)


def to_unit_cube(corners: np.ndarray, shape: tuple) -> np.ndarray:
    """Map points (n, 3) in cells, 0 at the grid's minimum corner, to the centred cube of edge 1."""
    return (np.asarray(corners, np.float64) - np.asarray(shape) / 2) / max(shape)


def checked_grid(grid: np.ndarray, threshold: float) -> np.ndarray:
    """Return *grid* as float32, refused unless it has three axes and finite values, and *threshold* is above 0."""
    if not threshold > 0:  # nor NaN
        raise ModelError(f"the threshold of a surface must be a probability above 0, got {threshold:g}")
    grid = np.asarray(grid, np.float32)
    if grid.ndim != 3 or not grid.size:
        raise ModelError(f"a surface wants a grid with three axes (x, y, z), got the shape {grid.shape}")
    if not np.isfinite(grid).all():
        raise ModelError("the grid holds NaN or infinite values; the network that made it has diverged")
    return grid
