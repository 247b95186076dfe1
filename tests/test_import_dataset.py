"""Importers of photographs: folders in the published layouts of Pix3D and PASCAL3D+ -> layout -> records -> samples.

The shape is three arms of unequal length along the axes, so that every rotation and mirroring of it differs.
"""
from __future__ import annotations

import io
import json
import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.io

from gluon_r2n2_tools import import_dataset, pack_rec
from recordio.datasets import find_pascal3d, find_pix3d
from recordio.datasets.grids import refit
from recordio.datasets.matfiles import read_mat
from recordio.datasets.pascal3d import _camera
from recordio.errors import DataError
from recordio.geometry import Camera, Mesh, render, voxelise
from recordio.geometry.camera import FOCAL
from recordio.layouts import (
    VoxelGrid,
    encode_png,
    fit_box,
    fit_object,
    photos,
    read_binvox,
    read_cameras,
    read_rgba,
    read_split,
    scan,
    write_binvox,
)
from recordio.layouts.shapenet import METADATA, RENDERINGS, VOXELS
from recordio.loading import RecordDataset

SIDE = 8  # cells, of the grids that are made
# Boxes (low, high) in units of a cell, in the object frame (y up, front -z): arms of 8, 6 and 4 along x, y and z.
ARMS = [((0, 0, 0), (8, 1.5, 1.5)), ((0, 0, 0), (1.5, 6, 1.5)), ((0, 0, 0), (1.5, 1.5, 4))]
CORNERS = np.array([(x, y, z) for x in (0, 1) for y in (0, 1) for z in (0, 1)], float)
FACES = [(0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1), (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4),
         (1, 5, 7), (1, 7, 3)]


def truth() -> np.ndarray:
    """The grid [x, y, z] of the arms, two cells thick, the box of 8 x 6 x 4 centred in 8 x 8 x 8: counted by hand."""
    grid = np.zeros((SIDE,) * 3, bool)
    grid[0:8, 1:3, 2:4] = grid[0:2, 1:7, 2:4] = grid[0:2, 1:3, 2:6] = True
    return grid


def arms():
    """(vertices (24, 3), faces (36, 3)) in the object frame."""
    vertices = [np.array(low) + CORNERS * (np.array(high) - low) for low, high in ARMS]
    return np.concatenate(vertices), np.concatenate([np.array(FACES) + 8 * arm for arm in range(3)])


def mesh_text(kind, vertices, faces) -> str:
    rows = [" ".join(f"{value:g}" for value in vertex) for vertex in vertices]
    if kind == "obj":
        return "".join(f"v {row}\n" for row in rows) + "".join(f"f {a + 1} {b + 1} {c + 1}\n" for a, b, c in faces)
    lines = ["OFF", f"{len(rows)} {len(faces)} 0", *rows, *(f"3 {a} {b} {c}" for a, b, c in faces)]
    return "\n".join(lines) + "\n"


def photograph(seed, width, height):
    """(H, W, 3) uint8 noise with the arms rendered into it, and the (H, W) uint8 mask of them."""
    rng = np.random.default_rng(seed)
    vertices, faces = arms()
    size = min(width, height)
    view = render(Mesh.build(vertices, faces).normalised(), [Camera(40.0 * seed, 27.0, 0.8)], size=size)[0]
    rgba = np.zeros((height, width, 4), np.uint8)
    rgba[-size:, -size:] = view  # in the lower right corner
    mask = np.where(rgba[..., 3] > 127, 255, 0).astype(np.uint8)
    ground = cv2.resize(rng.integers(0, 256, (6, 8, 3)).astype(np.uint8), (width, height))
    return np.where(mask[..., None] > 0, rgba[..., :3], ground), mask


