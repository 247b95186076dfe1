"""tools/eval.py: the threshold, the sweep with its watchers, the baselines and the objects for the page."""
from __future__ import annotations

import dataclasses
import shlex
import sys
from typing import Any, Dict, List, Optional, Sequence, Tuple

import gluon_r2n2
from gluon_r2n2 import evaluation, training
from gluon_r2n2.files import sha256_of_lines
from gluon_r2n2.metrics import DEFAULT_THRESHOLD, THRESHOLDS
from gluon_r2n2_tools import eval_analysis
from recordio.errors import DataError
from recordio.loading import BadRecords, RecordDataset
from recordio.records import read_manifest

KNOW_CLASS = {"mean_shape": False, "class_mean": True}
NO_VAL = "fixed: the data set has no val split to choose it on"


@dataclasses.dataclass
class Measured:
    """The sweep over the split, and what its watchers collected."""

    result: evaluation.Evaluation
    voxels: evaluation.VoxelScores
    seen: evaluation.Seen
    surfaces: Optional[evaluation.SurfaceScores] = None
    nearest: Optional[evaluation.NearestShapes] = None


class Baselines:
    """The mean shapes of the train split, overall and of the true class, each at the threshold best on the val split.

    Args:
        chooser: the val split; None: there is none.
    """

    def __init__(self, train: RecordDataset, chooser: Optional[RecordDataset]):
        self.shapes = evaluation.mean_shapes(evaluation.objects_of(train))
        self.thresholds = {name: self._choose(know_class, chooser) for name, know_class in KNOW_CLASS.items()}
        self._source = f"best on {len(chooser)} objects of split val" if chooser else NO_VAL

    def _choose(self, know_class: bool, chooser: Optional[RecordDataset]) -> float:
        if chooser is None:
            return DEFAULT_THRESHOLD
        return self._evaluate(chooser, THRESHOLDS, know_class).best_threshold(evaluation.NO_VIEWS)[0]

    def _evaluate(self, data: RecordDataset, thresholds: Sequence[float], know_class: bool) -> evaluation.Evaluation:
        return evaluation.evaluate_shapes(self.shapes, data.keys, evaluation.objects_of(data), thresholds=thresholds,
                                          know_class=know_class)

    def measure(self, data: RecordDataset) -> Dict[str, Any]:
        """What they reach on *data*, for the JSON file."""
        content = {}
        for name, threshold in self.thresholds.items():
            result = self._evaluate(data, [threshold], KNOW_CLASS[name])
            [means] = evaluation.means(result.iou()[:, :, 0], result.synsets, result.views).values()
            content[name] = {"threshold": threshold, "threshold_source": self._source, **means}
        return content


def choose_threshold(subject, options, chooser: Optional[RecordDataset]) -> Tuple[float, str]:
    """The threshold and where it comes from."""
    if options.threshold:
        return options.threshold, "given by --threshold"
    if options.predictions:
        return DEFAULT_THRESHOLD, "fixed: there are no stored predictions of a val split to choose it on"
    if chooser is None:
        return DEFAULT_THRESHOLD, NO_VAL
    views = min(evaluation.THRESHOLD_VIEWS, chooser.view_count)
    result = subject.measure(chooser, options, (views,), THRESHOLDS, what="threshold")
    source = f"best on {len(result.keys)} objects of split val at {evaluation.views_label(views)}"
    if options.split == "val":
        source += ", the ones reported on: too good"
    return result.best_threshold(views)[0], source


def sweep(subject, options, data: RecordDataset, views: Sequence[int], threshold: float,
          baselines: Optional[Baselines]) -> Measured:
    """Measure every object of *data* once, with all watchers that were asked for."""
    voxels, seen, surfaces, nearest = evaluation.VoxelScores(views), evaluation.Seen(), None, None
    watchers: List[evaluation.Watch] = [voxels, seen]
    if options.surfaces:
        surfaces = evaluation.SurfaceScores(views, threshold, points=options.points, emd_points=options.emd_points)
        watchers.append(surfaces)
    if options.analysis and baselines is not None:
        nearest = evaluation.NearestShapes(baselines.shapes, views, threshold=threshold,
                                           shape_threshold=baselines.thresholds["class_mean"])
        watchers.append(nearest)
    if options.save_predictions:
        watchers.append(evaluation.PredictionWriter(options.save_predictions, views))
    thresholds = sorted({threshold, *evaluation.FIXED_THRESHOLDS})
    result = subject.measure(data, options, views, thresholds, watch=in_turn(watchers))
    return Measured(result, voxels, seen, surfaces, nearest)


def in_turn(watchers: Sequence[evaluation.Watch]) -> evaluation.Watch:
    """Call all of them."""
    def watch(batch, occupied) -> None:
        for each in watchers:
            each(batch, occupied)

    return watch


def analyse(measured: Measured, data: RecordDataset, threshold: float) -> Dict[str, Any]:
    """The error analysis of a sweep; of stored predictions the views are not known."""
    stored = measured.seen.views
    cameras = None if stored is None else eval_analysis.cameras(data, measured.result.keys, stored)
    return evaluation.analyse(measured.result, threshold, measured.seen.occupancy, stored=stored, cameras=cameras,
                              nearest=measured.nearest)


def sound(data: RecordDataset, options) -> RecordDataset:
    """*data* without the records whose voxels cannot be read, where --on-bad-record says so."""
    if options.on_bad_record == "error":
        return data
    bad = BadRecords(data.split, len(data), replaced=False)
    for index, key in enumerate(data.keys):
        try:
            data.voxels(index)
        except DataError as error:
            bad.add({key: str(error)})
    bad.report(0)
    return data.without(bad.found)


def origin(subject, options, data: RecordDataset, left_out: List[str]) -> Dict[str, Any]:
    """Where a result comes from: code, command, network and data."""
    split = sorted(key for shard in read_manifest(data.path).of(data.split) for key in shard.keys)
    return {
        "version": gluon_r2n2.__version__, "git": training.git_revision(),
        "command": shlex.join(sys.argv), "model": subject.facts,
        "data": {"path": str(options.data), "fingerprint": data.fingerprint, "split": options.split,
                 "split_sha256": sha256_of_lines(split), "samples": len(data), "left_out": left_out,
                 "seed": options.seed, "classes_chosen": sorted(data.class_names) if options.classes else None},
    }
