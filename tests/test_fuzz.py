"""Seeded fuzzing of everything that is read from disk: no crash, no hang over 5 s, no more than 1 GiB, no wrong data.

The cases run in processes of their own (tests/fuzzing.py), which limit their memory and watch the time. A failure
prints the case's number, which is its seed, and where its files are.
"""
from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FUZZER = Path(__file__).with_name("fuzzing.py")
EACH = 420  # cases per process

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is limited as Linux does it")


def fuzz(kind: str, first: int, count: int, folder: Path) -> tuple:
    """Run the cases; returns how many were (refused, read)."""
    command = [sys.executable, str(FUZZER), kind, str(first), str(count), str(folder)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=300,
                            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    assert result.returncode == 0, f"{' '.join(command)}: files in {folder}\n{result.stderr[-4000:]}"
    return tuple(int(word) for word in re.findall(r"\d+", result.stdout))


@pytest.mark.parametrize("part", range(5))
def test_mutated_shards(part, tmp_path):
    refused, read = fuzz("shards", EACH * part, EACH, tmp_path)
    assert refused + read == EACH
    assert read > EACH // 100  # the mutations are not so coarse that nothing else is reached


@pytest.mark.parametrize("part", range(5))
def test_mutated_binvox_files(part, tmp_path):
    refused, read = fuzz("binvox", EACH * part, EACH, tmp_path)
    assert refused + read == EACH and read


@pytest.mark.parametrize("part", range(1))
def test_mutated_manifests_and_indices(part, tmp_path):
    refused, read = fuzz("manifests", EACH * part, EACH, tmp_path)
    assert refused + read == EACH
    assert read > EACH // 100


@pytest.mark.parametrize("body, words", [
    ("while True: pass", "Timeout"), ("bytearray(2 << 30)", "MemoryError"), ("raise ValueError('seen')", "seen")])
def test_the_fuzzer_notices(tmp_path, body, words):
    """What it looks for is found: a hang, a large allocation, another exception; with its number and files."""
    code = (f"import sys; sys.path.insert(0, {str(FUZZER.parent)!r}); import fuzzing; fuzzing.SECONDS = 0.5\n"
            f"def run(self, number, random):\n    {body}\n"
            f"fuzzing.Binvox.run = run; sys.exit(fuzzing.main('binvox', '7', '3', {str(tmp_path)!r}))")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert result.returncode == 1 and words in result.stderr
    assert words == "Timeout" or "binvox, case 7: " in result.stderr
