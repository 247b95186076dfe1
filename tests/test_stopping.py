"""Every way in which a training stops, or does not: signals at any moment, disks that refuse, numbers that blow up."""
from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import threading
import time

import numpy as np
import pytest
from tiny_data import SIZE
from tiny_runs import content, make_trainer, resume_tool, run_tool, saved_steps, start, told, wait_for_steps

from gluon_r2n2 import training
from gluon_r2n2.training import Validation
from gluon_r2n2.training import trainer as trainer_module
from gluon_r2n2.training.arrays import named_parameters
from gluon_r2n2.training.interrupt import Interrupted, StopRequest
from gluon_r2n2.training.runs import checkpoint as checkpoints
from gluon_r2n2.training.runs import folder as run_folder
from gluon_r2n2_tools.demo_stages import Pipeline, StageFailed
from recordio.loading import Loader, RecordDataset


@pytest.fixture(scope="module")
def straight(data, tmp_path_factory):
    """Six steps without an interruption, validated every second one."""
    run = tmp_path_factory.mktemp("straight") / "run"
    assert trainer_of(data, run).fit()
    return run


def trainer_of(data, run, **options):
    loader = Loader(RecordDataset(data, "val"), batch_size=4, views=2, image_size=SIZE, threads=0, shuffle=False,
                    drop_last=False)
    validation = Validation(lambda: loader.epoch(0), 4, 100, (1, 2))
    return make_trainer(data, run, **{"steps": 6, "validate_every": 2, "validation": validation, **options})


def signalled(function, number=signal.SIGINT, *, when=lambda *arguments: True, times=1):
    """*function*, but a signal arrives when it is entered for the first time."""
    left = [times]

    def replacement(*arguments, **options):
        if left[0] and when(*arguments):
            left[0] -= 1
            os.kill(os.getpid(), number)
        return function(*arguments, **options)

    return replacement


# signals ----------------------------------------------------------------------------------

@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_says_how_to_go_on(data, tmp_path, number):
    run = tmp_path / "run"
    process = start(data, run, "--steps", "100000", "--checkpoint-every", "100000", "--validate-every", "0")
    wait_for_steps(run, process)
    process.send_signal(number)
    text = process.communicate(timeout=60)[0]
    assert process.returncode == 0, text
    (step,) = saved_steps(run)
    assert f"interrupted after step {step}" in text and "--resume" in text.splitlines()[-1]
    assert f"{signal.Signals(number).name}: finishing this step and saving" in text
    assert training.newest_checkpoint(run).state["step"] == step
    assert resume_tool(data, run, "--steps", str(step + 1)) == 0  # another length goes on


@pytest.mark.slow
def test_the_second_signal_ends_the_process_even_in_a_long_step(data, tmp_path):
    """The main thread is in C meanwhile, where Python's handlers are not called."""
    run = tmp_path / "run"
    process = start(data, run, "--steps", "4", patch="""
import ctypes, os, signal, threading
from gluon_r2n2.training import Trainer
def _update(self, batch):
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
    threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))  # another thread gets them
    ctypes.CDLL(None).sleep(300)
Trainer._update = _update
""")
    text = process.communicate(timeout=120)[0]
    assert process.returncode == -signal.SIGINT and "SIGTERM: finishing this step and saving" in text, text
    assert saved_steps(run) == []


def test_signals_are_the_caller_s_again_afterwards():
    before = signal.getsignal(signal.SIGINT)
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.requested
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL  # the second one ends the process
        with pytest.raises(Interrupted), stop.breakable():
            raise AssertionError("begun after a signal")
    assert signal.getsignal(signal.SIGINT) is before


def test_a_signal_before_the_first_step(data, tmp_path, monkeypatch, capsys):
    """From the moment that the run's folder is there."""
    run, write = tmp_path / "run", run_folder.files.write_json
    monkeypatch.setattr(run_folder.files, "write_json", signalled(write, when=lambda path, _: path.parent == run))
    assert run_tool(data, run, "--steps", "2", "--validate-every", "0") == 0
    assert "interrupted before the first step; go on with: " in capsys.readouterr().out
    assert saved_steps(run) == []
    monkeypatch.undo()
    assert resume_tool(data, run) == 0
    assert run_tool(data, tmp_path / "whole", "--steps", "2", "--validate-every", "0") == 0
    assert content(run, 2) == content(tmp_path / "whole", 2)


