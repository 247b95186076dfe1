"""The data flags of the training and evaluation tools: bad records, background pictures; the wait for data."""
from __future__ import annotations

import json
import logging
import shutil

import numpy as np
import pytest
from tiny_data import SIZE, make_data

from gluon_r2n2_tools import eval as evaluation_tool
from gluon_r2n2_tools import train
from recordio.layouts.images import encode_png

SMALL = ["--width", "0.0625", "--image-size", str(SIZE), "--batch-size", "4", "--views", "1-2", "--threads", "1",
         "--log-every", "2"]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return make_data(tmp_path_factory.mktemp("data"))  # 24 to train on, 6 to validate on, 10 to test on


def pictures(folder, seed):
    folder.mkdir()
    for number in range(2):
        noise = np.random.RandomState(seed + number).randint(0, 256, (50, 60, 3)).astype(np.uint8)
        (folder / f"{number}.png").write_bytes(encode_png(noise))
    return folder


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """Five steps with background pictures."""
    folder = tmp_path_factory.mktemp("run")
    arguments = ["--backgrounds", str(pictures(folder / "pictures", 1)), "--steps", "5", "--validate-every", "0"]
    assert train.main(["--data", str(data), "--run", str(folder / "run"), *SMALL, *arguments]) == 0
    return folder / "run"


def damage(data, folder, split):
    """A copy of the data set in which a byte of the first sample of *split* is another."""
    shutil.copytree(data, folder)
    path = folder / f"{split}-00000.rec"
    content = bytearray(path.read_bytes())
    content[400] ^= 1
    path.write_bytes(content)
    return folder


def test_the_wait_for_data_is_logged(run):
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    waits = [line["data_wait"] for line in lines if line["event"] == "step"]
    assert len(waits) == 3 and all(0 < wait < 60 for wait in waits)  # steps 2, 4, 5


def test_the_run_remembers_its_background_pictures(run, data, tmp_path, capsys):
    """Another folder is refused, none is refused, and the same pictures elsewhere are not."""
    image = json.loads((run / "config.json").read_text())["image"]
    assert image["backgrounds"]["share"] == 0.5 and len(image["backgrounds"]["fingerprint"]) == 64
    resume = ["--data", str(data), "--run", str(run), "--threads", "1", "--steps", "6", "--resume"]
    assert train.main(resume) == 2
    assert "give their folder again with --backgrounds" in capsys.readouterr().err
    assert train.main([*resume, "--backgrounds", str(pictures(tmp_path / "others", 7))]) == 2
    assert "cannot be resumed with other options: image backgrounds was" in capsys.readouterr().err
    shutil.copytree(run.parent / "pictures", tmp_path / "moved")
    assert train.main([*resume, "--backgrounds", str(tmp_path / "moved")]) == 0


def test_bad_background_folders_are_one_sentence(data, tmp_path, capsys):
    new = ["--data", str(data), "--run", str(tmp_path / "run"), *SMALL, "--steps", "1"]
    (tmp_path / "empty").mkdir()
    for more, words in ((["--backgrounds", str(tmp_path / "empty")], "no background picture is there"),
                        (["--backgrounds", str(pictures(tmp_path / "p", 1)), "--recipe", "original"],
                         "lays colours behind objects and nothing else")):
        assert train.main([*new, *more]) == 2
        error = capsys.readouterr().err
        assert words in error and error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_training_on_with_a_bad_record(data, tmp_path, capsys, caplog):
    folder = damage(data, tmp_path / "data", "train")
    new = ["--data", str(folder), *SMALL, "--steps", "6", "--validate-every", "0"]  # 6 steps: one epoch
    assert train.main([*new, "--run", str(tmp_path / "error")]) == 2
    assert "(02828884/train0): the checksum does not match" in capsys.readouterr().err
    with caplog.at_level(logging.WARNING):
        assert train.main([*new, "--run", str(tmp_path / "skip"), "--on-bad-record", "skip"]) == 0
    assert [message for message in caplog.messages if "epoch 0: 1 of 24 samples of split 'train' are bad" in message]


def test_evaluating_with_bad_records(run, data, tmp_path, capsys, caplog):
    """Left out of the measurement, of the threshold's choice and of the baselines, and named."""
    folder = damage(damage(data, tmp_path / "one", "test"), tmp_path / "two", "train")
    command = ["--checkpoint", str(run), "--data", str(folder), "--views", "1", "--baselines", "--json",
               str(tmp_path / "out.json")]
    assert evaluation_tool.main(command) == 2
    assert "(02828884/train0): the checksum does not match" in capsys.readouterr().err
    with caplog.at_level(logging.WARNING):
        assert evaluation_tool.main([*command, "--on-bad-record", "skip"]) == 0
    content = json.loads((tmp_path / "out.json").read_text())
    assert content["data"]["samples"] == 9 and content["data"]["left_out"] == ["02828884/test0"]
    assert content["classes"]["02828884"]["samples"] == 4 and len(content["objects"]) == 9
    assert "1 of 10 samples of split 'test' are bad and were left out" in caplog.text
    assert "1 of 24 samples of split 'train' are bad and were left out" in caplog.text
