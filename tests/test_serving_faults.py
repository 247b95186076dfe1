"""The server when things go wrong: full, late, left, killed, hanging, slow, without the token, and told to stop."""
from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from unittest import mock

import httpx
import pytest
from tiny_server import (
    PATIENCE,
    ROOT,
    TOKEN,
    alive,
    images,
    narrow_model,
    picture,
    running,
    stopped,
    wait_until,
)

from gluon_r2n2_tools import serve

pytest.importorskip("fastapi", reason="fastapi is not installed: there is no server to test")

QUEUE = 3


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return narrow_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def small(model, tmp_path_factory):
    """A server that takes three requests at a time, and wants a token."""
    with running(model, "--engine", "mxnet", "--workers", "1", "--queue", str(QUEUE), "--max-batch", "2",
                 "--engine-timeout", "10", "--drain", "60", folder=tmp_path_factory.mktemp("tmp"),
                 token=TOKEN) as server:
        yield server


@pytest.fixture
def engine(small):
    """The engine's process, once the server is ready."""
    wait_until(small.ready, "readiness", small.lines)
    return small.pids("engine")[-1]


def full(server, engine):
    """Fill all places; returns what waits for the answers. The engine must be stopped."""
    waiting = [server.in_background(picture(number)) for number in range(QUEUE)]
    wait_until(lambda: server.metric("r2n2_in_flight") == QUEUE and server.metric("r2n2_queue_length") >= 1,
               "a full server", server.lines)
    return waiting


@pytest.mark.parametrize("headers, status", [
    ({}, 200), ({"Authorization": ""}, 401), ({"Authorization": f"Bearer {TOKEN}x"}, 401),
    ({"Authorization": f"Basic {TOKEN}"}, 401), ({"Authorization": "Bearer \u00fc"}, 401),
    ({"Authorization": f"bearer {TOKEN}"}, 200),
])
def test_work_wants_the_token(small, headers, status):
    headers = {name: value.encode() for name, value in headers.items()}
    for path, name in (("/v1/views", "image"), ("/v1/reconstructions", "images")):
        answer = small.http.post(path, files=images(picture(), name=name), headers=headers)
        assert answer.status_code == status
        assert status == 200 or answer.headers["www-authenticate"] == "Bearer"


def test_the_page_and_the_probes_want_none(small):
    for path in ("/", "/healthz", "/readyz", "/metrics", "/v1/model", "/openapi.json"):
        assert httpx.get(small.url + path, trust_env=False).status_code == 200
    assert small.http.get("/v1/model").json()["token_required"] is True
    assert TOKEN not in "\n".join(small.lines)
    assert small.http.get("/openapi.json").json()["paths"]["/v1/views"]["post"]["security"] == [{"token": []}]


def test_a_full_server_says_when_to_come_back(small, engine):
    with stopped(engine):
        waiting = full(small, engine)
        answer = small.post()
        assert answer.status_code == 429 and answer.json()["error"]["code"] == "queue_full"
        assert 1 <= int(answer.headers["retry-after"]) <= 120
    assert [answer().status_code for answer in waiting] == [200] * QUEUE
    assert small.post().status_code == 200


def test_what_is_late_is_given_up(small, engine):
    before = small.metric("r2n2_dropped_total", reason="deadline")
    with stopped(engine):
        first = small.in_background(picture())
        wait_until(lambda: small.metric("r2n2_in_flight") == 1 and not small.metric("r2n2_queue_length"), "a batch")
        for path in ("/v1/reconstructions", "/v1/reconstructions/stream"):
            answer = small.post(path, picture(), timeout="1")
            if path.endswith("stream"):  # it has begun with the picture
                assert '"code": "deadline"' in answer.text.splitlines()[-1]
            else:
                assert answer.status_code == 503 and answer.json()["error"]["code"] == "deadline"
                assert int(answer.headers["retry-after"]) >= 1
        assert small.metric("r2n2_queue_length") == 0  # dropped, not left to be computed for nobody
    assert first().status_code == 200
    assert small.metric("r2n2_dropped_total", reason="deadline") == before + 2


