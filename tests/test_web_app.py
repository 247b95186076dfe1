"""The web application's page in Chromium, in front of the real server: what it shows against NumPy and trimesh."""
from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image
from web_visit import BROWSER, FLAGS, Visit, decoded

from gluon_r2n2.serving.page import page_files
from recordio.layouts import read_binvox

ROOT = Path(__file__).resolve().parent.parent
SERVE = [sys.executable, str(ROOT / "tools" / "serve.py"), "procedural", "--port", "0", "--engine", "mxnet",
         "--workers", "1", "--quiet"]
pytestmark = pytest.mark.slow  # a browser that draws in 3D without a graphics card
EXAMPLES = [page_files()[f"/static/example-{number}.webp"].content for number in (1, 2, 3)]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The address of a running server."""
    pytest.importorskip("fastapi", reason="the extra `serve` is not installed")
    log = tmp_path_factory.mktemp("server") / "log"
    with open(log, "w") as handle:
        # one thread: several that wait for each other in turns take three times the processor time, and longer
        process = subprocess.Popen(SERVE, stdout=subprocess.PIPE, stderr=handle, text=True,
                                   env={**os.environ, "OMP_NUM_THREADS": "1"})
    try:
        line = process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line + log.read_text()
        yield found.group(0)
    finally:
        process.terminate()
        process.wait(timeout=60)
        process.stdout.close()


@pytest.fixture(scope="module")
def launch():
    """launch(*flags) -> a browser."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if BROWSER is None:
        pytest.skip("no Chromium or Chrome on PATH")
    with playwright.sync_playwright() as driver:
        yield lambda *flags: driver.chromium.launch(executable_path=BROWSER, args=[*FLAGS, *flags])


@pytest.fixture(scope="module")
def browser(launch):
    opened = launch()
    yield opened
    opened.close()


@pytest.fixture
def visit(browser, server):
    """visit(**options of the browser's context) -> Visit."""
    visits = []

    def make(**options):
        visits.append(Visit(browser, server, **options))
        return visits[-1]

    yield make
    for each in visits:
        each.close()


