"""Shapes, light airplanes: single-engined tourers, biplanes, gliders. Metres."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.airplane_parts import (
    ALUMINIUM,
    DARK,
    GLASS,
    STEEL,
    WHITE,
    accent,
    canopy,
    fuselage,
    leg,
    pilot,
    strut,
)
from recordio.shapes.foils import fin, propeller, wings
from recordio.shapes.lofts import spindle
from recordio.shapes.materials import Material, pick, plain, varied
from recordio.shapes.placing import pair
from recordio.shapes.primitives import tube


def _club_colours(rng):
    """(base, second colour, function for `fuselage`): a trim line, a coloured nose or belly."""
    base = WHITE if rng.random() < 0.6 else Material(varied(rng,
                                                            pick(rng, ((230, 200, 40), (196, 30, 34), (40, 80, 150),
                                                                            (230, 224, 206), (30, 100, 70)))), 0.5)
    second = accent(rng) if base is WHITE else (WHITE if rng.random() < 0.6 else plain(30, 32, 40, gloss=0.5))
    kind = int(rng.integers(4))

    def colours(share, angle, windows=None):
        shade = np.broadcast_to(np.array(base.colour), share.shape + (3,)).copy()
        if kind == 0:
            shade[(angle > 75) & (angle < 105)] = second.colour
        elif kind == 1:
            shade[angle > 105] = second.colour
        elif kind == 2:
            shade[(share < 0.12) | (share > 0.88)] = second.colour
        elif kind == 3:
            shade[(angle > 75 + 30 * (share - 0.3)) & (angle < 120)] = second.colour
        if windows is not None:
            (z0, z1), (a0, a1) = windows
            shade[(share > z0) & (share < z1) & (angle > a0) & (angle < a1)] = GLASS.colour
        return shade

    return base, second, colours


def _light_tail(rng, base, second, length, y, *, end=0.0):
    root, height = length * rng.uniform(0.15, 0.2), length * rng.uniform(0.15, 0.19)
    z = length / 2 - root - end
    fin_look = second if rng.random() < 0.6 else base
    parts = [fin(fin_look, z=z, y=y - 0.02 * length, height=height, root=root, tip=root * rng.uniform(0.45, 0.65),
                 sweep=rng.uniform(12, 38))]
    chord = length * rng.uniform(0.09, 0.12)
    parts += wings(base, z=length / 2 - 1.3 * chord - end, y=y - 0.01 * length, span=length * rng.uniform(0.36, 0.44),
                   root=chord,
                   tip=chord * 0.7, sweep=6, thickness=0.1, points=4)
    return parts


def _fixed_gear(rng, belly, z_main, track, z_nose, *, tail=None, spats=None, radius=0.2):
    """Tricycle gear, or a tail wheel under *tail* = (y, z) in the fuselage; *spats* is what wheel fairings are of."""
    ground = belly - rng.uniform(0.5, 0.7)
    parts = pair(strut((0.1, belly + 0.1, z_main), (track, ground + radius, z_main), 0.12,
                       STEEL if spats is None else spats))
    hubs = [(track, z_main)]
    if tail is None:
        parts.append(tube([(0, belly + 0.15, z_nose), (0, ground + radius, z_nose)], 0.05, STEEL, sides=6))
        hubs.append((0.0, z_nose))
    else:
        parts += leg((0, *tail), tail[0] - 0.55, 0.12)
    for x, z in hubs:
        w = 0.07
        tyre = spindle([(-w, 0.7 * radius), (-w * 0.8, radius), (w * 0.8, radius), (w, 0.7 * radius)],
                       plain(28, 28, 29), axis="x",
                       at=(x, ground + radius, z), sides=12)
        made = [tyre]
        if spats is not None:
            made.append(spindle(np.array([(-0.35, 0), (-0.28, 0.6), (-0.1, 1), (0.15, 0.9), (0.5, 0.02)]) * [1.2,
                    0.16], spats,
                                at=(x, ground + radius * 1.25, z), sides=10))
        parts += pair(*made) if x else made
    return parts


def high_wing(rng) -> List[Mesh]:
    """A tourer with its wing over the cabin, strut-braced (Cessna 172), or a bush plane on a tail wheel."""
    length, half = rng.uniform(7.4, 9.2), rng.uniform(0.52, 0.62)
    base, second, colours = _club_colours(rng)
    top = rng.uniform(0.72, 0.85)
    knots = [(0, 0.28, 0.22, -0.42), (0.03, 0.42, 0.30, -0.55), (0.16, 0.9 * half, 0.36, -0.66),
             (0.20, half, 0.40, -0.70),
             (0.29, half, top, -0.72), (0.46, half, top - 0.02, -0.68), (0.60, 0.72 * half, 0.42, -0.48),
             (0.96, 0.1, 0.22, -0.10), (1, 0.05, 0.16, -0.02)]
    parts = [fuselage(knots, length, base, exponent=3.2, stations=14, cuts=(0.20, 0.27, 0.29, 0.37, 0.385, 0.49),
                      colours=lambda s, a: _cabin(colours(s, a), s, a, 0.202, 0.295, 0.30, 0.49))]
    span = length * rng.uniform(1.22, 1.4)
    chord = rng.uniform(1.45, 1.7)
    z = -0.5 * length + 0.28 * length
    tip = chord * rng.uniform(0.65, 1.0)
    parts += wings(base, z=z, y=top - 0.02, span=span, root=chord, tip=tip, sweep=1.5, dihedral=1.8, thickness=0.13,
                   colours=np.array([base.colour, second.colour]))
    if rng.random() < 0.8:
        x = span * 0.25
        parts += pair(strut((0.4, -0.55, z + 0.5 * chord), (x, top + x * 0.025, z + 0.42 * chord), 0.16, base))
    parts += propeller(rng, rng.uniform(0.9, 1.05), blades=int(pick(rng, (2, 2, 3))), at=(0, -0.1, -length / 2 - 0.02),
                       spinner=second, hub=0.19)
    parts += _light_tail(rng, base, second, length, 0.2)
    spats = base if rng.random() < 0.5 else None
    if rng.random() < 0.3:
        parts += _fixed_gear(rng, -0.7, -0.5 * length + 0.24 * length, 1.1, 0, tail=(0.05, 0.44 * length), radius=0.27)
    elif rng.random() < 0.2:  # floats
        for x in (1.0,):
            hull = spindle(np.array([(-0.5, 0), (-0.46, 0.45), (-0.3, 1), (0.1, 1), (0.5, 0.25)]) * [length * 0.75,
                    0.36], base,
                           at=(x, -1.45, -0.08 * length), sides=10)
            parts += pair(hull, strut((0.4, -0.6, -0.25 * length), (x, -1.35, -0.25 * length), 0.12, STEEL),
                          strut((0.4, -0.6, -0.02 * length), (x, -1.35, -0.02 * length), 0.12, STEEL))
    else:
        parts += _fixed_gear(rng, -0.7, -0.5 * length + 0.42 * length, 1.15, -0.5 * length + 0.1 * length, spats=spats)
    return parts


def _cabin(shade, share, angle, front0, front1, side0, side1):
    """Windscreen and side windows painted on a cabin's panels."""
    shade[(share > front0) & (share < front1) & (angle < 75)] = GLASS.colour
    pillar = (share > 0.37) & (share < 0.385)
    shade[(share > side0) & (share < side1) & (angle > 45) & (angle < 75) & ~pillar] = GLASS.colour
    return shade


