"""Chamfer distances, fixed features, Frechet distances and the classifier, against slow oracles and closed forms."""
from __future__ import annotations

import itertools

import mxnet as mx
import numpy as np
import pytest
from scipy import linalg, ndimage, sparse

import gluon_r2n2
from gluon_r2n2.evaluation import compare_surfaces, generative
from gluon_r2n2.evaluation.surface_scores import SurfacePoints

# of the feature network: a row of its first weights, and five of the features of `ball(5)`
FIRST = [0.05212333183178016, 0.08980922295886876, 0.1245816607591145, 0.14604064183587467]
BALL = [0.05826759931993423, 1.5003200010592315, 0.014354505252839966, 0.06816962451180736, 0.6232846069565706]


def ball(radius, size=16, centre=None):
    """A ball of voxels."""
    places = np.indices((size,) * 3) - np.reshape(centre or [(size - 1) / 2] * 3, (3, 1, 1, 1))
    return (places ** 2).sum(axis=0) <= radius ** 2


# --- Chamfer distances

def test_chamfer_of_pairs_is_that_of_all_distances():
    random = np.random.default_rng(0)
    samples, references = ([random.random((count, 3)) - 0.5 for count in counts] for counts in ((30, 7), (12, 40, 1)))
    found = generative.pairwise_chamfer(samples, references)
    for (i, first), (j, second) in itertools.product(enumerate(samples), enumerate(references)):
        squares = ((first[:, None] - second) ** 2).sum(axis=2)
        assert found[i, j] == pytest.approx(squares.min(axis=1).mean() + squares.min(axis=0).mean(), rel=1e-12)


def test_chamfer_of_pairs_is_chamfer_squared():
    first, second = (generative.surface_points(ball(radius)[None], points=200, seed=(radius,)) for radius in (3, 6))
    normals = np.zeros((200, 3))
    pair = compare_surfaces(SurfacePoints(first[0], normals), SurfacePoints(second[0], normals))
    assert generative.pairwise_chamfer(first, second)[0, 0] == pytest.approx(pair["chamfer_squared"], rel=1e-12)


def test_chamfer_of_pairs_does_not_depend_on_threads():
    random = np.random.default_rng(8)
    points = [random.random((50, 3)) for _ in range(4)]
    np.testing.assert_array_equal(generative.pairwise_chamfer(points, points, workers=3),
                                  generative.pairwise_chamfer(points, points))


def test_chamfer_of_two_points_is_their_squared_distance_twice():
    points = [np.array([[0.0, 0, 0]]), np.array([[0.1, 0.2, 0.2]])]
    np.testing.assert_allclose(generative.pairwise_chamfer(points, points), [[0, 0.18], [0.18, 0]], rtol=1e-14)


def test_shapes_without_a_surface_are_as_far_as_can_be():
    empty, some = np.empty((0, 3)), np.zeros((4, 3))
    found = generative.pairwise_chamfer([empty, some], [some, empty, some])
    np.testing.assert_allclose(found, [[6, 0, 6], [0, 6, 0]], rtol=1e-14)
    assert generative.pairwise_chamfer([empty], [empty]).tolist() == [[0]]


def test_points_lie_on_the_surface_and_depend_on_the_seed_alone():
    grids = np.stack([ball(5), np.zeros((16,) * 3, bool), ball(3)])
    points = generative.surface_points(grids, points=400, seed=(1, 2))
    assert [each.shape for each in points] == [(400, 3), (0, 3), (400, 3)]
    radius = np.linalg.norm(points[0], axis=1) * 16
    assert 4 < radius.min() and radius.max() < 6 and abs(radius.mean() - 5) < 0.3
    again = generative.surface_points(grids, points=400, seed=(1, 2))
    np.testing.assert_array_equal(points[2], again[2])
    assert (points[0] != generative.surface_points(grids, points=400, seed=(1, 3))[0]).any()


