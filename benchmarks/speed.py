"""Seconds and peak memory of inference and training beside plain PyTorch, with the machine's limit, in one run.

    python benchmarks/speed.py --json speed.json

Full-size networks, 127x127 pictures, 32^3 voxels, float32. Every subject of a case lives in a process of its own with
the same weights and the same batch; they are asked in turn, so that what else the machine does meets all of them
alike. Where torch is installed, the same network in plain eager PyTorch (`benchmarks/torch_network.py`) is measured
beside ours, once view by view and once with all views in one batch, and the faster one counts; outputs and gradients
are compared first. Exit code 1: they differ, or a goal of the printed list is missed.
"""
from __future__ import annotations

import argparse
import importlib.util
import json
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Dict, List

import numpy as np
from processes import alone, number_of_runs
from speed_sides import MODES, SIDES, Case, serve

NETWORKS = ("res3d_gru_3", "gru_3")  # that there is a PyTorch form of
GRID = [(1, 1), (1, 5), (4, 5), (4, 3)]  # objects x views
TRAINED = (4, 3)
# norm of the difference over the norm of an array; where two values of a pooling window differ by less than rounding,
# one side's gradient goes to one of them and the other side's to the other
TOLERANCES = {"forward": 1e-4, "gradient": 1e-2}
# case -> how many times as fast as PyTorch at least, for Res3D-GRU-3
GOALS = {("forward", 1, 1): 1.3, ("forward", 1, 5): 1.1, ("forward", 4, 5): 1.0, ("step", 4, 3): 1.15}
MIB = 2**20


def cases(models: List[str]) -> List[Case]:
    return [Case(model, mode, *shape) for model in models for mode in MODES for shape in GRID
            if mode != "step" or shape == TRAINED]


def sgemm_rate(size: int = 4096, runs: int = 5) -> float:
    """GFLOP/s of a float32 matrix product, the best of several, by NumPy (OpenBLAS) and, if it is here, PyTorch."""
    a = np.random.default_rng(0).random((size, size), np.float32)
    products = [lambda: a @ a]
    if importlib.util.find_spec("torch"):
        import torch

        b = torch.from_numpy(a)
        products.append(lambda: b @ b)
    times = []
    for product in products:
        for _ in range(runs):
            start = time.perf_counter()
            product()
            times.append(time.perf_counter() - start)
    return 2 * size**3 / min(times) / 1e9


def prepare(models: List[str], folder: str) -> Dict[str, list]:
    """Write weights for both sides; the operations of [a view, a decoding] by model."""
    import gluon_r2n2
    from gluon_r2n2.complexity import complexity_of
    from gluon_r2n2.conversion import to_port
    from gluon_r2n2.training.arrays import named_parameters

    work = {}
    for model in models:
        net = gluon_r2n2.get_model(model)
        gluon_r2n2.initialise(net)
        net.save_parameters(str(Path(folder) / f"{model}-32.params"))
        arrays = {name: parameter.data().asnumpy() for name, parameter in named_parameters(net).items()}
        np.savez(Path(folder) / f"{model}-32.npz", **to_port(arrays, net.config))
        cost = complexity_of(net)
        work[model] = [cost.per_view, cost.decoder]
    return work


class Subject:
    """One side's process and its connection."""

    def __init__(self, side: str, case: Case, folder: str, gpu):
        context = multiprocessing.get_context("spawn")
        self.side, self.times = side, []
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(side, case, folder, gpu, theirs), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self, wish: str):
        self._connection.send(wish)
        return self._connection.recv()

    def close(self) -> None:
        self._connection.send(None)
        self._process.join()


def measure(case: Case, sides: List[str], folder: str, *, runs: int, gpu) -> List[dict]:
    """A row for each side: its seconds, peak memory and greatest relative difference from the first side's outputs."""
    subjects = [Subject(side, case, folder, gpu) for side in sides]
    for subject in subjects:
        subject.ask("run")
    # a training step changes the weights, and its gradients are those of the case before it
    outputs = [subject.ask("outputs") if case.mode != "step" else {} for subject in subjects]
    for _ in range(runs + 1):
        for subject in subjects:
            subject.times.append(subject.ask("run"))
    rows = []
    for subject, found in zip(subjects, outputs):
        error = max((float(np.linalg.norm(found[name] - array) / max(np.linalg.norm(array), 1e-30))
                     for name, array in outputs[0].items()), default=None)
        times = subject.times[1:]  # the first one warms up
        rows.append({**case._asdict(), "who": subject.side, "seconds": statistics.median(times), "all_seconds": times,
                     "peak": subject.ask("peak"), "error": error})
    if case.mode == "step":
        rows[0]["loss_seconds"] = subjects[0].ask("loss_seconds")
    for subject in subjects:
        subject.close()
    return rows


