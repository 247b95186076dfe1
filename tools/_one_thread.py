"""Imported by eval.py before mxnet: operators of one thread each, the objects shared between the processors instead.

An operator on one object has too little work for several threads: they wait for each other, on a busy machine for most
of the time. And where no operator is shared, no number can depend on how many threads there are.
"""
from __future__ import annotations

import os
import sys

from gluon_r2n2_tools.cli import available_cpus

MOST = 16  # devices: each holds a copy of the weights
_given = os.environ.get("OMP_NUM_THREADS", "")


def devices() -> int:
    """The number of CPU devices to share objects between: what OMP_NUM_THREADS said, else the processors."""
    return min(int(_given) if _given.isdecimal() and int(_given) else available_cpus(), MOST)


if "mxnet" not in sys.modules:  # else it is too late, as in a test
    os.environ["OMP_NUM_THREADS"] = "1"
    # scratch for each device, so that none waits; the 1 of a tool that started this one (make demo) is not meant for it
    os.environ["MXNET_CPU_TEMP_COPY"] = str(devices())
