"""In a worker process: what it may take of the machine, and what it must not hear."""
from __future__ import annotations

import os
import resource
import signal
from pathlib import Path


def be_worker() -> None:
    """Leave Ctrl-C and SIGTERM, which a whole process group may get, to the front: it ends the workers at last."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def confine(memory: int) -> None:
    """From here on: no file may be written, nothing printed, and *memory* more bytes may be taken than now.

    For processes that read what strangers sent. Decoders' libraries print what a file says to the standard error,
    which is the server's log.
    """
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    status = Path("/proc/self/status")
    if status.exists():  # Linux; only there does RLIMIT_DATA count all private memory
        held = next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmData:"))
        resource.setrlimit(resource.RLIMIT_DATA, (held * 1024 + memory,) * 2)
