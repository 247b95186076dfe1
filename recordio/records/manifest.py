"""Records: manifest.json, written last, says what a packed folder holds; its presence means complete.

The field list is in docs/records.md.
"""
from __future__ import annotations

import hashlib
import json
import re
from dataclasses import asdict, dataclass, fields
from importlib import metadata
from pathlib import Path

from recordio.errors import DataError
from recordio.files import atomic_file

FILE = "manifest.json"
PROGRESS = ".packing.json"  # kept while packing: which shards are finished
FORMAT = "gluon-r2n2 records"
VERSION = 1  # of this file and of the shard layout; records carry their own
MAX_BYTES = 1 << 28  # of a JSON file that is read: a million models take a fifth

# the file's last line but one: SHA-256 of every byte before the comma; files of before this field was there lack it
_SEAL = re.compile(rb',\n "sha256": "([0-9a-f]{64})"\n}\n')
_SEAL_BYTES = 64 + len(b',\n "sha256": ""\n}\n')
_HASH = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")  # a file's name, never a path


@dataclass(frozen=True)
class Shard:
    """One pair of files, `name`.rec and `name`.idx; record i is the sample `keys[i]` ("synset/model_id")."""

    name: str
    split: str
    bytes: int  # of the .rec file
    sha256: str  # of the .rec file
    index_sha256: str  # of the .idx file
    views: int  # in all records together
    fewest_views: int  # of any record
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Manifest:
    """What a packed data set holds.

    Attributes:
        source: name of the folder it was made from; models: how many complete ones that folder held.
        plan: SHA-256 over the options and the names and sizes of the source's files.
        encoding, level: of the views (recordio.records.encodings).
        voxel_shape: (x, y, z) cells, the same for all samples.
        classes: synset -> name of every class with a sample.
        skipped: {"key", "split", "reason"} of every model that could not be read.
        missing: keys that the split names and the source lacks.
    """

    tool: str
    source: str
    models: int
    plan: str
    encoding: str
    level: int
    voxel_shape: tuple[int, ...]
    classes: dict[str, str]
    splits: tuple[str, ...]
    shards: tuple[Shard, ...]
    skipped: tuple[dict[str, str], ...]
    missing: tuple[str, ...]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the names and hashes of the shards: equal for equal samples in equal order."""
        text = "".join(f"{shard.name} {shard.sha256}\n" for shard in self.shards)
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    def counts(self) -> dict[str, dict[str, int]]:
        """Samples, views and bytes of each split."""
        return {split: {"samples": sum(len(shard.keys) for shard in self.of(split)),
                        "views": sum(shard.views for shard in self.of(split)),
                        "bytes": sum(shard.bytes for shard in self.of(split))} for split in self.splits}

    def of(self, split: str) -> list[Shard]:
        """The shards of *split*, in order."""
        return [shard for shard in self.shards if shard.split == split]


def write_manifest(folder: str | Path, manifest: Manifest) -> None:
    """Write *manifest* into *folder*, atomically; from then on the data set is complete."""
    content = {"format": FORMAT, "version": VERSION, **asdict(manifest), "counts": manifest.counts(),
               "fingerprint": manifest.fingerprint}
    with atomic_file(Path(folder, FILE)) as handle:
        handle.write(seal(content))


def seal(content: dict) -> bytes:
    """The bytes of a manifest with *content*: JSON whose last field is the hash of all bytes before it."""
    text = json.dumps(content, indent=1)[:-len("\n}")].encode("ascii")
    return text + b',\n "sha256": "%s"\n}\n' % hashlib.sha256(text).hexdigest().encode("ascii")


def read_manifest(folder: str | Path) -> Manifest:
    """Read and check the manifest of a packed data set.

    Raises:
        DataError: no packed data set here (and what it seems to be instead), another version, a damaged manifest.
        OSError: the file cannot be read.
    """
    folder = Path(folder)
    path = folder / FILE
    if not path.is_file():
        raise DataError(_no_manifest(folder))
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise DataError(f"{path}: not the manifest of a packed data set; pack one with tools/pack_rec.py")
    if content.get("version") != VERSION:
        raise DataError(f"{path}: format version {content.get('version')}, this program reads version {VERSION}; "
                        f"use a newer program or pack the data set again")
    try:
        manifest = _manifest_from(content)
        intact = content["fingerprint"] == manifest.fingerprint and content["counts"] == manifest.counts()
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise DataError(f"{path}: the manifest is damaged ({error!r}); copy it again or pack the data set "
                        f"again") from None
    if not intact or not _is_sealed(path, content):
        raise DataError(f"{path}: the manifest was changed (its fingerprint, counts or SHA-256 do not fit what it "
                        f"says); copy it again or pack the data set again")
    seen: dict[str, str] = {}
    for shard in manifest.shards:
        for number, key in enumerate(shard.keys):
            place = f"{shard.name}, record {number}"
            if seen.setdefault(key, place) != place:
                raise DataError(f"{path}: {key} is there twice ({seen[key]} and {place}); pack the data set again")
    return manifest


def _manifest_from(content: dict) -> Manifest:
    """The Manifest of a file's content; KeyError, TypeError or ValueError where it is none."""
    names = [field.name for field in fields(Manifest)]
    unknown = set(content) - {"format", "version", "counts", "fingerprint", "sha256", *names}
    if unknown:  # a later version has another number
        raise ValueError(f"unknown field {min(unknown)!r}")
    shards = tuple(shard_from(entry) for entry in content["shards"])
    lists = {name: tuple(content[name]) for name in ("voxel_shape", "splits", "skipped", "missing")}
    manifest = Manifest(**{**{name: content[name] for name in names}, **lists, "shards": shards})
    _hold_whole("voxel_shape", *manifest.voxel_shape)
    _hold_text("splits", *manifest.splits)
    if len(manifest.voxel_shape) != 3:
        raise ValueError(f"voxel_shape has {len(manifest.voxel_shape)} numbers")
    if not isinstance(manifest.classes, dict):
        raise TypeError("classes is no object")
    _hold_text("classes", *manifest.classes.values())
    for shard in shards:
        if shard.split not in manifest.splits:
            raise ValueError(f"shard {shard.name} is of split {shard.split!r}")
    if len({shard.name for shard in shards}) != len(shards):
        raise ValueError("two shards have one name")
    return manifest


