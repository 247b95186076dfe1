"""Pictures -> network input -> probabilities, and exported models, against the loader, the original and plain MXNet."""
from __future__ import annotations

import errno
import json
import re
import resource
import shutil
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest

import gluon_r2n2
from gluon_r2n2 import files
from gluon_r2n2.deployment import Artefact, Preprocessing, Reconstructor, artefact, export, load, prepare
from gluon_r2n2.deployment.preprocess import network_input
from gluon_r2n2.errors import ModelError
from gluon_r2n2.training.arrays import named_parameters
from gluon_r2n2.training.runs.checkpoint import save_checkpoint
from gluon_r2n2_tools import export as export_tool
from gluon_r2n2_tools import reconstruct as reconstruct_tool
from recordio.layouts import encode_png, read_binvox, read_rgba
from recordio.loading.augment import TEST, draw
from recordio.loading.compose import compose

ROOT = Path(__file__).resolve().parent.parent
RULES = Preprocessing()


def tiny(name="res3d_gru_3", seed=0, **options):
    net = gluon_r2n2.get_model(name, **{"width": 0.0625, "input_size": 32, "resolution": 16, **options})
    gluon_r2n2.initialise(net, seed=seed)
    net.hybridize(static_alloc=True, static_shape=True)
    return net


def info_of(net, checkpoint="runs/a/checkpoints/step-00000007"):
    return {"checkpoint": checkpoint, "step": 7, "weights_sha256": "0" * 64, "threshold": 0.45,
            "threshold_source": "validation", "classes": {"03001627": "chair"}, "training": {"steps": 7},
            "data": {"fingerprint": "f", "samples": 3}, "version": "0.1.0",
            "image": {"size": net.config.input_size, "background": 240}}


def exported(net, folder):
    export(net, Artefact.of(net, info_of(net)), folder)
    return folder


def run_folder(net, folder):
    """A run with one checkpoint, as training leaves it."""
    info = info_of(net)
    state = {key: info[key] for key in ("step", "threshold", "threshold_source", "training", "version", "image")}
    state.update(model=net.config.as_dict(), data={**info["data"], "classes": info["classes"]})
    save_checkpoint(folder, net, {}, state)
    return folder


def noise(*shape):
    return np.random.RandomState(5).randint(0, 256, shape).astype(np.uint8)


def silhouette(height, width, box, colour=(200, 30, 40), background=None):
    """An (H, W, 4) picture of a rectangle *box* (left, top, right, bottom), or (H, W, 3) on a background colour."""
    left, top, right, bottom = box
    picture = np.zeros((height, width, 4), np.uint8)
    picture[top:bottom, left:right] = (*colour, 255)
    if background is None:
        return picture
    flat = np.broadcast_to(np.array(background, np.uint8), (height, width, 3)).copy()
    flat[top:bottom, left:right] = colour
    return flat


def extent(image, background=240):
    """(left, top, right, bottom) of what differs from the background by more than half of the contrast."""
    different = np.abs(image.astype(int) - background).max(axis=2) > 100
    rows, columns = np.nonzero(different.any(axis=1))[0], np.nonzero(different.any(axis=0))[0]
    return columns[0], rows[0], columns[-1] + 1, rows[-1] + 1


# --- preprocessing


@pytest.mark.parametrize("size", [127, 64, 33, 200])
def test_a_training_picture_is_prepared_bit_for_bit_as_the_test_loader_does(size):
    rgba = noise(137, 137, 4)
    drawn = draw(TEST, 1, seed=0, epoch=0, index=0, available=1, image_size=(137, 137))
    expected = np.zeros((3, size, size), np.uint8)
    compose(rgba, drawn, 0, TEST.blend, expected)
    for picture in (rgba, np.dstack([rgba[..., :3], np.full((137, 137), 255, np.uint8)])):
        compose(picture, drawn, 0, TEST.blend, expected)
        got = prepare(picture, Preprocessing(input_size=size))
        np.testing.assert_array_equal(got.image, expected.transpose(1, 2, 0))
    np.testing.assert_array_equal(prepare(picture[..., :3], Preprocessing(input_size=size)).image, got.image)


