"""Training: batches -> updates of a network, and checkpoints that a run goes on from."""
from gluon_r2n2.training.allocator import keep_freed_memory
from gluon_r2n2.training.arrays import set_parameters
from gluon_r2n2.training.config import DTYPES, OPTIMISERS, RECIPES, SCHEDULES, TrainingConfig
from gluon_r2n2.training.devices import contexts, describe
from gluon_r2n2.training.interrupt import StopRequest
from gluon_r2n2.training.runs import (
    Checkpoint,
    RunLog,
    TensorBoard,
    check_free,
    check_resumable,
    facts_of,
    find_checkpoint,
    git_revision,
    load_network,
    load_view_network,
    newest_checkpoint,
    only_writer,
    provenance,
    read_checkpoint,
    read_log,
    resume_run,
    start_run,
)
from gluon_r2n2.training.trainer import NotSaved, Trainer, TrainingStopped
from gluon_r2n2.training.transfer import Transfer, transfer_parameters
from gluon_r2n2.training.validation import Validation

__all__ = ["DTYPES", "OPTIMISERS", "RECIPES", "SCHEDULES", "Checkpoint", "NotSaved", "RunLog", "StopRequest",
           "TensorBoard", "Trainer", "TrainingConfig", "TrainingStopped", "Transfer", "Validation", "check_free",
           "check_resumable", "contexts", "describe", "facts_of", "find_checkpoint", "git_revision",
           "keep_freed_memory", "load_network", "load_view_network", "newest_checkpoint", "only_writer", "provenance",
           "read_checkpoint", "read_log", "resume_run", "set_parameters", "start_run", "transfer_parameters"]
