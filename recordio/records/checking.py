"""Records, checking: every byte of a packed folder -> what is wrong in it, by file, record, key and offset.

A reader stops at the first damage; this goes on to the end. Where the manifest or an index cannot be used, the
shards are walked by the heads of their parts, so that as much as possible is known of what is left.
"""
from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Iterator, Sequence

import numpy as np

from recordio.errors import DataError
from recordio.records.format import Record
from recordio.records.framing import find_records
from recordio.records.manifest import FILE, Manifest, Shard, file_sha256, read_manifest
from recordio.records.reader import check_promises, check_size, parse_index, read_index, read_record


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong; record, key and offset (bytes, in the .rec file) where it lies in one record."""

    file: str
    reason: str
    record: int | None = None
    key: str | None = None
    offset: int | None = None

    def __str__(self) -> str:
        if self.record is None:
            return f"{self.file}: {self.reason}"
        return f"{self.file}, record {self.record} ({self.key or 'unknown key'}) at byte {self.offset}: {self.reason}"


@dataclass
class Found:
    """What a shard, or a whole data set, was found to hold; `problems` is empty where it is sound."""

    file: str = ""
    records: int = 0  # read without a problem
    views: int = 0  # of these
    bytes: int = 0
    problems: list[Problem] = field(default_factory=list)
    keys: list[tuple[str, int, int]] = field(default_factory=list)  # (key, record, offset) as the records say
    fewest_views: int | None = None

    @property
    def bad_records(self) -> int:
        return len({(problem.file, problem.record) for problem in self.problems if problem.record is not None})


def check_dataset(folder: str | Path, *, views: bool = True, workers: int = 2,
                  on_bytes: Callable[[int], object] = lambda count: None,
                  on_problem: Callable[[Problem], object] = lambda problem: None) -> Found:
    """Check everything of a packed data set.

    Args:
        views: also decode each view.
        workers: threads, each at work on one shard.
        on_bytes: called from the threads with the size of each record after it was checked.
        on_problem: called with each problem, in the order of the shards.

    Raises:
        DataError: *folder* is no packed data set at all: neither a manifest nor a shard.
    """
    folder, found, manifest = Path(folder), Found(), None

    def tell(problems):
        for problem in problems:
            found.problems.append(problem)
            on_problem(problem)

    try:
        manifest = read_manifest(folder)
    except DataError as error:
        if not any(folder.glob("*.rec")) and not (folder / FILE).is_file():
            raise
        tell([Problem(FILE, _reason(error, folder / FILE))])
    on_disk = sorted(path.stem for path in folder.glob("*.rec"))
    names = [shard.name for shard in manifest.shards] if manifest else on_disk
    shards: Sequence[Shard | str] = manifest.shards if manifest else names
    tell(_strangers(folder, set(names)))
    seen: dict[str, Problem] = {}
    parts = _each(shards, lambda shard, stop: _Check(folder, shard, manifest, views, on_bytes, stop).run(), workers)
    with contextlib.closing(parts):
        for part in parts:
            tell(part.problems)
            tell(_duplicates(part, seen))
            found.records += part.records
            found.views += part.views
            found.bytes += part.bytes
    if manifest:
        tell(_unknown_classes(manifest))
    return found


def _each(shards, check, workers) -> Iterator[Found]:
    """What was found in each shard, in order; threads stay a bounded number of shards ahead."""
    stop = threading.Event()  # Ctrl-C must not wait until whole shards are read
    with ThreadPoolExecutor(workers, thread_name_prefix="check") as pool:
        waiting = deque()
        try:
            for shard in shards:
                waiting.append(pool.submit(check, shard, stop))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            stop.set()
            for future in waiting:
                future.cancel()


class _Check:
    """The check of one shard: `shard` as the manifest has it, or only a name where there is no manifest."""

    def __init__(self, folder: Path, shard: Shard | str, manifest: Manifest | None, views: bool, on_bytes, stop):
        self.folder, self.views, self.on_bytes, self.stop = folder, views, on_bytes, stop
        self.shard = shard if isinstance(shard, Shard) else None
        self.name = shard.name if isinstance(shard, Shard) else shard
        self.voxel_shape = manifest.voxel_shape if manifest else None
        self.rec, self.idx = folder / f"{self.name}.rec", folder / f"{self.name}.idx"
        self.found = Found(self.rec.name)

    def run(self) -> Found:
        try:
            if not self.rec.is_file():
                self.tell(self.rec, "the shard is missing; copy it again or pack the data set again")
                return self.found
            self.compare_file()
            descriptor = os.open(self.rec, os.O_RDONLY)
            try:
                self.check_records(descriptor, os.fstat(descriptor).st_size)
            finally:
                os.close(descriptor)
        except OSError as error:
            self.tell(self.rec, f"it cannot be read ({error.strerror}); copy it again")
        return self.found

    def tell(self, path: Path, reason: str) -> None:
        self.found.problems.append(Problem(path.name, reason))

    def compare_file(self) -> None:
        """Length and SHA-256 against the manifest's."""
        if self.shard is None:
            return
        try:
            check_size(self.rec, self.shard)
            if file_sha256(self.rec)[0] != self.shard.sha256:
                self.tell(self.rec, "its SHA-256 is not the manifest's; the file is damaged or another one, "
                                    "copy it again")
        except DataError as error:
            self.tell(self.rec, _reason(error, self.rec))

    def check_records(self, descriptor: int, size: int) -> None:
        bounds = self.find_bounds(descriptor, size)
        # a number of records that is not the manifest's leaves open which is which; one more, at the end, does not
        keys = self.shard.keys if self.shard and len(self.shard.keys) <= len(bounds) else ()
        bad = 0
        for number, (start, end) in enumerate(bounds):
            if self.stop.is_set():
                return
            bad += not self.check_record(descriptor, number, start, end, keys)
            self.on_bytes(max(0, min(end, size) - start))
        self.found.bytes = size
        if self.shard:
            self.check_totals(len(bounds), bad)

    def find_bounds(self, descriptor: int, size: int) -> list[tuple[int, int]]:
        """(start, end) of each record: by the index, and where that is unfit by the heads of the parts."""
        scanned = None
        try:
            if self.shard:
                starts = read_index(self.idx, self.shard)
            else:
                scanned = list(find_records(descriptor, size))
                if not self.idx.is_file():
                    raise DataError(f"{self.idx}: the index is missing; pack the data set again")
                content = b"" if self.idx.stat().st_size > 40 * len(scanned) else self.idx.read_bytes()
                starts = parse_index(content, len(scanned), size, name=str(self.idx))
                if starts[:-1] != [start for start, _ in scanned]:
                    raise DataError(f"{self.idx}: its offsets are not those of the records; pack the data set again")
        except DataError as error:
            self.tell(self.idx, _reason(error, self.idx))
            return scanned if scanned is not None else list(find_records(descriptor, size))
        bounds = list(zip(starts, starts[1:]))
        if size > starts[-1]:  # compare_file named it; what follows the last record may still be one
            bounds.append((starts[-1], size))
        return bounds

    def check_record(self, descriptor: int, number: int, start: int, end: int, keys) -> bool:
        """Check one record, note what is wrong; whether it is sound."""
        place = str(number)  # what the messages begin with
        key = keys[number] if number < len(keys) else None
        reasons = []
        try:
            record = read_record(descriptor, start, end, name=place)
            self.found.keys.append((record.key, number, start))
            key = key or record.key
            check_promises(record, key, self.voxel_shape, name=place)
            reasons = list(self.content_problems(record, place))
            self.found.views += 0 if reasons else record.view_count
            self.found.fewest_views = min(record.view_count, self.found.fewest_views or record.view_count)
        except DataError as error:
            reasons = [_reason(error, place)]
        except OSError as error:  # a bad sector: the others may be well
            reasons = [f"it cannot be read ({error.strerror}); copy the file again"]
        self.found.problems += [Problem(self.rec.name, reason, number, key, start) for reason in reasons]
        self.found.records += not reasons
        return not reasons

    def content_problems(self, record: Record, place: str) -> Iterator[str]:
        if not record.voxels().any():
            yield "no voxel is occupied; pack the data set again"
        if record.cameras is not None and not np.isfinite(record.cameras).all():
            yield "a camera is no number; pack the data set again"
        for view in range(record.view_count if self.views else 0):
            try:
                record.view(view)
            except DataError as error:
                yield _reason(error, place)

    def check_totals(self, count: int, bad: int) -> None:
        """Counts against the manifest's; views only where every record could be read."""
        assert self.shard is not None
        if count != len(self.shard.keys):
            self.tell(self.rec, f"{count} records where the manifest names {len(self.shard.keys)}; copy it again")
            there = {key for key, _, _ in self.found.keys}
            for key in self.shard.keys:
                if key not in there:
                    self.found.problems.append(Problem(self.rec.name, f"no record of {key} can be read; copy it again",
                                                       key=key))
        elif not bad and (self.found.views, self.found.fewest_views or 0) != (self.shard.views,
                                                                              self.shard.fewest_views):
            self.tell(self.rec, f"{self.found.views} views, at least {self.found.fewest_views or 0} per sample, where "
                                f"the manifest says {self.shard.views} and {self.shard.fewest_views}; pack the data "
                                f"set again")


