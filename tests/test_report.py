"""The report: its numbers and grids against NumPy, its structure against html.parser, its looks against Chromium."""
from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import shutil
import subprocess
import zlib
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tiny_report import CLASSES, predictions, sample, solid

from gluon_r2n2.evaluation.page import ShownObject, build, choose
from gluon_r2n2.evaluation.page.document import COLOURS
from gluon_r2n2.evaluation.page.grids import edges, pack
from gluon_r2n2.metrics import iou, voxel_counts
from recordio.geometry.camera import MAX_DISTANCE, Camera

ROOT = Path(__file__).resolve().parent.parent
WEB = ROOT / "web"
BUNDLE = ROOT / "gluon_r2n2" / "evaluation" / "page" / "report.js"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
# a software renderer in place of a graphics card, and none of the browser's own traffic
FLAGS = ["--headless", "--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
         "--virtual-time-budget=8000", "--disable-background-networking", "--disable-component-update",
         "--disable-sync", "--no-first-run", "--hide-scrollbars", "--enable-logging=stderr",
         "--force-device-scale-factor=1"]
HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;<!--"
VOID = {"meta", "link", "img", "input", "br"}


class Page(HTMLParser):
    """The elements of a page in their order, and whether each that was opened was closed."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts, self.open = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]}"
        self.open.pop()

    def handle_data(self, data):
        self.texts.append((self.open[-1] if self.open else "", data))

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def made():
    result, shown = sample(objects=6, views=(1, 2, 3), size=12)
    return result, shown, build(result, shown)


# ---- which objects

def test_chosen_are_the_best_the_median_and_the_worst():
    values = {f"a/{number:02d}": {"iou": {"1": 0.0, "5": number / 20}} for number in range(20)}
    chosen = choose({"views": [1, 5], "objects": values}, 6)
    assert chosen == [("a/19", "best"), ("a/18", "best"), ("a/10", "median"), ("a/09", "median"),
                      ("a/01", "worst"), ("a/00", "worst")]


@pytest.mark.parametrize("objects", range(8))
@pytest.mark.parametrize("count", range(8))
def test_no_object_is_chosen_twice(objects, count):
    values = {f"a/{number}": {"iou": {"3": 0.5}} for number in range(objects)}
    chosen = choose({"views": [3], "objects": values}, count)
    assert len({key for key, _ in chosen}) == len(chosen) == min(objects, count)
    places = [place for _, place in chosen]
    assert places == sorted(places)  # best, median, worst is the order of the alphabet as well


# ---- packed grids

def unpacked(text, size, counts):
    """The truth (V, V, V) and the levels (W, V, V, V), by the format's words alone."""
    content = np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(counts + 1, size, size, size)
    return content[0], content[1:]


@pytest.mark.parametrize("threshold", [0.05, 0.4, 0.95, 0.123, 1 / 3, 1e-9, 1.0])
def test_levels_give_every_threshold_exactly(threshold):
    rng = np.random.default_rng(0)
    offered = edges(threshold)
    assert threshold in offered and {round(0.05 * step, 2) for step in range(1, 20)} <= set(offered)
    exact = np.array(offered, np.float32)
    # on every edge, one step of a float beside it, at both ends, and anywhere
    values = np.concatenate([exact, np.nextafter(exact, np.float32(0)), np.nextafter(exact, np.float32(2)),
                             [0, 1, np.nan], rng.random(2 * 6 ** 3)])[:2 * 6 ** 3].astype(np.float32)
    probabilities = rng.permutation(values).reshape(2, 6, 6, 6)
    truth = rng.random((6, 6, 6)) < 0.4
    stored, levels = unpacked(pack(probabilities, truth, offered), 6, 2)
    np.testing.assert_array_equal(stored, truth)
    for place, each in enumerate(offered):
        np.testing.assert_array_equal(levels > place, probabilities >= np.float32(each), str(each))


def test_grids_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 4, 4, 4\) and \(5, 5, 5\)"):
        pack(np.zeros((2, 4, 4, 4), np.float32), np.zeros((5, 5, 5), bool), edges(0.4))
    with pytest.raises(ValueError, match="truth"):
        pack(np.zeros((2, 4, 4, 5), np.float32), np.zeros((4, 4, 5), bool), edges(0.4))


# ---- the document

