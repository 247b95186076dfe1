"""The report's pictures of the error analysis, as inline SVG: columns, a rose of directions, a confusion matrix."""
from __future__ import annotations

import math
from typing import Any, List, Mapping, Optional, Sequence

from gluon_r2n2.evaluation.page.markup import clipped, number, text
from gluon_r2n2.evaluation.page.plots import Axes, nice_ticks, svg

ROSE = 300  # edge of the rose's square
CELL = 30  # edge of a cell of the matrix
LARGE = 400  # width from which a matrix rather scrolls on a phone than shrinks with it


def columns(groups: Sequence[Mapping[str, Any]], labels: Sequence[str], *, xlabel: str, ylabel: str, label: str) -> str:
    """A column per group: its mean, with a whisker of one standard error to both sides."""
    tops = [each["mean"] + (each["error"] or 0) for each in groups if each["mean"] is not None]
    ends = [each["mean"] - (each["error"] or 0) for each in groups if each["mean"] is not None]
    ticks = nice_ticks(min([0.0, *ends]), max([*tops, 0.02]), least=-1.0 if min([0.0, *ends]) < 0 else 0.0)
    axes = Axes((0, len(groups)), (ticks[0], ticks[-1]))
    parts = [axes.frame(xticks=[(place + 0.5, name) for place, name in enumerate(labels)], yticks=ticks, xlabel=xlabel,
                        ylabel=ylabel)]
    for place, each in enumerate(groups):
        if each["mean"] is None:
            continue
        left, right = axes.x(place + 0.14), axes.x(place + 0.86)
        high, low = sorted((axes.y(each["mean"]), axes.y(0)))
        parts.append(f'<rect x="{left:.1f}" width="{right - left:.1f}" y="{high:.1f}" height="{low - high:.1f}" rx="2" '
                     f'class="column"><title>{text(labels[place])}: {number(each["mean"])} '
                     f'({each["count"]:,})</title></rect>')
        if each["error"]:
            middle = (left + right) / 2
            parts.append(f'<line x1="{middle:.1f}" x2="{middle:.1f}" y1="{axes.y(each["mean"] - each["error"]):.1f}" '
                         f'y2="{axes.y(each["mean"] + each["error"]):.1f}" class="whisker"/>')
    return svg("".join(parts), label)


def rose(groups: Sequence[Mapping[str, Any]], *, label: str) -> str:
    """A sector per range of azimuth in degrees, seen from above, as long as its mean; the object's front is up."""
    centre, longest = ROSE / 2, ROSE / 2 - 30
    full = nice_ticks(0.0, max([each["mean"] for each in groups if each["mean"] is not None] or [1.0]))[-1]

    def place(azimuth: float, radius: float) -> str:
        # azimuth 0 looks from +x, here to the right, and 90 from +z, the back: down
        angle = math.radians(azimuth)
        return f"{centre + radius * math.cos(angle):.1f} {centre + radius * math.sin(angle):.1f}"

    parts = [f'<circle cx="{centre}" cy="{centre}" r="{longest * share:.1f}" class="grid"/>' for share in (0.5, 1)]
    for each in groups:
        if each["mean"] is None:
            continue
        radius = longest * each["mean"] / full
        arc = f'{place(each["from"] + 1, radius)}A{radius:.1f} {radius:.1f} 0 0 1 {place(each["to"] - 1, radius)}'
        parts.append(f'<path class="column sector" d="M{centre} {centre}L{arc}Z"><title>{each["from"]:g} to '
                     f'{each["to"]:g} degrees: {number(each["mean"])} ({each["count"]:,})</title></path>')
    parts += [f'<text x="{centre + 3}" y="{centre - longest * share - 3:.1f}">{full * share:.2g}</text>'
              for share in (0.5, 1)]
    parts += [f'<text x="{x}" y="{y}" class="{kind} name">{words}</text>' for x, y, kind, words in
              ((centre, 11, "mid", "front"), (centre, ROSE - 4, "mid", "back"), (ROSE - 1, centre + 4, "end", "side"),
               (1, centre + 4, "", "side"))]
    return svg("".join(parts), label, ROSE, ROSE, "plot rose")


def matrix(counts: Sequence[Sequence[int]], none: Sequence[int], rows: Sequence[str], names: Sequence[str], *,
           own: Sequence[Optional[int]], label: str) -> str:
    """Counts by row, the darker the larger their share of the row, and a last column for none of the others.

    Args:
        rows, names: what the rows and columns are called.
        own: by row, the column that is the right answer; it is framed.
    """
    rows, names = ([clipped(name) for name in each] for each in (rows, names))
    table = [[*row, nothing] for row, nothing in zip(counts, none)]
    heads = [*names, "none"] if any(none) else list(names)
    left, top = 8 + 7 * max(map(len, rows)), 8 + 6.2 * max(map(len, heads))
    parts: List[str] = []
    for column, name in enumerate(heads):
        x = left + CELL * (column + 0.5) + 4
        parts.append(f'<text x="{x:g}" y="{top - 6:g}" transform="rotate(-60 {x:g} {top - 6:g})">{text(name)}</text>')
    for row, (name, cells) in enumerate(zip(rows, table)):
        y = top + CELL * row
        parts.append(f'<text x="{left - 6}" y="{y + CELL / 2 + 4:g}" class="end">{text(name)}</text>')
        for column, count in enumerate(cells[:len(heads)]):
            x, share = left + CELL * column, count / max(sum(cells), 1)
            kind = "cell own" if column == own[row] else "cell"
            parts.append(f'<rect x="{x + 1:g}" y="{y + 1:g}" width="{CELL - 2}" height="{CELL - 2}" rx="3" '
                         f'class="{kind}" fill-opacity="{share:.3f}"><title>{text(name)} as {text(heads[column])}: '
                         f"{count} of {sum(cells)}</title></rect>")
            if count:
                parts.append(f'<text x="{x + CELL / 2:g}" y="{y + CELL / 2 + 4:g}" class="mid">{count}</text>')
    # columns lean to the right, so there is room for the last one's name
    width = left + CELL * len(heads) + 3.6 * len(heads[-1]) + 8
    return svg("".join(parts), label, width, top + CELL * len(rows) + 4,
               "matrix large" if width > LARGE else "matrix")


def difference(value: Optional[float], largest: float) -> str:
    """A bar to the right for more than usual and to the left for less, for a table cell."""
    if value is None or not largest:
        return ""
    length = 50 * abs(value) / largest
    return (f'<svg class="meter" viewBox="0 0 100 12" preserveAspectRatio="none" aria-hidden="true">'
            f'<rect class="rail" x="49.7" width=".6" height="12"/><rect class="{"bar" if value >= 0 else "less"}" '
            f'x="{50 if value >= 0 else 50 - length:.1f}" width="{length:.1f}" height="12"/></svg>')
