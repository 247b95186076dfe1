"""tools/reconstruct.py on folders of objects: what is an object, what goes wrong, resuming, shards and merging."""
from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_batches import StandIn, photo
from tiny_exports import exported, tiny

from gluon_r2n2.deployment import Reconstructor
from gluon_r2n2.files import manifest, sha256
from gluon_r2n2.training.runs import only_writer
from gluon_r2n2_tools import reconstruct, reconstruct_files, reconstruct_inputs, reconstruct_steps
from gluon_r2n2_tools.reconstruct_manifest import plan_of
from recordio.errors import DataError
from recordio.layouts import encode_png

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return str(exported(tiny(), tmp_path_factory.mktemp("model") / "model"))


@pytest.fixture(scope="module")
def reconstructor(model):
    return Reconstructor(model, engine="mxnet")


@pytest.fixture(autouse=True)
def loaded(reconstructor, monkeypatch):
    """The model is loaded once for all runs of the tool in this process, and stood in for."""
    stand_in = StandIn(reconstructor)
    monkeypatch.setattr(reconstruct, "load", lambda options: (stand_in, None))
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # most of the time; for a power cut, which none is here
    return stand_in


@pytest.fixture
def folder(tmp_path):
    """Seven objects of one to three pictures, two of them in a folder further down."""
    root = tmp_path / "photos"
    for number, name in enumerate(["b", "a1", "a10", "a2", "more/x", "more/y", "z"]):
        (root / name).mkdir(parents=True)
        for view in range(1 + number % 3):
            (root / name / f"{view}.png").write_bytes(photo(10 * number + view))
    return root


IDS = ["a1", "a2", "a10", "b", "more/x", "more/y", "z"]
QUICK = ["--formats", "npz,obj", "--threshold", "0.4"]


def run(*arguments):
    return reconstruct.main([*map(str, arguments), *QUICK, "--engine", "mxnet"])


def read(out, name="manifest.jsonl"):
    head, *records = [json.loads(line) for line in (out / name).read_text().splitlines()]
    return head, {record["id"]: record for record in records}


def timeless(out):
    """Every file below *out* with its content, the seconds taken away."""
    found = {}
    for path in sorted(out.rglob("*")):
        if path.is_file() and path.name != ".lock":
            content = path.read_bytes()
            if path.suffix in (".json", ".jsonl"):
                lines = content.decode().splitlines() if path.suffix == ".jsonl" else [content.decode()]
                content = [{key: value for key, value in json.loads(line).items() if key != "seconds"}
                           for line in lines]
            found[path.relative_to(out).as_posix()] = content
    return found


def test_every_folder_is_an_object_with_a_record(model, folder, reconstructor, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(reconstruct, "load", lambda options: (reconstructor, None))  # the network itself
    out = tmp_path / "out"
    assert run(model, folder, "--out", out, "--batch-size", 3) == 0
    told = capsys.readouterr().out
    assert told.startswith("engine: mxnet, float32\n") and "7 objects; 0 failed" in told
    head, records = read(out)
    assert list(records) == IDS and head["objects"] == 7 and head["engine"] == "mxnet"
    assert head["model_sha256"] == sha256(Path(model) / "r2n2.json") and head["threshold"] == 0.4
    for name, record in records.items():
        pictures = sorted((folder / name).iterdir())
        assert [image["file"] for image in record["images"]] == [f"{name}/{path.name}" for path in pictures]
        assert [image["sha256"] for image in record["images"]] == list(map(sha256, pictures))
        assert all(image["method"] == "plain background" for image in record["images"])
        assert record["files"] == {file: sums for file, sums in manifest(out / name).items() if file != "object.json"}
        assert json.loads((out / name / "object.json").read_text()) == record
        grid = np.load(out / name / "model.npz")["probabilities"]
        assert record["occupied"] == (grid >= 0.4).sum() and record["seconds"] > 0
    views = reconstructor.prepare([reconstruct.read_rgba(path) for path in pictures])
    np.testing.assert_allclose(grid, reconstructor.reconstruct(views), atol=1e-6)  # batches round otherwise


def test_one_folder_of_pictures_stays_one_object(model, folder, tmp_path):
    assert run(model, folder / "a10", "--out", tmp_path / "out") == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"model.npz", "model.obj"}


