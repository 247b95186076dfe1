"""Shapes, airplanes that carry passengers and freight: jets with engines under the wing or at the tail, turboprops.

Proportions follow the three-view drawings of common types (A320, 747, CRJ, ATR, Concorde, C-130); metres.
"""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.airplane_parts import ALUMINIUM, DARK, GLASS, STEEL, WHITE, accent, fuselage, jet, leg, strut
from recordio.shapes.foils import fin, propeller, wing, wings
from recordio.shapes.lofts import block, spindle
from recordio.shapes.materials import Material, camouflage, pick, plain, varied
from recordio.shapes.placing import pair


def livery(rng, house: Material, *, cockpit=(0.035, 0.062), tail=0.86):
    """(base material, colours function for `fuselage`, paint cuts): one of six ways airlines paint their fleet."""
    base = pick(rng, (WHITE, WHITE, WHITE, ALUMINIUM, plain(214, 218, 222, gloss=0.5)))
    belly = pick(rng, (np.array(base.colour), np.array((0.62, 0.64, 0.67)), np.array(base.colour)))
    house_colour = np.array(house.colour)
    kind = int(rng.integers(6))
    second = np.array(accent(rng).colour)

    def colours(share, angle):
        shade = np.broadcast_to(np.array(base.colour), share.shape + (3,)).copy()
        shade[angle > 135] = belly
        if kind == 0:  # cheat line under or over the windows
            shade[(angle > 90) & (angle < 105) & (share > 0.03)] = house_colour
        elif kind == 1:  # broad band through the windows
            shade[(angle > 60) & (angle < 105) & (share > 0.03)] = house_colour
        elif kind == 2:  # coloured belly
            shade[angle > 105] = house_colour
        elif kind == 3:  # all in colour
            shade[:] = house_colour * 0.9 + 0.1 * np.array(base.colour)
            shade[angle > 120] = base.colour
        elif kind == 4:  # the tail's colour sweeps down and forward
            shade[share > tail - 0.0012 * (angle - 40)] = house_colour
            shade[(share > tail - 0.05 - 0.0012 * (angle - 40)) & (share < tail - 0.0012 * (angle - 40))] = second
        if rng.random() < 0.35 and kind != 3:
            shade[share > tail + 0.02] = house_colour
        glass = (share > cockpit[0]) & (share < cockpit[1]) & (angle > 25) & (angle < 75)
        shade[glass] = GLASS.colour
        return shade

    return base, colours, cockpit + (tail, tail + 0.02)


def tube_knots(half, *, nose=0.11, tail=0.30, droop=0.0, high=None):
    """Knots of an airliner's fuselage of half width *half*: blunt nose, straight tube, tail swept up."""
    high = half if high is None else high
    return [(0, 0.03 * half, -0.22 * high, -0.30 * high), (0.012, 0.30 * half, 0.05 * high, -0.55 * high),
            (0.035, 0.55 * half, 0.34 * high, -0.74 * high), (0.062, 0.76 * half, 0.76 * high, -0.88 * high),
            (nose, half, high, -high), (1 - tail, half, high, -high),
            (1 - 0.5 * tail, 0.74 * half, 0.97 * high, -0.46 * high), (0.985, 0.2 * half, 0.72 * high, 0.26 * high),
            (1, 0.05 * half, 0.6 * high, 0.42 * high)]


def _tail(rng, house, base, length, half, *, span, tee=False, low_y=0.45):
    """Fin and tailplane at the end of a tube."""
    root, height = 0.14 * length * rng.uniform(0.9, 1.1), 0.155 * length * rng.uniform(0.9, 1.15)
    sweep = rng.uniform(33, 44)
    tip = root * rng.uniform(0.32, 0.45)
    z = 0.5 * length - root * 1.18
    second = np.array(accent(rng).colour)
    house_colour, white = np.array(house.colour), np.array(base.colour)
    bands = pick(rng, ([house_colour] * 3, [house_colour] * 3, [house_colour, second, second],
                       [white, house_colour, house_colour], [house_colour, white, house_colour]))
    parts = [fin(house, z=z, y=0.6 * half, height=height, root=root, tip=tip, sweep=sweep, colours=bands)]
    chord = 0.085 * length
    y = 0.6 * half + height * 0.97 if tee else low_y * half
    at = z + height * np.tan(np.radians(sweep)) if tee else 0.5 * length - 1.35 * chord
    parts += wings(base, z=at, y=y, span=span, root=chord * (0.8 if tee else 1), tip=chord * 0.4, sweep=30,
                   dihedral=0 if tee else 6, thickness=0.09, points=4)
    return parts


