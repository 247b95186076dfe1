"""After the network: probabilities (V, V, V) -> the surface a user asked for, in the unit cube."""
from __future__ import annotations

import operator
from typing import Optional

import numpy as np
import trimesh

from gluon_r2n2.errors import ModelError, unknown_name
from gluon_r2n2.surfaces.cubes import cubes_mesh
from gluon_r2n2.surfaces.marching import marching_mesh
from gluon_r2n2.surfaces.refine import decimate_mesh, smooth_mesh

SURFACES = ("marching", "cubes")
MOST_SMOOTHING = 100  # iterations
FEWEST_FACES = 4  # of a tetrahedron


def surface(grid: np.ndarray, *, threshold: float = 0.5, mesh: str = "marching", smooth: int = 0,
            faces: Optional[int] = None) -> trimesh.Trimesh:
    """Return the surface of the cells of *grid* that reach *threshold*, its faces turned outward.

    Args:
        grid: (X, Y, Z) probabilities in [0, 1], or booleans. Frame as in `marching_mesh`.
        threshold: a cell with a value >= threshold is inside.
        mesh: one of SURFACES: "marching", a smooth closed surface, or "cubes", the cells as they are.
        smooth: iterations of Taubin smoothing, 0 to MOST_SMOOTHING; the volume stays, but where the object touches the
            border of the grid.
        faces: number of triangles to aim at; None keeps all. More remain where the shape would be lost.

    Returns:
        A mesh in the unit cube; without faces if no cell is inside.

    Raises:
        ModelError: not a finite 3-D grid, a threshold that is not above 0, an unknown *mesh*, a number out of range, or
            smoothing or fewer triangles for cubes.
    """
    if mesh not in SURFACES:
        raise unknown_name("surface", mesh, SURFACES)
    smooth = _whole("iterations of smoothing", smooth, 0, MOST_SMOOTHING)
    if faces is not None:
        faces = _whole("triangles", faces, FEWEST_FACES, None)
    if mesh == "cubes":
        if smooth or faces is not None:
            raise ModelError("cubes show the cells as they are: leave out smoothing and the number of triangles, or "
                             "take the surface 'marching'")
        return cubes_mesh(grid, threshold=threshold)
    made = marching_mesh(grid, threshold=threshold)
    if smooth and len(made.faces):
        made = smooth_mesh(made, smooth)
    return made if faces is None or len(made.faces) <= faces else decimate_mesh(made, faces)


def _whole(what, value, least, most):
    """*value* as an int within [least, most]."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or (most is not None and number > most):
        wanted = f"{least} to {most}" if most is not None else f"{least} or more"
        raise ModelError(f"the number of {what} must be a whole number, {wanted}; got {value!r}")
    return number
