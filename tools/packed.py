"""Packed data sets as the training tools use them: a split that may be empty, and checks against the network."""
from __future__ import annotations

import math
from pathlib import Path
from typing import Iterable, Iterator, List, Optional, Tuple

import numpy as np
from tqdm import tqdm

from recordio.errors import DataError
from recordio.loading import RecordDataset
from recordio.records import read_manifest

BLOCK = 2 ** 26  # voxels of objects in memory at a time, a byte each


def open_split(path: Path, split: str, synsets: Iterable[str]) -> Optional[RecordDataset]:
    """The samples of a split that are of the classes *synsets*; None where there are none.

    Raises:
        DataError: no packed data set, or a damaged one.
    """
    there = {key.split("/", 1)[0] for shard in read_manifest(path).of(split) for key in shard.keys}
    wanted = sorted(there & set(synsets))
    return RecordDataset(path, split, classes=wanted) if wanted else None


def check_views(dataset: RecordDataset, views: int, flag: str) -> None:
    """Raise a DataError where *flag* asks for more views than the objects of the data set have."""
    if views > dataset.view_count:
        raise DataError(f"{flag} asks for {views} views, but {dataset.path} has objects with only "
                        f"{dataset.view_count}; ask for fewer or pack more views")


def resolution(dataset: RecordDataset) -> int:
    """The edge of the data set's voxel grids.

    Raises:
        DataError: they are not cubes.
    """
    if len(set(dataset.voxel_shape)) != 1:
        raise DataError(f"{dataset.path}: voxel grids of {'x'.join(map(str, dataset.voxel_shape))}, but networks "
                        "are trained on cubes; voxelise the objects anew")
    return dataset.voxel_shape[0]


def voxel_blocks(dataset: RecordDataset, what: str) -> Iterator[Tuple[List[str], np.ndarray]]:
    """All objects, some at a time: keys and voxels (n, V, V, V) bool; *what* is the title of the progress bar.

    Raises:
        DataError: a damaged record.
    """
    size = max(1, BLOCK // math.prod(dataset.voxel_shape))
    with tqdm(total=len(dataset), desc=what, unit="object", disable=None) as bar:
        for start in range(0, len(dataset), size):
            grids = []
            for index in range(start, min(start + size, len(dataset))):
                grids.append(dataset.voxels(index))
                bar.update()
            yield dataset.keys[start:start + size], np.stack(grids)
