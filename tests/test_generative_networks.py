"""3D-GAN and 3D-VAE-GAN: shapes and sizes written out by hand, NumPy's equations in float64, the zoo's names."""
from __future__ import annotations

import mxnet as mx
import numpy as np
import pytest
from oracles import Generative
from tiny_generative import LATENT, tiny_generative

import gluon_r2n2
from gluon_r2n2 import ModelError, get_model, initialise, list_models, model_config, model_from_config
from gluon_r2n2.config import ModelConfig
from gluon_r2n2.generative import (
    BATCH,
    Discriminator,
    GenerativeConfig,
    Generator,
    ImageEncoder,
    draw_latents,
    generate,
)
from gluon_r2n2.model_zoo import build, config_from_dict, family_of, model_title
from gluon_r2n2.training.arrays import get_parameters

# (channels, edge) of every convolution's output, by the edge of the grid; the last is the logits or the score
GENERATOR = {
    16: [(512, 4), (256, 8), (2, 16)],
    32: [(512, 4), (256, 8), (128, 16), (2, 32)],
    64: [(512, 4), (256, 8), (128, 16), (64, 32), (2, 64)],
    128: [(512, 4), (256, 8), (128, 16), (64, 32), (32, 64), (2, 128)],
}
DISCRIMINATOR = {
    16: [(256, 8), (512, 4), (1, 1)],
    32: [(128, 16), (256, 8), (512, 4), (1, 1)],
    64: [(64, 32), (128, 16), (256, 8), (512, 4), (1, 1)],
    128: [(32, 64), (64, 32), (128, 16), (256, 8), (512, 4), (1, 1)],
}
IMAGE_ENCODER = {  # by the edge of the picture
    64: [(64, 16), (128, 8), (256, 4), (512, 2), (400, 1)],
    127: [(64, 32), (128, 16), (256, 8), (512, 4), (400, 1)],
    137: [(64, 35), (128, 18), (256, 9), (512, 5), (400, 1)],
    224: [(64, 56), (128, 28), (256, 14), (512, 7), (400, 1)],
    256: [(64, 64), (128, 32), (256, 16), (512, 8), (400, 1)],
}
NARROW = {512: 128, 256: 64, 128: 32, 64: 16, 32: 16, 400: 400, 2: 2, 1: 1}  # at a quarter of the width, 16 at least


def outputs(symbol, **inputs):
    """(channels, edge) after every layer with a weight, in order."""
    internals = symbol.get_internals()
    shapes = dict(zip(internals.list_outputs(), internals.infer_shape(**inputs)[1]))
    layers = [name for name in shapes if name.endswith("_fwd_output")
              and not any(word in name for word in ("batchnorm", "relu", "activation"))]
    return [(shapes[name][1], shapes[name][-1]) for name in layers]


@pytest.mark.parametrize("width", [1, 0.25])
@pytest.mark.parametrize("resolution", GENERATOR)
def test_shapes_of_generator_and_discriminator(resolution, width):
    config = GenerativeConfig(resolution=resolution, width=width)
    sides = (resolution,) * 3
    wanted, judged = ([(channels if width == 1 else NARROW[channels], edge) for channels, edge in table[resolution]]
                      for table in (GENERATOR, DISCRIMINATOR))
    logits = Generator(config)(mx.sym.var("z"))
    assert outputs(logits, z=(3, 200)) == wanted[1:]  # the first grid is a product of matrices
    assert logits.infer_shape(z=(3, 200))[1] == [(3, 2, *sides)]
    first = Generator(config).stages[0]
    assert first.weight.shape == (200, wanted[0][0], 4, 4, 4)
    assert first(mx.sym.var("z")).infer_shape(z=(3, 200))[1] == [(3, wanted[0][0], 4, 4, 4)]
    score = Discriminator(config)(mx.sym.var("x"))
    assert outputs(score, x=(3, *sides)) == judged
    assert score.infer_shape(x=(3, *sides))[1] == [(3,)]


