"""Files of a reconstruction: their bytes, their structure by the standards, and what other readers make of them."""
from __future__ import annotations

import io
import json
import pickle
import struct
from functools import partial

import numpy as np
import pytest
import trimesh

from gluon_r2n2.errors import ModelError
from gluon_r2n2.surfaces import MESH_FORMATS, Size, encode_mesh, surface
from gluon_r2n2_tools.results import FILES, encode_result, make_result
from recordio.layouts import read_binvox

# linear light of the sRGB bytes 0, 1, 11, 64, 128, 188 and 255, by IEC 61966-2-1, to seven digits
LINEAR = {0: 0.0, 1: 0.0003035, 11: 0.0033465, 64: 0.0512695, 128: 0.2158605, 188: 0.5028865, 255: 1.0}


def block(side=16):
    """A lopsided grid: no axis can be mistaken for another, nor turned round."""
    grid = np.zeros((side,) * 3, np.float32)
    grid[1:13, 2:6, 3:11] = 0.9
    grid[1:4, 6:9, 3:5] = 0.7
    return grid


def coloured():
    """A surface whose colour says where a vertex is, with dark colours among them."""
    mesh = surface(block())
    colours = np.full((len(mesh.vertices), 4), 255, np.uint8)
    colours[:, :3] = np.rint((mesh.vertices + 0.5) * 255)
    mesh.visual = trimesh.visual.ColorVisuals(mesh, vertex_colors=colours)
    return mesh


def glb_parts(data):
    """The JSON chunk and the binary chunk of a GLB file, by glTF 2.0, section 4.4."""
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    chunks, at = {}, 12
    while at < len(data):
        size, kind = struct.unpack_from("<I4s", data, at)
        assert size % 4 == 0
        chunks[kind] = data[at + 8:at + 8 + size]
        at += 8 + size
    assert list(chunks) == [b"JSON", b"BIN\0"] and at == len(data)
    return json.loads(chunks[b"JSON"]), chunks[b"BIN\0"]


def accessor(tree, binary, index):
    """The numbers of one accessor, and the accessor."""
    facts = tree["accessors"][index]
    view = tree["bufferViews"][facts["bufferView"]]
    kind = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}[facts["componentType"]]
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[facts["type"]]
    start = view.get("byteOffset", 0) + facts.get("byteOffset", 0)
    assert start % np.dtype(kind).itemsize == 0  # section 3.6.2.4
    assert facts["count"] * width * np.dtype(kind).itemsize <= view["byteLength"]
    values = np.frombuffer(binary, kind, facts["count"] * width, start)
    return values.reshape(-1, width), facts


@pytest.mark.parametrize("mesh", [surface(block(), smooth=3), coloured()], ids=["plain", "coloured"])
def test_a_glb_file_is_by_the_standard(mesh):
    tree, binary = glb_parts(encode_mesh(mesh, "glb", smooth=True, size=Size(height=0.9)))
    assert tree["asset"]["version"] == "2.0"
    assert len(tree["buffers"]) == 1 and tree["buffers"][0]["byteLength"] <= len(binary)
    primitive, = tree["meshes"][0]["primitives"]
    assert primitive.get("mode", 4) == 4  # triangles
    positions, facts = accessor(tree, binary, primitive["attributes"]["POSITION"])
    np.testing.assert_array_equal(facts["min"], positions.min(axis=0).astype(float))
    np.testing.assert_array_equal(facts["max"], positions.max(axis=0).astype(float))
    assert facts["max"][1] - facts["min"][1] == pytest.approx(0.9)
    normals, _ = accessor(tree, binary, primitive["attributes"]["NORMAL"])
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
    indices, _ = accessor(tree, binary, primitive["indices"])
    assert indices.max() == len(positions) - 1 and len(indices) == 3 * len(mesh.faces)
    for node in tree["nodes"]:  # nothing but the vertices says how large the object is
        matrix = node.get("matrix", np.eye(4).ravel().tolist())
        np.testing.assert_allclose(matrix, np.eye(4).ravel())
        assert not {"scale", "translation", "rotation"} & set(node)


