"""The folder of a run: what it was started with, its log, and the checkpoints that it goes on from."""
from gluon_r2n2.training.runs.checkpoint import (
    CHECKPOINTS,
    CONFIG,
    STATE,
    Checkpoint,
    find_checkpoint,
    load_network,
    newest_checkpoint,
    read_checkpoint,
)
from gluon_r2n2.training.runs.folder import check_free, facts_of, position, resume_run, start_run
from gluon_r2n2.training.runs.log import RunLog

__all__ = ["CHECKPOINTS", "CONFIG", "STATE", "Checkpoint", "RunLog", "check_free", "facts_of", "find_checkpoint",
           "load_network", "newest_checkpoint", "position", "read_checkpoint", "resume_run", "start_run"]
