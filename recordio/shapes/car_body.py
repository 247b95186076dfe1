"""Shapes, the body of a car: a hull lofted along z with arches, a glasshouse lofted upwards, wheels."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.car_styles import BLACK, TYRE
from recordio.shapes.lofts import loft, spindle
from recordio.shapes.materials import SIDE, Material, pick
from recordio.shapes.outlines import superellipse
from recordio.shapes.placing import moved, pair
from recordio.shapes.primitives import box


def hull(body, colours) -> Mesh:
    """The lower body: 17 points around, the lower edge rising over the wheels as a tunnel."""
    arch = body.wheel * 1.13
    cuts = [0.0, 0.012, 0.035, 0.075, 0.97, 0.99, 1.0]
    stations = [body.z(cut) for cut in cuts] + [body.z(body.screen), body.z(0.5), body.z(0.44)]
    turns = np.cos(np.radians(np.linspace(0, 180, 9)))
    for axle in body.axles:
        stations += list(axle + arch * turns) + [axle - arch - 0.004, axle + arch + 0.004]
    z = np.unique(np.clip(stations, -body.length / 2, body.length / 2))
    z = z[np.concatenate([[True], np.diff(z) > 1e-3])]
    end = np.minimum(np.abs(z + body.length / 2), np.abs(z - body.length / 2))
    behind = np.clip(body.length / 2 - z, 0, None)
    bottom = body.clearance + 0.10 * np.exp(-end / 0.12) + 0.09 * np.exp(-behind / 0.3)  # bumpers curve up
    for axle in body.axles:
        gap = np.clip(1 - ((z - axle) / arch) ** 2, 0, None)
        inside = np.abs(z - axle) <= arch + 1e-6
        bottom = np.where(inside, np.maximum(bottom, body.wheel + arch * np.sqrt(gap)), bottom)
    top, half = body.top(z), body.half_width(z)
    q = body.square
    shoulder = top - (0.035 + 0.06 * (1 - q))
    # low bonnets: the wings bulge over the wheels
    wings = [body.wheel + arch * 1.05 - 0.6 * np.clip(np.abs(z - axle) - 0.5 * arch, 0,
                                                      None) ** 1.5 for axle in body.axles]
    shoulder = np.maximum(shoulder, np.max(wings, axis=0))
    bottom = np.minimum(bottom, shoulder - 0.03)
    waist = np.maximum(bottom + 0.015, np.minimum(top * (0.70 + 0.05 * q), shoulder - 0.01))
    low = bottom + 0.30 * (waist - bottom)
    deep = half * (0.93 + 0.03 * q)
    right = np.stack([np.stack(point, axis=1) for point in (
        (0 * z, top + 0.025), (0.30 * half, top + 0.022), (half * (0.72 + 0.18 * q),
                                                           np.maximum(top - 0.002, shoulder - 0.01)),
        (half * (0.90 + 0.07 * q), shoulder), (half, waist), (half * 0.995, low), (deep, bottom),
        (deep - 0.06, bottom), (0 * z, bottom))], axis=1)  # (n, 9, 2)
    ring = np.concatenate([right, right[:, 7:0:-1] * [-1, 1]], axis=1)  # (n, 16, 2), symmetric
    rings = np.concatenate([ring, np.broadcast_to(z[:, None, None], ring.shape[:2] + (1,))], axis=2)
    panels = np.broadcast_to(np.asarray(colours.paint.colour), (len(z) - 1, 16, 3)).copy()
    middle = (z[1:] + z[:-1]) / 2
    doors = (middle > body.z(body.screen)) & (middle < body.axles[1] - arch)
    panels[np.ix_(doors, [3, 4, 5, 10, 11, 12])] = colours.doors
    panels[:, [5, 10]] = colours.lower
    if colours.striped:
        panels[:, [0, 15]] = colours.stripe
    if colours.cladding:
        near = np.min([np.abs(middle - axle) for axle in body.axles], axis=0) < arch
        panels[np.ix_(near, [4, 5, 10, 11])] = colours.lower
    panels[:, [6, 7, 8, 9]] = BLACK.colour
    return loft(rings, colours.paint, colours=panels, crease=38)


def chassis(body) -> List[Mesh]:
    inner = body.width / 2 - body.tyre - 0.07
    low, high = body.clearance + 0.02, body.wheel + body.wheel * 0.7
    front, rear = body.axles[0] - body.wheel * 1.2, body.axles[1] + body.wheel * 1.2
    return [box((-inner, low, front), (inner, high, rear), BLACK)]


def rim_texture(rng, *, spokes=None, metal=None) -> Material:
    """A wheel's face: spokes, hub and lip in light metal over darkness; u, v across the disc."""
    y, x = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE * 2 - 1
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    spokes = int(pick(rng, (5, 6, 7, 10, 5, 8, 12))) if spokes is None else spokes
    metal = np.array(pick(rng, ((205, 207, 210), (180, 182, 186), (120, 122, 126), (46, 46, 48), (190, 170, 110)), 1.6)
                     if metal is None else metal) / 255.0
    width = rng.uniform(0.3, 0.55)
    blade = np.abs(np.sin(angle * spokes / 2)) * (0.35 + 0.65 * radius) < width * 0.62
    face = blade | (radius < 0.24) | (radius > 0.86)
    shade = np.where(face, 1.0, 0.13)[..., None] * metal
    shade[radius < 0.1] *= 0.6
    return Material((1.0, 1.0, 1.0), 0.6, (shade[None] * 255).astype(np.uint8))


