"""Shapes: closed outward parts, one connected and varied model per seed, and a tool whose bytes never vary."""
from __future__ import annotations

import hashlib
import inspect
import json
import os
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from gluon_r2n2_tools import make_shapes as tool
from recordio.errors import DataError
from recordio.geometry import Camera, concatenate, render
from recordio.geometry.voxeliser import voxelise
from recordio.layouts import CLASSES, binvox, read_split, scan, split_keys
from recordio.shapes import bench, catalogue, chair, chair_soft, materials, outlines, placing, primitives, table
from recordio.shapes.catalogue import list_shapes, make_shape

ROOT = Path(__file__).resolve().parent.parent
MODELS = 12  # per class
MATERIAL = materials.plain(120, 120, 120)


@pytest.fixture(scope="module")
def models():
    """{class: MODELS meshes}."""
    return {name: [make_shape(name, 3, index) for index in range(MODELS)] for name in list_shapes()}


def volumes(mesh):
    """Signed volume of every part, by the divergence theorem."""
    corners = mesh.triangles - mesh.triangles.mean(axis=(0, 1))
    return np.bincount(mesh.parts, np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6)


def open_edges(mesh):
    """How many directed edges have no partner in the other direction, or appear twice."""
    start, end = mesh.faces[:, [0, 1, 2]].ravel().astype(np.int64), mesh.faces[:, [1, 2, 0]].ravel().astype(np.int64)
    count = len(mesh.vertices)
    edges = start * count + end
    return int((~np.isin(end * count + start, edges)).sum()) + len(edges) - len(np.unique(edges))


# ---- primitives, against volumes known from geometry ----

L_SHAPE = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]  # area 3


def polygon_area(sides, radius):
    return sides / 2 * radius ** 2 * np.sin(2 * np.pi / sides)


@pytest.mark.parametrize("part, volume", [
    (lambda: primitives.box((0, 0, 0), (1, 2, 3), MATERIAL), 6.0),
    (lambda: primitives.box((1, 2, 3), (0, 0, 0), MATERIAL), 6.0),  # corners in any order
    (lambda: primitives.frustum((-1, 1, -1, 1, 0), (-0.5, 0.5, -0.5, 0.5, 1), MATERIAL), 7 / 3),
    (lambda: primitives.bar((0, 0, 0), (3, 4, 0), (0.1, 0.2), MATERIAL), 0.1),
    (lambda: primitives.bar((0, 0, 0), (5, 0, 0), (0.1, 0.2), MATERIAL), 0.1),  # along `across` itself
    (lambda: primitives.cylinder((1, 2, 3), 0.5, 2.0, MATERIAL, sides=16), 2 * polygon_area(16, 0.5)),
    (lambda: primitives.cylinder((0, 0, 0), 1.0, 3.0, MATERIAL, top=0.0, sides=12), polygon_area(12, 1.0)),
    (lambda: primitives.lathe([(0, 0), (1, 1), (0, 2)], MATERIAL, sides=8), 2 / 3 * polygon_area(8, 1.0)),
    (lambda: primitives.lathe([(1, 0), (2, 0), (2, 1), (1, 1)], MATERIAL, sides=10, closed=True),
     polygon_area(10, 2.0) - polygon_area(10, 1.0)),
    (lambda: primitives.tube([(0, 0, 0), (0, 3, 0)], 0.5, MATERIAL, sides=8), 3 * polygon_area(8, 0.5)),
    (lambda: primitives.sweep([(0, 0, 0), (2, 0, 0), (2, 0, 2), (0, 0, 2)], [(-0.1, -0.2), (0.1, -0.2), (0.1, 0.2),
                                                                          (-0.1, 0.2)],
                              MATERIAL, closed=True, up=(0, 1, 0)), 8 * 0.08),  # a mitred frame: mean length x section
    (lambda: primitives.extrude(L_SHAPE, 0, 0.5, MATERIAL, axis="x"), 1.5),
    (lambda: primitives.extrude(L_SHAPE, 0.5, 0, MATERIAL, axis="y", smooth=True), 1.5),
    (lambda: primitives.extrude(L_SHAPE[::-1], 0, 0.5, MATERIAL, axis="z"), 1.5),
    (lambda: primitives.ellipsoid((0, 0, 0), (1, 2, 3), MATERIAL, cells=24), 4 / 3 * np.pi * 6 * 0.99),
    (lambda: primitives.sheet(np.stack(np.meshgrid(np.linspace(0, 2, 4), [0.0], np.linspace(0, 3, 5),
                                                   indexing="ij"), axis=-1)[:, 0], 0.1, MATERIAL), 0.6),
    (lambda: placing.mirrored(primitives.box((0, 0, 0), (1, 2, 3), MATERIAL)), 6.0),
])
def test_primitives_are_closed_and_have_their_volume(part, volume):
    mesh = part()
    assert open_edges(mesh) == 0
    assert volumes(mesh).sum() == pytest.approx(volume, rel=0.01)


