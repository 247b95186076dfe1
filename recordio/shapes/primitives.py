"""Shapes, second step: closed parts (boxes, lathed, swept, extruded, cushioned) that classes are assembled from.

Lengths in metres, y up. Every part is watertight with its faces outward, and round surfaces get smooth normals.
Textures are laid on by box projection: a face takes the two axes it lies in, the grain (u) along the longer
extent of the part; parts are built straight and turned afterwards (`placing`), and the texture turns with them.
"""
from __future__ import annotations

from dataclasses import replace
from typing import Optional, Sequence, Tuple

import numpy as np

from recordio.geometry.mesh import Mesh
from recordio.shapes.materials import Material
from recordio.shapes.outlines import orientation, triangulated
from recordio.shapes.topology import cube_surface, sheet_faces, tube_faces

FLAT = -1  # smoothing group of faces that keep their own normals
TINY = 1e-9  # metres, what counts as the same point of a profile
CREASE = np.cos(np.radians(50.0))  # profile corners that bend by more stay sharp

# corners of a box, x fastest; faces counter-clockwise seen from outside
_BOX_QUADS = ((0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5))


def solid(vertices, faces, material: Material, groups=FLAT) -> Mesh:
    """One part from (n, 3) vertices and (m, 3) outward faces.

    *groups*: (m,) or one int; faces of one group that share a vertex are shaded as one smooth surface, FLAT ones
    are not. All other primitives end here.
    """
    vertices = np.asarray(vertices, np.float64)
    faces = np.asarray(faces, np.int32)
    groups = np.broadcast_to(np.asarray(groups, np.int64), (len(faces),))
    corners = vertices[faces]
    area = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])  # (m, 3)
    normals = np.repeat(area[:, None], 3, axis=1)
    smooth = groups != FLAT
    if smooth.any():
        size = int(groups.max()) + 1
        keys = (faces[smooth].astype(np.int64) * size + groups[smooth, None]).ravel()
        sums = np.stack([np.bincount(keys, np.repeat(area[smooth, axis], 3), len(vertices) * size)
                         for axis in range(3)], axis=1)
        normals[smooth] = sums[keys].reshape(-1, 3, 3)
    normals /= np.maximum(np.linalg.norm(normals, axis=2, keepdims=True), 1e-30)
    textured = material.texture is not None
    return Mesh.build(
        vertices, faces, colours=np.asarray(material.colour, np.float32), normals=normals, parts=0,
        gloss=material.gloss, texture=0 if textured else -1, textures=material.texture,
        uv=_box_projection(vertices, corners, area) / np.asarray(material.scale) if textured else None)


def box(low: Sequence[float], high: Sequence[float], material: Material, *, bevel: float = 0.0) -> Mesh:
    """A box between two corners; *bevel* breaks its edges (metres, at most a third of a side)."""
    low, high = np.minimum(low, high), np.maximum(low, high)
    if bevel > 0:
        return rounded_box(low, high, material, radius=bevel, steps=1)
    corners = np.array([[(low, high)[i & 1][0], (low, high)[i >> 1 & 1][1], (low, high)[i >> 2][2]] for i in range(8)])
    return hexahedron(corners, material)


def hexahedron(corners, material: Material) -> Mesh:
    """Eight corners, (8, 3), ordered x fastest, then y, then z: (---), (+--), (-+-), (++-), (--+), ..."""
    faces = [face for a, b, c, d in _BOX_QUADS for face in ((a, b, c), (a, c, d))]
    return solid(corners, faces, material)


def frustum(bottom: Sequence[float], top: Sequence[float], material: Material) -> Mesh:
    """A tapered box: *bottom* and *top* are (x0, x1, z0, z1, y)."""
    corners = [((bottom, top)[i >> 1 & 1][i & 1], (bottom, top)[i >> 1 & 1][4], (bottom, top)[i >> 1 & 1][2 + (i >> 2)])
               for i in range(8)]
    return hexahedron(np.array(corners), material)


