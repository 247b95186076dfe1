"""Exact resume: whatever ends a run, going on from its checkpoint gives the bits of a run that nothing ended."""
from __future__ import annotations

import json
import shutil
import signal

import mxnet as mx
import numpy as np
import pytest
from tiny_data import make_data
from tiny_runs import command, content, make_trainer, resume_tool, run_tool, saved_steps, start, told

from gluon_r2n2 import ModelError, files, training
from gluon_r2n2.training.config import TrainingConfig
from gluon_r2n2.training.runs import checkpoint as checkpoints
from gluon_r2n2_tools import train

OPTIONS = ["--steps", "9", "--checkpoint-every", "3", "--validate-every", "4", "--keep", "2"]
EVENTS = ("step", "validation", "checkpoint")


@pytest.fixture(scope="module")
def straight(data, tmp_path_factory):
    """Nine steps without an interruption, with validation on the way."""
    run = tmp_path_factory.mktemp("straight") / "run"
    assert run_tool(data, run, *OPTIONS) == 0
    return run


def assert_the_same(run, straight):
    """Parameters, optimiser state, all facts, checkpoints kept and the story told by the log."""
    assert content(run, 9) == content(straight, 9)
    assert saved_steps(run) == saved_steps(straight)
    assert told(run, *EVENTS) == told(straight, *EVENTS)
    assert checkpoints.best_name(run) == checkpoints.best_name(straight)
    assert not [path for path in run.rglob("*") if files.TEMPORARY in path.name]


@pytest.mark.slow
@pytest.mark.parametrize("stop", [1, 5, 7])
def test_an_interrupted_run_ends_with_the_same_bits(data, straight, tmp_path, monkeypatch, stop):
    """Stopped anywhere, also between checkpoint and validation, it repeats what was lost and nothing else.

    At 1 there is no checkpoint yet. Threads and the lines of the log may be others from there on.
    """
    run, update = tmp_path / "run", training.Trainer._update

    def failing(self, batch):
        if self.step == stop:
            raise KeyboardInterrupt
        update(self, batch)

    monkeypatch.setattr(training.Trainer, "_update", failing)
    assert run_tool(data, run, *OPTIONS) == 130
    monkeypatch.setattr(training.Trainer, "_update", update)
    assert resume_tool(data, run, "--threads", "2", *(["--log-every", "4"] if stop == 7 else [])) == 0
    if stop != 7:
        return assert_the_same(run, straight)
    for name in ("network.params", "trainer.states"):
        assert content(run, 9)[name] == content(straight, 9)[name]
    assert [line["step"] for line in told(run, "step")] == [2, 4, 6, 8, 9]


# where a process is killed: Python that replaces a function by one that ends the process on the way
KILLED = {
    "while the folder is made": "before(folder.files, 'write_json', lambda path, value: path.name == 'config.json')",
    "before the first checkpoint": "before(Trainer, '_update', lambda self, batch: self.step == 2)",
    "between two files of a checkpoint": "before(checkpoint, 'write_arrays', lambda path, arrays: "
                                         "path.name == 'trainer.states' and 'step-00000006' in str(path))",
    "between checkpoint and best.json": "before(checkpoint, 'record_best', "
                                        "lambda run, best: best and best['step'] == 4)",
    "while an old checkpoint is removed": "before(files.shutil, 'rmtree', lambda path, *_, **__: "
                                          "path.name.startswith('.step-00000003') and path.is_dir() and "
                                          "(path / 'network.params').unlink() is None)",
    "between two steps": "before(Trainer, '_update', lambda self, batch: self.step == 7)",
}
KILL = """
import os, signal
import gluon_r2n2
from gluon_r2n2 import files
from gluon_r2n2.training import Trainer
from gluon_r2n2.training.runs import checkpoint, folder

def before(owner, name, matches):
    function = getattr(owner, name)
    def killing(*arguments, **options):
        if matches(*arguments, **options):
            os.kill(os.getpid(), signal.SIGKILL)
        return function(*arguments, **options)
    setattr(owner, name, killing)

"""


@pytest.fixture(scope="module")
def killed(data, tmp_path_factory):
    """For every place in KILLED the folder of a run whose process was killed there."""
    root, runs = tmp_path_factory.mktemp("killed"), {}
    places = list(KILLED)
    for pair in (places[at:at + 2] for at in range(0, len(places), 2)):  # two at a time
        processes = [start(data, root / place, *OPTIONS, patch=KILL + KILLED[place]) for place in pair]
        for place, process in zip(pair, processes):
            text = process.communicate(timeout=300)[0]
            assert process.returncode == -signal.SIGKILL, text
            runs[place] = root / place
    return runs


@pytest.mark.slow
@pytest.mark.parametrize("place", KILLED)
def test_kill_9_and_resume_gives_the_same_bits(data, straight, killed, capsys, place):
    run = killed[place]
    if place == "while the folder is made":  # nothing to resume, and nothing in the way of starting again
        assert resume_tool(data, run) == 2
        assert "leave --resume out to start" in capsys.readouterr().err
        assert run_tool(data, run, *OPTIONS) == 0
    else:
        assert run_tool(data, run, *OPTIONS) == 2
        assert "exists already" in capsys.readouterr().err
        assert resume_tool(data, run) == 0
    assert_the_same(run, straight)


