"""The models that come with the package: they work from their name, and are as good as their card says."""
from __future__ import annotations

import re

import numpy as np
import pytest

from gluon_r2n2.deployment import Reconstructor, is_artefact, list_pretrained, pretrained_path
from gluon_r2n2_tools import make_shapes, reconstruct
from recordio.layouts import read_binvox, read_rgba

VIEWS = 3


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    """One model of each class that no training has seen: the seed is another."""
    out = tmp_path_factory.mktemp("shapes")
    assert make_shapes.main([str(out), "--per-class", "1", "--views", str(VIEWS), "--seed", "99", "--jobs", "1"]) == 0
    return out


def test_each_is_small_whole_and_has_a_card():
    assert list_pretrained() == ["procedural"]
    for name in list_pretrained():
        folder = pretrained_path(name)
        assert is_artefact(folder) and sum(path.stat().st_size for path in folder.iterdir()) <= 8e6
        card = (folder / "README.md").read_text(encoding="utf-8")
        for word in ("data", "steps", "IoU", "Limits", "licence"):
            assert word in card


def test_the_model_is_as_good_as_its_card_says(shapes):
    """Mean IoU over 13 objects it has never seen, whose deviation of .2 leaves .06 of doubt about the mean."""
    reconstructor = Reconstructor("procedural")
    scores = []
    for folder in sorted((shapes / "ShapeNetVox32").glob("*/*")):
        synset, name = folder.parts[-2:]
        pictures = sorted((shapes / "ShapeNetRendering" / synset / name / "rendering").glob("*.png"))
        assert len(pictures) == VIEWS
        found = reconstructor.reconstruct([read_rgba(path) for path in pictures]) >= reconstructor.facts.threshold
        truth = read_binvox(folder / "model.binvox").occupancy
        scores.append((found & truth).sum() / (found | truth).sum())
    assert len(scores) == 13
    card = (pretrained_path("procedural") / "README.md").read_text(encoding="utf-8")
    promised = float(re.search(r"\| this model \| \S+ \| \S+ \| (\S+) ", card).group(1))
    assert 0.4 < promised < 0.6 and abs(np.mean(scores) - promised) < 0.12


def test_reconstruct_knows_it_by_name(shapes, tmp_path, capsys, monkeypatch):
    picture, = (shapes / "ShapeNetRendering" / "02958343").glob("*/rendering/00.png")
    flags = [str(picture), "--out", str(tmp_path / "out")]
    assert reconstruct.main(["procedural", *flags, "--formats", "glb,binvox"]) == 0
    assert "solid voxels" in capsys.readouterr().out
    assert (tmp_path / "out" / "model.glb").read_bytes()[:4] == b"glTF"
    assert reconstruct.main(["procedurel", *flags]) == 2
    assert "procedural" in capsys.readouterr().err
    monkeypatch.chdir(tmp_path)  # a folder of that name is what is meant where there is one
    (tmp_path / "procedural").mkdir()
    assert reconstruct.main(["procedural", *flags]) == 2
