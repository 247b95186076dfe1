"""Res3D-GRU-3 as one first writes it down in Gluon: what `benchmarks/layers.py` and `speed.py` call "before".

Unpooling by zeros followed by convolutions that multiply them, a dense layer and a convolution for each gate, views
encoded one after the other, two output channels. The parameters are those of `benchmarks/torch_network.py` by name.
"""
from __future__ import annotations

import mxnet as mx
from mxnet.gluon import HybridBlock, nn

from gluon_r2n2.config import GRID
from gluon_r2n2.decoder import LAST, Unpool, stage_channels
from gluon_r2n2.encoder import CHANNELS, CODE, KERNELS, SKIPS
from gluon_r2n2.network import CHANNELS as STATE

LEAK = 0.01


def leaky(F, x):
    return F.LeakyReLU(x, act_type="leaky", slope=LEAK)


class Encoder(HybridBlock):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        before = 3
        for block, (channels, kernel, skip) in enumerate(zip(CHANNELS, KERNELS, SKIPS), start=1):
            setattr(self, f"conv{block}a", nn.Conv2D(channels, kernel, padding=kernel // 2, in_channels=before))
            setattr(self, f"conv{block}b", nn.Conv2D(channels, 3, padding=1, in_channels=channels))
            if skip == "convolution":
                setattr(self, f"conv{block}c", nn.Conv2D(channels, 1, in_channels=before))
            before = channels
        self.fc7 = nn.Dense(CODE, in_units=before * 3 * 3)

    def hybrid_forward(self, F, x):
        for block, skip in enumerate(SKIPS, start=1):
            y = leaky(F, getattr(self, f"conv{block}b")(leaky(F, getattr(self, f"conv{block}a")(x))))
            if skip != "none":
                y = y + (getattr(self, f"conv{block}c")(x) if skip == "convolution" else x)
            x = F.Pooling(y, kernel=(2, 2), stride=(2, 2), pad=(1, 1), pool_type="max")
        return leaky(F, self.fc7(x))


class Gate(HybridBlock):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.fc_layer = nn.Dense(STATE * GRID**3, in_units=CODE, use_bias=False)
        self.conv3d = nn.Conv3D(STATE, 3, padding=1, in_channels=STATE, use_bias=False)
        self.bias = self.params.get("bias", shape=(1, STATE, 1, 1, 1))

    def hybrid_forward(self, F, code, state, bias):
        dense = F.reshape(self.fc_layer(code), (-1, STATE, GRID, GRID, GRID))
        return F.broadcast_add(dense + self.conv3d(state), bias)


class Cell(HybridBlock):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.t_x_s_update, self.t_x_s_reset, self.t_x_rs = Gate(), Gate(), Gate()

    def hybrid_forward(self, F, code, state):
        update = F.sigmoid(self.t_x_s_update(code, state))
        reset = F.sigmoid(self.t_x_s_reset(code, state))
        return update * state + (1 - update) * F.tanh(self.t_x_rs(code, reset * state))


class Decoder(HybridBlock):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        before = STATE
        for block, channels in enumerate(stage_channels(32), start=7):
            setattr(self, f"unpool{block}", Unpool())
            setattr(self, f"conv{block}a", nn.Conv3D(channels, 3, padding=1, in_channels=before))
            setattr(self, f"conv{block}b", nn.Conv3D(channels, 3, padding=1, in_channels=channels))
            if channels != before:
                setattr(self, f"conv{block}c", nn.Conv3D(channels, 1, in_channels=before))
            before = channels
        self.conv10a = nn.Conv3D(LAST, 3, padding=1, in_channels=before)
        self.conv10b = nn.Conv3D(LAST, 3, padding=1, in_channels=LAST)
        self.conv10c = nn.Conv3D(LAST, 3, padding=1, in_channels=LAST)
        self.conv11 = nn.Conv3D(2, 3, padding=1, in_channels=LAST)

    def hybrid_forward(self, F, x):
        for block in (7, 8, 9):
            x = getattr(self, f"unpool{block}")(x)
            y = leaky(F, getattr(self, f"conv{block}b")(leaky(F, getattr(self, f"conv{block}a")(x))))
            x = y + (self.conv9c(x) if block == 9 else x)
        y = leaky(F, self.conv10a(x))
        return self.conv11(self.conv10c(y) + leaky(F, self.conv10b(y)))


class FirstNetwork(mx.gluon.Block):
    """Pictures (T, B, 3, 127, 127) in [0, 1] -> logits (B, 2, 32, 32, 32), channel 1 = occupied.

    Args:
        state_dict: the parameters by name, NumPy (`gluon_r2n2.conversion.to_port`).
    """

    def __init__(self, state_dict, **kwargs):
        super().__init__(**kwargs)
        self.encoder, self.cell, self.decoder = Encoder(), Cell(), Decoder()
        self.named = {name: self._parameter(name) for name in state_dict}
        for name, parameter in self.named.items():
            parameter.initialize(init=mx.init.Zero())
            parameter.set_data(mx.nd.array(state_dict[name]))

    def _parameter(self, name: str):
        part, *path = name.split(".")
        found = self.cell if path[0].startswith("t_x") else getattr(self, part)
        for attribute in path:
            found = getattr(found, attribute)
        return found

    def gradients(self):
        """NumPy arrays by name."""
        return {name: parameter.grad().asnumpy() for name, parameter in self.named.items()}

    def forward(self, images):
        state = mx.nd.zeros((images.shape[1], STATE) + 3 * (GRID,), ctx=images.context)
        for view in images:
            state = self.cell(self.encoder(view), state)
        return self.decoder(state)
