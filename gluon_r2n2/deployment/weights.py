"""An exported model -> the network that it was made from, for training to go on from or for other graphs of it."""
from __future__ import annotations

from pathlib import Path
from typing import Dict, Union

import mxnet as mx

from gluon_r2n2.deployment.artefact import PARAMETERS, Artefact, load, refusing
from gluon_r2n2.model_zoo import model_from_config
from gluon_r2n2.network import R2N2
from gluon_r2n2.training.arrays import named_parameters, set_parameters


def exported_parameters(path: Union[str, Path]) -> Dict[str, mx.nd.NDArray]:
    """The weights in the folder of an exported model, by their place in the network and of the type they have there.

    Raises:
        ModelError: a file is missing or damaged, or the format is another.
    """
    facts, _ = load(path)  # verifies it
    return _parameters(path, model_from_config(facts.model))


def exported_network(path: Union[str, Path], facts: Artefact) -> R2N2:
    """The network in the folder of an exported model that `read` has verified, on the CPU, in float32.

    Raises:
        ModelError: the files do not belong together.
    """
    with refusing(path):
        net = model_from_config(facts.model)
        arrays = {name: array.astype("float32") for name, array in _parameters(path, net).items()}
        set_parameters(net, arrays, [mx.cpu()], source=path)
        return net


def _parameters(path: Union[str, Path], net: R2N2) -> Dict[str, mx.nd.NDArray]:
    # the graph knows them by Gluon's own names: arg:r2n20_encoder0_..., which differ in the first part, the network's
    places = {parameter.name[len(net.prefix):]: name for name, parameter in named_parameters(net).items()}
    arrays = mx.nd.load(str(Path(path) / PARAMETERS))
    return {places[name.split("_", 1)[1]]: array for name, array in arrays.items()}
