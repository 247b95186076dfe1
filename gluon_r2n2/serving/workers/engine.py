"""The process that holds the network: batches of objects, and streams that are stepped view by view in between."""
from __future__ import annotations

import dataclasses
from typing import Any, Dict, Iterator, List, Optional, Tuple

import numpy as np

from gluon_r2n2.deployment import PreparedView, Reconstructor, doubts
from gluon_r2n2.errors import ModelError
from gluon_r2n2.serving.workers import wire
from gluon_r2n2.serving.workers.limits import be_worker

Answer = Tuple[Dict[str, Any], List[bytes]]


def main(connection, model: str, engine: Optional[str], precision: str, threads: Optional[int]) -> None:
    """Load *model*, greet with its facts, then answer the front; target of a `WorkerProcess`."""
    be_worker()
    try:
        reconstructor = Reconstructor(model, engine=engine, precision=precision, threads=threads)
        network = Network(reconstructor)
        network.warm_up()
    except (ModelError, OSError) as error:
        wire.send(connection, {"refused": {"message": str(error), "reason": "model", "status": 500}})
        return
    wire.send(connection, network.facts())
    while True:
        try:
            header, blobs = wire.receive(connection)
        except (EOFError, OSError):
            return
        wire.send(connection, *(network.batch if header["task"] == "batch" else network.step)(header, blobs))


class Network:
    """What the process does with a `Reconstructor`."""

    def __init__(self, reconstructor: Reconstructor):
        self._reconstructor = reconstructor
        self._streams: Dict[str, Iterator[np.ndarray]] = {}  # by the front's id
        self._size = reconstructor.facts.preprocessing.input_size

    def facts(self) -> Dict[str, Any]:
        """What the front must know of the model."""
        facts = self._reconstructor.facts
        return {"engine": self._reconstructor.engine, "precision": self._reconstructor.precision,
                "resolution": facts.model["resolution"], "threshold": facts.threshold, "classes": facts.classes,
                "preprocessing": dataclasses.asdict(facts.preprocessing)}

    def warm_up(self) -> None:
        """One reconstruction of two grey views, so that the first request does not pay for what is made once."""
        grey = np.full((2, self._size, self._size, 3), 240, np.uint8)
        self._reconstructor.reconstruct_many([self._views(grey)])

    def batch(self, header, blobs) -> Answer:
        """Each blob is one object's views (T, S, S, 3) uint8; the answer has a float32 and a uint8 grid for each."""
        grids = self._reconstructor.reconstruct_many([self._views(self._array(blob)) for blob in blobs])
        parts = [result(grid, threshold) for grid, threshold in zip(grids, header["thresholds"])]
        return {"results": [facts for facts, _ in parts]}, [blob for _, blobs in parts for blob in blobs]

    def step(self, header, blobs) -> Answer:
        """The next view of a stream; its views come with the first step. "forget" names streams that end early."""
        for name in header["forget"]:
            self._streams.pop(name, None)
        name = header["id"]
        if blobs:
            self._streams[name] = iter(self._reconstructor.stream(self._views(self._array(blobs[0]))))
        grid = next(self._streams[name])
        if header["last"]:
            del self._streams[name]
        facts, blobs = result(grid, header["threshold"])
        return {"results": [facts]}, blobs

    def _array(self, blob: bytes) -> np.ndarray:
        return np.frombuffer(blob, np.uint8).reshape(-1, self._size, self._size, 3)

    def _views(self, images: np.ndarray) -> List[PreparedView]:
        return [PreparedView(image=image, note="") for image in images]


def result(grid: np.ndarray, threshold: float) -> Answer:
    """A grid (V, V, V) float32 -> (what is to be said of it, [float32 bytes, uint8 bytes in 255ths])."""
    grid = np.ascontiguousarray(grid, np.float32)
    rounded = np.rint(grid * 255).astype(np.uint8)
    counts = np.arange(256) / 255 >= threshold  # which of the 256 levels are occupied, in the page's own arithmetic
    facts = {"occupied": int(counts[rounded].sum()), "warnings": list(doubts(grid, threshold))}
    return facts, [grid.tobytes(), rounded.tobytes()]
