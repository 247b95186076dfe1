"""What is packed (rules, filters, a look before packing), and packing by independent jobs that are merged."""
from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from tiny_layout import hashes, hold_refusal, make_layout

from gluon_r2n2_tools import pack_rec
from recordio.errors import DataError
from recordio.records import ShardReader, make_plan, merging, pack, read_manifest
from recordio.records.merging import merge
from recordio.records.plan import PackOptions
from recordio.records.survey import encode_samples, survey


@pytest.fixture(scope="module")
def layout(tmp_path_factory) -> Path:
    root = make_layout(tmp_path_factory.mktemp("layout"), models=10)
    (root / "ShapeNetVox32/02691156/model2/model.binvox").write_bytes(b"broken")
    (root / "ShapeNetVox32/03001627/model3/model.binvox").unlink()
    return root


@pytest.fixture(scope="module")
def whole(layout, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("whole") / "out"
    pack(make_plan(layout, PackOptions(shard_size=3)), out)
    return out


@pytest.fixture
def parts(layout, tmp_path):
    folders = [tmp_path / f"part{number}" for number in (1, 2, 3)]
    for number, folder in enumerate(folders, 1):
        assert pack_rec.main([str(layout), str(folder), "--shard-size", "3", "--shard", f"{number}/3"]) == 0
    return folders


# --- independent jobs

def test_merged_parts_are_the_whole(layout, whole, parts, tmp_path, capsys):
    shards = [{path.stem for path in part.glob("*.rec")} for part in parts]
    assert sum(map(len, shards)) == len(set.union(*shards)) == len(read_manifest(whole).shards)
    arguments = ["--merge", *map(str, [tmp_path / "out", parts[2], parts[0], parts[1]])]
    assert pack_rec.main(arguments) == 0
    assert hashes(tmp_path / "out") == hashes(whole)
    assert (tmp_path / "out/train-00000.rec").stat().st_nlink == 2
    assert pack_rec.main(arguments) == 0
    assert "complete already" in capsys.readouterr().out
    assert pack_rec.main([str(layout), str(tmp_path / "out"), "--shard-size", "3"]) == 0
    assert "complete already" in capsys.readouterr().out


def test_where_links_are_not_possible_files_are_copied(whole, parts, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "link", lambda *paths: (_ for _ in ()).throw(OSError("no links here")))
    merge(parts, tmp_path / "out")
    assert hashes(tmp_path / "out") == hashes(whole)
    assert (tmp_path / "out/train-00000.rec").stat().st_nlink == 1


def test_more_jobs_than_shards(layout, whole, tmp_path):
    plan = make_plan(layout, PackOptions(shard_size=3))
    folders = [tmp_path / str(number) for number in range(1, 13)]
    for number, folder in enumerate(folders, 1):
        pack(plan.share(number, 12), folder)
    merge(folders, tmp_path / "out")
    assert hashes(tmp_path / "out") == hashes(whole)


def test_a_part_is_no_data_set(layout, parts, tmp_path, capsys):
    with pytest.raises(DataError, match="a part of a data set; join it"):
        read_manifest(parts[0])
    capsys.readouterr()
    assert pack_rec.main([str(layout), str(parts[0]), "--shard-size", "3", "--shard", "1/3"]) == 0
    assert "complete already" in capsys.readouterr().out
    for arguments in (["--shard", "2/3"], [], ["--shard", "1/2"]):
        assert pack_rec.main([str(layout), str(parts[0]), "--shard-size", "3", *arguments]) == 2
        assert "it holds part 1 of 3 of a data set" in capsys.readouterr().err


def test_an_interrupted_job_goes_on(layout, whole, tmp_path):
    plan = make_plan(layout, PackOptions(shard_size=3))

    def interrupt(count):
        done.append(count)
        if len(done) == 5:
            raise KeyboardInterrupt

    done: list = []
    with pytest.raises(KeyboardInterrupt):
        pack(plan.share(1, 2), tmp_path / "a", on_models=interrupt)
    with pytest.raises(DataError, match="packing was not finished; run its job again"):
        merge([tmp_path / "a"], tmp_path / "out")
    with pytest.raises(DataError, match="unfinished pack of other input or options"):
        pack(plan.share(2, 2), tmp_path / "a")
    pack(plan.share(1, 2), tmp_path / "a")
    pack(plan.share(2, 2), tmp_path / "b")
    merge([tmp_path / "a", tmp_path / "b"], tmp_path / "out")
    assert hashes(tmp_path / "out") == hashes(whole)


def spoil(parts, layout, how):
    """Damage the parts; -> (the folders to merge, words of the message)."""
    rec = sorted(parts[1].glob("*.rec"))[0]
    if how == "flipped":
        content = bytearray(rec.read_bytes())
        content[77] ^= 1
        rec.write_bytes(content)
        return parts, f"{rec.name}: its SHA-256 is not"
    if how == "index":
        rec.with_suffix(".idx").write_text("0\t4\n")
        return parts, f"{rec.stem}.idx: its SHA-256 is not"
    if how == "short":
        rec.write_bytes(rec.read_bytes()[:-4])
        return parts, f"{rec}: "
    if how == "no shard":
        rec.unlink()
        return parts, "the shard is missing"
    if how == "no index":
        rec.with_suffix(".idx").unlink()
        return parts, "the index is missing"
    if how == "absent":
        return parts[:1] + parts[2:], "part 2/3 of 3 missing"
    if how == "twice":
        return [*parts, parts[0]], "part 1/3 comes twice"
    if how == "foreign":
        pack(make_plan(layout, PackOptions(shard_size=3, level=5)).share(2, 3), parts[1], overwrite=True)
        return parts, f"{parts[1]}: it belongs to another data set"
    if how == "other count":
        pack(make_plan(layout, PackOptions(shard_size=3)).share(2, 4), parts[1], overwrite=True)
        return parts, "a division into 4 instead of 3"
    if how == "data set":
        pack(make_plan(layout, PackOptions(shard_size=3)), parts[1], overwrite=True)
        return parts, "a whole data set, no part"
    content = json.loads((parts[1] / "part.json").read_text())
    if how == "duplicate":
        other = json.loads((parts[0] / "part.json").read_text())["shards"][0]["shard"]["keys"]
        content["shards"][0]["shard"]["keys"] = other
    elif how == "grid":
        content["voxel_shape"] = [16, 16, 16]
    elif how == "lost shard":
        del content["shards"][0]
    else:
        del content["head"]["plan"]
    (parts[1] / "part.json").write_text(json.dumps(content))
    return parts, {"duplicate": "is also in", "grid": "its grid is 16x16x16 where", "lost shard": "shards came where",
                   "head": "it is damaged"}[how]


@pytest.mark.parametrize("how", ["flipped", "index", "short", "no shard", "no index", "absent", "twice", "foreign",
                                 "other count", "data set", "duplicate", "grid", "lost shard", "head"])
def test_bad_parts_are_named(layout, whole, parts, tmp_path, capsys, how):
    kept = [shutil.copytree(part, tmp_path / "kept" / part.name) for part in parts]
    given, words = spoil(parts, layout, how)
    capsys.readouterr()
    assert pack_rec.main(["--merge", str(tmp_path / "out"), *map(str, given)]) == 2
    message = capsys.readouterr().err
    assert words in message and len(message.strip().splitlines()) == 1
    assert not (tmp_path / "out/manifest.json").exists()
    merge(kept, tmp_path / "out")  # with good parts the same call goes on
    assert hashes(tmp_path / "out") == hashes(whole)


def test_an_interrupted_merge_goes_on(whole, parts, tmp_path, monkeypatch):
    def stop(*paths):
        raise KeyboardInterrupt

    monkeypatch.setattr(merging, "write_manifest", stop)
    with pytest.raises(KeyboardInterrupt):
        merge(parts, tmp_path / "out")
    with pytest.raises(DataError, match="packing was not finished"):
        read_manifest(tmp_path / "out")
    monkeypatch.undo()
    merge(parts, tmp_path / "out")
    assert hashes(tmp_path / "out") == hashes(whole)


# --- what is packed

def test_the_originals_rule(layout, tmp_path):
    assert pack_rec.main([str(layout), str(tmp_path / "out"), "--split-rule", "original"]) == 0
    manifest = read_manifest(tmp_path / "out")
    keys = {split: [key for shard in manifest.of(split) for key in shard.keys] for split in manifest.splits}
    # 10 airplanes: int(0.8 * 10) = 8 for training, of which one is broken; 9 chairs are complete: int(7.2) = 7
    assert keys["train"] == [f"02691156/model{number}" for number in (0, 1, 3, 4, 5, 6, 7)] + \
        [f"03001627/model{number}" for number in (0, 1, 2, 4, 5, 6, 7)]
    assert keys["val"] == []
    assert keys["test"] == [f"{synset}/model{number}" for synset in ("02691156", "03001627") for number in (8, 9)]


def test_limit_takes_as_many_and_a_larger_one_adds(layout):
    plans = [make_plan(layout, limit=limit) for limit in (3, 7, 12)]
    chosen = [{model.key for shard in plan.shards for model in shard.models} for plan in plans]
    assert [len(keys) + len(plan.incomplete) for keys, plan in zip(chosen, plans)] == [3, 7, 12]
    assert chosen[0] < chosen[1] < chosen[2]


def test_models_of_a_list(layout, tmp_path, capsys):
    (tmp_path / "list").write_text("# two of them\n03001627/model1\n\n 02691156/model9 # a test one\n")
    arguments = [str(layout), str(tmp_path / "out"), "--models", str(tmp_path / "list")]
    assert pack_rec.main(arguments) == 0
    assert [shard.keys for shard in read_manifest(tmp_path / "out").shards] == [("03001627/model1",),
                                                                               ("02691156/model9",)]
    for text, words in (("03001627/ghost\n", "does not have (03001627/ghost)"), ("chair\n", "line 1 should be"),
                        ("# none\n", "no line synset/model")):
        (tmp_path / "list").write_text(text)
        capsys.readouterr()
        assert pack_rec.main([*arguments, "--overwrite"]) == 2
        assert words in capsys.readouterr().err


def test_dry_run_tells_and_writes_nothing(layout, whole, tmp_path, capsys):
    before = {path: path.stat().st_mtime_ns for path in layout.rglob("*")}
    assert pack_rec.main([str(layout), str(tmp_path / "out"), "--dry-run"]) == 0
    assert pack_rec.main([str(layout), "--dry-run"]) == 0
    text = capsys.readouterr().out
    assert "train airplane          7 models       21 views" in text
    assert "19 of 19 complete models would be packed, 57 views" in text
    assert "models that lack files and would be left out: 1" in text and "03001627/model3: no ShapeNetVox32/" in text
    assert not (tmp_path / "out").exists()
    assert {path: path.stat().st_mtime_ns for path in layout.rglob("*")} == before
    plan = make_plan(layout)
    estimate = sum(row.bytes for row in survey(plan, encode_samples(plan)))
    assert estimate == pytest.approx(sum(shard.bytes for shard in read_manifest(whole).shards), rel=0.3)


def test_the_object_fitted_is_another_data_set(layout, tmp_path):
    pack(make_plan(layout, PackOptions(fit="object")), tmp_path / "out")
    assert make_plan(layout, PackOptions(fit="object")).fingerprint != make_plan(layout).fingerprint
    reader = ShardReader(tmp_path / "out", read_manifest(tmp_path / "out").shards[0])
    assert reader.read(0).image_size == (137, 137)
    reader.close()


@pytest.mark.parametrize("arguments, words", [
    (["{src}", "{out}", "--shard", "0/3"], "wants i/n"), (["{src}", "{out}", "--shard", "4/3"], "wants i/n"),
    (["{src}", "{out}", "--shard", "three"], "wants i/n"), (["--merge", "{out}"], "stands alone"),
    (["{src}", "{out}", "--merge", "{out}", "{src}"], "stands alone"), (["--dry-run"], "give SRC and OUT"),
    (["--merge", "{out}", "{src}"], "no part.json"), (["--merge", "{out}", "{src}/nowhere"], "no such folder"),
    (["{src}", "{out}", "--resume", "--overwrite"], "give one of them"),
    (["{src}", "{out}", "--limit", "0"], "at least 1"),
    (["{src}", "{out}", "--split-rule", "orginal"], "did you mean 'original'"),
    (["{src}", "{out}", "--split-rule", "original", "--split", "{src}/ShapeNet.json"], "exclude each other"),
    (["{src}", "{out}", "--voxels", "ShapeNetVox64"], "ShapeNetVox64 missing"),
    (["{src}", "{out}", "--renderings", "{src}/a.tgz", "--voxel-archive", "{src}/b.tgz"], "a.tgz: no such file")])
def test_bad_arguments(layout, tmp_path, capsys, arguments, words):
    filled = [word.format(src=layout, out=tmp_path / "out") for word in arguments]
    hold_refusal(pack_rec.main, filled, words, capsys)
