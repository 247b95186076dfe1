"""tools/eval.py --generative: a generator's samples and two references, measured against the objects of a split."""
from __future__ import annotations

import functools
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np
from tqdm import tqdm

from gluon_r2n2.evaluation import generative
from gluon_r2n2_tools import cli, eval_recognition, eval_stages, packed
from gluon_r2n2_tools.eval_generator import Generator
from recordio.errors import DataError
from recordio.loading import RecordDataset
from recordio.records import read_manifest

MOST_SAMPLES = 200  # drawn without --samples: the Chamfer distances take four minutes of one processor
LATENTS, REFERENCES, TRAINING, NOISE, POINTS = range(5)  # streams of random numbers


def measure(options) -> Tuple[Dict[str, Any], List]:
    """Measure the generator of --checkpoint: what is written to --json, and its tables.

    Raises:
        DataError: no such data or classes, too few objects, or grids of another size than the network's.
        ModelError: no run of a generative network.
        EnvironmentProblem: --classify without scikit-learn.
    """
    generator = Generator(options.checkpoint, options.gpus)
    data, train = (open_split(options, split, generator.classes) for split in (options.split, "train"))
    if packed.resolution(data) != generator.resolution:
        raise DataError(f"{options.data} has voxel grids of edge {packed.resolution(data)}, the network of "
                        f"{options.checkpoint} makes {generator.resolution}; evaluate on data of that size")
    recognition = eval_recognition.prepare(options) if options.classify or options.save_features else None
    print(f"{generator.label} on {generator.where}", flush=True)

    keys = set(data.keys)
    data, train = eval_stages.sound(data, options), eval_stages.sound(train, options)
    threshold, source = ((options.threshold, "given by --threshold") if options.threshold
                         else (generator.threshold, "the run's"))
    count = options.samples or min(len(data), MOST_SAMPLES)
    sets, chosen = draw(generator, data, train, count, threshold=threshold, seed=options.seed)
    subjects = compare(sets, chosen, train, points=options.points, seed=options.seed)
    content = generative.build_generative_result(
        subjects, threshold=threshold, source=source, points=options.points,
        origin=origin(generator, options, data, sorted(keys - set(data.keys))),
        classifier=recognition and eval_recognition.run(recognition, generator.net, options))
    return content, generative.generative_tables(content)


def open_split(options, split: str, trained: Sequence[str]) -> RecordDataset:
    """The objects of a split that are of --classes, by default of the classes that the network was trained on."""
    if options.classes:
        data: Optional[RecordDataset] = RecordDataset(options.data, split, classes=options.classes)
    else:
        data = packed.open_split(options.data, split, trained)
    if data is None or len(data) < 2:
        classes = read_manifest(options.data).classes
        named = ", ".join(options.classes or sorted(classes.get(synset, synset) for synset in trained))
        raise DataError(f"{options.data}: split {split!r} has {len(data) if data else 'no'} object"
                        f"{'' if data else 's'} of the classes {named}, and at least 2 are measured against; choose "
                        "others with --classes or --split, or pack more models")
    return data


def draw(generator: Generator, data: RecordDataset, train: RecordDataset, count: int, *, threshold: float, seed: int
         ) -> Tuple[Dict[str, np.ndarray], Dict[str, List[str]]]:
    """All sets of grids (n, V, V, V) bool by their names in the result, and the keys of those that are objects."""
    sets = {"samples": generator.shapes(count, np.random.default_rng([seed, LATENTS]), threshold)}
    chosen = {}
    for name, dataset, stream in (("training_shapes", train, TRAINING), ("references", data, REFERENCES)):
        rows = np.random.default_rng([seed, stream]).choice(len(dataset), min(count, len(dataset)), replace=False)
        sets[name] = np.stack([dataset.voxels(row) for row in rows])
        chosen[name] = [dataset.keys[row] for row in rows]
    share = sum(grids.sum(axis=0, dtype=np.int64) for _, grids in packed.voxel_blocks(train, "mean shape")) / len(train)
    noise = np.random.default_rng([seed, NOISE])
    sets["mean_plus_noise"] = np.stack([noise.random(share.shape) < share for _ in range(count)])
    return sets, chosen


def compare(sets: Dict[str, np.ndarray], chosen: Dict[str, List[str]], train: RecordDataset, *, points: int, seed: int
            ) -> Dict[str, Dict[str, Any]]:
    """What is measured of every set, by its name in the result."""
    shapes = {name: generative.Shapes(sets[name], points=points, seed=(seed, POINTS, place),
                                       workers=cli.available_cpus())
              for place, name in enumerate(generative.SUBJECTS)}
    subjects: Dict[str, Dict[str, Any]] = {}
    names = list(generative.SUBJECTS)
    neighbours, likeness = generative.nearest_of(np.concatenate([sets[name] for name in names]),
                                                 packed.voxel_blocks(train, "nearest training objects"))
    ends = np.cumsum([len(sets[name]) for name in names])
    for name, end in zip(names, ends):
        grids = sets[name]
        rows = slice(end - len(grids), end)
        solid = generative.solidity(grids)
        subjects[name] = {
            "count": len(grids), "nearest_training_iou": float(likeness[rows].mean()),
            "empty": float((solid["occupied"] == 0).mean()), "largest_part": float(solid["largest_part"].mean()),
            "occupied": float(solid["occupied"].mean()),
            "each": {**{key: values.tolist() for key, values in solid.items()},
                     "nearest_training": neighbours[rows], "nearest_training_iou": likeness[rows].tolist()},
        }
        if name in chosen:
            subjects[name]["each"]["key"] = chosen[name]
        if name != "references":
            progress = functools.partial(tqdm, desc=f"Chamfer distances, {generative.SUBJECTS[name]}", unit="shape",
                                         disable=None, leave=False)
            total, each = generative.compare_shapes(shapes[name], shapes["references"], progress=progress)
            subjects[name].update(total)
            for kind in generative.DISTANCES:
                places = each.pop(f"reference_{kind}")
                subjects[name]["each"][f"nearest_reference_{kind}"] = [chosen["references"][row] for row in places]
            subjects[name]["each"].update({key: values.tolist() for key, values in each.items()})
    return subjects


def origin(generator: Generator, options, data: RecordDataset, left_out: List[str]) -> Dict[str, Any]:
    """Where the result comes from, and the classes measured by their synsets."""
    facts = eval_stages.origin(generator, options, data, left_out)
    facts["data"]["classes"] = data.class_names
    return facts
