"""Bring photographs with known shapes into the ShapeNet layout: Pix3D, PASCAL3D+, or a folder of your own."""
from __future__ import annotations

import contextlib
import sys
from pathlib import Path

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

from tqdm import tqdm

from gluon_r2n2_tools import cli
from gluon_r2n2_tools.producing import (
    complete_models,
    hold_options,
    printable,
    running_flags,
    sample_flags,
    split_models,
)
from recordio.datasets import Task, find_pascal3d, find_photos, find_pix3d, make_item
from recordio.datasets.making import warm_up
from recordio.errors import DataError
from recordio.files import atomic_file
from recordio.layouts import remove_sample
from recordio.meshes.workers import Lost, run_each

DATASETS = ("pix3d", "pascal3d", "photos")
FLAGS = {"flawed": ("pix3d", "pascal3d"), "from_mesh": ("pix3d",), "up": ("photos",)}  # flag -> where it has a meaning
OPTIONS = "import_dataset.json"  # in OUT: what its samples were made with
REJECTED = "rejected.txt"
NO_SAMPLES = 2  # exit code


def parse(argv=None):
    parser = cli.Parser(
        prog="r2n2-import-dataset", description=__doc__,
        epilog="A run over the same OUT goes on where the last one ended. Exit code 2 if no object became a sample. "
               "docs/datasets.md says what the folders look like and which axes they have.")
    parser.add_argument("dataset", choices=DATASETS, help="what SRC is")
    parser.add_argument("source", metavar="SRC", type=Path, help="folder that the data set unpacks to; for photos, a "
                        "folder <class>/<model>/ per object, with pictures and model.binvox or model.obj (glb, ...)")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder for the layout")
    what = parser.add_argument_group("what is imported")
    what.add_argument("--classes", metavar="CLASS", nargs="+",
                      help="by the data set's or ShapeNet's names (default: all)")
    what.add_argument("--flawed", action="store_true",
                      help="take truncated, occluded and difficult photographs, too")
    what.add_argument("--min-views", metavar="N", type=cli.positive_int, default=1,
                      help="leave out objects with fewer photographs; a data set gives as many views per sample as its "
                           "poorest object has")
    what.add_argument("--strict", action="store_true",
                      help="stop at an entry that cannot be used, rather than name it and leave it out")
    sample = sample_flags(parser)
    sample.add_argument("--from-mesh", action="store_true",
                        help="Pix3D: make voxels from the meshes, not from the data set's own voxels")
    sample.add_argument("--up", choices=("y", "z"), default="y",
                        help="photos: axis that points up in OBJ, PLY, OFF and STL files")
    running = running_flags(parser)
    running.add_argument("--timeout", metavar="SECONDS", type=cli.positive_float, default=300.0,
                         help="time limit for one object")
    running.add_argument("--overwrite", action="store_true",
                         help="make the samples that OUT has already anew; that of an object now rejected goes")
    options = parser.parse_args(argv)
    for flag, datasets in FLAGS.items():
        if getattr(options, flag) != parser.get_default(flag) and options.dataset not in datasets:
            parser.error(f"--{flag.replace('_', '-')} has a meaning for {' and '.join(datasets)} only; leave it away")
    if options.min_views > options.views:
        parser.error(f"--min-views {options.min_views} is more than --views {options.views}; give at most as many")
    return options


def run(argv=None) -> int:
    options = parse(argv)
    found = find(options)
    rejected = {printable(name): printable(reason) for name, reason in found.broken.items()}
    for name, reason in rejected.items():
        if options.strict:
            raise DataError(f"{options.source}: {name}: {reason} (--strict stops here)")
        tqdm.write(f"cannot use {name}: {reason}", file=sys.stderr)
    items = [item for item in found.items if len(item.photos) >= options.min_views]
    if options.overwrite:  # all at first: neither an item that is now rejected nor Ctrl-C leaves old ones
        for item in items:
            remove_sample(options.out, item.synset, item.model_id)
    hold_options(options.out / OPTIONS,
                 {"dataset": options.dataset, "views": options.views, "min-views": options.min_views,
                  "image-size": options.image_size, "resolution": options.resolution, "flawed": options.flawed,
                  "from-mesh": options.from_mesh, "up": options.up}, replace=options.overwrite)
    present = {(model.synset, model.model_id) for model in complete_models(options.out)}
    wanted = [item for item in items if (item.synset, item.model_id) not in present]
    made = make_all(options, wanted, rejected)
    with atomic_file(options.out / REJECTED, "w") as handle:
        handle.writelines(f"{name}: {reason}\n" for name, reason in sorted(rejected.items()))
    models = split_models(options.out)
    print(f"{made} of {len(found.items)} objects became samples"
          + (f", {len(items) - len(wanted)} were there already" if len(items) > len(wanted) else "")
          + (f", {len(found.items) - len(items)} have fewer than {options.min_views} photographs"
             if len(found.items) > len(items) else ""))
    if found.left_out:
        print("photographs left out: " + ", ".join(f"{count} {why}" for why, count in sorted(found.left_out.items())))
    if rejected:
        print(f"{len(rejected)} entries could not be used, named with reasons in {options.out / REJECTED}")
    print(f"{options.out}: {models} models")
    return 0 if models else NO_SAMPLES


def find(options):
    if options.dataset == "pix3d":
        return find_pix3d(options.source, classes=options.classes, flawed=options.flawed, from_mesh=options.from_mesh)
    if options.dataset == "pascal3d":
        return find_pascal3d(options.source, classes=options.classes, flawed=options.flawed,
                             progress=lambda files: tqdm(files, unit="annotation", disable=None))
    return find_photos(options.source, classes=options.classes, up=options.up)


def make_all(options, items, rejected: dict) -> int:
    """Make the samples of *items*, naming what cannot be used as it happens and in *rejected*; returns their number."""
    tasks = [Task(item, options.out, options.views, options.min_views, options.image_size, options.resolution)
             for item in items]
    made = 0
    outcomes = run_each(make_item, tasks, jobs=options.jobs, timeout=options.timeout, prepare=warm_up)
    with contextlib.closing(outcomes), tqdm(total=len(tasks), unit="object", disable=None) as bar:
        for position, outcome in outcomes:
            bad = dict(getattr(outcome, "broken", ()))
            if isinstance(outcome, Lost):
                bad[items[position].key] = f"the process that read it {outcome.reason}"
            elif outcome.rejected:
                bad[items[position].key] = outcome.rejected
            else:
                made += 1
            for name, reason in bad.items():
                if options.strict:
                    raise DataError(f"{options.source}: {printable(name)}: {printable(reason)} (--strict stops here)")
                bar.write(f"cannot use {printable(name)}: {printable(reason)}", file=sys.stderr)
                rejected[printable(name)] = printable(reason)
            bar.update()
    return made


def main(argv=None):
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())
