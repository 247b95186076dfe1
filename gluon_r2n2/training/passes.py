"""Stage 8, one part of a batch on one device: forward through the network, then backward into its gradients."""
from __future__ import annotations

from typing import Optional

import mxnet as mx
import numpy as np
from mxnet import autograd

from gluon_r2n2.evaluation import to_unit
from gluon_r2n2.losses import VoxelLoss
from gluon_r2n2.metrics import batch_iou
from gluon_r2n2.network import occupied_probability
from gluon_r2n2.training.recompute import Recomputation
from gluon_r2n2.training.scaling import WorkingCopy


class Pass:
    """Runs forward when it is made, without waiting, and backward when it is told to.

    Args:
        net: what is run: the network, or its copy.
        loss: of the logits.
        images: (T, b, 3, S, S) uint8 RGB.
        voxels: (b, V, V, V) of 0 and 1.
        context: the device.
        recompute: whether to run the encoder twice.
        copy: whose network is run; None: it is the one that learns itself.
        judged: whether somebody judges the probabilities, and leaves a gradient of them in `made.grad`.

    Attributes:
        truth: (b, V, V, V) float32 of 0 and 1.
        made: (b, V, V, V) probabilities without the graph of their making; None where nobody judges them.
    """

    def __init__(self, net, loss: VoxelLoss, images: np.ndarray, voxels: np.ndarray, context: mx.Context, *,
                 recompute: bool = False, copy: Optional[WorkingCopy] = None, judged: bool = False):
        self._copy = copy
        pictures = to_unit(mx.nd.array(images, ctx=context, dtype=np.uint8))
        pictures = pictures if copy is None else pictures.astype(copy.dtype)
        self.truth = mx.nd.array(voxels, ctx=context, dtype=np.uint8).astype(np.float32)
        self._recomputation = Recomputation(net, pictures) if recompute else None
        with autograd.record():
            logits = self._recomputation.logits() if self._recomputation else net(pictures)
            logits = logits if copy is None else logits.astype(np.float32)
            self._loss = loss(logits, self.truth)  # (b,)
            self._probabilities = occupied_probability(mx.nd, logits) if judged else None
        self._logits = logits.detach()
        self.made = self._probabilities.detach() if judged else None

    def backward(self) -> mx.nd.NDArray:
        """Add the gradient of the summed loss to that in the parameters.

        Returns:
            (2, b), still in the making: loss and IoU of every object.
        """
        heads, gradients = [self._loss], [self._copy.head(self._loss) if self._copy else None]
        if self.made is not None:
            heads, gradients = [*heads, self._probabilities], [*gradients, self.made.grad]
        autograd.backward(heads, gradients)
        if self._recomputation:
            self._recomputation.backward()
        if self._copy:
            self._copy.add_gradients(self.truth.context)
        return mx.nd.stack(self._loss, batch_iou(self._logits, self.truth))
