"""Datasets: PASCAL3D+ (Xiang et al., WACV 2014) -> items, one per CAD model with the photographs aligned to it.

    Annotations/<class>_<imagenet|pascal>/NAME.mat    the struct `record` with filename, imgsize, objects
    Images/<class>_<imagenet|pascal>/NAME.<JPEG|jpg>
    CAD/<class>/<NN>.off                              NN = cad_index, 01 to at most 10 per class

An object has class, bbox [x1 y1 x2 y2] (from 1, ends included), cad_index, truncated, occluded, difficult and a
viewpoint with azimuth, elevation, theta (degrees), distance. By the projection in the data set's own code the CAD
models have z up, and the camera of azimuth 0 stands on -y and that of 90 on +x; azimuth 0 shows the front.
See `making.FRAMES`.
"""
from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Tuple

import numpy as np

from recordio.datasets.items import Found, Item, Photo, Shape, below, wanted_classes
from recordio.datasets.matfiles import read_mat
from recordio.errors import DataError
from recordio.geometry.camera import Camera
from recordio.layouts.classes import synset_of
from recordio.meshes.folder import safe_name

SOURCES = ("imagenet", "pascal")
FLAWS = ("truncated", "occluded", "difficult")
SHAPENET_NAMES = {"diningtable": "table", "tvmonitor": "display"}  # beside those that synset_of knows
LEAST_SIDE = 8  # pixels; less of an object shows no shape


def find_pascal3d(root: Path, *, classes: Optional[Iterable[str]] = None, flawed: bool = False,
                  progress=iter) -> Found:
    """Read the annotations; no picture or CAD model is opened.

    Args:
        classes: names as in the folders (or ShapeNet's) to take; default all.
        flawed: take truncated, occluded and difficult objects, too.
        progress: wraps the list of annotation files, as `tqdm` does.

    Raises:
        DataError: the folders are absent, an unknown class.
    """
    folders = _folders(root)
    shapenet = {name: synset_of(SHAPENET_NAMES.get(name, name)) for name, _, _ in folders}
    asked = None if classes is None else [_own_name(name, shapenet) for name in classes]
    wanted = set(wanted_classes(asked, shapenet, root))
    found = Found()
    models: Dict[Tuple[str, int], List[Photo]] = {}
    files = [(name, source, path) for name, source, folder in folders if name in wanted
             for path in sorted(folder.glob("*.mat"))]
    for name, source, path in progress(files):
        label = f"{path.parent.name}/{path.name}"
        try:
            record = read_mat(path).get("record")
            objects = np.atleast_1d(_field(record, "objects"))
            picture = below(root / "Images" / f"{name}_{source}", _field(record, "filename"))
            size = _picture_size(record)
        except (DataError, OSError) as error:
            found.broken[label] = str(error).replace(f"{path}: ", "")
            continue
        for number, thing in enumerate(objects):
            place = label if len(objects) == 1 else f"{label} object {number + 1}"
            try:
                if _field(thing, "class") != name:
                    found.left_out["of another class"] += 1
                    continue
                photo, cad = _read_object(place, picture, size, thing)
                flaws = [flaw for flaw in FLAWS if _number(thing, flaw, 0)]
            except DataError as error:
                found.broken[place] = str(error)
                continue
            if flaws and not flawed:
                found.left_out[flaws[0]] += 1
            else:
                models.setdefault((name, cad), []).append(photo)
    for (name, cad), photos in models.items():
        shape = Shape(root / "CAD" / name / f"{cad:02d}.off", "pascal3d-cad")
        found.items.append(Item(safe_name(shapenet[name]), f"{name}-{cad:02d}", tuple(photos), shape))
    found.items.sort(key=lambda item: item.key)
    return found


