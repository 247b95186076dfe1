"""Error analysis against hand-made cases: planted effects, hand-counted means, brute-force loops, nothing at all."""
from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from gluon_r2n2 import evaluation
from gluon_r2n2.evaluation.analysis import analysed_views, directions, findings, groups
from gluon_r2n2_tools import eval_analysis
from recordio.geometry import Camera
from recordio.loading import Loader, RecordDataset

CELLS = 1000  # IoU in steps of 0.001


def make_evaluation(values, synsets, views):
    """An Evaluation at threshold 0.4 with IoU *values* (n, W)."""
    intersection = np.rint(np.asarray(values) * CELLS).astype(np.int64)[:, :, None]
    keys = tuple(f"{synset}/{number}" for number, synset in enumerate(synsets))
    return evaluation.Evaluation(keys, tuple(synsets), tuple(views), (0.4,), intersection,
                                 np.full_like(intersection, CELLS))


def make_cameras(azimuth, elevation=27.0):
    azimuth = np.asarray(azimuth, np.float64)
    return np.stack([azimuth, np.broadcast_to(elevation, azimuth.shape), np.zeros_like(azimuth),
                     np.full_like(azimuth, 0.8)], axis=-1)


def group(count, mean=None, error=None, relative=None, relative_error=None):
    """A group as expected, to 9 digits."""
    close = [None if value is None else pytest.approx(value, abs=1e-9)
             for value in (mean, error, relative, relative_error)]
    return dict(zip(("count", "mean", "error", "relative", "relative_error"), (count, *close)))


def make_watched(truths, predictions, synsets):
    """A batch and the probabilities after 1, 3 and 5 views, of which only those after 3 are right."""
    count = len(truths)
    batch = SimpleNamespace(voxels=truths.astype(np.uint8), synsets=list(synsets), keys=[str(i) for i in range(count)],
                            views=np.arange(count * 5).reshape(count, 5))
    return batch, [np.ones_like(predictions), predictions, np.zeros_like(predictions)]


# --- groups


def test_group_of_hand_counted_numbers():
    values = np.array([0.2, 0.4, 0.9])
    deviation = np.sqrt((0.3 ** 2 + 0.1 ** 2 + 0.4 ** 2) / 2 / 3)  # the mean is 0.5
    assert groups.group(values, np.array([-0.1, np.nan, 0.3])) == group(3, 0.5, deviation, 0.1, 0.2)
    assert groups.group(values[:1], np.array([np.nan])) == group(1, 0.2)
    assert groups.group(values[:0], values[:0]) == group(0)


def test_relative_to_takes_the_mean_of_each_label_away_and_leaves_out_labels_that_occur_once():
    found = groups.relative_to(np.array([0.1, 0.5, 0.3, 0.7]), ["b", "a", "b", "c"])
    np.testing.assert_allclose(found, [-0.1, np.nan, 0.1, np.nan], atol=1e-12)


@pytest.mark.parametrize("count, bins", [(100, 10), (57, 5), (9, 1), (1, 1)])
def test_quantiles_hold_equally_many_distinct_numbers(count, bins):
    values = np.random.rand(count)
    held = [each["count"] for each in groups.by_range(groups.quantiles(values, 10), values, values, values)]
    assert len(held) == bins and sum(held) == count and max(held) - min(held) <= 1


def test_ranges_are_half_open_but_the_last_and_skip_what_is_not_known():
    keys, values = np.array([0.0, 30.0, 59.9, 60.0, 90.0, np.nan]), np.arange(6.0)
    found = groups.by_range(np.array([0.0, 30.0, 60.0, 90.0]), keys, values, values)
    assert [(each["from"], each["to"], each["count"], each["mean"]) for each in found] == [
        (0.0, 30.0, 1, 0.0), (30.0, 60.0, 2, 1.5), (60.0, 90.0, 2, 3.5)]


def test_ranks_are_those_of_relative_whatever_the_mean():
    found = groups.ranked([{"count": count, "mean": mean, "relative": relative} for count, mean, relative in (
        (1, 0.9, None), (2, 0.8, -0.1), (2, 0.2, 0.1), (0, None, None), (2, 0.5, 0.0))])
    assert [each["mean"] for each in found] == [0.2, 0.5, 0.8, 0.9]


# --- occupancy


