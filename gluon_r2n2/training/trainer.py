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
from typing import Any, Callable, ContextManager, Dict, Iterator, List, Optional, Tuple

import mxnet as mx
import numpy as np

from gluon_r2n2.distributed import Exchange
from gluon_r2n2.errors import ModelError
from gluon_r2n2.metrics import DEFAULT_THRESHOLD
from gluon_r2n2.training.agreement import average_statistics, differences
from gluon_r2n2.training.arrays import named_parameters, set_parameters
from gluon_r2n2.training.config import RunConfig
from gluon_r2n2.training.interrupt import Interrupted, StopRequest
from gluon_r2n2.training.monitor import Measured, Monitor
from gluon_r2n2.training.runs import NoLog, RunLog, position
from gluon_r2n2.training.runs import checkpoint as checkpoints
from gluon_r2n2.training.scaling import check_dtype
from gluon_r2n2.training.update import Updater

logger = logging.getLogger(__name__)

RETRIES = 10  # attempts per config.checkpoint_every steps while checkpoints cannot be written


class TrainingStopped(RuntimeError):
    """Training cannot go on: loss, gradient or parameter not finite, or a loss above its limit.

    The last good checkpoint is untouched.
    """


class NotSaved(RuntimeError):
    """The last steps of a run could not be written to disk; the checkpoints before are untouched."""