def _folders(root: Path) -> List[Tuple[str, str, Path]]:
    """(class, source, folder of annotations), sorted."""
    missing = [name for name in ("Annotations", "Images", "CAD") if not (root / name).is_dir()]
    if missing:
        raise DataError(f"{root}: {' and '.join(missing)} missing; the folder that PASCAL3D+ unpacks to, with "
                        f"Annotations/, Images/ and CAD/, is wanted")
    found = []
    for folder in sorted((root / "Annotations").iterdir()):
        name, _, source = folder.name.rpartition("_")
        if name and source in SOURCES and folder.is_dir():
            found.append((name, source, folder))
    if not found:
        raise DataError(f"{root / 'Annotations'}: no folder <class>_imagenet or <class>_pascal in it")
    return found


def _own_name(name: str, shapenet: Dict[str, str]) -> str:
    """The data set's name of a class that ShapeNet calls *name* (or numbers so); else *name* itself."""
    return next((own for own, synset in shapenet.items() if synset_of(name) == synset), name)


def _read_object(place: str, picture: Path, size: Optional[Tuple[int, int]], thing) -> Tuple[Photo, int]:
    """-> (photograph, number of the CAD model)."""
    cad = _number(thing, "cad_index")
    if cad != int(cad) or not 1 <= cad < 1000:
        raise DataError(f"its cad_index should count from 1, got {cad:g}")
    corners = np.atleast_1d(_field(thing, "bbox"))
    if corners.shape != (4,) or corners.dtype.kind not in "iuf" or not np.isfinite(corners).all() \
            or np.abs(corners).max() > 1e6:
        raise DataError(f"its bbox should be four numbers, got {str(corners)[:60]}")
    left, top = math.floor(corners[0]) - 1, math.floor(corners[1]) - 1  # MATLAB counts pixels from 1
    right, bottom = math.ceil(corners[2]), math.ceil(corners[3])
    if size is not None:
        left, top, right, bottom = max(left, 0), max(top, 0), min(right, size[0]), min(bottom, size[1])
    if min(right - left, bottom - top) < LEAST_SIDE:
        raise DataError(f"its box of {right - left} x {bottom - top} pixels in the picture is too small to show a "
                        f"shape, at least {LEAST_SIDE} x {LEAST_SIDE} are wanted")
    camera = _camera(getattr(thing, "viewpoint", None))
    return Photo(place, picture, box=(left, top, right, bottom), size=size, camera=camera), int(cad)


def _camera(viewpoint) -> Optional[Camera]:
    """The direction of view, at distance ratio 1; None where it is not annotated (distance 0 or absent).

    With azimuth a and elevation e the camera is in the direction (sin a cos e, -cos a cos e, sin e) of the CAD model,
    (-sin a cos e, sin e, -cos a cos e) of the object frame: there the azimuth is 270 degrees - a. theta turns the
    picture counter-clockwise, as `Camera.in_plane` does.
    """
    try:
        if _number(viewpoint, "distance") <= 0:
            return None
        azimuth, elevation, theta = (_number(viewpoint, name) for name in ("azimuth", "elevation", "theta"))
    except DataError:
        return None
    return Camera((270.0 - azimuth) % 360.0, elevation, 1.0, theta)


def _picture_size(record) -> Optional[Tuple[int, int]]:
    """Width and height from imgsize [width height channels]; None where the annotation does not say."""
    size = np.atleast_1d(getattr(record, "imgsize", ()))
    if len(size) < 2 or size.dtype.kind not in "iuf" or not ((size[:2] > 0) & (size[:2] < 1e6)).all():
        return None
    return int(size[0]), int(size[1])


def _field(thing, name: str) -> Any:
    if not hasattr(thing, name):
        raise DataError(f"it has no field {name!r}; a PASCAL3D+ annotation is wanted")
    return getattr(thing, name)


def _number(thing, name: str, default: Optional[float] = None) -> float:
    value = np.asarray(_field(thing, name) if default is None else getattr(thing, name, default))
    if value.size == 0 and default is not None:
        return default
    if value.size != 1 or value.dtype.kind not in "biuf" or not np.isfinite(value).all():
        raise DataError(f"its field {name!r} should be a number, got {str(value)[:40]!r}")
    return float(value.reshape(()))