def test_iou_by_occupancy_in_hand_counted_bins():
    # 10 objects of each of two classes; IoU is 0.3 below the median occupancy, 0.5 above, and 0.1 less in class b
    occupancy = np.arange(20) / 100
    synsets = ["a", "b"] * 10
    values = np.where(np.arange(20) < 10, 0.3, 0.5) - 0.1 * (np.arange(20) % 2)
    found = findings.against_occupancy(values, occupancy, synsets)
    error = 0.05 * np.sqrt(10 / 9) / np.sqrt(10)  # five at 0.05 above the mean and five below
    assert found["bins"] == [{"from": 0.0, "to": pytest.approx(0.095), **group(10, 0.25, error, -0.1, 0.0)},
                             {"from": pytest.approx(0.095), "to": 0.19, **group(10, 0.45, error, 0.1, 0.0)}]


def test_rank_correlation_is_that_of_ranks_and_within_classes_it_is_free_of_what_classes_differ_by():
    occupancy = np.concatenate([np.linspace(0.01, 0.1, 8), np.linspace(0.5, 0.6, 8)])
    values = np.concatenate([np.linspace(0.3, 0.2, 8), np.linspace(0.9, 0.8, 8)])  # falls within, rises between
    found = findings.against_occupancy(values, occupancy, ["thin"] * 8 + ["thick"] * 8)
    ranks = [stats.rankdata(each) for each in (occupancy, values)]
    assert found["spearman"]["rho"] == pytest.approx(np.corrcoef(*ranks)[0, 1]) and found["spearman"]["rho"] > 0.4
    assert 0 < found["spearman"]["p"] < 0.1
    assert found["within_classes"] == {"rho": pytest.approx(-1.0), "classes": 2}
    # four objects of the thin that rise weigh half as much as the eight of the thick; two of a third have no ranks
    values = np.concatenate([np.linspace(0.2, 0.3, 4), values[8:], [0.1, 0.2]])
    found = findings.against_occupancy(values, np.concatenate([occupancy[:4], occupancy[8:], [0.2, 0.3]]),
                                       ["thin"] * 4 + ["thick"] * 8 + ["two"] * 2)
    assert found["within_classes"] == {"rho": pytest.approx((4 - 8) / 12), "classes": 2}


# --- view angle


def test_single_view_iou_by_azimuth_finds_what_was_planted_beside_the_effect_of_the_class():
    azimuth = np.tile(np.arange(15.0, 360.0, 30.0), 4)  # each sector four times: twice in each class
    synsets = np.repeat(["easy", "hard"], 24)
    values = np.where(synsets == "easy", 0.8, 0.4) - 0.12 * (azimuth == 105)
    found = findings.analyse(make_evaluation(values[:, None], synsets, [1]), 0.4, np.linspace(0, 1, 48),
                             cameras=make_cameras(azimuth - 360)[:, None])["angle"]
    assert found["views"] == 1 and found["note"] is None
    assert [(each["from"], each["to"]) for each in found["azimuth"]] == [(30 * i, 30 * i + 30) for i in range(12)]
    error = np.std([0.8, 0.8, 0.4, 0.4], ddof=1) / 2
    for place, each in enumerate(found["azimuth"]):  # a class mean has 0.12 * 2 / 24 of the effect in it
        planted = 0.12 * (place == 3)
        assert {**each, "from": 0, "to": 0} == {"from": 0, "to": 0,
                                                **group(4, 0.6 - planted, error, 0.01 - planted, 0.0)}
    assert [each["count"] for each in found["elevation"]] == [48]  # all from 27 degrees


def test_elevation_is_binned_by_quantiles():
    elevation = np.linspace(25, 30, 40)
    values = 0.5 + 0.1 * (np.arange(40) >= 30)
    found = directions.against_angle(values, make_cameras(np.zeros(40), elevation)[:, None], ["a"] * 40)
    assert [each["count"] for each in found["elevation"]] == [10] * 4
    assert [each["mean"] for each in found["elevation"]] == pytest.approx([0.5, 0.5, 0.5, 0.6])
    assert found["elevation"][0]["from"] == 25 and found["elevation"][3]["to"] == 30


def test_angles_of_all_turns_have_one_sector():
    found = directions.against_angle(np.ones(4), make_cameras([-1e-20, 0.0, 360.0, 720.0])[:, None], ["a"] * 4)
    assert [each["count"] for each in found["azimuth"]] == [4] + [0] * 11


# --- mean shapes


