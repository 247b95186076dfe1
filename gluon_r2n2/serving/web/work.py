"""The routes that do work: pictures in, what was found in them and 3D models out."""
from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import time
from typing import Any, AsyncGenerator, AsyncIterator, Awaitable, Dict, List, Sequence, TypeVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from gluon_r2n2.serving.batching import Grid
from gluon_r2n2.serving.errors import ApiError, ClientLeft
from gluon_r2n2.serving.service import Service, View
from gluon_r2n2.serving.web.fields import FIELDS, SURFACE, bad_field, format_field, parse
from gluon_r2n2.serving.web.schemas import MEDIA_TYPES
from gluon_r2n2.serving.web.uploads import Form, Uploads

Result = TypeVar("Result")

VIEW = {name: FIELDS[name] for name in ("foreground", "timeout")}
STREAM = {name: FIELDS[name] for name in ("threshold", "foreground", "timeout")}
NDJSON = "application/x-ndjson"


class Work:
    """The handlers; each takes a place among the accepted requests when it has read the body."""

    def __init__(self, service: Service, uploads: Uploads):
        self._service, self._uploads = service, uploads
        kinds = service.codecs.formats
        surface = {name: FIELDS[name] for name in SURFACE}
        self.reconstruction_fields = {"format": format_field(("json", *kinds), default="json"), **STREAM, **surface}
        self.surface_fields = {"format": format_field(kinds, default="glb"), "threshold": FIELDS["threshold"],
                               **surface}

    async def views(self, request: Request) -> Response:
        """What the network would see of one picture, and which part of it was taken for the object."""
        async with self._form(request, "image", 1, VIEW) as form:
            options = parse(form.fields.items(), VIEW)
            view = await self._in_time(request, options, self._service.prepare(
                form.files[0], "", foreground=options["foreground"], show=True))
            return JSONResponse(shown(view))

    async def reconstructions(self, request: Request) -> Response:
        """A 3D model from pictures of one object: the probabilities as JSON, or a file."""
        fields = self.reconstruction_fields
        async with self._form(request, "images", self._most, fields) as form:
            options = self._options(form.fields.items(), fields)
            return await self._in_time(request, options, self._reconstruct(form, options))

    async def stream(self, request: Request) -> Response:
        """As /v1/reconstructions, one JSON object per line: each picture as it is found, each grid as it is known."""
        events = self._events(request)
        try:
            first = await events.__anext__()  # what is refused before it is refused with a status of its own
        except BaseException:
            await events.aclose()
            raise
        return EventStream(first, events)

    async def surfaces(self, request: Request) -> Response:
        """A grid, as /v1/reconstructions gave it, with a threshold -> a file."""
        options = self._options(request.query_params.multi_items(), self.surface_fields)
        size = self._service.model["resolution"] ** 3
        await self._room(request)
        async with self._uploads.body(request, most=size) as grid:
            if len(grid) != size:
                raise ApiError(422, "bad_grid", f"the body must be the grid, {size} bytes, got {len(grid)}")
            with self._service.accepted_request():
                return await self._in_time(request, options, self._file(grid, options, exact=False))

    @property
    def _most(self) -> int:
        return self._service.config.limits.views

    @contextlib.asynccontextmanager
    async def _form(self, request: Request, file_field: str, most: int, fields) -> AsyncIterator[Form]:
        """An accepted request's form. A place is taken once it is there: slow clients keep none from others."""
        await self._room(request)
        async with self._uploads.form(request, file_field=file_field, most_files=most, fields=tuple(fields)) as form:
            if not form.files:
                raise bad_field(f"the form holds no picture; send one in the field {file_field}")
            with self._service.accepted_request():
                yield form

    async def _room(self, request: Request) -> None:
        try:
            self._service.check_room()
        except ApiError as error:
            await self._uploads.refuse(request, error)

    def _options(self, given, fields) -> Dict[str, Any]:
        return {"threshold": self._service.model["threshold"], **parse(given, fields)}

    def _seconds(self, options: Dict[str, Any]) -> float:
        return min(options.get("timeout", self._service.config.timeout), self._service.config.timeout)

    async def _in_time(self, request: Request, options: Dict[str, Any], work: Awaitable[Result]) -> Result:
        return await self._service.within(self._seconds(options), unless_left(request, work))

    async def _reconstruct(self, form: Form, options: Dict[str, Any]) -> Response:
        async with self._preparing(form, options, show=False) as tasks:
            views = list(await asyncio.gather(*tasks))
        grid = await self._service.reconstruct(views, options["threshold"])
        if options["format"] != "json":
            return await self._file(grid.exact, options, exact=True, views=views)
        return JSONResponse({"resolution": self._service.model["resolution"], "threshold": options["threshold"],
                             "occupied": grid.occupied, "probabilities": base64.b64encode(grid.rounded).decode(),
                             "views": [view.facts for view in views], "warnings": grid.warnings})

    async def _file(self, grid: bytes, options: Dict[str, Any], *, exact: bool,
                    views: Sequence[View] = ()) -> Response:
        kind = options["format"]
        surface = {name: options[name] for name in SURFACE if name in options}
        content = await self._service.encode(grid, kind, exact=exact, threshold=options["threshold"], options=surface,
                                             views=views if kind == "npz" else ())
        return Response(content, media_type=MEDIA_TYPES[kind],
                        headers={"Content-Disposition": f'attachment; filename="model.{kind}"'})

    @contextlib.asynccontextmanager
    async def _preparing(self, form: Form, options, *, show: bool) -> AsyncIterator[List[asyncio.Task[View]]]:
        """All pictures on their way at once; what is not needed any more when the block ends is dropped."""
        tasks = [asyncio.ensure_future(self._service.prepare(picture, f"picture {number}: ", show=show,
                                                             foreground=options["foreground"]))
                 for number, picture in enumerate(form.files, 1)]
        try:
            yield tasks
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _events(self, request: Request) -> AsyncGenerator[bytes, None]:
        """The lines of a stream. What fails before the first is raised, later it is the last line."""
        begun = False
        try:
            async with self._form(request, "images", self._most, STREAM) as form:
                start = time.monotonic()
                options = self._options(form.fields.items(), STREAM)
                end = start + self._seconds(options)
                async with self._preparing(form, options, show=True) as tasks:
                    views = []
                    for index, task in enumerate(tasks):
                        views.append(await self._before(end, request, task))
                        begun = True
                        yield line(event="view", index=index, **shown(views[-1]))
                grids = self._service.stream(views, options["threshold"])
                async with contextlib.AsyncExitStack() as stack:
                    stack.push_async_callback(grids.aclose)
                    for count in range(1, len(views) + 1):
                        grid: Grid = await self._before(end, request, grids.__anext__())
                        yield line(event="grid", views=count, occupied=grid.occupied,
                                   probabilities=base64.b64encode(grid.rounded).decode())
                yield line(event="end", threshold=options["threshold"], seconds=round(time.monotonic() - start, 4),
                           warnings=grid.warnings)
        except ApiError as error:
            if not begun:
                raise
            self._service.metrics.refused.labels(error.code).inc()
            yield line(event="error", **error.body)
        except (asyncio.CancelledError, GeneratorExit, ClientLeft):
            if begun:  # else it is counted as every other request is
                self._service.metrics.dropped.labels("left").inc()
            raise

    async def _before(self, end: float, request: Request, work: Awaitable[Result]) -> Result:
        return await self._service.within(end - time.monotonic(), unless_left(request, work))


