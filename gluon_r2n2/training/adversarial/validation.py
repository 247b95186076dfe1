"""A generative network and held-out shapes -> how much of their variety it makes, and whether it has collapsed."""
from __future__ import annotations

import dataclasses
from typing import Any, Callable, Dict, List, Optional, Tuple

import mxnet as mx
import numpy as np

from gluon_r2n2.evaluation.generative import coverage, minimum_matching_distance, pairwise_iou
from gluon_r2n2.generative import BATCH, draw_latents, generate
from gluon_r2n2.training.validation import Score, Validation

THRESHOLD = 0.5  # of made grids: more likely occupied than not
EXAMPLES = 16  # samples to be drawn, always of the same latent vectors
COLLAPSED = 0.25  # of the coverage that as many training shapes have: below, a warning


@dataclasses.dataclass(frozen=True)
class GenerativeScore:
    """The result of one validation of a generative network.

    Coverage: the share of the held-out shapes that are the nearest one, by IoU, of at least one of as many samples.
    """

    samples: int
    threshold: float
    coverage: float
    training_coverage: float  # of as many training shapes: what a perfect generator would have
    matching_iou: float  # mean over the held-out shapes of the IoU with the nearest sample
    empty: float  # share of the samples without any voxel
    examples: Tuple[np.ndarray, ...] = ()  # (V, V, V) float32 probabilities each
    rebuilt: Optional[Score] = None  # of a 3D-VAE-GAN: its reconstructions of the held-out objects

    @property
    def record(self) -> Dict[str, float]:
        """What is best when it is highest, by name: of reconstructions where there are any, else of samples.

        Of samples not the coverage, which wants the nearest sample and not a near one: a few scattered voxels can have
        more of it than blurred chairs.
        """
        return self.rebuilt.record if self.rebuilt else {"matching_iou": self.matching_iou}

    def figures(self) -> Dict[str, Any]:
        """For the log."""
        own = {"coverage": self.coverage, "training_coverage": self.training_coverage,
               "matching_iou": self.matching_iou, "empty": self.empty}
        return {**(self.rebuilt.figures() if self.rebuilt else {}), "samples": self.samples,
                "threshold": self.threshold, **own}

    def summary(self) -> str:
        """In words."""
        text = (f"{self.samples} samples cover {self.coverage:.1%} of as many held-out shapes (training shapes "
                f"{self.training_coverage:.1%}), mean IoU with the nearest {self.matching_iou:.3f}")
        return text + (f"; reconstructions: {self.rebuilt.summary()}" if self.rebuilt else "")

    def source(self, step: int) -> str:
        """Where the threshold comes from, in words."""
        return self.rebuilt.source(step) if self.rebuilt else "fixed: more likely occupied than not"

    def warning(self) -> Optional[str]:
        """What a user should know, in words; None where all is well."""
        if self.empty == 1:
            return ("all samples are empty: the generator makes no voxels any more; early in a training that is "
                    "usual, but if it stays so, start anew with a lower --lr-discriminator or --gate")
        if self.coverage < COLLAPSED * self.training_coverage:
            return (f"the samples cover {self.coverage:.1%} of the held-out shapes where training shapes cover "
                    f"{self.training_coverage:.1%}: the generator makes few kinds of shapes (mode collapse); early in "
                    "a training that is usual, but if it stays so, start anew with a lower --lr-generator or another "
                    "--seed")
        return None


@dataclasses.dataclass(frozen=True)
class GenerativeValidation:
    """How a generative run is validated: always with the same latent vectors and held-out shapes.

    Args:
        held_out: returns the grids (m, V, V, V) of bool to cover.
        training: returns as many training shapes, to compare with.
        seed: of the latent vectors.
        rebuild: validates the reconstructions of a 3D-VAE-GAN; None: there are none.
    """

    held_out: Callable[[], np.ndarray]
    training: Callable[[], np.ndarray]
    seed: int
    rebuild: Optional[Validation] = None

    def measure(self, net, contexts: List[mx.Context]) -> GenerativeScore:
        """Measure *net*, which is on *contexts*."""
        truth = self.held_out()
        latents = draw_latents(net.config, max(len(truth), EXAMPLES), np.random.default_rng(self.seed))
        shown = generate(net, latents[:EXAMPLES])
        # the others some at a time: a probability takes four times the memory of a voxel
        others = [generate(net, latents[start:start + BATCH]) >= THRESHOLD
                  for start in range(EXAMPLES, len(truth), BATCH)]
        made = np.concatenate([shown >= THRESHOLD, *others])[:len(truth)]
        distances = 1 - pairwise_iou(made, truth)
        best_possible = coverage(1 - pairwise_iou(self.training()[:len(truth)], truth))
        rebuilt = self.rebuild.measure(net, contexts) if self.rebuild else None
        return GenerativeScore(
            len(made), rebuilt.threshold if rebuilt else THRESHOLD, coverage(distances), best_possible,
            1 - minimum_matching_distance(distances), float(np.mean(~made.any(axis=(1, 2, 3)))),
            tuple(shown[:EXAMPLES]), rebuilt)
