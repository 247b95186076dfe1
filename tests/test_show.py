"""tools/show.py: what the pictures show against geometry worked out here, their files, and every refusal."""
from __future__ import annotations

import io
import os
import re

import numpy as np
import pytest
import trimesh
from PIL import Image

from gluon_r2n2_tools import animation, drawing, legends, pictures, shape_files, show
from gluon_r2n2_tools.results import FILES, make_result
from gluon_r2n2_tools.shape_files import read_shape
from gluon_r2n2_tools.show_files import find_items, find_truths
from recordio.geometry import Camera
from recordio.layouts import VoxelGrid, write_binvox

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 180, 30), (40, 60, 230), (230, 220, 30)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder to work in, so that messages have short paths."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(*argv):
    """Run the tool, which must succeed; returns the written picture (H, W, channels)."""
    assert show.main([*map(str, argv), "--out", "x.png"]) == 0
    return np.asarray(Image.open("x.png"))


def near(picture, colour, within=60):
    """Where the hue of *picture* is that of *colour*: both scaled to their largest channel, as shading scales them."""
    picture = picture[..., :3].astype(float)
    scaled = 255 * picture / np.maximum(picture.max(axis=-1, keepdims=True), 1)
    return np.abs(scaled - 255 * np.array(colour) / max(colour)).sum(axis=-1) < within


def coloured_boxes(path, scale=1.0, moved=(0.0, 0.0, 0.0)):
    """Write a mesh: a red box at +x, a blue one at -x, a green one at +z, a yellow one at -z."""
    boxes = []
    for colour, centre in ((RED, (0.35, 0, 0)), (BLUE, (-0.35, 0, 0)), (GREEN, (0, 0, 0.35)), (YELLOW, (0, 0, -0.35))):
        box = trimesh.creation.box((0.2, 0.2, 0.2))
        box.apply_translation(centre)
        box.visual.vertex_colors = np.tile([*colour, 255], (8, 1))
        boxes.append(box)
    mesh = trimesh.util.concatenate(boxes)
    mesh.apply_scale(scale)
    mesh.apply_translation(moved)
    mesh.export(path)


def test_each_side_of_a_mesh_is_seen_where_the_camera_says(place):
    coloured_boxes("boxes.ply")
    for azimuth, left, right, front in ((0, GREEN, YELLOW, RED), (90, BLUE, RED, GREEN), (180, YELLOW, GREEN, BLUE),
                                        (270, RED, BLUE, YELLOW)):  # azimuth 0 looks from +x, 90 from +z; y is up
        picture = shown("boxes.ply", "--azimuth", azimuth, "--elevation", 0, "--background", "black")
        assert picture.shape == (256, 256, 3)
        columns = {colour: np.nonzero(near(picture, colour))[1] for colour in (left, right, front)}
        assert columns[left].max() < columns[front].min() < columns[front].max() < columns[right].min()
        assert abs(columns[front].mean() - 127.5) < 1
    from_above = shown("boxes.ply", "--azimuth", 90, "--elevation", 90, "--background", "black")
    rows = {colour: np.nonzero(near(from_above, colour))[0] for colour in (GREEN, YELLOW)}
    assert rows[GREEN].min() > 128 > rows[YELLOW].max(), "from above and +z, +z is below the middle"


def test_meshes_are_fitted_whatever_their_unit_and_place(place):
    coloured_boxes("a.ply")
    coloured_boxes("b.ply", scale=1000.0, moved=(5000.0, -300.0, 20.0))
    one, other = shown("a.ply").astype(int), shown("b.ply").astype(int)
    assert np.abs(one - other).mean() < 0.5


@pytest.mark.parametrize("cells", [(8, 8, 8), (1, 20, 1), (20, 1, 20), (20, 2, 2), (1, 1, 1)])
@pytest.mark.parametrize("elevation", [-90, -20, 0, 24, 60, 90])
def test_objects_fill_their_pictures_from_all_sides_and_leave_none(cells, elevation):
    mesh, = drawing.fitted([drawing.cubes(np.ones(cells))], elevation)
    visible = drawing.draw(mesh, pictures.sides(0, 12), elevation=elevation, size=100)[..., 3] > 0
    rows, columns = np.nonzero(visible.any(axis=(0, 2)))[0], np.nonzero(visible.any(axis=(0, 1)))[0]
    edges = [rows[0], 99 - rows[-1], columns[0], 99 - columns[-1]]
    assert min(edges) >= 2, "something is cut off, or touches the edge"
    assert min(edges) <= 10, "it could be larger"


