"""Inference: the step graph as something to call, view after view, from a live network or from exported files."""
from __future__ import annotations

from pathlib import Path
from typing import Dict, Iterator, Optional, Sequence, Union

import mxnet as mx
from mxnet.gluon import SymbolBlock

from gluon_r2n2.network import R2N2
from gluon_r2n2.training.arrays import write_arrays

INPUTS = ("data0", "data1")  # image (B, 3, S, S), state (B, C, N, N, N)


def half_precision(arrays: Dict[str, mx.nd.NDArray]) -> Dict[str, mx.nd.NDArray]:
    """Weights as float16; biases and normalisation, which take no room and may be beyond its range, as they are."""
    return {name: array.astype("float16") if array.ndim > 1 else array for name, array in arrays.items()}


class StepEngine:
    """(image, state) -> (probabilities, next state) on one device.

    Args:
        outputs: symbols (probability of occupied (B, V, V, V), next state (B, C, N, N, N)) over INPUTS.
        state: shape (C, N, N, N) of one sample's state; the state before the first view is zeros.
        params: the parameters by the symbols' names, on *ctx*; None leaves them to be loaded.
    """

    def __init__(self, outputs: Sequence, *, state: Sequence[int], ctx: mx.Context, params=None):
        inputs = [mx.sym.var(name, dtype="float32") for name in INPUTS]
        self._symbol = mx.sym.Group(list(outputs))
        self._state, self._ctx = tuple(state), ctx
        self._step = SymbolBlock(list(outputs), inputs, params=params)
        # views before the last need no decoding, which is most of the work: the same parameters, one output less
        self._absorb = SymbolBlock(outputs[1], inputs, params=self._step.collect_params())

    @classmethod
    def from_network(cls, net: R2N2) -> StepEngine:
        """Trace *net*; the parameters are shared, not copied."""
        graph = net.step_graph()
        params = graph.collect_params()
        ctx = next(iter(params.values())).list_ctx()[0]
        outputs = graph(*[mx.sym.var(name, dtype="float32") for name in INPUTS])
        return cls(outputs, state=net.begin_state(1, ctx).shape[1:], ctx=ctx, params=params)

    @classmethod
    def from_files(cls, symbol: Union[str, Path], params: Union[str, Path], *, state: Sequence[int],
                   ctx: Optional[mx.Context] = None) -> StepEngine:
        """Load what `save` wrote, onto *ctx* (the CPU by default) whatever device it came from; float32 in any case."""
        ctx = ctx or mx.cpu()
        engine = cls(list(mx.sym.load(str(symbol))), state=state, ctx=ctx)
        engine._step.collect_params().load(str(params), ctx=ctx, cast_dtype=True, dtype_source="current")
        return engine

    def save(self, symbol: Union[str, Path], params: Union[str, Path], *, half: bool = False) -> None:
        """Write the graph as JSON and the parameters in MXNet's format, as `HybridBlock.export` names them.

        Args:
            half: write weights as float16; see `half_precision`.

        Raises:
            OSError: the disk is full or read-only.
        """
        Path(symbol).write_text(self._symbol.tojson(), encoding="utf-8")  # not .save, which passes over a full disk
        auxiliary = set(self._symbol.list_auxiliary_states())
        arrays = {("aux:" if name in auxiliary else "arg:") + name: parameter.data(self._ctx).as_in_context(mx.cpu())
                  for name, parameter in self._step.collect_params().items()}
        write_arrays(Path(params), half_precision(arrays) if half else arrays)

    def stream(self, images: mx.nd.NDArray) -> Iterator[mx.nd.NDArray]:
        """Images (T, B, 3, S, S) float32 in [0, 1] -> after each view, the probabilities (B, V, V, V)."""
        state = self._begin(images)
        for image in images:
            probabilities, state = self._step(image.as_in_context(self._ctx), state)
            yield probabilities

    def run(self, images: mx.nd.NDArray) -> mx.nd.NDArray:
        """Images (T, B, 3, S, S) float32 in [0, 1] -> the probabilities (B, V, V, V) after the last view."""
        state = self._begin(images)
        for image in images[:-1]:
            state = self._absorb(image.as_in_context(self._ctx), state)
        return self._step(images[-1].as_in_context(self._ctx), state)[0]

    def _begin(self, images) -> mx.nd.NDArray:
        return mx.nd.zeros((images.shape[1],) + self._state, ctx=self._ctx)
