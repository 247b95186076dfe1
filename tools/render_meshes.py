"""Turn a folder of mesh files into a data set: rendered views and solid voxels in the ShapeNet layout."""
from __future__ import annotations

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
from recordio.files import atomic_file
from recordio.layouts import remove_sample
from recordio.meshes.convert import Task, convert, warm_up
from recordio.meshes.folder import find_meshes
from recordio.meshes.workers import Lost, run_each

OPTIONS = "render_meshes.json"  # in OUT: what its samples were made with
REJECTED = "rejected.txt"
NO_SAMPLES = 2  # exit code


def parse(argv=None):
    parser = cli.Parser(
        prog="r2n2-render-meshes", description=__doc__,
        epilog="MESHES/CLASS/.../FILE becomes a model of CLASS (a ShapeNet name such as chair, or any other). A run "
               "over the same OUT goes on where the last one ended. Exit code 2 if no file became a sample.")
    parser.add_argument("meshes", metavar="MESHES", type=Path,
                        help="folder with one folder per class; GLB, glTF, OBJ, PLY, OFF and STL files are read")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder for the layout")
    sample = sample_flags(parser)
    sample.add_argument("--seed", metavar="N", type=cli.integer(0), default=0, help="draws the cameras")
    sample.add_argument("--up", choices=("y", "z"), default="y",
                        help="axis that points up in OBJ, PLY, OFF and STL files (glTF is always Y-up)")
    sample.add_argument("--turn", type=int, choices=(0, 90, 180, 270), default=0,
                        help="degrees about the up axis, counter-clockwise from above, where the front is not -z as "
                             "in ShapeNet: 180 for +z (the convention of glTF), 90 for +x")
    running = running_flags(parser)
    running.add_argument("--timeout", metavar="SECONDS", type=cli.positive_float, default=120.0,
                         help="time limit for one file")
    running.add_argument("--overwrite", action="store_true",
                         help="make the samples that OUT has already anew; that of a file now rejected goes")
    return parser.parse_args(argv)


def run(argv=None) -> int:
    options = parse(argv)
    sources = find_meshes(options.meshes)
    if options.overwrite:  # all at first: neither a file that is now rejected nor Ctrl-C leaves old ones
        for source in sources:
            remove_sample(options.out, source.synset, source.model_id)
    hold_options(options.out / OPTIONS, {"views": options.views, "image-size": options.image_size,
                                         "resolution": options.resolution, "seed": options.seed, "up": options.up,
                                         "turn": options.turn}, replace=options.overwrite)
    present = {(model.synset, model.model_id) for model in complete_models(options.out)}
    skipped = [source for source in sources if (source.synset, source.model_id) in present]
    wanted = [source for source in sources if (source.synset, source.model_id) not in present]
    rejected = convert_all(options, wanted)
    with atomic_file(options.out / REJECTED, "w") as handle:
        handle.writelines(f"{name}: {reason}\n" for name, reason in sorted(rejected.items()))
    models = split_models(options.out)
    summary = f"{len(wanted) - len(rejected)} of {len(sources)} mesh files became samples, {len(rejected)} rejected"
    print(summary + (f", {len(skipped)} were there already" if skipped else ""))
    if rejected:
        print(f"reasons: {options.out / REJECTED}")
    print(f"{options.out}: {models} models of {options.views} views")
    return 0 if len(rejected) < len(sources) else NO_SAMPLES


def convert_all(options, sources) -> dict:
    """Convert *sources*, naming what is rejected as it happens; returns {name: reason}."""
    tasks = [Task(source, options.out, options.views, options.image_size, options.resolution, options.seed, options.up,
                  options.turn)
             for source in sources]
    rejected = {}
    results = run_each(convert, tasks, jobs=options.jobs, timeout=options.timeout, prepare=warm_up)
    with tqdm(total=len(tasks), unit="mesh", disable=None) as bar:
        for position, outcome in results:
            name = printable(sources[position].name)
            if isinstance(outcome, Lost):
                rejected[name] = f"the process that read it {outcome.reason}"
            elif outcome.rejected:
                rejected[name] = printable(outcome.rejected)
            for note in getattr(outcome, "notes", ()):
                bar.write(printable(f"note {options.meshes / name}: {note}"))
            if name in rejected:
                bar.write(f"rejected {options.meshes / name}: {rejected[name]}")
            bar.update()
    return rejected


def main(argv=None):
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())
