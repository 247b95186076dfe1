"""Drawing, before pictures are arranged: voxels -> coloured meshes, all fitted to one frame, drawn from sides."""
from __future__ import annotations

from typing import List, Sequence, Tuple, Union

import numpy as np
import trimesh

from gluon_r2n2.surfaces import cubes_mesh, vertex_colours
from recordio.geometry.camera import FOCAL, MAX_DISTANCE, Camera
from recordio.geometry.mesh import Mesh
from recordio.geometry.rasteriser import DEFAULT_LIGHT, Light, render

Colour = Tuple[float, float, float]
PREDICTION: Colour = (0.42, 0.62, 0.92)  # sRGB 0..1, blue
TRUTH: Colour = (0.53, 0.76, 0.50)  # green
ELEVATION = 24.0  # degrees
DISTANCE = 1.2  # camera distance at which the unit cube fills the picture from every side
FRONT = 300.0  # degrees of azimuth: its front (-z, at 270) and its right side (+x, at 0)
CELL_EDGE = 0.80  # brightness of the outline of a cell
MARGIN = 0.03  # of the picture, free on every side of a fitted object
# Where a colour means something, a face away from the lamp should not take another: little lamp, much ambient light.
EVEN_LIGHT = Light(key=0.25, fill=0.08, sky=0.78, ground=0.58, specular=0.0)


def cubes(grid: np.ndarray, *, threshold: float = 0.5, colour: Union[Colour, np.ndarray] = PREDICTION) -> Mesh:
    """The cells of *grid* (X, Y, Z) that reach *threshold* as outlined cubes, in the unit cube, for the rasteriser.

    *colour* is one for all, or (X, Y, Z, 3) sRGB in 0..1, one per cell.
    """
    surface = cubes_mesh(grid, threshold=threshold)
    if np.ndim(colour) == 4:
        colour = colour[tuple(_cells(surface, grid.shape).T)]  # (m, 3), one per face
    # cubes_mesh lists the first triangles of all squares, then the second ones; each square gets the whole texture
    corners = np.array([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]], np.float32)
    return Mesh.build(surface.vertices, surface.faces, colours=colour, parts=0, gloss=0.05, texture=0,
                      uv=corners.repeat(len(surface.faces) // 2, axis=0), textures=_outline())


def smooth(surface: trimesh.Trimesh, colour: Colour = PREDICTION) -> Mesh:
    """A surface with its vertex normals, for the rasteriser; its own vertex colours go before *colour*."""
    normals = surface.vertex_normals[surface.faces] if len(surface.faces) else None
    own = vertex_colours(surface)
    if own is not None:
        colour = own[surface.faces] / np.float32(255)
    return Mesh.build(surface.vertices, surface.faces, colours=colour, normals=normals, parts=0, gloss=0.25)


def fitted(meshes: Sequence[Mesh], elevation: float = ELEVATION) -> List[Mesh]:
    """Move and scale *meshes* alike, so that together they fill the picture, whatever the azimuth.

    The axis they turn about is the middle of the box around all of them. Turned all around, they just stay within the
    picture of a camera at *elevation* (degrees), as far from its upper edge as from its lower one. So all sides of an
    object are of one scale, and meshes of one call share a frame. Meshes without faces count for nothing.
    """
    boxes = np.array([mesh.bounds for mesh in meshes if len(mesh.faces)])  # (n, 2, 3)
    if not len(boxes):
        return list(meshes)
    centre = (boxes[:, 0].min(axis=0) + boxes[:, 1].max(axis=0)) / 2
    points = np.concatenate([mesh.vertices[mesh.faces].reshape(-1, 3) for mesh in meshes]) - centre
    radius, height = _profile(np.hypot(points[:, 0], points[:, 2]), points[:, 1])
    turn = np.radians(np.arange(0, 360, 5))[:, None]
    around = np.stack([radius * np.cos(turn), height + 0 * turn, radius * np.sin(turn)], axis=-1)  # (turns, n, 3)
    rotation = Camera(0.0, elevation, DISTANCE).world_to_camera()[:, :3]
    distance, reach = DISTANCE * MAX_DISTANCE, (0.5 - MARGIN) / FOCAL
    for _ in range(4):  # what is low and near takes more room than what is high and far: sinks in few steps
        right, up, back = np.moveaxis(around @ rotation.T, -1, 0)
        # a point scaled by s appears at s * across / (distance - s * back), which must not pass `reach`
        room = (np.maximum(abs(right), abs(up)) + reach * back).max()
        scale = reach * distance / room if room > 0 else 1.0
        seen = up / (distance - scale * back)
        shift = (seen.max() + seen.min()) / 2 * distance * rotation[1, 1]
        around[..., 1] -= shift
        centre[1] += shift
    place = np.diag([scale, scale, scale, 1.0])
    place[:3, 3] = -scale * centre
    return [mesh.transformed(place) for mesh in meshes]


def draw(mesh: Mesh, azimuths: Sequence[float], *, elevation: float = ELEVATION, size: int = 256, samples: int = 3,
         light: Light = DEFAULT_LIGHT) -> np.ndarray:
    """Render *mesh* from every azimuth (degrees): (n, size, size, 4) uint8 RGBA, transparent around it."""
    cameras = [Camera(azimuth, elevation, DISTANCE) for azimuth in azimuths]
    return render(mesh, cameras, size=size, samples=samples, light=light)


def _profile(radius, height, bands=128):
    """The outline (radii, heights) of points that turn about an axis: of every band of heights, the farthest out."""
    low, high = height.min(), height.max()
    edges = np.linspace(low, high, bands + 1)
    band = np.clip(np.searchsorted(edges, height, side="right") - 1, 0, bands - 1)
    farthest = np.full(bands, -1.0)
    np.maximum.at(farthest, band, radius)
    used = farthest >= 0
    return np.tile(farthest[used], 2), np.concatenate([edges[:-1][used], edges[1:][used]])  # its lower and upper edge


def _cells(surface, shape):
    """(m, 3) int: the cell of a grid of *shape* that each face of its cubes_mesh belongs to."""
    squares = len(surface.faces) // 2
    first, second, third = surface.vertices[surface.faces[:squares]].swapaxes(0, 1)  # (n, 3) corners of a square
    outward = np.cross(second - first, third - first) * max(shape) ** 2  # of length 1: edges are 1 / max(shape)
    middle = (first + third) / 2 * max(shape) + np.asarray(shape) / 2  # in cells; first and third are opposite
    return np.tile(np.floor(middle - outward / 2).astype(int), (2, 1))


def _outline(side: int = 32) -> np.ndarray:
    """A texture (1, side, side, 3): white with a darker rim, which shows where one cell ends and the next begins."""
    texture = np.full((1, side, side, 3), 255, np.uint8)
    rim = max(1, side // 16)
    dark = round(255 * CELL_EDGE)
    texture[:, :rim] = texture[:, -rim:] = dark
    texture[:, :, :rim] = texture[:, :, -rim:] = dark
    return texture
