"""The report: an evaluation's result and some of its objects -> the sections of its page, in their order."""
from __future__ import annotations

from typing import Any, Mapping, Optional, Sequence

from gluon_r2n2.evaluation.page import errors, facts, numbers
from gluon_r2n2.evaluation.page.document import document
from gluon_r2n2.evaluation.page.gallery import gallery
from gluon_r2n2.evaluation.page.grids import edges
from gluon_r2n2.evaluation.page.shown import ShownObject

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
    sections = [facts.tiles(result), numbers.by_views(result), numbers.by_class(result),
                numbers.other_measures(result), errors.analysis(result, names or {}),
                gallery(shown, edges(threshold), threshold, max(result["views"])), numbers.definitions(result)]
    return document(facts.title(result), facts.header(result), sections, SECTIONS,
                    threshold=threshold if shown else None, step="views")
