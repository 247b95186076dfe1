"""Evaluation: every sample once, to the bit the same whatever the batches; thresholds from val; the tool's files."""
from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import mxnet as mx
import numpy as np
import pytest
import tiny_data
from conftest import ROOT
from tiny_data import RESOLUTION, SIZE, SYNSETS, make_data

from gluon_r2n2 import ModelError, evaluation, training
from gluon_r2n2.metrics import THRESHOLDS
from gluon_r2n2_tools import eval as evaluation_tool
from gluon_r2n2_tools import export, shape_files, train
from recordio.layouts import VoxelGrid, write_binvox
from recordio.loading import TEST, Loader, RecordDataset, draws


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    # 128 channels of state, as published: sums so long that another order of them shows
    assert train.main(["--data", str(data), "--run", str(folder), "--width", "0.0625", "--hidden", "128",
                       "--image-size", str(SIZE), "--batch-size", "4", "--views", "1-3", "--steps", "15",
                       "--validate-every", "0", "--no-tensorboard"]) == 0
    return folder


def batches(data, batch_size, views=3, *, classes=None, threads=0, shuffle=False):
    dataset = RecordDataset(data, "test", classes=classes)
    return Loader(dataset, batch_size=batch_size, views=views, augmentation=TEST, image_size=SIZE, shuffle=shuffle,
                  drop_last=False, by_key=True, threads=threads).epoch(0)


def run_tool(path, *arguments):
    assert evaluation_tool.main([*map(str, arguments), "--json", str(path)]) == 0
    return evaluation.read_result(path)


def test_counts_are_those_of_single_samples(data, run):
    """Against the network called on each sample alone with its first views, and sets written out in NumPy."""
    net, _ = training.load_network(run)
    result = evaluation.evaluate(net, batches(data, 4), contexts=[mx.cpu()], views=(1, 3), thresholds=(0.3, 0.5))
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


def swept(data, run, devices, **how):
    """By key: the counts, the views that were drawn, the bits of all probabilities, and the scores of each object."""
    contexts = [mx.cpu(number) for number in range(devices)]
    net, _ = training.load_network(run, contexts)
    voxels, seen, bits = evaluation.VoxelScores((1, 3)), evaluation.Seen(), []

    def watch(batch, occupied):
        voxels(batch, occupied)
        seen(batch, occupied)
        bits.extend(np.stack([grids[place] for grids in occupied]).tobytes() for place in range(len(batch.keys)))

    result = evaluation.evaluate(net, batches(data, **how), contexts=contexts, views=(1, 3), thresholds=THRESHOLDS,
                                 watch=watch)
    origin = {"version": "", "git": None, "command": "", "model": None, "data": {}}
    content = evaluation.build_result(result, threshold=0.4, source="", voxels=voxels, origin=origin, names={})
    rows = {key: (result.intersection[row].tolist(), result.union[row].tolist(), seen.views[row].tolist(), bits[row],
                  content["objects"][key]) for row, key in enumerate(result.keys)}
    return rows, json.dumps(content)


@pytest.fixture(scope="module")
def reference(data, run):
    return swept(data, run, 1, batch_size=5)


@pytest.mark.parametrize("devices, how", [
    (1, {"batch_size": 1}), (1, {"batch_size": 3, "threads": 2}), (2, {"batch_size": 8}),  # 10 samples: a partial last
    (2, {"batch_size": 3, "shuffle": True}),
])
def test_nothing_depends_on_batches_threads_devices_or_order(data, run, reference, devices, how):
    rows, content = swept(data, run, devices, **how)
    assert rows == reference[0] and content == reference[1]  # every float to its last bit
    assert len(rows) == 10


def test_views_are_drawn_by_key_and_seed_alone(data):
    """Against the definition: stored views by their random words, in the stream of the key's number."""
    assert draws.number_of("03001627/test0") == 4561186142771386974  # SHA-256, first 8 bytes, halved
    for batch in batches(data, 3, views=4, shuffle=True):
        for key, views in zip(batch.keys, batch.views):
            words = draws.words(0, 0, draws.SAMPLE, draws.number_of(key), 5)  # the first is for another purpose
            assert views.tolist() == np.argsort(words[1:]).tolist()


