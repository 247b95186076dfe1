"""tools/eval.py --generative: the generator and the discriminator of a run, ready to be measured."""
from __future__ import annotations

from pathlib import Path
from typing import List, Optional

import numpy as np

from gluon_r2n2 import training
from gluon_r2n2.deployment import is_artefact
from gluon_r2n2.errors import ModelError
from gluon_r2n2.generative import GenerativeConfig, draw_latents
from gluon_r2n2_tools.eval_subjects import run_facts, run_label
from gluon_r2n2_tools.generating import grid_blocks


class Generator:
    """The network of a run of train_gan.py.

    Args:
        name: folder of the run (its best checkpoint is taken) or of one checkpoint.
        gpus: the number of one; None: the CPU.

    Raises:
        ModelError: no such run, a damaged one, or one of a recurrent network; no such GPU.
    """

    def __init__(self, name: str, gpus: Optional[str]):
        devices = training.contexts(gpus)
        if len(devices) > 1:
            raise ModelError(f"--gpus {gpus}: --generative computes on one GPU; name one")
        path = Path(name)
        if is_artefact(path):
            raise ModelError(f"{name}: is an exported model, and --generative measures the run that it was exported "
                             "from; give the run's folder or that of a checkpoint")
        self.net, info = training.load_network(path, devices[0])
        if not isinstance(self.net.config, GenerativeConfig):
            raise ModelError(f"{name}: is a recurrent network, and --generative measures the samples of a 3D-GAN or "
                             "3D-VAE-GAN; leave --generative out")
        self.resolution: int = self.net.config.resolution
        self.threshold: float = info["threshold"]
        self.classes: List[str] = sorted(info["classes"])  # that it was trained on
        self.facts, self.label = run_facts(info), run_label(info)
        self.where = training.describe(devices)

    def shapes(self, count: int, rng: np.random.Generator, threshold: float) -> np.ndarray:
        """Draw *count* latent vectors and make their grids, (count, V, V, V) bool.

        Raises:
            ModelError: the generator makes NaN.
        """
        latents = draw_latents(self.net.config, count, rng)
        return np.concatenate([grids >= np.float32(threshold)
                               for grids in grid_blocks(self.net, latents, self.facts["checkpoint"])])
