"""Shapes, class sofa: what its styles share, cushions, arms, feet and pillows."""
from __future__ import annotations

from typing import List, Optional

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes import materials
from recordio.shapes.furniture import LEGS, four_legs, frame_material, pillow
from recordio.shapes.materials import Material, pick
from recordio.shapes.placing import moved, turned
from recordio.shapes.primitives import box, cushion, extrude, rounded_box, tube


def seat_pads(rng, xs, zs, ys, count: int, cover: Material) -> List[Mesh]:
    """Seat cushions side by side, or one that runs through."""
    count = 1 if rng.random() < 0.2 else count
    edges = np.linspace(xs[0], xs[1], count + 1)
    soft = rng.uniform(6, 10)
    return [cushion((a, ys[0], zs[0]), (b, ys[1], zs[1]), cover, squareness=soft, crown=0.12) for a,
            b in zip(edges[:-1], edges[1:])]


def back_pads(rng, xs, z: float, ys, count: int, cover: Material) -> List[Mesh]:
    """Back cushions that lean against a wall at *z*."""
    edges = np.linspace(xs[0], xs[1], count + 1)
    thick, soft, lean = rng.uniform(0.12, 0.2), rng.uniform(3.5, 7), rng.uniform(2, 9)
    return [turned(cushion((a, ys[0], z - thick + 0.03), (b, ys[1], z + 0.03), cover, squareness=soft), "x", lean,
                   (0, ys[0], z)) for a, b in zip(edges[:-1], edges[1:])]


def arm_rest(kind, inner, outer, depth, foot, level, back, cover) -> List[Mesh]:
    """The arm on the +x side between *inner* and *outer*."""
    front, rear, middle = -depth / 2, depth / 2 - 0.01, (inner + outer) / 2
    low = (inner, foot, front)
    if kind in ("box", "thin"):
        return [rounded_box(low, (outer, level, rear), cover, radius=0.02)]
    if kind == "round":
        return [rounded_box(low, (outer, level, rear), cover, radius=(outer - inner) / 2.5, steps=3)]
    if kind == "rolled":
        r = (outer - inner) * 0.55
        return [box((inner, foot, front + 0.02), (outer - 0.03, level - r, rear), cover),
                tube([(middle, level - r, front), (middle, level - r, rear - 0.04)], r, cover, sides=16)]
    if kind == "slope":
        outline = [(foot, front), (level - 0.08, front), (level - 0.03, front + 0.1), (level + 0.08, rear),
                   (foot, rear)]
        return [extrude(outline, inner, outer, cover, axis="x")]
    return [rounded_box((inner, foot, front + 0.03), (outer - 0.02, level - 0.07, rear), cover, radius=0.02),  # pad
            cushion((inner - 0.02, level - 0.1, front), (outer, level, rear - 0.05), cover, squareness=6)]


def feet(rng, width, depth, foot) -> List[Mesh]:
    if foot == 0:
        return []
    wood = frame_material(rng, metal=0.35)
    x, z = width / 2 - 0.08, depth / 2 - 0.08
    if foot < 0.06:
        return [box((-x, 0, -z), (x, foot + 0.01, z), materials.plain(40, 38, 36))]
    return four_legs(rng, pick(rng, LEGS), (x, -z, z), foot + 0.02, 0.055, wood, splay=rng.choice([0.0, 0.03]))


def pillows(rng, reach: float, seat: float, z: float, cover: Optional[Material] = None) -> List[Mesh]:
    """None to three loose pillows that lean against the back."""
    count = int(rng.choice([0, 0, 0, 1, 2, 3])) if reach > 0.5 else int(rng.integers(2))
    cover = cover or materials.fabric(rng, patterned=0.6)
    parts = []
    for i in range(count):
        place = (-0.7, 0.7, 0.35)[i] * reach if reach > 0.5 else 0.0
        size = rng.uniform(0.36, 0.46)
        parts.append(moved(turned(pillow(rng, size, size * 0.9, cover), "y", rng.uniform(-20, 20)), x=place,
                           y=seat - 0.02, z=z))
    return parts
