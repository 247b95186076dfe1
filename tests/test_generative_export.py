"""Generative networks through export, engines, evaluation, reconstruction and server: the numbers of the network."""
from __future__ import annotations

import importlib.util
import json
import re
import shutil
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from tiny_data import SYNSETS
from tiny_exports import exported, noise, resealed, tiny
from tiny_generative import LATENT, enliven, make_run

from gluon_r2n2 import evaluation
from gluon_r2n2.deployment import (
    PreparedView,
    Reconstructor,
    available_engines,
    exported_parameters,
    load,
    onnx_graphs,
    open_generator,
    open_model,
)
from gluon_r2n2.errors import ModelError
from gluon_r2n2.evaluation.page import facts as page_facts
from gluon_r2n2.generative import BATCH, draw_latents, generate
from gluon_r2n2.serving.workers.engine import Network
from gluon_r2n2.training import load_network
from gluon_r2n2.training.arrays import get_parameters
from gluon_r2n2_tools import eval as eval_tool
from gluon_r2n2_tools import export as export_tool
from gluon_r2n2_tools import reconstruct as reconstruct_tool
from recordio.layouts import encode_png
from recordio.loading import TEST, Loader, RecordDataset

ROOT = Path(__file__).resolve().parent.parent
OTHERS = [name for name in available_engines() if name != "mxnet"]
CONVERTS = bool(OTHERS) and onnx_graphs.can_convert()
REFUSED = ("is a 3D-GAN, which makes shapes out of random numbers and sees no pictures; see its shapes with "
           "tools/sample.py")


@pytest.fixture(scope="module")
def runs(data, tmp_path_factory):
    """A run of each family, by name of the network."""
    folder = tmp_path_factory.mktemp("runs")
    return {name: make_run(folder / name, data, name=name, latent=LATENT, threshold=0.45, change=enliven)
            for name in ("3d_gan", "3d_vae_gan")}


@pytest.fixture(scope="module")
def models(runs, tmp_path_factory):
    """The same, exported with everything that can be."""
    folder = tmp_path_factory.mktemp("models")
    for name, run in runs.items():
        more = ["--onnx"] * CONVERTS + (["--sequence", "1,3"] if name == "3d_vae_gan" else [])
        assert export_tool.main([str(run), str(folder / name), *more]) == 0
    return {name: folder / name for name in runs}


def views(count=3, objects=2):
    return np.random.RandomState(0).uniform(size=(count, objects, 3, 32, 32)).astype(np.float32)


def occupied(logits):
    return mx.nd.softmax(logits, axis=1)[:, 1].asnumpy()


def close(found, expected, tolerance=1e-5):
    return found.shape == expected.shape and np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


# generators ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("name", ["3d_gan", "3d_vae_gan"])
def test_an_exported_generator_is_the_network(name, half, runs, tmp_path, capsys):
    assert export_tool.main([str(runs[name]), str(tmp_path / "model"), *["--half"] * half]) == 0
    assert "difference 0" in capsys.readouterr().out
    net, _ = load_network(runs[name])
    generator = open_generator(tmp_path / "model")
    latents = generator.draw(BATCH + 1, np.random.default_rng(1))
    np.testing.assert_array_equal(latents, draw_latents(net.config, BATCH + 1, np.random.default_rng(1)))
    grids, exact = generator.generate(latents), generate(net, latents)
    if half:
        assert 0 < np.abs(grids - exact).max() < 0.05  # rounded weights, computed in float32
    else:
        np.testing.assert_array_equal(grids, exact)
    with pytest.raises(ModelError, match=r"latent vectors \(n, 8\)"):
        generator.generate(latents[:, :-1])


def test_what_a_3d_gan_is_exported_as(models):
    """And plain MXNet runs it."""
    facts = json.loads((models["3d_gan"] / "r2n2.json").read_text())
    wanted = ["r2n2-0000.params", "r2n2-generator-symbol.json"] + ["r2n2-generator.onnx", "r2n2.onnx.data"] * CONVERTS
    assert sorted(facts["files"]) == wanted
    assert sorted([*wanted, "r2n2.json"]) == sorted(path.name for path in models["3d_gan"].iterdir())
    assert (facts["format"], facts["format_version"]) == ("gluon-r2n2 generator", 1)
    assert facts["generator"] == {"symbol": "r2n2-generator-symbol.json", "inputs": ["latents"], "latent": LATENT,
                                  "prior": "normal", "outputs": ["probability of occupied (B, V, V, V)"]}
    assert facts["model"]["family"] == "gan" and facts["threshold"] == 0.45 and facts["voxels"]["resolution"] == 16
    assert facts["provenance"]["step"] == 3 and facts["classes"] == SYNSETS
    arrays = mx.nd.load(str(models["3d_gan"] / "r2n2-0000.params"))
    assert not [name for name in arrays if "discriminator" in name]
    symbol = mx.sym.load(str(models["3d_gan"] / "r2n2-generator-symbol.json"))
    assert "Custom" not in {node["op"] for node in json.loads(symbol.tojson())["nodes"]}
    latents = mx.nd.random.normal(shape=(2, LATENT))
    graph = symbol.bind(mx.cpu(), {"latents": latents, **{name[4:]: array for name, array in arrays.items()
                                                          if name.startswith("arg:")}},
                        aux_states={name[4:]: array for name, array in arrays.items() if name.startswith("aux:")})
    found = graph.forward(is_train=False)[0].asnumpy()
    assert close(found, open_generator(models["3d_gan"]).generate(latents.asnumpy()))


