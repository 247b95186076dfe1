"""Surfaces as users ask for them: smoothing, fewer triangles, sizes and units, against analytic shapes and volumes."""
from __future__ import annotations

import io
from collections import Counter

import fast_simplification
import numpy as np
import pytest
import trimesh
from scipy.optimize import brentq

from gluon_r2n2.errors import ModelError
from gluon_r2n2.surfaces import MESH_FORMATS, Size, encode_mesh, surface
from gluon_r2n2.surfaces.manifold import separate_sheets
from recordio.geometry import voxelise
from recordio.shapes import make_shape

SHAPES = ["airplane", "bench", "cabinet", "chair", "lamp", "rifle", "table", "watercraft"]


def shape_grid(name, index=0):
    """(32, 32, 32) float32 in 0..1 of a shape that the project makes."""
    return voxelise(make_shape(name, 5, index)).astype(np.float32)


def ball(radius=0.35, side=32):
    """A ball of whole cells: its surface has steps."""
    axis = (np.arange(side) + 0.5) / side - 0.5
    return np.linalg.norm(np.stack(np.meshgrid(axis, axis, axis)), axis=0) <= radius


def edge_counts(faces):
    """How often every edge is used, in each direction."""
    return Counter((int(face[a]), int(face[b])) for face in faces for a, b in ((0, 1), (1, 2), (2, 0)))


def assert_two_faces_an_edge(faces):
    """Every edge has two faces, one in each direction."""
    edges = edge_counts(faces)
    assert set(edges.values()) == {1}
    assert all((end, start) in edges for start, end in edges)


def assert_closed(mesh):
    """Closed, and the faces turn outward."""
    assert_two_faces_an_edge(mesh.faces)
    assert mesh.is_watertight and mesh.is_winding_consistent
    assert mesh.volume > 0


def read(data, kind):
    return trimesh.load(io.BytesIO(data), file_type=kind, force="mesh")


# ---- smoothing -----------------------------------------------------------------------------------------------------


def test_smoothing_takes_the_steps_off_a_ball_and_keeps_its_volume():
    rough, fine = surface(ball()), surface(ball(), smooth=10)
    exact = 4 / 3 * np.pi * 0.35 ** 3
    assert fine.volume == pytest.approx(rough.volume, rel=0.005)
    assert fine.volume == pytest.approx(exact, rel=0.02)

    def slant(mesh):
        """Mean angle in degrees between a face's normal and the ball's."""
        outward = mesh.triangles_center / np.linalg.norm(mesh.triangles_center, axis=1, keepdims=True)
        return np.degrees(np.arccos(np.clip((mesh.face_normals * outward).sum(axis=1), -1, 1))).mean()

    assert slant(fine) < 0.4 * slant(rough)
    assert_closed(fine)
    np.testing.assert_array_equal(fine.faces, rough.faces)


def test_one_step_of_smoothing_is_the_sum_written_out():
    mesh = surface(ball(0.3, 12), smooth=0)
    expected = np.array(mesh.vertices)
    neighbours = {vertex: set() for vertex in range(len(expected))}
    for start, end in edge_counts(mesh.faces):
        neighbours[start].add(end)
    for weight in (0.5, -0.53):
        means = np.array([np.mean([expected[other] for other in around], axis=0) for around in neighbours.values()])
        expected = expected + weight * (means - expected)
    shrunk = trimesh.Trimesh(expected, mesh.faces, process=False)

    def pushed(length):
        return trimesh.Trimesh(expected + shrunk.vertex_normals * length, mesh.faces, process=False)

    length = brentq(lambda length: pushed(length).volume - mesh.volume, -0.1, 0.1, xtol=1e-14)
    assert abs(length) > 1e-5
    np.testing.assert_allclose(surface(ball(0.3, 12), smooth=1).vertices, pushed(length).vertices, atol=1e-9)


