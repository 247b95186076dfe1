"""Shapes, naval vessels: frigates, battleships, submarines, aircraft carriers. Metres, bow at -z."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.foils import fin, propeller, wings
from recordio.shapes.lofts import along_y, block, loft, slab, spindle
from recordio.shapes.materials import pick, plain
from recordio.shapes.outlines import rounded_rectangle
from recordio.shapes.placing import moved, pair
from recordio.shapes.primitives import bar, box, ellipsoid, tube
from recordio.shapes.watercraft_parts import DARK, RED_LEAD, STEEL, WHITE, funnel, gun, house, hull, mast


def warship(rng) -> List[Mesh]:
    """A frigate, destroyer or battleship: grey, turrets, stepped superstructure, masts with radar."""
    length = rng.uniform(90, 260)
    battleship = rng.random() < 0.35
    beam, depth = length * (0.135 if battleship else rng.uniform(0.10, 0.125)), length * rng.uniform(0.042, 0.055)
    grey = plain(*pick(rng, ((138, 144, 150), (110, 118, 126), (160, 166, 170), (92, 100, 108), (120, 130, 134))),
                 gloss=0.2)
    deck = plain(*pick(rng, ((96, 100, 104), (150, 120, 84), (84, 92, 98))), gloss=0.1)
    parts = [hull(length, beam, depth, grey, draught=0.035 * length, deck=deck, sheer=rng.uniform(0.4, 0.8),
                  rake=rng.uniform(0.05, 0.09), transom=0.7, vee=0.3,
                  full=0.35 if battleship else 0.25, flare=0.12, bottom=RED_LEAD if rng.random() < 0.6 else plain(40,
                          44, 50))]
    size = beam * (0.42 if battleship else 0.26)
    fore = [-0.30, -0.215] if battleship else [-0.31]
    for i, share in enumerate(fore):
        parts.append(spindle([(-0.05 * length, size * 0.4), (0.018 * length * (i + 0.2), size * 0.4)], grey, axis="y",
                             at=(0, depth * 1.1, share * length), sides=12))
        parts += gun(size * (1.3 if battleship else 1.0), size,
                     at=(0, depth * 1.08 + 0.018 * length * (i + 0.2), share * length), look=grey,
                     barrels=int(pick(rng, (2, 3))) if battleship else 1)
    y = depth * 1.0
    z0, z1 = -0.16 * length, rng.uniform(0.16, 0.24) * length
    wide = beam * 0.74
    for _ in range(int(rng.integers(2, 4))):
        tall = 0.03 * length * rng.uniform(0.8, 1.2)
        parts.append(house(wide, z1 - z0, tall, grey, at=(0, y, (z0 + z1) / 2), front=0.25 * tall, back=0.1 * tall,
                           tumble=0.1, radius=0.08,
                           spacing=0.02 * length, tall=0.2, wide=0.2))
        y += tall * 0.99
        z0, z1 = z0 + 0.015 * length, z1 - (z1 - z0) * rng.uniform(0.25, 0.5)
        wide *= 0.82
    bridge = 0.03 * length
    parts.append(house(wide, 0.06 * length, bridge, grey, at=(0, y - 0.001 * length, z0 + 0.035 * length),
                       front=0.2 * bridge, tumble=0.08, radius=0.1, band=(0.5, 0.85)))
    y += bridge
    zm = z0 + 0.05 * length
    tall = rng.uniform(0.07, 0.11) * length
    if rng.random() < 0.6:  # lattice or pyramid mast
        parts.append(loft([np.array([(sx * 0.2 * wide * k, y - 0.02 * length + h, zm + sz * 0.2 * wide * k) for sx,
                                     sz in ((1, 1), (1, -1), (-1, -1), (-1, 1))])
                           for k, h in ((1.2, 0), (0.7, 0.6 * tall), (0.25, tall))], grey))
    else:
        parts.append(mast(tall, 0.006 * length, at=(0, y - 0.01 * length, zm), material=grey))
    cross = 0.3 * beam
    for share in (0.6, 0.85):
        parts.append(bar((-cross * (1.3 - share), y + share * tall, zm), (cross * (1.3 - share), y + share * tall, zm),
                         (0.003 * length, 0.003 * length), grey, across=(0, 1, 0)))
    parts.append(box((-0.09 * beam, y + 0.65 * tall, zm - 0.012 * length),
                     (0.09 * beam, y + 0.8 * tall, zm + 0.004 * length), plain(70, 76, 82)))
    parts.append(ellipsoid((0, y + 0.010 * length, z0 + 0.024 * length), 0.012 * length, WHITE, cells=4))
    for zf in ((0.02, 0.1) if battleship or rng.random() < 0.4 else (0.06,)):
        parts += funnel(0.24 * beam, 0.045 * length, 0.05 * length, grey, grey,
                        at=(0, depth + 0.04 * length, zf * length), rake=0.01 * length)
    if battleship:
        at = 0.30 * length
        parts.append(spindle([(-0.04 * length, size * 0.4), (0.006 * length, size * 0.4)], grey, axis="y",
                             at=(0, depth * 1.0, at), sides=12))
        parts += [moved(m.transformed(np.diag([1.0, 1.0, -1.0, 1.0])), 0, 0, 0) for m in gun(size * 1.3, size,
                at=(0, depth * 1.0 + 0.006 * length, -at), look=grey, barrels=3)]
        for z in np.linspace(-0.08, 0.14, 3):
            parts += pair(*gun(0.5 * size, 0.4 * size, at=(0.34 * beam, depth * 0.99, z * length), look=grey,
                               barrels=2))
    else:
        parts.append(house(beam * 0.62, 0.11 * length, 0.045 * length, grey, at=(0, depth * 0.98, 0.25 * length),
                           spacing=0.0, band=(0.88, 0.89), tumble=0.05, radius=0.04))
        mark = np.linspace(0, 2 * np.pi, 17)[:-1]
        path = np.stack([0.25 * beam * np.sin(mark), 0 * mark + depth * 1.08 + 0.0022 * length,
                         0.41 * length + 0.25 * beam * np.cos(mark)], axis=1)
        parts.append(tube(path, 0.0022 * length, WHITE, sides=4, closed=True))
        for sx in (0.12,):
            parts += pair(*[tube([(sx * beam, depth * 1.02 + 0.01 * length, 0.13 * length + dz),
                                  (sx * beam + 0.25 * beam, depth * 1.02 + 0.025 * length,
                                   0.11 * length + dz)], 0.005 * length,
                                 plain(90, 98, 104), sides=8) for dz in (0.0, 0.014 * length)])
    return parts


def submarine(rng) -> List[Mesh]:
    """A teardrop or cigar hull with a sail, planes and a screw."""
    length = rng.uniform(60, 150)
    r = length * rng.uniform(0.042, 0.055)
    look = plain(*pick(rng, ((34, 36, 40), (50, 54, 58), (26, 30, 36), (96, 104, 110), (210, 180, 40)), 1.8),
                 gloss=0.25)
    profile = [(0, 0.0), (0.012, 0.4), (0.04, 0.7), (0.1, 0.94), (0.18, 1.0), (0.6, 1.0), (0.78, 0.82), (0.92, 0.4),
               (0.99, 0.12), (1.0, 0.0)]
    rows = np.array(profile) * [length, r]
    rows[:, 0] -= length / 2
    lower = RED_LEAD.colour if rng.random() < 0.35 else look.colour
    shades = np.empty((len(profile) - 1, 20, 3))
    shades[:] = look.colour
    shades[:, 6:14] = lower
    parts = [spindle(rows, look, sides=20, colours=shades)]
    z = -0.18 * length
    if rng.random() < 0.6:
        parts.append(block((-0.45 * r, 0.5 * r, -0.4 * length), (0.45 * r, 1.06 * r, 0.3 * length), look,
                                 radius=0.2 * r))
    long, tall = rng.uniform(0.10, 0.15) * length, rng.uniform(1.0, 1.5) * r
    level, shrink = np.array([(0.0, 1.1), (0.15, 1.0), (0.95, 0.94), (1.0, 0.8)]).T
    rings = along_y(rounded_rectangle(0.62 * r, long, 0.30 * r), 0.8 * r + (tall + 0.2 * r) * level, width=shrink,
                    length=shrink, z=z + 0.05 * long * level)
    parts.append(loft(rings, look))
    top = 1.0 * r + tall
    for k, dz in enumerate((-0.2, -0.05, 0.12)):
        parts.append(mast(r * (0.5 + 0.4 * k % 0.7), 0.06 * r, at=(0, top - 0.1 * r, z + dz * long), material=STEEL))
    if rng.random() < 0.6:
        parts += wings(look, z=z - 0.15 * long, y=1.0 * r + 0.5 * tall, span=3.0 * r, root=0.4 * long, tip=0.25 * long,
                       sweep=8, points=4)
    else:
        parts += wings(look, z=-0.38 * length, y=0.2 * r, span=3.6 * r, root=0.035 * length, tip=0.025 * length,
                       sweep=8, points=4)
    tail = 0.40 * length
    parts += wings(look, z=tail, y=0, span=3.0 * r, root=0.065 * length, tip=0.04 * length, sweep=18, points=4)
    up = fin(look, z=tail, y=0, height=1.35 * r, root=0.065 * length, tip=0.04 * length, sweep=18)
    parts += [up, up.transformed(np.diag([1.0, -1.0, 1.0, 1.0]))]
    bronze = plain(150, 116, 60, gloss=0.7)
    parts += [m.transformed(np.diag([1.0, 1.0, -1.0, 1.0])) for m in propeller(rng, 0.55 * r, blades=6,
            at=(0, 0, -0.497 * length), spinner=bronze)]
    return parts


def carrier(rng) -> List[Mesh]:
    """An aircraft carrier: overhanging flight deck with markings, island to starboard, parked jets."""
    length = rng.uniform(180, 330)
    beam, depth = length * 0.12, length * 0.06
    grey = plain(*pick(rng, ((130, 136, 142), (112, 118, 124), (150, 154, 158))), gloss=0.15)
    parts = [hull(length, beam, depth, grey, draught=0.035 * length, deck=grey, sheer=0.05, rake=0.06, transom=0.8,
                  vee=0.2, full=0.5, flare=0.25)]
    deck = plain(64, 68, 72, gloss=0.1)
    outline = np.array([(0.045, -0.5), (0.05, -0.3), (0.11, -0.12), (0.115, 0.2), (0.075, 0.34), (0.06, 0.5),
                        (-0.075, 0.5), (-0.11, 0.34), (-0.125, -0.02), (-0.06, -0.28),
                        (-0.045, -0.5)]) * length
    y = depth * 1.02
    parts.append(slab(outline, y, y + 0.012 * length, deck))
    top = y + 0.012 * length
    for a, b in (((-0.02, -0.48), (-0.012, 0.1)), ((0.012, -0.48), (0.02, 0.1))):
        parts.append(box((a[0] * length, y, a[1] * length),
                         (b[0] * length - 0.004 * length, top + 0.0012 * length, b[1] * length), WHITE))
    parts.append(bar((-0.09 * length, top - 0.003 * length, -0.05 * length),
                     (-0.005 * length, top - 0.003 * length, 0.49 * length), (0.004 * length,
                             0.009 * length), plain(230, 220, 150), across=(0, 1, 0)))
    zi = rng.uniform(0.0, 0.12) * length
    parts.append(house(0.022 * length, 0.09 * length, 0.03 * length, grey, at=(0.093 * length, top, zi),
                       band=(0.6, 0.8), tumble=0.05))
    parts.append(house(0.02 * length, 0.05 * length, 0.02 * length, grey,
                       at=(0.093 * length, top + 0.03 * length, zi - 0.01 * length), band=(0.4, 0.8), tumble=0.1))
    parts.append(mast(0.05 * length, 0.003 * length, at=(0.093 * length, top + 0.045 * length, zi), material=grey))
    parts.append(box((0.08 * length, top + 0.07 * length, zi - 0.002 * length),
                     (0.106 * length, top + 0.075 * length, zi + 0.006 * length), DARK))
    jets = int(rng.integers(5, 12))
    for k in range(jets):
        on_left = k % 2 == 0
        px = (-0.085 if on_left else 0.085) * length
        pz = (rng.uniform(0.05, 0.4) if on_left else pick(rng, (-0.1, -0.05, 0.2, 0.25, 0.30))) * length
        s = 0.03 * length
        shade = plain(160, 166, 172)
        body = spindle(np.array([(-0.5, 0), (-0.3, 0.07), (0.4, 0.08), (0.5, 0.05)]) * s, shade, at=(0, 0.10 * s, 0),
                       sides=6)
        wing = slab(np.array([(0.0, -0.15), (0.42, 0.2), (0.42, 0.3), (-0.42, 0.3), (-0.42, 0.2)]) * s, 0.07 * s,
                    0.12 * s, shade)
        tail = box((-0.02 * s, 0.1 * s, 0.3 * s), (0.02 * s, 0.35 * s, 0.5 * s), shade)
        parts += [moved(m, px, top - 0.0005 * length, pz) for m in (body, wing, tail)]
    return parts