def test_the_documented_lines_sample_from_it(runs, models, monkeypatch):
    lines = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "inference.md").read_text(), re.DOTALL)[-1]
    for folder in models.values():
        monkeypatch.chdir(folder.parent)
        names = {}
        exec(lines.replace('"model"', repr(folder.name)), names)
        assert names["solid"].shape == (4, 16, 16, 16) and 0 < names["solid"].mean() < 1
        np.testing.assert_array_equal(names["solid"], generate(
            load_network(runs[folder.name])[0], names["latents"]) >= 0.45)


@pytest.mark.skipif(not CONVERTS, reason="onnx, or all of onnxruntime and OpenVINO, are not installed")
@pytest.mark.parametrize("name", ["3d_gan", "3d_vae_gan"])
def test_the_onnx_generator_gives_the_same_numbers(name, models):
    import onnx

    file = str(models[name] / "r2n2-generator.onnx")
    onnx.checker.check_model(file, full_check=True)
    graph = onnx.load(file, load_external_data=False).graph
    assert [(value.name, [edge.dim_param or edge.dim_value for edge in value.type.tensor_type.shape.dim])
            for value in [*graph.input, *graph.output]] == [
                ("latents", ["batch", LATENT]), ("probabilities", ["batch", 16, 16, 16])]
    latents = np.random.RandomState(2).normal(size=(3, LATENT)).astype(np.float32)
    expected = open_generator(models[name]).generate(latents)
    if importlib.util.find_spec("onnxruntime"):
        import onnxruntime

        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        for count in (3, 1):  # one graph for any number
            assert close(session.run(None, {"latents": latents[:count]})[0], expected[:count])


# reconstruction ------------------------------------------------------------------------------------

def test_an_exported_3d_vae_gan_is_the_network(runs, models):
    net, _ = load_network(runs["3d_vae_gan"])
    images = mx.nd.array(views())
    expected = [occupied(logits) for logits in net.prefixes(images)]
    facts, engine = load(models["3d_vae_gan"])
    assert facts.state == (LATENT + 1, 1, 1, 1) and facts.model == net.config.as_dict()
    for number in range(2):
        for found, wanted in zip(engine.stream(views()[:, number]), expected):
            assert close(found, wanted[number], 2e-6)
    for count in (1, 3):
        symbol = mx.sym.load(str(models["3d_vae_gan"] / f"r2n2-sequence{count}-symbol.json"))
        graph = mx.gluon.SymbolBlock(symbol, [mx.sym.var("images", dtype="float32")])
        graph.collect_params().load(str(models["3d_vae_gan"] / "r2n2-0000.params"), cast_dtype=True,
                                    dtype_source="current")
        assert close(graph(images[:count]).asnumpy(), expected[count - 1], 2e-6)


def test_the_discriminator_is_left_out(runs, models):
    """Of weights and graphs; what is left is all that reconstructing and sampling take, once."""
    net, _ = load_network(runs["3d_vae_gan"])
    kept = {name: array for name, array in get_parameters(net).items() if not name.startswith("discriminator")}
    for name, model in models.items():  # as a training takes them that begins with an exported model's weights
        found, whole = exported_parameters(model), get_parameters(load_network(runs[name])[0])
        assert found.keys() == {place for place in whole if not place.startswith("discriminator")}
        for place, array in found.items():
            np.testing.assert_array_equal(array.asnumpy(), whole[place].asnumpy())
    folder = models["3d_vae_gan"]
    arrays = mx.nd.load(str(folder / "r2n2-0000.params"))
    assert len(arrays) == len(kept) and sum(a.size for a in arrays.values()) == sum(a.size for a in kept.values())
    for path in folder.glob("*.json"):
        assert "discriminator" not in re.sub(r'"training": {.*?}', "", path.read_text(), flags=re.DOTALL), path.name
    if CONVERTS:
        import onnx

        names = {tensor.name for path in folder.glob("*.onnx")
                 for tensor in onnx.load(str(path), load_external_data=False).graph.initializer if tensor.external_data}
        assert names == kept.keys()
        assert (folder / "r2n2.onnx.data").stat().st_size < sum(4 * a.size + 4096 for a in kept.values())


