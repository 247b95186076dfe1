"""Cross-entropy, average precision and precision-recall: against scikit-learn, and whatever the order and batches."""
from __future__ import annotations

from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss, precision_recall_curve

from gluon_r2n2 import evaluation
from gluon_r2n2.errors import ModelError
from gluon_r2n2.evaluation import voxel_scores
from gluon_r2n2.losses import VoxelLoss
from gluon_r2n2.metrics import voxel_counts


def objects(count, side, seed=0, sharpness=1.0):
    """Truths (count, side, side, side) with a tenth occupied, and probabilities that know something of them."""
    random = np.random.RandomState(seed)
    truth = random.rand(count, side, side, side) < 0.1
    logits = sharpness * (random.normal(-3, 1.5, truth.shape) + 3 * truth)
    return truth, (1 / (1 + np.exp(-logits))).astype(np.float32)


def batch_of(truth, keys=None):
    keys = keys or [f"a/{place}" for place in range(len(truth))]
    return SimpleNamespace(keys=keys, voxels=truth.astype(np.uint8))


def scored(truth, *occupied):
    """The scores of one batch whose view counts are 1, 2, ..."""
    scores = evaluation.VoxelScores(range(1, len(occupied) + 1))
    scores(batch_of(truth), occupied)
    return scores


@pytest.mark.parametrize("side, count, decimals", [
    (32, 4, None), (32, 4, 2), (32, 4, 0),  # as they come; many equal probabilities; none but 0 and 1
    (64, 1, None), (128, 1, 2),
])
def test_scores_of_an_object_are_scikit_learns(side, count, decimals):
    truth, occupied = objects(count, side)
    if decimals is not None:
        occupied = occupied.round(decimals)
    views = [occupied, occupied[::-1].copy()][:count]
    scores = scored(truth, *views)
    assert scores.average_precision.shape == scores.cross_entropy.shape == (count, len(views))
    for place in range(count):
        for column, grid in enumerate(view[place] for view in views):
            labels, probabilities = truth[place].ravel(), grid.ravel()
            assert scores.average_precision[place, column] == pytest.approx(
                average_precision_score(labels, probabilities), rel=1e-12)
            # scikit-learn clips float32 by the same amount, and takes logarithms in float32
            assert scores.cross_entropy[place, column] == pytest.approx(log_loss(labels, probabilities), rel=1e-5)


def test_cross_entropy_is_the_training_loss():
    random = np.random.RandomState(5)
    # mild logits: float32 holds 1 - p less and less well as p nears 1, which the loss, on logits, does not feel
    logits, truth = random.normal(0, 1, (3, 2, 8, 8, 8)).astype(np.float32), random.rand(3, 8, 8, 8) < 0.4
    occupied = mx.nd.softmax(mx.nd.array(logits), axis=1)[:, 1].asnumpy()
    loss = VoxelLoss()(mx.nd.array(logits), mx.nd.array(truth)).asnumpy()
    np.testing.assert_allclose(scored(truth, occupied).cross_entropy[:, 0], loss, rtol=1e-5)


def test_a_certain_and_wrong_voxel_costs_a_finite_amount():
    truth = np.array([[[[True, False], [True, False]]]])
    scores = scored(truth, np.array([[[[1, 0], [1, 0]]]], np.float32), np.array([[[[0, 1], [1, 0]]]], np.float32))
    assert scores.cross_entropy[0, 0] == pytest.approx(2.0 ** -23, rel=1e-6)  # nothing wrong: -ln(1 - 2^-23)
    assert scores.cross_entropy[0, 1] == pytest.approx(23 * np.log(2) / 2, rel=1e-6)  # two of four are wrong
    assert scores.average_precision.tolist() == [[1.0, 0.5]]  # of the two predicted, one is there; then all four


def test_empty_and_full_truth():
    occupied = objects(1, 8)[1]
    empty, full = np.zeros(occupied.shape, bool), np.ones(occupied.shape, bool)
    with pytest.warns(UserWarning, match="No positive class"):
        assert average_precision_score(empty.ravel(), occupied.ravel()) == 0
    scores = scored(empty, occupied, np.zeros_like(occupied))
    assert scores.average_precision.tolist() == [[0.0, 0.0]] and scores.pooled_average_precision(1) == 0
    curve = scores.precision_recall(2)
    assert (curve.recall == 1).all() and curve.precision.tolist() == [0.0] + [1.0] * 100  # all predicted; nothing
    assert scores.cross_entropy[0] == pytest.approx([-np.log1p(-occupied.astype(float)).mean(), 2.0 ** -23])
    scores = scored(full, occupied, np.ones_like(occupied))
    assert scores.average_precision.tolist() == [[1.0, 1.0]]
    assert scores.pooled_average_precision(1) == scores.pooled_average_precision(2) == pytest.approx(1, rel=1e-12)


