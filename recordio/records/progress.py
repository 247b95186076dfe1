"""Records, packing: what an output folder holds already - a finished data set, an unfinished one, something else."""
from __future__ import annotations

import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

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
from recordio.records.plan import Plan
from recordio.records.reader import check_size

# names that only packing makes: shards, what a killed process left of them, and the two JSON files
_OURS = re.compile(r"(train|val|test)-\d{5}\.(rec|idx)|manifest\.json|\.packing\.json"
                   r"|\.((train|val|test)-\d{5}\.(rec|idx)|manifest\.json|\.packing\.json)\.\w+\.tmp")


@dataclass
class Progress:
    """What is finished: shards by name with the models that they left out, and the grid that all share."""

    shards: dict[str, tuple[Shard, list[dict]]]
    voxel_shape: tuple[int, ...] | None = None


def prepare(plan: Plan, out: Path, overwrite: bool) -> Manifest | None:
    """Make *out* ready to write; the manifest where the same data set is complete there already."""
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: a file; give a folder to write the data set into")
    out.mkdir(parents=True, exist_ok=True)
    found = [name for name in os.listdir(out) if not (name.endswith(".tmp") and _OURS.fullmatch(name))]
    if overwrite:
        remove_ours(out)
    elif FILE in found:
        manifest = read_manifest(out)
        changed = max(shard.changed_ns for shard in plan.shards) > os.stat(out / FILE).st_mtime_ns
        if manifest.plan != plan.fingerprint or changed:
            raise DataError(f"{out}: it holds a data set made from {'older files' if changed else 'other input'} or "
                            f"with other options; choose another folder, or --overwrite to replace it")
        for shard in manifest.shards:
            check_size(out / f"{shard.name}.rec", shard)
        return manifest
    elif PROGRESS not in found and found:
        raise DataError(f"{out}: the folder is not empty and holds no data set ({sorted(found)[0]}); choose another, "
                        f"or --overwrite to write beside what is there")
    return None


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
    if not isinstance(content, dict) or content.get("plan") != plan.fingerprint:
        raise DataError(f"{out}: it holds an unfinished pack of other input or options; finish that one, choose "
                        f"another folder, or --overwrite to begin again")
    changed = {shard.name: shard.changed_ns for shard in plan.shards}
    kept = {}
    for entry in content["shards"]:
        shard = shard_from(entry["shard"])
        path, index = out / f"{shard.name}.rec", out / f"{shard.name}.idx"
        if (path.is_file() and index.is_file() and changed[shard.name] <= os.stat(path).st_mtime_ns
                and file_sha256(path) == (shard.sha256, shard.bytes) and file_sha256(index)[0] == shard.index_sha256):
            kept[shard.name] = (shard, entry["skipped"])
    for name in os.listdir(out):
        if name.endswith(".tmp") and _OURS.fullmatch(name):  # a killed process could not remove them
            os.unlink(out / name)
    return Progress(kept, tuple(content["voxel_shape"]) if kept and content["voxel_shape"] else None)


def write_progress(plan: Plan, out: Path, progress: Progress) -> None:
    """Remember in *out* what is finished, atomically."""
    write_json(out / PROGRESS, {
        "plan": plan.fingerprint, "voxel_shape": progress.voxel_shape,
        "shards": [{"shard": asdict(shard), "skipped": skipped} for shard, skipped in progress.shards.values()]})