def test_nothing_is_fetched(made):
    page = Page(made[2])
    assert not page.open
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            assert name not in ("style", "srcset", "action", "data") and not name.startswith("on"), (tag, name)
            if name in ("src", "href"):
                assert value.startswith(("#", "data:")), (tag, value)
    assert "url(" not in made[2].split("</style>")[0] and "@import" not in made[2].split("</style>")[0]
    assert not {"iframe", "object", "embed", "base", "form"} & {tag for tag, _ in page.elements}


def test_the_policy_admits_this_script_and_this_style_only(made):
    policy = next(each["content"] for each in Page(made[2]).all("meta") if "http-equiv" in each)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'" and rules["img-src"] == "data:"
    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        content = re.findall(rf"<{tag}>(.*?)</{tag}>", made[2], re.DOTALL)
        assert len(content) == 1
        digest = base64.b64encode(hashlib.sha256(content[0].encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"


def test_the_links_lead_to_sections(made):
    page = Page(made[2])
    identities = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identities) == len(set(identities))
    targets = [each["href"][1:] for each in page.all("a")]
    assert set(targets) <= set(identities) and {"numbers", "views", "classes", "objects"} <= set(targets)


def test_what_is_operated_has_a_name(made):
    page = Page(made[2])
    labels = {each.get("for") for each in page.all("label")}
    for attributes in page.all("input"):
        assert attributes.get("aria-label") or attributes.get("id") in labels
    assert all(each.get("aria-label") or each.get("aria-hidden") for each in page.all("svg"))
    assert all(each["alt"] and each["width"] and each["height"] for each in page.all("img"))
    assert {each.get("lang") for each in page.all("html")} == {"en"}


def test_numbers_are_on_the_page(made):
    result, _, text = made
    largest = str(result["views"][-1])
    for value in (result["iou"][largest]["micro"], result["iou"]["1"]["macro"],
                  *result["iou"][largest]["intervals"]["micro"], result["baselines"]["class_mean"]["micro"],
                  *result["iou"]["2"]["classes"].values(), *result["iou"][largest]["classes"].values()):
        assert f"{value:.3f}" in text
    assert f"{result['cross_entropy']['1']['micro']:.4f}" in text
    assert result["model"]["weights_sha256"][:12] in text and "Res3D-GRU-3" in text


def test_errors_are_on_the_page(made):
    found, text = made[0]["analysis"], made[2]
    section = re.search(r'<section id="errors".*?</section>', text, re.DOTALL).group(0)
    titles = re.findall(r"<title>(.*?)</title>", section)
    for each in found["occupancy"]["bins"]:
        assert any(title.endswith(f": {each['mean']:.3f} ({each['count']})") for title in titles)
    for each in filter(lambda sector: sector["count"], found["angle"]["azimuth"]):
        assert f"{each['from']:g} to {each['to']:g} degrees: {each['mean']:.3f} ({each['count']})" in titles
    confusion = found["confusion"]
    for kind in ("prediction", "truth"):
        for synset, counts in zip(confusion["rows"], confusion[kind]["counts"]):
            total = sum(counts) + confusion[kind]["none"][confusion["rows"].index(synset)]
            for other, count in zip(confusion["columns"], counts):
                assert f"{CLASSES[synset]} as {CLASSES[other]}: {count} of {total}" in titles
    ranked = re.findall(r'<th scope="row">(\d+)&ndash;(\d+)&deg;', section)
    first, added = ([(f"{each['from']:.0f}", f"{each['to']:.0f}") for each in found[part]["azimuth"]][:12]
                    for part in ("first", "added"))
    assert ranked[:len(first)] == first and ranked[len(first):len(first) + len(added)] == added


def test_views_are_ranked_by_number_where_cameras_are_shared():
    result, shown = sample()
    result["analysis"]["shared_cameras"] = True
    section = re.search(r'<section id="errors".*?</section>', build(result, shown), re.DOTALL).group(0)
    first, added = ([str(each["view"]) for each in result["analysis"][part]["view"][:12]]
                    for part in ("first", "added"))
    found = re.findall(r'<th scope="row">(\d+)</th>', section)
    assert found == first + added


def test_classes_that_were_not_measured_have_their_names():
    result, shown = sample()
    del result["classes"]["04379243"]
    title = "<title>chair as {}: "
    assert title.format("04379243") in build(result, shown)
    text = build(result, shown, names={"04379243": "table", "03001627": "not this"})
    assert title.format("table") in text and "04379243:" not in text


def test_an_exported_network_may_not_say_how_it_was_trained():
    result, shown = sample()
    result["model"].update(step=None, trained_on=None, averaged=None)
    text = build(result, shown)
    assert "trained on" not in text.split("<nav")[0] and "None" not in text.split("<nav")[0]


def test_nothing_of_the_data_becomes_markup():
    names = {"02691156": HOSTILE, "<b>": "chair", "\"x' onload=y": "table"}
    result, shown = sample(names=names)
    for part in (result["data"], result["model"]):
        part.update({name: HOSTILE for name, value in part.items() if isinstance(value, str)})
    result.update(command=HOSTILE, version=HOSTILE, git={"revision": HOSTILE, "dirty": True},
                  definitions={HOSTILE: HOSTILE})
    result["threshold"]["source"] = HOSTILE
    result["surfaces"]["measures"][HOSTILE] = result["cross_entropy"]
    text = build(result, shown)
    plain = Page(build(*sample()))
    page = Page(text)
    assert not page.open
    count = [sum(tag == "script" for tag, _ in each.elements) for each in (plain, page)]
    assert count[0] == count[1] == len(shown) + 2
    assert len(page.all("img")) == len(plain.all("img"))
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert "alert(1)" not in "".join(words for tag, words in page.texts if tag == "script")
    heading = html.unescape(HOSTILE)
    assert any(heading in html.unescape(words) or HOSTILE in words for _, words in page.texts)


@pytest.mark.parametrize("absent", ["model", "git", "baselines", "surfaces", "analysis", "command", "precision_recall",
                                    "cross_entropy", "average_precision", "bootstrap"])
def test_parts_that_were_not_measured_are_left_out(absent):
    result, shown = sample()
    result[absent] = None
    assert not Page(build(result, shown)).open


def test_stored_predictions_of_unknown_views_have_a_page():
    result, shown = sample(views=(0,))
    result["model"] = None
    page = Page(build(result, shown))
    assert len(page.all("article")) == len(shown)
    assert [each["id"] for each in page.all("input")] == ["threshold"]  # nothing to grow
    assert "stored predictions" in "".join(words for _, words in page.texts)


def test_a_page_without_objects():
    result, _ = sample()
    page = Page(build(result, []))
    assert not page.open and not page.all("article") and not page.all("input")


def test_size_of_the_whole():
    views = (1, 2, 3, 4, 5, 8, 12, 16, 20)
    result, shown = sample(objects=3, views=views, size=32, pixels=137)
    assert len(shown) == 3 and len(shown[0].views) == 20
    three, none = (len(build(result, each).encode()) for each in (shown, []))
    size = none + 8 * (three - none)  # the cards of 24 such objects
    assert size < 3_000_000, f"{size / 1e6:.2f} MB"


# ---- the script

def test_the_script_was_built_from_these_sources():
    names = sorted([f"src/{path.name}" for path in (WEB / "src").iterdir()]
                   + ["build.js", "package.json", "package-lock.json"])
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode() + b"\0" + (WEB / name).read_bytes() + b"\0")
    head = BUNDLE.read_text(encoding="utf-8")[:2000]
    assert digest.hexdigest() in head, "web/ has changed since report.js was built: run `make web`"
    version = json.loads((WEB / "package-lock.json").read_text())["packages"]["node_modules/three"]["version"]
    assert f"three.js {version}" in head
    assert "three.js authors" in head and "Permission is hereby granted" in head  # the licence asks for its text


