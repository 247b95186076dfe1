"""The report: curves as inline SVG, coloured by page.css for light and dark. No script is needed to see them."""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, List, Mapping, Optional, Sequence, Tuple

from gluon_r2n2.evaluation.page.markup import number, text, views_of

WIDTH, HEIGHT = 460, 300  # units of a plot, close to pixels on a desktop
BASELINES = {"class_mean": "mean shape of the true class", "mean_shape": "mean training shape"}
LEFT, RIGHT, TOP, BOTTOM = 42, 14, 28, 46  # margins


@dataclass(frozen=True)
class Axes:
    """Where data lie on a plot."""

    across: Tuple[float, float]  # range of x
    up: Tuple[float, float]  # range of y

    def x(self, value: float) -> float:
        low, high = self.across
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - low) / (high - low)

    def y(self, value: float) -> float:
        low, high = self.up
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low)

    def points(self, xs: Sequence[float], ys: Sequence[float]) -> str:
        return " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in zip(xs, ys))

    def frame(self, *, xticks: Sequence[Tuple[float, str]], yticks: Sequence[float], xlabel: str, ylabel: str,
              digits: int = 2) -> str:
        """Grid lines, numbers and names of both axes."""
        lines = [f'<path d="M{LEFT} {self.y(tick):.1f}H{WIDTH - RIGHT}" class="grid"/>'
                 f'<text x="{LEFT - 8}" y="{self.y(tick) + 4:.1f}" class="end">{tick:.{digits}f}</text>'
                 for tick in yticks]
        numbers = [f'<text x="{self.x(tick):.1f}" y="{HEIGHT - BOTTOM + 19}" class="mid">{text(label)}</text>'
                   for tick, label in xticks]
        middle = (LEFT + WIDTH - RIGHT) / 2
        return ("".join(lines + numbers)
                + f'<text x="{middle}" y="{HEIGHT - 8}" class="mid name">{text(xlabel)}</text>'
                + f'<text x="4" y="12" class="name">{text(ylabel)}</text>')


def svg(content: str, label: str, width: float = WIDTH, height: float = HEIGHT, kind: str = "plot") -> str:
    """A picture read out as *label*; half as large again as its units where page.css does not stretch it."""
    return (f'<svg class="{kind}" width="{1.5 * width:g}" viewBox="0 0 {width:g} {height:g}" role="img" '
            f'aria-label="{text(label)}">{content}</svg>')


def nice_ticks(low: float, high: float, *, least: float = 0.0, most: float = 1.0) -> List[float]:
    """Ticks at 0.02, 0.05, 0.1 or 0.2 that enclose low..high with room for labels, within least..most."""
    span = max(high - low, 0.02)
    step = next((each for each in (0.02, 0.05, 0.1) if span / each <= 6), 0.2)
    first = max(math.floor(low / step - 0.3), math.ceil(least / step - 1e-9))
    last = min(math.ceil(high / step + 0.3), math.floor(most / step + 1e-9))
    return [round(step * place, 4) for place in range(first, max(last, first + 1) + 1)]


