"""A result of tools/eval.py made of given numbers, for the tests of what reads one."""
from __future__ import annotations

from typing import Dict, Sequence

import numpy as np

from gluon_r2n2 import evaluation
from gluon_r2n2.metrics import mean_iou

NAMES = {"02828884": "bench", "03001627": "chair"}


def make_result(objects: Dict[str, Sequence[float]], *, views: Sequence[int] = (1, 3), **data) -> dict:
    """A result in which every measure of the object `synset/model` is its IoU, given for each view count."""
    keys, counts = sorted(objects), [str(count) for count in views]
    synsets = [key.split("/")[0] for key in keys]
    values = np.array([objects[key] for key in keys], float)  # (n, W)
    tables = {}
    for column, count in enumerate(counts):
        micro, macro, classes = mean_iou(values[:, column], synsets)
        tables[count] = {"micro": micro, "macro": macro, "classes": classes}
    iou = {count: {**table, "at": {fixed: {"micro": table["micro"], "macro": table["macro"]}
                                   for fixed in ("0.3", "0.4", "0.5")},
                   "intervals": {"micro": [0.0, 1.0], "macro": [0.0, 1.0], "classes": {}}}
           for count, table in tables.items()}
    measures = ("iou", "cross_entropy", "average_precision")
    return {
        "format": 2, "version": "0", "git": None, "command": "", "model": None,
        "data": {"path": "D", "fingerprint": "f" * 64, "split": "test", "split_sha256": "0" * 64, "samples": len(keys),
                 "left_out": [], "seed": 0, "classes_chosen": None, **data},
        "classes": {synset: {"name": NAMES.get(synset, synset), "samples": synsets.count(synset)}
                    for synset in sorted(set(synsets))},
        "threshold": {"value": 0.4, "source": "chosen"}, "views": list(views), "iou": iou, "cross_entropy": tables,
        "average_precision": tables, "precision_recall": {}, "surfaces": None, "baselines": None, "analysis": None,
        "bootstrap": {"resamples": 2000, "level": 0.95, "seed": 0},
        "objects": {key: {name: dict(zip(counts, map(float, objects[key]))) for name in measures} for key in keys},
        "definitions": evaluation.DEFINITIONS,
    }
