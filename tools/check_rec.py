"""Check a whole packed data set, byte by byte, and name every bad record by file, number, key and offset."""
from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

from tqdm import tqdm

from gluon_r2n2_tools import cli
from recordio.errors import DataError
from recordio.files import atomic_file
from recordio.records import check_dataset

UNSOUND = 1  # exit code


def parse(argv=None):
    parser = cli.Parser(
        prog="r2n2-check", description=__doc__,
        epilog="Exit code 0: sound. 1: something is wrong, each thing is named. 2: no packed data set at all.")
    parser.add_argument("data", metavar="DIR", type=Path, help="folder that tools/pack_rec.py wrote")
    parser.add_argument("--no-views", action="store_true",
                        help="do not decode the views; hashes and checksums are compared all the same")
    parser.add_argument("--workers", metavar="N", type=cli.positive_int, default=cli.available_cpus(), help="threads")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write what was found here")
    return parser.parse_args(argv)


def run(argv=None) -> int:
    options = parse(argv)
    if not options.data.is_dir():
        raise DataError(f"{options.data}: no such folder; give the folder that tools/pack_rec.py wrote")
    size = sum(path.stat().st_size for path in options.data.glob("*.rec"))
    with tqdm(total=size, unit="B", unit_scale=True, disable=None) as bar:
        found = check_dataset(options.data, views=not options.no_views, workers=options.workers, on_bytes=bar.update,
                              on_problem=lambda problem: bar.write(str(problem)))
    if options.json:
        write_report(options.json, options.data, found)
    what = (f"{found.records} records are sound, with {found.views} views{' (not decoded)' * options.no_views}, "
            f"{found.bytes / 1e6:.1f} MB")
    if not found.problems:
        print(f"{options.data}: all {what}")
        return 0
    print(f"{options.data}: {len(found.problems)} problems, {found.bad_records} bad records; {what}")
    return UNSOUND


def write_report(path, data, found) -> None:
    """Write what was found as JSON."""
    with atomic_file(path, "w") as handle:
        json.dump({"data": str(data), "sound": not found.problems, "records": found.records, "views": found.views,
                   "bytes": found.bytes, "bad_records": found.bad_records,
                   "problems": [asdict(problem) for problem in found.problems]}, handle, indent=1)
        handle.write("\n")


def main(argv=None):
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())
