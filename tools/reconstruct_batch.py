"""tools/reconstruct.py, many objects: pictures are read and prepared in threads while the network works on others.

The objects of the plan are computed in groups of --batch-size. A group is always computed whole, whichever objects of
it are finished already and whichever job it falls to: so the numbers do not hang on shards or interruptions, though an
engine may round otherwise in batches of another size.
"""
from __future__ import annotations

import contextlib
import shutil
import sys
import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Deque, Dict, Iterator, List, Optional, Set, Tuple

from tqdm import tqdm

from gluon_r2n2.files import TEMPORARY
from gluon_r2n2.training.runs import only_writer
from gluon_r2n2_tools.reconstruct_inputs import Item
from gluon_r2n2_tools.reconstruct_manifest import (
    MANIFEST,
    PART,
    Record,
    hold_part,
    hold_place,
    make_head,
    write_manifest,
)
from gluon_r2n2_tools.reconstruct_steps import Batch

AHEAD = 2  # groups that are prepared before the network needs them
BACKLOG = 16  # objects that may wait to be written
SHOWN = 10  # failures that are listed at the end


def run_batch(items: List[Item], reconstructor, segmentation, options) -> int:
    """Reconstruct all *items*, or the share of them that --shard says, and write the manifest.

    Returns:
        The exit code: 1 where an object or a picture could not be used.

    Raises:
        DataError: a folder in the output is not ours to replace, or the output is another job's.
        ModelError: another process is writing to the output.
        OSError: the output cannot be written.
    """
    threshold = getattr(options, "threshold", reconstructor.facts.threshold)
    head = make_head(items, reconstructor, segmentation, threshold, options)
    groups = [items[start:start + options.batch_size] for start in range(0, len(items), options.batch_size)]
    number, count = options.shard or (1, 1)
    share = groups[number - 1::count]
    with prepared_place(options.out, [item for group in share for item in group], options.shard):
        print(f"engine: {reconstructor.engine}, {reconstructor.precision}")
        records, kept = _work(Batch(reconstructor, segmentation, threshold, head, options), share)
        ordered = [records[item.id] for group in share for item in group]
        path = write_manifest(options.out, head, ordered, options.shard)
    code = summarise(path, ordered, kept)
    if options.shard:
        print(f"part {number} of {count}; when all are there, join them with --merge")
    return code


@contextlib.contextmanager
def prepared_place(out: Path, items: List[Item], shard: Optional[Tuple[int, int]] = None) -> Iterator[None]:
    """Make the output ready, and keep other processes out of it as long as this lasts.

    Ready: nothing unfinished, no manifest that is no longer true, nothing of others in the way.
    """
    hold_part(out, shard)
    for item in items:
        hold_place(out / item.id)
    with only_writer(out, work="reconstructing", flag="--out"):
        for name in (MANIFEST, PART):
            with contextlib.suppress(FileNotFoundError):
                (out / name).unlink()
        places: Dict[Path, Set[str]] = {out: {MANIFEST, PART}}
        for item in items:
            places.setdefault((out / item.id).parent, set()).add((out / item.id).name)
        for parent, names in places.items():
            _remove_unfinished(parent, names)
        yield


def _remove_unfinished(folder: Path, names: Set[str]) -> None:
    """Remove what a killed run left of *names* in *folder*; what others left there is not ours to remove."""
    for path in folder.glob(f".*{TEMPORARY}") if folder.is_dir() else ():
        name = path.name[1:-len(TEMPORARY)]  # of .NAME.tmp, .NAME.xxxxxxxx.tmp or .NAME.xxxxxxxx.old.tmp
        if name not in names:
            name = (name[:-4] if name.endswith(".old") else name).rpartition(".")[0]
        if name in names and path.is_dir():
            shutil.rmtree(path)
        elif name in names:
            path.unlink()


def _work(batch: Batch, share) -> Tuple[Dict[str, Record], int]:
    """-> (the record of every object by its id, how many were finished before)."""
    records: Dict[str, Record] = {}
    kept = 0
    ahead: Deque[Tuple[Dict[str, Record], List[Future]]] = deque()
    writing: Deque[Future] = deque()
    readers, writer = ThreadPoolExecutor(batch.options.workers), ThreadPoolExecutor(1)
    bar = tqdm(total=sum(map(len, share)), unit="object", disable=None)

    def note(record):
        records[record["id"]] = record
        bar.update()
        for sentence in failures(record):
            tqdm.write(f"{record['id']}: {sentence}", file=sys.stderr)

    def settle(limit):
        while len(writing) > limit:
            note(writing.popleft().result())

    def go_on():
        done, futures = ahead.popleft()
        start = time.monotonic()
        group = batch.compute([future.result() for future in futures])
        seconds = (time.monotonic() - start) / len(group)
        for ready, found in group:
            if ready.item.id not in done:
                writing.append(writer.submit(batch.write, ready, found, seconds))
        settle(BACKLOG)

    try:
        for group in share:
            done = {}
            if batch.options.resume:
                done = {record["id"]: record for record in readers.map(batch.finished, group) if record}
                kept += len(done)
                for record in done.values():
                    note(record)
            if len(done) < len(group):
                ahead.append((done, [readers.submit(batch.prepare, item) for item in group]))
            if len(ahead) > AHEAD:
                go_on()
        while ahead:
            go_on()
        settle(0)
    finally:  # after Ctrl-C too: what was begun is finished, the rest is not begun
        for future in [*writing, *[future for _, futures in ahead for future in futures]]:
            future.cancel()
        readers.shutdown()
        writer.shutdown()
        bar.close()
    return records, kept


def failures(record: Record) -> List[str]:
    """Why an object, or a picture of one, could not be used."""
    if record["status"] == "failed":
        return [record["reason"]]
    return [f"left out {image['error']}" for image in record["images"] if "error" in image]


def summarise(path: Path, records: List[Record], kept: int = 0) -> int:
    """Print how a batch went; returns the exit code."""
    failed = [record for record in records if record["status"] == "failed"]
    doubtful = [record for record in records if record["status"] == "done" and (
        record["warnings"] or any(image.get("warnings") for image in record["images"]))]
    before = f", {kept} of them finished before" if kept else ""
    print(f"{path}: {len(records) - len(failed)} objects{before}; {len(failed)} failed; {len(doubtful)} with warnings, "
          "which are in the manifest")
    lines = [f"  {record['id']}: {sentence}" for record in records for sentence in failures(record)]
    for line in lines[:SHOWN]:
        print(line)
    if len(lines) > SHOWN:
        print(f"  ... and {len(lines) - SHOWN} more")
    return 1 if lines else 0