def test_from_dropped_pictures_to_files(visit, server, tmp_path):
    here = visit(accept_downloads=True).open()
    page = here.page
    here.shows("fact-model", "procedural")
    assert "airplane" in here.text("fact-trained-on") and here.text("fact-voxels") == "32 × 32 × 32"
    assert page.is_disabled("#reconstruct")

    here.hand_over("drop", {"a.webp": EXAMPLES[0], "broken.png": b"no picture", "b.webp": EXAMPLES[1]})
    here.hand_over("paste", {"c.webp": EXAMPLES[2]})
    here.shows("pictures-status", "^3 of 4 pictures ready, 1 cannot be used$")
    here.expected = ["415", "422"]  # the console names the broken picture's answer
    refusal = here.rows("failed").locator(".note").inner_text()
    assert re.fullmatch(r"[^\n]{20,}\. It is left out\.", refusal)
    for image in (*here.rows("ready").locator(".found img").all(), *here.rows("ready").locator(".seen img").all()):
        assert image.evaluate("(each) => each.decode().then(() => each.naturalWidth)") >= 64
    colours = page.evaluate("""() => {
      const canvas = new OffscreenCanvas(64, 64);
      const picture = canvas.getContext('2d');
      picture.drawImage(document.querySelector('.found img'), 0, 0, 64, 64);
      return [...picture.getImageData(0, 0, 64, 64).data];
    }""")
    alpha = np.reshape(colours, (64, 64, 4))[..., 3]  # the background of what was found is cut away
    assert (alpha[:2] == 0).all() and 0.1 < (alpha > 128).mean() < 0.8

    grids = here.reconstruct()
    for name in ("canvas", "threshold", "files"):  # the model and what changes it are in one window
        boxes = [each.bounding_box() for each in page.locator(f"#{name}, #{name} button").all() if each.bounding_box()]
        assert boxes and all(box["y"] >= 0 and box["y"] + box["height"] <= 800 for box in boxes), name
    assert page.evaluate("scrollY") == 0
    assert len(grids) == 3 and all((grids[place] != grids[place + 1]).sum() > 100 for place in (0, 1))
    answer = page.request.post(f"{server}/v1/reconstructions", multipart={
        "images": {"name": "a.webp", "mimeType": "image/webp", "buffer": EXAMPLES[0]}})
    once = decoded(answer.json()["probabilities"])
    assert np.abs(once.astype(int) - grids[0]).max() <= 1  # one view alone: the grid after the first

    model = page.request.get(f"{server}/v1/model").json()
    pictures = []
    for step in (1, 2, 3):
        here.slide("step", step)
        assert here.text("voxels") == voxels(grids[step - 1], model["threshold"])
        assert here.text("step-value") == f"{step} of 3 views"
        assert page.locator("#used li:not(.unused)").count() == step
        pictures.append(here.painted())
        assert 0.03 < (pictures[-1][..., 3] > 0).mean() < 0.8
    assert (pictures[0] != pictures[1]).any() and (pictures[1] != pictures[2]).any()

    for threshold in (0.01, 0.2, 0.29, 0.4, 0.6, 0.99):
        here.slide("threshold", threshold)
        assert here.text("voxels") == voxels(grids[2], threshold)
        assert page.is_disabled("#files button") == (not (grids[2] / 255 >= threshold).any())
    page.click("#threshold-own")
    assert here.text("threshold-value") == f"{model['threshold']:.2f}"
    assert here.text("voxels") == voxels(grids[2], model["threshold"])

    for surface in ("smooth", "plain", "cubes"):
        page.select_option("#surface", surface)
        mesh = trimesh.load(download(page, "#files >> text=GLB", tmp_path / f"{surface}.glb"), force="mesh")
        assert mesh.volume > 0 and len(mesh.faces) > 100
        assert mesh.is_watertight or surface == "cubes"  # cubes may touch along an edge
    page.fill("#height", "0")
    page.click("#files >> text=OBJ")
    here.shows("file-error", "^The height wants a number above 0")
    page.fill("#height", "25")
    mesh = trimesh.load(download(page, "#files >> text=GLB", tmp_path / "sized.glb"), force="mesh")
    assert abs(mesh.extents[1] - 0.25) < 1e-4  # 25 cm, and GLB is in metres
    page.fill("#height", "")
    solid = read_binvox(download(page, "#files >> text=binvox", tmp_path / "model.binvox")).occupancy
    np.testing.assert_array_equal(solid, grids[2] / 255 >= model["threshold"])
    picture = np.asarray(Image.open(download(page, "#save-picture", tmp_path / "model.png")))
    assert picture.shape == (1200, 1600, 4) and 0.03 < (picture[..., 3] > 0).mean() < 0.8


def voxels(grid, threshold):
    count = int((grid / 255 >= threshold).sum())
    return f"{count:,} voxel{'' if count == 1 else 's'}"


def download(page, button, path):
    with page.expect_download() as started:
        page.click(button)
    started.value.save_as(path)
    assert started.value.suggested_filename == f"model{path.suffix}"
    return path


def test_all_views_together_are_the_last_grid(visit, server):
    httpx = pytest.importorskip("httpx", reason="httpx is not installed")
    here = visit().open()
    here.page.click("#example")
    grids = here.reconstruct()
    files = [("images", (f"{number}.webp", content, "image/webp")) for number, content in enumerate(EXAMPLES)]
    answer = httpx.post(f"{server}/v1/reconstructions", files=files, timeout=60, trust_env=False).json()
    assert np.abs(decoded(answer["probabilities"]).astype(int) - grids[-1]).max() <= 1  # rounding of batches
    assert abs(answer["occupied"] - int(here.text("voxels").split()[0].replace(",", ""))) <= 3


