"""Stage 5, recurrence: view codes (B, F) and grid state (B, C, N, N, N) -> next grid state (B, C, N, N, N).

The code enters every cell of the N x N x N grid through a dense layer with its own weights per cell (`Projection`);
cells see their neighbours through a zero-padded 3D convolution of the state. The weights of all gates are stacked,
so that each of the two products is one call. The first state is zero.

Source: 3D-R2N2 (ECCV 2016), sections 3.2.1 and 3.2.2; FCConv3DLayer of the original's lib/layers.py.
"""
from __future__ import annotations

from typing import Dict, Type, Union

import mxnet as mx
from mxnet.gluon import HybridBlock, nn

from gluon_r2n2.config import GRID
from gluon_r2n2.initialisers import BIAS, Msra, Orthogonal


class Projection(HybridBlock):
    """View codes (B, F) -> gate inputs (B, gates * C, N, N, N), without bias (the recurrent convolution has it)."""

    def __init__(self, gates: int, channels: int, code: int, **kwargs):
        super().__init__(**kwargs)
        self._shape = (-1, gates * channels, GRID, GRID, GRID)
        with self.name_scope():
            self.dense = nn.Dense(gates * channels * GRID**3, in_units=code, use_bias=False,
                                  weight_initializer=Msra(gates))

    def hybrid_forward(self, F, code):
        return F.reshape(self.dense(code), shape=self._shape)


def recurrent_convolution(gates: int, channels: int, kernel: int) -> nn.Conv3D:
    """A convolution of the grid state, one bias per gate and channel."""
    return nn.Conv3D(gates * channels, kernel, padding=kernel // 2, in_channels=channels,
                     weight_initializer=Orthogonal(gates), bias_initializer=mx.init.Constant(BIAS))


class GRUCell(HybridBlock):
    """3D convolutional gated recurrent unit; the state is h.

        u = s(Wu x + Uu*h + bu)    r = s(Wr x + Ur*h + br)    h' = u h + (1 - u) tanh(Wh x + Uh*(r h) + bh)

    Gates are stacked in the order update, reset, candidate, as the original lists them.
    """

    GATES = 3

    def __init__(self, channels: int, kernel: int, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.gates = recurrent_convolution(2, channels, kernel)
            self.candidate = recurrent_convolution(1, channels, kernel)

    def hybrid_forward(self, F, projected, state):
        # (B, 3C, N, N, N) -> three times (B, C, N, N, N)
        update_in, reset_in, candidate_in = F.split(projected, num_outputs=3, axis=1)
        update_state, reset_state = F.split(self.gates(state), num_outputs=2, axis=1)
        update = F.sigmoid(update_in + update_state)
        reset = F.sigmoid(reset_in + reset_state)
        candidate = F.tanh(candidate_in + self.candidate(reset * state))
        return update * state + (1 - update) * candidate

    def hidden(self, F, state):
        """What the decoder sees: the state itself."""
        return state


class LSTMCell(HybridBlock):
    """3D convolutional long short-term memory without output gate; the state is the memory c, and h = tanh(c).

        i = s(Wi x + Ui*h + bi)    f = s(Wf x + Uf*h + bf)    c' = f c + i tanh(Wc x + Uc*h + bc)

    Gates are stacked in the order input, forget, transform, as the original lists them.
    """

    GATES = 3

    def __init__(self, channels: int, kernel: int, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.gates = recurrent_convolution(3, channels, kernel)

    def hybrid_forward(self, F, projected, state):
        # (B, 3C, N, N, N) -> three times (B, C, N, N, N); tanh(0) = 0, so the first hidden state is zero too
        inputs, forget, transform = F.split(projected + self.gates(F.tanh(state)), num_outputs=3, axis=1)
        return F.sigmoid(forget) * state + F.sigmoid(inputs) * F.tanh(transform)

    def hidden(self, F, state):
        """What the decoder sees: tanh of the memory."""
        return F.tanh(state)


CELLS: Dict[str, Union[Type[GRUCell], Type[LSTMCell]]] = {"gru": GRUCell, "lstm": LSTMCell}
