"""Loading, last step: samples -> batches (T, B, 3, S, S) and (B, V, V, V), prepared by threads ahead of their use.

Decoding, cropping and blending run outside the interpreter lock, so threads are enough; the batches are the same for
any number of them. docs/records.md describes the stream.
"""
from __future__ import annotations

import itertools
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Iterator

import numpy as np

from recordio.errors import DataError
from recordio.loading import draws
from recordio.loading.augment import TRAIN, Augmentation, draw
from recordio.loading.compose import compose
from recordio.loading.dataset import RecordDataset

SHARE = 4  # samples per task: fewer cost more hand-overs between threads, more let a thread wait at a batch's end


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


class Loader:
    """Batches of a RecordDataset.

    Order, views and augmentation of epoch e are a function of (seed, e, sample) only: the same for any number of
    threads, and from any batch on. For an evaluation: an int for *views*, augmentation=TEST, shuffle=False,
    drop_last=False; every sample then comes exactly once, and its first n views are those of a loader with views=n.
    """

    def __init__(self, dataset: RecordDataset, *, batch_size: int, views: int | tuple[int, int] = (1, 5), seed: int = 0,
                 augmentation: Augmentation = TRAIN, image_size: int = 127, shuffle: bool = True,
                 drop_last: bool = True, threads: int = 2, prefetch: int = 4):
        """Set up the stream.

        Args:
            views: T of every batch, or its range, both ends included, drawn uniformly for each batch.
            image_size: S, pixels; where it is not the crop's side the crop is resized by area.
            shuffle: a new order every epoch; otherwise the data set's.
            drop_last: leave out a last batch of fewer than *batch_size* samples.
            threads: 0 prepares each batch when it is asked for.
            prefetch: batches prepared ahead; the memory that the loader takes is bounded by prefetch + 1 batches.

        Raises:
            DataError: a value that is out of range, more views than are stored, or a data set smaller than a batch
                that may not be partial.
        """
        low, high = (views, views) if isinstance(views, int) else views
        for name, value, least in (("batch_size", batch_size, 1), ("views", low, 1), ("image_size", image_size, 1),
                                   ("threads", threads, 0), ("prefetch", prefetch, 1), ("seed", seed, 0)):
            if value < least:
                raise DataError(f"loader: {name} should be at least {least}, got {value}")
        if high < low:
            raise DataError(f"loader: the range of views should rise, got {low} to {high}")
        if high > dataset.view_count and not augmentation.views_with_replacement:
            raise DataError(f"{dataset.path}: {high} views per sample are wanted, split {dataset.split!r} has "
                            f"{dataset.view_count} (of its poorest sample); ask for at most that many")
        if drop_last and len(dataset) < batch_size:
            raise DataError(f"{dataset.path}: split {dataset.split!r} has {len(dataset)} samples, fewer than one batch "
                            f"of {batch_size}; use a smaller batch")
        self.dataset, self.batch_size, self.views, self.seed = dataset, batch_size, (low, high), seed
        self.augmentation, self.image_size, self.shuffle, self.drop_last = augmentation, image_size, shuffle, drop_last
        self.threads, self.prefetch = threads, prefetch

    @property
    def batches_per_epoch(self) -> int:
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + bool(rest and not self.drop_last)

    def epoch(self, number: int, start_batch: int = 0) -> Iterator[Batch]:
        """The batches of epoch *number* from *start_batch* on.

        Closing the iterator (contextlib.closing, or losing the last reference to it) stops its threads.

        Raises:
            DataError: *start_batch* is beyond the epoch; while iterating: a damaged record, by shard and key.
        """
        if not 0 <= start_batch <= self.batches_per_epoch or number < 0:
            raise DataError(f"loader: epoch {number}, batch {start_batch} does not exist; an epoch has "
                            f"{self.batches_per_epoch} batches")
        count = len(self.dataset)
        order = draws.order(self.seed, number, count) if self.shuffle else np.arange(count)
        # a batch that nobody has asked for yet is only its place in the epoch
        todo = ((batch, order[batch * self.batch_size:(batch + 1) * self.batch_size])
                for batch in range(start_batch, self.batches_per_epoch))
        return self._ahead(number, todo) if self.threads else self._at_once(number, todo)

    def _at_once(self, epoch: int, todo) -> Iterator[Batch]:
        for number, indices in todo:
            batch = self._empty(epoch, number, indices)
            self._fill(batch, epoch, indices, range(len(indices)))
            yield batch

    def _ahead(self, epoch: int, todo) -> Iterator[Batch]:
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="loader")
        waiting: deque[tuple[Batch, list[Future]]] = deque()

        def start(count):
            for number, indices in itertools.islice(todo, count):
                batch = self._empty(epoch, number, indices)
                shares = (range(first, min(first + SHARE, len(indices))) for first in range(0, len(indices), SHARE))
                waiting.append((batch, [pool.submit(self._fill, batch, epoch, indices, share) for share in shares]))

        try:
            start(self.prefetch)
            while waiting:
                for future in waiting[0][1]:
                    future.result()  # raises what the thread raised
                batch, _ = waiting.popleft()
                start(1)  # before the caller works on this one
                yield batch
                del batch, _  # the caller's alone now
        finally:
            for _, futures in waiting:
                for future in futures:
                    future.cancel()
            pool.shutdown(wait=True)

    def _empty(self, epoch: int, number: int, indices: np.ndarray) -> Batch:
        """The arrays of one batch, to be filled sample by sample."""
        views = draws.view_number(self.seed, epoch, number, *self.views)
        return Batch(
            np.empty((views, len(indices), 3, self.image_size, self.image_size), np.uint8),
            np.empty((len(indices), *self.dataset.voxel_shape), np.uint8),
            [self.dataset.keys[index] for index in indices], [self.dataset.class_ids[index] for index in indices],
            np.empty((len(indices), views), np.int64))

    def _fill(self, batch: Batch, epoch: int, indices: np.ndarray, share: range) -> None:
        """Read, decode and augment the samples at the places *share* of *batch*."""
        for place in share:
            index = int(indices[place])
            record = self.dataset.record(index)
            drawn = draw(self.augmentation, len(batch.images), seed=self.seed, epoch=epoch, index=index,
                         available=record.view_count, image_size=record.image_size)
            for number, view in enumerate(drawn.views):
                compose(record.view(int(view)), drawn, number, self.augmentation.blend, batch.images[number, place])
            voxels = record.voxels()
            batch.voxels[place] = voxels[::-1] if drawn.mirror else voxels
            batch.views[place] = drawn.views
