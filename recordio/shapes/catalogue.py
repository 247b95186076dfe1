"""Shapes, last step: the register of shape functions, and one normalised model for (class, seed, index)."""
from __future__ import annotations

import zlib
from typing import Callable, Dict, List, TypeVar

import numpy as np

from recordio.errors import DataError, nearest
from recordio.geometry.mesh import Mesh

ShapeFunction = Callable[[np.random.Generator], Mesh]
Style = TypeVar("Style")
SHAPES: Dict[str, ShapeFunction] = {}


def register(name: str) -> Callable[[ShapeFunction], ShapeFunction]:
    """Decorator: hand a function ``f(rng) -> Mesh`` (metres, y up, front at -z) to the catalogue as class *name*.

    Raises:
        ValueError: the name is taken.
    """
    def add(function: ShapeFunction) -> ShapeFunction:
        if name in SHAPES:
            raise ValueError(f"the shape class {name!r} is registered twice: {SHAPES[name].__module__} and "
                             f"{function.__module__}")
        SHAPES[name] = function
        return function

    return add


def draw_style(rng: np.random.Generator, styles: Dict[Style, float]) -> Style:
    """One of *styles* (style -> how often, in any unit); a style is a function or the name of one."""
    shares = np.cumsum(list(styles.values())) / sum(styles.values())
    return list(styles)[int(np.searchsorted(shares, rng.random(), side="right"))]


def list_shapes() -> List[str]:
    """The names of all shape classes, sorted."""
    return sorted(SHAPES)


def make_shape(name: str, seed: int, index: int) -> Mesh:
    """Model number *index* of class *name* in the object frame (centred, the box's diagonal 1 long).

    A function of the three arguments only: the same on every platform and in every process.

    Raises:
        DataError: no such class; the message lists the classes and names the nearest.
    """
    if name not in SHAPES:
        raise DataError(f"no shape class {name!r}{nearest(name, SHAPES)}; known classes: {', '.join(list_shapes())}")
    rng = np.random.default_rng([seed, zlib.crc32(name.encode()), index])  # crc32: Python's hash differs per process
    return SHAPES[name](rng).normalised()
