"""Records, first step of packing: a layout and options -> which model goes into which shard, in which order.

The plan reads names, sizes and dates but no picture. Its fingerprint tells whether an unfinished or finished pack
belongs to the same input and options.
"""
from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Sequence

from recordio.errors import DataError, nearest
from recordio.layouts import Layout, ModelPaths, check_split, scan, split_keys
from recordio.layouts.splits import PARTS
from recordio.records import format, manifest
from recordio.records.encodings import DEFAULT_LEVEL, ENCODINGS, MAX_LEVEL
from recordio.records.selection import Selection

FITS = (None, "object")
SHARD_SIZE = 512  # models; with 24 views of 5 to 16 kB each that is 60 to 200 MB

Facts = Callable[[ModelPaths], "tuple[list[int], int]"]  # bytes of each file of a model, newest date in ns

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PackOptions:
    """What shapes the bytes of a packed data set."""

    encoding: str = "zstd"  # of views: one of ENCODINGS
    level: int = DEFAULT_LEVEL  # of zstd, 1 (fast) to 22 (small)
    shard_size: int = SHARD_SIZE  # models per shard
    fit: str | None = None  # "object": turn photographs into views like the renders (recordio.layouts.fit_object)

    def __post_init__(self):
        if self.encoding not in ENCODINGS:
            raise DataError(f"unknown view encoding {self.encoding!r}{nearest(self.encoding, ENCODINGS)}; "
                            f"choose from {', '.join(ENCODINGS)}")
        if self.fit not in FITS:
            raise DataError(f"unknown fit {self.fit!r}{nearest(str(self.fit), ['object'])}; choose object or none")
        if not 1 <= self.level <= MAX_LEVEL or self.shard_size < 1:
            raise DataError(f"a zstd level of 1 to {MAX_LEVEL} and a shard size of at least 1 are wanted, got "
                            f"{self.level} and {self.shard_size}")


@dataclass(frozen=True)
class PlannedShard:
    """The models of one shard, sorted by key; `changed_ns` is the newest date of their files."""

    name: str
    split: str
    models: tuple[ModelPaths, ...]
    changed_ns: int


@dataclass(frozen=True)
class Plan:
    """All shards of a pack.

    Attributes:
        source: what the manifest says of where the data came from.
        models: complete models in the source, whether the split names them or not.
        classes: synset -> name.
        incomplete: {"key", "split", "reason"} of models that the split names and that lack files.
        missing: keys that the split names and the source lacks.
        fingerprint: SHA-256 over the options and the names and sizes of the source's files.
        token: what tells an unfinished pack of this plan from one of another; the fingerprint, or, for archives,
            what is known before they were read through.
        part: (i, n) where this is job i of n, from 1, with every n-th shard of the whole plan; `planned` counts those.
    """

    root: Path
    options: PackOptions
    shards: tuple[PlannedShard, ...]
    models: int
    classes: dict[str, str]
    incomplete: tuple[dict[str, str], ...]
    missing: tuple[str, ...]
    fingerprint: str
    source: str
    token: str
    planned: int
    part: tuple[int, int] | None = None

    def share(self, number: int, count: int) -> Plan:
        """Job *number* of *count*, from 1: every *count*-th shard."""
        if not 1 <= number <= count:
            raise DataError(f"--shard: job {number} of {count} is wanted as 1/{count} to {count}/{count}")
        return dataclasses.replace(self, shards=self.shards[number - 1::count], part=(number, count),
                                   token=f"{self.fingerprint} {number}/{count}")


def make_plan(source: str | Path, options: PackOptions = PackOptions(), *,
              split_file: str | Path | None = None, split_rule: str | None = None, classes: Sequence[str] | None = None,
              models: Sequence[str] | None = None, limit: int | None = None, ignore_missing: bool = False,
              voxels: str | None = None) -> Plan:
    """Plan the pack of the layout folder *source*.

    Args:
        split_file, split_rule, classes, models, limit, ignore_missing: as `selection.Selection` says.
        voxels: name of the voxels' folder, as for `recordio.layouts.scan`.

    Raises:
        DataError: no usable layout or split file, absent models, an unknown class, nothing to pack.
        OSError: a file cannot be read.
    """
    selection = Selection(None if split_file is None else Path(split_file), split_rule,
                          None if classes is None else tuple(classes), None if models is None else tuple(models),
                          limit, ignore_missing)
    return plan_layout(scan(source, voxels=voxels), options, selection)


