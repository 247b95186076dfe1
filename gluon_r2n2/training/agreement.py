"""Stage 8, several workers: that all hold the same network, optimiser, configuration and data, or who does not."""
from __future__ import annotations

import collections
import hashlib
from typing import Any, Dict, List

import mxnet as mx
import numpy as np
from mxnet import gluon

from gluon_r2n2 import files
from gluon_r2n2.distributed.exchange import Exchange
from gluon_r2n2.training.arrays import STATISTICS, named_parameters


def average_statistics(exchange: Exchange, net: gluon.Block) -> None:
    """Give the running statistics of batch normalisation their mean over all devices of all workers.

    Each worker's are of its own share of the batches; all else is equal on them.
    """
    statistics = [parameter for name, parameter in named_parameters(net).items() if name.endswith(STATISTICS)]
    if not statistics:
        return
    own = np.concatenate([parameter._reduce().asnumpy() for parameter in statistics])
    mean = exchange.gather(own).mean(axis=0, dtype=np.float64)
    ends = np.cumsum([parameter.shape[0] for parameter in statistics])
    for parameter, values in zip(statistics, np.split(mean, ends[:-1])):
        parameter.set_data(mx.nd.array(values))


def differences(exchange: Exchange, net: gluon.Block, optimiser: Dict[str, mx.nd.NDArray],
                facts: Dict[str, Any]) -> List[str]:
    """Compare what must be equal at all workers; all of them call it, and all get the same answer.

    Args:
        optimiser: arrays by name.
        facts: JSON values by what they are of.

    Returns:
        one sentence per worker that differs from most (from worker 0 where no other is like it), empty if all is well.
    """
    parameters = {name: parameter.data(parameter.list_ctx()[0]) for name, parameter in named_parameters(net).items()
                  if not name.endswith(STATISTICS)}
    digests = {**{name: files.sha256_of_json(value) for name, value in facts.items()},
               "parameters": digest(parameters), "optimiser state": digest(optimiser)}
    own = np.frombuffer(bytes.fromhex("".join(digests.values())), np.uint8)
    every = exchange.gather(own).reshape(exchange.size, len(digests), -1)  # (workers, kinds, 32)
    # counted in the order of the workers, so that worker 0 is right where two of two differ
    usual, _ = collections.Counter(row.tobytes() for row in every).most_common(1)[0]
    right = next(row for row in every if row.tobytes() == usual)
    found = []
    for rank, row in enumerate(every):
        kinds = [name for name, same in zip(digests, (row == right).all(axis=1)) if not same]
        if kinds:
            found.append(f"worker {rank} has another {' and another '.join(kinds)} than the others")
    return found


def digest(arrays: Dict[str, mx.nd.NDArray]) -> str:
    """The SHA-256 sum of arrays by name, in hexadecimal."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        values = np.ascontiguousarray(arrays[name].asnumpy())
        total.update(f"{name} {values.shape} {values.dtype} ".encode())
        total.update(values)
    return total.hexdigest()
