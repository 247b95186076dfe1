"""Shapes, under the primitives: 2-D outlines and curves, and cutting an outline into triangles."""
from __future__ import annotations

from typing import Sequence, Tuple

import numpy as np


def orientation(outline) -> float:
    """Twice the signed area of a closed outline (n, 2): positive where it turns counter-clockwise."""
    x, y = np.asarray(outline, np.float64).T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())


def triangulated(outline) -> np.ndarray:
    """(n - 2, 3) counter-clockwise triangles of a simple outline (n, 2), convex or not (ears cut one by one)."""
    points = np.asarray(outline, np.float64)
    left = list(range(len(points)))
    if orientation(points) < 0:
        left.reverse()
    following = np.roll(points[left], -1, axis=0) - points[left]
    if (_cross(following, np.roll(following, -1, axis=0)) >= -1e-12).all():  # convex: a fan will do
        return np.array([(left[0], left[i], left[i + 1]) for i in range(1, len(left) - 1)], np.int32)
    coordinates = points.tolist()
    faces = []
    while len(left) > 3:
        faces.append(_cut_ear(coordinates, left))
    return np.array(faces + [tuple(left)], np.int32)


def ellipse(width: float, height: float, count: int = 24, *, centre: Sequence[float] = (0.0, 0.0)) -> np.ndarray:
    """(count, 2) ellipse of the given diameters."""
    angle = 2 * np.pi * (np.arange(count) + 0.5) / count
    return np.stack([np.cos(angle) * width, np.sin(angle) * height], axis=1) / 2 + centre


def arc(centre: Sequence[float], radius: float, start: float, end: float, count: int = 6) -> np.ndarray:
    """(count, 2) points of a circle from *start* to *end* degrees, both included."""
    angle = np.radians(np.linspace(start, end, count))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1) * radius + centre


def superellipse(count: int, exponent: float = 2.0) -> np.ndarray:
    """(count, 2) unit superellipse (2 = circle, larger = boxier), clockwise from the top: x = sin, y = cos."""
    angle = 2 * np.pi * np.arange(count) / count
    sine, cosine = np.sin(angle), np.cos(angle)
    sine[np.abs(sine) < 1e-12] = 0  # exact mirror symmetry of the two halves
    cosine[np.abs(cosine) < 1e-12] = 0
    return np.stack([np.sign(sine) * np.abs(sine) ** (2 / exponent),
                     np.sign(cosine) * np.abs(cosine) ** (2 / exponent)], axis=1)


def rounded_rectangle(width: float, height: float, radius: float, *, steps: int = 3,
                      centre: Sequence[float] = (0.0, 0.0)) -> np.ndarray:
    """A counter-clockwise rectangle with corners rounded by *radius* in *steps* facets each."""
    radius = min(max(radius, 1e-4), 0.499 * width, 0.499 * height)  # straight sides remain, and no two points meet
    x, y = width / 2 - radius, height / 2 - radius
    corners = [arc((sx * x, sy * y), radius, a, a + 90, steps + 1)
               for sx, sy, a in ((1, 1, 0), (-1, 1, 90), (-1, -1, 180), (1, -1, 270))]
    return np.concatenate(corners) + centre


def curve(points, count: int = 12) -> np.ndarray:
    """(count, d) points of a smooth curve (Catmull-Rom) through the given (n, d) ones, ends included."""
    points = np.asarray(points, np.float64)
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    place = np.linspace(0, len(points) - 1, count)
    index = np.minimum(place.astype(int), len(points) - 2)
    t = (place - index)[:, None]
    p0, p1, p2, p3 = (padded[index + i] for i in range(4))
    return 0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t ** 2
                  + (3 * p1 - p0 - 3 * p2 + p3) * t ** 3)


def monotone(x, knots) -> np.ndarray:
    """Height y(x) of a smooth curve through *knots* ((t, 2) rows x, y with rising x), monotone between two of them.

    Beyond the ends the end values hold. Fritsch and Carlson's cubics.
    """
    knots = np.asarray(knots, np.float64)
    kx, ky = knots[:, 0], knots[:, 1]
    step, slope = np.diff(kx), np.diff(ky) / np.diff(kx)
    tangent = np.zeros(len(kx))
    if len(kx) > 2:
        before, after = slope[:-1], slope[1:]
        product = before * after
        total = before + after
        tangent[1:-1] = np.where(product > 0, 2 * product / np.where(total == 0, 1, total), 0)  # harmonic mean
    tangent[0], tangent[-1] = slope[0], slope[-1]
    x = np.clip(np.asarray(x, np.float64), kx[0], kx[-1])
    i = np.clip(np.searchsorted(kx, x, side="right") - 1, 0, len(step) - 1)
    t, h = (x - kx[i]) / step[i], step[i]
    return (ky[i] * (1 + 2 * t) * (1 - t) ** 2 + tangent[i] * h * t * (1 - t) ** 2
            + ky[i + 1] * t * t * (3 - 2 * t) + tangent[i + 1] * h * t * t * (t - 1))


def filleted(points, radius: float, *, steps: int = 3) -> np.ndarray:
    """An open polyline (n, d) with its inner corners rounded, as a bent pipe's are."""
    points = np.asarray(points, np.float64)
    rounded = [points[:1]]
    t = np.linspace(0, 1, steps + 1)[:, None]
    for before, corner, after in zip(points[:-2], points[1:-1], points[2:]):
        reach = [min(radius, np.linalg.norm(side - corner) * 0.45) for side in (before, after)]
        start = corner + (before - corner) / np.linalg.norm(before - corner) * reach[0]
        end = corner + (after - corner) / np.linalg.norm(after - corner) * reach[1]
        rounded.append((1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t ** 2 * end)
    return np.concatenate(rounded + [points[-1:]])


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _cut_ear(points, left) -> Tuple[int, int, int]:
    """Take one triangle that holds no other corner off the loop *left* (changed in place)."""
    for slack in (1e-15, -1e-9):  # a loop of nearly straight rests is finished with flat triangles
        for i in range(len(left)):
            a, b, c = left[i - 1], left[i], left[(i + 1) % len(left)]
            if _turn(points[a], points[b], points[c]) <= slack:
                continue
            if not any(_inside(points[k], points[a], points[b], points[c]) for k in left if k not in (a, b, c)):
                del left[i]
                return a, b, c
    return left[-1], left.pop(0), left[0]


def _turn(a, b, c) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _inside(p, a, b, c) -> bool:
    return _turn(a, b, p) >= 0 and _turn(b, c, p) >= 0 and _turn(c, a, p) >= 0
