"""Shapes, between the steps: moving, turning, mirroring and repeating finished parts."""
from __future__ import annotations

from typing import List, Sequence

import numpy as np

from recordio.geometry.mesh import Mesh


def moved(mesh: Mesh, x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Mesh:
    """The mesh shifted."""
    matrix = np.eye(4)
    matrix[:3, 3] = (x, y, z)
    return mesh.transformed(matrix)


def turned(mesh: Mesh, axis: str, degrees: float, about: Sequence[float] = (0.0, 0.0, 0.0)) -> Mesh:
    """The mesh turned about a line through *about* parallel to *axis*, right-handed (x turns y towards z)."""
    i, j = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.eye(4)
    matrix[i, i], matrix[i, j], matrix[j, i], matrix[j, j] = cos, -sin, sin, cos
    about = np.asarray(about, np.float64)
    matrix[:3, 3] = about - matrix[:3, :3] @ about
    return mesh.transformed(matrix)


def mirrored(mesh: Mesh) -> Mesh:
    """The mesh's mirror image across the plane x = 0 (left <-> right)."""
    return mesh.transformed(np.diag([-1.0, 1.0, 1.0, 1.0]))


def pair(*meshes: Mesh) -> List[Mesh]:
    """The meshes and their left-right mirror images."""
    return [copy for mesh in meshes for copy in (mesh, mirrored(mesh))]


def ring(mesh: Mesh, count: int, *, start: float = 0.0) -> List[Mesh]:
    """*count* copies spread around the vertical axis, the first turned by *start* degrees."""
    return [turned(mesh, "y", start + 360.0 * i / count) for i in range(count)]
