"""Stage 8, training: batches -> updates, validation, checkpoints; exact to the bit when interrupted and resumed.

The order of the data, its augmentation and the random numbers of a step are functions of the seed and the step, and
everything else is in a checkpoint, so that k steps, an interruption at any time and N - k steps give the same
parameters as N steps.
"""
from __future__ import annotations

import contextlib
import logging
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

import mxnet as mx
import numpy as np

from gluon_r2n2 import files
from gluon_r2n2.errors import ModelError
from gluon_r2n2.metrics import DEFAULT_THRESHOLD
from gluon_r2n2.training.arrays import named_parameters, set_parameters
from gluon_r2n2.training.config import TrainingConfig
from gluon_r2n2.training.interrupt import StopRequest
from gluon_r2n2.training.monitor import Monitor
from gluon_r2n2.training.optimiser import get_state, set_state
from gluon_r2n2.training.runs import RunLog, position
from gluon_r2n2.training.runs import checkpoint as checkpoints
from gluon_r2n2.training.update import Measurement, Updater
from gluon_r2n2.training.validation import Validation

logger = logging.getLogger(__name__)


class TrainingStopped(RuntimeError):
    """Training cannot go on: loss, gradient or parameter not finite, or a loss above its limit.

    The last good checkpoint is untouched.
    """


