"""Geometry: the frame of every object, and the camera of the original's renderings.

Object frame (ShapeNet's): right-handed, y up, the lateral axis (left-right mirror) is x, the front of an object
(nose, open side of a chair, bonnet, muzzle) points to -z. The bounding box is centred at the origin and its
diagonal is 1 long. Voxel grids are indexed [x, y, z] over the centred cube of the box's longest side.
Camera frame (Blender's): x right, y up, z backwards; what the camera sees has negative z, depth = -z.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import List, Tuple

import numpy as np

FOCAL = 35.0 / 32.0  # focal length over sensor width: 35 mm on 32 mm, a field of view of 49.13 degrees
MAX_DISTANCE = 1.75  # object-frame units from the origin at distance ratio 1
ELEVATION = (25.0, 30.0)  # degrees, range of the original's views
DISTANCE = (0.65, 0.95)  # ratio of MAX_DISTANCE, range of the original's views
LENS = 25.0  # last column of rendering_metadata.txt, constant there and unused by the projection
IMAGE_SIZE = 137  # pixels, side of the original's renderings


@dataclass(frozen=True)
class Camera:
    """One view, in the terms of a row of rendering_metadata.txt; it looks at the origin.

    Attributes:
        azimuth: degrees about +y; 0 looks from +x, 90 from +z.
        elevation: degrees above the xz plane.
        distance: ratio of MAX_DISTANCE.
        in_plane: degrees; positive turns the picture counter-clockwise. The original's views have 0.
    """

    azimuth: float
    elevation: float
    distance: float
    in_plane: float = 0.0

    @property
    def position(self) -> np.ndarray:
        """(3,) float64 place of the camera in the object frame."""
        azimuth, elevation = np.radians([self.azimuth, self.elevation])
        toward = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(elevation), np.sin(azimuth) * np.cos(elevation)])
        return MAX_DISTANCE * self.distance * toward

    def world_to_camera(self) -> np.ndarray:
        """(3, 4) float64 [rotation | translation]: camera-frame point = rotation @ object-frame point + translation."""
        azimuth, elevation, roll = np.radians([self.azimuth, self.elevation, self.in_plane])
        right = np.array([np.sin(azimuth), 0.0, -np.cos(azimuth)])
        back = np.array([np.cos(azimuth) * np.cos(elevation), np.sin(elevation), np.sin(azimuth) * np.cos(elevation)])
        up = np.cross(back, right)
        turn = np.array([[np.cos(roll), -np.sin(roll), 0.0], [np.sin(roll), np.cos(roll), 0.0], [0.0, 0.0, 1.0]])
        rotation = turn @ np.stack([right, up, back])
        return np.concatenate([rotation, -(rotation @ self.position)[:, None]], axis=1)

    def project(self, points, size: int = IMAGE_SIZE) -> Tuple[np.ndarray, np.ndarray]:
        """Where object-frame *points* (n, 3) appear in a *size* x *size* picture.

        Returns:
            (n, 2) pixels (column right, row down, a pixel's centre at + 0.5) and (n,) depth in object-frame units;
            points at depth <= 0 lie behind the camera and their pixels mean nothing.
        """
        matrix = self.world_to_camera()
        seen = np.asarray(points, np.float64).reshape(-1, 3) @ matrix[:, :3].T + matrix[:, 3]
        depth = -seen[:, 2]
        safe = np.where(depth == 0, np.finfo(np.float64).tiny, depth)
        column = size / 2 + size * FOCAL * seen[:, 0] / safe
        row = size / 2 - size * FOCAL * seen[:, 1] / safe
        return np.stack([column, row], axis=1), depth


def random_cameras(rng: np.random.Generator, count: int) -> List[Camera]:
    """*count* cameras drawn as the original drew them: azimuth all around, ELEVATION, DISTANCE, upright."""
    return [Camera(rng.uniform(0.0, 360.0), rng.uniform(*ELEVATION), rng.uniform(*DISTANCE)) for _ in range(count)]
