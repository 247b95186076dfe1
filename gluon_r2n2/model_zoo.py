"""The published variants by name: `get_model("res3d_gru_3")`, `list_models()`."""
from __future__ import annotations

from typing import Any, Dict, List

from gluon_r2n2.config import ModelConfig
from gluon_r2n2.errors import ModelError, unknown_name
from gluon_r2n2.network import R2N2

_MODELS: Dict[str, ModelConfig] = {}
_TITLES: Dict[str, str] = {}  # by name


def register(name: str, title: str, config: ModelConfig) -> None:
    """Make *config* available as *name* and, in any case of letters, as *title*.

    Raises:
        ModelError: the name is taken.
    """
    if name in _MODELS:
        raise ModelError(f"a model named {name!r} is registered already; choose another name")
    _MODELS[name], _TITLES[name] = config, title


# the five variants of the paper's section 5.1, by the paper's titles
register("lstm_1", "3D-LSTM-1", ModelConfig(encoder="plain", cell="lstm", kernel=1))
register("gru_1", "3D-GRU-1", ModelConfig(encoder="plain", cell="gru", kernel=1))
register("lstm_3", "3D-LSTM-3", ModelConfig(encoder="plain", cell="lstm", kernel=3))
register("gru_3", "3D-GRU-3", ModelConfig(encoder="plain", cell="gru", kernel=3))
register("res3d_gru_3", "Res3D-GRU-3", ModelConfig(encoder="residual", cell="gru", kernel=3))
# ours: an ImageNet network before the same recurrence, and Res3D-GRU-3's decoder
register("resnet18_gru_3", "ResNet18-GRU-3", ModelConfig(encoder="resnet18_v1b", cell="gru", kernel=3))
register("mobilenetv2_gru_3", "MobileNetV2-GRU-3", ModelConfig(encoder="mobilenetv2_1.0", cell="gru", kernel=3))


def list_models() -> List[str]:
    """The names that `get_model` knows, sorted."""
    return sorted(_MODELS)


def model_config(name: str, **options: Any) -> ModelConfig:
    """The configuration of a named variant with some options replaced.

    Raises:
        ModelError: an unknown name, option or value; the nearest valid one is named.
    """
    name = {title.casefold(): key for key, title in _TITLES.items()}.get(name.casefold(), name)
    if name not in _MODELS:
        raise unknown_name("model", name, _MODELS)
    return ModelConfig.from_dict({**_MODELS[name].as_dict(), **options})


def get_model(name: str, **options: Any) -> R2N2:
    """Build a network, not yet initialised (see `gluon_r2n2.initialise`).

    Args:
        name: one of `list_models()`, or the paper's title of it, such as ``"Res3D-GRU-3"``.
        **options: fields of `ModelConfig`: ``width=0.25`` scales all channel counts, ``input_size``, ``resolution``,
            ``hidden``, ``kernel``, ``norm``, ``upsample``, ``leak``, ``encoder``.

    Raises:
        ModelError: an unknown name, option or value; the nearest valid one is named.
    """
    return R2N2(model_config(name, **options))


def model_from_config(values: Dict[str, Any]) -> R2N2:
    """Build the network that ``net.config.as_dict()`` described, not yet initialised."""
    return R2N2(ModelConfig.from_dict(values))


def model_name(config: ModelConfig) -> str:
    """The zoo's name of the variant that *config* is a form of, or 'custom'."""
    for name, published in _MODELS.items():
        if (published.encoder, published.cell, published.kernel) == (config.encoder, config.cell, config.kernel):
            return name
    return "custom"


def model_title(name: str) -> str:
    """The paper's title of a variant: ``"Res3D-GRU-3"`` for ``"res3d_gru_3"``.

    Raises:
        ModelError: an unknown name; the nearest valid one is named.
    """
    if name not in _TITLES:
        raise unknown_name("model", name, _TITLES)
    return _TITLES[name]
