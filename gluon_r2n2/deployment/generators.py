"""An exported generator: the folder of a 3D-GAN, or a part of a 3D-VAE-GAN's: latent vectors -> grids, no pictures.

    r2n2-generator-symbol.json   latent vectors (B, L) -> probability of occupied (B, V, V, V)
    r2n2-0000.params             its weights; of a 3D-VAE-GAN those of the step graph, too
    r2n2.json                    format version, model, prior and length of the latent vectors, frame, threshold,
                                 classes, provenance, SHA-256 sums
    r2n2-generator.onnx, r2n2.onnx.data   the same as ONNX, where it was asked for
"""
from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Dict, Optional, Union

import mxnet as mx
import numpy as np
from mxnet.gluon import SymbolBlock

from gluon_r2n2.deployment.artefact import (
    FRAME,
    GENERATOR,
    GENERATOR_FORMAT,
    PARAMETERS,
    VERSION,
    provenance_of,
    refusing,
    sealed,
    verified,
)
from gluon_r2n2.deployment.graphs import LATENTS
from gluon_r2n2.errors import ModelError
from gluon_r2n2.generative import GAN, GenerativeConfig, draw_latents, in_batches


def description(config: GenerativeConfig) -> Dict[str, Any]:
    """What r2n2.json says about the graph."""
    return {"symbol": GENERATOR, "inputs": [LATENTS], "outputs": ["probability of occupied (B, V, V, V)"],
            "latent": config.latent, "prior": config.prior}


@dataclasses.dataclass(frozen=True)
class GeneratorArtefact:
    """What r2n2.json says about an exported generator."""

    model: Dict[str, Any]  # GenerativeConfig as a dict: length and prior of the latent vectors, edge of the grids
    threshold: float  # probability from which on a voxel counts as occupied
    classes: Dict[str, str]  # names by synset id of the training data
    provenance: Dict[str, Any]  # run, step, data, versions: where the weights come from

    @classmethod
    def of(cls, net: GAN, info: Dict[str, Any]) -> GeneratorArtefact:
        """The facts about a network and what `gluon_r2n2.training.load_network` knows of it."""
        return cls(net.config.as_dict(), info["threshold"], info["classes"], provenance_of(info))

    def as_json(self, files: Dict[str, str], **further: Any) -> Dict[str, Any]:
        """The content of a 3D-GAN's r2n2.json: the SHA-256 sums of the other *files*, and of optional ones."""
        return sealed({
            "format": GENERATOR_FORMAT, "format_version": VERSION, "model": self.model,
            "generator": description(GenerativeConfig.from_dict(self.model)),
            **further,
            "voxels": {"resolution": self.model["resolution"], "frame": FRAME},
            "threshold": self.threshold, "classes": self.classes, "provenance": self.provenance, "files": files,
        })


class ShapeGenerator:
    """A trained generator ready for latent vectors; threads must take turns at it.

    Attributes:
        facts: a `GeneratorArtefact`.
    """

    def __init__(self, facts: GeneratorArtefact, graph: SymbolBlock, ctx: mx.Context):
        self.facts, self._graph, self._ctx = facts, graph, ctx
        self._config = GenerativeConfig.from_dict(facts.model)

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Latent vectors (count, L) float32 from the network's prior."""
        return draw_latents(self._config, count, rng)

    def generate(self, latents: np.ndarray) -> np.ndarray:
        """Latent vectors (n, L) -> the probability of occupied (n, V, V, V) float32, to the bit the network's.

        Raises:
            ModelError: *latents* are none, or have another length.
        """
        return in_batches(self._graph, latents, self._config, ctx=self._ctx)


def open_generator(path: Union[str, Path], ctx: Optional[mx.Context] = None) -> ShapeGenerator:
    """Read an exported 3D-GAN or 3D-VAE-GAN, to sample from it; nothing is run before its checksums are right.

    Args:
        ctx: the device, the CPU by default.

    Raises:
        ModelError: a file is missing or damaged, the format is another, or the model has no generator.
    """
    path, ctx = Path(path), ctx or mx.cpu()
    facts = verified(path)
    if "generator" not in facts:
        raise ModelError(f"{path}: is a network that reconstructs and has no generator to sample from; give an "
                         "exported 3D-GAN or 3D-VAE-GAN (tools/export.py)")
    with refusing(path):
        graph = SymbolBlock(mx.sym.load(str(path / GENERATOR)), [mx.sym.var(LATENTS, dtype="float32")])
        # of a 3D-VAE-GAN the file holds the image encoder, too; half the size is computed in float32 all the same
        graph.collect_params().load(str(path / PARAMETERS), ctx=ctx, ignore_extra=True, cast_dtype=True,
                                    dtype_source="current")
        known = GeneratorArtefact(facts["model"], float(facts["threshold"]), facts["classes"], facts["provenance"])
        return ShapeGenerator(known, graph, ctx)
