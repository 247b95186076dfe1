"""Stage 4, encoder: images (B, 3, S, S) -> view codes (B, F).

Source: 3D-R2N2 (ECCV 2016), figure 2 and section 3.1; models/gru_net.py and models/res_gru_net.py of the original.
"""
from __future__ import annotations

import mxnet as mx
from mxnet.gluon import HybridBlock, nn

from gluon_r2n2.backbone import Backbone
from gluon_r2n2.config import BACKBONES, ModelConfig
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

    def __init__(self, channels: int, in_channels: int, kernel: int, config: ModelConfig, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.conv = Convolution(channels, in_channels, kernel, config.norm)
            self.leaky = nn.LeakyReLU(config.leak)
            self.pool = nn.MaxPool2D(2, 2, padding=1)  # 127 -> 64 -> 33 -> 17 -> 9 -> 5 -> 3

    def hybrid_forward(self, F, x):
        return self.leaky(self.pool(self.conv(x)))


class ResidualStage(HybridBlock):
    """(Convolution -> LeakyReLU) twice, plus a skip, then max-pool; nothing after the addition."""

    def __init__(self, channels: int, in_channels: int, kernel: int, config: ModelConfig, skip: str = "none",
                 **kwargs):
        super().__init__(**kwargs)
        self._identity = skip == "identity"
        with self.name_scope():
            self.conv_a = Convolution(channels, in_channels, kernel, config.norm)
            self.conv_b = Convolution(channels, channels, 3, config.norm)
            self.conv_skip = Convolution(channels, in_channels, 1) if skip == "convolution" else None
            self.leaky = nn.LeakyReLU(config.leak)
            self.pool = nn.MaxPool2D(2, 2, padding=1)

    def hybrid_forward(self, F, x):
        y = self.leaky(self.conv_a(x))
        y = self.leaky(self.conv_b(y))
        if self.conv_skip is not None:
            y = y + self.conv_skip(x)
        elif self._identity:
            y = y + x
        return self.pool(y)


class Stages(nn.HybridSequential):
    """The paper's six stages of convolution and pooling: (B, 3, S, S) -> (B, out_channels, out_size, out_size)."""

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(**kwargs)
        in_channels, size = 3, config.input_size
        with self.name_scope():
            for published, kernel, skip in zip(CHANNELS, KERNELS, SKIPS):
                channels = config.channels(published)
                if config.encoder == "residual":
                    self.add(ResidualStage(channels, in_channels, kernel, config, skip))
                else:
                    self.add(PlainStage(channels, in_channels, kernel, config))
                in_channels, size = channels, size // 2 + 1  # what the padded pooling leaves
        self.out_channels, self.out_size = in_channels, size


class BackboneStages(HybridBlock):
    """An ImageNet network, then a 1x1 convolution to as many channels as the paper's last stage has."""

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(**kwargs)
        self.out_channels = config.channels(CHANNELS[-1])
        with self.name_scope():
            self.backbone = Backbone(config.encoder, config.input_size)
            self.reduce = Convolution(self.out_channels, self.backbone.out_channels, 1, config.norm)
            self.leaky = nn.LeakyReLU(config.leak)
        self.out_size = self.backbone.out_size

    def hybrid_forward(self, F, images):
        return self.leaky(self.reduce(self.backbone(images)))


class Encoder(HybridBlock):
    """Feature maps, then a dense layer: (B, 3, S, S) in [0, 1] -> (B, F)."""

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(**kwargs)
        self.channels = config.channels(CODE)
        with self.name_scope():
            self.stages = BackboneStages(config) if config.encoder in BACKBONES else Stages(config)
            # (B, C, H, W) is flattened in this order, as in the original
            self.dense = nn.Dense(self.channels, in_units=self.stages.out_channels * self.stages.out_size**2,
                                  weight_initializer=Msra(), bias_initializer=mx.init.Constant(BIAS))
            self.leaky = nn.LeakyReLU(config.leak)

    def hybrid_forward(self, F, images):
        return self.leaky(self.dense(self.stages(images)))
