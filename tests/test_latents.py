"""Ways between latent vectors against closed forms: angles, lengths, ends; draws that do not hang on their number."""
from __future__ import annotations

import numpy as np
import pytest

from gluon_r2n2 import ModelError, get_model
from gluon_r2n2.generative import PATHS, draw_latents, interpolate, path_of
from gluon_r2n2.generative.latents import linear, spherical
from gluon_r2n2.model_zoo import model_config

AT = np.linspace(0, 1, 11)


def pair(size=200, seed=0):
    return np.random.default_rng(seed).normal(size=(2, size))


def angles(way):
    """Degrees from each vector to the next, by the chord between their directions."""
    unit = way / np.linalg.norm(way, axis=1, keepdims=True)
    return np.degrees(2 * np.arcsin(np.linalg.norm(np.diff(unit, axis=0), axis=1) / 2))


def test_spherical_turns_at_constant_speed_and_lengths_go_linearly():
    first, second = pair()
    second *= 3
    way = spherical(first, second, AT)
    whole = np.degrees(np.arccos(first @ second / np.linalg.norm(first) / np.linalg.norm(second)))
    np.testing.assert_allclose(angles(way), whole / 10, rtol=1e-9)
    np.testing.assert_allclose(np.linalg.norm(way, axis=1),
                               np.linspace(np.linalg.norm(first), np.linalg.norm(second), 11), rtol=1e-12)
    # in the plane of the two
    assert np.linalg.matrix_rank(np.vstack([first, second, way]), tol=1e-9) == 2


def test_unit_vectors_follow_the_formula_of_shoemake():
    first, second = (each / np.linalg.norm(each) for each in pair(5))
    omega = np.arccos(first @ second)
    wanted = (np.sin((1 - AT) * omega)[:, None] * first + np.sin(AT * omega)[:, None] * second) / np.sin(omega)
    np.testing.assert_allclose(spherical(first, second, AT), wanted, rtol=0, atol=1e-12)


def test_a_quarter_circle():
    found = spherical([1, 0, 0], [0, 1, 0], [0, 1 / 3, 0.5, 1])
    np.testing.assert_allclose(found, [[1, 0, 0], [np.sqrt(3) / 2, 0.5, 0], [np.sqrt(0.5), np.sqrt(0.5), 0], [0, 1, 0]],
                               atol=1e-15)


def test_linear_is_the_straight_line():
    found = linear([0, 4], [2, 0], [0, 0.25, 1])
    np.testing.assert_array_equal(found, [[0, 4], [0.5, 3], [2, 0]])


@pytest.mark.parametrize("apart", [0, 1e-14, 1e-9, 1e-5])
def test_nearly_equal_vectors_have_a_short_way(apart):
    first, other = pair(8)
    second = first + apart * other
    way = spherical(first, second, AT)
    np.testing.assert_allclose(way, linear(first, second, AT), rtol=0, atol=1e-13 + apart * apart)


@pytest.mark.parametrize("apart", [0, 1e-14, 1e-9, 1e-5])
def test_nearly_opposite_vectors_have_half_a_circle(apart):
    first, other = pair(8)
    second = -first + apart * other
    way = spherical(first, second, AT)
    np.testing.assert_allclose(np.linalg.norm(way, axis=1), np.linalg.norm(first), rtol=2 * apart + 1e-12)
    np.testing.assert_allclose(angles(way), 18, atol=1e-9 + 100 * apart)
    np.testing.assert_allclose(way[-1], second, atol=1e-12)


def test_a_vector_without_length_has_no_direction():
    first, second = np.zeros(4), np.ones(4)
    np.testing.assert_array_equal(spherical(first, second, AT), linear(first, second, AT))
    np.testing.assert_array_equal(spherical(first, first, AT), np.zeros((11, 4)))


def test_one_dimension_has_no_circle():
    np.testing.assert_allclose(spherical([2.0], [-2.0], [0, 0.5, 1]), [[2], [0], [-2]], atol=1e-15)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("steps", [2, 3, 9])
def test_interpolations_keep_their_ends_to_the_bit(path, steps):
    first, second = pair(200, 3).astype(np.float32)
    first[0] = 1e-12  # which the sine of 180 degrees, 1e-16 and not 0, would change
    for end in (second, -first, first):
        way = interpolate(first, end, steps, path=path)
        assert way.dtype == np.float32 and way.shape == (steps, 200)
        assert way[0].tobytes() == first.tobytes() and way[-1].tobytes() == end.tobytes()
        np.testing.assert_allclose(way, PATHS[path](first, end, np.linspace(0, 1, steps)), rtol=1e-6, atol=1e-6)


def test_the_middle_of_the_spherical_way_is_as_long_as_its_ends():
    first, second = pair(2000, 1).astype(np.float32)
    lengths = {path: np.linalg.norm(interpolate(first, second, 3, path=path)[1]) / np.sqrt(2000) for path in PATHS}
    assert abs(lengths["spherical"] - 1) < 0.05 and abs(lengths["linear"] - np.sqrt(0.5)) < 0.05


def test_what_cannot_be_interpolated_is_said():
    first, second = pair(4)
    for arguments, options, words in (((first, second, 1), {}, "at least 2 steps, its ends, got 1"),
                                      ((first, second[:3], 5), {}, r"got \(4,\) and \(3,\)"),
                                      ((first, second, 5), {"path": "sperical"}, "spherical")):
        with pytest.raises(ModelError, match=words):
            interpolate(*arguments, **options)


@pytest.mark.parametrize("prior, path", [("normal", "spherical"), ("uniform", "linear")])
def test_draws_follow_the_prior_and_begin_alike(prior, path):
    config = model_config("3d_gan", latent=50, prior=prior)
    assert path_of(config) == path
    many, few = (draw_latents(config, count, np.random.default_rng(7)) for count in (400, 3))
    assert many.dtype == np.float32 and many.shape == (400, 50)
    np.testing.assert_array_equal(many[:3], few)
    mean, deviation = (0, 1) if prior == "normal" else (0.5, np.sqrt(1 / 12))
    # of 20,000 numbers: within five standard errors
    assert abs(many.mean() - mean) < 5 * deviation / np.sqrt(many.size)
    assert abs(many.std() - deviation) < 0.02
    assert prior == "normal" or (0 <= many.min() and many.max() < 1)


def test_a_network_takes_what_is_drawn():
    net = get_model("3d_gan", width=1 / 32, latent=5, resolution=16)
    assert draw_latents(net.config, 0, np.random.default_rng(0)).shape == (0, 5)
