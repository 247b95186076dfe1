"""Trainings that take seconds: the tool or a Trainer on `tiny_data`, in this process or in one to be killed."""
from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from pathlib import Path

import mxnet as mx
from tiny_data import SIZE

import gluon_r2n2
from gluon_r2n2 import ModelError, training
from gluon_r2n2.training.config import TrainingConfig
from gluon_r2n2_tools import train
from recordio.loading import Loader, RecordDataset

ROOT = Path(__file__).resolve().parent.parent
SMALL = ["--width", "0.0625", "--image-size", str(SIZE), "--batch-size", "4", "--views", "1-3", "--seed", "1",
         "--log-every", "2", "--threads", "1", "--no-tensorboard"]
# what a line of the log says of the training itself; the rest are times and names of this machine
TOLD = ("event", "step", "epoch", "batch", "loss", "iou", "gradient_norm", "clipped", "learning_rate", "best_iou",
        "threshold", "name")


def command(data, run, *more):
    return ["--data", str(data), "--run", str(run), *more]


def run_tool(data, run, *more):
    return train.main(command(data, run, *SMALL, *more))


def resume_tool(data, run, *more):
    return train.main(command(data, run, "--resume", "--no-tensorboard", *more))


def content(run, step):
    """The bytes of every file of a checkpoint."""
    folder = run / "checkpoints" / f"step-{step:08d}"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def saved_steps(run):
    return sorted(int(path.name[5:]) for path in (run / "checkpoints").glob("step-*"))


def told(run, *events):
    """What the log says of the training, line by line."""
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{key: line[key] for key in TOLD if key in line} for line in lines if line["event"] in events]


def make_trainer(data, run, *, contexts=None, steps=4, batch_size=4, views=(1, 3), validation=None, threads=0,
                 **options):
    contexts = contexts or [mx.cpu()]
    config = TrainingConfig.from_recipe(steps=steps, batch_size=batch_size, views=views, image_size=SIZE, **options)
    net = gluon_r2n2.get_model("res3d_gru_3", width=1 / 16, input_size=SIZE, resolution=16)
    gluon_r2n2.initialise(net, contexts, 1)
    loader = Loader(RecordDataset(data), batch_size=batch_size, views=views, image_size=SIZE, threads=threads)
    facts = {"model": net.config.as_dict(), "image": {"size": SIZE, "background": 240}, "version": "0",
             "data": {"fingerprint": "", "path": "", "classes": {}}, "training": config.as_dict()}
    with contextlib.suppress(ModelError):
        training.start_run(run, facts)
    return training.Trainer(net, config, contexts=contexts, run=run, loader=loader, facts=facts, validation=validation)


def start(data, run, *more, patch=None):
    """The tool in a process of its own; *patch* is Python that runs in it before the training."""
    program = [str(ROOT / "tools" / "train.py")]
    if patch is not None:
        # the first of sys.path is where the script would lie
        program = ["-c", f"import sys; sys.path[0] = {str(ROOT / 'tools')!r}\nimport _checkout\n{patch}\n"
                   "from gluon_r2n2_tools import train\nsys.exit(train.main())"]
    return subprocess.Popen([sys.executable, *program, *command(data, run, *SMALL, *more)], stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)


def wait_for_steps(run, process):
    """Until the log has a line of a step."""
    for _ in range(1200):
        if process.poll() is not None or ((run / "log.jsonl").exists() and told(run, "step")):
            break
        time.sleep(0.05)
    assert process.poll() is None and told(run, "step"), process.communicate()[0]