def test_an_object_gets_the_same_numbers_whatever_else_is_there(data, run, reference):
    rows, _ = swept(data, run, 1, batch_size=4, classes=["chair"])
    assert len(rows) == 5 and all(rows[key] == reference[0][key] for key in rows)


@pytest.mark.slow
def test_the_tool_gives_the_same_numbers_for_any_number_of_threads(data, run, tmp_path):
    """In processes of their own, because the number of threads is fixed when mxnet is loaded.

    OMP_NUM_THREADS is the number of devices here: on 1 and 2 threads of an operator no difference was ever seen, so
    that it would show nothing; that operators have one thread is a test of its own.
    """
    contents = []
    for threads, how in (("1", ["--batch-size", "3"]), ("2", ["--batch-size", "8", "--threads", "0"])):
        command = [sys.executable, str(ROOT / "tools" / "eval.py"), "--checkpoint", str(run), "--data", str(data),
                   "--views", "1,3", "--json", str(tmp_path / "out.json"), *how]
        subprocess.run(command, check=True, capture_output=True, timeout=300,
                       env={**os.environ, "OMP_NUM_THREADS": threads})
        content = evaluation.read_result(tmp_path / "out.json")
        assert content.pop("command")
        contents.append(content)
    assert contents[0] == contents[1]


@pytest.mark.slow
@pytest.mark.parametrize("given, devices", [("1", 1), ("3", 3)])
def test_operators_of_the_tool_have_one_thread(given, devices):
    """As OpenMP is told when mxnet is loaded; the tool that starts this one, if any, has one area of scratch memory."""
    code = (f"import sys; sys.path[0] = {str(ROOT / 'tools')!r}\nimport _checkout, os\n"
            "from gluon_r2n2_tools import _one_thread\n"
            "assert 'mxnet' not in sys.modules\n"
            "from gluon_r2n2_tools import eval\n"
            "print(os.environ['OMP_NUM_THREADS'], os.environ['MXNET_CPU_TEMP_COPY'], _one_thread.devices())")
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=100, text=True,
                          env={**os.environ, "OMP_NUM_THREADS": given, "MXNET_CPU_TEMP_COPY": "1"}).stdout
    assert told.split() == ["1", str(devices), str(devices)]


def test_a_batch_may_be_computed_at_once(data, run, reference):
    """As in a training's validation: the same objects and, up to rounding, the same probabilities."""
    grids = []
    net, _ = training.load_network(run)
    result = evaluation.evaluate(net, batches(data, 4), contexts=[mx.cpu()], views=(1, 3), thresholds=THRESHOLDS,
                                 batch_size=4, watch=lambda batch, occupied: grids.extend(zip(*occupied)))
    for key, grid in zip(result.keys, grids):
        expected = np.frombuffer(reference[0][key][3], np.float32).reshape(np.shape(grid))
        np.testing.assert_allclose(grid, expected, rtol=0, atol=1e-5)


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


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("measured")


@pytest.fixture(scope="module")
def measured(data, run, folder):
    """One call of the tool for nearly all that it can do."""
    return run_tool(folder / "a.json", "--checkpoint", run, "--data", data, "--views", "3,1", "--analysis",
                    "--surfaces", "--points", "200", "--emd-points", "50", "--save-predictions", folder / "kept",
                    "--table", folder / "a.md", "--table", folder / "a.tex", "--published")


def test_the_result_says_what_was_measured(measured, run, data):
    dataset, checkpoint = RecordDataset(data, "test"), training.find_checkpoint(run)
    assert measured["format"] == 2 and measured["views"] == [1, 3] and measured["git"] == training.git_revision()
    lines = "".join(f"{key}\n" for key in dataset.keys)
    assert measured["data"] == {
        "path": str(data), "fingerprint": dataset.fingerprint, "split": "test", "samples": 10, "left_out": [],
        "seed": 0, "split_sha256": hashlib.sha256(lines.encode()).hexdigest(), "classes_chosen": None}
    assert measured["model"]["weights_sha256"] == checkpoint.weights_sha256
    assert measured["classes"] == {synset: {"name": name, "samples": 5} for synset, name in SYNSETS.items()}
    threshold = measured["threshold"]
    assert threshold["value"] in THRESHOLDS and "6 objects of split val at 3 views" in threshold["source"]


