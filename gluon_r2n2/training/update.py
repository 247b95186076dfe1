"""Stage 8, one update: a batch -> gradients on every device -> new parameters."""
from __future__ import annotations

import math
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import mxnet as mx
import numpy as np
from mxnet import gluon

from gluon_r2n2.distributed import Exchange
from gluon_r2n2.errors import ModelError
from gluon_r2n2.losses import VoxelLoss
from gluon_r2n2.training.adversarial.term import AdversarialTerm, Judgement
from gluon_r2n2.training.arrays import named_parameters
from gluon_r2n2.training.averaging import Average
from gluon_r2n2.training.config import TrainingConfig
from gluon_r2n2.training.layers import set_layers
from gluon_r2n2.training.optimiser import clip_gradients, get_state, make_optimiser, set_state
from gluon_r2n2.training.passes import Pass
from gluon_r2n2.training.scaling import LossScale, WorkingCopy
from gluon_r2n2.training.schedule import learning_rate


class Measurement(NamedTuple):
    """What an update found; its arrays may still be in the making."""

    update: int
    keys: List[str]  # of the objects of the batch that this worker had
    scores: List[mx.nd.NDArray]  # (2, b) each: the loss and the IoU of every object of the batch, of all workers
    norm: mx.nd.NDArray  # (1,) of the gradient, before clipping
    config: TrainingConfig
    judgement: Optional[Judgement] = None  # of the adversarial term; None without
    overflow: Optional[float] = None  # the loss scale, where the gradient was beyond float16 and was not used

    def read(self) -> Dict[str, float]:
        """Wait for the update; mean losses in nats, mean IoU, gradient norm, whether it was clipped, and so on."""
        loss, iou = np.concatenate([array.asnumpy() for array in self.scores], axis=1).astype(np.float64).mean(axis=1)
        norm = float(self.norm.asscalar()) if self.overflow is None else 0.0  # of what was used
        return {"loss": float(loss), "iou": float(iou), "gradient_norm": norm,
                "clipped": float(0 < self.config.clip < norm), **(self.judgement.read() if self.judgement else {})}

    def fault(self, found: Dict[str, float]) -> Optional[str]:
        """What is wrong with what `read` gave, naming the step; None where nothing is."""
        for name, value in found.items():
            if name.endswith("loss") and not math.isfinite(value):
                return f"the {name.replace('_', ' ')} at step {self.update} is {value:.4g}, not finite"
        loss, limit = found["loss"], self.config.loss_limit
        if limit is not None and loss > limit:
            return f"the loss at step {self.update} is {loss:.4g}, above the limit of {limit}"
        if not math.isfinite(found["gradient_norm"]):  # the loss was sound, but the parameters no longer are
            return f"the gradient at step {self.update} is not finite"
        return None


