"""tools/sample.py, first step: a run and the flags -> the latent vectors of all shapes, by name."""
from __future__ import annotations

import string
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Dict, List, Tuple

import mxnet as mx
import numpy as np

from gluon_r2n2 import training
from gluon_r2n2.deployment import Artefact, PreparedView, prepare
from gluon_r2n2.deployment.preprocess import network_input
from gluon_r2n2.errors import ModelError
from gluon_r2n2.generative import draw_latents, interpolate
from gluon_r2n2.model_zoo import RECURRENT, family_of, model_name, model_title
from gluon_r2n2_tools.sample_options import Term, written
from recordio.errors import DataError
from recordio.layouts import read_rgba

LETTERS = string.ascii_lowercase  # names of pictures


@dataclass(frozen=True)
class Way:
    """From one shape to another."""

    first: str  # names
    second: str
    path: str  # one of PATHS
    latents: np.ndarray  # (steps, L) float32


@dataclass
class Latents:
    """All latent vectors (L,) float32, by the names of their shapes, and what they are of."""

    samples: Dict[str, np.ndarray] = field(default_factory=dict)
    images: Dict[str, np.ndarray] = field(default_factory=dict)
    sums: Dict[str, np.ndarray] = field(default_factory=dict)  # by expression
    terms: Dict[str, List[Term]] = field(default_factory=dict)  # by expression
    ways: List[Way] = field(default_factory=list)
    views: Dict[str, Tuple[Path, PreparedView]] = field(default_factory=dict)  # of images

    def of(self, name: str, flag: str) -> np.ndarray:
        """The vector of a sample or a picture.

        Raises:
            DataError: there is none of that name; *flag* asked for it.
        """
        for known in (self.samples, self.images):
            if name in known:
                return known[name]
        groups = [f"{next(iter(known))} to {list(known)[-1]} ({what})"
                  for known, what in ((self.samples, "samples"), (self.images, "pictures")) if known]
        raise DataError(f"{flag}: there is no shape {name!r}; the shapes are {' and '.join(groups)}")


def open_generator(path: Path, gpus) -> Tuple[Any, Dict[str, Any]]:
    """A 3D-GAN or 3D-VAE-GAN of a run or checkpoint, and what is known of it; see `training.load_network`.

    Raises:
        ModelError: no run, a damaged one, or one of another kind of network.
    """
    net, info = training.load_network(path, training.contexts(gpus)[0])
    if family_of(net.config) == RECURRENT:
        name = model_name(net.config)
        kind = "a recurrent network" if name == "custom" else model_title(name)
        raise ModelError(f"{path}: is a run of {kind}, which makes shapes out of pictures only; give a run of "
                         "train_gan.py, or reconstruct with reconstruct.py")
    return net, info


def make_latents(net, info: Dict[str, Any], options) -> Latents:
    """Draw, encode, add and interpolate as *options* say; *options.path* is one of PATHS.

    Raises:
        DataError: a picture that cannot be used, or a shape that is not there.
        ModelError: pictures for a network without an encoder.
    """
    found = Latents()
    drawn = draw_latents(net.config, options.count, np.random.default_rng(options.seed))
    found.samples = {str(number): latent for number, latent in enumerate(drawn)}
    if options.images:
        found.views = dict(zip(LETTERS, read_views(net, info, options)))
        found.images = {name: encode(net, view) for name, (_, view) in found.views.items()}
    for sum_of in options.arithmetic:
        name = written(sum_of)
        found.terms[name] = sum_of
        found.sums[name] = np.sum([sign * found.of(term, "--arithmetic") for sign, term in sum_of], axis=0,
                                  dtype=np.float32)
    pairs = options.interpolate or [names[:2] for names in (list(found.images), list(found.samples))
                                    if len(names) > 1][:1]
    for first, second in dict.fromkeys(map(tuple, pairs)):
        ends = [found.of(name, "--interpolate") for name in (first, second)]
        found.ways.append(Way(first, second, options.path, interpolate(*ends, options.steps, path=options.path)))
    return found


def read_views(net, info: Dict[str, Any], options) -> List[Tuple[Path, PreparedView]]:
    """The pictures in the form of the training data."""
    if not hasattr(net, "encoder"):
        raise ModelError(f"--images: {options.run} is a 3D-GAN, which has no image encoder; give a run of a 3D-VAE-GAN "
                         "(train_gan.py --vae), or leave the pictures out")
    if len(options.images) > len(LETTERS):
        raise DataError(f"--images: {len(options.images)} pictures were given, there are names for {len(LETTERS)}; "
                        "give fewer at a time")
    rules, views = Artefact.of(net, info).preprocessing, []
    for path in options.images:
        image = read_rgba(path)
        try:
            views.append((path, prepare(image, rules)))
        except ModelError as error:
            raise DataError(f"{path}: {error}") from error
    return views


def encode(net, view: PreparedView) -> np.ndarray:
    """The mean (L,) of the Gaussian that the encoder sees in one picture."""
    image = mx.nd.array(network_input([view.image])[0], ctx=net.reference.list_ctx()[0])  # (1, 3, S, S)
    return net.gaussian(image)[0].asnumpy()[0]
