"""Pictures of an object -> its 3D model as mesh files, voxels and a picture; one object, or folders of them at once."""
from __future__ import annotations

import sys

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

from gluon_r2n2.deployment import Reconstructor, Segmentation, find_segmentation
from gluon_r2n2.errors import ModelError
from gluon_r2n2.training.devices import contexts
from gluon_r2n2_tools import cli, reconstruct_options
from gluon_r2n2_tools.reconstruct_batch import run_batch
from gluon_r2n2_tools.reconstruct_files import Reconstruction, cut_out, empty_sentence, files_of, write_object
from gluon_r2n2_tools.reconstruct_inputs import find_items, is_batch, picture_paths, read_list
from gluon_r2n2_tools.reconstruct_merging import merge
from recordio.errors import DataError
from recordio.layouts import read_rgba
from recordio.layouts.shapenet import read_cameras


def run(argv=None) -> int:
    options = reconstruct_options.parse(__doc__, argv)
    if options.merge:
        return merge_parts(options)
    if options.list or options.each_picture or options.shard or is_batch(options.images, options.out):
        return batch(options)
    if options.resume:
        raise DataError("--resume goes on with a batch, and these pictures are one object; leave it out")
    return one_object(options)


def one_object(options) -> int:
    """All pictures show one object."""
    paths = picture_paths(options.images)
    cameras = cameras_of(options, len(paths))
    images = [read_rgba(path) for path in paths]
    reconstructor, segmentation = load(options)
    threshold = getattr(options, "threshold", reconstructor.facts.threshold)
    views = []
    for number, (path, image) in enumerate(zip(paths, images), 1):
        try:
            views += reconstructor.prepare([image], crop_to_object=not options.no_crop, foreground=options.foreground,
                                           segmentation=segmentation)
        except ModelError as error:
            raise DataError(f"{path}: {error}") from error
        print(f"view {number}: {path} ({views[-1].note})")
        for sentence in views[-1].warnings:
            warn(f"{path}: {sentence}")
    print(f"engine: {reconstructor.engine}, {reconstructor.precision}")
    growth = [grid.copy() for grid in reconstructor.stream(views)] if options.each_view else []
    found = Reconstruction(
        views, growth[-1] if growth else reconstructor.reconstruct(views), growth,
        reconstructor.reconstruct_many([[view] for view in views]) if options.check_views else (),
        [cut_out(image, view) for image, view in zip(images, views)] if options.colours else None, cameras)
    if not (found.grid >= threshold).any():
        warn(empty_sentence(found.grid, threshold))
    for sentence in found.warnings(threshold):
        warn(sentence)
    result = found.result(threshold, options)
    for sentence in result.warnings:
        warn(sentence)
    for fit in result.fits:
        if fit.used:
            print(f"colours: {fit.sentence}")
    for path, what in write_object(options.out, list(files_of(found, result, options))):
        print(f"wrote {path}  ({what})")
    return 0


def batch(options) -> int:
    """Every folder or picture is an object, or every line of a list."""
    if options.cameras:
        raise DataError("--cameras: a batch has no cameras of its own; leave it out, they are found by the outlines")
    items = (read_list(options.list) if options.list else
             find_items(options.images, options.out, each_picture=options.each_picture))
    reconstructor, segmentation = load(options)
    return run_batch(items, reconstructor, segmentation, options)


def merge_parts(options) -> int:
    out, *parts = options.merge
    return merge(parts, out)


def load(options):
    """-> (Reconstructor, Segmentation or None)."""
    # looked for only where it could be used: loading one takes a second
    wanted = not options.no_crop and options.foreground in ("auto", "model")
    file = find_segmentation(options.segmentation_model) if wanted else None
    segmentation = None
    try:
        segmentation = Segmentation(file, threads=options.threads) if file else None
    except ModelError as error:
        if options.segmentation_model or options.foreground == "model":
            raise
        warn(f"{error}; until then it is left out")  # it only happens to lie where rembg keeps it
    reconstructor = Reconstructor(options.model, engine=options.engine, precision=options.precision,
                                  threads=options.threads, ctx=contexts(options.gpus)[0])
    return reconstructor, segmentation


def cameras_of(options, count: int):
    """The cameras of *count* pictures, or None where no file was given."""
    if not options.cameras:
        return None
    cameras = read_cameras(options.cameras)
    if len(cameras) != count:
        raise DataError(f"{options.cameras}: holds {len(cameras)} cameras for {count} pictures; give a line for each")
    return cameras


def warn(sentence: str) -> None:
    print(f"WARNING: {sentence}", file=sys.stderr)


def main(argv=None):
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())
