"""The two sides of `benchmarks/speed.py`, one process each: this project's networks, and plain PyTorch's.

Each loads the same weights and batch from a folder, then answers 'run' with seconds, 'outputs' with arrays by name
and 'peak' with bytes, until it gets None.
"""
from __future__ import annotations

import statistics
import sys
import time
import types
from pathlib import Path
from typing import Dict, NamedTuple, Optional

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

MODES = ("forward", "gradient", "step")
ADAM = {"learning_rate": 1e-4, "weight_decay": 5e-5}


class Case(NamedTuple):
    model: str
    mode: str  # of MODES: inference; forward and backward pass; the whole training step with Adam
    batch: int
    views: int
    side: int = 32  # voxels

    def batch_of(self, seed: int = 0):
        """Views (T, B, 3, 127, 127) and voxels (B, V, V, V), uint8."""
        random = np.random.default_rng(seed)
        images = random.integers(0, 256, (self.views, self.batch, 3, 127, 127), np.uint8)
        return images, (random.random((self.batch,) + 3 * (self.side,)) < 0.1).astype(np.uint8)


class Gluon:
    """This project, as its tools run it."""

    def __init__(self, case: Case, weights: Optional[Path] = None, *, gpu=None, recompute: bool = False):
        import gluon_r2n2  # (before mxnet: it sets the number of threads)

        # isort: split
        import mxnet as mx

        from gluon_r2n2.evaluation import to_unit
        from gluon_r2n2.memory import Peak
        from gluon_r2n2.training import TrainingConfig, keep_freed_memory
        from gluon_r2n2.training.update import Updater

        self._mx, self._case, device = mx, case, mx.cpu() if gpu is None else mx.gpu(gpu)
        if case.mode != "forward":
            keep_freed_memory()  # as tools/train.py does
        self._peak = Peak([device])
        self.net = gluon_r2n2.get_model(case.model, resolution=case.side)
        if weights is None:
            gluon_r2n2.initialise(self.net, ctx=device)
        else:
            self.net.load_parameters(str(weights), ctx=device)
        self._loss = gluon_r2n2.VoxelLoss()
        images, voxels = case.batch_of()
        if case.mode == "step":
            config = TrainingConfig.from_recipe("original", batch_size=case.batch, views=(case.views, case.views),
                                                recompute=recompute, **ADAM)
            self._updater = Updater(self.net, config, [device])
            self._batch = types.SimpleNamespace(images=images, voxels=voxels, keys=[""] * case.batch)
            self._number = 0
        else:
            self.net.hybridize(static_alloc=True)
            self._loss.hybridize(static_alloc=True)
            self.images = to_unit(mx.nd.array(images, ctx=device, dtype=np.uint8))
            self._voxels = mx.nd.array(voxels, ctx=device, dtype=np.float32)

    def run(self) -> None:
        {"forward": self._forward, "gradient": self._backward, "step": self._step}[self._case.mode]()
        self._mx.nd.waitall()

    def _forward(self) -> None:
        self._logits = self.net(self.images)

    def _backward(self) -> None:
        with self._mx.autograd.record():
            self._value = self._loss(self.net(self.images), self._voxels)
        self._value.backward()

    def _step(self) -> None:
        self._number += 1
        self._updater.update(self._batch, self._number).read()

    def outputs(self) -> Dict[str, np.ndarray]:
        if self._case.mode == "forward":
            return {"logits": self._logits.asnumpy()}
        gradients = {name: array / self._case.batch for name, array in self._gradients().items()}  # of the mean loss
        return {"loss": self._value.asnumpy().mean(), **gradients}

    def _gradients(self) -> Dict[str, np.ndarray]:
        from gluon_r2n2.conversion import to_port
        from gluon_r2n2.training.arrays import named_parameters

        ours = {name: parameter.grad().asnumpy() for name, parameter in named_parameters(self.net).items()}
        return to_port(ours, self.net.config)

    def peak(self) -> int:
        return self._peak.read()

    def loss_seconds(self, runs: int = 20) -> float:
        """Of the loss operator alone, forward and backward."""
        mx, case = self._mx, self._case
        device = next(iter(self.net.collect_params().values())).list_ctx()[0]
        logits = mx.nd.random.normal(shape=(case.batch, 2) + 3 * (case.side,), ctx=device)
        voxels = mx.nd.array(case.batch_of()[1], ctx=device, dtype=np.float32)
        logits.attach_grad()
        times = []
        for _ in range(runs):
            mx.nd.waitall()
            start = time.perf_counter()
            with mx.autograd.record():
                value = self._loss(logits, voxels)
            value.backward()
            mx.nd.waitall()
            times.append(time.perf_counter() - start)
        return float(np.median(times))


