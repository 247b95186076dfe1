"""Meshes, camera, rasteriser and voxeliser against formulas that share no code with them."""
from __future__ import annotations

import numpy as np
import pytest
import trimesh

from recordio.geometry import Camera, Light, Mesh, concatenate, fill_cavities, grid_frame, render, voxelise
from recordio.geometry.mesh import connected_parts, crease_normals
from recordio.geometry.textures import to_linear, to_srgb
from recordio.geometry.voxeliser import _mark_surface

AMBIENT = Light(key=0.0, fill=0.0, sky=1.0, ground=1.0, specular=0.0)  # shows plain colours
CAMERAS = [Camera(20.0, 27.0, 0.8), Camera(135.0, 25.0, 0.65), Camera(290.5, 30.0, 0.95)]


def from_trimesh(shape, **options):
    return Mesh.build(shape.vertices, shape.faces, **options)


def box(extents, centre=(0, 0, 0), **options):
    shape = trimesh.creation.box(extents)
    return Mesh.build(shape.vertices + np.array(centre), shape.faces, **options)


def l_shape():
    """A long bar along +x, a short one up +y and a tiny one along -z: no symmetry at all."""
    return concatenate([box((1.0, 0.2, 0.2), (0.5, 0, 0)), box((0.2, 0.6, 0.2), (0.1, 0.3, 0)),
                        box((0.2, 0.2, 0.35), (0.1, 0, -0.175))]).normalised()


def cell_centres(mesh, resolution):
    """(V, V, V, 3) object-frame points."""
    translate, scale = grid_frame(mesh)
    steps = (np.arange(resolution) + 0.5) / resolution * scale
    return np.stack(np.meshgrid(*(corner + steps for corner in translate), indexing="ij"), axis=-1)


# ---- mesh ----

def test_parts_follow_shared_points_not_shared_indices():
    shape = trimesh.creation.box()
    loose = shape.vertices[shape.faces].reshape(-1, 3)  # every face with its own vertices, as in an STL
    both = np.concatenate([loose, loose + [3, 0, 0]])
    parts = connected_parts(both, np.arange(len(both)).reshape(-1, 3))
    assert parts.tolist() == [0] * 12 + [1] * 12


def test_concatenate_keeps_parts_and_textures_apart():
    small = box((1, 1, 1), texture=0, textures=np.full((1, 2, 2, 3), 10, np.uint8))
    large = box((1, 1, 1), texture=0, textures=np.full((1, 8, 8, 3), 200, np.uint8))
    both = concatenate([small, box((1, 1, 1)), large])
    assert both.textures.shape == (2, 8, 8, 3) and both.textures[0].max() == 10 and both.textures[1].min() == 200
    assert both.texture.tolist() == [0] * 12 + [-1] * 12 + [1] * 12
    assert len(np.unique(both.parts)) == 3
    assert both.faces.max() == len(both.vertices) - 1
    assert len(concatenate([]).faces) == 0


def test_crease_normals_of_a_cube_are_flat_and_of_a_sphere_radial():
    cube = box((1, 1, 1))
    np.testing.assert_allclose(crease_normals(cube.vertices, cube.faces, 40), cube.normals, atol=1e-6)
    sphere = from_trimesh(trimesh.creation.icosphere(subdivisions=3)).creased(40)
    radial = sphere.triangles / np.linalg.norm(sphere.triangles, axis=-1, keepdims=True)
    assert (sphere.normals * radial).sum(axis=-1).min() > 0.999


def test_transformed_turns_normals_and_keeps_outside_outside():
    shape = from_trimesh(trimesh.creation.icosphere(subdivisions=2)).creased(60)
    mirror = np.diag([-2.0, 0.5, 1.0, 1.0])
    moved = shape.transformed(mirror)
    corner = moved.triangles
    volume = np.einsum("ij,ij->i", corner[:, 0], np.cross(corner[:, 1], corner[:, 2])).sum() / 6
    assert volume == pytest.approx(shape_volume(shape))  # 2 * 0.5 = 1, and positive: wound outwards
    expected = moved.triangles / np.array([4.0, 0.25, 1.0])  # gradient of the ellipsoid's equation
    expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
    assert (moved.normals * expected).sum(axis=-1).min() > 0.97


