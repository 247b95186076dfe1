"""Checking a packed data set: every flipped byte of every file is found and named, and every kind of damage."""
from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xxhash
import zstandard

from gluon_r2n2_tools import check_rec
from recordio.errors import DataError
from recordio.geometry.camera import Camera
from recordio.layouts import VoxelGrid, encode_png, write_sample, write_split
from recordio.loading import RecordDataset
from recordio.records import PackOptions, check_dataset, encode_record, make_plan, pack, read_manifest
from recordio.records.encodings import PNG, ZSTD, encode_zstd
from recordio.records.framing import frame
from recordio.records.manifest import seal

ROOT = Path(__file__).resolve().parent.parent
SYNSET = "03001627"
HEADER = struct.Struct("<4sHHIHHHHHHHHHH3dd")  # docs/records.md, written out once more


def write_layout(root: Path, models: int, *, size: int = 6, views: int = 2) -> Path:
    random = np.random.RandomState(4)
    names = [f"m{number}" for number in range(models)]
    for name in names:
        images = np.zeros((views, size, size, 4), np.uint8)
        images[:, 1:-1, 2:-1] = random.randint(0, 256, (views, size - 2, size - 3, 4))
        voxels = random.rand(4, 4, 4) < 0.3
        voxels[0, 0, 0] = True
        write_sample(root, SYNSET, name, images, [Camera(5.0 * view, 30, 0.8) for view in range(views)],
                     VoxelGrid(voxels))
    write_split(root / "ShapeNet.json", [{"taxonomy_id": SYNSET, "taxonomy_name": "chair", "train": names[:-1],
                                          "val": names[-1:], "test": []}])
    return root


@pytest.fixture(scope="module")
def originals(tmp_path_factory):
    """Bytes of each file of a data set of 2 + 1 models with 2 views of 6x6."""
    folder = tmp_path_factory.mktemp("check")
    pack(make_plan(write_layout(folder / "layout", 3)), folder / "packed")
    return {path.name: path.read_bytes() for path in sorted((folder / "packed").iterdir())}


@pytest.fixture
def folder(originals, tmp_path) -> Path:
    """The data set, free to be damaged."""
    folder = tmp_path / "data"
    folder.mkdir()
    for name, content in originals.items():
        (folder / name).write_bytes(content)
    return folder


def read_everything(folder) -> int:
    """What a training and an evaluation read: each record and view of each split; returns the number of records."""
    count = 0
    for split in ("train", "val"):
        with contextlib.closing(RecordDataset(folder, split)) as dataset:
            for index in range(len(dataset)):
                dataset.read(index)
                count += 1
    return count


def lines(folder, **options):
    return [str(problem) for problem in check_dataset(folder, **options).problems]


def refit(folder, payloads, *, keys=None, views=None, fewest=None, **changes):
    """Replace the train shard by *payloads*, and make index, hashes, counts and manifest fit it: what is left to
    find lies in the records alone."""
    framed = [frame(payload) for payload in payloads]
    starts = np.cumsum([0] + [len(piece) for piece in framed])
    refit_bytes(folder, b"".join(framed), starts[:-1], keys=keys, views=views, fewest=fewest, **changes)


def refit_bytes(folder, content, starts, *, keys=None, views=None, fewest=None, **changes):
    index = "".join(f"{number}\t{start}\n" for number, start in enumerate(starts)).encode()
    (folder / "train-00000.rec").write_bytes(content)
    (folder / "train-00000.idx").write_bytes(index)
    manifest = json.loads((folder / "manifest.json").read_text())
    shard = manifest["shards"][0]
    shard.update(bytes=len(content), sha256=hashlib.sha256(content).hexdigest(),
                 index_sha256=hashlib.sha256(index).hexdigest(), keys=keys or shard["keys"],
                 views=views or shard["views"], fewest_views=fewest or shard["fewest_views"])
    reseal(folder, {**manifest, **changes})


