"""Meshes, PLY: check the header against the file, and cut polygons of mixed length into triangles.

trimesh reads binary PLY only where all faces have as many corners; Blender's exporter, for one, mixes three and four.
"""
from __future__ import annotations

import re
import struct
from typing import List, Tuple

import numpy as np

from recordio.errors import DataError
from recordio.meshes.preflight import check_declared

FORMATS = {"char": "b", "uchar": "B", "short": "h", "ushort": "H", "int": "i", "uint": "I", "float": "f",
           "double": "d", "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I",
           "float32": "f", "float64": "d"}  # PLY's type names in the letters of the struct module


def prepare_ply(path, data: bytes) -> bytes:
    """The bytes that trimesh reads.

    Raises:
        DataError: no PLY header, a type that PLY does not have, more rows declared than the file can hold.
    """
    end = re.search(rb"end_header[ \t]*\r?\n", data[:65536])
    if not data.startswith(b"ply") or end is None:
        raise DataError(f"{path}: it has no PLY header; it is cut short or no PLY file")
    start = end.end()
    header = data[:start].decode("latin-1")  # one character per byte
    if not header.isascii():  # a comment in another encoding, which trimesh would not survive
        header = "".join(letter if letter.isascii() else "?" for letter in header)
        data = header.encode("ascii") + data[start:]
    elements = _elements(path, header)
    check_declared(path, len(data) - start, 2, **{name: count for name, count, _ in elements})
    if "format binary" not in header:
        return data
    order = "<" if "binary_little" in header else ">"
    position = start
    for name, count, properties in elements:
        lists = [place for place, (length, _) in enumerate(properties) if length]
        if name == "face" and len(lists) == 1 and count:
            faces = _Faces(data, position, count, order, properties, lists[0])
            return data if faces.equal() else _with_triangles(path, header, data, position, faces)
        if lists:  # several lists per row, as textured faces have: trimesh reads them if they are equal
            return data
        position += count * struct.calcsize(order + "".join(FORMATS[kind] for _, kind in properties))
    return data


def _elements(path, header: str) -> List[Tuple[str, int, list]]:
    """(name, rows, [(type of a list's length or '', type)]) of every element, in the file's order."""
    elements = []
    for text in re.split(r"^element[ \t]+", header, flags=re.MULTILINE)[1:]:
        name, count = (text.split(None, 2) + ["", ""])[:2]
        properties = re.findall(r"^property[ \t]+(?:list[ \t]+(\S+)[ \t]+)?(\S+)[ \t]+\S+", text, re.MULTILINE)
        unknown = [kind for pair in properties for kind in pair if kind and kind not in FORMATS]
        if unknown or not count.isdigit():
            raise DataError(f"{path}: its PLY header is damaged at element {name!r} ({(unknown or [count])[0]!r}); "
                            f"export it again")
        elements.append((name, int(count), properties))
    return elements


class _Faces:
    """Where the rows of a binary face element lie: fixed bytes, one list, fixed bytes."""

    def __init__(self, data: bytes, position: int, count: int, order: str, properties: list, place: int):
        self.data, self.position, self.count = data, position, count
        self.before, self.after = (struct.calcsize(order + "".join(FORMATS[kind] for _, kind in part))
                                   for part in (properties[:place], properties[place + 1:]))
        self.length = struct.Struct(order + FORMATS[properties[place][0]])
        self.width = struct.calcsize(FORMATS[properties[place][1]])

    def equal(self) -> bool:
        """Whether all rows have as many corners as the first."""
        first = self.position + self.before
        if first + self.length.size > len(self.data):
            return True  # cut short: trimesh says so
        corners = self.length.unpack_from(self.data, first)[0]
        row = self.before + self.length.size + corners * self.width + self.after
        if self.position + self.count * row > len(self.data):
            return False
        rows = np.frombuffer(self.data, np.uint8, self.count * row, self.position).reshape(self.count, row)
        lengths = rows[:, self.before:self.before + self.length.size]
        return bool((lengths == lengths[0]).all())

    def triangles(self) -> Tuple[bytes, int, int]:
        """(rows of a fan of triangles per polygon, their number, where the element ends in the data).

        Raises struct.error where the data end too soon.
        """
        data, rows, row = self.data, [], self.position
        three = self.length.pack(3)
        for _ in range(self.count):
            first = row + self.before + self.length.size
            corners = self.length.unpack_from(data, row + self.before)[0]
            end = first + corners * self.width
            for corner in range(1, corners - 1):
                rows.append(b"".join((
                    data[row:row + self.before], three, data[first:first + self.width],
                    data[first + corner * self.width:first + (corner + 2) * self.width], data[end:end + self.after])))
            row = end + self.after
            if row > len(data):
                raise struct.error("a row ends after the data")
        return b"".join(rows), len(rows), row


def _with_triangles(path, header: str, data: bytes, position: int, faces: _Faces) -> bytes:
    try:
        rows, count, end = faces.triangles()
    except struct.error:
        raise DataError(f"{path}: its header declares {faces.count:,} faces, but the file ends before them; "
                        f"it is cut short") from None
    changed = re.sub(r"(^element[ \t]+face[ \t]+)\d+", rf"\g<1>{count}", header, flags=re.MULTILINE)
    return changed.encode("latin-1") + data[len(header):position] + rows + data[end:]
