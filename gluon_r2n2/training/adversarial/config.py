"""What defines a training of the generative branch: one frozen dataclass, filled from a recipe, in every checkpoint."""
from __future__ import annotations

import dataclasses
import math
from typing import Any, Dict, Optional

from gluon_r2n2.errors import ModelError, unknown_name
from gluon_r2n2.training.config import RunConfig

LOSSES = ("non_saturating", "saturating")  # of the generator

# What a recipe fixes; every value can be overridden by name. 'paper' are the numbers of Wu et al. (NIPS 2016, sections
# 3.2 and 3.3); docs/generative.md says why 'modern' differs.
RECIPES: Dict[str, Dict[str, Any]] = {
    "modern": dict(lr_generator=1e-3, lr_discriminator=2e-4, lr_encoder=1e-3, divergence_weight=1.0,
                   reconstruction_weight=1.0, batch_size=32, ema=0.995),
    "paper": dict(lr_generator=0.0025, lr_discriminator=1e-5, lr_encoder=0.0025, divergence_weight=5.0,
                  reconstruction_weight=1e-4, batch_size=100, ema=0.0),
}


@dataclasses.dataclass(frozen=True)
class AdversarialConfig(RunConfig):
    """All numbers of a training run of a 3D-GAN or 3D-VAE-GAN; build it with `from_recipe`.

    Raises:
        ModelError: a value that no run can have.
    """

    REMEDIES = ("another --seed or a lower --lr-discriminator", "lower learning rates, such as --lr-generator")

    batch_size: int = 32  # objects per update, over all devices; batch normalisation sees a device's share of them
    steps: int = 20000  # updates of the generator
    validate_every: int = 500  # steps; 0: never
    ema: float = 0.995
    recipe: str = "modern"
    lr_generator: float = 1e-3  # Adam's learning rates
    lr_discriminator: float = 2e-4
    lr_encoder: float = 1e-3
    beta1: float = 0.5  # Adam's decay of the mean gradient
    gate: float = 0.8  # the discriminator learns from a batch only if it judged at most this share of it rightly
    loss: str = "non_saturating"  # the generator's, one of LOSSES
    divergence_weight: float = 1.0  # of the KL divergence in nats, of the 3D-VAE-GAN
    reconstruction_weight: float = 1.0  # of the squared error, summed over the voxels, of the 3D-VAE-GAN
    adversarial_weight: float = 1.0  # of the generator's adversarial loss

    def __post_init__(self):
        super().__post_init__()
        if self.recipe not in RECIPES:
            raise unknown_name("recipe", self.recipe, RECIPES)
        if self.loss not in LOSSES:
            raise unknown_name("loss", self.loss, LOSSES)
        for name in ("lr_generator", "lr_discriminator", "lr_encoder"):
            if not 0 < getattr(self, name) < math.inf:
                raise ModelError(f"{name} must be above 0, got {getattr(self, name)}")
        for name in ("divergence_weight", "reconstruction_weight", "adversarial_weight"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ModelError(f"{name} must be at least 0, got {getattr(self, name)}")
        if not 0 <= self.beta1 < 1:
            raise ModelError(f"beta1 is a decay from 0 to below 1, got {self.beta1}")
        if not 0 < self.gate <= 1:
            raise ModelError(f"gate is a share of the batch from above 0 to 1, got {self.gate}")
        if self.accumulate != 1 or self.dtype != "float32":
            raise ModelError("generative networks are trained in float32 and on whole batches, whose mean and variance "
                             f"the normalisation takes, got dtype={self.dtype!r} and accumulate={self.accumulate}")

    @classmethod
    def from_recipe(cls, recipe: str = "modern", **overrides: Optional[Any]) -> AdversarialConfig:
        """The recipe's configuration with the overrides that are not None."""
        if recipe not in RECIPES:
            raise unknown_name("recipe", recipe, RECIPES)
        given = {name: value for name, value in overrides.items() if value is not None}
        return cls(**{**RECIPES[recipe], "recipe": recipe, **given})
