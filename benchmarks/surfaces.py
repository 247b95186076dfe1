"""Surfaces: how long a mesh takes from grid to file, and how well cameras are found and colours are put on it.

    python benchmarks/surfaces.py --json surfaces.json

Shapes that the project makes itself, of all classes; the second part also reconstructs them with the model that comes
along. The figures are those of benchmarks/README.md and docs/surfaces.md.
"""
from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from skimage.measure import marching_cubes

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import _checkout  # noqa: E402, F401  (makes the checkout importable)

from gluon_r2n2.deployment import Reconstructor  # noqa: E402
from gluon_r2n2.surfaces import MESH_FORMATS, encode_mesh, surface, vertex_colours  # noqa: E402
from gluon_r2n2_tools.colouring import colour_surface  # noqa: E402
from recordio.geometry import Light, Mesh, random_cameras, render, voxelise  # noqa: E402
from recordio.shapes import list_shapes, make_shape  # noqa: E402

EVEN = Light(key=0, fill=0, sky=1, ground=1, specular=0)  # the surface's colours as they are
VIEWS = 5  # that give colours; one more is kept for comparison
NEAR = 15  # degrees of azimuth within which a camera counts as found
SEED = 11


def parse(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the figures here")
    parser.add_argument("--sides", metavar="N", type=int, nargs="+", default=[32, 64, 128], help="cells a side")
    parser.add_argument("--shapes", metavar="N", type=int, default=3, help="shapes per class to colour")
    parser.add_argument("--repeats", metavar="N", type=int, default=7, help="of which the fastest counts")
    return parser.parse_args(argv)


def best_of(repeats, function, grid):
    """Milliseconds of the fastest of so many calls of *function* with *grid*."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(grid)
        times.append(time.perf_counter() - start)
    return min(times) * 1000


def timings(side, repeats):
    """Milliseconds per case, the mean over a shape of each class."""
    cases = {
        "skimage.marching_cubes alone": lambda grid: marching_cubes(grid, 0.5),
        "surface": lambda grid: surface(grid),
        "cubes": lambda grid: surface(grid, mesh="cubes"),
        "surface, smooth=10": lambda grid: surface(grid, smooth=10),
        "surface, faces=1000": lambda grid: surface(grid, faces=1000),
        **{f"surface and {kind}": lambda grid, kind=kind: encode_mesh(surface(grid), kind, smooth=True)
           for kind in MESH_FORMATS},
        "surface, smooth=10, faces=1000 and glb": lambda grid: encode_mesh(surface(grid, smooth=10, faces=1000), "glb",
                                                                           smooth=True),
    }
    grids = [voxelise(make_shape(name, SEED, 0), side).astype(np.float32) for name in list_shapes()]
    found = {case: float(np.mean([best_of(repeats, make, grid) for grid in grids]))
             for case, make in cases.items()}
    triangles = np.mean([len(surface(grid).faces) for grid in grids])
    print(f"\n{side}^3, {triangles:,.0f} triangles on average")
    for case, milliseconds in found.items():
        ratio = milliseconds / found["skimage.marching_cubes alone"]
        print(f"| {case} | {milliseconds:.1f} ms | {ratio:.1f} |")
    return found


def volumes():
    """Share of the volume that smoothing takes or adds: median and worst over three shapes of each class."""
    changes = []
    for name in list_shapes():
        for index in range(3):
            grid = voxelise(make_shape(name, SEED, index)).astype(np.float32)
            changes.append(abs(surface(grid, smooth=10).volume / surface(grid).volume - 1))
    print(f"\nvolume changed by smoothing (10 iterations): median {np.median(changes):.2%}, most {max(changes):.2%}")
    return {"median": float(np.median(changes)), "most": float(max(changes))}


def colour_error(mesh, camera, picture):
    """Mean difference, 0..255, between *picture* and the coloured *mesh* where both show the object."""
    sides = np.ptp(mesh.bounds, axis=0)
    shown = Mesh.build(mesh.vertices * (sides.max() / np.linalg.norm(sides)), mesh.faces, parts=0, gloss=0,
                       colours=vertex_colours(mesh)[mesh.faces] / np.float32(255))
    drawn = render(shown, [camera], light=EVEN)[0].astype(float)
    both = (drawn[..., 3] == 255) & (picture[..., 3] == 255)
    return np.abs(drawn[both][:, :3] - picture[both][:, :3]).mean() if both.any() else np.nan


def colouring(per_class):
    """Cameras found and colour errors, by class, of true surfaces and of reconstructed ones."""
    reconstructor = Reconstructor("procedural")
    rows = []
    for name in list_shapes():
        for index in range(per_class):
            shape = make_shape(name, SEED, index)
            cameras = random_cameras(np.random.default_rng(index), VIEWS + 1)
            *pictures, kept = render(shape, cameras)
            grids = {"true": (voxelise(shape).astype(np.float32), 0.5),
                     "reconstructed": (reconstructor.reconstruct(pictures), reconstructor.facts.threshold)}
            objects = np.concatenate([picture[picture[..., 3] == 255][:, :3] for picture in pictures])
            flat = np.abs(kept[kept[..., 3] == 255][:, :3] - objects.mean(axis=0)).mean()
            for source, (grid, threshold) in grids.items():
                mesh = surface(grid, threshold=threshold)
                if not len(mesh.faces):
                    continue
                start = time.perf_counter()
                found, fits = colour_surface(mesh, pictures)
                seconds = (time.perf_counter() - start) / VIEWS
                known, _ = colour_surface(mesh, pictures, cameras=cameras[:VIEWS])
                errors = [abs((fit.camera.azimuth - camera.azimuth + 180) % 360 - 180)
                          for fit, camera in zip(fits, cameras)]
                rows.append({
                    "class": name, "surface": source, "near": np.mean(np.array(errors) <= NEAR),
                    "used": np.mean([fit.used for fit in fits]), "iou": np.mean([fit.iou for fit in fits]),
                    "error_found": colour_error(found, cameras[-1], kept) if found.visual.kind else np.nan,
                    "error_known": colour_error(known, cameras[-1], kept) if known.visual.kind else np.nan,
                    "error_one_colour": flat, "seconds": seconds})
    for source in ("true", "reconstructed"):
        print(f"\n{source} surfaces: cameras near, overlap, colour error (found cameras, known, one colour), s a view")
        for name in [*list_shapes(), "all"]:
            chosen = [row for row in rows if row["surface"] == source and name in (row["class"], "all")]
            if chosen:
                mean = {key: np.nanmean([row[key] for row in chosen]) for key in rows[0] if key not in
                        ("class", "surface")}
                print(f"| {name} | {mean['near']:.0%} | {mean['used']:.0%} | {mean['iou']:.2f} | "
                      f"{mean['error_found']:.0f} | {mean['error_known']:.0f} | {mean['error_one_colour']:.0f} | "
                      f"{mean['seconds']:.2f} |")
    return rows


def main(argv=None):
    options = parse(argv)
    figures = {"milliseconds": {side: timings(side, options.repeats) for side in options.sides},
               "smoothing": volumes(), "colouring": colouring(options.shapes)}
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
