"""Shapes, what watercraft are made of: hulls, open shells, deckhouses, masts, sails, railings. Metres."""
from __future__ import annotations

from typing import List, Sequence

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.lofts import along_y, loft, spindle
from recordio.shapes.materials import Material, pick, plain, varied, window_row
from recordio.shapes.outlines import monotone, rounded_rectangle
from recordio.shapes.placing import pair
from recordio.shapes.primitives import bar, tube

GLASS, DARK = plain(24, 30, 36, gloss=0.95), plain(36, 38, 42, gloss=0.3)
WHITE, STEEL = plain(240, 240, 236, gloss=0.5), plain(150, 154, 158, gloss=0.7)
RED_LEAD = plain(130, 44, 38, gloss=0.15)  # antifouling paint below the waterline
HULLS = ((240, 240, 238), (28, 44, 90), (36, 38, 44), (150, 30, 32), (40, 90, 60), (196, 196, 190), (60, 100, 150),
         (90, 26, 30),
         (20, 110, 130), (220, 200, 40))
CONTAINERS = ((170, 50, 40), (40, 80, 150), (40, 110, 80), (200, 110, 40), (180, 182, 180), (120, 40, 50),
              (30, 60, 90), (220, 190, 60), (90, 90, 96), (0, 120, 140))
SHIP_HULLS = ((40, 44, 52), (30, 60, 110), (150, 36, 34), (40, 90, 70), (20, 24, 30), (110, 114, 118), (30, 100, 130),
              (190, 90, 40))
DECKS = ((176, 134, 86), (150, 156, 150), (190, 184, 168), (120, 66, 50), (90, 110, 96), (204, 176, 130))


def hull(length, beam, depth, look: Material, *, draught, deck: Material, bottom: Material = RED_LEAD, stripe=None,
         full=0.5,
         sheer=0.25, rake=0.08, transom=0.8, vee=0.4, flare=0.1, bulb=False, stations=16) -> Mesh:
    """A decked hull, bow at -length / 2, waterline at y = 0, deck edge at y = *depth* amidships.

    *full* 0 (yacht) to 1 (barge) sets how long the widest part is; *sheer* is the rise of the deck towards the bow over
    the depth, *rake* how far the stem leans (share of the length), *transom* the stern's width over the beam, *vee* 0 a
    flat bottom to 1 a wedge, *flare* how much narrower the waterline is than the deck. *stripe* colours the band at
    the deck's edge.
    """
    t = np.concatenate([[0, 0.012, 0.05], np.linspace(0.1, 1, stations - 3)])
    entry = 0.50 - 0.30 * full
    wide = monotone(t, [(0, 0.012), (0.35 * entry, 0.50 + 0.16 * full), (entry, 0.90 + 0.06 * full),
                        (entry + 0.18, 1.0), (0.75, 0.99), (1, transom)])
    keel = monotone(t, [(0, 0.0), (0.05 + 0.06 * (1 - full), 0.8), (0.22 * (1.2 - 0.4 * full), 1.0), (0.78, 1.0),
                     (1, 0.25 + 0.65 * full if transom > 0.5 else 0.1)])
    top = depth * (1 + sheer * np.clip(1 - t / 0.6, 0, 1) ** 1.8 + 0.25 * sheer * np.clip((t - 0.6) / 0.4, 0, 1) ** 2)
    half = beam / 2 * wide
    bow = np.exp(-t / 0.09)
    # per side from the deck's edge down: edge, under the band, flare, waterline, bilge, keel, each (width, height)
    narrow = 1 - flare - 0.55 * bow * (rake > 0.02)
    low = -draught * keel
    bilge = 0.96 - 0.62 * vee
    points = [(half, top), (half * (1 - 0.1 * flare), top * 0.86), (half * (1 - (1 - narrow) * 0.62), top * 0.42),
              (half * narrow, top * 0.0 - 0.02 * draught), (half * narrow * bilge,
                                                            low * (0.92 - 0.25 * vee)), (half * 0.03, low)]
    side = np.stack([np.stack(p, axis=1) for p in points], axis=1)  # (n, 6, 2)
    middle = np.stack([0 * t, top + 0.02 * beam], axis=1)[:, None]
    ring = np.concatenate([middle, side, side[:, ::-1] * [-1, 1]], axis=1)  # (n, 13, 2)
    z = (t - 0.5) * length
    rings = np.empty(ring.shape[:2] + (3,))
    rings[..., :2] = ring
    height = np.clip((ring[..., 1] + draught) / (depth + draught), 0, 1.3)
    lean = rake * length * (1 - height) * np.clip(1 - t / 0.4, 0, 1)[:, None] ** 2
    if bulb:
        lean = lean * np.where(ring[..., 1] < -0.3 * draught, -0.25, 1)
    rings[..., 2] = z[:, None] + lean + 0.02 * length * (t[:, None] > 0.9) * (height - 0.5) * (t[:, None] - 0.9) * 10
    colours = np.empty((len(t) - 1, 13, 3))
    colours[:] = look.colour
    colours[:, [0, 12]] = deck.colour
    colours[:, [4, 5, 6, 7, 8]] = bottom.colour
    if stripe is not None:
        colours[:, [1, 11]] = stripe
    cap = [look.colour, look.colour]
    return loft(rings, Material(look.colour, look.gloss), colours=colours, cap=cap, crease=36)


