"""The generative branch's parts: generator (latent vector -> grid), discriminator (grid -> score), image encoder.

No pooling and no hidden dense layers; batch normalisation but where a network meets its data: the generator's last
layer, the discriminator's first and last.

Source: Wu et al., Learning a Probabilistic Latent Space of Object Shapes via 3D Generative-Adversarial Modeling (NIPS
2016), section 3 and its supplement; initial values and normalisation as in DCGAN (Radford et al., ICLR 2016).
"""
from __future__ import annotations

import math

import mxnet as mx
from mxnet.gluon import HybridBlock, nn

from gluon_r2n2.decoder import VoxelBatchNorm
from gluon_r2n2.generative.config import STRIDES, GenerativeConfig

KERNEL = 4  # of all 3D convolutions, in voxels
IMAGE_CHANNELS = (64, 128, 256, 512)  # of the image encoder before its last convolution, at width 1
IMAGE_KERNELS = (11, 5, 5, 5)  # in pixels
DEVIATION = 0.02  # of the initial weights
COLOURS = 3


def initial() -> mx.init.Initializer:
    """DCGAN's rule for all weights: normal values of deviation 0.02."""
    return mx.init.Normal(DEVIATION)


class FirstGrid(HybridBlock):
    """Latent vectors (B, L) -> (B, C, 4, 4, 4): a transposed convolution of kernel 4 from a single voxel.

    Computed as the product of matrices that it is: MXNet's Deconvolution fails here as soon as the batch has another
    size than before (oneDNN then wants the weight, which it has reordered in place, in another layout).
    """

    def __init__(self, channels: int, in_channels: int, **kwargs):
        super().__init__(**kwargs)
        self._shape, self._in_channels = (-1, channels) + 3 * (KERNEL,), in_channels
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(in_channels, channels) + 3 * (KERNEL,), init=initial())

    def hybrid_forward(self, F, latents, weight):
        grids = F.dot(latents, F.reshape(weight, shape=(self._in_channels, -1)))  # (B, L) x (L, C * 64)
        return F.reshape(grids, shape=self._shape)


class Generator(HybridBlock):
    """Latent vectors (B, L) -> logits (B, 2, V, V, V), channel 1 = occupied, whose softmax is the paper's sigmoid.

    Transposed convolutions with kernel 4: to 512 x 4^3, then doublings to 256, 128 and 64 channels (at 64^3, width 1),
    each with batch normalisation and ReLU, and the last to the grid. The last has two filters, whose difference is the
    paper's one: so all networks end alike, and oneDNN has no backward pass to a single channel ('could not create a
    primitive descriptor').
    """

    def __init__(self, config: GenerativeConfig, **kwargs):
        super().__init__(**kwargs)
        in_channels = config.latent
        with self.name_scope():
            self.stages = nn.HybridSequential()
            for number, channels in enumerate(config.grid_channels):
                self.stages.add(doubling(channels, in_channels) if number else FirstGrid(channels, in_channels),
                                VoxelBatchNorm(in_channels=channels), nn.Activation("relu"))
                in_channels = channels
            # of deviation 0.02 in their difference
            self.logits = nn.Conv3DTranspose(2, KERNEL, strides=2, padding=1, in_channels=in_channels,
                                             weight_initializer=mx.init.Normal(DEVIATION / math.sqrt(2)))

    def hybrid_forward(self, F, latents):
        return self.logits(self.stages(latents))


def doubling(channels: int, in_channels: int) -> nn.Conv3DTranspose:
    """(B, in_channels, D, H, W) -> (B, channels, 2D, 2H, 2W), to be normalised."""
    return nn.Conv3DTranspose(channels, KERNEL, strides=2, padding=1, use_bias=False, in_channels=in_channels,
                              weight_initializer=initial())


class Discriminator(HybridBlock):
    """Grids (B, V, V, V) of occupancy in [0, 1] -> logits (B,) of being real: the generator's mirror image.

    Convolutions with kernel 4 and stride 2, LeakyReLU 0.2 after each, down to 512 x 4^3, then one that sees it all.
    The paper's output is the sigmoid of the logit.
    """

    def __init__(self, config: GenerativeConfig, **kwargs):
        super().__init__(**kwargs)
        in_channels = 1
        with self.name_scope():
            self.stages = nn.HybridSequential()
            for channels in reversed(config.grid_channels):
                stage, first = nn.HybridSequential(), in_channels == 1
                with stage.name_scope():
                    stage.add(nn.Conv3D(channels, KERNEL, strides=2, padding=1, use_bias=first, in_channels=in_channels,
                                        weight_initializer=initial()))
                    if not first:
                        stage.add(VoxelBatchNorm(in_channels=channels))
                    stage.add(nn.LeakyReLU(config.leak))
                self.stages.add(stage)
                in_channels = channels
            self.score = nn.Conv3D(1, KERNEL, in_channels=in_channels, weight_initializer=initial())

    def hybrid_forward(self, F, grids):
        return F.reshape(self.score(self.stages(F.expand_dims(grids, axis=1))), shape=(-1,))

    def features(self, grids) -> list:
        """The maps (B, C, D, H, W) after each stage, from the widest grid (V/2) to the last (4)."""
        maps, x = [], grids.expand_dims(1)
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps


class ImageEncoder(HybridBlock):
    """Images (B, 3, S, S) in [0, 1] -> mean and log variance (B, 2L) of each image's latent vector.

    Four convolutions with batch normalisation and ReLU, then one that sees the last feature maps whole. At S = 256 the
    strides leave 8 x 8, the paper's last kernel; at another S that kernel is as large as what is left.
    """

    def __init__(self, config: GenerativeConfig, **kwargs):
        super().__init__(**kwargs)
        self.channels, in_channels = 2 * config.latent, COLOURS
        with self.name_scope():
            self.stages = nn.HybridSequential()
            for published, kernel, stride in zip(IMAGE_CHANNELS, IMAGE_KERNELS, STRIDES):
                channels = config.channels(published)
                # the padding leaves ceil(size / stride)
                self.stages.add(nn.Conv2D(channels, kernel, strides=stride, padding=kernel // 2, use_bias=False,
                                          in_channels=in_channels, weight_initializer=initial()),
                                nn.BatchNorm(in_channels=channels), nn.Activation("relu"))
                in_channels = channels
            self.gaussian = nn.Conv2D(self.channels, config.last_feature_size, in_channels=in_channels,
                                      weight_initializer=initial())

    def hybrid_forward(self, F, images):
        return F.reshape(self.gaussian(self.stages(images)), shape=(0, -1))  # (B, 2L, 1, 1) -> (B, 2L)
