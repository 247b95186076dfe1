"""Datasets: a folder of your own photographs, with a mesh or grid of each object -> items.

    SRC/<class>/<model>/*.<png|jpg|...>    pictures of any size, with or without alpha
    SRC/<class>/<model>/model.<binvox|glb|gltf|obj|off|ply|stl>
"""
from __future__ import annotations

from pathlib import Path
from typing import Dict, Iterable, List, Optional

from recordio.datasets.items import Found, Item, Photo, Shape, class_folder, wanted_classes
from recordio.errors import DataError
from recordio.meshes import SUFFIXES
from recordio.meshes.folder import safe_name

PICTURES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def find_photos(root: Path, *, classes: Optional[Iterable[str]] = None, up: str = "y") -> Found:
    """List the objects by file names only. Pictures become views in the order of their names.

    Args:
        up: 'y' or 'z', the axis that points up in OBJ, OFF, PLY and STL files.

    Raises:
        DataError: *root* is absent or holds no folder <class>/<model>, an unknown class.
    """
    if not root.is_dir():
        raise DataError(f"{root}: {'a file' if root.exists() else 'no such folder'}; a folder <class>/<model>/ per "
                        f"object is wanted")
    folders = {folder.name: folder for folder in _folders(root)}
    found = Found()
    wanted = wanted_classes(classes, folders, root)
    names: Dict[str, Path] = {}  # key in lower case -> folder: names that differ by case only would collide
    for name in wanted:
        for folder in _folders(folders[name]):
            label = f"{name}/{folder.name}"
            try:
                item = _read_folder(folder, class_folder(name), label, up)
                first = names.setdefault(item.key.lower(), folder)
                if first != folder:
                    raise DataError(f"its name becomes {item.key!r} as that of {first} does; rename one")
            except DataError as error:
                found.broken[label] = str(error)
                continue
            found.items.append(item)
    if not found.items and not found.broken:
        raise DataError(f"{root}: no folder <class>/<model>/ in it; one per object is wanted")
    found.items.sort(key=lambda item: item.key)
    return found


def _folders(path: Path) -> List[Path]:
    return sorted(entry for entry in path.iterdir() if entry.is_dir() and not entry.name.startswith((".", "__MACOSX")))


def _read_folder(folder: Path, synset: str, label: str, up: str) -> Item:
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    pictures = [path for path in files if path.suffix.lower() in PICTURES]
    shapes = [path for path in files if path.stem == "model" and path.suffix.lower() in (".binvox", *SUFFIXES)]
    if not pictures:
        raise DataError(f"no pictures in it ({', '.join(PICTURES)})")
    if len(shapes) != 1:
        came = " and ".join(path.name for path in shapes) or "none"
        raise DataError(f"one shape is wanted, model.binvox or model.<{'|'.join(kind[1:] for kind in SUFFIXES)}>, "
                        f"found {came}")
    frame = "grid" if shapes[0].suffix.lower() == ".binvox" else "object" if up == "y" else "z-up"
    photos = tuple(Photo(f"{label}/{path.name}", path) for path in pictures)
    return Item(synset, safe_name(folder.name), photos, Shape(shapes[0], frame))
