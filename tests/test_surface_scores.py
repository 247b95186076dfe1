"""Measures of surfaces: against brute force, every assignment written out, and surfaces whose distances are known."""
from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
import trimesh

from gluon_r2n2 import evaluation
from gluon_r2n2.errors import ModelError
from gluon_r2n2.evaluation.surface_scores import SurfacePoints, earth_movers_distance

WORST = {"chamfer_squared": 6.0, "chamfer_plain": 2 * 3 ** 0.5, "f_score_0.01": 0.0, "normal_consistency": 0.0,
         "emd": 3 ** 0.5}
BEST = {"chamfer_squared": 0.0, "chamfer_plain": 0.0, "f_score_0.01": 1.0, "normal_consistency": 1.0, "emd": 0.0}


def rng(seed=0):
    return np.random.default_rng(seed)


def ball(radius, side=32):
    """Probabilities (side, side, side) that are 0.5 at *radius* and fall linearly across it."""
    axis = (np.arange(side) + 0.5) / side - 0.5
    distance = np.linalg.norm(np.stack(np.meshgrid(axis, axis, axis, indexing="ij")), axis=0)
    return np.clip(0.5 + (radius - distance) * 8, 0, 1).astype(np.float32)


def cube(corner, edge=8, side=32):
    grid = np.zeros((side,) * 3, np.float32)
    grid[tuple(slice(start, start + edge) for start in corner)] = 1
    return grid


def square(height, count, seed, flipped=False):
    """Points on the unit square at z = *height*."""
    faces = [[0, 2, 1], [0, 3, 2]] if flipped else [[0, 1, 2], [0, 2, 3]]
    corners = [[0, 0, height], [1, 0, height], [1, 1, height], [0, 1, height]]
    return evaluation.sample_surface(trimesh.Trimesh(corners, faces, process=False), count, rng(seed))


def scored(truth, *occupied, key="a/0", threshold=0.5, **options):
    """The measures of one object whose view counts are 1, 2, ..., as {name: [value per view count]}."""
    scores = evaluation.SurfaceScores(range(1, len(occupied) + 1), threshold, **options)
    scores(SimpleNamespace(keys=[key], voxels=truth[None].astype(np.uint8)), [each[None] for each in occupied])
    return {name: values[0].tolist() for name, values in scores.values.items()}


def test_measures_equal_brute_force():
    random = np.random.RandomState(0)
    sets = []
    for count in (60, 75):
        normals = random.normal(size=(count, 3))
        sets.append(SurfacePoints(random.rand(count, 3), normals / np.linalg.norm(normals, axis=1, keepdims=True)))
    first, second = sets
    apart = np.array([[np.sqrt(sum((a - b) ** 2)) for b in second.points] for a in first.points])  # (60, 75)
    expected = {"chamfer_squared": (apart.min(axis=1) ** 2).mean() + (apart.min(axis=0) ** 2).mean(),
                "chamfer_plain": apart.min(axis=1).mean() + apart.min(axis=0).mean()}
    for distance in (0.1, 0.15, 1e-9):
        precision = np.mean([row.min() < distance for row in apart])
        recall = np.mean([column.min() < distance for column in apart.T])
        expected[f"f_score_{distance:g}"] = 2 / (1 / precision + 1 / recall) if precision and recall else 0.0
    forth = [abs(first.normals[place] @ second.normals[row.argmin()]) for place, row in enumerate(apart)]
    back = [abs(second.normals[place] @ first.normals[column.argmin()]) for place, column in enumerate(apart.T)]
    expected["normal_consistency"] = (np.mean(forth) + np.mean(back)) / 2
    found = evaluation.compare_surfaces(first, second, distances=(0.1, 0.15, 1e-9))
    assert found == pytest.approx(expected, rel=1e-12)
    assert 0 < found["f_score_0.1"] < found["f_score_0.15"] < 1
    assert tuple(found) == evaluation.measure_names((0.1, 0.15, 1e-9))


@pytest.mark.parametrize("seed", range(5))
def test_earth_movers_distance_is_the_best_of_all_assignments(seed):
    first, second = np.random.RandomState(seed).rand(2, 7, 3)
    least = min(np.mean([np.linalg.norm(first[i] - second[j]) for i, j in enumerate(order)])
                for order in itertools.permutations(range(7)))
    assert earth_movers_distance(first, second) == pytest.approx(least, rel=1e-12)


