"""Records: framing and format against literal bytes, mx.recordio and every damaged byte."""
from __future__ import annotations

import re
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from recordio.errors import DataError
from recordio.layouts import encode_png
from recordio.records import encode_record, parse_record
from recordio.records.encodings import PNG, ZSTD, decode_view, encode_zstd
from recordio.records.framing import find_records, frame, unframe

MAGIC = b"\x0a\x23\xd7\xce"  # 0xced7230a, little-endian


def picture(random, height=20, width=24):
    """A blob of random colours on a transparent ground."""
    rgba = np.zeros((height, width, 4), np.uint8)
    top, left = random.randint(0, height - 8), random.randint(0, width - 8)
    rgba[top:top + 8, left:left + 8] = random.randint(0, 256, (8, 8, 4))
    return rgba


# --- framing

@pytest.mark.parametrize("payload, framed", [
    (b"", MAGIC + b"\0\0\0\0"),
    (b"abcde", MAGIC + b"\x05\0\0\0abcde\0\0\0"),
    (b"abcd" + MAGIC + b"e", MAGIC + b"\x04\0\0\x20abcd" + MAGIC + b"\x01\0\0\x60e\0\0\0"),  # flags 1 and 3
    (b"abc" + MAGIC, MAGIC + b"\x07\0\0\0abc" + MAGIC + b"\0"),  # not at a multiple of 4: not cut
    (MAGIC * 2, MAGIC + b"\0\0\0\x20" + MAGIC + b"\0\0\0\x40" + MAGIC + b"\0\0\0\x60"),  # flags 1, 2 and 3
])
def test_framing_bytes(payload, framed):
    assert frame(payload) == framed
    assert bytes(unframe(framed, name="f")) == payload


def awkward_payloads():
    random = np.random.RandomState(3)
    yield b""
    for length in range(1, 40):  # pieces of magic at every alignment
        words = [MAGIC if random.rand() < 0.5 else random.bytes(random.randint(1, 5)) for _ in range(length)]
        yield b"".join(words)
    yield MAGIC * 100
    yield random.bytes(100_000)


def test_mxnet_reads_our_framing(tmp_path):
    recordio = pytest.importorskip("mxnet").recordio
    (tmp_path / "ours.rec").write_bytes(b"".join(frame(payload) for payload in awkward_payloads()))
    reader = recordio.MXRecordIO(str(tmp_path / "ours.rec"), "r")
    for payload in awkward_payloads():
        assert reader.read() == payload
    assert reader.read() is None
    reader.close()


def test_we_read_mxnets_framing(tmp_path):
    recordio = pytest.importorskip("mxnet").recordio
    writer = recordio.MXIndexedRecordIO(str(tmp_path / "its.idx"), str(tmp_path / "its.rec"), "w")
    for number, payload in enumerate(awkward_payloads()):
        writer.write_idx(number, payload)
    writer.close()
    content = (tmp_path / "its.rec").read_bytes()
    assert content == b"".join(frame(payload) for payload in awkward_payloads())
    starts = [int(line.split("\t")[1]) for line in (tmp_path / "its.idx").read_text().splitlines()]
    for payload, start, end in zip(awkward_payloads(), starts, starts[1:] + [len(content)]):
        assert bytes(unframe(content[start:end], name="its.rec")) == payload


@pytest.mark.parametrize("framed", [
    b"", MAGIC, b"abcdefgh", MAGIC + b"\x05\0\0\0abcde\0\0\1", MAGIC + b"\x05\0\0\0abcde", frame(b"abc") * 2,
    MAGIC + b"\x04\0\0\x20abcd", MAGIC + b"\x04\0\0\x40abcd", MAGIC + b"\0\0\0\x20" + MAGIC + b"\0\0\0\x20",
    MAGIC + b"\xff\xff\xff\x1f"], ids=repr)
def test_broken_framing_is_named(framed):
    with pytest.raises(DataError, match="^shard: "):
        unframe(framed, name="shard")


def test_records_are_found_by_their_heads(tmp_path):
    framed = [frame(payload) for payload in awkward_payloads()]
    starts = np.cumsum([0] + [len(piece) for piece in framed]).tolist()
    (tmp_path / "a.rec").write_bytes(b"".join(framed))
    with open(tmp_path / "a.rec", "rb") as handle:
        assert list(find_records(handle.fileno(), starts[-1])) == list(zip(starts, starts[1:]))
        assert list(find_records(handle.fileno(), 0)) == []
        beyond = list(find_records(handle.fileno(), starts[-1] + 4000))  # a file that was cut after it was measured
        assert beyond[:-1] == list(zip(starts, starts[1:])) and beyond[-1] == (starts[-1], starts[-1] + 4000)
    for number in (0, 7, len(framed) - 1):  # one damaged head costs one record, and no other
        content = bytearray(b"".join(framed))
        content[starts[number]] ^= 1
        (tmp_path / "b.rec").write_bytes(content)
        with open(tmp_path / "b.rec", "rb") as handle:
            found = list(find_records(handle.fileno(), len(content)))
        assert set(zip(starts, starts[1:])) - set(found) <= {(starts[number], starts[number + 1])}
        assert [start for start, _ in found][1:] == [end for _, end in found][:-1]  # no gap


