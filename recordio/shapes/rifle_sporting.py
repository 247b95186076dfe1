"""Shapes, sporting and old long guns. Metres, muzzle at -z, bore at y = 0, breech at z = 0."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.lofts import block, spindle
from recordio.shapes.materials import pick, plain
from recordio.shapes.placing import moved, pair
from recordio.shapes.primitives import box, tube
from recordio.shapes.rifle_parts import (
    BRASS,
    barrel,
    bipod,
    body,
    front_sight,
    magazine,
    pistol_grip,
    polymer,
    profile,
    scope,
    sling,
    steel,
    stock,
    timber,
    trigger,
)

RUBBER = plain(40, 26, 24, gloss=0.05)


def _classic_stock(rng, look, *, fore=0.30, comb=0.0, drop=None, tip=None) -> List[Mesh]:
    """A one-piece stock: fore-end, wrist, butt with a rubber pad; *comb* raises a cheek piece."""
    drop = rng.uniform(0.012, 0.032) if drop is None else drop
    long = rng.uniform(0.48, 0.54)
    parts = [body([(-fore, 0.012, -0.002, -0.02), (-fore + 0.03, 0.017, 0.002, -0.026), (-0.12, 0.021, 0.006, -0.034),
                   (0.03, 0.023, 0.008, -0.042), (0.15, 0.021, 0.008, -0.042),
                   (0.205, 0.017, 0.010, -0.046), (0.25, 0.0175, 0.004 - 0.2 * drop, -0.068), (0.29, 0.019,
                           0.004 - 0.4 * drop + comb, -0.078),
                   (0.36, 0.021, -0.002 - 0.6 * drop + comb, -0.092), (long, 0.021, -0.008 - drop,
                                                                       -0.132)], look, exponent=2.6, stations=20)]
    parts.append(body([(long - 0.002, 0.021, -0.008 - drop, -0.132), (long + 0.018, 0.02, -0.009 - drop, -0.133)],
                      RUBBER, exponent=2.6))
    if tip is not None:
        parts.append(body([(-fore - 0.025, 0.009, -0.004, -0.017), (-fore + 0.002, 0.0135, 0.0, -0.022)], tip,
                          exponent=2.4))
    return parts


def hunting_rifle(rng) -> List[Mesh]:
    """A bolt-action rifle with a wooden stock, usually with a scope."""
    metal = steel(rng)
    look = timber(rng) if rng.random() < 0.8 else polymer(rng)
    long = rng.uniform(0.52, 0.64)
    r = rng.uniform(0.0105, 0.013)
    parts = [barrel(long, r, metal, muzzle=0.62)]
    parts += _classic_stock(rng, look, fore=rng.uniform(0.24, 0.40), comb=rng.uniform(0.0, 0.016),
                            tip=plain(30, 26, 24) if rng.random() < 0.5 else None)
    parts.append(body([(-0.01, 0.013, 0.016, -0.016), (0.03, 0.0155, 0.018, -0.016), (0.17, 0.0155, 0.018, -0.016),
                       (0.22, 0.010, 0.012, -0.004)], metal, exponent=2.4))
    parts.append(tube([(0.012, 0.004, 0.185), (0.034, -0.006, 0.188), (0.052, -0.026, 0.195)], 0.005, metal, sides=6))
    parts.append(spindle([(-0.009, 0.0), (-0.006, 0.007), (0.0, 0.0095), (0.006, 0.007), (0.009, 0.0)], metal,
                         at=(0.054, -0.03, 0.196), sides=8))
    parts += trigger(metal, z=0.165, y=-0.042, long=0.075)
    if rng.random() < 0.3:
        parts.append(magazine(metal, z=0.075, y=-0.04, long=rng.uniform(0.02, 0.06), deep=0.07, half=0.013))
    if rng.random() < 0.85:
        parts += scope(rng, z=0.09, y=rng.uniform(0.05, 0.058), long=rng.uniform(0.28, 0.36),
                       radius=rng.uniform(0.0125, 0.016), mounts_to=0.016)
    else:
        parts += front_sight(metal, z=-long + 0.02, y=r * 0.6, high=0.018)
        parts.append(box((-0.009, 0.008, -0.12), (0.009, 0.024, -0.10), metal))
    if rng.random() < 0.25:
        parts.append(sling(rng, (-0.03, -0.28), (-0.115, 0.44), sag=rng.uniform(0.04, 0.1)))
    if rng.random() < 0.12:
        parts += bipod(metal, z=-0.26, y=-0.022, long=0.22)
    return parts


def pump_shotgun(rng) -> List[Mesh]:
    """A repeating shotgun: tube magazine under the barrel, sliding fore-end."""
    metal = steel(rng)
    look = timber(rng) if rng.random() < 0.5 else polymer(rng)
    long = rng.uniform(0.46, 0.70)
    r = 0.0115
    parts = [barrel(long, r, metal, muzzle=0.92)]
    mag_long = rng.uniform(0.55, 0.98) * long
    parts.append(spindle([(0.0, 0.0115), (-mag_long, 0.0115), (-mag_long - 0.01, 0.008)], metal, at=(0, -0.0255, 0),
                         sides=12))
    parts.append(box((-0.006, -0.03, -mag_long * 0.97), (0.006, 0.0, -mag_long * 0.97 + 0.02), metal))
    parts.append(body([(-0.005, 0.014, 0.014, -0.036), (0.02, 0.0175, 0.018, -0.042), (0.17, 0.0175, 0.018, -0.044),
                       (0.215, 0.015, 0.002, -0.04)], metal, exponent=4))
    z1 = -rng.uniform(0.08, 0.2)
    z0 = z1 - rng.uniform(0.16, 0.2)
    rows = [(z0, 0.015, -0.009, -0.042)]
    for i in range(6):
        z = z0 + (z1 - z0) * (i + 0.5) / 6
        rows += [(z - 0.011, 0.019, -0.006, -0.047), (z + 0.006, 0.0205, -0.005, -0.049)]
    rows.append((z1, 0.015, -0.009, -0.042))
    parts.append(body(rows, look, exponent=2.8))
    parts += trigger(metal, z=0.15, y=-0.043, long=0.07)
    if rng.random() < 0.25:  # pistol grip, with or without a butt
        parts.append(pistol_grip(look, z=0.205, y=-0.02, long=0.11, slant=0.05, deep=0.044))
        parts += stock(rng, pick(rng, ("folding", "none", "tube", "skeleton")), look, metal, 0.205, y=-0.008)
    else:
        parts.append(body([(0.20, 0.016, 0.006, -0.04), (0.235, 0.016, -0.004, -0.05), (0.29, 0.018, -0.018, -0.075),
                           (0.38, 0.02, -0.024, -0.094), (0.50, 0.021, -0.034, -0.145)],
                          look, exponent=2.6, stations=9))
        parts.append(body([(0.498, 0.021, -0.034, -0.145), (0.516, 0.02, -0.034, -0.146)], RUBBER, exponent=2.6))
    parts.append(spindle([(-0.004, 0.0), (0.0, 0.004), (0.004, 0.0)], BRASS, at=(0, r + 0.002, -long + 0.01), sides=6))
    if rng.random() < 0.4:
        parts.append(box((-0.004, r * 0.8, -long + 0.005), (0.004, r + 0.007, 0.0), metal))
    if rng.random() < 0.3:  # spare shells on the receiver's side
        for i in range(5):
            parts.append(spindle([(-0.032, 0.0095), (0.014, 0.0095), (0.0141, 0.0105), (0.03, 0.0105)],
                                 plain(190, 30, 30), axis="y", at=(-0.026, -0.014, 0.03 + 0.024 * i), sides=8,
                                 colours=np.array([BRASS.colour, BRASS.colour, (0.7, 0.1, 0.1)])[:, None]))
    return parts


def double_shotgun(rng) -> List[Mesh]:
    """Two barrels side by side or over and under, hinged, with a slim stock; sometimes sawn off."""
    metal, look = steel(rng), timber(rng)
    over = rng.random() < 0.5
    long = rng.uniform(0.62, 0.76) if rng.random() < 0.8 else rng.uniform(0.28, 0.4)
    r = 0.0115
    spots = [(0.0, 0.0), (0.0, -0.023)] if over else [(-0.0115, 0.0), (0.0115, 0.0)]
    parts = [moved(barrel(long, r, metal, muzzle=0.9), x, y) for x, y in spots]
    low = -0.034 if over else -0.012
    silver = plain(180, 176, 166, gloss=0.8) if rng.random() < 0.4 else metal
    parts.append(body([(-0.03, 0.015 if over else 0.022, 0.008, low - 0.006),
                       (0.0, 0.018 if over else 0.024, 0.015, low - 0.02), (0.06, 0.018 if over else 0.022, 0.015,
                                                                            low - 0.024),
                       (0.10, 0.016, 0.008, low - 0.014)], silver, exponent=3.5))
    parts.append(body([(-0.27, 0.012, low + 0.006, low - 0.012), (-0.24, 0.018, low + 0.012, low - 0.018),
                       (-0.1, 0.021, low + 0.014, low - 0.024), (-0.02, 0.018, low + 0.014, low - 0.022)],
                      look, exponent=2.5))
    drop = rng.uniform(0.015, 0.035)
    parts.append(body([(0.085, 0.0165, 0.010, low - 0.016), (0.14, 0.015, 0.0, low - 0.018),
                       (0.19, 0.0165, -0.008, -0.064), (0.25, 0.0185, -0.012 - 0.4 * drop, -0.074),
                       (0.44, 0.0205, -0.02 - drop, -0.125)], look, exponent=2.4, stations=10))
    parts.append(body([(0.438, 0.0205, -0.02 - drop, -0.125), (0.456, 0.02, -0.02 - drop, -0.126)], RUBBER,
                      exponent=2.4))
    parts += trigger(metal, z=0.115, y=low - 0.014, long=0.075)
    parts.append(box((-0.0035, r * 0.8 if over else 0.002, -long + 0.004), (0.0035, r + 0.006, 0.0), metal))
    parts.append(tube([(0, 0.015, 0.05), (0.004, 0.02, 0.075)], 0.004, metal, sides=5))
    parts.append(spindle([(-0.004, 0.0), (0.0, 0.0035), (0.004, 0.0)], BRASS, at=(0, r + 0.007, -long + 0.012),
                         sides=6))
    if not over and rng.random() < 0.5:
        parts += pair(tube([(0.012, 0.01, 0.075), (0.014, 0.03, 0.085), (0.014, 0.034, 0.1)], 0.0035, metal, sides=5))
    return parts


def lever_rifle(rng) -> List[Mesh]:
    """A western lever-action carbine."""
    metal, look = steel(rng), timber(rng)
    long = rng.uniform(0.42, 0.62)
    receiver = pick(rng, (metal, metal, BRASS, plain(150, 140, 130, gloss=0.6)))
    parts = [barrel(long, 0.0105, metal, muzzle=0.85)]
    parts.append(spindle([(0.0, 0.0095), (-long * rng.uniform(0.9, 0.98), 0.0095)], metal, at=(0, -0.022, 0), sides=12))
    parts.append(body([(0.0, 0.0155, 0.014, -0.04), (0.02, 0.0165, 0.02, -0.044), (0.15, 0.0165, 0.022, -0.044),
                       (0.19, 0.0145, 0.004, -0.036)], receiver, exponent=5))
    fore = rng.uniform(0.2, 0.28)
    parts.append(body([(-fore, 0.015, -0.002, -0.036), (-fore * 0.5, 0.0185, 0.0, -0.041),
                       (0.004, 0.017, 0.0, -0.041)], look, exponent=2.8))
    for z in (-fore - 0.005, -long * 0.86):
        parts.append(body([(z - 0.012, 0.0135, 0.0125, -0.0335), (z + 0.006, 0.0135, 0.0125, -0.0335)], metal,
                          exponent=2.2))
    parts.append(body([(0.175, 0.0155, 0.006, -0.038), (0.215, 0.015, -0.004, -0.044), (0.27, 0.017, -0.02, -0.068),
                       (0.34, 0.019, -0.028, -0.09), (0.47, 0.0205, -0.046, -0.142)],
                      look, exponent=2.4, stations=9, cap=[look.colour, metal.colour]))
    if rng.random() < 0.5:  # brass butt plate
        parts.append(body([(0.468, 0.021, -0.0455, -0.1425), (0.475, 0.021, -0.0455, -0.1425)], BRASS, exponent=2.4))
    wide = rng.uniform(0.09, 0.13)
    deep = rng.uniform(0.034, 0.052)
    y = -0.043
    loop = [(0, y + 0.006, 0.06), (0, y - 0.5 * deep, 0.07), (0, y - 0.85 * deep, 0.10), (0, y - 0.4 * deep, 0.13),
            (0, y - 0.55 * deep, 0.145), (0, y - deep, 0.15 + 0.25 * wide),
            (0, y - 1.05 * deep, 0.15 + 0.7 * wide), (0, y - 0.7 * deep, 0.15 + wide), (0, y - 0.25 * deep,
                    0.15 + 0.6 * wide), (0, y + 0.002, 0.15)]
    parts.append(tube(loop, 0.0042, metal if receiver is metal else receiver, sides=6))
    parts.append(tube([(0, y + 0.004, 0.1), (0, y - 0.6 * deep, 0.094)], 0.003, metal, sides=5))
    parts.append(tube([(0, 0.016, 0.155), (0, 0.028, 0.17), (0, 0.03, 0.18)], 0.0045, metal, sides=5))
    parts += front_sight(metal, z=-long + 0.02, y=0.008, high=0.016)
    parts.append(box((-0.008, 0.007, -0.1), (0.008, 0.02, -0.085), metal))
    if rng.random() < 0.15:
        parts += scope(rng, z=0.06, y=0.05, long=0.28, radius=0.012, mounts_to=0.018)
    return parts


def musket(rng) -> List[Mesh]:
    """A muzzle-loader or an early army rifle: full stock to near the muzzle, bands, lock, ramrod, bayonet."""
    metal = steel(rng) if rng.random() < 0.5 else plain(150, 152, 154, gloss=0.7)
    look = timber(rng)
    bright = BRASS if rng.random() < 0.6 else metal
    long = rng.uniform(0.72, 1.0)
    parts = [barrel(long, 0.0125, metal, muzzle=0.72)]
    fore = long - rng.uniform(0.06, 0.14)
    drop = rng.uniform(0.03, 0.055)
    parts.append(body([(-fore, 0.012, 0.002, -0.019), (-fore * 0.6, 0.015, 0.004, -0.024),
                       (-0.1, 0.0185, 0.004, -0.034), (0.04, 0.019, 0.008, -0.04), (0.09, 0.016, 0.006, -0.036),
                       (0.15, 0.016, -0.016, -0.056), (0.2, 0.019, -0.02, -0.08), (0.40, 0.0225, -0.022 - drop,
                               -0.135 - 0.3 * drop)], look, exponent=2.5, stations=18,
                      cap=[look.colour, bright.colour]))
    for share in (0.3, 0.62, 0.96):
        z = -fore * share
        parts.append(body([(z - 0.011, 0.0155 - 0.002 * share, 0.0135, -0.029 + 0.008 * share),
                           (z + 0.011, 0.0155 - 0.002 * share, 0.0135, -0.029 + 0.008 * share)], bright, exponent=2.3))
    parts.append(spindle([(-long * 0.98, 0.004), (-0.1, 0.0035)], metal, at=(0, -0.024, 0), sides=6))
    parts.append(block((0.014, -0.02, -0.03), (0.0225, 0.006, 0.10), metal, radius=0.0025))
    parts.append(tube([(0.023, -0.004, 0.05), (0.024, 0.024, 0.055), (0.022, 0.04, 0.04), (0.02, 0.036, 0.028)], 0.005,
                      metal, sides=6))
    parts.append(tube([(0.022, 0.0, 0.008), (0.023, 0.026, 0.0)], 0.005, metal, sides=5))
    parts += trigger(bright, z=0.085, y=-0.038, long=0.1, deep=0.026)
    if rng.random() < 0.45:
        steel_blade = plain(176, 178, 182, gloss=0.8)
        z = -long
        parts.append(profile([(z + 0.03, -0.014), (z - 0.02, -0.024), (z - 0.34, -0.022), (z - 0.40, -0.028),
                              (z - 0.34, -0.034), (z - 0.02, -0.034), (z + 0.03, -0.024)], 0.004, steel_blade))
        parts.append(spindle([(z + 0.05, 0.0125), (z - 0.01, 0.0125)], steel_blade, sides=10))
        parts.append(box((-0.005, -0.03, z + 0.005), (0.005, -0.006, z + 0.02), steel_blade))
    if rng.random() < 0.25:
        parts.append(sling(rng, (-0.025, -fore * 0.62), (-0.05, 0.03), sag=0.06))
    return parts
