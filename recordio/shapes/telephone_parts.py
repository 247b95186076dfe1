"""Shapes, what telephones are made of: faces with a picture, screens, keypads, handsets, cords. Metres.

A phone's face looks towards -z, so seen from the front right is -x; pictures are laid on accordingly.
"""
from __future__ import annotations

from typing import List, Sequence

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.lofts import block, loft, spindle
from recordio.shapes.materials import SIDE, Material, pick, plain, varied
from recordio.shapes.outlines import rounded_rectangle, superellipse
from recordio.shapes.placing import turned
from recordio.shapes.primitives import box, tube

BLACK, SILVER = plain(20, 21, 23, gloss=0.7), plain(186, 188, 192, gloss=0.75)
LENS, OFF = plain(12, 14, 22, gloss=1.0), plain(14, 15, 18, gloss=0.95)
SHELLS = ((28, 29, 31), (232, 232, 230), (180, 182, 186), (60, 64, 72), (30, 40, 66), (190, 40, 46), (226, 190, 170),
          (90, 110, 96), (120, 100, 150), (220, 196, 60),
          (40, 110, 160), (206, 170, 130), (230, 120, 150), (70, 140, 120))
OLD = ((30, 29, 28), (226, 216, 194), (150, 34, 32), (60, 84, 66), (120, 130, 134), (196, 150, 70), (150, 176, 180),
       (90, 56, 44))


def shell(rng, options=SHELLS, gloss=(0.3, 0.8)) -> Material:
    """The colour of a phone's body; the first ones are the common ones."""
    return Material(varied(rng, pick(rng, options, 1.6), 0.05), float(rng.uniform(*gloss)))


def tile(outline, z_front, z_back, look: Material, *, round_edge=0.0015, front: Material = None,
         back: Material = None) -> Mesh:
    """A plate standing upright with softly rounded edges; *front* and *back* colour its faces.

    If *front* carries a texture it is stretched over the whole face.
    """
    outline = np.asarray(outline, np.float64)
    low, high = outline.min(axis=0), outline.max(axis=0)
    centre, half = (low + high) / 2, (high - low) / 2
    edge = min(round_edge, (z_back - z_front) * 0.45)
    rows = [(z_back, 0.0), (z_back, 1 - edge / half.min()), (z_back - 0.3 * edge, 1 - 0.3 * edge / half.min()),
            (z_back - edge, 1.0), (z_front + edge, 1.0),
            (z_front + 0.3 * edge, 1 - 0.3 * edge / half.min()), (z_front, 1 - edge / half.min()), (z_front, 0.0)]
    rings = np.empty((len(rows), len(outline), 3))
    for ring, (z, share) in zip(rings, rows):
        inset = np.maximum(1 - (1 - share) * half.min() / half, 0) if share else np.zeros(2)
        ring[:, :2] = centre + (outline - centre) * inset
        ring[:, 2] = z
    front = look if front is None else front
    back = look if back is None else back
    colours = np.array([back.colour] + [look.colour] * 5 + [front.colour])[:, None]
    gloss = np.array([back.gloss] + [look.gloss] * 5 + [front.gloss])[:, None]
    if front.texture is None:
        return loft(rings, Material(look.colour, look.gloss), colours=colours, gloss=gloss, crease=50)
    loop = np.concatenate([rings, rings[:, :1]], axis=1)
    uv = np.stack([(high[0] - loop[..., 0]) / (high[0] - low[0]), (high[1] - loop[..., 1]) / (high[1] - low[1])],
                  axis=-1)
    uv = 0.008 + 0.984 * uv  # clear of the wrap-around
    shown = np.zeros((len(rows) - 1, len(outline)), bool)
    shown[-1] = True
    look = Material(look.colour, look.gloss, front.texture)
    return loft(rings, look, colours=colours, gloss=gloss, uv=uv, textured=shown, crease=50)


