"""An evaluation's result in format 2 and objects of it, made up without a network: what the report's tests show."""
from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from gluon_r2n2.evaluation import Evaluation, NearestShapes, analyse, mean_shapes
from gluon_r2n2.evaluation.page import ShownObject, choose
from gluon_r2n2.metrics import iou, voxel_counts

CLASSES = {"02691156": "airplane", "03001627": "chair", "04379243": "table"}
CONFIG = {"encoder": "residual", "cell": "gru", "kernel": 3, "width": 0.25}


def solid(rng, size):
    """(V, V, V) bool: a few boxes that touch the middle."""
    truth = np.zeros((size,) * 3, bool)
    for _ in range(4):
        low = rng.integers(size // 8, size // 2, 3)
        high = rng.integers(size // 2, size - size // 8, 3) + 1
        low[rng.integers(3)] += size // 4
        truth[tuple(slice(*pair) for pair in zip(np.minimum(low, high - 1), high))] = True
    return truth


def smooth(noise, rounds=3):
    for _ in range(rounds):
        for axis in range(3):
            noise = (np.roll(noise, 1, axis) + noise + np.roll(noise, -1, axis)) / 3
    return noise


def predictions(rng, truth, count):
    """(W, V, V, V) float32: nearer to the truth from one view count to the next."""
    noise, blurred = smooth(rng.normal(size=truth.shape)), smooth(truth.astype(float), 2)
    return np.stack([1 / (1 + np.exp(-(12 * blurred - 6 + noise * 40 / (1 + place)))) for place in range(count)]
                    ).astype(np.float32)


def pictures(rng, count, size):
    """*count* (S, S, 3) uint8 with the look of a rendering: a shaded shape before a plain background."""
    rows, columns = np.mgrid[:size, :size] / size - 0.5
    views = []
    for _ in range(count):
        turned = rng.uniform(0, np.pi)
        near = np.abs(np.cos(turned) * rows + np.sin(turned) * columns) < 0.2 + 0.1 * np.sin(9 * columns)
        colour = rng.uniform(40, 200, 3) * (1 + 0.4 * np.sin(6 * rows + turned))[..., None]
        view = np.where((near & (rows ** 2 + columns ** 2 < 0.2))[..., None], colour, 240)
        views.append(np.clip(view + rng.normal(0, 2, view.shape), 0, 255).astype(np.uint8))
    return views


def sample(*, objects=6, views=(1, 2, 3), size=8, threshold=0.4, pixels=40, shown=None, seed=0, names=None):
    """A result and the `ShownObject`s that `choose` picks of it (all, or *shown* of them)."""
    rng = np.random.default_rng(seed)
    names = names or CLASSES
    synsets = list(names)
    truths, probabilities, scores = {}, {}, {}
    for number in range(objects):
        key = f"{synsets[number % len(synsets)]}/object_{number:02d}"
        truths[key] = solid(rng, size)
        probabilities[key] = predictions(rng, truths[key], len(views))
        truth = np.broadcast_to(truths[key], probabilities[key].shape)
        scores[key] = iou(*voxel_counts(probabilities[key], truth, thresholds=(threshold,)))[:, 0]
    result = result_of(scores, names, views, threshold)
    result["analysis"] = analysis_of(rng, truths, probabilities, views, threshold)
    picked = [ShownObject(key=key, synset=key.split("/")[0], name=names[key.split("/")[0]], place=place,
                          views=pictures(rng, max(views), pixels), view_counts=views,
                          probabilities=probabilities[key], truth=truths[key], iou=list(scores[key]))
              for key, place in choose(result, objects if shown is None else shown)]
    return result, picked


def analysis_of(rng, truths, probabilities, views, threshold):
    """What the analysis finds, with cameras from anywhere."""
    keys, truth = list(truths), np.stack(list(truths.values()))
    synsets = [key.split("/")[0] for key in keys]
    grids = [np.stack([each[place] for each in probabilities.values()]) for place in range(len(views))]
    counts = [voxel_counts(each, truth, thresholds=(threshold,)) for each in grids]
    intersection, union = (np.stack(each, axis=1) for each in zip(*counts))  # (n, W, 1)
    measured = Evaluation(tuple(keys), tuple(synsets), tuple(views), (threshold,), intersection, union)
    nearest = NearestShapes(mean_shapes(zip(synsets, truth)), views, threshold=threshold, shape_threshold=0.4)
    nearest(SimpleNamespace(keys=keys, synsets=synsets, voxels=truth.astype(np.uint8)), grids)
    given = {}
    if views[0]:  # 0: predictions of unknown views
        stored = np.stack([rng.permutation(24)[:max(views)] for _ in keys])
        angles = [rng.uniform(0, 360, stored.shape), rng.uniform(20, 30, stored.shape)]
        given = {"stored": stored, "cameras": np.stack([*angles, 0 * stored, 1 + 0 * stored], axis=-1).astype(float)}
    return analyse(measured, threshold, truth.mean(axis=(1, 2, 3)), nearest=nearest, **given)


def means(values, synsets):
    by_class = {synset: float(np.mean([value for value, each in zip(values, synsets) if each == synset]))
                for synset in sorted(set(synsets))}
    return {"micro": float(np.mean(values)), "macro": float(np.mean(list(by_class.values()))), "classes": by_class}


def result_of(scores, names, views, threshold):
    """Format 2 of docs/evaluation.md, without the analysis."""
    keys, columns = list(scores), [str(count) for count in views]
    synsets = [key.split("/")[0] for key in keys]
    classes = {synset: {"name": names[synset], "samples": synsets.count(synset)} for synset in sorted(set(synsets))}
    table = {}
    for place, column in enumerate(columns):
        entry = means([scores[key][place] for key in keys], synsets)
        around = {mean: [max(entry[mean] - 0.03, 0), min(entry[mean] + 0.03, 1)] for mean in ("micro", "macro")}
        around["classes"] = {synset: [max(value - 0.05, 0), min(value + 0.05, 1)]
                             for synset, value in entry["classes"].items()}
        at = {str(each): {"micro": entry["micro"] - 0.01, "macro": entry["macro"] - 0.01} for each in (0.3, 0.4, 0.5)}
        table[column] = {**entry, "intervals": around, "at": at}
    flat = {column: means([1 - scores[key][place] for key in keys], synsets) for place, column in enumerate(columns)}
    grid = np.linspace(0, 1, 101)
    curves = {column: {"thresholds": grid.tolist(), "precision": (1 - 0.6 * (1 - grid) ** (place + 2)).tolist(),
                       "recall": (1 - grid ** (place + 2)).tolist()} for place, column in enumerate(columns)}
    base = {"threshold": 0.3, "threshold_source": "best on val"}
    return {
        "format": 2, "version": "0.1.0", "git": {"revision": "0123456789abcdef" * 2, "dirty": False},
        "command": "python tools/eval.py --checkpoint RUN --data D --report R.html",
        "model": {"checkpoint": "RUN/checkpoints/step-00002000", "step": 2000, "averaged": False, "config": CONFIG,
                  "weights_sha256": "ab" * 32, "trained_on": "cd" * 32},
        "data": {"path": "D", "fingerprint": "cd" * 32, "split": "test", "split_sha256": "ef" * 32,
                 "samples": len(keys), "left_out": [], "seed": 0, "classes_chosen": None},
        "classes": classes,
        "threshold": {"value": threshold, "source": "best on 9 objects of split val at 3 views"},
        "views": list(views), "iou": table, "cross_entropy": flat,
        "average_precision": {column: {**flat[column], "pooled": 0.9} for column in columns},
        "precision_recall": curves,
        "surfaces": {"points": 10000, "seed": 0, "emd_points": 0,
                     "measures": {"chamfer_squared": flat, "chamfer_plain": flat, "f_score_0.01": flat}},
        "baselines": {"mean_shape": {**base, **means([0.2] * len(keys), synsets)},
                      "class_mean": {**base, **means([0.35] * len(keys), synsets)}},
        "analysis": None, "bootstrap": {"resamples": 2000, "level": 0.95, "seed": 0},
        "objects": {key: {"iou": dict(zip(columns, map(float, scores[key])))} for key in keys},
        "definitions": {"iou": "voxels in the intersection over voxels in the union", "micro": "mean over objects"},
    }
