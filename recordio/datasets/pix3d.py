"""Datasets: Pix3D (Sun et al., CVPR 2018) -> items, one per 3D model with all its photographs.

    pix3d.json                      a list, one entry per photograph
    img/<category>/<number>.<jpg|png>
    mask/<category>/<number>.png    white on the object, of the picture's size
    model/<category>/<model>/{model.obj, voxel.mat}

An entry has, among others, img, mask, category, img_size [width, height], model, voxel, truncated, occluded. By the
data set's README the axes are, seen in the canonical view (from the front): model x left, y up, z inward, which is our
object frame itself (front -z); voxel x left, y outward, z up. See `making.FRAMES`.
"""
from __future__ import annotations

import json
import math
from pathlib import Path, PurePosixPath
from typing import Dict, Iterable, List, Optional, Tuple

from recordio.datasets.items import Found, Item, Photo, Shape, below, class_folder, wanted_classes
from recordio.errors import DataError
from recordio.meshes.folder import safe_name

INDEX = "pix3d.json"
MAX_INDEX = 1 << 30  # bytes; the published one has some 20 MB
FLAWS = ("truncated", "occluded")


def find_pix3d(root: Path, *, classes: Optional[Iterable[str]] = None, flawed: bool = False,
               from_mesh: bool = False) -> Found:
    """Read pix3d.json; no picture, mask or model is opened.

    Args:
        classes: categories (or ShapeNet's names) to take; default all.
        flawed: take truncated and occluded photographs, too.
        from_mesh: the shape is the mesh `model`, not the grid `voxel`.

    Raises:
        DataError: the index is absent or no list of entries, an unknown class.
    """
    entries = _read_index(root / INDEX)
    categories = {entry["category"] for entry in entries if isinstance(entry, dict)
                  and isinstance(entry.get("category"), str) and entry["category"]}
    wanted = set(wanted_classes(classes, categories, root))
    found = Found()
    models: Dict[Tuple[str, str], List[Tuple[Photo, Shape]]] = {}
    for number, entry in enumerate(entries):
        name = f"entry {number}"
        try:
            if not isinstance(entry, dict):
                raise DataError(f"an object is wanted, got {str(entry)[:40]!r}")
            name += f" ({str(entry.get('img'))[:80]})"
            category = entry.get("category")
            if category not in categories:
                raise DataError(f"its category should be a name, got {str(category)[:40]!r}")
            photo, model, shape = _read_entry(root, name, entry, from_mesh)
            flaws = [flaw for flaw in FLAWS if _flag(entry, flaw)]
        except DataError as error:
            found.broken[name] = str(error)
            continue
        if category not in wanted:
            found.left_out["of another class"] += 1
        elif flaws and not flawed:
            found.left_out[flaws[0]] += 1
        else:
            models.setdefault((class_folder(category), model), []).append((photo, shape))
    names = _model_names(models)
    for (synset, model), photos in sorted(models.items()):
        found.items.append(Item(synset, names[synset, model], tuple(photo for photo, _ in photos), photos[0][1]))
    found.items.sort(key=lambda item: item.key)
    return found


def _read_index(path: Path) -> list:
    if not path.is_file():
        raise DataError(f"{path}: no such file; the folder that Pix3D unpacks to, with {INDEX}, img/, mask/ and "
                        f"model/, is wanted")
    if path.stat().st_size > MAX_INDEX:
        raise DataError(f"{path}: larger than {MAX_INDEX >> 30} GiB, this is no index of Pix3D; copy it again")
    try:
        entries = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not valid JSON ({error}); copy it again") from None
    if not isinstance(entries, list) or not entries:
        raise DataError(f"{path}: a list of entries is wanted, one per photograph, it holds "
                        f"{'none' if entries == [] else 'a ' + type(entries).__name__}; copy it again")
    return entries


def _read_entry(root: Path, name: str, entry: dict, from_mesh: bool) -> Tuple[Photo, str, Shape]:
    """-> (photograph, name of the model's mesh, shape)."""
    files = {}
    for field in ("img", "mask", "model") + (() if from_mesh else ("voxel",)):
        if field not in entry:
            raise DataError(f"it has no field {field!r}")
        files[field] = below(root, entry[field])
    size = entry.get("img_size")
    if size is not None and not (isinstance(size, list) and len(size) == 2 and all(_is_side(side) for side in size)):
        raise DataError(f"its img_size should be [width, height], got {str(size)[:40]!r}")
    shape = Shape(files["model"]) if from_mesh else Shape(files["voxel"], "pix3d-voxels")
    photo = Photo(name, files["img"], mask=files["mask"], size=None if size is None else (int(size[0]), int(size[1])))
    return photo, entry["model"], shape


def _is_side(value) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value) and 0 < value < 1e6


def _flag(entry: dict, name: str) -> bool:
    """True or False, in JSON's words or, as the README has it, as text; absent is False."""
    value = entry.get(name, False)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if not isinstance(value, bool):
        raise DataError(f"its field {name!r} should be true or false, got {str(value)[:40]!r}")
    return value


def _model_names(models) -> Dict[Tuple[str, str], str]:
    """A unique name per (synset, mesh): the mesh's folder, with the file's where a folder holds several."""
    names: Dict[Tuple[str, str], str] = {}
    taken = set()
    for synset, model in sorted(models):
        path = PurePosixPath(model.replace("\\", "/"))
        folder = safe_name(path.parent.name or path.stem)
        choices = [folder, f"{folder}-{safe_name(path.stem)}"]
        choices += [f"{choices[1]}-{number}" for number in range(2, len(models) + 2)]
        name = next(choice for choice in choices if (synset, choice.lower()) not in taken)
        taken.add((synset, name.lower()))
        names[synset, model] = name
    return names
