"""The report, first step: which objects it shows - the best, the median and the worst - and what is known of each."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Mapping, Sequence, Tuple

import numpy as np

PLACES = ("best", "median", "worst")


@dataclass(frozen=True)
class ShownObject:
    """One evaluated object; V is the grid's size, W the number of view counts."""

    key: str
    synset: str
    name: str  # of the class
    place: str  # one of PLACES
    views: Sequence[np.ndarray]  # (H, W, 3) uint8 sRGB, in the order in which the network sees them; may be empty
    view_counts: Sequence[int]  # W, ascending; (0,) for stored predictions
    probabilities: np.ndarray  # (W, V, V, V) float32 of being occupied, [x, y, z]
    truth: np.ndarray  # (V, V, V) bool
    iou: Sequence[float]  # W, at the result's threshold


def choose(result: Mapping[str, Any], count: int) -> List[Tuple[str, str]]:
    """Choose objects to show, by their IoU at the largest view count.

    Args:
        result: of an evaluation, docs/evaluation.md.
        count: of objects; fewer are chosen where the result has fewer.

    Returns:
        Pairs of key and place, each key once: the best first, then those around the median, then the worst with the
        very worst last. Objects of equal IoU come in the order of their keys.
    """
    largest = str(max(result["views"]))
    ranked = sorted(result["objects"], key=lambda key: (-result["objects"][key]["iou"][largest], key))
    count = min(count, len(ranked))
    best, worst = -(-count // 3), count // 3
    median = count - best - worst
    start = (len(ranked) - median) // 2  # so that as many are better as are worse
    start = min(max(start, best), len(ranked) - worst - median)
    picked = [*ranked[:best], *ranked[start:start + median], *ranked[len(ranked) - worst:]]
    return list(zip(picked, ["best"] * best + ["median"] * median + ["worst"] * worst))
