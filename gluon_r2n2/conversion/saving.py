"""Published weights, step 3 of 3: parameters by name -> a file of MXNet's format, and proof of what it holds."""
from __future__ import annotations

import dataclasses
import hashlib
from pathlib import Path
from typing import Dict, Tuple, Union

import mxnet as mx
import numpy as np

from gluon_r2n2.config import ModelConfig
from gluon_r2n2.errors import ModelError
from gluon_r2n2.files import atomic_path
from gluon_r2n2.network import R2N2
from gluon_r2n2.training.arrays import set_parameters, write_arrays


@dataclasses.dataclass(frozen=True)
class Verification:
    """What a written file holds, for two people to compare."""

    fingerprint: str  # see `fingerprint`: equal bit for bit, or another one
    shape: Tuple[int, ...]  # of the logits of `probe`
    mean: float  # of the logits of occupied; differs in the 6th digit or so between processors, as do the next two
    least: float
    most: float


def save_weights(arrays: Dict[str, np.ndarray], path: Union[str, Path]) -> None:
    """Write parameters by name so that a network's `load_parameters(path)` reads them; *path* appears whole or not.

    Raises:
        OSError: the folder is absent, read-only or full.
    """
    with atomic_path(path) as temporary:
        write_arrays(temporary, {name: mx.nd.array(array, dtype=array.dtype) for name, array in arrays.items()})


def load_weights(path: Union[str, Path]) -> Dict[str, np.ndarray]:
    """The arrays in a file that `save_weights` or a network's `save_parameters` wrote.

    Raises:
        ModelError: it is no such file.
    """
    if not Path(path).is_file():
        raise ModelError(f"{path}: no such file; give a file of weights, such as tools/import_weights.py writes")
    try:
        arrays = mx.nd.load(str(path))
    except mx.MXNetError as error:
        raise ModelError(f"{path}: is not a file of MXNet's parameters ({str(error).splitlines()[-1]})") from None
    if not isinstance(arrays, dict):
        raise ModelError(f"{path}: holds arrays without names, wanted a network's parameters")
    return {name: array.asnumpy() for name, array in arrays.items()}


def load_weights_into(net: R2N2, path: Union[str, Path]) -> Dict[str, np.ndarray]:
    """Give *net* the parameters in *path*, on the CPU; also return them by name.

    Raises:
        ModelError: the file is not one of this network's parameters.
    """
    arrays = load_weights(path)
    set_parameters(net, {name: mx.nd.array(array) for name, array in arrays.items()}, [mx.cpu()], source=path)
    return arrays


def fingerprint(arrays: Dict[str, np.ndarray]) -> str:
    """A SHA-256 sum over names, shapes, types and values, the same whatever file they come from."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        digest.update(f"{name} {array.shape} {array.dtype.str}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def probe(size: int) -> np.ndarray:
    """Two views (2, 1, 3, size, size) in [0, 1] that everybody can make: the bytes 0, 37, 74, ... modulo 256."""
    count = 2 * 3 * size * size
    return (np.arange(count) * 37 % 256 / 255).astype(np.float32).reshape(2, 1, 3, size, size)


def verify(path: Union[str, Path], config: ModelConfig) -> Verification:
    """Read *path* back into the network of *config* and run it on `probe`, on the CPU.

    Raises:
        ModelError: the file is not one of this network's parameters.
    """
    network = R2N2(config)
    arrays = load_weights_into(network, path)
    logits = network(mx.nd.array(probe(config.input_size))).asnumpy()
    occupied = logits[:, 1]  # (B, 2, V, V, V) -> (B, V, V, V)
    return Verification(fingerprint(arrays), logits.shape, float(occupied.mean()), float(occupied.min()),
                        float(occupied.max()))
