"""Published weights, step 2 of 3: the state dict of the common PyTorch port -> parameters by name, in our layouts.

The port (github.com/heromanba/3D-R2N2-PyTorch and its forks) has three networks:

- ``GRUNet``, the original's 3D-GRU-3: converted.
- ``ResidualGRUNet`` without batch normalisation: has the original's parameters, but feeds convolution 10c with the
  output of 10b, not of 10a. This network cannot give its outputs, so its weights are refused.
- ``ResidualGRUNet`` with batch normalisation: a network of its own (another block 4, 5 and 10, LeakyReLU after the
  additions, statistics per view), refused.

The port computes cross-correlations over (B, C, D, H, W) like MXNet, so kernels are not flipped.

Source: models/gru_net.py, models/res_gru_net*.py and lib/layers.py of the port.
"""
from __future__ import annotations

from typing import Dict, List, Tuple

import numpy as np

from gluon_r2n2.config import ModelConfig
from gluon_r2n2.conversion.original import OriginalParameter, original_parameters, published_configs
from gluon_r2n2.errors import ModelError

ROLES = {"W": "weight", "b": "bias", "Wh": "conv3d.weight", "Wx": "fc_layer.weight"}  # the original's -> the port's


def convert_port(state: Dict[str, np.ndarray], config: ModelConfig, *, source: str = "the state dict",
                 original_wiring: bool = False) -> Dict[str, np.ndarray]:
    """The port's state dict -> arrays by the names of our network's parameters, in our layouts; any dtype.

    With *original_wiring*, weights of a residual network are taken: of a copy of the port that feeds 10c as the
    original does, or to go on training from.

    Raises:
        ModelError: a network that the port does not have, one wired differently, or other names or shapes.
    """
    if config.cell != "gru":
        raise ModelError(f"{source}: is a checkpoint of the PyTorch port, which has no network with "
                         f"cell={config.cell!r}; use --model gru_3")
    _refuse_normalised(state, source)
    wanted = {port_name(parameter): parameter for parameter in original_parameters(config)}
    _compare(state, {name: port_shape(parameter) for name, parameter in wanted.items()}, source)
    if config.encoder == "residual" and not original_wiring:
        raise ModelError(f"{source}: holds the PyTorch port's ResidualGRUNet, which feeds convolution 10c with the "
                         "output of 10b where the original feeds it with that of 10a; no network here gives its "
                         "outputs, so it is refused. Where its code was mended, or to go on training from it, say so "
                         "with --original-wiring")
    parts: Dict[str, List[np.ndarray]] = {}
    for name, parameter in wanted.items():
        parts.setdefault(parameter.target, []).append(_to_our_layout(np.asarray(state[name]), parameter.layout))
    return {target: np.ascontiguousarray(np.concatenate(stack)) for target, stack in parts.items()}


def to_port(arrays: Dict[str, np.ndarray], config: ModelConfig) -> Dict[str, np.ndarray]:
    """The other way: arrays by the names of our network's parameters, or their gradients -> the port's state dict.

    Of a residual network it is for a port that is wired as the original.

    Raises:
        ModelError: the original has no such network.
    """
    state, used = {}, dict.fromkeys(arrays, 0)
    for parameter in original_parameters(config):
        shape = port_shape(parameter)
        rows = len(_to_our_layout(np.empty(shape, bool), parameter.layout))
        part = arrays[parameter.target][used[parameter.target]:][:rows]  # gates are stacked along the first axis
        used[parameter.target] += rows
        # to turn a kernel round and to swap its axes is its own inverse
        state[port_name(parameter)] = np.ascontiguousarray(_to_our_layout(part, parameter.layout).reshape(shape))
    return state


def port_name(parameter: OriginalParameter) -> str:
    """The port's name of one of the original's parameters, 'encoder.conv1a.weight'."""
    part = "decoder" if parameter.target.startswith("decoder") else "encoder"  # the port's encoder holds the gates
    return f"{part}.{parameter.layer}.{ROLES[parameter.role]}"


def port_shape(parameter: OriginalParameter) -> Tuple[int, ...]:
    """Its shape there."""
    shape = parameter.shape
    if len(shape) == 5:  # (O, D, I, H, W) -> (O, I, D, H, W)
        return shape[0], shape[2], shape[1], shape[3], shape[4]
    if len(shape) == 2:  # (in, out) -> (out, in)
        return shape[::-1]
    if parameter.layout == "bias" and not parameter.layer.startswith(("conv", "fc")):
        return (1,) + shape + (1, 1, 1)  # of a gate: as it is added to (B, C, D, H, W)
    return shape


def port_variants(state: Dict[str, np.ndarray]) -> List[str]:
    """The published variants whose state dict in the port has exactly these names and shapes."""
    shapes = {name: array.shape for name, array in state.items()}
    return [name for name, config in published_configs().items() if config.cell == "gru" and shapes == {
        port_name(parameter): port_shape(parameter) for parameter in original_parameters(config)}]


def _to_our_layout(array: np.ndarray, layout: str) -> np.ndarray:
    if layout == "doubling":
        # (O, I, D, H, W), a cross-correlation of the unpooled tensor -> (I, O, D, H, W), spread kernel, turned round
        return np.flip(array.transpose(1, 0, 2, 3, 4), axis=(2, 3, 4))
    return array.reshape(-1) if layout == "bias" else array


def _refuse_normalised(state: Dict[str, np.ndarray], source: str) -> None:
    normalised = [name for name in state if name.endswith("running_mean") or ".bn" in name]
    if normalised:
        raise ModelError(f"{source}: holds the PyTorch port's network with batch normalisation ({normalised[0]!a}), "
                         "which differs from the original in blocks 4, 5 and 10 and in the order of its activations; "
                         "no network here gives its outputs, so it is refused")


def _compare(state: Dict[str, np.ndarray], wanted: Dict[str, Tuple[int, ...]], source: str) -> None:
    variants = port_variants(state)
    hint = f"; it fits --model {' or '.join(variants)}" if variants else "; check that it is the file you mean"
    for name in wanted:
        if name not in state:
            raise ModelError(f"{source}: is no checkpoint of the PyTorch port's network for this model, {name} is "
                             f"missing{hint}")
    for name, array in state.items():
        if name not in wanted:
            raise ModelError(f"{source}: is no checkpoint of the PyTorch port's network for this model, {name!a} is "
                             f"unknown to it{hint}")
        if array.shape != wanted[name]:
            raise ModelError(f"{source}: {name} has shape {array.shape}, this network of the PyTorch port wants "
                             f"{wanted[name]}{hint}")
