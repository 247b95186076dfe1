"""Beside stages 4 to 6: what a network costs, its parameters and floating-point operations, counted from its graph.

A multiply-add counts as two operations. Convolutions, transposed convolutions and products of matrices are counted;
activations, additions, biases, pooling and normalisation are not, being small beside them. Kernels at the border
count as if they lay inside. A transposed convolution multiplies its input values only, so the zeros of the unpooling
do not count; and the last layer counts its two filters, not the block of 16 that `gluon_r2n2.decoder.Logits` computes.
"""
from __future__ import annotations

import dataclasses
import json
import math
from typing import Any, Dict, Iterator, NamedTuple, Tuple

import mxnet as mx

from gluon_r2n2.generative import GAN
from gluon_r2n2.model_zoo import Network

# operator -> which array's voxels (or pixels) each element of the weight is multiplied with
VOXELS_OF = {"Convolution": "output", "Deconvolution": "input", "FullyConnected": "output", "dot": "output"}
FLAT = ("FullyConnected", "dot")  # between arrays (B, C)


@dataclasses.dataclass(frozen=True)
class Complexity:
    """Parameters, and the floating-point operations of a forward pass through each part; 0 of one that is not there."""

    parameters: int  # numbers that training may change; the running statistics of batch normalisation are none
    encoder: int  # operations per view: image -> code
    recurrence: int  # operations per view: code and state -> state
    decoder: int  # operations per sample: state, or latent vector -> logits
    discriminator: int = 0  # operations per grid that is judged, in training alone

    @property
    def per_view(self) -> int:
        """Operations of one more view."""
        return self.encoder + self.recurrence

    def forward(self, views: int) -> int:
        """Operations of one sample with *views* views that is decoded once."""
        return views * self.per_view + self.decoder


def complexity_of(net: Network) -> Complexity:
    """Count the parameters and operations of *net*, initialised or not."""
    config = net.config
    learning = [parameter for parameter in net.collect_params().values() if parameter.grad_req != "null"]
    parameters = sum(math.prod(parameter.shape) for parameter in learning)
    judging = getattr(net, "discriminator", None)
    discriminator = operations(judging(mx.sym.var("grids")), grids=(1,) + 3 * (config.resolution,)) if judging else 0
    if isinstance(net, GAN):
        decoder = operations(net.generator(mx.sym.var("latents")), latents=(1, net.config.latent))
        return Complexity(parameters, 0, 0, decoder, discriminator)
    image, state = (1, 3, config.input_size, config.input_size), (1,) + net.state_shape
    recurrence = net.cell(net.projection(mx.sym.var("code")), mx.sym.var("state"))
    return Complexity(
        parameters,
        encoder=operations(net.encoder(mx.sym.var("image")), image=image),
        recurrence=operations(recurrence, code=(1, net.encoder.channels), state=state),
        decoder=operations(net.decoder(net.cell.hidden(mx.sym, mx.sym.var("state"))), state=state),
        discriminator=discriminator,
    )


class Layer(NamedTuple):
    """One convolution, transposed convolution or dense layer of a graph."""

    weight: str  # the name of its weight
    operator: str  # a key of VOXELS_OF
    channels: Tuple[int, int]  # in and out, as they are computed: copies of filters count
    edges: Tuple[int, int]  # of a picture or grid, before and after; 1 of a dense layer
    kernel: int  # its edge; 1 of a dense layer
    operations: int  # floating-point operations for one sample, copies of filters not counted


def layers(symbol: mx.sym.Symbol, **inputs: Tuple[int, ...]) -> Iterator[Layer]:
    """The layers of *symbol* that multiply, in order, on inputs of these shapes, by name, of one sample each."""
    internals = symbol.get_internals()
    _, outputs, _ = internals.infer_shape(**inputs)
    shapes = dict(zip(internals.list_outputs(), outputs))
    nodes = json.loads(symbol.tojson())["nodes"]
    for node in nodes:
        if node["op"] not in VOXELS_OF:
            continue
        data, weight = (nodes[entry[0]] for entry in node["inputs"][:2])
        while weight["op"] != "null":  # a repeated weight counts once: go back to the parameter
            weight = nodes[weight["inputs"][0][0]]
        before, after = shapes[_output(data)], shapes[_output(node)]  # (1, C, ...)
        grid, shape = after if VOXELS_OF[node["op"]] == "output" else before, shapes[weight["name"]]
        work = 2 * math.prod(shape) * math.prod(grid[2:])
        if node["op"] in FLAT:
            yield Layer(weight["name"], node["op"], (math.prod(before[1:]), math.prod(after[1:])), (1, 1), 1, work)
        else:
            yield Layer(weight["name"], node["op"], (before[1], after[1]), (before[-1], after[-1]), shape[-1], work)


def operations(symbol: mx.sym.Symbol, **inputs: Tuple[int, ...]) -> int:
    """The floating-point operations of one run of *symbol* on inputs of these shapes, by name, of one sample each."""
    return sum(layer.operations for layer in layers(symbol, **inputs))


def _output(node: Dict[str, Any]) -> str:
    """The name of a node's only output."""
    return node["name"] if node["op"] == "null" else node["name"] + "_output"
