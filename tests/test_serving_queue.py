"""The queue before the engine and the count of accepted requests, with an engine that is a function."""
from __future__ import annotations

import asyncio
from unittest import mock

import pytest

pytest.importorskip("fastapi", reason="fastapi is not installed: there is no server to test")
pytest.importorskip("prometheus_client", reason="prometheus_client is not installed: there is no server to test")

from gluon_r2n2.serving.batching import Batcher  # noqa: E402
from gluon_r2n2.serving.config import ServeConfig  # noqa: E402
from gluon_r2n2.serving.errors import ApiError  # noqa: E402
from gluon_r2n2.serving.metrics import Metrics  # noqa: E402
from gluon_r2n2.serving.service import Service  # noqa: E402
from gluon_r2n2.serving.workers import WorkerLost  # noqa: E402
from gluon_r2n2_tools.serve_codecs import CODECS  # noqa: E402


class FakePool:
    """An engine that answers when told to, and remembers what it was asked."""

    def __init__(self):
        self.asked, self.ready, self.go = [], asyncio.Event(), asyncio.Event()
        self.ready.set()
        self.die = False

    async def run(self, header, blobs, *, seconds):
        self.asked.append((header, list(blobs)))
        await self.go.wait()
        await turns()  # it takes its time
        if self.die:
            raise WorkerLost("killed")
        count = len(header.get("thresholds", [0]))
        results = [{"occupied": number, "warnings": []} for number in range(count)]
        return {"results": results}, [b"%d" % number for number in range(2 * count)]


def with_batcher(test, **options):
    """Run the coroutine function *test* with a Batcher and its FakePool."""
    async def run():
        pool = FakePool()
        batcher = Batcher(pool, ServeConfig("none", batch_window=0.02, **options), Metrics())
        batcher.start()
        try:
            await test(batcher, pool)
        finally:
            batcher.close()

    asyncio.run(run())


