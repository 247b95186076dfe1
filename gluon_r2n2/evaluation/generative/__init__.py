"""Evaluation of generators: how good, how various and how new the shapes are that a network makes up."""
from gluon_r2n2.evaluation.generative.chamfer import pairwise_chamfer, surface_points
from gluon_r2n2.evaluation.generative.comparison import (
    DISTANCES,
    Shapes,
    compare_shapes,
    nearest_of,
    solidity,
)
from gluon_r2n2.evaluation.generative.features import feature_weights, shape_features
from gluon_r2n2.evaluation.generative.frechet import frechet_distance
from gluon_r2n2.evaluation.generative.neighbours import (
    TwoSampleAccuracy,
    coverage,
    minimum_matching_distance,
    nearest,
    two_sample_accuracy,
)
from gluon_r2n2.evaluation.generative.overlaps import pairwise_iou
from gluon_r2n2.evaluation.generative.recognition import discriminator_features, linear_accuracy
from gluon_r2n2.evaluation.generative.report import SUBJECTS, build_generative_result, generative_tables

__all__ = ["DISTANCES", "SUBJECTS", "Shapes", "TwoSampleAccuracy", "build_generative_result", "compare_shapes",
           "coverage", "discriminator_features", "feature_weights", "frechet_distance", "generative_tables",
           "linear_accuracy", "minimum_matching_distance", "nearest", "nearest_of", "pairwise_chamfer", "pairwise_iou",
           "shape_features", "solidity", "surface_points", "two_sample_accuracy"]
