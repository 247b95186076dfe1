"""Inference with MXNet: the step graph of a live network or of exported files, exact to the bit, on CPU or GPU."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, Mapping, Optional, Sequence, Union

import mxnet as mx
import numpy as np
from mxnet.gluon import SymbolBlock

from gluon_r2n2.deployment.engines.base import Engine
from gluon_r2n2.network import ViewNetwork
from gluon_r2n2.training.arrays import write_arrays

INPUTS = ("data0", "data1")  # image (B, 3, S, S), state (B, C, N, N, N)


def half_precision(arrays: Dict[str, mx.nd.NDArray]) -> Dict[str, mx.nd.NDArray]:
    """Weights as float16; biases and normalisation, which take no room and may be beyond its range, as they are."""
    return {name: array.astype("float16") if array.ndim > 1 else array for name, array in arrays.items()}


def save_graph(outputs: mx.sym.Symbol, parameters: Mapping[str, mx.gluon.Parameter], symbol: Union[str, Path],
               params: Union[str, Path], *, ctx: mx.Context, half: bool = False) -> None:
    """Write a graph as JSON and its parameters in MXNet's format, as `HybridBlock.export` names them.

    Args:
        parameters: of the graph, by the names that it has for them, on *ctx*.
        half: write weights as float16; see `half_precision`.

    Raises:
        OSError: the disk is full or read-only.
    """
    Path(symbol).write_text(outputs.tojson(), encoding="utf-8")  # not .save, which passes over a full disk
    auxiliary = set(outputs.list_auxiliary_states())
    arrays = {("aux:" if name in auxiliary else "arg:") + name: parameter.data(ctx).as_in_context(mx.cpu())
              for name, parameter in parameters.items()}
    write_arrays(Path(params), half_precision(arrays) if half else arrays)


class StepEngine(Engine):
    """(image, state) -> (probabilities, next state) on one device; the code of a view is the view itself.

    One object of this class must never be used by two threads at once: while MXNet's Deconvolution runs on the CPU, it
    has the axes of its weight swapped in place.

    Args:
        outputs: symbols (probability of occupied (B, V, V, V), next state (B, C, N, N, N)) over INPUTS.
        state: shape (C, N, N, N) of one sample's state; the state before the first view is zeros.
        params: the parameters by the symbols' names, on *ctx*; None leaves them to be loaded.
    """

    name = "mxnet"

    def __init__(self, outputs: Sequence, *, state: Sequence[int], ctx: mx.Context, params=None):
        inputs = [mx.sym.var(name, dtype="float32") for name in INPUTS]
        self._symbol = mx.sym.Group(list(outputs))
        self.state, self._ctx = tuple(state), ctx
        self._step = SymbolBlock(list(outputs), inputs, params=params)
        # views before the last need no decoding, which is most of the work: the same parameters, parts of the graph
        params = self._step.collect_params()
        self._absorb = SymbolBlock(outputs[1], inputs, params=params)
        self._decode = SymbolBlock(_after_state(self._symbol), inputs[1:], params=params)

    @classmethod
    def from_network(cls, net: ViewNetwork) -> StepEngine:
        """Trace *net*; the parameters are shared, not copied."""
        graph = net.step_graph()
        params = graph.collect_params()
        ctx = next(iter(params.values())).list_ctx()[0]
        outputs = graph(*[mx.sym.var(name, dtype="float32") for name in INPUTS])
        return cls(outputs, state=net.state_shape, ctx=ctx, params=params)

    @classmethod
    def from_files(cls, symbol: Union[str, Path], params: Union[str, Path], *, state: Sequence[int],
                   ctx: Optional[mx.Context] = None) -> StepEngine:
        """Load what `save` wrote, onto *ctx* (the CPU by default) whatever device it came from; float32 in any case."""
        ctx = ctx or mx.cpu()
        engine = cls(list(mx.sym.load(str(symbol))), state=state, ctx=ctx)
        engine._step.collect_params().load(str(params), ctx=ctx, cast_dtype=True, dtype_source="current")
        return engine

    def save(self, symbol: Union[str, Path], params: Union[str, Path], *, half: bool = False) -> None:
        """Write the graph and its parameters; see `save_graph`.

        Args:
            half: write weights as float16; see `half_precision`.

        Raises:
            OSError: the disk is full or read-only.
        """
        save_graph(self._symbol, self._step.collect_params(), symbol, params, ctx=self._ctx, half=half)

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Nothing: the graph takes images."""
        return images

    def absorb(self, codes: np.ndarray, state: np.ndarray) -> np.ndarray:
        """See `Engine.absorb`."""
        return self._absorb(self._array(codes), self._array(state)).asnumpy()

    def decode(self, state: np.ndarray) -> np.ndarray:
        """See `Engine.decode`."""
        return self._decode(self._array(state)).asnumpy()

    def _array(self, values: np.ndarray) -> mx.nd.NDArray:
        return mx.nd.array(values, ctx=self._ctx)


def _after_state(symbol):
    """The step graph from the next state on, which takes the place of the input of that name: -> probabilities."""
    graph = json.loads(symbol.tojson())
    probabilities, (node, *_) = graph["heads"]
    graph["nodes"][node] = {"op": "null", "name": INPUTS[1], "inputs": []}
    return mx.sym.load_json(json.dumps({**graph, "heads": [probabilities]}))