def shape_volume(mesh):
    corner = mesh.triangles
    return np.einsum("ij,ij->i", corner[:, 0], np.cross(corner[:, 1], corner[:, 2])).sum() / 6


def test_normalised_box_has_diagonal_one_and_ignores_unused_vertices():
    mesh = Mesh.build([[0, 0, 0], [4, 0, 0], [0, 3, 0], [99, 99, 99]], [[0, 1, 2]]).normalised()
    np.testing.assert_allclose(mesh.bounds, [[-0.4, -0.3, 0], [0.4, 0.3, 0]])


# ---- camera ----

def pytorch3d_extrinsic(azimuth, elevation, distance):
    """(3, 4) after compute_extrinsic_matrix of PyTorch3D's R2N2 loader, which follows the original's renderer."""
    azimuth, elevation = np.radians([-azimuth, -elevation])
    sa, ca, se, ce = np.sin(azimuth), np.cos(azimuth), np.sin(elevation), np.cos(elevation)
    world_to_object = np.array([[ca * ce, sa * ce, -se], [-sa, ca, 0], [ca * se, sa * se, ce]])
    object_to_camera = np.array([[0.0, 1, 0], [0, 0, 1], [1, 0, 0]])
    offset = -object_to_camera @ np.array([[1.75 * distance], [0], [0]])
    y_up_to_z_up = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, 0], [0, 0, 0, 1]])
    return np.concatenate([object_to_camera @ world_to_object, offset], axis=1) @ y_up_to_z_up


def test_camera_matches_an_independent_formula():
    rng = np.random.default_rng(3)
    for azimuth, elevation, distance in zip(rng.uniform(0, 360, 20), rng.uniform(-60, 60, 20), rng.uniform(.6, 1, 20)):
        np.testing.assert_allclose(Camera(azimuth, elevation, distance).world_to_camera(),
                                   pytorch3d_extrinsic(azimuth, elevation, distance), atol=1e-12)


def test_projection_by_hand():
    camera = Camera(0.0, 0.0, 1.0)  # at (1.75, 0, 0), so right is -z and up is y
    pixels, depth = camera.project([[0, 0, 0], [0, 0.2, 0], [0.75, 0, -0.1]], size=100)
    np.testing.assert_allclose(depth, [1.75, 1.75, 1.0])
    np.testing.assert_allclose(pixels, [[50, 50], [50, 50 - 109.375 * 0.2 / 1.75], [50 + 109.375 * 0.1, 50]])
    turned, _ = Camera(0.0, 0.0, 1.0, in_plane=90.0).project([[0.75, 0, -0.1]], size=100)
    np.testing.assert_allclose(turned, [[50, 50 - 109.375 * 0.1]])  # counter-clockwise: right becomes up


# ---- rasteriser ----

def sphere_alpha(centre, radius, camera, size, samples=8):
    """(size, size) coverage of a sphere in [0, 1], by intersecting rays with it."""
    position = (np.arange(size * samples) + 0.5) / samples
    u, v = np.meshgrid((position - size / 2) / (size * 35 / 32), (size / 2 - position) / (size * 35 / 32))
    matrix = pytorch3d_extrinsic(camera.azimuth, camera.elevation, camera.distance)
    rays = np.stack([u, v, -np.ones_like(u)], axis=-1) @ matrix[:, :3]
    to_centre = np.asarray(centre) - (-matrix[:, :3].T @ matrix[:, 3])
    along = rays @ to_centre
    hit = along ** 2 - (rays ** 2).sum(axis=-1) * (to_centre @ to_centre - radius ** 2) > 0
    return hit.reshape(size, samples, size, samples).mean(axis=(1, 3))


@pytest.mark.parametrize("camera", CAMERAS)
def test_silhouette_of_a_sphere_off_the_axis(camera):
    centre, radius = np.array([0.1, -0.05, 0.2]), 0.25
    shape = trimesh.creation.icosphere(subdivisions=4, radius=radius)
    mesh = Mesh.build(shape.vertices + centre, shape.faces)
    alpha = render(mesh, [camera], samples=4)[0, ..., 3] / 255.0
    truth = sphere_alpha(centre, radius, camera, 137)
    assert alpha.sum() == pytest.approx(truth.sum(), rel=0.01)
    assert np.abs(alpha - truth).max() < 0.3 and np.abs(alpha - truth).mean() < 0.002


