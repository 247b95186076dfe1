"""Shapes, third step: what several kinds of furniture share, legs, bases, turned posts, pillows and handles."""
from __future__ import annotations

from typing import List, Optional, Sequence

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes import materials
from recordio.shapes.materials import Material
from recordio.shapes.outlines import curve
from recordio.shapes.placing import moved, ring, turned
from recordio.shapes.primitives import bar, box, cushion, cylinder, ellipsoid, lathe, tube

LEGS = ("square", "tapered", "round", "turned", "conical")


def upholstery(rng: np.random.Generator) -> Material:
    """The cover of a seat: cloth more often than leather."""
    return materials.fabric(rng) if rng.random() < 0.65 else materials.leather(rng)


def frame_material(rng: np.random.Generator, *, metal: float = 0.25, painted: float = 0.15) -> Material:
    """What a piece of furniture is built of: wood, or with the given probabilities metal or painted wood."""
    draw = rng.random()
    if draw < metal:
        return materials.metal(rng)
    return materials.paint(rng) if draw < metal + painted else materials.wood(rng)


def slat_material(rng: np.random.Generator) -> Material:
    """What garden furniture is built of: varnished or painted wood."""
    return materials.wood(rng) if rng.random() < 0.75 else materials.paint(rng)


def turned_profile(rng: np.random.Generator, height: float, radius: float, *, points: int = 14) -> np.ndarray:
    """(points, 2) profile of a post from the lathe: necks and swellings between thick ends, radius at most *radius*."""
    knots = int(rng.integers(3, 6))
    radii = np.where(np.arange(knots) % 2 == int(rng.integers(2)), rng.uniform(0.75, 1.0, knots),
                     rng.uniform(0.4, 0.65, knots))
    heights = np.linspace(0, 1, knots) + np.concatenate([[0], rng.uniform(-0.3, 0.3, knots - 2) / knots, [0]])
    profile = curve(np.stack([radii * radius, heights * height], axis=1), points)
    profile[:, 0] = np.clip(profile[:, 0], 0.3 * radius, radius)
    return profile


def leg(style: str, top: Sequence[float], foot: Sequence[float], size: float, material: Material, *,
        profile: Optional[np.ndarray] = None) -> Mesh:
    """A leg of one of LEGS from *top* down to *foot*, *size* metres thick.

    *profile* (n, 2) with heights from 0 to 1 and radii up to 1 shapes a turned leg.
    """
    top, foot = np.asarray(top, np.float64), np.asarray(foot, np.float64)
    if style == "square":
        return bar(top, foot, (size, size), material)
    if style == "tapered":
        return bar(top, foot, (size, size), material, end_size=(0.55 * size, 0.55 * size))
    if style == "turned" and profile is not None:
        t = profile[:, 1:] / profile[-1, 1]
        return tube(foot + (top - foot) * t, profile[:, 0] / profile[:, 0].max() * size * 0.6, material)
    end = 0.5 if style == "conical" else 0.9
    return tube([top, foot], [size * 0.5, size * 0.5 * end], material)


def four_legs(rng: np.random.Generator, style: str, tops: Sequence[float], height: float, size: float,
              material: Material, *, splay: float = 0.0) -> List[Mesh]:
    """Legs under the rectangle *tops* = (x, z front, z back), leaning outward by *splay* metres at the floor."""
    x, front, back = tops
    profile = turned_profile(rng, 1.0, 1.0) if style == "turned" else None
    middle = (front + back) / 2
    return [leg(style, (side * x, height, z), (side * (x + splay), 0.0, z + splay * np.sign(z - middle)), size,
                material, profile=profile) for side in (-1, 1) for z in (front, back)]


def star_base(rng: np.random.Generator, radius: float, height: float, material: Material, *, count: int = 5,
              castors: bool = True) -> List[Mesh]:
    """An office chair's foot: *count* arms that fall outward from the hub, and the column up to *height*."""
    rubber = materials.plain(28, 28, 30)
    wheel = 0.028 if castors else 0.0
    low = 2 * wheel + 0.015
    arm = bar((0, low + 0.03, 0), (0, low, -radius), (0.05, 0.045), material, end_size=(0.032, 0.025))
    parts = ring(arm, count, start=rng.uniform(0, 30) if castors else 0.0)
    if castors:
        roll = turned(cylinder((0, -0.02, 0), wheel, 0.04, rubber, sides=10), "z", 90)
        turn = 360.0 * np.arange(count) / count
        start = rng.uniform(0, 72)
        parts = ring(arm, count, start=start)
        parts += [turned(moved(roll, y=wheel, z=-radius + 0.01), "y", start + angle) for angle in turn]
    else:
        foot = cylinder((0, 0, -radius + 0.015), 0.02, low, material, sides=8)
        parts += ring(foot, count)
    parts.append(lathe([(0.045, low - 0.01), (0.045, low + 0.06), (0.03, low + 0.07), (0.03, height * 0.7),
                        (0.02, height * 0.7), (0.02, height)], material, sides=10))
    return parts


def pillow(rng: np.random.Generator, width: float, height: float, material: Material, *, depth: float = 0.14) -> Mesh:
    """A loose square pillow standing at the origin, leaning back a little, its middle puffed."""
    puffed = cushion((-width / 2, -height / 2, -depth / 2), (width / 2, height / 2, depth / 2), material,
                     squareness=4.0, cells=6)
    return moved(turned(puffed, "x", rng.uniform(8, 22)), y=height / 2)


def knob(centre: Sequence[float], radius: float, material: Material) -> Mesh:
    """A drawer's round knob whose middle is at *centre*."""
    return ellipsoid(centre, (radius, radius, radius), material, cells=4)


def handle(centre: Sequence[float], length: float, material: Material, *, upright: bool = False,
           thickness: float = 0.012, stand_off: float = 0.025) -> List[Mesh]:
    """A bar handle in front (at smaller z) of the point *centre* of a door or drawer."""
    x, y, z = centre
    half = np.array([0.0, length / 2, 0.0]) if upright else np.array([length / 2, 0.0, 0.0])
    reach = np.full(3, thickness / 2) + half
    grip = np.array([x, y, z - stand_off])
    ends = [grip + half * 0.85, grip - half * 0.85]
    return [box(grip - reach, grip + reach, material)] + [
        box(end - thickness / 2, end + (thickness / 2, thickness / 2, stand_off + 0.005), material) for end in ends]
