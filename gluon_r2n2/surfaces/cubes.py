"""After the network: occupied cells (V, V, V) -> the exposed faces of their cubes, as one triangle mesh."""
from __future__ import annotations

import numpy as np
import trimesh

from gluon_r2n2.surfaces.marching import checked_grid, to_unit_cube


def cubes_mesh(grid: np.ndarray, *, threshold: float = 0.5) -> trimesh.Trimesh:
    """Return the squares between an occupied cell and an empty one (or the border), two triangles each.

    Shows the cells as they are. Corners are shared, faces turn outward, and each edge is used equally often in
    both directions: by two faces, or by four where two cells touch along an edge only.

    Args:
        grid: (X, Y, Z) probabilities in [0, 1], or booleans. Frame as in `marching_mesh`.
        threshold: a cell with a value >= threshold is occupied.

    Returns:
        A mesh; without faces if no cell is occupied.

    Raises:
        ModelError: not a finite 3-D grid, or a threshold that is not above 0.
    """
    grid = checked_grid(grid, threshold)
    solid = np.pad(grid >= threshold, 1)
    squares = []
    for axis in range(3):
        # a square lies between cell i and i + 1 of this axis where exactly one of them is occupied
        below, above = np.moveaxis(solid, axis, 0)[:-1], np.moveaxis(solid, axis, 0)[1:]
        for faces_up, exposed in ((True, below & ~above), (False, ~below & above)):
            plane, second, third = np.nonzero(exposed)  # padded index: plane p is the corner plane p of the grid
            corner = np.stack([plane, second - 1, third - 1], axis=1)  # (n, 3) in the order axis, axis+1, axis+2
            # moveaxis leaves the order (axis, the others ascending): for axis 1 that is (y, x, z), left-handed
            ring = [(0, 0), (1, 0), (1, 1), (0, 1)]
            if faces_up == (axis == 1):
                ring.reverse()
            square = np.stack([corner + [0, u, v] for u, v in ring], axis=1)  # (n, 4, 3)
            order = [axis] + [other for other in range(3) if other != axis]
            squares.append(square[..., np.argsort(order)])
    corners = np.concatenate(squares).reshape(-1, 3)
    if not len(corners):
        return trimesh.Trimesh()
    sides = np.asarray(grid.shape) + 1  # corners per axis
    unique, index = np.unique(np.ravel_multi_index(corners.T, sides), return_inverse=True)
    vertices = np.stack(np.unravel_index(unique, sides), axis=1)
    index = index.reshape(-1, 4)
    faces = np.concatenate([index[:, [0, 1, 2]], index[:, [0, 2, 3]]])
    return trimesh.Trimesh(to_unit_cube(vertices, grid.shape), faces, process=False)
