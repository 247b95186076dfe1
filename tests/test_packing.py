"""Packing: the same bytes for any way of getting there, broken models named, every damage of a data set found."""
from __future__ import annotations

import errno
import json
import os
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from tiny_layout import VIEWS, hashes, hold_refusal, make_layout

from gluon_r2n2_tools import pack_rec
from recordio.errors import DataError
from recordio.geometry.camera import Camera
from recordio.layouts import VoxelGrid, encode_png, images, read_rgba, write_sample, write_split
from recordio.records import (
    PackOptions,
    ShardReader,
    make_plan,
    pack,
    parse_record,
    read_manifest,
    verify_dataset,
)


@pytest.fixture(scope="session")
def layout(tmp_path_factory) -> Path:
    return make_layout(tmp_path_factory.mktemp("layout"))


@pytest.fixture(scope="session")
def packed(layout, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("packed") / "data"
    pack(make_plan(layout, PackOptions(shard_size=3)), out)
    return out


@pytest.fixture
def copy(packed, tmp_path) -> Path:
    """The packed data set, free to be damaged."""
    folder = tmp_path / "data"
    folder.mkdir()
    for file in packed.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    return folder


def test_packed_samples_are_the_layouts(layout, packed):
    manifest = read_manifest(packed)
    assert manifest.classes == {"02691156": "airplane", "03001627": "chair"}
    assert manifest.voxel_shape == (8, 8, 8)
    assert {split: count["samples"] for split, count in manifest.counts().items()} == {"train": 8, "val": 2, "test": 4}
    assert [shard.name for shard in manifest.shards] == ["train-00000", "train-00001", "train-00002", "val-00000",
                                                         "test-00000", "test-00001"]
    assert manifest.shards[0].keys == ("02691156/model0", "02691156/model1", "02691156/model2")
    seen = 0
    for shard in manifest.shards:
        reader = ShardReader(packed, shard)
        for number, key in enumerate(shard.keys):
            record = reader.read(number)
            folder = layout / "ShapeNetRendering" / key / "rendering"
            for view in range(VIEWS):
                assert (record.view(view) == read_rgba(folder / f"{view:02d}.png")).all()
            assert record.cameras.tolist() == [[10.0 * view, 25.5, 0.0, 0.75] for view in range(VIEWS)]
            assert (record.translate, record.scale) == ((-0.5, -0.25, -0.5), 1.5)
            # an independent reading of the binvox file: runs in x, z, y order
            content = (layout / "ShapeNetVox32" / key / "model.binvox").read_bytes().split(b"data\n", 1)[1]
            pairs = np.frombuffer(content, np.uint8).reshape(-1, 2)
            truth = np.repeat(pairs[:, 0], pairs[:, 1]).reshape(8, 8, 8).transpose(0, 2, 1)
            assert (record.voxels() == truth).all()
            seen += 1
        reader.close()
    assert seen == 14
    assert verify_dataset(packed) == 14


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_bytes_do_not_depend_on_workers(layout, packed, tmp_path, workers):
    pack(make_plan(layout, PackOptions(shard_size=3)), tmp_path / "out", workers=workers)
    assert hashes(tmp_path / "out") == hashes(packed)


@pytest.mark.parametrize("after", [0, 1, 4, 7, 9, 13])
def test_an_interrupted_pack_goes_on(layout, packed, tmp_path, after, caplog):
    out, done = tmp_path / "out", []

    def interrupt(count):
        done.extend(range(count))
        if len(done) > after:
            raise KeyboardInterrupt

    plan = make_plan(layout, PackOptions(shard_size=3))
    with pytest.raises(KeyboardInterrupt):
        pack(plan, out, on_models=interrupt)
    with pytest.raises(DataError, match="packing was not finished"):
        read_manifest(out)
    assert not list(out.glob("*.tmp")) and not list(out.glob(".*.tmp"))
    (out / ".train-00001.rec.abc_1.tmp").write_bytes(b"left by a killed process")
    kept = {path.name: path.stat().st_mtime_ns for path in out.glob("*.rec")}
    counted = []
    assert pack(plan, out, on_models=counted.append)[1] is False
    assert sum(counted) == 14
    assert hashes(out) == hashes(packed)
    finished = [f"train-0000{number}.rec" for number in range(min(after // 3, 2))]
    assert {name: (out / name).stat().st_mtime_ns for name in finished} == {name: kept[name] for name in finished}


def test_a_damaged_finished_shard_is_made_again(layout, packed, tmp_path):
    out, calls = tmp_path / "out", []
    plan = make_plan(layout, PackOptions(shard_size=3))

    def interrupt(count):
        calls.append(count)
        if sum(calls) == 8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(plan, out, on_models=interrupt)
    content = bytearray((out / "train-00000.rec").read_bytes())
    content[100] ^= 1
    (out / "train-00000.rec").write_bytes(content)
    pack(plan, out)
    assert hashes(out) == hashes(packed)


@pytest.mark.parametrize("damage", [
    lambda content: content.pop("shards"), lambda content: content.update(shards=[{}]),
    lambda content: content.update(shards={"a": 1}), lambda content: content["shards"][0]["shard"].update(name="x"),
    lambda content: content["shards"][0]["shard"].pop("sha256"), lambda content: content.update(voxel_shape=3)])
def test_damaged_progress_is_named(layout, tmp_path, damage):
    plan, out, calls = make_plan(layout, PackOptions(shard_size=2)), tmp_path / "out", []

    def interrupt(count):
        calls.append(count)
        if sum(calls) > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(plan, out, on_models=interrupt)
    content = json.loads((out / ".packing.json").read_text())
    damage(content)
    (out / ".packing.json").write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"\.packing\.json: damaged .*--overwrite"):
        pack(plan, out)


def test_a_complete_data_set_is_left_alone(layout, copy, capsys):
    before = {path.name: path.stat().st_mtime_ns for path in copy.iterdir()}
    plan = make_plan(layout, PackOptions(shard_size=3))
    assert pack(plan, copy)[1] is True
    assert pack_rec.main([str(layout), str(copy), "--shard-size", "3"]) == 0
    assert "complete already" in capsys.readouterr().out
    assert {path.name: path.stat().st_mtime_ns for path in copy.iterdir()} == before
    with pytest.raises(DataError, match="--overwrite"):
        pack(make_plan(layout, PackOptions(shard_size=4)), copy)
    pack(make_plan(layout, PackOptions(shard_size=20)), copy, overwrite=True)
    assert sorted(path.name for path in copy.glob("*.rec")) == ["test-00000.rec", "train-00000.rec", "val-00000.rec"]


def test_a_foreign_folder_is_left_alone(layout, tmp_path):
    (tmp_path / "thesis.tex").write_text("precious")
    with pytest.raises(DataError, match="not empty"):
        pack(make_plan(layout), tmp_path)
    pack(make_plan(layout), tmp_path, overwrite=True)
    assert (tmp_path / "thesis.tex").read_text() == "precious"


def test_png_views_are_the_files(layout, tmp_path):
    pack(make_plan(layout, PackOptions(encoding="png")), tmp_path / "out")
    file = (layout / "ShapeNetRendering/03001627/model0/rendering/00.png").read_bytes()
    assert file in (tmp_path / "out/train-00000.rec").read_bytes()
    reader = ShardReader(tmp_path / "out", read_manifest(tmp_path / "out").shards[0])
    assert (reader.read(4).view(0) == read_rgba(file)).all()
    reader.close()


@pytest.fixture
def ragged(layout, tmp_path) -> Path:
    """The layout with five broken models."""
    root = tmp_path / "ragged"
    shutil.copytree(layout, root)
    plane = root / "ShapeNetRendering/02691156"
    (plane / "model0/rendering/01.png").write_bytes((plane / "model0/rendering/01.png").read_bytes()[:60])
    (plane / "model1/rendering/02.png").write_bytes(encode_png(np.ones((9, 9, 4), np.uint8)))
    voxels = root / "ShapeNetVox32/02691156"
    (voxels / "model2/model.binvox").write_bytes(b"#binvox 1\ndim 8 8 8\n")
    (voxels / "model3/model.binvox").write_bytes(
        b"#binvox 1\ndim 8 8 8\ntranslate 0 0 0\nscale 1\ndata\n" + b"\0\xff\0\xff\0\x02")
    (voxels / "model4/model.binvox").unlink()
    return root


def test_broken_models_are_named_and_left_out(ragged, tmp_path, capsys, caplog):
    assert pack_rec.main([str(ragged), str(tmp_path / "out")]) == 0
    manifest = read_manifest(tmp_path / "out")
    reasons = {entry["key"]: entry["reason"] for entry in manifest.skipped}
    assert sorted(reasons) == [f"02691156/model{number}" for number in range(5)]
    for number, words in enumerate(["01.png: the image is", "9x9 pixels where", "the file is cut short", "no voxel",
                                    "no ShapeNetVox32/"]):
        assert words in reasons[f"02691156/model{number}"]
        if number < 4:  # as it came; the last was known from the scan
            assert f"left out 02691156/model{number}" in caplog.text
    assert str(ragged) not in (tmp_path / "out/manifest.json").read_text()
    assert manifest.counts()["train"]["samples"] == 4
    assert "5 models left out" in capsys.readouterr().out


def test_strict_stops_at_a_broken_model(ragged, tmp_path, capsys):
    assert pack_rec.main([str(ragged), str(tmp_path / "out"), "--strict"]) == 2
    assert "02691156/model" in capsys.readouterr().err
    assert not (tmp_path / "out/manifest.json").exists()
    assert pack_rec.main([str(ragged), str(tmp_path / "out")]) == 0  # without --strict it goes on, and is complete
    assert pack_rec.main([str(ragged), str(tmp_path / "out"), "--strict"]) == 2


def test_nothing_readable_is_an_error(ragged, tmp_path, capsys):
    for path in ragged.glob("ShapeNetVox32/*/*/model.binvox"):
        path.write_bytes(b"nothing")
    assert pack_rec.main([str(ragged), str(tmp_path / "out")]) == 2
    assert "no model can be read" in capsys.readouterr().err
    assert not list((tmp_path / "out").iterdir())


def test_a_full_disk_stops_and_can_be_resumed(layout, packed, tmp_path, monkeypatch, capsys):
    """Finished shards stay, nothing half-written does."""
    calls, sync = [], os.fsync

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == 9:  # the second shard: each file is synced, then its folder
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(descriptor)

    arguments = [str(layout), str(tmp_path / "out"), "--shard-size", "3"]
    monkeypatch.setattr(os, "fsync", full)
    assert pack_rec.main(arguments) == 2
    assert "out/train-00001.rec: the disk is full" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob(".*.tmp")) and (tmp_path / "out/train-00000.rec").exists()
    monkeypatch.setattr(os, "fsync", sync)
    assert pack_rec.main(arguments) == 0
    assert hashes(tmp_path / "out") == hashes(packed)


def test_a_split_with_absent_models(layout, tmp_path, capsys):
    split = json.loads((layout / "ShapeNet.json").read_text())
    split[0]["train"].append("ghost")
    write_split(tmp_path / "split.json", split)
    arguments = [str(layout), str(tmp_path / "out"), "--split", str(tmp_path / "split.json")]
    assert pack_rec.main(arguments) == 2
    assert "02691156/ghost" in capsys.readouterr().err
    assert pack_rec.main([*arguments, "--ignore-missing"]) == 0
    assert read_manifest(tmp_path / "out").missing == ("02691156/ghost",)


def test_classes_are_chosen_by_name_or_number(layout, tmp_path, capsys):
    for name in ("chair", "03001627"):
        assert pack_rec.main([str(layout), str(tmp_path / name), "--classes", name]) == 0
        assert read_manifest(tmp_path / name).classes == {"03001627": "chair"}
    assert hashes(tmp_path / "chair") == hashes(tmp_path / "03001627")
    assert pack_rec.main([str(layout), str(tmp_path / "no"), "--classes", "chiar"]) == 2
    assert "did you mean 'chair'?" in capsys.readouterr().err


def test_one_grid_size_per_data_set(layout, tmp_path):
    root = tmp_path / "mixed"
    shutil.copytree(layout, root)
    write_sample(root, "03001627", "model0", np.full((2, 20, 24, 4), 9, np.uint8), [Camera(0, 0, 1)] * 2,
                 VoxelGrid(np.ones((4, 4, 4), bool)))
    manifest, _ = pack(make_plan(root), tmp_path / "out")
    assert [entry["key"] for entry in manifest.skipped] == ["03001627/model0"]
    assert "4x4x4 where the data set has 8x8x8" in manifest.skipped[0]["reason"]


def test_cameras_follow_their_views(layout, tmp_path):
    root = tmp_path / "fewer"
    shutil.copytree(layout, root)
    folder = root / "ShapeNetRendering/02691156/model0/rendering"
    (folder / "01.png").unlink()
    (folder / "renderings.txt").unlink()
    (root / "ShapeNetRendering/02691156/model1/rendering/rendering_metadata.txt").unlink()
    manifest, _ = pack(make_plan(root), tmp_path / "out")
    reader = ShardReader(tmp_path / "out", manifest.shards[0])
    assert reader.read(0).cameras[:, 0].tolist() == [0.0, 20.0]
    assert reader.read(1).cameras is None
    reader.close()
    assert manifest.shards[0].fewest_views == 2


@pytest.mark.parametrize("arguments, words", [
    (["{out}"], "give SRC and OUT"), (["{src}", "{out}", "--verify"], "give SRC and OUT"),
    (["{src}/absent", "{out}"], "no such folder"), (["{src}", "{out}", "--encoding", "zst"], "did you mean 'zstd'"),
    (["{src}", "{out}", "--shardsize", "3"], "did you mean '--shard-size'"),
    (["{src}", "{out}", "--level", "23"], "from 1 to 22"), (["--verify", "{src}"], "pack it first"),
    (["{src}", "{src}/ShapeNet.json"], "a file"), (["{src}", "{src}"], "not empty")])
def test_bad_arguments(layout, tmp_path, capsys, arguments, words):
    filled = [word.format(src=layout, out=tmp_path / "out") for word in arguments]
    hold_refusal(pack_rec.main, filled, words, capsys)


def png_of(compressed, *, header=(6, 5, 8, 6, 0, 0, 0), extra=()):
    """A PNG of *header* (width, height, depth, colour type, methods), with every checksum right."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", *header)), *extra, (b"IDAT", compressed), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks)


ROWS = b"".join(b"\0" + bytes(range(row, row + 24)) for row in range(5))
QUARTER_TURN = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"


@pytest.mark.parametrize("data", [
    png_of(zlib.compress(ROWS)), png_of(zlib.compress(ROWS), extra=[(b"tEXt", b"File\0chair.blend")]),
    png_of(zlib.compress(ROWS), extra=[(b"gAMA", struct.pack(">I", 10000))]),
    png_of(zlib.compress(ROWS), extra=[(b"eXIf", QUARTER_TURN)]), png_of(zlib.compress(ROWS * 2)),
    png_of(zlib.compress(ROWS)[:-8]), png_of(zlib.compress(ROWS[:60])), png_of(zlib.compress(b"\x09" + ROWS[1:])),
    png_of(zlib.compress(ROWS)[:-4] + b"abcd"), png_of(zlib.compress(ROWS), header=(0, 5, 8, 6, 0, 0, 0)),
    png_of(zlib.compress(ROWS), header=(60000, 60000, 8, 6, 0, 0, 0))])
def test_the_short_way_to_decode_is_pillows(data, monkeypatch):
    """Plain pictures are decoded without Pillow: the same pixels, the same complaint about damage."""
    def outcome():
        try:
            return read_rgba(data, "it").tolist()
        except DataError as error:
            return str(error)

    short = outcome()
    monkeypatch.setattr(images, "_decode_plain", lambda data, max_pixels: None)
    assert short == outcome()


def test_mxnet_reads_a_shard(packed):
    recordio = pytest.importorskip("mxnet").recordio
    shard = read_manifest(packed).shards[0]
    reader = recordio.MXIndexedRecordIO(str(packed / f"{shard.name}.idx"), str(packed / f"{shard.name}.rec"), "r")
    for number in reversed(range(len(shard.keys))):
        assert parse_record(reader.read_idx(number), name="").key == shard.keys[number]
    reader.close()


# --- damage to a packed data set

def read_all(folder):
    for shard in read_manifest(folder).shards:
        reader = ShardReader(folder, shard)
        try:
            for number in range(len(shard.keys)):
                reader.read(number)
        finally:
            reader.close()


def test_every_byte_of_a_shard_is_guarded(copy):
    """Flip bytes all over a shard: the record that holds it is named, by shard, number and key."""
    path = copy / "train-00001.rec"
    content = path.read_bytes()
    shard = read_manifest(copy).shards[1]
    starts = [int(line.split("\t")[1]) for line in (copy / "train-00001.idx").read_text().splitlines()]
    places = {*range(0, len(content), 11), *starts, *(start + 5 for start in starts), len(content) - 1}
    for place in sorted(places):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        number = sum(start <= place for start in starts) - 1
        with pytest.raises(DataError) as caught:
            read_all(copy)
        assert f"train-00001.rec, record {number} ({shard.keys[number]}): " in str(caught.value)
    with pytest.raises(DataError, match="train-00001.rec: its SHA-256"):
        verify_dataset(copy)


@pytest.mark.parametrize("damage, words", [
    (lambda folder: (folder / "val-00000.rec").unlink(), "val-00000.rec: the shard is missing"),
    (lambda folder: (folder / "val-00000.idx").unlink(), "val-00000.idx: the index is missing"),
    (lambda folder: cut(folder / "val-00000.rec"), "val-00000.rec: .* cut short"),
    (lambda folder: cut(folder / "val-00000.idx"), "val-00000.idx: its SHA-256"),
    (lambda folder: (folder / "val-00000.idx").write_bytes(b"0\t0\n1\t8\n"), "val-00000.idx: its SHA-256"),
    (lambda folder: swap(folder, "train-00000", "train-00001"), "train-00000"),
    (lambda folder: cut(folder / "manifest.json"), "manifest.json: not valid JSON"),
    (lambda folder: (folder / "manifest.json").write_text("[]"), "manifest.json: not the manifest"),
    (lambda folder: edit(folder, version=2), "format version 2, this program reads version 1"),
    (lambda folder: edit(folder, shards=[]), "the manifest was changed"),
    (lambda folder: edit(folder, shards=[{}]), "the manifest is damaged"),
    (lambda folder: edit(folder, classes=None, voxel_shape=None), "the manifest is damaged"),
])
def test_damaged_data_sets_are_named(copy, damage, words):
    damage(copy)
    with pytest.raises(DataError, match=words):
        read_all(copy)
    with pytest.raises(DataError):
        verify_dataset(copy)


def cut(path):
    path.write_bytes(path.read_bytes()[:-4])


def swap(folder, first, second):
    for suffix in (".rec", ".idx"):
        a, b = folder / (first + suffix), folder / (second + suffix)
        content = a.read_bytes()
        a.write_bytes(b.read_bytes())
        b.write_bytes(content)


def edit(folder, **changes):
    content = json.loads((folder / "manifest.json").read_text())
    content.update(changes)
    (folder / "manifest.json").write_text(json.dumps(content))


@pytest.mark.parametrize("make, words", [
    (lambda path: None, "no such folder"), (lambda path: path.write_text(""), "a file"),
    (lambda path: path.mkdir(), "no manifest.json"),
    (lambda path: (path / "ShapeNetRendering").mkdir(parents=True), "pack it first with tools/pack_rec.py")])
def test_other_folders_are_named(tmp_path, make, words):
    make(tmp_path / "x")
    with pytest.raises(DataError, match=words):
        read_manifest(tmp_path / "x")