def low_wing(rng) -> List[Mesh]:
    """A tourer or trainer with a low wing and a bubble over the seats."""
    length, half = rng.uniform(6.5, 9.0), rng.uniform(0.5, 0.6)
    base, second, colours = _club_colours(rng)
    knots = [(0, 0.26, 0.22, -0.36), (0.03, 0.4, 0.32, -0.48), (0.2, half, 0.44, -0.58), (0.42, half, 0.46, -0.58),
             (0.62, 0.72 * half, 0.36, -0.36), (0.96, 0.09, 0.22, 0.0), (1, 0.04, 0.16, 0.06)]
    parts = [fuselage(knots, length, base, exponent=2.7, stations=14, colours=colours, cuts=(0.12, 0.88))]
    size = rng.uniform(0.26, 0.36)
    parts.append(canopy(length * size, half * 0.88, rng.uniform(0.48, 0.6), z=-0.5 * length + length * 0.40, y=0.38,
                        frame=base if rng.random() < 0.5 else None))
    span, chord = length * rng.uniform(1.1, 1.35), rng.uniform(1.4, 1.7)
    z = -0.5 * length + 0.25 * length
    ends = np.array([base.colour, second.colour])
    parts += wings(base, z=z, y=-0.42, span=span, root=chord, tip=chord * rng.uniform(0.5, 1.0),
                   sweep=rng.uniform(0, 5),
                   dihedral=rng.uniform(4, 7), thickness=0.14, colours=ends)
    parts += propeller(rng, rng.uniform(0.85, 1.0), blades=int(pick(rng, (2, 3))), at=(0, -0.06, -length / 2 - 0.02),
                       spinner=second, hub=0.2)
    parts += _light_tail(rng, base, second, length, 0.2)
    if rng.random() < 0.75:
        parts += _fixed_gear(rng, -0.55, -0.08 * length, 1.25, -0.38 * length,
                             spats=base if rng.random() < 0.5 else None)
    return parts


