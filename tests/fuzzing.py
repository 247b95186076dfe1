"""The fuzzer's own process: mutated shards, manifests and binvox files, read under a memory limit and a watchdog.

    python fuzzing.py KIND FIRST COUNT FOLDER      cases FIRST to FIRST + COUNT - 1, each its own seed

Prints how many cases were refused and read. A failing case leaves its bytes in FOLDER/failed and ends with 1; one that
hangs ends with a traceback of where it hung, and its bytes are those that FOLDER/case holds.
"""
from __future__ import annotations

import contextlib
import faulthandler
import hashlib
import json
import os
import resource
import shutil
import struct
import sys
import traceback
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np  # noqa: E402
import xxhash  # noqa: E402
import zstandard  # noqa: E402

from recordio.errors import DataError  # noqa: E402
from recordio.layouts import VoxelGrid, encode_binvox, encode_png, read_binvox  # noqa: E402
from recordio.loading import Loader, RecordDataset  # noqa: E402
from recordio.records import check_dataset, encode_record  # noqa: E402
from recordio.records.encodings import PNG, ZSTD, encode_zstd  # noqa: E402
from recordio.records.framing import find_records, frame  # noqa: E402
from recordio.records.manifest import Manifest, Shard, seal, write_manifest  # noqa: E402

SECONDS = 5  # that a case may take
MEMORY = 1 << 30  # bytes that it may take beyond what the process has at its start
SYNSET = "03001627"
EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x1FFFFFFF, 0x20000000, 0x7FFFFFFF, 0x80000000,
            0xFFFFFFFF, 0xCED7230A)  # the last: RecordIO's magic
VALUES = (None, True, -1, 0, 1, 2 ** 31, 2 ** 64, 1e400, float("nan"), "", "x", "../x", "a\0b", "\ud800", [], [[]], {},
          {"a": {}}, [None] * 3, "9" * 5000)
HEADER_FIELDS = [(0, 4), (4, 2), (6, 2), (8, 4), (12, 2), (14, 2), (16, 2), (18, 2), (20, 2), (22, 2), (24, 2),
                 (26, 2), (28, 2), (30, 2), (32, 8), (40, 8), (48, 8), (56, 8)]  # docs/records.md
BOMB = zstandard.ZstdCompressor(level=1, write_checksum=False).compress(bytes(1 << 30))  # 1 GiB in 32 kB


# --- mutations

def mutate(random, content: bytes, other: bytes) -> bytes:
    """One to four changes: bits, bytes, cuts, copies, splices with *other*, extreme integers."""
    content = bytearray(content)
    for _ in range(random.randint(1, 5)):
        if not content:
            break
        kind, place = random.randint(8), random.randint(len(content))
        length = min(len(content) - place, 1 << random.randint(9))
        if kind == 0:
            content[place] ^= 1 << random.randint(8)
        elif kind == 1:
            content[place:place + length] = random.bytes(length)
        elif kind == 2:
            del content[place:]
        elif kind == 3:
            del content[place:place + length]
        elif kind == 4:  # a block copied to elsewhere, or doubled
            goal = random.randint(len(content) + 1)
            content[goal:goal + length * random.randint(2)] = content[place:place + length]
        elif kind == 5:
            start = random.randint(len(other))
            content[place:place + random.randint(2) * length] = other[start:start + length]
        elif kind == 6:
            content = content[:place] + other[min(place, len(other)):]
        else:
            width = (1, 2, 4, 4)[random.randint(4)]
            place -= place % width
            content[place:place + width] = (choose(random, EXTREMES) % (1 << 8 * width)).to_bytes(width, "little")
    return bytes(content)


def choose(random, values):
    return values[random.randint(len(values))]


def deep_mutation(random, payload: bytes, other: bytes) -> bytes:
    """A record whose fields are changed and whose checksum fits again, so that what lies behind it is reached."""
    body = bytearray(payload[:-8])
    for _ in range(random.randint(1, 4)):
        kind = random.randint(6)
        views = struct.unpack_from("<H", payload, 16)[0]
        view = random.randint(views)
        offset, length, _ = struct.unpack_from("<3I", payload, 64 + 12 * view)
        if kind < 2:
            place, width = choose(random, HEADER_FIELDS)
            value = choose(random, EXTREMES) if random.randint(2) else random.randint(300)
            body[place:place + width] = (value % (1 << 8 * width)).to_bytes(width, "little")
        elif kind == 2:
            place = 64 + 4 * random.randint(3 * views)
            body[place:place + 4] = choose(random, EXTREMES).to_bytes(4, "little")
        elif kind == 3:  # the box, the head of the frame, or a picture's first chunk
            place = offset + random.randint(min(40, max(1, length)))
            if place + 2 <= len(body):
                body[place:place + 2] = (choose(random, EXTREMES) % 65536).to_bytes(2, "little")
        elif kind == 4:
            changed = mutate(random, payload[offset:offset + length] or b"\0", other)
            body[offset:offset + length] = changed[:length].ljust(length, b"\0")
        else:
            return bomb_record(random)
    if random.randint(3):  # the length, too
        body[8:12] = struct.pack("<I", len(body) + 8)
    return bytes(body) + struct.pack("<Q", xxhash.xxh64_intdigest(bytes(body)))


