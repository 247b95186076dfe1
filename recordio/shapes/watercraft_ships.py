"""Shapes, ships of trade and leisure: motor yachts, freighters, tankers, liners, tugs. Metres, bow at -z."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.lofts import block, loft, slab, spindle
from recordio.shapes.materials import Material, pick, plain, varied
from recordio.shapes.outlines import monotone, rounded_rectangle
from recordio.shapes.placing import pair
from recordio.shapes.primitives import bar, box, ellipsoid, tube
from recordio.shapes.watercraft_parts import (
    CONTAINERS,
    DARK,
    DECKS,
    GLASS,
    RED_LEAD,
    SHIP_HULLS,
    STEEL,
    WHITE,
    funnel,
    house,
    hull,
    mast,
    paint,
    railing,
)


def motor_yacht(rng) -> List[Mesh]:
    """A cabin cruiser or superyacht: raked bow, two to four glazed decks stepping back, radar arch."""
    length = rng.uniform(9, 45)
    big = length > 22
    beam = length * (rng.uniform(0.20, 0.25) if big else rng.uniform(0.28, 0.33))
    depth = length * (0.075 if big else 0.105)
    look = pick(rng, (WHITE, WHITE, WHITE, plain(26, 40, 76, gloss=0.7), plain(60, 64, 72, gloss=0.7),
                      plain(200, 198, 190, gloss=0.6)))
    teak = plain(176, 134, 86, gloss=0.15)
    band = varied(rng, pick(rng, ((30, 50, 110), (170, 140, 80), (40, 40, 44))))
    parts = [hull(length, beam, depth, look, draught=0.05 * length, deck=teak if rng.random() < 0.6 else WHITE,
                  bottom=pick(rng, (RED_LEAD, plain(30, 50, 90), plain(40, 40, 44))),
                  sheer=rng.uniform(0.35, 0.6), rake=rng.uniform(0.10, 0.17), transom=0.85, vee=0.65, full=0.3,
                  flare=0.16, stripe=band if rng.random() < 0.35 else None)]
    y, z0, z1 = depth * 0.98, -rng.uniform(0.22, 0.3) * length, rng.uniform(0.26, 0.34) * length
    width = beam * 0.80
    decks = int(rng.integers(2, 5)) if big else int(pick(rng, (1, 2, 2)))
    tall = length * (0.055 if big else 0.085)
    upper = WHITE if rng.random() < 0.85 else look
    slant = rng.uniform(0.6, 1.6)
    for _ in range(decks):
        parts.append(house(width, z1 - z0, tall, upper, at=(0, y, (z0 + z1) / 2), front=slant * tall, back=0.2 * tall,
                           tumble=0.1, radius=0.22,
                           spacing=0.0 if rng.random() < 0.7 else 1.6 * tall, band=(0.35, 0.8)))
        y += tall
        middle = (z0 + z1) / 2 + 0.08 * (z1 - z0) + 0.03 * length
        over = rounded_rectangle(width * 0.98, (z1 - z0) * 0.9, 0.3 * width) + [0, middle]
        parts.append(slab(over, y - 0.02 * tall, y + 0.1 * tall, upper, bevel=0.02 * tall))
        z0 += slant * tall + rng.uniform(0.02, 0.05) * length
        z1 -= rng.uniform(0.02, 0.06) * length
        width *= 0.86
        if z1 - z0 < 0.12 * length:
            break
    zm = 0.35 * z0 + 0.65 * z1
    x = width * 0.48
    high = 0.75 * tall
    parts.append(tube([(x, y - 0.02 * tall, zm), (0.85 * x, y + high, zm + 0.6 * tall),
                       (-0.85 * x, y + high, zm + 0.6 * tall), (-x, y - 0.02 * tall, zm)],
                      0.10 * tall, upper, sides=6))
    parts.append(mast(0.9 * tall, 0.05 * tall, at=(0, y + high, zm + 0.6 * tall)))
    parts.append(ellipsoid((0.45 * x, y + high + 0.2 * tall, zm + 0.6 * tall), (0.22 * tall, 0.24 * tall, 0.22 * tall),
                           WHITE, cells=4))
    parts += railing([(0.02 * beam, depth * 1.5, -0.47 * length), (0.26 * beam, depth * 1.32, -0.38 * length),
                      (0.43 * beam, depth * 1.15, -0.22 * length),
                      (0.47 * beam, depth * 1.02, 0.0)], 0.025 * length, radius=0.0022 * length, posts=6)
    parts.append(box((-0.34 * beam, -0.01 * length, 0.47 * length), (0.34 * beam, 0.012 * length, 0.53 * length), teak))
    return parts


def container_ship(rng) -> List[Mesh]:
    """A box boat: stacks of containers in bays, bridge aft or forward of the last bays."""
    length = rng.uniform(120, 330)
    beam, depth = length * rng.uniform(0.13, 0.16), length * rng.uniform(0.055, 0.07)
    look = Material(varied(rng, pick(rng, SHIP_HULLS)), 0.3)
    deck = plain(120, 66, 50)
    parts = [hull(length, beam, depth, look, draught=0.045 * length, deck=deck, sheer=0.35,
                  rake=rng.uniform(0.03, 0.06), transom=0.75, vee=0.05, full=0.85,
                  flare=0.03, bulb=True, stripe=varied(rng, (236, 236, 232)) if rng.random() < 0.2 else None)]
    rows, bays = int(rng.integers(5, 8)), int(rng.integers(6, 11))
    bridge = int(bays - rng.integers(1, 4))
    z0, z1 = -0.36 * length, 0.44 * length
    step = (z1 - z0) / (bays + 1)
    wide = beam * 0.92 / rows
    tall = wide * 1.05
    limit = int(rng.integers(3, 6))
    for slot in range(bays + 1):
        z = z0 + (slot + 0.5) * step
        if slot == bridge:
            parts.append(house(beam * 0.9, step * 0.8, tall * (limit + 1.6), WHITE, at=(0, depth * 0.98, z),
                               spacing=0.09 * beam, band=(0.2, 0.8), tumble=0.0, radius=0.03,
                               tall=0.16, wide=0.5))
            parts.append(box((-beam * 0.52, depth + tall * (limit + 1.4), z - 0.35 * step),
                             (beam * 0.52, depth + tall * (limit + 2.0), z + 0.1 * step), WHITE))
            parts.append(box((-beam * 0.525, depth + tall * (limit + 1.58), z - 0.36 * step),
                             (beam * 0.525, depth + tall * (limit + 1.85), z - 0.1 * step), GLASS))
            parts += funnel(0.2 * beam, 0.5 * step, tall * 2, look, paint(rng, CONTAINERS),
                            at=(0, depth + tall * (limit + 1.2), z + 0.25 * step))
            continue
        narrow = 0.72 if slot == 0 else 1.0
        # stacks of equal height and neighbouring places are one block; its colours come per container from a texture
        stacks = np.clip(limit - rng.integers(0, 3, rows) * (rng.random(rows) < 0.35), 1, limit)
        stacks = stacks if slot else np.minimum(stacks, max(limit - 2, 1))
        picture = _stack_texture(rng)
        begin = 0
        for i in range(1, rows + 1):
            if i < rows and stacks[i] == stacks[begin]:
                continue
            x0, x1 = (begin - rows / 2) * wide * narrow, (i - rows / 2) * wide * narrow
            parts.append(_stack((x0, depth, z - 0.45 * step), (x1, depth + tall * stacks[begin], z + 0.45 * step),
                                picture, wide, tall))
            begin = i
    parts.append(mast(0.06 * length, 0.003 * length, at=(0, depth * 1.25, -0.45 * length), material=WHITE))
    return parts


def _stack_texture(rng) -> Material:
    """8 x 8 containers of random colours with dark seams."""
    grid = np.array([varied(rng, pick(rng, CONTAINERS), 0.06) for _ in range(64)]).reshape(8, 8, 3)
    picture = np.repeat(np.repeat(grid, 8, axis=0), 8, axis=1)
    picture[::8] *= 0.45
    picture[:, ::8] *= 0.45
    return Material((1, 1, 1), 0.15, (picture[None] * 255).astype(np.uint8))


def _stack(low, high, material, wide, tall) -> Mesh:
    """A block of containers lofted from front to back, coloured per container on its sides and top."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    corners = np.array([(x0, y0), (x0, y1), (x1, y1), (x1, y0)])
    rings = np.empty((3, 4, 3))
    rings[..., :2] = corners
    rings[..., 2] = np.array([z0, (z0 + z1) / 2, z1])[:, None]
    run = np.array([0, (y1 - y0) / tall, (y1 - y0) / tall + (x1 - x0) / wide, 2 * (y1 - y0) / tall + (x1 - x0) / wide,
                    0]) / 8
    run[4] = run[3] + (x1 - x0) / wide / 8
    along = np.array([0.0, 1.0, 2.0]) / 8 + 0.125 * (int(abs(z0) * 7) % 8)
    uv = np.stack(np.broadcast_arrays(along[:, None], run[None]), axis=-1)
    cap = np.array([material.texture[0, 4, 4], material.texture[0, 20, 28]]) / 255.0
    return loft(rings, material, uv=uv, cap=cap, crease=10)


