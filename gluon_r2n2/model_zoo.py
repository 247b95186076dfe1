"""The published variants by name: `get_model("res3d_gru_3")`, `list_models()`."""
from __future__ import annotations

import dataclasses
from typing import Any, Dict, List

from gluon_r2n2.config import ModelConfig
from gluon_r2n2.errors import ModelError, unknown_name
from gluon_r2n2.network import R2N2

_MODELS: Dict[str, ModelConfig] = {}


def register(name: str, config: ModelConfig) -> None:
    """Make *config* available as *name*.

    Raises:
        ModelError: the name is taken.
    """
    if name in _MODELS:
        raise ModelError(f"a model named {name!r} is registered already; choose another name")
    _MODELS[name] = config


# the five variants of the paper's section 5.1
register("lstm_1", ModelConfig(encoder="plain", cell="lstm", kernel=1))
register("gru_1", ModelConfig(encoder="plain", cell="gru", kernel=1))
register("lstm_3", ModelConfig(encoder="plain", cell="lstm", kernel=3))
register("gru_3", ModelConfig(encoder="plain", cell="gru", kernel=3))
register("res3d_gru_3", ModelConfig(encoder="residual", cell="gru", kernel=3))


def list_models() -> List[str]:
    """The names that `get_model` knows, sorted."""
    return sorted(_MODELS)


def model_config(name: str, **options: Any) -> ModelConfig:
    """The configuration of a named variant with some options replaced.

    Raises:
        ModelError: an unknown name, option or value; the nearest valid one is named.
    """
    if name not in _MODELS:
        raise unknown_name("model", name, _MODELS)
    return ModelConfig.from_dict({**_MODELS[name].as_dict(), **options})


def get_model(name: str, **options: Any) -> R2N2:
    """Build a network, not yet initialised (see `gluon_r2n2.initialise`).

    Args:
        name: one of `list_models()`.
        **options: fields of `ModelConfig`: ``width=0.25`` scales all channel counts, ``input_size``, ``resolution``,
            ``norm``, ``upsample``.

    Raises:
        ModelError: an unknown name, option or value; the nearest valid one is named.
    """
    return R2N2(model_config(name, **options))


def model_from_config(values: Dict[str, Any]) -> R2N2:
    """Build the network that ``net.config.as_dict()`` described, not yet initialised."""
    return R2N2(ModelConfig.from_dict(values))


def model_name(config: ModelConfig) -> str:
    """The zoo's name of the variant that *config* is a scaled form of, or 'custom'."""
    for name, published in _MODELS.items():
        if dataclasses.replace(published, width=config.width, input_size=config.input_size, norm=config.norm,
                               resolution=config.resolution, upsample=config.upsample) == config:
            return name
    return "custom"