@pytest.mark.parametrize("path", ["/v1/reconstructions", "/v1/reconstructions/stream"])
def test_what_nobody_waits_for_is_dropped(small, engine, path):
    before = small.metric("r2n2_dropped_total", reason="left")
    objects = small.metric("r2n2_batch_objects_sum")
    with stopped(engine):
        first = small.in_background(picture())
        wait_until(lambda: small.metric("r2n2_batch_objects_sum") == objects + 1, "a batch")
        with pytest.raises(httpx.ReadTimeout), httpx.Client(headers=small.http.headers, trust_env=False,
                                                            timeout=httpx.Timeout(60, read=1)) as client:
            client.post(small.url + path, files=images(picture()))
        wait_until(lambda: small.metric("r2n2_in_flight") == 1, "the place to be free again", small.lines)
        assert small.metric("r2n2_queue_length") == 0
        assert small.metric("r2n2_dropped_total", reason="left") == before + 1
    assert first().status_code == 200
    assert small.metric("r2n2_batch_objects_sum") == objects + 1  # the engine never saw it


def test_a_killed_engine_is_replaced(small, engine):
    before = small.metric("r2n2_worker_restarts_total", worker="engine")
    with stopped(engine):
        waiting = [small.in_background(picture()),
                   small.in_background(picture(1), path="/v1/reconstructions/stream")]
        wait_until(lambda: small.metric("r2n2_queue_length") == 1, "one in the engine, one behind it")
        os.kill(engine, signal.SIGKILL)
    wait_until(lambda: not small.ready(), "not being ready")
    answers = [answer() for answer in waiting]
    lost = [answer for answer in answers if answer.status_code == 503]
    assert len(lost) <= 1 and "worker_lost" in "".join(answer.text for answer in answers)
    assert all(answer.json()["error"]["code"] == "worker_lost" and int(answer.headers["retry-after"]) >= 1
               for answer in lost)
    assert any('"event": "end"' in answer.text or '"probabilities"' in answer.text for answer in answers)
    wait_until(small.ready, "readiness", small.lines)
    assert small.metric("r2n2_worker_restarts_total", worker="engine") == before + 1
    assert small.post().status_code == 200 and small.pids("engine") != [engine]


@pytest.mark.slow
def test_a_hanging_engine_is_replaced(model, small, engine):
    os.kill(engine, signal.SIGSTOP)  # for good: it is killed after --engine-timeout
    answer = small.post()
    assert answer.status_code == 503 and answer.json()["error"]["code"] == "worker_lost"
    assert not alive(engine) or small.pids("engine")[-1] != engine
    wait_until(small.ready, "readiness", small.lines)
    assert small.post().status_code == 200


@pytest.mark.slow
def test_a_killed_decoder_costs_nobody_anything(small, engine):
    def files():
        return len(os.listdir(f"/proc/{small.process.pid}/fd"))

    small.post()
    before = files()
    pictures, = small.pids("pictures")
    with stopped(pictures):
        waiting = small.in_background(picture())
        wait_until(lambda: small.metric("r2n2_in_flight") == 1, "a picture in the decoder")
        time.sleep(0.2)  # for its bytes to be on their way; nothing depends on it
        os.kill(pictures, signal.SIGKILL)
    assert waiting().status_code == 200  # by its successor
    assert small.pids("pictures") != [pictures]
    assert small.metric("r2n2_worker_restarts_total", worker="pictures") == 1
    wait_until(lambda: files() <= before, "closed pipes")


def test_told_to_stop_it_finishes_what_it_has_accepted(small, engine):
    """SIGTERM, in the middle of a request; SIGINT is what ends the servers of the other tests."""
    with stopped(engine):
        waiting = small.in_background(picture())
        wait_until(lambda: small.metric("r2n2_in_flight") == 1, "an accepted request")
        os.kill(small.process.pid, signal.SIGTERM)
        wait_until(lambda: not small.ready(), "not being ready")
        assert small.http.get("/readyz").json()["error"]["code"] == "draining"
        assert small.http.get("/healthz").status_code == 200
        answer = small.post()
        assert answer.status_code == 503 and answer.json()["error"]["code"] == "draining"
        assert int(answer.headers["retry-after"]) >= 1
    assert waiting().status_code == 200
    assert small.process.wait(PATIENCE) == 0
    wait_until(lambda: not any(alive(pid) for pid in (*small.pids("engine"), *small.pids("pictures"))),
               "the end of the workers")
    assert not [line for line in small.lines if "Traceback" in line or "Exception" in line]


# --- starting


def tool(*arguments, **environment):
    return subprocess.run([sys.executable, str(ROOT / "tools" / "serve.py"), *arguments], capture_output=True,
                          text=True, timeout=120, env={**os.environ, **environment})


@pytest.mark.slow
def test_a_model_that_cannot_be_loaded_ends_it_with_one_sentence(tmp_path):
    result = tool(str(tmp_path), "--port", "0", "--workers", "1")
    assert result.returncode == 2 and "holds no model" in result.stderr and "Traceback" not in result.stderr