def iou_by_views(result: Mapping[str, Any]) -> str:
    """Micro IoU with its interval, macro IoU, and the baselines as broken lines, over the number of views."""
    counts, iou = result["views"], result["iou"]
    micro, macro = ([iou[str(count)][mean] for count in counts] for mean in ("micro", "macro"))
    bands = [(iou[str(count)].get("intervals") or {}).get("micro") for count in counts]
    baselines = {name: result["baselines"][name]["micro"] for name in BASELINES} if result.get("baselines") else {}
    heights = [*micro, *macro, *baselines.values(), *(end for band in bands if band for end in band)]
    ticks = nice_ticks(min(heights), max(heights))
    room = max((counts[-1] - counts[0]) * 0.04, 0.4)
    axes = Axes((counts[0] - room, counts[-1] + room), (ticks[0], ticks[-1]))
    parts = [axes.frame(xticks=[(count, str(count)) for count in readable(counts)], yticks=ticks,
                        xlabel="number of views", ylabel="IoU")]
    if all(bands):
        outline = axes.points([*counts, *reversed(counts)],
                              [*(low for low, _ in bands), *(high for _, high in reversed(bands))])
        parts.append(f'<polygon points="{outline}" class="band"/>')
    parts += [f'<path d="M{LEFT} {axes.y(value):.1f}H{WIDTH - RIGHT}" class="base {name}"/>'
              for name, value in baselines.items()]
    parts.append(f'<polyline points="{axes.points(counts, macro)}" class="second"/>'
                 f'<polyline points="{axes.points(counts, micro)}" class="first"/>')
    for mean, values, kind in (("macro", macro, "second"), ("micro", micro, "first")):
        parts += [f'<circle cx="{axes.x(count):.1f}" cy="{axes.y(value):.1f}" r="4" class="{kind}"><title>'
                  f"{views_of(count)}: {mean} {number(value)}</title></circle>" for count, value in zip(counts, values)]
    return svg("".join(parts), "IoU by number of views; the numbers are in the table of all view counts")


def readable(counts: Sequence[int]) -> List[int]:
    """Those of *counts* whose numbers do not touch along the axis; the first and the last are kept."""
    least = (counts[-1] - counts[0]) / 22
    kept = [counts[0]]
    for count in counts[1:]:
        if count - kept[-1] >= least:
            kept.append(count)
    if counts[-1] not in kept:
        kept[-1] = counts[-1]
    return kept


def precision_recall(result: Mapping[str, Any]) -> str:
    """A curve per view count, the stronger the more views; a dot where the result's threshold lies."""
    curves = result["precision_recall"]
    axes = Axes((0.0, 1.0), (0.0, 1.0))
    ticks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    parts = [axes.frame(xticks=[(tick, f"{tick:g}") for tick in ticks], yticks=ticks, xlabel="recall",
                        ylabel="precision", digits=1)]
    for place, count in enumerate(result["views"]):
        curve, strength = curves[str(count)], strength_of(place, len(result["views"]))
        recall, precision = _operating_point(curve, result["threshold"]["value"])
        parts.append(f'<g stroke-opacity="{strength:.2f}" fill-opacity="{strength:.2f}">'
                     f"<title>{views_of(count)}</title>"
                     f'<polyline points="{axes.points(curve["recall"], curve["precision"])}" class="curve"/>'
                     f'<circle cx="{axes.x(recall):.1f}" cy="{axes.y(precision):.1f}" r="3.5" class="first"/></g>')
    return svg("".join(parts), "precision over recall of voxels, a curve per number of views; the average precisions "
                               "are in the table of other measures")


def strength_of(place: int, count: int) -> float:
    """Opacity of the curve at *place* of *count*."""
    return 1.0 if count == 1 else 0.35 + 0.65 * place / (count - 1)


def _operating_point(curve: Mapping[str, Sequence[float]], threshold: float) -> Tuple[float, float]:
    """(recall, precision) at the curve's threshold next to *threshold*."""
    place = min(range(len(curve["thresholds"])), key=lambda each: abs(curve["thresholds"][each] - threshold))
    return curve["recall"][place], curve["precision"][place]


def bar(value: Optional[float], *, band: Optional[Sequence[float]] = None, mark: Optional[float] = None) -> str:
    """A bar of 0..1 for a table cell, with an interval and a mark of what to compare it with."""
    if value is None:
        return ""
    parts = [f'<rect class="rail" width="100" height="12"/><rect class="bar" width="{100 * value:.1f}" height="12"/>']
    if band:
        parts.append(f'<rect class="whisker" x="{100 * band[0]:.1f}" width="{100 * (band[1] - band[0]):.1f}" y="5" '
                     f'height="2"/>')
    if mark is not None:
        parts.append(f'<rect class="mark" x="{100 * mark - 0.5:.1f}" width="1" height="12"/>')
    return (f'<svg class="meter" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">'
            f'{"".join(parts)}</svg>')
