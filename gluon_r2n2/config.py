"""What defines a network: one frozen dataclass, stored beside every set of weights."""
from __future__ import annotations

import dataclasses
import numbers
from typing import Any, Dict, Optional, Type, TypeVar

from gluon_r2n2.errors import ModelError, unknown_name

RESOLUTIONS = (16, 32, 64, 128)  # edges of the output grid, in voxels
GRID = 4  # edge of the grid of recurrent cells, N in the paper
BACKBONES = ("resnet18_v1b", "resnet34_v1b", "resnet50_v1b", "mobilenetv2_0.5", "mobilenetv2_1.0")  # gluon-cv's names

CHOICES = {
    "encoder": ("plain", "residual") + BACKBONES,
    "cell": ("gru", "lstm"),
    "kernel": (1, 3, 5),
    "norm": (None, "batch"),
    "upsample": ("unpool", "trilinear", "trilinear_frozen", "deconv"),
}

Network = TypeVar("Network", bound="NetworkConfig")


def channels_of(published: int, width: float) -> int:
    """The channel count of a width for one of a paper's: a multiple of 16, oneDNN's fast block."""
    return max(16, int(round(published * width / 16)) * 16)


@dataclasses.dataclass(frozen=True)
class NetworkConfig:
    """What the configurations of all families of networks can do."""

    def as_dict(self) -> Dict[str, Any]:
        """A plain dict that `from_dict` turns back into an equal configuration."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls: Type[Network], values: Dict[str, Any]) -> Network:
        """Build a configuration from `as_dict`'s output; an unknown key is an error that names the nearest."""
        known = [field.name for field in dataclasses.fields(cls)]
        for key in values:
            if key not in known:
                raise unknown_name("model option", key, known)
        return cls(**values)


@dataclasses.dataclass(frozen=True)
class ModelConfig(NetworkConfig):
    """The architecture of one network.

    Raises:
        ModelError: a value that no network can be built from.
    """

    # 'plain': one convolution per stage; 'residual': two and a skip, in the decoder too; else an ImageNet network of
    # gluon-cv, see gluon_r2n2.backbone, with the residual decoder
    encoder: str = "residual"
    cell: str = "gru"  # 'gru' or 'lstm' (without output gate)
    kernel: int = 3  # edge of the recurrent convolution, in cells: 1, 3 or 5
    width: float = 1.0  # factor on every channel count of the paper
    hidden: Optional[int] = None  # channels of the grid state; None: the paper's 128, times width
    input_size: int = 127  # edge of the square input images, in pixels
    resolution: int = 32  # edge of the output grid, in voxels: 4 * 2^n
    norm: Optional[str] = None  # 'batch': batch normalisation after every convolution of encoder and decoder
    upsample: str = "unpool"  # see gluon_r2n2.decoder
    leak: float = 0.01  # slope of LeakyReLU below 0: of the original's code; the paper says 0.1

    def __post_init__(self):
        for names, kind, what in ((("kernel", "hidden", "input_size", "resolution"), numbers.Integral, "an integer"),
                                  (("width", "leak"), numbers.Real, "a number")):
            for name in names:
                value = getattr(self, name)
                if (isinstance(value, bool) or not isinstance(value, kind)) and (name, value) != ("hidden", None):
                    raise ModelError(f"{name} must be {what}, got {value!r}")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise unknown_name(name, getattr(self, name), map(str, choices))
        if not 0 < self.width <= 4:
            raise ModelError(f"width must be above 0 and at most 4, got {self.width}")
        if self.hidden is not None and not 1 <= self.hidden <= 4096:
            raise ModelError(f"hidden must be 1 to 4096 channels, got {self.hidden}")
        if not 0 <= self.leak < 1:
            raise ModelError(f"leak is a slope from 0 to below 1, got {self.leak}")
        if self.input_size < 32:
            raise ModelError(f"input_size must be at least 32 pixels, got {self.input_size}")
        if self.resolution not in RESOLUTIONS:
            raise ModelError(f"resolution must be 16, 32, 64 or 128 voxels, got {self.resolution}")

    def channels(self, published: int) -> int:
        """The channel count of this width for one of the paper's; see `channels_of`."""
        return channels_of(published, self.width)
