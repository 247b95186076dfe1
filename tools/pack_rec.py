"""Pack a folder of pictures and voxels (the ShapeNet layout) into checksummed RecordIO shards for training."""
from __future__ import annotations

import sys
from pathlib import Path

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from gluon_r2n2_tools import cli
from recordio.records import SHARD_SIZE, PackOptions, make_plan, pack, read_manifest, verify_dataset
from recordio.records.encodings import DEFAULT_LEVEL, ENCODINGS, MAX_LEVEL

MEGABYTE = 1e6  # bytes


def parse(argv=None):
    parser = cli.Parser(
        prog="r2n2-pack", description=__doc__,
        epilog="An interrupted run goes on where it stopped when it is started again with the same arguments. "
               "--verify OUT checks a packed data set and writes nothing.")
    parser.add_argument("source", metavar="SRC", type=Path, nargs="?",
                        help="folder with ShapeNetRendering/ and ShapeNetVox32/ (not with --verify)")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder for the packed data set")
    what = parser.add_argument_group("what is packed")
    what.add_argument("--split", metavar="FILE", type=Path,
                      help="which models are for training, validation and test (default: SRC/ShapeNet.json; where that "
                           "is absent 70, 10 and 20 %% of each class)")
    what.add_argument("--classes", metavar="CLASS", nargs="+", help="names or synset numbers (default: all)")
    what.add_argument("--ignore-missing", action="store_true", help="pass over models that SRC does not have")
    what.add_argument("--strict", action="store_true",
                      help="stop at a model that cannot be read, rather than name it and leave it out")
    how = parser.add_argument_group("how it is stored")
    how.add_argument("--encoding", choices=tuple(ENCODINGS), default="zstd",
                     help="of the views: zstd (lossless, fast to read) or png (the files as they are)")
    how.add_argument("--level", metavar="N", type=cli.integer(1, MAX_LEVEL), default=DEFAULT_LEVEL,
                     help="of zstd: 1 packs fast, 22 packs small; all are read equally fast")
    how.add_argument("--shard-size", metavar="MODELS", type=cli.positive_int, default=SHARD_SIZE,
                     help="models per file")
    running = parser.add_argument_group("running")
    running.add_argument("--workers", metavar="N", type=cli.positive_int, default=cli.available_cpus(),
                         help="threads; the output is the same for any number")
    running.add_argument("--overwrite", action="store_true", help="replace a data set that OUT holds")
    running.add_argument("--verify", action="store_true", help="only check OUT against its manifest (no SRC)")
    options = parser.parse_args(argv)
    if options.verify == (options.source is not None):
        parser.error("give SRC and OUT to pack, or --verify OUT to check")
    return options


def run(argv=None) -> int:
    options = parse(argv)
    return verify(options.out) if options.verify else write(options)


def write(options) -> int:
    """Pack, with a progress bar and the names of broken models as they come."""
    plan = make_plan(options.source, PackOptions(options.encoding, options.level, options.shard_size),
                     split_file=options.split, classes=options.classes, ignore_missing=options.ignore_missing)
    models = sum(len(shard.models) for shard in plan.shards)
    with logging_redirect_tqdm(), tqdm(total=models, unit="model", disable=None) as bar:
        manifest, complete = pack(plan, options.out, workers=options.workers, strict=options.strict,
                                  overwrite=options.overwrite, on_models=bar.update)
    if complete:
        print(f"{options.out}: complete already, made from the same input with the same options; nothing to do")
    if manifest.skipped:
        print(f"{len(manifest.skipped)} models left out; each with its reason under 'skipped' in "
              f"{options.out / 'manifest.json'}")
    if manifest.missing:
        print(f"{len(manifest.missing)} models of the split are not in {options.source}; listed under 'missing'")
    summarise(options.out, manifest)
    return 0


def verify(out) -> int:
    """Compare every file of *out* with its SHA-256."""
    manifest = read_manifest(out)
    size = sum(shard.bytes for shard in manifest.shards)
    with tqdm(total=size, unit="B", unit_scale=True, disable=None) as bar:
        verify_dataset(out, bar.update)
    print(f"{out}: all {len(manifest.shards)} shards are as the manifest says")
    summarise(out, manifest)
    return 0


def summarise(out, manifest) -> None:
    """Print samples, views and size of each split."""
    counts = manifest.counts()
    for split, count in counts.items():
        print(f"  {split:5s} {count['samples']:6d} samples {count['views']:8d} views "
              f"{count['bytes'] / MEGABYTE:9.1f} MB")
    total = sum(count["bytes"] for count in counts.values()) / MEGABYTE
    print(f"{out}: {sum(count['samples'] for count in counts.values())} samples of {len(manifest.classes)} classes, "
          f"{total:.1f} MB in {len(manifest.shards)} shards")


def main(argv=None):
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())
