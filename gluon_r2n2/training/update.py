"""Stage 8, one update: a batch -> gradients on every device -> new parameters."""
from __future__ import annotations

from typing import List, NamedTuple, Tuple

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

from gluon_r2n2.evaluation import to_unit
from gluon_r2n2.losses import VoxelLoss
from gluon_r2n2.metrics import batch_iou
from gluon_r2n2.training.config import TrainingConfig
from gluon_r2n2.training.optimiser import clip_gradients, make_optimiser
from gluon_r2n2.training.schedule import learning_rate


class Measurement(NamedTuple):
    """What an update found; its arrays may still be in the making."""

    update: int
    keys: List[str]  # of the objects of the batch
    scores: List[mx.nd.NDArray]  # (2, B / devices) each: the loss and the IoU of every object
    norm: mx.nd.NDArray  # (1,) of the gradient, before clipping

    def read(self) -> Tuple[float, float, float]:
        """Wait for the update; its mean loss in nats, mean IoU and gradient norm."""
        loss, iou = np.concatenate([array.asnumpy() for array in self.scores], axis=1).astype(np.float64).mean(axis=1)
        return float(loss), float(iou), float(self.norm.asscalar())


class Updater:
    """Updates one network, its batches shared by several devices.

    Args:
        net: an initialised `gluon_r2n2.network.R2N2` on *contexts*.
        config: all numbers.
        contexts: the devices; each takes an equal part of every batch.
    """

    def __init__(self, net, config: TrainingConfig, contexts: List[mx.Context]):
        self.optimiser: gluon.Trainer = make_optimiser(net, config)
        self._net, self._config, self._contexts = net, config, contexts
        self._loss = VoxelLoss()
        # not static_shape: with it MXNet 1.9.1 adds stale gradients of the cell whenever the number of views changes
        net.hybridize(static_alloc=True)
        self._loss.hybridize(static_alloc=True)

    def update(self, batch, number: int) -> Measurement:
        """Make the update *number*, 1 being the first, without waiting for it.

        Args:
            batch: images (T, B, 3, S, S) uint8 RGB, voxels (B, V, V, V) of 0 and 1, and keys.
        """
        config = self._config
        mx.random.seed(config.seed + number)
        images = np.split(batch.images, len(self._contexts), axis=1)  # (T, B / devices, 3, S, S) each
        voxels = np.split(batch.voxels, len(self._contexts), axis=0)
        scores = [self._backward(image, truth, context)
                  for context, image, truth in zip(self._contexts, images, voxels)]
        # from here on the gradient of the mean over the batch of all devices
        self.optimiser.allreduce_grads()
        norm = clip_gradients(self.optimiser, config.clip, batch_size=config.batch_size)
        self.optimiser.set_learning_rate(learning_rate(config, number))
        self.optimiser.update(config.batch_size)
        return Measurement(number, batch.keys, scores, norm)

    def _backward(self, images: np.ndarray, voxels: np.ndarray, context: mx.Context) -> mx.nd.NDArray:
        """The gradient of the summed loss, left in the parameters; loss and IoU of every object (2, B)."""
        images = to_unit(mx.nd.array(images, ctx=context, dtype=np.uint8))
        truth = mx.nd.array(voxels, ctx=context, dtype=np.uint8).astype(np.float32)
        with autograd.record():
            logits = self._net(images)
            loss = self._loss(logits, truth)  # (B,)
        loss.backward()
        return mx.nd.stack(loss, batch_iou(logits.detach(), truth))
