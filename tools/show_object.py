"""tools/show.py, second step: a file and its truth -> the pictures of one object, in one frame."""
from __future__ import annotations

from typing import List, NamedTuple, Sequence, Tuple

import numpy as np

from gluon_r2n2.metrics import iou, voxel_counts
from gluon_r2n2.surfaces import marching_mesh
from gluon_r2n2_tools import drawing, legends, pictures
from gluon_r2n2_tools.shape_files import Shape, Voxels, read_shape
from gluon_r2n2_tools.show_files import Item
from gluon_r2n2_tools.show_options import INPUTS
from recordio.errors import DataError
from recordio.geometry.mesh import Mesh
from recordio.geometry.rasteriser import DEFAULT_LIGHT, Light

Tile = Tuple[str, np.ndarray]  # a label, and (frames, size, size, 3 or 4) uint8; a still is one frame


class Part(NamedTuple):
    """One thing to draw from all sides."""

    label: str
    mesh: Mesh
    light: Light = DEFAULT_LIGHT
    empty: str = "empty"  # what its picture says where the mesh has no faces


class Drawn(NamedTuple):
    """The pictures of one object."""

    rows: Sequence[Sequence[Tile]]
    words: str  # about it, for the terminal
    warnings: Sequence[str]


def draw_object(item: Item, options) -> Drawn:
    """Read and draw one object as the flags of tools/show.py say.

    Raises:
        DataError: a file is damaged, or does not hold what the flags need.
        OSError: it cannot be read.
    """
    shape = read_shape(item.path, up=options.up)
    if isinstance(shape, Voxels) and options.threshold:
        shape = shape._replace(threshold=options.threshold)
    words, warnings = _describe(shape), _warnings(item.path, shape)
    if item.truth is None:
        parts = [_part(item.name, item.path, shape, drawing.PREDICTION, options)]
    else:
        truth = read_shape(item.truth, up=options.up)
        warnings += _warnings(item.truth, truth)
        parts, more = _beside(item, shape, truth, options)
        words = "; ".join([*more, words])
    rows = _rows(parts, options)
    if options.inputs:
        rows.insert(0, _inputs(item, shape, options))
    return Drawn(rows, words, warnings)


def _beside(item, shape, truth, options):
    """-> parts of the prediction, the truth and, where it is asked for, their difference; words about the match."""
    label, words, both = item.name, [], (shape, truth)
    graded = [isinstance(each, Voxels) for each in both]
    if any(graded) and not all(graded):
        mesh, voxels = (item.path, item.truth) if graded[1] else (item.truth, item.path)
        raise DataError(f"{mesh}: it is a mesh, but {voxels} holds voxels, and their frames may differ; give two grids "
                        f"of one size or two meshes")
    if options.difference and not all(graded):
        raise DataError(f"{item.path}: it is a mesh, but --difference compares voxels; give the .npz or .binvox files")
    if all(graded):
        if shape.grid.shape != truth.grid.shape:
            raise DataError(f"{item.path}: its grid is {_size(shape.grid)}, that of its truth {item.truth} is "
                            f"{_size(truth.grid)}; voxels of one size are wanted")
        predicted, true = _solid(shape), _solid(truth)
        counts = voxel_counts(shape.grid[None], true[None], thresholds=(shape.threshold,))
        score = float(iou(*counts)[0, 0])
        label, words = f"{item.name}: IoU {score:.2f}", [f"IoU {score:.4f}"]
    parts = [_part(label, item.path, shape, drawing.PREDICTION, options),
             _part("truth", item.truth, truth, drawing.TRUTH, options, plain=True)]
    if options.difference:
        colours = legends.difference_colours(predicted, true)
        parts.append(Part("difference", drawing.cubes(predicted | true, colour=colours), drawing.EVEN_LIGHT,
                          "both are empty"))
        words.append(f"hit {np.sum(predicted & true):,}, missed {np.sum(true & ~predicted):,}, "
                     f"extra {np.sum(predicted & ~true):,} cells")
    return parts, words


def _part(label, path, shape: Shape, colour, options, plain=False) -> Part:
    """What is drawn of a file; *plain* for the truth, which has no probabilities to colour by."""
    if isinstance(shape, Mesh):
        if options.confidence and not plain:
            raise DataError(f"{path}: it is a mesh, but --confidence colours by probability; give the .npz file")
        return Part(label, shape)
    empty = f"empty: no cell reaches {shape.threshold:.3g}"
    if options.confidence and not plain:
        if not shape.graded:
            raise DataError(f"{path}: it holds only 0 and 1, but --confidence colours by probability; give the .npz "
                            f"file of the reconstruction")
        mesh = drawing.cubes(shape.grid, threshold=shape.threshold, colour=legends.viridis(shape.grid))
        return Part(label, mesh, drawing.EVEN_LIGHT, empty)
    if options.surface == "marching":
        mesh = drawing.smooth(marching_mesh(shape.grid, threshold=shape.threshold), colour)
    else:
        mesh = drawing.cubes(shape.grid, threshold=shape.threshold, colour=colour)
    return Part(label, mesh, empty=empty)


def _rows(parts, options) -> List[List[Tile]]:
    """Draw all parts in one frame: from one side beside each other, from several sides a row each."""
    frames = options.frames if options.out.suffix.lower() == ".gif" else 1
    ahead = pictures.sides(options.azimuth, options.views)
    rows = []
    for part, mesh in zip(parts, drawing.fitted([part.mesh for part in parts], options.elevation)):
        row = []
        for turn, side in enumerate(ahead):
            if len(mesh.faces):
                images = drawing.draw(mesh, pictures.sides(side, frames), elevation=options.elevation,
                                      size=options.size, light=part.light)
            else:
                images = pictures.message(part.empty, options.size, options.background)[None].repeat(frames, axis=0)
            row.append((f"+{360 * turn / len(ahead):.3g}°" if turn else part.label, images))
        rows.append(row)
    return [[row[0] for row in rows]] if len(ahead) == 1 else rows


def _inputs(item, shape, options) -> List[Tile]:
    views = getattr(shape, "views", ())
    if not len(views):
        raise DataError(f"{item.path}: it holds no pictures for --inputs; give an .npz file of tools/reconstruct.py")
    frames = options.frames if options.out.suffix.lower() == ".gif" else 1
    return [(f"view {number} of {len(views)}", np.broadcast_to(view, (frames, *view.shape)))
            for number, view in enumerate(views[:INPUTS], 1)]


def _describe(shape: Shape) -> str:
    if isinstance(shape, Mesh):
        return f"mesh, {len(shape.faces):,} triangle{'s' * (len(shape.faces) != 1)}"
    return f"{_size(shape.grid)} cells, {_solid(shape).sum():,} solid from {shape.threshold:.3g} on"


def _warnings(path, shape: Shape) -> List[str]:
    if isinstance(shape, Mesh) or _solid(shape).any():
        return []
    return [f"{path}: no cell reaches the threshold {shape.threshold:.3g}, the highest value is "
            f"{shape.grid.max():.2g}; its picture is empty, try another --threshold"]


def _solid(shape: Voxels) -> np.ndarray:
    return shape.grid >= np.float32(shape.threshold)


def _size(grid) -> str:
    return " x ".join(map(str, grid.shape))
