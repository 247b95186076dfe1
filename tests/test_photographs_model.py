"""A segmentation network of the user's, as a small ONNX file that the test makes: found, run, or refused."""
from __future__ import annotations

import sys

import numpy as np
import pytest

from gluon_r2n2.deployment import Preprocessing, Segmentation, find_segmentation, prepare
from gluon_r2n2.errors import ModelError

onnx = pytest.importorskip("onnx", reason="onnx is not installed: no segmentation model can be made")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: no segmentation model can be run")
RULES = Preprocessing()


def network(path, *, inputs=((1, 3, 64, 64),), output=(1, 1, 64, 64), kind=onnx.TensorProto.FLOAT, weights=(1, -1, 0)):
    """An ONNX file whose map is a weighted sum of the normalised channels: red minus green, where nothing is said."""
    from onnx import helper, numpy_helper

    kernel = np.array(weights, np.float32).reshape(1, 3, 1, 1)
    values = [helper.make_tensor_value_info(f"in{number}", kind, shape) for number, shape in enumerate(inputs)]
    nodes = [helper.make_node("Conv", ["in0", "kernel"], ["map"])]
    graph = helper.make_graph(nodes, "test", values, [helper.make_tensor_value_info("map", kind, output)],
                              [numpy_helper.from_array(kernel, "kernel")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)])
    model.ir_version = 7
    path.write_bytes(model.SerializeToString())
    return path


def picture(height=120, width=200):
    """A red square before noise without red; (H, W, 3)."""
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    noise[..., 0] = noise[..., 1] // 2
    noise[40:80, 60:100] = [255, 0, 0]
    return noise


@pytest.mark.parametrize("sides", [(64, 64), ("h", "w"), (None, None)])
def test_the_object_is_where_the_network_says(sides, tmp_path):
    file = network(tmp_path / "u2net.onnx", inputs=[(1, 3, *sides)], output=(1, 1, *sides))
    view = prepare(picture(), RULES, segmentation=Segmentation(file))
    assert view.method == "segmentation model" and "segmentation model" in view.note
    assert view.alpha.shape == (120, 200) and view.alpha.dtype == np.uint8
    assert (view.alpha[44:76, 64:96] > 250).all() and view.alpha[:30].max() < 200


def test_pictures_are_normalised_as_u2net_wants_them(tmp_path):
    """Each level over the highest, minus ImageNet's mean, over its deviation: a map of the blue channel shows it."""
    file = network(tmp_path / "u2net.onnx", inputs=[(1, 3, 16, 16)], output=(1, 1, 16, 16), weights=(1, 1, 1))
    image = np.zeros((16, 16, 3), np.uint8)
    image[..., 0], image[0, 0], image[0, 1] = 50, (200, 100, 0), (0, 0, 100)
    total = (image / 200 / np.array([0.229, 0.224, 0.225])).sum(axis=2)
    expected = (total - total.min()) / (total.max() - total.min()) * 255
    np.testing.assert_allclose(Segmentation(file).alpha(image), expected, atol=0.51)


def test_auto_takes_it_only_where_neither_alpha_nor_a_plain_background_is(tmp_path):
    model = Segmentation(network(tmp_path / "u2net.onnx"), threads=1)
    plain = np.full((120, 200, 3), 250, np.uint8)
    plain[40:80, 60:100] = [255, 0, 0]
    assert prepare(plain, RULES, segmentation=model).method == "plain background"
    assert prepare(plain, RULES, foreground="model", segmentation=model).method == "segmentation model"
    clear = np.dstack([picture(), np.full((120, 200), 128, np.uint8)])
    clear[:20, :, 3] = 0
    assert prepare(clear, RULES, segmentation=model).method == "alpha"
    assert prepare(picture(), RULES, foreground="grabcut", segmentation=model).method in ("grabcut", "none")


def test_a_network_that_sees_nothing(tmp_path):
    model = Segmentation(network(tmp_path / "u2net.onnx", weights=(0, 0, 0)))
    view = prepare(picture(), RULES, foreground="model", segmentation=model)
    assert view.method == "none" and "NOT separated" in view.note


@pytest.mark.parametrize("options, message", [
    ({"inputs": [(1, 3, 64, 64), (1, 3, 64, 64)]}, "wanted one input, an image, it has 2"),
    ({"inputs": [(1, 1, 64, 64)], "output": (1, 1, 64, 64)}, "onnxruntime cannot load it|wanted its input as float32"),
    ({"kind": onnx.TensorProto.DOUBLE}, "onnxruntime cannot load it|wanted its input as float32"),
    ({"inputs": [(2, 3, 64, 64)], "output": (2, 1, 64, 64)}, r"wanted its input as float32 \(1, 3, 64, 64\)"),
    ({"inputs": [(1, 3, 64, 32)], "output": (1, 1, 64, 32)}, r"wanted its input as float32 \(1, 3, 64, 64\)"),
])
def test_a_foreign_network_is_refused_in_one_sentence(options, message, tmp_path):
    file = network(tmp_path / "foreign.onnx", **options)
    with pytest.raises(ModelError, match=message) as caught:
        Segmentation(file)
    assert str(file) in str(caught.value) and "\n" not in str(caught.value)


def test_what_is_no_network_at_all(tmp_path):
    for name, content in (("empty.onnx", b""), ("text.onnx", b"hello, this is no network")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ModelError, match=f"{name}: onnxruntime cannot load it") as caught:
            Segmentation(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_without_onnxruntime_it_is_said(tmp_path, monkeypatch):
    file = network(tmp_path / "u2net.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ModelError, match=r"u2net.onnx: it needs onnxruntime.*gluon-r2n2\[onnx\]"):
        Segmentation(file)


def test_where_the_file_is_looked_for(tmp_path, monkeypatch):
    for name in ("U2NET_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert find_segmentation() is None
    for variable, folder in (("HOME", "home/.u2net"), ("XDG_DATA_HOME", "data/.u2net"), ("U2NET_HOME", "own")):
        monkeypatch.setenv(variable, str(tmp_path / folder.split("/")[0]))
        assert find_segmentation() is None
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "u2net.onnx").write_bytes(b"")
        assert find_segmentation() == tmp_path / folder / "u2net.onnx"
    other = tmp_path / "other.onnx"
    with pytest.raises(ModelError, match="other.onnx: no such file"):
        find_segmentation(other)
    other.write_bytes(b"")
    assert find_segmentation(other) == other
