"""Real meshes: files written here byte by byte -> Mesh; what is refused and why; the tool over a folder."""
from __future__ import annotations

import base64
import filecmp
import json
import logging
import math
import multiprocessing
import os
import signal
import struct
import time

import numpy as np
import pytest
from scipy import ndimage

from gluon_r2n2_tools import render_meshes
from recordio.errors import DataError
from recordio.geometry import Camera, render, voxelise
from recordio.layouts import encode_png, read_binvox, read_cameras, read_split, scan
from recordio.meshes import read_mesh
from recordio.meshes.folder import find_meshes
from recordio.meshes.gltf_buffers import Document
from recordio.meshes.workers import Lost, run_each

FLOAT, USHORT, UINT, BYTE = 5126, 5123, 5125, 5120
QUADS = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]  # outwards


def box(low, high):
    """(8 vertices, 12 triangles) of a box, wound counter-clockwise seen from outside; vertex number = x y z bits."""
    vertices = [[(low, high)[i >> 2 & 1][0], (low, high)[i >> 1 & 1][1], (low, high)[i & 1][2]] for i in range(8)]
    faces = [triangle for a, d, c, b in QUADS for triangle in ((a, b, c), (a, c, d))]
    return vertices, faces


# An L that has no symmetry: long foot along x (red), short post along y (blue) at its left end, thin in z.
FOOT, POST = ((0, 0, 0), (3, 1, 1)), ((0, 1, 0), (1, 3, 0.5))
PIECES = [(*box(*FOOT), (255, 0, 0)), (*box(*POST), (0, 0, 255))]
VOLUME = 3 + 1
TRIANGLES = np.array([[vertices[i] for i in face] for vertices, faces, _ in PIECES for face in faces], float)
COLOURS = np.array([colour for _, faces, colour in PIECES for _ in faces]) / 255


def write_obj(path):
    path.with_suffix(".mtl").write_text("newmtl a\nKd 1 0 0\nnewmtl b\nKd 0 0 1\n")
    lines, first = [f"mtllib {path.stem}.mtl"], 1
    for name, (vertices, faces, _) in zip("ab", PIECES):
        lines += [f"v {x} {y} {z}" for x, y, z in vertices] + [f"usemtl {name}"]
        lines += ["f " + " ".join(str(first + i) for i in face) for face in faces]
        first += 8
    path.write_text("\n".join(lines) + "\n")


def write_ply(path, binary=False):
    header = ["ply", f"format {'binary_little_endian' if binary else 'ascii'} 1.0", "element vertex 16",
              *(f"property float {axis}" for axis in "xyz"),
              *(f"property uchar {name}" for name in ("red", "green", "blue")),
              "element face 24", "property list uchar int vertex_indices", "end_header", ""]
    data = "\n".join(header).encode()
    for vertices, _, colour in PIECES:
        for vertex in vertices:
            data += struct.pack("<3f3B", *vertex, *colour) if binary else \
                (" ".join(map(str, [*vertex, *colour])) + "\n").encode()
    for first, (_, faces, _) in zip((0, 8), PIECES):
        for face in faces:
            data += struct.pack("<B3i", 3, *(first + i for i in face)) if binary else \
                (" ".join(map(str, [3, *(first + i for i in face)])) + "\n").encode()
    path.write_bytes(data)


def write_off(path):
    lines = ["OFF", "# an L", "16 24 0"] + [f"{x} {y} {z}" for vertices, _, _ in PIECES for x, y, z in vertices]
    lines += [" ".join(map(str, [3, *(first + i for i in face)])) for first, (_, faces, _) in zip((0, 8), PIECES)
              for face in faces]
    path.write_text("\n".join(lines))


def write_stl(path, binary=True):
    if binary:
        rows = b"".join(struct.pack("<12fH", 0, 0, 0, *triangle.ravel(), 0) for triangle in TRIANGLES)
        path.write_bytes(b"solid misleading".ljust(80) + struct.pack("<I", len(TRIANGLES)) + rows)
    else:
        rows = ["facet normal 0 0 0\nouter loop\n" + "".join(f"vertex {x} {y} {z}\n" for x, y, z in triangle) +
                "endloop\nendfacet\n" for triangle in TRIANGLES]
        path.write_text("solid l\n" + "".join(rows) + "endsolid l\n")


