"""Training: batches -> updates of a network, and checkpoints that a run goes on from."""
from gluon_r2n2.training.allocator import keep_freed_memory
from gluon_r2n2.training.arrays import set_parameters
from gluon_r2n2.training.config import OPTIMISERS, RECIPES, SCHEDULES, TrainingConfig
from gluon_r2n2.training.devices import contexts, describe
from gluon_r2n2.training.runs import (
    Checkpoint,
    check_free,
    facts_of,
    find_checkpoint,
    load_network,
    newest_checkpoint,
    read_checkpoint,
    resume_run,
    start_run,
)
from gluon_r2n2.training.trainer import Trainer, TrainingStopped
from gluon_r2n2.training.validation import Validation

__all__ = ["OPTIMISERS", "RECIPES", "SCHEDULES", "Checkpoint", "Trainer", "TrainingConfig", "TrainingStopped",
           "Validation", "check_free", "contexts", "describe", "facts_of", "find_checkpoint", "keep_freed_memory",
           "load_network", "newest_checkpoint", "read_checkpoint", "resume_run", "set_parameters", "start_run"]
