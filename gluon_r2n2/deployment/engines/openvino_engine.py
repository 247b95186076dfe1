"""Inference with OpenVINO: the ONNX parts of a model in float32 or bfloat16 on the CPU."""
from __future__ import annotations

import functools
import logging
from pathlib import Path
from typing import Mapping, Optional, Sequence

import numpy as np
import openvino

from gluon_r2n2.deployment.engines.base import GraphsEngine

HINTS = {"float32": "f32", "bfloat16": "bf16"}  # without one OpenVINO takes bfloat16 where the processor has it
log = logging.getLogger(__name__)


@functools.lru_cache(maxsize=None)
def core() -> openvino.Core:
    """The one of this process, which is never let go.

    OpenVINO 2026.4 gives the thread that loads its CPU plugin a stack for signals, and unmaps it when the plugin goes
    with its last user, in whatever thread that is: the next signal would end the process without a word.
    """
    return openvino.Core()


class OpenvinoEngine(GraphsEngine):
    """Encode, absorb and decode as one compiled model each.

    Args:
        files: of the graphs, by 'encode', 'absorb' and 'decode'.
        state: shape (C, N, N, N) of one object's state.
        precision: of products; inputs, outputs and what stands between the parts are float32 in any case.
        threads: of the processor to use; None: one per core.
    """

    name = "openvino"

    def __init__(self, files: Mapping[str, Path], *, state: Sequence[int], precision: str = "float32",
                 threads: Optional[int] = None):
        self.state, self.precision = tuple(state), precision
        if precision == "bfloat16" and "BF16" not in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            log.warning("this processor has no bfloat16 of its own: the numbers are right, but float32 is as fast")
        config = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": HINTS[precision]}
        if threads is not None:
            config["INFERENCE_NUM_THREADS"] = str(threads)
        self._models = {part: core().compile_model(str(file), "CPU", config) for part, file in files.items()}

    def call(self, part: str, **inputs: np.ndarray) -> np.ndarray:
        """See `GraphsEngine.call`."""
        [output] = self._models[part](inputs).values()  # a copy, which the next call leaves alone
        return output
