"""Published weights -> parameters: tables of the original, layouts by the definition of convolution, port and tool."""
from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import struct

import mxnet as mx
import numpy as np
import pytest
import scipy.ndimage
from published_files import PAIR, QUARTERS, tensors, write_npy, write_torch

import gluon_r2n2
from gluon_r2n2.conversion import (
    convert_original,
    convert_port,
    convert_published,
    detect_model,
    fingerprint,
    import_weights,
    load_weights,
    original_parameters,
    published_configs,
    save_weights,
    to_port,
    verify,
)
from gluon_r2n2.conversion.original import in_original_order, to_our_layout
from gluon_r2n2.conversion.torch_port import port_name, port_shape
from gluon_r2n2.errors import ModelError
from gluon_r2n2_tools import import_weights as tool

VARIANTS = sorted(published_configs())
FIXTURES = {"res3d_gru_3": "ResidualGRUNet", "gru_3": "GRUNet", "lstm_1": "mv_lstm_net", "gru_1": "mv_gru_net",
            "lstm_3": "mv_lstm_net_3x3x3_derived"}


def small(name="gru_3", **options):
    """A variant of reduced width for small pictures, upsampling and block 9 as in the original."""
    return gluon_r2n2.model_config(name, **{"width": 0.25, "input_size": 32, "leak": 0.01, **options})


def original_list(config, seed=0):
    random = np.random.RandomState(seed)
    return [random.standard_normal(parameter.shape).astype(np.float32) * 0.1
            for parameter in original_parameters(config)]


# ---- the tables and the layouts

@pytest.mark.parametrize("name", sorted(FIXTURES))
def test_tables_are_those_of_the_original(shared, name):
    listed = json.loads((shared / "fixtures" / f"params_{FIXTURES[name]}.json").read_text())
    found = original_parameters(published_configs()[name])
    assert [(p.layer, p.role, list(p.shape)) for p in found] == [(p["layer"], p["role"], p["shape"])
                                                                  for p in listed["params"]]
    assert sum(int(np.prod(p.shape)) for p in found) == listed["n_scalars"]


def test_a_table_in_full():
    found = [(p.name, p.shape) for p in original_parameters(small("lstm_1", input_size=127))]
    encoder = [("conv1", (32, 3, 7, 7)), ("conv2", (32, 32, 3, 3)), ("conv3", (64, 32, 3, 3)),
               ("conv4", (64, 64, 3, 3)), ("conv5", (64, 64, 3, 3)), ("conv6", (64, 64, 3, 3)), ("fc7", (576, 256))]
    decoder = [("conv7", (32, 3, 32, 3, 3)), ("conv8", (32, 3, 32, 3, 3)), ("conv9", (16, 3, 32, 3, 3)),
               ("conv10", (16, 3, 16, 3, 3)), ("conv11", (2, 3, 16, 3, 3))]
    gates = [(f"{gate}.{role}", shape) for gate in ("in_gate_b", "forget_gate_b", "in_transform_b")
             for role, shape in (("Wh", (32, 1, 32, 1, 1)), ("Wx", (256, 2048)), ("b", (32,)))]

    def both(layers):
        return [entry for name, shape in layers
                for entry in ((f"{name}.W", shape), (f"{name}.b", (shape[1] if name == "fc7" else shape[0],)))]

    assert found == both(encoder) + gates + both(decoder)


@pytest.mark.parametrize("name, count, values", [
    ("res3d_gru_3", 63, 35_968_706), ("gru_3", 33, 32_207_266), ("lstm_3", 33, 32_207_266), ("gru_1", 33, 30_929_314),
    ("lstm_1", 33, 30_929_314)])
def test_numbers_of_the_published_variants(name, count, values):
    shapes = [parameter.shape for parameter in original_parameters(published_configs()[name])]
    assert (len(shapes), sum(int(np.prod(shape)) for shape in shapes)) == (count, values)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_value_arrives_once_under_the_networks_names(name):
    config = small(name)
    sizes = np.cumsum([0] + [int(np.prod(p.shape)) for p in original_parameters(config)])
    numbers = [np.arange(start, end).reshape(p.shape)
               for start, end, p in zip(sizes, sizes[1:], original_parameters(config))]
    converted = convert_original(numbers, config)
    parameters = gluon_r2n2.R2N2(config)._collect_params_with_prefix()
    assert {name: array.shape for name, array in converted.items()} == {
        name: parameter.shape for name, parameter in parameters.items()}
    assert all(array.flags.c_contiguous and array.dtype == np.int64 for array in converted.values())
    assert np.array_equal(np.sort(np.concatenate([array.ravel() for array in converted.values()])),
                          np.arange(sizes[-1]))


