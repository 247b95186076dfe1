"""Evaluation: how good a network, or a baseline, is on objects it has never seen."""
from gluon_r2n2.evaluation.baselines import NO_VIEWS, MeanShapes, evaluate_shapes, mean_shapes, objects_of
from gluon_r2n2.evaluation.report import DEFINITIONS, objects, summary, table
from gluon_r2n2.evaluation.sweep import THRESHOLD_VIEWS, Evaluation, evaluate, probabilities, to_unit

__all__ = ["DEFINITIONS", "NO_VIEWS", "THRESHOLD_VIEWS", "Evaluation", "MeanShapes", "evaluate", "evaluate_shapes",
           "mean_shapes", "objects", "objects_of", "probabilities", "summary", "table", "to_unit"]
