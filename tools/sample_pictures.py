"""tools/sample.py, its pictures: shapes -> contact sheets, pairs with neighbours, strips along a way, sums as rows."""
from __future__ import annotations

import math
from typing import Iterable, List, Optional, Sequence

import numpy as np

from gluon_r2n2_tools import pictures
from gluon_r2n2_tools.drawing import PREDICTION, TRUTH, Colour
from gluon_r2n2_tools.pictures import Label
from gluon_r2n2_tools.sample_shapes import Shape, Shapes

ROW = 8  # pictures in a row, at most
TILE = 176  # pixels
SIGNS = {1: "+", -1: "-"}


def drawn(grids: Iterable[np.ndarray], threshold: float, colour: Colour = PREDICTION, size: int = 2 * TILE
          ) -> List[np.ndarray]:
    """Voxels (V, V, V) each, cut to one square that holds them all: (H, H, 4) uint8; words where there are none."""
    found = pictures.crop_together([pictures.voxel_picture(grid, threshold=threshold, colour=colour, size=size)
                                    for grid in grids])
    return [picture if picture[..., 3].any() else pictures.message("empty", len(picture), text=size // 12)
            for picture in found]


def contact_sheet(shapes: Sequence[Shape], shots: Sequence[np.ndarray]) -> np.ndarray:
    """Shapes and their pictures -> about a square of them."""
    columns = min(ROW, math.ceil(math.sqrt(len(shapes))))
    return _sheet(in_rows([(shape.title, shot) for shape, shot in zip(shapes, shots)], columns))


def beside_neighbours(shapes: Sequence[Shape], shots: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of shape | nearest training object; of shapes that have one."""
    found = [(shape, shot) for shape, shot in zip(shapes, shots) if shape.neighbour]
    nearest = drawn([shape.neighbour.voxels for shape, _ in found], 0.5, TRUTH)
    cells: List[Label] = []
    for (shape, shot), other in zip(found, nearest):
        cells += [(shape.title, shot), (shape.neighbour.caption, other)]
    return _sheet(in_rows(cells, min(ROW, 2 * math.ceil(math.sqrt(len(found))))))


def from_images(shapes: Sequence[Shape]) -> np.ndarray:
    """Rows of picture | what was generated | nearest training object."""
    return _sheet([[(f"{shape.title}: {shape.path.name}", shape.view.image), *_with_neighbour(shape)]
                   for shape in shapes])


def sum_row(shape: Shape, shapes: Shapes) -> np.ndarray:
    """The terms of a sum | the result | nearest training object."""
    terms = [shapes.named(name) for _, name in shape.terms]
    shots = drawn([term.grid for term in terms], shape.threshold)
    labels = [f"{SIGNS[sign]} {term.title}" for (sign, _), term in zip(shape.terms, terms)]
    return _sheet(in_rows([*zip(labels, shots), *_with_neighbour(shape, "= " + shape.name)], ROW))


def strip(first: str, second: str, shots: Sequence[np.ndarray]) -> np.ndarray:
    """The frames of a way, one after the other."""
    labels = [str(frame) for frame in range(1, len(shots) + 1)]
    labels[0], labels[-1] = f"1: {first}", f"{len(shots)}: {second}"
    return _sheet(in_rows(list(zip(labels, shots)), len(shots) if len(shots) <= 9 else ROW))


def in_rows(cells: Sequence[Label], columns: int) -> List[Sequence[Label]]:
    return [cells[start:start + columns] for start in range(0, len(cells), columns)]


def _with_neighbour(shape: Shape, label: Optional[str] = None) -> List[Label]:
    cells = [(label or shape.title, drawn([shape.grid], shape.threshold)[0])]
    if shape.neighbour:
        cells.append((shape.neighbour.caption, drawn([shape.neighbour.voxels], 0.5, TRUTH)[0]))
    return cells


def _sheet(rows) -> np.ndarray:
    return pictures.sheet(rows, tile=TILE)