class Gltf:
    """Builds a glTF document by hand: .add(array) -> accessor index."""

    def __init__(self):
        self.blob = b""
        self.json = {"asset": {"version": "2.0"}, "accessors": [], "bufferViews": [], "meshes": [], "nodes": [],
                     "materials": [], "scene": 0}

    def view(self, data, **extra):
        self.blob += b"\0" * (-len(self.blob) % 4)
        self.json["bufferViews"].append({"buffer": 0, "byteOffset": len(self.blob), "byteLength": len(data), **extra})
        self.blob += data
        return len(self.json["bufferViews"]) - 1

    def add(self, array, component=FLOAT, **extra):
        array = np.asarray(array, {FLOAT: "<f4", USHORT: "<u2", UINT: "<u4", BYTE: "<i1"}[component])
        kind = "MAT4" if array.ndim == 3 else "SCALAR" if array.ndim == 1 else f"VEC{array.shape[1]}"
        self.json["accessors"].append({"bufferView": self.view(array.tobytes()), "componentType": component,
                                       "count": len(array), "type": kind, **extra})
        return len(self.json["accessors"]) - 1

    def mesh(self, vertices, faces, *, material=None, mode=None, **attributes):
        primitive = {"attributes": {"POSITION": self.add(vertices), **attributes}}
        if faces is not None:
            primitive["indices"] = self.add(np.ravel(faces), USHORT)
        primitive.update({key: value for key, value in (("material", material), ("mode", mode)) if value is not None})
        self.json["meshes"].append({"primitives": [primitive]})
        self.json["nodes"].append({"mesh": len(self.json["meshes"]) - 1})
        return primitive

    def glb(self):
        self.json.setdefault("scenes", [{"nodes": list(range(len(self.json["nodes"])))}])
        self.json["buffers"] = [{"byteLength": len(self.blob)}]
        text = json.dumps(self.json).encode()
        text += b" " * (-len(text) % 4)
        blob = self.blob + b"\0" * (-len(self.blob) % 4)
        return (struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(blob)) + struct.pack("<I4s", len(text), b"JSON") +
                text + struct.pack("<I4s", len(blob), b"BIN\0") + blob)


def coloured_gltf():
    gltf = Gltf()
    for vertices, faces, (red, green, blue) in PIECES:
        gltf.json["materials"].append({"pbrMetallicRoughness": {"baseColorFactor": [red / 255, green, blue / 255, 1]}})
        gltf.mesh(vertices, faces, material=len(gltf.json["materials"]) - 1)
    return gltf


def write_gltf(path):
    gltf = coloured_gltf()
    gltf.glb()
    path.with_name("with space.bin").write_bytes(gltf.blob)
    gltf.json["buffers"][0]["uri"] = "with%20space.bin"
    path.write_text(json.dumps(gltf.json))


WRITERS = {"l.obj": write_obj, "l.ply": write_ply, "b.ply": lambda path: write_ply(path, True), "l.off": write_off,
           "l.stl": write_stl, "t.STL": lambda path: write_stl(path, False), "l.gltf": write_gltf,
           "L.GLB": lambda path: path.write_bytes(coloured_gltf().glb())}


def sorted_triangles(triangles):
    return np.array(sorted(np.roll(t, -min(range(3), key=lambda i: tuple(t[i])), axis=0).ravel().tolist()
                           for t in np.asarray(triangles)))


def volume(mesh):
    a, b, c = mesh.triangles.transpose(1, 0, 2)
    return np.einsum("ij,ij->", a, np.cross(b, c)) / 6


def assert_solid(grid, expected):
    """*grid* has all *expected* cells; the L's sides lie on the cells' borders, so their neighbours may be there."""
    assert grid[expected].all() and not grid[~ndimage.binary_dilation(expected, np.ones((3, 3, 3)))].any()


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_keeps_geometry_and_colours(tmp_path, name):
    path = tmp_path / name
    WRITERS[name](path)
    mesh = read_mesh(path)
    np.testing.assert_allclose(sorted_triangles(mesh.triangles), sorted_triangles(TRIANGLES), atol=1e-6)
    assert volume(mesh) == pytest.approx(VOLUME)  # positive: wound outwards
    if not name.lower().endswith((".off", ".stl")):  # those have no colours, and are grey
        order = np.lexsort(mesh.triangles.reshape(-1, 9).T), np.lexsort(TRIANGLES.reshape(-1, 9).T)
        np.testing.assert_allclose(mesh.colours[order[0]].mean(axis=1), COLOURS[order[1]], atol=1e-6)
    else:
        assert np.ptp(mesh.colours) == 0 and 0.3 < mesh.colours[0, 0, 0] < 0.8
    assert np.isfinite(mesh.normals).all() and np.allclose(np.linalg.norm(mesh.normals, axis=2), 1, atol=1e-5)


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_voxels(tmp_path, name):
    WRITERS[name](tmp_path / name)
    expected = np.zeros((12, 12, 12), bool)  # 4 cells per unit; the L is 3 x 3 x 1 in a cube of side 3
    expected[:, 0:4, 4:8] = True
    expected[0:4, 4:12, 4:6] = True
    assert_solid(voxelise(read_mesh(tmp_path / name).normalised(), 12), expected)


def test_z_up_turns_the_formats_that_do_not_say(tmp_path):
    write_stl(tmp_path / "l.stl")
    turned = read_mesh(tmp_path / "l.stl", up="z")
    x, y, z = np.moveaxis(TRIANGLES, 2, 0)
    np.testing.assert_allclose(sorted_triangles(turned.triangles), sorted_triangles(np.stack([x, z, -y], axis=2)))
    assert volume(turned) == pytest.approx(VOLUME)
    WRITERS["L.GLB"](tmp_path / "l.glb")
    np.testing.assert_array_equal(read_mesh(tmp_path / "l.glb", up="z").bounds, [[0, 0, 0], [3, 3, 1]])
    with pytest.raises(DataError, match="'y' or 'z'"):
        read_mesh(tmp_path / "l.stl", up="x")


