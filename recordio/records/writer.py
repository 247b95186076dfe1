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
from pathlib import Path
from typing import Callable, Iterable, Iterator, Sequence

from recordio.errors import DataError
from recordio.files import atomic_file
from recordio.layouts import ModelPaths
from recordio.records.framing import frame
from recordio.records.manifest import PROGRESS, Manifest, Shard, write_manifest
from recordio.records.parts import assemble, head_of, write_part
from recordio.records.plan import Plan, PlannedShard
from recordio.records.progress import (
    Progress,
    plan_differs,
    prepare,
    read_progress,
    remove_ours,
    write_progress,
)
from recordio.records.samples import Encoded, encode_model

AHEAD = 3  # models per worker that may wait, encoded, for their turn in the shard

logger = logging.getLogger(__name__)


def pack(plan: Plan, out: str | Path, *, workers: int = 2, strict: bool = False, overwrite: bool = False,
         on_models: Callable[[int], object] = lambda count: None,
         encode: Callable[[ModelPaths], Encoded] | None = None) -> tuple[Manifest, bool]:
    """Write the data set of *plan* into the folder *out*; finished shards of an interrupted call are kept.

    Args:
        workers: threads that read and encode models; the bytes do not depend on it.
        strict: refuse a model that cannot be read, rather than leave it out and list it in the manifest.
        overwrite: replace another data set in *out*.
        on_models: called with a number of models after they are done.
        encode: gives the record of a model; by default it is made of the model's files.

    Returns:
        The manifest (of a part: what it holds), and whether the same was complete already.

    Raises:
        DataError: *out* holds something else, *strict* met a broken model, or no model can be read.
        OSError: the disk is full or read-only; finished shards stay.
    """
    out = Path(out)
    hold_strict(plan.incomplete, strict)
    complete = prepare(out, overwrite, plan.part, plan_differs(plan))
    if complete:
        hold_strict(complete.skipped, strict)
        return complete, True
    progress = read_progress(plan, out)
    for _, skipped in progress.shards.values():
        hold_strict(skipped, strict)
    if progress.shards:
        logger.info("%d of %d shards are finished already and kept", len(progress.shards), len(plan.shards))
    todo = [shard for shard in plan.shards if shard.name not in progress.shards]
    on_models(sum(len(shard.models) for shard in plan.shards if shard.name in progress.shards))
    write_progress(plan.token, out, progress)
    models = itertools.chain.from_iterable(shard.models for shard in todo)
    with contextlib.closing(_encode_ahead(models, plan, workers, encode)) as encoded:
        for shard in todo:
            progress.shards[shard.name] = _write_shard(shard, out, encoded, progress, strict, on_models)
            write_progress(plan.token, out, progress)
    return _finish(plan, out, progress), False


def _encode_ahead(models: Iterable[ModelPaths], plan: Plan, workers: int, encode) -> Iterator[Encoded]:
    """The models' records in order, encoded by *workers* threads that stay a bounded number of models ahead."""

    def encode_files(model):
        try:
            return encode_model(model, plan.options)
        except (DataError, OSError) as error:  # no absolute path in a reason: it goes into the manifest
            return Encoded(reason=str(error).replace(f"{plan.root}{os.sep}", ""))

    with ThreadPoolExecutor(workers, thread_name_prefix="pack") as pool:
        waiting = deque()
        try:
            for model in models:
                waiting.append(pool.submit(encode or encode_files, model))
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
                hold_strict(skipped, strict)
                if not (result.reason and result.told):
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
    results = [progress.shards[shard.name] for shard in plan.shards]
    manifest = assemble(head_of(plan), results, progress.voxel_shape)
    if plan.part:
        write_part(out, plan, results, progress.voxel_shape)
    else:
        if not manifest.classes:
            remove_ours(out)
            raise DataError(f"{plan.root}: no model can be read, {len(manifest.skipped)} are broken, the first "
                            f"{manifest.skipped[0]['key']}: {manifest.skipped[0]['reason']}")
        write_manifest(out, manifest)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(out / PROGRESS)
    return manifest


def hold_strict(skipped: Sequence[dict], strict: bool) -> None:
    """Raise for the first model left out, where none may be."""
    if strict and skipped:
        raise DataError(f"{skipped[0]['key']}: {skipped[0]['reason']} (--strict)")


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
