"""Records: one sample (views, voxels, cameras) <-> the payload bytes of one record, version 1.

Byte for byte in docs/records.md. Little-endian: header, view table, cameras, voxels, names, views, checksum. Every
length is checked against the bytes at hand before it is used, so that no damaged record can ask for memory.
"""
from __future__ import annotations

import itertools
import math
import struct
from dataclasses import dataclass
from typing import Sequence

import numpy as np
import xxhash

from recordio.errors import DataError
from recordio.records.encodings import Box, decode_view, unpack_view

MAGIC = b"R2N2"
VERSION = 1
MAX_IMAGE_SIDE = 4096  # pixels
MAX_VOXEL_SIDE = 256  # cells

# magic, version, flags, record length, class length, model length, views, image height, image width, camera columns,
# voxel dims x y z, zero, grid translate x y z, grid scale
_HEADER = struct.Struct("<4sHHIHHHHHHHHHH3dd")
_CHECKSUM = struct.Struct("<Q")  # xxh64, seed 0, of everything before it
_TABLE = np.dtype([("offset", "<u4"), ("length", "<u4"), ("encoding", "<u4")])


@dataclass(frozen=True)
class Record:
    """One parsed record; views are decoded one by one, on demand.

    Attributes:
        synset, model_id: the class and the model; `key` is "synset/model_id".
        image_size: (height, width) of every view, pixels.
        voxel_shape: (x, y, z) cells.
        translate, scale: the grid's minimum corner and side, object-frame units (recordio/geometry/camera.py).
        cameras: (n, columns) float32, as in rendering_metadata.txt (azimuth, elevation, in-plane rotation,
            distance ratio), or None where not known.
    """

    synset: str
    model_id: str
    image_size: tuple[int, int]
    voxel_shape: tuple[int, int, int]
    translate: tuple[float, float, float]
    scale: float
    cameras: np.ndarray | None
    name: str  # where the record lies, for messages
    _payload: memoryview
    _table: np.ndarray
    _packed: np.ndarray  # the bits of the voxels

    @property
    def key(self) -> str:
        return f"{self.synset}/{self.model_id}"

    @property
    def view_count(self) -> int:
        return len(self._table)

    def view(self, index: int) -> np.ndarray:
        """View *index* as (H, W, 4) uint8 RGBA, straight alpha; the other views are not touched."""
        return decode_view(*self._stored(index), self.image_size, name=f"{self.name}, view {index}")

    def box(self, index: int) -> Box:
        """View *index* decompressed, its pixels not yet put together."""
        return unpack_view(*self._stored(index), self.image_size, name=f"{self.name}, view {index}")

    def _stored(self, index: int) -> tuple[int, memoryview]:
        """(encoding number, bytes) of view *index*."""
        offset, length, encoding = self._table[index].item()
        return encoding, self._payload[offset:offset + length]

    @property
    def packed_voxels(self) -> np.ndarray:
        """The occupancy as (ceil(XYZ / 8),) uint8, the cell of the lowest bit first."""
        return self._packed

    def voxels(self) -> np.ndarray:
        """The occupancy as (X, Y, Z) bool."""
        count = int(np.prod(self.voxel_shape))
        return np.unpackbits(self._packed, count=count, bitorder="little").reshape(self.voxel_shape).view(bool)


def encode_record(synset: str, model_id: str, views: Sequence[tuple[int, bytes]], voxels: np.ndarray, *,
                  image_size: tuple[int, int], translate: Sequence[float], scale: float,
                  cameras: np.ndarray | None = None) -> bytes:
    """The payload of one sample.

    Args:
        views: (encoding number, stored bytes) of each, as recordio.records.encodings makes them.
        voxels: (X, Y, Z) bool.
        image_size: (height, width) of every view.
        cameras: (n, columns) numbers or None; Record says what the columns are.

    Raises:
        DataError: more or larger things than the format holds.
    """
    rows = np.zeros((len(views), 0)) if cameras is None else np.asarray(cameras, "<f4")
    if len(rows) != len(views):
        raise DataError(f"{synset}/{model_id}: {len(rows)} camera rows for {len(views)} views; give one row per view")
    names = synset.encode("utf-8"), model_id.encode("utf-8")
    _check_limits(f"{synset}/{model_id}", len(views), image_size, voxels.shape)
    packed = np.packbits(voxels.astype(bool).ravel(), bitorder="little").tobytes()
    table = np.zeros(len(views), _TABLE)
    head = _HEADER.size + table.nbytes + 4 * rows.size + len(packed) + sum(map(len, names))
    lengths = [len(stored) for _, stored in views]
    table["offset"] = head + np.cumsum([0] + lengths[:-1])
    table["length"] = lengths
    table["encoding"] = [encoding for encoding, _ in views]
    header = _HEADER.pack(MAGIC, VERSION, 0, head + sum(lengths) + _CHECKSUM.size, *map(len, names), len(views),
                          *image_size, rows.shape[1], *voxels.shape, 0, *translate, scale)
    body = b"".join([header, table.tobytes(), rows.astype("<f4").tobytes(), packed, *names,
                     *(stored for _, stored in views)])
    return body + _CHECKSUM.pack(xxhash.xxh64_intdigest(body))


