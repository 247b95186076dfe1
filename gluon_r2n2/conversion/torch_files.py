"""Published weights, step 1 of 3: a PyTorch checkpoint -> arrays by the names of its network, without PyTorch.

Two formats: the zip file that torch.save writes since PyTorch 1.6 (data.pkl and one file per storage), and the older
sequence of pickles (magic number, version, system, content, keys of the storages) with the storages behind it.

Source: torch/serialization.py (`_save`, `_legacy_save`) and torch/_utils.py of PyTorch.
"""
from __future__ import annotations

import collections
import functools
import io
import math
from typing import Any, Callable, Dict, Optional

import numpy as np

from gluon_r2n2.conversion.numpy_files import MAX_BYTES, foreign, open_archive, read_member
from gluon_r2n2.conversion.unpickle import Admitted, StandIn, load
from gluon_r2n2.errors import ModelError

MAGIC = 0x1950A86A20F9469CFC6C  # what a file of the older format begins with, as a pickled integer
STATE_KEYS = ("net_state", "state_dict", "model_state_dict", "model")  # what projects call the network's part
STORAGES = {"DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "LongStorage": "i8",
            "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "b1"}


class Tensor(StandIn):
    """torch._utils._rebuild_tensor_v2: a view of a storage, whose content is read when it is asked for."""

    __slots__ = ("_storage", "_offset", "_shape", "_strides")

    def __init__(self, storage: Storage, offset: int, shape: tuple, strides: tuple, *rest: Any):
        self._storage, self._offset, self._shape, self._strides = storage, offset, shape, strides

    def array(self, read: Callable[[str], bytes]) -> np.ndarray:
        """The values, C-contiguous.

        Raises:
            ValueError: they are not within the storage.
        """
        content = self._storage.values(read)
        numbers = (self._offset,) + tuple(self._shape) + tuple(self._strides)
        # before anything is computed of them: a list for a stride would be repeated as often as an edge says
        if not all(type(number) is int and number >= 0 for number in numbers):
            raise ValueError("a tensor whose place, shape or strides are no whole numbers from 0 on")
        last = self._offset + sum((edge - 1) * step for edge, step in zip(self._shape, self._strides))
        if (len(self._shape) != len(self._strides) or last >= len(content)
                or math.prod(self._shape) > len(content)):  # the last: strides of 0 would multiply it
            raise ValueError(f"a tensor of shape {tuple(self._shape)} over {len(content)} values")
        steps = [step * content.itemsize for step in self._strides]
        view = np.lib.stride_tricks.as_strided(content[self._offset :], self._shape, steps, writeable=False)
        return np.ascontiguousarray(view).reshape(self._shape)


class Parameter(StandIn):
    """torch._utils._rebuild_parameter: the tensor itself."""

    __slots__ = ()

    def __new__(cls, tensor: Tensor, *rest: Any) -> Tensor:  # type: ignore[misc]
        return tensor


class Storage(StandIn):
    """A persistent id ('storage', type, key, device, number of values[, view])."""

    __slots__ = ("key", "count", "_dtype")

    def __init__(self, pid: tuple, order: str):
        kind, dtype, self.key, _, self.count = pid[:5]
        if kind != "storage" or dtype not in STORAGES.values() or any(view is not None for view in pid[5:]):
            raise ValueError("a reference to no plain storage")
        if type(self.key) is not str or type(self.count) is not int or self.count < 0:
            raise ValueError("a reference to no storage")
        self._dtype = np.dtype(order + dtype)

    @property
    def nbytes(self) -> int:
        return self.count * self._dtype.itemsize

    def values(self, read: Callable[[str], bytes]) -> np.ndarray:
        """All values (N,), of *read*, which gives a storage's content by its key."""
        content = read(self.key)
        if len(content) != self.nbytes:
            raise ValueError(f"a storage of {self.count} values with {len(content)} bytes")
        return np.frombuffer(content, self._dtype)


TENSORS: Admitted = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): Tensor,
    ("torch._utils", "_rebuild_parameter"): Parameter,
    **{(module, name): dtype for module in ("torch", "torch.cuda") for name, dtype in STORAGES.items()},
}


