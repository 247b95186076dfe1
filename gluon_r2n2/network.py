"""Stages 4 to 6 as one network: images (T, B, 3, S, S) -> voxel logits (B, 2, V, V, V).

The views are unrolled in Python over three hybridised parts (encode the views, step the cell T times, decode once):
`F.contrib.foreach` under static memory gives silently wrong results in MXNet 1.9.1.
"""
from __future__ import annotations

import collections
import numbers
from typing import Iterator, List, Tuple

import mxnet as mx
from mxnet import autograd, gluon
from mxnet.gluon import Block, HybridBlock

from gluon_r2n2.checks import check_images
from gluon_r2n2.config import GRID, ModelConfig
from gluon_r2n2.decoder import Decoder
from gluon_r2n2.encoder import Encoder
from gluon_r2n2.errors import ModelError
from gluon_r2n2.recurrence import CELLS, Projection

CHANNELS = 128  # of the grid state, at width 1


class ReloadableBlock(Block):
    """A block of 3D convolutions whose parameters can be read from a file at any time."""

    def load_parameters(self, filename, ctx=None, **options):
        """As in Gluon, also where the network has been used before.

        An inference forward leaves 3D convolution weights in oneDNN's own layout, and Gluon's load_parameters then
        fails at the next use ("Check failed: to.IsDefaultData()"); here every parameter gets a fresh array first.
        """
        for parameter in self.collect_params().values():
            if parameter._data is not None:
                contexts, values = parameter.list_ctx(), parameter.data(parameter.list_ctx()[0]).asnumpy()
                parameter._data = None
                parameter._init_impl(mx.nd.array(values, dtype=values.dtype), contexts)
        super().load_parameters(filename, ctx=ctx, **options)


class ViewNetwork(ReloadableBlock):
    """What every network that sees views has in common: views one by one -> a state -> voxel logits.

    Call it with images (T, B, 3, S, S), float RGB in [0, 1], T and B free, S = config.input_size; it returns the
    logits (B, 2, V, V, V) after the last view, channel 1 = occupied, spatial axes = (x, y, z) of the grid. Views that
    come one by one:

        state = net.begin_state(batch)
        for image in views:                            # (B, 3, S, S)
            logits, state = net.step(image, state)     # what a call with the views so far would return

    A subclass has a `config` and four hybridised parts: `encoder` (image -> features), `projection` (features ->
    code), `cell` (code, state -> next state; its method `hidden` is what the decoder sees) and `decoder`
    (-> logits).

    Attributes:
        state_shape, code_shape: of one object, (C, D, H, W).

    Raises:
        ModelError: images of another shape or type, or, outside of `autograd.record`, that hold NaN or infinite
            values.
    """

    state_shape: Tuple[int, ...]
    code_shape: Tuple[int, ...]

    @property
    def reference(self) -> gluon.Parameter:
        """A parameter whose type and devices are those of all."""
        raise NotImplementedError

    def forward(self, images):
        return self.decode(collections.deque(self._states(images), maxlen=1)[0])

    def prefixes(self, images) -> List:
        """The logits (B, 2, V, V, V) after each of the T views of *images* (T, B, 3, S, S), in one pass."""
        return [self.decode(state) for state in self._states(images)]

    def step(self, image, state) -> Tuple:
        """One more view of each object: image (B, 3, S, S) and the state so far -> (logits (B, 2, V, V, V), state).

        The logits are to the bit those of one call with all views so far. Where only the last reconstruction is
        wanted, a call with all views is cheaper, as it decodes once.

        Raises:
            ModelError: the image does not fit the network or the state, or holds NaN or infinite values.
        """
        if len(getattr(image, "shape", ())) != 4:
            side, got = self.config.input_size, getattr(image, "shape", type(image).__name__)
            raise ModelError(f"one view of each object (batch, 3, {side}, {side}) is wanted, got {got}; a sequence of "
                             "views is what a call of the network takes")
        check_images(image[None], self.config.input_size, self._dtype)
        wanted = (len(image),) + self.state_shape
        if getattr(state, "shape", None) != wanted:
            raise ModelError(f"a state of shape {wanted} is wanted for {len(image)} images, got "
                             f"{getattr(state, 'shape', type(state).__name__)}; begin with "
                             f"net.begin_state({len(image)})")
        state = self.absorb(self.encode(image.expand_dims(0))[0], state)
        return self.decode(state), state

    def begin_state(self, batch: int, ctx=None):
        """The state before the first view: zeros (B, C, N, N, N), of the parameters' type.

        Args:
            ctx: the device; by default the first one that the parameters are on.

        Raises:
            ModelError: *batch* is no number of objects.
        """
        if not isinstance(batch, numbers.Integral) or batch < 1:
            raise ModelError(f"a state for at least 1 object is wanted, got batch={batch!r}")
        ctx = ctx or self.reference.list_ctx()[0]
        return mx.nd.zeros((batch,) + self.state_shape, ctx=ctx, dtype=self._dtype)

    def encode(self, images) -> List:
        """Images (T, B, 3, S, S) -> T gate inputs (B, gates * C, N, N, N), all views in one batch, unchecked."""
        views, batch = images.shape[:2]
        return self.project(self.encoder(images.reshape((views * batch,) + images.shape[2:])), views)

    def project(self, codes, views: int) -> List:
        """The codes of T = *views* views (T * B, F) -> T gate inputs (B, gates * C, N, N, N)."""
        # not slices, whose gradients are T arrays of the size of all of them
        inputs = mx.nd.split(self.projection(codes), num_outputs=views, axis=0)
        return inputs if views > 1 else [inputs]

    def absorb(self, code, state):
        """One view: its entry of `encode` and the state (B, C, N, N, N) -> the next state, of the same shape."""
        return self.cell(code, state)

    def decode(self, state):
        """The state after any view (B, C, N, N, N) -> logits (B, 2, V, V, V)."""
        return self.decoder(self.cell.hidden(mx.nd, state))

    def step_graph(self) -> StepGraph:
        """This network as one exportable graph for one view, sharing the parameters."""
        return StepGraph(self)

    def _states(self, images) -> Iterator:
        """Images (T, B, 3, S, S), checked -> the state after each view."""
        check_images(images, self.config.input_size, self._dtype)
        if autograd.is_recording():
            codes = iter(self.encode(images))
        else:
            # Views one by one give the bits that a stream of views gives (a product of more rows is summed in another
            # order), and the memory does not grow with T.
            codes = (self.encode(images[t : t + 1])[0] for t in range(len(images)))
        state = self.begin_state(images.shape[1], images.context)
        for code in codes:
            state = self.absorb(code, state)
            yield state

    @property
    def _dtype(self):
        return self.reference.dtype


