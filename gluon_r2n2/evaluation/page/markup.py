"""The report: pieces of HTML that all its sections use. Whatever comes from data passes through `text`."""
from __future__ import annotations

import html
import json
import math
from typing import Any, Optional, Sequence

ABSENT = "\u2013"  # an en dash, where there is no number
LONGEST = 32  # letters of a name in a table


def text(value: Any) -> str:
    """*value* as text, safe between tags and within quoted attributes."""
    return html.escape(str(value), quote=True)


def clipped(name: str) -> str:
    """*name*, with its middle left out where it would not fit beside numbers."""
    return name if len(name) <= LONGEST else f"{name[:LONGEST - 9]}\u2026{name[-8:]}"


def number(value: Optional[float], digits: int = 3) -> str:
    """A fixed number of digits; a dash for None and NaN."""
    return ABSENT if value is None or math.isnan(value) else f"{value:.{digits}f}"


def interval(bounds: Optional[Sequence[float]]) -> str:
    """Both ends of an interval in brackets; nothing where there is none."""
    return f"[{number(bounds[0])}, {number(bounds[1])}]" if bounds else ""


def views_of(count: int) -> str:
    """`1 view`, `5 views`; view count 0 is that of predictions that were stored by others."""
    return "stored predictions" if count == 0 else "1 view" if count == 1 else f"{count} views"


def in_script(value: Any) -> str:
    """*value* as JSON that may stand within a <script>: no `<`, so that nothing in it can end the element."""
    return json.dumps(value).replace("<", "\\u003c")


def table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str]], *, kind: str = "") -> str:
    """A table that scrolls within itself where it is too wide.

    Args:
        caption: text, for those who do not see the surroundings.
        headings: HTML of each column's heading.
        rows: HTML of the cells; the first of a row is its heading. A cell that starts with `<td` is taken as it is.
        kind: CSS classes of the table.
    """
    head = "".join(f'<th scope="col">{heading}</th>' for heading in headings)
    body = "".join(
        f'<tr><th scope="row">{first}</th>'
        + "".join(cell if cell.startswith("<td") else f"<td>{cell}</td>" for cell in cells) + "</tr>\n"
        for first, *cells in rows)
    return (f'<div class="scroll" tabindex="0" role="region" aria-label="{text(caption)}"><table class="{kind}">'
            f"<caption>{text(caption)}</caption><thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table></div>")
