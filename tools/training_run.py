"""One training of any network, from the lock on its folder to its last words: what train.py and train_gan.py share."""
from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, Callable, Dict, Optional

from tqdm.contrib.logging import logging_redirect_tqdm

from gluon_r2n2 import files, training
from gluon_r2n2.model_zoo import RECURRENT, family_of
from gluon_r2n2.training.runs import CHECKPOINTS, CONFIG, ENVIRONMENT
from gluon_r2n2_tools import cli, config_file
from gluon_r2n2_tools.first_weights import comes_along, give_first_weights, repeat_first_weights
from gluon_r2n2_tools.train_progress import Progress
from gluon_r2n2_tools.train_setup import Setup
from recordio.errors import DataError

FAILED = 1


def hold(options, held: contextlib.ExitStack) -> None:
    """Take the lock of the run that --resume goes on with, before its newest checkpoint is looked for."""
    there = any((options.run / name).exists() for name in (CONFIG, CHECKPOINTS))
    if there and options.resume:
        held.enter_context(training.only_writer(options.run))


def first_weights(net, options, setup: Setup, *, backbone: bool = False,
                  tell: Callable[[str], None] = print) -> Dict[str, Any]:
    """Give the initialised *net* what --init-from names, or what the resumed run had; return what to record.

    Args:
        backbone: whether to take ImageNet's weights for the backbone.
        tell: gets lines for the user.
    """
    if setup.saved is None:
        return give_first_weights(net, setup.devices, options.init_from, backbone, tell=tell)
    record = setup.saved.get("first_weights", {})
    if setup.checkpoint is None:
        repeat_first_weights(net, setup.devices, record, tell=tell)
    return record


def train(options, setup: Setup, trainer: training.Trainer, progress: Progress, origin: Dict[str, Any],
          held: contextlib.ExitStack, *, spelt_out: Dict[str, Any], introduce: Callable[[], None]) -> Optional[int]:
    """Start or resume the run and train.

    Args:
        origin: what the run runs on.
        held: keeps the lock of the run's folder.
        spelt_out: all options of the run, for its config.yaml.
        introduce: tells the user what begins.

    Returns:
        None where its steps were made or it was interrupted, all saved; else an exit code, the reason told.
    """
    first = setup.exchange.rank == 0
    try:
        with training.StopRequest() as stop:  # from here on there is a run to go on with
            if setup.saved is not None:
                if first:
                    training.resume_run(options.run, setup.saved, trainer.facts)
                trainer.resume(setup.checkpoint)
            elif first:
                held.enter_context(training.only_writer(options.run))
                training.start_run(options.run, trainer.facts)
            if first:
                write_origin(options, setup, spelt_out, origin)
                introduce()
            with logging_redirect_tqdm(), progress.bar(trainer.step):
                trainer.fit(stop)
    except (training.TrainingStopped, training.NotSaved) as error:
        print(f"{os.path.basename(sys.argv[0])}: error: {error}", file=sys.stderr)
        return FAILED if isinstance(error, training.TrainingStopped) else cli.USAGE_ERROR
    return None


def write_origin(options, setup: Setup, spelt_out: Dict[str, Any], origin: Dict[str, Any]) -> None:
    """Write what repeats this run, config.yaml, and what it runs on, environment.json."""
    path = options.run / "config.yaml"
    begun_with = {}
    if options.resume:  # told when it was started
        with contextlib.suppress(DataError, OSError):
            before = config_file.read(path)
            begun_with = {name: before[name].value for name in config_file.FIRST_WEIGHTS if name in before}
    elif options.init_from and comes_along(options.init_from):
        begun_with = {"init-from": str(options.init_from)}  # a name, not a file of this folder
    tool = "train.py" if family_of(setup.model) == RECURRENT else "train_gan.py"
    config_file.write(path, {**spelt_out, **begun_with}, tool=tool)
    files.write_json(options.run / ENVIRONMENT, origin)
