"""Published weights, step 2 of 3: the original's positional list of arrays -> parameters by name, in our layouts.

The original saves its parameters as an unnamed list in the order in which its layers were made. Its convolutions are
true convolutions (the kernel is flipped; MXNet computes a cross-correlation) over (B, D, C, H, W); its dense layers
multiply from the left, x W.

Source: models/gru_net.py, models/res_gru_net.py, lib/layers.py and models/net.py (`save`) of the original; of the two
networks with a 1x1x1 recurrent kernel, models/mv_gru_net.py and models/mv_lstm_net.py of its history.
"""
from __future__ import annotations

import dataclasses
from typing import Dict, Iterator, List, Optional, Sequence, Tuple, cast

import numpy as np

from gluon_r2n2.config import GRID, ModelConfig
from gluon_r2n2.errors import ModelError
from gluon_r2n2.model_zoo import list_models, model_config
from gluon_r2n2.network import R2N2
from gluon_r2n2.training.arrays import named_parameters

STAGES = 6  # of the encoder; the original numbers its convolutions from 1 on, fc7 is the dense layer

# our axis i of a weight is the original's axis AXES[layout][i], its last FLIPPED[layout] axes turned round
AXES = {
    "convolution": (0, 1, 2, 3),  # (O, I, H, W)
    "volume convolution": (0, 2, 1, 3, 4),  # (O, D, I, H, W) -> (O, I, D, H, W)
    # (O, D, I, H, W) -> (I, O, D, H, W). A transposed convolution spreads its kernel as it is, which is a true
    # convolution of the unpooled tensor: the two flips cancel
    "doubling": (2, 0, 1, 3, 4),
    "dense": (1, 0),  # (in, out) -> (out, in)
    "projection": (1, 0),  # the same, but see `to_our_layout`
    "bias": (0,),
}
FLIPPED = {"convolution": 2, "volume convolution": 3}

# suffix of the original's layer -> (our block, layout of its weight), for each kind of encoder
ENCODER = {
    "plain": {"": ("conv.0", "convolution")},
    "residual": {"a": ("conv_a.0", "convolution"), "b": ("conv_b.0", "convolution"),
                 "c": ("conv_skip.0", "convolution")},
}
DECODER = {
    "plain": {"": ("conv_a.0", "doubling")},
    "residual": {"a": ("conv_a.0", "doubling"), "b": ("conv_b.0", "volume convolution"), "c": ("skip", "doubling")},
}
TAIL = {
    "plain": {"": ("conv_a.0", "volume convolution")},
    "residual": {suffix: (f"conv_{suffix}.0", "volume convolution") for suffix in "abc"},
}
# the original's gates in its order -> the block that holds their state weights, stacked along the first axis
GATES = {
    "gru": {"t_x_s_update": "cell.gates", "t_x_s_reset": "cell.gates", "t_x_rs": "cell.candidate"},
    "lstm": {"in_gate_b": "cell.gates", "forget_gate_b": "cell.gates", "in_transform_b": "cell.gates"},
}


@dataclasses.dataclass(frozen=True)
class OriginalParameter:
    """One entry of the original's list, and where it goes."""

    layer: str  # the original's name of the layer, 'conv1a'
    role: str  # 'W' weight, 'b' bias; of a gate 'Wh' (of the state), 'Wx' (of the view code) and 'b'
    shape: Tuple[int, ...]  # in the original's layout
    target: str  # our parameter; several entries of one target are stacked along its first axis, in this order
    layout: str  # a key of AXES

    @property
    def name(self) -> str:
        return f"{self.layer}.{self.role}"


class NamedList(List[np.ndarray]):
    """The original's list of a file that names its entries ('conv1a.W'): GRU and LSTM differ in nothing else."""

    def __init__(self, arrays: Sequence[np.ndarray], names: Sequence[str]):
        super().__init__(arrays)
        self.names = list(names)


