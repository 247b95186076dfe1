"""The measurements of updates -> what is wrong with them, the user's progress display, and lines of the log."""
from __future__ import annotations

import time
from typing import Any, Callable, Dict, List, Optional, Protocol

import numpy as np

from gluon_r2n2.training.config import RunConfig
from gluon_r2n2.training.runs import RunLog, position

NUMBERS = ("loss", "iou", "gradient_norm", "clipped")  # of a recurrent network's update, in the order of the log


class Measured(Protocol):
    """What a network's updater found in one update; its arrays may still be in the making."""

    @property
    def update(self) -> int:
        """Its number, 1 being the first."""

    @property
    def keys(self) -> List[str]:
        """Of the objects of the batch that this worker had."""

    @property
    def overflow(self) -> Optional[float]:
        """The loss scale, where the gradient was beyond float16 and was not used."""

    def read(self) -> Dict[str, float]:
        """Wait for the update; its numbers by name, `loss` among them."""

    def fault(self, found: Dict[str, float]) -> Optional[str]:
        """What is wrong with what `read` gave, naming the step; None where nothing is."""


class Monitor:
    """Follows the updates of one run.

    Args:
        config: all numbers.
        log: gets a line, with means since the line before, every config.log_every steps.
        batches_per_epoch: of the training data.
        progress: called with the numbers of every update: step, what was measured, and samples_per_second since the
            line before.
        rates: the number of an update -> its learning rates, by name.
    """

    def __init__(self, config: RunConfig, log: RunLog, *, batches_per_epoch: int,
                 progress: Callable[[Dict[str, float]], None], rates: Callable[[int], Dict[str, float]]):
        self._config, self._log, self._progress, self._rates = config, log, progress, rates
        self._batches_per_epoch = batches_per_epoch
        self._mark: Optional[float] = None  # when the measurements before these were read, seconds
        self.window: List[Dict[str, float]] = []  # measured in the steps since the last line; in checkpoints
        self._times: List[Any] = []  # (data wait, seconds) of those of them that this process has made

    def start(self) -> None:
        """Before every update: the clock runs from here unless it does already."""
        if self._mark is None:
            self._mark = time.monotonic()

    def pause(self) -> None:
        """What follows, up to the next update, is no training time."""
        self._mark = None

    def resume(self, window: List[Any]) -> None:
        """Go on with the steps since the last line of a checkpoint; older ones hold numbers without names."""
        self.window = [entry if isinstance(entry, dict) else dict(zip(NUMBERS, entry)) for entry in window]

    def read(self, measurement: Measured, waited: float) -> Optional[str]:
        """Wait for an update; take its numbers down.

        Args:
            waited: seconds that its batch was waited for.

        Returns:
            what is wrong with it, naming the step and the batch; None where nothing is.
        """
        config, step = self._config, measurement.update
        found = measurement.read()
        batch = f"the batch held {', '.join(measurement.keys)}"
        fault = measurement.fault(found)
        if fault:
            return f"{fault}; {batch}"
        if measurement.overflow is not None:
            self._log.write("skipped", step, loss_scale=measurement.overflow)
        now = time.monotonic()
        seconds, self._mark = now - self._mark, now
        self.window.append(found)
        self._times.append((waited, seconds))
        # of all steps since the line: where an update is waited for, a checkpoint after it leaves its reading no time
        speed = config.batch_size / np.mean([seconds for _, seconds in self._times])
        self._progress({"step": step, **found, "samples_per_second": float(speed)})
        if step % config.log_every == 0 or step >= config.steps:
            self._write(step)
        return None

    def _write(self, step: int) -> None:
        means = {name: float(np.mean([found[name] for found in self.window])) for name in self.window[0]}
        waited, seconds = np.mean(self._times, axis=0).tolist()
        self.window, self._times = [], []
        self._log.write("step", step, **position(step, self._batches_per_epoch), **means, **self._rates(step),
                        data_wait=waited, samples_per_second=self._config.batch_size / seconds)