@pytest.mark.parametrize("size", IMAGE_ENCODER)
def test_shapes_of_the_image_encoder(size):
    encoder = ImageEncoder(GenerativeConfig(family="vae_gan", input_size=size))
    code = encoder(mx.sym.var("x"))
    assert outputs(code, x=(2, 3, size, size)) == IMAGE_ENCODER[size]
    assert code.infer_shape(x=(2, 3, size, size))[1] == [(2, 400)] and encoder.channels == 400
    assert encoder.gaussian.weight.shape == (400, 512) + 2 * (IMAGE_ENCODER[size][-2][1],)  # sees all that is left


def count(block):
    return sum(int(np.prod(p.shape)) for p in block.collect_params().values() if p.grad_req != "null")


def test_sizes():
    """Written out: kernels of 64 voxels without biases but at the ends, two numbers per normalised channel."""
    net = get_model("3d_vae_gan", input_size=256)
    doublings = 64 * (512 * 256 + 256 * 128 + 128 * 64)  # the same weights in both directions
    assert count(net.generator) == 200 * 512 * 64 + doublings + 64 * 2 * 64 + 2 + 2 * (512 + 256 + 128 + 64)
    assert count(net.discriminator) == 64 + 64 * 64 + doublings + 512 * 64 + 1 + 2 * (512 + 256 + 128)
    assert count(net.encoder) == (121 * 3 * 64 + 25 * (64 * 128 + 128 * 256 + 256 * 512) + 64 * 512 * 400 + 400
                                  + 2 * (64 + 128 + 256 + 512))
    assert count(net) == 46_056_083 and count(get_model("3d_gan")) == 28_622_531
    assert count(net.discriminator) == 11_048_769  # which docs/models.md says
    assert count(get_model("3d_gan", resolution=32)) == 28_622_531 - 2 * 64 * 128 * 64 - 2 * 64 - 2 * 128 - 64 * (
        2 * 64 + 64) + 64 * (2 * 128 + 128) + 64  # without the stage of 64 channels; its neighbour is at the ends


# equations -----------------------------------------------------------------------------------------

def values(net):
    return {name: array.asnumpy() for name, array in get_parameters(net).items()}  # which waits for Deconvolution


def inputs(net, batch=3):
    config, random = net.config, np.random.RandomState(3)
    return (random.normal(size=(batch, config.latent)), (random.uniform(size=(batch,) + 3 * (config.resolution,)) > 0.7)
            * 1.0, random.uniform(size=(batch, 3, config.input_size, config.input_size)))


def near(ours, theirs, tolerance=2e-5):
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max())


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("hybrid", [False, True])
@pytest.mark.parametrize("options", [{}, {"resolution": 32, "input_size": 37, "leak": 0.05}])
def test_parts_match_their_equations(options, hybrid, training):
    net = tiny_generative(**options)
    net.hybridize(hybrid, **({"static_alloc": True, "static_shape": True} if hybrid else {}))
    latents, grids, images = inputs(net)
    oracle = Generative(net.config, values(net), training=training)
    with mx.autograd.record() if training else mx.autograd.pause():
        logits, scores = net.generator(mx.nd.array(latents)), net.discriminator(mx.nd.array(grids))
        gaussian = net.gaussian(mx.nd.array(images))
    near(logits.asnumpy(), oracle.generate(latents))
    near(scores.asnumpy(), oracle.judge(grids), 1e-4)
    for ours, theirs in zip(gaussian, oracle.encode(images)):
        near(ours.asnumpy(), theirs, 1e-4)
    if not training:
        features = net.discriminator.features(mx.nd.array(grids))
        assert [each.shape[1:] for each in features] == [(channels, edge, edge, edge) for channels, edge in
                                                         ([(16, 8), (32, 4)] if not options else
                                                          [(16, 16), (16, 8), (32, 4)])]
        near(net.discriminator.score(features[-1]).reshape(-1).asnumpy(), scores.asnumpy())


