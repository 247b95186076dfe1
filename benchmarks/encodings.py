"""Bytes per view and views per second, packed and unpacked by one thread, of the ways to store a view.

    python benchmarks/encodings.py --json encodings.json --meshes DIR

Views of procedural shapes, and with --meshes of the mesh files in DIR. The figures are those of docs/records.md.
"""
from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import zstandard

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from recordio.layouts import read_rgba, scan  # noqa: E402
from recordio.layouts.images import encode_png  # noqa: E402
from recordio.records.encodings import ZSTD, decode_view, encode_zstd  # noqa: E402

try:
    import lz4.frame as lz4
except ImportError:  # no dependency of ours
    lz4 = None
REPEATS = 3  # of which the fastest counts


def zstd_plain(level: int = 3):
    """(encode, decode) of the picture's bytes as they are."""
    packer, unpacker = zstandard.ZstdCompressor(level=level), zstandard.ZstdDecompressor()
    return (lambda rgba: packer.compress(rgba.tobytes()),
            lambda data, shape: np.frombuffer(unpacker.decompress(data), np.uint8).reshape(*shape, 4))


def webp_encode(rgba):
    return cv2.imencode(".webp", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA), [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()


def cv2_decode(data, shape):
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)


def jpeg_encode(rgba):
    """Colours at quality 95, and alpha packed without loss; lengths first."""
    colours = cv2.imencode(".jpg", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGR), [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()
    return len(colours).to_bytes(4, "little") + colours + zstandard.compress(rgba[..., 3].tobytes(), 3)


def jpeg_decode(data, shape):
    end = 4 + int.from_bytes(data[:4], "little")
    colours = cv2.cvtColor(cv2.imdecode(np.frombuffer(data[4:end], np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    return np.dstack([colours, np.frombuffer(zstandard.decompress(data[end:]), np.uint8).reshape(shape)])


def encodings():
    """Name -> (encode, decode)."""
    ways = {
        "PNG, cv2": (encode_png, cv2_decode),
        "WebP lossless, cv2": (webp_encode, cv2_decode),
        "JPEG 95 + zstd alpha, cv2": (jpeg_encode, jpeg_decode),
        "zstd 3, the picture as it is": zstd_plain(),
        "zstd 3, box, planes, differences (ours)": (
            encode_zstd, lambda data, shape: decode_view(ZSTD, memoryview(data), shape, name="view")),
    }
    if lz4 is not None:
        ways["lz4, the picture as it is"] = (
            lambda rgba: lz4.compress(rgba.tobytes()),
            lambda data, shape: np.frombuffer(lz4.decompress(data), np.uint8).reshape(*shape, 4))
    return ways


def rate(function, items) -> float:
    """Calls per second of *function* over *items*, the best of REPEATS; the first item is a warm-up."""
    function(*items[0])
    best = float("inf")
    for _ in range(REPEATS):
        start = time.perf_counter()
        for item in items:
            function(*item)
        best = min(best, time.perf_counter() - start)
    return len(items) / best


def measure(views) -> dict:
    """Name -> bytes per view, views packed and unpacked per second, and whether nothing was lost."""
    results = {}
    for name, (encode, decode) in encodings().items():
        stored = [encode(view) for view in views]
        sound = all((decode(data, view.shape[:2]) == view).all() for data, view in zip(stored, views))
        seen = sound or all((decode(data, view.shape[:2]) == view)[view[..., 3] > 0].all()
                            for data, view in zip(stored, views))
        results[name] = {"bytes": sum(map(len, stored)) / len(stored),
                         "encoded_per_s": rate(encode, [(view,) for view in views]),
                         "decoded_per_s": rate(decode, [(data, view.shape[:2]) for data, view in zip(stored, views)]),
                         "lossless": bool(sound), "lossless_where_seen": bool(seen)}
    return results


def render(tool: str, *arguments) -> None:
    subprocess.run([sys.executable, str(ROOT / "tools" / tool), *map(str, arguments)], check=True,
                   stdout=subprocess.DEVNULL)


def read_views(layout: Path, limit: int):
    """Up to *limit* views, evenly from all models of *layout*."""
    paths = [Path(model.folder, name) for model in scan(layout).models for name in model.names]
    return [read_rgba(paths[number * len(paths) // min(limit, len(paths))]) for number in range(min(limit, len(paths)))]


def main(argv=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--meshes", metavar="DIR", type=Path, help="also measure on views of the mesh files there")
    parser.add_argument("--per-class", metavar="N", type=int, default=4, help="procedural shapes (%(default)s)")
    parser.add_argument("--views", metavar="N", type=int, default=400, help="measured of each kind (%(default)s)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="also write the results here")
    args = parser.parse_args(argv)
    cv2.setNumThreads(1)
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        render("make_shapes.py", Path(folder, "shapes"), "--per-class", args.per_class, "--seed", 1)
        layouts = {"shapes": Path(folder, "shapes")}
        if args.meshes:
            render("render_meshes.py", args.meshes, Path(folder, "meshes"))
            layouts["meshes"] = Path(folder, "meshes")
        for kind, layout in layouts.items():
            results[kind] = measure(read_views(layout, args.views))
    for kind, ways in results.items():
        print(f"\n{kind:<42} {'bytes/view':>10} {'packed/s':>10} {'unpacked/s':>10}  nothing lost")
        for name, row in ways.items():
            kept = "yes" if row["lossless"] else "where alpha is not 0" if row["lossless_where_seen"] else "no"
            print(f"{name:<42} {row['bytes']:10.0f} {row['encoded_per_s']:10.0f} {row['decoded_per_s']:10.0f}  {kept}")
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