def test_blending_rounds_to_the_nearest():
    rgba = noise(137, 137, 4)
    exact = (rgba[..., :3] * (rgba[..., 3:] / 255.0) + 240 * (1 - rgba[..., 3:] / 255.0))[5:132, 5:132]
    assert np.abs(prepare(rgba, RULES).image - exact).max() <= 0.5 + 1e-9


def test_it_agrees_with_the_original_where_alpha_is_0_or_255(shared):
    """lib/data_augmentation.py there: crop at offset 5, 240 where alpha is 0, RGB / 255, no blending between."""
    fixture = np.load(shared / "fixtures" / "preproc.npz")
    rgba = fixture["rgba"]
    got = network_input([prepare(rgba, RULES).image])[0, 0].transpose(1, 2, 0)
    hard = np.isin(rgba[5:132, 5:132, 3], (0, 255))
    assert hard.mean() > 0.9
    np.testing.assert_allclose(got[hard], fixture["test_crop"][hard], atol=1e-6)


def test_network_input_is_rgb_in_0_to_1_with_views_first():
    images = [noise(8, 8, 3), np.zeros((8, 8, 3), np.uint8)]
    array = network_input(images)
    assert array.shape == (2, 1, 3, 8, 8) and array.dtype == np.float32
    np.testing.assert_allclose(array[0, 0, 2], images[0][..., 2] / 255.0, rtol=1e-6)


def test_a_picture_of_the_middles_size_is_only_blended():
    rgb = noise(127, 127, 3)
    np.testing.assert_array_equal(prepare(rgb, RULES).image, rgb)


@pytest.mark.parametrize("scale", [1, 4])
@pytest.mark.parametrize("plain", [None, (255, 255, 255), (20, 120, 60)])
def test_the_object_is_centred_and_as_large_as_in_training(scale, plain):
    """By alpha, and by its difference from a plain background: the longest side fills 0.67 of the 137 pixels."""
    box = [scale * number for number in (20, 70, 80, 90)]  # 60 wide, 20 high, far from the middle
    view = prepare(silhouette(100 * scale, 150 * scale, box, background=plain), RULES)
    left, top, right, bottom = extent(view.image)
    assert right - left == pytest.approx(0.67 * 137, abs=2)
    assert bottom - top == pytest.approx(0.67 * 137 / 3, abs=2)
    assert (left + right) / 2 == pytest.approx(63.5, abs=1) and (top + bottom) / 2 == pytest.approx(63.5, abs=1)
    assert (view.image[:5] == 240).all()  # the background is that of the training pictures
    assert ("plain background" if plain else "alpha channel") in view.note


def test_gaps_in_an_object_on_a_plain_background_are_background():
    picture = silhouette(200, 200, (50, 50, 150, 150), background=(255, 255, 255))
    picture[80:120, 80:120] = 255
    assert (prepare(picture, RULES).image[60:67, 60:67] == 240).all()


def test_specks_do_not_stretch_the_object():
    picture = silhouette(300, 300, (100, 100, 200, 200), background=(250, 250, 250))
    picture[3, 3] = picture[290, 10] = 0
    left, _, right, _ = extent(prepare(picture, RULES).image)
    assert right - left == pytest.approx(0.67 * 137, abs=2)


def test_without_alpha_or_plain_background_the_middle_square_is_taken_and_said():
    picture = noise(90, 137, 3)
    view = prepare(np.kron(picture, np.ones((2, 2, 1), np.uint8)), RULES)
    assert "NOT separated" in view.note
    assert view.image.std() > 20
    one_colour = np.full((300, 200, 3), 77, np.uint8)  # nothing to be found
    assert "NOT separated" in prepare(one_colour, RULES).note


def test_no_crop_keeps_the_whole_picture():
    view = prepare(silhouette(102, 400, (0, 1, 400, 101)), RULES, crop_to_object=False)
    left, top, right, bottom = extent(view.image)
    assert (left, right) == (0, 127) and bottom - top == pytest.approx(137 / 4, abs=2)
    opaque = prepare(silhouette(400, 100, (0, 0, 0, 0), background=(9, 99, 199)), RULES, crop_to_object=False)
    assert (opaque.image == (9, 99, 199)).all()  # padded with its own border


