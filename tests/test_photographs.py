"""Photographs of any size -> network input: how the object is found, and what is said where that is doubtful."""
from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
from tiny_exports import noise

from gluon_r2n2.deployment import Preprocessing, doubts, expected_iou, prepare, view_disagreement
from gluon_r2n2.deployment.grabcut import grabcut, main_part
from gluon_r2n2.deployment.preprocess import MOST_SIDE, network_input
from gluon_r2n2.errors import ModelError
from recordio.layouts import read_rgba
from recordio.loading.augment import TEST, draw
from recordio.loading.compose import compose

RULES = Preprocessing()


def silhouette(height, width, box, colour=(200, 30, 40), background=None):
    """An (H, W, 4) picture of a rectangle *box* (left, top, right, bottom), or (H, W, 3) on a background colour."""
    left, top, right, bottom = box
    picture = np.zeros((height, width, 4), np.uint8)
    picture[top:bottom, left:right] = (*colour, 255)
    if background is None:
        return picture
    flat = np.broadcast_to(np.array(background, np.uint8), (height, width, 3)).copy()
    flat[top:bottom, left:right] = colour
    return flat


def extent(image, background=240):
    """(left, top, right, bottom) of what differs from the background by more than half of the contrast."""
    different = np.abs(image.astype(int) - background).max(axis=2) > 100
    rows, columns = np.nonzero(different.any(axis=1))[0], np.nonzero(different.any(axis=0))[0]
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


@pytest.mark.parametrize("size", [127, 64, 33, 200])
def test_a_training_picture_is_prepared_bit_for_bit_as_the_test_loader_does(size):
    rgba = noise(137, 137, 4)
    drawn = draw(TEST, 1, seed=0, epoch=0, index=0, available=1, image_size=(137, 137))
    expected = np.zeros((3, size, size), np.uint8)
    compose(rgba, drawn, 0, TEST.blend, expected)
    for picture in (rgba, np.dstack([rgba[..., :3], np.full((137, 137), 255, np.uint8)])):
        compose(picture, drawn, 0, TEST.blend, expected)
        got = prepare(picture, Preprocessing(input_size=size))
        np.testing.assert_array_equal(got.image, expected.transpose(1, 2, 0))
    np.testing.assert_array_equal(prepare(picture[..., :3], Preprocessing(input_size=size)).image, got.image)


def test_blending_rounds_to_the_nearest():
    rgba = noise(137, 137, 4)
    exact = (rgba[..., :3] * (rgba[..., 3:] / 255.0) + 240 * (1 - rgba[..., 3:] / 255.0))[5:132, 5:132]
    assert np.abs(prepare(rgba, RULES).image - exact).max() <= 0.5 + 1e-9


def test_it_agrees_with_the_original_where_alpha_is_0_or_255(shared):
    """lib/data_augmentation.py there: crop at offset 5, 240 where alpha is 0, RGB / 255, no blending between."""
    fixture = np.load(shared / "fixtures" / "preproc.npz")
    rgba = fixture["rgba"]
    got = network_input([prepare(rgba, RULES).image])[0, 0].transpose(1, 2, 0)
    hard = np.isin(rgba[5:132, 5:132, 3], (0, 255))
    assert hard.mean() > 0.9
    np.testing.assert_allclose(got[hard], fixture["test_crop"][hard], atol=1e-6)


def test_network_input_is_rgb_in_0_to_1_with_views_first():
    images = [noise(8, 8, 3), np.zeros((8, 8, 3), np.uint8)]
    array = network_input(images)
    assert array.shape == (2, 1, 3, 8, 8) and array.dtype == np.float32
    np.testing.assert_allclose(array[0, 0, 2], images[0][..., 2] / 255.0, rtol=1e-6)


def test_a_picture_of_the_middles_size_is_only_blended():
    rgb = noise(127, 127, 3)
    np.testing.assert_array_equal(prepare(rgb, RULES).image, rgb)