def test_gltf_colours_are_linear(tmp_path):
    gltf = Gltf()
    vertices, faces = box((0, 0, 0), (1, 1, 1))
    # 0.21404114 linear is 0.5 in sRGB, 0.0331047 is 0.2 (IEC 61966-2-1)
    gltf.json["materials"] = [{"pbrMetallicRoughness": {"baseColorFactor": [0.21404114, 0.0331047, 1, 1],
                                                        "roughnessFactor": 0.25}},
                              {"pbrMetallicRoughness": {"baseColorFactor": [0, 0, 0, 1]}, "emissiveFactor": [0, 1, 0]},
                              {"extensions": {"KHR_materials_pbrSpecularGlossiness": {
                                  "diffuseFactor": [1, 0.21404114, 0, 1]}}}]
    gltf.mesh(vertices, faces, material=0)
    gltf.mesh(vertices, faces, material=1)
    gltf.mesh(vertices, faces, material=2)
    gltf.mesh(vertices, faces, material=0, COLOR_0=gltf.add(np.full((8, 4), 32768), USHORT, normalized=True))
    path = tmp_path / "colours.glb"
    path.write_bytes(gltf.glb())
    mesh = read_mesh(path)
    first, glowing, older, vertex = mesh.colours[::12, 0]
    np.testing.assert_allclose(first, [0.5, 0.2, 1], atol=1e-4)
    np.testing.assert_allclose(glowing, [0, 1, 0], atol=1e-6)
    np.testing.assert_allclose(older, [1, 0.5, 0], atol=1e-4)
    np.testing.assert_allclose(vertex[2], 0.7354, atol=1e-3)  # half of full light
    assert mesh.gloss[0] == 0.75


PICTURE = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], np.uint8)  # red green / blue white


def quad_with_picture(gltf, **texture):
    gltf.json.update(images=[{"bufferView": gltf.view(encode_png(PICTURE)), "mimeType": "image/png"}],
                     textures=[{"source": 0}],
                     materials=[{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0, **texture}}}])
    # the unit square in the xy plane, seen from +z: picture upright
    gltf.mesh([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], [(0, 1, 2), (0, 2, 3)], material=0,
              TEXCOORD_0=gltf.add([[0, 1], [1, 1], [1, 0], [0, 0]]))


def quadrants(mesh):
    """Names of the colours seen upper left, upper right, lower left, lower right from +z."""
    picture = render(mesh.normalised(), [Camera(90, 0, 0.9)], size=65)[0].astype(int)
    rows, columns = np.nonzero(picture[..., 3] > 200)
    top, bottom, left, right = rows.min(), rows.max(), columns.min(), columns.max()
    names = {(1, 0, 0): "red", (0, 1, 0): "green", (0, 0, 1): "blue", (1, 1, 1): "white"}
    return [names[tuple((picture[int(top + (bottom - top) * v), int(left + (right - left) * u), :3] > 90).astype(int))]
            for v in (0.2, 0.8) for u in (0.2, 0.8)]


def test_gltf_texture_is_upright(tmp_path):
    gltf = Gltf()
    quad_with_picture(gltf)
    (tmp_path / "t.glb").write_bytes(gltf.glb())
    mesh = read_mesh(tmp_path / "t.glb")
    assert mesh.textures.shape == (1, 256, 256, 3) and mesh.texture.tolist() == [0, 0]
    assert mesh.textures[0, 0, 0].tolist() == [255, 0, 0] and mesh.textures[0, 255, 0].tolist() == [0, 0, 255]
    assert quadrants(mesh) == ["red", "green", "blue", "white"]


def test_gltf_texture_transform(tmp_path):
    gltf = Gltf()
    quad_with_picture(gltf, extensions={"KHR_texture_transform": {"offset": [0, 1], "rotation": math.pi / 2}})
    (tmp_path / "t.glb").write_bytes(gltf.glb())
    # the matrix of the extension maps (u, v) to (v, 1 - u): upper left takes the picture's lower left
    assert quadrants(read_mesh(tmp_path / "t.glb")) == ["blue", "red", "white", "green"]


def test_obj_texture_is_upright_and_found_in_spite_of_its_spelling(tmp_path):
    (tmp_path / "wood.PNG").write_bytes(encode_png(PICTURE))
    (tmp_path / "t.mtl").write_text("newmtl m\nKd 0 0 0\nmap_Kd C:\\textures\\Wood.png\n")
    (tmp_path / "t.obj").write_text("mtllib t.mtl\nv 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
                                    "usemtl m\nf 1/1 2/2 3/3 4/4\n")
    mesh = read_mesh(tmp_path / "t.obj")
    assert quadrants(mesh) == ["red", "green", "blue", "white"]


