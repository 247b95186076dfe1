"""tools/sample.py: what it writes against what the network and the data say, twice the same, and every refusal."""
from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
import trimesh
from PIL import Image
from tiny_data import RESOLUTION, SIZE, SYNSETS, make_data
from tiny_generative import make_run

from gluon_r2n2 import training
from gluon_r2n2.generative import draw_latents, generate, interpolate
from gluon_r2n2_tools import sample
from gluon_r2n2_tools.sample_options import terms, written
from recordio.layouts import encode_png, read_binvox
from recordio.loading import TEST, Loader, RecordDataset

ROOT = Path(__file__).resolve().parent.parent
FEW = ["--count", "3", "--steps", "3"]
LATENT = 8


def generator(folder, data, name="3d_gan", *, bias=None, **options):
    """A run of a network with a few latent numbers; *bias*: of the logit of being occupied, for all voxels alike."""
    def change(net):
        net.generator.logits.weight.set_data(net.generator.logits.weight.data() * 0)
        net.generator.logits.bias.set_data(mx.nd.array([0, bias]))

    return make_run(folder, data, name=name, latent=LATENT, change=None if bias is None else change, **options)


def run_tool(run, out, *more):
    return sample.main([str(run), "--out", str(out), *map(str, more)])


def listed(out):
    return json.loads((out / "samples.json").read_text())


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file()}


@pytest.fixture(scope="module")
def gan(data, tmp_path_factory):
    return generator(tmp_path_factory.mktemp("gan") / "run", data)


@pytest.fixture(scope="module")
def vae(data, tmp_path_factory):
    return generator(tmp_path_factory.mktemp("vae") / "run", data, "3d_vae_gan")


@pytest.fixture(scope="module")
def made(gan, tmp_path_factory):
    """What the tool makes of a 3D-GAN, in every format."""
    out = tmp_path_factory.mktemp("made") / "deep" / "out"
    assert run_tool(gan, out, *FEW, "--formats", "glb,obj,ply,stl,binvox,npz", "--arithmetic", "0", "-1", "+2",
                    "--interpolate", "2", "0", "--interpolate", "0", "1") == 0
    return out


@pytest.fixture(scope="module")
def grids(gan):
    """What the network makes of the first latent vectors of seed 0, by the library alone."""
    net, _ = training.load_network(gan)
    latents = draw_latents(net.config, 3, np.random.default_rng(0))
    return latents, generate(net, latents), net


# ---- what is written

def test_every_sample_is_what_the_network_makes_of_its_latent_vector(made, grids):
    latents, wanted, _ = grids
    with np.load(made / "latents.npz") as stored:
        np.testing.assert_array_equal(stored["samples"], latents)
        assert stored["images"].shape == (0, LATENT)
    for number, entry in enumerate(listed(made)["samples"]):
        assert entry["name"] == str(number) and set(entry["files"]) == {"glb", "obj", "ply", "stl", "binvox", "npz"}
        with np.load(made / entry["files"]["npz"]) as stored:
            np.testing.assert_array_equal(stored["probabilities"], wanted[number])
        solid = wanted[number] >= 0.5
        np.testing.assert_array_equal(read_binvox(made / entry["files"]["binvox"]).occupancy, solid)
        assert entry["occupied"] == solid.sum() and entry["voxels"] == RESOLUTION ** 3
        for kind in ("glb", "obj", "ply", "stl"):
            mesh = trimesh.load(made / entry["files"][kind], force="mesh")
            assert len(mesh.faces) > 12, kind


def test_beside_each_is_the_training_object_it_shares_most_with(made, grids, data):
    with RecordDataset(data, "train") as objects:
        voxels = np.stack([objects.voxels(index) for index in range(len(objects))])
        keys = objects.keys
    for entry, grid in zip(listed(made)["samples"], grids[1]):
        solid = grid >= 0.5
        scores = [(solid & each).sum() / (solid | each).sum() for each in voxels]
        near = entry["nearest_training_object"]
        assert near["key"] == keys[int(np.argmax(scores))] and near["iou"] == pytest.approx(max(scores), abs=1e-12)
        assert near["class"] == SYNSETS[near["key"].split("/")[0]]
    compared = listed(made)["data"]
    assert compared["objects"] == len(keys) and compared["trained_on"] is True


