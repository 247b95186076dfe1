"""Errors of the model side: one sentence a user can act on."""
from __future__ import annotations

import difflib
from typing import Iterable


class ModelError(ValueError):
    """Bad model input: the message names the file or option, what was wanted, what came and what to do."""


def unknown_name(kind: str, name: str, choices: Iterable[str]) -> ModelError:
    """Build the error for a *name* that is none of *choices*; it lists them and names the nearest."""
    choices = sorted(choices)
    close = difflib.get_close_matches(str(name), choices, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return ModelError(f"unknown {kind} {name!r}{hint} Known: {', '.join(choices)}")
