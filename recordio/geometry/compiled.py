"""Geometry: how every compiled loop of this package is declared."""
from __future__ import annotations

import numba


def compiled(function=None, **options):
    """numba.njit that frees the interpreter lock and keeps its machine code on disk where any folder is writable.

    Used bare or with extra njit options. numba refuses to cache where neither the package's folder nor the user's
    cache folder can be written (a read-only image); there the loop is compiled anew in each process.
    """
    if function is None:
        return lambda later: compiled(later, **options)
    try:
        return numba.njit(nogil=True, cache=True, **options)(function)
    except RuntimeError:  # "cannot cache function: no locator available"
        return numba.njit(nogil=True, **options)(function)
