"""Meshes, running: one function over many tasks in processes that may hang, crash or run out of memory.

concurrent.futures breaks its whole pool when one process dies and cannot stop a task that hangs; here each process
has its own pipe, so that it is known which task it had, and only that task is lost.
"""
from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import Any, Callable, Iterator, List, Optional, Sequence, Tuple

MEMORY = 8 << 30  # bytes of address space a process may take, less where the machine has less
STARTUP = 600  # seconds a process may take to import and compile
GRACE = 5  # seconds a process has to clean up after being told to stop


@dataclass(frozen=True)
class Lost:
    """In place of a result: why there is none, as a sentence's end ("the process that read it ...")."""

    reason: str


@dataclass
class _Worker:
    process: multiprocessing.process.BaseProcess
    pipe: multiprocessing.connection.Connection
    deadline: float
    task: Optional[int] = field(default=None)  # its position; None while starting or idle


def run_each(function: Callable[[Any], Any], tasks: Sequence[Any], *, jobs: int, timeout: float,
             prepare: Optional[Callable[[], None]] = None) -> Iterator[Tuple[int, Any]]:
    """Yield (position, ``function(task)`` or Lost) of every task, in the order in which they end.

    Args:
        function, prepare: importable by name; *prepare* runs once in each new process, before its first task.
        jobs: processes at a time. They are started afresh ("spawn"), whatever threads this process has.
        timeout: seconds per task; a process that takes longer is stopped and replaced.

    Raises:
        OSError: what a task raised so (a full disk concerns all tasks, not this one).
        Exception: what *function* raised otherwise: a defect, for it is expected to return what it found wrong.
    """
    waiting = list(range(len(tasks)))[::-1]
    workers: List[_Worker] = []
    try:
        while waiting or workers:
            while waiting and len(workers) < min(jobs, len(waiting) + sum(w.task is not None for w in workers)):
                workers.append(_start(function, prepare))
            now = time.monotonic()
            ready = multiprocessing.connection.wait([worker.pipe for worker in workers],
                                                    max(0.0, min(worker.deadline for worker in workers) - now))
            for worker in list(workers):
                done, answer = _listen(worker, worker.pipe in ready, timeout)
                if not done:
                    continue
                position = worker.task
                if not isinstance(answer, Lost):
                    worker.task = None  # idle: it need not be told to stop
                if position is not None:
                    yield position, answer
                elif isinstance(answer, Lost):
                    raise RuntimeError(f"a worker process could not start: it {answer.reason}")
                if isinstance(answer, Lost) or not waiting:
                    _stop([worker])
                    workers.remove(worker)
                else:
                    worker.task = waiting.pop()
                    worker.deadline = time.monotonic() + timeout
                    _send(worker, tasks[worker.task])
    finally:
        _stop(workers)


def _start(function, prepare) -> _Worker:
    context = multiprocessing.get_context("spawn")
    pipe, far_end = context.Pipe()
    process = context.Process(target=_serve, args=(far_end, function, prepare), daemon=True)
    process.start()
    far_end.close()  # so that the death of the process ends the pipe
    return _Worker(process, pipe, time.monotonic() + STARTUP)


def _listen(worker: _Worker, ready: bool, timeout: float) -> Tuple[bool, Any]:
    """(whether something happened, what): an answer, or Lost if the process died or is too slow."""
    if ready:
        try:
            kind, value = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join(GRACE)
            return True, Lost(_death(worker.process.exitcode))
        if kind == "raised":
            raise value
        return True, value
    if time.monotonic() < worker.deadline:
        return False, None
    return True, Lost(f"took longer than {timeout:g} s and was stopped")


def _send(worker: _Worker, task) -> None:
    try:
        worker.pipe.send(task)
    except OSError:  # it died while idle; _listen finds out and names the task
        pass


def _death(code: Optional[int]) -> str:
    if code is None or code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}" + (" (out of memory?)" if code == -signal.SIGKILL else "")
    except ValueError:
        return f"was killed by signal {-code}"


def _stop(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        worker.pipe.close()  # an idle process ends by itself
        if worker.task is not None:
            worker.process.terminate()
    until = time.monotonic() + GRACE
    for worker in workers:
        worker.process.join(max(0.1, until - time.monotonic()))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _serve(pipe, function, prepare) -> None:
    """The life of a worker process; it ends when its pipe is closed, so also when its parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes; the parent decides
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # unwinds, so that half-written folders are removed
    _limit_memory()
    try:
        if prepare is not None:
            prepare()
        pipe.send(("ready", None))
        while True:
            task = pipe.recv()
            try:
                answer = ("done", function(task))
            except Exception as error:
                answer = ("raised", error)
            pipe.send(answer)
    except (EOFError, OSError):
        pass  # the parent closed the pipe


def _limit_memory() -> None:
    """Let a process that wants too much meet a MemoryError before the system kills it or another one."""
    try:
        import resource  # not on Windows

        limit = min(MEMORY, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))
    except (ImportError, OSError, ValueError):
        pass
