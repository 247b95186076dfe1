"""Pictures of inputs and reconstructions: voxels and meshes rendered, put side by side, labelled. For the tools."""
from __future__ import annotations

from typing import List, Sequence, Tuple

import numpy as np
import trimesh
from PIL import Image, ImageDraw, ImageFont

from gluon_r2n2.metrics import iou, voxel_counts
from gluon_r2n2.surfaces import cubes_mesh
from recordio.geometry.camera import Camera
from recordio.geometry.mesh import Mesh
from recordio.geometry.rasteriser import render
from recordio.layouts import on_background

Colour = Tuple[float, float, float]
PREDICTION: Colour = (0.42, 0.62, 0.92)  # sRGB 0..1, blue
TRUTH: Colour = (0.53, 0.76, 0.50)  # green
ELEVATION = 24.0  # degrees
DISTANCE = 1.2  # camera distance at which the unit cube fills the picture from every side
FRONT = 300.0  # degrees of azimuth: from the front left; the front of an object points to -z, azimuth 270
INK = (70, 76, 86)  # sRGB of labels
TILE = 256  # pixels, largest edge of a picture on a sheet
SMALLEST = 160  # and the smallest, so that a label fits above it
CELL_EDGE = 0.80  # brightness of the outline of a cell


def cubes(grid: np.ndarray, *, threshold: float = 0.5, colour: Colour = PREDICTION) -> Mesh:
    """The cells of *grid* (V, V, V) that reach *threshold* as outlined cubes, in the unit cube, for the rasteriser."""
    surface = cubes_mesh(grid, threshold=threshold)
    # cubes_mesh lists the first triangles of all squares, then the second ones; each square gets the whole texture
    corners = np.array([[[0, 0], [1, 0], [1, 1]], [[0, 0], [1, 1], [0, 1]]], np.float32)
    return Mesh.build(surface.vertices, surface.faces, colours=colour, parts=0, gloss=0.05, texture=0,
                      uv=corners.repeat(len(surface.faces) // 2, axis=0), textures=_outline())


def voxel_picture(grid: np.ndarray, azimuth: float = FRONT, *, threshold: float = 0.5, colour: Colour = PREDICTION,
                  size: int = 256) -> np.ndarray:
    """Render `cubes`: (size, size, 4) uint8 RGBA."""
    return _show(cubes(grid, threshold=threshold, colour=colour), azimuth, size)


def surface_picture(surface: trimesh.Trimesh, azimuth: float = FRONT, *, colour: Colour = PREDICTION,
                    size: int = 256) -> np.ndarray:
    """Render a smooth surface in the unit cube: (size, size, 4) uint8 RGBA."""
    return _show(_smooth(surface, colour), azimuth, size)


def turntable(surface: trimesh.Trimesh, *, frames: int = 24, colour: Colour = PREDICTION,
              size: int = 240) -> List[np.ndarray]:
    """Render a surface from *frames* sides all around: (size, size, 4) uint8 RGBA each."""
    cameras = [Camera(FRONT + 360 * frame / frames, ELEVATION, DISTANCE) for frame in range(frames)]
    return list(render(_smooth(surface, colour), cameras, size=size, samples=2))


def crop_together(pictures: Sequence[np.ndarray], margin: float = 0.05) -> List[np.ndarray]:
    """Cut RGBA pictures of one size (H, H, 4) to the one square that holds what is visible in any of them."""
    alpha = np.max([picture[..., 3] for picture in pictures], axis=0)
    rows, columns = np.nonzero(alpha.any(axis=1))[0], np.nonzero(alpha.any(axis=0))[0]
    if not len(rows):
        return list(pictures)
    side = round(max(np.ptp(rows), np.ptp(columns)) * (1 + 2 * margin)) + 1
    room = side  # padded by as much, the square always lies inside
    top = (rows[0] + rows[-1] + 1 - side) // 2 + room
    left = (columns[0] + columns[-1] + 1 - side) // 2 + room
    padded = [np.pad(picture, ((room, room), (room, room), (0, 0))) for picture in pictures]
    return [picture[top:top + side, left:left + side] for picture in padded]


def fit(picture: np.ndarray, size: int) -> np.ndarray:
    """Scale (H, W, 3 or 4) uint8 so that it fits into a white (size, size, 3) square, centred."""
    colour = on_background(picture, 255) if picture.shape[2] == 4 else picture
    image = Image.fromarray(colour)
    scale = size / max(image.size)
    image = image.resize([max(1, round(side * scale)) for side in image.size], Image.LANCZOS)
    square = Image.new("RGB", (size, size), "white")
    square.paste(image, ((size - image.width) // 2, (size - image.height) // 2))
    return np.asarray(square)


def sheet(rows: Sequence[Sequence[Tuple[str, np.ndarray]]], *, gap: int = 10, text: int = 14) -> np.ndarray:
    """Arrange rows of (label, (H, W, 3 or 4) uint8 picture), each under its label, on white: (H, W, 3) uint8."""
    font = ImageFont.load_default(text)
    tile = max(SMALLEST, min(max(max(picture.shape[:2]) for row in rows for _, picture in row), TILE))
    line = text + 8  # pixels of a label's line
    width = gap + max(len(row) for row in rows) * (tile + gap)
    canvas = Image.new("RGB", (width, gap + len(rows) * (tile + line + gap)), "white")
    draw = ImageDraw.Draw(canvas)
    for i, row in enumerate(rows):
        for j, (label, picture) in enumerate(row):
            left, top = gap + j * (tile + gap), gap + i * (tile + line + gap)
            draw.text((left + 2, top), label, fill=INK, font=font)
            canvas.paste(Image.fromarray(fit(picture, tile)), (left, top + line))
    return np.asarray(canvas)


def beside_truth(examples, names, *, threshold: float, size: int = 176) -> np.ndarray:
    """Rows of the first picture that the network saw, its prediction and the truth: (H, W, 3) uint8 RGB.

    An object a row: TensorBoard shows pictures in a narrow column, where a wider one shrinks beyond reading.

    Args:
        examples: `gluon_r2n2.training.validation.Example`s.
        names: of classes, by synset.
        threshold: from which probability on a voxel is shown.
    """
    rows = []
    for example in examples:
        synset, _, model = example.key.partition("/")
        counts = voxel_counts(example.probabilities[None], example.truth[None], thresholds=(threshold,))
        voxels = crop_together([voxel_picture(example.probabilities, threshold=threshold, size=size),
                                voxel_picture(example.truth, colour=TRUTH, size=size)])
        rows.append([(f"{names.get(synset, synset):.12} {model[-5:]}", example.image),
                     (f"{example.views} views: IoU {iou(*counts)[0, 0]:.2f}", voxels[0]), ("truth", voxels[1])])
    return sheet(rows)


def _show(mesh: Mesh, azimuth: float, size: int) -> np.ndarray:
    return render(mesh, [Camera(azimuth, ELEVATION, DISTANCE)], size=size, samples=3)[0]


def _smooth(surface: trimesh.Trimesh, colour: Colour) -> Mesh:
    normals = surface.vertex_normals[surface.faces] if len(surface.faces) else None
    return Mesh.build(surface.vertices, surface.faces, colours=colour, normals=normals, parts=0, gloss=0.25)


def _outline(side: int = 32) -> np.ndarray:
    """A texture (1, side, side, 3): white with a darker rim, which shows where one cell ends and the next begins."""
    texture = np.full((1, side, side, 3), 255, np.uint8)
    rim = max(1, side // 16)
    dark = round(255 * CELL_EDGE)
    texture[:, :rim] = texture[:, -rim:] = dark
    texture[:, :, :rim] = texture[:, :, -rim:] = dark
    return texture
