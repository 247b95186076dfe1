"""Published weights, step 1 of 3: pickled arrays -> NumPy arrays, through an unpickler that runs nothing of a file's.

A pickle is a program: it names functions and calls them. Here each name is looked up in a table of stand-ins of ours,
and a name that is not in it ends the reading. NumPy's own functions are not called either: what the pickle says about
an array (shape, type, bytes) is collected and checked first, so none is larger than the bytes that are there.

Sources: the documentation of Python's `pickle` ("Restricting Globals") and the formats that ndarray.__reduce_ex__ and
dtype.__reduce__ of NumPy 1 and 2 write, Python 2 included.
"""
from __future__ import annotations

import math
import pickle
import re
from typing import Any, BinaryIO, Callable, Dict, List, Optional, Tuple, Union

import numpy as np

from gluon_r2n2.errors import ModelError

OBJECT = "object"  # the type of an array of arrays, as StoredType gives it


class StandIn:
    """Base of what a pickle may name: an instance or the class itself refuses a state that it has no use for.

    Without a `__setstate__` the unpickler would set the attributes that a file asks for.
    """

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        raise ValueError("an unexpected state")


class StoredType(StandIn):
    """numpy.dtype: a plain number type or that of an array of arrays."""

    __slots__ = ("_code", "_order")

    def __init__(self, code: Union[str, bytes], align: bool = False, copy: bool = False):
        self._code, self._order = _text(code), "="

    def __setstate__(self, state: tuple) -> None:
        # (version, byte order, subtype, names, fields, size, alignment, flags[, metadata])
        if len(state) < 5 or any(part is not None for part in state[2:5]):
            raise ValueError("a structured array")
        self._order = {"|": "="}.get(_text(state[1]), _text(state[1]))

    def dtype(self) -> Union[np.dtype, str]:
        """A plain NumPy type, or OBJECT."""
        if re.fullmatch(r"O[48]?", self._code):
            return OBJECT
        if not re.fullmatch(r"[fiu][1248]|b1", self._code) or self._order not in ("<", ">", "="):
            raise ValueError(f"an array of type {self._code!r}")
        return np.dtype(self._order + self._code)


class StoredArray(StandIn):
    """numpy.core.multiarray._reconstruct and the state that follows it: an array of numbers, or a list of them."""

    __slots__ = ("value",)

    def __init__(self, kind: Any = None, shape: Any = None, code: Any = None):  # (ndarray, (0,), b'b'): says nothing
        self.value: Union[np.ndarray, List[Any], None] = None

    def __setstate__(self, state: tuple) -> None:
        shape, stored, fortran, content = state[-4:]  # a version number comes first, except in the oldest files
        dtype = stored.dtype()
        if dtype == OBJECT:
            if type(content) is not list or len(shape) != 1 or shape[0] != len(content):
                raise ValueError(f"an array of objects that are not one list of {shape}")
            self.value = content
        else:
            self.value = array_of(content, dtype, shape, "F" if fortran else "C")


class StoredBuffer(StandIn):
    """numpy.core.numeric._frombuffer, which protocol 5 uses in place of a state."""

    __slots__ = ()

    def __new__(cls, content: bytes, stored: StoredType, shape: tuple, order: str):  # type: ignore[misc]
        array = StoredArray()
        array.value = array_of(content, stored.dtype(), shape, order)
        return array


class StoredBytes(StandIn):
    """_codecs.encode: how Python 3 writes bytes in protocols 0 to 2."""

    __slots__ = ()

    def __new__(cls, text: str, encoding: str) -> bytes:  # type: ignore[misc]
        if encoding != "latin1":
            raise ValueError(f"bytes written as {encoding!r}")
        return text.encode("latin1")


Admitted = Dict[Tuple[str, str], Any]

ARRAYS: Admitted = {
    ("numpy", "ndarray"): None,  # only ever an argument, of _reconstruct
    ("numpy", "dtype"): StoredType,
    ("_codecs", "encode"): StoredBytes,
}
for _core in ("numpy.core", "numpy._core"):  # NumPy 1 and 2
    ARRAYS[f"{_core}.multiarray", "_reconstruct"] = StoredArray
    ARRAYS[f"{_core}.numeric", "_frombuffer"] = StoredBuffer


def array_of(content: bytes, dtype: np.dtype, shape: tuple, order: str = "C") -> np.ndarray:
    """A read-only array over *content*, whose length must be that of *shape*.

    Raises:
        ValueError: it is not, or the shape is none.
    """
    if not all(type(edge) is int and edge >= 0 for edge in shape):
        raise ValueError(f"an array of the shape {shape!r}")
    wanted = math.prod(shape) * dtype.itemsize  # of Python's integers, which do not overflow
    if len(content) != wanted:
        raise ValueError(f"an array of shape {tuple(shape)} that wants {wanted} bytes and has {len(content)}")
    return np.frombuffer(content, dtype).reshape(shape, order=order)


def load(stream: BinaryIO, admitted: Admitted, *, source: str,
         persistent: Optional[Callable[[Any], Any]] = None) -> Any:
    """Read one pickle of any protocol from *stream*, which is left behind its end.

    Args:
        admitted: what stands in for (module, name); any other name is refused.
        source: the file's name, for errors.
        persistent: what to do with a persistent id (PyTorch's storages); without it one is refused.

    Raises:
        ModelError: the pickle names something else, is damaged or cut short, or claims more than it holds.
    """
    try:
        return _Unpickler(stream, admitted, source, persistent).load()
    except ModelError:
        raise
    except Exception as error:  # the bytes are anybody's: unpickling them can raise whatever there is
        reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__} {error}".strip()
        raise ModelError(f"{source}: cannot be read, it is cut short, damaged or no file of weights ({reason}); "
                         "download it again") from None


class _Unpickler(pickle._Unpickler):  # type: ignore[name-defined]
    """The one of `pickle` that is written in Python: the other allocates what a file claims before it reads it."""

    def __init__(self, stream: BinaryIO, admitted: Admitted, source: str, persistent):
        super().__init__(stream, encoding="bytes")  # what Python 2 called str: the content of its arrays
        self._admitted, self._source, self._persistent = admitted, source, persistent

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._admitted:
            raise ModelError(f"{self._source}: refused, because its pickle asks for {ascii(f'{module}.{name}')}, "
                             "which weights have no need of; nothing was run. If you trust the file, save its arrays "
                             "anew with numpy.savez, or the state_dict() of a PyTorch network")
        return self._admitted[module, name]

    def persistent_load(self, pid: Any) -> Any:
        if self._persistent is None:
            raise ValueError("a reference to another file")
        return self._persistent(pid)


def _text(value: Union[str, bytes]) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else value
