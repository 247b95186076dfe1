"""After decimation: a surface pinched together along edges -> sheets that are apart, each edge with two faces."""
from __future__ import annotations

from typing import Tuple

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

APART = 1e-3  # of the way to its neighbours that a copied vertex moves: readers that merge equal points keep it apart


def separate_sheets(vertices: np.ndarray, faces: np.ndarray) -> Tuple[np.ndarray, np.ndarray]:
    """Return vertices and faces of the same surface in which every edge belongs to exactly two faces.

    Edges on which four or more faces meet are taken apart into edges of two, and vertices where sheets touch are
    copied, one for each sheet. Where both ends of such an edge belong to one sheet all around, it is split at its
    middle.

    Args:
        vertices: (n, 3) positions.
        faces: (m, 3) indices; each edge is used equally often in both directions, no face uses a vertex twice.

    Returns:
        (n', 3) float64 and (m', 3) int64; unused vertices are left out.
    """
    faces = np.asarray(faces, np.int64)
    vertices = np.asarray(vertices, np.float64)
    while True:
        partner = _partners(vertices, faces)
        places, split = _fans(vertices, faces, partner)
        doubled = _doubled_edges(split, partner)
        if not len(doubled):
            return places, split
        vertices, faces = _split_edges(places, split, partner, doubled)


def _partners(vertices, faces):
    """(3m,) of every half-edge (face f's k-th, from its corner k to the next, is 3f + k): the one it lies against.

    Among several faces on one edge, those pair up that enclose the object between them.
    """
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    low, high = np.minimum(start, end), np.maximum(start, end)
    key = low * (int(faces.max()) + 1) + high
    order = np.lexsort((start > end, key))  # the half-edges of an edge side by side, low -> high first
    ends = np.flatnonzero(np.append(np.diff(key[order]) != 0, True)) + 1
    starts = np.concatenate([[0], ends[:-1]])
    partner = np.empty(len(start), np.int64)
    plain = starts[ends - starts == 2]
    partner[order[plain]], partner[order[plain + 1]] = order[plain + 1], order[plain]
    for first, last in zip(starts[ends - starts != 2], ends[ends - starts != 2]):
        around = order[first:last]
        turned = around[np.argsort(_angles(vertices, faces, around), kind="stable")]
        upward = start[turned] < end[turned]
        # turning about the edge, a face that runs down it and the next one that runs up have the object between them
        while len(turned):
            at = int(np.flatnonzero(~upward & np.roll(upward, -1))[0])
            pair = [at, (at + 1) % len(turned)]
            partner[turned[pair]] = turned[pair[::-1]]
            turned, upward = np.delete(turned, pair), np.delete(upward, pair)
    return partner


def _angles(vertices, faces, around):
    """Angles of the faces of the half-edges *around* one edge, about its direction from the lower to the higher."""
    face, corner = around // 3, around % 3
    ends = np.sort(faces[face[0], [corner[0], (corner[0] + 1) % 3]])
    axis = vertices[ends[1]] - vertices[ends[0]]
    axis = axis / max(np.linalg.norm(axis), np.finfo(float).tiny)
    wings = vertices[faces[face, (corner + 2) % 3]] - vertices[ends[0]]  # to the corner opposite of the edge
    first = np.cross(axis, np.eye(3)[np.abs(axis).argmin()])
    return np.arctan2(wings @ np.cross(axis, first), wings @ first)


def _fans(vertices, faces, partner):
    """Vertices and faces with one vertex per fan: the corners that hang together through paired half-edges."""
    corners = np.arange(faces.size)
    following = corners - corners % 3 + (corners + 1) % 3
    # a half-edge runs from its own corner to the following one, its partner the other way round
    links = np.concatenate([np.stack([corners, following[partner]]), np.stack([following, partner])], axis=1)
    graph = coo_matrix((np.ones(links.shape[1], bool), links), shape=(faces.size,) * 2)
    count, fan = connected_components(graph, directed=False)
    source = np.empty(count, np.int64)
    source[fan] = faces.ravel()
    places, split = vertices[source], fan.reshape(-1, 3).astype(np.int64)
    copied = np.bincount(source, minlength=len(vertices))[source] > 1
    if copied.any():
        near, far = split.ravel(), np.roll(split, -1, axis=1).ravel()
        total = np.stack([np.bincount(near, places[far, axis], count) for axis in range(3)], axis=1)
        middle = total / np.bincount(near, minlength=count)[:, None]
        places = np.where(copied[:, None], places + APART * (middle - places), places)
    return places, split


def _doubled_edges(faces, partner):
    """Half-edges, one of each pair, of the edges that share both their ends with an edge before them."""
    half = np.flatnonzero(np.arange(faces.size) < partner)
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    ends = np.sort(np.stack([start[half], end[half]], axis=1), axis=1)
    first = np.unique(ends, axis=0, return_index=True)[1]
    return np.delete(half, first)


def _split_edges(vertices, faces, partner, halves):
    """Put a vertex on the middle of one edge (half-edge and partner) of every face at most, the first come."""
    used = set()
    middles, gone, new = [], [], []
    for half in halves:
        pair = (int(half), int(partner[half]))
        if used & {index // 3 for index in pair}:
            continue  # its turn comes when the faces are whole again
        used |= {index // 3 for index in pair}
        middle = len(vertices) + len(middles)
        for index in pair:
            face, corner = divmod(index, 3)
            a, b, c = np.roll(faces[face], -corner)  # the edge is a -> b
            gone.append(face)
            new += [(a, middle, c), (middle, b, c)]
        opposite = [faces.ravel()[index - index % 3 + (index + 2) % 3] for index in pair]
        ends = faces.ravel()[list(pair)]
        place = vertices[ends].mean(axis=0)
        middles.append(place + APART * (vertices[opposite].mean(axis=0) - place))
    return np.concatenate([vertices, middles]), np.concatenate([np.delete(faces, gone, axis=0), new])
