"""Where the machine lacks something: one sentence with its cure; tools exit with 2, libraries raise ImportError."""
from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gluon_r2n2 import environment

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = "cannot open shared object file: No such file or directory"

# What the real packages say: (package that says it, the error it raises, words that our sentence must hold).
BROKEN = {
    "no mxnet": ("mxnet", "ModuleNotFoundError(\"No module named 'mxnet'\", name='mxnet')",
                 ["mxnet is not installed", "pip install 'gluon-r2n2[cpu]'", "make venv"]),
    "no libgomp": ("mxnet", f"OSError('libgomp.so.1: {LIBRARY}')",
                   ["libgomp.so.1", "mxnet", "apt-get install libgomp1"]),
    "no libquadmath": ("mxnet", f"OSError('libquadmath.so.0: {LIBRARY}')",
                       ["libquadmath.so.0", "mxnet", "apt-get install libquadmath0"]),
    "no driver": ("mxnet", f"OSError('libcuda.so.1: {LIBRARY}')", ["libcuda.so.1", "driver", "--gpus all"]),
    "no CUDA": ("mxnet", f"OSError('libcudart.so.11.0: {LIBRARY}')",
                ["libcudart.so.11.0", "CUDA 11.2", "pip uninstall mxnet-cu112"]),
    "NumPy 1.24": ("mxnet", "AttributeError(\"module 'numpy' has no attribute 'bool'.\\n`np.bool` was a deprecated "
                   "alias for the builtin `bool`.\")", ["NumPy", "below 1.24", "numpy>=1.22,<1.24"]),
    "NumPy 2": ("mxnet", "AttributeError('`np.PZERO` was removed in the NumPy 2.0 release. Use `0.0` instead.')",
                ["NumPy", "below 1.24", "numpy>=1.22,<1.24"]),
    "no libGL": ("cv2", f"ImportError('libGL.so.1: {LIBRARY}')",
                 ["libGL.so.1", "OpenCV", "apt-get install libgl1", "libgl1 libglib2.0-0 libgomp1 libquadmath0"]),
    "no glib": ("cv2", f"ImportError('libgthread-2.0.so.0: {LIBRARY}')",
                ["libgthread-2.0.so.0", "apt-get install libglib2.0-0"]),
    "no server": ("cv2", "ModuleNotFoundError(\"No module named 'fastapi'\", name='fastapi')",
                  ["fastapi is not installed", "pip install 'gluon-r2n2[serve]'"]),
    "no cv2": ("cv2", "ModuleNotFoundError(\"No module named 'cv2'\", name='cv2')", ["cv2 is not installed"]),
}
# a tool may meet the error itself, or through our package
CASES = [(name, BROKEN[name][0]) for name in BROKEN]
CASES += [(name, "gluon_r2n2") for name in BROKEN if BROKEN[name][0] == "mxnet"]

AS_A_TOOL = f"import sys; sys.path[0] = {str(ROOT / 'tools')!r}; import _checkout\n"


def run_with_stub(tmp_path, package, source, code):
    """Run *code* in a process where *package* consists of *source*."""
    (tmp_path / package).mkdir()
    (tmp_path / package / "__init__.py").write_text(source + "\n")
    variables = dict(os.environ, PYTHONPATH=str(tmp_path))
    return subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=variables, capture_output=True, text=True,
                          timeout=120)


@pytest.mark.parametrize("name, imported", CASES)
def test_a_tool_says_one_sentence(tmp_path, name, imported):
    package, error, words = BROKEN[name]
    result = run_with_stub(tmp_path, package, f"raise {error}", f"{AS_A_TOOL}import {imported}")
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1 and "Traceback" not in result.stderr
    for word in words:
        assert word in result.stderr


def test_the_library_raises_an_import_error(tmp_path):
    package, error, words = BROKEN["no libgomp"]
    code = (f"import sys; sys.path.insert(1, {str(ROOT)!r})\n"
            "try: import gluon_r2n2\nexcept ImportError as error: print(type(error).__name__, error)")
    result = run_with_stub(tmp_path, package, f"raise {error}", code)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("EnvironmentProblem ") and all(word in result.stdout for word in words)


@pytest.mark.parametrize("version, age", [((3, 13, 1), "new"), ((3, 12, 0), "new"), ((3, 7, 9), "old")])
def test_an_unsuitable_python_is_named(version, age, monkeypatch):
    text = ".".join(map(str, version))
    monkeypatch.setattr(environment, "sys", argparse.Namespace(version_info=version, version=f"{text} (main)"))
    with pytest.raises(environment.EnvironmentProblem, match=rf"Python {text} is too {age}, .*3\.8 to 3\.11"):
        environment.require("mxnet")


@pytest.mark.parametrize("code", [
    "import recordio.no_such_module",  # our own module: a defect, not the environment
    "import numpy; numpy.no_such_name",
    "open('absent')",
    "raise AttributeError('x')",
])
def test_defects_of_tools_keep_their_traceback(tmp_path, code):
    result = run_with_stub(tmp_path, "mxnet", "", f"{AS_A_TOOL}{code}")
    assert result.returncode == 1 and "Traceback" in result.stderr


def test_ctrl_c_while_packages_are_imported(tmp_path):
    result = run_with_stub(tmp_path, "mxnet", "raise KeyboardInterrupt", f"{AS_A_TOOL}import mxnet")
    assert result.returncode == 130
    assert result.stderr.endswith(": interrupted\n") and result.stderr.count("\n") == 1


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_engines_do_not_call_home(tmp_path, engine):
    """Their reporting keeps an identity in the home folder, made before anything is sent."""
    pytest.importorskip(engine, reason=f"{engine} is not installed")
    ours = {"ORT_DISABLE_TELEMETRY", "XDG_CACHE_HOME"}  # an outer process of ours has set the first already
    variables = {name: value for name, value in os.environ.items() if name not in ours}
    code = f"import gluon_r2n2, {engine}"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120,
                            env=dict(variables, HOME=str(tmp_path), PYTHONPATH=str(ROOT)))
    assert result.returncode == 0, result.stderr
    kept = [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()]
    assert not [name for name in kept if name.startswith("intel") or "onnxruntime" in name]
