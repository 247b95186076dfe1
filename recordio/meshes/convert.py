"""Meshes, one file in a worker process: read -> normalise -> render and voxelise -> a sample of the layout."""
from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import List, Tuple

import numpy as np

from recordio.errors import DataError
from recordio.geometry.camera import Camera, random_cameras
from recordio.geometry.mesh import Mesh
from recordio.geometry.rasteriser import render
from recordio.geometry.voxeliser import grid_frame, voxelise
from recordio.layouts.binvox import VoxelGrid
from recordio.layouts.shapenet import write_sample
from recordio.meshes.folder import Source
from recordio.meshes.reader import read_mesh


@dataclass(frozen=True)
class Task:
    """One file to convert and how."""

    source: Source
    out: Path
    views: int
    image_size: int  # pixels
    resolution: int  # cells per side
    seed: int
    up: str  # 'y' or 'z', of formats that do not say
    turn: int  # degrees about the up axis, counter-clockwise from above


@dataclass(frozen=True)
class Outcome:
    """What became of a file: a sample, or the reason (without the path) why there is none; and notes about it."""

    rejected: str = ""
    notes: Tuple[str, ...] = ()


def convert(task: Task) -> Outcome:
    """Make the sample of one mesh file; the same task gives the same bytes in any process.

    Raises:
        OSError: the sample cannot be written.
    """
    notes: List[str] = []
    listener = _Listener(notes)
    logger = logging.getLogger("recordio.meshes")
    logger.addHandler(listener)
    try:
        images, cameras, grid = make_sample(task)
    except DataError as error:
        return Outcome(_without_path(error, task), tuple(_without_path(note, task) for note in notes))
    except OSError as error:
        return Outcome(f"it cannot be opened ({error.strerror or error})")
    except MemoryError:
        return Outcome("it needs more memory than there is; simplify the mesh first")
    except Exception as error:  # a defect of ours must not end a run over thousands of files
        return Outcome(f"unexpected {type(error).__name__}: {error}")
    finally:
        logger.removeHandler(listener)
    write_sample(task.out, task.source.synset, task.source.model_id, images, cameras, grid)
    return Outcome(notes=tuple(_without_path(note, task) for note in notes))


def make_sample(task: Task) -> Tuple[np.ndarray, List[Camera], VoxelGrid]:
    """The (images, cameras, grid) of a task: (views, H, W, 4) uint8, and a grid in the object frame."""
    mesh = read_mesh(task.source.path, up=task.up).transformed(_about_y(task.turn)).normalised()
    cameras = random_cameras(_generator(task), task.views)
    images = render(mesh, cameras, size=task.image_size)
    translate, scale = grid_frame(mesh)
    return images, cameras, VoxelGrid(voxelise(mesh, task.resolution), translate, scale)


def warm_up() -> None:
    """Compile what a sample needs, so that the first file's time is its own."""
    triangle = Mesh.build(np.eye(3), [[0, 1, 2]]).normalised()
    render(triangle, [Camera(30.0, 27.0, 0.8)], size=8)
    voxelise(triangle, 4)


def _about_y(degrees: int) -> np.ndarray:
    """4x4 rotation about +y; exact for quarter turns. By 90 degrees +x becomes -z, the front of the object frame."""
    cos, sin = np.round(np.cos(np.radians(degrees)), 12), np.round(np.sin(np.radians(degrees)), 12)
    return np.array([[cos, 0, sin, 0], [0, 1, 0, 0], [-sin, 0, cos, 0], [0, 0, 0, 1.0]])


def _generator(task: Task) -> np.random.Generator:
    """Random numbers of this sample alone, so that neither order nor company of the files matters."""
    text = f"{task.seed}/{task.source.synset}/{task.source.model_id}"
    return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little"))


def _without_path(message, task: Task) -> str:
    text, prefix = str(message), f"{task.source.path}: "
    return text[len(prefix):] if text.startswith(prefix) else text


class _Listener(logging.Handler):
    """Keeps the warnings of the readers, to be told by the parent process."""

    def __init__(self, notes: List[str]):
        super().__init__(logging.WARNING)
        self._notes = notes

    def emit(self, record) -> None:
        self._notes.append(record.getMessage())
