"""Shapes, what long guns are made of: barrels, stocks, grips, magazines, sights, scopes, bipods. Metres, muzzle at -z.

The bore is the line x = 0, y = 0; z = 0 lies at the breech.
"""
from __future__ import annotations

from typing import List, Sequence

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.lofts import along_z, block, loft, spindle
from recordio.shapes.materials import Material, camouflage, pick, plain, varied, wood
from recordio.shapes.outlines import monotone, rounded_rectangle, superellipse
from recordio.shapes.placing import pair
from recordio.shapes.primitives import box, extrude, tube

GLASS = plain(60, 40, 90, gloss=1.0)  # coated lenses
BRASS = plain(190, 150, 70, gloss=0.8)
WALNUT = ((112, 70, 42), (136, 86, 50), (92, 54, 32), (160, 106, 62), (120, 60, 34))


def steel(rng) -> Material:
    """Blued, phosphated, stainless or painted metal."""
    shade = pick(rng, ((50, 52, 56), (64, 66, 70), (78, 78, 78), (40, 43, 52), (132, 134, 138), (96, 92, 82)), 1.6)
    return Material(varied(rng, shade, 0.06), float(rng.uniform(0.25, 0.6)))


def polymer(rng) -> Material:
    """Black, green, sand or grey plastic, sometimes with a camouflage print."""
    if rng.random() < 0.12:
        look = camouflage(rng, pick(rng, (((70, 84, 54), (110, 96, 66), (40, 46, 36)),
                                          ((180, 160, 120), (140, 118, 84)),
                                          ((120, 126, 120), (84, 92, 88), (200, 204, 200)))))
        return Material(look.colour, 0.1, look.texture, (0.3, 0.3))
    shade = pick(rng, ((44, 45, 47), (54, 56, 58), (84, 88, 64), (172, 148, 108), (96, 98, 100), (68, 72, 54)), 1.4)
    return Material(varied(rng, shade, 0.06), float(rng.uniform(0.08, 0.25)))


def timber(rng) -> Material:
    """Gunstock walnut, oiled or varnished; laminated now and then."""
    look = wood(rng, pick(rng, WALNUT))
    return Material(look.colour, look.gloss, look.texture, (0.35, 0.09))


def body(knots: Sequence, look: Material, *, exponent=3.0, sides=14, stations=None, **options) -> Mesh:
    """A loft along z; *knots* rows (z, half width, top, bottom)."""
    knots = np.asarray(knots, np.float64)
    z = knots[:, 0] if stations is None else np.unique(np.concatenate([knots[:, 0],
                                                                       np.linspace(knots[0, 0], knots[-1, 0],
                                                                               stations)]))
    half, top, bottom = (monotone(z, knots[:, [0, i]]) if stations else knots[:, i] for i in (1, 2, 3))
    rings = along_z(superellipse(sides, exponent), z, width=half, height=(top - bottom) / 2, y=(top + bottom) / 2)
    return loft(rings, look, crease=options.pop("crease", 50), **options)


def barrel(length, radius, look: Material, *, start=0.0, muzzle=0.75, hole=True) -> Mesh:
    """From z = *start* to -length; its outer radius tapers to *muzzle* times *radius*."""
    tip = radius * muzzle
    rows = [(start, radius), (start - 0.12 * length, radius), (-length, tip)]
    if hole:  # the bore, a little way in
        rows += [(-length, 0.55 * tip), (-length + 0.02, 0.5 * tip), (-length + 0.02, 0.0)]
    shades = np.array([look.colour] * (len(rows) - 1))
    if hole:
        shades[3:] = 0.03
    return spindle(rows, look, sides=12, colours=shades[:, None], crease=35)


