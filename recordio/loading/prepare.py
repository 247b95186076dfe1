"""Loading: one stored sample -> its place in a batch; what fails says which record it was."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from recordio.errors import DataError
from recordio.geometry.compiled import compiled
from recordio.loading.augment import Augmentation, draw
from recordio.loading.backgrounds import Backgrounds
from recordio.loading.compose import compose_views
from recordio.loading.dataset import RecordDataset


@dataclass(frozen=True)
class Batch:
    """B samples with T views each, T the same for all.

    Attributes:
        images: (T, B, 3, S, S) uint8 sRGB; the network divides by 255.
        voxels: (B, V, V, V) uint8, 1 = occupied, [x, y, z].
        keys: "synset/model_id"; synsets: the classes.
        views: (B, T) int64, which stored view each image is.
    """

    images: np.ndarray
    voxels: np.ndarray
    keys: list[str]
    synsets: list[str]
    views: np.ndarray

    def only(self, places: list[int]) -> Batch:
        """A batch of the samples at *places*."""
        return Batch(np.ascontiguousarray(self.images[:, places]), self.voxels[places],
                     [self.keys[place] for place in places], [self.synsets[place] for place in places],
                     self.views[places])


def prepare(dataset: RecordDataset, index: int, batch: Batch, place: int, *, augmentation: Augmentation, seed: int,
            epoch: int, number: int, backgrounds: Optional[Backgrounds] = None) -> None:
    """Read, decode and augment sample *index* into *batch*; *number* stands for it in all that is drawn.

    Raises:
        DataError: naming shard and key of a damaged record.
        Exception: any other keeps its type and gets the record's name in front of its message.
    """
    try:
        record = dataset.record(index)
        views = len(batch.images)
        if record.view_count < views and not augmentation.views_with_replacement:
            raise DataError(f"{record.name}: {record.view_count} views where the manifest promises "
                            f"{dataset.view_count}; pack the data set again")
        if record.voxel_shape != batch.voxels.shape[1:]:
            raise DataError(f"{record.name}: a grid of {'x'.join(map(str, record.voxel_shape))} where the manifest "
                            f"promises {'x'.join(map(str, batch.voxels.shape[1:]))}; pack the data set again")
        drawn = draw(augmentation, views, seed=seed, epoch=epoch, index=number, available=record.view_count,
                     image_size=record.image_size, backgrounds=backgrounds)
        compose_views([record.box(view) for view in drawn.views.tolist()], drawn, augmentation.blend, batch.images,
                      place, backgrounds=backgrounds)
        _unpack_voxels(record.packed_voxels, drawn.mirror, batch.voxels[place])
        batch.views[place] = drawn.views
        batch.keys[place], batch.synsets[place] = record.key, record.synset
    except DataError:
        raise
    except Exception as error:
        raise _named(error, dataset.name_of(index)) from error


@compiled
def _unpack_voxels(packed, mirror, out):
    """Bits (ceil(XYZ / 8),) -> cells (X, Y, Z), mirrored along x or not."""
    side, height, depth = out.shape
    for x in range(side):
        target = out[side - 1 - x if mirror else x]
        bit = x * height * depth
        for y in range(height):
            for z in range(depth):
                target[y, z] = (packed[bit >> 3] >> (bit & 7)) & 1
                bit += 1


def _named(error: Exception, name: str) -> Exception:
    """An exception of the same type whose message begins with the record's *name*."""
    message = f"{name}: {error}"
    if isinstance(error, OSError):
        return type(error)(error.errno, error.strerror or str(error), name)
    try:
        other = type(error)(message)
        if name in str(other):
            return other
    except Exception:  # a type that is not made from one message
        pass
    return RuntimeError(f"{name}: {type(error).__name__}: {error}")
