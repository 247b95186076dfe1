"""Exported models and the reconstructor, against the network itself and plain MXNet; tools/export.py."""
from __future__ import annotations

import errno
import importlib.util
import json
import re
import resource
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from tiny_exports import exported, info_of, move_statistics, noise, resealed, run_folder, tiny

import gluon_r2n2
from gluon_r2n2 import files
from gluon_r2n2.deployment import (
    Artefact,
    Preprocessing,
    Reconstructor,
    export,
    exporting,
    graphs,
    load,
    onnx_graphs,
    prepare,
)
from gluon_r2n2.deployment.preprocess import network_input
from gluon_r2n2.errors import ModelError
from gluon_r2n2.training.arrays import named_parameters
from gluon_r2n2_tools import export as export_tool

ROOT = Path(__file__).resolve().parent.parent


# --- exported models


@pytest.mark.parametrize("name, options", [
    ("res3d_gru_3", {}), ("gru_1", {}), ("gru_3", {"norm": "batch"}), ("lstm_1", {}),
    ("lstm_3", {"upsample": "trilinear", "resolution": 32}), ("res3d_gru_3", {"upsample": "deconv", "norm": "batch"}),
])
def test_an_exported_model_is_the_network(name, options, tmp_path):
    net = tiny(name, **options)
    views = mx.nd.random.uniform(shape=(3, 1, 3, 32, 32))
    move_statistics(net, views)
    expected = [mx.nd.softmax(logits, axis=1)[0, 1].asnumpy() for logits in net.prefixes(views)]
    folder = exported(net, tmp_path / "model")  # after inference forwards, which reorder weights in place
    facts, engine = load(folder)
    assert facts == Artefact.of(net, info_of(net))
    for got, wanted in zip(engine.stream(views.asnumpy()[:, 0]), expected):
        np.testing.assert_allclose(got, wanted, atol=2e-6)
    np.testing.assert_array_equal(engine.run(views.asnumpy()[:, 0]), got)
    assert sorted(path.name for path in folder.iterdir()) == ["r2n2-0000.params", "r2n2-symbol.json", "r2n2.json"]


def test_half_the_size_holds_the_rounded_network(tmp_path):
    """Weights as NumPy rounds them; biases and statistics, one of them beyond float16, to the bit."""
    net = tiny(norm="batch")
    views = mx.nd.random.uniform(shape=(2, 1, 3, 32, 32))
    move_statistics(net, views)
    wide = next(parameter for name, parameter in named_parameters(net).items() if name.endswith("running_var"))
    wide.set_data(wide.data() * 1e6)
    whole = exported(net, tmp_path / "whole")
    export(net, Artefact.of(net, info_of(net)), tmp_path / "half", half=True)
    kept, found = ({re.sub(r"r2n2\d+", "", name): array.asnumpy()  # a number that counts networks
                    for name, array in mx.nd.load(str(tmp_path / folder / "r2n2-0000.params")).items()}
                   for folder in ("whole", "half"))
    assert kept.keys() == found.keys() and max(array.max() for array in kept.values()) > 65504
    for name, array in kept.items():
        wanted = array.astype(np.float16) if array.ndim > 1 else array
        assert found[name].dtype == wanted.dtype
        np.testing.assert_array_equal(found[name], wanted, name)
    sizes = [(folder / "r2n2-0000.params").stat().st_size for folder in (tmp_path / "half", whole)]
    assert sizes[0] < 0.52 * sizes[1]
    exact, rounded = (load(folder)[1].run(views.asnumpy()[:, 0]) for folder in (whole, tmp_path / "half"))
    assert rounded.dtype == np.float32 and 0 < np.abs(rounded - exact).max() < 0.01


def test_no_custom_operator_is_exported(tmp_path):
    nodes = json.loads((exported(tiny(), tmp_path / "model") / "r2n2-symbol.json").read_text())["nodes"]
    operators = {node["op"] for node in nodes}
    assert "Custom" not in operators and {"Convolution", "Deconvolution"} <= operators


