"""The flags of train.py and the run that --resume goes on with -> what is trained, on what data, with what numbers."""
from __future__ import annotations

import dataclasses
import json
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Type, TypeVar

import mxnet as mx

import gluon_r2n2
from gluon_r2n2 import training
from gluon_r2n2.distributed import Exchange, share_of
from gluon_r2n2.errors import ModelError
from gluon_r2n2.evaluation import THRESHOLD_VIEWS
from gluon_r2n2.model_zoo import Config, config_from_dict, family_of
from gluon_r2n2.training import TrainingConfig, Validation
from gluon_r2n2.training.adversarial import AdversarialConfig
from gluon_r2n2.training.config import RunConfig
from gluon_r2n2_tools import packed
from gluon_r2n2_tools.train_options import MODEL_FLAGS, TRAINING_FLAGS
from recordio.errors import DataError
from recordio.loading import RECIPES, TEST, Augmentation, Loader, RecordDataset, read_backgrounds
from recordio.loading.backgrounds import Backgrounds

Numbers = TypeVar("Numbers", TrainingConfig, AdversarialConfig)
Configure = Callable[..., Tuple[RunConfig, Config]]


@dataclasses.dataclass(frozen=True)
class Setup:
    """What a training is made of, before there is a network."""

    exchange: Exchange  # with the other workers of the job
    devices: List[mx.Context]
    checkpoint: Optional[training.Checkpoint]  # that a resumed run goes on from; None: there is none yet
    saved: Optional[Dict[str, Any]]  # facts that a resumed run was made with; None: a new run
    data: RecordDataset
    held_out: Optional[RecordDataset]  # to validate on; None: there is nothing
    config: RunConfig
    model: Config
    backgrounds: Optional[Backgrounds]
    facts: Dict[str, Any]  # what every checkpoint records besides its numbers, as JSON values

    @property
    def augmentation(self) -> Augmentation:
        """Of the training; the validation has another one of the recipe."""
        return RECIPES[self.config.augmentation][0]


def resolve(options, given, exchange: Exchange, configure: Configure, *, families: Sequence[str], other: str) -> Setup:
    """Read the data set and the saved run; weigh the flags against it.

    Args:
        options: of train.py or train_gan.py.
        given: the names of those that the user gave.
        exchange: with the other workers of the job.
        configure: of options, given, what the saved run was made with (None: a new run) and the training data, the
            training numbers and the network.
        families: of the networks that this tool trains.
        other: the tool that trains the others.

    Raises:
        ModelError, DataError: what the flags name is not there, or does not fit together or with the saved run.
    """
    devices = training.contexts(options.gpus)
    checkpoint = training.newest_checkpoint(options.run) if options.resume else None
    saved = training.facts_of(checkpoint, options.run) if options.resume else None
    if saved is None and exchange.rank == 0:
        training.check_free(options.run)
    if saved is not None and family_of(config_from_dict(saved["model"])) not in families:
        raise ModelError(f"{options.run}: is a run of another kind of network; go on with it by {other}")
    data = RecordDataset(options.data, "train", classes=known_classes(options, given, saved))
    config, model = configure(options, given, saved, data)
    backgrounds = background_pictures(options, config, saved)
    facts = run_facts(options, data, model, config, backgrounds)
    if saved is not None:  # first of all: what is wrong with other options follows from their being others
        training.check_resumable(options.run, saved, facts)
    held_out = packed.open_split(options.data, "val", data.class_names)
    return Setup(exchange, devices, checkpoint, saved, data, held_out, config, model, backgrounds, facts)


def known_classes(options, given, saved):
    if saved is None or "classes" in given:
        return options.classes
    return saved["training"]["classes"]


def recurrent(options, given, saved, data: RecordDataset) -> Tuple[TrainingConfig, Config]:
    """What train.py trains: its numbers and its network."""
    return (training_config(options, given, saved, len(data), TrainingConfig, TRAINING_FLAGS),
            model_config(options, given, saved, packed.resolution(data)))