def test_a_search_crosses_its_pieces(tmp_path):
    """A head that lies across the end of a piece that is read at once is found."""
    for before in ((1 << 20) - 8, (1 << 20) - 4, 1 << 20, (1 << 20) + 4):
        content = bytes(4 + before) + frame(b"abcd")
        (tmp_path / "a.rec").write_bytes(content)
        with open(tmp_path / "a.rec", "rb") as handle:
            assert list(find_records(handle.fileno(), len(content))) == [(0, 4 + before), (4 + before, len(content))]


# --- format

def test_record_bytes():
    """One record, byte for byte: the format of version 1 may never change."""
    voxels = np.zeros((2, 2, 2), bool)
    voxels[0, 0, 1] = voxels[1, 1, 0] = True  # cells 1 and 6 in x, y, z order
    payload = encode_record("ab", "xyz", [(PNG, b"PICTURE"), (ZSTD, b"")], voxels, image_size=(5, 6),
                            translate=(-0.5, 0.25, 2.0), scale=1.5, cameras=[[1.0, -2.0], [0.5, 0.0]])
    assert payload == bytes.fromhex(
        "52324e32 0100 0000 7d000000"  # R2N2, version 1, flags 0, 125 bytes
        "0200 0300 0200 0500 0600 0200"  # names of 2 and 3 bytes, 2 views, 5 x 6 pixels, 2 camera columns
        "0200 0200 0200 0000"  # grid of 2 x 2 x 2, zero
        "000000000000e0bf 000000000000d03f 0000000000000040 000000000000f83f"  # translate, scale
        "6e000000 07000000 01000000"  # view 0: 7 bytes at 110, png
        "75000000 00000000 02000000"  # view 1: no bytes at 117, zstd
        "0000803f 000000c0 0000003f 00000000"  # camera rows
        "42 6162 78797a 50494354555245"  # voxels, class, model, view 0
        "86c95d2c8629aa53")  # xxh64


def test_the_documented_record():
    """The hex dump of docs/records.md is a record, and says what stands beside it."""
    text = (Path(__file__).parent.parent / "docs" / "records.md").read_text(encoding="utf-8")
    rows = re.findall(r"^    [0-7]0  ((?:[0-9a-f]{2} {1,2}){13,16})", text, re.MULTILINE)
    record = parse_record(bytes.fromhex("".join(rows)), name="docs/records.md")
    assert (record.key, record.view_count, record.image_size) == ("ab/xyz", 2, (5, 6))
    assert np.argwhere(record.voxels()).tolist() == [[0, 0, 1], [1, 1, 0]]
    assert record.cameras.tolist() == [[1.0, -2.0], [0.5, 0.0]]
    assert (record.translate, record.scale) == ((-0.5, 0.25, 2.0), 1.5)


def test_zstd_view_bytes():
    """Box, then left differences of the four planes, compressed; decoded by hand here."""
    zstandard = pytest.importorskip("zstandard")
    rgba = np.zeros((6, 7, 4), np.uint8)
    rgba[2, 3:6] = [(10, 20, 30, 255), (12, 20, 29, 255), (12, 20, 29, 0)]
    rgba[3, 4, 1] = 9
    stored = encode_zstd(rgba)
    assert struct.unpack("<4H", stored[:8]) == (2, 3, 2, 3)  # top, left, height, width
    planes = zstandard.ZstdDecompressor().decompress(stored[8:])
    assert list(planes) == [10, 2, 0, 0, 0, 0,  20, 0, 0, 0, 9, 247,  30, 255, 0, 0, 0, 0,  255, 0, 1, 0, 0, 0]
    assert (decode_view(ZSTD, stored, (6, 7), name="") == rgba).all()


@pytest.mark.parametrize("kind", ["empty", "noise", "colours under alpha 0", "one pixel", "full"])
@pytest.mark.parametrize("size", [(137, 137), (1, 1), (3, 50)])
def test_views_are_lossless(kind, size):
    random = np.random.RandomState(5)
    rgba = np.zeros((*size, 4), np.uint8)
    if kind == "noise":
        rgba[:] = random.randint(0, 256, rgba.shape)
    elif kind == "colours under alpha 0":
        rgba[..., :3] = random.randint(0, 256, (*size, 3))
    elif kind == "one pixel":
        rgba[-1, -1, 2] = 1
    elif kind == "full":
        rgba[:] = 255
    assert (decode_view(ZSTD, encode_zstd(rgba), size, name="") == rgba).all()
    assert (decode_view(PNG, encode_png(rgba), size, name="") == rgba).all()


def sample_payload():
    random = np.random.RandomState(2)
    views = [picture(random) for _ in range(3)]
    voxels = random.rand(5, 6, 7) < 0.4
    return views, voxels, encode_record("class", "modèle", [(ZSTD, encode_zstd(view)) for view in views], voxels,
                                        image_size=(20, 24), translate=(1, 2, 3), scale=4)