def test_the_nearer_face_hides_the_farther_whatever_the_order():
    camera = Camera(0.0, 0.0, 1.0)  # looks along -x
    near = box((0.1, 0.3, 0.3), (0.3, 0, 0), colours=[1.0, 0, 0])
    far = box((0.1, 0.6, 0.6), (-0.3, 0, 0), colours=[0, 0, 1.0])
    for order in ([near, far], [far, near]):
        picture = render(concatenate(order), [camera], light=AMBIENT)[0]
        assert picture[68, 68].tolist() == [255, 0, 0, 255]
        assert picture[68, 50].tolist() == [0, 0, 255, 255]


def quad(corners, **options):
    """Two triangles over corners given as upper left, lower left, lower right, upper right."""
    uv = np.array([[0, 0], [0, 1], [1, 1], [1, 0]], np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3]])
    return Mesh.build(corners, faces, colours=[1.0, 1, 1], uv=uv[faces], texture=0, **options)


def test_texture_lies_with_its_first_row_up_and_its_first_column_left():
    colours = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 0]]], np.uint8)
    picture = np.repeat(np.repeat(colours, 16, axis=0), 16, axis=1)
    # seen from +x, right is -z
    face = quad([[0, .3, .3], [0, -.3, .3], [0, -.3, -.3], [0, .3, -.3]], textures=picture[None])
    seen = render(face, [Camera(0.0, 0.0, 1.0)], light=AMBIENT)[0]
    assert seen[58, 58, :3].tolist() == [255, 0, 0] and seen[58, 78, :3].tolist() == [0, 255, 0]
    assert seen[78, 58, :3].tolist() == [0, 0, 255] and seen[78, 78, :3].tolist() == [255, 255, 0]


def test_texture_interpolation_is_perspective_correct():
    picture = np.zeros((1, 64, 64, 3), np.uint8)
    picture[0, 32:] = 255  # the near half is white
    floor = quad([[-.45, -.1, .2], [.45, -.1, .2], [.45, -.1, -.2], [-.45, -.1, -.2]], textures=picture)
    camera = Camera(0.0, 12.0, 0.65)
    column = render(floor, [camera], size=300, light=AMBIENT)[0, :, 150]
    border = int(np.flatnonzero(column[:, 0] > 128)[0])
    middle = camera.project([[0, -.1, 0]], size=300)[0]
    ends = camera.project([[-.45, -.1, 0], [.45, -.1, 0]], size=300)[0][:, 1]
    assert abs(border - middle[0, 1]) < 2
    assert abs(ends.mean() - middle[0, 1]) > 5  # plain screen interpolation would put the border there


def test_faces_through_the_camera_are_drawn_in_front_of_it_only():
    ground = Mesh.build([[-50, -.2, -50], [50, -.2, -50], [0, -.2, 80.0]], [[0, 1, 2]], colours=[1.0, 1, 1])
    camera = Camera(0.0, 5.0, 0.9)
    alpha = render(ground, [camera])[0, ..., 3]
    horizon = 68.5 - 137 * 35 / 32 * np.tan(np.radians(5.0))
    assert (alpha[int(horizon) + 4:, 68] == 255).all()
    assert (alpha[:int(horizon) - 2] == 0).all()


def test_flipped_faces_look_the_same():
    shape = from_trimesh(trimesh.creation.icosphere(subdivisions=3)).creased(60).normalised()
    flipped = Mesh.build(shape.vertices, shape.faces[:, ::-1])
    flipped = flipped.creased(60)
    first, second = render(shape, CAMERAS), render(flipped, CAMERAS)
    assert np.abs(first.astype(int) - second).max() <= 1


def test_alpha_is_straight_and_nothing_is_black_where_empty():
    picture = render(box((0.5, 0.4, 0.3), colours=[0.8, 0.4, 0.2]), CAMERAS, light=AMBIENT)
    partly = (picture[..., 3] > 0) & (picture[..., 3] < 255)
    assert partly.sum() > 50
    assert np.abs(picture[picture[..., 3] > 0][:, :3].astype(int) - [204, 102, 51]).max() <= 1
    assert (picture[picture[..., 3] == 0] == 0).all()


