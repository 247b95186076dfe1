"""Geometry, start of the flow: the triangle mesh every shape and file becomes before rendering and voxelising.

The object frame is ShapeNet's, stated in `recordio.geometry.camera`.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Sequence

import cv2
import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

MID_GREY = 0.6  # sRGB, the colour of a surface that brings none
MERGE = 1e-6  # vertices closer than this share of the bounding box's diagonal count as one point


@dataclass(frozen=True)
class Mesh:
    """Triangles with everything the renderer shows, stored per corner so that hard edges need no duplicates.

    Attributes:
        vertices: (n, 3) float64 positions.
        faces: (m, 3) int32 indices into *vertices*, counter-clockwise seen from outside where that is known.
        colours: (m, 3, 3) float32 sRGB in [0, 1] per corner.
        normals: (m, 3, 3) float32 shading normals per corner, unit length.
        parts: (m,) int32; the faces of one connected piece share a number (the voxeliser fills piece by piece).
        gloss: (m,) float32 in [0, 1]; 0 is matt, 1 is polished.
        texture: (m,) int32 index into *textures*, -1 for none.
        uv: (m, 3, 2) float32 texture coordinates, origin upper left, v down (as glTF), repeated outside [0, 1].
        textures: (k, s, s, 3) uint8 sRGB pictures, multiplied with *colours*.
    """

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray
    normals: np.ndarray
    parts: np.ndarray
    gloss: np.ndarray
    texture: np.ndarray
    uv: np.ndarray
    textures: np.ndarray

    @classmethod
    def build(cls, vertices, faces, *, colours=None, normals=None, parts=None, gloss=0.2, texture=None, uv=None,
              textures=None) -> Mesh:
        """Fill in what is not given: mid grey, flat normals, parts by connectivity, no texture.

        *colours* may also be one (3,) colour, one per face (m, 3) or one per vertex (n, 3) if n != m; *gloss*,
        *parts* and *texture* may be one number for all faces (``parts=0`` for a single piece saves the search).
        """
        vertices = np.asarray(vertices, np.float64).reshape(-1, 3)
        faces = np.asarray(faces, np.int32).reshape(-1, 3)
        count = len(faces)
        if textures is None:
            textures = np.zeros((0, 1, 1, 3), np.uint8)
        return cls(
            vertices=vertices,
            faces=faces,
            colours=_corner_colours(MID_GREY if colours is None else colours, vertices, faces),
            normals=(flat_normals(vertices, faces) if normals is None else
                     np.asarray(normals, np.float32).reshape(count, 3, 3)),
            parts=connected_parts(vertices, faces) if parts is None else _per_face(parts, count, np.int32),
            gloss=_per_face(gloss, count, np.float32),
            texture=_per_face(-1 if texture is None else texture, count, np.int32),
            uv=np.zeros((count, 3, 2), np.float32) if uv is None else np.asarray(uv, np.float32).reshape(count, 3, 2),
            textures=np.asarray(textures, np.uint8),
        )

    @property
    def bounds(self) -> np.ndarray:
        """(2, 3) lowest and highest corner of the box around all vertices that a face uses."""
        if not len(self.faces):
            return np.zeros((2, 3))
        used = self.vertices[np.unique(self.faces)]
        return np.stack([used.min(axis=0), used.max(axis=0)])

    @property
    def triangles(self) -> np.ndarray:
        """(m, 3, 3) float64 corner positions."""
        return self.vertices[self.faces]

    def transformed(self, matrix) -> Mesh:
        """The mesh under a 4x4 affine *matrix*; a mirroring one reverses the winding, so outside stays outside."""
        matrix = np.asarray(matrix, np.float64)
        linear = matrix[:3, :3]
        vertices = self.vertices @ linear.T + matrix[:3, 3]
        normals = _unit(self.normals @ _cofactor(linear).T)  # cofactors: the inverse transpose up to scale
        moved = replace(self, vertices=vertices, normals=normals.astype(np.float32))
        if np.linalg.det(linear) >= 0:
            return moved
        order = [0, 2, 1]
        return replace(moved, faces=self.faces[:, order], colours=self.colours[:, order],
                       normals=-moved.normals[:, order], uv=self.uv[:, order])

    def normalised(self) -> Mesh:
        """The mesh in the object frame's position and size: bounding box centred, its diagonal 1 long."""
        low, high = self.bounds
        diagonal = float(np.linalg.norm(high - low))
        scale = 1.0 / diagonal if diagonal > 0 else 1.0
        return replace(self, vertices=(self.vertices - (low + high) / 2) * scale)

    def creased(self, angle: float = 40.0) -> Mesh:
        """The mesh with smooth shading across edges that bend by less than *angle* degrees, hard ones kept."""
        return replace(self, normals=crease_normals(self.vertices, self.faces, angle))


