"""One writer per folder: two trainings in one would overwrite each other's checkpoints, two batches their objects."""
from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import socket
import time
from pathlib import Path
from typing import Iterator

from gluon_r2n2.errors import ModelError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

LOCK = ".lock"
TAKEN = (errno.EAGAIN, errno.EACCES)  # what flock fails with where another process holds the lock

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def only_writer(run: Path, *, work: str = "training", flag: str = "--run") -> Iterator[None]:
    """While this context is entered, no other process can enter it for the same folder, which is made where absent.

    The system gives the lock back when its process ends, in whatever way: a kill -9 leaves nothing to clean up. The
    file stays, because removing it would let a third process lock a file that a second one is still waiting at.
    Where the file system knows no locks, a warning says so and nothing is locked.

    Args:
        work: what is done into the folder, for the messages.
        flag: that chooses another folder.

    Raises:
        ModelError: another process is at work in the folder; names it.
        OSError: the folder cannot be written to.
    """
    run = Path(run)
    run.mkdir(parents=True, exist_ok=True)
    with open(run / LOCK, "a+b", buffering=0) as handle:
        try:
            if fcntl is None:
                raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in TAKEN:
                raise ModelError(f"{run}: {_holder(run / LOCK)} is {work} into this folder; wait for it or end it, "
                                 f"or choose another folder with {flag}") from None
            logger.warning("%s: this file system has no locks (%s); make sure yourself that nothing else is %s into "
                           "it", run, error.strerror, work)
        with contextlib.suppress(OSError):  # a full disk: the lock holds, it only has no name
            handle.truncate(0)
            handle.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(),
                                     "since": time.strftime("%Y-%m-%d %H:%M:%S %z")}).encode())
        yield


def _holder(path: Path) -> str:
    """Whoever wrote the lock file, in words."""
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        return f"process {holder['pid']} on {holder['host']}, since {holder['since']},"
    except (OSError, ValueError, KeyError, TypeError):  # it has not written its name yet
        return "another process"
