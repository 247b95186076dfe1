"""Train a network on a packed data set; interrupt it at any time and go on with --resume."""
from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shlex
import sys
from typing import Optional

if not __package__:
    import _checkout  # noqa: F401  (run as a file: makes the checkout importable)

from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm

import gluon_r2n2
from gluon_r2n2 import distributed, files, training
from gluon_r2n2.evaluation import THRESHOLD_VIEWS
from gluon_r2n2.memory import Peak, plan_training
from gluon_r2n2.training import TrainingConfig, Validation
from gluon_r2n2.training.runs import CHECKPOINTS, CONFIG, ENVIRONMENT
from gluon_r2n2_tools import cli, config_file, dry_run, packed, pictures
from gluon_r2n2_tools.first_weights import give_first_weights, repeat_first_weights
from gluon_r2n2_tools.train_options import MODEL_FLAGS, TRAINING_FLAGS, complete, parse
from recordio.errors import DataError
from recordio.loading import RECIPES, TEST, Augmentation, Loader, RecordDataset, read_backgrounds

FAILED = 1


def run(argv=None) -> int:
    options, given = parse(argv, description=__doc__)
    with contextlib.ExitStack() as held:  # the lock of the run's folder
        return train(options, given, held, argv)


def train(options, given, held: contextlib.ExitStack, argv) -> int:
    exchange = distributed.Exchange() if options.dry_run else distributed.connect(
        options.kv_store, compress=options.compress_gradients)
    first = exchange.rank == 0  # who alone writes into the folder of the run
    there = any((options.run / name).exists() for name in (CONFIG, CHECKPOINTS))
    if first and there and options.resume and not options.dry_run:
        held.enter_context(training.only_writer(options.run))  # before its newest checkpoint is looked for
    training.keep_freed_memory()
    devices = training.contexts(options.gpus)
    checkpoint = training.newest_checkpoint(options.run) if options.resume else None
    saved = training.facts_of(checkpoint, options.run) if options.resume else None
    if first and saved is None:
        training.check_free(options.run)
    data = RecordDataset(options.data, "train", classes=known_classes(options, given, saved))
    config = training_config(options, given, saved, len(data))
    model = model_config(options, given, saved, packed.resolution(data))
    backgrounds = background_pictures(options, config, saved)
    facts = run_facts(options, data, model, config, backgrounds)
    held_out = packed.open_split(options.data, "val", data.class_names)

    peak = Peak(devices)
    net = gluon_r2n2.R2N2(model)
    gluon_r2n2.initialise(net, devices, config.seed)
    if saved is None:
        facts["first_weights"] = give_first_weights(net, devices, options.init_from, options.pretrained_backbone)
    else:
        facts["first_weights"] = saved.get("first_weights", {})
        if checkpoint is None:
            repeat_first_weights(net, devices, facts["first_weights"])
    if not augmentation(config).views_with_replacement:
        packed.check_views(data, config.views[1], "--views")
    share = distributed.share_of(config.batch_size, exchange)
    loader = Loader(data, batch_size=share, part=(exchange.rank, exchange.size), views=config.views, seed=config.seed,
                    shuffle=True, augmentation=augmentation(config), image_size=config.image_size, drop_last=True,
                    threads=options.threads, on_bad_record=options.on_bad_record, backgrounds=backgrounds)
    origin = training.provenance(devices, threads=options.threads)
    log = training.RunLog(options.run, board=tensorboard(options, data.class_names) if first else None,
                          provenance=origin)
    progress = Progress(config)
    trainer = training.Trainer(net, config, contexts=devices, run=options.run, loader=loader, facts=facts,
                               progress=progress if first else lambda numbers: None, log=log, exchange=exchange,
                               validation=validation(options, config, held_out))
    plan = plan_training(net, config, devices=len(devices), on_cpu=devices[0].device_type == "cpu",
                         prefetch=loader.prefetch, share=exchange.size)
    if options.memory_report and first:
        print(plan.table(), end="\n\n", flush=True)
    if options.dry_run:
        if saved is not None:
            training.check_resumable(options.run, saved, facts)
        print(dry_run.describe(options, net, config, data, held_out, devices, checkpoint, saved))
        return 0
    try:
        with training.StopRequest() as stop:  # from here on there is a run to go on with
            if saved is not None:
                if first:
                    training.resume_run(options.run, saved, facts)
                else:
                    training.check_resumable(options.run, saved, facts)
                trainer.resume(checkpoint)
            elif first:
                held.enter_context(training.only_writer(options.run))
                training.start_run(options.run, facts)
            if first:
                write_origin(options, model, config, origin)
                introduce(options, net, config, data, held_out, devices, trainer.step, exchange)
            with logging_redirect_tqdm(), progress.bar(trainer.step):
                finished = trainer.fit(stop)
    except (training.TrainingStopped, training.NotSaved) as error:
        print(f"{os.path.basename(sys.argv[0])}: error: {error}", file=sys.stderr)
        return FAILED if isinstance(error, training.TrainingStopped) else cli.USAGE_ERROR
    exchange.close()
    if not first:
        return 0
    if options.memory_report:
        print(plan.beside(peak.read()))
    if not finished:
        where = f"after step {trainer.step}, saved in {trainer.saved}" if trainer.saved else "before the first step"
        print(f"interrupted {where}; go on with: {command(argv)}")
        return 0
    best = f"; best validation IoU {trainer.best['iou']:.3f} at step {trainer.best['step']}" if trainer.best else ""
    print(f"finished {trainer.step} steps, saved in {trainer.saved}{best}")
    return 0


