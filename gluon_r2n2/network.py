"""Stages 4 to 6 as one network: images (T, B, 3, S, S) -> voxel logits (B, 2, V, V, V).

The views are unrolled in Python over three hybridised parts (encode all views in one batch, step the cell T times,
decode once): `F.contrib.foreach` under static memory gives silently wrong results in MXNet 1.9.1.
"""
from __future__ import annotations

from typing import List

import mxnet as mx
from mxnet.gluon import Block, HybridBlock

from gluon_r2n2.config import GRID, ModelConfig
from gluon_r2n2.decoder import Decoder
from gluon_r2n2.encoder import Encoder
from gluon_r2n2.recurrence import CELLS, Projection

CHANNELS = 128  # of the grid state, at width 1


class R2N2(Block):
    """3D Recurrent Reconstruction Neural Network.

    Call it with images (T, B, 3, S, S), float32 RGB in [0, 1], T and B free, S = config.input_size; it returns
    the logits (B, 2, V, V, V) after the last view, channel 1 = occupied, spatial axes = (x, y, z) of the grid.

    Raises:
        ModelError: a configuration that no network can be built from.

    Source: 3D-R2N2 (Choy et al., ECCV 2016).
    """

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(**kwargs)
        self.config = config
        cell = CELLS[config.cell]
        channels = config.channels(CHANNELS)
        self._state_shape = (channels, GRID, GRID, GRID)
        with self.name_scope():
            self.encoder = Encoder(config)
            self.projection = Projection(cell.GATES, channels, self.encoder.channels)
            self.cell = cell(channels, config.kernel)
            self.decoder = Decoder(config, channels)

    def forward(self, images):
        state = self.begin_state(images.shape[1], images.context)
        for code in self.encode(images):
            state = self.step(code, state)
        return self.decode(state)

    def hybridize(self, active: bool = True, **options):
        """As in Gluon, but never ``static_shape`` for the cell.

        The cell runs T times inside one recording; under static_shape its gradients are wrong as soon as T changes
        between batches (MXNet 1.9.1, CPU).
        """
        super().hybridize(active, **options)
        self.cell.hybridize(active, **{**options, "static_shape": False})

    def encode(self, images) -> List:
        """Images (T, B, 3, S, S) -> T gate inputs (B, gates * C, N, N, N), all views in one batch."""
        views, batch = images.shape[:2]
        codes = self.projection(self.encoder(images.reshape((views * batch,) + images.shape[2:])))
        return [codes[t * batch : (t + 1) * batch] for t in range(views)]

    def begin_state(self, batch: int, ctx=None):
        """The state before the first view: zeros (B, C, N, N, N)."""
        return mx.nd.zeros((batch,) + self._state_shape, ctx=ctx)

    def step(self, code, state):
        """One view: its entry of `encode` and the state (B, C, N, N, N) -> the next state, of the same shape."""
        return self.cell(code, state)

    def decode(self, state):
        """The state after any view (B, C, N, N, N) -> logits (B, 2, V, V, V)."""
        return self.decoder(self.cell.hidden(mx.nd, state))

    def prefixes(self, images) -> List:
        """The logits (B, 2, V, V, V) after each of the T views of *images* (T, B, 3, S, S), in one pass."""
        state, logits = self.begin_state(images.shape[1], images.context), []
        for code in self.encode(images):
            state = self.step(code, state)
            logits.append(self.decode(state))
        return logits

    def step_graph(self) -> StepGraph:
        """This network as one exportable graph for one view, sharing the parameters."""
        return StepGraph(self)


class StepGraph(HybridBlock):
    """(image (B, 3, S, S), state (B, C, N, N, N)) -> (probability of occupied (B, V, V, V), next state).

    Exact for any number of views; holds no custom operator.
    """

    def __init__(self, net: R2N2, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.encoder, self.projection, self.cell, self.decoder = net.encoder, net.projection, net.cell, net.decoder

    def hybrid_forward(self, F, image, state):
        state = self.cell(self.projection(self.encoder(image)), state)
        logits = self.decoder(self.cell.hidden(F, state))
        empty, occupied = F.split(logits, num_outputs=2, axis=1, squeeze_axis=True)
        return F.sigmoid(occupied - empty), state  # the softmax of two classes
