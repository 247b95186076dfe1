"""The server as its clients see it: right numbers, files, streams, batches, headers, and nothing on the disk."""
from __future__ import annotations

import base64
import io
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

pytest.importorskip("fastapi", reason="fastapi is not installed: the server cannot be tested")
pytest.importorskip("httpx", reason="httpx is not installed: the server cannot be asked")

from tiny_server import images, picture, stopped, wait_until  # noqa: E402

from gluon_r2n2.deployment import Reconstructor  # noqa: E402
from gluon_r2n2_tools.serve_codecs import decode_picture  # noqa: E402
from recordio.layouts import read_binvox  # noqa: E402

PICTURES = [picture(0), picture(3, (137, 137)), picture(5, (200, 90), "JPEG")]
SIDE = 16  # cells, of the narrow network


@pytest.fixture(scope="module")
def truth(server):
    """What the library makes of PICTURES, after each view."""
    reconstructor = Reconstructor(server.model, engine="mxnet")
    rgba = [decode_picture(content, pixels=10 ** 6, side=1000) for content in PICTURES]
    return [grid.copy() for grid in reconstructor.stream(reconstructor.prepare(rgba))]


def cells(text):
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(SIDE, SIDE, SIDE)


def test_a_reconstruction_is_that_of_the_library(server, truth):
    answer = server.post("/v1/reconstructions", *PICTURES).json()
    np.testing.assert_allclose(cells(answer["probabilities"]) / 255, truth[-1], atol=0.5 / 255 + 1e-6)
    assert answer["resolution"] == SIDE and answer["threshold"] == 0.45
    assert answer["occupied"] == (cells(answer["probabilities"]) / 255 >= 0.45).sum()
    assert [view["method"] for view in answer["views"]] == ["plain background", "training picture",
                                                            "plain background"]
    assert "90x70" in answer["views"][0]["note"]


def test_the_order_of_the_pictures_is_kept(server, truth):
    turned = cells(server.post("/v1/reconstructions", *PICTURES[::-1]).json()["probabilities"])
    assert np.abs(turned / 255 - truth[-1]).max() > 2 / 255


def test_a_stream_tells_each_picture_and_each_grid(server, truth):
    answer = server.post("/v1/reconstructions/stream", *PICTURES, threshold="0.4")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    events = [json.loads(line) for line in answer.text.splitlines()]
    assert [event["event"] for event in events] == ["view"] * 3 + ["grid"] * 3 + ["end"]
    assert [event.get("index") for event in events[:3]] == [0, 1, 2]
    for event, expected in zip(events[3:6], truth):
        np.testing.assert_allclose(cells(event["probabilities"]) / 255, expected, atol=0.5 / 255 + 1e-6)
        assert event["occupied"] == (cells(event["probabilities"]) / 255 >= 0.4).sum()
    assert [event["views"] for event in events[3:6]] == [1, 2, 3]
    assert events[-1]["threshold"] == 0.4 and events[-1]["seconds"] > 0


def test_a_view_shows_the_foreground_and_the_input(server):
    wide = picture(1, (600, 300))
    answer = server.http.post("/v1/views", files=images(wide, name="image"), data={"foreground": "plain"}).json()
    foreground, seen = [Image.open(io.BytesIO(base64.b64decode(answer[key].partition("base64,")[2])))
                        for key in ("foreground", "input")]
    assert foreground.size == (256, 128) and foreground.mode == "RGBA" and seen.size == (32, 32)
    alpha = np.asarray(foreground)[..., 3]
    assert alpha[0, 0] == 0 and alpha[64, 96] == 255  # the corner is background, the box is not
    assert answer["method"] == "plain background"


@pytest.mark.parametrize("kind", ["glb", "obj", "ply", "stl"])
def test_meshes_are_files_that_trimesh_opens(server, kind):
    answer = server.post("/v1/reconstructions", *PICTURES, format=kind, threshold="0.3")
    assert answer.headers["content-disposition"] == f'attachment; filename="model.{kind}"'
    mesh = trimesh.load(io.BytesIO(answer.content), file_type=kind, force="mesh")
    assert len(mesh.faces) > 10 and np.abs(mesh.bounds).max() <= 0.5 + 1e-6


