"""Latent vectors -> probabilities, for the tools: a block at a time, so that progress shows and Ctrl-C is heard."""
from __future__ import annotations

from typing import Iterator

import numpy as np
from tqdm import tqdm

from gluon_r2n2.errors import ModelError
from gluon_r2n2.generative import BATCH, generate


def grid_blocks(net, latents: np.ndarray, checkpoint: str) -> Iterator[np.ndarray]:
    """Latent vectors (n, L) -> probabilities (at most BATCH, V, V, V) float32 at a time, in their order.

    Args:
        net: a 3D-GAN or 3D-VAE-GAN.
        checkpoint: that it is from, for the message.

    Raises:
        ModelError: the generator makes NaN.
    """
    for start in tqdm(range(0, len(latents), BATCH), desc="generating", unit="batch", disable=None, leave=False):
        grids = generate(net, latents[start:start + BATCH])
        if not np.isfinite(grids).all():
            raise ModelError(f"{checkpoint}: the generator makes NaN or infinite values, its training has diverged; "
                             "take an earlier checkpoint")
        yield grids
