"""Write a trained network as a folder that MXNet or ONNX runtimes run: graphs, weights, and facts about its input."""
from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Optional, Union

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

import gluon_r2n2
from gluon_r2n2.conversion import load_weights_into
from gluon_r2n2.deployment import Artefact, GeneratorArtefact, export, is_artefact
from gluon_r2n2.deployment.exporting import belongs
from gluon_r2n2.errors import ModelError
from gluon_r2n2.network import ViewNetwork
from gluon_r2n2.training import load_network
from gluon_r2n2_tools import cli
from gluon_r2n2_tools.eval_options import view_counts


def parse(argv=None):
    parser = cli.Parser(prog="r2n2-export", description=__doc__)
    parser.add_argument("run", metavar="RUN", type=Path,
                        help="folder of a run (its best checkpoint is taken) or of one checkpoint; or, with --model, a "
                             ".params file of weights, such as tools/import_weights.py writes")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to write")
    parser.add_argument("--overwrite", action="store_true", help="replace an exported model that is already at OUT")
    parser.add_argument("--half", action="store_true",
                        help="write the weights as float16, half the size; computed in float32 all the same")
    parser.add_argument("--onnx", action="store_true",
                        help="write ONNX graphs too, for onnxruntime, OpenVINO and others (with --half: float32, of "
                             "the rounded weights)")
    parser.add_argument("--sequence", metavar="1,5", type=view_counts, default=(),
                        help="write a graph of the whole sequence too, for each of these numbers of views (default: "
                             "none)")
    parser.add_argument("--model", metavar="NAME", choices=gluon_r2n2.list_models("recurrent"),
                        help="the network of a .params file: " + ", ".join(gluon_r2n2.list_models("recurrent")))
    return parser.parse_args(argv)


def run(argv=None) -> int:
    options = parse(argv)
    check_place(options.out, options.overwrite)
    net, facts, source = network(options.run, options.model)
    if options.sequence and not isinstance(net, ViewNetwork):
        raise ModelError(f"--sequence: {options.run} is a 3D-GAN, which sees no views; leave it out")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    others = export(net, facts, options.out.resolve(), half=options.half, onnx=options.onnx,  # a link stays one
                    sequences=options.sequence)
    size = sum(file.stat().st_size for file in options.out.iterdir())
    print(source)
    print(f"-> {options.out}: {size / 1e6:.1f} MB, reads back and gives the same numbers (difference 0)")
    print(f"   input {inputs(facts)}, output {facts.model['resolution']}^3 voxels, occupied from probability "
          f"{facts.threshold:g} on")
    for engine, difference in others.items():
        print(f"   ONNX graphs, run by {engine}: difference {difference:.1g} of the largest probability")
    if isinstance(facts, Artefact):
        print(f"next: python tools/reconstruct.py {shlex.quote(str(options.out))} IMAGE... --out DIR")
    return 0


def inputs(facts: Union[Artefact, GeneratorArtefact]) -> str:
    """What the model takes, in words."""
    if isinstance(facts, Artefact):
        size = facts.preprocessing.input_size
        return f"{size}x{size} RGB on grey {facts.preprocessing.background}"
    return f"{facts.model['latent']} random numbers from a {facts.model['prior']} prior"


def network(path: Path, model: Optional[str]):
    """The network at *path*, the facts about it, and words for where it comes from."""
    if not model and is_artefact(path):
        raise ModelError(f"{path} is an exported model already; give the run or the checkpoint that it was made from")
    if not model and not path.is_file():
        net, info = load_network(path)
        which = f"step {info['step']}{', averaged' * info['averaged']}"
        facts = Artefact.of(net, info) if isinstance(net, ViewNetwork) else GeneratorArtefact.of(net, info)
        return net, facts, f"{info['checkpoint']} ({which})"
    if not model:
        raise ModelError(f"{path} is a file of weights, which does not say of which network; give --model NAME")
    if path.is_dir():
        raise ModelError(f"{path} is a folder, which says itself what it holds; leave out --model, which is for a "
                         ".params file")
    net = gluon_r2n2.get_model(model)
    load_weights_into(net, path)
    return net, Artefact.of_weights(net, path), f"{path} ({gluon_r2n2.model_zoo.model_title(model)})"


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
    others = sorted(file.name for file in out.iterdir() if not belongs(file.name))
    if others:
        raise ModelError(f"{out} holds more than an exported model ({others[0]}), which --overwrite would remove; "
                         "move it away or choose another folder")


def main(argv=None):
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())
