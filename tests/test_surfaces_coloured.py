"""Colours from pictures: cameras found by outlines, what they see, what nobody saw; on shapes with known colours."""
from __future__ import annotations

import cv2
import numpy as np
import pytest
import trimesh

from gluon_r2n2.errors import ModelError
from gluon_r2n2.surfaces import Size, surface
from gluon_r2n2_tools import view_cameras
from gluon_r2n2_tools.colouring import colour_surface
from gluon_r2n2_tools.results import make_result
from gluon_r2n2_tools.view_cameras import find_cameras
from recordio.geometry import Camera, Light, Mesh, depths, render, voxelise
from recordio.shapes import make_shape

FLAT = Light(key=0, fill=0, sky=1, ground=1, specular=0)  # a surface shows just its own colour
CAMERAS = [Camera(40, 28, 0.8), Camera(150, 26, 0.75), Camera(265, 30, 0.9)]
RED, BLUE, GREEN = (0.8, 0.1, 0.1), (0.1, 0.1, 0.8), (0.1, 0.7, 0.1)


def wedge():
    """A shape that looks different from every side: a long body, a fin at its back and a block on its right.

    Colours: the left half (x < 0) is red, the right half blue, the fin on top green.
    """
    boxes = [((-0.2, 0, -0.5), (0, 0.15, 0.5), RED), ((0, 0, -0.5), (0.2, 0.15, 0.5), BLUE),
             ((-0.1, 0.15, 0.2), (0.1, 0.5, 0.5), GREEN), ((0.2, 0, -0.4), (0.35, 0.3, -0.1), BLUE)]
    vertices, faces, colours = [], [], []
    for low, high, colour in boxes:
        box = trimesh.creation.box(bounds=[low, high])
        faces.append(box.faces + sum(map(len, vertices)))
        vertices.append(box.vertices)
        colours += [colour] * len(box.faces)
    return Mesh.build(np.concatenate(vertices), np.concatenate(faces), colours=colours, gloss=0).normalised()


@pytest.fixture(scope="module")
def reconstructed():
    """The wedge's surface from its own voxels, and its pictures: (trimesh, (3, 137, 137, 4) uint8)."""
    shape = wedge()
    return surface(voxelise(shape, 32), smooth=3), render(shape, CAMERAS, light=FLAT)


def share_right(mesh):
    """Share of the vertices whose colour is nearest to the one that the wedge has there (seams and bottom left out)."""
    x, y, z = (mesh.vertices + [0.075, 0.25, 0]).T  # as in `wedge`: its box is 1 long, and this its middle
    fin = (y > 0.15) & (z > 0.15)
    clear = ((np.abs(x) > 0.03) & (y < 0.12) | (y > 0.18)) & (mesh.vertex_normals[:, 1] > -0.5)
    truth = np.where(fin, 2, np.where(x < 0, 0, 1))
    colours = mesh.visual.vertex_colors[:, :3] / 255
    nearest = np.abs(colours[:, None] - np.array([RED, BLUE, GREEN])).sum(axis=2).argmin(axis=1)
    return (nearest == truth)[clear].mean()


def azimuth_error(found, true):
    return abs((found - true + 180) % 360 - 180)


# ---- cameras -------------------------------------------------------------------------------------------------------


def test_depths_are_those_of_the_camera():
    camera = Camera(30, 20, 0.9)
    triangle = np.array([[[0.1, 0.0, 0.2], [-0.1, 0.2, 0.0], [0.0, -0.2, -0.1]]])
    pixels, away = camera.project(triangle.mean(axis=1), 800)  # fine pixels: their middles are next to the point
    column, row = pixels[0].astype(int)
    depth = depths(triangle, [camera], size=800)[0]
    assert depth[row, column] == pytest.approx(away[0], abs=0.003)
    assert np.isinf(depth[0, 0]) and depth.dtype == np.float32
    nearer = triangle * 0.5 + camera.position * 0.5  # half the way: hides it
    both = depths(np.concatenate([triangle, nearer]), [camera], size=800)[0]
    assert both[row, column] == pytest.approx(away[0] / 2, abs=0.003)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chair", "car", "airplane", "sofa"])
