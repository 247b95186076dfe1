"""The discriminator's side of adversarial training: when it learns, and what it tells the network that it judges."""
from __future__ import annotations

from typing import Dict, Iterable, List, NamedTuple, Sequence

import mxnet as mx
import numpy as np
from mxnet import autograd, gluon

from gluon_r2n2.generative.losses import discriminator_loss, non_saturating_loss, saturating_loss

OBJECTIVES = {"non_saturating": non_saturating_loss, "saturating": saturating_loss}


class Verdict(NamedTuple):
    """What the discriminator made of one batch."""

    accuracy: float  # share of real and made grids that it told rightly, at D = 1/2
    learnt: bool  # whether it learnt from the batch
    losses: List[mx.nd.NDArray]  # (b,) each, by device: of the discriminator, in nats

    def read(self) -> Dict[str, float]:
        """Wait for it; the numbers by name."""
        return {"discriminator_loss": mean_of(self.losses), "accuracy": self.accuracy,
                "discriminator_updates": float(self.learnt)}


class Judge:
    """A discriminator that learns only while it does not judge too well.

    Shapes are harder to make than to judge: left alone, the discriminator soon knows every made one, and its gradient
    then says nothing more (Wu et al., NIPS 2016, section 3.2).

    Args:
        discriminator: grids (B, V, V, V) in [0, 1] -> logits (B,).
        optimiser: over its parameters.
        gate: the highest accuracy, on the batch at hand, at which it learns from that batch.
    """

    def __init__(self, discriminator: gluon.HybridBlock, optimiser: gluon.Trainer, gate: float):
        self.discriminator, self.optimiser, self.gate = discriminator, optimiser, gate
        self.updates = 0  # made so far

    def learn(self, real: Sequence[mx.nd.NDArray], made: Sequence[mx.nd.NDArray]) -> Verdict:
        """Judge a batch and learn from it, unless the accuracy is above the gate; waits for the accuracy.

        Args:
            real, made: (b, V, V, V) each, by device; the made ones without the graph of their making.
        """
        losses, right, count = [], [], 0
        for one, other in zip(real, made):
            with autograd.record():
                # apart, as normalised together they would give each other away
                truth, guess = self.discriminator(one), self.discriminator(other)
                losses.append(discriminator_loss(mx.nd, truth, guess))
            right.append((truth > 0).sum() + (guess <= 0).sum())
            count += 2 * len(truth)
        accuracy = sum(float(each.asscalar()) for each in right) / count  # once all devices have begun
        learnt = accuracy <= self.gate
        if learnt:
            for loss in losses:
                loss.backward()
            self.optimiser.step(count // 2)
            self.updates += 1
        return Verdict(accuracy, learnt, [loss.detach() for loss in losses])

    def criticise(self, made: mx.nd.NDArray, objective: str, weight: float = 1.0) -> mx.nd.NDArray:
        """What the maker of (b, V, V, V) grids is told on one device: its loss (b,), and in `made.grad` the gradient.

        Leaves gradients in the discriminator's own parameters, which its next `learn` writes over.

        Args:
            made: without the graph of its making.
            objective: a key of OBJECTIVES.
            weight: of the loss, in the gradient only.
        """
        made.attach_grad()
        with autograd.record():
            loss = OBJECTIVES[objective](mx.nd, self.discriminator(made))
        loss.backward(mx.nd.full(loss.shape, weight, ctx=loss.context))
        return loss.detach()


def adam(parameters: Iterable[gluon.Parameter], rate: float, beta1: float) -> gluon.Trainer:
    """Adam over *parameters*, its state in this process, where a checkpoint can reach it."""
    optimizer = mx.optimizer.Adam(learning_rate=rate, beta1=beta1)
    trainer = gluon.Trainer(list(parameters), optimizer, update_on_kvstore=False)
    if len(trainer._contexts) > 1:
        # else Gluon does it in the middle of the first update, and replaces the running statistics of the other
        # devices by those of the first
        trainer._init_kvstore()
        trainer._init_params()
    return trainer


def mean_of(losses: Sequence[mx.nd.NDArray]) -> float:
    """The mean over the objects of losses (b,) by device; waits for them."""
    return float(np.concatenate([loss.asnumpy() for loss in losses]).astype(np.float64).mean())
