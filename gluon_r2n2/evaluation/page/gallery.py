"""The report's objects: input views, panes for the 3D script, and sliders; readable without the script as well."""
from __future__ import annotations

import base64
import io
import json
from typing import List, Sequence, Tuple

import numpy as np
from PIL import Image

from gluon_r2n2.evaluation.page import grids
from gluon_r2n2.evaluation.page.markup import number, text, views_of
from gluon_r2n2.evaluation.page.shown import PLACES, ShownObject

THUMBNAIL = 96  # pixels, the longest side of an input view; twice what a desktop shows
QUALITY = 80  # of WebP
LEAST_SPAN = 0.2  # of IoU that the height of the curve over the slider stands for; so in web/src/report.js
GROWS = "The slider under it lets the reconstruction grow view by view: pictures not used yet are dimmed."
INTRODUCTIONS = {"best": "The highest IoU of all, the best one first.",
                 "median": "As many objects are better as are worse.",
                 "worst": "The lowest IoU of all, the worst one last."}


def gallery(shown: Sequence[ShownObject], edges: Tuple[float, ...], threshold: float, views: int) -> str:
    """All objects, in their places' groups.

    Args:
        edges: thresholds that the slider offers; *threshold*, the result's, is one of them.
        views: the view count that places are by.
    """
    if not shown:
        return ""
    groups, first = [], 0
    for place in PLACES:
        members = [each for each in shown if each.place == place]
        if members:
            cards = "".join(_card(each, first + number_, edges) for number_, each in enumerate(members))
            groups.append(f'<h3 class="{place}">{place.capitalize()}</h3><p class="intro">{INTRODUCTIONS[place]}</p>'
                          f'<div class="objects">{cards}</div>')
            first += len(members)
    chosen = edges.index(threshold)
    by = "" if views == 0 else f" with {views_of(views)}"
    grows = " " + GROWS if any(len(each.view_counts) > 1 for each in shown) else ""
    return f"""<section id="objects"><h2>Objects</h2>
<p class="intro">Chosen by their IoU{by}. Drag a shape to turn it, reconstruction and truth together; with the keyboard
the arrow keys do.{grows}
<span class="key prediction">reconstruction, the paler the less certain</span>
<span class="key truth">truth</span></p>
<div id="controls" hidden><label for="threshold">Show voxels from probability</label>
<input id="threshold" type="range" min="0" max="{len(edges) - 1}" step="1" value="{chosen}">
<output id="threshold-value" for="threshold">{threshold:g}</output>
<button id="threshold-reset" type="button" disabled>back to {threshold:g}</button></div>
{"".join(groups)}</section>"""


def _card(shown: ShownObject, place: int, edges: Tuple[float, ...]) -> str:
    name, counts = f"{shown.name} {shown.key}", [int(count) for count in shown.view_counts]
    caption = f'after <span data-show="views">{views_of(counts[-1])}</span>' if counts[-1] else "reconstruction"
    packed = grids.pack(shown.probabilities, shown.truth, edges)
    return f"""<article class="object" id="object-{place}" data-size="{len(shown.truth)}"
 data-counts="{text(json.dumps(counts))}" aria-labelledby="object-{place}-name">
<h4 id="object-{place}-name">{text(shown.name)} <span class="id">{text(_short(shown))}</span></h4>
<p class="score">IoU <output data-show="iou">{number(float(shown.iou[-1]))}</output>
<span data-show="voxels"></span></p>
<div class="panes">{_pane("prediction", f"reconstruction of {name}, in 3D", caption)}
{_pane("truth", f"true shape of {name}, in 3D", "truth")}</div>
{_growth(shown, counts) if len(counts) > 1 else ""}
{_views(shown)}
<script type="text/plain">{packed}</script></article>
"""


def _short(shown: ShownObject) -> str:
    """The key without the synset, which the name stands for."""
    return shown.key[len(shown.synset) + 1:] if shown.key.startswith(f"{shown.synset}/") else shown.key


def _pane(kind: str, label: str, caption: str) -> str:
    return (f'<figure><div class="pane {kind}" data-pane="{kind}" data-label="{text(label)}; the arrow keys turn it">'
            f"<p>The 3D view needs JavaScript, WebGL 2 and DecompressionStream.</p></div>"
            f"<figcaption>{caption}</figcaption></figure>")


def _growth(shown: ShownObject, counts: List[int]) -> str:
    """The slider over view counts, under a curve of the IoU at each of them."""
    scores = [float(score) for score in shown.iou]
    low, span = min(scores), max(max(scores) - min(scores), LEAST_SPAN)
    points = [f"{place} {1 - (score - low) / span:.4f}" for place, score in enumerate(scores)]  # 0 is at the head
    dots = "".join(f"M{point}h0" for point in points)
    ticks = "".join(f'<li>{count}<span class="unseen"> views: IoU </span><span class="at">{score:.2f}</span></li>'
                    for count, score in zip(counts, scores))
    return f"""<div class="growth"><svg viewBox="0 0 {len(counts) - 1} 1" preserveAspectRatio="none"
 aria-hidden="true"><path class="line" d="M{'L'.join(points)}"/><path class="dots" d="{dots}"/><path class="mark"
 d="M{points[-1]}h0"/></svg>
<input type="range" min="0" max="{len(counts) - 1}" step="1" value="{len(counts) - 1}" disabled
 aria-label="number of views" aria-valuetext="{views_of(counts[-1])}"><ol class="counts">{ticks}</ol></div>"""


def _views(shown: ShownObject) -> str:
    pictures = "".join(f"<li>{_thumbnail(view, f'input view {place}')}</li>"
                       for place, view in enumerate(shown.views, 1))
    return f'<ol class="views" aria-label="input views">{pictures}</ol>' if pictures else ""


def _thumbnail(view: np.ndarray, alt: str) -> str:
    image = Image.fromarray(view)
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    content = io.BytesIO()
    image.save(content, "WEBP", quality=QUALITY, method=4)
    return (f'<img src="data:image/webp;base64,{base64.b64encode(content.getvalue()).decode()}" '
            f'width="{image.width}" height="{image.height}" alt="{text(alt)}">')
