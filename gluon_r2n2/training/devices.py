"""What the user asks for (`--gpus 0,1`) -> MXNet contexts."""
from __future__ import annotations

from typing import List, Optional

import mxnet as mx

from gluon_r2n2.errors import ModelError


def contexts(gpus: Optional[str] = None) -> List[mx.Context]:
    """The contexts of a comma-separated list of GPU numbers; the CPU where *gpus* is None.

    Raises:
        ModelError: no such GPU, no list of numbers, or an MXNet without GPU support; says what there is.
    """
    if gpus is None:
        return [mx.cpu()]
    numbers = [part.strip() for part in gpus.split(",")]
    if not all(number.isdigit() for number in numbers) or len(set(numbers)) < len(numbers):
        raise ModelError(f"--gpus wants different numbers like 0 or 0,1, got {gpus!r}")
    if not mx.runtime.Features().is_enabled("CUDA"):
        raise ModelError(f"--gpus {gpus}: this MXNet ({mx.__version__}) is for the CPU only; leave --gpus out, or "
                         "install the cu112 extra of gluon-r2n2 on a machine with an NVIDIA GPU")
    try:
        count = mx.context.num_gpus()
    except mx.MXNetError:  # no driver
        count = 0
    if any(int(number) >= count for number in numbers):
        there = f"GPUs {', '.join(map(str, range(count)))}" if count else "no GPU"
        raise ModelError(f"--gpus {gpus}: this machine has {there}; choose from what is there, or leave --gpus out")
    return [mx.gpu(int(number)) for number in numbers]


def describe(devices: List[mx.Context]) -> str:
    """The devices in words, for the first line of a program's output."""
    if devices[0].device_type == "cpu":
        return "the CPU" if len(devices) == 1 else f"the CPU as {len(devices)} devices"
    return "GPU " + ", ".join(str(device.device_id) for device in devices)
