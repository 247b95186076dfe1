"""Records, packing: the files of one model -> the payload of its record."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import numpy as np

from recordio.errors import DataError
from recordio.layouts import ModelPaths, encode_png, fit_object, read_binvox, read_rgba
from recordio.layouts.shapenet import parse_cameras
from recordio.records.encodings import ENCODINGS, PNG, encode_zstd
from recordio.records.format import encode_record
from recordio.records.plan import PackOptions


@dataclass(frozen=True)
class Encoded:
    """One model, ready to be written; or why it cannot be (then `reason` is not empty)."""

    payload: bytes = b""
    voxel_shape: tuple[int, ...] = ()
    views: int = 0
    reason: str = ""
    told: bool = False  # the user knows the reason already


def encode_model(model: ModelPaths, options: PackOptions, *,
                 read: Callable[[Path], bytes] = Path.read_bytes) -> Encoded:
    """Make the record of *model*; *read* gives the content of one of its files, from the disk by default.

    Raises:
        DataError, OSError: a file is damaged or cannot be read, views differ in size, the grid is empty.
    """
    views = []
    size: tuple[int, int] | None = None  # (height, width)
    for path in model.views:
        data = read(path)
        rgba = read_rgba(data, str(path))  # decoded for `png` too: a broken picture must not come into a record
        if options.fit:
            rgba = _fit(rgba, path)
            data = encode_png(rgba)
        if size not in (None, rgba.shape[:2]):
            raise DataError(f"{path}: {rgba.shape[0]}x{rgba.shape[1]} pixels where the model's other views have "
                            f"{size[0]}x{size[1]}; render the model again")
        size = rgba.shape[:2]
        number = ENCODINGS[options.encoding]
        views.append((number, data if number == PNG else encode_zstd(rgba, level=options.level)))
    grid = read_binvox(read(model.voxels), str(model.voxels))
    if not grid.occupancy.any():
        raise DataError(f"{model.voxels}: no voxel is occupied; voxelise the model again")
    payload = encode_record(model.synset, model.model_id, views, grid.occupancy, image_size=size,
                            translate=grid.translate, scale=grid.scale, cameras=_cameras(model, read))
    return Encoded(payload, grid.occupancy.shape, len(views))


def _fit(rgba: np.ndarray, path: Path) -> np.ndarray:
    try:
        return fit_object(rgba)
    except DataError as error:  # it knows the picture, not its file
        raise DataError(f"{path}: {error}") from None


def _cameras(model: ModelPaths, read) -> np.ndarray | None:
    """(n, 4) float32 azimuth, elevation, in-plane rotation, distance ratio of the views; None without the file."""
    try:
        content = read(model.metadata)
    except FileNotFoundError:
        return None
    rows = [(camera.azimuth, camera.elevation, camera.in_plane, camera.distance)
            for camera in parse_cameras(content, str(model.metadata))]
    if len(rows) != len(model.names):  # views were removed: NN.png keeps row NN
        numbers = [Path(name).stem for name in model.names]
        if not all(number.isdigit() and int(number) < len(rows) for number in numbers):
            raise DataError(f"{model.metadata}: {len(rows)} rows for {len(model.names)} views; mend or remove the file")
        rows = [rows[int(number)] for number in numbers]
    return np.array(rows, np.float32)