def test_a_mirrored_mesh_gives_the_mirrored_picture():
    mesh = l_shape()
    mirrored = mesh.transformed(np.diag([-1.0, 1, 1, 1]))
    there = render(mesh, [Camera(30.0, 27.0, 0.8)], light=AMBIENT)[0]
    back = render(mirrored, [Camera(150.0, 27.0, 0.8)], light=AMBIENT)[0]
    assert (there[:, ::-1, 3] != back[..., 3]).mean() < 0.001
    assert (there[..., 3] != back[..., 3]).mean() > 0.02


def test_the_lit_sphere_is_brightest_above_and_has_form():
    sphere = from_trimesh(trimesh.creation.icosphere(subdivisions=4), colours=[0.7, 0.7, 0.7]).creased(60).normalised()
    picture = render(sphere, [Camera(77.0, 27.0, 0.8)])[0]
    solid = np.argwhere(picture[..., 3] == 255)
    brightness = picture[..., :3].sum(axis=-1)[picture[..., 3] == 255]
    top = solid[brightness > np.percentile(brightness, 95)].mean(axis=0)
    assert top[0] < 60 and np.percentile(brightness, 98) > 1.8 * np.percentile(brightness, 2)


def test_pictures_repeat_exactly_and_an_empty_mesh_is_transparent():
    mesh = l_shape()
    assert render(mesh, CAMERAS).tobytes() == render(mesh, CAMERAS).tobytes()
    empty = Mesh.build(np.zeros((0, 3)), np.zeros((0, 3)))
    assert render(empty, CAMERAS, size=32).shape == (3, 32, 32, 4) and not render(empty, CAMERAS, size=32).any()
    assert not voxelise(empty).any()


def test_srgb_round_trip_and_known_values():
    values = np.arange(256) / 255.0
    np.testing.assert_allclose(to_srgb(to_linear(values)), values, atol=1e-5)
    np.testing.assert_allclose(to_linear([0.5]), [0.21404114], atol=1e-6)


# ---- voxeliser ----

def solid_errors(occupancy, distance, cell):
    """-> (inside cells missed, occupied cells farther out than a cell's half diagonal); *distance* > 0 is outside."""
    return int((~occupancy & (distance < -0.02 * cell)).sum()), int((occupancy & (distance > 0.87 * cell)).sum())


@pytest.mark.parametrize("resolution", [32, 64])
def test_sphere_and_torus_are_solid(resolution):
    sphere = from_trimesh(trimesh.creation.icosphere(subdivisions=5))
    distance = np.linalg.norm(cell_centres(sphere, resolution), axis=-1) - 1
    assert solid_errors(voxelise(sphere, resolution), distance, 2 / resolution) == (0, 0)
    torus = from_trimesh(trimesh.creation.torus(1, 0.35, major_sections=200, minor_sections=80))
    points = cell_centres(torus, resolution)
    distance = np.hypot(np.hypot(points[..., 0], points[..., 1]) - 1, points[..., 2]) - 0.35
    assert solid_errors(voxelise(torus, resolution), distance, 2.7 / resolution) == (0, 0)


def test_box_fills_exactly_the_cells_it_touches():
    occupancy = voxelise(box((1.0, 0.5, 0.26)), 32)
    expected = np.zeros((32, 32, 32), bool)
    expected[:, 8:24, 11:21] = True  # 0.26 * 32 = 8.32 cells about the middle: 4.16 to each side
    assert (occupancy == expected).all()


def test_overlapping_pieces_are_their_union():
    pieces = [box((1.0, 0.3, 0.3)), box((0.3, 1.0, 0.3)), box((0.3, 0.3, 1.0))]
    expected = np.zeros((48, 48, 48), bool)
    bar = slice(16, 32)  # 0.3 * 48 = 14.4 cells about the middle: 7.2 to each side
    expected[:, bar, bar] = expected[bar, :, bar] = expected[bar, bar, :] = True
    assert (voxelise(concatenate(pieces), 48) == expected).all()