def write_picture(path: Path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = picture[..., ::-1] if picture.ndim == 3 else picture
    assert cv2.imwrite(str(path), colour)


def run(*arguments):
    return import_dataset.main([str(argument) for argument in arguments])


def import_it(*arguments):
    return run(*arguments, "--resolution", SIDE, "--jobs", 1)


def packed(layout: Path, out: Path, split: str) -> RecordDataset:
    assert pack_rec.main([str(layout), str(out)]) == 0
    return RecordDataset(out, split)


def all_samples(layout: Path, out: Path):
    """{key: Sample} of every split, by way of the packed data set."""
    assert pack_rec.main([str(layout), str(out)]) == 0
    found = {}
    for split in ("train", "val", "test"):
        try:
            dataset = RecordDataset(out, split)
        except DataError:  # no sample in it
            continue
        with dataset:
            found.update({sample.key: sample for sample in map(dataset.read, range(len(dataset)))})
    return found


# ---- grids ----

def test_a_mesh_of_the_shape_gives_the_grid_counted_by_hand():
    np.testing.assert_array_equal(voxelise(Mesh.build(*arms()), SIDE), truth())


def test_refit_crops_centres_and_pools():
    fine = np.zeros((40, 30, 20), bool)
    fine[20:36, 1:13, 5:13] = truth()[:, 1:7, 2:6].repeat(2, 0).repeat(2, 1).repeat(2, 2)
    grid = refit(fine, SIDE)
    np.testing.assert_array_equal(grid.occupancy, truth())
    assert grid.scale == pytest.approx(8 / np.sqrt(8 ** 2 + 6 ** 2 + 4 ** 2))
    assert grid.translate == pytest.approx((-grid.scale / 2,) * 3)


def test_refit_splits_a_coarser_grid():
    np.testing.assert_array_equal(refit(truth(), 16).occupancy, truth().repeat(2, 0).repeat(2, 1).repeat(2, 2))
    solid = refit(np.ones((5, 5, 5), bool), 12)  # no gaps where the sides do not divide
    assert solid.occupancy.all()


def test_refit_keeps_a_thin_part():
    fine = np.zeros((64, 64, 64), bool)
    fine[:, 31, 31] = True  # a wire, an eighth of a cell thick
    assert refit(fine, 8).occupancy.any(axis=(1, 2)).all()


def test_refit_of_nothing_is_refused():
    with pytest.raises(DataError, match="no cell is occupied"):
        refit(np.zeros((4, 4, 4), bool), 8)


# ---- Pix3D ----

def pix3d_voxels() -> np.ndarray:
    """The arms as Pix3D stores them: [x left, y outward, z up] seen from the front, with a margin, two cells each."""
    voxels = np.zeros((40, 40, 40), np.uint8)
    for x, y, z in np.argwhere(truth()):  # our x is left seen from the front, y up, z inward (the front is -z)
        left, outward, up = 2 * x + 11, 2 * (SIDE - 1 - z) + 3, 2 * y + 20
        voxels[left:left + 2, outward:outward + 2, up:up + 2] = 1
    return voxels


def pix3d_entry(category, model, number, width, height, **more):
    return {"img": f"img/{category}/{number:04d}.png", "category": category, "img_size": [width, height],
            "2d_keypoints": [[[-1.0, -1.0]]], "mask": f"mask/{category}/{number:04d}.png", "img_source": "ikea",
            "model": f"model/{category}/{model}/model.obj", "model_raw": "", "model_source": "ikea",
            "trans_mat": [0, 0, 1], "focal_length": 35.0, "cam_position": [0, 0, -1], "inplane_rotation": 0.0,
            "truncated": False, "occluded": False, "slightly_occluded": False, "bbox": [0, 0, width, height],
            "rot_mat": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "voxel": f"model/{category}/{model}/voxel.mat",
            "3d_keypoints": f"model/{category}/{model}/3d_keypoints.txt", **more}


@pytest.fixture
def pix3d(tmp_path) -> Path:
    """Chairs A (3 good photographs, 1 truncated, 1 occluded) and B (1), bed A (1)."""
    root, entries = tmp_path / "pix3d", []
    for number, (category, model, more) in enumerate([
            ("chair", "IKEA_A", {}), ("chair", "IKEA_A", {"slightly_occluded": True}), ("chair", "IKEA_A", {}),
            ("chair", "IKEA_A", {"truncated": True}), ("chair", "IKEA_A", {"occluded": "true"}),
            ("chair", "IKEA_B", {"truncated": "false"}), ("bed", "IKEA_A", {})]):
        width, height = 200 + 20 * number, 180
        entry = pix3d_entry(category, model, number, width, height, **more)
        picture, mask = photograph(number, width, height)
        write_picture(root / entry["img"], picture)
        write_picture(root / entry["mask"], mask)
        folder = root / "model" / category / model
        folder.mkdir(parents=True, exist_ok=True)
        scipy.io.savemat(folder / "voxel.mat", {"voxel": pix3d_voxels()}, do_compression=True)
        (folder / "model.obj").write_text(mesh_text("obj", *arms()))
        entries.append(entry)
    (root / "pix3d.json").write_text(json.dumps(entries))
    return root


def edit(root, change):
    entries = json.loads((root / "pix3d.json").read_text())
    change(entries)
    (root / "pix3d.json").write_text(json.dumps(entries))


def test_pix3d_reaches_the_samples(pix3d, tmp_path, capsys):
    out = tmp_path / "out"
    assert import_it("pix3d", pix3d, out) == 0
    told = capsys.readouterr().out
    assert "3 of 3 objects became samples" in told and "1 occluded, 1 truncated" in told
    samples = all_samples(out, tmp_path / "packed")
    assert {key: len(sample.images) for key, sample in samples.items()} == {
        "03001627/IKEA_A": 3, "03001627/IKEA_B": 1, "bed/IKEA_A": 1}
    for sample in samples.values():
        np.testing.assert_array_equal(sample.voxels, truth())
        assert sample.cameras is None
    for view, number in enumerate((0, 1, 2)):
        image = samples["03001627/IKEA_A"].images[view]
        picture, mask = photograph(number, 200 + 20 * number, 180)
        np.testing.assert_array_equal(image, fit_object(np.dstack([picture, mask])))
        left, top, right, bottom = photos.visible_box(image[..., 3])
        assert max(right - left, bottom - top) / 137 == pytest.approx(.67, abs=.015)
        assert abs(left + right - 137) <= 2 and abs(top + bottom - 137) <= 2
    assert {entry["taxonomy_id"] for entry in read_split(out / "ShapeNet.json")} == {"03001627", "bed"}
    assert not list(out.rglob(METADATA))


def test_pix3d_meshes_have_the_axes_of_its_voxels(pix3d, tmp_path):
    assert import_it("pix3d", pix3d, tmp_path / "out", "--from-mesh", "--classes", "bed") == 0
    model, = scan(tmp_path / "out").models
    np.testing.assert_array_equal(read_binvox(model.voxels).occupancy, truth())


def test_pix3d_options(pix3d, tmp_path, capsys):
    assert import_it("pix3d", pix3d, tmp_path / "a", "--classes", "03001627", "--flawed", "--views", 4) == 0
    assert {model.key: len(model.names) for model in scan(tmp_path / "a").models} == {
        "03001627/IKEA_A": 4, "03001627/IKEA_B": 1}
    assert import_it("pix3d", pix3d, tmp_path / "b", "--min-views", 2) == 0
    assert [model.key for model in scan(tmp_path / "b").models] == ["03001627/IKEA_A"]
    assert "2 have fewer than 2 photographs" in capsys.readouterr().out
    assert import_it("pix3d", pix3d, tmp_path / "c", "--classes", "chairs") == 2
    assert "did you mean 'chair'" in capsys.readouterr().err
    assert import_it("pix3d", pix3d, tmp_path / "b", "--min-views", 1) == 2  # other options in the same folder
    assert "--min-views 2" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        import_it("pix3d", pix3d, tmp_path / "d", "--up", "z")
    assert "has a meaning for photos only" in capsys.readouterr().err


def test_a_second_run_makes_only_what_is_missing(pix3d, tmp_path, capsys):
    out = tmp_path / "out"
    assert import_it("pix3d", pix3d, out, "--classes", "chair") == 0
    kept = out / RENDERINGS / "03001627" / "IKEA_A" / "rendering" / "00.png"
    before = kept.stat().st_mtime_ns, kept.read_bytes()
    capsys.readouterr()
    assert import_it("pix3d", pix3d, out) == 0
    assert "1 of 3 objects became samples, 2 were there already" in capsys.readouterr().out
    assert (kept.stat().st_mtime_ns, kept.read_bytes()) == before
    assert import_it("pix3d", pix3d, out, "--overwrite") == 0
    assert kept.stat().st_mtime_ns != before[0] and kept.read_bytes() == before[1]


def test_the_output_is_the_same_for_any_number_of_jobs(pix3d, tmp_path):
    trees = []
    for jobs in (1, 2):
        out = tmp_path / str(jobs)
        assert run("pix3d", pix3d, out, "--jobs", jobs, "--resolution", SIDE) == 0
        trees.append({str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()})
    assert trees[0] == trees[1]


def test_broken_pix3d_entries_are_named_and_left_out(pix3d, tmp_path, capsys):
    secret = tmp_path / "secret.png"
    secret.write_bytes((pix3d / "img/chair/0000.png").read_bytes())

    def change(entries):
        entries[0]["img"] = "../secret.png"
        entries[1]["mask"] = str(secret)
        entries.append(dict(entries[2], img="img/chair/none.png"))
        entries.append(dict(entries[2], img_size=[7, 7]))
        entries.append(dict(entries[2], mask=entries[5]["mask"]))
        entries.append({"category": "chair", "img": "img/chair/0000.png"})
        entries.append("chair")
        entries.append(dict(entries[2], truncated="perhaps"))
        entries.append(dict(entries[2], category=7))
        entries.append(dict(entries[2], voxel=["x"]))

    edit(pix3d, change)
    (pix3d / "mask/bed/0006.png").write_bytes(b"no picture")
    (pix3d / "model/chair/IKEA_B/voxel.mat").write_bytes(b"MATLAB 5.0 MAT-file" + bytes(200))
    out = tmp_path / "out"
    assert import_it("pix3d", pix3d, out) == 0
    assert [(model.key, len(model.names)) for model in scan(out).models] == [("03001627/IKEA_A", 1)]
    reasons = dict(line.split(": ", 1) for line in (out / "rejected.txt").read_text().splitlines())
    for name, reason in {"entry 0 (../secret.png)": "leads out of the data set",
                         "entry 1 (img/chair/0001.png)": "leads out of the data set",
                         "entry 7 (img/chair/none.png)": "No such file",
                         "entry 8 (img/chair/0002.png)": "the annotation says 7x7",
                         "entry 9 (img/chair/0002.png)": "the picture has 240x180",
                         "entry 10 (img/chair/0000.png)": "no field 'mask'",
                         "entry 11": "an object is wanted",
                         "entry 12 (img/chair/0002.png)": "'truncated' should be true or false",
                         "entry 13 (img/chair/0002.png)": "category should be a name",
                         "entry 14 (img/chair/0002.png)": "a file name is wanted",
                         "entry 6 (img/bed/0006.png)": "not an image",
                         "bed/IKEA_A": "0 of its 1 photographs can be used",
                         "03001627/IKEA_B": "damaged MATLAB file"}.items():
        assert reason in reasons.pop(name)
    assert not reasons
    assert not list(out.rglob("*.partial"))
    capsys.readouterr()
    assert import_it("pix3d", pix3d, tmp_path / "strict", "--strict") == 2
    assert "entry 0 (../secret.png)" in capsys.readouterr().err
    assert not (tmp_path / "strict" / RENDERINGS).exists()


@pytest.mark.parametrize("content, reason", [
    (b"{", "not valid JSON"), (b"{}", "a list of entries is wanted"), (b"[]", "it holds none"),
    (b"\xff\xfe", "not valid JSON"), (b"[" * 100000, "not valid JSON")])
def test_a_broken_index_is_one_sentence(tmp_path, content, reason):
    (tmp_path / "pix3d.json").write_bytes(content)
    with pytest.raises(DataError, match=reason):
        find_pix3d(tmp_path)


def test_no_pix3d_folder(tmp_path, capsys):
    assert import_it("pix3d", tmp_path / "none", tmp_path / "out") == 2
    assert "no such file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_models_of_one_folder_keep_apart(pix3d):
    edit(pix3d, lambda entries: entries.append(dict(entries[0], model="model/chair/IKEA_A/other.obj")))
    assert [item.key for item in find_pix3d(pix3d).items] == [
        "03001627/IKEA_A", "03001627/IKEA_A-other", "03001627/IKEA_B", "bed/IKEA_A"]


# ---- PASCAL3D+ ----

def cad_vertices(points) -> np.ndarray:
    """Object-frame *points* in the axes of the CAD models: z up, front -y, so that the object's left is +x."""
    points = np.asarray(points)
    left, up, forward = -points[:, 0], points[:, 1], -points[:, 2]  # the front is -z: its left is -x
    return np.stack([left, -forward, up], axis=1)


def mat_object(name, cad, box, *, view=(30.0, 10.0, 5.0, 4.0), **more):
    azimuth, elevation, theta, distance = view
    return {"class": name, "view": "", "bbox": np.array(box, float), "cad_index": cad, "truncated": 0, "occluded": 0,
            "difficult": 0, "anchors": {"seat": {"location": np.zeros(2), "status": 1}},
            "viewpoint": {"azimuth_coarse": azimuth, "elevation_coarse": elevation, "azimuth": azimuth,
                          "elevation": elevation, "theta": theta, "distance": distance, "focal": 1, "px": 100.0,
                          "py": 90.0, "viewport": 3000}, **more}


def write_annotation(root, folder, name, size, objects, suffix):
    path = root / "Annotations" / folder / f"{name}.mat"
    path.parent.mkdir(parents=True, exist_ok=True)
    # a MATLAB struct array wants the same fields in every element: a structured array says so
    fields = [(key, object) for key in objects[0]] if objects else []
    array = np.array([tuple(thing[key] for key, _ in fields) for thing in objects], dtype=fields or None)
    scipy.io.savemat(path, {"record": {"filename": f"{name}.{suffix}", "imgsize": np.array([*size, 3]),
                                       "database": "ImageNet", "objects": array}}, do_compression=True)


@pytest.fixture
def pascal3d(tmp_path) -> Path:
    root = tmp_path / "PASCAL3D+_release1.1"
    width, height = 240, 180
    for folder, name, suffix, objects in [
            ("diningtable_imagenet", "n04379243_1", "JPEG", [mat_object("diningtable", 1, (61, 31, 160, 130))]),
            ("diningtable_imagenet", "n04379243_2", "JPEG", [
                mat_object("diningtable", 1, (1, 1, 60, 40), view=(200.0, 20.0, 0.0, 3.0)),
                mat_object("diningtable", 2, (200, 100, 300, 180)),  # over the rim: MATLAB's boxes are at times
                mat_object("diningtable", 1, (1, 1, 60, 40), truncated=1),
                mat_object("chair", 1, (1, 1, 60, 40))]),
            ("diningtable_pascal", "2008_000001", "jpg", [
                mat_object("diningtable", 2, (20, 20, 120, 120), view=(0.0, 0.0, 0.0, 0.0)),
                mat_object("diningtable", 2, (20, 20, 120, 120), difficult=1),
                mat_object("diningtable", 2, (20, 20, 120, 120), occluded=1)])]:
        write_annotation(root, folder, name, (width, height), objects, suffix)
        write_picture(root / "Images" / folder / f"{name}.{suffix}", photograph(len(name), width, height)[0])
    (root / "CAD" / "diningtable").mkdir(parents=True)
    vertices, faces = arms()
    for number in (1, 2):
        path = root / "CAD" / "diningtable" / f"{number:02d}.off"
        path.write_text(mesh_text("off", cad_vertices(vertices) * 0.1, faces))
    return root


def test_pascal3d_reaches_the_samples(pascal3d, tmp_path, capsys):
    out = tmp_path / "out"
    assert import_it("pascal3d", pascal3d, out) == 0
    told = capsys.readouterr().out
    assert "2 of 2 objects became samples" in told
    assert "1 difficult, 1 occluded, 1 of another class, 1 truncated" in told
    samples = all_samples(out, tmp_path / "packed")
    assert {key: len(sample.images) for key, sample in samples.items()} == {
        "04379243/diningtable-01": 2, "04379243/diningtable-02": 2}
    for sample in samples.values():
        np.testing.assert_array_equal(sample.voxels, truth())
    first = samples["04379243/diningtable-01"]
    picture = read_rgba(pascal3d / "Images/diningtable_imagenet/n04379243_1.JPEG")
    np.testing.assert_array_equal(first.images[0], fit_box(picture, (60, 30, 160, 130)))
    assert (first.images[0][20:110, 20:110, 3] == 255).all()  # the background stays
    assert samples["04379243/diningtable-02"].cameras is None  # one of its photographs has no viewpoint
    np.testing.assert_allclose(first.cameras[:, :3], [[240.0, 10.0, 5.0], [70.0, 20.0, 0.0]], atol=1e-4)


def test_pascal3d_cameras_show_the_object_in_its_size(pascal3d, tmp_path):
    assert import_it("pascal3d", pascal3d, tmp_path / "out", "--flawed") == 0
    model = scan(tmp_path / "out").models[0]
    mesh = Mesh.build(*arms()).normalised()
    for camera in read_cameras(model.metadata):
        left, top, right, bottom = photos.visible_box(render(mesh, [camera], size=137)[0][..., 3])
        assert max(right - left, bottom - top) / 137 == pytest.approx(photos.SHARE, abs=.02)


@pytest.mark.parametrize("azimuth, elevation, theta", [(0, 0, 0), (90, 0, 0), (35, 20, 0), (250, -15, 30),
                                                       (120, 80, -70)])
def test_pascal3d_viewpoints_are_our_cameras(azimuth, elevation, theta):
    """The data set's projection (its MATLAB code, written anew) and `Camera.project` see the same picture."""
    distance, points = 2.5, arms()[0] * 0.1 - 0.3
    a, e, t = np.radians([azimuth, elevation, theta])
    place = distance * np.array([np.cos(e) * np.sin(a), -np.cos(e) * np.cos(a), np.sin(e)])
    about_z = np.array([[np.cos(a), np.sin(a), 0], [-np.sin(a), np.cos(a), 0], [0, 0, 1]])  # by -azimuth
    tilt = e - np.pi / 2
    about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    seen = (cad_vertices(points) - place) @ (about_x @ about_z).T
    flat = seen[:, :2] / -seen[:, 2:] @ np.array([[np.cos(t), -np.sin(t)], [np.sin(t), np.cos(t)]]).T

    viewpoint = type("viewpoint", (), {"azimuth": azimuth, "elevation": elevation, "theta": theta, "distance": 2.5})
    found = _camera(viewpoint)
    ours = Camera(found.azimuth, found.elevation, distance / 1.75, found.in_plane)
    pixels, depth = ours.project(points, size=1)
    np.testing.assert_allclose((pixels - 0.5) / FOCAL * [1, -1], flat, atol=1e-9)
    np.testing.assert_allclose(depth, -seen[:, 2], atol=1e-9)


def test_broken_pascal3d_annotations_are_named_and_left_out(pascal3d, tmp_path, capsys):
    folder = pascal3d / "Annotations" / "diningtable_imagenet"
    (folder / "a.mat").write_bytes(b"")
    (folder / "b.mat").write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64" + bytes(500))
    (folder / "c.mat").write_bytes((folder / "n04379243_1.mat").read_bytes()[:-20])
    scipy.io.savemat(folder / "d.mat", {"other": 1})
    good = mat_object("diningtable", 1, (1, 1, 60, 40))
    write_annotation(pascal3d, folder.name, "e", (240, 180), [
        dict(good, cad_index=0), dict(good, bbox=np.zeros(3)), dict(good, cad_index=7), dict(good, cad_index="one")],
        "JPEG")
    scipy.io.savemat(folder / "g.mat", {"record": {"filename": "../../secret.jpg", "objects": good}})
    (pascal3d / "Images" / folder.name / "n04379243_2.JPEG").unlink()
    out = tmp_path / "out"
    assert import_it("pascal3d", pascal3d, out) == 0
    assert {model.key: len(model.names) for model in scan(out).models} == {"04379243/diningtable-01": 1,
                                                                          "04379243/diningtable-02": 1}
    reasons = dict(line.split(": ", 1) for line in (out / "rejected.txt").read_text().splitlines())
    for name, reason in {"a.mat": "it is empty", "b.mat": "HDF5", "c.mat": "damaged MATLAB file",
                         "d.mat": "no field 'objects'", "e.mat object 1": "count from 1",
                         "e.mat object 2": "four numbers", "e.mat object 4": "should be a number",
                         "g.mat": "leads out of the data set", "n04379243_2.mat object 1": "No such file",
                         "n04379243_2.mat object 2": "No such file"}.items():
        assert reason in reasons.pop(f"{folder.name}/{name}")
    assert "photographs can be used" in reasons.pop("04379243/diningtable-07")  # e.JPEG is absent, too
    assert all("e.mat object" in name for name in reasons)


def test_no_pascal3d_folder(tmp_path, capsys):
    with pytest.raises(DataError, match="Annotations and Images and CAD missing"):
        find_pascal3d(tmp_path)
    for name in ("Annotations", "Images", "CAD"):
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match="no folder <class>_imagenet"):
        find_pascal3d(tmp_path)


