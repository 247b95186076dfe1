"""Shapes, class display: monitors, television sets, tubes, laptops, all-in-ones, tablets and video walls."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh, concatenate
from recordio.shapes import materials
from recordio.shapes.catalogue import draw_style, register
from recordio.shapes.display_parts import housing, keyboard, panel, stand
from recordio.shapes.display_tube import tube_monitor, tube_television
from recordio.shapes.furniture import four_legs, frame_material
from recordio.shapes.materials import Material, pick
from recordio.shapes.outlines import curve
from recordio.shapes.placing import moved, pair, ring, turned
from recordio.shapes.primitives import bar, box, cylinder, lathe, rounded_box, sheet, tube, with_picture


@register("display")
def display(rng: np.random.Generator) -> Mesh:
    """A display of one of ten styles, its screen towards -z."""
    styles = {monitor: 4, television: 3, tube_monitor: 2, tube_television: 1, laptop: 2, all_in_one: 1, curved_monitor:
              1, arm_monitor: 1, cinema_screen: 1, kiosk: 1}
    return concatenate(draw_style(rng, styles)(rng))


def monitor(rng: np.random.Generator) -> List[Mesh]:
    """A flat computer monitor from 4:3 to ultra-wide on a stand, turned upright now and then."""
    height = rng.uniform(0.26, 0.38)
    width = height * rng.choice([1.25, 1.33, 1.6, 1.6, 1.78, 1.78, 2.33])
    if rng.random() < 0.08:
        width, height = height, width
    body = housing(rng)
    old = rng.random() < 0.35
    bezel, chin = float(rng.uniform(0.015, 0.03) if old else rng.uniform(0.006, 0.014)), rng.choice([0.0, 0.012, 0.03])
    rise = rng.uniform(0.06, 0.17)
    made = panel(rng, width, height, bezel=bezel, chin=chin, thick=rng.uniform(0.015, 0.04),
                 bulge=rng.choice([0.0, 0.02, 0.04]), body=body, rounded=rng.random() < 0.2)
    tilt = rng.uniform(0, 8)
    parts = [turned(moved(part, y=rise), "x", tilt, (0, rise + height / 2, 0.01)) for part in made]
    parts += stand(rng, rise + height * 0.45, min(width * rng.uniform(0.4, 0.65), 0.34),
                   body if rng.random() < 0.7 else materials.metal(rng), deep=rng.uniform(0.16, 0.24))
    if rng.random() < 0.12:  # a keyboard lies in front
        parts += keyboard(rng, -0.22, body)
    return parts


def television(rng: np.random.Generator) -> List[Mesh]:
    """A wide set on two feet, a pedestal, a wall plate, a low board or an easel."""
    width = rng.uniform(0.7, 1.5)
    height = width * 9 / 16
    body = housing(rng)
    bezel, chin = rng.choice([0.008, 0.012, 0.03]), rng.choice([0.0, 0.02, 0.06])
    made = panel(rng, width, height, bezel=bezel, chin=chin, thick=rng.uniform(0.02, 0.06),
                 bulge=rng.choice([0.0, 0.025, 0.06]), body=body)
    kind = rng.integers(6)
    rise = rng.uniform(0.05, 0.11)
    metal = materials.metal(rng) if rng.random() < 0.5 else body
    if kind <= 1:
        x = width * rng.uniform(0.28, 0.44)
        parts = pair(bar((x, rise + 0.03, 0.015), (x + 0.03, 0.005, -0.13), (0.03, 0.014), metal),
                     bar((x, rise + 0.03, 0.015), (x + 0.03, 0.005, 0.15), (0.03, 0.014), metal))
    elif kind == 2:
        parts = stand(rng, rise + height * 0.3, width * rng.uniform(0.35, 0.6), metal, deep=rng.uniform(0.22, 0.3))
    elif kind == 3:  # a wall plate
        parts = [box((-0.15, rise + height * 0.3, 0.04), (0.15, rise + height * 0.7, 0.1),
                     materials.metal(rng, "black"))]
    elif kind == 4:  # a television bench
        wood = materials.wood(rng) if rng.random() < 0.7 else materials.paint(rng)
        high = rng.uniform(0.35, 0.5)
        half = width * rng.uniform(0.5, 0.7)
        legs = high * 0.25
        parts = [box((-half, legs, -0.17), (half, high, 0.22), wood)] + four_legs(rng, "tapered",
                                                                                  (half - 0.06, -0.12, 0.17),
                                                                                  legs + 0.01, 0.04,
                                                                                  frame_material(rng))
        parts += [box((-half + 0.02 + i * half * 2 / 3, legs + 0.02, -0.178), (-half - 0.02 + (i + 1) * half * 2 / 3,
                                                                               high - 0.02, -0.1), wood.tinted(0.88))
                  for i in range(3)]
        parts += [box((-width * 0.2, high - 0.005, -0.08), (width * 0.2, high + 0.015, 0.12), body),
                  box((-0.05, high, 0.02), (0.05, high + rise + 0.1, 0.05), body)]
        rise += high
    else:  # a tripod easel
        wood = frame_material(rng)
        top = rise + 0.78
        parts = pair(bar((0.06, top, 0.09), (width * 0.34, 0, 0.03), (0.035, 0.035), wood))
        parts += [bar((0, top, 0.09), (0, 0, 0.45), (0.035, 0.035), wood),
                  box((-0.08, top - 0.06, 0.07), (0.08, top, 0.115), wood),
                  box((-width * 0.25, rise + 0.42, -0.03), (width * 0.25, rise + 0.455, 0.1), wood)]
        rise += 0.45
    return parts + [moved(part, y=rise) for part in made]


def curved_monitor(rng: np.random.Generator) -> List[Mesh]:
    """A wide screen bent around the viewer."""
    height = rng.uniform(0.32, 0.42)
    width, depth = height * rng.uniform(1.78, 2.6), rng.uniform(0.05, 0.11)
    body = housing(rng)
    rise = rng.uniform(0.08, 0.15)
    v, u = np.meshgrid(np.linspace(0, 1, 3), np.linspace(-1, 1, 15), indexing="ij")

    def bent(scale, inset, z):
        """A sheet over the screen's area grown by *scale*, moved back by *z*."""
        return np.stack([u * width / 2 * scale, rise + height / 2 + (v - 0.5) * (height + inset), -depth * u ** 2 + z],
                        axis=2)

    shell = sheet(bent(1.02, 0.03, 0.02)[:, ::-1], 0.025, body)
    glass = with_picture(sheet(bent(1.0, 0.0, 0.006)[:, ::-1], 0.008, materials.screen(rng)))
    back = box((-width * 0.16, rise + height * 0.25, 0.02), (width * 0.16, rise + height * 0.75, 0.07), body,
               bevel=0.01)
    return [shell, glass, back] + stand(rng, rise + height * 0.5, width * 0.35, body, deep=0.24, back=0.055)