def plan_layout(layout: Layout, options: PackOptions, selection: Selection, *, facts: Facts | None = None,
                source: str | None = None, token: str | None = None) -> Plan:
    """Plan the pack of what *layout* holds; *facts*, *source* and *token* are those of its folder by default."""
    path = selection.split_file or layout.split_path
    split = selection.read(layout.split_path)
    named = split is not None
    if split is None:
        split = selection.make(layout.models)
    if not selection.ignore_missing:
        check_split(layout, split, name=path)
    present = {(model.synset, model.model_id): model for model in layout.models}
    broken = dict(layout.incomplete)
    shards, incomplete, missing = [], [], []
    for part in PARTS:
        chosen = []
        for pair in split_keys(split, part):
            key = "/".join(pair)
            if pair in present:
                chosen.append(present[pair])
            elif key in broken:
                incomplete.append({"key": key, "split": part, "reason": broken[key]})
            else:
                missing.append(key)
        for number, start in enumerate(range(0, len(chosen), options.shard_size)):
            shards.append((f"{part}-{number:05d}", part, tuple(chosen[start:start + options.shard_size])))
    if not shards:
        raise DataError(f"{layout.root}: none of the models that the split names is complete there; "
                        f"give the split file of this layout")
    if named and not (selection.classes or selection.models or selection.limit):
        _report_unnamed(layout, split)
    used = {model.synset for _, _, models in shards for model in models}
    names = {entry["taxonomy_id"]: entry["taxonomy_name"] for entry in split if entry["taxonomy_id"] in used}
    planned, fingerprint = _look_at_files(shards, [_described(options), incomplete, missing], facts or _on_disk)
    return Plan(layout.root, options, planned, len(layout.models), names, tuple(incomplete), tuple(missing),
                fingerprint, source or layout.root.resolve().name, token or fingerprint,
                len(planned))


def _described(options: PackOptions) -> dict:
    """The options that the fingerprint covers: those of the first version, and later ones where they are used."""
    first = ("encoding", "level", "shard_size")
    return {field.name: getattr(options, field.name) for field in dataclasses.fields(options)
            if field.name in first or getattr(options, field.name) != field.default}


def _report_unnamed(layout: Layout, split: list[dict]) -> None:
    named = {pair for part in PARTS for pair in split_keys(split, part)}
    count = sum((model.synset, model.model_id) not in named for model in layout.models)
    if count:
        logger.info("%d of %d models are in no part of the split and are left out", count, len(layout.models))


def _look_at_files(shards, rest, facts: Facts) -> tuple[tuple[PlannedShard, ...], str]:
    """Add the newest file date to every shard, and hash all names and sizes. Dates stay out of the hash, so that
    a copy of the source gives the same bytes everywhere."""
    digest = hashlib.sha256(json.dumps([manifest.VERSION, format.VERSION, rest], sort_keys=True).encode())
    planned = []
    for name, part, models in shards:
        newest = 0
        for model in models:
            sizes, changed = facts(model)
            newest = max(newest, changed)
            digest.update(json.dumps([name, part, model.key, model.names, sizes]).encode())
        planned.append(PlannedShard(name, part, models, newest))
    return tuple(planned), digest.hexdigest()


def _on_disk(model: ModelPaths) -> tuple[list[int], int]:
    # the voxels, the cameras, then the views
    files = [model.voxels, model.metadata, *(os.path.join(model.folder, view) for view in model.names)]
    facts = [_size_and_date(path) for path in files]
    return [size for size, _ in facts], max(date for _, date in facts)


def _size_and_date(path) -> tuple[int, int]:
    """(bytes, modification time in ns); (-1, 0) for a file that is not there, such as absent cameras."""
    try:
        status = os.stat(path)
    except OSError:
        return -1, 0
    return status.st_size, status.st_mtime_ns
