"""Stage 4, the door: what is handed to a network as images must be images that it can see."""
from __future__ import annotations

import mxnet as mx
import numpy as np
from mxnet import autograd

from gluon_r2n2.errors import ModelError


def check_images(images: mx.nd.NDArray, side: int, dtype) -> None:
    """Check the shape, the type and, outside of `autograd.record`, the values of a network's input.

    Args:
        images: should be (T, B, 3, side, side), T and B at least 1, of *dtype*, finite.

    Raises:
        ModelError: it is not.
    """
    if not isinstance(images, mx.nd.NDArray):
        raise ModelError(f"images as an mx.nd.NDArray are wanted, got {type(images).__name__}; give "
                         "mx.nd.array(images)")
    shape, dtype, given = images.shape, np.dtype(dtype).name, np.dtype(images.dtype).name
    wanted = f"images of shape (views, batch, 3, {side}, {side}) are wanted, got {shape}"
    if len(shape) == 4:
        raise ModelError(f"{wanted}; add the axis of the views in front: images.expand_dims(0)")
    if len(shape) != 5:
        raise ModelError(wanted)
    if shape[2] != 3 and shape[4] == 3:
        raise ModelError(f"{wanted}; the channels come before the rows: images.transpose((0, 1, 4, 2, 3))")
    if shape[3] != shape[4]:
        raise ModelError(f"{wanted}; cut the pictures to a square first")
    if shape[3] != side:
        raise ModelError(f"{wanted}; resize the pictures, or build the network with input_size={shape[3]}")
    if shape[2] != 3:
        raise ModelError(f"{wanted}; the network sees red, green and blue")
    if given != dtype:
        scale = " / 255" if given == "uint8" else ""
        raise ModelError(f"images of type {dtype} in [0, 1] are wanted, got {given}; give "
                         f"images.astype('{dtype}'){scale}")
    if autograd.is_recording():
        return  # looking at the values would make every training step wait for the one before
    # max-pooling can swallow a NaN, so that the output would look sound
    finite = np.isfinite(images.asnumpy())
    if not finite.all():
        view, sample = np.argwhere(~finite)[0][:2]
        raise ModelError(f"the images hold NaN or infinite values, first in view {view} of sample {sample}; mend the "
                         "pictures or what prepares them")