@pytest.mark.skipif(not CONVERTS, reason="onnx, or all of onnxruntime and OpenVINO, are not installed")
@pytest.mark.parametrize("engine", OTHERS)
def test_every_engine_gives_the_numbers_of_mxnet(engine, runs, models):
    images = [noise(137, 137, 4), 255 - noise(127, 127, 3), noise(90, 60, 4), noise(127, 127, 3)]
    exact = Reconstructor(models["3d_vae_gan"], engine="mxnet")
    expected = list(exact.stream(images))
    for path in (models["3d_vae_gan"], runs["3d_vae_gan"]):  # of a run the graphs are made when it is loaded
        ours = Reconstructor(path, engine=engine)
        assert ours.engine == engine
        for found, wanted in zip(ours.stream(images), expected):
            assert close(found, wanted)
        for found, wanted in zip(ours.reconstruct_many([images[:2], images, images[:1]]),
                                 [expected[1], expected[3], expected[0]]):
            assert close(found, wanted)


def test_photographs_become_files_one_by_one_and_in_batches(models, tmp_path, capsys):
    for name, seed in (("a/1", 1), ("a/2", 2), ("b/1", 3)):
        path = tmp_path / "photos" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode_png(np.roll(noise(127, 127, 3), seed, axis=0)))
    model, common = str(models["3d_vae_gan"]), ["--engine", "mxnet", "--formats", "npz"]
    one = [str(path) for path in sorted((tmp_path / "photos" / "a").iterdir())]
    assert reconstruct_tool.main([model, *one, "--out", str(tmp_path / "one"), "--each-view", *common]) == 0
    assert reconstruct_tool.main([model, str(tmp_path / "photos"), "--out", str(tmp_path / "many"), *common]) == 0
    capsys.readouterr()
    grids = [np.load(tmp_path / place / "model.npz")["probabilities"]
             for place in ("one", "many/a", "one/after_01_views", "one/after_02_views")]
    exact = list(Reconstructor(models["3d_vae_gan"], engine="mxnet").stream(
        [np.roll(noise(127, 127, 3), seed, axis=0) for seed in (1, 2)]))
    for found, wanted in zip(grids, (exact[1], exact[1], exact[0], exact[1])):
        assert close(found, wanted)
    assert np.abs(exact[0] - exact[1]).max() > 0.01


def test_the_evaluation_is_that_of_the_protocol(data, runs, models, tmp_path, capsys):
    """All views by the mean of their latent vectors; the objects, views and tables are those of any network."""
    common = ["--data", str(data), "--views", "1,3", "--threshold", "0.5"]
    results = []
    for path in (runs["3d_vae_gan"], models["3d_vae_gan"]):
        file = tmp_path / f"{len(results)}.json"
        assert eval_tool.main(["--checkpoint", str(path), *common, "--json", str(file)]) == 0
        results.append(evaluation.read_result(file))
    told = capsys.readouterr().out
    assert "Average precision" in told
    assert [result["objects"] for result in results[:1]] == [result["objects"] for result in results[1:]]
    assert page_facts.subject(results[0]) == "3D-VAE-GAN"
    assert dict(page_facts.facts(results[0]))["network"].startswith("3d_vae_gan, 0.03125 of the published width")
    net, _ = load_network(runs["3d_vae_gan"])
    scores = {1: [], 3: []}
    for batch in Loader(RecordDataset(data, "test"), batch_size=1, views=3, augmentation=TEST, image_size=32,
                        shuffle=False, drop_last=False, by_key=True, threads=0).epoch(0):
        images, truth = mx.nd.array(batch.images) / 255, batch.voxels[0].astype(bool)
        for count, found in scores.items():
            latents = np.mean([net.gaussian(view)[0].asnumpy() for view in images[:count]], axis=0)
            grid = generate(net, latents)[0]
            assert (np.abs(grid - 0.5) > 1e-6).all()  # no voxel so near that rounding decides
            solid = grid >= 0.5
            found.append((solid & truth).sum() / (solid | truth).sum())
    for count, found in scores.items():
        assert [each["iou"][str(count)] for each in results[0]["objects"].values()] == pytest.approx(found, abs=1e-6)
    assert np.abs(np.subtract(scores[1], scores[3])).max() > 1e-3  # the further views do something


