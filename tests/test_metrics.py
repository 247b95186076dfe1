"""Metrics against set arithmetic written out, and against the counts of the original implementation."""
from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest

from gluon_r2n2 import metrics


def set_iou(probabilities, voxels, threshold):
    """IoU by Python sets of voxel indices."""
    predicted = {index for index, value in np.ndenumerate(probabilities) if value >= np.float32(threshold)}
    truth = {index for index, value in np.ndenumerate(voxels) if value}
    return len(predicted & truth) / len(predicted | truth) if predicted | truth else 1.0


def test_iou_is_set_arithmetic():
    random = np.random.RandomState(3)
    probabilities = random.rand(3, 4, 4, 4).astype(np.float32)
    voxels = random.rand(3, 4, 4, 4) < 0.3
    thresholds = (0.1, 0.4, 0.9)
    values = metrics.iou(*metrics.voxel_counts(probabilities, voxels, thresholds=thresholds))
    expected = [[set_iou(p, v, t) for t in thresholds] for p, v in zip(probabilities, voxels)]
    np.testing.assert_allclose(values, expected, rtol=1e-12)


def test_counts_equal_the_originals(shared):
    fixture = np.load(shared / "fixtures" / "preproc.npz", allow_pickle=False)
    thresholds = (0.1, 0.2, 0.3, 0.4, 0.5)
    counts = metrics.voxel_counts(fixture["eval_pred_occ"][None], fixture["binvox_data_xyz"][None],
                                  thresholds=thresholds)
    for column, threshold in enumerate(thresholds):
        _, intersection, union, _, _ = fixture[f"eval_{threshold}"]
        assert counts.intersection[0, column] == intersection
        assert counts.union[0, column] == union


def test_a_threshold_is_reached_by_its_own_float32():
    voxels = np.ones((1, 1, 1, 1), bool)
    counts = metrics.voxel_counts(np.full((1, 1, 1, 1), 0.4, np.float32), voxels, thresholds=(0.4,))
    assert counts.intersection.tolist() == [[1]]


def test_empty_sets():
    nothing, everything = np.zeros((1, 2, 2, 2), np.float32), np.ones((1, 2, 2, 2), np.float32)
    assert metrics.iou(*metrics.voxel_counts(nothing, nothing)).tolist() == [[1.0]]
    assert metrics.iou(*metrics.voxel_counts(nothing, everything)).tolist() == [[0.0]]
    assert metrics.iou(*metrics.voxel_counts(everything, nothing)).tolist() == [[0.0]]


def test_nan_is_not_occupied():
    voxels = np.ones((1, 2, 2, 2), bool)
    assert metrics.voxel_counts(np.full(voxels.shape, np.nan, np.float32), voxels).intersection.tolist() == [[0]]


def test_shapes_must_agree():
    with pytest.raises(ValueError, match="one shape"):
        metrics.voxel_counts(np.zeros((1, 2, 2, 2)), np.zeros((1, 4, 4, 4)))


def test_macro_and_micro_differ():
    micro, macro, classes = metrics.mean_iou([0.2, 0.4, 0.9], ["chair", "chair", "car"])
    assert micro == pytest.approx(0.5)
    assert macro == pytest.approx((0.3 + 0.9) / 2)
    assert classes == {"chair": pytest.approx(0.3), "car": 0.9}


def test_best_threshold_is_the_lowest_of_equals():
    assert metrics.best_threshold([[0.1, 0.5, 0.5], [0.1, 0.7, 0.7]], (0.2, 0.3, 0.4)) == (0.3, pytest.approx(0.6))


@pytest.mark.parametrize("threshold", [0.1, 0.4, 0.5, 0.9])
def test_iou_on_the_device_equals_numpy(threshold):
    random = np.random.RandomState(1)
    logits = random.randn(3, 2, 4, 4, 4).astype(np.float32)
    voxels = (random.rand(3, 4, 4, 4) < 0.4).astype(np.float32)
    logits[2, 1] = -20  # nothing predicted, nothing there
    voxels[2] = 0
    occupied = 1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))
    expected = metrics.iou(*metrics.voxel_counts(occupied, voxels, thresholds=(threshold,)))[:, 0]
    on_device = metrics.batch_iou(mx.nd.array(logits), mx.nd.array(voxels), threshold=threshold)
    np.testing.assert_allclose(on_device.asnumpy(), expected, rtol=1e-6)
