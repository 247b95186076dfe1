"""Meshes, inside every reader: the pieces of a file, and how they become one Mesh."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import List, Optional, Sequence

import cv2
import numpy as np

from recordio.errors import DataError
from recordio.geometry.mesh import MID_GREY, Mesh, crease_normals, flat_normals, merged_vertices

TEXTURE_SIDE = 256  # texels; a render shows an object some 100 pixels wide
MAX_TRIANGLES = 5_000_000
MAX_BROKEN = 0.05  # share of the triangles that may touch a NaN or infinite vertex and be left out
MAX_PAIRS = 10_000_000  # corner-face pairs that smooth shading may look at; finer meshes look smooth as they are


@dataclass(frozen=True)
class Piece:
    """Triangles of one material, in the file's units.

    Attributes:
        vertices: (n, 3) float64.
        faces: (m, 3) integer indices into *vertices*.
        colours: sRGB in [0, 1], broadcastable to (m, 3, 3): per corner; None for the default grey.
        normals: (m, 3, 3) per corner, any length; None to shade by the angle between faces.
        uv: (m, 3, 2) origin upper left, v down; None for no texture.
        picture: index into the file's pictures, -1 for none.
        gloss: 0 matt to 1 polished.
    """

    vertices: np.ndarray
    faces: np.ndarray
    colours: Optional[np.ndarray] = None
    normals: Optional[np.ndarray] = None
    uv: Optional[np.ndarray] = None
    picture: int = -1
    gloss: float = 0.2


def assemble(path, pieces: Sequence[Piece], pictures: Sequence[np.ndarray]) -> Mesh:
    """One Mesh of all *pieces*; connected parts are found across them, for a closed shell may have many materials.

    Args:
        path: named in the errors.
        pictures: (H, W, 3) or (H, W, 4) uint8 sRGB each; they become squares of TEXTURE_SIDE.

    Raises:
        DataError: no triangles, too many, an index out of range, too many vertices that are not finite, no extent.
    """
    check_count(path, sum(len(piece.faces) for piece in pieces))
    for piece in pieces:
        if len(piece.faces) and not 0 <= piece.faces.min() <= piece.faces.max() < len(piece.vertices):
            raise DataError(f"{path}: a triangle refers to vertex {piece.faces.max()} of {len(piece.vertices)}; "
                            f"export it again")
    pieces = _finite(path, [piece for piece in pieces if len(piece.faces)])
    start = np.cumsum([0] + [len(piece.vertices) for piece in pieces])
    vertices = np.concatenate([piece.vertices for piece in pieces]).astype(np.float64)
    faces = np.concatenate([piece.faces + first for piece, first in zip(pieces, start)]).astype(np.int32)
    _check_extent(path, vertices, faces)
    per_piece = [len(piece.faces) for piece in pieces]
    return Mesh.build(
        vertices, faces,
        colours=np.concatenate([_corners(piece.colours, piece, MID_GREY) for piece in pieces]),
        normals=_normals(vertices, faces, pieces),
        gloss=np.repeat(np.float32([piece.gloss for piece in pieces]), per_piece),
        texture=np.repeat(np.int32([piece.picture for piece in pieces]), per_piece),
        uv=np.concatenate([_texture_coordinates(piece) for piece in pieces]),
        textures=np.stack([square(picture) for picture in pictures]) if pictures else None)


def check_count(path, triangles: int) -> None:
    """Raise DataError if *triangles* are none or more than MAX_TRIANGLES."""
    if not triangles:
        raise DataError(f"{path}: there are no triangles in it; only surfaces can be rendered")
    if triangles > MAX_TRIANGLES:
        raise DataError(f"{path}: {triangles:,} triangles, at most {MAX_TRIANGLES:,} are read; simplify the mesh first")


def _finite(path, pieces: List[Piece]) -> List[Piece]:
    """Leave out the triangles that touch a NaN or infinite vertex; refuse the file if that is more than a few."""
    kept, lost = [], 0
    for piece in pieces:
        good = np.isfinite(piece.vertices).all(axis=1)[piece.faces].all(axis=1)  # (m,)
        if not good.all():
            lost += int((~good).sum())
            corners = {name: value[good] for name, value in (("normals", piece.normals), ("uv", piece.uv))
                       if value is not None}
            if piece.colours is not None:
                corners["colours"] = _corners(piece.colours, piece, None)[good]
            piece = replace(piece, faces=piece.faces[good], **corners)
        kept.append(replace(piece, vertices=np.nan_to_num(piece.vertices, posinf=0.0, neginf=0.0)))
    total = sum(len(piece.faces) for piece in pieces)
    if lost > MAX_BROKEN * total:
        raise DataError(f"{path}: {lost:,} of {total:,} triangles touch a vertex that is NaN or infinite; "
                        f"export the mesh again")
    return kept


def _check_extent(path, vertices, faces) -> None:
    corners = vertices[faces]
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        low, high = corners.min(axis=(0, 1)), corners.max(axis=(0, 1))
        size = float((high - low).max())
        if not np.isfinite(size) or size > 1e150:
            raise DataError(f"{path}: it is {size:.3g} units long, too large to compute with; scale it down")
        if size < 1e-150:
            raise DataError(f"{path}: all vertices are at one point; there is no surface to see")
        corners = (corners - low) / size
        edges = corners[:, 1:] - corners[:, :1]  # (m, 2, 3)
        area = np.linalg.norm(np.cross(edges[:, 0], edges[:, 1]), axis=1).sum() / 2
    if area < 1e-9:  # of a unit square: points and lines dressed up as triangles
        raise DataError(f"{path}: its triangles have no area (all its vertices lie on a line); "
                        f"there is no surface to see")


def _corners(values, piece: Piece, default) -> np.ndarray:
    values = np.asarray(default if values is None else values, np.float32)
    return np.clip(np.nan_to_num(np.broadcast_to(values, (len(piece.faces), 3, 3))), 0.0, 1.0)


def _texture_coordinates(piece: Piece) -> np.ndarray:
    if piece.uv is None:
        return np.zeros((len(piece.faces), 3, 2), np.float32)
    uv = np.nan_to_num(np.asarray(piece.uv, np.float64), posinf=0.0, neginf=0.0)
    uv = uv - np.floor(uv.min(axis=1, keepdims=True))  # repeats begin near 0, where float32 is exact enough
    return uv.astype(np.float32)


def _normals(vertices, faces, pieces: Sequence[Piece]) -> np.ndarray:
    """(m, 3, 3) float32 unit normals: the file's where it has them, by crease angle or flat where it does not."""
    if all(piece.normals is not None for piece in pieces):
        normals = flat_normals(vertices, faces)
    else:
        valence = np.bincount(merged_vertices(vertices)[faces].ravel()).astype(np.float64)
        smooth = (valence ** 2).sum() <= MAX_PAIRS
        normals = crease_normals(vertices, faces) if smooth else flat_normals(vertices, faces)
    start = 0
    for piece in pieces:
        if piece.normals is not None:
            given = np.nan_to_num(np.asarray(piece.normals, np.float64), posinf=0.0, neginf=0.0)
            length = np.linalg.norm(given, axis=-1, keepdims=True)
            mine = normals[start:start + len(piece.faces)]
            normals[start:start + len(piece.faces)] = np.where(length > 0, given / np.maximum(length, 1e-300), mine)
        start += len(piece.faces)
    return normals


def square(picture: np.ndarray) -> np.ndarray:
    """(TEXTURE_SIDE, TEXTURE_SIDE, 3) uint8: one size for all, so that the renderer holds them in one array."""
    height, width = picture.shape[:2]
    shrink = height * width > TEXTURE_SIDE ** 2
    return cv2.resize(np.ascontiguousarray(picture[:, :, :3]), (TEXTURE_SIDE, TEXTURE_SIDE),
                      interpolation=cv2.INTER_AREA if shrink else cv2.INTER_LINEAR)
