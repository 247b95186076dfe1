"""Which engine runs a model: the one asked for, or the best of those installed."""
from __future__ import annotations

import importlib.util
from typing import Optional, Tuple

from gluon_r2n2.errors import ModelError, unknown_name

ENGINES = ("openvino", "onnxruntime", "mxnet")  # best first; each is the name of its module
EXTRAS = {"openvino": "openvino", "onnxruntime": "onnx", "mxnet": "cpu"}  # of setup.py
PRECISIONS = ("float32", "bfloat16")
BFLOAT16 = "openvino"  # MXNet computes bfloat16 slower than float32, onnxruntime's CPU kernels lack it


def available_engines() -> Tuple[str, ...]:
    """The engines whose packages are installed, best first."""
    return tuple(name for name in ENGINES if importlib.util.find_spec(name) is not None)


def choose(engine: Optional[str] = None, *, precision: str = "float32", gpu: bool = False,
           graphs: bool = True) -> str:
    """The name of the engine to take.

    Args:
        engine: the one wanted; None: the best one that is installed and can do what is asked.
        gpu: a GPU is to be used.
        graphs: there are ONNX graphs of the model, or they can be made.

    Raises:
        ModelError: an unknown name, an engine that is not installed, or one that cannot do this.
    """
    if precision not in PRECISIONS:
        raise unknown_name("precision", precision, PRECISIONS)
    if engine is None:
        engine = _best(precision, gpu, graphs)
    elif engine not in ENGINES:
        raise unknown_name("engine", engine, ENGINES)
    if engine not in available_engines():
        raise ModelError(f"the engine {engine} is not installed: pip install 'gluon-r2n2[{EXTRAS[engine]}]', or take "
                         f"one of those that are: {', '.join(available_engines())}")
    if precision == "bfloat16" and engine != BFLOAT16:
        raise ModelError(f"{engine} does not compute in bfloat16 here; take the engine {BFLOAT16}, or float32")
    if gpu and engine != "mxnet":
        raise ModelError(f"{engine} runs on the CPU here; take the engine mxnet for a GPU, or leave the GPU out")
    if not graphs and engine != "mxnet":
        raise ModelError(f"{engine} runs ONNX graphs, which this model comes without; export it with tools/export.py "
                         "--onnx, or let them be made: pip install 'gluon-r2n2[onnx]'")
    return engine


def _best(precision: str, gpu: bool, graphs: bool) -> str:
    if precision == "bfloat16":
        return BFLOAT16
    return "mxnet" if gpu or not graphs else available_engines()[0]
