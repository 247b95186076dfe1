"""The command line of train.py: its flags, their defaults, and which of them were given."""
from __future__ import annotations

import argparse
import re
import sys
from typing import Any, Dict

import gluon_r2n2
from gluon_r2n2 import training
from gluon_r2n2.distributed import KV_STORES
from gluon_r2n2.training import TrainingConfig
from gluon_r2n2_tools import cli, config_file, run_options

MODEL_FLAGS = ("width", "hidden", "norm", "upsample", "leak")
TRAINING_FLAGS = ("batch_size", "views", "image_size", "seed", "classes", "optimizer", "learning_rate", "schedule",
                  "weight_decay", "clip", "loss_limit", "steps", "checkpoint_every", "validate_every",
                  "validate_samples", "log_every", "keep", "warmup", "lr_drops", "lr_drop_factor", "final_lr",
                  "lr_mult", "freeze", "accumulate", "ema", "dtype", "recompute", "adversarial")


def parse(argv=None, *, description: str):
    """Return the options and the set of those that were given; the recipe decides the others left at None.

    Those in the file of --config are given too.
    """
    parser = make_parser(description)
    argv = config_file.expand(parser, sys.argv[1:] if argv is None else argv)
    options, given = run_options.given(parser, argv)
    if options.resume and options.init_from:
        parser.error("--resume goes on with the run at R, --init-from starts a new one; give one of them")
    if options.pretrained_backbone and (options.resume or options.init_from):
        parser.error("--pretrained-backbone gives a new run its first weights, which --resume and --init-from bring "
                     "along; leave it out")
    return options, given


def complete(options, model: gluon_r2n2.ModelConfig, config: TrainingConfig) -> Dict[str, Any]:
    """All options of a run, by the name of their flag: what the recipe decided is spelled out, the rest as given.

    Args:
        options: as parsed.
        model, config: what the run was started with; they weigh more than *options*, whose defaults a resumed run
            need not have.
    """
    decided = {**{name: getattr(model, name) for name in MODEL_FLAGS}, "model": gluon_r2n2.model_name(model),
               **{name: getattr(config, name) for name in TRAINING_FLAGS}, "recipe": config.recipe, "epochs": None}
    decided["norm"] = decided["norm"] or "none"
    return run_options.spelt_out(make_parser(""), options, decided)


