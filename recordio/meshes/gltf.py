"""Meshes, glTF 2.0: the scene of a .glb or .gltf file -> Pieces in world coordinates (metres, Y up).

Node transforms, instances, skins at rest, triangle lists, strips and fans are applied; lines, points, cameras,
lights, animations and morph targets are not shown. Source: Khronos glTF 2.0 specification, chapter 3.
"""
from __future__ import annotations

from collections import deque
from typing import Dict, List, Optional, Tuple

import numpy as np

from recordio.errors import DataError
from recordio.meshes.gltf_buffers import Document
from recordio.meshes.gltf_materials import Materials
from recordio.meshes.pieces import Piece, check_count

TRIANGLES, STRIP, FAN = 4, 5, 6
MAX_NODES = 100_000  # visited; also ends the walk through a scene graph that contains itself


def read_gltf(path) -> Tuple[List[Piece], List[np.ndarray]]:
    """The (pieces, pictures) of a .glb or .gltf file, as `recordio.meshes.pieces.assemble` wants them.

    Raises:
        DataError: as `Document`; a scene graph with a cycle; absurd counts.
        KeyError, IndexError, TypeError, ValueError, AttributeError: JSON that breaks the specification.
    """
    document = Document(path)
    materials = Materials(document)
    worlds = _world_matrices(document)
    world_of = dict(worlds)
    triangles = 0
    pieces = []
    for index, world in worlds:
        node = document.json["nodes"][index]
        if "mesh" not in node:
            continue
        for primitive in document.json["meshes"][node["mesh"]]["primitives"]:
            if primitive.get("mode", TRIANGLES) not in (TRIANGLES, STRIP, FAN):
                continue
            triangles += _declared(document, primitive)
            check_count(path, max(triangles, 1))  # before anything is read: instances multiply
            joints = _joint_matrices(document, node, world_of) if "skin" in node else None
            pieces.append(_piece(document, primitive, materials, world, joints))
    return pieces, materials.pictures


def _world_matrices(document: Document) -> List[Tuple[int, np.ndarray]]:
    """(node index, 4x4 matrix to the world) of every node that the scene shows, parents first."""
    nodes = document.json.get("nodes", [])
    scenes = document.json.get("scenes", [])
    if scenes:
        roots = scenes[document.json.get("scene", 0)].get("nodes", [])
    else:
        children = {child for node in nodes for child in node.get("children", [])}
        roots = [index for index in range(len(nodes)) if index not in children]
    found, queue = [], deque((root, np.eye(4)) for root in roots)
    while queue:
        index, parent = queue.popleft()
        world = parent @ _local_matrix(nodes[index])
        found.append((index, world))
        queue.extend((child, world) for child in nodes[index].get("children", []))
        if len(found) > MAX_NODES:
            raise DataError(f"{document.path}: more than {MAX_NODES:,} nodes in the scene; its graph may contain "
                            f"itself")
    return found


def _local_matrix(node: dict) -> np.ndarray:
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T  # stored column by column
    matrix = np.eye(4)
    x, y, z, w = np.array(node.get("rotation", (0, 0, 0, 1)), np.float64)
    rotation = np.array([[1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
                         [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
                         [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)]])
    matrix[:3, :3] = rotation * np.array(node.get("scale", (1, 1, 1)), np.float64)
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix


def _joint_matrices(document: Document, node: dict, worlds: Dict[int, np.ndarray]) -> np.ndarray:
    """(joints, 4, 4) from a skinned mesh's vertices to the world, in the pose the file is saved in."""
    skin = document.json["skins"][node["skin"]]
    world = np.stack([worlds[joint] for joint in skin["joints"]])
    if "inverseBindMatrices" not in skin:
        return world
    return world @ document.accessor(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)


def _declared(document: Document, primitive: dict) -> int:
    corners = primitive.get("indices", primitive["attributes"]["POSITION"])
    count = document.json["accessors"][corners]["count"]
    return count // 3 if primitive.get("mode", TRIANGLES) == TRIANGLES else max(count - 2, 0)


def _piece(document: Document, primitive: dict, materials: Materials, world: np.ndarray,
           joints: Optional[np.ndarray]) -> Piece:
    attributes = primitive["attributes"]
    vertices = document.accessor(attributes["POSITION"]).astype(np.float64)  # (n, 3)
    if "indices" in primitive:
        corners = document.accessor(primitive["indices"])[:, 0].astype(np.int64)
    else:
        corners = np.arange(len(vertices))
    faces = _triangles(corners, primitive.get("mode", TRIANGLES))
    check_count(document.path, max(len(faces), 1))
    if len(faces) and faces.max() >= len(vertices):
        raise DataError(f"{document.path}: a triangle refers to vertex {faces.max()} of {len(vertices)}; "
                        f"export it again")
    normals = document.accessor(attributes["NORMAL"]).astype(np.float64) if "NORMAL" in attributes else None
    # to the world: one matrix for all vertices, or a weighted one per vertex for a skin (which ignores its node)
    matrix = world[None] if joints is None else _skin_matrices(document, attributes, joints)  # (1 or n, 4, 4)
    with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinite vertices are counted later
        vertices = np.einsum("nij,nj->ni", np.broadcast_to(matrix[:, :3, :3], (len(vertices), 3, 3)), vertices)
        vertices += matrix[:, :3, 3]
        if normals is not None:
            rows = matrix[:, :3, :3]
            cofactor = np.stack([np.cross(rows[:, 1], rows[:, 2]), np.cross(rows[:, 2], rows[:, 0]),
                                 np.cross(rows[:, 0], rows[:, 1])], axis=1)  # inverse transpose up to scale
            normals = np.einsum("nij,nj->ni", np.broadcast_to(cofactor, (len(normals), 3, 3)), normals)
    if np.linalg.det(matrix[0, :3, :3]) < 0:  # a mirroring transform turns the surface inside out
        faces = faces[:, ::-1]
        normals = None if normals is None else -normals
    surface = materials.surface(primitive.get("material"), attributes, faces)
    return Piece(vertices, faces, normals=None if normals is None else normals[faces], **surface)


def _skin_matrices(document: Document, attributes: dict, joints: np.ndarray) -> np.ndarray:
    """(n, 4, 4) weighted sum of the joints' matrices per vertex."""
    index = document.accessor(attributes["JOINTS_0"]).astype(np.int64)  # (n, 4)
    weight = document.accessor(attributes["WEIGHTS_0"]).astype(np.float64)
    weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-12)
    total = np.zeros((len(index), 4, 4))
    for column in range(index.shape[1]):
        total += weight[:, column, None, None] * joints[index[:, column]]
    return total


def _triangles(corners: np.ndarray, mode: int) -> np.ndarray:
    """(m, 3) corner indices of a list, a strip (every second triangle turned) or a fan."""
    if mode == TRIANGLES:
        return corners[:len(corners) // 3 * 3].reshape(-1, 3)
    step = np.arange(max(len(corners) - 2, 0))
    if mode == FAN:
        return np.stack([corners[step + 1], corners[step + 2], np.broadcast_to(corners[:1], len(step))], axis=1)
    odd = step % 2
    return np.stack([corners[step], corners[step + 1 + odd], corners[step + 2 - odd]], axis=1)
