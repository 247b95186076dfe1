"""A run's state <-> folders on disk that are whole or absent, and verified by SHA-256 whenever they are read.

    RUN/config.json                          what the run was started with
    RUN/log.jsonl                            one line per logged step, validation, checkpoint and resume
    RUN/checkpoints/best.json                the name of the best checkpoint and what it is best in
    RUN/checkpoints/step-00000050/           network.params   parameters, by their place in the network
                                             trainer.states   the optimiser's state
                                             average.params   the moving average of the parameters, where one is kept
                                             state.json       everything else, and the SHA-256 of all of them
"""
from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

import mxnet as mx
from mxnet import gluon

from gluon_r2n2 import files
from gluon_r2n2.errors import ModelError, sees_no_views
from gluon_r2n2.model_zoo import Network, model_from_config
from gluon_r2n2.network import ViewNetwork
from gluon_r2n2.training.arrays import get_parameters, set_parameters, write_arrays

FORMAT = 1
PARAMETERS, OPTIMISER, AVERAGE, STATE = "network.params", "trainer.states", "average.params", "state.json"
CHECKPOINTS, BEST, CONFIG = "checkpoints", "best.json", "config.json"

logger = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Checkpoint:
    """A checkpoint folder whose files have been verified."""

    folder: Path
    state: Dict[str, Any]  # step, epoch, batch, best, threshold, model, training, data, image, version
    weights_sha256: str  # of the file that `weights` reads
    averaged: bool = False  # whether a moving average of the parameters was kept

    def parameters(self) -> Dict[str, mx.nd.NDArray]:
        """The network's parameters as the run goes on from them, on the CPU."""
        return mx.nd.load(str(self.folder / PARAMETERS))

    def average(self) -> Dict[str, mx.nd.NDArray]:
        """The moving average of the parameters where one was kept, on the CPU."""
        return mx.nd.load(str(self.folder / AVERAGE))

    def weights(self) -> Dict[str, mx.nd.NDArray]:
        """What the network is used with, on the CPU: the average where there is one, else the parameters."""
        return self.average() if self.averaged else self.parameters()

    def optimiser(self) -> Dict[str, mx.nd.NDArray]:
        """The optimiser's arrays, on the CPU; see `gluon_r2n2.training.optimiser.get_state`."""
        return mx.nd.load(str(self.folder / OPTIMISER))


def save_checkpoint(run: Path, net: gluon.Block, optimiser: Dict[str, mx.nd.NDArray], state: Dict[str, Any], *,
                    average: Optional[Dict[str, mx.nd.NDArray]] = None) -> Path:
    """Write one checkpoint of *run*, atomically; return its folder.

    Args:
        run: the run's folder.
        net: running statistics are averaged over its devices; all else is equal on them.
        optimiser: arrays by name.
        state: JSON values; ``step`` names the folder.
        average: of the parameters, by name; None: none is kept.

    Raises:
        OSError: the disk is full or read-only; no trace of the checkpoint is left.
    """
    folder = Path(run) / CHECKPOINTS / name_of(state["step"])
    folder.parent.mkdir(parents=True, exist_ok=True)
    with files.atomic_directory(folder) as temporary:
        write_arrays(temporary / PARAMETERS, get_parameters(net))
        write_arrays(temporary / OPTIMISER, optimiser)
        if average is not None:
            write_arrays(temporary / AVERAGE, average)
        content = {"format": FORMAT, "state": state, "files": files.manifest(temporary)}
        files.write_json(temporary / STATE, {**content, "sha256": files.sha256_of_json(content)})
    return folder


def read_checkpoint(folder: Union[str, Path]) -> Checkpoint:
    """Verify a checkpoint folder.

    Raises:
        ModelError: it is no checkpoint, is damaged or was written by a newer version.
    """
    folder = Path(folder)
    path = folder / STATE
    if not path.is_file():
        raise ModelError(f"{folder}: is no checkpoint, it holds no {STATE}; give a run or one of its checkpoints")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        checksum = content.pop("sha256")
        version, state, sums = content["format"], content["state"], content["files"]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ModelError(f"{path}: is damaged, it cannot be read as the JSON of a checkpoint") from None
    if version != FORMAT:
        raise ModelError(f"{path}: has format {version}, this version reads {FORMAT}; use the version that wrote it")
    if files.sha256_of_json(content) != checksum:
        raise ModelError(f"{path}: is damaged, its content has another SHA-256 than the one recorded in it")
    for name, fault in files.damaged(folder, sums).items():
        raise ModelError(f"{folder / name}: {fault}; the checkpoint is damaged, use another one")
    return Checkpoint(folder, state, sums.get(AVERAGE, sums[PARAMETERS]), averaged=AVERAGE in sums)


def list_checkpoints(run: Union[str, Path]) -> List[Path]:
    """The checkpoint folders of a run, the newest first, unverified."""
    return sorted((Path(run) / CHECKPOINTS).glob("step-*"), reverse=True)


def newest_checkpoint(run: Union[str, Path]) -> Optional[Checkpoint]:
    """The newest checkpoint that is whole, or None where the run has none yet; damaged ones are logged as errors.

    Raises:
        ModelError: there are checkpoints, but every one is damaged.
    """
    return _first_whole(list_checkpoints(run), run)


