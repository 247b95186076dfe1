"""Shapes, class lamp: from the ceiling or the wall, pendants, chandeliers, brackets and rows of spots."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh, concatenate
from recordio.shapes import materials
from recordio.shapes.furniture import turned_profile
from recordio.shapes.lamp_parts import SHADES, foot, reflector, shade
from recordio.shapes.materials import pick
from recordio.shapes.outlines import curve
from recordio.shapes.placing import moved, ring, turned
from recordio.shapes.primitives import box, cylinder, ellipsoid, lathe, tube


def pendant(rng: np.random.Generator) -> List[Mesh]:
    """Hangs from a ceiling rose by a cord: dome, cone, ball, drum, cluster or linear."""
    metal = materials.metal(rng)
    cover = materials.plastic(rng) if rng.random() < 0.4 else metal
    drop = rng.uniform(0.35, 0.9)
    cord = materials.plain(30, 30, 30)
    kind = rng.integers(6)
    glow = materials.plain(255, 248, 225, gloss=0.4)

    def hung(parts, at=0.0, length=drop):
        return [moved(part, x=at, y=-length) for part in parts] + [tube([(at, -length - 0.01, 0), (at, -0.01, 0)],
                                                                        0.0065, cord, sides=6)]

    rose = [lathe([(0.055, -0.03), (0.06, 0.0)], metal, sides=18)]
    radius = rng.uniform(0.14, 0.30)
    if kind == 0:  # a dome or an industrial bell
        flat = rng.uniform(0.45, 0.9)
        outer = [(radius * np.cos(a), radius * flat * np.sin(a) - radius * flat)
                 for a in np.radians(np.linspace(0, 80, 9))]
        inner = [(r * 0.96, y - 0.01) for r, y in outer[::-1]]
        body = lathe(np.concatenate([outer, [(0.035, -0.005), (0.035, 0.06), (0.0, 0.06)], [(0.0, -0.02)], inner]),
                     cover, sides=28)
        return rose + hung([body, ellipsoid((0, -radius * flat * 0.7, 0), 0.04, glow, cells=4),
                            cylinder((0, -radius * flat * 0.7, 0), 0.012, radius * flat * 0.7, metal, sides=6)])
    if kind == 1:
        return rose + hung([ellipsoid((0, -radius, 0), (radius, radius * rng.uniform(0.7, 1.1), radius),
                                      glow if rng.random() < 0.6 else cover, cells=10),
                            cylinder((0, -radius * 0.25, 0), 0.03, radius * 0.3, metal, sides=10)])
    if kind == 2:
        tall = radius * rng.uniform(0.7, 1.4)
        return rose + hung([moved(part, y=-tall) for part in shade(rng, 0.0, radius * 1.2, tall * 0.95)]
                           + [cylinder((0, -tall * 0.15, 0), 0.012, tall * 0.16, metal)])
    if kind == 3:  # stacked discs
        discs = [lathe([(radius * s, -y - 0.012), (radius * s * 0.8, -y + 0.03), (0.03, -y + 0.05)], cover, sides=28)
                 for s, y in ((0.55, 0.06), (1.0, 0.15), (0.75, 0.24), (0.45, 0.31))]
        return rose + hung(discs + [cylinder((0, -0.3, 0), 0.02, 0.31, metal, sides=8)])
    count = int(rng.integers(3, 6))
    pitch = rng.uniform(0.18, 0.28)
    if kind == 4:  # a row under a rail
        reach = pitch * (count - 1) / 2
        parts = [box((-reach - 0.06, -0.03, -0.03), (reach + 0.06, 0.0, 0.03), metal)]
        small = pitch * 0.38
        for i in range(count):
            cone = reflector(cover, metal, radius=small, length=small * 1.7, flare=0.75)
            parts += hung([moved(cone, y=0.0)], at=-reach + i * pitch,
                          length=drop * rng.choice([1.0, rng.uniform(0.7, 1.1)]))
        return parts
    parts = [cylinder((0, -0.025, 0), 0.14, 0.03, metal, sides=24)]
    for i in range(count):
        angle, r, length = 2 * np.pi * i / count, 0.10, drop * rng.uniform(0.5, 1.0)
        ball = [ellipsoid((0, -0.08, 0), 0.085, glow if rng.random() < 0.7 else cover), cylinder((0, -0.02, 0), 0.02,
                                                                                                 0.04, metal, sides=8)]
        parts += [moved(part, x=float(r * np.cos(angle)), z=float(r * np.sin(angle)))
                  for part in hung(ball, length=length)]
    return parts


def chandelier(rng: np.random.Generator) -> List[Mesh]:
    """Curved arms around a turned body, candle bulbs with or without small shades, hung by a rod."""
    metal = materials.metal(rng, pick(rng, ("brass", "bronze", "black", "chrome", "white")))
    count, reach, drop = int(rng.integers(4, 9)), rng.uniform(0.24, 0.4), rng.uniform(0.25, 0.6)
    body = turned_profile(rng, 0.32, 0.055)
    parts = [lathe(body, metal, sides=14), cylinder((0, 0.3, 0), 0.009, drop, metal, sides=8),
             lathe([(0.06, 0.3 + drop - 0.03), (0.065, 0.3 + drop)], metal),
             ellipsoid((0, -0.015, 0), 0.035, metal, cells=4)]
    sag = rng.uniform(0.03, 0.1)
    path = curve([(0, 0.1, -0.02), (0, 0.1 - sag, -reach * 0.45), (0, 0.1, -reach * 0.9), (0, 0.16, -reach)], 10)
    glow = materials.plain(255, 248, 225, gloss=0.3)
    arm = [tube(path, 0.009, metal, sides=6), lathe([(0.012, 0.15), (0.04, 0.17), (0.042, 0.18)], metal, sides=12,
                                                    centre=(0, 0, -reach))]
    if rng.random() < 0.5:
        cover = materials.fabric(rng, pick(rng, SHADES, 1.5), patterned=0.0)
        arm += [lathe([(0.075, 0.2), (0.045, 0.3)], cover, sides=14, centre=(0, 0, -reach)),
                cylinder((0, 0.17, -reach), 0.012, 0.05, glow, sides=8)]
    else:
        arm += [cylinder((0, 0.175, -reach), 0.014, 0.09, glow, sides=8), ellipsoid((0, 0.285, -reach),
                                                                                    (0.015, 0.03, 0.015), glow,
                                                                                    cells=2)]
    group = concatenate(arm)
    return parts + ring(group, count)


def wall_lamp(rng: np.random.Generator) -> List[Mesh]:
    """A plate at the rear (+z) with an arm that carries a shade or a globe forward."""
    metal = materials.metal(rng)
    out, rise = rng.uniform(0.12, 0.3), rng.uniform(-0.02, 0.12)
    plate = turned(lathe([(rng.uniform(0.05, 0.08), 0.0), (0.05, 0.02)], metal, sides=20), "x",
                   -90) if rng.random() < 0.5 else box(
        (-0.04, -0.09, -0.02), (0.04, 0.09, 0.0), metal, bevel=0.006)
    path = curve([(0, 0, -0.01), (0, -0.03, -out * 0.5), (0, rise * 0.5 - 0.02, -out), (0, rise, -out)], 10)
    parts = [plate, tube(path, 0.009, metal, sides=8)]
    if rng.random() < 0.6:
        made = shade(rng, rise + 0.0, rng.uniform(0.07, 0.12), rng.uniform(0.1, 0.17))
    else:
        made = [ellipsoid((0, rise + 0.07, 0), 0.075, materials.plain(250, 244, 226, gloss=0.5), cells=8),
                cylinder((0, rise - 0.01, 0), 0.035, 0.03, metal, sides=14)]
    arms = [moved(part, z=-out) for part in made]
    if rng.random() < 0.35:
        both = parts[1:] + arms
        return [parts[0]] + [turned(part, "y", s * 38.0) for s in (-1, 1) for part in both]
    return parts + arms


def spot_lamp(rng: np.random.Generator) -> List[Mesh]:
    """A pole or a ceiling bar with two to four swivelling reflectors."""
    metal = materials.metal(rng)
    colour = materials.plastic(rng) if rng.random() < 0.4 else metal
    count = int(rng.integers(2, 5))
    radius, length = rng.uniform(0.05, 0.08), rng.uniform(0.11, 0.16)
    head = reflector(colour, metal, radius=radius, length=length, flare=rng.uniform(0.7, 1.0))
    if rng.random() < 0.5:
        pitch = 0.24
        reach = pitch * (count - 1) / 2
        parts = [box((-reach - 0.08, 0, -0.02), (reach + 0.08, 0.03, 0.02), metal)]
        for i in range(count):
            x = -reach + i * pitch
            aimed = turned(turned(head, "x", rng.uniform(-35, 50)), "y", rng.uniform(-40, 40))
            parts += [tube([(x, 0.01, 0), (x, -0.07, 0)], 0.009, metal, sides=6), moved(aimed, x=x, y=-0.06)]
        return parts
    height = rng.uniform(1.4, 1.7)
    low, parts = foot(rng, 0.14, metal)
    parts.append(cylinder((0, low - 0.01, 0), 0.012, height - low + 0.01, metal, sides=10))
    for i in range(count):
        y, angle, out = height - 0.03 - 0.2 * i, 360.0 * i / count + rng.uniform(-30, 30), 0.14
        arm = [tube([(0, y, 0), (0, y, -out)], 0.008, metal, sides=6),
               moved(turned(head, "x", rng.uniform(10, 70)), y=y + 0.01, z=-out)]
        parts += [turned(part, "y", angle) for part in arm]
    return parts
