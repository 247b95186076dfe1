"""tools/show.py, first step: files and folders -> what is to be drawn, under a short name, with its truth."""
from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence

from gluon_r2n2_tools.producing import printable
from gluon_r2n2_tools.shape_files import SUFFIXES
from recordio.errors import DataError


class Item(NamedTuple):
    """A file to draw."""

    path: Path
    name: str  # its label: as much of the end of its path as tells it from the others, without suffix
    truth: Optional[Path] = None


def find_items(given: Sequence[Path]) -> List[Item]:
    """The files named, and those of every folder named, at any depth, hidden ones passed over.

    In a folder, files that differ only in their suffix are one object, which the first of SUFFIXES stands for.

    Raises:
        DataError: a path that is absent or of another kind, a folder without any.
    """
    paths: List[Path] = []
    for path in given:
        if path.is_dir():
            found = _in_folder(path)
            if not found:
                raise DataError(f"{path}: nothing to draw in this folder; wanted are {', '.join(SUFFIXES)} files")
            paths += found
        elif not path.exists():
            raise DataError(f"{path}: no such file or folder; check the path")
        elif path.suffix.lower() not in SUFFIXES:
            raise DataError(f"{path}: files of type {path.suffix!r} are not drawn; wanted are {', '.join(SUFFIXES)}")
        else:
            paths.append(path)
    return [Item(path, printable(name)) for path, name in zip(paths, _names(paths))]


def find_truths(items: Sequence[Item], folder: Path) -> List[Item]:
    """Give each item the file of *folder* that has its name: as much of the end of its path as leads somewhere there.

    The suffix may be any of SUFFIXES; <name>/model.binvox, as in ShapeNetVox32, counts as well.

    Raises:
        DataError: *folder* is none, or has no truth for an item.
    """
    if not folder.is_dir():
        raise DataError(f"--truth-dir {folder}: {'a file' if folder.exists() else 'no such folder'}; give the folder "
                        f"that holds a true shape for every FILE, under the same name")
    return [item._replace(truth=_truth(item.path, folder)) for item in items]


def _truth(path: Path, folder: Path) -> Path:
    parts = path.absolute().with_suffix("").parts[1:]  # without the root
    for start in range(len(parts)):
        place = folder.joinpath(*parts[start:])
        for candidate in [Path(f"{place}{suffix}") for suffix in SUFFIXES] + [place / "model.binvox"]:
            if candidate.is_file():
                return candidate
    raise DataError(f"{path}: no truth for it in --truth-dir {folder}; wanted there is {parts[-1]}.binvox, or "
                    f"{'/'.join(parts[-2:])}.binvox, or {parts[-1]}/model.binvox")


def _in_folder(folder: Path) -> List[Path]:
    found: Dict[Path, Path] = {}  # without suffix -> the file that stands for it
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(parent, name)
            if name.startswith(".") or path.suffix.lower() not in SUFFIXES:
                continue
            rival = found.get(path.with_suffix(""))
            if rival is None or SUFFIXES.index(path.suffix.lower()) < SUFFIXES.index(rival.suffix.lower()):
                found[path.with_suffix("")] = path
    return sorted(found.values(), key=lambda path: [int(part) if part.isdigit() else part.lower()
                                                    for part in re.split(r"(\d+)", str(path))])  # 2 before 10


def _names(paths: Sequence[Path]) -> List[str]:
    """The shortest ends of *paths* that differ, without suffix; with it where nothing else tells them apart.

    A file called model, as in ShapeNet's folders and those of tools/reconstruct.py, goes by its folder's name.
    """
    ends = [(path.parent if path.stem == "model" and path.parent.name else path.with_suffix("")).parts
            for path in paths]
    names = [end[-1] for end in ends]
    for depth in range(2, max(map(len, ends)) + 1):
        uses = Counter(names)
        names = [name if uses[name] == 1 else "/".join(end[-depth:]) for name, end in zip(names, ends)]
    uses = Counter(names)
    return [name if uses[name] == 1 else name + path.suffix for name, path in zip(names, paths)]
