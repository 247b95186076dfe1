"""The front process: uvicorn around the application, from the first worker's start to the last answer after SIGTERM."""
from __future__ import annotations

import asyncio
import logging
import signal
import socket
from typing import Callable, Optional

import uvicorn

from gluon_r2n2.serving.app import create_app
from gluon_r2n2.serving.config import BACKLOG, Codecs, ServeConfig
from gluon_r2n2.serving.metrics import Metrics
from gluon_r2n2.serving.service import Service
from gluon_r2n2.serving.web.protocol import protocol_class

logger = logging.getLogger(__name__)
LAST_SECONDS = 5  # for connections to close, after the last answer


def serve(config: ServeConfig, codecs: Codecs, listening: socket.socket, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, then finish what was accepted.

    Args:
        listening: a bound socket.
        announce: called with the engine's name when requests are answered.

    Raises:
        ModelError: the model cannot be loaded.
    """
    # until uvicorn takes the signal over, as Ctrl-C: a container's first process would not end by it otherwise
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    asyncio.run(_serve(config, codecs, listening, announce))


async def _serve(config: ServeConfig, codecs: Codecs, listening: socket.socket,
                 announce: Callable[[str], None]) -> None:
    service = Service(config, codecs, Metrics())
    try:
        await service.start()
        settings = uvicorn.Config(
            create_app(service), http=protocol_class(config.limits), ws="none", loop="asyncio", lifespan="off",
            log_config=None, access_log=False, server_header=False, proxy_headers=False,
            h11_max_incomplete_event_size=config.limits.header_bytes, timeout_graceful_shutdown=LAST_SECONDS,
            backlog=BACKLOG)
        await DrainingServer(settings, service, announce).serve(sockets=[listening])
    finally:
        await service.close()


class DrainingServer(uvicorn.Server):
    """uvicorn, but the first signal leaves the port open: while accepted work is finished, new work is told 503."""

    def __init__(self, settings: uvicorn.Config, service: Service, announce: Callable[[str], None]):
        super().__init__(settings)
        self._service, self._announce = service, announce
        self._loop = asyncio.get_running_loop()
        self._drain: Optional[asyncio.Task[None]] = None

    async def startup(self, sockets=None) -> None:
        await super().startup(sockets)
        self._announce(self._service.model["engine"])

    def handle_exit(self, sig: int, frame) -> None:
        """uvicorn's handler of SIGINT and SIGTERM, called between any two lines of the program."""
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        if self._drain is not None:  # told twice: at once
            self._drain.cancel()
            self._end()
            return
        self._service.draining = True
        logger.info("event=draining accepted=%d", self._service.accepted)
        self._drain = asyncio.ensure_future(self._finish())

    async def _finish(self) -> None:
        try:
            await asyncio.wait_for(self._service.idle.wait(), self._service.config.drain)
        except asyncio.TimeoutError:
            logger.warning("event=drain-timeout accepted=%d", self._service.accepted)
        self._end()

    def _end(self) -> None:
        self._service.give_up()
        self.should_exit = True
