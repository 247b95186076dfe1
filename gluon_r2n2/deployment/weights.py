"""An exported model -> the network that it was made from, for training to go on from or for other graphs of it."""
from __future__ import annotations

from pathlib import Path
from typing import Dict, Sequence, Union

import mxnet as mx
from mxnet import gluon

from gluon_r2n2.deployment.artefact import PARAMETERS, Artefact, refusing, verified
from gluon_r2n2.model_zoo import model_from_config
from gluon_r2n2.network import ViewNetwork
from gluon_r2n2.training.arrays import named_parameters, set_parameters


def exported_parameters(path: Union[str, Path]) -> Dict[str, mx.nd.NDArray]:
    """The weights in the folder of an exported model, by their place in the network and of the type they have there.

    A generative network's discriminator is not among them.

    Raises:
        ModelError: a file is missing or damaged, or the format is another.
    """
    facts = verified(path)
    with refusing(path):
        net = model_from_config(facts["model"])
        return _parameters(path, net, net.prefix)


def exported_network(path: Union[str, Path], facts: Artefact, contexts: Sequence[mx.Context] = ()) -> ViewNetwork:
    """The network in the folder of an exported model that `read` has verified, in float32.

    What an export leaves out, as what judges shapes in training, stays without values.

    Args:
        contexts: the devices; the CPU by default.

    Raises:
        ModelError: the files do not belong together.
    """
    with refusing(path):
        net = model_from_config(facts.model)
        graph = net.step_graph()  # shares the network's parameters: those that reconstruct
        arrays = {name: array.astype("float32") for name, array in _parameters(path, graph, net.prefix).items()}
        set_parameters(graph, arrays, list(contexts) or [mx.cpu()], source=path)
        return net


def _parameters(path: Union[str, Path], block: gluon.Block, prefix: str) -> Dict[str, mx.nd.NDArray]:
    """The weights in the file by their places in *block*, whose parameters' own names begin with *prefix*."""
    # the graph knows them by Gluon's own names: arg:r2n20_encoder0_..., which differ in the first part, the network's
    places = {parameter.name[len(prefix):]: name for name, parameter in named_parameters(block).items()}
    arrays = mx.nd.load(str(Path(path) / PARAMETERS))
    return {places[name.split("_", 1)[1]]: array for name, array in arrays.items()}
