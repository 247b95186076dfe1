"""Export, first step: a network -> symbols, of a whole sequence and of the parts that inference runs one by one.

The step graph itself is the network's own (`ViewNetwork.step_graph`). All graphs take the parameters by the same names.
"""
from __future__ import annotations

import dataclasses
from typing import Dict, Tuple, Union

import mxnet as mx

from gluon_r2n2.generative import GAN, VAEGAN
from gluon_r2n2.network import ViewNetwork, occupied_probability

SEQUENCE_INPUT, LATENTS = "images", "latents"


@dataclasses.dataclass(frozen=True)
class Graph:
    """A symbol with names that users see.

    Shapes are those of one object; where a shape has 0, any number of objects goes.
    """

    outputs: Tuple[mx.sym.Symbol, ...]
    names: Tuple[str, ...]  # of the outputs
    inputs: Dict[str, Tuple[int, ...]]  # name -> shape


def sequence_symbol(net: ViewNetwork, views: int, *, together: bool = False) -> mx.sym.Symbol:
    """Images (T, B, 3, S, S) -> the probability of occupied (B, V, V, V) after the last view, for one T = *views*.

    Args:
        together: encode all views in one batch. It is faster, and another order of summation than the network's, which
            takes them one by one outside of training: equal but for the last bits.
    """
    images, side = mx.sym.var(SEQUENCE_INPUT, dtype="float32"), net.config.input_size
    if together:
        codes = _parts(_code(net, mx.sym.reshape(images, shape=(-1, 3, side, side))), views)  # (T * B, 3, S, S)
    else:
        codes = [_code(net, image) for image in _parts(images, views, squeeze_axis=True)]
    channels = net.state_shape[0]
    state = mx.sym.zeros_like(mx.sym.slice_axis(codes[0], axis=1, begin=0, end=channels))  # as many objects as come
    for code in codes:
        state = net.cell(code, state)
    return _probabilities(net, state)


def step(net: ViewNetwork) -> Graph:
    """(image, state) -> (probabilities, next state)."""
    shapes = _shapes(net)
    inputs = {name: shapes[name] for name in ("image", "state")}
    return Graph(tuple(net.step_graph()(*_variables(inputs))), ("probabilities", "next_state"), inputs)


def sequence(net: ViewNetwork, views: int) -> Graph:
    """Images (T, B, 3, S, S) of T = *views* -> probabilities; all views are encoded in one batch."""
    side = net.config.input_size
    return Graph((sequence_symbol(net, views, together=True),), ("probabilities",),
                 {SEQUENCE_INPUT: (views, 0, 3, side, side)})


def parts(net: ViewNetwork) -> Dict[str, Graph]:
    """What the engines run: encode (image -> code), absorb (code, state -> next state), decode (-> probabilities)."""
    shapes = _shapes(net)
    image, code, state = _variables(shapes)
    return {
        "encode": Graph((_code(net, image),), ("code",), {"image": shapes["image"]}),
        "absorb": Graph((net.cell(code, state),), ("next_state",), {name: shapes[name] for name in ("code", "state")}),
        "decode": Graph((_probabilities(net, state),), ("probabilities",), {"state": shapes["state"]}),
    }


def generator(net: Union[GAN, VAEGAN]) -> Graph:
    """Latent vectors (B, L) -> probabilities."""
    shapes: Dict[str, Tuple[int, ...]] = {LATENTS: (0, net.config.latent)}
    return Graph((occupied_probability(mx.sym, net.generator(*_variables(shapes))),), ("probabilities",), shapes)


def _shapes(net: ViewNetwork) -> Dict[str, Tuple[int, ...]]:
    side = net.config.input_size
    return {"image": (0, 3, side, side), "code": (0, *net.code_shape), "state": (0, *net.state_shape)}


def _variables(shapes: Dict[str, Tuple[int, ...]]) -> Tuple[mx.sym.Symbol, ...]:
    return tuple(mx.sym.var(name, dtype="float32") for name in shapes)


def _code(net: ViewNetwork, image: mx.sym.Symbol) -> mx.sym.Symbol:
    """What the cell takes of one view each: for a `R2N2` its gate inputs (B, gates * C, N, N, N)."""
    return net.projection(net.encoder(image))


def _probabilities(net: ViewNetwork, state: mx.sym.Symbol) -> mx.sym.Symbol:
    return occupied_probability(mx.sym, net.decoder(net.cell.hidden(mx.sym, state)))


def _parts(symbol: mx.sym.Symbol, views: int, squeeze_axis: bool = False) -> list:
    """The entries of the first axis, T * B or T, view by view."""
    return list(mx.sym.split(symbol, num_outputs=views, axis=0, squeeze_axis=squeeze_axis))
