"""Several workers: the sums and the agreement of a job, its result beside one process's, and every way it may end."""
from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from tiny_data import SIZE, make_data

import gluon_r2n2
from gluon_r2n2 import ModelError, training
from gluon_r2n2.distributed import guard, hosts, process
from gluon_r2n2.training.arrays import named_parameters
from gluon_r2n2.training.update import Updater
from gluon_r2n2_tools import launch, train
from recordio.loading import Loader, RecordDataset

ROOT = Path(__file__).resolve().parent.parent
SMALL = ["--width", "0.0625", "--image-size", str(SIZE), "--batch-size", "4", "--views", "1-2", "--seed", "1",
         "--log-every", "2", "--threads", "1", "--no-tensorboard"]
LENGTH = ["--steps", "6", "--checkpoint-every", "2", "--validate-every", "4"]
PATIENCE = 60  # seconds within which a job must have ended
# the beginning of a worker that is no train.py
BEGIN = f"""
import os, sys, time
sys.path[0] = {str(ROOT / "tools")!r}
import _checkout
import gluon_r2n2, numpy as np
from gluon_r2n2 import distributed, training
rank = int(os.environ["DMLC_TASK_ID"])
"""


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("data"), train=6, val=2, test=1)


def arguments(data, run, *more):
    return [str(ROOT / "tools" / "train.py"), "--data", str(data), "--run", str(run), *SMALL, "--kv-store", "dist_sync",
            *more]


def job(*command, workers=2, flags=()):
    return launch.main(["-n", str(workers), *flags, "--", *command])


def script(folder, text):
    path = folder / "worker.py"
    path.write_text(BEGIN + text)
    return str(path)


def parameters(run, step):
    return mx.nd.load(str(run / "checkpoints" / f"step-{step:08d}" / "network.params"))


def assert_same(expected, actual, tolerance=1e-5):
    assert set(expected) == set(actual)
    for name, array in expected.items():
        np.testing.assert_allclose(actual[name].asnumpy(), array.asnumpy(), rtol=0, atol=tolerance, err_msg=name)


def content(run, step):
    folder = run / "checkpoints" / f"step-{step:08d}"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def members(port):
    """The processes of the job whose scheduler is at *port*, by role and number; the guards among them left out."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            variables = dict(item.partition("=")[::2] for item in (folder / "environ").read_text().split("\0"))
            if variables.get("DMLC_PS_ROOT_PORT") == str(port) and (folder / "cmdline").read_bytes():
                found[(variables["DMLC_ROLE"] + " " + variables.get("DMLC_TASK_ID", "")).strip()] = int(folder.name)
    return found


def living(group):
    """The processes of a group, those apart that have ended and only wait for somebody to ask how."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, _, of = path.read_text().rpartition(")")[2].split()[:3]
            found += [path.parent.name] if int(of) == group and state != "Z" else []
    return found


def wait_until(condition):
    for _ in range(int(PATIENCE / 0.05)):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it does not happen")


@contextlib.contextmanager
def when(condition, action):
    """Call *action* in a thread as soon as *condition* holds."""
    def wait():
        wait_until(condition)
        action()

    thread = threading.Thread(target=wait)
    thread.start()
    yield
    thread.join()


def saved_steps(run):
    return sorted(int(path.name[5:]) for path in (run / "checkpoints").glob("step-*"))


# the same numbers as one process ---------------------------------------------------------------------------

@pytest.fixture(scope="module")
def whole(data, tmp_path_factory):
    """A run of two workers that nothing interrupted."""
    run = tmp_path_factory.mktemp("whole") / "run"
    assert job(*arguments(data, run, *LENGTH)) == 0
    return run


@pytest.mark.slow
def test_two_workers_give_the_parameters_of_one_process(data, whole, tmp_path):
    assert train.main([*arguments(data, tmp_path / "one", *LENGTH, "--kv-store", "local")[1:]]) == 0
    assert_same(parameters(tmp_path / "one", 6), parameters(whole, 6))
    lines = [[line for line in training.read_log(run) if line["event"] == "step"] for run in (tmp_path / "one", whole)]
    for one, two in zip(*lines):  # worker 0 logs the numbers of all
        for name in ("step", "loss", "iou", "gradient_norm"):
            assert two[name] == pytest.approx(one[name], rel=1e-3), name
    ours, theirs = (training.newest_checkpoint(run).state for run in (whole, tmp_path / "one"))
    assert ours["step"] == theirs["step"] == 6 and ours["batch"] == theirs["batch"]


