"""Shapes, what air and water flow around: aerofoils, wings and tailplanes, fins and rudders, propellers. Metres."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.lofts import loft, spindle
from recordio.shapes.materials import Material, pick, plain
from recordio.shapes.placing import moved, pair

BLADE = plain(34, 35, 38, gloss=0.3)


def airfoil(points=6) -> np.ndarray:
    """(2 * points + 2, 2) rows (chord position 0 = leading edge .. 1, half-thickness of -1..1), loop over the top.

    The thickness curve is that of the symmetric NACA four-digit series, scaled to 1 at its thickest.
    """
    t = 0.5 * (1 - np.cos(np.pi * np.linspace(0, 1, points + 2)))  # dense at the leading edge
    half = 10 * (0.2969 * np.sqrt(t) - 0.126 * t - 0.3516 * t ** 2 + 0.2843 * t ** 3 - 0.1015 * t ** 4)
    half[-1] = 0.06  # a blunt trailing edge: no faces without area
    upper = np.stack([t, half], axis=1)[1:]
    lower = np.stack([t, -half], axis=1)[1:][::-1]
    return np.concatenate([upper, lower])


def wing(stations, material: Material, *, up=(0.0, 1.0, 0.0), points=5, **look) -> Mesh:
    """Wing, fin or blade: *stations* rows (x, y, z of the leading edge, chord towards +z, thickness in metres).

    *up* is the direction of the thickness: y for wings, x for fins.
    """
    stations = np.asarray(stations, np.float64)
    foil = airfoil(points)
    rings = stations[:, None, :3] + foil[None, :, :1] * stations[:, None, 3:4] * [0.0, 0.0, 1.0]
    rings = rings + foil[None, :, 1:] * (stations[:, None, 4:5] / 2) * np.asarray(up, np.float64)
    return loft(rings, material, **look)


def wings(material: Material, *, z, y, span, root, tip, sweep, dihedral=0.0, thickness=0.12, kink=None, x=0.0,
          end=None, points=5, colours=None) -> List[Mesh]:
    """Both wings: leading edge at *z* in the middle, *span* tip to tip, chords *root* and *tip*, metres and degrees.

    *kink* = share of the half span where the trailing edge bends (it is straight across up to there).
    *end* = (rise, back) adds a winglet. *x* is where the wing starts. *colours* (panels along the span, 3).
    """
    half = span / 2 - x
    back, up = np.tan(np.radians(sweep)), np.tan(np.radians(dihedral))
    shares = [0.0, 0.97, 1.0] if kink is None else [0.0, kink, 0.97, 1.0]
    rows = []
    for share in shares:
        chord = root + (tip - root) * share
        if kink is not None:
            outer = root - kink * half * back  # chord at the kink with a straight inner trailing edge
            outer = max(outer, tip)
            chord = np.interp(share, [0, kink, 1], [root, outer, tip])
        thick = chord * thickness * (1 - 0.35 * share)
        begin = z + half * share * back
        if share == 1.0:  # rounded tip
            begin, chord, thick = begin + 0.12 * chord, chord * 0.75, thick * 0.35
        rows.append((x + half * share, y + half * share * up, begin, chord, thick))
    if end is not None:
        px, py, pz, chord, thick = rows[-2]
        rows[-1] = (px + 0.02 * half, py + 0.1 * end[0], pz + 0.15 * chord, chord * 0.85, thick * 0.8)
        rows.append((px + 0.045 * half, py + end[0], pz + end[1], chord * 0.45, thick * 0.3))
    stations = np.array(rows)
    shades = None
    if colours is not None:
        shades = np.broadcast_to(np.asarray(colours(np.array(shares[1:])) if callable(colours) else colours)[:, None],
                                 (len(stations) - 1, 2 * points + 2, 3))
    return pair(wing(stations, material, points=points, colours=shades))


def fin(material: Material, *, z, y, height, root, tip, sweep, thickness=0.1, x=0.0, lean=0.0, colours=None) -> Mesh:
    """An upright fin with its root at *y*; *lean* degrees outwards (+x)."""
    rows = []
    for share in (0.0, 0.5, 0.96, 1.0):
        chord = root + (tip - root) * share
        rows.append((x + height * share * np.tan(np.radians(lean)), y + height * share,
                     z + height * share * np.tan(np.radians(sweep)), chord * (0.85 if share == 1 else 1),
                     chord * thickness * (0.4 if share == 1 else 1)))
    shades = None if colours is None else np.broadcast_to(np.asarray(colours)[:, None], (3, 10, 3))
    return wing(np.array(rows), material, up=(1, 0, 0), points=4, colours=shades)


def propeller(rng, radius, *, blades=None, at=(0.0, 0.0, 0.0), spinner: Material, hub=0.16) -> List[Mesh]:
    """Spinner and blades turning about z; *hub* is the spinner's radius over the blades'."""
    blades = int(pick(rng, (2, 3, 3, 4, 6))) if blades is None else blades
    size = hub * radius
    parts = [spindle([(-1.7 * size, 0), (-1.5 * size, 0.35 * size), (-0.8 * size, 0.8 * size), (0.0, size),
                      (0.3 * size, size)], spinner, at=at, sides=10)]
    start = rng.uniform(0, 360)
    width = radius * (0.10 if blades > 3 else 0.13)
    shade = np.array([BLADE.colour, BLADE.colour, (0.85, 0.72, 0.2) if rng.random() < 0.6 else BLADE.colour])
    for i in range(blades):
        angle = np.radians(start + 360 * i / blades)
        out, side = np.array([np.sin(angle), np.cos(angle), 0]), np.array([np.cos(angle), -np.sin(angle), 0])
        rings = []
        for share, wide, pitch in ((0.05, 0.5, 60), (0.4, 1.0, 40), (0.86, 0.85, 25), (1.0, 0.4, 20)):
            p = np.radians(pitch)
            flat = (side * np.cos(p) + np.array([0, 0, 1]) * np.sin(p)) * width * wide
            thick = (side * -np.sin(p) + np.array([0, 0, 1]) * np.cos(p)) * width * wide * 0.16
            centre = out * radius * share + [0, 0, -0.45 * size]
            rings.append([centre + flat, centre + thick, centre - flat, centre - thick])
        parts.append(moved(loft(rings, BLADE, colours=shade[:, None]), *at))
    return parts