def test_what_is_an_object(folder, tmp_path):
    def ids(*given, **options):
        return [item.id for item in reconstruct_inputs.find_items(given, tmp_path / "out", **options)]

    assert ids(folder) == IDS
    (folder / "b" / "masks").mkdir()
    (folder / "b" / "masks" / "0.png").write_bytes(photo(1))
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "0.png").write_bytes(photo(1))
    (folder / "loop").symlink_to(folder)
    (folder / "zz").symlink_to(folder / "z")
    (folder / "earlier").mkdir()
    for name in ("model.png", "object.json"):
        (folder / "earlier" / name).write_bytes(photo(1))
    assert ids(folder) == IDS  # no masks beside pictures, hidden folders, links to what is there, earlier results
    (folder / "earlier" / "view.png").write_bytes(photo(1))
    assert "earlier" in ids(folder)
    shutil.rmtree(folder / "earlier")
    assert ids(folder / "a1", folder / "more") == ["a1", "more/x", "more/y"]
    (folder / "a2" / "0.jpg").write_bytes(photo(1))
    assert ids(folder / "a2", folder / "z", each_picture=True) == ["a2/0.jpg", "a2/0.png", "z/0"]
    assert "b/masks/0" in ids(folder, each_picture=True)
    assert ids(folder / "z" / "0.png", each_picture=True) == ["0"]
    for given, message in (([folder / "z" / "0.png"], "--each-picture"), ([tmp_path / "none"], "none of this name"),
                           ([folder / "b" / "masks" / "0.png"], "a batch is made of folders")):
        with pytest.raises(DataError, match=message):
            ids(*given)


def test_the_output_is_no_input(model, folder, tmp_path):
    for _ in range(2):
        assert run(model, folder, "--out", folder / "results") == 0
        assert list(read(folder / "results")[1]) == IDS