def test_the_state_names_its_place_in_the_data_and_the_seeds(straight):
    state = training.newest_checkpoint(straight).state
    assert (state["step"], state["epoch"], state["batch"]) == (9, 1, 3)  # 24 objects, 4 a batch
    assert state["seeds"] == {"data": 1, "next_step": 11}
    assert state["validated"] == 9 and state["unlogged"] == [] and state["best"]["step"] in (4, 8, 9)


def test_a_run_of_a_version_without_some_options_goes_on(data, straight, tmp_path):
    """What an older checkpoint lacks had the default then."""
    run = tmp_path / "run"
    shutil.copytree(straight, run)
    for path in (run / "checkpoints").glob("step-*/state.json"):
        saved = json.loads(path.read_text())
        saved.pop("sha256")
        for section, names in (("training", ("keep", "warmup", "adversarial")), ("model", ("leak", "hidden"))):
            for name in names:
                del saved["state"][section][name]
        for name in ("validated", "unlogged", "seeds", "first_weights"):
            del saved["state"][name]
        path.write_text(json.dumps({**saved, "sha256": files.sha256_of_json(saved)}))
    assert resume_tool(data, run, "--steps", "10") == 0
    assert training.newest_checkpoint(run).state["training"]["keep"] == TrainingConfig.keep
    shutil.rmtree(run)
    shutil.copytree(straight, run)  # and where it has no checkpoint yet
    shutil.rmtree(run / "checkpoints")
    facts = json.loads((run / "config.json").read_text())
    del facts["training"]["warmup"], facts["training"]["adversarial"], facts["model"]["leak"], facts["first_weights"]
    (run / "config.json").write_text(json.dumps(facts))
    assert resume_tool(data, run, "--keep", "2") == 0
    assert content(run, 9)["network.params"] == content(straight, 9)["network.params"]


def test_resume_on_another_number_of_devices(data, tmp_path):
    two = make_trainer(data, tmp_path / "run", contexts=[mx.cpu(0), mx.cpu(1)], steps=4)
    assert two.fit()
    one = make_trainer(data, tmp_path / "run", steps=5)
    one.resume(training.newest_checkpoint(tmp_path / "run"))
    assert one.fit() and one.step == 5


def test_options_that_make_another_run_are_refused(data, straight, tmp_path, capsys):
    for options, words in ((["--width", "0.125"], "model width was 0.0625 and is now 0.125"),
                           (["--model", "gru_1"], "model encoder was 'residual' and is now 'plain'"),
                           (["--lr", "0.5"], "training learning_rate"), (["--batch-size", "2"], "batch_size was 4"),
                           # and not what is wrong with such a run
                           (["--accumulate", "3"], "training accumulate was 1 and is now 3"),
                           (["--freeze", "*"], "training freeze was [] and is now ['*']"),
                           (["--recipe", "original"], "training recipe")):
        assert train.main(command(data, straight, "--resume", *options)) == 2
        assert words in capsys.readouterr().err
    other = make_data(tmp_path, train=5, val=0, test=1)
    assert train.main(command(other, straight, "--resume")) == 2
    assert "data fingerprint" in capsys.readouterr().err


# checkpoints ----------------------------------------------------------------------------------

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


def test_a_damaged_checkpoint_does_not_count_among_the_newest(data, tmp_path):
    """With --keep 1 the good one that the run goes on from must not be removed in its favour."""
    run = tmp_path / "run"
    make_trainer(data, run, steps=4, checkpoint_every=2, keep=2).fit()
    damage(run / "checkpoints" / "step-00000004" / "network.params")
    again = make_trainer(data, run, steps=3, checkpoint_every=1, keep=1)
    again.resume(training.newest_checkpoint(run))
    again.fit()
    assert saved_steps(run) == [3, 4] and training.newest_checkpoint(run).state["step"] == 3


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
    files.remove_directory(tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("make, message", [
    (lambda folder: None, "is no folder"),
    (lambda folder: folder.mkdir(), "neither a run"),
    (lambda folder: (folder / "checkpoints").mkdir(parents=True), "no checkpoint yet"),
])
def test_loading_from_what_is_no_run(tmp_path, make, message):
    make(tmp_path / "run")
    with pytest.raises(ModelError, match=message):
        training.load_network(tmp_path / "run")


def test_parameters_go_into_a_network_that_has_been_used(data, tmp_path):
    """After an inference forward oneDNN holds 3D weights in a layout of its own, which set_data cannot write to."""
    trainer = make_trainer(data, tmp_path / "run")
    trainer.fit()
    saved = training.newest_checkpoint(tmp_path / "run")
    net, _ = training.load_network(tmp_path / "run")
    images = mx.nd.random.uniform(shape=(2, 3, 3, 32, 32))
    before = net(images).asnumpy()
    halves = {name: array / 2 for name, array in saved.parameters().items()}
    training.set_parameters(net, halves, [mx.cpu()], source="halves")
    assert np.abs(net(images).asnumpy() - before).max() > 1e-3
    net.save_parameters(str(tmp_path / "used.params"))  # what is saved from a used network is what went in
    for name, array in mx.nd.load(str(tmp_path / "used.params")).items():
        np.testing.assert_array_equal(array.asnumpy(), halves[name].asnumpy(), name)
    training.set_parameters(net, saved.parameters(), [mx.cpu()], source=saved.folder)
    np.testing.assert_array_equal(net(images).asnumpy(), before)
