"""After the network: probabilities (V, V, V) -> triangle meshes and their files."""
from __future__ import annotations

from gluon_r2n2.surfaces.cubes import cubes_mesh
from gluon_r2n2.surfaces.files import MESH_FORMATS, encode_mesh
from gluon_r2n2.surfaces.marching import marching_mesh

__all__ = ["MESH_FORMATS", "cubes_mesh", "encode_mesh", "marching_mesh"]
