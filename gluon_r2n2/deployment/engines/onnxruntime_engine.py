"""Inference with onnxruntime: the ONNX parts of a model in float32 on the CPU."""
from __future__ import annotations

from pathlib import Path
from typing import Mapping, Optional, Sequence

import numpy as np
import onnxruntime

from gluon_r2n2.deployment.engines.base import GraphsEngine


class OnnxruntimeEngine(GraphsEngine):
    """Encode, absorb and decode as one session each.

    Args:
        files: of the graphs, by 'encode', 'absorb' and 'decode'.
        state: shape (C, N, N, N) of one object's state.
        threads: of the processor to use; None: one per core.
    """

    name = "onnxruntime"

    def __init__(self, files: Mapping[str, Path], *, state: Sequence[int], threads: Optional[int] = None):
        self.state = tuple(state)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4  # what goes wrong is raised, and need not be printed as well
        options.intra_op_num_threads = threads or 0  # 0: it counts the cores itself
        self._sessions = {part: onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
                          for part, file in files.items()}

    def call(self, part: str, **inputs: np.ndarray) -> np.ndarray:
        """See `GraphsEngine.call`."""
        [output] = self._sessions[part].run(None, inputs)
        return output
