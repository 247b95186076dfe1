"""Measure a trained network: IoU per class and by number of views, on objects it has never seen."""
from __future__ import annotations

import argparse
import collections
import dataclasses
import sys
import tempfile
from pathlib import Path

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

from tqdm import tqdm

import gluon_r2n2
from gluon_r2n2 import evaluation, training
from gluon_r2n2.files import write_json
from gluon_r2n2.metrics import DEFAULT_THRESHOLD, THRESHOLDS
from gluon_r2n2_tools import cli, packed
from recordio.errors import DataError
from recordio.loading import POLICIES, TEST, BadRecords, Loader, RecordDataset

FORMAT = 1  # of the JSON file


def parse(argv=None):
    parser = cli.Parser(prog="r2n2-eval", description=__doc__)
    parser.add_argument("--checkpoint", metavar="R", type=Path, required=True,
                        help="folder of a run (its best checkpoint is taken) or of one checkpoint")
    parser.add_argument("--data", metavar="D", type=Path, required=True, help="folder made by pack_rec.py")
    parser.add_argument("--json", metavar="F", type=Path, help="file to write the numbers to")
    group = parser.add_argument_group("what to measure")
    group.add_argument("--split", metavar="NAME", default="test", choices=("train", "val", "test"),
                       help="train, val or test")
    group.add_argument("--views", metavar="1,2", type=view_counts, default="1,2,3,4,5",
                       help="numbers of views to measure with")
    group.add_argument("--threshold", metavar="X", type=probability,
                       help="probability from which a voxel counts as occupied (default: chosen on the val split)")
    group.add_argument("--baselines", action="store_true",
                       help="measure the mean training shape and the mean shape of the true class as well")
    group.add_argument("--seed", metavar="N", type=cli.integer(0), default=0, help="draws each object's order of views")
    group = parser.add_argument_group("running")
    group.add_argument("--batch-size", metavar="N", type=cli.positive_int, default=8, help="objects at a time")
    group.add_argument("--gpus", metavar="0,1", help="GPUs to share every batch (default: the CPU)")
    group.add_argument("--threads", metavar="N", type=cli.positive_int, default=2, help="threads that load data")
    group.add_argument("--on-bad-record", metavar="WHAT", choices=POLICIES, default="error",
                       help="error: stop; skip: leave the object out, and report it")
    return parser.parse_args(argv)


def view_counts(text: str):
    """An argparse type: `1,2,5` -> (1, 2, 5), sorted."""
    parts = text.split(",")
    if not all(part.strip().isdigit() and int(part) >= 1 for part in parts):
        raise argparse.ArgumentTypeError(f"wants numbers of views like 1,2,5, each at least 1, got {text!r}")
    return tuple(sorted({int(part) for part in parts}))


def probability(text: str) -> float:
    """An argparse type: a number between 0 and 1."""
    value = cli.positive_float(text)
    if value >= 1:
        raise argparse.ArgumentTypeError(f"wants a number between 0 and 1, got {text!r}")
    return value


def run(argv=None) -> int:
    options = parse(argv)
    devices = training.contexts(options.gpus)
    if options.json:
        check_place(options.json)  # now, not after an hour of measuring
    net, info = training.load_network(options.checkpoint, devices)
    data = RecordDataset(options.data, options.split)
    train = RecordDataset(options.data, "train") if options.baselines else None
    packed.check_views(data, options.views[-1], "--views")
    if packed.resolution(data) != net.config.resolution:
        raise DataError(f"{options.data} has voxel grids of edge {packed.resolution(data)}, the network of "
                        f"{options.checkpoint} makes {net.config.resolution}; evaluate on data of that size")
    print(f"{info['checkpoint']} (step {info['step']}{', averaged' * info['averaged']}) on "
          f"{training.describe(devices)}", flush=True)
    chooser = packed.open_split(options.data, "val", data.class_names)  # the split that thresholds are chosen on

    threshold, source = network_threshold(options, net, info, devices, chooser)
    thresholds = tuple(sorted({threshold, DEFAULT_THRESHOLD}))
    result = measure(options, net, info, devices, data, options.views, thresholds)
    left_out = sorted(set(data.keys) - set(result.keys))  # bad records; reported by the loader
    data = data.without(left_out)
    columns = {f"{count} view{'s' if count > 1 else ''}": evaluation.summary(result, count, threshold)
               for count in options.views}
    content = {
        "format": FORMAT, "version": gluon_r2n2.__version__,
        "model": {"checkpoint": info["checkpoint"], "step": info["step"], "averaged": info["averaged"],
                  "config": info["model"],
                  "weights_sha256": info["weights_sha256"], "trained_on": info["data"]["fingerprint"]},
        "data": {"path": str(options.data), "fingerprint": data.fingerprint, "split": options.split,
                 "samples": len(data), "left_out": left_out, "seed": options.seed},
        "classes": {synset: {"name": name, "samples": data.class_ids.count(synset)}
                    for synset, name in data.class_names.items()},
        "threshold": {"value": threshold, "source": source},
        "iou": {str(count): summary for count, summary in zip(options.views, columns.values())},
        "objects": evaluation.objects(result, threshold),
    }
    if train is not None:
        content["baselines"] = measure_baselines(sound(train, options), data, chooser and sound(chooser, options))
        columns = {"mean shape": content["baselines"]["mean_shape"],
                   "class mean": content["baselines"]["class_mean"], **columns}
    content["definitions"] = evaluation.DEFINITIONS
    print(evaluation.table(columns, data.class_names, collections.Counter(data.class_ids)))
    print(f"IoU at threshold {threshold:g} ({source}); {len(data)} objects of split {options.split}")
    if options.json:
        write_json(options.json, content)
        print(f"-> {options.json}")
    return 0


