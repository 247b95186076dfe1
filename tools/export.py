"""Write a trained network as a folder that plain MXNet runs: graph, weights, and the facts about its input."""
from __future__ import annotations

import shlex
import sys
from pathlib import Path

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

from gluon_r2n2.deployment import Artefact, export, is_artefact
from gluon_r2n2.deployment.artefact import FACTS, PARAMETERS, SYMBOL
from gluon_r2n2.errors import ModelError
from gluon_r2n2.training import load_network
from gluon_r2n2_tools import cli


def parse(argv=None):
    parser = cli.Parser(prog="r2n2-export", description=__doc__)
    parser.add_argument("run", metavar="RUN", type=Path,
                        help="folder of a run (its best checkpoint is taken) or of one checkpoint")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to write")
    parser.add_argument("--overwrite", action="store_true", help="replace an exported model that is already at OUT")
    return parser.parse_args(argv)


def run(argv=None) -> int:
    options = parse(argv)
    check_place(options.out, options.overwrite)
    net, info = load_network(options.run)
    facts = Artefact.of(net, info)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    export(net, facts, options.out.resolve())  # where OUT is a link it stays one
    size, rules = sum(file.stat().st_size for file in options.out.iterdir()), facts.preprocessing
    print(f"{info['checkpoint']} (step {info['step']})")
    print(f"-> {options.out}: {size / 1e6:.1f} MB, reads back and gives the same numbers (difference 0)")
    print(f"   input {rules.input_size}x{rules.input_size} RGB on grey {rules.background}, "
          f"output {facts.model['resolution']}^3 voxels, occupied from probability {facts.threshold:g} on")
    print(f"next: python tools/reconstruct.py {shlex.quote(str(options.out))} IMAGE... --out DIR")
    return 0


def check_place(out: Path, overwrite: bool) -> None:
    """Never replace what is not an exported model, nor one without being told to."""
    if out.resolve() == Path.cwd():
        raise ModelError(f"{out} is the folder you are in, which cannot be replaced; give the name of a new folder")
    if out.is_file():
        raise ModelError(f"{out} is a file; give the name of a folder to write the exported model to")
    if not out.is_dir() or not any(out.iterdir()):
        return
    if not is_artefact(out):
        raise ModelError(f"{out} exists and is no exported model; nothing was written, choose another folder")
    if not overwrite:
        raise ModelError(f"{out} holds an exported model already; give --overwrite to replace it")
    others = sorted({file.name for file in out.iterdir()} - {FACTS, SYMBOL, PARAMETERS})
    if others:
        raise ModelError(f"{out} holds more than an exported model ({others[0]}), which --overwrite would remove; "
                         "move it away or choose another folder")


def main(argv=None):
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())
