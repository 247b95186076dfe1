"""Beside stages 4 to 7: a part of the network as MXNet's graph -> the bytes that one training pass through it takes.

Counted from the graph with its shapes, as MXNet's planner sees them: an array that a backward operator reads is kept
from the forward pass on; a gradient lives from the first operator that gives one to the operator that takes it.
Reshapes share the memory of their input. Weights and their gradients are not counted.
"""
from __future__ import annotations

import collections
import dataclasses
import json
import math
from typing import Any, Callable, Dict, List, Set, Tuple

import mxnet as mx

# What the gradient of an operator reads of its own inputs and outputs, as MXNet 1.9.1 lists them
# (Executor.debug_str); both, where an operator is not named here.
READS: Dict[str, Tuple[str, ...]] = {
    **dict.fromkeys(("Convolution", "Deconvolution", "FullyConnected", "BatchNorm", "elemwise_mul", "_mul",
                     "broadcast_mul"), ("inputs",)),
    **dict.fromkeys(("Activation", "sigmoid", "tanh", "relu"), ("outputs",)),
    **dict.fromkeys(("elemwise_add", "add_n", "elemwise_sub", "_plus", "_minus", "broadcast_add", "_rminus_scalar",
                     "_mul_scalar", "_plus_scalar", "SliceChannel", "Concat", "stack", "slice_axis", "tile",
                     "zeros_like", "Reshape", "Flatten", "reshape_like", "mean", "Cast"), ()),
}
VIEWS = ("Reshape", "Flatten", "reshape_like", "_copy", "identity", "BlockGrad")  # share the memory of their input
# their gradients are computed in place, or are the same array for both inputs
IN_PLACE = VIEWS + ("LeakyReLU", "Activation", "sigmoid", "tanh", "relu", "elemwise_add", "add_n", "_plus")
PRODUCTS = ("Convolution", "Deconvolution")  # oneDNN copies what they read and write into another layout


@dataclasses.dataclass(frozen=True)
class Activations:
    """Bytes of one pass through a part of a network, besides its parameters."""

    layers: Dict[str, int]  # kept by the forward pass for the backward pass, by layer, in the order of the layers
    passing: int  # of arrays that only the forward pass needs, at the moment when most of them are alive
    backward: int  # of gradients, at the moment when most of them are alive
    scratch: int  # of the copies of one operator, the largest such

    @property
    def kept(self) -> int:
        return sum(self.layers.values())


def activations(symbol: mx.sym.Symbol, layer_of: Callable[[str], str], *, itemsize: int = 4,
                fixed: Tuple[str, ...] = (), **inputs: Tuple[int, ...]) -> Activations:
    """Plan one training pass through *symbol*.

    Args:
        layer_of: the name of a node -> the name of its layer.
        itemsize: bytes per number.
        fixed: names of the inputs and parameters that need no gradient, as images. What depends on nothing else is
            run without keeping anything.
        inputs: shapes by name; those of parameters follow from them.
    """
    nodes = json.loads(symbol.tojson())["nodes"]
    sizes = {entry: itemsize * count for entry, count in _counts(symbol, nodes, inputs).items()}
    parameters = {place for place, node in enumerate(nodes) if node["op"] == "null" and node["name"] not in inputs}
    learns = [node["op"] == "null" and node["name"] not in fixed for node in nodes]
    for place, node in enumerate(nodes):
        learns[place] = learns[place] or any(learns[source] for source, *_ in node["inputs"])
    kept = _kept(nodes, parameters, learns)
    layers: Dict[str, int] = {}
    for entry in sorted(kept):
        node = nodes[entry[0]]
        # the input of the whole symbol is what another part gave
        if node["op"] != "null":
            name = layer_of(node["name"])
            layers[name] = layers.get(name, 0) + sizes[entry]
    scratch = max((sizes[place, 0] + sizes[tuple(node["inputs"][0][:2])] for place, node in enumerate(nodes)
                   if node["op"] in PRODUCTS), default=0)
    return Activations(layers, _most_passing(nodes, sizes, kept), _most_gradients(nodes, sizes, parameters, learns),
                       scratch)


def _counts(symbol, nodes: List[Dict[str, Any]], inputs) -> Dict[Tuple[int, int], int]:
    """The numbers in every array of the graph, by (place of its node, number of the output)."""
    internals = symbol.get_internals()
    shapes = iter(internals.infer_shape(**inputs)[1])
    counts = {}
    for place, node in enumerate(nodes):  # names are not unique, the order is
        for entry in _outputs(place, node):
            counts[entry] = math.prod(next(shapes))
    return counts


def _outputs(place: int, node) -> List[Tuple[int, int]]:
    return [(place, output) for output in range(int(node.get("attrs", {}).get("num_outputs", 1)))]


def _kept(nodes, parameters: Set[int], learns: List[bool]) -> Set[Tuple[int, int]]:
    """The arrays, parameters excepted, that backward operators read; a view is the array that it shows."""
    shown: Dict[Tuple[int, int], Tuple[int, int]] = {}
    kept = set()
    for place, node in enumerate(nodes):
        entries = [shown.get((source, output), (source, output)) for source, output, *_ in node["inputs"]]
        outputs = _outputs(place, node)
        if node["op"] in VIEWS:
            shown[outputs[0]] = entries[0]
        elif node["op"] != "null" and learns[place]:
            reads = READS.get(node["op"], ("inputs", "outputs"))
            kept.update(entries if "inputs" in reads else ())
            kept.update(outputs if "outputs" in reads else ())
    return {entry for entry in kept if entry[0] not in parameters}


def _most_passing(nodes, sizes: Dict[Tuple[int, int], int], kept: Set[Tuple[int, int]]) -> int:
    """Bytes of arrays that are not kept and alive at once, at most, while the operators are taken forwards."""
    left = collections.Counter(source for node in nodes for source, *_ in node["inputs"])  # reads to come
    passing: Dict[int, int] = {}  # place of a node -> its bytes
    most = 0
    for place, node in enumerate(nodes):
        if node["op"] != "null" and node["op"] not in VIEWS:
            passing[place] = sum(sizes[entry] for entry in _outputs(place, node) if entry not in kept)
        most = max(most, sum(passing.values()))
        for source, *_ in node["inputs"]:
            left[source] -= 1
            if not left[source]:
                passing.pop(source, None)
    return most


def _most_gradients(nodes, sizes: Dict[Tuple[int, int], int], parameters: Set[int], learns: List[bool]) -> int:
    """Bytes of gradients alive at once, at most, while the operators are taken backwards."""
    waiting: Dict[int, int] = {}  # place of a node -> bytes of gradients that wait for it
    alive = most = 0
    for place in reversed(range(len(nodes))):
        node = nodes[place]
        if node["op"] == "null" or not learns[place]:
            continue
        own = sum(sizes[entry] for entry in _outputs(place, node))
        given = waiting.pop(place, 0)
        alive += 0 if given else own  # of the head
        if given > own:  # from several operators: they are added up in a new array
            most = max(most, alive + own)
            alive -= given - own
        made = [(source, sizes[source, output]) for source, output, *_ in node["inputs"]
                if learns[source] and source not in parameters]
        in_place = node["op"] in IN_PLACE and made
        alive += sum(size for _, size in (made[1:] if in_place else made))
        most = max(most, alive)
        for source, size in made:
            waiting[source] = waiting.get(source, 0) + size
        alive -= 0 if in_place else own
    return most