def shard_from(entry: dict) -> Shard:
    """The Shard of a manifest's JSON entry; KeyError, TypeError or ValueError where it is none."""
    shard = Shard(**{**entry, "keys": tuple(entry["keys"])})
    _hold_whole(f"shard {shard.name!r}", shard.bytes, shard.views, shard.fewest_views)
    _hold_text(f"shard {shard.name!r}", shard.name, shard.split, shard.sha256, shard.index_sha256, *shard.keys)
    if not _NAME.fullmatch(shard.name):  # it becomes the name of a file
        raise ValueError(f"a shard cannot be called {shard.name!r}")
    if not _HASH.fullmatch(shard.sha256) or not _HASH.fullmatch(shard.index_sha256):
        raise ValueError(f"shard {shard.name} has no SHA-256")
    if not all("/" in key for key in shard.keys):
        raise ValueError(f"shard {shard.name} has a key that is no synset/model")
    return shard


def _hold_whole(name, *values):
    for value in values:
        if type(value) is not int or not 0 <= value < 1 << 62:
            raise ValueError(f"{name}: {str(value)[:40]} is no size")


def _hold_text(name, *values):
    for value in values:
        if type(value) is not str:
            raise TypeError(f"{name}: {str(value)[:40]} is no text")


def _is_sealed(path: Path, content: dict) -> bool:
    """Whether the last field is the hash of all bytes before it, or, in an old file, is not there."""
    if "sha256" not in content:
        return True
    text = path.read_bytes()
    found = _SEAL.fullmatch(text, max(0, len(text) - _SEAL_BYTES))
    return bool(found) and hashlib.sha256(text[:found.start()]).hexdigest().encode("ascii") == found.group(1)


def write_json(path: Path, content: dict) -> None:
    """Write *content* as JSON, atomically; equal content gives equal bytes."""
    with atomic_file(path, "w") as handle:
        json.dump(content, handle, indent=1)
        handle.write("\n")


def read_json(path: Path):
    """The content of a JSON file; DataError where it is none, or where it exceeds MAX_BYTES."""
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path}: {path.stat().st_size} bytes are too many for a list of samples; copy it again")
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError too
        raise DataError(f"{path}: not valid JSON ({error}); copy it again or pack the data set again") from None


def tool_version() -> str:
    """Name and version of this program, "checkout" where it is not installed."""
    try:
        return f"gluon-r2n2 {metadata.version('gluon-r2n2')}"
    except metadata.PackageNotFoundError:
        return "gluon-r2n2 checkout"


def file_sha256(path: str | Path) -> tuple[str, int]:
    """(SHA-256 in hexadecimal, length in bytes) of a file, read in pieces."""
    digest, length = hashlib.sha256(), 0
    with open(path, "rb") as handle:
        for piece in iter(lambda: handle.read(1 << 20), b""):
            digest.update(piece)
            length += len(piece)
    return digest.hexdigest(), length


def _no_manifest(folder: Path) -> str:
    if not folder.exists():
        return f"{folder}: no such folder; give the folder that tools/pack_rec.py wrote"
    if not folder.is_dir():
        return f"{folder}: a file; give the folder that tools/pack_rec.py wrote"
    if (folder / PROGRESS).exists():
        return f"{folder}: packing was not finished; run tools/pack_rec.py again with the same arguments to go on"
    if (folder / "part.json").exists():
        return f"{folder}: a part of a data set; join it with the others by tools/pack_rec.py --merge"
    if (folder / "ShapeNetRendering").exists() or (folder / "ShapeNetVox32").exists():
        return f"{folder}: a folder of pictures, not a packed data set; pack it first with tools/pack_rec.py"
    return f"{folder}: no {FILE}, so no packed data set; make one with tools/pack_rec.py"
