"""Records, outermost layer: a payload <-> dmlc RecordIO parts on disk, as mx.recordio reads and writes them.

One part is: uint32 magic, uint32 (continuation flag << 29 | length), the bytes, zeros up to a multiple of 4.
A payload that contains the magic at a multiple of 4 is cut there, so that the magic marks part starts and nothing
else; the cut-out magic is not stored again. All numbers are little-endian. (dmlc-core, src/recordio.cc)
"""
from __future__ import annotations

import os
import struct
from typing import Iterator

import numpy as np

from recordio.errors import DataError

MAGIC = 0xCED7230A
MAX_PAYLOAD = (1 << 29) - 1  # bytes; the length shares its word with three flag bits
MAX_FRAMED = 2 * MAX_PAYLOAD + 16  # bytes of all its parts: a payload of nothing but magic doubles
WHOLE, FIRST, MIDDLE, LAST = range(4)  # continuation flags

_HEAD = struct.Struct("<II")
_MAGIC_BYTES = struct.pack("<I", MAGIC)


def frame(payload: bytes) -> bytes:
    """The bytes that a RecordIO file holds for *payload*; their length is a multiple of 4.

    Raises:
        DataError: the payload exceeds MAX_PAYLOAD.
    """
    if len(payload) > MAX_PAYLOAD:
        raise DataError(f"a record of {len(payload)} bytes is too long for RecordIO, which holds {MAX_PAYLOAD}; "
                        f"use fewer or smaller views per model")
    words = np.frombuffer(payload, "<u4", count=len(payload) // 4)
    cuts = [int(word) * 4 for word in np.flatnonzero(words == MAGIC)]
    pieces, start = [], 0
    for number, cut in enumerate(cuts):
        pieces += [_HEAD.pack(MAGIC, (MIDDLE if number else FIRST) << 29 | cut - start), payload[start:cut]]
        start = cut + 4
    tail = payload[start:]
    pieces += [_HEAD.pack(MAGIC, (LAST if cuts else WHOLE) << 29 | len(tail)), tail, bytes(-len(tail) % 4)]
    return b"".join(pieces)


def unframe(framed: bytes | memoryview, *, name: str) -> memoryview:
    """The payload of exactly one framed record; without a copy where it is one part.

    Raises:
        DataError: beginning with *name*, where the parts do not fill *framed* exactly or out of order.
    """
    view, start, pieces = memoryview(framed), 0, []
    while True:
        if start + 8 > len(view):
            raise DataError(f"{name}: the record is cut short after {len(view)} bytes; copy the file again")
        magic, word = _HEAD.unpack_from(view, start)
        flag, length = word >> 29, word & MAX_PAYLOAD
        end = start + 8 + length
        padded = end + -length % 4
        if magic != MAGIC:
            raise DataError(f"{name}: no record begins here (wanted {MAGIC:#010x}, got {magic:#010x}); "
                            f"the file is damaged, copy it again")
        if flag not in ((MIDDLE, LAST) if pieces else (WHOLE, FIRST)):
            raise DataError(f"{name}: the parts of the record are out of order (flag {flag} in part "
                            f"{len(pieces) // 2}); the file is damaged, copy it again")
        if padded > len(view) or any(view[end:padded]):
            raise DataError(f"{name}: a part of {length} bytes does not fit its record; "
                            f"the file is damaged, copy it again")
        pieces.append(view[start + 8:end])
        start = padded
        if flag in (WHOLE, LAST):
            break
        pieces.append(memoryview(_MAGIC_BYTES))  # where the payload was cut
    if start != len(view):
        raise DataError(f"{name}: {len(view) - start} bytes follow the record; the index belongs to another file, "
                        f"pack the data set again")
    return pieces[0] if len(pieces) == 1 else memoryview(b"".join(pieces))


def find_records(descriptor: int, size: int) -> Iterator[tuple[int, int]]:
    """(start, end) of every record in an open file of *size* bytes, found by the heads of the parts alone.

    The stretches cover the file without a gap. Where the heads are damaged one ends at the next place at which a
    record may begin; `unframe` then says what is wrong with it.
    """
    start = 0
    while start < size:
        end = _record_end(descriptor, start, size) or _next_start(descriptor, start + 4, size)
        yield start, end
        start = end


def _record_end(descriptor, start, size):
    """Where the record at *start* ends; None where its heads are damaged."""
    wanted = (WHOLE, FIRST)
    while start + 8 <= size:
        head = os.pread(descriptor, _HEAD.size, start)
        if len(head) < _HEAD.size:  # somebody cut the file meanwhile
            return None
        magic, word = _HEAD.unpack(head)
        flag, length = word >> 29, word & MAX_PAYLOAD
        start += 8 + length + -length % 4
        if magic != MAGIC or flag not in wanted or start > size:
            return None
        if flag in (WHOLE, LAST):
            return start
        wanted = (MIDDLE, LAST)
    return None


def _next_start(descriptor, start, size):
    """The first place from *start* (a multiple of 4) on that holds the head of a whole or first part."""
    while start + 8 <= size:
        piece = os.pread(descriptor, min(1 << 20, (size - start) & ~3), start)
        words = np.frombuffer(piece, "<u4", len(piece) // 4)
        if len(words) < 2:
            break
        for place in np.flatnonzero(words[:-1] == MAGIC):
            if words[place + 1] >> 29 in (WHOLE, FIRST):
                return start + 4 * int(place)
        start += max(4, len(piece) - 4)  # the last word may be the magic of a head that is cut here
    return size