def test_earth_movers_distance_of_a_shift_is_its_length():
    points, shift = np.random.RandomState(1).rand(500, 3), np.array([0.3, -0.2, 0.6])
    assert earth_movers_distance(points, points[::-1] + shift) == pytest.approx(0.7, rel=1e-9)
    with pytest.raises(ModelError, match="same number of points, at most 2000, got 500 and 499"):
        earth_movers_distance(points, points[1:])
    with pytest.raises(ModelError, match="at most 2000, got 2001 and 2001"):
        earth_movers_distance(np.zeros((2001, 3)), np.zeros((2001, 3)))


@pytest.mark.parametrize("flipped", [False, True])  # a normal and its opposite count as the same
def test_parallel_squares(flipped):
    height = 0.25
    found = evaluation.compare_surfaces(square(0, 20_000, 1), square(height, 20_000, 2, flipped),
                                        distances=(0.249, 0.26))
    # to the nearest of 20,000 points it is a little further than to the plane: sqrt(h^2 + r^2), E[r^2] = 1 / 20,000 pi
    assert found["chamfer_squared"] == pytest.approx(2 * (height ** 2 + 1 / (20_000 * np.pi)), rel=1e-4)
    assert found["chamfer_plain"] == pytest.approx(2 * height, rel=1e-3)
    assert found["f_score_0.249"] == 0 and found["f_score_0.26"] == 1
    assert found["normal_consistency"] == pytest.approx(1, abs=1e-12)


def test_half_a_square_is_precise_and_lacks_recall():
    half = evaluation.sample_surface(trimesh.Trimesh([[0, 0, 0], [0.5, 0, 0], [0.5, 1, 0], [0, 1, 0]],
                                                     [[0, 1, 2], [0, 2, 3]], process=False), 10_000, rng(1))
    found = evaluation.compare_surfaces(half, square(0, 10_000, 2), distances=(0.05,))
    recall = 0.55  # all points within 0.05 of the half
    assert found["f_score_0.05"] == pytest.approx(2 * recall / (1 + recall), abs=0.01)
    # points of the other half are 0..0.5 away from this one: mean 0.25, mean square 1/12
    assert found["chamfer_plain"] == pytest.approx(0.125, abs=0.015)
    assert found["chamfer_squared"] == pytest.approx(1 / 24, abs=0.002)


def test_two_samples_of_a_plane_are_as_far_apart_as_chance_has_it():
    """The nearest of n random points on a unit area is 1 / (2 sqrt(n)) away on average (Clark and Evans 1954)."""
    found = evaluation.compare_surfaces(square(0, 10_000, 1), square(0, 10_000, 2), distances=(0.01,))
    assert found["chamfer_plain"] == pytest.approx(0.01, rel=0.03)
    assert found["f_score_0.01"] == pytest.approx(1 - np.exp(-np.pi), rel=0.01)


def test_concentric_spheres():
    inner, outer = (evaluation.sample_surface(trimesh.creation.icosphere(subdivisions=5, radius=radius), 20_000, rng(i))
                    for i, radius in enumerate((0.3, 0.4)))
    found = evaluation.compare_surfaces(inner, outer, distances=(0.095, 0.105), emd_points=500)
    assert found["chamfer_plain"] == pytest.approx(2 * 0.1, rel=2e-3)
    assert found["chamfer_squared"] == pytest.approx(2 * 0.1 ** 2, rel=4e-3)
    assert found["f_score_0.095"] == 0 and found["f_score_0.105"] == 1
    assert found["normal_consistency"] == pytest.approx(1, abs=1e-3)
    assert 0.1 < found["emd"] < 0.13  # each point outward, and a little to the side to a point of its own


def test_concentric_balls_of_voxels():
    found = scored(ball(0.3) >= 0.5, ball(0.3), ball(0.4), points=20_000, distances=(0.05, 0.15))
    assert found["chamfer_plain"][0] < 0.02
    assert found["chamfer_plain"][1] == pytest.approx(0.2, rel=0.03)
    assert found["chamfer_squared"][1] == pytest.approx(2 * 0.01, rel=0.06)
    assert found["f_score_0.05"] == [1.0, 0.0] and found["f_score_0.15"] == [1.0, 1.0]