def test_ways_and_sums_are_those_of_the_latent_vectors(made, grids):
    latents, wanted, net = grids
    ways = listed(made)["interpolations"]
    assert [(way["from"], way["to"], way["path"], way["steps"]) for way in ways] == [
        ("2", "0", "spherical", 3), ("0", "1", "spherical", 3)]
    with np.load(made / ways[0]["files"]["npz"]) as stored:
        way = interpolate(latents[2], latents[0], 3)
        np.testing.assert_array_equal(stored["latents"], way)
        np.testing.assert_array_equal(stored["probabilities"][[0, 2]], wanted[[2, 0]])
        np.testing.assert_array_equal(stored["probabilities"], generate(net, way))
        assert ways[0]["occupied"] == (stored["probabilities"] >= 0.5).sum(axis=(1, 2, 3)).tolist()
    total, = listed(made)["arithmetic"]
    assert total["name"] == "0 - 1 + 2" and [term["sign"] for term in total["terms"]] == [1, -1, 1]
    with np.load(made / total["files"]["npz"]) as stored:
        expected = generate(net, (latents[0] - latents[1] + latents[2])[None])[0]
        np.testing.assert_allclose(stored["probabilities"], expected, rtol=0, atol=1e-6)


def test_pictures_show_shapes_and_neighbours(made):
    for name in [*listed(made)["pictures"], "interpolation/2_0.png"]:
        picture = np.asarray(Image.open(made / name).convert("RGB")).astype(int)
        blue, green = (picture[..., channel] - picture[..., 0] > 40 for channel in (2, 1))
        assert blue.mean() > 0.05, name
        assert (green & ~blue).mean() > 0.02 or name in ("sheet.png", "interpolation/2_0.png"), name
    assert set(listed(made)["pictures"]) == {"sheet.png", "neighbours.png", "arithmetic/0.png"}
    assert listed(made)["checkpoint"].endswith("step-00000003") and listed(made)["seed"] == 0


def test_the_same_seed_gives_the_same_bytes(gan, tmp_path):
    for name in ("first", "second"):
        assert run_tool(gan, tmp_path / name, "--count", "2", "--steps", "2") == 0
    first, second = (content(tmp_path / name) for name in ("first", "second"))
    assert set(first) >= {"index.html", "samples.json", "latents.npz", "sheet.png", "samples/0001.glb"}
    assert first == second


def test_a_sample_does_not_hang_on_how_many_there_are_and_does_on_the_seed(gan, made, tmp_path):
    assert run_tool(gan, tmp_path / "one", "--count", "1", "--no-neighbours", "--formats", "npz") == 0
    assert run_tool(gan, tmp_path / "other", "--count", "1", "--no-neighbours", "--formats", "npz", "--seed", "1") == 0
    wanted = (made / "samples" / "0000.npz").read_bytes()
    assert (tmp_path / "one" / "samples" / "0000.npz").read_bytes() == wanted
    assert (tmp_path / "other" / "samples" / "0000.npz").read_bytes() != wanted
    assert listed(tmp_path / "one")["interpolations"] == [] and listed(tmp_path / "one")["data"] is None


def test_a_uniform_prior_has_straight_ways(data, tmp_path, capsys):
    run = generator(tmp_path / "run", data, prior="uniform")
    assert run_tool(run, tmp_path / "out", "--count", "2", "--steps", "3", "--no-neighbours") == 0
    assert "1 way of 3 steps (linear)" in capsys.readouterr().out
    with np.load(tmp_path / "out" / "latents.npz") as stored:
        way = stored["interpolation_0_1"]
        np.testing.assert_allclose(way[1], stored["samples"].mean(axis=0), rtol=1e-6)


# ---- pictures

