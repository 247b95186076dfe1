"""Shapes, class cabinet: the open ones, bookcases, stepped and corner shelves, and display cabinets."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes import materials
from recordio.shapes.cabinet_parts import base, cabinet_materials, doors_row, open_box, shelf_contents
from recordio.shapes.desk import drawers
from recordio.shapes.furniture import LEGS, four_legs, frame_material, knob
from recordio.shapes.materials import pick
from recordio.shapes.outlines import arc
from recordio.shapes.placing import pair
from recordio.shapes.primitives import box, extrude


def night_stand(rng: np.random.Generator) -> List[Mesh]:
    """A small open-fronted box with a drawer on top, on legs."""
    width, depth, height = rng.uniform(0.36, 0.55), rng.uniform(0.34, 0.45), rng.uniform(0.30, 0.45)
    body, front, metal = cabinet_materials(rng)
    frame = frame_material(rng)
    foot = rng.uniform(0.08, 0.24)
    parts = four_legs(rng, pick(rng, LEGS), (width / 2 - 0.04, -depth / 2 + 0.04, depth / 2 - 0.04), foot + 0.01, 0.04,
                      frame, splay=rng.choice([0.0, 0.03]))
    split = foot + height * rng.uniform(0.45, 0.6)
    parts += open_box((-width / 2, width / 2), (foot, foot + height), depth, body, 0.02)
    parts.append(box((-width / 2 + 0.01, split - 0.01, -depth / 2 + 0.01), (width / 2 - 0.01, split + 0.01,
                                                                            depth / 2 - 0.01), body))
    parts.append(box((-width / 2 + 0.02, split, -depth / 2 + 0.02), (width / 2 - 0.02, foot + height - 0.01,
                                                                     depth / 2 - 0.02), body))
    parts += drawers(rng, (-width / 2 + 0.015, width / 2 - 0.015), (split + 0.005, foot + height - 0.012),
                     -depth / 2 + 0.01, 1, front, metal)
    return parts


def bookcase(rng: np.random.Generator) -> List[Mesh]:
    """Open shelves, regular, a grid or staggered, with a back or without, holding books and boxes at times."""
    columns = int(rng.choice([1, 1, 2, 2, 3, 4]))
    rows = int(rng.integers(2, 7))
    pitch = rng.uniform(0.28, 0.42)
    width, height = columns * rng.uniform(0.32, 0.80 if columns == 1 else 0.45), rows * pitch
    depth, thick = rng.uniform(0.24, 0.40), rng.uniform(0.016, 0.035)
    body = materials.wood(rng) if rng.random() < 0.7 else materials.paint(rng)
    steel = rng.random() < 0.2
    frame = materials.metal(rng) if steel else body
    foot = rng.choice([0.0, 0.06, 0.1])
    x, z, top = width / 2, depth / 2, foot + height
    levels = np.linspace(foot + thick / 2, top - thick / 2, rows + 1)
    if rng.random() < 0.3:  # uneven shelves
        levels[1:-1] += rng.uniform(-0.2, 0.2, rows - 1) * pitch
    parts = [box((-x, y - thick / 2, -z), (x, y + thick / 2, z), body) for y in levels]
    if steel:
        parts += [box((sx * (x - 0.012) - 0.014, 0, sz * (z - 0.012) - 0.014), (sx * (x - 0.012) + 0.014, top + 0.03,
                                                                                sz * (z - 0.012) + 0.014),
                      frame) for sx in (-1, 1) for sz in (-1, 1)]
    else:
        parts += pair(box((x - thick, 0, -z), (x, top, z), body))
    if rng.random() < 0.65:
        parts.append(box((-x, foot, z - 0.012), (x, top, z), body.tinted(rng.uniform(0.8, 1.0))))
    edges = np.linspace(-x + thick / 2, x - thick / 2, columns + 1)
    stagger = rng.random() < 0.3
    for c, edge in enumerate(edges[1:-1]):
        for r in range(rows):
            shift = (0.12 if (r + c) % 2 else -0.12) * (edges[1] - edges[0]) * 2 if stagger else 0.0
            parts.append(box((edge + shift - thick / 2, levels[r], -z + 0.003), (edge + shift + thick / 2,
                                                                                 levels[r + 1], z - 0.003), body))
    if rng.random() < 0.7 and not stagger:
        filled = rng.uniform(0.3, 1.0)
        for a, b in zip(edges[:-1], edges[1:]):
            for low, high in zip(levels[:-1], levels[1:]):
                if rng.random() < filled:
                    parts += shelf_contents(rng, (a + thick / 2, b - thick / 2), (low + thick / 2 - 0.002,
                                                                                  high - thick / 2), z)
    if rng.random() < 0.3:  # closed below
        count = max(columns, int(round(width / 0.45)))
        parts += doors_row(rng, (-x + 0.01, x - 0.01), (foot + 0.01, levels[1]), -z, count, body, materials.metal(rng))
    return parts


def media_unit(rng: np.random.Generator) -> List[Mesh]:
    """A low television bench with open compartments in the middle."""
    width, depth, height = rng.uniform(1.1, 2.0), rng.uniform(0.36, 0.46), rng.uniform(0.28, 0.5)
    body, front, metal = cabinet_materials(rng)
    foot, parts = base(rng, width, depth, body)
    x, z, t, top = width / 2, depth / 2, 0.025, foot + height
    inner = x * rng.uniform(0.3, 0.5)
    parts += open_box((-x, x), (foot, top), depth, body, t)
    parts += pair(box((inner, foot, -z), (inner + t, top - 0.01, z - 0.005), body))
    parts.append(box((-inner, foot + height * 0.5, -z + 0.01), (inner, foot + height * 0.5 + t, z - 0.01), body))
    for side in (-1, 1):
        low, high = sorted((side * (inner + t / 2), side * (x - 0.005)))
        parts.append(box((low, foot + 0.01, -z + 0.01), (high, top - 0.01, z - 0.01), body))
        if rng.random() < 0.5:
            parts += drawers(rng, (low, high), (foot + 0.01, top - 0.01), -z + 0.008, int(rng.integers(1, 3)), front,
                             metal)
        else:
            parts += doors_row(rng, (low, high), (foot + 0.01, top - 0.01), -z + 0.008, 1, front, metal)
    if rng.random() < 0.5:
        parts.append(box((-inner * 0.8, foot + height * 0.5 + t - 0.002, -z + 0.06),
                         (inner * 0.6, foot + height * 0.5 + t + 0.05, z * 0.5),
                         materials.plain(30, 30, 32, gloss=0.4)))
    return parts


def glass_cabinet(rng: np.random.Generator) -> List[Mesh]:
    """A display cabinet: a frame around dark panes, shelves showing as lines, on legs or a drawer."""
    width, depth, height = rng.uniform(0.5, 1.1), rng.uniform(0.34, 0.42), rng.uniform(1.0, 1.7)
    frame = frame_material(rng, metal=0.3)
    glass = materials.glass(rng)
    foot, parts = base(rng, width, depth, frame)
    x, z, t, top = width / 2, depth / 2, rng.uniform(0.03, 0.055), foot + height
    parts.append(box((-x + t / 2, foot + 0.01, -z + 0.012), (x - t / 2, top - 0.01, z - 0.012), glass))
    parts += [box((sx * (x - t / 2) - t / 2, foot, sz * (z - t / 2) - t / 2), (sx * (x - t / 2) + t / 2, top,
                                                                               sz * (z - t / 2) + t / 2), frame)
              for sx in (-1, 1) for sz in (-1, 1)]
    parts += [box((-x - 0.012, top - t, -z - 0.012), (x + 0.012, top + 0.01, z + 0.012), frame),
              box((-x, foot, -z), (x, foot + t * 1.5, z), frame)]
    levels = np.linspace(foot + t, top - t, int(rng.integers(3, 6)))[1:-1]
    parts += [box((-x + t * 0.4, y - 0.01, -z + 0.006), (x - t * 0.4, y + 0.01, z - 0.006), frame) for y in levels]
    doors = 2 if width > 0.6 else 1
    if doors == 2:
        parts.append(box((-t * 0.6, foot + t, -z - 0.004), (t * 0.6, top - t, -z + 0.03), frame))
    metal = materials.metal(rng)
    parts += [knob((s, foot + height * 0.5, -z - 0.015), 0.018, metal) for s in ((-0.02, 0.02) if doors == 2
                                                                                 else (x - t / 2,))]
    parts.append(box((-x, foot, z - 0.012), (x, top, z), frame))
    return parts


def corner_shelf(rng: np.random.Generator) -> List[Mesh]:
    """A cube grid that steps down, or a quarter-round corner shelf."""
    body = materials.wood(rng) if rng.random() < 0.6 else materials.paint(rng)
    if rng.random() < 0.4:
        radius, height, count = rng.uniform(0.3, 0.45), rng.uniform(0.9, 1.8), int(rng.integers(4, 7))
        quarter = np.concatenate([[(0.0, 0.0)], arc((0, 0), radius, 180, 270, 9)]) + radius / 2
        parts = [extrude(quarter, y, y + 0.022, body, axis="y", smooth=True) for y in np.linspace(0.04, height - 0.022,
                                                                                                  count)]
        edge = radius / 2
        return parts + [box((-edge, 0, edge - 0.02), (edge, height, edge), body), box((edge - 0.02, 0, -edge),
                                                                                      (edge, height, edge), body)]
    cell, columns, t = rng.uniform(0.34, 0.42), int(rng.integers(2, 5)), 0.022
    heights = np.sort(rng.integers(1, 5, columns))
    heights = heights[::-1] if rng.random() < 0.5 else heights
    depth, left = rng.uniform(0.32, 0.40), -columns * cell / 2
    parts = []
    for c, rows in enumerate(heights):
        a, b = left + c * cell, left + (c + 1) * cell
        parts += [box((a - t / 2, y * cell, -depth / 2), (b + t / 2, y * cell + t, depth / 2), body)
                  for y in range(rows + 1)]
        parts += [box((edge - t / 2, 0, -depth / 2), (edge + t / 2, rows * cell + t, depth / 2), body)
                  for edge in (a, b)]
        parts.append(box((a, 0, depth / 2 - 0.012), (b, rows * cell + t, depth / 2), body.tinted(0.92)))
        for r in range(rows):
            if rng.random() < 0.3:
                parts += doors_row(rng, (a + t / 2, b - t / 2), (r * cell + t, (r + 1) * cell), -depth / 2 + 0.016, 1,
                                   materials.paint(rng), materials.metal(rng))
            elif rng.random() < 0.5:
                parts += shelf_contents(rng, (a + t / 2, b - t / 2), (r * cell + t - 0.002, (r + 1) * cell), depth / 2)
    return parts
