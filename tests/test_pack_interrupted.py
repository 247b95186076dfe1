"""Packing, killed at random moments or out of space: nothing is left but a state from which it is completed."""
from __future__ import annotations

import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_layout import hashes, make_layout, tar_of

from recordio.records import make_plan, pack, verify_dataset
from recordio.records.plan import PackOptions

KILLS = 20
MODELS = 40  # of each of two classes
SHARD_SIZE = 6

# One process that forks the packing ones, so that the imports are paid for once: a kill hits the work, not the start.
# "pack SRC OUT SECONDS" kills after SECONDS (0: never) and answers with the exit status.
SERVER = f"""
import os, signal, sys, time
sys.path.insert(0, {str(Path(__file__).resolve().parent.parent / "tools")!r})
import _checkout
from gluon_r2n2_tools import pack_rec
for line in sys.stdin:
    source, out, seconds = line.split()
    child = os.fork()
    if not child:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = pack_rec.main([source, out, "--resume", "--shard-size", "{SHARD_SIZE}", "--workers", "2"])
        os._exit(code)
    if float(seconds):
        time.sleep(float(seconds))
        os.kill(child, signal.SIGKILL)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The same models as a folder and as archives, and what packing them gives."""
    top = tmp_path_factory.mktemp("sources")
    layout = make_layout(top / "folder", models=MODELS)
    (layout / "ShapeNetVox32/02691156/model3/model.binvox").write_bytes(b"broken")
    (top / "archives").mkdir()
    for tree in ("ShapeNetRendering", "ShapeNetVox32"):
        tar_of(layout, tree, top / f"archives/{tree}.tgz", shuffle=5)
    shutil.copy(layout / "ShapeNet.json", top / "archives")
    pack(make_plan(layout, PackOptions(shard_size=SHARD_SIZE)), top / "truth")
    return {"folder": layout, "archives": top / "archives", "truth": top / "truth"}


@pytest.fixture
def server():
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, text=True)

    def ask(source, out, seconds) -> int:
        process.stdin.write(f"{source} {out} {seconds}\n")
        process.stdin.flush()
        return int(process.stdout.readline())

    yield ask
    process.stdin.close()
    process.wait(timeout=60)
    process.stdout.close()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "archives"])
def test_killed_at_random_moments(sources, server, tmp_path, kind, seed):
    """Twenty kills, each at a moment drawn over the time that the rest takes; every state goes on to the same bytes."""
    draws, truth = random.Random(seed), hashes(sources["truth"], ignore_source=True)
    for run in ("first", "second"):  # the first waits for the server's imports
        began = time.monotonic()
        assert server(sources[kind], tmp_path / run, 0) == 0
        whole = time.monotonic() - began  # seconds that an uninterrupted run takes here and now
        assert hashes(tmp_path / run, ignore_source=True) == truth
    killed = completed = 0
    out = tmp_path / "out"
    while killed < KILLS:
        status = server(sources[kind], out, draws.uniform(0.05, 0.7) * whole)
        if status == 0:  # it was faster than the kill
            completed += 1
            assert hashes(out, ignore_source=True) == truth
            shutil.rmtree(out)
            assert completed < 10 * KILLS
            continue
        assert status == signal.SIGKILL
        killed += 1
        out.mkdir(exist_ok=True)  # it may not have come that far
        left = {path.name for path in out.iterdir()}
        if "manifest.json" in left:  # killed after the last file, so the data set must be whole
            assert verify_dataset(out) == 2 * MODELS - 1
        finished = {name for name in left if name.endswith((".rec", ".idx")) and not name.startswith(".")}
        assert {name: value for name, value in hashes(out).items() if name in finished}.items() <= truth.items()
        if killed % 4 == 0:  # completed from here; otherwise the next kill hits what this one left
            assert server(sources[kind], out, 0) == 0
            assert hashes(out, ignore_source=True) == truth
            shutil.rmtree(out)


@pytest.mark.parametrize("kind", ["folder", "archives"])
@pytest.mark.parametrize("limit", [900, 4_000])
def test_no_more_room_stops_cleanly(sources, tmp_path, kind, limit):
    """No file may grow beyond *limit* bytes, as on a full disk; the same call completes once there is room."""
    tool = Path(__file__).resolve().parent.parent / "tools" / "pack_rec.py"
    command = [sys.executable, str(tool), str(sources[kind]), str(tmp_path / "out"), "--shard-size", str(SHARD_SIZE)]
    stopped = subprocess.run(command, capture_output=True, text=True, timeout=60, preexec_fn=lambda: resource.setrlimit(
        resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY)))
    assert stopped.returncode == 2 and "Traceback" not in stopped.stderr
    assert str(tmp_path / "out") in stopped.stderr.strip().splitlines()[-1]
    left = {path.name for path in (tmp_path / "out").iterdir()}
    assert "manifest.json" not in left and not any(name.endswith(".tmp") for name in left)
    finished = {name: value for name, value in hashes(tmp_path / "out").items() if name.endswith((".rec", ".idx"))}
    assert finished.items() <= hashes(sources["truth"]).items()
    subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert hashes(tmp_path / "out", ignore_source=True) == hashes(sources["truth"], ignore_source=True)
