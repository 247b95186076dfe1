"""Request bodies: read with limits on size and time, taken apart in memory; nothing of a client reaches the disk."""
from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import time
from typing import AsyncIterator, Dict, List, Optional

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from gluon_r2n2.serving.config import Limits
from gluon_r2n2.serving.errors import ApiError, ClientLeft
from gluon_r2n2.serving.metrics import Metrics

ENDED = "r2n2.ended"  # in a request's scope: whether its body was read to the end
DISCARD_SECONDS = 2.0  # to let a client end its body before it is told no: many see a reset connection otherwise


@dataclasses.dataclass
class Form:
    """A form's parts: files in their order, the other fields by name."""

    files: List[bytes] = dataclasses.field(default_factory=list)
    fields: Dict[str, str] = dataclasses.field(default_factory=dict)


class Uploads:
    """Reads bodies; knows how many bytes of them are in memory, over all requests."""

    def __init__(self, limits: Limits, metrics: Metrics):
        self._limits, self._metrics = limits, metrics
        self._held = 0

    @contextlib.asynccontextmanager
    async def form(self, request: Request, *, file_field: str, most_files: int,
                   fields: tuple) -> AsyncIterator[Form]:
        """The parts of a multipart body; their bytes count as held until the block ends.

        Raises:
            ApiError: another content type, malformed, a field that is not in *fields*, or above a limit.
            ClientLeft: the connection ended before the body did.
        """
        boundary = _boundary(request)
        collector = _Collector(self._limits, file_field, most_files, fields)
        async with self._counted() as count:
            try:
                parser = MultipartParser(boundary, collector.callbacks())
                async for chunk in self._chunks(request, self._limits.request_bytes):
                    count(len(chunk))
                    parser.write(chunk)
            except FormParserError:
                await self.refuse(request, _malformed("the body does not follow the rules of multipart/form-data"))
            except ApiError as error:
                await self.refuse(request, error)
            if not collector.ended:
                raise _malformed("the form is cut short: its last boundary is missing")
            yield collector.form

    @contextlib.asynccontextmanager
    async def body(self, request: Request, *, most: int) -> AsyncIterator[bytes]:
        """A body of at most *most* bytes as it is. Raises as `form`."""
        async with self._counted() as count:
            chunks = []
            try:
                async for chunk in self._chunks(request, most):
                    count(len(chunk))
                    chunks.append(chunk)
            except ApiError as error:
                await self.refuse(request, error)
            yield b"".join(chunks)

    async def refuse(self, request: Request, error: ApiError) -> None:
        """Raise *error*, after what the client is still sending was read and thrown away for a moment."""
        if error.status != 408:  # who is slow does not deserve the wait
            await linger(request.scope, request.receive, 2 * self._limits.request_bytes)
        error.close = True
        raise error

    @contextlib.asynccontextmanager
    async def _counted(self):
        mine = 0

        def count(size: int) -> None:
            nonlocal mine
            if self._held + size > self._limits.upload_bytes:
                raise ApiError(429, "queue_full", "the server holds as many bytes of requests as it may; send the "
                               "request again later", retry_after=2)
            mine += size
            self._held += size
            self._metrics.upload_bytes.set(self._held)

        try:
            yield count
        finally:
            self._held -= mine
            self._metrics.upload_bytes.set(self._held)

    async def _chunks(self, request: Request, most: int) -> AsyncIterator[bytes]:
        """The body piece by piece: at most *most* bytes, and not slower than the limits ask for."""
        length = request.headers.get("content-length", "0")
        if not length.isascii() or not length.isdigit():
            raise _malformed("the Content-Length is no number")
        too_large = ApiError(413, "too_large", f"the request is too large, at most {most} bytes are taken; scale the "
                             "pictures down or send fewer")
        if int(length) > most:
            raise too_large
        start, received = time.monotonic(), 0
        while True:
            seconds = min(self._limits.body_grace + received / self._limits.body_rate, self._limits.body_seconds)
            patience = seconds - (time.monotonic() - start)
            try:
                message = await asyncio.wait_for(request.receive(), max(patience, 0.001))
            except asyncio.TimeoutError:
                raise ApiError(408, "slow_body", "the body arrives too slowly; send it again over a faster "
                               "connection") from None
            if message["type"] == "http.disconnect":
                raise ClientLeft
            chunk = message.get("body", b"")
            request.scope[ENDED] = not message.get("more_body", False)
            received += len(chunk)
            if received > most:
                raise too_large
            if chunk:
                yield chunk
            if request.scope[ENDED]:
                return


