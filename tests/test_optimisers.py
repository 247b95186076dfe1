"""The optimisers, held against the original's numbers and their formulas, their state, decay and clipping.

What the original computed is in the fixtures beside the checkout; where they are absent its formulas, written out here
in float64, stand for it. They are those of lib/solver.py there.
"""
from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from tiny_data import SIZE

import gluon_r2n2
from gluon_r2n2 import ModelError, training
from gluon_r2n2.training.arrays import named_parameters
from gluon_r2n2.training.config import TrainingConfig
from gluon_r2n2.training.optimiser import clip_gradients, get_state, make_optimiser, set_state

# optimisers -------------------------------------------------------------------------------------

def make_net(start, contexts=None):
    """A block with the parameters *start*, {name: array}."""
    net = mx.gluon.Block()
    for name, array in start.items():
        setattr(net, name, net.params.get(name, shape=array.shape))
    net.initialize(ctx=contexts or [mx.cpu()])
    training.set_parameters(net, {name: mx.nd.array(array) for name, array in start.items()}, contexts or [mx.cpu()],
                            source="the test")
    return net


def set_gradients(net, gradients):
    """Run a function forward and backward whose gradient is *gradients*, on every device."""
    for context in next(iter(named_parameters(net).values())).list_ctx():
        with autograd.record():
            value = sum((parameter.data(context) * mx.nd.array(gradients[name], ctx=context)).sum()
                        for name, parameter in named_parameters(net).items())
        value.backward()


def walk(net, optimiser, steps):
    """The values after each of *steps*, [(learning rate, {name: gradient}), ...], as [{name: array}, ...]."""
    trace = []
    for rate, gradients in steps:
        optimiser.set_learning_rate(rate)
        set_gradients(net, gradients)
        optimiser.step(1)
        trace.append({name: parameter.data().asnumpy() for name, parameter in named_parameters(net).items()})
    return trace


def oracle(optimizer, start, steps, decay):
    """The same in float64; *start* and the gradients are of one parameter, *decay* is 0 for a bias."""
    w, mean, variance, velocity, trace = start.astype(np.float64), 0.0, 0.0, 0.0, []
    for t, (rate, gradient) in enumerate(steps, 1):
        gradient = gradient.astype(np.float64) + (0.0 if optimizer == "adamw" else decay * w)
        if optimizer == "sgd":
            velocity = 0.9 * velocity - rate * gradient
            w = w + velocity
        else:
            mean, variance = 0.9 * mean + 0.1 * gradient, 0.999 * variance + 0.001 * gradient ** 2
            rate_t = rate * np.sqrt(1 - 0.999 ** t) / (1 - 0.9 ** t)
            kept = w * (1 - rate * decay) if optimizer == "adamw" else w
            w = kept - rate_t * mean / (np.sqrt(variance) + 1e-8)
        trace.append(w)
    return trace, {"mean": mean, "variance": variance, "velocity": velocity}


# MXNet's Adam has 1 - b2 in float32, 1.3e-5 too little, and the original 1 - b2^t: together that much of an update
EXACT = {"adam": 1.5e-5, "adamw": 1.5e-5, "sgd": 1e-6}
RATES = {"adam": [1e-4] * 3 + [1e-5] * 2, "sgd": [1e-2] * 3 + [1e-3] * 2}
PLACES = {"weight": "p0", "bias": "p1"}  # in the fixture


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_optimisers_are_the_originals(shared, optimizer):
    """Five steps on a weight and a bias, as closely as float32 holds the parameters."""
    fixture = np.load(shared / "fixtures" / "optimizer.npz", allow_pickle=False)
    start = {name: fixture[f"{optimizer}.init.{place}"] for name, place in PLACES.items()}
    net = make_net(start)
    steps = [(rate, {name: fixture[f"grad.step{step}.{place}"] for name, place in PLACES.items()})
             for step, rate in enumerate(RATES[optimizer], 1)]
    trace = walk(net, make_optimiser(net, TrainingConfig.from_recipe("original", optimizer=optimizer)), steps)
    for step, values in enumerate(trace, 1):
        for name, place in PLACES.items():
            truth = fixture[f"{optimizer}.step{step}.{place}"]
            moved = np.abs(truth.astype(np.float64) - start[name])
            assert 1e-5 < moved.max() < 4e-4
            off = np.abs(values[name].astype(np.float64) - truth)
            assert (off <= EXACT[optimizer] * moved + 2 * np.spacing(np.abs(truth))).all(), (step, name)