def reseal(folder, manifest):
    """Write *manifest* with counts, fingerprint and hash that fit its shards."""
    manifest.pop("sha256", None)
    counts = {split: {"samples": 0, "views": 0, "bytes": 0} for split in manifest["splits"]}
    text = ""
    for shard in manifest["shards"]:
        for name, value in (("samples", len(shard["keys"])), ("views", shard["views"]), ("bytes", shard["bytes"])):
            counts[shard["split"]][name] += value
        text += f"{shard['name']} {shard['sha256']}\n"
    manifest["counts"], manifest["fingerprint"] = counts, hashlib.sha256(text.encode()).hexdigest()
    (folder / "manifest.json").write_bytes(seal(manifest))


def payload(model="m0", *, views=2, size=6, voxels=None, stored=None, image_size=None, **header):
    """A record; *header* replaces fields of its header by place, and the checksum is made to fit."""
    random = np.random.RandomState(7)
    grid = np.ones((4, 4, 4), bool) if voxels is None else voxels
    pictures = [(ZSTD, encode_zstd(random.randint(0, 256, (size, size, 4)).astype(np.uint8))) for _ in range(views)]
    body = encode_record(SYNSET, model, stored or pictures, grid, image_size=image_size or (size, size),
                         translate=(0, 0, 0), scale=1.0)[:-8]
    if header:
        fields = list(HEADER.unpack_from(body))
        for place, value in header.items():
            fields[int(place[1:])] = value
        body = HEADER.pack(*fields) + body[HEADER.size:]
    return sealed(body)


def sealed(body):
    return body + struct.pack("<Q", xxhash.xxh64_intdigest(body))


# --- every byte

def test_a_sound_data_set_is_sound(folder):
    found = check_dataset(folder)
    assert (found.problems, found.records, found.views, found.bad_records) == ([], 3, 6, 0)
    assert found.bytes == sum(path.stat().st_size for path in folder.glob("*.rec"))
    assert read_everything(folder) == 3


@pytest.mark.parametrize("name", ["manifest.json", "train-00000.idx", "train-00000.rec", "val-00000.idx",
                                  "val-00000.rec"])
def test_every_flipped_byte_is_found_and_named(originals, folder, name):
    """Each byte of each file, one bit or all: the check names the file, and in a .rec the record and its offset; the
    reader refuses too."""
    content = originals[name]
    starts = [int(line.split(b"\t")[1]) for line in originals[name.replace("rec", "idx")].splitlines()
              ] if name.endswith(".rec") else []
    keys = [key for shard in read_manifest(folder).shards if name.startswith(shard.name) for key in shard.keys]
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= (1 << place % 8, 0xFF, 0x20)[place % 3]
        (folder / name).write_bytes(damaged)
        found = check_dataset(folder, workers=1)
        assert {problem.file for problem in found.problems} == {name}, place
        if starts:
            number = sum(start <= place for start in starts) - 1
            bad = [problem for problem in found.problems if problem.record is not None]
            assert {(problem.record, problem.key, problem.offset) for problem in bad} == {
                (number, keys[number], starts[number])}, place
            assert found.records == 2
        with pytest.raises(DataError, match=re.escape(name)):
            read_everything(folder)


@pytest.mark.parametrize("name", ["manifest.json", "train-00000.idx", "train-00000.rec"])
def test_every_truncation_is_found(originals, folder, name):
    for length in range(0, len(originals[name]), 5):
        (folder / name).write_bytes(originals[name][:length])
        assert name in {problem.file for problem in check_dataset(folder, workers=1).problems}
        with pytest.raises(DataError, match=re.escape(name)):
            read_everything(folder)


# --- kinds of damage

