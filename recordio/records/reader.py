"""Records, reading: a packed folder -> parsed records, by positional reads that any number of threads may share."""
from __future__ import annotations

import hashlib
import os
import weakref
from pathlib import Path
from typing import Callable

from recordio.errors import DataError
from recordio.records.format import Record, parse_record
from recordio.records.framing import unframe
from recordio.records.manifest import Shard, file_sha256, read_manifest


class ShardReader:
    """One open shard. `read` is safe from any thread and takes no lock: os.pread frees the interpreter lock and
    leaves no position behind.

    Raises:
        DataError: the shard or its index is absent, of another length, or damaged.
    """

    def __init__(self, folder: str | Path, shard: Shard):
        self.shard = shard
        self.path = Path(folder, f"{shard.name}.rec")
        self._bounds = _read_index(Path(folder, f"{shard.name}.idx"), shard)
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
        framed = os.pread(self._descriptor, end - start, start)
        if len(framed) != end - start:
            raise DataError(f"{name}: {end - start} bytes wanted at {start}, {len(framed)} came; "
                            f"the file is cut short, copy it again")
        record = parse_record(unframe(framed, name=name), name=name, verify=verify)
        if record.key != key:
            raise DataError(f"{name}: the record is {record.key}; index and shard do not belong together, "
                            f"copy both again")
        return record

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._descriptor = -1
        self._finalise()


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
        _read_index(Path(folder, f"{shard.name}.idx"), shard)
        if file_sha256(path)[0] != shard.sha256:
            raise DataError(f"{path}: its SHA-256 is not the manifest's; the file is damaged, copy it again")
        on_bytes(shard.bytes)
    return sum(len(shard.keys) for shard in manifest.shards)


def _read_index(path: Path, shard: Shard) -> list[int]:
    """Where each record begins, and the shard's length; the file must have the manifest's hash."""
    if not path.is_file():
        raise DataError(f"{path}: the index is missing; copy it again or pack the data set again")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != shard.index_sha256:
        raise DataError(f"{path}: its SHA-256 is not the manifest's; the index is damaged or belongs to another data "
                        f"set, copy it again")
    return [int(line.split(b"\t")[1]) for line in content.splitlines()] + [shard.bytes]
