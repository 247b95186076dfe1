"""The server that benchmarks/soak.py loads: started, asked, watched from outside by /proc, and stopped."""
from __future__ import annotations

import collections
import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any, Dict, NamedTuple, Sequence

from soak_clients import HOST

ROOT = Path(__file__).resolve().parent.parent
START, STOP = 120.0, 60.0  # seconds that the server may take to become ready and, drained, to end
LAST = 2.0  # seconds after its end in which the last of its processes is gone
GAUGES = ("r2n2_queue_length", "r2n2_in_flight", "r2n2_worker_restarts_total")


class Sample(NamedTuple):
    """The server and all its processes at one moment."""

    seconds: float  # since the server was ready
    processes: int
    zombies: int
    front_mib: float  # resident
    workers_mib: float  # resident, all others together
    descriptors: int  # open files of all processes
    threads: int
    gauges: Dict[str, float]  # of /metrics

    @property
    def mib(self) -> float:
        return self.front_mib + self.workers_mib


class Server:
    """r2n2-serve in a process group of its own; killed, whatever happens, when the block ends."""

    def __init__(self, model: str, flags: Sequence[str]):
        self._log = tempfile.TemporaryFile("w+")
        command = [sys.executable, str(ROOT / "tools" / "serve.py"), model, "--host", HOST, "--port", "0", "--quiet",
                   *flags]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log, text=True,
                                         start_new_session=True)
        self.pid, self.port, self.says = self._process.pid, 0, ""

    def __enter__(self) -> Server:
        timer = threading.Timer(START, self._kill)  # ends the reading of a server that never says anything
        timer.daemon = True
        try:
            timer.start()
            for line in self._process.stdout:
                if "serving" in line and "http://" in line:
                    self.says, self.port = line.strip(), int(re.search(r":(\d+)\D*$", line).group(1))
                    return self
            raise SystemExit(f"soak: the server did not start:\n{self.log()}")
        except BaseException:
            self.__exit__()
            raise
        finally:
            timer.cancel()

    def __exit__(self, *_) -> None:
        self._kill()
        self._process.wait()
        self._process.stdout.close()
        self._log.close()

    def stop(self) -> Dict[str, Any]:
        """Send SIGTERM; returns the exit code (None: too late), the seconds, and whether any process is still there."""
        start = time.monotonic()
        self._process.terminate()
        try:
            code = self._process.wait(STOP)
        except subprocess.TimeoutExpired:
            code = None
        seconds = time.monotonic() - start
        while self._alive() and time.monotonic() < start + seconds + LAST:
            time.sleep(0.05)
        return {"exit_code": code, "seconds": round(seconds, 2), "left_behind": self._alive()}

    def log(self) -> str:
        """The end of what the server wrote to its standard error."""
        self._log.seek(0)
        return self._log.read()[-4000:]

    def get(self, path: str) -> str:
        with urllib.request.urlopen(f"http://{HOST}:{self.port}{path}", timeout=30) as answer:
            return answer.read().decode()

    def _alive(self) -> bool:
        """Whether any process of its group is there: a worker that outlives the front is nobody's child."""
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def _kill(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # all gone


def family(pid: int) -> Dict[int, str]:
    """Process *pid* and all its descendants -> the state of each, a letter of proc(5)."""
    states, children = {}, collections.defaultdict(list)
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(")")[2].split()  # the name before may hold anything
        except OSError:
            continue  # ended meanwhile
        states[int(folder.name)] = fields[0]
        children[int(fields[1])].append(int(folder.name))
    found, waiting = {}, [pid]
    while waiting:
        parent = waiting.pop()
        if parent in states:
            found[parent] = states[parent]
            waiting += children[parent]
    return found


def resources(pid: int) -> Dict[str, float]:
    """Resident MiB, open files and threads of one process; zeros where it has ended."""
    folder = Path("/proc", str(pid))
    try:
        status = (folder / "status").read_text()
        values = {key: re.search(rf"^{key}:\s+(\d+)", status, re.MULTILINE) for key in ("VmRSS", "Threads")}
        return {"mib": int(values["VmRSS"].group(1)) / 1024 if values["VmRSS"] else 0.0,
                "threads": int(values["Threads"].group(1)), "descriptors": len(os.listdir(folder / "fd"))}
    except OSError:
        return {"mib": 0.0, "threads": 0, "descriptors": 0}


def gauges(text: str) -> Dict[str, float]:
    """The values of GAUGES in a page of Prometheus' text format, summed over labels."""
    return {name: sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.MULTILINE))
            for name in GAUGES}


def sample(server: Server, start: float) -> Sample:
    """Look at all processes of the server, and ask it for its gauges; none where it does not answer."""
    states = family(server.pid)
    used = {pid: resources(pid) for pid in states}
    try:
        values = gauges(server.get("/metrics"))
    except (OSError, http.client.HTTPException):
        values = {}
    return Sample(
        round(time.monotonic() - start, 1), len(states), sum(state == "Z" for state in states.values()),
        used[server.pid]["mib"] if server.pid in used else 0.0,
        sum(one["mib"] for pid, one in used.items() if pid != server.pid),
        sum(one["descriptors"] for one in used.values()), sum(one["threads"] for one in used.values()), values)
