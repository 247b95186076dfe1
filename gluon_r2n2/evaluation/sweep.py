"""A network and batches -> integer voxel counts for every sample, view count and threshold."""
from __future__ import annotations

import dataclasses
from typing import Any, Callable, Iterable, Iterator, List, Optional, Sequence, Tuple

import mxnet as mx
import numpy as np

from gluon_r2n2.metrics import best_threshold, iou, mean_iou, voxel_counts
from gluon_r2n2.network import occupied_probability

THRESHOLD_VIEWS = 3  # the view count that the threshold is chosen at, whatever is evaluated later
GPU_OBJECTS = 16  # that a GPU computes at a time

Watch = Callable[[Any, List[np.ndarray]], None]


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Voxel counts of n samples, W view counts and K thresholds, in the order in which the samples came."""

    keys: Tuple[str, ...]  # n, `synset/model_id`
    synsets: Tuple[str, ...]  # n
    views: Tuple[int, ...]  # W; (0,) where no view is looked at
    thresholds: Tuple[float, ...]  # K
    intersection: np.ndarray  # (n, W, K) int64
    union: np.ndarray  # (n, W, K) int64

    def iou(self) -> np.ndarray:
        """IoU of every sample, (n, W, K) float64."""
        return iou(self.intersection, self.union)

    def means(self, views: int, threshold: float):
        """`gluon_r2n2.metrics.mean_iou` (micro, macro, by class) at a view count and a threshold."""
        column = self.iou()[:, self.views.index(views), self.thresholds.index(threshold)]
        return mean_iou(column, self.synsets)

    def best_threshold(self, views: int) -> Tuple[float, float]:
        """The threshold with the highest mean IoU over the samples at a view count, and that IoU."""
        return best_threshold(self.iou()[:, self.views.index(views)], self.thresholds)


def evaluate(net, batches: Iterable, *, contexts: Sequence[mx.Context], views: Sequence[int],
             thresholds: Sequence[float], batch_size: Optional[int] = None, limit: Optional[int] = None,
             watch: Watch = lambda batch, occupied: None) -> Evaluation:
    """Count the voxels of every sample after each of the view counts, all of them in one sweep.

    Args:
        net: maps as `gluon_r2n2.network.R2N2` does.
        batches: with images (T, B, 3, S, S) uint8 RGB, voxels (B, V, V, V), keys and synsets; T >= max(views).
        contexts: the devices, which share each batch.
        views: view counts, ascending.
        thresholds: on the probability of being occupied.
        batch_size: objects that the devices compute at once. By default one on a CPU and GPU_OBJECTS on a GPU, so
            that nothing depends on how the objects came in batches: libraries sum in another order for another size.
        limit: stop after this many samples.
        watch: called with every batch and its probabilities of being occupied, (B, V, V, V) for each view count.

    Raises:
        ValueError: there was no batch.
    """
    views = tuple(views)
    if batch_size is None:
        at_once = 1 if contexts[0].device_type == "cpu" else GPU_OBJECTS
    else:
        at_once = -(-batch_size // len(contexts))

    def reconstructed() -> Iterator[Tuple[Any, List[np.ndarray]]]:
        left = limit
        for batch in batches:
            count = len(batch.keys) if left is None else min(len(batch.keys), left)
            # all devices are given all of their work before the first result is waited for
            parts = [probabilities(net, _filled(batch.images[:, start:start + at_once], at_once), views,
                                   contexts[start // at_once % len(contexts)])
                     for start in range(0, count, at_once)]
            yield batch, [np.concatenate([array.asnumpy() for array in arrays])[:count] for arrays in zip(*parts)]
            if left is not None:
                left -= count
                if not left:
                    return

    return count_voxels(reconstructed(), views=views, thresholds=thresholds, watch=watch)


def count_voxels(reconstructed: Iterable[Tuple[Any, List[np.ndarray]]], *, views: Sequence[int],
                 thresholds: Sequence[float], watch: Watch = lambda batch, occupied: None) -> Evaluation:
    """Count the voxels of probabilities that are there, as `evaluate` does.

    Args:
        reconstructed: pairs of a batch (voxels, keys and synsets) and, for each view count, the probabilities
            (B, V, V, V) of its first B samples.

    Raises:
        ValueError: there was no batch.
    """
    views, thresholds = tuple(views), tuple(thresholds)
    keys: List[str] = []
    synsets: List[str] = []
    intersections, unions = [], []
    for batch, occupied in reconstructed:
        watch(batch, occupied)
        count = len(occupied[0])
        counts = [voxel_counts(each, batch.voxels[:count], thresholds=thresholds) for each in occupied]
        intersections.append(np.stack([each.intersection for each in counts], axis=1))  # (B, W, K)
        unions.append(np.stack([each.union for each in counts], axis=1))
        keys.extend(batch.keys[:count])
        synsets.extend(batch.synsets[:count])
    if not keys:
        raise ValueError("nothing to evaluate: there was no batch")
    return Evaluation(tuple(keys), tuple(synsets), views, thresholds,
                      np.concatenate(intersections), np.concatenate(unions))


def _filled(images: np.ndarray, count: int) -> np.ndarray:
    """(T, b, 3, S, S) -> (T, count, 3, S, S), repeated: one static graph for all, and its results are cut off later."""
    return np.take(images, np.arange(count) % images.shape[1], axis=1)


def probabilities(net, images: np.ndarray, views: Sequence[int], context: mx.Context) -> List[mx.nd.NDArray]:
    """The probability of being occupied, (B, V, V, V) float32, after each of the view counts.

    Args:
        images: (T, B, 3, S, S) uint8 RGB.
        views: view counts of at most T, ascending.
    """
    state, occupied = net.begin_state(images.shape[1], context), []
    for number in range(1, views[-1] + 1):
        # one view at a time: the memory does not grow with T, and on the CPU it is as fast as all at once
        view = to_unit(mx.nd.array(images[number - 1 : number], ctx=context, dtype=np.uint8))
        state = net.absorb(net.encode(view)[0], state)
        if number in views:
            occupied.append(occupied_probability(mx.nd, net.decode(state)))
    return occupied


def to_unit(images: mx.nd.NDArray) -> mx.nd.NDArray:
    """uint8 colours 0..255 -> float32 in [0, 1], on the device that they are on."""
    return images.astype(np.float32) / 255