class Trainer:
    """Data-parallel training of one network in one run folder.

    Args:
        net: an initialised network of the zoo on *contexts*.
        config: all numbers.
        contexts: the devices; each takes an equal share of every batch, in config.accumulate parts.
        run: the folder of the run, see `gluon_r2n2.training.runs.start_run`.
        loader: `batches_per_epoch` and `epoch(number, start_batch=0)`, which iterates over batches with images
            (T, B, 3, S, S) uint8 RGB, voxels (B, V, V, V) of 0 and 1, and keys; B = config.batch_size.
        facts: JSON values to store in every checkpoint: model, data, image, version.
        validation: has `measure(net, contexts)`, which returns what `Score` has; None: never validate.
        progress: called with the step's numbers (step, samples_per_second, loss and others), one step late.
        log: what gets the events; None: log.jsonl in the folder of the run.
        exchange: with the other workers of the job, each of which has its share of every batch from *loader*; worker 0
            alone validates and writes. None: there are no others.
        updater: makes what updates the network, as `Updater` does, of net, config, contexts and exchange.

    Raises:
        ModelError: the batch cannot be shared by the devices and parts, or there is less data than one batch.
    """

    def __init__(self, net, config: RunConfig, *, contexts: List[mx.Context], run: Path, loader,
                 facts: Dict[str, Any], validation=None,
                 progress: Callable[[Dict[str, float]], None] = lambda numbers: None, log: Optional[RunLog] = None,
                 exchange: Optional[Exchange] = None, updater: Callable[..., Any] = Updater):
        exchange = exchange or Exchange()
        if config.batch_size % (exchange.size * len(contexts) * config.accumulate):
            workers = f"{exchange.size} workers with " if exchange.size > 1 else ""
            parts = f", each in {config.accumulate} parts (--accumulate)" if config.accumulate > 1 else ""
            raise ModelError(f"a batch of {config.batch_size} cannot be shared equally by {workers}"
                             f"{len(contexts)} devices{parts}; choose a multiple with --batch-size")
        check_dtype(config, contexts)
        if loader.batches_per_epoch < 1:
            raise ModelError(f"the training split holds less than one batch of {config.batch_size} objects; choose a "
                             "smaller --batch-size")
        self.net, self.config, self.run, self.facts = net, config, Path(run), facts
        self.step = 0  # updates made
        self.best: Optional[Dict[str, Any]] = None  # step and score of the best validation
        self.threshold, self.threshold_source = DEFAULT_THRESHOLD, "default"
        self._contexts, self._loader, self._validation = list(contexts), loader, validation
        self._exchange = exchange
        self._updater = updater(net, config, self._contexts, exchange)
        self._log = NoLog() if exchange.rank else RunLog(self.run) if log is None else log
        self._monitor = Monitor(config, self._log, batches_per_epoch=loader.batches_per_epoch, progress=progress,
                                rates=self._updater.rates)
        self._saved: Optional[Path] = None  # the newest checkpoint of this process or the one resumed from
        self._saved_step = 0
        self._saved_best: Optional[Dict[str, Any]] = None  # what `best` was then
        self._validated = 0  # the step last validated at
        self._agreed: Optional[int] = None  # the step at which the workers were last found equal
        self._fault: Optional[str] = None  # why the last attempt at a checkpoint failed
        self._retry_at: Optional[int] = None  # the step after which the next one is due
        self._pending: Optional[Tuple[Measured, float]] = None  # of the last update, unread; and its data wait
        self._waited = 0.0  # seconds that the last batch was waited for

    def resume(self, checkpoint: Optional[checkpoints.Checkpoint]) -> None:
        """Go on where *checkpoint* was written; None: the run was interrupted before its first one."""
        if checkpoint is not None:
            state = checkpoint.state
            set_parameters(self.net, checkpoint.parameters(), self._contexts, source=checkpoint.folder)
            self._updater.restore(checkpoint.optimiser(), state, update=state["step"])
            if self._updater.average:
                self._updater.average.load(checkpoint.average())
            self.step = self._saved_step = state["step"]
            self.best = self._saved_best = state["best"]
            self.threshold, self.threshold_source = state["threshold"], state["threshold_source"]
            self._validated = state.get("validated", self.step)  # older ones were only written after a validation
            self._monitor.resume(state.get("unlogged", []))
            self._saved = checkpoint.folder
            if self._exchange.rank == 0:
                checkpoints.record_best(self.run, self.best)  # the process may have ended between checkpoint and record

    def fit(self, stop: Optional[StopRequest] = None) -> bool:
        """Train up to config.steps; return False where SIGINT or SIGTERM ended it before that. All is saved then.

        Args:
            stop: entered already, where signals before the first step count too.

        Raises:
            TrainingStopped: the loss, a gradient or a parameter is not finite, or the loss is above its limit; or the
                workers are not equal, before the first step or at a checkpoint.
            NotSaved: the steps are done, but not on disk.
        """
        with contextlib.ExitStack() as stack:
            stop = stop or stack.enter_context(StopRequest())
            self._agree()
            self._log.start(self.step, self._saved.name if self._saved else None)
            if self._validation_due():  # it was given up when the run was interrupted
                self._validate(stop)
                if self._validated == self.step:
                    self._save_or_warn()
            batches = stack.enter_context(contextlib.closing(self._batches(stop)))
            for batch in batches:
                self._update(batch)
                improved = self._validation_due() and self._validate(stop)
                due = improved or self.step % self.config.checkpoint_every == 0
                if due:
                    self._agree()
                if (due or self.step == self._retry_at) and self.step < self.config.steps:
                    self._save_or_warn()
                if self._exchange.stopping(stop.requested):
                    break
            self._agree()
            if self.step != self._saved_step:
                self._save_or_warn(last=True)
        return self.step >= self.config.steps

    @property
    def saved(self) -> Optional[Path]:
        """The newest checkpoint that this process wrote or went on from."""
        return self._saved

    def save(self) -> Path:
        """Write a checkpoint of the current step, as worker 0 does; return its folder.

        Raises:
            TrainingStopped: a measurement or a parameter is not finite.
            OSError: it cannot be written; the ones before are untouched.
        """
        self._settle()
        self._check_parameters()
        if self._exchange.rank:
            self._saved_step = self.step
            return self._saved
        state = {**self.facts, **position(self.step, self._loader.batches_per_epoch), "step": self.step,
                 "seeds": {"data": self.config.seed, "next_step": self.config.seed + self.step + 1},
                 "best": self.best, "threshold": self.threshold, "threshold_source": self.threshold_source,
                 "validated": self._validated, "unlogged": self._monitor.window, "training": self.config.as_dict()}
        arrays, values = self._updater.state()
        average = self._updater.average.arrays() if self._updater.average else None
        self._saved = checkpoints.save_checkpoint(self.run, self.net, arrays, {**state, **values}, average=average)
        self._saved_step, self._saved_best = self.step, self.best
        self._log.write("checkpoint", self.step, name=self._saved.name)
        checkpoints.record_best(self.run, self.best)
        checkpoints.remove_old(self.run, self.config.keep, newest=self.step, best=self.best)
        return self._saved

    def _save_or_warn(self, last: bool = False) -> None:
        """Save; where that fails, training goes on and the next attempt comes soon, but after the *last* step.

        Raises:
            TrainingStopped: as `save`.
            NotSaved: there are no more attempts.
        """
        try:
            self.save()
        except OSError as error:
            self._fault = (f"the checkpoint of step {self.step} could not be written "
                           f"({error.filename or self.run}: {error.strerror or error})")
            self._log.write("not_saved", self.step, reason=self._fault)
            if last:
                raise NotSaved(f"{self.run}: from step {self._saved_step + 1} to {self.step}, the last, nothing is "
                               f"saved: {self._fault}; mend that, then repeat these steps with --resume") from error
            self._retry_at = self.step + max(1, self.config.checkpoint_every // RETRIES)
            self.best = self._saved_best  # there will be no checkpoint of the better one
            kept = f"{self._saved} is kept" if self._saved else "there is none yet"
            logger.warning("%s; %s; training goes on, the next attempt is after step %d", self._fault, kept,
                           self._retry_at)
        else:
            if self._fault:
                logger.warning("step %d: checkpoints can be written again, %s is saved", self.step, self._saved)
                self._log.write("saved_again", self.step, name=self._saved.name)
            self._fault, self._retry_at = None, None
        self._monitor.pause()

    def _batches(self, stop: StopRequest) -> Iterator:
        """The batches of the steps to come; none after a signal, also where it came during the wait for one."""
        with contextlib.suppress(Interrupted):
            while self.step < self.config.steps:
                epoch, start = divmod(self.step, self._loader.batches_per_epoch)
                with contextlib.closing(self._loader.epoch(epoch, start_batch=start)) as batches:
                    while self.step < self.config.steps:
                        asked = time.monotonic()
                        with self._breakable(stop):
                            batch = next(batches, None)
                        if batch is None:
                            break
                        self._waited = time.monotonic() - asked
                        yield batch

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
            if measurement.update == 1:  # it is of the initial values, whatever the learning rate
                raise self._stopped(1, fault, advice=f"start anew with {self.config.REMEDIES[0]}")
            raise self._stopped(measurement.update, fault)

    def _validation_due(self) -> bool:
        every, last = self.config.validate_every, self.step >= self.config.steps
        return bool(self._validation and every and self.step != self._validated and (last or self.step % every == 0))

    def _validate(self, stop: StopRequest) -> bool:
        """Measure the network on the validation split; return whether it is the best so far.

        A signal gives it up; the resumed run begins with it.
        """
        self._settle()
        self._agree()
        if self._exchange.size == 1:
            return self._measure(stop)
        improved = self._exchange.rank == 0 and self._measure(stop)
        self._validated = self.step
        return bool(self._exchange.gather([improved])[0, 0])

    def _measure(self, stop: StopRequest) -> bool:
        average = self._updater.average
        net = average.network(self._contexts) if average else self.net
        try:
            with self._breakable(stop):
                score = self._validation.measure(net, self._contexts)
        except Interrupted:
            return False
        self._validated = self.step
        self.threshold = score.threshold
        self.threshold_source = score.source(self.step)
        self._log.write("validation", self.step, **score.figures())
        self._log.examples(self.step, score)
        logger.info("step %d: %s", self.step, score.summary())
        if score.warning():
            logger.warning("step %d: %s", self.step, score.warning())
        self._monitor.pause()
        [(name, value)] = score.record.items()
        if self.best is not None and value <= self.best[name]:
            return False
        self.best = {"step": self.step, name: value}
        return True

    def _breakable(self, stop: StopRequest) -> ContextManager:
        """As `stop.breakable` where this is the only worker: several go through everything together."""
        return stop.breakable() if self._exchange.size == 1 else contextlib.nullcontext()

    def _agree(self) -> None:
        """Let all workers share their running statistics, and find out whether all else is equal; once per step.

        Raises:
            TrainingStopped: it is not; names who differs.
        """
        if self._exchange.size == 1 or self._agreed == self.step:
            return
        self._settle()
        average_statistics(self._exchange, self.net)
        configuration = {name: self.facts[name] for name in ("version", "model", "training", "image")}
        facts = {"configuration": configuration, "data set": {**self.facts["data"], "path": None}, "step": self.step}
        found = differences(self._exchange, self.net, self._updater.state()[0], facts)
        if found:
            raise self._stopped(self.step, f"after step {self.step} {', '.join(found)}",
                                advice="all must run the same command on the same files with the same OMP_NUM_THREADS, "
                                       "and unlike machines start from the same weights (--init-from)")
        self._agreed = self.step

    def _check_parameters(self) -> None:
        for name, parameter in named_parameters(self.net).items():
            if not np.isfinite(parameter.data(self._contexts[0]).asnumpy()).all():
                raise self._stopped(self.step, f"parameter {name} is not finite at step {self.step}")

    def _stopped(self, step: int, reason: str, *, advice: Optional[str] = None) -> TrainingStopped:
        if advice is None:
            there = self._saved or self._exchange.rank  # a checkpoint, or worker 0 may have one
            advice = f"start anew with {self.config.REMEDIES[1]}" + (", from it with --init-from" if there else "")
        self._log.write("stopped", step, reason=reason)
        kept = f"the last good checkpoint is {self._saved}" if self._saved else "there is no checkpoint yet"
        if self._exchange.rank:
            kept = "worker 0 says which checkpoint is left"
        return TrainingStopped(f"training stopped: {reason}; {kept}; {advice}")
