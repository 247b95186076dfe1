"""Loading when something goes wrong: bad records, failing threads, Ctrl-C, leaks; workers that share an epoch."""
from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from recordio.errors import DataError
from recordio.geometry import Camera
from recordio.layouts import VoxelGrid, write_sample, write_split
from recordio.loading import TEST, Loader, RecordDataset
from recordio.records import PackOptions, make_plan, pack

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = 23  # no multiple of any batch size below


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    """One class with 23 training models, 3 views of 20 x 20; shards of 5."""
    root, random = tmp_path_factory.mktemp("tiny"), np.random.RandomState(3)
    models = [f"m{number:02d}" for number in range(SAMPLES)]
    for model in models:
        write_sample(root, "03001627", model, random.randint(0, 256, (3, 20, 20, 4)).astype(np.uint8),
                     [Camera(0, 30, 0.8)] * 3, VoxelGrid(random.rand(4, 4, 4) < 0.5))
    write_split(root / "ShapeNet.json", [{"taxonomy_id": "03001627", "taxonomy_name": "chair", "train": models,
                                          "val": [], "test": []}])
    out = tmp_path_factory.mktemp("packed") / "data"
    pack(make_plan(root, PackOptions(shard_size=5)), out)
    return out


@pytest.fixture
def dataset(packed):
    with RecordDataset(packed) as dataset:
        yield dataset


def damaged(packed, tmp_path, numbers) -> Path:
    """A copy of the data set in which one byte of each of the samples *numbers* is another."""
    for file in packed.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    for number in numbers:
        shard, record = divmod(number, 5)
        path = tmp_path / f"train-{shard:05d}.rec"
        start = int((tmp_path / f"train-{shard:05d}.idx").read_text().splitlines()[record].split("\t")[1])
        content = bytearray(path.read_bytes())
        content[start + 300] ^= 1
        path.write_bytes(content)
    return tmp_path


def loader_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("loader")]


def same(first, second):
    return (first.keys == second.keys and first.synsets == second.synsets and (first.views == second.views).all()
            and (first.images == second.images).all() and (first.voxels == second.voxels).all())


# --- workers that share an epoch