def test_with_the_keyboard_alone(visit):
    here = visit(accept_downloads=True)
    page, keyboard = here.page, here.page.keyboard
    files = [{"name": name, "mimeType": "image/webp", "buffer": content} for name, content in zip("abc", EXAMPLES)]
    page.on("filechooser", lambda chooser: chooser.set_files(files))
    here.open()
    here.focus_by_tab("choose")
    keyboard.press("Enter")
    here.shows("pictures-status", "^3 of 3 pictures ready$")

    def names():
        return page.locator("#pictures .name").all_inner_texts()

    page.focus("#pictures > li:nth-child(3) .earlier")
    keyboard.press("Enter")
    keyboard.press("Enter")  # the keyboard has moved with the picture
    assert names() == ["c", "a", "b"]
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Move picture 1 later"
    keyboard.press("Tab")
    keyboard.press("Enter")
    assert names() == ["a", "b"]
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Remove picture 1"

    here.focus_by_tab("reconstruct")
    keyboard.press("Enter")
    here.shows("status", "^Done: 2 views")
    assert page.evaluate("document.activeElement.id") == "reconstruct"
    here.focus_by_tab("canvas")
    before = here.painted()
    keyboard.press("ArrowLeft")
    turned = here.painted()
    keyboard.press("Home")
    assert (before != turned).any() and (before == here.painted()).all()
    here.focus_by_tab("step")
    keyboard.press("ArrowLeft")
    assert here.text("step-value") == "1 of 2 views"
    here.focus_by_tab("threshold")
    start = float(here.text("threshold-value"))
    keyboard.press("ArrowRight")
    assert here.text("threshold-value") == f"{start + 0.01:.2f}"
    here.focus_by_tab("units")
    keyboard.press("Tab")
    with page.expect_download() as started:
        keyboard.press("Enter")
    assert started.value.suggested_filename == "model.glb"

    here.focus_by_tab("save-picture")
    page.focus("#clear")
    keyboard.press("Enter")
    assert names() == [] and page.evaluate("document.activeElement.id") == "choose"


def test_a_phone_scrolls_one_way_only(visit):
    here = visit(viewport={"width": 375, "height": 812}, has_touch=True, is_mobile=True).open()
    assert here.overflow() <= 0
    here.hand_over("drop", {"a-very-long-name-" * 12 + ".webp": EXAMPLES[0], "b" * 90: b"no picture"})
    here.shows("pictures-status", "^1 of 2 pictures ready, 1 cannot be used$")
    here.expected = ["415", "422"]
    assert here.page.is_visible("#camera") and here.overflow() <= 0
    here.reconstruct()
    assert here.overflow() <= 0
    small = [button.get_attribute("aria-label") or button.inner_text()
             for button in here.page.locator("button:visible").all() if button.bounding_box()["height"] < 40]
    assert not small  # for fingers
    here.page.set_viewport_size({"width": 320, "height": 640})
    assert here.overflow() <= 0  # WCAG 2.2, 1.4.10


class Slow(BaseHTTPRequestHandler):
    """A server of one grid of a single voxel per turn of `go`, until the client leaves (`left`)."""

    go, left = threading.Semaphore(0), threading.Event()

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        try:
            for place in range(3):
                self.wfile.write(line(event="view", index=place, input="data:,"))
            for views in range(1, 10):
                grid = np.zeros((32, 32, 32), np.uint8)
                grid[:views, 0, 0] = 255
                self.wfile.write(line(event="grid", views=views, probabilities=base64.b64encode(grid).decode()))
                while not self.go.acquire(timeout=0.05):
                    self.wfile.write(b"\n")
        except OSError:
            self.left.set()

    def log_message(self, *words):
        pass


def line(**event):
    return json.dumps(event).encode() + b"\n"


def test_each_view_is_shown_as_it_comes_and_cancelling_ends_the_rest(visit):
    slow = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    thread = threading.Thread(target=slow.serve_forever)
    thread.start()
    here = visit().open()
    here.page.click("#example")
    here.page.route("**/stream", lambda route: route.continue_(url=f"http://127.0.0.1:{slow.server_port}/stream"))
    here.page.click("#reconstruct:enabled")
    here.shows("status", "^After 1 of 3 views$")
    assert here.text("voxels") == "1 voxel"
    Slow.go.release()
    here.shows("status", "^After 2 of 3 views$")
    assert here.text("voxels") == "2 voxels"
    here.slide("step", 1)  # who looks back is left there
    Slow.go.release()
    here.shows("status", "^After 3 of 3 views$")
    assert here.text("voxels") == "1 voxel" and here.text("step-value") == "1 of 3 views"
    here.page.click("#cancel")
    here.shows("status", "^Cancelled after 3 views.$")
    assert Slow.left.wait(30) and here.page.is_enabled("#reconstruct")
    slow.shutdown()
    thread.join()
    slow.server_close()


