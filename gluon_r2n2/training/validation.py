"""A network and held-out batches -> how good it is, and the threshold that suits it best."""
from __future__ import annotations

import contextlib
import dataclasses
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

import mxnet as mx
import numpy as np

from gluon_r2n2.evaluation import THRESHOLD_VIEWS, evaluate
from gluon_r2n2.metrics import DEFAULT_THRESHOLD, THRESHOLDS

EXAMPLES = 6  # objects of a validation to be drawn, at most


class Example(NamedTuple):
    """One validation object as the network saw it and rebuilt it."""

    key: str  # `synset/model_id`
    image: np.ndarray  # (S, S, 3) uint8 RGB, the first view
    views: int  # that the network saw in all
    probabilities: np.ndarray  # (V, V, V) float32
    truth: np.ndarray  # (V, V, V) of 0 and 1


@dataclasses.dataclass(frozen=True)
class Score:
    """The result of one validation."""

    samples: int
    iou: Dict[int, float]  # mean over the objects at DEFAULT_THRESHOLD, by number of views
    threshold: float  # the one with the highest mean IoU at the most views
    best_iou: float  # that IoU
    by_class: Dict[str, float]  # synset -> the same, over the objects of the class
    views: int = THRESHOLD_VIEWS  # that threshold and best_iou are of
    examples: Tuple[Example, ...] = ()  # always of the same objects

    @property
    def record(self) -> Dict[str, float]:
        """What is best when it is highest, by name."""
        return {"iou": self.best_iou}

    def figures(self) -> Dict[str, Any]:
        """For the log."""
        return {"samples": self.samples, "iou": {str(count): value for count, value in self.iou.items()},
                "threshold": self.threshold, "best_iou": self.best_iou, "by_class": self.by_class}

    def summary(self) -> str:
        """In words."""
        at_default = ", ".join(f"{value:.3f} ({count} views)" for count, value in self.iou.items())
        return (f"validation IoU at {DEFAULT_THRESHOLD:g}: {at_default}; at the best threshold, {self.threshold:g}: "
                f"{self.best_iou:.3f}")

    def source(self, step: int) -> str:
        """Where the threshold comes from, in words."""
        return f"validation at step {step}: {self.samples} objects, {self.views} views"

    def warning(self) -> Optional[str]:
        """What a user should know, in words; None where all is well."""
        return None


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
        examples: List[Example] = []

        def keep(batch, occupied: List[np.ndarray]) -> None:
            for place in range(min(len(occupied[-1]), EXAMPLES - len(examples))):
                # copied, because these would keep whole batches in memory
                image = batch.images[0, place].transpose(1, 2, 0).copy()  # (3, S, S) -> (S, S, 3)
                examples.append(Example(batch.keys[place], image, self.views[-1], occupied[-1][place].copy(),
                                        batch.voxels[place].copy()))

        with contextlib.closing(self.batches()) as batches:
            result = evaluate(net, batches, contexts=contexts, views=self.views, thresholds=THRESHOLDS,
                              batch_size=self.batch_size, limit=self.limit, watch=keep)
        threshold, best_iou = result.best_threshold(self.views[-1])
        at_default = {count: result.means(count, DEFAULT_THRESHOLD)[0] for count in self.views}
        by_class = result.means(self.views[-1], threshold)[2]
        return Score(len(result.keys), at_default, threshold, best_iou, by_class, self.views[-1], tuple(examples))
