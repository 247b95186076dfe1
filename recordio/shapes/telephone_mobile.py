"""Shapes, mobile telephones with a keypad: bars, folding and sliding ones, bricks. Metres, face towards -z."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.lofts import along_y, loft, spindle
from recordio.shapes.materials import Material, pick, plain, varied
from recordio.shapes.outlines import rounded_rectangle, superellipse
from recordio.shapes.placing import moved, turned
from recordio.shapes.primitives import box
from recordio.shapes.telephone_parts import BLACK, LENS, SILVER, cameras, keypad, keys_texture, screen, shell, tile


def _candy(rng, width, tall, thick, look, face, *, waist) -> Mesh:
    """A bar whose width and depth swell along its height."""
    y = -0.5 * tall * np.cos(np.pi * np.linspace(0, 1, 13))
    t = 2 * y / tall
    end = np.sqrt(np.clip(1 - np.abs(t) ** 5, 0.10, 1))
    deep = np.clip(1 - np.abs(t) ** 14, 0.3, 1) ** 0.5  # the face stays flat nearly to the ends
    outline = rounded_rectangle(1.0, 1.0, 0.32)
    swell = 1 + waist * (t ** 2 - 0.5) + 0.05 * t
    rings = along_y(outline, y, width=width * end * swell, length=thick * deep)
    colours = np.empty((12, len(outline), 3))
    colours[:] = look.colour
    colours[:, outline[:, 1] + np.roll(outline[:, 1], -1) > 0.75] = face.colour  # the flat of the front
    return loft(rings, look, colours=colours, crease=50)


def bar_phone(rng) -> List[Mesh]:
    """A bar with keys: rounded or angular, some with an aerial."""
    width, tall, thick = rng.uniform(0.044, 0.052), rng.uniform(0.102, 0.132), rng.uniform(0.013, 0.022)
    look = shell(rng)
    face = look if rng.random() < 0.5 else shell(rng, ((28, 29, 31), (190, 192, 196), (230, 230, 228), (60, 70, 90)))
    if rng.random() < 0.5:
        parts = [_candy(rng, width, tall, thick, look, face, waist=rng.uniform(-0.12, 0.14))]
    else:
        parts = [tile(rounded_rectangle(width, tall, rng.uniform(0.004, 0.018)), -thick / 2, thick / 2, look,
                      round_edge=rng.uniform(0.002, 0.005), front=face)]
    front = -thick / 2
    modern = rng.random() < 0.5
    high = tall * (rng.uniform(0.36, 0.44) if modern else rng.uniform(0.2, 0.3))
    centre = tall * 0.42 - high / 2
    parts.append(tile(rounded_rectangle(width * 0.86, high * 1.12, 0.005, steps=2) + [0, centre], front - 0.0006, 0.0,
                      BLACK if rng.random() < 0.7 else SILVER, round_edge=0.0004))
    parts.append(tile(rounded_rectangle(width * 0.74, high * 0.94, 0.001, steps=1) + [0, centre], front - 0.0010, 0.0,
                      BLACK, round_edge=0.0002, front=screen(rng, mobile=modern)))
    parts.append(tile(rounded_rectangle(width * 0.24, 0.0022, 0.001, steps=1) + [0, tall * 0.47], front - 0.0006, 0.0,
                      BLACK, round_edge=0.0002))
    keys = pick(rng, (SILVER, BLACK, plain(220, 220, 216, gloss=0.4), look))
    if max(abs(a - b) for a, b in zip(keys.colour, face.colour)) < 0.12:
        keys = plain(225, 225, 222, gloss=0.4) if sum(face.colour) < 1.5 else plain(52, 54, 58, gloss=0.4)
    y = centre - high * 0.62
    nav = 0.013
    parts.append(tile(superellipse(14, pick(rng, (2.0, 3.5))) * [0.0085, 0.0060] + [0, y - nav / 2], front - 0.0016,
                      0.0, keys, round_edge=0.0006))
    parts += keypad(1, 1, x=width * 0.40, y=y - 0.002, wide=width * 0.2, tall=0.008, z=front, look=plain(40, 160, 70),
                    gap=0.1)
    parts += keypad(1, 1, x=-width * 0.20, y=y - 0.002, wide=width * 0.2, tall=0.008, z=front, look=plain(190, 40, 40),
                    gap=0.1)
    room = y - nav - 0.003 + tall * 0.43
    parts += keypad(3, 4, x=width * 0.37, y=y - nav - 0.003, wide=width * 0.74, tall=room, z=front, look=keys,
                    gap=rng.uniform(0.16, 0.34), rounded=rng.random() < 0.5)
    if rng.random() < 0.35:
        x = width * 0.32 * pick(rng, (-1, 1))
        r = 0.0034
        long = rng.uniform(0.012, 0.03)
        parts.append(spindle([(tall / 2 - 0.006, r), (tall / 2 + long, r * 0.8), (tall / 2 + long + 0.002, r * 0.4)],
                             BLACK if rng.random() < 0.6 else look, axis="y", at=(x, 0, 0.002),
                             sides=10))
    parts.append(spindle([(thick / 2 - 0.002, 0.005), (thick / 2 + 0.0006, 0.005), (thick / 2 + 0.0007, 0.0035),
                          (thick / 2, 0.0)], SILVER, at=(0, tall * 0.33, 0), sides=12,
                         colours=np.array([SILVER.colour, SILVER.colour, LENS.colour])[:, None], crease=30))
    return parts


def flip_phone(rng) -> List[Mesh]:
    """A folding phone, opened to between a right angle and almost straight."""
    width, half, thick = rng.uniform(0.044, 0.053), rng.uniform(0.078, 0.095), rng.uniform(0.009, 0.013)
    look = shell(rng)
    inner = look if rng.random() < 0.4 else pick(rng, (BLACK, SILVER, plain(225, 225, 222, gloss=0.5)))
    corner = width * rng.uniform(0.08, 0.26)
    hinge_r = thick * 0.55
    # lower half: from y = -half to the hinge at y = 0
    lower = rounded_rectangle(width, half, corner) + [0, -half / 2]
    front = -thick / 2
    parts = [tile(lower, front, thick / 2, look, round_edge=0.0025, front=inner)]
    keys = pick(rng, (SILVER, BLACK, look))
    if max(abs(a - b) for a, b in zip(keys.colour, inner.colour)) < 0.12:
        keys = plain(225, 226, 228, gloss=0.5) if sum(inner.colour) < 1.5 else plain(56, 58, 62, gloss=0.5)
    y = -0.012
    parts.append(tile(superellipse(16, pick(rng, (2.0, 4.0))) * 0.0085 + [0, y - 0.008], front - 0.0014, 0.0, keys,
                      round_edge=0.0006))
    parts.append(tile(superellipse(10, 2.0) * 0.0035 + [0, y - 0.008], front - 0.0022, 0.0, inner, round_edge=0.0004))
    for x in (0.36, -0.20):
        parts += keypad(1, 2, x=width * (x + 0.05), y=y, wide=width * 0.22, tall=0.016, z=front, look=keys, gap=0.3)
    parts += keypad(3, 4, x=width * 0.41, y=y - 0.021, wide=width * 0.82, tall=half - 0.042, z=front, look=keys,
                    gap=rng.uniform(0.12, 0.3))
    # upper half, built straight up and then bent forward about the hinge
    upper = rounded_rectangle(width, half, corner) + [0, half / 2]
    lid = [tile(upper, front, thick * 0.25, look, round_edge=0.0022, front=inner)]
    lid.append(tile(rounded_rectangle(width * 0.82, half * 0.70, 0.003, steps=1) + [0, half * 0.50], front - 0.0006,
                    0.0, BLACK, round_edge=0.0003))
    lid.append(tile(rounded_rectangle(width * 0.72, half * 0.60, 0.001, steps=1) + [0, half * 0.50], front - 0.0010,
                    0.0, BLACK, round_edge=0.0002, front=screen(rng)))
    lid.append(tile(rounded_rectangle(width * 0.3, 0.003, 0.0014, steps=1) + [0, half * 0.925], front - 0.0006, 0.0,
                    BLACK, round_edge=0.0002))
    if rng.random() < 0.7:  # outer display
        lid.append(tile(rounded_rectangle(width * 0.5, half * 0.24, 0.003, steps=2) + [0, half * 0.55], -0.001,
                        thick * 0.25 + 0.0006, BLACK, round_edge=0.0003))
    lid.append(spindle([(thick * 0.25 - 0.001, 0.004), (thick * 0.25 + 0.0012, 0.004), (thick * 0.25 + 0.0008, 0.0)],
                       LENS, at=(0, half * 0.82, 0), sides=10))
    bend = pick(rng, (rng.uniform(12, 30), rng.uniform(12, 30), rng.uniform(50, 85)))
    parts += [turned(mesh, "x", -bend, (0, 0, front + hinge_r * 0.5)) for mesh in lid]
    parts.append(spindle([(-width * 0.42, hinge_r), (width * 0.42, hinge_r)], SILVER if rng.random() < 0.5 else look,
                         axis="x", at=(0, 0, front + hinge_r * 0.5), sides=12))
    if rng.random() < 0.4:
        parts.append(spindle([(-0.02, 0.0036), (0.022, 0.0032), (0.024, 0.002)], BLACK, axis="y",
                             at=(width * 0.36, 0.0, thick / 2 + 0.001), sides=10))
    return parts


def slider(rng) -> List[Mesh]:
    """Two slabs, the screen pushed up over the keys; or sideways over a keyboard."""
    width, tall, thick = rng.uniform(0.046, 0.056), rng.uniform(0.095, 0.108), rng.uniform(0.007, 0.009)
    look = shell(rng)
    face = BLACK if rng.random() < 0.6 else look
    outline = rounded_rectangle(width, tall, width * rng.uniform(0.08, 0.22))
    if rng.random() < 0.35:
        width = tall * 0.54
        outline = rounded_rectangle(width, tall, width * 0.12)
        shift = width * rng.uniform(0.6, 0.75)  # sideways: the keyboard comes out to the right
        base = tile(outline + [-shift / 2, 0], 0.0, thick, look, round_edge=0.002)
        keys = keys_texture(rng, 4, 10, face, cap=pick(rng, (None, (0.85, 0.85, 0.86))))
        field = rounded_rectangle(shift * 0.88, tall * 0.86, 0.003, steps=1,
                                  centre=(-shift / 2 - width / 2 + shift * 0.48, 0.0))
        parts = [base, tile(field, -0.0014, 0.004, BLACK, round_edge=0.0005, front=keys)]
        dx, dy = shift / 2, 0.0
    else:
        shift = tall * rng.uniform(0.36, 0.46)
        base = tile(outline + [0, -shift / 2], 0.0, thick, look, round_edge=0.002, front=face)
        keys = pick(rng, (SILVER, plain(60, 62, 66, gloss=0.5), plain(228, 228, 226, gloss=0.4)))
        parts = [base] + keypad(3, 4, x=width * 0.40, y=-tall / 2 + shift * 0.40, wide=width * 0.80, tall=shift * 0.82,
                                z=0.0, look=keys, gap=rng.uniform(0.12, 0.3))
        dx, dy = 0.0, shift / 2
    front = -thick
    lid = [tile(outline, front, 0.0, look, round_edge=0.002, front=face)]
    chin = rng.uniform(0.12, 0.24) * tall
    lid.append(tile(rounded_rectangle(width * 0.86, tall * 0.92 - chin, 0.002, steps=1) + [0, chin / 2], front - 0.0008,
                    front + 0.003, BLACK, round_edge=0.0003, front=screen(rng)))
    y = -tall / 2 + chin * 0.52
    lid.append(tile(superellipse(14, pick(rng, (2.0, 4.0))) * [0.0075, min(chin * 0.32, 0.0075)] + [0, y],
                    front - 0.0014, front + 0.003, SILVER, round_edge=0.0006))
    lid += keypad(1, 1, x=width * 0.42, y=y + chin * 0.25, wide=width * 0.22, tall=chin * 0.5, z=front,
                  look=plain(60, 150, 80), gap=0.3)
    lid += keypad(1, 1, x=-width * 0.20, y=y + chin * 0.25, wide=width * 0.22, tall=chin * 0.5, z=front,
                  look=plain(180, 50, 46), gap=0.3)
    parts += [moved(mesh, dx, dy) for mesh in lid]
    parts += [moved(mesh, -dx, -dy) for mesh in cameras(rng, width / 2, tall / 2, thick, BLACK)[:5]]
    return parts


def brick_phone(rng) -> List[Mesh]:
    """The first portables: thick, with a long aerial; or a walkie-talkie."""
    width, tall, thick = rng.uniform(0.050, 0.062), rng.uniform(0.15, 0.21), rng.uniform(0.034, 0.05)
    look = Material(varied(rng, pick(rng,
                                     ((60, 62, 60), (196, 190, 172), (34, 34, 36), (230, 190, 40), (90, 96, 80)))), 0.2)
    front = -thick / 2
    parts = [tile(rounded_rectangle(width, tall, 0.008, steps=2), front, thick / 2, look, round_edge=0.005)]
    head = tall * 0.26
    parts.append(tile(rounded_rectangle(width * 0.94, head, 0.010, steps=2) + [0, tall / 2 - head / 2 - 0.002],
                      front - 0.012, 0.0, look, round_edge=0.006))
    for i in range(4):
        y = tall / 2 - 0.013 - 0.0055 * i
        parts.append(box((-width * 0.28, y - 0.0012, front - 0.0128), (width * 0.28, y + 0.0012, front), BLACK))
    y = tall / 2 - head - 0.004
    parts.append(tile(rounded_rectangle(width * 0.72, 0.016, 0.002, steps=1) + [0, y - 0.010], front - 0.001, 0.0,
                      BLACK, round_edge=0.0003, front=screen(rng, mobile=False)))
    keys = plain(226, 222, 210, gloss=0.3) if sum(look.colour) < 1.6 else plain(60, 60, 60, gloss=0.3)
    parts += keypad(3, int(rng.integers(4, 7)), x=width * 0.40, y=y - 0.023, wide=width * 0.8, tall=tall * 0.40,
                    z=front, look=keys, gap=0.28, high=0.0025)
    chin = tile(rounded_rectangle(width * 0.9, tall * 0.1, 0.006, steps=2) + [0, -tall / 2 + tall * 0.055],
                front - 0.008, 0.0, look, round_edge=0.004)
    parts.append(chin)
    long = rng.uniform(0.5, 0.9) * tall
    x = width * 0.3 * pick(rng, (-1, 1))
    parts.append(spindle([(tall / 2 - 0.01, 0.0075), (tall / 2 + 0.25 * long, 0.0068),
                          (tall / 2 + 0.97 * long, 0.0055), (tall / 2 + long, 0.003)], BLACK, axis="y",
                         at=(x, 0, thick * 0.2), sides=10))
    if rng.random() < 0.5:
        parts.append(spindle([(tall / 2 - 0.006, 0.006), (tall / 2 + 0.009, 0.006)], BLACK, axis="y",
                             at=(-x, 0, thick * 0.1), sides=10))
    return parts
