"""The original's networks in NumPy, forward and backward in float64, in the original's own array layouts.

Written from the definitions (true convolutions over (B, D, C, H, W), zero-stuffing, max-pooling, GRU and LSTM), with a
minimal reverse-mode differentiation, and sharing nothing with the package: what tests/test_parity.py compares with
where no outputs of the original are at hand.
"""
from __future__ import annotations

import itertools
from typing import Callable, Dict, List, Sequence, Tuple

import numpy as np

ENCODER_SKIPS = ("", "c", "c", "", "c", "identity")  # of the residual encoder's blocks 1 to 6


class Node:
    """An array that remembers what it was made from."""

    def __init__(self, value: np.ndarray, parents: Sequence[Tuple[Node, Callable]] = ()):
        self.value, self.parents = np.asarray(value, np.float64), parents
        self.grad = 0.0

    def backward(self) -> None:
        """Fill `grad` of everything that this scalar was made from."""
        order, seen = [], set()

        def visit(node):
            if id(node) not in seen:
                seen.add(id(node))
                for parent, _ in node.parents:
                    visit(parent)
                order.append(node)

        visit(self)
        self.grad = np.ones(())
        for node in reversed(order):
            for parent, pull in node.parents:
                parent.grad = parent.grad + pull(node.grad)


def add(a: Node, b: Node) -> Node:
    return Node(a.value + b.value, [(a, lambda g: g), (b, lambda g: g)])


def multiply(a: Node, b: Node) -> Node:
    return Node(a.value * b.value, [(a, lambda g: g * b.value), (b, lambda g: g * a.value)])


def complement(a: Node) -> Node:
    return Node(1 - a.value, [(a, lambda g: -g)])


def sigmoid(a: Node) -> Node:
    y = 1 / (1 + np.exp(-a.value))
    return Node(y, [(a, lambda g: g * y * (1 - y))])


def tanh(a: Node) -> Node:
    y = np.tanh(a.value)
    return Node(y, [(a, lambda g: g * (1 - y * y))])


def leaky(a: Node, slope: float = 0.01) -> Node:
    factor = np.where(a.value > 0, 1.0, slope)
    return Node(a.value * factor, [(a, lambda g: g * factor)])


def reshape(a: Node, shape) -> Node:
    return Node(a.value.reshape(shape), [(a, lambda g: g.reshape(a.value.shape))])


def transpose(a: Node, axes) -> Node:
    return Node(a.value.transpose(axes), [(a, lambda g: g.transpose(np.argsort(axes)))])


def matrix_product(x: Node, w: Node) -> Node:
    return Node(x.value @ w.value, [(x, lambda g: g @ w.value.T), (w, lambda g: x.value.T @ g)])


def add_bias(x: Node, b: Node, axis: int) -> Node:
    others = tuple(i for i in range(x.value.ndim) if i != axis)
    shape = [-1 if i == axis else 1 for i in range(x.value.ndim)]
    return Node(x.value + b.value.reshape(shape), [(x, lambda g: g), (b, lambda g: g.sum(axis=others))])