@pytest.mark.parametrize("scale", [1, 4])
@pytest.mark.parametrize("plain", [None, (255, 255, 255), (20, 120, 60)])
def test_the_object_is_centred_and_as_large_as_in_training(scale, plain):
    """By alpha, and by its difference from a plain background: the longest side fills 0.67 of the 137 pixels."""
    box = [scale * number for number in (20, 70, 80, 90)]  # 60 wide, 20 high, far from the middle
    view = prepare(silhouette(100 * scale, 150 * scale, box, background=plain), RULES)
    left, top, right, bottom = extent(view.image)
    assert right - left == pytest.approx(0.67 * 137, abs=2)
    assert bottom - top == pytest.approx(0.67 * 137 / 3, abs=2)
    assert (left + right) / 2 == pytest.approx(63.5, abs=1) and (top + bottom) / 2 == pytest.approx(63.5, abs=1)
    assert (view.image[:5] == 240).all()  # the background is that of the training pictures
    assert ("plain background" if plain else "alpha channel") in view.note


def test_gaps_in_an_object_on_a_plain_background_are_background():
    picture = silhouette(200, 200, (50, 50, 150, 150), background=(255, 255, 255))
    picture[80:120, 80:120] = 255
    assert (prepare(picture, RULES).image[60:67, 60:67] == 240).all()


def test_specks_do_not_stretch_the_object():
    picture = silhouette(300, 300, (100, 100, 200, 200), background=(250, 250, 250))
    picture[3, 3] = picture[290, 10] = 0
    left, _, right, _ = extent(prepare(picture, RULES).image)
    assert right - left == pytest.approx(0.67 * 137, abs=2)


def test_no_crop_keeps_the_whole_picture():
    view = prepare(silhouette(102, 400, (0, 1, 400, 101)), RULES, crop_to_object=False)
    left, top, right, bottom = extent(view.image)
    assert (left, right) == (0, 127) and bottom - top == pytest.approx(137 / 4, abs=2)
    opaque = prepare(silhouette(400, 100, (0, 0, 0, 0), background=(9, 99, 199)), RULES, crop_to_object=False)
    assert (opaque.image == (9, 99, 199)).all()  # padded with its own border


@pytest.mark.parametrize("picture, message", [
    (np.zeros((50, 50), np.uint8), "height, width, 3 or 4"), (np.zeros((50, 50, 3)), "uint8"),
    (np.zeros((15, 50, 3), np.uint8), "at least 16x16"), (np.zeros((50, 50, 4), np.uint8), "transparent"),
    ("photo.png", "str"),
])
def test_what_is_no_picture_is_refused(picture, message):
    with pytest.raises(ModelError, match=message):
        prepare(picture, RULES)


# --- where the object is


def cluttered(height, width, seed=0):
    """A background of soft patches of many greens and greys, (H, W, 3)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 90, (9, 12, 3)) + np.array([30, 90, 60])
    soft = cv2.resize(coarse.astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(soft + rng.normal(0, 4, soft.shape), 0, 255).astype(np.uint8)


def photograph(height=300, width=400, *, centre=(200, 150), axes=(80, 55), seed=0):
    """A striped red ellipse before `cluttered`; -> (picture (H, W, 3), mask (H, W) of 0 and 255)."""
    picture, mask = cluttered(height, width, seed), np.zeros((height, width), np.uint8)
    cv2.ellipse(mask, centre, axes, 20, 0, 360, 255, -1)
    stripes = np.where(np.arange(width) // 9 % 2, 1.0, 0.75)[None, :, None] * np.array([210, 40, 50])
    return np.where(mask[..., None] > 0, stripes, picture).astype(np.uint8), mask


def overlap(first, second):
    first, second = first >= 128, second >= 128
    return (first & second).sum() / (first | second).sum()


@pytest.mark.parametrize("size", [(300, 400), (900, 700), (120, 160)])
def test_grabcut_finds_an_object_before_clutter(size):
    scale = min(size) / 300
    picture, mask = photograph(*size, centre=(size[1] // 2 + 5, size[0] // 2), axes=(int(80 * scale), int(55 * scale)))
    view = prepare(picture, RULES)
    assert view.method == "grabcut" and "GrabCut" in view.note and view.alpha.shape == size
    assert overlap(view.alpha, mask) > 0.95 and not view.warnings
    assert (view.image[:5] == 240).all() and (view.image[:, :5] == 240).all()
    assert view.image[63, 63, 0] > 120 > view.image[63, 63, 1]  # red in the middle


@pytest.mark.slow
def test_grabcut_gives_the_same_in_every_thread_and_whatever_ran_before():
    pictures = [photograph(seed=seed)[0] for seed in range(2)]
    alone = [grabcut(picture) for picture in pictures]
    cv2.setRNGSeed(99)
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(grabcut, pictures * 2))
    for expected, got in zip(alone * 2, together):
        np.testing.assert_array_equal(expected.alpha, got.alpha)
        assert expected.agreement == got.agreement


def test_a_doubtful_foreground_is_said():
    """Noise everywhere: GrabCut's starts find different things in it, or nothing."""
    view = prepare(noise(200, 300, 3), RULES, foreground="grabcut")
    assert view.warnings
    if view.method == "grabcut":
        assert "doubtful" in view.warnings[0]


