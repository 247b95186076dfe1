"""A network's parameters <-> arrays by name, and such arrays -> a file of MXNet's own format."""
from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Container, Dict, List, Optional, Union

import mxnet as mx
import numpy as np
from mxnet import gluon

from gluon_r2n2.errors import ModelError

ADVICE = "use the network flags (--model, --width, ...) that it was trained with, or another checkpoint"

STATISTICS = ("running_mean", "running_var")  # ends of the names of what batch normalisation keeps without learning


def named_parameters(net: gluon.Block) -> Dict[str, gluon.Parameter]:
    """The parameters by their place in the network (`encoder.stage1.conv.weight`), in the order of the blocks.

    Unlike Gluon's own names these do not depend on how many networks the process has made before.
    """
    return net._collect_params_with_prefix()  # what save_parameters writes


def get_parameters(net: gluon.Block, *, only: Optional[Container[str]] = None) -> Dict[str, mx.nd.NDArray]:
    """The parameters by their place in the network; running statistics as their mean over the devices.

    Waits for all that is under way: while MXNet 1.9.1's Deconvolution runs on the CPU, it has the axes of its weight
    swapped in place, and who reads it then gets it so.

    Args:
        only: their places, where not all are wanted.
    """
    mx.nd.waitall()
    # of the others a mean over devices would round what is equal, and a resumed run would differ
    return {name: parameter._reduce() if name.endswith(STATISTICS) else parameter.data(parameter.list_ctx()[0])
            for name, parameter in named_parameters(net).items() if only is None or name in only}


def set_parameters(net: gluon.Block, arrays: Dict[str, mx.nd.NDArray], contexts: List[mx.Context], *,
                   source: Union[str, Path]) -> None:
    """Give *net* the parameters *arrays* on *contexts*, also where the network has been used before.

    Every parameter gets a fresh array: an inference forward leaves 3D convolution weights in oneDNN's own layout,
    and writing into those fails (`set_data`, `load_parameters`: "Check failed: to.IsDefaultData()").

    Raises:
        ModelError: a parameter is missing, is too many, or has another shape; *source* is named in it.
    """
    parameters = named_parameters(net)
    missing, unknown = sorted(set(parameters) - set(arrays)), sorted(set(arrays) - set(parameters))
    if missing or unknown:
        raise ModelError(f"{source}: holds another architecture: "
                         + (f"{_some(missing)} of this network missing" if missing else "")
                         + ("; " if missing and unknown else "")
                         + (f"{_some(unknown)} unknown to this network" if unknown else "") + f"; {ADVICE}")
    for name, parameter in parameters.items():
        if parameter.shape != arrays[name].shape:
            raise ModelError(f"{source}: holds another architecture: parameter {name} has shape "
                             f"{tuple(arrays[name].shape)} there, this network wants {tuple(parameter.shape)}; "
                             f"{ADVICE}")
    for name, parameter in parameters.items():
        parameter._data, parameter._deferred_init = None, ()
        parameter._load_init(arrays[name], contexts)


def write_arrays(path: Path, arrays: Dict[str, mx.nd.NDArray]) -> None:
    """mx.nd.save, with an OSError where the disk is full.

    MXNet reports that as an MXNetError, or not at all where just the last buffer does not fit: hence the reading.
    """
    try:
        mx.nd.save(str(path), arrays)
        mx.nd.load(str(path))
    except mx.MXNetError:
        needed = sum(array.size * np.dtype(array.dtype).itemsize for array in arrays.values())
        if shutil.disk_usage(path.parent).free < needed:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path)) from None
        raise OSError(errno.EIO, "could not be written whole; check the disk, its quota and the limit on file sizes",
                      str(path)) from None


def _some(names: List[str]) -> str:
    return f"{len(names)} parameters ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
