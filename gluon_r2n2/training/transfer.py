"""Trained parameters -> the first values of another network: those whose name and shape fit."""
from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Dict, List, Optional, Tuple, Union

import mxnet as mx
import numpy as np
from mxnet import gluon

from gluon_r2n2.errors import ModelError
from gluon_r2n2.training.arrays import get_parameters, named_parameters, set_parameters

Shape = Optional[Tuple[int, ...]]  # None: there is no such parameter


@dataclasses.dataclass(frozen=True)
class Transfer:
    """What a network has taken over.

    Attributes:
        taken: names of the parameters that have the values of the source, in the order of the network.
        wanted: how many parameters the network has.
        left: (name, shape in the source, shape in the network) of the others, and of what the source has besides.
    """

    taken: Tuple[str, ...]
    wanted: int
    left: Tuple[Tuple[str, Shape, Shape], ...]

    def reasons(self) -> List[str]:
        """A line for each of `left`."""
        return [f"{name}: {_text(there)} there, {_text(here)} here" for name, there, here in self.left]


def transfer_parameters(net: gluon.Block, arrays: Dict[str, mx.nd.NDArray], contexts: List[mx.Context], *,
                        source: Union[str, Path]) -> Transfer:
    """Give *net* those of *arrays* that it has a parameter of the same name and shape for; the others stay.

    Args:
        net: initialised on *contexts*.
        arrays: parameters by their place in a network, of any floating-point type.
        contexts: the devices.
        source: where the arrays come from, for the error.

    Raises:
        ModelError: nothing fits.
    """
    wanted = named_parameters(net)
    there = {name: tuple(array.shape) for name, array in arrays.items()}
    here = {name: tuple(parameter.shape) for name, parameter in wanted.items()}
    taken = tuple(name for name in here if here[name] == there.get(name))
    if not taken:
        raise ModelError(f"{source}: none of its {len(arrays)} parameters fits one of the {len(wanted)} of this "
                         "network in name and shape; choose network flags (--width, ...) nearer to it, or leave "
                         "--init-from out")
    fitting = {name: arrays[name].astype(np.dtype(wanted[name].dtype)) for name in taken}
    set_parameters(net, {**get_parameters(net), **fitting}, contexts, source=source)
    left = tuple((name, there.get(name), here.get(name)) for name in {**here, **there}
                 if name not in fitting)
    return Transfer(taken, len(wanted), left)


def _text(shape: Shape) -> str:
    return "none" if shape is None else str(shape)