def test_the_script_may_stand_inside_a_page():
    text = BUNDLE.read_text(encoding="ascii")
    assert "</script" not in text.lower() and "<!--" not in text


def test_the_lock_names_no_place():
    text = (WEB / "package-lock.json").read_text()
    assert "resolved" not in text and "://" not in re.sub(r'"url": "[^"]*"', "", text)


# ---- in a browser

@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """browser(page, *flags, hash, width, height): open the HTML, hold that the console is silent, return stdout."""
    if BROWSER is None:
        pytest.skip("no Chromium or Chrome on PATH")
    folder = tmp_path_factory.mktemp("browser")

    def open_page(text, *flags, state="", width=1200, height=900):
        (folder / "page.html").write_text(text, encoding="utf-8")
        command = [BROWSER, *FLAGS, f"--user-data-dir={folder / 'profile'}", f"--window-size={width},{height}", *flags,
                   (folder / "page.html").as_uri() + state]
        run = subprocess.run(command, capture_output=True, text=True, timeout=180)
        assert run.returncode == 0, run.stderr
        console = [line for line in run.stderr.splitlines() if "CONSOLE" in line]
        assert not console, console
        return run.stdout

    open_page.folder = folder
    return open_page


def only_objects(text):
    """The page with the gallery alone: a headless window does not scroll."""
    start, end = text.index("<header>"), text.index('<section id="objects"')
    return text[:start] + '<main class="wrap">' + text[end:]