def bar(start: Sequence[float], end: Sequence[float], size: Sequence[float], material: Material, *,
        end_size: Optional[Sequence[float]] = None, across: Sequence[float] = (1.0, 0.0, 0.0)) -> Mesh:
    """A straight rectangular beam between two points; *size* is (width along *across*, depth), *end_size* tapers it."""
    start, end = np.asarray(start, np.float64), np.asarray(end, np.float64)
    axis = (end - start) / np.linalg.norm(end - start)
    if abs(np.dot(across, axis)) > 0.99 * np.linalg.norm(across):  # a beam along *across* itself: the next axis
        across = np.roll(across, -1)
    side = np.asarray(across, np.float64) - axis * np.dot(across, axis)
    side /= np.linalg.norm(side)
    deep = np.cross(side, axis)
    sections = [(start, size), (end, size if end_size is None else end_size)]
    corners = [sections[i >> 1 & 1][0] + side * sections[i >> 1 & 1][1][0] * ((i & 1) - 0.5)
               + deep * sections[i >> 1 & 1][1][1] * ((i >> 2) - 0.5) for i in range(8)]
    return hexahedron(np.array(corners), material)


def rounded_box(low: Sequence[float], high: Sequence[float], material: Material, *, radius: float,
                steps: int = 2) -> Mesh:
    """A box with all edges rounded by *radius* in *steps* facets each (clipped to a third of the shortest side)."""
    low, high = np.minimum(low, high).astype(np.float64), np.maximum(low, high).astype(np.float64)
    radius = min(radius, float((high - low).min()) / 3)
    cells, faces = cube_surface(2 * steps + 1)
    # per axis: steps+1 samples of the lower rounding, steps+1 of the upper, the flat face between the two
    turn = np.tan(np.linspace(-np.pi / 4, 0, steps + 1))
    reach = np.concatenate([turn, -turn[::-1]])[cells]  # (n, 3), 0 marks a coordinate outside its rounding
    upper = cells > steps
    push = reach / np.linalg.norm(reach, axis=1, keepdims=True)
    vertices = np.where(upper, high - radius, low + radius) + push * radius
    return solid(vertices, faces, material, 0)


def cushion(low: Sequence[float], high: Sequence[float], material: Material, *, squareness: float = 5.0,
            crown: float = 0.0, cells: int = 6) -> Mesh:
    """A puffed block: a superellipsoid filling the box, exponent *squareness* (2 ellipsoid, 8 nearly a box).

    *crown* raises the middle of its upper side by that share of the height, as a stuffed seat has it.
    """
    low, high = np.minimum(low, high).astype(np.float64), np.maximum(low, high).astype(np.float64)
    index, faces = cube_surface(cells)
    unit = np.tan((2.0 * index / cells - 1) * np.pi / 4)  # spread like a cube sphere: finer at the edges
    unit /= (np.abs(unit) ** squareness).sum(axis=1, keepdims=True) ** (1 / squareness)
    bulge = np.where(unit[:, 1] > 0, crown * (1 - unit[:, 0] ** 2) * (1 - unit[:, 2] ** 2), 0.0)
    unit[:, 1] += 2 * bulge
    return solid((low + high) / 2 + unit * (high - low) / 2, faces, material, 0)


def ellipsoid(centre: Sequence[float], radii: Sequence[float], material: Material, *, cells: int = 6) -> Mesh:
    """An ellipsoid (or, with one number for all three *radii*, a sphere)."""
    centre, radii = np.asarray(centre, np.float64), np.broadcast_to(np.asarray(radii, np.float64), (3,))
    return cushion(centre - radii, centre + radii, material, squareness=2.0, cells=cells)


def lathe(profile: Sequence[Tuple[float, float]], material: Material, *, sides: int = 16,
          closed: bool = False, centre: Sequence[float] = (0.0, 0.0, 0.0)) -> Mesh:
    """Revolve a profile of (radius, height) points about the vertical axis through *centre*.

    An open profile runs from the bottom to the top and is capped where it does not reach the axis; with *closed*
    it is a loop clear of the axis (a ring, a lampshade with its inside). Corners of more than 50 degrees stay sharp.
    """
    profile = np.asarray(profile, np.float64)
    if not closed:  # reach the axis at both ends
        first = [(0.0, profile[0, 1])] if profile[0, 0] > TINY else np.empty((0, 2))
        last = [(0.0, profile[-1, 1])] if profile[-1, 0] > TINY else np.empty((0, 2))
        profile = np.concatenate([first, profile, last])
    profile = profile[np.linalg.norm(np.diff(profile, axis=0, prepend=profile[:1] - 1), axis=1) > TINY]
    if orientation(profile) < 0:
        profile = profile[::-1]
    angles = 2 * np.pi * np.arange(sides) / sides
    radius, height = profile[:, :1], profile[:, 1:]
    ring = np.stack([radius * np.cos(angles), np.broadcast_to(height, (len(profile), sides)), -radius * np.sin(angles)],
                    axis=2)  # (profile, sides, 3); decreasing z turns counter-clockwise seen from above
    groups = _sharp_groups(profile, closed)
    if closed:
        faces, segment, _ = tube_faces(len(profile), sides, True)
        return solid(ring.reshape(-1, 3) + centre, faces, material, groups[segment])
    faces, segment, _ = tube_faces(len(profile) - 2, sides, False)
    count = (len(profile) - 2) * sides
    vertices = np.concatenate([ring[1:-1].reshape(-1, 3), ring[[0, -1], 0]])
    around = np.arange(sides)
    last = (len(profile) - 3) * sides
    bottom = np.stack([np.full(sides, count), (around + 1) % sides, around], axis=1)
    top = np.stack([np.full(sides, count + 1), last + around, last + (around + 1) % sides], axis=1)
    segment = np.concatenate([segment + 1, np.zeros(sides, int), np.full(sides, len(profile) - 2)])
    return solid(vertices + centre, np.concatenate([faces, bottom, top]), material, groups[segment])


