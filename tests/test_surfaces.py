"""Grids -> meshes and mesh files, against analytic volumes, brute force, and a round trip of a lopsided shape."""
from __future__ import annotations

import io
import json
from collections import Counter

import numpy as np
import pytest
import trimesh
from scipy.ndimage import map_coordinates

from gluon_r2n2.errors import ModelError
from gluon_r2n2.surfaces import MESH_FORMATS, cubes_mesh, encode_mesh, marching_mesh
from recordio.geometry.mesh import Mesh
from recordio.geometry.voxeliser import voxelise
from recordio.layouts import VoxelGrid, encode_binvox, read_binvox

SIDE = 32


def centres(side=SIDE):
    """(side, side, side, 3) centres of the cells in the unit cube."""
    axis = (np.arange(side) + 0.5) / side - 0.5
    return np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)


def ball(radius):
    """A grid of probabilities that is 0.5 at *radius*, and falls linearly across it."""
    return np.clip(0.5 + (radius - np.linalg.norm(centres(), axis=-1)) * 8, 0, 1)


def loaded(data, kind):
    return trimesh.load(io.BytesIO(data), file_type=kind, force="mesh", process=False)


def directed_edges(faces):
    return Counter((int(face[a]), int(face[b])) for face in faces for a, b in ((0, 1), (1, 2), (2, 0)))


def test_marching_cubes_on_a_ball_has_its_volume_area_and_outward_normals():
    mesh = marching_mesh(ball(0.35))
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * 0.35 ** 3, rel=0.01)  # a positive volume: faces turn outward
    assert mesh.area == pytest.approx(4 * np.pi * 0.35 ** 2, rel=0.01)
    assert mesh.is_watertight and mesh.is_winding_consistent
    radii = np.linalg.norm(mesh.vertices, axis=1, keepdims=True)
    np.testing.assert_allclose(radii, 0.35, atol=0.1 / SIDE)
    assert np.einsum("ij,ij->i", mesh.vertex_normals, mesh.vertices / radii).min() > 0.95


def test_marching_cubes_of_a_block_of_cells_is_the_block_with_rounded_edges():
    grid = np.zeros((SIDE,) * 3, bool)
    grid[4:20, 8:12, 1:31] = True
    mesh = marching_mesh(grid)
    np.testing.assert_allclose(mesh.bounds, np.array([[4, 8, 1], [20, 12, 31]]) / SIDE - 0.5, atol=1e-4)
    assert mesh.volume == pytest.approx(grid.mean(), rel=0.06)
    assert mesh.volume < grid.mean()


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
def test_vertices_lie_where_interpolation_gives_the_threshold(threshold):
    grid = np.random.RandomState(1).uniform(size=(12, 12, 12))
    mesh = marching_mesh(grid, threshold=threshold)
    places = (mesh.vertices + 0.5) * 12 - 0.5  # in cells, cell centres at whole numbers
    # vertices on an edge between two centres; a few more lie inside ambiguous cells
    edge = (np.abs(places - np.rint(places)) < 1e-4).sum(axis=1) >= 2
    inner = edge & ((places >= 0) & (places <= 11)).all(axis=1)
    values = map_coordinates(grid, places[inner].T, order=1)
    np.testing.assert_allclose(values, threshold, atol=1e-3)
    assert inner.sum() > 800


@pytest.mark.parametrize("levels", [1, 2, 4, 10, None])
@pytest.mark.parametrize("threshold", [0.25, 0.3, 0.5, 0.9])
def test_marching_cubes_is_closed_whatever_the_grid(levels, threshold):
    """Values on the level and faces whose corners tie leave holes in a plain marching cubes."""
    random = np.random.RandomState(2)
    grid = random.uniform(size=(10,) * 3) if levels is None else random.randint(0, levels + 1, (10,) * 3) / levels
    mesh = marching_mesh(grid, threshold=threshold)
    assert mesh.is_watertight and mesh.is_winding_consistent and mesh.volume > 0
    assert np.abs(mesh.vertices).max() <= 0.5


def test_a_full_grid_closes_at_the_border_of_the_cube():
    for mesh in (marching_mesh(np.ones((8,) * 3), threshold=0.3), cubes_mesh(np.ones((8,) * 3))):
        np.testing.assert_allclose(mesh.bounds, [[-0.5] * 3, [0.5] * 3])
        assert mesh.is_watertight
    assert mesh.volume == pytest.approx(1)


def test_an_empty_grid_gives_an_empty_mesh_which_no_file_can_hold():
    for make in (marching_mesh, cubes_mesh):
        mesh = make(np.full((8,) * 3, 0.3), threshold=0.4)
        assert len(mesh.faces) == 0
        for kind in MESH_FORMATS:
            with pytest.raises(ModelError, match="no cell reaches the threshold"):
                encode_mesh(mesh, kind)


@pytest.mark.parametrize("grid", [np.zeros((4, 4)), np.zeros((0, 4, 4)), np.full((4, 4, 4), np.nan)])
def test_what_is_no_grid_is_refused(grid):
    for make in (marching_mesh, cubes_mesh):
        with pytest.raises(ModelError):
            make(grid)


@pytest.mark.parametrize("threshold", [0, -0.5, float("nan")])
def test_a_threshold_that_the_outside_reaches_is_refused(threshold):
    for make in (marching_mesh, cubes_mesh):
        with pytest.raises(ModelError, match="must be a probability above 0"):
            make(ball(0.3), threshold=threshold)


