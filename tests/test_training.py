"""Training: exact resume, whole checkpoints, several devices, and every way in which a run may stop."""
from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from tiny_data import SIZE, make_data

import gluon_r2n2
from gluon_r2n2 import ModelError, files, training
from gluon_r2n2.training.arrays import named_parameters
from gluon_r2n2.training.config import TrainingConfig
from gluon_r2n2.training.interrupt import StopRequest
from gluon_r2n2.training.runs import checkpoint as checkpoints
from gluon_r2n2_tools import train
from recordio.loading import Loader, RecordDataset

ROOT = Path(__file__).resolve().parent.parent
SMALL = ["--width", "0.0625", "--image-size", str(SIZE), "--batch-size", "4", "--views", "1-3", "--seed", "1",
         "--log-every", "2", "--threads", "1"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("data"))


def command(data, run, *more):
    return ["--data", str(data), "--run", str(run), *more]


def run_tool(data, run, *more):
    return train.main(command(data, run, *SMALL, *more))


def content(run, step):
    """The bytes of every file of a checkpoint."""
    folder = run / "checkpoints" / f"step-{step:08d}"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def saved_steps(run):
    return sorted(int(path.name[5:]) for path in (run / "checkpoints").glob("step-*"))


def make_trainer(data, run, *, contexts=None, steps=4, batch_size=4, views=(1, 3), **options):
    contexts = contexts or [mx.cpu()]
    config = TrainingConfig.from_recipe(steps=steps, batch_size=batch_size, views=views, image_size=SIZE, **options)
    net = gluon_r2n2.get_model("res3d_gru_3", width=1 / 16, input_size=SIZE, resolution=16)
    gluon_r2n2.initialise(net, contexts, 1)
    loader = Loader(RecordDataset(data), batch_size=batch_size, views=views, image_size=SIZE, threads=0)
    facts = {"model": net.config.as_dict(), "image": {"size": SIZE, "background": 240}, "version": "0",
             "data": {"fingerprint": "", "path": "", "classes": {}}, "training": config.as_dict()}
    with contextlib.suppress(ModelError):
        training.start_run(run, facts)
    return training.Trainer(net, config, contexts=contexts, run=run, loader=loader, facts=facts)


# exact resume ----------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def straight(data, tmp_path_factory):
    """Nine steps without an interruption, with validation on the way."""
    run = tmp_path_factory.mktemp("straight") / "run"
    assert run_tool(data, run, "--steps", "9", "--checkpoint-every", "3", "--validate-every", "4") == 0
    return run


@pytest.mark.parametrize("stop", [1, 5, 7])
def test_an_interrupted_run_ends_with_the_same_bits(data, straight, tmp_path, monkeypatch, stop):
    """Stopped anywhere, also between checkpoint and validation, it repeats what was lost and nothing else."""
    run, options = tmp_path / "run", ["--steps", "9", "--checkpoint-every", "3", "--validate-every", "4"]
    update = training.Trainer._update

    def failing(self, batch):
        if self.step == stop:
            raise KeyboardInterrupt  # as a second Ctrl-C: nothing is saved
        update(self, batch)

    monkeypatch.setattr(training.Trainer, "_update", failing)
    assert run_tool(data, run, *options) == 130
    monkeypatch.setattr(training.Trainer, "_update", update)
    assert train.main(command(data, run, "--resume", "--threads", "2")) == 0
    assert content(run, 9) == content(straight, 9)
    assert saved_steps(run) == saved_steps(straight)


