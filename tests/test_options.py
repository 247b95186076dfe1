"""The options of a network against NumPy forms of their definitions: each one changes what it says, and only that."""
from __future__ import annotations

import itertools

import mxnet as mx
import numpy as np
import oracles
import pytest

from gluon_r2n2 import ModelError, get_model, initialise, list_models, model_config
from gluon_r2n2.config import ModelConfig
from gluon_r2n2.model_zoo import model_title, register

SMALL = {"width": 1 / 16, "input_size": 33}


def make(name, **options):
    """A small network with random parameters, and these by name; biases are not all alike."""
    net = get_model(name, **{**SMALL, **options})
    initialise(net, seed=2)
    for key, parameter in net._collect_params_with_prefix().items():
        if key.endswith(("bias", "beta", "running_mean")):
            parameter.set_data(mx.nd.random.normal(0.1, 0.1, parameter.shape))
        elif key.endswith(("gamma", "running_var")):
            parameter.set_data(mx.nd.random.uniform(0.5, 1.5, parameter.shape))
    return net, {key: parameter.data().asnumpy() for key, parameter in net._collect_params_with_prefix().items()}


def images(views=2, batch=1, size=33):
    return np.random.uniform(size=(views, batch, 3, size, size)).astype(np.float32)


def assert_close(ours, theirs, tolerance=2e-5):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max())


@pytest.mark.parametrize("name", ["gru_3", "res3d_gru_3"])
def test_leak_is_the_slope_of_every_leaky_relu(name, monkeypatch):
    net, parameters = make(name, leak=0.1)
    x = images()
    monkeypatch.setattr(oracles, "leaky", lambda value, *_: np.where(value > 0, value, 0.1 * value))
    assert_close(net(mx.nd.array(x)).asnumpy(), oracles.Network(net.config, parameters)(x)[-1])
    other, _ = make(name)  # the same parameters and the default slope of 0.01
    assert np.abs(net(mx.nd.array(x)).asnumpy() - other(mx.nd.array(x)).asnumpy()).max() > 1e-3


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize("kernel, hidden", [(5, 48), (1, 20)])
def test_kernel_and_hidden_of_the_recurrence(cell, kernel, hidden):
    net, parameters = make("gru_3", cell=cell, kernel=kernel, hidden=hidden)
    assert net.cell.gates.weight.shape[1:] == (hidden,) + (kernel,) * 3
    assert net.begin_state(2).shape == (2, hidden, 4, 4, 4)
    x = images(views=3, batch=2)
    assert_close(net(mx.nd.array(x)).asnumpy(), oracles.Network(net.config, parameters)(x)[-1])


@pytest.mark.slow
@pytest.mark.parametrize("resolution, stages", [(16, 2), (64, 4), (128, 5)])
def test_resolution_is_the_number_of_doublings(resolution, stages):
    net, parameters = make("gru_3", resolution=resolution)
    assert len(net.decoder.stages) == stages
    state = np.random.normal(size=(1, 16, 4, 4, 4)).astype(np.float32)
    logits = net.decode(mx.nd.array(state)).asnumpy()
    assert logits.shape == (1, 2) + (resolution,) * 3
    if resolution > 64:
        return  # too slow in NumPy
    oracle = oracles.Network(net.config, parameters)
    x = state
    for stage in range(stages):
        x = oracles.unpool(x)
        x = oracles.leaky(oracles.convolve(x, *oracle.unpooled_weights(f"decoder.stages.{stage}.conv_a.0")), 0.01)
    x = oracles.leaky(oracles.convolve(x, *oracle.weights("decoder.tail.conv_a.0")), 0.01)
    assert_close(logits, oracles.convolve(x, *oracle.weights("decoder.logits")))


@pytest.mark.parametrize("name", ["gru_3", "res3d_gru_3"])
def test_batch_normalisation_follows_the_convolutions(name):
    """With fixed statistics it scales and shifts channels: so folded into the convolutions, it is the plain network."""
    net, given = make(name, norm="batch")
    folded = dict(given)
    for key in given:
        if not key.endswith("gamma"):
            continue
        norm = key[: -len("gamma")]
        conv = norm.rsplit(".", 2)[0] + ".0."  # "....1." follows "....0." in a block
        scale = given[key] / np.sqrt(given[norm + "running_var"] + 1e-5)
        weight = given[conv + "weight"]
        doubling = conv.startswith("decoder.stages") and "conv_a" in conv  # these lie (in, out, ...)
        shape = ((1, -1) if doubling else (-1, 1)) + (1,) * (weight.ndim - 2)
        folded[conv + "weight"] = weight * scale.reshape(shape)
        folded[conv + "bias"] = (given[conv + "bias"] - given[norm + "running_mean"]) * scale + given[norm + "beta"]
    assert len([key for key in given if key.endswith("gamma")]) >= 9
    x = images()
    assert_close(net(mx.nd.array(x)).asnumpy(), oracles.Network(net.config, folded)(x)[-1], 1e-4)


