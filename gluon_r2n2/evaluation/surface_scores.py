"""Evaluation: probabilities and true voxels -> surfaces -> how far apart they lie, and how well their normals agree.

Chamfer distance, F-score, normal consistency and Earth Mover's distance, as defined in docs/evaluation.md. Lengths are
in edges of the voxel cube, the frame is that of `marching_mesh`.
"""
from __future__ import annotations

import zlib
from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy as np
import trimesh
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from gluon_r2n2.errors import ModelError
from gluon_r2n2.evaluation.samples import samples
from gluon_r2n2.surfaces import marching_mesh

MOST_EMD_POINTS = 2000  # an exact assignment takes the cube of this: 2 s for 2,000 points
DIAGONAL = np.sqrt(3.0)  # of the unit cube: no two points of two surfaces are further apart
TRUTH, PREDICTION = 0, 1  # streams of random numbers: equal surfaces must not get equal points


class SurfacePoints(NamedTuple):
    """n points on a surface; none where there is no surface."""

    points: np.ndarray  # (n, 3) float64
    normals: np.ndarray  # (n, 3) float64, unit, of the triangles that the points lie on


class SurfaceScores:
    """A watcher of `gluon_r2n2.evaluation.evaluate`: compares the surfaces of n objects at W view counts.

    The points on the surface of an object depend on *seed*, its key and its voxels, on nothing else. 30,000 points
    on a surface of 32^3 cost about 65 ms per view count, an Earth Mover's distance of 1,000 points some 0.2 s more.

    Args:
        views: the view counts, as given to `evaluate`.
        threshold: of the predicted surface; the true one is taken at 0.5.
        points: on each surface, drawn evenly by area; with the default a perfect prediction has 0.99 in F-score at 1 %.
        seed: of the points.
        distances: of the F-scores, in edges of the cube (0.01: 1 %).
        emd_points: the first so many of the points are assigned to each other; 0: no Earth Mover's distance.

    Raises:
        ModelError: an option out of its range.
    """

    def __init__(self, views: Sequence[int], threshold: float, *, points: int = 30_000, seed: int = 0,
                 distances: Sequence[float] = (0.01, 0.02, 0.05), emd_points: int = 0):
        if points < 1 or not 0 <= emd_points <= min(points, MOST_EMD_POINTS):
            raise ModelError(f"wanted at least one point on each surface, and of these 0 to {MOST_EMD_POINTS} for the "
                             f"Earth Mover's distance, got {points} and {emd_points}")
        self.views, self.threshold = tuple(views), threshold
        self.points, self.seed, self.distances, self.emd_points = points, seed, tuple(distances), emd_points
        self._rows: List[List[Dict[str, float]]] = []

    def __call__(self, batch, occupied: Sequence[np.ndarray]) -> None:
        """Measure a batch: *occupied* holds (B, V, V, V) per view count.

        Raises:
            ModelError: sizes that differ, or probabilities that are NaN or outside 0..1.
        """
        for key, truth, grids in samples(batch, occupied, self.views):
            true = self._sample(key, truth, 0.5, TRUTH)
            predictions = [self._sample(key, grid, self.threshold, PREDICTION) for grid in grids]
            self._rows.append([compare_surfaces(each, true, distances=self.distances, emd_points=self.emd_points)
                               for each in predictions])

    @property
    def values(self) -> Dict[str, np.ndarray]:
        """(n, W) float64 by the name of the measure, in the order in which the objects came."""
        return {name: np.array([[cell[name] for cell in row] for row in self._rows]).reshape(-1, len(self.views))
                for name in measure_names(self.distances, emd=self.emd_points > 0)}

    def _sample(self, key: str, grid: np.ndarray, threshold: float, stream: int) -> SurfacePoints:
        rng = np.random.default_rng([self.seed, zlib.crc32(key.encode()), stream])
        return sample_surface(marching_mesh(grid, threshold=threshold), self.points, rng)


def measure_names(distances: Sequence[float], *, emd: bool = False) -> Tuple[str, ...]:
    """The names of what `compare_surfaces` gives."""
    return ("chamfer_squared", "chamfer_plain", *(f"f_score_{distance:g}" for distance in distances),
            "normal_consistency", *(("emd",) if emd else ()))


