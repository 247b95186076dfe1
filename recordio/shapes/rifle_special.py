"""Shapes, other military long guns: bullpups, submachine guns, sniper rifles, machine guns. Frame as rifle_parts."""
from __future__ import annotations

from typing import List

from recordio.geometry.mesh import Mesh
from recordio.shapes.lofts import block, spindle
from recordio.shapes.materials import pick, plain
from recordio.shapes.primitives import box, tube
from recordio.shapes.rifle_parts import (
    BRASS,
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
    red_dot,
    scope,
    steel,
    stock,
    timber,
    trigger,
)


def bullpup(rng) -> List[Mesh]:
    """Magazine behind the grip: AUG, FAMAS, SA80, Tavor."""
    metal, look = steel(rng), polymer(rng)
    long = rng.uniform(0.26, 0.36)
    parts = [barrel(long, 0.0095, metal), *muzzle_device(rng, -long, 0.011, metal)]
    high = rng.uniform(0.03, 0.042)
    parts.append(body([(-0.10, 0.016, 0.02, -0.022), (-0.06, 0.021, 0.026, -0.03), (0.06, 0.023, high, -0.04),
                       (0.12, 0.022, high, -0.045), (0.30, 0.023, high, -0.058),
                       (0.40, 0.023, high - 0.006, -0.085), (0.455, 0.022, high - 0.01,
                                                             -0.115)], look, exponent=4, stations=10, cap=(0.08, 0.08,
                                                                     0.08)))
    zg = rng.uniform(0.07, 0.10)
    parts.append(pistol_grip(look, z=zg, y=-0.035, long=0.095, slant=0.03, deep=0.045))
    if rng.random() < 0.5:  # hand guard down to the grip's foot
        parts.append(tube([(0, -0.035, zg - 0.11), (0, -0.10, zg - 0.085), (0, -0.128, zg - 0.02),
                           (0, -0.125, zg + 0.03)], 0.008, look, sides=6))
    parts += trigger(metal, z=zg - 0.045, y=-0.04, long=0.06)
    mag = look if rng.random() < 0.4 else metal
    parts.append(magazine(mag, z=0.24, y=-0.05, long=rng.uniform(0.12, 0.16), bend=rng.uniform(0.015, 0.035),
                          deep=0.06))
    if rng.random() < 0.4:  # fore grip
        parts.append(spindle([(-0.12, 0.013), (-0.02, 0.012)], look, axis="y", at=(0, 0, -0.05), sides=10))
    kind = rng.random()
    if kind < 0.35:  # long carrying handle
        parts.append(profile([(-0.02, high - 0.02), (0.0, high + 0.055), (0.22, high + 0.055), (0.25, high - 0.01),
                              (0.22, high - 0.005), (0.20, high + 0.036), (0.02, high + 0.036),
                              (0.01, high - 0.02)], 0.009, look))
    elif kind < 0.75:
        parts += scope(rng, z=0.08, y=high + 0.035, long=rng.uniform(0.16, 0.24), radius=0.016, mounts_to=high - 0.008)
    else:
        parts += rail(metal, -0.05, 0.2, high - 0.004) + red_dot(rng, z=0.06, y=high + 0.005)
    return parts


