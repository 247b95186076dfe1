"""ShapeNet folders, split files, binvox and pictures: literal bytes, damaged files, and what scanning reports."""
from __future__ import annotations

import errno
import io
import json
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from gluon_r2n2_tools import contact_sheet
from recordio.errors import DataError
from recordio.files import atomic_file
from recordio.geometry import Camera, random_cameras
from recordio.layouts import (
    CLASSES,
    VoxelGrid,
    check_split,
    class_name,
    encode_binvox,
    encode_png,
    make_split,
    read_binvox,
    read_cameras,
    read_rgba,
    read_split,
    remove_sample,
    scan,
    shapenet,
    split_keys,
    synset_of,
    write_binvox,
    write_sample,
    write_split,
)

HEADER = b"#binvox 1\ndim 2 2 2\ntranslate -0.5 0 0.25\nscale 2\ndata\n"


def small_grid():
    occupancy = np.zeros((2, 2, 2), bool)
    occupancy[1, 0, 1] = True  # x = 1, y = 0, z = 1
    return VoxelGrid(occupancy, (-0.5, 0.0, 0.25), 2.0)


def make_layout(root, models=("chair/a", "chair/b", "table/c"), views=3):
    rng = np.random.default_rng(0)
    for model in models:
        name, model_id = model.split("/")
        images = rng.integers(0, 256, (views, 9, 9, 4)).astype(np.uint8)
        write_sample(root, synset_of(name), model_id, images, random_cameras(rng, views),
                     VoxelGrid(rng.random((4, 4, 4)) < 0.5))
    return root


def tree_bytes(root):
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(Path(root).rglob("*")) if path.is_file()}


# ---- binvox ----

def test_binvox_bytes_are_pinned():
    # x slowest, then z, y fastest: cell (1, 0, 1) is number 4 + 2
    assert encode_binvox(small_grid()) == HEADER + bytes([0, 6, 1, 1, 0, 1])


def test_binvox_reads_other_writers_headers():
    content = b"#binvox 1\n# a comment\n\nscale 2 # side\n  translate -0.5 0 .25\ndim 2 2 2\t\ndata\n"
    grid = read_binvox(content + bytes([0, 3, 0, 3, 1, 1, 0, 1]))
    assert (grid.occupancy == small_grid().occupancy).all()
    assert grid.translate == (-0.5, 0.0, 0.25) and grid.scale == 2.0


def test_binvox_splits_long_runs(tmp_path):
    full = VoxelGrid(np.ones((8, 8, 8), bool))
    assert encode_binvox(full).endswith(b"data\n" + bytes([1, 255, 1, 255, 1, 2]))
    noise = VoxelGrid(np.random.default_rng(0).random((32, 32, 32)) < 0.3, (0.1, 0.2, 0.3), 0.7)
    write_binvox(tmp_path / "m.binvox", noise)
    back = read_binvox(tmp_path / "m.binvox")
    assert (back.occupancy == noise.occupancy).all() and back.translate == (0.1, 0.2, 0.3) and back.scale == 0.7


@pytest.mark.parametrize("content, wanted", [
    (b"", "is empty"),
    (b"\x89PNG\r\n", "not a binvox file"),
    (HEADER[:30], "without a 'data' line"),
    (HEADER, "fill 0 cells"),
    (HEADER + bytes([0, 6, 1, 1, 0]), "half a run"),
    (HEADER + bytes([0, 6, 1, 1]), "cut short"),
    (HEADER + bytes([0, 6, 1, 3]), "damaged"),
    (HEADER + bytes([0, 6, 2, 2]), "other than 0 and 1"),
    (HEADER + bytes([0, 6, 1, 2, 0, 0]), "no cells"),
    (HEADER.replace(b"2 2 2", b"2 2 1") + bytes([0, 4]), "2 x 2 x 1"),
    (HEADER.replace(b"2 2 2", b"9999 9999 9999") + bytes([0, 4]), "1 to 1024"),
    (HEADER.replace(b"2 2 2", b"2 2") + bytes([0, 8]), "'dim' with 3 numbers"),
    (HEADER.replace(b"scale 2", b"scale nan") + bytes([0, 8]), "'scale' with 1 number,"),
    (HEADER.replace(b"scale 2", b"scale 0") + bytes([0, 8]), "above 0"),
    (HEADER.replace(b"translate -0.5 0 0.25\n", b"") + bytes([0, 8]), "'translate'"),
    (HEADER.replace(b"\n", b"\r\n") + bytes([0, 8]), "Windows line ends"),
    (HEADER.replace(b"scale 2", b"scale 2\nscale 3") + bytes([0, 8]), "'scale' twice"),
    (HEADER.replace(b"2 2 2", b"2 2 0_2") + bytes([0, 8]), "'dim' with 3 numbers"),
    (HEADER.replace(b"2 2 2", b"2 2 " + b"9" * 100_000) + bytes([0, 8]), "without a 'data' line"),
    (HEADER.replace(b"2 2 2", b"2 2 " + b"9" * 10_000) + bytes([0, 8]), "'dim' with 3 numbers"),
    (HEADER.replace(b"scale", b"\n" * 10_000_000 + b"scale") + bytes([0, 8]), "without a 'data' line"),
    (HEADER + bytes([0, 1]) * 8 + bytes(5_000_000), "longer than a grid of 2 cells a side can be"),
])
def test_binvox_refuses(content, wanted):
    with pytest.raises(DataError, match="grid.binvox.*" + wanted):
        read_binvox(content, "grid.binvox")