def test_cancelled_at_once(visit):
    here = visit().open()
    here.page.click("#example")
    here.page.route("**/v1/reconstructions/stream", lambda route: None)  # an answer that never comes
    with here.page.expect_event("requestfailed") as failed:
        here.page.click("#reconstruct:enabled")
        assert here.page.is_hidden("#reconstruct")
        here.page.click("#cancel")
    assert "ABORTED" in failed.value.failure and here.text("status") == "Cancelled."
    here.page.unroute("**/v1/reconstructions/stream")
    here.reconstruct()
    here.page.click("#pictures .remove >> nth=0")
    assert here.page.is_visible("#stale")


def test_a_busy_server_is_asked_again(visit):
    here = visit().open()
    here.page.click("#example")
    here.shows("pictures-status", "^3 of 3")
    here.expected = ["429"]
    answers = [refusal(429, "the queue is full", **{"Retry-After": "1"})]
    here.page.route("**/v1/reconstructions/stream",
                    lambda route: route.fulfill(**answers.pop()) if answers else route.continue_())
    here.page.click("#reconstruct:enabled")
    here.shows("status", r"^The queue is full\. Trying again in 1 s\.$")
    here.shows("status", "^Done")


def refusal(status, message, **headers):
    return {"status": status, "headers": headers, "content_type": "application/json",
            "body": json.dumps({"error": {"code": "any", "message": message}})}


def streamed(text):
    return {"status": 200, "body": text + "\n"}


def answering(answer):
    return lambda route: route.fulfill(**answer) if answer else route.abort()


FAILURES = [
    (refusal(503, "the engine's process ended"), "^The engine's process ended.$"),
    (refusal(413, "34 MB are too much"), "^34 MB are too much.$"),
    ({"status": 502, "body": "<html>"}, "^The server answered with 502"),
    (streamed('{"event": "error", "error": {"code": "timeout", "message": "too slow"}}'), "^Too slow.$"),
    (streamed('{"event": "view", "index": 0, "input": "data:,"}'), "^The connection to the server broke off"),
    (streamed("<html>"), "^The connection to the server broke off"),
    (None, "^The server cannot be reached"),
]


def test_failures_are_one_sentence(visit):
    here = visit().open()
    here.page.click("#example")
    here.expected = ["Failed to load resource"]
    for answer, words in FAILURES:
        here.page.route("**/v1/reconstructions/stream", answering(answer))
        here.page.click("#reconstruct:enabled")
        here.shows("run-error", words)
        assert here.text("status") == "" and here.page.is_enabled("#reconstruct")
        here.page.unroute("**/v1/reconstructions/stream")
    here.reconstruct()
    assert here.page.is_hidden("#run-error")


def test_large_pictures_are_made_smaller_before_they_travel(visit, tmp_path):
    here = visit().open()
    here.shows("fact-model", "procedural")
    here.expected = ["422"]
    bodies = []
    here.page.route("**/v1/views", lambda route: (bodies.append(route.request.post_data_buffer),
                                                  route.fulfill(**refusal(422, "not today"))))
    noise = np.random.default_rng(0).integers(0, 256, (1300, 2600, 1), np.uint8)
    large, see_through, too_large = (tmp_path / name for name in ("large.jpg", "see-through.png", "too large.png"))
    lying = Image.Exif()
    lying[0x0112] = 6  # the camera was turned: what is to be shown is upright
    Image.fromarray(np.repeat(noise, 3, 2)).save(large, exif=lying)
    alpha = np.where(np.arange(2600) < 1300, 0, 255) + 0 * noise[..., 0]
    Image.fromarray(np.dstack([noise, noise, noise, alpha]).astype(np.uint8)).save(see_through)
    with open(too_large, "wb") as handle:
        handle.truncate(20_000_001)
    here.page.set_input_files("#file", [str(large), str(see_through), str(too_large)])
    here.shows("pictures-status", "3 cannot be used$")
    assert here.page.inner_text("#pictures > li:nth-child(3) .note").startswith("This picture has 20 MB; the server")
    assert len(bodies) == 2
    upright, cut_out = sorted(map(sent, bodies), key=lambda each: each.size)
    assert (upright.format, upright.size) == ("JPEG", (1024, 2048))
    assert (cut_out.format, cut_out.size) == ("WEBP", (2048, 1024))
    left_and_right = np.asarray(cut_out.convert("RGBA"))[..., 3]
    assert (left_and_right[:, :1000] == 0).all() and (left_and_right[:, 1048:] == 255).all()


