"""The folder of a run: starting one, and taking one up again."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Optional

from gluon_r2n2 import files
from gluon_r2n2.errors import ModelError
from gluon_r2n2.model_zoo import RECURRENT, config_from_dict, family_of
from gluon_r2n2.training.adversarial.config import AdversarialConfig
from gluon_r2n2.training.config import RunConfig, TrainingConfig, differences
from gluon_r2n2.training.runs.checkpoint import CHECKPOINTS, CONFIG, Checkpoint
from gluon_r2n2.training.runs.lock import LOCK
from gluon_r2n2.training.runs.log import LOG

REPEATED = ("step", "skipped", "validation", "checkpoint")  # events that come again when steps are repeated


def check_free(run: Path) -> None:
    """Raise a ModelError where the folder of a new run exists and holds more than what a start cut short leaves."""
    if run.is_dir() and any(entry.name != LOCK and not entry.name.endswith(files.TEMPORARY) for entry in run.iterdir()):
        raise ModelError(f"{run}: exists already; continue that run with --resume, or choose another folder")


def start_run(run: Path, facts: Dict[str, Any]) -> None:
    """Make the folder of a new run and write its config.json.

    Raises:
        ModelError: the folder exists and is not empty.
        OSError: it cannot be made.
    """
    check_free(run)
    run.mkdir(parents=True, exist_ok=True)
    files.remove_unfinished(run)
    files.write_json(run / CONFIG, facts)  # first: from here on it can be resumed, up to here it can be started again
    (run / CHECKPOINTS).mkdir()


def read_run(run: Path) -> Dict[str, Any]:
    """The facts that a run was started with.

    Raises:
        ModelError: the folder is no run.
    """
    try:
        facts = json.loads((run / CONFIG).read_text(encoding="utf-8"))
        if all(isinstance(facts.get(section), dict) for section in ("model", "training", "data", "image")):
            return {**facts, "training": _known(facts, run / CONFIG).as_dict()}
    except (FileNotFoundError, NotADirectoryError):
        raise ModelError(f"{run}: there is no run to resume, it holds no {CONFIG}; leave --resume out to start one"
                         ) from None
    except ModelError:
        raise
    except (ValueError, AttributeError, TypeError, RecursionError):
        pass
    raise ModelError(f"{run / CONFIG}: is damaged, it cannot be read as the JSON of a run")


def check_resumable(run: Path, saved: Dict[str, Any], facts: Dict[str, Any]) -> None:
    """Check that a run saved with the facts *saved* can go on with *facts*.

    Options that *saved* lacks, as it is of an earlier version, have their default there.

    Raises:
        ModelError: model, data, preprocessing or training options differ; every difference is named.
    """
    found = []
    saved = {**saved, "model": config_from_dict(saved["model"]).as_dict(), "training": training_of(saved).as_dict()}
    for section, ignored in (("model", ()), ("image", ()), ("training", ()), ("data", ("path",))):  # data may move
        before, now = ({key: value for key, value in each[section].items() if key not in ignored}
                       for each in (saved, facts))
        found += differences(before, now, what=section)
    if found:
        raise ModelError(f"{run}: cannot be resumed with other options: {'; '.join(found)}; choose another folder "
                         "(and --init-from to start from these weights)")


def resume_run(run: Path, saved: Dict[str, Any], facts: Dict[str, Any]) -> None:
    """Take up a run saved with the facts *saved*, with *facts*; clear what an interruption left.

    What the log tells of steps after those of *saved*, which come again, is taken out.

    Raises:
        ModelError: as `check_resumable`.
        OSError: the folder cannot be written to.
    """
    check_resumable(run, saved, facts)
    files.remove_unfinished(run)
    (run / CHECKPOINTS).mkdir(exist_ok=True)
    files.remove_unfinished(run / CHECKPOINTS)
    files.write_json(run / CONFIG, facts)
    _rewind_log(run / LOG, saved.get("step", 0))


def position(step: int, batches_per_epoch: int) -> Dict[str, int]:
    """Where in the data a run is after *step* steps: the epoch and the number of its batches used up."""
    epoch, batch = divmod(step, batches_per_epoch)
    return {"epoch": epoch, "batch": batch}


def facts_of(checkpoint: Optional[Checkpoint], run: Path) -> Dict[str, Any]:
    """What a run was made with: from its newest whole checkpoint, or from config.json where it has none yet.

    Raises:
        ModelError: the folder is no run, or one of a version with other recipes or options.
    """
    if checkpoint is None:
        return read_run(run)
    _known(checkpoint.state, checkpoint.folder)
    return checkpoint.state


def _rewind_log(path: Path, step: int) -> None:
    """Take the events that come again after *step* out of a log, and a line that was cut off."""
    def stays(line: bytes) -> bool:
        try:
            event = json.loads(line)
            return event["step"] <= step or event["event"] not in REPEATED
        except (ValueError, TypeError, KeyError):
            return False

    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    kept = [line for line in lines if stays(line)]
    if kept != lines:
        with files.atomic_path(path) as temporary:
            temporary.write_bytes(b"".join(kept))


def training_of(facts: Dict[str, Any]) -> RunConfig:
    """The training options of a run, of the kind that its network has.

    Raises:
        ModelError: an option that this version does not know.
    """
    recurrent = family_of(config_from_dict(facts.get("model", {}))) == RECURRENT
    return (TrainingConfig if recurrent else AdversarialConfig).from_dict(facts["training"])


def _known(facts: Dict[str, Any], source: Path) -> RunConfig:
    """The training options of *facts*, where this version knows them all."""
    try:
        return training_of(facts)
    except ModelError as error:
        raise ModelError(f"{source}: holds a training option of another version ({error}); go on with that version, or "
                         "start a new run from these weights with --init-from") from None