def test_colours_in_glb_are_linear_and_sixteen_bits_deep():
    mesh = surface(block())
    shades = np.array(list(LINEAR), np.uint8)[np.arange(len(mesh.vertices)) % len(LINEAR)]
    mesh.visual = trimesh.visual.ColorVisuals(
        mesh, vertex_colors=np.column_stack([shades, shades, shades, np.full_like(shades, 255)]))
    tree, binary = glb_parts(encode_mesh(mesh, "glb"))
    primitive = tree["meshes"][0]["primitives"][0]
    assert set(primitive["attributes"]) == {"POSITION", "COLOR_0"}
    colours, facts = accessor(tree, binary, primitive["attributes"]["COLOR_0"])
    assert facts["normalized"] is True and facts["componentType"] == 5123 and facts["type"] == "VEC4"
    np.testing.assert_allclose(colours[:, 0] / 65535, [LINEAR[int(shade)] for shade in shades], atol=1e-5)
    assert (colours[:, 3] == 65535).all()
    # the material is multiplied with the colours, so it must be white
    material = tree["materials"][primitive["material"]]["pbrMetallicRoughness"]
    assert material.get("baseColorFactor", [1, 1, 1, 1]) == [1, 1, 1, 1]


def test_without_colours_no_file_mentions_any():
    mesh = surface(block())
    tree, _ = glb_parts(encode_mesh(mesh, "glb"))
    assert set(tree["meshes"][0]["primitives"][0]["attributes"]) == {"POSITION"}
    assert b"red" not in encode_mesh(mesh, "ply")[:300]
    first = next(line for line in encode_mesh(mesh, "obj").decode().splitlines() if line.startswith("v "))
    assert len(first.split()) == 4


@pytest.mark.parametrize("kind", ["obj", "ply"])
def test_colours_come_back_from_obj_and_ply(kind):
    mesh = coloured()
    read = trimesh.load(io.BytesIO(encode_mesh(mesh, kind)), file_type=kind, process=False)
    np.testing.assert_allclose(read.vertices, mesh.vertices, atol=1e-6)
    np.testing.assert_allclose(read.visual.vertex_colors[:, :3].astype(int), mesh.visual.vertex_colors[:, :3], atol=1)


def test_an_obj_file_has_its_colours_behind_the_places():
    text = encode_mesh(coloured(), "obj").decode()
    numbers = np.array([line.split()[1:] for line in text.splitlines() if line.startswith("v ")], float)
    assert numbers.shape[1] == 6  # x y z r g b
    np.testing.assert_allclose(numbers[:, 3:], numbers[:, :3] + 0.5, atol=0.003)  # sRGB in 0..1


def tetrahedron():
    return trimesh.Trimesh([[0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]],
                           [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], process=False)


def test_an_stl_file_byte_by_byte():
    data = encode_mesh(tetrahedron(), "stl", size=Size(longest=1, units="cm"))
    assert len(data) == 84 + 4 * 50
    assert struct.unpack_from("<I", data, 80) == (4,)
    # the first face: normal, then three corners in millimetres, then two bytes of nothing
    assert data[84:134] == struct.pack("<12fH", 0, 0, -1, 0, 0, 0, 0, 10, 0, 10, 0, 0, 0)


def test_a_ply_file_byte_by_byte():
    mesh = tetrahedron()
    mesh.visual = trimesh.visual.ColorVisuals(mesh, vertex_colors=[[255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255],
                                                                   [1, 2, 3, 255]])
    head, _, body = encode_mesh(mesh, "ply").partition(b"end_header\n")
    lines = head.decode().split("\n")
    assert lines[0] == "ply" and "format binary_little_endian 1.0" in lines
    assert [line for line in lines if line.startswith(("element", "property"))] == [
        "element vertex 4", "property float x", "property float y", "property float z", "property uchar red",
        "property uchar green", "property uchar blue", "property uchar alpha", "element face 4",
        "property list uchar int vertex_indices"]
    assert body[:16] == struct.pack("<3f4B", 0, 0, 0, 255, 0, 0, 255)
    assert body[48:64] == struct.pack("<3f4B", 0, 0, 0.5, 1, 2, 3, 255)
    assert body[64:] == b"".join(struct.pack("<B3i", 3, *face) for face in mesh.faces.tolist())