def original_parameters(config: ModelConfig) -> List[OriginalParameter]:
    """The original's parameters of a network, in its order: 63 for Res3D-GRU-3, 33 for the plain variants.

    Widths and input sizes that the original never had follow the same scheme.

    Raises:
        ModelError: the original has no such network; the option is named.
    """
    _require_original(config)
    ours = {name: tuple(parameter.shape) for name, parameter in named_parameters(R2N2(config)).items()}
    entries = [entry for entry in _entries(config) if entry[2] in ours]  # stages without a skip have no 'c'
    targets = [target for _, _, target, _ in entries]
    if set(targets) != set(ours):
        raise ModelError(f"the original has nothing for {', '.join(sorted(set(ours) - set(targets))[:3])}; "
                         "its weights fit the published variants only")
    found = []
    for layer, role, target, layout in entries:
        shape = ours[target]
        shape = (shape[0] // targets.count(target),) + shape[1:]  # one entry's part of the stack
        axes = AXES[layout]
        found.append(OriginalParameter(layer, role, tuple(shape[axes.index(axis)] for axis in range(len(axes))),
                                       target, layout))
    return found


def convert_original(arrays: Sequence[np.ndarray], config: ModelConfig, *,
                     source: str = "the list") -> Dict[str, np.ndarray]:
    """The original's list of parameters -> arrays by the names of our network's parameters, in our layouts.

    Values are moved, never changed: any dtype goes through. The arrays are C-contiguous copies.

    Raises:
        ModelError: a wrong count, shape or, in a `NamedList`, name (position, layer, shape wanted and got, and the
            variant that would fit), or a network that the original does not have. *source* is named in it.
    """
    wanted = original_parameters(config)
    shapes, names = [np.shape(array) for array in arrays], getattr(arrays, "names", None)
    if names is not None:
        expected = [parameter.name for parameter in wanted]
        for name in names:
            if name not in expected:
                raise ModelError(f"{source}: holds {name}, which this network of the original does not have"
                                 + _fitting(shapes, names))
        for name in expected:
            if name not in names:
                raise ModelError(f"{source}: {name} of this network of the original is missing"
                                 + _fitting(shapes, names))
    if len(shapes) != len(wanted):
        raise ModelError(f"{source}: holds {len(shapes)} arrays, this network of the original has {len(wanted)}"
                         + _fitting(shapes, names))
    for position, (shape, parameter) in enumerate(zip(shapes, wanted)):
        if shape != parameter.shape:
            raise ModelError(f"{source}: array {position} ({parameter.name}) has shape {shape}, this network of the "
                             f"original wants {parameter.shape}" + _fitting(shapes, names))
    parts: Dict[str, List[np.ndarray]] = {}
    for array, parameter in zip(arrays, wanted):
        parts.setdefault(parameter.target, []).append(to_our_layout(np.asarray(array), parameter.layout))
    return {target: np.ascontiguousarray(np.concatenate(stack)) for target, stack in parts.items()}


def to_our_layout(array: np.ndarray, layout: str) -> np.ndarray:
    """One array of the original in our layout; see AXES."""
    if layout == "projection":  # columns ordered (D, C, H, W) -> (C, D, H, W), as our grid is
        code = array.shape[0]
        array = array.reshape(code, GRID, -1, GRID, GRID).transpose(0, 2, 1, 3, 4).reshape(code, -1)
    array = array.transpose(AXES[layout])
    return np.flip(array, axis=tuple(range(array.ndim - FLIPPED.get(layout, 0), array.ndim)))


def in_original_order(arrays: Dict[str, np.ndarray], *, source: str) -> NamedList:
    """Arrays named by the original's layers and roles ('conv1a.W') as its list.

    Raises:
        ModelError: a name that belongs to none of its networks, or to another one than the rest.
    """
    unknown: List[str] = []
    for config in published_configs().values():
        order = [f"{layer}.{role}" for layer, role, _, _ in _entries(config)]
        others = [name for name in arrays if name not in order]
        if not others:
            found = [name for name in order if name in arrays]
            return NamedList([arrays[name] for name in found], found)
        unknown = others if not unknown else min(unknown, others, key=len)
    raise ModelError(f"{source}: the original has no network with the array {unknown[0]!r} beside the others; its "
                     "arrays are called arr_0, arr_1, ... or LAYER.ROLE such as 'conv1a.W'")


def published_configs() -> Dict[str, ModelConfig]:
    """The published variants as the original has them, whatever the zoo's defaults are."""
    configs = {name: cast(ModelConfig, model_config(name)) for name in list_models("recurrent")}
    return {name: dataclasses.replace(config, norm=None, upsample="unpool", resolution=32, leak=0.01)
            for name, config in configs.items() if config.encoder in ENCODER}


def matching_variants(shapes: Sequence[Tuple[int, ...]], names: Optional[Sequence[str]] = None) -> List[str]:
    """The published variants whose list in the original has exactly these *shapes*; GRU and LSTM share theirs.

    *names* of the entries, where they are known, must agree too.
    """
    lists = {name: original_parameters(config) for name, config in published_configs().items()}
    return [name for name, parameters in lists.items()
            if [parameter.shape for parameter in parameters] == list(shapes)
            and (names is None or [parameter.name for parameter in parameters] == list(names))]


def _entries(config: ModelConfig) -> Iterator[Tuple[str, str, str, str]]:
    """(layer, role, our parameter, layout) in the original's order, with a skip 'c' in every residual stage."""
    def both(layer: str, block: str, layout: str):
        yield layer, "W", f"{block}.weight", layout
        yield layer, "b", f"{block}.bias", "bias"

    for stage in range(STAGES):  # conv1 to conv6
        for suffix, (block, layout) in ENCODER[config.encoder].items():
            yield from both(f"conv{stage + 1}{suffix}", f"encoder.stages.{stage}.{block}", layout)
    yield from both("fc7", "encoder.dense", "dense")
    for gate, block in GATES[config.cell].items():
        yield gate, "Wh", f"{block}.weight", "volume convolution"
        yield gate, "Wx", "projection.dense.weight", "projection"
        yield gate, "b", f"{block}.bias", "bias"
    for stage in range(3):  # conv7 to conv9, up to 32^3
        for suffix, (block, layout) in DECODER[config.encoder].items():
            yield from both(f"conv{stage + 7}{suffix}", f"decoder.stages.{stage}.{block}", layout)
    for suffix, (block, layout) in TAIL[config.encoder].items():
        yield from both(f"conv10{suffix}", f"decoder.tail.{block}", layout)
    yield from both("conv11", "decoder.logits", "volume convolution")


def _require_original(config: ModelConfig) -> None:
    for option, value, known in (("encoder", config.encoder, tuple(ENCODER)), ("cell", config.cell, tuple(GATES)),
                                 ("norm", config.norm, (None,)), ("upsample", config.upsample, ("unpool",)),
                                 ("resolution", config.resolution, (32,))):
        if value not in known:
            raise ModelError(f"the original has no network with {option}={value!r}, so its weights cannot be "
                             f"converted for one; use {option}={' or '.join(map(repr, known))}")


def _fitting(shapes: Sequence[Tuple[int, ...]], names: Optional[Sequence[str]]) -> str:
    variants = matching_variants(shapes, names)
    if variants:
        return f"; the list fits --model {' or '.join(variants)}"
    return "; it fits none of the published variants, so check that it is the file you mean"
