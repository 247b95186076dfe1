"""Shapes, under the primitives: which vertices make a face, for tubes, sheets and cubes; cached, as it repeats."""
from __future__ import annotations

from functools import lru_cache
from typing import Tuple

import numpy as np


@lru_cache(maxsize=512)
def tube_faces(rings: int, sides: int, closed: bool) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Faces (m, 3) between *rings* of *sides* vertices, and per face the span and the side it lies on.

    Rings follow each other along an axis, their vertices counter-clockwise seen from its far end: faces look out.
    *closed* joins the last ring to the first.
    """
    spans = rings if closed else rings - 1
    i, j = np.divmod(np.arange(spans * sides), sides)
    a, b = i * sides + j, i * sides + (j + 1) % sides
    c, d = (i + 1) % rings * sides + (j + 1) % sides, (i + 1) % rings * sides + j
    return _frozen(_quads(a, b, c, d), np.repeat(i, 2), np.repeat(j, 2))


@lru_cache(maxsize=256)
def sheet_faces(rows: int, columns: int) -> Tuple[np.ndarray, np.ndarray]:
    """Faces of two grids of (rows, columns) vertices and the rim between them, and a smoothing group per face.

    The first grid's faces look along (next row) x (next column), the second grid's the other way.
    """
    grid = np.arange(rows * columns).reshape(rows, columns)
    upper = _quads(*(part.ravel() for part in (grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:])))
    loop = np.concatenate([grid[:-1, 0], grid[-1, :-1], grid[:0:-1, -1], grid[0, :0:-1]])  # the way *upper* turns
    following = np.roll(loop, -1)
    count = rows * columns
    rim = _quads(following, loop, loop + count, following + count)
    groups = np.repeat([0, 1, 2], [len(upper), len(upper), len(rim)])
    return _frozen(np.concatenate([upper, upper[:, ::-1] + count, rim]), groups)


@lru_cache(maxsize=32)
def cube_surface(cells: int) -> Tuple[np.ndarray, np.ndarray]:
    """Lattice points (n, 3), each coordinate in 0..cells, on the surface of a cube, and its outward faces (m, 3)."""
    quads = []
    steps = np.arange(cells)
    first, second = (part.ravel() for part in np.meshgrid(steps, steps, indexing="ij"))
    for axis in range(3):
        for side in (0, cells):
            corners = []
            for a, b in ((0, 0), (1, 0), (1, 1), (0, 1)):  # counter-clockwise seen from the axis's positive end
                corner = np.empty((len(first), 3), int)
                corner[:, axis], corner[:, (axis + 1) % 3], corner[:, (axis + 2) % 3] = side, first + a, second + b
                corners.append(corner)
            quads.append(np.stack(corners if side else corners[::-1], axis=1))  # (cells * cells, 4, 3)
    quads = np.concatenate(quads)
    points, index = np.unique(quads.reshape(-1, 3), axis=0, return_inverse=True)
    index = index.reshape(-1, 4)
    return _frozen(points, _quads(*index.T))


def _quads(a, b, c, d) -> np.ndarray:
    """Two triangles per quad, (2k, 3), each quad's two side by side."""
    return np.stack([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)], axis=1).reshape(-1, 3)


def _frozen(*arrays: np.ndarray) -> Tuple[np.ndarray, ...]:
    for array in arrays:
        array.setflags(write=False)  # the cache hands the same arrays to everybody
    return arrays