def machine_pistol(rng) -> List[Mesh]:
    """Submachine guns: MP5, Uzi, Thompson, Sten."""
    metal, look = steel(rng), polymer(rng)
    kind = rng.random()
    if kind < 0.35:  # MP5-like
        long = rng.uniform(0.19, 0.26)
        parts = [barrel(long, 0.010, metal, muzzle=0.9),
                 body([(0.0, 0.016, 0.026, -0.022), (0.22, 0.016, 0.026, -0.022)], metal, exponent=2.6)]
        parts.append(body([(-0.15, 0.017, 0.012, -0.026), (-0.12, 0.02, 0.014, -0.034), (0.004, 0.019, 0.012, -0.03)],
                          look, exponent=2.6))
        parts.append(spindle([(-0.16, 0.008), (0.0, 0.008)], metal, at=(0, 0.022, 0), sides=8))
        parts += front_sight(metal, z=-0.15, y=0.01, high=0.032, ring=True)
        parts.append(body([(0.09, 0.014, -0.016, -0.04), (0.23, 0.014, -0.012, -0.04)], look, exponent=4))
        parts.append(magazine(metal, z=0.04, y=-0.02, long=rng.uniform(0.15, 0.2), bend=0.04, deep=0.036, half=0.0105))
        parts.append(pistol_grip(look, z=0.185, y=-0.034, long=0.095, slant=0.03))
        parts += trigger(look, z=0.135, y=-0.038, long=0.06)
        parts += stock(rng, pick(rng, ("solid", "folding", "none", "skeleton")), look, metal, 0.22, y=0.0)
        parts += optic(rng, metal, 0.026, 0.09, chance=0.4)
    elif kind < 0.65:  # Uzi-like: box with the magazine in the grip
        parts = [barrel(rng.uniform(0.08, 0.22), 0.010, metal, muzzle=0.9),
                 block((-0.018, -0.024, -0.03), (0.018, 0.03, 0.24), metal, radius=0.006)]
        zg = rng.uniform(0.08, 0.12)
        parts.append(pistol_grip(look, z=zg, y=-0.02, long=0.10, slant=0.006, deep=0.05, half=0.017))
        parts.append(magazine(metal, z=zg + 0.006, y=-0.1, long=rng.uniform(0.05, 0.13), deep=0.032, half=0.011))
        parts += trigger(metal, z=zg - 0.055, y=-0.022, long=0.065)
        parts.append(body([(-0.035, 0.019, -0.012, -0.045), (0.035, 0.019, -0.012, -0.045)], look, exponent=4))
        parts += front_sight(metal, z=-0.015, y=0.028, high=0.022, ring=True) + front_sight(metal, z=0.21, y=0.028,
                high=0.022, ring=True)
        parts.append(spindle([(0.028, 0.007), (0.042, 0.007)], metal, axis="y", at=(0, 0, 0.09), sides=8))
        parts += stock(rng, pick(rng, ("folding", "solid", "none", "skeleton")),
                        timber(rng) if rng.random() < 0.3 else look, metal, 0.235, y=0.004)
    else:  # Thompson-like: wood, drum or stick magazine
        look = timber(rng)
        long = rng.uniform(0.26, 0.32)
        parts = [barrel(long, 0.011, metal, muzzle=0.85), *muzzle_device(rng, -long, 0.011, metal)]
        fins = [(-0.005 - 0.012 * i - d, 0.017 if k else 0.012) for i in range(8) for k,
                d in ((1, 0.0), (1, 0.005), (0, 0.0055), (0, 0.0115))]
        parts.append(spindle(fins, metal, sides=12, crease=30))
        parts.append(block((-0.019, -0.022, 0.0), (0.019, 0.026, 0.24), metal, radius=0.006))
        parts.append(block((-0.016, -0.045, 0.07), (0.016, -0.015, 0.23), metal, radius=0.005))
        if rng.random() < 0.5:
            parts.append(spindle([(-0.028, 0.062), (0.028, 0.062)], metal, at=(0, -0.072, 0.045), sides=18))
        else:
            parts.append(magazine(metal, z=0.045, y=-0.018, long=rng.uniform(0.15, 0.2), deep=0.036, half=0.011))
        parts.append(pistol_grip(look, z=0.17, y=-0.036, long=0.1, slant=0.028))
        parts += trigger(metal, z=0.12, y=-0.043, long=0.06)
        if rng.random() < 0.5:
            parts.append(pistol_grip(look, z=-0.16, y=-0.012, long=0.105, slant=0.02, deep=0.036))
        else:
            parts.append(body([(-0.26, 0.016, -0.004, -0.032), (-0.1, 0.02, 0.0, -0.036), (-0.02, 0.018, 0.0, -0.03)],
                              look))
        parts += stock(rng, "solid", look, metal, 0.235, y=-0.02)
        parts += front_sight(metal, z=-long + 0.02, y=0.008, high=0.02)
    return parts