@pytest.mark.parametrize("name, gates", [
    ("gru_3", {"cell.gates": ["t_x_s_update", "t_x_s_reset"], "cell.candidate": ["t_x_rs"]}),
    ("lstm_3", {"cell.gates": ["in_gate_b", "forget_gate_b", "in_transform_b"]})])
def test_gates_are_stacked_in_order(name, gates):
    config = small(name)
    numbers = {p.name: np.full(p.shape, i) for i, p in enumerate(original_parameters(config))}
    converted = convert_original(list(numbers.values()), config)
    for target, layers in gates.items():
        for kind, role in (("weight", "Wh"), ("bias", "b")):
            parts = np.split(converted[f"{target}.{kind}"], len(layers))
            assert [np.unique(part).tolist() for part in parts] == [
                np.unique(numbers[f"{layer}.{role}"]).tolist() for layer in layers]
    parts = np.split(converted["projection.dense.weight"], 3)
    assert [int(part[0, 0]) for part in parts] == [
        int(numbers[f"{layer}.Wx"][0, 0]) for layers in gates.values() for layer in layers]


def true_convolution(x, weight):
    """(I, ...), (O, I, k...) -> (O, ...): sum over k of w[k] x[p + centre - k], zero outside."""
    return np.stack([sum(scipy.ndimage.convolve(x[i], kernel[i], mode="constant") for i in range(len(x)))
                     for kernel in weight])


def test_2d_convolutions():
    x, weight = np.random.rand(2, 5, 6), np.random.rand(4, 2, 3, 3)  # (O, I, H, W), as the original has them
    ours = mx.nd.Convolution(mx.nd.array(x[None]), mx.nd.array(to_our_layout(weight, "convolution")), no_bias=True,
                             kernel=(3, 3), pad=(1, 1), num_filter=4)
    assert np.allclose(ours.asnumpy()[0], true_convolution(x, weight), atol=1e-5)


def test_3d_convolutions():
    x, weight = np.random.rand(2, 4, 5, 6), np.random.rand(3, 3, 2, 3, 3)  # (I, D, H, W), (O, D, I, H, W)
    ours = mx.nd.Convolution(mx.nd.array(x[None]), mx.nd.array(to_our_layout(weight, "volume convolution")),
                             no_bias=True, kernel=(3, 3, 3), pad=(1, 1, 1), num_filter=3)
    assert np.allclose(ours.asnumpy()[0], true_convolution(x, weight.transpose(0, 2, 1, 3, 4)), atol=1e-5)


