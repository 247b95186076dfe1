"""Make a data set of parametric models in the ShapeNet layout: views and voxels of chairs, cars, lamps and more."""
from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import List

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

from tqdm import tqdm

from gluon_r2n2_tools import cli
from gluon_r2n2_tools.producing import complete_models, hold_options, running_flags, sample_flags, split_models
from recordio.errors import DataError, nearest
from recordio.layouts.shapenet import SPLIT
from recordio.meshes.workers import Lost, run_each
from recordio.shapes import list_shapes
from recordio.shapes.samples import Task, produce, warm_up

OPTIONS = "make_shapes.json"  # in OUT: what its samples were made with
TIMEOUT = 300.0  # seconds for one model, which takes a fraction of a second
BAR = "{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"


def parse(argv=None):
    parser = cli.Parser(
        prog="r2n2-make-shapes", description=__doc__,
        epilog=f"Classes: {', '.join(list_shapes())}. A run over the same OUT goes on where the last one ended, and a "
               "larger --per-class adds models.")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder for the layout")
    models = parser.add_argument_group("models")
    models.add_argument("--per-class", metavar="N", type=cli.positive_int, default=100, help="models of every class")
    models.add_argument("--classes", metavar="A,B", type=class_names, default=list_shapes(),
                        help="classes to make (default: all that are named below)")
    models.add_argument("--seed", metavar="N", type=cli.integer(0), default=0, help="draws shapes and cameras")
    sample_flags(parser)
    running_flags(parser)
    return parser.parse_args(argv)


def run(argv=None) -> int:
    options = parse(argv)
    hold_options(options.out / OPTIONS, {"seed": options.seed, "views": options.views,
                                         "image-size": options.image_size, "resolution": options.resolution})
    tasks = [Task(name, options.seed, index, options.out, options.views, options.image_size, options.resolution)
             for index in range(options.per_class) for name in options.classes]
    present = {(model.synset, model.model_id) for model in complete_models(options.out)}
    missing = [task for task in tasks if (task.synset, task.model_id) not in present]
    started = time.monotonic()
    make_all(missing, options.jobs)
    minutes = (time.monotonic() - started) / 60
    models = split_models(options.out)
    print(f"{options.out}: {models} models of {options.views} views, {len(missing)} of them made now"
          + (f" at {len(missing) / minutes:.0f} models per minute" if missing else ""))
    print(f"split: {options.out / SPLIT}")
    return 0


def make_all(tasks: List[Task], jobs: int) -> None:
    """Make *tasks* in *jobs* processes under a progress bar."""
    started = time.monotonic()
    with tqdm(total=len(tasks), unit="model", disable=None, bar_format=BAR) as bar:
        for position, outcome in run_each(produce, tasks, jobs=jobs, timeout=TIMEOUT, prepare=warm_up):
            if isinstance(outcome, Lost):
                raise DataError(f"the process that made {tasks[position].model_id} {outcome.reason}; run again to go "
                                f"on, with fewer --jobs if memory was short")
            bar.set_postfix_str(f"{60 * (bar.n + 1) / (time.monotonic() - started):.0f} models/min", refresh=False)
            bar.update()


def class_names(text: str) -> List[str]:
    """An argparse type: names of the catalogue separated by commas, each once."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in list_shapes():
            raise argparse.ArgumentTypeError(f"no shape class {name!r}{nearest(name, list_shapes())}; choose from "
                                             f"{', '.join(list_shapes())}")
    if not names:
        raise argparse.ArgumentTypeError(f"wants at least one of {', '.join(list_shapes())}")
    return list(dict.fromkeys(names))


def main(argv=None):
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())
