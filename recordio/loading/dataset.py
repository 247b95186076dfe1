"""Loading, first step: a packed folder -> the samples of one split, read one by one from any thread."""
from __future__ import annotations

import bisect
import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Container, Sequence

import numpy as np

from recordio.errors import DataError, nearest
from recordio.layouts import synset_of
from recordio.records import Record, ShardReader, read_manifest


@dataclass(frozen=True)
class Sample:
    """One object.

    Attributes:
        images: (n, H, W, 4) uint8 sRGB with straight alpha.
        voxels: (V, V, V) bool, [x, y, z] in the object frame (recordio/geometry/camera.py).
        cameras: (n, 4) float32 azimuth, elevation, in-plane rotation (degrees), distance ratio; None if not known.
    """

    key: str  # "synset/model_id"
    synset: str
    images: np.ndarray
    voxels: np.ndarray
    cameras: np.ndarray | None


class RecordDataset:
    """The samples of one split of a packed data set, in the order of the manifest: sorted by key.

    Files are opened once and read by position, so threads may share the object, and so may forked processes.

    Attributes:
        keys: "synset/model_id" of every sample; class_ids: its synset.
        class_names: synset -> name, of the classes with a sample here.
        view_count: the fewest views that a sample of these shards has.
        voxel_shape: (x, y, z) cells.
        fingerprint: of the whole packed data set; equal for equal data.

    Raises:
        DataError: no packed data set, another version, an absent or truncated shard, an unknown split or class, or
            no sample left.
        OSError: a file cannot be read.
    """

    def __init__(self, path: str | Path, split: str = "train", *, classes: Sequence[str] | None = None,
                 verify: bool = True):
        """*classes*: synsets or class names, default all; *verify*: check each record's checksum when it is read."""
        self.path, self.split, self.verify = Path(path), split, verify
        manifest = read_manifest(path)
        if split not in manifest.splits:
            raise DataError(f"{path}: no split {split!r}{nearest(split, manifest.splits)}; "
                            f"it has {', '.join(manifest.splits)}")
        wanted = set(manifest.classes) if classes is None else _chosen(classes, manifest.classes, path)
        shards = [shard for shard in manifest.of(split) if shard.keys]
        self._starts = np.cumsum([0] + [len(shard.keys) for shard in shards]).tolist()
        keys = [key for shard in shards for key in shard.keys]
        self._rows = [row for row, key in enumerate(keys) if key.split("/", 1)[0] in wanted]  # among all of the split
        if not self._rows:
            named = "" if classes is None else f" of the classes {', '.join(classes)}"
            raise DataError(f"{path}: split {split!r} holds no sample{named}; choose another or pack more models")
        self.keys = [keys[row] for row in self._rows]
        self.class_ids = [key.split("/", 1)[0] for key in self.keys]
        self.class_names = {synset: manifest.classes.get(synset, synset) for synset in sorted(set(self.class_ids))}
        self.view_count = min(shard.fewest_views for shard in shards)
        self.voxel_shape = manifest.voxel_shape
        self.fingerprint = manifest.fingerprint
        self._readers: list[ShardReader] = []
        try:
            for shard in shards:
                self._readers.append(ShardReader(path, shard, voxel_shape=manifest.voxel_shape))
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return len(self.keys)

    def record(self, index: int) -> Record:
        """Sample *index* with its views still encoded.

        Raises:
            DataError: naming shard and key of a damaged record.
        """
        reader, number = self._place(index)
        return reader.read(number, verify=self.verify)

    def name_of(self, index: int) -> str:
        """Where sample *index* lies, for messages: shard, number and key."""
        reader, number = self._place(index)
        return f"{reader.path}, record {number} ({self.keys[index]})"

    def _place(self, index):
        row = self._rows[index]
        number = bisect.bisect_right(self._starts, row) - 1
        return self._readers[number], row - self._starts[number]

    def read(self, index: int, views: Sequence[int] | None = None) -> Sample:
        """Sample *index*; only *views* (indices, default all) are decoded."""
        record = self.record(index)
        chosen = range(record.view_count) if views is None else views
        images = np.stack([record.view(view) for view in chosen])
        cameras = None if record.cameras is None else record.cameras[list(chosen)]
        return Sample(record.key, record.synset, images, record.voxels(), cameras)

    def voxels(self, index: int) -> np.ndarray:
        """The (V, V, V) bool occupancy of sample *index*; no view is decoded."""
        return self.record(index).voxels()

    def without(self, keys: Container[str]) -> RecordDataset:
        """The samples but those of *keys*, from the same open files."""
        other = copy.copy(self)
        kept = [index for index, key in enumerate(self.keys) if key not in keys]
        other._rows = [self._rows[index] for index in kept]
        other.keys = [self.keys[index] for index in kept]
        other.class_ids = [self.class_ids[index] for index in kept]
        other.class_names = {synset: name for synset, name in self.class_names.items() if synset in other.class_ids}
        return other

    def close(self) -> None:
        """Close the files; a second call does nothing."""
        for reader in self._readers:
            reader.close()

    def __enter__(self) -> RecordDataset:
        return self

    def __exit__(self, *exception) -> None:
        self.close()


def _chosen(classes, known, path):
    """Synsets of the *classes*, given as synsets or names; *known* is synset -> name."""
    by_name = {name: synset for synset, name in known.items()}
    chosen = {name if name in known else by_name.get(name, synset_of(name)) for name in classes}
    for name in classes:
        if name not in known and name not in by_name and synset_of(name) not in known:
            raise DataError(f"{path}: no class {name!r}{nearest(name, [*by_name, *known])}; "
                            f"it has {', '.join(sorted(by_name))}")
    return chosen
