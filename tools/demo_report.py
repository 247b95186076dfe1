"""The demo's last stages: objects reconstructed from the test split, results.json, and what the page shows."""
from __future__ import annotations

import contextlib
import dataclasses
import json
import shlex
from pathlib import Path
from typing import Any, Dict, List, Tuple

import mxnet as mx
import numpy as np

from gluon_r2n2 import model_name
from gluon_r2n2.deployment import load
from gluon_r2n2.deployment.artefact import PARAMETERS
from gluon_r2n2.files import write_json
from gluon_r2n2.metrics import iou, voxel_counts
from gluon_r2n2.model_zoo import config_from_dict
from gluon_r2n2.surfaces import MESH_FORMATS, marching_mesh
from gluon_r2n2_tools import cli, demo_page, pictures, reconstruct
from recordio.files import atomic_file
from recordio.layouts import class_name, read_binvox, read_cameras, read_rgba

RESULTS, PAGE, LOG = "results.json", "index.html", "reconstruct.log"


def reconstruct_objects(settings, out: Path) -> None:
    """Run tools/reconstruct.py on the median test object of each class shown, in this process; see LOG."""
    with open(out / LOG, "w", encoding="utf-8") as log, contextlib.redirect_stdout(log):
        for name, key in median_objects(settings, out).items():
            views = rendering(out, key)
            argv = [out / "model", *views[:settings.test_views], "--out", out / "objects" / name, "--each-view"]
            print(shlex.join(["python", "tools/reconstruct.py", *map(str, argv)]))
            reconstruct.run([str(argument) for argument in argv])


def median_objects(settings, out: Path) -> Dict[str, str]:
    """Class name -> key of the test object whose IoU is the median of its class."""
    objects = _read(out / "eval.json")["objects"]
    by_class: Dict[str, List[Tuple[float, str]]] = {}
    for key, scores in objects.items():
        score = scores["iou"][str(settings.headline_views)]
        by_class.setdefault(class_name(key.split("/")[0]), []).append((score, key))
    return {name: sorted(by_class[name])[len(by_class[name]) // 2][1] for name in settings.shown_classes
            if name in by_class}


def rendering(out: Path, key: str) -> List[Path]:
    return sorted((out / "shapes" / "ShapeNetRendering" / key / "rendering").glob("*.png"))


def write_page(settings, pipeline) -> None:
    """Write index.html from what the stages left in the folder."""
    out, results = pipeline.out, write_results(settings, pipeline)
    cards = [card(settings, out, name, key) for name, key in median_objects(settings, out).items()]
    with atomic_file(out / PAGE, "w") as handle:
        handle.write(demo_page.build(results, cards))


def card(settings, out: Path, name: str, key: str) -> demo_page.ObjectCard:
    """Collect one object's pictures, scores and files."""
    folder, views = out / "objects" / name, rendering(out, key)[:settings.test_views]
    stored = [np.load(folder / f"after_{number:02d}_views" / "model.npz") for number in range(1, len(views) + 1)]
    grids, threshold = [each["probabilities"] for each in stored], float(stored[-1]["threshold"])
    truth = read_binvox(out / "shapes" / "ShapeNetVox32" / key / "model.binvox").occupancy
    counts = [voxel_counts(grid[None], truth[None], thresholds=(threshold,)) for grid in grids]
    azimuth = read_cameras(views[0].with_name("rendering_metadata.txt"))[0].azimuth
    growth = [pictures.voxel_picture(grid, azimuth, threshold=threshold) for grid in grids]
    turning = pictures.crop_together(
        pictures.turntable(marching_mesh(grids[-1], threshold=threshold), frames=demo_page.FRAMES)
        + pictures.turntable(marching_mesh(truth), frames=demo_page.FRAMES, colour=pictures.TRUTH))
    return demo_page.ObjectCard(
        name=name, key=key, views=[read_rgba(view) for view in views],
        growth=pictures.crop_together(growth), iou=[float(iou(*each)[0, 0]) for each in counts],
        prediction_turning=turning[:demo_page.FRAMES], truth_turning=turning[demo_page.FRAMES:],
        files=[(kind.upper(), f"objects/{name}/model.{kind}") for kind in (*MESH_FORMATS, "binvox")
               if (folder / f"model.{kind}").is_file()])


def write_results(settings, pipeline) -> Dict[str, Any]:
    """Write results.json: the numbers of the evaluation beside the facts of the run."""
    out, measured = pipeline.out, _read(pipeline.out / "eval.json")
    facts = load(out / "model")[0]
    config = config_from_dict(facts.model)
    plain, informed = measured["baselines"]["mean_shape"], measured["baselines"]["class_mean"]
    stages = pipeline.finished
    results = {
        "mean_shape_iou": plain["micro"], "class_mean_iou": informed["micro"],
        "iou": {views: entry["micro"] for views, entry in measured["iou"].items()},
        "seconds": round(sum(stage["seconds"] for stage in stages), 1),
        "iou_macro": {views: entry["macro"] for views, entry in measured["iou"].items()},
        "headline_views": settings.headline_views, "threshold": measured["threshold"]["value"],
        "classes": {entry["name"]: {
            "count": entry["samples"], "mean_shape_iou": plain["classes"][synset],
            "class_mean_iou": informed["classes"][synset],
            "iou": {views: scores["classes"][synset] for views, scores in measured["iou"].items()},
        } for synset, entry in measured["classes"].items()},
        "data": {"train": facts.provenance["data"]["samples"], "test": measured["data"]["samples"],
                 "classes": len(measured["classes"]), "renderings": settings.renderings},
        "model": {"name": model_name(config), "width": config.width, "input_size": config.input_size,
                  "resolution": config.resolution, "steps": settings.steps,
                  "parameters": sum(array.size for array in mx.nd.load(str(out / "model" / PARAMETERS)).values())},
        "machine": f"{cli.available_cpus()} CPU cores",
        "stages": [{key: stage[key] for key in ("name", "command", "seconds")} for stage in stages],
        "settings": dataclasses.asdict(settings),
    }
    write_json(out / RESULTS, results)
    return results


def _read(path: Path) -> Dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))