def best_checkpoint(run: Union[str, Path]) -> Optional[Checkpoint]:
    """The checkpoint of a run that did best in validation; else as `newest_checkpoint`."""
    folders = list_checkpoints(run)
    best = best_name(run)
    return _first_whole(sorted(folders, key=lambda folder: folder.name != best), run)  # a stable sort: best, newest..


def best_name(run: Union[str, Path]) -> Optional[str]:
    """The name of the best checkpoint as best.json says; None where there is none."""
    try:
        return json.loads((Path(run) / CHECKPOINTS / BEST).read_text(encoding="utf-8"))["checkpoint"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def name_of(step: int) -> str:
    """The name of a checkpoint's folder."""
    return f"step-{step:08d}"


def record_best(run: Path, best: Optional[Dict[str, Any]]) -> None:
    """Name the best checkpoint in best.json; where that cannot be written now, the next checkpoint tries again.

    Args:
        run: the run's folder.
        best: its ``step`` and score; None: there is none.
    """
    folder = Path(run) / CHECKPOINTS
    name = name_of(best["step"]) if best else None
    if name is None or name == best_name(run) or not (folder / name).is_dir():
        return
    try:
        files.write_json(folder / BEST, {"checkpoint": name, **best})
    except OSError as error:
        logger.warning("%s could not be written (%s), it should name %s", folder / BEST, error.strerror or error, name)


def remove_old(run: Path, keep: int, *, newest: int, best: Optional[Dict[str, Any]] = None) -> None:
    """Remove all but the *keep* newest checkpoints and the best.

    Args:
        run: the run's folder.
        keep: counted from *newest* backwards; what is newer than that is damaged, or the run had not gone on from it.
        newest: the step of the checkpoint just written.
        best: the ``step`` of the best one; what best.json names is kept as well.
    """
    kept = {best_name(run), name_of(best["step"]) if best else None}
    for folder in [each for each in list_checkpoints(run) if each.name <= name_of(newest)][keep:]:
        if folder.name not in kept:
            try:
                files.remove_directory(folder)
            except OSError as error:
                logger.warning("an old checkpoint could not be removed: %s: %s", folder, error.strerror or error)


def load_network(path: Union[str, Path], ctx=None) -> Tuple[Network, Dict[str, Any]]:
    """Load a trained network of any family.

    Args:
        path: a run (its best checkpoint is taken, the newest where there is no best) or a checkpoint folder.
        ctx: a context or a list of them; the CPU by default.

    Returns:
        the network, hybridised, and what is known of it: ``model`` (configuration), ``image`` (size, background,
        colour range), ``threshold`` and ``threshold_source``, ``classes`` (names by synset), ``step``,
        ``checkpoint`` (folder), ``weights_sha256``, ``averaged`` (whether these are the moving average of the
        parameters, which is taken where the run kept one), ``data`` and ``training`` (of the run), ``version``.

    Raises:
        ModelError: the path is no run or checkpoint, or it is damaged or of another architecture.
    """
    path, contexts = Path(path), ctx if isinstance(ctx, (list, tuple)) else [ctx or mx.cpu()]
    checkpoint = find_checkpoint(path)
    state = checkpoint.state
    net = model_from_config(state["model"])
    source = checkpoint.folder / (AVERAGE if checkpoint.averaged else PARAMETERS)
    set_parameters(net, checkpoint.weights(), list(contexts), source=source)
    net.hybridize(static_alloc=True)
    known = {key: state[key] for key in ("model", "image", "threshold", "threshold_source", "step", "data", "training",
                                         "version")}
    return net, {**known, "classes": state["data"]["classes"], "checkpoint": str(checkpoint.folder),
                 "weights_sha256": checkpoint.weights_sha256, "averaged": checkpoint.averaged}


def load_view_network(path: Union[str, Path], ctx=None) -> Tuple[ViewNetwork, Dict[str, Any]]:
    """As `load_network`, where a network is wanted that reconstructs from views.

    Raises:
        ModelError: as `load_network`, or the network is a 3D-GAN.
    """
    net, info = load_network(path, ctx)
    if not isinstance(net, ViewNetwork):
        raise sees_no_views(path)
    return net, info


def find_checkpoint(path: Union[str, Path]) -> Checkpoint:
    """The verified checkpoint that *path* means: itself, or the best of a run.

    Raises:
        ModelError: the path is no run or checkpoint, or it is damaged.
    """
    path = Path(path)
    if not path.is_dir():
        raise ModelError(f"{path}: is no folder; give the folder of a run (--run) or of a checkpoint")
    if (path / STATE).is_file():
        return read_checkpoint(path)
    if not (path / CHECKPOINTS).is_dir() and not (path / CONFIG).is_file():
        raise ModelError(f"{path}: is neither a run (it has no {CHECKPOINTS}/) nor a checkpoint (it has no {STATE})")
    checkpoint = best_checkpoint(path)
    if checkpoint is None:
        raise ModelError(f"{path}: this run has no checkpoint yet; train it further with --resume")
    return checkpoint


def _first_whole(folders: List[Path], run: Union[str, Path]) -> Optional[Checkpoint]:
    for folder in folders:
        try:
            return read_checkpoint(folder)
        except ModelError as error:
            logger.error("skipping a damaged checkpoint: %s", error)
    if folders:
        raise ModelError(f"{run}: all {len(folders)} checkpoints are damaged; train anew into another folder")
    return None
