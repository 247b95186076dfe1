"""Training of the generative branch: the update against one joint gradient, the gate, resuming, and the tool."""
from __future__ import annotations

import json
import logging
import signal
import types

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from tiny_data import RESOLUTION, SIZE, make_data
from tiny_runs import content, saved_steps

import gluon_r2n2
from gluon_r2n2 import ModelError, training
from gluon_r2n2.generative import draw_latents, generate
from gluon_r2n2.network import occupied_probability
from gluon_r2n2.training.adversarial import AdversarialConfig, AdversarialUpdater, GenerativeValidation
from gluon_r2n2.training.adversarial.judge import Judge, Verdict, adam
from gluon_r2n2.training.adversarial.update import AdversarialMeasurement
from gluon_r2n2.training.arrays import get_parameters, named_parameters
from gluon_r2n2.training.monitor import Monitor
from gluon_r2n2.training.runs import NoLog
from gluon_r2n2_tools import train, train_gan
from recordio.loading import Batch

BATCH = 4
SMALL = ["--width", "0.03125", "--batch-size", str(BATCH), "--seed", "1", "--log-every", "2", "--threads", "1",
         "--checkpoint-every", "2", "--validate-every", "3"]


def make_net(name, contexts=None, **options):
    net = gluon_r2n2.get_model(name, **{"width": 1 / 32, "latent": 8, "resolution": RESOLUTION, "input_size": SIZE,
                                        **options})
    gluon_r2n2.initialise(net, contexts or [mx.cpu()], 3)
    return net


def make_batch(count=BATCH):
    rng = np.random.default_rng(5)
    voxels = (rng.random((count,) + 3 * (RESOLUTION,)) < 0.2).astype(np.uint8)
    images = rng.integers(0, 256, (1, count, 3, SIZE, SIZE)).astype(np.uint8)
    return Batch(images, voxels, ["a/1", "a/2", "b/1", "b/2"][:count], ["a", "a", "b", "b"][:count],
                 np.zeros((count, 1), np.int64))


def tool(data, run, *more):
    return train_gan.main(["--data", str(data), "--run", str(run), *SMALL, *more])


def events(run, kind):
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if line["event"] == kind]


def gradients_of(net, *parts):
    return {f"{part}.{name}": parameter.grad().asnumpy() for part in parts
            for name, parameter in named_parameters(getattr(net, part)).items() if parameter.grad_req != "null"}


@pytest.mark.parametrize("name", ["3d_gan", "3d_vae_gan"])
@pytest.mark.parametrize("loss", ["non_saturating", "saturating"])
@pytest.mark.parametrize("gate", [1e-9, 1])  # shut, and open: the discriminator goes backward first, and stays as it is
def test_gradients_are_those_of_the_written_out_objective(name, loss, gate):
    config = AdversarialConfig(batch_size=BATCH, gate=gate, loss=loss, adversarial_weight=0.7, divergence_weight=0.3,
                               reconstruction_weight=0.02, seed=4, ema=0)
    net, batch = make_net(name), make_batch()
    updater = AdversarialUpdater(net, config, [mx.cpu()])
    for optimiser in updater._optimisers.values():  # keep what the gradients are of
        optimiser.set_learning_rate(0)
    measured = updater.update(batch, 7).read()
    assert measured["discriminator_updates"] == (gate == 1)
    parts = ["generator"] + ["encoder"] * (name == "3d_vae_gan")
    found = gradients_of(net, *parts)

    other = make_net(name)
    rng = np.random.default_rng([4, 7])
    prior = mx.nd.array(draw_latents(net.config, BATCH, rng))
    noise = mx.nd.array(rng.standard_normal(prior.shape, np.float32))
    truth = mx.nd.array(batch.voxels, dtype="float32")
    with autograd.record():
        latents = prior
        if name == "3d_vae_gan":
            images = mx.nd.array(batch.images[0], dtype="float32") / 255
            features = other.encoder(images)
            mean, log_variance = features[:, :8], features[:, 8:]
            latents = mx.nd.concat(prior, mean + mx.nd.sqrt(mx.nd.exp(log_variance)) * noise, dim=0)
        grids = occupied_probability(mx.nd, other.generator(latents))
        real = 1 / (1 + mx.nd.exp(-other.discriminator(grids[:BATCH])))  # D(G(z)), as the paper writes it
        made = -mx.nd.log(real) if loss == "non_saturating" else mx.nd.log(1 - real)
        total = 0.7 * made.sum()
        if name == "3d_vae_gan":
            divergence = 0.5 * (mean**2 + mx.nd.exp(log_variance) - 1 - log_variance).sum()
            error = ((grids[BATCH:] - truth) ** 2).sum()
            total = total + 0.3 * divergence + 0.02 * error
    total.backward()
    expected = gradients_of(other, *parts)
    assert set(found) == set(expected)
    for key, value in expected.items():
        scale = max(np.abs(value).max(), 1e-6)
        assert np.abs(found[key] - value).max() < 2e-3 * scale, key
    assert measured["loss"] == pytest.approx(made.mean().asscalar(), rel=1e-4)
    if name == "3d_vae_gan":
        assert measured["divergence"] == pytest.approx(divergence.asscalar() / BATCH, rel=1e-4)
        assert measured["reconstruction"] == pytest.approx(error.asscalar() / BATCH, rel=1e-4)


