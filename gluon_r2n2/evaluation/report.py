"""Evaluations -> the JSON file and the terminal table of tools/eval.py."""
from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence

from gluon_r2n2.evaluation.sweep import Evaluation
from gluon_r2n2.metrics import DEFAULT_THRESHOLD

DEFINITIONS = {
    "iou": "voxels in the intersection of prediction and truth over voxels in their union; 1 where both are empty; "
           "a voxel is predicted where its probability of being occupied is >= the threshold",
    "micro": "mean IoU over objects",
    "macro": "mean over classes of the mean IoU over the objects of a class",
    "views": "the network sees the first n views of a fixed random order of each object's views, drawn from the seed",
    "threshold": "one for all view counts and classes, never chosen on the objects reported on",
    "mean_shape": "baseline: the share of all training objects that occupy a voxel, in place of a probability",
    "class_mean": "baseline: the same share within the object's true class, which the network is not told",
}


def summary(evaluation: Evaluation, views: int, threshold: float) -> Dict[str, Any]:
    """IoU at one view count: micro, macro, classes at *threshold*; micro and macro at the fixed 0.4 beside them."""
    micro, macro, classes = evaluation.means(views, threshold)
    fixed_micro, fixed_macro, _ = evaluation.means(views, DEFAULT_THRESHOLD)
    return {"micro": micro, "macro": macro, "classes": classes,
            f"at_{DEFAULT_THRESHOLD}": {"micro": fixed_micro, "macro": fixed_macro}}


def objects(evaluation: Evaluation, threshold: float) -> Dict[str, Dict[str, float]]:
    """IoU of every object at *threshold*: by key, then by view count."""
    column = evaluation.iou()[:, :, evaluation.thresholds.index(threshold)]  # (n, W)
    return {key: {str(count): float(value) for count, value in zip(evaluation.views, row)}
            for key, row in zip(evaluation.keys, column)}


def table(columns: Mapping[str, Mapping[str, Any]], names: Mapping[str, str], counts: Mapping[str, int]) -> str:
    """Lay out summaries as text: a row per class, then macro and micro; a column per entry of *columns*.

    Args:
        columns: summaries by heading.
        names: class names by synset.
        counts: objects by synset.
    """
    def row(label: str, count: int, values: Sequence[float]) -> List[str]:
        return [label, str(count), *(f"{value:.3f}" for value in values)]

    rows = [["class", "objects", *columns]]
    for synset in sorted(counts, key=lambda each: names.get(each, each)):
        rows.append(row(names.get(synset, synset), counts[synset],
                        [column["classes"][synset] for column in columns.values()]))
    for mean in ("macro", "micro"):
        rows.append(row(f"mean ({mean})", sum(counts.values()), [column[mean] for column in columns.values()]))
    widths = [max(len(cells[place]) for cells in rows) for place in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) if place == 0 else cell.rjust(width)
                       for place, (cell, width) in enumerate(zip(cells, widths))) for cells in rows]
    rule = "-" * len(lines[0])
    return "\n".join([lines[0], rule, *lines[1:-2], rule, *lines[-2:]])
