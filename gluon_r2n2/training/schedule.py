"""The number of an update -> its learning rate."""
from __future__ import annotations

import math

from gluon_r2n2.training.config import TrainingConfig

# schedule 'step': the original's 1e-4, 1e-5 after 20,000 updates, 1e-6 after 60,000 (there one update later: its loop
# counts from 0 and lowers the rate after the update)
DROPS, DROP = (20000, 60000), 0.1
FINAL = 0.01  # share of the learning rate that schedules 'cosine' and 'poly' end at


def learning_rate(config: TrainingConfig, update: int) -> float:
    """The learning rate of one update, 1 being the first.

    A function of its arguments only, so that a resumed run needs nothing but its step. (The schedulers of MXNet
    and gluon-cv keep their position inside and log every drop again after a resume.)
    """
    rate, warmup = config.learning_rate, int(round(config.warmup * config.steps))
    if update < warmup:
        return rate * update / warmup
    if config.schedule == "step":
        return rate * DROP ** sum(update > drop for drop in DROPS)
    if config.schedule == "constant":
        return rate
    progress = min(1.0, (update - warmup) / max(1, config.steps - warmup))  # 0..1
    left = (1 + math.cos(math.pi * progress)) / 2 if config.schedule == "cosine" else (1 - progress) ** 0.9
    return rate * (FINAL + (1 - FINAL) * left)