def test_binvox_reads_no_more_than_the_grid_can_take(tmp_path):
    """A file of 8 GB (most of it a hole) costs nothing: the header says how much is worth reading."""
    path = tmp_path / "huge.binvox"
    with open(path, "wb") as handle:
        handle.write(HEADER + bytes([0, 8]))
        handle.truncate(8 << 30)
    with pytest.raises(DataError, match="huge.binvox: the voxel data is longer"):
        read_binvox(path)
    path.unlink()


def test_binvox_broken_files(shared):
    folder = shared / "data" / "broken" / "binvox"
    assert read_binvox(folder / "binvox_all_full.binvox").occupancy.all()
    assert not read_binvox(folder / "binvox_all_empty.binvox").occupancy.any()
    refused = sorted(set(folder.glob("*.binvox"))
                     - {folder / "binvox_all_full.binvox", folder / "binvox_all_empty.binvox"})
    assert len(refused) == 7
    for path in refused:
        with pytest.raises(DataError, match=path.name):
            read_binvox(path)


def test_binvox_matches_the_original(shared):
    fixture = np.load(shared / "fixtures" / "preproc.npz", allow_pickle=False)
    content = fixture["binvox_bytes"].tobytes()
    grid = read_binvox(content)
    assert (grid.occupancy == fixture["binvox_data_xyz"]).all()
    assert encode_binvox(grid) == content


# ---- pictures ----

def test_png_round_trip_keeps_colour_under_zero_alpha():
    picture = np.random.default_rng(0).integers(0, 256, (7, 5, 4)).astype(np.uint8)
    picture[0, 0] = [1, 2, 3, 0]
    assert (read_rgba(encode_png(picture)) == picture).all()
    assert encode_png(picture) == encode_png(picture.copy())
    opaque = read_rgba(encode_png(picture[..., :3]))
    assert (opaque[..., :3] == picture[..., :3]).all() and (opaque[..., 3] == 255).all()


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, depth, colour_type, rows, extra=b""):
    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b""))


@pytest.mark.parametrize("content, expected", [
    (png(2, 1, 8, 0, b"\0\x10\xff"), [[16, 16, 16, 255], [255] * 4]),
    (png(2, 1, 4, 0, b"\0\x5f"), [[85, 85, 85, 255], [255] * 4]),
    (png(2, 1, 4, 0, b"\0\x5f", chunk(b"tRNS", b"\0\x05")), [[85, 85, 85, 0], [255] * 4]),
    (png(2, 1, 16, 0, b"\0\x80\x80\xff\xff"), [[128, 128, 128, 255], [255] * 4]),
    (png(2, 1, 16, 0, b"\0\x80\x80\xff\xff", chunk(b"tRNS", b"\xff\xff")), [[128, 128, 128, 255], [255, 255, 255, 0]]),
    (png(2, 1, 16, 2, b"\0" + b"\x20\x20\x40\x40\x60\x60" + b"\xff" * 6, chunk(b"tRNS", b"\x20\x20\x40\x40\x60\x60")),
     [[32, 64, 96, 0], [255] * 4]),
    (png(2, 1, 1, 3, b"\0\x40", chunk(b"PLTE", b"\x01\x02\x03\xc8\x64\x32") + chunk(b"tRNS", b"\x7f")),
     [[1, 2, 3, 127], [200, 100, 50, 255]]),
    (png(1, 1, 16, 4, b"\0\x30\x30\x80\x80"), [[48, 48, 48, 128]]),
])
def test_png_kinds_by_hand(content, expected):
    assert read_rgba(content)[0].tolist() == expected


