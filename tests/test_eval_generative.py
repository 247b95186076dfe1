"""tools/eval.py --generative from end to end: a run with initial weights on tiny data, and what it refuses."""
from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from tiny_data import make_data
from tiny_generative import make_run

from gluon_r2n2 import training
from gluon_r2n2.evaluation import generative
from gluon_r2n2.generative import draw_latents, generate
from gluon_r2n2_tools import eval as tool
from gluon_r2n2_tools import eval_generator, generating, packed
from recordio.loading import RecordDataset


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("runs") / "gan", data)


def measure(run, data, folder, *more):
    """The result of the tool, with 30 points on each surface."""
    path = folder / "result.json"
    flags = ["--checkpoint", str(run), "--data", str(data), "--generative", "--json", str(path), "--points", "30"]
    assert tool.main([*flags, *more]) == 0
    return json.loads(path.read_text())


def voxels(data, split, **options):
    dataset = RecordDataset(data, split, **options)
    return dict(zip(dataset.keys, (dataset.voxels(index) for index in range(len(dataset)))))


@pytest.fixture(scope="module")
def result(run, data, tmp_path_factory):
    return measure(run, data, tmp_path_factory.mktemp("result"), "--seed", "3")


def test_samples_are_the_generators(result, run):
    net, _ = training.load_network(run)
    grids = generate(net, draw_latents(net.config, 10, np.random.default_rng([3, 0]))) >= 0.5
    assert result["subjects"]["samples"]["each"]["occupied"] == grids.sum(axis=(1, 2, 3)).tolist()
    assert result["threshold"] == {"value": 0.5, "source": "the run's"}


def test_neighbours_are_the_most_alike(result, data):
    train, test = voxels(data, "train"), voxels(data, "test")
    each = result["subjects"]["references"]["each"]
    assert sorted(each["key"]) == sorted(test)  # all ten, drawn without replacement
    for key, neighbour, likeness in zip(each["key"], each["nearest_training"], each["nearest_training_iou"]):
        ious = {name: (grid & test[key]).sum() / (grid | test[key]).sum() for name, grid in train.items()}
        assert likeness == max(ious.values()) == ious[neighbour]
    assert result["subjects"]["references"]["nearest_training_iou"] == pytest.approx(
        np.mean(each["nearest_training_iou"]), rel=1e-12)


def test_measures_are_those_of_the_shapes(result, data):
    """The training shapes' entry, worked out again from the keys that it names."""
    train, test = voxels(data, "train"), voxels(data, "test")
    entry = result["subjects"]["training_shapes"]
    shown = np.stack([train[key] for key in entry["each"]["key"]])
    real = np.stack([test[key] for key in result["subjects"]["references"]["each"]["key"]])
    assert len(set(entry["each"]["key"])) == entry["count"] == 10
    assert entry["nearest_training_iou"] == 1 and entry["each"]["nearest_training_iou"] == [1] * 10
    distances = np.array([[1 - (a & b).sum() / (a | b).sum() for b in real] for a in shown])
    assert entry["coverage"]["iou"] == len(set(distances.argmin(axis=1))) / 10
    assert entry["minimum_matching_distance"]["iou"] == pytest.approx(distances.min(axis=0).mean(), rel=1e-12)
    assert entry["frechet"] == pytest.approx(
        generative.frechet_distance(generative.shape_features(shown), generative.shape_features(real)), rel=1e-9)
    assert entry["each"]["distance_iou"] == pytest.approx(distances.min(axis=1), rel=1e-12)
    assert entry["occupied"] == pytest.approx(np.mean([grid.sum() for grid in shown]))


def test_noise_is_drawn_around_the_mean_shape(result, data):
    share = np.mean(list(voxels(data, "train").values()), axis=0)
    entry = result["subjects"]["mean_plus_noise"]
    deviation = np.sqrt((share * (1 - share)).sum() / entry["count"])
    assert abs(entry["occupied"] - share.sum()) < 4 * deviation
    assert entry["each"]["occupied"] != [entry["each"]["occupied"][0]] * 10


