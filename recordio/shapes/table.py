"""Shapes, class table: draws a style and hands on to it; dining, round, trestle, coffee, glass and C-shaped tables."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh, concatenate
from recordio.shapes import materials
from recordio.shapes.catalogue import draw_style, register
from recordio.shapes.desk import drawer_desk, height_desk, school_desk
from recordio.shapes.furniture import LEGS, four_legs, frame_material, turned_profile
from recordio.shapes.materials import pick
from recordio.shapes.outlines import curve, filleted, rounded_rectangle
from recordio.shapes.placing import pair, ring
from recordio.shapes.primitives import bar, box, cylinder, extrude, lathe, sweep, tube
from recordio.shapes.table_parts import curved_feet, table_size, table_top, top_material


@register("table")
def table(rng: np.random.Generator) -> Mesh:
    """A table or desk of one of a dozen styles."""
    styles = {four_leg_table: 4, pedestal_table: 2, trestle_table: 2, crossed_table: 1, loop_table: 2, hairpin_table:
              1, panel_table: 1, side_table: 1, drawer_desk: 2, height_desk: 1, school_desk: 1, tripod_table: 1}
    return concatenate(draw_style(rng, styles)(rng))


def four_leg_table(rng: np.random.Generator) -> List[Mesh]:
    """Four legs at the corners under an apron, as a dining or a coffee table, perhaps with a shelf or a drawer."""
    width, depth, height = table_size(rng)
    top, thick = top_material(rng)
    frame = top if rng.random() < 0.5 and thick > 0.015 else frame_material(rng)
    size = rng.uniform(0.04, 0.085)
    inset = rng.choice([0.0, 0.02, 0.08]) + size / 2
    x, z = width / 2 - inset, depth / 2 - inset
    style = pick(rng, LEGS)
    splay = rng.choice([0.0, 0.0, 0.05]) if style in ("tapered", "round", "conical") else 0.0
    round_top = rng.random() < 0.2
    if round_top:
        x, z = x * 0.68, z * 0.68
    parts = [table_top(rng, width, depth, height, thick, top, round_top=round_top)]
    parts += four_legs(rng, style, (x, -z, z), height - thick + 0.002, size, frame, splay=splay)
    if rng.random() < 0.75:
        apron = rng.uniform(0.05, 0.12)
        low, high, t = height - thick - apron, height - thick + 0.002, size * 0.35
        parts += [box((-x, low, s * z - t), (x, high, s * z + t), frame) for s in (-1, 1)]
        parts += pair(box((x - t, low, -z), (x + t, high, z), frame))
        if apron > 0.09 and rng.random() < 0.5:
            half = min(x * 0.6, 0.3)
            parts += [box((-half, low + 0.012, -z - t - 0.012), (half, high - 0.01, -z), frame.tinted(1.1)),
                      cylinder((0, (low + high) / 2 - 0.01, -z - t - 0.03), 0.012, 0.02, materials.metal(rng), sides=8)]
    if rng.random() < (0.45 if height < 0.55 else 0.08):
        level = height * rng.uniform(0.2, 0.4)
        reach = splay * (1 - level / height)
        parts.append(box((-x - reach, level, -z - reach), (x + reach, level + 0.02, z + reach), top))
    elif rng.random() < 0.2:
        level = height * rng.uniform(0.1, 0.25)
        parts += pair(bar((x, level, -z), (x, level, z), (size * 0.6, size * 0.6), frame))
        parts.append(bar((-x, level, 0), (x, level, 0), (size * 0.6, size * 0.6), frame))
    return parts


def pedestal_table(rng: np.random.Generator) -> List[Mesh]:
    """A round, oval or square top on one column: a disc, a trumpet, a cross or curved feet below."""
    width, height = rng.uniform(0.55, 1.35), float(rng.choice([0.5, 0.74, 0.74, 1.05]) * rng.uniform(0.95, 1.05))
    if height > 1:
        width = min(width, 0.75)
    depth = width * rng.choice([1.0, 1.0, 0.65])
    top, thick = top_material(rng)
    frame = frame_material(rng, metal=0.5)
    parts = [table_top(rng, width, depth, height, thick, top, round_top=rng.random() < 0.8)]
    column, reach = rng.uniform(0.03, 0.07), depth * rng.uniform(0.28, 0.38)
    kind, under = rng.integers(4), height - thick + 0.002
    if kind == 0:  # a tulip
        profile = curve([(reach, 0.0), (reach * 0.9, 0.015), (column * 1.3, height * 0.18),
                         (column * 0.8, height * 0.5), (column * 1.2, height * 0.85), (reach * 0.5, under)], 16)
        return parts + [lathe(profile, frame, sides=24)]
    if kind == 1:  # a flat disc
        plate = [cylinder((0, 0, 0), reach, 0.025, frame, sides=28)]
        return parts + plate + [cylinder((0, 0.02, 0), column * 0.8, under - 0.02, frame),
                                cylinder((0, under - 0.03, 0), column * 2.2, 0.03, frame)]
    if kind == 2:  # a straight cross below and above
        feet = [bar((0, 0.025, 0), (0, 0.02, -reach * 1.1), (0.06, 0.05), frame)]
        arms = [bar((0, under - 0.02, 0), (0, under - 0.015, -reach), (0.05, 0.035), frame)]
        return parts + ring(feet[0], 4, start=45) + ring(arms[0], 4, start=45) + [
            cylinder((0, 0, 0), column * 0.9, under, frame)]
    post = turned_profile(rng, under - 0.12, column * 1.3) + (0, 0.12)
    return parts + [lathe(post, frame)] + curved_feet(rng, reach * 1.15, height * 0.3, column, frame,
                                                      int(rng.choice([3, 4])))


def tripod_table(rng: np.random.Generator) -> List[Mesh]:
    """A small round top on three straight splayed legs."""
    width, height = rng.uniform(0.36, 0.6), rng.uniform(0.42, 0.62)
    top, thick = top_material(rng)
    frame = frame_material(rng)
    splay = width * rng.uniform(0.38, 0.52)
    one = tube([(0, height - thick, -width * 0.2), (0, 0, -splay)], [0.018, 0.012], frame)
    level = rng.uniform(0.25, 0.45)  # of the height; a shelf there reaches the legs
    reach = splay + (width * 0.2 - splay) * level * height / (height - thick)
    extra = [cylinder((0, height * level, 0), reach + 0.005, 0.015, top, sides=24)] if rng.random() < 0.4 else []
    rim = lathe([(width / 2 - 0.01, height), (width / 2, height), (width / 2, height + 0.025),
                 (width / 2 - 0.01, height + 0.025)], top, sides=28, closed=True)
    return [table_top(rng, width, width, height, thick, top, round_top=True)] + ring(one, 3, start=180) + extra + (
        [rim] if rng.random() < 0.4 else [])


def trestle_table(rng: np.random.Generator) -> List[Mesh]:
    """Two end supports, A-shaped, I-shaped or slabs, joined by a beam."""
    width, depth, height = rng.uniform(1.3, 2.3), rng.uniform(0.7, 1.0), rng.uniform(0.72, 0.77)
    top, thick = top_material(rng, glass=0.1)
    frame = frame_material(rng, metal=0.15)
    x, size = width / 2 * rng.uniform(0.62, 0.82), rng.uniform(0.05, 0.09)
    under, reach = height - thick + 0.002, depth * 0.38
    kind = rng.integers(4)
    if kind == 0:  # saw-horses
        half = size * 0.45
        ends = [bar((x, under, s * 0.05), (x, 0, s * reach), (half * 2, half * 1.4), frame) for s in (-1, 1)]
        ends += [box((x - size * 0.6, under - size, -reach * 0.9), (x + size * 0.6, under, reach * 0.9), frame),
                 bar((x, under * 0.35, -reach * 0.68), (x, under * 0.35, reach * 0.68), (size * 0.4, size * 0.7),
                     frame)]
    elif kind == 1:  # a post on a sledge foot
        ends = [box((x - size * 0.7, 0, -reach), (x + size * 0.7, size, reach), frame),
                box((x - size * 0.6, under - size * 0.8, -reach * 0.9), (x + size * 0.6, under, reach * 0.9), frame),
                box((x - size * 0.6, size * 0.9, -0.1), (x + size * 0.6, under - size * 0.7, 0.1), frame)]
    elif kind == 2:  # crossed
        ends = [bar((x, under, s * reach * 0.9), (x + 0.002 * s, 0, -s * reach), (size, size), frame) for s in (-1, 1)]
    else:  # carved slabs
        half = curve([(reach, 0.0), (reach * 0.45, under * 0.3), (reach * 0.65, under * 0.6), (reach * 0.85, under)], 9)
        outline = np.concatenate([half[:, ::-1], half[::-1, ::-1] * (1, -1)])
        ends = [extrude(outline, x - size * 0.35, x + size * 0.35, frame, axis="x")]
    level = under * rng.uniform(0.25, 0.5)
    beam = box((-x, level, -size * 0.4), (x, level + size * 1.2, size * 0.4), frame)
    return [table_top(rng, width, depth, height, thick, top)] + pair(*ends) + ([beam] if kind != 0 else [])


def crossed_table(rng: np.random.Generator) -> List[Mesh]:
    """X-shaped legs at both ends, or one big X in the middle."""
    width, depth, height = table_size(rng)
    top, thick = top_material(rng)
    frame = frame_material(rng, metal=0.5)
    size, under = rng.uniform(0.03, 0.07), height - thick + 0.002
    x, z = width / 2 - 0.06, depth / 2 - 0.04
    tops = [table_top(rng, width, depth, height, thick, top)]
    if rng.random() < 0.7:  # seen from the ends, or from the front
        parts = pair(bar((x, under, -z), (x, 0, z), (size, size), frame), bar((x, under, z), (x, 0, -z), (size, size),
                                                                              frame))
        return tops + parts + [bar((-x, under / 2, 0), (x, under / 2, 0), (size, size), frame)]
    return tops + [bar((s * x, under, z0), (-s * x, 0, z0), (size, size), frame, across=(0, 0, 1))
                   for s in (-1, 1) for z0 in (-z, z)] + pair(bar((x, 0.5 * size, -z), (x, 0.5 * size, z),
                                                                  (size, size), frame))


def loop_table(rng: np.random.Generator) -> List[Mesh]:
    """Closed frames of flat bar or tube at both ends: square, trapezoid or a sled; the top often of glass."""
    width, depth, height = table_size(rng)
    top, thick = top_material(rng, glass=0.4)
    metal = materials.metal(rng) if rng.random() < 0.8 else materials.wood(rng)
    size, under = rng.uniform(0.025, 0.08), height - thick - 0.002
    x, z = width / 2 * rng.uniform(0.72, 0.96), depth / 2 - size
    narrow = rng.choice([1.0, 1.0, 0.7])
    path = [(x, under - size / 2, z), (x, under - size / 2, -z), (x, size / 2, -z * narrow), (x, size / 2, z * narrow)]
    outline = rounded_rectangle(size, size * rng.choice([1.0, 0.4]), 0.004, steps=1)
    frames = pair(sweep(path, outline, metal, closed=True, up=(1, 0, 0)))
    rails = [box((-x, under - size, s * z * 0.9 - 0.012), (x, under - 0.005, s * z * 0.9 + 0.012), metal)
             for s in (-1, 1)]
    parts = [table_top(rng, width, depth, height, thick + 0.004, top)] + frames + rails
    if height < 0.55 and rng.random() < 0.4:
        parts.append(box((-x, under * 0.3, -z * 0.92), (x, under * 0.3 + 0.02, z * 0.92), top))
        parts += pair(bar((x, under * 0.3, -z), (x, under * 0.3, z), (size * 0.6, size * 0.6), metal))
    return parts


def hairpin_table(rng: np.random.Generator) -> List[Mesh]:
    """A board on four hairpin legs of bent steel rod."""
    width, depth, height = table_size(rng)
    top, thick = materials.wood(rng), rng.uniform(0.025, 0.05)
    metal = materials.metal(rng, pick(rng, ("black", "black", "steel", "brass", "white")))
    under, x, z = height - thick, width / 2 - 0.09, depth / 2 - 0.09
    legs = []
    for sx in (-1, 1):
        for sz in (-1, 1):
            foot = (sx * (x + 0.05), 0.008, sz * (z + 0.05))
            legs.append(tube(filleted([(sx * (x - 0.07), under, sz * (z + 0.04)), foot, (sx * (x + 0.04), under,
                                                                                         sz * (z - 0.07))],
                                      0.03), 0.0085, metal, sides=6))
            legs.append(box((sx * x - 0.08, under - 0.004, sz * z - 0.08), (sx * x + 0.08, under + 0.002,
                                                                            sz * z + 0.08), metal))
    return [table_top(rng, width, depth, height, thick, top)] + legs


def panel_table(rng: np.random.Generator) -> List[Mesh]:
    """Slabs for legs: a parsons block, a cube with a shelf, a waterfall of one material."""
    width, depth, height = table_size(rng)
    top = pick(rng, (materials.wood, materials.paint, materials.stone, materials.planks))(rng)
    thick = rng.uniform(0.03, 0.09)
    x, z = width / 2, depth / 2
    parts = [box((-x, height - thick, -z), (x, height, z), top)]
    parts += pair(box((x - thick, 0, -z), (x, height - thick, z), top))
    if rng.random() < 0.6:
        level = height * rng.uniform(0.15, 0.55)
        parts.append(box((-x + thick, level, -z + 0.01), (x - thick, level + thick * 0.6, z), top))
    if rng.random() < 0.5:
        parts.append(box((-x + thick, height * 0.3, z - 0.03), (x - thick, height - thick, z - 0.01), top.tinted(0.9)))
    return parts


def side_table(rng: np.random.Generator) -> List[Mesh]:
    """C-shaped: a foot under the sofa, one upright side, a top that reaches over."""
    width, depth, height = rng.uniform(0.42, 0.6), rng.uniform(0.28, 0.45), rng.uniform(0.5, 0.7)
    top, thick = top_material(rng)
    metal = frame_material(rng, metal=0.7)
    size = rng.uniform(0.02, 0.04)
    x, z = width / 2 - size / 2, depth / 2 - size / 2
    path = [(x * 0.9, size / 2, 0), (-x, size / 2, 0), (-x, height - thick - size / 2 + 0.004, 0),
            (x * 0.8, height - thick - size / 2 + 0.004, 0)]
    outline = rounded_rectangle(size, size, 0.003, steps=1)
    arms = [sweep(np.asarray(path) + (0, 0, s * z), outline, metal, up=(0, 0, 1)) for s in (-1, 1)]
    links = [box((xx - size / 2, 0, -z), (xx + size / 2, size, z), metal) for xx in (-x, x * 0.9 - size / 2)]
    return [table_top(rng, width, depth, height, thick, top)] + arms + links
