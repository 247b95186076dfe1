"""A sweep -> files of its probabilities, one for every object and view count: DIR/NN_views/SYNSET/MODEL.npz."""
from __future__ import annotations

import io
from pathlib import Path
from typing import List, Sequence, Union

import numpy as np

from gluon_r2n2.files import atomic_path


class PredictionWriter:
    """A watcher of `gluon_r2n2.evaluation.evaluate` that writes what it sees, (V, V, V) float32 in full.

    Args:
        folder: made where it is absent; files that are there are replaced.
        views: the view counts, as given to `evaluate`.

    Raises:
        OSError: the folder cannot be written to, or is full.
    """

    def __init__(self, folder: Union[str, Path], views: Sequence[int]):
        self.folders = [Path(folder) / f"{count:02d}_views" for count in views]
        for each in self.folders:
            each.mkdir(parents=True, exist_ok=True)

    def __call__(self, batch, occupied: List[np.ndarray]) -> None:
        """Write a batch: *occupied* holds (B, V, V, V) per view count."""
        for folder, grids in zip(self.folders, occupied):
            for key, grid in zip(batch.keys, grids):
                path = folder / f"{key}.npz"
                path.parent.mkdir(exist_ok=True)
                buffer = io.BytesIO()
                np.savez_compressed(buffer, probabilities=grid.astype(np.float32, copy=False))
                with atomic_path(path) as temporary:
                    temporary.write_bytes(buffer.getvalue())
