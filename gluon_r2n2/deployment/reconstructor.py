"""Inference for callers: pictures of one object, any size, with or without alpha -> voxel probabilities."""
from __future__ import annotations

from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Union

import mxnet as mx
import numpy as np

from gluon_r2n2.deployment.artefact import Artefact, is_artefact, load
from gluon_r2n2.deployment.engine import StepEngine
from gluon_r2n2.deployment.preprocess import PreparedView, network_input, prepare
from gluon_r2n2.deployment.pretrained import list_pretrained, pretrained_path
from gluon_r2n2.errors import ModelError
from gluon_r2n2.training import load_network
from gluon_r2n2.training.runs import CHECKPOINTS, CONFIG, STATE


class Reconstructor:
    """A trained network ready for pictures.

    Attributes:
        facts: preprocessing, default threshold, classes and provenance of the network.
    """

    def __init__(self, engine: StepEngine, facts: Artefact):
        self._engine, self.facts = engine, facts

    @classmethod
    def from_path(cls, path: Union[str, Path], ctx: Optional[mx.Context] = None) -> Reconstructor:
        """Load an exported model, a run, or one checkpoint of a run, onto *ctx* (the CPU by default).

        Args:
            path: the folder; or, where there is none of that name, one of `list_pretrained`.

        Raises:
            ModelError: none of these, damaged, or of another version.
        """
        if not Path(path).exists() and str(path) in list_pretrained():
            path = pretrained_path(str(path))
        if is_artefact(path):
            facts, engine = load(path, ctx)
            return cls(engine, facts)
        if not any((Path(path) / name).exists() for name in (CONFIG, CHECKPOINTS, STATE)):
            raise ModelError(f"{path}: holds no model; give the folder of an exported model (of tools/export.py), of a "
                             "run or of a checkpoint, or the name of a model that comes along: "
                             + ", ".join(list_pretrained()))
        net, info = load_network(path, ctx or mx.cpu())
        return cls(StepEngine.from_network(net), Artefact.of(net, info))

    def prepare(self, images: Sequence[np.ndarray], *, crop_to_object: bool = True) -> List[PreparedView]:
        """Bring pictures (H, W, 3 or 4) uint8 RGB(A) into the network's form; see `preprocess.prepare`."""
        return [prepare(image, self.facts.preprocessing, crop_to_object=crop_to_object) for image in images]

    def reconstruct(self, images: Sequence[Union[np.ndarray, PreparedView]]) -> np.ndarray:
        """Views of ONE object, in order -> the probability (V, V, V) float32 of each voxel to be occupied.

        Args:
            images: pictures (H, W, 3 or 4) uint8 of any size, or what `prepare` made of them.

        Raises:
            ModelError: no images, or not such arrays.
        """
        return self._engine.run(self._input(images)).asnumpy()[0]

    def stream(self, images: Sequence[Union[np.ndarray, PreparedView]]) -> Iterator[np.ndarray]:
        """As `reconstruct`, but yields the probabilities after each view; the last equals its result."""
        for probabilities in self._engine.stream(self._input(images)):
            yield probabilities.asnumpy()[0]

    def _input(self, images) -> mx.nd.NDArray:
        if not len(images):
            raise ModelError("a reconstruction wants at least one picture, got none")
        views = [image if isinstance(image, PreparedView) else self.prepare([image])[0] for image in images]
        return mx.nd.array(network_input([view.image for view in views]))