class _Collector:
    """The callbacks of the multipart parser: builds a `Form`, refusing as soon as a limit is passed."""

    def __init__(self, limits: Limits, file_field: str, most_files: int, fields: tuple):
        self._limits, self._file_field, self._most_files, self._known = limits, file_field, most_files, fields
        self.form, self.ended = Form(), False
        self._begin()

    def callbacks(self):
        return {"on_part_begin": self._begin, "on_header_field": self._header_field,
                "on_header_value": self._header_value, "on_header_end": self._header_end,
                "on_headers_finished": self._headers_finished, "on_part_data": self._data,
                "on_part_end": self._part_end, "on_end": self._end}

    def _begin(self) -> None:
        self._headers: Dict[bytes, bytes] = {}
        self._header = [bytearray(), bytearray()]  # name, value of the one that is being read
        self._header_bytes = 0
        self._name: Optional[str] = None
        self._content = bytearray()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._add_header(0, data[start:end])

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._add_header(1, data[start:end])

    def _add_header(self, place: int, piece: bytes) -> None:
        self._header_bytes += len(piece)
        if self._header_bytes > self._limits.part_header_bytes:
            raise _malformed(f"the headers of a form's part are longer than {self._limits.part_header_bytes} bytes")
        self._header[place] += piece

    def _header_end(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value)
        self._header = [bytearray(), bytearray()]

    def _headers_finished(self) -> None:
        kind, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        name = options.get(b"name", b"").decode("utf-8", "replace")
        if kind != b"form-data" or not name:
            raise _malformed("a part of the form has no name")
        # a file is what comes in the file's field; its file name is never looked at
        if name == self._file_field:
            if len(self.form.files) >= self._most_files:
                raise ApiError(413, "too_many", f"the form holds more than {self._most_files} "
                               f"{'picture' if self._most_files == 1 else 'pictures'}; send fewer")
        elif name not in self._known:
            raise ApiError(422, "bad_field", f"the form has a field that is not known; known are {self._file_field}"
                           + "".join(f", {field}" for field in self._known))
        elif name in self.form.fields or len(self.form.fields) >= self._limits.fields:
            raise ApiError(422, "bad_field", f"the field {name} comes twice; give it once")
        self._name = name

    def _data(self, data: bytes, start: int, end: int) -> None:
        is_file = self._name == self._file_field
        most = self._limits.file_bytes if is_file else self._limits.field_bytes
        if len(self._content) + end - start > most:
            if not is_file:
                raise ApiError(422, "bad_field", f"the field {self._name} has more than {most} bytes")
            raise ApiError(413, "too_large", f"picture {len(self.form.files) + 1} has more than {most} bytes; scale it "
                           "down")
        self._content += data[start:end]

    def _part_end(self) -> None:
        if self._name == self._file_field:
            self.form.files.append(bytes(self._content))
        else:
            self.form.fields[self._name] = self._content.decode("utf-8", "replace")
        self._content = bytearray()

    def _end(self) -> None:
        self.ended = True


async def linger(scope, receive, most: int) -> None:
    """Read and throw away what the client is still sending, for a moment: before it is told no.

    Answered and closed in the middle of its body, a client sees a reset connection and no answer. One that waits for
    a "100 Continue" sends nothing before it is answered.
    """
    async def discard(left: int) -> None:
        while left > 0:
            message = await receive()
            if message["type"] == "http.disconnect" or not message.get("more_body", False):
                return
            left -= len(message.get("body", b""))

    if not scope.get(ENDED) and all(name != b"expect" for name, _ in scope["headers"]):
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(discard(most), DISCARD_SECONDS)


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind.lower() != b"multipart/form-data":
        raise ApiError(415, "not_a_form", "the body must be a form: send multipart/form-data")
    boundary = options.get(b"boundary", b"")
    if not 0 < len(boundary) <= 70:  # as RFC 2046, section 5.1.1, has it
        raise _malformed("the Content-Type of a form names a boundary of 1 to 70 characters")
    return boundary


def _malformed(message: str) -> ApiError:
    return ApiError(400, "bad_request", message)