# the weight [0, 0] and the bias [0] of that run: first value, gradients of the five steps, the original's results
PINNED = {
    "weight": (-0.14851704, [0.00030388896, -0.00048539086, 0.0004742312, -0.00032025453, 0.0005897519], {
        "adam": [-0.14861694, -0.1485877, -0.14861041, -0.14860976, -0.1486125],
        "sgd": [-0.14852001, -0.14851774, -0.14852038, -0.14852242, -0.14852484]}),
    "bias": (0.098688684, [0.0003647472, 0.001006086, -3.851274e-10, -8.134602e-05, 0.0006901282], {
        "adam": [0.09858877, 0.09849601, 0.09842431, 0.09841889, 0.09841209],
        "sgd": [0.09868503, 0.09867169, 0.09865968, 0.09864895, 0.09863861]}),
}


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_two_numbers_of_the_originals_optimisers(optimizer):
    net = make_net({name: np.array([start], np.float32) for name, (start, _, _) in PINNED.items()})
    steps = [(rate, {name: np.array([gradients[step]], np.float32) for name, (_, gradients, _) in PINNED.items()})
             for step, rate in enumerate(RATES[optimizer])]
    trace = walk(net, make_optimiser(net, TrainingConfig.from_recipe("original", optimizer=optimizer)), steps)
    for name, (_, _, results) in PINNED.items():
        np.testing.assert_allclose([values[name][0] for values in trace], results[optimizer], rtol=0, atol=1.6e-8)


def long_walk(seed=5, steps=40):
    """A start near 0, where float32 resolves every update, and steps whose gradients drift."""
    random = np.random.RandomState(seed)
    start = {name: random.randn(6, 4).astype(np.float32) * 1e-2 for name in ("weight", "bias")}
    rates = 10 ** random.uniform(-4, -2, steps)
    return start, [(float(rate), {name: (random.randn(6, 4) + 0.5).astype(np.float32) * 1e-3 for name in start})
                   for rate in rates]


@pytest.mark.parametrize("optimizer", training.OPTIMISERS)
def test_optimisers_are_their_formulas(optimizer):
    """Values and state after each of 40 steps, decay strong enough to show, on the weight only."""
    start, steps = long_walk()
    net = make_net(start)
    optimiser = make_optimiser(net, TrainingConfig.from_recipe(optimizer=optimizer, weight_decay=0.3))
    trace = walk(net, optimiser, steps)
    state = get_state(optimiser, list(named_parameters(net)))
    assert len(state) == (2 if optimizer == "sgd" else 4)
    for name in start:
        truth, kept = oracle(optimizer, start[name], [(rate, gradients[name]) for rate, gradients in steps],
                             0.3 if name == "weight" else 0.0)
        path = np.cumsum(np.abs(np.diff([start[name].astype(np.float64), *truth], axis=0)), axis=0)
        for values, wanted, way in zip(trace, truth, path):
            off = np.abs(values[name] - wanted)
            assert (off <= EXACT[optimizer] * way + 3 * np.spacing(np.float32(0.03))).all(), name
        for kind in ("mean", "variance", "velocity"):
            if f"{kind}.{name}" in state:
                found = state[f"{kind}.{name}"].asnumpy()
                np.testing.assert_allclose(found, kept[kind], rtol=2e-5, atol=1e-4 * np.abs(kept[kind]).max())


