"""Evaluation: how good a network, or a baseline, is on objects it has never seen."""
from gluon_r2n2.evaluation.analysis import NearestShapes, Seen, analyse
from gluon_r2n2.evaluation.baselines import NO_VIEWS, MeanShapes, evaluate_shapes, mean_shapes, objects_of
from gluon_r2n2.evaluation.compare import compare, comparison_tables
from gluon_r2n2.evaluation.intervals import Intervals, bootstrap_means
from gluon_r2n2.evaluation.predictions import PredictionWriter
from gluon_r2n2.evaluation.published import VIEWS, published_tables
from gluon_r2n2.evaluation.result import DEFINITIONS, FIXED_THRESHOLDS, build_result, means, read_result
from gluon_r2n2.evaluation.surface_scores import SurfaceScores, compare_surfaces, measure_names, sample_surface
from gluon_r2n2.evaluation.sweep import (
    GPU_OBJECTS,
    THRESHOLD_VIEWS,
    Evaluation,
    Watch,
    count_voxels,
    evaluate,
    probabilities,
    to_unit,
)
from gluon_r2n2.evaluation.tables import LAYOUTS, Table, measured, overview, result_tables, views_label
from gluon_r2n2.evaluation.voxel_scores import PrecisionRecall, VoxelScores

__all__ = ["DEFINITIONS", "FIXED_THRESHOLDS", "GPU_OBJECTS", "LAYOUTS", "NO_VIEWS",
           "THRESHOLD_VIEWS", "VIEWS", "Evaluation", "Intervals", "MeanShapes", "NearestShapes", "PrecisionRecall",
           "PredictionWriter", "Seen", "SurfaceScores", "Table", "VoxelScores", "Watch", "analyse", "bootstrap_means",
           "build_result", "compare", "compare_surfaces", "comparison_tables", "count_voxels", "evaluate",
           "evaluate_shapes", "mean_shapes", "means", "measure_names", "measured", "objects_of", "overview",
           "probabilities", "published_tables", "read_result", "result_tables", "sample_surface", "to_unit",
           "views_label"]
