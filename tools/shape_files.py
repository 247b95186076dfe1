"""Files of voxels and meshes -> arrays, checked: for tools/show.py and for the stored predictions of tools/eval.py."""
from __future__ import annotations

import io
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple, Sequence, Union

import numpy as np
from numpy.lib import format as npy

from gluon_r2n2.metrics import DEFAULT_THRESHOLD
from recordio.errors import DataError
from recordio.geometry.mesh import Mesh
from recordio.layouts import read_binvox
from recordio.meshes import SUFFIXES as MESHES
from recordio.meshes import read_mesh

VOXELS = (".npz", ".npy", ".binvox")
SUFFIXES = VOXELS + MESHES  # of files that differ in nothing else, the first of these is taken
MAX_SIDE = 512  # cells
MAX_BYTES = 2 << 30  # of all arrays of a file; a grid of 512 cells a side takes half of it as float64
DAMAGED = (ValueError, KeyError, EOFError, SyntaxError, TypeError, NotImplementedError, RuntimeError, OverflowError,
           struct.error, zipfile.BadZipFile, zlib.error, tokenize.TokenError)  # what damaged arrays and archives raise


class Voxels(NamedTuple):
    """A grid and what its file says about it."""

    grid: np.ndarray  # (X, Y, Z) float32 in 0..1
    threshold: float  # from which a cell is solid
    graded: bool  # probabilities, not only 0 and 1
    views: Sequence[np.ndarray] = ()  # (H, W, 3) uint8 each: the pictures that it was reconstructed from


Shape = Union[Voxels, Mesh]


def read_shape(path: Path, *, up: str = "y") -> Shape:
    """Read a file of voxels or a mesh.

    .npz: `probabilities` and, where they are there, `threshold` and `views`, as tools/reconstruct.py writes them; or
    one grid under any name. .npy: a grid. Without a threshold it is 0.4 for probabilities, 0.5 for voxels.

    Args:
        up: 'y' or 'z', of mesh formats that do not say.

    Raises:
        DataError: the file is damaged, or holds no such thing.
        OSError: it cannot be read.
    """
    if path.exists() and not path.is_file():
        raise DataError(f"{path}: neither a file nor a folder; a pipe's content must be stored in a file first")
    kind = path.suffix.lower()
    if kind == ".binvox":
        return Voxels(read_binvox(path).occupancy.astype(np.float32), 0.5, graded=False)
    if kind not in VOXELS:
        return read_mesh(path, up=up)
    try:
        return _voxels(path, _read_npz(path) if kind == ".npz" else _read_one(path))
    except DataError:
        raise
    except (*DAMAGED, OSError) as error:
        if getattr(error, "filename", None):  # the file cannot be opened; without a name, a place in it cannot be
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise DataError(f"{path}: no arrays can be read from it ({reason}); write or copy it again") from error


def _read_one(path):
    """{"": the array of a .npy file}."""
    _check_bytes(path, path.stat().st_size)
    return {"": _read_npy(path.read_bytes())}


def _read_npz(path):
    """The arrays of an archive that can matter, by name; no more is unpacked than its directory declares."""
    with zipfile.ZipFile(path) as archive:
        entries = {Path(entry.filename).stem: entry for entry in archive.infolist()}
        wanted = [name for name in ("probabilities", "threshold", "views") if name in entries]
        if "probabilities" not in wanted:
            wanted = list(entries)
        _check_bytes(path, sum(entries[name].file_size for name in wanted))
        return {name: _read_npy(archive.read(entries[name])) for name in wanted}


def _check_bytes(path, size):
    if size > MAX_BYTES:
        raise DataError(f"{path}: its content takes {size / 2 ** 30:.1f} GiB, at most {MAX_BYTES / 2 ** 30:.0f} GiB "
                        f"are read; make the grid smaller")


def _read_npy(data):
    """The array of a .npy file's bytes; never pickled objects, and nothing is allocated that the bytes do not hold."""
    stream = io.BytesIO(data)
    version = npy.read_magic(stream)
    header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if header is None:
        raise ValueError(f"its format is {version[0]}.{version[1]}, 1.0 and 2.0 are read")
    shape, _, kind = header(stream)
    if kind.hasobject:
        raise ValueError("it holds Python objects, not numbers")
    if int(np.prod(shape, dtype=object)) * kind.itemsize != len(data) - stream.tell():
        raise ValueError(f"{len(data) - stream.tell()} bytes do not fill an array of shape {shape}")
    stream.seek(0)
    return npy.read_array(stream, allow_pickle=False)


def _voxels(path, arrays):
    """-> Voxels, once all is checked."""
    grids = [name for name, array in arrays.items() if array.ndim == 3] if "probabilities" not in arrays else [
        "probabilities"]
    if len(grids) != 1:
        held = ", ".join(f"{name or 'an array'} {array.shape}" for name, array in list(arrays.items())[:5]) or "nothing"
        raise DataError(f"{path}: one grid (x, y, z) is wanted, called 'probabilities' if there are several arrays of "
                        f"three axes; it holds {held}")
    grid = arrays[grids[0]]
    if grid.ndim != 3 or not 1 <= min(grid.shape) <= max(grid.shape) <= MAX_SIDE or grid.dtype.kind not in "biuf":
        raise DataError(f"{path}: a grid (x, y, z) of 1 to {MAX_SIDE} cells a side is wanted, got {grid.dtype} of "
                        f"shape {grid.shape}")
    if not (grid >= 0).all() or not (grid <= 1).all():  # said so that NaN fails as well
        raise DataError(f"{path}: probabilities or voxels from 0 to 1 are wanted, got {np.min(grid):g} to "
                        f"{np.max(grid):g}; of logits take the softmax first")
    own = arrays.get("threshold") if grids == ["probabilities"] else None
    if own is not None and (own.size != 1 or own.dtype.kind != "f" or not 0 < float(own.reshape(())) < 1):
        raise DataError(f"{path}: 'threshold' is {np.array2string(own, threshold=4)}; a number between 0 and 1 is "
                        f"wanted")
    grid = grid.astype(np.float32)
    graded = own is not None or not ((grid == 0) | (grid == 1)).all()
    threshold = float(own.reshape(())) if own is not None else DEFAULT_THRESHOLD if graded else 0.5
    views = arrays.get("views", np.zeros((0, 1, 1, 3), np.uint8))
    if views.ndim != 4 or views.shape[3] != 3 or views.dtype != np.uint8 or not min(views.shape[1:]):
        raise DataError(f"{path}: 'views' has {views.dtype} of shape {views.shape}; pictures (n, height, width, 3) "
                        f"of uint8 are wanted")
    return Voxels(grid, threshold, graded, list(views))