def measure(case: Case, runs: int) -> dict:
    """Median seconds of our network, and peak bytes beyond what the process had before the network."""
    subject, times = Gluon(case), []
    for _ in range(runs + 2):
        start = time.perf_counter()
        subject.run()
        times.append(time.perf_counter() - start)
    return {**case._asdict(), "seconds": statistics.median(times[2:]), "peak": subject.peak()}


class First(Gluon):
    """Res3D-GRU-3 as one first writes it down (`benchmarks/first_network.py`), with Gluon's own loss and trainer."""

    def __init__(self, case: Case, weights: Path, *, gpu=None):
        import gluon_r2n2  # noqa: F401  (before mxnet: it sets the number of threads)

        # isort: split
        import mxnet as mx
        from first_network import FirstNetwork

        from gluon_r2n2.memory import Peak

        self._mx, self._case, device = mx, case, mx.cpu() if gpu is None else mx.gpu(gpu)
        self._peak = Peak([device])
        with np.load(weights.with_suffix(".npz")) as arrays:
            self.net = FirstNetwork(arrays)
        self.net.collect_params().reset_ctx(device)
        self.net.hybridize(static_alloc=True)
        self._loss = mx.gluon.loss.SoftmaxCrossEntropyLoss(axis=1)
        self._trainer = mx.gluon.Trainer(self.net.collect_params(), "adam",
                                         {"learning_rate": ADAM["learning_rate"], "wd": ADAM["weight_decay"]})
        images, voxels = case.batch_of()
        self.images = mx.nd.array(images, ctx=device, dtype=np.float32) / 255
        self._voxels = mx.nd.array(voxels, ctx=device, dtype=np.float32)

    def _step(self) -> None:
        self._backward()
        self._trainer.step(self._case.batch)

    def _gradients(self) -> Dict[str, np.ndarray]:
        return self.net.gradients()


class Torch:
    """Plain PyTorch in eager mode; *together*: all views in one batch of the encoder."""

    def __init__(self, case: Case, weights: Path, *, gpu=None, together: bool = False):
        import torch
        from torch_network import Network

        self._torch, self._case = torch, case
        self._device = torch.device("cpu" if gpu is None else f"cuda:{gpu}")
        self._before = _resident("VmRSS")
        self._net = Network(case.model, together)
        with np.load(weights) as arrays:
            self._net.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
        self._net.to(self._device)
        self._optimiser = torch.optim.Adam(self._net.parameters(), lr=ADAM["learning_rate"],
                                           weight_decay=ADAM["weight_decay"])
        images, voxels = case.batch_of()
        self._raw = torch.from_numpy(images), torch.from_numpy(voxels)
        self._batch = self._inputs()

    def _inputs(self):
        images, voxels = (array.to(self._device) for array in self._raw)
        return images.float() / 255, voxels.long()

    def run(self) -> None:
        torch = self._torch
        if self._case.mode == "forward":
            with torch.inference_mode():
                self._logits = self._net(self._batch[0])
        else:
            images, voxels = self._inputs() if self._case.mode == "step" else self._batch
            self._optimiser.zero_grad(set_to_none=True)
            self._value = torch.nn.functional.cross_entropy(self._net(images), voxels)
            self._value.backward()
            if self._case.mode == "step":
                self._optimiser.step()
            self._value = self._value.item()
        if self._device.type == "cuda":
            torch.cuda.synchronize()

    def outputs(self) -> Dict[str, np.ndarray]:
        if self._case.mode == "forward":
            return {"logits": self._logits.cpu().numpy()}
        return {"loss": np.float32(self._value),
                **{name: parameter.grad.cpu().numpy() for name, parameter in self._net.named_parameters()}}

    def peak(self) -> int:
        if self._device.type == "cuda":
            return self._torch.cuda.max_memory_reserved(self._device)
        return _resident("VmHWM") - self._before


SIDES = {"gluon-r2n2": (Gluon, {}), "gluon-r2n2, recomputed": (Gluon, {"recompute": True}),
         "as first written": (First, {}),
         "PyTorch": (Torch, {}), "PyTorch, views in one batch": (Torch, {"together": True})}


def _resident(name: str) -> int:
    """Bytes of this process in memory: now (VmRSS) or at most (VmHWM); Linux only, as there is no mxnet here."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status[name].split()[0]) * 1024


def serve(side: str, case: Case, folder: Optional[str], gpu, connection) -> None:
    """One side's process; without a folder ours has initial weights."""
    kind, options = SIDES[side]
    weights = folder and Path(folder) / (f"{case.model}-{case.side}" + (".npz" if kind is Torch else ".params"))
    subject = kind(case, weights, gpu=gpu, **options)
    while True:
        wish = connection.recv()
        if wish is None:
            return
        start = time.perf_counter()
        answer = getattr(subject, wish)()
        connection.send(time.perf_counter() - start if wish == "run" else answer)
