"""Published weights, step 1 of 3: .npy and .npz files -> the original's list of arrays.

Source: the formats of numpy.lib.format; what the original writes is a .npy file of one pickled array of arrays.
"""
from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from typing import Dict, List, Union

import numpy as np
from numpy.lib import format as npy

from gluon_r2n2.conversion.original import in_original_order
from gluon_r2n2.conversion.unpickle import ARRAYS, StoredArray, array_of, load
from gluon_r2n2.errors import ModelError

MAX_BYTES = 4 << 30  # of a file, and of what an archive unpacks to; a checkpoint with an optimiser has 0.5 GB
MAX_HEADER = 1 << 16  # bytes; that of an array of arrays has 118

NPY_MAGIC, ZIP_MAGIC = b"\x93NUMPY", b"PK"


def read_original(path: Union[str, Path]) -> List[np.ndarray]:
    """The arrays of a .npy or .npz file in the original's order and layouts, of whatever number type they have.

    A .npy file holds one pickled array of arrays, as the original writes it. A .npz file holds the same under one
    name, or the arrays as arr_0, arr_1, ..., or named by layer and role ('conv1a.W', see `original_parameters`).
    Nothing that a file says is run, and no more is allocated than it holds.

    Raises:
        ModelError: another kind of file, a damaged one, or one whose pickle names anything but arrays.
        OSError: the file cannot be read.
    """
    return original_list(read_bytes(path), str(path))


def original_list(data: bytes, source: str) -> List[np.ndarray]:
    """`read_original` of a file's content."""
    if data.startswith(ZIP_MAGIC):
        return _list_of_npz(data, source)
    if not data.startswith(NPY_MAGIC):
        raise foreign(data, source)
    content = _read_npy(data, source)
    if isinstance(content, np.ndarray):
        raise ModelError(f"{source}: holds one array of shape {content.shape}, not the original's list of arrays; "
                         "check that it is the file you mean")
    return content


def read_bytes(path: Union[str, Path]) -> bytes:
    """A whole file of weights.

    Raises:
        ModelError: it is a folder, or larger than any such file.
        OSError: it cannot be read.
    """
    path = Path(path)
    if path.is_dir():
        raise ModelError(f"{path}: is a folder; give the file with the weights")
    if path.stat().st_size > MAX_BYTES:
        raise ModelError(f"{path}: has {path.stat().st_size / 1e9:.1f} GB, more than any file of weights of these "
                         "networks; check that it is the file you mean")
    return path.read_bytes()


def foreign(data: bytes, source: str) -> ModelError:
    """The error for a file that is none of those read here."""
    start = data[:1024].lstrip().lower()
    if not data:
        return ModelError(f"{source}: is empty; download it again")
    if start.startswith((b"<!doctype", b"<html", b"<?xml", b"<head")):
        return ModelError(f"{source}: is a web page, not weights: the server sent a message in their place; open the "
                          "file in a browser to read it, then download again")
    kind = "a file of another kind" if b"\0" in data[:1024] else "text"
    return ModelError(f"{source}: is {kind}, not weights; wanted the original's .npy file, a .npz file, or a "
                      "checkpoint of PyTorch")


def open_archive(data: bytes, source: str) -> zipfile.ZipFile:
    """A zip file whose members together do not unpack to more than MAX_BYTES."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except Exception as error:  # besides BadZipFile, whatever a damaged entry leads to
        raise ModelError(f"{source}: is cut short or damaged ({error}); download it again") from None
    total = sum(member.file_size for member in archive.infolist())
    if total > MAX_BYTES:
        raise ModelError(f"{source}: unpacks to {total / 1e9:.1f} GB, more than any file of weights of these networks; "
                         "check that it is the file you mean")
    return archive


def read_member(archive: zipfile.ZipFile, name: str, source: str) -> bytes:
    """One file of an archive, no more of it than its entry says."""
    try:
        return archive.read(name)
    except Exception as error:  # as above
        raise ModelError(f"{source}: {name!a} in it is missing, cut short or damaged ({error}); "
                         "download it again") from None


def _list_of_npz(data: bytes, source: str) -> List[np.ndarray]:
    with open_archive(data, source) as archive:
        members = {name[: -len(".npy")]: name for name in archive.namelist() if name.endswith(".npy")}
        contents = {name: _read_npy(read_member(archive, member, source), f"{source}: {name!a}")
                    for name, member in members.items()}
    lists = [content for content in contents.values() if isinstance(content, list)]
    if len(contents) == 1 and lists:
        return lists[0]
    if not contents or lists:
        raise ModelError(f"{source}: wanted an archive of arrays or of one array of arrays, it has {len(contents)} "
                         f"entries, {len(lists)} of them arrays of arrays; check that it is the file you mean")
    return _ordered(contents, source)


def _ordered(arrays: Dict[str, np.ndarray], source: str) -> List[np.ndarray]:
    """By number where all are called arr_N (arr_10 comes after arr_9), else by the original's layers."""
    if all(re.fullmatch(r"arr_\d+", name) for name in arrays):
        if set(arrays) != {f"arr_{i}" for i in range(len(arrays))}:
            raise ModelError(f"{source}: holds {len(arrays)} arrays that are not numbered arr_0 to "
                             f"arr_{len(arrays) - 1}; one is missing, so save them anew")
        return [arrays[f"arr_{i}"] for i in range(len(arrays))]
    return in_original_order(arrays, source=source)


def _read_npy(data: bytes, source: str) -> Union[np.ndarray, List[np.ndarray]]:
    """The array of numbers that a .npy file holds, or the list that an array of arrays is."""
    stream = io.BytesIO(data)
    try:
        version = npy.read_magic(stream)
        readers = {(1, 0): (npy.read_array_header_1_0, 2), (2, 0): (npy.read_array_header_2_0, 4)}
        reader, width = readers[version]
        length = int.from_bytes(data[stream.tell() : stream.tell() + width], "little")
        if length > MAX_HEADER:
            raise ValueError(f"a header of {length} bytes")
        shape, fortran, dtype = reader(stream)
    except Exception as error:  # the header is an expression of Python; reading a bad one can raise whatever there is
        raise ModelError(f"{source}: cannot be read, the header of the .npy file is damaged or of an unknown version "
                         f"({error}); download it again") from None
    if dtype.hasobject:
        return _list_of_objects(stream, shape, source)
    if dtype.kind not in "biuf":
        raise ModelError(f"{source}: holds {dtype}, wanted numbers; check that it is the file you mean")
    try:
        return array_of(data[stream.tell() :], dtype, shape, "F" if fortran else "C")
    except ValueError as error:
        raise ModelError(f"{source}: is cut short or damaged ({error}); download it again") from None


def _list_of_objects(stream: io.BytesIO, shape: tuple, source: str) -> List[np.ndarray]:
    stored = load(stream, ARRAYS, source=source)
    if not isinstance(stored, StoredArray) or not isinstance(stored.value, list) or shape != (len(stored.value),):
        raise ModelError(f"{source}: does not hold the one list of {shape} arrays that its header announces; "
                         "download it again")
    for position, item in enumerate(stored.value):
        if not isinstance(item, StoredArray) or not isinstance(item.value, np.ndarray):
            raise ModelError(f"{source}: entry {position} of its list is no array of numbers; check that it is the "
                             "file you mean")
    return [item.value for item in stored.value]