@pytest.mark.parametrize("picture, message", [
    (np.zeros((50, 50), np.uint8), "height, width, 3 or 4"), (np.zeros((50, 50, 3)), "uint8"),
    (np.zeros((15, 50, 3), np.uint8), "at least 16x16"), (np.zeros((50, 50, 4), np.uint8), "transparent"),
    ("photo.png", "str"),
])
def test_what_is_no_picture_is_refused(picture, message):
    with pytest.raises(ModelError, match=message):
        prepare(picture, RULES)


def test_every_photograph_can_be_prepared(shared):
    paths = [path for path in sorted((shared / "data" / "photos").rglob("*")) if path.suffix in (".png", ".jpg")]
    notes = {path.name: prepare(read_rgba(path), RULES).note for path in paths}
    assert len(notes) > 10
    assert "alpha channel" in notes["taxi.png"] and "NOT separated" in notes["coffee.png"]


# --- exported models


@pytest.mark.parametrize("name, options", [
    ("res3d_gru_3", {}), ("gru_1", {}), ("gru_3", {"norm": "batch"}), ("lstm_1", {}),
    ("lstm_3", {"upsample": "trilinear", "resolution": 32}), ("res3d_gru_3", {"upsample": "deconv", "norm": "batch"}),
])
def test_an_exported_model_is_the_network(name, options, tmp_path):
    net = tiny(name, **options)
    views = mx.nd.random.uniform(shape=(3, 1, 3, 32, 32))
    with mx.autograd.record():  # running means move off their initial values
        net(views)
    expected = [mx.nd.softmax(logits, axis=1)[0, 1].asnumpy() for logits in net.prefixes(views)]
    folder = exported(net, tmp_path / "model")  # after inference forwards, which reorder weights in place
    facts, engine = load(folder)
    assert facts == Artefact.of(net, info_of(net))
    for got, wanted in zip(engine.stream(views), expected):
        np.testing.assert_allclose(got[0].asnumpy(), wanted, atol=2e-6)
    np.testing.assert_array_equal(engine.run(views).asnumpy(), got.asnumpy())
    assert sorted(path.name for path in folder.iterdir()) == ["r2n2-0000.params", "r2n2-symbol.json", "r2n2.json"]


def test_half_the_size_holds_the_rounded_network(tmp_path):
    """Weights as NumPy rounds them; biases and statistics, one of them beyond float16, to the bit."""
    net = tiny(norm="batch")
    views = mx.nd.random.uniform(shape=(2, 1, 3, 32, 32))
    with mx.autograd.record():
        net(views)
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
    exact, rounded = (load(folder)[1].run(views).asnumpy() for folder in (whole, tmp_path / "half"))
    assert rounded.dtype == np.float32 and 0 < np.abs(rounded - exact).max() < 0.01


def test_no_custom_operator_is_exported(tmp_path):
    nodes = json.loads((exported(tiny(), tmp_path / "model") / "r2n2-symbol.json").read_text())["nodes"]
    operators = {node["op"] for node in nodes}
    assert "Custom" not in operators and {"Convolution", "Deconvolution"} <= operators


@pytest.mark.filterwarnings("ignore:Cannot decide type:UserWarning")  # of SymbolBlock.imports, as the text says
def test_the_documented_lines_of_plain_mxnet_give_the_same(tmp_path, monkeypatch):
    net = tiny()
    exported(net, tmp_path / "model")
    images = [noise(32, 32, 3), noise(32, 32, 3) // 2]
    plain, ours = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "inference.md").read_text(), re.DOTALL)
    assert "gluon_r2n2" not in plain and len(plain.strip().splitlines()) <= 12
    monkeypatch.chdir(tmp_path)
    names = {"images": images}
    exec(plain, names)
    expected = mx.nd.softmax(net(mx.nd.array(network_input(images))), axis=1)[0, 1].asnumpy()
    np.testing.assert_allclose(names["probabilities"][0].asnumpy(), expected, atol=2e-6)
    assert names["solid"].shape == (16, 16, 16)
    exec(ours, {"images": images, "print": lambda *_: None})
    assert (tmp_path / "object.glb").read_bytes()[:4] == b"glTF"


