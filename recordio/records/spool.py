"""Records, packing archives: finished records in the order in which they came, until their shards can be written.

The spool is one file in the output folder to which entries are appended, each with a checksum. What a killed process
left of it is the state from which the next one goes on: everything up to the first damaged entry.
"""
from __future__ import annotations

import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, List, Tuple

import xxhash

from recordio.errors import DataError
from recordio.layouts import ModelPaths
from recordio.records.progress import SPOOL
from recordio.records.samples import Encoded

_HEAD = struct.Struct("<4sIQQ")  # magic, length of the facts, length of the record, xxh64 of both
_MAGIC = b"R2SP"


@dataclass(frozen=True)
class Entry:
    """Where the record of a model lies, and what the plan wants to know of its files."""

    names: Tuple[str, ...]  # of the views
    sizes: Tuple[int, ...]  # bytes: the voxels, the cameras (-1 without), the views
    voxel_shape: Tuple[int, ...]
    views: int
    reason: str
    start: int
    length: int


class Spool:
    """The spool in the folder *out*; entries that are there already are kept where they have the same *token*.

    Raises:
        DataError: the spool there belongs to another pack.
        OSError: the disk is full or read-only.
    """

    def __init__(self, out: Path, token: str):
        self.path = out / SPOOL
        self.entries: Dict[str, Entry] = {}
        self._names: Dict[Tuple[str, ...], Tuple[str, ...]] = {}  # most models share one list of names
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            self._end = self._recover(token)
            os.ftruncate(self._descriptor, self._end)
            if not self._end:
                self._append({"token": token}, b"")
        except BaseException:
            self.close()
            raise

    def put(self, model: ModelPaths, sizes: List[int], encoded: Encoded) -> None:
        """Append the record of *model*."""
        facts = {"key": model.key, "names": model.names, "sizes": sizes, "shape": encoded.voxel_shape,
                 "views": encoded.views, "reason": encoded.reason}
        self._remember(facts, self._append(facts, encoded.payload), len(encoded.payload))

    def get(self, model: ModelPaths) -> Encoded:
        """The record of *model*; any number of threads may call this."""
        entry = self.entries[model.key]
        payload = os.pread(self._descriptor, entry.length, entry.start)
        return Encoded(payload, entry.voxel_shape, entry.views, entry.reason, told=True)

    def facts(self, model: ModelPaths) -> Tuple[List[int], int]:
        """The sizes of the model's files, for the plan; the date is 0, as the archives stand for it."""
        return list(self.entries[model.key].sizes), 0

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _append(self, facts: dict, payload: bytes) -> int:
        text = json.dumps(facts).encode("utf-8")
        data = _HEAD.pack(_MAGIC, len(text), len(payload), xxhash.xxh64_intdigest(text + payload)) + text + payload
        view = memoryview(data)
        try:
            while view:
                view = view[os.pwrite(self._descriptor, view, self._end + len(data) - len(view)):]
        except OSError as error:
            error.filename = str(self.path)  # such as a full disk: say where
            raise
        start, self._end = self._end + _HEAD.size + len(text), self._end + len(data)
        return start

    def _remember(self, facts: dict, start: int, length: int) -> None:
        names = tuple(facts["names"])
        self.entries[facts["key"]] = Entry(self._names.setdefault(names, names), tuple(facts["sizes"]),
                                           tuple(facts["shape"]), facts["views"], facts["reason"], start, length)

    def _recover(self, token: str) -> int:
        """Read what is there; -> where the first damaged entry begins, which is where the next one goes."""
        size, end = os.fstat(self._descriptor).st_size, 0
        self._end = 0
        while end + _HEAD.size <= size:
            magic, facts_length, length, checksum = _HEAD.unpack(os.pread(self._descriptor, _HEAD.size, end))
            begin = end + _HEAD.size
            if magic != _MAGIC or begin + facts_length + length > size:
                break
            data = os.pread(self._descriptor, facts_length + length, begin)
            if xxhash.xxh64_intdigest(data) != checksum:
                break
            facts = json.loads(data[:facts_length])
            if not end and facts.get("token") != token:
                raise DataError(f"{self.path.parent}: it holds an unfinished pack of other input or options; finish "
                                f"that one, choose another folder, or --overwrite to begin again")
            if end:
                self._remember(facts, begin + facts_length, length)
            end = begin + facts_length + length
        return end