@pytest.mark.parametrize("optimizer", training.OPTIMISERS)
def test_a_resumed_optimiser_goes_on_to_the_bit(optimizer, tmp_path):
    start, steps = long_walk(steps=12)
    config = TrainingConfig.from_recipe(optimizer=optimizer)
    net = make_net(start)
    straight = walk(net, make_optimiser(net, config), steps)
    net = make_net(start)
    optimiser = make_optimiser(net, config)
    walk(net, optimiser, steps[:5])
    names = list(named_parameters(net))
    mx.nd.save(str(tmp_path / "state"), get_state(optimiser, names))
    devices = [mx.cpu(0), mx.cpu(1)]  # on more of them than before
    net = make_net({name: parameter.data().asnumpy() for name, parameter in named_parameters(net).items()}, devices)
    optimiser = make_optimiser(net, config)
    set_state(optimiser, names, mx.nd.load(str(tmp_path / "state")), update=5)
    halved = [(rate, {name: gradient / 2 for name, gradient in gradients.items()}) for rate, gradients in steps[5:]]
    for values, wanted in zip(walk(net, optimiser, halved), straight[5:]):
        for name in names:
            np.testing.assert_array_equal(values[name], wanted[name])
    with pytest.raises(ModelError, match="another --optimizer"):
        other = make_optimiser(net, TrainingConfig.from_recipe(optimizer="adam" if optimizer == "sgd" else "sgd"))
        set_state(other, names, mx.nd.load(str(tmp_path / "state")), update=5)


def test_only_weights_that_learn_decay():
    """With no gradient at all AdamW shrinks weights; biases, normalisation and frozen layers stay as they are."""
    net = gluon_r2n2.get_model("gru_3", width=1 / 16, input_size=SIZE, resolution=16, norm="batch",
                               upsample="trilinear_frozen")
    gluon_r2n2.initialise(net)
    before = {name: parameter.data().asnumpy() for name, parameter in named_parameters(net).items()}
    optimiser = make_optimiser(net, TrainingConfig.from_recipe(weight_decay=0.5))
    optimiser.set_learning_rate(0.1)
    learning = [parameter for parameter in named_parameters(net).values() if parameter.grad_req != "null"]
    with autograd.record():
        value = sum((parameter.data() * 0).sum() for parameter in learning)
    value.backward()
    optimiser.step(1)
    shrunk = set()
    for name, parameter in named_parameters(net).items():
        if (parameter.data().asnumpy() != before[name]).any():
            np.testing.assert_allclose(parameter.data().asnumpy(), before[name] * 0.95, rtol=1e-6)
            shrunk.add(name)
    assert shrunk == {name for name in before if name.endswith("weight") and "interpolate" not in name}


# clipping --------------------------------------------------------------------------------------------

def clipped(limit, contexts, batch_size=4, frozen=None):
    """(start gradients, norm, gradients after clipping on each device) of a net of three parameters."""
    random = np.random.RandomState(6)
    gradients = {name: random.randn(*shape).astype(np.float32)
                 for name, shape in {"weight": (40, 30, 3), "bias": (40,), "gamma": (7, 1)}.items()}
    net = make_net({name: np.zeros_like(gradient) for name, gradient in gradients.items()}, contexts)
    if frozen:
        named_parameters(net)[frozen].lr_mult = 0
    optimiser = make_optimiser(net, TrainingConfig())
    set_gradients(net, {name: gradient / len(contexts) for name, gradient in gradients.items()})
    optimiser.allreduce_grads()
    norm = clip_gradients(optimiser, limit, batch_size=batch_size).asscalar()
    after = [{name: parameter.grad(context).asnumpy() for name, parameter in named_parameters(net).items()}
             for context in contexts]
    return gradients, norm, after


@pytest.mark.parametrize("devices", [1, 2])
def test_clipping_keeps_the_direction(devices):
    contexts = [mx.cpu(number) for number in range(devices)]
    gradients, norm, after = clipped(3.0, contexts)
    truth = np.sqrt(sum((gradient.astype(np.float64) ** 2).sum() for gradient in gradients.values())) / 4
    assert norm == pytest.approx(truth, rel=1e-5) and truth > 3
    for device in after:
        for name, gradient in gradients.items():
            np.testing.assert_allclose(device[name], gradient * 3 / truth, rtol=1e-5)
            np.testing.assert_array_equal(device[name], after[0][name])
    for limit in (0.0, float(truth) * 1.01):  # not wanted, not needed: no bit changes
        _, again, after = clipped(limit, contexts)
        assert again == norm
        for name, gradient in gradients.items():
            np.testing.assert_array_equal(after[0][name], gradient)


def test_frozen_parameters_do_not_count():
    gradients, norm, after = clipped(3.0, [mx.cpu()], frozen="weight")
    truth = np.sqrt(sum((gradients[name].astype(np.float64) ** 2).sum() for name in ("bias", "gamma"))) / 4
    assert norm == pytest.approx(truth, rel=1e-5)
