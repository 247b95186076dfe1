"""tools/eval.py: what can be measured - a network, or predictions that are stored - as one thing with `measure`."""
from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, Iterator, List, Optional, Sequence, Tuple

import mxnet as mx
import numpy as np
from tqdm import tqdm

from gluon_r2n2 import evaluation, training
from gluon_r2n2.deployment import (
    Engine,
    exported_network,
    is_artefact,
    list_pretrained,
    load,
    open_model,
    pretrained_path,
)
from gluon_r2n2.deployment.artefact import PARAMETERS
from gluon_r2n2.errors import ModelError
from gluon_r2n2.files import sha256
from gluon_r2n2_tools import _one_thread
from gluon_r2n2_tools.shape_files import read_shape
from recordio.errors import DataError
from recordio.loading import TEST, Loader, RecordDataset
from recordio.records import read_manifest

NAMED = 3  # objects in a message
STORED = (".npz", ".binvox")
FRAME = 137  # pixels: the size that TEST's crop is given for


class Network:
    """A trained network on its devices.

    Args:
        name: folder of a run, a checkpoint or an exported model, or the name of a model that comes along.
        gpus: their numbers; None: the CPU.
        engine: None or 'mxnet' runs the network as training does; others run it as a `Reconstructor` does.
        precision: that the engine computes in.

    Raises:
        ModelError: none of these, or damaged; no such GPU or engine.
    """

    def __init__(self, name: str, gpus: Optional[str], *, engine: Optional[str] = None, precision: str = "float32"):
        self.devices = training.contexts(gpus)
        if gpus is None:
            self.devices = [mx.cpu(number) for number in range(_one_thread.devices())]
        path = Path(name)
        if not path.exists() and name in list_pretrained():
            path = pretrained_path(name)
        if is_artefact(path):
            self._load_exported(path)
        elif not path.is_dir():
            raise ModelError(f"{name}: is no folder; give the folder of a run, of a checkpoint or of an exported "
                             f"model, or the name of a model that comes along: {', '.join(list_pretrained())}")
        else:
            self._load_run(path)
        self.resolution = self._net.config.resolution
        self._engine: Optional[Engine] = None
        if engine not in (None, "mxnet") or precision != "float32":
            self._engine = open_model(path, engine=engine, precision=precision, ctx=self.devices[0])[1]
            self.facts.update(engine=self._engine.name, precision=precision)
            self.label += f", run by {self._engine.name} in {precision}"

    def _load_run(self, path: Path) -> None:
        self._net, info = training.load_view_network(path, self.devices)
        # the rim of the object as in training
        self._augmentation = dataclasses.replace(TEST, blend=info["image"]["augmentation"]["blend"])
        self._size = info["image"]["size"]
        self.facts, self.label = run_facts(info), run_label(info)

    def _load_exported(self, path: Path) -> None:
        artefact = load(path)[0]
        rules = artefact.preprocessing
        self._net = exported_network(path, artefact, self.devices)
        self._net.hybridize(static_alloc=True)
        self._augmentation = dataclasses.replace(TEST, crop=round(FRAME * rules.crop / rules.frame),
                                                 background=(rules.background,) * 2)
        self._size = rules.input_size
        self.facts = {"checkpoint": str(path), "step": artefact.provenance.get("step"), "averaged": None,
                      "config": artefact.model, "weights_sha256": sha256(path / PARAMETERS),
                      "trained_on": artefact.provenance.get("data", {}).get("fingerprint")}
        self.label = f"{path} (exported)"

    @property
    def where(self) -> str:
        """The devices in words."""
        return training.describe(self.devices[:1] if self.devices[0].device_type == "cpu" else self.devices)

    def measure(self, data: RecordDataset, options, views: Sequence[int], thresholds: Sequence[float],
                watch: evaluation.Watch = lambda batch, occupied: None, what: Optional[str] = None
                ) -> evaluation.Evaluation:
        """Evaluate every sample of *data*, each exactly once."""
        batch_size = options.batch_size
        if self.devices[0].device_type == "gpu":
            batch_size = max(batch_size, evaluation.GPU_OBJECTS * len(self.devices))  # keep all of them busy
        loader = Loader(data, batch_size=batch_size, views=views[-1], seed=options.seed, by_key=True,
                        augmentation=self._augmentation, image_size=self._size, shuffle=False, drop_last=False,
                        threads=options.threads, on_bad_record=options.on_bad_record)
        batches = tqdm(loader.epoch(0), total=loader.batches_per_epoch, desc=what or data.split, unit="batch",
                       disable=None)
        if self._engine is None:
            result = evaluation.evaluate(self._net, batches, contexts=self.devices, views=views,
                                         thresholds=thresholds, watch=watch)
        else:
            pairs = ((batch, self._engine.prefixes(batch.images.astype(np.float32) / np.float32(255), views))
                     for batch in batches)
            result = evaluation.count_voxels(pairs, views=views, thresholds=thresholds, watch=watch)
        if sorted([*result.keys, *loader.bad_records]) != sorted(data.keys):
            raise RuntimeError(f"evaluated {len(result.keys)} samples and left out {len(loader.bad_records)} where the "
                               f"split holds {len(data)}")
        return result


