"""tools/reconstruct.py, what a batch says of itself: a record for each object, and the manifest (or part) of them all.

    OUT/manifest.jsonl   JSON lines: what all objects have in common, then a record for each, in the order of their ids
    OUT/part.jsonl       the same of one share of a batch, before it is merged
    OUT/ID/object.json   the record of one object, beside its files; a folder that holds one is finished
"""
from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from gluon_r2n2.deployment import is_artefact, list_pretrained, pretrained_path
from gluon_r2n2.deployment.artefact import FACTS
from gluon_r2n2.files import damaged, remove_directory, sha256, sha256_of_json, write_text
from gluon_r2n2_tools.reconstruct_files import is_after_folder, is_model_file, is_own_name
from gluon_r2n2_tools.reconstruct_inputs import MANIFEST, PART, RECORD, Item, check_ids
from recordio.errors import DataError
from recordio.records.manifest import tool_version

FORMAT, VERSION = "gluon-r2n2 reconstructions", 1
# what decides over the files of an object, beside its pictures, the model and the engine
OPTIONS = ("formats", "each_view", "check_views", "mesh", "smooth", "faces", "height", "longest", "units", "ground",
           "colours", "foreground", "no_crop")

Record = Dict[str, Any]


def make_head(items: Sequence[Item], reconstructor, segmentation, threshold: float, options) -> Record:
    """What all objects of a batch have in common; of JSON's types only, the same on every machine."""
    path = options.model
    if not path.exists() and str(path) in list_pretrained():
        path = pretrained_path(str(path))
    made_with = {
        "tool": tool_version(),
        # the facts of an exported model hold the sums of its other files
        "model_sha256": sha256(path / FACTS) if is_artefact(path) else reconstructor.facts.provenance["weights_sha256"],
        "engine": reconstructor.engine, "precision": reconstructor.precision, "threshold": threshold,
        "segmentation_sha256": sha256(segmentation.path) if segmentation else None,
        "options": {name: getattr(options, name) for name in OPTIONS}}
    # the name of the model's folder decides over nothing: it may be another one on every machine
    return {"format": FORMAT, "version": VERSION, "model": path.resolve().name, **made_with,
            "made_with": sha256_of_json(made_with),
            "batch_size": options.batch_size, "objects": len(items),
            "plan": plan_of((item.id, item.names) for item in items)}


def plan_of(objects) -> str:
    """The SHA-256 of (id, names of the pictures) of every object."""
    return sha256_of_json([[name, list(pictures)] for name, pictures in objects])


def write_manifest(out: Path, head: Record, records: Sequence[Record], part: Optional[Tuple[int, int]] = None) -> Path:
    """Write the manifest of a whole batch, or of part (i, n); from then on it is finished."""
    path = out / (PART if part else MANIFEST)
    lines = [{**head, "part": list(part)} if part else head, *records]
    write_text(path, "".join(json.dumps(line) + "\n" for line in lines))
    return path


def read_part(folder: Path) -> Tuple[Record, List[Record], Tuple[int, int]]:
    """-> (head, records, (i, n)) of what --shard i/n wrote to *folder*.

    Raises:
        DataError: no part, another version, or a damaged file; a record of files that this tool would not write.
    """
    path = folder / PART
    if not path.is_file():
        came = ("no such folder" if not folder.is_dir() else "a whole batch, no part of one" if
                (folder / MANIFEST).exists() else f"no {PART}: its job was not finished, run it again with --resume")
        raise DataError(f"{folder}: {came}; give the folders that --shard i/n wrote")
    try:
        head, *records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        if head["format"] != FORMAT or head["version"] != VERSION:
            raise DataError(f"not a part of version {VERSION}; make it again with this program")
        number, count = map(int, head.pop("part"))
        for record in records:
            if record["status"] not in ("done", "failed") or [image["file"] for image in record["images"]] == []:
                raise ValueError(f"the record of {record['id']}")
            if record["status"] == "done" and not all(map(is_own_name, dict(record["files"]))):
                raise ValueError(f"the files of {record['id']}")
        check_ids([Item(record["id"], (), ()) for record in records])  # which become folders of the output
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path}: it is damaged ({error!r}); copy it again or make the part again") from None
    return head, records, (number, count)


def finished_record(folder: Path, item: Item, made_with: str) -> Optional[Record]:
    """The record of an object in *folder* that is whole and made of the same pictures with the same options."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        images = [(image["file"], image["sha256"]) for image in record["images"]]
        same = (record["id"], record["status"], record["made_with"]) == (item.id, "done", made_with)
        files = dict(record["files"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    if not same or images != [(name, picture_sha256(path)) for name, path in zip(item.names, item.images)]:
        return None
    return None if damaged(folder, files) else record


def picture_sha256(path: Path) -> Optional[str]:
    """The SHA-256 of a picture's file; None where it cannot be read."""
    try:
        return sha256(path) if path.is_file() else None
    except OSError:
        return None


def hold_part(out: Path, shard: Optional[Tuple[int, int]]) -> None:
    """Hold that job *shard*, (i, n) or None, may write to *out*: it holds no part of another job.

    Raises:
        DataError: it does, and its part would be lost.
    """
    if shard is None or not (out / PART).is_file():
        return
    try:
        _, _, found = read_part(out)
    except DataError:
        return  # a damaged one is no loss
    if found != shard:
        raise DataError(f"{out}: holds part {found[0]}/{found[1]} of a batch, which would be lost; give every job an "
                        f"--out of its own, or remove its {PART}")


def remove_object(folder: Path) -> None:
    """Remove what an earlier batch made of an object that cannot be made now: it would be taken for today's."""
    if folder.is_dir():
        hold_place(folder)
        remove_directory(folder)


def hold_place(folder: Path) -> None:
    """Hold that *folder* may be replaced: it is absent, empty, or an object that this tool wrote.

    Raises:
        DataError: it holds something else.
    """
    if not os.path.lexists(folder):
        return
    if folder.is_dir() and not folder.is_symlink():
        others = [path for path in folder.iterdir()
                  if path.name != RECORD and not is_model_file(path) and not is_after_folder(path)]
        if not others and ((folder / RECORD).is_file() or not any(folder.iterdir())):
            return
    raise DataError(f"{folder}: is no object that a batch wrote, and would be replaced by one; give another --out, or "
                    "move it away")