@pytest.mark.parametrize("damage", ["missing", "broken"])
def test_a_lost_texture_costs_the_texture_only(tmp_path, caplog, damage):
    if damage == "broken":
        (tmp_path / "wood.png").write_bytes(encode_png(PICTURE)[:40])
    (tmp_path / "t.mtl").write_text("newmtl m\nKd 0 0.5 0\nmap_Kd wood.png\n")
    (tmp_path / "t.obj").write_text("mtllib t.mtl\nv 0 0 0\nv 1 0 0\nv 1 1 0\nvt 0 0\nusemtl m\nf 1/1 2/1 3/1\n")
    with caplog.at_level(logging.WARNING):
        mesh = read_mesh(tmp_path / "t.obj")
    np.testing.assert_allclose(mesh.colours[0, 0], [0, 0.5, 0], atol=0.01)
    assert "t.obj" in caplog.text and "wood.png" in caplog.text


def test_gltf_scene_graph(tmp_path):
    gltf = coloured_gltf()
    half = math.sqrt(0.5)
    gltf.json["nodes"] = [
        {"children": [1], "translation": [10, 0, 0], "rotation": [0, 0, half, half], "scale": [2, 2, 2]},  # 90° about z
        {"mesh": 0, "matrix": [-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 5, 1]},  # mirrored in x, then 5 along z
        {"mesh": 1},
        {"mesh": 1}]  # not in the scene
    gltf.json["scenes"] = [{"nodes": [0, 2]}]
    (tmp_path / "s.glb").write_bytes(gltf.glb())
    mesh = read_mesh(tmp_path / "s.glb")
    foot = np.array(PIECES[0][0])
    x, y, z = (foot * [-1, 1, 1] + [0, 0, 5]).T  # the matrix, column by column in the file
    foot = np.stack([-y, x, z], axis=1) * 2 + [10, 0, 0]
    assert len(mesh.faces) == 24
    red = mesh.triangles[mesh.colours[:, 0, 0] > 0.9].reshape(-1, 3)
    np.testing.assert_allclose(red.min(axis=0), foot.min(axis=0), atol=1e-5)
    np.testing.assert_allclose(red.max(axis=0), foot.max(axis=0), atol=1e-5)
    assert volume(mesh) == pytest.approx(3 * 8 + 1)  # the mirrored foot is wound outwards, too


def test_gltf_strip_fan_and_sparse(tmp_path):
    square = [[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]]
    gltf = Gltf()
    gltf.mesh(square, None, mode=5)
    gltf.mesh([square[0], square[1], square[3], square[2]], None, mode=6)
    gltf.mesh([[0, 0, 0]] * 4, [(0, 1, 2), (1, 3, 2)])
    moved = gltf.json["accessors"][gltf.json["meshes"][2]["primitives"][0]["attributes"]["POSITION"]]
    moved["sparse"] = {"count": 3, "indices": {"bufferView": gltf.view(struct.pack("<3H", 1, 2, 3)),
                                               "componentType": USHORT},
                       "values": {"bufferView": gltf.view(np.array(square[1:], "<f4").tobytes())}}
    gltf.mesh(square, None, mode=1)  # lines: not shown
    (tmp_path / "m.glb").write_bytes(gltf.glb())
    mesh = read_mesh(tmp_path / "m.glb")
    normals = np.cross(mesh.triangles[:, 1] - mesh.triangles[:, 0], mesh.triangles[:, 2] - mesh.triangles[:, 0])
    np.testing.assert_array_equal(normals, [[0, 0, 1]] * 6)


def test_gltf_quantised_and_interleaved(tmp_path):
    gltf = Gltf()
    rows = np.zeros(4, [("position", "<i1", 3), ("pad", "u1"), ("normal", "<f4", 3)])
    rows["position"] = [[0, 0, 0], [127, 0, 0], [0, 127, 0], [-127, -127, -127]]
    rows["normal"] = [0, 0, 1]
    view = gltf.view(rows.tobytes(), byteStride=16)
    gltf.json["accessors"] = [
        {"bufferView": view, "componentType": BYTE, "count": 4, "type": "VEC3", "normalized": True},
        {"bufferView": view, "byteOffset": 4, "componentType": FLOAT, "count": 4, "type": "VEC3"}]
    gltf.json["extensionsRequired"] = ["KHR_mesh_quantization"]
    gltf.json["meshes"] = [{"primitives": [{"attributes": {"POSITION": 0, "NORMAL": 1},
                                            "indices": gltf.add([0, 1, 2, 0, 1, 3], UINT)}]}]
    gltf.json["nodes"] = [{"mesh": 0}]
    (tmp_path / "q.glb").write_bytes(gltf.glb())
    mesh = read_mesh(tmp_path / "q.glb")
    np.testing.assert_allclose(mesh.bounds, [[-1, -1, -1], [1, 1, 0]])
    np.testing.assert_array_equal(mesh.normals, np.broadcast_to([0, 0, 1], (2, 3, 3)))


