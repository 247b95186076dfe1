"""Errors of the data side: one sentence a user can act on, and the nearest valid name for a typo."""
from __future__ import annotations

import difflib
from typing import Iterable


class DataError(ValueError):
    """Bad input data: the message names the file or option, what was wanted, what came and what to do."""


def nearest(name: str, choices: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the choice closest to *name*, or an empty string if none is close."""
    close = difflib.get_close_matches(str(name), [str(choice) for choice in choices], n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""