def test_where_nothing_is_found_the_middle_square_is_taken_and_said():
    for method in ("auto", "plain", "grabcut", "alpha"):
        view = prepare(np.full((300, 200, 3), 77, np.uint8), RULES, foreground=method)
        assert "NOT separated" in view.note and "not found" in view.note and view.method == "none"
        assert view.alpha is None and (view.image == 77).all() and "no border of plain grey 240" in view.warnings[0]


def test_the_ways_in_their_order_and_by_name():
    red, mask = photograph()
    assert prepare(np.dstack([red, mask]), RULES).method == "alpha"
    np.testing.assert_array_equal(prepare(np.dstack([red, mask]), RULES).alpha, mask)
    plain = np.where(mask[..., None] > 0, red, 250).astype(np.uint8)
    assert prepare(plain, RULES).method == "plain background"
    assert overlap(prepare(plain, RULES).alpha, mask) > 0.99
    assert prepare(plain, RULES, foreground="grabcut").method == "grabcut"
    assert prepare(red, RULES, foreground="plain").method == "none"
    # an alpha channel is not looked at where another way is asked for
    assert prepare(np.dstack([red, mask]), RULES, foreground="grabcut").method == "grabcut"
    untouched = prepare(red, RULES, foreground="none")
    assert untouched.method == "none" and untouched.note.endswith("NOT separated")
    expected = cv2.resize(red[:, 50:350], (137, 137), interpolation=cv2.INTER_AREA)[5:132, 5:132]
    np.testing.assert_array_equal(untouched.image, expected)


def test_an_alpha_channel_that_hides_next_to_nothing_is_no_foreground():
    """A level that is everywhere, and the rounded corners of a screenshot, do not say where the object is."""
    red, mask = photograph(120, 160, centre=(82, 60), axes=(32, 22))
    corners = np.full(mask.shape, 255, np.uint8)
    corners[:3, :3] = corners[-3:, -3:] = 0
    for alpha in (np.full(mask.shape, 254, np.uint8), corners):
        view = prepare(np.dstack([red, alpha]), RULES)
        assert view.method == "grabcut" and overlap(view.alpha, mask) > 0.95
        assert prepare(np.dstack([red, alpha]), RULES, foreground="alpha").method == "alpha"


def test_training_pictures_are_left_alone_unless_a_way_is_named():
    picture, _ = photograph(137, 137, centre=(68, 68), axes=(30, 20))
    view = prepare(picture, RULES)
    assert view.method == "training picture" and view.alpha is None
    np.testing.assert_array_equal(view.image, picture[5:132, 5:132])
    assert prepare(picture, RULES, foreground="grabcut").method == "grabcut"


@pytest.mark.parametrize("options, message", [
    ({"foreground": "grabcutt"}, "did you mean 'grabcut'"), ({"foreground": "model"}, "needs a segmentation model"),
])
def test_an_unknown_way_or_an_absent_model_is_refused(options, message):
    with pytest.raises(ModelError, match=message):
        prepare(photograph()[0], RULES, **options)


def test_only_the_main_part_is_kept():
    mask = np.zeros((100, 100), np.uint8)
    mask[40:60, 40:60] = mask[0:30, 0:4] = mask[90:95, 90:95] = mask[62:70, 45:55] = 1
    kept = main_part(mask)
    assert kept[50, 50] and kept[65, 50] and not kept[92, 92]  # 400, 80 and 25 pixels
    assert not main_part(np.zeros((9, 9), np.uint8)).any()


def test_large_pictures_are_scaled_down_first():
    picture = silhouette(60, 9000, (3000, 10, 6000, 50), background=(255, 255, 255))
    view = prepare(picture, RULES)
    assert view.method == "plain background" and view.alpha.shape == (60, 9000) and max(picture.shape) > MOST_SIDE
    left, _, right, _ = extent(view.image)
    assert right - left == pytest.approx(0.67 * 137, abs=2)


