"""Seconds of a reconstruction by every engine and precision that is installed, beside plain MXNet, in one run.

    python benchmarks/inference.py --json inference.json

Each engine lives in a process of its own with the exported model; they are asked in turn, so that what else the
machine does meets all of them alike. Two of them are MXNet: `plain` is the loop of docs/inference.md over the step
graph, with MXNet's own defaults and none of this project's code; `mxnet` is ours.
"""
from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from processes import number_of_runs

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

CASES = [(1, 1), (1, 5), (4, 5)]  # objects x views
PLAIN = ("plain", "float32")


def write_model(name: str, folder: str) -> list:
    """Export a network with initial weights; return the engines and precisions that there are here."""
    import gluon_r2n2
    from gluon_r2n2.deployment import Artefact, available_engines, export

    net = gluon_r2n2.get_model(name)
    gluon_r2n2.initialise(net)
    weights = Path(folder) / "weights.params"
    net.save_parameters(str(weights))
    others = [engine for engine in available_engines() if engine != "mxnet"]
    export(net, Artefact.of_weights(net, weights), Path(folder) / "model", onnx=bool(others))
    return [("mxnet", "float32"), *[(engine, "float32") for engine in reversed(others)],
            *([("openvino", "bfloat16")] if "openvino" in others else [])]


def plain_mxnet(folder: Path):
    """The documented loop: MXNet alone."""
    import mxnet as mx

    facts = json.loads((folder / "r2n2.json").read_text())
    step = mx.gluon.SymbolBlock.imports(str(folder / "r2n2-symbol.json"), facts["graph"]["inputs"],
                                        str(folder / "r2n2-0000.params"))

    def reconstruct(objects: list) -> list:
        views = np.stack(objects, axis=1)  # (T, B, S, S, 3) uint8
        state = mx.nd.zeros([len(objects), *facts["graph"]["state"]])
        for view in views:
            pixels = mx.nd.array(view, dtype="float32").transpose((0, 3, 1, 2)) / 255
            probabilities, state = step(pixels, state)
        return list(probabilities.asnumpy())

    return reconstruct


def serve(engine: str, precision: str, folder: str, threads, connection) -> None:
    """A process: load the model, then answer every list of objects with (grids, seconds, processor seconds)."""
    if (engine, precision) == PLAIN:
        reconstruct = plain_mxnet(Path(folder))
    else:
        from gluon_r2n2.deployment import PreparedView, Reconstructor

        reconstructor = Reconstructor(folder, engine=engine, precision=precision, threads=threads)

        def reconstruct(objects: list) -> list:
            return reconstructor.reconstruct_many([[PreparedView(image, "") for image in views] for views in objects])

    connection.send("ready")
    while True:
        objects = connection.recv()
        if objects is None:
            return
        start, start_cpu = time.perf_counter(), time.process_time()
        grids = reconstruct(objects)
        connection.send((np.stack(grids), time.perf_counter() - start, time.process_time() - start_cpu))


def measure(connections: dict, objects: list, runs: int) -> list:
    """A row per engine: medians over *runs* rounds, in each of which every engine is asked once."""
    times, cpu, grids = ({key: [] for key in connections}, {key: [] for key in connections}, {})
    for number in range(runs + 1):
        for key, connection in connections.items():
            connection.send(objects)
            grids[key], seconds, processor = connection.recv()
            if number:  # the first round builds graphs
                times[key].append(seconds)
                cpu[key].append(processor)
    rows, exact = [], grids[PLAIN]
    for key in connections:
        solid, wanted = grids[key] >= 0.5, exact >= 0.5
        rows.append({"engine": key[0], "precision": key[1], "objects": len(objects), "views": len(objects[0]),
                     "seconds": statistics.median(times[key]), "cpu_seconds": statistics.median(cpu[key]),
                     "error": float(np.abs(grids[key] - exact).max() / exact.max()),
                     "iou_with_plain": float((solid & wanted).sum() / max(1, (solid | wanted).sum()))})
    seconds = {(row["engine"], row["precision"]): row["seconds"] for row in rows}
    for row in rows:
        row["times_plain"] = seconds[PLAIN] / row["seconds"]
        row["times_mxnet"] = seconds["mxnet", "float32"] / row["seconds"]
    return rows


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="res3d_gru_3", help="name of the network (%(default)s)")
    parser.add_argument("--runs", type=number_of_runs, default=9, help="timed rounds per case (%(default)s)")
    parser.add_argument("--threads", type=int, help="of every engine (default: their own choice)")
    parser.add_argument("--json", metavar="FILE", help="also write the results here")
    args = parser.parse_args(argv)
    if args.threads:
        os.environ["OMP_NUM_THREADS"] = str(args.threads)  # of MXNet, which asks when it is loaded
    spawn = multiprocessing.get_context("spawn")
    processes, rows = [], []
    with tempfile.TemporaryDirectory() as folder:
        with spawn.Pool(1) as pool:  # not here: a process that has loaded the package passes its threads on
            engines = [PLAIN, *pool.apply(write_model, (args.model, folder))]
        connections = {}
        for key in engines:
            connections[key], theirs = spawn.Pipe()
            processes.append(spawn.Process(target=serve, daemon=True,
                                           args=(*key, str(Path(folder) / "model"), args.threads, theirs)))
            processes[-1].start()
            connections[key].recv()
        print(f"{args.model}, {platform.processor() or platform.machine()}, {os.cpu_count()} CPUs, medians of "
              f"{args.runs} rounds\n")
        print(f"{'engine':<12} {'precision':<9} {'objects x views':>15} {'seconds':>8} {'of CPU':>8} "
              f"{'x plain':>8} {'x mxnet':>8} {'error':>8} {'IoU':>7}")
        random = np.random.RandomState(0)
        for objects, views in CASES:
            images = list(random.randint(0, 256, (objects, views, 127, 127, 3)).astype(np.uint8))
            for row in measure(connections, images, args.runs):
                rows.append(row)
                print(f"{row['engine']:<12} {row['precision']:<9} {f'{objects} x {views}':>15} {row['seconds']:8.3f} "
                      f"{row['cpu_seconds']:8.3f} {row['times_plain']:8.2f} {row['times_mxnet']:8.2f} "
                      f"{row['error']:8.1e} {row['iou_with_plain']:7.4f}", flush=True)
        for connection, process in zip(connections.values(), processes):
            connection.send(None)
            process.join()
    if args.json:
        Path(args.json).write_text(json.dumps({"model": args.model, "cpus": os.cpu_count(), "threads": args.threads,
                                               "rows": rows}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
