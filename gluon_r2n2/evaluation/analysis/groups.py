"""Error analysis, second step: numbers of samples and what they are grouped by -> mean, error and count per group."""
from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

import numpy as np

BIN_COUNT = 10  # numbers that a bin of `quantiles` holds at least, where there are so many


def group(values: np.ndarray, relative: np.ndarray) -> Dict[str, Any]:
    """One group as plain values; what is not defined is None, never NaN.

    Args:
        values: (m,) IoU or gains in IoU.
        relative: (m,) the same less what is usual (`relative_to`), NaN where nothing is.

    Returns:
        count, mean and error of the values; relative and relative_error, mean and error of the others. An error is
        the standard error of a mean of independent numbers, the standard deviation (of m - 1) over sqrt(m).
    """
    mean, error = mean_and_error(values)
    difference, difference_error = mean_and_error(relative[~np.isnan(relative)])
    return {"count": len(values), "mean": mean, "error": error,
            "relative": difference, "relative_error": difference_error}


def mean_and_error(values: np.ndarray):
    """Mean of (m,) and its standard error: None of none, and no error of one."""
    mean = float(values.mean()) if len(values) else None
    return mean, float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None


def relative_to(values: np.ndarray, labels: Sequence) -> np.ndarray:
    """(m,) values less the mean of those with the same label; NaN where a label occurs once and tells nothing."""
    _, places, counts = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
    means = np.bincount(places, weights=values) / counts
    return np.where(counts[places] > 1, values - means[places], np.nan)


def quantiles(values: np.ndarray, bins: int) -> np.ndarray:
    """Edges of at most *bins* ranges that hold equally many values (m,); equal edges, of tied values, become one."""
    bins = max(1, min(bins, len(values) // BIN_COUNT))
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)))
    return edges if len(edges) > 1 else np.repeat(edges, 2)


def sectors(width: float, end: float) -> np.ndarray:
    """Edges of ranges of *width* from 0 to *end*."""
    return np.arange(0, end + width / 2, width)


def by_range(edges: np.ndarray, keys: np.ndarray, values: np.ndarray, relative: np.ndarray) -> List[Dict[str, Any]]:
    """A group for each range [from, to) of the keys (m,), the last with its end; a NaN key belongs to none."""
    known = ~np.isnan(keys)
    places = np.searchsorted(edges[1:-1], keys[known], side="right")
    return [{"from": float(edges[place]), "to": float(edges[place + 1]),
             **group(values[known][places == place], relative[known][places == place])}
            for place in range(len(edges) - 1)]


def by_view(stored: np.ndarray, values: np.ndarray, relative: np.ndarray) -> List[Dict[str, Any]]:
    """A group for each stored view that occurs in *stored* (m,)."""
    return [{"view": int(view), **group(values[stored == view], relative[stored == view])}
            for view in np.unique(stored)]


def ranked(groups: Optional[List[Dict[str, Any]]]) -> Optional[List[Dict[str, Any]]]:
    """The groups that hold something, the highest `relative` first, those without one last."""
    if groups is None:
        return None
    # rounded, so that equals keep their order whatever the last bits of their sums are
    return sorted((each for each in groups if each["count"]),
                  key=lambda each: (each["relative"] is None, -round(each["relative"] or 0.0, 12)))
