"""Stage 7, loss: voxel-wise softmax cross-entropy of (B, K, V, V, V) logits as an MXNet custom operator.

The class axis is 1, our layout (B, K, D, H, W), or 2, the original's (B, D, K, H, W). With two classes, which is
what occupancy needs, the loss is computed from the difference d of the two logits,

    loss = log(1 + e^d) - y d        d loss / d d = sigmoid(d) - y

which is the softmax form with two of its three exponentials gone, and finite for any logit.
"""
from __future__ import annotations

import mxnet as mx

NAME = "voxel_softmax_ce"


class VoxelSoftmaxCE(mx.operator.CustomOp):
    """Forward and backward of the loss; see `voxel_softmax_ce` for shapes and units."""

    def __init__(self, axis: int):
        super().__init__()
        self.axis = axis

    def forward(self, is_train, req, in_data, out_data, aux):
        logits, labels = in_data
        if logits.shape[self.axis] == 2:
            difference = self._difference(logits)
            loss = mx.nd.Activation(difference, act_type="softrelu") - labels * difference
        else:
            loss = -mx.nd.pick(mx.nd.log_softmax(logits, axis=self.axis), labels, axis=self.axis)
        self.assign(out_data[0], req[0], loss)

    def backward(self, req, out_grad, in_data, out_data, in_grad, aux):
        (logits, labels), top = in_data, out_grad[0]
        if logits.shape[self.axis] == 2:
            gradient = (mx.nd.sigmoid(self._difference(logits)) - labels) * top
            gradient = mx.nd.stack(-gradient, gradient, axis=self.axis)
        else:
            target = mx.nd.one_hot(labels, logits.shape[self.axis], dtype=logits.dtype)  # (B, V, V, V, K)
            target = mx.nd.moveaxis(target, -1, self.axis)
            gradient = (mx.nd.softmax(logits, axis=self.axis) - target) * mx.nd.expand_dims(top, self.axis)
        self.assign(in_grad[0], req[0], gradient)
        self.assign(in_grad[1], req[1], mx.nd.zeros_like(labels))

    def _difference(self, logits):
        empty, occupied = mx.nd.split(logits, num_outputs=2, axis=self.axis, squeeze_axis=True)
        return occupied - empty


@mx.operator.register(NAME)
class VoxelSoftmaxCEProp(mx.operator.CustomOpProp):
    """Shapes, types and arguments of the operator, as MXNet's registry wants them."""

    def __init__(self, axis="1"):
        # the gradient of the loss above is needed: that is how per-voxel and per-sample weights enter
        super().__init__(need_top_grad=True)
        self.axis = int(axis)  # MXNet hands every argument over as a string

    def list_arguments(self):
        return ["data", "label"]

    def list_outputs(self):
        return ["loss"]

    def infer_shape(self, in_shape):
        logits = in_shape[0]
        if len(logits) != 5:
            raise ValueError(f"{NAME}: logits must have 5 axes, got shape {tuple(logits)}")
        voxels = logits[: self.axis] + logits[self.axis + 1 :]
        return [logits, voxels], [voxels], []

    def infer_type(self, in_type):
        return [in_type[0]] * 2, [in_type[0]], []

    def create_operator(self, ctx, shapes, dtypes):
        return VoxelSoftmaxCE(self.axis)


def voxel_softmax_ce(F, logits, labels, *, axis: int = 1):
    """Cross-entropy of every voxel, for use inside a hybrid block.

    Args:
        F: ``mx.nd`` or ``mx.sym``.
        logits: (B, K, D, H, W) with axis=1, or the original's (B, D, K, H, W) with axis=2; any finite value.
        labels: (B, D, H, W) of the logits' dtype. K = 2: the probability in [0, 1] that a voxel is occupied
            (class 1); K > 2: the class number.
        axis: the class axis, 1 or 2.

    Returns:
        (B, D, H, W), in nats; its gradient flows to the logits only.

    Raises:
        ValueError: another axis.
        mxnet.base.MXNetError: shapes that do not fit (imperative: at the call).

    Source: 3D-R2N2 (ECCV 2016), section 3.4; the original's lib/layers.py (SoftmaxWithLoss3D), which subtracts no
    maximum and overflows where this does not.
    """
    if axis not in (1, 2):  # checked here, because an exception in the Prop's constructor ends the process
        raise ValueError(f"axis is 1 for (B, K, D, H, W) or 2 for (B, D, K, H, W), got {axis}")
    return F.Custom(logits, labels, axis=axis, op_type=NAME, name=NAME)
