"""After the surface: a surface and the pictures it was made from -> the same surface with vertex colours.

Each picture is laid on what its camera sees of the surface; where several see a point, the one that looks at it most
squarely counts most, and what none sees takes the colour of its mirror image (left and right) or of its neighbours.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import List, Optional, Sequence, Tuple

import cv2
import numpy as np
import trimesh
from scipy import ndimage
from scipy.spatial import cKDTree

from gluon_r2n2.deployment.foreground import plain_background_alpha
from gluon_r2n2.errors import ModelError
from gluon_r2n2_tools.view_cameras import SIDE, Placed, find_cameras, outline_overlap
from recordio.geometry import Camera, depths
from recordio.geometry.textures import to_linear, to_srgb

SOLID = 128  # alpha from which a pixel counts as object, 0..255
LEAST_PIXELS = 64  # of the object; fewer give neither an outline nor colours
LEAST_IOU = 0.5  # of the outlines; below it, none of the cameras that were tried shows the surface as the picture does
LEAST_KNOWN = 0.3  # the same for a known camera: the surface may be poor, but below it, camera and picture are no pair
DETAIL = 160  # pixels; pictures are scaled down until the object is so long, which is several pixels per cell
BUFFER = 192  # pixels, side of the depth picture that decides what a camera sees
BEHIND = 0.02  # object-frame units by which a vertex may lie behind the depth picture and still be seen
RIM = 0.01  # of the object's length; so close to its outline pixels mix with the background and are not taken
REACH = 0.06  # of the object's length: how far outside of that the surface may stick out and still take a colour
SHARPNESS = 4  # power of the cosine between a vertex's normal and the direction to the camera
MIRROR = 0.04  # edges of the unit cube: how far from its mirror image a vertex may take its colour
NEIGHBOURS = 6  # coloured vertices that an unseen one is mixed from


@dataclass(frozen=True)
class ViewFit:
    """What became of one picture."""

    camera: Optional[Camera]  # known or found; None if the picture shows no object
    iou: float  # intersection over union of the surface's outline and the object's in the picture
    used: bool  # whether it gave colours
    sentence: str  # for the user: how well it fits, or why it was left out


def colour_surface(mesh: trimesh.Trimesh, pictures: Sequence[np.ndarray], *,
                   cameras: Optional[Sequence[Optional[Camera]]] = None) -> Tuple[trimesh.Trimesh, List[ViewFit]]:
    """Colour the vertices of *mesh* by what *pictures* show of it.

    Args:
        mesh: in the unit cube, y up, as from `gluon_r2n2.surfaces.surface`.
        pictures: (H, W, 4) uint8 RGBA, straight alpha, which says where the object is. In an opaque picture it is
            looked for on a plain background.
        cameras: of each picture where it is known (the picture must then be square and show the object frame, as
            training renderings do), or None, where it is found by the object's outline; None: find all.

    Returns:
        a copy of the mesh with sRGB vertex colours (without any if no picture fits, and the mesh itself if it has no
        faces), and what became of each picture.

    Raises:
        ModelError: no such pictures, or not as many cameras.
    """
    cameras = [None] * len(pictures) if cameras is None else list(cameras)
    if len(cameras) != len(pictures):
        raise ModelError(f"{len(cameras)} cameras were given for {len(pictures)} pictures; give one for each picture")
    for number, picture in enumerate(pictures, 1):
        if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8 or picture.shape[2:] != (4,):
            raise ModelError(f"colours want pictures (height, width, 4) of uint8, but picture {number} is "
                             f"{getattr(picture, 'dtype', type(picture).__name__)} {np.shape(picture)}")
    if not len(mesh.faces):
        return mesh, [ViewFit(None, 0.0, False, f"picture {number} gives no colours: there is no surface")
                      for number in range(1, len(pictures) + 1)]
    pictures = [_with_alpha(picture) for picture in pictures]
    # the cube's edge is the object's longest side, the object frame's unit its diagonal
    sides = np.ptp(mesh.bounds, axis=0)
    points = mesh.vertices * (sides.max() / np.linalg.norm(sides))
    placed, problems = _place(points[mesh.faces], pictures, cameras)
    fits, total, weights = [], np.zeros((len(points), 3)), np.zeros(len(points))
    for number, (picture, known, place, problem) in enumerate(zip(pictures, cameras, placed, problems), 1):
        least, where = (LEAST_KNOWN, "its camera") if known else (LEAST_IOU, "any side")
        if place is None or place.iou < least:
            problem = problem or (f"its outline does not fit the surface from {where} (overlap {place.iou:.2f}, at "
                                  f"least {least:.2f} is wanted)")
            fits.append(ViewFit(place and place.camera, place.iou if place else 0.0, False,
                                f"picture {number} gives no colours: {problem}"))
            continue
        colours, weight = _seen_colours(mesh, points, picture, place)
        total += colours * weight[:, None]
        weights += weight
        fits.append(ViewFit(place.camera, place.iou, True,
                            f"picture {number} fits from azimuth {place.camera.azimuth:.0f}, elevation "
                            f"{place.camera.elevation:.0f} degrees (overlap {place.iou:.2f})"))
    if not weights.any():
        return mesh, fits
    seen = weights > 1e-3 * weights.max()
    light = np.zeros_like(total)
    light[seen] = total[seen] / weights[seen, None]
    light = _fill(mesh, light, seen)
    coloured = mesh.copy(include_cache=True)
    alpha = np.full((len(light), 1), 255, np.uint8)
    coloured.visual = trimesh.visual.ColorVisuals(
        coloured, vertex_colors=np.hstack([np.rint(to_srgb(light) * 255).astype(np.uint8), alpha]))
    return coloured, fits


def _with_alpha(picture):
    """*picture* with the object's alpha, where it is opaque and its background plain; else as it is."""
    if (picture[..., 3] == 255).all():
        alpha = plain_background_alpha(np.ascontiguousarray(picture[..., :3]))
        if alpha is not None:
            return np.dstack([picture[..., :3], alpha])
    return picture


