"""Records, packing by independent jobs: the parts of all jobs -> one data set, the same bytes as packed at once."""
from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path
from typing import Callable, Sequence

from recordio.errors import DataError
from recordio.files import atomic_file
from recordio.layouts.splits import PARTS
from recordio.records.manifest import PROGRESS, Manifest, Shard, file_sha256, write_manifest
from recordio.records.parts import Part, assemble, read_part
from recordio.records.progress import Progress, prepare, remove_ours, write_progress
from recordio.records.reader import check_size


def merge(folders: Sequence[str | Path], out: str | Path, *, overwrite: bool = False,
          on_bytes: Callable[[int], object] = lambda count: None) -> tuple[Manifest, bool]:
    """Make the data set *out* of the parts in *folders*: hard links where possible, else copies.

    Everything is checked before *out* is touched, the hash of each file while it comes in. The parts stay.

    Args:
        on_bytes: called with the size of each shard after it was checked and is in *out*.

    Returns:
        The manifest, and whether the same data set was complete already.

    Raises:
        DataError: a part is absent, given twice, of another data set or damaged; *out* holds something else.
        OSError: a file cannot be read or written.
    """
    out, parts = Path(out), [read_part(folder) for folder in folders]
    _hold_all_parts(parts)
    placed = sorted(((shard, left_out, part) for part in parts for shard, left_out in part.results),
                    key=lambda item: (PARTS.index(item[0].split), item[0].name))
    _hold_shards(parts, [(shard, part) for shard, _, part in placed])
    shape = _common_shape(parts)
    manifest = assemble(parts[0].head, [(shard, left_out) for shard, left_out, _ in placed], shape)
    if not manifest.classes:
        raise DataError(f"{out}: no part holds a model that can be read")

    def differs(there: Manifest, date_ns: int) -> str:
        return "" if there.plan == manifest.plan and there.fingerprint == manifest.fingerprint else "other parts"

    complete = prepare(out, overwrite, None, differs)
    if complete:
        return complete, True
    remove_ours(out)  # what an interrupted merge left
    write_progress(f"{manifest.plan} merge", out, Progress({}))
    for shard, _, part in placed:
        for suffix, wanted in ((".rec", shard.sha256), (".idx", shard.index_sha256)):
            if _bring(part.folder / f"{shard.name}{suffix}", out / f"{shard.name}{suffix}") != wanted:
                raise DataError(f"{part.folder / shard.name}{suffix}: its SHA-256 is not the one in part.json; the "
                                f"file is damaged, copy it again or pack part {part.number}/{part.count} again")
        on_bytes(shard.bytes)
    write_manifest(out, manifest)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(out / PROGRESS)
    return manifest, False


def _hold_all_parts(parts: Sequence[Part]) -> None:
    first = parts[0]
    seen: dict[int, Part] = {}
    for part in parts:
        other = [name for name in sorted(first.head) if part.head.get(name) != first.head[name]]
        if other or (part.count, part.planned) != (first.count, first.planned):
            what = f"another {other[0]}" if other else f"a division into {part.count} instead of {first.count}"
            raise DataError(f"{part.folder}: it belongs to another data set than {first.folder} ({what}); give the "
                            f"parts of one source, packed with the same options")
        if part.number in seen:
            raise DataError(f"{part.folder}: part {part.number}/{part.count} comes twice, it is also in "
                            f"{seen[part.number].folder}; give each part once")
        seen[part.number] = part
    absent = [f"{number}/{first.count}" for number in range(1, first.count + 1) if number not in seen]
    if absent:
        shown = ", ".join(absent[:5]) + (", ..." if len(absent) > 5 else "")
        raise DataError(f"--merge: part{'s'[:len(absent) > 1]} {shown} of {first.count} missing; pack with --shard "
                        f"and give all parts")


def _hold_shards(parts: Sequence[Part], placed: Sequence[tuple[Shard, Part]]) -> None:
    """Hold that every planned shard is there once, with its files, and no sample twice."""
    names: dict[str, Part] = {}
    keys: dict[str, Part] = {}
    for shard, part in placed:
        if shard.name in names:
            raise DataError(f"{part.folder}: it holds {shard.name}, as {names[shard.name].folder} does; pack part "
                            f"{part.number}/{part.count} again")
        names[shard.name] = part
        check_size(part.folder / f"{shard.name}.rec", shard)
        if not (part.folder / f"{shard.name}.idx").is_file():
            raise DataError(f"{part.folder / shard.name}.idx: the index is missing; copy it again or pack part "
                            f"{part.number}/{part.count} again")
        for key in shard.keys:
            if key in keys:
                raise DataError(f"{part.folder}: sample {key} is also in {keys[key].folder}; pack both parts again")
            keys[key] = part
    if len(names) != parts[0].planned:
        raise DataError(f"--merge: {len(names)} shards came where the plan has {parts[0].planned}; "
                        f"pack the parts again")


def _common_shape(parts: Sequence[Part]) -> tuple[int, ...]:
    """The grid that all parts share; parts without a readable model have none."""
    shapes = {part.voxel_shape: part for part in parts if part.voxel_shape}
    if len(shapes) > 1:
        (first, part), (second, other) = list(shapes.items())[:2]
        raise DataError(f"{other.folder}: its grid is {'x'.join(map(str, second))} where {part.folder} has "
                        f"{'x'.join(map(str, first))}; one data set has one grid, voxelise at one resolution")
    return next(iter(shapes), ())


def _bring(source: Path, target: Path) -> str:
    """Link or copy *source* to *target*; the SHA-256 of what is there now."""
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        with open(source, "rb") as reading, atomic_file(target) as writing:
            shutil.copyfileobj(reading, writing, 1 << 20)
    return file_sha256(target)[0]
