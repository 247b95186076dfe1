"""Does it learn? Networks of reduced width, trained alike on procedural models, measured on models they never saw.

    python benchmarks/learning.py out/study --json out/study/learning.json

Makes and packs the data, trains every network of RUNS with the same number of steps, measures each on the test split
and draws the curves; hours of work on two cores. Interrupt it at any time: the same command goes on. docs/learning.md
has the results.
"""
from __future__ import annotations

import argparse
import dataclasses
import json
import os
import platform
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

import matplotlib
import numpy as np

ROOT = Path(__file__).resolve().parent.parent

PER_CLASS, DATA_SEED = 320, 7  # 4,160 models of 13 classes, 70 % of them to train on
VIEWS = (1, 2, 3, 5, 8)  # measured at
RESULT_FORMAT = 2  # of tools/eval.py
COMMON = ["--width", "0.25", "--image-size", "64", "--batch-size", "16", "--views", "1-5", "--seed", "1",
          "--checkpoint-every", "100", "--validate-every", "200", "--validate-samples", "416"]


@dataclasses.dataclass(frozen=True)
class Run:
    """One training of the study."""

    model: str
    norm: str = "batch"
    recipe: str = "modern"
    more: Tuple[str, ...] = ()

    @property
    def flags(self) -> List[str]:
        return ["--model", self.model, "--norm", self.norm, "--recipe", self.recipe, *self.more, *COMMON]


RUNS = {
    "res3d_gru_3": Run("res3d_gru_3"),
    "gru_3": Run("gru_3"),
    "gru_1": Run("gru_1"),
    "lstm_3": Run("lstm_3"),
    "res3d_gru_3_no_norm": Run("res3d_gru_3", norm="none"),
    # without normalisation the loss of the initial values is 2.9 here, beyond the limit of 2 that the recipe stops at
    "res3d_gru_3_original": Run("res3d_gru_3", norm="none", recipe="original", more=("--loss-limit", "10")),
}

# What the paper found, as pairs of runs of which the first should be better
FINDINGS = {
    "residual beats plain": ("res3d_gru_3", "gru_3"),
    "3x3x3 beats 1x1x1": ("gru_3", "gru_1"),
    "GRU beats LSTM": ("gru_3", "lstm_3"),
    "with batch normalisation beats without": ("res3d_gru_3", "res3d_gru_3_no_norm"),
    "recipe modern beats original": ("res3d_gru_3_no_norm", "res3d_gru_3_original"),
}


