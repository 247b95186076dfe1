"""Shapes, what is fixed to a car: lamps, grille, bumpers, mirrors, roof rack, spoiler, load bed, open cockpit."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.car_body import rim_texture, wheel
from recordio.shapes.car_styles import BLACK, CHROME, LAMP, PLATE, TAIL
from recordio.shapes.lofts import block, loft, slab, spindle
from recordio.shapes.materials import fabric, leather, pick, plain, wood
from recordio.shapes.outlines import rounded_rectangle
from recordio.shapes.placing import moved, pair, turned
from recordio.shapes.primitives import box, hexahedron, tube


def _wrap(body, z0, z1, x0, x1, y0, y1, material, *, out=0.008) -> List[Mesh]:
    """A pair of lamps that follow the body's corner: from x0 to x1 (shares of its half-width), z0 to z1."""
    low, high = sorted((z0, z1))
    corners = []
    for z in (low, high):
        half = float(body.half_width(z)) + out
        corners += [(x0 * half, y0, z), (x1 * half, y0, z), (x0 * half, y1, z), (x1 * half, y1, z)]
    return pair(hexahedron(np.array(corners), material))


def face(rng, body, paint, old) -> List[Mesh]:
    """Lamps, grille, bumpers, plates, mirrors."""
    nose, tail = -body.length / 2, body.length / 2
    half = float(body.half_width(nose))
    top, low = body.nose, body.clearance + 0.1
    height = top - low
    parts = []
    if old:
        r = height * rng.uniform(0.15, 0.19)
        for shift in ((0.0, 0.24) if body.style in ("muscle", "sedan") and rng.random() < 0.4 else (0.0,)):
            lamp = spindle([(-0.03, 0), (-0.028, r * 0.7), (0.0, r), (0.1, r)], LAMP, sides=12)
            parts += pair(moved(lamp, half * (0.74 - shift), low + height * 0.62, nose - 0.01))
    else:
        tall = height * rng.uniform(0.18, 0.32)
        y1 = low + height * rng.uniform(0.84, 0.92)
        inner = rng.uniform(0.50, 0.68)
        parts += _wrap(body, nose - 0.012, nose + rng.uniform(0.12, 0.3), inner, 1.0, y1 - tall, y1, LAMP)
    if body.style not in ("microbus", "beetle", "supercar"):
        grille = pick(rng, (BLACK, BLACK, plain(60, 62, 64, gloss=0.6), CHROME), 1.3)
        wide = half * rng.uniform(0.32, 0.5)
        y0, y1 = low + height * rng.uniform(0.30, 0.45), low + height * rng.uniform(0.78, 0.9)
        parts.append(block((-wide, y0, nose - 0.02), (wide, y1, nose + 0.06), grille, radius=0.03))
        for share in (np.linspace(0.2, 0.8, 3) if rng.random() < 0.5 else ()):
            y = y0 + share * (y1 - y0)
            parts.append(box((-wide * 0.95, y - 0.012, nose - 0.03), (wide * 0.95, y + 0.012, nose), CHROME))
    if not old:
        wide = half * rng.uniform(0.55, 0.85)
        parts.append(box((-wide, low - 0.03, nose - 0.012), (wide, low + height * 0.2, nose + 0.08), BLACK, bevel=0.02))
    if old or body.style in ("offroad", "pickup") or rng.random() < 0.12:
        shade = CHROME if old or rng.random() < 0.4 else BLACK
        for z, sign in ((nose, -1), (tail, 1)):
            bumper = float(body.half_width(z)) + 0.03
            y = low + (0.05 if old else 0.02)
            parts.append(block((-bumper, y, min(z, z + sign * 0.1) - 0.03), (bumper, y + 0.12,
                                     max(z, z + sign * 0.1) + 0.03), shade, radius=0.05))
    parts.append(box((-0.24, low + 0.03, nose - 0.03), (0.24, low + 0.13, nose), PLATE))
    deck = float(body.deck) - 0.05
    upright = body.style in ("van", "suv", "minivan", "estate", "microbus", "hatchback", "offroad")
    parts.append(box((-0.24, low + 0.25, tail - 0.01), (0.24, low + 0.36, tail + 0.02), PLATE))
    wide = half * rng.uniform(0.6, 0.95)
    parts.append(box((-wide, low + 0.03, tail - 0.08), (wide, low + rng.uniform(0.10, 0.18), tail + 0.012), BLACK,
                     bevel=0.02))
    if rng.random() < 0.7:  # exhausts
        pipe = spindle([(tail - 0.1, 0.04), (tail + 0.035, 0.04), (tail + 0.0351, 0.03), (tail, 0.0)], CHROME, sides=8)
        spots = [moved(pipe, wide * 0.75, low + 0.04)]
        parts += pair(*spots) if rng.random() < 0.6 else spots
    tall = (deck - low) * (rng.uniform(0.3, 0.55) if upright else rng.uniform(0.16, 0.3))
    inner = rng.uniform(0.78, 0.88) if upright else rng.uniform(0.4, 0.72)
    y1 = deck - 0.02
    parts += _wrap(body, tail - (0.12 if upright else 0.2), tail + 0.012, inner, 1.0, y1 - tall, y1, TAIL)
    if rng.random() < 0.25:
        parts.append(box((-inner * half, y1 - 0.6 * tall, tail - 0.02), (inner * half, y1 - 0.35 * tall, tail + 0.012),
                         CHROME if old else TAIL))
    mirror = body.z(body.screen + 0.075)
    x = float(body.half_width(mirror))
    y = float(body.top(mirror)) + 0.03
    shade = CHROME if old else (paint if rng.random() < 0.7 else BLACK)
    parts += pair(block((x - 0.06, y, mirror - 0.05), (x + 0.19, y + 0.14, mirror + 0.06), shade, radius=0.035))
    return parts


