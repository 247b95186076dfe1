"""Shapes, class table: what its styles share, tops, their materials and sizes, curved feet."""
from __future__ import annotations

from typing import List, Tuple

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes import materials
from recordio.shapes.materials import Material
from recordio.shapes.outlines import curve, ellipse, rounded_rectangle
from recordio.shapes.placing import ring
from recordio.shapes.primitives import box, extrude, rounded_box, sweep


def curved_feet(rng, reach: float, height: float, column: float, material: Material, count: int) -> List[Mesh]:
    """Swan feet that leave a column at *height* and run out to *reach* on the floor."""
    path = curve([(0, height, -column * 0.3), (0, height * 0.85, -reach * 0.45), (0, height * 0.25, -reach * 0.75),
                  (0, 0.02, -reach)], 8)
    foot = sweep(path, rounded_rectangle(0.05, 0.045, 0.012, steps=1), material, scale=np.linspace(1.2, 0.7, 8),
                 up=(0, 1, 0.2))
    return ring(foot, count, start=rng.choice([0, 45]))


def top_material(rng: np.random.Generator, *, glass: float = 0.15) -> Tuple[Material, float]:
    """What a table top is made of, and how thick it is in metres."""
    draw = rng.random()
    if draw < glass:
        return materials.glass(rng), rng.uniform(0.008, 0.016)
    if draw < glass + 0.12:
        return materials.stone(rng), rng.uniform(0.02, 0.04)
    if draw < glass + 0.27:
        return materials.paint(rng), rng.uniform(0.02, 0.04)
    maker = materials.planks if draw < glass + 0.42 else materials.wood
    return maker(rng), rng.uniform(0.02, 0.055)


def table_top(rng, width, depth, height, thick, material: Material, *, round_top: bool = False) -> Mesh:
    """A top whose upper side is at *height*: rectangular, with rounded corners, or elliptical."""
    low, high = height - thick, height
    if round_top:
        return extrude(ellipse(width, depth, 32), low, high, material, axis="y", smooth=True)
    kind = rng.integers(3)
    if kind == 0:
        return extrude(rounded_rectangle(width, depth, rng.uniform(0.03, 0.16), steps=4), low, high, material, axis="y",
                       smooth=True)
    if kind == 1:
        return rounded_box((-width / 2, low, -depth / 2), (width / 2, high, depth / 2), material, radius=thick / 3,
                           steps=1)
    return box((-width / 2, low, -depth / 2), (width / 2, high, depth / 2), material)


def table_size(rng: np.random.Generator) -> Tuple[float, float, float]:
    """(width, depth, height) in metres of a dining, console, coffee or bedside table."""
    kind = rng.integers(5)
    if kind <= 1:
        width = rng.uniform(0.8, 2.2)
        return width, min(width, rng.uniform(0.7, 1.0)), rng.uniform(0.70, 0.78)
    if kind == 2:
        return rng.uniform(0.8, 1.5), rng.uniform(0.30, 0.45), rng.uniform(0.72, 0.9)
    if kind == 3:
        return rng.uniform(0.8, 1.4), rng.uniform(0.5, 0.8), rng.uniform(0.34, 0.48)
    width = rng.uniform(0.4, 0.6)
    return width, width * rng.uniform(0.8, 1.0), rng.uniform(0.45, 0.6)
