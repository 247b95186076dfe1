"""Draw the models of a layout on one sheet: a row per class, a picture (and on request the voxels) per model."""
from __future__ import annotations

import argparse
import sys
from itertools import groupby
from pathlib import Path

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

import cv2
import numpy as np

from gluon_r2n2_tools import cli
from recordio.errors import DataError
from recordio.files import atomic_file
from recordio.geometry import Camera, render
from recordio.layouts import class_name, encode_png, on_background, read_binvox, read_cameras, read_rgba, scan

BACKGROUND = 240  # sRGB grey behind the pictures
LABEL_WIDTH = 110  # pixels
DEFAULT_CAMERA = Camera(45.0, 27.5, 0.8)  # for voxels whose view has no camera row


def parse(argv=None):
    parser = cli.Parser(prog="r2n2-contact-sheet", description=__doc__)
    parser.add_argument("layout", metavar="LAYOUT", type=Path, help="folder with ShapeNetRendering and ShapeNetVox32")
    parser.add_argument("--out", metavar="FILE", type=Path, required=True, default=argparse.SUPPRESS,
                        help="PNG file to write")
    parser.add_argument("--per-class", metavar="N", type=cli.positive_int, default=10, help="models per class")
    parser.add_argument("--view", metavar="N", type=int, default=0, help="which view to show, from 0")
    parser.add_argument("--voxels", action="store_true", help="below each picture the voxels, from the same camera")
    return parser.parse_args(argv)


def run(argv=None) -> int:
    options = parse(argv)
    layout = scan(options.layout)
    rows = []
    for synset, models in groupby(layout.models, key=lambda model: model.synset):
        chosen = list(models)[:options.per_class]
        rows.append((class_name(synset), [show_view(model, options.view) for model in chosen]))
        if options.voxels:
            size = rows[-1][1][0].shape[0]
            rows.append(("", [show_voxels(model, options.view, size) for model in chosen]))
    with atomic_file(options.out) as handle:
        handle.write(encode_png(sheet(rows)))
    print(f"{options.out}: {len(rows)} rows")
    return 0


def show_view(model, view):
    """(H, W, 3) uint8 picture of a model's view on grey."""
    if not 0 <= view < len(model.names):
        raise DataError(f"--view {view}: {model.key} has the views 0 to {len(model.names) - 1}; choose one of them")
    return on_background(read_rgba(model.views[view]), BACKGROUND)


def show_voxels(model, view, size):
    """(size, size, 3) uint8 picture of a model's voxels, placed and seen as in its view."""
    from gluon_r2n2_tools.drawing import cubes  # here, because it loads mxnet, which plain sheets do without

    grid = read_binvox(model.voxels)
    cameras = read_cameras(model.metadata) if model.metadata.is_file() else []
    camera = cameras[view] if view < len(cameras) else DEFAULT_CAMERA
    centre = np.array(grid.translate) + grid.scale / 2
    place = np.block([[np.eye(3) * grid.scale, centre[:, None]], [np.zeros(3), 1.0]])
    placed = cubes(grid.occupancy).transformed(place)
    return on_background(render(placed, [camera], size=size)[0], BACKGROUND)


def sheet(rows):
    """(label, pictures) rows -> one (H, W, 3) uint8 picture; every picture is brought to the first one's size."""
    height, width = rows[0][1][0].shape[:2]
    columns = max(len(pictures) for _, pictures in rows)
    out = np.full((len(rows) * height, LABEL_WIDTH + columns * width, 3), BACKGROUND, np.uint8)
    for row, (label, pictures) in enumerate(rows):
        top = row * height
        cv2.putText(out, label, (6, top + height // 2), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
        for column, picture in enumerate(pictures):
            left = LABEL_WIDTH + column * width
            out[top:top + height, left:left + width] = cv2.resize(picture, (width, height),
                                                                  interpolation=cv2.INTER_AREA)
    return out


def main(argv=None):
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())