class Updater:
    """Updates one network, its batches shared by several devices and, on each, run in several parts.

    Args:
        net: an initialised `gluon_r2n2.network.R2N2` on *contexts*.
        config: all numbers.
        contexts: the devices; each takes an equal share of every batch, in config.accumulate parts.
        exchange: with the other workers that share the batch; None: there are no others.

    Attributes:
        average: the moving average of the parameters; None where config.ema is 0.

    Raises:
        ModelError: the layers named in *config* are not in this network; several workers with an adversarial term.
    """

    def __init__(self, net, config: TrainingConfig, contexts: List[mx.Context],
                 exchange: Optional[Exchange] = None):
        set_layers(net, config)
        self.optimiser: gluon.Trainer = make_optimiser(net, config)
        self.average: Optional[Average] = Average(net, config.ema) if config.ema else None
        self._config, self._contexts, self._exchange = config, contexts, exchange or Exchange()
        self._names = list(named_parameters(net))
        self._learning = [parameter for parameter in self.optimiser._params if parameter.grad_req != "null"]
        # where the gradients of several backward passes go into the same arrays; 'write' is one pass over them less,
        # and no array beside them
        added = set(self._learning if config.accumulate > 1 or config.dtype != "float32"
                    else net.encoder.collect_params().values() if config.recompute else ())
        for parameter in self._learning:
            parameter.grad_req = "add" if parameter in added else "write"
        self._copy = WorkingCopy(net, config, contexts) if config.dtype != "float32" else None
        self._net = net if self._copy is None else self._copy.net  # what forward and backward passes run
        self._loss = VoxelLoss()
        if config.adversarial and self._exchange.size > 1:
            raise ModelError("the discriminator of --adversarial learns in one process alone; leave it out, or train "
                             "with --kv-store local")
        self._term = (AdversarialTerm(net.config, config.adversarial, contexts, seed=config.seed)
                      if config.adversarial else None)
        # not static_shape: with it MXNet 1.9.1 adds stale gradients of the cell whenever the number of views changes
        for block in (net, self._net):
            block.hybridize(static_alloc=True)
        self._loss.hybridize(static_alloc=True)
        if len(contexts) > 1:
            # else Gluon does it in the middle of the first update, and replaces the running statistics of the other
            # devices by those of the first
            self.optimiser._init_kvstore()
            self.optimiser._init_params()

    def update(self, batch, number: int) -> Measurement:
        """Make the update *number*, 1 being the first, without waiting for it (in float16 its gradient is waited for).

        Args:
            batch: images (T, B, 3, S, S) uint8 RGB, voxels (B, V, V, V) of 0 and 1, and keys.
        """
        config = self._config
        mx.random.seed(config.seed + number)
        for parameter in self._learning:
            if parameter.grad_req == "add":
                parameter.zero_grad()
        if self._copy:
            self._copy.refresh()
        shares = config.accumulate * len(self._contexts)
        images = np.split(batch.images, shares, axis=1)  # (T, B / shares, 3, S, S) each
        voxels = np.split(batch.voxels, shares, axis=0)
        # the devices side by side, the parts of one device one after the other: its memory holds those of one part
        scores: List[mx.nd.NDArray] = []
        for start in range(0, shares, len(self._contexts)):
            side_by_side = slice(start, start + len(self._contexts))
            found, judgement = self._pass(images[side_by_side], voxels[side_by_side])
            scores += found
        # from here on scores and gradients of the whole batch, of all devices of all workers
        scores = self._exchange.sum_gradients(self.optimiser, scores)
        norm = clip_gradients(self.optimiser, config.clip, batch_size=config.batch_size)
        if self._copy:
            scale = self._copy.scale.scale
            if self._copy.scale.skips(finite=math.isfinite(norm.asscalar())):
                return Measurement(number, batch.keys, scores, norm, config, judgement, overflow=scale)
        self.optimiser.set_learning_rate(learning_rate(config, number))
        self.optimiser.update(config.batch_size)
        if self.average:
            self.average.update(self.optimiser.optimizer.num_update)
        return Measurement(number, batch.keys, scores, norm, config, judgement)

    def rates(self, number: int) -> Dict[str, float]:
        """The learning rate of the update *number*, for the log."""
        return {"learning_rate": learning_rate(self._config, number)}

    def state(self) -> Tuple[Dict[str, mx.nd.NDArray], Dict[str, Any]]:
        """What a checkpoint holds beside the parameters and their average: arrays by name, and JSON values."""
        arrays, values = self._term.state() if self._term else ({}, {})
        if self._copy:
            values["loss_scale"] = self._copy.scale.as_dict()
        return {**arrays, **get_state(self.optimiser, self._names)}, values

    def restore(self, arrays: Dict[str, mx.nd.NDArray], values: Dict[str, Any], *, update: int) -> None:
        """Put back what `state` gave, as after *update* updates; *values* may hold more.

        Raises:
            ModelError: the arrays belong to another network or optimiser.
        """
        if self._copy:
            self._copy.scale = LossScale(**values["loss_scale"])
            update -= self._copy.scale.skipped
        set_state(self.optimiser, self._names, arrays, update=update)
        if self._term:
            self._term.restore(arrays, values)

    def _pass(self, images: Sequence[np.ndarray], voxels: Sequence[np.ndarray],
              ) -> Tuple[List[mx.nd.NDArray], Optional[Judgement]]:
        """Add the gradient of the summed loss of one part of the batch per device to that in the parameters.

        Args:
            images: (T, b, 3, S, S) uint8 RGB, by device.
            voxels: (b, V, V, V) of 0 and 1, by device.

        Returns:
            (2, b) by device, still in the making: loss and IoU of every object; and what the discriminator said.
        """
        passes = [Pass(self._net, self._loss, *part, recompute=self._config.recompute, copy=self._copy,
                       judged=self._term is not None) for part in zip(images, voxels, self._contexts)]
        judgement = None
        if self._term:  # one verdict on all devices' objects
            judgement = self._term.judge([part.truth for part in passes], [part.made for part in passes],
                                         scale=self._copy.scale.scale if self._copy else 1.0)
        return [part.backward() for part in passes], judgement
