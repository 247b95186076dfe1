"""Inference, what all engines share: three parts of a network, on NumPy arrays -> a stream, an object, many."""
from __future__ import annotations

from typing import Callable, Iterator, List, Sequence, Tuple

import numpy as np

AT_ONCE = 8  # images or objects: what stands between the layers then takes no more memory than for so many


class Engine:
    """A trained network on one device, as three parts; what a code is, is the engine's own matter.

    Attributes:
        name: of the engine, as `Reconstructor` takes it.
        precision: that products are computed in, 'float32' or 'bfloat16'.
        state: shape (C, N, N, N) of one object's state; it starts as zeros.
    """

    name: str
    precision: str = "float32"
    state: Tuple[int, ...]

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Images (M, 3, S, S) float32 in [0, 1], of any objects -> one code each, (M, ...)."""
        raise NotImplementedError

    def absorb(self, codes: np.ndarray, state: np.ndarray) -> np.ndarray:
        """One view of each of B objects: codes (B, ...), state (B, C, N, N, N) -> the next state."""
        raise NotImplementedError

    def decode(self, state: np.ndarray) -> np.ndarray:
        """States (B, C, N, N, N) -> the probability of each voxel to be occupied, (B, V, V, V) float32."""
        raise NotImplementedError

    def begin_state(self, objects: int) -> np.ndarray:
        """The state before the first view, (B, C, N, N, N)."""
        return np.zeros((objects,) + tuple(self.state), np.float32)

    def stream(self, views: np.ndarray) -> Iterator[np.ndarray]:
        """Views (T, 3, S, S) of one object -> (V, V, V) after each, computed when it is asked for."""
        state = self.begin_state(1)
        for view in views:
            state = self.absorb(self.encode(view[None]), state)
            yield self.decode(state)[0]

    def run(self, views: np.ndarray) -> np.ndarray:
        """Views (T, 3, S, S) of one object -> (V, V, V) after the last."""
        return self.run_many([views])[0]

    def prefixes(self, images: np.ndarray, counts: Sequence[int]) -> List[np.ndarray]:
        """Images (T, B, 3, S, S) of B objects -> (B, V, V, V) after each of *counts* views, ascending, at most T."""
        views, objects = images.shape[:2]
        codes = _by_parts(self.encode, images.reshape((views * objects,) + images.shape[2:]))
        state, grids = self.begin_state(objects), []
        for view in range(counts[-1]):
            state = _by_parts(self.absorb, codes[view * objects:(view + 1) * objects], state)
            if view + 1 in counts:
                grids.append(_by_parts(self.decode, state))
        return grids

    def run_many(self, objects: Sequence[np.ndarray]) -> np.ndarray:
        """Objects of (T_i, 3, S, S) each, T_i >= 1 and unlike -> (len(objects), V, V, V), each after its last view.

        All views are encoded together; then the objects go on view by view, those that have no more stay behind.
        """
        order = sorted(range(len(objects)), key=lambda index: -len(objects[index]))  # most views first
        lengths = np.array([len(objects[index]) for index in order])
        codes = _by_parts(self.encode, np.concatenate([objects[index] for index in order]))
        first = np.cumsum(lengths) - lengths  # of each object, in `codes`
        state = self.begin_state(len(order))
        for view in range(lengths[0]):
            left = int((lengths > view).sum())  # objects that have this view: the first ones
            state[:left] = _by_parts(self.absorb, codes[first[:left] + view], state[:left])
        grids = _by_parts(self.decode, state)
        result = np.empty_like(grids)
        result[order] = grids
        return result


class GraphsEngine(Engine):
    """An engine that runs the ONNX graphs of the parts; a code is the gate inputs (gates * C, N, N, N) of a view."""

    def encode(self, images: np.ndarray) -> np.ndarray:
        """See `Engine.encode`."""
        return self.call("encode", image=images)

    def absorb(self, codes: np.ndarray, state: np.ndarray) -> np.ndarray:
        """See `Engine.absorb`."""
        return self.call("absorb", code=codes, state=state)

    def decode(self, state: np.ndarray) -> np.ndarray:
        """See `Engine.decode`."""
        return self.call("decode", state=state)

    def call(self, part: str, **inputs: np.ndarray) -> np.ndarray:
        """The one output of the graph of *part*, an array that later calls leave alone; inputs by the graph's names."""
        raise NotImplementedError


def _by_parts(function: Callable[..., np.ndarray], *arrays: np.ndarray) -> np.ndarray:
    """Call *function* on AT_ONCE entries of all *arrays* at a time."""
    return np.concatenate([function(*(array[start:start + AT_ONCE] for array in arrays))
                           for start in range(0, len(arrays[0]), AT_ONCE)])
