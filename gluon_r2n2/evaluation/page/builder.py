"""The report, last step: sections -> one HTML document with its style, its script and a policy that admits no other."""
from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any, Mapping, Optional, Sequence

from gluon_r2n2.evaluation.page import errors, facts, numbers
from gluon_r2n2.evaluation.page.gallery import gallery
from gluon_r2n2.evaluation.page.grids import edges
from gluon_r2n2.evaluation.page.markup import in_script, text
from gluon_r2n2.evaluation.page.shown import ShownObject

STYLE = Path(__file__).with_name("page.css")
SCRIPT = Path(__file__).with_name("report.js")  # built from web/src by `make web`
# CSS colours of the voxels, as tools/pictures.py has them: the least and the most certain of either shape
COLOURS = {"prediction": {"pale": "#bcd3f8", "full": "#4a86e8"}, "truth": {"pale": "#87c280", "full": "#87c280"}}
SECTIONS = {"numbers": "Numbers", "views": "Curves", "classes": "By class", "measures": "Other measures",
            "errors": "Errors", "objects": "Objects", "definitions": "Definitions"}


def build(result: Mapping[str, Any], shown: Sequence[ShownObject], *, names: Optional[Mapping[str, str]] = None
          ) -> str:
    """Return the page as HTML.

    Args:
        result: of an evaluation, format 2 of docs/evaluation.md.
        shown: the objects of the gallery.
        names: by synset, of classes that may appear in the analysis without a sample in the result, as where only a
            few classes were measured; a synset stands for itself where neither names it.

    Raises:
        ValueError: an object's grids do not fit each other.
    """
    threshold = result["threshold"]["value"]
    offered = edges(threshold)
    config = {"edges": offered, "evaluated": offered.index(threshold), "colours": COLOURS}
    sections = [facts.tiles(result), numbers.by_views(result), numbers.by_class(result),
                numbers.other_measures(result), errors.analysis(result, names or {}),
                gallery(shown, offered, threshold, max(result["views"])), numbers.definitions(result)]
    links = "".join(f'<a href="#{name}">{label}</a>' for name, label in SECTIONS.items()
                    if any(f'<section id="{name}"' in section for section in sections))
    style, script = STYLE.read_text(encoding="utf-8"), SCRIPT.read_text(encoding="utf-8")
    known = f'<script type="application/json" id="report-config">{in_script(config)}</script>' if shown else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_policy(style, script)}">
<title>{text(facts.title(result))}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<style>{style}</style></head>
<body>
{facts.header(result)}
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
