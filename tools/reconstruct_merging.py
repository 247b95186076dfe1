"""tools/reconstruct.py, a batch made by independent jobs: the parts of all jobs -> one folder with one manifest."""
from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

from gluon_r2n2.files import atomic_directory, sha256
from gluon_r2n2_tools.reconstruct_batch import prepared_place, summarise
from gluon_r2n2_tools.reconstruct_inputs import Item, natural
from gluon_r2n2_tools.reconstruct_manifest import RECORD, plan_of, read_part, remove_object, write_manifest
from recordio.errors import DataError

Part = Tuple[Path, Dict[str, Any], List[Dict[str, Any]], Tuple[int, int]]  # folder, head, records, (i, n)


def merge(folders: Sequence[Path], out: Path) -> int:
    """Make the batch *out* of the parts in *folders*: hard links where possible, else copies. The parts stay.

    What the parts say is checked before *out* is touched, the hash of each file while it comes in.

    Returns:
        The exit code: 1 where an object or a picture could not be used.

    Raises:
        DataError: a part is absent, given twice, of another batch or damaged; *out* is a part or holds something else.
        ModelError: another process is writing to *out*.
        OSError: a file cannot be read or written.
    """
    for folder in folders:
        if os.path.realpath(folder) == os.path.realpath(out):
            raise DataError(f"{out}: is a part itself, and parts stay as they are; give another folder first")
    parts: List[Part] = [(folder, *read_part(folder)) for folder in folders]
    _hold_all_parts(parts)
    placed = sorted(((record, folder) for folder, _, records, _ in parts for record in records),
                    key=lambda entry: natural(entry[0]["id"]))
    head = parts[0][1]
    found = plan_of((record["id"], [image["file"] for image in record["images"]]) for record, _ in placed)
    if found != head["plan"]:
        raise DataError(f"--merge: the {len(placed)} objects that came are not the {head['objects']} of the plan; make "
                        "the parts again")
    with prepared_place(out, [Item(record["id"], (), ()) for record, _ in placed]):
        for record, folder in placed:
            if record["status"] == "done":
                _bring(folder, out, record)
            else:
                remove_object(out / record["id"])
        path = write_manifest(out, head, [record for record, _ in placed])
    return summarise(path, [record for record, _ in placed])


def _bring(source: Path, out: Path, record: Dict[str, Any]) -> None:
    """Link or copy the folder of an object into *out*, whole or not at all."""
    name = record["id"]
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    with atomic_directory(out / name) as temporary:
        for file in [*record["files"], RECORD]:
            origin, target = source / name / file, temporary / file
            target.parent.mkdir(exist_ok=True)
            if not origin.is_file():
                raise DataError(f"{origin}: it is missing; copy it again or make its part again with --resume")
            try:
                os.link(origin, target)
            except OSError:  # another file system, or one without hard links
                shutil.copyfile(origin, target)
            if file != RECORD and sha256(target) != record["files"][file]:
                raise DataError(f"{origin}: its SHA-256 is not the one in the manifest; the file is damaged, copy it "
                                "again or make its part again with --resume")


def _hold_all_parts(parts: Sequence[Part]) -> None:
    """Hold that the parts are of one batch, and each of them there once."""
    first, head, _, (_, count) = parts[0]
    seen: Dict[int, Path] = {}
    for folder, other, _, (number, of) in parts:
        unlike = [name for name in head if name not in ("made_with", "model") and other.get(name) != head[name]]
        if unlike or of != count:
            what = f"another {unlike[0]}" if unlike else f"a division into {of} instead of {count}"
            raise DataError(f"{folder}: it belongs to another batch than {first} ({what}); give the parts of the same "
                            "pictures, made with the same model, engine and options")
        if number in seen:
            raise DataError(f"{folder}: part {number}/{count} comes twice, it is also in {seen[number]}; give each "
                            "part once")
        seen[number] = folder
    absent = [f"{number}/{count}" for number in range(1, count + 1) if number not in seen]
    if absent:
        shown = ", ".join(absent[:5]) + (", ..." if len(absent) > 5 else "")
        raise DataError(f"--merge: part{'s'[:len(absent) > 1]} {shown} of {count} missing; make them with --shard and "
                        "give all parts")