def test_the_means_are_those_of_the_objects(measured, data):
    assert list(measured["objects"]) == sorted(RecordDataset(data, "test").keys)
    names = {"iou", "cross_entropy", "average_precision", *measured["surfaces"]["measures"]}
    assert {"chamfer_squared", "chamfer_plain", "f_score_0.01", "normal_consistency", "emd"} < names
    for name in names:
        table = measured[name] if name in measured else measured["surfaces"]["measures"][name]
        for count in ("1", "3"):
            values = {key: scores[name][count] for key, scores in measured["objects"].items()}
            assert table[count]["micro"] == pytest.approx(np.mean(list(values.values())))
            classes = {synset: np.mean([value for key, value in values.items() if key.startswith(synset)])
                       for synset in SYNSETS}
            assert table[count]["classes"] == pytest.approx(classes)
            assert table[count]["macro"] == pytest.approx(np.mean(list(classes.values())))
    for count in ("1", "3"):
        entry = measured["iou"][count]
        for mean in ("micro", "macro"):
            low, high = entry["intervals"][mean]
            assert low < entry[mean] < high and sorted(entry["at"]) == ["0.3", "0.4", "0.5"]
        assert len(measured["precision_recall"][count]["precision"]) == 101
        assert 0 < measured["average_precision"][count]["pooled"] <= 1
    for name in ("mean_shape", "class_mean"):
        assert 0 < measured["baselines"][name]["macro"] <= 1
    assert measured["analysis"]["objects"] == 10


def test_the_tables_are_written(measured, folder):
    text, latex = (folder / "a.md").read_text(), (folder / "a.tex").read_text()
    assert f"{measured['iou']['3']['macro']:.3f}" in text and "## Chamfer distance, plain" in text
    assert "mean shape" in text and "| 3D-R2N2 |" in text and "published, ShapeNet" in text
    assert "cannot be compared" in text and latex.count("\\toprule") == latex.count("\\begin{table}") > 8


def test_the_threshold_is_a_property_of_network_and_val_split(measured, run, data, tmp_path):
    """Other view counts, classes and batches do not move it, nor any number."""
    again = run_tool(tmp_path / "b.json", "--checkpoint", run, "--data", data, "--views", "1", "--batch-size", "3",
                     "--classes", "chair")
    assert again["threshold"] == measured["threshold"] and again["data"]["classes_chosen"] == ["03001627"]
    assert again["data"]["split_sha256"] == measured["data"]["split_sha256"]
    assert again["iou"]["1"]["micro"] == measured["iou"]["1"]["classes"]["03001627"]
    for key, scores in again["objects"].items():
        assert scores["iou"]["1"] == measured["objects"][key]["iou"]["1"]


def test_stored_predictions_give_the_numbers_of_the_sweep(measured, data, folder, tmp_path):
    stored = np.load(folder / "kept" / "03_views" / "03001627" / "test0.npz")["probabilities"]
    assert stored.shape == (RESOLUTION,) * 3 and stored.dtype == np.float32
    content = run_tool(tmp_path / "c.json", "--predictions", folder / "kept" / "03_views", "--data", data,
                       "--threshold", measured["threshold"]["value"], "--analysis", "--report", tmp_path / "c.html")
    assert content["views"] == [0] and content["model"] is None
    for key, scores in content["objects"].items():
        for name, values in scores.items():
            assert values["0"] == measured["objects"][key][name]["3"]
    assert content["precision_recall"]["0"] == measured["precision_recall"]["3"]
    assert "test0" in (tmp_path / "c.html").read_text()


def test_stored_voxels_are_predictions_too(data, tmp_path):
    """The truth itself, as binvox files, is perfect; nothing at all is 0, at any threshold."""
    dataset = RecordDataset(data, "test")
    for index, key in enumerate(dataset.keys):
        path = tmp_path / "P" / f"{key}.binvox"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_binvox(path, VoxelGrid(dataset.voxels(index) if index % 2 else np.zeros((RESOLUTION,) * 3, bool)))
    content = run_tool(tmp_path / "a.json", "--predictions", tmp_path / "P", "--data", data)
    assert [scores["iou"]["0"] for scores in content["objects"].values()] == [0, 1] * 5
    assert content["threshold"]["value"] == 0.4 and "no stored predictions" in content["threshold"]["source"]