def start(data, run, *more):
    return subprocess.Popen([sys.executable, str(ROOT / "tools" / "train.py"), *command(data, run, *SMALL, *more)],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for(path, process):
    for _ in range(1200):
        if path.exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    assert path.exists(), process.communicate()[0]


def test_kill_9_and_resume_gives_the_same_bits(data, tmp_path):
    options = ["--steps", "40", "--checkpoint-every", "5"]
    process = start(data, tmp_path / "killed", *options)
    wait_for(tmp_path / "killed" / "checkpoints" / "step-00000010", process)
    process.kill()
    process.communicate()
    killed_at = max(saved_steps(tmp_path / "killed"))
    assert train.main(command(data, tmp_path / "killed", "--resume")) == 0
    assert run_tool(data, tmp_path / "whole", *options) == 0
    assert killed_at < 40
    assert content(tmp_path / "killed", 40) == content(tmp_path / "whole", 40)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_how_to_go_on(data, tmp_path, number):
    run = tmp_path / "run"
    process = start(data, run, "--steps", "100000", "--checkpoint-every", "100000", "--validate-every", "0")
    wait_for(run / "log.jsonl", process)
    process.send_signal(number)
    text = process.communicate(timeout=60)[0]
    assert process.returncode == 130
    (step,) = saved_steps(run)
    assert f"interrupted after step {step}" in text and "--resume" in text.splitlines()[-1]
    assert training.newest_checkpoint(run).state["step"] == step
    assert train.main(command(data, run, "--resume", "--steps", str(step + 1))) == 0  # another length goes on


def test_resume_on_another_number_of_devices(data, tmp_path):
    two = make_trainer(data, tmp_path / "run", contexts=[mx.cpu(0), mx.cpu(1)], steps=4)
    assert two.fit()
    one = make_trainer(data, tmp_path / "run", steps=5)
    one.resume(training.newest_checkpoint(tmp_path / "run"))
    assert one.fit() and one.step == 5


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


# checkpoints ----------------------------------------------------------------------------------

def test_parameters_go_into_a_network_that_has_been_used(data, tmp_path):
    """After an inference forward oneDNN holds 3D weights in a layout of its own, which set_data cannot write to."""
    trainer = make_trainer(data, tmp_path / "run")
    trainer.fit()
    saved = training.newest_checkpoint(tmp_path / "run")
    net, _ = training.load_network(tmp_path / "run")
    images = mx.nd.random.uniform(shape=(2, 3, 3, SIZE, SIZE))
    before = net(images).asnumpy()
    halves = {name: array / 2 for name, array in saved.parameters().items()}
    training.set_parameters(net, halves, [mx.cpu()], source="halves")
    assert np.abs(net(images).asnumpy() - before).max() > 1e-3
    net.save_parameters(str(tmp_path / "used.params"))  # what is saved from a used network is what went in
    for name, array in mx.nd.load(str(tmp_path / "used.params")).items():
        np.testing.assert_array_equal(array.asnumpy(), halves[name].asnumpy(), name)
    training.set_parameters(net, saved.parameters(), [mx.cpu()], source=saved.folder)
    np.testing.assert_array_equal(net(images).asnumpy(), before)


def damage(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("name", ["network.params", "trainer.states", "state.json"])
def test_a_damaged_newest_checkpoint_is_passed_over_loudly(data, tmp_path, caplog, name):
    run = tmp_path / "run"
    trainer = make_trainer(data, run, steps=4, checkpoint_every=2)
    trainer.fit()
    good = content(run, 4)
    damage(run / "checkpoints" / "step-00000004" / name)
    saved = training.newest_checkpoint(run)
    assert saved.state["step"] == 2
    assert "step-00000004" in caplog.text and name in caplog.text and caplog.records[0].levelname == "ERROR"
    again = make_trainer(data, run, steps=4, checkpoint_every=2)
    again.resume(saved)
    again.fit()
    assert content(run, 4) == good  # and it is written anew
    for step in saved_steps(run):
        (run / "checkpoints" / f"step-{step:08d}" / name).unlink()
    with pytest.raises(ModelError, match="all 2 checkpoints are damaged"):
        training.load_network(run)


def test_the_newest_and_the_best_are_kept(data, tmp_path):
    trainer = make_trainer(data, tmp_path / "run", steps=6, checkpoint_every=1, keep=2)
    trainer.best = {"step": 1, "iou": 0.5}  # as a validation at step 1 would have set it
    trainer.fit()
    assert saved_steps(tmp_path / "run") == [1, 5, 6]
    assert training.find_checkpoint(tmp_path / "run").state["step"] == 1
    assert training.newest_checkpoint(tmp_path / "run").state["step"] == 6


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), files.atomic_directory(tmp_path / "out") as folder:
        (folder / "half").write_text("x")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    for text in ("first", "second"):  # the second replaces the first
        with files.atomic_directory(tmp_path / "out") as folder:
            (folder / "file").write_text(text)
            assert not (tmp_path / "out" / "file").exists() or text == "second"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "file").read_text() == "second"
    sums = files.manifest(tmp_path / "out")
    assert sums == {"file": "16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4"}  # sha256sum's
    (tmp_path / "out" / "file").write_text("other")
    assert "file" in files.damaged(tmp_path / "out", sums)