def _place(triangles, pictures, cameras):
    """-> (Placed or None, what is wrong or None) of every picture."""
    masks, problems = [], []
    for picture, camera in zip(pictures, cameras):
        mask = picture[..., 3] >= SOLID
        masks.append(mask)
        problem = None
        if mask.all():
            problem = "neither its alpha nor a plain background shows where the object is"
        elif mask.sum() < LEAST_PIXELS:
            problem = f"it shows {mask.sum()} pixels of an object, at least {LEAST_PIXELS} are wanted"
        elif camera is not None and mask.shape[0] != mask.shape[1]:
            problem = f"a known camera wants a square picture, this one is {mask.shape[1]}x{mask.shape[0]}"
        problems.append(problem)
    placed = [None] * len(pictures)
    usable = [at for at, problem in enumerate(problems) if problem is None]
    shrunk = {at: _shrunk(masks[at].astype(np.uint8) * 255) for at in usable}
    outlines = {at: small >= SOLID for at, (small, _) in shrunk.items()}
    unknown = [at for at in usable if cameras[at] is None]
    for at, found in zip(unknown, find_cameras(triangles, [outlines[at] for at in unknown])):
        factor = shrunk[at][1]
        placed[at] = replace(found, scale=found.scale / factor, shift=tuple(np.array(found.shift) / factor))
    for at in usable:
        camera = cameras[at]
        if camera is not None:
            placed[at] = Placed(camera, len(masks[at]) / SIDE, (0.0, 0.0),
                                outline_overlap(triangles, camera, outlines[at]))
    return placed, problems


def _shrunk(picture):
    """*picture* scaled down by its area until the object, its last channel, is DETAIL long, and the factor."""
    alpha = picture if picture.ndim == 2 else picture[..., -1]
    rows, columns = np.nonzero((alpha >= SOLID).any(axis=1))[0], np.nonzero((alpha >= SOLID).any(axis=0))[0]
    factor = min(1.0, DETAIL / max(np.ptp(rows) + 1, np.ptp(columns) + 1))
    if factor == 1:
        return picture, 1.0
    size = [max(1, round(side * factor)) for side in alpha.shape[::-1]]
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA), factor