def parse_record(payload: memoryview, *, name: str, verify: bool = True) -> Record:
    """Read the head of a record; with *verify* (about 15 microseconds for 24 views) its checksum too.

    Raises:
        DataError: beginning with *name*, for a record that is damaged, cut short or of another version.
    """
    payload = memoryview(payload)
    if len(payload) < _HEADER.size + _CHECKSUM.size or payload[:4] != MAGIC:
        raise DataError(f"{name}: not a record of this project ({len(payload)} bytes that begin with "
                        f"{bytes(payload[:4])!r}, wanted {MAGIC!r}); pack the data set with tools/pack_rec.py")
    (_, version, flags, length, *names, views, height, width, columns, x, y, z, zero, tx, ty, tz, scale
     ) = _HEADER.unpack_from(payload)
    if version != VERSION or flags or zero:
        raise DataError(f"{name}: record version {version} (flags {flags}), this program reads version {VERSION}; "
                        f"use a newer program or pack the data set again")
    if length != len(payload):
        raise DataError(f"{name}: the record says {length} bytes where {len(payload)} are there; "
                        f"the file is damaged, copy it again")
    if verify and xxhash.xxh64_intdigest(payload[:-_CHECKSUM.size]) != _CHECKSUM.unpack(payload[-_CHECKSUM.size:])[0]:
        raise DataError(f"{name}: the checksum does not match; the file is damaged, copy it again")
    _check_limits(name, views, (height, width), (x, y, z))
    if not all(map(math.isfinite, (tx, ty, tz, scale))) or scale <= 0:
        raise DataError(f"{name}: a grid of side {scale} at {tx}, {ty}, {tz} is nowhere; pack the data set again")
    # sections in their order: table, cameras, voxels, class, model; the views follow
    sizes = [_TABLE.itemsize * views, 4 * views * columns, -(-x * y * z // 8), *names]
    table_at, cameras_at, voxels_at, class_at, model_at, views_at = itertools.accumulate([_HEADER.size] + sizes)
    if views_at > length - _CHECKSUM.size:
        raise DataError(f"{name}: {views} views and {x}x{y}x{z} voxels do not fit {length} bytes; "
                        f"the file is damaged, copy it again")
    table = np.frombuffer(payload, _TABLE, views, table_at)
    offsets = views_at + np.cumsum(np.concatenate([[0], table["length"].astype(np.int64)]))
    if (table["offset"] != offsets[:-1]).any() or offsets[-1] != length - _CHECKSUM.size:
        raise DataError(f"{name}: the views do not fill the record; the file is damaged, copy it again")
    try:
        synset, model_id = (bytes(payload[start:end]).decode("utf-8")
                            for start, end in ((class_at, model_at), (model_at, views_at)))
    except UnicodeDecodeError:
        raise DataError(f"{name}: the class or model name is not UTF-8; the file is damaged, copy it again") from None
    rows = np.frombuffer(payload, "<f4", views * columns, cameras_at).reshape(views, columns)
    packed = np.frombuffer(payload, np.uint8, sizes[2], voxels_at)
    return Record(synset, model_id, (height, width), (x, y, z), (tx, ty, tz), scale, rows if columns else None, name,
                  payload, table, packed)


def _check_limits(name, views, image_size, voxel_shape):
    if not 0 < views < 1 << 16:
        raise DataError(f"{name}: {views} views, 1 to {(1 << 16) - 1} are possible; leave the model out or use fewer")
    if not all(0 < side <= MAX_IMAGE_SIDE for side in image_size):
        raise DataError(f"{name}: views of {image_size[0]}x{image_size[1]} pixels, sides of 1 to {MAX_IMAGE_SIDE} are "
                        f"possible; scale the pictures down")
    if len(voxel_shape) != 3 or not all(0 < side <= MAX_VOXEL_SIDE for side in voxel_shape):
        raise DataError(f"{name}: a grid of {'x'.join(map(str, voxel_shape))}, sides of 1 to {MAX_VOXEL_SIDE} are "
                        f"possible; voxelise at a lower resolution")