@pytest.mark.parametrize("part", ["generator", "discriminator", "encoder"])
def test_gradients_are_the_differences_of_the_equations(part):
    """Two entries of every parameter, and of the input, against central differences in float64; in training mode."""
    net, random = tiny_generative(), np.random.RandomState(1)
    x = dict(zip(("generator", "discriminator", "encoder"), inputs(net)))[part]
    given, weights = mx.nd.array(x), None
    given.attach_grad()
    with mx.autograd.record():
        output = getattr(net, part)(given)
        weights = random.normal(size=output.shape)
        loss = (output * mx.nd.array(weights)).sum()
    loss.backward()
    start = values(net)
    named = {name: p for name, p in net._collect_params_with_prefix().items()
             if name.startswith(part) and p.grad_req != "null"}
    gradients = {name: p.grad().asnumpy() for name, p in named.items()}

    def exact(arrays, x):
        oracle = Generative(net.config, arrays, training=True)
        result = {"generator": oracle.generate, "discriminator": oracle.judge,
                  "encoder": lambda x: np.concatenate(oracle.encode(x), axis=1)}[part](x)
        return (result * weights).sum()

    for name, found in [*gradients.items(), ("input", given.grad.asnumpy())]:
        for place in random.choice(found.size, 2):
            ends = []
            for sign in (1, -1):
                arrays, moved = {**start}, x.copy()
                array = moved if name == "input" else start[name].astype(np.float64)
                array.flat[place] += sign * 1e-6
                ends.append(exact(arrays if name == "input" else {**arrays, name: array}, moved))
            wanted = (ends[0] - ends[1]) / 2e-6
            error = abs(found.flat[place] - wanted)
            assert error < 1e-3 * np.abs(found).max() + 1e-6, (name, found.flat[place], wanted)


@pytest.mark.parametrize("hybrid", [False, True])
def test_a_recorded_call_learns_whatever_the_number_of_views(hybrid):
    """Images through encoder, mean and generator; the number of views changes between the calls."""
    net, gradients = tiny_generative(), {}
    net.hybridize(hybrid, **({"static_alloc": True, "static_shape": True} if hybrid else {}))
    images = np.random.RandomState(0).uniform(size=(3, 2, 3, 32, 32))
    for views in (1, 3, 2, 1):
        with mx.autograd.record(train_mode=False):  # a batch of three views has other statistics than one
            loss = (net(mx.nd.array(images[:views])) ** 2).mean()
        loss.backward(train_mode=False)
        gradients.setdefault(views, []).append(net.encoder.gaussian.weight.grad().asnumpy())
    near(gradients[1][1], gradients[1][0], 1e-6)
    arrays, step = values(net), np.zeros_like(gradients[2][0], np.float64)
    weight = arrays.pop("encoder.gaussian.weight")
    step.flat[np.abs(gradients[2][0]).argmax()] = 1e-5

    def exact(change):
        oracle = Generative(net.config, {**arrays, "encoder.gaussian.weight": weight + change})
        mean = np.mean([oracle.encode(view)[0] for view in images[:2]], axis=0)
        return (oracle.generate(mean) ** 2).mean()

    wanted = (exact(step) - exact(-step)) / 2e-5
    assert (gradients[2][0] * step).sum() / 1e-5 == pytest.approx(wanted, rel=1e-3)


# views ---------------------------------------------------------------------------------------------

