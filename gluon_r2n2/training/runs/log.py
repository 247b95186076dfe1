"""What happens in a run -> log.jsonl, a line of JSON for each event, and from there to TensorBoard."""
from __future__ import annotations

import collections
import json
import logging
import os
from pathlib import Path
from types import MappingProxyType
from typing import Any, Deque, Dict, List, Mapping, Optional

from gluon_r2n2 import files
from gluon_r2n2.training.runs.tensorboard import TensorBoard

LOG = "log.jsonl"
WAITING = 10000  # lines kept in memory, at most, while they cannot be written
NOTHING: Mapping[str, Any] = MappingProxyType({})

logger = logging.getLogger(__name__)


class RunLog:
    """Appends JSON lines to the log of a run; nothing that a disk does to it ends a training.

    Args:
        run: the folder of the run.
        board: gets every event too; None: nothing is written for TensorBoard.
        provenance: JSON values for the first line of every start, see `gluon_r2n2.training.runs.provenance`.
    """

    def __init__(self, run: Path, *, board: Optional[TensorBoard] = None, provenance: Mapping[str, Any] = NOTHING):
        self._path = Path(run) / LOG
        self._board, self._provenance = board, dict(provenance)
        self._waiting: Deque[bytes] = collections.deque(maxlen=WAITING)  # lines not on disk yet
        self._whole = False  # whether the file is known to end with a line's end
        self._warned = False

    def start(self, step: int, checkpoint: Optional[str]) -> None:
        """Say that training begins, or goes on after *step* from the checkpoint of that name."""
        if checkpoint is None:
            self.write("start", step, **self._provenance)
        else:
            self.write("resume", step, checkpoint=checkpoint, **self._provenance)

    def write(self, event: str, step: int, **values) -> None:
        """Append one line, `{"event": event, "step": step, ...}`.

        Where it cannot be written (disk full, read-only) a warning says so, once; the line waits for the next one.
        """
        self._waiting.append((json.dumps({"event": event, "step": step, **values}) + "\n").encode())
        try:
            self._append()
        except OSError as error:
            if not self._warned:
                logger.warning("%s cannot be written (%s); training goes on, and up to %d lines are kept to be written "
                               "later", self._path, error.strerror or error, WAITING)
            self._warned = True
        else:
            if self._warned:
                logger.warning("%s can be written again", self._path)
            self._warned = False
        if self._board is not None:
            self._board.write(event, step, values)

    def examples(self, step: int, score) -> None:
        """Hand the examples of a `gluon_r2n2.training.validation.Score` on to TensorBoard."""
        if self._board is not None:
            self._board.examples(step, score)

    def _append(self) -> None:
        if not self._whole and _is_torn(self._path):  # half a line, of a process that was killed while writing it
            files.append(self._path, b"\n")
        self._whole = True
        files.append(self._path, b"".join(self._waiting))
        self._waiting.clear()


class NoLog(RunLog):
    """Takes every event and writes none: of the workers of one training only the first keeps the log."""

    def __init__(self):
        super().__init__(Path())

    def write(self, event: str, step: int, **values) -> None:
        pass


def read_log(run: Path) -> List[Dict[str, Any]]:
    """The events of a run in the order of the file; lines that were cut off when a process died are left out.

    Raises:
        OSError: there is no log.
    """
    events = []
    for line in (Path(run) / LOG).read_bytes().splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            continue
    return events


def _is_torn(path: Path) -> bool:
    """Whether a file exists and does not end with a line's end."""
    if not path.exists() or not path.stat().st_size:
        return False
    with open(path, "rb") as handle:
        handle.seek(-1, os.SEEK_END)
        return handle.read(1) != b"\n"