def test_a_signal_while_data_is_waited_for(data, straight, tmp_path, monkeypatch):
    """A thread of the loader hangs in a read, as on a network file system: it is not waited for, and no batch lost."""
    run, fill = tmp_path / "run", Loader._fill
    goes_on = threading.Event()

    def hanging(self, batch, bad, epoch, indices, share):
        if self.threads:  # that of the training data
            if len(read) == 2:
                while trainer._validated < 2:
                    time.sleep(0.01)
                threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
                goes_on.wait(60)
            read.append(indices)
        fill(self, batch, bad, epoch, indices, share)

    read = []
    monkeypatch.setattr(Loader, "_fill", hanging)
    trainer = trainer_of(data, run, threads=1)
    assert not trainer.fit()
    assert not goes_on.is_set() and trainer.step == 2 and saved_steps(run) == [2] and len(read) == 2
    goes_on.set()
    monkeypatch.undo()
    again = trainer_of(data, run)
    again.resume(training.newest_checkpoint(run))
    assert again.fit()
    assert content(run, 6) == content(straight, 6)


def test_a_signal_during_validation(data, straight, tmp_path, monkeypatch):
    """It is given up, and made up for by the resumed run, so that its best and its thresholds are the same."""
    run = tmp_path / "run"
    trainer = trainer_of(data, run)
    monkeypatch.setattr(Validation, "measure", signalled(Validation.measure))
    assert not trainer.fit()
    assert trainer.step == 2 and saved_steps(run) == [2] and not told(run, "validation")
    assert training.newest_checkpoint(run).state["validated"] == 0
    again = trainer_of(data, run)
    again.resume(training.newest_checkpoint(run))
    assert again.fit()
    assert told(run, "validation") == told(straight, "validation")
    assert content(run, 6) == content(straight, 6) and saved_steps(run) == saved_steps(straight)


def test_a_signal_during_a_checkpoint(data, straight, tmp_path, monkeypatch):
    run = tmp_path / "run"
    trainer = trainer_of(data, run, checkpoint_every=3)
    monkeypatch.setattr(checkpoints, "write_arrays", signalled(
        checkpoints.write_arrays, when=lambda path, _: "step-00000003" in str(path)))
    assert not trainer.fit()
    assert trainer.step == 3
    again = trainer_of(data, run, checkpoint_every=3)
    again.resume(training.newest_checkpoint(run))
    assert again.fit()
    assert content(run, 6)["network.params"] == content(straight, 6)["network.params"]


def test_the_demo_does_not_take_an_interrupted_training_for_a_finished_one(data, tmp_path, monkeypatch):
    (tmp_path / "demo").mkdir()
    stages = Pipeline(tmp_path / "demo")
    run = tmp_path / "demo" / "run"
    arguments = ["--data", data, "--run", run, "--steps", "4"]

    class Tool:
        def __init__(self, *_):
            trainer = make_trainer(data, run, steps=4)
            if training.newest_checkpoint(run):
                trainer.resume(training.newest_checkpoint(run))
            else:
                monkeypatch.setattr(trainer, "_update", signalled(trainer._update))
            trainer.fit()

        def wait(self):
            return 0

    monkeypatch.setattr(subprocess, "Popen", Tool)
    with pytest.raises(StageFailed, match="run the same command again"):
        stages.command("train", "train", arguments, run)
    assert saved_steps(run) == [1]
    again = Pipeline(tmp_path / "demo")
    again.command("train", "train", arguments, run)
    assert saved_steps(run) == [1, 4] and again.finished[0]["done"]


# disks ----------------------------------------------------------------------------------

def test_a_disk_that_is_full_for_a_while(data, straight, tmp_path, monkeypatch, caplog):
    """Tried again every tenth of --checkpoint-every; the numbers are those of a run without trouble."""
    run, save = tmp_path / "run", trainer_module.checkpoints.save_checkpoint
    full = [2, 3, 4]

    def failing(run, net, optimiser, state, **options):
        if state["step"] in full:
            raise OSError(errno.ENOSPC, "No space left on device", "the folder")
        return save(run, net, optimiser, state, **options)

    monkeypatch.setattr(trainer_module.checkpoints, "save_checkpoint", failing)
    trainer = trainer_of(data, run, checkpoint_every=2)
    assert trainer.fit()
    assert [line["step"] for line in told(run, "not_saved")] == [2, 3, 4]
    assert [line["step"] for line in told(run, "saved_again")] == [5]
    assert saved_steps(run) == [5, 6]
    warnings = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert "the folder: No space left on device" in warnings[0] and "the next attempt is after step 3" in warnings[0]
    assert "can be written again" in warnings[-1]
    for name in ("network.params", "trainer.states"):
        assert content(run, 6)[name] == content(straight, 6)[name]
    best = training.find_checkpoint(run)  # what did best while nothing could be saved is not called the best
    assert best.state["best"] is None or best.state["best"]["step"] in (5, 6)