class EventStream(StreamingResponse):
    """A first line and the rest of them; the rest is closed whatever happens to the connection.

    Sends by itself: Starlette would cancel the sending task again and again when the client leaves, also while the
    rest is being closed.
    """

    def __init__(self, first: bytes, rest):
        super().__init__(rest, media_type=NDJSON)
        self._first, self._rest = first, rest

    async def __call__(self, scope, receive, send) -> None:
        async def body(content: bytes, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": content, "more_body": more})

        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await body(self._first)
            async for event in self._rest:
                await body(event)
            await body(b"", more=False)
        except (ClientLeft, OSError):
            pass  # counted where it was noticed
        finally:
            await self._rest.aclose()


async def unless_left(request: Request, work: Awaitable[Result]) -> Result:
    """Wait for *work*; drop it when the client closes its connection.

    Raises:
        ClientLeft: it did.
    """
    task, left = asyncio.ensure_future(work), asyncio.ensure_future(_left(request))
    try:
        await asyncio.wait({task, left}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientLeft
        return task.result()
    finally:
        for waiting in (task, left):
            waiting.cancel()
        await asyncio.gather(task, left, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def shown(view: View) -> Dict[str, Any]:
    """A view's facts with its pictures as data URLs."""
    foreground, seen = ["data:image/png;base64," + base64.b64encode(png).decode() for png in view.shown]
    return {**view.facts, "foreground": foreground, "input": seen}


def line(**facts: Any) -> bytes:
    """One line of a stream."""
    return json.dumps(facts).encode() + b"\n"
