"""tools/reconstruct.py, what is to be reconstructed: files and folders -> objects, each an id and its pictures."""
from __future__ import annotations

import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Dict, List, Sequence, Tuple

from recordio.errors import DataError

MANIFEST, PART, RECORD = "manifest.jsonl", "part.jsonl", "object.json"  # see reconstruct_manifest
RESULT = "model.png"  # a picture that this tool writes
PICTURE_FILES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")


@dataclass(frozen=True)
class Item:
    """One object of a batch: `id`, the folder it gets in the output, and its pictures."""

    id: str
    images: Tuple[Path, ...]
    names: Tuple[str, ...]  # of the pictures as the manifest has them: the same on every machine


def is_picture(path: Path) -> bool:
    # a hidden one is what another program keeps beside the pictures, such as macOS its ._name.jpg
    return path.suffix.lower() in PICTURE_FILES and not path.name.startswith(".") and path.is_file()


def natural(name: str):
    """A key that sorts names with numbers as people do, 2 before 10."""
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part.lower()) for part in re.split(r"(\d+)", name)], name


def pictures_in(folder: Path) -> List[Path]:
    """The pictures of *folder* itself, in the order of their names."""
    return sorted(filter(is_picture, folder.iterdir()), key=lambda path: natural(path.name))


def picture_paths(given: Sequence[Path]) -> List[Path]:
    """The files named, and the pictures of every folder named, those in the order of their names (2 before 10)."""
    paths: List[Path] = []
    for path in given:
        found = pictures_in(path) if path.is_dir() else [path] if path.is_file() else None
        if found is None:
            raise DataError(f"{path}: no such picture or folder; check the path")
        if not found:
            raise DataError(f"{path}: no pictures in this folder; give files or folders with "
                            f"{', '.join(PICTURE_FILES)}")
        paths += found
    return paths


def is_batch(given: Sequence[Path], out: Path) -> bool:
    """Whether a folder among *given* holds no pictures itself but folders with pictures."""
    return any(path.is_dir() and not pictures_in(path) and _picture_folders(path, out) for path in given)


def find_items(given: Sequence[Path], out: Path, *, each_picture: bool = False) -> List[Item]:
    """One object for every folder with pictures below *given*, or for every picture.

    Folders below one that holds pictures are not looked into (they may hold masks), except for *each_picture*; neither
    is *out*, nor the results of an earlier batch, nor what is hidden.

    Raises:
        DataError: a path does not exist or is not of the right kind, or nothing is found.
        OSError: a folder cannot be read.
    """
    found: List[Tuple[str, List[Path], Path]] = []  # (id, pictures, folder that their names are relative to)
    for root in given:
        if root.is_file() and each_picture:
            found.append((root.name, [root], root.parent))
            continue
        if not root.is_dir():
            raise DataError(f"{root}: a batch is made of folders; " +
                            ("give its folder, or --each-picture" if root.is_file() else "there is none of this name"))
        for folder in _picture_folders(root, out, below=each_picture):
            place = folder.relative_to(root)
            place = Path(root.resolve().name, place) if len(given) > 1 or folder == root and not each_picture else place
            pictures = pictures_in(folder)
            if each_picture:
                found += [((place / path.name).as_posix(), [path], root) for path in pictures]
            else:
                found.append((place.as_posix(), pictures, root))
    if not found:
        raise DataError(f"{given[0]}: no pictures below this folder; give folders with {', '.join(PICTURE_FILES)}")
    if each_picture:
        found = _without_suffixes(found)
    return check_ids([Item(name, tuple(pictures), tuple(path.relative_to(root).as_posix() for path in pictures))
                      for name, pictures, root in found])


def read_list(path: Path) -> List[Item]:
    """The objects of a file of JSON lines {"id": NAME, "images": [FILE, ...]}; pictures are relative to its folder.

    Raises:
        DataError: a line is something else; it is named.
        OSError: the file cannot be read.
    """
    items = []
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 ({error.reason}); write it as JSON lines in UTF-8") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
            name, images = entry["id"], entry["images"]
            if set(entry) != {"id", "images"} or type(name) is not str or type(images) is not list or not images:
                raise TypeError
            if any(b"\0" in os.fsencode(text) for text in [name, *images]):  # fails where no file can be called so
                raise ValueError
            items.append(Item(name, tuple(path.parent / image for image in images), tuple(map(str, images))))
        except (ValueError, TypeError, KeyError, RecursionError):
            raise DataError(f'{path}: line {number} is not {{"id": NAME, "images": [FILE, ...]}} with at least one '
                            f"file: {line[:60]!r}") from None
    if not items:
        raise DataError(f"{path}: names no object; write a line of JSON for each")
    return check_ids(items)


def check_ids(items: Sequence[Item]) -> List[Item]:
    """Hold that every id can be a folder of its own; returns *items* in the order of their ids.

    Raises:
        DataError: an id that is no such name, comes twice, or lies inside another's folder.
    """
    seen: Dict[str, Item] = {}
    for item in items:
        parts = item.id.split("/")
        if (str(PurePosixPath(item.id)) != item.id or re.search(r"[\\\x00-\x1f]", item.id) or len(item.id) > 1000
                or parts[0] in (MANIFEST, PART)
                or any(part in ("", "..") or part.startswith(".") or len(os.fsencode(part)) > 200 for part in parts)):
            raise DataError(f"the id {item.id[:80]!r} cannot name a folder of the output; take letters, digits, '-', "
                            "'_' and '/', no part empty, of more than 200 bytes or with a dot in front")
        if item.id in seen:
            raise DataError(f"the id {item.id!r} comes twice; name every object once")
        seen[item.id] = item
    for name in seen:
        parts = name.split("/")
        for end in range(1, len(parts)):
            if "/".join(parts[:end]) in seen:
                raise DataError(f"the object {name!r} lies inside the object {'/'.join(parts[:end])!r}; name one anew")
    return sorted(items, key=lambda item: natural(item.id))


def _picture_folders(root: Path, out: Path, *, below: bool = False) -> List[Path]:
    """*root* and the folders in it that hold pictures; those in such a folder only if told to look *below*."""
    found, seen = [], {os.path.realpath(out)}
    for name, folders, _ in os.walk(root, followlinks=True, onerror=_fail):
        folder, real = Path(name), os.path.realpath(name)
        pictures = pictures_in(folder)
        if real in seen or _is_result(folder, pictures):  # the output, a link that leads back, an earlier output
            folders.clear()
            continue
        seen.add(real)
        # sorted: of two links to a folder the same one counts on every machine
        folders[:] = sorted(child for child in folders if not child.startswith("."))
        if pictures:
            found.append(folder)
            if not below:
                folders.clear()
    return found


def _fail(error: OSError):
    raise error  # os.walk would leave out a folder that it cannot read


def _is_result(folder: Path, pictures: Sequence[Path]) -> bool:
    """Whether *folder* is what a batch wrote for an object."""
    return bool(pictures) and all(path.name == RESULT for path in pictures) and (folder / RECORD).is_file()


def _without_suffixes(found):
    """Ids of pictures without the suffix of the file, except where two would be alike."""
    stems = [name[:-len(Path(name).suffix)] for name, _, _ in found]
    count = Counter(stems)
    return [(stem if count[stem] == 1 else name, pictures, root)
            for stem, (name, pictures, root) in zip(stems, found)]
