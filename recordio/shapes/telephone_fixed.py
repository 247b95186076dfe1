"""Shapes, telephones at home and in the office: cordless, desk, rotary dial, wall, candlestick. Metres, front at -z."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.lofts import along_y, block, loft, spindle
from recordio.shapes.materials import Material, pick, plain, varied, wood
from recordio.shapes.outlines import monotone, rounded_rectangle
from recordio.shapes.placing import moved, pair, turned
from recordio.shapes.primitives import box, ellipsoid, tube
from recordio.shapes.telephone_parts import (
    BLACK,
    OLD,
    SILVER,
    cord,
    handset,
    keypad,
    leaned,
    rotary_dial,
    screen,
    shell,
    tile,
)

BRASS = plain(188, 150, 76, gloss=0.85)


def cordless(rng) -> List[Mesh]:
    """A handset standing in its charging cradle, or alone."""
    width, tall, thick = rng.uniform(0.046, 0.056), rng.uniform(0.145, 0.175), rng.uniform(0.020, 0.028)
    look = shell(rng, ((28, 29, 31), (190, 192, 196), (236, 236, 232), (50, 54, 62), (60, 70, 96)))
    face = look if rng.random() < 0.4 else pick(rng, (BLACK, SILVER, plain(228, 228, 226, gloss=0.4)))
    y = -0.5 * tall * np.cos(np.pi * np.linspace(0, 1, 12))
    t = 2 * y / tall
    end = np.sqrt(np.clip(1 - np.abs(t) ** 8, 0.2, 1))
    swell = 1 - rng.uniform(0, 0.14) * np.cos(2.2 * t) + 0.04 * t
    bow = 0.004 * t ** 2
    outline = rounded_rectangle(1.0, 1.0, 0.36)
    rings = along_y(outline, y, width=width * end * swell, length=thick * (0.5 + 0.5 * end), z=-bow)
    colours = np.empty((11, len(outline), 3))
    colours[:] = look.colour
    colours[:, (outline[:, 1] + np.roll(outline[:, 1], -1)) > 0.8] = face.colour
    parts = [loft(rings, look, colours=colours, crease=50)]
    front = -thick / 2
    parts.append(tile(rounded_rectangle(width * 0.72, tall * 0.21, 0.003, steps=2) + [0, tall * 0.22], front - 0.0016,
                      0.0, BLACK, round_edge=0.0006, front=screen(rng, mobile=rng.random() < 0.4)))
    parts.append(tile(rounded_rectangle(width * 0.3, 0.003, 0.001, steps=1) + [0, tall * 0.41], front - 0.006, 0.0,
                      BLACK, round_edge=0.0004))
    keys = plain(226, 226, 224, gloss=0.4) if sum(face.colour) < 1.5 else plain(58, 60, 64, gloss=0.4)
    parts.append(tile(rounded_rectangle(width * 0.34, tall * 0.07, 0.006, steps=2) + [0, tall * 0.065], front - 0.003,
                      0.0, keys, round_edge=0.001))
    for x, shade in ((0.36, plain(60, 160, 80)), (-0.2, plain(190, 50, 44))):
        parts += keypad(1, 1, x=width * (x + 0.03), y=tall * 0.09, wide=width * 0.2, tall=tall * 0.05,
                        z=front - 0.0004, look=shade, gap=0.15, high=0.002)
    parts += keypad(3, 4, x=width * 0.38, y=tall * 0.02, wide=width * 0.76, tall=tall * 0.36, z=front - 0.0004,
                    look=keys, gap=rng.uniform(0.2, 0.34), rounded=rng.random() < 0.6, high=0.002)
    if rng.random() < 0.3:
        parts.append(spindle([(tall / 2 - 0.006, 0.006), (tall / 2 + 0.03, 0.0045), (tall / 2 + 0.032, 0.002)], look,
                             axis="y", at=(width * 0.3, 0, 0.002), sides=10))
    if rng.random() < 0.2:
        return parts
    tilt = rng.uniform(8, 24)
    parts = leaned(parts, tilt, (0, -tall / 2, 0))
    base = look if rng.random() < 0.7 else BLACK
    foot_wide, foot_deep, foot_high = width * rng.uniform(1.5, 2.4), rng.uniform(0.08, 0.11), rng.uniform(0.026, 0.04)
    outline = rounded_rectangle(foot_wide, foot_deep, 0.3 * foot_wide if rng.random() < 0.5 else 0.012, steps=4)
    levels = np.array([0, 0.25, 0.85, 1.0])
    rings = along_y(outline, -tall / 2 - 0.012 + foot_high * levels, width=np.array([1, 1.0, 0.9, 0.78]),
                    length=np.array([1, 1.0, 0.9, 0.76]), z=0.006)
    slope = rings[..., 2:3] * np.array([0, 0.14, 0.18, 0.16])[:, None, None]
    rings[..., 1:2] += np.maximum(slope, -0.006)
    parts.append(loft(rings, base, crease=40))
    if rng.random() < 0.45:  # an answering machine's keys beside the handset
        x = foot_wide * 0.36
        parts += keypad(1, 3, x=x + 0.007, y=-tall / 2 + 0.004, wide=0.014, tall=0.02, z=-foot_deep * 0.36, look=keys,
                        gap=0.3, high=0.004)
    return parts


def _wedge(width, depth, low, high, look, *, radius=0.012) -> Mesh:
    """A desk housing: *low* in front (-z), *high* at the back, softly rounded in plan."""
    outline = rounded_rectangle(width, depth, radius)
    rings = np.empty((4, len(outline), 3))
    share = outline[:, 1] / depth + 0.5
    top = low + (high - low) * share
    for ring, (level, inset) in zip(rings, ((0.0, 0.98), (0.12, 1.0), (0.86, 0.985), (1.0, 0.93))):
        ring[:, 0], ring[:, 2] = outline[:, 0] * inset, outline[:, 1] * inset
        ring[:, 1] = top * level
    return loft(rings, look, crease=40)


def desk_phone(rng) -> List[Mesh]:
    """An office telephone: sloping body, receiver on the left, keys, display, often with a cord."""
    width, depth = rng.uniform(0.17, 0.25), rng.uniform(0.17, 0.22)
    low, high = rng.uniform(0.022, 0.035), rng.uniform(0.06, 0.10)
    look = shell(rng, ((34, 35, 38), (206, 204, 196), (232, 230, 224), (60, 66, 80), (150, 152, 154), (140, 40, 38),
                       (190, 180, 150)), (0.2, 0.5))
    parts = [_wedge(width, depth, low, high, look)]
    slope = np.degrees(np.arctan2(high - low, depth))
    # the panel's own plane: x right, y up the slope, z out of it; built facing -z, then laid down onto the wedge
    panel: List[Mesh] = []
    keys = plain(228, 228, 224, gloss=0.3) if sum(look.colour) < 1.5 else plain(*pick(rng,
            ((60, 62, 66), (240, 240, 236), (90, 96, 104))), gloss=0.3)
    right = -width / 2 + 0.012  # the right edge as the user sees it is at -x
    pad = rng.uniform(0.062, 0.075)
    x = right + pad + 0.016
    panel += keypad(3, 4, x=x - 0.008, y=0.018, wide=pad, tall=pad * 0.95, z=0.0, look=keys, gap=0.24, high=0.004)
    show = rng.uniform(0.5, 0.9) * (width - 0.09)
    show = min(show, width * 0.56)
    panel.append(tile(rounded_rectangle(show, 0.036, 0.003, steps=1) + [right + show / 2, depth * 0.32], -0.003, 0.004,
                      BLACK, round_edge=0.001, front=screen(rng, mobile=rng.random() < 0.3)))
    rows = int(rng.integers(3, 7))
    if width > 0.19:
        panel += keypad(int(rng.integers(1, 3)), rows, x=x + 0.034, y=0.018, wide=0.03, tall=pad * 0.95, z=0.0,
                        look=keys if rng.random() < 0.5 else SILVER, gap=0.35, high=0.003)
    panel += keypad(int(rng.integers(3, 6)), 1, x=x - 0.008, y=0.034, wide=pad, tall=0.011, z=0.0, look=SILVER,
                    gap=0.3, high=0.003)
    middle = (low + high) / 2
    parts += [moved(turned(mesh, "x", 90 - slope), 0, middle, 0) for mesh in panel]
    long = depth * rng.uniform(0.98, 1.12)
    hand = look if rng.random() < 0.8 else BLACK
    receiver = [turned(mesh, "y", 90) for mesh in handset(long, hand, arch=0.16, thick=0.017, cup=0.026,
                                                          slim=rng.random() < 0.6)]
    hx = width / 2 - 0.032
    lift = middle + 0.032
    parts += [moved(turned(mesh, "x", -slope), hx, lift, 0) for mesh in receiver]
    cradle = block((-0.027, -0.02, -0.42 * depth), (0.027, 0.012, 0.42 * depth),
                         BLACK if rng.random() < 0.3 else look, radius=0.006)
    parts.append(moved(turned(cradle, "x", -slope), hx, middle, 0))
    if rng.random() < 0.6:
        start = (hx, low + 0.012, -0.5 * depth)
        shade = Material(tuple(0.85 * np.array(hand.colour)), 0.2)
        end = (width / 2 - 0.004, 0.015, 0.18 * depth)
        bow = np.array([width / 2 + 0.045, 0.012, -0.25 * depth])
        parts += [cord(start, bow, coils=9, sag=0.002, look=shade), cord(bow, end, coils=9, sag=0.0, look=shade)]
    return parts


def rotary_phone(rng) -> List[Mesh]:
    """A dial telephone of the twentieth century: curved housing, cradle, receiver across the top."""
    width, depth, tall = rng.uniform(0.17, 0.21), rng.uniform(0.16, 0.20), rng.uniform(0.095, 0.13)
    look = Material(varied(rng, pick(rng, OLD, 1.3), 0.05), float(rng.uniform(0.4, 0.8)))
    trim = pick(rng, (SILVER, BRASS, BLACK))
    ornate = rng.random() < 0.25
    outline = rounded_rectangle(1.0, 1.0, 0.18, steps=4)
    levels = np.array([0.0, 0.06, 0.25, 0.5, 0.75, 0.93, 1.0])
    wide = monotone(levels, [(0, 1.0), (0.06, 1.0), (0.5, 0.80), (0.93, 0.62), (1, 0.56)])
    deep = monotone(levels, [(0, 1.0), (0.06, 1.0), (0.5, 0.72), (0.93, 0.42), (1, 0.36)])
    back = 0.5 * depth * (1 - deep) * 0.72
    rings = along_y(outline, tall * levels, width=width * wide, length=depth * deep, z=back)
    parts = [loft(rings, look, crease=45)]
    # the dial lies on the sloping front
    y0, y1 = 0.25 * tall, 0.75 * tall
    z0 = float(np.interp(0.25, levels, back - depth * deep / 2))
    z1 = float(np.interp(0.75, levels, back - depth * deep / 2))
    tilt = np.degrees(np.arctan2(z1 - z0, y1 - y0))
    radius = rng.uniform(0.040, 0.048)
    wheel_look = pick(rng, (BLACK, SILVER, look, plain(236, 232, 222, gloss=0.5), BRASS))
    if rng.random() < 0.78:
        dial = rotary_dial(rng, radius, face=plain(*pick(rng, ((236, 230, 214), (200, 60, 50), (240, 240, 236)))),
                           ring=wheel_look)
    else:
        plate = rounded_rectangle(0.078, 0.078, 0.008)
        dial = [tile(plate, -0.006, 0.006, BLACK if sum(look.colour) > 1.0 else SILVER, round_edge=0.001)]
        dial += keypad(3, 4, x=0.033, y=0.034, wide=0.066, tall=0.068, z=-0.006, look=plain(238, 236, 226), gap=0.25,
                       high=0.004)
    middle = (0.0, (y0 + y1) / 2, (z0 + z1) / 2 - 0.001)
    parts += [moved(turned(mesh, "x", tilt), *middle) for mesh in dial]
    # cradle and receiver
    zc = float(back[-1])
    prong = 0.2 * width
    for dz in (-0.018, 0.018):
        parts += pair(block((prong, tall - 0.02, zc + dz - 0.006), (prong + 0.022, tall + 0.028, zc + dz + 0.006),
                            trim if ornate else look, radius=0.004))
    long = width * rng.uniform(1.0, 1.16)
    hand = look if not ornate else BLACK
    hang = rng.uniform(0.22, 0.32)
    receiver = handset(long, hand, arch=hang, thick=rng.uniform(0.011, 0.014), cup=rng.uniform(0.027, 0.032),
                       accent=trim if ornate else None)
    parts += [moved(mesh, 0, tall + 0.03, zc) for mesh in receiver]
    if ornate:
        parts.append(spindle([(-0.06, 0.0155), (-0.05, 0.0165), (0.05, 0.0165), (0.06, 0.0155)], BRASS, axis="x",
                             at=(0, tall + 0.030, zc), sides=10))
        parts.append(tile(rounded_rectangle(width * 1.06, 0.012, 0.005) + [0, 0.004], -depth * 0.53, depth * 0.53,
                          Material(wood(rng).colour, 0.4), round_edge=0.003))
    parts += pair(*[ellipsoid((0.40 * width, 0.0, dz * depth), (0.012, 0.008, 0.012), BLACK, cells=3) for dz in (-0.38,
            0.38)])
    if rng.random() < 0.55:
        shade = Material(tuple(0.8 * np.array(hand.colour)), 0.2)
        ear = (0.5 * long - 0.02, tall + 0.03 - hang * long * 0.5 - 0.02, zc)
        bow = (width * 0.60, 0.014, zc + 0.0)
        parts += [cord(ear, bow, coils=7, sag=-0.004, look=shade),
                  cord(bow, (0.40 * width, 0.012, 0.40 * depth), coils=7, sag=0.0, look=shade)]
    return parts


def wall_phone(rng) -> List[Mesh]:
    """A telephone on a wall or in a booth: upright box, receiver on a hook at its side, keys or dial in front."""
    pay = rng.random() < 0.45
    width, tall, thick = (rng.uniform(0.18, 0.22), rng.uniform(0.36, 0.46),
                          rng.uniform(0.1, 0.14)) if pay else (rng.uniform(0.11, 0.15), rng.uniform(0.2, 0.26),
                                                               rng.uniform(0.045, 0.06))
    look = pick(rng, (plain(70, 74, 80, gloss=0.6), plain(30, 31, 34, gloss=0.4), SILVER,
                      plain(40, 80, 150, gloss=0.4), plain(190, 40, 36, gloss=0.4))) if pay else shell(rng, OLD)
    front = -thick / 2
    parts = [tile(rounded_rectangle(width, tall, 0.012, steps=2), front, thick / 2, look, round_edge=0.008)]
    keys = plain(222, 222, 218, gloss=0.5) if sum(look.colour) < 1.5 else plain(60, 60, 64, gloss=0.4)
    x = -width * (0.10 if pay else 0.14)
    if rng.random() < 0.65:
        size = width * (0.40 if pay else 0.52)
        parts.append(tile(rounded_rectangle(size * 1.15, size * 1.25, 0.006) + [x, 0.02 * tall], front - 0.003, 0.0,
                          SILVER if pay else BLACK, round_edge=0.001))
        parts += keypad(3, 4, x=x + size / 2, y=0.02 * tall + size * 0.56, wide=size, tall=size * 1.1, z=front - 0.003,
                        look=keys, gap=0.25, high=0.004)
    else:
        parts += [moved(mesh, x, 0.02 * tall, front) for mesh in rotary_dial(rng, width * 0.28,
                face=plain(236, 230, 214), ring=BLACK if sum(look.colour) > 1 else SILVER)]
    if pay:
        parts.append(tile(rounded_rectangle(width * 0.6, tall * 0.09, 0.004) + [x, tall * 0.36], front - 0.004, 0.0,
                          BLACK, front=screen(rng, mobile=False)))
        parts.append(tile(rounded_rectangle(width * 0.34, tall * 0.10, 0.006) + [x, -tall * 0.36], front - 0.006, 0.0,
                          SILVER))
        parts.append(box((x - 0.004 - 0.05, tall * 0.22, front - 0.004), (x + 0.004 - 0.05, tall * 0.28, front), BLACK))
    long = tall * (0.5 if pay else 0.92)
    hand = BLACK if pay else look
    receiver = [turned(turned(mesh, "z", 90), "y", -90) for mesh in handset(long, hand, arch=0.16, thick=0.014,
                                                                            cup=0.026, slim=True)]
    hx = width * 0.5 + (0.030 if pay else -0.024)
    y = tall * (0.16 if pay else 0.0)
    reach = front - (0.028 if not pay else -0.02)
    parts += [moved(mesh, hx, y, reach) for mesh in receiver]
    parts.append(block((hx - 0.03, y + 0.18 * long, reach - 0.0), (hx + 0.016, y + 0.26 * long, reach + 0.045),
                             SILVER if pay else look, radius=0.004))
    low = (hx, y - 0.46 * long, reach + 0.015)
    end = (width * 0.3, -tall / 2 + 0.01, 0.0)
    if pay:
        t = np.linspace(0, 1, 12)[:, None]
        path = np.array(low) + (np.array(end) - np.array(low)) * t + np.concatenate([0.10 * np.sin(np.pi * t),
                -0.16 * np.sin(np.pi * t), 0 * t], axis=1) * tall
        parts.append(tube(path, 0.0045, SILVER, sides=6))
    elif rng.random() < 0.8:
        parts.append(cord(low, end, coils=14, sag=0.08, look=Material(tuple(0.85 * np.array(hand.colour)), 0.2)))
    return parts


def candlestick(rng) -> List[Mesh]:
    """The upright desk set of about 1910: foot, column, mouthpiece, receiver on its hook."""
    look = pick(rng, (BLACK, BRASS, BLACK, plain(60, 44, 34, gloss=0.6)))
    trim = BRASS if look is not BRASS else BLACK
    tall, foot = rng.uniform(0.27, 0.32), rng.uniform(0.062, 0.075)
    parts = [spindle([(0, foot), (0.008, foot), (0.016, foot * 0.93), (0.026, foot * 0.5), (0.034, 0.017),
                      (0.06, 0.0125), (tall - 0.06, 0.0115), (tall - 0.03, 0.016), (tall - 0.01, 0.016),
                      (tall, 0.010)], look, axis="y", sides=20, crease=50)]
    if rng.random() < 0.5:
        parts += [moved(turned(mesh, "x", 62), 0, 0.030, -foot * 0.55) for mesh in rotary_dial(rng, foot * 0.42,
                face=plain(236, 230, 214), ring=trim)]
    y = tall - 0.005
    horn = [(-0.082, 0.026), (-0.085, 0.030), (-0.080, 0.0315), (-0.05, 0.016), (-0.034, 0.012), (-0.032, 0.027),
            (0.0, 0.028), (0.012, 0.022), (0.018, 0.0)]
    shades = np.array([trim.colour, trim.colour, BLACK.colour, BLACK.colour, look.colour, look.colour, look.colour,
                       look.colour])
    up = rng.uniform(8, 28)
    parts.append(turned(spindle(horn, look, at=(0, y, 0), sides=16, colours=shades[:, None], crease=50,
                                cap=(0.03, 0.03, 0.03)), "x", up, (0, y, 0)))
    side = pick(rng, (-1, 1))
    hy = tall - 0.055
    parts.append(tube([(0, hy, 0), (side * 0.045, hy, 0), (side * 0.055, hy + 0.004, -0.012)], 0.004, trim, sides=6))
    parts.append(tube([(side * 0.045, hy, 0), (side * 0.055, hy + 0.004, 0.012)], 0.004, trim, sides=6))
    ear = [(0.030, 0.010), (0.028, 0.016), (0.012, 0.017), (-0.02, 0.012), (-0.075, 0.013), (-0.09, 0.019),
           (-0.105, 0.026), (-0.122, 0.028), (-0.125, 0.024)]
    parts.append(spindle([(p, r) for p, r in ear][::-1], look if look is not BRASS else BLACK, axis="y",
                         at=(side * 0.056, hy + 0.02, 0), sides=14, crease=50))
    path = [(side * 0.056, hy + 0.045, 0), (side * 0.056, hy + 0.06, 0), (side * 0.09, hy + 0.05, 0.012),
            (side * 0.10, 0.5 * tall, 0.035), (side * 0.09, 0.04, 0.05), (side * foot * 0.6, 0.014, 0.04)]
    parts.append(tube(path, 0.003, plain(70, 56, 40), sides=6))
    return parts
