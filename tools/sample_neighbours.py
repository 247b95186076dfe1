"""tools/sample.py: generated shapes -> the training object nearest to each, which tells what was only memorised."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple

import numpy as np

from gluon_r2n2.evaluation.generative import nearest_of
from gluon_r2n2_tools import packed
from recordio.errors import DataError
from recordio.loading import RecordDataset


@dataclass(frozen=True)
class Neighbour:
    """A training object."""

    key: str  # synset/model
    name: str  # of the class
    voxels: np.ndarray  # (V, V, V) bool
    iou: float  # with the shape that it is the nearest to

    @property
    def label(self) -> str:
        return f"{self.name} {self.key.partition('/')[2]}"

    @property
    def caption(self) -> str:
        """What fits above a small picture."""
        return f"IoU {self.iou:.2f}: {self.name:.10} {self.key[-5:]}"


def open_training(info: Dict[str, Any], resolution: int, given: Optional[Path]
                  ) -> Tuple[Optional[RecordDataset], List[str]]:
    """The training objects of a run, or None, and sentences about them.

    Args:
        info: of `training.load_network`.
        resolution: edge of the network's grids.
        given: where the user says that they are; None: where the run says.

    Raises:
        DataError: they are not where the user says, or of another size.
    """
    path = given or Path(info["data"]["path"])
    try:
        data = packed.open_split(path, "train", info["classes"])
        if data is None:
            raise DataError(f"{path}: has no training object of the classes that this run was trained on; give its "
                            "data with --data")
        if packed.resolution(data) != resolution:
            raise DataError(f"{path}: has voxel grids of edge {packed.resolution(data)}, the network makes "
                            f"{resolution}; give data of that size with --data")
    except (DataError, OSError) as error:
        if given:
            raise
        return None, [f"no training objects are shown beside the shapes: {error}"]
    if data.fingerprint != info["data"]["fingerprint"]:
        return data, [f"{path}: is not the data set that this run was trained on (its fingerprint is another one); the "
                      "nearest objects say nothing about what was memorised"]
    return data, []


def find_neighbours(solid: np.ndarray, data: RecordDataset) -> List[Optional[Neighbour]]:
    """Of every shape (n, V, V, V) bool the object with the largest IoU, None where it shares no voxel with any."""
    rows = {key: row for row, key in enumerate(data.keys)}
    keys, likeness = nearest_of(solid, packed.voxel_blocks(data, "nearest training objects"))
    return [Neighbour(key, data.class_names[data.class_ids[rows[key]]], data.voxels(rows[key]), float(iou)) if iou
            else None for key, iou in zip(keys, likeness)]
