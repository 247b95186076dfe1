"""The command line of train_gan.py: its flags, their defaults, and which of them were given."""
from __future__ import annotations

import sys
from typing import Any, Dict

from gluon_r2n2 import ModelError
from gluon_r2n2.generative import PRIORS, GenerativeConfig
from gluon_r2n2.model_zoo import Config, family_of, model_config
from gluon_r2n2.training.adversarial import LOSSES, RECIPES, AdversarialConfig
from gluon_r2n2_tools import cli, config_file, packed, run_options, train_setup
from recordio.loading import RecordDataset

MODEL_FLAGS = ("width", "latent", "prior", "leak")
TRAINING_FLAGS = ("batch_size", "image_size", "seed", "classes", "steps", "checkpoint_every", "validate_every",
                  "validate_samples", "log_every", "keep", "ema", "lr_generator", "lr_discriminator", "lr_encoder",
                  "beta1", "gate", "loss", "divergence_weight", "reconstruction_weight", "adversarial_weight")
OF_PICTURES = ("image_size", "lr_encoder", "divergence_weight", "reconstruction_weight", "backgrounds")  # --vae's
MODELS = {False: "3d_gan", True: "3d_vae_gan"}  # by --vae


def parse(argv=None, *, description: str):
    """Return the options and the set of those that were given; the recipe decides the others left at None."""
    parser = make_parser(description)
    argv = config_file.expand(parser, sys.argv[1:] if argv is None else argv)
    options, given = run_options.given(parser, argv)
    if options.resume and options.init_from:
        parser.error("--resume goes on with the run at R, --init-from starts a new one; give one of them")
    for name in OF_PICTURES:
        if name in given and not options.vae and not options.resume:
            parser.error(f"--{name.replace('_', '-')} is for --vae, which sees pictures; give --vae or leave it out")
    return options, given


def configure(options, given, saved, data: RecordDataset):
    """What train_gan.py trains, as `train_setup.resolve` asks for it: its numbers and its network."""
    config = train_setup.training_config(options, given, saved, len(data), AdversarialConfig, TRAINING_FLAGS)
    flags = {name: getattr(options, name) for name in MODEL_FLAGS if saved is None or name in given}
    name = MODELS[options.vae]
    if saved is not None:
        flags = {**saved["model"], **flags}
        if "vae" in given and family_of(model_config(name)) != flags["family"]:
            raise ModelError(f"{options.run}: the run is of a 3D-GAN, which --vae is not; leave --vae out, or choose "
                             "another folder")
        name = MODELS[flags["family"] == "vae_gan"]
    sizes = {"resolution": packed.resolution(data), "input_size": config.image_size}
    return config, model_config(name, **{**flags, **sizes})


def complete(options, model: Config, config: AdversarialConfig) -> Dict[str, Any]:
    """All options of a run, by the name of their flag: what the recipe decided is spelled out, the rest as given."""
    decided = {**{name: getattr(model, name) for name in MODEL_FLAGS}, "vae": family_of(model) == "vae_gan",
               **{name: getattr(config, name) for name in TRAINING_FLAGS}, "recipe": config.recipe, "epochs": None}
    if not decided["vae"]:
        decided.update(dict.fromkeys(OF_PICTURES))
    return run_options.spelt_out(make_parser(""), options, decided)


def make_parser(description: str) -> cli.Parser:
    default = AdversarialConfig()
    parser = cli.Parser(prog="r2n2-train-gan", description=description)
    run_options.add_run(parser)
    group = parser.add_argument_group("network")
    group.add_argument("--vae", action="store_true",
                       help="3D-VAE-GAN: an image encoder as well, for reconstruction from pictures")
    group.add_argument("--width", metavar="X", type=cli.positive_float, default=0.5,
                       help="factor on all channel counts of the paper")
    group.add_argument("--latent", metavar="N", type=cli.positive_int, default=GenerativeConfig.latent,
                       help="length of a latent vector")
    group.add_argument("--prior", metavar="NAME", choices=PRIORS, default=GenerativeConfig.prior,
                       help="that latent vectors are drawn from: normal, or uniform in [0, 1]; --vae is normal")
    group.add_argument("--leak", metavar="X", type=run_options.zero_or_positive, default=GenerativeConfig.leak,
                       help="slope of the discriminator's LeakyReLU below 0")
    group.add_argument("--image-size", metavar="S", type=cli.positive_int, default=default.image_size,
                       help="edge of the image encoder's input, pixels; the paper's is 256")
    group = parser.add_argument_group("training")
    run_options.add_length(group, default)
    group.add_argument("--recipe", metavar="NAME", choices=RECIPES, default=default.recipe,
                       help="modern, or paper: the numbers that the paper gives (docs/generative.md)")
    group.add_argument("--batch-size", metavar="N", type=cli.positive_int,
                       help="objects per update, over all devices (default: the recipe's)")
    run_options.add_data(group)
    for flag, what in (("lr-generator", "Adam's learning rate of the generator"),
                       ("lr-discriminator", "of the discriminator"), ("lr-encoder", "of the image encoder")):
        group.add_argument(f"--{flag}", metavar="X", type=cli.positive_float,
                           help=f"{what} (default: the recipe's)")
    group.add_argument("--beta1", metavar="X", type=run_options.share, default=default.beta1,
                       help="Adam's decay of the mean gradient")
    group.add_argument("--gate", metavar="X", type=run_options.share, default=default.gate,
                       help="the discriminator learns from a batch only if it judged at most this share of it rightly; "
                            "1: always")
    group.add_argument("--loss", metavar="NAME", choices=LOSSES, default=default.loss,
                       help=f"the generator's, of {', '.join(LOSSES)}")
    group.add_argument("--adversarial-weight", metavar="X", type=run_options.zero_or_positive,
                       default=default.adversarial_weight, help="of that loss")
    group.add_argument("--divergence-weight", metavar="X", type=run_options.zero_or_positive,
                       help="of the KL divergence, in nats (default: the recipe's)")
    group.add_argument("--reconstruction-weight", metavar="X", type=run_options.zero_or_positive,
                       help="of the squared error, summed over the voxels (default: the recipe's)")
    group.add_argument("--ema", metavar="X", type=run_options.share,
                       help="decay of the moving average of the parameters, which samples are made with; 0: none "
                            "(default: the recipe's)")
    group.add_argument("--seed", metavar="N", type=cli.integer(0), default=default.seed,
                       help="draws the first weights, the order of the objects and the latent vectors")
    run_options.add_running(parser, default)
    return parser