def test_voxel_files_hold_the_numbers(server, truth, tmp_path):
    arrays = np.load(io.BytesIO(server.post("/v1/reconstructions", *PICTURES, format="npz").content))
    np.testing.assert_allclose(arrays["probabilities"], truth[-1], atol=1e-6)  # not rounded to 255ths
    assert arrays["views"].shape == (3, 32, 32, 3)
    answer = server.post("/v1/reconstructions", *PICTURES, format="binvox", threshold="0.5")
    (tmp_path / "model.binvox").write_bytes(answer.content)
    np.testing.assert_array_equal(read_binvox(tmp_path / "model.binvox").occupancy, truth[-1] >= 0.5)


def test_a_grid_becomes_the_file_of_its_threshold(server):
    grid = np.zeros((SIDE, SIDE, SIDE), np.uint8)
    grid[4:8, 4:12, 4:8] = 102  # 102 / 255 = 0.4
    answer = server.http.post("/v1/surfaces?format=stl&threshold=0.4&mesh=cubes", content=grid.tobytes(),
                              headers={"content-type": "application/octet-stream"})
    mesh = trimesh.load(io.BytesIO(answer.content), file_type="stl")
    np.testing.assert_allclose(mesh.volume, 4 * 8 * 4 / SIDE ** 3, rtol=1e-5)
    sized = server.http.post("/v1/surfaces?format=ply&threshold=0.4&mesh=cubes&height=2&ground=true&units=cm",
                             content=grid.tobytes())
    bounds = trimesh.load(io.BytesIO(sized.content), file_type="ply").bounds
    np.testing.assert_allclose(bounds[:, 1], [0, 2], atol=1e-6)
    empty = server.http.post("/v1/surfaces?threshold=0.5", content=grid.tobytes())
    assert empty.status_code == 422 and "threshold" in empty.json()["error"]["message"]


def test_requests_at_the_same_time_are_computed_together(server, truth):
    engine, = server.pids("engine")
    before = {name: server.metric(f"r2n2_batch_objects_{name}") for name in ("count", "sum")}
    with stopped(engine):
        first = server.in_background(*PICTURES)
        wait_until(lambda: server.metric("r2n2_batch_objects_count") > before["count"], "the first batch")
        others = [server.in_background(*PICTURES[:count]) for count in (1, 2, 3)]
        wait_until(lambda: server.metric("r2n2_queue_length") == 3, "three objects in the queue")
    answers = [answer().json() for answer in (first, *others)]
    assert server.metric("r2n2_batch_objects_count") - before["count"] == 2
    assert server.metric("r2n2_batch_objects_sum") - before["sum"] == 4
    for answer, count in zip(answers, (3, 1, 2, 3)):  # each its own number of views
        np.testing.assert_allclose(cells(answer["probabilities"]) / 255, truth[count - 1], atol=0.5 / 255 + 2e-6)


def test_streams_and_objects_take_turns(server, truth):
    engine, = server.pids("engine")
    with stopped(engine):
        answers = [server.in_background(*PICTURES[:1])]
        answers += [server.in_background(*PICTURES, path="/v1/reconstructions/stream") for _ in range(2)]
        wait_until(lambda: server.metric("r2n2_queue_length") >= 2, "the streams in the queue")
        answers.append(server.in_background(*PICTURES[:2]))
        wait_until(lambda: server.metric("r2n2_queue_length") >= 3, "the last object in the queue")
    one, stream, other, two = [answer() for answer in answers]
    for text in (stream.text, other.text):
        grids = [json.loads(line) for line in text.splitlines() if '"grid"' in line]
        for event, expected in zip(grids, truth):
            np.testing.assert_allclose(cells(event["probabilities"]) / 255, expected, atol=0.5 / 255 + 2e-6)
        assert len(grids) == 3
    for answer, count in ((one, 1), (two, 2)):
        np.testing.assert_allclose(cells(answer.json()["probabilities"]) / 255, truth[count - 1],
                                   atol=0.5 / 255 + 2e-6)


