"""Connections that are slow, idle or too many, and too large bodies in all: a server in a thread, without a model."""
from __future__ import annotations

import asyncio
import socket
import threading
import time
from unittest import mock

import pytest
from tiny_server import wait_until

pytest.importorskip("fastapi", reason="fastapi is not installed: there is no server to test")
httpx = pytest.importorskip("httpx", reason="httpx is not installed: the server cannot be asked")
uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed: there is no server to test")

from gluon_r2n2.serving.app import create_app  # noqa: E402
from gluon_r2n2.serving.config import Limits, ServeConfig  # noqa: E402
from gluon_r2n2.serving.metrics import Metrics  # noqa: E402
from gluon_r2n2.serving.page import PageFile  # noqa: E402
from gluon_r2n2.serving.service import Service  # noqa: E402
from gluon_r2n2.serving.web.protocol import protocol_class  # noqa: E402
from gluon_r2n2_tools.serve_codecs import CODECS  # noqa: E402

LIMITS = Limits(header_seconds=0.5, body_grace=0.5, send_seconds=0.5, connections=6, upload_bytes=3_000_000)
BODY = (b"POST /v1/views HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n"
        b"Content-Type: multipart/form-data; boundary=edge\r\n\r\n")
LARGE = bytes(12_000_000)  # more than the system's buffers between server and client take
PART = b"--edge\r\nContent-Disposition: form-data; name=\"image\"\r\n\r\n"


@pytest.fixture(scope="module")
def address():
    """(host, port) of the application as `r2n2-serve` runs it, but without workers and with /large."""
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    running, ended = threading.Event(), []

    async def run():
        service = Service(ServeConfig("none", limits=LIMITS, quiet=True), CODECS, Metrics())
        with mock.patch("gluon_r2n2.serving.app.page_files", lambda: {"/large": PageFile(LARGE, "text/plain")}):
            application = create_app(service)
        server = uvicorn.Server(uvicorn.Config(application, http=protocol_class(LIMITS), ws="none",
                                               loop="asyncio", lifespan="off", log_config=None, access_log=False,
                                               timeout_keep_alive=1))
        ended.append(server)
        task = asyncio.ensure_future(server.serve(sockets=[bound]))
        while not server.started:
            await asyncio.sleep(0.01)
        running.set()
        await task
        await service.close()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert running.wait(60)
    yield bound.getsockname()
    ended[0].should_exit = True
    thread.join(60)
    bound.close()


def connect(address):
    return socket.create_connection(address, timeout=60)


def everything(connection):
    """What comes until the other side closes; a reset counts as closed."""
    received = b""
    try:
        for piece in iter(lambda: connection.recv(65536), b""):
            received += piece
    except ConnectionResetError:
        pass
    return received


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: x",
                                  b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET / HT"],
                         ids=["nothing", "half the headers", "half of a second request"])
def test_who_does_not_end_its_headers_is_hung_up_on(address, sent):
    with connect(address) as connection:
        connection.sendall(sent)
        received = everything(connection)
    assert received.count(b"HTTP/1.1 ") == sent.count(b"\r\n\r\n")


@pytest.mark.parametrize("length", [1, 100], ids=["ended", "not ended"])
def test_a_body_that_comes_after_its_answer_keeps_no_connection(address, length):
    """uvicorn stops its own clock at the first byte after an answer, and never starts it again."""
    with connect(address) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % length)
        assert b"200 OK" in connection.recv(65536)
        connection.sendall(b"x")
        everything(connection)  # within the time limit of the socket


def test_a_body_that_breaks_off_after_its_answer_is_hung_up_on(address, caplog):
    with connect(address) as connection:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert b"200 OK" in connection.recv(65536)
        connection.sendall(b"no length\r\n")
        everything(connection)
    assert not [record for record in caplog.records if record.exc_info]


def test_two_lengths_of_one_body_are_refused(address):
    """Where a proxy goes by the other one, the second request would be somebody else's (request smuggling)."""
    with connect(address) as connection:
        connection.sendall(b"POST /v1/surfaces HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked"
                           b"\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 400 ") and answer.count(b"HTTP/1.1 ") == 1


def test_an_origin_that_is_no_address_is_another_site(address):
    answer = httpx.post("http://{}:{}/v1/surfaces".format(*address), headers={"Origin": "http://["}, trust_env=False)
    assert answer.status_code == 403


def test_no_answer_sends_a_client_to_a_host_that_it_named(address):
    answer = httpx.get("http://{}:{}/v1/model/".format(*address), headers={"Host": "evil.example"}, trust_env=False)
    assert answer.status_code == 404 and "location" not in answer.headers


def test_headers_drop_by_drop_are_no_way_around(address):
    with connect(address) as connection, pytest.raises(OSError):
        for _ in range(400):
            connection.sendall(b"X")
            time.sleep(0.05)


@pytest.mark.parametrize("drops", [0, 400])
def test_a_slow_body_is_told_and_closed(address, drops):
    with connect(address) as connection:
        connection.sendall(BODY % 100_000 + PART)
        try:
            for _ in range(drops):
                connection.sendall(b"x")
                time.sleep(0.02)
        except OSError:
            pass
        answer = everything(connection)
    assert answer.startswith(b"HTTP/1.1 408 ") or drops  # who still sends may see a reset instead
    assert httpx.get("http://{}:{}/metrics".format(*address), trust_env=False).text.count("r2n2_in_flight 0.0") == 1


def unread(address):
    """A connection that has asked for LARGE, with little room on its side of the wire."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(60)
    connection.connect(address)
    connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    return connection


def test_who_does_not_read_is_hung_up_on(address):
    with unread(address) as connection:
        time.sleep(1.5)
        received = everything(connection)
    assert b"HTTP/1.1 200 OK" in received and len(received) < len(LARGE)


def test_who_reads_slowly_but_steadily_gets_all(address):
    """Longer than `send_seconds`, and faster than `body_rate`."""
    with unread(address) as connection:
        received, start = 0, time.monotonic()
        for piece in iter(lambda: connection.recv(65536), b""):
            received += len(piece)
            time.sleep(max(0.0, start + received / 6e6 - time.monotonic()))
    assert received > len(LARGE)


def test_connections_above_the_limit_are_closed_at_once(address):
    connections = [connect(address) for _ in range(LIMITS.connections)]
    try:
        with connect(address) as one_more:
            assert everything(one_more) == b""
    finally:
        for connection in connections:
            connection.close()


def test_all_bodies_together_are_limited(address):
    """Two megabytes each, three megabytes in all: the second is told to come again, and none is forgotten."""
    with connect(address) as first:
        first.sendall(BODY % 2_100_000 + PART + bytes(2_000_000))
        wait_until(lambda: held(address) > 2e6, "the first body")
        answer = httpx.post("http://{}:{}/v1/views".format(*address), files={"image": bytes(2_000_000)}, timeout=60,
                            trust_env=False)
        assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1
    wait_until(lambda: held(address) == 0, "no bytes")


def held(address):
    """The bytes of bodies that the server says it holds."""
    lines = httpx.get("http://{}:{}/metrics".format(*address), trust_env=False).text.splitlines()
    value, = [line.split()[1] for line in lines if line.startswith("r2n2_upload_bytes ")]
    return float(value)
