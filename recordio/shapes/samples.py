"""Shapes, out of the door: one model of the catalogue -> its views and voxels in the ShapeNet layout."""
from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from recordio.geometry import Camera, random_cameras, render
from recordio.geometry.voxeliser import grid_frame, voxelise
from recordio.layouts import VoxelGrid, synset_of, write_sample
from recordio.shapes.catalogue import list_shapes, make_shape

CAMERAS = 1  # sets the cameras' random numbers apart from the shape's


@dataclass(frozen=True)
class Task:
    """What one sample is made of; `out` is the layout's root."""

    name: str  # class, as in the catalogue
    seed: int  # 0 or above
    index: int  # which model of the class
    out: Path
    views: int = 24
    image_size: int = 137  # pixels
    resolution: int = 32  # cells per axis

    @property
    def synset(self) -> str:
        return synset_of(self.name)

    @property
    def model_id(self) -> str:
        return f"{self.name}-{self.seed:04d}-{self.index:05d}"


def produce(task: Task) -> None:
    """Make and write the sample of *task*; the same task gives the same bytes in any process.

    Raises:
        DataError: no such class.
        OSError: the sample cannot be written.
    """
    mesh = make_shape(task.name, task.seed, task.index)
    rng = np.random.default_rng([task.seed, zlib.crc32(task.name.encode()), task.index, CAMERAS])
    cameras = random_cameras(rng, task.views)
    translate, scale = grid_frame(mesh)
    grid = VoxelGrid(voxelise(mesh, task.resolution), translate, scale)
    write_sample(task.out, task.synset, task.model_id, render(mesh, cameras, size=task.image_size), cameras, grid)


def warm_up() -> None:
    """Load or compile what a sample needs, before the clock of the first one starts."""
    mesh = make_shape(list_shapes()[0], 0, 0)
    render(mesh, [Camera(30.0, 27.0, 0.8)], size=8)
    voxelise(mesh, 4)
