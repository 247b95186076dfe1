"""Fixtures of all tests: one printed seed, and the optional folder of real data beside the checkout."""
from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

import numpy as np
import pytest

SEED = int(os.environ.get("R2N2_TEST_SEED", "0"))
# Threads that wait sleep instead of spinning, here and in the tools' processes: the same numbers, and on two cores, or
# beside other work, networks of this size take half of the processor time. To be set before mxnet is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
# A shell's background jobs ignore Ctrl-C, and so would the processes that tests send it to.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
ROOT = Path(__file__).resolve().parent.parent

# As every tool run as a file does it: makes the checkout importable, tools/ as gluon_r2n2_tools, installed or not.
sys.path.insert(0, str(ROOT / "tools"))
import _checkout  # noqa: E402, F401
from tiny_data import make_data  # noqa: E402

import gluon_r2n2  # noqa: E402, F401  (before mxnet: the same number of threads here as in the tools' processes)


@pytest.fixture(autouse=True)
def seed():
    """Seed Python and NumPy before every test; the seed is printed where a test fails."""
    print(f"seed {SEED} (R2N2_TEST_SEED)")
    random.seed(SEED)
    np.random.seed(SEED)
    return SEED


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real meshes, photographs and fixtures; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("the shared folder of real data is not beside the checkout")
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """A small packed data set (`tiny_data.make_data`), one for each module of tests."""
    return make_data(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A running r2n2-serve of a narrow network, shared by the tests that do it no harm."""
    pytest.importorskip("fastapi", reason="fastapi is not installed: there is no server to test")
    pytest.importorskip("httpx", reason="httpx is not installed: the server cannot be asked")
    import tiny_server

    model = tiny_server.narrow_model(tmp_path_factory.mktemp("model"))
    with tiny_server.running(model, "--engine", "mxnet", "--workers", "2", "--max-batch", "4", "--batch-window", "50",
                             folder=tmp_path_factory.mktemp("tmp")) as running:
        running.model = model
        yield running