def test_each_picture_and_a_list(model, folder, tmp_path):
    assert run(model, folder / "a10", "--each-picture", "--out", tmp_path / "one") == 0
    assert list(read(tmp_path / "one")[1]) == ["0", "1", "2"]
    lines = [{"id": "two", "images": ["photos/z/0.png", "photos/b/0.png"]},
             {"id": "one/1", "images": ["photos/z/0.png"]}]
    (tmp_path / "list.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    assert run(model, "--list", tmp_path / "list.jsonl", "--out", tmp_path / "two") == 0
    records = read(tmp_path / "two")[1]
    assert list(records) == ["one/1", "two"]
    assert [image["file"] for image in records["two"]["images"]] == ["photos/z/0.png", "photos/b/0.png"]


@pytest.mark.parametrize("line, message", [
    ("{", "line 1 is not"), ('{"id": "a"}', "line 1 is not"), ('{"id": "a", "images": []}', "line 1 is not"),
    ('{"id": 3, "images": ["a"]}', "line 1 is not"), ('{"id": "a", "images": ["a"], "x": 1}', "line 1 is not"),
    ('{"id": "a", "images": [1]}', "line 1 is not"), ("", "names no object"), ("[" * 100000, "line 1 is not"),
    *((json.dumps({"id": name, "images": ["a"]}), "cannot name a folder")
      for name in ("../up", "/root", "a/../b", "", ".hidden", "a//b", "a\\b", "a\n", "x" * 300, "manifest.jsonl",
                   "part.jsonl/a")),
    *((json.dumps({"id": "a", "images": [name]}), "line 1 is not") for name in ("a\0b.png", "\ud800.png")),
    ('{"id": "a", "images": ["a"]}\n{"id": "a", "images": ["b"]}', "'a' comes twice"),
    ('{"id": "a", "images": ["a"]}\n{"id": "a/b", "images": ["b"]}', "'a/b' lies inside the object 'a'"),
])
def test_a_list_that_is_none(line, message, model, tmp_path, capsys):
    (tmp_path / "list.jsonl").write_text(line)
    assert run(model, "--list", tmp_path / "list.jsonl", "--out", tmp_path / "out") == 2
    told = capsys.readouterr().err
    assert message in told and told.count("\n") == 1 and not (tmp_path / "out").exists()


def test_what_cannot_be_used_does_not_stop_the_rest(model, folder, tmp_path, capsys):
    (folder / "a1" / "1.png").write_bytes(b"broken")
    (folder / "b" / "0.png").write_bytes(encode_png(np.zeros((50, 50, 4), np.uint8)))
    out = tmp_path / "out"
    for options in ([], ["--resume"]):
        assert run(model, folder, "--out", out, *options) == 1
        told = capsys.readouterr()
        assert "6 objects" in told.out and "1 failed" in told.out
        assert "  a1: left out a1/1.png: not an image" in told.out and "b/0.png: the picture is wholly" in told.out
        records = read(out)[1]
        assert records["b"]["status"] == "failed" and "wholly transparent" in records["b"]["reason"]
        assert not (out / "b").exists() and records["a1"]["status"] == "done"
        assert len(np.load(out / "a1" / "model.npz")["views"]) == 1
    (folder / "b" / "0.png").write_bytes(photo(1))
    (folder / "a1" / "1.png").write_bytes(photo(2))
    assert run(model, folder, "--out", out, "--resume") == 0
    assert "5 of them finished before" in capsys.readouterr().out and (out / "b" / "model.npz").exists()
    (folder / "b" / "0.png").write_bytes(b"broken again")
    assert run(model, folder, "--out", out, "--resume") == 1 and not (out / "b").exists()  # not today's


def test_what_is_no_file_is_not_waited_for(model, folder, tmp_path, capsys):
    os.mkfifo(folder / "pipe.png")
    (tmp_path / "list.jsonl").write_text(json.dumps({"id": "a", "images": ["photos/pipe.png", "photos/b/0.png", "x"]}))
    for options in ([], ["--resume"]):
        assert run(model, "--list", tmp_path / "list.jsonl", "--out", tmp_path / "out", *options) == 1
        told = capsys.readouterr().out
        assert "photos/pipe.png: it is a device or a pipe" in told and "x: no such file" in told


def test_names_that_are_no_text(model, folder, tmp_path):
    """A folder and a picture whose names are no UTF-8: made, kept, and in the manifest as Python reads names."""
    odd = os.fsencode(str(folder)) + b"/\xff\xfe"
    try:
        os.mkdir(odd)
    except OSError:
        pytest.skip("this file system takes no names that are not UTF-8")
    with open(odd + b"/0\xfe.png", "wb") as handle:
        handle.write(photo(1))
    assert run(model, folder, "--out", tmp_path / "out") == 0
    before = timeless(tmp_path / "out")
    name = os.fsdecode(b"\xff\xfe")
    assert read(tmp_path / "out")[1][name]["images"][0]["file"] == f"{name}/" + os.fsdecode(b"0\xfe.png")
    assert (tmp_path / "out" / name / "model.npz").exists()
    assert run(model, folder, "--out", tmp_path / "out", "--resume") == 0 and timeless(tmp_path / "out") == before


def test_an_output_has_one_writer(model, folder, tmp_path, capsys):
    with only_writer(tmp_path / "out", work="reconstructing", flag="--out"):
        (tmp_path / "out" / ".a1.abc.tmp").mkdir()  # the other's, at work
        assert run(model, folder, "--out", tmp_path / "out") == 2
        assert "is reconstructing into this folder" in capsys.readouterr().err
        assert (tmp_path / "out" / ".a1.abc.tmp").exists()
    assert run(model, folder, "--out", tmp_path / "out") == 0


def test_a_moved_model_is_the_same(model, folder, tmp_path, capsys):
    assert run(model, folder, "--out", tmp_path / "out") == 0
    shutil.copytree(model, tmp_path / "elsewhere")
    assert run(tmp_path / "elsewhere", folder, "--out", tmp_path / "out", "--resume") == 0
    assert "7 of them finished before" in capsys.readouterr().out


def test_only_what_changed_is_made_anew(model, folder, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(model, folder, "--out", out, "--batch-size", 2) == 0
    whole = timeless(out)
    (folder / "z" / "0.png").write_bytes(photo(77))  # other pictures
    (folder / "a1" / "new.png").write_bytes(photo(78))
    (out / "b" / "model.obj").unlink()  # damaged results
    (out / "more" / "x" / "model.npz").write_bytes(b"")
    capsys.readouterr()
    assert run(model, folder, "--out", out, "--batch-size", 2, "--resume") == 0
    assert "7 objects, 3 of them finished before" in capsys.readouterr().out
    again = timeless(out)
    assert {name for name in whole if whole[name] != again[name]} == {
        "a1/model.npz", "a1/model.obj", "a1/object.json", "z/model.npz", "z/model.obj", "z/object.json",
        "manifest.jsonl"}
    assert run(model, folder, "--out", out, "--batch-size", 2, "--resume", "--smooth", 3) == 0
    assert "finished before" not in capsys.readouterr().out


def test_folders_of_others_are_left_alone(model, folder, tmp_path, capsys):
    (folder.parent / "list.jsonl").write_text(json.dumps({"id": "photos/a1", "images": ["photos/a1/0.png"]}))
    # would write the object over its pictures
    assert run(model, "--list", folder.parent / "list.jsonl", "--out", folder.parent) == 2
    assert f"{folder / 'a1'}: is no object that a batch wrote" in capsys.readouterr().err
    (tmp_path / "out" / "z").mkdir(parents=True)
    (tmp_path / "out" / "z" / "thesis.txt").write_text("precious")
    assert run(model, folder, "--out", tmp_path / "out") == 2
    assert [path.name for path in (tmp_path / "out").rglob("*")] == ["z", "thesis.txt"]
    shutil.rmtree(tmp_path / "out" / "z")
    assert run(model, folder, "--out", tmp_path / "other") == 0
    (tmp_path / "out" / "z").symlink_to(tmp_path / "other" / "z")  # nor is a link followed or replaced
    assert run(model, folder, "--out", tmp_path / "out") == 2 and (tmp_path / "out" / "z").is_symlink()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    capsys.readouterr()
    assert run(model, folder, "--out", tmp_path / "loop") == 2
    assert f"{tmp_path / 'loop'}: " in capsys.readouterr().err


def test_each_view_the_check_of_views_and_colours(model, folder, tmp_path, monkeypatch):
    given, make_result = [], reconstruct_files.make_result

    def uncoloured(grid, *, pictures=None, cameras=None, **options):  # finding cameras takes seconds
        given.append(pictures)
        return make_result(grid, **options)

    monkeypatch.setattr(reconstruct_files, "make_result", uncoloured)
    monkeypatch.setattr(reconstruct_steps, "COLOUR_SIDE", 60)
    assert run(model, folder, "--out", tmp_path / "out", "--each-view", "--check-views", "--colours") == 0
    coloured = [pictures for pictures in given if pictures is not None]
    assert [len(pictures) for pictures in coloured] == [2, 1, 3, 1, 2, 3, 1]  # of IDS
    assert all(picture.shape == (45, 60, 4) and {0, 255} <= set(np.unique(picture[..., 3]))
               for pictures in coloured for picture in pictures)
    record = read(tmp_path / "out")[1]["a10"]
    assert sorted(record["files"]) == sorted(
        f"{place}model.{kind}" for place in ("", "after_01_views/", "after_02_views/", "after_03_views/")
        for kind in ("npz", "obj"))
    last, final = (np.load(tmp_path / "out" / "a10" / place / "model.npz")["probabilities"]
                   for place in ("after_03_views", "."))
    np.testing.assert_array_equal(last, final)


# --- interruptions


KILLED = f"""
import sys
sys.path[0:1] = [{str(ROOT / "tools")!r}, {str(ROOT / "tests")!r}]
import _checkout
import gluon_r2n2
import time
from types import SimpleNamespace
from gluon_r2n2.deployment import prepare
from gluon_r2n2.deployment.artefact import read
from gluon_r2n2_tools import reconstruct, reconstruct_steps
from tiny_batches import StandIn
facts = read(sys.argv[1])
write, begun = reconstruct_steps.files_of, []
def slowly(*arguments):
    begun.append(arguments)
    for entry in write(*arguments):
        yield entry
        if len(begun) == 4:
            print("writing the fourth", flush=True)
            time.sleep(60)
reconstruct_steps.files_of = slowly
real = SimpleNamespace(facts=facts, prepare=lambda images, **how: [
    prepare(image, facts.preprocessing, **how) for image in images])
reconstruct.load = lambda options: (StandIn(real), None)
reconstruct.main()
"""


@pytest.mark.slow
@pytest.mark.parametrize("killed", [True, False])
def test_an_interrupted_batch_goes_on(killed, model, folder, tmp_path, capsys, loaded, monkeypatch):
    whole, out = tmp_path / "whole", tmp_path / "out"
    assert run(model, folder, "--out", whole, "--batch-size", 2) == 0
    arguments = [model, folder, "--out", out, "--batch-size", 2]
    if killed:
        with subprocess.Popen([sys.executable, "-c", KILLED, *map(str, arguments), *QUICK], text=True,
                              stdout=subprocess.PIPE) as process:
            assert "writing the fourth\n" in process.stdout
            process.kill()
            assert process.wait(60) == -signal.SIGKILL
    else:  # by Ctrl-C, while the network works on the third group
        calls, compute = [], loaded.reconstruct_many

        def interrupted(objects):
            calls.append(objects)
            if len(calls) == 3:
                raise KeyboardInterrupt
            return compute(objects)

        with monkeypatch.context() as patch:
            patch.setattr(loaded, "reconstruct_many", interrupted)
            assert run(*arguments) == 130
    capsys.readouterr()
    assert not (out / "manifest.jsonl").exists()
    finished = {path.parent.name for path in out.rglob("object.json")}
    assert finished == {"a1", "a2", "a10"} if killed else finished <= {"a1", "a2", "a10", "b"}
    for path in out.rglob("object.json"):
        assert json.loads(path.read_text())["files"] == {
            file: sums for file, sums in manifest(path.parent).items() if file != "object.json"}
    (out / ".a10.abc.tmp").mkdir()  # what a kill in the middle of a write leaves
    (out / "more").mkdir(exist_ok=True)
    (out / "more" / ".x.abc.old.tmp").mkdir()
    (out / ".mine.abc.tmp").write_text("precious")
    assert run(model, folder, "--out", out, "--batch-size", 2, "--resume") == 0
    assert f"{len(finished)} of them finished before" in capsys.readouterr().out
    assert (out / ".mine.abc.tmp").read_text() == "precious"
    (out / ".mine.abc.tmp").unlink()
    assert timeless(out) == timeless(whole) and [path.name for path in out.rglob(".*")] == [".lock"]


# --- many machines


@pytest.fixture
def parts(model, folder, tmp_path):
    (folder / "b" / "0.png").write_bytes(b"broken")
    found = [tmp_path / f"part{number}" for number in (1, 2, 3)]
    for number, out in enumerate(found, 1):
        shutil.copytree(folder, tmp_path / f"machine{number}" / "photos")
        assert run(model, tmp_path / f"machine{number}" / "photos", "--out", out, "--batch-size", 2,
                   "--shard", f"{number}/3") in (0, 1)
    return found


def test_merged_parts_are_the_whole(model, folder, parts, tmp_path, capsys):
    assert run(model, folder, "--out", tmp_path / "whole", "--batch-size", 2) == 1
    ids = [list(read(part, "part.jsonl")[1]) for part in parts]
    assert sorted(sum(ids, [])) == sorted(IDS) and not (parts[0] / "manifest.jsonl").exists()
    assert [len(part) for part in ids] == [3, 2, 2]
    merged = tmp_path / "merged"
    for _ in range(2):  # a second time over the first
        assert reconstruct.main(["--merge", *map(str, [merged, parts[2], parts[0], parts[1]])]) == 1
        assert "6 objects; 1 failed" in capsys.readouterr().out
        assert timeless(merged) == timeless(tmp_path / "whole")
    assert (merged / "a1" / "model.npz").stat().st_nlink == 2
    assert run(model, folder, "--out", merged, "--batch-size", 2, "--resume") == 1
    assert "6 of them finished before" in capsys.readouterr().out


def test_parts_are_held_against_each_other(model, folder, parts, tmp_path, capsys):
    def refused(*given):
        capsys.readouterr()
        assert reconstruct.main(["--merge", str(tmp_path / "merged"), *map(str, given)]) == 2
        assert not (tmp_path / "merged").exists()
        told = capsys.readouterr().err
        assert told.count("\n") == 1
        return told

    assert "part 2/3 of 3 missing" in refused(parts[0], parts[2])
    assert "comes twice" in refused(*parts, parts[1])
    assert "no such folder" in refused(*parts[:2], tmp_path / "none")
    run(model, folder, "--out", tmp_path / "other", "--batch-size", 2, "--shard", "3/3", "--mesh", "cubes")
    assert "another options" in refused(*parts[:2], tmp_path / "other")
    run(model, folder, "--out", tmp_path / "half", "--batch-size", 2, "--shard", "1/2")
    assert "a division into 2 instead of 3" in refused(*parts, tmp_path / "half")
    run(model, folder, "--out", tmp_path / "whole", "--batch-size", 2)
    assert "a whole batch, no part" in refused(*parts[:2], tmp_path / "whole")
    text = (parts[2] / "part.jsonl").read_text()
    for damaged in (text[:-30], "", text[:40], "\n".join(text.splitlines()[:-1])):
        (parts[2] / "part.jsonl").write_text(damaged)
        told = refused(*parts)
        assert "damaged" in told or "are not the 7 of the plan" in told


def test_every_job_has_an_output_of_its_own(model, folder, parts, capsys):
    before = timeless(parts[0])
    assert run(model, folder, "--out", parts[0], "--batch-size", 2, "--shard", "2/3") == 2
    assert f"{parts[0]}: holds part 1/3 of a batch" in capsys.readouterr().err and timeless(parts[0]) == before
    assert reconstruct.main(["--merge", *map(str, [parts[0], *parts])]) == 2
    assert f"{parts[0]}: is a part itself" in capsys.readouterr().err and timeless(parts[0]) == before


def test_more_jobs_than_batches(model, folder, tmp_path):
    found = [tmp_path / f"part{number}" for number in (1, 2, 3)]
    for number, out in enumerate(found, 1):
        assert run(model, folder, "--out", out, "--batch-size", 4, "--shard", f"{number}/3") == 0
    assert reconstruct.main(["--merge", *map(str, [tmp_path / "merged", *found])]) == 0
    assert run(model, folder, "--out", tmp_path / "whole", "--batch-size", 4) == 0
    assert timeless(tmp_path / "merged") == timeless(tmp_path / "whole")


@pytest.mark.parametrize("change, message", [
    (lambda record: record.update(id="../../out"), "the id '../../out' cannot name a folder"),
    (lambda record: record["files"].update({"../../stolen.npz": "0" * 64}), "the files of a1"),
    (lambda record: record["files"].update({"/etc/passwd": "0" * 64}), "the files of a1"),
])
def test_a_part_of_others_writes_nothing_outside_the_output(change, message, parts, tmp_path, capsys):
    head, *records = map(json.loads, (parts[0] / "part.jsonl").read_text().splitlines())
    change(records[0])
    plan = [record for part in parts[1:] for record in read(part, "part.jsonl")[1].values()] + records
    plan.sort(key=lambda record: reconstruct_inputs.natural(record["id"]))
    head["plan"] = plan_of((record["id"], [image["file"] for image in record["images"]]) for record in plan)
    (parts[0] / "part.jsonl").write_text("".join(json.dumps(line) + "\n" for line in [head, *records]))
    assert reconstruct.main(["--merge", *map(str, [tmp_path / "deep" / "merged", *parts])]) == 2
    assert f"{parts[0] / 'part.jsonl'}: " in capsys.readouterr().err and not (tmp_path / "deep").exists()


def test_a_damaged_file_of_a_part_is_named(parts, tmp_path, capsys):
    path = next(parts[0].rglob("model.npz"))
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(bytes(content))
    arguments = ["--merge", *map(str, [tmp_path / "merged", *parts])]
    assert reconstruct.main(arguments) == 2
    assert f"{path}: its SHA-256 is not the one" in capsys.readouterr().err
    assert not (tmp_path / "merged" / "manifest.jsonl").exists()
    path.unlink()
    assert reconstruct.main(arguments) == 2 and f"{path}: it is missing" in capsys.readouterr().err
