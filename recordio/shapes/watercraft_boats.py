"""Shapes, boats: speedboats, rowing boats, canoes, fishing boats. Metres, bow at -z, waterline at y = 0."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.lofts import along_z, block, loft, slab, spindle
from recordio.shapes.materials import Material, leather, pick, plain, varied, wood
from recordio.shapes.outlines import monotone, rounded_rectangle, superellipse
from recordio.shapes.placing import moved, pair
from recordio.shapes.primitives import bar, box, ellipsoid, tube
from recordio.shapes.watercraft_parts import (
    DARK,
    GLASS,
    RED_LEAD,
    STEEL,
    WHITE,
    deck_paint,
    house,
    hull,
    mast,
    paint,
    railing,
    ring_buoy,
    shell,
)


def speedboat(rng) -> List[Mesh]:
    """A planing runabout: deep vee, sharp bow, windscreen, open cockpit, outboard motor or stern drive."""
    length = rng.uniform(4.8, 9)
    beam, depth = length * rng.uniform(0.32, 0.38), length * rng.uniform(0.10, 0.125)
    classic = rng.random() < 0.25
    timber = wood(rng, pick(rng, ((130, 66, 34), (150, 84, 40), (110, 54, 30))))
    look = Material(timber.colour, 0.7) if classic else paint(rng, gloss=0.7)
    deck = Material(timber.colour, 0.7) if classic else pick(rng, (WHITE, WHITE, look, deck_paint(rng)))
    second = varied(rng, pick(rng, ((200, 30, 36), (30, 60, 140), (30, 30, 34), (240, 200, 40), (240, 240, 240))))
    parts = [hull(length, beam, depth, look, draught=0.055 * length, deck=deck,
                  bottom=WHITE if not classic else RED_LEAD,
                  sheer=rng.uniform(0.15, 0.4), rake=rng.uniform(0.12, 0.2), transom=rng.uniform(0.85,
                          0.97), vee=0.8, full=0.22, flare=0.16,
                  stripe=second if not classic and rng.random() < 0.7 else None)]
    top = depth + 0.02 * beam
    z0, z1 = -rng.uniform(0.02, 0.12) * length, 0.40 * length
    floor = plain(70, 62, 56) if classic else plain(120, 120, 122)
    well = rounded_rectangle(beam * 0.74, z1 - z0, 0.14 * beam) + [0, (z0 + z1) / 2]
    parts.append(slab(well, depth * 0.7, top + 0.006, Material(tuple(0.45 * c for c in floor.colour), 0.05)))
    # a coaming around the well, seats inside
    trim = leather(rng, pick(rng, ((236, 230, 216), (190, 40, 40), (60, 70, 90), (200, 170, 130), (230, 230, 232))))
    rows = int(pick(rng, (1, 2, 2)))
    for row in range(rows):
        z = z0 + (0.28 + 0.42 * row) * (z1 - z0)
        x = beam * 0.19
        parts += pair(block((x - 0.13 * beam, top - 0.03, z - 0.05 * length),
                                  (x + 0.13 * beam, top + 0.02 * length, z + 0.02 * length), trim,
                                  radius=0.012 * length),
                      block((x - 0.13 * beam, top, z + 0.015 * length),
                                  (x + 0.13 * beam, top + 0.065 * length, z + 0.04 * length), trim,
                                  radius=0.01 * length))
    parts.append(block((-beam * 0.34, top - 0.03, z1 - 0.06 * length), (beam * 0.34, top + 0.03 * length, z1),
                             trim, radius=0.012 * length))
    tall, lean = rng.uniform(0.045, 0.075) * length, rng.uniform(0.05, 0.09) * length
    x = np.array([-1.0, -0.8, -0.3, 0.3, 0.8, 1.0])
    z = z0 + np.array([0.13, 0.03, 0, 0, 0.03, 0.13]) * length * 0.9
    rings = []
    for level in (0.0, 1.0):
        line = np.stack([x * beam * (0.40 - 0.05 * level),
                         top - 0.02 + level * (tall + 0.02) - 0.2 * tall * level * (np.abs(x) == 1), z + lean * level],
                        axis=1)
        rings.append(np.concatenate([line, (line + [0, 0, 0.012 * length])[::-1]]))
    parts.append(loft(rings, GLASS, caps="strip"))
    if rng.random() < 0.3 and not classic:  # canvas or hard top
        y = top + 0.2 * length
        parts.append(slab(rounded_rectangle(beam * 0.72, 0.26 * length, 0.1 * beam) + [0, 0.1 * length], y,
                          y + 0.018 * length,
                          Material(second, 0.2), bevel=0.006 * length))
        parts += pair(*[tube([(0.33 * beam, top, zz), (0.31 * beam, y, 0.1 * length + dz)], 0.005 * length, STEEL,
                             sides=5)
                        for zz, dz in ((0.02 * length, -0.08 * length), (0.22 * length, 0.08 * length))])
    if not classic and rng.random() < 0.65:
        for x in ((0.0,) if rng.random() < 0.7 else (-0.17 * beam, 0.17 * beam)):
            cowl = DARK if rng.random() < 0.6 else WHITE
            zc = 0.5 * length + 0.035 * length
            parts.append(block((x - 0.032 * length, depth + 0.02 * length, zc - 0.04 * length),
                                     (x + 0.032 * length, depth + 0.10 * length,
                                      zc + 0.05 * length), cowl, radius=0.022 * length))
            parts.append(bar((x, depth + 0.04 * length, zc), (x, -0.09 * length, zc + 0.01 * length),
                             (0.02 * length, 0.04 * length), cowl))
            parts.append(ellipsoid((x, -0.085 * length, zc + 0.01 * length),
                                   (0.014 * length, 0.016 * length, 0.04 * length), cowl, cells=3))
    if rng.random() < 0.5:
        parts += railing([(0.02 * beam, depth * 1.33, -0.46 * length), (0.22 * beam, depth * 1.2, -0.36 * length),
                          (0.40 * beam, depth * 1.08, -0.16 * length)],
                         0.035 * length, radius=0.004 * length, posts=4)
    return parts


def rowing_boat(rng) -> List[Mesh]:
    """An open boat with thwarts and oars, clinker-built or an inflatable."""
    length = rng.uniform(2.6, 4.6)
    beam, depth = length * rng.uniform(0.32, 0.38), length * rng.uniform(0.12, 0.15)
    parts = []
    if rng.random() < 0.3:  # an inflatable: a tube around a floor
        look = Material(varied(rng, pick(rng,
                                         ((110, 114, 118), (230, 120, 30), (40, 42, 46), (200, 40, 40),
                                          (236, 236, 232)))), 0.25)
        r = 0.14 * beam
        half = beam / 2 - r
        path = [(half, r, 0.5 * length), (half, r, 0.1 * length), (half * 0.97, r * 1.05, -0.2 * length),
                (half * 0.6, r * 1.35, -0.40 * length),
                (0, r * 1.6, -0.48 * length)]
        path = path + [(-x, y, z) for x, y, z in path[-2::-1]]
        parts.append(tube(path, r, look, sides=10))
        parts.append(box((-half, 0.25 * r, -0.36 * length), (half, 0.6 * r, 0.42 * length), plain(80, 82, 84)))
        parts.append(box((-half, 0.2 * r, 0.39 * length), (half, 1.9 * r, 0.43 * length), plain(60, 62, 64)))
        seats = (0.05,)
        depth = 1.9 * r
        inner = half * 2.1
        if rng.random() < 0.6:
            parts.append(block((-0.1, depth, 0.42 * length), (0.1, depth + 0.28, 0.42 * length + 0.22), DARK,
                                     radius=0.06))
            parts.append(bar((0, depth, 0.42 * length + 0.12), (0, -0.3, 0.42 * length + 0.12), (0.06, 0.1), DARK))
    else:
        timber = wood(rng)
        look = Material(timber.colour, 0.4) if rng.random() < 0.5 else paint(rng)
        inside = Material(tuple(0.9 * np.array(timber.colour)), 0.25)
        transom = rng.uniform(0.55, 0.8)
        parts.append(shell(length, beam, depth, look, inside, thick=0.05 * beam / 1.2, transom=transom,
                           sheer=rng.uniform(0.25, 0.5)))
        parts.append(loft(_transom(transom * beam, depth * 1.08, 0.485 * length), look))
        seats = (-0.27, 0.02, 0.28)
        inner = beam * 0.86
        for s in seats:
            w = inner * (0.86 if s < -0.2 else 0.98)
            parts.append(box((-w / 2, depth * 0.62, s * length - 0.12), (w / 2, depth * 0.70, s * length + 0.12),
                             timber))
    if rng.random() < 0.8:  # oars
        shaft = wood(rng)
        y, z = depth * 1.08, 0.02 * length
        x = beam * 0.48
        if rng.random() < 0.6:
            a, b = np.array([0.12 * beam, y + 0.1, z - 0.1]), np.array([x + 0.75 * beam, 0.05,
                                                                        z + 0.2 * length * rng.uniform(-1, 1)])
        else:
            a, b = np.array([x * 0.55, depth * 0.75, -0.36 * length]), np.array([x * 0.6, depth * 0.95, 0.42 * length])
        parts += pair(tube([a, b], 0.022, shaft, sides=6),
                      bar(b - 0.28 * (b - a) * 0.5, b, (0.13, 0.03), shaft, across=(0, 0, 1)))
    return parts


def _transom(width, height, z):
    """A stern plate under the gunwale, narrower below."""
    outline = np.array([(0.5, 1.0), (0.46, 0.5), (0.3, 0.14), (-0.3, 0.14), (-0.46, 0.5), (-0.5, 1.0)]) * [width,
            height]
    return along_z(outline, np.array([z - 0.03, z + 0.03]))


def canoe(rng) -> List[Mesh]:
    """An open canoe, or a decked kayak with its cockpit; with a paddle across."""
    length = rng.uniform(3.8, 5.4)
    beam, depth = rng.uniform(0.62, 0.85), rng.uniform(0.30, 0.36)
    look = Material(varied(rng, pick(rng,
                                     ((170, 40, 34), (40, 96, 64), (200, 150, 90), (30, 70, 130), (236, 190, 40),
                                      (120, 70, 40), (230, 110, 30)))), 0.5)
    timber = wood(rng)
    parts = []
    if rng.random() < 0.55:
        parts.append(shell(length, beam, depth, look, Material(timber.colour, 0.3), thick=0.04, double=True,
                           sheer=rng.uniform(0.3, 0.7), blunt=0.03))
        for z in (-0.26, 0.3):
            parts.append(box((-0.30 * beam, 0.62 * depth, z * length - 0.1),
                             (0.30 * beam, 0.70 * depth, z * length + 0.1), timber))
        parts.append(box((-0.46 * beam, 0.90 * depth, -0.03), (0.46 * beam, 0.96 * depth, 0.03), timber))
    else:
        beam = rng.uniform(0.55, 0.68)
        t = 0.5 - 0.5 * np.cos(np.pi * np.linspace(0, 1, 15))
        wide = np.clip(np.sin(np.pi * t) ** 0.9, 0.03, None)
        rings = along_z(superellipse(16, 1.8), (t - 0.5) * length, width=beam / 2 * wide,
                        height=monotone(t, [(0, 0.04), (0.15, 0.11), (0.45, 0.17), (0.85, 0.11), (1, 0.04)]),
                        y=monotone(t, [(0, 0.30), (0.2, 0.2), (0.5, 0.17), (0.8, 0.2), (1, 0.28)]))
        second = varied(rng, pick(rng, ((240, 240, 240), (240, 200, 40), (30, 30, 34), (200, 60, 40))))
        shades = np.empty((14, 16, 3))
        shades[:] = look.colour
        if rng.random() < 0.6:
            shades[:, 4:12] = second
        parts.append(loft(rings, look, colours=shades))
        holes = (0.02,) if rng.random() < 0.7 else (-0.12, 0.16)
        for z in holes:
            seat = rounded_rectangle(0.4, 0.78, 0.19) + [0, z * length]
            parts.append(slab(seat, 0.2, 0.37, DARK, bevel=0.015))
            parts.append(block((-0.15, 0.3, z * length + 0.28), (0.15, 0.5, z * length + 0.35),
                                     plain(60, 60, 64), radius=0.03))
    if rng.random() < 0.75:
        y = depth * 1.1 + 0.05
        turn = rng.uniform(-0.5, 0.5)
        a, b = np.array([-1.0, y, -turn]), np.array([1.0, y, turn])
        parts.append(tube([a, b], 0.02, timber, sides=6))
        for end, other in ((a, b), (b, a)):
            parts.append(bar(end + 0.13 * (other - end), end - 0.02 * (other - end), (0.17, 0.025),
                             look if rng.random() < 0.5 else timber, across=(0, 0, 1)))
    return parts


def fishing_boat(rng) -> List[Mesh]:
    """A cutter: high bow, wheelhouse, mast with boom, winch, nets."""
    length = rng.uniform(9, 22)
    beam, depth = length * rng.uniform(0.29, 0.35), length * rng.uniform(0.10, 0.14)
    look, deck = paint(rng), deck_paint(rng)
    white_band = varied(rng, pick(rng, ((240, 238, 230), (200, 40, 40),
                                        (240, 200, 60)))) if rng.random() < 0.7 else None
    parts = [hull(length, beam, depth, look, draught=0.09 * length, deck=deck, sheer=rng.uniform(0.6, 1.0),
                  rake=rng.uniform(0.06, 0.12),
                  transom=rng.uniform(0.6, 0.85), vee=0.5, full=0.45, flare=0.12, stripe=white_band)]
    forward = rng.random() < 0.5
    z = (-0.2 if forward else 0.2) * length
    cabin = WHITE if rng.random() < 0.65 else Material(varied(rng,
                                                              pick(rng, ((180, 140, 90), (60, 100, 140),
                                                                         (230, 200, 110)))), 0.4)
    long, tall = rng.uniform(0.18, 0.24) * length, rng.uniform(0.15, 0.2) * length
    top = depth * (1.15 if forward else 1.0)
    parts.append(house(beam * 0.56, long, tall, cabin, at=(0, top - 0.02 * length, z),
                       spacing=rng.uniform(0.05, 0.07) * length, front=0.03 * length,
                       roof=plain(120, 124, 128), wide=0.75))
    parts.append(slab(rounded_rectangle(beam * 0.64, long * 1.15, 0.05 * length) + [0, z + 0.01 * length],
                      top + tall - 0.02 * length,
                      top + tall, pick(rng, (cabin, look, RED_LEAD)), bevel=0.004 * length))
    if rng.random() < 0.6:
        parts.append(house(beam * 0.62, long * 0.8, 0.07 * length, cabin, at=(0, top - 0.02 * length, z + 0.75 * long),
                           spacing=0.06 * length, tumble=0.0))
    mz = z + (0.16 if forward else -0.24) * length
    tall_mast = length * rng.uniform(0.4, 0.6)
    metal = pick(rng, (plain(220, 170, 60, gloss=0.4), STEEL, plain(170, 120, 70), WHITE))
    parts.append(mast(tall_mast, 0.012 * length, at=(0, depth - 0.05 * length, mz), material=metal))
    parts.append(tube([(0, depth + 0.12 * length, mz),
                       (0, depth + 0.7 * tall_mast, mz + (0.3 if forward else -0.22) * length)], 0.008 * length, metal,
                      sides=6))
    parts.append(mast(0.2 * length, 0.007 * length, at=(0, top + tall - 0.02 * length, z), material=metal))
    if rng.random() < 0.55:  # gallows at the stern
        x, y, zz = 0.32 * beam, depth + 0.24 * length, 0.43 * length
        parts.append(tube([(x, depth - 0.03 * length, zz), (x * 0.92, y, zz), (-x * 0.92, y, zz),
                           (-x, depth - 0.03 * length, zz)], 0.012 * length, metal, sides=6))
    if rng.random() < 0.5:  # outriggers
        parts += pair(tube([(0.1 * beam, depth, mz), (0.75 * beam, depth + 0.75 * tall_mast, mz)], 0.006 * length,
                           metal, sides=5))
    hatch_z = z + (0.3 if forward else -0.38) * length
    parts.append(block((-0.18 * beam, depth - 0.03, hatch_z - 0.05 * length),
                             (0.18 * beam, depth + 0.045 * length, hatch_z + 0.05 * length),
                             Material(wood(rng).colour, 0.2), radius=0.01 * length))
    winch = mz + 0.1 * length * (1 if forward else -1)
    parts.append(spindle([(-0.12 * beam, 0.03 * length), (0.12 * beam, 0.03 * length)], plain(60, 90, 70), axis="x",
                         at=(0, depth + 0.05 * length, winch), sides=10))
    parts.append(box((-0.1 * beam, depth - 0.02, winch - 0.02 * length),
                     (0.1 * beam, depth + 0.05 * length, winch + 0.02 * length), DARK))
    if rng.random() < 0.6:
        parts.append(ellipsoid((0.1 * beam, depth + 0.02 * length, 0.36 * length),
                               (0.2 * beam, 0.04 * length, 0.06 * length),
                               Material(varied(rng, pick(rng, ((40, 110, 90), (220, 120, 40), (60, 90, 150)))),
                                        0.02), cells=4))
    parts += railing([(0.05 * beam, depth * 1.85, -0.47 * length), (0.3 * beam, depth * 1.5, -0.34 * length),
                      (0.45 * beam, depth * 1.12, -0.12 * length)],
                     0.04 * length, radius=0.004 * length, posts=4, material=metal)
    parts += pair(moved(_standing(ring_buoy((0, 0, 0), 0.035 * length)), beam * 0.285, top + 0.55 * tall,
                        z + 0.05 * length))
    return parts


def _standing(mesh):
    turn = np.eye(4)
    turn[:3, :3] = [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]
    return mesh.transformed(turn)