@pytest.mark.parametrize("name", ["r2n2-symbol.json", "r2n2-0000.params", "r2n2.json"])
def test_a_damaged_or_missing_file_is_named(name, tmp_path):
    folder = exported(tiny(), tmp_path / "model")
    data = (folder / name).read_bytes()
    flipped = bytearray(data)
    flipped[len(data) // 2] ^= 1
    for content in (bytes(flipped), data[:-9], b""):
        (folder / name).write_bytes(content)
        with pytest.raises(ModelError, match=name):
            Reconstructor.from_path(folder)
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"{name}.* is missing"):
        Reconstructor.from_path(folder)


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
    facts = json.loads((folder / "r2n2.json").read_text())
    del facts["checksum"]
    change(facts)
    (folder / "r2n2.json").write_text(json.dumps({**facts, "checksum": files.sha256_of_json(facts)}))
    with pytest.raises(ModelError, match="model is no model that tools/export.py wrote"):
        load(folder)


def test_a_graph_of_another_making_is_refused(tmp_path):
    folder = exported(tiny(), tmp_path / "model")
    (folder / "r2n2-symbol.json").write_text("{}")
    facts = json.loads((folder / "r2n2.json").read_text())
    del facts["checksum"]
    facts["files"]["r2n2-symbol.json"] = files.sha256(folder / "r2n2-symbol.json")
    (folder / "r2n2.json").write_text(json.dumps({**facts, "checksum": files.sha256_of_json(facts)}))
    with pytest.raises(ModelError, match="model is no model"):
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

    monkeypatch.setattr(artefact, "_verify", broken)
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
    grids = [Reconstructor.from_path(path).reconstruct(images) for path in (run, checkpoint, model)]
    np.testing.assert_array_equal(grids[0], grids[1])
    np.testing.assert_array_equal(grids[0], grids[2])
    views = network_input([prepare(image, Preprocessing(input_size=32)).image for image in images])
    expected = mx.nd.softmax(net(mx.nd.array(views)), axis=1)[0, 1].asnumpy()  # axes as in training: [x, y, z]
    np.testing.assert_allclose(grids[2], expected, atol=2e-6)


def test_the_stream_gives_the_reconstruction_of_every_prefix(tmp_path):
    reconstructor = Reconstructor.from_path(exported(tiny("lstm_3"), tmp_path / "model"))
    images = [noise(137, 137, 4), 255 - noise(137, 137, 4), noise(137, 137, 4).transpose(1, 0, 2).copy()]
    prepared = reconstructor.prepare(images)
    for count, grid in enumerate(reconstructor.stream(prepared), 1):
        np.testing.assert_array_equal(grid, reconstructor.reconstruct(images[:count]))
    assert count == 3 and grid.shape == (16, 16, 16) and grid.dtype == np.float32


def test_no_picture_and_no_model_are_refused(tmp_path):
    reconstructor = Reconstructor.from_path(exported(tiny(), tmp_path / "model"))
    with pytest.raises(ModelError, match="at least one picture"):
        reconstructor.reconstruct([])
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(ModelError, match="holds no model"):
            Reconstructor.from_path(path)


# --- the tools


def test_export_replaces_only_exported_models_and_only_when_told_to(tmp_path, capsys):
    run, out = str(run_folder(tiny(), tmp_path / "run")), tmp_path / "new" / "model"
    assert export_tool.main([run, str(out)]) == 0
    assert "difference 0" in capsys.readouterr().out
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
    reconstructor = Reconstructor.from_path(out)
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


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(exported(tiny(), tmp_path_factory.mktemp("deployment") / "model"))


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in (10, 9, 1):
        (folder / f"view{number}.png").write_bytes(encode_png(noise(137, 137, 4)))
    (folder / "notes.txt").write_text("not a picture")
    return folder


