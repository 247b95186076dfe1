"""The flags that all trainings share, which of them were given, and how a run's own file spells them out."""
from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Dict, List, Set, Tuple

from gluon_r2n2.training.config import RunConfig
from gluon_r2n2_tools import cli, config_file
from recordio.loading import POLICIES

UNSET = object()  # marks the flags that were not given
NOT_OF_THE_RUN = ("help", "config", "resume", "dry_run", "memory_report")  # of one call of the program


def given(parser: cli.Parser, argv: List[str]) -> Tuple[argparse.Namespace, Set[str]]:
    """The options, and the names of those that *argv* gives, those in the file of --config among them."""
    options = parser.parse_args(argv)
    marked = argparse.Namespace(**dict.fromkeys(vars(options), UNSET))  # argparse leaves what is set alone
    return options, {name for name, value in vars(parser.parse_args(argv, marked)).items() if value is not UNSET}


def spelt_out(parser: cli.Parser, options, decided: Dict[str, Any]) -> Dict[str, Any]:
    """All options of a run, by the name of their flag, for its config.yaml.

    Args:
        parser: of the flags.
        options: as parsed.
        decided: what weighs more than *options*, by destination; None: left out.
    """
    found = {}
    for action in parser._actions:
        value = decided.get(action.dest, getattr(options, action.dest, None))
        if action.dest in NOT_OF_THE_RUN or value in (None, ()) or (action.nargs == 0 and value != action.const):
            continue
        found[config_file.name_of(action)] = (True if action.nargs == 0 else
                                              config_file.plain(value, several=action.nargs == "+"))
    return found


def add_run(parser: cli.Parser) -> None:
    """What is trained on, and where the run lies."""
    parser.add_argument("--data", metavar="D", type=Path, required=True, help="folder made by pack_rec.py")
    parser.add_argument("--run", metavar="R", type=Path, required=True, help="folder of the run")
    parser.add_argument("--config", metavar="FILE", type=Path,
                        help="YAML file of options, as `batch-size: 8`; those of the command line outweigh it")
    parser.add_argument("--resume", action="store_true",
                        help="go on with the run at R; only options that do not change it may differ, such as --steps")
    parser.add_argument("--init-from", metavar="PATH", type=Path,
                        help="start a new run from the weights of this run, checkpoint, exported model or .params "
                             "file: those that fit in name and shape")


def add_length(group, default: RunConfig) -> None:
    """How long to train."""
    length = group.add_mutually_exclusive_group()
    length.add_argument("--steps", metavar="N", type=cli.positive_int, default=default.steps, help="updates in all")
    length.add_argument("--epochs", metavar="N", type=cli.positive_int, help="passes over the data, instead of --steps")


def add_data(group) -> None:
    """Which part of the data, and what lies behind its objects."""
    group.add_argument("--classes", metavar="NAME", nargs="+",
                       help="train on these only; names or synset numbers (default: all)")
    group.add_argument("--backgrounds", metavar="DIR", type=Path,
                       help="folder of pictures to lay behind the objects of half of the views (default: colours)")


def add_running(parser: cli.Parser, default: RunConfig):
    """Where and how a run proceeds; returns the group."""
    group = parser.add_argument_group("running")
    group.add_argument("--gpus", metavar="0,1", help="GPUs to share every batch (default: the CPU)")
    group.add_argument("--threads", metavar="N", type=cli.positive_int, default=2, help="threads that load data")
    group.add_argument("--on-bad-record", metavar="WHAT", choices=POLICIES, default="error",
                       help="error: stop; skip: take another object in its place, and report each epoch")
    for flag, what in (("checkpoint-every", "steps between checkpoints"), ("log-every", "steps per line of the log"),
                       ("validate-samples", "objects to validate on, at most"),
                       ("keep", "newest checkpoints to keep, besides the best")):
        group.add_argument(f"--{flag}", metavar="N", type=cli.positive_int, help=what,
                           default=getattr(default, flag.replace("-", "_")))
    group.add_argument("--validate-every", metavar="N", type=cli.integer(0), default=default.validate_every,
                       help="steps between validations; 0: never")
    group.add_argument("--no-tensorboard", dest="tensorboard", action="store_false",
                       help="write no curves and pictures for TensorBoard")
    return group


def share(text: str) -> float:
    """An argparse type: a number from 0 to 1."""
    value = zero_or_positive(text)
    if value > 1:
        raise argparse.ArgumentTypeError(f"wants a share from 0 to 1, got {text!r}")
    return value


def zero_or_positive(text: str) -> float:
    """An argparse type: 0, or a number above 0."""
    return 0.0 if text.strip() == "0" else cli.positive_float(text)