def make_parser(description: str) -> cli.Parser:
    default = TrainingConfig()
    parser = cli.Parser(prog="r2n2-train", description=description)
    run_options.add_run(parser)
    group = parser.add_argument_group("network")
    group.add_argument("--model", metavar="NAME", default="res3d_gru_3", choices=gluon_r2n2.list_models("recurrent"),
                       help="one of " + ", ".join(gluon_r2n2.list_models("recurrent")))
    group.add_argument("--width", metavar="X", type=cli.positive_float, default=1.0,
                       help="factor on all channel counts")
    group.add_argument("--hidden", metavar="N", type=cli.positive_int,
                       help="channels of the recurrent state (default: 128, times --width)")
    group.add_argument("--norm", metavar="KIND", choices=("none", "batch"), default="none",
                       help="normalisation: none or batch")
    group.add_argument("--upsample", metavar="KIND", choices=("unpool", "trilinear", "trilinear_frozen", "deconv"),
                       default="unpool", help="of the decoder: unpool, trilinear, trilinear_frozen or deconv")
    group.add_argument("--leak", metavar="X", type=run_options.zero_or_positive, default=gluon_r2n2.ModelConfig.leak,
                       help="slope of LeakyReLU below 0; the paper says 0.1, its code 0.01")
    group.add_argument("--pretrained-backbone", action="store_true",
                       help="start from gluon-cv's ImageNet weights; for resnet18_gru_3 and mobilenetv2_gru_3")
    group.add_argument("--image-size", metavar="S", type=cli.positive_int, default=default.image_size,
                       help="edge of the network's input, pixels")
    group = parser.add_argument_group("training")
    run_options.add_length(group, default)
    group.add_argument("--batch-size", metavar="N", type=cli.positive_int, default=default.batch_size,
                       help="objects per update, over all devices")
    group.add_argument("--views", metavar="A-B", type=view_range, default="{}-{}".format(*default.views),
                       help="views per object, a number or a range from which each batch draws one")
    run_options.add_data(group)
    group.add_argument("--recipe", metavar="NAME", choices=training.RECIPES, default=default.recipe,
                       help="modern, or original: as the paper's code, its augmentation included (docs/training.md)")
    group.add_argument("--optimizer", metavar="NAME", choices=training.OPTIMISERS,
                       help="adamw, or the original's adam or sgd (default: the recipe's)")
    group.add_argument("--lr", dest="learning_rate", metavar="X", type=cli.positive_float,
                       help="highest learning rate (default: the recipe's)")
    group.add_argument("--schedule", metavar="NAME", choices=training.SCHEDULES,
                       help=f"of the learning rate: {', '.join(training.SCHEDULES)} (default: the recipe's)")
    group.add_argument("--warmup", metavar="X", type=run_options.share,
                       help="share of the steps over which the learning rate rises from 0 (default: the recipe's)")
    group.add_argument("--lr-drops", metavar="N", nargs="+", type=cli.positive_int, action=Collect,
                       help="of schedule step: updates after which the learning rate drops (default: 20000 60000)")
    group.add_argument("--lr-drop-factor", metavar="X", type=cli.positive_float,
                       help="what the learning rate is multiplied by at each of them (default: 0.1)")
    group.add_argument("--final-lr", metavar="X", type=run_options.share,
                       help="share of the learning rate that cosine and poly end at (default: 0.01)")
    group.add_argument("--lr-mult", metavar="PATTERN=X", nargs="+", action=Collect,
                       help="factor on the learning rate of parameters, as encoder=0.1 (docs/training.md)")
    group.add_argument("--freeze", metavar="PATTERN", nargs="+", action=Collect,
                       help="parameters that do not learn: backbone, upsampling, encoder, '*.bias', ...")
    group.add_argument("--weight-decay", metavar="X", type=run_options.zero_or_positive,
                       help="of weights: decoupled in adamw, else L2 (default: the optimizer's)")
    group.add_argument("--clip", metavar="X", type=run_options.zero_or_positive,
                       help="norm to which a larger gradient is scaled down; 0: never (default: the recipe's)")
    group.add_argument("--loss-limit", metavar="X", type=cli.positive_float,
                       help="stop where the loss is above this (default: the recipe's)")
    group.add_argument("--accumulate", metavar="N", type=cli.positive_int,
                       help="run every batch in N parts, for 1/N of the memory and the same update (default: 1)")
    group.add_argument("--recompute", action="store_true", default=None,
                       help="run the encoder twice instead of keeping its feature maps: memory that does not grow with "
                            "the views, for about a third more time (docs/memory.md)")
    group.add_argument("--ema", metavar="X", type=run_options.share,
                       help="decay of a moving average of the parameters, as 0.999, which is then validated and "
                            "exported; 0: none (default: 0)")
    group.add_argument("--adversarial", metavar="W", type=run_options.zero_or_positive,
                       help="add W times the loss that a discriminator, learning beside the network, gives its output "
                            "(default: 0, none; docs/training.md)")
    group.add_argument("--dtype", metavar="NAME", choices=training.DTYPES,
                       help="float32, or float16 with loss scaling, on GPUs (default: float32)")
    group.add_argument("--seed", metavar="N", type=cli.integer(0), default=default.seed,
                       help="draws the first weights, the order of the objects and their augmentation")
    group = run_options.add_running(parser, default)
    group.add_argument("--kv-store", metavar="NAME", choices=KV_STORES, default="local",
                       help=f"{', '.join(KV_STORES)}: how gradients are summed over the workers that tools/launch.py "
                            "started (docs/distributed.md)")
    group.add_argument("--compress-gradients", metavar="X", type=cli.positive_float,
                       help="send each entry of the gradient as -X, 0 or X and the rest later, in 2 bits; not exact")
    group.add_argument("--memory-report", action="store_true",
                       help="show what memory an update will take, by layer, and at the end what was taken")
    group.add_argument("--dry-run", action="store_true",
                       help="show network, data, schedule and what would be written, then stop; writes nothing")
    return parser


def view_range(text: str):
    """An argparse type: `3` or `1-5` -> (lowest, highest)."""
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    low, high = (int(match.group(1)), int(match.group(2) or match.group(1))) if match else (0, 0)
    if not 1 <= low <= high:
        raise argparse.ArgumentTypeError(f"wants a number of views or a range like 1-5, got {text!r}")
    return low, high


class Collect(argparse.Action):
    """An argparse action: a tuple of the values of all occurrences of the flag."""

    def __call__(self, parser, namespace, values, option_string=None):
        before = getattr(namespace, self.dest)
        setattr(namespace, self.dest, (before if isinstance(before, tuple) else ()) + tuple(values))
