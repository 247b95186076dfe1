"""Shapes, fighters: jets with swept, trapezoid and delta wings, and those with a propeller. Metres."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.airplane_parts import DARK, STEEL, canopy, fuselage, leg, nose_tip, pod, strut, war_paint
from recordio.shapes.foils import fin, propeller, wing, wings
from recordio.shapes.lofts import block, loft, spindle
from recordio.shapes.materials import Material, pick, plain, varied
from recordio.shapes.outlines import superellipse
from recordio.shapes.placing import pair

MISSILE = plain(224, 226, 228, gloss=0.4)


def _nozzle(x, y, z, radius, length) -> Mesh:
    """An afterburner pipe ending behind z, dark inside."""
    rows = np.array([(-1.0, 0.9), (0.0, 1.0), (0.75, 0.72), (0.72, 0.62), (0.1, 0.55), (0.1, 0.0)])
    shades = np.array([STEEL.colour, (0.3, 0.3, 0.31), (0.25, 0.25, 0.26), DARK.colour, (0.12, 0.1, 0.1)])
    return spindle(rows * [length, radius], STEEL, at=(x, y, z), sides=14, colours=shades[:, None], crease=30)


def _load(rng, parts, spots, length):
    """Missiles, bombs or tanks on pylons; *spots* rows (x, y of the wing's lower side, z)."""
    for x, y, z in spots:
        kind = rng.random()
        if kind < 0.5:
            size, radius, fins = length * 0.19, length * 0.009, 3.2
        else:
            size, radius, fins = length * 0.26, length * 0.021, 0.0 if kind < 0.8 else 1.6
        drop = radius + 0.025 * length
        look = MISSILE if kind < 0.5 else plain(110, 116, 112, gloss=0.2)
        parts += pair(*pod(size, radius, look, at=(x, y - drop, z), fins=fins),
                      strut((x, y - drop, z), (x, y + 0.05, z + 0.1), size * 0.3, look))


def jet_fighter(rng) -> List[Mesh]:
    """Swept or trapezoid wing, side intakes, one or two engines, one or two fins."""
    length = rng.uniform(14, 21)
    base = war_paint(rng)
    twin = rng.random() < 0.55
    half = length * (rng.uniform(0.058, 0.072) if twin else rng.uniform(0.045, 0.055))
    knots = [(0, 0.004 * length, -0.002 * length, -0.01 * length),
             (0.05, 0.016 * length, 0.014 * length, -0.026 * length),
             (0.16, 0.034 * length, 0.034 * length, -0.044 * length), (0.32, 0.7 * half, 0.046 * length,
                                                                       -0.05 * length),
             (0.46, half, 0.05 * length, -0.05 * length), (0.75, half, 0.046 * length, -0.046 * length),
             (0.93, 0.8 * half, 0.034 * length, -0.034 * length)]
    knots = np.array(knots)
    knots[:, 0] /= 0.93
    parts = [fuselage(knots, 0.93 * length, base, exponent=2.6 if twin else 2.1, cuts=(0.09,),
                      colours=nose_tip(base, plain(60, 62, 64) if rng.random() < 0.6 else base, 0.09))]
    rear = 0.465 * length
    r = 0.036 * length if twin else 0.038 * length
    for x in ((-0.5 * half, 0.5 * half) if twin else (0.0,)):
        parts.append(_nozzle(x, 0, rear, r if not twin else min(r, 0.47 * half), 0.07 * length))
    parts.append(canopy(length * rng.uniform(0.19, 0.25), 0.027 * length, rng.uniform(0.036, 0.046) * length,
                        z=-0.27 * length, y=0.024 * length, tail=rng.uniform(0.3, 0.55),
                        frame=Material(base.colour, 0.2) if base.texture is None and rng.random() < 0.5 else None))
    # intakes: boxes beside the fuselage, dark in front
    wide, tall = rng.uniform(0.026, 0.036) * length, rng.uniform(0.03, 0.042) * length
    x, z0, z1 = 0.036 * length + wide * 0.5, -0.20 * length * rng.uniform(0.6, 1.1), 0.3 * length
    outline = superellipse(12, 4)
    rings = []
    for z, grow, push in ((z0 + 0.12 * length, 0.6, 0), (z0 + 0.001, 0.86, 0), (z0, 1.0, 0),
                          (z0 + 0.15 * length, 1.0, 0.2),
                          (z1, 0.7, -0.1)):
        ring = np.empty((12, 3))
        ring[:, 0] = x + push * wide + outline[:, 0] * wide * grow
        ring[:, 1] = -0.008 * length + outline[:, 1] * tall * grow
        ring[:, 2] = z
        rings.append(ring)
    shades = np.array([DARK.colour, DARK.colour, base.colour, base.colour])
    parts += pair(loft(rings, base, colours=shades[:, None], crease=40,
                       cap=[DARK.colour, base.colour]))
    # wings
    span = length * rng.uniform(0.60, 0.76)
    sweep = rng.uniform(22, 46)
    root = length * rng.uniform(0.26, 0.36)
    tip = root * rng.uniform(0.15, 0.35)
    wing_z = rng.uniform(-0.10, -0.02) * length
    y = rng.uniform(-0.01, 0.025) * length
    dihedral = rng.uniform(-4, 2)
    parts += wings(base, z=wing_z, y=y, span=span, root=root, tip=tip, sweep=sweep, dihedral=dihedral, thickness=0.045)
    if rng.random() < 0.5:  # leading-edge root extensions
        parts += wings(base, z=wing_z - 0.19 * length, y=y, span=half * 4.2, root=0.35 * length, tip=0.02 * length,
                       sweep=71,
                       thickness=0.03)
    tail_span, chord = span * rng.uniform(0.55, 0.7), length * rng.uniform(0.12, 0.16)
    parts += wings(base, z=0.33 * length, y=0.0, span=tail_span, root=chord, tip=chord * 0.35,
                   sweep=rng.uniform(30, 48),
                   dihedral=rng.uniform(-6, 2), thickness=0.05, points=4)
    height = length * rng.uniform(0.12, 0.16)
    fins = pick(rng, ("upright", "canted", "canted")) if twin else ("single" if rng.random() < 0.85 else "canted")
    if fins == "single":
        parts.append(fin(base, z=0.22 * length, y=0.03 * length, height=height * 1.2, root=0.2 * length,
                         tip=0.07 * length,
                         sweep=rng.uniform(38, 50), thickness=0.05))
    else:
        parts += pair(fin(base, z=0.20 * length, y=0.03 * length, height=height, root=0.17 * length, tip=0.06 * length,
                          sweep=rng.uniform(30, 46), thickness=0.05, x=0.62 * half,
                          lean=0 if fins == "upright" else rng.uniform(14, 28)))
    slope = np.tan(np.radians(sweep))
    under = np.tan(np.radians(dihedral))
    if rng.random() < 0.75:
        spots = [(x, y + under * x, wing_z + slope * x + 0.42 * (root + (tip - root) * 2 * x / span) + 0.02 * length)
                 for x in span / 2 * np.array([0.45, 0.68])[:int(rng.integers(1, 3))]]
        _load(rng, parts, spots, length)
    if rng.random() < 0.5:
        x = span / 2
        parts += pair(*pod(length * 0.17, length * 0.008, MISSILE,
                           at=(x, y + under * x, wing_z + slope * x + 0.5 * tip), fins=3.0))
    if rng.random() < 0.3:
        ground = -0.12 * length
        parts += pair(*leg((0.06 * length, -0.03 * length, 0.1 * length), ground, 0.025 * length))
        parts += leg((0, -0.03 * length, -0.25 * length), ground, 0.02 * length)
    return parts


def delta_fighter(rng) -> List[Mesh]:
    """A tailless delta, with or without canards (Mirage, Gripen, Typhoon)."""
    length = rng.uniform(13.5, 17)
    base = war_paint(rng)
    half = length * rng.uniform(0.045, 0.055)
    knots = [(0, 0.004 * length, 0.0, -0.01 * length), (0.06, 0.018 * length, 0.016 * length, -0.026 * length),
             (0.2, 0.036 * length, 0.036 * length, -0.042 * length), (0.42, half, 0.048 * length, -0.05 * length),
             (0.8, half, 0.046 * length, -0.045 * length), (1, 0.8 * half, 0.036 * length, -0.036 * length)]
    parts = [fuselage(knots, 0.95 * length, base, exponent=2.3, cuts=(0.07,), colours=nose_tip(base, DARK, 0.07))]
    parts.append(_nozzle(0, 0, 0.475 * length, 0.036 * length, 0.06 * length))
    parts.append(canopy(0.2 * length, 0.026 * length, 0.042 * length, z=-0.27 * length, y=0.024 * length, tail=0.55))
    for_side = spindle(np.array([(0.0, 0.3), (0.01, 0.85), (0.0, 1.0), (0.2, 1.1), (0.75, 0.5)]) * [0.5 * length,
            0.036 * length],
                       base if base.texture is None else Material((0.4, 0.42, 0.38), 0.2), at=(0.04 * length,
                               -0.005 * length, -0.13 * length), sides=12,
                       colours=None, crease=35)
    parts += pair(for_side)
    span = length * rng.uniform(0.55, 0.7)
    root = length * rng.uniform(0.48, 0.58)
    sweep = np.degrees(np.arctan(root * 0.92 / (span / 2)))
    z = 0.43 * length - root
    parts += wings(base, z=z, y=-0.02 * length, span=span, root=root, tip=root * 0.1, sweep=sweep - 2, thickness=0.035,
                   dihedral=rng.uniform(-2, 1))
    if rng.random() < 0.6:
        parts += wings(base, z=-0.24 * length, y=0.02 * length, span=span * 0.48, root=0.12 * length,
                       tip=0.03 * length, sweep=46,
                       thickness=0.05, points=4)
    parts.append(fin(base, z=0.2 * length, y=0.03 * length, height=length * rng.uniform(0.15, 0.19), root=0.22 * length,
                     tip=0.06 * length, sweep=48, thickness=0.045))
    if rng.random() < 0.7:
        back = np.tan(np.radians(sweep - 2))
        spots = [(x, -0.025 * length, 0.5 * (0.43 * length + z + back * x)) for x in span / 2 * np.array([0.4, 0.65])]
        _load(rng, parts, spots[:int(rng.integers(1, 3))], length)
    if rng.random() < 0.4:
        parts += pod(0.3 * length, 0.025 * length, plain(120, 126, 130), at=(0, -0.085 * length, 0.05 * length))
        parts.append(strut((0, -0.085 * length, 0.05 * length), (0, -0.03 * length, 0.05 * length), 0.1 * length,
                           STEEL))
    return parts


def piston_fighter(rng) -> List[Mesh]:
    """A fighter of the forties: tapered or elliptic low wing, bubble or razorback, in-line or radial engine."""
    length = rng.uniform(8.6, 10.8)
    base = war_paint(rng, old=True)
    radial = rng.random() < 0.45
    half = length * (0.062 if radial else 0.050)
    deep = length * (0.066 if radial else 0.062)
    nose = 0.85 if radial else 0.42
    knots = [(0, nose * half, nose * deep * 0.9, -nose * deep),
             (0.04, (0.98 if radial else 0.7) * half, 0.9 * deep * (1 if radial else 0.75), -deep),
             (0.25, half, deep, -1.1 * deep), (0.45, half, 1.1 * deep, -1.15 * deep), (0.65, 0.7 * half, 0.95 * deep,
                     -0.8 * deep),
             (0.95, 0.14 * half, 0.5 * deep, -0.1 * deep), (1, 0.05 * half, 0.38 * deep, 0.1 * deep)]
    tip = Material(varied(rng, pick(rng, ((200, 30, 30), (230, 190, 40), (240, 240, 236), (30, 60, 130),
                                          (40, 40, 42)))), 0.5)
    colours = nose_tip(base, tip if rng.random() < 0.5 else base, 0.05)
    parts = [fuselage(knots, length, base, stations=14, exponent=2.2, colours=colours, cuts=(0.05,))]
    front = -length / 2
    if radial:
        parts.append(spindle(np.array([(0.1, 0.0), (0.1, 0.7), (-0.04, 0.8), (0.0, 1.0), (0.9, 1.08),
                                       (1.0, 0.9)]) * [1.0, deep], tip
                             if rng.random() < 0.4 else Material(base.colour if base.texture is None else (0.3, 0.32,
                                     0.26), 0.3),
                             at=(0, 0, front), sides=16, crease=40))
    parts += propeller(rng, length * rng.uniform(0.16, 0.185), blades=int(pick(rng, (3, 3, 4))),
                       at=(0, 0, front - 0.02), spinner=tip,
                       hub=0.20 if radial else 0.24)
    span = length * rng.uniform(1.12, 1.3)
    root = length * rng.uniform(0.24, 0.29)
    z = front + 0.26 * length
    y = -0.75 * deep
    if rng.random() < 0.35:  # elliptic wing
        stations = []
        for share in (0.0, 0.35, 0.6, 0.8, 0.92, 1.0):
            chord = root * max(np.sqrt(1 - share ** 2), 0.2)
            stations.append((span / 2 * share, y + span / 2 * share * 0.09, z + 0.35 * (root - chord), chord,
                             chord * 0.12 * (1.05 - 0.6 * share)))
        parts += pair(wing(np.array(stations), base))
    else:
        parts += wings(base, z=z, y=y, span=span, root=root, tip=root * rng.uniform(0.4, 0.55), sweep=rng.uniform(2, 7),
                       dihedral=rng.uniform(4, 7), thickness=0.13)
    parts.append(canopy(length * rng.uniform(0.2, 0.3), 0.72 * half, deep * rng.uniform(0.85, 1.1),
                        z=front + 0.48 * length, y=0.85 * deep,
                        tail=rng.uniform(0.35, 0.6), frame=Material(base.colour if base.texture is None else (0.36,
                                0.38, 0.3), 0.2)))
    parts.append(fin(base, z=0.5 * length - 0.17 * length, y=0.3 * deep, height=0.145 * length, root=0.16 * length,
                     tip=0.085 * length, sweep=18))
    parts += wings(base, z=0.5 * length - 0.16 * length, y=0.35 * deep, span=0.38 * length, root=0.12 * length,
                   tip=0.07 * length,
                   sweep=8, thickness=0.1, points=4)
    if not radial:
        parts.append(block((-0.4 * half, -1.75 * deep, 0.02 * length), (0.4 * half, -0.9 * deep, 0.2 * length),
                                 Material(base.colour if base.texture is None else (0.36, 0.38, 0.3),
                                          0.2), radius=0.25 * half))
    if rng.random() < 0.5:
        x, ground = 0.16 * span, -2.9 * deep
        parts += pair(*leg((x, y + 0.1 * x, z + 0.1 * root), ground, 0.036 * length))
        parts += leg((0, 0.1 * deep, 0.42 * length), -0.85 * deep, 0.016 * length)
    return parts