@pytest.mark.parametrize("world", [1, 2, 3])
def test_workers_share_every_batch(dataset, world):
    """Together they serve what one process serves, sample by sample, and all draw the same number of views."""
    options = dict(views=(1, 3), seed=4, image_size=8)
    whole = list(Loader(dataset, batch_size=2 * world, **options).epoch(1))
    parts = [list(Loader(dataset, batch_size=2, part=(rank, world), **options).epoch(1)) for rank in range(world)]
    assert {len(part) for part in parts} == {len(whole)} == {SAMPLES // (2 * world)}
    for batch, *shares in zip(whole, *parts):
        assert batch.keys == sum((share.keys for share in shares), [])
        assert (batch.images == np.concatenate([share.images for share in shares], axis=1)).all()
        assert (batch.voxels == np.concatenate([share.voxels for share in shares])).all()
    resumed = Loader(dataset, batch_size=2, part=(world - 1, world), **options).epoch(1, start_batch=2)
    assert all(same(a, b) for a, b in zip(parts[-1][2:], resumed))


@pytest.mark.parametrize("world", [1, 2, 3, 5, 40])
@pytest.mark.parametrize("size", [1, 4])
def test_workers_evaluate_every_sample_once(dataset, world, size):
    keys = []
    for rank in range(world):
        loader = Loader(dataset, batch_size=size, views=2, augmentation=TEST, shuffle=False, drop_last=False,
                        image_size=8, part=(rank, world))
        batches = list(loader.epoch(0))
        assert len(batches) == loader.batches_per_epoch
        keys += sum((batch.keys for batch in batches), [])
    assert sorted(keys) == dataset.keys


@pytest.mark.parametrize("part", [(0, 0), (1, 1), (-1, 2), (2, 2)])
def test_bad_parts(dataset, part):
    with pytest.raises(DataError, match="part should be"):
        Loader(dataset, batch_size=1, views=1, part=part)


# --- bad records

@pytest.mark.parametrize("threads", [0, 1, 2, 8])
def test_bad_samples_are_replaced_in_training(packed, tmp_path, caplog, threads):
    """The places of the sound samples stay as they are; the others are filled, the same for any threads."""
    folder = damaged(packed, tmp_path, (3, 17))
    options = dict(batch_size=23, views=2, seed=1, image_size=8, threads=threads)
    with RecordDataset(packed) as dataset:
        sound = next(Loader(dataset, **options).epoch(2))
    with RecordDataset(folder) as dataset, caplog.at_level(logging.WARNING):
        loader = Loader(dataset, on_bad_record="skip", **options)
        (batch,) = loader.epoch(2)
        first = next(Loader(dataset, on_bad_record="skip", **{**options, "threads": 0}).epoch(2))
    bad = {"03001627/m03", "03001627/m17"}
    assert same(batch, first) and not bad & set(batch.keys) and set(loader.bad_records) == bad
    for place, key in enumerate(sound.keys):
        if key not in bad:
            assert batch.keys[place] == key and (batch.images[:, place] == sound.images[:, place]).all()
        else:  # the other sample just as it is drawn for itself
            origin = sound.keys.index(batch.keys[place])
            assert (batch.images[:, place] == sound.images[:, origin]).all()
            assert (batch.voxels[place] == sound.voxels[origin]).all()
    report = caplog.messages[0]
    assert "epoch 2: 2 of 23 samples of split 'train' are bad and were replaced by others: " in report
    assert "train-00000.rec, record 3 (03001627/m03): " in report and "record 2 (03001627/m17)" in report


@pytest.mark.parametrize("threads", [0, 2])
def test_bad_samples_are_left_out_of_an_evaluation(packed, tmp_path, caplog, threads):
    """Batches of 1: a batch of nothing else than a bad sample does not come at all."""
    with RecordDataset(damaged(packed, tmp_path, (0, 22))) as dataset:
        for size in (1, 4):
            loader = Loader(dataset, batch_size=size, views=2, augmentation=TEST, shuffle=False, drop_last=False,
                            image_size=8, threads=threads, on_bad_record="skip")
            batches = list(loader.epoch(0))
            assert sum((batch.keys for batch in batches), []) == dataset.keys[1:22]
            assert all(batch.images.shape[1] == len(batch.voxels) == len(batch.views) == len(batch.keys)
                       for batch in batches)
            assert list(loader.bad_records) == ["03001627/m00", "03001627/m22"]
        assert len(dataset.without(loader.bad_records)) == 21
    assert "2 of 23 samples of split 'train' are bad and were left out" in caplog.messages[0]


@pytest.mark.parametrize("drop_last", [True, False])
@pytest.mark.parametrize("numbers", [(1, 2, 3), tuple(range(SAMPLES))])
def test_many_bad_samples_are_an_error(packed, tmp_path, numbers, drop_last):
    with RecordDataset(damaged(packed, tmp_path, numbers)) as dataset:
        loader = Loader(dataset, batch_size=4, views=2, image_size=8, on_bad_record="skip", drop_last=drop_last)
        with pytest.raises(DataError, match="samples of split 'train' are bad, more than|no sound sample"):
            list(loader.epoch(0))
    assert not loader_threads()


def test_an_unfinished_epoch_reports_too(packed, tmp_path, caplog):
    with RecordDataset(damaged(packed, tmp_path, (0,))) as dataset:
        batches = Loader(dataset, batch_size=4, views=1, image_size=8, shuffle=False, on_bad_record="skip").epoch(0)
        next(batches)
        batches.close()
    assert "1 of 23 samples" in caplog.messages[0]


def test_bad_policies(dataset):
    with pytest.raises(DataError, match=r"error, skip, got 'skpi' \(did you mean 'skip'\?\)"):
        Loader(dataset, batch_size=1, views=1, on_bad_record="skpi")


# --- failures other than bad records

class Failing:
    """A data set whose sample 9 raises *error*."""

    def __init__(self, dataset, error):
        self._dataset, self._error = dataset, error

    def __getattr__(self, name):
        return getattr(self._dataset, name)

    def __len__(self):
        return len(self._dataset)

    def record(self, index):
        if index == 9:
            raise self._error
        return self._dataset.record(index)


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize("policy", ["error", "skip"])  # only bad records are skipped
@pytest.mark.parametrize("error, kind", [
    (TypeError("of ours"), TypeError), (MemoryError("of ours"), MemoryError), (KeyError("of ours"), KeyError),
    (OSError(5, "of ours"), OSError), (UnicodeDecodeError("utf-8", b"x", 0, 1, "of ours"), RuntimeError)])
def test_exceptions_reach_the_caller(dataset, threads, policy, error, kind):
    loader = Loader(Failing(dataset, error), batch_size=4, views=1, image_size=8, shuffle=False, threads=threads,
                    on_bad_record=policy)
    batches, start = loader.epoch(0), time.monotonic()
    with pytest.raises(kind) as caught:
        list(batches)
    assert time.monotonic() - start < 30  # not a hang; the second that users may expect is not for a busy machine
    message = str(caught.value)
    assert "train-00001.rec, record 4 (03001627/m09)" in message and "of ours" in message
    assert caught.value.__cause__ is error
    assert not loader_threads()


CHILD = """
import sys
from recordio.loading import Loader, RecordDataset
loader = Loader(RecordDataset(sys.argv[1]), batch_size=4, views=(1, 3), image_size=64)
kept = []
for epoch in range(10 ** 9):
    batches = loader.epoch(epoch)
    kept[:] = [batches]  # a reference that outlives the interrupted loop
    for batch in batches:
        if epoch == 3:
            print("running", flush=True)
"""


def test_ctrl_c_ends_the_process(packed):
    with subprocess.Popen([sys.executable, "-c", CHILD, str(packed)], cwd=ROOT, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout.readline() == "running\n"
            time.sleep(0.2)
            start = time.monotonic()
            child.send_signal(signal.SIGINT)
            _, errors = child.communicate(timeout=20)
        finally:
            child.kill()
    assert child.returncode == -signal.SIGINT and "KeyboardInterrupt" in errors
    assert errors.count("Traceback") == 1 and time.monotonic() - start < 10


@pytest.mark.slow
def test_a_thousand_epochs_leak_nothing(packed):
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("no /proc here")

    def held():
        gc.collect()
        return threading.active_count(), len(os.listdir("/proc/self/fd")), sorted(os.listdir("/dev/shm"))

    with RecordDataset(packed) as dataset:
        loader = Loader(dataset, batch_size=12, views=1, image_size=8)
        list(loader.epoch(0))
        before = held()
        for epoch in range(1000):
            for _ in loader.epoch(epoch):
                pass
        assert held() == before


@pytest.mark.parametrize("how", ["close", "forget", "cycle"])
def test_an_abandoned_epoch_stops_its_threads(dataset, how):
    batches = Loader(dataset, batch_size=2, views=1, image_size=8, threads=3).epoch(0)
    next(batches)
    assert loader_threads()
    with contextlib.suppress(StopIteration):
        if how == "close":
            batches.close()
        elif how == "cycle":
            cycle = [batches]
            cycle.append(cycle)
            del cycle
    del batches
    gc.collect()
    assert not loader_threads()
