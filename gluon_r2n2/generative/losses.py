"""The generative branch's losses: discriminator logits, Gaussians and grids -> one number per sample.

In the terms of the paper: D = sigmoid(logit). Everything is computed from logits, so that no logarithm meets a 0:
-log D = softplus(-logit), -log(1 - D) = softplus(logit).

F is mx.nd or mx.sym throughout. Source: Wu et al., NIPS 2016, equations 1 to 4; Goodfellow et al., NIPS 2014.
"""
from __future__ import annotations


def softplus(F, x):
    """log(1 + e^x), without overflow; within 4e-6 in float32 on the CPU, its slope within rounding."""
    return F.Activation(x, act_type="softrelu")


def discriminator_loss(F, real, fake):
    """-log D(x) - log(1 - D(G(z))), what the discriminator minimises: logits (B,) each -> (B,)."""
    return softplus(F, -real) + softplus(F, fake)


def saturating_loss(F, fake):
    """log(1 - D(G(z))), the generator's in the game's first form: logits (B,) -> (B,); flat where D is sure."""
    return -softplus(F, fake)


def non_saturating_loss(F, fake):
    """-log D(G(z)), what the generator minimises in training: logits (B,) -> (B,); steep where D is sure."""
    return softplus(F, -fake)


def gaussian_divergence(F, mean, log_variance):
    """KL(N(mean, exp(log_variance)) || N(0, I)) in nats: (B, L) each -> (B,).

    1/2 sum(mean^2 + variance - 1 - log variance), the closed form (Kingma and Welling, ICLR 2014, appendix B).
    """
    terms = F.square(mean) + F.expm1(log_variance) - log_variance
    return 0.5 * F.sum(terms, axis=1)


def squared_error(F, occupied, voxels):
    """||G(E(y)) - x||^2, summed over the voxels: (B, V, V, V) each -> (B,)."""
    return F.sum(F.square(occupied - voxels), axis=0, exclude=True)
