"""tools/sample.py: everything that was generated -> the page of samples."""
from __future__ import annotations

from typing import Any, Dict, List, Sequence, Tuple

import numpy as np

from gluon_r2n2.evaluation.page import ShownShape, build_samples
from gluon_r2n2.model_zoo import config_from_dict, model_name, model_title
from gluon_r2n2_tools.sample_pictures import SIGNS, drawn
from gluon_r2n2_tools.sample_shapes import MOST_SHOWN, Shape, Shapes, iou_with_end
from recordio.layouts import on_background

PATH_WORDS = {
    "spherical": "The way turns at constant speed along a great circle, as vectors of a normal prior are about equally "
                 "long.",
    "linear": "The way is a straight line.",
}


def make_page(shapes: Shapes, facts: Dict[str, Any], strips: Sequence[Sequence[np.ndarray]]) -> str:
    """The page as HTML; *strips* are the pictures (H, W, 4) uint8 of the frames of every way."""
    title = model_title(model_name(config_from_dict(facts["model"])))
    count = len(shapes.of("samples"))
    more = f"Here are the first {MOST_SHOWN} of {count}; the folder holds all." if count > MOST_SHOWN else ""
    path = PATH_WORDS[shapes.ways[0].path] if shapes.ways else ""
    groups = [("interpolation", path, [_way(shapes, place, strip) for place, strip in enumerate(strips)]),
              ("images", "", [_shape(shape, [(f"picture {shape.name}", shape.view.image)])
                              for shape in shapes.of("images")]),
              ("arithmetic", "", [_shape(shape, _terms(shape, shapes)) for shape in shapes.of("arithmetic")]),
              ("samples", more, [_shape(shape) for shape in shapes.shown])]
    return build_samples(f"Samples of a {title}", _lead(shapes, facts), _facts(facts), groups,
                         threshold=shapes.threshold)


def _lead(shapes: Shapes, facts: Dict[str, Any]) -> str:
    near = [shape.neighbour.iou for shape in shapes.of("samples") if shape.neighbour]
    words = f"{len(shapes.of('samples'))} shapes that the network made up out of random numbers"
    if near:
        words += f", each beside the training object it shares most with: IoU {np.mean(near):.2f} on average"
    elif facts["data"] is None:
        words += "; no training objects were there to compare them with"
    return words + "."


def _facts(facts: Dict[str, Any]) -> List[Tuple[str, str]]:
    config = config_from_dict(facts["model"])
    rows = [("network", f"{model_name(config)}, {config.width:g} of the published width, {config.latent} latent "
                        f"numbers to {config.resolution}\u00b3 voxels"),
            ("checkpoint", f"{facts['checkpoint']}, step {facts['step']:,}" + ", averaged" * facts["averaged"]),
            ("weights", facts["weights_sha256"][:12]),
            ("classes", ", ".join(facts["classes"].values())),
            ("drawn", f"{config.prior} prior, seed {facts['seed']}"),
            ("threshold", f"{facts['threshold']:g}")]
    if facts["data"]:
        rows.append(("beside", f"{facts['data']['objects']:,} training objects of {facts['data']['path']}"))
    return [*rows, *(("note", sentence) for sentence in facts["notes"]), ("code", f"version {facts['version']}")]


def _shape(shape: Shape, made_of: Sequence[Tuple[str, np.ndarray]] = ()) -> ShownShape:
    near, note = shape.neighbour, shape.stem if shape.path is None else shape.path.name
    if not shape.solid.any():
        note += "; empty at this threshold"
    if near is None:
        return ShownShape(shape.title, note, shape.grid[None], pictures=made_of)
    return ShownShape(shape.title, note, shape.grid[None], [near.iou], near.voxels,
                      f"nearest training object: {near.label}", made_of)


def _way(shapes: Shapes, place: int, strip: Sequence[np.ndarray]) -> ShownShape:
    way, frames = shapes.ways[place], shapes.frames[place]
    ends = [shapes.named(name).title for name in (way.first, way.second)]
    shots = [(f"frame {number}", on_background(shot, 255)) for number, shot in enumerate(strip, 1)]
    return ShownShape(f"from {ends[0]} to {ends[1]}", way.path, frames, iou_with_end(frames, shapes.threshold),
                      frames[-1] >= np.float32(shapes.threshold), f"the end: {ends[1]}", shots)


def _terms(shape: Shape, shapes: Shapes) -> List[Tuple[str, np.ndarray]]:
    terms = [shapes.named(name) for _, name in shape.terms]
    shots = drawn([term.grid for term in terms], shape.threshold)
    return [(f"{SIGNS[sign]} {term.title}", on_background(shot, 255))
            for (sign, _), term, shot in zip(shape.terms, terms, shots)]
