"""Train a 3D-GAN, or with --vae a 3D-VAE-GAN, on a packed data set; interrupt it at any time, go on with --resume."""
from __future__ import annotations

import contextlib
import sys
from typing import Dict, Optional

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

import numpy as np

import gluon_r2n2
from gluon_r2n2 import training
from gluon_r2n2.distributed import Exchange
from gluon_r2n2.generative.config import FAMILIES
from gluon_r2n2.model_zoo import build, family_of
from gluon_r2n2.training.adversarial import AdversarialUpdater, GenerativeValidation
from gluon_r2n2_tools import cli, pictures, training_run
from gluon_r2n2_tools.train_gan_options import complete, configure, parse
from gluon_r2n2_tools.train_progress import Progress, conclude, discriminator, introduce
from gluon_r2n2_tools.train_setup import Setup, resolve, training_loader, validation
from recordio.errors import DataError
from recordio.loading import BadRecords, RecordDataset

ACROSS = 4  # samples in a row of TensorBoard's picture


def run(argv=None) -> int:
    options, given = parse(argv, description=__doc__)
    with contextlib.ExitStack() as held:  # the lock of the run's folder
        training_run.hold(options, held)
        training.keep_freed_memory()
        setup = resolve(options, given, Exchange(), configure, families=FAMILIES, other="train.py")
        progress = Progress(setup.config, show)
        net = build(setup.model)
        gluon_r2n2.initialise(net, setup.devices, setup.config.seed)
        first_weights = training_run.first_weights(net, options, setup)
        origin = training.provenance(setup.devices, threads=options.threads)
        log = training.RunLog(options.run, board=tensorboard(options, setup), provenance=origin)
        views = (1, 1) if family_of(setup.model) == "vae_gan" else (0, 0)
        trainer = training.Trainer(net, setup.config, contexts=setup.devices, run=options.run, log=log,
                                   loader=training_loader(options, setup, views),
                                   facts={**setup.facts, "first_weights": first_weights}, progress=progress,
                                   validation=coverage(options, setup), updater=AdversarialUpdater)
        code = training_run.train(options, setup, trainer, progress, origin, held,
                                  spelt_out=complete(options, setup.model, setup.config),
                                  introduce=lambda: introduce(options, setup, trainer))
        if code is not None:
            return code
        conclude(trainer, argv)
    return 0


def show(numbers: Dict[str, float]) -> str:
    """Of the numbers of an update, what a user follows."""
    text = f"G {numbers['loss']:.3f}, {discriminator(numbers)}"
    return text + (f", KL {numbers['divergence']:.1f}, IoU {numbers['iou']:.3f}" if "iou" in numbers else "")


def coverage(options, setup: Setup) -> Optional[GenerativeValidation]:
    """Always the same held-out shapes, latent vectors and, with --vae, pictures; None where nothing is held out."""
    held_out, config = setup.held_out, setup.config
    if held_out is None:
        return None
    count = min(len(held_out), len(setup.data), config.validate_samples)
    rebuild = validation(options, setup, most_views=1) if family_of(setup.model) == "vae_gan" else None
    skip = options.on_bad_record == "skip"
    return GenerativeValidation(lambda: grids(held_out, count, skip), lambda: grids(setup.data, count, skip),
                                config.seed, rebuild)


def grids(data: RecordDataset, count: int, skip: bool) -> np.ndarray:
    """Shapes from all over a data set, (count, V, V, V) of bool; without bad records where these are to be skipped."""
    places = np.linspace(0, len(data) - 1, count).round().astype(int)  # sorted by class: evenly from all of them
    found, bad = [], BadRecords(data.split, count, replaced=False)
    for place in places:
        try:
            found.append(data.voxels(place))
        except DataError as error:
            if not skip or count == 1:  # one is to be left
                raise
            bad.add({data.keys[place]: str(error)})
    bad.report(0)
    return np.stack(found)


def tensorboard(options, setup: Setup) -> Optional[training.TensorBoard]:
    """What writes curves and pictures of samples; None with --no-tensorboard."""

    def draw(score) -> np.ndarray:
        tiles = [pictures.voxel_picture(grid, threshold=score.threshold, size=128) for grid in score.examples]
        rows = [tiles[start:start + ACROSS] for start in range(0, len(tiles), ACROSS)]
        return pictures.sheet([[("", tile) for tile in row] for row in rows])

    return training.TensorBoard(options.run, class_names=setup.data.class_names, draw=draw) if options.tensorboard \
        else None


def main(argv=None) -> int:
    return cli.run(run, argv)


if __name__ == "__main__":
    sys.exit(main())
