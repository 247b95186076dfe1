"""The generative branch: 3D-GAN, which makes shapes out of noise, and 3D-VAE-GAN, which makes them out of pictures."""
from gluon_r2n2.generative.config import PRIORS, GenerativeConfig
from gluon_r2n2.generative.latents import PATHS, draw_latents, interpolate, path_of
from gluon_r2n2.generative.losses import (
    discriminator_loss,
    gaussian_divergence,
    non_saturating_loss,
    saturating_loss,
    squared_error,
)
from gluon_r2n2.generative.models import BATCH, GAN, VAEGAN, generate, in_batches
from gluon_r2n2.generative.networks import Discriminator, Generator, ImageEncoder

__all__ = ["BATCH", "GAN", "PATHS", "PRIORS", "VAEGAN", "Discriminator", "GenerativeConfig", "Generator",
           "ImageEncoder", "discriminator_loss", "draw_latents", "gaussian_divergence", "generate", "in_batches",
           "interpolate", "non_saturating_loss", "path_of", "saturating_loss", "squared_error"]
