"""What runs a trained network: MXNet, onnxruntime or OpenVINO behind one small interface."""
from __future__ import annotations

from gluon_r2n2.deployment.engines.base import Engine
from gluon_r2n2.deployment.engines.choosing import ENGINES, PRECISIONS, available_engines, choose
from gluon_r2n2.deployment.engines.mxnet_engine import INPUTS, StepEngine, half_precision

__all__ = ["ENGINES", "INPUTS", "PRECISIONS", "Engine", "StepEngine", "available_engines", "choose", "half_precision"]
