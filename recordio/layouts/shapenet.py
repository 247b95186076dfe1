"""Layouts: the ShapeNetRendering / ShapeNetVox32 folders, written model by model and scanned into a list of paths.

    ShapeNetRendering/<synset>/<model>/rendering/{00.png, ..., renderings.txt, rendering_metadata.txt}
    ShapeNetVox32/<synset>/<model>/model.binvox
    ShapeNet.json
"""
from __future__ import annotations

import contextlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Collection, Dict, Iterator, List, Optional, Sequence, Tuple, Union

import numpy as np

from recordio.errors import DataError
from recordio.geometry.camera import LENS, Camera
from recordio.layouts.binvox import VoxelGrid, encode_binvox
from recordio.layouts.images import encode_png

RENDERINGS = "ShapeNetRendering"
VOXELS = "ShapeNetVox32"
SPLIT = "ShapeNet.json"
METADATA = "rendering_metadata.txt"
NAMES = "renderings.txt"


@dataclass(frozen=True)
class ModelPaths:
    """Where the files of one complete model lie; `folder` holds the views named in `names`, sorted."""

    synset: str
    model_id: str
    folder: str
    names: Tuple[str, ...]
    voxels: Path

    @property
    def key(self) -> str:
        return f"{self.synset}/{self.model_id}"

    @property
    def views(self) -> Tuple[Path, ...]:
        """The pictures, in order; made on demand, since a million paths would fill the memory."""
        return tuple(Path(self.folder, name) for name in self.names)

    @property
    def metadata(self) -> Path:
        """The camera file beside the views; it may be absent."""
        return Path(self.folder, METADATA)


@dataclass(frozen=True)
class Layout:
    """What a folder holds: complete models sorted by (synset, id), and (key, reason) of the others."""

    root: Path
    models: List[ModelPaths]
    incomplete: List[Tuple[str, str]]

    @property
    def split_path(self) -> Path:
        return self.root / SPLIT


def write_sample(root: Union[str, Path], synset: str, model_id: str, images: np.ndarray,
                 cameras: Optional[Sequence[Camera]], grid: VoxelGrid) -> None:
    """Write one model: *images* (n, H, W, 4) uint8 RGBA, their *cameras* and the voxel *grid*.

    Without cameras, as for photographs of unknown pose, there is no rendering_metadata.txt.

    Equal arguments give equal bytes. The voxels appear before the views and each at once, so that an interrupted
    call leaves at most a model that `scan` reports as incomplete; a model of the same name is replaced.

    Raises:
        OSError: the folder is read-only or the disk full; nothing half-written stays.
    """
    names = [f"{number:02d}.png" for number in range(len(images))]
    with _new_folder(Path(root, VOXELS, synset, model_id)) as folder:
        (folder / "model.binvox").write_bytes(encode_binvox(grid))
    with _new_folder(Path(root, RENDERINGS, synset, model_id)) as folder:
        rendering = folder / "rendering"
        rendering.mkdir()
        for name, image in zip(names, images):
            (rendering / name).write_bytes(encode_png(image))
        (rendering / NAMES).write_text("".join(f"{name}\n" for name in names), encoding="ascii")
        if cameras is not None:
            (rendering / METADATA).write_text(format_cameras(cameras), encoding="ascii")


def remove_sample(root: Union[str, Path], synset: str, model_id: str) -> None:
    """Remove one model where it is there; an interrupted call leaves a model that `scan` reports as incomplete.

    Raises:
        OSError: the folder is read-only.
    """
    for tree in (VOXELS, RENDERINGS):  # a model without its voxels is incomplete, one with fewer views may not be
        folder = Path(root, tree, synset, model_id)
        if folder.is_dir():
            shutil.rmtree(folder)


def format_cameras(cameras: Sequence[Camera]) -> str:
    """The text of rendering_metadata.txt: a row `azimuth elevation in_plane distance 25` per view."""
    rows = ((view.azimuth, view.elevation, view.in_plane, view.distance, LENS) for view in cameras)
    return "".join(" ".join(f"{value:.10g}" for value in row) + "\n" for row in rows)


def read_cameras(path: Union[str, Path]) -> List[Camera]:
    """The cameras in a rendering_metadata.txt.

    Raises:
        DataError: a row that is not four or five numbers.
        OSError: the file cannot be read.
    """
    return parse_cameras(Path(path).read_bytes(), str(path))


def parse_cameras(content: bytes, name: str) -> List[Camera]:
    """The cameras in the bytes of a rendering_metadata.txt called *name*; DataError as `read_cameras`."""
    cameras = []
    for number, line in enumerate(content.decode("ascii", errors="replace").splitlines(), 1):
        try:
            azimuth, elevation, in_plane, distance = [float(word) for word in line.split()][:4]
        except ValueError:
            if not line.strip():
                continue
            raise DataError(f"{name}: line {number} should be 'azimuth elevation in_plane distance 25', got "
                            f"{line[:60]!r}; mend or remove the file") from None
        cameras.append(Camera(azimuth, elevation, distance, in_plane))
    return cameras


