"""The networks against their equations in NumPy, imperative and hybridised, and their initial values."""
from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from oracles import Network, unpool

import gluon_r2n2
from gluon_r2n2 import ModelError, get_model, initialise
from gluon_r2n2.config import ModelConfig
from gluon_r2n2.decoder import Unpool, VoxelBatchNorm, trilinear
from gluon_r2n2.deployment.engines.mxnet_engine import INPUTS, StepEngine
from gluon_r2n2.initialisers import Msra, Orthogonal

SMALL = {"width": 1 / 16, "input_size": 33}
PUBLISHED = ["gru_1", "gru_3", "lstm_1", "lstm_3", "res3d_gru_3"]


def parameters(net):
    return {name: p.data().asnumpy() for name, p in net._collect_params_with_prefix().items()}


def images(views=2, batch=2, size=33):
    return np.random.uniform(size=(views, batch, 3, size, size)).astype(np.float32)


@pytest.fixture
def randomise():
    """Fill every parameter with values of a size that leaves signal in all branches."""
    def fill(net):
        initialise(net, seed=0)
        for p in net.collect_params().values():
            p.set_data(mx.nd.random.normal(0, 0.7 / np.sqrt(np.prod(p.shape[1:]) or 1), p.shape)
                       if len(p.shape) > 1 else mx.nd.random.normal(0.1, 0.1, p.shape))
    return fill


@pytest.mark.parametrize("hybrid", [False, True])
@pytest.mark.parametrize("name", PUBLISHED)
def test_networks_match_their_equations(name, hybrid, randomise):
    net = get_model(name, **SMALL)
    randomise(net)
    if hybrid:
        net.hybridize(static_alloc=True, static_shape=True)
    x = images(views=3)
    expected = Network(net.config, parameters(net))(x)
    prefixes = [logits.asnumpy() for logits in net.prefixes(mx.nd.array(x))]
    for ours, theirs in zip(prefixes, expected):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=2e-5 * np.abs(theirs).max())
    np.testing.assert_allclose(net(mx.nd.array(x)).asnumpy(), expected[-1], atol=2e-5 * np.abs(expected[-1]).max())


@pytest.mark.slow
@pytest.mark.parametrize("norm", [None, "batch"])
@pytest.mark.parametrize("upsample", ["unpool", "trilinear", "trilinear_frozen", "deconv"])
@pytest.mark.parametrize("name", ["gru_3", "res3d_gru_3"])
def test_hybridised_equals_imperative_for_any_number_of_views(name, upsample, norm):
    net = get_model(name, upsample=upsample, norm=norm, resolution=16, **SMALL)
    initialise(net, seed=3)
    parts = [net.cell.candidate.weight, net.projection.dense.weight, net.decoder.logits.weight]

    def run(views):
        x, y = mx.nd.array(images(views, batch=4)), mx.nd.array(np.random.uniform(size=(4, 16, 16, 16)) > 0.9)
        with mx.autograd.record():
            loss = gluon_r2n2.VoxelLoss()(net(x), y)
        loss.backward()
        return [loss.asnumpy()] + [part.grad().asnumpy() for part in parts]

    results = {}
    for hybrid in (False, True):
        np.random.seed(5)
        if hybrid:
            net.hybridize(static_alloc=True, static_shape=True)
        results[hybrid] = [run(views) for views in (1, 3, 2, 3, 1, 2)]  # the count changes, as it does in training
    # the graphs run the same kernels in the same order; batch normalisation does not, and amplifies the difference
    tolerance = 1e-5 if norm is None else 2e-2
    for imperative, hybridised in zip(results[False], results[True]):
        for theirs, ours in zip(imperative, hybridised):
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max())


@pytest.mark.parametrize("name,count", [("res3d_gru_3", 35968706), ("gru_3", 32207266), ("lstm_1", 30929314)])
def test_published_sizes(name, count):
    net = get_model(name)
    assert sum(int(np.prod(p.shape)) for p in net.collect_params().values()) == count


@pytest.mark.parametrize("resolution", [16, 32, 64])
def test_resolution(resolution):
    net = get_model("res3d_gru_3", width=1 / 16, input_size=64, resolution=resolution)
    initialise(net)
    assert net(mx.nd.zeros((1, 2, 3, 64, 64))).shape == (2, 2) + (resolution,) * 3


