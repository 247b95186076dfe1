"""The ASGI application: routes, their description, and what becomes of every exception."""
from __future__ import annotations

import hashlib
from typing import Any, Dict

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import gluon_r2n2
from gluon_r2n2.serving.errors import ApiError, ClientLeft
from gluon_r2n2.serving.page import PageFile, page_files
from gluon_r2n2.serving.service import Service
from gluon_r2n2.serving.web.fields import FIELDS, parameters
from gluon_r2n2.serving.web.guard import Guard, internal_error
from gluon_r2n2.serving.web.schemas import (
    ModelAnswer,
    ReconstructionAnswer,
    Status,
    ViewAnswer,
    file_answers,
    picture_form,
    refusals,
)
from gluon_r2n2.serving.web.uploads import Uploads
from gluon_r2n2.serving.web.work import NDJSON, STREAM, VIEW, Work

DESCRIPTION = """Pictures of one object in, a 3D model out. Every refusal is a status with
`{"error": {"code": "...", "message": "one sentence"}}`."""
PICTURE_REFUSALS = (400, 408, 413, 415, 422, 429, 500, 503)
GUARDED = (400, 403)  # of the guard, for every route with work


def create_app(service: Service) -> Guard:
    """The application around *service*, which need not have been started yet."""
    app = FastAPI(title="gluon-r2n2", version=gluon_r2n2.__version__, description=DESCRIPTION, docs_url=None,
                  redoc_url=None, openapi_url="/openapi.json", redirect_slashes=False)
    app.add_exception_handler(ApiError, _refused(service))
    app.add_exception_handler(ClientLeft, _left(service))
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, _failed)
    _add_facts(app, service)
    work = Work(service, Uploads(service.config.limits, service.metrics))
    _add_work(app, service, work)
    protected = {route.path for route in app.routes if route.path.startswith("/v1/")} - {"/v1/model"}
    for path, file in page_files().items():
        app.add_api_route(path, _page(file), methods=["GET"], include_in_schema=False)
    app.openapi = _document(app, service, protected)  # type: ignore[method-assign]
    return Guard(app, config=service.config, metrics=service.metrics, protected=protected,
                 paths=[route.path for route in app.routes])


def _add_facts(app: FastAPI, service: Service) -> None:
    """The routes that only say how things stand."""
    config, limits = service.config, service.config.limits

    async def healthz() -> Any:
        """Whether the process answers."""
        return {"status": "ok"}

    async def readyz() -> Any:
        """Whether new work is taken: 503 while workers start, are replaced, or the server is being stopped."""
        if not service.ready:
            raise ApiError(503, "draining" if service.draining else "not_ready",
                           "the server is being stopped" if service.draining else "worker processes are starting",
                           retry_after=5)
        return {"status": "ready"}

    async def metrics() -> Response:
        """Counts and times, for Prometheus."""
        return Response(generate_latest(service.metrics.registry), media_type=CONTENT_TYPE_LATEST)

    async def model() -> Any:
        """What the network is, and what may be sent to it."""
        facts = {name: service.model[name] for name in ("name", "engine", "precision", "resolution", "threshold",
                                                        "classes")}
        return {**facts, "input_size": service.model["preprocessing"]["input_size"],
                "formats": ["json", *service.codecs.formats], "foregrounds": FIELDS["foreground"]["enum"],
                "limits": {"views": limits.views, "file_bytes": limits.file_bytes,
                           "request_bytes": limits.request_bytes, "pixels": limits.pixels, "side": limits.side,
                           "timeout": config.timeout},
                "token_required": config.token is not None, "version": gluon_r2n2.__version__}

    app.add_api_route("/healthz", healthz, response_model=Status, operation_id="healthz", tags=["state"],
                      responses=refusals(500))
    app.add_api_route("/readyz", readyz, response_model=Status, operation_id="readyz", tags=["state"],
                      responses=refusals(500, 503))
    app.add_api_route("/metrics", metrics, response_class=Response, operation_id="metrics", tags=["state"],
                      responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}},
                                       "description": "the text format of Prometheus"}, **refusals(500)})
    app.add_api_route("/v1/model", model, response_model=ModelAnswer, operation_id="model", tags=["work"],
                      responses=refusals(400, 500))