# ---- MATLAB files ----

def saved(packs=False, **variables) -> bytes:
    stream = io.BytesIO()
    scipy.io.savemat(stream, variables, do_compression=packs)
    return stream.getvalue()


def element(kind, content) -> bytes:
    return struct.pack("<II", kind, len(content)) + content + bytes(-len(content) % 8)


@pytest.mark.parametrize("packs", [False, True])
def test_what_scipy_writes_is_read(tmp_path, packs):
    numbers = {name: np.arange(24).reshape(2, 3, 4).astype(name) for name in (
        "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")}
    pair = np.array([(1, "a"), (2, "b c")], dtype=[("n", object), ("class", object)])
    cell = np.array([np.eye(2), "text"], dtype=object)
    (tmp_path / "x.mat").write_bytes(saved(
        packs, **numbers, one=np.float64(2.5), empty=np.zeros((0, 3)), yes=np.array([True, False]),
        word="Stra\u00dfe", record={"x": 3, "y": {"z": "text"}}, pair=pair, cell=cell, complex=np.ones(2) * 1j,
        rows=np.array(["ab", "cd"])))
    content = read_mat(tmp_path / "x.mat")
    for name, value in numbers.items():
        np.testing.assert_array_equal(content[name], value)
    assert content["one"] == 2.5 and content["one"].shape == () and content["empty"].size == 0
    assert content["yes"].tolist() == [1, 0] and content["word"] == "Stra\u00dfe"
    assert content["record"].x == 3 and content["record"].y.z == "text"
    assert [(thing.n.item(), getattr(thing, "class")) for thing in content["pair"]] == [(1, "a"), (2, "b c")]
    np.testing.assert_array_equal(content["cell"][0], np.eye(2))
    assert content["cell"][1] == "text" and content["complex"] is None and content["rows"] is None


