"""The report's objects: input views, both shapes and a slider over view counts of each, in groups by their places."""
from __future__ import annotations

from typing import List, Sequence, Tuple

from gluon_r2n2.evaluation.page.cards import card, controls, pane, slider, thumbnails
from gluon_r2n2.evaluation.page.markup import number, text, views_of
from gluon_r2n2.evaluation.page.shown import PLACES, ShownObject

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
    by = "" if views == 0 else f" with {views_of(views)}"
    grows = " " + GROWS if any(len(each.view_counts) > 1 for each in shown) else ""
    return f"""<section id="objects"><h2>Objects</h2>
<p class="intro">Chosen by their IoU{by}. Drag a shape to turn it, reconstruction and truth together; with the keyboard
the arrow keys do.{grows}
<span class="key prediction">reconstruction, the paler the less certain</span>
<span class="key truth">truth</span></p>
{controls(edges, threshold)}
{"".join(groups)}</section>"""


def _card(shown: ShownObject, place: int, edges: Tuple[float, ...]) -> str:
    name, counts = f"{shown.name} {shown.key}", [int(count) for count in shown.view_counts]
    names = [views_of(count) for count in counts]
    caption = f'after <span data-show="step">{names[-1]}</span>' if counts[-1] else "reconstruction"
    views = [(f"input view {number_}", view) for number_, view in enumerate(shown.views, 1)]
    content = f"""<p class="score">IoU <output data-show="iou">{number(float(shown.iou[-1]))}</output>
<span data-show="voxels"></span></p>
<div class="panes">{pane("prediction", f"reconstruction of {name}, in 3D", caption)}
{pane("truth", f"true shape of {name}, in 3D", "truth")}</div>
{_growth(shown, counts, names) if len(counts) > 1 else ""}
{thumbnails(views, "input views")}"""
    return card(place, f'{text(shown.name)} <span class="id">{text(_short(shown))}</span>', content,
                probabilities=shown.probabilities, truth=shown.truth, edges=edges, counts=counts, names=names)


def _short(shown: ShownObject) -> str:
    """The key without the synset, which the name stands for."""
    return shown.key[len(shown.synset) + 1:] if shown.key.startswith(f"{shown.synset}/") else shown.key


def _growth(shown: ShownObject, counts: List[int], names: List[str]) -> str:
    """The slider over view counts, with the IoU at each of them."""
    scores = [float(score) for score in shown.iou]
    ticks = "".join(f'<li>{count}<span class="unseen"> views: IoU </span><span class="at">{score:.2f}</span></li>'
                    for count, score in zip(counts, scores))
    return slider(scores, names, label="number of views", ticks=f'<ol class="counts">{ticks}</ol>')
