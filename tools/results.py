"""What one reconstruction becomes on disk: probabilities (V, V, V) -> the bytes of a mesh, binvox or NPZ file."""
from __future__ import annotations

import argparse
import io
from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence, Tuple

import numpy as np
import trimesh

from gluon_r2n2.errors import unknown_name
from gluon_r2n2.surfaces import MESH_FORMATS, Size, encode_mesh, surface
from gluon_r2n2_tools.colouring import ViewFit, colour_surface
from recordio.geometry.camera import Camera
from recordio.layouts import VoxelGrid, encode_binvox

FILES = MESH_FORMATS + ("binvox", "npz")


def format_list(choices: Sequence[str]) -> Callable[[str], List[str]]:
    """Make an argparse type: a comma-separated list of *choices*, which are file formats."""
    def parse(text: str) -> List[str]:
        names = [name.strip().lower().lstrip(".") for name in text.split(",") if name.strip()]
        for name in names:
            if name not in choices:
                raise argparse.ArgumentTypeError(str(unknown_name("format", name, choices)))
        if not names:
            raise argparse.ArgumentTypeError(f"wants at least one of {','.join(choices)}")
        return list(dict.fromkeys(names))

    return parse


@dataclass(frozen=True)
class Result:
    """One reconstruction, made once and written in as many formats as are wanted; of `make_result`."""

    grid: np.ndarray  # (V, V, V) float32, probability of each voxel [x, y, z]
    threshold: float  # from which probability on a voxel is solid
    surface: trimesh.Trimesh  # in the unit cube, with vertex colours where pictures were given
    rounded: bool  # vertex normals go into the files: the surface is meant to look smooth
    size: Size
    fits: Tuple[ViewFit, ...] = ()  # of each picture, how it lies on the surface

    @property
    def empty(self) -> bool:
        """Whether no voxel is solid, and so no mesh can be written."""
        return not len(self.surface.faces)

    @property
    def warnings(self) -> Tuple[str, ...]:
        """A sentence for each picture that gave no colours."""
        return tuple(fit.sentence for fit in self.fits if not fit.used)

    def encode(self, kind: str, views: Optional[Sequence[np.ndarray]] = None) -> bytes:
        """The bytes of a file of *kind*, one of FILES.

        Args:
            views: (S, S, 3) uint8 each, the pictures as the network saw them; kept by npz only.

        Raises:
            ModelError: an unknown kind, or a mesh format for an empty reconstruction.
        """
        if kind not in FILES:
            raise unknown_name("file format", kind, FILES)
        if kind in MESH_FORMATS:
            return encode_mesh(self.surface, kind, smooth=self.rounded, size=self.size)
        edge, centre = self.size.placement(self.surface, kind)
        corner = centre - edge / 2
        if kind == "binvox":
            return encode_binvox(VoxelGrid(self.grid >= self.threshold, tuple(corner), edge))
        arrays = {"probabilities": self.grid, "threshold": np.float32(self.threshold), "translate": corner,
                  "scale": np.float64(edge)}
        if views is not None:
            arrays["views"] = np.stack(views)
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **arrays)
        return buffer.getvalue()


def make_result(grid: np.ndarray, *, threshold: float, mesh: str = "marching", smooth: int = 0,
                faces: Optional[int] = None, size: Optional[Size] = None,
                pictures: Optional[Sequence[np.ndarray]] = None,
                cameras: Optional[Sequence[Optional[Camera]]] = None) -> Result:
    """Make the surface of a reconstruction.

    Args:
        grid: (V, V, V) probabilities.
        threshold, mesh, smooth, faces: see `gluon_r2n2.surfaces.surface`.
        size: the length and place to give to the object; None: the unit cube.
        pictures: (H, W, 4) uint8 RGBA each, as given by the user, alpha = the object: colour the surface by them.
        cameras: of each picture where it is known, None where it is to be estimated; see `colour_surface`.

    Raises:
        ModelError: what `surface` and `colour_surface` refuse.
    """
    made, fits = surface(grid, threshold=threshold, mesh=mesh, smooth=smooth, faces=faces), ()
    if pictures is not None:
        made, fits = colour_surface(made, pictures, cameras=cameras)
    return Result(np.asarray(grid, np.float32), threshold, made, mesh == "marching", size or Size(), tuple(fits))


def encode_result(grid: np.ndarray, kind: str, *, threshold: float, views: Optional[Sequence[np.ndarray]] = None,
                  **options) -> bytes:
    """One file of a reconstruction: `make_result` with *options*, then `Result.encode`. For worker processes."""
    return make_result(grid, threshold=threshold, **options).encode(kind, views)
