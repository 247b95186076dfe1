"""Small networks, and the folders that training and exporting would leave of them."""
from __future__ import annotations

import json

import mxnet as mx
import numpy as np

import gluon_r2n2
from gluon_r2n2 import files
from gluon_r2n2.deployment import Artefact, export
from gluon_r2n2.training.runs.checkpoint import save_checkpoint


def tiny(name="res3d_gru_3", seed=0, **options):
    net = gluon_r2n2.get_model(name, **{"width": 0.0625, "input_size": 32, "resolution": 16, **options})
    gluon_r2n2.initialise(net, seed=seed)
    net.hybridize(static_alloc=True, static_shape=True)
    return net


def move_statistics(net, views):
    """Let running means and variances leave their first values, which MXNet does in the backward pass."""
    with mx.autograd.record():
        logits = net(views)
    logits.backward()
    mx.nd.waitall()


def info_of(net, checkpoint="runs/a/checkpoints/step-00000007"):
    return {"checkpoint": checkpoint, "step": 7, "weights_sha256": "0" * 64, "threshold": 0.45,
            "threshold_source": "validation", "classes": {"03001627": "chair"}, "training": {"steps": 7},
            "data": {"fingerprint": "f", "samples": 3}, "version": "0.1.0",
            "image": {"size": net.config.input_size, "background": 240}}


def exported(net, folder, **options):
    export(net, Artefact.of(net, info_of(net)), folder, **options)
    return folder


def resealed(folder, change=lambda facts: None):
    """Edit the facts of an exported model and make all checksums right again, as only somebody who means to would."""
    facts = json.loads((folder / "r2n2.json").read_text())
    del facts["checksum"]
    facts["files"] = {name: files.sha256(folder / name) for name in facts["files"]}
    change(facts)
    (folder / "r2n2.json").write_text(json.dumps({**facts, "checksum": files.sha256_of_json(facts)}))


def run_folder(net, folder):
    """A run with one checkpoint, as training leaves it."""
    info = info_of(net)
    state = {key: info[key] for key in ("step", "threshold", "threshold_source", "training", "version", "image")}
    state.update(model=net.config.as_dict(), data={**info["data"], "classes": info["classes"]})
    save_checkpoint(folder, net, {}, state)
    return folder


def noise(*shape):
    return np.random.RandomState(5).randint(0, 256, shape).astype(np.uint8)
