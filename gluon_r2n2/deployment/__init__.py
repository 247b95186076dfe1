"""Trained networks for users: pictures of any kind -> network input; export; reconstruction."""
from __future__ import annotations

from gluon_r2n2.deployment.artefact import Artefact, export, is_artefact, load
from gluon_r2n2.deployment.engine import StepEngine
from gluon_r2n2.deployment.preprocess import PreparedView, Preprocessing, prepare
from gluon_r2n2.deployment.pretrained import list_pretrained, pretrained_path
from gluon_r2n2.deployment.reconstructor import Reconstructor
from gluon_r2n2.deployment.weights import exported_parameters

__all__ = ["Artefact", "PreparedView", "Preprocessing", "Reconstructor", "StepEngine", "export",
           "exported_parameters", "is_artefact", "list_pretrained", "load", "prepare", "pretrained_path"]
