"""The page of samples: what it holds against NumPy, and in Chromium from a file: the slider moves the shape."""
from __future__ import annotations

import base64
import html
import io
import json
import re
import zlib

import numpy as np
import pytest
from PIL import Image
from tiny_generative import make_run
from web_visit import BROWSER, FLAGS, PATIENCE

from gluon_r2n2.evaluation.page import ShownShape, build_samples
from gluon_r2n2.evaluation.page.grids import edges
from gluon_r2n2_tools import sample

THRESHOLD = 0.5


@pytest.fixture(scope="module")
def folder(data, tmp_path_factory):
    """What the tool makes of a 3D-GAN."""
    place = tmp_path_factory.mktemp("page")
    run = make_run(place / "run", data, latent=8, threshold=THRESHOLD)
    assert sample.main([str(run), "--out", str(place / "out"), "--count", "2", "--steps", "4", "--formats", "npz",
                        "--arithmetic", "0 - 1"]) == 0
    return place / "out"


@pytest.fixture(scope="module")
def text(folder):
    return (folder / "index.html").read_text(encoding="utf-8")


def cards(text):
    """(heading, attributes, truth, levels) of each card, by the format's words alone."""
    found = []
    for card in re.findall(r'<article class="object".*?</article>', text, re.DOTALL):
        values = {name: html.unescape(value) for name, value in re.findall(r'data-([a-z]+)="([^"]*)"', card)}
        size, count = int(values["size"]), len(json.loads(values["names"]))
        packed = re.search(r'<script type="text/plain">([^<]*)</script>', card).group(1)
        content = np.frombuffer(zlib.decompress(base64.b64decode(packed)), np.uint8)
        content = content.reshape(count + 1, size, size, size)
        found.append((re.search(r"<h4[^>]*>(.*?) <span", card).group(1), values, content[0], content[1:]))
    return found


def test_the_page_holds_every_shape_and_every_frame(folder, text):
    listed, found = json.loads((folder / "samples.json").read_text()), cards(text)
    assert [heading for heading, *_ in found] == ["from sample 0 to sample 1", "0 - 1", "sample 0", "sample 1"]
    files = [listed["interpolations"][0], listed["arithmetic"][0], *listed["samples"]]
    level = edges(THRESHOLD).index(THRESHOLD)
    for (_, values, truth, levels), entry in zip(found, files):
        with np.load(folder / entry["files"]["npz"]) as stored:
            wanted = stored["probabilities"] >= np.float32(THRESHOLD)
        np.testing.assert_array_equal(levels > level, wanted.reshape(levels.shape))
        if len(levels) > 1:
            np.testing.assert_array_equal(truth, wanted[-1])  # what the frames are compared with
            assert values["start"] == "2" and json.loads(values["counts"]) == [1, 2, 3, 4]
        else:
            near = entry["nearest_training_object"]
            shared, either = (truth & wanted).sum(), (truth | wanted).sum()
            assert shared / either == pytest.approx(near["iou"], abs=1e-12) and near["key"].split("/")[1] in text


def test_the_page_asks_nothing_of_a_network(text):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text).group(1)
    assert policy.startswith("default-src 'none';") and "img-src data:;" in policy and "unsafe" not in policy
    outside = re.sub(r"<(script|style)[^>]*>.*?</\1>", "", text, flags=re.DOTALL)
    for address in re.findall(r'(?:src|href)="([^"]*)"', outside):
        assert address.startswith(("data:", "#")), address
    assert " style=" not in outside and " on" not in "".join(re.findall(r"<[^>]*>", outside)).replace(" on ", "")


def test_whatever_comes_from_data_is_text():
    hostile = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    grid = np.zeros((1, 4, 4, 4), np.float32)
    shape = ShownShape(hostile, hostile, grid, [0.0], grid[0] > 0, hostile, [(hostile, np.zeros((4, 4, 3), np.uint8))])
    page = build_samples(hostile, hostile, [(hostile, hostile)], [("samples", hostile, [shape])], threshold=0.4)
    assert "alert(1)" in page and "<img src=x" not in page and "<script>alert" not in page