def _gear(rng, length, half, wing_z, span, *, track=0.12, floor=1.0):
    r = half * 0.28
    ground = -half - floor * half
    return (pair(*leg((track * span, -0.4 * half, wing_z), ground, r * 1.2, wheels=2))
            + leg((0, -0.5 * half, -0.40 * length), ground, r, wheels=2))


def airliner(rng) -> List[Mesh]:
    """Low swept wing with two or four turbofans under it; with four sometimes a hump as the 747."""
    length = rng.uniform(32, 75)
    half = length * rng.uniform(0.042, 0.056) if length > 45 else length * rng.uniform(0.050, 0.060)
    four = rng.random() < (0.5 if length > 52 else 0.12)
    house = accent(rng)
    base, colours, cuts = livery(rng, house)
    knots = np.array(tube_knots(half, tail=rng.uniform(0.30, 0.38)))
    if four and rng.random() < 0.5:  # upper deck
        knots[3, 2], knots[4, 2] = 1.35 * half, 1.5 * half
        knots = np.insert(knots, 5, [(0.24, half, 1.48 * half, -half), (0.34, half, half, -half)], axis=0)
    parts = [fuselage(knots, length, base, colours=colours, cabin=(0.10, 0.80), spacing=length / rng.integers(30, 46),
                      cuts=cuts)]
    span = length * rng.uniform(0.84, 1.04)
    sweep, root = rng.uniform(24, 36), length * rng.uniform(0.165, 0.20)
    wing_z, y, dihedral = length * rng.uniform(-0.14, -0.09), -0.62 * half, rng.uniform(4, 7.5)
    metal = pick(rng, (plain(176, 180, 186, gloss=0.5), plain(206, 209, 213, gloss=0.5), WHITE))
    end = (span * rng.uniform(0.03, 0.05), span * 0.025) if rng.random() < 0.6 else None
    kink = rng.uniform(0.30, 0.38)
    tip = root * rng.uniform(0.18, 0.26)
    wing_colours = None
    if end is not None and rng.random() < 0.6:
        wing_colours = np.array([metal.colour] * 3 + [house.colour])
    parts += wings(metal, z=wing_z, y=y, span=span, root=root, tip=tip, sweep=sweep, dihedral=dihedral, kink=kink,
                   end=end, colours=wing_colours)
    parts.append(block((-0.85 * half, -1.12 * half, wing_z - 0.02 * length),
                             (0.85 * half, -0.3 * half, wing_z + root * 1.05), Material(base.colour, 0.4),
                             radius=0.3 * half))
    size = half * rng.uniform(0.42, 0.62) * (0.8 if four else 1.0)
    cowl = house if rng.random() < 0.3 else base
    for share in ((0.33, 0.62) if four else (rng.uniform(0.31, 0.37),)):
        x = share * span / 2
        long = size * rng.uniform(3.0, 3.6)
        under = y + x * np.tan(np.radians(dihedral))
        edge = wing_z + x * np.tan(np.radians(sweep))
        at = (x, under - size * 1.15, edge - 0.62 * long)
        parts += pair(jet(size, long, cowl, at=at),
                      strut((x, under - size * 0.5, edge + 0.02 * long), (x, under + 0.1 * size, edge + 0.3 * long),
                            long * 0.55, base))
    parts += _tail(rng, house, base, length, half, span=span * rng.uniform(0.34, 0.42))
    if rng.random() < 0.35:
        parts += _gear(rng, length, half, wing_z + root * 0.6, span, floor=0.9)
    return parts


def rear_engined(rng) -> List[Mesh]:
    """T-tail and engines at the rear fuselage: business jets, regional jets, three-engined airliners."""
    business = rng.random() < 0.55
    length = rng.uniform(13, 28) if business else rng.uniform(26, 46)
    half = length * (rng.uniform(0.050, 0.062) if business else rng.uniform(0.040, 0.050))
    house = accent(rng)
    base, colours, cuts = livery(rng, house)
    tail = rng.uniform(0.34, 0.42)
    parts = [fuselage(tube_knots(half, tail=tail, nose=0.16 if business else 0.12), length, base, colours=colours,
                      cabin=(0.18, 0.62) if business else (0.11, 0.72),
                      spacing=length / (rng.integers(14, 20) if business else rng.integers(26, 40)), cuts=cuts)]
    span = length * (rng.uniform(0.85, 1.02) if business else rng.uniform(0.68, 0.82))
    root, sweep = length * rng.uniform(0.15, 0.18), rng.uniform(20, 30)
    wing_z = length * rng.uniform(-0.04, 0.02)
    end = (span * 0.055, span * 0.03) if rng.random() < 0.6 else None
    parts += wings(plain(205, 208, 212, gloss=0.5), z=wing_z, y=-0.72 * half, span=span, root=root, tip=root * 0.3,
                   sweep=sweep, dihedral=rng.uniform(3, 6), kink=0.35, end=end)
    size = half * rng.uniform(0.42, 0.52)
    long, out = size * rng.uniform(4.0, 5.0), half * 0.9 + size * 1.1
    z = length * 0.5 - tail * length * rng.uniform(0.82, 0.95)
    cowl = base if rng.random() < 0.6 else house
    parts += pair(jet(size, long, cowl, at=(out, 0.42 * half, z)),
                  block((0.3 * half, 0.36 * half, z + 0.3 * long), (out, 0.52 * half, z + 0.75 * long), base,
                              radius=0.05 * half))
    if not business and rng.random() < 0.35:  # third engine at the foot of the fin
        parts.append(jet(size * 1.05, long * 1.1, cowl, at=(0, 1.25 * half, z + 0.1 * long)))
    parts += _tail(rng, house, base, length, half, span=span * rng.uniform(0.36, 0.44), tee=True)
    if rng.random() < 0.3:
        parts += _gear(rng, length, half, wing_z + root * 0.6, span, floor=0.6, track=0.09)
    return parts


