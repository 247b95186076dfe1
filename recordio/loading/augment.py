"""Loading: how a stored view becomes network input - crop, flip, background, colour - and the named recipes."""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from recordio.errors import DataError
from recordio.loading import draws

STORED_SIDE = 137  # pixels, of the original's renderings; the crop is given for this size
# random words: which view, row, column, flip, red, green, blue, brightness, contrast, saturation, hue, any background
WORDS_PER_VIEW = 12


@dataclass(frozen=True)
class Augmentation:
    """What may happen to the views of a sample. Sizes are for views of 137 pixels; others are cut in proportion.

    The defaults are the original's recipe with its mistakes mended, mild colour changes and more backgrounds.
    """

    crop: int = 127  # pixels, side of the square cut from a view
    offsets: tuple[int, int] = (-5, 5)  # pixels, range of its place relative to the centre; the original: -5..4
    background: tuple[int, int] = (225, 255)  # 0..255, range of red, green and blue, drawn apart
    any_background: float = 0.1  # share of the views whose background may be any colour instead
    flip: str = "sample"  # "sample": half of the samples are mirrored, all views and the voxels (along x) together;
    #                       "view": half of the views, never the voxels, as in the original; "none"
    blend: bool = True  # mix background by alpha; False: only where alpha is 0, as in the original
    brightness: float = 0.06  # of 255: the object's colours move by up to this, per view
    contrast: float = 0.1  # ratio: they spread about mid-grey by up to this, per view
    saturation: float = 0.2  # ratio: they spread about their own grey by up to this, per view
    hue: float = 0.1  # radians: they turn about the axis of greys by up to this, per view; 0.1 is 6 degrees
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
        for name in ("any_background", "brightness", "contrast", "saturation", "hue"):
            if not 0 <= getattr(self, name) <= 1:
                raise DataError(f"augmentation: {name} should be 0 to 1, got {getattr(self, name)}")


TRAIN = Augmentation()
_PLAIN = replace(TRAIN, any_background=0.0, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0)
# the original replaces the background where alpha is 0 and leaves the rim of an object unmixed; here both are mixed
TEST = replace(_PLAIN, offsets=(0, 0), background=(240, 240), flip="none")
# lib/data_process.py and lib/data_augmentation.py there
ORIGINAL = replace(_PLAIN, offsets=(-5, 4), flip="view", blend=False, views_with_replacement=True)
# the original's own test mode; its test draws random views as well, which no measurement should
ORIGINAL_TEST = replace(TEST, blend=False)
RECIPES = {"modern": (TRAIN, TEST), "original": (ORIGINAL, ORIGINAL_TEST)}  # to train with, to validate with


@dataclass(frozen=True)
class Drawn:
    """What was drawn for the T views of one sample.

    Attributes:
        views: (T,) which stored views.
        corners: (T, 2) row and column where the crop begins; side: its side, pixels.
        flips: (T,) bool; mirror: whether the voxels are mirrored along x.
        background: (T, 3) uint8.
        mix: (T, 3) int64; shift: (T,) int64. A channel c of an object's colour, of which d is the next channel and e
            the one after (red, green, blue, red, ...), becomes (c mix[0] + d mix[1] + e mix[2] + shift) / 256,
            rounded and clipped.
    """

    views: np.ndarray
    corners: np.ndarray
    side: int
    flips: np.ndarray
    mirror: bool
    background: np.ndarray
    mix: np.ndarray
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
    background = draws.integers(own[:, 4:7], *augmentation.background)
    any_colour = draws.symmetric(own[:, 11]) < 2 * augmentation.any_background - 1
    background = np.where(any_colour[:, None], draws.integers(own[:, 4:7], 0, 255), background)
    return Drawn(
        chosen, np.clip(corners, 0, np.array([height, width]) - side), side, flips,
        augmentation.flip == "sample" and bool(flips[0]),  # the original flips images but not voxels; here both
        background.astype(np.uint8), *_colours(augmentation, own[:, 7:11]))


def _colours(augmentation, words):
    """`Drawn.mix` and `Drawn.shift` from words (T, 4): brightness, contrast, saturation and hue as one affine map."""
    brightness, contrast, saturation, hue = (draws.symmetric(column) for column in words.T)
    gain = 1.0 + augmentation.contrast * contrast
    shift = 127.5 * (1.0 - gain) + 255.0 * augmentation.brightness * brightness
    # cosine and sine of the hue's turn from the tangent of half of it, for which small angles stand: the library's
    # trigonometric functions may differ in the last bit from machine to machine
    half = 0.5 * augmentation.hue * hue
    chroma = gain * (1.0 + augmentation.saturation * saturation) / (1.0 + half ** 2)
    along, across = chroma * (1.0 - half ** 2), chroma * 2.0 * half / np.sqrt(3.0)
    following = np.rint(256 * ((gain - along) / 3 - across)).astype(np.int64)
    preceding = np.rint(256 * ((gain - along) / 3 + across)).astype(np.int64)
    own = np.rint(256 * gain).astype(np.int64) - following - preceding  # greys stay greys, exactly
    return np.stack([own, following, preceding], axis=1), np.rint(256 * shift).astype(np.int64)


def _in_proportion(augmentation, stored_side):
    """(crop side, lowest offset, highest offset) for views of *stored_side* pixels."""
    ratio = stored_side / STORED_SIDE
    return (max(1, round(augmentation.crop * ratio)), *(round(offset * ratio) for offset in augmentation.offsets))