def tanker(rng) -> List[Mesh]:
    """A tanker or bulk carrier: long flat deck with pipes, tanks or hatches, superstructure aft."""
    length = rng.uniform(90, 300)
    beam, depth = length * rng.uniform(0.15, 0.185), length * rng.uniform(0.05, 0.065)
    look = Material(varied(rng, pick(rng, SHIP_HULLS)), 0.3)
    deck = plain(*pick(rng, ((120, 60, 48), (60, 96, 70), (140, 80, 60), (110, 114, 116))), gloss=0.1)
    parts = [hull(length, beam, depth, look, draught=0.05 * length, deck=deck, sheer=0.3, rake=0.02, transom=0.7,
                  vee=0.02, full=0.95, flare=0.01, bulb=True)]
    kind = pick(rng, ("pipes", "hatches", "globes", "cranes"))
    z0, z1 = -0.36 * length, 0.26 * length
    if kind == "pipes":
        for x in (-0.08, 0.0, 0.08):
            parts.append(tube([(x * beam, depth + 0.012 * length, z0), (x * beam, depth + 0.012 * length, z1)],
                              0.004 * length, plain(150, 60, 44), sides=5))
        for z in np.linspace(z0, z1, 6):
            parts.append(box((-0.14 * beam, depth - 0.01, z - 0.004 * length),
                             (0.14 * beam, depth + 0.018 * length, z + 0.004 * length), deck))
        parts += pair(tube([(0, depth + 0.01 * length, -0.04 * length),
                            (0.45 * beam, depth + 0.01 * length, -0.04 * length)], 0.005 * length, STEEL, sides=5),
                      tube([(0.1 * beam, depth, -0.07 * length), (0.1 * beam, depth + 0.07 * length, -0.07 * length),
                            (0.38 * beam, depth + 0.075 * length, -0.07 * length)],
                           0.005 * length, WHITE, sides=5))
    elif kind == "globes":  # liquid gas
        count = int(rng.integers(3, 6))
        r = min(0.40 * beam, 0.42 * (z1 - z0) / count)
        tank = pick(rng, (WHITE, plain(200, 150, 80, gloss=0.4), plain(170, 176, 184, gloss=0.5)))
        for z in np.linspace(z0 + r, z1 - r, count):
            parts.append(spindle(np.array([(-0.2, 1.0), (0.2, 0.98), (0.55, 0.83), (0.83, 0.55), (0.97, 0.22),
                                           (1.0, 0)]) * r, tank, axis="y", at=(0, depth, z), sides=16))
        parts.append(box((-0.06 * beam, depth + 0.9 * r, z0), (0.06 * beam, depth + 1.06 * r, z1 + 0.05 * length),
                         WHITE))
    else:
        count = int(rng.integers(4, 8))
        cover = plain(*pick(rng, ((96, 110, 100), (150, 70, 54), (170, 172, 168))), gloss=0.1)
        step = (z1 - z0) / count
        for i in range(count):
            z = z0 + (i + 0.5) * step
            parts.append(block((-0.32 * beam, depth - 0.02, z - 0.36 * step),
                                     (0.32 * beam, depth + 0.018 * length,
                                      z + 0.36 * step), cover, radius=0.003 * length))
            if kind == "cranes" and i % 2 == 1:
                tower = plain(226, 190, 60, gloss=0.3)
                zz = z - 0.5 * step
                parts.append(box((-0.05 * beam, depth - 0.02, zz - 0.03 * beam),
                                 (0.05 * beam, depth + 0.085 * length, zz + 0.03 * beam), tower))
                parts.append(box((-0.09 * beam, depth + 0.08 * length, zz - 0.08 * beam),
                                 (0.09 * beam, depth + 0.11 * length, zz + 0.08 * beam), tower))
                parts.append(bar((0, depth + 0.09 * length, zz), (0, depth + 0.1 * length, zz + 1.25 * step),
                                 (0.05 * beam, 0.04 * beam), tower))
    parts += _bridge(rng, look, beam, depth, length, 0.36 * length)
    parts.append(mast(0.055 * length, 0.0028 * length, at=(0, depth * 1.2, -0.45 * length), material=WHITE))
    return parts


