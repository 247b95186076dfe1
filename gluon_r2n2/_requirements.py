"""Imported first by the package: mxnet works here, or one sentence says what is missing; it uses all cores; and no
library calls home.
"""
from __future__ import annotations

import os
import sys
from pathlib import Path

from gluon_r2n2.environment import require


def physical_cores() -> int:
    """The number of cores that this process may use, hardware threads of one core counted once."""
    numbers = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    siblings = {_siblings(number) for number in numbers}
    return len(siblings)


def _siblings(number: int) -> str:
    """The hardware threads that share a core with processor *number*, as Linux writes them; else *number* itself."""
    try:
        return Path(f"/sys/devices/system/cpu/cpu{number}/topology/thread_siblings_list").read_text().strip()
    except OSError:
        return str(number)


# MXNet takes half of the processors for its operators, as if each core had two hardware threads; where it has one,
# as on most virtual machines, half of the machine would idle. To be set before mxnet is loaded; the user's own
# setting stands. Workers of one job share their machine: tools/launch.py says how many are on it.
THREADS_CHOSEN_HERE = "OMP_NUM_THREADS" not in os.environ
if THREADS_CHOSEN_HERE:
    os.environ["OMP_NUM_THREADS"] = str(max(1, physical_cores() // int(os.environ.get("R2N2_WORKERS_HERE", "1"))))
# MXNet's operators take their scratch memory from four areas in turn, for operators that run side by side; on the CPU
# they run one after the other, each on all cores, and three areas are never needed (docs/memory.md).
os.environ.setdefault("MXNET_CPU_TEMP_COPY", "1")

# Nothing is reported to anybody: onnxruntime sends facts about models since 1.29 unless this is set, and OpenVINO (seen
# with 2026.4) every import, by a package that it takes for absent after this.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
sys.modules.setdefault("openvino_telemetry", None)

require("mxnet")