def run_facts(info: Dict[str, Any]) -> Dict[str, Any]:
    """What a result says of a run's network, of what `training.load_network` knows of it."""
    return {"checkpoint": info["checkpoint"], "step": info["step"], "averaged": info["averaged"],
            "config": info["model"], "weights_sha256": info["weights_sha256"],
            "trained_on": info["data"]["fingerprint"]}


def run_label(info: Dict[str, Any]) -> str:
    """A run's network in words."""
    return f"{info['checkpoint']} (step {info['step']}{', averaged' * info['averaged']})"


class Predictions:
    """Stored probabilities DIR/SYNSET/MODEL.npz or .binvox, one file for every object of a split.

    Args:
        folder: DIR.
        data: the split, or its chosen classes.

    Raises:
        DataError: an object without a file, or with two; a file of no object.
    """

    resolution = None  # that of every file is checked when it is read
    facts: Optional[Dict[str, Any]] = None
    where = "no device"

    def __init__(self, folder: Path, data: RecordDataset):
        if not folder.is_dir():
            raise DataError(f"--predictions {folder}: is no folder; give one that holds SYNSET/MODEL.npz or .binvox")
        self.label, self._files = f"stored predictions in {folder}", {}
        twice: List[str] = []
        for path in sorted(path for kind in STORED for path in folder.glob(f"*/*{kind}")):
            key = f"{path.parent.name}/{path.name[:-len(path.suffix)]}"
            twice += [key] if key in self._files else []
            self._files[key] = path
        split = {key for shard in read_manifest(data.path).of(data.split) for key in shard.keys}
        faults = [(twice, "is there as .npz and as .binvox", "are there as .npz and as .binvox"),
                  ([key for key in data.keys if key not in self._files], "has no file", "have no file"),
                  ([key for key in self._files if key not in split], "is no object of the split",
                   "are no objects of the split")]
        for keys, one, several in faults:
            if keys:
                raise DataError(f"--predictions {folder}: {_some(keys)} {one if len(keys) == 1 else several}"
                                f"{self._nested(folder)}; give exactly one file SYNSET/MODEL.npz or .binvox for each "
                                f"object of split {data.split}")

    @staticmethod
    def _nested(folder: Path) -> str:
        inner = sorted(path.name for path in folder.glob("[0-9][0-9]_views"))
        return f" (its folders {', '.join(inner[:NAMED])} ... are one each to give)" if inner else ""

    def measure(self, data: RecordDataset, options, views: Sequence[int], thresholds: Sequence[float],
                watch: evaluation.Watch = lambda batch, occupied: None, what: Optional[str] = None
                ) -> evaluation.Evaluation:
        """Evaluate every object of *data*; *views* is (0,), they are not known."""
        return evaluation.count_voxels(self._pairs(data, what or data.split), views=views, thresholds=thresholds,
                                       watch=watch)

    def _pairs(self, data: RecordDataset, what: str) -> Iterator[Tuple[SimpleNamespace, List[np.ndarray]]]:
        for index, key in enumerate(tqdm(data.keys, desc=what, unit="object", disable=None)):
            truth = data.voxels(index)
            yield (SimpleNamespace(keys=[key], synsets=[data.class_ids[index]], voxels=truth[None].astype(np.uint8)),
                   [self.read(key, truth.shape)[None]])

    def read(self, key: str, shape: Tuple[int, ...]) -> np.ndarray:
        """The probabilities of an object, (V, V, V) float32.

        Raises:
            DataError: a file that cannot be read, of another *shape*, or with values that are no probabilities.
        """
        path = self._files[key]
        grid = read_shape(path).grid
        if grid.shape != shape:
            raise DataError(f"{path}: holds a grid {grid.shape}, the true voxels of {key} are {shape}; give "
                            "probabilities of that shape, or data of that voxel size")
        return grid


def _some(keys: Sequence[str]) -> str:
    return ", ".join(keys[:NAMED]) + (f" and {len(keys) - NAMED} more" if len(keys) > NAMED else "")
