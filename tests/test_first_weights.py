"""--init-from: a new run from the weights of a run, a checkpoint, an export or a file, also of another network."""
from __future__ import annotations

import json
import os
import shutil

import mxnet as mx
import numpy as np
import pytest
from tiny_data import SIZE, make_data
from tiny_runs import command, content, resume_tool, run_tool

import gluon_r2n2
from gluon_r2n2 import ModelError, files, training
from gluon_r2n2.conversion import save_weights
from gluon_r2n2.training.arrays import named_parameters
from gluon_r2n2_tools import export, first_weights, train

ONE = ["--steps", "1", "--validate-every", "0"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("data"), train=5, val=1, test=1)


@pytest.fixture(scope="module")
def source(data, tmp_path_factory):
    run = tmp_path_factory.mktemp("source") / "run"
    assert run_tool(data, run, "--steps", "2") == 0
    return run


def arrays_of(run):
    return {name: array.asnumpy() for name, array in training.newest_checkpoint(run).parameters().items()}


def record_of(run):
    return training.newest_checkpoint(run).state["first_weights"]


def test_every_kind_of_source_gives_the_same_run(data, source, tmp_path, capsys):
    """And it is recorded; a learning rate of next to nothing shows what they start from."""
    weights = arrays_of(source)
    save_weights(weights, tmp_path / "weights.params")
    assert export.main([str(source), str(tmp_path / "exported")]) == 0
    checkpoint = training.find_checkpoint(source).folder
    places = {source: checkpoint, checkpoint: checkpoint, tmp_path / "weights.params": tmp_path / "weights.params",
              tmp_path / "exported": tmp_path / "exported",
              tmp_path / "exported" / "r2n2-0000.params": tmp_path / "exported"}
    capsys.readouterr()
    contents = []
    for number, (given, recorded) in enumerate(places.items()):
        run = tmp_path / str(number)
        assert run_tool(data, run, "--init-from", str(given), "--lr", "1e-12", *ONE) == 0
        lines = [line for line in capsys.readouterr().out.splitlines() if "taken" in line]
        assert lines == [f"--init-from: {len(weights)} of {len(weights)} parameters taken from {recorded}"]
        record = record_of(run)
        assert record["init_from"] == str(recorded) and record["taken"] == record["of"] == len(weights)
        file = recorded if recorded.is_file() else next(path for path in (
            recorded / "network.params", recorded / "r2n2-0000.params") if path.exists())
        assert record["weights_sha256"] == files.sha256(file)
        assert json.loads((run / "config.json").read_text())["first_weights"] == record
        contents.append(content(run, 1)["network.params"])
    assert len(set(contents)) == 1
    for name, array in arrays_of(tmp_path / "0").items():
        np.testing.assert_allclose(array, weights[name], atol=1e-9, err_msg=name)


def test_what_fits_another_network_is_taken_and_the_rest_named(data, source, tmp_path, capsys):
    weights, run = arrays_of(source), tmp_path / "run"
    arguments = command(data, run, "--init-from", str(source), "--model", "lstm_3", "--width", "0.0625", "--hidden",
                        "32", "--image-size", str(SIZE), "--batch-size", "4", "--views", "1-3", "--seed", "1", *ONE)
    assert train.main(arguments) == 0
    told = capsys.readouterr().out.splitlines()
    net = gluon_r2n2.get_model("lstm_3", width=1 / 16, hidden=32, input_size=SIZE, resolution=16)
    gluon_r2n2.initialise(net, mx.cpu(), 1)
    first = {name: parameter.data().asnumpy() for name, parameter in named_parameters(net).items()}
    fitting = [name for name in first if name in weights and first[name].shape == weights[name].shape]
    assert 0 < len(fitting) < len(first)
    place = next(number for number, line in enumerate(told) if line.startswith("--init-from: "))
    assert told[place].startswith(f"--init-from: {len(fitting)} of {len(first)} parameters taken from ")
    shape = {**{name: str(array.shape) for name, array in weights.items()}}
    expected = {f"  {name}: {shape.get(name, 'none')} there, "
                f"{str(first[name].shape) if name in first else 'none'} here"
                for name in {**first, **weights} if name not in fitting}
    assert set(told[place + 1:place + 1 + len(expected)]) == expected
    state = training.newest_checkpoint(run).state
    assert (state["first_weights"]["taken"], state["first_weights"]["of"]) == (len(fitting), len(first))


