"""The published variants by name: `get_model("res3d_gru_3")`, `list_models()`."""
from __future__ import annotations

from typing import Any, Callable, Dict, List, Tuple, Union

from gluon_r2n2.config import ModelConfig
from gluon_r2n2.errors import ModelError, unknown_name
from gluon_r2n2.generative import GAN, VAEGAN, GenerativeConfig
from gluon_r2n2.network import R2N2

Config = Union[ModelConfig, GenerativeConfig]
Network = Union[R2N2, GAN, VAEGAN]

RECURRENT = "recurrent"  # the family of R2N2
FAMILIES: Dict[str, Callable[..., Network]] = {RECURRENT: R2N2, "gan": GAN, "vae_gan": VAEGAN}

_MODELS: Dict[str, Config] = {}
_TITLES: Dict[str, str] = {}  # by name


def register(name: str, title: str, config: Config) -> None:
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


# the generative networks of Wu et al., at the paper's 64^3; resolution=32 drops a stage
register("3d_gan", "3D-GAN", GenerativeConfig(family="gan"))
register("3d_vae_gan", "3D-VAE-GAN", GenerativeConfig(family="vae_gan"))


def list_models(*families: str) -> List[str]:
    """The names that `get_model` knows, sorted; of some families only: 'recurrent', 'gan', 'vae_gan'."""
    return sorted(name for name, config in _MODELS.items() if not families or family_of(config) in families)


def family_of(config: Config) -> str:
    """The family of a network: 'recurrent', 'gan' or 'vae_gan'."""
    return config.family if isinstance(config, GenerativeConfig) else RECURRENT


def model_config(name: str, **options: Any) -> Config:
    """The configuration of a named variant with some options replaced.

    Raises:
        ModelError: an unknown name, option or value; the nearest valid one is named.
    """
    name = {title.casefold(): key for key, title in _TITLES.items()}.get(name.casefold(), name)
    if name not in _MODELS:
        raise unknown_name("model", name, _MODELS)
    return config_from_dict({**_MODELS[name].as_dict(), **options})


def config_from_dict(values: Dict[str, Any]) -> Config:
    """The configuration that ``config.as_dict()`` gave, of whatever family.

    Raises:
        ModelError: an unknown option or value; the nearest valid one is named.
    """
    return GenerativeConfig.from_dict(values) if "family" in values else ModelConfig.from_dict(values)


def get_model(name: str, **options: Any) -> Network:
    """Build a network, not yet initialised (see `gluon_r2n2.initialise`).

    Args:
        name: one of `list_models()`, or the paper's title of it, such as ``"Res3D-GRU-3"``.
        **options: fields of `ModelConfig`: ``width=0.25`` scales all channel counts, ``input_size``, ``resolution``,
            ``hidden``, ``kernel``, ``norm``, ``upsample``, ``leak``, ``encoder``; for a generative network fields of
            `GenerativeConfig`: ``width``, ``latent``, ``prior``, ``input_size``, ``resolution``, ``leak``.

    Raises:
        ModelError: an unknown name, option or value; the nearest valid one is named.
    """
    return build(model_config(name, **options))


def build(config: Config) -> Network:
    """The network of a configuration, not yet initialised."""
    return FAMILIES[family_of(config)](config)


def model_from_config(values: Dict[str, Any]) -> Network:
    """Build the network that ``net.config.as_dict()`` described, not yet initialised."""
    return build(config_from_dict(values))


def model_name(config: Config) -> str:
    """The zoo's name of the variant that *config* is a form of, or 'custom'."""
    for name, published in _MODELS.items():
        if _architecture(published) == _architecture(config):
            return name
    return "custom"


def _architecture(config: Config) -> Tuple:
    """What tells variants of one family apart; all else is their form."""
    kind = family_of(config)
    return (kind, config.encoder, config.cell, config.kernel) if isinstance(config, ModelConfig) else (kind,)


def model_title(name: str) -> str:
    """The paper's title of a variant: ``"Res3D-GRU-3"`` for ``"res3d_gru_3"``.

    Raises:
        ModelError: an unknown name; the nearest valid one is named.
    """
    if name not in _TITLES:
        raise unknown_name("model", name, _TITLES)
    return _TITLES[name]
