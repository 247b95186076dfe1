"""A visit to the web application's page with a real browser: what a test does there, and what it must not see."""
from __future__ import annotations

import base64
import io
import json
import re
import shutil

import numpy as np
from PIL import Image

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
# a software renderer in place of a graphics card, and none of the browser's own traffic
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
PATIENCE = 60_000  # milliseconds until something must have appeared, on a busy machine

WATCH = """
  window.violations = [];
  document.addEventListener('securitypolicyviolation', (event) => window.violations.push(event.violatedDirective));
  const own = window.fetch;
  window.fetch = async (...given) => {  // what was streamed is not kept by the browser
    const response = await own(...given);
    if (given[0].endsWith('/stream')) window.streamed = response.clone().text().catch(String);
    return response;
  };"""


class Visit:
    """The page, open, and what a test does with it; holds that the browser has had nothing to complain about."""

    def __init__(self, browser, address, **options):
        options.setdefault("viewport", {"width": 1280, "height": 800})
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(PATIENCE)
        self.page = self.context.new_page()
        self.address, self.complaints, self.requests, self.expected = address, [], [], []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.add_init_script(WATCH)

    def open(self):
        response = self.page.goto(self.address + "/")
        assert "script-src 'self'" in response.headers["content-security-policy"]
        assert "unsafe" not in response.headers["content-security-policy"]
        return self

    def close(self):
        """*expected*: answers of the server that a test wanted and that the browser reports in its console."""
        violations = self.page.evaluate("window.violations")
        self.context.close()
        left = [text for text in self.complaints if not any(words in text for words in self.expected)]
        assert not left and not violations
        assert all(url.startswith((self.address, "data:", "blob:" + self.address)) for url in self.requests)

    def text(self, name):
        return self.page.inner_text(f"#{name}")

    def shows(self, name, pattern):
        """Wait until an element's text matches."""
        self.page.locator(f"#{name}").filter(has_text=re.compile(pattern)).wait_for()

    def rows(self, state):
        return self.page.locator(f"#pictures > li[data-state={state}]")

    def hand_over(self, kind, pictures):
        """Drop or paste pictures: {name: bytes}."""
        files = [[name, base64.b64encode(content).decode()] for name, content in pictures.items()]
        self.page.evaluate("""([kind, files]) => {
          const carried = new DataTransfer();
          files.forEach(([name, text]) => carried.items.add(new File(
            [Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], name, {type: 'image/webp'})));
          const options = {bubbles: true, cancelable: true};
          const event = kind === 'paste' ? new ClipboardEvent(kind, {...options, clipboardData: carried})
            : new DragEvent(kind, {...options, dataTransfer: carried});
          document.querySelector('h2').dispatchEvent(event);
        }""", [kind, files])

    def reconstruct(self):
        """Press the button; the grids (T, V, V, V) uint8 that the server sent."""
        self.page.click("#reconstruct:enabled")
        self.shows("status", "^Done")
        events = [json.loads(line) for line in self.page.evaluate("window.streamed").splitlines()]
        return np.stack([decoded(event["probabilities"]) for event in events if event["event"] == "grid"])

    def slide(self, name, value):
        self.page.evaluate("""([name, value]) => {
          const slider = document.getElementById(name);
          slider.value = value;
          slider.dispatchEvent(new Event('input'));
        }""", [name, value])

    def painted(self):
        """What the 3D pane shows, RGBA (H, W, 4), after the next frame."""
        text = self.page.evaluate("""() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(
          () => done(document.getElementById('canvas').toDataURL()))))""")
        return np.asarray(Image.open(io.BytesIO(base64.b64decode(text.split(",")[1]))))

    def focus_by_tab(self, name):
        """Tab until an element has the keyboard, as a user without a mouse does."""
        for _ in range(60):
            if self.page.evaluate("document.activeElement.id") == name:
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{name} cannot be reached by Tab")

    def overflow(self):
        return self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")


def decoded(text):
    """(V, V, V) uint8 of the base64 text of a grid."""
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(32, 32, 32)