def make_shapes(side=4):
    """Mean shapes of three classes, and truths and predictions of five objects of one of them or of a fourth."""
    random = np.random.RandomState(3)
    synsets = ["03", "01", "02", "01", "09"]
    shapes = evaluation.MeanShapes(random.rand(side, side, side),
                                   {synset: random.rand(side, side, side) for synset in ("03", "01", "02")})
    for mean in shapes.by_class.values():
        np.around(mean, 1, out=mean)  # many are just at the threshold
    truths = random.rand(5, side, side, side) > 0.6
    predictions = np.around(random.rand(5, side, side, side), 1).astype(np.float32)
    return shapes, truths, predictions, synsets


def test_nearest_shapes_are_those_of_loops_over_objects_and_classes():
    shapes, truths, predictions, synsets = make_shapes()
    nearest = evaluation.NearestShapes(shapes, (1, 3, 5), threshold=0.4, shape_threshold=0.5)
    for part in (slice(0, 2), slice(2, 5)):  # two batches
        nearest(*make_watched(truths[part], predictions[part], synsets[part]))
    assert nearest.columns == ("01", "02", "03") and nearest.view_count == 3
    for found, voxels in ((nearest.truth, truths), (nearest.prediction, predictions >= np.float32(0.4))):
        for row, mine in enumerate(voxels):
            for column, synset in enumerate(nearest.columns):
                mean = shapes.by_class[synset] >= 0.5
                assert found[row, column] == (mine & mean).sum() / (mine | mean).sum()
    # and the truths' likeness to their own class is the baseline as it is measured elsewhere, the fourth class too
    expected = evaluation.evaluate_shapes(shapes, synsets, zip(synsets, truths), thresholds=[0.5], know_class=True)
    assert np.array_equal(nearest.baseline, expected.iou()[:, 0, 0])


def test_watchers_take_no_more_of_a_batch_than_was_evaluated():
    shapes, truths, predictions, synsets = make_shapes()
    batch, occupied = make_watched(truths, predictions, synsets)
    nearest = evaluation.NearestShapes(shapes, (1, 3, 5), threshold=0.4, shape_threshold=0.5)
    seen = evaluation.Seen()
    for watcher in (nearest, seen):
        watcher(batch, [each[:2] for each in occupied])
    assert len(nearest.prediction) == len(nearest.truth) == len(nearest.baseline) == 2
    assert seen.views.tolist() == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert seen.occupancy.tolist() == [truth.sum() / 64 for truth in truths[:2]]
    batch.views[:] = 0  # the loader fills its batches again
    assert seen.views[1, 4] == 9
    without = evaluation.Seen()
    without(SimpleNamespace(voxels=truths), occupied)  # predictions from files
    assert without.views is None and len(without.occupancy) == 5


def test_confusion_by_brute_force():
    random = np.random.RandomState(0)
    columns, synsets = ["a", "b", "c"], random.choice(["a", "c", "x"], 40)
    prediction, truth = random.rand(40, 3), random.rand(40, 3)
    prediction[7] = truth[8] = 0  # overlaps nothing
    found = findings.confusion(prediction, truth, synsets, columns)
    assert found["rows"] == ["a", "c", "x"] and found["columns"] == columns
    chosen = {}
    for name, likeness in (("prediction", prediction), ("truth", truth)):
        chosen[name] = ["none" if max(row) == 0 else columns[list(row).index(max(row))] for row in likeness.tolist()]
        pairs = list(zip(synsets, chosen[name]))
        assert found[name]["counts"] == [[pairs.count((row, column)) for column in columns] for row in ("a", "c", "x")]
        assert found[name]["none"] == [pairs.count((row, "none")) for row in ("a", "c", "x")]
        assert sum(found[name]["none"]) == 1
        assert found[name]["own"] == sum(synset == column for synset, column in pairs) / 40
    assert found["same"] == sum(one == other for one, other in zip(*chosen.values())) / 40


def test_classes_below_their_mean_shape_come_worst_first():
    synsets = ["a", "a", "b", "c", "c"]
    values, baseline = np.array([0.5, 0.7, 0.4, 0.2, 0.6]), np.array([0.6, 0.3, 0.5, 0.5, 0.6])
    found = findings.against_class_means(values, baseline, synsets)
    assert found["below"] == ["c", "b"] and found["beat"] == 0.2
    assert found["rows"]["a"] == {"objects": 2, "iou": pytest.approx(0.6), "class_mean": pytest.approx(0.45),
                                  "difference": pytest.approx(0.15), "error": pytest.approx(0.25), "beat": 0.5}
    assert found["rows"]["b"]["error"] is None  # of one object
    assert found["rows"]["c"]["beat"] == 0  # an equal is not better