class Sums(mx.gluon.HybridBlock):
    """A discriminator whose judgement can be set: logit = weight * sum of the voxels."""

    def __init__(self):
        super().__init__()
        with self.name_scope():
            self.weight = self.params.get("weight", shape=(1,), init="ones")

    def hybrid_forward(self, F, grids, weight):
        return F.broadcast_mul(F.sum(grids, axis=0, exclude=True), weight)


@pytest.mark.parametrize("fooled,learns", [(0, False), (1, False), (2, True), (4, True)])
def test_the_discriminator_learns_only_at_most_80_per_cent_right(fooled, learns):
    judge = Judge(Sums(), None, 0.8)
    judge.discriminator.initialize()
    judge.optimiser = adam(judge.discriminator.collect_params().values(), 0.1, 0.5)
    real, made = mx.nd.ones((4, 2, 2, 2)), -mx.nd.ones((4, 2, 2, 2))
    made[:fooled] = 1  # taken for real
    verdict = judge.learn([real[:2], real[2:]], [made[:2], made[2:]])
    assert verdict.accuracy == (8 - fooled) / 8
    assert verdict.learnt is learns and judge.updates == int(learns)
    assert (judge.discriminator.weight.data().asscalar() != 1) == learns


def test_criticism_leaves_the_gradient_of_the_loss_in_what_was_made():
    judge = Judge(Sums(), None, 0.8)
    judge.discriminator.initialize()
    made = mx.nd.array(np.full((2, 1, 1, 1), 0.5))
    loss = judge.criticise(made, "non_saturating", 2.0)
    np.testing.assert_allclose(loss.asnumpy(), np.log1p(np.exp(-0.5)), rtol=1e-6)
    np.testing.assert_allclose(made.grad.asnumpy(), -2 / (1 + np.exp(0.5)), rtol=1e-6)  # d softplus(-x) / dx


def test_two_devices_share_every_batch():
    config = AdversarialConfig(batch_size=BATCH, seed=2, ema=0)
    net = make_net("3d_vae_gan", [mx.cpu(0), mx.cpu(1)])
    updater = AdversarialUpdater(net, config, [mx.cpu(0), mx.cpu(1)])
    for number in (1, 2):
        found = updater.update(make_batch(), number).read()
        mean = net.generator.stages[1].running_mean  # of each device's own share
        assert (mean.data(mx.cpu(0)) != mean.data(mx.cpu(1))).asnumpy().all()
    assert np.isfinite(list(found.values())).all()
    for name, parameter in named_parameters(net).items():
        if parameter.grad_req != "null":  # running statistics are each device's own
            one, other = (parameter.data(context).asnumpy() for context in (mx.cpu(0), mx.cpu(1)))
            np.testing.assert_array_equal(one, other, err_msg=name)