def sniper(rng) -> List[Mesh]:
    """A precision rifle: heavy barrel, big scope, bipod, chassis or thumbhole stock."""
    metal = steel(rng)
    look = polymer(rng) if rng.random() < 0.75 else timber(rng)
    heavy = rng.random() < 0.3
    long = rng.uniform(0.60, 0.72) * (1.1 if heavy else 1)
    r = 0.016 if heavy else 0.0125
    parts = [barrel(long, r, metal, muzzle=0.75)]
    if rng.random() < 0.7:
        parts.append(body([(-long - 0.09 * (1 + heavy), 0.02 if heavy else 0.013, 0.014, -0.014),
                           (-long + 0.01, 0.016 if heavy else 0.012, 0.013, -0.013)], metal, exponent=4))
    else:
        parts.append(spindle([(-long - 0.2, 0.02), (-long + 0.02, 0.02)], metal, sides=12))
    parts.append(body([(-0.01, 0.015, 0.018, -0.02), (0.02, 0.017, 0.02, -0.02), (0.22, 0.017, 0.02, -0.02),
                       (0.27, 0.012, 0.014, -0.01)], metal, exponent=2.6))
    thumb = rng.random()
    if thumb < 0.5:  # chassis with pistol grip
        parts.append(body([(-0.30, 0.018, -0.004, -0.034), (-0.26, 0.022, 0.002, -0.045), (0.05, 0.022, 0.004, -0.055),
                           (0.24, 0.018, 0.006, -0.05)], look, exponent=4))
        parts.append(pistol_grip(look, z=0.235, y=-0.035, long=0.11, slant=0.035, deep=0.05))
        long_stock = rng.uniform(0.27, 0.31)
        z = 0.24
        parts += [profile([(z - 0.01, -0.005), (z + long_stock, -0.005), (z + long_stock, -0.05), (z + 0.14, -0.046),
                           (z, -0.048)], 0.017, look),
                  profile([(z + 0.16, -0.03), (z + long_stock, -0.03), (z + long_stock, -0.135),
                           (z + long_stock - 0.05, -0.135), (z + 0.17, -0.07)], 0.015, look),
                  block((-0.02, -0.01, z + 0.08), (0.02, 0.016, z + 0.22), look, radius=0.007),
                  block((-0.02, -0.14, z + long_stock - 0.005), (0.02, 0.004, z + long_stock + 0.018),
                              plain(28, 28, 29), radius=0.006)]
    else:
        parts.append(body([(-0.32, 0.017, 0.0, -0.03), (-0.28, 0.024, 0.002, -0.042), (0.0, 0.024, 0.006, -0.05),
                           (0.18, 0.022, 0.006, -0.052), (0.245, 0.018, 0.006, -0.068),
                           (0.31, 0.02, 0.0, -0.09), (0.36, 0.022, 0.006, -0.1), (0.54, 0.022, -0.002,
                                   -0.145)], look, stations=18, cap=(0.1, 0.1, 0.1)))
        parts.append(pistol_grip(look, z=0.245, y=-0.045, long=0.09, slant=0.03, deep=0.048, half=0.017))
    parts += trigger(metal, z=0.185, y=-0.05, long=0.07)
    parts.append(magazine(metal, z=0.085, y=-0.045, long=rng.uniform(0.04, 0.09), deep=0.085, half=0.013))
    parts += rail(metal, -0.02, 0.24, 0.018)
    parts += scope(rng, z=0.10, y=0.062 + 0.006 * heavy, long=rng.uniform(0.32, 0.42),
                   radius=rng.uniform(0.015, 0.018), mounts_to=0.025)
    parts += bipod(metal, z=-0.27, y=-0.036, long=rng.uniform(0.2, 0.27), folded=rng.random() < 0.25)
    parts.append(tube([(0.012, 0.0, 0.22), (0.045, -0.012, 0.225), (0.06, -0.03, 0.23)], 0.0055, metal, sides=6))
    return parts


def machine_gun(rng) -> List[Mesh]:
    """A light machine gun on a bipod, box, belt or pan fed."""
    metal = steel(rng)
    look = polymer(rng) if rng.random() < 0.5 else timber(rng)
    long = rng.uniform(0.46, 0.58)
    parts = [barrel(long, 0.0125, metal, muzzle=0.85), *muzzle_device(rng, -long, 0.012, metal)]
    parts.append(spindle([(-0.32, 0.0085), (0.0, 0.0085)], metal, at=(0, -0.028, 0), sides=8))
    parts.append(box((-0.009, -0.036, -0.33), (0.009, 0.008, -0.30), metal))
    parts.append(body([(-0.02, 0.018, 0.03, -0.036), (0.0, 0.022, 0.036, -0.04), (0.18, 0.022, 0.036, -0.04),
                       (0.27, 0.02, 0.03, -0.036)], metal, exponent=5))
    parts.append(body([(0.02, 0.023, 0.052, 0.02), (0.17, 0.023, 0.048, 0.02)], metal, exponent=4))
    if rng.random() < 0.7:
        parts.append(body([(-0.24, 0.017, -0.014, -0.046), (-0.02, 0.021, -0.008, -0.05)], look, exponent=3))
    kind = rng.random()
    if kind < 0.45:
        parts.append(block((-0.085, -0.15, 0.01), (0.03, -0.02, 0.12),
                                 pick(rng, (plain(74, 80, 58), plain(40, 40, 42), metal)), radius=0.012))
        for i in range(4):
            parts.append(spindle([(-0.045, 0.006), (0.02, 0.006), (0.035, 0.003)], BRASS,
                                 at=(-0.03 - 0.016 * i, 0.02 - 0.012 * i * i, 0.06), sides=6))
    elif kind < 0.7:
        parts.append(spindle([(0.045, 0.085), (0.075, 0.085)], metal, axis="y", at=(0, 0, 0.09), sides=20))
    else:
        parts.append(magazine(metal, z=0.07, y=-0.03, long=0.19, bend=0.06, deep=0.055, half=0.013))
    parts.append(pistol_grip(look, z=0.225, y=-0.034, long=0.1, slant=0.03))
    parts += trigger(metal, z=0.17, y=-0.04, long=0.065)
    parts += stock(rng, pick(rng, ("solid", "solid", "skeleton")), look, metal, 0.26, y=-0.004)
    parts += bipod(metal, z=rng.uniform(-0.42, -0.32), y=-0.006, long=rng.uniform(0.22, 0.28), spread=0.13)
    parts += front_sight(metal, z=-long + 0.06, y=0.010, high=0.04, ring=True)
    if rng.random() < 0.5:  # carrying handle
        parts.append(tube([(0.0, 0.005, -0.12), (0.02, 0.05, -0.11), (0.02, 0.07, -0.08), (0.02, 0.07, 0.0)], 0.006,
                          metal, sides=6))
    if rng.random() < 0.3:
        parts += optic(rng, metal, 0.05, 0.1, chance=1.0)
    return parts
