"""Where the time of Res3D-GRU-3 goes, layer by layer, as first written and as it is: a table in Markdown.

    python benchmarks/layers.py --json layers.json

Runs inference of one view and a training step (4 objects, 3 views) in processes that have oneDNN tell every primitive
(DNNL_VERBOSE=1), and attributes those to the layers by their shapes. What MXNet computes by itself is in another
run with its own profiler, operator by operator, as only then its operators are run one by one.
"""
from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, Tuple

from processes import alone, number_of_runs
from speed import prepare
from speed_sides import SIDES, Case

MODEL, FORMS = "res3d_gru_3", {"before": "as first written", "after": "gluon-r2n2"}
CASES = {"inference, 1 view": Case(MODEL, "forward", 1, 1), "training step, 4 x 3": Case(MODEL, "step", 4, 3)}
MARK = "=== measured"
SHAPE = re.compile(r"ic(\d+)oc(\d+)(?:_id\d+od\d+kd\d+\S*?)?_ih(\d+)oh(\d+)kh(\d+)")
DENSE = re.compile(r"ic(\d+)oc(\d+)$")
OTHERS = {"reorder": "layouts changed (reorders)", "eltwise": "LeakyReLU and other functions", "sum": "additions",
          "binary": "additions", "pooling_v2": "pooling", "pooling": "pooling", "concat": "concatenations"}


def work(form: str, case: Case, folder: str, runs: int, profile: str) -> None:
    """In a process of its own: run the case, with marks on standard output, or under MXNet's profiler."""
    kind, options = SIDES[FORMS[form]]
    subject = kind(case, Path(folder) / f"{MODEL}-32.params", **options)
    import mxnet as mx

    for _ in range(2):
        subject.run()
    if profile:
        mx.profiler.set_config(profile_symbolic=True, profile_imperative=True, aggregate_stats=True, filename=profile)
        mx.profiler.set_state("run")
    print(MARK, flush=True)
    import time

    start = time.perf_counter()
    for _ in range(runs):
        subject.run()
    print(f"{MARK} {(time.perf_counter() - start) / runs}", flush=True)
    if profile:
        mx.profiler.set_state("stop")
        Path(profile).write_text(mx.profiler.dumps())  # a table; its JSON is none (MXNet 1.9.1)


