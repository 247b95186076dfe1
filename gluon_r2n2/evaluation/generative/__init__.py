"""Evaluation of generators: how good, how various and how new the shapes are that a network makes up."""
from gluon_r2n2.evaluation.generative.neighbours import (
    coverage,
    minimum_matching_distance,
    nearest,
    two_sample_accuracy,
)
from gluon_r2n2.evaluation.generative.overlaps import pairwise_iou

__all__ = ["coverage", "minimum_matching_distance", "nearest", "pairwise_iou", "two_sample_accuracy"]
