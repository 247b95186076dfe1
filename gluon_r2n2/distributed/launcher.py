"""A job: scheduler, servers and workers, started together, watched, and ended together whatever happens to one."""
from __future__ import annotations

import contextlib
import dataclasses
import os
import shutil
import signal
import sys
import threading
import time
from queue import Empty, SimpleQueue
from typing import Any, Callable, Iterator, List, Optional, Sequence, TextIO, Tuple

from gluon_r2n2.distributed.exchange import LAUNCH, RANK
from gluon_r2n2.distributed.process import BEAT, Process, own_environment

GRACE = 5.0  # seconds that the others have to say why they end too, after which they are killed
PARTING = 30.0  # seconds within which the workers end once a server has ended in order
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED, FAILED, BAD_INPUT = 130, 1, 2
HANDED_ON = ("MXNET_", "OMP_", "DMLC_", "PS_")  # beginnings of the variables that go to other machines unasked
SERVE = "import mxnet"  # with DMLC_ROLE of a scheduler or server this is its whole life


@dataclasses.dataclass(frozen=True)
class Job:
    """What to run where."""

    command: Sequence[str]  # of every worker; FILE.py is run by this Python
    workers: Sequence[str]  # their hosts
    servers: Sequence[str]
    root: Tuple[str, int]  # address and port of the scheduler, on this machine
    launched_by: str  # the command line up to the command
    ssh: Sequence[str]
    variables: Sequence[str] = ()  # names of further environment variables that go to other machines


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a job ended."""

    code: int
    message: Optional[str] = None  # why, where it is not 0


def run_job(job: Job, show: Callable[[str, TextIO], None]) -> Outcome:
    """Run *job* to its end; nothing of it is left running then.

    SIGINT, SIGTERM and SIGHUP are handed on to the workers; at the second all is killed.

    Args:
        show: gets each line that a process prints, and the stream it is for.
    """
    events: SimpleQueue = SimpleQueue()
    with _signals_to(events):
        processes: List[Process] = []
        ended = threading.Event()
        try:
            for process in _start(job, events):
                processes.append(process)
            threading.Thread(target=_beat, args=(processes, ended), daemon=True).start()
            return _watch(job, processes, events, show)
        finally:
            ended.set()
            _end(processes, events, show)


def _start(job: Job, events: SimpleQueue) -> Iterator[Process]:
    handed = {name: value for name, value in own_environment().items()
              if name.startswith(HANDED_ON) or name in ("PYTHONPATH", *job.variables)}
    common = {**handed, "DMLC_PS_ROOT_URI": job.root[0], "DMLC_PS_ROOT_PORT": str(job.root[1]),
              "DMLC_NUM_WORKER": str(len(job.workers)), "DMLC_NUM_SERVER": str(len(job.servers)),
              "PYTHONUNBUFFERED": "1"}
    serve = [sys.executable, "-c", SERVE]
    program = [sys.executable, job.command[0]] if job.command[0].endswith(".py") else [
        shutil.which(job.command[0]) or job.command[0]]  # over ssh the search path may be another one
    work = [*program, *job.command[1:]]

    def start(role: str, number: int, host: str, command: List[str], **environment: str) -> Process:
        return Process(role, number, host, command, folder=os.getcwd(), ssh=job.ssh, events=events,
                       environment={**common, "DMLC_ROLE": role, **environment})

    yield start("scheduler", 0, "localhost", serve)
    for number, host in enumerate(job.servers):
        yield start("server", number, host, serve)
    for number, host in enumerate(job.workers):
        yield start("worker", number, host, work, **{
            RANK: str(number), LAUNCH: job.launched_by, "R2N2_WORKERS_HERE": str(job.workers.count(host))})


def _watch(job: Job, processes: List[Process], events: SimpleQueue, show) -> Outcome:
    workers = [process for process in processes if process.role == "worker"]
    stopping: Optional[str] = None  # the signal that the job was asked to end by
    gone: Optional[Tuple[Process, float]] = None  # a server that ended in order while there are workers; and when
    while any(process.running or process.code != 0 for process in workers):
        event = _next(events)
        if isinstance(event, int):
            if stopping:
                for process in processes:
                    process.kill()
                return Outcome(INTERRUPTED, "interrupted a second time, all processes were killed; "
                               + _advice(job.command))
            stopping = signal.Signals(event).name
            for worker in workers:
                worker.send("SIGTERM" if stopping == "SIGHUP" else stopping)  # of which a training knows no more
        elif event is not None and event[1] is not None:
            _show(event, show)
        elif event is not None:
            process = event[0]
            if process.role == "worker" and process.code == 0:
                continue
            if stopping and process.code in (INTERRUPTED, -signal.SIGINT, -signal.SIGTERM):
                return Outcome(INTERRUPTED, f"{stopping} ended {process.name} before it had begun to train; "
                               + _advice(job.command))
            if process.code == 0:  # at the end of a job the servers may be faster than the workers they served
                gone = gone or (process, time.monotonic())
            else:
                return _failed(job, process)
        if gone and time.monotonic() - gone[1] > PARTING:
            return _failed(job, gone[0])
    return Outcome(0)


def _failed(job: Job, process: Process) -> Outcome:
    if process.role == "worker" and process.code == BAD_INPUT:
        return Outcome(BAD_INPUT, f"{process.describe()}, so the job was ended; it says above what to mend")
    advice = f"; {_advice(job.command)}" if process.pid else ""
    return Outcome(FAILED, f"{process.describe()}, so the job was ended{advice}")


def _advice(command: Sequence[str]) -> str:
    if "--resume" in command:
        return "the same command goes on from the last checkpoint"
    return "the same command with --resume goes on from the last checkpoint"


def _end(processes: List[Process], events: SimpleQueue, show) -> None:
    """Wait for what ends by itself, then kill, and show what was still said."""
    for action in (lambda process: None, Process.kill, Process.kill_guard):
        for process in processes:
            if process.running:
                action(process)
        limit = time.monotonic() + GRACE
        while any(process.running for process in processes) and time.monotonic() < limit:
            event = _next(events, wait=0.2)
            if isinstance(event, int):  # impatience
                break
            _show(event, show)
    with contextlib.suppress(Empty):
        while True:
            _show(events.get_nowait(), show)


def _show(event: Any, show) -> None:
    if isinstance(event, tuple) and event[1] is not None:
        process, target, text = event
        with contextlib.suppress(OSError):  # whoever read it is gone; the job goes on
            show(f"[{process.name}] {text}", target)


def _next(events: SimpleQueue, wait: float = 1.0) -> Any:
    """A signal's number, what a `Process` reports, or None after *wait* seconds."""
    try:
        return events.get(timeout=wait)
    except Empty:
        return None


def _beat(processes: List[Process], ended: threading.Event) -> None:
    # in a thread of its own: a terminal that takes no output must not look like a lost connection
    while not ended.wait(BEAT):
        for process in processes:
            process.send("")


@contextlib.contextmanager
def _signals_to(events: SimpleQueue) -> Iterator[None]:
    """While this context is entered, signals become events."""
    deaf = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN  # nohup
    numbers = [number for number in SIGNALS if not (deaf and number == signal.SIGHUP)]
    before = {number: signal.signal(number, lambda number, frame: events.put(number)) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
