"""ONNX graphs against the network, run by onnxruntime and OpenVINO; what is in the files; what is refused."""
from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import io
import json
import logging
import os
import re
import shutil

import mxnet as mx
import numpy as np
import pytest
from tiny_exports import exported, info_of, move_statistics, resealed, run_folder, tiny

from gluon_r2n2.deployment import Artefact, Reconstructor, export, onnx_graphs
from gluon_r2n2.deployment.engines import choosing
from gluon_r2n2.deployment.onnx_graphs import write_onnx
from gluon_r2n2.errors import ModelError
from gluon_r2n2.training.arrays import get_parameters
from gluon_r2n2_tools import export as export_tool

onnx = pytest.importorskip("onnx", reason="the onnx package is not installed")

VARIANTS = [
    ("res3d_gru_3", {}), ("gru_1", {}), ("lstm_3", {}), ("lstm_1", {"norm": "batch"}),
    ("res3d_gru_3", {"norm": "batch", "resolution": 32}), ("res3d_gru_3", {"upsample": "deconv"}),
    ("res3d_gru_3", {"upsample": "trilinear"}), ("gru_3", {"upsample": "trilinear_frozen", "norm": "batch"}),
    ("res3d_gru_3", {"resolution": 64}), ("resnet18_gru_3", {"hidden": 32}), ("mobilenetv2_gru_3", {"hidden": 32}),
]
PLAIN = ("res3d_gru_3", "gru_1", "gru_3", "lstm_1", "lstm_3")  # without normalisation unless asked for
FILES = ["r2n2-absorb.onnx", "r2n2-decode.onnx", "r2n2-encode.onnx", "r2n2-step.onnx", "r2n2.onnx.data"]


def by_onnxruntime(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, inputs)


def by_openvino(path):
    from gluon_r2n2.deployment.engines import openvino_engine

    model = openvino_engine.core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda inputs: list(model(inputs).values())


RUNTIMES = [opened for name, opened in (("onnxruntime", by_onnxruntime), ("openvino", by_openvino))
            if importlib.util.find_spec(name)]


def error(found, expected):
    """The largest difference over the largest value."""
    assert found.shape == expected.shape
    return np.abs(found - expected).max() / np.abs(expected).max()


@pytest.mark.slow
@pytest.mark.skipif(not RUNTIMES, reason="neither onnxruntime nor OpenVINO is installed")
@pytest.mark.parametrize("name, options", VARIANTS)
def test_every_variant_agrees_with_the_network(name, options, tmp_path):
    net = tiny(name, **options)
    numbers = {16: (1, 3), 32: (1, 2), 64: (1,)}[net.config.resolution]  # of objects: one graph for any
    images = np.random.uniform(size=(2, numbers[-1], 3, 32, 32)).astype(np.float32)  # 2 views of each
    if net.config.norm or name not in PLAIN:
        move_statistics(net, mx.nd.array(images))
    state, expected = net.begin_state(numbers[-1]), []
    for view in images:
        logits, state = net.step(mx.nd.array(view), state)
        expected.append(mx.nd.softmax(logits, axis=1)[:, 1].asnumpy())
    write_onnx(net, tmp_path, sequences=[2])
    for opened in RUNTIMES:
        step, encode, absorb, decode, sequence = (opened(tmp_path / f"r2n2-{graph}.onnx")
                                                  for graph in ("step", "encode", "absorb", "decode", "sequence2"))
        for objects in numbers:
            memory = parts = np.zeros((objects, *state.shape[1:]), np.float32)
            for view, occupied in zip(images[:, :objects], expected):
                probabilities, memory = step({"image": view, "state": memory})
                assert error(probabilities, occupied[:objects]) < 1e-5
                [parts] = absorb({"code": encode({"image": view})[0], "state": parts})
                assert error(decode({"state": parts})[0], occupied[:objects]) < 1e-5
            # sums of thousands of numbers in another order; a wrong tensor would be off by its own size
            assert error(memory, state.asnumpy()[:objects]) < 1e-4
            assert error(sequence({"images": images[:, :objects]})[0], expected[-1][:objects]) < 1e-5


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """An exported model with everything."""
    return exported(tiny(norm="batch"), tmp_path_factory.mktemp("onnx") / "model", onnx=True, sequences=[3])


def described(values):
    return {value.name: [edge.dim_param or edge.dim_value for edge in value.type.tensor_type.shape.dim]
            for value in values}


