"""One worker process as the front sees it: started by spawn, asked one thing at a time, killed when it overruns."""
from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence, Tuple

from gluon_r2n2.serving.workers import wire

logger = logging.getLogger(__name__)
_environment = threading.Lock()  # os.environ is the whole process's, and a child takes it over when it starts

Answer = Tuple[Dict[str, Any], List[bytes]]


class WorkerLost(Exception):
    """The process died, or what it said was no answer."""


class WorkerOverran(WorkerLost):
    """The process took longer than it may and was killed."""


class TaskRefused(Exception):
    """The process refused the task: `facts` holds "message", "reason" and "status"."""

    def __init__(self, facts: Dict[str, Any]):
        super().__init__(facts.get("message", ""))
        self.facts = facts


class TaskFailed(RuntimeError):
    """A defect: the process met an exception that is no refusal; the message is its traceback."""


class WorkerProcess:
    """A spawned process that answers messages.

    Args:
        target: an importable function, called in the process as ``target(connection, *arguments)``; it first sends
            a greeting, then one answer per message.
        environment: variables to set for it, such as its number of threads.
        threads: where the blocking ends of the pipes are held; one free thread for each worker.
    """

    def __init__(self, name: str, target: Callable, arguments: Sequence = (), *,
                 environment: Optional[Mapping[str, str]] = None, threads: ThreadPoolExecutor):
        self.name, self.greeting = name, {}
        self._target, self._arguments, self._environment = target, arguments, dict(environment or {})
        self._threads = threads
        self._process: Optional[multiprocessing.process.BaseProcess] = None
        self._connection: Any = None  # our end of the pipe
        self._overran = self._killed = False
        self.lost = asyncio.Event()  # set as soon as the process has ended

    @property
    def pid(self) -> Optional[int]:
        """Its process id, once started."""
        return self._process.pid if self._process else None

    async def start(self, seconds: float) -> None:
        """Start it and wait for its greeting.

        Raises:
            WorkerLost: it died before, or took longer than *seconds*.
            TaskRefused: it greeted with a refusal.
        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self._spawn)
        loop.add_reader(self._process.sentinel, self._ended, loop, self._process.sentinel)
        try:
            self.greeting, _ = await self._answered(seconds, self._receive)
        except BaseException:
            self.kill()
            raise
        logger.info("worker=%s pid=%s event=ready", self.name, self.pid)

    async def ask(self, header: Dict[str, Any], blobs: Sequence[Any] = (), *, seconds: float) -> Answer:
        """Send one message, wait for its answer.

        Raises:
            WorkerLost: it died; WorkerOverran: it took longer than *seconds* and was killed. It is of no more use.
            TaskRefused: it said why it will not.
        """
        return await self._answered(seconds, self._exchange, header, blobs)

    def kill(self) -> None:
        """End the process at once; what waits for its answer gets WorkerLost."""
        self._killed = True
        if self._process is not None and self._process.is_alive():
            self._process.kill()

    def _spawn(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=self._target, args=(theirs, *self._arguments), name=self.name,
                                        daemon=True)
        with _environment:
            before = {name: os.environ.get(name) for name in self._environment}
            os.environ.update(self._environment)
            try:
                self._process.start()
            finally:
                for name, value in before.items():
                    os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)
        theirs.close()  # else the end of the process would not end the pipe
        if self._killed:  # meanwhile
            self._process.kill()

    async def _answered(self, seconds: float, function: Callable, *arguments) -> Answer:
        """Run a blocking end of the pipe in a thread; the process is killed after *seconds*, which ends the pipe."""
        loop = asyncio.get_running_loop()
        watchdog = loop.call_later(seconds, self._overrun)
        try:
            header, blobs = await loop.run_in_executor(self._threads, function, *arguments)
        except (EOFError, OSError, ValueError, KeyError, TypeError) as error:
            self.kill()
            if self._overran:
                raise WorkerOverran(f"{self.name} took longer than {seconds:g} s") from None
            raise WorkerLost(f"{self.name} ended ({type(error).__name__})") from None
        finally:
            watchdog.cancel()
        if "failed" in header:
            raise TaskFailed(header["failed"])
        if "refused" in header:
            raise TaskRefused(header["refused"])
        return header, blobs

    def _exchange(self, header, blobs) -> Answer:
        wire.send(self._connection, header, blobs)
        return self._receive()

    def _receive(self) -> Answer:
        return wire.receive(self._connection)

    def _overrun(self) -> None:
        self._overran = True
        logger.warning("worker=%s pid=%s event=overran", self.name, self.pid)
        self.kill()

    def _ended(self, loop, sentinel) -> None:
        """The process has ended: its sentinel became readable."""
        loop.remove_reader(sentinel)
        self._process.join()
        logger.info("worker=%s pid=%s event=ended code=%s", self.name, self.pid, self._process.exitcode)
        self.lost.set()