def wheel(radius, width, rim: Material, *, lip=0.66, wall=TYRE, sides=16) -> List[Mesh]:
    """A wheel about the x axis at the origin, its face towards +x."""
    half = width / 2
    tyre = spindle([(-half, 0.70 * radius), (-half, 0.9 * radius), (-0.32 * width, radius), (0.32 * width, radius),
                    (half, 0.9 * radius), (half, lip * radius)], wall, axis="x", sides=sides, cap=TYRE.colour)
    profile = np.array([(half - 0.03, lip * radius), (half + 0.006, lip * radius), (half - 0.012, 0.3 * lip * radius),
                        (half + 0.01, 0.0)])
    circle = np.concatenate([superellipse(sides), superellipse(sides)[:1]])
    uv = 0.5 + 0.5 * circle[None] * (profile[:, 1:, None] / (lip * radius))
    return [tyre, spindle(profile, rim, axis="x", sides=sides, uv=uv, crease=30)]


def wheels(rng, body, paint, old) -> List[Mesh]:
    if old:
        rim = rim_texture(rng, spokes=0, metal=(200, 202, 205))
    else:
        rim = rim_texture(rng)
    lip = 0.6 if old or body.style == "offroad" else float(rng.uniform(0.64, 0.74))
    one = wheel(body.wheel, body.tyre, rim, lip=lip)
    parts = []
    for axle in body.axles:
        out = float(body.half_width(axle)) - body.tyre / 2 - 0.015
        if body.style == "beetle":
            out += 0.13
            parts += pair(mudguard(out - 0.04, body.wheel * 1.22, (body.wheel, axle), (-4, 184), 0.17, paint,
                                   crown=0.05))
        for mesh in one:
            parts += pair(moved(mesh, out, body.wheel, axle))
    return parts


def mudguard(x, radius, axle, angles, half, look, *, crown=0.02, thick=0.04) -> Mesh:
    """A wing over a wheel: an arc about *axle* = (y, z) between two *angles* in degrees from the rear (0) over the top.

    *half* is half its width about *x*, *crown* how much its middle stands out.
    """
    section = np.array([(-1.0, 0.0), (-0.4, crown), (0.4, crown), (0.9, 0.0), (1.0, -thick), (0.9, -1.5 * thick),
                        (-1.0, -thick)])  # (across, outwards)
    rings = np.empty((9, len(section), 3))
    for ring, angle in zip(rings, np.radians(np.linspace(*angles, 9))):
        out = radius + section[:, 1]
        ring[:, 0] = x + half * section[:, 0]
        ring[:, 1] = axle[0] + out * np.sin(angle)
        ring[:, 2] = axle[1] + out * np.cos(angle)
    return loft(rings, look, crease=60)