class Fixed:
    """A network that makes what it is told to."""

    def __init__(self, grids):
        self.grids, self.config = grids, make_net("3d_gan").config


@pytest.fixture
def boxes():
    grids = np.zeros((8,) + 3 * (RESOLUTION,), bool)
    for place in range(8):
        grids[place, 2 * place:2 * place + 2] = True
    return grids


@pytest.mark.parametrize("made,coverage,says", [("all", 1.0, None), ("one", 1 / 8, "mode collapse"),
                                                ("none", 1 / 8, "all samples are empty")])
def test_collapse_is_seen_and_said(boxes, made, coverage, says, monkeypatch):
    grids = {"all": boxes, "one": boxes[[3] * 8], "none": np.zeros_like(boxes)}[made]
    monkeypatch.setattr("gluon_r2n2.training.adversarial.validation.generate",
                        lambda net, latents: np.concatenate([net.grids, net.grids]).astype(np.float32))
    score = GenerativeValidation(lambda: boxes, lambda: boxes, 0).measure(Fixed(grids), [mx.cpu()])
    assert score.coverage == coverage and score.training_coverage == 1
    assert score.matching_iou == (1.0 if made == "all" else pytest.approx(1 / 8 if made == "one" else 0))
    assert score.warning() is None if says is None else says in score.warning()


def test_more_samples_than_are_shown_are_made_some_at_a_time():
    net, rng = make_net("3d_gan"), np.random.default_rng(6)
    net.generator.logits.weight.set_data(200 * net.generator.logits.weight.data())  # else all voxels are near 1/2
    truth = rng.random((21,) + 3 * (RESOLUTION,)) < 0.5
    score = GenerativeValidation(lambda: truth, lambda: truth, 3).measure(net, [mx.cpu()])
    made = generate(net, draw_latents(net.config, 21, np.random.default_rng(3)))
    union, both = (made[:, None] >= 0.5) | truth, (made[:, None] >= 0.5) & truth
    ious = both.sum(axis=(2, 3, 4)) / union.sum(axis=(2, 3, 4))  # (samples, held-out shapes)
    assert len(set(ious.argmax(axis=1))) > 1 and score.coverage == len(set(ious.argmax(axis=1))) / 21
    assert score.matching_iou == pytest.approx(ious.max(axis=0).mean()) and score.samples == 21
    np.testing.assert_array_equal(score.examples, made[:16])


def test_speed_is_of_all_steps_since_the_line(monkeypatch):
    clock = iter([0.0, 4.0, 4.0, 8.0])  # start, then three readings: the second right after the first
    monkeypatch.setattr("gluon_r2n2.training.monitor.time", types.SimpleNamespace(monotonic=lambda: next(clock)))
    speeds = []
    monitor = Monitor(AdversarialConfig(batch_size=BATCH, log_every=10), NoLog(), batches_per_epoch=1,
                      progress=lambda numbers: speeds.append(numbers["samples_per_second"]), rates=lambda number: {})
    for number in (1, 2, 3):
        monitor.start()
        verdict = Verdict(0.5, True, [mx.nd.ones(1)])
        assert monitor.read(AdversarialMeasurement(number, ["a/1"], verdict, {"loss": [mx.nd.ones(1)]}), 0.0) is None
    assert speeds == [BATCH / 4, BATCH / 2, BATCH * 3 / 8]


