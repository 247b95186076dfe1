"""Error analysis, last step: an evaluation and what was collected beside it -> `result["analysis"]`, plain values.

Groups (G) are {count, mean, error, relative, relative_error}, see `groups.group`; ranges are {from, to} and a G:

    views, threshold, objects   the analysed view count, the threshold on probabilities, the number of objects
    occupancy    {views, bins: [range], spearman: {rho, p}, within_classes: {rho, classes}}
    angle        {views: 1, note, azimuth: [range of 30 degrees] | None, elevation: [range] | None}
    classes      None | {views, shape_threshold, beat, below: [synset],
                         rows: {synset: {objects, iou, class_mean, difference, error, beat}}}
    confusion    None | {views, shape_threshold, rows: [synset], columns: [synset], same,
                         prediction: {counts: [[int]], none: [int], own}, truth: {counts, none, own}}
    added        {note, steps: [{views, count, mean, error}], and ranked: view: [{view, G}] | None,
                  azimuth: [range] | None, elevation: [range] | None, apart: [range] | None}
    first        {note, view, azimuth, elevation}, ranked as those of added
    shared_cameras   whether a stored view has one camera in all objects; None where that is not known

A note says in a sentence why a part is None. What each part means and how to read it: docs/analysis.md.
"""
from __future__ import annotations

from typing import Any, Dict, Optional, Sequence

import numpy as np
from scipy import stats

from gluon_r2n2.evaluation.analysis import groups
from gluon_r2n2.evaluation.analysis.collect import NearestShapes, analysed_views
from gluon_r2n2.evaluation.analysis.directions import added_views, against_angle, first_views, shared_cameras
from gluon_r2n2.evaluation.baselines import NO_VIEWS
from gluon_r2n2.evaluation.sweep import Evaluation

OCCUPANCY_BINS = 10  # at most
UNKNOWN_VIEWS = "the views that the predictions were made of are not known"


def analyse(evaluation: Evaluation, threshold: float, occupancy: np.ndarray, *, stored: Optional[np.ndarray] = None,
            cameras: Optional[np.ndarray] = None, nearest: Optional[NearestShapes] = None) -> Dict[str, Any]:
    """All findings on n samples, in the form that the module's docstring gives.

    Args:
        evaluation: of the samples; one of its thresholds is *threshold*.
        occupancy: (n,) share of the cells that the truth occupies (`Seen.occupancy`).
        stored: (n, T) which stored view was given at each position (`Seen.views`); None where there were no views.
        cameras: (n, T, 4) of those views: azimuth, elevation, in-plane rotation (degrees), distance ratio; rows of
            NaN, or None for all, where they are not known.
        nearest: the watcher of the same sweep; without it there is no comparison with mean shapes.

    Raises:
        ValueError: arrays of another number of samples or positions.
    """
    values = evaluation.iou()[:, :, evaluation.thresholds.index(threshold)]  # (n, W)
    count, views = len(values), analysed_views(evaluation.views)
    _check("occupancy", occupancy, (count,))
    if stored is not None:
        _check("stored", stored, (count, stored.shape[-1]))
    if cameras is not None:
        _check("cameras", cameras, (*(stored.shape if stored is not None else (count, cameras.shape[1])), 4))
        known = np.isfinite(cameras).all(axis=-1, keepdims=True)
        cameras = np.where(known, cameras, np.nan).astype(np.float64) if known.any() else None
    # the samples by their keys: no sum depends on the order in which they came, not in its last bit
    order = np.argsort(evaluation.keys)
    values, occupancy, synsets = values[order], occupancy[order], [evaluation.synsets[place] for place in order]
    stored, cameras = (None if array is None else array[order] for array in (stored, cameras))
    column = values[:, evaluation.views.index(views)]
    single = values[:, evaluation.views.index(1)] if 1 in evaluation.views else None
    result: Dict[str, Any] = {
        "views": views, "threshold": float(threshold), "objects": count,
        "occupancy": {"views": views, **against_occupancy(column, occupancy, synsets)},
        "angle": {"views": 1, **against_angle(single, cameras, synsets)},
        "classes": None, "confusion": None,
        "added": added_views(values, evaluation.views, stored, cameras),
        "first": first_views(single, synsets, stored, cameras),
        "shared_cameras": shared_cameras(stored, cameras)}
    if evaluation.views == (NO_VIEWS,):
        for part in ("angle", "added", "first"):
            result[part]["note"] = UNKNOWN_VIEWS
    if nearest is not None:
        _check("nearest", nearest.baseline, (count,))
        source = {"views": nearest.view_count, "shape_threshold": float(nearest.shape_threshold)}
        result["classes"] = {**source, **against_class_means(column, nearest.baseline[order], synsets)}
        result["confusion"] = {**source, **confusion(nearest.prediction[order], nearest.truth[order], synsets,
                                                     nearest.columns)}
    return result