def screen(rng, *, mobile=True) -> Material:
    """What a display shows: a grid of apps, a clock, a call, a chat, a list, or nothing."""
    kind = int(rng.integers(6)) if mobile else 6
    v, u = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE
    first, second = np.array(varied(rng, rng.integers(20, 236, 3))), np.array(varied(rng, rng.integers(20, 236, 3)))
    tilt = rng.uniform(-1, 1)
    blend = np.clip(v + tilt * (u - 0.5), 0, 1)[..., None]
    picture = first * (1 - blend) + second * blend
    if rng.random() < 0.4:
        picture = picture * (0.8 + 0.2 * np.sin(9 * (u + tilt * v) + 5 * np.hypot(u - 0.3, v - 0.6)))[..., None]
    ink = np.array([0.97, 0.97, 0.97])
    if kind in (0, 1):  # home screen
        columns, rows = int(pick(rng, (4, 4, 3, 5))), int(rng.integers(4, 7))
        dark = rng.random() < 0.5
        picture = picture * (0.6 if dark else 1.0)
        for row in range(rows + 1):
            y = 0.10 + 0.72 * row / rows if row < rows else 0.885
            if row < rows and rng.random() < 0.1:
                continue
            for column in range(columns):
                x = (column + 0.5) / columns
                inside = (np.abs(u - x) < 0.32 / columns) & (np.abs(v - y) < 0.26 / rows * 0.8)
                picture[inside] = varied(rng, rng.integers(10, 250, 3))
        picture[(v < 0.035)] *= 0.5
    elif kind == 2:  # a clock over a picture
        for x in (0.26, 0.38, 0.58, 0.70):
            _digit(picture, u, v, x, 0.22, 0.045, 0.07, ink, rng)
        picture[(np.abs(u - 0.5) < 0.2) & (np.abs(v - 0.36) < 0.012)] = ink
        picture[(np.hypot((u - 0.5) * 0.55, v - 0.86) < 0.03)] = ink
    elif kind == 3:  # dialling
        picture[:] = (0.08, 0.09, 0.11) if rng.random() < 0.5 else (0.95, 0.95, 0.96)
        tone = (0.3, 0.32, 0.36) if picture[0, 0, 0] < 0.5 else (0.80, 0.82, 0.85)
        for row in range(4):
            for column in range(3):
                picture[np.hypot((u - 0.22 - 0.28 * column), (v - 0.34 - 0.145 * row) * 1.9) < 0.10] = tone
        picture[np.hypot(u - 0.5, (v - 0.915) * 1.9) < 0.11] = (0.2, 0.75, 0.3)
        picture[(np.abs(v - 0.14) < 0.02) & (np.abs(u - 0.5) < 0.3)] = 1 - picture[0, 0]
    elif kind == 4:  # a chat or list
        picture[:] = (0.96, 0.96, 0.97)
        picture[v < 0.11] = first
        for row in range(6):
            left = rng.random() < 0.5
            wide = rng.uniform(0.35, 0.7)
            x0 = 0.05 if left else 0.95 - wide
            block = (v > 0.16 + 0.135 * row) & (v < 0.27 + 0.135 * row) & (u > x0) & (u < x0 + wide)
            picture[block] = (0.86, 0.87, 0.89) if left else second
    elif kind == 5:  # off
        return OFF
    else:  # a liquid crystal display
        picture[:] = pick(rng, ((0.62, 0.70, 0.50), (0.70, 0.74, 0.70), (0.55, 0.66, 0.76), (0.16, 0.26, 0.46)))
        tone = np.array([0.12, 0.14, 0.12]) if picture[0, 0].sum() > 1.2 else ink
        for row in range(2):
            for column in range(6):
                if rng.random() < 0.85:
                    _digit(picture, u, v, 0.14 + 0.145 * column, 0.34 + 0.34 * row, 0.05, 0.11, tone, rng)
    return Material((1.0, 1.0, 1.0), 0.75, (np.clip(picture, 0, 1) * 255).astype(np.uint8)[None])


def _digit(picture, u, v, x, y, half, tall, ink, rng):
    """Paint a digit of seven strokes, some missing."""
    line = 0.3 * half
    strokes = [(x - half, x + half, y - tall, y - tall + line), (x - half, x + half, y - line / 2, y + line / 2),
               (x - half, x + half, y + tall - line, y + tall),
               (x - half, x - half + line, y - tall, y), (x - half, x - half + line, y, y + tall), (x + half - line,
                       x + half, y - tall, y), (x + half - line, x + half, y, y + tall)]
    for stroke in strokes:
        if rng.random() < 0.75:
            picture[(u >= stroke[0]) & (u <= stroke[1]) & (v >= stroke[2]) & (v <= stroke[3])] = ink


