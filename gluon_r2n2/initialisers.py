"""Initial values: MSRA weights, orthogonal recurrent weights, trilinear upsampling, biases of 0.1.

Source: 3D-R2N2 (ECCV 2016), section 4; lib/layers.py of the original for n = (fan_in + fan_out) / 2.
"""
from __future__ import annotations

import mxnet as mx
import numpy as np

BIAS = 0.1  # every bias of the original


class Msra(mx.init.Initializer):
    """Normal values of standard deviation sqrt(2 / n), n the mean of fan-in and fan-out.

    He's rule has the fan-in alone. As n is the same in both directions, a transposed convolution, whose input channels
    come first, gets the values of the convolution that it stands for.

    Args:
        gates: how many independent weights are stacked along the first axis; each has its own fan-out.
    """

    def __init__(self, gates: int = 1):
        super().__init__(gates=gates)
        self.gates = gates

    def _init_weight(self, name, array):
        receptive = int(np.prod(array.shape[2:]))
        n = (array.shape[1] + array.shape[0] / self.gates) * receptive / 2
        mx.nd.random.normal(0, float(np.sqrt(2 / n)), array.shape, ctx=array.ctx, out=array)


class Orthogonal(mx.init.Initializer):
    """Orthonormal rows from the singular value decomposition of a random matrix, for recurrent convolutions.

    A weight (gates * C, C, k, k, k) is filled gate by gate with (C, C k^3) matrices. This is the paper's rule. The
    released code has a routine for it as well ('orth'), asks for an SVD of a square matrix with as many rows as the
    weight has entries, and never calls it: there recurrent weights are Msra's too.
    """

    def __init__(self, gates: int = 1):
        super().__init__(gates=gates)
        self.gates = gates

    def _init_weight(self, name, array):
        rows, columns = array.shape[0] // self.gates, int(np.prod(array.shape[1:]))
        blocks = []
        for _ in range(self.gates):
            random = mx.nd.random.normal(0, 1, (rows, columns), ctx=array.ctx).asnumpy()
            u, _, v = np.linalg.svd(random, full_matrices=False)
            blocks.append(u @ v)  # the nearest matrix with orthonormal rows
        array[:] = np.concatenate(blocks).reshape(array.shape)


class Trilinear(mx.init.Initializer):
    """The kernel that makes a strided transposed convolution interpolate trilinearly.

    MXNet's own Bilinear repeats one 2D kernel over the depth of a 5-D weight and sums to twice the right value.
    A grouped weight (C, 1, k, k, k) gets the kernel everywhere, a dense one (C_in, C_out, k, k, k) on its diagonal.
    """

    def _init_weight(self, name, array):
        size = array.shape[-1]
        factor = (size + 1) // 2
        centre = factor - 1 if size % 2 else factor - 0.5
        ramp = 1 - np.abs(np.arange(size) - centre) / factor
        kernel = ramp[:, None, None] * ramp[:, None] * ramp
        weight = np.zeros(array.shape, np.float32)
        channels = np.arange(array.shape[0])
        weight[channels, channels if array.shape[1] > 1 else 0] = kernel
        array[:] = weight


def initialise(net, ctx=None, seed: int = 0) -> None:
    """Fill all parameters of *net* by the rules above; the same seed gives the same values.

    But for the last bits of recurrent weights at large widths: the singular value decomposition sums in another order
    with another number of threads (OMP_NUM_THREADS) and on another kind of processor.

    Args:
        net: a network of `gluon_r2n2.get_model`.
        ctx: one context or a list of them; the CPU by default. Values are equal on all.
        seed: of MXNet's random stream.
    """
    mx.random.seed(seed)
    unnamed = mx.init.MSRAPrelu("in", slope=0)  # for layers that name no rule of their own: those of a backbone
    net.initialize(unnamed, ctx=ctx or mx.cpu(), force_reinit=True)
