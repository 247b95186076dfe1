"""Shapes, class bench: park, picnic, plank, upholstered, storage, stone and waiting-room benches."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh, concatenate
from recordio.shapes import materials
from recordio.shapes.bench_indoor import padded_bench, storage_bench, waiting_bench, weight_bench
from recordio.shapes.catalogue import draw_style, register
from recordio.shapes.furniture import LEGS, four_legs, frame_material, slat_material
from recordio.shapes.materials import pick
from recordio.shapes.outlines import curve, filleted, rounded_rectangle
from recordio.shapes.placing import moved, pair, turned
from recordio.shapes.primitives import bar, box, extrude, rounded_box, sheet, sweep, tube


@register("bench")
def bench(rng: np.random.Generator) -> Mesh:
    """A bench of one of nine styles, its open side to -z."""
    styles = {park_bench: 3, garden_bench: 2, plank_bench: 2, picnic_bench: 1, padded_bench: 2, storage_bench: 1,
              stone_bench: 1, waiting_bench: 1, weight_bench: 1}
    return concatenate(draw_style(rng, styles)(rng))


def park_bench(rng: np.random.Generator) -> List[Mesh]:
    """Slats on cast-iron or steel sides that carry the seat, the back and often the arms."""
    width = rng.uniform(1.2, 2.2)
    slats = slat_material(rng)
    iron = materials.metal(rng, pick(rng, ("black", "black", "grey", "bronze", "white", "steel")))
    seat, depth, high = rng.uniform(0.40, 0.46), rng.uniform(0.40, 0.50), rng.uniform(0.32, 0.50)
    tilt, thick, gap = rng.uniform(8, 24), rng.uniform(0.025, 0.04), rng.uniform(0.008, 0.03)
    count = int(rng.integers(3, 8))
    edges = np.linspace(-depth / 2, depth / 2, count + 1)
    dip = rng.uniform(0.0, 0.03)
    parts = []
    for a, b in zip(edges[:-1], edges[1:]):
        middle = (a + b) / depth
        y = seat - dip * (1 - middle ** 2)
        parts.append(box((-width / 2, y - thick, a + gap / 2), (width / 2, y, b - gap / 2), slats))
    rows, low = int(rng.integers(2, 7)), rng.uniform(0.03, 0.12)
    edges = np.linspace(low, high, rows + 1)
    back = [box((-width / 2, a + gap / 2, -thick), (width / 2, b - gap / 2, 0), slats) for a,
            b in zip(edges[:-1], edges[1:])]
    sides = int(2 if width < 1.7 else rng.choice([2, 3]))
    x_side = width / 2 - rng.uniform(0.02, 0.18)
    bend = 0.045
    lean = np.tan(np.radians(tilt)) * high
    rear = (high + seat, depth / 2 + lean + bend / 2 + thick / 2)
    under = seat - thick - dip - 0.012
    kind = rng.integers(3)
    section = rounded_rectangle(0.05, bend, 0.008, steps=1)
    made = [turned(moved(part, y=seat, z=depth / 2 + thick), "x", tilt, (0, seat, depth / 2)) for part in back]
    for x in np.linspace(-x_side, x_side, sides):
        rest = [(x, under, -depth / 2), (x, under, depth / 2), (x, seat, depth / 2 + thick + bend / 2),
                (x, rear[0], rear[1] + thick)]
        parts.append(sweep(curve(rest, 10) if kind == 0 else rest, section, iron, up=(0, 0.3, -1)))
        if kind == 0:  # cast scrolls: curved legs
            for sign, foot in ((-1, -depth / 2 - 0.04), (1, depth / 2 + 0.12)):
                path = curve([(x, under, sign * depth * 0.40), (x, under * 0.6, sign * depth * 0.22),
                              (x, 0.12, sign * depth * 0.42), (x, 0.02, foot)], 9)
                parts.append(sweep(path, section, iron, up=(1, 0, 0)))
        elif kind == 1:  # straight splayed legs
            parts += [bar((x, under, s * depth * 0.38), (x, 0, s * depth * 0.5 + 0.04), (0.05, 0.045), iron)
                      for s in (-1, 1)]
        else:  # a block of concrete or a plate
            parts.append(box((x - 0.04, 0, -depth * 0.4), (x + 0.04, under + 0.01, depth * 0.42), iron))
    if rng.random() < 0.6:
        level = seat + rng.uniform(0.18, 0.24)
        at_back = depth / 2 + thick + (level - seat) * np.tan(np.radians(tilt)) + 0.03
        arm = curve([(x_side, under, -depth / 2 + 0.04), (x_side, level - 0.03, -depth / 2),
                     (x_side, level, -depth / 4), (x_side, level - 0.01, at_back)], 12)
        parts += pair(sweep(arm, rounded_rectangle(0.04, 0.035, 0.006, steps=1), iron, up=(1, 0, 0)))
    return parts + made


def garden_bench(rng: np.random.Generator) -> List[Mesh]:
    """All of wood: four posts, a slatted seat, vertical slats, crosses or an arched back between rails, armrests."""
    width, depth = rng.uniform(1.1, 1.9), rng.uniform(0.45, 0.58)
    wood = slat_material(rng)
    seat, high, size = rng.uniform(0.40, 0.45), rng.uniform(0.36, 0.52), rng.uniform(0.05, 0.07)
    x, front, rear = width / 2 - size / 2, -depth / 2 + size / 2, depth / 2 - size / 2
    level, tilt = seat + rng.uniform(0.18, 0.24), rng.uniform(3, 12)
    parts = pair(box((x - size / 2, 0, front - size / 2), (x + size / 2, level, front + size / 2), wood),
                 box((x - size / 2, 0, rear - size / 2), (x + size / 2, seat + 0.02, rear + size / 2), wood),
                 box((x - size * 0.4, seat - 0.09, front), (x + size * 0.4, seat - 0.02, rear), wood))
    parts += [box((-x, seat - 0.09, z - size * 0.35), (x, seat - 0.02, z + size * 0.35), wood) for z in (front, rear)]
    edges = np.linspace(-depth / 2 - 0.015, depth / 2 - size * 0.7, int(rng.integers(5, 9)))
    parts += [box((-x - size * 0.3, seat - 0.025, a + 0.006), (x + size * 0.3, seat, b - 0.006), wood)
              for a, b in zip(edges[:-1], edges[1:])]
    rise = rng.choice([0.0, 0.06, 0.14])
    t = np.linspace(-1, 1, 9)
    rail = [np.stack([t * x, np.full(9, high - 0.08) + rise * (1 - t ** 2) + dy, np.zeros(9)], axis=1)
            for dy in (0, 0.08)]
    back = [sheet(np.array(rail), 0.04, wood, smooth=False), box((-x, 0.06, -0.02), (x, 0.13, 0.02), wood)]
    back += pair(box((x - size / 2, -0.02, -size / 2), (x + size / 2, high, size / 2), wood))
    kind = rng.integers(3)
    if kind == 0:
        count = int(rng.integers(6, 15))
        wide = min(0.06, 1.1 * x / count)
        for u in np.linspace(-1, 1, count + 2)[1:-1]:
            back.append(box((u * x - wide / 2, 0.11, -0.01), (u * x + wide / 2, high - 0.06 + rise * (1 - u * u),
                                                              0.01), wood))
    elif kind == 1:
        count = int(rng.integers(2, 4))
        for a, b in zip(np.linspace(-x, x, count + 1)[:-1], np.linspace(-x, x, count + 1)[1:]):
            back += [bar((a, 0.1, 0), (b, high - 0.04, 0), (0.035, 0.018), wood), bar((b, 0.1, 0), (a, high - 0.04, 0),
                                                                                      (0.035, 0.018), wood),
                     box((a - 0.02, 0.1, -0.015), (a + 0.02, high - 0.04, 0.015), wood)]
    else:
        levels = np.linspace(0.16, high - 0.08, int(rng.integers(2, 4)) + 1)
        back += [box((-x, a, -0.012), (x, a + 0.65 * (b - a), 0.012), wood) for a, b in zip(levels[:-1], levels[1:])]
    parts += [turned(moved(part, y=seat, z=rear), "x", tilt, (0, seat, rear)) for part in back]
    parts += pair(rounded_box((x - 0.045, level - 0.005, front - 0.06), (x + 0.045, level + 0.025, rear + 0.05), wood,
                              radius=0.01, steps=1))
    return parts


def plank_bench(rng: np.random.Generator) -> List[Mesh]:
    """Backless: boards or a slab on legs, trestles, crossed ends, steel loops or hairpins."""
    width, depth, seat = rng.uniform(0.9, 2.0), rng.uniform(0.28, 0.45), rng.uniform(0.40, 0.48)
    wood = materials.planks(rng) if rng.random() < 0.3 else slat_material(rng)
    frame = frame_material(rng, metal=0.5) if rng.random() < 0.6 else wood
    thick, size = rng.uniform(0.03, 0.07), rng.uniform(0.035, 0.07)
    x, z, under = width / 2 * rng.uniform(0.7, 0.97) - size / 2, depth / 2 - size / 2 - 0.01, seat - thick + 0.003
    if rng.random() < 0.5:
        boards = int(rng.integers(2, 7))
        edges = np.linspace(-depth / 2, depth / 2, boards + 1)
        parts = [box((-width / 2, seat - thick, a + 0.006), (width / 2, seat, b - 0.006), wood) for a,
                 b in zip(edges[:-1], edges[1:])]
        parts += pair(box((x - 0.03, under - 0.04, -z), (x + 0.03, under, z), frame))
    else:
        parts = [rounded_box((-width / 2, seat - thick, -depth / 2), (width / 2, seat, depth / 2), wood, radius=0.015,
                             steps=1)]
    kind = rng.integers(5)
    if kind == 0:
        parts += four_legs(rng, pick(rng, LEGS), (x, -z, z), under, size, frame, splay=rng.choice([0.0, 0.05]))
        if rng.random() < 0.4:
            y = seat * 0.25
            parts.append(box((-x, y, -z), (x, y + 0.025, z), wood))
    elif kind == 1:
        parts += pair(box((x - size * 0.4, 0, -z), (x + size * 0.4, under, z), frame))
        parts.append(box((-x, under * 0.4, -0.02), (x, under * 0.4 + 0.07, 0.02), frame))
    elif kind == 2:
        parts += pair(*(bar((x, under, s * z), (x, 0, -s * z), (size * 0.8, size * 0.8), frame) for s in (-1, 1)))
        parts.append(bar((-x, under / 2, 0), (x, under / 2, 0), (size * 0.7, size * 0.7), frame))
    elif kind == 3:
        path = [(x, under - size / 2, z), (x, under - size / 2, -z), (x, size / 2, -z), (x, size / 2, z)]
        parts += pair(sweep(path, rounded_rectangle(size, size * 0.6, 0.003, steps=1), frame, closed=True,
                            up=(1, 0, 0)))
    else:
        hair = [tube(filleted([(x - 0.06, under, s * z), (x + 0.02, 0.008, s * (z + 0.02)),
                               (x + 0.06, under, s * (z - 0.06))], 0.03), 0.009, frame, sides=6) for s in (-1, 1)]
        parts += pair(*hair)
    return parts


def picnic_bench(rng: np.random.Generator) -> List[Mesh]:
    """A table with a bench along both sides on A-shaped trestles."""
    width, height, seat = rng.uniform(1.4, 2.0), rng.uniform(0.70, 0.76), rng.uniform(0.42, 0.46)
    wood = materials.planks(rng) if rng.random() < 0.2 else slat_material(rng)
    frame = wood if rng.random() < 0.7 else materials.metal(rng)
    half, reach = rng.uniform(0.33, 0.40), rng.uniform(0.66, 0.76)
    x = width * 0.34

    def boards(low, high, y, count):
        edges = np.linspace(low, high, count + 1)
        return [box((-width / 2, y - 0.035, a + 0.006), (width / 2, y, b - 0.006), wood) for a,
                b in zip(edges[:-1], edges[1:])]

    parts = boards(-half, half, height, int(rng.integers(4, 7)))
    for side in (-1, 1):
        parts += boards(*sorted((side * (reach - 0.24), side * reach)), seat, 2)
    ends = [bar((x, height - 0.03, s * half * 0.6), (x, 0, s * reach * 0.85), (0.05, 0.09), frame) for s in (-1, 1)]
    ends += [box((x - 0.02, seat - 0.13, -reach + 0.02), (x + 0.02, seat - 0.03, reach - 0.02), frame),
             box((x - 0.02, height - 0.12, -half + 0.03), (x + 0.02, height - 0.03, half - 0.03), frame),
             bar((x, seat - 0.08, 0), (x * 0.35, height - 0.04, 0), (0.035, 0.07), frame, across=(0, 0, 1))]
    return parts + pair(*ends)


def stone_bench(rng: np.random.Generator) -> List[Mesh]:
    """A slab on two carved or plain blocks, or one block of concrete, perhaps bent."""
    width, depth, seat = rng.uniform(1.0, 1.9), rng.uniform(0.38, 0.55), rng.uniform(0.40, 0.48)
    stone = materials.stone(rng)
    thick = rng.uniform(0.07, 0.13)
    top = materials.wood(rng) if rng.random() < 0.3 else stone
    under, x = seat - thick + 0.004, width * rng.uniform(0.28, 0.40)
    kind = rng.integers(3)
    if kind == 0:
        half = curve([(depth * 0.42, 0.0), (depth * 0.40, 0.05), (depth * 0.25, under * 0.3),
                      (depth * 0.30, under * 0.75), (depth * 0.44, under)], 9)
        outline = np.concatenate([half[:, ::-1], half[::-1, ::-1] * (1, -1)])
        parts = pair(extrude(outline, x - 0.07, x + 0.07, stone, axis="x"))
    elif kind == 1:
        parts = pair(box((x - 0.12, 0, -depth * 0.42), (x + 0.12, under, depth * 0.42), stone, bevel=0.015))
    else:
        bow = rng.uniform(0.08, 0.35)
        t = np.linspace(-1, 1, 13)
        centre = np.stack([t * width / 2, np.full(13, seat - thick / 2), bow * t ** 2 * -1], axis=1)
        parts = [sweep(centre, rounded_rectangle(depth, thick, 0.02, steps=1), top, up=(0, 1, 0))]
        for s in (-0.65, 0.65):
            foot = box((-0.08, 0, -depth * 0.42), (0.08, under, depth * 0.42), stone)
            parts.append(moved(turned(foot, "y", np.degrees(np.arctan(4 * bow * s / width))), x=s * width / 2,
                               z=-bow * s * s))
        return parts
    return parts + [rounded_box((-width / 2, seat - thick, -depth / 2), (width / 2, seat, depth / 2), top, radius=0.02,
                                steps=1)]
