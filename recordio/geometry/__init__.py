"""Geometry: meshes, the camera and the frames, rendering and voxelising. `recordio.geometry.camera` has the frame."""
from recordio.geometry.camera import Camera, random_cameras
from recordio.geometry.mesh import Mesh, concatenate
from recordio.geometry.rasteriser import Light, depths, render
from recordio.geometry.voxeliser import fill_cavities, grid_frame, voxelise

__all__ = ["Camera", "Light", "Mesh", "concatenate", "depths", "fill_cavities", "grid_frame", "random_cameras",
           "render", "voxelise"]