@pytest.mark.parametrize("make, message", [
    (lambda folder: None, "is no folder"),
    (lambda folder: folder.mkdir(), "neither a run"),
    (lambda folder: (folder / "checkpoints").mkdir(parents=True), "no checkpoint yet"),
])
def test_loading_from_what_is_no_run(tmp_path, make, message):
    make(tmp_path / "run")
    with pytest.raises(ModelError, match=message):
        training.load_network(tmp_path / "run")


def test_another_architecture_is_named(data, tmp_path):
    make_trainer(data, tmp_path / "run", steps=1).fit()
    arrays = training.newest_checkpoint(tmp_path / "run").parameters()
    wide = gluon_r2n2.get_model("res3d_gru_3", width=1 / 8, input_size=SIZE, resolution=16)
    with pytest.raises(ModelError, match=r"parameter encoder\S+ has shape \(16, .* wants \(32, "):
        training.set_parameters(wide, arrays, [mx.cpu()], source="x")
    plain = gluon_r2n2.get_model("gru_3", width=1 / 16, input_size=SIZE, resolution=16)
    with pytest.raises(ModelError, match="unknown to this network"):
        training.set_parameters(plain, arrays, [mx.cpu()], source="x")


# what stops a run ----------------------------------------------------------------------------------

def test_a_loss_that_is_not_finite_stops(data, tmp_path, monkeypatch, capsys):
    run = tmp_path / "run"
    assert run_tool(data, run, "--steps", "4", "--checkpoint-every", "2", "--validate-every", "0") == 0
    update = training.Trainer._update

    def poisoned(self, batch):
        if self.step == 5:
            parameter = next(iter(named_parameters(self.net).values()))
            parameter.data()[:] = np.nan
        update(self, batch)

    monkeypatch.setattr(training.Trainer, "_update", poisoned)
    assert train.main(command(data, run, "--resume", "--steps", "20")) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert "step 6 is nan" in message and "/train" in message and "step-00000004" in message
    assert saved_steps(run) == [2, 4]
    assert all(np.isfinite(array.asnumpy()).all() for array in training.newest_checkpoint(run).parameters().values())


def test_a_loss_above_the_limit_stops(data, tmp_path, capsys):
    assert run_tool(data, tmp_path / "run", "--steps", "4", "--recipe", "original", "--loss-limit", "1e-6") == 1
    assert "above the limit" in capsys.readouterr().err


def test_options_that_make_another_run_are_refused(data, straight, tmp_path, capsys):
    for options, words in ((["--width", "0.125"], "model width was 0.0625 and is now 0.125"),
                           (["--model", "gru_1"], "model encoder was 'residual' and is now 'plain'"),
                           (["--lr", "0.5"], "training learning_rate"), (["--batch-size", "2"], "batch_size was 4"),
                           (["--recipe", "original"], "training recipe")):
        assert train.main(command(data, straight, "--resume", *options)) == 2
        assert words in capsys.readouterr().err
    other = make_data(tmp_path, train=5, val=0, test=1)
    assert train.main(command(other, straight, "--resume")) == 2
    assert "data fingerprint" in capsys.readouterr().err


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
        (command(data, tmp_path / "new", "--init-from", str(straight), "--width", "0.125"), "shape"),
    ]
    for arguments, words in bad:
        try:
            code = train.main(arguments)
        except SystemExit as stop:
            code = stop.code
        message = capsys.readouterr().err
        assert code == 2 and words in message and len(message.splitlines()) == 1, (arguments, message)
    assert not (tmp_path / "new").exists()


def test_a_checkpoint_that_does_not_fit_on_the_disk(data, tmp_path, capsys):
    """A limit on the size of files stands for the full disk: MXNet's writer meets both in the same place."""
    run = tmp_path / "run"
    assert run_tool(data, run, "--steps", "2", "--validate-every", "0") == 0
    before = content(run, 2)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before["network.params"]) - 100, limits[1]))
    try:
        assert train.main(command(data, run, "--resume", "--steps", "4")) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    message = capsys.readouterr().err.splitlines()[-1]
    assert "step-00000004" in message and "disk" in message and ".tmp" not in message
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["step-00000002"]
    assert content(run, 2) == before


def test_the_second_ctrl_c_quits_at_once():
    before = signal.getsignal(signal.SIGINT)
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) is before


def test_a_folder_that_cannot_be_written(data, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run_tool(data, tmp_path / "file" / "run", "--steps", "1") == 2
    assert "file" in capsys.readouterr().err


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