def test_an_exported_model_gives_the_numbers_of_its_run(measured, run, data, tmp_path):
    assert export.main([str(run), str(tmp_path / "M")]) == 0
    content = run_tool(tmp_path / "d.json", "--checkpoint", tmp_path / "M", "--data", data, "--views", "1,3")
    assert content["objects"].keys() == measured["objects"].keys() and content["threshold"] == measured["threshold"]
    for key, scores in content["objects"].items():
        assert scores["iou"] == measured["objects"][key]["iou"]
    assert content["model"]["trained_on"] == measured["model"]["trained_on"]


def test_views_are_those_of_the_protocol_as_far_as_there_are_some(run, data, tmp_path, capsys):
    content = run_tool(tmp_path / "a.json", "--checkpoint", run, "--data", data, "--threshold", "0.25",
                       "--report", tmp_path / "a.html", "--report-objects", "2")
    assert content["views"] == [1, 2, 3, 4] and list(content["iou"]) == ["1", "2", "3", "4"]
    assert content["threshold"] == {"value": 0.25, "source": "given by --threshold"}
    told = capsys.readouterr().out
    assert "views 1,2,3,4: the objects have no more than 4" in told and "IoU" in told and "micro" in told
    assert content["analysis"] and content["baselines"] and (tmp_path / "a.html").stat().st_size > 10_000


def test_without_a_val_split_the_threshold_is_fixed(run, tmp_path):
    data = make_data(tmp_path, train=3, val=0, test=2)
    content = run_tool(tmp_path / "a.json", "--checkpoint", run, "--data", data, "--views", "1", "--baselines")
    assert content["threshold"]["value"] == 0.4 and "no val split" in content["threshold"]["source"]
    assert content["baselines"]["class_mean"]["threshold"] == 0.4


def test_a_threshold_chosen_on_what_is_reported_says_so(run, data, tmp_path):
    content = run_tool(tmp_path / "a.json", "--checkpoint", run, "--data", data, "--views", "1", "--split", "val")
    assert content["threshold"]["source"].endswith("split val at 3 views, the ones reported on: too good")


def test_objects_of_one_view_choose_the_threshold_with_that_one(run, tmp_path, monkeypatch):
    monkeypatch.setattr(tiny_data, "VIEWS", 1)
    content = run_tool(tmp_path / "a.json", "--checkpoint", run, "--data", make_data(tmp_path, train=1, test=2))
    assert content["views"] == [1] and content["threshold"]["source"] == "best on 6 objects of split val at 1 view"


def test_without_a_train_split_there_is_nothing_to_compare_with(run, check, tmp_path):
    data = make_data(tmp_path, train=0, val=1, test=2)
    content = run_tool(tmp_path / "a.json", "--checkpoint", run, "--data", data, "--views", "1", "--analysis")
    assert content["baselines"] is None and content["analysis"]["classes"] is None
    assert content["analysis"]["objects"] == 4
    check("split 'train' holds no sample", "--checkpoint", run, "--baselines", data=data)


@pytest.fixture
def check(data, capsys):
    """Call the tool, which must refuse with one sentence that holds *words*."""
    def call(words, *arguments, data=data):
        try:
            code = evaluation_tool.main(["--data", str(data), *map(str, arguments)])
        except SystemExit as stop:
            code = stop.code
        lines = [line for line in capsys.readouterr().err.splitlines() if "error:" in line]
        assert code == 2 and len(lines) == 1 and words in lines[0], lines

    return call


