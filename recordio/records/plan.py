"""Records, first step of packing: a layout folder and options -> which model goes into which shard, in which order.

The plan reads names, sizes and dates but no picture. Its fingerprint tells whether an unfinished or finished pack
belongs to the same input and options.
"""
from __future__ import annotations

import hashlib
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from recordio.errors import DataError, nearest
from recordio.layouts import (
    Layout,
    ModelPaths,
    check_split,
    make_split,
    read_split,
    scan,
    split_keys,
    synset_of,
)
from recordio.layouts.splits import PARTS
from recordio.records import format, manifest
from recordio.records.encodings import DEFAULT_LEVEL, ENCODINGS, MAX_LEVEL

SHARD_SIZE = 512  # models; with 24 views of 5 to 16 kB each that is 60 to 200 MB

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PackOptions:
    """What shapes the bytes of a packed data set."""

    encoding: str = "zstd"  # of views: one of ENCODINGS
    level: int = DEFAULT_LEVEL  # of zstd, 1 (fast) to 22 (small)
    shard_size: int = SHARD_SIZE  # models per shard

    def __post_init__(self):
        if self.encoding not in ENCODINGS:
            raise DataError(f"unknown view encoding {self.encoding!r}{nearest(self.encoding, ENCODINGS)}; "
                            f"choose from {', '.join(ENCODINGS)}")
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
        models: complete models in the source, whether the split names them or not.
        classes: synset -> name.
        incomplete: {"key", "split", "reason"} of models that the split names and that lack files.
        missing: keys that the split names and the source lacks.
    """

    root: Path
    options: PackOptions
    shards: tuple[PlannedShard, ...]
    models: int
    classes: dict[str, str]
    incomplete: tuple[dict[str, str], ...]
    missing: tuple[str, ...]
    fingerprint: str


def make_plan(source: str | Path, options: PackOptions = PackOptions(), *,
              split_file: str | Path | None = None, classes: Sequence[str] | None = None,
              ignore_missing: bool = False) -> Plan:
    """Plan the pack of the layout folder *source*.

    Args:
        split_file: default *source*/ShapeNet.json, or where that is absent a split of 70, 10 and 20 % by name.
        classes: synsets or class names to pack; default all.
        ignore_missing: pass over models that the split names and *source* lacks, rather than refuse.

    Raises:
        DataError: no usable layout or split file, absent models, an unknown class, nothing to pack.
        OSError: a file cannot be read.
    """
    layout = scan(source)
    path = Path(split_file) if split_file is not None else layout.split_path
    split = read_split(path) if split_file is not None or path.is_file() else make_split(layout.models)
    if classes is not None:
        split = _choose(split, classes)
    if not ignore_missing:
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
        raise DataError(f"{source}: none of the models that the split names is complete there; "
                        f"give the split file of this layout")
    if classes is None:
        _report_unnamed(layout, split)
    used = {model.synset for _, _, models in shards for model in models}
    names = {entry["taxonomy_id"]: entry["taxonomy_name"] for entry in split if entry["taxonomy_id"] in used}
    planned, fingerprint = _look_at_files(shards, [options.__dict__, incomplete, missing])
    return Plan(Path(source), options, planned, len(layout.models), names, tuple(incomplete), tuple(missing),
                fingerprint)


def _choose(split: list[dict], classes: Sequence[str]) -> list[dict]:
    """The entries of *split* whose synset or name is in *classes*."""
    known = {entry["taxonomy_id"]: entry["taxonomy_name"] for entry in split}
    for name in classes:
        if synset_of(name) not in known and name not in known.values():
            names = sorted(set(known.values()) | set(known))
            raise DataError(f"--classes: the split has no class {name!r}{nearest(name, names)}; it has "
                            f"{', '.join(sorted(set(known.values())))}")
    wanted = {synset_of(name) for name in classes} | set(classes)
    return [entry for entry in split if {entry["taxonomy_id"], entry["taxonomy_name"]} & wanted]


def _report_unnamed(layout: Layout, split: list[dict]) -> None:
    named = {pair for part in PARTS for pair in split_keys(split, part)}
    count = sum((model.synset, model.model_id) not in named for model in layout.models)
    if count:
        logger.info("%d of %d models are in no part of the split and are left out", count, len(layout.models))


def _look_at_files(shards, rest) -> tuple[tuple[PlannedShard, ...], str]:
    """Add the newest file date to every shard, and hash all names and sizes. Dates stay out of the hash, so that
    a copy of the source gives the same bytes everywhere."""
    digest = hashlib.sha256(json.dumps([manifest.VERSION, format.VERSION, rest], sort_keys=True).encode())
    planned = []
    for name, part, models in shards:
        newest = 0
        for model in models:
            # the voxels, the cameras, then the views
            files = [model.voxels, model.metadata, *(os.path.join(model.folder, view) for view in model.names)]
            facts = [_size_and_date(path) for path in files]
            newest = max([newest] + [date for _, date in facts])
            sizes = [size for size, _ in facts]
            digest.update(json.dumps([name, part, model.key, model.names, sizes]).encode())
        planned.append(PlannedShard(name, part, models, newest))
    return tuple(planned), digest.hexdigest()


def _size_and_date(path) -> tuple[int, int]:
    """(bytes, modification time in ns); (-1, 0) for a file that is not there, such as absent cameras."""
    try:
        status = os.stat(path)
    except OSError:
        return -1, 0
    return status.st_size, status.st_mtime_ns
