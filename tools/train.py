"""Train a network on a packed data set; interrupt it at any time and go on with --resume."""
from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, Dict, Optional, Tuple

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

from tqdm.contrib.logging import logging_redirect_tqdm

import gluon_r2n2
from gluon_r2n2 import distributed, files, training
from gluon_r2n2.memory import MemoryPlan, Peak, plan_training
from gluon_r2n2.training.runs import CHECKPOINTS, CONFIG, ENVIRONMENT
from gluon_r2n2_tools import cli, config_file, dry_run, pictures
from gluon_r2n2_tools.first_weights import comes_along, give_first_weights, repeat_first_weights
from gluon_r2n2_tools.train_options import complete, parse
from gluon_r2n2_tools.train_progress import Progress, conclude, introduce
from gluon_r2n2_tools.train_setup import Setup, resolve, training_loader, validation
from recordio.errors import DataError

FAILED = 1


def run(argv=None) -> int:
    options, given = parse(argv, description=__doc__)
    exchange = distributed.connect(options.kv_store, compress=options.compress_gradients, dry=options.dry_run)
    with contextlib.ExitStack() as held:  # the lock of the run's folder
        there = any((options.run / name).exists() for name in (CONFIG, CHECKPOINTS))
        if exchange.rank == 0 and there and options.resume and not options.dry_run:
            held.enter_context(training.only_writer(options.run))  # before its newest checkpoint is looked for
        training.keep_freed_memory()
        setup = resolve(options, given, exchange)
        peak = Peak(setup.devices)  # from before the network
        progress = Progress(setup.config)
        trainer, plan, origin = prepare(options, setup, progress)
        if exchange.rank == 0 and options.memory_report:
            print(plan.table(), end="\n\n", flush=True)
        if options.dry_run:
            if exchange.rank == 0:
                print(dry_run.describe(options, setup, trainer.net))
            return 0
        try:
            finished = train(options, setup, trainer, progress, origin, held)
        except (training.TrainingStopped, training.NotSaved) as error:
            print(f"{os.path.basename(sys.argv[0])}: error: {error}", file=sys.stderr)
            return FAILED if isinstance(error, training.TrainingStopped) else cli.USAGE_ERROR
        exchange.close()
        if exchange.rank == 0:
            if options.memory_report:
                print(plan.beside(peak.read()))
            conclude(trainer, argv, finished=finished)
    return 0


def prepare(options, setup: Setup, progress: Progress) -> Tuple[training.Trainer, MemoryPlan, Dict[str, Any]]:
    """The trainer of a network with its first weights, the memory that it will take, and what it runs on."""
    devices, config, exchange = setup.devices, setup.config, setup.exchange
    first = exchange.rank == 0  # who alone tells, and writes into the folder of the run
    tell = print if first else _pass
    net = gluon_r2n2.R2N2(setup.model)
    gluon_r2n2.initialise(net, devices, config.seed)
    if setup.saved is None:
        first_weights = give_first_weights(net, devices, options.init_from, options.pretrained_backbone, tell=tell)
    else:
        first_weights = setup.saved.get("first_weights", {})
        if setup.checkpoint is None:
            repeat_first_weights(net, devices, first_weights, tell=tell)
    loader = training_loader(options, setup)
    origin = training.provenance(devices, threads=options.threads)
    log = training.RunLog(options.run, board=tensorboard(options, setup) if first else None, provenance=origin)
    trainer = training.Trainer(net, config, contexts=devices, run=options.run, loader=loader, exchange=exchange,
                               facts={**setup.facts, "first_weights": first_weights}, log=log,
                               progress=progress if first else _pass,
                               validation=validation(options, setup))
    plan = plan_training(net, config, devices=len(devices), on_cpu=devices[0].device_type == "cpu",
                         prefetch=loader.prefetch, share=exchange.size)
    return trainer, plan, origin


def train(options, setup: Setup, trainer: training.Trainer, progress: Progress, origin: Dict[str, Any],
          held: contextlib.ExitStack) -> bool:
    """Start or resume the run and train; return whether all steps were made."""
    first = setup.exchange.rank == 0
    with training.StopRequest() as stop:  # from here on there is a run to go on with
        if setup.saved is not None:
            if first:
                training.resume_run(options.run, setup.saved, trainer.facts)
            trainer.resume(setup.checkpoint)
        elif first:
            held.enter_context(training.only_writer(options.run))
            training.start_run(options.run, trainer.facts)
        if first:
            write_origin(options, setup, origin)
            introduce(options, setup, trainer)
        with logging_redirect_tqdm(), progress.bar(trainer.step):
            return trainer.fit(stop)


def tensorboard(options, setup: Setup) -> Optional[training.TensorBoard]:
    """What writes curves and pictures; None with --no-tensorboard."""
    names = setup.data.class_names

    def draw(score):
        return pictures.beside_truth(score.examples, names, threshold=score.threshold)

    return training.TensorBoard(options.run, class_names=names, draw=draw) if options.tensorboard else None


def write_origin(options, setup: Setup, origin: Dict[str, Any]) -> None:
    """Write what repeats this run, config.yaml, and what it runs on, environment.json."""
    path = options.run / "config.yaml"
    first_weights = {}
    if options.resume:  # told when it was started
        with contextlib.suppress(DataError, OSError):
            before = config_file.read(path)
            first_weights = {name: before[name].value for name in config_file.FIRST_WEIGHTS if name in before}
    elif options.init_from and comes_along(options.init_from):
        first_weights = {"init-from": str(options.init_from)}  # a name, not a file of this folder
    config_file.write(path, {**complete(options, setup.model, setup.config), **first_weights})
    files.write_json(options.run / ENVIRONMENT, origin)


def _pass(*_) -> None:
    """What the other workers do where the first one tells something."""


def main(argv=None) -> int:
    code = cli.run(run, argv)
    distributed.abandon(code)  # only where the exchange with other workers did not end in order
    return code


if __name__ == "__main__":
    sys.exit(main())