def test_all_numbers_are_there_and_within_their_range(result):
    assert (result["format"], result["kind"], result["points"]) == (1, "generative", 30)
    assert result["model"]["config"]["family"] == "gan" and result["model"]["step"] == 3
    assert result["data"]["classes"] == {"02828884": "bench", "03001627": "chair"}
    assert list(result["subjects"]) == list(generative.SUBJECTS) and result["classifier"] is None
    for name, entry in result["subjects"].items():
        assert all(len(values) == entry["count"] for values in entry["each"].values())
        if name != "references":
            assert entry["frechet"] >= 0
            for kind in generative.DISTANCES:
                assert 0 < entry["coverage"][kind] <= 1 and 0 <= min(entry["two_sample_accuracy"][kind].values())
                assert 0 <= entry["minimum_matching_distance"][kind] <= (1 if kind == "iou" else 6)


def test_the_same_seed_gives_the_same_numbers(result, run, data, tmp_path):
    again, other = (measure(run, data, tmp_path, "--seed", seed) for seed in ("3", "4"))
    assert again["subjects"] == result["subjects"]
    assert other["subjects"]["samples"] != result["subjects"]["samples"]


def test_copies_of_training_objects_are_found_out(run, data, tmp_path, monkeypatch):
    by_key = voxels(data, "train")
    train = np.stack(list(by_key.values()))
    monkeypatch.setattr(eval_generator.Generator, "shapes", lambda self, count, rng, threshold: train[:count])
    entry = measure(run, data, tmp_path, "--samples", "6")["subjects"]["samples"]
    assert entry["count"] == 6 and entry["nearest_training_iou"] == 1
    for key, grid in zip(entry["each"]["nearest_training"], train):  # of equal objects, any
        np.testing.assert_array_equal(by_key[key], grid)


def test_the_tables_say_what_the_file_says(run, data, tmp_path, capsys):
    table = tmp_path / "table.csv"
    found = measure(run, data, tmp_path, "--table", str(table))
    assert "mean plus" in capsys.readouterr().out
    rows = {row["row"]: row for row in csv.DictReader(table.read_text().splitlines())}
    frechet = rows["Frechet distance"]
    assert float(frechet["samples"]) == found["subjects"]["samples"]["frechet"]
    assert float(frechet["training shapes"]) == found["subjects"]["training_shapes"]["frechet"]
    assert frechet["references"] == "-" and rows["shapes"]["references"] == "10"


def test_a_run_of_one_class_is_measured_on_that_class(data, tmp_path):
    run = make_run(tmp_path / "run", data, classes=["chair"])
    found = measure(run, data, tmp_path)
    assert found["data"]["classes"] == {"03001627": "chair"}
    assert found["subjects"]["samples"]["count"] == 5
    assert all(key.startswith("03001627/") for entry in found["subjects"].values()
               for key in entry["each"]["nearest_training"])
    both = measure(run, data, tmp_path, "--classes", "bench,chair", "--samples", "3")
    assert sorted(both["data"]["classes"].values()) == ["bench", "chair"]
    assert both["subjects"]["samples"]["count"] == both["subjects"]["references"]["count"] == 3


def test_a_vae_gan_is_measured_by_its_prior(data, tmp_path):
    run = make_run(tmp_path / "run", data, name="3d_vae_gan", latent=8)
    found = measure(run, data, tmp_path, "--samples", "2", "--threshold", "0.4")
    assert found["model"]["config"]["family"] == "vae_gan"
    assert found["threshold"] == {"value": 0.4, "source": "given by --threshold"}


def test_features_are_saved_and_classified(run, data, tmp_path):
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: the extra classify")
    path = tmp_path / "features.npz"
    found = measure(run, data, tmp_path, "--save-features", str(path), "--classify", "--samples", "2")["classifier"]
    with np.load(path) as stored:
        assert sorted(stored) == sorted(f"{name}_{part}" for name in ("features", "keys", "classes")
                                        for part in ("train", "test"))
        for part, count in (("train", 24), ("test", 10)):
            dataset = RecordDataset(data, part)
            assert stored[f"keys_{part}"].tolist() == dataset.keys
            assert stored[f"classes_{part}"].tolist() == dataset.class_ids
            assert stored[f"features_{part}"].shape == (count, found["length"])
        net, _ = training.load_network(run)
        grid = voxels(data, "test")[str(stored["keys_test"][4])]
        np.testing.assert_allclose(stored["features_test"][4], generative.discriminator_features(net, grid[None])[0],
                                   rtol=1e-5, atol=1e-6)
    assert (found["fitted"], found["tested"]) == (24, 10)
    truth = RecordDataset(data, "test").class_ids
    for kind in ("features", "voxels"):
        assert found[kind]["accuracy"] == np.mean([a == b for a, b in zip(found[kind]["predicted"], truth)])
    assert found["voxels"]["accuracy"] == 1  # benches and chairs of the tiny data lie along different axes


