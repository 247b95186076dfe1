"""Datasets: occupancy grids of any side -> the object frame's grid, tight around the shape, of the side wanted."""
from __future__ import annotations

import numpy as np

from recordio.errors import DataError
from recordio.geometry.voxeliser import fill_cavities
from recordio.layouts.binvox import VoxelGrid


def refit(occupancy: np.ndarray, resolution: int) -> VoxelGrid:
    """Fit the occupied part of a grid into *resolution* cells a side.

    The cube around the occupied cells, as wide as the longest side of their box and centred on it, becomes the whole
    grid, as `recordio.geometry.voxelise` frames a mesh. A cell is occupied if the centre of any occupied source cell
    lies in it: thin parts stay, as those stay that a surface merely touches. What is enclosed is filled.

    Args:
        occupancy: (X, Y, Z) bool, in the axes of the object frame.

    Raises:
        DataError: no cell is occupied.
    """
    cells = np.argwhere(occupancy)  # (n, 3)
    if not len(cells):
        raise DataError("the grid is empty: no cell is occupied")
    low, high = cells.min(axis=0), cells.max(axis=0) + 1
    part = occupancy[tuple(slice(*ends) for ends in zip(low, high))]
    side = max(part.shape)
    finer = -(-resolution // side)  # a coarser source is split first, or its cells would leave gaps
    for axis in range(3):
        part = part.repeat(finer, axis=axis)
    extent = np.array(part.shape)
    place = (np.argwhere(part) + 0.5 - extent / 2) / extent.max() + 0.5  # (n, 3) in 0..1
    target = np.minimum((place * resolution).astype(np.int64), resolution - 1)
    fitted = np.zeros((resolution,) * 3, bool)
    fitted[tuple(target.T)] = True
    scale = float(side / np.linalg.norm(high - low))  # the diagonal of the box is 1
    return VoxelGrid(fill_cavities(fitted), (-scale / 2,) * 3, scale)