def test_what_shares_a_call_shares_a_frame():
    """The part of a grid that is the whole of another lies in the pictures exactly where it lies in the other's."""
    part = np.zeros((12, 12, 12))
    part[2:5, 3:9, 7:11] = 1
    whole = part.copy()
    whole[2:12, 0:3, 1:11] = 1
    together = drawing.fitted([drawing.cubes(part), drawing.cubes(whole)])
    small, large = (drawing.draw(mesh, [300.0])[0] for mesh in together)
    assert 0 < (small[..., 3] > 0).sum() < (large[..., 3] > 0).sum()
    assert not ((small[..., 3] > 0) & (large[..., 3] == 0)).any()
    alone = drawing.draw(drawing.fitted([drawing.cubes(part)])[0], [300.0])[0]
    assert (alone[..., 3] > 0).sum() > 1.5 * (small[..., 3] > 0).sum()
    # the corner of the part that is nearest to its camera, by the camera's own equations
    corner = together[0].bounds[1] * [1, 1, 0] + together[0].bounds[0] * [0, 0, 1]
    (column, row), _ = (values[0] for values in Camera(300.0, 24.0, drawing.DISTANCE).project(corner[None], 256))
    assert small[int(row) + 2, int(column), 3] == 255


def test_a_prediction_has_the_frame_of_its_truth(place):
    """A prediction that is the lower left quarter of its truth, seen from +z: the lower left of the truth's picture."""
    true = np.ones((8, 8, 1), bool)
    np.save("true.npy", true)
    np.save("part.npy", true & (np.indices(true.shape)[:2].max(axis=0) < 4))
    picture = shown("part.npy", "--truth", "true.npy", "--azimuth", 90, "--elevation", 0, "--background", "black")
    blue, green = (np.argwhere(near(picture[34:], tuple(round(255 * value) for value in colour), 40))
                   for colour in (drawing.PREDICTION, drawing.TRUTH))
    blue, green = blue[blue[:, 1] < 266], green[green[:, 1] >= 276] - [0, 266]
    (top, left), (bottom, right) = green.min(axis=0), green.max(axis=0)
    assert abs(blue.min(axis=0) - [(top + bottom) / 2, left]).max() <= 2
    assert abs(blue.max(axis=0) - [bottom, (left + right) / 2]).max() <= 2


def test_cells_have_their_own_colours():
    """Every cell another colour: seen from each of six sides, each face shows the colour of the cell behind it."""
    grid = np.random.default_rng(0).random((3, 4, 5)) > 0.4
    index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), axis=-1)
    mesh = drawing.cubes(grid, colour=index.astype(np.float32))  # as colour: the index of the cell
    middle = mesh.triangles.mean(axis=1) * 5 + np.array(grid.shape) / 2  # in cells
    inside = np.floor(middle - 0.1 * mesh.normals[:, 0]).astype(int)
    assert (mesh.colours[:, 0] == inside).all() and grid[tuple(inside.T)].all()


def slab(names):
    """(6, 1, 4) grids: prediction and truth of a plate that lies flat, from a picture of letters."""
    rows = np.array([list(row) for row in names.split()]).T  # x to the right, z down
    return np.isin(rows, ["h", "e"])[:, None], np.isin(rows, ["h", "m"])[:, None]


def test_the_difference_counts_what_numpy_counts(place, capsys):
    predicted, true = slab("hhhe.. hmmme. hhm.ee mmmmm.")
    np.save("predicted.npy", predicted)
    np.save("true.npy", true)
    counts = {"hit": np.sum(predicted & true), "missed": np.sum(~predicted & true), "extra": np.sum(predicted & ~true)}
    picture = shown("predicted.npy", "--truth", "true.npy", "--difference", "--elevation", 90, "--azimuth", 90)
    said = capsys.readouterr().out
    assert "predicted: IoU 0.3158; hit 6, missed 9, extra 4 cells; 6 x 1 x 4 cells, 10 solid from 0.5 on" in said
    assert counts == {"hit": 6, "missed": 9, "extra": 4}
    difference = picture[:290, 2 * 266:]  # the third picture, without the legend
    white = difference.min(axis=-1) > 250
    blue, orange = near(difference, (0, 114, 178)), near(difference, (230, 159, 0))
    grey = ~white & (np.ptp(difference.astype(int), axis=-1) < 12) & (difference[..., 0] > 120)  # letters are darker
    pixels = np.array([grey.sum(), blue.sum(), orange.sum()]) / (grey.sum() + blue.sum() + orange.sum())
    np.testing.assert_allclose(pixels, np.array(list(counts.values())) / 19, atol=0.02)
    # and in their places: from +z above, x runs to the right and z down, so the letters stand as they are written
    rows, columns = np.nonzero(blue | orange)
    cell = (np.ptp(columns) + 1) / 6
    assert blue[int(rows.min() + 3.5 * cell), int(columns.min() + 0.5 * cell)]  # the lower left m
    assert orange[int(rows.min() + 0.5 * cell), int(columns.min() + 3.5 * cell)]  # the e of the first row