def test_half_the_faces_flipped_changes_nothing():
    shape = from_trimesh(trimesh.creation.torus(1, 0.35))
    faces = shape.faces.copy()
    faces[::2] = faces[::2, ::-1]
    assert (voxelise(Mesh.build(shape.vertices, faces)) == voxelise(shape)).all()


def test_holes_are_bridged():
    sphere = from_trimesh(trimesh.creation.icosphere(subdivisions=4))
    whole = voxelise(sphere)
    keep = np.random.default_rng(0).random(len(sphere.faces)) > 0.03
    holed = voxelise(Mesh.build(sphere.vertices, sphere.faces[keep]))
    assert (whole & holed).sum() / (whole | holed).sum() > 0.97
    cube = box((1, 1, 1))
    lid = cube.triangles[:, :, 1].min(axis=1) > 0.49
    assert voxelise(Mesh.build(cube.vertices, cube.faces[~lid])).all()


def test_sheets_stay_thin():
    floor = [[-1, -1, -1], [1, -1, -1], [1, -1, 1], [-1, -1, 1]]
    wall = [[-1, 1, -1], [-1, 1, 1]]
    mesh = Mesh.build(floor + wall, [[0, 1, 2], [0, 2, 3], [0, 3, 5], [0, 5, 4]])
    occupancy = voxelise(mesh)
    expected = np.zeros((32, 32, 32), bool)
    expected[:, 0], expected[0] = True, True
    assert (occupancy == expected).all()


def test_surface_cells_against_dense_points():
    rng = np.random.default_rng(1)
    triangles = rng.uniform(0, 12, (20, 3, 3))
    occupancy, touched = np.zeros((12, 12, 12), bool), np.zeros((12, 12, 12), bool)
    _mark_surface(triangles, occupancy)
    for corner in triangles:
        cells = np.floor(rng.dirichlet([0.7] * 3, 100_000) @ corner).astype(int)
        touched[tuple(cells.T)] = True
    assert not (touched & ~occupancy).any()
    assert (occupancy & ~touched).sum() <= 0.02 * occupancy.sum()  # slivers that no point fell into


def test_degenerate_and_broken_triangles():
    points = [[0, 0, 0], [1, 1, 1], [np.nan, 0, 0], [1, 0, 0], [0, 1, 0], [np.inf, 1, 1]]
    with np.errstate(all="ignore"):
        mesh = Mesh.build(points, [[0, 1, 1], [0, 1, 2], [0, 0, 0], [0, 3, 4], [5, 0, 3]])
    occupancy = voxelise(mesh, 16)
    assert occupancy[0, 0, 0] and occupancy[15, 15, 15] and occupancy[7, 0, 0]  # the line and the triangle
    assert not occupancy[0, 15, 15]
    one_point = voxelise(Mesh.build([[3.0, 3, 3]], [[0, 0, 0]]), 8)
    assert one_point.any() and one_point[3:5, 3:5, 3:5].sum() == one_point.sum()


def test_cavities_are_filled_and_dents_are_not():
    shell = np.ones((5, 5, 5), bool)
    shell[2, 2, 2] = False
    assert fill_cavities(shell).all()
    shell[2, 2, :2] = False  # a bore to the outside
    assert (fill_cavities(shell) == shell).all()


def test_voxels_and_pictures_share_one_frame():
    mesh = l_shape()
    occupancy = voxelise(mesh, 32)
    points = cell_centres(mesh, 32)[occupancy]
    for camera in [Camera(azimuth, 27.0, 0.8) for azimuth in range(0, 360, 45)]:
        alpha = render(mesh, [camera], size=256)[0, ..., 3] > 0
        columns, rows = np.floor(camera.project(points, size=256)[0]).astype(int).T
        assert alpha[rows, columns].mean() > 0.85  # the outer cells' centres may lie just beside the surface
        covered = np.zeros_like(alpha)
        for row in range(-4, 5):
            for column in range(-4, 5):
                covered[rows + row, columns + column] = True
        assert (alpha & ~covered).sum() < 0.01 * alpha.sum()
    # the long bar leads to +x, the short one to +y, the tiny one to -z
    assert occupancy[-1].any() and occupancy[0].any()
    centre = points.mean(axis=0)
    assert centre[0] < 0 and centre[1] < 0 and centre[2] > 0
