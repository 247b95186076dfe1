"""The model zoo in tables: size, work and speed of every network, what the options cost, and the generative networks.

    python benchmarks/zoo.py --json zoo.json

Parameters and GFLOP are counted from the graph (gluon_r2n2/complexity.py); seconds are of inference, one object at a
time, each case in a process of its own. The tables are those of docs/models.md.
"""
from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from pathlib import Path

from processes import alone, number_of_runs
from speed_sides import Case, measure  # first: it makes the checkout importable

# isort: split
import gluon_r2n2
from gluon_r2n2.complexity import complexity_of
from gluon_r2n2.model_zoo import model_title

VIEWS = (1, 5)
BASE = "res3d_gru_3"  # what the options are tried on
OPTIONS = [{}, {"encoder": "resnet34_v1b"}, {"encoder": "resnet50_v1b"}, {"encoder": "mobilenetv2_0.5"},
           {"kernel": 1}, {"kernel": 5}, {"width": 0.5}, {"width": 0.25}, {"hidden": 256}, {"input_size": 64},
           {"input_size": 224}, {"resolution": 16}, {"resolution": 64}, {"resolution": 128}, {"norm": "batch"},
           {"upsample": "trilinear"}, {"upsample": "deconv"}]

GENERATIVE = [{}, {"resolution": 32}, {"resolution": 128}, {"width": 0.5}, {"width": 0.25, "resolution": 32},
              {"latent": 64}]


def count(name: str, **options) -> dict:
    """The parameters and the work of a network."""
    cost = complexity_of(gluon_r2n2.get_model(name, **options))
    return {"parameters": cost.parameters, "gflop_per_view": cost.per_view / 1e9,
            "gflop_per_sample": cost.decoder / 1e9, "gflop_per_judgement": cost.discriminator / 1e9}


def file_size(name: str) -> int:
    """The bytes of a network's parameters on the disk."""
    net = gluon_r2n2.get_model(name)
    gluon_r2n2.initialise(net)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.params"
        net.save_parameters(str(file))
        return file.stat().st_size


def columns(row: dict) -> str:
    return f"{row['parameters']:,} | {row['gflop_per_view']:.2f} | {row['gflop_per_sample']:.2f}"


def variants(name: str, changes: list) -> list:
    """A network with each of some options, counted."""
    return [{"name": name, "options": changed, **count(name, **changed)} for changed in changes]


def label(row: dict) -> str:
    return row["name"] + "".join(f", {key}={json.dumps(value)}" for key, value in row["options"].items())


def main(argv=None) -> int:
    names = gluon_r2n2.list_models("recurrent")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default=",".join(names), help="comma-separated (all)")
    parser.add_argument("--runs", type=number_of_runs, default=5, help="timed runs per case (%(default)s)")
    parser.add_argument("--json", metavar="FILE", help="also write the results here")
    args = parser.parse_args(argv)

    print(f"{platform.processor() or platform.machine()}\n")
    print("| title | name | parameters | GFLOP per view | per sample | seconds, 1 view | 5 views | MiB |")
    print("|---|---|---|---|---|---|---|---|")
    models = []
    for name in args.models.split(","):
        cases = [Case(name, "forward", 1, views) for views in VIEWS]
        row = {"title": model_title(name), "name": name, **count(name), "bytes": file_size(name),
               "seconds": {case.views: alone(measure, case, args.runs)["seconds"] for case in cases}}
        models.append(row)
        seconds = " | ".join(f"{row['seconds'][views]:.3f}" for views in VIEWS)
        print(f"| {row['title']} | `{name}` | {columns(row)} | {seconds} | {row['bytes'] / 2**20:.0f} |", flush=True)
    print("\n| network | parameters | GFLOP per view | per sample |\n|---|---|---|---|")
    options = variants(BASE, OPTIONS)
    for row in options:
        print(f"| `{label(row)}` | {columns(row)} |")
    print("\n| network | parameters | GFLOP per view | per shape | per judgement |\n|---|---|---|---|---|")
    generative = variants("3d_gan", GENERATIVE) + variants("3d_vae_gan", [*GENERATIVE, {"input_size": 256}])
    for row in generative:
        print(f"| `{label(row)}` | {columns(row)} | {row['gflop_per_judgement']:.2f} |")
    if args.json:
        Path(args.json).write_text(json.dumps({"models": models, "options": options, "generative": generative},
                                              indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
