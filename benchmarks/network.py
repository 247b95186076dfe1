"""Seconds and peak memory of the full-size networks: inference and training step, beside the machine's sgemm rate.

    python benchmarks/network.py --json network.json

Each case runs in a process of its own, so that its peak memory is its own; the share of the sgemm rate says how far
the figure is from what this machine can do at all.
"""
from __future__ import annotations

import argparse
import json
import multiprocessing
import platform
import resource
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import gluon_r2n2  # noqa: E402  (before mxnet: it sets the number of threads)

# isort: split
import mxnet as mx  # noqa: E402
import numpy as np  # noqa: E402

from gluon_r2n2.complexity import complexity_of  # noqa: E402

CASES = [("infer", 1, 1), ("infer", 1, 5), ("infer", 4, 5), ("train", 4, 3)]


def sgemm_rate(size: int = 2048, runs: int = 10) -> float:
    """GFLOP/s of a float32 matrix product in NumPy (OpenBLAS), the best of several."""
    a = np.random.default_rng(0).random((size, size), np.float32)
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        a @ a
        times.append(time.perf_counter() - start)
    return 2 * size**3 / min(times) / 1e9


def measure(model: str, mode: str, batch: int, views: int, runs: int) -> dict:
    """Median seconds of one inference or training step, and the peak memory of the process, in MiB."""
    net = gluon_r2n2.get_model(model)
    gluon_r2n2.initialise(net)
    net.hybridize(static_alloc=True)
    images = mx.nd.random.uniform(shape=(views, batch, 3, 127, 127))
    voxels = mx.nd.random.uniform(shape=(batch, 32, 32, 32)) > 0.9
    trainer = mx.gluon.Trainer(net.collect_params(), "adam", {"learning_rate": 1e-4})
    loss = gluon_r2n2.VoxelLoss()
    times = []
    for _ in range(runs + 2):
        start = time.perf_counter()
        if mode == "train":
            with mx.autograd.record():
                value = loss(net(images), voxels)
            value.backward()
            trainer.step(batch)
        else:
            net(images)
        mx.nd.waitall()
        times.append(time.perf_counter() - start)
    seconds = statistics.median(times[2:])  # the first two build the graphs
    work = batch * complexity_of(net).forward(views) * (3 if mode == "train" else 1)
    return {"model": model, "mode": mode, "batch": batch, "views": views, "seconds": seconds,
            "gflop": work / 1e9, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def alone(function, *values):
    """The function's result from a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, values)


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="res3d_gru_3,gru_3", help="comma-separated (%(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="timed runs per case (%(default)s)")
    parser.add_argument("--json", metavar="FILE", help="also write the results here")
    args = parser.parse_args(argv)
    rate = alone(sgemm_rate)
    print(f"{platform.processor() or platform.machine()}, {multiprocessing.cpu_count()} CPUs, "
          f"sgemm {rate:.0f} GFLOP/s\n")
    print(f"{'model':<12} {'case':<8} {'batch x views':>13} {'seconds':>9} {'of sgemm':>9} {'peak MiB':>9}")
    rows = []
    for model in args.models.split(","):
        for mode, batch, views in CASES:
            row = alone(measure, model, mode, batch, views, args.runs)
            row["share_of_sgemm"] = row["gflop"] / row["seconds"] / rate
            rows.append(row)
            print(f"{model:<12} {mode:<8} {f'{batch} x {views}':>13} {row['seconds']:9.3f} "
                  f"{row['share_of_sgemm']:9.0%} {row['peak_mib']:9.0f}", flush=True)
    if args.json:
        Path(args.json).write_text(json.dumps({"sgemm_gflops": rate, "rows": rows}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