def test_reconstruct_writes_every_format_where_it_says(model, photos, tmp_path, capsys):
    out = tmp_path / "out"
    assert reconstruct_tool.main([model, str(photos), "--out", str(out), "--each-view", "--threshold", "0.5",
                                  "--formats", "obj,glb,ply,stl,binvox,npz,png"]) == 0
    told = capsys.readouterr().out
    assert [line.split(" (")[0] for line in told.splitlines()[:3]] == [
        f"view {place}: {photos / name}" for place, name in enumerate(("view1.png", "view9.png", "view10.png"), 1)]
    written = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    kinds = [f"model.{kind}" for kind in ("obj", "glb", "ply", "stl", "binvox", "npz", "png")]
    folders = ["", "after_01_views/", "after_02_views/", "after_03_views/"]
    assert written == {folder + kind for folder in folders for kind in kinds}
    assert all(f"wrote {out / name} " in told for name in written)
    stored = np.load(out / "model.npz")
    grid = read_binvox(out / "model.binvox")
    np.testing.assert_array_equal(grid.occupancy, stored["probabilities"] >= 0.5)
    assert grid.translate == (-0.5, -0.5, -0.5) and grid.scale == 1  # the frame of the meshes
    assert stored["views"].shape == (3, 32, 32, 3) and stored["threshold"] == np.float32(0.5)
    last = np.load(out / "after_03_views" / "model.npz")
    np.testing.assert_array_equal(stored["probabilities"], last["probabilities"])
    assert read_rgba(out / "model.png").shape[1] > 500


def test_an_empty_reconstruction_is_said_and_leaves_no_mesh(model, photos, tmp_path, capsys):
    arguments = [model, str(photos / "view1.png"), "--out", str(tmp_path / "out")]
    assert reconstruct_tool.main([*arguments, "--threshold", "0.01", "--mesh", "cubes"]) == 0
    assert (tmp_path / "out" / "model.obj").exists()
    assert reconstruct_tool.main([*arguments, "--threshold", "0.9999"]) == 0
    told = capsys.readouterr().err
    assert "no voxel reaches the threshold 0.9999" in told and "--threshold" in told
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"model.binvox", "model.npz", "model.png"}


@pytest.mark.parametrize("arguments, message", [
    (["MODEL"], "required: IMAGE"), (["MODEL", "absent.png"], "absent.png: no such picture"),
    (["MODEL", "EMPTY"], "no pictures in this folder"), (["MODEL", "TEXT"], "not an image"),
    (["EMPTY", "PHOTO"], "holds no model"), (["PHOTO", "PHOTO"], "holds no model"),
    (["MODEL", "PHOTO", "--formats", "gltf"], "did you mean"),
    (["MODEL", "PHOTO", "--formats", ","], "at least one of"), (["MODEL", "PHOTO", "--threshold", "1"], "probability"),
    (["MODEL", "PHOTO", "--mesh", "marchin"], "did you mean 'marching'"),
    (["MODEL", "CLEAR"], "clear.png: the picture is wholly transparent"), (["MODEL", "PHOTO", "--out", "TEXT"], "TEXT"),
])
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, message, model, photos, tmp_path, capsys, monkeypatch):
    (tmp_path / "empty").mkdir()
    (tmp_path / "clear.png").write_bytes(encode_png(np.zeros((50, 50, 4), np.uint8)))
    places = {"MODEL": model, "EMPTY": tmp_path / "empty", "TEXT": photos / "notes.txt",
              "CLEAR": tmp_path / "clear.png", "PHOTO": photos / "view1.png"}
    monkeypatch.chdir(tmp_path)
    try:
        code = reconstruct_tool.main([str(places.get(argument, argument)) for argument in arguments])
    except SystemExit as error:
        code = error.code
    told = capsys.readouterr().err.strip()
    assert code == 2 and str(places.get(message, message)) in told and "\n" not in told


def test_every_hard_png_is_reconstructed_or_refused_with_its_name(model, shared, tmp_path, capsys):
    for path in sorted((shared / "data" / "broken" / "png").glob("*.png")):
        code = reconstruct_tool.main([model, str(path), "--out", str(tmp_path), "--formats", "npz", "--no-crop"])
        told = capsys.readouterr().err
        small = read_size(path) < 16
        assert code == (2 if path.name.startswith("x") or small else 0), (path.name, told)
        assert code == 0 or path.name in told
    shutil.rmtree(tmp_path)


def read_size(path):
    """The smaller side that a PNG's header states."""
    header = path.read_bytes()[16:24]
    return min(int.from_bytes(header[:4], "big"), int.from_bytes(header[4:], "big"))
