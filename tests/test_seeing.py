"""Seeing a run: its log, TensorBoard's files, provenance, the lock, files of options, and --dry-run."""
from __future__ import annotations

import dataclasses
import errno
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

import cv2
import mxnet as mx
import numpy as np
import pytest
import yaml
from tiny_data import SIZE, SYNSETS

import gluon_r2n2
from gluon_r2n2 import ModelError, training
from gluon_r2n2.evaluation import evaluate
from gluon_r2n2.metrics import THRESHOLDS
from gluon_r2n2.training.runs import lock as locks
from gluon_r2n2.training.runs.provenance import git_revision
from gluon_r2n2.training.runs.tensorboard import TensorBoard
from gluon_r2n2.training.schedule import learning_rate
from gluon_r2n2_tools import config_file, pictures, train, train_options, train_setup
from recordio.errors import DataError
from recordio.loading import RECIPES, Loader, RecordDataset

ROOT = Path(__file__).resolve().parent.parent
SMALL = ["--width", "0.0625", "--image-size", str(SIZE), "--batch-size", "4", "--views", "1-3", "--seed", "1",
         "--log-every", "2", "--threads", "1", "--norm", "batch"]


def run_tool(data, run, *more):
    return train.main(["--data", str(data), "--run", str(run), *more])


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """Six steps with validation, then two more."""
    run = tmp_path_factory.mktemp("seeing") / "run"
    assert run_tool(data, run, *SMALL, "--steps", "6", "--validate-every", "3") == 0
    assert run_tool(data, run, "--resume", "--steps", "8") == 0
    return run


def tree(folder):
    return {path: path.read_bytes() if path.is_file() else None for path in sorted(Path(folder).rglob("*"))}


# the log ---------------------------------------------------------------------------------------

def test_starts_say_where_the_run_comes_from(run):
    starts = [event for event in training.read_log(run) if event["event"] in ("start", "resume")]
    assert [event["event"] for event in starts] == ["start", "resume"]
    assert starts[1]["step"] == 6 and starts[1]["checkpoint"] == "step-00000006"
    for event in starts:
        assert event["version"] == gluon_r2n2.__version__ and event["devices"] == "the CPU" and event["threads"] > 0
        assert event["packages"]["mxnet"] == mx.__version__ and event["packages"]["numpy"] == np.__version__
        assert event["packages"]["opencv-python"] and event["python"] == sys.version.split()[0]
        assert event["host"] == os.uname().nodename and event["command"] and event["pid"] == os.getpid()
    told = json.loads((run / "environment.json").read_text())
    assert told == {name: value for name, value in starts[1].items() if name not in ("event", "step", "checkpoint")}


def test_the_iou_by_class_is_logged(run, data):
    """Against the network of that step, measured here object by object."""
    event = [each for each in training.read_log(run) if each["event"] == "validation"][-1]
    net, _ = training.load_network(run / "checkpoints" / f"step-{event['step']:08d}")
    held_out = RecordDataset(data, "val")
    loader = Loader(held_out, batch_size=4, views=3, seed=1, image_size=SIZE, shuffle=True, drop_last=False, threads=0,
                    augmentation=RECIPES["modern"][1])
    result = evaluate(net, loader.epoch(0), contexts=[mx.cpu()], views=(1, 3), thresholds=THRESHOLDS, batch_size=4)
    iou = result.iou()[:, 1, THRESHOLDS.index(event["threshold"])]
    assert event["by_class"] == {synset: pytest.approx(iou[[each == synset for each in result.synsets]].mean())
                                 for synset in SYNSETS}