# --- warnings


def warned(picture, **options):
    return " ".join(prepare(picture, RULES, **options).warnings)


@pytest.mark.parametrize("box, sides", [
    ((0, 60, 150, 200), "left edge"), ((50, 60, 400, 300), "right and bottom edges"),
    ((0, 0, 100, 300), "left, top and bottom edges"),
])
def test_an_object_that_the_border_cuts(box, sides):
    cut = silhouette(300, 400, box)
    assert f"touches the {sides} of the picture" in warned(cut)
    assert "touches" not in warned(silhouette(300, 400, (10, 10, 390, 290)))
    assert "touches" not in warned(silhouette(300, 400, (0, 0, 400, 300)))  # a cut-out, trimmed on all sides


def test_an_object_of_few_pixels():
    assert "only 20 pixels long" in warned(silhouette(100, 100, (40, 40, 60, 50)))
    assert not warned(silhouette(100, 100, (40, 30, 75, 50)))
    # a network of small input needs fewer
    assert not prepare(silhouette(100, 100, (40, 40, 60, 50)), Preprocessing(input_size=64)).warnings


def test_a_blurred_object():
    sharp = silhouette(300, 300, (100, 100, 200, 220), background=(255, 255, 255))
    blurred = cv2.GaussianBlur(np.where(sharp == 255, 240, sharp).astype(np.uint8), (0, 0), 12)
    assert not warned(sharp) and "blurred" in warned(blurred, crop_to_object=False)


def test_a_picture_without_the_background_of_training():
    assert "no border of plain grey" in warned(noise(137, 137, 3)) and "no border" in warned(photograph()[0],
                                                                                             crop_to_object=False)
    faint = np.full((127, 127, 3), 240, np.uint8)
    assert "next to nothing" in warned(faint)


def test_the_expected_iou_is_that_of_objects_drawn_from_the_probabilities():
    rng = np.random.default_rng(1)
    grid = rng.random((8, 8, 8)).astype(np.float32) ** 3
    solid = grid >= 0.4
    drawn = rng.random((4000, 8, 8, 8)) < grid
    meeting, union = (drawn & solid).sum(axis=(1, 2, 3)), (drawn | solid).sum(axis=(1, 2, 3))
    assert expected_iou(grid, 0.4) == pytest.approx(meeting.mean() / union.mean(), abs=0.004)
    assert expected_iou((grid > 0.5).astype(np.float32), 0.4) == 1 and expected_iou(np.zeros((4, 4, 4)), 0.4) == 0


def test_a_reconstruction_that_the_network_doubts():
    sure, unsure = np.zeros((8, 8, 8), np.float32), np.full((8, 8, 8), 0.11, np.float32)
    sure[2:6, 2:6, 2:6] = 0.9
    unsure[3:5, 3:5, 3:5] = 0.45
    assert doubts(sure, 0.4) == () and "expects an IoU of 0.06" in doubts(unsure, 0.4)[0]


def test_views_of_different_objects():
    low, high = np.zeros((2, 8, 8, 8), np.float32)
    low[:, :3], high[:, 5:] = 1, 1
    assert view_disagreement([low, low], 0.4) == () and view_disagreement([low], 0.4) == ()
    assert "an IoU of 0.00" in view_disagreement([low, high], 0.4)[0]


# --- real photographs


def test_every_photograph_can_be_prepared(shared):
    paths = [path for path in sorted((shared / "data" / "photos").rglob("*")) if path.suffix in (".png", ".jpg")]
    views = {path.name: prepare(read_rgba(path), RULES) for path in paths
             if path.parent.name != "buddha" or path.name in ("00047.jpg", "00049.jpg", "00052.jpg")}
    assert len(views) == 10 and views["taxi.png"].method == "alpha" and views["coffee.png"].method == "grabcut"
    # the statue's box as read off the photographs: left, top, right, bottom
    for name, box in (("00047.jpg", (248, 56, 464, 300)), ("00052.jpg", (109, 51, 527, 317))):
        alpha = views[name].alpha >= 128
        rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
        found = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
        assert views[name].method == "grabcut" and not views[name].warnings
        assert np.abs(np.subtract(found, box)).max() <= 8, (name, found)
    assert "the object touches the bottom edge of the picture, or nearly so" in " ".join(views["00049.jpg"].warnings)
