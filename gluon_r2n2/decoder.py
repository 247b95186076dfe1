"""Stage 6, decoder: grid state (B, C, 4, 4, 4) -> voxel logits (B, 2, V, V, V).

Every stage doubles the edge. `upsample` says how:

- ``unpool``, the original: values to even positions, zeros elsewhere, then a 3x3x3 convolution. Both together are
  one transposed convolution (kernel 3, stride 2, padding 1, output padding 1), which multiplies no zeros.
- ``trilinear``: a transposed convolution per channel (kernel 4, stride 2, padding 1) that starts as trilinear
  interpolation and learns, then the convolution; ``trilinear_frozen``: the same, not learning.
- ``deconv``: a dense transposed convolution (kernel 4, stride 2, padding 1) in place of both.

Source: 3D-R2N2 (ECCV 2016), section 3.3; models/gru_net.py and models/res_gru_net.py of the original.
"""
from __future__ import annotations

import math

import mxnet as mx
from mxnet.gluon import HybridBlock, nn

from gluon_r2n2.config import GRID, ModelConfig
from gluon_r2n2.initialisers import BIAS, Msra, Trilinear

CHANNELS = (128, 128, 64)  # per doubling of a 32^3 network, at width 1; further doublings halve the last
LAST = 32  # channels before the logits, at width 1


class VoxelBatchNorm(nn.BatchNorm):
    """Batch normalisation over (B, D, H, W) of (B, C, D, H, W).

    MXNet's own fails in CPU training on 5-D arrays behind a 3D convolution ('Check failed: !is_view').
    """

    def hybrid_forward(self, F, x, **parameters):
        flat = F.reshape(x, shape=(0, 0, 0, -1))  # (B, C, D, H, W) -> (B, C, D, H W)
        return F.reshape_like(super().hybrid_forward(F, flat, **parameters), x)


def convolution(channels: int, in_channels: int, kernel: int, norm=None) -> nn.HybridSequential:
    """A size-keeping 3D convolution, and batch normalisation where asked for."""
    block = nn.HybridSequential()
    with block.name_scope():
        block.add(nn.Conv3D(channels, kernel, padding=kernel // 2, in_channels=in_channels,
                            weight_initializer=Msra(), bias_initializer=mx.init.Constant(BIAS)))
        if norm == "batch":
            block.add(VoxelBatchNorm(in_channels=channels))
    return block


def doubling(channels: int, in_channels: int, upsample: str, norm=None) -> nn.HybridSequential:
    """The 'unpool' or 'deconv' doubling: (B, in_channels, D, H, W) -> (B, channels, 2D, 2H, 2W)."""
    kernel, extra = (3, 1) if upsample == "unpool" else (4, 0)
    block = nn.HybridSequential()
    with block.name_scope():
        block.add(nn.Conv3DTranspose(channels, kernel, strides=2, padding=1, output_padding=extra,
                                     in_channels=in_channels, weight_initializer=Msra(),
                                     bias_initializer=mx.init.Constant(BIAS)))
        if norm == "batch":
            block.add(VoxelBatchNorm(in_channels=channels))
    return block


def trilinear(channels: int, learn: bool) -> nn.Conv3DTranspose:
    """Trilinear interpolation to the double edge as a transposed convolution per channel."""
    layer = nn.Conv3DTranspose(channels, 4, strides=2, padding=1, in_channels=channels, groups=channels,
                               use_bias=False, weight_initializer=Trilinear())
    if not learn:
        layer.weight.lr_mult = layer.weight.wd_mult = 0
    return layer


class Unpool(HybridBlock):
    """Zero-stuffing: (B, C, D, H, W) -> (B, C, 2D, 2H, 2W), each value at the even position, zeros elsewhere."""

    def hybrid_forward(self, F, x):
        for axis in (2, 3, 4):
            # (..., n, ...) -> (..., n, 2, ...) -> (..., 2n, ...)
            pairs = F.stack(x, F.zeros_like(x), axis=axis + 1)
            x = F.reshape(pairs, shape=(0,) * axis + (-3,) + (0,) * (4 - axis))
        return x


class Logits(HybridBlock):
    """The last 3x3x3 convolution, to the logits of empty and occupied; never normalised: the loss wants free logits.

    oneDNN computes two output channels several times slower than a full block of 16, so the two filters are repeated
    to fill a block and the copies' results dropped; the stored weight has the two.
    """

    COPIES = 8

    def __init__(self, in_channels: int, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(2, in_channels, 3, 3, 3), init=Msra())
            self.bias = self.params.get("bias", shape=(2,), init=mx.init.Constant(BIAS))

    def hybrid_forward(self, F, x, weight, bias):
        weight, bias = F.tile(weight, reps=(self.COPIES, 1, 1, 1, 1)), F.tile(bias, reps=(self.COPIES,))
        repeated = F.Convolution(x, weight, bias, kernel=(3, 3, 3), pad=(1, 1, 1), num_filter=2 * self.COPIES)
        return F.slice_axis(repeated, axis=1, begin=0, end=2)  # (B, 16, V, V, V) -> (B, 2, V, V, V)