def test_a_line_cut_off_by_a_kill_harms_no_other(tmp_path):
    log = training.RunLog(tmp_path)
    log.write("step", 1, loss=0.5)
    with open(tmp_path / "log.jsonl", "a") as handle:
        handle.write('{"event": "step", "st')
    log = training.RunLog(tmp_path)
    log.write("step", 2, loss=0.25)
    assert [event["step"] for event in training.read_log(tmp_path)] == [1, 2]
    assert (tmp_path / "log.jsonl").read_text().splitlines()[1:] == [
        '{"event": "step", "st', '{"event": "step", "step": 2, "loss": 0.25}']


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_costs_no_line_of_the_log(tmp_path, caplog):
    """/dev/full fails as a full disk does; afterwards all lines are there, in order."""
    log = training.RunLog(tmp_path)
    log.write("step", 1)
    kept = (tmp_path / "log.jsonl").rename(tmp_path / "kept")
    os.symlink("/dev/full", tmp_path / "log.jsonl")
    for step in (2, 3, 4):
        log.write("step", step)
    assert caplog.text.count("cannot be written") == 1 and "No space left" in caplog.text
    (tmp_path / "log.jsonl").unlink()
    kept.rename(tmp_path / "log.jsonl")
    log.write("step", 5)
    assert [event["step"] for event in training.read_log(tmp_path)] == [1, 2, 3, 4, 5]
    assert "can be written again" in caplog.text


def test_lines_in_memory_are_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("gluon_r2n2.training.runs.log.WAITING", 3)
    log = training.RunLog(tmp_path / "absent")
    for step in range(10):
        log.write("step", step)
    (tmp_path / "absent").mkdir()
    log.write("step", 10)
    assert [event["step"] for event in training.read_log(tmp_path / "absent")] == [8, 9, 10]


# TensorBoard -----------------------------------------------------------------------------------

