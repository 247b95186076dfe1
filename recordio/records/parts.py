"""Records, packing by independent jobs: what a finished part says of itself (part.json), and the manifest of all.

A part has no manifest.json, so that no reader takes it for a data set.
"""
from __future__ import annotations

import itertools
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Sequence

from recordio.errors import DataError
from recordio.layouts.splits import PARTS
from recordio.records.manifest import FILE, PROGRESS, Manifest, Shard, read_json, shard_from, tool_version, write_json
from recordio.records.plan import Plan

PART = "part.json"
FORMAT = "gluon-r2n2 records, part"
VERSION = 1


@dataclass(frozen=True)
class Part:
    """Job `number` of `count`, of `planned` shards in all.

    Attributes:
        head: what all parts of one data set have in common, as `head_of` gives it.
        results: the shards of this part and the models that each left out.
        voxel_shape: () where no model of this part could be read.
    """

    folder: Path
    number: int
    count: int
    planned: int
    head: dict[str, Any]
    results: tuple[tuple[Shard, list[dict]], ...]
    voxel_shape: tuple[int, ...]

    def manifest(self) -> Manifest:
        """What this part holds, in the form of a manifest."""
        return assemble(self.head, self.results, self.voxel_shape)


def head_of(plan: Plan) -> dict[str, Any]:
    """What a manifest says beside its shards; of JSON's types only."""
    return {"tool": tool_version(), "source": plan.source, "models": plan.models, "plan": plan.fingerprint,
            "encoding": plan.options.encoding, "level": plan.options.level, "classes": dict(plan.classes),
            "incomplete": list(plan.incomplete), "missing": list(plan.missing)}


def assemble(head: dict[str, Any], results: Sequence[tuple[Shard, list[dict]]], voxel_shape) -> Manifest:
    """The manifest of *results*, in their order."""
    shards = tuple(shard for shard, _ in results)
    skipped = (*head["incomplete"], *itertools.chain.from_iterable(left_out for _, left_out in results))
    used = {key.split("/")[0] for shard in shards for key in shard.keys}
    return Manifest(
        tool=head["tool"], source=head["source"], models=head["models"], plan=head["plan"], encoding=head["encoding"],
        level=head["level"], voxel_shape=tuple(voxel_shape or ()),
        classes={synset: name for synset, name in head["classes"].items() if synset in used}, splits=PARTS,
        shards=shards, skipped=skipped, missing=tuple(head["missing"]))


def write_part(out: Path, plan: Plan, results, voxel_shape) -> None:
    """Write part.json into *out*, atomically; from then on the part is finished."""
    number, count = plan.part
    write_json(out / PART, {
        "format": FORMAT, "version": VERSION, "part": number, "of": count, "planned": plan.planned,
        "head": head_of(plan), "voxel_shape": voxel_shape or (),
        "shards": [{"shard": asdict(shard), "skipped": skipped} for shard, skipped in results]})


def read_part(folder: str | Path) -> Part:
    """Read the part.json of *folder*.

    Raises:
        DataError: no part (and what it seems to be instead), an unfinished one, another version, a damaged file.
        OSError: the file cannot be read.
    """
    folder = Path(folder)
    path = folder / PART
    if not path.is_file():
        came = ("no such folder" if not folder.is_dir() else "a whole data set, no part of one" if
                (folder / FILE).exists() else "packing was not finished; run its job again" if
                (folder / PROGRESS).exists() else f"no {PART}")
        raise DataError(f"{folder}: {came}; give the folders that tools/pack_rec.py --shard i/n wrote")
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT or content.get("version") != VERSION:
        raise DataError(f"{path}: not a part of version {VERSION}; pack it again with this program")
    try:
        results = tuple((shard_from(entry["shard"]), list(entry["skipped"])) for entry in content["shards"])
        part = Part(folder, int(content["part"]), int(content["of"]), int(content["planned"]), dict(content["head"]),
                    results, tuple(content["voxel_shape"]))
        part.manifest()  # all of the head is there
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: it is damaged ({error!r}); copy it again or pack the part again") from None
    return part
