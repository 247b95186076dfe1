"""Settings of the C library's memory allocator that suit training: freed memory is kept for the next step."""
from __future__ import annotations

import ctypes

# parameters of glibc's mallopt(3)
M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8


def keep_freed_memory() -> bool:
    """Let the process keep what it frees, in one arena, instead of handing it back to the kernel after every operator.

    MXNet allocates each large array of the CPU anew. By default glibc maps and unmaps those one by one, and the
    kernel clears every page again: about a fifth of the CPU time of a training step (benchmarks/README.md). Call it
    before the first array. Results do not change.

    Returns:
        whether the C library took the settings; others than glibc have no mallopt, which does no harm.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, 2**31 - 1), (M_ARENA_MAX, 1))
    return all([mallopt(parameter, value) for parameter, value in settings])
