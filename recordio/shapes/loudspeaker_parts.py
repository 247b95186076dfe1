"""Shapes, class loudspeaker: what its styles share, drivers, cabinets and horn mouths."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh, concatenate
from recordio.shapes import materials
from recordio.shapes.materials import Material, pick
from recordio.shapes.outlines import rounded_rectangle
from recordio.shapes.placing import moved, pair, turned
from recordio.shapes.primitives import box, ellipsoid, extrude, lathe, rounded_box

CONES = ((34, 34, 36), (34, 34, 36), (60, 60, 62), (206, 176, 60), (220, 220, 216), (160, 120, 70), (90, 96, 104))


def cabinet_material(rng: np.random.Generator) -> Material:
    """Black, white, wood, or another paint."""
    draw = rng.random()
    if draw < 0.35:
        return materials.plain(*(int(rng.integers(26, 48)),) * 3, gloss=rng.uniform(0.1, 0.7))
    if draw < 0.72:
        return materials.wood(rng)
    return materials.paint(rng) if draw < 0.9 else materials.plastic(rng)


def driver(rng: np.random.Generator, radius: float, *, cone: Material, rim: Material, dome: bool = False) -> Mesh:
    """A round driver facing -z with its mounting face at z = 0: rim, rubber surround, sunken cone and dust cap.

    The parts reach 12 mm into the cabinet, so that they do not float; a tweeter (*dome*) bulges instead.
    """
    sides = 24 if radius > 0.05 else 16
    ring_ = [(radius, -0.012), (radius, 0.006), (radius * 0.86, 0.008), (radius * 0.86, -0.012)]
    parts = [lathe(ring_, rim, sides=sides, closed=True)]
    if dome:
        parts.append(lathe([(radius * 0.88, -0.011), (radius * 0.8, 0.003), (radius * 0.45, 0.0),
                            (radius * 0.4, 0.004), (radius * 0.25, 0.012), (0.0, 0.015)], cone, sides=sides))
    else:
        rubber = materials.plain(26, 26, 28, gloss=0.35)
        parts.append(lathe([(radius * 0.87, -0.012), (radius * 0.86, 0.004), (radius * 0.8, 0.009),
                            (radius * 0.73, 0.004), (radius * 0.71, -0.012)], rubber, sides=sides, closed=True))
        parts.append(lathe([(radius * 0.73, -0.02), (radius * 0.72, 0.003), (radius * 0.28, -0.014), (0.0, -0.014)],
                           cone, sides=sides))
        parts.append(ellipsoid((0, -0.014, 0), (radius * 0.27, radius * 0.16, radius * 0.27), cone.tinted(0.75),
                               cells=4))
    return turned(concatenate(parts), "x", -90)


def drivers_front(rng, width: float, low: float, high: float, z: float, *, woofers: int, cone: Material, rim: Material,
                  tweeter: bool = True, port: bool = False) -> List[Mesh]:
    """Drivers stacked on the face z between the heights *low* and *high*, tweeter on top, bass port at the foot."""
    parts, slots = [], woofers + (0.55 if tweeter else 0) + (0.4 if port else 0)
    pitch = (high - low) / slots
    radius = min(width * 0.42, pitch * 0.46)
    y = low
    if port:
        hole = lathe([(radius * 0.32, -0.01), (radius * 0.32, 0.004), (radius * 0.25, 0.004), (radius * 0.22, -0.004),
                      (0, -0.004)], materials.plain(16, 16, 18), sides=14)
        parts.append(moved(turned(hole, "x", -90), y=y + pitch * 0.2, z=z))
        y += pitch * 0.4
    for _ in range(woofers):
        parts.append(moved(driver(rng, radius, cone=cone, rim=rim), y=y + pitch / 2, z=z))
        y += pitch
    if tweeter:
        small = min(radius * 0.55, pitch * 0.27)
        parts.append(moved(driver(rng, small, cone=cone if rng.random() < 0.5 else materials.metal(rng, "chrome"),
                                  rim=rim, dome=True), y=y + pitch * 0.275, z=z))
    return parts


def look(rng):
    """(cabinet, cone, rim) materials that suit each other."""
    cone = Material(materials.varied(rng, pick(rng, CONES)), rng.uniform(0.1, 0.4))
    rim = materials.metal(rng, pick(rng, ("black", "black", "steel", "chrome", "copper", "white")))
    return cabinet_material(rng), cone, rim


def speaker_body(rng, width, low, high, depth, body) -> List[Mesh]:
    """A cabinet: sharp, with broken edges or with rounded ones, and a baffle of another colour at times."""
    kind = rng.integers(3)
    x, z = width / 2, depth / 2
    if kind == 0:
        parts = [box((-x, low, -z), (x, high, z), body)]
    elif kind == 1:
        parts = [rounded_box((-x, low, -z), (x, high, z), body, radius=0.1 * width)]
    else:
        outline = rounded_rectangle(width, depth, rng.uniform(0.05, 0.3) * width, steps=4)
        parts = [extrude(outline, low, high, body, axis="y", smooth=True)]
    if rng.random() < 0.35:
        parts.append(box((-x * 0.92, low + 0.04 * width, -z - 0.008), (x * 0.92, high - 0.04 * width, -z * 0.5),
                         materials.plain(34, 34, 36, gloss=0.3)))
    return parts


def horn_mouth(half: float, y: float, tall: float, z: float, rim: Material) -> List[Mesh]:
    """A flat horn mouth: a frame around a dark funnel drawn as two steps."""
    t = 0.018
    frame = [box((-half, y + s * (tall - t) - t, z - 0.014), (half, y + s * (tall - t) + t, z + 0.01), rim)
             for s in (-1, 1)]
    frame += pair(box((half - 2 * t, y - tall, z - 0.014), (half, y + tall, z + 0.01), rim))
    return frame + [box((-half * 0.9, y - tall * 0.8, z - 0.004), (half * 0.9, y + tall * 0.8, z + 0.01),
                        materials.plain(58, 58, 60)),
                    box((-half * 0.4, y - tall * 0.35, z - 0.006), (half * 0.4, y + tall * 0.35, z + 0.01),
                        materials.plain(14, 14, 16))]
