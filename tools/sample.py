"""Make up shapes with a 3D-GAN or 3D-VAE-GAN: samples, the ways between them, sums of them, and a page to look at."""
from __future__ import annotations

import sys
from typing import Any, Dict

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

import numpy as np

import gluon_r2n2
from gluon_r2n2.generative import path_of
from gluon_r2n2_tools import cli, sample_files, sample_options
from gluon_r2n2_tools.generating import grid_blocks
from gluon_r2n2_tools.sample_latents import make_latents, open_generator
from gluon_r2n2_tools.sample_neighbours import find_neighbours, open_training
from gluon_r2n2_tools.sample_shapes import Shapes, all_latents, collect, oddities


def run(argv=None) -> int:
    options = sample_options.parse(__doc__, argv)
    sample_files.check_free(options.out)
    net, info = open_generator(options.run, options.gpus)
    options.path = options.path or path_of(net.config)
    latents = make_latents(net, info, options)
    for path, view in latents.views.values():
        print(f"picture: {path} ({view.note})")
        for sentence in view.warnings:
            warn(f"{path}: {sentence}")
    data, notes = None, []
    if not options.no_neighbours:  # before the work: what is wrong with --data
        data, notes = open_training(info, net.config.resolution, options.data)
    for sentence in notes:
        warn(sentence)
    grids = np.concatenate(list(grid_blocks(net, np.stack(all_latents(latents)), info["checkpoint"])))
    shapes = collect(latents, grids, getattr(options, "threshold", info["threshold"]))
    odd = oddities(shapes)
    for sentence in odd:
        warn(sentence)
    if data is not None:
        with data:
            solid = np.stack([shape.solid for shape in shapes.shapes])
            for shape, neighbour in zip(shapes.shapes, find_neighbours(solid, data)):
                shape.neighbour = neighbour
    facts = facts_of(info, options, shapes, data, [*notes, *odd])
    sample_files.write(options.out, latents, shapes, facts, options.formats)
    tell(options, shapes)
    return 0


def facts_of(info: Dict[str, Any], options, shapes: Shapes, data, notes) -> Dict[str, Any]:
    """What samples.json and the page say of where the shapes come from, as JSON values."""
    compared = data and {"path": str(data.path), "fingerprint": data.fingerprint, "split": data.split,
                         "objects": len(data), "trained_on": data.fingerprint == info["data"]["fingerprint"]}
    kept = {key: info[key] for key in ("model", "checkpoint", "step", "averaged", "weights_sha256", "classes")}
    return {"version": gluon_r2n2.__version__, **kept,
            "seed": options.seed, "threshold": shapes.threshold, "data": compared, "notes": notes}


def tell(options, shapes: Shapes) -> None:
    """Say what was made."""
    made = [f"{len(found)} {what}{'s' * (len(found) > 1)}{more}" for what, more, found in (
        ("sample", "", shapes.of("samples")), ("shape", " from pictures", shapes.of("images")),
        ("sum", "", shapes.of("arithmetic")),
        ("way", f" of {options.steps} steps ({options.path})", shapes.ways)) if found]
    print(f"{options.out}: {', '.join(made)}; open {options.out / 'index.html'}")
    near = [shape.neighbour.iou for shape in shapes.of("samples") if shape.neighbour]
    if near:
        print(f"nearest training objects of the samples: IoU {np.mean(near):.3f} on average, {max(near):.3f} at most")


def warn(sentence: str) -> None:
    print(f"WARNING: {sentence}", file=sys.stderr)


def main(argv=None):
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())