# --- views


def test_views_of_a_sector_that_add_are_ranked_first_with_their_size():
    random = np.random.RandomState(1)
    count, views = 400, (1, 2, 3, 4)
    azimuth = random.uniform(0, 360, (count, 4))
    adds = (azimuth >= 240) & (azimuth < 270)
    values = 0.3 + np.cumsum(np.concatenate([np.zeros((count, 1)), 0.1 * adds[:, 1:]], axis=1), axis=1)
    stored = random.randint(0, 24, (count, 4))
    found = findings.analyse(make_evaluation(values, ["a"] * count, views), 0.4, random.rand(count), stored=stored,
                             cameras=make_cameras(azimuth, random.uniform(25, 30, (count, 4))))["added"]
    assert found["note"] is None
    assert [(step["views"], step["count"]) for step in found["steps"]] == [(2, count), (3, count), (4, count)]
    assert [step["mean"] for step in found["steps"]] == pytest.approx((0.1 * adds[:, 1:].mean(axis=0)).tolist())
    first, *others = found["azimuth"]
    assert (first["from"], first["to"], first["count"]) == (240, 270, adds[:, 1:].sum())
    assert first["mean"] == pytest.approx(0.1) and first["error"] == pytest.approx(0, abs=1e-12)
    assert len(others) == 11 and sum(each["count"] for each in others) == 3 * count - first["count"]
    for each in others:
        assert each["mean"] == pytest.approx(0, abs=1e-12)
        assert first["relative"] - each["relative"] == pytest.approx(0.1, abs=0.003)  # of unlike mixes of positions


def test_gains_are_relative_to_their_position():
    # every second view adds 0.2, every third 0.1, and stored view 5 adds 0.05 more wherever it comes
    stored = np.array([[0, 5, 2], [0, 2, 5], [0, 1, 2], [0, 2, 1]])
    gains = np.array([0.2, 0.1]) + 0.05 * (stored[:, 1:] == 5)
    values = np.cumsum(np.concatenate([np.full((4, 1), 0.3), gains], axis=1), axis=1)
    found = directions.added_views(values, (1, 2, 3), stored, None)
    assert [each["mean"] for each in found["steps"]] == pytest.approx([0.2125, 0.1125])
    assert [(each["view"], each["count"]) for each in found["view"]] == [(5, 2), (1, 2), (2, 4)]
    five, one, two = found["view"]
    assert five["mean"] == pytest.approx(0.2) and five["relative"] == pytest.approx(0.0375)
    assert one["relative"] == two["relative"] == pytest.approx(-0.0125)
    assert found["note"] == directions.NO_CAMERAS and found["azimuth"] is found["apart"] is None


def test_only_neighbouring_view_counts_say_what_a_view_adds():
    values = np.array([[0.1, 0.3, 0.4, 0.9, 0.95]] * 2)
    stored = np.tile(np.arange(9), (2, 1))
    found = directions.added_views(values, (1, 3, 4, 8, 9), stored, None)
    assert [(each["views"], each["mean"]) for each in found["steps"]] == [
        (4, pytest.approx(0.1)), (9, pytest.approx(0.05))]
    assert [each["view"] for each in found["view"]] == [3, 8]
    none = directions.added_views(values[:, :2], (1, 3), stored, None)
    assert none["steps"] == [] and none["view"] is None and "consecutive" in none["note"]


def test_angle_to_the_nearest_earlier_view_is_that_between_the_cameras_places():
    random = np.random.RandomState(2)
    cameras = make_cameras(random.uniform(-400, 400, (6, 4)), random.uniform(-60, 60, (6, 4)))
    found = directions.nearest_earlier(cameras, [1, 3])
    for row in range(6):
        places = [Camera(*cameras[row, view, [0, 1, 3]]).position for view in range(4)]
        places = [place / np.linalg.norm(place) for place in places]
        for column, position in enumerate([1, 3]):
            expected = min(np.degrees(np.arccos(places[position] @ places[view])) for view in range(position))
            assert found[row, column] == pytest.approx(expected, abs=1e-6)


