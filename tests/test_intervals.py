"""Bootstrap intervals: against SciPy's on the same draws, analytic widths, and how often they hold the true mean."""
from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from gluon_r2n2.evaluation import bootstrap_means
from gluon_r2n2.evaluation.intervals import BLOCK
from gluon_r2n2.metrics import mean_iou


def example(count=60, columns=3, seed=0):
    random = np.random.RandomState(seed)
    return random.rand(count, columns), np.array(["a", "b", "b", "c"])[np.arange(count) % 4]


def scipy_interval(values, rng, resamples=500, level=0.9):
    """SciPy's percentile interval of the mean; the same draws, so the same interval."""
    found = stats.bootstrap((np.sort(values),), np.mean, n_resamples=resamples, confidence_level=level,
                            method="percentile", random_state=rng).confidence_interval
    return [found.low, found.high]


def test_micro_and_classes_are_scipys():
    values, synsets = example()
    found = bootstrap_means(values, synsets, resamples=500, level=0.9, seed=7)
    assert found.micro.shape == found.macro.shape == (3, 2) and set(found.classes) == {"a", "b", "c"}
    for column in range(3):
        np.testing.assert_allclose(found.micro[column], scipy_interval(values[:, column], np.random.default_rng([7])),
                                   rtol=1e-12)
        for name in "abc":
            rng = np.random.default_rng([7, ord(name)])
            np.testing.assert_allclose(found.classes[name][column],
                                       scipy_interval(values[synsets == name, column], rng), rtol=1e-12)


def test_many_draws_are_made_in_blocks():
    values, synsets = example(3000, 1)
    assert values.size * 2000 > BLOCK
    found = bootstrap_means(values, synsets)
    np.testing.assert_allclose(found.micro[0], scipy_interval(values[:, 0], np.random.default_rng([0]), 2000, 0.95),
                               rtol=1e-12)


def test_macro_is_resampled_within_the_classes():
    """Its standard error is that of a mean of independent means: sqrt(sum of variances / sizes) / classes."""
    random = np.random.RandomState(1)
    sizes, spreads, centres = (40, 160, 1000), (0.3, 0.1, 0.05), (0.2, 0.5, 0.9)
    synsets = np.repeat(["a", "b", "c"], sizes)
    values = np.concatenate([random.normal(*each) for each in zip(centres, spreads, sizes)])
    _, macro, _ = mean_iou(values, synsets)
    error = np.sqrt(sum(values[synsets == name].var() / size for name, size in zip("abc", sizes))) / 3
    found = bootstrap_means(values, synsets, resamples=20_000)
    np.testing.assert_allclose(found.macro, stats.norm.interval(0.95, macro, error), rtol=0.005)
    # an average over objects has the spread between the classes in it too; both are centred on their means
    np.testing.assert_allclose(found.micro, stats.norm.interval(0.95, values.mean(), values.std() / np.sqrt(1200)),
                               rtol=0.005)


def test_intervals_hold_the_true_mean_as_often_as_they_say():
    trials = 2000  # columns are independent of each other: each is a trial
    values = np.random.RandomState(2).exponential(size=(80, trials))  # mean 1
    found = bootstrap_means(values, ["a"] * 40 + ["b"] * 40, resamples=400, level=0.9)
    for ends in (found.micro, found.macro):
        held = ((ends[:, 0] <= 1) & (1 <= ends[:, 1])).mean()
        # a percentile interval of a skewed quantity falls a little short: the bootstrap's variance lacks n / (n - 1)
        assert 0.87 < held < 0.91


def test_nothing_depends_on_the_order_the_columns_or_the_other_classes():
    values, synsets = example()
    found = bootstrap_means(values, synsets)
    order = np.random.RandomState(3).permutation(len(values))
    again = bootstrap_means(values[order][:, [2]], synsets[order])
    np.testing.assert_array_equal(again.micro[0], found.micro[2])  # the draws are the same, and the sums
    np.testing.assert_array_equal(again.macro[0], found.macro[2])
    alone = bootstrap_means(values[synsets == "b"], ["b"] * 30)
    np.testing.assert_array_equal(alone.classes["b"], found.classes["b"])
    np.testing.assert_array_equal(alone.macro, found.classes["b"])
    assert (bootstrap_means(values, synsets, seed=1).micro != found.micro).any()


def test_paired_differences():
    """Two runs that agree on what is easy: their means overlap, and yet one is better on nearly every object."""
    random = np.random.RandomState(4)
    first = random.rand(200)
    second = first + 0.02 + random.normal(0, 0.01, 200)
    synsets = ["a"] * 100 + ["b"] * 100
    one, other, difference = (bootstrap_means(each, synsets) for each in (first, second, second - first))
    assert one.micro[1] > other.micro[0]
    assert 0.015 < difference.micro[0] < 0.02 < difference.micro[1] < 0.025
    assert 0.015 < difference.macro[0] < difference.macro[1] < 0.025
    constant = bootstrap_means(np.full(10, 0.25), ["a"] * 10)
    assert constant.micro.tolist() == constant.macro.tolist() == constant.classes["a"].tolist() == [0.25, 0.25]


def test_a_class_of_one_object_has_no_width():
    found = bootstrap_means(np.array([0.1, 0.5, 0.9]), ["a", "b", "b"])
    assert found.classes["a"].tolist() == [0.1, 0.1] and found.classes["b"].tolist() == [0.5, 0.9]
    assert found.macro.tolist() == pytest.approx([0.3, 0.5]) and found.micro.shape == (2,)


@pytest.mark.parametrize("values, synsets, options, words", [
    ([], [], {}, "at least one object, got 0 values and 0 class ids"),
    ([1, 2], ["a"], {}, "got 2 values and 1 class ids"),
    ([1, np.nan], ["a", "a"], {}, "NaN or infinity"),
    ([1, 2], ["a", "a"], {"level": 95}, "level between 0 and 1 and at least one resample, got 95 and 2000"),
    ([1, 2], ["a", "a"], {"resamples": 0}, "got 0.95 and 0"),
])
def test_what_cannot_be_resampled_is_refused(values, synsets, options, words):
    with pytest.raises(ValueError, match=words):
        bootstrap_means(np.array(values, float), synsets, **options)