def test_nearer_shapes_have_a_smaller_chamfer_distance():
    radii = (3, 4, 6)
    points = generative.surface_points(np.stack([ball(radius) for radius in radii]), points=500)
    distances = generative.pairwise_chamfer(points, generative.surface_points(ball(3)[None], points=500, seed=(9,)))
    assert distances[0, 0] < distances[1, 0] < distances[2, 0]
    # concentric balls: every point is the difference of the radii from the other surface, both ways
    small, large = (np.linalg.norm(points[place], axis=1).mean() for place in (0, 2))
    assert distances[2, 0] == pytest.approx(2 * (large - small) ** 2, rel=0.05)


# --- the feature network

def slow_features(grid):
    """`shape_features` of one grid of 32^3, place by place."""
    maps, found = grid[None].astype(float), []
    for weight in generative.feature_weights():
        padded = np.pad(maps, [(0, 0), (1, 1), (1, 1), (1, 1)])
        size = maps.shape[1] // 2
        out = np.zeros((len(weight), size, size, size))
        for x, y, z in itertools.product(range(size), repeat=3):
            window = padded[:, 2 * x:2 * x + 4, 2 * y:2 * y + 4, 2 * z:2 * z + 4]
            for channel, kernel in enumerate(weight):
                out[channel, x, y, z] = max(0.0, float((window * kernel).sum()))
        found += [out.mean(axis=(1, 2, 3)), out.max(axis=(1, 2, 3))]
        maps = out
    return np.concatenate(found)


def test_features_are_those_of_loops():
    grid = np.random.default_rng(1).random((32,) * 3) < 0.2
    np.testing.assert_allclose(generative.shape_features(grid[None])[0], slow_features(grid), rtol=1e-10)


def test_the_feature_network_never_changes():
    first, *_, last = generative.feature_weights()
    # recorded once; NumPy keeps the stream of RandomState(2016)
    np.testing.assert_allclose(first[0, 0, 0, 0], FIRST, rtol=1e-12)
    assert first.shape == (8, 1, 4, 4, 4) and last.shape == (16, 8, 4, 4, 4)
    found = generative.shape_features(ball(5)[None])
    assert found.shape == (1, 64)
    np.testing.assert_allclose(found[0, [0, 8, 16, 32, 63]], BALL, rtol=1e-9)


def test_features_are_the_same_at_any_resolution():
    grid = ball(5)
    fine = grid.repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)
    finer = fine.repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)
    found = [generative.shape_features(each[None]) for each in (grid, fine, finer)]
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])


def test_features_do_not_depend_on_the_grids_beside():
    grids = np.random.default_rng(2).random((5, 16, 16, 16)) < 0.3
    together = generative.shape_features(grids)
    alone = np.concatenate([generative.shape_features(grid[None]) for grid in grids])
    np.testing.assert_array_equal(together, alone)
    assert generative.shape_features(grids[:0]).shape == (0, 64)


@pytest.mark.parametrize("shape", [(1, 24, 24, 24), (1, 16, 16, 32), (16, 16, 16), (1, 0, 0, 0)])
def test_features_want_cubes_of_known_size(shape):
    with pytest.raises(ValueError, match="16, 32, 64 or 128 voxels"):
        generative.shape_features(np.zeros(shape, bool))


# --- Frechet distances

def by_matrix_root(first, second):
    """As usually written: the root of the product of the covariances, by scipy."""
    (mean_a, cov_a), (mean_b, cov_b) = ((each.mean(axis=0), np.cov(each, rowvar=False)) for each in (first, second))
    return ((mean_a - mean_b) ** 2).sum() + np.trace(cov_a + cov_b - 2 * linalg.sqrtm(cov_a @ cov_b).real)


