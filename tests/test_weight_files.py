"""Files of published weights as other software wrote them, damaged ones, and ones meant to harm."""
from __future__ import annotations

import io
import os
import pickle
import struct
import subprocess
import zipfile

import numpy as np
import published_files
import pytest
from published_files import PAIR, QUARTERS, TensorLike, objects, write_npy, write_torch

import gluon_r2n2
from gluon_r2n2.conversion import original_parameters, read_original, read_published
from gluon_r2n2.errors import ModelError


def same(found, wanted):
    assert [(a.dtype, a.shape) for a in found] == [(np.dtype(b.dtype), b.shape) for b in wanted]
    return all(np.array_equal(a, b) for a, b in zip(found, wanted))


def refused(path, *words):
    with pytest.raises(ModelError) as caught:
        read_published(path)
    message = str(caught.value)
    assert str(path) in message and "\n" not in message
    for word in words:
        assert word in message, message


# ---- NumPy

@pytest.mark.parametrize("content", [published_files.PYTHON_2, published_files.NUMPY_2], ids=["python2", "numpy2"])
def test_files_of_other_versions(tmp_path, content):
    (tmp_path / "weights.npy").write_bytes(content)
    assert same(read_original(tmp_path / "weights.npy"), PAIR)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_all_protocols_orders_and_types(tmp_path, protocol):
    arrays = PAIR + [np.asfortranarray(QUARTERS), QUARTERS.astype(">f4"), QUARTERS.astype(np.float16),
                     QUARTERS[:, ::2], np.ones((1, 1), np.int64)]
    assert same(read_original(write_npy(tmp_path / "weights.npy", arrays, protocol)), arrays)


def test_archives(tmp_path):
    config = gluon_r2n2.model_config("gru_3", width=0.25, input_size=32)
    arrays = [np.full(parameter.shape, i, np.float32) for i, parameter in enumerate(original_parameters(config))]
    np.savez(tmp_path / "numbered.npz", *arrays)  # arr_10 comes after arr_9
    names = [parameter.name for parameter in original_parameters(config)]
    np.savez_compressed(tmp_path / "named.npz", **dict(sorted(zip(names, arrays), reverse=True)))
    np.savez(tmp_path / "objects.npz", objects(arrays))
    for name in ("numbered", "named", "objects"):
        assert same(read_original(tmp_path / f"{name}.npz"), arrays), name


def test_archives_of_something_else(tmp_path):
    np.savez(tmp_path / "gap.npz", arr_0=QUARTERS, arr_2=QUARTERS)
    refused(tmp_path / "gap.npz", "arr_0 to arr_1")
    np.savez(tmp_path / "names.npz", **{"conv1.W": QUARTERS, "conv12.W": QUARTERS})
    refused(tmp_path / "names.npz", "'conv12.W'")
    np.savez(tmp_path / "mixed.npz", **{"conv1a.W": QUARTERS, "in_gate_b.b": QUARTERS})
    refused(tmp_path / "mixed.npz", "no network")
    np.savez(tmp_path / "two.npz", objects(PAIR), objects(PAIR))
    refused(tmp_path / "two.npz", "2 of them arrays of arrays")
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    refused(tmp_path / "other.npz", "0 entries")


# ---- files that are damaged, or something else