def muzzle_device(rng, z, radius, look: Material) -> List[Mesh]:
    """A flash hider, brake or silencer whose front is before *z*."""
    kind = rng.random()
    if kind < 0.2:
        return [spindle([(z + 0.02, 1.7 * radius), (z - 0.15, 1.7 * radius)], look, sides=12)]
    if kind < 0.6:
        return [spindle([(z + 0.012, 1.25 * radius), (z - 0.012, 1.25 * radius), (z - 0.014, 0.95 * radius),
                         (z - 0.022, 0.95 * radius),
                         (z - 0.024, 1.35 * radius), (z - 0.05, 1.25 * radius)], look, sides=10)]
    return [spindle([(z + 0.01, 1.15 * radius), (z - 0.035, 1.3 * radius)], look, sides=10)]


def pistol_grip(look: Material, *, z, y, long=0.10, slant=0.035, deep=0.045, half=0.015) -> Mesh:
    """A hand grip hanging from (*y*, *z*), leaning back by *slant*."""
    rows = []
    for share, grow in ((0.0, 1.0), (0.25, 0.88), (0.8, 1.0), (1.0, 0.96)):
        outline = superellipse(12, 2.8) * [half, deep / 2 * grow]
        rows.append(np.stack([outline[:, 0], np.full(12, y - long * share), z + slant * share + outline[:, 1]], axis=1))
    return loft(rows, look)


def magazine(look: Material, *, z, y, long, deep=0.055, half=0.011, bend=0.0, steps=6) -> Mesh:
    """A box magazine below (*y*, *z*); *bend* metres forward at its foot (curved as the AK's)."""
    rows = []
    outline = rounded_rectangle(2 * half, deep, 0.005, steps=1)
    for share in np.linspace(0, 1, steps):
        forward = bend * share ** 1.7
        tilt = 1.7 * bend * share ** 0.7 / long if bend else 0.0
        ring = np.stack([outline[:, 0], y - long * share + outline[:, 1] * tilt * 0.7, z - forward + outline[:, 1]],
                        axis=1)
        rows.append(ring)
    return loft(rows, look, crease=40)


def trigger(look: Material, *, z, y, long=0.065, deep=0.032) -> List[Mesh]:
    """Trigger guard and trigger below *y*, its middle at *z*."""
    path = [(0, y + 0.004, z - long / 2), (0, y - 0.7 * deep, z - 0.42 * long), (0, y - deep, z - 0.1 * long),
            (0, y - deep, z + 0.2 * long),
            (0, y - 0.6 * deep, z + 0.46 * long), (0, y + 0.004, z + long / 2)]
    return [tube(path, 0.0035, look, sides=5),
            tube([(0, y + 0.003, z), (0, y - 0.5 * deep, z - 0.003), (0, y - 0.8 * deep, z - 0.008)], 0.003, look,
                 sides=5)]


def scope(rng, *, z, y, long=0.32, radius=0.016, look: Material = None, mounts_to=0.02) -> List[Mesh]:
    """A telescopic sight centred at *z* with its axis at *y*, standing on two rings down to *mounts_to*."""
    look = plain(30, 31, 33, gloss=0.35) if look is None else look
    front = radius * rng.uniform(1.3, 1.85)
    back = radius * rng.uniform(1.2, 1.4)
    rows = np.array([(-0.5, 0.0), (-0.5, front * 0.88), (-0.505, front), (-0.30, front), (-0.20, radius),
                     (0.22, radius), (0.30, back), (0.5, back),
                     (0.5, back * 0.85), (0.495, 0.0)])
    rows[:, 0] = rows[:, 0] * long
    shades = np.array([GLASS.colour] + [look.colour] * 7 + [GLASS.colour])
    parts = [spindle(rows, look, at=(0, y, z), sides=12, colours=shades[:, None], crease=35)]
    parts.append(spindle([(0, radius * 0.7), (radius * 1.9, radius * 0.7)], look, axis="y", at=(0, y, z), sides=8))
    parts.append(spindle([(0, radius * 0.7), (radius * 1.9, radius * 0.7)], look, axis="x", at=(0, y, z), sides=8))
    for share in (-0.17, 0.2):
        parts.append(box((-0.010, mounts_to - 0.003, z + share * long - 0.011), (0.010, y, z + share * long + 0.011),
                         look))
        parts.append(spindle([(-0.011, radius * 1.22), (0.011, radius * 1.22)], look, at=(0, y, z + share * long),
                             sides=10))
    return parts


