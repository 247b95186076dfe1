"""Loading: how a stored view becomes network input - crop, flip, background, colour - and the named recipes."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recordio.errors import DataError
from recordio.loading import draws

STORED_SIDE = 137  # pixels, of the original's renderings; the crop is given for this size
WORDS_PER_VIEW = 9  # random words: which view, row, column, flip, red, green, blue, brightness, contrast


@dataclass(frozen=True)
class Augmentation:
    """What may happen to the views of a sample. Sizes are for views of 137 pixels; others are cut in proportion.

    The defaults are the original's recipe with its mistakes mended, and mild colour changes.
    """

    crop: int = 127  # pixels, side of the square cut from a view
    offsets: tuple[int, int] = (-5, 5)  # pixels, range of its place relative to the centre; the original: -5..4
    background: tuple[int, int] = (225, 255)  # 0..255, range of red, green and blue, drawn apart
    flip: str = "sample"  # "sample": half of the samples are mirrored, all views and the voxels (along x) together;
    #                       "view": half of the views, never the voxels, as in the original; "none"
    blend: bool = True  # mix background by alpha; False: only where alpha is 0, as in the original
    brightness: float = 0.06  # of 255: the object's colours move by up to this, per view
    contrast: float = 0.1  # ratio: they spread about mid-grey by up to this, per view
    views_with_replacement: bool = False  # True, as in the original: a view may come twice in one sample

    def __post_init__(self):
        if self.flip not in ("sample", "view", "none"):
            raise DataError(f"augmentation: flip should be 'sample', 'view' or 'none', got {self.flip!r}")
        if not 1 <= self.crop <= STORED_SIDE:
            raise DataError(f"augmentation: crop should be 1 to {STORED_SIDE} pixels, got {self.crop}")
        low, high = self.background
        if not 0 <= low <= high <= 255 or self.offsets[0] > self.offsets[1]:
            raise DataError(f"augmentation: a background range within 0..255 and rising offsets are wanted, got "
                            f"{self.background} and {self.offsets}")
        if not (0 <= self.brightness <= 1 and 0 <= self.contrast <= 1):
            raise DataError(f"augmentation: brightness and contrast should be 0 to 1, got {self.brightness} and "
                            f"{self.contrast}")


TRAIN = Augmentation()
TEST = Augmentation(offsets=(0, 0), background=(240, 240), flip="none", brightness=0.0, contrast=0.0)
ORIGINAL = Augmentation(offsets=(-5, 4), flip="view", blend=False, brightness=0.0, contrast=0.0,
                        views_with_replacement=True)  # lib/data_process.py and lib/data_augmentation.py there
RECIPES = {"train": TRAIN, "test": TEST, "original": ORIGINAL}


@dataclass(frozen=True)
class Drawn:
    """What was drawn for the T views of one sample.

    Attributes:
        views: (T,) which stored views.
        corners: (T, 2) row and column where the crop begins; side: its side, pixels.
        flips: (T,) bool; mirror: whether the voxels are mirrored along x.
        background: (T, 3) uint8.
        gain, shift: (T,) int64; an object's colour c becomes (c * gain + shift) / 256, rounded and clipped.
    """

    views: np.ndarray
    corners: np.ndarray
    side: int
    flips: np.ndarray
    mirror: bool
    background: np.ndarray
    gain: np.ndarray
    shift: np.ndarray


def draw(augmentation: Augmentation, views: int, *, seed: int, epoch: int, index: int, available: int,
         image_size: tuple[int, int]) -> Drawn:
    """Draw for *views* views of sample *index*, of which *available* with (height, width) *image_size* are stored.

    The first n views of a larger draw, with all that belongs to them, are the draw of n views.
    """
    # word 0: the sample's flip; then one word per stored view; then WORDS_PER_VIEW for each view drawn
    words = draws.words(seed, epoch, draws.SAMPLE, index, 1 + available + WORDS_PER_VIEW * views)
    own = words[1 + available:].reshape(views, WORDS_PER_VIEW)
    if augmentation.views_with_replacement:
        chosen = draws.integers(own[:, 0], 0, available - 1)
    else:
        chosen = np.argsort(words[1:1 + available], kind="stable")[:views]
    height, width = image_size
    side, low, high = _in_proportion(augmentation, min(height, width))
    moved = draws.integers(own[:, 1:3], low, high)
    corners = (np.array([height, width]) - side) // 2 + moved
    coins = own[:, 3] >> np.uint64(63) if augmentation.flip == "view" else np.repeat(words[0] >> np.uint64(63), views)
    flips = coins.astype(bool) if augmentation.flip != "none" else np.zeros(views, bool)
    gain = 1.0 + augmentation.contrast * draws.symmetric(own[:, 8])
    shift = 127.5 * (1.0 - gain) + 255.0 * augmentation.brightness * draws.symmetric(own[:, 7])
    return Drawn(
        chosen, np.clip(corners, 0, np.array([height, width]) - side), side, flips,
        augmentation.flip == "sample" and bool(flips[0]),  # the original flips images but not voxels; here both
        draws.integers(own[:, 4:7], *augmentation.background).astype(np.uint8),
        np.rint(256 * gain).astype(np.int64), np.rint(256 * shift).astype(np.int64))


def _in_proportion(augmentation, stored_side):
    """(crop side, lowest offset, highest offset) for views of *stored_side* pixels."""
    ratio = stored_side / STORED_SIDE
    return (max(1, round(augmentation.crop * ratio)), *(round(offset * ratio) for offset in augmentation.offsets))
