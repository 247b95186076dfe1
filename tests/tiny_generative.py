"""Small generative networks, and the folders of runs that training would leave of them."""
from __future__ import annotations

from pathlib import Path
from typing import Callable

import mxnet as mx
import numpy as np
from tiny_data import RESOLUTION, SIZE
from tiny_exports import tiny

import gluon_r2n2
from gluon_r2n2 import training
from gluon_r2n2.training.runs.checkpoint import save_checkpoint
from recordio.loading import RecordDataset

LATENT = 8


def tiny_generative(name="3d_vae_gan", seed=0, **options):
    """A hybridised network in which every parameter shows."""
    net = tiny(name, seed, **{"latent": LATENT, **options})
    enliven(net, seed)
    return net


def enliven(net, seed=0):
    """Give parameters and statistics values that leave signal everywhere, which DCGAN's deviation of 0.02 does not."""
    random = np.random.RandomState(seed)
    for name, parameter in net._collect_params_with_prefix().items():
        shape = parameter.shape
        if name.endswith("running_var"):
            values = random.uniform(0.5, 2, shape)
        elif len(shape) > 1:
            gain = 5 if name == "encoder.gaussian.weight" else 1.4  # views of one object are to differ
            values = random.normal(0, gain / np.sqrt(_terms(name, shape)), shape)
        else:
            values = random.normal(name.endswith("gamma"), 0.2, shape)
        parameter.set_data(mx.nd.array(values))


def _terms(name, shape):
    """How many products make up one output value."""
    if not name.startswith("generator"):
        return np.prod(shape[1:])
    return shape[0] * (1 if name == "generator.stages.0.weight" else 8)  # of kernel 4, stride 2: two on each axis


def make_run(folder: Path, data: Path, *, name: str = "3d_gan", classes=None, seed: int = 1,
             threshold: float = 0.5, change: Callable = None, **options) -> Path:
    """A run of a narrow network (or, by its *name*, any other of the zoo) of one checkpoint at step 3.

    *change* may change the network before it is saved.
    """
    net = gluon_r2n2.get_model(name, **{"width": 1 / 32, "resolution": RESOLUTION, "input_size": SIZE, **options})
    gluon_r2n2.initialise(net, seed=seed)
    if change:
        change(net)
    samples = RecordDataset(data, "train", classes=classes)
    image = {} if name == "3d_gan" else {"size": SIZE, "background": 240, "augmentation": {"blend": True}}
    facts = {"version": gluon_r2n2.__version__, "model": net.config.as_dict(), "image": image,
             "training": {"seed": seed, "classes": classes},
             "data": {"path": str(data), "fingerprint": samples.fingerprint, "classes": samples.class_names,
                      "samples": len(samples)}}
    training.start_run(folder, facts)
    save_checkpoint(folder, net, {}, {**facts, "step": 3, "epoch": 0, "batch": 3, "best": None,
                                      "threshold": threshold, "threshold_source": "fixed"})
    return folder
