"""Two results on the same objects -> paired differences with intervals, by measure, view count and class."""
from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from gluon_r2n2.errors import ModelError
from gluon_r2n2.evaluation.intervals import Intervals, bootstrap_means
from gluon_r2n2.evaluation.result import BOOTSTRAP
from gluon_r2n2.evaluation.tables import Table, named, views_label
from gluon_r2n2.metrics import mean_iou

FORMAT = "gluon-r2n2 comparison 1"
SAME = {"fingerprint": "data set", "split": "split", "split_sha256": "list of the split's objects",
        "seed": "seed of the views"}
SETTINGS = ("points", "seed", "emd_points")  # of the surfaces: with others the numbers are of another kind


def compare(first: Mapping[str, Any], second: Mapping[str, Any], *, names: Tuple[str, str] = ("A", "B")
            ) -> Dict[str, Any]:
    """Compare the objects and view counts that two results have in common; differences are B - A.

    Args:
        names: of the two, for messages.

    Raises:
        ModelError: they were measured on other data, or share no object or no view count; says what differs.
    """
    differ = [f"the {what} is {_short(first['data'][key])} in {names[0]} and {_short(second['data'][key])} in "
              f"{names[1]}" for key, what in SAME.items() if first["data"][key] != second["data"][key]]
    if differ:
        raise ModelError(f"these results cannot be compared: {'; '.join(differ)}; measure both on the same data, "
                         "split and views")
    views = [count for count in first["views"] if count in second["views"]]
    keys = sorted(set(first["objects"]) & set(second["objects"]))
    for what, common, ours in (("view count", views, "views"), ("object", keys, "objects")):
        if not common:
            raise ModelError(f"these results cannot be compared: no {what} is in both ({names[0]} has "
                             f"{_some(first[ours])}, {names[1]} {_some(second[ours])}); measure both on the same")
    synsets = [key.split("/", 1)[0] for key in keys]
    measures = {}
    for measure in _common_measures(first, second):
        before, after = (np.array([[content["objects"][key][measure][str(count)] for count in views] for key in keys])
                         for content in (first, second))  # (n, W)
        intervals = bootstrap_means(after - before, synsets, **BOOTSTRAP)
        measures[measure] = {str(count): _paired(before[:, column], after[:, column], synsets, intervals, column)
                             for column, count in enumerate(views)}
    return {"format": FORMAT, **{side: _about(content, name) for side, content, name
                                 in zip(("a", "b"), (first, second), names)},
            "data": {key: first["data"][key] for key in SAME}, "objects": len(keys),
            "left_out": {"a": len(first["objects"]) - len(keys), "b": len(second["objects"]) - len(keys)},
            "classes": {synset: {"name": first["classes"][synset]["name"], "samples": synsets.count(synset)}
                        for synset in sorted(set(synsets))},
            "views": views, "bootstrap": dict(BOOTSTRAP), "measures": measures,
            "definitions": {"difference": "b - a, the mean over the same objects",
                            "interval": "bootstrap percentiles of that mean, objects drawn with replacement"}}


def _common_measures(first, second) -> List[str]:
    """The measures of both, those of surfaces only where they were taken alike."""
    measures = ["iou", "cross_entropy", "average_precision"]
    ours, theirs = first["surfaces"], second["surfaces"]
    if ours and theirs and all(ours[key] == theirs[key] for key in SETTINGS):
        measures += [name for name in ours["measures"] if name in theirs["measures"]]
    return measures


def _paired(before: np.ndarray, after: np.ndarray, synsets: Sequence[str], intervals: Intervals, column: int
            ) -> Dict[str, Any]:
    (micro_a, macro_a, classes_a), (micro_b, macro_b, classes_b) = mean_iou(before, synsets), mean_iou(after, synsets)
    micro, macro, classes = mean_iou(after - before, synsets)

    def entry(a: float, b: float, difference: float, ends: np.ndarray) -> Dict[str, Any]:
        return {"a": a, "b": b, "difference": difference, "interval": ends[column].tolist()}

    return {"micro": entry(micro_a, micro_b, micro, intervals.micro),
            "macro": entry(macro_a, macro_b, macro, intervals.macro),
            "classes": {synset: entry(classes_a[synset], classes_b[synset], classes[synset],
                                      intervals.classes[synset]) for synset in sorted(classes)}}


def _about(content: Mapping[str, Any], name: str) -> Dict[str, Any]:
    return {"name": name, "model": content["model"], "threshold": content["threshold"], "version": content["version"],
            "git": content["git"]}


def comparison_tables(compared: Mapping[str, Any]) -> List[Table]:
    """Differences of the IoU by class and view count; all measures by view count; then every interval."""
    counts, classes = [str(count) for count in compared["views"]], compared["classes"]
    level = compared["bootstrap"]["level"]
    ordered = sorted(classes, key=lambda synset: classes[synset]["name"])
    iou, labels = compared["measures"]["iou"], [views_label(count) for count in counts]
    rows = [(classes[synset]["name"], classes[synset]["samples"],
             *(_marked(iou[count]["classes"][synset], 3) for count in counts)) for synset in ordered]
    means = [(f"mean ({mean})", compared["objects"], *(_marked(iou[count][mean], 3) for count in counts))
             for mean in ("macro", "micro")]
    tables = [Table("IoU, B - A", ("class", "objects", *labels), tuple(rows), tuple(means), (
        f"*: 0 lies outside of the {level:.0%} interval of the difference over the same objects.",
        *(f"{side.upper()} is {compared[side]['name']}, at threshold {compared[side]['threshold']['value']:g}."
          for side in ("a", "b"))))]
    rows = []
    for measure, by_views in compared["measures"].items():
        title, decimals = named(measure)
        for mean in ("macro", "micro"):
            rows.append((title, mean, *(_marked(by_views[count][mean], decimals) for count in counts)))
    tables.append(Table("All measures, B - A", ("measure", "mean", *labels), tuple(rows), notes=(
        "Lower is better for cross-entropy, Chamfer and Earth Mover's distance.",)))
    for measure, by_views in compared["measures"].items():
        title, decimals = named(measure)
        for count in counts:
            tables.append(Table(
                f"{title}, {views_label(count)}", ("class", "objects", "A", "B", "B - A", "from", "to"),
                tuple(_full(classes[synset]["name"], classes[synset]["samples"], by_views[count]["classes"][synset])
                      for synset in ordered),
                tuple(_full(f"mean ({mean})", compared["objects"], by_views[count][mean])
                      for mean in ("macro", "micro")),
                (f"from, to: the {level:.0%} interval of B - A.",), decimals))
    return tables


def _marked(entry: Mapping[str, Any], decimals: int) -> str:
    low, high = entry["interval"]
    return f"{entry['difference']:+.{decimals}f}{' ' if low <= 0 <= high else '*'}"


def _full(label: str, count: int, entry: Mapping[str, Any]) -> Tuple:
    return (label, count, entry["a"], entry["b"], entry["difference"], *entry["interval"])


def _short(value: Any) -> str:
    """A hash by its beginning."""
    return f"{value[:12]}..." if isinstance(value, str) and len(value) == 64 else repr(value)


def _some(values) -> str:
    values = [str(value) for value in values]
    return ", ".join(values[:3]) + (f" and {len(values) - 3} more" if len(values) > 3 else "")
