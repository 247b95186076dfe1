"""Lofts against analytic solids, and the five vehicle and handheld classes: closed, outward, symmetric, varied."""
from __future__ import annotations

import numpy as np
import pytest

from recordio.geometry.voxeliser import voxelise
from recordio.shapes import foils, lofts, outlines
from recordio.shapes.catalogue import make_shape
from recordio.shapes.materials import Material, plain

CLASSES = ("airplane", "car", "rifle", "telephone", "watercraft")
LOOK = plain(200, 120, 40)


def open_edges(faces):
    """Directed edges that are not met exactly once each way."""
    start, end = faces[:, [0, 1, 2]].ravel().astype(np.int64), faces[:, [1, 2, 0]].ravel().astype(np.int64)
    size = int(faces.max()) + 1
    forward, count = np.unique(start * size + end, return_counts=True)
    return int((count != 1).sum()) + len(np.setxor1d(forward, np.unique(end * size + start)))


def volumes(mesh):
    """Signed volume of every part by the divergence theorem."""
    a, b, c = np.moveaxis(mesh.vertices[mesh.faces], 1, 0)
    return np.bincount(mesh.parts, np.einsum("ij,ij->i", a, np.cross(b, c)) / 6)


def test_a_loft_of_circles_is_a_cylinder():
    mesh = lofts.spindle([(-1.0, 0.5), (0.3, 0.5), (1.0, 0.5)], LOOK, sides=64)
    exact = 64 / 2 * 0.25 * np.sin(2 * np.pi / 64) * 2.0  # the prism over a regular 64-gon
    assert open_edges(mesh.faces) == 0
    assert volumes(mesh)[0] == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize("axis", ["x", "y", "z"])
def test_a_loft_of_growing_circles_is_a_sphere(axis):
    angle = np.linspace(0, np.pi, 65)
    mesh = lofts.spindle(np.stack([-np.cos(angle), np.sin(angle)], axis=1), LOOK, axis=axis, sides=96,
                         at=(1.0, 2.0, 3.0))
    assert open_edges(mesh.faces) == 0
    assert volumes(mesh)[0] == pytest.approx(4 / 3 * np.pi, rel=4e-3)
    assert len(mesh.vertices) == 63 * 96 + 2  # both poles are one vertex
    outward = np.einsum("mci,mci->mc", mesh.normals, mesh.vertices[mesh.faces] - [1, 2, 3])
    assert outward.min() > 0.98  # smooth: the normal at every corner is the radius


def test_loft_faces_outward_whichever_way_the_rings_run():
    ring = np.array([(1, 1), (1, -1), (-1, -1), (-1, 1)], float)
    for order in (1, -1):
        for turn in (1, -1):
            rings = lofts.along_z(ring[::turn], np.array([0.0, 3.0])[::order])
            assert volumes(lofts.loft(rings, LOOK))[0] == pytest.approx(12)


def test_strip_caps_close_a_trough():
    outside = [(1, 1), (1, 0), (-1, 0), (-1, 1)]
    inside = [(-0.9, 1), (-0.9, 0.1), (0.9, 0.1), (0.9, 1)]
    mesh = lofts.loft(lofts.along_z(np.array(outside + inside, float), np.array([0.0, 2.0])), LOOK, caps="strip")
    assert open_edges(mesh.faces) == 0
    assert volumes(mesh)[0] == pytest.approx((2 * 1 - 1.8 * 0.9) * 2)


def test_loft_paints_the_named_panels():
    colours = np.zeros((2, 4, 3))
    colours[1, 2] = (1, 0, 0)
    rings = lofts.along_z(np.array([(1, 1), (1, -1), (-1, -1), (-1, 1)], float), np.array([0.0, 1.0, 2.0]))
    mesh = lofts.loft(rings, LOOK, colours=colours, cap=(0, 0, 1))
    red = (mesh.colours[:, 0] == (1, 0, 0)).all(axis=1)
    centres = mesh.vertices[mesh.faces[red]].mean(axis=(0, 1))
    assert red.sum() == 2 and centres[0] == pytest.approx(-1, abs=1e-9) and centres[2] == pytest.approx(1.5)
    assert (mesh.colours[:, 0] == (0, 0, 1)).all(axis=1).sum() == 8


def test_loft_texture_coordinates_follow_the_corners():
    picture = np.full((1, 4, 4, 3), 255, np.uint8)
    rings = lofts.along_z(outlines.superellipse(8), np.linspace(0, 2, 5))
    uv = np.stack(np.broadcast_arrays(np.linspace(0, 2, 5)[:, None], np.arange(9.0)[None]), axis=-1)
    mesh = lofts.loft(rings, Material((1, 1, 1), 0.2, picture), uv=uv)
    sides = mesh.texture == 0
    assert sides.sum() == 4 * 8 * 2
    assert np.allclose(mesh.uv[sides][..., 0], mesh.vertices[mesh.faces[sides]][..., 2])
    assert np.ptp(mesh.uv[sides][..., 1], axis=1).max() == 1  # no panel runs backwards around the seam


