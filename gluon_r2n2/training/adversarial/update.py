"""Stage 8 of the generative branch, one update: a batch -> discriminator (perhaps), then generator and encoder."""
from __future__ import annotations

import math
from typing import Any, Dict, List, NamedTuple, Optional

import mxnet as mx
import numpy as np
from mxnet import autograd

from gluon_r2n2.distributed import Exchange
from gluon_r2n2.errors import ModelError
from gluon_r2n2.evaluation import to_unit
from gluon_r2n2.generative import draw_latents
from gluon_r2n2.generative.losses import gaussian_divergence, squared_error
from gluon_r2n2.metrics import batch_iou
from gluon_r2n2.network import occupied_probability
from gluon_r2n2.training.adversarial.config import AdversarialConfig
from gluon_r2n2.training.adversarial.judge import Judge, Verdict, adam, mean_of
from gluon_r2n2.training.arrays import named_parameters
from gluon_r2n2.training.averaging import Average
from gluon_r2n2.training.optimiser import get_state, set_state


class AdversarialMeasurement(NamedTuple):
    """What an update found; its arrays may still be in the making."""

    update: int
    keys: List[str]  # of the objects of the batch
    verdict: Verdict
    losses: Dict[str, List[mx.nd.NDArray]]  # (b,) by device
    overflow: Optional[float] = None  # there is no float16 here

    def read(self) -> Dict[str, float]:
        """Wait for the update; losses in nats and the other numbers, by name."""
        return {**{name: mean_of(arrays) for name, arrays in self.losses.items()}, **self.verdict.read()}

    def fault(self, found: Dict[str, float]) -> Optional[str]:
        """What is wrong with what `read` gave, naming the step; None where nothing is."""
        for name, value in found.items():
            if not math.isfinite(value):
                return f"the {name.replace('_', ' ')} at step {self.update} is {value:.4g}, not finite"
        return None


class AdversarialUpdater:
    """Updates the networks of a `GAN` or `VAEGAN`, its batches shared by several devices.

    One update: latent vectors are drawn and made into grids, once; the discriminator learns to tell them from the
    batch, if it does not yet; then the generator learns from what the discriminator now says of the same grids. A
    3D-VAE-GAN makes grids of the encoder's Gaussians in the same pass, and encoder and generator learn from the
    squared error as well, the encoder also from the divergence from the prior. All draws are functions of seed and
    step.

    Args:
        net: an initialised network on *contexts*.
        config: all numbers.
        contexts: the devices; each takes an equal share of every batch.

    Attributes:
        average: the moving average of the parameters; None where config.ema is 0.

    Raises:
        ModelError: a batch that the image encoder's normalisation would make nothing of.

    Source: Wu et al., NIPS 2016, sections 3.2 and 3.3.
    """

    def __init__(self, net, config: AdversarialConfig, contexts: List[mx.Context],
                 exchange: Optional[Exchange] = None):
        self._net, self._config, self._contexts = net, config, contexts
        self._encodes = net.config.family == "vae_gan"
        share = config.batch_size // len(contexts)
        if self._encodes and share * net.config.last_feature_size ** 2 == 1:
            raise ModelError("the image encoder's last maps are one pixel each, which batch normalisation makes 0 in a "
                             f"batch of 1, got batch_size={config.batch_size} on {len(contexts)} devices and "
                             f"input_size={net.config.input_size}; choose a larger --batch-size or --image-size")
        parts = ("generator", "discriminator") + ("encoder",) * self._encodes
        rates = {part: getattr(config, f"lr_{part}") for part in parts}
        self._rates = {f"learning_rate_{part}": rate for part, rate in rates.items()}
        self._names = {part: [f"{part}.{name}" for name in named_parameters(getattr(net, part))] for part in parts}
        self._optimisers = {part: adam(named_parameters(getattr(net, part)).values(), rate, config.beta1)
                            for part, rate in rates.items()}
        self._judge = Judge(net.discriminator, self._optimisers["discriminator"], config.gate)
        self.average: Optional[Average] = Average(net, config.ema) if config.ema else None
        net.hybridize(static_alloc=True)

    def rates(self, number: int) -> Dict[str, float]:
        """The learning rates of one update, for the log."""
        return self._rates

    def update(self, batch, number: int) -> AdversarialMeasurement:
        """Make the update *number*, 1 being the first.

        Args:
            batch: voxels (B, V, V, V) of 0 and 1, keys, and for a 3D-VAE-GAN images (1, B, 3, S, S) uint8 RGB.
        """
        config, devices = self._config, len(self._contexts)
        rng = np.random.default_rng([config.seed, number])
        latents = draw_latents(self._net.config, config.batch_size, rng)
        noise = rng.standard_normal(latents.shape, np.float32)
        voxels, latents, noise = (np.split(array, devices) for array in (batch.voxels, latents, noise))
        images = np.split(batch.images[0], devices) if self._encodes else [None] * devices
        shares = [Share(self._net, *arrays) for arrays in zip(self._contexts, voxels, latents, noise, images)]
        verdict = self._judge.learn([share.real for share in shares], [share.made for share in shares])
        losses: Dict[str, List[mx.nd.NDArray]] = {}
        for share in shares:
            share.losses["loss"] = self._judge.criticise(share.made, config.loss, config.adversarial_weight)
            share.backward(config)
            for name, array in share.losses.items():
                losses.setdefault(name, []).append(array.detach())
        for part, optimiser in self._optimisers.items():
            if part != "discriminator":
                optimiser.step(config.batch_size)
        if self.average:
            self.average.update(number)
        return AdversarialMeasurement(number, batch.keys, verdict, losses)

    def state(self):
        """What a checkpoint holds beside the parameters and their average: arrays by name, and JSON values."""
        arrays: Dict[str, mx.nd.NDArray] = {}
        for part, optimiser in self._optimisers.items():
            arrays.update(get_state(optimiser, self._names[part]))
        return arrays, {"discriminator_updates": self._judge.updates}

    def restore(self, arrays: Dict[str, mx.nd.NDArray], values: Dict[str, Any], *, update: int) -> None:
        """Put back what `state` gave, as after *update* updates; *values* may hold more.

        Raises:
            ModelError: the arrays belong to another network.
        """
        self._judge.updates = values["discriminator_updates"]
        for part, optimiser in self._optimisers.items():
            set_state(optimiser, self._names[part], arrays,
                      update=self._judge.updates if part == "discriminator" else update)


