"""Meshes, before reading: a folder of mesh files -> which class and which model name each becomes."""
from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import List

from recordio.errors import DataError
from recordio.layouts.classes import synset_of
from recordio.meshes.reader import SUFFIXES

NO_CLASS = "object"  # the class of files that lie in no class folder
# Mesh files that are not read: listed so that they are named as rejected instead of being passed over in silence.
FOREIGN = (".3ds", ".3mf", ".abc", ".blend", ".c4d", ".ctm", ".dae", ".drc", ".fbx", ".iges", ".igs", ".max", ".step",
           ".stp", ".usd", ".usda", ".usdc", ".usdz", ".wrl", ".x3d")


@dataclass(frozen=True)
class Source:
    """A mesh file and the sample it becomes; *name* is its path below the folder, with forward slashes."""

    path: Path
    name: str
    synset: str
    model_id: str


def find_meshes(folder) -> List[Source]:
    """All mesh files below *folder*, sorted by name. The first folder on the way is the class; hidden ones are skipped.

    The model's name is the file's without suffix; where a class has it twice, the path within the class stands in
    (`chair/a/model.obj` becomes `a-model`). Names are unique regardless of case, and made of letters, digits, `.`,
    `_` and `-` only.

    Raises:
        DataError: *folder* is absent, no folder, or without mesh files.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DataError(f"{folder}: {'a file' if folder.exists() else 'no such folder'}; a folder with one folder of "
                        f"mesh files per class is wanted")
    names = sorted(_walk(folder))
    if not names:
        raise DataError(f"{folder}: no mesh files in it ({', '.join(SUFFIXES)}); a folder with one folder of mesh "
                        f"files per class is wanted")
    synsets = [synset_of(safe_name(name.split("/")[0])) if "/" in name else NO_CLASS for name in names]
    spellings = [_spellings(name) for name in names]
    uses = Counter((synset, spelling.lower()) for synset, mine in zip(synsets, spellings) for spelling in set(mine))
    return [Source(folder / name, name, synset, _first_unique(synset, mine, uses))
            for name, synset, mine in zip(names, synsets, spellings)]


def _walk(folder: Path):
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        for name in files:
            if not name.startswith(".") and name.lower().endswith(SUFFIXES + FOREIGN):
                yield Path(parent, name).relative_to(folder).as_posix()


def _spellings(name: str) -> List[str]:
    """Possible model names from the plainest on; the last one has a hash and is shared by no other file."""
    within = name.split("/", 1)[-1]  # without the class
    stem, suffix = os.path.splitext(within)
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    plain = safe_name(stem.split("/")[-1])
    return [plain, safe_name(stem.replace("/", "-")), safe_name(stem.replace("/", "-") + suffix.replace(".", "-")),
            f"{plain}-{digest}"]


def _first_unique(synset: str, spellings: List[str], uses: Counter) -> str:
    return next((name for name in spellings if uses[synset, name.lower()] == 1), spellings[-1])


def safe_name(name: str) -> str:
    """*name* as a folder name everywhere: no separators, spaces or leading dots, at most 100 characters."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", name).strip(".")
    return name[:100] or "model"