def red_dot(rng, *, z, y) -> List[Mesh]:
    """A short reflex sight standing on *y*."""
    look = plain(30, 31, 33, gloss=0.3)
    if rng.random() < 0.5:
        rows = np.array([(-0.04, 0.0), (-0.042, 0.016), (-0.045, 0.019), (0.045, 0.019), (0.042, 0.016), (0.04, 0.0)])
        shades = np.array([GLASS.colour, look.colour, look.colour, look.colour, GLASS.colour])
        return [spindle(rows, look, at=(0, y + 0.03, z), sides=12, colours=shades[:, None], crease=35),
                box((-0.012, y - 0.003, z - 0.03), (0.012, y + 0.02, z + 0.03), look)]
    return [block((-0.018, y - 0.003, z - 0.045), (0.018, y + 0.016, z + 0.045), look, radius=0.004),
            box((-0.018, y + 0.01, z - 0.04), (0.018, y + 0.055, z - 0.03), GLASS), *pair(
                box((0.016, y + 0.01, z - 0.045), (0.020, y + 0.058, z - 0.02), look)),
            box((-0.02, y + 0.053, z - 0.045), (0.02, y + 0.058, z - 0.02), look)]


def rail(look: Material, z0, z1, y, *, half=0.0105, teeth=0.02) -> List[Mesh]:
    """A toothed accessory rail from z0 (front) to z1 with its foot at *y*: one loft with notches."""
    count = max(int((z1 - z0) / teeth), 2)
    marks = np.linspace(z0, z1, 2 * count + 1)
    high = np.repeat(np.where(np.arange(2 * count) % 2 == 0, 0.009, 0.005), 2)
    z = np.repeat(marks, 2)[1:-1] + np.tile([0, -1e-4], 2 * count)
    rings = np.empty((len(z), 4, 3))
    rings[..., 0] = np.array([-half, -half, half, half])
    rings[..., 1] = y - 0.004 + np.stack([0 * high, high + 0.004, high + 0.004, 0 * high], axis=1)
    rings[..., 2] = z[:, None]
    return [loft(rings, look, crease=20)]


def bipod(look: Material, *, z, y, long=0.24, spread=0.11, forward=-0.03, folded=False) -> List[Mesh]:
    """Two legs below (*y*, *z*), down or folded forward."""
    parts = [box((-0.018, y - 0.02, z - 0.015), (0.018, y + 0.006, z + 0.015), look)]
    foot = (0.03, y - 0.02, z - long) if folded else (spread, y - long, z + forward)
    middle = 0.55 * np.array((0.014, y - 0.012, z)) + 0.45 * np.array(foot)
    parts += pair(tube([(0.014, y - 0.012, z), middle], 0.0075, look, sides=6),
                  tube([middle, foot], 0.0055, look, sides=6),
                  block(np.array(foot) - 0.009, np.array(foot) + 0.009, plain(30, 30, 30), radius=0.005))
    return parts


def front_sight(look: Material, *, z, y, high=0.03, ring=False) -> List[Mesh]:
    """A post on the barrel, with ears or a hood."""
    parts = [box((-0.003, y - 0.006, z - 0.008), (0.003, y + high, z + 0.006), look)]
    if ring:
        parts += pair(box((0.007, y + 0.35 * high, z - 0.008), (0.011, y + 1.15 * high, z + 0.004), look))
        parts.append(box((-0.011, y - 0.008, z - 0.012), (0.011, y + 0.4 * high, z + 0.012), look))
    return parts


