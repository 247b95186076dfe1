"""What clients should not send: broken and hostile pictures, forms and bodies, each refused with one sentence."""
from __future__ import annotations

import io
import json
import os
import socket
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from tiny_server import images, picture

from gluon_r2n2.serving.config import PictureRefused
from gluon_r2n2_tools.serve_codecs import decode_picture

PIXELS, SIDE = 25_000_000, 8192  # the server's own
BOMB = zlib.compress(bytes(200_000_000), 9)  # 200 MB in 200 kB
FORM = "multipart/form-data; boundary=edge"


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, pixels, *more):
    """A PNG, 8-bit RGBA, with these compressed *pixels* and *more* chunks before them."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def plain(width, height):
    return zlib.compress((b"\0" + b"\xc8\x1e\x28\xff" * width) * height)


def animation(kind):
    frames = [Image.fromarray(np.full((40, 40, 3), 60 * number, np.uint8)) for number in range(3)]
    buffer = io.BytesIO()
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def bmp(width, height):
    return b"BM" + struct.pack("<IHHI", 100, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0,
                                                                     1, 1, 0, 0)


def gif(width, height, frame):
    return (b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + b"\x2c"
            + struct.pack("<HHHHB", 0, 0, *frame, 0) + b"\x02\x01\0\0\x3b")


TOO_LARGE = {
    "header of 30000 x 30000": png(30_000, 30_000, zlib.compress(b"x")),
    "1 x 60000": png(1, 60_000, plain(1, 60_000)),
    "60000 x 1": png(60_000, 1, plain(60_000, 1)),
    "4 billion squared": png(2 ** 32 - 1, 2 ** 32 - 1, b""),
    "bmp upside down": bmp(30_000, -30_000),
    "gif": gif(65_535, 65_535, (65_535, 65_535)),
    "gif whose frame is larger than itself": gif(10, 10, (65_535, 65_535)),
}
DAMAGED = {
    "zlib bomb in a colour profile": png(40, 40, plain(40, 40), chunk(b"iCCP", b"x\0\0" + BOMB)),
    "zlib bomb in a text": png(40, 40, plain(40, 40), chunk(b"zTXt", b"x\0\0" + BOMB)),
    "zlib bomb in an international text": png(40, 40, plain(40, 40), chunk(b"iTXt", b"x\0\1\0\0\0" + BOMB)),
    "no pixels": png(0, 0, zlib.compress(b"")),
    "pixels missing": png(400, 400, plain(40, 4)),
    "tiff in circles": b"II*\0" + struct.pack("<IHI", 8, 0, 8),
    **{f"{kind} cut short": picture(0, kind=kind)[:60] for kind in ("PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP")},
    **{f"{kind} cut in the middle": picture(0, kind=kind)[:-200] for kind in ("PNG", "JPEG", "WEBP", "TIFF", "BMP")},
    "animated gif": animation("GIF"), "animated png": animation("PNG"), "animated webp": animation("WEBP"),
}
UNKNOWN = {
    "empty": b"", "page": b"\n <html><script>", "drawing": b"\xef\xbb\xbf<?xml version='1.0'?><svg/>",
    "zip": b"PK\3\4" + bytes(90), "pdf": b"%PDF-1.7", "gzip": b"\x1f\x8b" + bytes(90), "model": b"glTF" + bytes(90),
    "heic": b"\0\0\0\x18ftypheic" + bytes(90), "program": b"\x7fELF" + bytes(90), "wave": b"RIFF\0\0\0\0WAVE",
    "zeros": bytes(90), "text": b"a picture of a chair",
}


@pytest.mark.parametrize("cases, status", [(TOO_LARGE, 413), (DAMAGED, 422), (UNKNOWN, 415)],
                         ids=["too large", "damaged", "unknown"])
def test_such_pictures_are_refused_before_or_in_decoding(cases, status):
    for name, data in cases.items():
        with pytest.raises(PictureRefused) as caught:
            decode_picture(data, pixels=PIXELS, side=SIDE)
        assert caught.value.status == status, name
        message = str(caught.value)
        assert message.count("\n") == 0 and "0x" not in message and "<" not in message, name


def test_valid_pictures_are_read_whatever_else_is_in_their_file():
    expected = decode_picture(picture(), pixels=PIXELS, side=SIDE)
    for tail in (b"PK\3\4" + bytes(99), b"<script>alert(1)</script>", os.urandom(99)):
        np.testing.assert_array_equal(decode_picture(picture() + tail, pixels=PIXELS, side=SIDE), expected)
    for kind in ("BMP", "TIFF", "GIF"):  # without loss
        np.testing.assert_array_equal(decode_picture(picture(kind=kind), pixels=PIXELS, side=SIDE), expected)
    assert decode_picture(png(16, 8192, plain(16, 8192)), pixels=PIXELS, side=SIDE).shape == (8192, 16, 4)


def refusal(answer, *statuses):
    """The sentence of an answer that must be a refusal with one of *statuses*."""
    assert answer.status_code in statuses, answer.text[:300]
    error = answer.json()["error"]
    assert set(error) == {"code", "message"} and error["message"].count("\n") == 0
    assert not any(word in answer.text for word in ("Traceback", ".py", "site-packages", "/tmp", "0x7"))
    return error["message"]


@pytest.mark.parametrize("path", ["/v1/reconstructions", "/v1/reconstructions/stream"])
def test_the_server_names_the_picture_that_is_no_good(server, path):
    answer = server.http.post(path, files=images(UNKNOWN["pdf"], picture()))
    assert refusal(answer, 415).startswith("picture 1: it is a PDF document")
    if not path.endswith("stream"):  # a stream has begun with the first picture
        assert refusal(server.http.post(path, files=images(picture(), TOO_LARGE["gif"])), 413).startswith("picture 2")
        assert refusal(server.http.post(path, files=images(picture(), picture()[:-9])), 422).startswith("picture 2")


def test_a_stream_ends_with_what_went_wrong(server):
    answer = server.http.post("/v1/reconstructions/stream", files=images(picture(), b"%PDF"))
    last = json.loads(answer.text.splitlines()[-1])
    assert last["event"] == "error" and last["error"]["code"] == "unknown_type"


def test_hostile_pictures_leave_the_workers_alive(server):
    before = server.metric("r2n2_worker_restarts_total", worker="pictures")
    for data in [*TOO_LARGE.values(), *DAMAGED.values(), *UNKNOWN.values()]:
        refusal(server.http.post("/v1/views", files=images(data, name="image")), 413, 415, 422)
    # more pixels than are announced: only what is announced is unpacked
    server.http.post("/v1/views", files=images(png(3000, 3000, BOMB), name="image"))
    assert server.metric("r2n2_worker_restarts_total", worker="pictures") == before
    assert server.metric("r2n2_refused_total", reason="too_many_pixels") >= len(TOO_LARGE)


def test_every_broken_file_is_refused_and_odd_pictures_are_taken(server, shared):
    """PngSuite's names: those that begin with x are corrupt, the others valid; s01n3p01 has one pixel."""
    for path in sorted((shared / "data" / "broken").rglob("*")):
        if path.is_file():
            answer = server.http.post("/v1/views", files=images(path.read_bytes(), name="image"))
            valid = path.suffix == ".png" and not path.name.startswith("x") and path.name != "s01n3p01.png"
            assert answer.status_code == 200 if valid else refusal(answer, 415, 422), path.name


