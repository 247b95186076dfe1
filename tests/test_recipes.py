"""The recipes: the original's first values, schedule, pixels and views; optimisers are in test_optimisers.py.

What the original computed is in the fixtures beside the checkout; where they are absent its formulas, written out here
in float64 and pixel by pixel, stand for it. They are those of lib/layers.py, lib/data_augmentation.py and
lib/voxel.py there.
"""
from __future__ import annotations

import collections
import dataclasses
import json
import struct
import zlib

import mxnet as mx
import numpy as np
import pytest
from tiny_data import SIZE

import gluon_r2n2
from gluon_r2n2 import ModelError, metrics, training
from gluon_r2n2.training.arrays import named_parameters
from gluon_r2n2.training.config import RECIPES, TrainingConfig
from gluon_r2n2.training.schedule import learning_rate
from gluon_r2n2_tools import eval as eval_tool
from gluon_r2n2_tools import eval_subjects, train
from recordio.layouts import read_rgba
from recordio.loading import ORIGINAL, ORIGINAL_TEST, TEST, TRAIN, Loader, RecordDataset
from recordio.loading.augment import Drawn, draw
from recordio.loading.compose import compose

SMALL = ["--width", "0.0625", "--image-size", str(SIZE), "--batch-size", "4", "--views", "1-3", "--seed", "1",
         "--log-every", "1", "--threads", "1", "--validate-every", "0"]


# schedule and recipes -----------------------------------------------------------------------------

def test_learning_rates():
    original = TrainingConfig.from_recipe("original")
    assert [learning_rate(original, step) for step in (1, 20000, 20001, 60000, 60001)] == pytest.approx(
        [1e-4, 1e-4, 1e-5, 1e-5, 1e-6])
    modern = TrainingConfig.from_recipe(steps=100, warmup=0.1)
    assert [learning_rate(modern, step) for step in (1, 10, 55, 100)] == pytest.approx([1e-4, 1e-3, 5.05e-4, 1e-5])
    poly = dataclasses.replace(modern, schedule="poly")
    assert learning_rate(poly, 55) == pytest.approx(1e-3 * (0.01 + 0.99 * 0.5 ** 0.9))
    assert learning_rate(dataclasses.replace(modern, schedule="constant"), 99) == 1e-3


def test_what_the_recipes_are():
    original, modern = TrainingConfig.from_recipe("original"), TrainingConfig.from_recipe()
    assert (original.optimizer, original.learning_rate, original.weight_decay) == ("adam", 1e-4, 5e-5)
    assert (original.loss_limit, original.clip, original.warmup, original.views) == (2.0, 0.0, 0.0, (1, 5))
    assert modern == TrainingConfig() and (modern.recipe, modern.optimizer) == ("modern", "adamw")
    assert set(RECIPES) == {"modern", "original"}
    sgd = TrainingConfig.from_recipe("original", optimizer="sgd")
    assert (sgd.learning_rate, sgd.weight_decay) == (0.1, 5e-5)
    assert TrainingConfig.from_recipe(optimizer="adam").weight_decay == 5e-5  # L2 as strong as AdamW's decay would hurt
    assert TrainingConfig.from_recipe(optimizer="sgd", learning_rate=0.5, weight_decay=0.0).learning_rate == 0.5
    with pytest.raises(ModelError, match="unknown recipe 'improved'.*modern, original"):
        TrainingConfig.from_recipe("improved")
    with pytest.raises(ModelError, match="unknown optimizer 'adamx'; did you mean"):
        TrainingConfig.from_recipe(optimizer="adamx")
    with pytest.raises(ModelError, match="clip must be at least 0"):
        TrainingConfig(clip=-1.0)


# first values -------------------------------------------------------------------------------------

