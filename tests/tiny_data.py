"""A packed data set small enough to train on in a test: boxes and posts as 32x32 silhouettes and 16^3 voxels."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from recordio.geometry.camera import random_cameras
from recordio.layouts import VoxelGrid, write_sample, write_split
from recordio.records import make_plan, pack

SIZE, RESOLUTION, VIEWS = 32, 16, 4
SYNSETS = {"02828884": "bench", "03001627": "chair"}


def make_data(folder: Path, *, train: int = 12, val: int = 3, test: int = 5) -> Path:
    """Pack *train* + *val* + *test* objects of each of two classes into *folder*/packed; returns that folder."""
    parts = {"train": train, "val": val, "test": test}
    split = []
    for place, (synset, name) in enumerate(SYNSETS.items()):
        entry = {"taxonomy_id": synset, "taxonomy_name": name}
        for part, count in parts.items():
            entry[part] = [f"{part}{number}" for number in range(count)]
            for model in entry[part]:
                _write_object(folder / "layout", synset, model, place)
        split.append(entry)
    write_split(folder / "layout" / "ShapeNet.json", split)
    pack(make_plan(folder / "layout"), folder / "packed", workers=1)
    return folder / "packed"


def _write_object(root, synset, model, place):
    random = np.random.RandomState(sum(map(ord, synset + model)))
    low, high = random.randint(1, 5), random.randint(10, 15)
    voxels = np.zeros((RESOLUTION,) * 3, bool)
    box = (slice(low, high), slice(low, high), slice(6, 10)) if place else (slice(6, 10), slice(1, high), slice(6, 10))
    voxels[box] = True
    images = np.zeros((VIEWS, SIZE, SIZE, 4), np.uint8)
    for image in images:
        image[2 * low:2 * high, 2 * low:2 * high] = (200 if place else 40, 90, random.randint(0, 256), 255)
    cameras = random_cameras(np.random.default_rng(0), VIEWS)
    write_sample(root, synset, model, images, cameras, VoxelGrid(voxels, (-0.5, -0.5, -0.5), 1.0))
