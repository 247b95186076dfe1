"""Shapes, class loudspeaker: wireless ones, radios, sound bars and computer sets."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes import materials
from recordio.shapes.loudspeaker_parts import driver, drivers_front, look, speaker_body
from recordio.shapes.materials import pick
from recordio.shapes.outlines import curve, filleted, rounded_rectangle
from recordio.shapes.placing import moved, pair, turned
from recordio.shapes.primitives import box, cylinder, ellipsoid, extrude, lathe, rounded_box, tube


def round_speaker(rng: np.random.Generator) -> List[Mesh]:
    """Wireless ones: an upright cylinder, a lying roll, a ball, a puck, an egg."""
    cloth = materials.grille(rng, pick(rng, materials.FABRICS)) if rng.random() < 0.6 else materials.grille(rng)
    cap = pick(rng, (materials.plastic, materials.metal, materials.wood))(rng)
    kind = rng.integers(5)
    if kind == 0:
        radius, tall = rng.uniform(0.05, 0.09), rng.uniform(0.14, 0.26)
        taper = rng.uniform(0.75, 1.0)
        parts = [lathe([(radius, 0.015), (radius * taper, tall)], cloth, sides=28),
                 lathe([(radius * 0.96, 0), (radius * 1.02, 0.02)], cap, sides=28)]
        return parts + [lathe([(radius * taper * 1.02, tall - 0.008), (radius * taper, tall + 0.012),
                               (radius * taper * 0.8, tall + 0.015)], cap, sides=28)]
    if kind == 1:
        radius, half = rng.uniform(0.035, 0.07), rng.uniform(0.09, 0.16)
        parts = [tube([(-half, radius, 0), (half, radius, 0)], radius, cloth, sides=24)]
        ends = tube([(half - 0.004, radius, 0), (half + 0.018, radius, 0)], [radius * 1.04, radius * 0.96], cap,
                    sides=24)
        parts += pair(ends) + [box((-half * 0.8, 0.0, -radius * 0.5), (half * 0.8, radius * 0.3, radius * 0.5), cap)]
        if rng.random() < 0.4:
            loop = filleted([(half * 0.9, radius, 0), (half * 0.9, radius * 3, 0), (-half * 0.9, radius * 3, 0),
                             (-half * 0.9, radius, 0)], 0.04)
            parts.append(tube(loop, 0.007, cap, sides=6))
        return parts
    if kind == 2:
        radius = rng.uniform(0.06, 0.14)
        squash = rng.uniform(0.75, 1.0)
        parts = [ellipsoid((0, radius * squash, 0), (radius, radius * squash, radius), cloth if rng.random() < 0.6
                           else cap, cells=10), cylinder((0, 0, 0), radius * 0.55, radius * 0.15, cap, sides=24)]
        cone, rim = materials.plain(40, 40, 42), cap
        parts.append(moved(driver(rng, radius * 0.55, cone=cone, rim=rim), y=radius * squash, z=-radius * 0.84))
        return parts
    if kind == 3:
        radius, tall = rng.uniform(0.05, 0.09), rng.uniform(0.03, 0.06)
        body = curve([(radius * 0.7, 0.0), (radius, tall * 0.4), (radius * 0.9, tall * 0.85), (radius * 0.6, tall)], 8)
        return [lathe(body, cloth, sides=28), cylinder((0, tall - 0.006, 0), radius * 0.5, 0.012, cap, sides=24),
                cylinder((0, -0.004, 0), radius * 0.6, 0.01, cap)]
    tall = rng.uniform(0.2, 0.4)
    profile = curve([(tall * 0.2, 0.0), (tall * 0.34, tall * 0.25), (tall * 0.28, tall * 0.6),
                     (tall * 0.1, tall * 0.95), (0.004, tall)], 14)
    return [lathe(profile, cloth, sides=28), cylinder((0, -0.008, 0), tall * 0.22, 0.015, cap, sides=24)]


def radio(rng: np.random.Generator) -> List[Mesh]:
    """A portable radio: grille, dial and knobs, a handle and a rod aerial; or a boom box with two drivers."""
    body = pick(rng, (materials.wood, materials.plastic, materials.leather, materials.paint))(rng)
    metal, cloth = materials.metal(rng), materials.grille(rng)
    width = rng.uniform(0.22, 0.36)
    height, depth = width * rng.uniform(0.5, 0.7), width * rng.uniform(0.25, 0.42)
    x, z = width / 2, depth / 2
    parts = [rounded_box((-x, 0.012, -z), (x, height, z), body, radius=rng.uniform(0.01, 0.03))]
    parts.append(box((-x * 0.8, 0, -z * 0.8), (x * 0.8, 0.02, z * 0.8), materials.plain(28, 28, 30)))
    if rng.random() < 0.45:
        width_of = x * 0.46
        for s in (-1, 1):
            parts.append(moved(driver(rng, min(width_of, height * 0.4), cone=materials.plain(40, 40, 42), rim=metal),
                               x=s * x * 0.55, y=height * 0.48, z=-z))
        parts.append(box((-x * 0.13, height * 0.5, -z - 0.006), (x * 0.13, height * 0.85, -z + 0.01),
                         materials.plain(60, 66, 72, gloss=0.8)))
    else:
        split = rng.uniform(-0.2, 0.25) * x
        parts += [box((-x * 0.9, height * 0.12, -z - 0.006), (split, height * 0.9, -z + 0.01), cloth),
                  box((split + 0.01, height * 0.55, -z - 0.005), (x * 0.88, height * 0.88, -z + 0.01),
                      materials.plain(232, 222, 190, gloss=0.6))]
        for i in range(2):
            where = split + (x * 0.9 - split) * (0.3 + 0.45 * i)
            parts.append(moved(turned(cylinder((0, -0.005, 0), 0.022, 0.022, metal, sides=14), "x", -90), x=where,
                               y=height * 0.3, z=-z))
    if rng.random() < 0.7:
        rise = height + rng.uniform(0.03, 0.07)
        loop = filleted([(x * 0.8, height - 0.02, 0), (x * 0.8, rise, 0), (-x * 0.8, rise, 0),
                         (-x * 0.8, height - 0.02, 0)], 0.03)
        parts.append(tube(loop, 0.009, metal, sides=8))
    if rng.random() < 0.4:
        parts.append(tube([(x * 0.85, height - 0.01, z * 0.6), (x * 0.85 + width * 0.25, height + width * 0.7,
                                                                z * 0.6)], 0.0045, materials.metal(rng, "chrome"),
                          sides=6))
    return parts


def sound_bar(rng: np.random.Generator) -> List[Mesh]:
    """A long low bar, flat or rounded, with a centre speaker's row of drivers at times."""
    width, height, depth = rng.uniform(0.45, 0.95), rng.uniform(0.06, 0.17), rng.uniform(0.08, 0.2)
    body, cone, rim = look(rng)
    x, z = width / 2, depth / 2
    if rng.random() < 0.5:
        section = rounded_rectangle(depth, height, 0.4 * min(depth, height), steps=4)
        parts = [extrude(section[:, ::-1] + (height / 2, 0), -x, x, body, axis="x", smooth=True)]
    else:
        parts = [box((-x, 0, -z), (x, height, z), body, bevel=0.008)]
    if height > 0.1:
        radius = height * 0.42
        places = [s * x * f for s in (-1, 1) for f in ((0.35, 0.78) if width > 6 * height else (0.6,))]
        parts += [moved(driver(rng, radius, cone=cone, rim=rim), x=p, y=height / 2, z=-z) for p in places]
        parts.append(moved(driver(rng, radius * 0.5, cone=cone, rim=rim, dome=True), y=height / 2, z=-z))
    else:
        parts.append(box((-x * 0.97, height * 0.12, -z - 0.006), (x * 0.97, height * 0.88, -z + 0.03),
                         materials.grille(rng)))
    return parts + pair(box((x * 0.75, -0.015, -z * 0.6), (x * 0.85, 0.01, z * 0.6), materials.plain(26, 26, 28)))


