"""Before the network, on the user's photographs: the object in front of any background, by GrabCut from three starts.

GrabCut (Rother, Kolmogorov and Blake, SIGGRAPH 2004; OpenCV's) fits a colour mixture each to the object and to the
background and cuts between them. What it finds hangs on where it starts, so it starts three times: from two
rectangles, and from the pixels that differ from the colours of the picture's border. The starts vote; how far they
agree says how much the result is worth (docs/photos.md has the measurements).
"""
from __future__ import annotations

from itertools import combinations
from typing import NamedTuple, Optional

import cv2
import numpy as np

VOTING_SIDE = 192  # pixels, longest side of the picture on which the starts vote
REFINING_SIDE = 320  # and on which their result is refined
MARGINS = (0.10, 0.15)  # of the rectangles, as shares of the picture's sides
VOTING_ROUNDS, REFINING_ROUNDS = 3, 2  # of GrabCut
BAND = 0.12  # width of the band around the vote in which the refinement may move, as a share of REFINING_SIDE
PALETTE = 8  # colours of the border
RARE = 0.03  # share of the border; a colour of less may be the object's, which touches the border there
RARE_COST = 20.0  # CIELAB distance added to a rare colour
PALETTE_RING = 0.04  # width of the border that gives the palette, as a share of the shorter side
SURE_RING = 0.02  # width of the border that surely is background
KEPT = 0.1  # share of the largest part's area; smaller parts are dropped
SMALLEST, LARGEST = 0.003, 0.9  # shares of the picture; a result beyond is none
FLAT = 2.0  # standard deviation of the levels, 0..255, below which a picture shows nothing
FINISHING_SIDE = 1280  # on which its edge is drawn; alpha of larger pictures is scaled up from there
SMOOTHING = 4, 1e-3  # radius in pixels of REFINING_SIDE, and regularisation of the guided filter


class Cut(NamedTuple):
    """What `grabcut` found: alpha (H, W) uint8, and the mean IoU of the three starts with each other, 0..1."""

    alpha: np.ndarray
    agreement: float


def grabcut(image: np.ndarray) -> Optional[Cut]:
    """Separate the one object in the middle of *image* (H, W, 3) uint8 RGB; the same picture gives the same result.

    Returns:
        None where nothing was found that could be one object in front of a background.
    """
    small = _shrunk(image, VOTING_SIDE)
    if min(small.shape[:2]) < 16 or small.std() < FLAT:
        return None
    votes = [main_part(_cut(small, start, VOTING_ROUNDS)) for start in _starts(small)]
    agreement = float(np.mean([_overlap(first, second) for first, second in combinations(votes, 2)]))
    count = np.sum(votes, axis=0, dtype=np.uint8)  # (h, w), 0..3
    voted = main_part((count >= 2).astype(np.uint8))
    if not _plausible(voted):
        return None
    refined = main_part(_refined(_shrunk(image, REFINING_SIDE), voted, (count == 3) & (voted > 0)))
    return Cut(_enlarged(refined, image), agreement) if _plausible(refined) else None


def main_part(mask: np.ndarray) -> np.ndarray:
    """Keep of *mask* (H, W) of 0 and 1 the part that is large and near the middle, and others of some size."""
    count, labels, stats, centres = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count == 1:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA].astype(np.float64)
    areas[0] = 0  # label 0 is the background
    half = np.array(mask.shape[::-1]) / 2  # (width, height)
    distance = np.linalg.norm((centres - half) / half, axis=1).clip(0, 1)  # 0 in the middle
    best = (areas * (1 - 0.7 * distance)).argmax()
    return (areas >= KEPT * areas[best])[labels].astype(np.uint8)