def test_without_neighbours_a_card_has_one_pane():
    shape = ShownShape("sample 0", "", np.ones((1, 4, 4, 4), np.float32))
    page = build_samples("a", "b", [], [("samples", "", [shape]), ("images", "", [])], threshold=0.4)
    assert page.count('data-pane="') == 1 and 'data-show="iou"' not in page.split("<script>")[0]
    assert 'id="images"' not in page and "what it is compared with" not in page


# ---- in a browser

@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if BROWSER is None:
        pytest.skip("no Chromium or Chrome on PATH")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(params=[(1280, 900), (375, 760)], ids=["wide", "phone"])
def page(request, browser, folder):
    """The page, opened as a file; at the end: nothing was said in the console, nothing asked of a network."""
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(PATIENCE)
    opened, complaints, requests = context.new_page(), [], []
    opened.on("console", lambda message: complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda asked: requests.append(asked.url))
    opened.goto((folder / "index.html").as_uri())
    yield opened
    assert opened.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    context.close()
    assert not complaints
    assert [address for address in requests if not address.startswith("data:")] == [(folder / "index.html").as_uri()]


def painted(page, place, pane):
    """What a pane shows, RGBA (H, W, 4), after the next frames."""
    text = page.evaluate("""([place, pane]) => new Promise((done) => {
      const canvas = document.querySelectorAll(`#object-${place} canvas`)[pane];
      canvas.scrollIntoView({block: 'center'});
      setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(() => done(canvas.toDataURL()))), 300);
    })""", [place, pane])
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text.split(",")[1]))))


def shown(page, place, name):
    return page.inner_text(f"#object-{place} [data-show={name}]")


@pytest.mark.slow  # a browser that draws in 3D without a graphics card
def test_the_slider_moves_the_shape_and_keys_turn_it(page, folder):
    with np.load(folder / "interpolation" / "0_1.npz") as stored:
        solid = stored["probabilities"] >= np.float32(THRESHOLD)
    end, slider = solid[-1], page.locator("#object-0 .growth input")
    page.locator("#object-0 canvas").first.wait_for()
    assert shown(page, 0, "step") == "frame 3 of 4" and slider.get_attribute("aria-valuetext") == "frame 3 of 4"
    seen = []
    slider.focus()
    page.keyboard.press("Home")
    for frame in range(1, 5):
        seen.append(painted(page, 0, 0))
        assert (seen[-1][..., 3] > 0).mean() > 0.1
        assert shown(page, 0, "step") == f"frame {frame} of 4"
        shared, either = (solid[frame - 1] & end).sum(), (solid[frame - 1] | end).sum()
        assert shown(page, 0, "voxels") == f"{shared:,} of {either:,} voxels shared"
        assert float(shown(page, 0, "iou")) == pytest.approx(shared / either, abs=0.0005)
        assert page.locator("#object-0 .views li:not(.unused)").count() == frame
        assert page.evaluate("location.hash").startswith(f"#object=0&frame={frame}&" if frame > 1 else "#object=0")
        page.keyboard.press("ArrowRight")
    assert all((one != other).any() for one, other in zip(seen, seen[1:]))
    target = painted(page, 0, 1)
    page.locator("#object-0 canvas").first.focus()
    page.keyboard.press("ArrowLeft")
    assert (painted(page, 0, 0) != seen[-1]).any() and (painted(page, 0, 1) != target).any()  # they turn together


@pytest.mark.slow
def test_a_sample_is_shown_beside_its_neighbour_at_any_threshold(page, folder):
    entry = json.loads((folder / "samples.json").read_text())["samples"][0]
    page.locator("#object-2 canvas").first.wait_for()
    sample_pane, neighbour = painted(page, 2, 0), painted(page, 2, 1)
    assert float(shown(page, 2, "iou")) == pytest.approx(entry["nearest_training_object"]["iou"], abs=0.0005)
    green = (neighbour[..., 1].astype(int) - neighbour[..., 2] > 30) & (neighbour[..., 3] > 0)
    blue = (sample_pane[..., 2].astype(int) - sample_pane[..., 1] > 30) & (sample_pane[..., 3] > 0)
    assert green.mean() > 0.05 and blue.mean() > 0.05
    page.locator("#threshold").focus()
    page.keyboard.press("End")
    page.wait_for_function("document.querySelector('#object-2 [data-show=iou]').textContent === '0.000'")
    assert not painted(page, 2, 0)[..., 3].any()  # no voxel is as certain as that