def _turbine(rng, parts, x, y, z, size, long, look, blades, radius, spinner):
    """A propeller turbine in a nacelle, both sides."""
    body = spindle(np.array([(0, 0.45), (0.08, 0.75), (0.3, 1.0), (0.65, 0.95), (0.9, 0.55), (1.05, 0.05)])
                   * [long, size], look, at=(x, y, z), sides=12)
    parts += pair(body, *propeller(rng, radius, blades=blades, at=(x, y, z), spinner=spinner, hub=0.4 * size / radius))


def turboprop(rng) -> List[Mesh]:
    """High straight wing with two propeller turbines, or low wing as the old twins (DC-3)."""
    old = rng.random() < 0.35
    length = rng.uniform(14, 32)
    half = length * rng.uniform(0.048, 0.062)
    house = accent(rng)
    base, colours, cuts = livery(rng, house)
    if old and rng.random() < 0.6:
        base = ALUMINIUM
    high = not old and rng.random() < 0.8
    parts = [fuselage(tube_knots(half, tail=rng.uniform(0.36, 0.48), nose=0.13), length, base, colours=colours,
                      cabin=(0.14, 0.66), spacing=length / rng.integers(16, 26), cuts=cuts)]
    span = length * rng.uniform(0.95, 1.2) if not old else length * rng.uniform(1.3, 1.5)
    root = length * rng.uniform(0.10, 0.13) * (1.35 if old else 1)
    wing_z = length * rng.uniform(-0.10, -0.05) - (0.06 * length if old else 0)
    y = 0.92 * half if high else -0.6 * half
    dihedral = 1.5 if high else rng.uniform(4, 7)
    metal = base if rng.random() < 0.5 else plain(190, 194, 198, gloss=0.5)
    sweep = 9 if old else 2
    parts += wings(metal, z=wing_z, y=y, span=span, root=root, tip=root * rng.uniform(0.4, 0.6), sweep=sweep,
                   dihedral=dihedral, thickness=0.14)
    x = span * rng.uniform(0.13, 0.17) + half * 0.3
    size, long = half * rng.uniform(0.38, 0.5), root * rng.uniform(1.5, 1.8)
    _turbine(rng, parts, x, y + x * np.tan(np.radians(dihedral)) - 0.2 * size, wing_z - 0.42 * long, size, long,
             metal if rng.random() < 0.7 else house, None if not old else 3, min(half * rng.uniform(1.0, 1.3),
                     x - half * 0.9),
             house if rng.random() < 0.4 else STEEL)
    if high and rng.random() < 0.8:
        parts += pair(block((0.55 * half, -1.05 * half, wing_z), (1.2 * half, -0.35 * half, wing_z + root * 1.4),
                                  base,
                                  radius=0.25 * half))
    parts += _tail(rng, house, base, length, half, span=span * rng.uniform(0.3, 0.36),
                   tee=not old and rng.random() < 0.7)
    if rng.random() < 0.5:
        track = (1.1 * half if high else x) / span
        parts += _gear(rng, length, half, wing_z + root * 0.5, span, floor=0.45, track=track)
    return parts


