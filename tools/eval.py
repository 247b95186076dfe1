"""Measure a trained network: IoU and more, per class and by number of views, on objects it has never seen."""
from __future__ import annotations

import sys

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

from gluon_r2n2_tools import _one_thread  # noqa: F401, I001  (before mxnet is loaded)

from gluon_r2n2 import evaluation
from gluon_r2n2.files import write_json, write_text
from gluon_r2n2_tools import cli, eval_generative, eval_options, eval_report, eval_stages, packed
from gluon_r2n2_tools.eval_subjects import Network, Predictions
from recordio.errors import DataError
from recordio.loading import RecordDataset
from recordio.records import read_manifest


def run(argv=None) -> int:
    options = eval_options.parse(argv)
    eval_options.check_places(options)
    if options.generative:
        return measure_generator(options)
    return compare(options) if options.compare else measure(options)


def measure_generator(options) -> int:
    """Measure the samples of a generative network, and write what was asked for."""
    content, tables = eval_generative.measure(options)
    print(evaluation.LAYOUTS[".txt"](tables))
    write(options, content, tables)
    return 0


def compare(options) -> int:
    """Print how the second of two results differs from the first."""
    first, second = options.compare
    compared = evaluation.compare(evaluation.read_result(first), evaluation.read_result(second),
                                  names=(str(first), str(second)))
    tables = evaluation.comparison_tables(compared)
    print(evaluation.LAYOUTS[".txt"](tables[:2]))
    print(f"{compared['objects']} objects in both"
          + "".join(f"; {count} more in {side.upper()}" for side, count in compared["left_out"].items() if count))
    write(options, compared, tables)
    return 0


def measure(options) -> int:
    """Measure a network or stored predictions, and write what was asked for."""
    network = None
    if options.checkpoint:
        network = Network(options.checkpoint, options.gpus, engine=options.engine, precision=options.precision)
    data = RecordDataset(options.data, options.split, classes=options.classes)
    subject = network or Predictions(options.predictions, data)
    train = RecordDataset(options.data, "train") if options.baselines else None
    classes = read_manifest(options.data).classes
    if options.analysis and train is None:
        train = packed.open_split(options.data, "train", classes)  # the analysis compares with it where it can
    views = choose_views(options, data)
    if network and packed.resolution(data) != network.resolution:
        raise DataError(f"{options.data} has voxel grids of edge {packed.resolution(data)}, the network of "
                        f"{options.checkpoint} makes {network.resolution}; evaluate on data of that size")
    print(f"{subject.label} on {subject.where}", flush=True)
    # all of the val split, whatever is reported on
    chooser = packed.open_split(options.data, "val", classes)

    threshold, source = eval_stages.choose_threshold(subject, options, chooser)
    keys = set(data.keys)
    if network is None:
        data = eval_stages.sound(data, options)
    baselines = None
    if train is not None:
        baselines = eval_stages.Baselines(eval_stages.sound(train, options),
                                          chooser and eval_stages.sound(chooser, options))
    measured = eval_stages.sweep(subject, options, data, views, threshold, baselines)
    left_out = sorted(keys - set(measured.result.keys))  # bad records, which have been reported
    data = data.without(left_out)
    content = evaluation.build_result(
        measured.result, threshold=threshold, source=source, voxels=measured.voxels, surfaces=measured.surfaces,
        origin=eval_stages.origin(subject, options, data, left_out), names=data.class_names,
        baselines=baselines and baselines.measure(data),
        analysis=eval_stages.analyse(measured, data, threshold) if options.analysis else None)

    tables = evaluation.result_tables(content)
    print(evaluation.LAYOUTS[".txt"]([tables[0], evaluation.overview(content)]))
    published = evaluation.published_tables(content) if options.published else []
    if published:
        print(evaluation.LAYOUTS[".txt"](published))
    write(options, content, [*tables, evaluation.overview(content), *published])
    if options.report:
        write_text(options.report, eval_report.page(subject, options, data, content))
        print(f"-> {options.report}")
    if options.save_predictions:
        print(f"-> {options.save_predictions}")
    return 0


def choose_views(options, data: RecordDataset):
    """The view counts: those of --views, or of the protocol as far as the objects have views."""
    if options.predictions:
        return (evaluation.NO_VIEWS,)
    if options.views:
        packed.check_views(data, options.views[-1], "--views")
        return options.views
    views = tuple(count for count in evaluation.VIEWS if count <= data.view_count)
    if views != evaluation.VIEWS:
        print(f"views {','.join(map(str, views))}: the objects have no more than {data.view_count}")
    return views


def write(options, content, tables) -> None:
    """The files of --json and --table."""
    if options.json:
        write_json(options.json, content)
        print(f"-> {options.json}")
    for path in options.table:
        write_text(path, evaluation.LAYOUTS[path.suffix.lower()](tables))
        print(f"-> {path}")


def main(argv=None) -> int:
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())
