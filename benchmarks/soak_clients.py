"""The clients of benchmarks/soak.py: what they send, good and bad, and what comes back. 127.0.0.1 only.

HTTP/1.1 is spoken here by hand, one connection per request: a client that stops in the middle, or lies about its
length, is something that no HTTP library sends, and the clients must leave the processor to the server.
"""
from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from recordio.geometry import random_cameras, render  # noqa: E402
from recordio.layouts import encode_png  # noqa: E402
from recordio.shapes import make_shape  # noqa: E402

HOST = "127.0.0.1"  # nothing else, ever: this is a load test
BOUNDARY = "gluon-r2n2-soak"
NEVER, LEFT = 0, -1  # in place of a status: the connection broke or nothing came; the client left on purpose
NO_RESULT = "no result in it"  # the failure of an answer of 200 that does not hold what was asked for
SHED = {429, 503}  # how a server may refuse any request that it has no room for; both carry Retry-After


class Kind(NamedTuple):
    """One kind of request."""

    share: float  # of all requests, relative to the other kinds
    bodies: Sequence[bytes]  # whole requests, head and body; they take turns
    allowed: frozenset  # statuses that are right for it, those of SHED beside
    leaves_after: Optional[float] = None  # seconds after which the client is gone
    holds: bytes = b'"probabilities"'  # what every answer of 200 has in it


class Answer(NamedTuple):
    """What became of one request."""

    kind: str
    status: int  # of HTTP, NEVER or LEFT
    seconds: float  # from the connection to the last byte
    failure: str = ""  # code of the error that ended a stream, or why there was no answer
    retry_after: bool = False  # whether the header was there


def form(path: str, files: Sequence[Tuple[str, bytes]], fields: Dict[str, str] = {}, *,  # noqa: B006  (only read)
         length: Optional[int] = None) -> bytes:
    """A whole POST request with *files* (field name, content) and *fields*; *length*: what it claims to be long."""
    parts = [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
             for name, value in fields.items()]
    parts += [f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{number}.png"\r\n'
              "Content-Type: application/octet-stream\r\n\r\n".encode() + content + b"\r\n"
              for number, (name, content) in enumerate(files)]
    body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    head = (f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n"
            f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
            f"Content-Length: {len(body) if length is None else length}\r\n\r\n")
    return head.encode() + body


def pictures(count: int = 24) -> Dict[str, List[bytes]]:
    """*count* views of a procedural chair: as PNG with alpha, as JPEG on a plain wall, as JPEG before a busy one."""
    random = np.random.default_rng(0)
    views = render(make_shape("chair", 1, 0), random_cameras(random, count), size=320)
    made: Dict[str, List[bytes]] = {"alpha": [encode_png(view) for view in views], "plain": [], "busy": []}
    for view in views:
        alpha = view[..., 3:] / 255.0
        noise = cv2.resize(random.uniform(60, 220, (12, 12, 3)), (320, 320), interpolation=cv2.INTER_CUBIC)
        for name, wall in (("plain", np.full((320, 320, 3), 225.0)), ("busy", noise)):
            photograph = (view[..., :3] * alpha + wall * (1 - alpha)).clip(0, 255).astype(np.uint8)
            made[name].append(cv2.imencode(".jpg", photograph[..., ::-1])[1].tobytes())
    return made


