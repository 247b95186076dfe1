"""Before the engine's process: waiting objects are computed together, streams take turns with them view by view."""
from __future__ import annotations

import asyncio
import collections
import itertools
import logging
import time
from typing import Any, AsyncGenerator, Deque, Dict, List, Optional, Sequence

from gluon_r2n2.serving.config import ServeConfig
from gluon_r2n2.serving.errors import ApiError, worker_lost
from gluon_r2n2.serving.metrics import Metrics
from gluon_r2n2.serving.workers import TaskRefused, WorkerLost
from gluon_r2n2.serving.workers.pool import WorkerPool

logger = logging.getLogger(__name__)


class Grid:
    """One result: `exact` (V, V, V) float32 bytes, `rounded` uint8 bytes in 255ths, `occupied` cells, `warnings`."""

    def __init__(self, exact: bytes, rounded: bytes, occupied: int, warnings: Sequence[str]):
        self.exact, self.rounded, self.occupied, self.warnings = exact, rounded, occupied, list(warnings)


class Job:
    """An object that waits for the engine, or one view of a stream. Cancelling `result` takes it out of the queue."""

    def __init__(self, views: bytes, count: int, threshold: float, result: asyncio.Future[Grid], *,
                 stream: Optional[int] = None, last: bool = True):
        self.views, self.count, self.threshold, self.result = views, count, threshold, result
        self.stream, self.last = stream, last

    @property
    def continues(self) -> bool:
        """Whether it is a stream's view after the first."""
        return self.stream is not None and not self.views


class Batcher:
    """The queue of one engine.

    Args:
        pool: of one worker, `workers.engine`.
    """

    def __init__(self, pool: WorkerPool, config: ServeConfig, metrics: Metrics):
        self._pool, self._config, self._metrics = pool, config, metrics
        self._waiting: Deque[Job] = collections.deque()  # the next views of streams that have begun, then all else
        self._arrived = asyncio.Event()
        self._names = itertools.count()
        self._open: Dict[int, int] = {}  # streams that the engine holds -> the generation of the engine that began them
        self._forget: List[int] = []  # streams that ended early, to be told with the next step
        self._generation = 0
        self._task: Optional[asyncio.Task[None]] = None

    def start(self) -> None:
        """Begin to serve the queue."""
        self._task = asyncio.ensure_future(self._serve())

    def close(self) -> None:
        """Stop; jobs that wait are not answered any more."""
        if self._task is not None:
            self._task.cancel()

    def lost(self) -> None:
        """The engine's process was replaced: the streams that it held are gone."""
        self._generation += 1
        self._forget.clear()

    async def reconstruct(self, views: bytes, count: int, threshold: float) -> Grid:
        """One object's *count* views (T, S, S, 3) uint8 -> its grid, computed with others that wait.

        Raises:
            ApiError: the engine's process was lost.
        """
        return await self._add(Job(views, count, threshold, asyncio.get_running_loop().create_future()))

    async def stream(self, views: bytes, count: int, threshold: float) -> AsyncGenerator[Grid, None]:
        """As `reconstruct`; an asynchronous iterator over the grids after each view.

        A stream that has begun goes before what has not: otherwise its last view would wait once for the whole queue
        with each view. Another job goes in between wherever the engine would wait for the next view to be asked for.
        """
        name = next(self._names)
        done = 0
        try:
            while done < count:
                job = Job(views if not done else b"", 1, threshold, asyncio.get_running_loop().create_future(),
                          stream=name, last=done + 1 == count)
                grid = await self._add(job)
                done += 1
                yield grid
        finally:
            if done < count and self._open.pop(name, None) == self._generation:
                self._forget.append(name)
            self._open.pop(name, None)

    async def _add(self, job: Job) -> Grid:
        begun = sum(1 for other in self._waiting if other.continues) if job.continues else len(self._waiting)
        self._waiting.insert(begun, job)
        self._metrics.queue_length.set(len(self._waiting))
        self._arrived.set()
        try:
            return await job.result
        finally:
            if job in self._waiting:  # cancelled: the client left, or its time is over
                self._waiting.remove(job)
                self._metrics.queue_length.set(len(self._waiting))

    async def _serve(self) -> None:
        while True:
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            await self._pool.ready.wait()
            if not self._waiting:  # all left while the engine was replaced
                continue
            jobs = [self._take()]
            try:
                await (self._batch(jobs) if jobs[0].stream is None else self._step(jobs[0]))
            except Exception:  # a defect of ours must not end the queue, nor leave anybody waiting
                logger.exception("event=engine-queue")
                self._fail(jobs, ApiError(500, "internal", "the server failed; its log has the details"))

    def _take(self, place: int = 0) -> Job:
        job = self._waiting[place]
        del self._waiting[place]
        self._metrics.queue_length.set(len(self._waiting))
        return job

    async def _batch(self, jobs: List[Job]) -> None:
        """Compute the one of *jobs* with as many objects as arrive within the window, which are added to it."""
        views = jobs[0].count
        end = time.monotonic() + self._config.batch_window
        while len(jobs) < self._config.max_batch:
            place = next((place for place, job in enumerate(self._waiting) if job.stream is None
                          and views + job.count <= self._config.max_batch_views), None)
            if place is not None:
                jobs.append(self._take(place))
                views += jobs[-1].count
                continue
            remaining = end - time.monotonic()
            if remaining <= 0 or self._waiting:  # what waits now cannot join: a stream, or too many views
                break
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), remaining)
            except asyncio.TimeoutError:
                break
        jobs = [job for job in jobs if not job.result.done()]  # those whose client left within the window
        if not jobs:
            return
        header = {"task": "batch", "thresholds": [job.threshold for job in jobs]}
        answer = await self._ask(jobs, header, [job.views for job in jobs])
        if answer is not None:
            facts, blobs = answer
            for job, result, exact, rounded in zip(jobs, facts["results"], blobs[::2], blobs[1::2]):
                if not job.result.done():
                    job.result.set_result(Grid(exact, rounded, **result))

    async def _step(self, job: Job) -> None:
        """One view of a stream."""
        if job.result.done():
            return
        if job.views:
            self._open[job.stream] = self._generation
        elif self._open.get(job.stream) != self._generation:  # the engine that held it died between two views
            self._fail([job], worker_lost("the engine"))
            return
        header: Dict[str, Any] = {"task": "step", "id": job.stream, "last": job.last, "threshold": job.threshold,
                                  "forget": self._forget[:]}
        self._forget.clear()
        answer = await self._ask([job], header, [job.views] if job.views else [])
        if answer is not None and not job.result.done():
            facts, blobs = answer
            job.result.set_result(Grid(*blobs, **facts["results"][0]))

    async def _ask(self, jobs: List[Job], header, blobs):
        """The engine's answer, measured; None where it was lost, which the jobs are told."""
        self._metrics.batch_objects.observe(len(jobs))
        self._metrics.batch_views.observe(sum(job.count for job in jobs))
        start = time.monotonic()
        try:
            answer = await self._pool.run(header, blobs, seconds=self._config.engine_seconds)
        except WorkerLost:
            self._fail(jobs, worker_lost("the engine"))
            return None
        except TaskRefused as error:
            logger.error("event=engine-refused reason=%r", str(error))
            self._fail(jobs, ApiError(500, "internal", "the server failed; its log has the details"))
            return None
        self._metrics.engine_seconds.observe(time.monotonic() - start)
        return answer

    @staticmethod
    def _fail(jobs: List[Job], error: ApiError) -> None:
        for job in jobs:
            if not job.result.done():
                job.result.set_exception(error)
