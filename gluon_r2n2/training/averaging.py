"""Parameters after every update -> their exponential moving average, which is often the better network."""
from __future__ import annotations

from typing import Dict, List

import mxnet as mx
from mxnet import gluon

from gluon_r2n2.training.arrays import get_parameters, named_parameters, set_parameters


class Average:
    """a <- d a + (1 - d) w after every update n, with d = min(decay, (1 + n) / (10 + n)).

    The smaller d of the first updates lets the average forget the first values. What does not learn (frozen layers,
    running statistics) is taken as it is.

    Args:
        net: an initialised network of the zoo; its parameters now are the first value of the average.
        decay: from above 0 to below 1.

    Source: Polyak and Juditsky, Acceleration of Stochastic Approximation by Averaging (1992), with the decay and its
    warm-up of TensorFlow's ExponentialMovingAverage.
    """

    def __init__(self, net: gluon.Block, decay: float):
        self._net, self._decay = net, decay
        self._averages = {name: parameter.data(parameter.list_ctx()[0]).copy()
                          for name, parameter in named_parameters(net).items() if _learns(parameter)}

    def update(self, number: int) -> None:
        """Take the parameters in after update *number*, 1 being the first, without waiting for them."""
        decay = min(self._decay, (1 + number) / (10 + number))
        parameters = named_parameters(self._net)
        for name, average in self._averages.items():
            average *= decay
            average += (1 - decay) * parameters[name].data(average.context)

    def arrays(self) -> Dict[str, mx.nd.NDArray]:
        """All parameters of the averaged network, by their place in it."""
        return {**get_parameters(self._net), **self._averages}

    def load(self, arrays: Dict[str, mx.nd.NDArray]) -> None:
        """Go on from what `arrays` gave."""
        self._averages = {name: arrays[name].copyto(average.context) for name, average in self._averages.items()}

    def network(self, contexts: List[mx.Context]) -> gluon.Block:
        """The averaged network on *contexts*: one of its own, as writing into a network in use fails in oneDNN."""
        net = type(self._net)(self._net.config)
        set_parameters(net, self.arrays(), contexts, source="the average of the parameters")
        net.hybridize(static_alloc=True)
        return net


def _learns(parameter: gluon.Parameter) -> bool:
    return parameter.grad_req != "null" and bool(parameter.lr_mult)
