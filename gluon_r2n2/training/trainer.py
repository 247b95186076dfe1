"""Stage 8, training: batches -> updates, validation, checkpoints; exact to the bit when interrupted and resumed.

The order of the data, its augmentation and the random numbers of a step are functions of the seed and the step, and
everything else is in a checkpoint, so that k steps, an interruption at any time and N - k steps give the same
parameters as N steps.
"""
from __future__ import annotations

import contextlib
import logging
import math
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple

import mxnet as mx
import numpy as np
from mxnet import autograd

from gluon_r2n2 import files
from gluon_r2n2.errors import ModelError
from gluon_r2n2.evaluation import THRESHOLD_VIEWS, evaluate, to_unit
from gluon_r2n2.losses import VoxelLoss
from gluon_r2n2.metrics import DEFAULT_THRESHOLD, THRESHOLDS, batch_iou
from gluon_r2n2.training import checkpoint as checkpoints
from gluon_r2n2.training.arrays import named_parameters, set_parameters
from gluon_r2n2.training.config import TrainingConfig
from gluon_r2n2.training.interrupt import StopRequest
from gluon_r2n2.training.optimiser import clip_gradients, get_state, learning_rate, make_optimiser, set_state
from gluon_r2n2.training.run import RunLog, position

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
        run: the folder of the run, see `gluon_r2n2.training.run.start_run`.
        loader: `batches_per_epoch` and `epoch(number, start_batch=0)`, which iterates over batches with images
            (T, B, 3, S, S) uint8 RGB, voxels (B, V, V, V) of 0 and 1, and keys; B = config.batch_size.
        facts: JSON values to store in every checkpoint: model, data, image, version.
        validation: returns an iterator over the validation batches, of at most config.batch_size objects; None:
            never validate.
        validation_views: view counts to validate at, ascending; the last decides what is best.
        progress: called with the step's numbers (step, loss, iou, samples_per_second), one step late.

    Raises:
        ModelError: the batch cannot be shared by the devices, or there is less data than one batch.
    """

    def __init__(self, net, config: TrainingConfig, *, contexts: List[mx.Context], run: Path, loader,
                 facts: Dict[str, Any], validation: Optional[Callable[[], Iterator]] = None,
                 validation_views: Iterable[int] = (1, THRESHOLD_VIEWS),
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
        self._contexts, self._loader, self._facts, self._progress = list(contexts), loader, facts, progress
        self._validation, self._validation_views = validation, tuple(validation_views)
        self._names = list(named_parameters(net))
        self._loss = VoxelLoss()
        self._optimiser = make_optimiser(net, config)
        self._log = RunLog(self.run)
        self._saved: Optional[Path] = None  # the newest checkpoint of this process or the one resumed from
        self._saved_step = 0
        self._pending: Optional[Tuple] = None  # the last step's keys and unread measurements
        self._mark: Optional[float] = None  # when the last measurements were read, seconds
        self._waited = 0.0  # seconds that the last batch was waited for
        self._window: List[Any] = []  # (loss, iou, norm, clipped, data wait, seconds) since the last log line
        # not static_shape: with it MXNet 1.9.1 adds stale gradients of the cell whenever the number of views changes
        net.hybridize(static_alloc=True)
        self._loss.hybridize(static_alloc=True)

    def resume(self, checkpoint: checkpoints.Checkpoint) -> None:
        """Go on where *checkpoint* was written."""
        state = checkpoint.state
        set_parameters(self.net, checkpoint.parameters(), self._contexts, source=checkpoint.folder)
        set_state(self._optimiser, self._names, checkpoint.optimiser(), update=state["step"])
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
                    self._mark = None
                if improved or last or stop.requested or self.step % config.checkpoint_every == 0:
                    self.save()
                    self._mark = None  # neither counts as training time
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
        arrays = get_state(self._optimiser, self._names)
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
        update = self.step + 1
        if self._mark is None:
            self._mark = time.monotonic()
        mx.random.seed(self.config.seed + update)
        self._optimiser.set_learning_rate(learning_rate(self.config, update))
        images = np.split(batch.images, len(self._contexts), axis=1)  # (T, B / devices, 3, S, S) each
        voxels = np.split(batch.voxels, len(self._contexts), axis=0)
        losses, measured = [], []
        for context, image, truth in zip(self._contexts, images, voxels):
            image = to_unit(mx.nd.array(image, ctx=context, dtype=np.uint8))
            truth = mx.nd.array(truth, ctx=context, dtype=np.uint8).astype(np.float32)
            with autograd.record():
                logits = self.net(image)
                loss = self._loss(logits, truth)  # (B / devices,)
            losses.append(loss)
            measured.append(mx.nd.stack(loss, batch_iou(logits.detach(), truth)))
        autograd.backward(losses)
        # from here on the gradient of the mean over the batch of all devices
        self._optimiser.allreduce_grads()
        norm = clip_gradients(self._optimiser, self.config.clip, batch_size=self.config.batch_size)
        self._optimiser.update(self.config.batch_size)
        self.step = update
        self._settle()
        self._pending = (update, batch.keys, measured, norm, self._waited)

    def _settle(self) -> None:
        """Wait for the measurements of the step before; check, log and report them."""
        if self._pending is None:
            return
        step, keys, measured, norm, waited = self._pending
        self._pending = None
        norm = float(norm.asscalar())
        loss, iou = np.concatenate([array.asnumpy() for array in measured], axis=1).astype(np.float64).mean(axis=1)
        limit = self.config.loss_limit
        if not math.isfinite(loss) or (limit is not None and loss > limit):
            reason = f"above the limit of {limit}" if math.isfinite(loss) else "not finite"
            raise self._stopped(step, f"the loss at step {step} is {loss:.4g}, {reason}; the batch held "
                                      f"{', '.join(keys)}")
        if not math.isfinite(norm):  # the loss was sound, but the parameters no longer are
            raise self._stopped(step, f"the gradient at step {step} is not finite; the batch held {', '.join(keys)}")
        now = time.monotonic()
        seconds, self._mark = now - self._mark, now
        self._window.append((loss, iou, norm, 0 < self.config.clip < norm, waited, seconds))
        numbers = {"step": step, "loss": float(loss), "iou": float(iou),
                   "samples_per_second": self.config.batch_size / seconds}
        self._progress(numbers)
        if step % self.config.log_every == 0 or step >= self.config.steps:
            loss, iou, norm, clipped, waited, seconds = np.mean(self._window, axis=0)
            self._window = []
            self._log.write("step", step, **position(step, self._loader.batches_per_epoch), loss=float(loss),
                            iou=float(iou), gradient_norm=float(norm), clipped=float(clipped),
                            learning_rate=learning_rate(self.config, step), data_wait=float(waited),
                            samples_per_second=self.config.batch_size / float(seconds))

    def _validate(self) -> bool:
        """Measure the network on the validation split; return whether it is the best so far."""
        self._settle()
        views = self._validation_views
        with contextlib.closing(self._validation()) as batches:
            result = evaluate(self.net, batches, contexts=self._contexts, views=views, thresholds=THRESHOLDS,
                              batch_size=self.config.batch_size, limit=self.config.validate_samples)
        self.threshold, best_iou = result.best_threshold(views[-1])
        self.threshold_source = (f"validation at step {self.step}: {len(result.keys)} objects, {views[-1]} views")
        at_default = {str(count): result.means(count, DEFAULT_THRESHOLD)[0] for count in views}
        self._log.write("validation", self.step, samples=len(result.keys), iou=at_default,
                        threshold=self.threshold, best_iou=best_iou)
        logger.info("step %d: validation IoU at %g: %s; at the best threshold, %g: %.3f", self.step, DEFAULT_THRESHOLD,
                    ", ".join(f"{value:.3f} ({count} views)" for count, value in at_default.items()),
                    self.threshold, best_iou)
        if self.best is not None and best_iou <= self.best["iou"]:
            return False
        self.best = {"step": self.step, "iou": best_iou}
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
