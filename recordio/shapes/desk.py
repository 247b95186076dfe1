"""Shapes, class table: desks with drawers, standing desks and school desks."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes import materials
from recordio.shapes.furniture import four_legs, frame_material, handle, knob
from recordio.shapes.materials import Material, pick
from recordio.shapes.outlines import filleted
from recordio.shapes.placing import pair
from recordio.shapes.primitives import bar, box, tube


def drawer_desk(rng: np.random.Generator) -> List[Mesh]:
    """A desk with a drawer pedestal on one or both sides, a panel behind the knees, a hutch now and then."""
    width, depth, height = rng.uniform(1.1, 1.8), rng.uniform(0.55, 0.85), rng.uniform(0.73, 0.77)
    wood = materials.wood(rng) if rng.random() < 0.65 else materials.paint(rng)
    top = wood if rng.random() < 0.6 else materials.wood(rng)
    metal = materials.metal(rng)
    x, z, thick = width / 2, depth / 2, rng.uniform(0.022, 0.04)
    pedestal, foot = rng.uniform(0.34, 0.46), rng.choice([0.0, 0.05, 0.14])
    parts = [box((-x, height - thick, -z), (x, height, z), top, bevel=rng.choice([0.0, 0.008]))]
    both = rng.random() < 0.4
    sides = (-1, 1) if both else (rng.choice([-1, 1]),)
    count = int(rng.integers(2, 5))
    for side in sides:
        inner, outer = sorted((side * (x - 0.02), side * (x - pedestal)))
        parts.append(box((inner, foot, -z + 0.04), (outer, height - thick + 0.002, z - 0.02), wood))
        parts += drawers(rng, (inner, outer), (foot + 0.015, height - thick - 0.012), -z + 0.04, count, wood, metal)
        if foot > 0:
            parts += [box((a - 0.02, 0, b - 0.02), (a + 0.02, foot + 0.005, b + 0.02), metal)
                      for a in (inner + 0.04, outer - 0.04) for b in (-z + 0.08, z - 0.07)]
    if not both:
        far = -sides[0] * (x - 0.03)
        if rng.random() < 0.5:
            parts.append(box((far - 0.018, 0, -z + 0.03), (far + 0.018, height - thick + 0.002, z - 0.02), wood))
        else:
            parts += [bar((far, height - thick, s * (z - 0.06)), (far, 0, s * (z - 0.06)), (0.045, 0.045), metal)
                      for s in (-1, 1)]
            parts.append(bar((far, height - thick - 0.02, -z + 0.06), (far, height - thick - 0.02, z - 0.06),
                             (0.04, 0.03), metal))
    parts.append(box((-x + 0.03, height * rng.uniform(0.3, 0.6), z - 0.05), (x - 0.03, height - thick + 0.002,
                                                                             z - 0.03), wood))
    if rng.random() < 0.25:  # a hutch on the rear edge
        tall = rng.uniform(0.25, 0.5)
        edge = height + tall
        parts += pair(box((x - 0.025, height - 0.002, z - 0.25), (x, edge, z), wood))
        parts += [box((-x, edge - 0.02, z - 0.26), (x, edge, z), wood), box((-x, height, z - 0.015),
                                                                            (x, edge - 0.02, z), wood)]
        parts += [box((c - 0.01, height - 0.002, z - 0.24), (c + 0.01, edge - 0.01, z), wood) for c in (-x / 3, x / 3)]
    return parts


def height_desk(rng: np.random.Generator) -> List[Mesh]:
    """A standing desk: two telescopic columns on long feet."""
    width, depth, height = rng.uniform(1.2, 1.8), rng.uniform(0.65, 0.85), rng.uniform(0.7, 1.15)
    metal = materials.metal(rng, pick(rng, ("black", "white", "grey", "steel")))
    top = materials.wood(rng) if rng.random() < 0.6 else materials.paint(rng)
    x, z = width / 2 * rng.uniform(0.6, 0.85), depth / 2
    low = height * 0.5
    side = [box((x - 0.04, 0, -z * 0.92), (x + 0.04, 0.035, z * 0.92), metal),
            box((x - 0.045, 0.03, -0.035), (x + 0.045, low, 0.035), metal),
            box((x - 0.035, low - 0.01, -0.025), (x + 0.035, height - 0.03, 0.025), metal.tinted(1.15)),
            box((x - 0.03, height - 0.06, -z * 0.85), (x + 0.03, height - 0.02, z * 0.85), metal)]
    return [box((-width / 2, height - 0.026, -z), (width / 2, height, z), top),
            box((-x, height - 0.06, -0.04), (x, height - 0.025, 0.04), metal)] + pair(*side)


def school_desk(rng: np.random.Generator) -> List[Mesh]:
    """A small desk on steel legs with an open tray under its top."""
    width, depth, height = rng.uniform(0.6, 1.2), rng.uniform(0.45, 0.55), rng.uniform(0.62, 0.76)
    top = materials.wood(rng) if rng.random() < 0.6 else materials.plastic(rng)
    metal = frame_material(rng, metal=0.9)
    x, z, tray = width / 2 - 0.05, depth / 2 - 0.05, rng.uniform(0.10, 0.15)
    body = materials.metal(rng, "grey") if rng.random() < 0.5 else top
    parts = [box((-width / 2, height - 0.022, -depth / 2), (width / 2, height, depth / 2), top, bevel=0.006)]
    parts += [box((-x, height - tray, -z), (x, height - tray + 0.012, z), body),
              box((-x, height - tray, z - 0.012), (x, height - 0.02, z), body)]
    parts += pair(box((x - 0.012, height - tray, -z), (x, height - 0.02, z), body))
    if rng.random() < 0.5:
        return parts + four_legs(rng, "round", (x - 0.01, -z + 0.01, z - 0.01), height - 0.02, 0.028, metal, splay=0.03)
    foot = filleted([(x, height - 0.03, -z * 0.2), (x, 0.014, 0.0), (x, 0.014, -depth / 2 + 0.01)], 0.06)
    rear = tube([(x, 0.014, -0.05), (x, 0.014, depth / 2 - 0.02)], 0.014, metal)
    return parts + pair(tube(foot, 0.014, metal), rear) + [tube([(-x, 0.016, z * 0.4), (x, 0.016, z * 0.4)], 0.012,
                                                                metal)]


def drawers(rng: np.random.Generator, xs, ys, front: float, count: int, material: Material, metal: Material, *,
            columns: int = 1) -> List[Mesh]:
    """Drawer fronts on the face z = *front*, in *columns* x *count* between the spans *xs* and *ys*, with handles.

    The fronts stand 15 mm proud of the carcass and reach into it, so that nothing floats.
    """
    face = material if rng.random() < 0.7 else material.tinted(rng.uniform(0.75, 1.2))
    kind, gap = rng.integers(3), 0.008
    parts = []
    for column in range(columns):
        left, right = (xs[0] + (xs[1] - xs[0]) * (column + i) / columns for i in (0, 1))
        edges = np.linspace(ys[0], ys[1], count + 1)
        for low, high in zip(edges[:-1], edges[1:]):
            parts.append(box((left + gap, low + gap, front - 0.015), (right - gap, high - gap, front + 0.01), face))
            centre = ((left + right) / 2, (low + high) / 2, front - 0.015)
            if kind == 0:
                spots = (-0.25, 0.25) if right - left > 0.5 else (0.0,)
                parts += [knob((centre[0] + s * (right - left), centre[1], front - 0.028), 0.017, metal) for s in spots]
            elif kind == 1:
                parts += handle(centre, min(0.4 * (right - left), 0.3), metal)
            else:  # a grip along the upper edge
                parts.append(box((left + 0.2 * (right - left), high - gap - 0.02, front - 0.03),
                                 (right - 0.2 * (right - left), high - gap - 0.006, front), metal))
    return parts
