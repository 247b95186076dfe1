"""Shapes, what airplanes are made of: painted fuselages, jet engines, canopies, struts, gear, weapons. Metres."""
from __future__ import annotations

from typing import List, Tuple

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.lofts import along_z, loft, spindle
from recordio.shapes.materials import Material, camouflage, pick, plain, varied, window_row
from recordio.shapes.outlines import monotone, superellipse
from recordio.shapes.primitives import ellipsoid, hexahedron, tube

AROUND = 24  # points of a fuselage section, 15 degrees each, from the top clockwise seen from behind
GLASS = plain(22, 28, 36, gloss=0.95)
DARK, RUBBER = plain(34, 35, 38, gloss=0.3), plain(28, 28, 29, gloss=0.1)
STEEL, ALUMINIUM = plain(128, 130, 134, gloss=0.8), plain(196, 198, 202, gloss=0.75)
WHITE = plain(240, 241, 242, gloss=0.55)
ACCENTS = ((20, 50, 120), (190, 24, 34), (10, 90, 160), (0, 110, 90), (230, 120, 20), (90, 30, 110), (30, 34, 60),
           (240, 190, 20), (0, 140, 190), (120, 20, 40), (20, 120, 60), (220, 60, 130))


def accent(rng) -> Material:
    """A house colour as airlines and clubs use them."""
    return Material(varied(rng, pick(rng, ACCENTS), 0.06), 0.55)


def fuselage(knots, length, material: Material, *, exponent=2.0, stations=18, colours=None, gloss=None, cabin=None,
             spacing=1.0, cuts=()) -> Mesh:
    """A body along z around the origin, nose at -length / 2.

    *knots* rows (share of the length, half width, top, bottom) in metres; *colours* is called with the middle (share)
    of every panel row and the angle from the top (degrees, both (rows, AROUND)) and returns (rows, AROUND, 3).
    *cabin* = (first share, last share) puts a row of windows *spacing* metres apart at 75 to 90 degrees. *cuts* are
    shares where a paint edge falls.
    """
    knots = np.asarray(knots, np.float64)
    even = 0.5 - 0.5 * np.cos(np.pi * np.linspace(0, 1, stations)) * (0.6 + 0.4 * np.linspace(-1, 1, stations) ** 2)
    even = (even - even[0]) / (even[-1] - even[0])
    ends = () if cabin is None else cabin
    t = np.unique(np.concatenate([even, np.asarray(ends, float), np.asarray(cuts, float)]).round(4))
    half, top, bottom = (monotone(t, knots[:, [0, column]]) for column in (1, 2, 3))
    outline = superellipse(AROUND, exponent)
    rings = along_z(outline, (t - 0.5) * length, width=half, height=(top - bottom) / 2, y=(top + bottom) / 2)
    middle = (t[1:] + t[:-1]) / 2
    share, angle = np.meshgrid(middle, (np.arange(AROUND) + 0.5) * 360 / AROUND, indexing="ij")
    angle = np.where(angle > 180, 360 - angle, angle)  # left and right alike
    shades = None if colours is None else colours(share, angle)
    if cabin is None:
        return loft(rings, material, colours=shades, gloss=gloss)
    look = Material(material.colour, material.gloss, window_row(wide=0.55, tall=0.62, exponent=4))
    row = np.zeros((len(middle), AROUND), bool)
    inside = (middle > cabin[0]) & (middle < cabin[1])
    row[np.ix_(inside, [5, AROUND - 6])] = True  # 75 to 90 degrees from the top
    u = np.broadcast_to(((t - cabin[0]) * length / spacing)[:, None], (len(t), AROUND + 1))
    v = np.broadcast_to(np.arange(AROUND + 1.0)[None], u.shape)
    return loft(rings, look, colours=shades, gloss=gloss, uv=np.stack([u, v], axis=-1), textured=row)


def jet(radius, length, material: Material, *, at=(0.0, 0.0, 0.0), lip: Material = ALUMINIUM, sides=14) -> Mesh:
    """A turbofan nacelle: dark intake with spinner, bright lip, cowling, hot end; its front at *at*."""
    rows = np.array([(0.10, 0.0), (0.22, 0.22), (0.22, 0.80), (0.0, 0.88), (0.03, 0.97), (0.3, 1.0), (0.62, 0.92),
                     (0.78, 0.74), (0.80, 0.56), (0.98, 0.36), (1.08, 0.0)])
    shades = np.array([(0.5, 0.5, 0.52), DARK.colour, DARK.colour, lip.colour, material.colour, material.colour,
                       material.colour, DARK.colour, STEEL.colour, STEEL.colour])
    return spindle(rows * [length, radius], material, at=at, sides=sides, colours=shades[:, None], crease=35)