def shell(length, beam, depth, look: Material, inside: Material, *, thick=0.03, transom=0.6, double=False, sheer=0.35,
          vee=0.5,
          blunt=0.02, stations=14) -> Mesh:
    """An open boat: outside and inside skin in one piece; *double* = pointed at both ends (canoe)."""
    t = 0.5 - 0.5 * np.cos(np.pi * np.linspace(0, 1, stations))
    if double:
        wide = np.clip(np.sin(np.pi * np.clip(t, 0.004, 0.996)) ** 0.75, blunt, None)
        keel = monotone(t, [(0, 0.25), (0.1, 0.85), (0.5, 1.0), (0.9, 0.85), (1, 0.25)])
        rise = sheer * np.abs(2 * t - 1) ** 2.5
    else:
        wide = monotone(t, [(0, blunt), (0.08, 0.38), (0.3, 0.86), (0.55, 1.0), (0.8, 0.94), (1, transom)])
        keel = monotone(t, [(0, 0.25), (0.12, 0.85), (0.5, 1.0), (1, 0.85)])
        rise = sheer * np.clip(1 - t / 0.7, 0, 1) ** 2 + 0.3 * sheer * np.clip((t - 0.7) / 0.3, 0, 1) ** 2
    half, top, low = beam / 2 * wide, depth * (1 + rise), depth * (1 - keel)
    wall = np.minimum(thick, half * 0.6)
    outer = [(half, top), (half * 0.93, low + 0.5 * (top - low)), (half * (0.75 - 0.3 * vee), low + 0.1 * (top - low)),
             (half * 0.02, low)]
    floor = np.minimum(low + max(thick, 0.05 * depth), top - 0.01)
    inner = [(half - wall, top), (half * 0.93 - wall, floor + 0.5 * (top - floor)),
             (np.maximum(half * (0.75 - 0.3 * vee) - wall, half * 0.1), floor + 0.1 * (top - floor)), (half * 0.02,
                     floor)]
    rows = [np.stack(p, axis=1) for p in outer] + [np.stack(p, axis=1) * [-1, 1] for p in outer[::-1]]
    back = [np.stack(p, axis=1) * [-1, 1] for p in inner] + [np.stack(p, axis=1) for p in inner[::-1]]
    ring = np.stack(rows + back, axis=1)  # (n, 16, 2): the outside from right to left, then the inside back
    rings = np.empty(ring.shape[:2] + (3,))
    rings[..., :2] = ring
    rings[..., 2] = ((t - 0.5) * length)[:, None] * (0.90 + 0.10 * (ring[..., 1] / depth).clip(0, 1))
    colours = np.empty((stations - 1, 16, 3))
    colours[:] = look.colour
    colours[:, 8:15] = inside.colour
    colours[:, [7, 15]] = np.array(inside.colour) * 0.8
    return loft(rings, Material(look.colour, look.gloss), colours=colours, caps="strip", crease=40)


def house(width, length, height, look: Material, *, at, spacing=0.0, front=0.0, back=0.0, tumble=0.04, radius=0.1,
          band=None, roof=None,
          tall=0.5, wide=0.62) -> Mesh:
    """A deckhouse on y = at[1] around (x, z) = at[0], at[2]: raked *front* and *back* (metres), windows all round.

    *spacing* > 0 draws single windows that far apart, else a strip of dark glass; *band* = (low, high) shares of the
    height for the windows.
    """
    low, high = band if band is not None else (0.45, 0.82)
    levels = np.array([0.0, low, high, 1.0, 1.0])
    outline = rounded_rectangle(width, length, radius * min(width, length), steps=2)
    rings = []
    for i, level in enumerate(levels):
        ring = np.empty((len(outline), 3))
        shrink = 0.90 if i == 4 else 1.0
        ring[:, 0] = outline[:, 0] * (1 - tumble * level) * shrink
        z = outline[:, 1]
        share = 0.5 - z / length  # 1 at the front (-z), 0 at the back
        ring[:, 2] = z * shrink + level * (front * share - back * (1 - share))
        ring[:, 1] = height * level + (0.02 * height if i == 4 else 0)
        rings.append(ring + np.asarray(at))
    rings = np.array(rings)
    around = len(outline)
    colours = np.empty((4, around, 3))
    colours[:] = look.colour
    top = look.colour if roof is None else roof.colour
    colours[3] = top
    if spacing <= 0:
        colours[1] = GLASS.colour
        gloss = np.full((4, around), look.gloss)
        gloss[1] = 0.95
        return loft(rings, Material(look.colour, look.gloss), colours=colours, gloss=gloss, cap=[look.colour, top],
                    crease=35)
    loop = np.concatenate([outline, outline[:1]])
    run = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(loop, axis=0), axis=1))]) / spacing
    uv = np.stack(np.broadcast_arrays(run[None], np.array([0, 0.0, 1.0, 1, 1])[:, None]), axis=-1)
    shown = np.zeros((4, around), bool)
    shown[1] = True
    glazed = Material(look.colour, look.gloss, window_row(wide=wide, tall=tall))
    return loft(rings, glazed, colours=colours, cap=[look.colour, top], uv=uv, textured=shown, crease=35)