def supersonic(rng) -> List[Mesh]:
    """A slender delta with an ogive wing and engine boxes below, as Concorde."""
    length = 62.0
    half = length * rng.uniform(0.022, 0.027)
    house = accent(rng)
    base, colours, cuts = livery(rng, house, cockpit=(0.10, 0.118), tail=0.88)
    knots = [(0, 0.02 * half, -0.5 * half, -0.55 * half), (0.05, 0.45 * half, 0.0, -0.8 * half),
             (0.12, 0.85 * half, 0.85 * half, -0.95 * half), (0.2, half, half, -half), (0.7, half, half, -half),
             (0.9, 0.6 * half, 0.75 * half, -0.3 * half), (1, 0.05 * half, 0.35 * half, 0.2 * half)]
    parts = [fuselage(knots, length, base, colours=colours, cabin=(0.16, 0.74), spacing=length / 46, cuts=cuts)]
    wide = length * rng.uniform(0.19, 0.215)
    rear = 0.34 * length
    stations = []
    for share, lead in ((0.0, -0.28), (0.10, -0.22), (0.25, -0.08), (0.5, 0.08), (0.8, 0.20), (0.97, 0.28),
                        (1.0, 0.31)):
        chord = rear + 0.02 * length * share - lead * length
        stations.append((wide * share, -0.55 * half, lead * length, chord, chord * 0.022 + 0.1))
    parts += pair(wing(np.array(stations), WHITE, points=5))
    for x in (0.42, 0.62):
        parts += pair(block((x * wide - 0.07 * wide, -1.9 * half, 0.18 * length),
                                  (x * wide + 0.07 * wide, -0.55 * half,
                                   0.37 * length), DARK if rng.random() < 0.5 else base,
                                  radius=0.3 * half))
    parts.append(fin(house, z=0.24 * length, y=0.6 * half, height=0.11 * length, root=0.2 * length, tip=0.045 * length,
                     sweep=52, thickness=0.05))
    return parts


def transport(rng) -> List[Mesh]:
    """A military or freight hauler: high wing, fat body, swept-up tail; four propellers or four jets with a T-tail."""
    jets = rng.random() < 0.5
    length = rng.uniform(29, 54)
    half = length * rng.uniform(0.062, 0.072)
    base = pick(rng, (plain(140, 146, 150, gloss=0.15), plain(110, 120, 104, gloss=0.12),
                      plain(176, 178, 178, gloss=0.2),
                      camouflage(rng, ((96, 104, 76), (126, 112, 84), (70, 76, 62))), Material(varied(rng,
                              (196, 184, 156)))))
    dark = Material(tuple(0.8 * c for c in base.colour), 0.15)

    def colours(share, angle):
        shade = np.broadcast_to(np.array(base.colour), share.shape + (3,)).copy()
        shade[(share > 0.035) & (share < 0.062) & (angle > 15) & (angle < 75)] = GLASS.colour
        shade[share < 0.012] = DARK.colour
        return shade

    knots = tube_knots(half, tail=0.42, nose=0.13)
    if base.texture is None:
        body = fuselage(knots, length, base, colours=colours, exponent=2.5, cuts=(0.012, 0.035, 0.062))
    else:
        body = fuselage(knots, length, base, exponent=2.5)
    parts = [body]
    span = length * rng.uniform(1.0, 1.3) if not jets else length * rng.uniform(0.92, 1.05)
    root = length * (0.17 if jets else 0.14)
    sweep, wing_z = (24 if jets else 3), -0.15 * length
    dihedral = -3 if jets else 1
    y = 0.95 * half
    parts += wings(base, z=wing_z, y=y, span=span, root=root, tip=root * 0.4, sweep=sweep, dihedral=dihedral,
                   thickness=0.13)
    parts.append(block((-0.7 * half, 0.6 * half, wing_z - 0.1 * root),
                             (0.7 * half, 1.14 * half, wing_z + 1.1 * root),
                             Material(base.colour, 0.15) if base.texture is None else dark, radius=0.2 * half))
    size = half * 0.36
    for share in (0.32, 0.60):
        x = share * span / 2
        under = y + x * np.tan(np.radians(dihedral))
        edge = wing_z + x * np.tan(np.radians(sweep))
        if jets:
            long = size * 4.2
            parts += pair(jet(size * 1.15, long, dark, at=(x, under - 1.5 * size, edge - 0.55 * long)),
                          strut((x, under - 0.8 * size, edge), (x, under + 0.1 * size, edge + 0.3 * long), 0.5 * long,
                                dark))
        else:
            _turbine(rng, parts, x, under - 0.15 * size, edge - 1.5 * size, size * 0.85, root * 1.2, dark,
                     int(pick(rng, (4, 6))), half * 0.88, DARK)
    parts += pair(block((0.7 * half, -1.08 * half, -0.1 * length), (1.25 * half, -0.4 * half, 0.14 * length),
                              dark,
                              radius=0.2 * half))
    parts += _tail(rng, base, base, length, half, span=span * 0.38, tee=jets)
    if rng.random() < 0.5:
        parts += _gear(rng, length, half, 0.02 * length, span, floor=0.35, track=0.95 * half / span)
    return parts
