"""Geometry: a voxel grid as a mesh of its exposed cube faces, so that the rasteriser can show it."""
from __future__ import annotations

import numpy as np

from recordio.geometry.mesh import Mesh


def cubes_mesh(occupancy, *, colour=(0.55, 0.62, 0.72)) -> Mesh:
    """The faces between occupied and empty cells of *occupancy* (X, Y, Z), two triangles each, wound outwards.

    Returns:
        a Mesh in the unit cube: cell index i along an axis of V cells spans [i / V - 0.5, (i + 1) / V - 0.5].
        *colour* is sRGB in [0, 1].
    """
    occupancy = np.asarray(occupancy).astype(bool)
    padded = np.pad(occupancy, 1)
    quads, normals = [], []
    for axis in range(3):
        second, third = (axis + 1) % 3, (axis + 2) % 3
        for side in (0, 1):
            neighbour = np.roll(padded, 1 - 2 * side, axis=axis)[1:-1, 1:-1, 1:-1]
            cells = np.argwhere(occupancy & ~neighbour)  # (k, 3)
            corners = np.repeat(cells[:, None], 4, axis=1)  # (k, 4, 3), counter-clockwise from +axis
            corners[:, :, axis] += side
            corners[:, [1, 2], second] += 1
            corners[:, [2, 3], third] += 1
            quads.append(corners if side else corners[:, ::-1])
            normals.append(np.broadcast_to(np.eye(3, dtype=np.float32)[axis] * (2 * side - 1), (len(cells), 3)))
    normals = np.repeat(np.repeat(np.concatenate(normals), 2, axis=0)[:, None], 3, axis=1)  # (2k, 3, 3)
    points, index = np.unique(np.concatenate(quads).reshape(-1, 3), axis=0, return_inverse=True)
    index = index.reshape(-1, 4)
    faces = index[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3)
    return Mesh.build(points / np.array(occupancy.shape) - 0.5, faces, colours=colour, normals=normals, parts=0,
                      gloss=0.1)
