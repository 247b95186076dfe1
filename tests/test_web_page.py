"""The files of the web application's page: nothing from elsewhere, built from web/, colours that can be told apart."""
from __future__ import annotations

import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from gluon_r2n2.serving.page import page_files

WEB = Path(__file__).resolve().parent.parent / "web"


class Page(HTMLParser):
    """Tags with their attributes, in order."""

    def __init__(self, text):
        super().__init__()
        self.elements = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))


@pytest.fixture(scope="module")
def index():
    return Page(page_files()["/"].content.decode())


def test_the_page_addresses_only_its_own_files(index):
    addressed = []
    for tag, attributes in index.elements:
        for name, value in attributes.items():
            assert name not in ("style", "srcset", "action", "formaction") and not name.startswith("on"), (tag, name)
            if name in ("src", "href") and not value.startswith(("#", "data:")):
                addressed.append(f"/{value}")
        assert tag not in ("style", "iframe", "object", "embed", "base")
        assert tag != "script" or "src" in attributes
    files = page_files()
    assert sorted(addressed) == ["/static/app.css", "/static/app.js"] and set(addressed) <= set(files)
    assert b"url(" not in files["/static/app.css"].content and b"@import" not in files["/static/app.css"].content
    examples = [name for name in files if "example" in name]
    assert len(examples) == 3 and all(name[1:].encode() in files["/static/app.js"].content for name in examples)
    assert sum(len(files[name].content) for name in examples) < 20_000


def test_what_is_operated_has_a_name(index):
    labels = {attributes.get("for") for tag, attributes in index.elements if tag == "label"}
    for tag, attributes in index.elements:
        if tag in ("select", "input") and "hidden" not in attributes:
            assert attributes["id"] in labels or attributes.get("aria-label"), attributes
    identities = [attributes["id"] for _, attributes in index.elements if "id" in attributes]
    assert len(identities) == len(set(identities))


def test_the_script_was_built_from_these_sources():
    digest = hashlib.sha256()
    for name in sorted([f"src/{path.name}" for path in (WEB / "src").iterdir()]
                       + ["build.js", "package.json", "package-lock.json"]):
        digest.update(name.encode() + b"\0" + (WEB / name).read_bytes() + b"\0")
    head = page_files()["/static/app.js"].content.decode("ascii")[:2000]
    assert digest.hexdigest() in head, "web/ has changed since app.js was built: run `make web`"
    assert "three.js authors" in head and "Permission is hereby granted" in head  # the licence asks for its text


PAIRS = [*[(ink, "card", 4.5) for ink in ("ink", "soft", "blue", "red", "amber")],
         ("ink", "pane", 4.5), ("soft", "pane", 4.5), ("soft", "paper", 4.5), ("ink", "faint", 4.5),
         ("soft", "faint", 4.5), ("on-blue", "blue", 4.5),  # text, WCAG 2.2, 1.4.3
         ("edge", "card", 3), ("edge", "pane", 3), ("blue", "pane", 3)]  # borders and the focus ring, 1.4.11


def test_colours_stand_out_in_both_schemes():
    rules = re.findall(r":root \{(.*?)\}", page_files()["/static/app.css"].content.decode(), re.DOTALL)
    light, dark = (dict(re.findall(r"--([\w-]+): (#\w+)", rule)) for rule in rules)
    for colours in (light, {**light, **dark}):
        for ink, ground, least in PAIRS:
            high, low = sorted((luminance(colours[name]) for name in (ink, ground)), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= least, (ink, ground, (high + 0.05) / (low + 0.05))


def luminance(colour):
    """Relative luminance as WCAG 2.2 defines it."""
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = np.array([int(digits[place:place + 2], 16) / 255 for place in (0, 2, 4)])
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]
