"""Pack pictures and voxels (the ShapeNet layout, a folder or its two archives) into checksummed RecordIO shards."""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

from gluon_r2n2_tools import cli
from recordio.errors import DataError
from recordio.layouts import scan
from recordio.records import SHARD_SIZE, PackOptions, pack, read_manifest, verify_dataset
from recordio.records.encodings import DEFAULT_LEVEL, ENCODINGS, MAX_LEVEL
from recordio.records.merging import merge
from recordio.records.plan import plan_layout
from recordio.records.selection import RULES, Selection, read_keys
from recordio.records.sources import find_archives
from recordio.records.streaming import pack_archives, survey_archives
from recordio.records.survey import encode_samples, survey

MEGABYTE = 1e6  # bytes
SHOWN = 10  # incomplete or missing models that --dry-run names
EPILOG = """\
SRC is a folder with ShapeNetRendering/ and ShapeNetVox32/, or one with ShapeNetRendering.tgz and ShapeNetVox32.tgz
(.tar.gz and .tar too), which are read in one pass and never unpacked; ShapeNet.json, the split, may lie beside them.
The output is the same from a folder and from archives, and for any number of workers.

An interrupted run goes on where it stopped when it is started again with the same arguments.

examples:
  r2n2-pack SRC OUT                             pack everything
  r2n2-pack SRC OUT --classes chair car         two classes; see also --models and --limit
  r2n2-pack SRC --dry-run                       what would be packed, what is missing; writes nothing
  r2n2-pack SRC part3 --shard 3/8               job 3 of 8 that a cluster runs independently, then
  r2n2-pack --merge OUT part1 part2 ... part8   all parts to one data set, checked; the same bytes as packed at once
  r2n2-pack --verify OUT                        compare every file with its SHA-256
"""


