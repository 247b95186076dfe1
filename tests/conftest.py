"""Fixtures of all tests: one printed seed, and the optional folder of real data beside the checkout."""
from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest

SEED = int(os.environ.get("R2N2_TEST_SEED", "0"))
ROOT = Path(__file__).resolve().parent.parent


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
