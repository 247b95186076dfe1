"""Models per minute of tools/make_shapes.py, beside what writing their PNG files alone would allow.

    python benchmarks/shapes.py --json shapes.json
"""
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))


def make(out: Path, per_class: int, views: int, jobs: int) -> float:
    """Seconds of one run of the tool, its start included."""
    command = [sys.executable, ROOT / "tools" / "make_shapes.py", out, "--per-class", per_class, "--views", views,
               "--seed", 1, "--jobs", jobs]
    start = time.perf_counter()
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def encode_again(layout: Path) -> float:
    """Seconds to encode all pictures of *layout* once more, on one core: the floor under any renderer."""
    from recordio.layouts import encode_png, read_rgba, scan
    seconds = 0.0
    for model in scan(layout).models:
        pictures = [read_rgba(view) for view in model.views]
        start = time.perf_counter()
        for picture in pictures:
            encode_png(picture)
        seconds += time.perf_counter() - start
    return seconds


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--per-class", type=int, default=30, help="models of each of the 13 classes (%(default)s)")
    parser.add_argument("--views", type=int, default=24, help="views of each model (%(default)s)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (%(default)s)")
    parser.add_argument("--json", metavar="FILE", help="also write the results here")
    args = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder) / "warm", 1, args.views, args.jobs)  # compiles the loops
        seconds = make(Path(folder) / "timed", args.per_class, args.views, args.jobs)
        floor = encode_again(Path(folder) / "timed") / args.jobs
    models = 13 * args.per_class
    result = {"models": models, "views": args.views, "jobs": args.jobs, "cpus": os.cpu_count(), "seconds": seconds,
              "models_per_minute": 60 * models / seconds, "png_encoding_share": floor / seconds}
    print(f"{models} models of {args.views} views with {args.jobs} processes: {seconds:.1f} s, "
          f"{result['models_per_minute']:.0f} models per minute; PNG encoding alone is {floor / seconds:.0%} of it")
    if args.json:
        Path(args.json).write_text(json.dumps(result, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