def mast(height, radius, *, at, material: Material = STEEL, top=0.5, lean=0.0) -> Mesh:
    """A pole standing on *at*, leaning back by *lean* metres at its head."""
    x, y, z = at
    path = [(x, y, z), (x, y + height / 2, z + lean / 2), (x, y + height, z + lean)]
    return tube(path, [radius, radius * (1 + top) / 2, radius * top], material, sides=7)


def sail(corners: Sequence, belly, thickness, look: Material, *, side=1.0, bands=None) -> Mesh:
    """A triangular sail of tack, clew and head (3 points), bellied sideways by *belly* metres."""
    tack, clew, head = (np.asarray(c, float) for c in corners)
    rings = []
    levels = np.linspace(0, 1, 7)
    for level in levels:
        a, b = tack + (head - tack) * level, clew + (head - clew) * level
        level_width = 1 - level
        s = np.linspace(0, 1, 5)[:, None]
        line = a + (b - a) * s
        line[:, 0] += side * belly * (np.sin(np.pi * s[:, 0] ** 0.8) * level_width * np.sin(np.pi * min(0.15 + level,
                1.0)))
        if level == 1.0:
            line = head + (line - head) * 0 + np.linspace(0, 0.02, 5)[:, None] * (clew - tack)
        rings.append(np.concatenate([line + [thickness / 2, 0, 0], (line - [thickness / 2, 0, 0])[::-1]]))
    colours = np.empty((6, 10, 3))
    colours[:] = look.colour
    if bands is not None:
        colours[::2] = bands
    return loft(np.array(rings), look, colours=colours, caps="strip", crease=60)


def railing(path, height, *, radius=0.02, posts=5, material: Material = STEEL) -> List[Mesh]:
    """A rail along *path* (n, 3) points at deck level, and its mirror image, on *posts* posts a side."""
    path = np.asarray(path, float)
    raised = path + [0, height, 0]
    parts = [tube(raised, radius, material, sides=4)]
    for share in np.linspace(0, len(path) - 1, posts):
        i = min(int(share), len(path) - 2)
        foot = path[i] + (path[i + 1] - path[i]) * (share - i)
        parts.append(bar(foot - [0, 0.05, 0], foot + [0, height, 0], (radius * 1.8, radius * 1.8), material))
    return pair(*parts)


def funnel(width, length, height, look: Material, band: Material, *, at, rake=0.0) -> List[Mesh]:
    """A ship's funnel with a coloured band and a black top."""
    outline = rounded_rectangle(width, length, 0.45 * width, steps=2)
    level = np.array([0, 0.45, 0.7, 0.88, 1.0])
    rings = along_y(outline, height * level, width=1 - 0.15 * level, length=1 - 0.15 * level, z=rake * level) + at
    shades = np.array([look.colour, band.colour, look.colour, DARK.colour])
    return [loft(rings, look, colours=shades[:, None], cap=[look.colour, (0.06, 0.06, 0.06)])]


def ring_buoy(at, radius) -> Mesh:
    """A lifebelt laid flat."""
    angle = np.linspace(0, 2 * np.pi, 9)[:-1]
    path = np.stack([np.cos(angle) * radius, 0 * angle, np.sin(angle) * radius], axis=1) + np.asarray(at)
    return tube(path, radius * 0.25, plain(230, 90, 40), sides=5, closed=True)


def gun(calibre_length, size, *, at, look: Material, barrels=2) -> List[Mesh]:
    """A turret with barrels forward."""
    x, y, z = at
    level, shrink = np.array([(0, 1.0), (0.28, 1.0), (0.5, 0.8), (0.52, 0.4)]).T
    turret = along_y(rounded_rectangle(size, size * 1.3, 0.2 * size, steps=2), level * size, width=shrink,
                     length=shrink, z=0.1 * size * (1 - shrink))
    parts = [loft(turret + at, look)]
    for shift in np.linspace(-0.25, 0.25, barrels) * size if barrels > 1 else (0.0,):
        parts.append(spindle([(-calibre_length, 0.055 * size), (0, 0.08 * size)], look,
                             at=(x + shift, y + 0.3 * size, z - 0.4 * size), sides=8))
    return parts


def paint(rng, options=HULLS, gloss=0.5) -> Material:
    """A hull colour."""
    return Material(varied(rng, pick(rng, options, 1.2), 0.05), gloss)


def deck_paint(rng) -> Material:
    return Material(varied(rng, pick(rng, DECKS, 1.2), 0.05), 0.2)