@pytest.mark.parametrize("file, inputs, outputs", [
    ("r2n2-step.onnx", {"image": ["batch", 3, 32, 32], "state": ["batch", 16, 4, 4, 4]},
     {"probabilities": ["batch", 16, 16, 16], "next_state": ["batch", 16, 4, 4, 4]}),
    ("r2n2-sequence3.onnx", {"images": [3, "batch", 3, 32, 32]}, {"probabilities": ["batch", 16, 16, 16]}),
    ("r2n2-encode.onnx", {"image": ["batch", 3, 32, 32]}, {"code": ["batch", 48, 4, 4, 4]}),
    ("r2n2-absorb.onnx", {"code": ["batch", 48, 4, 4, 4], "state": ["batch", 16, 4, 4, 4]},
     {"next_state": ["batch", 16, 4, 4, 4]}),
    ("r2n2-decode.onnx", {"state": ["batch", 16, 4, 4, 4]}, {"probabilities": ["batch", 16, 16, 16]}),
])
def test_what_is_in_a_graph(file, inputs, outputs, model):
    onnx.checker.check_model(str(model / file), full_check=True)
    proto = onnx.load(str(model / file), load_external_data=False)
    assert [(opset.domain, opset.version) for opset in proto.opset_import] == [("", 13)] and proto.ir_version == 7
    for values, wanted in ((proto.graph.input, inputs), (proto.graph.output, outputs)):
        assert list(described(values).items()) == list(wanted.items())  # in this order, and no weights among them
    assert {node.domain for node in proto.graph.node} == {""}  # no operator of anybody's own
    names = [name for node in proto.graph.node for name in [node.name, *node.output]]
    assert not [name for name in names if re.match(r"r2n2\d", name)]  # nothing that counts networks
    used = {name for node in proto.graph.node for name in node.input}
    assert {tensor.name for tensor in proto.graph.initializer} <= used
    assert (model / file).stat().st_size < 100_000


def test_all_graphs_share_one_file_of_weights(tmp_path):
    net = tiny(norm="batch")
    write_onnx(net, tmp_path)
    data, kept = (tmp_path / "r2n2.onnx.data").read_bytes(), {}
    for path in tmp_path.glob("*.onnx"):
        for tensor in onnx.load(str(path), load_external_data=False).graph.initializer:
            place = {entry.key: entry.value for entry in tensor.external_data}
            if place:
                assert place.pop("location") == "r2n2.onnx.data"
                values = np.frombuffer(data, "<f4", int(place["length"]) // 4, int(place["offset"]))
                kept.setdefault(tensor.name, []).append(values.reshape(tensor.dims))
            else:
                assert np.prod(tensor.dims) <= 8  # shapes and constants
    arrays = get_parameters(net)
    assert kept.keys() == arrays.keys()  # by their places in the network
    for name, copies in kept.items():
        assert len(copies) == 2  # in the step graph and in one of the parts
        for copy in copies:
            np.testing.assert_array_equal(copy, arrays[name].asnumpy())
    assert len(data) < sum(array.size * 4 + 4096 for array in arrays.values())


def test_onnxruntime_loads_them_without_a_word(model, capfd):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    for path in model.glob("*.onnx"):
        by_onnxruntime(path)
    assert capfd.readouterr() == ("", "")


def test_the_same_network_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_onnx(tiny(), tmp_path / name, sequences=[2])  # the second network of the process counts on
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_half_the_size_gives_graphs_of_the_rounded_weights(tmp_path):
    net = tiny()
    export(net, Artefact.of(net, info_of(net)), tmp_path / "half", half=True, onnx=True)
    proto = onnx.load(str(tmp_path / "half" / "r2n2-step.onnx"))
    found = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in proto.graph.initializer}
    for name, array in get_parameters(net).items():
        wanted = array.asnumpy()
        wanted = wanted.astype(np.float16).astype(np.float32) if wanted.ndim > 1 else wanted
        np.testing.assert_array_equal(found[name], wanted, name)
    assert (tmp_path / "half" / "r2n2-0000.params").stat().st_size < 0.6 * sum(a.size * 4
                                                                               for a in get_parameters(net).values())


def test_the_facts_list_every_file(model):
    facts = json.loads((model / "r2n2.json").read_text())
    assert sorted(facts["files"]) == sorted([*FILES, "r2n2-0000.params", "r2n2-sequence3-symbol.json",
                                             "r2n2-sequence3.onnx", "r2n2-symbol.json"])
    assert sorted([*facts["files"], "r2n2.json"]) == sorted(path.name for path in model.iterdir())
    assert facts["format_version"] == 1  # earlier programs read the step graph
    assert facts["onnx"]["opset"] == 13 and facts["onnx"]["sequences"] == {"3": "r2n2-sequence3.onnx"}
    assert facts["sequences"] == {"3": {"symbol": "r2n2-sequence3-symbol.json", "inputs": ["images"]}}


@pytest.mark.parametrize("file", ["r2n2-encode.onnx", "r2n2-sequence3.onnx", "r2n2.onnx.data",
                                  "r2n2-sequence3-symbol.json"])