def broken_files() -> List[bytes]:
    """Files that are no pictures, or not what they say."""
    whole = encode_png(np.full((64, 64, 4), 200, np.uint8))
    huge = bytearray(whole)
    huge[16:24] = (30000).to_bytes(4, "big") * 2  # width and height of the header: 3.6 GB if it were believed
    flipped = bytearray(whole)
    flipped[60] ^= 255  # the checksum of the pixels does not fit
    return [b"", whole[:len(whole) // 2], bytes(huge), bytes(flipped), b"GIF89a" + bytes(20), b"no picture " * 500,
            b"<svg xmlns='http://www.w3.org/2000/svg'/>", bytes(range(256)) * 100]


def mixture(*, views: int = 24, request_bytes: int = 100_000_000) -> Dict[str, Kind]:
    """All kinds of requests; *views* and *request_bytes* are the server's limits (GET /v1/model)."""
    made, path = pictures(), "/v1/reconstructions"

    def objects(source: str, count: int) -> List[Tuple[str, bytes]]:
        return [("images", made[source][number % len(made[source])]) for number in range(count)]

    good, bad = frozenset({200}), frozenset({400, 413, 415, 422})
    broken = [form(path, [("images", content)]) for content in broken_files()]
    broken += [form(path, [("images", content), *objects("alpha", 1)]) for content in broken_files()]
    return {
        "1 view": Kind(26, [form(path, objects("alpha", 1))], good),
        "1 photograph": Kind(10, [form(path, objects("plain", 1))], good),
        "1 photograph, busy": Kind(6, [form(path, objects("busy", 1))], good),
        "5 views": Kind(14, [form(path, objects("alpha", 5))], good),
        "24 views": Kind(4, [form(path, objects("alpha", views))], good),
        "GLB": Kind(6, [form(path, objects("alpha", 3), {"format": "glb"})], good, holds=b"glTF"),
        "stream": Kind(10, [form(f"{path}/stream", objects("alpha", 4))], good),
        "broken file": Kind(8, broken, bad),
        "too many pictures": Kind(2, [form(path, objects("alpha", views + 1))], bad),
        # says that it is too long and is not; and one that really sends 4 MB of what nobody asked for
        "too long": Kind(4, [form(path, objects("alpha", 1), length=request_bytes + 1),
                             form(path, [("images", bytes(4_000_000))])], bad | {408}),
        "leaves at once": Kind(3, [form(path, objects("alpha", 5))], good, leaves_after=0.0),
        "leaves soon": Kind(4, [form(path, objects("alpha", 5)), form(f"{path}/stream", objects("alpha", 24))], good,
                            leaves_after=0.15),
        "stops in the middle": Kind(3, [form(path, objects("alpha", 5))[:20_000]], good, leaves_after=0.5),
    }


async def send(port: int, name: str, kind: Kind, number: int, *, timeout: float = 120.0) -> Answer:
    """Send request *number* of this kind, and wait for its whole answer (at most *timeout* seconds)."""
    start = time.monotonic()

    def answer(status: int, failure: str = "", retry_after: bool = False) -> Answer:
        return Answer(name, status, time.monotonic() - start, failure, retry_after)

    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(HOST, port), timeout)
    except (OSError, asyncio.TimeoutError) as error:
        return answer(NEVER, type(error).__name__)
    received = bytearray()
    try:
        writer.write(kind.bodies[number % len(kind.bodies)])
        try:
            # reading while it is sent: a server that refuses answers before it has everything
            await asyncio.wait_for(_read(reader, received), timeout if kind.leaves_after is None else kind.leaves_after)
        except asyncio.TimeoutError:
            return answer(NEVER, "no answer in time") if kind.leaves_after is None else answer(LEFT)
        except OSError as error:  # reset; the answer may have come before
            if not received:
                return answer(NEVER, type(error).__name__)
        status, failure, retry_after = read_answer(bytes(received))
        if status == 200 and not failure and kind.holds not in received:
            failure = NO_RESULT
        return answer(status, failure, retry_after)
    finally:
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader, received: bytearray) -> None:
    while True:
        block = await reader.read(1 << 16)
        if not block:
            return
        received += block


def read_answer(received: bytes) -> Tuple[int, str, bool]:
    """(status, failure, whether Retry-After is there) of a whole answer.

    A stream answers 200 before it is computed: its last line tells whether it went well.
    """
    head, _, body = received.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    words = lines[0].split(" ")
    if len(words) < 2 or not words[1].isdigit():
        return NEVER, "no answer" if received else "closed without an answer", False
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    failure = ""
    if "ndjson" in headers.get("content-type", ""):
        compact = body.replace(b": ", b":")
        if b'"event":"end"' not in compact:
            code = compact.rpartition(b'"code":"')[2].split(b'"')[0] if b'"event":"error"' in compact else b"cut off"
            failure = code.decode("latin-1")
    elif headers.get("content-length", "").isdigit() and len(body) < int(headers["content-length"]):
        return NEVER, "cut off", False
    return int(words[1]), failure, "retry-after" in headers
