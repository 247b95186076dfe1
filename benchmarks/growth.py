"""How time and memory grow with views, objects and voxels, and what each further view of a stream costs.

    python benchmarks/growth.py --json growth.json --picture docs/growth.png

Full-size Res3D-GRU-3, 127x127 pictures, float32; training is the whole step of `tools/train.py`. Each case runs in a
process of its own. Exit code 1: the last third of a stream's views take more than 1.1 times as long as the first.
"""
from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from pathlib import Path
from typing import List

from processes import alone, number_of_runs
from speed import MIB
from speed_sides import Case, Gluon, measure

MODEL, LIMIT = "res3d_gru_3", 1.1
VIEWS, BATCHES, SIDES = (1, 2, 4, 8, 12, 16, 20, 24), (1, 2, 4, 8, 16, 32), (32, 64, 128)
MODES = {"forward": "inference", "step": "training step"}
GROWTHS = {"views": [Case(MODEL, mode, 1, views) for mode in MODES for views in VIEWS],
           "batch": [Case(MODEL, mode, batch, 1) for mode in MODES for batch in BATCHES],
           "side": [Case(MODEL, mode, 1, 1, side) for mode in MODES for side in SIDES]}
TITLES = {"views": "views of 1 object", "batch": "objects with 1 view", "side": "voxels along an edge, 1 x 1"}


def stream(views: int, runs: int) -> List[float]:
    """Median seconds of each view of a stream, the reconstruction after it included."""
    subject = Gluon(Case(MODEL, "forward", 1, 1))
    import mxnet as mx  # not before the package, which sets the number of threads

    image, net, times = subject.images[0], subject.net, []
    for _ in range(runs + 1):
        state = net.begin_state(1)
        times.append([])
        for _ in range(views):
            start = time.perf_counter()
            logits, state = net.step(image, state)
            logits.wait_to_read()
            mx.nd.waitall()
            times[-1].append(time.perf_counter() - start)
    return [statistics.median(one) for one in zip(*times[1:])]


def draw(rows: List[dict], per_view: List[float], path: str) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 4, figsize=(14, 6), constrained_layout=True)
    for column, growth in enumerate(GROWTHS):
        for row, (quantity, title, unit) in enumerate([("seconds", "seconds", 1), ("peak", "peak memory, GiB", 2**30)]):
            axis = axes[row][column]
            for mode, name in MODES.items():
                points = [(one[growth], one[quantity] / unit) for one in rows
                          if one["growth"] == growth and one["mode"] == mode]
                axis.plot(*zip(*points), marker="o", markersize=4, label=name)
            axis.set(xlabel=TITLES[growth], ylabel=title, ylim=0)
            axis.set_xticks([one[growth] for one in rows if one["growth"] == growth and one["mode"] == "step"])
            axis.grid(alpha=0.3)
    axes[0][0].legend(frameon=False)
    axes[0][3].plot(range(1, len(per_view) + 1), per_view, marker="o", markersize=4)
    axes[0][3].set(xlabel="view of a stream", ylabel="seconds, reconstruction included", ylim=(0, 1.5 * max(per_view)))
    axes[0][3].grid(alpha=0.3)
    axes[1][3].axis("off")
    figure.savefig(path, dpi=100)


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=number_of_runs, default=3, help="timed runs per case (%(default)s)")
    parser.add_argument("--picture", metavar="FILE", help="draw the figures here (PNG)")
    parser.add_argument("--json", metavar="FILE", help="also write the results here")
    args = parser.parse_args(argv)
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs\n")
    print(f"{'':<14} {'objects':>7} {'views':>6} {'voxels':>7} {'seconds':>8} {'MiB':>7}")
    rows = []
    for growth, cases in GROWTHS.items():
        for case in cases:
            row = {"growth": growth, **alone(measure, case, args.runs)}
            rows.append(row)
            print(f"{MODES[case.mode]:<14} {case.batch:>7} {case.views:>6} {f'{case.side}^3':>7} "
                  f"{row['seconds']:>8.3f} {row['peak'] / MIB:>7.0f}", flush=True)
    per_view = alone(stream, max(VIEWS), args.runs)
    third = len(per_view) // 3
    ratio = statistics.mean(per_view[-third:]) / statistics.mean(per_view[:third])
    print(f"\nstream: {statistics.mean(per_view):.3f} s a view; the last {third} views take {ratio:.2f} times as long "
          f"as the first {third}")
    if args.json:
        Path(args.json).write_text(json.dumps({"rows": rows, "stream": per_view, "stream_ratio": ratio}, indent=1))
    if args.picture:
        draw(rows, per_view, args.picture)
    return 0 if ratio <= LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
