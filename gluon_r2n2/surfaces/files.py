"""After the network: a triangle mesh -> the bytes of an OBJ, GLB, PLY or STL file."""
from __future__ import annotations

import math
from typing import Optional

import numpy as np
import trimesh
from trimesh.visual.material import PBRMaterial

from gluon_r2n2.errors import ModelError, unknown_name
from gluon_r2n2.surfaces.size import Size

MESH_FORMATS = ("glb", "obj", "ply", "stl")

# a matt light grey-blue, so that viewers do not show glTF's default of bare white; linear colour, no metal
MATERIAL = {"baseColorFactor": [150, 172, 205, 255], "metallicFactor": 0.0, "roughnessFactor": 0.75}
WHITE = {**MATERIAL, "baseColorFactor": [255, 255, 255, 255], "roughnessFactor": 1.0}  # colours are multiplied with it
UNSIZED = Size()


def encode_mesh(mesh: trimesh.Trimesh, kind: str, *, smooth: bool = False, size: Size = UNSIZED) -> bytes:
    """Return *mesh* as the bytes of a file of *kind*: obj, glb, ply (binary) or stl (binary).

    All four keep the mesh's axes: Y up (which is also what glTF asks for). Vertex colours, sRGB as everywhere, are
    written to ply (8 bits), to obj (`v x y z r g b`) and to glb (linear, 16 bits, as glTF asks for); stl has none.

    Args:
        mesh: a surface in the unit cube, from `surface`.
        smooth: write vertex normals into obj and glb, so that viewers round the facets off (marching cubes).
        size: the length and place to give to the object; the unit cube stays without one.

    Raises:
        ModelError: an unknown kind, or a mesh without faces.
    """
    if kind not in MESH_FORMATS:
        raise unknown_name("mesh format", kind, MESH_FORMATS)
    if not len(mesh.faces):
        raise ModelError(f"there is no surface to write as {kind}: no cell reaches the threshold")
    colours = vertex_colours(mesh)
    scale, origin = size.placement(mesh, kind)
    shown = trimesh.Trimesh(mesh.vertices * scale + origin, mesh.faces, process=False,
                            vertex_normals=mesh.vertex_normals if smooth else None)
    if kind == "glb":
        return _glb(shown, colours, smooth)
    if colours is not None and kind != "stl":
        shown.visual.vertex_colors = np.column_stack([colours, np.full(len(colours), 255, np.uint8)])
    if kind == "obj":
        frame = "unit cube" if size == UNSIZED else f"edge of the voxel cube {scale:.9g} {size.units}"
        digits = 8 + max(0, -math.floor(math.log10(scale)))  # decimals: a small object must not round to nothing
        return shown.export(file_type="obj", header=f"gluon-r2n2: {frame}, Y up", include_normals=smooth,
                            digits=digits).encode()
    return shown.export(file_type=kind)


def vertex_colours(mesh: trimesh.Trimesh) -> Optional[np.ndarray]:
    """(n, 3) uint8 sRGB of the vertices, or None for a mesh that has no colours of its own."""
    if mesh.visual.kind != "vertex":
        return None
    return np.asarray(mesh.visual.vertex_colors, np.uint8)[:, :3]


def _glb(mesh, colours, smooth):
    """A binary glTF file; trimesh would write colours as they are, which is wrong for sRGB and coarse for linear."""
    mesh.visual = trimesh.visual.TextureVisuals(
        material=PBRMaterial(name="reconstruction", **(MATERIAL if colours is None else WHITE)))
    if colours is not None:
        linear = np.full((len(colours), 4), 65535, np.uint16)
        linear[:, :3] = np.rint(to_linear(colours) * 65535)
        mesh.vertex_attributes["_COLOR_0"] = linear

    def name_colours(tree):
        """Turn the attribute of our own into glTF's: normalised integers are fractions of 65535."""
        attributes = tree["meshes"][0]["primitives"][0]["attributes"]
        attributes["COLOR_0"] = attributes.pop("_COLOR_0")
        tree["accessors"][attributes["COLOR_0"]]["normalized"] = True

    return trimesh.Scene(mesh).export(file_type="glb", include_normals=smooth,
                                      tree_postprocessor=name_colours if colours is not None else None)


def to_linear(colours: np.ndarray) -> np.ndarray:
    """sRGB 0..255 -> linear light 0..1 (IEC 61966-2-1)."""
    share = np.asarray(colours, np.float64) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