def cylinder(centre: Sequence[float], radius: float, height: float, material: Material, *, top: Optional[float] = None,
             sides: int = 16) -> Mesh:
    """An upright cylinder, or with another *top* radius a cone; *centre* is the middle of its bottom disc."""
    top = radius if top is None else top
    return lathe([(radius, 0.0), (top, height)], material, sides=sides, centre=centre)


def tube(path, radius, material: Material, *, sides: int = 8, closed: bool = False) -> Mesh:
    """A round pipe along a polyline (n, 3); *radius* is one number or one per point."""
    angles = 2 * np.pi * np.arange(sides) / sides
    outline = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return sweep(path, outline, material, scale=radius, closed=closed, smooth=True)


def sweep(path, outline, material: Material, *, scale=1.0, closed: bool = False, smooth: bool = False,
          up: Optional[Sequence[float]] = None) -> Mesh:
    """Carry a 2-D *outline* (k, 2), counter-clockwise, along a polyline (n, 3), mitred at its corners.

    The outline's first axis lies across the path, its second along *up* (by default whichever frame needs no
    twist). *scale*: one number or (n,) per point. *smooth* rounds the shading around and along the sweep.
    """
    path, outline = np.asarray(path, np.float64), np.asarray(outline, np.float64)
    if orientation(outline) < 0:
        outline = outline[::-1]
    count, width = len(path), len(outline)
    scale = np.broadcast_to(np.asarray(scale, np.float64), (count,))
    side, over = _frames(path, closed, up)
    offsets = side[:, None] * outline[None, :, :1] + over[:, None] * outline[None, :, 1:]  # (n, k, 3)
    vertices = (path[:, None] + offsets * scale[:, None, None]).reshape(-1, 3)
    faces, _, _ = tube_faces(count, width, closed)
    groups = np.zeros(len(faces), int) if smooth else np.full(len(faces), FLAT)
    if not closed:
        cap = triangulated(outline)
        faces = np.concatenate([faces, cap[:, ::-1], cap + (count - 1) * width])
        groups = np.concatenate([groups, np.full(2 * len(cap), FLAT)])
    return solid(vertices, faces, material, groups)


def extrude(outline, low: float, high: float, material: Material, *, axis: str = "z", smooth: bool = False) -> Mesh:
    """A plate with a 2-D *outline* (k, 2), convex or not, thick from *low* to *high* along *axis*.

    The outline lies in the other two axes in the order x, y, z: (x, y) for axis z, (x, z) for y, (y, z) for x.
    *smooth* rounds the shading of the rim where it bends by less than 50 degrees.
    """
    outline = np.asarray(outline, np.float64)
    low, high = min(low, high), max(low, high)
    along = "xyz".index(axis)
    others = [i for i in range(3) if i != along]
    # (x, z) is a left-handed pair seen along +y: the loop is turned so that the rim faces outward
    if (orientation(outline) > 0) == (axis == "y"):
        outline = outline[::-1]
    count = len(outline)
    vertices = np.empty((2 * count, 3))
    vertices[:, others] = np.concatenate([outline, outline])
    vertices[:count, along], vertices[count:, along] = low, high
    faces, _, side = tube_faces(2, count, False)
    cap = triangulated(outline if axis != "y" else outline[:, ::-1])
    groups = _sharp_groups(outline, True)[side] if smooth else np.full(len(faces), FLAT)
    return solid(vertices, np.concatenate([faces, cap[:, ::-1], cap + count]), material,
                 np.concatenate([groups, np.full(2 * len(cap), FLAT)]))


