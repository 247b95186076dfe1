"""Stage 7, loss: voxel logits (B, 2, V, V, V) and occupancy (B, V, V, V) -> one number per sample."""
from __future__ import annotations

from mxnet.gluon.loss import Loss, _apply_weighting

from operators import voxel_softmax_ce


class VoxelLoss(Loss):
    """Mean over the voxels of the softmax cross-entropy, in nats.

    Call it with logits (B, 2, V, V, V), occupancy (B, V, V, V) in [0, 1] and, optionally, weights that broadcast to
    (B, V, V, V), for example (1, V, V, V) per voxel; it returns (B,). Logits in the original's layout
    (B, V, 2, V, V) want ``axis=2``.

    Source: 3D-R2N2 (ECCV 2016), section 3.4.
    """

    def __init__(self, weight=None, batch_axis: int = 0, *, axis: int = 1, **kwargs):
        super().__init__(weight, batch_axis, **kwargs)
        self._axis = axis

    def hybrid_forward(self, F, logits, voxels, sample_weight=None):
        loss = voxel_softmax_ce(F, logits, voxels, axis=self._axis)
        loss = _apply_weighting(F, loss, self._weight, sample_weight)
        return F.mean(loss, axis=self._batch_axis, exclude=True)
