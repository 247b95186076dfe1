"""Below HTTP: connections that do nothing, or too slowly, are closed; what is no HTTP is answered like all else."""
from __future__ import annotations

import json
from typing import Type

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from gluon_r2n2.serving.config import Limits
from gluon_r2n2.serving.web.guard import HEADERS


def protocol_class(limits: Limits) -> Type[H11Protocol]:
    """uvicorn's protocol with a time limit on a request's line and headers, and on answers that nobody reads."""

    class Protocol(H11Protocol):
        _owing = None  # timer: until the client has ended its headers, or a body that was answered before its end
        _unread = None  # timer: until the client has taken what was sent
        _left = 0  # bytes that it had not taken when that timer began

        def connection_made(self, transport) -> None:
            super().connection_made(transport)
            if len(self.connections) > limits.connections:
                transport.abort()
                return
            # every byte that waits for the client counts: the end of an answer, too, keeps a closing connection open
            transport.set_write_buffer_limits(0)
            self._owing = self.loop.call_later(limits.header_seconds, self._too_slow)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.our_state in (h11.SEND_RESPONSE, h11.SEND_BODY):  # a request is being worked on
                self._stop_owing()
            elif self._owing is None:  # uvicorn waits for the first byte after an answer, and then no more
                self._owing = self.loop.call_later(limits.header_seconds, self._too_slow)

        def connection_lost(self, exc) -> None:
            self._stop_owing()
            self._stop_watching()
            super().connection_lost(exc)

        def pause_writing(self) -> None:
            super().pause_writing()
            if self._unread is None:
                self._watch()

        def resume_writing(self) -> None:
            super().resume_writing()
            self._stop_watching()

        def send_400_response(self, msg: str) -> None:
            if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):  # in a body whose answer has begun
                self.transport.abort()
                return
            body = json.dumps({"error": {"code": "bad_request", "message": "this is no HTTP request, or its headers "
                                         "are too long"}}).encode()
            headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            headers += [(b"content-type", b"application/json"), (b"connection", b"close"),
                        (b"content-length", str(len(body)).encode())]
            event = h11.Response(status_code=400, headers=headers, reason=b"Bad Request")
            for part in (event, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(part))
            self.transport.close()

        def _too_slow(self) -> None:
            self._owing = None
            self.transport.abort()

        def _watch(self) -> None:
            self._left = self.transport.get_write_buffer_size()
            self._unread = self.loop.call_later(limits.send_seconds, self._judge)

        def _judge(self) -> None:
            """A large answer may take long, but must be read as fast as a body must arrive."""
            if self._left - self.transport.get_write_buffer_size() < limits.send_seconds * limits.body_rate:
                self.transport.abort()
            else:
                self._watch()

        def _stop_owing(self) -> None:
            if self._owing is not None:
                self._owing.cancel()
                self._owing = None

        def _stop_watching(self) -> None:
            if self._unread is not None:
                self._unread.cancel()
                self._unread = None

    return Protocol
