"""3D-GAN and 3D-VAE-GAN as networks of the zoo: their parts in one block, with what callers do with them."""
from __future__ import annotations

from typing import Callable, Tuple, Union

import mxnet as mx
import numpy as np
from mxnet import gluon
from mxnet.gluon import HybridBlock

from gluon_r2n2.errors import ModelError
from gluon_r2n2.generative.config import GenerativeConfig
from gluon_r2n2.generative.networks import Discriminator, Generator, ImageEncoder
from gluon_r2n2.network import ReloadableBlock, ViewNetwork, occupied_probability

BATCH = 16  # latent vectors at once


class GAN(ReloadableBlock):
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


def generate(net: Union[GAN, VAEGAN], latents: np.ndarray) -> np.ndarray:
    """Latent vectors (n, L) -> the probability of occupied (n, V, V, V) float32, in inference mode.

    Raises:
        ModelError: *latents* are none, or have another length.
    """
    return in_batches(lambda part: occupied_probability(mx.nd, net.generator(part)), latents, net.config,
                      ctx=net.generator.logits.weight.list_ctx()[0])


def in_batches(function: Callable[[mx.nd.NDArray], mx.nd.NDArray], latents: np.ndarray, config: GenerativeConfig, *,
               ctx: mx.Context) -> np.ndarray:
    """What *function* makes of latent vectors (n, L), BATCH of them at once.

    Always so many: a vector's grid is then the same bits whichever vectors are beside it.

    Raises:
        ModelError: *latents* are none, or have another length.
    """
    latents = np.asarray(latents, np.float32)
    if latents.ndim != 2 or latents.shape[1] != config.latent or not len(latents):
        raise ModelError(f"latent vectors (n, {config.latent}), at least one, are wanted, got an array {latents.shape}")
    results = []
    for start in range(0, len(latents), BATCH):
        part = latents[start:start + BATCH]
        filled = np.concatenate([part, np.zeros((BATCH - len(part), config.latent), np.float32)])
        results.append(function(mx.nd.array(filled, ctx=ctx)).asnumpy()[:len(part)])
    return np.concatenate(results)