@pytest.mark.parametrize("more", [[], ["--vae", "--image-size", str(SIZE)]], ids=["gan", "vae"])
def test_a_run_that_was_interrupted_ends_like_one_that_was_not(data, tmp_path, more):
    assert tool(data, tmp_path / "whole", *more, "--steps", "5") == 0
    assert tool(data, tmp_path / "parts", *more, "--steps", "3") == 0
    assert train_gan.main(["--data", str(data), "--run", str(tmp_path / "parts"), "--resume", "--steps", "5"]) == 0
    whole, parts = (content(tmp_path / name, 5) for name in ("whole", "parts"))
    for file in ("network.params", "trainer.states", "average.params"):
        assert whole[file] == parts[file], file
    whole, parts = ([{key: value for key, value in line.items() if key not in ("data_wait", "samples_per_second")}
                     for line in events(tmp_path / name, "step") if line["step"] == 5] for name in ("whole", "parts"))
    assert whole == parts
    net, info = training.load_network(tmp_path / "whole")
    assert info["model"]["family"] == ("vae_gan" if more else "gan") and info["averaged"]
    assert (info["image"] == {}) == (not more)


def test_a_signal_ends_the_run_saved(data, tmp_path, monkeypatch, capsys):
    update = AdversarialUpdater.update

    def interrupted(self, batch, number):
        if number == 3:
            signal.raise_signal(signal.SIGINT)
        return update(self, batch, number)

    monkeypatch.setattr(AdversarialUpdater, "update", interrupted)
    assert tool(data, tmp_path / "run", "--steps", "9") == 0
    assert saved_steps(tmp_path / "run")[-1] == 3
    assert "go on with: " in capsys.readouterr().out


def test_what_a_run_tells(data, tmp_path, capsys, caplog):
    caplog.set_level(logging.INFO)
    assert tool(data, tmp_path / "run", "--steps", "3", "--classes", "chair", "--gate", "1") == 0
    out = capsys.readouterr().out
    assert "3d_gan" in out and "12 training objects of 1 classes; 3 to validate on" in out
    assert "step 2/3: G " in out and "% accuracy" in out
    [validation] = events(tmp_path / "run", "validation")
    assert validation["samples"] == 3 and 0 < validation["coverage"] <= 1
    [line] = [line for line in events(tmp_path / "run", "step") if line["step"] == 2]
    assert line["discriminator_updates"] == 1 and line["learning_rate_discriminator"] == 2e-4
    assert any((tmp_path / "run" / "tensorboard").iterdir())
    assert "samples cover" in caplog.text
    # the file of all options repeats the run
    again = tmp_path / "again"
    assert train_gan.main(["--config", str(tmp_path / "run" / "config.yaml"), "--run", str(again)]) == 0
    assert content(again, 3)["network.params"] == content(tmp_path / "run", 3)["network.params"]


def test_class_filter_and_recipe_are_kept(data, tmp_path):
    assert tool(data, tmp_path / "run", "--steps", "1", "--classes", "chair", "--recipe", "paper") == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text())["training"]
    assert config["classes"] == ["chair"] and config["lr_generator"] == 0.0025 and config["lr_discriminator"] == 1e-5
    assert config["batch_size"] == BATCH and config["ema"] == 0  # what was given outweighs the recipe


@pytest.mark.parametrize("more,says", [
    (["--lr-encoder", "0.1"], "--lr-encoder is for --vae"),
    (["--vae", "--prior", "uniform"], "normal prior"),
    (["--gate", "0"], "gate is a share of the batch from above 0 to 1, got 0.0"),
    (["--loss", "saturatin"], "did you mean 'saturating'"),
    (["--batch-size", "100"], "fewer than one batch of 100"),
    (["--classes", "chairs"], "chair"),
    (["--step", "3"], "--steps"),
    (["--resume", "--init-from", "X"], "give one of them"),
])
def test_mistakes_are_one_sentence(data, tmp_path, more, says, capsys):
    try:
        code = tool(data, tmp_path / "run", *more)
    except SystemExit as stop:  # as argparse ends
        code = stop.code
    assert code == 2
    error = capsys.readouterr().err.strip()
    assert says in error and error.count("\n") == 0 and "Traceback" not in error
    assert not (tmp_path / "run" / "config.json").exists()