@pytest.mark.filterwarnings("ignore:Cannot decide type:UserWarning")  # of SymbolBlock.imports, as the text says
def test_the_documented_lines_give_the_network(tmp_path, monkeypatch):
    net = tiny()
    runtime = importlib.util.find_spec("onnxruntime") and onnx_graphs.can_convert()
    exported(net, tmp_path / "model", onnx=bool(runtime))
    images = [noise(32, 32, 3), noise(32, 32, 3) // 2]
    block, module, onnx, ours, _ = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "inference.md").read_text(),
                                              re.DOTALL)
    assert "gluon_r2n2" not in block + module + onnx and len(block.strip().splitlines()) <= 12
    monkeypatch.chdir(tmp_path)
    expected = mx.nd.softmax(net(mx.nd.array(network_input(images))), axis=1)[0, 1].asnumpy()
    names = {"images": images}
    for code in (block, module, *([onnx] if runtime else [])):
        names.pop("probabilities", None)
        exec(code, names)
        probabilities = names["probabilities"][0]
        np.testing.assert_allclose(probabilities if code is onnx else probabilities.asnumpy(), expected, atol=3e-6)
    assert names["solid"].shape == (16, 16, 16)
    exec(ours, {"images": images, "print": lambda *_: None})
    assert (tmp_path / "object.glb").read_bytes()[:4] == b"glTF"


@pytest.mark.parametrize("name, options", [("res3d_gru_3", {"norm": "batch"}), ("lstm_3", {})])
def test_a_graph_of_the_whole_sequence_is_the_network(name, options, tmp_path):
    """By plain MXNet, on two objects; a graph for one number of views takes no other."""
    net = tiny(name, **options)
    views = mx.nd.random.uniform(shape=(3, 2, 3, 32, 32))
    move_statistics(net, views)
    folder = exported(net, tmp_path / "model", sequences=[1, 3])
    expected = [mx.nd.softmax(logits, axis=1)[:, 1].asnumpy() for logits in net.prefixes(views)]
    for count in (1, 3):
        symbol = mx.sym.load(str(folder / f"r2n2-sequence{count}-symbol.json"))
        assert "Custom" not in {node["op"] for node in json.loads(symbol.tojson())["nodes"]}
        graph = mx.gluon.SymbolBlock(symbol, [mx.sym.var("images", dtype="float32")])
        graph.collect_params().load(str(folder / "r2n2-0000.params"), cast_dtype=True, dtype_source="current")
        np.testing.assert_allclose(graph(views[:count]).asnumpy(), expected[count - 1], atol=2e-6)


@pytest.mark.parametrize("file, broken", [("r2n2-symbol.json", 0), ("r2n2-sequence2-symbol.json", 1)])
def test_an_export_that_is_not_the_network_is_not_written(file, broken, tmp_path, monkeypatch):
    """What the network gives is changed by the last bit of one voxel, after the first or after the second view."""
    compute = exporting._probabilities

    def changed(net, views):
        grids = compute(net, views)
        if broken == 0:
            grids[0][1, 2, 3] = np.nextafter(grids[0][1, 2, 3], np.float32(1))
        return grids

    monkeypatch.setattr(exporting, "_probabilities", changed)
    if broken:  # the same weights, the views the other way round
        symbol = graphs.sequence_symbol
        monkeypatch.setattr(exporting.graphs, "sequence_symbol", lambda net, views: symbol(net, views)(
            images=mx.sym.flip(mx.sym.var("images", dtype="float32"), axis=0)))
    with pytest.raises(ModelError, match=f"{file} differs from the network by up to .*nothing was written"):
        exported(tiny(), tmp_path / "model", sequences=[2])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["r2n2-symbol.json", "r2n2-0000.params", "r2n2.json"])
def test_a_damaged_or_missing_file_is_named(name, tmp_path):
    folder = exported(tiny(), tmp_path / "model")
    data = (folder / name).read_bytes()
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 1
    for content in (bytes(flipped), data[:-9], b""):
        (folder / name).write_bytes(content)
        with pytest.raises(ModelError, match=name):
            Reconstructor(folder)
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"{name}.* is missing"):
        Reconstructor(folder)


@pytest.mark.parametrize("change, message", [
    ({"format_version": 2}, "format version 2, this program reads 1"), ({"format": "onnx"}, "wanted the format"),
    ({"threshold": 0.1}, "changed after it was written"),
])
def test_another_format_or_edited_facts_are_refused(change, message, tmp_path):
    folder = exported(tiny(), tmp_path / "model")
    facts = json.loads((folder / "r2n2.json").read_text())
    (folder / "r2n2.json").write_text(json.dumps({**facts, **change}))
    with pytest.raises(ModelError, match=message):
        load(folder)


