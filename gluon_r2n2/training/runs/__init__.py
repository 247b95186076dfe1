"""The folder of a run: what it was started with, its log, and the checkpoints that it goes on from."""
from gluon_r2n2.training.runs.checkpoint import (
    CHECKPOINTS,
    CONFIG,
    STATE,
    Checkpoint,
    find_checkpoint,
    load_network,
    load_view_network,
    newest_checkpoint,
    read_checkpoint,
)
from gluon_r2n2.training.runs.folder import check_free, check_resumable, facts_of, position, resume_run, start_run
from gluon_r2n2.training.runs.lock import only_writer
from gluon_r2n2.training.runs.log import NoLog, RunLog, read_log
from gluon_r2n2.training.runs.provenance import ENVIRONMENT, git_revision, provenance
from gluon_r2n2.training.runs.tensorboard import TensorBoard

__all__ = ["CHECKPOINTS", "CONFIG", "ENVIRONMENT", "STATE", "Checkpoint", "NoLog", "RunLog", "TensorBoard",
           "check_free", "check_resumable", "facts_of", "find_checkpoint", "git_revision", "load_network",
           "load_view_network", "newest_checkpoint", "only_writer", "position", "provenance", "read_checkpoint",
           "read_log", "resume_run", "start_run"]