class Trainer:
    """Data-parallel training of one network in one run folder.

    Args:
        net: an initialised `gluon_r2n2.network.R2N2` on *contexts*.
        config: all numbers.
        contexts: the devices; each takes an equal part of every batch.
        run: the folder of the run, see `gluon_r2n2.training.runs.start_run`.
        loader: `batches_per_epoch` and `epoch(number, start_batch=0)`, which iterates over batches with images
            (T, B, 3, S, S) uint8 RGB, voxels (B, V, V, V) of 0 and 1, and keys; B = config.batch_size.
        facts: JSON values to store in every checkpoint: model, data, image, version.
        validation: None: never validate.
        progress: called with the step's numbers (step, loss, iou, samples_per_second), one step late.

    Raises:
        ModelError: the batch cannot be shared by the devices, or there is less data than one batch.
    """

    def __init__(self, net, config: TrainingConfig, *, contexts: List[mx.Context], run: Path, loader,
                 facts: Dict[str, Any], validation: Optional[Validation] = None,
                 progress: Callable[[Dict[str, float]], None] = lambda numbers: None):
        if config.batch_size % len(contexts):
            raise ModelError(f"a batch of {config.batch_size} cannot be shared equally by {len(contexts)} devices; "
                             "choose a multiple with --batch-size")
        if loader.batches_per_epoch < 1:
            raise ModelError(f"the training split holds less than one batch of {config.batch_size} objects; choose a "
                             "smaller --batch-size")
        self.net, self.config, self.run = net, config, Path(run)
        self.step = 0  # updates made
        self.best: Optional[Dict[str, float]] = None  # step and IoU of the best validation
        self.threshold, self.threshold_source = DEFAULT_THRESHOLD, "default"
        self._contexts, self._loader, self._facts, self._validation = list(contexts), loader, facts, validation
        self._names = list(named_parameters(net))
        self._updater = Updater(net, config, self._contexts)
        self._log = RunLog(self.run)
        self._monitor = Monitor(config, self._log, batches_per_epoch=loader.batches_per_epoch, progress=progress)
        self._saved: Optional[Path] = None  # the newest checkpoint of this process or the one resumed from
        self._saved_step = 0
        self._pending: Optional[Tuple[Measurement, float]] = None  # of the last update, unread; and its data wait
        self._waited = 0.0  # seconds that the last batch was waited for

    def resume(self, checkpoint: checkpoints.Checkpoint) -> None:
        """Go on where *checkpoint* was written."""
        state = checkpoint.state
        set_parameters(self.net, checkpoint.parameters(), self._contexts, source=checkpoint.folder)
        set_state(self._updater.optimiser, self._names, checkpoint.optimiser(), update=state["step"])
        self.step = self._saved_step = state["step"]
        self.best, self._saved = state["best"], checkpoint.folder
        self.threshold, self.threshold_source = state["threshold"], state["threshold_source"]
        self._record_best()  # the process may have ended between checkpoint and record
        self._log.write("resume", self.step, checkpoint=checkpoint.folder.name)

    def fit(self) -> bool:
        """Train up to config.steps; return False where SIGINT or SIGTERM ended it before that, with all saved.

        Raises:
            TrainingStopped: the loss, a gradient or a parameter is not finite, or the loss is above its limit.
            OSError: a checkpoint cannot be written.
        """
        config = self.config
        with StopRequest() as stop, contextlib.closing(self._batches()) as batches:
            for batch in batches:
                self._update(batch)
                last = self.step >= config.steps
                improved = False
                if self._validation and config.validate_every and (last or self.step % config.validate_every == 0):
                    improved = self._validate()
                    self._monitor.pause()
                if improved or last or stop.requested or self.step % config.checkpoint_every == 0:
                    self.save()
                    self._monitor.pause()
                if stop.requested or last:
                    break
        return self.step >= config.steps

    def save(self) -> Path:
        """Write a checkpoint of the current step, unless that has been done; return its folder."""
        if self._saved_step == self.step and self._saved:
            return self._saved
        self._settle()
        self._check_parameters()
        state = {**self._facts, **position(self.step, self._loader.batches_per_epoch), "step": self.step,
                 "best": self.best, "threshold": self.threshold, "threshold_source": self.threshold_source,
                 "training": self.config.as_dict()}
        arrays = get_state(self._updater.optimiser, self._names)
        self._saved = checkpoints.save_checkpoint(self.run, self.net, arrays, state)
        self._saved_step = self.step
        self._record_best()
        checkpoints.remove_old(self.run, self.config.keep)
        self._log.write("checkpoint", self.step, name=self._saved.name)
        return self._saved

    def _batches(self) -> Iterator:
        while self.step < self.config.steps:
            epoch, start = divmod(self.step, self._loader.batches_per_epoch)
            with contextlib.closing(self._loader.epoch(epoch, start_batch=start)) as batches:
                asked = time.monotonic()
                for batch in batches:
                    self._waited = time.monotonic() - asked
                    yield batch
                    asked = time.monotonic()

    def _update(self, batch) -> None:
        """One update of the parameters; its measurements are read while the next one runs."""
        self._monitor.start()
        measurement = self._updater.update(batch, self.step + 1)
        self.step += 1
        self._settle()
        self._pending = (measurement, self._waited)

    def _settle(self) -> None:
        """Wait for the measurements of the step before; check, log and report them."""
        if self._pending is None:
            return
        (measurement, waited), self._pending = self._pending, None
        fault = self._monitor.read(measurement, waited)
        if fault:
            raise self._stopped(measurement.update, fault)

    def _validate(self) -> bool:
        """Measure the network on the validation split; return whether it is the best so far."""
        self._settle()
        score = self._validation.measure(self.net, self._contexts)
        self.threshold = score.threshold
        self.threshold_source = (f"validation at step {self.step}: {score.samples} objects, "
                                 f"{self._validation.views[-1]} views")
        self._log.write("validation", self.step, samples=score.samples,
                        iou={str(count): value for count, value in score.iou.items()}, threshold=score.threshold,
                        best_iou=score.best_iou)
        logger.info("step %d: validation IoU at %g: %s; at the best threshold, %g: %.3f", self.step, DEFAULT_THRESHOLD,
                    ", ".join(f"{value:.3f} ({count} views)" for count, value in score.iou.items()),
                    score.threshold, score.best_iou)
        if self.best is not None and score.best_iou <= self.best["iou"]:
            return False
        self.best = {"step": self.step, "iou": score.best_iou}
        return True

    def _record_best(self) -> None:
        if self.best is None:
            return
        name = f"step-{self.best['step']:08d}"
        if checkpoints.best_name(self.run) != name and (self.run / checkpoints.CHECKPOINTS / name).is_dir():
            files.write_json(self.run / checkpoints.CHECKPOINTS / checkpoints.BEST, {"checkpoint": name, **self.best})

    def _check_parameters(self) -> None:
        for name, parameter in named_parameters(self.net).items():
            if not np.isfinite(parameter.data(self._contexts[0]).asnumpy()).all():
                raise self._stopped(self.step, f"parameter {name} is not finite at step {self.step}")

    def _stopped(self, step: int, reason: str) -> TrainingStopped:
        self._log.write("stopped", step, reason=reason)
        kept = f"the last good checkpoint is {self._saved}" if self._saved else "there is no checkpoint yet"
        return TrainingStopped(f"training stopped: {reason}; {kept}; start anew with a lower --lr, from it with "
                               "--init-from")