def test_a_port_that_is_taken_is_said_at_once(capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert serve.main(["procedural", "--port", str(port)]) == 2
    assert f"--port {port}: Address already in use" in capsys.readouterr().err


@pytest.mark.parametrize("host", ["no host", "x" * 80])
def test_a_name_that_is_none_is_said(host, capsys):
    assert serve.main(["procedural", "--port", "0", "--host", host]) == 2
    assert f"--host {host}: no address of this machine" in capsys.readouterr().err


def test_of_two_that_start_together_one_is_told(capsys, monkeypatch):
    """Both can bind the port as long as neither listens."""
    def too_late(config, codecs, listening, announce):
        other.listen()
        listening.listen()

    monkeypatch.setattr("gluon_r2n2.serving.server.serve", too_late)
    with serve.listen("127.0.0.1", 0) as other:
        port = other.getsockname()[1]
        assert serve.main(["procedural", "--port", str(port)]) == 2
    assert f"--port {port}: Address already in use; choose another" in capsys.readouterr().err


@pytest.mark.parametrize("limits, raised, expected", [
    ((1024, 4096), None, 512), ((256, 4096), 760, 512), ((300, 300), 300, 52), ((-1, -1), None, 512)])
def test_connections_fit_the_files_that_may_be_open(limits, raised, expected, monkeypatch):
    given = mock.Mock()
    monkeypatch.setattr(serve.resource, "getrlimit", lambda which: limits)
    monkeypatch.setattr(serve.resource, "setrlimit", given)
    assert serve.connections(1) == expected
    assert [call.args[1] for call in given.mock_calls] == ([] if raised is None else [(raised, limits[1])])


def test_too_few_files_are_said(monkeypatch, capsys):
    monkeypatch.setattr(serve.resource, "getrlimit", lambda which: (64, 64))
    monkeypatch.setattr(serve.resource, "setrlimit", mock.Mock())
    assert serve.main(["procedural", "--port", "0"]) == 2
    assert "only 64 files may be open" in capsys.readouterr().err


def test_a_token_file_that_is_no_text_is_refused(tmp_path, capsys):
    (tmp_path / "token").write_bytes(bytes(range(128, 160)))
    assert serve.main(["procedural", "--port", "0", "--token-file", str(tmp_path / "token")]) == 2
    assert "letters, digits or signs" in capsys.readouterr().err


def test_the_workers_never_see_a_token(tmp_path, monkeypatch):
    (tmp_path / "token").write_text(TOKEN)
    monkeypatch.setenv("R2N2_TOKEN", "another-token-of-many-letters")
    assert serve.token(tmp_path / "token") == TOKEN and "R2N2_TOKEN" not in os.environ


@pytest.mark.parametrize("text", ["short", "", "with spaces in between", "ümläüts-and-more-of-it"])
def test_a_weak_token_is_refused(text, tmp_path, capsys, monkeypatch):
    (tmp_path / "token").write_text(text + "\n", encoding="utf-8")
    assert serve.main(["procedural", "--port", "0", "--token-file", str(tmp_path / "token")]) == 2
    told = capsys.readouterr().err
    assert "at least 16" in told and (not text or text not in told)
    monkeypatch.setenv("R2N2_TOKEN", text)
    assert serve.main(["procedural", "--port", "0"]) == 2


@pytest.mark.parametrize("arguments, words", [
    (["--host", "127.0.0.1"], "only programs on this machine"), (["--host", "localhost"], "only programs on this"),
    (["--host", "0.0.0.0"], "WARNING: .*without a token"), (["--host", "::"], "WARNING"),
    (["--host", "0.0.0.0", "--token-file", "TOKEN"], "has the token can use the server"),
])
def test_it_says_what_its_address_means(arguments, words, tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("R2N2_TOKEN", raising=False)
    (tmp_path / "token").write_text(TOKEN)
    options = serve.parse(["M", *[str(tmp_path / "token") if word == "TOKEN" else word for word in arguments]])
    config = serve.configuration(options)
    serve.explain(options, config)
    assert re.search(words, capsys.readouterr().err)
    assert bool(config.hosts) == ("WARNING" not in words and "token" not in words)


def test_names_can_be_allowed(capsys):
    config = serve.configuration(serve.parse(["M", "--host", "0.0.0.0", "--allowed-hosts", "A.example, b.example"]))
    assert config.hosts == ("a.example", "b.example")
    assert serve.main(["M", "--allowed-hosts", ","]) == 2
