"""Shapes, class chair: industrial ones, the office swivel chair, moulded shells, cantilevers and bent plywood."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes import materials
from recordio.shapes.furniture import four_legs, star_base, upholstery
from recordio.shapes.materials import pick
from recordio.shapes.outlines import curve, filleted
from recordio.shapes.placing import moved, pair, turned
from recordio.shapes.primitives import bar, box, cushion, cylinder, lathe, rounded_box, sheet, tube


def swivel_chair(rng: np.random.Generator) -> List[Mesh]:
    """An office chair: star base on castors, gas column, padded or mesh back, armrests and headrest at times."""
    metal = materials.metal(rng, pick(rng, ("black", "chrome", "grey", "white", "steel")))
    shell = materials.plastic(rng, pick(rng, ((32, 32, 34), (32, 32, 34), (150, 150, 152), (232, 232, 230))))
    cover = upholstery(rng)
    seat, width, depth = rng.uniform(0.44, 0.54), rng.uniform(0.44, 0.54), rng.uniform(0.44, 0.50)
    thick = rng.uniform(0.06, 0.11)
    parts = star_base(rng, rng.uniform(0.27, 0.33), seat - thick, metal, count=int(rng.choice([5, 5, 5, 4])),
                      castors=rng.random() < 0.85)
    parts += [box((-0.1, seat - thick - 0.03, -0.1), (0.1, seat - thick + 0.02, 0.12), shell),
              cushion((-width / 2, seat - thick, -depth / 2), (width / 2, seat, depth / 2), cover, squareness=6,
                      crown=0.1)]
    high, low = rng.uniform(0.34, 0.72), rng.choice([0.02, 0.10, 0.14])
    back_width = width * rng.uniform(0.8, 1.02)
    rows, columns = 7, 7
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    pinch = 1 - rng.uniform(0.0, 0.25) * np.abs(v - 0.45) ** 2 * 4 * np.abs(v - 0.2)
    curl = rng.uniform(0.02, 0.07)
    grid = np.stack([u * back_width / 2 * pinch, low + v * (high - low),
                     -curl * u ** 2 + 0.05 * np.sin(np.pi * v * 1.2) * -0.6], axis=2)
    pad = rng.uniform(0.025, 0.08)
    upright = [sheet(grid[:, ::-1], pad, cover)]
    if low > 0.05:
        upright.append(bar((0, -0.08, 0.03), (0, (low + high) / 2, 0.02), (0.07, 0.025), shell))
    if high > 0.45 and rng.random() < 0.35:
        upright += [cushion((-0.14, high + 0.03, -0.05), (0.14, high + 0.17, 0.02), cover, squareness=4),
                    bar((0, high - 0.1, 0.01), (0, high + 0.1, 0.0), (0.05, 0.015), shell)]
    tilt = rng.uniform(4, 14)
    parts += [turned(moved(part, y=seat - 0.01, z=depth / 2 - 0.01), "x", tilt, (0, seat, depth / 2))
              for part in upright]
    parts.append(bar((0, seat - thick, 0.05), (0, seat - 0.06, depth / 2 + 0.02), (0.08, 0.03), shell))
    if rng.random() < 0.65:
        level = seat + rng.uniform(0.18, 0.24)
        x = width / 2 + 0.03
        if rng.random() < 0.5:  # T-shaped
            parts += pair(bar((x, seat - thick, 0.05), (x, level, 0.05), (0.025, 0.06), shell),
                          box((0.05, seat - thick - 0.01, 0.03), (x + 0.01, seat - thick + 0.015, 0.07), shell))
        else:  # a loop from the seat around to the back
            path = filleted([(x - 0.05, seat - thick * 0.7, -0.05), (x + 0.01, seat - thick * 0.7, -0.12),
                             (x + 0.01, level - 0.01, -0.15), (x + 0.01, level - 0.01, 0.16),
                             (x - 0.06, seat - 0.02, 0.22)], 0.06)
            parts += pair(tube(path, 0.014, metal))
        parts += pair(rounded_box((x - 0.035, level - 0.015, -0.14), (x + 0.035, level + 0.015, 0.15), shell,
                                  radius=0.012))
    return parts


def shell_chair(rng: np.random.Generator) -> List[Mesh]:
    """One moulded shell, with or without arms, on dowels, a wire base, a star or a trumpet foot."""
    if rng.random() < 0.75:
        cover = materials.plastic(rng)
    else:
        cover = pick(rng, (materials.fabric, materials.leather, materials.wood))(rng)
    seat, width, depth = rng.uniform(0.42, 0.47), rng.uniform(0.44, 0.52), rng.uniform(0.40, 0.46)
    high = rng.uniform(0.32, 0.48)
    arms = rng.choice([0.0, 0.0, rng.uniform(0.12, 0.2)])
    # the middle line from the front lip over the seat and up the back; v runs along it, u across
    line = curve([(-depth / 2, -0.025), (-depth / 2 + 0.05, 0.0), (0.0, -0.015), (depth * 0.36, -0.005),
                  (depth * 0.5, 0.07), (depth * 0.5 + 0.05, high * 0.55), (depth * 0.5 + 0.10, high)], 13)
    v, u = np.meshgrid(np.linspace(0, 1, 13), np.linspace(-1, 1, 11), indexing="ij")
    upper = np.clip((v - 0.5) / 0.25, 0, 1)  # 0 on the seat, 1 on the back
    taper = 1 - rng.uniform(0.0, 0.35) * np.clip((v - 0.75) / 0.25, 0, 1) ** 2 - 0.08 * (1 - v) ** 6
    x = u * width / 2 * taper
    dish = rng.uniform(0.02, 0.05)
    lift = arms * np.exp(-((v - 0.52) / 0.20) ** 2) * np.abs(u) ** 4
    y = line[:, 1][:, None] + dish * (1 - upper) * u ** 2 + lift
    z = line[:, 0][:, None] - rng.uniform(0.04, 0.10) * upper * np.abs(u) ** 2.5 - 0.3 * lift
    corner = np.clip((v - 0.8) / 0.2, 0, 1) * np.abs(u) ** 3 * rng.uniform(0.0, 0.10)  # rounded top corners
    grid = np.stack([x * (1 + 0.4 * lift), seat + y - corner, z], axis=2)
    parts = [sheet(grid[:, ::-1], rng.uniform(0.012, 0.03), cover)]
    if rng.random() < 0.3:
        parts.append(cushion((-width * 0.38, seat - 0.02, -depth * 0.42), (width * 0.38, seat + 0.035, depth * 0.33),
                             upholstery(rng), squareness=4, crown=0.1))
    return parts + _shell_base(rng, seat - 0.036, width, depth)


def _shell_base(rng, top: float, width: float, depth: float) -> List[Mesh]:
    """What a shell stands on."""
    kind = rng.integers(5)
    metal = materials.metal(rng)
    x, z = width * 0.26, depth * 0.28
    if kind <= 1:  # wooden dowels or steel tubes, braced with wire
        legs = materials.wood(rng) if kind == 0 else metal
        splay = rng.uniform(0.05, 0.11)
        size = 0.036 if kind == 0 else 0.024
        brace = []
        if kind == 0:
            low, reach = top * 0.4, splay * 0.6
            brace = pair(tube([(x, top, z), (-x - reach, low, z + reach)], 0.006, metal, sides=6),
                         tube([(x, top, -z), (-x - reach, low, -z - reach)], 0.006, metal, sides=6),
                         tube([(x, top, z), (x + reach, low, -z - reach)], 0.006, metal, sides=6))
        plate = box((-x - 0.02, top - 0.02, -z - 0.02), (x + 0.02, top + 0.012, z + 0.02), metal)
        return four_legs(rng, "conical", (x, -z, z), top, size, legs, splay=splay) + brace + [plate]
    if kind == 2:  # star on castors
        return star_base(rng, 0.26, top, metal) + [cylinder((0, top - 0.03, 0), 0.1, 0.045, metal)]
    if kind == 3:  # a trumpet foot
        radius = rng.uniform(0.19, 0.25)
        profile = curve([(radius, 0.0), (radius * 0.75, 0.018), (0.05, 0.09), (0.028, top * 0.55), (0.06, top)], 12)
        return [lathe(profile, metal, sides=20), cylinder((0, top - 0.01, 0), 0.12, 0.025, metal)]
    # two steel loops as runners
    loops = [tube(filleted([(side * x, top, -z), (side * (x + 0.03), 0.012, -z - 0.06), (side * (x + 0.03), 0.012,
                                                                                         z + 0.08),
                            (side * x, top, z)], 0.05), 0.011, metal) for side in (-1, 1)]
    bars = [tube([(-x, top - 0.004, zz), (x, top - 0.004, zz)], 0.011, metal) for zz in (-z, z)]
    return loops + bars


def cantilever_chair(rng: np.random.Generator) -> List[Mesh]:
    """A bent steel tube without rear legs (or a full sled), seat and back of leather, cane or ply."""
    metal = materials.metal(rng, pick(rng, ("chrome", "chrome", "black", "steel", "white")))
    cover = pick(rng, (materials.leather, materials.fabric, materials.wicker, materials.plastic, materials.wood))(rng)
    seat, width, depth = rng.uniform(0.43, 0.47), rng.uniform(0.46, 0.54), rng.uniform(0.42, 0.48)
    high = rng.uniform(0.34, 0.50)
    x, radius = width / 2, rng.uniform(0.011, 0.015)
    front, back = -depth / 2, depth / 2
    lean = high * np.tan(np.radians(rng.uniform(6, 16)))
    top = (back + lean, seat + high)
    sled = rng.random() < 0.35
    side = [(seat - radius, front), (radius, front - 0.02), (radius, back + 0.06)]
    side += [(seat - radius, back)] if sled else []
    loops = []
    runner = filleted([(x, seat - radius, back), (x, side[0][0], front), (x, side[1][0], side[1][1]),
                       (x, radius, back + 0.06)], 0.08, steps=4)
    loops += pair(tube(runner, radius, metal))
    loops.append(tube([(-x, radius, back + 0.05), (x, radius, back + 0.05)], radius, metal))
    if sled:
        loops += pair(tube([(x, radius, back + 0.05), (x, seat - radius, back - 0.02)], radius, metal))
    loops += pair(tube(filleted([(x, seat - radius, back - 0.1), (x, seat - radius, back), (x, top[1], top[0])], 0.06),
                       radius, metal))
    thick = rng.choice([0.02, 0.03, 0.07])
    pads = [rounded_box((-x, seat - 0.012, front - 0.01), (x, seat - 0.012 + thick, back - 0.03), cover, radius=0.02)]
    low = rng.choice([0.06, 0.16])
    panel = rounded_box((-x, low, -thick / 2), (x, high, thick / 2), cover, radius=0.02)
    pads.append(turned(moved(panel, y=seat, z=back), "x", np.degrees(np.arctan2(lean, high)), (0, seat, back)))
    if rng.random() < 0.4:
        level = seat + 0.22
        rest = level - seat
        arm = filleted([(x + 0.02, seat - radius, front + 0.02), (x + 0.02, level, front - 0.0),
                        (x + 0.02, level, back + lean * rest / high)], 0.06, steps=4)
        loops += pair(tube(arm, radius, metal),
                      rounded_box((x - 0.005, level + 0.005, front + 0.06), (x + 0.045, level + 0.03, back), cover,
                                  radius=0.01))
    return pads + loops


def plywood_chair(rng: np.random.Generator) -> List[Mesh]:
    """School and cafe chairs: a bent plywood seat and a separate curved back on a steel frame."""
    metal = materials.metal(rng)
    ply = materials.wood(rng) if rng.random() < 0.7 else materials.plastic(rng)
    seat, width, depth = rng.uniform(0.42, 0.46), rng.uniform(0.38, 0.46), rng.uniform(0.38, 0.42)
    high, tall = rng.uniform(0.30, 0.40), rng.uniform(0.12, 0.22)
    v, u = np.meshgrid(np.linspace(0, 1, 7), np.linspace(-1, 1, 7), indexing="ij")
    round_off = 1 - 0.14 * np.abs(2 * v - 1) ** 4
    grid = np.stack([u * width / 2 * round_off, seat + 0.015 * u ** 2 - 0.03 * (1 - v) ** 4, (v - 0.5) * depth], axis=2)
    parts = [sheet(grid[:, ::-1], 0.016, ply)]
    curl = rng.uniform(0.03, 0.09)
    back = np.stack([u * width / 2 * (1 - 0.2 * np.abs(2 * v - 1) ** 3), high + (v - 0.5) * tall,
                     -curl * u ** 2 + 0.01], axis=2)
    tilt, z = rng.uniform(6, 14), depth / 2 + 0.02
    parts.append(turned(moved(sheet(back[:, ::-1], 0.016, ply), y=seat, z=z), "x", tilt, (0, seat, z)))
    x, radius = width * 0.36, rng.uniform(0.009, 0.013)
    rear = np.array([(x, high + tall * 0.3, 0.02 - curl * 0.5), (x, 0.05, 0.0)])
    post = turned(moved(tube(rear, radius, metal), y=seat, z=z), "x", tilt, (0, seat, z))
    parts += pair(post, tube([(x, seat + 0.06, z + 0.012), (x + 0.02, 0, z + 0.05)], radius, metal),
                  tube([(x, seat - 0.02, -depth * 0.36), (x + 0.02, 0, -depth * 0.44)], radius, metal),
                  tube([(x, seat - 0.03, -depth * 0.38), (x, seat - 0.012, z + 0.015)], radius, metal))
    if rng.random() < 0.5:
        y = seat * 0.35
        parts += pair(tube([(x + 0.012, y, -depth * 0.42), (x + 0.012, y, z + 0.04)], radius * 0.8, metal))
    return parts + [tube([(-x, seat - 0.03, zz), (x, seat - 0.03, zz)], radius, metal) for zz in (-depth * 0.36,
                                                                                                  depth * 0.3)]
