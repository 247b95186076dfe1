"""Slow NumPy forms of the networks' equations, written from their definitions; the truth that tests compare with."""
from __future__ import annotations

import itertools

import numpy as np


def convolve(x, weight, bias):
    """Zero-padded, size-keeping cross-correlation over all spatial axes: (B, I, ...), (O, I, k...) -> (B, O, ...)."""
    kernel = weight.shape[2:]
    padded = np.pad(x, [(0, 0), (0, 0)] + [(k // 2, k // 2) for k in kernel])
    out = np.zeros((x.shape[0], weight.shape[0]) + x.shape[2:])
    for offset in itertools.product(*map(range, kernel)):
        window = padded[(slice(None), slice(None)) + tuple(slice(o, o + n) for o, n in zip(offset, x.shape[2:]))]
        product = np.tensordot(weight[(slice(None), slice(None)) + offset], window, axes=(1, 1))  # (O, B, ...)
        out += product.swapaxes(0, 1)
    return out + bias.reshape((1, -1) + (1,) * len(kernel))


def unpool(x):
    """Each value at the even position of a grid twice as large, zeros elsewhere."""
    out = np.zeros(x.shape[:2] + tuple(2 * n for n in x.shape[2:]))
    out[:, :, ::2, ::2, ::2] = x
    return out


def max_pool(x):
    """2x2 windows, stride 2, one pixel of padding that never wins."""
    padded = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)], constant_values=-np.inf)
    rows, columns = (x.shape[2] // 2 + 1, x.shape[3] // 2 + 1)
    windows = [padded[:, :, r : r + 2 * rows : 2, c : c + 2 * columns : 2] for r in (0, 1) for c in (0, 1)]
    windows = [w[:, :, :rows, :columns] for w in windows]
    return np.max(windows, axis=0)


def leaky(x, slope):
    return np.where(x > 0, x, slope * x)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def softmax_cross_entropy(logits, labels, axis=1):
    """-log softmax of the true class, per voxel, in float64; labels are class numbers."""
    logits = np.moveaxis(logits.astype(np.float64), axis, -1)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    log_softmax = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return -np.take_along_axis(log_softmax, labels.astype(int)[..., None], axis=-1)[..., 0]


class Network:
    """The original's networks on named parameters of ours (``{"encoder.dense.weight": array, ...}``)."""

    def __init__(self, config, parameters):
        self.config = config
        self.p = {name: value.astype(np.float64) for name, value in parameters.items()}

    def leaky(self, x):
        return leaky(x, self.config.leak)

    def weights(self, name):
        return self.p[f"{name}.weight"], self.p[f"{name}.bias"]

    def encode(self, x):
        for i in range(6):
            stage = f"encoder.stages.{i}"
            if self.config.encoder == "plain":
                x = self.leaky(max_pool(convolve(x, *self.weights(f"{stage}.conv.0"))))
                continue
            y = self.leaky(convolve(x, *self.weights(f"{stage}.conv_a.0")))
            y = self.leaky(convolve(y, *self.weights(f"{stage}.conv_b.0")))
            if i in (1, 2, 4):
                y = y + convolve(x, *self.weights(f"{stage}.conv_skip.0"))
            elif i == 5:
                y = y + x
            x = max_pool(y)
        weight, bias = self.weights("encoder.dense")
        return self.leaky(x.reshape(len(x), -1) @ weight.T + bias)

    def step(self, code, state):
        """One view; the state is h (GRU) or the memory c (LSTM)."""
        inputs = code @ self.p["projection.dense.weight"].T
        inputs = inputs.reshape((len(code), 3) + state.shape[1:]).transpose(1, 0, 2, 3, 4, 5)
        channels = state.shape[1]
        weight, bias = self.weights("cell.gates")
        gate = [(weight[i : i + channels], bias[i : i + channels]) for i in range(0, len(weight), channels)]
        if self.config.cell == "lstm":
            h = np.tanh(state)
            i, f, t = (x + convolve(h, *g) for x, g in zip(inputs, gate))
            return sigmoid(f) * state + sigmoid(i) * np.tanh(t)
        update, reset = (sigmoid(x + convolve(state, *g)) for x, g in zip(inputs, gate))
        candidate = np.tanh(inputs[2] + convolve(reset * state, *self.weights("cell.candidate")))
        return update * state + (1 - update) * candidate

    def decode(self, state):
        x = np.tanh(state) if self.config.cell == "lstm" else state
        for i in range(3):
            stage = f"decoder.stages.{i}"
            x = unpool(x)
            y = self.leaky(convolve(x, *self.unpooled_weights(f"{stage}.conv_a.0")))
            if self.config.encoder == "residual":
                y = self.leaky(convolve(y, *self.weights(f"{stage}.conv_b.0")))
                skip = f"{stage}.skip.weight" in self.p
                y = y + (convolve(x, *self.unpooled_weights(f"{stage}.skip")) if skip else x)
            x = y
        x = self.leaky(convolve(x, *self.weights("decoder.tail.conv_a.0")))
        if self.config.encoder == "residual":
            c = convolve(x, *self.weights("decoder.tail.conv_c.0"))
            x = c + self.leaky(convolve(x, *self.weights("decoder.tail.conv_b.0")))
        return convolve(x, *self.weights("decoder.logits"))

    def unpooled_weights(self, name):
        """The convolution behind an unpooling that a transposed convolution (I, O, k, k, k) stands for."""
        weight, bias = self.weights(name)
        return weight.transpose(1, 0, 2, 3, 4)[..., ::-1, ::-1, ::-1], bias

    def __call__(self, images):
        """(T, B, 3, S, S) -> list of T logits (B, 2, V, V, V)."""
        state = np.zeros((images.shape[1], self.p["cell.gates.weight"].shape[1], 4, 4, 4))
        logits = []
        for image in images:
            state = self.step(self.encode(image), state)
            logits.append(self.decode(state))
        return logits


def strided_convolve(x, weight, bias=0.0, *, stride, padding):
    """Zero-padded cross-correlation with a stride: (B, I, ...), (O, I, k, ...) -> (B, O, ...)."""
    kernel = weight.shape[2:]
    padded = np.pad(x, [(0, 0), (0, 0)] + [(padding, padding)] * len(kernel))
    edges = [(n - k) // stride + 1 for n, k in zip(padded.shape[2:], kernel)]
    out = np.zeros((x.shape[0], weight.shape[0], *edges))
    for offset in itertools.product(*map(range, kernel)):
        window = padded[(slice(None), slice(None))
                        + tuple(slice(o, o + stride * n, stride) for o, n in zip(offset, edges))]
        out += np.tensordot(weight[(slice(None), slice(None)) + offset], window, axes=(1, 1)).swapaxes(0, 1)
    return out + np.reshape(bias, (1, -1) + (1,) * len(kernel))


def scatter(x, weight, bias=0.0, *, stride, padding):
    """Transposed convolution: each voxel adds its copy of the kernel. (B, I, ...), (I, O, k, k, k) -> (B, O, ...)."""
    edges = [(n - 1) * stride + weight.shape[-1] for n in x.shape[2:]]
    out = np.zeros((x.shape[0], weight.shape[1], *edges))
    for voxel in itertools.product(*map(range, x.shape[2:])):
        place = tuple(slice(stride * v, stride * v + weight.shape[-1]) for v in voxel)
        copies = np.tensordot(x[(slice(None), slice(None)) + voxel], weight, axes=(1, 0))
        out[(slice(None), slice(None)) + place] += copies
    inner = tuple(slice(padding, n - padding) for n in edges)
    return out[(slice(None), slice(None)) + inner] + np.reshape(bias, (1, -1, 1, 1, 1))


class Generative:
    """The parts of a 3D-VAE-GAN on named parameters of ours, in training (batch statistics) or in inference."""

    def __init__(self, config, parameters, *, training=False):
        self.config, self.training = config, training
        self.p = {name: value.astype(np.float64) for name, value in parameters.items()}

    def normalise(self, x, name):
        shape = (1, -1) + (1,) * (x.ndim - 2)
        axes = (0, *range(2, x.ndim))
        mean, variance = ((x.mean(axes), x.var(axes)) if self.training else
                          (self.p[f"{name}.running_mean"], self.p[f"{name}.running_var"]))
        scaled = (x - mean.reshape(shape)) / np.sqrt(variance.reshape(shape) + 1e-5)
        return scaled * self.p[f"{name}.gamma"].reshape(shape) + self.p[f"{name}.beta"].reshape(shape)

    def generate(self, latents):
        """(B, L) -> logits (B, 2, V, V, V)."""
        x, doublings = latents[:, :, None, None, None], len(self.config.grid_channels)
        for i in range(doublings):
            x = scatter(x, self.p[f"generator.stages.{3 * i}.weight"], stride=2 if i else 1, padding=1 if i else 0)
            x = np.maximum(self.normalise(x, f"generator.stages.{3 * i + 1}"), 0)
        return scatter(x, self.p["generator.logits.weight"], self.p["generator.logits.bias"], stride=2, padding=1)

    def judge(self, grids):
        """(B, V, V, V) -> logits (B,)."""
        x = grids[:, None]
        for i in range(len(self.config.grid_channels)):
            stage = f"discriminator.stages.{i}"
            weight, bias = self.p[f"{stage}.0.weight"], self.p.get(f"{stage}.0.bias", 0.0)
            x = strided_convolve(x, weight, bias, stride=2, padding=1)
            x = leaky(self.normalise(x, f"{stage}.1") if i else x, self.config.leak)
        weight, bias = self.p["discriminator.score.weight"], self.p["discriminator.score.bias"]
        return (x * weight).sum(axis=(1, 2, 3, 4)) + bias

    def encode(self, images):
        """(B, 3, S, S) -> mean and log variance (B, L) each."""
        x = images
        for i, (kernel, stride) in enumerate([(11, 4), (5, 2), (5, 2), (5, 2)]):
            x = strided_convolve(x, self.p[f"encoder.stages.{3 * i}.weight"], stride=stride, padding=kernel // 2)
            x = np.maximum(self.normalise(x, f"encoder.stages.{3 * i + 1}"), 0)
        weight, bias = self.p["encoder.gaussian.weight"], self.p["encoder.gaussian.bias"]
        return np.split(np.tensordot(x, weight, axes=((1, 2, 3), (1, 2, 3))) + bias, 2, axis=1)