@pytest.mark.filterwarnings("ignore:Cannot decide type")  # Gluon's, of a graph whose inputs have no type
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("name", ["lstm_1", "res3d_gru_3"])
def test_a_stream_of_views_equals_the_sequence(name, batch, tmp_path):
    """View by view, from the network and from exported files, for every number of views from 1 to 24."""
    net = get_model(name, resolution=16, **SMALL)
    initialise(net, seed=1)
    net.hybridize(static_alloc=True, static_shape=True)
    x = mx.nd.array(images(views=24, batch=batch))
    StepEngine.from_network(net).save(tmp_path / "symbol.json", tmp_path / "params")
    exported = mx.gluon.SymbolBlock.imports(str(tmp_path / "symbol.json"), list(INPUTS), str(tmp_path / "params"))
    state = exported_state = net.begin_state(batch)
    for count in range(1, 25):
        logits, state = net.step(x[count - 1], state)
        sequence = net(x[:count])
        np.testing.assert_allclose(logits.asnumpy(), sequence.asnumpy(), rtol=0, atol=1e-6)
        probability, exported_state = exported(x[count - 1], exported_state)
        softmax = mx.nd.softmax(sequence, axis=1)[:, 1]
        np.testing.assert_allclose(probability.asnumpy(), softmax.asnumpy(), rtol=0, atol=1e-6)
    for ours, logits in zip(net.prefixes(x[:3]), (net(x[:count]) for count in (1, 2, 3))):
        np.testing.assert_array_equal(ours.asnumpy(), logits.asnumpy())


def test_a_recorded_sequence_equals_a_stream():
    """In training all views are encoded as one batch; that is the same network."""
    net = get_model("res3d_gru_3", resolution=16, **SMALL)
    initialise(net)
    x = mx.nd.array(images(views=5, batch=3))
    with mx.autograd.record():
        recorded = net(x).asnumpy()
    np.testing.assert_allclose(recorded, net(x).asnumpy(), rtol=0, atol=1e-5 * np.abs(recorded).max())


@pytest.mark.parametrize("name", ["gru_3", "lstm_3", "res3d_gru_3"])
def test_extreme_images_stay_finite(name):
    net = get_model(name, resolution=16, **SMALL)
    initialise(net)
    for value in (0, 1, -1, 1e4):  # black, white, and what a wrong caller may send
        for views in (1, 24):
            x = mx.nd.full((views, 1, 3, 33, 33), value)
            with mx.autograd.record():
                loss = gluon_r2n2.VoxelLoss()(net(x), mx.nd.ones((1, 16, 16, 16)))
            loss.backward()
            assert np.isfinite(loss.asnumpy()).all() and np.isfinite(net(x).asnumpy()).all()
            assert all(np.isfinite(p.grad().asnumpy()).all() for p in net.collect_params().values())


@pytest.mark.parametrize("shape,dtype,message", [
    ((2, 3, 33, 33), "float32", r"got \(2, 3, 33, 33\); add the axis of the views in front"),
    ((3, 33, 33), "float32", r"shape \(views, batch, 3, 33, 33\) are wanted, got \(3, 33, 33\)$"),
    ((1, 2, 33, 33, 3), "float32", "the channels come before the rows"),
    ((1, 2, 4, 33, 33), "float32", "red, green and blue"),
    ((1, 2, 3, 33, 44), "float32", "cut the pictures to a square first"),
    ((1, 2, 3, 44, 44), "float32", "input_size=44"),
    ((1, 2, 3, 33, 33), "uint8", r"got uint8; give images.astype\('float32'\) / 255"),
    ((1, 2, 3, 33, 33), "float64", r"got float64; give images.astype\('float32'\)$"),
])
def test_wrong_images_are_refused(shape, dtype, message):
    net = get_model("gru_3", resolution=16, **SMALL)
    initialise(net)
    with pytest.raises(ModelError, match=message):
        net(mx.nd.zeros(shape, dtype=dtype))
    with mx.autograd.record(), pytest.raises(ModelError, match=message):
        net(mx.nd.zeros(shape, dtype=dtype))
    if len(shape) == 5:
        with pytest.raises(ModelError, match=message):
            net.step(mx.nd.zeros(shape[1:], dtype=dtype), net.begin_state(2))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_refused(value):
    net = get_model("gru_3", resolution=16, **SMALL)
    initialise(net)
    x = images(views=3, batch=2)
    x[2, 1, 0, 30, 30] = value
    with pytest.raises(ModelError, match="first in view 2 of sample 1"):
        net(mx.nd.array(x))
    with pytest.raises(ModelError, match="first in view 0 of sample 1"):
        net.step(mx.nd.array(x[2]), net.begin_state(2))


