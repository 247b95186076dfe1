"""The voxel loss against its definition, numeric gradients and extreme logits."""
from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from oracles import softmax_cross_entropy

from gluon_r2n2 import VoxelLoss
from operators import voxel_softmax_ce

SHAPE = (2, 3, 4, 5)  # B, D, H, W


def make(classes, axis, dtype="float64", scale=1.0):
    logits = np.random.normal(0, scale, SHAPE[:axis] + (classes,) + SHAPE[axis:])
    labels = np.random.randint(0, classes, SHAPE)
    return logits.astype(dtype), labels.astype(dtype)


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("classes", [2, 5])
@pytest.mark.parametrize("hybrid", [False, True])
def test_loss_matches_definition(classes, axis, hybrid):
    logits, labels = make(classes, axis)

    class Block(mx.gluon.HybridBlock):
        def hybrid_forward(self, F, x, y):
            return voxel_softmax_ce(F, x, y, axis=axis)

    block = Block()
    if hybrid:
        block.hybridize(static_alloc=True, static_shape=True)
    loss = block(mx.nd.array(logits, dtype="float64"), mx.nd.array(labels, dtype="float64"))
    np.testing.assert_allclose(loss.asnumpy(), softmax_cross_entropy(logits, labels, axis), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("axis", [1, 2])
@pytest.mark.parametrize("classes", [2, 5])
def test_gradient_is_the_numeric_one(classes, axis):
    logits, labels = make(classes, axis)
    weight = np.random.uniform(0.1, 2, SHAPE)  # the gradient from above, per voxel
    x = mx.nd.array(logits, dtype="float64")
    x.attach_grad()
    with mx.autograd.record():
        loss = (voxel_softmax_ce(mx.nd, x, mx.nd.array(labels, dtype="float64"), axis=axis)
                * mx.nd.array(weight, dtype="float64")).sum()
    loss.backward()
    gradient = x.grad.asnumpy()
    for _ in range(25):
        at = tuple(np.random.randint(n) for n in logits.shape)
        step = np.zeros_like(logits)
        step[at] = 1e-5
        upper, lower = ((softmax_cross_entropy(logits + s, labels, axis) * weight).sum() for s in (step, -step))
        assert gradient[at] == pytest.approx((upper - lower) / 2e-5, rel=1e-6, abs=1e-8)


def test_occupancy_may_be_a_probability():
    logits, _ = make(2, 1)
    target = np.random.uniform(0, 1, SHAPE)
    loss = voxel_softmax_ce(mx.nd, mx.nd.array(logits, dtype="float64"), mx.nd.array(target, dtype="float64"))
    ones, zeros = np.ones(SHAPE), np.zeros(SHAPE)
    expected = (target * softmax_cross_entropy(logits, ones) + (1 - target) * softmax_cross_entropy(logits, zeros))
    np.testing.assert_allclose(loss.asnumpy(), expected, rtol=1e-9)


@pytest.mark.parametrize("classes", [2, 5])
def test_extreme_logits_stay_finite(classes):
    logits, labels = make(classes, 1, "float32", scale=1e4)
    x = mx.nd.array(logits)
    x.attach_grad()
    with mx.autograd.record():
        loss = voxel_softmax_ce(mx.nd, x, mx.nd.array(labels))
    loss.backward()
    assert np.isfinite(loss.asnumpy()).all() and np.isfinite(x.grad.asnumpy()).all()
    np.testing.assert_allclose(loss.asnumpy(), softmax_cross_entropy(logits, labels), rtol=1e-5, atol=1e-6)


def test_voxel_loss_means_and_weights():
    logits, labels = make(2, 1, "float32")
    per_voxel = softmax_cross_entropy(logits, labels)
    x, y = mx.nd.array(logits), mx.nd.array(labels)
    np.testing.assert_allclose(VoxelLoss()(x, y).asnumpy(), per_voxel.mean((1, 2, 3)), rtol=1e-5)
    weight = np.random.uniform(0, 2, (1,) + SHAPE[1:]).astype("float32")
    np.testing.assert_allclose(VoxelLoss()(x, y, mx.nd.array(weight)).asnumpy(),
                               (per_voxel * weight).mean((1, 2, 3)), rtol=1e-5)


def test_voxel_loss_equals_gluons_own():
    logits, labels = make(2, 1, "float32")
    x, y = mx.nd.array(logits), mx.nd.array(labels)
    peer = mx.gluon.loss.SoftmaxCELoss(axis=1)(x, y)
    np.testing.assert_allclose(VoxelLoss()(x, y).asnumpy(), peer.asnumpy(), rtol=2e-6)


def test_original_layout_is_axis_2():
    logits, labels = make(2, 1, "float32")
    ours = VoxelLoss()(mx.nd.array(logits), mx.nd.array(labels)).asnumpy()
    theirs = VoxelLoss(axis=2)(mx.nd.array(np.moveaxis(logits, 1, 2)), mx.nd.array(labels)).asnumpy()
    np.testing.assert_array_equal(ours, theirs)


def test_wrong_axis_and_shapes_are_refused():
    logits, labels = make(2, 1, "float32")
    with pytest.raises(ValueError, match="axis is 1"):
        voxel_softmax_ce(mx.nd, mx.nd.array(logits), mx.nd.array(labels), axis=3)
    with pytest.raises(mx.MXNetError):
        voxel_softmax_ce(mx.nd, mx.nd.array(logits), mx.nd.array(labels[:, 1:])).wait_to_read()