def test_cameras_are_found_by_the_outline(name):
    shape = make_shape(name, 5, 1)
    pictures = render(shape, CAMERAS)
    mesh = surface(voxelise(shape, 32))
    sides = np.ptp(mesh.bounds, axis=0)
    triangles = (mesh.vertices * (sides.max() / np.linalg.norm(sides)))[mesh.faces]
    found = find_cameras(triangles, [picture[..., 3] >= 128 for picture in pictures])
    for placed, camera in zip(found, CAMERAS):
        assert azimuth_error(placed.camera.azimuth, camera.azimuth) <= 15
        assert abs(placed.camera.elevation - camera.elevation) <= 20
        assert placed.iou > 0.65
        # where the object's middle is in the picture, which the camera looks at
        place = placed.scale * placed.camera.project(np.zeros((1, 3)), 96)[0][0] + placed.shift
        np.testing.assert_allclose(place, [68.5, 68.5], atol=6)


def test_where_and_how_large_the_object_is_in_the_picture_does_not_matter(reconstructed):
    mesh, pictures = reconstructed
    large = np.zeros((500, 800, 4), np.uint8)  # a photograph: the object small and off the middle
    large[300:437, 100:237] = pictures[0]
    _, (fit, moved) = colour_surface(mesh, [pictures[0], large])
    for found in (fit, moved):
        assert azimuth_error(found.camera.azimuth, 40) <= 10
    assert moved.iou == pytest.approx(fit.iou, abs=0.05)


# ---- colours -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", [True, False])
def test_every_part_takes_its_own_colour(reconstructed, known):
    mesh, pictures = reconstructed
    coloured, fits = colour_surface(mesh, pictures, cameras=CAMERAS if known else None)
    assert all(fit.used for fit in fits) and min(fit.iou for fit in fits) > 0.8
    assert share_right(coloured) > 0.95
    if known:
        assert [fit.camera for fit in fits] == CAMERAS
    np.testing.assert_array_equal(coloured.vertices, mesh.vertices)
    assert mesh.visual.kind is None  # the given one stays as it was


def test_a_camera_that_is_wrong_paints_the_wrong_half(reconstructed):
    """That the test before can fail: with left and right exchanged, most colours are wrong."""
    mesh, pictures = reconstructed
    mirrored = [Camera(180 - camera.azimuth, camera.elevation, camera.distance) for camera in CAMERAS]
    coloured, fits = colour_surface(mesh, pictures[:, :, ::-1], cameras=mirrored)
    assert share_right(coloured) < 0.5


def test_what_is_hidden_takes_no_colour_from_what_hides_it():
    """A red plate before a blue one: behind it, a camera in front sees nothing, and the side shows what is there."""
    plates = [trimesh.creation.box(bounds=bounds) for bounds in
              ([(-0.5, -0.5, -0.5), (0.5, 0.5, -0.4)], [(-0.5, -0.5, 0.0), (0.5, 0.5, 0.1)])]
    colours = [RED] * 12 + [BLUE] * 12
    shape = Mesh.build(np.concatenate([plate.vertices for plate in plates]),
                       np.concatenate([plates[0].faces, plates[1].faces + 8]), colours=colours, gloss=0).normalised()
    cameras = [Camera(270, 0, 0.95), Camera(0, 0, 0.95)]  # from the front (-z) and from the side
    mesh = surface(voxelise(shape, 32))
    coloured, _ = colour_surface(mesh, render(shape, cameras, light=FLAT), cameras=cameras)
    back = mesh.vertices[:, 2] > 0
    red = coloured.visual.vertex_colors[:, 0].astype(int) > coloured.visual.vertex_colors[:, 2].astype(int)
    assert red[~back].mean() > 0.95 and red[back].mean() < 0.05