def extras(rng, body, paint, colours) -> List[Mesh]:
    """Roof rack, spoiler, beacons, spare wheel, load bed."""
    parts = []
    roof0, roof1 = body.z(body.roof_front) + 0.25, body.z(body.roof_rear) - 0.15
    x = body.width / 2 * body.lean * 0.88
    y = body.height - body.sag * 0.6 - 0.05
    if colours.service == "police":
        z = 0.6 * roof0 + 0.4 * roof1
        top = body.height - 0.01
        parts.append(box((-0.06, top - 0.05, z - 0.1), (0.06, top + 0.09, z + 0.1), BLACK))
        for side, shade in ((1, plain(200, 24, 30, gloss=0.8)), (-1, plain(30, 70, 200, gloss=0.8))):
            parts.append(block((side * 0.06, top, z - 0.13), (side * 0.58, top + 0.12, z + 0.13), shade,
                                     radius=0.05))
    if colours.service == "taxi":
        z, top = 0.5 * (roof0 + roof1), body.height - 0.01
        parts.append(hexahedron(np.array([(sx * (0.3 if not up else 0.24), top + 0.17 * up, z + sz * (0.1 - 0.04 * up))
                                          for sz in (-1, 1) for up in (0, 1) for sx in (-1, 1)]),
                                plain(250, 246, 224, gloss=0.5)))
    if body.style in ("suv", "estate", "offroad", "minivan") and rng.random() < 0.45:
        shade = pick(rng, (BLACK, CHROME))
        path = [(x, y - 0.05, roof0), (x, y + 0.1, roof0 + 0.1), (x, y + 0.1, roof1 - 0.1), (x, y - 0.05, roof1)]
        parts += pair(tube(path, 0.022, shade, sides=5))
        bars = np.linspace(roof0 + 0.2, roof1 - 0.2, int(rng.integers(2, 6)))
        if rng.random() < 0.6:
            parts += [box((-x, y + 0.09, z - 0.02), (x, y + 0.125, z + 0.02), shade) for z in bars]
        if rng.random() < 0.35:
            top = y + 0.12
            parts.append(block((-0.42, top, bars[0] - 0.1), (0.42, top + 0.3, bars[-1] + 0.1), BLACK, radius=0.1))
    sporty = body.style in ("supercar", "coupe", "muscle")
    if sporty and rng.random() < 0.5:
        z, y0 = body.length / 2 - 0.12, float(body.top(body.length / 2 - 0.25)) - 0.02
        rise, wide = rng.uniform(0.10, 0.30), body.width / 2 * rng.uniform(0.7, 0.9)
        shade = paint if rng.random() < 0.6 else BLACK
        parts.append(hexahedron(np.array([(sx * wide, y0 + rise + up * 0.035 + (sz > 0) * 0.03, z + sz * 0.16)
                                          for sz in (-1, 1) for up in (0, 1) for sx in (-1, 1)]), shade))
        parts += pair(box((wide * 0.7, y0 - 0.05, z - 0.08), (wide * 0.7 + 0.04, y0 + rise + 0.01, z + 0.08), shade))
    if body.style in ("hatchback", "suv") and rng.random() < 0.4:
        z = body.z(body.roof_rear)
        w = body.width / 2 * body.lean * 0.9
        parts.append(box((-w, body.height - body.sag - 0.075, z - 0.12), (w, body.height - body.sag - 0.03, z + 0.2),
                         paint, bevel=0.012))
    if sporty and rng.random() < 0.5:  # side intakes or bonnet scoop
        z = body.axles[1] - body.wheel * 1.13 - 0.25
        half = float(body.half_width(z))
        if body.style == "supercar":
            parts += pair(box((half - 0.1, 0.42, z - 0.12), (half + 0.01, 0.68, z + 0.2), BLACK, bevel=0.02))
        else:
            z = body.z(body.screen * 0.6)
            y0 = float(body.top(z))
            parts.append(block((-0.28, y0 - 0.05, z - 0.3), (0.28, y0 + 0.085, z + 0.35), paint, radius=0.04))
    if body.style == "offroad" or (body.style == "suv" and rng.random() < 0.15):
        rim = rim_texture(rng)
        spare = [turned(mesh, "y", -90) for mesh in wheel(body.wheel * 0.95, body.tyre, rim, lip=0.6)]
        parts += [moved(mesh, 0, body.wheel + 0.55, body.length / 2 + body.tyre / 2 + 0.015) for mesh in spare]
    if body.style == "offroad" and rng.random() < 0.4:
        parts.append(tube([(body.width * 0.36, body.nose - 0.1, body.z(0.25)),
                           (body.width * 0.5, body.cowl, body.z(0.3)),
                           (body.width * 0.47, body.height, body.z(0.37))], 0.04, BLACK, sides=6))
    if body.style == "pickup":
        parts += _bed(rng, body, paint)
    return parts