def keys_texture(rng, columns, rows, body: Material, *, cap: Sequence = None) -> Material:
    """A field of small keys (a letter keyboard) over the body's colour."""
    v, u = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE
    picture = np.empty((SIDE, SIDE, 3))
    picture[:] = np.array(body.colour) * 0.6
    x, y = u * columns, v * rows
    key = (np.abs(x % 1 - 0.5) < 0.40) & (np.abs(y % 1 - 0.5) < 0.36)
    tone = np.array(body.colour) * 1.0 if cap is None else np.asarray(cap, float)
    if tone.sum() < 0.4:
        tone = tone + 0.14
    picture[key] = tone
    mark = (np.abs(x % 1 - 0.5) < 0.13) & (np.abs(y % 1 - 0.5) < 0.17)
    picture[mark] = 0.95 if tone.sum() < 1.6 else 0.15
    return Material((1, 1, 1), 0.35, (np.clip(picture, 0, 1) * 255).astype(np.uint8)[None])


def keypad(columns, rows, *, x, y, wide, tall, z, look: Material, gap=0.25, high=0.0015, rounded=False) -> List[Mesh]:
    """Raised keys in a grid whose upper corner at +x is (*x*, *y*), growing to -x and -y, on the face at *z*."""
    parts = []
    w, h = wide / columns, tall / rows
    for row in range(rows):
        for column in range(columns):
            cx, cy = x - (column + 0.5) * w, y - (row + 0.5) * h
            dx, dy = w * (1 - gap) / 2, h * (1 - gap) / 2
            if rounded:
                outline = superellipse(8, 2.4) * [dx, dy] + [cx, cy]
                rings = np.empty((2, 8, 3))
                rings[:, :, :2] = outline
                rings[:, :, 2] = np.array([[z - high], [z + 0.001]])
                parts.append(loft(rings, look))
            else:
                parts.append(box((cx - dx, cy - dy, z - high), (cx + dx, cy + dy, z + 0.001), look))
    return parts


def handset(length, look: Material, *, arch=0.25, thick=0.016, cup=0.029, slim=False,
            accent: Material = None) -> List[Mesh]:
    """A receiver along x, its cups facing down (-y), the grip's middle at the origin."""
    x = np.linspace(-0.5, 0.5, 11) * length
    t = 2 * x / length
    y = -arch * length * 0.5 * np.abs(t) ** 2.4
    deep = thick * (1 + (0.35 if slim else 0.0) * np.abs(t) ** 2)
    wide = thick * (1.15 + (0.35 if slim else 0.1) * np.abs(t) ** 2)
    outline = superellipse(12, 2.8 if slim else 2.2)
    rings = np.empty((11, 12, 3))
    rings[..., 0] = x[:, None]
    rings[..., 1] = y[:, None] + outline[:, 1] * deep[:, None] * 0.8
    rings[..., 2] = outline[:, 0] * wide[:, None]
    parts = [loft(rings, look)]
    trim = look if accent is None else accent
    for side in (-1, 1):
        at = (side * (0.5 * length - cup * 0.75), y[0] * 0.86, 0.0)
        drop = cup * (0.9 if not slim else 0.55)
        parts.append(spindle([(-drop - 0.3 * cup, 0.75 * cup), (-drop - 0.2 * cup, cup), (-drop + 0.25 * cup, cup),
                              (0.25 * cup, 0.55 * cup)], look, axis="y", at=at, sides=14,
                             cap=[np.array(trim.colour) * 0.5, look.colour]))
    return parts


