"""Loading: how a stored view becomes network input - crop, flip, background, colour - and the named recipes."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Optional

import numpy as np

from recordio.errors import DataError
from recordio.geometry.compiled import compiled
from recordio.loading.backgrounds import Backgrounds
from recordio.loading.draws import PICTURES, SAMPLE, fill_words, integer, symmetric

STORED_SIDE = 137  # pixels, of the original's renderings; the crop is given for this size
# random words: which view, row, column, flip, red, green, blue, brightness, contrast, saturation, hue, any background
WORDS_PER_VIEW = 12
WORDS_PER_PICTURE = 5  # whether a view has a background picture, which, row, column, mirrored
FLIPS = ("none", "sample", "view")
NEVER, BY_VIEW = FLIPS.index("none"), FLIPS.index("view")


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
        if self.flip not in FLIPS:
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
        pictures: (T, 4) int64: number of the background picture or -1, row and column of its cut, 1 to mirror it;
            None: no picture anywhere.
    """

    views: np.ndarray
    corners: np.ndarray
    side: int
    flips: np.ndarray
    mirror: bool
    background: np.ndarray
    mix: np.ndarray
    shift: np.ndarray
    pictures: Optional[np.ndarray] = None


def draw(augmentation: Augmentation, views: int, *, seed: int, epoch: int, index: int, available: int,
         image_size: tuple[int, int], backgrounds: Optional[Backgrounds] = None) -> Drawn:
    """Draw for *views* views of sample *index*, of which *available* with (height, width) *image_size* are stored.

    The first n views of a larger draw, with all that belongs to them, are the draw of n views. *backgrounds* change
    nothing but `Drawn.pictures`. Without any view it is only drawn whether the voxels are mirrored.
    """
    height, width = image_size
    side, low, high = _in_proportion(augmentation, min(height, width))
    key = np.uint64(seed % (1 << 64))
    count = max(views, 1)  # the first one tells whether the sample is mirrored
    chosen, corners = np.empty(count, np.int64), np.empty((count, 2), np.int64)
    flips, background = np.empty(count, np.bool_), np.empty((count, 3), np.uint8)
    mix, shift = np.empty((count, 3), np.int64), np.empty(count, np.int64)
    _draw(key, epoch, index, available, augmentation.views_with_replacement, height, width, side, low, high,
          FLIPS.index(augmentation.flip), *augmentation.background, augmentation.any_background,
          augmentation.brightness, augmentation.contrast, augmentation.saturation, augmentation.hue,
          chosen, corners, flips, background, mix, shift)
    pictures = None
    if backgrounds is not None:
        pictures = np.empty((views, 4), np.int64)
        _draw_pictures(key, epoch, index, backgrounds.share, len(backgrounds.pictures),
                       backgrounds.side - min(side, backgrounds.side), pictures)
    # the original flips images but not voxels; here both
    mirror = augmentation.flip == "sample" and bool(flips[0])
    return Drawn(chosen[:views], corners[:views], side, flips[:views], mirror, background[:views], mix[:views],
                 shift[:views], pictures)


@compiled
def _draw(key, epoch, index, available, replacement, height, width, side, low, high, flip, darkest, lightest,
          any_background, brightness, contrast, saturation, hue, views, corners, flips, backgrounds, mix, shift):
    # word 0: the sample's flip; then one word per stored view; then WORDS_PER_VIEW for each view drawn
    count = len(views)
    words = np.empty(1 + available + WORDS_PER_VIEW * count, np.uint64)
    fill_words(key, epoch, SAMPLE, index, words)
    taken = np.zeros(available, np.bool_)
    for view in range(count):
        own = words[1 + available + WORDS_PER_VIEW * view:]
        best = -1  # of the stored views not yet taken the one with the smallest word, the first of equals
        if replacement:
            best = integer(own[0], 0, available - 1)
        else:
            for other in range(available):
                if not taken[other] and (best < 0 or words[1 + other] < words[1 + best]):
                    best = other
            taken[best] = True
        views[view] = best
        corners[view, 0] = min(max((height - side) // 2 + integer(own[1], low, high), 0), height - side)
        corners[view, 1] = min(max((width - side) // 2 + integer(own[2], low, high), 0), width - side)
        coin = own[3] if flip == BY_VIEW else words[0]
        flips[view] = flip != NEVER and symmetric(coin) >= 0.0
        any_colour = symmetric(own[11]) < 2.0 * any_background - 1.0
        for channel in range(3):
            backgrounds[view, channel] = integer(own[4 + channel], 0 if any_colour else darkest,
                                                 255 if any_colour else lightest)
        # brightness, contrast, saturation and hue as one affine map
        gain = 1.0 + contrast * symmetric(own[8])
        moved = 127.5 * (1.0 - gain) + 255.0 * brightness * symmetric(own[7])
        # cosine and sine of the hue's turn from the tangent of half of it, for which small angles stand: the library's
        # trigonometric functions may differ in the last bit from machine to machine
        half = 0.5 * hue * symmetric(own[10])
        chroma = gain * (1.0 + saturation * symmetric(own[9])) / (1.0 + half * half)
        along, across = chroma * (1.0 - half * half), chroma * 2.0 * half / np.sqrt(3.0)
        following = np.int64(np.rint(256.0 * ((gain - along) / 3.0 - across)))
        preceding = np.int64(np.rint(256.0 * ((gain - along) / 3.0 + across)))
        mix[view, 0] = np.int64(np.rint(256.0 * gain)) - following - preceding  # greys stay greys, exactly
        mix[view, 1], mix[view, 2] = following, preceding
        shift[view] = np.int64(np.rint(256.0 * moved))


@compiled
def _draw_pictures(key, epoch, index, share, count, room, out):
    # per view: whether any, which, row, column, mirrored
    words = np.empty(WORDS_PER_PICTURE * len(out), np.uint64)
    fill_words(key, epoch, PICTURES, index, words)
    for view in range(len(out)):
        own = words[WORDS_PER_PICTURE * view:]
        out[view, 0] = integer(own[1], 0, count - 1) if symmetric(own[0]) < 2.0 * share - 1.0 else -1
        out[view, 1], out[view, 2] = integer(own[2], 0, room), integer(own[3], 0, room)
        out[view, 3] = symmetric(own[4]) >= 0.0


def _in_proportion(augmentation, stored_side):
    """(crop side, lowest offset, highest offset) for views of *stored_side* pixels."""
    ratio = stored_side / STORED_SIDE
    return (max(1, round(augmentation.crop * ratio)), *(round(offset * ratio) for offset in augmentation.offsets))
