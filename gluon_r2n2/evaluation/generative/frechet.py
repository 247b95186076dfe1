"""Generative measures: features of two sets of shapes -> the Frechet distance of the Gaussians that fit them."""
from __future__ import annotations

import numpy as np


def frechet_distance(features_a: np.ndarray, features_b: np.ndarray) -> float:
    """||m_a - m_b||^2 + tr(S_a + S_b - 2 (S_a S_b)^1/2) of features (n, d) and (m, d), n and m at least 2.

    m and S are the means and the covariances (divided by n - 1). The trace of the root is taken from the eigenvalues
    of the symmetric S_a^1/2 S_b S_a^1/2, which are those of S_a S_b: no complex numbers come up, and covariances may
    be singular, as they are where n <= d.

    Two samples of one distribution do not give 0: the fewer there are, the more, about in proportion to 1/n. So
    compare only distances of equally many shapes.

    Raises:
        ValueError: fewer than two rows, widths that differ, or features that are not finite.

    Source: Dowson and Landau, Journal of Multivariate Analysis 1982; as a measure of generators Heusel et al., NIPS
    2017.
    """
    sets = [np.asarray(features, np.float64) for features in (features_a, features_b)]
    if any(each.ndim != 2 or len(each) < 2 for each in sets) or sets[0].shape[1] != sets[1].shape[1]:
        raise ValueError("wanted features of at least 2 shapes in both sets, of one width, got "
                         f"{sets[0].shape} and {sets[1].shape}")
    if not all(np.isfinite(each).all() for each in sets):
        raise ValueError("wanted finite features, got NaN or infinity among them")
    difference = sets[0].mean(axis=0) - sets[1].mean(axis=0)
    first, second = (np.atleast_2d(np.cov(each, rowvar=False)) for each in sets)
    values, vectors = np.linalg.eigh(first)
    # rounding may leave eigenvalues just below the zeros that they are
    root = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    between = np.linalg.eigvalsh(root @ second @ root).clip(min=0)
    distance = difference @ difference + np.trace(first) + np.trace(second) - 2 * np.sqrt(between).sum()
    return max(0.0, float(distance))