def cord(start, end, *, coils=14, radius=0.006, thick=0.0022, sag=0.04, look: Material = BLACK) -> Mesh:
    """A coiled cord hanging from *start* to *end* (points in metres)."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    t = np.linspace(0, 1, coils * 6 + 1)
    line = start + (end - start) * t[:, None] - np.array([0, 1, 0]) * (4 * sag * t * (1 - t))[:, None]
    axis = (end - start) / np.linalg.norm(end - start)
    side = np.cross(axis, [0.0, 1.0, 0.3])
    side /= np.linalg.norm(side)
    up = np.cross(side, axis)
    angle = 2 * np.pi * coils * t
    grow = np.minimum(1, 12 * np.minimum(t, 1 - t))[:, None] * radius
    return tube(line + grow * (np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * up), thick, look, sides=4)


def rotary_dial(rng, radius, *, face: Material, ring: Material) -> List[Mesh]:
    """A dial in the plane z = 0 facing -z: number ring, finger wheel with ten holes, centre label."""
    v, u = ((np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE - 0.5) * 2
    rho = np.hypot(u, v)
    picture = np.empty((SIDE, SIDE, 3))
    picture[:] = ring.colour
    for i in range(10):
        a = np.radians(60 + 28 * i)
        hole = np.hypot(u - 0.66 * np.cos(a), v + 0.66 * np.sin(a)) < 0.145
        picture[hole] = (0.93, 0.92, 0.88) if sum(ring.colour) < 1.5 else (0.1, 0.1, 0.1)
    picture[rho < 0.36] = face.colour
    picture[rho > 0.93] = np.array(ring.colour) * 0.6
    look = Material((1, 1, 1), 0.5, (np.clip(picture, 0, 1) * 255).astype(np.uint8)[None])
    disc = tile(superellipse(24) * radius, -0.012, 0.004, ring, round_edge=0.002, front=look)
    stop = block((-0.72 * radius, -0.72 * radius, -0.0165), (-0.42 * radius, -0.62 * radius, 0.002), SILVER,
                       radius=0.001)
    return [disc, stop]


def leaned(meshes: Sequence[Mesh], degrees: float, about=(0.0, 0.0, 0.0)) -> List[Mesh]:
    """The meshes leaning back: their upper end turned towards +z about the x axis."""
    return [turned(mesh, "x", degrees, about) for mesh in meshes]


def buttons(rng, half, y, z, look) -> List[Mesh]:
    """Power and volume keys on the edges."""
    side = pick(rng, (-1, 1))
    parts = [box((side * (half - 0.001), y + 0.012, z - 0.0012), (side * (half + 0.0009), y + 0.024, z + 0.0012), look)]
    other = pick(rng, (-1, 1))
    return parts + [box((other * (half - 0.001), y - 0.014, z - 0.0012),
                        (other * (half + 0.0009), y + 0.006, z + 0.0012), look)]


def cameras(rng, half, top, z, look) -> List[Mesh]:
    """The camera island on the back: one to four lenses."""
    count = int(pick(rng, (1, 2, 3, 4, 3)))
    r = 0.0052
    x, y = half * 0.52, top - 0.020
    style = rng.random()
    parts = []
    if style < 0.45:
        side = 0.017 if count > 2 else 0.010
        tall = 0.017
        parts.append(tile(rounded_rectangle(2 * side, 2 * tall, 0.006, steps=2) + [x, y - 0.002], z - 0.001, z + 0.0022,
                          look))
        spots = [(-0.4, 0.45), (0.4, 0.45), (-0.4, -0.4), (0.4, -0.4)] if count > 2 else [(0, 0.42), (0, -0.42)]
        spots = [(a * side * 1.2, b * tall * 1.1 - 0.002) for a, b in spots[:count]]
    elif style < 0.75:
        spots = [(0.004, -0.016 * i + 0.004) for i in range(count)]
    else:
        x = 0.0
        parts.append(spindle([(-0.001, 0.019), (0.0020, 0.019)], look, at=(0, y - 0.006, z), sides=18))
        spots = [(0.009 * np.cos(a), 0.009 * np.sin(a) - 0.006) for a in np.linspace(0, 2 * np.pi,
                count + 1)[:-1]] if count > 1 else [(0, -0.006)]
    for dx, dy in spots:
        parts.append(spindle([(-0.001, r), (0.0035, r), (0.0036, r * 0.7), (0.0030, 0.0)], look,
                             at=(x + dx, y + dy, z), sides=12,
                             colours=np.array([look.colour, SILVER.colour, LENS.colour])[:, None], crease=30))
    return parts
