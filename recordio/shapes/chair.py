"""Shapes, class chair: draws a style and hands on to it; here the wooden ones (dining, Windsor, rocking, folding)."""
from __future__ import annotations

from typing import List

import numpy as np

from recordio.geometry.mesh import Mesh, concatenate
from recordio.shapes import materials
from recordio.shapes.catalogue import draw_style, register
from recordio.shapes.chair_modern import cantilever_chair, plywood_chair, shell_chair, swivel_chair
from recordio.shapes.chair_soft import club_chair, lounge_chair, wing_chair
from recordio.shapes.furniture import four_legs, frame_material, leg, turned_profile, upholstery
from recordio.shapes.materials import Material, pick
from recordio.shapes.outlines import curve, ellipse, rounded_rectangle
from recordio.shapes.placing import moved, pair, turned
from recordio.shapes.primitives import bar, box, cushion, extrude, rounded_box, sheet, sweep, tube

BACKS = ("slats", "ladder", "splat", "panel", "cross", "padded", "spindles", "rails")


@register("chair")
def chair(rng: np.random.Generator) -> Mesh:
    """A chair of one of a dozen styles, open to -z."""
    styles = {dining_chair: 4, windsor_chair: 1, folding_chair: 1, swivel_chair: 2, shell_chair: 2, cantilever_chair:
              2, plywood_chair: 1, club_chair: 1, wing_chair: 1, lounge_chair: 1}
    return concatenate(draw_style(rng, styles)(rng))


def dining_chair(rng: np.random.Generator) -> List[Mesh]:
    """Four legs, the rear ones running up into the back; bar stools when tall, armrests now and then, or rockers."""
    frame = frame_material(rng, metal=0.12, painted=0.2)
    cover = upholstery(rng)
    tall = rng.random() < 0.12
    seat = float(rng.uniform(0.62, 0.76) if tall else rng.uniform(0.40, 0.48))
    width, depth = rng.uniform(0.40, 0.52), rng.uniform(0.40, 0.50)
    high = float(rng.uniform(0.28, 0.40) if tall else rng.uniform(0.36, 0.66))
    size = rng.uniform(0.030, 0.050)
    tilt = rng.uniform(3, 13)
    x, front, back = width / 2 - size / 2, -depth / 2 + size / 2, depth / 2 - size / 2
    style = pick(rng, ("square", "tapered", "tapered", "turned", "conical"))
    profile = turned_profile(rng, 1.0, 1.0)
    rake = rng.uniform(0.0, 0.07)
    parts = pair(leg(style, (x, seat, front), (x, 0, front), size, frame, profile=profile),
                 leg("tapered" if style != "square" else style, (x, seat, back), (x, 0, back + rake), size, frame))
    parts += _stretchers(rng, x, front, back + rake / 2, seat, size * 0.55, frame)
    parts += _seat(rng, width, depth, seat, frame, cover)
    kind = pick(rng, BACKS)
    top = [box((-x, seat - 0.075, z - size * 0.3), (x, seat - 0.015, z + size * 0.3), frame) for z in (front, back)]
    sides = pair(box((x - size * 0.3, seat - 0.075, front), (x + size * 0.3, seat - 0.015, back), frame))
    upright = _back(rng, kind, width, high, size, frame, cover)
    parts += top + sides + [turned(moved(part, y=seat - 0.02, z=back), "x", tilt, (0, seat, back)) for part in upright]
    if rng.random() < 0.25:
        parts += _arms(rng, width / 2, seat, front, back + 0.2 * np.tan(np.radians(tilt)), size, frame)
    if not tall and rng.random() < 0.10:
        parts += _rockers(x, front, back + rake, size, frame)
    return parts