def bomb_record(random) -> bytes:
    """Views that unpack to far more than their place holds, some of them lying about it, in pictures of any size."""
    side = choose(random, (4, 64, 1024, 4096))
    stored = bytearray(BOMB)
    if random.randint(2):
        struct.pack_into("<I", stored, 6, 4 * side * side)
    picture = encode_png(np.zeros((1 << random.randint(12), 1 << random.randint(12), 4), np.uint8))
    if random.randint(2):  # a picture that says another size, depth or colour; its checksum fits
        head = bytearray(picture[12:29])
        head[4 + random.randint(13)] ^= 1 << random.randint(8)
        picture = picture[:12] + bytes(head) + struct.pack(">I", zlib.crc32(head)) + picture[33:]
    views = [(ZSTD, struct.pack("<4H", 0, 0, side, side) + bytes(stored)),
             (PNG, picture)]
    return encode_record(SYNSET, "m0", views, np.ones((4, 4, 4), bool), image_size=(side, side), translate=(0, 0, 0),
                         scale=1.0)


# --- shards

def payloads():
    """Two small records that differ: zstd and png views, with and without cameras, one with the magic in it."""
    random = np.random.RandomState(9)
    grid = random.rand(4, 4, 4) < 0.5
    pictures = random.randint(0, 256, (3, 9, 11, 4)).astype(np.uint8)
    pictures[:, :2] = 0
    common = dict(image_size=(9, 11), translate=(0, 0.5, 1), scale=2.0)
    first = encode_record(SYNSET, "m0", [(ZSTD, encode_zstd(view)) for view in pictures], grid,
                          cameras=random.rand(3, 4), **common)
    magic = struct.unpack("<f", struct.pack("<I", 0xCED7230A))[0]
    second = encode_record(SYNSET, "m1", [(PNG, encode_png(pictures[0])), (ZSTD, encode_zstd(pictures[1]))], ~grid,
                           cameras=[[1, magic, magic, 3], [magic, 1, 2, 3]], **common)
    return [first, second]


def write_set(folder: Path, content: bytes, starts, count: int) -> None:
    """A data set of one shard: *content*, an index of *starts*, and a manifest that fits both."""
    index = "".join(f"{number}\t{start}\n" for number, start in enumerate(starts)).encode()
    shard = Shard("train-00000", "train", len(content), hashlib.sha256(content).hexdigest(),
                  hashlib.sha256(index).hexdigest(), 5, 2, tuple(f"{SYNSET}/m{number}" for number in range(count)))
    (folder / "train-00000.rec").write_bytes(content)
    (folder / "train-00000.idx").write_bytes(index)
    with without_sync():
        write_manifest(folder, Manifest("tool", "source", 2, "plan", "zstd", 3, (4, 4, 4), {SYNSET: "chair"},
                                        ("train", "val", "test"), (shard,), (), ()))


@contextlib.contextmanager
def without_sync():
    """A disk that takes its time makes no better test."""
    sync, os.fsync = os.fsync, lambda descriptor: None
    try:
        yield
    finally:
        os.fsync = sync


def read_set(folder: Path):
    """Everything that the reader gives, as bytes, or the DataError that it raised."""
    try:
        with RecordDataset(folder) as dataset:
            seen = []
            for index in range(len(dataset)):
                record = dataset.record(index)
                seen += [record.key, record.voxels().tobytes(), record.translate, record.scale,
                         None if record.cameras is None else record.cameras.tobytes()]
                seen += [hashlib.sha256(record.view(view)).digest() for view in range(record.view_count)]
            loader = Loader(dataset, batch_size=1, views=2, threads=0, image_size=8)
            return seen + [hashlib.sha256(batch.images).digest() for batch in loader.epoch(0)]
    except DataError as error:
        return error


def check_both(folder: Path, truth, changed: bool) -> bool:
    """Read and check; a set that was *changed* is not sound, and what can be read all the same is the truth."""
    seen, found = read_set(folder), check_dataset(folder, workers=1)
    refused = isinstance(seen, DataError)
    if refused and not found.problems:
        raise AssertionError(f"the reader says {seen}, the check finds nothing")
    if changed and not found.problems:
        raise AssertionError("changed and not noticed")
    if truth is not None and not refused and seen != truth:
        raise AssertionError("read without an error, as something else")
    return refused