def computer_set(rng: np.random.Generator) -> List[Mesh]:
    """A pair of small satellites, with a subwoofer between them at times; the two are one model."""
    body, cone, rim = look(rng)
    width = rng.uniform(0.08, 0.13)
    height, depth, apart = width * rng.uniform(1.7, 2.6), width * rng.uniform(0.9, 1.3), width * rng.uniform(1.3, 2.4)
    one = speaker_body(rng, width, 0.01, height, depth, body) + [cylinder((0, 0, 0), width * 0.55, 0.014, rim,
                                                                          sides=20)]
    front = min(float(part.vertices[:, 2].min()) for part in one[:-1])
    one += drivers_front(rng, width, height * 0.08, height * 0.95, front, woofers=int(rng.choice([1, 1, 2])),
                         cone=cone, rim=rim, tweeter=rng.random() < 0.6)
    parts = pair(*(moved(part, x=apart) for part in one))
    if rng.random() < 0.5:
        big = width * 1.0
        parts += [box((-big * 0.6, 0, -big * 0.7), (big * 0.6, height * 0.9, big * 0.9), body, bevel=0.005),
                  moved(driver(rng, big * 0.48, cone=cone, rim=rim), y=height * 0.45, z=-big * 0.7)]
    parts.append(tube(filleted([(-apart, 0.008, 0.0), (-apart * 0.6, 0.008, depth * 0.8),
                                (apart * 0.6, 0.008, depth * 0.8), (apart, 0.008, 0.0)], 0.05), 0.006,
                      materials.plain(24, 24, 26), sides=6))
    return parts