def test_png_suite(shared):
    folder = shared / "data" / "broken" / "png"
    for path in sorted(folder.glob("x*.png")):
        with pytest.raises(DataError, match=path.name):
            read_rgba(path)
    valid = [path for path in sorted(folder.glob("*.png")) if not path.name.startswith("x")]
    assert len(valid) == 13
    for path in valid:
        picture = read_rgba(path)
        assert picture.dtype == np.uint8 and picture.shape[2] == 4 and len(np.unique(picture)) > 1
    assert read_rgba(folder / "tbbn0g04.png")[..., 3].min() == 0  # transparent by a colour
    assert len(np.unique(read_rgba(folder / "tp1n3p08.png")[..., 3])) == 2  # transparent by the palette
    # basi is basn interlaced: the same gradient from white to black at the same places
    assert read_rgba(folder / "basi0g01.png")[0, 0].tolist() == [255, 255, 255, 255]


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_every_truncation_is_refused(kind, lenient, monkeypatch):
    """Also where another library told Pillow to put up with cut pictures, as gluon-cv does."""
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", lenient)
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    Image.fromarray(noise).save(buffer, kind)
    content = buffer.getvalue()
    for length in list(range(0, 64)) + list(range(64, len(content) - 2, 97)):
        with pytest.raises(DataError, match="photo"):
            read_rgba(content[:length], "photo")


def test_jpeg_is_turned_upright_and_grey_and_cmyk_are_read():
    left_red = np.zeros((16, 32, 3), np.uint8)
    left_red[:, :16, 0] = 255
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6  # stored lying on its side: turn by 90 degrees clockwise
    Image.fromarray(left_red).save(buffer, "JPEG", quality=95, exif=exif)
    upright = read_rgba(buffer.getvalue())
    assert upright.shape == (32, 16, 4) and upright[4, 8, 0] > 200 and upright[28, 8, 0] < 50
    for mode in ("L", "CMYK"):
        buffer = io.BytesIO()
        Image.new(mode, (4, 4)).save(buffer, "JPEG")
        assert read_rgba(buffer.getvalue()).shape == (4, 4, 4)


def test_absurd_size_is_refused_before_decoding():
    with pytest.raises(DataError, match="large.png: 9000 x 9000 pixels are too many"):
        read_rgba(png(9000, 9000, 8, 0, b""), "large.png")
    with pytest.raises(DataError, match="bomb.png: too many pixels"):
        read_rgba(png(60000, 60000, 8, 0, b""), "bomb.png")


def test_not_an_image_says_so(tmp_path):
    path = tmp_path / "00.png"
    path.write_bytes(b"hello")
    with pytest.raises(DataError, match="00.png: not an image"):
        read_rgba(path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="it is empty"):
        read_rgba(str(path))


# ---- the folders ----

def test_sample_has_the_files_of_the_original(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (2, 5, 5, 4)).astype(np.uint8)
    cameras = [Camera(12.5, 27.25, 0.75), Camera(359.123456, 25.0, 0.9)]
    write_sample(tmp_path, "03001627", "m1", images, cameras, small_grid())
    files = tree_bytes(tmp_path)
    folder = "ShapeNetRendering/03001627/m1/rendering/"
    assert sorted(files) == [folder + "00.png", folder + "01.png", folder + "rendering_metadata.txt",
                             folder + "renderings.txt", "ShapeNetVox32/03001627/m1/model.binvox"]
    assert files[folder + "renderings.txt"] == b"00.png\n01.png\n"
    assert files[folder + "rendering_metadata.txt"] == b"12.5 27.25 0 0.75 25\n359.123456 25 0 0.9 25\n"
    assert files["ShapeNetVox32/03001627/m1/model.binvox"] == encode_binvox(small_grid())
    assert (read_rgba(tmp_path / folder / "01.png") == images[1]).all()
    model = scan(tmp_path).models[0]
    assert read_cameras(model.metadata) == cameras
    assert model.key == "03001627/m1" and [path.name for path in model.views] == ["00.png", "01.png"]
    write_sample(tmp_path, "03001627", "m1", images[:1], cameras[:1], small_grid())  # replaces
    assert len(scan(tmp_path).models[0].views) == 1


