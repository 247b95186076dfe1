"""Records, innermost layer: one RGBA view <-> the bytes stored for it.

`zstd` (lossless, the default): the smallest box that holds every pixel with a byte other than 0, its four channels
one after the other, each pixel minus its left neighbour (modulo 256), zstd-compressed. `png`: a picture file kept
as it came. Measured on renders of real meshes: docs/records.md.
"""
from __future__ import annotations

import struct
import threading
from typing import NamedTuple, Union

import numpy as np
import zstandard

from recordio.errors import DataError
from recordio.geometry.compiled import compiled
from recordio.layouts.images import read_rgba

PNG, ZSTD = 1, 2  # numbers on disk: never reuse one
ENCODINGS = {"zstd": ZSTD, "png": PNG}
DEFAULT_LEVEL = 3  # of zstd: 1 decodes no faster, 9 packs six times slower and saves at most 5 %
MAX_LEVEL = 22

_BOX = struct.Struct("<HHHH")  # top, left, height, width in pixels
_threads = threading.local()  # zstd contexts serve one thread at a time


def encode_zstd(rgba: np.ndarray, *, level: int = DEFAULT_LEVEL) -> bytes:
    """(H, W, 4) uint8 -> the bytes of a `zstd` view; equal pictures and levels give equal bytes."""
    rgba = np.ascontiguousarray(rgba)
    top, left, bottom, right = _box_of(rgba.view(np.uint32)[:, :, 0])  # the four bytes in one comparison
    if bottom == top:
        return _BOX.pack(0, 0, 0, 0)
    planes = np.empty((4, bottom - top, right - left), np.uint8)
    _differences(rgba[top:bottom, left:right], planes)
    if getattr(_threads, "level", None) != level:
        _threads.compressor, _threads.level = zstandard.ZstdCompressor(level=level, write_checksum=False), level
    return _BOX.pack(top, left, bottom - top, right - left) + _threads.compressor.compress(planes)


@compiled
def _box_of(pixels):
    """(top, left, bottom, right) of the smallest box with every pixel of (H, W) that is not 0; zeros for none."""
    top, left, bottom, right = pixels.shape[0], pixels.shape[1], 0, 0
    for row in range(pixels.shape[0]):
        for column in range(pixels.shape[1]):
            if pixels[row, column]:
                top, left = min(top, row), min(left, column)
                bottom, right = row + 1, max(right, column + 1)
    return (top, left, bottom, right) if bottom else (0, 0, 0, 0)


@compiled
def _differences(rgba, planes):
    """Write each channel of (h, w, 4), each pixel minus its left neighbour modulo 256, into (4, h, w)."""
    for row in range(rgba.shape[0]):
        for channel in range(4):
            left = np.uint8(0)
            for column in range(rgba.shape[1]):
                value = rgba[row, column, channel]
                planes[channel, row, column] = np.uint8(value - left)
                left = value


class Box(NamedTuple):
    """A decompressed view: the part of the picture outside which every byte is 0.

    The loader puts its pixels together while it composes them; `decode_view` makes the whole picture.
    """

    top: int  # place and size, pixels
    left: int
    height: int
    width: int
    differences: bool  # whether data is (4, h, w) minus the left neighbours (`zstd`), or (h, w, 4) as it is
    data: Union[bytes, np.ndarray]  # 4 height width bytes


def decode_view(encoding: int, stored: memoryview, shape, *, name: str) -> np.ndarray:
    """The (H, W, 4) uint8 picture of *stored* bytes; *shape* is the (H, W) that the record promises.

    Raises:
        DataError: beginning with *name*, where the bytes are no such picture.
    """
    box = unpack_view(encoding, stored, shape, name=name)
    if not box.differences:
        return box.data
    rgba = np.zeros((*shape, 4), np.uint8)
    _undo(np.frombuffer(box.data, np.uint8).reshape(4, box.height, box.width),
          rgba[box.top:box.top + box.height, box.left:box.left + box.width])
    return rgba


def unpack_view(encoding: int, stored: memoryview, shape, *, name: str) -> Box:
    """Decompress *stored* bytes as far as a call that frees the interpreter lock does; arguments of `decode_view`.

    Raises:
        DataError: beginning with *name*, where the bytes are no such picture.
    """
    if encoding == PNG:
        rgba = read_rgba(stored, name, max_pixels=shape[0] * shape[1])  # refused before any more is allocated
        if rgba.shape[:2] != tuple(shape):
            raise DataError(f"{name}: the picture is {_size(rgba.shape)} where the record promises {_size(shape)}; "
                            f"pack the data set again")
        return Box(0, 0, rgba.shape[0], rgba.shape[1], False, rgba)
    if encoding != ZSTD:
        raise DataError(f"{name}: unknown view encoding {encoding}, known are {ENCODINGS}; use a newer version")
    return _unpack_zstd(stored, shape, name)


def _unpack_zstd(stored, shape, name):
    if len(stored) < _BOX.size:
        raise DataError(f"{name}: {len(stored)} bytes are too few for a view; pack the data set again")
    top, left, height, width = _BOX.unpack_from(stored)
    if top + height > shape[0] or left + width > shape[1]:
        raise DataError(f"{name}: a box of {height}x{width} at row {top}, column {left} leaves the picture of "
                        f"{_size(shape)}; pack the data set again")
    wanted = 4 * height * width
    if not wanted:
        return Box(0, 0, 0, 0, True, b"")
    try:
        # the size is checked before anything is allocated: a damaged frame may promise any
        promised = zstandard.frame_content_size(stored[_BOX.size:])
        if promised != wanted:
            raise DataError(f"{name}: the view unpacks to {promised} bytes where {wanted} are wanted; "
                            f"pack the data set again")
        if not hasattr(_threads, "decompressor"):
            _threads.decompressor = zstandard.ZstdDecompressor()
        planes = _threads.decompressor.decompress(stored[_BOX.size:])
    except zstandard.ZstdError as error:
        raise DataError(f"{name}: the view does not unpack ({error}); pack the data set again") from None
    return Box(top, left, height, width, True, planes)


@compiled
def _undo(planes, out):
    """Sum the differences of (4, h, w) *planes* along each row into the (h, w, 4) *out*."""
    _, height, width = planes.shape
    for row in range(height):
        for channel in range(4):
            value = np.uint8(0)
            for column in range(width):
                value = np.uint8(value + planes[channel, row, column])
                out[row, column, channel] = value


def _size(shape):
    return f"{shape[0]}x{shape[1]}"
