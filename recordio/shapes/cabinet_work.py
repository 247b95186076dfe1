"""Shapes, class cabinet: for kitchen, office and workshop."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes import materials
from recordio.shapes.cabinet_parts import cabinet_materials, carcass, doors_row
from recordio.shapes.desk import drawers
from recordio.shapes.furniture import handle
from recordio.shapes.materials import pick
from recordio.shapes.outlines import filleted
from recordio.shapes.placing import moved
from recordio.shapes.primitives import box, cylinder, tube


def kitchen_unit(rng: np.random.Generator) -> List[Mesh]:
    """A base unit with a worktop and kick board, wall units above it now and then, a sink in the top."""
    bays = int(rng.integers(1, 5))
    width, depth, height = bays * rng.uniform(0.45, 0.6), rng.uniform(0.56, 0.62), rng.uniform(0.84, 0.92)
    body, front, metal = cabinet_materials(rng)
    top = materials.stone(rng) if rng.random() < 0.5 else materials.wood(rng)
    x, z = width / 2, depth / 2
    parts = [carcass(width, 0.1, height - 0.038, depth, body), box((-x, 0, -z + 0.06), (x, 0.11, z), body.tinted(0.5)),
             box((-x - 0.01, height - 0.04, -z - 0.03), (x + 0.01, height, z), top)]
    edges = np.linspace(-x + 0.005, x - 0.005, bays + 1)
    for a, b in zip(edges[:-1], edges[1:]):
        kind = rng.integers(3)
        if kind == 0:
            parts += drawers(rng, (a, b), (0.12, height - 0.05), -z, int(rng.integers(2, 5)), front, metal)
        elif kind == 1:
            parts += drawers(rng, (a, b), (height - 0.22, height - 0.05), -z, 1, front, metal)
            parts += doors_row(rng, (a, b), (0.12, height - 0.22), -z, 1, front, metal)
        else:
            parts += doors_row(rng, (a, b), (0.12, height - 0.05), -z, 1, front, metal)
    if rng.random() < 0.35:
        low, high, wall = 1.4, rng.uniform(1.95, 2.15), rng.uniform(0.3, 0.36)
        parts += [moved(carcass(width, low, high, wall, body), z=z - wall / 2), box((-x, height - 0.01, z - 0.015),
                                                                                    (x, low + 0.01, z), top)]
        parts += doors_row(rng, (-x + 0.005, x - 0.005), (low + 0.01, high - 0.01), z - wall, bays, front, metal)
    elif rng.random() < 0.4:
        steel = materials.metal(rng, "chrome")
        parts += [box((-0.2, height - 0.01, -0.18), (0.2, height + 0.006, 0.18), steel),
                  box((-0.17, height - 0.005, -0.15), (0.17, height + 0.008, 0.15), steel.tinted(0.45)),
                  tube(filleted([(0, height, z - 0.08), (0, height + 0.26, z - 0.08), (0, height + 0.26, z - 0.26),
                                 (0, height + 0.2, z - 0.26)], 0.06), 0.014, steel)]
    return parts


def filing_cabinet(rng: np.random.Generator) -> List[Mesh]:
    """Sheet steel: two to five deep drawers with label frames and handles, or a locker with vents."""
    metal = materials.metal(rng, "chrome")
    grey = materials.paint(rng, pick(rng, ((128, 134, 138), (60, 64, 68), (224, 218, 204), (98, 116, 92), (40, 42, 46),
                                           (66, 92, 110))))
    if rng.random() < 0.35:
        columns, width, depth, height = int(rng.integers(1, 5)), 0.32, rng.uniform(0.42, 0.5), rng.uniform(1.6, 1.9)
        parts = [carcass(width * columns, 0.0, height, depth, grey)]
        rows = int(rng.choice([1, 2, 3]))
        for c in range(columns):
            for r in range(rows):
                left, low = (c - columns / 2) * width, 0.06 + r * (height - 0.08) / rows
                high = low + (height - 0.08) / rows - 0.015
                parts.append(box((left + 0.012, low, -depth / 2 - 0.012), (left + width - 0.012, high,
                                                                           -depth / 2 + 0.01), grey.tinted(1.1)))
                parts += [box((left + 0.08, high - 0.06 - 0.03 * i, -depth / 2 - 0.016),
                              (left + width - 0.08, high - 0.05 - 0.03 * i, -depth / 2),
                              grey.tinted(0.4)) for i in range(3)]
                parts.append(box((left + width - 0.05, (low + high) / 2 - 0.04, -depth / 2 - 0.03),
                                 (left + width - 0.03, (low + high) / 2 + 0.04, -depth / 2), metal))
        return parts
    count, width, depth = int(rng.integers(2, 6)), rng.uniform(0.40, 0.50), rng.uniform(0.50, 0.66)
    if rng.random() < 0.25:
        width = rng.uniform(0.75, 0.95)
    height = 0.05 + count * rng.uniform(0.28, 0.33)
    parts = [carcass(width, 0.0, height, depth, grey)]
    edges = np.linspace(0.04, height - 0.015, count + 1)
    for low, high in zip(edges[:-1], edges[1:]):
        parts.append(box((-width / 2 + 0.012, low + 0.008, -depth / 2 - 0.016), (width / 2 - 0.012, high - 0.004,
                                                                                 -depth / 2 + 0.01), grey.tinted(1.06)))
        parts.append(box((-0.04, high - 0.07, -depth / 2 - 0.022), (0.04, high - 0.035, -depth / 2),
                         materials.plain(226, 222, 210)))
        parts += handle((0, high - 0.11, -depth / 2 - 0.016), 0.16, metal, thickness=0.014)
    return parts


def roll_cart(rng: np.random.Generator) -> List[Mesh]:
    """A drawer unit on castors, as it stands under a desk or in a workshop."""
    width, depth, height = rng.uniform(0.38, 0.75), rng.uniform(0.4, 0.56), rng.uniform(0.45, 0.85)
    body = materials.paint(rng) if rng.random() < 0.6 else materials.wood(rng)
    metal, rubber = materials.metal(rng), materials.plain(30, 30, 32)
    foot, x, z = 0.09, width / 2, depth / 2
    parts = [carcass(width, foot, foot + height, depth, body)]
    for sx in (-1, 1):
        for sz in (-1, 1):
            parts += [tube([(sx * (x - 0.06) - 0.014, 0.033, sz * (z - 0.06)), (sx * (x - 0.06) + 0.014, 0.033,
                                                                                sz * (z - 0.06))], 0.033, rubber),
                      cylinder((sx * (x - 0.06), 0.03, sz * (z - 0.06)), 0.012, foot - 0.025, metal, sides=8)]
    parts += drawers(rng, (-x + 0.012, x - 0.012), (foot + 0.015, foot + height - 0.03), -z, int(rng.integers(3, 7)),
                     body.tinted(1.05), metal)
    if rng.random() < 0.5:
        parts.append(box((-x - 0.01, foot + height - 0.005, -z - 0.01), (x + 0.01, foot + height + 0.03, z + 0.01),
                         materials.wood(rng)))
    if rng.random() < 0.4:
        parts.append(tube(filleted([(x - 0.01, foot + height - 0.1, -z + 0.05), (x + 0.05, foot + height - 0.08,
                                                                                 -z + 0.05),
                                    (x + 0.05, foot + height - 0.08, z - 0.05), (x - 0.01, foot + height - 0.1,
                                                                                 z - 0.05)], 0.03), 0.012, metal))
    return parts
