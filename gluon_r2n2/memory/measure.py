"""Beside stage 8: the memory that training took, as the operating system or the GPU's driver counts it."""
from __future__ import annotations

import resource
import sys
from pathlib import Path
from typing import List

import mxnet as mx


class Peak:
    """The memory that is taken from now on: make one before the network, and ask it at the end.

    Args:
        devices: MXNet contexts; on GPUs it is their memory that is asked for, of all programs that use them, and the
            arrays that MXNet has freed count too, as it keeps them.
    """

    def __init__(self, devices: List[mx.Context]):
        self._gpus = [device for device in devices if device.device_type == "gpu"]
        self._before = self._on_gpus() if self._gpus else [_resident("VmRSS")]

    def read(self) -> int:
        """Bytes beyond those taken when this was made: at most so far in the process, or now on the fullest GPU."""
        taken = self._on_gpus() if self._gpus else [_resident("VmHWM")]
        return max(now - before for now, before in zip(taken, self._before))

    def _on_gpus(self) -> List[int]:
        taken = []
        for device in self._gpus:
            free, total = mx.context.gpu_memory_info(device.device_id)
            taken.append(total - free)
        return taken


def _resident(name: str) -> int:
    """Bytes of this process in memory: now (VmRSS) or at most (VmHWM); elsewhere than on Linux always the latter."""
    try:
        # not getrusage, whose maximum goes on from that of the process that started this one
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return int(status[name].split()[0]) * 1024
    except (OSError, KeyError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