def _bridge(rng, look, beam, depth, length, z) -> List[Mesh]:
    """Accommodation block with bridge wings and funnel."""
    tall, long = rng.uniform(0.085, 0.11) * length, 0.07 * length
    upper = WHITE if rng.random() < 0.85 else plain(230, 220, 190, gloss=0.4)
    y = depth * 0.98
    floors = 5
    parts = []
    for floor in range(floors - 1):
        w = beam * (0.86 - 0.05 * floor)
        parts.append(house(w, long * (1 - 0.05 * floor), tall / floors, upper, at=(0, y, z),
                           spacing=tall / floors * 0.9, tumble=0, radius=0.03, tall=0.45, wide=0.4))
        y += tall / floors * 0.98
    parts.append(box((-0.5 * beam, y, z - 0.45 * long), (0.5 * beam, y + 0.14 * tall, z - 0.1 * long), upper))
    parts.append(house(0.6 * beam, 0.7 * long, tall / floors, upper, at=(0, y, z - 0.1 * long),
                       front=-0.1 * tall / floors, tumble=0, radius=0.05))
    parts.append(mast(0.5 * tall, 0.02 * tall, at=(0, y + tall / floors, z), material=WHITE))
    parts += funnel(0.2 * beam, 0.55 * long, 0.7 * tall, Material(look.colour, 0.3), paint(rng, CONTAINERS),
                    at=(0, depth + 0.55 * tall, z + 0.62 * long))
    parts.append(box((-0.24 * beam, depth - 0.02, z + 0.3 * long), (0.24 * beam, depth + 0.6 * tall, z + 1.05 * long),
                     upper))
    return parts