def test_a_state_of_another_batch_is_refused():
    net = get_model("gru_3", resolution=16, **SMALL)
    initialise(net)
    with pytest.raises(ModelError, match=r"wanted for 2 images, got \(1, .*begin_state\(2\)"):
        net.step(mx.nd.array(images()[0]), net.begin_state(1))


def test_what_are_no_arrays_or_one_view_are_refused():
    net = get_model("gru_3", resolution=16, **SMALL)
    initialise(net)
    x, state = mx.nd.array(images()), net.begin_state(2)
    with pytest.raises(ModelError, match=r"got ndarray; give mx.nd.array\(images\)"):
        net(images())
    with pytest.raises(ModelError, match=r"got ndarray; give mx.nd.array\(images\)"):
        net.step(images()[0], state)
    for wrong in (x, x[0, 0], None):
        with pytest.raises(ModelError, match=r"one view of each object \(batch, 3, 33, 33\) is wanted"):
            net.step(wrong, state)
    with pytest.raises(ModelError, match=r"wanted for 2 images, got NoneType; begin with net.begin_state\(2\)"):
        net.step(x[0], None)
    for batch in (0, -1, 2.0, "2"):
        with pytest.raises(ModelError, match="a state for at least 1 object is wanted"):
            net.begin_state(batch)


@pytest.mark.parametrize("option", [{"kernel": 3.0}, {"hidden": 24.0}, {"hidden": True}, {"input_size": 127.0},
                                    {"resolution": "32"}, {"width": "0.25"}, {"leak": None}])
def test_options_of_another_type_are_refused(option):
    with pytest.raises(ModelError, match=f"{next(iter(option))} must be an? "):
        get_model("gru_3", **option)


def test_parameters_load_into_a_network_that_was_used(tmp_path):
    """oneDNN keeps the weights of a used network in its own layout, which Gluon's own loading cannot write into."""
    first, second = (get_model("res3d_gru_3", resolution=16, **SMALL) for _ in range(2))
    x = mx.nd.array(images())
    for seed, net in enumerate((first, second)):
        initialise(net, seed=seed)
        net.hybridize(static_alloc=True)
    expected = first(x).asnumpy()
    assert not np.array_equal(second(x).asnumpy(), expected)
    first.save_parameters(str(tmp_path / "net.params"))
    second.load_parameters(str(tmp_path / "net.params"))
    np.testing.assert_array_equal(second(x).asnumpy(), expected)
    unused = get_model("res3d_gru_3", resolution=16, **SMALL)
    unused.load_parameters(str(tmp_path / "net.params"))
    np.testing.assert_allclose(unused(x).asnumpy(), expected, atol=1e-5)


@pytest.mark.skipif(not mx.context.num_gpus(), reason="there is no GPU")
@pytest.mark.parametrize("name", ["lstm_1", "res3d_gru_3"])
def test_half_precision(name):
    net = get_model(name)
    initialise(net, mx.gpu())
    x = mx.nd.random.uniform(shape=(3, 2, 3, 127, 127), ctx=mx.gpu())
    full = mx.nd.softmax(net(x), axis=1).asnumpy()
    net.cast("float16")
    half = net(x.astype("float16"))
    assert half.dtype == np.float16
    np.testing.assert_allclose(mx.nd.softmax(half.astype("float32"), axis=1).asnumpy(), full, atol=2e-2)


def test_unpool_is_zero_stuffing():
    x = np.random.normal(size=(2, 3, 4, 5, 6)).astype(np.float32)
    np.testing.assert_array_equal(Unpool()(mx.nd.array(x)).asnumpy(), unpool(x))


