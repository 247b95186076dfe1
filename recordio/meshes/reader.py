"""Meshes, first step: a GLB / GLTF / OBJ / PLY / OFF / STL file -> Mesh with Y up, or one sentence why not."""
from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from recordio.errors import DataError
from recordio.geometry.mesh import Mesh
from recordio.meshes.gltf import read_gltf
from recordio.meshes.interchange import read_interchange
from recordio.meshes.pieces import assemble

SUFFIXES = (".glb", ".gltf", ".obj", ".off", ".ply", ".stl")
MAX_BYTES = 1 << 30  # of one file: text of MAX_TRIANGLES triangles takes about half of it
Z_UP = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])  # (x, y, z) -> (x, z, -y)
# What parsers raise on files that break their format. Anything else is a defect of ours.
DAMAGED = (ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError, OverflowError, EOFError,
           NameError, NotImplementedError, RecursionError, struct.error)


def read_mesh(path, *, up: str = "y") -> Mesh:
    """Read one mesh file, scene graph and materials applied.

    Args:
        path: a file with one of SUFFIXES, in any case.
        up: 'y' or 'z', the axis that points up in OBJ, PLY, OFF and STL files; glTF is Y-up by its definition.

    Returns:
        A Mesh in the file's units and place (call ``.normalised()`` for the object frame), right-handed, Y up.
        glTF's linear colours and the other formats' plain ones both arrive as sRGB.

    Raises:
        DataError: the file cannot become a sample; the message says why.
        OSError: the file cannot be opened.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in SUFFIXES:
        raise DataError(f"{path}: files of type {kind!r} are not read; convert it to one of {', '.join(SUFFIXES)}")
    if up not in ("y", "z"):
        raise DataError(f"up: wants 'y' or 'z', got {up!r}")
    size = path.stat().st_size
    if not size:
        raise DataError(f"{path}: the file is empty")
    if size > MAX_BYTES:
        raise DataError(f"{path}: {size / 2 ** 30:.1f} GiB, at most {MAX_BYTES / 2 ** 30:.0f} GiB are read; "
                        f"simplify the mesh first")
    is_gltf = kind in (".glb", ".gltf")
    try:
        pieces, pictures = read_gltf(path) if is_gltf else read_interchange(path, kind[1:])
    except DataError:
        raise
    except DAMAGED as error:
        raise DataError(f"{path}: it is damaged ({type(error).__name__}: {_first_line(error)}); "
                        f"export it again") from error
    except MemoryError:
        raise DataError(f"{path}: it needs more memory than there is; simplify the mesh first") from None
    mesh = assemble(path, pieces, pictures)
    return mesh.transformed(Z_UP) if up == "z" and not is_gltf else mesh


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no details"])[0][:200]