def test_the_curve_holds_the_counts_at_its_thresholds():
    truth, occupied = objects(6, 16, seed=1)
    occupied[0] = occupied[0].round(2)  # on the thresholds themselves
    curve = scored(truth, occupied).precision_recall(1)
    np.testing.assert_array_equal(curve.thresholds, [float(f"{step / 100:.2f}") for step in range(101)])
    counts = voxel_counts(occupied, truth, thresholds=curve.thresholds)
    hits = counts.intersection.sum(axis=0)
    predicted = counts.union.sum(axis=0) + hits - truth.sum()
    np.testing.assert_allclose(curve.recall, hits / truth.sum(), rtol=1e-14)
    np.testing.assert_allclose(curve.precision, np.where(predicted, hits / np.maximum(predicted, 1), 1), rtol=1e-14)


def test_the_curve_is_scikit_learns_at_its_thresholds():
    truth, occupied = objects(4, 16, seed=2)
    curve = scored(truth, occupied).precision_recall(1)
    precision, recall, thresholds = precision_recall_curve(truth.ravel(), occupied.ravel())
    at = np.searchsorted(thresholds, curve.thresholds.astype(np.float32))  # its last point, (1, 0), has no threshold
    np.testing.assert_allclose(curve.precision, precision[at], rtol=1e-14)
    np.testing.assert_allclose(curve.recall, recall[at], rtol=1e-14)


@pytest.mark.parametrize("sharpness, error", [(0.2, 1e-3), (1, 3e-4), (8, 2e-4)])  # 8: most within 1e-4 of 0 or 1
def test_pooled_average_precision(sharpness, error):
    truth, occupied = objects(8, 16, seed=3, sharpness=sharpness)
    pooled = scored(truth, occupied).pooled_average_precision(1)
    levels = voxel_scores.LEVELS
    down = levels[np.searchsorted(levels, occupied.ravel(), side="right") - 1]
    assert pooled == pytest.approx(average_precision_score(truth.ravel(), down), rel=1e-12)
    assert pooled == pytest.approx(average_precision_score(truth.ravel(), occupied.ravel()), abs=error)
    assert levels[0] == 0 and levels[-1] == 1 and np.isin(voxel_scores.CURVE.astype(np.float32), levels).all()


def test_nothing_depends_on_the_order_or_the_batches():
    truth, occupied = objects(7, 16, seed=4)
    other = occupied[:, ::-1].copy()
    keys = [f"a/{place}" for place in range(7)]
    results = []
    for order, cuts in (([0, 1, 2, 3, 4, 5, 6], [0, 7]), ([6, 2, 5, 0, 1, 4, 3], [0, 1, 4, 6, 7])):
        scores, seen = evaluation.VoxelScores((1, 3)), []
        for start, stop in zip(cuts, cuts[1:]):
            part = order[start:stop]
            # Fortran order: how an array lies in memory must not matter either
            scores(batch_of(truth[part], [keys[place] for place in part]),
                   [occupied[part], np.asfortranarray(other[part])])
            seen += [keys[place] for place in part]
        results.append((scores, {key: (a.tolist(), b.tolist()) for key, a, b in
                                 zip(seen, scores.cross_entropy, scores.average_precision)}))
    (first, by_key), (second, by_key_again) = results
    assert by_key == by_key_again  # to the last bit
    for count in (1, 3):
        np.testing.assert_array_equal(first.precision_recall(count), second.precision_recall(count))
        assert first.pooled_average_precision(count) == second.pooled_average_precision(count)


def test_objects_behind_a_limit_are_not_counted():
    truth, occupied = objects(3, 8)
    scores = evaluation.VoxelScores((1,))
    assert scores.cross_entropy.shape == (0, 1)  # before the first batch
    scores(batch_of(truth), [occupied[:2]])
    assert scores.average_precision.tolist() == scored(truth[:2], occupied[:2]).average_precision.tolist()


@pytest.mark.parametrize("wrong, words", [
    (np.nan, "object a/1 after 2 views: the predicted probabilities hold NaN; the network has diverged"),
    (np.inf, "object a/1 after 2 views: wanted probabilities from 0 to 1, got values from .* to inf"),
    (-0.25, "object a/1 after 2 views: wanted probabilities from 0 to 1, got values from -0.25 to"),
])
def test_what_is_no_probability_is_refused(wrong, words):
    truth, occupied = objects(2, 8)
    bad = occupied.copy()
    bad[1, 2, 3, 4] = wrong
    with pytest.raises(ModelError, match=words):
        scored(truth, occupied, bad)


def test_grids_of_another_size_are_refused():
    truth, occupied = objects(2, 8)
    with pytest.raises(ModelError, match=r"a/0 after 1 view: wanted a predicted grid of the truth's shape "
                                         r"\(8, 8, 8\), got \(8, 8, 4\)"):
        scored(truth, occupied[..., :4])
    with pytest.raises(ValueError, match=r"view counts \[1, 2\], got them for 1"):
        evaluation.VoxelScores((1, 2))(batch_of(truth), [occupied])