class Shards:
    """Three ways by turns: the file alone is changed; index and manifest fit it again; the checksums do, too."""

    def __init__(self, folder: Path):
        self.folder, self.payloads = folder, payloads()
        self.content = b"".join(map(frame, self.payloads))
        self.starts = [0, len(frame(self.payloads[0]))]
        write_set(folder, self.content, self.starts, 2)
        self.truth = read_set(folder)
        assert not isinstance(self.truth, DataError) and not check_dataset(folder, workers=1).problems

    def run(self, number: int, random) -> bool:
        path = self.folder / "train-00000.rec"
        if number % 3 == 2:
            records = list(self.payloads)
            place = random.randint(2)
            records[place] = deep_mutation(random, records[place], records[1 - place])
            framed = [frame(record) for record in records]
            write_set(self.folder, b"".join(framed), [0, len(framed[0])], 2)
            return check_both(self.folder, None, False)
        content = mutate(random, self.content, self.content[::-1] if random.randint(2) else frame(self.payloads[1]))
        if number % 3 == 0:
            write_set(self.folder, self.content, self.starts, 2)
            path.write_bytes(content)
            return check_both(self.folder, self.truth, content != self.content)
        path.write_bytes(content)
        with open(path, "rb") as handle:
            starts = [start for start, _ in find_records(handle.fileno(), len(content))]
        write_set(self.folder, content, starts if random.randint(4) else self.starts, max(1, len(starts)))
        return check_both(self.folder, self.truth if len(starts) == 2 else None, False)


class Manifests(Shards):
    """The manifest or the index is changed: as bytes, or as JSON whose hash, counts and fingerprint fit again."""

    def run(self, number: int, random) -> bool:
        write_set(self.folder, self.content, self.starts, 2)
        path = self.folder / ("train-00000.idx" if number % 4 == 0 else "manifest.json")
        before = path.read_bytes()
        if number % 2 == 0:
            content = mutate(random, before, before[::-1])
            path.write_bytes(content)
            return check_both(self.folder, self.truth, content != before)
        manifest = json.loads(before)
        manifest.pop("sha256")
        holders = [manifest, manifest["shards"][0], manifest["counts"]["train"], manifest["classes"]]
        for _ in range(random.randint(1, 3)):
            holder = choose(random, holders)
            holder[choose(random, [*sorted(holder), "new"])] = choose(random, VALUES)
        path.write_bytes(seal(manifest) if random.randint(3) else json.dumps(manifest).encode("ascii"))
        return check_both(self.folder, None, False)


class Binvox:
    """Mutated binvox files; a grid that is read all the same is what a reader of run after run finds."""

    def __init__(self, folder: Path):
        random = np.random.RandomState(3)
        self.path = folder / "model.binvox"
        ball = np.linalg.norm(np.indices((16, 16, 16)) - 7.5, axis=0) < 7
        self.files = [encode_binvox(VoxelGrid(ball, (0.1, 0.2, 0.3), 1.5)),
                      encode_binvox(VoxelGrid(random.rand(8, 8, 8) < 0.5)),
                      encode_binvox(VoxelGrid(np.ones((32, 32, 32), bool)))]

    def run(self, number: int, random) -> bool:
        content, other = self.files[number % 3], self.files[(number + 1) % 3]
        if number % 2:
            content = mutate(random, content, other)
        else:  # the header's words; the runs stay, or are cut or changed a little
            head, runs = content.split(b"data\n", 1)
            words = head.split(b" ")
            for _ in range(random.randint(1, 3)):
                words[random.randint(len(words))] = choose(random, (
                    b"0", b"-1", b"1024", b"1025", b"4294967296", b"9" * 3000, b"1e400", b"nan", b"1_6", b"", b"\xff",
                    b"data\n", b"dim", b"\n" * 1000, b"#", b"16.0", b"0x10", b"scale 1\n", b"\r\n"))
            content = b" ".join(words) + b"data\n" + (mutate(random, runs, other) if random.randint(2) else runs)
        self.path.write_bytes(content)
        try:
            grid = read_binvox(self.path)
        except DataError as error:
            if not str(error).startswith(str(self.path)):
                raise AssertionError(f"the file is not named: {error}") from None
            return True
        side = len(grid.occupancy)
        start = 0
        for line in content.splitlines(keepends=True):  # only line feeds, for a header of these files
            start += len(line)
            if line.split(b"#")[0].split() == [b"data"]:
                break
        occupied = cells = 0
        for place in range(start, len(content), 2):
            cells += content[place + 1]
            occupied += content[place] * content[place + 1]
        if grid.occupancy.shape != (side,) * 3 or (cells, occupied) != (side ** 3, int(grid.occupancy.sum())):
            raise AssertionError(f"{cells} cells, {occupied} occupied, came as {grid.occupancy.sum()} of {side}^3")
        return False


KINDS = {"shards": Shards, "manifests": Manifests, "binvox": Binvox}


def main(kind: str, first: str, count: str, place: str) -> int:
    folder = Path(place, "case")
    folder.mkdir()
    target = KINDS[kind](folder)  # reads once: compiled loops and libraries are loaded before memory is limited
    with open("/proc/self/statm", encoding="ascii") as handle:
        base = int(handle.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (base + MEMORY, base + MEMORY))
    refused = 0
    for number in range(int(first), int(first) + int(count)):
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        try:
            refused += target.run(number, np.random.RandomState(number))
        except BaseException:
            traceback.print_exc()
            shutil.copytree(folder, Path(place, "failed"))
            print(f"{kind}, case {number}: its files are in {Path(place, 'failed')}", file=sys.stderr)
            return 1
        finally:
            faulthandler.cancel_dump_traceback_later()
    print(f"{refused} refused, {int(count) - refused} read")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
