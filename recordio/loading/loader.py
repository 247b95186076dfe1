"""Loading, last step: samples -> batches (T, B, 3, S, S) and (B, V, V, V), prepared by threads ahead of their use.

Drawing, decoding, cropping and blending run outside the interpreter lock, so threads are enough; the batches are the
same for any number of them. docs/records.md describes the stream.
"""
from __future__ import annotations

import itertools
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Iterator, Optional

import numpy as np

from recordio.errors import DataError, nearest
from recordio.loading import draws
from recordio.loading.augment import TRAIN, Augmentation
from recordio.loading.backgrounds import Backgrounds
from recordio.loading.bad_records import POLICIES, BadRecords
from recordio.loading.dataset import RecordDataset
from recordio.loading.prepare import Batch, prepare

SHARE = 4  # samples per task: fewer cost more hand-overs between threads, more let a thread wait at a batch's end
ATTEMPTS = 100  # to replace a bad sample; at a tenth of bad ones none is left without in 10^100


class Loader:
    """Batches of a RecordDataset.

    Order, views and augmentation of epoch e are a function of (seed, e, sample) only: the same for any number of
    threads, and from any batch on. For an evaluation: an int for *views*, augmentation=TEST, shuffle=False,
    drop_last=False, by_key=True; every sample then comes exactly once, its first n views are those of a loader with
    views=n, and it gets the same views whatever else the data set holds.

    Attributes:
        bad_records: key -> what is wrong, of the samples left out or replaced in the epoch that was begun last.
    """

    def __init__(self, dataset: RecordDataset, *, batch_size: int, views: int | tuple[int, int] = (1, 5), seed: int = 0,
                 augmentation: Augmentation = TRAIN, image_size: int = 127, shuffle: bool = True,
                 drop_last: bool = True, threads: int = 2, prefetch: int = 4, part: tuple[int, int] = (0, 1),
                 on_bad_record: str = "error", backgrounds: Optional[Backgrounds] = None, by_key: bool = False):
        """Set up the stream.

        Args:
            batch_size: B, of this process.
            views: T of every batch, or its range, both ends included, drawn uniformly for each batch; 0: voxels only,
                no picture is decoded.
            image_size: S, pixels; where it is not the crop's side the crop is resized by area.
            shuffle: a new order every epoch; otherwise the data set's.
            drop_last: leave out a last batch of fewer samples than the others.
            threads: 0 prepares each batch when it is asked for.
            prefetch: batches prepared ahead; the memory that the loader takes is bounded by prefetch + 1 batches.
            part: (rank, world), of several processes that share every batch: together they serve the stream of one
                process with batches of world x B, each its own B of it, with the same T.
            on_bad_record: "error" ends the epoch with what is wrong. "skip" replaces a bad sample by another one,
                drawn for it, or with drop_last=False leaves it out; a report is logged at the end of the epoch. Only
                a DataError makes a record bad; other failures always end the epoch.
            backgrounds: pictures to lay behind the objects.
            by_key: draw for a sample by its key, not by its place in the data set.

        Raises:
            DataError: a value that is out of range, more views than are stored, or a data set smaller than a batch
                that may not be partial.
        """
        low, high = (views, views) if isinstance(views, int) else views
        for name, value, least in (("batch_size", batch_size, 1), ("views", low, 0), ("image_size", image_size, 1),
                                   ("threads", threads, 0), ("prefetch", prefetch, 1), ("seed", seed, 0)):
            if value < least:
                raise DataError(f"loader: {name} should be at least {least}, got {value}")
        if high < low:
            raise DataError(f"loader: the range of views should rise, got {low} to {high}")
        rank, world = part
        if not 0 <= rank < world:
            raise DataError(f"loader: part should be (rank, world) with a rank of 0 to world - 1, got {part}")
        if on_bad_record not in POLICIES:
            raise DataError(f"loader: on_bad_record should be one of {', '.join(POLICIES)}, got {on_bad_record!r}"
                            f"{nearest(on_bad_record, POLICIES)}")
        if high > dataset.view_count and not augmentation.views_with_replacement:
            raise DataError(f"{dataset.path}: {high} views per sample are wanted, split {dataset.split!r} has "
                            f"{dataset.view_count} (of its poorest sample); ask for at most that many")
        if drop_last and len(dataset) < batch_size * world:
            raise DataError(f"{dataset.path}: split {dataset.split!r} has {len(dataset)} samples, fewer than one batch "
                            f"of {batch_size * world}; use a smaller batch")
        self.dataset, self.batch_size, self.views, self.seed = dataset, batch_size, (low, high), seed
        self.augmentation, self.image_size, self.shuffle, self.drop_last = augmentation, image_size, shuffle, drop_last
        self.threads, self.prefetch, self.part, self.on_bad_record = threads, prefetch, part, on_bad_record
        self.backgrounds, self.by_key = backgrounds, by_key
        self.bad_records: dict[str, str] = {}

    @property
    def batches_per_epoch(self) -> int:
        """Batches of this process; without drop_last a process may have one less than another."""
        rank, world = self.part
        whole, rest = divmod(len(self.dataset), self.batch_size * world)
        return whole + bool(rest > rank * self.batch_size and not self.drop_last)

    def epoch(self, number: int, start_batch: int = 0) -> Iterator[Batch]:
        """The batches of epoch *number* from *start_batch* on.

        Closing the iterator (contextlib.closing, or losing the last reference to it) stops its threads.

        Raises:
            DataError: *start_batch* is beyond the epoch; while iterating: a damaged record, by shard and key, or
                with on_bad_record="skip" too many of them.
        """
        if not 0 <= start_batch <= self.batches_per_epoch or number < 0:
            raise DataError(f"loader: epoch {number}, batch {start_batch} does not exist; an epoch has "
                            f"{self.batches_per_epoch} batches")
        count, (rank, world) = len(self.dataset), self.part
        order = draws.order(self.seed, number, count) if self.shuffle else np.arange(count)
        # a batch that nobody has asked for yet is only its place in the epoch
        firsts = ((batch, (batch * world + rank) * self.batch_size)
                  for batch in range(start_batch, self.batches_per_epoch))
        todo = ((batch, order[first:first + self.batch_size]) for batch, first in firsts)
        return self._served(number, self._ahead(number, todo) if self.threads else self._at_once(number, todo))

    def _served(self, epoch: int, prepared) -> Iterator[Batch]:
        """The batches of *prepared*, pairs of a batch and its bad samples, without the latter; reports them."""
        bad_records = BadRecords(self.dataset.split, len(self.dataset), replaced=self.drop_last)
        self.bad_records = bad_records.found
        try:
            for batch, bad in prepared:
                for place in sorted(bad):
                    bad_records.add(bad[place])
                if bad and not self.drop_last:
                    batch = batch.only([place for place in range(len(batch.keys)) if place not in bad])
                if batch.keys:
                    yield batch
                del batch  # the caller's alone now
        finally:
            prepared.close()
            bad_records.report(epoch)

    def _at_once(self, epoch: int, todo):
        for number, indices in todo:
            batch, bad = self._empty(epoch, number, indices), {}
            self._fill(batch, bad, epoch, indices, range(len(indices)))
            yield batch, bad

    def _ahead(self, epoch: int, todo):
        pool = ThreadPoolExecutor(self.threads, thread_name_prefix="loader")
        waiting: deque[tuple[Batch, dict, list[Future]]] = deque()

        def start(count):
            for number, indices in itertools.islice(todo, count):
                batch, bad = self._empty(epoch, number, indices), {}
                shares = (range(first, min(first + SHARE, len(indices))) for first in range(0, len(indices), SHARE))
                waiting.append((batch, bad,
                                [pool.submit(self._fill, batch, bad, epoch, indices, share) for share in shares]))

        patient = True
        try:
            start(self.prefetch)
            while waiting:
                for future in waiting[0][2]:
                    future.result()  # raises what the thread raised
                batch, bad, _ = waiting.popleft()
                start(1)  # before the caller works on this one
                yield batch, bad
                del batch, bad, _
        except BaseException as error:
            # what a signal raises here must get away from a disk that hangs; the threads end when it goes on
            patient = isinstance(error, (Exception, GeneratorExit))
            raise
        finally:
            for _, _, futures in waiting:
                for future in futures:
                    future.cancel()
            pool.shutdown(wait=patient)

    def _empty(self, epoch: int, number: int, indices: np.ndarray) -> Batch:
        """The arrays of one batch, to be filled sample by sample."""
        views = draws.view_number(self.seed, epoch, number, *self.views)
        return Batch(
            np.empty((views, len(indices), 3, self.image_size, self.image_size), np.uint8),
            np.empty((len(indices), *self.dataset.voxel_shape), np.uint8),
            [""] * len(indices), [""] * len(indices), np.empty((len(indices), views), np.int64))

    def _fill(self, batch: Batch, bad: dict, epoch: int, indices: np.ndarray, share: range) -> None:
        """Prepare the samples at the places *share* of *batch*; *bad*: place -> {key: what is wrong} of bad ones."""
        for place in share:
            try:
                self._prepare(int(indices[place]), batch, place, epoch)
            except DataError as error:
                if self.on_bad_record == "error":
                    raise
                bad[place] = {self.dataset.keys[indices[place]]: str(error)}
                if self.drop_last:
                    self._replace(batch, bad[place], epoch, int(indices[place]), place)

    def _replace(self, batch: Batch, bad: dict[str, str], epoch: int, index: int, place: int) -> None:
        """Prepare another sample in place of the bad one *index*."""
        for attempt in range(ATTEMPTS):
            other = draws.replacement(self.seed, epoch, index, attempt, len(self.dataset))
            try:
                return self._prepare(other, batch, place, epoch)
            except DataError as error:
                bad[self.dataset.keys[other]] = str(error)
        raise DataError(f"{self.dataset.path}: no sound sample of split {self.dataset.split!r} is left to replace bad "
                        f"ones; copy or pack the data set again: {next(iter(bad.values()))}")

    def _prepare(self, index: int, batch: Batch, place: int, epoch: int) -> None:
        number = draws.number_of(self.dataset.keys[index]) if self.by_key else index
        prepare(self.dataset, index, batch, place, augmentation=self.augmentation, seed=self.seed, epoch=epoch,
                number=number, backgrounds=self.backgrounds)
