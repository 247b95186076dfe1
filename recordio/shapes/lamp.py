"""Shapes, class lamp: floor, table, desk, arc, tripod and hanging lamps, torchieres, lanterns and chandeliers."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh, concatenate
from recordio.shapes import materials
from recordio.shapes.catalogue import draw_style, register
from recordio.shapes.furniture import frame_material, turned_profile
from recordio.shapes.lamp_glow import banker_lamp, globe_lamp, lantern
from recordio.shapes.lamp_hanging import chandelier, pendant, spot_lamp, wall_lamp
from recordio.shapes.lamp_parts import foot, reflector, shade
from recordio.shapes.materials import pick
from recordio.shapes.outlines import curve, filleted, rounded_rectangle
from recordio.shapes.placing import moved, ring, turned
from recordio.shapes.primitives import box, cylinder, ellipsoid, frustum, lathe, sweep, tube


@register("lamp")
def lamp(rng: np.random.Generator) -> Mesh:
    """A lamp of one of a dozen styles."""
    styles = {floor_lamp: 2, table_lamp: 3, desk_lamp: 2, arc_lamp: 1, tripod_lamp: 1, pendant: 2, chandelier: 1,
              torchiere: 1, globe_lamp: 1, lantern: 1, banker_lamp: 1, wall_lamp: 1, spot_lamp: 1}
    return concatenate(draw_style(rng, styles)(rng))


def floor_lamp(rng: np.random.Generator) -> List[Mesh]:
    """A straight or turned pole with a cloth shade, a small table or shelves around it at times."""
    metal = frame_material(rng, metal=0.7, painted=0.05)
    height, radius = rng.uniform(1.2, 1.6), rng.uniform(0.13, 0.19)
    low, parts = foot(rng, radius, metal)
    wide, tall = rng.uniform(0.16, 0.28), rng.uniform(0.2, 0.36)
    pole = rng.uniform(0.010, 0.018)
    kind = rng.integers(4)
    if kind == 0:
        parts.append(lathe(turned_profile(rng, height - low + 0.02, 0.035, points=24) + (0, low - 0.01), metal,
                           sides=12))
    else:
        parts.append(cylinder((0, low - 0.01, 0), pole, height - low + 0.02, metal, sides=10))
    if kind == 1:
        level = rng.uniform(0.45, 0.65)
        parts.append(cylinder((0, level, 0), rng.uniform(0.16, 0.24), 0.02, metal if rng.random() < 0.5
                              else materials.glass(rng), sides=28))
    elif kind == 2 and rng.random() < 0.6:  # an étagère
        half = rng.uniform(0.12, 0.16)
        wood = materials.wood(rng)
        parts = [box((sx * half - 0.012, 0, sz * half - 0.012), (sx * half + 0.012, height, sz * half + 0.012), wood)
                 for sx in (-1, 1) for sz in (-1, 1)]
        parts += [box((-half, y, -half), (half, y + 0.02, half), wood) for y in np.linspace(0.08, height - 0.02, 4)]
        return parts + shade(rng, height, half * 1.2, tall, kinds=("square", "drum"))
    return parts + shade(rng, height, wide, tall)


def table_lamp(rng: np.random.Generator) -> List[Mesh]:
    """A vase, turned post, block, stack of balls or bottle with a cloth shade."""
    make = pick(rng, (materials.paint, materials.wood, materials.metal, materials.stone, materials.plastic))
    body = make(rng)
    height, radius = rng.uniform(0.22, 0.42), rng.uniform(0.055, 0.11)
    kind = rng.integers(5)
    neck = height + 0.05
    if kind == 0:  # a vase
        belly, where = radius, rng.uniform(0.3, 0.65)
        profile = curve([(radius * 0.55, 0.0), (radius * 0.6, 0.02), (belly, height * where),
                         (radius * 0.35, height * 0.93), (radius * 0.3, height)], 14)
        parts = [lathe(profile, body, sides=24)]
    elif kind == 1:
        low, parts = foot(rng, radius * 1.1, body)
        parts.append(lathe(turned_profile(rng, height - low + 0.01, radius * 0.55) + (0, low - 0.01), body))
    elif kind == 2:  # a block or a slab
        half = radius * rng.uniform(0.5, 0.9)
        parts = [box((-radius, 0, -half), (radius, 0.02, half), body.tinted(0.7)),
                 frustum((-radius * 0.8, radius * 0.8, -half * 0.8, half * 0.8, 0.018),
                         (-radius * 0.5, radius * 0.5, -half * 0.5, half * 0.5, height), body)]
    elif kind == 3:
        count = int(rng.integers(2, 5))
        r = (height - 0.02) / count / 2
        parts = [cylinder((0, 0, 0), max(r, radius), 0.025, body, sides=24)]
        parts += [ellipsoid((0, 0.02 + r * (2 * i + 1), 0), (min(r, radius) * 1.1, r * 1.05, min(r, radius) * 1.1),
                            body) for i in range(count)]
    else:
        low, parts = foot(rng, radius * 1.2, body)
        parts.append(cylinder((0, low - 0.01, 0), 0.014, height - low + 0.02, body, sides=10))
    parts.append(cylinder((0, height - 0.01, 0), 0.012, neck - height + 0.02, materials.metal(rng, "brass"), sides=8))
    return parts + shade(rng, neck - 0.01, rng.uniform(0.13, 0.24), rng.uniform(0.15, 0.28))


def desk_lamp(rng: np.random.Generator) -> List[Mesh]:
    """Two jointed arms with springs on a heavy foot, or a goose neck; the head looks down to the front."""
    metal = materials.metal(rng)
    colour = materials.plastic(rng) if rng.random() < 0.5 else metal
    low, parts = foot(rng, rng.uniform(0.075, 0.11), colour)
    reach = rng.uniform(0.22, 0.34)
    radius, length = rng.uniform(0.06, 0.10), rng.uniform(0.12, 0.18)
    head = reflector(colour, metal, radius=radius, length=length, flare=rng.uniform(0.6, 0.95))
    bulb = ellipsoid((0, -length * 0.72, 0), (0.03, 0.04, 0.03), materials.plain(255, 248, 225, gloss=0.4), cells=4)
    if rng.random() < 0.3:  # a goose neck
        path = curve([(0, low - 0.005, 0.0), (0, reach, 0.02), (0, reach * 1.5, -0.05),
                      (0, reach * 1.35, -reach * 0.65)], 16)
        parts.append(tube(path, 0.011, metal))
        end, tilt = path[-1], rng.uniform(0, 35)
    elif rng.random() < 0.25:  # a flat LED bar on a stem
        stem = np.array([(0, low - 0.005, 0.06), (0, low + reach * 1.3, 0.06), (0, low + reach * 1.35, -reach * 0.9)])
        parts.append(sweep(filleted(stem, 0.04), rounded_rectangle(0.03, 0.012, 0.003, steps=1), colour, up=(1, 0, 0)))
        parts.append(box((-0.025, stem[2][1] - 0.012, -reach * 1.1), (0.025, stem[2][1] + 0.006, -reach * 0.2), colour))
        return parts
    else:
        first, second = rng.uniform(8, 38), rng.uniform(25, 70)
        elbow = np.array([0, low + reach * np.cos(np.radians(first)), reach * np.sin(np.radians(first))])
        end = elbow + (0, reach * np.cos(np.radians(second)) * 0.9, -reach * np.sin(np.radians(second)) * 0.95)
        base = np.array([0, low, 0.0])
        parts.append(cylinder((0, low - 0.006, 0), 0.022, 0.035, metal, sides=12))
        for a, b in ((base, elbow), (elbow, end)):
            for x in (-0.012, 0.012):
                parts.append(tube([a + (x, 0, 0), b + (x, 0, 0)], 0.006, metal, sides=6))
        parts += [tube([(-0.024, *joint[1:]), (0.024, *joint[1:])], 0.018, metal, sides=10) for joint in (elbow, end)]
        if rng.random() < 0.5:
            for a, b in ((base, elbow), (elbow, end)):
                parts.append(tube([a + (b - a) * 0.08 + (0, 0.0, 0.018), a + (b - a) * 0.5], 0.007, metal.tinted(0.7),
                                  sides=6))
        tilt = rng.uniform(5, 40)
    parts += [moved(turned(part, "x", tilt), y=float(end[1]), z=float(end[2])) for part in (head, bulb)]
    return parts


def arc_lamp(rng: np.random.Generator) -> List[Mesh]:
    """A long bow from a heavy foot to a dome that hangs far out."""
    metal = materials.metal(rng, pick(rng, ("chrome", "brass", "black", "steel")))
    stone = materials.stone(rng) if rng.random() < 0.6 else metal
    height, reach = rng.uniform(1.6, 2.0), rng.uniform(0.8, 1.3)
    if rng.random() < 0.6:
        block = box((-0.14, 0, -0.1), (0.14, rng.uniform(0.08, 0.3), 0.1), stone, bevel=0.01)
    else:
        block = cylinder((0, 0, 0), 0.17, 0.05, stone, sides=28)
    path = curve([(0, 0.03, 0), (0, height * 0.6, 0.0), (0, height * 0.95, -reach * 0.35),
                  (0, height * 0.97, -reach * 0.75), (0, height * 0.82, -reach)], 20)
    radius = rng.uniform(0.14, 0.24)
    end = path[-1]
    parts = [block, tube(path, 0.013, metal)]
    if rng.random() < 0.6:
        dome = [(radius * np.cos(a), radius * np.sin(a)) for a in np.radians(np.linspace(0, 88, 8))]
        inner = [(r * 0.96, y * 0.96) for r, y in dome[::-1]]
        hang = lathe(np.concatenate([dome, [(0.0, radius)], [(0.0, radius * 0.95)], inner]), metal, sides=24)
        bulb = end - (0, radius * 0.7, 0)
        parts += [moved(hang, y=float(end[1] - radius), z=float(end[2])), tube([end, bulb], 0.012, metal, sides=6),
                  ellipsoid(bulb, 0.05, materials.plain(255, 248, 225), cells=4)]
    else:
        tall = radius * 1.1
        made = shade(rng, 0.0, radius * 1.1, tall, kinds=("drum", "empire"))
        parts += [moved(part, y=float(end[1] - tall * 0.97), z=float(end[2])) for part in made]
    return parts


def tripod_lamp(rng: np.random.Generator) -> List[Mesh]:
    """Three long wooden or steel legs under a wide shade."""
    legs = frame_material(rng, metal=0.35, painted=0.1)
    height, spread = rng.choice([0.4, 1.15, 1.25]) * rng.uniform(0.9, 1.15), rng.uniform(0.26, 0.36)
    size = 0.5 if height < 0.6 else 1.0
    top = np.array([0, height, -0.03])
    made = tube([top, (0, 0, -spread * height)], [0.020 * size, 0.013 * size], legs)
    parts = ring(made, 3, start=180.0) + [cylinder((0, height - 0.07 * size, 0), 0.05 * size, 0.08 * size,
                                                   materials.metal(rng), sides=14)]
    if rng.random() < 0.4:
        level = height * 0.4
        reach = spread * height * (1 - level / height) + 0.03 * level / height
        stay = tube([(0, level, 0), (0, level, -reach)], 0.007, materials.metal(rng), sides=6)
        parts += ring(stay, 3, start=180.0)
    if rng.random() < 0.25 and size == 1.0:  # a studio spotlight
        metal = materials.metal(rng)
        lens = lathe([(0.08, 0), (0.10, 0.02), (0.10, 0.2), (0.16, 0.26), (0.155, 0.265), (0.09, 0.2)], metal, sides=20)
        return parts + [moved(turned(lens, "x", -80), y=height + 0.1, z=0.1), box((-0.12, height - 0.01, -0.02),
                                                                                  (0.12, height + 0.02, 0.02), metal)]
    return parts + shade(rng, height, rng.uniform(0.22, 0.30) * (0.65 if size < 1 else 1),
                         0.28 * (0.75 if size < 1 else 1), kinds=("drum", "empire"))


def torchiere(rng: np.random.Generator) -> List[Mesh]:
    """An uplighter: a bowl on a tall pole, a reading arm at times."""
    metal = materials.metal(rng)
    height, radius = rng.uniform(1.6, 1.85), rng.uniform(0.14, 0.2)
    low, parts = foot(rng, rng.uniform(0.12, 0.16), metal)
    parts.append(cylinder((0, low - 0.01, 0), 0.012, height - low + 0.02, metal, sides=10))
    deep = rng.uniform(0.08, 0.2)
    bowl = curve([(0.02, 0.0), (radius * 0.7, deep * 0.35), (radius, deep)], 7)
    inner = bowl[::-1] * (0.94, 0.94) + (0, deep * 0.05)
    glass = materials.plain(248, 240, 220, gloss=0.5) if rng.random() < 0.5 else metal
    parts.append(lathe(np.concatenate([[(0.0, 0.0)], bowl, inner[:-1], [(0.0, deep * 0.2)]]), glass, sides=24,
                       centre=(0, height, 0)))
    if rng.random() < 0.4:
        level, out = height * 0.72, rng.uniform(0.2, 0.32)
        path = curve([(0, level, 0), (0, level + 0.1, -out * 0.5), (0, level + 0.02, -out)], 9)
        head = reflector(metal, metal, radius=0.06, length=0.12, flare=0.8)
        parts += [tube(path, 0.009, metal, sides=6), moved(turned(head, "x", 25), y=float(path[-1][1]),
                                                           z=float(path[-1][2]))]
    return parts