def concatenate(meshes: Sequence[Mesh]) -> Mesh:
    """Put meshes side by side in one; the parts stay apart and textures of unequal size take the largest's."""
    meshes = list(meshes)
    if not meshes:
        return Mesh.build(np.zeros((0, 3)), np.zeros((0, 3), np.int32), parts=0)
    side = max(mesh.textures.shape[1] for mesh in meshes)
    vertex_start = np.cumsum([0] + [len(mesh.vertices) for mesh in meshes])
    texture_start = np.cumsum([0] + [len(mesh.textures) for mesh in meshes])
    part_start = np.cumsum([0] + [int(mesh.parts.max()) + 1 if len(mesh.parts) else 0 for mesh in meshes])
    join = np.concatenate
    return Mesh(
        vertices=join([mesh.vertices for mesh in meshes]),
        faces=join([mesh.faces + start for mesh, start in zip(meshes, vertex_start)]).astype(np.int32),
        colours=join([mesh.colours for mesh in meshes]),
        normals=join([mesh.normals for mesh in meshes]),
        parts=join([mesh.parts + start for mesh, start in zip(meshes, part_start)]).astype(np.int32),
        gloss=join([mesh.gloss for mesh in meshes]),
        texture=join([np.where(mesh.texture < 0, -1, mesh.texture + start)
                      for mesh, start in zip(meshes, texture_start)]).astype(np.int32),
        uv=join([mesh.uv for mesh in meshes]),
        textures=join([_resized(mesh.textures, side) for mesh in meshes]),
    )


def flat_normals(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(m, 3, 3) float32: each corner has its face's own normal (a face without area has none: zeros)."""
    normals = _unit(_area_vectors(vertices, faces)).astype(np.float32)
    return np.repeat(normals[:, None], 3, axis=1)


def crease_normals(vertices: np.ndarray, faces: np.ndarray, angle: float = 40.0) -> np.ndarray:
    """(m, 3, 3) float32: per corner, the area-weighted mean of the faces at that point within *angle* degrees."""
    vertices = np.asarray(vertices, np.float64)
    faces = np.asarray(faces, np.int32)
    area = _area_vectors(vertices, faces)
    flat = _unit(area)
    points = merged_vertices(vertices)[faces].ravel()  # (3m,) merged point of every corner
    owner = np.arange(3 * len(faces)) // 3  # (3m,) face of every corner
    order = np.argsort(points, kind="stable")
    first = np.searchsorted(points[order], points)
    valence = np.bincount(points)[points] if len(points) else points  # corners that share this corner's point
    corner = np.repeat(np.arange(len(points)), valence)  # every pair (corner, face around its point)
    step = np.arange(len(corner)) - np.repeat(np.cumsum(valence) - valence, valence)
    around = owner[order[first[corner] + step]]
    near = np.einsum("ij,ij->i", flat[owner[corner]], flat[around]) >= np.cos(np.radians(angle))
    pairs = (np.ones(near.sum()), (corner[near], around[near]))
    total = coo_matrix(pairs, shape=(len(points), len(faces))).tocsr() @ area
    return _unit(total).astype(np.float32).reshape(-1, 3, 3)


def merged_vertices(vertices: np.ndarray) -> np.ndarray:
    """(n,) int64 group number of every vertex: vertices at the same place (within MERGE) share one."""
    if not len(vertices):
        return np.zeros(0, np.int64)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    step = max(float(np.linalg.norm(high - low)) * MERGE, 1e-300)
    cells = np.rint((vertices - low) / step).astype(np.int64)  # at most 1e6 per axis: three fit into 63 bits
    return np.unique((cells[:, 0] << 42) | (cells[:, 1] << 21) | cells[:, 2], return_inverse=True)[1].reshape(-1)


def connected_parts(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """(m,) int32 number of the connected piece each face belongs to, through shared points."""
    if not len(faces):
        return np.zeros(0, np.int32)
    points = merged_vertices(np.asarray(vertices, np.float64))[faces]  # (m, 3)
    start, end = points[:, [0, 1]].ravel(), points[:, [1, 2]].ravel()
    size = int(points.max()) + 1
    labels = connected_components(coo_matrix((np.ones(len(start), bool), (start, end)), shape=(size, size)), False)[1]
    return np.unique(labels[points[:, 0]], return_inverse=True)[1].reshape(-1).astype(np.int32)


def _area_vectors(vertices, faces):
    corner = np.asarray(vertices, np.float64)[faces]
    return np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])


def _unit(vectors):
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)


def _cofactor(linear):
    """Normals transform by the cofactor matrix, which exists for singular matrices too."""
    rows = linear
    return np.stack([np.cross(rows[1], rows[2]), np.cross(rows[2], rows[0]), np.cross(rows[0], rows[1])])


def _per_face(value, count, dtype):
    return np.ascontiguousarray(np.broadcast_to(np.asarray(value, dtype), (count,)))


def _corner_colours(colours, vertices, faces):
    colours = np.asarray(colours, np.float32)
    count = len(faces)
    if colours.ndim == 2 and len(colours) == len(vertices) != count:  # per vertex
        colours = colours[faces]
    elif colours.ndim == 2:  # per face
        colours = colours[:, None]
    return np.ascontiguousarray(np.broadcast_to(colours, (count, 3, 3)))


def _resized(textures, side):
    if textures.shape[1] == side or not len(textures):
        return textures.reshape(-1, side, side, 3) if len(textures) else np.zeros((0, side, side, 3), np.uint8)
    return np.stack([cv2.resize(picture, (side, side), interpolation=cv2.INTER_LINEAR) for picture in textures])

