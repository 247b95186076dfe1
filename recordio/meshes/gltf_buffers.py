"""Meshes, glTF 2.0: a .glb or .gltf file -> its JSON and the arrays of its accessors, every length checked.

Source: Khronos glTF 2.0 specification, chapters 3.6 (binary data storage) and 4 (GLB).
"""
from __future__ import annotations

import base64
import binascii
import json
import struct
from pathlib import Path
from typing import List, Optional
from urllib.parse import unquote

import numpy as np

from recordio.errors import DataError

MAGIC, JSON_CHUNK, BINARY_CHUNK = b"glTF", 0x4E4F534A, 0x004E4942
TYPES = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}  # numbers per element
COMPONENTS = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
MAX_ELEMENTS = 50_000_000  # of one accessor: far above MAX_TRIANGLES, far below what exhausts the memory

# What a file may require without its geometry being lost on a reader that does not know it.
HARMLESS = ("KHR_materials_", "KHR_texture_", "KHR_lights_", "KHR_mesh_quantization", "KHR_xmp", "EXT_texture_",
            "MSFT_texture_", "EXT_lights_", "KHR_animation_", "KHR_node_visibility")
COMPRESSED = {
    "KHR_draco_mesh_compression": "Draco-compressed (KHR_draco_mesh_compression); decompress it first, "
                                  "for example with `gltf-transform copy IN OUT` or Blender's import and export",
    "EXT_meshopt_compression": "meshopt-compressed (EXT_meshopt_compression); decompress it first, "
                               "for example with `gltf-transform copy IN OUT`",
}