def tensorboard(options, names) -> Optional[training.TensorBoard]:
    """What writes curves and pictures; None with --no-tensorboard."""
    def draw(score):
        return pictures.beside_truth(score.examples, names, threshold=score.threshold)

    return training.TensorBoard(options.run, class_names=names, draw=draw) if options.tensorboard else None


def write_origin(options, model, config, origin) -> None:
    """Write what repeats this run, config.yaml, and what it runs on, environment.json."""
    path = options.run / "config.yaml"
    first_weights = {}
    if options.resume:  # told when it was started
        with contextlib.suppress(DataError, OSError):
            before = config_file.read(path)
            first_weights = {name: before[name].value for name in config_file.FIRST_WEIGHTS if name in before}
    config_file.write(path, {**complete(options, model, config), **first_weights})
    files.write_json(options.run / ENVIRONMENT, origin)


def known_classes(options, given, saved):
    if saved is None or "classes" in given:
        return options.classes
    return saved["training"]["classes"]


def training_config(options, given, saved, samples: int) -> TrainingConfig:
    """All training numbers: of the saved run, of the recipe, and of the flags, the later ones weighing more."""
    flags = {name: getattr(options, name) for name in TRAINING_FLAGS if saved is None or name in given}
    if flags.get("classes"):
        flags["classes"] = tuple(flags["classes"])
    batch_size = flags.get("batch_size") or saved["training"]["batch_size"]
    if options.epochs:
        flags["steps"] = options.epochs * max(1, samples // batch_size)
    if saved is None:
        return TrainingConfig.from_recipe(options.recipe, **flags)
    if "recipe" in given:
        flags["recipe"] = options.recipe
    return TrainingConfig.from_dict({**saved["training"], **flags})


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


def background_pictures(options, config, saved):
    """The pictures of --backgrounds; None without."""
    folder = options.backgrounds
    if folder is None:
        if saved is not None and "backgrounds" in saved["image"]:
            raise DataError(f"{options.run}: the run lays pictures behind the objects; give their folder again with "
                            "--backgrounds")
        return None
    if config.recipe == "original":
        raise DataError(f"--backgrounds {folder}: the recipe 'original' lays colours behind objects and nothing else; "
                        "leave it out or choose --recipe modern")
    return read_backgrounds(folder)


def run_facts(options, data, model, config, backgrounds) -> dict:
    """What every checkpoint records besides its numbers, as JSON values."""
    pictures = {} if backgrounds is None else {
        "backgrounds": {"fingerprint": backgrounds.fingerprint, "share": backgrounds.share},
    }
    return json.loads(json.dumps({
        "version": gluon_r2n2.__version__, "model": model.as_dict(), "training": config.as_dict(),
        "image": {"size": config.image_size, "background": TEST.background[0],
                  "augmentation": dataclasses.asdict(augmentation(config)), **pictures},
        "data": {"path": str(options.data), "fingerprint": data.fingerprint, "classes": data.class_names,
                 "samples": len(data)},
    }))


def augmentation(config: TrainingConfig) -> Augmentation:
    return RECIPES[config.recipe][0]


def validation(options, config, held_out) -> Optional[Validation]:
    """Always the same objects, views and crops; None where nothing is held out."""
    if held_out is None:
        return None
    views = sorted({1, min(THRESHOLD_VIEWS, held_out.view_count)})
    loader = Loader(held_out, batch_size=config.batch_size, views=views[-1], seed=config.seed,
                    augmentation=RECIPES[config.recipe][1], image_size=config.image_size, shuffle=True,
                    drop_last=False, threads=options.threads, on_bad_record=options.on_bad_record)
    return Validation(lambda: loader.epoch(0), config.batch_size, config.validate_samples, tuple(views))


class Progress:
    """A bar with loss, IoU, speed and the time left on a terminal, a line every --log-every steps elsewhere."""

    def __init__(self, config: TrainingConfig):
        self._config, self._bar = config, None

    def bar(self, step: int) -> tqdm:
        # mininterval keeps the bar, which is off outside terminals, from costing anything
        self._bar = tqdm(total=self._config.steps, initial=step, unit="step", disable=None, dynamic_ncols=True)
        return self._bar

    def __call__(self, numbers) -> None:
        text = (f"loss {numbers['loss']:.4f}, IoU {numbers['iou']:.3f}, "
                f"{numbers['samples_per_second']:.1f} samples/s")
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update()
        if self._bar.disable and numbers["step"] % self._config.log_every == 0:
            print(f"step {numbers['step']}/{self._config.steps}: {text}", flush=True)


def introduce(options, net, config, data, held_out, devices, step: int, exchange) -> None:
    size = sum(parameter.data(devices[0]).size for parameter in net.collect_params().values())
    name = gluon_r2n2.model_name(net.config)
    print(f"{name}, width {net.config.width:g}: {size / 1e6:.2f} million parameters, on {training.describe(devices)}"
          + ("" if options.gpus else " (give --gpus 0 for a GPU)")
          + (f" of each of {exchange.size} workers" if exchange.size > 1 else ""))
    print(f"{len(data)} training objects of {len(data.class_names)} classes; "
          + (f"{len(held_out)} to validate on" if held_out else "the val split is empty: no validation"))
    print(f"steps {step + 1} to {config.steps}" if step < config.steps else
          f"{options.run} is at step {step} already; give more --steps to go on", flush=True)


def command(argv) -> str:
    """The command line that goes on with this run: without what only a new run takes."""
    arguments = [str(argument) for argument in (sys.argv[1:] if argv is None else argv)]
    arguments = [argument for argument in arguments
                 if argument != "--pretrained-backbone" and not argument.startswith("--init-from=")]
    if "--init-from" in arguments:
        place = arguments.index("--init-from")
        del arguments[place:place + 2]  # with its value
    script = sys.argv[0]
    program = ["python", script] if script.endswith(".py") else [os.path.basename(script)]
    if distributed.LAUNCH in os.environ:
        program = [*shlex.split(os.environ[distributed.LAUNCH]), script]
    return " ".join(map(shlex.quote, program + arguments + ([] if "--resume" in arguments else ["--resume"])))


def main(argv=None) -> int:
    code = cli.run(run, argv)
    distributed.abandon(code)  # only where the exchange with other workers did not end in order
    return code


if __name__ == "__main__":
    sys.exit(main())
