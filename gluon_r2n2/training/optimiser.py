"""Gradients -> new parameters: Adam, its learning-rate schedule, and its state as plain arrays."""
from __future__ import annotations

import math
from typing import Dict, List, Tuple

import mxnet as mx
from mxnet import gluon

from gluon_r2n2.errors import ModelError
from gluon_r2n2.training.arrays import named_parameters
from gluon_r2n2.training.config import TrainingConfig

DROPS, DROP = (20000, 60000), 0.1  # schedule 'step': the original's lr 1e-4, 1e-5 after 20,000, 1e-6 after 60,000
FINAL = 0.01  # share of the learning rate that schedules 'cosine' and 'poly' end at


def learning_rate(config: TrainingConfig, update: int) -> float:
    """The learning rate of one update, 1 being the first.

    A function of its arguments only, so that a resumed run needs nothing but its step. (The schedulers of MXNet
    and gluon-cv keep their position inside and log every drop again after a resume.)
    """
    rate, warmup = config.learning_rate, int(round(config.warmup * config.steps))
    if update < warmup:
        return rate * update / warmup
    if config.schedule == "step":
        return rate * DROP ** sum(update > drop for drop in DROPS)
    if config.schedule == "constant":
        return rate
    progress = min(1.0, (update - warmup) / max(1, config.steps - warmup))  # 0..1
    left = (1 + math.cos(math.pi * progress)) / 2 if config.schedule == "cosine" else (1 - progress) ** 0.9
    return rate * (FINAL + (1 - FINAL) * left)


def make_optimiser(net: gluon.Block, config: TrainingConfig) -> gluon.Trainer:
    """Adam over all parameters of *net*; L2 on weights only.

    Adam here is the original's: lr_t = lr sqrt(1 - b2^t) / (1 - b1^t), epsilon 1e-8 outside the root, and the L2
    term added to the gradient, not decoupled.
    """
    parameters = named_parameters(net)
    for name, parameter in parameters.items():
        parameter.wd_mult = 1.0 if name.endswith("weight") else 0.0
    # update_on_kvstore=False keeps the optimiser state in this process, where a checkpoint can reach it
    return gluon.Trainer(list(parameters.values()), "adam", dict(wd=config.weight_decay), update_on_kvstore=False)


def get_state(trainer: gluon.Trainer, names: List[str]) -> Dict[str, mx.nd.NDArray]:
    """Adam's moments as `mean.NAME` and `variance.NAME` (Gluon's own save_states would pickle them).

    Devices update from the same summed gradients, so that the first one's state is everybody's.
    """
    arrays = {}
    for index, moments in trainer._updaters[0].states.items():
        for kind, array in zip(("mean", "variance"), moments):
            arrays[f"{kind}.{names[index]}"] = array
    return arrays


def set_state(trainer: gluon.Trainer, names: List[str], arrays: Dict[str, mx.nd.NDArray], *, update: int) -> None:
    """Put back what `get_state` gave, on every device of the trainer, as after *update* updates.

    Raises:
        ModelError: the arrays belong to another network.
    """
    moments: Dict[int, Tuple] = {}
    for index, name in enumerate(names):
        wanted = [f"{kind}.{name}" for kind in ("mean", "variance")]
        if any(key in arrays for key in wanted):
            if not all(key in arrays and arrays[key].shape == trainer._params[index].shape for key in wanted):
                raise ModelError(f"the optimiser state does not fit parameter {name} of this network")
            moments[index] = tuple(arrays[key] for key in wanted)
    for context, updater in zip(trainer._contexts, trainer._updaters):
        updater.states = {index: tuple(array.copyto(context) for array in pair) for index, pair in moments.items()}
        updater.states_synced = dict.fromkeys(moments, True)
    optimizer = trainer.optimizer
    optimizer.begin_num_update = optimizer.num_update = update  # Adam's t counts on from here
    optimizer._all_index_update_counts = {context.device_id: {} for context in trainer._contexts}
    optimizer._index_update_count = {}