def sent(body):
    """The picture in a multipart body of one file."""
    start = body.index(b"\r\n\r\n", body.index(b'name="image"')) + 4
    return Image.open(io.BytesIO(body[start:body.index(b"\r\n--", start)]))


def test_a_stream_in_single_bytes_and_names_that_look_like_markup(visit):
    markup = "<img src=x onerror=alert(1)> für 3 €"
    here = visit().open()
    here.hand_over("drop", {markup: EXAMPLES[0]})
    here.shows("pictures-status", "^1 of 1 picture ready$")
    assert here.page.inner_text("#pictures .name") == markup
    grid = base64.b64encode(bytes(8)).decode()  # (2, 2, 2): empty at every threshold
    text = b"".join([line(event="view", index=0, input="data:,"), line(event="grid", views=1, probabilities=grid),
                     json.dumps({"event": "end", "seconds": 0.5, "warnings": [markup]}, ensure_ascii=False).encode()])
    here.page.evaluate("""(letters) => {
      window.fetch = async () => new Response(new ReadableStream({
        start(stream) { letters.forEach((letter) => stream.enqueue(Uint8Array.of(letter))); stream.close(); },
      }));
    }""", list(text))
    here.page.click("#reconstruct:enabled")
    here.shows("status", r"^Done: 1 view in 0\.50 s\.$")
    assert here.text("doubts") == f"{markup}." and here.text("voxels") == "0 voxels"
    assert here.page.locator("#doubts img, .words img, .name img").count() == 0


def test_a_lost_picture_can_be_sent_again(visit):
    here = visit().open()
    here.expected = ["Failed to load resource"]
    here.page.route("**/v1/views", lambda route: route.abort())
    here.hand_over("drop", {"a.webp": EXAMPLES[0]})
    here.shows("pictures-status", "1 cannot be used")
    here.page.unroute("**/v1/views")
    here.page.click(".again")
    here.shows("pictures-status", "^1 of 1 picture ready$")


def test_the_token_is_asked_for_and_kept_for_the_tab(visit):
    here = visit()
    here.expected = ["401"]

    def guard(route):
        known = route.request.headers.get("authorization") == "Bearer open sesame"
        route.continue_() if known else route.fulfill(**refusal(401, "a token is wanted"))

    here.page.route("**/v1/**", guard)
    here.open()
    here.shows("token-why", "^This server wants a token")
    assert here.page.evaluate("document.activeElement.id") == "token-field"
    here.page.keyboard.type("wrong")
    here.page.keyboard.press("Enter")
    here.shows("token-why", "does not know this token")
    here.page.keyboard.type("open sesame")
    here.page.keyboard.press("Enter")
    here.shows("fact-model", "procedural")
    assert here.page.is_hidden("#token")
    here.page.reload()
    here.shows("fact-model", "procedural")
    assert here.page.is_hidden("#token")


def test_more_pictures_than_fit(visit):
    here = visit().open()
    here.shows("fact-model", "procedural")
    here.page.route("**/v1/views", lambda route: route.fulfill(**refusal(422, "not today")))
    here.expected = ["422"]
    flying, most = [], []  # pictures under way; how many at a time
    here.page.on("request", lambda request: (flying.append(request), most.append(len(flying))))
    here.page.on("requestfinished", lambda request: flying.remove(request))
    here.hand_over("drop", {str(number): EXAMPLES[0] for number in range(26)})
    here.shows("pictures-error", "^A model takes at most 24 pictures: the last 2 were left out.$")
    here.shows("pictures-status", "^0 of 24 pictures ready, 24 cannot be used$")
    assert len(most) == 24 and max(most) == 2
    here.hand_over("drop", {"empty": b""})
    here.shows("pictures-error", "the last one was left out")


def test_without_webgl_counts_and_files_are_there(launch, server):
    browser = launch("--disable-3d-apis")
    here = Visit(browser, server).open()
    here.page.click("#example")
    grids = here.reconstruct()
    assert here.page.is_visible("#no-webgl") and here.page.is_hidden("#canvas")
    here.slide("threshold", 0.5)
    assert here.text("voxels") == voxels(grids[-1], 0.5)
    here.close()
    browser.close()