def test_cubes_have_the_volume_of_the_cells_and_only_exposed_faces():
    grid = np.random.RandomState(3).uniform(size=(7, 7, 7)) < 0.4
    mesh = cubes_mesh(grid)
    exposed = 0
    padded = np.pad(grid, 1)
    for cell in np.argwhere(padded):
        for axis in range(3):
            for step in (-1, 1):
                neighbour = cell.copy()
                neighbour[axis] += step
                exposed += not padded[tuple(neighbour)]
    assert len(mesh.faces) == 2 * exposed
    assert mesh.volume == pytest.approx(grid.mean())
    assert mesh.area == pytest.approx(exposed / 49)


def test_edges_of_cubes_are_shared_evenly():
    grid = np.random.RandomState(4).uniform(size=(6, 6, 6)) < 0.5
    edges = directed_edges(cubes_mesh(grid).faces)
    assert all(edges[second, first] == count for (first, second), count in edges.items())
    solid = np.zeros((6, 6, 6), bool)
    solid[1:4, 2:5, 1:3] = True
    assert cubes_mesh(solid).is_watertight  # no two cells that touch along an edge only


@pytest.mark.parametrize("make", [marching_mesh, cubes_mesh])
def test_one_cell_is_where_the_frame_says(make):
    grid = np.zeros((SIDE,) * 3, bool)
    grid[3, 10, 27] = True
    mesh = make(grid)
    np.testing.assert_allclose(mesh.bounds.mean(axis=0), (np.array([3, 10, 27]) + 0.5) / SIDE - 0.5, atol=1e-7)


def test_cells_of_a_grid_that_is_no_cube_stay_cubes():
    mesh = cubes_mesh(np.ones((4, 2, 1), bool))
    np.testing.assert_allclose(mesh.bounds, [[-0.5, -0.25, -0.125], [0.5, 0.25, 0.125]])


@pytest.mark.parametrize("kind", MESH_FORMATS)
@pytest.mark.parametrize("make", [marching_mesh, cubes_mesh])
def test_files_hold_the_mesh(kind, make):
    grid = ball(0.3)
    grid[:, 20:] = 0  # lopsided: no axis can be mistaken for another, nor turned round
    grid[10:] *= 0.7
    mesh = make(grid, threshold=0.4)
    read = loaded(encode_mesh(mesh, kind), kind)
    np.testing.assert_allclose(read.bounds, mesh.bounds, atol=1e-6)
    assert read.volume == pytest.approx(mesh.volume, rel=1e-4)
    assert len(read.faces) == len(mesh.faces)
    assert encode_mesh(mesh, kind) == encode_mesh(make(grid, threshold=0.4), kind)


def test_smooth_files_carry_the_surfaces_normals():
    mesh = marching_mesh(ball(0.35))
    data = encode_mesh(mesh, "glb", smooth=True)
    assert data[:4] == b"glTF"
    length = int.from_bytes(data[12:16], "little")
    header = json.loads(data[20:20 + length])
    assert set(header["meshes"][0]["primitives"][0]["attributes"]) == {"POSITION", "NORMAL"}
    read, = trimesh.load(io.BytesIO(data), file_type="glb", process=False).geometry.values()
    np.testing.assert_allclose(read.vertex_normals, mesh.vertex_normals, atol=1e-6)
    assert b"NORMAL" not in encode_mesh(mesh, "glb")
    assert b"\nvn " in encode_mesh(mesh, "obj", smooth=True) and b"\nvn " not in encode_mesh(mesh, "obj")


def test_an_obj_file_is_the_text_everybody_expects():
    text = encode_mesh(cubes_mesh(np.ones((1, 1, 1), bool)), "obj").decode()
    lines = [line for line in text.splitlines() if line and line[0] in "vf"]
    assert lines[0] == "v -0.50000000 -0.50000000 -0.50000000"
    assert [line[0] for line in lines] == ["v"] * 8 + ["f"] * 12


def test_an_unknown_format_is_named_with_the_nearest():
    with pytest.raises(ModelError, match="did you mean 'glb'"):
        encode_mesh(cubes_mesh(np.ones((1, 1, 1), bool)), "gbl")


def test_a_lopsided_mesh_comes_back_through_voxels_and_binvox():
    """mesh -> voxels -> binvox -> surface: every axis keeps its place and its direction."""
    parts = [trimesh.creation.box((1.0, 0.2, 0.5)), trimesh.creation.box((0.25, 0.6, 0.1))]
    parts[1].apply_translation((0.3, 0.4, -0.2))  # up on the right, at the front
    solid = trimesh.util.concatenate(parts)
    mesh = Mesh.build(solid.vertices, solid.faces).normalised()
    grid = read_binvox(encode_binvox(VoxelGrid(voxelise(mesh, 64))))
    longest = np.ptp(mesh.bounds, axis=0).max()
    for surface in (marching_mesh(grid.occupancy), cubes_mesh(grid.occupancy)):
        np.testing.assert_allclose(surface.bounds * longest, mesh.bounds, atol=1.6 / 64 * longest)
        low, high = solid.bounds
        mass = 0.015 * np.array([0.3, 0.4, -0.2]) / 0.115  # boxes of volume 0.1 at the origin and 0.015
        expected = (mass - (low + high) / 2) / (high - low).max()
        np.testing.assert_allclose(surface.center_mass, expected, atol=0.02)
