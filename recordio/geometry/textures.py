"""Geometry: sRGB bytes <-> linear light, and the lookup of texture pictures for the rasteriser."""
from __future__ import annotations

from typing import Tuple

import numpy as np

from recordio.geometry.compiled import compiled

SHADES = 4096  # entries of the table that turns linear light into sRGB bytes


def to_linear(colours: np.ndarray) -> np.ndarray:
    """sRGB in [0, 1] -> linear light in [0, 1], float32, any shape (IEC 61966-2-1)."""
    colours = np.asarray(colours, np.float32)
    return np.where(colours <= 0.04045, colours / 12.92, ((np.maximum(colours, 0) + 0.055) / 1.055) ** np.float32(2.4))


def to_srgb(light: np.ndarray) -> np.ndarray:
    """Linear light in [0, 1] -> sRGB in [0, 1], float32, any shape (IEC 61966-2-1)."""
    light = np.clip(np.asarray(light, np.float32), 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** np.float32(1 / 2.4) - 0.055)


TO_LINEAR = to_linear(np.arange(256) / 255.0).astype(np.float32)
TO_SRGB = np.rint(to_srgb(np.arange(SHADES) / (SHADES - 1)) * 255).astype(np.uint8)


def texture_levels(textures: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Every texture with its halved copies (mip levels, averaged in linear light), so that far ones do not flicker.

    Returns:
        (count, texels, 3) uint8 with the levels one behind the other, and the (levels,) int64 side of each.
    """
    count = len(textures)
    level = np.ascontiguousarray(textures, np.uint8)
    levels = [level]
    while count and level.shape[1] % 2 == 0 and level.shape[1] > 4:
        side = level.shape[1] // 2
        light = TO_LINEAR[level].reshape(count, side, 2, side, 2, 3).mean(axis=(2, 4))
        level = np.rint(to_srgb(light) * 255).astype(np.uint8)
        levels.append(level)
    sides = np.array([level.shape[1] for level in levels], np.int64)
    return np.concatenate([level.reshape(count, sides[i] ** 2, 3) for i, level in enumerate(levels)], axis=1), sides


@compiled(fastmath=True)
def multiply_texture(texels, level_sides, lines, uv, w0, w1, w2, pixel_depth, to_linear_table, light):
    """Multiply *light* by the picture at the point: bilinear, from the level whose texels are about a pixel wide."""
    across = w0 * uv[0, 0] + w1 * uv[1, 0] + w2 * uv[2, 0]
    down = w0 * uv[0, 1] + w1 * uv[1, 1] + w2 * uv[2, 1]
    # how far (across, down) moves per pixel: derivatives of the perspective-correct interpolation
    reach = 0.0
    for axis in range(2):
        moved_across = moved_down = 0.0
        for corner in range(3):
            moved_across += lines[corner, axis] * (uv[corner, 0] - across)
            moved_down += lines[corner, axis] * (uv[corner, 1] - down)
        reach = max(reach, moved_across * moved_across + moved_down * moved_down)
    reach = np.sqrt(reach) * pixel_depth
    level, start = 0, 0
    while level + 1 < len(level_sides) and reach * level_sides[level] > 1.4:
        start += level_sides[level] * level_sides[level]
        level += 1
    side = level_sides[level]
    x, y = (across - np.floor(across)) * side - 0.5, (down - np.floor(down)) * side - 0.5
    left, top = int(np.floor(x)), int(np.floor(y))
    x, y = x - left, y - top
    left, right = left % side, (left + 1) % side
    top, bottom = top % side, (top + 1) % side
    for channel in range(3):
        upper = ((1 - x) * to_linear_table[texels[start + top * side + left, channel]]
                 + x * to_linear_table[texels[start + top * side + right, channel]])
        lower = ((1 - x) * to_linear_table[texels[start + bottom * side + left, channel]]
                 + x * to_linear_table[texels[start + bottom * side + right, channel]])
        light[channel] *= (1 - y) * upper + y * lower
