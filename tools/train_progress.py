"""What a training tells its user: what begins, how far it is, how it ended and how to go on."""
from __future__ import annotations

import os
import shlex
import sys
from typing import Callable, Dict

from tqdm import tqdm

import gluon_r2n2
from gluon_r2n2 import distributed, training
from gluon_r2n2.training.config import RunConfig
from gluon_r2n2_tools.train_setup import Setup

NAMES = {"iou": "IoU", "matching_iou": "mean IoU with the nearest sample"}  # of what a best checkpoint is best in


def recurrent(numbers) -> str:
    """Of the numbers of an update, what a user follows."""
    text = f"loss {numbers['loss']:.4f}, IoU {numbers['iou']:.3f}"
    return text + (f", adversarial {numbers['adversarial_loss']:.3f}, {discriminator(numbers)}"
                   if "adversarial_loss" in numbers else "")


def discriminator(numbers) -> str:
    """Of the numbers of an update, how well the discriminator does."""
    return (f"D {numbers['discriminator_loss']:.3f} at {numbers['accuracy']:.0%} accuracy"
            + (" (learnt)" if numbers["discriminator_updates"] else ""))


class Progress:
    """A bar with what is measured, speed and the time left on a terminal, a line every --log-every steps elsewhere.

    Args:
        config: of the training.
        show: the numbers of an update -> text.
    """

    def __init__(self, config: RunConfig, show: Callable[[Dict[str, float]], str] = recurrent):
        self._config, self._show, self._bar = config, show, None

    def bar(self, step: int) -> tqdm:
        # mininterval keeps the bar, which is off outside terminals, from costing anything
        self._bar = tqdm(total=self._config.steps, initial=step, unit="step", disable=None, dynamic_ncols=True)
        return self._bar

    def __call__(self, numbers) -> None:
        text = f"{self._show(numbers)}, {numbers['samples_per_second']:.1f} samples/s"
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update()
        if self._bar.disable and numbers["step"] % self._config.log_every == 0:
            print(f"step {numbers['step']}/{self._config.steps}: {text}", flush=True)


def introduce(options, setup: Setup, trainer: training.Trainer) -> None:
    """Network, devices, data and the steps to come."""
    net, data, held_out, workers = trainer.net, setup.data, setup.held_out, setup.exchange.size
    size = sum(parameter.data(setup.devices[0]).size for parameter in net.collect_params().values())
    print(f"{gluon_r2n2.model_name(net.config)}, width {net.config.width:g}: {size / 1e6:.2f} million parameters, on "
          + training.describe(setup.devices)
          + ("" if options.gpus else " (give --gpus 0 for a GPU)")
          + (f" of each of {workers} workers" if workers > 1 else ""))
    print(f"{len(data)} training objects of {len(data.class_names)} classes; "
          + (f"{len(held_out)} to validate on" if held_out else "the val split is empty: no validation"))
    print(f"steps {trainer.step + 1} to {setup.config.steps}" if trainer.step < setup.config.steps else
          f"{options.run} is at step {trainer.step} already; give more --steps to go on", flush=True)


def conclude(trainer: training.Trainer, argv) -> None:
    """How a training ended whose state is saved."""
    if trainer.step < trainer.config.steps:
        where = f"after step {trainer.step}, saved in {trainer.saved}" if trainer.saved else "before the first step"
        print(f"interrupted {where}; go on with: {command(argv)}")
        return
    best = "".join(f"; best validation {NAMES[name]} {value:.3f} at step {trainer.best['step']}"
                   for name, value in (trainer.best or {}).items() if name in NAMES)
    print(f"finished {trainer.step} steps, saved in {trainer.saved}{best}")


def command(argv) -> str:
    """The command line that goes on with this run: without what only a new run takes."""
    arguments = [str(argument) for argument in (sys.argv[1:] if argv is None else argv)]
    arguments = [argument for argument in arguments
                 if argument != "--pretrained-backbone" and not argument.startswith("--init-from=")]
    if "--init-from" in arguments:
        place = arguments.index("--init-from")
        del arguments[place:place + 2]  # with its value
    script = sys.argv[0]
    program = ["python", script] if script.endswith(".py") else [os.path.basename(script)]
    if distributed.LAUNCH in os.environ:
        program = [*shlex.split(os.environ[distributed.LAUNCH]), script]
    return " ".join(map(shlex.quote, program + arguments + ([] if "--resume" in arguments else ["--resume"])))
