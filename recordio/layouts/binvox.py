"""Layouts: binvox files (Patrick Min's format, run-length encoded) <-> boolean grids indexed [x, y, z].

Header lines `#binvox 1`, `dim V V V`, `translate x y z`, `scale s`, `data`, in any order between the first and the
last, comments and blank lines allowed; then (value, count) byte pairs, y fastest, then z, then x.
"""
from __future__ import annotations

import io
import math
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Optional, Tuple, Union

import numpy as np

from recordio.errors import DataError
from recordio.files import atomic_file

MAX_SIDE = 1024  # cells; a larger header is damaged, and its grid would not fit into memory
MAX_HEADER = 1 << 16  # bytes, comments included
LONGEST_WORD = 40  # letters of a number in the header; Python would take its time over a million digits
LONGEST_RUN = 255  # cells that one byte pair can hold


@dataclass(frozen=True)
class VoxelGrid:
    """A cubic occupancy grid and where it lies.

    Attributes:
        occupancy: (V, V, V) bool, [x, y, z].
        translate: the grid's minimum corner, in the units of the object.
        scale: the grid's side, in the same units; cell (i, j, k) has its centre at translate + (i + 0.5) / V * scale.
    """

    occupancy: np.ndarray
    translate: Tuple[float, float, float] = (-0.5, -0.5, -0.5)
    scale: float = 1.0


def read_binvox(source: Union[str, Path, bytes], name: Optional[str] = None) -> VoxelGrid:
    """Read a grid from a path or from the file's bytes; *name* stands for the bytes in error messages.

    No more of a file is read than a grid of the size in its header can take.

    Raises:
        DataError: no binvox file, a header that is incomplete or not cubic, runs that do not fill the grid exactly.
        OSError: the file cannot be read.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        name = name or "binvox bytes"
        stream: BinaryIO = io.BytesIO(source)
    else:
        name, stream = name or str(source), open(source, "rb")
    with stream:
        head = stream.read(MAX_HEADER)
        side, translate, scale, start = _read_header(head, name)
        longest = 2 * side ** 3  # bytes: a run for every cell
        pairs = np.frombuffer(head[start:] + stream.read(max(0, longest + 1 - (len(head) - start))), np.uint8)
    if len(pairs) > longest:
        raise DataError(f"{name}: the voxel data is longer than a grid of {side} cells a side can be; "
                        f"the file is damaged, copy it again")
    if len(pairs) % 2:
        raise DataError(f"{name}: the voxel data ends in half a run; the file is cut short, copy it again")
    values, counts = pairs[0::2], pairs[1::2]
    total = int(counts.sum(dtype=np.int64))
    if total != side ** 3:
        raise DataError(f"{name}: the runs fill {total} cells where {side} x {side} x {side} = {side ** 3} are wanted; "
                        f"the file is {'cut short' if total < side ** 3 else 'damaged'}, copy it again")
    if values.size and values.max() > 1 or not counts.all():
        raise DataError(f"{name}: the voxel data holds a value other than 0 and 1 or a run of no cells; "
                        f"the file is damaged, copy it again")
    cells = np.repeat(values.astype(bool), counts).reshape(side, side, side)  # [x, z, y]
    return VoxelGrid(np.ascontiguousarray(cells.transpose(0, 2, 1)), translate, scale)


def encode_binvox(grid: VoxelGrid) -> bytes:
    """The bytes of a binvox file; equal grids give equal bytes."""
    side = len(grid.occupancy)
    if np.shape(grid.occupancy) != (side,) * 3 or not 0 < side <= MAX_SIDE:
        raise ValueError(f"a cubic grid of at most {MAX_SIDE} cells a side is wanted, got {np.shape(grid.occupancy)}")
    cells = np.asarray(grid.occupancy).astype(bool).transpose(0, 2, 1).ravel()  # [x, y, z] -> x, z, y order
    starts = np.concatenate([[0], np.flatnonzero(cells[1:] != cells[:-1]) + 1])
    lengths = np.diff(np.append(starts, len(cells)))
    pieces = -(-lengths // LONGEST_RUN)  # byte pairs per run
    pairs = np.empty((int(pieces.sum()), 2), np.uint8)
    pairs[:, 0] = np.repeat(cells[starts], pieces)
    pairs[:, 1] = LONGEST_RUN
    pairs[np.cumsum(pieces) - 1, 1] = lengths - (pieces - 1) * LONGEST_RUN
    place = " ".join(_number(value) for value in grid.translate)
    header = f"#binvox 1\ndim {side} {side} {side}\ntranslate {place}\nscale {_number(grid.scale)}\ndata\n"
    return header.encode("ascii") + pairs.tobytes()


def write_binvox(path: Union[str, Path], grid: VoxelGrid) -> None:
    """Write *grid* to *path*, atomically."""
    with atomic_file(path) as handle:
        handle.write(encode_binvox(grid))


def _read_header(content, name):
    """-> (side, translate, scale, offset of the first run)."""
    first, end = _line(content, 0)
    if first.split() != [b"#binvox", b"1"]:
        came = f"it begins with {content[:12]!r}" if content else "it is empty"
        raise DataError(f"{name}: not a binvox file (wanted '#binvox 1', {came}); give a binvox file of version 1")
    fields = {}
    while True:
        if end >= len(content):  # or MAX_HEADER
            raise DataError(f"{name}: the binvox header ends without a 'data' line; the file is cut short, "
                            f"copy it again")
        line, end = _line(content, end)
        if line.endswith(b"\r"):
            raise DataError(f"{name}: the binvox header has Windows line ends, so the file was copied as text and its "
                            f"voxels cannot be trusted; copy it again in binary mode")
        words = line.split(b"#")[0].split()
        if words == [b"data"]:
            break
        if words:
            field = words[0].decode("ascii", "replace")
            if field in fields:
                raise DataError(f"{name}: the binvox header has {field!r} twice; the file is damaged, copy it again")
            fields[field] = words[1:]
    dims = _numbers(fields, "dim", 3, int, name)
    if len(set(dims)) > 1 or not 0 < dims[0] <= MAX_SIDE:
        raise DataError(f"{name}: the grid is {' x '.join(map(str, dims))} where a cube of 1 to {MAX_SIDE} cells "
                        f"a side is wanted; voxelise the model again")
    scale = _numbers(fields, "scale", 1, float, name)[0]
    if scale <= 0:
        raise DataError(f"{name}: the binvox header has scale {scale}, above 0 is wanted; voxelise the model again")
    return dims[0], tuple(_numbers(fields, "translate", 3, float, name)), scale, end


def _line(content, start):
    """-> (the line that begins at *start* without its line feed, where the next one begins)."""
    end = content.find(b"\n", start)
    return (content[start:], len(content)) if end < 0 else (content[start:end], end + 1)


def _numbers(fields, key, count, kind, name):
    try:
        plain = all(len(word) <= LONGEST_WORD and b"_" not in word for word in fields[key])  # Python reads 3_2 as 32
        numbers = [kind(word) for word in fields[key]] if plain else []
    except (KeyError, ValueError):
        numbers = []
    if len(numbers) != count or not all(math.isfinite(number) for number in numbers):
        came = b" ".join(fields.get(key, [b"nothing"])).decode("ascii", "replace")[:2 * LONGEST_WORD]
        raise DataError(f"{name}: the binvox header wants '{key}' with {count} number{'s'[:count > 1]}, got {came!r}; "
                        f"the file is damaged, copy it again")
    return numbers


def _number(value):
    return f"{float(value):.9g}"
