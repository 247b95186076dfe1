"""Before the network, on the user's photographs: a picture of any size -> what the network was trained on.

Training pictures are 137x137 renderings, the object centred on a background of one grey, of which the loader cuts
the middle 127x127. Pictures of exactly these sizes are taken as such; any other is first brought to that form.
"""
from __future__ import annotations

import dataclasses
from typing import List, Sequence, Tuple

import cv2
import numpy as np

from gluon_r2n2.deployment.foreground import border_colour, bounding_box, plain_background_alpha
from gluon_r2n2.errors import ModelError

LEAST_SIDE = 16  # pixels; less shows no shape


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """How pictures become network input; travels inside every exported model."""

    input_size: int = 127  # pixels, edge of the network's input
    frame: int = 137  # pixels, edge of a training rendering
    crop: int = 127  # pixels, edge of the middle part that the network sees
    background: int = 240  # grey, 0..255, behind transparent pixels
    # the object's longest side over the frame's edge: mean of 3,500 views of 151 models, half of them .59 to .75
    object_share: float = 0.67


@dataclasses.dataclass(frozen=True)
class PreparedView:
    """One picture as the network takes it."""

    image: np.ndarray  # (S, S, 3) uint8 RGB
    note: str  # what was done to it, in half a sentence


def prepare(image: np.ndarray, preprocessing: Preprocessing, *, crop_to_object: bool = True) -> PreparedView:
    """Bring one picture into the form of the training data.

    137x137: alpha is blended on the background and the middle cut out, bit for bit as the test loader does.
    127x127: blended only. Any other size: the object is found by its alpha, or by its difference from a border of
    one colour, and placed on the background in the size of the training renderings; where it cannot be found, the
    middle square is taken as it is.

    Args:
        image: (H, W, 3 or 4) uint8 RGB or RGBA, straight alpha.
        crop_to_object: False keeps the whole picture, padded to a square.

    Raises:
        ModelError: not such an array, under 16 pixels, or wholly transparent.
    """
    _check(image)
    height, width = image.shape[:2]
    colour = np.ascontiguousarray(image[..., :3])
    opaque = image.shape[2] == 3 or bool((image[..., 3] == 255).all())
    alpha = np.full((height, width), 255, np.uint8) if opaque else np.ascontiguousarray(image[..., 3])
    if not opaque and bounding_box(alpha) is None:
        raise ModelError("the picture is wholly transparent: its alpha channel hides everything")
    size = f"{width}x{height}"
    if height == width and height in (preprocessing.frame, preprocessing.crop):
        frame, note = blend(colour, alpha, preprocessing.background), f"{size}, taken as a training picture"
    elif not crop_to_object:
        frame, note = _whole(colour, alpha, opaque, preprocessing), f"{size}, whole picture padded to a square"
    else:
        frame, note = _object_frame(colour, alpha, opaque, preprocessing)
        note = f"{size}, {note}"
    margin = (frame.shape[0] - preprocessing.crop) // 2
    middle = frame[margin:margin + preprocessing.crop, margin:margin + preprocessing.crop]
    return PreparedView(_to_input(middle, preprocessing.input_size), note)


def network_input(images: Sequence[np.ndarray]) -> np.ndarray:
    """Stack T prepared pictures (S, S, 3) uint8 into (T, 1, 3, S, S) float32 in [0, 1]: one sample, T views."""
    return np.stack(images).transpose(0, 3, 1, 2)[:, None].astype(np.float32) / np.float32(255)


def blend(colour: np.ndarray, alpha: np.ndarray, background: int) -> np.ndarray:
    """Lay *colour* (H, W, 3) over a grey *background* by *alpha* (H, W), all uint8, rounded to the nearest."""
    weight = alpha[..., None].astype(np.uint16)
    total = colour * weight + np.uint16(background) * (255 - weight)  # at most 255 * 255: fits 16 bits
    return ((total.astype(np.uint32) + 127) // 255).astype(np.uint8)


def resize(image: np.ndarray, side: int) -> np.ndarray:
    """Resize a square picture: by area where it shrinks, bicubic where it grows."""
    if image.shape[0] == side:
        return np.ascontiguousarray(image)
    method = cv2.INTER_AREA if side < image.shape[0] else cv2.INTER_CUBIC
    return cv2.resize(image, (side, side), interpolation=method)


def _to_input(crop: np.ndarray, side: int) -> np.ndarray:
    """The loader's last step: each colour plane resized by area on its own, also where it grows."""
    if crop.shape[0] == side:
        return np.ascontiguousarray(crop)
    planes = [cv2.resize(np.ascontiguousarray(crop[..., channel]), (side, side), interpolation=cv2.INTER_AREA)
              for channel in range(3)]
    return np.stack(planes, axis=2)


def _object_frame(colour, alpha, opaque: bool, rules: Preprocessing) -> Tuple[np.ndarray, str]:
    """The object alone, centred in a frame x frame picture, as large as training renderings show it."""
    note = "object cut out by its alpha channel"
    if opaque:
        found = plain_background_alpha(colour)
        if found is None:
            side = min(colour.shape[:2])
            top, left = (colour.shape[0] - side) // 2, (colour.shape[1] - side) // 2
            return (resize(colour[top:top + side, left:left + side], rules.frame),
                    "middle square taken, background NOT separated (neither an alpha channel nor a plain background)")
        alpha, note = found, "object cut out from its plain background"
    left, top, right, bottom = bounding_box(alpha)
    side = max(1, round(max(right - left, bottom - top) / rules.object_share))
    start = round((left + right - side) / 2), round((top + bottom - side) / 2)  # column, row; may be outside
    square = _window(blend(colour, alpha, rules.background), start, side, [rules.background] * 3)
    return resize(square, rules.frame), note


def _whole(colour, alpha, opaque: bool, rules: Preprocessing) -> np.ndarray:
    """The whole picture on a frame x frame square, padded with its own border's colour if it is opaque."""
    height, width = alpha.shape
    side = max(height, width)
    fill = border_colour(colour).tolist() if opaque else [rules.background] * 3
    start = -((side - width) // 2), -((side - height) // 2)
    return resize(_window(blend(colour, alpha, rules.background), start, side, fill), rules.frame)


def _window(image: np.ndarray, start: Tuple[int, int], side: int, fill: List[int]) -> np.ndarray:
    """The side x side part of *image* from *start* (column, row) on; what lies outside is *fill*."""
    window = np.empty((side, side, 3), np.uint8)
    window[:] = fill
    column, row = start
    height, width = image.shape[:2]
    top, left = max(row, 0), max(column, 0)
    bottom, right = min(row + side, height), min(column + side, width)
    window[top - row:bottom - row, left - column:right - column] = image[top:bottom, left:right]
    return window


def _check(image: np.ndarray) -> None:
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] not in (3, 4):
        got = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ModelError(f"a picture must be an array (height, width, 3 or 4) of uint8, got {got}")
    if min(image.shape[:2]) < LEAST_SIDE:
        raise ModelError(f"a picture must be at least {LEAST_SIDE}x{LEAST_SIDE} pixels, "
                         f"got {image.shape[1]}x{image.shape[0]}")
