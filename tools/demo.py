"""The whole flow on this machine in minutes: shapes, packing, training, evaluation, export, 3D models, one web page."""
from __future__ import annotations

import argparse
import dataclasses
import sys
from pathlib import Path
from typing import Any, Dict, List, Tuple

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

from gluon_r2n2_tools import cli
from gluon_r2n2_tools.demo_report import PAGE, RESULTS, reconstruct_objects, write_page, write_results
from gluon_r2n2_tools.demo_stages import STAGES, Pipeline, StageFailed
from recordio.errors import DataError


@dataclasses.dataclass(frozen=True)
class Settings:
    """What the demo makes and trains; the defaults fit into ten minutes on two CPU cores."""

    per_class: int = 110  # objects of each of the 13 classes; 70 % of them to train on
    renderings: int = 12  # views rendered of each object
    model: str = "gru_3"
    width: float = 0.25  # of the published channel counts
    norm: str = "batch"
    upsample: str = "unpool"
    image_size: int = 64  # pixels, edge of the network's input
    batch_size: int = 16
    views: str = "1-5"  # per object in training
    steps: int = 750
    learning_rate: float = 2e-3
    seed: int = 1
    test_views: int = 5  # evaluated: 1 .. this
    headline_views: int = 3  # whose result is quoted
    shown_classes: Tuple[str, ...] = ("airplane", "bench", "car", "chair", "lamp", "rifle", "sofa", "table")


QUICK = Settings(per_class=20, renderings=6, width=0.125, batch_size=8, steps=30, shown_classes=("car", "chair"))


def parse(argv=None):
    parser = cli.Parser(prog="r2n2-demo", description=__doc__)
    parser.add_argument("--out", metavar="DIR", type=Path, default=argparse.SUPPRESS,
                        help="folder to write to (default: demo, with --quick demo_quick)")
    parser.add_argument("--quick", action="store_true",
                        help="a minute instead of ten: shows that all parts work, its network learns next to nothing")
    parser.add_argument("--fresh", action="store_true", help="do all stages anew; else finished ones are reused")
    return parser.parse_args(argv)


def run(argv=None) -> int:
    options = parse(argv)
    settings = QUICK if options.quick else Settings()
    out = getattr(options, "out", Path("demo_quick" if options.quick else "demo"))
    if out.is_dir() and any(out.iterdir()) and not (out / STAGES).is_file():
        raise DataError(f"{out} exists and holds no demo; nothing was written, choose another folder with --out")
    out.mkdir(parents=True, exist_ok=True)
    pipeline = Pipeline(out, fresh=options.fresh)
    try:
        for name, tool, arguments, product in commands(settings, out):
            pipeline.command(name, tool, arguments, product)
        pipeline.call("reconstruct", f"the median test object of: {', '.join(settings.shown_classes)}",
                      lambda: reconstruct_objects(settings, out), out / "objects")
        pipeline.call("page", "pictures and tables", lambda: write_page(settings, pipeline), out / PAGE)
    except StageFailed as failure:
        print(failure, file=sys.stderr)
        return failure.code
    results = write_results(settings, pipeline)  # again, now with the time that the page took
    tell(results, out)
    return 0


def commands(settings: Settings, out: Path) -> List[Tuple[str, str, List[Any], Path]]:
    """The stages that are tools of their own: (name, tool, arguments, what it leaves when it is through)."""
    given = {name: str(value) for name, value in dataclasses.asdict(settings).items()}
    every = max(settings.steps // 4, 1)
    return [
        ("shapes", "make_shapes", [out / "shapes", "--per-class", given["per_class"], "--views", given["renderings"],
                                   "--seed", given["seed"], "--jobs", cli.available_cpus()], out / "shapes"),
        ("pack", "pack_rec", [out / "shapes", out / "data"], out / "data"),
        ("train", "train", ["--data", out / "data", "--run", out / "run", "--model", settings.model,
                            "--width", given["width"], "--norm", settings.norm, "--upsample", settings.upsample,
                            "--image-size", given["image_size"], "--batch-size", given["batch_size"],
                            "--views", settings.views, "--steps", given["steps"], "--lr", given["learning_rate"],
                            "--seed", given["seed"], "--checkpoint-every", every, "--validate-every", every],
         out / "run"),
        ("evaluate", "eval", ["--checkpoint", out / "run", "--data", out / "data", "--json", out / "eval.json",
                              "--views", ",".join(map(str, range(1, settings.test_views + 1))), "--batch-size",
                              given["batch_size"], "--baselines"], out / "eval.json"),
        ("export", "export", [out / "run", out / "model"], out / "model"),
    ]


def tell(results: Dict[str, Any], out: Path) -> None:
    """Print the comparison and where everything is."""
    print(f"\nIoU on {results['data']['test']} unseen objects (higher is better, 1 is perfect)")
    rows = [("mean training shape", results["mean_shape_iou"]),
            ("mean shape of the true class", results["class_mean_iou"])]
    rows += [(f"network, {views} view{'s' if views != '1' else ''}", score) for views, score in results["iou"].items()]
    for label, score in rows:
        print(f"  {label:<30} {score:.3f}  {'#' * round(score * 60)}")
    print(f"\n{results['seconds'] / 60:.1f} minutes in all. Open {out / PAGE} in a browser.\n"
          f"Meshes: {out / 'objects'}   network: {out / 'model'}   numbers: {out / RESULTS}")


def main(argv=None):
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())
