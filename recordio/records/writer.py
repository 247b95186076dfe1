"""Records, packing: a plan -> shards, indices and manifest.json, the same bytes for any number of workers.

Shards are finished one after the other, each appears at once, and a progress file remembers the finished ones: an
interrupted pack goes on where it stopped. At most a few models per worker are in memory.
"""
from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterable, Iterator, Sequence

import numpy as np

from recordio.errors import DataError
from recordio.files import atomic_file
from recordio.layouts import ModelPaths, read_binvox, read_cameras, read_rgba
from recordio.records.encodings import ENCODINGS, PNG, encode_zstd
from recordio.records.format import encode_record
from recordio.records.framing import frame
from recordio.records.manifest import PROGRESS, Manifest, Shard, tool_version, write_manifest
from recordio.records.plan import PackOptions, Plan, PlannedShard
from recordio.records.progress import Progress, prepare, read_progress, remove_ours, write_progress

AHEAD = 3  # models per worker that may wait, encoded, for their turn in the shard

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Encoded:
    """One model, ready to be written; or why it cannot be (then `reason` is not empty)."""

    payload: bytes = b""
    voxel_shape: tuple[int, ...] = ()
    views: int = 0
    reason: str = ""


def pack(plan: Plan, out: str | Path, *, workers: int = 2, strict: bool = False, overwrite: bool = False,
         on_models: Callable[[int], object] = lambda count: None) -> tuple[Manifest, bool]:
    """Write the data set of *plan* into the folder *out*; finished shards of an interrupted call are kept.

    Args:
        workers: threads that read and encode models; the bytes do not depend on it.
        strict: refuse a model that cannot be read, rather than leave it out and list it in the manifest.
        overwrite: replace another data set in *out*.
        on_models: called with a number of models after they are done.

    Returns:
        The manifest, and whether the same data set was complete already.

    Raises:
        DataError: *out* holds something else, *strict* met a broken model, or no model can be read.
        OSError: the disk is full or read-only; finished shards stay.
    """
    out = Path(out)
    _hold(plan.incomplete, strict)
    complete = prepare(plan, out, overwrite)
    if complete:
        _hold(complete.skipped, strict)
        return complete, True
    progress = read_progress(plan, out)
    for _, skipped in progress.shards.values():
        _hold(skipped, strict)
    if progress.shards:
        logger.info("%d of %d shards are finished already and kept", len(progress.shards), len(plan.shards))
    todo = [shard for shard in plan.shards if shard.name not in progress.shards]
    on_models(sum(len(shard.models) for shard in plan.shards if shard.name in progress.shards))
    write_progress(plan, out, progress)
    models = itertools.chain.from_iterable(shard.models for shard in todo)
    with contextlib.closing(_encode_ahead(models, plan, workers)) as encoded:
        for shard in todo:
            progress.shards[shard.name] = _write_shard(shard, out, encoded, progress, strict, on_models)
            write_progress(plan, out, progress)
    return _finish(plan, out, progress), False


def encode_model(model: ModelPaths, options: PackOptions) -> Encoded:
    """Read the files of *model* and make its record.

    Raises:
        DataError, OSError: a file is damaged or cannot be read, views differ in size, the grid is empty.
    """
    views = []
    size: tuple[int, int] | None = None  # (height, width)
    for path in model.views:
        data = path.read_bytes()
        rgba = read_rgba(data, str(path))  # decoded for `png` too: a broken picture must not come into a record
        if size not in (None, rgba.shape[:2]):
            raise DataError(f"{path}: {rgba.shape[0]}x{rgba.shape[1]} pixels where the model's other views have "
                            f"{size[0]}x{size[1]}; render the model again")
        size = rgba.shape[:2]
        number = ENCODINGS[options.encoding]
        views.append((number, data if number == PNG else encode_zstd(rgba, level=options.level)))
    grid = read_binvox(model.voxels)
    if not grid.occupancy.any():
        raise DataError(f"{model.voxels}: no voxel is occupied; voxelise the model again")
    payload = encode_record(model.synset, model.model_id, views, grid.occupancy, image_size=size,
                            translate=grid.translate, scale=grid.scale, cameras=_cameras(model))
    return Encoded(payload, grid.occupancy.shape, len(views))


