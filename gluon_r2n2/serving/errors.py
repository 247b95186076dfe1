"""Answers that are refusals: a status, a short code for programs, one sentence for people."""
from __future__ import annotations

from typing import Any, Dict, Optional


class ApiError(Exception):
    """Becomes the answer ``{"error": {"code": ..., "message": ...}}`` with *status*.

    Args:
        status: HTTP status.
        code: what programs tell refusals apart by; also the label of the metrics.
        message: one sentence: what was wanted, what came, what to do.
        retry_after: seconds after which it is worth asking again, for 429 and 503.
        close: end the connection after the answer, because the client may still be sending.
    """

    def __init__(self, status: int, code: str, message: str, *, retry_after: Optional[int] = None,
                 close: bool = False):
        super().__init__(message)
        self.status, self.code, self.message, self.retry_after, self.close = status, code, message, retry_after, close

    @property
    def body(self) -> Dict[str, Any]:
        """The answer's JSON."""
        return {"error": {"code": self.code, "message": self.message}}

    @property
    def headers(self) -> Dict[str, str]:
        """Headers that go with it."""
        headers = {}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.close:
            headers["Connection"] = "close"
        if self.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        return headers


class ClientLeft(Exception):
    """The client closed its connection: nobody waits for an answer."""


def worker_lost(what: str) -> ApiError:
    """The process that worked on the request died or hung; another takes its place."""
    return ApiError(503, "worker_lost", f"{what} stopped while it worked on this request and is being replaced; "
                    "send the request again", retry_after=5)


def deadline_passed() -> ApiError:
    """The request's time is over."""
    return ApiError(503, "deadline", "the deadline passed before the result was ready; send the request again later, "
                    "or with fewer pictures or a longer `timeout`", retry_after=5)


def draining() -> ApiError:
    """The server is being stopped."""
    return ApiError(503, "draining", "the server is being stopped; send the request to another, or later",
                    retry_after=10)
