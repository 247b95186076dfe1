"""Packing archives: the bytes of packing the folder, whatever the archive's order and shape; hostile ones refused."""
from __future__ import annotations

import gzip
import io
import json
import logging
import shutil
import tarfile
from pathlib import Path

import pytest
from tiny_layout import hashes, make_layout, tar_of

from gluon_r2n2_tools import pack_rec
from recordio.errors import DataError
from recordio.records import PackOptions, archive_models, make_plan, pack, read_manifest, streaming
from recordio.records.archives import MAX_MEMBER, read_members
from recordio.records.selection import Selection
from recordio.records.sources import find_archives
from recordio.records.streaming import pack_archives

OPTIONS = PackOptions(shard_size=3)
RENDERINGS, VOXELS = "ShapeNetRendering", "ShapeNetVox32"


@pytest.fixture(scope="module")
def layout(tmp_path_factory) -> Path:
    """The small layout with models that lack something, in ways that only the end of the archive tells."""
    root = make_layout(tmp_path_factory.mktemp("layout"))
    chair = root / RENDERINGS / "03001627"
    shutil.rmtree(chair / "model0")  # of the first shard: all later ones move up
    (chair / "model1/rendering/01.png").unlink()  # in renderings.txt
    (root / VOXELS / "03001627/model2/model.binvox").unlink()
    (root / VOXELS / "02691156/model0/model.binvox").write_bytes(b"#binvox 1\n")
    (root / RENDERINGS / "02691156/model1/rendering/rendering_metadata.txt").unlink()
    (root / RENDERINGS / "02691156/model2/rendering/._00.png").write_bytes(b"of macOS")
    shutil.copytree(root / VOXELS / "02691156/model3", root / VOXELS / "02691156/extra")  # in no split
    shutil.copytree(root / RENDERINGS / "02691156/model3", root / RENDERINGS / "02691156/extra")
    return root


