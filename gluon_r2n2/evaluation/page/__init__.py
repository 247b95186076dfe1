"""Pages that ask nothing of a network: the report of an evaluation, and the samples of a generator."""
from gluon_r2n2.evaluation.page.builder import build
from gluon_r2n2.evaluation.page.sampling import ShownShape, build_samples
from gluon_r2n2.evaluation.page.shown import PLACES, ShownObject, choose

__all__ = ["PLACES", "ShownObject", "ShownShape", "build", "build_samples", "choose"]