@pytest.mark.parametrize("fields, status, words", [
    ({"threshold": "nan"}, 422, "threshold must be a number of at least 0.001 and of at most 0.999"),
    ({"threshold": "1"}, 422, "at most"),
    ({"threshold": "0.5\n"}, 422, "threshold"), ({"threshold": "1e400"}, 422, "threshold"),
    ({"threshold": "\u0661"}, 422, "threshold"), ({"format": "exe"}, 422, "one of json, glb"),
    ({"format": ""}, 422, "one of"), ({"mesh": "../x"}, 422, "marching, cubes"), ({"smooth": "-1"}, 422, "at least 0"),
    ({"smooth": "101"}, 422, "at most 100"), ({"ground": "yes"}, 422, "true or false"),
    ({"faces": "1e9"}, 422, "integer"), ({"timeout": "0"}, 422, "above 0"), ({"timeout": "-1"}, 422, "above 0"),
    ({"foreground": "model"}, 422, "one of auto"), ({"colour": "red"}, 422, "not known"),
    ({"threshold": "0" * 300}, 422, "256 bytes"), ({"threshold": ["0.1", "0.2"]}, 422, "twice"),
    ({"mesh": "cubes", "smooth": "3", "format": "obj"}, 422, "smooth"),
])
def test_bad_fields_are_named(server, fields, status, words):
    assert words in refusal(server.post("/v1/reconstructions", **fields), status)


