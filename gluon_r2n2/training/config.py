"""What defines a training run: one frozen dataclass, filled from a named recipe and stored in every checkpoint."""
from __future__ import annotations

import dataclasses
import math
import numbers
from typing import Any, ClassVar, Dict, List, Optional, Tuple, Type, TypeVar

from gluon_r2n2.errors import ModelError, unknown_name

SCHEDULES = ("cosine", "poly", "step", "constant")
SCHEDULE_OPTIONS = {"lr_drops": ("step",), "lr_drop_factor": ("step",), "final_lr": ("cosine", "poly")}  # of which
DTYPES = ("float32", "float16")

OPTIMISERS = ("adamw", "adam", "sgd")  # see gluon_r2n2.training.optimiser

# What a recipe fixes; every value can be overridden by name. 'original' is the paper's code (lib/solver.py and
# lib/config.py there); docs/training.md says why 'modern' differs. Both start from the paper's initial values.
RECIPES = {
    "modern": dict(optimizer="adamw", learning_rate=1e-3, schedule="cosine", warmup=0.05, clip=2.0, loss_limit=None),
    "original": dict(optimizer="adam", learning_rate=1e-4, schedule="step", warmup=0.0, clip=0.0, loss_limit=2.0),
}
WEIGHT_DECAY = {"adamw": 0.01, "adam": 5e-5, "sgd": 5e-5}  # by optimizer, as it means another thing to each
SGD_RATE = 0.1  # learning rate of SGD in every recipe: the original's advice (lib/config.py there)

# Changing one of these in the middle of a run continues it; changing any other makes it another run.
RESUMABLE = ("steps", "checkpoint_every", "validate_every", "validate_samples", "log_every", "keep")

Numbers = TypeVar("Numbers", bound="RunConfig")


@dataclasses.dataclass(frozen=True)
class RunConfig:
    """The numbers that every training run has, whatever network it trains.

    Raises:
        ModelError: a value that no run can have.
    """

    # what to start anew with where numbers are not finite: in the first update, in a later one
    REMEDIES: ClassVar[Tuple[str, str]]

    steps: int = 60000  # optimiser updates in all
    batch_size: int = 8  # objects per update, over all devices
    image_size: int = 127  # edge of the network's square input, in pixels
    seed: int = 0
    classes: Optional[Tuple[str, ...]] = None  # synsets or names; None: all of the data set
    checkpoint_every: int = 500  # steps
    validate_every: int = 1000  # steps; 0: never
    validate_samples: int = 256  # objects of the validation split, at most
    log_every: int = 10  # steps per line of log.jsonl
    keep: int = 3  # newest checkpoints to keep, besides the best
    ema: float = 0.0  # decay per update of the moving average of the parameters; 0: none is kept
    accumulate: int = 1  # parts that every batch is run in, one after the other
    dtype: str = "float32"  # that the network is run in, one of DTYPES; parameters and updates are float32 always

    def __post_init__(self):
        if self.dtype not in DTYPES:
            raise unknown_name("dtype", self.dtype, DTYPES)
        for name in ("steps", "batch_size", "image_size", "checkpoint_every", "validate_samples", "log_every", "keep",
                     "accumulate"):
            if not isinstance(getattr(self, name), numbers.Integral) or getattr(self, name) < 1:
                raise ModelError(f"{name} must be an integer of at least 1, got {getattr(self, name)!r}")
        if not 0 <= self.validate_every < math.inf:
            raise ModelError(f"validate_every must be at least 0, got {self.validate_every}")
        if not 0 <= self.ema < 1:
            raise ModelError(f"ema is a decay from 0 to below 1, such as 0.999, got {self.ema}")

    @property
    def augmentation(self) -> str:
        """The name of the recipe that pictures are prepared by."""
        return "modern"

    def as_dict(self) -> Dict[str, Any]:
        """A dict of JSON values that `from_dict` turns back into an equal configuration."""
        values = dataclasses.asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls: Type[Numbers], values: Dict[str, Any]) -> Numbers:
        """Build a configuration from `as_dict`'s output; an unknown key is an error that names the nearest."""
        known = [field.name for field in dataclasses.fields(cls)]
        for key in values:
            if key not in known:
                raise unknown_name("training option", key, known)
        given: Dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value
                                 for name, value in values.items()}
        return cls(**given)