def parse(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", metavar="OUT", type=Path, help="folder of the study")
    parser.add_argument("--json", metavar="F", type=Path, help="file to write the numbers to")
    parser.add_argument("--picture", metavar="F", type=Path, help="file to draw the curves to (PNG)")
    parser.add_argument("--only", metavar="NAME", nargs="+", choices=list(RUNS), default=list(RUNS),
                        help=f"train and report these only, of {', '.join(RUNS)}")
    parser.add_argument("--steps", metavar="N", type=int, default=2000, help="updates of each (default: %(default)s)")
    parser.add_argument("--per-class", metavar="N", type=int, default=PER_CLASS,
                        help="models of each of the 13 classes (default: %(default)s)")
    return parser.parse_args(argv)


def tool(name: str, *arguments) -> None:
    """Run one of tools/, shown as a user would call it."""
    words = [str(argument) for argument in arguments]
    print("\n$ " + shlex.join(["python", f"tools/{name}.py", *words]), flush=True)
    subprocess.run([sys.executable, str(ROOT / "tools" / f"{name}.py"), *words], check=True)


def make_data(out: Path, per_class: int) -> Path:
    """The packed data set; made in a folder of another name, so that it is whole where it exists."""
    data = out / "data"
    if not data.is_dir():
        tool("make_shapes", out / "shapes", "--per-class", per_class, "--views", 24, "--seed", DATA_SEED)
        tool("pack_rec", out / "shapes", out / "data.part", "--resume")
        os.replace(out / "data.part", data)
    return data


def events(run: Path) -> List[Dict[str, Any]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text(encoding="utf-8").splitlines()]


def steps_done(run: Path) -> int:
    return max([event["step"] for event in events(run) if event["event"] == "checkpoint"], default=0)


def train(name: str, run: Path, data: Path, steps: int) -> None:
    """Up to *steps*, from wherever it is. A run that was interrupted ends with exit code 0 too, hence the loop."""
    started = (run / "config.json").is_file()
    if started and (run / "log.jsonl").is_file() and steps_done(run) >= steps:
        return
    tool("train", "--data", data, "--run", run, *RUNS[name].flags, "--steps", steps, *(["--resume"] if started else []))
    if steps_done(run) < steps:
        sys.exit(f"{run} was interrupted; the same command goes on")


def measure(run: Path, data: Path, result: Path) -> Dict[str, Any]:
    if not result.is_file() or json.loads(result.read_text(encoding="utf-8"))["format"] != RESULT_FORMAT:
        tool("eval", "--checkpoint", run, "--data", data, "--views", ",".join(map(str, VIEWS)), "--baselines",
             "--batch-size", 16, "--json", result)
    return json.loads(result.read_text(encoding="utf-8"))


def mean_difference(first: Dict[str, Any], second: Dict[str, Any], views: int, others: int) -> Dict[str, float]:
    """How much better the first is with *views* than the second with *others*: the mean over the same objects."""
    differences = np.array([scores["iou"][str(views)] - second["objects"][key]["iou"][str(others)]
                            for key, scores in first["objects"].items()])
    return {"difference": differences.mean(), "standard_error": differences.std(ddof=1) / len(differences) ** 0.5}


def curves(run: Path) -> Dict[str, List[float]]:
    """Validation IoU by step."""
    measured = {event["step"]: event["best_iou"] for event in events(run) if event["event"] == "validation"}
    return {"steps": list(measured), "iou": list(measured.values())}  # a resumed run validates some steps again


def summarise(results: Dict[str, Dict[str, Any]], runs: Dict[str, Path]) -> Dict[str, Any]:
    any_result = next(iter(results.values()))
    return {
        "data": any_result["data"], "baselines": {name: score["micro"]
                                                  for name, score in any_result["baselines"].items()},
        "runs": {name: {
            "flags": RUNS[name].flags, "checkpoint_step": result["model"]["step"],
            "threshold": result["threshold"]["value"],
            "iou": {views: score["micro"] for views, score in result["iou"].items()},
            "macro": {views: score["macro"] for views, score in result["iou"].items()},
            "classes": {views: score["classes"] for views, score in result["iou"].items()},
            "curve": curves(runs[name]),
        } for name, result in results.items()},
        "findings": {what: {str(views): mean_difference(results[first], results[second], views, views)
                            for views in VIEWS}
                     for what, (first, second) in FINDINGS.items() if first in results and second in results},
        "more views help": {name: {f"{low} to {high}": mean_difference(result, result, high, low)
                                   for low, high in zip(VIEWS, VIEWS[1:])} for name, result in results.items()},
        "machine": {"processor": platform.processor() or platform.machine(), "cores": os.cpu_count()},
    }


def tell(summary: Dict[str, Any]) -> None:
    """The tables of docs/learning.md."""
    print("\n| | " + " | ".join(f"{views} view{'s' if views > 1 else ''}" for views in VIEWS) + " |")
    print("|---" * (len(VIEWS) + 1) + "|")
    for name, value in summary["baselines"].items():
        print(f"| {name} " + f"| {value:.3f} " * len(VIEWS) + "|")
    for name, run in summary["runs"].items():
        print(f"| {name} | " + " | ".join(f"{run['iou'][str(views)]:.3f}" for views in VIEWS) + " |")
    for what, by_views in summary["findings"].items():
        print(f"{what}: " + ", ".join(f"{score['difference']:+.3f} +- {score['standard_error']:.3f} ({views})"
                                      for views, score in by_views.items()))


def draw(summary: Dict[str, Any], path: Path) -> None:
    """IoU over the steps on the validation split, and over the number of views on the test split."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(12, 4.6), dpi=100)
    for name, run in summary["runs"].items():
        left.plot(run["curve"]["steps"], run["curve"]["iou"], marker="o", markersize=3, label=name)
        right.plot(VIEWS, [run["iou"][str(views)] for views in VIEWS], marker="o", markersize=4, label=name)
    for axes in (left, right):
        for (name, value), style in zip(summary["baselines"].items(), (":", "--")):
            axes.axhline(value, color="grey", linestyle=style, linewidth=1, label=name.replace("_", " "))
        axes.set_ylabel("mean IoU")
        axes.grid(alpha=0.3)
    left.set_xlabel("step")
    left.set_title("validation, 3 views")
    right.set_xlabel("views")
    right.set_title("test")
    right.set_xticks(VIEWS)
    left.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path)


def main(argv=None) -> None:
    options = parse(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    data = make_data(options.out, options.per_class)
    runs = {name: options.out / "runs" / name for name in options.only}
    results = {}
    for name, run in runs.items():
        train(name, run, data, options.steps)
        results[name] = measure(run, data, options.out / f"{name}.json")
    summary = summarise(results, runs)
    tell(summary)
    if options.json:
        options.json.write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    if options.picture:
        draw(summary, options.picture)


if __name__ == "__main__":
    main()
