"""tools/eval.py: its flags, and what of them can be checked before anything is measured."""
from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import List

from gluon_r2n2.deployment import list_pretrained
from gluon_r2n2.deployment.engines import ENGINES, PRECISIONS
from gluon_r2n2.evaluation import LAYOUTS, VIEWS
from gluon_r2n2_tools import cli
from recordio.errors import DataError, nearest
from recordio.loading import POLICIES

DESCRIPTION = """Measure a trained network on objects it has never seen: IoU and more, per class and by number of views.

  eval.py --checkpoint R --data D --json F --report R.html    measure a network
  eval.py --predictions DIR --data D                          measure stored predictions
  eval.py --checkpoint R --data D --generative --json F       measure the shapes that a generator makes up
  eval.py --compare A.json B.json                             compare two results of --json
"""


POINTS, PAIRED_POINTS = 30_000, 1_000  # on a surface: of an object and its prediction; where all pairs are compared
# what --generative goes with; the first three go with nothing else
GENERATIVE = ("samples", "save_features", "classify", "generative", "checkpoint", "gpus", "data", "split", "classes",
              "on_bad_record", "threshold", "seed", "points", "json", "table")


class HelpFormatter(cli.HelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the description."""


def parse(argv=None):
    parser = cli.Parser(prog="r2n2-eval", description=DESCRIPTION, formatter_class=HelpFormatter)
    group = parser.add_argument_group("what is measured (one of these)")
    group.add_argument("--checkpoint", metavar="R",
                       help="folder of a run (its best checkpoint is taken), of one checkpoint or of an exported "
                            f"model, or the name of a model that comes along: {', '.join(list_pretrained())}")
    group.add_argument("--engine", metavar="NAME", choices=ENGINES,
                       help=f"what runs the network of --checkpoint, of {', '.join(ENGINES)}: to measure what another "
                            "one changes (default: mxnet)")
    group.add_argument("--precision", metavar="NAME", choices=PRECISIONS, default="float32",
                       help=f"what it computes in, of {', '.join(PRECISIONS)}; bfloat16 by OpenVINO")
    group.add_argument("--predictions", metavar="DIR", type=Path,
                       help="stored predictions DIR/SYNSET/MODEL.npz (key 'probabilities') or .binvox, one for every "
                            "object of the split")
    group.add_argument("--compare", metavar=("A.json", "B.json"), nargs=2, type=Path,
                       help="two results of --json on the same objects: paired differences B - A with intervals")
    group.add_argument("--generative", action="store_true",
                       help="measure the samples of the 3D-GAN or 3D-VAE-GAN of --checkpoint, not reconstructions")
    group = parser.add_argument_group("data")
    group.add_argument("--data", metavar="D", type=Path, help="folder made by pack_rec.py")
    group.add_argument("--split", metavar="NAME", default="test", choices=("train", "val", "test"),
                       help="train, val or test")
    group.add_argument("--classes", metavar="LIST", type=names,
                       help="measure on these classes only, names or synsets (default: all; with --generative those "
                            "that the network was trained on)")
    group.add_argument("--on-bad-record", metavar="WHAT", choices=POLICIES, default="error",
                       help="error: stop; skip: leave the object out, and report it")
    group = parser.add_argument_group("protocol")
    group.add_argument("--views", metavar="1,2", type=view_counts,
                       help=f"numbers of views to measure with (default: {','.join(map(str, VIEWS))}, as many as the "
                            "objects have)")
    group.add_argument("--threshold", metavar="X", type=cli.probability,
                       help="probability from which a voxel counts as occupied (default: chosen on the val split; with "
                            "--generative the run's)")
    group.add_argument("--seed", metavar="N", type=cli.integer(0), default=0,
                       help="draws each object's order of views; with --generative all that is drawn")
    group = parser.add_argument_group("further measures")
    group.add_argument("--baselines", action="store_true",
                       help="the mean training shape and the mean shape of the true class, measured as well")
    group.add_argument("--surfaces", action="store_true",
                       help="Chamfer distance, F-score and normal consistency of the surfaces (0.1 s per object and "
                            "view count)")
    group.add_argument("--points", metavar="N", type=cli.positive_int,
                       help=f"points on each surface (default: {POINTS:,}; with --generative {PAIRED_POINTS:,})")
    group.add_argument("--emd-points", metavar="N", type=cli.integer(0, 2000), default=0,
                       help="points of the Earth Mover's distance, exact; 0: none")
    group.add_argument("--analysis", action="store_true",
                       help="where the IoU is lost: by occupancy, view angle and class, and which views help")
    group = parser.add_argument_group("with --generative only")
    group.add_argument("--samples", metavar="N", type=cli.integer(2),
                       help="shapes to draw (default: as many as the split has objects of the classes, at most 200)")
    group.add_argument("--save-features", metavar="F.npz", type=Path,
                       help="the discriminator's max-pooled features of the train split and of --split, of --classes "
                            "or else of all classes")
    group.add_argument("--classify", action="store_true",
                       help="the accuracy of a linear classifier on these features, and on voxels (wants scikit-learn, "
                            "the extra classify)")
    group = parser.add_argument_group("output, besides the tables that are printed")
    group.add_argument("--json", metavar="F", type=Path, help="all numbers, of every object as well")
    group.add_argument("--table", metavar="F", type=Path, action="append", default=[],
                       help=f"the tables, by the file's suffix ({' '.join(LAYOUTS)}) as text, Markdown, LaTeX or CSV; "
                            "may be given several times (default: none)")
    group.add_argument("--published", action="store_true",
                       help="the published numbers on ShapeNet in tables of their own")
    group.add_argument("--report", metavar="R.html", type=Path,
                       help="a page with curves and objects to turn, in one file (with --analysis, and baselines where "
                            "there is a train split)")
    group.add_argument("--report-objects", metavar="N", type=cli.integer(1, 200), default=24,
                       help="objects on the page")
    group.add_argument("--save-predictions", metavar="DIR", type=Path,
                       help="all probabilities, as DIR/NN_views/SYNSET/MODEL.npz")
    group = parser.add_argument_group("running (on the CPU no number depends on these)")
    group.add_argument("--batch-size", metavar="N", type=cli.positive_int, default=8, help="objects read at a time")
    group.add_argument("--gpus", metavar="0,1",
                       help="GPUs to share every batch (default: the CPU, all processors or OMP_NUM_THREADS of them)")
    group.add_argument("--threads", metavar="N", type=cli.integer(0), default=2, help="threads that load data")
    options = parser.parse_args(argv)
    check(parser, options)
    return options


def check(parser: cli.Parser, options) -> None:
    """Hold that the flags fit together; fills in what some imply."""
    subjects = [flag for flag in ("checkpoint", "predictions", "compare") if getattr(options, flag) is not None]
    if len(subjects) != 1:
        parser.error("give one of --checkpoint, --predictions and --compare"
                     + (f", got {' and '.join('--' + flag for flag in subjects)}" if subjects else ""))
    if options.compare is None and options.data is None:
        parser.error("the following arguments are required: --data")
    [subject] = subjects
    for name, value in vars(options).items():
        flag = f"--{name.replace('_', '-')}"
        used = name in ("compare", "json", "table") if subject == "compare" else (
            subject != "predictions" or name not in ("views", "gpus", "engine", "precision", "save_predictions",
                                                     "generative"))
        if not used and value != parser.get_default(name):
            parser.error(f"{flag} is not for --{subject}; leave it out")
        if (name not in GENERATIVE if options.generative else name in GENERATIVE[:3]) and (
                value != parser.get_default(name)):
            parser.error(f"{flag} is not for --generative; leave it out" if options.generative else
                         f"{flag} is for --generative; give that as well, or leave it out")
    for path in options.table:
        if path.suffix.lower() not in LAYOUTS:
            parser.error(f"--table {path}: wants a file that ends in {', '.join(LAYOUTS)}"
                         f"{nearest(path.suffix, LAYOUTS)}")
    if options.points is None:
        options.points = PAIRED_POINTS if options.generative else POINTS
    if options.emd_points > options.points:
        parser.error(f"--emd-points {options.emd_points}: at most as many as --points {options.points}")
    options.surfaces |= options.emd_points > 0
    options.analysis |= options.report is not None


def check_places(options) -> None:
    """Hold that the files named can be written, now and not after an hour; makes the folder of --save-predictions.

    Raises:
        DataError: one is a folder, lies in none, or is an input.
        OSError: the disk is read-only, or the folder somebody else's.
    """
    if options.compare and options.json and options.json.resolve() in [path.resolve() for path in options.compare]:
        raise DataError(f"--json {options.json}: is one of the results to compare; give another name")
    for flag, path in [("--json", options.json), ("--report", options.report),
                       ("--save-features", options.save_features)] + [("--table", path) for path in options.table]:
        if path is None:
            continue
        if not path.absolute().parent.is_dir():
            raise DataError(f"{flag} {path}: the folder {path.parent} does not exist; create it first")
        if path.is_dir():
            raise DataError(f"{flag} {path}: a folder; give the name of a file to write")
        check_folder(path.absolute().parent, f"{flag} {path}")
    if options.save_predictions is not None:
        options.save_predictions.mkdir(parents=True, exist_ok=True)
        check_folder(options.save_predictions, f"--save-predictions {options.save_predictions}")


def check_folder(folder: Path, what: str) -> None:
    """Raise an OSError that names *what* where no file can be made in *folder*."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        error.filename = what
        raise


def view_counts(text: str):
    """An argparse type: `1,2,5` -> (1, 2, 5), sorted."""
    parts = text.split(",")
    if not all(part.strip().isdecimal() and int(part) >= 1 for part in parts):
        raise argparse.ArgumentTypeError(f"wants numbers of views like 1,2,5, each at least 1, got {text!r}")
    return tuple(sorted({int(part) for part in parts}))


def names(text: str) -> List[str]:
    """An argparse type: `chair,table` -> the names."""
    found = [part.strip() for part in text.split(",") if part.strip()]
    if not found:
        raise argparse.ArgumentTypeError(f"wants names of classes like chair,table, got {text!r}")
    return found