@dataclasses.dataclass(frozen=True)
class TrainingConfig(RunConfig):
    """All numbers of a training run of a recurrent network; build it with `from_recipe`.

    Raises:
        ModelError: a value that no run can have.
    """

    REMEDIES = ("another --seed or a higher --loss-limit", "a lower --lr")

    recipe: str = "modern"
    optimizer: str = "adamw"  # one of OPTIMISERS
    learning_rate: float = 1e-3  # at its highest
    schedule: str = "cosine"  # of the learning rate over the steps, one of SCHEDULES
    warmup: float = 0.05  # share of the steps over which the learning rate rises linearly from 0
    # of weights, never of biases or normalisation. adamw: share of a weight that it loses per update, times the
    # learning rate; adam, sgd: L2, that share of the weight is added to its gradient
    weight_decay: float = 0.01
    clip: float = 2.0  # norm of the whole gradient above which it is scaled down to it; 0: never
    loss_limit: Optional[float] = None  # stop above this loss, in nats per voxel; None: never
    views: Tuple[int, int] = (1, 5)  # views per object, drawn uniformly per batch from this closed range
    # of schedule 'step': updates after which the learning rate is multiplied by the factor
    lr_drops: Tuple[int, ...] = (20000, 60000)
    lr_drop_factor: float = 0.1
    final_lr: float = 0.01  # share of the learning rate that 'cosine' and 'poly' end at
    lr_mult: Tuple[str, ...] = ()  # 'PATTERN=FACTOR' on the learning rate, see gluon_r2n2.training.layers
    freeze: Tuple[str, ...] = ()  # patterns of the parameters that do not learn
    recompute: bool = False  # run the encoder twice instead of keeping its feature maps, see .recompute
    adversarial: float = 0.0  # weight of a discriminator's loss beside the voxel loss, see .adversarial.term; 0: none

    def __post_init__(self):
        super().__post_init__()
        if self.recipe not in RECIPES:
            raise unknown_name("recipe", self.recipe, RECIPES)
        if self.optimizer not in OPTIMISERS:
            raise unknown_name("optimizer", self.optimizer, OPTIMISERS)
        if self.schedule not in SCHEDULES:
            raise unknown_name("schedule", self.schedule, SCHEDULES)
        for name in ("weight_decay", "clip", "adversarial"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ModelError(f"{name} must be at least 0, got {getattr(self, name)}")
        if len(self.views) != 2 or not 1 <= self.views[0] <= self.views[1]:
            raise ModelError(f"views must be a range such as (1, 5), got {self.views!r}")
        if not 0 < self.learning_rate < math.inf:
            raise ModelError(f"learning_rate must be above 0, got {self.learning_rate}")
        if self.loss_limit is not None and not self.loss_limit > 0:
            raise ModelError(f"loss_limit must be above 0, got {self.loss_limit}")
        if not 0 <= self.warmup < 1:
            raise ModelError(f"warmup is a share of the steps from 0 to below 1, got {self.warmup}")
        if self.adversarial and self.accumulate > 1:
            raise ModelError("the discriminator of --adversarial judges whole batches, which --accumulate "
                             f"{self.accumulate} divides; leave one of them out")
        self._check_schedule()

    @property
    def augmentation(self) -> str:
        """The name of the recipe that pictures are prepared by."""
        return self.recipe

    def _check_schedule(self) -> None:
        drops = self.lr_drops
        if not all(isinstance(drop, numbers.Integral) and drop > 0 for drop in drops) or list(drops) != sorted(
                set(drops)):
            raise ModelError(f"lr_drops must be ascending numbers of updates, such as (20000, 60000), got {drops!r}")
        if not 0 < self.lr_drop_factor <= 1:
            raise ModelError(f"lr_drop_factor must be above 0 and at most 1, got {self.lr_drop_factor}")
        if not 0 <= self.final_lr <= 1:
            raise ModelError(f"final_lr is a share of the learning rate from 0 to 1, got {self.final_lr}")
        for name, schedules in SCHEDULE_OPTIONS.items():
            if self.schedule not in schedules and getattr(self, name) != getattr(type(self), name):
                raise ModelError(f"{name} belongs to schedule {' or '.join(schedules)}, this run has "
                                 f"{self.schedule!r}; choose another --schedule or leave it out")

    @classmethod
    def from_recipe(cls, recipe: str = "modern", **overrides) -> TrainingConfig:
        """The recipe's configuration with the overrides that are not None.

        Weight decay follows the optimizer unless it is given, and so does the learning rate of SGD.
        """
        if recipe not in RECIPES:
            raise unknown_name("recipe", recipe, RECIPES)
        overrides = {name: value for name, value in overrides.items() if value is not None}
        values: Dict[str, Any] = {**RECIPES[recipe], "recipe": recipe}
        optimizer = overrides.get("optimizer", values["optimizer"])
        if optimizer in WEIGHT_DECAY:  # another one is refused below
            values["weight_decay"] = WEIGHT_DECAY[optimizer]
        if optimizer == "sgd":
            values["learning_rate"] = SGD_RATE
        return cls(**{**values, **overrides})


def differences(saved: Dict[str, Any], wanted: Dict[str, Any], *, what: str) -> List[str]:
    """Sentences, one per key, that say where a resumed run differs from the saved one in what must not change.

    Args:
        saved, wanted: flat dicts of JSON values.
        what: the kind of thing compared, for the sentences.
    """
    keys = [key for key in {**saved, **wanted} if key not in RESUMABLE]
    return [f"{what} {key} was {saved.get(key)!r} and is now {wanted.get(key)!r}"
            for key in keys if saved.get(key) != wanted.get(key)]