@pytest.mark.parametrize("change", [
    lambda facts: facts.pop("graph"), lambda facts: facts.update(threshold="high"),
    lambda facts: facts["graph"].update(state="none"), lambda facts: facts["preprocessing"].pop("crop"),
    lambda facts: facts.update(files={}),  # would leave graph and weights unchecked
])
def test_facts_of_another_making_are_refused(change, tmp_path):
    folder = exported(tiny(), tmp_path / "model")
    resealed(folder, change)
    with pytest.raises(ModelError, match="model is no model that tools/export.py wrote"):
        load(folder)


def test_a_graph_of_another_making_is_refused(tmp_path):
    folder = exported(tiny(), tmp_path / "model")
    graph = json.loads((folder / "r2n2-symbol.json").read_text())
    convolution = next(node for node in graph["nodes"] if node["op"] == "Convolution")
    custom = {"op": "Custom", "attrs": {"op_type": "theirs"}}  # code that is not in the folder
    for content in ({}, {**graph, "nodes": [{**node, **custom} if node is convolution else node
                                            for node in graph["nodes"]]}):
        (folder / "r2n2-symbol.json").write_text(json.dumps(content))
        resealed(folder)
        with pytest.raises(ModelError, match="model is no model"):
            load(folder)


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "part/../../secret"])
def test_no_file_outside_of_the_folder_is_looked_at(name, tmp_path):
    folder = exported(tiny(), tmp_path / "model")
    (tmp_path / "secret").write_text("precious")
    resealed(folder, lambda facts: facts["files"].update({name: "0" * 64}))
    with pytest.raises(ModelError, match="r2n2.json lists files outside of its folder"):
        load(folder)


def test_the_facts_travel_with_the_model(tmp_path):
    facts = json.loads((exported(tiny(), tmp_path / "model") / "r2n2.json").read_text())
    assert facts["preprocessing"] == {"input_size": 32, "frame": 137, "crop": 127, "background": 240, "colour": "RGB",
                                      "object_share": 0.67, "range": [0.0, 1.0], "layout": "NCHW"}
    assert facts["graph"]["state"] == list(tiny().begin_state(1).shape[1:]) and facts["voxels"]["resolution"] == 16
    assert facts["threshold"] == 0.45 and facts["classes"] == {"03001627": "chair"}
    assert facts["provenance"]["run"] == "a" and facts["provenance"]["step"] == 7
    assert facts["files"] == {name: files.sha256(tmp_path / "model" / name)
                              for name in ("r2n2-symbol.json", "r2n2-0000.params")}


def test_a_failed_export_leaves_nothing(tmp_path, monkeypatch):
    def broken(*_):
        raise ModelError("differs")

    monkeypatch.setattr(exporting, "_verify", broken)
    with pytest.raises(ModelError, match="differs"):
        exported(tiny(), tmp_path / "model")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("limit", [1000, 40_000])  # bytes: neither graph nor weights fit; the graph does
def test_an_export_that_does_not_fit_on_the_disk(limit, tmp_path, capsys):
    """A limit on the size of files stands for the full disk, as in the tests of training."""
    run, out = run_folder(tiny(), tmp_path / "run"), tmp_path / "model"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limits[1]))
    try:
        assert export_tool.main([str(run), str(out)]) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    told = capsys.readouterr().err
    assert f"{out}: " in told and ".tmp" not in told and told.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_folder_that_cannot_take_its_place_leaves_the_old_one(tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "old").write_text("precious")
    rename = Path.rename

    def fail_for_new(path, target):
        if (path / "new").exists():
            raise OSError(errno.EBUSY, "Device or resource busy", str(path), None, str(target))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail_for_new)
    with pytest.raises(OSError) as caught, files.atomic_directory(tmp_path / "model") as folder:
        (folder / "new").write_text("new")
    assert caught.value.filename == str(tmp_path / "model")
    assert (tmp_path / "model" / "old").read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


# --- the reconstructor


def test_run_checkpoint_and_exported_model_reconstruct_alike(tmp_path):
    net = tiny()
    run, model = run_folder(net, tmp_path / "run"), exported(net, tmp_path / "model")
    images = [noise(137, 137, 4), noise(90, 60, 4), noise(127, 127, 3)]
    checkpoint, = (run / "checkpoints").iterdir()
    grids = [Reconstructor(path, engine="mxnet").reconstruct(images) for path in (run, checkpoint, model)]
    np.testing.assert_array_equal(grids[0], grids[1])
    np.testing.assert_array_equal(grids[0], grids[2])
    views = network_input([prepare(image, Preprocessing(input_size=32)).image for image in images])
    expected = mx.nd.softmax(net(mx.nd.array(views)), axis=1)[0, 1].asnumpy()  # axes as in training: [x, y, z]
    np.testing.assert_allclose(grids[2], expected, atol=2e-6)


