"""Samples per second of the loader, beside the usual way: PNG files, binvox and NumPy in two processes.

    python benchmarks/loader.py --json loader.json

All make batches of 36 samples with 5 views, 137x137 RGBA -> 127x127 with random crop, flip and background, from a
warm file cache, one after the other in the same run; the loader changes colours too, which the usual way is spared.
It is measured twice, with PIL and with cv2 reading the PNG files, and the faster one is the peer. Without --data a
data set of procedural shapes is made first.
"""
from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from recordio.geometry import Camera  # noqa: E402
from recordio.layouts import VoxelGrid, scan, write_sample  # noqa: E402
from recordio.loading import Loader, RecordDataset  # noqa: E402

PROCESSES = 2  # of the usual way, as its users run it
CROP = 127  # pixels
MEMORY_BATCHES = 1000  # over which the growth of memory is measured


def read_pil(path: Path) -> np.ndarray:
    return np.array(Image.open(path))


def read_cv2(path: Path) -> np.ndarray:
    return cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)


READERS = {"PIL": read_pil, "cv2": read_cv2}


def peer_sample(folder: Path, names, voxels: Path, views: int, random, read) -> tuple:
    """One sample as research loaders make it: whole PNG decoding, float images, a binvox parsed run by run."""
    images = np.empty((views, 3, CROP, CROP), np.float32)
    for view in range(views):
        picture = read(folder / names[random.randint(len(names))])
        background = random.randint(225, 256, 3)
        picture[picture[..., 3] == 0, :3] = background
        rows, columns = (random.randint(max(1, side - CROP)) for side in picture.shape[:2])
        picture = picture[rows:rows + CROP, columns:columns + CROP, :3]
        if random.rand() > 0.5:
            picture = picture[:, ::-1]
        images[view] = picture.transpose(2, 0, 1).astype(np.float32) / 255
    with open(voxels, "rb") as handle:  # as binvox_rw reads it
        handle.readline()
        side = int(handle.readline().split()[1])
        while handle.readline().strip() != b"data":
            pass
        runs = np.frombuffer(handle.read(), np.uint8)
    grid = np.repeat(runs[::2], runs[1::2]).astype(bool).reshape(side, side, side).transpose(0, 2, 1)
    return images, np.stack([~grid, grid]).astype(np.float32)


def peer_process(models, batch_size: int, views: int, seed: int, queue, reader: str) -> None:
    """Put float batches into *queue* for ever."""
    cv2.setNumThreads(1)  # the processes are the parallelism
    random = np.random.RandomState(seed)
    while True:
        chosen = [models[random.randint(len(models))] for _ in range(batch_size)]
        samples = [peer_sample(Path(model.folder), model.names, model.voxels, views, random, READERS[reader])
                   for model in chosen]
        queue.put((np.stack([images for images, _ in samples], axis=1), np.stack([voxels for _, voxels in samples])))


def measure_peer(layout: Path, batch_size: int, views: int, batches: int, reader: str) -> float:
    """Samples per second of the usual way, with one of READERS."""
    context = multiprocessing.get_context("spawn")
    queue = context.Queue(4)
    models = scan(layout).models
    workers = [context.Process(target=peer_process, args=(models, batch_size, views, seed, queue, reader),
                               daemon=True)
               for seed in range(PROCESSES)]
    for worker in workers:
        worker.start()
    try:
        for _ in range(6):  # warm: more than the queue may hold
            queue.get()
        start = time.perf_counter()
        for _ in range(batches):
            queue.get()
        return batches * batch_size / (time.perf_counter() - start)
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


