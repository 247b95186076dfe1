"""Gradients -> new parameters: clipping, the optimisers, and their state as plain arrays."""
from __future__ import annotations

from typing import Any, Dict, List, Tuple

import mxnet as mx
from mxnet import gluon

from gluon_r2n2.errors import ModelError
from gluon_r2n2.training.arrays import named_parameters
from gluon_r2n2.training.config import TrainingConfig

MOMENTUM = 0.9  # of SGD, lib/config.py of the original


class AdamW(mx.optimizer.Adam):
    """Adam with decoupled weight decay: w <- (1 - lr wd) w, then Adam's step of the gradient alone.

    Source: Loshchilov and Hutter, Decoupled Weight Decay Regularization (ICLR 2019), algorithm 2. MXNet's own
    operator for it, contrib.adamw_update, runs on one core: four times as long as Adam's.
    """

    def update(self, index, weight, grad, state):
        decay = self._get_lr(index) * super()._get_wd(index)
        if decay:
            weight *= 1 - decay
        super().update(index, weight, grad, state)

    def _get_wd(self, index):
        return 0.0  # what Adam adds to the gradient


def make_optimiser(net: gluon.Block, config: TrainingConfig) -> gluon.Trainer:
    """The configuration's optimiser over all parameters of *net*; weights decay, biases and normalisation do not.

    - adam is the original's: lr_t = lr sqrt(1 - b2^t) / (1 - b1^t), epsilon 1e-8 outside the root, and the weight
      decay added to the gradient (L2).
    - sgd is the original's: v <- 0.9 v - lr (gradient + wd w), w <- w + v.
    - adamw is `AdamW`.

    Source: lib/solver.py of the original.
    """
    parameters = named_parameters(net)
    for name, parameter in parameters.items():
        # a frozen layer, of lr_mult 0, keeps its weights: they lose no share of anything
        parameter.wd_mult = 1.0 if name.endswith("weight") and parameter.lr_mult else 0.0
    options: Dict[str, Any] = {"learning_rate": config.learning_rate, "wd": config.weight_decay}
    if config.optimizer == "sgd":
        optimizer = mx.optimizer.SGD(momentum=MOMENTUM, **options)
    else:
        optimizer = (AdamW if config.optimizer == "adamw" else mx.optimizer.Adam)(**options)
    # update_on_kvstore=False keeps the optimiser state in this process, where a checkpoint can reach it
    return gluon.Trainer(list(parameters.values()), optimizer, update_on_kvstore=False)


def clip_gradients(trainer: gluon.Trainer, limit: float, *, batch_size: int) -> mx.nd.NDArray:
    """Scale the gradients down, in place and without waiting for them, where their norm exceeds *limit*.

    Call it between `allreduce_grads` and `update`: every device then holds the sum over the objects of the batch.

    Args:
        limit: of the norm of the mean gradient over the batch; 0: never scale.
        batch_size: objects in the batch.

    Returns:
        (1,) the norm before, of the mean gradient of all parameters that learn; not finite where a gradient is not.
    """
    learning = [parameter for parameter in trainer._params if parameter.grad_req != "null" and parameter.lr_mult]
    first = trainer._contexts[0]
    flat = [parameter.grad(first).reshape(-1) for parameter in learning]
    # a dot product is exact enough and its order of summation fixed: nd.norm is off by 2 % at seven million entries,
    # and multi_sum_sq sums in an order that depends on the threads' timing
    norm = mx.nd.add_n(*[mx.nd.dot(gradient, gradient) for gradient in flat]).sqrt() / batch_size
    if limit:
        scale = limit / mx.nd.maximum(norm, limit)  # 1, and then no bit changes, or less
        for context in trainer._contexts:
            factor = scale.as_in_context(context)  # of the first device, so that all make the same update
            for parameter in learning:
                gradient = parameter.grad(context).reshape(-1)  # a view; broadcasting is faster along one axis
                mx.nd.broadcast_mul(gradient, factor, out=gradient)
    return norm


def get_state(trainer: gluon.Trainer, names: List[str]) -> Dict[str, mx.nd.NDArray]:
    """The optimiser's arrays: `mean.NAME` and `variance.NAME` of Adam's kind, `velocity.NAME` of SGD.

    (Gluon's own save_states would pickle them.) Devices update from the same summed gradients, so that the first
    one's state is everybody's.
    """
    arrays = {}
    for index, state in trainer._updaters[0].states.items():
        for kind, array in zip(_kinds(trainer), state if isinstance(state, tuple) else (state,)):
            arrays[f"{kind}.{names[index]}"] = array
    return arrays


def set_state(trainer: gluon.Trainer, names: List[str], arrays: Dict[str, mx.nd.NDArray], *, update: int) -> None:
    """Put back what `get_state` gave, on every device of the trainer, as after *update* updates.

    Raises:
        ModelError: the arrays belong to another network or optimiser.
    """
    wanted = {index: [f"{kind}.{name}" for kind in _kinds(trainer)] for index, name in enumerate(names)
              if update and trainer._params[index].grad_req != "null"}  # there is none before the first update
    for index, keys in wanted.items():
        if not all(key in arrays and arrays[key].shape == trainer._params[index].shape for key in keys):
            raise ModelError(f"the optimiser state does not fit parameter {names[index]} of this network, or was left "
                             "by another --optimizer; start anew from the checkpoint's weights with --init-from")
    for context, updater in zip(trainer._contexts, trainer._updaters):
        states = {index: tuple(arrays[key].copyto(context) for key in keys) for index, keys in wanted.items()}
        updater.states = {index: state if len(state) > 1 else state[0] for index, state in states.items()}
        updater.states_synced = dict.fromkeys(states, True)
    optimizer = trainer.optimizer
    optimizer.begin_num_update = optimizer.num_update = update  # Adam's t counts on from here
    optimizer._all_index_update_counts = {context.device_id: {} for context in trainer._contexts}
    optimizer._index_update_count = {}


def _kinds(trainer: gluon.Trainer) -> Tuple[str, ...]:
    """The names of the arrays that the optimiser keeps per parameter, in its own order."""
    return ("velocity",) if isinstance(trainer.optimizer, mx.optimizer.SGD) else ("mean", "variance")