@pytest.mark.slow
def test_resume_with_one_process_and_with_two_workers(data, whole, tmp_path):
    """Another number of workers goes on with the same numbers, up to rounding."""
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    options = ["--data", str(data), "--run", str(run), "--resume", "--threads", "1"]
    assert train.main([*options, "--steps", "8", "--kv-store", "local"]) == 0
    other = tmp_path / "other"
    shutil.copytree(whole, other)
    assert job(*arguments(data, other, "--resume", "--steps", "8")) == 0
    assert_same(parameters(run, 8), parameters(other, 8))


@pytest.mark.parametrize("model, options", [("gru_3", {}), ("lstm_3", {}), ("res3d_gru_3", {"accumulate": 2}),
                                            ("gru_1", {"accumulate": 2})])
def test_several_devices_give_the_gradients_of_one(data, model, options):
    loader = Loader(RecordDataset(data, "train"), batch_size=8, views=2, image_size=SIZE, threads=0)
    config = training.TrainingConfig.from_recipe(batch_size=8, image_size=SIZE, steps=9, clip=0.0, **options)
    found = []
    for contexts in ([mx.cpu(0)], [mx.cpu(0), mx.cpu(1)], [mx.cpu(number) for number in range(4)]):
        net = gluon_r2n2.get_model(model, width=1 / 16, input_size=SIZE, resolution=16)
        gluon_r2n2.initialise(net, contexts, 1)
        Updater(net, config, contexts).update(next(loader.epoch(0)), 1)
        found.append({name: [parameter.grad(context).asnumpy() for context in contexts]
                      for name, parameter in named_parameters(net).items()})
    for several in found[1:]:
        for name, (expected,) in found[0].items():
            for gradient in several[name]:
                assert np.abs(gradient - expected).max() <= 1e-5 * max(1, np.abs(expected).max()), name