def test_the_threshold_moves_the_predicted_surface():
    """0.5 + 8 (r - d) is 0.3 where d = r + 0.025."""
    at_half, lower = (scored(ball(0.3) >= 0.5, ball(0.3), points=5000, threshold=at)["chamfer_plain"][0]
                      for at in (0.5, 0.3))
    assert at_half < 0.03 and 0.04 < lower < 0.06


def test_the_threshold_leaves_the_true_surface_where_it_is():
    """Between 0 and 1, the threshold 0.1 lies 0.4 cells further out than 0.5."""
    block = cube((8, 8, 8), edge=16)
    at_half, lower = (scored(block >= 0.5, block, points=5000, threshold=at)["chamfer_squared"][0] for at in (0.5, 0.1))
    assert lower - at_half == pytest.approx(2 * (0.4 / 32) ** 2, rel=0.1)


def test_shifted_cubes():
    """Eight cells to the side: nearer to each other at the nearest points, and 8/32 by the whole mass."""
    found = scored(cube((4, 8, 8)) >= 0.5, cube((12, 8, 8)), points=2000, emd_points=500, distances=(0.03,))
    assert found["emd"][0] == pytest.approx(0.25, rel=0.05)
    # one face touches, one is 8/32 away, and four lie 0..8/32 from the touching face's rim: half of that on average
    assert found["chamfer_plain"][0] == pytest.approx(2 * (0.25 + 4 * 0.125) / 6, rel=0.1)
    assert found["normal_consistency"][0] < 0.9


@pytest.mark.parametrize("side", [32, 64, 128])
def test_edges_of_the_cube_are_the_unit_whatever_the_grid(side):
    edge = side // 4
    found = scored(cube((edge,) * 3, edge, side) >= 0.5, cube((edge, edge, 2 * edge), edge, side), points=3000)
    assert found["chamfer_plain"][0] == pytest.approx(2 * (0.25 + 4 * 0.125) / 6, rel=0.1)


def test_points_are_spread_evenly_by_area():
    corners = [[0, 0, 0], [2, 0, 0], [0, 1, 0],  # area 1, normal +z
               [5, 0, 0], [5, 3, 0], [5, 0, 2],  # area 3, normal +x
               [9, 9, 9], [9, 9, 9], [9, 8, 9]]  # no area
    mesh = trimesh.Trimesh(corners, [[6, 7, 8], [0, 1, 2], [6, 7, 8], [3, 4, 5], [6, 7, 8]], process=False)
    points, normals = evaluation.sample_surface(mesh, 400_000, rng(3))  # so many show a bias of 2 %
    small = points[:, 0] <= 2
    assert small.sum() == pytest.approx(100_000, abs=4 * np.sqrt(400_000 * 0.25 * 0.75))
    np.testing.assert_array_equal(normals, np.where(small[:, None], [0, 0, 1], [1, 0, 0]))
    for chosen, origin, sides in ((small, [0, 0, 0], [[2, 0, 0], [0, 1, 0]]),
                                  (~small, [5, 0, 0], [[0, 3, 0], [0, 0, 2]])):
        weights = (points[chosen] - origin) @ np.linalg.pinv(np.array(sides, float))  # along the two sides
        assert weights.min() >= 0 and weights.sum(axis=1).max() <= 1 + 1e-12
        # the four triangles between the middles of the sides have equal areas
        quarters = [(weights[:, 0] > 0.5), (weights[:, 1] > 0.5), (weights.sum(axis=1) < 0.5)]
        for quarter in quarters:
            assert quarter.mean() == pytest.approx(0.25, abs=4 * np.sqrt(0.25 * 0.75 / chosen.sum()))


def test_the_least_random_number_hits_no_triangle_without_area():
    least = SimpleNamespace(random=np.zeros)
    mesh = trimesh.Trimesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 0, 1], [0, 1, 2]], process=False)
    points, normals = evaluation.sample_surface(mesh, 2, least)
    assert points.tolist() == [[0, 0, 0]] * 2 and normals.tolist() == [[0, 0, 1]] * 2


def test_a_mesh_without_area_has_no_points():
    for mesh in (trimesh.Trimesh(), trimesh.Trimesh([[0, 0, 0], [1, 1, 1], [2, 2, 2]], [[0, 1, 2]], process=False)):
        points, normals = evaluation.sample_surface(mesh, 10, rng())
        assert points.shape == normals.shape == (0, 3)