def _bed(rng, body, paint) -> List[Mesh]:
    """A pickup's load bed: walls on top of the lowered rear body, a liner, sometimes a roll bar or a cover."""
    z0, z1 = body.z(body.glass_rear) + 0.06, body.length / 2 - 0.06
    half = float(body.half_width(z1)) - 0.02
    top = float(body.top(0.5 * (z0 + z1))) + 0.02
    rise = rng.uniform(0.12, 0.2)
    wall = 0.07
    parts = pair(box((half - wall, top - 0.15, z0), (half, top + rise, z1), paint, bevel=0.02))
    parts.append(box((-half, top - 0.15, z1 - wall), (half, top + rise, z1), paint, bevel=0.02))
    parts.append(box((-half, top - 0.15, z0), (half, top + rise, z0 + wall), paint))
    parts.append(box((-half + wall / 2, top - 0.1, z0 + wall / 2), (half - wall / 2, top + 0.03, z1 - wall / 2), BLACK))
    extra = rng.random()
    if extra < 0.25:
        parts.append(box((-half, top + rise, z0), (half, top + rise + 0.03, z1), BLACK, bevel=0.01))
    elif extra < 0.5:
        y = body.height - rng.uniform(0.0, 0.12)
        x = half - 0.05
        parts.append(tube([(x, top, z0 + 0.5), (x - 0.03, y - 0.1, z0 + 0.16), (x - 0.12, y, z0 + 0.1),
                           (-x + 0.12, y, z0 + 0.1), (-x + 0.03, y - 0.1, z0 + 0.16), (-x, top, z0 + 0.5)],
                          0.035, CHROME if rng.random() < 0.4 else BLACK, sides=6))
    elif extra < 0.65:
        load = wood(rng)
        for _ in range(int(rng.integers(1, 4))):
            x = rng.uniform(-half + 0.4, half - 0.5)
            z = rng.uniform(z0 + 0.3, z1 - 0.6)
            parts.append(box((x - 0.25, top, z - 0.25), (x + 0.3, top + rng.uniform(0.3, 0.5), z + 0.3), load))
    return parts


