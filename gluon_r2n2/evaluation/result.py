"""An evaluation and all that was measured with it -> the JSON file of tools/eval.py, format 2, and back."""
from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any, Dict, Iterable, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from gluon_r2n2.errors import ModelError
from gluon_r2n2.evaluation.intervals import bootstrap_means
from gluon_r2n2.evaluation.surface_scores import SurfaceScores
from gluon_r2n2.evaluation.sweep import Evaluation
from gluon_r2n2.evaluation.voxel_scores import VoxelScores
from gluon_r2n2.metrics import mean_iou

FORMAT = 2
FIXED_THRESHOLDS = (0.3, 0.4, 0.5)  # beside the chosen one
BOOTSTRAP: Dict[str, Any] = {"resamples": 2000, "level": 0.95, "seed": 0}
_DAMAGE = (KeyError, TypeError, ValueError, AttributeError, OverflowError)

DEFINITIONS = {
    "iou": "voxels in the intersection of prediction and truth over voxels in their union; 1 where both are empty; "
           "a voxel is predicted where its probability of being occupied is >= the threshold",
    "micro": "mean over objects",
    "macro": "mean over classes of the mean over the objects of a class",
    "views": "the network sees the first n views of a random order of each object's views, which depends on the seed "
             "and the object only; 0: stored predictions, of which it is not known",
    "threshold": "one for all view counts and classes; its source tells which objects it was chosen on",
    "at": "mean IoU at fixed thresholds",
    "intervals": "bootstrap percentiles of the mean, objects drawn with replacement (macro: within each class)",
    "cross_entropy": "mean over voxels of -ln(probability given to the truth)",
    "average_precision": "mean over an object's occupied voxels of the precision at their probability; pooled: over "
                         "the voxels of all objects together",
    "precision_recall": "of the voxels of all objects together, by threshold",
    "surfaces": "marching cubes of prediction (at the threshold) and truth (at 0.5) in the unit cube, points drawn "
                "evenly by area; chamfer_squared, chamfer_plain: the mean squared and the mean plain distance to the "
                "other surface, both ways added; f_score_d: harmonic mean of the shares of points nearer than d; "
                "normal_consistency: mean |cosine| of the normals of nearest points; emd: mean distance of the "
                "cheapest assignment, one point to one",
    "mean_shape": "baseline: the share of all training objects that occupy a voxel, in place of a probability",
    "class_mean": "baseline: the same share within the object's true class, which the network is not told",
}


def build_result(evaluation: Evaluation, *, threshold: float, source: str, voxels: VoxelScores,
                 origin: Mapping[str, Any], names: Mapping[str, str], surfaces: Optional[SurfaceScores] = None,
                 baselines: Optional[Mapping[str, Any]] = None, analysis: Optional[Mapping[str, Any]] = None
                 ) -> Dict[str, Any]:
    """Put together what is written; nothing in it depends on the order of the objects.

    Args:
        evaluation: at *threshold* and FIXED_THRESHOLDS at least.
        source: how the threshold was chosen, in words.
        voxels, surfaces: the watchers of the same sweep.
        origin: ``version``, ``git``, ``command``, ``model`` and ``data``.
        names: class names by synset.
    """
    synsets, views = evaluation.synsets, evaluation.views
    iou = evaluation.iou()  # (n, W, K)
    at_threshold = iou[:, :, evaluation.thresholds.index(threshold)]
    intervals = bootstrap_means(at_threshold, synsets, **BOOTSTRAP)
    content: Dict[str, Any] = {"format": FORMAT, **origin}
    content["classes"] = {synset: {"name": names.get(synset, synset), "samples": synsets.count(synset)}
                          for synset in sorted(set(synsets))}
    content["threshold"] = {"value": threshold, "source": source}
    content["views"] = list(views)
    content["iou"] = means(at_threshold, synsets, views)
    for column, summary in enumerate(content["iou"].values()):
        summary["intervals"] = {"micro": intervals.micro[column].tolist(), "macro": intervals.macro[column].tolist(),
                                "classes": {synset: ends[column].tolist()
                                            for synset, ends in sorted(intervals.classes.items())}}
        summary["at"] = {}
        for fixed in FIXED_THRESHOLDS:
            micro, macro, _ = evaluation.means(views[column], fixed)
            summary["at"][str(fixed)] = {"micro": micro, "macro": macro}
    measures = {"iou": at_threshold, "cross_entropy": voxels.cross_entropy,
                "average_precision": voxels.average_precision}
    for name in ("cross_entropy", "average_precision"):
        content[name] = means(measures[name], synsets, views)
    content["precision_recall"] = {}
    for count in views:
        content["average_precision"][str(count)]["pooled"] = voxels.pooled_average_precision(count)
        content["precision_recall"][str(count)] = {
            name: array.tolist() for name, array in voxels.precision_recall(count)._asdict().items()}
    content["surfaces"] = None
    if surfaces is not None:
        measures.update(surfaces.values)
        content["surfaces"] = {"points": surfaces.points, "seed": surfaces.seed, "emd_points": surfaces.emd_points,
                               "measures": {name: means(values, synsets, views)
                                            for name, values in surfaces.values.items()}}
    content["baselines"], content["analysis"] = baselines, analysis
    content["bootstrap"] = dict(BOOTSTRAP)
    content["objects"] = {evaluation.keys[row]: {name: _by_view(values[row], views)
                                                 for name, values in measures.items()}
                          for row in np.argsort(evaluation.keys)}
    content["definitions"] = DEFINITIONS
    return content