def measure_loader(data: Path, batch_size: int, views: int, batches: int, threads: int, verify: bool) -> tuple:
    """(samples per second, growth of the resident memory in MiB over MEMORY_BATCHES) of our loader."""
    with RecordDataset(data, verify=verify) as dataset:
        loader = Loader(dataset, batch_size=min(batch_size, len(dataset)), views=views, threads=threads)
        stream = (batch for epoch in range(1 << 30) for batch in loader.epoch(epoch))
        for _ in range(max(10, loader.batches_per_epoch)):  # warm: the compiled loops, the file cache
            next(stream)
        before, start = resident_mib(), time.perf_counter()
        for _ in range(batches):
            next(stream)
        seconds = time.perf_counter() - start
        for _ in range(MEMORY_BATCHES - batches if verify else 0):
            next(stream)
        grown = resident_mib() - before
        stream.close()
    return batches * loader.batch_size / seconds, grown


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2 ** 20


def make_data(folder: Path, per_class: int) -> Path:
    """Procedural shapes, packed; returns the packed folder."""
    tools = ROOT / "tools"
    for command in (["make_shapes.py", folder / "shapes", "--per-class", str(per_class), "--seed", "1"],
                    ["pack_rec.py", folder / "shapes", folder / "packed"]):
        subprocess.run([sys.executable, str(tools / command[0]), *map(str, command[1:])], check=True,
                       stdout=subprocess.DEVNULL)
    return folder / "packed"


def unpack(data: Path, layout: Path, limit: int) -> None:
    """Write the first *limit* training samples of *data* as PNG and binvox files, for the usual way to read."""
    with RecordDataset(data) as dataset:
        for index in range(min(limit, len(dataset))):
            sample = dataset.read(index)
            cameras = [Camera(0.0, 30.0, 0.8)] * len(sample.images)
            write_sample(layout, sample.synset, f"model{index}", sample.images, cameras, VoxelGrid(sample.voxels))


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="DIR", type=Path, help="packed data set (default: one of procedural shapes)")
    parser.add_argument("--per-class", metavar="N", type=int, default=20, help="shapes without --data (%(default)s)")
    parser.add_argument("--batch-size", metavar="N", type=int, default=36, help="samples (%(default)s)")
    parser.add_argument("--views", metavar="N", type=int, default=5, help="per sample (%(default)s)")
    parser.add_argument("--threads", metavar="N", type=int, default=2, help="of our loader (%(default)s)")
    parser.add_argument("--batches", metavar="N", type=int, default=200, help="timed, of our loader (%(default)s)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the results here")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        data = args.data or make_data(Path(folder), args.per_class)
        unpack(data, Path(folder, "layout"), limit=200)
        peers = {reader: measure_peer(Path(folder, "layout"), args.batch_size, args.views,
                                      batches=max(5, args.batches // 8), reader=reader) for reader in READERS}
        peer = max(peers.values())
        unchecked, _ = measure_loader(data, args.batch_size, args.views, args.batches, args.threads, verify=False)
        ours, grown = measure_loader(data, args.batch_size, args.views, args.batches, args.threads, verify=True)
    print(f"{platform.processor() or platform.machine()}, {multiprocessing.cpu_count()} CPUs; batches of "
          f"{args.batch_size} x {args.views} views, {args.threads} threads\n")
    print(f"{'':<44} {'samples/s':>10} {'views/s':>10}")
    rows = {**{f"{reader} + binvox + NumPy, {PROCESSES} processes": rate for reader, rate in peers.items()},
            "records, without checksums": unchecked, "records": ours}
    for name, rate in rows.items():
        print(f"{name:<44} {rate:10.0f} {rate * args.views:10.0f}")
    print(f"\n{ours / peer:.1f} times the best usual way; memory grew by {grown:.1f} MiB over {MEMORY_BATCHES} batches")
    if args.json:
        args.json.write_text(json.dumps({
            "samples_per_s": ours, "peer_samples_per_s": peer, "ratio": ours / peer, "rss_growth_mib": grown,
            "peers": peers, "unchecked_samples_per_s": unchecked, "batch_size": args.batch_size, "views": args.views,
            "threads": args.threads, "batches": args.batches}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
