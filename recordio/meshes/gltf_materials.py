"""Meshes, glTF 2.0: materials and vertex colours -> sRGB corner colours, texture pictures and gloss.

glTF's factors and vertex colours are linear, its pictures sRGB; the renderer multiplies both in linear light, as the
specification says (chapter 3.9). Metals are drawn in their base colour.
"""
from __future__ import annotations

import logging
from typing import Dict, List, Optional

import numpy as np

from recordio.errors import DataError
from recordio.geometry.textures import to_srgb
from recordio.layouts.images import read_rgba
from recordio.meshes.gltf_buffers import Document

logger = logging.getLogger(__name__)


class Materials:
    """The materials of a document, decoded when first used; ``.pictures`` holds the (H, W, 4) uint8 textures."""

    def __init__(self, document: Document):
        self.pictures: List[np.ndarray] = []
        self._document = document
        self._decoded: Dict[int, int] = {}  # image index -> index into pictures, -1 for one that cannot be read

    def surface(self, material: Optional[int], attributes: dict, faces: np.ndarray) -> dict:
        """The colours, uv, picture and gloss of a Piece with *faces* (m, 3) and these vertex *attributes*."""
        info = {} if material is None else self._document.json["materials"][material]
        colour, texture, gloss = self._base(info)
        corners = np.array(colour, np.float64)[:3].reshape(1, 1, 3)
        if "COLOR_0" in attributes:
            corners = corners * self._document.accessor(attributes["COLOR_0"]).astype(np.float64)[faces][..., :3]
        elif material is None:
            corners = None  # nothing says what it looks like: the default grey instead of glTF's white
        uv, picture = self._textured(texture, attributes, faces)
        return {"colours": None if corners is None else to_srgb(corners), "uv": uv, "picture": picture,
                "gloss": gloss}

    def _base(self, info: dict):
        """(linear colour, textureInfo or None, gloss) of a material, metallic-roughness or specular-glossiness."""
        older = info.get("extensions", {}).get("KHR_materials_pbrSpecularGlossiness")
        if older is not None:
            colour, texture = older.get("diffuseFactor", (1, 1, 1, 1)), older.get("diffuseTexture")
            gloss = older.get("glossinessFactor", 1.0)
        else:
            newer = info.get("pbrMetallicRoughness", {})
            colour, texture = newer.get("baseColorFactor", (1, 1, 1, 1)), newer.get("baseColorTexture")
            gloss = 1.0 - newer.get("roughnessFactor", 1.0)
        if "emissiveTexture" not in info:  # a glowing lamp shows its light even where its base is black
            colour = np.array(colour, np.float64)[:3] + np.array(info.get("emissiveFactor", (0, 0, 0)), np.float64)
        return colour, texture, float(np.clip(gloss, 0.0, 1.0))

    def _textured(self, texture: Optional[dict], attributes: dict, faces: np.ndarray):
        """(uv (m, 3, 2) or None, index into pictures or -1) of a textureInfo."""
        if texture is None:
            return None, -1
        transform = texture.get("extensions", {}).get("KHR_texture_transform", {})
        name = f"TEXCOORD_{transform.get('texCoord', texture.get('texCoord', 0))}"
        if name not in attributes:
            return None, -1
        picture = self._picture(texture["index"])
        uv = self._document.accessor(attributes[name]).astype(np.float64)
        turn = transform.get("rotation", 0.0)
        uv = uv * np.array(transform.get("scale", (1, 1)), np.float64)
        uv = uv @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        return (uv + np.array(transform.get("offset", (0, 0)), np.float64))[faces], picture

    def _picture(self, texture: int) -> int:
        info = self._document.json["textures"][texture]
        webp = info.get("extensions", {}).get("EXT_texture_webp", {})
        source = webp.get("source", info.get("source"))
        if source is None:
            logger.warning("%s: a texture has no PNG, JPEG or WebP picture; its material's colour stands in",
                           self._document.path)
            return -1
        if source not in self._decoded:
            self._decoded[source] = self._decode(source)
        return self._decoded[source]

    def _decode(self, source: int) -> int:
        image = self._document.json["images"][source]
        name = f"{self._document.path}: picture {image.get('name', image.get('uri', source))!s:.60}"
        try:
            data = (bytes(self._document.view(image["bufferView"])) if "bufferView" in image else
                    self._document.resource(image["uri"]))
            self.pictures.append(read_rgba(data, name))
        except DataError as error:  # a mesh without one of its pictures still has its shape
            logger.warning("%s; its material's colour stands in", error)
            return -1
        return len(self.pictures) - 1