def biplane(rng) -> List[Mesh]:
    """Two wings with struts and wires, open cockpits, a radial engine or a cowled nose."""
    length, half = rng.uniform(6.0, 7.6), rng.uniform(0.40, 0.5)
    base, second, colours = _club_colours(rng)
    if rng.random() < 0.35:
        base, second = Material(varied(rng, pick(rng, ((98, 104, 70), (170, 40, 34), (190, 176, 136)))),
                                0.2), plain(200, 190, 160)
    radial = rng.random() < 0.6
    knots = [(0, 0.42, 0.40, -0.46), (0.06, half, 0.44, -0.5), (0.3, half, 0.48, -0.52), (0.5, 0.9 * half, 0.46, -0.44),
             (0.96, 0.08, 0.2, 0.02), (1, 0.04, 0.15, 0.06)]
    parts = [fuselage(knots, length, base, exponent=2.6, stations=12,
                      colours=lambda s, a: np.where((s < 0.14)[..., None], np.array(second.colour), colours(s, a)))]
    nose = -length / 2
    if radial:
        parts.append(spindle(np.array([(0.02, 0.0), (0.02, 0.38), (-0.16, 0.46), (-0.12, 0.58), (0.25, 0.6),
                                       (0.3, 0.5)]), second,
                             at=(0, -0.03, nose), sides=16,
                             colours=np.array([DARK.colour] * 2 + [second.colour] * 3)[:, None]))
    parts += propeller(rng, rng.uniform(1.0, 1.2), blades=2, at=(0, -0.03, nose - (0.16 if radial else 0.02)),
                       spinner=STEEL, hub=0.12)
    span, chord = length * rng.uniform(1.1, 1.3), rng.uniform(1.15, 1.4)
    gap, stagger = rng.uniform(1.35, 1.6), rng.uniform(0.0, 0.45)
    z = nose + 0.2 * length
    low, high = -0.42, -0.42 + gap
    lower_span = span * rng.uniform(0.82, 1.0)
    parts += wings(base, z=z + stagger, y=low, span=lower_span, root=chord, tip=chord * 0.95, sweep=2, dihedral=2.5)
    parts += wings(base if rng.random() < 0.5 else second, z=z, y=high, span=span, root=chord, tip=chord * 0.95,
                   sweep=2,
                   dihedral=1.0 if rng.random() < 0.5 else 2.5)
    rise = np.tan(np.radians(2.0))  # of the struts' ends along the span
    bays = (0.72,) if rng.random() < 0.6 else (0.45, 0.82)
    for share in bays:
        x = lower_span / 2 * share
        for dz in (0.2, 0.7):
            parts += pair(strut((x, low + x * rise, z + stagger + dz * chord), (x, high + x * rise, z + dz * chord),
                                0.11, second))
    for dz in (0.25, 0.65):
        parts += pair(strut((0.3, 0.38, z + dz * chord + 0.05), (0.5, high + 0.01, z + dz * chord), 0.09, second))
    cockpits = (0.40, 0.55) if rng.random() < 0.5 else (0.48,)
    for share in cockpits:
        zc = nose + share * length
        parts.append(spindle([(0.36, 0.27), (0.5, 0.27)], DARK, axis="y", at=(0, 0, zc), sides=12))
        parts.append(pilot(rng, zc + 0.06, 0.62))
        parts += [canopy(0.35, 0.2, 0.26, z=zc - 0.34, y=0.45, tail=0.3)]
    parts += _light_tail(rng, base, second, length, 0.16)
    parts += _fixed_gear(rng, -0.5, nose + 0.22 * length, 0.85, 0, tail=(0.1, 0.44 * length), radius=0.32)
    return parts