def sheet(points, thickness: float, material: Material, *, smooth: bool = True) -> Mesh:
    """A curved plate: a grid of points (rows, columns, 3) thickened by half of *thickness* to both sides."""
    points = np.asarray(points, np.float64)
    rows, columns = points.shape[:2]
    down, right = np.gradient(points, axis=0), np.gradient(points, axis=1)
    normal = np.cross(down, right)
    normal /= np.maximum(np.linalg.norm(normal, axis=2, keepdims=True), 1e-12)
    half = normal * thickness / 2
    vertices = np.concatenate([(points + half).reshape(-1, 3), (points - half).reshape(-1, 3)])
    faces, groups = sheet_faces(rows, columns)
    return solid(vertices, faces, material, groups if smooth else FLAT)


def with_picture(mesh: Mesh, *, across: str = "x", up: str = "y") -> Mesh:
    """The part with its texture stretched once over its extent: u along -*across*, v down from the top of *up*.

    For pictures on a front that faces -z, where the viewer's right is -x.
    """
    right, top = "xyz".index(across), "xyz".index(up)
    corners = mesh.triangles
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    uv = np.stack([(high[right] - corners[..., right]) / (high[right] - low[right]),
                   (high[top] - corners[..., top]) / (high[top] - low[top])], axis=2)
    return replace(mesh, uv=(0.01 + 0.98 * uv).astype(np.float32))  # clear of the seam, as textures repeat


def _box_projection(vertices: np.ndarray, corners: np.ndarray, area: np.ndarray) -> np.ndarray:
    """(m, 3, 2) metres: per face the two axes it lies in, the part's longer extent first."""
    by_length = np.argsort(-np.ptp(vertices, axis=0), kind="stable")
    facing = np.abs(area).argmax(axis=1)  # (m,) axis the face looks along
    order = np.array([[axis for axis in by_length if axis != look] for look in range(3)])
    return np.take_along_axis(corners, order[facing][:, None, :].repeat(3, axis=1), axis=2)


def _sharp_groups(profile: np.ndarray, closed: bool) -> np.ndarray:
    """Per segment of a 2-D polyline a number that changes at every sharp corner."""
    steps = np.diff(profile, axis=0, append=profile[:1]) if closed else np.diff(profile, axis=0)
    steps = steps / np.maximum(np.linalg.norm(steps, axis=1, keepdims=True), 1e-30)
    sharp = (steps[1:] * steps[:-1]).sum(axis=1) < CREASE
    groups = np.concatenate([[0], np.cumsum(sharp)])
    if closed and groups[-1] > 0 and (steps[0] * steps[-1]).sum() >= CREASE:
        groups[groups == groups[-1]] = 0  # the loop's seam is no corner
    return groups


def _frames(path: np.ndarray, closed: bool, up: Optional[Sequence[float]]) -> Tuple[np.ndarray, np.ndarray]:
    """(n, 3) vectors across and over a path at every point, stretched at corners so that the sweep keeps its width."""
    steps = np.diff(path, axis=0, append=path[:1]) if closed else np.diff(path, axis=0)
    steps = steps / np.linalg.norm(steps, axis=1, keepdims=True)
    before = np.roll(steps, 1, axis=0) if closed else np.concatenate([steps[:1], steps])
    after = steps if closed else np.concatenate([steps, steps[-1:]])
    tangent = before + after
    length = np.linalg.norm(tangent, axis=1, keepdims=True)
    tangent = tangent / np.maximum(length, TINY)
    over = np.empty_like(path)
    hint = np.asarray(up, np.float64) if up is not None else np.eye(3)[np.abs(tangent[0]).argmin()]
    for i, direction in enumerate(tangent):  # carry the frame along; with *up* it returns to that at every point
        over[i] = hint - direction * np.dot(hint, direction)
        over[i] /= max(np.linalg.norm(over[i]), TINY)
        hint = over[i] if up is None else hint
    side = np.cross(over, tangent)
    bend = after - before
    bend = bend / np.maximum(np.linalg.norm(bend, axis=1, keepdims=True), TINY)
    stretch = np.minimum(2.0 / np.maximum(length, TINY), 2.5) - 1  # 1 / cos(half the bend), limited
    side = side + bend * (side * bend).sum(axis=1, keepdims=True) * stretch
    over = over + bend * (over * bend).sum(axis=1, keepdims=True) * stretch
    return side, over