def test_a_damaged_missing_or_foreign_graph_is_named(file, model, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(model, folder)
    data = bytearray((folder / file).read_bytes())
    data[len(data) // 2] ^= 1
    other = exported(tiny(seed=1, norm="batch"), tmp_path / "other", onnx=True, sequences=[3]) / file
    contents = [bytes(data), bytes(data[:-7])] + ([other.read_bytes()] if file == "r2n2.onnx.data" else [])
    for content in contents:
        (folder / file).write_bytes(content)
        for engine in ("mxnet", None):
            with pytest.raises(ModelError, match=f"{file} has another SHA-256"):
                Reconstructor(folder, engine=engine)
    (folder / file).unlink()
    with pytest.raises(ModelError, match=f"{file} is missing"):
        Reconstructor(folder)


def garbled(folder):
    (folder / "r2n2-decode.onnx").write_bytes(b"no graph")


def shortened(folder):
    os.truncate(folder / "r2n2.onnx.data", 5000)


def escaping(folder):
    """A graph whose weights are said to lie in a file outside of the folder, which is there."""
    (folder.parent / "weights").write_bytes(bytes(10_000_000))
    edited(folder, "location", "../weights")


def beyond(folder):
    edited(folder, "offset", str(1 << 40))


def foreign(folder):
    proto = onnx.load(str(folder / "r2n2-decode.onnx"), load_external_data=False)
    proto.graph.node[0].op_type, proto.graph.node[0].domain = "Theirs", "somewhere.else"
    proto.opset_import.add(domain="somewhere.else", version=1)
    (folder / "r2n2-decode.onnx").write_bytes(proto.SerializeToString())


def edited(folder, key, value):
    proto = onnx.load(str(folder / "r2n2-encode.onnx"), load_external_data=False)
    for tensor in proto.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == key:
                entry.value = value
    (folder / "r2n2-encode.onnx").write_bytes(proto.SerializeToString())


@pytest.mark.parametrize("engine", sorted(set(choosing.available_engines()) - {"mxnet"}))
@pytest.mark.parametrize("change", [garbled, shortened, beyond, foreign, escaping])
def test_what_a_runtime_refuses_is_told_in_one_sentence(change, engine, model, tmp_path, capfd):
    """Also where the checksums are right: of a folder that was made to deceive."""
    if change is escaping and engine == "onnxruntime" and importlib.metadata.version(engine).startswith("1.19."):
        pytest.skip("onnxruntime 1.19 reads weights from wherever a graph says, as docs/inference.md tells")
    folder = tmp_path / "copy"
    shutil.copytree(model, folder)
    change(folder)
    resealed(folder)
    with pytest.raises(ModelError, match=f"copy: {engine} does not load its ONNX graphs") as caught:
        Reconstructor(folder, engine=engine)
    assert "\n" not in str(caught.value)
    if engine == "onnxruntime":
        assert capfd.readouterr() == ("", "")


def test_a_graph_that_the_facts_do_not_list_is_not_used(model, tmp_path):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    folder = exported(tiny(seed=7), tmp_path / "plain")
    for file in FILES:  # of another model
        shutil.copy(model / file, folder)
    views = [np.random.randint(0, 256, (127, 127, 3), dtype=np.uint8)]
    grids = [Reconstructor(folder, engine=engine).reconstruct(views) for engine in ("mxnet", "onnxruntime")]
    assert error(grids[1], grids[0]) < 1e-5


def test_export_says_what_it_checked_and_overwrites_its_own_files(tmp_path, capsys):
    run, out = str(run_folder(tiny(), tmp_path / "run")), tmp_path / "model"
    assert export_tool.main([run, str(out), "--onnx", "--sequence", "2,1"]) == 0
    told = capsys.readouterr().out
    assert "difference 0" in told
    for engine in set(choosing.available_engines()) - {"mxnet"}:
        assert re.search(rf"ONNX graphs, run by {engine}: difference \de-0[5-9]", told)
    assert (out / "r2n2-sequence1.onnx").is_file() and (out / "r2n2-sequence2-symbol.json").is_file()
    assert export_tool.main([run, str(out), "--overwrite"]) == 0
    assert sorted(path.name for path in out.iterdir()) == ["r2n2-0000.params", "r2n2-symbol.json", "r2n2.json"]
    with pytest.raises(SystemExit), contextlib.redirect_stderr(io.StringIO()) as told:
        export_tool.main([run, str(out), "--sequence", "0"])
    assert "at least 1" in told.getvalue()


def test_without_the_onnx_package_one_sentence_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_graphs, "can_convert", lambda: False)
    with pytest.raises(ModelError, match=r"pip install 'gluon-r2n2\[onnx\]'"):
        exported(tiny(), tmp_path / "model", onnx=True)
    assert not list(tmp_path.iterdir())


def test_converting_is_silent(tmp_path, capfd, caplog):
    """mxnet's converter prints, and writes its progress to the root logger, which tools show at this level."""
    caplog.set_level(logging.INFO)
    before = list(logging.getLogger().filters)
    write_onnx(tiny("gru_1"), tmp_path)
    told = capfd.readouterr()
    assert not caplog.records and not told.out + told.err and logging.getLogger().filters == before


def test_converting_leaves_the_onnx_package_as_it_was(tmp_path):
    before = vars(onnx).get("mapping")
    write_onnx(tiny("gru_1"), tmp_path)
    assert vars(onnx).get("mapping") is before
