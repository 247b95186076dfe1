"""Geometry: mesh -> solid occupancy grid [x, y, z] that survives holes, flipped faces and loose pieces.

Occupied are the cells that the surface touches (thin parts stay), the cells inside a connected piece by the parity
of ray crossings along at least two of the three axes, and whatever the result encloses.
"""
from __future__ import annotations

from typing import Tuple

import numpy as np
from scipy import ndimage

from recordio.geometry.compiled import compiled
from recordio.geometry.mesh import Mesh

SHRINK = 1 - 1e-6  # towards the centre: a face on the border of two cells belongs to the inner one
JITTER = (1.37e-4, 2.43e-4)  # cells: rays pass beside the cells' centres, where they would meet edges and vertices


def grid_frame(mesh: Mesh) -> Tuple[Tuple[float, float, float], float]:
    """-> (translate, scale): minimum corner and side of the cube around *mesh*, as wide as its longest side."""
    low, high = _finite_bounds(mesh.triangles)
    scale = float((high - low).max())
    scale = scale if scale > 0 else 1.0
    corner = (low + high) / 2 - scale / 2
    return (float(corner[0]), float(corner[1]), float(corner[2])), scale


def voxelise(mesh: Mesh, resolution: int = 32) -> np.ndarray:
    """Fill the grid of `grid_frame` with *mesh*.

    Faces with a coordinate that is not finite are passed over; faces without area count as the lines they are.

    Returns:
        (resolution, resolution, resolution) bool, [x, y, z]; cell (i, j, k) has its centre at
        translate + ((i, j, k) + 0.5) / resolution * scale.
    """
    translate, scale = grid_frame(mesh)
    triangles = (mesh.triangles - translate) * (resolution / scale)  # (m, 3, 3) in cells
    triangles = resolution / 2 + (triangles - resolution / 2) * SHRINK
    finite = np.isfinite(triangles).all(axis=(1, 2))
    triangles, parts = triangles[finite], mesh.parts[finite]
    occupancy = np.zeros((resolution,) * 3, np.bool_)
    _mark_surface(triangles, occupancy)
    order = np.argsort(parts, kind="stable")
    starts = np.flatnonzero(np.diff(parts[order], prepend=-1)) if len(parts) else np.zeros(0, np.int64)
    _mark_interior(triangles[order], np.append(starts, len(parts)), np.array(JITTER), occupancy)
    return fill_cavities(occupancy)


def fill_cavities(occupancy: np.ndarray) -> np.ndarray:
    """*occupancy* (X, Y, Z) bool with every empty region filled that no path of cell faces joins to the outside."""
    regions, _ = ndimage.label(np.pad(~occupancy, 1, constant_values=True))  # 6-connected; the rim is outside
    return regions[1:-1, 1:-1, 1:-1] != regions[0, 0, 0]


def _finite_bounds(triangles):
    points = triangles.reshape(-1, 3)
    points = points[np.isfinite(points).all(axis=1)]
    return (points.min(axis=0), points.max(axis=0)) if len(points) else (np.zeros(3), np.zeros(3))


@compiled
def _mark_surface(triangles, occupancy):
    """Occupy every cell that a triangle touches.

    Exact separating axes in the form of Schwarz & Seidel, "Fast Parallel Surface and Solid Voxelization on GPUs"
    (2010): the bounding box, the plane, and the three edges in each of the three axis-parallel projections. The
    plane is used to find the few cells to try in each column along its steepest axis.
    """
    size = len(occupancy)
    cell = np.empty(3, np.int64)
    low, high = np.empty(3, np.int64), np.empty(3, np.int64)
    normal = np.empty(3)
    edges = np.empty((3, 3, 3))  # per projection along an axis and per edge: a * cell_p + b * cell_q + c >= 0
    for face in range(len(triangles)):
        corner = triangles[face]
        for axis in range(3):
            p, q = (axis + 1) % 3, (axis + 2) % 3
            least = min(corner[0, axis], corner[1, axis], corner[2, axis])
            most = max(corner[0, axis], corner[1, axis], corner[2, axis])
            low[axis] = max(0, int(np.ceil(least)) - 1)  # a point on a border touches both cells
            high[axis] = min(size - 1, int(np.floor(most)))
            normal[axis] = ((corner[1, p] - corner[0, p]) * (corner[2, q] - corner[0, q])
                            - (corner[1, q] - corner[0, q]) * (corner[2, p] - corner[0, p]))
            sign = 1.0 if normal[axis] >= 0 else -1.0
            for i in range(3):
                j = (i + 1) % 3
                a, b = -sign * (corner[j, q] - corner[i, q]), sign * (corner[j, p] - corner[i, p])
                edges[axis, i, 0], edges[axis, i, 1] = a, b
                # the cell's corner that lies furthest inside decides
                edges[axis, i, 2] = max(a, 0.0) + max(b, 0.0) - a * corner[i, p] - b * corner[i, q]
        steep = 0
        for axis in range(1, 3):
            if abs(normal[axis]) > abs(normal[steep]):
                steep = axis
        p, q = (steep + 1) % 3, (steep + 2) % 3
        for cell_p in range(low[p], high[p] + 1):
            for cell_q in range(low[q], high[q] + 1):
                if not _inside_edges(edges[steep], cell_p, cell_q):
                    continue
                first, last = low[steep], high[steep]
                if normal[steep] != 0:  # heights of the plane over the column: at its middle, give or take the slope
                    slope_p, slope_q = -normal[p] / normal[steep], -normal[q] / normal[steep]
                    middle = (corner[0, steep] + slope_p * (cell_p + 0.5 - corner[0, p])
                              + slope_q * (cell_q + 0.5 - corner[0, q]))
                    reach = (abs(slope_p) + abs(slope_q)) / 2
                    first = max(first, int(np.ceil(middle - reach)) - 1)
                    last = min(last, int(np.floor(middle + reach)))
                cell[p], cell[q] = cell_p, cell_q
                for cell_s in range(first, last + 1):
                    cell[steep] = cell_s
                    if (_inside_edges(edges[p], cell[(p + 1) % 3], cell[(p + 2) % 3])
                            and _inside_edges(edges[q], cell[(q + 1) % 3], cell[(q + 2) % 3])):
                        occupancy[cell[0], cell[1], cell[2]] = True