def _seen_colours(mesh, points, picture, place):
    """What one camera sees of every vertex: (n, 3) linear light, and (n,) how much it counts, 0 where unseen."""
    camera = place.camera
    buffer = depths(points[mesh.faces], [camera], size=BUFFER)[0]
    pixels, depth = camera.project(points, BUFFER)
    column, row = np.clip(np.floor(pixels).astype(int), 0, BUFFER - 1).T
    # of the pixels around, the farthest: a slope's own pixel may be drawn nearer than the vertex
    nearest = ndimage.maximum_filter(np.where(np.isfinite(buffer), buffer, -np.inf), 3)[row, column]
    toward = camera.position - points
    facing = np.einsum("ij,ij->i", mesh.vertex_normals, toward) / np.linalg.norm(toward, axis=1)
    visible = (depth > 0) & (depth <= nearest + BEHIND) & (facing > 0)
    colours, near = _pixel_colours(picture, pixels * (SIDE / BUFFER) * place.scale + place.shift)
    return colours, np.where(visible & near, np.clip(facing, 0, 1) ** SHARPNESS, 0.0) * place.iou


def _pixel_colours(picture, places):
    """The object's colours at *places* (n, 2) (column, row): (n, 3) linear light, (n,) whether it is near enough."""
    # colours are weighed with alpha, so that shrinking mixes no background in
    weighed = cv2.multiply(picture[..., :3], np.repeat(picture[..., 3:], 3, axis=2), scale=1 / 255)
    small, factor = _shrunk(np.dstack([weighed, picture[..., 3]]))
    inside = small[..., 3] >= SOLID
    light = to_linear(np.clip(small[..., :3] / np.maximum(small[..., 3:], np.float32(1)), 0, 1))
    depth_inside = ndimage.distance_transform_edt(np.pad(inside, 1))[1:-1, 1:-1]
    length = max(np.ptp(np.nonzero(inside), axis=1)) + 1
    core = inside & (depth_inside > RIM * length)
    if not core.any():
        core = inside
    away, nearest = ndimage.distance_transform_edt(~core, return_indices=True)
    light = light[tuple(nearest)]  # every pixel outside of the core takes the nearest one's colour
    at = places * factor - 0.5
    height, width = inside.shape
    within = ((at >= -0.5) & (at <= [width - 0.5, height - 0.5])).all(axis=1)
    at = np.clip(at, 0, [width - 1, height - 1]).astype(np.float32)
    found = np.stack([ndimage.map_coordinates(light[..., channel], at.T[::-1], order=1) for channel in range(3)], 1)
    distance = ndimage.map_coordinates(away, at.T[::-1], order=1)
    return np.clip(found, 0, 1), within & (distance <= REACH * length)


def _fill(mesh, light, seen):
    """Colours for the vertices that nobody saw: of the mirror image, else of the nearest ones that were seen."""
    points, known = np.asarray(mesh.vertices), np.flatnonzero(seen)
    tree = cKDTree(points[known])
    unseen = np.flatnonzero(~seen)
    if not len(unseen):
        return light
    # nearly every object's left side is as its right one; the lateral axis is x
    distance, at = tree.query(points[unseen] * [-1, 1, 1])
    mirrored = distance <= MIRROR
    light[unseen[mirrored]] = light[known[at[mirrored]]]
    rest = unseen[~mirrored]
    if len(rest):
        known = np.flatnonzero(~np.isin(np.arange(len(points)), rest))
        distance, at = cKDTree(points[known]).query(points[rest], k=min(NEIGHBOURS, len(known)))
        distance, at = distance.reshape(len(rest), -1), at.reshape(len(rest), -1)
        weight = 1 / (distance + 1e-6)
        light[rest] = (light[known[at]] * weight[..., None]).sum(axis=1) / weight.sum(axis=1)[:, None]
    return light