# --- what it refuses

def refused(capsys, *argv):
    """The one sentence of a call that must fail."""
    try:
        code = tool.main(list(map(str, argv)))
    except SystemExit as stop:  # the parser's
        code = stop.code
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert code == 2 and "Traceback" not in message
    return message


@pytest.mark.parametrize("flags, words", [
    (["--views", "1"], "--views is not for --generative"),
    (["--baselines"], "--baselines is not for --generative"),
    (["--report", "r.html"], "--report is not for --generative"),
    (["--engine", "mxnet"], "--engine is not for --generative"),
    (["--batch-size", "2"], "--batch-size is not for --generative"),
    (["--save-predictions", "p"], "--save-predictions is not for --generative"),
    (["--samples", "1"], "--samples: wants an integer of at least 2"),
    (["--classes", "chiar"], "did you mean 'chair'"),
    (["--classify", "--classes", "chair"], "--classify wants at least two classes"),
    (["--save-features", "none/f.npz"], "--save-features none/f.npz: the folder none does not exist"),
])
def test_flags_that_do_not_fit_are_refused(run, data, capsys, flags, words):
    assert words in refused(capsys, "--checkpoint", run, "--data", data, "--generative", *flags)


@pytest.mark.parametrize("flag", [["--samples", "4"], ["--classify"], ["--save-features", "f.npz"]])
def test_flags_of_generators_want_generative(run, data, capsys, flag):
    assert f"{flag[0]} is for --generative" in refused(capsys, "--checkpoint", run, "--data", data, *flag)


def test_other_subjects_are_refused(data, tmp_path, capsys):
    assert "--predictions is not for --generative" in refused(
        capsys, "--predictions", tmp_path, "--data", data, "--generative")
    recurrent = make_run(tmp_path / "recurrent", data, name="gru_1")
    assert "is a recurrent network" in refused(capsys, "--checkpoint", recurrent, "--data", data, "--generative")
    exported = tmp_path / "exported"
    exported.mkdir()
    (exported / "r2n2.json").write_text("{}")
    assert "is an exported model" in refused(capsys, "--checkpoint", exported, "--data", data, "--generative")
    assert "is no folder" in refused(capsys, "--checkpoint", tmp_path / "no", "--data", data, "--generative")


def test_a_gan_without_generative_is_refused(run, data, capsys):
    assert "measure them with tools/eval.py --generative" in refused(capsys, "--checkpoint", run, "--data", data)


def test_a_network_of_another_size_is_refused(data, tmp_path, capsys):
    run = make_run(tmp_path / "run", data, resolution=32)
    assert "voxel grids of edge 16" in refused(capsys, "--checkpoint", run, "--data", data, "--generative")


def test_too_few_objects_are_refused(run, tmp_path, capsys):
    few = make_data(tmp_path / "few", train=2, val=1, test=0)
    assert "split 'test' has no objects" in refused(capsys, "--checkpoint", run, "--data", few, "--generative")
    assert "split 'val' has 1 object of the classes chair" in refused(
        capsys, "--checkpoint", run, "--data", few, "--generative", "--split", "val", "--classes", "chair")


def test_a_diverged_generator_is_refused(data, tmp_path, capsys, monkeypatch):
    run = make_run(tmp_path / "run", data)
    monkeypatch.setattr(generating, "generate", lambda net, latents: np.full((2, 16, 16, 16), np.nan))
    assert "its training has diverged" in refused(capsys, "--checkpoint", run, "--data", data, "--generative")


def test_a_result_of_shapes_is_not_compared_by_objects(run, data, tmp_path, capsys):
    measure(run, data, tmp_path, "--samples", "2")
    path = tmp_path / "result.json"
    assert "made-up shapes" in refused(capsys, "--compare", path, path)


def test_blocks_of_voxels_are_all_objects_in_turn(data, monkeypatch):
    dataset, wanted = RecordDataset(data, "train"), voxels(data, "train")
    monkeypatch.setattr(packed, "BLOCK", 5 * 16 ** 3 + 1)  # five objects, and not six
    blocks = list(packed.voxel_blocks(dataset, "voxels"))
    assert [len(keys) for keys, _ in blocks] == [5, 5, 5, 5, 4]
    for keys, grids in blocks:
        for key, grid in zip(keys, grids):
            np.testing.assert_array_equal(grid, wanted.pop(key))
    assert not wanted
