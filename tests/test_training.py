"""Training: gradients, several devices, the tool's options, and what a run leaves behind."""
from __future__ import annotations

import json
import os
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from tiny_data import SIZE, make_data
from tiny_runs import command, make_trainer, run_tool

import gluon_r2n2
from gluon_r2n2 import ModelError, files, training
from gluon_r2n2.training.arrays import get_parameters, named_parameters
from gluon_r2n2.training.runs import checkpoint as checkpoints
from gluon_r2n2_tools import train
from recordio.loading import Loader, RecordDataset


@pytest.fixture(scope="module")
def straight(data, tmp_path_factory):
    """Nine steps without an interruption, with validation on the way."""
    run = tmp_path_factory.mktemp("straight") / "run"
    assert run_tool(data, run, "--steps", "9", "--checkpoint-every", "3", "--validate-every", "4") == 0
    return run


# several devices and the static graph -----------------------------------------------------------

def gradients(trainer, batch):
    trainer._update(batch)
    first = trainer._contexts[0]
    return {name: parameter.grad(first).asnumpy() for name, parameter in named_parameters(trainer.net).items()}


def test_two_devices_give_the_gradients_of_one(data, tmp_path):
    """And make the same update of them, to the bit; these gradients are long enough to be clipped."""
    one = make_trainer(data, tmp_path / "one")
    two = make_trainer(data, tmp_path / "two", contexts=[mx.cpu(0), mx.cpu(1)])
    batch = next(one._loader.epoch(0))
    expected, actual = gradients(one, batch), gradients(two, batch)
    for name, gradient in expected.items():
        assert np.abs(gradient - actual[name]).max() <= 1e-5 * max(1, np.abs(gradient).max()), name
    for name, parameter in named_parameters(two.net).items():
        np.testing.assert_array_equal(parameter.data(mx.cpu(0)).asnumpy(), parameter.data(mx.cpu(1)).asnumpy(), name)


def test_gradients_stay_right_when_the_number_of_views_changes(data, tmp_path):
    """The trainer's hybridised network against the same parameters run imperatively (static_shape fails here)."""
    trainer = make_trainer(data, tmp_path / "run", steps=100, clip=0.0)
    plain = gluon_r2n2.model_from_config(trainer.net.config.as_dict())
    gluon_r2n2.initialise(plain, mx.cpu(), 1)
    loss = gluon_r2n2.VoxelLoss()
    for views in (2, 3, 1, 3, 2, 1, 1, 3):
        loader = Loader(RecordDataset(data), batch_size=4, views=views, image_size=SIZE, threads=0)
        batch = next(loader.epoch(views))
        before = {name: parameter.data().copy() for name, parameter in named_parameters(trainer.net).items()}
        training.set_parameters(plain, before, [mx.cpu()], source="the trainer")
        actual = gradients(trainer, batch)
        with autograd.record():
            value = loss(plain(mx.nd.array(batch.images) / 255), mx.nd.array(batch.voxels))
        value.backward()
        for name, parameter in named_parameters(plain).items():
            np.testing.assert_allclose(actual[name], parameter.grad().asnumpy(), rtol=1e-4, atol=1e-6, err_msg=name)


def test_a_batch_that_devices_cannot_share(data, tmp_path):
    with pytest.raises(ModelError, match="3 devices"):
        make_trainer(data, tmp_path / "run", contexts=[mx.cpu(number) for number in range(3)])


# the tool ----------------------------------------------------------------------------------

def test_another_architecture_is_named(data, tmp_path):
    make_trainer(data, tmp_path / "run", steps=1).fit()
    arrays = training.newest_checkpoint(tmp_path / "run").parameters()
    wide = gluon_r2n2.get_model("res3d_gru_3", width=1 / 8, input_size=SIZE, resolution=16)
    with pytest.raises(ModelError, match=r"parameter encoder\S+ has shape \(16, .* wants \(32, "):
        training.set_parameters(wide, arrays, [mx.cpu()], source="x")
    plain = gluon_r2n2.get_model("gru_3", width=1 / 16, input_size=SIZE, resolution=16)
    with pytest.raises(ModelError, match="unknown to this network"):
        training.set_parameters(plain, arrays, [mx.cpu()], source="x")


