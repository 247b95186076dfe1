"""The whole flow through the command line, from no data to a 3D model; and the demo, which is the same with a page."""
from __future__ import annotations

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import trimesh

from gluon_r2n2_tools import demo, demo_page
from gluon_r2n2_tools.demo_stages import Pipeline, StageFailed
from recordio.layouts import read_binvox, read_split
from recordio.records import read_manifest

TOOLS = Path(__file__).resolve().parent.parent / "tools"
TINY = demo.Settings(per_class=10, renderings=5, width=0.0625, image_size=32, batch_size=8, views="1-2", steps=2,
                     test_views=3, shown_classes=("chair",))


def tool(name, *arguments, cwd):
    """Run a tool as a user does, in another folder than the checkout; return what it printed."""
    result = subprocess.run([sys.executable, str(TOOLS / f"{name}.py"), *map(str, arguments)], cwd=cwd, timeout=300,
                            capture_output=True, text=True)
    assert result.returncode == 0, f"{name} {arguments}:\n{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.mark.slow
def test_from_nothing_to_a_3d_model(tmp_path):
    def run(name, *arguments):
        return tool(name, *arguments, cwd=tmp_path)

    run("make_shapes", "S", "--per-class", 10, "--views", 4, "--seed", 1, "--jobs", 2, "--classes", "car,chair")
    run("pack_rec", "S", "D")
    training = ["--data", "D", "--run", "R", "--model", "res3d_gru_3", "--width", 0.0625, "--batch-size", 7,
                "--views", "1-3", "--image-size", 32, "--checkpoint-every", 2, "--seed", 1]
    run("train", *training, "--steps", 3)
    assert "3" in run("train", *training, "--steps", 4, "--resume")
    run("eval", "--checkpoint", "R", "--data", "D", "--json", "eval.json", "--views", "1,3", "--baselines")
    run("export", "R", "M")

    split = read_split(tmp_path / "S" / "ShapeNet.json")
    held_out = [f"{entry['taxonomy_id']}/{model}" for entry in split for model in entry["test"]]
    measured = json.loads((tmp_path / "eval.json").read_text())
    assert sorted(measured["objects"]) == sorted(held_out) and len(held_out) == 4
    assert sorted(read_manifest(tmp_path / "D").splits) == ["test", "train", "val"]
    for count in ("1", "3"):
        scores = [scores["iou"][count] for scores in measured["objects"].values()]
        assert measured["iou"][count]["micro"] == pytest.approx(np.mean(scores))
    assert all(0 < measured["baselines"][name]["micro"] < 1 for name in ("mean_shape", "class_mean"))

    views = sorted((tmp_path / "S" / "ShapeNetRendering" / held_out[0] / "rendering").glob("*.png"))
    assert len(views) == 4
    threshold = ["--threshold", 0.3]  # four steps teach nothing; the exported model must equal the run all the same
    told = run("reconstruct", "M", *views[:3], "--out", "from_model", *threshold)
    run("reconstruct", "R", *views[:3], "--out", "from_run", *threshold)
    grids = [np.load(tmp_path / name / "model.npz")["probabilities"] for name in ("from_model", "from_run")]
    np.testing.assert_array_equal(*grids)
    written = re.findall(r"^wrote (\S+)", told, re.MULTILINE)
    assert all((tmp_path / name).is_file() for name in written)
    grid = read_binvox(tmp_path / "from_model" / "model.binvox").occupancy
    np.testing.assert_array_equal(grid, grids[0] >= 0.3)
    if grid.any():
        assert trimesh.load(str(tmp_path / "from_model" / "model.glb"), force="mesh").is_watertight


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A demo with settings so small that it learns nothing."""
    folder = tmp_path_factory.mktemp("demo")
    patch = pytest.MonkeyPatch()
    patch.setattr(demo, "QUICK", TINY)
    try:
        assert demo.main(["--quick", "--out", str(folder / "demo")]) == 0
        yield folder / "demo"
    finally:
        patch.undo()


@pytest.mark.slow
def test_the_demo_says_what_it_measured(finished):
    results = json.loads((finished / "results.json").read_text())
    measured = json.loads((finished / "eval.json").read_text())
    assert set(results["iou"]) == {"1", "2", "3"} and results["iou"]["3"] == measured["iou"]["3"]["micro"]
    assert results["mean_shape_iou"] == measured["baselines"]["mean_shape"]["micro"]
    assert results["class_mean_iou"] == measured["baselines"]["class_mean"]["micro"]
    assert results["seconds"] == pytest.approx(sum(stage["seconds"] for stage in results["stages"]), abs=0.5)
    assert len(results["classes"]) == 13 and results["data"]["test"] == 26 and results["data"]["train"] == 91
    assert results["classes"]["chair"]["iou"]["1"] == measured["iou"]["1"]["classes"]["03001627"]


@pytest.mark.slow
def test_the_demos_page_stands_alone(finished):
    page = (finished / "index.html").read_text()
    assert not re.search(r"(src|href)=\"?(https?:)?//|url\((?!data:)|<script|@import", page)
    links = re.findall(r'href="([^"#]+)"', page)
    assert "results.json" in links and all((finished / link).is_file() for link in links)
    assert page.count("<figure>") == 3 and page.count("data:image/webp") == 3  # the opening picture and one card
    assert "median" in page and f"{json.loads((finished / 'results.json').read_text())['iou']['3']:.3f}" in page


@pytest.mark.slow
def test_a_second_demo_reuses_the_first(finished, monkeypatch, capfd):
    before = (finished / "eval.json").stat().st_mtime_ns
    assert demo.main(["--quick", "--out", str(finished)]) == 0
    told = capfd.readouterr().out
    assert told.count("done before") == 7 and (finished / "eval.json").stat().st_mtime_ns == before


def test_the_demo_leaves_a_folder_alone_that_is_none(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("precious")
    for arguments in ([], ["--fresh"]):
        assert demo.main(["--out", str(tmp_path), *arguments]) == 2
    assert "holds no demo" in capsys.readouterr().err and (tmp_path / "thesis.txt").exists()


def test_stages_are_done_again_only_when_they_or_one_before_changed(tmp_path):
    done = []

    def go(**commands):
        done.clear()
        pipeline = Pipeline(tmp_path)
        for name, command in commands.items():
            pipeline.call(name, command, lambda name=name: (done.append(name), (tmp_path / name).touch()),
                          tmp_path / name)
        return "".join(done)

    assert go(a="1", b="1", c="1") == "abc"
    assert go(a="1", b="1", c="1") == ""
    assert go(a="1", b="2", c="1") == "bc"
    (tmp_path / "c").unlink()
    assert go(a="1", b="2", c="1") == "c"
    (tmp_path / "stages.json").write_text("damaged")
    assert go(a="1", b="2", c="1") == "abc"


def test_a_failed_stage_ends_the_demo_and_is_repeated(tmp_path, capfd):
    for _ in range(2):
        with pytest.raises(StageFailed, match="pack_rec.py ended with exit code 2") as caught:
            Pipeline(tmp_path).command("pack", "pack_rec", [tmp_path / "absent", tmp_path / "out"], tmp_path / "out")
        assert caught.value.code == 2
    assert "absent" in capfd.readouterr().err
    assert not json.loads((tmp_path / "stages.json").read_text())[0]["done"]


def test_the_demos_settings_are_the_tools_flags(tmp_path):
    """What the settings say is what the tools are told."""
    settings = dataclasses.replace(demo.Settings(), steps=77, width=0.5, per_class=9, learning_rate=0.002)
    lines = {name: " ".join(map(str, arguments)) for name, _, arguments, _ in demo.commands(settings, tmp_path)}
    assert "--per-class 9" in lines["shapes"]
    assert all(part in lines["train"] for part in ("--steps 77", "--width 0.5", "--lr 0.002"))


def test_names_on_the_page_are_escaped():
    square = np.zeros((4, 4, 4), np.uint8)
    turning = [square] * demo_page.FRAMES
    card = demo_page.ObjectCard("<b>", "a&b", [square], [square], [0.5], turning, turning, [("GLB", "x\"y")])
    text = demo_page._card(card)
    assert "&lt;b&gt;" in text and "a&amp;b" in text and "x&quot;y" in text
