"""Meshes, OBJ / PLY / OFF / STL: a file -> Pieces in its own axes; trimesh parses what `preflight` and `ply` let pass.

Colours of these formats are sRGB as they stand. Shading normals are not taken over: they follow from the angle
between faces, since the files' own are often absent, unset or of another kind.
"""
from __future__ import annotations

import io
import logging
import os
import warnings
from pathlib import Path
from typing import Any, Dict, List, Optional, Tuple, Union

import numpy as np
import trimesh

from recordio.errors import DataError
from recordio.layouts.images import encode_png, read_rgba
from recordio.meshes.pieces import Piece, check_count, square
from recordio.meshes.ply import prepare_ply
from recordio.meshes.preflight import decode, prepare_obj, prepare_off, prepare_stl

logger = logging.getLogger(__name__)
PREPARE = {"obj": prepare_obj, "off": prepare_off, "ply": prepare_ply, "stl": prepare_stl}
SHINIEST = 1000.0  # Ns of a mirror in MTL files; Blender writes (1 - roughness) ** 2 * 1000


def read_interchange(path, kind: str) -> Tuple[List[Piece], List[np.ndarray]]:
    """The (pieces, pictures) of a file of *kind* 'obj', 'ply', 'off' or 'stl'.

    Raises:
        DataError: what `preflight` and `ply` refuse; points only.
        anything: what trimesh raises on a damaged file.
    """
    path = Path(path)
    content: Any = PREPARE[kind](path, path.read_bytes())  # text or bytes
    stream = io.StringIO(content) if isinstance(content, str) else io.BytesIO(content)
    neighbours = Neighbours(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's about numbers that do not parse; what matters is checked below
        # process=False: trimesh would otherwise drop NaN vertices and merge others without a word
        scene = trimesh.load(stream, file_type=kind, resolver=neighbours, force="scene", process=False)
    pieces, points = [], 0
    for name in sorted(scene.geometry):
        shape = scene.geometry[name]
        if isinstance(shape, trimesh.Trimesh) and len(shape.faces):
            check_count(path, len(shape.faces))
            if shape.vertices.shape[1:] != (3,) or shape.faces.shape[1:] != (3,):
                raise DataError(f"{path}: its vertices do not have three coordinates each; export it again")
            pieces.append(_piece(shape, neighbours))
        else:
            points += len(getattr(shape, "vertices", ()))
    if points and not pieces:
        raise DataError(f"{path}: it has {points:,} points but no triangles; make a surface of it first")
    return pieces, neighbours.pictures


class Neighbours:
    """What trimesh asks for the files an OBJ or PLY refers to; spelling is forgiven, absence is logged."""

    def __init__(self, path: Path):
        self.pictures: List[np.ndarray] = []
        self._path = path
        self._content: Dict[Path, Union[str, bytes]] = {}
        self._index: Dict[bytes, int] = {}  # pixels -> place in pictures; materials often share a picture

    def get(self, name: str) -> Union[str, bytes]:
        """The file called *name*: an MTL's text, or a picture as a small PNG. FileNotFoundError without one."""
        wanted = name.strip().strip('"').replace("\\", "/")
        found = self._find(wanted)
        if found is None:
            logger.warning("%s: the file %s that it refers to is missing; colours may be, too", self._path, wanted)
            raise FileNotFoundError(wanted)
        if found not in self._content:
            self._content[found] = self._load(found)
        return self._content[found]

    __getitem__ = get

    def add(self, image) -> int:
        """Index into ``pictures`` of a Pillow *image* that trimesh opened from what `get` gave."""
        picture = np.asarray(image.convert("RGB"))
        place = self._index.setdefault(picture.tobytes(), len(self.pictures))
        if place == len(self.pictures):
            self.pictures.append(picture)
        return place

    def _find(self, wanted: str) -> Optional[Path]:
        exact = self._path.parent / wanted
        if exact.is_file():
            return exact
        for folder in (exact.parent, self._path.parent):  # in another case, or where another machine's path stood
            for name in sorted(os.listdir(folder)) if folder.is_dir() else ():
                if name.lower() == exact.name.lower() and (folder / name).is_file():
                    return folder / name
        return None

    def _load(self, path: Path) -> Union[str, bytes]:
        try:
            data = path.read_bytes()
            if path.suffix.lower() == ".mtl":
                return decode(path, data)
            return encode_png(square(read_rgba(data, str(path))))
        except DataError as error:
            logger.warning("%s: %s; its material's colour stands in", self._path, error)
            raise FileNotFoundError(str(path)) from None


def _piece(shape: trimesh.Trimesh, neighbours: Neighbours) -> Piece:
    vertices, faces, visual = np.asarray(shape.vertices), np.asarray(shape.faces), shape.visual
    colours, uv, picture, gloss = None, None, -1, 0.2
    if visual.kind == "vertex":
        colours = np.asarray(visual.vertex_colors)[faces][..., :3] / 255.0
    elif visual.kind == "face":
        colours = np.asarray(visual.face_colors)[:, None, :3] / 255.0
    elif visual.kind == "texture":
        material = visual.material
        image = getattr(material, "image", None)
        if getattr(image, "format", None) and visual.uv is not None and len(visual.uv) == len(vertices):
            # (a picture without a file format is the white dot that trimesh puts where there is none)
            picture = neighbours.add(image)
            uv = np.asarray(visual.uv, np.float64)[faces] * (1, -1) + (0, 1)  # v up -> v down
            # Kd is left aside here: exporters write anything from black to white beside a picture
        elif "kd" in getattr(material, "kwargs", {}):
            colours = np.asarray(material.diffuse)[None, None, :3] / 255.0
        gloss = float(np.sqrt(np.clip(material.glossiness / SHINIEST, 0.0, 1.0)))
    return Piece(vertices, faces, colours=colours, uv=uv, picture=picture, gloss=gloss)
