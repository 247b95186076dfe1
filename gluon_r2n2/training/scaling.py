"""Training in float16: a copy of the network to run in, and the scale that keeps its gradients within range.

The network itself stays in float32: it is what the optimiser updates, what is validated and what checkpoints hold, so
that they load anywhere.
"""
from __future__ import annotations

import dataclasses
from typing import Any, Dict, List

import mxnet as mx
import numpy as np

from gluon_r2n2.errors import ModelError
from gluon_r2n2.training.arrays import STATISTICS, named_parameters
from gluon_r2n2.training.config import RunConfig, TrainingConfig
from gluon_r2n2.training.layers import set_layers

DOUBLE_AFTER = 2000  # updates in a row without an overflow
HIGHEST = 2.0 ** 24  # of the scale


@dataclasses.dataclass
class LossScale:
    """The factor on the loss of every backward pass, a power of two, so that it rounds nothing.

    Small gradients would be 0 in float16, and large ones are infinite: then the update is left out and the scale
    halved.

    Source: Micikevicius et al., Mixed Precision Training (ICLR 2018), section 3.2, with the dynamic scale of
    NVIDIA's apex.
    """

    scale: float = 2.0 ** 16
    good: int = 0  # updates since the scale has changed
    skipped: int = 0  # updates left out, in all

    def skips(self, *, finite: bool) -> bool:
        """Note whether a gradient was finite; return whether to leave its update out.

        With a scale of 1 an overflow is none of the scale's: then it is not left out, and the run stops as it does
        in float32.
        """
        if finite:
            self.good += 1
            if self.good >= DOUBLE_AFTER:
                self.scale, self.good = min(2 * self.scale, HIGHEST), 0
            return False
        if self.scale <= 1:
            return False
        self.scale, self.good = self.scale / 2, 0
        self.skipped += 1
        return True

    def as_dict(self) -> Dict[str, Any]:
        """JSON values, the arguments of an equal scale."""
        return dataclasses.asdict(self)


class WorkingCopy:
    """A network in float16, for forward and backward passes; its batch normalisation stays in float32.

    Every update begins with `refresh`; every backward pass begins with the `head` of its loss and ends with
    `add_gradients`, which leaves the gradients in the network, in float32 and without the scale.

    Args:
        net: a `gluon_r2n2.network.R2N2` on *contexts*, its layers set.
        config: which layers learn.
        contexts: the devices.
        dtype: to run in.

    Attributes:
        net: the copy.
        scale: on the loss.
    """

    def __init__(self, net, config: TrainingConfig, contexts: List[mx.Context], dtype: str = "float16"):
        self.net = type(net)(net.config)
        self.dtype, self.scale, self._contexts = dtype, LossScale(), contexts
        self.net.initialize(mx.init.Zero(), ctx=contexts)
        self.net.cast(dtype)
        set_layers(self.net, config)
        copies = named_parameters(self.net)
        for copy in copies.values():
            if config.recompute and copy.grad_req != "null":
                copy.grad_req = "add"  # a gradient per view
        pairs = {name: (parameter, copies[name]) for name, parameter in named_parameters(net).items()}
        self._pairs = list(pairs.values())
        self._statistics = [pair for name, pair in pairs.items() if name.endswith(STATISTICS)]

    def head(self, loss: mx.nd.NDArray) -> mx.nd.NDArray:
        """What to give to loss.backward: the scale for every object (b,)."""
        return mx.nd.full(loss.shape, self.scale.scale, ctx=loss.context)

    def refresh(self) -> None:
        """Round the network's parameters into the copy."""
        for context in self._contexts:
            for parameter, copy in self._pairs:
                mx.nd.cast(parameter.data(context), dtype=copy.dtype, out=copy.data(context))

    def add_gradients(self, context: mx.Context) -> None:
        """Add the gradients of the copy to the network's, and take its running statistics over."""
        for parameter, copy in self._pairs:
            if parameter.grad_req != "null":
                total = parameter.grad(context)
                total += copy.grad(context).astype(np.float32) / self.scale.scale
                parameter.data(context)._fresh_grad = True  # what gluon.Trainer asks for
                if copy.grad_req == "add":
                    copy.grad(context)[:] = 0
        for parameter, copy in self._statistics:
            copy.data(context).copyto(parameter.data(context))


def check_dtype(config: RunConfig, contexts: List[mx.Context]) -> None:
    """Raise a ModelError where the devices cannot train in config.dtype."""
    if config.dtype == "float16" and any(context.device_type == "cpu" for context in contexts):
        raise ModelError("--dtype float16 is for GPUs, the CPU has no operators for it; name GPUs with --gpus, or "
                         "leave --dtype out")
