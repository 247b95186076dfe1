"""Records, packing: what an output folder holds already - a finished data set, an unfinished one, something else."""
from __future__ import annotations

import contextlib
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Callable

from recordio.errors import DataError
from recordio.records.manifest import (
    FILE,
    PROGRESS,
    Manifest,
    Shard,
    file_sha256,
    read_json,
    read_manifest,
    shard_from,
    write_json,
)
from recordio.records.parts import PART, read_part
from recordio.records.plan import Plan
from recordio.records.reader import check_size

SPOOL = ".packing.spool"  # only while packing archives: finished records, in the archive's order

# names that only packing makes: shards, what a killed process left of them, the JSON files and the spool
_OURS = re.compile(r"(train|val|test)-\d{5}\.(rec|idx)|manifest\.json|part\.json|\.packing\.(json|spool)"
                   r"|\.((train|val|test)-\d{5}\.(rec|idx)|(manifest|part|\.packing)\.json)\.\w+\.tmp")

Differs = Callable[[Manifest, int], str]  # a manifest and the date of its file -> what is other about it, or ""


@dataclass
class Progress:
    """What is finished: shards by name with the models that they left out, and the grid that all share."""

    shards: dict[str, tuple[Shard, list[dict]]]
    voxel_shape: tuple[int, ...] | None = None


def prepare(out: Path, overwrite: bool, part: tuple[int, int] | None, differs: Differs) -> Manifest | None:
    """Make *out* ready to write; the manifest where the same data set, or the same *part*, is complete there already.

    Raises:
        DataError: *out* holds something else and *overwrite* is not set.
    """
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: a file; give a folder to write the data set into")
    out.mkdir(parents=True, exist_ok=True)
    found = [name for name in os.listdir(out) if not (name.endswith(".tmp") and _OURS.fullmatch(name))]
    if overwrite:
        remove_ours(out)
    elif FILE in found or PART in found:
        manifest, other = _complete(out, found, part, differs)
        if other:
            raise DataError(f"{out}: it holds {other}; choose another folder, or --overwrite to replace it")
        for shard in manifest.shards:
            check_size(out / f"{shard.name}.rec", shard)
        for name in (PROGRESS, SPOOL):  # of a process killed after its last file was written
            with contextlib.suppress(FileNotFoundError):
                os.unlink(out / name)
        return manifest
    elif PROGRESS not in found and found:
        raise DataError(f"{out}: the folder is not empty and holds no data set ({sorted(found)[0]}); choose another, "
                        f"or --overwrite to write beside what is there")
    return None


def _complete(out: Path, found: list[str], part: tuple[int, int] | None, differs: Differs) -> tuple[Manifest, str]:
    """What *out* holds, and how that is something else than what is wanted (or "")."""
    file = PART if PART in found else FILE
    if file == PART:
        there = read_part(out)
        manifest, came = there.manifest(), (there.number, there.count)
        held = f"part {there.number} of {there.count} of a data set"
    else:
        manifest, came, held = read_manifest(out), None, "a data set"
    other = differs(manifest, os.stat(out / file).st_mtime_ns)
    if other:
        return manifest, f"{held} made from {other} or with other options"
    return manifest, held if came != part else ""


def plan_differs(plan: Plan) -> Differs:
    """How a data set in the output folder is not the one of *plan*."""
    def differs(manifest: Manifest, date_ns: int) -> str:
        if max((shard.changed_ns for shard in plan.shards), default=0) > date_ns:
            return "older files"
        return "" if manifest.plan == plan.fingerprint else "other input"

    return differs


def remove_ours(out: Path) -> None:
    """Remove the data set in *out*, finished or not, and nothing else."""
    for name in sorted(os.listdir(out), key=lambda name: name != FILE):  # the manifest first: it promises the others
        if _OURS.fullmatch(name):
            os.unlink(out / name)


def read_progress(plan: Plan, out: Path) -> Progress:
    """The finished shards of an interrupted pack of the same plan, each checked against its hashes and the dates of
    its sources; what a killed process left half-written is removed."""
    if not (out / PROGRESS).exists():
        return Progress({})
    content = read_json(out / PROGRESS)
    if not isinstance(content, dict) or content.get("plan") != plan.token:
        raise DataError(f"{out}: it holds an unfinished pack of other input or options; finish that one, choose "
                        f"another folder, or --overwrite to begin again")
    changed = {shard.name: shard.changed_ns for shard in plan.shards}
    try:
        finished = [(shard_from(entry["shard"]), entry["skipped"]) for entry in content["shards"]]
        dates = [changed[shard.name] for shard, _ in finished]
        voxel_shape = tuple(content["voxel_shape"] or ())
    except (KeyError, TypeError, ValueError, AttributeError, DataError) as error:
        raise DataError(f"{out / PROGRESS}: damaged ({error!r}); --overwrite to begin the pack again") from None
    kept = {}
    for (shard, skipped), date in zip(finished, dates):
        path, index = out / f"{shard.name}.rec", out / f"{shard.name}.idx"
        if (path.is_file() and index.is_file() and date <= os.stat(path).st_mtime_ns
                and file_sha256(path) == (shard.sha256, shard.bytes) and file_sha256(index)[0] == shard.index_sha256):
            kept[shard.name] = (shard, skipped)
    for name in os.listdir(out):
        if name.endswith(".tmp") and _OURS.fullmatch(name):  # a killed process could not remove them
            os.unlink(out / name)
    return Progress(kept, voxel_shape if kept and voxel_shape else None)


def write_progress(token: str, out: Path, progress: Progress) -> None:
    """Remember in *out* what is finished of the plan with *token*, atomically."""
    write_json(out / PROGRESS, {
        "plan": token, "voxel_shape": progress.voxel_shape,
        "shards": [{"shard": asdict(shard), "skipped": skipped} for shard, skipped in progress.shards.values()]})
