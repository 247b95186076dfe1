"""tools/reconstruct.py, what becomes of one object: its views and probabilities -> mesh files, voxels and a picture."""
from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from gluon_r2n2.deployment import PreparedView, doubts, expected_iou, view_disagreement
from gluon_r2n2.surfaces import MESH_FORMATS, Size
from gluon_r2n2_tools import pictures
from gluon_r2n2_tools.reconstruct_options import FORMATS
from gluon_r2n2_tools.results import Result, make_result
from recordio.files import atomic_file
from recordio.geometry import Camera
from recordio.layouts import encode_png

ROW = 8  # pictures in a row of the sheet
AFTER = "after_{:02d}_views"  # folder of the reconstruction from the first pictures
TURNS = (0, 75, 180)  # degrees from the first side of the surface

File = Tuple[str, Optional[bytes], str]  # name, content or None where there is nothing to write, what it holds


@dataclass(frozen=True)
class Reconstruction:
    """One object: its prepared pictures and what the network made of them."""

    views: Sequence[PreparedView]
    grid: np.ndarray  # (V, V, V) float32 probabilities
    growth: Sequence[np.ndarray] = ()  # after each view, where that is wanted
    singles: Sequence[np.ndarray] = ()  # from each view alone, where that is wanted
    images: Optional[Sequence[np.ndarray]] = None  # (H, W, 4) uint8, the object cut out, where colours are wanted
    cameras: Optional[Sequence[Camera]] = None

    def result(self, threshold: float, options) -> Result:
        """The surface, as *options* want it."""
        return make_result(self.grid, pictures=self.images, cameras=self.cameras, **looks(threshold, options))

    def warnings(self, threshold: float) -> Tuple[str, ...]:
        """What may be wrong with the reconstruction."""
        return doubts(self.grid, threshold) + view_disagreement(self.singles, threshold)

    def expected_iou(self, threshold: float) -> float:
        return expected_iou(self.grid, threshold)


def cut_out(image: np.ndarray, view: PreparedView) -> np.ndarray:
    """The picture (H, W, 4) uint8 with the foreground that was found as its alpha."""
    return image if view.alpha is None else np.dstack([image[..., :3], view.alpha])


def looks(threshold: float, options) -> Dict[str, Any]:
    """What `make_result` is told of the surface."""
    return {"threshold": threshold, "mesh": options.mesh, "smooth": options.smooth, "faces": options.faces,
            "size": Size(options.height, options.longest, options.units, options.ground)}


def files_of(found: Reconstruction, result: Result, options) -> Iterator[File]:
    """Make every file of an object; those after each view come first, in folders of their own."""
    inputs = [(f"view {number}", view.image) for number, view in enumerate(found.views, 1)]
    for number, grid in enumerate(found.growth, 1):
        step = make_result(grid, **looks(result.threshold, options))
        for name, data, what in _files(step, options.formats, inputs[:number], ()):
            yield f"{AFTER.format(number)}/{name}", data, what
    yield from _files(result, options.formats, inputs, found.growth)


def _files(result: Result, formats, inputs, growth) -> Iterator[File]:
    solid = int((result.grid >= result.threshold).sum())
    for kind in formats:
        if kind in MESH_FORMATS:
            data = None if result.empty else result.encode(kind)
            what = f"mesh, {len(result.surface.faces):,} triangles"
        elif kind == "binvox":
            data, what = result.encode(kind), f"{solid:,} solid voxels of {result.grid.size:,}"
        elif kind == "npz":
            data = result.encode(kind, views=[image for _, image in inputs])
            what = "probabilities [x, y, z], threshold, the views as the network saw them"
        else:
            data, what = encode_png(picture(result, inputs, growth)), "the views and the result"
        yield f"model.{kind}", data, what


def write_object(folder: Path, files: Iterable[File]) -> Iterator[Tuple[Path, str]]:
    """Write the files of `files_of` into *folder*, which may hold an earlier object; yields each with what it holds.

    What an earlier one left and would be taken for this one's goes: a mesh where there is none now, and the folders
    after each view.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        if is_after_folder(old):
            shutil.rmtree(old)
    for name, data, what in files:
        path = folder / name
        if data is None:
            if path.is_file():
                path.unlink()
            continue
        path.parent.mkdir(exist_ok=True)
        with atomic_file(path) as handle:
            handle.write(data)
        yield path, what


def is_after_folder(path: Path) -> bool:
    """Whether *path* is a folder of this tool's for the reconstruction after some views, and holds nothing else."""
    return bool(re.fullmatch(r"after_\d{2,}_views", path.name)) and path.is_dir() and not path.is_symlink() and all(
        is_model_file(child) for child in path.iterdir())


def is_own_name(name: str) -> bool:
    """Whether *name*, relative to an object's folder, is one that `files_of` gives."""
    return bool(re.fullmatch(rf"(after_\d{{2,}}_views/)?model\.({'|'.join(FORMATS)})", name))


def is_model_file(path: Path) -> bool:
    return path.is_file() and path.stem == "model" and path.suffix[1:] in FORMATS


def empty_sentence(grid: np.ndarray, threshold: float) -> str:
    return (f"the reconstruction is empty: no voxel reaches the threshold {threshold:g}, the highest probability is "
            f"{grid.max():.2g}; there is no mesh to write, try a lower one with --threshold")


def picture(result: Result, inputs, growth) -> np.ndarray:
    """The views, the voxels as they grew (where known) and the result from three sides: (H, W, 3) uint8."""
    results = [pictures.voxel_picture(result.grid, threshold=result.threshold),
               *[pictures.surface_picture(result.surface, pictures.FRONT + turn) for turn in TURNS]]
    labels = ["voxels", *[f"surface, +{turn}°" if turn else "surface" for turn in TURNS]]
    grown = [pictures.voxel_picture(step, threshold=result.threshold) for step in growth]
    rows = [list(zip(labels, pictures.crop_together(results)))]
    if grown:
        steps = [(f"after {number}", step) for number, step in enumerate(pictures.crop_together(grown), 1)]
        rows = [*_in_rows(steps), *rows]
    return pictures.sheet([*_in_rows(inputs), *rows])


def _in_rows(labelled) -> List:
    return [labelled[start:start + ROW] for start in range(0, len(labelled), ROW)]
