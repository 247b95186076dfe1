"""Shapes, what sails: yachts, catamarans, tall ships. Metres, bow at -z, waterline at y = 0."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.foils import fin
from recordio.shapes.lofts import block, loft, slab, spindle
from recordio.shapes.materials import Material, pick, plain, varied, wood
from recordio.shapes.outlines import rounded_rectangle
from recordio.shapes.placing import moved, pair
from recordio.shapes.primitives import bar, box, tube
from recordio.shapes.watercraft_parts import (
    DARK,
    RED_LEAD,
    STEEL,
    WHITE,
    deck_paint,
    house,
    hull,
    mast,
    paint,
    railing,
    sail,
)

SAILS = ((246, 244, 236), (240, 236, 222), (226, 214, 186), (170, 40, 40), (240, 240, 244), (60, 80, 120),
         (196, 120, 70))


def rig(rng, length, deck_y, mast_z, *, sails=True, jib=True) -> List[Mesh]:
    """Mast, boom and sails of a sloop, all amidships or let out a little."""
    height = length * rng.uniform(1.1, 1.4)
    metal = STEEL if rng.random() < 0.6 else Material(varied(rng, (176, 130, 80)), 0.4)
    r = 0.011 * length
    foot = 0.09 * length
    boom = rng.uniform(0.33, 0.42) * length
    parts = [mast(height, r, at=(0, deck_y - 0.2, mast_z), material=metal)]
    boom_y = deck_y + foot
    parts.append(tube([(0, boom_y, mast_z), (0, boom_y, mast_z + boom)], 0.7 * r, metal, sides=6))
    cloth = Material(varied(rng, pick(rng, SAILS, 1.6), 0.02), 0.05)
    bands = varied(rng, pick(rng, ((200, 40, 40), (40, 70, 150), (230, 150, 40)))) if rng.random() < 0.15 else None
    thick = 0.008 * length
    wind = pick(rng, (-1.0, 1.0))
    if sails:
        belly = rng.uniform(0.02, 0.06) * length
        parts.append(sail([(0, boom_y + 0.01 * length, mast_z + r), (0, boom_y + 0.01 * length, mast_z + boom * 0.97),
                           (0, deck_y + height * 0.96, mast_z + r)], belly, thick, cloth, side=wind, bands=bands))
        if jib:
            bow = -0.47 * length
            top = rng.uniform(0.7, 0.95) * height
            parts.append(sail([(0, deck_y + 0.03 * length, bow),
                               (0, deck_y + 0.06 * length, mast_z + rng.uniform(-0.03, 0.1) * length),
                               (0, deck_y + top, mast_z - r)], belly, thick, cloth, side=wind))
    else:
        parts.append(spindle([(0, 0.008 * length), (0.15 * boom, 0.02 * length), (0.9 * boom, 0.014 * length),
                              (boom, 0.004 * length)],
                             Material(varied(rng, pick(rng, ((30, 50, 100), (120, 30, 34), (30, 80, 70)))), 0.1),
                             at=(0, boom_y + 0.018 * length, mast_z), sides=8))
    stay = 0.0022 * length
    parts.append(tube([(0, deck_y, -0.48 * length), (0, deck_y + height * 0.97, mast_z)], stay, STEEL, sides=4))
    parts.append(tube([(0, deck_y, 0.48 * length), (0, deck_y + height * 0.99, mast_z)], stay, STEEL, sides=4))
    cross = 0.08 * length
    parts.append(bar((-cross, deck_y + 0.55 * height, mast_z), (cross, deck_y + 0.55 * height, mast_z), (r, r), metal,
                     across=(0, 1, 0)))
    side = [(0.13 * length, deck_y - 0.02 * length, mast_z + 0.02 * length), (cross, deck_y + 0.55 * height, mast_z),
            (0, deck_y + 0.97 * height, mast_z)]
    parts += pair(tube(side, stay, STEEL, sides=4))
    return parts


def sailing_yacht(rng) -> List[Mesh]:
    """A sloop with keel and rudder, sails set or furled; or a small dinghy."""
    dinghy = rng.random() < 0.25
    length = rng.uniform(3.8, 5.2) if dinghy else rng.uniform(7, 16)
    beam, depth = length * rng.uniform(0.28, 0.34), length * rng.uniform(0.085, 0.11)
    look, deck = paint(rng), deck_paint(rng)
    classic = rng.random() < 0.35
    parts = [hull(length, beam, depth, look, draught=0.045 * length, deck=deck,
                  bottom=pick(rng, (RED_LEAD, WHITE, plain(30, 50, 90), plain(40, 40, 44))), sheer=rng.uniform(0.1,
                          0.45), rake=rng.uniform(0.03, 0.14),
                  transom=0.35 if classic else rng.uniform(0.6, 0.9), vee=0.75, full=0.1, flare=0.08,
                  stripe=varied(rng, (30, 50, 100)) if rng.random() < 0.3 else None)]
    mast_z = -rng.uniform(0.06, 0.12) * length
    if not dinghy:
        cabin = rng.uniform(0.30, 0.4) * length
        cabin_look = WHITE if rng.random() < 0.7 else Material(wood(rng).colour, 0.4)
        parts.append(house(beam * 0.52, cabin, 0.055 * length, cabin_look, at=(0, depth * 1.0, mast_z + 0.32 * cabin),
                           front=0.16 * cabin,
                           back=0.0, tumble=0.2, spacing=0.05 * length, tall=0.35, wide=0.75, band=(0.35, 0.85)))
        well = rounded_rectangle(beam * 0.5, 0.2 * length, 0.1 * beam) + [0, 0.33 * length]
        parts.append(slab(well, depth * 0.8, depth + 0.025 * beam + 0.01, plain(90, 84, 76)))
        parts += railing([(0.02 * length, depth * 1.32, -0.48 * length), (0.3 * beam, depth * 1.15, -0.33 * length),
                          (0.45 * beam, depth, 0.0), (0.44 * beam, depth, 0.3 * length), (0.25 * beam, depth,
                                  0.48 * length)], 0.045 * length,
                         radius=0.0028 * length, posts=6)
        parts.append(tube([(0, depth * 1.0, 0.38 * length), (0, depth + 0.06 * length, 0.37 * length)], 0.006 * length,
                          STEEL, sides=5))
    else:
        well = rounded_rectangle(beam * 0.62, 0.45 * length, 0.12 * beam) + [0, 0.2 * length]
        parts.append(slab(well, depth * 0.7, depth + 0.03 * beam, plain(120, 112, 100)))
    drop = rng.uniform(0.10, 0.16) * length
    keel = fin(look if rng.random() < 0.3 else RED_LEAD, z=-0.08 * length, y=-0.04 * length - drop,
               height=drop + 0.02 * length, root=0.12 * length,
               tip=0.2 * length, sweep=-14, thickness=0.16)
    rudder = fin(plain(60, 62, 66), z=0.38 * length, y=-0.1 * length, height=0.11 * length, root=0.05 * length,
                 tip=0.075 * length, sweep=-5)
    parts += [keel, rudder]
    parts += rig(rng, length, depth, mast_z, sails=rng.random() < 0.8, jib=rng.random() < 0.9)
    return parts


def catamaran(rng) -> List[Mesh]:
    """Two hulls joined by a deck: under sail, or a motor ferry."""
    length = rng.uniform(5, 14)
    look = WHITE if rng.random() < 0.7 else paint(rng)
    apart = length * rng.uniform(0.21, 0.25)
    depth = 0.11 * length
    small = length < 7.5
    one = hull(length, length * (0.075 if small else 0.12), depth, look, draught=0.04 * length, deck=WHITE,
               bottom=plain(60, 80, 110), sheer=0.1, rake=0.02,
               transom=0.6, vee=0.4, full=0.2, flare=0.05)
    parts = pair(moved(one, apart))
    deck = plain(90, 94, 100) if small else WHITE
    parts.append(block((-apart, 0.7 * depth, -0.18 * length), (apart, 0.97 * depth, 0.36 * length), deck,
                             radius=0.02 * length))
    parts.append(tube([(-apart, 0.95 * depth, -0.36 * length), (apart, 0.95 * depth, -0.36 * length)], 0.012 * length,
                      STEEL, sides=6))
    if not small:
        parts.append(house(apart * 1.75, 0.42 * length, 0.11 * length, WHITE, at=(0, 0.95 * depth, 0.06 * length),
                           front=0.09 * length, back=0.0, tumble=0.15,
                           radius=0.25))
        parts.append(slab(rounded_rectangle(apart * 1.6, 0.32 * length, 0.06 * length) + [0, 0.2 * length],
                          0.95 * depth + 0.108 * length, 0.95 * depth + 0.125 * length, WHITE))
    parts += rig(rng, length, 0.97 * depth, -0.08 * length, sails=rng.random() < 0.85)
    parts += pair(fin(plain(60, 62, 66), z=0.42 * length, y=-0.09 * length, height=0.1 * length, root=0.05 * length,
                      tip=0.06 * length, sweep=-4, x=apart))
    return parts


def tall_ship(rng) -> List[Mesh]:
    """A square-rigged ship: wooden hull with a high stern, masts with yards, square sails set or furled."""
    length = rng.uniform(20, 60)
    beam, depth = length * rng.uniform(0.22, 0.26), length * rng.uniform(0.09, 0.12)
    timber = wood(rng, pick(rng, ((110, 70, 40), (90, 54, 34), (60, 44, 36), (130, 90, 50))))
    look = Material(timber.colour, 0.25)
    band = varied(rng, pick(rng, ((220, 190, 120), (230, 226, 214), (150, 40, 34),
                                  (200, 150, 60)))) if rng.random() < 0.7 else None
    parts = [hull(length, beam, depth, look, draught=0.07 * length, deck=Material(varied(rng, (176, 134, 86)), 0.1),
                  bottom=plain(70, 52, 40) if rng.random() < 0.6 else RED_LEAD,
                  sheer=0.7, rake=0.07, transom=0.62, vee=0.45, full=0.5, flare=-0.06, stripe=band)]
    stern = rng.uniform(0.3, 0.9) * depth
    parts.append(house(beam * 0.68, 0.24 * length, stern + 0.2 * depth, look, at=(0, depth * 0.9, 0.375 * length),
                       spacing=0.08 * beam, tumble=0.12, radius=0.05, band=(0.5, 0.85),
                       back=-0.15 * stern, roof=Material(varied(rng, (176, 134, 86)), 0.1)))
    parts.append(house(beam * 0.5, 0.16 * length, 0.45 * depth, look, at=(0, depth * 1.1, -0.32 * length),
                       band=(0.4, 0.41), tumble=0.1))
    pole = Material(varied(rng, (150, 104, 60)), 0.25)
    cloth = Material(varied(rng, pick(rng,
                                      ((240, 234, 216), (226, 214, 186), (246, 244, 238), (180, 50, 44),
                                       (60, 60, 64)), 1.8), 0.02), 0.05)
    furled = rng.random() < 0.2
    parts.append(tube([(0, depth * 1.55, -0.42 * length), (0, depth * 1.55 + 0.10 * length, -0.66 * length)],
                      [0.01 * length, 0.006 * length], pole, sides=6))
    masts = [(-0.26, 0.85), (0.02, 1.0), (0.28, 0.75)] if rng.random() < 0.7 else [(-0.18, 0.95), (0.16, 1.0)]
    for share, size in masts:
        tall = length * rng.uniform(0.72, 0.85) * size
        z = share * length
        parts.append(mast(tall, 0.012 * length, at=(0, depth * 0.9, z), material=pole, top=0.35))
        heights = [0.16, 0.46, 0.72, 0.93]
        widths = np.array([1.0, 0.92, 0.74, 0.52]) * beam * rng.uniform(0.85, 1.0) * (0.8 + 0.2 * size)
        for k in range(4):
            y = depth + heights[k] * tall
            if k:
                parts.append(tube([(-widths[k], y, z - 0.015 * length), (widths[k], y, z - 0.015 * length)],
                                  0.005 * length, pole, sides=5))
            if k < 3 and not furled:
                parts.append(_square_sail(widths[k] * 0.94, widths[k + 1] * 0.94, y + 0.02 * tall,
                                          depth + heights[k + 1] * tall, z - 0.02 * length,
                                          0.045 * length, 0.008 * length, cloth))
            elif k and furled:
                parts.append(spindle(np.array([(-0.95, 0.2), (-0.5, 1), (0.5, 1), (0.95, 0.2)]) * [widths[k],
                        0.012 * length], cloth, axis="x", at=(0, y + 0.01 * length, z - 0.015 * length), sides=6))
        parts.append(spindle([(-0.01 * length, 0.018 * length), (0.01 * length, 0.03 * length)], pole, axis="y",
                             at=(0, depth + 0.46 * tall, z), sides=8))
        parts += pair(tube([(0.46 * beam, depth, z + 0.03 * length), (0, depth + 0.6 * tall, z)], 0.0025 * length,
                           DARK, sides=4),
                      tube([(0.46 * beam, depth, z + 0.07 * length), (0, depth + 0.6 * tall, z)], 0.0025 * length,
                           DARK, sides=4))
    first = masts[0][0] * length
    top = depth + 0.62 * length * 0.8
    if not furled:
        for a, b, h in ((-0.64, 0.0, 1.0), (-0.54, 0.0, 0.8)):
            parts.append(sail([(0, depth * 1.6 + 0.09 * length, a * length),
                               (0, depth * 1.7, first - 0.06 * length + b), (0, depth + (top - depth) * h,
                                       first - 0.02 * length)],
                              0.03 * length, 0.007 * length, cloth))
    for z in np.linspace(-0.2, 0.26, 6):
        parts += pair(box((0.485 * beam, depth * 0.46, z * length - 0.008 * length),
                          (0.515 * beam, depth * 0.62, z * length + 0.008 * length), DARK))
    return parts


def _square_sail(low, high, y0, y1, z, belly, thick, cloth) -> Mesh:
    """A sail between two yards, half widths *low* and *high*, bellied forward."""
    rings = []
    s = np.linspace(-1, 1, 5)
    for level in np.linspace(0, 1, 5):
        width = low + (high - low) * level
        push = belly * np.sin(np.pi * (0.08 + 0.92 * level)) ** 0.8 * (1 - 0.75 * s ** 2) if level < 1 else 0 * s
        y = y0 + (y1 - y0) * level + (0.18 * (y1 - y0) * (1 - s ** 2) if level == 0 else 0)
        line = np.stack([s * width, np.broadcast_to(y, 5), z - push], axis=1)
        rings.append(np.concatenate([line, (line + [0, 0, thick])[::-1]]))
    return loft(np.array(rings), cloth, caps="strip", crease=60)