class Document:
    """The JSON of a glTF file (``.json``) and its binary buffers.

    Raises:
        DataError: damaged, cut short, of another version, compressed, or with a buffer file that is missing.
    """

    def __init__(self, path):
        self.path = Path(path)
        data = self.path.read_bytes()
        text, self._embedded = _split_glb(self.path, data) if data[:4] == MAGIC else (data, None)
        try:
            self.json = json.loads(text.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}: its glTF description is damaged ({error}); export it again") from None
        if not isinstance(self.json, dict):
            raise DataError(f"{path}: its glTF description is no JSON object; export it again")
        version = str(self.json.get("asset", {}).get("version", "2.0"))
        if not version.startswith("2"):
            raise DataError(f"{path}: glTF version {version}, only version 2 is read; convert it")
        self._refuse_compressed()
        self._buffers: List[Optional[bytes]] = [None] * len(self.json.get("buffers", []))

    def _refuse_compressed(self) -> None:
        required = list(self.json.get("extensionsRequired", []))
        for primitive in (p for mesh in self.json.get("meshes", []) for p in mesh.get("primitives", [])):
            # compression that is only "used" has an uncompressed copy beside it, unless the accessors are empty
            draco = "KHR_draco_mesh_compression" in primitive.get("extensions", {})
            if draco and "bufferView" not in self.json["accessors"][primitive["attributes"]["POSITION"]]:
                required.append("KHR_draco_mesh_compression")
        for name in required:
            if name in COMPRESSED:
                raise DataError(f"{self.path}: it is {COMPRESSED[name]}")
            if not name.startswith(HARMLESS):
                raise DataError(f"{self.path}: it requires the glTF extension {name}, which is not read; "
                                f"export it without")

    def view(self, index: int) -> memoryview:
        """The bytes of a bufferView."""
        view = self.json["bufferViews"][index]
        data = self._buffer(view["buffer"])
        start, length = view.get("byteOffset", 0), view["byteLength"]
        if not 0 <= start <= start + length <= len(data):
            raise DataError(f"{self.path}: bufferView {index} ends at byte {start + length:,} of a buffer of "
                            f"{len(data):,}; the file is cut short or damaged")
        return memoryview(data)[start:start + length]

    def accessor(self, index: int) -> np.ndarray:
        """(count, numbers per element) array of an accessor; normalised integers come as floats in [-1, 1]."""
        info = self.json["accessors"][index]
        count, width, dtype = info["count"], TYPES[info["type"]], np.dtype(COMPONENTS[info["componentType"]])
        if not 0 <= count <= MAX_ELEMENTS:
            raise DataError(f"{self.path}: accessor {index} declares {count:,} elements, at most "
                            f"{MAX_ELEMENTS:,} are read")
        if "bufferView" in info:
            values = self._strided(index, info["bufferView"], info.get("byteOffset", 0), count, width, dtype)
        else:
            values = np.zeros((count, width), dtype)
        if "sparse" in info:
            values = self._patched(index, values, info["sparse"])
        if info.get("normalized") and dtype.kind in "iu":
            return np.maximum(values.astype(np.float32) / np.iinfo(dtype).max, -1.0)
        return values

    def resource(self, uri: str) -> bytes:
        """The bytes behind a URI: base64 in the file itself, or a file beside it."""
        if uri.startswith("data:"):
            try:
                return base64.b64decode(uri.split(",", 1)[1])
            except (IndexError, binascii.Error):
                raise DataError(f"{self.path}: an embedded buffer is not valid base64; export it again") from None
        if "://" in uri:
            raise DataError(f"{self.path}: its data is at {uri}; download it and keep it beside the file")
        for name in (uri, unquote(uri)):
            if (self.path.parent / name).is_file():
                return (self.path.parent / name).read_bytes()
        raise DataError(f"{self.path}: the file {unquote(uri)} that it refers to is missing; put it beside it")

    def _buffer(self, index: int) -> bytes:
        if self._buffers[index] is None:
            uri = self.json["buffers"][index].get("uri")
            data = self.resource(uri) if uri is not None else self._embedded
            if data is None:
                raise DataError(f"{self.path}: buffer {index} has no data; the file is cut short or damaged")
            self._buffers[index] = data
        return self._buffers[index]

    def _strided(self, index, view, offset, count, width, dtype) -> np.ndarray:
        data = self.view(view)
        row = width * dtype.itemsize
        stride = self.json["bufferViews"][view].get("byteStride", row)
        needed = offset + (count - 1) * stride + row if count else 0
        if stride < row or offset < 0 or needed > len(data):
            raise DataError(f"{self.path}: accessor {index} declares {count:,} elements ({needed:,} bytes) of a "
                            f"bufferView of {len(data):,} bytes; the file is cut short or damaged")
        if not count:
            return np.zeros((0, width), dtype)
        return np.ndarray((count, width), dtype, data, offset, (stride, dtype.itemsize)).copy()

    def _patched(self, index, values, sparse) -> np.ndarray:
        count, where, what = sparse["count"], sparse["indices"], sparse["values"]
        rows = self._strided(index, where["bufferView"], where.get("byteOffset", 0), count, 1,
                             np.dtype(COMPONENTS[where["componentType"]]))[:, 0]
        values[rows] = self._strided(index, what["bufferView"], what.get("byteOffset", 0), count, values.shape[1],
                                     values.dtype)
        return values


def _split_glb(path, data: bytes):
    """(JSON bytes, binary chunk or None) of a GLB container."""
    if len(data) < 20:
        raise DataError(f"{path}: the GLB file has only {len(data)} bytes; it is cut short")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2:
        raise DataError(f"{path}: GLB version {version}, only version 2 is read; convert it")
    if length > len(data):
        raise DataError(f"{path}: the GLB header declares {length:,} bytes, the file has {len(data):,}; "
                        f"it is cut short")
    chunks, position = {}, 12
    while position + 8 <= length:
        size, kind = struct.unpack_from("<II", data, position)
        if position + 8 + size > len(data):
            raise DataError(f"{path}: a GLB chunk declares {size:,} bytes, more than the file has; it is cut short")
        chunks.setdefault(kind, data[position + 8:position + 8 + size])
        position += 8 + size
    if JSON_CHUNK not in chunks:
        raise DataError(f"{path}: the GLB file has no JSON chunk; it is damaged")
    return chunks[JSON_CHUNK], chunks.get(BINARY_CHUNK)
