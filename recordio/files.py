"""Writing files so that a reader sees the old content or the whole new one, never half of it."""
from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import IO, Iterator, Union


def sync_directory(path: Union[str, Path]) -> None:
    """Flush the directory entry of *path* to disk, so that a rename in it survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def atomic_file(path: Union[str, Path], mode: str = "wb") -> Iterator[IO]:
    """Open a temporary neighbour of *path* for writing; on success fsync it and rename it to *path*.

    On any exception (Ctrl-C included) the temporary file is removed and *path* stays as it was.

    Raises:
        OSError: the folder is absent, read-only or full.
    """
    path = Path(path)
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        error.filename = str(path)  # the name that the user knows
        raise
    try:
        os.fchmod(descriptor, 0o666 & ~_umask())  # mkstemp makes private files; ours are ordinary ones
        encoding = None if "b" in mode else "utf-8"
        with os.fdopen(descriptor, mode, encoding=encoding) as handle:
            yield handle
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        if isinstance(error, OSError) and error.filename in (None, temporary):  # such as a full disk: say where
            error.filename, error.filename2 = str(path), None
        raise
    sync_directory(path.parent)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