def true_convolution(x: Node, w: Node) -> Node:
    """y[o, p] = sum over i and k of w[o, i, k] x[i, p + centre - k], zero outside: (B, I, ...), (O, I, k...)."""
    kernel, spatial = w.value.shape[2:], x.value.shape[2:]
    edge = [(0, 0), (0, 0)] + [(k // 2, k // 2) for k in kernel]
    padded = np.pad(x.value, edge)
    everything = (slice(None), slice(None))

    def taps():
        for offset in itertools.product(*map(range, kernel)):
            window = everything + tuple(slice(k - 1 - o, k - 1 - o + n) for o, k, n in zip(offset, kernel, spatial))
            yield everything + offset, window

    y = sum(np.tensordot(padded[window], w.value[tap], axes=(1, 1)) for tap, window in taps())  # (B, ..., O)

    def to_input(g):
        spread = np.zeros_like(padded)
        for tap, window in taps():
            spread[window] += np.moveaxis(np.tensordot(g, w.value[tap], axes=(1, 0)), -1, 1)
        return spread[everything + tuple(slice(k // 2, k // 2 + n) for k, n in zip(kernel, spatial))]

    def to_weight(g):
        out = np.zeros_like(w.value)
        rest = [0] + list(range(2, g.ndim))
        for tap, window in taps():
            out[tap] = np.tensordot(g, padded[window], axes=(rest, rest))  # (O, I)
        return out

    return Node(np.moveaxis(y, -1, 1), [(x, to_input), (w, to_weight)])


def volume_convolution(x: Node, w: Node) -> Node:
    """The same over (B, D, C, H, W) with a kernel (O, D, I, H, W)."""
    y = true_convolution(transpose(x, (0, 2, 1, 3, 4)), transpose(w, (0, 2, 1, 3, 4)))
    return transpose(y, (0, 2, 1, 3, 4))


def max_pool(x: Node) -> Node:
    """2x2 windows at a stride of 2, one pixel of padding that never wins: n -> n // 2 + 1."""
    rows, columns = x.value.shape[2] // 2 + 1, x.value.shape[3] // 2 + 1
    padded = np.full(x.value.shape[:2] + (2 * rows, 2 * columns), -np.inf)
    height, width = x.value.shape[2:]
    padded[:, :, 1 : 1 + height, 1 : 1 + width] = x.value
    windows = padded.reshape(x.value.shape[:2] + (rows, 2, columns, 2)).transpose(0, 1, 2, 4, 3, 5)
    windows = windows.reshape(windows.shape[:4] + (4,))
    winner = windows.argmax(axis=-1)[..., None]

    def pull(g):
        spread = np.zeros(windows.shape)
        np.put_along_axis(spread, winner, g[..., None], axis=-1)
        spread = spread.reshape(windows.shape[:4] + (2, 2)).transpose(0, 1, 2, 4, 3, 5).reshape(padded.shape)
        return spread[:, :, 1 : 1 + height, 1 : 1 + width]

    return Node(np.take_along_axis(windows, winner, axis=-1)[..., 0], [(x, pull)])


def unpool(x: Node) -> Node:
    """Zero-stuffing of (B, D, C, H, W): each value at the even position, zeros elsewhere."""
    b, d, c, h, w = x.value.shape
    y = np.zeros((b, 2 * d, c, 2 * h, 2 * w))
    y[:, ::2, :, ::2, ::2] = x.value
    return Node(y, [(x, lambda g: g[:, ::2, :, ::2, ::2])])


def cross_entropy(logits: Node, truth: np.ndarray) -> Tuple[Node, np.ndarray]:
    """Mean over samples and voxels of the softmax cross-entropy over axis 2; truth is one-hot. Also the softmax."""
    shifted = np.exp(logits.value - logits.value.max(axis=2, keepdims=True))
    probability = shifted / shifted.sum(axis=2, keepdims=True)
    voxels = truth.sum()
    value = -(truth * np.log(probability)).sum() / voxels
    return Node(value, [(logits, lambda g: g * (probability - truth) / voxels)]), probability


class Network:
    """One of the original's networks.

    Args:
        parameters: arrays by the original's 'LAYER.ROLE', in its layouts; which network it is shows in the names.
    """

    def __init__(self, parameters: Dict[str, np.ndarray]):
        self.p = {name: Node(value) for name, value in parameters.items()}
        self.residual, self.lstm = "conv1a.W" in self.p, "in_gate_b.Wh" in self.p

    def convolve(self, x: Node, layer: str) -> Node:
        weight, bias = self.p[f"{layer}.W"], self.p[f"{layer}.b"]
        if weight.value.ndim == 4:
            return add_bias(true_convolution(x, weight), bias, 1)
        return add_bias(volume_convolution(x, weight), bias, 2)

    def encode(self, x: Node) -> Node:
        """(B, 3, S, S) -> (B, F)."""
        for block in range(1, 7):
            if not self.residual:
                x = leaky(max_pool(self.convolve(x, f"conv{block}")))
                continue
            y = leaky(self.convolve(leaky(self.convolve(x, f"conv{block}a")), f"conv{block}b"))
            skip = ENCODER_SKIPS[block - 1]
            if skip:
                y = add(y, x if skip == "identity" else self.convolve(x, f"conv{block}c"))
            x = max_pool(y)
        flat = reshape(x, (len(x.value), -1))
        return leaky(add_bias(matrix_product(flat, self.p["fc7.W"]), self.p["fc7.b"], 1))

    def gate(self, name: str, state: Node, code: Node) -> Node:
        """The state (B, D, C, H, W) convolved, plus the code through a dense layer of its own for every cell."""
        weights = [self.p[f"{name}.{role}"] for role in ("Wh", "Wx", "b")]
        inputs = reshape(matrix_product(code, weights[1]), state.value.shape)
        return add_bias(add(volume_convolution(state, weights[0]), inputs), weights[2], 2)

    def step(self, code: Node, hidden: Node, memory: Node) -> Tuple[Node, Node]:
        """One view: the next hidden state and, of the LSTM, the next memory."""
        if self.lstm:
            inputs, forget = (sigmoid(self.gate(name, hidden, code)) for name in ("in_gate_b", "forget_gate_b"))
            transform = tanh(self.gate("in_transform_b", hidden, code))
            memory = add(multiply(forget, memory), multiply(inputs, transform))
            return tanh(memory), memory
        update, reset = (sigmoid(self.gate(name, hidden, code)) for name in ("t_x_s_update", "t_x_s_reset"))
        candidate = tanh(self.gate("t_x_rs", multiply(reset, hidden), code))
        return add(multiply(update, hidden), multiply(complement(update), candidate)), memory

    def decode(self, x: Node) -> Node:
        """(B, 4, C, 4, 4) -> logits (B, 32, 2, 32, 32)."""
        for block in (7, 8, 9):
            x = unpool(x)
            if not self.residual:
                x = leaky(self.convolve(x, f"conv{block}"))
                continue
            y = leaky(self.convolve(leaky(self.convolve(x, f"conv{block}a")), f"conv{block}b"))
            x = add(y, self.convolve(x, "conv9c") if block == 9 else x)
        if self.residual:
            x = leaky(self.convolve(x, "conv10a"))
            x = add(self.convolve(x, "conv10c"), leaky(self.convolve(x, "conv10b")))
        else:
            x = leaky(self.convolve(x, "conv10"))
        return self.convolve(x, "conv11")

    def run(self, images: np.ndarray, truth: np.ndarray) -> Dict[str, np.ndarray]:
        """Forward and backward.

        Args:
            images: (T, B, 3, S, S) in [0, 1].
            truth: (B, 32, 2, 32, 32), one-hot over axis 2.

        Returns:
            hidden (T, B, C, 4, 4, 4), logits and prob (B, 2, 32, 32, 32), loss, and 'grad.LAYER.ROLE' in the
            original's layout.
        """
        channels = len(next(node.value for name, node in self.p.items() if name.endswith(".Wh")))
        zero = np.zeros((images.shape[1], 4, channels, 4, 4))
        hidden, memory = Node(zero), Node(zero)
        states: List[np.ndarray] = []
        for image in images:
            hidden, memory = self.step(self.encode(Node(image)), hidden, memory)
            states.append(hidden.value.transpose(0, 2, 1, 3, 4))
        logits = self.decode(hidden)
        loss, probability = cross_entropy(logits, truth)
        loss.backward()
        return {"hidden": np.stack(states), "logits": logits.value.transpose(0, 2, 1, 3, 4),
                "prob": probability.transpose(0, 2, 1, 3, 4), "loss": loss.value,
                **{f"grad.{name}": node.grad for name, node in self.p.items()}}