@pytest.mark.parametrize("damage, words", [
    (lambda folder: (folder / "val-00000.rec").unlink(), ["val-00000.rec: the shard is missing"]),
    (lambda folder: (folder / "val-00000.idx").unlink(), ["val-00000.idx: the index is missing"]),
    (lambda folder: (folder / "manifest.json").unlink(), ["manifest.json: .*no manifest.json"]),
    (lambda folder: (folder / "train-00000.idx").write_bytes((folder / "val-00000.idx").read_bytes()),
     ["train-00000.idx: its SHA-256 .* belongs to another data set"]),
    (lambda folder: (folder / "other.rec").write_bytes(frame(payload())), ["other.rec: it belongs to no shard"]),
    (lambda folder: append(folder / "train-00000.rec", frame(payload("m1"))),
     [r"train-00000.rec: \d+ bytes where", "train-00000.rec: 3 records where the manifest names 2",
      f"train-00000.rec, record 2 .{SYNSET}/m1. at byte .*: a second record of {SYNSET}/m1, the first is record 1 of"]),
    (lambda folder: append(folder / "train-00000.rec", b"tail"),
     [r"train-00000.rec: \d+ bytes where", r"record 2 .unknown key. at byte \d+: the record is cut short",
      "3 records where"]),
])
def test_damaged_files_are_named_and_nothing_else(folder, damage, words):
    damage(folder)
    found = lines(folder)
    assert len(found) == len(words), found
    for wanted in words:
        assert any(re.search(wanted, line) for line in found), (wanted, found)


def append(path, content):
    path.write_bytes(path.read_bytes() + content)


def zstd_view(box, planes, *, frame_size=None):
    """A stored view whose frame holds *planes*; with *frame_size* it says that it holds so many bytes."""
    packed = bytearray(zstandard.ZstdCompressor(write_checksum=False).compress(planes))
    if frame_size is not None:  # of so many bytes: magic, descriptor with a size of 4 bytes, window, size
        assert packed[4] & 0xE0 == 0x80 and struct.unpack_from("<I", packed, 6)[0] == len(planes)
        struct.pack_into("<I", packed, 6, frame_size)
    return ZSTD, struct.pack("<4H", *box) + bytes(packed)


BOMB = zstd_view((0, 0, 6, 6), bytes(1 << 28))  # unpacks to 256 MiB, 8 kB on disk
LYING_BOMB = zstd_view((0, 0, 6, 6), bytes(1 << 28), frame_size=4 * 36)


