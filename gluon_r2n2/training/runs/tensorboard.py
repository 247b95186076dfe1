"""The events of a run -> R/tensorboard/, curves and pictures for `tensorboard --logdir R`.

Of tensorboardX it takes the encoding of an event only. Its SummaryWriter hands events to a thread over a queue of ten:
where the disk is full that thread dies, the queue fills up and the training waits for ever. Here an event is appended
whole, or given up with a warning, at once; a kill -9 loses none.
"""
from __future__ import annotations

import contextlib
import logging
import os
import re
import socket
import struct
import time
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional

import numpy as np

from gluon_r2n2 import files

TENSORBOARD = "tensorboard"
NO_CURVE = ("batch", "samples")  # numbers of an event that say nothing about the training

logger = logging.getLogger(__name__)


class TensorBoard:
    """Writes event files of one run; a failure costs curves and pictures, never the training.

    Args:
        run: the folder of the run.
        class_names: by synset, for the curves of the classes.
        draw: a `gluon_r2n2.training.validation.Score` -> a picture (H, W, 3) uint8 RGB of its examples; None: none.
    """

    def __init__(self, run: Path, *, class_names: Mapping[str, str], draw: Optional[Callable[..., np.ndarray]] = None):
        # here, because a run without TensorBoard shall not need it
        from tensorboardX import record_writer, summary
        from tensorboardX.proto import event_pb2

        self._masked_crc32c, self._summary, self._event_pb2 = record_writer.masked_crc32c, summary, event_pb2
        self._folder = Path(run) / TENSORBOARD
        self._names, self._draw = dict(class_names), draw
        self._path: Optional[Path] = None  # of the file that events go to
        self._warned = False

    def write(self, event: str, step: int, values: Dict[str, Any]) -> None:
        """Take an event of `RunLog` down: numbers of steps and validations become curves."""
        if event in ("start", "resume"):
            # in a new file, whose first event tells TensorBoard to forget what a killed process did after this step
            self._path = None
            self._put(step + 1, {})
        elif event in ("step", "skipped"):
            self._put(step, _curves("training", values))
        elif event == "validation":
            self._put(step, self._scores(values))

    def examples(self, step: int, score) -> None:
        """Draw the examples of a validation."""
        if self._draw is None or not score.examples:
            return
        try:
            picture = self._draw(score)
        except Exception:  # whatever is wrong with a picture, a week of training is worth more
            logger.warning("no more pictures are drawn for TensorBoard: step %d failed", step, exc_info=True)
            self._draw = None
            return
        self._put(step, {"validation/objects": picture})

    def _scores(self, values: Dict[str, Any]) -> Dict[str, float]:
        curves = _curves("validation", values)
        curves.update({f"validation/iou_{count}_view{'s' if int(count) > 1 else ''}": iou
                       for count, iou in values.get("iou", {}).items()})
        # the synset keeps classes of one name apart; a tag holds letters, digits and . _ - only
        curves.update({re.sub(r"[^-/\w.]", "_", f"iou_by_class/{self._names.get(synset, 'class')}_{synset}"): iou
                       for synset, iou in values.get("by_class", {}).items()})
        return curves

    def _put(self, step: int, content: Dict[str, Any]) -> None:
        """Write numbers and pictures, by tag, as one event; without any: make sure that there is a file."""
        event = self._event_pb2.Event(wall_time=time.time(), step=step)
        for tag, value in content.items():
            made = (self._summary.scalar(tag, value) if _is_number(value) else
                    self._summary.image(tag, value, dataformats="HWC"))
            event.summary.value.extend(made.value)
        try:
            if self._path is None or not self._path.exists():  # somebody may clear the folder of a running training
                self._path = self._open(step)
            if content:
                files.append(self._path, self._record(event))
        except OSError as error:
            if not self._warned:
                logger.warning("%s cannot be written (%s); training goes on without these curves", self._folder,
                               error.strerror or error)
            self._warned = True

    def _open(self, step: int) -> Path:
        """Begin a file; return its path."""
        self._folder.mkdir(parents=True, exist_ok=True)
        # TensorBoard reads a folder's files in the order of their names; starts of one second are told apart by step
        path = self._folder / f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{step:08d}.{os.getpid()}"
        start = self._event_pb2.SessionLog(status=self._event_pb2.SessionLog.START)
        first = (self._event_pb2.Event(wall_time=time.time(), file_version="brain.Event:2"),
                 self._event_pb2.Event(wall_time=time.time(), step=step, session_log=start))
        try:
            files.append(path, b"".join(map(self._record, first)))
        except OSError:
            with contextlib.suppress(OSError):  # else every attempt leaves an empty file
                path.unlink()
            raise
        return path

    def _record(self, event) -> bytes:
        """An event as it lies in a file, little-endian: length, its CRC, content, its CRC."""
        content = event.SerializeToString()
        length = struct.pack("<Q", len(content))
        return (length + struct.pack("<I", self._masked_crc32c(length))
                + content + struct.pack("<I", self._masked_crc32c(content)))


def _curves(group: str, values: Mapping[str, Any]) -> Dict[str, float]:
    """The numbers among *values*, by tag."""
    return {f"{group}/{name}": value for name, value in values.items() if _is_number(value) and name not in NO_CURVE}


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
