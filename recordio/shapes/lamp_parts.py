"""Shapes, class lamp: what its styles share, shades, feet and reflectors."""
from __future__ import annotations

from typing import List, Tuple

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes import materials
from recordio.shapes.materials import Material, pick
from recordio.shapes.outlines import curve
from recordio.shapes.placing import turned
from recordio.shapes.primitives import bar, box, cylinder, ellipsoid, lathe

SHADES = ((240, 232, 214), (250, 246, 238), (222, 200, 164), (60, 58, 58), (190, 70, 56), (96, 116, 124),
          (214, 178, 110), (120, 140, 110))


def shade(rng: np.random.Generator, y: float, radius: float, height: float, *, kinds=("drum", "empire", "bell",
                                                                                      "square", "pleat")) -> List[Mesh]:
    """A cloth shade standing on height *y* around the axis: hollow, open below and above, a lit bulb within."""
    cover = materials.fabric(rng, pick(rng, SHADES, 1.5), patterned=0.2)
    kind = pick(rng, kinds)
    top = radius * {"drum": rng.uniform(0.9, 1.0), "bell": 0.45,
                    "square": rng.uniform(0.6, 1.0)}.get(kind, rng.uniform(0.35, 0.75))
    t = 0.008
    spokes = [box((-top * 0.97, y + height * 0.88, -0.004), (top * 0.97, y + height * 0.91, 0.004),
                  materials.plain(150, 150, 150))]
    bulb = [ellipsoid((0, y + height * 0.45, 0), (0.035, 0.05, 0.035), materials.plain(255, 248, 225, gloss=0.4),
                      cells=4),
            cylinder((0, y - 0.02, 0), 0.016, height * 0.9 + 0.02, materials.plain(120, 116, 110), sides=8)]
    if kind == "square":
        sides = []
        for i in range(4):
            panel = bar((0, y, -radius), (0, y + height, -top), (2 * radius, t), cover, end_size=(2 * top, t))
            sides.append(turned(panel, "y", 90 * i))
        return sides + spokes + bulb
    sides = 40 if kind == "pleat" else 24
    if kind == "bell":
        outer = curve([(radius, y), (radius * 0.72, y + height * 0.3), (top * 1.1, y + height * 0.7),
                       (top, y + height)], 7)
    else:
        outer = np.array([(radius, y), (top, y + height)])
    loop = np.concatenate([outer, outer[::-1] - (t, 0)])
    made = lathe(loop, cover, sides=sides, closed=True)
    if kind == "pleat":  # every second rib stands out
        ribs = 1 + 0.035 * np.cos(np.arctan2(made.vertices[:, 2], made.vertices[:, 0]) * sides / 2)
        made.vertices[:, [0, 2]] *= ribs[:, None]
    return [made] + spokes + bulb


def foot(rng: np.random.Generator, radius: float, material: Material) -> Tuple[float, List[Mesh]]:
    """(height of the upper side, parts): a disc, a dome, stepped rings or a square block."""
    kind = rng.integers(4)
    if kind == 0:
        return 0.022, [cylinder((0, 0, 0), radius, 0.022, material, sides=28)]
    if kind == 1:
        high = radius * rng.uniform(0.2, 0.4)
        return high, [lathe(curve([(radius, 0.0), (radius * 0.92, high * 0.4), (radius * 0.5, high * 0.8),
                                   (0.02, high)], 7), material, sides=28)]
    if kind == 2:
        return 0.05, [lathe([(radius, 0), (radius, 0.02), (radius * 0.75, 0.022), (radius * 0.75, 0.037),
                             (radius * 0.45, 0.039), (radius * 0.45, 0.05)], material, sides=28)]
    return 0.03, [box((-radius * 0.85, 0, -radius * 0.85), (radius * 0.85, 0.03, radius * 0.85), material, bevel=0.008)]


def reflector(material: Material, inside: Material, *, radius: float, length: float, flare: float) -> Mesh:
    """A hollow reflector about the y axis: its socket at the origin, its mouth at y = -length."""
    outer = curve([(0.028, 0.0), (0.032, -length * 0.35), (radius * flare, -length * 0.6), (radius, -length)], 8)
    inner = curve([(radius - 0.006, -length), (radius * flare - 0.01, -length * 0.58), (0.0, -length * 0.4)], 5)
    return lathe(np.concatenate([[(0.0, 0.0)], outer, inner]), material, sides=20)
