"""ImageNet backbones against gluon-cv's own classifiers, with and without their weights, on line and off it."""
from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from tiny_data import SIZE, make_data

import gluon_r2n2
from gluon_r2n2 import ModelError, get_model, initialise, training
from gluon_r2n2.backbone import load_imagenet
from gluon_r2n2.config import BACKBONES
from gluon_r2n2.deployment import Artefact, Preprocessing, export, load
from gluon_r2n2_tools import train, train_progress

ROOT = Path(__file__).resolve().parent.parent
NOWHERE = "http://127.0.0.1:9/"  # the port of the discard service: nobody answers
MEAN, DEVIATION = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])  # of ImageNet, RGB
CHANNELS = {"resnet18_v1b": 512, "resnet34_v1b": 512, "resnet50_v1b": 2048, "mobilenetv2_0.5": 1280,
            "mobilenetv2_1.0": 1280}


def network(name, size=64, **options):
    net = get_model("res3d_gru_3", encoder=name, width=1 / 16, input_size=size, resolution=16, **options)
    initialise(net, seed=1)
    return net


def images(*leading, size=64):
    return mx.nd.array(np.random.uniform(size=leading + (3, size, size)))


def classifier(name):
    """gluon-cv's own network, its parameters random but of a size that leaves signal everywhere."""
    from gluoncv import model_zoo

    mx.random.seed(5)
    net = model_zoo.get_model(name)
    net.initialize(mx.init.Xavier())
    net(mx.nd.zeros((1, 3, 64, 64)))
    for key, parameter in net.collect_params().items():
        if "running" in key or "gamma" in key or "beta" in key:
            low, high = (0.5, 1.5) if key.endswith(("var", "gamma")) else (-0.2, 0.2)
            parameter.set_data(mx.nd.random.uniform(low, high, parameter.shape))
    return net


def give(net, source):
    """Copy the parameters of *source* into the backbone, by their order: both lists run from the picture onward."""
    own, theirs = ([*block.collect_params().values()] for block in (net.encoder.stages.backbone, source))
    assert len(own) in (len(theirs) - 1, len(theirs) - 2)  # all but the classifier's weight (and bias)
    for ours, other in zip(own, theirs):
        assert ours.shape == other.shape
        ours.set_data(other.data())


def classify(source, features):
    """Class scores of a feature map (B, C, h, w), through the head of the classifier *source*."""
    pooled = mx.nd.array(features.asnumpy().mean(axis=(2, 3)))
    return (source.output(pooled.reshape((0, 0, 1, 1))) if hasattr(source, "output") else source.fc(pooled)).asnumpy()


def normalised(pictures):
    return mx.nd.array((pictures.asnumpy() - MEAN[:, None, None]) / DEVIATION[:, None, None])