class HelpFormatter(cli.HelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Keeps the lines of the epilog."""


def parse(argv=None):
    parser = cli.Parser(prog="r2n2-pack", description=__doc__, epilog=EPILOG, formatter_class=HelpFormatter)
    parser.add_argument("source", metavar="SRC", type=Path, nargs="?", help="folder with the layout or its archives")
    parser.add_argument("out", metavar="OUT", type=Path, nargs="?", help="folder for the packed data set")
    what = parser.add_argument_group("what is packed")
    what.add_argument("--split", metavar="FILE", type=Path,
                      help="which models are for training, validation and test (default: SRC/ShapeNet.json; where that "
                           "is absent --split-rule hashed)")
    what.add_argument("--split-rule", choices=tuple(RULES),
                      help="instead of a file: hashed (70, 10 and 20 %% of each class, drawn by name) or original (the "
                           "first 80 %% of each class by name for training, the rest for test, none for validation)")
    what.add_argument("--classes", metavar="CLASS", nargs="+", help="names or synset numbers (default: all)")
    what.add_argument("--models", metavar="FILE", type=Path, help="only these: a line synset/model for each")
    what.add_argument("--limit", metavar="N", type=cli.positive_int,
                      help="at most N models of the split, drawn by name over classes and parts (default: all)")
    what.add_argument("--voxels", metavar="NAME",
                      help="folder of the voxels in SRC (default: ShapeNetVox32, or the one ShapeNetVox<side> there)")
    what.add_argument("--renderings", metavar="FILE", type=Path,
                      help="archive of the pictures (default: SRC/ShapeNetRendering.tgz, where SRC holds no folder)")
    what.add_argument("--voxel-archive", metavar="FILE", type=Path,
                      help="archive of the voxels (default: SRC/ShapeNetVox32.tgz)")
    what.add_argument("--ignore-missing", action="store_true",
                      help="pass over models that the split or --models names and SRC does not have")
    what.add_argument("--strict", action="store_true",
                      help="stop at a model that cannot be read, rather than name it and leave it out")
    how = parser.add_argument_group("how it is stored")
    how.add_argument("--encoding", choices=tuple(ENCODINGS), default="zstd",
                     help="of the views: zstd (lossless, fast to read) or png (the files as they are)")
    how.add_argument("--level", metavar="N", type=cli.integer(1, MAX_LEVEL), default=DEFAULT_LEVEL,
                     help="of zstd: 1 packs fast, 22 packs small; all are read equally fast")
    how.add_argument("--fit", choices=("object",),
                     help="object: centre and scale the object of each view to 137x137, for photographs with "
                          "transparent ground (default: views as they are)")
    how.add_argument("--shard-size", metavar="MODELS", type=cli.positive_int, default=SHARD_SIZE,
                     help="models per file")
    running = parser.add_argument_group("running")
    running.add_argument("--workers", metavar="N", type=cli.positive_int, default=cli.available_cpus(),
                         help="threads; the output is the same for any number")
    running.add_argument("--resume", action="store_true",
                         help="go on with an interrupted run, which happens without this flag too")
    running.add_argument("--overwrite", action="store_true", help="replace a data set that OUT holds")
    running.add_argument("--shard", metavar="i/n", type=cli.job, default=None,
                         help="write part i of n, 1/n to n/n, into OUT; for jobs that run independently")
    instead = parser.add_argument_group("instead of packing")
    instead.add_argument("--dry-run", action="store_true",
                         help="tell what would be packed, how large, and what is missing; writes nothing")
    instead.add_argument("--merge", metavar=("OUT", "PART"), type=Path, nargs="+",
                         help="make the data set OUT of all parts that --shard wrote; hard links where possible")
    instead.add_argument("--verify", action="store_true", help="only check OUT against its manifest (no SRC)")
    options = parser.parse_args(argv)
    check(parser, options)
    return options


def check(parser, options) -> None:
    """Sort out what the two positions mean, and refuse what does not go together."""
    given = [path for path in (options.source, options.out) if path is not None]
    if options.merge:
        if given or len(options.merge) < 2 or options.verify or options.dry_run or options.shard:
            parser.error("--merge OUT PART [PART ...] stands alone, with the output first and at least one part")
    elif options.verify or options.dry_run:
        if not given or options.verify and (len(given) > 1 or options.dry_run):
            parser.error("give SRC and OUT to pack, --verify OUT to check, or SRC --dry-run to look")
        options.source = options.out = given[0]
    elif len(given) != 2:
        parser.error("give SRC and OUT to pack, --verify OUT to check, or SRC --dry-run to look")
    if options.resume and options.overwrite:
        parser.error("--resume keeps what OUT holds and --overwrite replaces it; give one of them")


def run(argv=None) -> int:
    options = parse(argv)
    if options.verify:
        return verify(options.out)
    if options.merge:
        return merge_parts(options)
    return dry_run(options) if options.dry_run else write(options)


def source_of(options):
    """-> (archives or None for a folder, PackOptions, Selection)."""
    archives = find_archives(options.source, renderings=options.renderings, voxels=options.voxel_archive,
                             tree=options.voxels)
    selection = Selection(options.split, options.split_rule, options.classes and tuple(options.classes),
                          options.models and read_keys(options.models), options.limit, options.ignore_missing)
    return archives, PackOptions(options.encoding, options.level, options.shard_size, options.fit), selection


def write(options) -> int:
    """Pack, with a progress bar and the names of broken models as they come."""
    archives, storage, selection = source_of(options)
    how = {"workers": options.workers, "strict": options.strict, "overwrite": options.overwrite}
    if archives:
        if options.shard:
            raise DataError("--shard: every job would read the whole archives; unpack them and give the folder, or "
                                "pack them in one run")
        with logging_redirect_tqdm(), byte_bar(archives.size) as bar:
            manifest, complete = pack_archives(archives, options.out, storage, selection, on_bytes=bar.update, **how)
    else:
        plan = plan_layout(scan(options.source, voxels=options.voxels), storage, selection)
        if options.shard:
            plan = plan.share(*options.shard)
        models = sum(len(shard.models) for shard in plan.shards)
        with logging_redirect_tqdm(), tqdm(total=models, unit="model", disable=None) as bar:
            manifest, complete = pack(plan, options.out, on_models=bar.update, **how)
    if complete:
        print(f"{options.out}: complete already, made from the same input with the same options; nothing to do")
    listed = options.out / ("part.json" if options.shard else "manifest.json")
    if manifest.skipped:
        print(f"{len(manifest.skipped)} models left out; each with its reason under 'skipped' in {listed}")
    if manifest.missing:
        print(f"{len(manifest.missing)} models of the split are not in {options.source}; listed under 'missing'")
    summarise(options.out, manifest)
    if options.shard:
        print(f"part {options.shard[0]} of {options.shard[1]}; when all are there, join them with --merge")
    return 0


def dry_run(options) -> int:
    """Print what packing would write."""
    archives, storage, selection = source_of(options)
    if archives:
        with logging_redirect_tqdm(), byte_bar(archives.size) as bar:
            plan, encoded = survey_archives(archives, storage, selection, workers=options.workers, on_bytes=bar.update)
    else:
        plan = plan_layout(scan(options.source, voxels=options.voxels), storage, selection)
        encoded = encode_samples(plan, workers=options.workers)
    rows = survey(plan, encoded)
    for row in rows:
        print(f"  {row.split:5s} {row.name:12s} {row.models:6d} models {row.views:8d} views "
              f"{row.bytes / MEGABYTE:9.1f} MB")
    print(f"{options.source}: {sum(row.models for row in rows)} of {plan.models} complete models would be packed, "
          f"{sum(row.views for row in rows)} views, about {sum(row.bytes for row in rows) / MEGABYTE:.1f} MB in "
          f"{len(plan.shards)} shards (estimated from {len(encoded)} models); nothing was written")
    name_some("models that lack files and would be left out", [f"{entry['key']}: {entry['reason']}"
                                                          for entry in plan.incomplete])
    name_some("models of the split that are not there", plan.missing)
    return 0


def name_some(what: str, lines) -> None:
    """Print how many *lines* there are, and the first of them."""
    if lines:
        print(f"{what}: {len(lines)}")
        for line in lines[:SHOWN]:
            print(f"  {line}")
        if len(lines) > SHOWN:
            print(f"  ... and {len(lines) - SHOWN} more")


def merge_parts(options) -> int:
    """Join the parts of independent jobs."""
    out, *parts = options.merge
    with byte_bar(None) as bar:
        manifest, complete = merge(parts, out, overwrite=options.overwrite, on_bytes=bar.update)
    if complete:
        print(f"{out}: complete already, made of the same parts; nothing to do")
    summarise(out, manifest)
    return 0


def verify(out) -> int:
    """Compare every file of *out* with its SHA-256."""
    manifest = read_manifest(out)
    with byte_bar(sum(shard.bytes for shard in manifest.shards)) as bar:
        verify_dataset(out, bar.update)
    print(f"{out}: all {len(manifest.shards)} shards are as the manifest says")
    summarise(out, manifest)
    return 0


def byte_bar(total):
    return tqdm(total=total, unit="B", unit_scale=True, disable=None)


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