def _glass_rings(body, *, roofless=False):
    """(rings (6, k, 3), glass (6 - 1, k) bool): the glasshouse from the waist up to the roof."""
    z_low = body.z(body.screen), body.z(body.glass_rear)
    z_high = body.z(body.roof_front), body.z(body.roof_rear)
    half = body.half_width(np.array(body.z(0.5)))
    levels = np.array([0.0, 0.07, 0.55, 0.86, 0.955, 1.0])
    curve_in = 1 - (1 - body.lean) * levels ** 1.25  # tumblehome
    inset = np.array([0.0, 0.0, 0.0, 0.0, 0.03, 0.22])
    across = np.array([-1, -0.93, -0.5, 0, 0.5, 0.93, 1.0])
    bow = 0.05 + 0.16 * (1 - body.square)
    rings = []
    for level, narrow, cut in zip(levels, curve_in, inset):
        front = z_low[0] + (z_high[0] - z_low[0]) * level ** 0.9
        rear = z_low[1] + (z_high[1] - z_low[1]) * level ** (0.9 if body.style != "beetle" else 1.4)
        front, rear = front + cut * 1.2, rear - cut * 1.2
        width = half * narrow * (0.93 + 0.05 * body.square) - cut
        a = front + bow * 0.5 + 0.05
        marks = [a] + [m + s for p in body.pillars for m, s in ((p, -0.035), (p, 0.035))]
        marks += [rear - bow * 0.5 - body.rear_pillar * (1 - 0.3 * level)]
        marks = np.clip(np.maximum.accumulate(marks), front + bow * 0.45, rear - bow * 0.45)
        side = np.array(marks)
        t = np.concatenate([np.stack([across, front + bow * 0.5 * across ** 2], 1),
                            np.stack([np.ones_like(side), side], 1),
                            np.stack([across[::-1], rear - bow * 0.5 * across ** 2], 1),
                            np.stack([-np.ones_like(side), side[::-1]], 1)])
        x, z = t[:, 0] * width, t[:, 1]
        # the glasshouse narrows to its ends in plan
        span = (z - z_low[0]) / (z_low[1] - z_low[0]) * 2 - 1
        x = x * (1 - 0.07 * (1 - body.square) * np.clip(np.abs(span), 0, 1.2) ** 2)
        base = body.top(z) - 0.05
        share = (z - z_high[0]) / (z_high[1] - z_high[0]) * 2 - 1
        roof = body.height - body.sag * np.clip(share, -1.5, 1.5) ** 2 - (0.04 if level < 0.99 else 0)
        rings.append(np.stack([x, base + (roof - base) * (level if level < 0.99 else 1.0), z], axis=1))
    front_row = [False, True, True, True, True, False]
    side = [False] + window_panels(len(marks)) + [False]
    return np.array(rings), np.array(front_row + side + front_row + side)


def window_panels(sides):
    """Panels between the marks of one side: window, pillar, window, ..."""
    return [i % 2 == 0 for i in range(sides - 1)]


def glasshouse(rng, body, colours, glass) -> List[Mesh]:
    rings, panes = _glass_rings(body)
    around = rings.shape[1]
    panels = np.empty((5, around, 3))
    panels[:] = colours.roof
    panels[:1] = colours.paint.colour
    shine = np.full((5, around), colours.paint.gloss)
    rows = panes.copy()
    sides = (around - 14) // 2
    if body.style == "van" and rng.random() < 0.6:  # a cargo van: only the cab has windows
        blind = np.zeros(around, bool)
        blind[9:6 + sides + 1] = True
        blind[7 + sides:13 + sides] = rng.random() < 0.5
        blind[14 + sides:around - 2] = True
        rows &= ~blind
        panels[1:3, blind] = colours.paint.colour
    for row in (1, 2):
        panels[row, rows] = glass.colour
        shine[row, rows] = glass.gloss
    if body.style not in ("microbus",) and rng.random() < 0.5 and not colours.service:
        dark = ~rows
        dark[[0, 5, 6, around - 1]] = False  # pillars between side windows are often black
        dark[6 + sides + 0:14 + sides] = False
        panels[1:3, dark] = BLACK.colour
    return [loft(rings, colours.paint, colours=panels, gloss=shine, cap=colours.roof, crease=33)]
