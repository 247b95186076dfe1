"""Shapes, class display: what its styles share, flat panels, stands and keyboards."""
from __future__ import annotations

from typing import List, Optional

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes import materials
from recordio.shapes.materials import Material, pick
from recordio.shapes.outlines import ellipse, rounded_rectangle
from recordio.shapes.placing import pair
from recordio.shapes.primitives import bar, box, extrude, frustum, hexahedron, rounded_box, tube, with_picture


def housing(rng: np.random.Generator) -> Material:
    """Black most often, silver, white or beige."""
    colour = pick(rng, ((30, 30, 32), (44, 44, 48), (170, 174, 178), (232, 232, 230), (206, 198, 180)), 1.7)
    return Material(materials.varied(rng, colour, 0.05), rng.uniform(0.2, 0.75))


def panel(rng: np.random.Generator, width: float, height: float, *, bezel: float, chin: float = 0.0,
          thick: float = 0.02, bulge: float = 0.0,
          body: Optional[Material] = None, rounded: bool = False) -> List[Mesh]:
    """A flat screen standing on y = 0, its glass at z = 0: frame, glass, and electronics that bulge out behind."""
    body = body or housing(rng)
    x, total = width / 2 + bezel, height + 2 * bezel + chin
    if rounded:
        parts = [extrude(rounded_rectangle(2 * x, total, 0.05 * total, steps=4, centre=(0, total / 2)), 0.0, thick,
                         body, smooth=True)]
    else:
        parts = [box((-x, 0, 0), (x, total, thick), body)]
    low = bezel + chin
    parts.append(with_picture(box((-width / 2, low, -0.0035), (width / 2, low + height, thick / 2),
                                  materials.screen(rng))))
    lip = max(bezel * 0.35, 0.004)  # a raised rim around the glass
    rim = body.tinted(0.9)
    parts += [box((-x, total - lip, -0.006), (x, total, thick * 0.9), rim), box((-x, 0, -0.006), (x, lip, thick * 0.9),
                                                                                rim)]
    parts += pair(box((x - lip, 0, -0.006), (x, total, thick * 0.9), rim))
    if bulge:
        middle = total * rng.uniform(0.38, 0.5)
        inner = (x * 0.75, total * 0.33)
        outer = (x * 0.95, total * 0.42)
        corners = [(s * size[0], middle + t * size[1], z) for size, z in ((outer, thick - 0.002),
                                                                          (inner, thick + bulge)) for t in (-1, 1)
                   for s in (-1, 1)]
        parts.append(hexahedron(np.array(corners), body.tinted(0.92)))
    return parts


def stand(rng: np.random.Generator, rise: float, width: float, material: Material, *, deep: float = 0.2,
          back: float = 0.03) -> List[Mesh]:
    """A desktop stand that reaches up to *rise* behind the panel: disc, plate, V feet, bent sheet or bar."""
    kind = rng.integers(5)
    z = deep / 2
    neck = rng.uniform(0.025, 0.06)
    mount = box((-0.04, rise - 0.05, 0.006), (0.04, rise, back + 0.02), material)  # holds the thinnest panel too
    if kind == 0:
        parts = [extrude(ellipse(width, deep, 28), 0.0, 0.014, material, axis="y", smooth=True),
                 box((-neck, 0.01, back - 0.005), (neck, rise, back + 0.025), material)]
    elif kind == 1:
        post = back + max(0.015, neck * 0.6)  # its skin stays behind the glass
        parts = [box((-width / 2, 0, -z), (width / 2, 0.012, z), material, bevel=0.004),
                 tube([(0, 0.008, post), (0, rise, post)], neck * 0.6, material, sides=12)]
    elif kind == 2:  # two feet in a V
        parts = pair(bar((0, 0.02, back + 0.03), (width * 0.45, 0.008, -z), (0.035, 0.016), material),
                     bar((0, 0.02, back + 0.01), (width * 0.35, 0.008, z), (0.035, 0.016), material))
        parts.append(box((-neck * 0.8, 0.006, back), (neck * 0.8, rise, back + 0.03), material))
    elif kind == 3:  # an L of bent sheet
        wide = width * rng.uniform(0.6, 1.0)
        parts = [box((-wide / 2, 0, -z), (wide / 2, 0.01, z), material),
                 bar((0, 0.005, z - 0.01), (0, rise, back + 0.01), (wide * 0.8, 0.012), material)]
    else:
        parts = [extrude(rounded_rectangle(width, deep, 0.05, steps=4), 0.0, 0.02, material, axis="y", smooth=True),
                 frustum((-neck * 1.6, neck * 1.6, back - 0.01, back + 0.04, 0.015),
                         (-neck, neck, back, back + 0.025, rise), material)]
    return parts + [mount]


def keyboard(rng: np.random.Generator, z: float, body: Material) -> List[Mesh]:
    """A keyboard in front of z, its rows of keys as strips, a mouse at its right, and the cable that joins them."""
    half, deep = rng.uniform(0.17, 0.22), 0.13
    rows = body.tinted(0.7 if sum(body.colour) > 1 else 1.8)
    parts = [box((-half, 0, z - deep), (half, 0.016, z), body, bevel=0.004)]
    parts += [box((-half * 0.95, 0.013, z - deep + 0.01 + i * 0.028),
                  (half * 0.95, 0.021, z - deep + 0.032 + i * 0.028), rows) for i in range(4)]
    parts.append(tube([(0, 0.006, z - 0.01), (0, 0.006, 0.04)], 0.004, body.tinted(0.6), sides=6))
    if rng.random() < 0.6:
        parts += [rounded_box((-half - 0.10, 0, z - deep * 0.8), (-half - 0.045, 0.03, z - deep * 0.05), body,
                              radius=0.012),
                  tube([(-half - 0.07, 0.008, z - 0.02), (-half + 0.01, 0.008, z - 0.02)], 0.004, body.tinted(0.6),
                       sides=6)]
    return parts