class PlainStage(HybridBlock):
    """Doubling and convolution -> LeakyReLU."""

    def __init__(self, channels: int, in_channels: int, config: ModelConfig, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            if config.upsample.startswith("trilinear"):
                self.interpolate = trilinear(in_channels, learn=config.upsample == "trilinear")
                self.conv_a = convolution(channels, in_channels, 3, config.norm)
            else:
                self.interpolate = None  # conv_a doubles by itself
                self.conv_a = doubling(channels, in_channels, config.upsample, config.norm)
            self.leaky = nn.LeakyReLU(config.leak)

    def hybrid_forward(self, F, x):
        if self.interpolate is not None:
            x = self.interpolate(x)
        return self.leaky(self.conv_a(x))


class ResidualStage(PlainStage):
    """A plain stage -> convolution -> LeakyReLU, plus the upsampled input; nothing after the addition.

    The skip adds the unpooled (or interpolated) input; where channels change, a 1x1x1 convolution of it. Of the
    unpooled input that is a transposed convolution with kernel 1: its bias is added everywhere.
    """

    def __init__(self, channels: int, in_channels: int, config: ModelConfig, **kwargs):
        super().__init__(channels, in_channels, config, **kwargs)
        with self.name_scope():
            self.conv_b = convolution(channels, channels, 3, config.norm)
            if channels == in_channels:
                self.skip = Unpool() if self.interpolate is None else None
            elif self.interpolate is None:
                self.skip = nn.Conv3DTranspose(channels, 1, strides=2, output_padding=1, in_channels=in_channels,
                                               weight_initializer=Msra(), bias_initializer=mx.init.Constant(BIAS))
            else:
                self.skip = convolution(channels, in_channels, 1)

    def hybrid_forward(self, F, x):
        if self.interpolate is not None:
            x = self.interpolate(x)
        y = self.leaky(self.conv_a(x))
        y = self.leaky(self.conv_b(y))
        # add_n and not +, which takes no 5-D array in oneDNN's layout: both terms, and the sum, would be copied
        return F.add_n(y, x if self.skip is None else self.skip(x))


class ResidualTail(HybridBlock):
    """The original's block 10: a -> LeakyReLU, then b -> LeakyReLU and c side by side on it, added."""

    def __init__(self, channels: int, in_channels: int, config: ModelConfig, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.conv_a = convolution(channels, in_channels, 3, config.norm)
            self.conv_b = convolution(channels, channels, 3, config.norm)
            self.conv_c = convolution(channels, channels, 3)
            self.leaky = nn.LeakyReLU(config.leak)

    def hybrid_forward(self, F, x):
        y = self.leaky(self.conv_a(x))
        return F.add_n(self.conv_c(y), self.leaky(self.conv_b(y)))  # see ResidualStage


class PlainTail(HybridBlock):
    """Convolution -> LeakyReLU."""

    def __init__(self, channels: int, in_channels: int, config: ModelConfig, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.conv_a = convolution(channels, in_channels, 3, config.norm)
            self.leaky = nn.LeakyReLU(config.leak)

    def hybrid_forward(self, F, x):
        return self.leaky(self.conv_a(x))


def stage_channels(resolution: int) -> list:
    """Channels per doubling at width 1: (128, 128, 64) for 32^3; each further doubling adds a stage of half as many."""
    doublings = int(math.log2(resolution // GRID))
    return [CHANNELS[min(i, 2)] // 2 ** max(0, i - 2) for i in range(doublings)]


class Decoder(HybridBlock):
    """Doublings up to the output edge, a tail and the logits: (B, C, 4, 4, 4) -> (B, 2, V, V, V)."""

    def __init__(self, config: ModelConfig, in_channels: int, **kwargs):
        super().__init__(**kwargs)
        plain = config.encoder == "plain"
        stage, tail = (PlainStage, PlainTail) if plain else (ResidualStage, ResidualTail)
        last = config.channels(LAST)
        with self.name_scope():
            self.stages = nn.HybridSequential()
            for published in stage_channels(config.resolution):
                channels = config.channels(published)
                self.stages.add(stage(channels, in_channels, config))
                in_channels = channels
            self.tail = tail(last, in_channels, config)
            self.logits = Logits(last)

    def hybrid_forward(self, F, state):
        return self.logits(self.tail(self.stages(state)))
