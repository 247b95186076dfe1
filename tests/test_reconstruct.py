"""tools/reconstruct.py on the pictures of one object: what it writes, says and refuses."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh
from tiny_batches import StandIn
from tiny_exports import exported, noise, tiny

from gluon_r2n2.deployment import Reconstructor
from gluon_r2n2_tools import reconstruct, reconstruct_files
from gluon_r2n2_tools.colouring import ViewFit
from recordio.geometry import Camera
from recordio.layouts import encode_png, read_binvox, read_rgba
from recordio.layouts.shapenet import format_cameras


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(exported(tiny(), tmp_path_factory.mktemp("model") / "model"))


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in (10, 9, 1):
        (folder / f"view{number}.png").write_bytes(encode_png(noise(137, 137, 4)))
    (folder / "notes.txt").write_text("not a picture")
    (folder / "._view1.png").write_text("what macOS leaves beside a picture")
    return folder


def run(*arguments):
    return reconstruct.main([*map(str, arguments), "--engine", "mxnet"])


@pytest.fixture
def stand_in(model, monkeypatch):
    loaded = StandIn(Reconstructor(model, engine="mxnet"))
    monkeypatch.setattr(reconstruct, "load", lambda options: (loaded, None))


def test_every_format_is_written_where_it_says(model, stand_in, photos, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(model, photos, "--out", out, "--each-view", "--threshold", "0.5",
               "--formats", "obj,glb,ply,stl,binvox,npz,png") == 0
    told = capsys.readouterr().out
    assert [line.split(" (")[0] for line in told.splitlines()[:4]] == [
        *(f"view {place}: {photos / name}" for place, name in enumerate(("view1.png", "view9.png", "view10.png"), 1)),
        "engine: mxnet, float32"]
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


def test_what_an_earlier_object_left_after_its_views_goes(model, photos, tmp_path):
    out = tmp_path / "out"
    assert run(model, photos, "--out", out, "--each-view", "--formats", "npz,binvox") == 0
    reconstructor = Reconstructor(model, engine="mxnet")
    views = reconstructor.prepare([read_rgba(photos / f"view{number}.png") for number in (1, 9, 10)])
    for place, grid in zip(("after_01_views", "after_02_views", "."), reconstructor.stream(views)):
        np.testing.assert_array_equal(np.load(out / place / "model.npz")["probabilities"], grid)
    (out / "after_07_views").mkdir()
    (out / "after_07_views" / "diary.txt").write_text("precious")
    (out / "notes.txt").write_text("precious")
    assert run(model, photos / "view1.png", "--out", out, "--each-view", "--formats", "npz") == 0
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()) == [
        "after_01_views/model.npz", "after_07_views/diary.txt", "model.binvox", "model.npz", "notes.txt"]
    assert run(model, photos / "view1.png", "--out", out, "--formats", "npz") == 0
    assert not (out / "after_01_views").exists() and (out / "after_07_views" / "diary.txt").exists()


def test_an_empty_reconstruction_is_said_and_leaves_no_mesh(model, photos, tmp_path, capsys):
    arguments = [model, photos / "view1.png", "--out", tmp_path / "out"]
    assert run(*arguments, "--threshold", "0.01", "--mesh", "cubes") == 0
    assert (tmp_path / "out" / "model.obj").exists()
    assert run(*arguments, "--threshold", "0.9999") == 0
    told = capsys.readouterr().err
    assert "no voxel reaches the threshold 0.9999" in told and "--threshold" in told
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"model.binvox", "model.npz", "model.png"}


def test_the_surface_is_made_as_wished(model, photos, tmp_path):
    arguments = [model, photos / "view1.png", "--out", tmp_path, "--formats", "glb,obj,stl", "--threshold", "0.3"]
    assert run(*arguments) == 0
    whole = trimesh.load(str(tmp_path / "model.glb"), force="mesh")
    assert run(*arguments, "--smooth", 5, "--faces", 1000, "--height", 80, "--units", "cm", "--ground") == 0
    found = {kind: trimesh.load(str(tmp_path / f"model.{kind}"), force="mesh") for kind in ("glb", "obj", "stl")}
    for kind, unit in (("glb", 0.8), ("obj", 80), ("stl", 800)):  # metres, as wished, millimetres
        assert found[kind].bounds[0][1] == pytest.approx(0, abs=unit * 1e-5)
        assert found[kind].bounds[1][1] == pytest.approx(unit, rel=1e-4)
    assert len(found["stl"].faces) <= 1100 < len(whole.faces)


def test_colours_come_from_the_pictures_cut_out(model, stand_in, tmp_path, capsys, monkeypatch):
    """What the colouring is given: the pictures of their own size, the found object as alpha, and the cameras."""
    given, make_result = {}, reconstruct_files.make_result
    fits = ViewFit(None, 0.8, True, "picture 1 fits"), ViewFit(None, 0.1, False, "picture 2 does not")

    def fitted(grid, *, pictures=None, cameras=None, **options):  # finding cameras takes seconds
        given.update(pictures=pictures, cameras=cameras)
        return replace(make_result(grid, **options), fits=fits if pictures else ())

    monkeypatch.setattr(reconstruct_files, "make_result", fitted)
    picture = np.full((150, 200, 3), 250, np.uint8)
    picture[40:110, 60:120] = [200, 30, 40]
    cameras = [Camera(30.0, 20.0, 0.8)]
    (tmp_path / "a.png").write_bytes(encode_png(picture))
    (tmp_path / "cameras.txt").write_text(format_cameras(cameras))
    arguments = [model, tmp_path / "a.png", "--out", tmp_path / "out", "--formats", "glb", "--threshold", "0.3"]
    assert run(*arguments) == 0 and given["pictures"] is None and given["cameras"] is None
    capsys.readouterr()
    assert run(*arguments, "--colours") == 0 and given["cameras"] is None
    told = capsys.readouterr()
    assert "colours: picture 1 fits\n" in told.out and "WARNING: picture 2 does not\n" in told.err
    np.testing.assert_array_equal(given["pictures"][0][..., :3], picture)
    np.testing.assert_array_equal(given["pictures"][0][..., 3] == 255, (picture != 250).any(axis=2))
    assert run(*arguments, "--colours", "--cameras", tmp_path / "cameras.txt") == 0
    assert given["cameras"] == cameras
    (tmp_path / "cameras.txt").write_text("")
    assert run(*arguments, "--colours", "--cameras", tmp_path / "cameras.txt") == 2
    assert "holds 0 cameras for 1 pictures" in capsys.readouterr().err


def test_what_is_doubtful_is_said_with_the_picture_it_is_about(model, tmp_path, capsys):
    picture = np.zeros((200, 300, 4), np.uint8)
    picture[50:, 100:160] = [200, 30, 40, 255]
    (tmp_path / "cut.png").write_bytes(encode_png(picture))
    (tmp_path / "noise.png").write_bytes(encode_png(noise(127, 127, 3)))
    assert run(model, tmp_path / "cut.png", tmp_path / "noise.png", "--out", tmp_path / "out", "--formats", "npz",
               "--check-views") == 0
    told = capsys.readouterr()
    assert f"WARNING: {tmp_path / 'cut.png'}: the object touches the bottom edge" in told.err
    assert f"WARNING: {tmp_path / 'noise.png'}: the picture looks unlike" in told.err
    assert told.out.splitlines()[0].endswith("object cut out by its alpha channel)")


def test_the_foreground_is_looked_for_as_wished(model, tmp_path, capsys):
    picture = np.full((150, 200, 3), 250, np.uint8)
    picture[40:110, 60:120] = [200, 30, 40]
    (tmp_path / "a.png").write_bytes(encode_png(picture))
    for method, note in (("plain", "from its plain background"), ("grabcut", "found by GrabCut"),
                         ("none", "NOT separated")):
        assert run(model, tmp_path / "a.png", "--out", tmp_path, "--formats", "npz", "--foreground", method) == 0
        assert note in capsys.readouterr().out


def test_a_damaged_segmentation_model_at_home_stops_nothing(model, photos, tmp_path, capsys, monkeypatch):
    """It only lies where rembg keeps its own: said, and done without, unless it is asked for."""
    monkeypatch.setenv("U2NET_HOME", str(tmp_path))
    (tmp_path / "u2net.onnx").write_text("no network")
    arguments = [model, photos / "view1.png", "--out", tmp_path / "out", "--formats", "npz"]
    assert run(*arguments) == 0
    told = capsys.readouterr().err
    assert told.startswith(f"WARNING: {tmp_path / 'u2net.onnx'}: ") and "left out" in told
    assert run(*arguments, "--foreground", "grabcut") == 0 and "u2net" not in capsys.readouterr().err
    assert run(*arguments, "--foreground", "model") == 2 and "u2net.onnx" in capsys.readouterr().err


@pytest.mark.parametrize("arguments, message", [
    (["MODEL"], "required: IMAGE"), (["MODEL", "absent.png"], "absent.png: no such picture"), ([], "required: MODEL"),
    (["MODEL", "EMPTY"], "no pictures in this folder"), (["MODEL", "TEXT"], "not an image"),
    (["EMPTY", "PHOTO"], "holds no model"), (["PHOTO", "PHOTO"], "holds no model"),
    (["MODEL", "PHOTO", "--formats", "gltf"], "did you mean"),
    (["MODEL", "PHOTO", "--formats", ","], "at least one of"), (["MODEL", "PHOTO", "--threshold", "1"], "probability"),
    (["MODEL", "PHOTO", "--mesh", "marchin"], "did you mean 'marching'"),
    (["MODEL", "PHOTO", "--foreground", "grab"], "did you mean 'grabcut'"),
    (["MODEL", "PHOTO", "--foreground", "model", "--segmentation-model", "TEXT"], "onnxruntime"),
    (["MODEL", "PHOTO", "--segmentation-model", "none.onnx"], "none.onnx: no such file"),
    (["MODEL", "PHOTO", "--foreground", "grabcut", "--no-crop"], "leave the other flag out"),
    (["MODEL", "PHOTO", "--cameras", "TEXT"], "give --colours too"),
    (["MODEL", "PHOTO", "--height", "1", "--longest", "2"], "both were given"),
    (["MODEL", "PHOTO", "--resume"], "are one object"), (["MODEL", "PHOTO", "--shard", "4/3"], "wants i/n"),
    (["MODEL", "CLEAR"], "clear.png: the picture is wholly transparent"), (["MODEL", "PHOTO", "--out", "TEXT"], "TEXT"),
])
def test_bad_input_is_one_sentence_and_exit_code_2(arguments, message, model, photos, tmp_path, capsys, monkeypatch):
    (tmp_path / "empty").mkdir()
    (tmp_path / "clear.png").write_bytes(encode_png(np.zeros((50, 50, 4), np.uint8)))
    places = {"MODEL": model, "EMPTY": tmp_path / "empty", "TEXT": photos / "notes.txt",
              "CLEAR": tmp_path / "clear.png", "PHOTO": photos / "view1.png"}
    monkeypatch.chdir(tmp_path)
    try:
        code = run(*(places.get(argument, argument) for argument in arguments))
    except SystemExit as error:
        code = error.code
    told = capsys.readouterr().err.strip()
    assert code == 2 and str(places.get(message, message)) in told.splitlines()[-1]
    assert all(line.startswith("WARNING") for line in told.splitlines()[:-1])


def test_every_hard_png_is_reconstructed_or_refused_with_its_name(model, shared, tmp_path, capsys, monkeypatch):
    loaded = Reconstructor(model, engine="mxnet"), None
    monkeypatch.setattr(reconstruct, "load", lambda options: loaded)
    monkeypatch.setattr(Reconstructor, "reconstruct", lambda self, views: np.zeros((4, 4, 4), np.float32))
    for path in sorted((shared / "data" / "broken" / "png").glob("*.png")):
        code = run(model, path, "--out", tmp_path, "--formats", "npz", "--no-crop")
        told = capsys.readouterr().err
        small = read_size(path) < 16
        assert code == (2 if path.name.startswith("x") or small else 0), (path.name, told)
        assert code == 0 or path.name in told


def read_size(path):
    """The smaller side that a PNG's header states."""
    header = path.read_bytes()[16:24]
    return min(int.from_bytes(header[:4], "big"), int.from_bytes(header[4:], "big"))