def test_each_tool_resumes_its_own_runs(data, tmp_path, capsys):
    assert tool(data, tmp_path / "run", "--steps", "1") == 0
    capsys.readouterr()
    assert train.main(["--data", str(data), "--run", str(tmp_path / "run"), "--resume"]) == 2
    assert "go on with it by train_gan.py" in capsys.readouterr().err
    assert train_gan.main(["--data", str(data), "--run", str(tmp_path / "run"), "--resume", "--vae"]) == 2
    assert "which --vae is not" in capsys.readouterr().err
    assert train_gan.main(["--data", str(data), "--run", str(tmp_path / "run"), "--resume", "--gate", "0.5"]) == 2
    assert "training gate was 0.8 and is now 0.5" in capsys.readouterr().err


@pytest.mark.parametrize("step,advice", [(1, "another --seed or a lower --lr-discriminator"),
                                         (2, "lower learning rates, such as --lr-generator"),
                                         (4, "lower learning rates, such as --lr-generator, from it with --init-from")])
def test_a_loss_that_is_not_finite_stops_the_run(data, tmp_path, monkeypatch, capsys, step, advice):
    read = training.adversarial.update.AdversarialMeasurement.read
    monkeypatch.setattr(training.adversarial.update.AdversarialMeasurement, "read",
                        lambda self: {**read(self), "loss": float("nan") if self.update == step else 1.0})
    assert tool(data, tmp_path / "run", "--steps", "5", "--validate-every", "0") == 1
    error = capsys.readouterr().err
    assert f"the loss at step {step} is nan, not finite" in error and error.endswith(f"start anew with {advice}\n")


def damage(path):
    """Another byte in the last record of a shard."""
    content = bytearray(path.read_bytes())
    content[-100] ^= 255
    path.write_bytes(content)


@pytest.mark.parametrize("more", [[], ["--vae", "--image-size", str(SIZE)]], ids=["gan", "vae"])
def test_bad_records_of_both_splits_are_skipped_where_that_is_wanted(tmp_path, more, capsys, caplog):
    packed = make_data(tmp_path)
    damage(packed / "val-00000.rec")
    assert tool(packed, tmp_path / "strict", "--steps", "1", *more) == 2
    assert "val-00000.rec, record 5 " in capsys.readouterr().err
    damage(packed / "train-00000.rec")
    assert tool(packed, tmp_path / "run", "--steps", "1", "--on-bad-record", "skip", *more) == 0
    [validation] = events(tmp_path / "run", "validation")
    assert validation["samples"] == 5 and "1 of 6 samples of split 'val' are bad and were left out" in caplog.text
    assert tool(packed, tmp_path / "one", "--steps", "1", "--on-bad-record", "skip", "--classes", "chair",
                "--validate-samples", "2", *more) == 0  # the bad one among them


def test_a_batch_that_leaves_the_image_encoder_constant_is_refused():
    net, config = make_net("3d_vae_gan"), AdversarialConfig(batch_size=1)
    with pytest.raises(ModelError, match="larger --batch-size or --image-size"):
        AdversarialUpdater(net, config, [mx.cpu()])
    AdversarialUpdater(make_net("3d_vae_gan", input_size=SIZE + 1), config, [mx.cpu()])


@pytest.mark.parametrize("options,says", [({"lr_generator": 0}, "lr_generator must be above 0"),
                                          ({"recipe": "papers"}, "paper"), ({"accumulate": 2}, "whole batches"),
                                          ({"beta1": 1}, "beta1"), ({"divergence_weight": -1}, "at least 0")])
def test_numbers_that_no_run_can_have(options, says):
    with pytest.raises(ModelError, match=says):
        AdversarialConfig(**options)


def test_parameters_of_a_run_move(data, tmp_path):
    assert tool(data, tmp_path / "run", "--steps", "2", "--gate", "1") == 0
    net, _ = training.load_network(tmp_path / "run" / "checkpoints" / "step-00000002")
    first = make_net("3d_gan", latent=200)
    gluon_r2n2.initialise(first, seed=1)
    before = get_parameters(first)
    for name, values in get_parameters(net).items():
        assert np.abs(values.asnumpy() - before[name].asnumpy()).max() > 0, name
