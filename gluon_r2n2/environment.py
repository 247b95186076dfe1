"""Before every stage: names what keeps mxnet or OpenCV from working here, as one sentence with its cure.

Standard library only: it must work where nothing else does.
"""
from __future__ import annotations

import importlib
import re
import sys
from typing import Optional

OLDEST, NEWEST = (3, 8), (3, 11)  # Python versions that mxnet 1.9.1 runs on, together with NumPy 1.23
OURS = {"gluon_r2n2", "gluon_r2n2_tools", "operators", "recordio"}

# shared library -> the Debian and Ubuntu package that brings it; slim images lack all of them
SYSTEM_PACKAGES = {
    "libgomp": "libgomp1",
    "libquadmath": "libquadmath0",
    "libGL": "libgl1",
    "libgthread-2.0": "libglib2.0-0",
    "libglib-2.0": "libglib2.0-0",
}
MISSING_LIBRARY = re.compile(r"((lib[\w.+-]+?)\.so[.\d]*): cannot open shared object file")
MXNETS = ("libgomp1", "libquadmath0")  # the others are OpenCV's
ALL_PACKAGES = "libgl1 libglib2.0-0 libgomp1 libquadmath0"
CUDA_LIBRARY = re.compile(r"lib(cu|nccl|nv)")
DRIVER = "libcuda"  # comes with the driver of the graphics card, not with CUDA

# package of an extra of setup.py, as it is imported -> the extra; all others come with the base package or with cpu
EXTRAS = {
    "onnx": "onnx", "onnxruntime": "onnx", "openvino": "openvino", "fastapi": "serve", "starlette": "serve",
    "uvicorn": "serve", "multipart": "serve", "python_multipart": "serve", "prometheus_client": "serve",
    "h11": "serve", "pydantic": "serve", "sklearn": "classify",
}
MISSING_IN_NUMPY = re.compile(r"module 'numpy' has no attribute|`np\.\w+` was removed")


class EnvironmentProblem(ImportError):
    """What this machine or its Python packages lack: the message says what, and how to mend it."""


def require(*modules: str) -> None:
    """Import *modules*.

    Raises:
        EnvironmentProblem: Python, NumPy, a package or a system library does not fit.
        Exception: whatever else an import raised, unchanged.
    """
    if python_problem():
        raise EnvironmentProblem(python_problem())
    for name in modules:
        try:
            importlib.import_module(name)
        except Exception as error:
            sentence = explain(error)
            if sentence is None:
                raise
            raise EnvironmentProblem(sentence) from error


def explain(error: BaseException) -> Optional[str]:
    """Return the sentence for an *error* met while importing, or None where the environment is not to blame."""
    if isinstance(error, EnvironmentProblem):
        return str(error)
    if isinstance(error, ImportError) and python_problem():
        return python_problem()
    if isinstance(error, ModuleNotFoundError) and error.name:
        return missing_module(error.name.split(".")[0])
    library = MISSING_LIBRARY.search(str(error)) if isinstance(error, (ImportError, OSError)) else None
    if library:
        return missing_library(*library.groups())
    # np.bool, np.PZERO, ...: mxnet asks for them while it is imported; elsewhere such a name is a defect of ours
    if isinstance(error, AttributeError) and MISSING_IN_NUMPY.search(str(error)) and _raised_by_mxnet(error):
        version = getattr(sys.modules.get("numpy"), "__version__", "")
        return (f"NumPy {version} is one that mxnet 1.9.1 cannot import, it needs NumPy below 1.24: "
                f"{sys.executable} -m pip install 'numpy>=1.22,<1.24'")
    return None


def python_problem() -> str:
    """Say why this Python will not do; an empty string where it will."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return ""
    age = "new" if sys.version_info[:2] > NEWEST else "old"
    return (f"Python {sys.version.split()[0]} is too {age}, mxnet 1.9.1 runs on Python 3.8 to 3.11: run `make venv` in "
            "the checkout (it finds a suitable Python) and use .venv/bin/python")


def missing_module(name: str) -> Optional[str]:
    """The sentence for a package that is not installed; None for our own modules, where it is a defect."""
    if name in OURS:
        return None
    if name in EXTRAS:
        return (f"{name} is not installed for {sys.executable}: pip install 'gluon-r2n2[{EXTRAS[name]}]', or in a "
                "checkout run `make venv` and use .venv/bin/python")
    return (f"{name} is not installed for {sys.executable}: pip install 'gluon-r2n2[cpu]' (with CUDA 11.2: "
            "'gluon-r2n2[cu112]'), or in a checkout run `make venv` and use .venv/bin/python")


def missing_library(file: str, name: str) -> str:
    """The sentence for a shared library *file* (libGL.so.1) whose bare *name* is libGL."""
    if name == DRIVER:
        return (f"{file} is missing, the driver of an NVIDIA GPU: install the driver (in a container: start it with "
                "--gpus all), or use the CPU build: pip uninstall mxnet-cu112, then pip install 'gluon-r2n2[cpu]'")
    if CUDA_LIBRARY.match(name):
        return (f"{file} is missing, a part of CUDA 11.2 that mxnet-cu112 needs: install CUDA 11.2, or the CPU build "
                "instead: pip uninstall mxnet-cu112, then pip install 'gluon-r2n2[cpu]'")
    package = SYSTEM_PACKAGES.get(name)
    if package is None:
        return f"the system library {file} is missing: install the package of your system that brings it"
    user = "mxnet" if package in MXNETS else "OpenCV"
    return (f"the system library {file} is missing, which {user} needs: apt-get install {package} "
            f"(on a slim Debian or Ubuntu all of them: apt-get install {ALL_PACKAGES})")


def _raised_by_mxnet(error: BaseException) -> bool:
    """Whether *error* passed through a module of mxnet while that was being imported (a failed import is undone)."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").split(".")[0] == "mxnet":
            return "mxnet" not in sys.modules
        trace = trace.tb_next
    return False
