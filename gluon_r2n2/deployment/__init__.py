"""Trained networks for users: pictures of any kind -> network input; export; reconstruction."""
from __future__ import annotations

from gluon_r2n2.deployment.artefact import Artefact, is_artefact, load
from gluon_r2n2.deployment.doubts import doubts, expected_iou, view_disagreement
from gluon_r2n2.deployment.engines import Engine, StepEngine, available_engines
from gluon_r2n2.deployment.exporting import export
from gluon_r2n2.deployment.foreground import FOREGROUNDS
from gluon_r2n2.deployment.generators import GeneratorArtefact, ShapeGenerator, open_generator
from gluon_r2n2.deployment.opening import open_model
from gluon_r2n2.deployment.preprocess import PreparedView, Preprocessing, prepare
from gluon_r2n2.deployment.pretrained import list_pretrained, pretrained_path
from gluon_r2n2.deployment.reconstructor import Reconstructor
from gluon_r2n2.deployment.segmentation import Segmentation, find_segmentation
from gluon_r2n2.deployment.weights import exported_network, exported_parameters

__all__ = ["FOREGROUNDS", "Artefact", "Engine", "GeneratorArtefact", "PreparedView", "Preprocessing", "Reconstructor",
           "Segmentation", "ShapeGenerator", "StepEngine", "available_engines", "doubts", "expected_iou", "export",
           "exported_network", "exported_parameters", "find_segmentation", "is_artefact", "list_pretrained", "load",
           "open_generator", "open_model", "prepare", "pretrained_path", "view_disagreement"]
