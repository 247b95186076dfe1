"""After the network: probabilities (V, V, V) -> triangle meshes, their size, and their files."""
from __future__ import annotations

from gluon_r2n2.surfaces.cubes import cubes_mesh
from gluon_r2n2.surfaces.files import MESH_FORMATS, encode_mesh, vertex_colours
from gluon_r2n2.surfaces.from_grid import SURFACES, surface
from gluon_r2n2.surfaces.marching import marching_mesh
from gluon_r2n2.surfaces.size import UNITS, Size

__all__ = ["MESH_FORMATS", "SURFACES", "UNITS", "Size", "cubes_mesh", "encode_mesh", "marching_mesh", "surface",
           "vertex_colours"]