def _check(name: str, array: np.ndarray, shape) -> None:
    if array.shape != tuple(shape):
        raise ValueError(f"wanted {name} of shape {tuple(shape)}, one row for every evaluated sample, "
                         f"got {array.shape}")


def against_occupancy(values: np.ndarray, occupancy: np.ndarray, synsets: Sequence[str]) -> Dict[str, Any]:
    """IoU (n,) in bins of equally many samples by the share of occupied cells (n,), and Spearman's rank correlation."""
    places = [np.array(synsets) == synset for synset in sorted(set(synsets))]
    within = [(place.sum(), _spearman(occupancy[place], values[place])["rho"]) for place in places]
    within = [(weight, rho) for weight, rho in within if rho is not None]
    rho = float(np.average([rho for _, rho in within], weights=[weight for weight, _ in within])) if within else None
    return {"bins": groups.by_range(groups.quantiles(occupancy, OCCUPANCY_BINS), occupancy, values,
                                    groups.relative_to(values, synsets)),
            "spearman": _spearman(occupancy, values), "within_classes": {"rho": rho, "classes": len(within)}}


def _spearman(first: np.ndarray, second: np.ndarray) -> Dict[str, Optional[float]]:
    # of two samples it is always 1 or -1, and ranks of equal numbers have none
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return {"rho": None, "p": None}
    rho, p = stats.spearmanr(first, second)
    return {"rho": float(rho), "p": float(p)}


def against_class_means(values: np.ndarray, baseline: np.ndarray, synsets: Sequence[str]) -> Dict[str, Any]:
    """Which classes and how many objects are better, IoU (n,), than the mean shape of their class, IoU (n,)."""
    rows = {}
    for synset in sorted(set(synsets)):
        place = np.array(synsets) == synset
        difference, error = groups.mean_and_error((values - baseline)[place])
        rows[synset] = {"objects": int(place.sum()), "iou": float(values[place].mean()),
                        "class_mean": float(baseline[place].mean()), "difference": difference, "error": error,
                        "beat": float((values > baseline)[place].mean())}
    below = sorted((synset for synset, row in rows.items() if row["difference"] < 0),
                   key=lambda synset: rows[synset]["difference"])
    return {"beat": float((values > baseline).mean()), "below": below, "rows": rows}


def confusion(prediction: np.ndarray, truth: np.ndarray, synsets: Sequence[str], columns: Sequence[str]
              ) -> Dict[str, Any]:
    """True class by the class whose mean shape is most alike, for predictions and, as the ceiling, for the truth.

    Args:
        prediction, truth: (n, C) likeness to the mean shapes of the *columns*; the first of equals counts, and a
            row of zeros, a shape that overlaps none of them, counts as none.
        synsets: n true classes.
    """
    rows = sorted(set(synsets))
    row = np.array([rows.index(synset) for synset in synsets])
    none, names = len(columns), (*columns, None)
    result: Dict[str, Any] = {"rows": rows, "columns": list(columns)}
    found = []
    for name, likeness in (("prediction", prediction), ("truth", truth)):
        column = np.where(likeness.max(axis=1) > 0, likeness.argmax(axis=1), none)  # (n,)
        counts = np.zeros((len(rows), none + 1), np.int64)
        np.add.at(counts, (row, column), 1)
        own = np.mean([names[place] == synset for place, synset in zip(column, synsets)])
        result[name] = {"counts": counts[:, :none].tolist(), "none": counts[:, none].tolist(), "own": float(own)}
        found.append(column)
    return {**result, "same": float((found[0] == found[1]).mean())}