def cockpit(rng, body, glass, paint) -> List[Mesh]:
    """An open car: a dark well with seats, wheel and windscreen frame."""
    z0, z1 = body.z(body.screen) + 0.12, body.z(min(body.roof_rear + 0.06, 0.8))
    half = float(body.half_width(0.0)) * 0.80
    top = float(body.top(0.5 * (z0 + z1))) + 0.03
    trim = leather(rng)
    outline = rounded_rectangle(2 * half, z1 - z0, 0.22)
    outline[:, 1] += (z0 + z1) / 2
    parts = [slab(outline, top - 0.2, top + 0.008, BLACK)]
    rows = [z0 + 0.55 * (z1 - z0)] if z1 - z0 < 1.6 else [z0 + 0.42 * (z1 - z0), z0 + 0.85 * (z1 - z0)]
    for z in rows:
        x = half * 0.5
        parts += pair(block((x - 0.24, top - 0.1, z), (x + 0.24, top + 0.22, z + 0.16), trim, radius=0.05),
                      block((x - 0.13, top + 0.2, z + 0.03), (x + 0.13, top + 0.37, z + 0.14), trim, radius=0.04),
                      block((x - 0.24, top - 0.1, z - 0.4), (x + 0.24, top + 0.04, z), trim, radius=0.04))
    tall, lean = rng.uniform(0.30, 0.38), rng.uniform(0.25, 0.5)
    w0, w1 = half * 1.02, half * 0.86
    rows = []
    for level in (0.0, 1.0):
        x = np.array([-1, -0.5, 0, 0.5, 1.0])
        z = z0 - 0.1 + lean * level + 0.12 * x ** 2
        w = (w0, w1)[int(level)]
        rows.append(np.concatenate([np.stack([x * w, 0 * x + top - 0.06 + (tall + 0.06) * level, z], 1),
                                    np.stack([x[::-1] * w, 0 * x + top - 0.06 + (tall + 0.06) * level,
                                              z[::-1] + 0.025], 1)]))
    panels = np.full((1, 10, 3), glass.colour)
    parts.append(loft(rows, glass, colours=panels, caps="strip"))
    edge = np.asarray(rows[1])[:5] + [0, 0, 0.012]
    path = np.concatenate([np.asarray(rows[0])[:1], edge, np.asarray(rows[0])[4:5]])
    parts.append(tube(path, 0.022, paint if rng.random() < 0.6 else CHROME, sides=6))
    if rng.random() < 0.6:  # the folded roof
        cloth = fabric(rng, pick(rng, ((30, 30, 32), (90, 60, 40), (150, 140, 120), (60, 20, 24))), patterned=0)
        parts.append(block((-half * 0.98, top - 0.1, z1 - 0.05), (half * 0.98, top + 0.12, z1 + 0.4), cloth,
                                 radius=0.09))
    else:
        for x in (-half * 0.5, half * 0.5):
            parts.append(tube([(x - 0.18, top - 0.05, z1 - 0.1), (x - 0.17, top + 0.3, z1 - 0.08),
                               (x, top + 0.36, z1 - 0.08), (x + 0.17, top + 0.3, z1 - 0.08),
                               (x + 0.18, top - 0.05, z1 - 0.1)], 0.03, CHROME, sides=6))
    return parts
