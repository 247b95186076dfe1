"""Runs of generative networks without a training: initial weights in the folder that train_gan.py would leave."""
from __future__ import annotations

from pathlib import Path

from tiny_data import RESOLUTION, SIZE

import gluon_r2n2
from gluon_r2n2 import training
from gluon_r2n2.training.runs import checkpoint
from recordio.loading import RecordDataset


def make_run(folder: Path, data: Path, *, name: str = "3d_gan", classes=None, seed: int = 1, **options) -> Path:
    """A run of a narrow network (or, by its *name*, any other of the zoo) of one checkpoint at step 3."""
    net = gluon_r2n2.get_model(name, **{"width": 1 / 32, "resolution": RESOLUTION, "input_size": SIZE, **options})
    gluon_r2n2.initialise(net, seed=seed)
    samples = RecordDataset(data, "train", classes=classes)
    image = {} if name == "3d_gan" else {"size": SIZE, "background": 240, "augmentation": {"blend": True}}
    facts = {"version": gluon_r2n2.__version__, "model": net.config.as_dict(), "image": image,
             "training": {"seed": seed, "classes": classes},
             "data": {"path": str(data), "fingerprint": samples.fingerprint, "classes": samples.class_names,
                      "samples": len(samples)}}
    training.start_run(folder, facts)
    checkpoint.save_checkpoint(folder, net, {}, {**facts, "step": 3, "epoch": 0, "batch": 3, "best": None,
                                                 "threshold": 0.5, "threshold_source": "fixed"})
    return folder
