"""Shapes, lofted bodies: cross-sections along an axis -> one closed smooth piece (hulls, fuselages, slabs).

A section ("ring") is a closed loop of k points; a loft joins n of them with quads and closes both ends. Every
function returns a watertight `Mesh` of one part with outward faces, in the object frame of `recordio.geometry.camera`.
"""
from __future__ import annotations

from functools import lru_cache

import numpy as np

from recordio.geometry.compiled import compiled
from recordio.geometry.mesh import Mesh
from recordio.shapes.materials import Material
from recordio.shapes.outlines import rounded_rectangle, superellipse


def loft(rings, material: Material, *, colours=None, gloss=None, cap=None, crease=45.0, caps="fan", uv=None,
         textured=None) -> Mesh:
    """Join sections into a closed body.

    Args:
        rings: (n, k, 3) sections in order along the body; a first or last ring that is a single point makes a tip.
        material: colour and gloss where nothing else is said, and the texture, grain along the body.
        colours: (n-1, k, 3) sRGB in [0, 1] of the panel between rings i, i+1 and points j, j+1.
        gloss: (n-1, k) in [0, 1] as *colours*.
        cap: (3,) or (2, 3) sRGB of the end faces; default: the mean colour of the panels beside them.
        crease: degrees; edges that bend less are shaded smoothly.
        caps: "fan" closes an end through its centre (star-shaped sections), "strip" joins point j with point k-1-j
            (sections whose second half walks back along the first: open boats).
        uv: (n, k+1, 2) texture coordinates; default: metres along and around over the material's scale.
        textured: (n-1, k) bool, the panels that show the texture; default all.
    """
    rings = np.asarray(rings, np.float64)
    count, around = rings.shape[:2]
    tips = tuple(bool(np.abs(ring - ring[0]).max() < 1e-12) for ring in (rings[0], rings[-1]))
    faces, used = _topology(count, around, caps, tips)
    vertices = np.concatenate([rings.reshape(-1, 3), rings[[0, -1]].mean(axis=1)])[used]
    order = [0, 2, 1] if signed_volume(vertices, faces) < 0 else [0, 1, 2]  # outside is outside either way round
    faces = faces[:, order]
    panels, corners = _panels(count, around, tips)
    sides = len(panels)
    shades = np.broadcast_to(np.asarray(material.colour if colours is None else colours, np.float32),
                             (count - 1, around, 3))
    shine = np.broadcast_to(np.asarray(material.gloss if gloss is None else gloss, np.float32), (count - 1, around))
    capped = [0 if tip else (around if caps == "fan" else around - 2) for tip in tips]  # faces of either cap
    ends = np.stack([shades[0].mean(axis=0), shades[-1].mean(axis=0)]) if cap is None else np.broadcast_to(cap, (2, 3))
    face_colours = np.concatenate([shades.reshape(-1, 3)[panels], np.repeat(ends, capped, axis=0)])
    face_gloss = np.concatenate([shine.reshape(-1)[panels], np.repeat([shine[0].mean(), shine[-1].mean()], capped)])
    which = coordinates = None
    if material.texture is not None:
        uv = _metres(rings, material.scale) if uv is None else np.asarray(uv, np.float64)
        coordinates = np.zeros((len(faces), 3, 2), np.float32)
        coordinates[:sides] = uv[corners[..., 0], corners[..., 1]][:, order]
        which = np.full(len(faces), -1, np.int32)
        which[:sides] = 0 if textured is None else np.where(np.reshape(textured, -1)[panels], 0, -1)
    return Mesh.build(vertices, faces, colours=face_colours, normals=smooth_normals(vertices, faces, crease), parts=0,
                      gloss=face_gloss, texture=which, uv=coordinates, textures=material.texture)


def _metres(rings, scale):
    """(n, k+1, 2) texture coordinates by length along the body (u) and around it (v)."""
    centres = rings.mean(axis=1)
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(centres, axis=0), axis=1))])
    loops = np.concatenate([rings, rings[:, :1]], axis=1)
    around = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(loops, axis=1), axis=2).max(axis=0))])
    return np.stack(np.broadcast_arrays(along[:, None] / scale[0], around[None] / scale[1]), axis=-1)


