"""Shapes, cars with free wheels: single-seater racing cars and the upright cars of the twenties. Metres."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.car_body import mudguard, rim_texture, wheel, window_panels
from recordio.shapes.car_styles import BLACK, CHROME, LAMP, OLD_PAINTS, TAIL, TYRE
from recordio.shapes.lofts import block, loft, slab, spindle
from recordio.shapes.materials import Material, fabric, leather, pick, plain, varied
from recordio.shapes.outlines import monotone, rounded_rectangle, superellipse
from recordio.shapes.placing import moved, pair, turned
from recordio.shapes.primitives import bar, box, ellipsoid, hexahedron, tube


def formula(rng) -> List[Mesh]:
    """A single-seater racing car: slim body, free wheels, wings."""
    paint = Material(varied(rng, pick(rng, ((200, 20, 24), (20, 40, 120), (230, 230, 232), (20, 20, 24), (240, 120, 20),
                                            (0, 110, 90), (240, 200, 30), (160, 164, 168))), 0.05), 0.7)
    accent = Material(varied(rng, pick(rng, ((240, 240, 240), (20, 20, 22), (220, 30, 30), (250, 210, 40))), 0.03), 0.6)
    length, r = rng.uniform(4.4, 5.2), rng.uniform(0.31, 0.35)
    vintage = rng.random() < 0.3
    z = np.array([0, 0.02, 0.12, 0.25, 0.38, 0.47, 0.55, 0.65, 0.8, 0.92, 1.0])
    if vintage:  # the cigar of the sixties
        half = monotone(z, [(0, 0.10), (0.02, 0.2), (0.25, 0.34), (0.55, 0.40), (0.85, 0.33), (1, 0.14)])
        top = monotone(z, [(0, 0.48), (0.02, 0.56), (0.25, 0.72), (0.47, 0.82), (0.65, 0.8), (1, 0.56)])
        low = monotone(z, [(0, 0.38), (0.12, 0.22), (0.8, 0.2), (1, 0.42)])
    else:
        half = monotone(z, [(0, 0.09), (0.12, 0.15), (0.25, 0.2), (0.38, 0.27), (0.55, 0.32), (0.8, 0.2), (1, 0.12)])
        top = monotone(z, [(0, 0.33), (0.12, 0.48), (0.38, 0.66), (0.55, 0.72), (0.65, 0.7), (1, 0.45)])
        low = monotone(z, [(0, 0.20), (0.12, 0.2), (0.25, 0.14), (0.8, 0.12), (1, 0.25)])
    along = (z - 0.5) * length
    outline = superellipse(16, 2.6)
    rings = np.empty((len(z), 16, 3))
    rings[..., 0] = outline[None, :, 0] * half[:, None]
    rings[..., 1] = (top + low)[:, None] / 2 + outline[None, :, 1] * (top - low)[:, None] / 2
    rings[..., 2] = along[:, None]
    panels = np.broadcast_to(np.asarray(paint.colour), (len(z) - 1, 16, 3)).copy()
    if rng.random() < 0.6:
        panels[:, [0, 15]] = accent.colour
    if rng.random() < 0.4:
        panels[:2] = accent.colour
    parts = [loft(rings, paint, colours=panels)]
    seat = along[0] + 0.5 * length
    ytop = float(monotone(0.5, np.stack([z, top], 1)))
    parts.append(slab(rounded_rectangle(0.44, 0.8, 0.15) + [0, seat], ytop - 0.2, ytop + 0.03, BLACK))
    helmet = Material(varied(rng, pick(rng, ((230, 230, 60), (240, 240, 240), (200, 30, 30), (40, 90, 200)))), 0.7)
    parts.append(ellipsoid((0, ytop + 0.1, seat + 0.16), (0.13, 0.15, 0.16), helmet, cells=4))
    front, rear = along[0] + length * 0.2, along[0] + length * 0.84
    if not vintage:
        parts.append(hexahedron(np.array([(sx * w, y, zz) for zz, w, y0, y1 in (
            (seat + 0.32, 0.15, ytop - 0.1, ytop + 0.36), (seat + 1.5, 0.05, ytop - 0.3, ytop - 0.02))
            for y in (y0, y1) for sx in (-1, 1)]), paint))
        if rng.random() < 0.5:
            parts.append(tube([(0.28, ytop + 0.02, seat + 0.3), (0.26, ytop + 0.16, seat),
                               (0, ytop + 0.18, seat - 0.42),
                               (-0.26, ytop + 0.16, seat), (-0.28, ytop + 0.02, seat + 0.3)], 0.03, BLACK, sides=6))
            parts.append(bar((0, ytop + 0.17, seat - 0.42), (0, ytop - 0.1, seat - 0.55), (0.04, 0.05), BLACK))
        pod = np.array([(0.02, 0.24, 0.5), (0.06, 0.3, 0.56), (0.5, 0.26, 0.5), (1.0, 0.08, 0.3)])
        zz = seat + 0.05 + pod[:, 0] * 1.7
        ring = superellipse(12, 3.5)
        side = np.empty((4, 12, 3))
        side[..., 0] = 0.42 + ring[None, :, 0] * pod[:, 1:2] - (0.3 - pod[:, 1:2]) * 0.6
        side[..., 1] = 0.12 + pod[:, 2:] / 2 * (1 + ring[None, :, 1])
        side[..., 2] = zz[:, None]
        parts += pair(loft(side, paint, cap=[BLACK.colour, paint.colour]))
        # wings
        w = rng.uniform(0.82, 0.95)
        nose = along[0]
        for k in range(2):
            parts.append(box((-w, 0.14 + 0.09 * k, nose - 0.18 + 0.2 * k), (w, 0.17 + 0.1 * k, nose + 0.05 + 0.22 * k),
                             accent if k else paint, bevel=0.008))
        parts += pair(box((w - 0.03, 0.1, nose - 0.2), (w, 0.36, nose + 0.3), accent))
        tail, high = along[-1], rng.uniform(0.82, 1.0)
        wide = rng.uniform(0.48, 0.6)
        for k in range(2):
            parts.append(box((-wide, high - 0.14 * (1 - k), tail - 0.22 + 0.16 * k),
                             (wide, high - 0.14 * (1 - k) + 0.05, tail + 0.02 + 0.16 * k), accent, bevel=0.01))
        parts += pair(box((wide - 0.02, high - 0.5, tail - 0.3), (wide + 0.02, high + 0.1, tail + 0.22), paint))
        parts.append(box((-0.04, 0.3, tail - 0.15), (0.04, high - 0.1, tail + 0.02), BLACK))
    else:
        parts.append(tube([(0.2, 0.45, along[6]), (0.44, 0.45, along[7]), (0.44, 0.45, along[-1] + 0.2)], 0.045, CHROME,
                          sides=6))
        parts.append(box((-0.22, ytop - 0.02, seat - 0.42), (0.22, ytop + 0.16, seat - 0.38),
                         plain(60, 70, 74, gloss=0.9)))
    rim = rim_texture(rng)
    wide_front, wide_rear = (0.2, 0.26) if vintage else (rng.uniform(0.3, 0.36), rng.uniform(0.38, 0.46))
    track = rng.uniform(0.72, 0.78)
    for axle, width, radius in ((front, wide_front, r), (rear, wide_rear, r * 1.03)):
        for mesh in wheel(radius, width, rim, lip=0.6):
            parts += pair(moved(mesh, track, radius, axle))
        for dy, dz in ((0.06, -0.16), (0.06, 0.16), (-0.1, 0.0)):
            parts.append(tube([(-track, radius + dy * 0.4, axle + dz * 0.2), (-0.12, radius + dy, axle + dz),
                               (0.12, radius + dy, axle + dz), (track, radius + dy * 0.4,
                                                                axle + dz * 0.2)], 0.022, BLACK,
                              sides=5))
    return parts


def veteran(rng) -> List[Mesh]:
    """A car of the twenties and thirties: upright radiator, free wings, running boards, a box of a cabin."""
    paint = Material(varied(rng, pick(rng, OLD_PAINTS), 0.05), 0.6)
    wings = paint if rng.random() < 0.4 else plain(26, 26, 28, gloss=0.6)
    glass = plain(40, 46, 50, gloss=0.95)
    length, width = rng.uniform(3.7, 4.8), rng.uniform(1.5, 1.7)
    r = rng.uniform(0.36, 0.42)
    front, rear = -length / 2 + 0.55, length / 2 - 0.75
    floor = r + 0.12
    bonnet0, bonnet1 = front - 0.12, front + rng.uniform(1.0, 1.3)
    cabin1 = rear + rng.uniform(0.35, 0.55)
    closed = rng.random() < 0.7
    waist, height = rng.uniform(1.12, 1.2), rng.uniform(1.65, 1.8)
    x = 0.64
    outline = superellipse(16, 3.0)
    z = np.array([bonnet0, bonnet1, bonnet1 + 0.25, cabin1 - 0.35, cabin1 - 0.08, cabin1])
    half = np.array([0.30, 0.44, x, x, x * 0.94, x * 0.8])
    top = np.array([waist - 0.12, waist - 0.04, waist, waist, waist - 0.01, waist - 0.08])
    low = np.array([floor, floor, floor, floor, floor, floor + 0.1])
    rings = np.empty((len(z), 16, 3))
    rings[..., 0] = outline[None, :, 0] * half[:, None]
    rings[..., 1] = (top + low)[:, None] / 2 + outline[None, :, 1] * (top - low)[:, None] / 2
    rings[..., 2] = z[:, None]
    parts = [loft(rings, paint, crease=30)]
    parts.append(box((-0.38, r - 0.05, front - 0.3), (0.38, floor + 0.1, rear + 0.4), BLACK))
    shell = rounded_rectangle(0.64, waist - floor + 0.02, 0.12) + [0, (waist + floor) / 2 - 0.05]
    parts.append(slab(shell, bonnet0 - 0.08, bonnet0 + 0.02, CHROME, axis="z", bevel=0.015))
    parts.append(slab(shell * [0.8, 0.8] + [0, 0.18], bonnet0 - 0.09, bonnet0, BLACK, axis="z"))
    lamp = spindle([(-0.06, 0), (-0.05, 0.1), (-0.02, 0.12), (0.06, 0.09), (0.14, 0.02)], CHROME, sides=12,
                   colours=np.array([LAMP.colour] * 2 + [CHROME.colour] * 2)[:, None])
    parts += pair(moved(lamp, 0.42, waist - 0.2, bonnet0 - 0.02))
    parts += [tube([(-0.5, waist - 0.3, bonnet0 + 0.03), (0.5, waist - 0.3, bonnet0 + 0.03)], 0.02, CHROME, sides=5)]
    if closed:
        cab0 = bonnet1 + 0.12
        slope = rng.uniform(0.02, 0.2)
        levels, narrow = np.array([waist - 0.06, waist + 0.05, height - 0.2, height - 0.06, height]), \
            np.array([1.0, 0.99, 0.95, 0.91, 0.7])
        marks = np.linspace(0.05, 0.95, int(pick(rng, (4, 6)))).repeat(2)[1:-1]
        rings = []
        for level, share in zip(levels, narrow):
            t = (level - waist) / (height - waist)
            z0, z1 = cab0 + slope * t, cabin1 - 0.1 - 0.12 * t
            mid, span = (z0 + z1) / 2, (z1 - z0) / 2 * (1 if share > 0.8 else 0.85)
            side = mid + span * 0.96 * (marks * 2 - 1)
            side[2::2] += 0.05
            edge = np.array([-0.92, 0.92])
            rings.append(np.concatenate([np.stack([edge * x * share, [level] * 2, [mid - span] * 2], 1),
                                         np.stack([np.full(len(side), x * share), np.full(len(side), level), side], 1),
                                         np.stack([edge[::-1] * x * share, [level] * 2, [mid + span] * 2], 1),
                                         np.stack([np.full(len(side), -x * share), np.full(len(side), level),
                                                   side[::-1]], 1)]))
        s = len(marks)
        pane = [True, False] + window_panels(s) + [False, True, False] + window_panels(s) + [False]
        around = 4 + 2 * s
        panels = np.empty((4, around, 3))
        panels[:] = paint.colour
        panels[1, np.array(pane[:around])] = glass.colour
        panels[2:] = wings.colour if rng.random() < 0.6 else paint.colour
        parts.append(loft(rings, paint, colours=panels, crease=35))
    else:
        trim = leather(rng)
        parts.append(slab(rounded_rectangle(1.0, cabin1 - bonnet1 - 0.7, 0.1) + [0, (bonnet1 + cabin1) / 2 + 0.15],
                          waist - 0.2, waist + 0.012, BLACK))
        for zc in np.linspace(bonnet1 + 0.9, cabin1 - 0.3, 2):
            parts.append(block((-0.5, waist - 0.1, zc - 0.1), (0.5, waist + 0.22, zc + 0.12), trim, radius=0.06))
        parts.append(box((-0.56, waist - 0.05, bonnet1 + 0.2), (0.56, waist + 0.42, bonnet1 + 0.23), glass))
        if rng.random() < 0.5:
            cloth = fabric(rng, (40, 38, 36), patterned=0)
            parts.append(block((-0.62, waist - 0.05, cabin1 - 0.3), (0.62, waist + 0.25, cabin1 + 0.06), cloth,
                                     radius=0.1))
    out = width / 2 - 0.09
    for axle, angles in ((front, (172, 25)), (rear, (165, 8))):
        parts += pair(mudguard(out, r + 0.07, (r, axle), angles, 0.11, wings))
    parts += pair(box((out - 0.13, floor - 0.2, front + r * 0.85), (out + 0.1, floor - 0.15, rear - r * 0.85), wings))
    rim = rim_texture(rng, spokes=int(pick(rng, (12, 16, 10))),
                      metal=pick(rng, ((190, 160, 90), (200, 200, 202), (160, 30, 30))))
    wall = plain(232, 230, 222) if rng.random() < 0.3 else TYRE
    for axle in (front, rear):
        for mesh in wheel(r, 0.14, rim, lip=0.74, wall=wall):
            parts += pair(moved(mesh, out, r, axle))
    if rng.random() < 0.7:
        for mesh in wheel(r * 0.9, 0.14, rim, lip=0.74):
            parts.append(moved(turned(mesh, "y", -90), 0, floor + 0.3, cabin1 + 0.04))
    for z, sign in ((-length / 2 + 0.02, 1), (cabin1 + 0.2, -1)):
        parts.append(tube([(-0.6, floor - 0.1, z), (0.6, floor - 0.1, z)], 0.035, CHROME, sides=6))
        parts += pair(tube([(0.3, floor - 0.1, z), (0.3, floor - 0.08, z + sign * 0.4)], 0.03, CHROME, sides=5))
    parts += pair(ellipsoid((0.5, floor + 0.15, cabin1 + 0.04), 0.05, TAIL, cells=2))
    return parts
