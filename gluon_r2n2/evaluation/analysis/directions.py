"""Error analysis: views by where they look from; what each adds to those before it, and how far one alone gets."""
from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from gluon_r2n2.evaluation.analysis import groups

SECTOR = 30.0  # degrees of azimuth
APART = 15.0  # degrees between two viewing directions
ELEVATION_BINS = 4  # at most
NO_CAMERAS = "the cameras of the views are not known"


def against_angle(single: Optional[np.ndarray], cameras: Optional[np.ndarray], synsets: Sequence[str]
                  ) -> Dict[str, Any]:
    """Single-view IoU (n,) by azimuth and elevation of the first view; *cameras* (n, T, 4)."""
    note = "no result with a single view: measure with 1 among the numbers of views" if single is None else (
        NO_CAMERAS if cameras is None else None)
    if single is None or cameras is None:
        return {"note": note, "azimuth": None, "elevation": None}
    relative = groups.relative_to(single, synsets)
    return {"note": note, **_by_direction(cameras[:, 0], single, relative)}


def _by_direction(cameras: np.ndarray, values: np.ndarray, relative: np.ndarray) -> Dict[str, List[Dict[str, Any]]]:
    """Groups by azimuth and elevation of cameras (m, 4)."""
    azimuth = cameras[:, 0] % 360
    azimuth = np.where(azimuth == 360, 0, azimuth)  # what % gives for the tiniest negative angles
    elevation = cameras[:, 1]
    known = elevation[~np.isnan(elevation)]
    edges = groups.quantiles(known, ELEVATION_BINS) if len(known) else None
    return {"azimuth": groups.by_range(groups.sectors(SECTOR, 360), azimuth, values, relative),
            "elevation": [] if edges is None else groups.by_range(edges, elevation, values, relative)}


def added_views(values: np.ndarray, views: Sequence[int], stored: Optional[np.ndarray],
                cameras: Optional[np.ndarray]) -> Dict[str, Any]:
    """What the n-th view adds to n - 1, IoU (n, W) at view counts (W,), by position and ranked by which view it is.

    `relative` is the gain less the mean gain at its position: early views add more, whichever they are.
    """
    none = {"view": None, "azimuth": None, "elevation": None, "apart": None}
    places = [place for place in range(1, len(views)) if views[place] == views[place - 1] + 1]
    if not places:
        return {"note": "no two consecutive numbers of views were measured", "steps": [], **none}
    gains = values[:, places] - values[:, [place - 1 for place in places]]  # (n, S)
    positions = np.array([views[place] - 1 for place in places])  # of the added view among those given, (S,)
    steps = []
    for position, column in zip(positions, gains.T):
        mean, error = groups.mean_and_error(column)
        steps.append({"views": int(position) + 1, "count": len(column), "mean": mean, "error": error})
    flat, relative = gains.ravel(), groups.relative_to(gains.ravel(), np.tile(positions, len(gains)))
    result: Dict[str, Any] = {"note": NO_CAMERAS if cameras is None else None, "steps": steps, **none}
    if stored is not None:
        result["view"] = groups.by_view(stored[:, positions].ravel(), flat, relative)
    if cameras is not None:
        result.update(_by_direction(cameras[:, positions].reshape(-1, 4), flat, relative))
        result["apart"] = groups.by_range(groups.sectors(APART, 180), nearest_earlier(cameras, positions).ravel(),
                                          flat, relative)
    return {name: groups.ranked(each) if name in none else each for name, each in result.items()}


def nearest_earlier(cameras: np.ndarray, positions: Sequence[int]) -> np.ndarray:
    """Degrees between the direction of the view at each of S positions and the nearest one before it, (n, S)."""
    azimuth, elevation = np.radians(cameras[..., 0]), np.radians(cameras[..., 1])  # (n, T)
    toward = np.stack([np.cos(azimuth) * np.cos(elevation), np.sin(elevation),
                       np.sin(azimuth) * np.cos(elevation)], axis=-1)  # (n, T, 3), recordio/geometry/camera.py
    columns = []
    for position in positions:
        cosines = np.einsum("nc,nec->ne", toward[:, position], toward[:, :position])
        columns.append(np.degrees(np.arccos(np.clip(cosines.max(axis=1), -1, 1))))
    return np.stack(columns, axis=1)


def first_views(single: Optional[np.ndarray], synsets: Sequence[str], stored: Optional[np.ndarray],
                cameras: Optional[np.ndarray]) -> Dict[str, Any]:
    """Single-view IoU (n,) ranked by which view it is; `relative` to the mean of the object's class."""
    angle = against_angle(single, cameras, synsets)
    view = None
    if single is not None and stored is not None:
        view = groups.by_view(stored[:, 0], single, groups.relative_to(single, synsets))
    return {"note": angle["note"], "view": groups.ranked(view), "azimuth": groups.ranked(angle["azimuth"]),
            "elevation": groups.ranked(angle["elevation"])}


def shared_cameras(stored: Optional[np.ndarray], cameras: Optional[np.ndarray]) -> Optional[bool]:
    """Whether each stored view has one direction in all objects; None where no view is known of two objects."""
    if stored is None or cameras is None:
        return None
    known = ~np.isnan(cameras[..., 0])
    views, turned = stored[known], np.radians(cameras[known][:, :2])  # (m,), (m, 2)
    groups_of_view = [turned[views == view] for view in np.unique(views)]
    repeated = [each for each in groups_of_view if len(each) > 1]
    if not repeated:
        return None
    # 0 and 360 degrees are one direction; float32 angles of one camera differ by less than 1e-4 radians
    return all(bool((np.abs(np.exp(1j * each) - np.exp(1j * each[0])) < 1e-4).all()) for each in repeated)
