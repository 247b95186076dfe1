"""Shapes, assault and battle rifles. Metres, muzzle at -z, bore at y = 0, breech at z = 0."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.lofts import spindle
from recordio.shapes.materials import Material, pick, plain
from recordio.shapes.placing import pair
from recordio.shapes.primitives import box, tube
from recordio.shapes.rifle_parts import (
    barrel,
    bipod,
    body,
    front_sight,
    magazine,
    muzzle_device,
    optic,
    pistol_grip,
    polymer,
    profile,
    rail,
    scope,
    sling,
    steel,
    stock,
    timber,
    trigger,
)


def carbine(rng) -> List[Mesh]:
    """The AR-15 / M4 family."""
    metal, look = steel(rng), polymer(rng)
    tan = look if rng.random() < 0.3 else Material(metal.colour, 0.2)
    long = rng.uniform(0.30, 0.52)
    guard = rng.uniform(0.18, 0.30) if long < 0.45 else rng.uniform(0.28, 0.36)
    guard = min(guard, long - 0.06)
    top = 0.036
    parts = [barrel(long, 0.0095, metal), *muzzle_device(rng, -long, 0.011, metal)]
    parts.append(body([(0.0, 0.014, 0.02, -0.022), (0.01, 0.0155, 0.026, -0.026), (0.17, 0.0155, 0.026, -0.026),
                       (0.19, 0.014, 0.018, -0.02)], tan, exponent=5))
    parts.append(body([(0.012, 0.0135, -0.015, -0.06), (0.07, 0.0135, -0.015, -0.058), (0.085, 0.0125, -0.015, -0.042),
                       (0.20, 0.0125, -0.01, -0.042)], tan, exponent=6))
    grip_look = look
    parts.append(pistol_grip(grip_look, z=0.175, y=-0.036, long=rng.uniform(0.09, 0.105), slant=0.04, deep=0.042))
    parts += trigger(metal, z=0.115, y=-0.042)
    style = rng.random()
    if style < 0.45:  # rails all round
        parts.append(body([(-guard, 0.02, 0.024, -0.026), (0.002, 0.02, 0.024, -0.026)], tan, exponent=5))
        parts += rail(tan, -guard, 0.0, 0.025) + pair(*[mesh.transformed(_quarter()) for mesh in rail(tan,
                -guard + 0.02, -0.02, 0.02)])
    elif style < 0.8:  # round ribbed guard
        rows = [(0.002, 0.026, 0.028, -0.03)]
        count = 7
        for i in range(count):
            z = -guard * (i + 0.5) / count
            grow = 1 - 0.12 * i / count
            rows += [(z + 0.3 * guard / count, 0.026 * grow, 0.028 * grow, -0.03 * grow),
                     (z - 0.3 * guard / count, 0.0235 * grow, 0.0255 * grow, -0.0275 * grow)]
        rows.append((-guard, 0.02, 0.021, -0.022))
        parts.append(body(rows[::-1], look, exponent=2.3))
    else:  # slim octagon
        parts.append(body([(-guard, 0.019, 0.022, -0.022), (0.002, 0.021, 0.024, -0.024)], look, exponent=3.5, sides=8,
                          crease=20))
    if rng.random() < 0.25:  # carrying handle
        parts.append(profile([(0.01, 0.022), (0.03, 0.062), (0.17, 0.066), (0.19, 0.022), (0.165, 0.026),
                              (0.155, 0.052), (0.045, 0.05), (0.035, 0.026)], 0.008, tan))
    else:
        parts += rail(tan, 0.005, 0.185, 0.025)
        parts += optic(rng, metal, top, 0.07, chance=0.75)
    parts += front_sight(metal, z=-guard - 0.015, y=0.008, high=0.05, ring=True) if style >= 0.45 else []
    kind = pick(rng, ("curved", "curved", "straight", "drum"), 1.2)
    mag = look if rng.random() < 0.5 else metal
    if kind == "drum":
        parts.append(spindle([(-0.03, 0.05), (0.03, 0.05)], mag, at=(0, -0.125, 0.042), sides=16))
        parts.append(magazine(mag, z=0.042, y=-0.05, long=0.06))
    else:
        parts.append(magazine(mag, z=0.042, y=-0.05, long=rng.uniform(0.10, 0.15) if kind == "curved" else 0.085,
                              bend=0.028 if kind == "curved" else 0.0, deep=0.058))
    if rng.random() < 0.3:  # fore grip
        parts.append(spindle([(-0.115, 0.012), (-0.10, 0.014), (-0.02, 0.013)], look, axis="y",
                             at=(0, 0, -0.6 * guard), sides=10))
    if rng.random() < 0.15:  # grenade launcher
        parts.append(spindle([(-0.02, 0.021), (-guard - 0.03, 0.021)], metal, at=(0, -0.052, 0), sides=12))
        parts.append(box((-0.01, -0.05, -guard * 0.9), (0.01, -0.01, -0.04), metal))
    parts += stock(rng, pick(rng, ("tube", "tube", "solid", "skeleton")), look, metal, 0.19)
    if rng.random() < 0.12:
        parts += bipod(metal, z=-guard + 0.02, y=-0.022)
    return parts


def _quarter():
    """A quarter turn about z that lays the top onto the side."""
    turn = np.eye(4)
    turn[:2, :2] = [[0, 1], [-1, 0]]
    return turn


def kalashnikov(rng) -> List[Mesh]:
    """The AK family: banana magazine, gas tube over the barrel, wooden or plastic furniture."""
    metal = Material(tuple(np.array((0.16, 0.16, 0.17)) * rng.uniform(0.7, 1.5)), 0.4)
    look = timber(rng) if rng.random() < 0.65 else polymer(rng)
    if rng.random() < 0.3:  # the reddish laminate
        base = timber(rng)
        look = Material((0.55, 0.26, 0.12), 0.5, base.texture, base.scale)
    long = rng.uniform(0.36, 0.43) if rng.random() < 0.8 else 0.28
    parts = [barrel(long, 0.0085, metal, muzzle=0.9)]
    parts.append(spindle([(-long - 0.035 * (rng.random() < 0.6) - 0.012, 0.0105), (-long + 0.02, 0.0105)], metal,
                         sides=10))
    parts.append(body([(0.0, 0.016, 0.024, -0.034), (0.012, 0.0165, 0.028, -0.036), (0.20, 0.0165, 0.028, -0.036),
                       (0.235, 0.0155, 0.012, -0.034)], metal, exponent=5))
    parts.append(body([(-0.005, 0.0135, 0.04, 0.02), (0.02, 0.0150, 0.044, 0.02), (0.20, 0.0150, 0.042, 0.02),
                       (0.232, 0.012, 0.02, 0.0)], metal, exponent=2.6))
    guard = min(rng.uniform(0.17, 0.20), long - 0.12)
    parts.append(body([(-guard, 0.017, 0.006, -0.024), (-guard * 0.9, 0.0205, 0.008, -0.03),
                       (-guard * 0.35, 0.022, 0.008, -0.034), (0.004, 0.0165, 0.008, -0.03)], look, exponent=3))
    parts.append(body([(-guard, 0.011, 0.042, 0.012), (-guard * 0.5, 0.0135, 0.046, 0.01),
                       (-0.012, 0.0125, 0.044, 0.012)], look, exponent=2.4))
    parts.append(spindle([(-guard - 0.07, 0.009), (-guard, 0.009)], metal, at=(0, 0.026, 0), sides=10))
    parts.append(box((-0.009, -0.008, -guard - 0.085), (0.009, 0.036, -guard - 0.06), metal))
    parts += front_sight(metal, z=-long + 0.035, y=0.006, high=0.045, ring=True)
    parts.append(box((-0.009, 0.04, -0.045), (0.009, 0.056, 0.012), metal))
    parts.append(pistol_grip(look if rng.random() < 0.6 else polymer(rng), z=0.185, y=-0.03, long=0.095, slant=0.032,
                             deep=0.038))
    parts += trigger(metal, z=0.135, y=-0.036, long=0.07)
    mag = pick(rng, (metal, metal, Material((0.50, 0.24, 0.12), 0.5), plain(34, 34, 36)))
    if rng.random() < 0.08:
        parts.append(spindle([(-0.035, 0.06), (0.035, 0.06)], mag, at=(0, -0.12, 0.05), sides=16))
        parts.append(magazine(mag, z=0.05, y=-0.03, long=0.05))
    else:
        parts.append(magazine(mag, z=0.055, y=-0.03, long=rng.uniform(0.15, 0.20), bend=rng.uniform(0.06, 0.09),
                              deep=0.055, half=0.0125))
    parts += stock(rng, pick(rng, ("solid", "solid", "solid", "folding", "skeleton")), look, metal, 0.225, y=-0.012)
    parts.append(tube([(0.012, 0.012, 0.09), (0.04, 0.012, 0.09)], 0.004, metal, sides=5))
    if rng.random() < 0.25:
        parts += optic(rng, metal, 0.048, 0.09, chance=1.0)
    if rng.random() < 0.2:  # bayonet
        parts.append(profile([(-long + 0.03, -0.012), (-long - 0.14, -0.014), (-long - 0.17, -0.022),
                              (-long - 0.14, -0.034), (-long + 0.03, -0.034)], 0.003, plain(170, 172, 176, gloss=0.8)))
        parts.append(box((-0.005, -0.03, -long + 0.0), (0.005, 0.0, -long + 0.02), metal))
    if rng.random() < 0.15:
        parts.append(sling(rng, (-0.03, -guard), (-0.08, 0.44)))
    return parts


def battle_rifle(rng) -> List[Mesh]:
    """Self-loading rifles with full stocks: M14, FAL, G3, M1."""
    metal, look = steel(rng), timber(rng) if rng.random() < 0.6 else polymer(rng)
    long = rng.uniform(0.50, 0.60)
    parts = [barrel(long, 0.009, metal), *muzzle_device(rng, -long, 0.010, metal)]
    if rng.random() < 0.55:  # one-piece stock
        parts.append(body([(-0.32, 0.017, 0.004, -0.026), (-0.2, 0.021, 0.008, -0.032), (0.0, 0.022, 0.008, -0.038),
                           (0.16, 0.021, 0.010, -0.04), (0.20, 0.017, 0.012, -0.048),
                           (0.25, 0.017, -0.004, -0.066), (0.33, 0.018, -0.016, -0.088), (0.50, 0.021, -0.034,
                                   -0.145)], look, stations=16, cap=(0.12, 0.12, 0.12)))
        parts.append(body([(-0.02, 0.012, 0.026, 0.0), (0.0, 0.016, 0.034, -0.01), (0.14, 0.016, 0.034, -0.01),
                           (0.19, 0.012, 0.022, -0.01)], metal, exponent=4))
        parts += trigger(metal, z=0.155, y=-0.042)
    else:
        parts.append(body([(0.0, 0.016, 0.034, -0.038), (0.21, 0.016, 0.034, -0.038), (0.235, 0.014, 0.02, -0.036)],
                          metal, exponent=5))
        parts.append(body([(-0.25, 0.018, 0.016, -0.024), (0.004, 0.021, 0.022, -0.03)], look, exponent=3))
        parts.append(spindle([(-0.40, 0.007), (0.0, 0.007)], metal, at=(0, 0.024, 0), sides=8))
        parts.append(box((-0.008, -0.01, -0.42), (0.008, 0.034, -0.39), metal))
        parts.append(pistol_grip(look, z=0.195, y=-0.032, long=0.1, slant=0.035))
        parts += trigger(metal, z=0.14, y=-0.038)
        parts += stock(rng, pick(rng, ("solid", "solid", "skeleton")), look, metal, 0.228, y=-0.008)
    parts.append(magazine(metal, z=0.05, y=-0.034, long=rng.uniform(0.075, 0.13), deep=0.075, half=0.0125, bend=0.008))
    parts += front_sight(metal, z=-long + 0.05, y=0.007, high=0.028, ring=True)
    parts.append(box((-0.012, 0.03, 0.15), (0.012, 0.052, 0.175), metal))
    if rng.random() < 0.3:
        parts += scope(rng, z=0.08, y=0.072, long=0.26, mounts_to=0.03)
    if rng.random() < 0.2:
        parts += bipod(metal, z=-0.36, y=-0.004)
    return parts
