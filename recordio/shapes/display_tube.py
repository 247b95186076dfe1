"""Shapes, class display: the deep ones with a cathode-ray tube."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes import materials
from recordio.shapes.display_parts import keyboard
from recordio.shapes.furniture import four_legs
from recordio.shapes.materials import Material, pick
from recordio.shapes.placing import moved, turned
from recordio.shapes.primitives import box, cylinder, hexahedron, lathe, rounded_box, sheet, tube, with_picture


def tube_monitor(rng: np.random.Generator) -> List[Mesh]:
    """A cathode-ray monitor: a deep housing that tapers backwards on a swivel foot, keyboard in front at times."""
    colour = pick(rng, ((206, 198, 180), (206, 198, 180), (226, 222, 210), (60, 60, 62), (150, 150, 150)))
    body = Material(materials.varied(rng, colour, 0.05), 0.25)
    width = rng.uniform(0.32, 0.44)
    height, depth = width * rng.uniform(0.82, 0.95), width * rng.uniform(0.85, 1.1)
    rise = rng.uniform(0.04, 0.08)
    made = _tube_case(rng, width, height, depth, body)
    parts = [turned(moved(part, y=rise), "x", rng.uniform(0, 7), (0, rise, 0.1)) for part in made]
    swivel = lathe([(width * 0.34, 0.0), (width * 0.32, 0.018), (width * 0.16, 0.022), (width * 0.2, rise + 0.02)],
                   body.tinted(0.92), sides=24)
    parts.append(moved(swivel, z=depth * 0.32))
    if rng.random() < 0.3:  # on a flat computer
        high = rng.uniform(0.1, 0.15)
        parts = [moved(part, y=high) for part in parts] + [box((-width * 0.55, 0, -0.02), (width * 0.55, high + 0.002,
                                                                                           depth), body),
                                                           box((width * 0.05, high * 0.5, -0.026),
                                                               (width * 0.45, high * 0.75, 0.0), body.tinted(0.6))]
    if rng.random() < 0.35:
        parts += keyboard(rng, -0.14, body)
    return parts


def _tube_case(rng, width: float, height: float, depth: float, body: Material) -> List[Mesh]:
    """A housing with its front at z = 0: a block, a tapering rear and bulging glass."""
    x, front = width / 2, depth * rng.uniform(0.2, 0.4)
    taper = rng.uniform(0.5, 0.75)
    parts = [rounded_box((-x, 0, 0), (x, height, front), body, radius=0.018)]
    corners = [(s * x * size, height * (0.5 + (t * 0.5) * size) - drop, z) for size, z,
               drop in ((0.97, front - 0.01, 0.0), (taper, depth, height * 0.06)) for t in (-1, 1) for s in (-1, 1)]
    parts.append(hexahedron(np.array(corners), body.tinted(0.95)))
    bezel, low = width * rng.uniform(0.07, 0.1), height * rng.uniform(0.14, 0.2)
    v, u = np.meshgrid(np.linspace(-1, 1, 7), np.linspace(-1, 1, 7), indexing="ij")
    middle, half = (low + height - bezel) / 2, (height - bezel - low) / 2
    rim = body.tinted(0.45)
    parts.append(box((-x + bezel * 0.8, low - bezel * 0.2, -0.004), (x - bezel * 0.8, height - bezel * 0.8, 0.02), rim))
    glass = np.stack([u * (x - bezel), middle + v * half, -0.018 + 0.012 * (u ** 2 + v ** 2) / 2], axis=2)
    parts.append(with_picture(sheet(glass[:, ::-1], 0.01, materials.screen(rng, lit=0.4))))
    parts += [box((x * (0.5 + 0.1 * i), low * 0.35, -0.008), (x * (0.56 + 0.1 * i), low * 0.55, 0.01),
                  body.tinted(0.7)) for i in range(int(rng.integers(2, 5)))]
    return parts


def tube_television(rng: np.random.Generator) -> List[Mesh]:
    """An old set: wooden or plastic case, grille and knobs beside the tube, aerials or legs."""
    body = materials.wood(rng) if rng.random() < 0.55 else materials.plastic(rng)
    width = rng.uniform(0.45, 0.8)
    height, depth = width * rng.uniform(0.66, 0.8), width * rng.uniform(0.5, 0.7)
    x = width / 2
    side = rng.choice([0.0, 0.24]) * width  # room for the controls on the viewer's right
    parts = [box((-x, 0, 0), (x, height, depth * 0.7), body, bevel=0.012)]
    corners = [(s * x * size, height * (0.5 + (t * 0.5) * size), z) for size, z in ((0.95, depth * 0.69),
                                                                                    (0.55, depth)) for t in (-1, 1)
               for s in (-1, 1)]
    parts.append(hexahedron(np.array(corners), materials.plain(44, 42, 40)))
    edge, low = width * 0.06, height * (0.1 if side else 0.2)
    left, right = -x + edge + side, x - edge
    parts.append(box((left - 0.012, low - 0.012, -0.008), (right + 0.012, height - edge + 0.012, 0.03),
                     materials.plain(36, 34, 34)))
    v, u = np.meshgrid(np.linspace(-1, 1, 7), np.linspace(-1, 1, 7), indexing="ij")
    glass = np.stack([(left + right) / 2 + u * (right - left) / 2 * (1 - 0.04 * v ** 2), (low + height - edge) / 2
                      + v * (height - edge - low) / 2 * (1 - 0.04 * u ** 2), -0.03 + 0.01 * (u ** 2 + v ** 2)], axis=2)
    parts.append(with_picture(sheet(glass[:, ::-1], 0.012, materials.screen(rng, lit=0.3))))
    metal = materials.metal(rng)
    dial = turned(cylinder((0, -0.01, 0), width * 0.04, 0.04, metal, sides=14), "x", -90)
    if side:
        place = -x + edge * 0.5 + side / 2
        parts += [moved(dial, x=place, y=height * f) for f in (0.82, 0.64)]
        parts.append(box((place - side * 0.36, height * 0.1, -0.006), (place + side * 0.36, height * 0.5, 0.02),
                         materials.grille(rng)))
    else:
        parts += [moved(dial, x=-x * f, y=low * 0.45) for f in (0.8, 0.55)]
        parts.append(box((-x * 0.3, low * 0.2, -0.006), (x * 0.9, low * 0.7, 0.02), materials.grille(rng)))
    if rng.random() < 0.5:
        legs = four_legs(rng, "conical", (x - 0.06, 0.05, depth * 0.6), rng.uniform(0.12, 0.4), 0.03,
                         materials.wood(rng), splay=0.04)
        rise = max(float(part.vertices[:, 1].max()) for part in legs)
        parts = [moved(part, y=rise - 0.005) for part in parts] + legs
        height += rise
    if rng.random() < 0.45:
        base = (0, height - 0.005, depth * 0.35)
        parts += [lathe([(0.05, 0), (0.03, 0.03)], materials.plain(30, 30, 30), centre=base)]
        parts += [tube([(0, height + 0.015, depth * 0.35), (s * width * 0.38, height + width * 0.5, depth * 0.4)],
                       0.006, materials.metal(rng, "chrome"), sides=6) for s in (-1, 1)]
    return parts