class Share:
    """A device's share of one batch, through encoder and generator.

    Attributes:
        real, made: (b, V, V, V) grids to be judged; *made* without the graph of its making.
        losses: (b,) each, by name.
    """

    def __init__(self, net, context: mx.Context, voxels: np.ndarray, latents: np.ndarray, noise: np.ndarray,
                 images: Optional[np.ndarray]):
        self.real = mx.nd.array(voxels, ctx=context, dtype=np.uint8).astype(np.float32)
        self.losses: Dict[str, mx.nd.NDArray] = {}
        prior = mx.nd.array(latents, ctx=context)
        self._encodes = images is not None
        # one array in two graphs breaks the second when the first has gone backward (MXNet 1.9.1)
        truth = self.real.detach()
        if self._encodes:
            images = to_unit(mx.nd.array(images, ctx=context, dtype=np.uint8))
            noise = mx.nd.array(noise, ctx=context)
        with autograd.record():
            if self._encodes:
                mean, log_variance = net.gaussian(images)
                seen = mean + mx.nd.exp(log_variance / 2) * noise
                # in one batch, so that both are normalised by what inference will use
                logits = net.generator(mx.nd.concat(prior, seen, dim=0))
                self._made, rebuilt = mx.nd.split(occupied_probability(mx.nd, logits), num_outputs=2, axis=0)
                self.losses["divergence"] = gaussian_divergence(mx.nd, mean, log_variance)
                self.losses["reconstruction"] = squared_error(mx.nd, rebuilt, truth)
            else:
                self._made = occupied_probability(mx.nd, net.generator(prior))
        self.made = self._made.detach()
        if self._encodes:
            rebuilt_logits = mx.nd.slice_axis(logits.detach(), axis=0, begin=len(prior), end=None)
            self._iou = batch_iou(rebuilt_logits, self.real)

    def backward(self, config: AdversarialConfig) -> None:
        """Leave the gradients of generator and encoder in their parameters, given what `made` was criticised for."""
        heads, gradients = [self._made], [self.made.grad]
        if self._encodes:
            for name, weight in (("divergence", config.divergence_weight),
                                 ("reconstruction", config.reconstruction_weight)):
                heads.append(self.losses[name])
                gradients.append(mx.nd.full(self.losses[name].shape, weight, ctx=self.real.context))
            self.losses["iou"] = self._iou
        autograd.backward(heads, gradients)
