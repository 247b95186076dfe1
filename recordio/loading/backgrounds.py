"""Loading: a folder of pictures -> squares kept in memory, to lay behind the objects."""
from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Union

import cv2
import numpy as np

from recordio.errors import DataError
from recordio.layouts.images import on_background, read_rgba

SIDE = 160  # pixels: a crop of 127 has room to move
MOST = 1000  # pictures kept, 77 kB each
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Backgrounds:
    """Pictures to lay behind objects, and how often.

    Attributes:
        pictures: (P, 3, SIDE, SIDE) uint8 sRGB.
        share: of the views that get one, 0 to 1; the others get a colour.
        fingerprint: SHA-256 over the names and bytes of the files; equal for equal pictures.
    """

    pictures: np.ndarray
    share: float
    fingerprint: str

    @property
    def side(self) -> int:
        return self.pictures.shape[2]


def read_backgrounds(folder: Union[str, Path], *, share: float = 0.5, most: int = MOST) -> Backgrounds:
    """Read the pictures in *folder* and the folders in it, each cut to its middle square and scaled to SIDE pixels.

    Args:
        share: of the views that get a picture.
        most: of more pictures evenly spaced ones are taken, in the order of their names.

    Raises:
        DataError: no such folder, no picture in it, one that cannot be read, or a share that is none.
        OSError: a file cannot be read.
    """
    folder = Path(folder)
    if not 0 <= share <= 1:
        raise DataError(f"backgrounds: the share of views should be 0 to 1, got {share}")
    if not folder.is_dir():
        raise DataError(f"{folder}: no folder of background pictures; give one that exists")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not paths:
        raise DataError(f"{folder}: no background picture is there ({', '.join(SUFFIXES)}); choose another folder")
    chosen = [paths[number * len(paths) // min(most, len(paths))] for number in range(min(most, len(paths)))]
    if len(chosen) < len(paths):
        logger.info("%s: %d of %d background pictures are used", folder, len(chosen), len(paths))
    digest, pictures = hashlib.sha256(), np.empty((len(chosen), 3, SIDE, SIDE), np.uint8)
    for path, out in zip(chosen, pictures):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {hashlib.sha256(data).hexdigest()}\n".encode())
        rgb = on_background(read_rgba(data, str(path)), 255)  # (H, W, 3)
        side = min(rgb.shape[:2])
        top, left = ((length - side) // 2 for length in rgb.shape[:2])
        method = cv2.INTER_AREA if side >= SIDE else cv2.INTER_LINEAR
        out[:] = cv2.resize(rgb[top:top + side, left:left + side], (SIDE, SIDE), interpolation=method
                            ).transpose(2, 0, 1)
    return Backgrounds(pictures, share, digest.hexdigest())
