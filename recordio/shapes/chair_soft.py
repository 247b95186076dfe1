"""Shapes, class chair: upholstered armchairs, club, wing back and the low lounge chair with a wooden frame."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes import materials
from recordio.shapes.furniture import four_legs, frame_material, pillow, star_base, upholstery
from recordio.shapes.materials import pick
from recordio.shapes.outlines import arc, curve
from recordio.shapes.placing import moved, pair, turned
from recordio.shapes.primitives import bar, box, cushion, extrude, rounded_box, sheet, tube


def club_chair(rng: np.random.Generator) -> List[Mesh]:
    """A boxy or tub armchair: arms and back of one height or nearly so, a thick seat cushion, short feet."""
    cover = upholstery(rng)
    width, depth = rng.uniform(0.68, 0.90), rng.uniform(0.68, 0.86)
    foot = rng.uniform(0.04, 0.18)
    seat, arm = rng.uniform(0.38, 0.44), rng.uniform(0.54, 0.64)
    high = arm + rng.choice([0.0, rng.uniform(0.1, 0.3)])
    thick = rng.uniform(0.09, 0.17)
    wood = frame_material(rng, metal=0.3)
    if rng.random() < 0.35:  # its round back has no corners to put the rear feet under
        feet = four_legs(rng, "conical", (width * 0.3, -depth / 2 + 0.07, depth * 0.24), foot + 0.02, 0.05, wood)
        return feet + _tub(width, depth, foot, seat, arm, high, thick, cover)
    parts = four_legs(rng, pick(rng, ("square", "tapered", "conical", "turned")),
                      (width / 2 - 0.06, -depth / 2 + 0.06, depth / 2 - 0.06), foot + 0.02, 0.05, wood)
    roll = rng.random() < 0.35
    body = [box((-width / 2 + 0.02, foot, -depth / 2 + 0.02), (width / 2 - 0.02, seat - 0.14, depth / 2), cover)]
    radius = rng.uniform(0.02, 0.07)
    body += pair(rounded_box((width / 2 - thick, foot, -depth / 2), (width / 2, arm, depth / 2 - 0.02), cover,
                             radius=radius))
    if roll:
        r = thick * 0.62
        x, y = width / 2 - thick / 2, arm - r * 0.4
        body += pair(tube([(x, y, -depth / 2 - 0.01), (x, y, depth / 2 - 0.05)], r, cover, sides=14))
    body.append(cushion((-width / 2 + thick, seat - 0.16, -depth / 2 - 0.01), (width / 2 - thick, seat,
                                                                               depth / 2 - thick), cover,
                        squareness=7, crown=0.15))
    back = rounded_box((-width / 2 + (0.0 if roll else 0.01), foot, depth / 2 - thick), (width / 2 - 0.01, high,
                                                                                         depth / 2), cover,
                       radius=radius)
    body.append(back)
    soft = cushion((-width / 2 + thick, seat - 0.02, depth / 2 - thick - 0.12), (width / 2 - thick, high + 0.02,
                                                                                 depth / 2 - thick + 0.03),
                   cover, squareness=5)
    body.append(turned(soft, "x", 6, (0, seat, depth / 2 - thick)))
    if rng.random() < 0.3:
        body.append(moved(pillow(rng, 0.4, 0.36, materials.fabric(rng)), y=seat, z=depth / 2 - thick - 0.16))
    return parts + body


def _tub(width, depth, foot, seat, arm, high, thick, cover) -> List[Mesh]:
    """One wall bent around the seat, rising from the arms to the back."""
    def bend(inset, count):
        half, end = width / 2 - inset, depth / 2 - inset
        around = arc((0.0, end - half), half, 0, 180, count)
        front = -depth / 2 + 0.03
        return np.concatenate([[(half, front)], [(half, (front + end - half) / 2)], around,
                               [(-half, (front + end - half) / 2)], [(-half, front)]])

    plan = bend(thick / 2, 13)
    v = np.linspace(0, 1, 4)[:, None]
    rise = np.clip((plan[:, 1] + depth / 2) / depth, 0, 1) ** 2
    top = arm + (high - arm) * rise[None]
    wall = np.stack([plan[None, :, 0] + 0 * v, foot + v * (top - foot), plan[None, :, 1] + 0.04 * v * rise], axis=2)
    inner = bend(thick * 0.7, 13)
    return [sheet(wall, thick, cover), extrude(inner, foot + 0.01, seat - 0.12, cover, axis="y", smooth=True),
            extrude(inner + (0, -0.01), seat - 0.115, seat, cover.tinted(0.93), axis="y", smooth=True)]


def wing_chair(rng: np.random.Generator) -> List[Mesh]:
    """A high back with ears, rolled arms, wooden legs."""
    cover = upholstery(rng)
    wood = materials.wood(rng)
    width, depth = rng.uniform(0.66, 0.78), rng.uniform(0.68, 0.78)
    foot, seat = rng.uniform(0.16, 0.26), rng.uniform(0.42, 0.47)
    high, arm = rng.uniform(1.0, 1.18), rng.uniform(0.58, 0.66)
    thick = 0.10
    parts = four_legs(rng, pick(rng, ("tapered", "turned", "conical")), (width / 2 - 0.07, -depth / 2 + 0.07,
                                                                         depth / 2 - 0.08),
                      foot + 0.03, 0.045, wood, splay=0.02)
    parts.append(rounded_box((-width / 2 + 0.03, foot, -depth / 2 + 0.02), (width / 2 - 0.03, seat - 0.1,
                                                                            depth / 2 - 0.03), cover,
                             radius=0.02, steps=1))
    parts.append(cushion((-width / 2 + thick, seat - 0.13, -depth / 2), (width / 2 - thick, seat + 0.01,
                                                                         depth / 2 - 0.1), cover,
                         squareness=6, crown=0.12))
    back = cushion((-width / 2 + 0.05, seat - 0.12, -0.07), (width / 2 - 0.05, high, 0.07), cover, squareness=7,
                   cells=8)
    parts.append(turned(moved(back, z=depth / 2 - 0.1), "x", 7, (0, seat, depth / 2 - 0.1)))
    # a wing seen from the side, (y, z): over the arm it swings forward, then up to the top of the back
    reach = rng.uniform(0.16, 0.26)
    rear = depth / 2 - 0.03
    lean = 0.06
    wing = curve([(arm - 0.06, rear - reach - 0.08), (arm + 0.12, rear - reach + 0.01), (arm + 0.28, rear - reach),
                  (high - 0.08, rear - reach * 0.55), (high - 0.005, rear - 0.04 + lean)], 12)
    outline = np.concatenate([[(seat - 0.1, rear)], [(seat - 0.1, rear - reach - 0.1)], wing,
                              [(high - 0.02, rear + lean + 0.04)]])
    parts += pair(extrude(outline, width / 2 - 0.085, width / 2 - 0.015, cover, axis="x"),
                  rounded_box((width / 2 - thick, foot, -depth / 2 + 0.06), (width / 2, arm - 0.03, rear - 0.05),
                              cover, radius=0.03),
                  tube([(width / 2 - thick * 0.45, arm - 0.03, -depth / 2 + 0.04), (width / 2 - thick * 0.45,
                                                                                    arm - 0.03, rear - 0.08)],
                       0.062, cover, sides=12))
    return parts


def lounge_chair(rng: np.random.Generator) -> List[Mesh]:
    """A low reclined easy chair: two loose cushions in an open frame of wood or steel, or on a swivel star."""
    cover = upholstery(rng)
    frame = frame_material(rng, metal=0.35, painted=0.0)
    width, depth, seat = rng.uniform(0.56, 0.70), rng.uniform(0.56, 0.66), rng.uniform(0.34, 0.40)
    length, tilt = rng.uniform(0.50, 0.80), rng.uniform(18, 32)
    thick, slope = rng.uniform(0.08, 0.13), rng.uniform(4, 10)
    x, size = width / 2 + 0.025, 0.035
    base = cushion((-width / 2, -thick, -depth / 2), (width / 2, 0, depth / 2), cover, squareness=6, crown=0.1)
    back = cushion((-width / 2, -0.02, -thick / 2), (width / 2, length, thick / 2), cover, squareness=6)
    deck = box((-width / 2, -thick - 0.025, -depth / 2 + 0.02), (width / 2, -thick + 0.02, depth / 2), frame)
    support = box((-width / 2, 0, thick / 2 - 0.02), (width / 2, length * 0.8, thick / 2 + 0.012), frame)
    hinge = depth / 2 - thick / 2
    parts = [turned(moved(part, y=seat), "x", -slope, (0, seat, 0)) for part in (base, deck)]
    drop = seat - hinge * np.sin(np.radians(slope))
    parts += [turned(moved(part, y=drop - thick * 0.6, z=hinge), "x", tilt, (0, drop - thick * 0.5, hinge))
              for part in (back, support)]
    if rng.random() < 0.25:
        parts += star_base(rng, 0.3, seat - thick, frame, castors=False) + [
            box((-0.16, seat - thick - 0.05, -0.16), (0.16, seat - thick - 0.005, 0.16), frame)]
        return parts
    level = seat + rng.uniform(0.14, 0.2)
    reach = depth / 2 + 0.1
    rear = pick(rng, ((0.0, 0.04), (0.12, 0.0)))
    parts += pair(bar((x, level, -depth / 2 + 0.02), (x, 0, -depth / 2 - 0.02), (size, size * 1.2), frame),
                  bar((x, level - 0.01, reach - 0.06), (x, 0, reach + rear[0]), (size, size * 1.2), frame),
                  bar((x, drop - thick - 0.01, reach), (x, seat - thick + 0.02, -depth / 2), (size * 0.8, size * 1.4),
                      frame),
                  rounded_box((x - 0.035, level - 0.012, -depth / 2 - 0.04), (x + 0.035, level + 0.018, reach), frame,
                              radius=0.012, steps=1))
    parts += [bar((-x, y, z), (x, y, z), (size, size * 0.8), frame)
              for y, z in ((seat - thick - 0.01, -depth / 2 + 0.03), (drop - thick - 0.02, depth / 2 - 0.02))]
    return parts