def run(form: str, case: Case, folder: str, runs: int, *, profile: str = "") -> str:
    """What that process printed between the marks; the second mark's seconds are in the last line."""
    environment = {**os.environ, "DNNL_VERBOSE": "0" if profile else "1"}
    if profile:  # else MXNet runs operators in bulk, and their times are one
        environment.update(MXNET_EXEC_BULK_EXEC_TRAIN="0", MXNET_EXEC_BULK_EXEC_INFERENCE="0")
    command = [sys.executable, __file__, "--worker", json.dumps([form, list(case), folder, runs, profile])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.split(MARK + "\n")[1]


def block_of(layer: str) -> str:
    """'conv9' of the original's 'conv9a'; its gates are one block."""
    return "gates" if layer.startswith("t_x") else layer.rstrip("abc")


def shapes_of(folder: str) -> Dict[str, Dict[str, str]]:
    """form -> shape of a layer as `shape_of` gives it -> its block, by the original's names, in the network's order."""
    import mxnet as mx
    import numpy as np
    from first_network import FirstNetwork

    import gluon_r2n2
    from gluon_r2n2.complexity import layers
    from gluon_r2n2.conversion import original_parameters
    from gluon_r2n2.training.arrays import named_parameters

    variable = mx.sym.var
    ours = gluon_r2n2.get_model(MODEL)
    with np.load(Path(folder) / f"{MODEL}-32.npz") as arrays:
        first = FirstNetwork(arrays)
    inputs = {"image": (1, 3, 127, 127), "code": (1, 1024), "state": (1, 128, 4, 4, 4)}
    image, code, state = (variable(name) for name in inputs)
    graphs = {"after": (ours.encoder(image), ours.cell(ours.projection(code), state), ours.decoder(state)),
              "before": (first.encoder(image), first.cell(code, state), first.decoder(state))}
    blocks = {parameter.target: block_of(parameter.layer) for parameter in original_parameters(ours.config)}
    names = {"after": {parameter.name: blocks[name] for name, parameter in named_parameters(ours).items()},
             "before": {parameter.name: block_of(name.split(".")[1]) for name, parameter in first.named.items()}}
    found: Dict[str, Dict[str, str]] = {}
    for form, symbols in graphs.items():
        found[form] = {}
        for symbol in symbols:
            wanted = {name: shape for name, shape in inputs.items() if name in symbol.list_arguments()}
            for layer in layers(symbol, **wanted):
                dense = layer.operator == "FullyConnected"
                shape = layer.channels if dense else layer.channels + layer.edges + (layer.kernel,)
                found[form][str(shape)] = names[form][layer.weight]
    return found


def shape_of(kind: str, problem: str) -> str:
    """oneDNN's description of a problem -> channels in and out, edges in and out, kernel; of a dense layer two."""
    match = (DENSE if kind == "inner_product" else SHAPE).search(problem.replace("_g1", "_"))
    return str(tuple(map(int, match.groups()))) if match else problem


def budget(text: str, blocks: Dict[str, str], runs: int) -> Tuple[Dict[str, float], float]:
    """Milliseconds of a run by block or kind of work, and in all."""
    *lines, last = text.strip().splitlines()
    seconds = float(last.replace(MARK, ""))
    found = dict.fromkeys(blocks.values(), 0.0)  # in this order
    for line in lines:
        fields = line.split(",")
        if len(fields) < 8 or fields[1] != "exec":
            continue
        kind = fields[3]
        if kind in ("convolution", "deconvolution", "inner_product"):
            name = blocks.get(shape_of(kind, fields[-2]), f"{kind} {fields[-2]}")
        else:
            name = OTHERS.get(kind, kind)
        found[name] = found.get(name, 0.0) + float(fields[-1]) / runs
    found["MXNet's own operators, and between them"] = 1000 * seconds - sum(found.values())
    return found, 1000 * seconds


def operators(profile: Path, runs: int) -> Dict[str, float]:
    """Milliseconds of a run by MXNet's operator."""
    table = profile.read_text().split("\noperator\n")[1].split("\n\n")[0]
    return {name: float(total) / runs for name, _, total in re.findall(r"^(\w+) +(\d+) +([\d.]+)", table, re.M)}


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=number_of_runs, default=5, help="per form and case (%(default)s)")
    parser.add_argument("--json", metavar="FILE", help="also write the results here")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.worker:
        form, case, folder, runs, profile = json.loads(args.worker)
        work(form, Case(*case), folder, runs, profile)
        return 0
    rows: List[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        alone(prepare, [MODEL], folder)
        layers = alone(shapes_of, folder)
        for title, case in CASES.items():
            found = {}
            for form in FORMS:
                by_layer, total = budget(run(form, case, folder, args.runs), layers[form], args.runs)
                profile = Path(folder) / f"{form}.json"
                run(form, case, folder, args.runs, profile=str(profile))
                found[form] = by_layer
                rows.append({"case": title, "form": form, "milliseconds": total, "layers": by_layer,
                             "operators": operators(profile, args.runs)})
            print_table(title, found)
    if args.json:
        Path(args.json).write_text(json.dumps(rows, indent=1))
    return 0


def print_table(title: str, found: Dict[str, Dict[str, float]]) -> None:
    print(f"\n| {title}: ms | {' | '.join(found)} |\n|---|" + "---|" * len(found))
    for name in dict.fromkeys(name for by_layer in found.values() for name in by_layer):
        print(f"| {name} | " + " | ".join(f"{by_layer[name]:.1f}" if name in by_layer else ""
                                         for by_layer in found.values()) + " |")
    print("| all | " + " | ".join(f"{sum(by_layer.values()):.1f}" for by_layer in found.values()) + " |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