def test_the_server_computes_with_it(models):
    """Batches and streams of its engine process, here in this one."""
    exact = Reconstructor(models["3d_vae_gan"], engine="mxnet")
    network = Network(exact)
    network.warm_up()
    assert network.facts()["resolution"] == 16
    images = [noise(32, 32, 3), 255 - noise(32, 32, 3)]
    blobs = [np.stack(images).tobytes(), images[1].tobytes()]
    header, grids = network.batch({"task": "batch", "thresholds": [0.5, 0.5]}, blobs)
    prepared = [PreparedView(image=image, note="") for image in images]
    expected = [exact.reconstruct(views) for views in (prepared, prepared[1:])]
    assert len(header["results"]) == 2
    for place, wanted in enumerate(expected):
        assert close(np.frombuffer(grids[2 * place], np.float32).reshape(16, 16, 16), wanted)
    for number in range(2):
        step = {"task": "step", "id": "x", "forget": [], "last": number == 1, "threshold": 0.5}
        _, (grid, _) = network.step(step, [] if number else blobs[:1])
    assert close(np.frombuffer(grid, np.float32).reshape(16, 16, 16), expected[0])


# what is refused -----------------------------------------------------------------------------------

def test_a_3d_gan_sees_no_pictures(data, runs, models, tmp_path, capsys):
    [checkpoint] = (runs["3d_gan"] / "checkpoints").iterdir()
    for path in (runs["3d_gan"], checkpoint, models["3d_gan"]):
        for engine in available_engines():
            with pytest.raises(ModelError, match=REFUSED) as caught:
                open_model(path, engine=engine)
            assert str(path) in str(caught.value) and "\n" not in str(caught.value)
        (tmp_path / "photo.png").write_bytes(encode_png(noise(127, 127, 3)))
        for tool, command in ((eval_tool, ["--checkpoint", str(path), "--data", str(data)]),
                              (reconstruct_tool, [str(path), str(tmp_path / "photo.png"), "--out", str(tmp_path)])):
            assert tool.main(command) == 2
            assert REFUSED in capsys.readouterr().err
    assert export_tool.main([str(runs["3d_gan"]), str(tmp_path / "y"), "--sequence", "2"]) == 2
    assert "is a 3D-GAN, which sees no views; leave it out" in capsys.readouterr().err
    assert export_tool.main([str(models["3d_gan"]), str(tmp_path / "y")]) == 2
    assert "is an exported model already" in capsys.readouterr().err and not (tmp_path / "y").exists()


def test_only_exported_generators_are_opened(runs, models, tmp_path):
    with pytest.raises(ModelError, match="r2n2.json is missing: .* is not an exported model"):
        open_generator(runs["3d_gan"])
    with pytest.raises(ModelError, match="has no generator to sample from; give an exported 3D-GAN or 3D-VAE-GAN"):
        open_generator(exported(tiny("gru_1"), tmp_path / "recurrent"))
    for name, file in (("3d_gan", "r2n2-generator-symbol.json"), ("3d_vae_gan", "r2n2-generator-symbol.json"),
                       ("3d_gan", "r2n2-0000.params")):
        shutil.rmtree(tmp_path / "copy", ignore_errors=True)
        shutil.copytree(models[name], tmp_path / "copy")
        content = bytearray((tmp_path / "copy" / file).read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / "copy" / file).write_bytes(content)
        with pytest.raises(ModelError, match=f"{file} has another SHA-256"):
            open_generator(tmp_path / "copy")
        (tmp_path / "copy" / file).unlink()
        with pytest.raises(ModelError, match=f"{file} is missing"):
            open_generator(tmp_path / "copy")
    shutil.copytree(models["3d_gan"], tmp_path / "other")
    resealed(tmp_path / "other", lambda facts: facts.update(format="gluon-r2n2 oracle"))
    with pytest.raises(ModelError, match="does not describe an exported model"):
        open_generator(tmp_path / "other")
    shutil.copytree(models["3d_gan"], tmp_path / "wide")
    shutil.copy(models["3d_vae_gan"] / "r2n2-generator-symbol.json", tmp_path / "wide")  # of other names
    resealed(tmp_path / "wide")
    with pytest.raises(ModelError, match="wide is no model that tools/export.py wrote"):
        open_generator(tmp_path / "wide")


def test_an_exported_generator_is_replaced_when_told_to(runs, models, tmp_path, capsys):
    shutil.copytree(models["3d_gan"], tmp_path / "model")
    assert export_tool.main([str(runs["3d_gan"]), str(tmp_path / "model")]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert export_tool.main([str(runs["3d_vae_gan"]), str(tmp_path / "model"), "--overwrite"]) == 0
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "r2n2-0000.params", "r2n2-generator-symbol.json", "r2n2-symbol.json", "r2n2.json"]