def test_pictures_are_encoded_as_the_network_is_trained_and_evaluated(vae, data, tmp_path):
    with RecordDataset(data, "test") as objects:
        loader = Loader(objects, batch_size=1, views=1, by_key=True, augmentation=TEST, image_size=SIZE, shuffle=False,
                        threads=0)
        seen = next(iter(loader.epoch(0))).images[0]  # (1, 3, S, S) uint8
    pictures = [tmp_path / "long.png", tmp_path / "again.png"]
    for path in pictures:
        # in the size of the renderings' middle a picture is taken as it is, and this network's input is as small
        path.write_bytes(encode_png(np.repeat(np.repeat(seen[0].transpose(1, 2, 0), 4, 0), 4, 1)[:127, :127]))
    out = tmp_path / "out"
    assert run_tool(vae, out, "--images", *pictures, "--count", "1", "--steps", "2", "--formats", "npz",
                    "--arithmetic", "a - b + 0") == 0
    net, _ = training.load_network(vae)
    from gluon_r2n2.deployment import Reconstructor
    reconstructor = Reconstructor(vae, engine="mxnet")
    view, = reconstructor.prepare([np.asarray(Image.open(pictures[0]))])
    mean = net.gaussian(mx.nd.array(view.image.transpose(2, 0, 1)[None] / np.float32(255)))[0].asnumpy()
    with np.load(out / "latents.npz") as stored:
        np.testing.assert_allclose(stored["images"], np.repeat(mean, 2, axis=0), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(stored["arithmetic"][0], stored["samples"][0], rtol=0, atol=1e-6)  # a - a + 0
        np.testing.assert_array_equal(stored["interpolation_a_b"], stored["images"])  # pictures go before samples
    with np.load(out / "images" / "a.npz") as stored:
        np.testing.assert_allclose(stored["probabilities"], reconstructor.reconstruct([view]), rtol=0, atol=1e-5)
    first, _ = listed(out)["images"]
    assert first["image"] == str(pictures[0]) and "127x127" in first["prepared"]
    assert (out / "images.png").is_file()


# ---- shapes that are none

@pytest.mark.parametrize("bias, word", [(-9, "empty"), (9, "full")])
def test_empty_and_full_shapes_are_said(data, tmp_path, capsys, bias, word):
    run = generator(tmp_path / "run", data, bias=bias)
    out = tmp_path / "out"
    assert run_tool(run, out, "--count", "2", "--steps", "2", "--formats", "glb,binvox", "--arithmetic", "0 + 1") == 0
    told = capsys.readouterr().err
    assert f"WARNING: sample 0, sample 1, 0 + 1: {word}: " in told and "untrained or has collapsed" in told
    entry = listed(out)["samples"][0]
    assert set(entry["files"]) == ({"binvox"} if word == "empty" else {"glb", "binvox"})
    assert entry["occupied"] == (0 if word == "empty" else RESOLUTION ** 3)
    assert (entry["nearest_training_object"] is None) == (word == "empty")
    assert any(word in note for note in listed(out)["notes"])
    assert word in (out / "index.html").read_text()


# ---- what it is compared with

def test_training_data_that_are_gone_or_others(data, tmp_path, capsys):
    trained_on = make_data(tmp_path, train=1, val=1, test=1)
    run = generator(tmp_path / "run", trained_on)
    trained_on.rename(tmp_path / "away")
    assert run_tool(run, tmp_path / "out", "--count", "1") == 0
    assert "no training objects are shown beside the shapes" in capsys.readouterr().err
    assert listed(tmp_path / "out")["data"] is None and not (tmp_path / "out" / "neighbours.png").exists()
    assert run_tool(run, tmp_path / "other", "--count", "1", "--data", data) == 0
    assert "is not the data set that this run was trained on" in capsys.readouterr().err
    assert listed(tmp_path / "other")["data"]["trained_on"] is False


# ---- refusals

def refused(capsys, *arguments, usage=False):
    """The one sentence of a refusal."""
    if usage:
        with pytest.raises(SystemExit) as stopped:
            sample.main([str(each) for each in arguments])
        code = stopped.value.code
    else:
        code = sample.main([str(each) for each in arguments])
    told = capsys.readouterr().err
    assert code == 2 and told.count("\n") == 1, told
    return told


def test_refusals(gan, vae, data, tmp_path, capsys, monkeypatch):
    out = ["--out", tmp_path / "out"]
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine.txt").write_text("x")
    assert "is not an empty folder" in refused(capsys, gan, "--out", full)
    assert "is not an empty folder" in refused(capsys, gan, "--out", full / "mine.txt")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert "name a folder inside of it, such as samples" in refused(capsys, gan, "--out", ".")
    assert "no folder" in refused(capsys, tmp_path / "absent", *out)
    assert "neither a run" in refused(capsys, full, *out)
    for flags, words in ((["--interpolate", "0", "16"], "no shape '16'; the shapes are 0 to 15 (samples)"),
                         (["--arithmetic", "0 - a"], "no shape 'a'"),
                         (["--images", full / "mine.txt"], "has no image encoder"),
                         (["--data", full], "manifest.json"),
                         (["--gpus", "x"], "gpus")):
        assert words in refused(capsys, gan, *out, *flags), flags
    assert "mine.txt: not an image" in refused(capsys, vae, *out, "--images", full / "mine.txt")
    clear = full / "clear.png"
    clear.write_bytes(encode_png(np.zeros((40, 40, 4), np.uint8)))
    assert "clear.png: the picture is wholly transparent" in refused(capsys, vae, *out, "--images", clear)
    clear.write_bytes(clear.read_bytes()[:-30])
    assert "clear.png: the image is cut short" in refused(capsys, vae, *out, "--images", clear)
    assert "names for 26" in refused(capsys, vae, *out, "--images", *[clear] * 27)
    for flags, words in ((["--formats", "glb,objs"], "unknown format 'objs'"), (["--count", "-1"], "--count"),
                         (["--count", "0"], "makes no shape"), (["--steps", "1"], "--steps"),
                         (["--path", "sperical"], "spherical"), (["--threshold", "1"], "--threshold"),
                         (["--arithmetic", "0 1 + 2"], "names of shapes with + or - between them"),
                         (["--data", data, "--no-neighbours"], "leave --data out")):
        assert words in refused(capsys, gan, *out, *flags, usage=True), flags
    assert sorted(path.name for path in tmp_path.iterdir()) == ["full", "here"]


def test_a_recurrent_run_is_refused(data, tmp_path, capsys):
    run = make_run(tmp_path / "run", data, name="res3d_gru_3")
    told = refused(capsys, run, "--out", tmp_path / "out")
    assert "is a run of Res3D-GRU-3, which makes shapes out of pictures only; give a run of train_gan.py" in told


def test_data_of_another_size_are_refused_where_they_were_asked_for(data, tmp_path, capsys):
    run = generator(tmp_path / "run", data, resolution=32)
    told = refused(capsys, run, "--out", tmp_path / "out", "--count", "1", "--data", data)
    assert "has voxel grids of edge 16, the network makes 32" in told


@pytest.mark.parametrize("expression, wanted", [
    ("0 -1 +2", [(1, "0"), (-1, "1"), (1, "2")]), ("a-b+12", [(1, "a"), (-1, "b"), (1, "12")]),
    (" - a", [(-1, "a")]), ("+3", [(1, "3")])])
def test_expressions(expression, wanted):
    assert terms(expression) == wanted and terms(written(wanted)) == wanted


@pytest.mark.parametrize("expression", ["", "0 1", "0 - - 1", "0 -", "0 * 1", "-", "0.5 - 1"])
def test_what_is_no_expression(expression):
    with pytest.raises(ValueError, match="names of shapes"):
        terms(expression)


@pytest.mark.slow  # it starts a process
def test_an_interrupted_call_leaves_nothing(gan, tmp_path):
    out = tmp_path / "out"
    process = subprocess.Popen([sys.executable, str(ROOT / "tools" / "sample.py"), str(gan), "--out", str(out),
                                "--count", "200", "--no-neighbours"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    for _ in range(1200):
        if process.poll() is not None or any(tmp_path.glob(".out.*/samples/*")):
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    told = process.communicate(timeout=60)[1]
    assert process.returncode == 130 and "interrupted" in told and "Traceback" not in told
    assert list(tmp_path.iterdir()) == []


def test_a_generator_that_diverged_is_refused(data, tmp_path, capsys):
    run = generator(tmp_path / "run", data, bias=np.nan)
    assert "makes NaN or infinite values" in refused(capsys, run, "--out", tmp_path / "out")
