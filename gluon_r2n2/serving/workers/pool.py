"""Workers that are kept alive: each that dies is replaced in the background, with growing pauses if it dies again."""
from __future__ import annotations

import asyncio
import logging
from typing import Any, Callable, Dict, Optional, Sequence, Set

from gluon_r2n2.serving.workers.process import Answer, TaskFailed, TaskRefused, WorkerLost, WorkerOverran, WorkerProcess

logger = logging.getLogger(__name__)
LONGEST_PAUSE = 30.0  # seconds between two attempts to start a worker that keeps dying


class WorkerPool:
    """*count* like workers, each doing one task at a time, in the order of asking.

    Args:
        make: builds one worker, not started.
        start_seconds: for a worker to greet.
        restarted: called each time a worker is replaced.
    """

    def __init__(self, make: Callable[[], WorkerProcess], count: int, *, start_seconds: float,
                 restarted: Callable[[], None]):
        self._make, self._count = make, count
        self._start_seconds, self._restarted = start_seconds, restarted
        self._idle: asyncio.Queue[WorkerProcess] = asyncio.Queue()
        self._workers: Set[WorkerProcess] = set()
        self._starting: Set[WorkerProcess] = set()
        self._keepers: Set[asyncio.Task[None]] = set()  # one for each place in the pool
        self.greeting: Dict[str, Any] = {}  # of the last worker that started
        self.ready = asyncio.Event()  # set while at least one worker is alive

    async def start(self) -> None:
        """Start all workers, at the same time.

        Raises:
            TaskRefused, WorkerLost: one of them could not start.
        """
        for worker in await asyncio.gather(*[self._started() for _ in range(self._count)]):
            self._keepers.add(asyncio.ensure_future(self._keep(worker)))

    def close(self) -> None:
        """End all workers."""
        for task in self._keepers:
            task.cancel()
        for worker in self._workers | self._starting:
            worker.kill()

    async def run(self, header: Dict[str, Any], blobs: Sequence[Any] = (), *, seconds: float,
                  attempts: int = 1) -> Answer:
        """Let the next free worker do a task; where its worker dies (but not: overruns) it may be tried again.

        Cancelling this drops a task that waits; one that a worker has begun ends by itself.

        Raises:
            TaskRefused, WorkerLost, WorkerOverran: as of `WorkerProcess.ask`.
        """
        while True:
            worker = await self._idle.get()
            if worker.lost.is_set():
                continue  # it died while nobody needed it
            attempts -= 1
            task = asyncio.ensure_future(self._use(worker, header, blobs, seconds))
            task.add_done_callback(_retrieve)
            try:
                return await asyncio.shield(task)
            except WorkerOverran:
                raise
            except WorkerLost:
                if not attempts:
                    raise

    async def _use(self, worker: WorkerProcess, header, blobs, seconds: float) -> Answer:
        try:
            answer = await worker.ask(header, blobs, seconds=seconds)
        except (TaskRefused, TaskFailed):
            self._idle.put_nowait(worker)
            raise
        except BaseException:  # as where the front has no memory for an answer: its pipe is in the middle of one
            worker.kill()
            raise
        self._idle.put_nowait(worker)  # where it is lost, its keeper puts another
        return answer

    async def _started(self) -> WorkerProcess:
        """A new worker, ready."""
        worker = self._make()
        self._starting.add(worker)
        try:
            await worker.start(self._start_seconds)
        finally:
            self._starting.discard(worker)
        self.greeting = worker.greeting
        self._workers.add(worker)
        self._idle.put_nowait(worker)
        self.ready.set()
        return worker

    async def _keep(self, worker: WorkerProcess) -> None:
        """Replace *worker*, and every one after it, as it ends."""
        while True:
            await worker.lost.wait()
            self._workers.discard(worker)
            if not self._workers:
                self.ready.clear()
            self._restarted()
            worker = await self._replacement()

    async def _replacement(self) -> WorkerProcess:
        pause = 0.0
        while True:
            try:
                return await self._started()
            except (TaskRefused, WorkerLost, OSError) as error:
                pause = min(LONGEST_PAUSE, 2 * pause or 0.5)
                logger.error("event=failed-to-start-a-worker pause=%g reason=%r", pause, str(error))
                await asyncio.sleep(pause)


def _retrieve(task: asyncio.Task[Optional[Answer]]) -> None:
    """Look at the exception of a task that nobody may wait for any more: asyncio complains otherwise."""
    if not task.cancelled():
        task.exception()
