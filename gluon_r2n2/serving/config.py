"""What the server is told: limits on what clients may send, where it listens, and how it shares the processor."""
from __future__ import annotations

import dataclasses
from typing import Callable, Optional, Tuple

LEAST_TOKEN = 16  # characters; shorter ones can be guessed
BACKLOG = 64  # connections that the system holds until the server takes them
MOST_OBJECTS = 128  # of one batch; a worker's answer has two byte strings for each, see workers/wire.py


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a request may bring; anything more is refused before it is decoded."""

    views: int = 24  # pictures of one object
    file_bytes: int = 20_000_000  # of one picture
    request_bytes: int = 100_000_000  # of a request's body
    upload_bytes: int = 400_000_000  # of all bodies that are in memory at one time
    pixels: int = 25_000_000  # of one picture, decoded
    side: int = 8192  # pixels, longest side of a picture
    fields: int = 16  # form fields that are no files
    field_bytes: int = 256  # of the value of one of them
    part_header_bytes: int = 2048  # of the headers of one part of a form
    header_bytes: int = 16_384  # of a request's line and headers together
    connections: int = 512  # open at one time; more are closed at once
    header_seconds: float = 10.0  # for the request's line and headers
    body_grace: float = 10.0  # seconds from which on a body must arrive at ...
    body_rate: float = 20_000.0  # ... so many bytes per second, on average
    body_seconds: float = 300.0  # for a body in any case
    send_seconds: float = 30.0  # that a client may leave an answer unread
    decode_seconds: float = 20.0  # for one picture, or one file of a result
    decode_bytes: int = 1_500_000_000  # of memory, for the same, above what an idle worker has


@dataclasses.dataclass(frozen=True)
class ServeConfig:
    """One server."""

    model: str  # folder of a model, or the name of one that comes along
    engine: Optional[str] = None  # None: the best one installed
    precision: str = "float32"
    threads: Optional[int] = None  # of the engine; None: its own choice
    workers: int = 2  # processes that decode pictures and make surfaces
    max_batch: int = 8  # objects that are computed together
    max_batch_views: int = 48  # and all their views: bounds the engine's memory
    batch_window: float = 0.005  # seconds to wait for more of them
    queue: int = 64  # requests accepted and not yet answered; the next is answered 429
    timeout: float = 60.0  # seconds, default and greatest deadline of a request
    engine_seconds: float = 120.0  # for one batch; after that the engine's process counts as hanging
    start_seconds: float = 300.0  # for a worker process to become ready
    drain: float = 30.0  # seconds that running requests get when the server is told to stop
    token: Optional[str] = None  # that clients must send; None: anybody may
    hosts: Tuple[str, ...] = ()  # names under which the server may be called; empty: any
    quiet: bool = False  # no line per request
    limits: Limits = Limits()


@dataclasses.dataclass(frozen=True)
class Codecs:
    """The data side, handed in because `gluon_r2n2` imports none of it: functions that a process can import by name.

    A ModelError or PictureRefused of theirs is the client's to mend: its sentence becomes the answer.
    """

    decode: Callable  # (bytes, pixels=, side=) -> (H, W, 4) uint8 RGBA; PictureRefused where it is none
    encode_png: Callable  # (H, W, 3 or 4) uint8 -> bytes
    encode_result: Callable  # (grid (V, V, V) float32, kind, threshold=, views=, **options of the surface) -> bytes
    formats: Tuple[str, ...]  # the kinds that encode_result knows


class PictureRefused(ValueError):
    """A picture that is not taken: *reason* is a short code for the metrics, *status* the HTTP status."""

    def __init__(self, message: str, *, reason: str = "bad_picture", status: int = 422):
        super().__init__(message)
        self.reason, self.status = reason, status