def test_gltf_skin_stands_in_its_saved_pose(tmp_path):
    gltf = Gltf()
    primitive = gltf.mesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [(0, 1, 2)])
    primitive["attributes"].update(JOINTS_0=gltf.add([[0, 1, 0, 0]] * 3, USHORT),
                                   WEIGHTS_0=gltf.add([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0, 1, 0, 0]]))
    bind = np.stack([np.eye(4), np.eye(4)])
    bind[1, 1, 3] = -1  # the second joint was bound at y = 1
    gltf.json["skins"] = [{"joints": [1, 2], "inverseBindMatrices": gltf.add(bind.transpose(0, 2, 1))}]
    gltf.json["nodes"] = [{"mesh": 0, "skin": 0, "translation": [100, 0, 0]},  # ignored for a skin
                          {"children": [2]}, {"translation": [0, 3, 0]}]
    gltf.json["scenes"] = [{"nodes": [0, 1]}]
    (tmp_path / "skin.glb").write_bytes(gltf.glb())
    np.testing.assert_allclose(read_mesh(tmp_path / "skin.glb").vertices, [[0, 0, 0], [1, 1, 0], [0, 3, 0]], atol=1e-6)


OBJ_SPELLINGS = {
    "relative": "v 9 9 9\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\nv 5 5 5\nv 0 0 0\nv 0 1 0\nv 0 0 1\nf -3 -2 -1\n",
    "tabs": "\tv\t0 0 0\n v 1  0 0\nv\t0 1 0 # third\nv 0 0 1\nf\t1 2 3 # a face\n  f 1 3 4\n",
    "carriage returns": "v 0 0 0\rv 1 0 0\rv 0 1 0\rv 0 0 1\rf 1 2 3\rf 1 3 4\r",
    "normals": "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nvn 0 0 1\nvn 1 0 0\nf 1//1 2//1 3//1\nf 1//2 3//2 4//2\n",
}


