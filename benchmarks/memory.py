"""Seconds and peak memory of a training step by number of views, plain and recomputed, beside the planned memory.

    python benchmarks/memory.py --json memory.json

Full-size network, 127x127 pictures, 32^3 voxels, the update of `tools/train.py`. Each case runs in a process of its
own, so that its peak memory is its own; what the process had before the network is subtracted. A case whose plan is
above --plain-limit, or above the memory that the machine has left, is skipped. Exit code 1: 24 views of 4 objects,
recomputed, took more than --limit, or were not run.
"""
from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
import types
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import gluon_r2n2  # noqa: E402  (before mxnet: it sets the number of threads)

# isort: split
import mxnet as mx  # noqa: E402
import numpy as np  # noqa: E402
from processes import alone, number_of_runs  # noqa: E402

from gluon_r2n2.memory import Peak, plan_training  # noqa: E402
from gluon_r2n2.training import TrainingConfig, keep_freed_memory  # noqa: E402
from gluon_r2n2.training.update import Updater  # noqa: E402

GB, MIB = 10**9, 2**20


class Case(NamedTuple):
    objects: int
    views: int
    recompute: bool
    accumulate: int = 1  # parts of the batch

    def configuration(self) -> TrainingConfig:
        return TrainingConfig.from_recipe(batch_size=self.objects, views=(self.views, self.views),
                                          recompute=self.recompute, accumulate=self.accumulate)

    def __str__(self) -> str:
        parts = f", {self.accumulate} parts" if self.accumulate > 1 else ""
        return f"{self.objects:>7} {self.views:>6}  {('recomputed' if self.recompute else 'plain') + parts:<20}"


LARGEST = Case(4, 24, True)
CASES = [Case(1, views, recompute) for views in (1, 5, 12, 24) for recompute in (False, True)]
CASES += [Case(4, 5, False), Case(4, 5, True), Case(4, 24, False), LARGEST, Case(4, 24, False, 4),
          Case(4, 24, True, 4)]


def planned(model: str, case: Case) -> int:
    return plan_training(gluon_r2n2.get_model(model), case.configuration()).peak


def measure(model: str, case: Case, runs: int) -> dict:
    """Median seconds of one update, and the peak memory of the process since before the network, in bytes."""
    keep_freed_memory()  # as tools/train.py does
    peak, objects = Peak([mx.cpu()]), case.objects
    random = np.random.default_rng(0)
    # as many batches as the loader of tools/train.py has in memory
    batches = [types.SimpleNamespace(images=random.integers(0, 256, (case.views, objects, 3, 127, 127), np.uint8),
                                     voxels=random.integers(0, 2, (objects, 32, 32, 32), np.uint8),
                                     keys=[str(number) for number in range(objects)]) for _ in range(6)]
    net = gluon_r2n2.get_model(model)
    gluon_r2n2.initialise(net)
    updater = Updater(net, case.configuration(), [mx.cpu()])
    times = []
    for number in range(runs + 1):
        start = time.perf_counter()
        loss = updater.update(batches[number % len(batches)], number + 1).read()["loss"]
        mx.nd.waitall()
        times.append(time.perf_counter() - start)
    return {"seconds": statistics.median(times[1:]), "peak": peak.read(), "loss": loss}  # the first builds the graphs


def available() -> int:
    """Bytes that the machine can give without swapping."""
    lines = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    return int(lines["MemAvailable"].split()[0]) * 1024


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="res3d_gru_3", help="%(default)s")
    parser.add_argument("--runs", type=number_of_runs, default=2, help="timed steps per case (%(default)s)")
    parser.add_argument("--limit", type=float, default=12, help="of the largest recomputed step, GB (%(default)s)")
    parser.add_argument("--plain-limit", type=float, default=10, help="plan to skip above, GB (%(default)s)")
    parser.add_argument("--json", metavar="FILE", help="also write the results here")
    args = parser.parse_args(argv)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, "
          f"{available() / GB:.1f} GB free\n")
    print(f"{'objects':>7} {'views':>6}  {'':<20} {'seconds':>8} {'planned':>8} {'measured':>9} {'plan':>6}   (MiB)")
    rows, largest = [], None
    for case in CASES:
        row = {"model": args.model, **case._asdict(), "planned": planned(args.model, case)}
        # a plan may be a fifth too low
        if row["planned"] > args.plain_limit * GB or 1.2 * row["planned"] > available():
            print(f"{case} {'skipped':>8} {row['planned'] / MIB:>8.0f}", flush=True)
        else:
            row.update(alone(measure, args.model, case, args.runs))
            print(f"{case} {row['seconds']:>8.2f} {row['planned'] / MIB:>8.0f} {row['peak'] / MIB:>9.0f} "
                  f"{row['planned'] / row['peak'] - 1:>+6.0%}", flush=True)
            largest = row["peak"] if case == LARGEST else largest
        rows.append(row)
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1))
    within = largest is not None and largest <= args.limit * GB
    verdict = f"{'within' if within else 'not within'} {args.limit:g} GB"
    print(f"\n{LARGEST.views} views of {LARGEST.objects} objects, recomputed: "
          + ("not run" if largest is None else f"{largest / GB:.2f} GB, {verdict}"))
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