@pytest.mark.parametrize("bad, words", [
    (lambda: payload(_6=65535), "65535 views .* do not fit"),
    (lambda: payload(_6=0), "0 views"),
    (lambda: payload(_3=0xFFFFFFFF), "the record says 4294967295 bytes"),
    (lambda: payload(_1=2), "record version 2 .*this program reads version 1"),
    (lambda: payload(_2=1), "flags 1"),
    (lambda: payload(_13=7), "record version 1"),
    (lambda: payload(_0=b"R2N3"), "not a record of this project"),
    (lambda: payload(_7=65535, _8=65535), "views of 65535x65535 pixels"),
    (lambda: payload(_7=0), "views of 0x6"),
    (lambda: payload(_10=65535, _11=65535, _12=65535), "a grid of 65535x65535x65535"),
    (lambda: payload(_10=256, _11=256, _12=256), "do not fit"),
    (lambda: payload(_9=65535), "do not fit"),
    (lambda: payload(_4=65535), "do not fit"),
    (lambda: payload(_17=float("nan")), "side nan"),
    (lambda: payload(_14=float("inf")), "at inf"),
    (lambda: payload(_7=5), r"view 0: a box of 6x6 .* leaves the picture of 5x6"),
    (lambda: payload("other"), "the record is 03001627/other"),
    (lambda: payload(voxels=np.zeros((4, 4, 4), bool)), "no voxel is occupied"),
    (lambda: payload(voxels=np.ones((4, 4, 5), bool)), "a grid of 4x4x5 where the manifest promises 4x4x4"),
    (lambda: payload(stored=[(7, b"12345678")] * 2), "view 1: unknown view encoding 7"),
    (lambda: payload(stored=[(PNG, b"12345678")] * 2), "view 1: not an image"),
    (lambda: payload(stored=[(PNG, encode_png(np.ones((3000, 3000, 4), np.uint8)))] * 2),
     "view 1: 3000 x 3000 pixels are too many"),
    (lambda: payload(stored=[BOMB] * 2), "view 1: the view unpacks to 268435456 bytes where 144 are wanted"),
    (lambda: payload(stored=[LYING_BOMB] * 2), "view 1: the view does not unpack"),
    (lambda: payload(stored=[(ZSTD, b"")] * 2), "view 1: 0 bytes are too few"),
    (lambda: sealed(payload()[:64] + b"\xff" * 4 + payload()[68:-8]), "the views do not fill the record"),
    (lambda: sealed(payload()[:68] + b"\xff" * 4 + payload()[72:-8]), "the views do not fill the record"),
    (lambda: payload()[:-1] + b"?", "checksum"),
    (lambda: b"", "not a record"),
    (lambda: sealed(payload()[:-8].replace(b"03001627m0", b"03001627\xff0")), "not UTF-8"),
])
def test_a_bad_record_is_named_and_the_others_are_checked(folder, bad, words):
    """Hashes, index and checksum fit, only the record is wrong; the reader on its way says the same."""
    refit(folder, [bad(), payload("m1")])
    found = check_dataset(folder)
    assert found.records == 2  # m1, and the one of val
    assert {(problem.file, problem.record, problem.key, problem.offset) for problem in found.problems} == {
        ("train-00000.rec", 0, f"{SYNSET}/m0", 0)}
    assert any(re.search(words, problem.reason) for problem in found.problems), found.problems
    if words != "no voxel is occupied":  # readable, if of little use
        with pytest.raises(DataError, match=f"train-00000.rec, record 0 .{SYNSET}/m0.*: |, view [01]: "):
            read_everything(folder)


@pytest.mark.parametrize("word, words", [
    ((0 << 29) | 0x1FFFFFFF, "a part of 536870911 bytes does not fit"),
    ((1 << 29) | 8, "no record begins here"),
    ((2 << 29) | 8, "out of order"),
    ((7 << 29) | 8, "out of order"),
])
def test_a_part_longer_than_the_file_or_out_of_order(folder, word, words):
    first, second = frame(payload()), frame(payload("m1"))
    content = first[:4] + struct.pack("<I", word) + first[8:] + second
    refit_bytes(folder, content, [0, len(first)])
    found = check_dataset(folder)
    assert [str(problem) for problem in found.problems if words in problem.reason and problem.record == 0]
    assert found.bad_records == 1 and found.records == 2
    with pytest.raises(DataError, match=words):
        read_everything(folder)


def test_padding_must_be_zero(folder):
    first = payload("m0", stored=[(PNG, encode_png(np.ones((6, 6, 4), np.uint8)))] * 2)
    framed = frame(first)
    assert len(first) % 4  # there is padding
    second = frame(payload("m1"))
    refit_bytes(folder, framed[:-1] + b"\1" + second, [0, len(framed)])
    assert [line for line in lines(folder) if "record 0" in line and "does not fit its record" in line]
    with pytest.raises(DataError, match="record 0"):
        read_everything(folder)


@pytest.mark.parametrize("starts", [[0, 0], [4, 8], [0, 6], [0, 4, 8], [0], [8, 0], [0, 10 ** 9], [0, -4]])
def test_an_index_of_another_data_set_with_the_right_hash(folder, starts):
    refit_bytes(folder, (folder / "train-00000.rec").read_bytes(), starts)
    found = check_dataset(folder)
    assert {problem.file for problem in found.problems} == {"train-00000.idx"}
    assert found.records == 3  # found by their framing
    with pytest.raises(DataError, match="train-00000.idx: "):
        read_everything(folder)


def test_an_index_that_points_between_records(folder):
    content = (folder / "train-00000.rec").read_bytes()
    refit_bytes(folder, content, [0, 8])
    found = check_dataset(folder)
    assert found.bad_records == 2 and {problem.file for problem in found.problems} == {"train-00000.rec"}


