"""The published networks in plain PyTorch, for `benchmarks/speed.py` to compare with: 3D-GRU-3 and Res3D-GRU-3.

Written as the original is: its unpooling (zeros between the values) followed by convolutions, three gates with a dense
layer and a convolution each. The names of the parameters are those of the known port, so that
`gluon_r2n2.conversion` knows where they belong. Imports nothing of this project, and never beside mxnet in a process.

Source: 3D-R2N2 (ECCV 2016); models/gru_net.py, models/res_gru_net.py and lib/layers.py of the original.
"""
from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

CHANNELS, CODE, GRID, LEAK = 128, 1024, 4, 0.01
ENCODER = (96, 128, 256, 256, 256, 256)
SKIPS = {2: "convolution", 3: "convolution", 5: "convolution", 6: "identity"}  # by block of the residual encoder
DECODER = (128, 128, 64)


def leaky(x):
    return functional.leaky_relu(x, LEAK)


def unpool(x):
    """(B, C, D, H, W) -> (B, C, 2D, 2H, 2W), each value at the even position, zeros elsewhere."""
    batch, channels, depth, height, width = x.shape
    doubled = x.new_zeros(batch, channels, 2 * depth, 2 * height, 2 * width)
    doubled[:, :, ::2, ::2, ::2] = x
    return doubled


class Gate(nn.Module):
    """What the view's code (B, 1024) and the state (B, 128, 4, 4, 4) give one gate, before its nonlinearity."""

    def __init__(self):
        super().__init__()
        self.fc_layer = nn.Linear(CODE, CHANNELS * GRID**3, bias=False)
        self.conv3d = nn.Conv3d(CHANNELS, CHANNELS, 3, padding=1, bias=False)
        self.bias = nn.Parameter(torch.zeros(1, CHANNELS, 1, 1, 1))

    def forward(self, code, state):
        return self.fc_layer(code).view(-1, CHANNELS, GRID, GRID, GRID) + self.conv3d(state) + self.bias


class Encoder(nn.Module):
    """Pictures (B, 3, 127, 127) -> codes (B, 1024); codes and states -> states."""

    def __init__(self, residual: bool):
        super().__init__()
        self.residual, before = residual, 3
        for block, channels in enumerate(ENCODER, start=1):
            kernel = 7 if block == 1 else 3
            first = nn.Conv2d(before, channels, kernel, padding=kernel // 2)
            setattr(self, f"conv{block}a" if residual else f"conv{block}", first)
            if residual:
                setattr(self, f"conv{block}b", nn.Conv2d(channels, channels, 3, padding=1))
                if SKIPS.get(block) == "convolution":
                    setattr(self, f"conv{block}c", nn.Conv2d(before, channels, 1))
            before = channels
        self.fc7 = nn.Linear(before * 3 * 3, CODE)
        self.t_x_s_update, self.t_x_s_reset, self.t_x_rs = Gate(), Gate(), Gate()

    def encode(self, x):
        for block in range(1, len(ENCODER) + 1):
            if self.residual:
                y = leaky(getattr(self, f"conv{block}b")(leaky(getattr(self, f"conv{block}a")(x))))
                skip = SKIPS.get(block)
                if skip:
                    y = y + (getattr(self, f"conv{block}c")(x) if skip == "convolution" else x)
                x = functional.max_pool2d(y, 2, 2, padding=1)
            else:
                x = leaky(functional.max_pool2d(getattr(self, f"conv{block}")(x), 2, 2, padding=1))
        return leaky(self.fc7(x.flatten(1)))

    def absorb(self, code, state):
        update = torch.sigmoid(self.t_x_s_update(code, state))
        reset = torch.sigmoid(self.t_x_s_reset(code, state))
        return update * state + (1 - update) * torch.tanh(self.t_x_rs(code, reset * state))


class Decoder(nn.Module):
    """States (B, 128, 4, 4, 4) -> logits (B, 2, 32, 32, 32)."""

    def __init__(self, residual: bool):
        super().__init__()
        self.residual, before = residual, CHANNELS
        for block, channels in enumerate(DECODER, start=7):
            setattr(self, f"conv{block}a" if residual else f"conv{block}",
                    nn.Conv3d(before, channels, 3, padding=1))
            if residual:
                setattr(self, f"conv{block}b", nn.Conv3d(channels, channels, 3, padding=1))
            before = channels
        if residual:
            self.conv9c = nn.Conv3d(DECODER[1], DECODER[2], 1)
            self.conv10a, self.conv10b, self.conv10c = (nn.Conv3d(channels, 32, 3, padding=1)
                                                        for channels in (before, 32, 32))
        else:
            self.conv10 = nn.Conv3d(before, 32, 3, padding=1)
        self.conv11 = nn.Conv3d(32, 2, 3, padding=1)

    def forward(self, x):
        for block in (7, 8, 9):
            x = unpool(x)
            if self.residual:
                y = leaky(getattr(self, f"conv{block}b")(leaky(getattr(self, f"conv{block}a")(x))))
                x = y + (self.conv9c(x) if block == 9 else x)
            else:
                x = leaky(getattr(self, f"conv{block}")(x))
        if self.residual:
            y = leaky(self.conv10a(x))
            x = self.conv10c(y) + leaky(self.conv10b(y))
        else:
            x = leaky(self.conv10(x))
        return self.conv11(x)


class Network(nn.Module):
    """Pictures (T, B, 3, 127, 127) in [0, 1] -> logits (B, 2, 32, 32, 32), channel 1 = occupied.

    Args:
        model: `res3d_gru_3` or `gru_3`.
        together: encode all views in one batch instead of one after the other.
    """

    def __init__(self, model: str, together: bool = False):
        super().__init__()
        residual = {"res3d_gru_3": True, "gru_3": False}[model]
        self.encoder, self.decoder, self.together = Encoder(residual), Decoder(residual), together

    def forward(self, images):
        views, batch = images.shape[:2]
        if self.together:
            codes = self.encoder.encode(images.flatten(0, 1)).view(views, batch, CODE)
        else:
            codes = [self.encoder.encode(view) for view in images]
        state = images.new_zeros(batch, CHANNELS, GRID, GRID, GRID)
        for code in codes:
            state = self.encoder.absorb(code, state)
        return self.decoder(state)
