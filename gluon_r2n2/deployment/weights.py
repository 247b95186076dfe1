"""An exported model -> the parameters of the network that it was made from, for training to go on from."""
from __future__ import annotations

from pathlib import Path
from typing import Dict, Union

import mxnet as mx

from gluon_r2n2.deployment.artefact import PARAMETERS, load
from gluon_r2n2.model_zoo import model_from_config
from gluon_r2n2.training.arrays import named_parameters


def exported_parameters(path: Union[str, Path]) -> Dict[str, mx.nd.NDArray]:
    """The weights in the folder of an exported model, by their place in the network and of the type they have there.

    Raises:
        ModelError: a file is missing or damaged, or the format is another.
    """
    facts, _ = load(path)  # verifies it
    net = model_from_config(facts.model)
    # the graph knows them by Gluon's own names: arg:r2n20_encoder0_..., which differ in the first part, the network's
    places = {parameter.name[len(net.prefix):]: name for name, parameter in named_parameters(net).items()}
    arrays = mx.nd.load(str(Path(path) / PARAMETERS))
    return {places[name.split("_", 1)[1]]: array for name, array in arrays.items()}