class R2N2(ViewNetwork):
    """3D Recurrent Reconstruction Neural Network: the state (B, C, N, N, N) is a grid of recurrent cells.

    Raises:
        ModelError: a configuration that no network can be built from; else as `ViewNetwork`.

    Source: 3D-R2N2 (Choy et al., ECCV 2016).
    """

    def __init__(self, config: ModelConfig, **kwargs):
        super().__init__(**kwargs)
        self.config = config
        cell = CELLS[config.cell]
        channels = config.hidden or config.channels(CHANNELS)
        self.state_shape = (channels, GRID, GRID, GRID)
        self.code_shape = (cell.GATES * channels, GRID, GRID, GRID)
        with self.name_scope():
            self.encoder = Encoder(config)
            self.projection = Projection(cell.GATES, channels, self.encoder.channels)
            self.cell = cell(channels, config.kernel)
            self.decoder = Decoder(config, channels)

    @property
    def reference(self) -> gluon.Parameter:
        """A parameter whose type and devices are those of all."""
        return self.cell.gates.weight

    def hybridize(self, active: bool = True, **options):
        """As in Gluon, but never ``static_shape`` for the cell.

        The cell runs T times inside one recording; under static_shape its gradients are wrong as soon as T changes
        between batches (MXNet 1.9.1, CPU).
        """
        super().hybridize(active, **options)
        self.cell.hybridize(active, **{**options, "static_shape": False})


def occupied_probability(F, logits):
    """Logits (B, 2, V, V, V), empty and occupied -> the probability of occupied (B, V, V, V); F: mx.nd or mx.sym."""
    empty, occupied = F.split(logits, num_outputs=2, axis=1, squeeze_axis=True)
    return F.sigmoid(occupied - empty)  # the softmax of two classes


class StepGraph(HybridBlock):
    """(image (B, 3, S, S), state (B, C, N, N, N)) -> (probability of occupied (B, V, V, V), next state).

    Exact for any number of views; holds no custom operator.
    """

    def __init__(self, net: ViewNetwork, **kwargs):
        super().__init__(**kwargs)
        with self.name_scope():
            self.encoder, self.projection, self.cell, self.decoder = net.encoder, net.projection, net.cell, net.decoder

    def hybrid_forward(self, F, image, state):
        state = self.cell(self.projection(self.encoder(image)), state)
        return occupied_probability(F, self.decoder(self.cell.hidden(F, state))), state