def test_the_stream_gives_the_reconstruction_of_every_prefix(tmp_path):
    reconstructor = Reconstructor(exported(tiny("lstm_3"), tmp_path / "model"), engine="mxnet")
    images = [noise(137, 137, 4), 255 - noise(137, 137, 4), noise(137, 137, 4).transpose(1, 0, 2).copy()]
    prepared = reconstructor.prepare(images)
    for count, grid in enumerate(reconstructor.stream(prepared), 1):
        np.testing.assert_array_equal(grid, reconstructor.reconstruct(images[:count]))
    assert count == 3 and grid.shape == (16, 16, 16) and grid.dtype == np.float32


def test_no_picture_and_no_model_are_refused(tmp_path):
    reconstructor = Reconstructor(exported(tiny(), tmp_path / "model"), engine="mxnet")
    with pytest.raises(ModelError, match="at least one picture"):
        reconstructor.reconstruct([])
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(ModelError, match="holds no model"):
            Reconstructor(path)


# --- the tools


def test_export_replaces_only_exported_models_and_only_when_told_to(tmp_path, capsys):
    run, out = str(run_folder(tiny(), tmp_path / "run")), tmp_path / "new" / "model"
    assert export_tool.main([run, str(out)]) == 0
    assert "difference 0" in capsys.readouterr().out
    assert export_tool.main([str(out), str(tmp_path / "again")]) == 2
    assert "exported model already; give the run" in capsys.readouterr().err
    assert export_tool.main([run, str(out)]) == 2
    assert "--overwrite" in capsys.readouterr().err
    (out / "r2n2-symbol.json").write_text("damaged")
    assert export_tool.main([run, str(out), "--overwrite"]) == 0
    load(out)
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "chapter1.txt").write_text("precious")
    assert export_tool.main([run, str(other), "--overwrite"]) == 2
    assert "no exported model" in capsys.readouterr().err and (other / "chapter1.txt").exists()
    assert export_tool.main([run, str(other / "chapter1.txt")]) == 2
    assert export_tool.main([str(other), str(tmp_path / "x")]) == 2
    (out / "notes.txt").write_text("precious")
    assert export_tool.main([run, str(out), "--overwrite"]) == 2
    assert "notes.txt" in capsys.readouterr().err and (out / "notes.txt").exists()


def test_weights_without_a_run_are_exported_by_naming_their_network(tmp_path, capsys):
    net = gluon_r2n2.get_model("gru_1")
    gluon_r2n2.initialise(net, seed=3)
    weights, out = str(tmp_path / "gru_1.params"), str(tmp_path / "model")
    net.save_parameters(weights)
    assert export_tool.main([weights, out]) == 2
    assert "give --model NAME" in capsys.readouterr().err
    assert export_tool.main([weights, out, "--model", "lstm_1"]) == 2
    assert "gru_1.params: holds another architecture" in capsys.readouterr().err
    assert export_tool.main([str(tmp_path), out, "--model", "gru_1"]) == 2
    assert "is a folder" in capsys.readouterr().err
    assert export_tool.main([str(tmp_path / "none.params"), out, "--model", "gru_1"]) == 2
    assert "none.params: no such file" in capsys.readouterr().err
    assert export_tool.main([weights, out, "--model", "gru_1"]) == 0
    picture = np.random.randint(0, 256, (127, 127, 3), dtype=np.uint8)
    expected = mx.nd.softmax(net(mx.nd.array(picture.transpose(2, 0, 1)[None, None]) / 255), axis=1)[0, 1].asnumpy()
    reconstructor = Reconstructor(out, engine="mxnet")
    np.testing.assert_allclose(reconstructor.reconstruct([picture]), expected, atol=1e-6)
    assert reconstructor.facts.threshold == 0.4 and reconstructor.facts.provenance["weights"] == "gru_1.params"


def test_export_to_the_folder_one_is_in_and_through_a_link(tmp_path, capsys, monkeypatch):
    run = str(run_folder(tiny(), tmp_path / "run"))
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "far")
    assert export_tool.main([run, str(tmp_path / "link")]) == 0
    assert (tmp_path / "link").is_symlink() and (tmp_path / "far" / "r2n2.json").is_file()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert export_tool.main([run, "."]) == 2
    assert "the folder you are in" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["far", "here", "link", "run"]
