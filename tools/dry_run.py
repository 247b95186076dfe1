"""What a training would do, as text: network, data, batches, schedule, files. For train.py --dry-run."""
from __future__ import annotations

import collections
import math
from pathlib import Path
from typing import Any, Dict, List

from gluon_r2n2 import model_name, training
from gluon_r2n2.complexity import complexity_of
from gluon_r2n2.model_zoo import model_title
from gluon_r2n2.training.adversarial.term import GATE, RATE, discriminator_of
from gluon_r2n2.training.arrays import named_parameters
from gluon_r2n2.training.config import SCHEDULE_OPTIONS
from gluon_r2n2.training.schedule import learning_rate
from gluon_r2n2_tools.train_setup import Setup
from recordio.records import read_manifest

BAR = 40  # characters of the highest learning rate
POINTS = 9  # learning rates shown, besides the first and the end of the warm-up
MEGA, GIGA = 1e6, 1e9


def describe(options, setup: Setup, net) -> str:
    """Return the text.

    Args:
        options: of train.py.
        setup: what they mean.
        net: the initialised network.
    """
    config, checkpoint = setup.config, setup.checkpoint
    step = checkpoint.state["step"] if checkpoint else 0
    parts = [("network", _network(net)), ("data", _data(options.data, setup.data, setup.held_out)),
             ("training", _training(options, setup, step)),
             ("learning rate", _schedule(config, step)), ("files", _files(options.run, net, config, _judging(setup)))]
    if setup.saved is not None:
        parts.insert(0, ("resumed", _resumed(options.run, config, checkpoint, setup.saved)))
    lines = [line for title, rows in parts for line in [title, *(f"  {row}" for row in rows), ""]]
    return "\n".join([*lines, "dry run: nothing was written; leave --dry-run out to train"])


def _network(net) -> List[str]:
    config, cost = net.config, complexity_of(net)
    name = model_name(config)
    title = name if name == "custom" else f"{name} ({model_title(name)})"
    rows = [f"{title}, width {config.width:g}; encoder {config.encoder}, {config.cell} of kernel {config.kernel}, "
            f"norm {config.norm or 'none'}, upsample {config.upsample}, leak {config.leak:g}",
            f"{config.input_size}x{config.input_size} pixels -> {'x'.join([str(config.resolution)] * 3)} voxels",
            f"{cost.parameters / MEGA:.2f} million parameters that learn:"]
    sizes: Dict[str, int] = collections.OrderedDict()
    for place, parameter in named_parameters(net).items():
        part = place.split(".")[0]
        sizes[part] = sizes.get(part, 0) + (_size(parameter) if parameter.grad_req != "null" else 0)
    rows += [f"  {part:<12}{size:>12,}" for part, size in sizes.items()]
    rows.append(f"{cost.per_view / GIGA:.2f} GFLOP per view and {cost.decoder / GIGA:.2f} per object, forward")
    return rows


def _data(path: Path, data, held_out) -> List[str]:
    manifest = read_manifest(path)
    counts = {split: collections.Counter(key.split("/", 1)[0] for shard in manifest.of(split) for key in shard.keys)
              for split in manifest.splits}
    width = max(len(name) for name in [*data.class_names.values(), "class"])
    rows = [f"{path}, fingerprint {data.fingerprint[:16]}",
            f"{len(data)} objects to train on, {len(held_out) if held_out else 'none'} to validate on; "
            f"at least {data.view_count} views of each",
            f"{'class':<{width}}  " + "  ".join(f"{split:>7}" for split in counts)]
    for synset, name in data.class_names.items():
        rows.append(f"{name:<{width}}  " + "  ".join(f"{count[synset]:>7}" for count in counts.values()))
    return rows


