"""Shapes, class sofa: boxy and rolled-arm sofas, chesterfields, corners, chaises, futons and modules."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh, concatenate
from recordio.shapes import materials
from recordio.shapes.catalogue import draw_style, register
from recordio.shapes.furniture import four_legs, frame_material, upholstery
from recordio.shapes.materials import pick
from recordio.shapes.placing import mirrored, pair
from recordio.shapes.primitives import box, cushion, ellipsoid, rounded_box, sweep, tube
from recordio.shapes.sofa_parts import arm_rest, back_pads, feet, pillows, seat_pads
from recordio.shapes.sofa_special import camelback, chaise, frame_sofa, futon

ARMS = ("box", "round", "rolled", "slope", "pad", "none", "thin")


@register("sofa")
def sofa(rng: np.random.Generator) -> Mesh:
    """A sofa of one of eight styles, open to -z."""
    styles = {seat_sofa: 5, corner_sofa: 2, chesterfield: 2, chaise: 1, futon: 1, modular_sofa: 1, frame_sofa: 1,
              camelback: 1}
    return concatenate(draw_style(rng, styles)(rng))


def seat_sofa(rng: np.random.Generator) -> List[Mesh]:
    """One to four seats between two arms of one of ARMS, on feet, a plinth or a skirt."""
    seats = int(rng.choice([1, 2, 2, 2, 3, 3, 3, 4]))
    pitch, depth = rng.uniform(0.55, 0.78), rng.uniform(0.78, 1.0)
    kind = pick(rng, ARMS)
    arm = {"thin": 0.07, "none": 0.0}.get(kind, rng.uniform(0.13, 0.26))
    inner = seats * pitch
    width = inner + 2 * arm
    foot = rng.choice([0.0, 0.05, rng.uniform(0.08, 0.2)])
    seat, thick = rng.uniform(0.38, 0.46), rng.uniform(0.12, 0.2)
    high, level = rng.uniform(0.70, 0.98), rng.uniform(0.54, 0.68)
    back = rng.uniform(0.12, 0.22)
    cover = upholstery(rng)
    loose = cover if rng.random() < 0.75 else upholstery(rng)
    parts = feet(rng, width, depth, foot)
    base = seat - thick
    parts.append(box((-inner / 2 - 0.01, foot, -depth / 2 + 0.03), (inner / 2 + 0.01, base, depth / 2 - 0.02), cover))
    low_back = high - rng.choice([0.0, 0.08, 0.14])
    parts.append(rounded_box((-inner / 2 - 0.02, foot, depth / 2 - back), (inner / 2 + 0.02, low_back, depth / 2),
                             cover, radius=0.04))
    parts += seat_pads(rng, (-inner / 2, inner / 2), (-depth / 2, depth / 2 - back + 0.02), (base - 0.01, seat), seats,
                       loose)
    parts += back_pads(rng, (-inner / 2, inner / 2), depth / 2 - back, (seat - 0.02, high), seats, loose)
    if arm:
        parts += pair(*arm_rest(kind, inner / 2, width / 2, depth, foot, level, back, cover))
    return parts + pillows(rng, inner / 2, seat, depth / 2 - back - 0.13)


def corner_sofa(rng: np.random.Generator) -> List[Mesh]:
    """An L: a long row of seats and a wing that comes forward on the left or right, closed or as a chaise."""
    pitch, depth = rng.uniform(0.6, 0.78), rng.uniform(0.82, 0.98)
    seats = int(rng.integers(2, 4))
    reach = rng.uniform(0.55, 1.3)  # how far the wing comes forward of the row
    back, foot = rng.uniform(0.14, 0.22), rng.choice([0.0, 0.05, 0.12])
    seat, high, thick = rng.uniform(0.38, 0.45), rng.uniform(0.68, 0.90), rng.uniform(0.12, 0.2)
    cover = upholstery(rng)
    arm, level = rng.uniform(0.12, 0.24), rng.uniform(0.52, 0.64)
    left = -(seats * pitch + depth) / 2  # the row runs from here to the wing's outer side at +x
    right, rear = -left, depth / 2
    wing = right - depth
    closed = rng.random() < 0.6  # the wing has a back along its outer side
    base, front = seat - thick, -depth / 2 - reach
    parts = [box((left, foot, -depth / 2 + 0.02), (right, base, rear), cover), box((wing, foot, front + 0.02),
                                                                                   (right, base, 0), cover)]
    parts.append(rounded_box((left, foot, rear - back), (right, high - 0.1, rear), cover, radius=0.04))
    parts += seat_pads(rng, (left, wing), (-depth / 2, rear - back), (base - 0.01, seat), seats, cover)
    inner_right = right - back if closed else right
    cells = 2 if closed and reach > 0.6 else 1
    edges = np.linspace(front, rear - back, cells + 1)
    parts += [cushion((wing, base - 0.01, a), (inner_right, seat, b), cover, squareness=8, crown=0.1) for a,
              b in zip(edges[:-1], edges[1:])]
    parts += back_pads(rng, (left, inner_right), rear - back, (seat - 0.02, high), seats + 1, cover)
    if closed:
        parts.append(rounded_box((right - back, foot, front), (right, high - 0.1, rear - 0.01), cover, radius=0.04))
        long = rear - back - 0.15 - front
        pads = [cushion((right - back - 0.13, seat - 0.02, front + 0.02 + i * long / cells),
                        (right - back + 0.04, high, front + (i + 1) * long / cells),
                        cover, squareness=5) for i in range(cells)]
        parts += pads
    elif rng.random() < 0.7:
        parts.append(rounded_box((right - 0.02, foot, -depth / 2), (right + arm, level, rear), cover, radius=0.04))
    parts.append(rounded_box((left - arm, foot, -depth / 2), (left + 0.01, level, rear), cover, radius=0.04))
    if foot:
        wood = frame_material(rng, metal=0.4)
        for x, z in ((left - arm / 2, -depth / 2 + 0.06), (left - arm / 2, rear - 0.06), (right - 0.08, rear - 0.08),
                     (wing + 0.08, front + 0.1), (right - 0.08, front + 0.1)):
            parts.append(box((x - 0.03, 0, z - 0.03), (x + 0.03, foot + 0.03, z + 0.03), wood))
    parts += pillows(rng, (right - left) / 2 - 0.3, seat, rear - back - 0.13)
    return [mirrored(part) for part in parts] if rng.random() < 0.5 else parts


def chesterfield(rng: np.random.Generator) -> List[Mesh]:
    """Arms and back of one height, rolled outward, deep buttons, turned feet."""
    seats = int(rng.integers(2, 4))
    inner, depth = seats * rng.uniform(0.55, 0.68), rng.uniform(0.82, 0.95)
    cover = materials.leather(rng) if rng.random() < 0.7 else materials.fabric(rng, patterned=0.0)
    seat, level, foot = rng.uniform(0.40, 0.45), rng.uniform(0.64, 0.74), rng.uniform(0.06, 0.12)
    wall, roll = rng.uniform(0.12, 0.17), rng.uniform(0.085, 0.12)
    x, rear, front = inner / 2, depth / 2, -depth / 2
    parts = four_legs(rng, "turned", (x, front + 0.08, rear - 0.08), foot + 0.03, 0.08, materials.wood(rng))
    parts.append(box((-x, foot, front + 0.03), (x, seat - 0.14, rear), cover))
    parts += seat_pads(rng, (-x, x), (front, rear - wall), (seat - 0.15, seat), seats, cover)
    plan = [(x + wall / 2, front + 0.02), (x + wall / 2, rear - wall), (x, rear - wall / 2), (-x, rear - wall / 2),
            (-x - wall / 2, rear - wall), (-x - wall / 2, front + 0.02)]
    plan = np.array(plan)
    section = np.array([(-wall / 2, foot), (wall / 2, foot), (wall / 2, level), (-wall / 2, level)]) - (0, level)
    path = np.insert(plan, 1, level, axis=1)
    parts.append(sweep(path, section, cover, up=(0, 1, 0)))
    parts.append(tube(np.insert(_outer(plan, 0.03), 1, level, axis=1), roll, cover, sides=14))
    dark = cover.tinted(0.55)
    rows, columns = 2, max(3, seats * 3)
    for row in range(rows):
        for column in range(columns + row % 2):
            u = (column + 0.5 - 0.5 * (row % 2)) / columns
            parts.append(ellipsoid((-x + 2 * x * u, seat + 0.08 + 0.1 * row, rear - wall - 0.002),
                                   (0.014, 0.014, 0.008), dark, cells=2))
    return parts


def modular_sofa(rng: np.random.Generator) -> List[Mesh]:
    """Low soft blocks in a row, some without a back, perhaps with an ottoman in front."""
    count, pitch = int(rng.integers(2, 5)), rng.uniform(0.7, 0.9)
    cover = upholstery(rng)
    seat, high, depth = rng.uniform(0.34, 0.42), rng.uniform(0.62, 0.78), rng.uniform(0.8, 0.95)
    soft, back = rng.uniform(5, 9), rng.uniform(0.2, 0.3)
    parts, backless = [], int(rng.integers(-2, count))
    left = -count * pitch / 2
    for i in range(count):
        a, b = left + i * pitch, left + (i + 1) * pitch
        parts += [box((a + 0.03, 0.0, -depth / 2 + 0.04), (b - 0.03, 0.07, depth / 2 - 0.04),
                      materials.plain(40, 38, 36)),
                  cushion((a, 0.05, -depth / 2), (b, seat, depth / 2), cover, squareness=soft + 2, crown=0.06)]
        if i != backless:
            parts.append(cushion((a, seat - 0.12, depth / 2 - back), (b, high, depth / 2), cover, squareness=soft))
    for side in ((-1, 1) if rng.random() < 0.6 else (-1,)):
        if rng.random() < 0.8:
            low, top = sorted((side * count * pitch / 2, side * (count * pitch / 2 - back)))
            parts.append(cushion((low, seat - 0.12, -depth / 2), (top, high - rng.choice([0.0, 0.1]),
                                                                  depth / 2), cover, squareness=soft))
    if rng.random() < 0.35:
        a = left + pitch * int(rng.integers(count))
        parts.append(cushion((a, 0.0, -depth / 2 - pitch), (a + pitch, seat, -depth / 2 + 0.01), cover,
                             squareness=soft + 2, crown=0.06))
    return parts + pillows(rng, count * pitch / 2 - back, seat, depth / 2 - back - 0.1)


def _outer(plan: np.ndarray, by: float) -> np.ndarray:
    """The plan (n, 2) of a U open to -z, every point pushed outward."""
    grown = plan.copy()
    grown[:, 0] += np.sign(plan[:, 0]) * by
    grown[1:-1, 1] += by * (np.abs(plan[1:-1, 1] - plan[1:-1, 1].max()) < 0.05)
    return grown
