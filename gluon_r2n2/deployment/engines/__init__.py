"""What runs a trained network: MXNet, onnxruntime or OpenVINO behind one small interface."""
from __future__ import annotations

from gluon_r2n2.deployment.engines.base import Engine, GraphsEngine
from gluon_r2n2.deployment.engines.choosing import ENGINES, PRECISIONS, available_engines, choose
from gluon_r2n2.deployment.engines.mxnet_engine import INPUTS, StepEngine, half_precision, save_graph

__all__ = ["ENGINES", "INPUTS", "PRECISIONS", "Engine", "GraphsEngine", "StepEngine", "available_engines", "choose",
           "half_precision", "save_graph"]
