"""Layouts: ShapeNet.json, the list of which model belongs to training, validation and test."""
from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Dict, Iterable, List, Sequence, Tuple, Union

from recordio.errors import DataError
from recordio.files import atomic_file
from recordio.layouts.classes import class_name
from recordio.layouts.shapenet import Layout

PARTS = ("train", "val", "test")
SHOWN = 3  # absent models named in an error message

# One entry per class: {"taxonomy_id": synset, "taxonomy_name": name, "train": [ids], "val": [ids], "test": [ids]}
Split = List[Dict]


def read_split(path: Union[str, Path]) -> Split:
    """Read a split file.

    Raises:
        DataError: broken JSON, another structure, or a model that appears twice.
        OSError: the file cannot be read.
    """
    try:
        split = json.loads(Path(path).read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not valid JSON ({error}); write or copy the split file again") from None
    wanted = "a list of {taxonomy_id, taxonomy_name, train: [...], val: [...], test: [...]}"
    if not isinstance(split, list):
        raise DataError(f"{path}: the split file should be {wanted}, it holds a {type(split).__name__}")
    place = {}  # (synset, model id) -> part
    for number, entry in enumerate(split):
        if not isinstance(entry, dict) or not isinstance(entry.get("taxonomy_id"), str):
            raise DataError(f"{path}: entry {number} has no taxonomy_id; the split file should be {wanted}")
        if not isinstance(entry.setdefault("taxonomy_name", class_name(entry["taxonomy_id"])), str):
            raise DataError(f"{path}: the taxonomy_name of class {entry['taxonomy_id']} is no text; the split file "
                            f"should be {wanted}")
        for part in PARTS:
            ids = entry.get(part)
            if not isinstance(ids, list) or not all(isinstance(model, str) for model in ids):
                raise DataError(f"{path}: class {entry['taxonomy_id']} has no list of model names as {part!r}; "
                                f"the split file should be {wanted}")
            for model in ids:
                key = (entry["taxonomy_id"], model)
                if key in place:
                    raise DataError(f"{path}: model {'/'.join(key)} is in {part!r} and already in {place[key]!r}; "
                                    f"each model belongs to one part, once")
                place[key] = part
    return split


def write_split(path: Union[str, Path], split: Split) -> None:
    """Write *split* to *path*, atomically."""
    with atomic_file(path, "w") as handle:
        json.dump(split, handle, indent=1)
        handle.write("\n")


def make_split(models: Iterable, *, fractions: Sequence[float] = (0.7, 0.1, 0.2)) -> Split:
    """Split every class into train, val and test by *fractions*; the same models always give the same split.

    *models* have `.synset` and `.model_id`. The order is drawn by hashing the names, so neither their order nor
    their numbering matters. Each part with a fraction above 0 gets at least one model of a class that has three.
    """
    classes: Dict[str, List[str]] = {}
    for model in models:
        classes.setdefault(model.synset, []).append(model.model_id)
    split = []
    for synset in sorted(classes):
        ids = sorted(classes[synset], key=lambda name: hashlib.sha256(f"{synset}/{name}".encode()).digest())
        test, val = (_share(len(ids), fraction, spare) for fraction, spare in ((fractions[2], 1), (fractions[1], 2)))
        train = len(ids) - val - test
        split.append({"taxonomy_id": synset, "taxonomy_name": class_name(synset), "train": sorted(ids[:train]),
                      "val": sorted(ids[train:train + val]), "test": sorted(ids[train + val:])})
    return split


def original_split(models: Iterable) -> Split:
    """The rule of the original's code: of each class, by sorted name, the first 80 % train and the rest test.

    *models* have `.synset` and `.model_id`. The original watched its training on the test models; here nothing is
    for validation, so that no number comes from models that were also used to choose something.
    """
    classes: Dict[str, List[str]] = {}
    for model in models:
        classes.setdefault(model.synset, []).append(model.model_id)
    split = []
    for synset, ids in sorted(classes.items()):
        ids = sorted(ids)
        end = int(0.8 * len(ids))
        split.append({"taxonomy_id": synset, "taxonomy_name": class_name(synset), "train": ids[:end], "val": [],
                      "test": ids[end:]})
    return split


def split_keys(split: Split, part: str) -> List[Tuple[str, str]]:
    """Sorted (synset, model id) of every model in *part* ('train', 'val' or 'test')."""
    return sorted((entry["taxonomy_id"], model) for entry in split for model in entry[part])


def check_split(layout: Layout, split: Split, *, name: Union[str, Path] = "the split") -> None:
    """Hold that every model the split, called *name*, lists lies in *layout*, complete or not.

    Raises:
        DataError: naming the first absent models and their number.
    """
    present = {(model.synset, model.model_id) for model in layout.models}
    present.update((key.split("/", 1)[0], key.split("/", 1)[1]) for key, _ in layout.incomplete)
    absent = [key for part in PARTS for key in split_keys(split, part) if key not in present]
    if absent:
        named = ", ".join("/".join(key) for key in absent[:SHOWN]) + (", ..." if len(absent) > SHOWN else "")
        raise DataError(f"{name} names {len(absent)} model{'s'[:len(absent) > 1]} that {layout.root} does not have "
                        f"({named}); add them or give the split file of this layout")


def _share(count, fraction, spare):
    """How many of *count* models a part gets: at least one where more than *spare* models exist."""
    return max(int(round(count * fraction)), int(fraction > 0 and count > spare))
