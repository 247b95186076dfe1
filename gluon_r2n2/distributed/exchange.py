"""Stage 8, several workers: the gradients of each -> their sum at all, over MXNet's own parameter server.

Weights never travel: every worker makes the same first values, or reads the same checkpoint, and makes the same update
of the same sum. The servers run no optimiser; what a key holds after all workers have pushed is the sum of that round,
and it stays until all have pushed again, so that no pull can see another round's. docs/distributed.md has the rest.
"""
from __future__ import annotations

import atexit
import os
import sys
from typing import Dict, List, Optional

import mxnet as mx
import numpy as np
from mxnet import gluon

from gluon_r2n2.errors import ModelError

KV_STORES = ("local", "dist_sync", "dist_device_sync")
LAUNCH = "R2N2_LAUNCH"  # environment: the command line that started the job, up to and with its --
RANK = "DMLC_TASK_ID"  # environment: which worker this is, 0 being the one that writes the run

OPEN: List[Exchange] = []  # the stores of this process that have not been closed


class Exchange:
    """One process, nobody to exchange with; its devices sum their gradients.

    Attributes:
        rank: which worker this is; worker 0 alone writes the folder of the run.
        size: how many there are.
    """

    rank, size = 0, 1

    def sum_gradients(self, optimiser: gluon.Trainer, scores: List[mx.nd.NDArray]) -> List[mx.nd.NDArray]:
        """Leave the sum over all devices of all workers in the gradients of *optimiser*, without waiting for it.

        Args:
            scores: (2, b) each: loss and IoU of every object of this worker's share of the batch.

        Returns:
            the same of the whole batch, in the order of the workers.
        """
        optimiser.allreduce_grads()
        return scores

    def stopping(self, requested: bool) -> bool:
        """Once per step: whether to stop after it, which all workers answer alike.

        Args:
            requested: whether this one wants to.
        """
        return requested

    def gather(self, vector) -> np.ndarray:
        """The vectors (n,) of all workers, (size, n) float32, bit for bit; waits for them."""
        return np.asarray(vector, np.float32)[np.newaxis]

    def close(self) -> None:
        """End in order, together with the others; a process that does not get here ends by `abandon`."""


class Rehearsal(Exchange):
    """The place of a worker in its job, for checks before anything begins; it exchanges nothing."""

    def __init__(self):
        self.rank, self.size = int(os.environ.get(RANK, "0")), int(os.environ["DMLC_NUM_WORKER"])


