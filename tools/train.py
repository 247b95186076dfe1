"""Train a network on a packed data set; interrupt it at any time and go on with --resume."""
from __future__ import annotations

import contextlib
import sys
from typing import Any, Dict, Optional, Tuple

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

import gluon_r2n2
from gluon_r2n2 import distributed, training
from gluon_r2n2.memory import MemoryPlan, Peak, plan_training
from gluon_r2n2.model_zoo import RECURRENT
from gluon_r2n2_tools import cli, dry_run, pictures, training_run
from gluon_r2n2_tools.train_options import complete, parse
from gluon_r2n2_tools.train_progress import Progress, conclude, introduce
from gluon_r2n2_tools.train_setup import Setup, recurrent, resolve, training_loader, validation


def run(argv=None) -> int:
    options, given = parse(argv, description=__doc__)
    exchange = distributed.connect(options.kv_store, compress=options.compress_gradients, dry=options.dry_run)
    with contextlib.ExitStack() as held:  # the lock of the run's folder
        if exchange.rank == 0 and not options.dry_run:
            training_run.hold(options, held)
        training.keep_freed_memory()
        setup = resolve(options, given, exchange, recurrent, families=[RECURRENT], other="train_gan.py")
        peak = Peak(setup.devices)  # from before the network
        progress = Progress(setup.config)
        trainer, plan, origin = prepare(options, setup, progress)
        if exchange.rank == 0 and options.memory_report:
            print(plan.table(), end="\n\n", flush=True)
        if options.dry_run:
            if exchange.rank == 0:
                print(dry_run.describe(options, setup, trainer.net))
            return 0
        code = training_run.train(options, setup, trainer, progress, origin, held,
                                  spelt_out=complete(options, setup.model, setup.config),
                                  introduce=lambda: introduce(options, setup, trainer))
        if code is not None:
            return code
        exchange.close()
        if exchange.rank == 0:
            if options.memory_report:
                print(plan.beside(peak.read()))
            conclude(trainer, argv)
    return 0


def prepare(options, setup: Setup, progress: Progress) -> Tuple[training.Trainer, MemoryPlan, Dict[str, Any]]:
    """The trainer of a network with its first weights, the memory that it will take, and what it runs on."""
    devices, config, exchange = setup.devices, setup.config, setup.exchange
    first = exchange.rank == 0  # who alone tells, and writes into the folder of the run
    tell = print if first else _pass
    net = gluon_r2n2.R2N2(setup.model)
    gluon_r2n2.initialise(net, devices, config.seed)
    first_weights = training_run.first_weights(net, options, setup, backbone=options.pretrained_backbone, tell=tell)
    loader = training_loader(options, setup, config.views)
    origin = training.provenance(devices, threads=options.threads)
    log = training.RunLog(options.run, board=tensorboard(options, setup) if first else None, provenance=origin)
    trainer = training.Trainer(net, config, contexts=devices, run=options.run, loader=loader, exchange=exchange,
                               facts={**setup.facts, "first_weights": first_weights}, log=log,
                               progress=progress if first else _pass,
                               validation=validation(options, setup))
    plan = plan_training(net, config, devices=len(devices), on_cpu=devices[0].device_type == "cpu",
                         prefetch=loader.prefetch, share=exchange.size)
    return trainer, plan, origin


def tensorboard(options, setup: Setup) -> Optional[training.TensorBoard]:
    """What writes curves and pictures; None with --no-tensorboard."""
    names = setup.data.class_names

    def draw(score):
        return pictures.beside_truth(score.examples, names, threshold=score.threshold)

    return training.TensorBoard(options.run, class_names=names, draw=draw) if options.tensorboard else None


def _pass(*_) -> None:
    """What the other workers do where the first one tells something."""


def main(argv=None) -> int:
    code = cli.run(run, argv)
    distributed.abandon(code)  # only where the exchange with other workers did not end in order
    return code


if __name__ == "__main__":
    sys.exit(main())
