"""One process of a job as the launcher sees it: what it prints, the signals it gets, and how it ended."""
from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Dict, List, Optional, Sequence, TextIO

from gluon_r2n2._requirements import THREADS_CHOSEN_HERE
from gluon_r2n2.distributed.guard import MARK
from gluon_r2n2.distributed.hosts import is_here

GUARD = Path(__file__).with_name("guard.py")
BEAT = 10.0  # seconds between the lines that tell a guard that the launcher is there
SILENCE = 60.0  # seconds after which the guard on another machine takes the connection for lost


class Process:
    """A process and its guard, started at once.

    Args:
        role: scheduler, server or worker.
        number: of that role, from 0.
        host: where it runs.
        command: its arguments.
        folder: it starts in.
        environment: variables to set.
        ssh: the command that runs another one on the host named after it.
        events: gets (self, stream, line) for what it prints, and (self, None, "") once when it has ended.
    """

    def __init__(self, role: str, number: int, host: str, command: Sequence[str], *, folder: str,
                 environment: Dict[str, str], ssh: Sequence[str], events: SimpleQueue):
        self.role, self.host = role, host
        self.name = role if role == "scheduler" else f"{role} {number}"
        self.pid: Optional[int] = None
        self.code: Optional[int] = None  # of the process, negative for a signal; None: not known
        self.running = True
        self._events = events
        self._lock = threading.Lock()  # of the line to the guard
        here = is_here(host)
        self._program = "its guard" if here else Path(ssh[0]).name
        guard = [sys.executable, str(GUARD)]
        self._guard = subprocess.Popen(guard if here else [*ssh, host, "exec " + " ".join(map(shlex.quote, guard))],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                       start_new_session=True, env=own_environment())
        order: Dict[str, Any] = {"command": list(command), "folder": folder, "environment": environment,
                                 "silence": None if here else SILENCE}
        self.send(json.dumps(order))
        readers = [threading.Thread(target=self._read, args=pair, daemon=True)
                   for pair in ((self._guard.stdout, sys.stdout), (self._guard.stderr, sys.stderr))]
        for each in [*readers, threading.Thread(target=self._wait, args=(readers,), daemon=True)]:
            each.start()

    def send(self, line: str) -> None:
        """Say a line to the guard: the name of a signal, or nothing, which tells it that the launcher is there."""
        with self._lock, contextlib.suppress(OSError, ValueError):  # it has ended, or `kill` was called
            self._guard.stdin.write(line.encode() + b"\n")
            self._guard.stdin.flush()

    def kill(self) -> None:
        """Let the guard kill the process and all that it started."""
        with self._lock, contextlib.suppress(OSError):
            self._guard.stdin.close()

    def kill_guard(self) -> None:
        """Kill what has not ended after `kill`: a guard, or an ssh whose other end does not answer."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._guard.pid, signal.SIGKILL)

    def describe(self) -> str:
        """Role, number, host and process number, and once it has ended, how."""
        where = f"{self.name} on {self.host}" + (f" (pid {self.pid})" if self.pid else "")
        if self.running:
            return where
        if self.code is None and self.pid is None:
            return f"{where} could not be started ({self._program} ended with exit code {self._guard.returncode})"
        if self.code is None:
            return f"{where} was lost, the connection to it ended"
        if self.code < 0:
            return f"{where} was killed by {_signal_name(-self.code)}"
        return f"{where} ended with exit code {self.code}"

    def _read(self, stream, target: TextIO) -> None:
        with stream:
            for block in stream:
                text, mark, word = block.decode("utf-8", "replace").rstrip("\n").partition(MARK)
                if text or not mark:
                    self._events.put((self, target, text))
                if mark:
                    kind, _, value = word.partition(" ")
                    setattr(self, "pid" if kind == "pid" else "code", int(value))

    def _wait(self, readers: List[threading.Thread]) -> None:
        for reader in readers:
            reader.join()
        self._guard.wait()
        self.kill()  # closes the line to it
        self.running = False
        self._events.put((self, None, ""))


def own_environment() -> Dict[str, str]:
    """Of this process, without what it has set for itself alone."""
    return {name: value for name, value in os.environ.items()
            if not (THREADS_CHOSEN_HERE and name == "OMP_NUM_THREADS")}


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
