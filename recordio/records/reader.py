"""Records, reading: a packed folder -> parsed records, by positional reads that any number of threads may share."""
from __future__ import annotations

import hashlib
import os
import weakref
from pathlib import Path
from typing import Callable

from recordio.errors import DataError
from recordio.records.format import Record, parse_record
from recordio.records.framing import MAX_FRAMED, unframe
from recordio.records.manifest import Shard, file_sha256, read_manifest


class ShardReader:
    """One open shard. `read` is safe from any thread and takes no lock: os.pread frees the interpreter lock and
    leaves no position behind.

    Raises:
        DataError: the shard or its index is absent, of another length, or damaged.
    """

    def __init__(self, folder: str | Path, shard: Shard, *, voxel_shape: tuple[int, ...] | None = None):
        """*voxel_shape*: what the grid of every record has to be; None for any."""
        self.shard, self.voxel_shape = shard, voxel_shape
        self.path = Path(folder, f"{shard.name}.rec")
        self._bounds = read_index(Path(folder, f"{shard.name}.idx"), shard)
        check_size(self.path, shard)
        self._descriptor = os.open(self.path, os.O_RDONLY)
        self._finalise = weakref.finalize(self, os.close, self._descriptor)  # also where nobody calls close()

    def read(self, number: int, *, verify: bool = True) -> Record:
        """Record *number* of the shard; *verify* checks its checksum.

        Raises:
            DataError: naming the shard, the number and the key of a record that is damaged.
        """
        key = self.shard.keys[number]
        name = f"{self.path}, record {number} ({key})"
        start, end = self._bounds[number], self._bounds[number + 1]
        record = read_record(self._descriptor, start, end, name=name, verify=verify)
        check_promises(record, key, self.voxel_shape, name=name)
        if record.view_count < self.shard.fewest_views:
            raise DataError(f"{name}: {record.view_count} views where the manifest promises at least "
                            f"{self.shard.fewest_views}; pack the data set again")
        return record

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._descriptor = -1
        self._finalise()


def read_record(descriptor: int, start: int, end: int, *, name: str, verify: bool = True) -> Record:
    """The record whose parts fill the bytes *start* to *end* of an open file; DataError, beginning with *name*."""
    if end - start > MAX_FRAMED:
        raise DataError(f"{name}: {end - start} bytes are longer than any record; the file is damaged, copy it again")
    framed = os.pread(descriptor, end - start, start)
    if len(framed) != end - start:
        raise DataError(f"{name}: {end - start} bytes wanted at {start}, {len(framed)} came; "
                        f"the file is cut short, copy it again")
    return parse_record(unframe(framed, name=name), name=name, verify=verify)


def check_promises(record: Record, key: str, voxel_shape: tuple[int, ...] | None, *, name: str) -> None:
    """Hold that *record* is the sample that the manifest names, with the grid that all samples share."""
    if record.key != key:
        raise DataError(f"{name}: the record is {record.key}; index and shard do not belong together, copy both again")
    if voxel_shape is not None and record.voxel_shape != tuple(voxel_shape):
        raise DataError(f"{name}: a grid of {'x'.join(map(str, record.voxel_shape))} where the manifest promises "
                        f"{'x'.join(map(str, voxel_shape))}; pack the data set again")


def check_size(path: Path, shard: Shard) -> None:
    """Hold that the shard's file is there and as long as the manifest says."""
    if not path.is_file():
        raise DataError(f"{path}: the shard is missing; copy it again or pack the data set again")
    size = path.stat().st_size
    if size != shard.bytes:
        raise DataError(f"{path}: {size} bytes where the manifest says {shard.bytes}; "
                        f"the shard is {'cut short' if size < shard.bytes else 'another file'}, copy it again")


def verify_dataset(folder: str | Path, on_bytes: Callable[[int], object] = lambda count: None) -> int:
    """Read a packed data set once and compare every file with its SHA-256 in the manifest.

    Args:
        on_bytes: called with the size of each shard after it was read.

    Returns:
        The number of samples.

    Raises:
        DataError: naming the first file that is absent or differs.
    """
    manifest = read_manifest(folder)
    for shard in manifest.shards:
        path = Path(folder, f"{shard.name}.rec")
        check_size(path, shard)
        read_index(Path(folder, f"{shard.name}.idx"), shard)
        if file_sha256(path)[0] != shard.sha256:
            raise DataError(f"{path}: its SHA-256 is not the manifest's; the file is damaged, copy it again")
        on_bytes(shard.bytes)
    return sum(len(shard.keys) for shard in manifest.shards)


def read_index(path: Path, shard: Shard) -> list[int]:
    """Where each record begins, and the shard's length; the file must have the manifest's hash."""
    if not path.is_file():
        raise DataError(f"{path}: the index is missing; copy it again or pack the data set again")
    # read no more than an index of so many records can take
    content = b"" if path.stat().st_size > 40 * len(shard.keys) else path.read_bytes()
    if hashlib.sha256(content).hexdigest() != shard.index_sha256:
        raise DataError(f"{path}: its SHA-256 is not the manifest's; the index is damaged or belongs to another data "
                        f"set, copy it again")
    return parse_index(content, len(shard.keys), shard.bytes, name=str(path))


def parse_index(content: bytes, count: int, size: int, *, name: str) -> list[int]:
    """The *count* offsets in the bytes of an index, and *size*, the length of the shard.

    Raises:
        DataError: beginning with *name*, where they do not rise from 0 to below *size* in multiples of 4.
    """
    lines = content.split(b"\n")
    try:
        starts = [int(line.split(b"\t")[1]) for line in lines[:-1]]
    except (IndexError, ValueError):
        starts = []
    if content != b"".join(b"%d\t%d\n" % place for place in enumerate(starts)) or len(starts) != count:
        raise DataError(f"{name}: {len(lines) - 1} lines that should be 'number TAB offset' of {count} records; "
                        f"the index is damaged or belongs to another data set, copy it again")
    bounds = [*starts, size]
    if count and starts[0] or any(start % 4 or start >= end for start, end in zip(bounds, bounds[1:])):
        raise DataError(f"{name}: the offsets do not rise from 0 to {size} in multiples of 4; "
                        f"the index belongs to another data set, copy it again")
    return bounds
