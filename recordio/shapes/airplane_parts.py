"""Shapes, what airplanes are made of: painted fuselages, wings, jet engines, propellers, canopies, gear. Metres."""
from __future__ import annotations

from typing import List, Sequence, Tuple

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.lofts import along_z, curve, loft, spindle, superellipse, wing
from recordio.shapes.materials import SIDE, Material, pick, plain, varied
from recordio.shapes.placing import moved, pair
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


def window_texture() -> np.ndarray:
    """(1, SIDE, SIDE, 3) uint8: one cabin window on white."""
    v, u = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE * 2 - 1
    pane = (np.abs(u) / 0.55) ** 4 + (np.abs(v) / 0.62) ** 4 < 1
    return np.ascontiguousarray(np.broadcast_to(np.where(pane, 36, 255)[..., None],
                                                (SIDE, SIDE, 3)).astype(np.uint8))[None]


def camouflage(rng, colours: Sequence) -> Material:
    """Blotches of two or three sRGB colours (0..255), one repeat per five metres."""
    field = np.zeros((SIDE, SIDE))
    y, x = np.mgrid[:SIDE, :SIDE] * 2 * np.pi / SIDE
    for _ in range(7):
        a, b = rng.integers(-3, 4, 2)
        field += np.cos(a * x + b * y + rng.uniform(0, 6.3)) / (1 + 0.4 * np.hypot(a, b))
    level = np.digitize(field, np.quantile(field, np.linspace(0, 1, len(colours) + 1)[1:-1]))
    picture = np.asarray(colours, np.uint8)[level]
    return Material((1.0, 1.0, 1.0), 0.12, picture[None], (5.0, 5.0))


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
    half, top, bottom = (curve(t, knots[:, [0, column]]) for column in (1, 2, 3))
    outline = superellipse(AROUND, exponent)
    rings = along_z(outline, (t - 0.5) * length, width=half, height=(top - bottom) / 2, y=(top + bottom) / 2)
    middle = (t[1:] + t[:-1]) / 2
    share, angle = np.meshgrid(middle, (np.arange(AROUND) + 0.5) * 360 / AROUND, indexing="ij")
    angle = np.where(angle > 180, 360 - angle, angle)  # left and right alike
    shades = None if colours is None else colours(share, angle)
    if cabin is None:
        return loft(rings, material, colours=shades, gloss=gloss)
    look = Material(material.colour, material.gloss, window_texture())
    row = np.zeros((len(middle), AROUND), bool)
    inside = (middle > cabin[0]) & (middle < cabin[1])
    row[np.ix_(inside, [5, AROUND - 6])] = True  # 75 to 90 degrees from the top
    u = np.broadcast_to(((t - cabin[0]) * length / spacing)[:, None], (len(t), AROUND + 1))
    v = np.broadcast_to(np.arange(AROUND + 1.0)[None], u.shape)
    return loft(rings, look, colours=shades, gloss=gloss, uv=np.stack([u, v], axis=-1), textured=row)


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


def jet(radius, length, material: Material, *, at=(0.0, 0.0, 0.0), lip: Material = ALUMINIUM, sides=14) -> Mesh:
    """A turbofan nacelle: dark intake with spinner, bright lip, cowling, hot end; its front at *at*."""
    rows = np.array([(0.10, 0.0), (0.22, 0.22), (0.22, 0.80), (0.0, 0.88), (0.03, 0.97), (0.3, 1.0), (0.62, 0.92),
                     (0.78, 0.74), (0.80, 0.56), (0.98, 0.36), (1.08, 0.0)])
    shades = np.array([(0.5, 0.5, 0.52), DARK.colour, DARK.colour, lip.colour, material.colour, material.colour,
                       material.colour, DARK.colour, STEEL.colour, STEEL.colour])
    return spindle(rows * [length, radius], material, at=at, sides=sides, colours=shades[:, None], crease=35)


def propeller(rng, radius, *, blades=None, at=(0.0, 0.0, 0.0), spinner: Material = STEEL, hub=0.16) -> List[Mesh]:
    """Spinner and blades turning about z; *hub* is the spinner's radius over the blades'."""
    blades = int(pick(rng, (2, 3, 3, 4, 6))) if blades is None else blades
    size = hub * radius
    parts = [spindle([(-1.7 * size, 0), (-1.5 * size, 0.35 * size), (-0.8 * size, 0.8 * size), (0.0, size),
                      (0.3 * size, size)], spinner, at=at, sides=10)]
    start = rng.uniform(0, 360)
    width = radius * (0.10 if blades > 3 else 0.13)
    shade = np.array([DARK.colour, DARK.colour, (0.85, 0.72, 0.2) if rng.random() < 0.6 else DARK.colour])
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
        parts.append(moved(loft(rings, DARK, colours=shade[:, None]), *at))
    return parts


def canopy(length, half, height, *, z, y, material: Material = GLASS, frame: Material = None, tail=0.4) -> Mesh:
    """A cockpit bubble centred at *z* on the fuselage line *y*; *tail* of the length tapers off backwards."""
    t = np.array([0, 0.04, 0.15, 1 - tail - 0.25, 1 - tail, 1 - 0.4 * tail, 1.0])
    shape = curve(t, [(0, 0.02), (0.15, 0.62), (0.4, 1.0), (1 - tail, 0.95), (1, 0.05)])
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