def scan(root: Union[str, Path], *, voxels: Optional[str] = None) -> Layout:
    """List the models of a layout folder by file names only; no file's content but renderings.txt is read.

    Args:
        voxels: name of the voxels' folder; default ShapeNetVox32 or, without it, the one ShapeNetVox<side> there.

    Raises:
        DataError: *root* is absent, empty, no such layout, or holds no complete model.
    """
    root = Path(root)
    tree = voxels or _voxels_folder(root)
    _check_root(root, tree)
    grids = dict(_models(root / tree))
    models, incomplete = [], []
    name_lists: Dict[Tuple[str, ...], Tuple[str, ...]] = {}  # most models share one list of names: keep it once
    for key, folder in _models(root / RENDERINGS):
        names, wrong = _views(folder)
        grid = os.path.join(grids.pop(key, ""), "model.binvox")
        if not wrong and not os.path.isfile(grid):
            wrong = f"no {tree}/{'/'.join(key)}/model.binvox"
        if wrong:
            incomplete.append(("/".join(key), wrong))
        else:
            models.append(ModelPaths(*key, os.path.join(folder, "rendering"), name_lists.setdefault(names, names),
                                     Path(grid)))
    incomplete += [("/".join(key), f"no {RENDERINGS}/{'/'.join(key)}") for key in grids]
    return make_layout(root, models, incomplete)


def make_layout(root: Path, models: List[ModelPaths], incomplete: List[Tuple[str, str]]) -> Layout:
    """The Layout of what was found in *root*, sorted; DataError where no model is complete."""
    incomplete = sorted(incomplete)
    if not models:
        came = f"{len(incomplete)} incomplete ones, the first {incomplete[0][0]}: {incomplete[0][1]}" if incomplete \
            else "no models"
        raise DataError(f"{root}: a layout with at least one complete model is wanted, found {came}")
    return Layout(root, sorted(models, key=lambda model: (model.synset, model.model_id)), incomplete)


def _voxels_folder(root: Path) -> str:
    """ShapeNetVox32 or, where only voxels of another side are there, their folder."""
    found = sorted(path.name for path in root.glob("ShapeNetVox*") if path.is_dir())
    if VOXELS in found or not found:
        return VOXELS
    if len(found) > 1:
        raise DataError(f"{root}: it holds {' and '.join(found)}; choose one with --voxels")
    return found[0]


def _check_root(root, voxels):
    wanted = f"a folder with {RENDERINGS}/ and {voxels}/ is wanted"
    if not root.exists():
        raise DataError(f"{root}: no such folder; {wanted}")
    if not root.is_dir():
        raise DataError(f"{root}: a file; {wanted}")
    found = sorted(os.listdir(root))
    missing = [name for name in (RENDERINGS, voxels) if name not in found]
    if not found:
        raise DataError(f"{root}: the folder is empty; {wanted}")
    if missing:
        advice = f"; give its parent {root.resolve().parent}" if root.resolve().name in (RENDERINGS, voxels) else ""
        shown = ", ".join(found[:5]) + (", ..." if len(found) > 5 else "")
        raise DataError(f"{root}: {' and '.join(missing)} missing, {wanted}, found {shown}{advice}")


def _models(top) -> Iterator[Tuple[Tuple[str, str], str]]:
    """((synset, model id), folder) of every model folder below *top*; hidden ones are unfinished and passed over."""
    for group in _folders(top):
        for entry in _folders(group.path):
            yield (group.name, entry.name), entry.path


def _folders(path):
    with os.scandir(path) as entries:
        return [entry for entry in entries if not entry.name.startswith(".") and entry.is_dir()]


def _views(folder):
    """-> (sorted picture names, what is wrong or '')."""
    folder = os.path.join(folder, "rendering")
    try:
        found = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return (), "no rendering/ folder"
    return view_names(found, lambda: Path(folder, NAMES).read_bytes())


def view_names(found: Collection[str], read_list: Callable[[], bytes]) -> Tuple[Tuple[str, ...], str]:
    """What the file names *found* in a rendering/ folder make: (sorted picture names, what is wrong or '').

    *read_list* gives the content of renderings.txt; it is called where that is among the names.
    """
    names = tuple(sorted(name for name in found if name.lower().endswith(".png") and not name.startswith(".")))
    if not names:
        return names, "no views in rendering/"
    if NAMES in found:
        listed = read_list().decode("utf-8", errors="replace").split()
        missing = sorted(set(listed).difference(names))
        if missing:
            return names, f"view{'s'[:len(missing) > 1]} {', '.join(missing[:3])} of {NAMES} missing ({len(missing)})"
    return names, ""


@contextlib.contextmanager
def _new_folder(final):
    """A hidden neighbour of *final* to fill, which takes its place on success and goes on any exception."""
    partial = final.with_name(f".{final.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # what a killed process left
    try:
        partial.mkdir(parents=True)
        yield partial
        if final.exists():
            shutil.rmtree(final)
        os.replace(partial, final)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError) and str(error.filename or partial).startswith(str(partial)):
            error.filename, error.filename2 = str(final), None  # such as a full disk: say where
        raise