def test_the_unseen_side_is_the_mirror_image_of_the_seen_one():
    """A block whose front half is red and whose back half is blue, seen from its left only."""
    halves = [trimesh.creation.box(bounds=bounds) for bounds in
              ([(-0.2, -0.2, -0.5), (0.2, 0.2, 0)], [(-0.2, -0.2, 0), (0.2, 0.2, 0.5)])]
    shape = Mesh.build(np.concatenate([half.vertices for half in halves]),
                       np.concatenate([halves[0].faces, halves[1].faces + 8]), colours=[RED] * 12 + [BLUE] * 12,
                       gloss=0).normalised()
    cameras = [Camera(180, 10, 0.9)]
    mesh = surface(voxelise(shape, 32))
    coloured, _ = colour_surface(mesh, render(shape, cameras, light=FLAT), cameras=cameras)
    right = (mesh.vertices[:, 0] > 0.1) & (np.abs(mesh.vertices[:, 2]) > 0.05)
    red = coloured.visual.vertex_colors[:, 0] > 150
    np.testing.assert_array_equal(red[right], mesh.vertices[right, 2] < 0)
    assert right.sum() > 100


def test_the_camera_that_looks_squarely_counts_most_by_the_fourth_power_in_linear_light():
    box = trimesh.creation.box((1, 1, 1))
    shape = Mesh.build(box.vertices, box.faces, colours=(1, 1, 1), gloss=0).normalised()
    mesh = surface(voxelise(shape, 32))
    cameras = [Camera(0, 0, 0.95), Camera(60, 0, 0.95)]
    pictures = render(shape, cameras, light=FLAT)
    pictures[0, ..., :3], pictures[1, ..., :3] = (255, 0, 0), (0, 0, 255)
    coloured, _ = colour_surface(mesh, pictures, cameras=cameras)
    middle = (mesh.vertices[:, 0] > 0.49) & (np.abs(mesh.vertices[:, 1:]) < 0.1).all(axis=1)  # of the side to +x
    assert middle.sum() > 20
    away = [np.linalg.norm(camera.position - [0.5 / np.sqrt(3), 0, 0]) for camera in cameras]
    square, slant = [((camera.position[0] - 0.5 / np.sqrt(3)) / length) ** 4 for camera, length in zip(cameras, away)]
    expected = np.array([square, 0, slant]) / (square + slant)  # linear
    expected = np.where(expected <= 0.0031308, 12.92 * expected, 1.055 * expected ** (1 / 2.4) - 0.055) * 255
    found = coloured.visual.vertex_colors[middle, :3].astype(float)
    np.testing.assert_allclose(found.mean(axis=0), expected, atol=8)  # the sides' outlines overlap a little unlike


def test_one_colour_stays_exactly_that_colour():
    shape = Mesh.build(*[getattr(trimesh.creation.box((1, 0.5, 0.7)), part) for part in ("vertices", "faces")],
                       colours=(64 / 255, 128 / 255, 200 / 255), gloss=0).normalised()
    mesh = surface(voxelise(shape, 32), faces=500)
    coloured, _ = colour_surface(mesh, render(shape, CAMERAS, light=FLAT), cameras=CAMERAS)
    np.testing.assert_allclose(coloured.visual.vertex_colors.astype(int),
                               np.tile([64, 128, 200, 255], (len(mesh.vertices), 1)), atol=1)


# ---- pictures that cannot be used ----------------------------------------------------------------------------------


def test_pictures_that_do_not_fit_are_left_out_and_said(reconstructed):
    mesh, pictures = reconstructed
    cross = np.full((137, 137, 4), 200, np.uint8)  # nothing like the wedge: two thin diagonal bars
    rows, columns = np.indices((137, 137))
    cross[..., 3] = 255 * (np.minimum(abs(rows - columns), abs(rows + columns - 136)) < 3)
    noise = np.random.RandomState(0).randint(0, 256, (137, 137, 4)).astype(np.uint8)
    noise[..., 3] = 255
    speck = np.zeros((137, 137, 4), np.uint8)
    speck[5:8, 5:8] = 255
    result = make_result(np.ones((4, 4, 4)), threshold=0.5)
    assert result.warnings == () and result.fits == ()
    coloured, fits = colour_surface(mesh, [pictures[0], cross, noise, speck, pictures[1]])
    assert [fit.used for fit in fits] == [True, False, False, False, True]
    assert "picture 2 gives no colours: its outline does not fit the surface from any side" in fits[1].sentence
    assert "picture 3 gives no colours: neither its alpha nor a plain background" in fits[2].sentence
    assert "picture 4 gives no colours: it shows 9 pixels of an object" in fits[3].sentence
    assert coloured.visual.kind == "vertex"
    plain, fits = colour_surface(mesh, [cross, noise])
    assert plain.visual.kind is None and not any(fit.used for fit in fits)


