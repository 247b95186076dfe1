"""What defines a generative network: one frozen dataclass, stored beside every set of weights."""
from __future__ import annotations

import dataclasses
import math
import numbers
from typing import List

from gluon_r2n2.config import RESOLUTIONS, NetworkConfig, channels_of
from gluon_r2n2.errors import ModelError, unknown_name

FAMILIES = ("gan", "vae_gan")
PRIORS = ("normal", "uniform")
FIRST = 4  # edge of the generator's first grid and of the discriminator's last one, in voxels
CHANNELS = (512, 256, 128, 64)  # of the generator's grids of 4, 8, 16 and 32 voxels, at width 1
STRIDES = (4, 2, 2, 2)  # of the image encoder's convolutions before the last


@dataclasses.dataclass(frozen=True)
class GenerativeConfig(NetworkConfig):
    """The architecture of a 3D-GAN or a 3D-VAE-GAN.

    Raises:
        ModelError: a value that no network can be built from.
    """

    family: str = "gan"  # 'gan': generator and discriminator; 'vae_gan': an image encoder as well
    width: float = 1.0  # factor on every channel count of the paper
    latent: int = 200  # length of a latent vector
    prior: str = "normal"  # that latent vectors are drawn from: standard normal, or uniform in [0, 1] (3D-GAN only)
    input_size: int = 127  # edge of the image encoder's square input, in pixels; the paper's is 256
    resolution: int = 64  # edge of the grids, in voxels: 4 * 2^n
    leak: float = 0.2  # slope of the discriminator's LeakyReLU below 0

    def __post_init__(self):
        for names, kind, what in ((("latent", "input_size", "resolution"), numbers.Integral, "an integer"),
                                  (("width", "leak"), numbers.Real, "a number")):
            for name in names:
                value = getattr(self, name)
                if isinstance(value, bool) or not isinstance(value, kind):
                    raise ModelError(f"{name} must be {what}, got {value!r}")
        for name, choices in (("family", FAMILIES), ("prior", PRIORS)):
            if getattr(self, name) not in choices:
                raise unknown_name(name, getattr(self, name), choices)
        if self.family == "vae_gan" and self.prior != "normal":
            raise ModelError("a 3D-VAE-GAN draws its latent vectors from the normal prior that its encoder is held to, "
                             f"got prior={self.prior!r}")
        if not 0 < self.width <= 4:
            raise ModelError(f"width must be above 0 and at most 4, got {self.width}")
        if not 1 <= self.latent <= 4096:
            raise ModelError(f"latent must be 1 to 4096 numbers, got {self.latent}")
        if not 0 <= self.leak < 1:
            raise ModelError(f"leak is a slope from 0 to below 1, got {self.leak}")
        if self.input_size < 32:
            raise ModelError(f"input_size must be at least 32 pixels, got {self.input_size}")
        if self.resolution not in RESOLUTIONS:
            raise ModelError(f"resolution must be 16, 32, 64 or 128 voxels, got {self.resolution}")

    def channels(self, published: int) -> int:
        """The channel count of this width for one of the paper's; see `channels_of`."""
        return channels_of(published, self.width)

    @property
    def grid_channels(self) -> List[int]:
        """Channels of the generator's grids of 4, 8, ... voxels, all but the last grid; the discriminator mirrors it.

        A 32^3 network drops the last of the paper's four stages; a 128^3 one has another, of half as many channels.
        """
        stages = int(math.log2(self.resolution // FIRST))
        published = [CHANNELS[min(i, 3)] // 2 ** max(0, i - 3) for i in range(stages)]
        return [self.channels(count) for count in published]

    @property
    def last_feature_size(self) -> int:
        """Edge of the image encoder's last feature maps, which its last convolution sees whole: 8 of 256 pixels."""
        size = self.input_size
        for stride in STRIDES:
            size = -(-size // stride)
        return size