@pytest.mark.slow
def test_over_ssh_and_with_batch_normalisation(data, tmp_path, capfd):
    """A script stands for ssh; each worker normalises its share, as each of two devices of one process does."""
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\necho "$1" >> "$0.hosts"\nshift\nexec sh -c "$1"\n')
    ssh.chmod(0o755)
    (tmp_path / "hosts").write_text("# two machines\n127.0.0.2 slots=1\nuser@127.0.0.3\n")
    # not Adam: biases before a normalisation have no gradient but noise, of which it makes whole steps
    options = ["--norm", "batch", "--model", "lstm_3", "--optimizer", "sgd", "--lr", "0.01", "--steps", "4",
               "--checkpoint-every", "2"]
    assert job(*arguments(data, tmp_path / "two", *options),
               flags=["--host-file", str(tmp_path / "hosts"), "--ssh", str(ssh)]) == 0
    assert sorted((tmp_path / "ssh.hosts").read_text().split()) == ["127.0.0.2", "127.0.0.2", "user@127.0.0.3"]

    two = [mx.cpu(0), mx.cpu(1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "contexts", lambda gpus: two)
        assert train.main([*arguments(data, tmp_path / "one", *options, "--kv-store", "local")[1:]]) == 0
    expected = parameters(tmp_path / "one", 4)
    assert any(name.endswith("running_var") for name in expected)
    assert_same(expected, parameters(tmp_path / "two", 4))


# every way it may end --------------------------------------------------------------------------------------

TRAIN = """
from gluon_r2n2_tools import train
update = training.Trainer._update
def changed(self, batch):
    {change}
    update(self, batch)
training.Trainer._update = changed
sys.exit(train.main(sys.argv[1:]))
"""


@pytest.mark.slow
def test_a_killed_worker_ends_the_job_and_resume_gives_the_same_bits(data, whole, tmp_path, capfd):
    dies = script(tmp_path, TRAIN.format(change="rank == 1 and self.step == 3 and os.kill(os.getpid(), 9)"))
    port, begun = free_port(), time.monotonic()
    code = job(dies, *arguments(data, tmp_path / "run", *LENGTH)[1:], flags=["--port", str(port)])
    assert code == 1 and time.monotonic() - begun < PATIENCE
    message = capfd.readouterr().err.splitlines()[-1]
    assert "worker 1 on localhost (pid " in message and "killed by SIGKILL" in message and "--resume" in message
    assert members(port) == {} and saved_steps(tmp_path / "run") == [2]
    assert job(*arguments(data, tmp_path / "run", "--resume")) == 0
    assert content(tmp_path / "run", 6) == content(whole, 6)


@pytest.mark.slow
@pytest.mark.parametrize("victim, name", [("server", "server 0"), ("scheduler", "scheduler")])
def test_a_killed_server_or_scheduler_ends_the_job(tmp_path, capfd, victim, name):
    work = script(tmp_path, """
exchange = distributed.connect("dist_sync")
while True:
    exchange.gather([rank])
    open(sys.argv[1], "w").close()
""")
    port, ready, begun = free_port(), tmp_path / "ready", time.monotonic()
    with when(ready.exists, lambda: os.kill(members(port)[victim], signal.SIGKILL)):
        code = job(work, str(ready), flags=["--port", str(port)])
    assert code == 1 and time.monotonic() - begun < PATIENCE
    message = capfd.readouterr().err.splitlines()[-1]
    assert f"{name} on localhost (pid " in message and "killed by SIGKILL" in message and "--resume" in message
    assert members(port) == {}


@pytest.mark.slow
def test_a_signal_stops_all_workers_after_the_same_step(data, tmp_path, capfd):
    run, port = tmp_path / "run", free_port()
    log = run / "log.jsonl"
    reports = script(tmp_path, TRAIN.format(change="open(sys.argv[4] + str(rank), 'w').write(str(self.step + 1))"))
    command = arguments(data, run, "--steps", "100000", "--checkpoint-every", "100000", "--validate-every", "0")[1:]
    with when(lambda: log.exists() and b'"step"' in log.read_bytes(), lambda: os.kill(os.getpid(), signal.SIGTERM)):
        assert job(reports, *command, flags=["--port", str(port)]) == 0
    (step,) = saved_steps(run)
    assert [Path(f"{run}{rank}").read_text() for rank in (0, 1)] == [str(step)] * 2
    out = capfd.readouterr().out
    assert f"interrupted after step {step}" in out and "-n 2 --port" in out and out.rstrip().endswith("--resume")
    assert members(port) == {}


@pytest.mark.slow
def test_numbers_that_are_not_finite_at_one_worker_stop_all(data, tmp_path, capfd):
    poisons = script(tmp_path, TRAIN.format(change="""if rank == 1 and self.step == 2:
        next(iter(self.net.collect_params().values())).data()[:] = np.nan"""))
    assert job(poisons, *arguments(data, tmp_path / "run", *LENGTH)[1:]) == 1
    lines = capfd.readouterr().err.splitlines()
    for rank in (0, 1):
        (line,) = [line for line in lines if line.startswith(f"[worker {rank}]") and "training stopped" in line]
        assert "step 3 is nan" in line and "/train" in line and ("step-00000002" in line or rank)
    assert saved_steps(tmp_path / "run") == [2]


@pytest.mark.slow
def test_workers_that_differ_are_named_before_the_first_step(data, tmp_path, capfd):
    other = make_data(tmp_path, train=5, val=2, test=1)
    differs = script(tmp_path, """
from gluon_r2n2_tools import train
if rank == 1:
    sys.argv[sys.argv.index("--data") + 1] = sys.argv[1]
    initialise = gluon_r2n2.initialise
    gluon_r2n2.initialise = lambda net, devices, seed: initialise(net, devices, seed + 1)
sys.exit(train.main(sys.argv[2:]))
""")
    assert job(differs, str(other), *arguments(data, tmp_path / "run", *LENGTH)[1:]) == 1
    err = capfd.readouterr().err
    assert "after step 0 worker 1 has another data set and another parameters than the others" in err
    assert saved_steps(tmp_path / "run") == []


def test_a_dry_run_of_a_job_checks_its_shares_and_tells_once(data, tmp_path, monkeypatch, capsys):
    """Without the job: each worker looks at its own place in it."""
    monkeypatch.setenv("DMLC_ROLE", "worker")
    monkeypatch.setenv("DMLC_PS_ROOT_URI", "127.0.0.1")
    monkeypatch.setenv("DMLC_NUM_WORKER", "2")
    told = []
    for rank in ("0", "1"):
        monkeypatch.setenv("DMLC_TASK_ID", rank)
        assert train.main([*arguments(data, tmp_path / "run", "--dry-run", "--memory-report")[1:]]) == 0
        told.append(capsys.readouterr().out)
    assert "batches of 4 objects, 2 at a time on each of 2 workers" in told[0] and told[1] == ""
    assert "memory plan, MiB: 2 objects with 2 views" in told[0]
    assert train.main([*arguments(data, tmp_path / "run", "--dry-run", "--batch-size", "5")[1:]]) == 2
    assert "a batch of 5 cannot be shared equally by 2 workers" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_vectors_arrive_bit_for_bit_and_an_error_in_one_worker_ends_the_job(tmp_path, capfd):
    """With compression, which lets only multiples of its threshold through."""
    work = script(tmp_path, """
exchange = distributed.connect("dist_device_sync", compress=0.1)
assert (exchange.rank, exchange.size) == (rank, 2)
for length in (3, 1, 3):
    rows = exchange.gather(np.arange(length) / 3 - rank)
    expected = np.stack([np.arange(length) / 3 - other for other in (0, 1)]).astype(np.float32)
    np.testing.assert_array_equal(rows, expected)
assert not exchange.stopping(rank == 1)
assert exchange.stopping(False)
assert not exchange.stopping(False)
print("all is well", flush=True)
exchange.gather([0])
if rank == 1:
    raise RuntimeError("made for the test")
exchange.gather([0, 1])
""")
    assert job(work) == 1
    out, err = capfd.readouterr()
    assert "[worker 0] all is well" in out and "[worker 1] all is well" in out
    assert "[worker 1] RuntimeError: made for the test" in err.splitlines()
    assert "worker 1 on localhost" in err.splitlines()[-1] and "exit code 1" in err.splitlines()[-1]


@pytest.mark.slow
def test_rounds_stay_apart_when_nobody_waits_for_them(tmp_path, capfd):
    """Scores and sums of many updates on their way at once, one worker ahead of the other."""
    work = script(tmp_path, """
import types, mxnet as mx
exchange = distributed.connect("dist_sync")
gradient = mx.nd.zeros((50, 40))
parameter = types.SimpleNamespace(grad_req="write", list_grad=lambda: [gradient])
optimiser = types.SimpleNamespace(_params=[parameter])
def scores(step, rank):
    return np.array([[10 * step + rank], [step + rank / 4]], np.float32)
found = []
for step in range(400):
    gradient[:] = step + rank
    every, = exchange.sum_gradients(optimiser, [mx.nd.array(scores(step, rank))])
    found.append((every, gradient.mean()))
    exchange.stopping(False)
    if rank == 0 and step % 50 == 0:
        time.sleep(0.05)
for step, (every, mean) in enumerate(found):
    np.testing.assert_array_equal(every.asnumpy(), np.concatenate([scores(step, 0), scores(step, 1)], axis=1))
    assert mean.asscalar() == 2 * step + 1
print("all is well", flush=True)
exchange.close()
""")
    assert job(work) == 0
    out = capfd.readouterr().out
    assert "[worker 0] all is well" in out and "[worker 1] all is well" in out


def test_nothing_outlives_a_launcher_that_is_killed(tmp_path):
    port = free_port()
    command = [str(ROOT / "tools" / "launch.py"), "-n", "1", "--port", str(port), "--", "sleep", "600"]
    launcher = subprocess.Popen([sys.executable, *command])
    wait_until(lambda: sorted(members(port)) == ["scheduler", "server", "worker 0"])
    launcher.kill()
    launcher.wait()
    wait_until(lambda: not members(port))


# the parts -------------------------------------------------------------------------------------------------

def guarded(command, silence=None):
    started = subprocess.Popen([sys.executable, guard.__file__], text=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    order = {"command": command, "folder": "/", "silence": silence,
             "environment": {"DMLC_PS_ROOT_URI": "127.0.0.1", "DMLC_PS_ROOT_PORT": "9", "PORT": "80"}}
    started.stdin.write(json.dumps(order) + "\n")
    started.stdin.flush()
    return started


@pytest.mark.parametrize("end, words", [
    (lambda started: started.stdin.close(), "exit -9"),
    (lambda started: (started.stdin.write("SIGTERM\n"), started.stdin.flush()), "exit -15"),
    (lambda started: None, "exit -9"),  # silence
])
def test_a_guard_ends_its_process_and_says_how(end, words):
    started = guarded(["sh", "-c", 'echo "$PORT $DMLC_NODE_HOST"; sleep 600'], silence=1.5)
    of_guard, printed = sorted(started.stdout.readline() for _ in range(2))  # they come in any order
    assert printed == " 127.0.0.1\n"  # PORT, at which all servers would listen, is taken out
    pid = int(of_guard.strip(guard.MARK + "\n").split()[1])
    end(started)
    assert started.stdout.read() == f"{guard.MARK}{words}\n"
    assert started.wait() == 0
    assert not living(pid)
    started.stdin.close()
    started.stdout.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process with its parent")
def test_a_process_does_not_outlive_its_guard():
    started = guarded(["sleep", "600"])
    pid = int(started.stdout.readline().strip(guard.MARK + "\n").split()[1])
    started.kill()
    assert started.wait() == -9 and started.stdout.read() == ""
    wait_until(lambda: not living(pid))
    started.stdin.close()
    started.stdout.close()


def test_places(tmp_path):
    file = tmp_path / "hosts"
    file.write_text("# ours\nalpha slots=3\n\n  beta   slots=1  # small\nme@gamma.example\n")
    machines = hosts.read_hosts(file)
    assert [(host.name, host.slots) for host in machines] == [("alpha", 3), ("beta", 1), ("me@gamma.example", None)]
    assert hosts.place(machines, 6) == ["alpha", "beta", "me@gamma.example", "alpha", "me@gamma.example", "alpha"]
    assert hosts.place(machines, 8)[6:] == ["me@gamma.example"] * 2
    with pytest.raises(ModelError, match="slots for 4 workers, 5 are wanted"):
        hosts.place(machines[:2], 5)
    assert hosts.is_here("localhost") and hosts.is_here(socket.gethostname()) and not hosts.is_here("alpha")
    address, port = hosts.meeting_point(["localhost"], address=None, port=None)
    assert address == "127.0.0.1" and port > 1023
    assert hosts.meeting_point(["x@127.0.0.5"], address=None, port=None)[0].startswith("127.")


@pytest.mark.parametrize("flags, words", [
    ([], "wants -- and then the command"), (["--"], "wants -- and then the command"),
    (["-n", "0", "--", "x"], "at least 1, got '0'"), (["--server", "2", "--", "x"], "did you mean '--servers'"),
    (["--env", "R2N2_NO_SUCH", "--", "x"], "R2N2_NO_SUCH is not set"), (["--ssh", "", "--", "x"], "--ssh: wants"),
    (["--port", "99999", "--", "x"], "from 1 to 65535"),
    (["--scheduler-host", "203.0.113.1", "--", "x"], "cannot wait at 203.0.113.1"),
    (["--host-file", "hosts", "--", "x"], "hosts, line 2: wants a host and perhaps slots=N, got 'b slots=0'"),
    (["--host-file", "absent", "--", "x"], "absent: no such file"),
    (["--host-file", "empty", "--", "x"], "empty: names no host"),
    (["--host-file", "twice", "--", "x"], "twice, line 2: a is there already"),
])
def test_what_the_launcher_refuses(tmp_path, monkeypatch, capsys, flags, words):
    monkeypatch.chdir(tmp_path)
    for name, text in (("hosts", "a\nb slots=0\n"), ("empty", "# none\n"), ("twice", "a\na slots=2\n")):
        Path(name).write_text(text)
    try:
        code = launch.main(["-n", "2", *flags])
    except SystemExit as stop:
        code = stop.code
    message = capsys.readouterr().err
    assert code == 2 and words in message and message.count("\n") == 1, message


@pytest.mark.parametrize("role, flags, words", [
    (None, ["--kv-store", "dist_sync"], "tools/launch.py -n 2 -s 1"), (None, ["--kv-store", "dist_sink"], "dist_sync"),
    (None, ["--compress-gradients", "0.5"], "leave it out"), ("worker", [], "give --kv-store dist_sync"),
])
def test_workers_without_a_job_and_jobs_without_a_store(data, tmp_path, monkeypatch, capsys, role, flags, words):
    if role:
        monkeypatch.setenv("DMLC_ROLE", role)
    try:
        code = train.main(["--data", str(data), "--run", str(tmp_path / "run"), *SMALL, *flags])
    except SystemExit as stop:
        code = stop.code
    message = capsys.readouterr().err
    assert code == 2 and words in message and message.count("\n") == 1, message
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_a_host_that_cannot_be_reached(tmp_path, capfd):
    (tmp_path / "hosts").write_text("127.0.0.9\n")
    assert job("true", flags=["--host-file", str(tmp_path / "hosts"), "--ssh", "false"]) == 1
    assert "on 127.0.0.9 could not be started (false ended with exit code 1)" in capfd.readouterr().err.splitlines()[-1]
    assert process.SILENCE > 2 * process.BEAT
