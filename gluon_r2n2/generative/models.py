"""3D-GAN and 3D-VAE-GAN as networks of the zoo: their parts in one block, with what callers do with them."""
from __future__ import annotations

from typing import Tuple

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon import Block, HybridBlock

from gluon_r2n2.generative.config import GenerativeConfig
from gluon_r2n2.generative.networks import Discriminator, Generator, ImageEncoder
from gluon_r2n2.network import ViewNetwork, occupied_probability


class GAN(Block):
    """3D Generative Adversarial Network: `generator` and `discriminator`.

    Call it with latent vectors (B, L) of `draw_latents`; it returns the logits (B, 2, V, V, V) of the generator,
    channel 1 = occupied, as other networks of the zoo do.

    Raises:
        ModelError: a configuration that no network can be built from.

    Source: Wu et al., NIPS 2016, section 3.2.
    """

    def __init__(self, config: GenerativeConfig, **kwargs):
        super().__init__(**kwargs)
        self.config = config
        with self.name_scope():
            self.generator = Generator(config)
            self.discriminator = Discriminator(config)

    def forward(self, latents):
        return self.generator(latents)


class Gaussian(HybridBlock):
    """Mean and log variance (B, 2L) of one view -> its code (B, L + 1, 1, 1, 1): the mean, and a 1 that counts it."""

    def __init__(self, latent: int, **kwargs):
        super().__init__(**kwargs)
        self._latent = latent

    def hybrid_forward(self, F, features):
        mean = F.slice_axis(features, axis=1, begin=0, end=self._latent)
        one = F.ones_like(F.slice_axis(features, axis=1, begin=0, end=1))
        return F.reshape(F.concat(mean, one, dim=1), shape=(0, 0, 1, 1, 1))


class MeanOfViews(HybridBlock):
    """The state is the sum of the views' codes; what the generator sees is their mean.

    The paper has one image; the mean over several is ours, and one view gives exactly its own mean.
    """

    def __init__(self, latent: int, **kwargs):
        super().__init__(**kwargs)
        self._latent = latent

    def hybrid_forward(self, F, code, state):
        # not +, whose backward pass alone is no graph under static_alloc ('storage_type_num_unknown_nodes')
        return F.broadcast_add(code, state)

    def hidden(self, F, state):
        """What the decoder sees: the mean (B, L) of the latent vectors of the views so far."""
        total = F.reshape(F.slice_axis(state, axis=1, begin=0, end=self._latent), shape=(0, -1))
        count = F.reshape(F.slice_axis(state, axis=1, begin=self._latent, end=self._latent + 1), shape=(0, -1))
        return F.broadcast_div(total, F.maximum(count, 1))  # before the first view: the mean of the prior


class VAEGAN(ViewNetwork):
    """3D-VAE-GAN: images -> a latent vector (`encoder`) -> a grid (`generator`), which a `discriminator` judges.

    Call it with images as any `ViewNetwork`; the latent vector is the mean of the encoder's Gaussian, and of several
    views the mean of theirs. The state of a sequence is (B, L + 1, 1, 1, 1): the sum of the means and their number.

    Raises:
        ModelError: a configuration that no network can be built from; else as `ViewNetwork`.

    Source: Wu et al., NIPS 2016, section 3.3.
    """

    def __init__(self, config: GenerativeConfig, **kwargs):
        super().__init__(**kwargs)
        self.config = config
        self.state_shape = self.code_shape = (config.latent + 1, 1, 1, 1)
        with self.name_scope():
            self.encoder = ImageEncoder(config)
            self.projection = Gaussian(config.latent)
            self.cell = MeanOfViews(config.latent)
            self.generator = Generator(config)
            self.discriminator = Discriminator(config)

    @property
    def decoder(self) -> Generator:
        """What makes logits of what the cell shows."""
        return self.generator

    @property
    def reference(self) -> gluon.Parameter:
        """A parameter whose type and devices are those of all."""
        return self.generator.logits.weight

    def gaussian(self, images) -> Tuple:
        """Images (B, 3, S, S) -> the mean and the log variance (B, L) of each one's latent vector."""
        mean, log_variance = mx.nd.split(self.encoder(images), num_outputs=2, axis=1)
        return mean, log_variance


def draw_latents(config: GenerativeConfig, count: int, rng: np.random.Generator) -> np.ndarray:
    """Latent vectors (count, L) float32 from the prior of a network."""
    shape = (count, config.latent)
    if config.prior == "uniform":
        return rng.random(shape, np.float32)
    return rng.standard_normal(shape, np.float32)


def generate(net, latents: np.ndarray, *, batch_size: int = 16) -> np.ndarray:
    """Latent vectors (n, L) -> the probability of occupied (n, V, V, V) float32, in inference mode.

    Args:
        net: a `GAN` or `VAEGAN`.
        batch_size: that the device computes at once, always: a vector's grid is then the same bits whichever vectors
            are beside it.
    """
    context = net.generator.logits.weight.list_ctx()[0]
    grids = []
    for start in range(0, len(latents), batch_size):
        part = latents[start:start + batch_size]
        filled = np.concatenate([part, np.zeros((batch_size - len(part), part.shape[1]), part.dtype)])
        logits = net.generator(mx.nd.array(filled, ctx=context, dtype=np.float32))
        grids.append(occupied_probability(mx.nd, logits).asnumpy()[:len(part)])
    return np.concatenate(grids)