def _starts(image):
    """Three masks of GrabCut's labels: two rectangles, and what differs from the border's colours."""
    height, width = image.shape[:2]
    for margin in MARGINS:
        mask = np.full((height, width), cv2.GC_BGD, np.uint8)
        rows, columns = round(margin * height), round(margin * width)
        mask[rows:height - rows, columns:width - columns] = cv2.GC_PR_FGD
        yield mask
    across = np.mgrid[:height, :width] / np.array([height, width]).reshape(2, 1, 1) - 0.5  # (2, h, w), 0 in the middle
    strange = _strangeness(image) * np.exp(-((across / 0.45) ** 2).sum(axis=0))  # objects are near the middle
    levels = np.clip(strange * (255 / max(np.percentile(strange, 99.5), 1e-6)), 0, 255).astype(np.uint8)
    threshold, _ = cv2.threshold(levels, 0, 255, cv2.THRESH_OTSU)
    mask = np.where(levels > threshold, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    mask[ring(image, SURE_RING)] = cv2.GC_BGD
    yield mask


def _strangeness(image):
    """The CIELAB distance (h, w) of each pixel from the nearest of the border's colours."""
    lab = cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab = cv2.GaussianBlur(lab, (0, 0), 1.5)
    border = np.ascontiguousarray(lab[ring(image, PALETTE_RING)])  # (n, 3)
    cv2.setRNGSeed(0)
    ends = (cv2.TERM_CRITERIA_COUNT + cv2.TERM_CRITERIA_EPS, 20, 0.5)
    _, labels, colours = cv2.kmeans(border, PALETTE, None, ends, 2, cv2.KMEANS_PP_CENTERS)
    share = np.bincount(labels.ravel(), minlength=PALETTE) / len(border)
    distance = np.linalg.norm(lab[:, :, None] - colours, axis=3)  # (h, w, PALETTE)
    return (distance + RARE_COST * (share < RARE)).min(axis=2)


def _refined(image, voted, agreed):
    """Cut once more on a larger picture, only in a band around the vote's edge."""
    height, width = image.shape[:2]
    voted, agreed = (cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
                     for mask in (voted, agreed))
    side = round(BAND * max(height, width)) | 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    start = np.where(voted, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    start[cv2.dilate(voted, disc) == 0] = cv2.GC_BGD
    start[cv2.erode(agreed, disc) > 0] = cv2.GC_FGD
    return _cut(image, start, REFINING_ROUNDS)


def _cut(image, start, rounds: int):
    """GrabCut from a mask of its labels -> (h, w) uint8 of 0 and 1; nothing where either side is empty."""
    objects = start & 1  # GC_FGD and GC_PR_FGD are odd
    if objects.all() or not objects.any():
        return np.zeros_like(start)
    mask, models = start.copy(), (np.zeros((1, 65)), np.zeros((1, 65)))
    cv2.setRNGSeed(0)  # of this thread only: OpenCV keeps a generator for each
    nowhere = (0, 0, 0, 0)  # a rectangle is not looked at where there is a mask
    cv2.grabCut(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), mask, nowhere, models[0], models[1], rounds,
                cv2.GC_INIT_WITH_MASK)
    return mask & 1


def _enlarged(mask, image):
    """A mask of 0 and 1 -> alpha of *image*'s size, its edge drawn to the picture's by a guided filter.

    He, Sun and Tang, "Guided image filtering", ECCV 2010, with the grey picture as the guide.
    """
    guide = cv2.cvtColor(_shrunk(image, FINISHING_SIDE), cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    height, width = guide.shape
    soft = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    radius = max(1, round(SMOOTHING[0] * max(height, width) / REFINING_SIDE))

    def mean(values):
        return cv2.blur(values, (2 * radius + 1, 2 * radius + 1))

    mean_guide, mean_soft = mean(guide), mean(soft)
    slope = (mean(guide * soft) - mean_guide * mean_soft) / (mean(guide * guide) - mean_guide ** 2 + SMOOTHING[1])
    alpha = mean(slope) * guide + mean(mean_soft - slope * mean_guide)
    # the filter leaves a haze around the object, which would stretch its box: steepen it around one half
    alpha = cv2.resize(np.clip(2 * alpha - 0.5, 0, 1) * 255, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return alpha.round().astype(np.uint8)


def ring(image: np.ndarray, share: float) -> np.ndarray:
    """The border of a picture as a mask (H, W) bool; its width is *share* of the shorter side, at least one pixel."""
    width = max(1, round(share * min(image.shape[:2])))
    inner = np.ones(image.shape[:2], bool)
    inner[width:-width, width:-width] = False
    return inner


def _shrunk(image, side: int):
    """*image* with its longest side *side* pixels, if it is longer."""
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return np.ascontiguousarray(image)
    return cv2.resize(image, [max(1, round(length * scale)) for length in image.shape[1::-1]],
                      interpolation=cv2.INTER_AREA)


def _overlap(first, second) -> float:
    union = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / union if union else 0.0


def _plausible(mask) -> bool:
    return SMALLEST <= mask.mean() <= LARGEST