# every weight of the original's ResidualGRUNet, in its layouts: (O, I, H, W), (in, out), (O, D, I, H, W)
RESIDUAL_GRU = [
    (96, 3, 7, 7), (96, 96, 3, 3), (128, 96, 3, 3), (128, 128, 3, 3), (128, 96, 1, 1), (256, 128, 3, 3),
    (256, 256, 3, 3), (256, 128, 1, 1), *[(256, 256, 3, 3)] * 4, (256, 256, 1, 1), *[(256, 256, 3, 3)] * 2,
    (2304, 1024), *[(128, 3, 128, 3, 3), (1024, 8192)] * 3, *[(128, 3, 128, 3, 3)] * 4, (64, 3, 128, 3, 3),
    (64, 3, 64, 3, 3), (64, 1, 128, 1, 1), (32, 3, 64, 3, 3), *[(32, 3, 32, 3, 3)] * 2, (2, 3, 32, 3, 3)]


def original_deviation(shape):
    """The standard deviation of the original's weights: lib/layers.py there, class Weight."""
    fan_in = np.prod(shape[1:])
    fan_out = np.prod(shape) / shape[2 if len(shape) == 5 else 1]
    return np.sqrt(2 / ((fan_in + fan_out) / 2))


def original_weights(name, array):
    """Our weight as the original's separate ones: [(shape there, values), ...]."""
    shape = array.shape
    if name == "projection.dense.weight":
        return [((shape[1], len(gate)), gate) for gate in np.split(array, 3)]
    if array.ndim == 2:
        return [(shape[::-1], array)]
    if array.ndim == 4:
        return [(shape, array)]
    if name.startswith("cell."):
        return [((128, shape[2], 128, shape[3], shape[4]), gate) for gate in np.split(array, len(array) // 128)]
    if name.startswith("decoder.stages") and name.endswith(("conv_a.0.weight", "skip.weight")):
        shape = (shape[1], shape[0]) + shape[2:]  # of a transposed convolution: input channels come first
    return [((shape[0], shape[2], shape[1], shape[3], shape[4]), array)]


@pytest.mark.parametrize("model", ["res3d_gru_3", "lstm_1"])
def test_first_values_are_the_originals(model):
    net = gluon_r2n2.get_model(model)
    gluon_r2n2.initialise(net, seed=3)
    found, previous = [], None
    for name, parameter in named_parameters(net).items():
        values = parameter.data().asnumpy()
        if name.endswith("bias"):
            assert (values == np.float32(0.1)).all(), name
            continue
        for shape, weight in original_weights(name, values):
            found.append(shape)
            if name.startswith("cell."):  # orthonormal rows, as the paper has it, and every gate another
                matrix = weight.reshape(len(weight), -1)
                assert np.abs(matrix @ matrix.T - np.eye(len(matrix))).max() < 1e-5
                assert previous is None or np.abs(matrix - previous).max() > 0.01
                previous = matrix
                continue
            wanted, five_sigma = original_deviation(shape), 5 / np.sqrt(weight.size)
            assert abs(weight.std() / wanted - 1) < five_sigma / np.sqrt(2), (name, weight.std(), wanted)
            assert abs(weight.mean()) < five_sigma * wanted, name
            # E|x| of a normal variable; of a uniform one it would be 0.866 sigma
            assert abs(np.abs(weight).mean() / wanted - np.sqrt(2 / np.pi)) < five_sigma, name
    if model == "res3d_gru_3":
        assert collections.Counter(found) == collections.Counter(RESIDUAL_GRU)


def test_the_shapes_above_are_the_originals(shared):
    listed = json.loads((shared / "fixtures" / "params_ResidualGRUNet.json").read_text())["params"]
    assert [tuple(entry["shape"]) for entry in listed if not entry["is_bias"]] == RESIDUAL_GRU


# pixels ---------------------------------------------------------------------------------------------

def original_pixels(rgba, background, row, column, flipped, side=127):
    """The original's preprocess_img, pixel by pixel: (H, W, 4) -> (side, side, 3) float32."""
    out = np.zeros((side, side, 3), np.float32)
    for y in range(side):
        for x in range(side):
            *colour, alpha = rgba[row + y, column + x].tolist()
            place = side - 1 - x if flipped else x
            out[y, place] = np.array(background if alpha == 0 else colour, np.float32) / np.float32(255)
    return out


def drawn_as(background, row, column, flipped):
    """What the original drew, as our kernel takes it."""
    return Drawn(np.array([0]), np.array([[row, column]]), 127, np.array([bool(flipped)]), False,
                 np.array([background], np.uint8), np.array([[256, 0, 0]]), np.array([0]))


def fixed_draw(augmentation):
    """What a recipe without chance draws."""
    return draw(augmentation, 1, seed=9, epoch=1, index=2, available=1, image_size=(137, 137))


def pixels(rgba, drawn, augmentation):
    """(127, 127, 3) float32 in [0, 1], as the network sees it."""
    out = np.empty((3, 127, 127), np.uint8)
    compose(rgba, drawn, 0, augmentation.blend, out)
    return out.transpose(1, 2, 0) / np.float32(255)


def png(rgba):
    """A PNG file of plain zlib lines."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    height, width, _ = rgba.shape
    lines = b"".join(b"\0" + line.tobytes() for line in rgba)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">2I5B", width, height, 8, 6, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


def test_the_originals_preprocessing(shared):
    """Bit for bit what the original computed of a PNG file: four draws of training, and the test mode."""
    truth = np.load(shared / "fixtures" / "preproc.npz")
    rgba = read_rgba(truth["png"].tobytes())
    assert (rgba == truth["rgba"]).all() and 0 < (truth["rgba"][..., 3] % 255 > 0).sum()  # with a rim to mix or not
    for seed in range(4):
        red, green, blue, row, column, flipped = truth[f"train_seed{seed}_draws"].tolist()
        drawn = drawn_as((red, green, blue), row, column, flipped)
        assert (pixels(rgba, drawn, ORIGINAL) == truth[f"train_seed{seed}"]).all()
        assert (original_pixels(rgba, (red, green, blue), row, column, flipped) == truth[f"train_seed{seed}"]).all()
    assert (pixels(rgba, fixed_draw(ORIGINAL_TEST), ORIGINAL_TEST) == truth["test_crop"]).all()
    # ours mixes the rim by alpha, and agrees everywhere else
    solid = truth["rgba"][5:132, 5:132, 3] % 255 == 0
    assert (pixels(rgba, fixed_draw(TEST), TEST)[solid] == truth["test_crop"][solid]).all()


def test_the_originals_preprocessing_pixel_by_pixel():
    """The same with a picture of our own: alpha 0, 255 and between, colours under alpha 0 too."""
    random = np.random.RandomState(2)
    rgba = random.randint(0, 256, (137, 137, 4)).astype(np.uint8)
    rgba[:60, ..., 3], rgba[80:, ..., 3] = 0, 255
    rgba = read_rgba(png(rgba))
    for row, column, flipped in ((0, 0, 0), (9, 9, 1), (3, 8, 1), (9, 0, 0)):
        background = random.randint(225, 256, 3).tolist()
        truth = original_pixels(rgba, background, row, column, flipped)
        assert (pixels(rgba, drawn_as(background, row, column, flipped), ORIGINAL) == truth).all()
    truth = original_pixels(rgba, (240, 240, 240), 5, 5, False)
    assert (pixels(rgba, fixed_draw(ORIGINAL_TEST), ORIGINAL_TEST) == truth).all()
    mixed = pixels(rgba, fixed_draw(TEST), TEST)
    assert (mixed[:55] == truth[:55]).all() and (mixed[75:] == truth[75:]).all()  # alpha 0 and 255
    assert (mixed != truth)[55:75].mean() > 0.9


def test_only_the_original_leaves_voxels_as_they_are(data):
    dataset = RecordDataset(data)
    for augmentation, may_turn in ((ORIGINAL, False), (TRAIN, True)):
        turned = 0
        for epoch in range(3):
            for batch in Loader(dataset, batch_size=4, views=2, augmentation=augmentation, image_size=16, threads=0,
                                drop_last=True).epoch(epoch):
                for key, voxels in zip(batch.keys, batch.voxels):
                    stored = dataset.voxels(dataset.keys.index(key))
                    assert (voxels == stored).all() or (voxels == stored[::-1]).all()
                    turned += not (voxels == stored).all()
        assert bool(turned) == may_turn


# views -----------------------------------------------------------------------------------------------

def test_the_originals_views_are_drawn_with_replacement():
    drawn = [draw(ORIGINAL, 5, seed=1, epoch=0, index=index, available=24, image_size=(137, 137)).views
             for index in range(5000)]
    counts = np.bincount(np.concatenate(drawn), minlength=24)
    assert len(counts) == 24 and np.abs(counts / 25000 - 1 / 24).max() < 5 * np.sqrt(1 / 24 / 25000)
    different = 23 * 22 * 21 * 20 / 24 ** 4
    share = np.mean([len(set(views)) == 5 for views in drawn])
    assert abs(share - different) < 5 * np.sqrt(different * (1 - different) / 5000)
    modern = [draw(TRAIN, 5, seed=1, epoch=0, index=index, available=24, image_size=(137, 137)).views
              for index in range(500)]
    assert all(len(set(views)) == 5 for views in modern)


def test_the_number_of_views_is_uniform_and_one_per_batch(data):
    loader = Loader(RecordDataset(data), batch_size=12, views=TrainingConfig.from_recipe("original").views, seed=3,
                    augmentation=ORIGINAL, image_size=8, threads=0, drop_last=True)
    counts = collections.Counter(len(batch.images) for epoch in range(200) for batch in loader.epoch(epoch))
    assert sum(counts.values()) == 400 and set(counts) == {1, 2, 3, 4, 5}
    assert max(abs(count - 80) for count in counts.values()) < 5 * np.sqrt(400 * 0.2 * 0.8)


# counts ----------------------------------------------------------------------------------------------

def five_counts(occupied, truth, threshold):
    """Difference, intersection, union, false positives and false negatives, from the two that we keep."""
    counts = metrics.voxel_counts(occupied[None], truth[None], thresholds=(threshold,))
    both, either, true = int(counts.intersection[0, 0]), int(counts.union[0, 0]), int(truth.sum())
    return [either - both, both, either, either - true, true - both]


def test_the_originals_counts(shared):
    fixture = np.load(shared / "fixtures" / "preproc.npz")
    for threshold in (0.1, 0.2, 0.3, 0.4, 0.5):
        assert five_counts(fixture["eval_pred_occ"], fixture["binvox_data_xyz"], threshold) == \
            fixture[f"eval_{threshold}"].tolist()


def test_the_counts_voxel_by_voxel():
    random = np.random.RandomState(8)
    occupied = np.round(random.rand(6, 6, 6), 1).astype(np.float32)  # many exactly at the threshold
    truth = random.rand(6, 6, 6) < 0.3
    wanted = [0] * 5
    for probability, true in zip(occupied.ravel(), truth.ravel()):
        predicted = probability >= np.float32(0.4)
        for place, holds in enumerate((predicted != true, predicted and true, predicted or true,
                                       predicted and not true, true and not predicted)):
            wanted[place] += bool(holds)
    assert five_counts(occupied, truth, 0.4) == wanted


# clipping --------------------------------------------------------------------------------------------

def log_of(run):
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def test_the_norm_is_logged(data, tmp_path):
    options = ["--steps", "3", "--clip", "1e-3"]
    assert train.main(["--data", str(data), "--run", str(tmp_path / "run"), *SMALL, *options]) == 0
    steps = [line for line in log_of(tmp_path / "run") if line["event"] == "step"]
    assert all(line["gradient_norm"] > 1e-3 and line["clipped"] == 1.0 for line in steps) and len(steps) == 3
    options = ["--steps", "2", "--recipe", "original"]
    assert train.main(["--data", str(data), "--run", str(tmp_path / "original"), *SMALL, *options]) == 0
    assert all(line["gradient_norm"] > 0 and line["clipped"] == 0.0 for line in log_of(tmp_path / "original")
               if line["event"] == "step")


def test_a_gradient_that_is_not_finite_stops(data, tmp_path, monkeypatch, capsys):
    """Where the loss is sound still; the checkpoint before it stays the newest."""
    reduce, run = mx.gluon.Trainer.allreduce_grads, tmp_path / "run"
    calls = []

    def poisoned(self):
        reduce(self)
        calls.append(self)
        if len(calls) == 3:
            self._params[0].grad()[:] = np.nan

    monkeypatch.setattr(mx.gluon.Trainer, "allreduce_grads", poisoned)
    assert train.main(["--data", str(data), "--run", str(run), *SMALL, "--steps", "6", "--checkpoint-every", "2"]) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert "the gradient at step 3 is not finite" in message and "step-00000002" in message and "/train" in message
    assert training.newest_checkpoint(run).state["step"] == 2


# the tool ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("options", [["--recipe", "original"], ["--recipe", "original", "--optimizer", "sgd"],
                                     ["--optimizer", "adam", "--recipe", "original", "--clip", "0.1"]])
def test_every_recipe_resumes_to_the_bit(data, tmp_path, options):
    """These schedules do not depend on the number of steps; for the default see test_training.py."""
    whole, parts = (["--data", str(data), "--run", str(tmp_path / name)] for name in ("whole", "parts"))
    assert train.main([*whole, *SMALL, *options, "--steps", "5"]) == 0
    assert train.main([*parts, *SMALL, *options, "--steps", "2"]) == 0
    assert train.main([*parts, "--resume", "--steps", "5"]) == 0
    first, second = (training.newest_checkpoint(tmp_path / name) for name in ("whole", "parts"))
    assert first.weights_sha256 == second.weights_sha256
    for name, array in first.optimiser().items():
        np.testing.assert_array_equal(array.asnumpy(), second.optimiser()[name].asnumpy(), name)


def test_the_tool_takes_the_recipe_and_its_changes(data, tmp_path, monkeypatch):
    run = tmp_path / "run"
    options = ["--steps", "1", "--recipe", "original", "--optimizer", "sgd", "--clip", "0.5"]
    assert train.main(["--data", str(data), "--run", str(run), *SMALL, *options]) == 0
    facts = json.loads((run / "config.json").read_text())
    wanted = {"recipe": "original", "optimizer": "sgd", "clip": 0.5, "learning_rate": 0.1, "weight_decay": 5e-5}
    assert {name: facts["training"][name] for name in wanted} == wanted
    assert facts["image"]["augmentation"]["blend"] is False
    assert facts["image"]["augmentation"]["views_with_replacement"] is True
    used = []
    monkeypatch.setattr(eval_subjects, "Loader", lambda *args, augmentation, **options: (
        used.append(augmentation), Loader(*args, augmentation=augmentation, **options))[1])
    assert eval_tool.main(["--checkpoint", str(run), "--data", str(data), "--views", "1"]) == 0
    assert used and set(used) == {ORIGINAL_TEST}  # evaluated with the rim that it was trained with


def test_a_run_of_another_version_is_named(data, tmp_path, capsys):
    """Runs of the recipe 'improved', as 'modern' was called: stopped before the first checkpoint, and with one."""
    run = tmp_path / "run"
    training.start_run(run, {"model": {}, "image": {}, "data": {}, "training": {"recipe": "improved"}})
    assert train.main(["--data", str(data), "--run", str(run), "--resume"]) == 2
    message = capsys.readouterr().err
    assert "config.json" in message and "unknown recipe 'improved'" in message and "--init-from" in message
    checkpoint = training.Checkpoint(run, {"training": {"recipe": "improved"}}, "")
    with pytest.raises(ModelError, match="unknown recipe 'improved'"):
        training.facts_of(checkpoint, run)


@pytest.mark.parametrize("option", [{"weight_decay": np.nan}, {"clip": np.inf}, {"learning_rate": np.inf},
                                    {"loss_limit": -1.0}, {"steps": 1.5}, {"views": (1,)}, {"views": (5, 1)}])
def test_values_that_no_run_can_have_are_refused(option):
    with pytest.raises(ModelError, match=f"{next(iter(option))} must be"):
        TrainingConfig(**option)
