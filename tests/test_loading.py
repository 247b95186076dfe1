"""Loading: pixels against a NumPy oracle; the stream; threads, order, errors."""
from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from recordio.errors import DataError
from recordio.geometry import Camera, Mesh, render, voxelise
from recordio.layouts import VoxelGrid, read_rgba, write_sample, write_split
from recordio.layouts.images import encode_png
from recordio.loading import (
    ORIGINAL,
    ORIGINAL_TEST,
    TEST,
    TRAIN,
    Augmentation,
    Loader,
    RecordDataset,
    draws,
    read_backgrounds,
)
from recordio.loading.augment import WORDS_PER_VIEW, Drawn, draw
from recordio.loading.compose import compose, compose_views
from recordio.records import PackOptions, make_plan, pack, read_manifest
from recordio.records.encodings import Box

SYNSETS = {"02691156": "airplane", "03001627": "chair"}
MODELS, VIEWS, SIDE = 9, 6, 137


@pytest.fixture(scope="session")
def layout(tmp_path_factory) -> Path:
    """2 classes of 9 models with 6 views of 137x137; 7 and 2 in train and test, none in val."""
    root, random = tmp_path_factory.mktemp("layout"), np.random.RandomState(1)
    split = []
    for synset, name in SYNSETS.items():
        models = [f"model{number}" for number in range(MODELS)]
        for model in models:
            images = np.zeros((VIEWS, SIDE, SIDE, 4), np.uint8)
            for image in images:
                image[30:100, 20:110] = random.randint(0, 256, (70, 90, 4))
                image[50:80, 50:80, 3] = 255
            write_sample(root, synset, model, images, [Camera(10.0 * view, 30, 0.8) for view in range(VIEWS)],
                         VoxelGrid(random.rand(8, 8, 8) < 0.3))
        split.append({"taxonomy_id": synset, "taxonomy_name": name, "train": models[:7], "val": [],
                      "test": models[7:]})
    write_split(root / "ShapeNet.json", split)
    return root


