"""Records, reading archives: a .tar or .tar.gz as it lies on disk -> its members one after the other, nothing unpacked.

One pass forwards. Archives come from anywhere: sizes are bounded, nothing of a member's name ever becomes a path on
this machine, links and devices are passed over, and an archive that was cut short is an error, never a shorter one.
"""
from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Callable, Iterator, Tuple, cast

from recordio.errors import DataError

MAX_MEMBER = 64 << 20  # bytes; far above any picture or grid, and all that one read may ask for
SUFFIXES = (".tgz", ".tar.gz", ".tar")
_BLOCK = 512  # bytes; tar's unit
_DAMAGE = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile, ValueError, OverflowError, UnicodeError)


@dataclass(frozen=True)
class Member:
    """One file or folder of an archive; `parts` are the pieces of its name, without "." ones."""

    parts: Tuple[str, ...]
    is_folder: bool
    size: int
    read: Callable[[], bytes]  # the content, until the next member is asked for


class _Forward:
    """What tarfile needs of a file, forwards only, with a bound for each read."""

    def __init__(self, raw: IO[bytes]):
        self._raw = raw
        self._position = 0
        self.last = b""  # the last block read

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_MEMBER:  # such as a header that promises a name of many GB
            raise tarfile.ReadError(f"a member or header of {size} bytes, at most {MAX_MEMBER} are read")
        data = self._raw.read(size)
        self._position += len(data)
        if size == _BLOCK:
            self.last = data
        return data

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> None:
        if position < self._position:
            raise tarfile.ReadError("a member of negative size")
        while self._position < position:
            if not self.read(min(position - self._position, 1 << 20)):
                raise tarfile.ReadError("unexpected end of data")


def read_members(path: Path, on_bytes: Callable[[int], object] = lambda count: None) -> Iterator[Member]:
    """Yield the files and folders of an archive in its own order.

    Args:
        on_bytes: called with the number of bytes of the archive that were read since the last call.

    Raises:
        DataError: no such archive, another format, damaged, cut short, or a member above MAX_MEMBER is read.
        OSError: the file cannot be read.
    """
    with open(path, "rb", buffering=1 << 20) as file:
        with _opened(file, path) as raw:
            stream, done, where = _Forward(raw), 0, "its beginning"
            try:
                archive = tarfile.TarFile(fileobj=cast(IO[bytes], stream), mode="r", encoding="utf-8",
                                          errors="surrogateescape")
                while True:
                    info = archive.next()
                    if info is None:
                        break
                    archive.members.clear()  # type: ignore[attr-defined]  # it would remember a million of them
                    where = repr(info.name)
                    if info.isreg() or info.isdir():  # no links, devices or sparse files
                        yield _member(info, stream, path)
                    on_bytes(file.tell() - done)
                    done = file.tell()
                if stream.last != bytes(_BLOCK):  # tarfile takes a damaged header for the end
                    raise tarfile.ReadError("no end mark" if len(stream.last) < _BLOCK else "a damaged header")
                while raw.read(1 << 20):  # up to the checksum of gzip
                    pass
                on_bytes(file.tell() - done)
            except _DAMAGE as error:
                raise _damaged(path, f"after {where}, at byte {file.tell()}", error) from None


def _opened(file: IO[bytes], path: Path):
    magic = file.read(2)
    file.seek(0)
    if magic == b"\x1f\x8b":
        return io.BufferedReader(gzip.GzipFile(fileobj=file, mode="rb"), 1 << 18)
    if magic in (b"\xfd7", b"BZ", b"PK", b"(\xb5"):
        raise DataError(f"{path}: neither .tar nor .tar.gz (it begins with {magic!r}); compress it with gzip, or "
                        f"unpack it and give the folder")
    return io.BufferedReader(file, 1 << 18)


def _member(info: tarfile.TarInfo, stream: _Forward, path: Path) -> Member:
    def read() -> bytes:
        if info.size > MAX_MEMBER:
            raise DataError(f"{path}: {info.name!r} has {info.size} bytes, at most {MAX_MEMBER} are read; remove it")
        try:
            stream.seek(info.offset_data)
            data = stream.read(info.size)
        except _DAMAGE as error:
            raise _damaged(path, f"in {info.name!r}", error) from None
        if len(data) != info.size:
            raise _damaged(path, f"in {info.name!r}", "unexpected end of data")
        return data

    parts = tuple(part for part in info.name.split("/") if part not in ("", "."))
    return Member(parts, info.isdir(), info.size, read)


def _damaged(path, where, error) -> DataError:
    return DataError(f"{path}: the archive is damaged or cut short, {where} ({error}); copy it again")