def sample_surface(mesh: trimesh.Trimesh, count: int, rng: np.random.Generator) -> SurfacePoints:
    """Draw *count* points, evenly by area and independent of each other; none from a mesh without area.

    Written out, because trimesh promises neither its order of draws nor a normal for the smallest triangles.
    """
    triangles = np.asarray(mesh.triangles, np.float64).reshape(-1, 3, 3)  # (faces, corners, xyz)
    origin, first, second = triangles[:, 0], triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    cross = np.cross(first, second)  # as long as twice the area
    size = np.linalg.norm(cross, axis=1)
    reached = np.cumsum(size)
    if not len(reached) or reached[-1] == 0:
        return SurfacePoints(np.empty((0, 3)), np.empty((0, 3)))
    # 'right': a triangle without area is never hit
    face = np.searchsorted(reached, rng.random(count) * reached[-1], side="right")
    along = rng.random((count, 2))
    beyond = along.sum(axis=1) > 1  # the other half of the parallelogram is folded back
    along[beyond] = 1 - along[beyond]
    points = origin[face] + along[:, :1] * first[face] + along[:, 1:] * second[face]
    return SurfacePoints(points, cross[face] / size[face, None])


def compare_surfaces(prediction: SurfacePoints, truth: SurfacePoints, *, distances: Sequence[float] = (0.01,),
                     emd_points: int = 0) -> Dict[str, float]:
    """All measures of one pair of surfaces in the unit cube, by `measure_names`.

    Both without points: as equal as can be. One without points: the worst there is in the unit cube.
    """
    names = measure_names(distances, emd=emd_points > 0)
    if not len(prediction.points) or not len(truth.points):
        alike = len(prediction.points) == len(truth.points)
        lengths = {"chamfer_squared": 2 * DIAGONAL ** 2, "chamfer_plain": 2 * DIAGONAL, "emd": DIAGONAL}
        return {name: (0.0 if alike else float(lengths[name])) if name in lengths else float(alike) for name in names}
    to_truth, nearest_true = _tree(truth).query(prediction.points)
    to_prediction, nearest_predicted = _tree(prediction).query(truth.points)
    values = [(to_truth ** 2).mean() + (to_prediction ** 2).mean(), to_truth.mean() + to_prediction.mean()]
    values += [f_score(to_truth, to_prediction, distance) for distance in distances]
    values.append((_mean_cosine(prediction.normals, truth.normals[nearest_true])
                   + _mean_cosine(truth.normals, prediction.normals[nearest_predicted])) / 2)
    if emd_points:
        values.append(earth_movers_distance(prediction.points[:emd_points], truth.points[:emd_points]))
    return dict(zip(names, map(float, values)))


def f_score(to_truth: np.ndarray, to_prediction: np.ndarray, distance: float) -> float:
    """Harmonic mean of the shares of predicted and of true points that lie nearer than *distance* to the other set.

    Args:
        to_truth: from each predicted point to the nearest true one.
        to_prediction: from each true point to the nearest predicted one.
    """
    precision, recall = float((to_truth < distance).mean()), float((to_prediction < distance).mean())
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def earth_movers_distance(first: np.ndarray, second: np.ndarray) -> float:
    """Mean distance of two sets of n points (n, 3), each point of one moved to its own of the other, at least cost.

    Raises:
        ModelError: sets of different size, or of more than MOST_EMD_POINTS points.
    """
    if len(first) != len(second) or len(first) > MOST_EMD_POINTS:
        raise ModelError(f"the Earth Mover's distance wants two sets of the same number of points, at most "
                         f"{MOST_EMD_POINTS}, got {len(first)} and {len(second)}")
    cost = cdist(first, second)
    return float(cost[linear_sum_assignment(cost)].mean())


def _tree(surface: SurfacePoints) -> cKDTree:
    """For points spread over a surface, the tree that is built and searched fastest, by a quarter."""
    return cKDTree(surface.points, compact_nodes=False, balanced_tree=False)


def _mean_cosine(first: np.ndarray, second: np.ndarray) -> float:
    """Mean absolute cosine of unit vectors (n, 3) in pairs; rounding may not lift it over 1."""
    return float(np.abs(np.einsum("ij,ij->i", first, second)).clip(max=1).mean())
