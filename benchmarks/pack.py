"""Views per second of packing, from a folder and from archives, beside a plain loop over the files in one thread.

    python benchmarks/pack.py --json pack.json

Packs 845 procedural models of 24 views (20,280 pictures) in processes of their own, as users do. The plain loop is
what people write first: PIL decodes each picture, binvox is parsed, numpy.savez_compressed appends the model to a
file; and the same without compression, for files about ten times as large.
"""
from __future__ import annotations

import argparse
import io
import json
import multiprocessing
import os
import pickle
import platform
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Dict, Tuple

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from recordio.layouts import scan  # noqa: E402

CLASSES = 13
MILLION = 1_000_000  # views; ShapeNet has 1.05


def plain_loop(layout: Path, out: Path, models: int, compress: bool) -> Tuple[int, float, float]:
    """(views, seconds, seconds of CPU time) of the plain loop over *models* models, spread over all."""
    chosen = scan(layout).models
    chosen = chosen[::max(1, len(chosen) // models)][:models]
    views, start, cpu = 0, time.perf_counter(), time.process_time()
    with open(out, "wb") as target:
        for model in chosen:
            images = np.stack([np.array(Image.open(path)) for path in model.views])
            with open(model.voxels, "rb") as handle:  # as binvox_rw reads it
                handle.readline()
                side = int(handle.readline().split()[1])
                while handle.readline().strip() != b"data":
                    pass
                runs = np.frombuffer(handle.read(), np.uint8)
            grid = np.repeat(runs[::2], runs[1::2]).astype(bool).reshape(side, side, side).transpose(0, 2, 1)
            content = io.BytesIO()
            if compress:
                np.savez_compressed(content, images=images, voxels=grid)
            else:
                pickle.dump({"images": images, "voxels": grid}, content, protocol=4)
            target.write(struct.pack("<II", 0xCED7230A, content.tell()) + content.getvalue())
            views += len(images)
    return views, time.perf_counter() - start, time.process_time() - cpu


def packed(source: Path, out: Path, workers: int, *options: str) -> Tuple[float, float, float]:
    """(seconds, seconds of CPU time, peak memory in MiB) of tools/pack_rec.py as a process, its start included."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, str(ROOT / "tools" / "pack_rec.py"), str(source), str(out),
                                "--workers", str(workers), *options], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"pack_rec.py ended with {status}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def unpacked(path: Path) -> float:
    """Seconds to read an archive to its end and use nothing of it, which nothing here can be faster than."""
    from recordio.records.archives import read_members
    start = time.perf_counter()
    for _ in read_members(path):
        pass
    return time.perf_counter() - start


def make_inputs(folder: Path, models: int) -> None:
    """Procedural shapes as a folder, and as the two archives."""
    subprocess.run([sys.executable, str(ROOT / "tools" / "make_shapes.py"), str(folder / "shapes"), "--per-class",
                    str(-(-models // CLASSES)), "--seed", "1"], check=True, stdout=subprocess.DEVNULL)
    (folder / "archives").mkdir()
    for tree in ("ShapeNetRendering", "ShapeNetVox32"):
        with tarfile.open(folder / "archives" / f"{tree}.tgz", "w:gz", compresslevel=6) as archive:
            archive.add(folder / "shapes" / tree, tree)
    (folder / "archives" / "ShapeNet.json").write_bytes((folder / "shapes" / "ShapeNet.json").read_bytes())


def measure(folder: Path, workers: int, peer_models: int) -> Dict[str, float]:
    """All figures, on the inputs in *folder*."""
    models = scan(folder / "shapes").models
    views = sum(len(model.names) for model in models)
    result: Dict[str, float] = {"models": len(models), "views": views, "workers": workers}
    for name, compress in (("peer", True), ("peer_uncompressed", False)):
        count, seconds, cpu = plain_loop(folder / "shapes", folder / f"{name}.rec", peer_models, compress)
        result[f"{name}_views_per_s"] = count / seconds
        result[f"{name}_cpu_us_per_view"] = 1e6 * cpu / count
        result[f"{name}_bytes_per_view"] = (folder / f"{name}.rec").stat().st_size / count
    # the plain loop is timed inside its process: for the ratio, what it takes to start ours is taken off
    result["start_s"] = packed(folder / "shapes", folder / "one", workers, "--limit", "1")[0]
    for name, source in (("", "shapes"), ("archives_", "archives")):
        seconds, cpu, peak = packed(folder / source, folder / f"packed_{source}", workers)
        result.update({f"{name}views_per_s": views / seconds, f"{name}peak_mib": peak,
                       f"{name}cpu_us_per_view": 1e6 * cpu / views,
                       f"{name}hours_per_million_views": MILLION / views * seconds / 3600})
    size = sum(path.stat().st_size for path in (folder / "packed_shapes").glob("*.rec"))
    archive = folder / "archives" / "ShapeNetRendering.tgz"
    running = views / (views / result["views_per_s"] - result["start_s"])
    result.update({"bytes_per_view": size / views, "running_views_per_s": running,
                   "ratio": running / result["peer_views_per_s"],
                   "ratio_uncompressed": running / result["peer_uncompressed_views_per_s"],
                   "archive_mb": archive.stat().st_size / 1e6, "gunzip_views_per_s": views / unpacked(archive)})
    return result


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", metavar="N", type=int, default=65 * CLASSES, help="to pack (%(default)s)")
    parser.add_argument("--peer-models", metavar="N", type=int, default=150,
                        help="that the plain loop packs (%(default)s)")
    parser.add_argument("--workers", metavar="N", type=int, default=2, help="threads of ours (%(default)s)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the results here")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        make_inputs(Path(folder), args.models)
        result = measure(Path(folder), args.workers, args.peer_models)
    print(f"{platform.processor() or platform.machine()}, {multiprocessing.cpu_count()} CPUs; "
          f"{result['models']} models, {result['views']} views, {args.workers} workers\n")
    print(f"{'':<36} {'views/s':>9} {'CPU us/view':>12} {'bytes/view':>11} {'peak MiB':>9} {'hours/million':>14}")
    rows = {"plain loop, savez_compressed": "peer_", "plain loop, pickled": "peer_uncompressed_",
            "pack_rec.py, folder": "", "pack_rec.py, archives": "archives_"}
    for name, key in rows.items():
        rate, peak = result[f"{key}views_per_s"], result.get(f"{key}peak_mib")
        print(f"{name:<36} {rate:9.0f} {result[f'{key}cpu_us_per_view']:12.0f} "
              f"{result.get(f'{key}bytes_per_view', result['bytes_per_view']):11.0f} "
              f"{'' if peak is None else format(peak, '.0f'):>9} {MILLION / rate / 3600:14.2f}")
    print(f"\nwithout the {result['start_s']:.1f} s of its start {result['running_views_per_s']:.0f} views/s from a "
          f"folder: {result['ratio']:.1f} times the plain loop, {result['ratio_uncompressed']:.1f} times without its "
          f"compression; reading the archive alone: {result['gunzip_views_per_s']:.0f} views/s")
    if args.json:
        args.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
