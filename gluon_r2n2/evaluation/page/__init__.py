"""The report: an evaluation and a few of its objects -> one HTML page that asks nothing of a network."""
from gluon_r2n2.evaluation.page.builder import build
from gluon_r2n2.evaluation.page.shown import PLACES, ShownObject, choose

__all__ = ["PLACES", "ShownObject", "build", "choose"]
