"""The number of an update -> its learning rate."""
from __future__ import annotations

import math

from gluon_r2n2.training.config import TrainingConfig


def learning_rate(config: TrainingConfig, update: int) -> float:
    """The learning rate of one update, 1 being the first.

    A linear rise over the warm-up, then the schedule: 'cosine' and 'poly' (of power 0.9) fall to the share
    config.final_lr at the last step; 'step' is multiplied by config.lr_drop_factor after each of config.lr_drops (as
    they stand, the original's 1e-4, 1e-5 after 20,000 updates, 1e-6 after 60,000; there one update later, as its loop
    counts from 0 and lowers the rate after the update).

    A function of its arguments only, so that a resumed run needs nothing but its step. gluon-cv's LRScheduler and
    LRSequential give the same rates (tests/test_numbers.py) but not to the last bit, which a resumed run of before
    would show, and are slow to import; MXNet's own schedulers keep their position inside.
    """
    rate, warmup = config.learning_rate, int(round(config.warmup * config.steps))
    if update < warmup:
        return rate * update / warmup
    if config.schedule == "step":
        return rate * config.lr_drop_factor ** sum(update > drop for drop in config.lr_drops)
    if config.schedule == "constant":
        return rate
    progress = min(1.0, (update - warmup) / max(1, config.steps - warmup))  # 0..1
    left = (1 + math.cos(math.pi * progress)) / 2 if config.schedule == "cosine" else (1 - progress) ** 0.9
    return rate * (config.final_lr + (1 - config.final_lr) * left)