def read_state(data: bytes, source: str) -> Dict[str, np.ndarray]:
    """The state dict in a checkpoint, itself or under one of STATE_KEYS; a `module.` before all names is dropped.

    Raises:
        ModelError: the file is none, is damaged, or its pickle names anything but tensors.
    """
    content, read = _read_zip(data, source) if data.startswith(b"PK") else _read_legacy(data, source)
    state = _find_state(content)
    if state is None:
        keys = ", ".join(map(ascii, content)) if isinstance(content, dict) else type(content).__name__
        raise ModelError(f"{source}: holds no state dict ({keys[:80]}), wanted one, by itself or as "
                         f"{' or '.join(STATE_KEYS)}; save net.state_dict()")
    arrays: Dict[str, np.ndarray] = {}
    total = 0
    try:
        for name, tensor in state.items():
            arrays[name] = tensor.array(read)
            total += arrays[name].nbytes
            if total > MAX_BYTES:  # one storage may serve many tensors
                raise ValueError(f"tensors of more than {MAX_BYTES / 1e9:.1f} GB")
    except ModelError:
        raise
    except (ValueError, TypeError, AttributeError, KeyError) as error:  # a tensor may be made of anything
        raise ModelError(f"{source}: is cut short or damaged ({error}); download it again") from None
    if all(name.startswith("module.") for name in arrays):  # saved from inside torch.nn.DataParallel
        arrays = {name[len("module."):]: array for name, array in arrays.items()}
    return arrays


def is_checkpoint(data: bytes) -> bool:
    """Whether *data* begins as a file of PyTorch does; a zip file may also be a .npz file."""
    if data.startswith(b"PK"):
        return b"/data.pkl" in data
    return MAGIC.to_bytes(10, "little") in data[:32]


def _find_state(content: Any) -> Optional[Dict[str, Tensor]]:
    if not isinstance(content, dict):
        return None
    content = dict(content)  # a file may give an OrderedDict attributes of its own, such as `get`
    for found in (content, *(content.get(key) for key in STATE_KEYS)):
        state = dict(found) if isinstance(found, dict) else {}
        if state and all(isinstance(name, str) and isinstance(value, Tensor) for name, value in state.items()):
            return state
    return None


def _read_zip(data: bytes, source: str):
    archive = open_archive(data, source)
    names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(names) != 1:
        raise foreign(data, source)
    folder = names[0][: -len("data.pkl")]
    order = "<"
    if f"{folder}byteorder" in archive.namelist():  # since PyTorch 2.1
        order = ">" if read_member(archive, f"{folder}byteorder", source) == b"big" else "<"
    content = load(io.BytesIO(read_member(archive, names[0], source)), TENSORS, source=source,
                   persistent=lambda pid: Storage(pid, order))
    # each storage once, however many tensors are made of it
    return content, functools.lru_cache(maxsize=None)(lambda key: read_member(archive, f"{folder}data/{key}", source))


def _read_legacy(data: bytes, source: str):
    stream = io.BytesIO(data)
    magic, version, system = (load(stream, {}, source=source) for _ in range(3))
    if magic != MAGIC or version != 1001 or not isinstance(system, dict):
        raise foreign(data, source)
    order = "<" if system.get("little_endian", True) else ">"
    storages: Dict[str, Storage] = {}

    def persistent(pid: tuple) -> Storage:
        storage = Storage(pid, order)
        return storages.setdefault(storage.key, storage)

    content = load(stream, TENSORS, source=source, persistent=persistent)
    keys = load(stream, {}, source=source)
    if type(keys) is not list or not all(type(key) is str and key in storages for key in keys):
        raise ModelError(f"{source}: is damaged, its list of storages is none; download it again")
    contents = {}
    for key in keys:  # each: the number of values in 8 bytes, then the values
        count = int.from_bytes(stream.read(8), "little" if order == "<" else "big")
        if count != storages[key].count:
            raise ModelError(f"{source}: is cut short or damaged (a storage of {count} values, not of "
                             f"{storages[key].count}); download it again")
        contents[key] = stream.read(storages[key].nbytes)
    return content, contents.__getitem__