def laptop(rng: np.random.Generator) -> List[Mesh]:
    """An open notebook; the lid stands up at the rear."""
    body = housing(rng)
    width, thick = rng.uniform(0.28, 0.38), rng.uniform(0.014, 0.03)
    depth = width * rng.uniform(0.64, 0.76)
    x, z = width / 2, depth / 2
    parts = [rounded_box((-x, 0, -z), (x, thick, z), body, radius=0.005, steps=1)]
    dark = materials.plain(30, 30, 32) if rng.random() < 0.7 else body.tinted(0.75)
    for row in range(4):
        low = z - 0.03 - (row + 1) * depth * 0.11
        parts.append(box((-x * 0.9, thick - 0.003, low), (x * 0.9, thick + 0.003, low + depth * 0.09), dark))
    parts.append(box((-width * 0.16, thick - 0.002, -z + depth * 0.06), (width * 0.16, thick + 0.002,
                                                                         -z + depth * 0.34), body.tinted(0.85)))
    bezel = rng.uniform(0.006, 0.016)
    lid = panel(rng, width - 2 * bezel, depth * rng.uniform(0.9, 1.0) - 2 * bezel, bezel=bezel, thick=0.008, body=body)
    opening = rng.uniform(5, 40)
    parts += [turned(moved(part, y=thick - 0.002, z=z - 0.008), "x", opening, (0, thick, z - 0.004)) for part in lid]
    parts.append(tube([(-x * 0.7, thick, z - 0.003), (x * 0.7, thick, z - 0.003)], 0.007, dark, sides=8))
    return parts


def all_in_one(rng: np.random.Generator) -> List[Mesh]:
    """A computer in the screen: a deep chin, a bent metal foot, keyboard and mouse in front; or the lamp-shaped one."""
    white = Material(materials.varied(rng, pick(rng, ((232, 232, 230), (196, 200, 204), (60, 62, 66), (110, 150, 190),
                                                      (200, 90, 80))), 0.04), 0.5)
    metal = materials.metal(rng, pick(rng, ("chrome", "steel", "white")))
    height = rng.uniform(0.28, 0.36)
    width = height * rng.uniform(1.5, 1.78)
    rise = rng.uniform(0.06, 0.12)
    if rng.random() < 0.3:
        dome = lathe(curve([(0.135, 0.0), (0.125, 0.06), (0.06, 0.115), (0.0, 0.125)], 9), white, sides=28)
        made = panel(rng, width * 0.75, height * 0.85, bezel=0.02, thick=0.02, body=white, rounded=True)
        rise += 0.14
        arm = tube([(0, 0.1, 0.08), (0, rise + height * 0.42, 0.03)], 0.014, metal)
        return [moved(dome, z=0.08), arm] + [turned(moved(part, y=rise), "x", 6, (0, rise, 0))
                                             for part in made] + (keyboard(rng, -0.18, white) if rng.random() < 0.5
                                                                  else [])
    made = panel(rng, width, height, bezel=0.016, chin=rng.uniform(0.04, 0.07),
                 thick=rng.uniform(0.012, 0.03), bulge=rng.choice([0.0, 0.03]), body=white, rounded=True)
    foot = [box((-0.1, 0, -0.1), (0.1, 0.01, 0.14), metal), bar((0, 0.005, 0.135), (0, rise + height * 0.3, 0.02),
                                                                (0.2, 0.01), metal)]
    parts = foot + [moved(part, y=rise) for part in made]
    return parts + (keyboard(rng, -0.2, white) if rng.random() < 0.6 else [])


