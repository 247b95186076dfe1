"""Geometry: mesh + cameras -> RGBA pictures, a z-buffer rasteriser in numba that needs no graphics library.

Every triangle becomes three linear functions of the pixel (homogeneous rasterisation: Olano & Greer, "Triangle Scan
Conversion using 2D Homogeneous Coordinates", 1997): the barycentric coordinates over depth. They give coverage,
depth and perspective-correct interpolation at once, and triangles that cross the camera's plane need no clipping.
Visibility is found per sample, light per pixel and face; light is added up linearly and encoded as sRGB at the end.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Sequence

import numpy as np

from recordio.geometry.camera import FOCAL, IMAGE_SIZE, Camera
from recordio.geometry.compiled import compiled
from recordio.geometry.mesh import Mesh
from recordio.geometry.textures import TO_LINEAR, TO_SRGB, multiply_texture, texture_levels, to_linear

NEAR = 0.01  # object-frame units; nothing closer is drawn
TIE = 1e-6  # 1 / depth by which a later face must be nearer than an earlier one, so that coplanar faces do not mix


@dataclass(frozen=True)
class Light:
    """Linear light on a surface: a key and a fill lamp that travel with the camera, and a sky-to-ground ambient."""

    key: float = 0.90  # strength of the main lamp
    key_turn: float = -38.0  # degrees of azimuth from the camera to the key lamp, negative = left of the picture
    key_elevation: float = 52.0  # degrees above the xz plane
    fill: float = 0.14
    fill_turn: float = 65.0  # degrees of azimuth from the camera to the fill lamp
    fill_elevation: float = 12.0  # degrees above the xz plane
    sky: float = 0.30  # ambient on a surface that faces straight up
    ground: float = 0.12  # ambient on a surface that faces straight down
    specular: float = 0.45  # strength of a polished surface's highlight


DEFAULT_LIGHT = Light()


def render(mesh: Mesh, cameras: Sequence[Camera], *, size: int = IMAGE_SIZE, samples: int = 2,
           light: Light = DEFAULT_LIGHT) -> np.ndarray:
    """Draw *mesh* (object frame) as each camera sees it, on a transparent background.

    *samples* x *samples* points decide each pixel's coverage. Both sides of a face are lit alike.

    Returns:
        (n, size, size, 4) uint8 sRGB with straight alpha; 0 where nothing is drawn.
    """
    pictures = np.zeros((len(cameras), size, size, 4), np.uint8)
    if not len(mesh.faces):
        return pictures
    triangles = np.ascontiguousarray(mesh.triangles, np.float64)
    colours = to_linear(mesh.colours)
    normals = np.ascontiguousarray(mesh.normals, np.float32)
    winding = _winding(triangles, normals)
    texels, level_sides = texture_levels(mesh.textures)
    uv = np.ascontiguousarray(mesh.uv, np.float32)
    texture = np.ascontiguousarray(mesh.texture, np.int32)
    gloss = np.ascontiguousarray(mesh.gloss, np.float32)
    lines = np.empty((len(triangles), 3, 3))
    ahead = np.empty(len(triangles), np.bool_)
    inverse_depth = np.empty((size * samples, size * samples))
    seen = np.full((size * samples, size * samples), -1, np.int32)
    for camera, picture in zip(cameras, pictures):
        inverse_depth.fill(0)
        matrix = camera.world_to_camera()
        _draw(triangles, matrix, size * FOCAL, samples, inverse_depth, seen, lines, ahead)
        _shade(triangles, colours, normals, winding, gloss, texture, uv, texels, level_sides, lines, ahead, seen,
               samples, size * FOCAL, camera.position, _lamps(camera, light), TO_LINEAR, TO_SRGB, picture)
    return pictures


def depths(triangles: np.ndarray, cameras: Sequence[Camera], *, size: int = IMAGE_SIZE) -> np.ndarray:
    """How far from each camera the nearest of *triangles* (m, 3, 3), object frame, is at the middle of every pixel.

    Returns:
        (n, size, size) float32 depth in object-frame units along the camera's axis; infinite where nothing is seen.
    """
    triangles = np.ascontiguousarray(triangles, np.float64)
    inverse_depth = np.zeros((len(cameras), size, size))
    seen = np.empty((size, size), np.int32)
    lines, ahead = np.empty((len(triangles), 3, 3)), np.empty(len(triangles), np.bool_)
    for camera, picture in zip(cameras, inverse_depth):
        _draw(triangles, camera.world_to_camera(), size * FOCAL, 1, picture, seen, lines, ahead)
    with np.errstate(divide="ignore"):
        return (1 / inverse_depth).astype(np.float32)


def _winding(triangles, normals):
    """(m,) float64, 1 where the corners run counter-clockwise about the shading normal, else -1."""
    area = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    return np.where(np.einsum("ij,ij->i", area, normals.sum(axis=1)) < 0, -1.0, 1.0)


def _lamps(camera, light):
    """(4, 3): direction to the key lamp, direction to the fill lamp, (key, fill, specular), (sky, ground, 0)."""
    def direction(turn, elevation):
        azimuth, elevation = np.radians([camera.azimuth - turn, elevation])
        return [np.cos(azimuth) * np.cos(elevation), np.sin(elevation), np.sin(azimuth) * np.cos(elevation)]

    return np.array([direction(light.key_turn, light.key_elevation), direction(light.fill_turn, light.fill_elevation),
                     [light.key, light.fill, light.specular], [light.sky, light.ground, 0.0]])


@compiled
def _draw(triangles, matrix, focal, samples, inverse_depth, seen, lines, ahead):
    """Find the nearest face of every sample.

    *lines* (m, 3, 3) receives, per face and corner, (a, b, c) such that the corner's barycentric coordinate over
    depth is a * u + b * v + c for the picture-plane point (u, v) = (right, up) / depth. *ahead* (m,) receives
    whether the corners run counter-clockwise as seen.
    """
    height, width = seen.shape
    pitch = 1.0 / (focal * samples)  # picture-plane units between samples
    point = np.empty((3, 3))  # the corners as (right, up, depth)
    for face in range(len(triangles)):
        for corner in range(3):
            for axis in range(3):
                value = matrix[axis, 3]
                for k in range(3):
                    value += matrix[axis, k] * triangles[face, corner, k]
                point[corner, axis] = -value if axis == 2 else value
        nearest = min(point[0, 2], point[1, 2], point[2, 2])
        if max(point[0, 2], point[1, 2], point[2, 2]) <= NEAR:
            continue
        for corner in range(3):  # rows of the inverse of the corner matrix, by cross products
            p, q = point[(corner + 1) % 3], point[(corner + 2) % 3]
            lines[face, corner, 0] = p[1] * q[2] - p[2] * q[1]
            lines[face, corner, 1] = p[2] * q[0] - p[0] * q[2]
            lines[face, corner, 2] = p[0] * q[1] - p[1] * q[0]
        volume = (lines[face, 0, 0] * point[0, 0] + lines[face, 0, 1] * point[0, 1] + lines[face, 0, 2] * point[0, 2])
        if not abs(volume) > 1e-14:  # without area, seen edge-on, or not a number
            continue
        ahead[face] = volume > 0
        lines[face] /= volume
        # the samples to visit: the box around the projected corners, everything where a corner is behind the camera
        left, right, top, bottom = 0, width - 1, 0, height - 1
        if nearest > NEAR:
            u0, u1, v0, v1 = 1e30, -1e30, 1e30, -1e30
            for corner in range(3):
                u, v = point[corner, 0] / point[corner, 2], point[corner, 1] / point[corner, 2]
                u0, u1, v0, v1 = min(u0, u), max(u1, u), min(v0, v), max(v1, v)
            if u1 < -1 or u0 > 1 or v1 < -1 or v0 > 1:  # the picture spans (-0.457, 0.457)
                continue
            left = max(left, int(np.ceil(max(u0, -1.0) / pitch + width / 2 - 0.5 - 1e-6)))
            right = min(right, int(np.floor(min(u1, 1.0) / pitch + width / 2 - 0.5 + 1e-6)))
            top = max(top, int(np.ceil(height / 2 - min(v1, 1.0) / pitch - 0.5 - 1e-6)))
            bottom = min(bottom, int(np.floor(height / 2 - max(v0, -1.0) / pitch - 0.5 + 1e-6)))
        depth_a = lines[face, 0, 0] + lines[face, 1, 0] + lines[face, 2, 0]
        depth_b = lines[face, 0, 1] + lines[face, 1, 1] + lines[face, 2, 1]
        depth_c = lines[face, 0, 2] + lines[face, 1, 2] + lines[face, 2, 2]
        for row in range(top, bottom + 1):
            v = (height / 2 - row - 0.5) * pitch
            start, end = float(left), float(right)
            for corner in range(3):  # where along the row is this corner's coordinate not negative
                slope = lines[face, corner, 0] * pitch
                value = lines[face, corner, 1] * v + lines[face, corner, 2] - slope * (width / 2 - 0.5)
                if slope > 0:
                    start = max(start, -value / slope - 1e-6)
                elif slope < 0:
                    end = min(end, -value / slope + 1e-6)
                elif value < 0:
                    end = -1.0
            if not start <= end:
                continue
            first, last = int(np.ceil(start)), int(np.floor(end))
            value = depth_a * ((first + 0.5 - width / 2) * pitch) + depth_b * v + depth_c
            step = depth_a * pitch
            for column in range(first, last + 1):
                if value > inverse_depth[row, column] + TIE and value < 1 / NEAR:
                    inverse_depth[row, column] = value
                    seen[row, column] = face
                value += step


@compiled(fastmath=True)
def _shade(triangles, colours, normals, winding, gloss, texture, uv, texels, level_sides, lines, ahead, seen, samples,
           focal, eye, lamps, to_linear_table, to_srgb_table, picture):
    """Colour each pixel: every face seen in it is lit once, at the middle of its samples, and weighed by them.

    *seen* is used up: -1 everywhere afterwards, as `_draw` wants it for the next view.
    """
    size = len(picture)
    light = np.empty(3)
    for row in range(size):
        for column in range(size):
            covered = 0
            red = green = blue = 0.0
            top, left = row * samples, column * samples
            for j in range(samples):
                for i in range(samples):
                    face = seen[top + j, left + i]
                    if face < 0:
                        continue
                    weight = across = down = 0
                    for other_j in range(samples):
                        for other_i in range(samples):
                            if seen[top + other_j, left + other_i] == face:
                                seen[top + other_j, left + other_i] = -1  # counted
                                weight += 1
                                across += other_i
                                down += other_j
                    u = (column + (across / weight + 0.5) / samples - size / 2) / focal
                    v = (size / 2 - row - (down / weight + 0.5) / samples) / focal
                    _light_point(triangles, colours, normals, winding, gloss, texture, uv, texels, level_sides, lines,
                                 ahead, face, u, v, focal, eye, lamps, to_linear_table, light)
                    covered += weight
                    red += weight * light[0]
                    green += weight * light[1]
                    blue += weight * light[2]
            if covered:
                last = len(to_srgb_table) - 1
                picture[row, column, 0] = to_srgb_table[min(last, int(red / covered * last + 0.5))]
                picture[row, column, 1] = to_srgb_table[min(last, int(green / covered * last + 0.5))]
                picture[row, column, 2] = to_srgb_table[min(last, int(blue / covered * last + 0.5))]
                picture[row, column, 3] = (covered * 255 + samples * samples // 2) // (samples * samples)


@compiled(fastmath=True)
def _light_point(triangles, colours, normals, winding, gloss, texture, uv, texels, level_sides, lines, ahead, face,
                 u, v, focal, eye, lamps, to_linear_table, light):
    """Linear RGB of *face* at the picture-plane point (u, v), into *light* (3,)."""
    w0 = lines[face, 0, 0] * u + lines[face, 0, 1] * v + lines[face, 0, 2]
    w1 = lines[face, 1, 0] * u + lines[face, 1, 1] * v + lines[face, 1, 2]
    w2 = lines[face, 2, 0] * u + lines[face, 2, 1] * v + lines[face, 2, 2]
    depth = 1.0 / (w0 + w1 + w2)
    w0, w1, w2 = w0 * depth, w1 * depth, w2 * depth  # perspective-correct barycentric coordinates
    normal_x = w0 * normals[face, 0, 0] + w1 * normals[face, 1, 0] + w2 * normals[face, 2, 0]
    normal_y = w0 * normals[face, 0, 1] + w1 * normals[face, 1, 1] + w2 * normals[face, 2, 1]
    normal_z = w0 * normals[face, 0, 2] + w1 * normals[face, 1, 2] + w2 * normals[face, 2, 2]
    view_x = eye[0] - (w0 * triangles[face, 0, 0] + w1 * triangles[face, 1, 0] + w2 * triangles[face, 2, 0])
    view_y = eye[1] - (w0 * triangles[face, 0, 1] + w1 * triangles[face, 1, 1] + w2 * triangles[face, 2, 1])
    view_z = eye[2] - (w0 * triangles[face, 0, 2] + w1 * triangles[face, 1, 2] + w2 * triangles[face, 2, 2])
    # a face seen from behind is lit as if its normals pointed the other way
    side = winding[face] if ahead[face] else -winding[face]
    scale = side / np.sqrt(normal_x * normal_x + normal_y * normal_y + normal_z * normal_z + 1e-20)
    normal_x, normal_y, normal_z = normal_x * scale, normal_y * scale, normal_z * scale
    key = normal_x * lamps[0, 0] + normal_y * lamps[0, 1] + normal_z * lamps[0, 2]
    fill = normal_x * lamps[1, 0] + normal_y * lamps[1, 1] + normal_z * lamps[1, 2]
    diffuse = lamps[2, 0] * max(key, 0.0) + lamps[2, 1] * max(fill, 0.0)
    diffuse += lamps[3, 1] + (lamps[3, 0] - lamps[3, 1]) * (0.5 + 0.5 * normal_y)
    for channel in range(3):
        light[channel] = diffuse * (w0 * colours[face, 0, channel] + w1 * colours[face, 1, channel]
                                    + w2 * colours[face, 2, channel])
    if texture[face] >= 0:
        multiply_texture(texels[texture[face]], level_sides, lines[face], uv[face], w0, w1, w2, depth / focal,
                          to_linear_table, light)
    if gloss[face] > 0 and key > 0:  # Blinn: the normal against the half-way vector of lamp and eye
        scale = 1.0 / np.sqrt(view_x * view_x + view_y * view_y + view_z * view_z)
        half_x, half_y, half_z = (lamps[0, 0] + view_x * scale, lamps[0, 1] + view_y * scale,
                                  lamps[0, 2] + view_z * scale)
        scale = 1.0 / np.sqrt(half_x * half_x + half_y * half_y + half_z * half_z + 1e-20)
        facing = (normal_x * half_x + normal_y * half_y + normal_z * half_z) * scale
        power = 10.0 + 110.0 * gloss[face]
        if power * (facing - 1) > -6:  # an upper bound of the logarithm: the rest is too faint to see
            shine = lamps[2, 2] * gloss[face] * facing ** power
            for channel in range(3):
                light[channel] += shine
