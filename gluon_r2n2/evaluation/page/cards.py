"""The pages: pieces of a card that shows shapes - panes for the 3D script, sliders, small pictures.

They are readable without the script (web/src/report.js) as well.
"""
from __future__ import annotations

import base64
import io
import json
from typing import Sequence, Tuple

import numpy as np
from PIL import Image

from gluon_r2n2.evaluation.page import grids
from gluon_r2n2.evaluation.page.markup import text

THUMBNAIL = 96  # pixels, the longest side of a small picture; twice what a desktop shows
QUALITY = 80  # of WebP
LEAST_SPAN = 0.2  # of IoU that the height of the curve over the slider stands for; so in web/src/report.js


def controls(edges: Tuple[float, ...], threshold: float) -> str:
    """The slider of thresholds for all cards: *edges* are offered, *threshold* is one of them and the first shown."""
    return f"""<div id="controls" hidden><label for="threshold">Show voxels from probability</label>
<input id="threshold" type="range" min="0" max="{len(edges) - 1}" step="1" value="{edges.index(threshold)}">
<output id="threshold-value" for="threshold">{threshold:g}</output>
<button id="threshold-reset" type="button" disabled>back to {threshold:g}</button></div>"""


def card(place: int, heading: str, content: str, *, probabilities: np.ndarray, truth: np.ndarray,
         edges: Tuple[float, ...], counts: Sequence[int], names: Sequence[str], start: int = -1) -> str:
    """One shape, or one that changes by a slider, and what it is beside.

    Args:
        place: among all cards of the page.
        heading, content: HTML.
        probabilities, truth, edges: see `grids.pack`.
        counts: of each of the W grids, how many of the small pictures belong to it; (0,) all of them.
        names: of each of the W grids, what the slider calls it.
        start: which of the W grids is shown at first.

    Raises:
        ValueError: grids that do not fit each other.
    """
    packed = grids.pack(probabilities, truth, edges)
    return f"""<article class="object" id="object-{place}" data-size="{len(truth)}"
 data-counts="{text(json.dumps(list(counts)))}" data-names="{text(json.dumps(list(names)))}"
 data-start="{start % len(names)}" aria-labelledby="object-{place}-name">
<h4 id="object-{place}-name">{heading}</h4>
{content}
<script type="text/plain">{packed}</script></article>
"""


def pane(kind: str, label: str, caption: str) -> str:
    """A place for a shape; *kind* is a key of COLOURS, *label* text that is read out, *caption* HTML."""
    return (f'<figure><div class="pane {kind}" data-pane="{kind}" data-label="{text(label)}; the arrow keys turn it">'
            f"<p>The 3D view needs JavaScript, WebGL 2 and DecompressionStream.</p></div>"
            f"<figcaption>{caption}</figcaption></figure>")


def slider(scores: Sequence[float], names: Sequence[str], *, label: str, ticks: str = "", start: int = -1) -> str:
    """The slider over the grids of a card, at that of place *start*, under a curve of the IoU of each."""
    low, span = min(scores), max(max(scores) - min(scores), LEAST_SPAN)
    points = [f"{place} {1 - (score - low) / span:.4f}" for place, score in enumerate(scores)]  # 0 is at the head
    dots = "".join(f"M{point}h0" for point in points)
    last, start = len(scores) - 1, start % len(scores)
    return f"""<div class="growth"><svg viewBox="0 0 {last} 1" preserveAspectRatio="none"
 aria-hidden="true"><path class="line" d="M{'L'.join(points)}"/><path class="dots" d="{dots}"/><path class="mark"
 d="M{points[start]}h0"/></svg>
<input type="range" min="0" max="{last}" step="1" value="{start}" disabled
 aria-label="{text(label)}" aria-valuetext="{text(names[start])}">{ticks}</div>"""


def thumbnails(pictures: Sequence[Tuple[str, np.ndarray]], label: str) -> str:
    """Small pictures: (words, (H, W, 3) uint8) each."""
    items = "".join(f"<li>{_thumbnail(picture, words)}</li>" for words, picture in pictures)
    return f'<ol class="views" aria-label="{text(label)}">{items}</ol>' if items else ""


def _thumbnail(picture: np.ndarray, alt: str) -> str:
    image = Image.fromarray(picture)
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    content = io.BytesIO()
    image.save(content, "WEBP", quality=QUALITY, method=4)
    return (f'<img src="data:image/webp;base64,{base64.b64encode(content.getvalue()).decode()}" '
            f'width="{image.width}" height="{image.height}" alt="{text(alt)}">')