def test_a_binvox_file_byte_by_byte():
    data = encode_result(np.eye(2)[:, :, None].repeat(2, 2), "binvox", threshold=0.5, mesh="cubes",
                         size=Size(height=50, units="cm", ground=True))
    assert data == (b"#binvox 1\ndim 2 2 2\ntranslate -25 0 -25\nscale 50\ndata\n"
                    b"\x01\x01\x00\x01\x01\x01\x00\x02\x01\x01\x00\x01\x01\x01")


@pytest.mark.parametrize("options", [{}, {"height": 0.9}, {"longest": 40, "units": "mm", "ground": True}])
def test_voxels_and_surface_are_in_the_same_place(options):
    """Of a binvox file, the cells' centres that are solid lie in the mesh, and their box is the mesh's."""
    result = make_result(block() >= 0.5, threshold=0.5, mesh="cubes", size=Size(**options))
    mesh = trimesh.load(io.BytesIO(result.encode("ply")), file_type="ply")
    voxels = read_binvox(result.encode("binvox"))
    cell = voxels.scale / 16
    corners = np.argwhere(voxels.occupancy) * cell + voxels.translate
    np.testing.assert_allclose([corners.min(axis=0), corners.max(axis=0) + cell], mesh.bounds, rtol=1e-5, atol=1e-6)
    with np.load(io.BytesIO(result.encode("npz"))) as arrays:
        np.testing.assert_allclose(arrays["translate"], voxels.translate, rtol=1e-6)
        assert arrays["scale"] == pytest.approx(voxels.scale)


def test_npz_holds_the_probabilities_and_the_views():
    views = [np.full((8, 8, 3), number, np.uint8) for number in (1, 2)]
    grid = block()
    with np.load(io.BytesIO(encode_result(grid, "npz", threshold=0.3, views=views))) as arrays:
        np.testing.assert_array_equal(arrays["probabilities"], grid)
        np.testing.assert_array_equal(arrays["views"], views)
        assert arrays["threshold"] == np.float32(0.3)
        assert arrays["scale"] == 1 and arrays["translate"].tolist() == [-0.5] * 3
    with np.load(io.BytesIO(encode_result(grid, "npz", threshold=0.3))) as arrays:
        assert "views" not in arrays.files


@pytest.mark.parametrize("kind", FILES)
def test_one_call_gives_a_file_and_travels_to_other_processes(kind):
    call = partial(encode_result, block(), kind, threshold=0.5, smooth=2, faces=300, size=Size(height=2, units="in"))
    data = pickle.loads(pickle.dumps(call))()
    assert data == call() and len(data) > 60


@pytest.mark.parametrize("kind", FILES)
def test_an_empty_reconstruction_has_voxels_but_no_mesh(kind):
    result = make_result(np.zeros((8, 8, 8)), threshold=0.5, smooth=5, faces=100, size=Size(height=2))
    assert result.empty
    if kind in MESH_FORMATS:
        with pytest.raises(ModelError, match="no cell reaches the threshold"):
            result.encode(kind)
    else:
        assert result.encode(kind)


def test_what_is_no_grid_or_no_kind_is_one_sentence():
    with pytest.raises(ModelError, match="diverged"):
        encode_result(np.full((8, 8, 8), np.nan), "glb", threshold=0.5)
    with pytest.raises(ModelError, match="unknown file format 'gbl'; did you mean 'glb'"):
        encode_result(block(), "gbl", threshold=0.5)