def test_the_mean_of_views():
    net = tiny_generative()
    x = mx.nd.random.uniform(shape=(4, 2, 3, 32, 32))
    means = [net.gaussian(view)[0] for view in x]
    np.testing.assert_array_equal(net(x[:1]).asnumpy(), net.generator(means[0]).asnumpy())  # one view: its own mean
    near(net(x).asnumpy(), net.generator(sum(means) / 4).asnumpy(), 1e-5)
    backwards = mx.nd.stack(*[x[view] for view in (3, 1, 0, 2)])
    near(net(backwards).asnumpy(), net(x).asnumpy(), 1e-5)  # the order does not matter
    assert np.abs(net(x[:2]).asnumpy() - net(x).asnumpy()).max() > 0.01  # but the views do
    state = net.begin_state(2)
    assert state.shape == (2, LATENT + 1, 1, 1, 1) == (2, *net.state_shape) == (2, *net.code_shape)
    np.testing.assert_array_equal(net.decode(state).asnumpy(), net.generator(mx.nd.zeros((2, LATENT))).asnumpy())
    for number, (view, prefix) in enumerate(zip(x, net.prefixes(x)), 1):
        logits, state = net.step(view, state)
        np.testing.assert_array_equal(logits.asnumpy(), prefix.asnumpy())
        np.testing.assert_array_equal(logits.asnumpy(), net(x[:number]).asnumpy())
        np.testing.assert_array_equal(state.asnumpy()[:, -1].ravel(), [number, number])


def test_wrong_images_are_refused_as_by_other_networks():
    net = tiny_generative()
    with pytest.raises(ModelError, match="input_size=44"):
        net(mx.nd.zeros((1, 2, 3, 44, 44)))
    with pytest.raises(ModelError, match=r"a state of shape \(2, 9, 1, 1, 1\) is wanted"):
        net.step(mx.nd.zeros((2, 3, 32, 32)), net.begin_state(1))


# latent vectors ------------------------------------------------------------------------------------

@pytest.mark.parametrize("prior, mean, deviation, least", [("normal", 0, 1, -10), ("uniform", 0.5, 12**-0.5, 0)])
def test_latent_vectors_are_drawn_from_the_prior(prior, mean, deviation, least):
    config = GenerativeConfig(prior=prior)
    latents = draw_latents(config, 500, np.random.default_rng(4))
    assert latents.shape == (500, 200) and latents.dtype == np.float32 and latents.min() >= least
    error = deviation / np.sqrt(latents.size)
    assert abs(latents.mean() - mean) < 4 * error and abs(latents.std() - deviation) < 4 * error
    np.testing.assert_array_equal(draw_latents(config, 500, np.random.default_rng(4)), latents)


@pytest.mark.parametrize("name", ["3d_gan", "3d_vae_gan"])
def test_generated_grids_do_not_depend_on_their_neighbours(name):
    net = tiny_generative(name)
    latents = draw_latents(net.config, BATCH + 3, np.random.default_rng(0))
    grids = generate(net, latents)
    assert grids.shape == (BATCH + 3, 16, 16, 16) and grids.dtype == np.float32 and 0 <= grids.min() <= grids.max() <= 1
    np.testing.assert_array_equal(generate(net, latents[BATCH:]), grids[BATCH:])
    np.testing.assert_array_equal(generate(net, latents[5:6])[0], grids[5])
    logits = Generative(net.config, values(net)).generate(latents[:2].astype(np.float64))
    near(grids[:2], 1 / (1 + np.exp(logits[:, 0] - logits[:, 1])))
    for wrong in (latents[:0], latents[:, :5], latents[0]):
        with pytest.raises(ModelError, match=r"latent vectors \(n, 8\), at least one, are wanted, got an array \("):
            generate(net, wrong)


@pytest.mark.parametrize("first, second", [(1, 2), (2, 1), (5, 16)])
def test_inference_with_another_number_of_vectors(first, second):
    """oneDNN keeps weights in the layout of the first batch; the one of a transposed convolution of 1^3 changes."""
    net = tiny_generative("3d_gan")
    z = mx.nd.random.normal(shape=(16, LATENT))
    before = net(z[:first]).asnumpy()
    assert net(z[:second]).shape[0] == second
    np.testing.assert_array_equal(net(z[:first]).asnumpy(), before)


# initial values, names, options --------------------------------------------------------------------

