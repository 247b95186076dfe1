"""Datasets, one item in a worker process: photographs and a shape -> a sample of the layout."""
from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import List, Optional, Tuple

import numpy as np

from recordio.datasets.grids import refit
from recordio.datasets.items import Item, Photo, Shape
from recordio.datasets.matfiles import read_mat
from recordio.errors import DataError
from recordio.geometry.camera import Camera
from recordio.geometry.mesh import Mesh
from recordio.geometry.voxeliser import grid_frame, voxelise
from recordio.layouts.binvox import VoxelGrid, read_binvox
from recordio.layouts.images import read_rgba
from recordio.layouts.photos import SHARE, fit_box, fit_object
from recordio.layouts.shapenet import write_sample
from recordio.meshes import read_mesh

# How the axes of a shape's file become those of the object frame (recordio/geometry/camera.py: y up, front -z):
#   object        a mesh in the object frame; Pix3D's meshes are (x left, y up, z inward, seen from the front)
#   z-up          a mesh with z up, otherwise so: (x, y, z) -> (x, z, -y), as `read_mesh(up="z")`
#   pascal3d-cad  a mesh with z up and the front -y: (x, y, z) -> (-x, z, y), a rotation
#   grid          a binvox file in the object frame
#   pix3d-voxels  variable 'voxel' of a MATLAB file, [x left, y outward, z up]: (x, y, z) -> (x, z, -y)
FRAMES = ("object", "z-up", "pascal3d-cad", "grid", "pix3d-voxels")
PASCAL3D_CAD = np.array([[-1.0, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
MAX_SIDE = 512  # cells of a grid in a MATLAB file


@dataclass(frozen=True)
class Task:
    """One item to make a sample of, and how."""

    item: Item
    out: Path
    views: int  # most pictures
    least_views: int
    image_size: int  # pixels
    resolution: int  # cells per side


@dataclass(frozen=True)
class Outcome:
    """What became of an item: the number of its views or why it is no sample, and (photograph, reason) of bad ones."""

    views: int = 0
    rejected: str = ""
    broken: Tuple[Tuple[str, str], ...] = ()


def make_item(task: Task) -> Outcome:
    """Make the sample of one item; the same task gives the same bytes in any process.

    Raises:
        OSError: the sample cannot be written.
    """
    broken: List[Tuple[str, str]] = []
    try:
        images, cameras = _pictures(task, broken)
        if len(images) < task.least_views:
            return Outcome(rejected=f"{len(images)} of its {len(task.item.photos)} photographs can be used, at least "
                                    f"{task.least_views} are wanted", broken=tuple(broken))
        grid, mesh = _shape(task.item.shape, task.resolution)
    except DataError as error:
        return Outcome(rejected=str(error), broken=tuple(broken))
    except OSError as error:
        return Outcome(rejected=f"{error.filename}: {error.strerror or error}", broken=tuple(broken))
    except MemoryError:
        return Outcome(rejected="it needs more memory than there is", broken=tuple(broken))
    except Exception as error:  # a defect of ours must not end a run over thousands of objects
        return Outcome(rejected=f"unexpected {type(error).__name__}: {error}", broken=tuple(broken))
    known = [camera for camera in cameras if camera is not None]
    complete = mesh is not None and len(known) == len(images)  # a camera file has a row for every view
    rows = [_framed(camera, mesh) for camera in known] if complete else None
    write_sample(task.out, task.item.synset, task.item.model_id, np.stack(images), rows, grid)
    return Outcome(len(images), broken=tuple(broken))


def warm_up() -> None:
    """Compile the voxeliser, so that the first item's time is its own."""
    voxelise(Mesh.build(np.eye(3), [[0, 1, 2]]), 4)


def _pictures(task: Task, broken: List[Tuple[str, str]]) -> Tuple[List[np.ndarray], List[Optional[Camera]]]:
    """The first `views` photographs that can be used, fitted, and their cameras."""
    images: List[np.ndarray] = []
    cameras: List[Optional[Camera]] = []
    for photo in task.item.photos:
        if len(images) == task.views:
            break
        try:
            images.append(fit_photo(photo, size=task.image_size))
            cameras.append(photo.camera)
        except DataError as error:
            broken.append((photo.name, str(error)))
        except OSError as error:
            broken.append((photo.name, f"{error.filename}: {error.strerror or error}"))
    return images, cameras


def fit_photo(photo: Photo, *, size: int) -> np.ndarray:
    """The picture (size, size, 4) uint8 of one photograph, its object cut out by the mask where there is one.

    Raises:
        DataError: picture or mask is damaged, of another size than the annotation says, or shows nothing.
        OSError: a file cannot be read.
    """
    picture = read_rgba(photo.path)
    height, width = picture.shape[:2]
    if photo.size is not None and photo.size != (width, height):
        raise DataError(f"{photo.path}: {width}x{height} pixels, the annotation says {photo.size[0]}x{photo.size[1]}")
    if photo.mask is not None:
        mask = read_rgba(photo.mask)
        if mask.shape != picture.shape:
            raise DataError(f"{photo.mask}: {mask.shape[1]}x{mask.shape[0]} pixels, the picture has {width}x{height}")
        picture[..., 3] = mask[..., 0]  # grey: red, green and blue are equal
        if not mask[..., 0].any():
            raise DataError(f"{photo.mask}: the mask is empty")
    if photo.box is not None:
        return fit_box(picture, photo.box, size=size)
    try:
        return fit_object(picture, size=size)
    except DataError as error:
        raise DataError(f"{photo.path}: {error}") from None


def _shape(shape: Shape, resolution: int) -> Tuple[VoxelGrid, Optional[Mesh]]:
    """The grid of a shape in the object frame, and its mesh where it has one."""
    if shape.frame == "pix3d-voxels":
        occupancy = _read_voxels(shape.path)
        return _refitted(occupancy.transpose(0, 2, 1)[:, :, ::-1], resolution, shape.path), None
    if shape.frame == "grid":
        grid = read_binvox(shape.path)
        if len(grid.occupancy) == resolution:  # as it stands
            return grid, None
        return _refitted(grid.occupancy, resolution, shape.path), None
    mesh = read_mesh(shape.path, up="z" if shape.frame == "z-up" else "y")
    if shape.frame == "pascal3d-cad":
        mesh = mesh.transformed(PASCAL3D_CAD)
    mesh = mesh.normalised()
    return VoxelGrid(voxelise(mesh, resolution), *grid_frame(mesh)), mesh


def _refitted(occupancy: np.ndarray, resolution: int, path: Path) -> VoxelGrid:
    try:
        return refit(occupancy, resolution)
    except DataError as error:
        raise DataError(f"{path}: {error}") from None


def _read_voxels(path: Path) -> np.ndarray:
    content = read_mat(path)
    if "voxel" not in content:
        raise DataError(f"{path}: it has no variable 'voxel'; the file of Pix3D's voxels is wanted")
    voxels = np.asarray(content["voxel"])
    if voxels.ndim != 3 or voxels.dtype.kind not in "biuf" or not 0 < max(voxels.shape) <= MAX_SIDE:
        raise DataError(f"{path}: the variable 'voxel' should be a grid of at most {MAX_SIDE} cells a side, it is "
                        f"{voxels.dtype} {voxels.shape}; copy the file again")
    return voxels > 0


def _framed(camera: Camera, mesh: Mesh) -> Camera:
    """*camera* at the distance where *mesh* takes the share of the picture that `fit_box` gives it.

    The photograph's own distance belongs to a lens and a crop that the fitted picture no longer has.
    """
    for _ in range(8):  # the size seen goes nearly with 1 / distance: each step leaves a fraction of the error
        pixels, depth = camera.project(mesh.vertices, size=1)
        if depth.min() <= 0:
            camera = replace(camera, distance=camera.distance * 2)
            continue
        seen = float((pixels.max(axis=0) - pixels.min(axis=0)).max())
        camera = replace(camera, distance=camera.distance * seen / SHARE)
    return camera
