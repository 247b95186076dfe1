"""Published weights, all steps: a file of any of the known kinds -> checked float32 parameters by name."""
from __future__ import annotations

from pathlib import Path
from typing import Dict, List, Union

import numpy as np

from gluon_r2n2.config import ModelConfig
from gluon_r2n2.conversion.numpy_files import original_list, read_bytes
from gluon_r2n2.conversion.original import (
    convert_original,
    matching_variants,
    original_parameters,
    published_configs,
)
from gluon_r2n2.conversion.torch_files import is_checkpoint, read_state
from gluon_r2n2.conversion.torch_port import convert_port, port_variants
from gluon_r2n2.errors import ModelError, unknown_name

# the original's list of arrays, or the state dict of its PyTorch port
Published = Union[List[np.ndarray], Dict[str, np.ndarray]]


def import_weights(path: Union[str, Path], *, model: Union[str, ModelConfig, None] = None,
                   original_wiring: bool = False) -> Dict[str, np.ndarray]:
    """The weights in *path* as float32 arrays by the names of our parameters.

    Args:
        path: the original's .npy file, a .npz file of the same arrays, or a checkpoint of its PyTorch port.
        model: a published variant, or a configuration that follows its scheme (another width or input size); None
            for the variant that the file fits.
        original_wiring: see `gluon_r2n2.conversion.convert_port`.

    Raises:
        ModelError: the file is none of these or damaged, or its arrays are not this network's in number, names,
            shapes, number type or finite values.
        OSError: the file cannot be read.
    """
    published = read_published(path)
    if model is None:
        model = detect_model(published, source=str(path))
    return convert_published(published, model, source=str(path), original_wiring=original_wiring)


def read_published(path: Union[str, Path]) -> Published:
    """What a file of weights holds, as it is there: the original's list, or the state dict of the PyTorch port.

    Raises:
        ModelError: another kind of file, or a damaged one.
        OSError: the file cannot be read.
    """
    data = read_bytes(path)
    return read_state(data, str(path)) if is_checkpoint(data) else original_list(data, str(path))


def detect_model(published: Published, *, source: str) -> str:
    """The published variant that the arrays fit.

    Raises:
        ModelError: none, or more than one: a GRU and an LSTM of one kernel have the same shapes in the original.
    """
    if isinstance(published, dict):
        variants = port_variants(published)
        if not variants:
            convert_port(published, published_configs()["gru_3"], source=source)  # says what does not fit
    else:
        variants = matching_variants([array.shape for array in published], getattr(published, "names", None))
        if not variants:
            raise ModelError(f"{source}: its {len(published)} arrays fit none of the published variants "
                             f"({', '.join(published_configs())}); check that it is the file you mean")
    if len(variants) > 1:
        raise ModelError(f"{source}: fits {' and '.join(variants)}, whose arrays have the same shapes; say with "
                         "--model which one it is")
    return variants[0]


def convert_published(published: Published, model: Union[str, ModelConfig], *, source: str,
                      original_wiring: bool = False) -> Dict[str, np.ndarray]:
    """What `read_published` gave -> checked float32 arrays by the names of our parameters; see `import_weights`."""
    config = model if isinstance(model, ModelConfig) else _published_config(model)
    if isinstance(published, dict):
        converted = convert_port(published, config, source=source, original_wiring=original_wiring)
        labelled = {f"parameter {name}": array for name, array in published.items()}
    else:
        converted = convert_original(published, config, source=source)
        labelled = {f"array {position} ({parameter.name})": array for position, (parameter, array)
                    in enumerate(zip(original_parameters(config), published))}
    for label, array in labelled.items():
        if array.dtype.kind != "f":
            raise ModelError(f"{source}: {label} holds {array.dtype}, weights are floating-point numbers; check that "
                             "it is the file you mean")
        with np.errstate(over="ignore"):  # float32 holds up to 3.4e38; a float64 beyond it becomes infinite
            finite = np.isfinite(array.astype(np.float32, copy=False)).all()
        if not finite:
            raise ModelError(f"{source}: {label} holds values that are not finite, so the training that made it had "
                             "failed, or the file is damaged; use another one")
    return {name: array.astype(np.float32, copy=False) for name, array in converted.items()}


def _published_config(name: str) -> ModelConfig:
    configs = published_configs()
    if name not in configs:
        raise unknown_name("published model", name, configs)
    return configs[name]
