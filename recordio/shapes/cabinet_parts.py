"""Shapes, class cabinet: what its styles share, doors, bases, crowns and what stands on shelves."""
from __future__ import annotations

from typing import List, Sequence, Tuple

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes import materials
from recordio.shapes.furniture import LEGS, four_legs, frame_material, handle, knob
from recordio.shapes.materials import Material, pick
from recordio.shapes.primitives import box

BOOKS = ((150, 40, 36), (40, 66, 110), (196, 180, 150), (52, 84, 60), (30, 30, 34), (190, 130, 50), (230, 226, 216),
         (110, 60, 90), (90, 120, 140))


def cabinet_materials(rng) -> Tuple[Material, Material, Material]:
    """Carcass, fronts, handles."""
    body = materials.wood(rng) if rng.random() < 0.62 else materials.paint(rng)
    draw = rng.random()
    front = body if draw < 0.55 else materials.paint(rng) if draw < 0.8 else materials.wood(rng)
    return body, front, materials.metal(rng)


def doors_row(rng, xs: Sequence[float], ys: Sequence[float], front: float, count: int, material: Material,
              metal: Material) -> List[Mesh]:
    """*count* doors side by side on the face z = *front*: plain, panelled, louvred, mirrored, with handles."""
    kind, grip, gap, t = pick(rng, ("plain", "plain", "panel", "frame", "louvre",
                                    "mirror")), rng.integers(3), 0.004, 0.018
    mirror = Material(materials.rgb(150, 168, 176), 0.95)
    edges, (low, high) = np.linspace(xs[0], xs[1], count + 1), ys
    low, high = low + gap, high - gap
    parts = []
    for i, (a, b) in enumerate(zip(edges[:-1] + gap, edges[1:] - gap)):
        parts.append(box((a, low, front - t), (b, high, front + 0.01), material))
        rim = min(0.07, 0.2 * (b - a), 0.2 * (high - low))
        face = front - t - 0.008
        inside = (a + rim, b - rim, low + rim, high - rim)
        if kind == "panel":
            split = 2 if high - low > 1.0 else 1
            for y0, y1 in zip(np.linspace(inside[2], inside[3], split + 1)[:-1], np.linspace(inside[2], inside[3],
                                                                                             split + 1)[1:]):
                parts.append(box((inside[0], y0 + rim * 0.2 * (split - 1), face),
                                 (inside[1], y1 - rim * 0.2 * (split - 1), front), material.tinted(0.92)))
        elif kind == "frame":
            parts += [box((a, low, face), (inside[0], high, front), material), box((inside[1], low, face),
                                                                                   (b, high, front), material),
                      box((a, low, face), (b, inside[2], front), material), box((a, inside[3], face), (b, high, front),
                                                                                material)]
        elif kind == "louvre":
            levels = np.linspace(inside[2], inside[3], max(3, int((high - low) / 0.09)))
            parts += [box((inside[0], y, face), (inside[1], y + 0.03, front), material.tinted(0.9))
                      for y in levels[:-1]]
        elif kind == "mirror" and high - low > 0.9:
            parts.append(box((inside[0], inside[2], face), (inside[1], inside[3], front), mirror))
        at_right = (i % 2 == 0) if count > 1 else bool(rng.integers(2))
        x = b - min(0.045, 0.15 * (b - a)) if at_right else a + min(0.045, 0.15 * (b - a))
        y = low + (high - low) * (0.5 if high - low > 0.9 else 0.75)
        if grip == 0:
            parts.append(knob((x, y, front - t - 0.018), 0.018, metal))
        elif grip == 1:
            parts += handle((x, y, front - t), min(0.3 * (high - low), 0.35), metal, upright=True)
        else:
            parts.append(box((x - 0.01, y - 0.06, front - t - 0.02), (x + 0.01, y + 0.06, front), metal))
    return parts


def carcass(width, low, high, depth, material) -> Mesh:
    return box((-width / 2, low, -depth / 2), (width / 2, high, depth / 2), material)


def open_box(xs, ys, depth, material, t) -> List[Mesh]:
    """Bottom, top, sides and back of a box open to -z."""
    z = depth / 2
    return [box((xs[0], ys[0], -z), (xs[1], ys[0] + t, z), material), box((xs[0], ys[1] - t, -z), (xs[1], ys[1], z),
                                                                          material),
            box((xs[0], ys[0], -z), (xs[0] + t, ys[1], z), material), box((xs[1] - t, ys[0], -z), (xs[1], ys[1], z),
                                                                          material),
            box((xs[0], ys[0], z - 0.012), (xs[1], ys[1], z), material)]


def base(rng, width, depth, material) -> Tuple[float, List[Mesh]]:
    """(height of the carcass's underside, parts below it): nothing, a plinth, block feet or legs."""
    kind, x, z = rng.integers(4), width / 2, depth / 2
    if kind == 0:
        return 0.0, []
    if kind == 1:
        return 0.07, [box((-x + 0.01, 0, -z + 0.03), (x - 0.01, 0.075, z), material.tinted(0.7))]
    high = rng.uniform(0.06, 0.18)
    style = "square" if kind == 2 else pick(rng, LEGS)
    frame = material if rng.random() < 0.6 else frame_material(rng)
    return high, four_legs(rng, style, (x - 0.04, -z + 0.04, z - 0.04), high + 0.005, 0.055, frame)


def crown(rng, width, y, depth, material, *, shift: float = 0.0, deep: float = 0.0) -> List[Mesh]:
    """A top board or a cornice over the carcass, or nothing."""
    kind, x, z = rng.integers(3), width / 2, (deep or depth) / 2
    if kind == 0:
        return []
    out = 0.015 if kind == 1 else 0.035
    board = [box((-x - out, y - 0.005, -z - out + shift), (x + out, y + 0.022, z + shift), material)]
    if kind == 2:
        board.append(box((-x - out / 2, y - 0.04, -z - out / 2 + shift), (x + out / 2, y, z + shift), material))
    return board


def shelf_contents(rng, xs, ys, z: float) -> List[Mesh]:
    """A row of books, a box or a basket on a shelf between *xs* and *ys*; *z* is half of the shelf's depth."""
    room, high = xs[1] - xs[0], ys[1] - ys[0]
    if rng.random() < 0.25:
        cover = materials.wicker(rng) if rng.random() < 0.5 else materials.fabric(rng)
        return [box((xs[0] + 0.03 * room, ys[0], -z + 0.02), (xs[1] - 0.03 * room, ys[0] + high * 0.75, z * 0.8),
                    cover)]
    parts, x = [], xs[0] + 0.01
    end = xs[0] + room * rng.uniform(0.4, 0.98)
    while x < end - 0.05 and len(parts) < 9:
        wide = rng.uniform(0.03, 0.09)  # one box is a book or a few of a series
        tall = min(high * rng.uniform(0.6, 0.92), 0.34)
        parts.append(box((x, ys[0], -z + rng.uniform(0.015, 0.05)), (min(x + wide, xs[1] - 0.005), ys[0] + tall,
                                                                     z * 0.6),
                         Material(materials.varied(rng, pick(rng, BOOKS), 0.1), 0.15)))
        x += wide
    return parts