def test_first_views_are_ranked_by_their_iou_less_that_of_the_class():
    stored = np.array([[0], [1], [0], [1], [2]])
    values = np.array([[0.3], [0.5], [0.8], [0.9], [1.0]])
    found = findings.analyse(make_evaluation(values, ["a", "a", "b", "b", "c"], [1]), 0.4, np.arange(5) / 9,
                             stored=stored)["first"]
    error = np.std([0.5, 0.9], ddof=1) / np.sqrt(2)
    assert found["view"] == [{"view": 1, **group(2, 0.7, error, 0.075, 0.025)},
                             {"view": 0, **group(2, 0.55, 0.25, -0.075, 0.025)},
                             {"view": 2, **group(1, 1.0)}]  # the only one of its class: not to be compared
    assert found["azimuth"] is None and found["note"] == directions.NO_CAMERAS


def test_cameras_are_shared_where_every_stored_view_has_one():
    stored = np.array([[0, 2], [2, 1], [1, 0]])
    shared = make_cameras([10.0, 130.0, 360.0])[stored]
    assert directions.shared_cameras(stored, shared) is True
    turned = shared.copy()
    turned[0, 1, 0] = 0.0  # 360 degrees
    assert directions.shared_cameras(stored, turned) is True
    turned[0, 1, 0] = 0.1
    assert directions.shared_cameras(stored, turned) is False
    assert directions.shared_cameras(stored[:1], shared[:1]) is None  # no view of two objects
    assert directions.shared_cameras(stored, None) is directions.shared_cameras(None, shared) is None


# --- the whole


@pytest.mark.parametrize("views, analysed", [((1, 2, 3, 4, 5), 3), ((1, 2), 2), ((2, 4), 2), ((5, 8), 5), ((0,), 0)])
def test_analysed_view_count_is_the_measured_one_nearest_to_three(views, analysed):
    assert analysed_views(views) == analysed
    values = np.random.rand(3, len(views))
    result = make_evaluation(values, ["a"] * 3, views)
    found = findings.analyse(result, 0.4, np.array([0.1, 0.2, 0.3]))
    assert found["views"] == found["occupancy"]["views"] == analysed
    assert found["occupancy"]["bins"][0]["mean"] == pytest.approx(result.means(analysed, 0.4)[0])


def test_nothing_depends_on_the_order_or_on_the_batches_of_the_objects():
    random = np.random.RandomState(4)
    count, views = 60, (1, 2, 3)
    shapes = evaluation.mean_shapes((f"{number % 4:02d}", random.rand(4, 4, 4) > 0.5) for number in range(12))
    synsets = np.array([f"{number % 4:02d}" for number in range(count)])
    values, occupancy = random.rand(count, 3), random.rand(count)
    stored, cameras = random.randint(0, 5, (count, 3)), make_cameras(random.uniform(0, 360, (count, 3)))
    truths, predictions = random.rand(count, 4, 4, 4) > 0.5, random.rand(count, 4, 4, 4).astype(np.float32)
    keys = np.array([f"{synset}/{number}" for number, synset in enumerate(synsets)])
    results = []
    for order, size in ((np.arange(count), 60), (random.permutation(count), 7)):
        result = make_evaluation(values[order], synsets[order], views)
        result = dataclasses.replace(result, keys=tuple(keys[order]))
        nearest = evaluation.NearestShapes(shapes, views, threshold=0.4, shape_threshold=0.5)
        for part in np.split(order, range(size, count, size)):
            batch = SimpleNamespace(voxels=truths[part], synsets=list(synsets[part]))
            nearest(batch, [predictions[part]] * 3)
        results.append(findings.analyse(result, 0.4, occupancy[order], stored=stored[order], cameras=cameras[order],
                                        nearest=nearest))
    assert results[0] == results[1]


CASES = {"one object": dict(count=1), "one class": dict(classes=1), "no view": dict(views=(0,)),
         "one view count": dict(views=(3,)), "equal occupancy": dict(occupancy=0.25),
         "nothing occupied": dict(occupancy=0.0), "equal iou": dict(value=0.5),
         "a class each": dict(classes=8), "all": dict(), "no cameras": dict(cameras=None),
         "some cameras": dict(cameras="some"), "cameras of nan": dict(cameras="nan")}