def test_rounding_takes_corners_off_and_keeps_the_box():
    mesh = primitives.rounded_box((0, 0, 0), (1, 1, 1), MATERIAL, radius=0.2, steps=8)
    inner, r = 0.6, 0.2  # Steiner's formula for a cube grown by a ball
    exact = inner ** 3 + 6 * inner ** 2 * r + 3 * np.pi * inner * r ** 2 + 4 / 3 * np.pi * r ** 3
    assert open_edges(mesh) == 0 and volumes(mesh)[0] == pytest.approx(exact, rel=0.005)
    assert np.allclose(mesh.bounds, [[0, 0, 0], [1, 1, 1]])


def test_a_turn_follows_the_right_hand():
    point = primitives.box((0, 0.9, -0.1), (0.1, 1.0, 0.0), MATERIAL)
    assert placing.turned(point, "x", 90).bounds[0][2] == pytest.approx(0.9)  # y towards z
    assert placing.turned(point, "z", 90).bounds[0][0] == pytest.approx(-1.0)  # y towards -x


@pytest.mark.parametrize("outline, area", [
    (L_SHAPE, 3.0), (L_SHAPE[::-1], 3.0), ([(0, 0), (4, 0), (4, 3)], 6.0),
    ([(0, 0), (3, 0), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3)], 7.0),
    ([(0, 0), (1, 0), (2, 0), (2, 2), (0, 2)], 4.0),  # with a corner on a straight side
])
def test_triangles_of_an_outline_cover_it_once(outline, area):
    faces = outlines.triangulated(outline)
    corners = np.asarray(outline, float)[faces]
    sides = corners[:, 1:] - corners[:, :1]
    signed = (sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0]) / 2
    assert len(faces) == len(outline) - 2
    assert (signed > -1e-9).all() and signed.sum() == pytest.approx(area)


def test_a_picture_reads_left_to_right_from_the_front():
    """The viewer in front of a screen has -x at the right hand."""
    picture = np.full((1, 16, 16, 3), 255, np.uint8)
    picture[0, :8, 8:] = (255, 0, 0)  # red in the upper right
    cover = materials.Material((1.0, 1.0, 1.0), 0.0, picture)
    mesh = primitives.with_picture(primitives.box((-1, -1, -0.05), (1, 1, 0.05), cover)).normalised()
    image = render(mesh, [Camera(-90.0, 0.0, 0.9)], size=64)[0].astype(int)
    red = (image[..., 0] - image[..., 1] > 60) & (image[..., 3] > 0)
    rows, columns = np.nonzero(red)
    assert red.sum() > 50 and rows.max() <= 33 and columns.min() >= 31


@pytest.mark.parametrize("make", [materials.wood, materials.planks, materials.fabric, materials.leather,
                                  materials.metal,
                                  materials.plastic, materials.paint, materials.stone, materials.glass,
                                  materials.wicker,
                                  materials.grille, materials.screen])
def test_materials_stay_in_range(make):
    for seed in range(20):
        made = make(np.random.default_rng(seed))
        assert len(made.colour) == 3 and all(0 <= channel <= 1 for channel in made.colour) and 0 <= made.gloss <= 1
        if made.texture is not None:
            assert made.texture.dtype == np.uint8
            assert made.texture.shape == (1, materials.SIDE, materials.SIDE, 3)


# ---- the catalogue ----