def verdicts(rows: List[dict]) -> List[dict]:
    """Every goal with what was reached; empty without PyTorch."""
    found = []
    for (mode, batch, views), goal in GOALS.items():
        same = [row for row in rows if (row["model"], row["mode"], row["batch"], row["views"]) ==
                ("res3d_gru_3", mode, batch, views)]
        others = [row for row in same if row["who"].startswith("PyTorch")]
        if not others:
            continue
        fastest = min(others, key=lambda row: row["seconds"])
        ratio = fastest["seconds"] / same[0]["seconds"]
        found.append({"goal": f"{mode} {batch} x {views}: at least {goal:g}x as fast as PyTorch", "reached": ratio,
                      "met": ratio >= goal})
        if mode == "step":
            share = same[0]["loss_seconds"] / same[0]["seconds"]
            (recomputed,) = (row for row in same if row["who"].endswith("recomputed"))
            ratio, memory = fastest["seconds"] / recomputed["seconds"], recomputed["peak"] / fastest["peak"]
            found += [{"goal": f"with --recompute: at least {goal:g}x", "reached": ratio, "met": ratio >= goal},
                      {"goal": "and at most PyTorch's peak memory", "reached": memory, "met": memory <= 1},
                      {"goal": "loss operator at most 2 % of a step", "reached": share, "met": share <= 0.02}]
    return found


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(NETWORKS), help="comma-separated (%(default)s)")
    parser.add_argument("--runs", type=number_of_runs, default=7, help="timed runs per subject and case (%(default)s)")
    parser.add_argument("--gpus", type=int, metavar="N", help="run on this GPU instead of the CPU; untested")
    parser.add_argument("--json", metavar="FILE", help="also write the results here")
    args = parser.parse_args(argv)
    models = args.models.split(",")
    if not set(models) <= set(NETWORKS):
        parser.error(f"--models: any of {', '.join(NETWORKS)} are wanted, got {args.models}; benchmarks/zoo.py times "
                     "the others")
    torch = importlib.util.find_spec("torch") is not None
    rate = alone(sgemm_rate) if args.gpus is None else None
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, "
          + (f"sgemm {rate:.0f} GFLOP/s" if rate else f"GPU {args.gpus}") + ("" if torch else ", torch not installed"))
    print(f"\n{'model':<12} {'case':<9} {'batch x views':>13}  {'':<28} {'seconds':>8} {'images/s':>9} {'GFLOP':>6} "
          f"{'of sgemm':>8} {'MiB':>6} {'error':>8}")
    rows: List[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        work = alone(prepare, models, folder)
        for case in cases(models):
            sides = [side for side in SIDES if (torch or not side.startswith("PyTorch"))
                     and (case.mode == "step" or "recomputed" not in side) and (case.views > 1 or "batch" not in side)
                     and (case.model == "res3d_gru_3" or side != "as first written")]
            for row in measure(case, sides, folder, runs=args.runs, gpu=args.gpus):
                per_view, decoder = work[case.model]
                # a backward pass has two products for each of the forward pass
                passes = 1 if case.mode == "forward" else 3
                row["gflop"] = passes * case.batch * (case.views * per_view + decoder) / 1e9
                row["of_sgemm"] = row["gflop"] / row["seconds"] / rate if rate else None
                rows.append(row)
                print(f"{case.model:<12} {case.mode:<9} {f'{case.batch} x {case.views}':>13}  {row['who']:<28} "
                      f"{row['seconds']:8.3f} {case.batch * case.views / row['seconds']:9.1f} {row['gflop']:6.0f} "
                      + (f"{row['of_sgemm']:8.0%}" if rate else f"{'':8}") + f" {row['peak'] / MIB:6.0f} "
                      + ("" if row["error"] is None else f"{row['error']:8.1e}"), flush=True)
    goals = verdicts(rows)
    for goal in goals:
        print(f"{'met   ' if goal['met'] else 'MISSED'} {goal['goal']}: {goal['reached']:.3g}")
    equal = all(row["error"] is None or row["error"] <= TOLERANCES[row["mode"]] for row in rows)
    if not equal:
        print(f"speed.py: outputs differ by more than {TOLERANCES}", file=sys.stderr)
    if args.json:
        Path(args.json).write_text(json.dumps({"sgemm_gflops": rate, "goals": goals, "rows": rows}, indent=1))
    return 0 if equal and all(goal["met"] for goal in goals) else 1


if __name__ == "__main__":
    sys.exit(main())