def test_a_disk_that_stays_full(data, tmp_path, capsys):
    """A limit on the size of files stands for the full disk: MXNet's writer meets both in the same place."""
    run = tmp_path / "run"
    assert run_tool(data, run, "--steps", "2", "--validate-every", "0") == 0
    before = content(run, 2)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before["network.params"]) - 100, limits[1]))
    try:
        assert resume_tool(data, run, "--steps", "6", "--checkpoint-every", "3", "--keep", "1") == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    message = capsys.readouterr().err.splitlines()[-1]
    assert "from step 3 to 6" in message and "step-00000006" in message and "disk" in message and ".tmp" not in message
    assert [path.name for path in (run / "checkpoints").iterdir()] == ["step-00000002"]
    assert content(run, 2) == before
    assert resume_tool(data, run, "--steps", "6", "--checkpoint-every", "3") == 0  # with room again
    assert saved_steps(run) == [2, 3, 6]


def test_a_signal_on_a_full_disk_is_no_success(data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(training.Trainer, "_update", signalled(training.Trainer._update))
    run = tmp_path / "run"
    write = run_folder.files.write_json

    def blocked(path, value):  # a file where the folder of checkpoints was
        write(path, value)
        if path.name == "environment.json":
            (run / "checkpoints").rmdir()
            (run / "checkpoints").write_text("")

    monkeypatch.setattr(run_folder.files, "write_json", blocked)
    assert run_tool(data, run, "--steps", "9") == 2
    message = capsys.readouterr().err.splitlines()[-1]
    assert "from step 1 to 1" in message and str(run / "checkpoints") in message and "--resume" in message


def test_best_json_and_old_checkpoints_do_not_end_a_training(data, tmp_path, monkeypatch, caplog):
    run = tmp_path / "run"
    trainer = make_trainer(data, run, steps=4, checkpoint_every=1, keep=1)
    trainer.best = {"step": 1, "iou": 0.5}
    (run / "checkpoints" / "best.json").mkdir()
    monkeypatch.setattr(checkpoints.files, "remove_directory", lambda path: (_ for _ in ()).throw(
        OSError(errno.EROFS, "Read-only file system")) if path.name == "step-00000002" else path.rename(run / "away"))
    assert trainer.fit()
    assert "best.json could not be written" in caplog.text and "it should name step-00000001" in caplog.text
    assert "an old checkpoint could not be removed" in caplog.text
    assert saved_steps(run) == [1, 2, 4]  # the best one too, which only the state knows
    (run / "checkpoints" / "best.json").rmdir()
    again = make_trainer(data, run, steps=4)
    again.resume(training.newest_checkpoint(run))
    assert checkpoints.best_name(run) == "step-00000001"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_becomes_read_only(data, tmp_path):
    run = tmp_path / "run"
    trainer = make_trainer(data, run, steps=2)
    (run / "checkpoints").chmod(0o500)
    with pytest.raises(training.NotSaved, match="Permission denied"):
        trainer.fit()
    (run / "checkpoints").chmod(0o700)


def test_a_folder_that_cannot_be_written(data, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run_tool(data, tmp_path / "file" / "run", "--steps", "1") == 2
    assert "file" in capsys.readouterr().err


# numbers ----------------------------------------------------------------------------------

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
    assert resume_tool(data, run, "--steps", "20") == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert "step 6 is nan" in message and "/train" in message and "step-00000004" in message
    assert saved_steps(run) == [2, 4]
    assert all(np.isfinite(array.asnumpy()).all() for array in training.newest_checkpoint(run).parameters().values())


def test_a_loss_above_the_limit_stops(data, tmp_path, capsys):
    assert run_tool(data, tmp_path / "run", "--steps", "4", "--recipe", "original", "--loss-limit", "1e-6") == 1
    message = capsys.readouterr().err
    assert "above the limit" in message and "another --seed or a higher --loss-limit" in message  # no update was made