def test_all_classes_of_shapenet_are_there():
    assert list_shapes() == sorted(CLASSES.values())


def test_a_name_is_taken_once(monkeypatch):
    monkeypatch.setattr(catalogue, "SHAPES", dict(catalogue.SHAPES))
    with pytest.raises(ValueError, match="'chair' is registered twice"):
        catalogue.register("chair")(lambda rng: None)
    catalogue.register("teapot")(lambda rng: primitives.ellipsoid((0, 0, 0), rng.uniform(1, 2, 3), MATERIAL))
    expected = np.random.default_rng([5, zlib.crc32(b"teapot"), 9]).uniform(1, 2, 3)
    size = np.ptp(make_shape("teapot", 5, 9).bounds, axis=0)
    assert size / np.linalg.norm(size) == pytest.approx(expected / np.linalg.norm(expected))


def test_an_unknown_name_lists_the_classes():
    with pytest.raises(DataError, match=r"'chiar' \(did you mean 'chair'\?\).*airplane, bench"):
        make_shape("chiar", 0, 0)


def digest(mesh):
    value = hashlib.sha256()
    for array in (mesh.vertices, mesh.faces, mesh.colours, mesh.normals, mesh.parts, mesh.gloss, mesh.texture, mesh.uv,
                  mesh.textures):
        value.update(np.ascontiguousarray(array).tobytes())
    return value.hexdigest()


def test_a_model_is_the_same_in_another_process(models):
    code = ("import hashlib\nimport numpy as np\nfrom recordio.shapes import list_shapes, make_shape\n\n"
            f"{inspect.getsource(digest)}\n"
            "for name in list_shapes(): print(name, digest(make_shape(name, 3, 1)))")
    environment = dict(os.environ, PYTHONHASHSEED="12345")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=environment,
                            timeout=120)
    assert result.returncode == 0, result.stderr
    assert dict(line.split() for line in result.stdout.splitlines()) == {name: digest(made[1])
                                                                        for name, made in models.items()}


def test_models_differ(models):
    for name, made in models.items():
        assert len({digest(mesh) for mesh in made}) == MODELS, name


@pytest.mark.parametrize("name", list_shapes())
def test_models_are_sound(models, name):
    for index, mesh in enumerate(models[name]):
        where = f"{name} {index}"
        assert 12 <= len(mesh.faces) <= 12000, where
        low, high = mesh.bounds
        assert np.linalg.norm(high - low) == pytest.approx(1.0), where
        assert np.allclose(low, -high), where
        for array in (mesh.vertices, mesh.colours, mesh.normals, mesh.uv):
            assert np.isfinite(array).all(), where
        assert mesh.colours.min() >= 0 and mesh.colours.max() <= 1, where
        assert mesh.texture.max() < len(mesh.textures), where
        assert open_edges(mesh) == 0, where
        assert volumes(mesh).min() > 0, where
        corners = mesh.triangles
        facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert (np.einsum("mi,mci->mc", facing, mesh.normals) < -1e-12).mean() < 0.01, where  # shaded from outside


@pytest.mark.parametrize("name", list_shapes())
def test_nothing_floats(models, name):
    for index, mesh in enumerate(models[name]):
        pieces, count = ndimage.label(voxelise(mesh, 64), np.ones((3, 3, 3)))
        sizes = np.bincount(pieces.ravel())[1:]
        assert sizes.max() > 0.995 * sizes.sum(), f"{name} {index} falls into {count} pieces of {sorted(sizes)} cells"


@pytest.mark.parametrize("name", list_shapes())
def test_models_of_a_class_are_not_alike(models, name):
    grids = np.array([voxelise(mesh, 32).ravel() for mesh in models[name]], float)
    shared_cells = grids @ grids.T
    sizes = grids.sum(axis=1)
    scores = shared_cells / (sizes[:, None] + sizes[None] - shared_cells)
    mean = scores[np.triu_indices(MODELS, 1)].mean()
    assert mean < 0.65, f"mean IoU of two {name} models {mean:.2f}"  # measured 0.1 to 0.45, for cars 0.6
    assert sizes.min() > 60  # thin parts survive at 32 cells