@compiled
def _inside_edges(edges, p, q):
    return (edges[0, 0] * p + edges[0, 1] * q + edges[0, 2] >= 0
            and edges[1, 0] * p + edges[1, 1] * q + edges[1, 2] >= 0
            and edges[2, 0] * p + edges[2, 1] * q + edges[2, 2] >= 0)


@compiled
def _mark_interior(triangles, starts, jitter, occupancy):
    """Occupy the cells inside each piece; piece i is triangles[starts[i]:starts[i + 1]].

    A ray with an odd number of crossings has met a hole and says nothing.
    """
    size = len(occupancy)
    flips = np.zeros((size + 1, size + 1, size + 1), np.bool_)  # True where inside and outside change along the axis
    votes = np.zeros((size, size, size), np.uint8)
    low, high = np.empty(3, np.int64), np.empty(3, np.int64)
    cell = np.empty(3, np.int64)
    for piece in range(len(starts) - 1):
        faces = triangles[starts[piece]:starts[piece + 1]]
        for axis in range(3):
            least, most = 1e30, -1e30
            for face in range(len(faces)):
                for i in range(3):
                    least, most = min(least, faces[face, i, axis]), max(most, faces[face, i, axis])
            low[axis], high[axis] = max(0, int(least)), min(size - 1, int(most))
        for axis in range(3):
            p, q = (axis + 1) % 3, (axis + 2) % 3
            for face in range(len(faces)):
                _cross(faces[face], axis, low, high, jitter, flips)
            for cell_p in range(low[p], high[p] + 1):
                cell[p] = cell_p
                for cell_q in range(low[q], high[q] + 1):
                    cell[q] = cell_q
                    odd = False
                    for cell_a in range(low[axis], high[axis] + 2):
                        cell[axis] = cell_a
                        odd ^= flips[cell[0], cell[1], cell[2]]
                    inside = False
                    for cell_a in range(low[axis], high[axis] + 2):
                        cell[axis] = cell_a
                        inside ^= flips[cell[0], cell[1], cell[2]]
                        flips[cell[0], cell[1], cell[2]] = False
                        if inside and not odd:
                            votes[cell[0], cell[1], cell[2]] += 1
        for x in range(low[0], high[0] + 1):
            for y in range(low[1], high[1] + 1):
                for z in range(low[2], high[2] + 1):
                    if votes[x, y, z] >= 2:
                        occupancy[x, y, z] = True
                    votes[x, y, z] = 0


@compiled
def _cross(corner, axis, low, high, jitter, flips):
    """Flip, on each ray along *axis* that one triangle crosses, the first cell whose centre lies beyond it."""
    p, q = (axis + 1) % 3, (axis + 2) % 3
    area = ((corner[1, p] - corner[0, p]) * (corner[2, q] - corner[0, q])
            - (corner[1, q] - corner[0, q]) * (corner[2, p] - corner[0, p]))
    if area == 0:
        return
    sign = 1.0 if area > 0 else -1.0
    cell = np.empty(3, np.int64)
    start_p = max(low[p], int(min(corner[0, p], corner[1, p], corner[2, p]) - 0.5))
    end_p = min(high[p], int(max(corner[0, p], corner[1, p], corner[2, p])))
    start_q = max(low[q], int(min(corner[0, q], corner[1, q], corner[2, q]) - 0.5))
    end_q = min(high[q], int(max(corner[0, q], corner[1, q], corner[2, q])))
    for cell_p in range(start_p, end_p + 1):
        for cell_q in range(start_q, end_q + 1):
            at_p, at_q = cell_p + 0.5 + jitter[0], cell_q + 0.5 + jitter[1]
            w0 = _side(corner, 1, 2, p, q, at_p, at_q) * sign
            w1 = _side(corner, 2, 0, p, q, at_p, at_q) * sign
            w2 = _side(corner, 0, 1, p, q, at_p, at_q) * sign
            if w0 < 0 or w1 < 0 or w2 < 0:
                continue
            height = (w0 * corner[0, axis] + w1 * corner[1, axis] + w2 * corner[2, axis]) / (w0 + w1 + w2)
            cell[p], cell[q] = cell_p, cell_q
            cell[axis] = min(max(int(np.ceil(height - 0.5)), low[axis]), high[axis] + 1)
            flips[cell[0], cell[1], cell[2]] ^= True


@compiled
def _side(corner, i, j, p, q, at_p, at_q):
    """Twice the area of (corner i, corner j, point); exactly opposite for the two faces that share the edge."""
    swap = corner[i, p] > corner[j, p] or (corner[i, p] == corner[j, p] and corner[i, q] > corner[j, q])
    if swap:
        i, j = j, i
    area = ((corner[j, p] - corner[i, p]) * (at_q - corner[i, q])
            - (corner[j, q] - corner[i, q]) * (at_p - corner[i, p]))
    return -area if swap else area