@lru_cache(maxsize=None)
def _panels(count, around, tips):
    """Triangles of the sides: (f,) panel number, and (f, 3, 2) their corners as (ring, point 0..k)."""
    i, j = (grid.reshape(-1) for grid in np.meshgrid(np.arange(count - 1), np.arange(around), indexing="ij"))
    lower = np.stack([np.stack([i, j], 1), np.stack([i, j + 1], 1), np.stack([i + 1, j + 1], 1)], 1)
    upper = np.stack([np.stack([i, j], 1), np.stack([i + 1, j + 1], 1), np.stack([i + 1, j], 1)], 1)
    corners = np.stack([lower, upper], axis=1).reshape(-1, 3, 2)  # two triangles per panel, in panel order
    panel = np.repeat(i * around + j, 2)
    keep = np.ones(len(panel), bool)
    is_lower = np.arange(len(panel)) % 2 == 0
    if tips[0]:
        keep &= ~(is_lower & (corners[:, 0, 0] == 0))
    if tips[1]:
        keep &= ~(~is_lower & (corners[:, 1, 0] == count - 1))
    return panel[keep], corners[keep]


@lru_cache(maxsize=None)
def _topology(count, around, caps, tips):
    """(m, 3) faces over the vertices in use and the (v,) numbers of those among all ring points + two centres."""
    _, corners = _panels(count, around, tips)
    faces = [corners[..., 0] * around + corners[..., 1] % around]
    j = np.arange(around)
    for end, tip in enumerate(tips):
        base = (count - 1) * around if end else 0
        if tip:
            continue
        if caps == "fan":
            cap = np.stack([base + j, np.full(around, count * around + end), base + (j + 1) % around], axis=1)
        else:
            a = np.arange(around // 2 - 1)
            b = around - 1 - a
            cap = np.concatenate([np.stack([a, b, a + 1], 1), np.stack([b, b - 1, a + 1], 1)])
            cap = cap + base
        faces.append(cap[:, ::-1] if end else cap)
    faces = np.concatenate(faces).astype(np.int64)
    if tips[0]:
        faces[faces < around] = 0
    if tips[1]:
        base = (count - 1) * around
        faces[(faces >= base) & (faces < base + around)] = base
    used, compact = np.unique(faces, return_inverse=True)
    return compact.reshape(faces.shape).astype(np.int32), used


def signed_volume(vertices, faces) -> float:
    """Volume enclosed by *faces*, positive where they are counter-clockwise seen from outside."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    return float(np.einsum("ij,ij->", a, np.cross(b, c))) / 6.0


def smooth_normals(vertices, faces, crease=45.0) -> np.ndarray:
    """(m, 3, 3) float32 corner normals: area-weighted mean of the faces around a vertex within *crease* degrees."""
    corner = vertices[faces]
    area = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    return _smooth(np.asarray(faces, np.int64), area, len(vertices), np.cos(np.radians(crease)))


@compiled
def _smooth(faces, area, vertex_count, limit):
    start = np.zeros(vertex_count + 1, np.int64)  # faces around each vertex, compressed rows
    for f in range(len(faces)):
        for c in range(3):
            start[faces[f, c] + 1] += 1
    for v in range(vertex_count):
        start[v + 1] += start[v]
    place = start[:-1].copy()
    around = np.empty(3 * len(faces), np.int64)
    unit = np.zeros_like(area)
    for f in range(len(faces)):
        length = np.sqrt(area[f, 0] ** 2 + area[f, 1] ** 2 + area[f, 2] ** 2)
        if length > 0:
            unit[f] = area[f] / length
        for c in range(3):
            around[place[faces[f, c]]] = f
            place[faces[f, c]] += 1
    normals = np.zeros((len(faces), 3, 3), np.float32)
    for f in range(len(faces)):
        for c in range(3):
            x, y, z = area[f, 0], area[f, 1], area[f, 2]
            v = faces[f, c]
            for k in range(start[v], start[v + 1]):
                g = around[k]
                same = unit[f, 0] * unit[g, 0] + unit[f, 1] * unit[g, 1] + unit[f, 2] * unit[g, 2]
                if g != f and same >= limit:
                    x, y, z = x + area[g, 0], y + area[g, 1], z + area[g, 2]
            length = np.sqrt(x * x + y * y + z * z)
            if length > 0:
                normals[f, c, 0], normals[f, c, 1], normals[f, c, 2] = x / length, y / length, z / length
    return normals


def along_z(outline, z, *, width=1.0, height=1.0, x=0.0, y=0.0) -> np.ndarray:
    """(n, k, 3) sections across the z axis: the (k, 2) or (n, k, 2) *outline* scaled and shifted per station (n,)."""
    z = np.asarray(z, np.float64)
    outline = np.broadcast_to(outline, (len(z),) + np.shape(outline)[-2:])
    rings = np.empty(outline.shape[:2] + (3,))
    rings[..., 0] = outline[..., 0] * _column(width, z) + _column(x, z)
    rings[..., 1] = outline[..., 1] * _column(height, z) + _column(y, z)
    rings[..., 2] = z[:, None]
    return rings


def along_y(outline, y, *, width=1.0, length=1.0, x=0.0, z=0.0) -> np.ndarray:
    """(n, k, 3) sections across the vertical axis; the outline's second coordinate runs along -z (forward)."""
    rings = along_z(outline, y, width=width, height=length, x=x, y=-np.asarray(z, np.float64))
    return rings[..., [0, 2, 1]] * [1, 1, -1]


def _column(value, z):
    return np.broadcast_to(np.asarray(value, np.float64), z.shape)[:, None]


def spindle(profile, material: Material, *, axis="z", at=(0.0, 0.0, 0.0), sides=16, **look) -> Mesh:
    """Body of revolution about any *axis* through *at*: *profile* (n, 2) rows (position along the axis, radius)."""
    profile = np.asarray(profile, np.float64)
    rings = along_z(superellipse(sides), profile[:, 0], width=profile[:, 1], height=profile[:, 1])
    order = {"x": [2, 0, 1], "y": [1, 2, 0], "z": [0, 1, 2]}[axis]
    return loft(rings[..., order] + np.asarray(at, np.float64), material, **look)


def slab(outline, low, high, material: Material, *, axis="y", bevel=0.0, **look) -> Mesh:
    """Plate: the star-shaped loop *outline* (k, 2) from *low* to *high* along *axis*, edges bevelled inwards.

    The loop's coordinates are (x, z) for axis y, (x, y) for axis z and (z, y) for axis x.
    """
    outline = np.asarray(outline, np.float64)
    place = np.array([low, high], np.float64)
    rings = np.repeat(outline[None], 2, axis=0)
    if bevel > 0:
        centre = (outline.max(axis=0) + outline.min(axis=0)) / 2
        half = np.maximum((outline.max(axis=0) - outline.min(axis=0)) / 2, 1e-9)
        inner = (outline - centre) * np.maximum(1 - bevel / half, 0.05) + centre
        rings = np.stack([inner, outline, outline, inner])
        place = np.array([low, low + bevel, high - bevel, high])
    points = np.empty(rings.shape[:2] + (3,))
    first, second, third = {"y": (0, 2, 1), "z": (0, 1, 2), "x": (2, 1, 0)}[axis]
    points[..., first], points[..., second] = rings[..., 0], rings[..., 1]
    points[..., third] = place[:, None]
    return loft(points, material, **look)


def block(low, high, material: Material, *, radius=0.0, **look) -> Mesh:
    """A box between two corners with edges rounded by about *radius*, in 76 triangles: housings, seats, bumpers."""
    low, high = np.minimum(low, high).astype(np.float64), np.maximum(low, high).astype(np.float64)
    radius = min(radius, float((high - low).min()) * 0.45)
    outline = rounded_rectangle(high[0] - low[0], high[2] - low[2], 1.6 * radius, steps=1)
    outline = outline + [(low[0] + high[0]) / 2, (low[2] + high[2]) / 2]
    return slab(outline, low[1], high[1], material, bevel=radius, crease=65, **look)
