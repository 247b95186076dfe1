"""After the network: a triangle mesh -> the bytes of an OBJ, GLB, PLY or STL file."""
from __future__ import annotations

import trimesh
from trimesh.visual.material import PBRMaterial

from gluon_r2n2.errors import ModelError, unknown_name

MESH_FORMATS = ("glb", "obj", "ply", "stl")

# a matt light grey-blue, so that viewers do not show glTF's default of bare white; linear colour, no metal
MATERIAL = {"baseColorFactor": [150, 172, 205, 255], "metallicFactor": 0.0, "roughnessFactor": 0.75}


def encode_mesh(mesh: trimesh.Trimesh, kind: str, *, smooth: bool = False) -> bytes:
    """Return *mesh* as the bytes of a file of *kind*: obj, glb, ply (binary) or stl (binary).

    All four keep the mesh's frame: unit cube, Y up (which is also what glTF asks for).

    Args:
        mesh: a surface from `marching_mesh` or `cubes_mesh`.
        smooth: write vertex normals into obj and glb, so that viewers round the facets off (marching cubes).

    Raises:
        ModelError: an unknown kind, or a mesh without faces.
    """
    if kind not in MESH_FORMATS:
        raise unknown_name("mesh format", kind, MESH_FORMATS)
    if not len(mesh.faces):
        raise ModelError(f"there is no surface to write as {kind}: no cell reaches the threshold")
    if kind == "glb":
        shown = mesh.copy(include_cache=True)  # the cache holds the normals that marching cubes gave
        shown.visual = trimesh.visual.TextureVisuals(material=PBRMaterial(name="reconstruction", **MATERIAL))
        return trimesh.Scene(shown).export(file_type="glb", include_normals=smooth)
    if kind == "obj":
        return mesh.export(file_type="obj", header="gluon-r2n2: unit cube, Y up", include_normals=smooth).encode()
    return mesh.export(file_type=kind)