def test_files_of_other_kinds(tmp_path):
    path = tmp_path / "weights.npy"
    for content, words in [(b"", "is empty"), (b"<!DOCTYPE html>\n<html>404", "web page"),
                           (b"\n <HTML><body>Sorry", "web page"), (b"404: Not Found", "is text"),
                           (b"\x00\x01binary", "file of another kind"), (b"PK\x03\x04 no zip", "cut short or damaged"),
                           (b"\x93NUMPY\x09\x00", "header"), (b"\x93NUMPY\x01\x00\xff\xff{", "header"),
                           (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr", "header"),
                           (b"\x93NUMPY\x01\x00\x04\x00" + b"((((", "header")]:
        path.write_bytes(content)
        refused(path, words)
    refused(tmp_path, "is a folder")
    with pytest.raises(FileNotFoundError):
        read_published(tmp_path / "absent.npy")
    np.save(path, QUARTERS)
    refused(path, "one array of shape (2, 3)")
    np.save(path, np.array(["text"]))
    refused(path, "wanted numbers")
    np.savez(tmp_path / "text.npz", np.array(["text"]))
    refused(tmp_path / "text.npz", "wanted numbers")


@pytest.mark.parametrize("kind", ["npy", "npz", "pth", "old.pth"])
def test_every_truncation_is_said(tmp_path, kind):
    path = tmp_path / f"weights.{kind}"
    if kind == "npz":
        np.savez(path, objects(PAIR))
        whole = path.read_bytes()
    else:
        whole = {"npy": published_files.PYTHON_2, "pth": published_files.TORCH_ZIP,
                 "old.pth": published_files.TORCH_OLD}[kind]
    for length in range(0, len(whole), 1 if kind == "npy" else 7):
        path.write_bytes(whole[:length])
        with pytest.raises(ModelError):
            read_published(path)


def test_no_byte_changed_anywhere_ends_in_a_traceback(tmp_path):
    for whole in (published_files.PYTHON_2, published_files.NUMPY_2, published_files.TORCH_OLD):
        random = np.random.RandomState(0)
        for _ in range(400):
            spoilt = bytearray(whole)
            spoilt[random.randint(len(whole))] = random.randint(256)
            (tmp_path / "weights").write_bytes(bytes(spoilt))
            try:
                read_published(tmp_path / "weights")
            except ModelError:
                pass


FLOAT32 = b"cnumpy\ndtype\n(S'f4'\nK\x00K\x01tR(K\x03S'<'\nNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"


def array_pickle(state, dtype=FLOAT32):
    """A pickle of an array of one array whose state is *state*, itself a pickle's piece; protocol 1."""
    inner = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tS'b'\ntR(" + state % dtype + b"tb"
    outer = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(K\x00tS'b'\ntR(K\x01(K\x01t"
    objects_type = b"cnumpy\ndtype\n(S'O8'\nK\x00K\x01tR(K\x03S'|'\nNNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
    return outer + objects_type + b"I00\n(l" + inner + b"atb."


def test_a_pickle_by_hand(tmp_path):
    state = b"K\x01(K\x01t%sI00\nS'\\x00\\x00\\x80\\x3f'\n"
    assert same(read_original(write_npy(tmp_path / "w.npy", array_pickle(state), count=1)), [np.ones(1, np.float32)])


@pytest.mark.parametrize("state", [
    b"K\x01(I1000000000000000\nt%sI00\nS'\\x00\\x00\\x80\\x3f'\n",  # a petabyte, it says
    b"K\x01(I1000000000000\nI1000000000000\nI1000000000000\nt%sI00\nS''\n",
    b"K\x01(I-1\nt%sI00\nS'\\x00\\x00\\x80\\x3f'\n",
    b"K\x01(K\x02t%sI00\nS'\\x00\\x00\\x80\\x3f'\n",
    b"K\x01(F1.0\nt%sI00\nS'\\x00\\x00\\x80\\x3f'\n",
    b"K\x01(K\x01t%sI00\nN",
    b"K\x01(K\x01t%sI00\n(lK\x01a",
    b"K\x01Nt%s",
])
def test_lying_arrays(tmp_path, state):
    refused(write_npy(tmp_path / "w.npy", array_pickle(state), count=1), "w.npy")


@pytest.mark.parametrize("dtype", [b"cnumpy\ndtype\n(S'M8[s]'\nK\x00K\x01tR", b"cnumpy\ndtype\n(S'V4'\nK\x00K\x01tR",
                                   b"cnumpy\ndtype\n(S'O8'\nK\x00K\x01tR", b"S'f4'\n", b"N",
                                   b"cnumpy\ndtype\n(S'f4'\nK\x00K\x01tR(K\x03S'<'\nS'a'\nNNK\x01K\x01K\x00tb"])
def test_other_types_of_arrays(tmp_path, dtype):
    content = array_pickle(b"K\x01(K\x01t%sI00\nS'\\x00\\x00\\x80\\x3f'\n", dtype)
    refused(write_npy(tmp_path / "w.npy", content, count=1), "w.npy")


@pytest.mark.parametrize("content", [
    b"\x80\x04\x8e" + struct.pack("<Q", 1 << 50) + b"abc.",  # bytes of a petabyte
    b"\x80\x05\x96" + struct.pack("<Q", 1 << 50) + b"abc.",  # a bytearray of one
    b"\x80\x04\x95" + struct.pack("<Q", 1 << 50) + b"abc.",  # a frame of one
    b"\x80\x02Nr" + struct.pack("<I", (1 << 32) - 1) + b".",  # four billion memos
    b"\x80\x02\x8b" + struct.pack("<i", (1 << 31) - 1) + b".",  # an integer of two gigabytes
    b"(" * 100_000 + b".", b"]" * 100_000 + b".", b"N.", b"K\x01.", b"(lK\x01a.", b"}.", b".", b"Q", b"\xff",
], ids=lambda content: repr(content[:4]))
def test_claims_are_not_believed(tmp_path, content):
    refused(write_npy(tmp_path / "w.npy", content, count=1), "w.npy")


def test_claims_in_headers_and_archives(tmp_path, monkeypatch):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (1 << 50,)})
    (tmp_path / "w.npy").write_bytes(header.getvalue() + b"abc")
    refused(tmp_path / "w.npy", "wants 4503599627370496 bytes and has 3")
    with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
        archive.writestr("arr_0.npy", header.getvalue() + b"abc")
    refused(tmp_path / "w.npz", "wants 4503599627370496 bytes")
    monkeypatch.setattr("gluon_r2n2.conversion.numpy_files.MAX_BYTES", 100_000)
    np.savez_compressed(tmp_path / "bomb.npz", np.zeros(1_000_000, np.float32))
    assert (tmp_path / "bomb.npz").stat().st_size < 10_000
    refused(tmp_path / "bomb.npz", "unpacks to 0.0 GB")
    np.save(tmp_path / "large.npy", np.zeros(1_000_000, np.float32))
    refused(tmp_path / "large.npy", "more than any file of weights")


# ---- files meant to harm

class Call:
    """Pickles as a call of *function*."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def harmful(canary):
    """Pickles that would make the file *canary*, or call something, in any reader that is not strict."""
    touch = f"open({str(canary)!r}, 'w').close()"
    quoted = repr(str(canary))
    calls = {
        "os.system": Call(os.system, f"touch {canary}"), "exec": Call(exec, touch), "eval": Call(eval, touch),
        "open": Call(open, str(canary), "w"), "subprocess": Call(subprocess.call, ["touch", str(canary)]),
        "getattr": Call(getattr, Call(__import__, "os"), "system"), "numpy.load": Call(np.load, str(canary)),
        "numpy.save": Call(np.save, str(canary), QUARTERS), "numpy.fromfile": Call(np.fromfile, str(canary)),
        "ndarray": Call(np.ndarray, (1 << 20, 1 << 20)), "pickle.loads": Call(pickle.loads, b"."),
    }
    for name, call in calls.items():
        for protocol in (0, 2, 4):
            yield f"{name} {protocol}", pickle.dumps(call, protocol)
            yield f"{name} in an array {protocol}", pickle.dumps(objects([call]), protocol)
    yield "inst", f"(S{quoted}\nS'w'\ni__builtin__\nopen\n.".encode()
    yield "obj", f"(c__builtin__\nopen\nS{quoted}\nS'w'\no.".encode()
    yield "attribute", b"\x80\x04\x8c\x05numpy\x8c\x11ndarray.__class__\x93."
    yield "attribute of a module", b"\x80\x04\x8c\x05numpy\x8c\x12core.multiarray.os\x93."
    yield "another numpy name", b"cnumpy.core.multiarray\nfromstring\n(S'abc'\ntR."
    yield "scalar", b"cnumpy.core.multiarray\nscalar\n(N."
    yield "encode as something else", b"c_codecs\nencode\n(Vabc\nS'rot13'\ntR."
    yield "extension", b"\x80\x02\x82\x01."
    yield "persistent", b"Pabc\n."
    # BUILD: set attributes of what the table gives
    for name in (b"numpy\ndtype\n", b"numpy.core.multiarray\n_reconstruct\n", b"numpy\nndarray\n", b"_codecs\nencode\n",
                 b"numpy.core.numeric\n_frombuffer\n", b"torch._utils\n_rebuild_tensor_v2\n", b"torch\nFloatStorage\n",
                 b"torch._utils\n_rebuild_parameter\n", b"collections\nOrderedDict\n"):
        yield f"attributes of {name!r}", b"c" + name + b"(N}S'__init__'\nNsS'__new__'\nNstb."
        yield f"entries of {name!r}", b"c" + name + b"}S'__setstate__'\nNsb."


def test_nothing_in_a_file_is_run(tmp_path):
    canary = tmp_path / "canary"
    count = 0
    for name, content in harmful(canary):
        refused(write_npy(tmp_path / "w.npy", content, count=1), "w.npy")
        if not name.startswith(("ndarray", "persistent", "extension", "attributes of", "entries of", "encode")):
            refused(tmp_path / "w.npy", "refused, because its pickle asks for", "nothing was run")
        np.savez(tmp_path / "w.npz", QUARTERS)
        with zipfile.ZipFile(tmp_path / "w.npz", "w") as archive:
            archive.write(tmp_path / "w.npy", "arr_0.npy")
        refused(tmp_path / "w.npz", "w.npz")
        with zipfile.ZipFile(tmp_path / "w.pth", "w") as archive:
            archive.writestr("w/data.pkl", content)
        refused(tmp_path / "w.pth", "w.pth")
        begin = b"".join(pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}))
        (tmp_path / "old.pth").write_bytes(begin + content)
        refused(tmp_path / "old.pth", "old.pth")
        assert not canary.exists(), name
        count += 1
    assert count > 80
    # the stand-ins are as they were
    (tmp_path / "w.pth").write_bytes(published_files.TORCH_ZIP)
    assert same(list(read_published(tmp_path / "w.pth").values()), list(TORCH.values()))
    assert same(read_original(write_npy(tmp_path / "w.npy", PAIR, 5)), PAIR)
    pickle.loads(pickle.dumps(Call(os.system, f"touch {canary}")))
    assert canary.exists()  # so it would have been noticed


# ---- PyTorch

TORCH = {"a.weight": QUARTERS.reshape(3, 2).T, "a.bias": np.array([1.5, -2]), "n": np.array(7)}


@pytest.mark.parametrize("content", [published_files.TORCH_OLD, published_files.TORCH_ZIP], ids=["1.4", "1.8"])
def test_checkpoints_that_pytorch_wrote(tmp_path, content):
    (tmp_path / "checkpoint.pth").write_bytes(content)
    state = read_published(tmp_path / "checkpoint.pth")
    assert list(state) == list(TORCH)
    assert same(list(state.values()), list(TORCH.values()))


def test_bad_checkpoints(tmp_path, monkeypatch):
    path = tmp_path / "checkpoint.pth"
    for content, words in [({"epoch": 3}, "holds no state dict ('epoch')"), ([1], "holds no state dict (list)"),
                           ({}, "holds no state dict")]:
        refused(write_torch(path, content, monkeypatch), words)
    for shape, strides in [((2, 3), (0, 0)), ((1 << 50,), (0,)), ((1 << 50,), (1,)), ((6,), (-1,)), ((7,), (1,)),
                           ((6,), (1, 1)), (("a",), (1,)), ((1 << 50,), ([0],)), ((1 << 50,), ("a",)), (None, None)]:
        tensor = TensorLike(QUARTERS, "0", shape, strides)
        if shape == (2, 3):
            path = write_torch(path, {"a": tensor}, monkeypatch)
            assert same(list(read_published(path).values()), [np.zeros((2, 3), np.float32)])  # expand() does this
        elif shape is None:
            tensor.array = QUARTERS[:1]  # a storage of 3 values, a tensor of 6
            refused(write_torch(path, {"a": tensor}, monkeypatch), "shape (2, 3) over 3 values")
        else:
            refused(write_torch(path, {"a": tensor}, monkeypatch), "cut short or damaged")
    many = {str(i): TensorLike(np.zeros(1000, np.float32), "0", (500, 2), (1, 500)) for i in range(100)}
    monkeypatch.setattr("gluon_r2n2.conversion.torch_files.MAX_BYTES", 100_000)
    with pytest.warns(UserWarning, match="Duplicate name"):  # all of one storage
        write_torch(path, many, monkeypatch)
    refused(path, "tensors of more than")
    write_torch(path, {"a": TensorLike(QUARTERS, "0")}, monkeypatch)
    with zipfile.ZipFile(path) as whole, zipfile.ZipFile(tmp_path / "gone.pth", "w") as archive:
        archive.writestr("archive/data.pkl", whole.read("archive/data.pkl"))
    refused(tmp_path / "gone.pth", "archive/data/0", "missing")