def test_values_are_those_of_the_source_and_the_first_ones_elsewhere(source):
    """Also from float16, and onto several devices."""
    weights = arrays_of(source)
    net = gluon_r2n2.get_model("res3d_gru_3", width=1 / 8, input_size=SIZE, resolution=16)
    devices = [mx.cpu(0), mx.cpu(1)]
    gluon_r2n2.initialise(net, devices, 7)
    first = {name: parameter.data(devices[0]).asnumpy() for name, parameter in named_parameters(net).items()}
    halves = {name: mx.nd.array(array).astype("float16") for name, array in weights.items()}
    transfer = training.transfer_parameters(net, halves, devices, source="x")
    assert transfer.taken and transfer.left and transfer.wanted == len(first)
    for name, parameter in named_parameters(net).items():
        wanted = weights[name].astype(np.float16).astype(np.float32) if name in transfer.taken else first[name]
        for device in devices:
            np.testing.assert_array_equal(parameter.data(device).asnumpy(), wanted, name)


def test_nothing_fits(data, source, tmp_path, capsys):
    save_weights({"encoder.dense.weight": np.zeros((1, 2), np.float32)}, tmp_path / "other.params")
    (tmp_path / "text.params").write_text("not weights")
    damaged = tmp_path / "damaged"
    shutil.copytree(training.find_checkpoint(source).folder, damaged)
    with open(damaged / "network.params", "r+b") as handle:
        handle.seek(300)
        handle.write(b"\xff\xff")
    for given, words in (("other.params", "none of its 1 parameters fits"), ("text.params", "not a file of MXNet's"),
                         ("damaged", "network.params: has another SHA-256"), ("absent", "no such file or folder"),
                         (".", "neither a run")):
        assert run_tool(data, tmp_path / "new", "--init-from", str(tmp_path / given)) == 2
        message = capsys.readouterr().err
        assert words in message and given in message and len(message.splitlines()) == 1
    assert not (tmp_path / "new").exists()


def test_interrupted_before_the_first_checkpoint_it_starts_from_the_same_weights(data, source, tmp_path, monkeypatch,
                                                                                   capsys):
    moved, run, update = tmp_path / "moved", tmp_path / "run", training.Trainer._update
    shutil.copytree(source, moved)
    options = ["--init-from", os.path.relpath(moved), *ONE]
    assert run_tool(data, tmp_path / "whole", *options) == 0

    def failing(self, batch):
        raise KeyboardInterrupt

    monkeypatch.setattr(training.Trainer, "_update", failing)
    assert run_tool(data, run, *options) == 130
    monkeypatch.setattr(training.Trainer, "_update", update)
    shutil.copytree(run, tmp_path / "later")
    assert resume_tool(data, run) == 0
    assert content(run, 1) == content(tmp_path / "whole", 1)
    shutil.rmtree(moved)
    assert resume_tool(data, run, "--steps", "2") == 0  # with a checkpoint of its own it needs them no longer
    assert record_of(run) == record_of(tmp_path / "whole")
    assert resume_tool(data, tmp_path / "later") == 2
    assert "moved" in capsys.readouterr().err
    shutil.copytree(tmp_path / "whole" / "checkpoints" / "step-00000001", record_path(tmp_path / "whole"))
    assert resume_tool(data, tmp_path / "later") == 2  # other weights in the same place
    assert "holds other weights than when this run was started" in capsys.readouterr().err


def test_a_model_that_comes_along_keeps_its_name_in_the_file_of_options(data, source, tmp_path, monkeypatch):
    """Not made a path of the folder that the program was started in, where there is nothing."""
    monkeypatch.setattr(first_weights, "list_pretrained", lambda: ["ours"])
    monkeypatch.setattr(first_weights, "pretrained_path", lambda name: source)
    assert run_tool(data, tmp_path / "one", "--init-from", "ours", *ONE) == 0
    assert "init-from: ours\n" in (tmp_path / "one" / "config.yaml").read_text()
    assert train.main(["--config", str(tmp_path / "one" / "config.yaml"), "--run", str(tmp_path / "two")]) == 0
    assert content(tmp_path / "two", 1) == content(tmp_path / "one", 1)


def record_path(run):
    return record_of(run)["init_from"]


def test_an_error_of_the_library_names_the_source():
    net = gluon_r2n2.get_model("gru_1", width=1 / 16, input_size=SIZE, resolution=16)
    gluon_r2n2.initialise(net, mx.cpu(), 1)
    with pytest.raises(ModelError, match="my file: none of its 1 parameters"):
        training.transfer_parameters(net, {"x": mx.nd.zeros(1)}, [mx.cpu()], source="my file")