def training_config(options, given, saved, samples: int, kind: Type[Numbers], names: Sequence[str]) -> Numbers:
    """All training numbers: of the saved run, of the recipe, and of the flags, the later ones weighing more.

    Args:
        kind: of the numbers.
        names: of the flags that are such numbers.
    """
    flags = {name: getattr(options, name) for name in names if saved is None or name in given}
    if flags.get("classes"):
        flags["classes"] = tuple(flags["classes"])
    if saved is None:
        config = kind.from_recipe(options.recipe, **flags)
    else:
        if "recipe" in given:
            flags["recipe"] = options.recipe
        config = kind.from_dict({**saved["training"], **flags})
    if options.epochs:
        config = dataclasses.replace(config, steps=options.epochs * max(1, samples // config.batch_size))
    return config


def model_config(options, given, saved, resolution: int) -> gluon_r2n2.ModelConfig:
    flags = {name: getattr(options, name) for name in MODEL_FLAGS if saved is None or name in given}
    if flags.get("norm") == "none":
        flags["norm"] = None
    if saved is None:
        return gluon_r2n2.model_config(options.model, **flags, input_size=options.image_size, resolution=resolution)
    size = {"input_size": options.image_size} if "image_size" in given else {}
    values = {**saved["model"], **size, **flags, "resolution": resolution}
    if "model" in given:
        named = gluon_r2n2.model_config(options.model)
        values.update(encoder=named.encoder, cell=named.cell, kernel=named.kernel)
    return gluon_r2n2.ModelConfig.from_dict(values)


def background_pictures(options, config: RunConfig, saved) -> Optional[Backgrounds]:
    """The pictures of --backgrounds; None without."""
    folder = options.backgrounds
    if folder is None:
        if saved is not None and "backgrounds" in saved["image"]:
            raise DataError(f"{options.run}: the run lays pictures behind the objects; give their folder again with "
                            "--backgrounds")
        return None
    if config.augmentation == "original":
        raise DataError(f"--backgrounds {folder}: the recipe 'original' lays colours behind objects and nothing else; "
                        "leave it out or choose --recipe modern")
    return read_backgrounds(folder)


def run_facts(options, data: RecordDataset, model: Config, config: RunConfig,
              backgrounds: Optional[Backgrounds]) -> Dict[str, Any]:
    image: Dict[str, Any] = {}
    if family_of(model) != "gan":  # which sees no pictures
        image = {"size": config.image_size, "background": TEST.background[0],
                 "augmentation": dataclasses.asdict(RECIPES[config.augmentation][0])}
    if backgrounds is not None:
        image["backgrounds"] = {"fingerprint": backgrounds.fingerprint, "share": backgrounds.share}
    return json.loads(json.dumps({
        "version": gluon_r2n2.__version__, "model": model.as_dict(), "training": config.as_dict(),
        "image": image,
        "data": {"path": str(options.data), "fingerprint": data.fingerprint, "classes": data.class_names,
                 "samples": len(data)},
    }))


def training_loader(options, setup: Setup, views: Tuple[int, int]) -> Loader:
    """The batches, of which this worker takes its share; *views*: the range of those of an object."""
    config, exchange = setup.config, setup.exchange
    if not setup.augmentation.views_with_replacement:
        packed.check_views(setup.data, views[1], "--views")
    return Loader(setup.data, batch_size=share_of(config.batch_size, exchange), part=(exchange.rank, exchange.size),
                  views=views, seed=config.seed, shuffle=True, augmentation=setup.augmentation,
                  image_size=config.image_size, drop_last=True, threads=options.threads,
                  on_bad_record=options.on_bad_record, backgrounds=setup.backgrounds)


def validation(options, setup: Setup, most_views: int = THRESHOLD_VIEWS) -> Optional[Validation]:
    """Always the same objects, views and crops; None where nothing is held out."""
    config, held_out = setup.config, setup.held_out
    if held_out is None:
        return None
    views = sorted({1, min(most_views, held_out.view_count)})
    loader = Loader(held_out, batch_size=config.batch_size, views=views[-1], seed=config.seed,
                    augmentation=RECIPES[config.augmentation][1], image_size=config.image_size, shuffle=True,
                    drop_last=False, threads=options.threads, on_bad_record=options.on_bad_record)
    return Validation(lambda: loader.epoch(0), config.batch_size, config.validate_samples, tuple(views))
