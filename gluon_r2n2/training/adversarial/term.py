"""The adversarial term of a recurrent network's loss: its probabilities -> what a discriminator makes of them.

The same discriminator as a 3D-GAN's, as large as the network that it judges; TrainingConfig.adversarial is the weight
of what it says.
"""
from __future__ import annotations

from typing import Any, Dict, List, NamedTuple, Tuple

import mxnet as mx

from gluon_r2n2.config import ModelConfig
from gluon_r2n2.generative import Discriminator, GenerativeConfig
from gluon_r2n2.initialisers import initialise
from gluon_r2n2.training.adversarial.config import AdversarialConfig
from gluon_r2n2.training.adversarial.judge import Judge, Verdict, adam, mean_of
from gluon_r2n2.training.arrays import get_parameters, named_parameters, set_parameters
from gluon_r2n2.training.optimiser import get_state, set_state

OBJECTIVE = "non_saturating"  # what the network is told: -log D of its probabilities
# Adam's numbers are DCGAN's (Radford et al., ICLR 2016, section 4), the gate that of Wu et al. (NIPS 2016, section 3.2)
RATE, BETA1, GATE = AdversarialConfig.lr_discriminator, AdversarialConfig.beta1, AdversarialConfig.gate
PREFIX = "discriminator."  # of its parameters' names beside those of the network
PARAMETER = "parameter."  # of their values beside the optimiser's arrays


class Judgement(NamedTuple):
    """What the discriminator made of one batch, and what it told the network."""

    verdict: Verdict
    losses: List[mx.nd.NDArray]  # (b,) each, by device: of the network, in nats, without the weight

    def read(self) -> Dict[str, float]:
        """Wait for it; the numbers by name."""
        return {"adversarial_loss": mean_of(self.losses), **self.verdict.read()}


class AdversarialTerm:
    """A discriminator that learns beside a recurrent network, and judges it.

    Args:
        model: of the network.
        weight: of its loss, beside the voxel loss.
        contexts: the devices.
        seed: of the discriminator's first values.
    """

    def __init__(self, model: ModelConfig, weight: float, contexts: List[mx.Context], *, seed: int):
        self._weight, self._contexts = weight, contexts
        self._net = discriminator_of(model)
        initialise(self._net, contexts, seed)
        self._net.hybridize(static_alloc=True)
        parameters = named_parameters(self._net)
        self._names = [PREFIX + name for name in parameters]
        self._optimiser = adam(parameters.values(), RATE, BETA1)
        self._judge = Judge(self._net, self._optimiser, GATE)

    def judge(self, truth: List[mx.nd.NDArray], made: List[mx.nd.NDArray], *, scale: float = 1.0) -> Judgement:
        """Learn from a batch, perhaps, then leave in the `grad` of each of *made* what the network is told.

        Args:
            truth: (b, V, V, V) of 0 and 1, by device.
            made: (b, V, V, V) probabilities, by device, without the graph of their making.
            scale: of the losses, in the gradients only.
        """
        # copies: one array in two graphs breaks the second when the first has gone backward (MXNet 1.9.1)
        verdict = self._judge.learn([grids.detach() for grids in truth], made)
        return Judgement(verdict, [self._judge.criticise(grids, OBJECTIVE, self._weight * scale) for grids in made])

    def state(self) -> Tuple[Dict[str, mx.nd.NDArray], Dict[str, Any]]:
        """What a checkpoint holds of it: arrays by name, and JSON values."""
        values = {PARAMETER + PREFIX + name: array for name, array in get_parameters(self._net).items()}
        return {**values, **get_state(self._optimiser, self._names)}, {"discriminator_updates": self._judge.updates}

    def restore(self, arrays: Dict[str, mx.nd.NDArray], values: Dict[str, Any]) -> None:
        """Put back what `state` gave; both may hold more.

        Raises:
            ModelError: the arrays belong to another network.
        """
        start = PARAMETER + PREFIX
        own = {name[len(start):]: array for name, array in arrays.items() if name.startswith(start)}
        set_parameters(self._net, own, self._contexts, source="the discriminator of the checkpoint")
        self._judge.updates = values["discriminator_updates"]
        set_state(self._optimiser, self._names, arrays, update=self._judge.updates)


def discriminator_of(model: ModelConfig) -> Discriminator:
    """The discriminator that judges the grids of a recurrent network: of its resolution and width; not initialised."""
    return Discriminator(GenerativeConfig(width=model.width, resolution=model.resolution))