def sling(rng, front, rear, *, sag=0.12) -> Mesh:
    """A strap hanging between two points (y, z)."""
    look = Material(varied(rng, pick(rng, ((60, 44, 30), (40, 40, 42), (96, 90, 62)))), 0.1)
    t = np.linspace(0, 1, 8)
    z = front[1] + (rear[1] - front[1]) * t
    y = front[0] + (rear[0] - front[0]) * t - 4 * sag * t * (1 - t)
    rings = [[(-0.013, y[i], z[i]), (0.013, y[i], z[i]), (0.013, y[i] - 0.004, z[i]),
              (-0.013, y[i] - 0.004, z[i])] for i in range(8)]
    return loft(rings, look)


def profile(points: Sequence, half, look: Material) -> Mesh:
    """A flat plate cut along the outline *points* rows (z, y), 2 * *half* thick: skeleton stocks, lever loops."""
    points = np.asarray(points, np.float64)
    return extrude(points[:, ::-1], -half, half, look, axis="x")


def optic(rng, metal, y, z, *, chance=0.6) -> List[Mesh]:
    kind = rng.random()
    if kind > chance:
        return []
    if kind < 0.4 * chance:
        return scope(rng, z=z, y=y + rng.uniform(0.034, 0.042), long=rng.uniform(0.18, 0.28),
                     radius=rng.uniform(0.013, 0.017), mounts_to=y)
    return red_dot(rng, z=z - 0.02, y=y)


def stock(rng, kind, look, metal, z, *, y=-0.004) -> List[Mesh]:
    """A butt behind *z*: "tube" (sliding carbine stock), "solid", "folding" wire, "skeleton" or "none"."""
    if kind == "tube":
        long = rng.uniform(0.19, 0.25)
        return [spindle([(z - 0.02, 0.014), (z + long - 0.03, 0.014)], metal, at=(0, y, 0), sides=10),
                profile([(z + 0.45 * long, y + 0.018), (z + long, y + 0.022), (z + long + 0.006, y - 0.095),
                         (z + long - 0.02, y - 0.10),
                         (z + long - 0.055, y - 0.045), (z + 0.42 * long, y - 0.026)], 0.018, look),
                box((-0.019, y - 0.10, z + long - 0.012), (0.019, y + 0.026, z + long + 0.012), plain(26, 26, 27))]
    if kind == "solid":
        long = rng.uniform(0.25, 0.29)
        drop = rng.uniform(0.02, 0.05)
        return [body([(z - 0.01, 0.016, y + 0.016, y - 0.022), (z + 0.05, 0.015, y + 0.014, y - 0.03),
                      (z + 0.12, 0.017, y + 0.008 - 0.3 * drop, y - 0.05),
                      (z + long, 0.019, y + 0.004 - drop, y - 0.105 - drop)], look, cap=(0.08, 0.08, 0.08))]
    if kind == "folding":
        long = rng.uniform(0.22, 0.27)
        path = [(0.012, y, z), (0.012, y - 0.005, z + long), (0.012, y - 0.10, z + long + 0.012),
                (0.012, y - 0.075, z + long - 0.03), (0.012, y - 0.02, z + 0.01)]
        return pair(tube(path, 0.006, metal, sides=6)) + [box((-0.017, y - 0.10, z + long),
                                                              (0.017, y + 0.006, z + long + 0.014), metal)]
    if kind == "skeleton":
        long = rng.uniform(0.23, 0.28)
        return [profile([(z - 0.01, y + 0.02), (z + long, y + 0.012), (z + long, y - 0.014), (z, y - 0.012)], 0.013,
                        look),
                profile([(z + 0.012, y - 0.005), (z + 0.03, y - 0.026), (z + long, y - 0.10), (z + long, y - 0.125),
                         (z + 0.02, y - 0.045), (z - 0.005, y - 0.02)],
                        0.011, look),
                box((-0.018, y - 0.125, z + long - 0.014), (0.018, y + 0.016, z + long + 0.01), plain(28, 28, 29))]
    return []