def glider(rng) -> List[Mesh]:
    """A sailplane: slender body, very long wings, T-tail."""
    length, half = rng.uniform(6.6, 8.4), rng.uniform(0.3, 0.36)
    base = WHITE if rng.random() < 0.8 else ALUMINIUM
    second = accent(rng)

    def colours(share, angle):
        shade = np.broadcast_to(np.array(base.colour), share.shape + (3,)).copy()
        if trim:
            shade[(share < 0.05) | ((share > 0.8) & (share < 0.86))] = second.colour
        return shade

    trim = rng.random() < 0.6
    knots = [(0, 0.03, -0.05, -0.12), (0.05, 0.18, 0.1, -0.25), (0.25, half, 0.32, -0.42),
             (0.38, 0.9 * half, 0.30, -0.40),
             (0.55, 0.12, 0.14, -0.14), (0.95, 0.08, 0.12, -0.06), (1, 0.03, 0.06, 0.0)]
    parts = [fuselage(knots, length, base, stations=18, colours=colours, cuts=(0.05, 0.8, 0.86))]
    parts.append(canopy(length * 0.28, half * 0.85, 0.34, z=-0.5 * length + 0.21 * length, y=0.10, tail=0.35))
    span = rng.uniform(13, 18)
    end = (0.4, 0.15) if rng.random() < 0.5 else None
    shades = np.array([base.colour, base.colour] + [second.colour if rng.random() < 0.6 else base.colour])
    parts += wings(base, z=-0.5 * length + 0.34 * length, y=0.22, span=span, root=rng.uniform(0.85, 1.05), tip=0.4,
                   sweep=1.5,
                   dihedral=rng.uniform(2, 4), thickness=0.16, end=end, colours=shades[:3] if end else shades[[0, 2]])
    height = rng.uniform(1.05, 1.3)
    parts.append(fin(second if rng.random() < 0.4 else base, z=0.5 * length - 0.95, y=0.05, height=height, root=0.9,
                     tip=0.55, sweep=15))
    high = rng.random() < 0.75
    parts += wings(base, z=0.5 * length - (0.68 if high else 0.85), y=0.02 + (height if high else 0.1),
                   span=rng.uniform(2.4, 3.0),
                   root=0.55, tip=0.35, sweep=6, thickness=0.12, points=4)
    parts += leg((0, -0.3, -0.5 * length + 0.36 * length), -0.58, 0.18)
    return parts
