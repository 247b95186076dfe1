"""tools/eval.py: which camera took each of the views that a network was given, for the error analysis."""
from __future__ import annotations

from typing import Optional, Sequence

import numpy as np

from recordio.loading import RecordDataset


def cameras(data: RecordDataset, keys: Sequence[str], views: np.ndarray) -> Optional[np.ndarray]:
    """Look up the cameras of *views*, (n, T) numbers of stored views of the samples *keys*.

    Returns:
        (n, T, 4) float64 azimuth, elevation, in-plane rotation (degrees) and distance ratio; NaN for the samples
        whose records have no cameras, None where none has any.

    Raises:
        DataError: a damaged record.
    """
    place = {key: index for index, key in enumerate(data.keys)}
    found = np.full((*views.shape, 4), np.nan)
    for row, (key, stored) in enumerate(zip(keys, views)):
        known = data.record(place[key]).cameras
        if known is not None:
            found[row] = known[stored]
    return None if np.isnan(found).all() else found