@pytest.fixture(scope="session")
def packed(layout, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("packed") / "data"
    pack(make_plan(layout, PackOptions(shard_size=4)), out)
    return out


@pytest.fixture
def dataset(packed):
    with RecordDataset(packed) as dataset:
        yield dataset


def pictures(layout, key):
    folder = layout / "ShapeNetRendering" / key / "rendering"
    return np.stack([read_rgba(folder / f"{view:02d}.png") for view in range(VIEWS)])


def same(first, second):
    return (first.keys == second.keys and (first.images == second.images).all()
            and (first.voxels == second.voxels).all() and (first.views == second.views).all())


# --- data set

def test_dataset(dataset, layout, packed):
    assert len(dataset) == 14 and dataset.view_count == VIEWS and dataset.voxel_shape == (8, 8, 8)
    assert dataset.keys == [f"{synset}/model{number}" for synset in SYNSETS for number in range(7)]
    assert dataset.class_ids == [key.split("/")[0] for key in dataset.keys]
    assert dataset.class_names == SYNSETS
    assert dataset.fingerprint == read_manifest(packed).fingerprint
    for index in (13, 0, 7):
        sample = dataset.read(index, [4, 1])
        assert (sample.key, sample.synset) == (dataset.keys[index], dataset.class_ids[index])
        assert (sample.images == pictures(layout, sample.key)[[4, 1]]).all()
        assert sample.cameras[:, 0].tolist() == [40.0, 10.0]
        assert (dataset.voxels(index) == sample.voxels).all()
    assert dataset.read(3).images.shape == (VIEWS, SIDE, SIDE, 4)


@pytest.mark.parametrize("name", ["chair", "03001627"])
def test_classes_are_chosen(packed, name):
    with RecordDataset(packed, classes=[name]) as dataset:
        assert dataset.keys == [f"03001627/model{number}" for number in range(7)]
        assert [dataset.read(index, [0]).key for index in range(7)] == dataset.keys


@pytest.mark.parametrize("options, words", [
    ({"split": "tets"}, r"no split 'tets' \(did you mean 'test'\?\); it has train, val, test"),
    ({"split": "val"}, "split 'val' holds no sample"),
    ({"classes": ["chiar"]}, r"no class 'chiar' \(did you mean 'chair'\?\); it has airplane, chair")])
def test_bad_choices(packed, options, words):
    with pytest.raises(DataError, match=words):
        RecordDataset(packed, **options)


# --- pixels

def expected_view(rgba, corner, side, flip, background, mix, shift, blend):
    """The oracle: (H, W, 4) -> (3, side, side), in float64 and whole arrays."""
    cut = rgba[corner[0]:corner[0] + side, corner[1]:corner[1] + side].astype(np.float64)
    mixed = sum(np.roll(cut[..., :3], -step, axis=-1) * weight for step, weight in enumerate(mix))
    colour = np.clip(np.floor((mixed + shift + 128) / 256), 0, 255)
    alpha = cut[..., 3:] / 255 if blend else cut[..., 3:] > 0
    mixed = np.rint(colour * alpha + np.asarray(background, np.float64) * (1 - alpha))
    return (mixed[:, ::-1] if flip else mixed).transpose(2, 0, 1).astype(np.uint8)


@pytest.mark.parametrize("blend", [True, False])
@pytest.mark.parametrize("flip", [True, False])
@pytest.mark.parametrize("mix, shift", [((256, 0, 0), 0), ((300, 0, 0), -4000), ((200, 0, 0), 9000),
                                        ((256, 0, 0), 90000), ((256, 0, 0), -90000), ((280, -40, 30), 500)])
def test_pixels(blend, flip, mix, shift):
    random = np.random.RandomState(7)
    rgba = random.randint(0, 256, (40, 50, 4)).astype(np.uint8)
    rgba[:9, :, 3], rgba[-9:, :, 3] = 0, 255
    drawn = Drawn(np.array([0]), np.array([[3, 9]]), 31, np.array([flip]), flip, np.array([[225, 240, 255]], np.uint8),
                  np.array([mix]), np.array([shift]))
    out = np.empty((3, 31, 31), np.uint8)
    compose(rgba, drawn, 0, blend, out)
    assert (out == expected_view(rgba, (3, 9), 31, flip, (225, 240, 255), mix, shift, blend)).all()


def test_colours_change_as_they_are_said_to():
    """What is drawn against contrast, saturation and hue as matrices, brightness as a shift, one after the other."""
    changes = Augmentation(brightness=0.1, contrast=0.3, saturation=0.5, hue=0.4)
    colours = np.random.RandomState(3).randint(60, 180, (40, 3))  # none is clipped
    axis = np.ones(3) / np.sqrt(3)  # of greys
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    for index in range(50):
        drawn = draw(changes, 1, seed=4, epoch=0, index=index, available=5, image_size=(137, 137))
        words = draws.words(4, 0, draws.SAMPLE, index, 1 + 5 + WORDS_PER_VIEW)[6:]
        brightness, contrast, saturation, hue = (float(draws.symmetric(word)) for word in words[7:11])
        turn = 2 * np.arctan(0.2 * hue)  # Rodrigues' formula about the axis of greys
        rotation = np.eye(3) + np.sin(turn) * cross + (1 - np.cos(turn)) * cross @ cross
        greys = np.outer(axis, axis)
        around = (np.eye(3) - greys) * (1 + 0.5 * saturation) + greys
        truth = (colours @ (around @ rotation).T - 127.5) * (1 + 0.3 * contrast) + 127.5 + 25.5 * brightness
        mixed = sum(np.roll(colours, -step, axis=1) * weight for step, weight in enumerate(drawn.mix[0]))
        assert np.abs((mixed + drawn.shift[0]) / 256 - truth).max() < 1  # weights are rounded to 1/256
        assert abs(drawn.mix[0].sum() - 256 * (1 + 0.3 * contrast)) <= 0.5  # a grey has no hue to turn
    assert abs(turn) > 0.01


def test_blending_is_exactly_rounded():
    """Every pair of colour and alpha over one background, against exact rational rounding."""
    rgba = np.zeros((256, 256, 4), np.uint8)
    rgba[..., 0] = np.arange(256)[:, None]
    rgba[..., 3] = np.arange(256)
    drawn = Drawn(np.array([0]), np.array([[0, 0]]), 256, np.array([False]), False,
                  np.array([[231, 0, 255]], np.uint8), np.array([[256, 0, 0]]), np.array([0]))
    out = np.empty((3, 256, 256), np.uint8)
    compose(rgba, drawn, 0, True, out)
    colour, alpha = rgba[..., 0].astype(int), rgba[..., 3].astype(int)
    assert (out[0] == (2 * (colour * alpha + 231 * (255 - alpha)) + 255) // 510).all()


def test_other_sizes_are_resized_by_area():
    random = np.random.RandomState(7)
    rgba = random.randint(0, 256, (64, 64, 4)).astype(np.uint8)
    rgba[..., 3] = 255
    drawn = Drawn(np.array([0]), np.array([[0, 0]]), 64, np.array([False]), False, np.zeros((1, 3), np.uint8),
                  np.array([[256, 0, 0]]), np.array([0]))
    out = np.empty((3, 16, 16), np.uint8)
    compose(rgba, drawn, 0, True, out)
    means = rgba[..., :3].reshape(16, 4, 16, 4, 3).mean(axis=(1, 3)).transpose(2, 0, 1)
    assert np.abs(out - means).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("stored, crop", [((137, 137), 127), ((64, 64), 59), ((274, 300), 254), ((10, 9), 8)])
def test_the_crop_keeps_its_proportion(stored, crop):
    for index in range(50):
        drawn = draw(TRAIN, 3, seed=0, epoch=0, index=index, available=3, image_size=stored)
        assert drawn.side == crop
        assert (drawn.corners >= 0).all() and (drawn.corners + crop <= stored).all()


def test_a_mirrored_picture_shows_the_mirrored_object():
    """Why picture and voxels are flipped together, and along x: shown on a lop-sided object by rendering it."""
    vertices = np.array([[0, 0, 0], [4, 0, 0], [0, 2, 0], [0, 0, 1]], float)  # a tetrahedron without symmetry
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    mesh = Mesh.build(vertices, faces).normalised()
    other = Mesh.build(mesh.vertices * (-1, 1, 1), faces[:, ::-1])
    seen = render(mesh, [Camera(40, 28, 0.8)])[0, ..., 3]
    mirrored = render(other, [Camera(180 - 40, 28, 0.8)])[0, ..., 3]  # mirrored along x as the object is
    assert np.abs(seen[:, ::-1].astype(int) - mirrored).mean() < 0.5 < 20 < np.abs(seen.astype(int) - mirrored).mean()
    voxels, turned = voxelise(mesh, 16), voxelise(other, 16)
    assert (voxels[::-1] != turned).mean() < 0.002 < 0.02 < (voxels != turned).mean()


# --- draws

def many(augmentation, count=4000, views=2, available=24):
    return [draw(augmentation, views, seed=5, epoch=2, index=index, available=available, image_size=(137, 137))
            for index in range(count)]


def test_the_originals_ranges():
    drawn = many(ORIGINAL)
    corners = np.concatenate([one.corners for one in drawn])
    assert set(corners.ravel()) == set(range(10))  # 0..9, never 10
    background = np.concatenate([one.background for one in drawn])
    assert set(background.ravel()) == set(range(225, 256))
    flips = np.stack([one.flips for one in drawn])
    assert abs(flips.mean() - 0.5) < 0.02 and 0.45 < (flips[:, 0] != flips[:, 1]).mean() < 0.55
    assert not any(one.mirror for one in drawn)
    assert {(*one.mix[0].tolist(), int(one.shift[0])) for one in drawn} == {(256, 0, 0, 0)}
    assert any(one.views[0] == one.views[1] for one in drawn)
    assert set(np.concatenate([one.views for one in drawn])) == set(range(24))


def test_the_defaults_ranges():
    drawn = many(TRAIN)
    corners = np.concatenate([one.corners for one in drawn])
    assert set(corners.ravel()) == set(range(11)) and abs(corners.mean() - 5) < 0.1
    flips = np.stack([one.flips for one in drawn])
    assert (flips[:, 0] == flips[:, 1]).all() and abs(flips.mean() - 0.5) < 0.03
    assert [one.mirror for one in drawn] == flips[:, 0].tolist()
    assert all(one.views[0] != one.views[1] for one in drawn)
    mix, shift = np.concatenate([one.mix for one in drawn]), np.concatenate([one.shift for one in drawn])
    gain = mix.sum(axis=1)
    assert 230 <= gain.min() < 235 and 277 < gain.max() <= 282
    grey = (127.5 * gain + shift) / 256 - 127.5  # what becomes of mid-grey
    assert -15.6 < grey.min() < -14 and 14 < grey.max() < 15.6
    background = np.concatenate([one.background for one in drawn]).astype(int)
    dark = (background < 225).any(axis=1)  # any colour is drawn for a tenth, and all three are light in (31/256)^3
    assert abs(dark.mean() - 0.1) < 0.01
    assert background.min() < 3 and np.abs(background[dark].mean(axis=0) - 127).max() < 10
    assert set(background[~dark].ravel()) == set(range(225, 256))


def test_the_test_recipe_draws_nothing_but_views():
    for one in many(TEST, 20) + many(ORIGINAL_TEST, 20):
        assert (one.corners == 5).all() and (one.background == 240).all() and not one.flips.any() and not one.mirror
        assert (one.mix == (256, 0, 0)).all() and (one.shift == 0).all()


def test_fewer_views_are_the_first_of_more():
    for augmentation in (TRAIN, TEST, ORIGINAL, ORIGINAL_TEST):
        for few, more in zip(many(augmentation, 20, 2), many(augmentation, 20, 7)):
            for name in ("views", "corners", "flips", "background", "mix", "shift"):
                assert (getattr(few, name) == getattr(more, name)[:2]).all()


@pytest.mark.parametrize("seed, epoch, purpose, index", [(0, 0, 0, 0), (7, 3, 2, 11), (2 ** 64 - 1, 10 ** 6, 4, 43784)])
def test_words_are_those_of_numpys_philox(seed, epoch, purpose, index):
    truth = np.random.Philox(key=np.array([seed, 0], np.uint64), counter=[0, purpose, index, epoch]).random_raw(103)
    for count in (0, 1, 4, 103):
        assert (draws.words(seed, epoch, purpose, index, count) == truth[:count]).all()


@pytest.mark.parametrize("augmentation", [TRAIN, TEST, ORIGINAL])
def test_draws_are_what_numpy_makes_of_the_words(augmentation):
    """The compiled draw against whole arrays and NumPy's functions, to the last bit."""
    def integers(numbers, low, high):
        return (((numbers >> np.uint64(32)) * np.uint64(high - low + 1)) >> np.uint64(32)).astype(np.int64) + low

    def symmetric(numbers):
        return (numbers >> np.uint64(11)) * 2.0 ** -52 - 1.0

    views, available = 5, 24
    for index in range(200):
        words = np.random.Philox(key=[3, 0], counter=[0, draws.SAMPLE, index, 8]).random_raw(
            1 + available + WORDS_PER_VIEW * views)
        own = words[1 + available:].reshape(views, WORDS_PER_VIEW)
        drawn = draw(augmentation, views, seed=3, epoch=8, index=index, available=available, image_size=(137, 137))
        nested = np.argsort(words[1:1 + available], kind="stable")[:views]
        replaced = integers(own[:, 0], 0, available - 1)
        assert (drawn.views == (replaced if augmentation.views_with_replacement else nested)).all()
        assert (drawn.corners == 5 + integers(own[:, 1:3], *augmentation.offsets)).all()
        coins = {"sample": np.repeat(words[0] >> np.uint64(63), views), "view": own[:, 3] >> np.uint64(63),
                 "none": np.zeros(views)}[augmentation.flip]
        assert (drawn.flips == coins.astype(bool)).all()
        dark = symmetric(own[:, 11]) < 2 * augmentation.any_background - 1
        assert (drawn.background == np.where(dark[:, None], integers(own[:, 4:7], 0, 255),
                                             integers(own[:, 4:7], *augmentation.background))).all()
        brightness, contrast, saturation, hue = (symmetric(column) for column in own[:, 7:11].T)
        gain = 1.0 + augmentation.contrast * contrast
        half = 0.5 * augmentation.hue * hue
        chroma = gain * (1.0 + augmentation.saturation * saturation) / (1.0 + half ** 2)
        along, across = chroma * (1.0 - half ** 2), chroma * 2.0 * half / np.sqrt(3.0)
        following, preceding = (np.rint(256 * ((gain - along) / 3 + sign * across)) for sign in (-1, 1))
        assert (drawn.mix.T == [np.rint(256 * gain) - following - preceding, following, preceding]).all()
        assert (drawn.shift == np.rint(256 * (127.5 * (1.0 - gain) + 255.0 * augmentation.brightness * brightness))
                ).all()


def test_streams_are_pinned():
    """Literal numbers: a data set read with a seed today gives the same batches in any later version."""
    assert draws.words(7, 3, draws.SAMPLE, 11, 3).tolist() == [
        18305640848430296224, 4656597600382966527, 8246571322124727410]
    assert draws.order(7, 3, 8).tolist() == [2, 0, 7, 3, 5, 4, 1, 6]
    assert [draws.view_number(7, 3, batch, 1, 5) for batch in range(8)] == [3, 5, 3, 5, 3, 5, 1, 5]


@pytest.mark.parametrize("wrong", [{"flip": "both"}, {"crop": 0}, {"crop": 138}, {"background": (250, 240)},
                                   {"background": (0, 256)}, {"offsets": (2, 1)}, {"contrast": 1.5}, {"hue": -0.1},
                                   {"saturation": 2}, {"any_background": 1.1}])
def test_bad_augmentations(wrong):
    with pytest.raises(DataError, match="^augmentation: "):
        Augmentation(**wrong)


# --- batches

def test_batches_are_what_the_oracle_makes(dataset, layout):
    """Shapes, order and every pixel, from the PNG files through the oracle; mirrored samples have mirrored voxels."""
    loader = Loader(dataset, batch_size=5, views=(2, 4), seed=3)
    mirrored = 0
    for number, batch in enumerate(loader.epoch(1)):
        views = draws.view_number(3, 1, number, 2, 4)
        assert batch.images.shape == (views, 5, 3, 127, 127) and batch.images.dtype == np.uint8
        assert batch.voxels.shape == (5, 8, 8, 8) and batch.voxels.dtype == np.uint8
        assert batch.views.shape == (5, views)
        assert batch.keys == [dataset.keys[index] for index in draws.order(3, 1, 14)[5 * number:5 * number + 5]]
        assert batch.synsets == [key.split("/")[0] for key in batch.keys]
        for place, key in enumerate(batch.keys):
            drawn = draw(TRAIN, views, seed=3, epoch=1, index=dataset.keys.index(key), available=VIEWS,
                         image_size=(SIDE, SIDE))
            stored = pictures(layout, key)
            assert (batch.views[place] == drawn.views).all() and len(set(drawn.views)) == views
            for view, chosen in enumerate(drawn.views):
                truth = expected_view(stored[chosen], drawn.corners[view], 127, drawn.flips[view],
                                      drawn.background[view], drawn.mix[view], drawn.shift[view], True)
                assert (batch.images[view, place] == truth).all()
            voxels = dataset.voxels(dataset.keys.index(key))
            assert (batch.voxels[place] == (np.flip(voxels, axis=0) if drawn.mirror else voxels)).all()
            mirrored += drawn.mirror
    assert number == 1 and loader.batches_per_epoch == 2  # 14 samples: the last 4 left out
    assert 0 < mirrored < 10


def test_the_stream_does_not_depend_on_threads(dataset):
    loaders = [Loader(dataset, batch_size=3, seed=1, drop_last=False, image_size=32, threads=threads, prefetch=ahead)
               for threads, ahead in ((0, 1), (1, 1), (2, 4), (5, 2), (8, 100))]
    for epoch in (0, 5):
        streams = [list(loader.epoch(epoch)) for loader in loaders]
        for stream in streams[1:]:
            assert len(stream) == 5 and all(same(a, b) for a, b in zip(streams[0], stream))


def test_an_epoch_resumes_at_any_batch(dataset):
    loader = Loader(dataset, batch_size=3, seed=1, image_size=32)
    whole = list(loader.epoch(2))
    for start in range(loader.batches_per_epoch + 1):
        rest = list(loader.epoch(2, start_batch=start))
        assert len(rest) == len(whole) - start and all(same(a, b) for a, b in zip(whole[start:], rest))


def test_epochs_and_seeds_differ(dataset):
    first = [batch.keys for batch in Loader(dataset, batch_size=7, image_size=8).epoch(0)]
    assert first != [batch.keys for batch in Loader(dataset, batch_size=7, image_size=8).epoch(1)]
    assert first != [batch.keys for batch in Loader(dataset, batch_size=7, image_size=8, seed=1).epoch(0)]
    assert sorted(sum(first, [])) == sorted(dataset.keys)


def test_views_per_batch_are_uniform():
    numbers = [draws.view_number(0, epoch, batch, 1, 5) for epoch in range(20) for batch in range(250)]
    counts = np.bincount(numbers, minlength=7)
    assert counts[0] == counts[6] == 0 and counts[1:6].min() > 900 and counts[1:6].max() < 1100  # 3.5 sigma


def test_an_evaluation_sees_every_sample_once(dataset):
    for size in (1, 4, 14, 50):
        loader = Loader(dataset, batch_size=size, views=3, augmentation=TEST, shuffle=False, drop_last=False,
                        image_size=16)
        batches = list(loader.epoch(0))
        assert sum((batch.keys for batch in batches), []) == dataset.keys
        assert len(batches) == loader.batches_per_epoch == -(-14 // size)
        assert {len(batch.images) for batch in batches} == {3}


def test_evaluation_views_are_nested(dataset):
    options = dict(batch_size=14, augmentation=TEST, shuffle=False, drop_last=False, image_size=32)
    (few,), (more,) = (list(Loader(dataset, views=views, **options).epoch(0)) for views in (2, VIEWS))
    assert (more.images[:2] == few.images).all() and (more.views[:, :2] == few.views).all()
    assert (np.sort(more.views, axis=1) == np.arange(VIEWS)).all()


def test_the_original_recipe_may_repeat_views(dataset):
    batch = next(Loader(dataset, batch_size=14, views=10, augmentation=ORIGINAL, image_size=8).epoch(0))
    assert batch.images.shape[0] == 10


@pytest.mark.parametrize("options, words", [
    ({"views": 7}, "7 views per sample are wanted, split 'train' has 6"), ({"views": (1, 9)}, "9 views per sample"),
    ({"views": -1}, "views should be at least 0"), ({"views": (3, 2)}, "range of views should rise"),
    ({"batch_size": 0}, "batch_size should be at least 1"), ({"batch_size": 15}, "14 samples, fewer than one batch"),
    ({"threads": -1}, "threads"), ({"prefetch": 0}, "prefetch"), ({"image_size": 0}, "image_size")])
def test_bad_options(dataset, options, words):
    with pytest.raises(DataError, match=words):
        Loader(dataset, **{"batch_size": 2, **options})


@pytest.mark.parametrize("epoch, start", [(0, 8), (0, -1), (-1, 0)])
def test_bad_positions(dataset, epoch, start):
    with pytest.raises(DataError, match="does not exist"):
        Loader(dataset, batch_size=2).epoch(epoch, start_batch=start)


# --- background pictures

@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """Pictures of 160 x 160 that are kept as they are, one of them in a folder within, and a larger one."""
    root, random = tmp_path_factory.mktemp("backgrounds"), np.random.RandomState(5)
    (root / "more").mkdir()
    for name in ("a.png", "b.PNG", "more/c.png"):
        (root / name).write_bytes(encode_png(random.randint(0, 256, (160, 160, 3)).astype(np.uint8)))
    (root / "notes.txt").write_text("no picture")
    return root


def test_background_pictures_are_what_the_oracle_makes(dataset, layout, folder):
    """Every pixel of a batch: the object over the cut of the picture that the stored words say, by alpha."""
    backgrounds = read_backgrounds(folder)
    assert backgrounds.pictures.shape == (3, 3, 160, 160)
    assert (backgrounds.pictures[2].transpose(1, 2, 0) == read_rgba(folder / "more/c.png")[..., :3]).all()
    batch = next(Loader(dataset, batch_size=14, views=4, seed=3, backgrounds=backgrounds).epoch(1))
    plain = next(Loader(dataset, batch_size=14, views=4, seed=3).epoch(1))
    assert (plain.views == batch.views).all() and (plain.voxels == batch.voxels).all()
    seen = set()
    for place, key in enumerate(batch.keys):
        index, stored = dataset.keys.index(key), pictures(layout, key)
        drawn = draw(TRAIN, 4, seed=3, epoch=1, index=index, available=VIEWS, image_size=(SIDE, SIDE))
        words = np.random.Philox(key=[3, 0], counter=[0, draws.PICTURES, index, 1]).random_raw(20).reshape(4, 5)
        for view, (any_picture, which, row, column, mirrored) in enumerate(words.tolist()):
            if any_picture >= 1 << 63:  # a share of a half: the highest bit decides
                assert (batch.images[view, place] == plain.images[view, place]).all()
                continue
            number, row, column = ((word >> 32) * span >> 32 for word, span in ((which, 3), (row, 34), (column, 34)))
            cut = backgrounds.pictures[number][:, row:row + 127, column:column + 127].transpose(1, 2, 0)
            cut = cut[:, ::-1] if mirrored >> 63 else cut
            # the oracle mirrors background and object together
            truth = expected_view(stored[drawn.views[view]], drawn.corners[view], 127, drawn.flips[view],
                                  cut[:, ::-1] if drawn.flips[view] else cut, drawn.mix[view], drawn.shift[view], True)
            assert (batch.images[view, place] == truth).all()
            seen.add((number, mirrored >> 63))
    assert seen == {(number, mirrored) for number in range(3) for mirrored in (0, 1)}


def test_background_pictures_do_not_depend_on_threads(dataset, folder):
    for size in (127, 32):
        streams = [list(Loader(dataset, batch_size=5, views=(1, 3), image_size=size, threads=threads,
                               backgrounds=read_backgrounds(folder)).epoch(0)) for threads in (0, 1, 2, 8)]
        assert all(same(a, b) for stream in streams[1:] for a, b in zip(streams[0], stream))


def test_background_pictures_of_other_sizes_and_numbers(tmp_path, folder):
    wide = np.zeros((40, 100, 3), np.uint8)
    wide[:, 30:70] = (10, 200, 90)  # the middle square
    (tmp_path / "wide.png").write_bytes(encode_png(wide))
    assert (read_backgrounds(tmp_path).pictures[0] == np.array([10, 200, 90])[:, None, None]).all()
    few, every = read_backgrounds(folder, most=2), read_backgrounds(folder)
    assert (few.pictures == every.pictures[:2]).all() and few.fingerprint != every.fingerprint
    assert read_backgrounds(folder).fingerprint == every.fingerprint


def test_large_views_get_a_stretched_picture(folder):
    rgba = np.zeros((400, 400, 4), np.uint8)
    backgrounds = read_backgrounds(folder, share=1.0)
    drawn = draw(TEST, 1, seed=0, epoch=0, index=0, available=1, image_size=(400, 400), backgrounds=backgrounds)
    out = np.empty((1, 1, 3, drawn.side, drawn.side), np.uint8)
    compose_views([Box(0, 0, 400, 400, False, rgba)], drawn, True, out, 0, backgrounds=backgrounds)
    number, row, column, mirrored = drawn.pictures[0]
    places = np.arange(drawn.side) * 160 // drawn.side
    truth = backgrounds.pictures[number][:, places][:, :, places[::-1] if mirrored else places]
    assert drawn.side > 160 and (row, column) == (0, 0) and (out[0, 0] == truth).all()


def test_bad_backgrounds(tmp_path, folder):
    with pytest.raises(DataError, match="nowhere: no folder"):
        read_backgrounds(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no background picture is there"):
        read_backgrounds(tmp_path)
    with pytest.raises(DataError, match="share of views should be 0 to 1, got 2"):
        read_backgrounds(folder, share=2)
    (tmp_path / "torn.png").write_bytes((folder / "a.png").read_bytes()[:500])
    with pytest.raises(DataError, match="torn.png: the image is cut short"):
        read_backgrounds(tmp_path)


# --- threads

def loader_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("loader")]


class Counting:
    """A data set that counts how many samples were asked for."""

    def __init__(self, dataset):
        self._dataset, self.reads = dataset, 0

    def __getattr__(self, name):
        return getattr(self._dataset, name)

    def __len__(self):
        return len(self._dataset)

    def record(self, index):
        self.reads += 1
        return self._dataset.record(index)


@pytest.mark.parametrize("prefetch", [1, 3])
def test_work_ahead_is_bounded(dataset, prefetch):
    counting = Counting(dataset)
    loader = Loader(counting, batch_size=1, image_size=8, threads=2, prefetch=prefetch)
    batches = loader.epoch(0)
    assert counting.reads == 0  # nothing starts before the first batch is asked for
    for taken in range(1, 5):
        next(batches)
        time.sleep(0.05)
        assert taken <= counting.reads <= taken + prefetch
    batches.close()


def test_closing_stops_the_threads(dataset):
    loader = Loader(dataset, batch_size=2, threads=3)
    with contextlib.closing(loader.epoch(0)) as batches:
        next(batches)
        assert loader_threads()
    assert not loader_threads()
    for _ in loader.epoch(0):
        break  # the iterator has no other reference and goes here
    assert not loader_threads()
    with pytest.raises(KeyboardInterrupt):
        for _ in loader.epoch(0):
            raise KeyboardInterrupt
    list(loader.epoch(0))
    assert not loader_threads()


@pytest.mark.parametrize("threads", [0, 2])
def test_a_damaged_record_reaches_the_caller(packed, tmp_path, threads):
    for file in packed.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    path = tmp_path / "train-00002.rec"
    content = bytearray(path.read_bytes())
    content[len(content) // 8] ^= 64
    path.write_bytes(content)
    with RecordDataset(tmp_path) as dataset:
        loader = Loader(dataset, batch_size=3, threads=threads, image_size=16, shuffle=False)
        batches, seen = loader.epoch(0), 0
        with pytest.raises(DataError, match=r"train-00002.rec, record 0 \(03001627/model1\): the checksum"):
            for _ in batches:
                seen += 1
        assert seen == 2  # the batches before it came: samples 0 to 5
    assert not loader_threads()


def test_files_are_closed(packed):
    before = set(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    if before is None:
        pytest.skip("no /proc here")
    for _ in range(20):
        dataset = RecordDataset(packed)
        list(Loader(dataset, batch_size=14, image_size=8).epoch(0))
        del dataset
    assert len(os.listdir("/proc/self/fd")) <= len(before) + 1


def test_no_views_give_the_voxels_alone(data):
    dataset = RecordDataset(data, "train")
    with_views, without = (Loader(dataset, batch_size=4, views=views, seed=5, image_size=32, threads=1)
                           for views in ((1, 2), 0))
    for expected, batch in zip(with_views.epoch(1), without.epoch(1)):
        assert batch.images.shape == (0, 4, 3, 32, 32) and batch.views.shape == (4, 0)
        assert batch.keys == expected.keys
        np.testing.assert_array_equal(batch.voxels, expected.voxels)  # mirrored alike
