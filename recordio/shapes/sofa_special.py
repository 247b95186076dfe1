"""Shapes, class sofa: the chaise, the futon, the mid-century frame and the camelback."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes import materials
from recordio.shapes.furniture import LEGS, four_legs, frame_material, upholstery
from recordio.shapes.materials import pick
from recordio.shapes.outlines import curve
from recordio.shapes.placing import mirrored, moved, pair, turned
from recordio.shapes.primitives import bar, box, cushion, extrude, rounded_box, tube
from recordio.shapes.sofa_parts import pillows, seat_pads


def chaise(rng: np.random.Generator) -> List[Mesh]:
    """A day bed to lie on: one raised end and perhaps half a back; its length runs along x."""
    length, depth = rng.uniform(1.5, 1.9), rng.uniform(0.62, 0.78)
    cover, wood = upholstery(rng), frame_material(rng)
    seat, foot = rng.uniform(0.38, 0.46), rng.uniform(0.1, 0.22)
    x, z = length / 2, depth / 2
    head = rng.uniform(0.36, 0.50)
    line = curve([(-x, seat), (-x * 0.3, seat - 0.01), (x * 0.45, seat), (x * 0.8, seat + head * 0.55),
                  (x, seat + head)], 15)
    thick = rng.uniform(0.10, 0.16)
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    under = line + thick * np.stack([along[:, 1], -along[:, 0]], axis=1)
    parts = [extrude(np.concatenate([line, under[::-1]]), -z, z, cover, smooth=True)]  # the mattress
    body = np.concatenate([under[1:14] + (-0.01, 0.02), [(x * 0.92, foot), (-x + 0.03, foot)]])
    parts.append(extrude(body, -z + 0.03, z - 0.03, cover if rng.random() < 0.6 else wood))
    parts += four_legs(rng, pick(rng, LEGS), (x * 0.78, -z + 0.07, z - 0.07), foot + 0.02, 0.05, wood)
    if rng.random() < 0.5:  # half a back that runs out towards the foot
        top = curve([(x * 0.97, seat + head - 0.01), (x * 0.55, seat + head * 0.95), (0.0, seat + head * 0.5),
                     (-x * 0.4, seat + 0.04)], 12)
        outline = np.concatenate([top, [(-x * 0.45, foot + 0.03), (x * 0.7, foot + 0.03),
                                        (x * 0.8, seat + head * 0.4)]])
        parts.append(extrude(outline, z - 0.1, z + 0.01, cover))
    if rng.random() < 0.6:
        roll = tube([(x * 0.52, seat + head * 0.28, -z * 0.8), (x * 0.52, seat + head * 0.28, z * 0.8)], 0.085,
                    materials.fabric(rng), sides=12)
        parts.append(roll)
    return [mirrored(part) for part in parts] if rng.random() < 0.5 else parts


def futon(rng: np.random.Generator) -> List[Mesh]:
    """A folded mattress in a wooden or steel frame with slatted arms."""
    width, depth = rng.uniform(1.5, 2.0), rng.uniform(0.78, 0.9)
    frame, cover = frame_material(rng, metal=0.35, painted=0.1), upholstery(rng)
    seat, high, thick = rng.uniform(0.40, 0.46), rng.uniform(0.42, 0.56), rng.uniform(0.12, 0.18)
    tilt = rng.uniform(10, 20)
    mattress = cushion((-width / 2, seat - thick, -depth / 2), (width / 2, seat, depth / 2), cover, squareness=9)
    back = cushion((-width / 2, -0.06, -thick / 2), (width / 2, high, thick / 2), cover, squareness=9)
    hinge = depth / 2 - thick / 2
    parts = [mattress, turned(moved(back, y=seat, z=hinge), "x", tilt, (0, seat, hinge))]
    under, size, x = seat - thick, 0.045, width / 2 + 0.04
    parts += [box((-x, under - 0.07, z - 0.02), (x, under + 0.015, z + 0.02), frame) for z in (-depth / 2 + 0.04,
                                                                                               depth / 2 - 0.06)]
    parts += [box((c - 0.04, under - 0.03, -depth / 2 + 0.03), (c + 0.04, under + 0.01, depth / 2 - 0.04), frame)
              for c in np.linspace(-0.4, 0.4, 5) * width]
    level = seat + rng.uniform(0.12, 0.22)
    reach = depth / 2 + 0.06
    sides = [box((x - size / 2, 0, z - size / 2), (x + size / 2, level, z + size / 2), frame)
             for z in (-depth / 2 + 0.03, reach - 0.05)]
    sides.append(rounded_box((x - 0.05, level - 0.01, -depth / 2 - 0.03), (x + 0.05, level + 0.025, reach), frame,
                             radius=0.01, steps=1))
    sides.append(box((x - 0.015, under - 0.08, -depth / 2 + 0.03), (x + 0.015, under - 0.02, reach - 0.05), frame))
    if rng.random() < 0.6:
        sides += [box((x - 0.012, under - 0.05, z - 0.02), (x + 0.012, level, z + 0.02), frame)
                  for z in np.linspace(-0.32, 0.36, int(rng.integers(3, 6))) * depth]
    return parts + pair(*sides) + pillows(rng, width / 2, seat, hinge - 0.12)


def frame_sofa(rng: np.random.Generator) -> List[Mesh]:
    """Mid-century: loose cushions in a visible frame of wood or steel tube."""
    seats, pitch = int(rng.integers(1, 4)), rng.uniform(0.6, 0.7)
    frame, cover = frame_material(rng, metal=0.4, painted=0.0), upholstery(rng)
    inner, depth, seat = seats * pitch, rng.uniform(0.68, 0.82), rng.uniform(0.38, 0.44)
    thick, high, tilt = rng.uniform(0.1, 0.15), rng.uniform(0.36, 0.48), rng.uniform(10, 18)
    x, hinge = inner / 2 + 0.035, depth / 2 - 0.1
    parts = seat_pads(rng, (-inner / 2, inner / 2), (-depth / 2, depth / 2 - 0.05), (seat - thick, seat), seats, cover)
    pads = [cushion((-inner / 2 + i * pitch, -0.04, -0.07), (-inner / 2 + (i + 1) * pitch, high, 0.06), cover,
                    squareness=6) for i in range(seats)]
    rails = [box((-x, y, 0.05), (x, y + 0.04, 0.075), frame) for y in np.linspace(0.02, high - 0.1, 4)]
    parts += [turned(moved(part, y=seat, z=hinge), "x", tilt, (0, seat, hinge)) for part in pads + rails]
    size, under = 0.04, seat - thick
    level = seat + rng.uniform(0.14, 0.2)
    rear = depth / 2 + 0.06
    side = [bar((x, level, -depth / 2 + 0.03), (x, 0, -depth / 2), (size, size * 1.2), frame),
            bar((x, level, rear - 0.04), (x, 0, rear), (size, size * 1.2), frame),
            rounded_box((x - 0.035, level - 0.01, -depth / 2 - 0.02), (x + 0.035, level + 0.02, rear), frame,
                        radius=0.01, steps=1),
            box((x - 0.015, under - 0.04, -depth / 2), (x + 0.015, under + 0.02, rear - 0.02), frame)]
    parts += [box((-x, under - 0.045, z - 0.015), (x, under + 0.01, z + 0.015), frame) for z in (-depth / 2 + 0.04,
                                                                                                 depth / 2 - 0.06)]
    return parts + pair(*side) + pillows(rng, inner / 2, seat, hinge - 0.12)


def camelback(rng: np.random.Generator) -> List[Mesh]:
    """An arched back that runs down into curved arms, bare wooden legs."""
    width, depth = rng.uniform(1.4, 2.0), rng.uniform(0.72, 0.85)
    cover, wood = upholstery(rng), materials.wood(rng)
    seat, foot, high = rng.uniform(0.42, 0.46), rng.uniform(0.16, 0.26), rng.uniform(0.84, 0.98)
    arm = rng.uniform(0.60, 0.68)
    x, z = width / 2, depth / 2
    parts = four_legs(rng, pick(rng, ("tapered", "turned", "conical")), (x - 0.08, -z + 0.08, z - 0.08), foot + 0.02,
                      0.05, wood, splay=0.02)
    parts.append(rounded_box((-x + 0.06, foot, -z + 0.02), (x - 0.06, seat - 0.09, z - 0.05), cover, radius=0.02,
                             steps=1))
    parts += seat_pads(rng, (-x + 0.1, x - 0.1), (-z, z - 0.12), (seat - 0.12, seat), int(rng.choice([1, 2, 3])), cover)
    humps = int(rng.choice([1, 1, 2]))
    u = np.linspace(-1, 1, 21)
    rise = np.abs(np.cos(u * np.pi / 2 * (1 if humps == 1 else 2))) if humps == 1 else np.sin(np.abs(u)
                                                                                              * np.pi) * 0.8 + 0.1
    top = np.stack([u * (x - 0.02), arm + (high - arm) * (0.25 + 0.75 * rise)], axis=1)
    outline = np.concatenate([top, [(x - 0.02, foot + 0.02), (-x + 0.02, foot + 0.02)]])
    parts.append(extrude(outline, z - 0.13, z, cover, smooth=True))
    scroll = rng.uniform(0.05, 0.075)
    parts += pair(rounded_box((x - 0.12, foot, -z + 0.05), (x - 0.02, arm - 0.02, z - 0.02), cover, radius=0.03),
                  tube([(x - 0.05, arm, -z + 0.03), (x - 0.05, arm + 0.02, z - 0.02)], scroll, cover, sides=12))
    return parts + pillows(rng, x - 0.2, seat, z - 0.22)
