"""The pages, last step: sections -> one HTML document with its style, its script and a policy that admits no other."""
from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Mapping, Optional, Sequence

from gluon_r2n2.evaluation.page.grids import edges
from gluon_r2n2.evaluation.page.markup import in_script, text

STYLE = Path(__file__).with_name("page.css")
SCRIPT = Path(__file__).with_name("report.js")  # built from web/src by `make web`
# CSS colours of the voxels, as tools/pictures.py has them: the least and the most certain of either shape
COLOURS = {"prediction": {"pale": "#bcd3f8", "full": "#4a86e8"}, "truth": {"pale": "#87c280", "full": "#87c280"}}


def document(title: str, header: str, sections: Sequence[str], names: Mapping[str, str], *, threshold: Optional[float],
             step: str) -> str:
    """Return a page as HTML.

    Args:
        title: text.
        header: HTML.
        sections: HTML each; one without content is left out.
        names: of sections by their id, for the links at the head of the page.
        threshold: from which probability on the cards show a voxel at first; None where there are no cards.
        step: what the page's address calls the place of a card's slider.
    """
    links = "".join(f'<a href="#{name}">{label}</a>' for name, label in names.items()
                    if any(f'<section id="{name}"' in section for section in sections))
    style, script = STYLE.read_text(encoding="utf-8"), SCRIPT.read_text(encoding="utf-8")
    known = ""
    if threshold is not None:
        offered = edges(threshold)
        config = {"edges": offered, "evaluated": offered.index(threshold), "colours": COLOURS, "step": step}
        known = f'<script type="application/json" id="report-config">{in_script(config)}</script>'
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">
<title>{text(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<style>{style}</style></head>
<body>
{header}
<nav class="wrap" aria-label="sections">{links}</nav>
<main class="wrap">
{"".join(sections)}
</main>
<footer class="wrap">This file is complete: it can be kept, mailed and opened without a network.</footer>
{known}
<script>{script}</script>
</body></html>
"""


def _policy(style: str, script: str) -> str:
    """A content security policy that runs this style and this script and loads nothing but embedded pictures."""
    def source(content: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"

    return (f"default-src 'none'; script-src {source(script)}; style-src {source(style)}; img-src data:; "
            f"base-uri 'none'; form-action 'none'")