def cruise_ship(rng) -> List[Mesh]:
    """A liner or ferry: many decks of windows, lifeboats, one to four funnels."""
    length = rng.uniform(120, 320)
    old = rng.random() < 0.3
    beam, depth = length * rng.uniform(0.115, 0.14), length * rng.uniform(0.05, 0.065)
    pale = pick(rng, (WHITE, WHITE, plain(26, 50, 100, gloss=0.5), plain(200, 204, 206, gloss=0.4)))
    look = plain(28, 32, 44, gloss=0.4) if old else pale
    band = WHITE.colour if old else (varied(rng, (30, 60, 130)) if rng.random() < 0.4 else None)
    parts = [hull(length, beam, depth, look, draught=0.035 * length, deck=plain(190, 160, 120),
                  sheer=0.5 if old else 0.3, rake=rng.uniform(0.05, 0.09),
                  transom=0.45 if old else 0.8, vee=0.1, full=0.55, flare=0.06, stripe=band)]
    decks = int(rng.integers(3, 5)) if old else int(rng.integers(4, 8))
    tall = 0.0155 * length
    y, z0, z1, wide = depth * 0.98, -rng.uniform(0.27, 0.33) * length, rng.uniform(0.36, 0.43) * length, beam * 0.93
    for level in range(decks):
        parts.append(house(wide, z1 - z0, tall * 1.02, WHITE, at=(0, y, (z0 + z1) / 2), front=0.8 * tall,
                           back=0.1 * tall, tumble=0.0, radius=0.3 if level else 0.4,
                           spacing=tall * rng.uniform(0.6, 1.2), band=(0.25, 0.8), tall=0.8, wide=rng.uniform(0.4,
                                   0.7)))
        y += tall
        z0 += rng.uniform(0.008, 0.02) * length
        z1 -= rng.uniform(0.005, 0.035) * length
        wide *= 0.985 if level else 0.94
    orange = plain(232, 120, 40, gloss=0.4)
    for z in np.linspace(-0.15, 0.22, int(rng.integers(4, 7))):
        parts += pair(spindle(np.array([(-0.5, 0.1), (-0.35, 0.8), (0.35, 0.8), (0.5, 0.1)]) * [0.035 * length,
                0.007 * length], WHITE if old else orange,
                              at=(0.47 * beam, depth + 1.4 * tall, z * length), sides=8))
    band = paint(rng, ((190, 40, 36), (230, 180, 50), (240, 120, 30), (30, 60, 140), (240, 240, 240)))
    funnels = int(rng.integers(2, 5)) if old else 1
    for i in range(funnels):
        z = (np.linspace(-0.1, 0.2, funnels)[i] if funnels > 1 else rng.uniform(0.1, 0.26)) * length
        parts += funnel(0.25 * beam, 0.045 * length, rng.uniform(0.05, 0.07) * length, band if old else WHITE, band,
                        at=(0, y - 0.2 * tall, z), rake=0.015 * length)
    parts.append(mast(0.07 * length, 0.003 * length, at=(0, y - tall, z0 + 0.06 * length), material=WHITE))
    if old:
        parts += [mast(0.16 * length, 0.003 * length, at=(0, depth, s * length),
                       material=plain(190, 150, 90)) for s in (-0.36, 0.36)]
    else:
        parts.append(house(beam * 1.02, 0.03 * length, tall, WHITE,
                           at=(0, depth + (decks - 1.2) * tall, z0 + 0.01 * length), tumble=0, radius=0.2))
        pool = rounded_rectangle(0.3 * beam, 0.05 * length, 0.1 * beam) + [0, 0.5 * (z0 + z1)]
        parts.append(slab(pool, y - 0.2 * tall, y + 0.06 * tall, plain(70, 180, 210, gloss=0.9)))
    return parts