def test_the_colours_of_probabilities_are_those_of_viridis():
    matplotlib = pytest.importorskip("matplotlib")
    values = np.linspace(0, 1, 256)
    np.testing.assert_allclose(legends.viridis(values), matplotlib.colormaps["viridis"](values)[:, :3], atol=0.021)
    assert (legends.viridis(np.array([-1.0, 2.0])) == legends.viridis(np.array([0.0, 1.0]))).all()


def test_confidence_colours_cells_and_has_a_legend(place):
    grid = np.zeros((4, 1, 2), np.float32)
    grid[0, 0, :], grid[1, 0, :], grid[2, 0, :], grid[3, 0, :] = 0.45, 0.65, 1.0, 0.2
    np.savez("p.npz", probabilities=grid, threshold=np.float32(0.4))
    picture = shown("p.npz", "--confidence", "--elevation", 90, "--azimuth", 90)
    cells = picture[30:290]
    rows, columns = np.nonzero(cells.min(axis=-1) < 200)
    rows, columns = rows[rows > 40], columns[rows > 40]  # below the label
    width = (np.ptp(columns) + 1) / 3
    for place_, value in enumerate((0.45, 0.65, 1.0)):
        seen = cells[int(rows.min() + width / 2), int(columns.min() + (place_ + 0.5) * width)]
        np.testing.assert_allclose(seen, 255 * legends.viridis(np.array(value)), atol=12)
    bar = picture[-19].tolist()  # a line through the legend
    assert [68, 1, 84] in bar and [253, 231, 37] in bar and bar.index([68, 1, 84]) < bar.index([253, 231, 37])


def test_colours_with_a_meaning_are_lit_evenly(place):
    np.savez("p.npz", probabilities=np.full((4, 4, 4), 0.6, np.float32))
    picture = shown("p.npz", "--confidence", "--azimuth", 45, "--elevation", 0)  # onto the edge between +x and +z
    middle = picture[130:190]
    sides = [middle[:, columns][middle[:, columns].min(axis=-1) < 200].astype(float).mean(axis=0)
             for columns in (slice(60, 120), slice(160, 220))]
    assert 0.88 < sides[0].sum() / sides[1].sum() < 1.14
    for seen in sides:  # outlines of cells make both a bit darker
        np.testing.assert_allclose(seen / 255, legends.viridis(np.array(0.6)), atol=0.12)


def test_saturated_probabilities_are_probabilities(place):
    np.savez("p.npz", probabilities=np.ones((2, 2, 2), np.float32), threshold=np.float32(0.4))
    assert near(shown("p.npz", "--confidence")[40:290], (253, 231, 37)).mean() > 0.2


def color_tables(data):
    """Walk the blocks of a GIF: (has a global colour table, how many local ones, frames, their 1/100 seconds)."""
    at = 13 + 3 * 2 ** ((data[10] & 7) + 1) * bool(data[10] & 0x80)
    local, frames, delays = 0, 0, []
    while data[at] != 0x3B:
        if data[at] == 0x21:
            if data[at + 1] == 0xF9:
                delays.append(int.from_bytes(data[at + 4:at + 6], "little"))
            at += 2
        else:
            assert data[at] == 0x2C
            frames += 1
            local += bool(data[at + 9] & 0x80)
            at += 10 + 3 * 2 ** ((data[at + 9] & 7) + 1) * bool(data[at + 9] & 0x80) + 1
        while data[at]:
            at += data[at] + 1
        at += 1
    return bool(data[10] & 0x80), local, frames, delays


def test_a_gif_turns_with_one_palette_and_starts_as_the_picture(place):
    coloured_boxes("boxes.ply")
    still = shown("boxes.ply", "--size", 128, "--background", "#fdf6e3").astype(int)
    assert show.main(["boxes.ply", "--out", "x.gif", "--frames", "9", "--fps", "8", "--size", "128",
                      "--background", "#fdf6e3"]) == 0
    assert color_tables((place / "x.gif").read_bytes()) == (True, 0, 9, [12] * 9)  # 100 / 8 = 12.5, to the even one
    with Image.open("x.gif") as film:
        assert film.n_frames == 9 and film.size == (128, 128) and film.info["loop"] == 0
        frames = []
        for number in range(9):
            film.seek(number)
            frames.append(np.asarray(film.convert("RGB")).astype(int))
    assert np.abs(frames[0] - still).max() <= 40 and np.abs(frames[0] - still).mean() < 1
    assert all((frame[0, 0] == (0xFD, 0xF6, 0xE3)).all() for frame in frames), "the background keeps its colour"
    turned = shown("boxes.ply", "--size", 128, "--background", "#fdf6e3", "--azimuth", 340).astype(int)  # 300 + 360 / 9
    assert np.abs(frames[1] - turned).mean() < 1 < np.abs(frames[1] - still).mean()


def test_frames_of_few_colours_keep_them():
    frames = [np.full((8, 8, 3), 255, np.uint8) for _ in range(3)]
    for number, frame in enumerate(frames):
        frame[number] = (200, 0, 100)
    film = Image.open(io.BytesIO(animation.encode_gif(frames, fps=10)))
    for number, frame in enumerate(frames):
        film.seek(number)
        assert (np.asarray(film.convert("RGB")) == frame).all()