def means(values: np.ndarray, synsets: Sequence[str], views: Sequence[int]) -> Dict[str, Dict[str, Any]]:
    """By view count the means of one measure.

    Args:
        values: (n, W) per object and view count.
    """
    found = {}
    for column, count in enumerate(views):
        micro, macro, classes = mean_iou(values[:, column], synsets)
        found[str(count)] = {"micro": micro, "macro": macro, "classes": classes}
    return found


def _by_view(row: np.ndarray, views: Sequence[int]) -> Dict[str, float]:
    return {str(count): float(value) for count, value in zip(views, row)}


def read_result(path: Union[str, Path]) -> Dict[str, Any]:
    """Read and check a file that `build_result` made the content of.

    Raises:
        ModelError: no such file content; of another format; damaged.
        OSError: the file cannot be read.
    """
    path = Path(path)
    try:
        content = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ModelError(f"{path}: is no JSON ({error}); give a file that tools/eval.py --json wrote") from None
    if isinstance(content, dict) and content.get("kind") == "generative":
        raise ModelError(f"{path}: holds measures of made-up shapes, which have no objects to be compared by; set its "
                         "table beside the other's")
    if not isinstance(content, dict) or not {"format", "iou", "objects"} <= set(content):
        raise ModelError(f"{path}: is no result of tools/eval.py; give a file that its --json wrote")
    if content["format"] != FORMAT:
        raise ModelError(f"{path}: has format {content['format']!r}, this program reads {FORMAT}; measure again with "
                         "tools/eval.py --json")
    try:
        _check(content)
    except _DAMAGE as error:
        raise ModelError(f"{path}: is damaged or was changed ({type(error).__name__}: {error}); measure again with "
                         "tools/eval.py --json") from None
    return content


def _check(content: Mapping[str, Any]) -> None:
    """Raise an error of `_DAMAGE` where *content* lacks what its readers take for granted."""
    for name in ("version", "git", "command", "model", "precision_recall", "baselines", "analysis", "bootstrap",
                 "definitions"):
        content[name]
    data, classes, threshold = content["data"], content["classes"], content["threshold"]
    surfaces = content["surfaces"] or {"points": 0, "seed": 0, "emd_points": 0, "measures": {}}
    _hold((data["fingerprint"], data["split"], data["split_sha256"], threshold["source"],
           *(entry["name"] for entry in classes.values())), str)
    _hold((data["seed"], data["samples"], surfaces["points"], surfaces["seed"], surfaces["emd_points"],
           *content["views"]), int)
    _hold([threshold["value"]], (int, float))
    if not content["views"]:
        raise ValueError("no view counts")
    if Counter(key.split("/")[0] for key in content["objects"]) != {synset: entry["samples"]
                                                                    for synset, entry in classes.items()}:
        raise ValueError("the objects are not as many as their classes say")
    tables = {name: content[name] for name in ("iou", "cross_entropy", "average_precision")}
    tables.update(surfaces["measures"])
    counts = [str(count) for count in content["views"]]
    for name, table in tables.items():
        for count in counts:
            entry = table[count]
            _hold((entry["micro"], entry["macro"], *(entry["classes"][synset] for synset in classes)), (int, float))
        for scores in content["objects"].values():
            _hold([scores[name][count] for count in counts], (int, float))


def _hold(values: Iterable[Any], kind: Union[type, Tuple[type, ...]]) -> None:
    """Raise an error of `_DAMAGE` where one of *values* is of another kind, or a number that is not finite."""
    for value in values:
        fits = isinstance(value, kind)
        if not fits or (kind is not str and not math.isfinite(value)):
            raise ValueError(f"{str(value)[:40]!r} where something else is wanted")
