"""The page of samples: shapes out of a generator, each beside a training shape, and the ways between them."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

import numpy as np

from gluon_r2n2.evaluation.page.cards import card, controls, pane, slider, thumbnails
from gluon_r2n2.evaluation.page.document import document
from gluon_r2n2.evaluation.page.grids import edges
from gluon_r2n2.evaluation.page.markup import number, text

SECTIONS = {"interpolation": "Interpolation", "images": "From pictures", "arithmetic": "Arithmetic",
            "samples": "Samples"}
INTRODUCTIONS = {
    "samples": "Latent vectors drawn from the prior, and what the generator makes of each: all of them, none chosen.",
    "images": "The latent vector that the encoder sees in each picture, and what the generator makes of it.",
    "arithmetic": "Latent vectors added and subtracted, and what the generator makes of the result.",
    "interpolation": "Latent vectors on the way from one shape to another. The slider goes along the way, over a curve "
                     "of the IoU with the way's end: where it is steep, the shape changes much.",
}
MOST_TICKS = 12  # numbers that fit under a slider on a phone


@dataclass(frozen=True)
class ShownShape:
    """One generated shape, or W of them on the way from one to another; V is the grid's size."""

    name: str  # such as "sample 3"
    note: str  # such as the names of its files
    probabilities: np.ndarray  # (W, V, V, V) float32 of being occupied, [x, y, z]
    iou: Sequence[float] = ()  # W, with *beside*; empty where there is none
    beside: Optional[np.ndarray] = None  # (V, V, V) bool, a shape to compare with
    beside_name: str = ""
    pictures: Sequence[Tuple[str, np.ndarray]] = ()  # words and (H, W, 3) uint8: what it was made of; or of each of W


def build_samples(title: str, lead: str, facts: Sequence[Tuple[str, str]], groups: Sequence[Tuple[str, str, Sequence]],
                  *, threshold: float) -> str:
    """Return the page as HTML.

    Args:
        title, lead: text, what the shapes are of.
        facts: terms and their text.
        groups: a key of SECTIONS, further words, and its `ShownShape`s; a group without any is left out.
        threshold: from which probability on a voxel is shown at first.

    Raises:
        ValueError: grids of a shape that do not fit each other.
    """
    rows = "".join(f"<div><dt>{text(term)}</dt><dd>{text(value)}</dd></div>" for term, value in facts)
    header = f"""<header><div class="wrap"><p class="brand">gluon-r2n2 samples</p>
<h1>{text(title)}</h1>
<p class="lead">{text(lead)}</p>
<dl class="facts">{rows}</dl></div></header>"""
    offered = edges(threshold)
    compared = any(shape.beside is not None for _, _, shapes in groups for shape in shapes)
    beside = '<span class="key truth">what it is compared with</span>' if compared else ""
    top = f"""<p class="keys">Drag a shape to turn it; with the keyboard the arrow keys do.
<span class="key prediction">generated, the paler the less certain</span>{beside}</p>
{controls(offered, threshold)}"""
    sections, first = [top], 0
    for kind, words, shapes in groups:
        cards = "".join(_card(shape, first + place, offered) for place, shape in enumerate(shapes))
        first += len(shapes)
        if shapes:
            sections.append(f'<section id="{kind}"><h2>{SECTIONS[kind]}</h2><p class="intro">{INTRODUCTIONS[kind]} '
                            f'{text(words)}</p><div class="objects">{cards}</div></section>')
    return document(title, header, sections, SECTIONS, threshold=threshold, step="frame")


def _card(shape: ShownShape, place: int, offered: Tuple[float, ...]) -> str:
    count = len(shape.probabilities)
    names = [f"frame {frame} of {count}" for frame in range(1, count + 1)]
    middle = count // 2  # a way is shown half way at first
    caption = f'<span data-show="step">{names[middle]}</span>' if count > 1 else "generated"
    panes, score = [pane("prediction", f"{shape.name}, in 3D", caption)], '<span data-show="voxels"></span>'
    if shape.beside is not None:
        panes.append(pane("truth", f"{shape.beside_name}, in 3D", text(shape.beside_name)))
        score = f'IoU <output data-show="iou">{number(float(shape.iou[middle]))}</output> {score}'
    content = f"""<p class="score">{score}</p>
<div class="panes">{"".join(panes)}</div>
{_way(shape.iou, names, middle) if count > 1 else ""}
{thumbnails(shape.pictures, f"{shape.name} in pictures")}"""
    nothing = np.zeros(shape.probabilities.shape[1:], bool)
    return card(place, f'{text(shape.name)} <span class="id">{text(shape.note)}</span>', content,
                probabilities=shape.probabilities, truth=nothing if shape.beside is None else shape.beside,
                edges=offered, counts=range(1, count + 1) if count > 1 else (0,), names=names, start=middle)


def _way(scores: Sequence[float], names: Sequence[str], start: int) -> str:
    """The slider along a way; many frames get no numbers under it."""
    items = "".join(f'<li>{frame}<span class="unseen"> IoU </span><span class="at">{score:.2f}</span></li>'
                    for frame, score in enumerate(scores, 1))
    ticks = f'<ol class="counts">{items}</ol>' if len(scores) <= MOST_TICKS else ""
    return slider(scores, names, label="frame along the way", ticks=ticks, start=start)