def test_the_background_keeps_its_colour_among_colours_like_it():
    frames = [np.full((16, 16, 3), (250, 251, 253), np.uint8) for _ in range(2)]
    frames[0][4:12] = np.indices((8, 16)).sum(axis=0)[..., None] + 232  # greys that come near, on either side
    frames[1][4:12] = frames[0][11:3:-1]
    film = Image.open(io.BytesIO(animation.encode_gif(frames, fps=10)))
    for number in range(2):
        film.seek(number)
        seen = np.asarray(film.convert("RGB"))
        assert (seen[:4] == (250, 251, 253)).all() and np.abs(seen.astype(int) - frames[number]).max() <= 8


@pytest.fixture
def results(place):
    """Folders as tools/reconstruct.py leaves them, and their truth as in ShapeNetVox32, of two objects."""
    rng = np.random.default_rng(3)
    for number, name in enumerate(("chair/a", "chair/b")):
        true = np.zeros((8, 8, 8), bool)
        true[1:7, 0:3 + 2 * number, 2:6] = True
        grid = np.where(true, rng.uniform(0.3, 1.0, true.shape), rng.uniform(0.0, 0.45, true.shape)).astype(np.float32)
        folder, truth = place / "results" / name, place / "truth" / name
        for each in (folder, truth):
            each.mkdir(parents=True)
        views = [np.full((16, 16, 3), 100 * number, np.uint8)]
        result = make_result(grid, threshold=0.4)
        for kind in FILES:
            (folder / f"model.{kind}").write_bytes(result.encode(kind, views))
        write_binvox(truth / "model.binvox", VoxelGrid(true))
    return place


def test_all_that_a_reconstruction_leaves_can_be_shown(results, capsys):
    for kind in ("npz", "binvox", "glb", "obj", "ply", "stl"):
        picture = shown(f"results/chair/a/model.{kind}")
        assert picture.shape == (256, 256, 3) and 0.1 < (picture.min(axis=-1) < 240).mean() < 0.9
    assert re.search(r"^a: 8 x 8 x 8 cells, \d+ solid from 0.4 on$", capsys.readouterr().out, re.MULTILINE)


def test_predictions_stand_beside_their_truths(results, capsys):
    picture = shown("results", "--truth-dir", "truth", "--difference", "--inputs", "--views", 2, "--size", 96)
    said = capsys.readouterr().out
    for name in "ab":
        grid = np.load(f"results/chair/{name}/model.npz")["probabilities"]
        true = read_shape(results / "truth" / "chair" / name / "model.binvox").grid > 0
        overlap, either = np.sum((grid >= 0.4) & true), np.sum((grid >= 0.4) | true)
        assert f"{name}: IoU {overlap / either:.4f}; hit {overlap}, missed {np.sum(true) - overlap}, " in said
    text, gap = 12, 10
    columns, rows = 2 * 2, 4  # two objects of two sides; views, predictions, truths, differences
    assert picture.shape == (gap + rows * (96 + text + 8 + gap) + text + 8 + gap, gap + columns * (96 + gap), 3)
    tops = [gap + row * (96 + text + 8 + gap) + text + 8 for row in range(rows)]
    tiles = np.array([[picture[top:top + 96, left:left + 96] for left in range(gap, picture.shape[1] - 96, 96 + gap)]
                      for top in tops]).astype(int)
    assert (tiles[0, 0] == 0).all() and (tiles[0, 1] == 255).all() and (tiles[0, 2] == 100).all()  # one view each
    blue, green = (near(tiles, tuple(round(255 * value) for value in colour), 40).sum(axis=(2, 3))
                   for colour in (drawing.PREDICTION, drawing.TRUTH))
    assert (blue[1] > 500).all() and (green[2] > 500).all() and not green[1].any() and not blue[2].any()


def test_another_threshold_is_taken_for_predictions_only(results, capsys):
    assert show.main(["results/chair/a/model.npz", "--truth", "truth/chair/a/model.binvox", "--threshold", "0.7",
                      "--out", "x.png"]) == 0
    grid = np.load("results/chair/a/model.npz")["probabilities"]
    true = read_shape(results / "truth/chair/a/model.binvox").grid > 0
    wanted = np.sum((grid >= np.float32(0.7)) & true) / np.sum((grid >= np.float32(0.7)) | true)
    assert f"a: IoU {wanted:.4f}; 8 x 8 x 8 cells, {np.sum(grid >= np.float32(0.7))} solid from 0.7 on" in (
        capsys.readouterr().out)


def test_two_meshes_stand_beside_each_other_without_a_number(results, capsys):
    picture = shown("results/chair/a/model.glb", "--truth", "results/chair/b/model.ply")
    assert picture.shape[1] == 2 * 256 + 30 and "IoU" not in capsys.readouterr().out