def test_wing_has_the_area_of_its_profile():
    foil = foils.airfoil(40)
    x, y = foil.T
    area = 0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1)))
    mesh = foils.wing([(0, 0, 0, 2.0, 0.2), (5, 0, 1, 2.0, 0.2)], LOOK, points=40)
    assert open_edges(mesh.faces) == 0
    assert volumes(mesh)[0] == pytest.approx(area * 2.0 * 0.1 * 5, rel=1e-9)
    assert area == pytest.approx(0.6851 * 2, rel=0.03)  # NACA four-digit area is 0.6851 t c^2


def test_a_monotone_curve_passes_its_knots_without_overshoot():
    knots = [(0, 0), (1, 0.2), (2, 2.0), (3, 2.0), (5, 1.0)]
    x = np.linspace(-1, 6, 400)
    y = outlines.monotone(x, knots)
    assert np.allclose(outlines.monotone([0, 1, 2, 3, 5], knots), [0, 0.2, 2, 2, 1])
    assert y.min() >= 0 and y.max() <= 2 + 1e-12 and y[0] == 0 and y[-1] == 1
    assert np.allclose(outlines.monotone(np.linspace(0, 1, 9), [(0, 3), (1, 7)]), np.linspace(3, 7, 9))


def test_slab_and_rounded_rectangle():
    outline = outlines.rounded_rectangle(2, 1, 0.2, steps=7)
    assert np.allclose([outline.min(axis=0), outline.max(axis=0)], [[-1, -0.5], [1, 0.5]])
    exact = 2 * 1 - (4 - np.pi) * 0.04
    for axis in "xyz":
        mesh = lofts.slab(outline, 0.1, 0.6, LOOK, axis=axis)
        assert open_edges(mesh.faces) == 0
        assert volumes(mesh)[0] == pytest.approx(exact * 0.5, rel=2e-3)
        assert mesh.bounds[:, "xyz".index(axis)] == pytest.approx([0.1, 0.6])


@pytest.mark.parametrize("name", CLASSES)
def test_models_are_finite_closed_and_outward(name):
    for index in range(60):
        mesh = make_shape(name, 11, index)
        where = f"{name} {index}"
        for values in (mesh.vertices, mesh.normals, mesh.uv):
            assert np.isfinite(values).all(), where
        for values in (mesh.colours, mesh.gloss):
            assert 0 <= values.min() and values.max() <= 1, where
        assert open_edges(mesh.faces) == 0, where
        assert volumes(mesh).min() > 0, where
        assert 300 <= len(mesh.faces) <= 5500, where
        assert np.linalg.norm(mesh.bounds[1] - mesh.bounds[0]) == pytest.approx(1), where
        lengths = np.linalg.norm(mesh.normals, axis=2)
        assert (np.abs(lengths - 1) < 1e-4).mean() > 0.97, where  # only faces without area have none
        assert mesh.texture.max() < len(mesh.textures), where


@pytest.mark.parametrize("name", CLASSES)
def test_models_repeat_and_differ(name):
    first, again = make_shape(name, 3, 5), make_shape(name, 3, 5)
    assert np.array_equal(first.vertices, again.vertices) and np.array_equal(first.colours, again.colours)
    assert np.array_equal(first.textures, again.textures)
    models = [make_shape(name, 3, index) for index in range(24)]
    sizes = np.array([np.ptp(mesh.bounds, axis=0)[[0, 1, 2]] for mesh in models])
    assert len({len(mesh.faces) for mesh in models}) > 12
    assert sizes.std(axis=0).max() > 0.02
    shades = np.array([mesh.colours.mean(axis=(0, 1)) for mesh in models])
    assert shades.std(axis=0).max() > 0.05


@pytest.mark.parametrize("name", ["airplane", "car"])
def test_vehicles_are_symmetric(name):
    for index in range(12):
        voxels = voxelise(make_shape(name, 7, index), 32)
        mirror = voxels[::-1]
        overlap = (voxels & mirror).sum() / (voxels | mirror).sum()
        assert overlap > 0.9, f"{name} {index}: {overlap}"


@pytest.mark.parametrize("name", CLASSES)
def test_voxels_are_one_solid_and_face_forward(name):
    for index in range(8):
        mesh = make_shape(name, 19, index)
        voxels = voxelise(mesh, 32)
        filled = voxels.sum()
        assert 60 < filled < 0.75 * 32 ** 3, f"{name} {index}: {filled}"
        size = np.ptp(mesh.bounds, axis=0)
        if name == "car":
            assert size[2] == size.max() and size[1] < 1.25 * size[0]  # vans and jeeps are taller than wide
        if name == "rifle":
            assert size[2] == size.max() and size[0] == size.min()


def test_muzzles_and_prows_point_to_minus_z():
    thin = 0
    for index in range(20):
        mesh = make_shape("rifle", 23, index)
        low, high = mesh.bounds[:, 2]
        near = mesh.vertices[mesh.vertices[:, 2] < low + 0.1 * (high - low)]
        far = mesh.vertices[mesh.vertices[:, 2] > high - 0.1 * (high - low)]
        thin += np.ptp(near[:, 1]) < np.ptp(far[:, 1])
    assert thin >= 17  # a barrel in front, a butt behind (a bayonet or a missing stock may hide it)
