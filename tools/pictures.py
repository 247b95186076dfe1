"""Pictures of inputs and reconstructions: voxels and meshes drawn, put side by side, labelled. For the tools."""
from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

import numpy as np
import trimesh
from PIL import Image, ImageDraw, ImageFont

from gluon_r2n2.metrics import iou, voxel_counts
from gluon_r2n2_tools.drawing import FRONT, PREDICTION, TRUTH, Colour, cubes, draw, smooth

INK = (70, 76, 86)  # sRGB of labels
PALE_INK = (222, 226, 232)  # and on a dark background
MIDDLE_INK = (122, 128, 138)  # and where nobody knows what will be behind them
WHITE = (255, 255, 255)
TILE = 256  # pixels, largest edge of a picture on a sheet
SMALLEST = 160  # and the smallest, so that a label fits above it

RGB = Tuple[int, int, int]
Label = Tuple[str, np.ndarray]


def voxel_picture(grid: np.ndarray, azimuth: float = FRONT, *, threshold: float = 0.5, colour: Colour = PREDICTION,
                  size: int = 256) -> np.ndarray:
    """Render `cubes`: (size, size, 4) uint8 RGBA."""
    return draw(cubes(grid, threshold=threshold, colour=colour), [azimuth], size=size)[0]


def surface_picture(surface: trimesh.Trimesh, azimuth: float = FRONT, *, colour: Colour = PREDICTION,
                    size: int = 256) -> np.ndarray:
    """Render a smooth surface in the unit cube: (size, size, 4) uint8 RGBA."""
    return draw(smooth(surface, colour), [azimuth], size=size)[0]


def turntable(surface: trimesh.Trimesh, *, frames: int = 24, colour: Colour = PREDICTION,
              size: int = 240) -> List[np.ndarray]:
    """Render a surface from *frames* sides all around: (size, size, 4) uint8 RGBA each."""
    return list(draw(smooth(surface, colour), sides(FRONT, frames), size=size, samples=2))


def sides(azimuth: float, count: int) -> List[float]:
    """*count* azimuths in degrees, evenly all around, from *azimuth* on."""
    return [azimuth + 360 * side / count for side in range(count)]


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


def on_canvas(picture: np.ndarray, background: Optional[RGB] = WHITE) -> np.ndarray:
    """Lay (H, W, 4) uint8 RGBA over a colour: (H, W, 3); over none it stays (H, W, 4)."""
    canvas = _canvas(picture.shape[1], picture.shape[0], background)
    canvas.alpha_composite(Image.fromarray(picture))
    return _array(canvas, background)


def fit(picture: np.ndarray, size: int) -> Image.Image:
    """Scale (H, W, 3 or 4) uint8 so that it fits into a square of *size* pixels, centred, transparent around it."""
    image = Image.fromarray(picture).convert("RGBA")
    scale = size / max(image.size)
    if scale != 1:
        image = image.resize([max(1, round(side * scale)) for side in image.size], Image.LANCZOS)
    square = Image.new("RGBA", (size, size))
    square.paste(image, ((size - image.width) // 2, (size - image.height) // 2))
    return square


def sheet(rows: Sequence[Sequence[Optional[Label]]], *, gap: int = 10, text: int = 14, tile: Optional[int] = None,
          background: Optional[RGB] = WHITE, legend: Optional[np.ndarray] = None) -> np.ndarray:
    """Arrange rows of (label, (H, W, 3 or 4) uint8 picture), each under its label: (H, W, 3) uint8.

    Args:
        rows: None leaves a place free.
        gap: pixels between pictures.
        text: pixels, height of the labels; those that are too wide are shortened in their middle.
        tile: pixels, edge of every picture (default: of the largest, within SMALLEST and TILE).
        background: sRGB, or None for a transparent sheet (H, W, 4).
        legend: (h, w, 4) uint8, put below all rows.
    """
    font = ImageFont.load_default(text)
    if tile is None:
        largest = max(max(entry[1].shape[:2]) for row in rows for entry in row if entry)
        tile = max(SMALLEST, min(largest, TILE))
    line = text + 8  # pixels of a label's line
    below = (0, 0) if legend is None else legend.shape[:2]
    width = gap + max(max(len(row) for row in rows) * (tile + gap), below[1] + gap)
    height = gap + len(rows) * (tile + line + gap) + (below[0] + gap if legend is not None else 0)
    canvas = _canvas(width, height, background)
    pen = ImageDraw.Draw(canvas)
    for i, row in enumerate(rows):
        for j, entry in enumerate(row):
            if entry is None:
                continue
            left, top = gap + j * (tile + gap), gap + i * (tile + line + gap)
            pen.text((left + 2, top), _shortened(entry[0], font, tile - 2), fill=(*ink(background), 255), font=font)
            canvas.alpha_composite(fit(entry[1], tile), (left, top + line))
    if legend is not None:
        canvas.alpha_composite(Image.fromarray(legend), (gap, height - gap - below[0]))
    return _array(canvas, background)


def message(words: str, size: int, background: Optional[RGB] = WHITE, text: int = 14) -> np.ndarray:
    """*words* in the middle of an empty picture, (size, size, 4) uint8 RGBA, a line each for what does not fit."""
    font, lines = ImageFont.load_default(text), [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        lines = [*lines[:-1], longer] if font.getlength(longer) <= 0.9 * size else [*lines, word]
    picture = Image.new("RGBA", (size, size))
    ImageDraw.Draw(picture).multiline_text((size / 2, size / 2), "\n".join(filter(None, lines)), font=font, anchor="mm",
                                           align="center", fill=(*ink(background), 255))
    return np.array(picture)


def ink(background: Optional[RGB]) -> RGB:
    """The colour of letters on *background* (None: transparent)."""
    if background is None:
        return MIDDLE_INK
    return INK if np.dot(background, (0.299, 0.587, 0.114)) > 127 else PALE_INK  # luma, ITU-R BT.601


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


def _shortened(label, font, width):
    """*label* as it fits into *width* pixels, its middle left out where it must be: the end tells files apart."""
    kept = len(label)
    short = label
    while kept > 1 and font.getlength(short) > width:
        kept -= 1
        short = f"{label[:kept // 3]}…{label[len(label) - (kept - kept // 3):]}"
    return short


def _canvas(width, height, background):
    return Image.new("RGBA", (width, height), (0, 0, 0, 0) if background is None else (*background, 255))


def _array(canvas, background):
    return np.asarray(canvas if background is None else canvas.convert("RGB"))