def arm_monitor(rng: np.random.Generator) -> List[Mesh]:
    """One to three monitors on a desk pole with arms."""
    body, metal = housing(rng), materials.metal(rng, pick(rng, ("black", "steel", "white")))
    height = rng.uniform(0.26, 0.34)
    width, count, rise = height * 1.7, int(rng.integers(1, 4)), rng.uniform(0.14, 0.24)
    level = rise + height / 2
    parts = [cylinder((0, 0, 0.2), 0.07, 0.03, metal, sides=20), cylinder((0, 0.02, 0.2), 0.02, level + 0.08, metal,
                                                                          sides=12)]
    fan = rng.uniform(12, 32)
    for i in range(count):
        offset = i - (count - 1) / 2
        made = panel(rng, width, height, bezel=0.01, thick=0.025, bulge=0.02, body=body)
        centre = np.array([offset * (width + 0.04) * 0.97, rise, abs(offset) ** 2 * -0.10 * fan / 20])
        parts += [moved(turned(part, "y", offset * fan), *centre) for part in made]
        parts.append(bar((0, level, 0.2), (centre[0], level, centre[2] + 0.03), (0.05, 0.03), metal, across=(0, 1, 0)))
    return parts


def cinema_screen(rng: np.random.Generator) -> List[Mesh]:
    """A projection screen: a cloth in a case on a tripod."""
    width = rng.uniform(1.2, 1.9)
    height, rise = width * rng.uniform(0.56, 0.85), rng.uniform(0.5, 0.7)
    metal = materials.metal(rng, pick(rng, ("black", "grey", "white")))
    cloth = materials.plain(244, 244, 242, gloss=0.05)
    top = rise + height
    edge = materials.plain(30, 30, 30)
    parts = [box((-width / 2, rise, -0.006), (width / 2, top, 0.006), edge), box((-width * 0.47, rise + 0.04, -0.009),
                                                                                 (width * 0.47, top - 0.04, 0.0),
                                                                                 cloth),
             tube([(-width / 2 - 0.03, rise, 0.02), (width / 2 + 0.03, rise, 0.02)], 0.035, metal, sides=10),
             box((-width / 2, top - 0.015, -0.012), (width / 2, top + 0.015, 0.012), metal)]
    parts.append(cylinder((0, 0.1, 0.055), 0.016, top - 0.08, metal, sides=8))
    parts.append(box((-0.02, top - 0.02, -0.005), (0.02, top + 0.02, 0.06), metal))
    leg = tube([(0, rise * 0.6, -0.01), (0, 0.01, -0.42)], 0.013, metal, sides=6)
    return parts + [moved(part, z=0.055) for part in ring(leg, 3)]


def kiosk(rng: np.random.Generator) -> List[Mesh]:
    """An upright signage pillar, or a slanted terminal on a column."""
    body = housing(rng)
    if rng.random() < 0.5:
        width, height = rng.uniform(0.5, 0.75), rng.uniform(1.5, 1.9)
        made = panel(rng, width, height * 0.72, bezel=0.04, chin=height * 0.2, thick=0.08, body=body)
        return made + [box((-width * 0.65, 0, -0.14), (width * 0.65, 0.03, 0.22), body, bevel=0.006)]
    rise, tilt = rng.uniform(0.8, 1.0), rng.uniform(25, 55)
    metal = materials.metal(rng)
    width = rng.uniform(0.35, 0.55)
    made = panel(rng, width, width * 0.6, bezel=0.03, thick=0.04, body=body)
    pivot = -0.03 - 0.12 * width * np.tan(np.radians(tilt))  # the column's top meets the panel above its lower edge
    parts = [turned(moved(part, y=rise, z=pivot), "x", tilt, (0, rise, pivot)) for part in made]
    column = bar((0, 0.01, 0.06), (0, rise + width * 0.15, 0.04), (width * 0.3, 0.08), metal)
    return parts + [column, box((-width * 0.45, 0, -0.18), (width * 0.45, 0.025, 0.24), metal, bevel=0.005)]