@pytest.mark.parametrize("style", [chair.dining_chair, chair_soft.wing_chair, table.four_leg_table, table.loop_table,
                                   bench.garden_bench, bench.park_bench])
def test_left_and_right_are_mirror_images(style):
    for seed in range(4):
        grid = voxelise(concatenate(style(np.random.default_rng(seed))).normalised(), 32)
        assert (grid & grid[::-1]).sum() / (grid | grid[::-1]).sum() > 0.97, f"{style.__name__} {seed}"


def test_a_chair_is_open_to_the_front():
    """The back, that is the upper half, lies at +z."""
    for seed in range(10):
        grid = voxelise(concatenate(chair.dining_chair(np.random.default_rng(seed))).normalised(), 32)
        height = np.nonzero(grid.any(axis=(0, 2)))[0]
        upper = grid[:, height[int(len(height) * 0.85)]:, :]
        assert np.nonzero(upper)[2].mean() > 17


# ---- the tool ----

SMALL = ["--per-class", "2", "--views", "2", "--image-size", "32", "--resolution", "16", "--classes", "chair,lamp"]


def contents(root):
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_the_tool_writes_the_same_bytes_for_any_number_of_jobs(tmp_path, capsys):
    one, two = tmp_path / "one", tmp_path / "two"
    assert tool.main([str(one), *SMALL, "--seed", "4", "--jobs", "1"]) == 0
    assert tool.main([str(two), *SMALL, "--seed", "4", "--jobs", "2"]) == 0
    assert "4 models of 2 views, 4 of them made now" in capsys.readouterr().out
    first = contents(one)
    assert first == contents(two)
    layout = scan(one)
    assert [model.key for model in layout.models] == ["03001627/chair-0004-00000", "03001627/chair-0004-00001",
                                                      "03636649/lamp-0004-00000", "03636649/lamp-0004-00001"]
    assert not layout.incomplete and all(len(model.views) == 2 for model in layout.models)
    assert binvox.read_binvox(layout.models[0].voxels).occupancy.shape == (16, 16, 16)
    split = read_split(layout.split_path)
    assert sum(len(split_keys(split, part)) for part in ("train", "val", "test")) == 4

    # what is missing is made again, byte for byte, and nothing else is touched
    kept = layout.models[1].views[0]
    before = kept.stat().st_mtime_ns
    layout.models[2].views[1].unlink()
    assert tool.main([str(one), *SMALL, "--seed", "4", "--jobs", "1"]) == 0
    assert "4 models of 2 views, 1 of them made now" in capsys.readouterr().out
    assert contents(one) == first and kept.stat().st_mtime_ns == before


@pytest.mark.parametrize("changed, message", [
    (["--seed", "5"], "were made with --seed 4, now it is 5"),
    (["--views", "3"], "were made with --views 2, now it is 3"),
])
def test_one_folder_holds_one_kind_of_samples(tmp_path, capsys, changed, message):
    made_with = {"seed": 4, "views": 2, "image-size": 32, "resolution": 16}
    (tmp_path / tool.OPTIONS).write_text(json.dumps(made_with))
    assert tool.main([str(tmp_path), *SMALL, "--seed", "4", "--jobs", "1", *changed]) == 2
    assert message in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [tool.OPTIONS]


@pytest.mark.parametrize("flags, message", [
    (["--views", "0"], "--views: wants an integer of at least 1, got '0'"),
    (["--per-class", "-3"], "--per-class: wants an integer of at least 1"),
    (["--seed", "-1"], "--seed: wants an integer of at least 0"),
    (["--classes", "chair,lmap"], "no shape class 'lmap' (did you mean 'lamp'?)"),
    (["--classes", ","], "wants at least one of airplane"),
    (["--view", "3"], "did you mean '--views'?"),
])
def test_bad_flags_end_with_2_and_one_sentence(tmp_path, capsys, flags, message):
    with pytest.raises(SystemExit) as ended:
        tool.main([str(tmp_path / "out"), *flags])
    error = capsys.readouterr().err
    assert ended.value.code == 2 and message in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_out_is_a_file(tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert tool.main([str(tmp_path / "file"), *SMALL, "--jobs", "1"]) == 2
    assert "it exists already" in capsys.readouterr().err