def test_record_round_trip():
    views, voxels, payload = sample_payload()
    record = parse_record(payload, name="r")
    assert (record.key, record.view_count, record.image_size) == ("class/modèle", 3, (20, 24))
    assert (record.translate, record.scale, record.cameras) == ((1, 2, 3), 4, None)
    assert (record.voxels() == voxels).all() and record.voxels().dtype == bool
    for number in (2, 0):
        assert (record.view(number) == views[number]).all()


def test_one_view_is_decoded_without_the_others():
    views, voxels, _ = sample_payload()
    payload = encode_record("c", "m", [(ZSTD, b"rubbish"), (ZSTD, encode_zstd(views[1]))], voxels, image_size=(20, 24),
                            translate=(0, 0, 0), scale=1)
    record = parse_record(payload, name="shard, record 4")
    assert (record.view(1) == views[1]).all()
    with pytest.raises(DataError, match="^shard, record 4, view 0: "):
        record.view(0)


def test_every_byte_of_a_record_is_guarded():
    _, _, payload = sample_payload()
    for place in range(len(payload)):
        damaged = bytearray(payload)
        damaged[place] ^= 1 << place % 8
        with pytest.raises(DataError, match="^r: "):
            parse_record(damaged, name="r")
    for length in range(0, len(payload), 7):
        with pytest.raises(DataError, match="^r: "):
            parse_record(payload[:length], name="r")


def test_damage_is_harmless_without_the_checksum():
    """Lengths are checked for themselves: nothing but DataError, and no huge array, without verification."""
    _, _, payload = sample_payload()
    for place in range(len(payload)):
        for value in (0, 0x7F, 0xFF):
            damaged = bytearray(payload)
            damaged[place] = value
            try:
                record = parse_record(damaged, name="r", verify=False)
                record.voxels()
                for number in range(record.view_count):
                    record.view(number)
            except DataError as error:
                assert str(error).startswith("r: ") or str(error).startswith("r, view")


def test_newer_versions_are_refused():
    _, _, payload = sample_payload()
    with pytest.raises(DataError, match="record version 2 .*this program reads version 1"):
        parse_record(payload[:4] + b"\x02" + payload[5:], name="r")


# --- the page is enough: a reader in C that was written from docs/records.md

@pytest.fixture(scope="module")
def c_reader(tmp_path_factory):
    compiler = shutil.which("cc")
    if not compiler:
        pytest.skip("there is no C compiler")
    program = tmp_path_factory.mktemp("c") / "read_records"
    subprocess.run([compiler, "-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(program),
                    str(Path(__file__).with_name("read_records.c"))], check=True)
    return lambda path: subprocess.run([str(program), str(path)], capture_output=True, text=True, timeout=60)


def magical_payload():
    """A record that holds the magic of the framing at multiples of 4 and elsewhere, so that it is cut into parts."""
    magic = struct.unpack("<f", MAGIC)[0]
    return encode_record("a", "m", [(PNG, MAGIC * 9), (PNG, b"x" + MAGIC)], np.ones((3, 5, 7), bool), image_size=(4, 5),
                         translate=(0, 0, 0), scale=1, cameras=[[magic, 1], [magic, magic]])


def test_a_reader_in_c_sees_the_same(c_reader, tmp_path):
    payloads = [sample_payload()[2], magical_payload(), sample_payload()[2]]
    assert frame(payloads[1]).count(MAGIC) > 9
    (tmp_path / "a.rec").write_bytes(b"".join(map(frame, payloads)))
    result = c_reader(tmp_path / "a.rec")
    assert (result.returncode, result.stderr) == (0, "")
    wanted = []
    for payload in payloads:
        record = parse_record(payload, name="r")
        sizes = [f"{encoding}:{length}" for _, length, encoding in record._table.tolist()]
        columns = 0 if record.cameras is None else record.cameras.shape[1]
        wanted.append(" ".join([record.key, str(record.view_count), "x".join(map(str, record.image_size)),
                                "x".join(map(str, record.voxel_shape)), str(record.voxels().sum()), str(columns),
                                *sizes]))
    assert result.stdout.splitlines() == wanted


def test_a_reader_in_c_refuses_damage(c_reader, tmp_path):
    content = frame(magical_payload())
    path = tmp_path / "a.rec"
    for place in range(0, len(content) - (-len(magical_payload()) % 4), 9):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        assert c_reader(path).returncode == 1, place
    path.write_bytes(content[:-4])
    assert c_reader(path).returncode == 1


@pytest.mark.parametrize("length", [*range(40), 100, 1000])
def test_checksum_is_xxh64(c_reader, tmp_path, length):
    """Every length of a tail goes through another part of the hash; C has its own."""
    payload = encode_record("c", "m" * length, [(PNG, b"")], np.ones((1, 1, 1), bool), image_size=(1, 1),
                            translate=(0, 0, 0), scale=1)
    (tmp_path / "a.rec").write_bytes(frame(payload))
    assert c_reader(tmp_path / "a.rec").stdout == f"c/{'m' * length} 1 1x1 1x1x1 1 0 1:0\n"
