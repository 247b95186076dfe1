"""Measures of a generator's shapes against brute force, closed forms and sets whose answer is known."""
from __future__ import annotations

import numpy as np
import pytest

from gluon_r2n2 import metrics
from gluon_r2n2.evaluation import generative
from gluon_r2n2.evaluation.generative import overlaps


def random_grids(count, size, seed, density=0.3):
    return np.random.default_rng(seed).random((count, size, size, size)) < density


# --- pairs of grids

@pytest.mark.parametrize("block", [7, 2 ** 24])
def test_iou_of_pairs_is_that_of_each_pair(block, monkeypatch):
    monkeypatch.setattr(overlaps, "BLOCK", block)  # 7: one voxel at a time
    samples, references = random_grids(4, 5, 0), random_grids(3, 5, 1, 0.6)
    samples[1], references[2] = False, False
    found = generative.pairwise_iou(samples, references)
    for i, sample in enumerate(samples):
        for j, reference in enumerate(references):
            both, either = (sample & reference).sum(), (sample | reference).sum()
            assert found[i, j] == (both / either if either else 1.0)
            assert found[i, j] == metrics.iou(both, either)
    assert found[1, 2] == 1 and found[1, 0] == 0
    assert found.shape == (4, 3) and found.dtype == np.float64


def test_iou_of_pairs_counts_full_grids_exactly():
    full = np.ones((1, 128, 128, 128), bool)
    almost = full.copy()
    almost[0, 0, 0, 0] = False
    assert generative.pairwise_iou(almost, full)[0, 0] == (128 ** 3 - 1) / 128 ** 3


def test_iou_of_pairs_takes_integers_and_no_probabilities():
    grids = random_grids(3, 4, 2)
    np.testing.assert_array_equal(generative.pairwise_iou(grids.astype(np.uint8), grids),
                                  generative.pairwise_iou(grids, grids))
    with pytest.raises(ValueError, match="compare probabilities with a threshold first"):
        generative.pairwise_iou(grids.astype(np.float32), grids)


@pytest.mark.parametrize("shape", [(2, 5, 5, 5), (2, 16, 2, 2)])
def test_iou_of_pairs_wants_grids_of_one_size(shape):
    with pytest.raises(ValueError, match="grids of one size"):
        generative.pairwise_iou(np.ones((1, 4, 4, 4), bool), np.ones(shape, bool))


# --- matrices of distances

HAND = np.array([[0.1, 0.5, 0.9, 0.3],
                 [0.2, 0.4, 0.8, 0.7],
                 [0.6, 0.9, 0.5, 0.3]])  # the samples' nearest: 0, 0, 3; the references': 0.1, 0.4, 0.5, 0.3


def test_measures_of_a_matrix_worked_out_by_hand():
    indices, distances = generative.nearest(HAND)
    assert indices.tolist() == [0, 0, 3] and distances.tolist() == [0.1, 0.2, 0.3]
    assert generative.coverage(HAND) == 2 / 4
    assert generative.minimum_matching_distance(HAND) == pytest.approx((0.1 + 0.4 + 0.5 + 0.3) / 4, abs=1e-15)


def test_measures_are_those_of_loops():
    distances = np.random.default_rng(3).random((20, 30))
    covered = {min(range(30), key=lambda j: row[j]) for row in distances}
    nearest = [min(distances[i, j] for i in range(20)) for j in range(30)]
    assert generative.coverage(distances) == len(covered) / 30
    assert generative.minimum_matching_distance(distances) == pytest.approx(sum(nearest) / 30, rel=1e-14)


def test_copies_of_the_references_cover_all_of_them():
    grids = random_grids(6, 6, 4)
    distances = 1 - generative.pairwise_iou(grids[::-1], grids)
    assert generative.coverage(distances) == 1
    assert generative.minimum_matching_distance(distances) == 0
    assert generative.nearest(distances)[0].tolist() == [5, 4, 3, 2, 1, 0]


def test_a_collapsed_generator_covers_one_reference():
    references = random_grids(8, 6, 5)
    distances = 1 - generative.pairwise_iou(np.repeat(random_grids(1, 6, 6), 12, axis=0), references)
    assert generative.coverage(distances) == 1 / 8


def test_two_sample_accuracy_of_loops():
    points = np.random.default_rng(7).random((24, 2))
    matrix = np.linalg.norm(points[:, None] - points, axis=2)
    right = [0, 0]
    for i in range(24):
        neighbour = min((j for j in range(24) if j != i), key=lambda j: matrix[i, j])
        right[i >= 12] += (neighbour < 12) == (i < 12)
    found = generative.two_sample_accuracy(matrix[:12, 12:], matrix[:12, :12], matrix[12:, 12:])
    assert found == (sum(right) / 24, right[0] / 12, right[1] / 12)


@pytest.mark.parametrize("samples, references, wanted", [
    ([0, 1, 2], [10, 11, 12], 1.0),  # apart
    ([0, 10, 20], [1, 11, 21], 0.0),  # each beside one of the other set
    ([0, 10, 20], [0, 10, 20], 0.0),  # copies
    ([5, 5, 5], [5, 5, 5], 0.5),  # all alike: nothing tells them apart
    ([0, 2], [4, 7], 2.5 / 4),  # 0 and 7 are right, 4 is wrong, 2 has neighbours of both sets at 2
])
def test_two_sample_accuracy_of_points_on_a_line(samples, references, wanted):
    samples, references = np.array(samples, float), np.array(references, float)

    def matrix(first, second):
        return np.abs(first[:, None] - second)

    found = generative.two_sample_accuracy(matrix(samples, references), matrix(samples, samples),
                                           matrix(references, references))
    assert found.both == pytest.approx(wanted, abs=1e-15)


def test_two_sample_accuracy_of_shapes_far_from_each_other_is_seen_in_its_halves():
    between, samples, references = np.full((3, 3), 0.9), np.ones((3, 3)), np.full((3, 3), 0.5)
    assert generative.two_sample_accuracy(between, samples, references) == (0.5, 0, 1)


@pytest.mark.parametrize("distances", [np.zeros((0, 3)), np.zeros((3, 0)), np.zeros(3), np.array([[0.1, np.nan]])])
def test_what_is_no_matrix_of_distances_is_refused(distances):
    for measure in (generative.nearest, generative.coverage, generative.minimum_matching_distance):
        with pytest.raises(ValueError, match="wanted distances"):
            measure(distances)


def test_two_sample_accuracy_wants_sets_of_one_size():
    square = np.zeros((3, 3))
    for matrices in ((square[:2], square, square), (square, square[:2, :2], square), (square[:1, :1],) * 3):
        with pytest.raises(ValueError, match="three square matrices of one size"):
            generative.two_sample_accuracy(*matrices)