def test_the_model_and_its_limits_are_told(server):
    facts = server.http.get("/v1/model").json()
    assert facts["engine"] == "mxnet" and facts["resolution"] == SIDE and facts["input_size"] == 32
    assert facts["name"] == "narrow" and facts["classes"] == {"03001627": "chair"}
    assert facts["formats"] == ["json", "glb", "obj", "ply", "stl", "binvox", "npz"]
    assert facts["limits"]["views"] == 24 and facts["token_required"] is False


def test_every_answer_has_the_security_headers(server):
    for path in ("/", "/static/app.js", "/healthz", "/v1/model", "/nothing", "/openapi.json"):
        headers = server.http.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers and "server" not in headers
    assert server.http.get("/v1/model").headers["cache-control"] == "no-store"
    page = server.http.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert server.http.get("/", headers={"If-None-Match": page.headers["etag"]}).status_code == 304


def test_the_document_names_every_route_and_no_other_site(server):
    text = server.http.get("/openapi.json").text
    assert set(json.loads(text)["paths"]) == {"/healthz", "/readyz", "/metrics", "/v1/model", "/v1/views",
                                              "/v1/reconstructions", "/v1/reconstructions/stream", "/v1/surfaces"}
    assert "://" not in text
    assert server.http.get("/docs").status_code == 404  # its scripts would come from elsewhere


def test_labels_are_templates_and_lines_are_escaped(server):
    server.http.get("/%0Aevent=forged/../x\u00fc?a=1")
    server.http.request("BREW", "/v1/model")
    text = server.http.get("/metrics").text
    routes = set(re.findall(r'r2n2_requests_total\{.*?route="([^"]*)"', text))
    methods = set(re.findall(r'r2n2_requests_total\{method="([^"]*)"', text))
    documented = set(server.http.get("/openapi.json").json()["paths"])
    page = {path for path in routes if path == "/" or path.startswith("/static/")}
    assert routes - documented - page <= {"other", "/openapi.json"} and "BREW" not in methods
    assert not [line for line in server.lines if line.startswith("event=forged")]
    assert re.search(r"^r2n2_request_seconds_count\{", text, re.MULTILINE)
    server.wait_for(r"^method=GET route=/v1/model status=200 seconds=[\d.]+ bytes=\d+ client=127\.0\.0\.1 id=\w+$")


def test_it_says_who_can_reach_it(server):
    server.wait_for("listening on 127.0.0.1: only programs on this machine")
    assert server.url.startswith("http://127.0.0.1:")


@pytest.mark.parametrize("host, status", [("evil.example", 400), ("localhost:80", 200), ("127.0.0.1", 200),
                                          ("127.0.0.1.evil.example", 400), ("[::1]:80", 200), ("", 400)])
def test_only_names_of_this_machine_are_answered(server, host, status):
    """A page whose own name was pointed to 127.0.0.1 (DNS rebinding) gets nothing."""
    assert server.http.get("/v1/model", headers={"Host": host}).status_code == status
    assert server.http.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("headers, status", [
    ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"}, 200),
])
def test_pages_of_other_sites_may_not_call(server, headers, status):
    answer = server.http.post("/v1/views", files=images(picture(), name="image"), headers=headers)
    assert answer.status_code == status


def test_nothing_reaches_the_disk(server, tmp_path):
    """A body above the megabyte from which other servers make temporary files; RLIMIT_FSIZE guards the workers."""
    noise = io.BytesIO()
    Image.fromarray(np.random.randint(0, 256, (700, 900, 3)).astype(np.uint8)).save(noise, "PNG")
    assert len(noise.getvalue()) > 1 << 20
    name = "../../../../tmp/escaped\r\nevent=forged"
    answer = server.http.post("/v1/reconstructions", files=[("images", (name, noise.getvalue(), "image/png"))])
    assert answer.status_code == 200
    held = [Path(f"/proc/{pid}/fd") for pid in (server.process.pid, *server.pids("engine"), *server.pids("pictures"))]
    assert not [link for folder in held for link in folder.iterdir() if "deleted" in os.readlink(link)]
    assert not list(server.folder.iterdir())
    assert "escaped" not in "".join(server.lines)
