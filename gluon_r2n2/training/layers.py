"""Patterns of parameter names -> which layers of a network learn, and how fast."""
from __future__ import annotations

import difflib
import fnmatch
from typing import Iterable, List, Set, Tuple

from mxnet import gluon
from mxnet.gluon import nn

from gluon_r2n2.errors import ModelError
from gluon_r2n2.training.arrays import named_parameters
from gluon_r2n2.training.config import TrainingConfig

ALIASES = {
    "backbone": "encoder.stages.backbone",  # of the networks that have one of gluon-cv's
    "upsampling": "decoder.stages.*.interpolate",  # of --upsample trilinear, the one that is a layer of its own
}


def set_layers(net: gluon.Block, config: TrainingConfig) -> None:
    """Freeze the layers of config.freeze and give those of config.lr_mult their factors, in place.

    A frozen parameter has no gradient. Batch normalisation whose running statistics match, or both of whose other
    parameters do, is used as in inference, so that its statistics stay as they are: MXNet moves them in the backward
    pass, which a layer with nothing to learn in it or before it does not have. Where several factors match, the last
    one counts.

    Args:
        net: not run since it was hybridised.

    Raises:
        ModelError: a pattern that matches nothing, a factor that is none, or nothing is left to learn.
    """
    parameters = named_parameters(net)
    for entry in config.lr_mult:
        pattern, factor = parse_factor(entry)
        for name in matching(pattern, parameters, flag="--lr-mult"):
            if parameters[name].lr_mult:  # 0: a layer that its network has frozen, as upsampling 'trilinear_frozen'
                parameters[name].lr_mult = factor
    frozen = {name for pattern in config.freeze for name in matching(pattern, parameters, flag="--freeze")}
    for name in frozen:
        parameters[name].grad_req = "null"
    if not any(parameter.grad_req != "null" and parameter.lr_mult for parameter in parameters.values()):
        raise ModelError(f"--freeze {', '.join(config.freeze)}: leaves nothing of this network to learn; freeze less")
    if frozen:
        fixed = {id(parameters[name]) for name in frozen}
        net.apply(lambda block: _fix_statistics(block, fixed))


def matching(pattern: str, names: Iterable[str], *, flag: str) -> List[str]:
    """The names that *pattern* means: an alias, or an fnmatch pattern of parameters or of whole blocks.

    `encoder`, `decoder.stages.0`, `*.bias` and `encoder.*.weight` are such patterns.

    Raises:
        ModelError: there are none; *flag* is named, and the nearest that there is.
    """
    wanted = ALIASES.get(pattern, pattern)
    found = [name for name in names if any(fnmatch.fnmatchcase(part, wanted) for part in _prefixes(name))]
    if found:
        return found
    if pattern in ALIASES:
        raise ModelError(f"{flag} {pattern}: this network has no {wanted}; leave it out or choose another --model or "
                         "--upsample")
    choices = dict.fromkeys([*ALIASES, *(part for name in names for part in _prefixes(name))])
    near = difflib.get_close_matches(pattern, choices, n=1, cutoff=0)
    raise ModelError(f"{flag} {pattern}: no parameter of this network is called so; the nearest name is {near[0]!r}")


def parse_factor(entry: str) -> Tuple[str, float]:
    """'PATTERN=FACTOR' -> both.

    Raises:
        ModelError: it is not of that form, or the factor not above 0.
    """
    pattern, _, factor = entry.rpartition("=")
    try:
        value = float(factor)
    except ValueError:
        value = 0.0
    if not pattern or not 0 < value < float("inf"):
        raise ModelError(f"--lr-mult {entry}: a pattern and a factor above 0 are wanted, such as encoder=0.1; layers "
                         "that are not to learn go to --freeze")
    return pattern, value


def _prefixes(name: str) -> List[str]:
    """'a.b.c' -> ['a', 'a.b', 'a.b.c']: the blocks that a parameter lies in, and itself."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _fix_statistics(block: gluon.Block, fixed: Set[int]) -> None:
    if isinstance(block, nn.BatchNorm) and (id(block.running_mean) in fixed
                                            or {id(block.gamma), id(block.beta)} <= fixed):
        block._kwargs["use_global_stats"] = True  # what the layer hands to the operator