async def turns(count=20):
    """Let everything run that can."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_batch_is_bounded_by_objects_and_by_views():
    async def test(batcher, pool):
        pool.go.set()
        jobs = [asyncio.ensure_future(batcher.reconstruct(b"v", count, 0.5)) for count in (24, 24, 24, 1, 1, 1)]
        grids = await asyncio.gather(*jobs)
        # the third would make 72 views; a batch has room for four objects
        assert [len(blobs) for _, blobs in pool.asked] == [4, 2]
        assert [grid.occupied for grid in grids] == [0, 1, 0, 2, 3, 1]
        assert grids[1].exact == b"2" and grids[1].rounded == b"3"

    with_batcher(test, max_batch=4, max_batch_views=50)


def test_what_was_cancelled_while_it_waited_is_not_computed():
    async def test(batcher, pool):
        first = asyncio.ensure_future(batcher.reconstruct(b"first", 1, 0.5))
        await asyncio.sleep(0.1)  # longer than the window: it is with the engine
        others = [asyncio.ensure_future(batcher.reconstruct(b"%d" % number, 1, 0.5)) for number in range(3)]
        await turns()
        others[1].cancel()
        await turns()
        pool.go.set()
        await asyncio.gather(first, others[0], others[2])
        assert [blobs for _, blobs in pool.asked] == [[b"first"], [b"0", b"2"]]

    with_batcher(test)


def test_objects_go_between_the_steps_of_a_stream():
    async def test(batcher, pool):
        async def whole():
            return [grid.occupied async for grid in batcher.stream(b"views", 3, 0.5)]

        stream = asyncio.ensure_future(whole())
        await turns()
        one = asyncio.ensure_future(batcher.reconstruct(b"one", 1, 0.5))
        await turns()
        pool.go.set()
        assert await stream == [0, 0, 0]
        await one
        assert [header["task"] for header, _ in pool.asked] == ["step", "batch", "step", "step"]
        assert [blobs for header, blobs in pool.asked if header["task"] == "step"] == [[b"views"], [], []]
        assert [header["last"] for header, _ in pool.asked if header["task"] == "step"] == [False, False, True]

    with_batcher(test)


def test_a_stream_that_has_begun_does_not_wait_for_the_whole_queue_again():
    async def test(batcher, pool):
        async def whole(views):
            return [grid async for grid in batcher.stream(views, 4, 0.5)]

        streams = [asyncio.ensure_future(whole(views)) for views in (b"a", b"b")]
        await turns()
        objects = [asyncio.ensure_future(batcher.reconstruct(b"%d" % number, 1, 0.5)) for number in range(20)]
        await turns()
        pool.go.set()
        await asyncio.gather(*streams, *objects)
        last = max(place for place, (header, _) in enumerate(pool.asked) if header["task"] == "step")
        assert sum(header["task"] == "batch" for header, _ in pool.asked[:last]) <= 4 < len(pool.asked) - last

    with_batcher(test, max_batch=1)


def test_a_defect_leaves_nobody_of_a_batch_waiting():
    async def test(batcher, pool):
        pool.go.set()
        pool.run = mock.AsyncMock(side_effect=RuntimeError("a defect"))
        jobs = [batcher.reconstruct(b"v", 1, 0.5) for _ in range(3)]
        errors = await asyncio.wait_for(asyncio.gather(*jobs, return_exceptions=True), 60)
        assert [error.status for error in errors] == [500] * 3

    with_batcher(test)


def test_a_stream_that_is_left_is_forgotten_by_the_engine():
    async def test(batcher, pool):
        pool.go.set()
        left = batcher.stream(b"left", 3, 0.5)
        await left.__anext__()
        await left.aclose()
        await batcher.stream(b"other", 1, 0.5).__anext__()
        assert pool.asked[1][0]["forget"] == [pool.asked[0][0]["id"]]

    with_batcher(test)


def test_a_lost_engine_fails_its_batch_and_its_streams():
    async def test(batcher, pool):
        pool.go.set()
        stream = batcher.stream(b"views", 3, 0.5)
        await stream.__anext__()
        pool.die = True
        with pytest.raises(ApiError) as caught:
            await batcher.reconstruct(b"one", 1, 0.5)
        assert (caught.value.status, caught.value.code) == (503, "worker_lost")
        pool.die = False
        batcher.lost()  # as the pool says when it replaces the process
        with pytest.raises(ApiError) as caught:
            await stream.__anext__()
        assert caught.value.code == "worker_lost" and len(pool.asked) == 2  # the new engine was not asked
        assert (await batcher.reconstruct(b"one", 1, 0.5)).occupied == 0

    with_batcher(test)


def test_requests_wait_for_an_engine_that_is_being_replaced():
    async def test(batcher, pool):
        pool.go.set()
        pool.ready.clear()
        job = asyncio.ensure_future(batcher.reconstruct(b"one", 1, 0.5))
        await asyncio.sleep(0.1)
        assert not pool.asked
        pool.ready.set()
        await job

    with_batcher(test)


def test_when_time_is_up_accepted_work_is_told_so():
    async def run():
        service = Service(ServeConfig("none", queue=2), CODECS, Metrics())
        with service.accepted_request():
            task = asyncio.ensure_future(service.within(60, asyncio.sleep(60)))
            await turns()
            service.give_up()
            with pytest.raises(ApiError) as caught:
                await task
        assert caught.value.code == "draining" and service.idle.is_set()
        task = asyncio.ensure_future(service.within(60, asyncio.sleep(60)))
        with pytest.raises(ApiError, match="deadline"):
            await service.within(0.01, asyncio.sleep(60))
        task.cancel()
        await service.close()

    asyncio.run(run())


def test_retry_after_follows_the_pace(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("gluon_r2n2.serving.service.time.monotonic", lambda: now[0])

    async def run():
        service = Service(ServeConfig("none", queue=9), CODECS, Metrics())
        assert service.retry_after() == 1  # nothing measured yet
        now[0] += 1000  # without work: does not count
        places = [service.accepted_request() for _ in range(9)]
        for place in places:
            place.__enter__()
        with pytest.raises(ApiError) as caught, service.accepted_request():
            pass
        assert caught.value.status == 429
        for place in places[:-1]:
            now[0] += 8
            place.__exit__(None, None, None)
        busy = [service.accepted_request() for _ in range(8)]
        for place in busy:
            place.__enter__()
        assert service.retry_after() == 9 * 8 / 2  # half of them
        await service.close()

    asyncio.run(run())
