"""Shapes, class lamp: bodies that glow as a whole, globes, paper columns, lanterns and the glass trough of a desk."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh, concatenate
from recordio.shapes import materials
from recordio.shapes.furniture import frame_material, turned_profile
from recordio.shapes.lamp_parts import foot
from recordio.shapes.materials import pick
from recordio.shapes.outlines import arc, curve
from recordio.shapes.placing import moved, ring, turned
from recordio.shapes.primitives import box, cylinder, ellipsoid, extrude, lathe, tube


def globe_lamp(rng: np.random.Generator) -> List[Mesh]:
    """Glowing balls, mushrooms and columns, on the table or on a pole."""
    glow = materials.plain(250, 244, 226, gloss=0.5)
    metal = frame_material(rng, metal=0.6)
    kind = rng.integers(4)
    if kind == 0:
        radius, tall = rng.uniform(0.09, 0.16), rng.choice([0.06, 0.25, 1.2])
        low, parts = foot(rng, max(radius * 0.75, 0.1 * min(tall * 1.5, 1.3)), metal)
        parts.append(cylinder((0, low - 0.01, 0), 0.016, tall + 0.03, metal, sides=10))
        return parts + [ellipsoid((0, low + tall + radius * 0.95, 0), radius, glow, cells=10)]
    if kind == 1:  # a mushroom
        radius, tall = rng.uniform(0.12, 0.2), rng.uniform(0.14, 0.28)
        colour = materials.plastic(rng)
        stem = curve([(radius * 0.65, 0.0), (radius * 0.3, tall * 0.4), (radius * 0.35, tall)], 9)
        cap = [(radius * np.cos(a), tall - 0.03 + radius * 0.75 * np.sin(a)) for a in np.radians(np.linspace(-12, 90,
                                                                                                             10))]
        return [lathe(stem, colour, sides=24), lathe(cap, colour if rng.random() < 0.6 else glow, sides=24)]
    if kind == 2:  # a paper column
        half, tall = rng.uniform(0.09, 0.16), rng.uniform(0.4, 1.3)
        paper = materials.fabric(rng, (246, 238, 220), patterned=0.0)
        if rng.random() < 0.5:
            levels = np.linspace(0.03, tall, 4)
            wood = materials.wood(rng)
            parts = [box((-half, 0.03, -half), (half, tall - 0.01, half), paper)]
            parts += [box((sx * half - 0.012, 0, sz * half - 0.012), (sx * half + 0.012, tall + 0.02,
                                                                      sz * half + 0.012), wood) for sx in (-1, 1)
                      for sz in (-1, 1)]
            return parts + [box((-half - 0.008, y - 0.008, -half - 0.008), (half + 0.008, y + 0.008, half + 0.008),
                                wood) for y in levels]
        wave = np.linspace(0, 1, 17)
        profile = np.stack([half * (0.85 + 0.15 * np.cos(wave * np.pi * 8)), 0.02 + wave * tall], axis=1)
        return [lathe(profile, paper, sides=20), cylinder((0, 0, 0), half * 0.8, 0.03, metal, sides=20)]
    radius = rng.uniform(0.1, 0.16)  # a lava lamp
    tall = rng.uniform(0.3, 0.42)
    liquid = materials.Material(materials.varied(rng, pick(rng, ((210, 60, 120), (240, 120, 40), (60, 120, 220),
                                                                 (120, 200, 80)))), 0.8)
    base = lathe([(radius * 0.75, 0), (radius * 0.45, tall * 0.22), (radius * 0.62, tall * 0.42)], metal, sides=20)
    glass = lathe([(radius * 0.6, tall * 0.40), (radius * 0.32, tall * 0.9)], liquid, sides=20)
    return [base, glass, lathe([(radius * 0.36, tall * 0.88), (radius * 0.2, tall * 1.02)], metal, sides=20)]


def lantern(rng: np.random.Generator) -> List[Mesh]:
    """A glazed frame with a roof: a storm lantern to carry, or a street lamp on a post."""
    metal = materials.metal(rng, pick(rng, ("black", "black", "bronze", "white", "copper", "grey")))
    half, tall = rng.uniform(0.07, 0.1), rng.uniform(0.2, 0.3)
    sides = int(rng.choice([4, 4, 6]))
    glow = materials.plain(250, 236, 196, gloss=0.7)
    wide = half * rng.uniform(1.0, 1.35)
    turn = 45.0 if sides == 4 else 0.0
    frame = [lathe([(half * 1.1, 0.0), (half * 1.1, 0.02)], metal, sides=sides), lathe([(half, 0.015), (wide, tall)],
                                                                                       glow, sides=sides),
             lathe([(wide * 1.2, tall - 0.005), (wide * 1.15, tall + 0.015), (wide * 0.3, tall + half * 1.0),
                    (0.02, tall + half * 1.1)], metal, sides=sides)]
    corner = tube([(half * 1.02, 0.01, 0), (wide * 1.02, tall, 0)], 0.008, metal, sides=6)
    frame += ring(corner, sides)
    frame = [turned(part, "y", turn) for part in frame]
    crown = tall + half * 1.05
    if rng.random() < 0.45:
        loop = tube([(0.035 * np.cos(a), crown + 0.03 + 0.035 * np.sin(a), 0) for a in np.linspace(0, 2 * np.pi,
                                                                                                   13)[:-1]], 0.006,
                    metal, sides=6, closed=True)
        return frame + [loop]
    post = rng.uniform(1.4, 2.2)
    column = lathe(np.concatenate([[(0.11, 0.0), (0.11, 0.08), (0.06, 0.12)], turned_profile(rng, post * 0.25, 0.05,
                                                                                             points=8) + (0, 0.14),
                                   [(0.028, post * 0.42), (0.022, post)]]), metal, sides=12)
    heads = [moved(concatenate(frame), y=post - 0.01)]
    if rng.random() < 0.4:
        arm = 0.32
        heads = [moved(heads[0], x=s * arm, y=0.05) for s in (-1, 1)]
        heads += [tube(curve([(0, post - 0.2, 0), (s * arm * 0.6, post - 0.12, 0), (s * arm, post + 0.06, 0)], 8),
                       0.014, metal, sides=6) for s in (-1, 1)]
        heads.append(ellipsoid((0, post + 0.02, 0), 0.05, metal, cells=4))
    return [column] + heads


def banker_lamp(rng: np.random.Generator) -> List[Mesh]:
    """A half-round glass trough across a brass stem."""
    brass = materials.metal(rng, pick(rng, ("brass", "brass", "bronze", "chrome")))
    glass = materials.Material(materials.varied(rng, pick(rng, ((24, 96, 62), (24, 96, 62), (30, 60, 120),
                                                                (200, 130, 50), (240, 236, 220)))), 0.85)
    low, parts = foot(rng, rng.uniform(0.085, 0.11), brass)
    height, half, radius = rng.uniform(0.28, 0.38), rng.uniform(0.11, 0.16), rng.uniform(0.06, 0.08)
    parts.append(lathe(np.array([(0.02, low - 0.01), (0.011, low + 0.03), (0.009, height)]), brass, sides=10))
    outer, inner = arc((0, 0), radius, 0, 180, 11), arc((0, 0), radius - 0.008, 180, 0, 11)
    trough = extrude(np.concatenate([outer, inner]), -half, half, glass, axis="x", smooth=True)
    trough = turned(trough, "x", -90)  # the outline's (y, z) half circle opens towards -z: turn it to open down
    parts.append(moved(turned(trough, "x", rng.uniform(-12, 20)), y=height - radius * 0.55, z=-0.03))
    parts += [tube([(-half * 0.9, height - radius * 0.4, -0.03), (half * 0.9, height - radius * 0.4, -0.03)], 0.014,
                   brass, sides=8)]
    parts += [box((-0.012, height - radius * 0.5, -0.035), (0.012, height + radius * 0.45, -0.01), brass),
              box((-0.01, height - 0.03, -0.03), (0.01, height, 0.008), brass)]
    return parts