def _add_work(app: FastAPI, service: Service, work: Work) -> None:
    """The routes that take pictures and grids."""
    limits, formats = service.config.limits, service.codecs.formats
    statuses = (*PICTURE_REFUSALS, *GUARDED, *((401,) if service.config.token is not None else ()))
    no_pictures = [status for status in statuses if status != 415]

    def form(file_field: str, most: int, fields: Dict[str, Any]) -> Dict[str, Any]:
        return picture_form(limits, file_field=file_field, most_files=most, fields=fields)

    app.add_api_route("/v1/views", work.views, methods=["POST"], response_class=JSONResponse, operation_id="view",
                      tags=["work"], responses={200: {"model": ViewAnswer}, **refusals(*statuses)},
                      openapi_extra=form("image", 1, VIEW))
    files = file_answers(formats)
    app.add_api_route("/v1/reconstructions", work.reconstructions, methods=["POST"], response_class=JSONResponse,
                      operation_id="reconstruct", tags=["work"], openapi_extra=form("images", limits.views,
                                                                                    work.reconstruction_fields),
                      responses={200: {"model": ReconstructionAnswer, "content": files,
                                       "description": "the probabilities as JSON, or the file"},
                                 **refusals(*statuses)})
    lines = {NDJSON: {"schema": {"type": "string", "format": "binary"}}}
    app.add_api_route("/v1/reconstructions/stream", work.stream, methods=["POST"], response_class=Response,
                      operation_id="stream", tags=["work"], openapi_extra=form("images", limits.views, STREAM),
                      responses={200: {"content": lines, "description": "events, one JSON object per line: view, grid, "
                                       "end, or error where something fails after the first"}, **refusals(*statuses)})
    grid = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {
        "type": "string", "format": "binary", "description": "the grid, resolution^3 bytes [x][y][z], 255 times the "
                                                             "probability"}}}},
            "parameters": parameters(work.surface_fields)}
    app.add_api_route("/v1/surfaces", work.surfaces, methods=["POST"], response_class=Response, operation_id="surface",
                      tags=["work"], openapi_extra=grid,
                      responses={200: {"content": files, "description": "the file"}, **refusals(*no_pictures)})


def _page(file: PageFile):
    tag = f'"{hashlib.sha256(file.content).hexdigest()[:32]}"'

    async def page(request: Request) -> Response:
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(file.content, media_type=file.media_type, headers=headers)

    return page


def _document(app: FastAPI, service: Service, protected):
    """What builds the OpenAPI document, once; with the token where one is wanted."""
    def document() -> Dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            if service.config.token is not None:
                schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
                for path in protected:
                    for operation in schema["paths"][path].values():
                        operation["security"] = [{"token": []}]
            app.openapi_schema = schema
        return app.openapi_schema

    return document


def _refused(service: Service):
    async def answer(request: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)
        service.metrics.refused.labels(error.code).inc()
        return JSONResponse(error.body, error.status, error.headers)

    return answer


def _left(service: Service):
    async def answer(request: Request, error: Exception) -> Response:
        service.metrics.dropped.labels("left").inc()
        return Response(status_code=499)  # nobody reads it; for the log (nginx's number)

    return answer


async def _no_route(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        refusal = ApiError(405, "method_not_allowed", "this path does not take this method; see /openapi.json")
    else:
        refusal = ApiError(error.status_code, "not_found", "there is nothing at this path; see /openapi.json")
    return JSONResponse(refusal.body, refusal.status, error.headers)


async def _failed(request: Request, error: Exception) -> Response:
    return internal_error(request.scope["r2n2.id"])  # the guard, to which the error goes on, logs it