def test_the_bytes_of_a_file_are_as_the_format_says(tmp_path):
    """A big-endian file by hand: x = [1 2; 3 4] as MATLAB stores it, doubles as bytes, columns first."""
    def part(kind, content):
        return struct.pack(">II", kind, len(content)) + content + bytes(-len(content) % 8)

    array = part(6, struct.pack(">II", 6, 0)) + part(5, struct.pack(">ii", 2, 2)) \
        + struct.pack(">HH", 1, 1) + b"x\0\0\0" + struct.pack(">HH", 4, 2) + bytes([1, 3, 2, 4])
    (tmp_path / "x.mat").write_bytes(b"MATLAB 5.0".ljust(124) + b"\x01\x00MI" + part(14, array))
    np.testing.assert_array_equal(read_mat(tmp_path / "x.mat")["x"], [[1, 2], [3, 4]])


@pytest.mark.parametrize("kind", [1, 2, 4, 6])  # cell, struct, char, double
def test_an_array_that_claims_more_than_it_has_is_refused(tmp_path, kind):
    claim = element(6, struct.pack("<II", kind, 0)) + element(5, struct.pack("<2i", 1 << 30, 1 << 30)) \
        + element(1, b"x") + bytes(16)
    (tmp_path / "x.mat").write_bytes(saved()[:128] + element(14, claim))
    with pytest.raises(DataError, match="1073741824 x 1073741824 in"):
        read_mat(tmp_path / "x.mat")