def _cameras(model: ModelPaths) -> np.ndarray | None:
    """(n, 4) float32 azimuth, elevation, in-plane rotation, distance ratio of the views; None without the file."""
    if not model.metadata.is_file():
        return None
    rows = [(camera.azimuth, camera.elevation, camera.in_plane, camera.distance)
            for camera in read_cameras(model.metadata)]
    if len(rows) != len(model.names):  # views were removed: NN.png keeps row NN
        numbers = [Path(name).stem for name in model.names]
        if not all(number.isdigit() and int(number) < len(rows) for number in numbers):
            raise DataError(f"{model.metadata}: {len(rows)} rows for {len(model.names)} views; mend or remove the file")
        rows = [rows[int(number)] for number in numbers]
    return np.array(rows, np.float32)


def _encode_ahead(models: Iterable[ModelPaths], plan: Plan, workers: int) -> Iterator[Encoded]:
    """The models' records in order, encoded by *workers* threads that stay a bounded number of models ahead."""

    def encode(model):
        try:
            return encode_model(model, plan.options)
        except (DataError, OSError) as error:  # no absolute path in a reason: it goes into the manifest
            return Encoded(reason=str(error).replace(f"{plan.root}{os.sep}", ""))

    with ThreadPoolExecutor(workers, thread_name_prefix="pack") as pool:
        waiting = deque()
        try:
            for model in models:
                waiting.append(pool.submit(encode, model))
                if len(waiting) > AHEAD * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _write_shard(shard: PlannedShard, out: Path, encoded: Iterator[Encoded], progress: Progress, strict: bool,
                 on_models) -> tuple[Shard, list[dict]]:
    keys, skipped, starts, views, end, digest = [], [], [], [], 0, hashlib.sha256()
    with atomic_file(out / f"{shard.name}.rec") as handle:
        for model, result in zip(shard.models, encoded):
            reason = result.reason
            if not reason:  # the first readable model sets the grid of all
                progress.voxel_shape = progress.voxel_shape or tuple(result.voxel_shape)
                if progress.voxel_shape != tuple(result.voxel_shape):
                    reason = (f"its grid is {_shape(result.voxel_shape)} where the data set has "
                              f"{_shape(progress.voxel_shape)}; voxelise it at that resolution")
            if reason:
                skipped.append({"key": model.key, "split": shard.split, "reason": reason})
                _hold(skipped, strict)
                logger.warning("left out %s: %s", model.key, reason)
            else:
                framed = frame(result.payload)
                handle.write(framed)
                digest.update(framed)
                keys.append(model.key)
                starts.append(end)
                views.append(result.views)
                end += len(framed)
            on_models(1)
    index = "".join(f"{number}\t{start}\n" for number, start in enumerate(starts)).encode("ascii")
    with atomic_file(out / f"{shard.name}.idx") as handle:
        handle.write(index)
    return Shard(shard.name, shard.split, end, digest.hexdigest(), hashlib.sha256(index).hexdigest(), sum(views),
                 min(views, default=0), tuple(keys)), skipped


def _finish(plan: Plan, out: Path, progress: Progress) -> Manifest:
    shards, left_out = zip(*(progress.shards[shard.name] for shard in plan.shards))
    skipped = plan.incomplete + tuple(itertools.chain.from_iterable(left_out))
    used = {key.split("/")[0] for shard in shards for key in shard.keys}
    if not used:
        remove_ours(out)
        raise DataError(f"{plan.root}: no model can be read, {len(skipped)} are broken, the first "
                        f"{skipped[0]['key']}: {skipped[0]['reason']}")
    manifest = Manifest(
        tool=tool_version(), source=plan.root.resolve().name, models=plan.models, plan=plan.fingerprint,
        encoding=plan.options.encoding, level=plan.options.level, voxel_shape=progress.voxel_shape,
        classes={synset: name for synset, name in plan.classes.items() if synset in used},
        splits=("train", "val", "test"), shards=shards, skipped=skipped, missing=plan.missing)
    write_manifest(out, manifest)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(out / PROGRESS)
    return manifest


def _hold(skipped: Sequence[dict], strict: bool) -> None:
    """Raise for the first model left out, where none may be."""
    if strict and skipped:
        raise DataError(f"{skipped[0]['key']}: {skipped[0]['reason']} (--strict)")


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