@pytest.mark.parametrize("content, kind, status, words", [
    (b"", "image/png", 415, "multipart/form-data"), (b"", "multipart/form-data", 400, "boundary"),
    (b"", f"multipart/form-data; boundary={'b' * 71}", 400, "boundary"), (b"", FORM, 400, "cut short"),
    (b"nothing of the kind", FORM, 400, "multipart/form-data"), (b"--edge--\r\n", FORM, 422, "no picture"),
    (b"--edge\r\n\r\nx\r\n--edge--\r\n", FORM, 400, "no name"),
    (b"--edge\r\nContent-Disposition: form-data; name=\"images\"\r\n\r\nx", FORM, 400, "cut short"),
    (b"--edge\r\nContent-Disposition: form-data; name=\"" + b"n" * 3000 + b"\"\r\n\r\nx\r\n--edge--\r\n", FORM, 400,
     "headers"),
    (b"--edge\r\nContent-Disposition: form-data; name=\"__proto__\"\r\n\r\nx\r\n--edge--\r\n", FORM, 422, "not known"),
    (b"--edge\r\nContent-Disposition: form-data; name=\"format\"; filename=\"a\"\r\n\r\n\xff\xfe\r\n--edge--\r\n", FORM,
     422, "no picture"),
])
def test_bad_forms_are_refused(server, content, kind, status, words):
    answer = server.http.post("/v1/reconstructions", content=content, headers={"Content-Type": kind})
    assert words in refusal(answer, status)


def test_too_many_and_too_large(server):
    assert "more than 24 pictures" in refusal(server.http.post("/v1/reconstructions",
                                                               files=images(*[picture()] * 25)), 413)
    assert "more than 1 picture;" in refusal(server.http.post("/v1/views", files=images(picture(), picture(),
                                                                                        name="image")), 413)
    assert "20000000 bytes" in refusal(server.http.post("/v1/views", files=images(bytes(20_000_001), name="image")),
                                       413)


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_above_the_limit_is_not_kept(server, announced):
    """Refused by its Content-Length, or, sent in chunks, as soon as it is too long; the client reads the answer."""
    def body():
        for _ in range(120):
            yield bytes(1_000_000)

    headers = {"Content-Type": FORM, **({"Content-Length": "120000000"} if announced else {})}
    answer = server.http.post("/v1/views", content=body(), headers=headers)
    assert refusal(answer, 413, 400)
    assert server.metric("r2n2_upload_bytes") == 0
    if announced:
        assert "100000000 bytes" in answer.json()["error"]["message"]


@pytest.mark.parametrize("size, status", [(0, 422), (4095, 422), (4097, 413), (4096, 200)])
def test_only_a_whole_grid_is_a_grid(server, size, status):
    answer = server.http.post("/v1/surfaces?format=ply", content=os.urandom(size))
    assert answer.status_code == 200 if status == 200 else refusal(answer, status)


def test_an_unknown_query_field_is_refused(server):
    assert "not known" in refusal(server.http.post("/v1/surfaces?treshold=0.3", content=bytes(4096)), 422)
    assert "twice" in refusal(server.http.post("/v1/surfaces?threshold=0.3&threshold=0.4", content=bytes(4096)), 422)


def test_paths_and_methods_that_are_not_there(server):
    assert refusal(server.http.get("/static/../../setup.py"), 404)
    assert refusal(server.http.get("/static/%2e%2e/files.py"), 404)
    answer = server.http.delete("/v1/views")
    assert refusal(answer, 405) and answer.headers["allow"] == "POST"


@pytest.mark.parametrize("request_bytes, status", [
    (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", b"400"),
    (b"\x16\x03\x01\x02\0", b"400"),
    (b"POST /v1/views HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", b"4"),
    (b"POST /v1/views HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n", b"400"),
])
def test_what_is_no_http_is_answered_and_closed(server, request_bytes, status):
    host, port = server.url.rpartition("/")[2].split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(request_bytes + b"\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 " + status) and b"nosniff" in answer and b"Traceback" not in answer
