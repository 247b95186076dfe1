"""Datasets, what every importer finds: items (photographs of one object and its shape), and what was left out."""
from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Counter as Counts
from typing import Dict, Iterable, List, Optional, Tuple

from recordio.errors import DataError, nearest
from recordio.geometry.camera import Camera
from recordio.layouts.classes import synset_of
from recordio.layouts.photos import Box
from recordio.meshes.folder import safe_name


@dataclass(frozen=True)
class Photo:
    """A picture file, and how the object is found in it: by a mask file, by a box, or (neither) by its own alpha."""

    name: str  # of the annotation, for messages
    path: Path
    mask: Optional[Path] = None  # picture of the same size, white on the object
    box: Optional[Box] = None  # pixels
    size: Optional[Tuple[int, int]] = None  # width, height by the annotation; None where it does not say
    camera: Optional[Camera] = None  # the direction of view; the distance is found when the shape is known


@dataclass(frozen=True)
class Shape:
    """The file of an item's shape and the axes it is in: one of `making.FRAMES`."""

    path: Path
    frame: str = "object"


@dataclass(frozen=True)
class Item:
    """One object: it becomes the sample synset/model_id. *photos* are in the order in which they become views."""

    synset: str
    model_id: str
    photos: Tuple[Photo, ...]
    shape: Shape

    @property
    def key(self) -> str:
        return f"{self.synset}/{self.model_id}"


@dataclass
class Found:
    """What an importer found.

    Attributes:
        items: sorted by key.
        broken: {annotation: why it cannot be used}.
        left_out: reason -> number of sound annotations that were not wanted.
    """

    items: List[Item] = field(default_factory=list)
    broken: Dict[str, str] = field(default_factory=dict)
    left_out: Counts[str] = field(default_factory=Counter)


def below(root: Path, name: object) -> Path:
    """The path of the file that an annotation calls *name*, below *root*.

    Links are followed, since people keep pictures on another disk; names that lead out of *root* are not.

    Raises:
        DataError: no text, empty, absolute, or with a step upwards.
    """
    if not isinstance(name, str) or not name or "\0" in name:
        raise DataError(f"a file name is wanted, got {name!r:.60}")
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or not path.parts:
        raise DataError(f"the file name {name!r:.80} leads out of the data set and is not followed")
    return root.joinpath(*path.parts)


def wanted_classes(names: Optional[Iterable[str]], known: Iterable[str], folder: Path) -> List[str]:
    """Those of the classes *known* that *names* asks for, by their own or by ShapeNet's name or number; default all.

    Raises:
        DataError: a name that stands for none of them.
    """
    known = sorted(known)
    if names is None:
        return known
    chosen = set()
    for name in names:
        found = [other for other in known if synset_of(name) in (other, synset_of(other))]
        if not found:
            raise DataError(f"{folder}: it has no class {name!r}{nearest(name, known)}; there are {', '.join(known)}")
        chosen.update(found)
    return sorted(chosen)


def class_folder(name: str) -> str:
    """The synset of a class by its ShapeNet name; other classes keep theirs, as a folder name."""
    return safe_name(synset_of(name))