def test_trilinear_reproduces_a_ramp():
    layer = trilinear(2, learn=True)
    layer.initialize()
    i, j, k = np.meshgrid(*[np.arange(6.0)] * 3, indexing="ij")
    ramp = np.stack([1 + 2 * i - j + 3 * k, i + j + k])[None].astype(np.float32)
    out = layer(mx.nd.array(ramp)).asnumpy()[:, :, 2:-2, 2:-2, 2:-2]  # the border sees the zero padding
    # output cell o lies at (o + 0.5) / 2 - 0.5 of the input's axis
    i, j, k = np.meshgrid(*[(np.arange(2, 10) + 0.5) / 2 - 0.5] * 3, indexing="ij")
    np.testing.assert_allclose(out[0], np.stack([1 + 2 * i - j + 3 * k, i + j + k]), rtol=1e-5)


def test_frozen_upsampling_does_not_learn():
    net = get_model("gru_3", upsample="trilinear_frozen", **SMALL)
    initialise(net)
    trainer = mx.gluon.Trainer(net.collect_params(), "adam", {"wd": 0.1})
    before = parameters(net)
    with mx.autograd.record():
        net(mx.nd.array(images())).mean().backward()
    trainer.step(1)
    changed = {name for name, value in parameters(net).items() if not np.array_equal(value, before[name])}
    frozen = {name for name in before if "interpolate" in name}
    assert frozen and not frozen & changed and len(changed) > len(before) / 2


def test_batch_norm_of_voxels():
    layer = VoxelBatchNorm(in_channels=3)
    layer.initialize()
    x = np.random.normal(2, 3, (4, 3, 5, 6, 7)).astype(np.float32)
    with mx.autograd.record():
        y = layer(mx.nd.array(x)).asnumpy()
    expected = (x - x.mean((0, 2, 3, 4), keepdims=True)) / np.sqrt(x.var((0, 2, 3, 4), keepdims=True) + 1e-5)
    np.testing.assert_allclose(y, expected, atol=1e-4)


def test_msra_deviation():
    array = mx.nd.zeros((3 * 64, 32, 3, 3))
    Msra(gates=3)(mx.init.InitDesc("weight"), array)
    assert array.asnumpy().std() == pytest.approx(np.sqrt(2 / (9 * (64 + 32) / 2)), rel=0.02)


def test_recurrent_weights_are_orthogonal_per_gate():
    array = mx.nd.zeros((16, 8, 3, 3, 3))
    Orthogonal(gates=2)(mx.init.InitDesc("weight"), array)
    for gate in array.asnumpy().reshape(2, 8, -1):
        np.testing.assert_allclose(gate @ gate.T, np.eye(8), atol=1e-5)


def test_initial_values():
    net = get_model("res3d_gru_3", **SMALL)
    initialise(net, seed=7)
    first = parameters(net)
    for name, value in first.items():
        if name.endswith("bias"):
            np.testing.assert_array_equal(value, np.float32(0.1))
    initialise(net, seed=7)
    for name, value in parameters(net).items():
        np.testing.assert_array_equal(value, first[name])
    initialise(net, seed=8)
    assert not np.array_equal(parameters(net)["encoder.dense.weight"], first["encoder.dense.weight"])


def test_unknown_names_say_what_is_near():
    with pytest.raises(ModelError, match="did you mean 'res3d_gru_3'"):
        get_model("res3d_gru3")
    with pytest.raises(ModelError, match="did you mean 'width'"):
        get_model("gru_3", widht=0.5)
    with pytest.raises(ModelError, match="did you mean 'trilinear'"):
        get_model("gru_3", upsample="trilinera")
    for options in ({"leak": 1.0}, {"hidden": 0}, {"kernel": 2}, {"input_size": 16}, {"resolution": 48}):
        with pytest.raises(ModelError, match=next(iter(options))):
            get_model("gru_3", **options)


def test_configuration_round_trip():
    config = ModelConfig(encoder="plain", cell="lstm", kernel=1, width=0.25, norm="batch")
    assert ModelConfig.from_dict(config.as_dict()) == config
    assert gluon_r2n2.model_name(config) == "lstm_1"
    assert gluon_r2n2.model_name(ModelConfig(encoder="plain", cell="gru", kernel=5)) == "custom"
    assert gluon_r2n2.model_from_config(config.as_dict()).config == config
