"""Around the whole application: who may call, what every answer carries, and one line and one count per request."""
from __future__ import annotations

import hmac
import logging
import secrets
import time
from typing import Dict, Iterable, List, Optional, Set, Tuple
from urllib.parse import urlsplit

from starlette.responses import JSONResponse

from gluon_r2n2.serving.config import ServeConfig
from gluon_r2n2.serving.errors import ApiError, ClientLeft
from gluon_r2n2.serving.metrics import Metrics
from gluon_r2n2.serving.web.uploads import linger

logger = logging.getLogger(__name__)
access = logging.getLogger(f"{__name__}.access")

OPEN = ("/healthz", "/readyz", "/metrics")  # what probes and collectors ask, by whatever name they know the server
METHODS = ("GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT")
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "cache-control": "no-store",  # unless an answer says otherwise
}


class Guard:
    """ASGI middleware.

    Args:
        app: the application.
        paths: all its paths, the labels of the metrics; other paths count as "other".
        protected: those that want the token.
    """

    def __init__(self, app, *, config: ServeConfig, metrics: Metrics, paths: Iterable[str], protected: Iterable[str]):
        self._app, self._config, self._metrics = app, config, metrics
        self._paths: Set[str] = set(paths)
        self._protected: Set[str] = set(protected)

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # no web sockets
        start, identity = time.monotonic(), secrets.token_hex(6)
        scope["r2n2.id"] = identity
        answer: Dict[str, int] = {}

        async def guarded(message) -> None:
            if message["type"] == "http.response.start":
                answer["status"] = message["status"]
                message = {**message, "headers": with_headers(message.get("headers", []))}
            elif message["type"] == "http.response.body":
                answer["bytes"] = answer.get("bytes", 0) + len(message.get("body", b""))
            await send(message)

        try:
            refusal = self._refusal(scope)
            if refusal is not None:
                self._metrics.refused.labels(refusal.code).inc()
                await linger(scope, receive, self._config.limits.request_bytes)
                response = JSONResponse(refusal.body, refusal.status, {**refusal.headers, "Connection": "close"})
                await response(scope, receive, guarded)
            else:
                await self._app(scope, receive, guarded)
        except ClientLeft:
            self._metrics.dropped.labels("left").inc()
        except Exception:
            logger.exception("event=error id=%s", identity)
            if "status" not in answer:
                await internal_error(identity)(scope, receive, guarded)
        finally:
            self._count(scope, answer, time.monotonic() - start, identity)

    def _refusal(self, scope) -> Optional[ApiError]:
        """Why the request is not let in; None where it is."""
        path, headers = scope["path"], {name: value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        if sum(len(name) + len(value) for name, value in scope["headers"]) > self._config.limits.header_bytes:
            return ApiError(400, "bad_request", "the request's headers are too long")  # that came in one piece
        if b"transfer-encoding" in headers and b"content-length" in headers:
            # two ways to tell where the request ends: a proxy may see another one in its body (RFC 9112, section 6.1)
            return ApiError(400, "bad_request", "the request has both a Content-Length and a Transfer-Encoding")
        if path in OPEN:
            return None
        if self._config.hosts and host_name(host) not in self._config.hosts:
            return ApiError(400, "bad_host", "the server is not known under the name in the Host header; start it "
                            "with --allowed-hosts to add one")
        if scope["method"] not in ("GET", "HEAD") and is_cross_site(headers, host):
            return ApiError(403, "cross_site", "pages of other sites may not call this server")
        if self._config.token is not None and path in self._protected:
            kind, _, given = headers.get(b"authorization", "").partition(" ")
            # compared as bytes, in a time that does not tell how much of it is right
            if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode("latin-1"),
                                                                    self._config.token.encode()):
                return ApiError(401, "unauthorized", "this server wants a token: send the header "
                                "'Authorization: Bearer TOKEN'")
        return None

    def _count(self, scope, answer, seconds: float, identity: str) -> None:
        path = scope["path"] if scope["path"] in self._paths else "other"
        method = scope["method"] if scope["method"] in METHODS else "other"
        status = answer.get("status", 499)  # 499: the client left before there was an answer (nginx's number)
        self._metrics.requests.labels(path, method, str(status)).inc()
        self._metrics.request_seconds.labels(path).observe(seconds)
        if not self._config.quiet:
            client = (scope.get("client") or ["-"])[0]
            access.info("method=%s route=%s status=%d seconds=%.4f bytes=%d client=%s id=%s", method, path, status,
                        seconds, answer.get("bytes", 0), client, identity)


def with_headers(given: Iterable[Tuple[bytes, bytes]]) -> List[Tuple[bytes, bytes]]:
    """The headers of an answer, and those of HEADERS that it does not have itself."""
    headers = list(given)
    names = {name.lower() for name, _ in headers}
    return headers + [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in names]


def host_name(host: str) -> str:
    """The name in a Host header, without the port: 'localhost:8000' -> 'localhost', '[::1]:80' -> '[::1]'."""
    return (host.partition("]")[0] + "]" if host.startswith("[") else host.partition(":")[0]).lower()


def is_cross_site(headers: Dict[bytes, str], host: str) -> bool:
    """Whether a browser says that a page of another site sends this; programs say nothing, and may."""
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site not in ("same-origin", "none")
    origin = headers.get(b"origin")
    if origin is None:
        return False
    try:
        return urlsplit(origin).netloc.lower() != host.lower()
    except ValueError:  # no address at all
        return True


def internal_error(identity: str) -> JSONResponse:
    """The answer to a defect of ours: nothing of what happened, but where to find it."""
    return JSONResponse({"error": {"code": "internal", "message": "the server failed; its log has the details under "
                                   f"the id {identity}"}}, 500)