def test_initial_values():
    """Normal, of deviation 0.02; the generator's last two filters in their difference."""
    net = get_model("3d_vae_gan", width=0.25, input_size=64)
    initialise(net, seed=2)
    arrays = values(net)
    last = arrays["generator.logits.weight"]
    arrays["difference"] = last[:, 1] - last[:, 0]
    del arrays["generator.logits.weight"]
    for name, array in arrays.items():
        if array.ndim > 1:
            assert abs(array.mean()) < 4 * 0.02 / np.sqrt(array.size), name
            assert abs(array.std() - 0.02) < 4 * 0.02 / np.sqrt(2 * array.size), name
        else:
            wanted = 1 if name.endswith(("gamma", "running_var")) else 0
            np.testing.assert_array_equal(array, np.float32(wanted), name)
    initialise(net, seed=2)
    for name, array in values(net).items():
        np.testing.assert_array_equal(array, arrays.get(name, last))


def test_families_and_names():
    assert list_models("gan") == ["3d_gan"] and list_models("vae_gan") == ["3d_vae_gan"]
    assert sorted(list_models("recurrent") + list_models("gan", "vae_gan")) == list_models()
    for name, family in (("3d_gan", "gan"), ("3d_vae_gan", "vae_gan")):
        assert family_of(model_config(name)) == family == model_config(name).family
        assert type(get_model(model_title(name), width=0.0625)) is type(get_model(name, width=0.0625))
        config = model_config(name, width=0.125, latent=50, resolution=32, leak=0.1)
        assert config_from_dict(config.as_dict()) == config and gluon_r2n2.model_name(config) == name
        net = model_from_config(config.as_dict())
        assert net.config == config and net.generator.stages[0].weight.shape[0] == 50
    assert model_config("3d_gan", prior="uniform").prior == "uniform"
    assert family_of(ModelConfig()) == "recurrent" and config_from_dict(ModelConfig().as_dict()) == ModelConfig()
    assert not hasattr(build(model_config("3d_gan", width=0.0625)), "encoder")


@pytest.mark.parametrize("options, message", [
    ({"lattent": 5}, "unknown model option 'lattent'; did you mean 'latent'"),
    ({"prior": "gaussian"}, "unknown prior 'gaussian'.*normal, uniform"),
    ({"family": "vaegan"}, "unknown family 'vaegan'; did you mean 'vae_gan'"),
    ({"latent": 0}, "latent must be 1 to 4096 numbers, got 0"), ({"latent": 9.0}, "latent must be an integer, got 9.0"),
    ({"width": 5}, "width must be above 0 and at most 4, got 5"), ({"width": True}, "width must be a number, got True"),
    ({"resolution": 48}, "16, 32, 64 or 128 voxels, got 48"), ({"input_size": 31}, "at least 32 pixels, got 31"),
    ({"leak": 1}, "from 0 to below 1, got 1"),
])
def test_bad_options_are_one_sentence(options, message):
    with pytest.raises(ModelError, match=message) as caught:
        get_model("3d_vae_gan", **options)
    assert "\n" not in str(caught.value)


def test_an_encoder_has_the_prior_that_it_is_held_to():
    with pytest.raises(ModelError, match="normal prior that its encoder is held to, got prior='uniform'"):
        get_model("3d_vae_gan", prior="uniform")
    with pytest.raises(ModelError, match="did you mean '3d_gan'"):
        get_model("3dgan")


@pytest.mark.parametrize("name", ["3d_gan", "3d_vae_gan"])
def test_parameters_are_read_into_a_network_in_use(name, tmp_path):
    first, second = (tiny_generative(name, seed) for seed in (1, 2))
    latents = draw_latents(first.config, 3, np.random.default_rng(0))
    grids = mx.nd.ones((2,) + 3 * (first.config.resolution,))
    expected = generate(first, latents), first.discriminator(grids).asnumpy()
    generate(second, latents), second.discriminator(grids).asnumpy()  # oneDNN reorders its weights
    first.save_parameters(str(tmp_path / "net.params"))
    second.load_parameters(str(tmp_path / "net.params"))
    np.testing.assert_array_equal(generate(second, latents), expected[0])
    np.testing.assert_array_equal(second.discriminator(grids).asnumpy(), expected[1])