def test_empty_prediction_and_empty_truth():
    something, nothing = ball(0.3, 16), np.zeros((16,) * 3, np.float32)
    options = {"points": 100, "emd_points": 50, "distances": (0.01,)}
    for truth, prediction, expected in ((something, nothing, WORST), (nothing, something, WORST),
                                        (nothing, nothing, BEST)):
        found = scored(truth >= 0.5, prediction, **options)
        assert {name: value for name, (value,) in found.items()} == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("side", [32, 64])
def test_certain_probabilities_and_a_full_grid(side):
    full = np.ones((side,) * 3, np.float32)  # its surface is that of the cube: area 6
    found = scored(full >= 0.5, full, cube((0, 0, 0), side // 2, side), points=5000, emd_points=200)
    assert found["chamfer_plain"][0] == pytest.approx(np.sqrt(6 / 5000), rel=0.05)
    assert found["normal_consistency"][0] > 0.95
    assert all(np.isfinite(values).all() for values in found.values())
    assert found["chamfer_plain"][1] > 0.3


def test_nothing_depends_on_order_batches_view_counts_or_other_objects():
    random = np.random.RandomState(0)
    truth = np.stack([ball(0.2 + 0.03 * place, 16) >= 0.5 for place in range(5)])
    occupied = [np.stack([np.clip(ball(0.2 + 0.03 * place, 16) + random.normal(0, 0.2, (16,) * 3), 0, 1)
                          for place in range(5)]).astype(np.float32) for _ in range(2)]
    options = {"points": 500, "emd_points": 100, "distances": (0.05,)}
    whole = evaluation.SurfaceScores((1, 3), 0.4, **options)
    whole(SimpleNamespace(keys=list("abcde"), voxels=truth), occupied)
    order, cuts = [3, 1, 4, 0, 2], [0, 1, 3, 5]
    cut = evaluation.SurfaceScores((1, 3), 0.4, **options)
    for start, stop in zip(cuts, cuts[1:]):
        part = order[start:stop]
        cut(SimpleNamespace(keys=["abcde"[place] for place in part], voxels=truth[part]),
            [each[part] for each in occupied])
    alone = evaluation.SurfaceScores((3,), 0.4, **options)
    alone(SimpleNamespace(keys=["c"], voxels=truth[2:3]), [occupied[1][2:3]])
    for name, values in whole.values.items():
        assert values.shape == (5, 2) and len(np.unique(values)) == 10
        np.testing.assert_array_equal(cut.values[name], values[order])  # to the last bit
        assert alone.values[name].tolist() == [[values[2, 1]]]


def test_the_points_depend_on_the_seed_and_the_key():
    truth = ball(0.3, 16) >= 0.5
    found = [scored(truth, ball(0.35, 16), points=300, **options)["chamfer_plain"]
             for options in ({}, {"seed": 1}, {"key": "a/1"}, {"seed": 0, "key": "a/0"})]
    assert found[0] == found[3] and found[0] != found[1] != found[2] != found[0]
    equal = scored(truth, truth.astype(np.float32), points=300)
    assert equal["chamfer_plain"][0] > 0.01  # equal surfaces get points of their own


@pytest.mark.parametrize("wrong, words", [(np.nan, "a/0 after 2 views: .* hold NaN; the network has diverged"),
                                          (1.5, "a/0 after 2 views: wanted probabilities from 0 to 1, got .* to 1.5")])
def test_what_is_no_probability_is_refused(wrong, words):
    bad = ball(0.3, 8)
    bad[1, 2, 3] = wrong
    with pytest.raises(ModelError, match=words):
        scored(ball(0.3, 8) >= 0.5, ball(0.3, 8), bad, points=10)


@pytest.mark.parametrize("options, words", [({"points": 0}, "got 0 and 0"),
                                            ({"emd_points": 2001}, "0 to 2000 .* got 30000 and 2001"),
                                            ({"points": 100, "emd_points": 101}, "got 100 and 101")])
def test_options_out_of_range_are_refused(options, words):
    with pytest.raises(ModelError, match=words):
        evaluation.SurfaceScores((1,), 0.4, **options)