def _duplicates(part: Found, seen: dict[str, Problem]) -> Iterator[Problem]:
    """Records of *part* whose key another record has; adds the others to *seen*."""
    for key, number, offset in part.keys:
        first = seen.get(key)
        if first is None:
            seen[key] = Problem(part.file, "", number, key, offset)
        else:
            yield Problem(part.file, f"a second record of {key}, the first is record {first.record} of {first.file}; "
                          f"pack the data set again", number, key, offset)


def _strangers(folder: Path, known: set[str]) -> Iterator[Problem]:
    """Shards and indices that belong to no shard of the data set."""
    for path in sorted([*folder.glob("*.rec"), *folder.glob("*.idx")]):
        if path.stem not in known:
            yield Problem(path.name, "it belongs to no shard of the data set; move it away")


def _unknown_classes(manifest: Manifest) -> Iterator[Problem]:
    used = {key.split("/", 1)[0] for shard in manifest.shards for key in shard.keys}
    for synset in sorted(used - set(manifest.classes)):
        yield Problem(FILE, f"class {synset} has samples and no name; pack the data set again")
    for synset in sorted(set(manifest.classes) - used):
        yield Problem(FILE, f"class {synset} has no sample; pack the data set again")


def _reason(error: DataError, place: str | Path) -> str:
    """The message of *error* without the *place* that it begins with."""
    text = str(error)
    return text[len(str(place)):].lstrip(":, ") if text.startswith(str(place)) else text
