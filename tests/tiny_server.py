"""A server of a narrow network in a process of its own, as `r2n2-serve` starts it, and pictures to send it."""
from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import numpy as np
from PIL import Image
from tiny_exports import exported, tiny

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 120  # seconds, for what takes one or two on a machine that is not busy
TOKEN = "a-token-of-many-letters"


def picture(seed=0, size=(90, 70), kind="PNG"):
    """The bytes of a picture of a box on white; the box differs with *seed*."""
    pixels = np.full((size[1], size[0], 3), 255, np.uint8)
    width, height = size
    pixels[height // 4:3 * height // 4, width // 4:width // 2 + 4 * (seed % 8)] = (200, 30 + 20 * (seed % 8), 40)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def images(*pictures, name="images"):
    """The files of a form, as httpx takes them."""
    return [(name, ("x.png", content, "image/png")) for content in pictures]


class Server:
    """A running `tools/serve.py`: its address, a client, and what it printed."""

    def __init__(self, process, folder, headers):
        self.process, self.folder, self.lines = process, folder, []
        self._readers = [threading.Thread(target=self._read, args=(stream,), daemon=True)
                         for stream in (process.stdout, process.stderr)]
        for reader in self._readers:
            reader.start()
        self.url = self.wait_for(r"^serving \S+ with \S+ on (http://\S+)$").group(1)
        self.http = httpx.Client(base_url=self.url, timeout=PATIENCE, trust_env=False, headers=headers)

    def _read(self, stream):
        for line in stream:
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, pattern, *, count=1):
        """The match of the *count*th line that fits."""
        def found():
            return [match for line in list(self.lines) for match in [re.search(pattern, line)] if match]

        wait_until(lambda: len(found()) >= count or self.process.poll() is not None, pattern, self.lines)
        assert len(found()) >= count, "\n".join(self.lines)
        return found()[count - 1]

    def pids(self, worker):
        """The processes of the kind *worker* that are alive, in the order of starting."""
        starts = [re.search(rf"worker={worker} pid=(\d+) event=ready", line) for line in self.lines]
        return [int(match.group(1)) for match in starts if match and alive(int(match.group(1)))]

    def metric(self, name, **labels):
        """The value of a metric; 0 where it has none yet."""
        wanted = ",".join(f'{key}="{value}"' for key, value in labels.items())
        start = f"{name}{{{wanted}}} " if labels else f"{name} "
        return sum(float(line[len(start):]) for line in self.http.get("/metrics").text.splitlines()
                   if line.startswith(start))

    def ready(self):
        return self.http.get("/readyz").status_code == 200

    def post(self, path="/v1/reconstructions", *pictures, **data):
        return self.http.post(path, files=images(*(pictures or [picture()])), data=data)

    def in_background(self, *pictures, path="/v1/reconstructions", **data):
        """Send a request from a thread; returns what waits for the answer."""
        answers = []
        thread = threading.Thread(target=lambda: answers.append(httpx.post(
            self.url + path, files=images(*(pictures or [picture()])), data=data, timeout=PATIENCE, trust_env=False,
            headers=self.http.headers)))
        thread.start()

        def answer():
            thread.join(PATIENCE)
            return answers[0]

        return answer


@contextlib.contextmanager
def running(model, *options, folder, token=None):
    """Start a server; *folder* is all that it has for temporary files."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    environment = {**os.environ, "TMPDIR": str(folder), "OMP_NUM_THREADS": "1"}
    environment.pop("R2N2_TOKEN", None)
    if token:
        environment["R2N2_TOKEN"] = token
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "tools" / "serve.py"), str(model), "--port", "0", *options], env=environment,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=str(folder))
    try:
        server = Server(process, folder, headers)
        with server.http:
            yield server
        if process.poll() is None:  # a test may have ended it
            process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 0, "\n".join(server.lines)
    finally:
        process.kill()
        process.communicate()


def narrow_model(folder):
    """A network of random weights that takes milliseconds, exported to *folder*."""
    return exported(tiny(), folder / "narrow")


def alive(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


@contextlib.contextmanager
def stopped(pid):
    """The process stands still within the block, if it lives as long."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def wait_until(condition, what, told=()):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "\n".join([f"waited in vain for {what}", *told])
        time.sleep(0.02)