@pytest.mark.parametrize("case", CASES)
def test_no_nan_and_plain_values_whatever_comes(case):
    random = np.random.RandomState(0)
    options = CASES[case]
    count, views = options.get("count", 8), options.get("views", (1, 2, 3))
    synsets = [f"{number % options.get('classes', 2):02d}" for number in range(count)]
    values = np.full((count, len(views)), options["value"]) if "value" in options else random.rand(count, len(views))
    occupancy = np.full(count, options["occupancy"]) if "occupancy" in options else random.rand(count)
    stored = np.argsort(random.rand(count, max(views)), axis=1) if max(views) else None
    cameras = None
    if options.get("cameras", "all") is not None and stored is not None:
        cameras = make_cameras(random.uniform(0, 360, stored.shape))
        cameras[:{"all": 0, "some": 3, "nan": count}[options.get("cameras", "all")]] = np.nan
    shapes = evaluation.mean_shapes((synset, random.rand(2, 2, 2) > 0.5) for synset in synsets[:4])
    nearest = evaluation.NearestShapes(shapes, views, threshold=0.4, shape_threshold=0.5)
    batch = SimpleNamespace(voxels=(random.rand(count, 2, 2, 2) > 0.5).astype(np.uint8), synsets=synsets)
    nearest(batch, [np.zeros((count, 2, 2, 2), np.float32)] * len(views))  # predicts nothing
    found = findings.analyse(make_evaluation(values, synsets, views), 0.4, occupancy, stored=stored, cameras=cameras,
                             nearest=nearest)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert sum(each["count"] for each in found["occupancy"]["bins"]) == found["objects"] == count
    assert sum(found["confusion"]["prediction"]["none"]) == count
    without = cameras is None or case == "cameras of nan"
    assert (found["angle"]["azimuth"] is None) == (found["angle"]["note"] is not None)
    assert (found["angle"]["note"] == directions.NO_CAMERAS) == (without and 1 in views)
    if case == "no view":
        assert {found[part]["note"] for part in ("angle", "added", "first")} == {findings.UNKNOWN_VIEWS}
    if case == "some cameras":
        assert sum(each["count"] for each in found["angle"]["azimuth"]) == 5
        assert sum(each["count"] for each in found["added"]["azimuth"]) == 10
    if case in ("equal occupancy", "equal iou", "one object"):
        assert found["occupancy"]["spearman"] == {"rho": None, "p": None}
    if case == "equal occupancy":
        assert [(each["from"], each["to"], each["count"]) for each in found["occupancy"]["bins"]] == [(0.25, 0.25, 8)]


@pytest.mark.parametrize("wrong", [dict(occupancy=np.zeros(3)), dict(stored=np.zeros((3, 1), int)),
                                   dict(cameras=np.zeros((2, 2, 4))), dict(cameras=np.zeros((2, 1, 3)))])
def test_arrays_of_another_size_are_refused(wrong):
    arguments = {"occupancy": np.zeros(2), "stored": np.zeros((2, 1), int), **wrong}
    with pytest.raises(ValueError, match=f"wanted {next(iter(wrong))} of shape"):
        findings.analyse(make_evaluation([[0.1], [0.2]], ["a", "b"], [1]), 0.4, **arguments)


def test_cameras_of_a_packed_data_set_are_those_of_the_views_in_the_batches(data):
    split = RecordDataset(data, "test")
    seen, keys = evaluation.Seen(), []
    for batch in Loader(split, batch_size=4, views=3, seed=5, image_size=32, shuffle=False, drop_last=False,
                        threads=0).epoch(0):
        seen(batch, [np.zeros(batch.voxels.shape, np.float32)])
        keys.extend(batch.keys)
    found = eval_analysis.cameras(split, keys, seen.views)
    assert found.shape == (10, 3, 4)
    for row, key in enumerate(keys):
        sample = split.read(split.keys.index(key))
        assert np.array_equal(found[row], sample.cameras[seen.views[row]])
        assert seen.occupancy[row] == sample.voxels.mean()
    assert len({tuple(row) for row in seen.views}) > 1
    assert directions.shared_cameras(seen.views, found) is True  # tests/tiny_data.py draws them once
    none = SimpleNamespace(keys=keys, record=lambda index: SimpleNamespace(cameras=None))
    assert eval_analysis.cameras(none, keys, seen.views) is None
    some = SimpleNamespace(keys=split.keys, record=lambda index: split.record(index) if index
                           else SimpleNamespace(cameras=None))
    assert np.isnan(eval_analysis.cameras(some, keys, seen.views)).all(axis=(1, 2)).sum() == 1