class StoreExchange(Exchange):
    """Several workers around a key-value store of MXNet, whose scheduler and servers run already.

    Args:
        kind: a name of KV_STORES other than local.
        compress: threshold of MXNet's 2-bit compression of what workers send; None: sent as it is.

    Raises:
        ModelError: two workers have the same rank.
    """

    def __init__(self, kind: str, *, compress: Optional[float] = None):
        self._store = mx.kv.create(kind)
        OPEN.append(self)
        atexit.register(abandon)
        if compress:
            self._store.set_gradient_compression({"type": "2bit", "threshold": compress})
        self._threshold = compress
        self.size = self._store.num_workers
        # the store's own ranks follow the numbers of ports, another order in every job
        self.rank = int(os.environ.get(RANK, self._store.rank))
        self._vectors: Dict[int, mx.nd.NDArray] = {}  # (size * n,) by n: where vectors of that length are summed
        self._gradients: List[str] = []  # the keys
        self._stop: Optional[mx.nd.NDArray] = None  # who wanted to stop at the step before, in the making
        ranks = self.gather([self.rank])[:, 0]
        if not np.array_equal(ranks, np.arange(self.size)):
            raise ModelError(f"the environment variable {RANK} must be another number from 0 to {self.size - 1} at "
                             "each worker; start the job with tools/launch.py, which sets it")

    def sum_gradients(self, optimiser, scores):
        learning = [parameter for parameter in optimiser._params if parameter.grad_req != "null"]
        if not self._gradients:
            self._gradients = [f"gradient {number}" for number in range(len(learning))]
            self._start(self._gradients, [parameter.list_grad()[0] for parameter in learning])
        for number, (key, parameter) in enumerate(zip(self._gradients, learning)):
            self._sum(key, parameter.list_grad(), priority=-number)
        own = mx.nd.concat(*[score.as_in_context(mx.cpu()) for score in scores], dim=1)  # (2, B / size)
        every = self._collect(own.reshape(-1)).reshape((self.size, 2, -1))
        return [every.transpose((1, 0, 2)).reshape((2, -1))]  # (2, B)

    def stopping(self, requested):
        # read one step late, when all have long sent it: nobody waits, and all see the same
        before, self._stop = self._stop, self._collect(mx.nd.array([requested]))
        return before is not None and bool(before.asnumpy().any())

    def gather(self, vector):
        return self._collect(mx.nd.array(np.asarray(vector, np.float32))).asnumpy()

    def close(self):
        self._store._barrier()
        del self._store  # tells the servers to end, after the last worker
        OPEN.remove(self)

    def _collect(self, vector: mx.nd.NDArray) -> mx.nd.NDArray:
        """The vectors (n,) of all workers, (size, n), in the making: a sum in which each has a row of its own."""
        if self._threshold:
            # only 0 and the threshold get through the compression unchanged: one entry per bit
            bits = np.unpackbits(vector.asnumpy().view(np.uint8))  # (32 n,)
            every = self._rows(mx.nd.array(bits * self._threshold)).asnumpy() > 0
            return mx.nd.array(np.packbits(every, axis=1).view(np.float32))
        return self._rows(vector)

    def _rows(self, vector: mx.nd.NDArray) -> mx.nd.NDArray:
        length = vector.size
        key = f"vector {length}"
        if length not in self._vectors:  # all workers come here in the same order
            self._vectors[length] = mx.nd.zeros(self.size * length)
            self._start([key], [self._vectors[length]])
        # one array per key, as with gradients: it is what keeps rounds apart, because a server counts what comes in
        # and does not ask from whom, and MXNet sends another array while the one before is still on its way
        rows = self._vectors[length]
        shares = [mx.nd.zeros(length) if rank != self.rank else vector for rank in range(self.size)]
        rows[:] = mx.nd.concat(*shares, dim=0)  # (size * n,)
        self._sum(key, [rows])
        return rows.copy().reshape((self.size, length))

    def _start(self, keys: List[str], arrays: List[mx.nd.NDArray]) -> None:
        """Make keys at the servers: worker 0 of the store sends zeros, the others wait until they are there."""
        self._store.init(keys, [mx.nd.zeros(array.shape, dtype=array.dtype) for array in arrays])

    def _sum(self, key: str, arrays: List[mx.nd.NDArray], *, priority: int = 0) -> None:
        """Replace the arrays, one per device, by the sum of those of all devices of all workers."""
        if self._threshold:  # MXNet 1.9.1 has no pushpull with compression
            self._store.push(key, arrays, priority=priority)
            self._store.pull(key, out=arrays, priority=priority)
        else:
            self._store.pushpull(key, arrays, priority=priority)


def connect(kind: str, *, compress: Optional[float] = None, dry: bool = False) -> Exchange:
    """The exchange that `--kv-store` names; waits for all the others of the job.

    Args:
        kind: a name of KV_STORES.
        compress: see `StoreExchange`.
        dry: check all this, but connect to nobody.

    Raises:
        ModelError: the environment is not that of a worker; or it is, and *kind* is local.
    """
    worker = os.environ.get("DMLC_ROLE") == "worker"
    if kind == "local":
        if worker:
            raise ModelError(f"this process is one of {os.environ.get('DMLC_NUM_WORKER')} workers of a job (the "
                             "environment has DMLC_ROLE), which --kv-store local leaves alone; give --kv-store "
                             "dist_sync, or start it without tools/launch.py")
        if compress:
            raise ModelError("--compress-gradients is for what several workers send; give --kv-store dist_sync, or "
                             "leave it out")
        return Exchange()
    if not worker or "DMLC_PS_ROOT_URI" not in os.environ:
        raise ModelError(f"--kv-store {kind} needs the other processes of the job, which tools/launch.py starts: "
                         "python tools/launch.py -n 2 -s 1 -- tools/train.py ...; or give --kv-store local for this "
                         "process alone")
    return Rehearsal() if dry else StoreExchange(kind, compress=compress)


def share_of(batch_size: int, exchange: Exchange) -> int:
    """The objects of every batch that one worker takes.

    Raises:
        ModelError: the workers cannot share the batch equally.
    """
    if batch_size % exchange.size:
        raise ModelError(f"a batch of {batch_size} cannot be shared equally by {exchange.size} workers; choose a "
                         "multiple with --batch-size, which counts the objects of all workers")
    return batch_size // exchange.size


def abandon(code: int = 1) -> None:
    """End this process at once where it has an open store: MXNet's own end of it waits for workers that may be gone.

    Registered for the end of the interpreter, so that an error in one worker ends that worker.
    """
    if not OPEN:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