def test_frechet_distance_is_that_of_the_matrix_root():
    random = np.random.default_rng(3)
    first = random.standard_normal((60, 7)) @ random.standard_normal((7, 7))
    second = random.standard_normal((80, 7)) @ random.standard_normal((7, 7)) + random.standard_normal(7)
    assert generative.frechet_distance(first, second) == pytest.approx(by_matrix_root(first, second), rel=1e-9)
    assert generative.frechet_distance(second, first) == pytest.approx(by_matrix_root(first, second), rel=1e-9)


def exact_sample(mean, deviations, count=8):
    """Rows whose mean and (diagonal) covariance are exactly those given."""
    signs = np.array(list(itertools.product([-1, 1], repeat=3)), float)[:count]  # uncorrelated columns
    return np.asarray(mean) + signs * np.asarray(deviations) * np.sqrt((count - 1) / count)


def test_frechet_distance_of_gaussians_along_the_axes():
    first, second = exact_sample([1, 2, 3], [1, 2, 0.5]), exact_sample([1, 4, 2], [3, 2, 0])
    wanted = (0 + 4 + 1) + (1 - 3) ** 2 + (2 - 2) ** 2 + (0.5 - 0) ** 2
    assert generative.frechet_distance(first, second) == pytest.approx(wanted, rel=1e-12)


def test_frechet_distance_of_singular_covariances():
    random = np.random.default_rng(4)
    few = random.standard_normal((5, 40))  # 5 rows span 4 of 40 dimensions
    assert generative.frechet_distance(few, few) == pytest.approx(0, abs=1e-6)
    moved = few + 0.5  # the covariance stays
    assert generative.frechet_distance(few, moved) == pytest.approx(40 * 0.25, rel=1e-6)
    constant = np.ones((9, 40))
    wanted = ((few.mean(axis=0) - 1) ** 2).sum() + np.trace(np.cov(few, rowvar=False))
    assert generative.frechet_distance(constant, few) == pytest.approx(wanted, rel=1e-12)
    assert generative.frechet_distance(few[:, :1], few[:, :1]) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("first, second, words", [
    (np.zeros((1, 3)), np.zeros((4, 3)), "at least 2 shapes"),
    (np.zeros((4, 3)), np.zeros((4, 2)), "of one width"),
    (np.full((4, 3), np.nan), np.zeros((4, 3)), "finite"),
])
def test_frechet_distance_refuses_what_has_no_covariance(first, second, words):
    with pytest.raises(ValueError, match=words):
        generative.frechet_distance(first, second)


# --- sets of shapes

def test_a_set_against_itself_is_as_good_as_can_be():
    grids = np.stack([ball(radius, centre=[place, 8, 8]) for radius in (2, 3, 4) for place in (5, 9)])
    real = generative.Shapes(grids, points=100)
    total, each = generative.compare_shapes(generative.Shapes(grids, points=100), real)
    assert total["frechet"] == pytest.approx(0, abs=1e-6)
    for kind in generative.DISTANCES:
        assert total["coverage"][kind] == 1 and total["minimum_matching_distance"][kind] == 0
        assert total["two_sample_accuracy"][kind]["both"] == 0  # each has its copy in the other set
        assert each[f"reference_{kind}"].tolist() == list(range(6)) and not each[f"distance_{kind}"].any()


def test_a_collapsed_set_is_found_out():
    grids = np.stack([ball(radius, centre=[place, 8, 8]) for radius in (2, 3, 4) for place in (5, 9)])
    real = generative.Shapes(grids, points=100)
    total, _ = generative.compare_shapes(generative.Shapes(grids[:1].repeat(8, axis=0), points=100, seed=(1,)), real)
    assert total["coverage"] == {"iou": 1 / 6, "chamfer": 1 / 6}
    itself, _ = generative.compare_shapes(generative.Shapes(grids, points=100, seed=(1,)), real)
    assert total["frechet"] > 100 * itself["frechet"]