def windsor_chair(rng: np.random.Generator) -> List[Mesh]:
    """A saddled seat on splayed turned legs, round sticks in a bent bow."""
    frame = frame_material(rng, metal=0.0, painted=0.4)
    seat, width, depth = rng.uniform(0.42, 0.46), rng.uniform(0.44, 0.54), rng.uniform(0.42, 0.48)
    high = rng.uniform(0.45, 0.65)
    tilt = rng.uniform(8, 16)
    slab = extrude(ellipse(width, depth, 20), seat - 0.045, seat, frame, axis="y", smooth=True)
    legs = four_legs(rng, pick(rng, ("turned", "conical")), (width * 0.3, -depth * 0.28, depth * 0.28), seat - 0.02,
                     0.04, frame, splay=rng.uniform(0.06, 0.11))
    height = seat * 0.42
    reach = width * 0.3 + 0.05
    cross = [tube([(side * reach, height, -depth * 0.33), (side * reach, height, depth * 0.33)], 0.010, frame)
             for side in (-1, 1)] + [tube([(-reach, height, 0), (reach, height, 0)], 0.011, frame)]
    half = width * 0.43
    angle = np.linspace(0, np.pi, 15)
    shape = rng.uniform(0.55, 1.0)  # 1 a half ellipse, less a squarer bow
    bow = np.stack([half * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** shape, high * np.sin(angle) ** shape,
                    0.07 * np.sin(angle)], axis=1)
    sticks = int(rng.integers(5, 10))
    parts = [tube(bow, 0.013, frame)]
    for x in np.linspace(-0.78, 0.78, sticks) * half:
        top = high * np.sin(np.arccos((abs(x) / half) ** (1 / shape))) ** shape
        parts.append(tube([(x * 0.8, 0, 0.03), (x, top, 0.07 * top / high)], 0.008, frame, sides=6))
    back = [turned(moved(part, y=seat - 0.015, z=depth * 0.28), "x", tilt, (0, seat, depth * 0.28)) for part in parts]
    extra = []
    if rng.random() < 0.5:  # an arm bow around the back, on short sticks
        level = seat + 0.22
        path = curve([(half * 1.05, level, -depth * 0.32), (half * 1.12, level, 0), (half * 0.85, level, depth * 0.36),
                      (0, level, depth * 0.28 + 0.12), (-half * 0.85, level, depth * 0.36), (-half * 1.12, level, 0),
                      (-half * 1.05, level, -depth * 0.32)], 17)
        extra = [sweep(path, rounded_rectangle(0.045, 0.02, 0.008, steps=1), frame, up=(0, 1, 0))]
        extra += pair(*(tube([(half * 0.85, seat - 0.01, z), (half * 1.1, level, z)], 0.010, frame, sides=6)
                        for z in (-depth * 0.25, -depth * 0.05)))
    return [slab] + legs + cross + back + extra


def folding_chair(rng: np.random.Generator) -> List[Mesh]:
    """Two crossed frames: from the front feet up into the back, from the rear feet up to the seat."""
    metal = rng.random() < 0.6
    frame = materials.metal(rng) if metal else materials.wood(rng)
    plate = pick(rng, (materials.plastic, materials.fabric, materials.paint))(rng) if metal else frame
    seat, width, depth = 0.44, rng.uniform(0.40, 0.48), rng.uniform(0.38, 0.44)
    high = rng.uniform(0.30, 0.40) + seat
    x = width / 2

    def post(start, end):
        return tube([start, end], 0.013, frame) if metal else bar(start, end, (0.024, 0.04), frame)

    lean = rng.uniform(0.06, 0.12)
    front, rear = -depth * 0.5, depth * 0.55
    at_seat = depth * 0.42  # where the back's frame passes the seat
    parts = pair(post((x, 0, front), (x, high, at_seat + lean + 0.03)),
                 post((x - 0.03, 0, rear), (x - 0.03, seat - 0.01, front + 0.06)))
    for y, z, reach in ((0.12, front + 0.13 * (at_seat - front), x), (0.10, rear - 0.05, x - 0.03)):
        parts.append(post((-reach, y, z), (reach, y, z)))
    if rng.random() < 0.4:
        count = int(rng.integers(5, 8))
        edges = np.linspace(-depth / 2, depth * 0.46, count + 1)
        parts += [box((-x, seat - 0.01, a + 0.006), (x, seat + 0.01, b - 0.006), plate)
                  for a, b in zip(edges[:-1], edges[1:])]
    else:
        parts.append(rounded_box((-x, seat - 0.012, -depth / 2), (x, seat + 0.016, depth * 0.46), plate, radius=0.012))
    panels = int(rng.integers(1, 4))
    slope = (at_seat + lean + 0.03 - front) / high
    for i in range(panels):
        a = high - 0.02 - i * 0.11
        b = a - (0.20 if panels == 1 else 0.08)
        parts.append(bar((0, b, front + slope * b), (0, a, front + slope * a), (width, 0.02), plate))
    return parts


def _seat(rng, width, depth, seat, frame, cover) -> List[Mesh]:
    """The seat: a board, a stuffed cushion, a board with a loose cushion, or woven cane."""
    kind = rng.integers(5)
    low, high = (-width / 2 - 0.01, seat - 0.02, -depth / 2 - 0.015), (width / 2 + 0.01, seat + 0.015, depth / 2 + 0.01)
    if kind == 0:
        return [rounded_box(low, high, frame, radius=0.012, steps=1)]
    if kind == 1:
        return [box(low, high, materials.wicker(rng))]
    board = box(low, (high[0], seat, high[2]), frame)
    inset = 0.0 if kind == 2 else 0.02
    thick = rng.uniform(0.04, 0.08)
    pad = cushion((low[0] + inset, seat - 0.015, low[2] + inset), (high[0] - inset, seat + thick, high[2] - inset),
                  cover, squareness=7, crown=0.15)
    return [board, pad]