def test_bad_input_is_one_sentence(data, straight, tmp_path, capsys):
    bad = [
        (command(data, straight), "--resume"),  # the run exists
        (command(data, tmp_path / "new", "--resume"), "no run to resume"),
        (command(tmp_path, tmp_path / "new"), str(tmp_path)),  # no packed data
        (command(data, tmp_path / "new", "--model", "res3d_gru_4"), "did you mean 'res3d_gru_3'"),
        (command(data, tmp_path / "new", "--gpus", "0"), "--gpus 0"),
        (command(data, tmp_path / "new", "--gpus", "one"), "--gpus"),
        (command(data, tmp_path / "new", "--views", "5-1"), "1-5"),
        (command(data, tmp_path / "new", "--views", "1-9"), "--views asks for 9 views"),
        (command(data, tmp_path / "new", "--validate-every", "-1"), "--validate-every: wants an integer of at least 0"),
        (command(data, tmp_path / "new", "--seed", "-1"), "--seed: wants an integer of at least 0"),
        (command(data, tmp_path / "new", "--weight-decay", "nan"), "--weight-decay: wants a number above 0"),
        (command(data, tmp_path / "new", "--weight-decay", "-1"), "--weight-decay: wants a number above 0"),
        (command(data, tmp_path / "new", "--batch-size", "64", "--views", "1"), "smaller batch"),
        (command(data, tmp_path / "new", "--classes", "chiar"), "chair"),
        (command(data, tmp_path / "new", "--init-from", str(tmp_path)), "neither a run"),
    ]
    for arguments, words in bad:
        try:
            code = train.main(arguments)
        except SystemExit as stop:
            code = stop.code
        message = capsys.readouterr().err
        assert code == 2 and words in message and len(message.splitlines()) == 1, (arguments, message)
    assert not (tmp_path / "new").exists()


def test_starting_from_weights_and_training_without_a_val_split(straight, tmp_path, capsys):
    data = make_data(tmp_path, train=5, val=0, test=1)
    assert run_tool(data, tmp_path / "run", "--init-from", str(straight), "--epochs", "1", "--norm", "none") == 0
    assert "no validation" in capsys.readouterr().out
    state = training.newest_checkpoint(tmp_path / "run").state
    assert state["step"] == 2 and state["epoch"] == 1 and state["batch"] == 0  # 10 objects, 4 a batch
    assert state["threshold"] == 0.4 and state["best"] is None


def test_log_and_facts(straight):
    lines = [json.loads(line) for line in (straight / "log.jsonl").read_text().splitlines()]
    steps = [line["step"] for line in lines if line["event"] == "step"]
    assert steps == [2, 4, 6, 8, 9]
    assert [line["step"] for line in lines if line["event"] == "validation"] == [4, 8, 9]
    net, info = training.load_network(straight)
    best = json.loads((straight / "checkpoints" / "best.json").read_text())
    assert Path(info["checkpoint"]).name == best["checkpoint"]
    assert info["image"]["size"] == SIZE and info["image"]["background"] == 240
    assert info["classes"] == {"02828884": "bench", "03001627": "chair"}
    assert info["threshold_source"].startswith("validation") and 0 < info["threshold"] < 1
    assert info["weights_sha256"] == files.sha256(Path(info["checkpoint"]) / checkpoints.PARAMETERS)
    assert net.config.resolution == 16 and os.path.isdir(info["checkpoint"])


def test_parameters_are_read_whole_while_the_network_runs():
    """MXNet's Deconvolution has the axes of its weight swapped while it runs; who reads then must not see that."""
    net = gluon_r2n2.get_model("gru_3", width=0.25, input_size=32, upsample="deconv")
    gluon_r2n2.initialise(net)
    views = mx.nd.random.uniform(shape=(1, 4, 3, 32, 32))
    net(views).wait_to_read()
    before = {name: array.asnumpy() for name, array in get_parameters(net).items()}
    for _ in range(5):
        net(views)  # under way
        for name, array in get_parameters(net).items():
            np.testing.assert_array_equal(array.asnumpy(), before[name], name)
