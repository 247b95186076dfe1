"""Before the network, on the user's photographs: a picture of any size -> what the network was trained on.

Training pictures are 137x137 renderings, the object centred on a background of one grey, of which the loader cuts
the middle 127x127. Pictures of exactly these sizes are taken as such; any other is first brought to that form.
"""
from __future__ import annotations

import dataclasses
from typing import List, Optional, Sequence, Tuple

import cv2
import numpy as np

from gluon_r2n2.deployment.doubts import view_doubts
from gluon_r2n2.deployment.foreground import border_colour, bounding_box, find_foreground
from gluon_r2n2.deployment.segmentation import Segmentation
from gluon_r2n2.errors import ModelError

LEAST_SIDE = 16  # pixels; less shows no shape
MOST_SIDE = 2048  # pixels; larger pictures are scaled down first, which bounds time and memory
NOTES = {"alpha": "object cut out by its alpha channel", "plain background": "object cut out from its plain background",
         "segmentation model": "object found by the segmentation model", "grabcut": "object found by GrabCut"}


@dataclasses.dataclass(frozen=True)
class Preprocessing:
    """How pictures become network input; travels inside every exported model."""

    input_size: int = 127  # pixels, edge of the network's input
    frame: int = 137  # pixels, edge of a training rendering
    crop: int = 127  # pixels, edge of the middle part that the network sees
    background: int = 240  # grey, 0..255, behind transparent pixels
    # the object's longest side over the frame's edge: mean of 3,500 views of 151 models, half of them .59 to .75
    object_share: float = 0.67

    @property
    def object_side(self) -> int:
        """Pixels of the network's input that the object's longest side takes."""
        return round(self.object_share * self.frame * self.input_size / self.crop)


@dataclasses.dataclass(frozen=True)
class PreparedView:
    """One picture as the network takes it, and what to know about it."""

    image: np.ndarray  # (S, S, 3) uint8 RGB
    note: str  # what was done to it, in half a sentence
    warnings: Tuple[str, ...] = ()  # what may spoil the reconstruction, a sentence each
    method: str = "none"  # how the object was found: a key of NOTES, "none" or "training picture"
    alpha: Optional[np.ndarray] = None  # (H, W) uint8 of the given picture, 255 on the object; None: not looked for


def prepare(image: np.ndarray, preprocessing: Preprocessing, *, crop_to_object: bool = True, foreground: str = "auto",
            segmentation: Optional[Segmentation] = None) -> PreparedView:
    """Bring one picture into the form of the training data.

    137x137: alpha is blended on the background and the middle cut out, bit for bit as the test loader does.
    127x127: blended only. Any other size, or any with a *foreground* other than "auto": the object is found as
    `foreground.find_foreground` says and placed on the background in the size of the training renderings; where it
    cannot be found, the middle square is taken as it is.

    Args:
        image: (H, W, 3 or 4) uint8 RGB or RGBA, straight alpha.
        crop_to_object: False keeps the whole picture, padded to a square; only transparency is looked at.
        foreground: one of `foreground.FOREGROUNDS`, how the object is looked for.
        segmentation: the model for "model", and for "auto" where neither alpha nor a plain background is there.

    Raises:
        ModelError: not such an array, under 16 pixels, or wholly transparent; no such way, or no model for it.
    """
    _check(image)
    height, width = image.shape[:2]
    opaque = image.shape[2] == 3 or bool((image[..., 3] == 255).all())
    colour = _bounded(np.ascontiguousarray(image[..., :3]))
    alpha = None if opaque else _bounded(np.ascontiguousarray(image[..., 3]))
    if alpha is not None and bounding_box(alpha) is None:
        raise ModelError("the picture is wholly transparent: its alpha channel hides everything")
    rules, warnings = preprocessing, ()  # type: Preprocessing, Tuple[str, ...]
    if foreground == "auto" and height == width and height in (rules.frame, rules.crop):
        frame, method, note = _laid(colour, alpha, rules), "training picture", "taken as a training picture"
    elif not crop_to_object:
        frame, method, note = _whole(colour, alpha, rules), "none", "whole picture padded to a square"
    else:
        found = find_foreground(colour, alpha, method=foreground, segmentation=segmentation)
        if found is None:
            frame, method = _middle(_laid(colour, alpha, rules), rules), "none"
            note = "middle square taken, background NOT separated"
            if foreground != "none":
                note += " (the object was not found)"
        else:
            frame, method, note = _object_frame(colour, found.alpha, rules), found.method, NOTES[found.method]
            alpha, warnings = found.alpha, found.warnings
    margin = (frame.shape[0] - rules.crop) // 2
    prepared = _to_input(frame[margin:margin + rules.crop, margin:margin + rules.crop], rules.input_size)
    warnings += view_doubts(prepared, alpha, method, background=rules.background, object_side=rules.object_side)
    if alpha is not None and alpha.shape != (height, width):
        alpha = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_LINEAR)
    return PreparedView(prepared, f"{width}x{height}, {note}", warnings, method, alpha)


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


def _bounded(picture):
    """A picture (H, W) or (H, W, 3) with no side above MOST_SIDE."""
    scale = MOST_SIDE / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return cv2.resize(picture, [max(1, round(side * scale)) for side in picture.shape[1::-1]],
                      interpolation=cv2.INTER_AREA)


def _laid(colour, alpha, rules: Preprocessing) -> np.ndarray:
    return colour if alpha is None else blend(colour, alpha, rules.background)


def _middle(picture, rules: Preprocessing) -> np.ndarray:
    """The middle square of (H, W, 3) in the size of a training rendering."""
    side = min(picture.shape[:2])
    top, left = (picture.shape[0] - side) // 2, (picture.shape[1] - side) // 2
    return resize(picture[top:top + side, left:left + side], rules.frame)


def _object_frame(colour, alpha, rules: Preprocessing) -> np.ndarray:
    """The object alone, centred in a frame x frame picture, as large as training renderings show it."""
    left, top, right, bottom = bounding_box(alpha)
    side = max(1, round(max(right - left, bottom - top) / rules.object_share))
    start = round((left + right - side) / 2), round((top + bottom - side) / 2)  # column, row; may be outside
    return resize(_window(blend(colour, alpha, rules.background), start, side, [rules.background] * 3), rules.frame)


def _whole(colour, alpha, rules: Preprocessing) -> np.ndarray:
    """The whole picture on a frame x frame square, padded with its own border's colour if it is opaque."""
    height, width = colour.shape[:2]
    side = max(height, width)
    fill = border_colour(colour).tolist() if alpha is None else [rules.background] * 3
    start = -((side - width) // 2), -((side - height) // 2)
    return resize(_window(_laid(colour, alpha, rules), start, side, fill), rules.frame)


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