@pytest.fixture(scope="module")
def truth(layout, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("truth") / "out"
    pack(make_plan(layout, OPTIONS), out)
    return out


def archive(layout, folder, *, suffix=".tgz", split=True, **options):
    folder.mkdir(exist_ok=True)
    for tree in (RENDERINGS, VOXELS):
        tar_of(layout, tree, folder / f"{tree}{suffix}", **options)
    if split:
        shutil.copy(layout / "ShapeNet.json", folder)
    return find_archives(folder)


@pytest.mark.parametrize("options", [
    {}, {"shuffle": 1}, {"shuffle": 2, "suffix": ".tar"}, {"suffix": ".tar.gz", "prefix": "./"},
    {"prefix": "data/shapenet/"}])
def test_archives_give_the_bytes_of_the_folder(layout, truth, tmp_path, options):
    manifest, complete = pack_archives(archive(layout, tmp_path / "in", **options), tmp_path / "out", OPTIONS,
                                       Selection(), workers=3)
    assert not complete and manifest.source.startswith("ShapeNetRendering.t")
    assert hashes(tmp_path / "out", ignore_source=True) == hashes(truth, ignore_source=True)
    assert {entry["key"] for entry in manifest.skipped} == {"02691156/model0", "03001627/model0", "03001627/model1",
                                                           "03001627/model2"}


@pytest.mark.parametrize("arguments", [
    ["--split-rule", "original"], ["--classes", "chair"], ["--limit", "4"], ["--encoding", "png", "--shard-size", "2"],
    ["--split-rule", "hashed", "--limit", "6"]])
def test_options_mean_the_same(layout, tmp_path, arguments):
    archive(layout, tmp_path / "in", shuffle=3)
    assert pack_rec.main([str(layout), str(tmp_path / "folder"), *arguments]) == 0
    assert pack_rec.main([str(tmp_path / "in"), str(tmp_path / "archives"), *arguments]) == 0
    assert (hashes(tmp_path / "folder", ignore_source=True) == hashes(tmp_path / "archives", ignore_source=True))


def test_without_a_split_the_rule_takes_its_place(layout, tmp_path):
    root = tmp_path / "layout"
    shutil.copytree(layout, root)
    (root / "ShapeNet.json").unlink()
    archives = archive(layout, tmp_path / "in", split=False)
    pack(make_plan(root), tmp_path / "folder")
    pack_archives(archives, tmp_path / "out", PackOptions(), Selection())
    assert hashes(tmp_path / "out", ignore_source=True) == hashes(tmp_path / "folder", ignore_source=True)


def test_complete_is_left_alone_and_other_is_refused(layout, tmp_path, capsys):
    archive(layout, tmp_path / "in")
    arguments = [str(tmp_path / "in"), str(tmp_path / "out")]
    assert pack_rec.main(arguments) == 0
    before = hashes(tmp_path / "out")
    assert pack_rec.main([*arguments, "--resume"]) == 0
    assert "complete already" in capsys.readouterr().out
    assert pack_rec.main([*arguments, "--level", "4"]) == 2
    assert "other input or with other options" in capsys.readouterr().err
    assert hashes(tmp_path / "out") == before
    assert pack_rec.main([*arguments, "--level", "4", "--overwrite"]) == 0
    assert pack_rec.main([str(layout), str(tmp_path / "out"), "--level", "4", "--overwrite"]) == 0


@pytest.mark.parametrize("after", [0, 1, 5, 9])
def test_an_interrupted_run_encodes_only_the_rest(layout, truth, tmp_path, monkeypatch, after):
    archives, encoded = archive(layout, tmp_path / "in", shuffle=4), []
    whole = archive_models.encode_model

    def counted(model, options, **how):
        encoded.append(model.key)
        if len(encoded) == after + 1:
            raise KeyboardInterrupt
        return whole(model, options, **how)

    monkeypatch.setattr(archive_models, "encode_model", counted)
    with pytest.raises(KeyboardInterrupt):
        pack_archives(archives, tmp_path / "out", OPTIONS, Selection(), workers=1)
    left = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert left == ([".packing.json", ".packing.spool"] if after else [])  # nothing, where nothing was finished
    with pytest.raises(DataError, match="packing was not finished" if after else "no manifest.json"):
        read_manifest(tmp_path / "out")
    with open(tmp_path / "out/.packing.spool", "ab") as handle:
        handle.write(b"R2SP half an entry")
    if not after:
        (tmp_path / "out/.packing.spool").unlink()
    done = encoded[:after]
    encoded[:] = [None] * 100
    pack_archives(archives, tmp_path / "out", OPTIONS, Selection())
    assert hashes(tmp_path / "out", ignore_source=True) == hashes(truth, ignore_source=True)
    assert not set(done) & set(encoded)


def test_another_pack_does_not_go_on_with_a_spool(layout, tmp_path, monkeypatch):
    archives = archive(layout, tmp_path / "in")
    monkeypatch.setattr(streaming, "plan_layout", lambda *args, **options: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pack_archives(archives, tmp_path / "out", OPTIONS, Selection())
    monkeypatch.undo()
    with pytest.raises(DataError, match="unfinished pack of other input or options"):
        pack_archives(archives, tmp_path / "out", PackOptions(level=5), Selection())


def test_scattered_files_are_refused(layout, tmp_path):
    archives = archive(layout, tmp_path / "in")
    paths = sorted((layout / RENDERINGS).rglob("*.*"), key=lambda path: path.name)  # all 00.png first
    with tarfile.open(archives.renderings, "w:gz") as target:
        for path in paths:
            target.add(path, path.relative_to(layout).as_posix())
    with pytest.raises(DataError, match="comes apart from the other files of its model; sort the archive"):
        pack_archives(archives, tmp_path / "out", OPTIONS, Selection())


def test_models_that_wait_for_views_are_bounded(layout, tmp_path, monkeypatch):
    monkeypatch.setattr(archive_models, "MAX_WAITING", 100)
    with pytest.raises(DataError, match="too large or scattered"):
        pack_archives(archive(layout, tmp_path / "in"), tmp_path / "out", OPTIONS, Selection())


def test_strict_stops(layout, tmp_path, capsys):
    archive(layout, tmp_path / "in")
    assert pack_rec.main([str(tmp_path / "in"), str(tmp_path / "out"), "--strict"]) == 2
    assert "02691156/model0: ShapeNetVox32/02691156/model0/model.binvox" in capsys.readouterr().err


def test_dry_run_of_archives(layout, tmp_path, capsys):
    archive(layout, tmp_path / "in")
    assert pack_rec.main([str(tmp_path / "in"), "--dry-run"]) == 0
    archives = capsys.readouterr().out
    assert pack_rec.main([str(layout), "--dry-run"]) == 0
    folder = capsys.readouterr().out
    assert [line.split(" views")[0] for line in archives.splitlines()[:5]] == [
        line.split(" views")[0] for line in folder.splitlines()[:5]]
    assert "models that lack files and would be left out: 3" in archives
    assert "03001627/model1: view 01.png of renderings.txt" in archives
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == [
        "ShapeNet.json", "ShapeNetRendering.tgz", "ShapeNetVox32.tgz"]


# --- archives that are no good

def fails(folder, out, words, capsys):
    assert pack_rec.main([str(folder), str(out)]) == 2
    message = capsys.readouterr().err.strip().splitlines()[-1]
    assert words in message, message
    assert not (out / "manifest.json").exists()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("suffix", [".tgz", ".tar"])
@pytest.mark.parametrize("tree", [RENDERINGS, VOXELS])
def test_cut_short(layout, tmp_path, capsys, share, suffix, tree):
    archive(layout, tmp_path / "in", suffix=suffix)
    path = tmp_path / f"in/{tree}{suffix}"
    content = path.read_bytes()
    end = len(content.rstrip(b"\0")) if suffix == ".tar" else len(content)
    path.write_bytes(content[:int(share * end)])
    fails(tmp_path / "in", tmp_path / "out", f"{tree}{suffix}: the archive is damaged or cut short, ", capsys)


def test_every_flipped_byte_of_the_stream_is_found_or_harmless(layout, tmp_path):
    archives = archive(layout, tmp_path / "in")
    content = bytearray(archives.voxels.read_bytes())
    whole = [(member.parts, member.read()) for member in read_members(archives.voxels)]
    for place in range(10, len(content), len(content) // 60):  # behind gzip's header
        damaged = content.copy()
        damaged[place] ^= 0x10
        archives.voxels.write_bytes(damaged)
        try:
            assert [(member.parts, member.read()) for member in read_members(archives.voxels)] == whole
        except DataError as error:
            assert "the archive is damaged" in str(error)


@pytest.mark.parametrize("content, words", [
    (b"PK\3\4 a zip file", "neither .tar nor .tar.gz"), (b"\xfd7zXZ", "neither .tar nor .tar.gz"),
    (b"text " * 500, "damaged"), (gzip.compress(b"text " * 500), "damaged"), (gzip.compress(b""), "damaged")])
def test_no_archive(layout, tmp_path, capsys, content, words):
    archives = archive(layout, tmp_path / "in")
    archives.renderings.write_bytes(content)
    fails(tmp_path / "in", tmp_path / "out", words, capsys)


def test_archives_of_something_else(layout, tmp_path, capsys):
    archives = archive(layout, tmp_path / "in")
    shutil.copy(archives.voxels, archives.renderings)
    fails(tmp_path / "in", tmp_path / "out", "no ShapeNetRendering/synset/model in it, it holds ShapeNetVox32", capsys)
    archives.voxels.unlink()
    fails(tmp_path / "in", tmp_path / "out", "ShapeNetVox32.tgz missing beside", capsys)


def member(name, size=0, kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.size, info.type, info.linkname = size, kind, link
    return info


def test_links_devices_and_paths_upwards_do_nothing(layout, truth, tmp_path):
    folder = f"{RENDERINGS}/02691156"
    hostile = [
        member("/etc/passwd", 3), member(f"../../{folder}/up/rendering/00.png", 3), member("../above", 3),
        member(f"{folder}/linked/rendering/00.png", kind=tarfile.SYMTYPE, link="/etc/passwd"),
        member(f"{folder}/hard", kind=tarfile.LNKTYPE, link="/etc/passwd"),
        member(f"{folder}/pipe", kind=tarfile.FIFOTYPE), member(f"{folder}/disk", kind=tarfile.BLKTYPE)]
    before = {path for path in tmp_path.parent.iterdir()}
    pack_archives(archive(layout, tmp_path / "in", extra=hostile), tmp_path / "out", OPTIONS, Selection())
    shards = {name for name in hashes(truth) if name != "manifest.json"}
    assert {name: hashes(tmp_path / "out")[name] for name in shards} == {name: hashes(truth)[name] for name in shards}
    assert {path for path in tmp_path.parent.iterdir()} == before


def test_a_large_member_is_refused_before_it_is_read(layout, tmp_path, capsys):
    """68 MB of zeros that are 66 kB in the archive, beside the data, and in a header of tar itself."""
    archives = archive(layout, tmp_path / "in", extra=[member("readme.txt", MAX_MEMBER + (4 << 20))])
    pack_archives(archives, tmp_path / "beside", OPTIONS, Selection())  # nobody wants to read that one
    archive(layout, tmp_path / "in", extra=[member(f"{RENDERINGS}/02691156/model1/rendering/00.png", MAX_MEMBER + 1),
                                            member(f"{VOXELS}/02691156/model1/model.binvox", MAX_MEMBER + 1)])
    fails(tmp_path / "in", tmp_path / "out", f"has {MAX_MEMBER + 1} bytes, at most {MAX_MEMBER} are read", capsys)
    for kind in (tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE):
        head = member("long", 1 << 40, kind).tobuf(tarfile.GNU_FORMAT)
        with gzip.open(tmp_path / "in/ShapeNetVox32.tgz", "wb", compresslevel=1) as target:
            target.write(head + bytes(1 << 20))
        fails(tmp_path / "in", tmp_path / "out2", "the archive is damaged", capsys)
        assert not list((tmp_path / "out2").iterdir())  # nothing was finished that could go on


def test_a_damaged_header_is_not_the_end(layout, tmp_path, capsys):
    """tarfile itself takes it for the end of the archive, and would give a smaller data set without a word."""
    archives = archive(layout, tmp_path / "in", suffix=".tar")
    content = bytearray(archives.voxels.read_bytes())
    place = content.rindex(b"ustar", 0, content.rindex(b"ustar"))  # the last member has two headers
    content[place - 100] ^= 1
    archives.voxels.write_bytes(content)
    assert len(list(tarfile.open(fileobj=io.BytesIO(bytes(content))))) > 3
    fails(tmp_path / "in", tmp_path / "out", "the archive is damaged", capsys)


def test_later_files_of_one_name_count(layout, truth, tmp_path):
    """As when the archive is unpacked: `tar -r` appends a new version behind the old one."""
    extra = [member(f"{VOXELS}/02691156/model1/model.binvox", 5)]
    pack_archives(archive(layout, tmp_path / "in", extra=extra, folders=False), tmp_path / "out", OPTIONS, Selection())
    assert hashes(tmp_path / "out")["train-00000.rec"] == hashes(truth)["train-00000.rec"]


def test_shards_of_jobs_want_a_folder(layout, tmp_path, capsys):
    archive(layout, tmp_path / "in")
    assert pack_rec.main([str(tmp_path / "in"), str(tmp_path / "out"), "--shard", "1/2"]) == 2
    assert "every job would read the whole archives" in capsys.readouterr().err


def test_voxels_of_another_side(layout, truth, tmp_path):
    root = tmp_path / "layout"
    shutil.copytree(layout, root)
    (root / VOXELS).rename(root / "ShapeNetVox64")
    pack(make_plan(root, OPTIONS), tmp_path / "folder")
    folder = tmp_path / "in"
    folder.mkdir()
    for tree in (RENDERINGS, "ShapeNetVox64"):
        tar_of(root, tree, folder / f"{tree}.tgz")
    shutil.copy(layout / "ShapeNet.json", folder)
    pack_archives(find_archives(folder), tmp_path / "out", OPTIONS, Selection())
    assert hashes(tmp_path / "out", ignore_source=True) == hashes(tmp_path / "folder", ignore_source=True)
    assert "no ShapeNetVox64/03001627/model2" in (tmp_path / "out/manifest.json").read_text()
    tar_of(layout, VOXELS, folder / f"{VOXELS}.tgz")  # beside it
    manifest, _ = pack_archives(find_archives(folder, tree="ShapeNetVox64"), tmp_path / "out64", OPTIONS, Selection())
    assert "ShapeNetVox64.tgz" in manifest.source
    with pytest.raises(DataError, match="no ShapeNetVox128/synset/model in it"):
        pack_archives(find_archives(folder, voxels=folder / f"{VOXELS}.tgz", tree="ShapeNetVox128"),
                      tmp_path / "no", OPTIONS, Selection())


def test_a_broken_model_is_named_as_it_comes(layout, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        pack_archives(archive(layout, tmp_path / "in"), tmp_path / "out", OPTIONS, Selection())
    assert "left out 02691156/model0: ShapeNetVox32/02691156/model0/model.binvox: the binvox header" in caplog.text
    assert json.loads((tmp_path / "out/manifest.json").read_text())["models"] == 12
    assert caplog.text.count("left out 02691156/model0") == 1