def crc32c(content):
    """CRC-32C bit by bit, from its polynomial."""
    crc = 0xFFFFFFFF
    for byte in content:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(content):
    crc = crc32c(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def events_of(path, *, whole=True):
    """The events of one file: length, its CRC, the event, its CRC (only checked where that is short)."""
    from tensorboardX.proto import event_pb2

    content, place, events = path.read_bytes(), 0, []
    while place < len(content):
        length, check = struct.unpack_from("<QI", content, place)
        assert check == masked(content[place:place + 8])
        body = content[place + 12:place + 12 + length]
        (check,) = struct.unpack_from("<I", content, place + 12 + length)
        assert len(body) > 4000 or check == masked(body)
        events.append(event_pb2.Event.FromString(body))
        place += 16 + length
    return events


def curves_of(run):
    """Tag -> {step: number or picture}, as TensorBoard shows them: a start forgets what came at its step or later."""
    curves = {}
    for path in sorted((run / "tensorboard").iterdir()):
        first, *events = events_of(path)
        assert first.file_version == "brain.Event:2"
        for event in events:
            if event.HasField("session_log"):
                assert event.session_log.status == event.session_log.START
                for points in curves.values():
                    for step in [step for step in points if step >= event.step]:
                        del points[step]
            for value in event.summary.value:
                points = curves.setdefault(value.tag, {})
                assert event.step not in points, f"{value.tag}: two values at step {event.step}"
                points[event.step] = (value.simple_value if value.HasField("simple_value") else
                                      cv2.imdecode(np.frombuffer(value.image.encoded_image_string, np.uint8), 1))
    return curves


def test_the_curves_are_the_log(run):
    curves, log = curves_of(run), training.read_log(run)
    steps = {event["step"]: event for event in log if event["event"] == "step"}
    for name in ("loss", "iou", "learning_rate", "gradient_norm", "clipped", "samples_per_second", "data_wait"):
        assert curves[f"training/{name}"] == {step: pytest.approx(event[name]) for step, event in steps.items()}
    scores = {event["step"]: event for event in log if event["event"] == "validation"}
    assert sorted(scores) == [3, 6, 8]
    for name in ("best_iou", "threshold"):
        assert curves[f"validation/{name}"] == {step: pytest.approx(event[name]) for step, event in scores.items()}
    for tag, count in (("iou_1_view", "1"), ("iou_3_views", "3")):
        assert curves[f"validation/{tag}"] == {step: pytest.approx(event["iou"][count])
                                               for step, event in scores.items()}
    for synset, name in SYNSETS.items():
        assert curves[f"iou_by_class/{name}_{synset}"] == {step: pytest.approx(event["by_class"][synset])
                                                           for step, event in scores.items()}


def test_the_pictures_show_the_same_objects_every_time(run):
    shown = curves_of(run)["validation/objects"]
    assert sorted(shown) == [3, 6, 8]
    first, last = shown[3], shown[8]
    assert first.shape == last.shape and first.shape[0] > 5 * 160  # six objects
    assert first.std() > 20  # not blank
    tile = first.shape[1] // 3
    assert (first[:, :tile] == last[:, :tile]).all()  # what the network saw
    assert (first[:, -tile:] == last[:, -tile:]).all()  # the truth
    assert (first[:, tile:-tile] != last[:, tile:-tile]).any()  # the prediction


def test_a_picture_of_an_example():
    """Blue on the left is what was predicted, green on the right the truth."""
    truth = np.zeros((8, 8, 8), bool)
    truth[2:6, 2:6, 2:6] = True
    example = training.validation.Example("1/chair7", np.full((32, 32, 3), (200, 10, 20), np.uint8), 3,
                                          truth.astype(np.float32) * 0.6, truth)
    picture = pictures.beside_truth([example], {"1": "chair"}, threshold=0.5)
    tile = picture.shape[1] // 3
    seen, predicted, true = (picture[40:, place * tile:(place + 1) * tile].astype(int).reshape(-1, 3)
                             for place in range(3))
    assert (seen == (200, 10, 20)).all(axis=1).mean() > 0.5
    assert (predicted[:, 2] - predicted[:, 1] > 20).mean() > 0.1 and (true[:, 1] - true[:, 2] > 20).mean() > 0.1


def test_repeated_steps_after_a_kill_appear_once(tmp_path):
    for start, steps in ((0, (2, 4, 6, 8)), (4, (6, 8, 10))):
        log = training.RunLog(tmp_path, board=TensorBoard(tmp_path, class_names={}))
        log.start(start, f"step-{start:08d}" if start else None)
        for step in steps:
            log.write("step", step, loss=float(10 * start + step))
    assert curves_of(tmp_path)["training/loss"] == {2: 2, 4: 4, 6: 46, 8: 48, 10: 50}


def test_without_tensorboard_nothing_of_it_is_made(data, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)  # an import fails, as if it were not installed
    assert run_tool(data, tmp_path / "run", *SMALL, "--steps", "1", "--no-tensorboard") == 0
    assert not (tmp_path / "run" / "tensorboard").exists() and (tmp_path / "run" / "log.jsonl").exists()


def test_curves_that_cannot_be_written_cost_one_warning(tmp_path, caplog):
    (tmp_path / "tensorboard").write_text("a file where the folder should be")
    board = TensorBoard(tmp_path, class_names={})
    for step in range(1, 5):
        board.write("step", step, {"loss": 1.0})
    assert caplog.text.count("cannot be written") == 1
    (tmp_path / "tensorboard").unlink()
    board.write("step", 5, {"loss": 2.0})
    assert curves_of(tmp_path) == {"training/loss": {5: 2.0}}
    shutil.rmtree(tmp_path / "tensorboard")  # as somebody does who wants to see new curves only
    board.write("step", 6, {"loss": 3.0})
    assert curves_of(tmp_path) == {"training/loss": {6: 3.0}}


@pytest.mark.slow
def test_a_disk_that_fills_up_in_the_middle_of_an_event(tmp_path):
    """A limit on the size of files lets a part through, as a disk with a few bytes left does; no part may stay.

    Of the log nothing is lost; of TensorBoard's files the event, but not those after it.
    """
    program = f"""
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, {str(ROOT)!r})
from gluon_r2n2 import training
assert "tensorboardX" not in sys.modules  # before it is used
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
run = Path({str(tmp_path)!r})
log = training.RunLog(run, board=training.TensorBoard(run, class_names={{}}))
log.write("step", 1, loss=1.0)
log.write("note", 1, text="x" * 400)  # now the log is the longer one by far
log.write("step", 2, loss=2.0)
(curves,) = (run / "tensorboard").iterdir()
for path in (run / "log.jsonl", curves):
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 9, resource.RLIM_INFINITY))
    before = path.stat().st_size
    log.write("step", 3 + (path == curves), loss=3.0 + (path == curves))
    assert path.stat().st_size == before
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.write("step", 5, loss=5.0)
"""
    told = subprocess.run([sys.executable, "-c", program], check=True, timeout=60, stderr=subprocess.PIPE, text=True)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if line["event"] == "step"] == [1, 2, 3, 4, 5]
    assert curves_of(tmp_path) == {"training/loss": {1: 1.0, 2: 2.0, 3: 3.0, 5: 5.0}}
    assert told.stderr.count("File too large") == 2


