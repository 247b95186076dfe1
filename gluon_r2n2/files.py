"""Folders and files that appear whole or not at all, and the SHA-256 sums that prove they stayed whole."""
from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, Mapping, Union

TEMPORARY = ".tmp"  # the suffix of everything unfinished; see remove_unfinished

PathLike = Union[str, Path]


@contextlib.contextmanager
def atomic_directory(path: PathLike) -> Iterator[Path]:
    """Yield a temporary neighbour of *path* to fill; on success flush it to disk and rename it to *path*.

    A folder that is already at *path* is replaced. On any exception (Ctrl-C included) the temporary folder is
    removed and *path* stays as it was; after a kill -9 or a power cut `remove_unfinished` clears what is left.

    Raises:
        OSError: the parent folder is absent, read-only or full.
    """
    path = Path(path)
    with _naming(path):
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=TEMPORARY, dir=path.parent))
        old = temporary.with_name(temporary.name[: -len(TEMPORARY)] + ".old" + TEMPORARY)
        try:
            temporary.chmod(0o777 & ~_umask())  # mkdtemp makes private folders; ours are ordinary ones
            yield temporary
            for child in sorted(temporary.rglob("*")):
                sync(child)
            sync(temporary)
            with contextlib.suppress(FileNotFoundError):
                path.rename(old)  # a folder that holds files cannot be renamed over
            temporary.rename(path)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            if old.exists() and not path.exists():
                old.rename(path)
            raise
    sync(path.parent)
    shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def atomic_path(path: PathLike) -> Iterator[Path]:
    """Yield a temporary neighbour of *path*, an empty file to write; on success flush it to disk and rename it.

    On any exception (Ctrl-C included) it is removed and *path* stays as it was.

    Raises:
        OSError: the folder is absent, read-only or full.
    """
    path = Path(path)
    with _naming(path):
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=TEMPORARY, dir=path.parent)
        try:
            os.fchmod(descriptor, 0o666 & ~_umask())  # mkstemp makes private files; ours are ordinary ones
            os.close(descriptor)
            yield Path(name)
            sync(name)
            os.replace(name, path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
            raise
    sync(path.parent)


def write_json(path: PathLike, value: Any) -> None:
    """Write *value* as JSON so that *path* holds its old content or the whole new one, flushed to disk.

    Raises:
        OSError: the folder is absent, read-only or full.
    """
    write_text(path, json.dumps(value, indent=1) + "\n")


def write_text(path: PathLike, text: str) -> None:
    """Write *text* as UTF-8 so that *path* holds its old content or the whole new one, flushed to disk.

    Raises:
        OSError: the folder is absent, read-only or full.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def remove_directory(path: PathLike) -> None:
    """Remove a folder so that it is there whole or not at all; a part left is for `remove_unfinished`.

    Raises:
        OSError: it cannot be removed.
    """
    path = Path(path)
    doomed = path.with_name(f".{path.name}{TEMPORARY}")
    shutil.rmtree(doomed, ignore_errors=True)
    path.rename(doomed)
    shutil.rmtree(doomed)


def append(path: PathLike, content: bytes) -> None:
    """Append to *path*, made where absent: all of *content* or, where it does not fit, nothing.

    It is with the system on return, whatever becomes of this process; it is not flushed to disk.

    Raises:
        OSError: the disk is full or read-only, or the folder is absent.
    """
    with open(path, "ab", buffering=0) as handle:
        end = handle.seek(0, os.SEEK_END)
        try:
            while content:  # a disk that is filling up takes less than all at a time
                content = content[handle.write(content):]
        except OSError:
            with contextlib.suppress(OSError):  # a device has no end
                handle.truncate(end)
            raise


def remove_unfinished(folder: PathLike) -> None:
    """Remove what an interrupted `atomic_directory`, `atomic_path` or `remove_directory` left in *folder*."""
    for path in Path(folder).glob(f".*{TEMPORARY}"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink()


def sync(path: PathLike) -> None:
    """Flush a file, or the entries of a folder, to disk."""
    descriptor = os.open(str(path), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sha256(path: PathLike) -> str:
    """The SHA-256 sum of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with open(path, "rb") as handle:
        for block in iter(lambda: handle.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def sha256_of_json(value: Any) -> str:
    """The SHA-256 sum of a JSON value, independent of key order and of spacing."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def sha256_of_lines(lines: Iterable[str]) -> str:
    """The SHA-256 sum of a text file with these *lines*, in hexadecimal."""
    return hashlib.sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def manifest(folder: PathLike) -> Dict[str, str]:
    """The SHA-256 sums of all files below *folder* by their relative name, `/` between the parts."""
    folder = Path(folder)
    return {str(path.relative_to(folder).as_posix()): sha256(path) for path in sorted(folder.rglob("*"))
            if path.is_file()}


def damaged(folder: PathLike, sums: Mapping[str, str]) -> Dict[str, str]:
    """Compare the files of *folder* with a `manifest`; return what is wrong by file name, empty if all is well."""
    folder = Path(folder)
    faults = {}
    for name, expected in sums.items():
        path = folder / name
        if not path.is_file():
            faults[name] = "is missing"
        elif sha256(path) != expected:
            faults[name] = "has another SHA-256 than the one recorded when it was written"
    return faults


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let an OSError name *path*, which the user knows, and not its temporary neighbour or (a full disk) nothing."""
    try:
        yield
    except OSError as error:
        if error.filename is None or str(path.parent / f".{path.name}.") in str(error.filename):
            error.filename, error.filename2 = str(path), None
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