def test_surfaces_are_smooth_or_of_cubes(results):
    cubes, smooth = (shown("results/chair/a/model.npz", "--surface", kind) for kind in ("cubes", "marching"))
    assert np.abs(cubes.astype(int) - smooth).mean() > 1


def test_names_tell_files_apart(place):
    for name in ("run/01/chair/x.npz", "run/02/chair/x.npz", "run/02/chair/x.obj", "run/2/y.v1.npy",
                 "run/10/.hidden.npy", "one/model.binvox", "two/model.binvox", "two/other.txt"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()
    items = find_items([place / "run", place / "one", place / "two" / "model.binvox"])
    assert [item.name for item in items] == ["01/chair/x", "02/chair/x", "y.v1", "one", "two"]
    assert [item.path.suffix for item in items] == [".npz", ".npz", ".npy", ".binvox", ".binvox"]  # one of x.npz, x.obj
    both = find_items([place / "run/02/chair/x.npz", place / "run/02/chair/x.obj"])
    assert [item.name.rsplit("/")[-1] for item in both] == ["x.npz", "x.obj"]


def test_folders_are_in_the_order_of_their_numbers(place):
    for number in (10, 9, 1):
        (place / f"after_{number}.npy").touch()
    assert [item.name for item in find_items([place])] == ["after_1", "after_9", "after_10"]


def test_truths_are_found_by_the_end_of_the_path(place):
    for name in ("truth/s/x/model.binvox", "truth/s/y.npz", "truth/z.obj", "runs/03/s/x.npz", "runs/03/s/y.npz",
                 "z.npz"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).touch()
    found = find_truths(find_items([place / "runs", place / "z.npz"]), place / "truth")
    assert [item.truth.relative_to(place).as_posix() for item in found] == [
        "truth/s/x/model.binvox", "truth/s/y.npz", "truth/z.obj"]


@pytest.mark.parametrize("shape", [(10, 20, 4), (64, 64, 64), (1, 1, 1)])
@pytest.mark.parametrize("kind", ["bool", "uint8", "float64", "named"])
def test_plain_grids_of_any_kind_and_size(place, shape, kind, capsys):
    grid = np.zeros(shape, bool)
    grid[:, : max(1, shape[1] // 2)] = True
    if kind == "named":
        np.savez_compressed("g.npz", some_name=grid)
    else:
        np.save("g.npy", grid.astype(kind))
    picture = shown("g.npz" if kind == "named" else "g.npy", "--size", 64)
    assert (picture.min(axis=-1) < 240).mean() > 0.02
    assert f"{' x '.join(map(str, shape))} cells, {grid.sum():,} solid from 0.5 on" in capsys.readouterr().out


def test_a_textured_mesh_shows_its_picture(place):
    texture = np.zeros((8, 8, 3), np.uint8)
    texture[:, :4], texture[:, 4:] = RED, BLUE
    vertices = [[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]  # faces +z
    square = trimesh.Trimesh(vertices, [[0, 1, 2], [0, 2, 3]], process=False)
    square.visual = trimesh.visual.TextureVisuals(
        uv=[[0, 0], [1, 0], [1, 1], [0, 1]],
        material=trimesh.visual.material.PBRMaterial(baseColorTexture=Image.fromarray(texture), metallicFactor=0.0))
    square.export("square.glb")
    picture = shown("square.glb", "--azimuth", 90, "--elevation", 0, "--background", "black")
    red, blue = np.nonzero(near(picture, RED)), np.nonzero(near(picture, BLUE))
    assert len(red[0]) > 5000 and len(blue[0]) > 5000 and red[1].max() < 150 and blue[1].min() > 106
    assert np.median(red[1]) < 128 < np.median(blue[1]), "the left half of the texture is on the left, seen from +z"


def test_an_empty_grid_says_so_in_words_and_in_the_picture(place, capsys):
    np.savez("empty.npz", probabilities=np.full((4, 4, 4), 0.25, np.float32), threshold=np.float32(0.5))
    picture = shown("empty.npz")
    said = capsys.readouterr()
    assert said.err == ("WARNING: empty.npz: no cell reaches the threshold 0.5, the highest value is 0.25; its picture "
                        "is empty, try another --threshold\n")
    dark = np.argwhere(picture.max(axis=-1) < 140)
    assert len(dark) > 100 and (abs(dark.mean(axis=0) - 128) < 20).all(), "words in the middle"
    np.save("full.npy", np.ones((4, 4, 4), bool))
    assert show.main(["empty.npz", "--truth", "full.npy", "--difference", "--out", "x.gif", "--frames", "2"]) == 0
    assert "IoU 0.0000; hit 0, missed 64, extra 0 cells" in capsys.readouterr().out


def test_backgrounds(place):
    np.save("g.npy", np.ones((4, 4, 4), bool))
    clear = shown("g.npy", "--background", "transparent")
    assert clear.shape == (256, 256, 4) and clear[0, 0, 3] == 0 and clear[128, 128, 3] == 255
    sheet = shown("g.npy", "--views", 2, "--background", "transparent")
    assert sheet.shape[2] == 4 and (sheet[..., 3] == 0).mean() > 0.3
    dark = shown("g.npy", "--views", 2, "--background", "#101820")
    assert (dark[0, 0] == (0x10, 0x18, 0x20)).all()
    assert (dark[10:30].max(axis=-1) > 180).any(), "letters are pale on a dark sheet"


def test_sheets_have_as_many_columns_as_wanted(place):
    for number in range(7):
        np.save(f"{number}.npy", np.ones((2, 2, 2), bool))
    step, line = 64 + 10, 64 + 12 + 8 + 10
    for options, rows, columns in (((), 2, 6), (("--columns", 3), 3, 3), (("--views", 3), 4, 6),
                                   (("--columns", 99), 1, 7)):
        assert shown(place, "--size", 64, *options).shape == (10 + rows * line, 10 + columns * step, 3)


def test_long_names_are_shortened_in_their_middle():
    name = "a_very_long_name_of_an_object_that_no_picture_could_hold_0001"
    picture = np.zeros((64, 64, 3), np.uint8)
    labelled = pictures.sheet([[(name, picture), ("b", picture)]], tile=64)
    assert labelled.shape == (10 + 64 + 22 + 10, 10 + 2 * 74, 3)
    between = labelled[10:32, 10 + 64:10 + 74]
    assert (between == 255).all(), "the label runs into the next picture"


@pytest.mark.parametrize("argv, sentence", [
    (["none.npz"], "none.npz: no such file or folder; check the path"),
    (["hollow"], "hollow: nothing to draw in this folder; wanted are .npz, .npy, .binvox, .glb, .gltf, .obj, .off, "
                 ".ply, .stl files"),
    (["a.txt"], "a.txt: files of type '.txt' are not drawn; wanted are .npz, .npy, .binvox, .glb, .gltf, .obj, .off, "
                ".ply, .stl"),
    (["g.npy", "--out", "x.jpg"], "--out x.jpg: .png or .gif is wanted, got '.jpg'"),
    (["g.npy", "--out", "no/x.png"], "--out no/x.png: the folder no does not exist; create it first"),
    (["g.npy", "--out", "folder.png"], "--out folder.png: a folder; give the name of a file to write"),
    (["g.npy", "--out", "x.gif", "--background", "transparent"],
     "--background transparent: a GIF has no half-transparent pixels, as x.gif would need; write a .png, or give a "
     "colour"),
    (["g.npy", "--background", "bleu"],
     "argument --background: wants a colour such as white or #1f2937, or transparent, got 'bleu'"),
    (["g.npy", "--elevation", "91"], "argument --elevation: wants degrees from -90 to 90, got '91'"),
    (["g.npy", "--threshold", "1"], "argument --threshold: wants a probability between 0 and 1, got '1'"),
    (["g.npy", "--size", "5000"], "argument --size: wants an integer from 32 to 2048, got '5000'"),
    (["g.npy", "--size", "2048", "--views", "36"],
     "--size 2048: 36 pictures are 151 million pixels, at most 64 million are drawn; give fewer files, or a smaller "
     "--size, --views or --frames"),
    (["g.npy", "--difference"], "--difference: to what? give --truth FILE or --truth-dir DIR"),
    (["g.npy", "--truth", "g.npy", "--truth-dir", "hollow"],
     "argument --truth-dir: not allowed with argument --truth"),
    (["g.npy", "--truth-dir", "hollow"],
     "g.npy: no truth for it in --truth-dir hollow; wanted there is g.binvox, or {folder}/g.binvox, or g/model.binvox"),
    (["g.npy", "--truth-dir", "nowhere"],
     "--truth-dir nowhere: no such folder; give the folder that holds a true shape for every FILE, under the same "
     "name"),
    (["g.npy", "h.npy", "--truth", "g.npy"],
     "--truth g.npy: one truth of one FILE is wanted, got 1 of 2; give --truth-dir for many"),
    (["g.npy", "--truth", "h.npy"],
     "g.npy: its grid is 4 x 4 x 4, that of its truth h.npy is 4 x 4 x 5; voxels of one size are wanted"),
    (["g.npy", "--truth", "m.ply"],
     "m.ply: it is a mesh, but g.npy holds voxels, and their frames may differ; give two grids of one size or two "
     "meshes"),
    (["m.ply", "--truth", "m.ply", "--difference"],
     "m.ply: it is a mesh, but --difference compares voxels; give the .npz or .binvox files"),
    (["m.ply", "--confidence"],
     "m.ply: it is a mesh, but --confidence colours by probability; give the .npz file"),
    (["g.npy", "--confidence"], "g.npy: it holds only 0 and 1, but --confidence colours by probability; give the .npz "
                                "file of the reconstruction"),
    (["g.npy", "--confidence", "--surface", "marching"],
     "--confidence colours cells, --surface marching has none; give --surface cubes"),
    (["g.npy", "--truth", "g.npy", "--confidence", "--difference"],
     "--difference and --confidence: one picture has room for one meaning of colours; give one"),
    (["g.npy", "--inputs"],
     "g.npy: it holds no pictures for --inputs; give an .npz file of tools/reconstruct.py"),
    (["many.npz"], "many.npz: one grid (x, y, z) is wanted, called 'probabilities' if there are several arrays of "
                   "three axes; it holds a (2, 2, 2), b (2, 2, 2)"),
    (["flat.npy"], "flat.npy: one grid (x, y, z) is wanted, called 'probabilities' if there are several arrays of "
                   "three axes; it holds an array (4, 4)"),
    (["logits.npy"], "logits.npy: probabilities or voxels from 0 to 1 are wanted, got -3 to 3; of logits take the "
                     "softmax first"),
    (["nan.npy"], "nan.npy: probabilities or voxels from 0 to 1 are wanted, got nan to nan; of logits take the softmax "
                  "first"),
    (["threshold.npz"], "threshold.npz: 'threshold' is [0.1 0.2]; a number between 0 and 1 is wanted"),
    (["views.npz"],
     "views.npz: 'views' has float64 of shape (2, 2); pictures (n, height, width, 3) of uint8 are wanted"),
    (["complex.npy"], "complex.npy: a grid (x, y, z) of 1 to 512 cells a side is wanted, got complex128 of shape "
                      "(2, 2, 2)"),
    (["long.npy"], "long.npy: a grid (x, y, z) of 1 to 512 cells a side is wanted, got bool of shape (513, 1, 1)"),
    (["pickle.npy"],
     "pickle.npy: no arrays can be read from it (it holds Python objects, not numbers); write or copy it again"),
    (["bomb.npy"], "bomb.npy: no arrays can be read from it (8 bytes do not fill an array of shape "
                   "(100000, 100000, 100000)); write or copy it again"),
    (["cut.npz"], "cut.npz: no arrays can be read from it (File is not a zip file); write or copy it again"),
    (["text.npy"], "text.npy: no arrays can be read from it (the magic string is not correct; expected b'\\x93NUMPY', "
                   "got b'no NUM'); write or copy it again"),
])
def test_refusals_are_one_sentence(place, capsys, argv, sentence):
    (place / "hollow").mkdir()
    (place / "folder.png").mkdir()
    (place / "a.txt").write_text("text")
    (place / "text.npy").write_text("no NUMPY file")
    grid = np.ones((4, 4, 4), bool)
    for name, array in {"g": grid, "h": np.ones((4, 4, 5), bool), "flat": np.ones((4, 4)),
                        "logits": np.linspace(-3, 3, 64).reshape(4, 4, 4), "nan": np.nan * grid,
                        "long": np.ones((513, 1, 1), bool), "complex": np.ones((2, 2, 2), complex),
                        "pickle": np.array([[[None]]])}.items():
        np.save(f"{name}.npy", array)
    np.savez("many.npz", a=np.ones((2, 2, 2)), b=np.ones((2, 2, 2)))
    np.savez("threshold.npz", probabilities=0.5 * grid, threshold=np.array([0.1, 0.2]))
    np.savez("views.npz", probabilities=0.5 * grid, views=np.ones((2, 2)))
    (place / "cut.npz").write_bytes((place / "many.npz").read_bytes()[:200])
    header = (place / "g.npy").read_bytes()[:128].replace(b"'|b1'", b"'<f8'")
    header = re.sub(rb"\(4, 4, 4\), } {26}", b"(100000, 100000, 100000), } " + 10 * b" ", header)
    (place / "bomb.npy").write_bytes(header + b"8 bytes.")
    coloured_boxes("m.ply")
    before = sorted(place.rglob("*"))
    try:
        code = show.main([*argv, *([] if "--out" in argv else ["--out", "x.png"])])
    except SystemExit as stop:
        code = stop.code
    said = capsys.readouterr()
    assert code == 2 and said.err.count("\n") == 1 and "Traceback" not in said.err
    assert said.err.rstrip().endswith(f"error: {sentence.format(folder=place.name)}")
    assert sorted(place.rglob("*")) == before, "nothing is written"


def test_damage_that_the_readers_did_not_expect_is_one_sentence_too(place, capsys):
    np.save("g.npy", np.ones((8, 8, 8), bool))
    data = (place / "g.npy").read_bytes()
    (place / "header.npy").write_bytes(data[:10] + data[10:128].replace(b"(8, 8, 8), }", b"(8, 8, 8    ") + data[128:])
    np.savez("offset.npz", probabilities=np.full((2, 2, 2), 0.5))
    data = (place / "offset.npz").read_bytes()
    behind = int.from_bytes(data[-6:-2], "little") + 1000  # where the directory is said to begin
    (place / "offset.npz").write_bytes(data[:-6] + behind.to_bytes(4, "little") + data[-2:])
    os.mkfifo("pipe.npy")
    for name, words in (("header.npy", "no arrays can be read from it ("), ("offset.npz", "no arrays can be read from"),
                        ("pipe.npy", "neither a file nor a folder")):
        assert show.main([name, "--out", "x.png"]) == 2
        said = capsys.readouterr().err
        assert said.count("\n") == 1 and f"error: {name}: {words}" in said


def test_an_archive_is_measured_as_a_whole_before_it_is_unpacked(place, monkeypatch, capsys):
    np.savez_compressed("large.npz", **{name: np.zeros((8, 8, 8)) for name in "abc"})
    for limit, words in ((13_000, "one grid (x, y, z) is wanted"), (12_000, "its content takes 0.0 GiB")):
        monkeypatch.setattr(shape_files, "MAX_BYTES", limit)
        assert show.main(["large.npz", "--out", "x.png"]) == 2
        assert f"large.npz: {words}" in capsys.readouterr().err


def test_broken_files_among_others_are_named_and_the_others_drawn(place, capsys):
    np.save("a.npy", np.ones((4, 4, 4), bool))
    (place / "b.binvox").write_bytes(b"#binvox 1\ndim 4")
    np.save("c.npy", np.ones((4, 4, 4), bool))
    assert show.main([".", "--out", "x.png", "--size", "64"]) == 2
    said = capsys.readouterr()
    assert said.err == ("not drawn: b.binvox: the binvox header ends without a 'data' line; the file is cut short, "
                        "copy it again\n1 of 3 files could not be drawn\n")
    assert np.asarray(Image.open("x.png")).shape == (10 + 64 + 20 + 10, 10 + 2 * 74, 3)
    (place / "d.obj").touch()
    (place / "x.png").unlink()
    assert show.main(["b.binvox", "d.obj", "--out", "x.png"]) == 2
    assert "none of the 2 files can be drawn; nothing is written" in capsys.readouterr().err
    assert not (place / "x.png").exists()


def test_a_file_that_cannot_be_opened_is_named_too(place, capsys):
    np.save("a.npy", np.ones((4, 4, 4), bool))
    (place / "b.obj").symlink_to("nowhere.obj")
    assert show.main([".", "--out", "x.png", "--size", "64"]) == 2
    assert "not drawn: b.obj: no such file or folder; check the path\n" in capsys.readouterr().err
    assert (place / "x.png").exists()


def test_a_gif_wider_than_the_format_allows_is_refused(place, monkeypatch, capsys):
    monkeypatch.setattr(show, "MAX_SIDE", 200)
    np.save("a.npy", np.ones((2, 2, 2), bool))
    np.save("b.npy", np.ones((2, 2, 2), bool))
    options = ["a.npy", "b.npy", "--out", "x.gif", "--size", "96", "--frames", "2"]
    assert show.main(options) == 2 and show.main([*options, "--columns", "1"]) == 2
    assert capsys.readouterr().err.count("error: --columns: 222 x 136 pixels are more than the 200 a side that a GIF "
                                         "can have; give more or fewer, or fewer files\n") == 1
    assert not (place / "x.gif").exists()


def test_ctrl_c_leaves_the_old_picture(place, monkeypatch, capsys):
    np.save("a.npy", np.ones((4, 4, 4), bool))
    (place / "x.png").write_bytes(b"old")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(show, "encode_png", interrupted)
    assert show.main(["a.npy", "--out", "x.png"]) == 130
    assert (place / "x.png").read_bytes() == b"old"
    assert sorted(path.name for path in place.iterdir()) == ["a.npy", "x.png"]


def test_real_and_broken_files_never_end_in_a_traceback(shared, place, capsys):
    broken = [path for part in ("mesh", "binvox") for path in sorted((shared / "data/broken" / part).iterdir())]
    codes = {}  # name -> exit code
    for path in broken:
        codes[path.name] = show.main([str(path), "--out", "x.png", "--size", "32"])
        said = capsys.readouterr().err
        assert codes[path.name] in (0, 2) and (codes[path.name] == 0 or str(path) in said)
    for name in ("binvox_all_full.binvox", "obj_tiny.obj", "assimp_box_UTF16BE.obj"):
        assert codes[name] == 0
    for name in ("binvox_truncated_half.binvox", "quaternius_rover_draco.glb", "assimp_empty.obj"):
        assert codes[name] == 2
    assert show.main([str(shared / "data/meshes/car"), "--out", "x.png", "--size", "32"]) == 0
    cars = len(list((shared / "data/meshes/car").iterdir()))
    assert len(re.findall("mesh, [0-9,]+ triangles", capsys.readouterr().out)) == cars
