"""Meshes: files that people have -> Mesh, and a folder of them -> samples of a layout."""
from recordio.meshes.reader import SUFFIXES, read_mesh

__all__ = ["SUFFIXES", "read_mesh"]