def _training(options, setup: Setup, step: int) -> List[str]:
    config = setup.config
    batches, left = divmod(len(setup.data), config.batch_size)
    low, high = config.views
    rows = [f"on {training.describe(setup.devices)}; {options.threads} thread{'s' * (options.threads > 1)} to load "
            f"data; seed {config.seed}",
            f"batches of {config.batch_size} objects" + _share(setup)
            + f", {low if low == high else f'{low} to {high}'} views each",
            f"an epoch is {batches} batches" + (f" ({left} objects, others each time, are left out)" if left else ""),
            f"steps {step + 1} to {config.steps}, {(config.steps - step) / batches:.1f} epochs"
            if step < config.steps else f"nothing to do: step {step} of {config.steps} is reached",
            f"recipe {config.recipe}:"]
    shown = ("recipe", "steps", "batch_size", "views", "seed", "image_size", "classes", "checkpoint_every",
             "validate_every", "validate_samples", "log_every", "keep")
    values = {name: value for name, value in config.as_dict().items()
              if name not in shown and config.schedule in SCHEDULE_OPTIONS.get(name, [config.schedule])}
    width = max(map(len, values))
    rows += [f"  {name:<{width}}  {_text(value)}" for name, value in values.items()]
    if config.adversarial:
        rows.append(f"judged by a discriminator of {_judging(setup) / MEGA:.2f} million parameters, Adam at {RATE:g}; "
                    f"it learns from a batch of which it tells at most {GATE:.0%} rightly")
    return rows


def _judging(setup: Setup) -> int:
    """The parameters of the discriminator of --adversarial; 0 without."""
    discriminator = discriminator_of(setup.model)
    sizes = [math.prod(parameter.shape) for parameter in discriminator.collect_params().values()]
    return sum(sizes) if setup.config.adversarial else 0


def _share(setup: Setup) -> str:
    devices, workers = len(setup.devices), setup.exchange.size
    parts = devices * workers * setup.config.accumulate
    if parts == 1:
        return ""
    places = ([f"each of {devices} devices"] if devices > 1 else []) + (
        [f"each of {workers} workers"] if workers > 1 else [])
    return f", {setup.config.batch_size // parts} at a time" + (f" on {' of '.join(places)}" if places else "")


def _schedule(config: training.TrainingConfig, step: int) -> List[str]:
    warmup = int(round(config.warmup * config.steps))
    left = config.steps - step
    steps = sorted({step + 1, max(step + 1, warmup), *(step + -(-left * place // POINTS)
                                                       for place in range(1, POINTS + 1))}) if left > 0 else []
    rates = {each: learning_rate(config, each) for each in steps}
    highest, width = max(rates.values(), default=0.0), len(str(config.steps))
    rows = [f"{config.schedule}" + (f", warm-up over {warmup} steps" if warmup > 1 else "")]
    for each, rate in rates.items():
        rows.append(f"step {each:>{width}}  {rate:.2e}  {'#' * max(1, round(BAR * rate / highest))}")
    return rows


def _files(run: Path, net, config: training.TrainingConfig, judging: int) -> List[str]:
    numbers = sum(_size(parameter) for parameter in net.collect_params().values())
    learning = sum(_size(parameter) for parameter in net.collect_params().values() if parameter.grad_req != "null")
    arrays = 1 if config.optimizer == "sgd" else 2  # velocity; mean and variance
    # bytes, float32; of the discriminator with mean and variance
    each = 4 * (numbers * (2 if config.ema else 1) + arrays * learning + 3 * judging)
    return [f"{run.resolve()}",
            f"a checkpoint every {config.checkpoint_every} steps, about {each / MEGA:.1f} MB; the newest {config.keep} "
            f"and the best are kept, {(config.keep + 1) * each / MEGA:.0f} MB, and one more while it is written",
            (f"validation every {config.validate_every} steps on up to {config.validate_samples} objects"
             if config.validate_every else "no validation") + f", a line of log.jsonl every {config.log_every} steps"]


def _resumed(run: Path, config: training.TrainingConfig, checkpoint, saved: Dict[str, Any]) -> List[str]:
    before = training.TrainingConfig.from_dict(saved["training"]).as_dict()
    rows = [f"from {checkpoint.folder}, step {checkpoint.state['step']}" if checkpoint else
            f"{run}: no checkpoint yet, from the start"]
    rows += [f"{name}: {_text(before[name])} -> {_text(value)}" for name, value in config.as_dict().items()
             if before[name] != value]
    return rows if len(rows) > 1 else [*rows, "with the options that it was started with"]


def _size(parameter) -> int:
    return parameter.data(parameter.list_ctx()[0]).size


def _text(value: Any) -> str:
    if value is None or value == []:
        return "none"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
