"""Datasets: MATLAB files (format 5, of MATLAB 5 to 7.2 and of `-v7`) -> plain Python values.

A reader of our own, of the kinds of arrays that data sets hold: scipy's ends the whole process on some damaged files
(a segmentation fault), and asks for gigabytes on others. Source: "MAT-File Format", The MathWorks.

A file is a header of 128 bytes and elements: 4 bytes type, 4 bytes length, data, padded to 8 bytes; where the data has
at most 4 bytes, length and type share the first 4. An array is an element that holds elements: flags, dimensions,
name, and its content.
"""
from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, Iterator, List, Tuple

import numpy as np

from recordio.errors import DataError

MAX_BYTES = 64 << 20  # of a file
MAX_UNPACKED = 256 << 20  # of its content: 128^3 float64 cells take 16 MiB
MAX_DEPTH = 16  # structs within structs
MAX_DIMENSIONS = 32  # of an array, as NumPy has it
HEADER = 128  # bytes: text, version and byte order
HDF5 = b"MATLAB 7.3"
NUMBERS = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}  # element types
TEXTS = {1: "latin-1", 2: "latin-1", 4: "utf-16", 16: "utf-8", 17: "utf-16", 18: "utf-32"}
ARRAY, PACKED = 14, 15  # element types: an array; another element, by zlib
CELL, STRUCT, CHAR = 1, 2, 4  # classes of arrays
NUMERIC = range(6, 16)
COMPLEX = 0x0800  # flag
DAMAGED = (ValueError, KeyError, IndexError, OverflowError, struct.error, zlib.error)  # what the parsing below raises


def read_mat(path: Path) -> Dict[str, Any]:
    """The variables of a MATLAB file.

    Returns:
        name -> value: numbers as arrays (read-only, of the type they are stored in, without dimensions of 1), text as
        str, a struct as SimpleNamespace (several: a list of them), cells as a list. None for what is not read: sparse
        and complex arrays, text of several rows, objects.

    Raises:
        DataError: too large, of another version, damaged.
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise DataError(f"{path}: {size / 2 ** 20:.0f} MiB, at most {MAX_BYTES >> 20} MiB are read; save it packed, "
                        f"by MATLAB's option '-v7'")
    content = path.read_bytes()
    if content.startswith(HDF5):
        raise DataError(f"{path}: a MATLAB 7.3 file (HDF5), which is not read; save it by MATLAB's option '-v7'")
    if not content.startswith(b"MATLAB 5.0") or len(content) < HEADER:
        came = f"it begins with {content[:12]!r}" if content else "it is empty"
        raise DataError(f"{path}: no MATLAB file of format 5 ({came}); copy it again")
    order = "<" if content[126:128] == b"IM" else ">"
    variables: Dict[str, Any] = {}
    room = MAX_UNPACKED
    try:
        for kind, data in _elements(content[HEADER:], order, padded=False):
            if kind == PACKED:
                plain = zlib.decompressobj().decompress(data, room + 1)
                room -= len(plain)
                if room < 0:
                    raise ValueError(f"it unpacks to more than {MAX_UNPACKED >> 20} MiB")
                kind, data = next(_elements(plain, order), (0, b""))
            if kind != ARRAY:
                raise ValueError(f"an element of type {kind} where an array is wanted")
            name, value = _array(data, order, MAX_DEPTH)
            variables[name] = value
    except DAMAGED as error:
        raise DataError(f"{path}: a damaged MATLAB file ({str(error)[:100]}); copy it again") from None
    return variables


def _elements(data: bytes, order: str, *, padded: bool = True) -> Iterator[Tuple[int, bytes]]:
    """(type, content) of every element in *data*. At the top packed elements stand without padding."""
    start = 0
    while start < len(data):
        kind, length = struct.unpack_from(order + "II", data, start)  # struct.error where less is left
        small = kind >> 16
        if small:
            kind, length, body, end = kind & 0xFFFF, small, start + 4, start + 8
        else:
            body, end = start + 8, start + 8 + length
            if padded or kind != PACKED:
                end += -length % 8
        if small > 4 or body + length > len(data):
            raise ValueError("it is cut short")
        yield kind, data[body:body + length]
        start = end


def _array(data: bytes, order: str, depth: int) -> Tuple[str, Any]:
    """The (name, value) of an array element's content."""
    if not data:  # an empty array without more ado
        return "", np.zeros(0)
    if not depth:
        raise ValueError(f"structs more than {MAX_DEPTH} deep")
    parts = list(_elements(data, order))
    if len(parts) < 3 or len(parts[0][1]) < 4 or len(parts[1][1]) > 4 * MAX_DIMENSIONS:
        raise ValueError("an array without flags, dimensions and name")
    flags = struct.unpack_from(order + "I", parts[0][1])[0]
    shape = struct.unpack(f"{order}{len(parts[1][1]) // 4}i", parts[1][1])
    name = parts[2][1].decode("latin-1")
    count, kind, content = math.prod(shape), flags & 0xFF, parts[3:]
    if min(shape, default=-1) < 0 or count > len(data):  # every element takes a byte at least
        raise ValueError(f"an array of {' x '.join(map(str, shape))} in {len(data)} bytes")
    if kind == STRUCT:
        return name, _structs(content, count, order, depth)
    if kind == CELL:
        return name, _arrays(content, count, order, depth)
    if kind == CHAR and (not count or shape[0] == 1):
        return name, _text(content[0], order)[:count] if count else ""
    if kind in NUMERIC and not flags & COMPLEX:
        if not count:
            return name, np.zeros(0)
        numbers = np.frombuffer(content[0][1], order + NUMBERS[content[0][0]])
        return name, numbers.reshape(shape, order="F").squeeze()
    return name, None


def _arrays(content, count: int, order: str, depth: int) -> List[Any]:
    if len(content) != count or any(kind != ARRAY for kind, _ in content):
        raise ValueError(f"{count} arrays are announced, {len(content)} elements follow")
    return [_array(data, order, depth - 1)[1] for _, data in content]


def _structs(content, count: int, order: str, depth: int):
    """A struct, or a list of several: the width of the names, the names, then every field of every struct."""
    width = struct.unpack(order + "i", content[0][1])[0]
    if width < 1:
        raise ValueError(f"names of fields of {width} letters")
    names = [content[1][1][start:start + width].split(b"\0")[0].decode("latin-1")
             for start in range(0, len(content[1][1]), width)]
    values = _arrays(content[2:], count * len(names), order, depth)
    structs = [SimpleNamespace(**dict(zip(names, values[start * len(names):]))) for start in range(count)]
    return structs[0] if count == 1 else structs


def _text(element, order: str) -> str:
    kind, data = element
    encoding = TEXTS[kind]
    if encoding in ("utf-16", "utf-32"):
        encoding += "-le" if order == "<" else "-be"
    return data.decode(encoding)