def canopy(length, half, height, *, z, y, material: Material = GLASS, frame: Material = None, tail=0.4) -> Mesh:
    """A cockpit bubble centred at *z* on the fuselage line *y*; *tail* of the length tapers off backwards."""
    t = np.array([0, 0.04, 0.15, 1 - tail - 0.25, 1 - tail, 1 - 0.4 * tail, 1.0])
    shape = monotone(t, [(0, 0.02), (0.15, 0.62), (0.4, 1.0), (1 - tail, 0.95), (1, 0.05)])
    rings = along_z(superellipse(12, 2.2), z + (t - 0.5) * length, width=half * np.sqrt(shape), height=height * shape,
                    y=y)
    shades = None
    if frame is not None:
        shades = np.broadcast_to(np.asarray(material.colour), (6, 12, 3)).copy()
        shades[[2, 4]] = frame.colour
        shades[5] = frame.colour
    return loft(rings, material, colours=shades)


def strut(start, end, chord, material: Material) -> Mesh:
    """A streamlined strut between two points, *chord* deep along z."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    flat = np.array([0, 0, chord / 2])
    axis = (end - start) / np.linalg.norm(end - start)
    thick = np.cross(axis, [0, 0, 1])
    thick = thick / max(np.linalg.norm(thick), 1e-9) * chord * 0.25
    return loft([[p - flat, p + thick, p + flat, p - thick] for p in (start, end)], material)


def leg(at, ground, radius, *, width=None, wheels=1, material: Material = STEEL) -> List[Mesh]:
    """A gear leg from *at* straight down to a wheel that stands on y = *ground*."""
    x, y, z = at
    width = radius * 0.55 if width is None else width
    parts = [tube([(x, y, z), (x, ground + radius, z)], radius * 0.18, material, sides=6)]
    for shift in ((0.0,) if wheels == 1 else (-width * 0.8, width * 0.8)):
        parts.append(spindle([(-width / 2, 0.7 * radius), (-width / 2.6, radius), (width / 2.6, radius),
                              (width / 2, 0.7 * radius)], RUBBER, axis="x", at=(x + shift, ground + radius,
                                      z), sides=12))
    return parts


def pod(length, radius, material: Material, *, at, nose: Tuple = None, fins=0.0) -> List[Mesh]:
    """A bomb, missile or tank around *at*, pointing forward; *fins* is their span over the radius."""
    x, y, z = at
    shades = None if nose is None else np.array([nose, nose] + [material.colour] * 3)[:, None]
    rows = np.array([(-0.5, 0), (-0.44, 0.6), (-0.34, 1), (0.3, 1), (0.48, 0.7), (0.5, 0.0)])
    parts = [spindle(rows * [length, radius], material, at=at, sides=8, colours=shades)]
    if fins:
        f, t = fins * radius, 0.12 * radius
        for dx, dy in ((f, t), (t, f)):
            parts.append(hexahedron(np.array([(x + sx * dx, y + sy * dy, z + sz) for sz in (0.32 * length,
                    0.49 * length)
                                              for sy in (-1, 1) for sx in (-1, 1)]), material))
    return parts


def pilot(rng, z, y, size=0.16) -> Mesh:
    """A head in an open cockpit."""
    return ellipsoid((0, y, z), (size, size * 1.2, size), Material(varied(rng, (110, 70, 44)), 0.1), cells=3)


def war_paint(rng, *, old=False) -> Material:
    """Grey, green, sand, bare metal or camouflage."""
    chance = rng.random()
    if chance < 0.35:
        sets = (((92, 100, 72), (128, 112, 84)), ((86, 96, 84), (112, 118, 116), (60, 70, 62)),
                ((176, 152, 112), (140, 112, 80)), ((120, 130, 140), (88, 98, 110)), ((150, 160, 168), (116, 128, 140)))
        return camouflage(rng, pick(rng, sets[:3] if old else sets))
    if chance < 0.5:
        return ALUMINIUM
    return Material(varied(rng, pick(rng, ((96, 104, 76), (74, 84, 92), (120, 116, 90), (60, 74, 100)) if old else (
        (150, 156, 160), (120, 126, 132), (176, 180, 182), (90, 96, 102), (70, 74, 78), (34, 36, 40), (60, 90,
                130))), 0.06), 0.2)


def nose_tip(base, tip, share):
    if base.texture is not None:
        return None
    def colours(s, angle):
        shade = np.broadcast_to(np.array(base.colour), s.shape + (3,)).copy()
        shade[s < share] = tip.colour
        return shade
    return colours


def cockpit_paint(base):
    def colours(share, angle):
        shade = np.broadcast_to(np.array(base.colour), share.shape + (3,)).copy()
        shade[(share > 0.035) & (share < 0.062) & (angle > 15) & (angle < 75)] = GLASS.colour
        return shade
    return colours
