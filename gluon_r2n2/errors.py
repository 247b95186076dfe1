"""Errors of the model side: one sentence a user can act on."""
from __future__ import annotations

import difflib
from pathlib import Path
from typing import Iterable, Union


class ModelError(ValueError):
    """Bad model input: the message names the file or option, what was wanted, what came and what to do."""


def unknown_name(kind: str, name: str, choices: Iterable[str]) -> ModelError:
    """Build the error for a *name* that is none of *choices*; it lists them and names the nearest."""
    choices = sorted(choices)
    close = difflib.get_close_matches(str(name), choices, n=1, cutoff=0.5)
    hint = f"; did you mean {close[0]!r}?" if close else "."
    return ModelError(f"unknown {kind} {name!r}{hint} Known: {', '.join(choices)}")


def sees_no_views(path: Union[str, Path]) -> ModelError:
    """Build the error for a model that makes shapes out of noise, where one is wanted that sees pictures."""
    return ModelError(f"{path}: is a 3D-GAN, which makes shapes out of random numbers and sees no pictures; see its "
                      "shapes with tools/sample.py, measure them with tools/eval.py --generative, or give a network "
                      "that reconstructs")
