"""tools/show.py, its flags: parsed, and refused where they contradict each other or ask for too much."""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Optional

from PIL import ImageColor

from gluon_r2n2_tools import cli, drawing, pictures
from gluon_r2n2_tools.shape_files import SUFFIXES
from recordio.errors import DataError

ROW = 6  # pictures in a row of the sheet, by default
INPUTS = 4  # input pictures shown per object, at most
MAX_PIXELS = 64_000_000  # of a sheet; of all frames of a GIF


def parse(argv, description: str):
    parser = cli.Parser(
        prog="r2n2-show", description=description,
        epilog="Every object is centred and scaled to fill its picture, prediction and truth alike. Azimuth 0 looks "
               "from +x, 90 from +z; an object's front is at 270. Exit code 2 if a file could not be drawn; the others "
               "are.")
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path,
                        help=f"{', '.join(SUFFIXES)}; or a folder of them")
    parser.add_argument("--out", metavar="X.png|X.gif", type=Path, required=True, default=argparse.SUPPRESS,
                        help="picture to write; a .gif turns")
    group = parser.add_argument_group("what to show")
    truth = group.add_mutually_exclusive_group()
    truth.add_argument("--truth", metavar="FILE", type=Path,
                       help="the true shape, to be put beside the one FILE, with the IoU")
    truth.add_argument("--truth-dir", metavar="DIR", type=Path, help="the same for many: files of the same names")
    group.add_argument("--difference", action="store_true", help="also what was hit, missed and added to the truth")
    group.add_argument("--confidence", action="store_true", help="colour cells by their probability")
    group.add_argument("--inputs", action="store_true",
                       help=f"also the pictures that an .npz was reconstructed from, at most {INPUTS}")
    group.add_argument("--threshold", metavar="P", type=cli.probability,
                       help="probability from which on a cell is solid (default: the file's own, else 0.4)")
    group.add_argument("--surface", choices=("cubes", "marching"), default="cubes",
                       help="voxels as cubes, or the smooth surface of marching cubes")
    group.add_argument("--up", choices=("y", "z"), default="y",
                       help="axis that points up in OBJ, PLY, OFF and STL files (glTF is always Y-up)")
    group = parser.add_argument_group("from where")
    group.add_argument("--views", metavar="N", type=cli.integer(1, 36), default=1, help="sides per object, all around")
    group.add_argument("--azimuth", metavar="DEGREES", type=degrees(-360, 360), default=drawing.FRONT,
                       help="of the first side")
    group.add_argument("--elevation", metavar="DEGREES", type=degrees(-90, 90), default=drawing.ELEVATION,
                       help="of the camera above the horizon")
    group = parser.add_argument_group("the picture")
    group.add_argument("--size", metavar="PIXELS", type=cli.integer(32, 2048), default=256,
                       help="edge of each object's picture")
    group.add_argument("--columns", metavar="N", type=cli.integer(1, 1000),
                       help=f"objects in a row (default: as many as make {ROW} pictures)")
    group.add_argument("--background", metavar="COLOUR", type=background, default="white",
                       help="a name, #rrggbb, or transparent")
    group.add_argument("--frames", metavar="N", type=cli.integer(2, 360), default=36, help="of a GIF, one turn")
    group.add_argument("--fps", metavar="N", type=cli.integer(1, 50), default=12, help="frames a second of a GIF")
    return parser.parse_args(argv)


def degrees(least: float, most: float):
    """Make an argparse type: an angle from *least* to *most*."""
    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"wants degrees from {least} to {most}, got {text!r}")
        return value

    return read


def background(text: str) -> Optional[pictures.RGB]:
    """An argparse type: a colour, or `transparent` -> None."""
    if text.lower() == "transparent":
        return None
    try:
        colour = ImageColor.getrgb(text)
    except ValueError:
        colour = ()
    if len(colour) != 3:
        raise argparse.ArgumentTypeError(f"wants a colour such as white or #1f2937, or transparent, got {text!r}")
    return colour


def check(options) -> None:
    """Refuse what would only fail after the work.

    Raises:
        DataError: options that contradict each other, or a file that cannot be written.
    """
    kind = options.out.suffix.lower()
    if kind not in (".png", ".gif"):
        raise DataError(f"--out {options.out}: .png or .gif is wanted, got {kind or 'no suffix'!r}")
    if not options.out.absolute().parent.is_dir():
        raise DataError(f"--out {options.out}: the folder {options.out.parent} does not exist; create it first")
    if options.out.is_dir():
        raise DataError(f"--out {options.out}: a folder; give the name of a file to write")
    if kind == ".gif" and options.background is None:
        raise DataError(f"--background transparent: a GIF has no half-transparent pixels, as {options.out} would need; "
                        f"write a .png, or give a colour")
    if options.difference and not (options.truth or options.truth_dir):
        raise DataError("--difference: to what? give --truth FILE or --truth-dir DIR")
    for flag in ("difference", "confidence"):
        if getattr(options, flag) and options.surface == "marching":
            raise DataError(f"--{flag} colours cells, --surface marching has none; give --surface cubes")
    if options.difference and options.confidence:
        raise DataError("--difference and --confidence: one picture has room for one meaning of colours; give one")


def check_size(options, objects: int) -> None:
    """Raises DataError: more pixels than MAX_PIXELS."""
    kinds = 1 + bool(options.truth or options.truth_dir) + options.difference
    tiles = objects * (kinds * options.views + INPUTS * options.inputs)
    frames = options.frames if options.out.suffix.lower() == ".gif" else 1
    pixels = tiles * frames * options.size ** 2
    if pixels > MAX_PIXELS:
        raise DataError(f"--size {options.size}: {tiles} pictures{f' in {frames} frames' * (frames > 1)} are "
                        f"{pixels / 1e6:,.0f} million pixels, at most {MAX_PIXELS / 1e6:.0f} million are drawn; give "
                        f"fewer files, or a smaller --size, --views or --frames")
