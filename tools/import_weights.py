"""Convert published weights (the original's .npy, a .npz, its PyTorch port's checkpoint) into a .params file."""
from __future__ import annotations

import shlex
import sys
from pathlib import Path

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

from gluon_r2n2.conversion import (
    convert_published,
    detect_model,
    fingerprint,
    published_configs,
    read_published,
    save_weights,
    verify,
)
from gluon_r2n2.errors import ModelError
from gluon_r2n2.files import sha256
from gluon_r2n2_tools import cli

SUFFIX = ".params"


def parse(argv=None):
    parser = cli.Parser(prog="r2n2-import-weights", description=__doc__)
    parser.add_argument("original", metavar="ORIGINAL", type=Path,
                        help="the original's .npy file, a .npz file of its arrays, or a PyTorch checkpoint")
    parser.add_argument("out", metavar="OUT.params", type=Path, help="file to write, in MXNet's format")
    group = parser.add_argument_group("weights")
    group.add_argument("--model", choices=list(published_configs()),
                       help="the variant (default: the one that the shapes fit; a GRU and an LSTM may share theirs)")
    group.add_argument("--original-wiring", action="store_true",
                       help="take a residual PyTorch checkpoint, which is refused because the port feeds convolution "
                            "10c otherwise: its code was mended, or training goes on from it")
    group = parser.add_argument_group("output")
    group.add_argument("--overwrite", action="store_true", help="replace a file that is already at OUT.params")
    group.add_argument("--verify", action="store_true",
                       help="read the written file back, print its fingerprint and what the network makes of a fixed "
                            "input, to compare with somebody else's")
    return parser.parse_args(argv)


def run(argv=None) -> int:
    options = parse(argv)
    check_place(options.out, options.original, options.overwrite)
    source = str(options.original)
    published = read_published(options.original)
    model = options.model or detect_model(published, source=source)
    arrays = convert_published(published, model, source=source, original_wiring=options.original_wiring)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    save_weights(arrays, options.out.resolve())  # where OUT is a link it stays one
    values = sum(array.size for array in arrays.values())
    print(f"{source}: {model}, {len(published)} arrays, {values:,} parameters, sha256 {sha256(options.original)}")
    print(f"-> {options.out}: {options.out.stat().st_size / 1e6:.1f} MB")
    if options.verify:
        report(options.out, model, fingerprint(arrays))
    print(f"next: python tools/export.py {shlex.quote(str(options.out))} DIR --model {model}")
    print("or, in Python:")
    print(f"    net = gluon_r2n2.get_model({model!r}, upsample='unpool', leak=0.01)")
    print(f"    net.load_parameters({str(options.out)!r})")
    print("    logits = net(images)  # (views, batch, 3, 127, 127) in [0, 1] -> (batch, 2, 32, 32, 32)")
    return 0


def check_place(out: Path, original: Path, overwrite: bool) -> None:
    """Never replace the source, nor anything else without being told to."""
    if out.suffix != SUFFIX:
        raise ModelError(f"{out}: the file to write is one of MXNet's parameters; give it a name that ends on {SUFFIX}")
    if out.is_dir():
        raise ModelError(f"{out}: is a folder; give the name of a file to write")
    if out.exists() and original.exists() and out.samefile(original):
        raise ModelError(f"{out}: is the file to read; give another name for the one to write")
    if out.exists() and not overwrite:
        raise ModelError(f"{out}: is there already; give --overwrite to replace it, or another name")


def report(out: Path, model: str, expected: str) -> None:
    """Print what the written file holds, read back."""
    found = verify(out, published_configs()[model])
    if found.fingerprint != expected:
        raise ModelError(f"{out}: reads back as other values than were written; check the disk and the memory")
    print(f"   read back: fingerprint {found.fingerprint}")
    print(f"   two fixed views: logits {found.shape}, of occupied: mean {found.mean:.4g}, least {found.least:.4g}, "
          f"greatest {found.most:.4g}")


def main(argv=None):
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())
