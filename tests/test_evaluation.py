"""Evaluation: every sample once, whatever the batch size; thresholds from the val split; baselines against NumPy."""
from __future__ import annotations

import json
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
from tiny_data import SIZE, SYNSETS, make_data

import gluon_r2n2
from gluon_r2n2 import evaluation, training
from gluon_r2n2.metrics import THRESHOLDS
from gluon_r2n2_tools import eval as evaluation_tool
from gluon_r2n2_tools import train
from recordio.loading import TEST, Loader, RecordDataset


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("data"))  # 24 to train on, 6 to validate on, 10 to test on


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    assert train.main(["--data", str(data), "--run", str(folder), "--width", "0.0625", "--image-size", str(SIZE),
                       "--batch-size", "4", "--views", "1-3", "--steps", "40", "--validate-every", "0"]) == 0
    return folder


def batches(data, batch_size, views=3):
    return Loader(RecordDataset(data, "test"), batch_size=batch_size, views=views, augmentation=TEST, image_size=SIZE,
                  shuffle=False, drop_last=False, threads=0).epoch(0)


def run_tool(run, data, path, *more):
    assert evaluation_tool.main(["--checkpoint", str(run), "--data", str(data), "--json", str(path), *more]) == 0
    return json.loads(path.read_text())


def test_counts_are_those_of_single_samples(data, run):
    """Against the network called on each sample alone with its first views, and sets written out in NumPy."""
    net, _ = training.load_network(run)
    result = evaluation.evaluate(net, batches(data, 4), contexts=[mx.cpu()], views=(1, 3), thresholds=(0.3, 0.5),
                               batch_size=4)
    assert result.keys == tuple(RecordDataset(data, "test").keys)
    plain, _ = training.load_network(run)
    for place, batch in enumerate(batches(data, 1)):
        truth = batch.voxels[0].astype(bool)
        for column, views in enumerate((1, 3)):
            logits = plain(mx.nd.array(batch.images[:views]) / 255).asnumpy()[0].astype(np.float64)
            occupied = np.exp(logits[1]) / np.exp(logits).sum(axis=0)
            for row, threshold in enumerate((0.3, 0.5)):
                assert (np.abs(occupied - threshold) > 1e-6).all()  # no voxel so near that rounding decides
                predicted = occupied >= threshold
                assert result.intersection[place, column, row] == (predicted & truth).sum()
                assert result.union[place, column, row] == (predicted | truth).sum()


@pytest.fixture(scope="module")
def clear_thresholds(data, run):
    """The thresholds that no voxel comes so near that the rounding of another batch size could decide it."""
    net, _ = training.load_network(run)
    images = next(batches(data, 10)).images
    logits = np.stack([step.asnumpy() for step in net.prefixes(mx.nd.array(images) / 255)]).astype(np.float64)
    occupied = 1 / (1 + np.exp(logits[:, :, 0] - logits[:, :, 1]))
    clear = [threshold for threshold in THRESHOLDS if np.abs(occupied - threshold).min() > 2e-6]
    assert len(clear) >= len(THRESHOLDS) / 2
    return clear


@pytest.mark.parametrize("batch_size, devices", [(1, 1), (3, 1), (4, 2), (16, 1)])  # 10 samples: the last is partial
def test_counts_do_not_depend_on_the_batch_size(data, run, clear_thresholds, batch_size, devices):
    contexts = [mx.cpu(number) for number in range(devices)]
    results = []
    for size, where in ((5, [mx.cpu()]), (batch_size, contexts)):
        net, _ = training.load_network(run, where)
        results.append(evaluation.evaluate(net, batches(data, size), contexts=where, views=(1, 2, 3),
                                         thresholds=clear_thresholds, batch_size=size))
    assert results[0].keys == results[1].keys
    np.testing.assert_array_equal(results[0].intersection, results[1].intersection)
    np.testing.assert_array_equal(results[0].union, results[1].union)


def test_a_limit_cuts_inside_a_batch(data, run):
    net, _ = training.load_network(run)
    result = evaluation.evaluate(net, batches(data, 4), contexts=[mx.cpu()], views=(1,), thresholds=(0.4,),
                               batch_size=4, limit=6)
    assert len(result.keys) == len(result.intersection) == 6


def test_baselines_are_means_of_the_training_voxels(data):
    train_set, test_set = RecordDataset(data, "train"), RecordDataset(data, "test")
    voxels = np.stack([train_set.voxels(index) for index in range(len(train_set))])
    synsets = np.array(train_set.class_ids)
    shapes = evaluation.mean_shapes(evaluation.objects_of(train_set))
    np.testing.assert_allclose(shapes.of(), voxels.mean(axis=0))
    for synset in SYNSETS:
        np.testing.assert_allclose(shapes.of(synset), voxels[synsets == synset].mean(axis=0))
    np.testing.assert_array_equal(shapes.of("a class without training objects"), shapes.of())
    for know_class in (False, True):
        result = evaluation.evaluate_shapes(shapes, test_set.keys, evaluation.objects_of(test_set), thresholds=(0.3,),
                                           know_class=know_class)
        expected = []
        for index, synset in enumerate(test_set.class_ids):
            mean = voxels[synsets == synset].mean(axis=0) if know_class else voxels.mean(axis=0)
            predicted, truth = mean.astype(np.float32) >= np.float32(0.3), test_set.voxels(index)
            expected.append((predicted & truth).sum() / (predicted | truth).sum())
        np.testing.assert_allclose(result.iou()[:, 0, 0], expected)