def test_a_removed_sample_is_gone_and_half_removed_incomplete(tmp_path, monkeypatch):
    make_layout(tmp_path, ["chair/a", "chair/b", "table/a"])
    remove_sample(tmp_path, "03001627", "a")
    remove_sample(tmp_path, "03001627", "never-there")
    assert [model.key for model in scan(tmp_path).models] == ["03001627/b", "04379243/a"]
    assert not scan(tmp_path).incomplete

    remove, calls = shapenet.shutil.rmtree, []

    def interrupted(path):
        if calls:
            raise KeyboardInterrupt
        calls.append(path)
        remove(path)

    monkeypatch.setattr(shapenet.shutil, "rmtree", interrupted)
    with pytest.raises(KeyboardInterrupt):
        remove_sample(tmp_path, "03001627", "b")
    assert [key for key, _ in scan(tmp_path).incomplete] == ["03001627/b"]


def test_writing_twice_gives_the_same_bytes(tmp_path):
    assert tree_bytes(make_layout(tmp_path / "one")) == tree_bytes(make_layout(tmp_path / "two"))


def test_an_interrupted_write_leaves_nothing_half_done(tmp_path, monkeypatch):
    make_layout(tmp_path, ["chair/a"])

    def interrupted(rgba):
        raise KeyboardInterrupt

    monkeypatch.setattr(shapenet, "encode_png", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_layout(tmp_path, ["chair/b"])
    layout = scan(tmp_path)
    assert [model.model_id for model in layout.models] == ["a"]
    assert layout.incomplete == [("03001627/b", "no ShapeNetRendering/03001627/b")]
    assert not list(tmp_path.rglob("*.partial"))


def test_scan_sorts_and_names_what_is_missing(tmp_path):
    make_layout(tmp_path, ["table/z", "chair/b", "chair/a", "chair/c", "chair/d", "widget/e"])
    (tmp_path / "ShapeNetVox32/03001627/b/model.binvox").unlink()
    (tmp_path / "ShapeNetRendering/03001627/c/rendering/01.png").unlink()
    for path in (tmp_path / "ShapeNetRendering/03001627/d/rendering").iterdir():
        path.unlink()
    layout = scan(tmp_path)
    assert [model.key for model in layout.models] == ["03001627/a", "04379243/z", "widget/e"]
    assert layout.incomplete == [("03001627/b", "no ShapeNetVox32/03001627/b/model.binvox"),
                                 ("03001627/c", "view 01.png of renderings.txt missing (1)"),
                                 ("03001627/d", "no views in rendering/")]


def test_scan_refuses_what_is_no_layout(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        scan(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: the folder is empty"):
        scan(tmp_path / "empty")
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="file: a file"):
        scan(tmp_path / "file")
    with pytest.raises(DataError, match="ShapeNetRendering and ShapeNetVox32 missing.*found empty, file"):
        scan(tmp_path)
    make_layout(tmp_path / "good")
    with pytest.raises(DataError, match="give its parent"):
        scan(tmp_path / "good" / "ShapeNetRendering")
    for path in (tmp_path / "good").rglob("model.binvox"):
        path.unlink()
    with pytest.raises(DataError, match="3 incomplete ones, the first 03001627/a: no ShapeNetVox32"):
        scan(tmp_path / "good")


def test_cameras_of_the_original_and_broken_rows(tmp_path):
    path = tmp_path / "rendering_metadata.txt"
    path.write_text("295.476 27.3 0 0.78 25\n 10 25 0 0.65 25 \n\n")
    assert read_cameras(path) == [Camera(295.476, 27.3, 0.78), Camera(10.0, 25.0, 0.65)]
    path.write_text("295.476 27.3 0 0.78 25\n1 2\n")
    with pytest.raises(DataError, match="line 2"):
        read_cameras(path)


def test_class_names():
    assert len(CLASSES) == 13 and synset_of("Chair") == "03001627" and class_name("02958343") == "car"
    assert synset_of("speaker") == synset_of("loudspeaker") == "03691459"
    assert synset_of("bicycle") == class_name("bicycle") == "bicycle" and synset_of("02958343") == "02958343"


# ---- splits ----

def test_split_is_deterministic_complete_and_proportioned(tmp_path):
    make_layout(tmp_path, [f"chair/{number:03d}" for number in range(40)] + ["car/only", "lamp/p", "lamp/q"], views=1)
    models = scan(tmp_path).models
    split = make_split(models)
    assert split == make_split(models[::-1])
    chair = split[[entry["taxonomy_name"] for entry in split].index("chair")]
    assert [len(chair[part]) for part in ("train", "val", "test")] == [28, 4, 8]
    everything = [key for part in ("train", "val", "test") for key in split_keys(split, part)]
    assert sorted(everything) == [(model.synset, model.model_id) for model in models]
    assert split_keys(split, "train")[0] == ("02958343", "only")  # a class of one model trains
    write_split(tmp_path / "ShapeNet.json", split)
    assert read_split(scan(tmp_path).split_path) == split
    check_split(scan(tmp_path), split)


@pytest.mark.parametrize("content, wanted", [
    ("[{", "not valid JSON"),
    ("[" * 100_000, "not valid JSON"),
    ('[{"taxonomy_id": "1", "taxonomy_name": 3, "train": [], "val": [], "test": []}]', "taxonomy_name of class 1"),
    ("{}", "holds a dict"),
    ('[{"train": []}]', "no taxonomy_id"),
    ('[{"taxonomy_id": "1", "train": [], "val": []}]', "'test'"),
    ('[{"taxonomy_id": "1", "train": [1], "val": [], "test": []}]', "'train'"),
    ('[{"taxonomy_id": "1", "train": ["a"], "val": ["a"], "test": []}]', "1/a is in 'val' and already in 'train'"),
])
def test_broken_split_files(tmp_path, content, wanted):
    path = tmp_path / "ShapeNet.json"
    path.write_text(content)
    with pytest.raises(DataError, match="ShapeNet.json.*" + wanted):
        read_split(path)


def test_a_split_that_names_absent_models(tmp_path):
    layout = scan(make_layout(tmp_path))
    split = make_split(layout.models)
    split[0]["test"] += [f"gone{number}" for number in range(5)]
    with pytest.raises(DataError, match="5 models.*03001627/gone0, 03001627/gone1, 03001627/gone2, ..."):
        check_split(layout, split)
    with pytest.raises(DataError, match="my.json names 5 models"):
        check_split(layout, split, name="my.json")


# ---- files that cannot be written ----

def test_errors_name_the_file_that_the_user_knows(tmp_path):
    """And not the temporary one beside it, which is gone."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("old")
    for path in (tmp_path / "folder", tmp_path / "file" / "below", tmp_path / "absent" / "file"):
        with pytest.raises(OSError) as caught, atomic_file(path) as handle:
            handle.write(b"new")
        assert caught.value.filename == str(path)
    grid = VoxelGrid(np.ones((4, 4, 4), bool))
    with pytest.raises(OSError) as caught:
        write_sample(tmp_path / "file", "1", "a", np.zeros((0, 8, 8, 4), np.uint8), [], grid)
    assert str(tmp_path / "file") in caught.value.filename and "partial" not in caught.value.filename
    full = OSError(errno.ENOSPC, "No space left on device")  # a write names no file
    with pytest.raises(OSError) as caught, atomic_file(tmp_path / "file"):
        raise full
    assert caught.value.filename == str(tmp_path / "file") and (tmp_path / "file").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


# ---- the sheet ----

def test_contact_sheet(tmp_path, capsys):
    make_layout(tmp_path)
    out = tmp_path / "sheet.png"
    assert contact_sheet.main([str(tmp_path), "--out", str(out), "--voxels"]) == 0
    assert str(out) in capsys.readouterr().out
    picture = read_rgba(out)
    assert picture.shape == (4 * 9, contact_sheet.LABEL_WIDTH + 2 * 9, 4)
    assert len(np.unique(picture[:9, contact_sheet.LABEL_WIDTH:])) > 20  # the pictures
    assert contact_sheet.main([str(tmp_path), "--out", str(out), "--view", "7"]) == 2
    assert "--view 7" in capsys.readouterr().err
    assert contact_sheet.main([str(tmp_path / "absent"), "--out", str(out)]) == 2


def test_split_file_is_readable_json(tmp_path):
    write_split(tmp_path / "ShapeNet.json", make_split(scan(make_layout(tmp_path)).models))
    entry = json.loads((tmp_path / "ShapeNet.json").read_text())[0]
    assert list(entry) == ["taxonomy_id", "taxonomy_name", "train", "val", "test"]
    assert os.listdir(tmp_path).count("ShapeNet.json") == 1