def test_an_opaque_picture_with_a_plain_background_will_do(reconstructed):
    mesh, pictures = reconstructed
    opaque = pictures.copy()
    opaque[pictures[..., 3] < 128] = 255
    opaque[..., 3] = 255
    coloured, fits = colour_surface(mesh, opaque, cameras=CAMERAS)
    assert all(fit.used for fit in fits)
    assert share_right(coloured) > 0.95


def test_warnings_of_a_result_are_those_of_its_pictures(reconstructed):
    _, pictures = reconstructed
    opaque = np.random.RandomState(0).randint(0, 256, (137, 137, 4)).astype(np.uint8)
    opaque[..., 3] = 255
    grid = voxelise(wedge(), 32).astype(np.float32)
    result = make_result(grid, threshold=0.5, smooth=2, size=Size(height=1.0), pictures=[pictures[0], opaque])
    assert len(result.fits) == 2 and result.fits[0].used
    assert result.warnings == (result.fits[1].sentence,)
    assert b"property uchar red" in result.encode("ply")
    empty = make_result(grid, threshold=2.0, pictures=[pictures[0]])
    assert empty.empty and empty.warnings == ("picture 1 gives no colours: there is no surface",)


@pytest.mark.parametrize("pictures, cameras, message", [
    ([np.zeros((8, 8, 3), np.uint8)], None, r"picture 1 is uint8 \(8, 8, 3\)"),
    ([np.zeros((8, 8, 4), np.float32)], None, "picture 1 is float32"),
    ([np.zeros((8, 8, 4), np.uint8)], [None, None], "2 cameras were given for 1 pictures"),
])
def test_what_is_no_picture_is_refused(reconstructed, pictures, cameras, message):
    with pytest.raises(ModelError, match=message):
        colour_surface(reconstructed[0], pictures, cameras=cameras)


@pytest.mark.parametrize("cameras", [CAMERAS[:1], None])
@pytest.mark.parametrize("cells", [(slice(0, 1),) * 3, (slice(0, 128), slice(5, 6), slice(7, 8))], ids=["cell", "line"])
def test_a_surface_too_small_to_be_drawn_is_no_trouble(reconstructed, cells, cameras):
    grid = np.zeros((128,) * 3, bool)
    grid[cells] = True
    _, (fit,) = colour_surface(surface(grid), reconstructed[1][:1], cameras=cameras)
    assert 0 <= fit.iou <= 1
    if cameras:
        assert not fit.used and "does not fit the surface from its camera" in fit.sentence


def test_a_large_picture_of_a_known_camera_is_compared_small(reconstructed, monkeypatch):
    """A depth picture of 3000 x 3000 would take 0.1 GB, and a phone's picture more."""
    mesh, pictures = reconstructed
    sizes = []
    monkeypatch.setattr(view_cameras, "depths", lambda *rest, size: sizes.append(size) or depths(*rest, size=size))
    large = cv2.resize(pictures[0], (3000, 3000), interpolation=cv2.INTER_AREA)
    _, (small_fit, large_fit) = colour_surface(mesh, [pictures[0], large], cameras=[CAMERAS[0]] * 2)
    assert large_fit.iou == pytest.approx(small_fit.iou, abs=0.02)
    assert sizes and max(sizes) < 500


def test_a_known_camera_wants_a_square_picture(reconstructed):
    mesh, pictures = reconstructed
    _, (fit,) = colour_surface(mesh, [pictures[0][:100]], cameras=[CAMERAS[0]])
    assert not fit.used and "wants a square picture, this one is 137x100" in fit.sentence
