"""Shapes, class loudspeaker: for the stage and the eye, public address, wedges, horns and design pieces."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes import materials
from recordio.shapes.loudspeaker_parts import CONES, driver, horn_mouth, look
from recordio.shapes.materials import Material, pick
from recordio.shapes.outlines import curve
from recordio.shapes.placing import moved, pair, turned
from recordio.shapes.primitives import bar, box, cylinder, extrude, lathe, tube


def stage_speaker(rng: np.random.Generator) -> List[Mesh]:
    """A trapezoidal public-address box: steel grille or a woofer below a horn, handles at the sides."""
    dark = materials.plain(34, 34, 36, gloss=0.25) if rng.random() < 0.8 else materials.paint(rng)
    width = rng.uniform(0.34, 0.5)
    height, depth = width * rng.uniform(1.3, 2.1), width * rng.uniform(0.7, 0.95)
    x, z = width / 2, depth / 2
    outline = np.array([(-x, -z), (x, -z), (x * 0.95, 0), (x * 0.55, z), (-x * 0.55, z), (-x * 0.95, 0)])
    parts = [extrude(outline, 0.0, height, dark, axis="y")]
    if rng.random() < 0.35:
        parts.append(box((-x * 0.92, 0.03, -z - 0.015), (x * 0.92, height - 0.03, -z + 0.02), materials.grille(rng)))
    else:
        cone = Material(materials.varied(rng, pick(rng, CONES)), 0.2)
        rim = materials.metal(rng, pick(rng, ("black", "steel")))
        radius = min(width * 0.43, height * 0.29)
        parts.append(moved(driver(rng, radius, cone=cone, rim=rim), y=radius * 1.12, z=-z))
        low = radius * 2.3
        if height - low > 0.12:
            parts += horn_mouth(x * 0.85, (low + height - 0.03) / 2, min((height - low) * 0.42, 0.13), -z, rim)
    if rng.random() < 0.6:
        parts += pair(box((x * 0.72, height * 0.45, -0.05), (x * 0.99, height * 0.6, 0.07),
                          materials.plain(22, 22, 24)))
    return parts


def stage_monitor(rng: np.random.Generator) -> List[Mesh]:
    """A wedge that lies on the floor and faces up and forward."""
    dark = materials.plain(38, 38, 40, gloss=0.2) if rng.random() < 0.7 else materials.wood(rng)
    width, height, depth = rng.uniform(0.45, 0.7), rng.uniform(0.28, 0.4), rng.uniform(0.34, 0.5)
    z = depth / 2
    side = [(0.0, -z), (height * 0.12, -z), (height, z * rng.uniform(0.0, 0.5)), (height, z), (0.0, z)]
    parts = [extrude(side, -width / 2, width / 2, dark, axis="x")]
    low, top = np.array(side[1]), np.array(side[2])
    slope = np.degrees(np.arctan2(top[1] - low[1], top[0] - low[0]))
    face = float(np.linalg.norm(top - low))
    if rng.random() < 0.5:
        made = [box((-width * 0.47, 0.015, -0.014), (width * 0.47, face - 0.015, 0.02), materials.grille(rng))]
    else:
        cone, rim = materials.plain(44, 44, 46), materials.metal(rng, "black")
        radius = min(width * 0.24, face * 0.44)
        made = [moved(driver(rng, radius, cone=cone, rim=rim), x=width * 0.2, y=face / 2)]
        made += [moved(part, x=-width * 0.25, y=face / 2) for part in horn_mouth(width * 0.2, 0.0, face * 0.32, 0.0,
                                                                                 rim)]
    return parts + [moved(turned(part, "x", slope), y=float(low[0]), z=float(low[1])) for part in made]


def sculpted_speaker(rng: np.random.Generator) -> List[Mesh]:
    """Design pieces: a flat electrostatic panel, a disc on a foot, a bent column."""
    body, cone, rim = look(rng)
    kind = rng.integers(3)
    if kind == 0:  # a panel
        width, height, tilt = rng.uniform(0.3, 0.6), rng.uniform(0.9, 1.5), rng.uniform(2, 8)
        made = [box((-width / 2, 0.1, -0.02), (width / 2, height, 0.02), body), box((-width * 0.42, 0.2, -0.028),
                                                                                    (width * 0.42, height - 0.06, 0.0),
                                                                                    materials.grille(rng))]
        return [turned(part, "x", tilt, (0, 0.1, 0)) for part in made] + [box((-width * 0.55, 0, -0.15),
                                                                              (width * 0.55, 0.12, 0.17),
                                                                              body.tinted(0.7), bevel=0.01)]
    if kind == 1:  # a disc
        radius, rise = rng.uniform(0.16, 0.3), rng.uniform(0.15, 0.4)
        disc = lathe([(radius * 0.4, 0.0), (radius, 0.03), (radius, 0.06), (radius * 0.5, 0.1)], body, sides=32)
        front = driver(rng, radius * 0.75, cone=cone, rim=rim)
        tilt = rng.uniform(0, 10)
        made = [moved(turned(disc, "x", 90), z=-0.06), moved(front, z=-0.0605)]
        parts = [moved(turned(part, "x", tilt), y=rise + radius) for part in made]
        metal = materials.metal(rng)
        feet = [bar((0, rise + radius * 0.3, 0.0), (s * radius * 0.7, 0, z), (0.03, 0.03), metal, across=(0, 0, 1))
                for s in (-1, 1) for z in (-0.14, 0.16)]
        return parts + feet
    height, width = rng.uniform(0.8, 1.2), rng.uniform(0.14, 0.22)
    profile = curve([(width * 0.9, 0.0), (width * 0.5, height * 0.3), (width * 0.62, height * 0.7),
                     (width * 0.4, height * 0.96), (width * 0.25, height)], 16)
    parts = [lathe(profile, body, sides=28), cylinder((0, -0.015, 0), width * 1.0, 0.03, materials.plain(30, 30, 32),
                                                      sides=28)]
    for y, r in ((0.62, 0.36), (0.76, 0.36), (0.88, 0.22)):
        at = np.interp(y * height, profile[:, 1], profile[:, 0])
        parts.append(moved(driver(rng, width * r, cone=cone, rim=rim, dome=r < 0.3), y=y * height, z=-float(at) * 0.94))
    return parts


def horn_speaker(rng: np.random.Generator) -> List[Mesh]:
    """A gramophone's or a station's horn: a wide flare on a box or a bracket."""
    metal = materials.metal(rng, pick(rng, ("brass", "grey", "white", "copper", "black")))
    radius, length = rng.uniform(0.2, 0.32), rng.uniform(0.3, 0.5)
    flare = curve([(0.02, 0.0), (0.035, length * 0.4), (radius * 0.42, length * 0.8), (radius, length)], 12)
    horn = lathe(np.concatenate([[(0.0, 0.0)], flare, flare[::-1] * (0.93, 0.99) + (0, 0.004), [(0.0, 0.012)]]), metal,
                 sides=24)
    if rng.random() < 0.55:  # on a box, bent up and forward
        wood = materials.wood(rng)
        high = rng.uniform(0.13, 0.2)
        parts = [box((-0.18, 0, -0.18), (0.18, high, 0.18), wood, bevel=0.006), box((-0.2, 0, -0.2), (0.2, 0.025, 0.2),
                                                                                    wood)]
        elbow = curve([(0, high - 0.01, 0.1), (0, high + 0.12, 0.15), (0, high + 0.2, 0.1)], 8)
        parts += [cylinder((0, high - 0.005, -0.02), 0.13, 0.018, materials.plain(24, 24, 26), sides=28),
                  tube(elbow, 0.022, metal)]
        return parts + [moved(turned(horn, "x", -rng.uniform(35, 60)), y=high + 0.19, z=0.11)]
    return [moved(turned(horn, "x", -90), y=0.3, z=0.05),
            tube([(0, 0.3, 0.02), (0, 0.3, 0.17)], 0.075, metal, sides=18),
            box((-0.02, 0.05, 0.06), (0.02, 0.3, 0.1), metal),
            box((-0.09, 0.0, -0.02), (0.09, 0.06, 0.18), metal)]