def cards_of(text):
    """What each card of a dumped page shows."""
    found = []
    for card in re.findall(r'<article class="object".*?</article>', text, re.DOTALL):
        found.append({**dict(re.findall(r'data-show="(\w+)"[^>]*>([^<]*)<', card)), "canvases": card.count("<canvas")})
    return found


# Frames come in real time, and the budget of a headless browser's clock may be over before: here they are timers.
PROBE = """<script>window.requestAnimationFrame = (draw) => setTimeout(draw, 16); addEventListener("load", async () => {
  const pause = (time) => new Promise((resume) => setTimeout(resume, time));
  const tell = (value) => { top.document.title = JSON.stringify(value); };
  await pause(500);
  %s
});</script>"""


def probed(text, script):
    """The page with a script of the test, which its policy would refuse."""
    free = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text)
    return free.replace("<body>", "<body>" + PROBE % script)


def told(text):
    """What the script of the test told."""
    return json.loads(html.unescape(re.search("<title>(.*?)</title>", text, re.DOTALL).group(1)))


@pytest.fixture(scope="module")
def gallery():
    result, shown = sample(objects=3, views=(1, 2, 3), size=16, threshold=0.401)  # two digits do not hold it
    return result, shown, only_objects(build(result, shown))


def coloured(pixels, colour):
    """(H, W) bool: which of (H, W, 3) RGB pixels are coloured, in about the hue of a CSS colour."""
    hsv = np.asarray(Image.fromarray(pixels).convert("HSV"), np.int64)
    hue = int(np.asarray(Image.new("RGB", (1, 1), colour).convert("HSV"))[0, 0, 0])
    near = np.abs((hsv[..., 0] - hue + 128) % 256 - 128) < 12
    return near & (hsv[..., 1] > 40) & (hsv[..., 2] > 60)


PANES = ((1200, 700, 16), (375, 760, 32), (900, 700, 64))  # of the frames: width and height; cells along an edge


def framed(*frames):
    """A page of pages (HTML, width, height) under each other: a frame can be as narrow as a phone, no window can."""
    inner = "".join(f'<iframe width="{width}" height="{height}" srcdoc="{html.escape(text)}" frameborder="0" '
                    f'style="display: block"></iframe>' for text, width, height in frames)
    return f'<!doctype html><html><body style="margin: 0">{inner}</body></html>'