@pytest.mark.parametrize("kernel", [1, 3])
def test_unpooling_and_convolution(kernel):
    x, weight = np.random.rand(2, 3, 4, 5), np.random.rand(3, kernel, 2, kernel, kernel)
    unpooled = np.zeros((2, 6, 8, 10))
    unpooled[:, ::2, ::2, ::2] = x
    ours = mx.nd.Deconvolution(mx.nd.array(x[None]), mx.nd.array(to_our_layout(weight, "doubling")), no_bias=True,
                               kernel=(kernel,) * 3, stride=(2, 2, 2), pad=(kernel // 2,) * 3, adj=(1, 1, 1),
                               num_filter=3)
    assert np.allclose(ours.asnumpy()[0], true_convolution(unpooled, weight.transpose(0, 2, 1, 3, 4)), atol=1e-5)


def test_dense_layers():
    x, weight = np.random.rand(2, 5), np.random.rand(5, 3)
    assert np.allclose(x @ weight, x @ to_our_layout(weight, "dense").T)
    weight = np.random.rand(5, 4 * 3 * 4 * 4)  # columns (D, C, H, W)
    theirs = (x @ weight).reshape(2, 4, 3, 4, 4)
    ours = (x @ to_our_layout(weight, "projection").T).reshape(2, 3, 4, 4, 4)  # (B, C, D, H, W)
    for c, d, h, w in itertools.product(range(3), range(4), range(4), range(4)):
        assert np.allclose(ours[:, c, d, h, w], theirs[:, d, c, h, w])


def test_arrays_by_hand():
    weight = np.arange(8).reshape(1, 2, 2, 1, 2)  # (O, D, I, H, W)
    assert to_our_layout(weight, "volume convolution").tolist() == [[[[[5, 4]], [[1, 0]]], [[[7, 6]], [[3, 2]]]]]
    assert to_our_layout(weight, "doubling").tolist() == [[[[[0, 1]], [[4, 5]]]], [[[[2, 3]], [[6, 7]]]]]
    assert to_our_layout(np.arange(4).reshape(1, 1, 2, 2), "convolution").tolist() == [[[[3, 2], [1, 0]]]]


@pytest.mark.parametrize("option, value", [
    ("norm", "batch"), ("upsample", "deconv"), ("resolution", 64), ("encoder", "resnet18_v1b")])
def test_other_networks_are_refused_by_name(option, value):
    with pytest.raises(ModelError, match=f"{option}={value!r}"):
        original_parameters(small(**{option: value}))


# ---- lists that do not fit

def flat(shapes):
    """Arrays of these shapes that take no memory."""
    return [np.broadcast_to(np.float32(0), shape) for shape in shapes]


def published_shapes(name):
    return [parameter.shape for parameter in original_parameters(published_configs()[name])]


def test_a_wrong_count_names_what_would_fit():
    arrays = flat(published_shapes("gru_3"))
    with pytest.raises(ModelError, match=r"holds 33 arrays, .* has 63; .* --model gru_3 or lstm_3"):
        convert_original(arrays, published_configs()["res3d_gru_3"])
    with pytest.raises(ModelError, match=r"holds 32 arrays, .* has 33; it fits none"):
        convert_original(arrays[:-1], published_configs()["gru_3"])


def test_a_wrong_shape_names_position_layer_and_both_shapes():
    arrays = flat(published_shapes("gru_3"))
    with pytest.raises(ModelError, match=r"array 14 \(t_x_s_update.Wh\) has shape \(128, 3, 128, 3, 3\), .* wants "
                                         r"\(128, 1, 128, 1, 1\); the list fits --model gru_3 or lstm_3"):
        convert_original(arrays, published_configs()["gru_1"])
    arrays[3], arrays[5] = arrays[5], arrays[3]
    with pytest.raises(ModelError, match=r"array 3 \(conv2.b\) has shape \(256,\), .* wants \(128,\)"):
        convert_original(arrays, published_configs()["gru_3"])


@pytest.mark.parametrize("spoil, words", [
    (lambda a: a.__setitem__(2, np.where(a[2] == a[2].flat[7], np.nan, a[2])), "array 2 (conv2.W)"),
    (lambda a: a.__setitem__(32, np.full((2,), 1e300)), "array 32 (conv11.b)"),
    (lambda a: a.__setitem__(32, np.full((2,), np.inf, np.float16)), "array 32 (conv11.b)"),
    (lambda a: a.__setitem__(1, np.zeros(32, np.int64)), "array 1 (conv1.b) holds int64"),
])
def test_bad_values_are_refused_by_name(tmp_path, spoil, words):
    arrays = original_list(small())
    spoil(arrays)
    with pytest.raises(ModelError, match=f"weights.npy: {re.escape(words)}"):
        import_weights(write_npy(tmp_path / "weights.npy", arrays), model=small())


def test_numbers_of_other_types_become_float32(tmp_path):
    config = small()
    arrays = [array.astype([np.float64, np.float32, np.float16][i % 3]) for i, array in
              enumerate(original_list(config))]
    converted = import_weights(write_npy(tmp_path / "weights.npy", arrays), model=config)
    wanted = convert_original([array.astype(np.float32) for array in arrays], config)
    assert all(array.dtype == np.float32 and np.array_equal(array, wanted[name]) for name, array in converted.items())


def test_variants_are_told_apart():
    assert detect_model(flat(published_shapes("res3d_gru_3")), source="weights.npy") == "res3d_gru_3"
    for name, both in (("gru_3", "gru_3 and lstm_3"), ("lstm_1", "gru_1 and lstm_1")):
        with pytest.raises(ModelError, match=f"weights.npy: fits {both}, .* --model"):
            detect_model(flat(published_shapes(name)), source="weights.npy")
    for name in ("gru_1", "gru_3", "res3d_gru_3"):
        config = published_configs()[name]
        assert detect_model(as_port(flat(published_shapes(name)), config), source="checkpoint.pth") == name
    with pytest.raises(ModelError, match="did you mean 'gru_3'"):
        convert_published(flat(published_shapes("gru_3")), "gru3", source="weights.npy")


# ---- the PyTorch port

def as_port(arrays, config):
    """The original's list as the port has the same network: cross-correlations over (B, C, D, H, W)."""
    state = {}
    for parameter, array in zip(original_parameters(config), arrays):
        if parameter.role == "b" and parameter.layer.startswith("t_"):
            array = array.reshape(1, -1, 1, 1, 1)
        elif array.ndim == 4:
            array = array[:, :, ::-1, ::-1]
        elif array.ndim == 5:
            array = array.transpose(0, 2, 1, 3, 4)[:, :, ::-1, ::-1, ::-1]
        elif parameter.role == "Wx":
            code, columns = array.shape
            array = array.reshape(code, 4, columns // 64, 4, 4).swapaxes(1, 2).reshape(code, columns).T
        elif array.ndim == 2:
            array = array.T
        state[port_name(parameter)] = array
    return state


@pytest.mark.parametrize("byteorder", [None, "little", "big"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_the_port_of_gru_3(tmp_path, monkeypatch, prefix, byteorder):
    config = small("gru_3")
    arrays = original_list(config)
    state = as_port(arrays, config)
    content = {"net_state": tensors(state, prefix), "optimizer_state": {"state": {}, "lr": 1e-4}}
    path = write_torch(tmp_path / "checkpoint.pth", content, monkeypatch, byteorder)
    converted, wanted = import_weights(path, model=config), convert_original(arrays, config)
    assert set(converted) == set(wanted)
    assert all(np.array_equal(converted[name], wanted[name]) for name in wanted)


@pytest.mark.parametrize("name", ["gru_3", "res3d_gru_3"])
def test_to_the_port(name):
    config = small(name)
    arrays = original_list(config)
    state, wanted = to_port(convert_original(arrays, config), config), as_port(arrays, config)
    assert set(state) == set(wanted)
    assert all(np.array_equal(state[name], wanted[name]) for name in wanted)


def test_names_of_the_port():
    state = {port_name(p): port_shape(p) for p in original_parameters(published_configs()["gru_3"])}
    assert state["encoder.conv1.weight"] == (96, 3, 7, 7) and state["encoder.fc7.weight"] == (1024, 2304)
    assert state["encoder.t_x_rs.fc_layer.weight"] == (8192, 1024) and state["encoder.fc7.bias"] == (1024,)
    assert state["encoder.t_x_rs.conv3d.weight"] == (128, 128, 3, 3, 3)
    assert state["encoder.t_x_rs.bias"] == (1, 128, 1, 1, 1)
    assert state["decoder.conv9.weight"] == (64, 128, 3, 3, 3) and state["decoder.conv11.bias"] == (2,)


def test_the_residual_port_is_refused_for_its_wiring():
    config = small("res3d_gru_3")
    arrays = original_list(config)
    state = as_port(arrays, config)
    with pytest.raises(ModelError, match=r"10c .* output of 10b .* refused.*--original-wiring"):
        convert_port(state, config)
    converted, wanted = convert_port(state, config, original_wiring=True), convert_original(arrays, config)
    assert all(np.array_equal(converted[name], wanted[name]) for name in wanted)


def test_other_networks_of_the_port_are_refused():
    state = as_port(flat(published_shapes("gru_3")), published_configs()["gru_3"])
    with pytest.raises(ModelError, match="no network with cell='lstm'"):
        convert_port(state, published_configs()["lstm_3"])
    with pytest.raises(ModelError, match="checkpoint.pth: .* encoder.conv1.weight is missing; check that"):
        detect_model({"a.weight": QUARTERS}, source="checkpoint.pth")
    with pytest.raises(ModelError, match="encoder.conv1a.weight is missing; it fits --model gru_3"):
        convert_port(state, published_configs()["res3d_gru_3"])
    with pytest.raises(ModelError, match=r"conv3d.weight has shape \(128, 128, 3, 3, 3\), .* fits --model gru_3"):
        convert_port(state, published_configs()["gru_1"])
    with pytest.raises(ModelError, match="'decoder.conv12.weight' is unknown"):
        convert_port({**state, "decoder.conv12.weight": QUARTERS}, published_configs()["gru_3"])
    with pytest.raises(ModelError, match="batch normalisation .'encoder.bn1.weight"):
        convert_port({**state, "encoder.bn1.weight": QUARTERS}, published_configs()["gru_3"])


# ---- saving and the tool

def test_what_is_saved_loads_into_the_network(tmp_path):
    config = small("lstm_3")
    converted = convert_original(original_list(config), config)
    path = tmp_path / "out.params"
    save_weights(converted, path)
    assert [file.name for file in tmp_path.iterdir()] == ["out.params"]
    network = gluon_r2n2.R2N2(config)
    network.load_parameters(str(path))
    for name, parameter in network._collect_params_with_prefix().items():
        assert np.array_equal(parameter.data().asnumpy(), converted[name])
    found, again = verify(path, config), verify(path, config)
    assert found == again and found.fingerprint == fingerprint(converted) and found.shape == (1, 2, 32, 32, 32)
    with pytest.raises(ModelError, match="another architecture"):
        verify(path, small("gru_3"))
    (tmp_path / "text.params").write_text("hello")
    with pytest.raises(ModelError, match=r"text.params: is not a file of MXNet's parameters"):
        load_weights(tmp_path / "text.params")


def test_a_failed_save_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "out.params"
    save_weights({"a": QUARTERS}, path)
    before = path.read_bytes()

    def fail(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("gluon_r2n2.conversion.saving.write_arrays", fail)
    with pytest.raises(OSError) as caught:
        save_weights({"a": QUARTERS * 2}, path)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_fingerprint():
    arrays = {"b": QUARTERS, "a": np.array([1.0], np.float32)}
    wanted = hashlib.sha256(b"a (1,) <f4\n" + struct.pack("<f", 1) + b"b (2, 3) <f4\n"
                            + struct.pack("<6f", 0, .25, .5, .75, 1, 1.25)).hexdigest()
    assert fingerprint(arrays) == wanted
    assert fingerprint({"a": arrays["a"].astype(">f4"), "b": np.asfortranarray(QUARTERS)}) == wanted
    changed = QUARTERS.copy()
    changed[1, 2] = np.nextafter(changed[1, 2], np.float32(2))
    assert fingerprint({**arrays, "b": changed}) != wanted
    assert fingerprint({"c": QUARTERS, "a": arrays["a"]}) != wanted


def run_tool(capsys, *argv):
    code = tool.main([str(argument) for argument in argv])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_the_tool_refuses_in_one_sentence(tmp_path, capsys):
    source = write_npy(tmp_path / "weights.npy", PAIR)
    out = tmp_path / "new" / "out.params"
    (tmp_path / "there.params").write_text("kept")
    (tmp_path / "folder.params").mkdir()
    os.link(tmp_path / "weights.npy", tmp_path / "same.params")
    for arguments, words in [
        ((source, tmp_path / "out.bin"), "ends on .params"), ((source, tmp_path / "folder.params"), "is a folder"),
        ((source, tmp_path / "there.params"), "--overwrite"),
        ((source, tmp_path / "same.params", "--overwrite"), "is the file to read"),
        ((source, out), "fit none of the published variants"),
        ((source, out, "--model", "gru_3"), "holds 2 arrays, this network of the original has 33"),
        ((tmp_path / "absent.npy", out), "no such file or folder"), ((tmp_path, out), "is a folder"),
    ]:
        code, _, message = run_tool(capsys, *arguments)
        assert code == 2 and words in message and message.count("\n") == 1, message
    assert (tmp_path / "there.params").read_text() == "kept" and not out.exists()


@pytest.fixture
def small_variants(monkeypatch):
    """The published variants at a quarter of their width, for the tool and what it calls."""
    configs = {name: small(name) for name in VARIANTS}
    for module in ("gluon_r2n2.conversion.original", "gluon_r2n2.conversion.importing",
                   "gluon_r2n2.conversion.torch_port", "gluon_r2n2_tools.import_weights"):
        monkeypatch.setattr(f"{module}.published_configs", lambda: configs)
    return configs


@pytest.mark.parametrize("name, flags", [("res3d_gru_3", []), ("lstm_1", ["--model", "lstm_1"])])
def test_the_tool_on_small_networks(tmp_path, capsys, small_variants, name, flags):
    config = small_variants[name]
    arrays = original_list(config)
    source, out = write_npy(tmp_path / "weights.npy", arrays), tmp_path / "new" / "out.params"
    code, text, message = run_tool(capsys, source, out, "--verify", *flags)
    assert code == 0 and not message, message
    values = sum(array.size for array in arrays)
    assert f"{name}, {len(arrays)} arrays, {values:,} parameters" in text
    assert hashlib.sha256(source.read_bytes()).hexdigest() in text
    assert fingerprint(convert_original(arrays, config)) in text
    network = gluon_r2n2.R2N2(config)
    network.load_parameters(str(out))
    code, again, _ = run_tool(capsys, source, out, "--verify", "--overwrite", *flags)
    assert code == 0 and again == text


def test_the_tool_on_a_checkpoint(tmp_path, capsys, small_variants, monkeypatch):
    for name in ("gru_3", "res3d_gru_3"):
        config = small_variants[name]
        arrays, out = original_list(config), tmp_path / f"{name}.params"
        source = write_torch(tmp_path / f"{name}.pth", {"net_state": tensors(as_port(arrays, config))}, monkeypatch)
        if name == "res3d_gru_3":
            code, _, message = run_tool(capsys, source, out)
            assert code == 2 and "--original-wiring" in message and not out.exists()
        code, text, message = run_tool(capsys, source, out, *(["--original-wiring"] if "res" in name else []))
        assert code == 0 and name in text, message
        assert fingerprint(load_weights(out)) == fingerprint(convert_original(arrays, config))


def test_the_tool_from_file_to_outputs_of_the_original(tmp_path, capsys, shared):
    fixtures = shared / "fixtures"
    recipe = {}
    exec((fixtures / "recipe.py").read_text(), recipe)
    stored = np.load(fixtures / "mv_lstm_net_uniform_T3.npz")
    meta = json.loads(str(stored["meta"]))
    listed = json.loads((fixtures / "params_mv_lstm_net.json").read_text())["params"]
    arrays = [recipe["weight"]("mv_lstm_net", entry["index"], entry["shape"], entry["role"],
                               bias=meta.get("bias_kind", "const")) for entry in listed]
    source, out = write_npy(tmp_path / "mv_lstm_net.npy", arrays), tmp_path / "lstm_1.params"
    code, _, message = run_tool(capsys, source, out)
    assert code == 2 and "gru_1 and lstm_1" in message and "--model" in message
    code, text, message = run_tool(capsys, source, out, "--model", "lstm_1", "--verify")
    assert code == 0 and not message, message
    assert "33 arrays, 30,929,314 parameters" in text and "get_model('lstm_1', upsample='unpool'" in text
    assert fingerprint(load_weights(out)) in text
    network = gluon_r2n2.get_model("lstm_1", upsample="unpool", leak=0.01)
    network.load_parameters(str(out))
    images, _ = recipe["inputs"](3, 2, kind="uniform")
    logits = network(mx.nd.array(images)).asnumpy()
    assert np.abs(logits - stored["logits"]).max() <= 1e-5 * np.abs(stored["logits"]).max()


def test_names_tell_a_gru_from_an_lstm(tmp_path):
    """The arrays of both have the same shapes, so that a named file could go into the wrong one unnoticed."""
    configs = {cell: small(f"{cell}_3") for cell in ("gru", "lstm")}
    path = tmp_path / "named.npz"
    for cell, other in (("gru", "lstm"), ("lstm", "gru")):
        named = {parameter.name: array for parameter, array
                 in zip(original_parameters(configs[cell]), original_list(configs[cell]))}
        np.savez(path, **named)
        assert import_weights(path, model=configs[cell])
        with pytest.raises(ModelError, match="which this network of the original does not have"):
            import_weights(path, model=configs[other])
        named.pop("conv11.b")
        np.savez(path, **named)
        with pytest.raises(ModelError, match="conv11.b of this network of the original is missing"):
            import_weights(path, model=configs[cell])
    for name in VARIANTS:
        arrays = {parameter.name: np.lib.stride_tricks.as_strided(np.zeros(1, np.float32), parameter.shape,
                                                                  (0,) * len(parameter.shape))
                  for parameter in original_parameters(published_configs()[name])}
        assert detect_model(in_original_order(arrays, source="named.npz"), source="named.npz") == name
