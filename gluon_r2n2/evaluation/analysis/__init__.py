"""Error analysis: where an evaluation loses its IoU, and which views win it (docs/analysis.md)."""
from gluon_r2n2.evaluation.analysis.collect import NearestShapes, Seen, analysed_views
from gluon_r2n2.evaluation.analysis.findings import analyse

__all__ = ["NearestShapes", "Seen", "analyse", "analysed_views"]
