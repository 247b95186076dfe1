"""After the network: a closed surface -> the same one smoother, or of fewer triangles, and still closed."""
from __future__ import annotations

import logging

import fast_simplification
import numpy as np
import trimesh
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from gluon_r2n2.surfaces.manifold import separate_sheets

# Taubin, "A signal processing approach to fair surface design", 1995: a step inward by the first weight, one outward
# by the second. Waves of a frequency below the pass band 1 / SHRINK - 1 / GROW = 0.11 stay.
SHRINK, GROW = 0.5, 0.53
VOLUME_KEPT = 0.15  # share of the volume that decimation may add or take; beyond it, the shape is lost
MORE = 1.5  # by which the number of triangles grows where it was too small
TRIES = 4  # at so many triangles, as splitting adds some
SAME = 1e-6  # edges of the unit cube; vertices closer than this are one (float32 in the files would merge them, too)

_log = logging.getLogger(__name__)


def smooth_mesh(mesh: trimesh.Trimesh, iterations: int) -> trimesh.Trimesh:
    """Return *mesh* after so many *iterations* of Taubin smoothing (a step inward and one outward each).

    Rounds off the steps between cells; triangles, and so closedness, stay. What thin rods lose of their volume all the
    same is given back to each body, evenly over its surface; a body of which nothing is left stays as it was. Vertices
    stay in the unit cube, so that a body that touches its border may get back less than it lost.
    """
    edges = mesh.edges_unique
    count = len(mesh.vertices)
    rows, columns = np.concatenate([edges, edges[:, ::-1]]).T
    neighbours = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(count, count)).tocsr()
    valence = np.maximum(np.asarray(neighbours.sum(axis=1)), 1)  # (n, 1)
    vertices = np.array(mesh.vertices)
    for _ in range(iterations):
        for weight in (SHRINK, -GROW):
            vertices += weight * (neighbours @ vertices / valence - vertices)
    _, body = connected_components(neighbours, directed=False)  # (n,) number of each vertex's body
    normals = trimesh.Trimesh(vertices, mesh.faces, process=False).vertex_normals
    push = _pushes(mesh.vertices, vertices, normals, mesh.faces, body)[body, None]
    vertices = np.where(np.isnan(push), mesh.vertices, vertices + normals * push)
    return trimesh.Trimesh(vertices.clip(-0.5, 0.5), mesh.faces, process=False)


def _pushes(before, vertices, normals, faces, body):
    """(bodies,) how far each body's *vertices* go along their *normals* to enclose what they did *before*.

    A body's volume is a sum of determinants of three corners, and so a cubic polynomial of that length. NaN for a body
    that no length up to its thickness brings back.
    """
    def volumes(*corners):
        return np.bincount(body[faces[:, 0]], _sixths(*(places[faces[:, at]] for at, places in enumerate(corners))))

    p, n = vertices, normals
    terms = np.stack([volumes(n, n, n), volumes(n, n, p) + volumes(n, p, n) + volumes(p, n, n),
                      volumes(n, p, p) + volumes(p, n, p) + volumes(p, p, n),
                      volumes(p, p, p) - volumes(before, before, before)], axis=1)
    area = np.bincount(body[faces[:, 0]], trimesh.Trimesh(before, faces, process=False).area_faces)
    found = np.full(len(terms), np.nan)
    for number, term in enumerate(terms):
        roots = np.roots(term)
        real = roots[np.abs(roots.imag) <= 1e-9 * np.abs(roots)].real
        if len(real):
            found[number] = real[np.abs(real).argmin()]
    thickness = 3 * np.abs(volumes(before, before, before)) / area  # of a ball, its radius
    found[~(np.abs(found) <= 2 * thickness)] = np.nan
    return found


def decimate_mesh(mesh: trimesh.Trimesh, faces: int) -> trimesh.Trimesh:
    """Return *mesh* with about *faces* triangles, by collapsing edges where that moves the surface least.

    Where so few would change the volume by more than VOLUME_KEPT, more are kept. Garland, Heckbert, "Surface
    simplification using quadric error metrics", 1997, as in the library fast-simplification; what it pinches together
    is taken apart again, so that a closed mesh stays closed, and vertices stay in the unit cube.
    """
    aim, volume = faces, _volume(mesh.vertices, mesh.faces)

    def keeps_shape(vertices, triangles):
        return abs(_volume(vertices, triangles) - volume) <= VOLUME_KEPT * volume

    simple = _collapsed(mesh, aim)
    while not keeps_shape(*simple):
        aim = max(int(aim * MORE), len(simple[1])) + 1  # where it got stuck above the aim, it would get stuck again
        if aim >= len(mesh.faces):
            return mesh
        simple = _collapsed(mesh, aim)
    if aim > faces:
        _log.info("%d triangles would lose the shape, %d are aimed at", faces, aim)
    result, lower = separate_sheets(*simple), aim
    for _ in range(TRIES - 1):
        added = len(result[1]) - aim
        if added <= 0 or len(simple[1]) > aim:
            break
        lower = max(1, lower - added)
        simple = _collapsed(mesh, lower)
        if not keeps_shape(*simple):
            break
        result = separate_sheets(*simple)
    return trimesh.Trimesh(*result, process=False)


def _collapsed(mesh, faces):
    """Vertices and triangles, about *faces* of them, some of which may be pinched together along an edge."""
    vertices, triangles = fast_simplification.simplify(
        np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int32), 1 - faces / len(mesh.faces))
    # vertices at one place become one, and faces that end up as a line go
    vertices = vertices.clip(-0.5, 0.5)
    _, first, same = np.unique(np.rint(vertices / SAME), axis=0, return_index=True, return_inverse=True)
    triangles = same.reshape(-1)[triangles]
    return vertices[first], triangles[(triangles != np.roll(triangles, 1, axis=1)).all(axis=1)]


def _volume(vertices, faces):
    return _sixths(*np.asarray(vertices, np.float64)[faces].swapaxes(0, 1)).sum()


def _sixths(first, second, third):
    """(m,) signed volumes of the tetrahedra between the origin and the triangles with these corners (m, 3)."""
    return np.einsum("ij,ij->i", first, np.cross(second, third)) / 6
