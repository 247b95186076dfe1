"""Generative measures: a discriminator's features of shapes -> how well a linear classifier tells classes by them."""
from __future__ import annotations

from typing import Any, Dict, Sequence, Union

import mxnet as mx
import numpy as np
from scipy.sparse import csr_matrix, issparse
from scipy.sparse.linalg import norm

from gluon_r2n2.environment import require
from gluon_r2n2.errors import ModelError

POOLED = 2  # edge of a map after pooling
MAPS = 3  # the last so many stages
Features = Union[np.ndarray, csr_matrix]
COST = 1.0  # C of the linear support vector machine


def discriminator_features(net, grids: np.ndarray, *, batch_size: int = 16) -> np.ndarray:
    """Grids (n, V, V, V), bool or 0..1 -> features (n, d) float32 of the network's discriminator, in inference mode.

    The maps of the last three stages (16^3, 8^3 and 4^3; at V = 16 the two there are), after their LeakyReLU, each
    max-pooled to 2^3 (kernels 8, 4 and 2) and put side by side: at width 1 and V = 64 that is
    8 * (128 + 256 + 512) = 7,168 numbers, as in Wu et al. (NIPS 2016), section 4.2.

    Args:
        net: a `GAN` or `VAEGAN`.
        batch_size: that the device computes at once, always, the last batch filled up: a grid's features are the same
            bits whichever grids are beside it.

    Raises:
        ModelError: the discriminator makes NaN or infinite values.
    """
    context = net.discriminator.score.weight.list_ctx()[0]
    rows = []
    for start in range(0, len(grids), batch_size):
        part = np.asarray(grids[start:start + batch_size], np.float32)
        filled = np.concatenate([part, np.zeros((batch_size - len(part), *part.shape[1:]), np.float32)])
        maps = net.discriminator.features(mx.nd.array(filled, ctx=context))[-MAPS:]
        rows.append(np.concatenate([_pooled(each.asnumpy()) for each in maps], axis=1)[:len(part)])
    features = np.concatenate(rows)
    if not np.isfinite(features).all():
        raise ModelError("the discriminator makes NaN or infinite values, its training has diverged; take an earlier "
                         "checkpoint")
    return features


def _pooled(maps: np.ndarray) -> np.ndarray:
    """The maximum of each eighth of each map, (B, C, D, D, D) -> (B, 8 C); NaN stays, as MXNet's pooling drops it."""
    batch, channels, edge = maps.shape[:3]
    eighths = maps.reshape(batch, channels, *(POOLED, edge // POOLED) * 3)  # (B, C, 2, D/2, 2, D/2, 2, D/2)
    return eighths.max(axis=(3, 5, 7)).reshape(batch, -1)


def linear_accuracy(train: Features, train_classes: Sequence[str], test: Features, test_classes: Sequence[str]
                    ) -> Dict[str, Any]:
    """Fit a linear classifier on *train* (n, d) and count how often it is right on *test* (m, d), dense or sparse.

    scikit-learn's LinearSVC (one class against the rest, C = 1), on features divided by one number, so that the
    training rows have length 1 on average: C then means the same for features of any size.

    Returns:
        ``accuracy`` (share of the m that are right), ``by_class`` and ``predicted`` (m class ids).

    Raises:
        EnvironmentProblem: scikit-learn is not installed.
        ValueError: fewer than two classes to tell apart.
    """
    require("sklearn")
    from sklearn.svm import LinearSVC

    if len(set(train_classes)) < 2:
        raise ValueError(f"wanted at least two classes to tell apart, got {len(set(train_classes))}")
    lengths = norm(train, axis=1) if issparse(train) else np.linalg.norm(train, axis=1)
    scale = lengths.mean() or 1.0
    model = LinearSVC(C=COST, dual=True, random_state=0, max_iter=20_000)
    predicted = model.fit(train / scale, train_classes).predict(test / scale)
    right = predicted == np.asarray(test_classes)
    by_class = {name: float(right[np.asarray(test_classes) == name].mean()) for name in sorted(set(test_classes))}
    return {"accuracy": float(right.mean()), "by_class": by_class, "predicted": predicted.tolist()}