@pytest.mark.parametrize("size", [64, 127, 200])
@pytest.mark.parametrize("name", BACKBONES)
def test_maps_are_a_32nd_of_the_picture(name, size):
    stages = get_model("res3d_gru_3", encoder=name, width=1 / 16, input_size=size).encoder.stages
    for block, channels in ((stages.backbone, CHANNELS[name]), (stages, 16)):
        _, (shape,), _ = block(mx.sym.var("image")).infer_shape(image=(2, 3, size, size))
        assert shape == (2, channels, -(-size // 32), -(-size // 32)) == (2, block.out_channels) + 2 * (block.out_size,)


@pytest.mark.parametrize("name, size", [*((name, 64) for name in BACKBONES), ("resnet18_v1b", 127),
                                        ("mobilenetv2_1.0", 127)])
def test_features_are_those_of_the_classifier(name, size):
    net, source = network(name, size), classifier(name)
    give(net, source)
    pictures = images(2, size=size)
    features = net.encoder.stages.backbone(pictures)
    edge = -(-size // 32)
    assert features.shape == (2, CHANNELS[name], edge, edge)
    expected = source(normalised(pictures)).asnumpy()
    np.testing.assert_allclose(classify(source, features), expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    assert net(pictures.expand_dims(0)).shape == (2, 2, 16, 16, 16)


@pytest.mark.parametrize("name", ["resnet18_v1b", "mobilenetv2_1.0"])
def test_hybridised_equals_imperative(name):
    def run(hybrid):
        np.random.seed(3)
        net = network(name, size=33)
        if hybrid:
            net.hybridize(static_alloc=True)
        outputs = [net(images(views, 2, size=33)).asnumpy() for views in (1, 3, 2)]
        with mx.autograd.record():
            logits = net(images(2, 3, size=33))
            loss = gluon_r2n2.VoxelLoss()(logits, mx.nd.array(np.random.uniform(size=(3, 16, 16, 16)) > 0.9))
        loss.backward()
        first = next(iter(net.encoder.collect_params().values()))
        return outputs + [loss.asnumpy(), first.grad().asnumpy()]

    for imperative, hybridised in zip(run(False), run(True)):
        np.testing.assert_allclose(hybridised, imperative, rtol=0, atol=2e-3 * np.abs(imperative).max())


@pytest.mark.parametrize("name", BACKBONES)
def test_gradients_reach_the_first_convolution(name):
    net = network(name, size=33)
    with mx.autograd.record():
        logits = net(images(1, 2, size=33))
        loss = gluon_r2n2.VoxelLoss()(logits, mx.nd.array(np.random.uniform(size=(2, 16, 16, 16)) > 0.9))
    loss.backward()
    first = next(iter(net.encoder.stages.backbone.collect_params().values()))
    assert first.shape[1:3] == (3, 7) or first.shape[1:3] == (3, 3)
    gradient = first.grad().asnumpy()
    assert np.isfinite(gradient).all() and (np.abs(gradient).max(axis=(1, 2, 3)) > 0).mean() > 0.5


def test_initial_values_depend_on_the_seed_alone():
    first, again = ([value.data().asnumpy() for value in network("mobilenetv2_0.5").collect_params().values()]
                    for _ in range(2))
    for ours, theirs in zip(first, again):
        np.testing.assert_array_equal(ours, theirs)
    net = network("mobilenetv2_0.5")
    initialise(net, seed=2)
    other = [value.data().asnumpy() for value in net.collect_params().values()]
    assert not np.array_equal(first[0], other[0])
    assert first[0].std() == pytest.approx(np.sqrt(2 / 27), rel=0.2)  # MSRA's rule for 3x3 pixels of 3 channels


def test_an_exported_network_gives_the_same_numbers(tmp_path):
    net = network("mobilenetv2_1.0")
    facts = Artefact(net.config.as_dict(), Preprocessing(input_size=64), net.begin_state(1).shape[1:], 0.4, {}, {})
    export(net, facts, tmp_path / "model")  # raises where a random input gives other numbers
    _, engine = load(tmp_path / "model")
    x = images(3, 2)
    expected = mx.nd.softmax(net(x), axis=1)[:, 1].asnumpy()
    np.testing.assert_allclose(engine.run_many(list(x.asnumpy().swapaxes(0, 1))), expected, atol=1e-6)


def test_gluoncv_is_loaded_for_backbones_only():
    code = ("import sys, gluon_r2n2\n"
            "for name in ('res3d_gru_3', 'resnet18_gru_3'):\n"
            "    gluon_r2n2.get_model(name, width=1 / 16)\n"
            "    print('gluoncv' in sys.modules)")
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert result.stdout.split() == ["False", "True"], result.stderr


# ImageNet weights ------------------------------------------------------------------------------------

@pytest.fixture
def offline(tmp_path, monkeypatch):
    """An empty store of weights, and no server to fill it; returns its folder."""
    monkeypatch.setenv("MXNET_HOME", str(tmp_path / "mxnet"))
    monkeypatch.setenv("MXNET_GLUON_REPO", NOWHERE)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    (tmp_path / "mxnet" / "models").mkdir(parents=True)
    return tmp_path / "mxnet" / "models"


@pytest.fixture
def weights(offline, monkeypatch):
    """Random weights of ResNet-18 under the name that gluon-cv expects: (the file, the classifier they are of)."""
    from gluoncv.model_zoo import model_store

    source = classifier("resnet18_v1b")
    source.save_parameters(str(offline / "new.params"))
    digest = hashlib.sha1((offline / "new.params").read_bytes()).hexdigest()
    monkeypatch.setitem(model_store._model_sha1, "resnet18_v1b", digest)
    return (offline / "new.params").rename(offline / f"resnet18_v1b-{digest[:8]}.params"), source


@pytest.mark.parametrize("used", [False, True])
def test_imagenet_weights_are_the_classifiers(weights, used):
    net = network("resnet18_v1b")
    pictures = images(2)
    if used:  # what an inference forward has laid out for oneDNN must be replaced too
        net.hybridize(static_alloc=True)
        net(pictures.expand_dims(0))
    load_imagenet(net)
    expected = weights[1](normalised(pictures)).asnumpy()
    features = net.encoder.stages.backbone(pictures)
    np.testing.assert_allclose(classify(weights[1], features), expected, rtol=0, atol=1e-4 * np.abs(expected).max())
    assert np.isfinite(net(pictures.expand_dims(0)).asnumpy()).all()


def test_weights_that_are_not_here_and_cannot_be_had(offline):
    with pytest.raises(ModelError, match=r"mobilenetv2_1\.0-f9952bcd\.params are not.*\(ConnectionError\); go online"):
        load_imagenet(network("mobilenetv2_1.0"))


def test_a_damaged_file_is_not_taken(weights):
    content = bytearray(weights[0].read_bytes())
    content[len(content) // 2] ^= 1
    weights[0].write_bytes(bytes(content))
    net = network("resnet18_v1b")
    before = [value.data().asnumpy() for value in net.collect_params().values()]
    with pytest.raises(ModelError, match="are not, or not whole, in .* go online, copy the file"):
        load_imagenet(net)
    for ours, theirs in zip(before, net.collect_params().values()):
        np.testing.assert_array_equal(ours, theirs.data().asnumpy())


def page(path):
    """What a network that wants a login first answers to everything."""
    Path(path).write_text("<html>Welcome to our hotel")


def other_file(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("resnet18_v1b-2d9d980c.params", b"something else")


@pytest.mark.parametrize("answer, reason", [(page, "BadZipFile"), (other_file, "ValueError")])
def test_a_server_that_gives_something_else(offline, monkeypatch, answer, reason):
    from gluoncv.model_zoo import model_store

    monkeypatch.setattr(model_store, "download", lambda url, path, overwrite: answer(path))
    with pytest.raises(ModelError, match=reason):
        load_imagenet(network("resnet18_v1b"))


def test_a_network_without_a_backbone(offline):
    net = get_model("gru_3", width=1 / 16)
    initialise(net)
    with pytest.raises(ModelError, match="no ImageNet weights for the encoder 'plain'; choose a model with a backbone"):
        load_imagenet(net)


# training ------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("data"), train=3, val=0, test=1)


def command(data, run, *more):
    return ["--data", str(data), "--run", str(run), "--width", "0.0625", "--image-size", str(SIZE), "--batch-size", "2",
            "--views", "1", "--threads", "1", "--steps", "1", *more]


def test_training_from_imagenet_weights(data, weights, tmp_path):
    """A step so short that the weights stay what they were."""
    assert train.main(command(data, tmp_path / "run", "--model", "resnet18_gru_3", "--pretrained-backbone",
                              "--lr", "1e-12", "--weight-decay", "0")) == 0
    net, _ = training.load_network(tmp_path / "run")
    own, theirs = ([*block.collect_params().values()] for block in (net.encoder.stages.backbone, weights[1]))
    for ours, other in zip(own, theirs):
        if "running" not in ours.name:  # these follow the batches
            np.testing.assert_allclose(ours.data().asnumpy(), other.data().asnumpy(), atol=1e-8)


def test_training_flags_that_do_not_go_together(data, offline, tmp_path, capsys):
    run = tmp_path / "run"
    for more, words in ((["--model", "gru_3"], "no ImageNet weights for the encoder 'plain'"),
                        (["--model", "resnet18_gru_3"], "go online"),
                        (["--model", "resnet18_gru_3", "--resume"], "leave it out"),
                        (["--model", "resnet18_gru_3", "--init-from", str(run)], "leave it out")):
        try:
            code = train.main(command(data, run, "--pretrained-backbone", *more))
        except SystemExit as stop:
            code = stop.code
        message = capsys.readouterr().err
        assert code == 2 and words in message and len(message.splitlines()) == 1, message
    assert not run.exists()


def test_network_flags_reach_the_network_and_its_run(data, tmp_path, capsys):
    run = tmp_path / "run"
    flags = ["--model", "gru_3", "--leak", "0.1", "--hidden", "48"]
    assert train.main(command(data, run, *flags)) == 0
    net, _ = training.load_network(run)
    assert (net.config.leak, net.config.hidden, net.cell.gates.weight.shape[1]) == (0.1, 48, 48)
    assert json.loads((run / "config.json").read_text())["model"]["leak"] == 0.1
    assert train.main(["--data", str(data), "--run", str(run), "--resume", "--steps", "2"]) == 0
    capsys.readouterr()
    for flag, value, words in (("--leak", "0.2", "model leak was 0.1 and is now 0.2"),
                               ("--hidden", "32", "model hidden was 48 and is now 32")):
        assert train.main(["--data", str(data), "--run", str(run), "--resume", flag, value]) == 2
        assert words in capsys.readouterr().err
    assert train.main(command(data, tmp_path / "other", "--leak", "1.5")) == 2
    assert "leak is a slope from 0 to below 1" in capsys.readouterr().err


@pytest.mark.parametrize("given", [["--pretrained-backbone"], ["--init-from", "other"], ["--init-from=other"]])
def test_the_command_to_go_on_names_no_first_weights(given):
    told = train_progress.command(["--data", "D", *given, "--run", "R"])
    assert told.endswith(" --data D --run R --resume")


# the documents ---------------------------------------------------------------------------------------

def test_the_examples_of_the_documents_run(weights, tmp_path, monkeypatch):
    """docs/models.md from top to bottom, in one namespace, as a reader would type it."""
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "models.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(examples) >= 4
    names = {}
    for example in examples:
        exec(compile(example, "docs/models.md", "exec"), names)