def test_a_picture_that_fails_is_the_last(tmp_path, caplog):
    class Score:
        examples = (1,)

    calls = []

    def draw(score):
        calls.append(score)
        raise RuntimeError("no pen")

    board = TensorBoard(tmp_path, class_names={}, draw=draw)
    board.examples(1, Score())
    board.examples(2, Score())
    assert len(calls) == 1 and "no pen" in caplog.text


# provenance ------------------------------------------------------------------------------------

@pytest.mark.skipif(shutil.which("git") is None, reason="no git here")
def test_the_git_revision_and_whether_files_differ(tmp_path):
    def git(*command):
        return subprocess.run(["git", "-C", str(tmp_path), "-c", "user.name=n", "-c", "user.email=e@f", *command],
                              check=True, stdout=subprocess.PIPE).stdout.decode().strip()

    assert git_revision(tmp_path) is None
    git("init", "-q")
    assert git_revision(tmp_path) is None  # no commit yet
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-q", "-m", "first")
    assert git_revision(tmp_path) == {"revision": git("rev-parse", "HEAD"), "dirty": False}
    (tmp_path / "file").write_text("2")
    assert git_revision(tmp_path)["dirty"] is True


def test_without_git_there_is_no_revision(tmp_path, monkeypatch):
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_revision(tmp_path) is None


# the lock --------------------------------------------------------------------------------------

HOLD = f"""
import sys, time
sys.path.insert(0, {str(ROOT)!r})
from gluon_r2n2 import training
from pathlib import Path
with training.only_writer(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds the lock of tmp_path/run."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_a_second_writer_is_refused_and_told_who_the_first_is(holder, tmp_path):
    with pytest.raises(ModelError) as error, training.only_writer(tmp_path / "run"):
        pass
    assert f"process {holder.pid} on {os.uname().nodename}, since 20" in str(error.value)
    assert "--run" in str(error.value)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_lock_of_a_killed_process_is_free(holder, tmp_path, number):
    holder.send_signal(number)
    holder.wait(timeout=30)
    with training.only_writer(tmp_path / "run"):
        held = json.loads((tmp_path / "run" / ".lock").read_text())
    assert held["pid"] == os.getpid()
    with training.only_writer(tmp_path / "run"):  # and given back at the end
        pass


def test_training_into_a_folder_in_use_is_refused(data, run, capsys):
    before = tree(run)
    with training.only_writer(run):
        assert run_tool(data, run, "--resume", "--steps", "9") == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and f"process {os.getpid()}" in message
    assert run_tool(data, run, "--resume", "--dry-run") == 0  # readers need no lock
    training.load_network(run)
    before[run / ".lock"] = (run / ".lock").read_bytes()
    assert tree(run) == before


def test_a_new_run_into_a_folder_in_use_is_refused(data, tmp_path, capsys):
    with training.only_writer(tmp_path / "run"):
        assert run_tool(data, tmp_path / "run", *SMALL, "--steps", "1") == 2
        assert f"process {os.getpid()}" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "run").iterdir()] == [".lock"]


def test_a_file_system_without_locks_is_warned_of(tmp_path, monkeypatch, caplog):
    def flock(handle, how):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(locks.fcntl, "flock", flock)
    with training.only_writer(tmp_path / "run"):
        pass
    assert "has no locks" in caplog.text and len(caplog.records) == 1


def test_a_lock_file_with_anything_in_it_hinders_nobody(tmp_path):
    (tmp_path / ".lock").write_bytes(b"\xff{nonsense")
    assert locks._holder(tmp_path / ".lock") == "another process"
    with training.only_writer(tmp_path):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()


# files of options ------------------------------------------------------------------------------

def parse(*argv):
    return train_options.parse(["--data", "D", "--run", "R", *map(str, argv)], description="")


def write(tmp_path, text):
    path = tmp_path / "options.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_file_of_options_is_as_good_as_flags(tmp_path):
    path = write(tmp_path, """
