"""The measurements of updates -> what is wrong with them, the user's progress display, and lines of the log."""
from __future__ import annotations

import math
import time
from typing import Any, Callable, Dict, List, Optional

import numpy as np

from gluon_r2n2.training.config import TrainingConfig
from gluon_r2n2.training.runs import RunLog, position
from gluon_r2n2.training.schedule import learning_rate
from gluon_r2n2.training.update import Measurement


class Monitor:
    """Follows the updates of one run.

    Args:
        config: all numbers.
        log: gets a line, with means since the line before, every config.log_every steps.
        batches_per_epoch: of the training data.
        progress: called with the numbers (step, loss, iou, samples_per_second) of every update.
    """

    def __init__(self, config: TrainingConfig, log: RunLog, *, batches_per_epoch: int,
                 progress: Callable[[Dict[str, float]], None]):
        self._config, self._log, self._progress = config, log, progress
        self._batches_per_epoch = batches_per_epoch
        self._mark: Optional[float] = None  # when the measurements before these were read, seconds
        self.window: List[Any] = []  # (loss, iou, norm, clipped) of the steps since the last line; in checkpoints
        self._times: List[Any] = []  # (data wait, seconds) of those of them that this process has made

    def start(self) -> None:
        """Before every update: the clock runs from here unless it does already."""
        if self._mark is None:
            self._mark = time.monotonic()

    def pause(self) -> None:
        """What follows, up to the next update, is no training time."""
        self._mark = None

    def read(self, measurement: Measurement, waited: float) -> Optional[str]:
        """Wait for an update; take its numbers down.

        Args:
            waited: seconds that its batch was waited for.

        Returns:
            what is wrong with it, naming the step and the batch; None where nothing is.
        """
        config, step = self._config, measurement.update
        loss, iou, norm = measurement.read()
        batch = f"the batch held {', '.join(measurement.keys)}"
        if not math.isfinite(loss):
            return f"the loss at step {step} is {loss:.4g}, not finite; {batch}"
        if config.loss_limit is not None and loss > config.loss_limit:
            return f"the loss at step {step} is {loss:.4g}, above the limit of {config.loss_limit}; {batch}"
        if measurement.overflow is not None:
            self._log.write("skipped", step, loss_scale=measurement.overflow)
            norm = 0.0  # of what was used
        if not math.isfinite(norm):  # the loss was sound, but the parameters no longer are
            return f"the gradient at step {step} is not finite; {batch}"
        now = time.monotonic()
        seconds, self._mark = now - self._mark, now
        self.window.append((loss, iou, norm, 0 < config.clip < norm))
        self._times.append((waited, seconds))
        self._progress({"step": step, "loss": loss, "iou": iou, "samples_per_second": config.batch_size / seconds})
        if step % config.log_every == 0 or step >= config.steps:
            self._write(step)
        return None

    def _write(self, step: int) -> None:
        loss, iou, norm, clipped = np.mean(self.window, axis=0).tolist()
        waited, seconds = np.mean(self._times, axis=0).tolist()
        self.window, self._times = [], []
        self._log.write("step", step, **position(step, self._batches_per_epoch), loss=loss, iou=iou,
                        gradient_norm=norm, clipped=clipped, learning_rate=learning_rate(self._config, step),
                        data_wait=waited, samples_per_second=self._config.batch_size / seconds)
