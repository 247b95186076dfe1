"""A network and held-out batches -> how good it is, and the threshold that suits it best."""
from __future__ import annotations

import contextlib
import dataclasses
from typing import Callable, Dict, Iterator, List, Tuple

import mxnet as mx

from gluon_r2n2.evaluation import THRESHOLD_VIEWS, evaluate
from gluon_r2n2.metrics import DEFAULT_THRESHOLD, THRESHOLDS


@dataclasses.dataclass(frozen=True)
class Score:
    """The result of one validation."""

    samples: int
    iou: Dict[int, float]  # mean over the objects at DEFAULT_THRESHOLD, by number of views
    threshold: float  # the one with the highest mean IoU at the most views
    best_iou: float  # that IoU


@dataclasses.dataclass(frozen=True)
class Validation:
    """How a run is validated: always with the same objects and views.

    Args:
        batches: returns an iterator over the batches, of at most *batch_size* objects.
        batch_size: objects.
        limit: objects to take, at most.
        views: view counts to measure at, ascending; the last decides what is best.
    """

    batches: Callable[[], Iterator]
    batch_size: int
    limit: int
    views: Tuple[int, ...] = (1, THRESHOLD_VIEWS)

    def measure(self, net, contexts: List[mx.Context]) -> Score:
        """Measure *net*, which is on *contexts*."""
        with contextlib.closing(self.batches()) as batches:
            result = evaluate(net, batches, contexts=contexts, views=self.views, thresholds=THRESHOLDS,
                              batch_size=self.batch_size, limit=self.limit)
        threshold, best_iou = result.best_threshold(self.views[-1])
        at_default = {count: result.means(count, DEFAULT_THRESHOLD)[0] for count in self.views}
        return Score(len(result.keys), at_default, threshold, best_iou)
