"""What a training runs on -> JSON: versions, git revision, command line, machine. For the log and environment.json."""
from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

import mxnet as mx

import gluon_r2n2
from gluon_r2n2.training.devices import describe

ENVIRONMENT = "environment.json"
PACKAGES = ("numpy", "gluoncv", "opencv-python", "scipy", "numba", "Pillow", "zstandard", "tensorboardX", "PyYAML")
CHECKOUT = Path(__file__).resolve().parents[3]


def provenance(devices: List[mx.Context], *, threads: int) -> Dict[str, Any]:
    """What this process is.

    Args:
        devices: that it trains on.
        threads: that load its data.

    Returns:
        JSON values; ``git`` is None where the package does not run from a checkout or git cannot be asked.
    """
    return {
        "version": gluon_r2n2.__version__, "git": git_revision(),
        "command": shlex.join(sys.argv), "folder": os.getcwd(),
        "started": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "host": socket.gethostname(), "pid": os.getpid(), "system": platform.platform(),
        "devices": describe(devices), "threads": threads, "omp_threads": os.environ.get("OMP_NUM_THREADS"),
        "python": platform.python_version(),
        "packages": {"mxnet": mx.__version__, **{name: _version(name) for name in PACKAGES}},
    }


def git_revision(checkout: Path = CHECKOUT) -> Optional[Dict[str, Any]]:
    """``revision``, the commit that *checkout* is at, and ``dirty``, whether tracked files differ from it."""
    if not (checkout / ".git").exists():  # an installed package may lie inside some other repository
        return None
    try:
        revision, changes = (subprocess.run(["git", "-C", str(checkout), *command], check=True, timeout=10,
                                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL).stdout.decode()
                             for command in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"]))
    except (OSError, subprocess.SubprocessError):  # no git, a folder of another user, a damaged repository
        return None
    return {"revision": revision.strip(), "dirty": bool(changes.strip())}


def _version(package: str) -> Optional[str]:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
