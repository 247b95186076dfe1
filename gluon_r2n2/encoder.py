"""Stage 4, encoder: images (B, 3, S, S) -> view codes (B, F).

Source: 3D-R2N2 (ECCV 2016), figure 2 and section 3.1; models/gru_net.py and models/res_gru_net.py of the original.
"""
from __future__ import annotations

import mxnet as mx
from mxnet.gluon import HybridBlock, nn

from gluon_r2n2.config import SLOPE, ModelConfig
from gluon_r2n2.initialisers import BIAS, Msra

CHANNELS = (96, 128, 256, 256, 256, 256)  # per stage, at width 1
KERNELS = (7, 3, 3, 3, 3, 3)  # of the first convolution of each stage, in pixels
SKIPS = ("none", "convolution", "convolution", "none", "convolution", "identity")  # of the residual encoder's stages
CODE = 1024  # length of a view code, at width 1


class Convolution(nn.HybridSequential):
    """A size-keeping 2D convolution with the original's initial values, and batch normalisation where asked for."""

    def __init__(self, channels: int, in_channels: int, kernel: int, norm=None, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.add(nn.Conv2D(channels, kernel, padding=kernel // 2, in_channels=in_channels,
                               weight_initializer=Msra(), bias_initializer=mx.init.Constant(BIAS)))
            if norm == "batch":
                self.add(nn.BatchNorm(in_channels=channels))


class PlainStage(HybridBlock):
    """Convolution -> max-pool -> LeakyReLU."""

    def __init__(self, channels: int, in_channels: int, kernel: int, norm=None, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.conv = Convolution(channels, in_channels, kernel, norm)
            self.pool = nn.MaxPool2D(2, 2, padding=1)  # 127 -> 64 -> 33 -> 17 -> 9 -> 5 -> 3

    def hybrid_forward(self, F, x):
        return F.LeakyReLU(self.pool(self.conv(x)), slope=SLOPE)


class ResidualStage(HybridBlock):
    """(Convolution -> LeakyReLU) twice, plus a skip, then max-pool; nothing after the addition."""

    def __init__(self, channels: int, in_channels: int, kernel: int, norm=None, skip: str = "none", **kwargs):
        super().__init__(**kwargs)
        self._identity = skip == "identity"
        with self.name_scope():
            self.conv_a = Convolution(channels, in_channels, kernel, norm)
            self.conv_b = Convolution(channels, channels, 3, norm)
            self.conv_skip = Convolution(channels, in_channels, 1) if skip == "convolution" else None
            self.pool = nn.MaxPool2D(2, 2, padding=1)

    def hybrid_forward(self, F, x):
        y = F.LeakyReLU(self.conv_a(x), slope=SLOPE)
        y = F.LeakyReLU(self.conv_b(y), slope=SLOPE)
        if self.conv_skip is not None:
            y = y + self.conv_skip(x)
        elif self._identity:
            y = y + x
        return self.pool(y)


class Encoder(HybridBlock):
    """Six stages of convolution and pooling, then a dense layer: (B, 3, S, S) in [0, 1] -> (B, F)."""

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(**kwargs)
        self.channels = config.channels(CODE)
        with self.name_scope():
            self.stages = nn.HybridSequential()
            in_channels, size = 3, config.input_size
            for published, kernel, skip in zip(CHANNELS, KERNELS, SKIPS):
                channels = config.channels(published)
                if config.encoder == "residual":
                    self.stages.add(ResidualStage(channels, in_channels, kernel, config.norm, skip))
                else:
                    self.stages.add(PlainStage(channels, in_channels, kernel, config.norm))
                in_channels, size = channels, size // 2 + 1  # what the padded pooling leaves
            # (B, C, H, W) is flattened in this order, as in the original
            self.dense = nn.Dense(self.channels, in_units=in_channels * size * size,
                                  weight_initializer=Msra(), bias_initializer=mx.init.Constant(BIAS))

    def hybrid_forward(self, F, images):
        return F.LeakyReLU(self.dense(self.stages(images)), slope=SLOPE)