def tug(rng) -> List[Mesh]:
    """A harbour tug: short, fat, high wheelhouse, fenders, towing gear aft."""
    length = rng.uniform(18, 36)
    beam, depth = length * rng.uniform(0.32, 0.38), length * rng.uniform(0.09, 0.12)
    look = Material(varied(rng, pick(rng, SHIP_HULLS)), 0.4)
    parts = [hull(length, beam, depth, look, draught=0.11 * length, deck=plain(*pick(rng, DECKS)),
                  sheer=rng.uniform(0.7, 1.1), rake=0.05, transom=0.7, vee=0.4, full=0.75,
                  flare=0.05, stripe=(0.08, 0.08, 0.08))]
    house_look = pick(rng, (WHITE, plain(232, 190, 90, gloss=0.4), plain(230, 222, 200, gloss=0.4),
                            plain(160, 60, 40, gloss=0.4)))
    y = depth * 1.0
    tall = 0.10 * length
    z = -0.12 * length
    parts.append(house(beam * 0.62, 0.42 * length, tall, house_look, at=(0, y, z + 0.06 * length),
                       spacing=0.07 * length, front=0.03 * length, tall=0.4, wide=0.35))
    y += tall * 0.99
    parts.append(house(beam * 0.45, 0.17 * length, tall, WHITE, at=(0, y, z - 0.03 * length), front=-0.01 * length,
                       back=0.0, tumble=0.05, radius=0.25))
    parts.append(slab(rounded_rectangle(beam * 0.5, 0.20 * length, 0.05 * length) + [0, z - 0.03 * length],
                      y + 0.98 * tall, y + 1.08 * tall, look, bevel=0.01 * tall))
    parts.append(mast(0.2 * length, 0.006 * length, at=(0, y + tall, z), material=WHITE))
    band = paint(rng, CONTAINERS)
    for x in ((0.0,) if rng.random() < 0.5 else (-0.2 * beam, 0.2 * beam)):
        parts += funnel(0.14 * beam if x else 0.22 * beam, 0.08 * length, 0.16 * length, band, look,
                        at=(x, y - 0.1 * tall, z + 0.2 * length))
    for zz in np.linspace(-0.2, 0.32, 4):  # tyres as fenders
        wide = float(monotone(zz + 0.5, [(0, 0.0), (0.2, 0.88), (0.45, 1.0), (0.8, 0.99), (1, 0.7)])) * beam / 2
        ring = np.linspace(0, 2 * np.pi, 9)[:-1]
        r = 0.032 * length
        path = np.stack([np.full(8, wide + 0.012 * length), depth * 0.72 + r * np.cos(ring),
                         zz * length + r * np.sin(ring)], axis=1)
        parts += pair(tube(path, 0.4 * r, DARK, sides=5, closed=True))
    nose = np.linspace(-1.1, 1.1, 7)
    path = np.stack([0.30 * beam * np.sin(nose), np.full(7, depth * 1.7),
                     -0.495 * length + 0.11 * length * (1 - np.cos(nose))], axis=1)
    parts.append(tube(path, 0.025 * length, DARK, sides=7))
    parts.append(spindle([(-0.1 * beam, 0.04 * length), (0.1 * beam, 0.04 * length)], plain(90, 94, 98), axis="x",
                         at=(0, depth + 0.05 * length, 0.22 * length), sides=12))
    parts.append(box((-0.13 * beam, depth - 0.02, 0.19 * length), (0.13 * beam, depth + 0.04 * length, 0.25 * length),
                     DARK))
    x, yy = 0.36 * beam, depth + 0.07 * length
    parts.append(tube([(x, depth * 0.95, 0.38 * length), (x * 0.95, yy, 0.38 * length), (-x * 0.95, yy, 0.38 * length),
                       (-x, depth * 0.95, 0.38 * length)], 0.012 * length,
                      plain(226, 190, 60), sides=6))
    return parts
