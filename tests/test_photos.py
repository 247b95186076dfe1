"""Photographs fitted as training renderings show objects; the data side and the model side must agree."""
from __future__ import annotations

import numpy as np
import pytest

from gluon_r2n2.deployment import foreground
from gluon_r2n2.deployment.preprocess import Preprocessing, prepare
from recordio.errors import DataError
from recordio.layouts import fit_box, fit_object, on_background, photos


def cut_out(height, width, box, *, seed=0):
    """A noisy picture (smoothed, so that resizing matters little) with an opaque ellipse-ish object in *box*."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 8 + 2, width // 8 + 2, 3))
    colour = np.kron(coarse, np.ones((8, 8, 1)))[:height, :width]
    left, top, right, bottom = box
    row, column = np.mgrid[:height, :width]
    inside = (((column - (left + right - 1) / 2) / ((right - left) / 2)) ** 2
              + ((row - (top + bottom - 1) / 2) / ((bottom - top) / 2)) ** 2) <= 1
    return np.dstack([colour, np.where(inside, 255, 0)]).astype(np.uint8)


def test_the_constants_of_both_sides_agree():
    assert photos.VISIBLE == foreground.VISIBLE
    assert (photos.SIZE, photos.SHARE) == (Preprocessing().frame, Preprocessing().object_share)


@pytest.mark.parametrize("shape, box", [((400, 600), (90, 50, 450, 350)), ((640, 300), (0, 0, 290, 600)),
                                        ((300, 500), (400, 100, 500, 300))])
def test_both_paths_give_the_same_picture(shape, box):
    picture = cut_out(*shape, box)
    rules = Preprocessing(crop=137, input_size=137)
    ours = on_background(fit_object(picture), rules.background).astype(int)
    theirs = prepare(picture, rules).image.astype(int)
    assert np.abs(ours - theirs).max() <= 1  # levels: alpha and colour are rounded apart here, blended there
    assert ours.min() < 100 and (ours == rules.background).mean() > .3  # both object and background are there


@pytest.mark.parametrize("shape", [(300, 500), (500, 300), (137, 200), (201, 200)])
def test_both_paths_give_the_same_middle_square(shape):
    picture = cut_out(*shape, (0, 0, 10, 10))
    picture[..., 3] = 255
    rules = Preprocessing(crop=137, input_size=137)
    fitted = fit_object(picture)
    assert (fitted[..., 3] == 255).all()
    assert np.abs(fitted[..., :3].astype(int) - prepare(picture, rules).image).max() <= 1


def test_the_object_is_centred_and_takes_its_share():
    fitted = fit_object(cut_out(500, 900, (600, 300, 880, 440)))
    left, top, right, bottom = photos.visible_box(fitted[..., 3])
    assert abs((right - left) / 137 - .67) < .015 and abs((bottom - top) / 137 - .335) < .015
    assert abs(left + right - 137) <= 2 and abs(top + bottom - 137) <= 2


def test_hidden_colours_do_not_bleed_into_the_rim():
    picture = np.zeros((400, 400, 4), np.uint8)
    picture[..., 0] = 255  # hidden red around a blue disc
    picture[101:299, 101:299] = [0, 0, 255, 255]
    fitted = fit_object(picture)
    seen = fitted[..., 3] > 0
    assert (fitted[seen][:, 0] == 0).all() and (fitted[seen][:, 2] == 255).all()
    assert ((fitted[..., 3] > 0) & (fitted[..., 3] < 255)).any()  # there is a soft rim to look at


def test_size_and_share_are_free():
    fitted = fit_object(cut_out(300, 300, (100, 100, 200, 200)), size=64, share=1.0)
    assert fitted.shape == (64, 64, 4)
    assert photos.visible_box(fitted[..., 3]) == (0, 0, 64, 64)


def test_a_box_at_the_rim_is_transparent_beyond_the_picture():
    picture = np.full((100, 100, 4), 255, np.uint8)
    fitted = fit_box(picture, (0, 0, 100, 100), share=.5)  # a window of 200 around 100
    assert (fitted[68, 68] == 255).all() and (fitted[0] == 0).all() and (fitted[:, 136] == 0).all()
    assert not fit_box(picture, (500, 500, 510, 520)).any()


def test_a_box_whose_window_has_the_size_wanted_is_copied():
    picture = cut_out(300, 300, (100, 100, 200, 200))
    fitted = fit_box(picture, (100, 100, 200, 200), size=100, share=1.0)
    np.testing.assert_array_equal(fitted, picture[100:200, 100:200])


def test_a_picture_that_shows_nothing_is_refused():
    with pytest.raises(DataError, match="alpha channel hides"):
        fit_object(np.zeros((50, 50, 4), np.uint8))
