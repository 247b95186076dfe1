"""Pictures of ONE object -> its 3D model as mesh files, voxels and a picture, with an exported or trained network."""
from __future__ import annotations

import argparse
import contextlib
import io
import re
import sys
from pathlib import Path

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

import numpy as np

from gluon_r2n2.deployment import Reconstructor, list_pretrained
from gluon_r2n2.errors import ModelError, unknown_name
from gluon_r2n2.surfaces import MESH_FORMATS, cubes_mesh, encode_mesh, marching_mesh
from gluon_r2n2.training.devices import contexts
from gluon_r2n2_tools import cli, pictures
from recordio.errors import DataError
from recordio.files import atomic_file
from recordio.layouts import VoxelGrid, encode_binvox, encode_png, read_rgba

PICTURE_FILES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")
FORMATS = MESH_FORMATS + ("binvox", "npz", "png")
ROW = 8  # pictures in a row of the sheet


def parse(argv=None):
    parser = cli.Parser(prog="r2n2-reconstruct", description=__doc__)
    parser.add_argument("model", metavar="MODEL", type=Path,
                        help="exported model, run or checkpoint (a folder), or the name of a model that comes along: "
                             + ", ".join(list_pretrained()))
    parser.add_argument("images", metavar="IMAGE", nargs="+", type=Path,
                        help="picture of the object, any side, any size, with or without alpha; or a folder of them")
    output = parser.add_argument_group("output")
    output.add_argument("--out", metavar="DIR", type=Path, default=Path("reconstruction"), help="folder to write to")
    output.add_argument("--formats", metavar="LIST", type=formats, default="glb,obj,ply,binvox,npz,png",
                        help=f"comma-separated, of {','.join(FORMATS)}")
    output.add_argument("--mesh", choices=("marching", "cubes"), default="marching",
                        help="smooth surface (marching cubes) or the voxels as cubes")
    output.add_argument("--threshold", metavar="P", type=cli.probability, default=argparse.SUPPRESS,
                        help="probability from which on a voxel is solid (default: the model's own)")
    output.add_argument("--each-view", action="store_true", help="also write the reconstruction after each picture")
    reading = parser.add_argument_group("input")
    reading.add_argument("--no-crop", action="store_true", help="take whole pictures, do not look for the object")
    reading.add_argument("--gpus", metavar="N", default=None, help="number of the GPU to run on (default: the CPU)")
    return parser.parse_args(argv)


def formats(text: str):
    """An argparse type: a comma-separated list of FORMATS."""
    names = [name.strip().lower().lstrip(".") for name in text.split(",") if name.strip()]
    for name in names:
        if name not in FORMATS:
            raise argparse.ArgumentTypeError(str(unknown_name("format", name, FORMATS)))
    if not names:
        raise argparse.ArgumentTypeError(f"wants at least one of {','.join(FORMATS)}")
    return list(dict.fromkeys(names))


def run(argv=None) -> int:
    options = parse(argv)
    paths = picture_paths(options.images)
    images = [read_rgba(path) for path in paths]
    reconstructor = Reconstructor.from_path(options.model, contexts(options.gpus)[0])
    threshold = getattr(options, "threshold", reconstructor.facts.threshold)
    views = []
    for number, (path, image) in enumerate(zip(paths, images), 1):
        try:
            views += reconstructor.prepare([image], crop_to_object=not options.no_crop)
        except ModelError as error:
            raise DataError(f"{path}: {error}") from error
        print(f"view {number}: {path} ({views[-1].note})")
    options.out.mkdir(parents=True, exist_ok=True)
    inputs = [(f"view {number}", view.image) for number, view in enumerate(views, 1)]
    if options.each_view:
        steps = list(reconstructor.stream(views))
        for number, grid in enumerate(steps, 1):
            write(grid, threshold, options, options.out / f"after_{number:02d}_views", inputs[:number])
    grid = steps[-1] if options.each_view else reconstructor.reconstruct(views)
    write(grid, threshold, options, options.out, inputs, growth=steps if options.each_view else ())
    return 0


def picture_paths(given):
    """The files named, and the pictures of every folder named, those in the order of their names (2 before 10)."""
    paths = []
    for path in given:
        if path.is_dir():
            found = [child for child in path.iterdir() if child.suffix.lower() in PICTURE_FILES and child.is_file()]
            if not found:
                raise DataError(f"{path}: no pictures in this folder; give files or folders with "
                                f"{', '.join(PICTURE_FILES)}")
            paths += sorted(found, key=lambda child: [int(part) if part.isdigit() else part.lower()
                                                      for part in re.split(r"(\d+)", child.name)])
        elif path.is_file():
            paths.append(path)
        else:
            raise DataError(f"{path}: no such picture or folder; check the path")
    return paths


def write(grid, threshold, options, folder, inputs, growth=()):
    """Write one reconstruction (V, V, V) to *folder* in all formats, and say which file holds what."""
    folder.mkdir(exist_ok=True)
    solid = grid >= threshold
    smooth = options.mesh == "marching"
    surface = (marching_mesh if smooth else cubes_mesh)(grid, threshold=threshold)
    if not solid.any():
        print(f"WARNING: the reconstruction is empty: no voxel reaches the threshold {threshold:g}, the highest "
              f"probability is {grid.max():.2g}; there is no mesh to write, try a lower one with --threshold",
              file=sys.stderr)
    for kind in options.formats:
        if kind in MESH_FORMATS:
            if not solid.any():
                with contextlib.suppress(FileNotFoundError):
                    (folder / f"model.{kind}").unlink()  # of an earlier reconstruction: it would be taken for this one
                continue
            data, what = encode_mesh(surface, kind, smooth=smooth), f"mesh, {len(surface.faces):,} triangles"
        elif kind == "binvox":
            data, what = encode_binvox(VoxelGrid(solid)), f"{solid.sum():,} solid voxels of {solid.size:,}"
        elif kind == "npz":
            buffer = io.BytesIO()
            np.savez_compressed(buffer, probabilities=grid, threshold=np.float32(threshold),
                                views=np.stack([image for _, image in inputs]))
            data, what = buffer.getvalue(), "probabilities [x, y, z], threshold, the views as the network saw them"
        else:
            data, what = encode_png(picture(grid, surface, threshold, inputs, growth)), "the views and the result"
        path = folder / f"model.{kind}"
        with atomic_file(path) as handle:
            handle.write(data)
        print(f"wrote {path}  ({what})")


def picture(grid, surface, threshold, inputs, growth):
    """The views, the voxels as they grew (where known) and the result from three sides: (H, W, 3) uint8."""
    turns = (0, 75, 180)  # degrees from the first side
    results = [pictures.voxel_picture(grid, threshold=threshold),
               *[pictures.surface_picture(surface, pictures.FRONT + turn) for turn in turns]]
    labels = ["voxels", *[f"surface, +{turn}°" if turn else "surface" for turn in turns]]
    grown = [pictures.voxel_picture(step, threshold=threshold) for step in growth]
    rows = [list(zip(labels, pictures.crop_together(results)))]
    if grown:
        steps = [(f"after {number}", step) for number, step in enumerate(pictures.crop_together(grown), 1)]
        rows = [*_in_rows(steps), *rows]
    return pictures.sheet([*_in_rows(inputs), *rows])


def _in_rows(labelled):
    return [labelled[start:start + ROW] for start in range(0, len(labelled), ROW)]


def main(argv=None):
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())