@pytest.mark.parametrize("name", OBJ_SPELLINGS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-8-sig"])
def test_obj_spellings(tmp_path, name, encoding):
    (tmp_path / "s.obj").write_bytes(OBJ_SPELLINGS[name].encode(encoding))
    expected = [[[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 0, 0], [0, 1, 0], [0, 0, 1]]]
    np.testing.assert_array_equal(sorted_triangles(read_mesh(tmp_path / "s.obj").triangles), sorted_triangles(expected))


@pytest.mark.parametrize("order", ["<", ">"])
def test_binary_ply_of_mixed_polygons(tmp_path, order):
    name = {"<": "little", ">": "big"}[order]
    header = (f"ply\nformat binary_{name}_endian 1.0\ncomment Größe\nelement vertex 5\nproperty float x\n"
              "property float y\nproperty float z\nelement face 3\nproperty uchar flags\n"
              "property list uchar int vertex_indices\nproperty float quality\nend_header\n").encode("latin-1")
    points = [(0, 0, 0), (2, 0, 0), (2, 2, 0), (0, 2, 0), (1, 3, 0)]
    data = b"".join(struct.pack(order + "3f", *point) for point in points)
    for polygon in ((0, 1, 2, 3), (3, 2, 4), (0, 1, 2, 4, 3)):
        data += struct.pack(f"{order}BB{len(polygon)}if", 7, len(polygon), *polygon, 1.5)
    (tmp_path / "p.ply").write_bytes(header + data)
    mesh = read_mesh(tmp_path / "p.ply")
    areas = np.linalg.norm(np.cross(mesh.triangles[:, 1] - mesh.triangles[:, 0],
                                    mesh.triangles[:, 2] - mesh.triangles[:, 0]), axis=1) / 2
    assert len(mesh.faces) == 2 + 1 + 3 and areas.sum() == pytest.approx(4 + 1 + 5)
    (tmp_path / "cut.ply").write_bytes((header + data)[:-9])
    with pytest.raises(DataError, match="cut short"):
        read_mesh(tmp_path / "cut.ply")


def test_a_few_vertices_that_are_not_finite_are_left_out(tmp_path):
    vertices, faces = box((0, 0, 0), (1, 1, 1))
    lines = [f"v {x + i} {y} {z}" for i in range(10) for x, y, z in vertices] + ["v nan 0 0", "v inf 0 0"]
    lines += [f"f {a + 1 + 8 * i} {b + 1 + 8 * i} {c + 1 + 8 * i}" for i in range(10) for a, b, c in faces]
    (tmp_path / "n.obj").write_text("\n".join([*lines, "f 1 2 81", "f 1 2 82", ""]))
    mesh = read_mesh(tmp_path / "n.obj")
    assert len(mesh.faces) == 120 and np.isfinite(mesh.vertices).all()


def test_a_flat_mesh_is_accepted(tmp_path):
    (tmp_path / "flat.obj").write_text("v 0 0 0\nv 2 0 0\nv 2 1 0\nv 0 1 0\nf 1 2 3 4\n")
    grid = voxelise(read_mesh(tmp_path / "flat.obj").normalised(), 8)
    assert grid.any(axis=(1, 2)).all() and 1 <= grid.any(axis=(0, 1)).sum() <= 2


def triangle_gltf(change):
    gltf = Gltf()
    gltf.mesh([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [(0, 1, 2)])
    change(gltf.json)
    return gltf.glb()


def no_view(data):
    data["meshes"][0]["primitives"][0]["extensions"] = {"KHR_draco_mesh_compression": {"bufferView": 0}}
    del data["accessors"][0]["bufferView"]


def elsewhere(uri):
    data = {"buffers": [{"uri": uri}], "bufferViews": [{"buffer": 0, "byteLength": 36}],
            "accessors": [{"bufferView": 0, "count": 3, "type": "VEC3", "componentType": FLOAT}],
            "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}], "nodes": [{"mesh": 0}]}
    return json.dumps(data).encode()


SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"
REFUSED = {  # file name -> (content, words of the reason)
    "empty.obj": (b"", "empty"),
    "blank.glb": (b"", "empty"),
    "points.obj": (SQUARE.encode(), "no triangles"),
    "comment.obj": (b"# nothing\n", "no triangles"),
    "nan.obj": (b"v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "1 of 1 triangles touch a vertex that is NaN"),
    "line.obj": (b"v 0 0 0\nv 1 1 1\nv 2 2 2\nf 1 2 3\n", "no area"),
    "spot.obj": (b"v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n", "at one point"),
    "huge.obj": (b"v 0 0 0\nv 1e200 0 0\nv 0 1e200 0\nf 1 2 3\n", "too large"),
    "zero.obj": (SQUARE.encode() + b"f 0 1 2\n", "vertex 0"),
    "beyond.obj": (SQUARE.encode() + b"f 1 2 12\n", "damaged"),
    "before.obj": (SQUARE.encode() + b"f -1 -2 -9\n", "9 entries back"),
    "utf16.obj": ((SQUARE + "f 1 2 3\n").encode("utf-16-le"), "not a text file"),
    "object.obj": (b"\x64\x86\x02\0\0\0\0\0" * 9, "not a text file"),
    "count.off": (b"OFF\n353535235358 6 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n", "353,535,235,358"),
    "word.off": (b"hello\n", "OFF"),
    "short.off": (b"OFF\n3\n", "declares no numbers"),
    "count.ply": (b"ply\nformat ascii 1.0\nelement vertex 99999999999\nproperty float x\nend_header\n0\n",
                  "99,999,999,999"),
    "type.ply": (b"ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty quad x\nend_header\n0000",
                 "'quad'"),
    "points.ply": (b"ply\nformat ascii 1.0\nelement vertex 1\nproperty float x\nproperty float y\nproperty float z\n"
                   b"end_header\n0 0 0\n", "1 points but no triangles"),
    "noise.ply": (b"\x89PNG\r\n\x1a\n", "no PLY header"),
    "cut.stl": (b"\0" * 80 + struct.pack("<I", 7) + b"\0" * 50, "declares 7 triangles"),
    "none.stl": (b"solid a\nendsolid a\n", "no triangles"),
    "short.glb": (triangle_gltf(lambda data: None)[:60], "cut short"),
    "noise.glb": (b"not a model", "damaged"),
    "old.gltf": (b'{"asset": {"version": "1.0"}}', "version 1.0"),
    "list.gltf": (b"[]", "no JSON object"),
    "keys.gltf": (b'{"scenes": [{"nodes": [7]}]}', "damaged (IndexError"),
    "away.gltf": (elsewhere("https://example.org/a.bin"), "download"),
    "gone.gltf": (elsewhere("gone.bin"), "gone.bin"),
    "required.glb": (triangle_gltf(lambda data: data.update(extensionsRequired=["KHR_draco_mesh_compression"])),
                     "Draco-compressed"),
    "used.glb": (triangle_gltf(no_view), "gltf-transform"),
    "meshopt.glb": (triangle_gltf(lambda data: data.update(extensionsRequired=["EXT_meshopt_compression"])), "meshopt"),
    "other.glb": (triangle_gltf(lambda data: data.update(extensionsRequired=["ACME_curves"])), "ACME_curves"),
    "count.glb": (triangle_gltf(lambda data: data["accessors"][0].update(count=10 ** 12)), "1,000,000,000,000"),
    "zeros.glb": (triangle_gltf(lambda data: data["accessors"][0].pop("bufferView")), "at one point"),
    "beyond.glb": (triangle_gltf(lambda data: data["accessors"][0].update(count=2)), "vertex 2 of 2"),
    "cycle.glb": (triangle_gltf(lambda data: data["nodes"].append({"children": [0, 1]}) or
                                data.update(scenes=[{"nodes": [1]}])), "nodes"),
    "many.glb": (triangle_gltf(lambda data: data["accessors"][1].update(count=48_000_000)), "triangles"),
    "lines.glb": (triangle_gltf(lambda data: data["meshes"][0]["primitives"][0].update(mode=1)), "no triangles"),
    "car.fbx": (b"Kaydara", ".fbx"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_reason(tmp_path, name):
    content, words = REFUSED[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_mesh(tmp_path / name)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / name)) and words in message and "\n" not in message


def test_embedded_buffer(tmp_path):
    gltf = coloured_gltf()
    gltf.glb()
    gltf.json["buffers"][0]["uri"] = "data:application/octet-stream;base64," + base64.b64encode(gltf.blob).decode()
    (tmp_path / "e.gltf").write_text(json.dumps(gltf.json))
    assert Document(tmp_path / "e.gltf").accessor(0).shape == (8, 3)
    assert volume(read_mesh(tmp_path / "e.gltf")) == pytest.approx(VOLUME)


def test_classes_and_model_names(tmp_path):
    for name in ("chair/a.obj", "chair/deep/A.glb", "chair/deep/er/c d.ply", "boat/x/model.obj", "boat/y/model.obj",
                 "watercraft/x/model.stl", "Weird Class!/é.off", "loose.STL", "chair/.hidden.obj", ".git/x.obj",
                 "chair/notes.txt", "chair/a.fbx"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = {source.name: (source.synset, source.model_id) for source in find_meshes(tmp_path)}
    assert found.pop("boat/y/model.obj") == ("04530566", "y-model")
    boats = [found.pop("boat/x/model.obj"), found.pop("watercraft/x/model.stl")]  # one class under two names
    assert boats == [("04530566", "x-model-obj"), ("04530566", "x-model-stl")]
    assert found.pop("chair/a.obj") == ("03001627", "a-obj")  # a.fbx and deep/A.glb would be "a", too
    assert found == {"chair/deep/A.glb": ("03001627", "deep-A"), "chair/deep/er/c d.ply": ("03001627", "c_d"),
                     "Weird Class!/é.off": ("Weird_Class_", "_"), "loose.STL": ("object", "loose"),
                     "chair/a.fbx": ("03001627", "a-fbx")}
    with pytest.raises(DataError, match="no such folder"):
        find_meshes(tmp_path / "absent")
    (tmp_path / "none").mkdir()
    with pytest.raises(DataError, match="no mesh files"):
        find_meshes(tmp_path / "none")


@pytest.mark.slow
def test_workers_survive_crash_and_hang():
    assert sorted(run_each(math.sqrt, [4, 9, 16], jobs=2, timeout=60)) == [(0, 2.0), (1, 3.0), (2, 4.0)]
    crashed = dict(run_each(signal.raise_signal, [signal.SIGKILL, signal.SIGCONT, signal.SIGSEGV], jobs=1, timeout=60))
    assert crashed[0].reason.startswith("was killed by SIGKILL") and crashed[2].reason == "was killed by SIGSEGV"
    assert crashed[1] is None
    assert dict(run_each(os._exit, [3], jobs=1, timeout=60)) == {0: Lost("ended with exit code 3")}
    slow = dict(run_each(time.sleep, [1000, 0], jobs=2, timeout=1.5))
    assert slow[0].reason == "took longer than 1.5 s and was stopped" and slow[1] is None
    with pytest.raises(ValueError, match="math domain"):
        list(run_each(math.sqrt, [-1], jobs=1, timeout=60))


def test_workers_that_are_through_end_by_themselves(monkeypatch):
    """A signal could meet them on the way out, where Python answers it with a traceback."""
    def stopped(process):
        raise AssertionError("an idle process was told to stop")

    monkeypatch.setattr(multiprocessing.context.SpawnProcess, "terminate", stopped)
    assert sorted(run_each(math.sqrt, [4, 9, 16], jobs=2, timeout=60)) == [(0, 2.0), (1, 3.0), (2, 4.0)]


def run_tool(*arguments):
    return render_meshes.main(list(map(str, arguments)))


def tree(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.slow
def test_tool_end_to_end(tmp_path, capsys):
    meshes, out, again = tmp_path / "meshes", tmp_path / "out", tmp_path / "again"
    (meshes / "chair").mkdir(parents=True)
    WRITERS["L.GLB"](meshes / "chair" / "good one.glb")
    write_off(meshes / "plain.off")
    (meshes / "chair" / "bad.obj").write_bytes(b"")
    small = ["--views", 3, "--image-size", 40, "--resolution", 12]
    assert run_tool(meshes, out, *small, "--jobs", 2) == 0
    said = capsys.readouterr().out
    assert f"rejected {meshes}/chair/bad.obj: the file is empty" in said
    assert "2 of 3 mesh files became samples, 1 rejected" in said
    assert (out / "rejected.txt").read_text() == "chair/bad.obj: the file is empty\n"

    layout = scan(out)
    assert [model.key for model in layout.models] == ["03001627/good_one", "object/plain"] and not layout.incomplete
    assert all(len(model.names) == 3 for model in layout.models)
    split = read_split(out / "ShapeNet.json")
    assert sorted(name for entry in split for part in ("train", "val", "test") for name in entry[part]) == \
        ["good_one", "plain"]

    # the voxels of the sample, laid out by its header, are those of the L; the camera rows belong to the pictures
    grid = read_binvox(layout.models[0].voxels)
    diagonal = math.sqrt(9 + 9 + 1)
    assert grid.scale == pytest.approx(3 / diagonal) and grid.translate[0] == pytest.approx(-1.5 / diagonal)
    assert grid.occupancy[:, 0:4, 4:8].all() and not grid.occupancy[6:, 6:].any()
    cameras = read_cameras(layout.models[0].metadata)
    assert len(cameras) == 3 and all(25 <= camera.elevation <= 30 for camera in cameras)

    # the same bytes from one process and from a folder where it is alone; nothing is done twice
    assert run_tool(meshes, again, *small, "--jobs", 1) == 0
    assert tree(out) == tree(again) and filecmp.cmpfiles(out, again, tree(out), shallow=False)[0] == tree(out)
    stamp = layout.models[0].views[0].stat().st_mtime_ns
    capsys.readouterr()
    assert run_tool(meshes, out, *small) == 0
    assert "0 of 3 mesh files became samples, 1 rejected, 2 were there already" in capsys.readouterr().out
    assert layout.models[0].views[0].stat().st_mtime_ns == stamp
    before = layout.models[0].views[0].read_bytes()
    assert run_tool(meshes, out, *small, "--seed", 5) == 2  # a data set of two kinds
    assert "--seed 0, now it is 5" in capsys.readouterr().err
    assert run_tool(meshes, out, *small, "--seed", 5, "--overwrite") == 0
    assert layout.models[0].views[0].read_bytes() != before

    # a file that is now rejected has no sample of an earlier run
    (meshes / "plain.off").write_bytes(b"")
    assert run_tool(meshes, out, *small, "--seed", 5) == 0
    assert len(scan(out).models) == 2  # it is not looked at again
    assert run_tool(meshes, out, *small, "--seed", 5, "--overwrite") == 0
    assert [model.key for model in scan(out).models] == ["03001627/good_one"] and not scan(out).incomplete
    assert [entry["taxonomy_id"] for entry in read_split(out / "ShapeNet.json")] == ["03001627"]
    (meshes / "chair" / "good one.glb").write_bytes(b"")
    assert run_tool(meshes, out, *small, "--seed", 5, "--overwrite") == 2
    assert tree(out) == ["rejected.txt", "render_meshes.json"]


def test_tool_without_a_sample(tmp_path, capsys):
    (tmp_path / "meshes").mkdir()
    (tmp_path / "meshes" / "bad.ply").write_bytes(b"ply")
    (tmp_path / "meshes" / os.fsdecode(b"na\xefve.obj")).write_bytes(b"")  # a name in Latin-1
    assert run_tool(tmp_path / "meshes", tmp_path / "out", "--jobs", 1) == 2
    said = capsys.readouterr().out
    assert "bad.ply: it has no PLY header" in said and "na\\udcefve.obj: the file is empty" in said
    assert tree(tmp_path / "out") == ["rejected.txt", "render_meshes.json"]


def test_tool_turns_and_z_up(tmp_path):
    (tmp_path / "meshes").mkdir()
    write_stl(tmp_path / "meshes" / "l.stl")
    assert run_tool(tmp_path / "meshes", tmp_path / "out", "--views", 1, "--image-size", 16, "--resolution", 12,
                    "--jobs", 1, "--up", "z", "--turn", 90) == 0
    grid = read_binvox(scan(tmp_path / "out").models[0].voxels).occupancy
    # (x, y, z) -> z up: (x, z, -y) -> a quarter turn about y, +x becoming -z: (-y, z, -x)
    expected = np.zeros((12, 12, 12), bool)
    expected[8:12, 4:8, :] = True  # the foot lies along z, now at the end of x
    expected[0:8, 4:6, 8:12] = True  # the post reaches along -x from the foot's left end
    assert_solid(grid, expected)


def test_real_files(shared):
    folder = shared / "data"
    chair = read_mesh(folder / "meshes" / "chair" / "kenney_chairCushion.glb").normalised()
    colours = np.unique(np.round(chair.colours.reshape(-1, 3), 2), axis=0)
    assert len(colours) == 2 and colours.min() > 0.3  # pine and pink; taken as sRGB they would be far darker
    stool = read_mesh(folder / "meshes" / "chair" / "polyhaven_painted_wooden_stool.glb")
    assert len(stool.textures) == 1 and stool.textures[0].std() > 10
    for name, words in (("quaternius_rover_draco.glb", "Draco"), ("assimp_BoxWithInfinites.glb", "12 of 12"),
                        ("assimp_OutOfMemory.off", "353,535,235,358"), ("obj_nan_vertex.obj", "6 of 12"),
                        ("trimesh_points_emptyface.ply", "1,024 points")):
        with pytest.raises(DataError, match=words):
            read_mesh(folder / "broken" / "mesh" / name)
    assert read_mesh(folder / "broken" / "mesh" / "assimp_box_UTF16BE.obj").bounds.tolist() == [[-0.5] * 3, [0.5] * 3]