def _stretchers(rng, x, front, back, seat, size, frame) -> List[Mesh]:
    """The rails between the legs near the floor: none, a box, or an H."""
    kind = rng.integers(4)
    if kind == 0:
        return []
    y = seat * rng.uniform(0.25, 0.55)
    sides = pair(bar((x, y, front), (x, y, back), (size, size), frame))
    if kind == 1:
        return sides + [bar((-x, y + dy, z), (x, y + dy, z), (size, size), frame)
                        for z, dy in ((front, -0.04), (back, 0.04))]
    middle = (front + back) / 2
    return sides + [bar((-x, y, middle), (x, y, middle), (size, size), frame)]


def _back(rng, kind: str, width: float, high: float, size: float, frame: Material, cover: Material) -> List[Mesh]:
    """The back, upright on y = 0 with its posts at the seat's rear corners; kinds are BACKS."""
    x = width / 2 - size / 2
    flare = rng.uniform(-0.02, 0.03)
    if kind == "padded":
        low, thick = rng.choice([0.02, 0.12]), rng.uniform(0.05, 0.09)
        pad = cushion((-width / 2, low, -thick / 2), (width / 2, high, thick / 2), cover, squareness=6)
        return [pad] + pair(bar((x * 0.9, -0.02, 0), (x * 0.9, high * 0.6, 0.01), (size, size * 0.7), frame))
    posts = pair(bar((x, -0.02, 0), (x + flare, high, 0), (size, size * 0.8), frame, end_size=(size * 0.8, size * 0.6)))
    bow = rng.uniform(0.0, 0.035)
    rail = rng.uniform(0.04, 0.11)

    def crest(y0, y1, rise=0.0):
        """A horizontal board between the posts, bowed to the rear."""
        t = np.linspace(-1, 1, 7)
        across = t * (x + flare * y1 / high)
        rows = [np.stack([across, np.full(7, y) + up * (1 - t ** 2), bow * (1 - t ** 2)], axis=1)
                for y, up in ((y0, 0.0), (y1, rise))]
        return sheet(np.array(rows), size * 0.5, frame)

    top = crest(high - rail, high, rng.choice([0.0, 0.0, 0.03, 0.05]))
    low = rng.uniform(0.05, 0.15)
    if kind == "ladder":
        count = int(rng.integers(2, 6))
        edges = np.linspace(low, high - rail, count + 1)[:-1]
        step = (high - rail - low) / count
        return posts + [top] + [crest(y, y + step * rng.uniform(0.35, 0.5), 0.01) for y in edges]
    if kind == "rails":
        return posts + [crest(high - rail * 1.6, high, 0.01)]
    if kind == "panel":
        return posts + [crest(low, high, 0.02)]
    bottom = crest(low, low + 0.035)
    inner_low, inner_high = low + 0.02, high - rail + 0.015
    if kind in ("slats", "spindles"):
        count = int(rng.integers(3, 8))
        places = np.linspace(-1, 1, count + 2)[1:-1]
        wide = min(0.05, 0.6 * 2 * x / count)
        made = []
        for t in places:
            ends = [(t * x, inner_low, bow * (1 - t * t)), (t * (x + flare), inner_high, bow * (1 - t * t))]
            made.append(tube(ends, 0.009, frame, sides=6) if kind == "spindles" else bar(*ends, (wide, 0.014), frame))
        return posts + [top, bottom] + made
    if kind == "cross":
        return posts + [top, bottom] + pair(bar((-x, inner_low, bow / 2), (x, inner_high, bow / 2), (0.03, 0.014),
                                                frame))
    half = curve([(x * 0.3, inner_low), (x * rng.uniform(0.15, 0.5), (inner_low * 2 + inner_high) / 3),
                  (x * rng.uniform(0.3, 0.6), (inner_low + 2 * inner_high) / 3), (x * 0.4, inner_high)], 9)
    outline = np.concatenate([half, half[::-1] * (-1, 1)])
    return posts + [top, bottom, moved(extrude(outline, -0.007, 0.007, frame), z=bow)]


def _arms(rng, x, seat, front, back, size, frame) -> List[Mesh]:
    """Armrests on posts that rise from the front legs or a little behind them."""
    level = seat + rng.uniform(0.18, 0.25)
    post = front + rng.choice([0.0, 0.08])
    return pair(bar((x - 0.01, seat - 0.04, post), (x + 0.005, level, post), (size * 0.8, size * 0.8), frame),
                rounded_box((x - 0.03, level - 0.012, front - 0.02), (x + 0.03, level + 0.015, back + 0.03), frame,
                            radius=0.012, steps=1))


def _rockers(x, front, back, size, frame) -> List[Mesh]:
    """A curved runner under each pair of feet."""
    path = curve([(x, 0.09, front - 0.14), (x, 0.0, front + 0.05), (x, -0.012, (front + back) / 2),
                  (x, 0.0, back - 0.05), (x, 0.12, back + 0.26)], 11)
    return pair(sweep(path, rounded_rectangle(size * 0.8, 0.035, 0.008, steps=1), frame, up=(0, 1, 0)))
