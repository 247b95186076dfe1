"""Loading: the pixels - crop, flip, colour and background in one pass, straight into the batch."""
from __future__ import annotations

from typing import Optional, Sequence

import cv2
import numpy as np

from recordio.geometry.compiled import compiled
from recordio.loading.augment import Drawn
from recordio.loading.backgrounds import Backgrounds
from recordio.records.encodings import Box

_NO_PICTURES = np.zeros((0, 3, 1, 1), np.uint8)


def compose(rgba: np.ndarray, drawn: Drawn, view: int, blend: bool, out: np.ndarray) -> None:
    """Write view number *view* of *drawn*, of which the whole picture is at hand, into *out*.

    Args:
        rgba: (H, W, 4) uint8 straight alpha.
        blend: mix the background by alpha, or only put it where alpha is 0.
        out: (3, S, S) uint8, C-contiguous; where S is not the crop's side the crop is resized by area.
    """
    height, width, _ = rgba.shape
    box = Box(0, 0, height, width, False, np.ascontiguousarray(rgba))
    compose_views([box], drawn, blend, out[None, None], 0, first=view)


def compose_views(boxes: Sequence[Box], drawn: Drawn, blend: bool, images: np.ndarray, place: int, *, first: int = 0,
                  backgrounds: Optional[Backgrounds] = None) -> None:
    """Write views *first*, *first* + 1, ... of *drawn* into images[:, place].

    One call for all views of a sample, as each takes the interpreter lock once more.

    Args:
        boxes: of the T views, decompressed.
        images: (T, B, 3, S, S) uint8, C-contiguous.
        backgrounds: the pictures that `drawn.pictures` counts.
    """
    side, count = drawn.side, len(boxes)
    same = images.shape[3] == side
    target = images if same else np.empty((count, 1, 3, side, side), np.uint8)
    # where the bytes of each view begin, whether they are differences, and its place in the picture
    table, start = np.empty((count, 6), np.int64), 0
    for row, box in zip(table, boxes):
        row[:] = start, box.differences, box.top, box.left, box.height, box.width
        start += 4 * box.height * box.width
    data = np.frombuffer(b"".join([box.data for box in boxes]), np.uint8)
    pictures = np.full((first + count, 4), -1, np.int64) if drawn.pictures is None else drawn.pictures
    library = _NO_PICTURES if backgrounds is None else backgrounds.pictures
    _compose(data, table, drawn.corners[first:], drawn.flips[first:], drawn.background[first:], drawn.mix[first:],
             drawn.shift[first:], pictures[first:], library, blend, place if same else 0, target)
    if not same:
        for view, channel in np.ndindex(count, 3):
            images[view, place, channel] = cv2.resize(target[view, 0, channel], images.shape[:2:-1],
                                                      interpolation=cv2.INTER_AREA)


@compiled
def _compose(data, table, corners, flips, backgrounds, mix, shift, pictures, library, blend, place, out):
    side = out.shape[3]
    for view in range(len(table)):
        start, differences, top, left, height, width = table[view]
        # the box in the crop's rows and columns
        top, left = top - corners[view, 0], left - corners[view, 1]
        flip, background = flips[view], backgrounds[view]
        own, following, preceding = mix[view]
        half = shift[view] + 128  # rounds the division by 256
        line = np.empty((4, width), np.uint8)
        for row in range(side):
            if pictures[view, 0] >= 0:
                _lay_picture(library[pictures[view, 0]], pictures[view], row, out[view, place])
            else:
                for channel in range(3):
                    out[view, place, channel, row, :] = background[channel]
            if row < top or row >= top + height:
                continue
            _read_line(data[start:], row - top, height, width, differences, line)
            for column in range(max(0, -left), min(width, side - left)):
                alpha = np.int64(line[3, column])
                if alpha == 0:
                    continue
                red, green, blue = np.int64(line[0, column]), np.int64(line[1, column]), np.int64(line[2, column])
                target = side - 1 - left - column if flip else left + column
                for channel in range(3):
                    value = min(max((own * red + following * green + preceding * blue + half) >> 8, 0), 255)
                    red, green, blue = green, blue, red
                    # most pixels are wholly background or wholly object: only the rim is mixed
                    if blend and alpha < 255:
                        # rounded; no ties, as 255 is odd
                        value = (value * alpha + out[view, place, channel, row, target] * (255 - alpha) + 127) // 255
                    out[view, place, channel, row, target] = value


@compiled
def _read_line(data, row, height, width, differences, line):
    """Row *row* of a box as (4, w)."""
    for channel in range(4):
        target = line[channel]
        if differences:
            start, value = (channel * height + row) * width, np.uint8(0)
            source = data[start:start + width]
            for column in range(width):
                value = np.uint8(value + source[column])
                target[column] = value
        else:
            for column in range(width):
                target[column] = data[4 * (row * width + column) + channel]


@compiled
def _lay_picture(picture, drawn, row, out):
    """Row *row* of a background: pixel for pixel, or stretched where the crop is larger than the picture."""
    _, side, _ = out.shape
    cut = min(side, picture.shape[1])
    source = drawn[1] + row * cut // side
    for channel in range(3):
        for column in range(side):
            across = side - 1 - column if drawn[3] else column
            out[channel, row, column] = picture[channel, source, drawn[2] + across * cut // side]