# of all kinds
batch_size: 4
views: 1-3            # neither a date nor a difference
lr: 1e-3              # a text to PyYAML
clip: 0
norm: none
schedule: "poly"
classes: [chair, 02828884]
pretrained-backbone: yes
tensorboard-comment:
""".replace("tensorboard-comment:\n", "hidden:\nloss-limit: null\n"))
    options, given = parse("--config", path)
    assert (options.batch_size, options.views, options.learning_rate) == (4, (1, 3), 0.001)
    assert (options.clip, options.norm, options.schedule) == (0, "none", "poly")
    assert options.classes == ["chair", "02828884"]  # no octal number
    assert options.pretrained_backbone is True and options.hidden is None and options.loss_limit is None
    assert given == {"data", "run", "config", "batch_size", "views", "learning_rate", "clip", "norm", "schedule",
                     "classes", "pretrained_backbone"}


@pytest.mark.parametrize("text, more, name, value", [
    ("batch-size: 4", ["--batch-size", "8"], "batch_size", 8),
    ("batch-size: 4", ["--batch-size=8"], "batch_size", 8),
    ("classes: [chair]", ["--classes", "bench", "lamp"], "classes", ["bench", "lamp"]),
    ("freeze: [encoder, '*.bias']", [], "freeze", ("encoder", "*.bias")),
    ("freeze: [encoder]", ["--freeze", "decoder"], "freeze", ("decoder",)),  # not both
    ("classes: chair", [], "classes", ["chair"]),
    ("steps: 4", ["--epochs", "2"], "epochs", 2),
    ("epochs: 4", ["--steps", "2"], "steps", 2),
    ("no-tensorboard: true", [], "tensorboard", False),
    ("no-tensorboard: false", [], "tensorboard", True),
    ("gpus: 0,1", [], "gpus", "0,1"),
    ("seed: 0o17", None, "seed", "got '0o17'"),  # None: refused
    ("views: 1:5", None, "views", "got '1:5'"),  # not the number 65
    ("init-from: other\npretrained_backbone: true", ["--resume"], "init_from", None),
    ("weight-decay: 1_0", None, "weight-decay", ""),
], ids=str)
def test_single_options_of_a_file(tmp_path, text, more, name, value):
    path = write(tmp_path, text)
    if more is None and value:
        with pytest.raises(DataError, match=name) as error:
            parse("--config", path)
        assert value in str(error.value)
    else:
        assert more is None or getattr(parse("--config", path, *more)[0], name) == value


BAD = {
    "batch-sise: 4": "line 1: unknown option 'batch-sise' (did you mean 'batch-size'?)",
    "steps: 3\nlearning_rate: 1": "line 2: unknown option 'learning-rate' (did you mean 'lr'?)",
    "config: other.yaml": "unknown option 'config'",
    "steps: many": "line 1: argument --steps: wants an integer of at least 1, got 'many'",
    "steps: 2.0": "wants an integer of at least 1, got '2.0'",
    "steps: true": "wants an integer of at least 1, got 'true'",
    "\nviews: 5-1": "line 2: argument --views: wants a number of views or a range like 1-5, got '5-1'",
    "model: res3d_gru3": "--model: unknown value 'res3d_gru3' (did you mean 'res3d_gru_3'?)",
    "norm: no": "--norm: unknown value 'no'",
    "steps: [1, 2]": "--steps wants one value, got a list of 2",
    "steps: {a: 1}": "line 1: steps wants a value, got a mapping",
    "classes: []": "--classes wants values",
    "classes: [a, [b]]": "--classes wants values",
    "classes: [a, null]": "--classes wants values",
    "pretrained-backbone: perhaps": "--pretrained-backbone wants true or false, got 'perhaps'",
    "steps: 1\nepochs: 2": "gives both steps and epochs",
    "steps: 1\nseed: 2\nsteps: 3": "line 3: steps is given a second time, first in line 1",
    "batch-size: 1\nbatch_size: 1": "line 2: batch_size is given a second time",
    "": "holds no option",
    "# nothing\n": "holds no option",
    "null": "wants options by name",
    "- steps: 3": "line 1: wants options by name, as `batch-size: 8`, got a list",
    "steps 3": "wants options by name, as `batch-size: 8`, got a single value",
    "? [a]\n: 3": "line 1: wants the name of an option, got a list",
    "steps: 3\n  seed: 4": "line 2: is no valid YAML",
    "steps: [3": "is no valid YAML",
    "steps: 'x": "is no valid YAML",
    "\tsteps: 3": "is no valid YAML",
    "steps: 3\n---\nseed: 4": "is no valid YAML",
    "run: !!python/object/apply:os.system ['true']": "line 1: is no valid YAML",
    "seed: *other": "is no valid YAML",
    "classes: &a [*a]": "is no valid YAML",
    "classes: " + 3000 * "[" : "nested too deeply",
    b"\xff\xfe\x00": "is no text",
    b"steps: \x01": "is no text",
    b"steps: \xe9": "is no text",
}


@pytest.mark.parametrize("text", BAD, ids=[f"{text[:30]!r}" for text in BAD])
def test_a_bad_file_is_one_sentence(tmp_path, capsys, text):
    path = write(tmp_path, text)
    assert train.main(["--data", "D", "--run", str(tmp_path / "run"), "--config", str(path)]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and f"{path}" in message and BAD[text] in message
    assert not (tmp_path / "run").exists()


def test_a_missing_file_is_one_sentence(tmp_path, capsys):
    for path in (tmp_path / "absent.yaml", tmp_path):
        assert train.main(["--data", "D", "--run", "R", "--config", str(path)]) == 2
        message = capsys.readouterr().err
        assert message.count("\n") == 1 and str(path) in message


def test_config_yaml_repeats_the_run(data, run, tmp_path):
    """Bit for bit; and every flag is in it, so none added later can be forgotten."""
    assert run_tool(data, tmp_path / "one", *SMALL, "--steps", "2", "--clip", "0", "--weight-decay", "1e-5",
                    "--classes", "chair", "--optimizer", "sgd", "--validate-every", "0", "--no-tensorboard") == 0
    path = tmp_path / "one" / "config.yaml"
    assert train.main(["--config", str(path), "--run", str(tmp_path / "two")]) == 0
    one, two = (tmp_path / name / "checkpoints" / "step-00000002" for name in ("one", "two"))
    assert {each.name: each.read_bytes() for each in one.iterdir()} == {
        each.name: each.read_bytes() for each in two.iterdir()}
    written = yaml.safe_load(path.read_text())
    assert written["run"] == str(tmp_path / "one") and written["classes"] == ["chair"] and written["lr"] == 0.1
    again = yaml.safe_load((tmp_path / "two" / "config.yaml").read_text())
    assert {**again, "run": written["run"]} == written
    assert train.main(["--config", str(path), "--resume", "--steps", "3"]) == 0  # goes on with the run itself


def test_config_yaml_survives_a_resume(data, run, tmp_path):
    """Whatever was given at the start is there after a resume that names none of it."""
    weights = ["--init-from", str(run), "--seed", "7"]
    assert run_tool(data, tmp_path / "run", *SMALL, "--steps", "1", *weights) == 0
    before = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert before["init-from"] == str(run) and before["seed"] == 7
    assert run_tool(data, tmp_path / "run", "--resume", "--steps", "2", "--threads", "1") == 0
    assert yaml.safe_load((tmp_path / "run" / "config.yaml").read_text()) == {**before, "steps": 2}


def test_every_option_of_a_run_is_written_and_read_back(tmp_path):
    """With a value that is not the default, for every flag that decides what is trained."""
    options, _ = parse("--gpus", "0", "--threads", "3")
    config = training.TrainingConfig(optimizer="adam", learning_rate=3e-7, schedule="poly", weight_decay=0.0, clip=0.0,
                                     loss_limit=1.5, steps=7, batch_size=3, views=(2, 2), image_size=64, seed=5,
                                     classes=("chair", "02828884"), checkpoint_every=2, validate_every=0,
                                     validate_samples=9, log_every=4, keep=1, warmup=0.25, final_lr=0.5, ema=0.875,
                                     lr_mult=("encoder=0.1", "*.bias=2"), freeze=("decoder", "*.gamma"), accumulate=3,
                                     dtype="float16", recompute=True)
    assert {field.name for field in dataclasses.fields(config)} == {*train_options.TRAINING_FLAGS, "recipe"}
    model = gluon_r2n2.model_config("lstm_1", width=0.5, hidden=24, norm="batch", leak=0.0, upsample="deconv",
                                    input_size=64)
    config_file.write(tmp_path / "config.yaml", train_options.complete(options, model, config))
    read, given = train_options.parse(["--config", str(tmp_path / "config.yaml")], description="")
    numbers = (None, 100, training.TrainingConfig, train_options.TRAINING_FLAGS)
    assert train_setup.training_config(read, given, *numbers) == config
    # and what does not go with those
    stepped = training.TrainingConfig(schedule="step", lr_drops=(3, 4), lr_drop_factor=0.5, adversarial=0.125)
    config_file.write(tmp_path / "steps.yaml", train_options.complete(options, model, stepped))
    assert train_setup.training_config(*train_options.parse(["--config", str(tmp_path / "steps.yaml")], description=""),
                                       *numbers) == stepped
    assert train_setup.model_config(read, given, None, 32) == model
    assert (read.gpus, read.threads, read.data) == ("0", 3, Path("D").resolve())


# --dry-run -------------------------------------------------------------------------------------

def test_a_dry_run_shows_the_run_and_writes_nothing(data, tmp_path, capsys):
    before = tree(tmp_path)
    assert run_tool(data, tmp_path / "run", *SMALL, "--steps", "40", "--lr", "0.003", "--dry-run") == 0
    text = capsys.readouterr().out
    assert tree(tmp_path) == before
    net = gluon_r2n2.get_model("res3d_gru_3", width=1 / 16, norm="batch", input_size=SIZE, resolution=16)
    gluon_r2n2.initialise(net, mx.cpu(), 0)
    count = sum(each.data().size for each in net.collect_params().values() if each.grad_req != "null")
    sizes = [int(line.split()[1].replace(",", "")) for line in text.splitlines()
             if line.split()[:1] in (["encoder"], ["projection"], ["cell"], ["decoder"])]
    assert len(sizes) == 4 and sum(sizes) == count and f"{count / 1e6:.2f} million parameters that learn" in text
    assert "res3d_gru_3 (Res3D-GRU-3), width 0.0625" in text and f"{SIZE}x{SIZE} pixels -> 16x16x16 voxels" in text
    table = [line.split() for line in text.splitlines()]
    assert ["class", "train", "val", "test"] in table
    assert ["bench", "12", "3", "5"] in table and ["chair", "12", "3", "5"] in table
    assert RecordDataset(data).fingerprint[:16] in text
    assert "an epoch is 6 batches" in text and "steps 1 to 40, 6.7 epochs" in text
    config = training.TrainingConfig.from_recipe(steps=40, learning_rate=0.003)
    for step in (1, 2, 40):
        assert ["step", str(step), f"{learning_rate(config, step):.2e}"] in [line[:3] for line in table]
    assert "the CPU" in text and str(tmp_path / "run") in text and "nothing was written" in text


def test_the_size_of_a_checkpoint_is_foretold(data, run, capsys):
    assert run_tool(data, run, "--resume", "--dry-run") == 0
    told = float(capsys.readouterr().out.split("steps, about ")[1].split(" MB")[0])
    folder = run / "checkpoints" / "step-00000008"
    assert told == pytest.approx(sum(path.stat().st_size for path in folder.iterdir()) / 1e6, rel=0.1)


def test_a_dry_run_of_a_resume_says_from_where_and_what_differs(data, run, capsys):
    before = tree(run)
    assert run_tool(data, run, "--resume", "--steps", "20", "--keep", "5", "--dry-run") == 0
    text = capsys.readouterr().out
    assert "step-00000008, step 8" in text and "steps: 8 -> 20" in text and "keep: 3 -> 5" in text
    assert "steps 9 to 20" in text
    assert run_tool(data, run, "--resume", "--dry-run") == 0
    assert "with the options that it was started with" in capsys.readouterr().out
    assert run_tool(data, run, "--resume", "--lr", "0.5", "--dry-run") == 2
    assert "learning_rate was 0.001 and is now 0.5" in capsys.readouterr().err
    assert tree(run) == before


@pytest.mark.parametrize("more, wanted", [
    (["--batch-size", "100"], "fewer than one batch"), (["--views", "5"], "--views asks for 5 views"),
    (["--gpus", "x"], "--gpus wants"), (["--init-from", "absent"], "absent"),
])
def test_a_dry_run_fails_where_the_run_would(data, tmp_path, capsys, more, wanted):
    assert run_tool(data, tmp_path / "run", *SMALL, "--dry-run", *more) == 2
    assert wanted in capsys.readouterr().err and not (tmp_path / "run").exists()