def test_the_nearest_of_many_is_found_block_by_block():
    random = np.random.default_rng(5)
    grids, many = random.random((4, 6, 6, 6)) < 0.4, random.random((10, 6, 6, 6)) < 0.4
    many[7] = grids[2]
    names = [f"s/{number}" for number in range(10)]
    blocks = [(names[start:start + 4], many[start:start + 4]) for start in range(0, 10, 4)]
    ious = np.array([[(a & b).sum() / (a | b).sum() for b in many] for a in grids])
    keys, best = generative.nearest_of(grids, blocks)
    assert keys == [names[row] for row in ious.argmax(axis=1)] and keys[2] == "s/7"
    np.testing.assert_array_equal(best, ious.max(axis=1))


def test_solidity_of_parts():
    grid = np.zeros((3, 8, 8, 8), bool)
    grid[1, :2, :2, :2] = grid[1, 2, 2, 2] = grid[1, 6, 6, 6] = True  # 8 voxels, one at their corner, one apart
    grid[2] = True
    found = generative.solidity(grid)
    assert found["occupied"].tolist() == [0, 10, 512]
    assert found["parts"].tolist() == [0, 3, 1]
    assert found["largest_part"].tolist() == [0, 0.8, 1]
    assert ndimage.label(grid[1], np.ones((3, 3, 3)))[1] == 2  # corners would join


# --- recognition

@pytest.mark.parametrize("resolution, stages", [(16, 2), (32, 3), (64, 3)])
def test_discriminator_features_are_pooled_maps(resolution, stages):
    net = gluon_r2n2.get_model("3d_gan", width=1 / 32, resolution=resolution)
    gluon_r2n2.initialise(net, seed=1)
    grids = np.random.default_rng(6).random((3,) + (resolution,) * 3) < 0.3
    found = generative.discriminator_features(net, grids, batch_size=2)
    maps = [each.asnumpy() for each in net.discriminator.features(mx.nd.array(grids.astype(np.float32)))][-3:]
    assert len(maps) == stages
    for row in range(3):
        wanted = []
        for each in maps:
            half = each.shape[-1] // 2
            for channel in each[row]:
                wanted += [channel[x:x + half, y:y + half, z:z + half].max()
                           for x, y, z in itertools.product((0, half), repeat=3)]
        np.testing.assert_allclose(found[row], wanted, rtol=1e-4, atol=1e-6)
    assert found.shape == (3, 8 * sum(net.config.grid_channels[:3]))


def test_a_diverged_discriminator_is_named():
    net = gluon_r2n2.get_model("3d_gan", width=1 / 32, resolution=16)
    gluon_r2n2.initialise(net, seed=1)
    bias = net.discriminator.stages[0][0].bias
    bias.set_data(mx.nd.full(bias.shape, np.nan))
    with pytest.raises(gluon_r2n2.ModelError, match="the discriminator makes NaN"):
        generative.discriminator_features(net, np.ones((1, 16, 16, 16), bool))


def test_published_features_are_7168_numbers():
    channels = gluon_r2n2.model_config("3d_gan").grid_channels  # of 4^3, 8^3, ... at width 1 and 64^3
    assert 8 * sum(channels[:3]) == 7168


def test_a_linear_classifier_tells_apart_what_is_apart():
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the extra classify")
    random = np.random.default_rng(7)
    centres = {"a": [9, 0], "b": [0, 9], "c": [-9, -9]}
    names = list("abc") * 10
    points = np.array([centres[name] for name in names]) + random.standard_normal((30, 2))
    asked, truth = points[:6].copy(), names[:6]
    asked[0] = centres["b"]  # an 'a' that looks like a 'b'
    for kind in (np.asarray, sparse.csr_matrix):
        found = generative.linear_accuracy(kind(points), names, kind(asked), truth)
        assert found["predicted"] == ["b", *truth[1:]]
        assert found["accuracy"] == 5 / 6 and found["by_class"] == {"a": 0.5, "b": 1, "c": 1}
    with pytest.raises(ValueError, match="at least two classes"):
        generative.linear_accuracy(points, ["a"] * 30, points, ["a"] * 30)