def test_bad_input_is_one_sentence(check, run, tmp_path, monkeypatch):
    there = ["--checkpoint", run]
    check("is no folder", "--checkpoint", tmp_path / "absent")
    check("model that comes along: procedural", "--checkpoint", "procedurl")
    check("neither a run", "--checkpoint", tmp_path)
    check("give one of --checkpoint, --predictions and --compare")
    check("got --checkpoint and --predictions", *there, "--predictions", tmp_path)
    check("only 4", *there, "--views", "1,5")
    check("1,2,5", *there, "--views", "0")
    check("between 0 and 1", *there, "--threshold", "1.5")
    check("does not exist", *there, "--json", tmp_path / "no" / "a.json")
    check("--report", *there, "--report", tmp_path / "no" / "a.html")
    check("a folder; give", *there, "--json", tmp_path)
    check("ends in .txt, .md, .tex, .csv", *there, "--table", tmp_path / "a.xls")
    (tmp_path / "file").write_text("")
    check("it exists already and is not a folder", *there, "--save-predictions", tmp_path / "file")
    check("--seed: wants", *there, "--seed", "-1")
    check("did you mean 'test'", *there, "--split", "tset")
    check("did you mean 'chair'", *there, "--classes", "chiar")
    check("packed", *there, data=tmp_path)
    check("makes 32", "--checkpoint", "procedural", "--views", "1")  # the data are 16^3
    shutil.copytree(run, tmp_path / "damaged")
    for path in (tmp_path / "damaged").glob("checkpoints/*/network.params"):
        path.write_bytes(path.read_bytes()[:-1])
    check("damaged", "--checkpoint", tmp_path / "damaged")


def test_bad_predictions_are_one_sentence(check, measured, folder, tmp_path, monkeypatch):
    whole, place = folder / "kept" / "03_views", tmp_path / "P"
    shutil.copytree(whole, place)
    path = place / "03001627" / "test0.npz"
    good = path.read_bytes()

    def checked(words, *arguments):
        check(words, "--predictions", place, *arguments)

    checked("--views is not for --predictions", "--views", "1")
    checked("--gpus is not for --predictions", "--gpus", "0")
    check("its folders 01_views, 03_views", "--predictions", folder / "kept")
    for array, words in ((np.full((8, 8, 8), 0.5), "a grid (8, 8, 8), the true voxels of 03001627/test0 are (16"),
                         (np.full((16, 16, 16), np.nan), "from 0 to 1 are wanted, got nan"),
                         (np.full((16, 16, 16), 3.0), "from 0 to 1 are wanted, got 3 to 3"),
                         (np.full((16, 16, 16), "a"), "got <U1 of shape")):
        np.savez(path, probabilities=array)
        checked(words)
    np.savez(path, other=np.zeros(3))
    checked("one grid (x, y, z) is wanted, called 'probabilities'")
    path.write_bytes(good[:100])
    checked("no arrays can be read from it")
    with monkeypatch.context() as patch:
        patch.setattr(shape_files, "MAX_BYTES", 16 ** 3 * 4)  # the file's own with its header is more
        path.write_bytes(good)
        checked("GiB are read")
    encrypted = bytearray(good)
    encrypted[6] |= 1  # in the file's own header, and in the directory
    encrypted[good.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(encrypted)
    checked("no arrays can be read from it")
    path.write_bytes(b"")
    checked("no arrays can be read from it")
    path.unlink()
    checked("03001627/test0 has no file")
    path.write_bytes(good)
    (path.parent / "test77.npz").write_bytes(good)
    checked("03001627/test77 is no object of the split")
    (path.parent / "test77.npz").rename(path.parent / "test0.binvox")
    checked("03001627/test0 is there as .npz and as .binvox")
    check("is no folder", "--predictions", tmp_path / "absent")


def test_only_results_are_read_as_results(measured, folder, tmp_path):
    path = tmp_path / "a.json"

    def refused(words):
        with pytest.raises(ModelError, match=words) as caught:
            evaluation.read_result(path)
        assert str(path) in str(caught.value)

    path.write_text("no JSON")
    refused("is no JSON")
    path.write_text("[]")
    refused("is no result")
    path.write_text(json.dumps({**measured, "format": 1}))
    refused("has format 1, this program reads 2; measure again")
    for name in ("data", "views", "threshold", "surfaces"):
        path.write_text(json.dumps({key: value for key, value in measured.items() if key != name}))
        refused(f"damaged.*{name}")
    broken = json.loads((folder / "a.json").read_text())
    broken["objects"].popitem()
    path.write_text(json.dumps(broken))
    refused("damaged")


def test_nothing_to_evaluate():
    with pytest.raises(ValueError, match="no batch"):
        evaluation.evaluate(SimpleNamespace(), [], contexts=[mx.cpu()], views=(1,), thresholds=(0.4,))