def test_duplicate_keys(folder):
    refit(folder, [payload("m0"), payload("m0")])
    assert [line for line in lines(folder) if f"record 1 ({SYNSET}/m1)" in line and f"is {SYNSET}/m0" in line]
    refit(folder, [payload("m0"), payload("m0")], keys=[f"{SYNSET}/m0"] * 2)
    with pytest.raises(DataError, match=rf"manifest.json: {SYNSET}/m0 is there twice .train-00000, record 0 and"):
        read_everything(folder)
    found = lines(folder)
    assert [line for line in found if line.startswith("manifest.json")]
    assert [line for line in found if f"a second record of {SYNSET}/m0, the first is record 0 of train" in line]


def test_totals_of_the_manifest(folder):
    refit(folder, [payload("m0", views=3), payload("m1")], views=4)
    assert "train-00000.rec: 5 views, at least 2 per sample, where the manifest says 4 and 2" in lines(folder)[0]
    refit(folder, [payload("m0", views=1), payload("m1")], views=3)
    assert "3 views, at least 1 per sample" in lines(folder)[0]
    with pytest.raises(DataError, match="record 0 .*1 views where the manifest promises at least 2"):
        read_everything(folder)


def test_classes_of_the_manifest(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    reseal(folder, {**manifest, "classes": {"02691156": "airplane"}})
    assert lines(folder) == [f"manifest.json: class {SYNSET} has samples and no name; pack the data set again",
                             "manifest.json: class 02691156 has no sample; pack the data set again"]


def test_manifests_of_before_the_seal_are_read(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest.pop("sha256")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert lines(folder) == [] and read_everything(folder) == 3


def test_the_seal_is_the_hash_of_all_before_it(originals):
    content = originals["manifest.json"]
    body, tail = content.rsplit(b",\n", 1)
    assert tail == b' "sha256": "' + hashlib.sha256(body).hexdigest().encode() + b'"\n}\n'


@pytest.mark.parametrize("changes, words", [
    ({"name": "../train-00000"}, "cannot be called"), ({"name": "a\0b"}, "cannot be called"),
    ({"bytes": 1e300}, "is no size"), ({"bytes": -1}, "is no size"), ({"bytes": True}, "is no size"),
    ({"bytes": 2 ** 70}, "is no size"), ({"views": None}, "is no size"), ({"sha256": "0"}, "has no SHA-256"),
    ({"keys": ["x"]}, "no synset/model"), ({"keys": [3]}, "is no text"), ({"split": "dev"}, "of split 'dev'"),
    ({"keys": None}, "damaged"), ({"surprise": 1}, "damaged"),
])
def test_absurd_manifests_are_refused(folder, changes, words):
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["shards"][0].update(changes)
    manifest.pop("sha256")
    (folder / "manifest.json").write_bytes(seal(manifest))
    with pytest.raises(DataError, match=f"manifest.json: .*{words}"):
        read_manifest(folder)
    assert check_dataset(folder).records == 3  # the shards are as they were


def test_without_a_manifest_damage_costs_one_record(folder):
    """The walk over the parts finds the next record behind a damaged head."""
    (folder / "manifest.json").unlink()
    content = bytearray((folder / "train-00000.rec").read_bytes())
    content[5] ^= 0xFF
    (folder / "train-00000.rec").write_bytes(content)
    found = check_dataset(folder)
    assert found.records == 2
    assert [(problem.file, problem.record, problem.offset) for problem in found.problems
            if problem.record is not None] == [("train-00000.rec", 0, 0)]


# --- the tool

def test_exit_codes_and_report(folder, tmp_path, capsys):
    report = tmp_path / "report.json"
    assert check_rec.main([str(folder), "--json", str(report)]) == 0
    assert "all 3 records are sound, with 6 views" in capsys.readouterr().out
    assert json.loads(report.read_text()) == {
        "data": str(folder), "sound": True, "records": 3, "views": 6,
        "bytes": sum(path.stat().st_size for path in folder.glob("*.rec")), "bad_records": 0, "problems": []}
    content = bytearray((folder / "train-00000.rec").read_bytes())
    content[-20] ^= 4
    (folder / "train-00000.rec").write_bytes(content)
    start = int((folder / "train-00000.idx").read_text().split()[3])
    for options in ([], ["--no-views"], ["--workers", "3"]):
        assert check_rec.main([str(folder), "--json", str(report), *options]) == 1
        out = capsys.readouterr().out
        assert f"train-00000.rec, record 1 ({SYNSET}/m1) at byte {start}: the checksum does not match" in out
        assert "train-00000.rec: its SHA-256 is not the manifest's" in out
        assert "2 problems, 1 bad records; 2 records are sound" in out
    bad = json.loads(report.read_text())
    assert not bad["sound"] and bad["problems"][1] == {
        "file": "train-00000.rec", "record": 1, "key": f"{SYNSET}/m1", "offset": start,
        "reason": "the checksum does not match; the file is damaged, copy it again"}


def test_no_views_leaves_the_views_out(folder):
    refit(folder, [payload("m0", stored=[BOMB] * 2), payload("m1")])
    assert len(lines(folder)) == 2 and lines(folder, views=False) == []


@pytest.mark.parametrize("arguments, words", [
    (["{0}/absent"], "no such folder"), (["{0}"], "no manifest.json"), ([], "DIR"),
    (["{0}", "--no-view"], "did you mean '--no-views'")])
def test_what_is_no_data_set_is_a_usage_error(tmp_path, capsys, arguments, words):
    try:
        code = check_rec.main([word.format(tmp_path) for word in arguments])
    except SystemExit as stop:
        code = stop.code
    message = capsys.readouterr().err
    assert code == 2 and words in message and len(message.splitlines()) == 1


def test_a_large_set_is_checked_in_the_order_of_its_shards(tmp_path):
    pack(make_plan(write_layout(tmp_path / "layout", 30), PackOptions(shard_size=1)), tmp_path / "data")
    damaged = sorted((tmp_path / "data").glob("train*.rec"))[::3]
    for path in damaged:
        path.write_bytes(path.read_bytes()[:-4])
    counted, told = [], []
    found = check_dataset(tmp_path / "data", workers=4, on_bytes=counted.append, on_problem=told.append)
    assert found.problems == told
    assert [problem.file for problem in found.problems if problem.record == 0] == [path.name for path in damaged]
    assert found.records == 30 - len(damaged) and sum(counted) == found.bytes


def test_ctrl_c_ends_at_once(tmp_path):
    pack(make_plan(write_layout(tmp_path / "layout", 30), PackOptions(shard_size=2)), tmp_path / "data")
    code = ("import sys, time; sys.path.insert(0, 'tools'); import _checkout\n"
            "from gluon_r2n2_tools import check_rec\nfrom recordio.records import checking\n"
            "read = checking.read_record\n"
            "def slow(*arguments, **options):\n    print('reading', flush=True); time.sleep(0.3)\n"
            "    return read(*arguments, **options)\n"
            "checking.read_record = slow\nsys.exit(check_rec.main([sys.argv[1]]))")
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "data")], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as process:
        first = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert first.startswith("reading")  # threads may print at once
    assert process.returncode == 130 and errors.strip().endswith("interrupted")


def test_a_file_that_cannot_be_read_is_named(folder, monkeypatch):
    read = os.pread

    def broken(descriptor, length, offset):
        if offset == 0:
            raise OSError(5, "Input/output error")
        return read(descriptor, length, offset)

    monkeypatch.setattr(os, "pread", broken)
    found = check_dataset(folder)
    assert found.bad_records == 2 and found.records == 1
    assert all("Input/output error" in problem.reason for problem in found.problems)