@pytest.mark.parametrize("name", SHAPES)
def test_smoothing_keeps_the_volume_of_shapes(name):
    grid = shape_grid(name)
    rough, fine = surface(grid), surface(grid, smooth=10)
    assert fine.volume == pytest.approx(rough.volume, rel=0.025)  # where it touches the border it loses a little
    assert_closed(fine)
    assert np.abs(fine.vertices).max() <= 0.5


def cells(*indices, side=12):
    grid = np.zeros((side,) * 3, np.float32)
    for index in indices:
        grid[index] = 1
    return grid


STEP = np.arange(1, 11)
AWKWARD = {  # all off the border
    "one cell": cells((5, 5, 5)),
    "edge to edge": cells((5, 5, 5), (6, 6, 5)),
    "corner to corner": cells((5, 5, 5), (6, 6, 6)),
    "rod": cells((slice(1, 11), 5, 5)),
    "plate": cells((slice(1, 11), 5, slice(1, 11))),
    "diagonal rod": cells((STEP, STEP, STEP)),
    "block and stray cells": cells((slice(1, 6),) * 3, (8, 8, 8), (10, 2, 9), (9, 10, 1)),
    "cavity": np.pad(1 - cells((3, 3, 3), side=8), 2),
    "checkerboard": np.pad(np.indices((6,) * 3).sum(axis=0) % 2, 3),
    "noise": np.pad(np.random.RandomState(0).randint(0, 2, (6,) * 3), 3),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_smoothing_keeps_every_body_of_awkward_grids(name):
    """Smoothing alone would shrink a single cell to a point, and giving back what all lost would blow up the rest."""
    rough = surface(AWKWARD[name])
    for rounds in (1, 10, 100):
        fine = surface(AWKWARD[name], smooth=rounds)
        assert_closed(fine)
        for before, after in zip(rough.split(only_watertight=False), fine.split(only_watertight=False)):
            assert after.volume == pytest.approx(before.volume, rel=1e-4)
            # nor does anything fly away
            np.testing.assert_allclose(after.bounds, before.bounds, atol=2.5 / 12)


# ---- fewer triangles -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("share", [0.5, 0.2, 0.05])
def test_fewer_triangles_are_closed_and_of_the_same_volume(name, share):
    grid = shape_grid(name)
    whole = surface(grid)
    faces = int(share * len(whole.faces))
    simple = surface(grid, faces=faces)
    assert_closed(simple)
    assert simple.volume == pytest.approx(whole.volume, rel=0.151)
    assert len(simple.faces) < len(whole.faces)
    if share >= 0.2:
        assert len(simple.faces) <= 1.03 * faces
    # nor do readers that merge points at one place see it pinched
    assert read(encode_mesh(simple, "stl"), "stl").is_watertight


@pytest.mark.parametrize("seed", range(6))
def test_fewer_triangles_of_noise_are_closed(seed):
    """Hundreds of tunnels and bridges: edges where a plain collapse leaves four faces, and points of many sheets."""
    grid = np.random.RandomState(seed).uniform(size=(10,) * 3)
    whole = surface(grid)
    simple = surface(grid, faces=len(whole.faces) // 2)
    assert_closed(simple)
    assert len(simple.faces) < 0.6 * len(whole.faces)


@pytest.mark.parametrize("name", AWKWARD)
@pytest.mark.parametrize("faces", [4, 100])
def test_fewer_triangles_of_awkward_grids_are_closed(name, faces):
    simple = surface(AWKWARD[name], faces=faces)
    assert_closed(simple)
    assert simple.volume == pytest.approx(surface(AWKWARD[name]).volume, rel=0.151)


@pytest.mark.parametrize("threshold", [0.001, 0.5])
def test_fewer_triangles_stay_in_the_unit_cube(threshold):
    grid = (np.random.RandomState(5).uniform(size=(12,) * 3) < 0.3).astype(np.float32)
    whole = surface(grid, threshold=threshold)
    simple = surface(grid, threshold=threshold, faces=len(whole.faces) // 2)
    assert len(simple.faces) < len(whole.faces)
    assert_closed(simple)
    assert np.abs(simple.vertices).max() <= 0.5


def test_so_few_triangles_that_the_shape_would_be_lost_are_not_tried_for_long(monkeypatch):
    """Noise takes the library long for each number of triangles that it cannot get to."""
    calls = []
    simplify = fast_simplification.simplify
    monkeypatch.setattr(fast_simplification, "simplify", lambda *rest: calls.append(rest) or simplify(*rest))
    noise = (np.random.RandomState(6).uniform(size=(10,) * 3) < 0.7) * 0.5
    assert_closed(surface(noise, threshold=0.499, faces=4))
    assert 1 < len(calls) <= 12


def test_a_flat_side_needs_few_triangles():
    block = np.zeros((32,) * 3, bool)
    block[4:28, 8:24, 10:22] = True
    simple = surface(block, faces=200)
    assert len(simple.faces) <= 200
    np.testing.assert_allclose(simple.bounds, np.array([[4, 8, 10], [28, 24, 22]]) / 32 - 0.5, atol=0.2 / 32)


def test_so_few_triangles_that_the_shape_would_be_lost_are_not_made():
    simple = surface(ball(), faces=4)  # a tetrahedron in a ball has an eighth of its volume
    assert 4 < len(simple.faces) < 200
    assert simple.volume == pytest.approx(surface(ball()).volume, rel=0.16)


def two_boxes(shift):
    """Two cubes of edge 1 with shared vertices, the second one moved by *shift*: (vertices, faces)."""
    box = trimesh.creation.box((1, 1, 1))
    places = np.concatenate([box.vertices, box.vertices + shift])
    vertices, same = np.unique(places.round(9), axis=0, return_inverse=True)
    return vertices, same.reshape(-1)[np.concatenate([box.faces, box.faces + len(box.vertices)])]


@pytest.mark.parametrize("shift, shared", [((1, 1, 0), 2), ((1, 1, 1), 1), ((3, 0, 0), 0)])
def test_sheets_that_touch_are_taken_apart(shift, shared):
    vertices, faces = two_boxes(shift)
    assert len(vertices) == 16 - shared
    places, split = separate_sheets(vertices, faces)
    mesh = trimesh.Trimesh(places, split, process=False)
    assert_closed(mesh)
    assert len(places) == 16 and len(split) == 24
    bodies = mesh.split()
    assert [len(body.faces) for body in bodies] == [12, 12]  # each box is whole: no face went to the other one
    assert [body.volume for body in bodies] == pytest.approx([1, 1], abs=3e-3)


def test_collapsing_any_edge_of_a_small_ring_leaves_a_closed_surface():
    """A ring of three by four points: a collapse closes its hole to an edge of four faces, which hang together."""
    ring = trimesh.creation.torus(1.0, 0.4, major_sections=3, minor_sections=4)
    split_edges = 0
    for start, end in ring.edges_unique:
        faces = np.where(ring.faces == end, start, ring.faces)
        faces = faces[(faces != np.roll(faces, 1, axis=1)).all(axis=1)]
        pinched = max(Counter(tuple(sorted(edge)) for edge in edge_counts(faces).elements()).values()) > 2
        places, split = separate_sheets(ring.vertices, faces)
        assert_two_faces_an_edge(split)
        # so coarse a ring may turn inside out, but taking it apart moves next to nothing
        volumes = [trimesh.Trimesh(*mesh, process=False).volume for mesh in ((ring.vertices, faces), (places, split))]
        assert volumes[1] == pytest.approx(volumes[0], abs=2e-3)
        if not pinched:
            assert len(split) == len(faces) == len(ring.faces) - 2
        split_edges += len(split) > len(faces)
    assert split_edges  # such an edge is split at its middle


# ---- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options, message", [
    ({"mesh": "marchin"}, "did you mean 'marching'"),
    ({"smooth": -1}, "iterations of smoothing must be a whole number, 0 to 100; got -1"),
    ({"smooth": 101}, "0 to 100; got 101"),
    ({"smooth": 1.5}, "got 1.5"),
    ({"faces": 3}, "triangles must be a whole number, 4 or more; got 3"),
    ({"faces": "many"}, "got 'many'"),
    ({"mesh": "cubes", "smooth": 1}, "cubes show the cells as they are"),
    ({"mesh": "cubes", "faces": 100}, "cubes show the cells as they are"),
])
def test_options_out_of_range_are_one_sentence(options, message):
    with pytest.raises(ModelError, match=message) as caught:
        surface(ball(), **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("side", [32, 64, 128])
def test_empty_full_and_single_cells_of_any_side(side):
    grid = np.zeros((side,) * 3, np.float32)
    assert len(surface(grid, smooth=10, faces=100).faces) == 0
    grid[side // 2, 0, side - 1] = 1
    assert_closed(surface(grid, smooth=3, faces=6))
    full = surface(np.ones_like(grid), smooth=2, faces=1000)
    assert_closed(full)
    assert full.volume == pytest.approx(1, rel=0.02)


# ---- sizes and units -----------------------------------------------------------------------------------------------


def lopsided():
    grid = np.zeros((16,) * 3, np.float32)
    grid[2:14, 1:5, 4:12] = 1
    return surface(grid)  # 12 x 4 x 8 cells


@pytest.mark.parametrize("kind, factor", [("glb", 1.0), ("stl", 1000.0), ("obj", 1.0), ("ply", 1.0)])
def test_a_height_in_metres_is_the_height_in_every_file(kind, factor):
    mesh = read(encode_mesh(lopsided(), kind, size=Size(height=0.9)), kind)
    assert mesh.extents == pytest.approx(np.array([2.7, 0.9, 1.8]) * factor, rel=1e-4)


@pytest.mark.parametrize("kind", MESH_FORMATS)
@pytest.mark.parametrize("height", [1e-9, 1e-6, 1e9])
def test_objects_as_small_and_large_as_are_taken_come_back_from_files(kind, height):
    data = encode_mesh(lopsided(), kind, smooth=True, size=Size(height=height))
    mesh = trimesh.load(io.BytesIO(data), file_type=kind, force="mesh", process=False)
    assert len(mesh.faces) == len(lopsided().faces)
    assert mesh.extents / mesh.extents[1] == pytest.approx([3, 1, 2], rel=1e-4)


@pytest.mark.parametrize("units, metres", [("m", 1.0), ("cm", 0.01), ("mm", 0.001), ("in", 0.0254)])
def test_units_are_those_of_the_files_that_have_none(units, metres):
    size = Size(longest=30, units=units)
    longest = {kind: read(encode_mesh(lopsided(), kind, size=size), kind).extents.max() for kind in MESH_FORMATS}
    assert longest["obj"] == pytest.approx(30) and longest["ply"] == pytest.approx(30)
    assert longest["glb"] == pytest.approx(30 * metres)
    assert longest["stl"] == pytest.approx(30 * metres * 1000)


@pytest.mark.parametrize("kind", MESH_FORMATS)
def test_standing_on_the_ground_moves_up_only(kind):
    centred = read(encode_mesh(lopsided(), kind), kind).bounds
    standing = read(encode_mesh(lopsided(), kind, size=Size(ground=True)), kind).bounds
    np.testing.assert_allclose(standing[:, [0, 2]], centred[:, [0, 2]], atol=1e-6)
    assert standing[0, 1] == pytest.approx(0, abs=1e-7)
    np.testing.assert_allclose(np.ptp(standing, axis=0), np.ptp(centred, axis=0), atol=1e-6)


@pytest.mark.parametrize("options, message", [
    ({"height": 1, "longest": 2}, "both were given; leave one out"),
    ({"height": 0}, "must be a number above 0, .* got 0"),
    ({"longest": float("nan")}, "must be a number above 0, .* got nan"),
    ({"longest": float("inf")}, "got inf"),
    ({"height": 1e10}, "from 1e-09 to 1e\\+09, got 1e\\+10"),
    ({"units": "meter"}, "unknown unit 'meter'"),
])
def test_a_size_that_is_none_is_refused(options, message):
    with pytest.raises(ModelError, match=message):
        Size(**options)
