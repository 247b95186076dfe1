"""Shapes, class bench: indoors, upholstered, with storage, in stations and in gymnasiums."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes import materials
from recordio.shapes.furniture import LEGS, four_legs, frame_material, pillow, slat_material, upholstery
from recordio.shapes.materials import pick
from recordio.shapes.outlines import curve, filleted
from recordio.shapes.placing import moved, pair, turned
from recordio.shapes.primitives import bar, box, cushion, cylinder, extrude, rounded_box, sheet, tube


def padded_bench(rng: np.random.Generator) -> List[Mesh]:
    """An upholstered bench or settle: tufted, with or without a low back or rolled ends."""
    width, depth, seat = rng.uniform(1.05, 1.7), rng.uniform(0.38, 0.52), rng.uniform(0.42, 0.50)
    cover, frame = upholstery(rng), frame_material(rng, metal=0.35)
    thick, foot_size = rng.uniform(0.08, 0.16), rng.uniform(0.035, 0.055)
    pads = int(rng.choice([1, 1, 2, 3]))
    edges = np.linspace(-width / 2, width / 2, pads + 1)
    parts = [cushion((a, seat - thick, -depth / 2), (b, seat, depth / 2), cover, squareness=8, crown=0.1) for a,
             b in zip(edges[:-1], edges[1:])]
    base = 0.05
    parts.append(box((-width / 2 + 0.02, seat - thick - base, -depth / 2 + 0.02),
                     (width / 2 - 0.02, seat - thick + 0.03, depth / 2 - 0.02), frame))
    x, z, under = width / 2 - 0.07, depth / 2 - 0.06, seat - thick - base + 0.005
    if rng.random() < 0.3:
        path = [(x, under, -z), (x, 0.015, -z), (x, 0.015, z), (x, under, z)]
        parts += pair(tube(filleted(path, 0.05), 0.014, frame))
    else:
        parts += four_legs(rng, pick(rng, LEGS), (x, -z, z), under, foot_size, frame, splay=rng.choice([0.0, 0.04]))
    kind = rng.integers(4)
    if kind == 0:
        high = rng.uniform(0.3, 0.5)
        back = [cushion((a, 0, -0.05), (b, high, 0.05), cover, squareness=6) for a, b in zip(edges[:-1], edges[1:])]
        back += pair(box((x - 0.02, -thick - base, 0.02), (x + 0.02, high * 0.6, 0.045), frame))
        parts += [turned(moved(part, y=seat - 0.02, z=depth / 2 - 0.04), "x", 8, (0, seat, depth / 2)) for part in back]
    elif kind == 1:  # scrolled ends
        arm = rng.uniform(0.12, 0.22)
        parts += pair(rounded_box((width / 2 - 0.05, seat - thick, -depth / 2), (width / 2 + 0.05, seat + arm,
                                                                                 depth / 2), cover, radius=0.03),
                      tube([(width / 2 + 0.03, seat + arm, -depth / 2 - 0.005), (width / 2 + 0.03, seat + arm,
                                                                                 depth / 2 + 0.005)], 0.07, cover,
                           sides=12))
    elif kind == 2 and rng.random() < 0.5:
        parts.append(moved(pillow(rng, 0.4, 0.3, materials.fabric(rng)), y=seat - 0.01,
                           x=rng.uniform(-0.2, 0.2) * width))
    return parts


def storage_bench(rng: np.random.Generator) -> List[Mesh]:
    """A hall bench: a chest or open pigeon-holes under the seat, a panelled back at times."""
    width, depth, seat = rng.uniform(0.9, 1.6), rng.uniform(0.36, 0.48), rng.uniform(0.42, 0.50)
    wood = slat_material(rng)
    x, z, t = width / 2, depth / 2, 0.028
    foot = rng.choice([0.0, 0.06, 0.12])
    cells = int(rng.integers(2, 5))
    parts = [box((-x - 0.015, seat - 0.035, -z - 0.015), (x + 0.015, seat, z), wood),
             box((-x, foot, -z), (x, foot + t, z), wood), box((-x, foot, z - 0.015), (x, seat - 0.03, z), wood)]
    parts += [box((c - t / 2, foot, -z), (c + t / 2, seat - 0.03, z), wood) for c in np.linspace(-x + t / 2, x - t / 2,
                                                                                                 cells + 1)]
    step = (width - t) / cells
    if rng.random() < 0.6:
        fronts = materials.wicker(rng) if rng.random() < 0.4 else wood.tinted(0.9)
        parts += [box((-x + t + i * step, foot + t, -z + 0.012), (-x + (i + 1) * step, seat - 0.04, z - 0.02), fronts)
                  for i in range(cells)]
    if foot:
        parts += [box((sx * (x - 0.04) - 0.03, 0, sz * (z - 0.04) - 0.03), (sx * (x - 0.04) + 0.03, foot + 0.01,
                                                                            sz * (z - 0.04) + 0.03), wood)
                  for sx in (-1, 1) for sz in (-1, 1)]
    if rng.random() < 0.5:
        parts.append(cushion((-x, seat - 0.015, -z), (x, seat + 0.06, z - 0.02), materials.fabric(rng), squareness=9,
                             crown=0.1))
    if rng.random() < 0.5:
        high, arm = seat + rng.uniform(0.35, 0.6), seat + 0.2
        parts += [box((-x, seat - 0.01, z - 0.03), (x, high, z), wood), box((-x - 0.015, high - 0.03, z - 0.045),
                                                                            (x + 0.015, high, z + 0.01), wood)]
        if rng.random() < 0.6:
            outline = np.concatenate([[(seat - 0.02, -z + 0.02), (arm, -z + 0.03)],
                                      curve([(arm, -z + 0.1), (arm + 0.02, 0.0), (high - 0.1, z - 0.03)], 7),
                                      [(seat - 0.02, z - 0.03)]])
            parts += pair(extrude(outline, x - t, x, wood, axis="x"))
    return parts


def waiting_bench(rng: np.random.Generator) -> List[Mesh]:
    """Two to five shells on one beam, as in stations."""
    seats, pitch = int(rng.integers(2, 6)), rng.uniform(0.52, 0.60)
    shell = materials.plastic(rng) if rng.random() < 0.6 else pick(rng, (materials.leather, materials.wood,
                                                                         materials.metal))(rng)
    metal = materials.metal(rng, pick(rng, ("chrome", "black", "steel", "grey")))
    line = curve([(-0.22, 0.42), (-0.16, 0.445), (0.05, 0.42), (0.2, 0.43), (0.27, 0.55),
                  (0.36, rng.uniform(0.78, 0.88))], 11)
    u = np.linspace(-1, 1, 5)
    grid = np.stack([np.broadcast_to(u * 0.235, (11, 5)), np.broadcast_to(line[:, 1:], (11, 5)) + 0.012 * u ** 2,
                     np.broadcast_to(line[:, :1], (11, 5))], axis=2)
    one = sheet(grid[:, ::-1], 0.022, shell)
    places = (np.arange(seats) - (seats - 1) / 2) * pitch
    reach = places[-1] + pitch * 0.4
    parts = [moved(one, x=float(x)) for x in places] + [box((-reach, 0.33, -0.035), (reach, 0.39, 0.045), metal)]
    parts += [box((x - 0.05, 0.36, -0.12), (x + 0.05, 0.415, 0.14), metal) for x in places]
    for x in (-reach * 0.7, reach * 0.7):
        parts += [box((x - 0.03, 0.02, -0.02), (x + 0.03, 0.34, 0.03), metal), box((x - 0.035, 0, -0.24),
                                                                                   (x + 0.035, 0.03, 0.28), metal)]
    if rng.random() < 0.5:
        for x in np.linspace(-seats / 2, seats / 2, seats + 1) * pitch:
            if abs(x) <= reach + 0.08:
                x = float(np.clip(x, -reach + 0.02, reach - 0.02))
                parts.append(tube(filleted([(x, 0.36, 0.03), (x, 0.63, 0.1), (x, 0.63, -0.16)], 0.05), 0.014, metal))
    return parts


def weight_bench(rng: np.random.Generator) -> List[Mesh]:
    """A gymnasium bench: a narrow pad, its head end raised at times, on steel feet; its length runs along z."""
    length, width, seat = rng.uniform(1.1, 1.3), rng.uniform(0.26, 0.32), rng.uniform(0.42, 0.48)
    pad = materials.leather(rng, (32, 30, 30)) if rng.random() < 0.6 else materials.leather(rng)
    metal = materials.metal(rng)
    split, tilt = -length / 2 + rng.uniform(0.3, 0.45), rng.choice([0.0, rng.uniform(15, 50)])
    parts = [cushion((-width / 2, seat - 0.06, -length / 2), (width / 2, seat, split - 0.01), pad, squareness=8)]
    parts.append(turned(cushion((-width / 2, seat - 0.06, split + 0.01), (width / 2, seat, length / 2), pad,
                                squareness=8), "x", -tilt, (0, seat - 0.06, split)))
    parts.append(box((-0.03, seat - 0.12, -length / 2 + 0.05), (0.03, seat - 0.05, length / 2 - 0.2), metal))
    head = length / 2 - 0.22
    for z, wide in ((-length / 2 + 0.1, 0.2), (head, 0.28)):
        parts += [box((-0.03, 0.02, z - 0.03), (0.03, seat - 0.06, z + 0.03), metal), box((-wide, 0, z - 0.03),
                                                                                          (wide, 0.05, z + 0.03),
                                                                                          metal)]
    if tilt:
        away = 0.45
        parts.append(bar((0, seat - 0.09, split + away + 0.1), (0, seat - 0.05 + away * np.sin(np.radians(tilt)),
                                                                split + away * np.cos(np.radians(tilt))),
                         (0.05, 0.04), metal))
    if rng.random() < 0.4:  # uprights with a bar
        top = seat + rng.uniform(0.4, 0.6)
        z = head + 0.05
        parts += pair(box((0.36, 0, z - 0.025), (0.41, top, z + 0.025), metal), box((0.0, 0, z - 0.025),
                                                                                    (0.4, 0.05, z + 0.025), metal),
                      turned(moved(cylinder((0, -0.03, 0), 0.2, 0.05, materials.plain(34, 34, 36), sides=20), y=0.0),
                             "z", 90))
        parts[-2:] = [moved(parts[-2], x=0.62, y=top + 0.015, z=z), moved(parts[-1], x=-0.62, y=top + 0.015, z=z)]
        parts.append(tube([(-0.75, top + 0.015, z), (0.75, top + 0.015, z)], 0.016, metal))
    return parts
