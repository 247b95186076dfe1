"""What a training starts from instead of drawn weights: ImageNet's in the backbone, or others (--init-from)."""
from __future__ import annotations

from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Tuple

import mxnet as mx

from gluon_r2n2 import training
from gluon_r2n2.backbone import load_imagenet
from gluon_r2n2.conversion import load_weights
from gluon_r2n2.deployment import exported_parameters, is_artefact, list_pretrained, pretrained_path
from gluon_r2n2.deployment.artefact import PARAMETERS
from gluon_r2n2.errors import ModelError
from gluon_r2n2.files import sha256


def give_first_weights(net, devices: List[mx.Context], init_from: Optional[Path],
                       pretrained_backbone: bool, *, tell: Callable[[str], None] = print) -> Dict[str, Any]:
    """Give the initialised *net* what the flags ask for; return what to record, as JSON values.

    Args:
        tell: gets lines for the user on what was taken.

    Raises:
        ModelError: what a flag names is not there, damaged, or fits nowhere.
    """
    if pretrained_backbone:
        load_imagenet(net)
        return {"pretrained_backbone": net.encoder.stages.backbone.name_in_zoo}
    if init_from is None:
        return {}
    source, arrays, checksum = read_weights(init_from)
    transfer = training.transfer_parameters(net, arrays, devices, source=init_from)
    tell(f"--init-from: {len(transfer.taken)} of {transfer.wanted} parameters taken from {source}"
         + (", the others keep their first values:" if transfer.left else ""))
    for line in transfer.reasons():
        tell(f"  {line}")
    return {"init_from": str(source.absolute()), "weights_sha256": checksum, "taken": len(transfer.taken),
            "of": transfer.wanted}


def repeat_first_weights(net, devices: List[mx.Context], record: Dict[str, Any], *,
                         tell: Callable[[str], None] = print) -> None:
    """Give *net* what it had, by the *record*, before a run was interrupted that has no checkpoint yet.

    Raises:
        ModelError: that is no longer to be had.
    """
    path = Path(record["init_from"]) if "init_from" in record else None
    if give_first_weights(net, devices, path, "pretrained_backbone" in record, tell=tell) != record:
        raise ModelError(f"{path}: holds other weights than when this run was started from it, and the run has no "
                         "checkpoint of its own yet; remove its folder and start it anew")


def comes_along(path: Path) -> bool:
    """Whether *path* is no path but the name of a model that comes with the package."""
    return not path.exists() and str(path) in list_pretrained()


def read_weights(path: Path) -> Tuple[Path, Dict[str, mx.nd.NDArray], str]:
    """Parameters by their place in a network: of a run, a checkpoint, an exported model or a .params file.

    Returns:
        (what was read, the arrays, the SHA-256 of their file)

    Raises:
        ModelError: it is none of these, or damaged.
    """
    if comes_along(path):
        path = pretrained_path(str(path))
    if path.name == PARAMETERS and is_artefact(path.parent):
        path = path.parent
    if is_artefact(path):
        return path, exported_parameters(path), sha256(path / PARAMETERS)
    if path.is_dir():
        checkpoint = training.find_checkpoint(path)
        return checkpoint.folder, checkpoint.weights(), checkpoint.weights_sha256
    if not path.exists():
        raise ModelError(f"--init-from {path}: no such file or folder; give a run, a checkpoint, an exported model, a "
                         "file of weights such as tools/import_weights.py writes"
                         + "".join(f", or {name}" for name in list_pretrained()))
    return path, {name: mx.nd.array(array) for name, array in load_weights(path).items()}, sha256(path)