def transposed(x, weight, *, crop):
    """A transposed convolution of stride 2 from its definition: every input value paints a scaled kernel."""
    kernel = weight.shape[-1]
    out = np.zeros((len(x), weight.shape[1]) + tuple(2 * (n - 1) + kernel for n in x.shape[2:]))
    for i, j, k in itertools.product(*map(range, x.shape[2:])):
        patch = np.einsum("bi,iodhw->bodhw", x[:, :, i, j, k], weight)
        out[:, :, 2 * i : 2 * i + kernel, 2 * j : 2 * j + kernel, 2 * k : 2 * k + kernel] += patch
    return out[(slice(None), slice(None)) + (slice(crop, -crop),) * 3]


@pytest.mark.parametrize("upsample", ["trilinear", "trilinear_frozen", "deconv"])
def test_upsampling_is_a_transposed_convolution(upsample):
    net, given = make("gru_3", upsample=upsample)
    x = np.random.normal(size=(2, 16, 4, 4, 4)).astype(np.float32)
    ours = net.decoder.stages[0](mx.nd.array(x)).asnumpy()
    weight, bias = given["decoder.stages.0.conv_a.0.weight"], given["decoder.stages.0.conv_a.0.bias"]
    if upsample == "deconv":
        expected = transposed(x, weight, crop=1) + bias[:, None, None, None]
    else:
        each = given["decoder.stages.0.interpolate.weight"]  # (C, 1, 4, 4, 4): channels stay apart
        dense = np.zeros((16, 16, 4, 4, 4))
        dense[range(16), range(16)] = each[:, 0]
        expected = oracles.convolve(transposed(x, dense, crop=1), weight, bias)
    assert_close(ours, oracles.leaky(expected, 0.01))


@pytest.mark.parametrize("size", [32, 33, 64, 127])
def test_input_size_sets_the_dense_layer(size):
    net, parameters = make("gru_3", input_size=size)
    edge = size
    for _ in range(6):
        edge = edge // 2 + 1  # padded pooling
    assert net.encoder.dense.weight.shape[1] == 16 * edge**2
    x = images(views=1, size=size)
    assert_close(net(mx.nd.array(x)).asnumpy(), oracles.Network(net.config, parameters)(x)[-1])


def test_width_scales_every_channel_count():
    half, whole = (get_model("res3d_gru_3", width=width)._collect_params_with_prefix() for width in (0.5, 1))
    fixed = {3, 2}  # colours; the classes empty and occupied
    for key, parameter in whole.items():
        for ours, theirs in zip(half[key].shape[:2], parameter.shape[:2]):
            assert ours == theirs / 2 or theirs in fixed, key


# names ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("title, name", [
    ("3D-LSTM-1", "lstm_1"), ("3D-GRU-1", "gru_1"), ("3D-LSTM-3", "lstm_3"), ("3D-GRU-3", "gru_3"),
    ("Res3D-GRU-3", "res3d_gru_3"), ("3d-gru-3", "gru_3"), ("RES3D-GRU-3", "res3d_gru_3")])
def test_the_papers_titles_are_names_too(title, name):
    assert model_config(title) == model_config(name)
    assert model_config(title, width=0.5) == model_config(name, width=0.5)
    assert model_title(name).casefold() == title.casefold()


def test_every_name_has_a_title_of_its_own():
    titles = [model_title(name) for name in list_models()]
    assert len(set(titles)) == len(titles)
    with pytest.raises(ModelError, match="did you mean 'gru_3'"):
        model_title("gru3")
    with pytest.raises(ModelError, match="registered already"):
        register("gru_3", "Another", ModelConfig())


@pytest.mark.parametrize("options, message", [
    ({"kernel": 2}, "unknown kernel 2"), ({"hidden": 0}, "hidden must be 1 to 4096"), ({"leak": 1}, "leak is a slope"),
    ({"leak": -0.1}, "leak is a slope"), ({"width": 0}, "width must be above 0"), ({"norm": "group"}, "unknown norm"),
    ({"resolution": 48}, "16, 32, 64 or 128"), ({"input_size": 16}, "at least 32 pixels"),
    ({"encoder": "resnet18"}, "did you mean 'resnet18_v1b'"), ({"cell": "rnn"}, "unknown cell")])
def test_values_that_no_network_has(options, message):
    with pytest.raises(ModelError, match=message):
        get_model("gru_3", **options)
