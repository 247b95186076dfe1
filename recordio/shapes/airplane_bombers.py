"""Shapes, bombers: with four propellers, with eight jets, and flying wings. Metres."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.airplane_civil import tube_knots
from recordio.shapes.airplane_parts import (
    DARK,
    GLASS,
    STEEL,
    canopy,
    cockpit_paint,
    fuselage,
    jet,
    nose_tip,
    strut,
    war_paint,
)
from recordio.shapes.foils import fin, propeller, wing, wings
from recordio.shapes.lofts import block, spindle
from recordio.shapes.materials import Material, pick, varied
from recordio.shapes.placing import pair


def bomber(rng) -> List[Mesh]:
    """Four propellers and gun turrets (B-17, Lancaster), or eight-engined swept jets (B-52)."""
    base = war_paint(rng, old=True)
    solid = Material(base.colour if base.texture is None else (0.36, 0.38, 0.3), 0.25)
    if rng.random() < 0.65:
        length = rng.uniform(20, 24)
        half = length * rng.uniform(0.045, 0.054)
        knots = [(0, 0.3 * half, 0.1 * half, -0.5 * half), (0.04, 0.75 * half, 0.6 * half, -0.85 * half),
                 (0.18, half, half, -half),
                 (0.3, half, 1.1 * half, -half), (0.6, 0.85 * half, 0.95 * half, -0.9 * half), (0.97, 0.25 * half,
                         0.6 * half, 0.0), (1, 0.2 * half, 0.5 * half, 0.1 * half)]
        parts = [fuselage(knots, length, base, stations=14, colours=nose_tip(base, GLASS, 0.035), cuts=(0.035,))]
        parts.append(canopy(0.12 * length, 0.7 * half, 0.7 * half, z=-0.3 * length, y=0.75 * half, frame=solid))
        span, root = length * rng.uniform(1.35, 1.55), length * 0.2
        z, y = -0.22 * length, -0.1 * half
        parts += wings(base, z=z, y=y, span=span, root=root, tip=root * 0.4, sweep=7, dihedral=4, thickness=0.15)
        for share in (0.22, 0.44):
            x = share * span / 2
            size = 0.5 * half
            at = (x, y + 0.07 * x, z + 0.12 * x - 1.6 * size)
            parts += pair(spindle(np.array([(0, 0.6), (0.05, 0.95), (0.4, 1.0), (1.0, 0.35)]) * [0.75 * root, size],
                                  solid, at=at, sides=12),
                          *propeller(rng, min(1.75, 0.1 * span / 2 * 1.0), blades=3, at=at, spinner=STEEL))
        for zz, yy in ((0.08, 0.95), (0.05, -0.9), (-0.18, 1.0)):
            parts.append(spindle([(-0.5 * half, 0.0), (-0.4 * half, 0.35 * half), (0, 0.5 * half),
                                  (0.4 * half, 0.35 * half), (0.5 * half, 0)], GLASS,
                                 axis="y", at=(0, yy * half, zz * length), sides=10))
        if rng.random() < 0.5:
            parts.append(fin(base, z=0.5 * length - 0.22 * length, y=0.4 * half, height=0.2 * length,
                             root=0.22 * length, tip=0.08 * length, sweep=40))
            parts += wings(base, z=0.5 * length - 0.15 * length, y=0.4 * half, span=0.6 * length, root=0.13 * length,
                           tip=0.06 * length, sweep=12, points=4)
        else:
            parts += wings(base, z=0.5 * length - 0.13 * length, y=0.5 * half, span=0.45 * length, root=0.12 * length,
                           tip=0.09 * length, sweep=6, points=4)
            parts += pair(fin(base, z=0.5 * length - 0.14 * length, y=0.5 * half - 0.05 * length, height=0.14 * length,
                              root=0.13 * length, tip=0.08 * length,
                              sweep=10, x=0.21 * length))
        return parts
    length = rng.uniform(44, 50)
    half = length * 0.036
    parts = [fuselage(tube_knots(half, tail=0.45, high=1.15 * half), length, base, exponent=2.4,
                      colours=None if base.texture is not None else cockpit_paint(base), cuts=(0.035, 0.062))]
    span, root = length * 1.15, length * 0.19
    z, y = -0.2 * length, 0.85 * half
    parts += wings(base, z=z, y=y, span=span, root=root, tip=root * 0.38, sweep=35, dihedral=-2, thickness=0.11)
    for share in (0.33, 0.58):
        x = share * span / 2
        size = 0.4 * half
        edge = z + 0.7 * x
        for side in (-1, 1):
            parts += pair(jet(size, 4.4 * size, solid,
                              at=(x + side * size, y - 0.035 * x - 2.2 * size, edge - 2.2 * size), sides=12))
        parts += pair(strut((x, y - 0.035 * x - 1.8 * size, edge), (x, y - 0.03 * x, edge + 1.2 * size), 2.4 * size,
                            solid))
    parts.append(fin(base, z=0.5 * length - 0.2 * length, y=0.6 * half, height=0.2 * length, root=0.17 * length,
                     tip=0.07 * length, sweep=36))
    parts += wings(base, z=0.5 * length - 0.15 * length, y=0.4 * half, span=0.34 * length, root=0.12 * length,
                   tip=0.05 * length, sweep=36, points=4)
    return parts


def flying_wing(rng) -> List[Mesh]:
    """A tailless stealth bomber or drone: one swept wing with a blended body."""
    span = rng.uniform(18, 52)
    base = Material(varied(rng, pick(rng, ((52, 54, 58), (40, 42, 46), (96, 100, 106), (70, 74, 82)))), 0.12)
    sweep = rng.uniform(30, 42)
    back = np.tan(np.radians(sweep))
    chord = span * rng.uniform(0.28, 0.38)
    outer = span * rng.uniform(0.085, 0.12)
    z = -0.5 * chord
    saw = rng.uniform(0.10, 0.2)
    stations = []
    for share, thick in ((0.0, 0.17), (0.12, 0.13), (0.35, 0.10), (0.97, 0.09), (1.0, 0.03)):
        lead = share * span / 2 * back
        length = np.interp(share, [0, 0.12, 0.35, 1.0], [chord, chord * (0.86 - saw), max(chord * 0.52, outer), outer])
        stations.append((share * span / 2, 0.0, z + lead, length, length * thick))
    parts = pair(wing(np.array(stations), base, points=6))
    half = 0.035 * span
    parts.append(canopy(chord * 0.75, half, 0.10 * chord, z=z + 0.48 * chord, y=0.03 * chord, material=base, tail=0.5))
    parts.append(canopy(chord * 0.18, half * 0.7, 0.055 * chord, z=z + 0.28 * chord, y=0.10 * chord, tail=0.4))
    parts += pair(block((1.5 * half, 0.02 * chord, z + 0.42 * chord),
                              (2.6 * half, 0.1 * chord, z + 0.75 * chord), base, radius=0.025 * chord),
                  block((1.55 * half, 0.035 * chord, z + 0.41 * chord),
                              (2.55 * half, 0.085 * chord, z + 0.5 * chord), DARK,
                              radius=0.02 * chord))
    if rng.random() < 0.4:
        parts += pair(fin(base, z=z + 0.6 * chord, y=0.02 * chord, height=0.1 * span, root=0.22 * chord,
                          tip=0.1 * chord, sweep=40, x=0.16 * span / 2,
                          lean=30, thickness=0.05))
    return parts
