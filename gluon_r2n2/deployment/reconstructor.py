"""Inference for callers: pictures of one object, any size, with or without alpha -> voxel probabilities."""
from __future__ import annotations

import threading
from pathlib import Path
from typing import Iterator, List, Optional, Sequence, Union

import mxnet as mx
import numpy as np

from gluon_r2n2.deployment.opening import open_model
from gluon_r2n2.deployment.preprocess import PreparedView, network_input, prepare
from gluon_r2n2.deployment.segmentation import Segmentation
from gluon_r2n2.errors import ModelError

View = Union[np.ndarray, PreparedView]  # a picture (H, W, 3 or 4) uint8 of any size, or what `prepare` made of it


class Reconstructor:
    """A trained network ready for pictures.

    Threads may share one; they take turns at the engine. A process that is forked afterwards needs one of its own, as
    an engine's threads do not come along (onnxruntime hangs): start processes by 'spawn'.

    Args:
        path: the folder of an exported model, of a run or of one checkpoint of a run; or, where there is none of that
            name, one of `list_pretrained`.
        engine: one of `available_engines()`; None takes the best one that can run this model.
        precision: 'float32', or 'bfloat16' where the engine has it.
        threads: of the processor to use; None: one per core. MXNet has its own from OMP_NUM_THREADS.
        ctx: the device, the CPU by default; a GPU is for MXNet.

    Attributes:
        facts: preprocessing, default threshold, classes and provenance of the network.
        engine, precision: what it runs with.

    Raises:
        ModelError: no model, a damaged one or one of another version; an engine that is unknown, not installed or
            cannot do what is asked.
    """

    def __init__(self, path: Union[str, Path], *, engine: Optional[str] = None, precision: str = "float32",
                 threads: Optional[int] = None, ctx: Optional[mx.Context] = None):
        self.facts, self._engine = open_model(path, engine=engine, precision=precision, threads=threads, ctx=ctx)
        self.engine, self.precision = self._engine.name, self._engine.precision
        self._turn = threading.Lock()  # MXNet rearranges weights while it runs, OpenVINO refuses a second call

    def prepare(self, images: Sequence[np.ndarray], *, crop_to_object: bool = True, foreground: str = "auto",
                segmentation: Optional[Segmentation] = None) -> List[PreparedView]:
        """Bring pictures (H, W, 3 or 4) uint8 RGB(A) into the network's form; see `preprocess.prepare`."""
        return [prepare(image, self.facts.preprocessing, crop_to_object=crop_to_object, foreground=foreground,
                        segmentation=segmentation) for image in images]

    def reconstruct(self, views: Sequence[View]) -> np.ndarray:
        """Views of ONE object, in order -> the probability (V, V, V) float32 of each voxel to be occupied.

        Raises:
            ModelError: no views, or not such arrays.
        """
        views = self._input(views)
        with self._turn:
            return self._engine.run(views)

    def stream(self, views: Sequence[View]) -> Iterator[np.ndarray]:
        """As `reconstruct`, but yields the probabilities after each view, each computed when it is asked for."""
        return self._taking_turns(self._engine.stream(self._input(views)))

    def reconstruct_many(self, objects: Sequence[Sequence[View]]) -> List[np.ndarray]:
        """As `reconstruct` for several objects at once, each with as many views as it has."""
        if not len(objects):
            return []
        views = [self._input(views) for views in objects]
        with self._turn:
            return list(self._engine.run_many(views))

    def _taking_turns(self, grids: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        while True:
            with self._turn:  # not while the caller looks at a grid
                grid = next(grids, None)
            if grid is None:
                return
            yield grid

    def _input(self, views: Sequence[View]) -> np.ndarray:
        if not len(views):
            raise ModelError("a reconstruction wants at least one picture, got none")
        views = [view if isinstance(view, PreparedView) else self.prepare([view])[0] for view in views]
        return network_input([view.image for view in views])[:, 0]  # (T, 3, S, S)
