"""Operators of gluon-r2n2; importing this package registers them with MXNet."""
from operators.voxel_softmax_ce import VoxelSoftmaxCE, voxel_softmax_ce

__all__ = ["VoxelSoftmaxCE", "voxel_softmax_ce"]