@pytest.fixture(scope="module")
def panes(browser):
    """Of every size of PANES the truth and the pixels of both panes."""
    rng = np.random.default_rng(1)
    result, _ = sample(views=(1, 2))
    truths = [solid(rng, size) for _, _, size in PANES]
    truths[0] = post_and_plate(16)
    pages = [only_objects(build(result, [ShownObject("03001627/one", "03001627", "chair", "best", [], (1, 2),
                                                     predictions(rng, truth, 2), truth, [0, 1])])) for truth in truths]
    path, heights = browser.folder / "panes.png", [height for _, height, _ in PANES]
    browser(framed(*((page, width, height) for page, (width, height, _) in zip(pages, PANES))),
            f"--screenshot={path}", height=sum(heights))
    picture = np.asarray(Image.open(path).convert("RGB"))
    background = re.search(r"--pane: (#\w+);", (BUNDLE.parent / "page.css").read_text(encoding="utf-8")).group(1)
    found = []
    for part in np.split(picture, np.cumsum(heights)[:-1]):
        # the panes are where the page has their background; the left half is the reconstruction
        rows, columns = np.nonzero((part == Image.new("RGB", (1, 1), background).getpixel((0, 0))).all(axis=2))
        assert len(rows) > 5000, "no pane is to be seen"
        part = part[rows.min():rows.max() + 1, columns.min():columns.max() + 1]
        found.append((part[:, :part.shape[1] // 2], part[:, part.shape[1] // 2:]))
    return truths, found


def post_and_plate(size):
    """(V, V, V) bool: a plate with posts of different heights in two of its corners, unlike its mirror images."""
    truth, unit = np.zeros((size,) * 3, bool), size // 8
    truth[unit:-unit, unit:2 * unit, unit:-unit] = True
    for x, z, height in ((1, 1, 7), (6, 1, 4)):
        truth[x * unit:(x + 1) * unit, unit:height * unit, z * unit:(z + 1) * unit] = True
    return truth


@pytest.mark.parametrize("place", range(len(PANES)))
def test_panes_show_prediction_and_truth(panes, place):
    left, right = panes[1][place]
    assert abs(left.shape[0] / left.shape[1] - 1) < 0.1
    blue, green = (COLOURS[kind]["full"] for kind in ("prediction", "truth"))
    assert coloured(left, blue).mean() > 0.05 and coloured(right, green).mean() > 0.05
    assert coloured(left, green).mean() < 0.001 and coloured(right, blue).mean() < 0.001


def test_panes_show_shapes_from_where_they_say(panes):
    """The outline is that of the projection of the object frame, not that of a mirror image or of another side."""
    shape, (_, pane) = panes[0][0], panes[1][0]
    fine = shape.repeat(6, 0).repeat(6, 1).repeat(6, 2)
    points = (np.argwhere(fine) + 0.5) / len(fine) - 0.5
    reach = np.abs((np.argwhere(shape) + [[[0]], [[1]]]) / len(shape) - 0.5)
    distance = np.linalg.norm(reach, axis=2).max() / np.sin(np.radians(15)) / MAX_DISTANCE  # a field of view of 30
    seen, agreements = outline(coloured(pane, COLOURS["truth"]["full"])), []
    for turned in (points, points * [-1, 1, 1], points * [1, 1, -1], points * [-1, 1, -1]):
        pixels = Camera(300, 24, distance).project(turned, size=300)[0]
        drawn = np.histogram2d(pixels[:, 1], pixels[:, 0], bins=150, range=[[0, 300]] * 2)[0] > 0
        agreements.append((outline(drawn) == seen).mean())
    print("agreement", agreements)
    assert agreements[0] > 0.95 and max(agreements[1:]) < 0.9


def outline(mask):
    """(64, 64) bool: what a mask holds, cut to its bounds."""
    rows, columns = (np.nonzero(mask.any(axis=axis))[0] for axis in (1, 0))
    cut = Image.fromarray(mask[rows[0]:rows[-1] + 1, columns[0]:columns[-1] + 1])
    return np.asarray(cut.resize((64, 64)))


STATES = ((1, 0.2), (2, 0.6), (3, 0.95), (3, 0.4))
OPERATE = """
  const look = () => [...document.querySelectorAll('.object')].map((card) => ({
    iou: card.querySelector('[data-show=iou]').textContent,
    voxels: card.querySelector('[data-show=voxels]').textContent,
    views: card.querySelector('[data-show=step]').textContent,
    used: card.querySelectorAll('.views li:not(.unused)').length,
  }));
  const told = {states: [], canvases: document.querySelectorAll('canvas').length};
  for (const [views, threshold] of %s) {
    location.hash = `#views=${views}&threshold=${threshold}`;
    await pause(200);
    told.states.push(look());
  }
  location.hash = '#object=1&views=2&threshold=0.401';
  await pause(200);
  told.one = look();
  const slider = document.querySelector('.growth input');
  slider.value = 0;
  slider.dispatchEvent(new Event('input'));
  told.moved = [look()[0].views, location.hash];
  const threshold = document.getElementById('threshold');
  told.steps = [...Array(Number(threshold.max) + 1).keys()].map((step) => {
    threshold.value = step;
    threshold.dispatchEvent(new Event('input'));
    return look();
  });
  document.getElementById('threshold-reset').click();
  told.reset = document.getElementById('threshold-value').textContent;
  const [first, second] = document.querySelectorAll('#object-1 canvas');  // only what is in sight is drawn
  await pause(200);
  const before = [first.toDataURL(), second.toDataURL()];
  const events = [new KeyboardEvent('keydown', {key: 'ArrowLeft', cancelable: true}),
    new KeyboardEvent('keydown', {key: 'a', cancelable: true}),
    new WheelEvent('wheel', {deltaY: 50, cancelable: true, bubbles: true})];
  events.forEach((event) => first.dispatchEvent(event));
  await pause(200);
  told.taken = events.map((event) => event.defaultPrevented);
  told.turned = [first.toDataURL() !== before[0], second.toDataURL() !== before[1]];
  tell(told);"""


@pytest.fixture(scope="module")
def operated(browser, gallery):
    """What the page showed while it was operated."""
    script = OPERATE % json.dumps(STATES)
    return told(browser(probed(gallery[2], script), "--dump-dom", height=1600))


def test_the_browser_counts_as_numpy_does(operated, gallery):
    _, shown, _ = gallery
    assert operated["canvases"] == 2 * len(shown)
    for (views, threshold), cards in zip(STATES, operated["states"]):
        assert len(cards) == len(shown)
        for card, each in zip(cards, shown):
            counts = voxel_counts(each.probabilities[views - 1][None], each.truth[None], thresholds=(threshold,))
            assert card["voxels"] == f"{counts.intersection[0, 0]:,} of {counts.union[0, 0]:,} voxels shared"
            assert abs(float(card["iou"]) - iou(*counts)[0, 0]) <= 0.0005 + 1e-12
            assert card["views"] == f"{views} view{'s' if views > 1 else ''}" and card["used"] == views
    assert len(operated["steps"]) == len(edges(0.401)) == 20
    for threshold, cards in zip(edges(0.401), operated["steps"]):
        for card, each, views in zip(cards, shown, (1, 2, 3)):  # what the address and the slider have chosen before
            counts = voxel_counts(each.probabilities[views - 1][None], each.truth[None], thresholds=(threshold,))
            assert card["voxels"] == f"{counts.intersection[0, 0]:,} of {counts.union[0, 0]:,} voxels shared"
    assert operated["reset"] == "0.401"


def test_one_object_can_be_addressed(operated, gallery):
    assert [card["views"] for card in operated["one"]] == ["3 views", "2 views", "3 views"]
    assert operated["one"][1]["iou"] == f"{gallery[1][1].iou[1]:.3f}"
    assert operated["moved"] == ["1 view", "#object=0&views=1&threshold=0.401"]


def test_keys_turn_both_panes_and_the_wheel_is_left_alone(operated):
    assert operated["taken"] == [True, False, False] and operated["turned"] == [True, True]


SHORT = {synset: CLASSES[synset] for synset in ("02691156", "04379243")}


def test_a_phone_scrolls_one_way_only_and_tables_are_sorted(browser):
    script = """
        const select = document.querySelector('select[data-chooses=classes]');
        select.value = '1';
        select.dispatchEvent(new Event('change'));
        const table = [...document.querySelectorAll('[data-choice=classes]')].find((each) => !each.hidden);
        [...table.querySelectorAll('th button')].find((each) => each.textContent === 'IoU').click();
        tell({views: table.dataset.value, window: innerWidth, wide: document.documentElement.scrollWidth,
          classes: [...table.querySelectorAll('tbody tr')].map((row) => row.cells[0].textContent)});"""
    result, shown = sample(objects=6, views=(1, 2, 3), size=12, names={"03001627": "averylong" * 20, **SHORT})
    page = probed(build(result, shown), script)
    shown = told(browser(framed((page, 375, 3000)), "--dump-dom", height=3000))
    assert shown["wide"] <= shown["window"] == 375
    scores = result["iou"]["1"]["classes"]
    assert shown["views"] == "1"
    assert [name[:8] for name in shown["classes"]] == [
        result["classes"][synset]["name"][:8] for synset in sorted(scores, key=lambda synset: -scores[synset])]


NO_3D = "The 3D view needs JavaScript, WebGL 2 and DecompressionStream."


def test_the_page_says_the_same_without_its_script(made):
    for card, each in zip(cards_of(made[2]), made[1]):
        assert card["iou"] == f"{each.iou[-1]:.3f}" and card["canvases"] == 0
    assert made[2].split("<script>")[0].count(NO_3D) == 2 * len(made[1])


def test_without_webgl_numbers_still_follow(browser, gallery):
    text = browser(gallery[2], "--dump-dom", "--disable-3d-apis", state="#views=1", height=1600)
    assert text.count(NO_3D) == 2 * len(gallery[1])
    for card, each in zip(cards_of(text), gallery[1]):
        assert card["canvases"] == 0 and card["iou"] == f"{each.iou[0]:.3f}"
