"""Layouts: what lies on disk as users have it - ShapeNet folders, split files, binvox grids, pictures."""
from recordio.layouts.binvox import VoxelGrid, encode_binvox, read_binvox, write_binvox
from recordio.layouts.classes import CLASSES, class_name, synset_of
from recordio.layouts.images import encode_png, on_background, read_rgba
from recordio.layouts.photos import fit_box, fit_object
from recordio.layouts.shapenet import (
    Layout,
    ModelPaths,
    format_cameras,
    read_cameras,
    remove_sample,
    scan,
    write_sample,
)
from recordio.layouts.splits import check_split, make_split, original_split, read_split, split_keys, write_split

__all__ = ["CLASSES", "Layout", "ModelPaths", "VoxelGrid", "check_split", "class_name", "encode_binvox", "encode_png",
           "fit_box", "fit_object", "format_cameras", "make_split", "on_background", "original_split", "read_binvox",
           "read_cameras", "read_rgba", "read_split", "remove_sample", "scan", "split_keys", "synset_of",
           "write_binvox", "write_sample", "write_split"]