def test_a_bomb_is_refused(tmp_path):
    bomb = zlib.compress(bytes(300 << 20), 9)  # some 300 kB
    (tmp_path / "x.mat").write_bytes(saved()[:128] + struct.pack("<II", 15, len(bomb)) + bomb)
    with pytest.raises(DataError, match="unpacks to more than 256 MiB"):
        read_mat(tmp_path / "x.mat")


def test_structs_without_end_are_refused(tmp_path):
    inner = b""
    for _ in range(40):
        inner = element(14, element(6, struct.pack("<II", 1, 0)) + element(5, struct.pack("<2i", 1, 1))
                        + element(1, b"x") + (inner or element(14, b"")))
    (tmp_path / "x.mat").write_bytes(saved()[:128] + inner)
    with pytest.raises(DataError, match="more than 16 deep"):
        read_mat(tmp_path / "x.mat")


def test_damaged_files_end_in_values_or_in_one_sentence(tmp_path):
    rng = np.random.default_rng(0)
    whole = saved(voxel=np.ones((3, 3, 3), np.uint8), record={"filename": "a.jpg", "objects": {"class": "car", "n": 3}})
    path, refused = tmp_path / "x.mat", 0
    for _ in range(3000):
        content = bytearray(whole)
        for place in rng.integers(124, len(whole), rng.integers(1, 5)):
            content[place] = rng.choice([0, 1, 255, rng.integers(0, 256)])
        path.write_bytes(content[:rng.integers(128, len(whole))] if rng.random() < 0.2 else content)
        try:
            read_mat(path)
        except DataError as error:
            refused += 1
            assert "\n" not in str(error)
    assert 300 < refused < 3000