def check_place(path: Path) -> None:
    """Hold that a file can be written to *path*.

    Raises:
        DataError: it is a folder, or lies in none.
        OSError: the disk is read-only, or the folder somebody else's.
    """
    if not path.absolute().parent.is_dir():
        raise DataError(f"--json {path}: the folder {path.parent} does not exist; create it first")
    if path.is_dir():
        raise DataError(f"--json {path}: a folder; give the name of a file to write")
    try:
        tempfile.TemporaryFile(dir=path.absolute().parent).close()
    except OSError as error:
        error.filename = f"--json {path}"
        raise


def network_threshold(options, net, info, devices, chooser):
    """The threshold and where it comes from."""
    if options.threshold:
        return options.threshold, "given by --threshold"
    if chooser is None:
        return DEFAULT_THRESHOLD, "fixed: the data set has no val split to choose it on"
    views = min(evaluation.THRESHOLD_VIEWS, chooser.view_count)
    result = measure(options, net, info, devices, chooser, (views,), THRESHOLDS)
    return result.best_threshold(views)[0], f"best on {len(chooser)} objects of split val at {views} views"


def measure(options, net, info, devices, data, views, thresholds) -> evaluation.Evaluation:
    """Evaluate the network on every sample of *data*, each exactly once."""
    augmentation = dataclasses.replace(TEST, blend=info["image"]["augmentation"]["blend"])  # the rim as in training
    loader = Loader(data, batch_size=options.batch_size, views=views[-1], seed=options.seed, augmentation=augmentation,
                    image_size=info["image"]["size"], shuffle=False, drop_last=False, threads=options.threads,
                    on_bad_record=options.on_bad_record)
    batches = tqdm(loader.epoch(0), total=loader.batches_per_epoch, desc=data.split, unit="batch", disable=None)
    result = evaluation.evaluate(net, batches, contexts=devices, views=views, thresholds=thresholds,
                               batch_size=options.batch_size)
    if sorted([*result.keys, *loader.bad_records]) != sorted(data.keys):
        raise RuntimeError(f"evaluated {len(result.keys)} samples and left out {len(loader.bad_records)} where the "
                           f"split holds {len(data)}")
    return result


def sound(data, options) -> RecordDataset:
    """*data* without the records whose voxels cannot be read, where --on-bad-record says so."""
    if options.on_bad_record == "error":
        return data
    bad = BadRecords(data.split, len(data), replaced=False)
    for index, key in enumerate(data.keys):
        try:
            data.voxels(index)
        except DataError as error:
            bad.add({key: str(error)})
    bad.report(0)
    return data.without(bad.found)


def measure_baselines(train, data, chooser) -> dict:
    """The two mean shapes of the train split, each at the threshold that is best on the val split."""
    shapes = evaluation.mean_shapes(evaluation.objects_of(train))
    content = {}
    for name, know_class in (("mean_shape", False), ("class_mean", True)):
        threshold, source = DEFAULT_THRESHOLD, "fixed: the data set has no val split to choose it on"
        if chooser is not None:
            chosen = evaluation.evaluate_shapes(shapes, chooser.keys, evaluation.objects_of(chooser),
                                               thresholds=THRESHOLDS, know_class=know_class)
            threshold = chosen.best_threshold(evaluation.NO_VIEWS)[0]
            source = f"best on {len(chooser)} objects of split val"
        result = evaluation.evaluate_shapes(shapes, data.keys, evaluation.objects_of(data), know_class=know_class,
                                           thresholds=sorted({threshold, DEFAULT_THRESHOLD}))
        content[name] = {"threshold": threshold, "threshold_source": source,
                         **evaluation.summary(result, evaluation.NO_VIEWS, threshold)}
    return content


def main(argv=None) -> int:
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())
