"""Where the processes of a job run: a host file and numbers of processes -> a machine for each, and where they meet."""
from __future__ import annotations

import dataclasses
import re
import socket
from pathlib import Path
from typing import List, Optional, Sequence, Tuple

from gluon_r2n2.errors import ModelError

HERE = "localhost"
LOOPBACK = "127.0.0.1"


@dataclasses.dataclass(frozen=True)
class Host:
    """A machine."""

    name: str  # as ssh takes it, or HERE
    slots: Optional[int] = None  # workers it takes, at most; None: any number


def read_hosts(path: Path) -> List[Host]:
    """Read a host file: a name per line, with `slots=N` where it takes N workers at most; `#` begins a comment.

    Raises:
        ModelError: a line is something else, a host comes twice, or there is none.
        OSError: the file cannot be read.
    """
    hosts: List[Host] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.split("#")[0].strip()
        if not text:
            continue
        match = re.fullmatch(r"([\w@.:\[\]-]+)(?:\s+slots=([1-9]\d*))?", text)
        if not match or text.startswith("-"):  # which ssh would take for an option
            raise ModelError(f"{path}, line {number}: wants a host and perhaps slots=N, got {text!r}; correct it")
        if match.group(1) in [host.name for host in hosts]:
            raise ModelError(f"{path}, line {number}: {match.group(1)} is there already; give it once, with slots=N")
        hosts.append(Host(match.group(1), int(match.group(2)) if match.group(2) else None))
    if not hosts:
        raise ModelError(f"{path}: names no host; write one per line")
    return hosts


def place(hosts: Sequence[Host], count: int) -> List[str]:
    """The host of each of *count* workers: one each in turn, round by round, while a host has slots left.

    Raises:
        ModelError: there are not as many slots.
    """
    places: List[str] = []
    rounds = 0
    while len(places) < count:
        there = [host.name for host in hosts if host.slots is None or host.slots > rounds]
        if not there:
            raise ModelError(f"the host file has slots for {len(places)} workers, {count} are wanted; give fewer with "
                             "-n, or more slots")
        places += there[:count - len(places)]
        rounds += 1
    return places


def is_here(name: str) -> bool:
    """Whether *name* is this machine, where no ssh is needed."""
    return name in (HERE, LOOPBACK, socket.gethostname())


def meeting_point(names: Sequence[str], *, address: Optional[str], port: Optional[int]) -> Tuple[str, int]:
    """The address and port of this machine at which the scheduler waits for the processes on *names*.

    Args:
        address: as the others reach it; None: loopback where all run here, else the one that leads to the first other.
        port: None: a free one.

    Raises:
        ModelError: a name or address is unknown, or the port is taken.
    """
    others = [name for name in names if not is_here(name)]
    if address is None and others:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((_resolve(others[0].rpartition("@")[2]), 9))  # sends nothing
            address = probe.getsockname()[0]
    address = _resolve(address or LOOPBACK)
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind((address, port or 0))
        except OSError as error:
            where = f"{address}:{port}" if port else address
            raise ModelError(f"the scheduler cannot wait at {where} ({error.strerror}); choose another --port, or an "
                             "address of this machine with --scheduler-host") from None
        return address, probe.getsockname()[1]


def _resolve(name: str) -> str:
    try:
        return socket.gethostbyname(name)  # the parameter server takes numbers only
    except OSError:
        raise ModelError(f"{name}: no address is known for this host; correct the host file, or give the address of "
                         "this machine with --scheduler-host") from None