# ---- photographs of your own ----

@pytest.fixture
def folder(tmp_path) -> Path:
    """chair/mesh with an OBJ and 2 photographs, chair/grid with a binvox and 1, table/grid of another side."""
    root = tmp_path / "mine"
    for name, side in (("chair/mesh", 0), ("chair/grid", SIDE), ("table/coarse one", 16)):
        target = root / name
        target.mkdir(parents=True)
        picture, mask = photograph(3, 210, 160)
        (target / "b.png").write_bytes(encode_png(np.dstack([picture, mask])))
        if side:
            grid = truth() if side == SIDE else truth().repeat(2, 0).repeat(2, 1).repeat(2, 2)
            write_binvox(target / "model.binvox", VoxelGrid(grid))
        else:
            (target / "model.obj").write_text(mesh_text("obj", *arms()))
            write_picture(target / "A.JPG", picture)
    return root


def test_own_photographs_reach_the_samples(folder, tmp_path):
    assert import_it("photos", folder, tmp_path / "out") == 0
    samples = all_samples(tmp_path / "out", tmp_path / "packed")
    assert sorted(samples) == ["03001627/grid", "03001627/mesh", "04379243/coarse_one"]
    for sample in samples.values():
        np.testing.assert_array_equal(sample.voxels, truth())
    first, second = samples["03001627/mesh"].images  # A.JPG, b.png
    assert (first[..., 3] == 255).all()  # no transparency: its middle square
    picture, mask = photograph(3, 210, 160)
    np.testing.assert_array_equal(second, fit_object(np.dstack([picture, mask])))


