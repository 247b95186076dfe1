"""Shapes, class cabinet: chests of drawers, wardrobes, bookcases, sideboards, kitchen units, filing cabinets."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh, concatenate
from recordio.shapes import materials
from recordio.shapes.cabinet_open import bookcase, corner_shelf, glass_cabinet, media_unit, night_stand
from recordio.shapes.cabinet_parts import base, cabinet_materials, carcass, crown, doors_row, open_box, shelf_contents
from recordio.shapes.cabinet_work import filing_cabinet, kitchen_unit, roll_cart
from recordio.shapes.catalogue import draw_style, register
from recordio.shapes.desk import drawers
from recordio.shapes.furniture import LEGS, four_legs, frame_material
from recordio.shapes.materials import pick
from recordio.shapes.outlines import filleted
from recordio.shapes.placing import moved, pair
from recordio.shapes.primitives import box, tube


@register("cabinet")
def cabinet(rng: np.random.Generator) -> Mesh:
    """A cabinet of one of a dozen styles, its doors towards -z."""
    styles = {chest: 2, wardrobe: 2, bookcase: 2, sideboard: 2, kitchen_unit: 1, filing_cabinet: 1, mixed_cabinet: 2,
              glass_cabinet: 1, media_unit: 1, corner_shelf: 1, night_stand: 1, roll_cart: 1}
    return concatenate(draw_style(rng, styles)(rng))


def chest(rng: np.random.Generator) -> List[Mesh]:
    """Drawers over the whole front in one to three columns, on a plinth or legs."""
    columns = int(rng.choice([1, 1, 1, 2, 2, 3]))
    width = {1: rng.uniform(0.4, 1.0), 2: rng.uniform(0.9, 1.5), 3: rng.uniform(1.3, 1.8)}[columns]
    rows = int(rng.integers(2, 7))
    height = float(np.clip(rows * rng.uniform(0.15, 0.24), 0.45, 1.35))
    width, depth = float(width), rng.uniform(0.36, 0.52)
    body, front, metal = cabinet_materials(rng)
    foot, parts = base(rng, width, depth, body)
    parts += [carcass(width, foot, foot + height, depth, body)] + crown(rng, width, foot + height, depth, body)
    parts += drawers(rng, (-width / 2 + 0.015, width / 2 - 0.015), (foot + 0.02, foot + height - 0.012), -depth / 2,
                     rows, front, metal, columns=columns)
    return parts


def wardrobe(rng: np.random.Generator) -> List[Mesh]:
    """A tall cupboard: two to four doors, plain, panelled, louvred or with a mirror, drawers below at times."""
    doors = int(rng.choice([1, 2, 2, 2, 3, 4]))
    width, depth = doors * rng.uniform(0.40, 0.60), rng.uniform(0.42, 0.62)
    height = rng.uniform(1.6, 2.2)
    body, front, metal = cabinet_materials(rng)
    foot, parts = base(rng, width, depth, body)
    top = foot + height
    parts += [carcass(width, foot, top, depth, body)] + crown(rng, width, top, depth, body)
    low = foot + 0.02
    if rng.random() < 0.35:
        rows, share = int(rng.integers(1, 3)), rng.uniform(0.13, 0.2)
        split = foot + height * share * rows
        parts += drawers(rng, (-width / 2 + 0.015, width / 2 - 0.015), (low, split), -depth / 2, rows, front, metal,
                         columns=min(doors, 2))
        low = split + 0.005
    return parts + doors_row(rng, (-width / 2 + 0.012, width / 2 - 0.012), (low, top - 0.015), -depth / 2, doors,
                             front, metal)


def sideboard(rng: np.random.Generator) -> List[Mesh]:
    """Low and long on legs: doors and drawers in two to four bays."""
    bays = int(rng.integers(2, 5))
    width, depth, height = bays * rng.uniform(0.38, 0.55), rng.uniform(0.38, 0.5), rng.uniform(0.42, 0.68)
    body, front, metal = cabinet_materials(rng)
    frame = body if rng.random() < 0.4 else frame_material(rng, metal=0.6)
    foot = rng.uniform(0.10, 0.28)
    x, z = width / 2 - 0.07, depth / 2 - 0.06
    if rng.random() < 0.25:
        path = [(x, foot + 0.005, -z), (x, 0.012, -z), (x, 0.012, z), (x, foot + 0.005, z)]
        parts = pair(tube(filleted(path, 0.01), 0.013, frame))
    else:
        parts = four_legs(rng, pick(rng, LEGS), (x, -z, z), foot + 0.01, 0.045, frame, splay=rng.choice([0.0, 0.04]))
    top = foot + height
    parts += [carcass(width, foot, top, depth, body)] + crown(rng, width, top, depth, body)
    edges = np.linspace(-width / 2 + 0.015, width / 2 - 0.015, bays + 1)
    for a, b in zip(edges[:-1], edges[1:]):
        ys = (foot + 0.015, top - 0.012)
        if rng.random() < 0.4:
            parts += drawers(rng, (a, b), ys, -depth / 2, int(rng.integers(2, 4)), front, metal)
        else:
            parts += doors_row(rng, (a, b), ys, -depth / 2, 1, front, metal)
    return parts


def mixed_cabinet(rng: np.random.Generator) -> List[Mesh]:
    """A cupboard of two storeys: an open or closed upper part set back on a deeper lower one."""
    width, depth = rng.uniform(0.7, 1.4), rng.uniform(0.42, 0.52)
    lower, upper, shallow = rng.uniform(0.7, 0.95), rng.uniform(0.7, 1.2), rng.uniform(0.26, 0.34)
    body, front, metal = cabinet_materials(rng)
    foot, parts = base(rng, width, depth, body)
    x, z, split = width / 2, depth / 2, foot + lower
    doors = max(1, int(round(width / 0.45)))
    parts += [carcass(width, foot, split, depth, body), box((-x - 0.015, split - 0.005, -z - 0.015),
                                                            (x + 0.015, split + 0.02, z), body)]
    cut = split - rng.choice([0.0, 0.17])
    if cut < split:
        parts += drawers(rng, (-x + 0.012, x - 0.012), (cut, split - 0.01), -z, 1, front, metal, columns=doors)
    parts += doors_row(rng, (-x + 0.012, x - 0.012), (foot + 0.015, cut - 0.005), -z, doors, front, metal)
    high, face = split + upper, z - shallow
    boxed = open_box((-x + 0.02, x - 0.02), (split, high), shallow, body, 0.025)
    parts += [moved(part, z=z - shallow / 2) for part in boxed]
    parts += crown(rng, width, high, 2 * (z - face), body, shift=z - shallow / 2, deep=shallow)
    shelves = np.linspace(split + 0.02, high - 0.02, int(rng.integers(3, 5)))
    parts += [box((-x + 0.03, y - 0.01, face + 0.01), (x - 0.03, y + 0.01, z - 0.01), body) for y in shelves[1:-1]]
    if rng.random() < 0.5:
        for low, top in zip(shelves[:-1], shelves[1:]):
            parts += [moved(part, z=z - shallow / 2) for part in shelf_contents(rng, (-x + 0.06, x - 0.06),
                                                                                (low + 0.008, top - 0.01), shallow / 2)]
    else:
        parts += doors_row(rng, (-x + 0.03, x - 0.03), (split + 0.03, high - 0.01), face, doors, materials.glass(rng)
                           if rng.random() < 0.5 else front, metal)
    return parts
