"""After the network: how large an object is and where it stands -> scale and place of the voxel cube in a file."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np
import trimesh

from gluon_r2n2.errors import ModelError, unknown_name

METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "in": 0.0254}  # metres per unit
UNITS = tuple(METRES)
SHORTEST, LONGEST = 1e-9, 1e9  # of a length, in any unit: within them float32 holds every file's numbers
# glTF 2.0, section 3.4: "the units for all linear distances are meters". STL names no unit; slicers take millimetres.
FILE_UNITS = {"glb": "m", "stl": "mm"}


@dataclass(frozen=True)
class Size:
    """The size to give to an object, and where it stands.

    Without a length the voxel cube has the edge 1 in every file. With one, GLB is written in metres, STL in
    millimetres, and every other file in *units*.

    Raises:
        ModelError: both lengths, a length out of range, or an unknown unit.
    """

    height: Optional[float] = None  # of the object along y, in `units`
    longest: Optional[float] = None  # the longest side of the object's bounding box, in `units`
    units: str = "m"  # of the length, and of the files that have no unit of their own
    ground: bool = False  # True: the object's lowest point has y = 0; False: the voxel cube's centre is the origin

    def __post_init__(self):
        if self.units not in METRES:
            raise unknown_name("unit", self.units, UNITS)
        if self.height is not None and self.longest is not None:
            raise ModelError(f"the size of an object is its height ({self.height:g}) or its longest side "
                             f"({self.longest:g}), both were given; leave one out")
        for name, length in (("height", self.height), ("longest side", self.longest)):
            if length is not None and not SHORTEST <= length <= LONGEST:  # nor NaN
                raise ModelError(f"the {name} of an object must be a number above 0, from {SHORTEST:g} to {LONGEST:g}, "
                                 f"got {length:g}")

    def placement(self, mesh: trimesh.Trimesh, kind: str) -> Tuple[float, np.ndarray]:
        """How the unit cube of *mesh* lies in a file of *kind*: point in the file = scale * point + origin.

        Returns:
            scale, the voxel cube's edge in the file's unit, and origin (3,) float64, the place of its centre. A mesh
            without faces has no size, and its cube keeps the edge 1.
        """
        if not len(mesh.faces):
            return 1.0, np.zeros(3)
        low, high = mesh.bounds
        scale = 1.0
        if self.height is not None:
            scale = self.height / (high - low)[1]
        elif self.longest is not None:
            scale = self.longest / (high - low).max()
        if self.height is not None or self.longest is not None:
            scale *= METRES[self.units] / METRES[FILE_UNITS.get(kind, self.units)]
        return float(scale), np.array([0.0, -low[1] * scale if self.ground else 0.0, 0.0])
