"""tools/sample.py, its flags: what is drawn, what it is compared with, and the ways and sums in the latent space."""
from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import List, Tuple

from gluon_r2n2.generative import PATHS
from gluon_r2n2_tools import cli
from gluon_r2n2_tools.results import FILES, format_list

MOST_STEPS = 256  # of an interpolation
EPILOG = """\
Shapes are called by name: 0, 1, 2 ... the samples, a, b, c ... the pictures of --images in their order.

examples:
  r2n2-sample RUN --count 16 --out DIR                          16 samples, and the way from 0 to 1
  r2n2-sample RUN --interpolate 3 7 --interpolate 7 3 --out DIR two ways
  r2n2-sample RUN --arithmetic "3 - 5 + 8" --out DIR            what 3 has more than 5, added to 8
  r2n2-sample RUN --images long.png short.png stool.png --arithmetic "a - b + c" --out DIR
"""

Term = Tuple[int, str]  # sign, name of a shape


class HelpFormatter(cli.HelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the epilog."""


def make_parser(description: str) -> cli.Parser:
    parser = cli.Parser(prog="r2n2-sample", description=description, epilog=EPILOG, formatter_class=HelpFormatter)
    parser.add_argument("run", metavar="RUN", type=Path, help="run or checkpoint of train_gan.py")
    group = parser.add_argument_group("output")
    group.add_argument("--out", metavar="DIR", type=Path, required=True, default=argparse.SUPPRESS,
                       help="folder to write to, new or empty")
    group.add_argument("--formats", metavar="LIST", type=format_list(FILES), default="glb",
                       help=f"of each shape, comma-separated, of {','.join(FILES)}")
    group.add_argument("--threshold", metavar="P", type=cli.probability, default=argparse.SUPPRESS,
                       help="probability from which on a voxel is solid (default: the run's own)")
    group = parser.add_argument_group("samples")
    group.add_argument("--count", metavar="N", type=cli.integer(0), default=16, help="samples to draw")
    group.add_argument("--seed", metavar="N", type=cli.integer(0), default=0,
                       help="of the draw; a sample is the same however many are drawn")
    group.add_argument("--data", metavar="DIR", type=Path,
                       help="packed data whose nearest training object is put beside each shape (default: where the "
                            "run says it was trained on, if that is there)")
    group.add_argument("--no-neighbours", action="store_true", help="look for no training objects")
    group = parser.add_argument_group("latent space")
    group.add_argument("--images", metavar="FILE", type=Path, nargs="+", default=[],
                       help="pictures that a 3D-VAE-GAN encodes: shapes a, b, c ...")
    group.add_argument("--interpolate", metavar=("A", "B"), nargs=2, action="append",
                       help="the way from one shape to another; more than once: several (default: between the first "
                            "two pictures, or else samples)")
    group.add_argument("--steps", metavar="N", type=cli.integer(2, MOST_STEPS), default=9,
                       help="shapes along a way, both ends included")
    group.add_argument("--path", choices=tuple(PATHS), default=None,
                       help="of the way: along a great circle or a straight line (default: spherical where the "
                            "network's prior is normal, linear where it is uniform)")
    group.add_argument("--arithmetic", metavar="TERM", nargs="+", action="append", default=[],
                       help='shapes added and subtracted, such as "3 - 5 + 8"; more than once: several')
    group = parser.add_argument_group("running")
    group.add_argument("--gpus", metavar="N", default=None, help="number of the GPU to run on (default: the CPU)")
    return parser


def parse(description: str, argv=None) -> argparse.Namespace:
    """Parse, and refuse what does not go together; `arithmetic` becomes lists of `Term`s."""
    parser = make_parser(description)
    options = parser.parse_args(argv)
    if not options.count and not options.images:
        parser.error("--count 0 makes no shape; draw at least one sample, or give --images")
    if options.data and options.no_neighbours:
        parser.error("--no-neighbours looks into no data; leave --data out")
    sums = []
    for words in options.arithmetic:
        try:
            sums.append(terms(" ".join(words)))
        except ValueError as error:
            parser.error(f"--arithmetic: {error}")
    options.arithmetic = sums
    return options


def terms(expression: str) -> List[Term]:
    """`3 - 5 + 8`, with or without spaces and a sign in front -> (1, "3"), (-1, "5"), (1, "8").

    Raises:
        ValueError: no such expression.
    """
    if not re.fullmatch(r"\s*[+-]?\s*\w+(\s*[+-]\s*\w+)*\s*", expression):
        raise ValueError(f"wants names of shapes with + or - between them, such as \"3 - 5 + 8\", got {expression!r}")
    return [(-1 if sign == "-" else 1, name) for sign, name in re.findall(r"([+-]?)\s*(\w+)", expression)]


def written(sum_of: List[Term]) -> str:
    """The expression that `terms` reads."""
    first, *others = sum_of
    return " ".join([("- " if first[0] < 0 else "") + first[1],
                     *[f"{'+' if sign > 0 else '-'} {name}" for sign, name in others]])