def test_own_meshes_may_have_z_up(folder, tmp_path):
    vertices, faces = arms()
    turned = np.stack([vertices[:, 0], -vertices[:, 2], vertices[:, 1]], axis=1)  # (x, z, -y) of it is the object frame
    (folder / "chair/mesh/model.obj").write_text(mesh_text("obj", turned, faces))
    assert import_it("photos", folder, tmp_path / "out", "--up", "z") == 0
    np.testing.assert_array_equal(
        read_binvox(tmp_path / "out" / VOXELS / "03001627/mesh/model.binvox").occupancy, truth())


def test_own_folders_that_cannot_be_used_are_named(folder, tmp_path, capsys):
    (folder / "chair/grid/model.obj").write_text("v 0 0 0\n")
    (folder / "chair/mesh/A.JPG").write_bytes(b"\xff\xd8 cut")
    (folder / "chair/none").mkdir()
    (folder / "table/coarse_one").mkdir()
    for name in ("b.png", "model.binvox"):
        (folder / "table/coarse_one" / name).write_bytes((folder / "table/coarse one" / name).read_bytes())
    assert import_it("photos", folder, tmp_path / "out") == 0
    assert [(model.key, len(model.names)) for model in scan(tmp_path / "out").models] == [
        ("03001627/mesh", 1), ("04379243/coarse_one", 1)]
    told = capsys.readouterr().err
    for words in ("chair/grid: one shape is wanted", "chair/none: no pictures", "table/coarse_one: its name becomes",
                  "chair/mesh/A.JPG: "):
        assert words in told


def test_no_sample_at_all_is_exit_code_2(folder, tmp_path):
    for path in folder.rglob("model.*"):
        path.unlink()
    assert import_it("photos", folder, tmp_path / "out") == 2
    assert import_it("photos", tmp_path / "none", tmp_path / "out") == 2
