"""The server without HTTP: accepts work while there is room, and leads it through the worker processes."""
from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, AsyncGenerator, Awaitable, Dict, Iterator, Sequence, Set, TypeVar

from gluon_r2n2.errors import ModelError
from gluon_r2n2.serving.batching import Batcher, Grid
from gluon_r2n2.serving.config import Codecs, ServeConfig
from gluon_r2n2.serving.errors import ApiError, deadline_passed, draining, worker_lost
from gluon_r2n2.serving.metrics import Metrics
from gluon_r2n2.serving.workers import TaskRefused, WorkerLost, WorkerOverran, WorkerProcess
from gluon_r2n2.serving.workers import engine as engine_worker
from gluon_r2n2.serving.workers import pictures as picture_worker
from gluon_r2n2.serving.workers.pool import WorkerPool

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

MOST_RETRY = 120  # seconds, the longest Retry-After


class View:
    """A prepared picture: `image` (S, S, 3) uint8 bytes, what was done to it, PNG files of it where asked for."""

    def __init__(self, facts: Dict[str, Any], blobs: Sequence[bytes]):
        self.facts = facts  # note, method, warnings
        self.image, self.shown = blobs[0], blobs[1:]  # shown: the foreground, the input


class Service:
    """Worker processes, the queue before the engine, and the count of accepted requests.

    Args:
        codecs: the data side.
    """

    def __init__(self, config: ServeConfig, codecs: Codecs, metrics: Metrics):
        self.config, self.codecs, self.metrics = config, codecs, metrics
        self.model: Dict[str, Any] = {}  # what the engine said of it, once started
        self.accepted = 0
        self.draining = False
        self.idle = asyncio.Event()  # set while no accepted request is unanswered
        self.idle.set()
        self._running: Set[asyncio.Future] = set()  # what `within` waits for
        self._given_up = False
        self._since = 0.0  # time of the last answer, or from which on there was work again
        self._pace = 0.0  # seconds between two answers while there is work, a running mean
        # a thread for each worker, and one for each place that is being refilled
        self._threads = ThreadPoolExecutor(2 * config.workers + 2, thread_name_prefix="pipe")
        self._engine = WorkerPool(self._make_engine, 1, start_seconds=config.start_seconds,
                                  restarted=self._engine_restarted)
        self._pictures = WorkerPool(self._make_pictures, config.workers, start_seconds=config.start_seconds,
                                    restarted=metrics.worker_restarts.labels("pictures").inc)
        self._batcher = Batcher(self._engine, config, metrics)
        metrics.ready.set_function(lambda: float(self.ready))

    @property
    def ready(self) -> bool:
        """Whether new work is taken and all kinds of workers are there."""
        return not self.draining and self._engine.ready.is_set() and self._pictures.ready.is_set()

    async def start(self) -> None:
        """Start the workers and load the model.

        Raises:
            ModelError: the model cannot be loaded, or a worker process cannot be started here.
        """
        try:
            await asyncio.gather(self._engine.start(), self._pictures.start())
        except TaskRefused as error:
            raise ModelError(str(error)) from None
        except WorkerLost as error:
            raise ModelError(f"a worker process could not be started ({error}); look at what it printed above, and "
                             "whether the memory is large enough") from None
        self.model = {"name": Path(self.config.model).resolve().name, **self._engine.greeting}
        self._batcher.start()

    async def close(self) -> None:
        """End the workers."""
        self._batcher.close()
        self._engine.close()
        self._pictures.close()
        self._threads.shutdown(wait=False)

    def check_room(self) -> None:
        """Before a body is read: whether it would be worth it.

        Raises:
            ApiError: the server is being stopped (503), or has as many requests as it takes (429).
        """
        if self.draining:
            raise draining()
        if self.accepted >= self.config.queue:
            raise ApiError(429, "queue_full", f"the server is working on {self.accepted} requests, as many as it "
                           "takes; send the request again later", retry_after=self.retry_after())

    @contextlib.contextmanager
    def accepted_request(self) -> Iterator[None]:
        """A place among the accepted requests for as long as the block lasts. Raises as `check_room`."""
        self.check_room()
        self._count(+1)
        try:
            yield
        finally:
            self._count(-1)

    def retry_after(self) -> int:
        """Whole seconds until half of what is accepted now will be done, by the pace measured so far."""
        return min(MOST_RETRY, max(1, math.ceil(self._pace * self.accepted / 2)))

    async def prepare(self, picture: bytes, which: str, *, foreground: str, show: bool) -> View:
        """One picture -> network input. What refuses it begins with *which*, as in "picture 2: ".

        Raises:
            ApiError: no picture that is taken.
        """
        header = {"task": "prepare", "rules": self.model["preprocessing"], "foreground": foreground, "show": show}
        try:
            # twice: a worker that was killed for another reason must not count against the picture
            facts, blobs = await self._pictures.run(header, [picture], seconds=self.config.limits.decode_seconds,
                                                    attempts=2)
        except TaskRefused as refused:
            raise _refusal(refused, which) from None
        except WorkerOverran:
            raise ApiError(422, "slow_picture", f"{which}it takes too long to decode; save it as an "
                               "ordinary PNG or JPEG file") from None
        except WorkerLost:
            raise ApiError(422, "bad_picture", f"{which}it ends the program that decodes it; save it as an "
                               "ordinary PNG or JPEG file") from None
        return View(facts, blobs)

    async def reconstruct(self, views: Sequence[View], threshold: float) -> Grid:
        """Prepared views of one object, in order -> its grid."""
        return await self._batcher.reconstruct(_joined(views), len(views), threshold)

    def stream(self, views: Sequence[View], threshold: float) -> AsyncGenerator[Grid, None]:
        """As `reconstruct`, the grid after each view."""
        return self._batcher.stream(_joined(views), len(views), threshold)

    async def encode(self, grid: bytes, kind: str, *, exact: bool, threshold: float, options: Dict[str, Any],
                     views: Sequence[View] = ()) -> bytes:
        """A grid (V, V, V), float32 where *exact*, else uint8 in 255ths -> the file of one *kind*.

        Raises:
            ApiError: nothing reaches the threshold, or the surface is too large to be made.
        """
        header = {"task": "encode", "type": "float32" if exact else "uint8", "kind": kind, "threshold": threshold,
                  "resolution": self.model["resolution"], "input_size": self.model["preprocessing"]["input_size"],
                  "options": options}
        try:
            _, blobs = await self._pictures.run(header, [grid, _joined(views)] if views else [grid], attempts=2,
                                                seconds=self.config.limits.decode_seconds)
        except TaskRefused as refused:
            raise _refusal(refused) from None
        except WorkerOverran:
            raise ApiError(422, "slow_surface", "the surface takes too long to make; smooth it less, or raise the "
                               "threshold") from None
        except WorkerLost:
            raise worker_lost("the program that makes surfaces") from None
        return blobs[0]

    async def within(self, seconds: float, work: Awaitable[Result]) -> Result:
        """*work*, given up after *seconds*, or by `give_up`.

        Raises:
            ApiError: the deadline passed, or the server is being stopped.
        """
        task = asyncio.ensure_future(asyncio.wait_for(work, max(seconds, 0.001)))
        self._running.add(task)
        try:
            return await task
        except asyncio.TimeoutError:
            self.metrics.dropped.labels("deadline").inc()
            raise deadline_passed() from None
        except asyncio.CancelledError:
            if self._given_up:
                raise draining() from None
            raise
        finally:
            self._running.discard(task)

    def give_up(self) -> None:
        """Answer all accepted work with 503 now: the time to finish it is over."""
        self._given_up = True
        for task in self._running:
            task.cancel()

    def _count(self, change: int) -> None:
        now = time.monotonic()
        if change < 0:
            self._pace += (0.1 if self._pace else 1.0) * (now - self._since - self._pace)
        if change < 0 or not self.accepted:
            self._since = now
        self.accepted += change
        self.metrics.in_flight.set(self.accepted)
        self.idle.clear() if self.accepted else self.idle.set()

    def _engine_restarted(self) -> None:
        self.metrics.worker_restarts.labels("engine").inc()
        self._batcher.lost()

    def _make_engine(self) -> WorkerProcess:
        config = self.config
        environment = {"OMP_NUM_THREADS": str(config.threads)} if config.threads else {}
        return WorkerProcess("engine", engine_worker.main,
                             (config.model, config.engine, config.precision, config.threads),
                             environment=environment, threads=self._threads)

    def _make_pictures(self) -> WorkerProcess:
        # one thread: pictures share the processor by being decoded side by side
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        return WorkerProcess("pictures", picture_worker.main, (self.codecs, self.config.limits),
                             environment=dict.fromkeys(names, "1"), threads=self._threads)


def _refusal(refused: TaskRefused, which: str = "") -> ApiError:
    facts = refused.facts
    return ApiError(facts["status"], facts["reason"], which + facts["message"])


def _joined(views: Sequence[View]) -> bytes:
    return b"".join([view.image for view in views])