def test_macro_micro_and_the_table():
    result = evaluation.Evaluation(("a", "b", "c"), ("1", "1", "2"), (1,), (0.4, 0.5),
                                 np.array([[[2, 1]], [[1, 1]], [[9, 8]]]), np.array([[[10, 10]], [[5, 5]], [[10, 10]]]))
    summary = evaluation.summary(result, 1, 0.5)
    assert summary["classes"] == {"1": pytest.approx(0.15), "2": pytest.approx(0.8)}
    assert summary["macro"] == pytest.approx(0.475) and summary["micro"] == pytest.approx(1.1 / 3)
    assert summary["at_0.4"]["micro"] == pytest.approx(1.3 / 3)
    lines = evaluation.table({"1 view": summary}, {"1": "chair", "2": "car"}, {"1": 2, "2": 1}).splitlines()
    assert [line.split() for line in lines if "-" not in line] == [
        ["class", "objects", "1", "view"], ["car", "1", "0.800"], ["chair", "2", "0.150"],
        ["mean", "(macro)", "3", "0.475"], ["mean", "(micro)", "3", "0.367"]]
    assert len({len(line) for line in lines}) == 1


def test_the_tool_measures_everything(run, data, tmp_path, capsys):
    content = run_tool(run, data, tmp_path / "a.json", "--views", "3,1", "--baselines")
    assert list(content["iou"]) == ["1", "3"]
    assert content["data"]["samples"] == 10 and content["data"]["fingerprint"] == RecordDataset(data).fingerprint
    assert {each["name"] for each in content["classes"].values()} == set(SYNSETS.values())
    assert sum(each["samples"] for each in content["classes"].values()) == 10
    checkpoint = training.find_checkpoint(run)
    assert sorted(content["objects"]) == RecordDataset(data, "test").keys
    assert np.mean([each["3"] for each in content["objects"].values()]) == pytest.approx(content["iou"]["3"]["micro"])
    assert content["model"]["weights_sha256"] == checkpoint.weights_sha256
    assert content["threshold"]["value"] in THRESHOLDS and "6 objects of split val" in content["threshold"]["source"]
    # the threshold is a property of network and val split: other view counts and batch sizes do not move it
    again = run_tool(run, data, tmp_path / "b.json", "--views", "1", "--batch-size", "3")
    assert again["threshold"] == content["threshold"] and again["iou"]["1"] == content["iou"]["1"]
    table = capsys.readouterr().out
    assert "mean shape" in table and "3 views" in table and f"{content['iou']['3']['macro']:.3f}" in table
    for name in ("mean_shape", "class_mean"):
        assert 0 < content["baselines"][name]["macro"] <= 1


def test_the_threshold_may_be_given(run, data, tmp_path):
    content = run_tool(run, data, tmp_path / "a.json", "--views", "2", "--threshold", "0.25")
    assert content["threshold"] == {"value": 0.25, "source": "given by --threshold"}


def test_without_a_val_split_the_threshold_is_fixed(run, tmp_path):
    data = make_data(tmp_path, train=3, val=0, test=2)
    content = run_tool(run, data, tmp_path / "a.json", "--views", "1", "--baselines")
    assert content["threshold"]["value"] == 0.4 and "no val split" in content["threshold"]["source"]
    assert content["baselines"]["class_mean"]["threshold"] == 0.4


def test_bad_input_is_one_sentence(run, data, tmp_path, capsys, monkeypatch):
    def check(words, *arguments):
        try:
            code = evaluation_tool.main(["--data", str(data), *arguments])
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        assert code == 2 and words in captured.err and len(captured.err.splitlines()) == 1, captured.err

    there = ["--checkpoint", str(run)]
    check("is no folder", "--checkpoint", str(tmp_path / "absent"))
    check("neither a run", "--checkpoint", str(tmp_path))
    check("only 4", *there, "--views", "1,5")
    check("1,2,5", *there, "--views", "0")
    check("between 0 and 1", *there, "--threshold", "1.5")
    check("does not exist", *there, "--json", str(tmp_path / "no" / "a.json"))
    check("a folder; give", *there, "--json", str(tmp_path))
    check("--seed: wants", *there, "--seed", "-1")
    check("did you mean 'test'", *there, "--split", "tset")
    check("packed", *there, "--data", str(tmp_path))
    net = gluon_r2n2.get_model("gru_1", width=1 / 16, input_size=SIZE, resolution=32)
    info = {"checkpoint": "x", "step": 1}
    monkeypatch.setattr(training, "load_network", lambda path, ctx: (net, info))
    check("makes 32", *there, "--views", "1")


def test_nothing_to_evaluate():
    with pytest.raises(ValueError, match="no batch"):
        evaluation.evaluate(SimpleNamespace(), [], contexts=[mx.cpu()], views=(1,), thresholds=(0.4,), batch_size=1)
