"""The adversarial term of the recurrent network's loss: its gradient, when the discriminator learns, exact resume."""
from __future__ import annotations

import functools
import json
import types

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from tiny_data import RESOLUTION, SIZE
from tiny_runs import command, content, make_trainer, resume_tool, run_tool

import gluon_r2n2
from gluon_r2n2 import ModelError, training
from gluon_r2n2.distributed import Exchange
from gluon_r2n2.memory import plan_training
from gluon_r2n2.training import TrainingConfig, update
from gluon_r2n2.training.adversarial.term import discriminator_of
from gluon_r2n2.training.arrays import get_parameters, named_parameters, set_parameters
from gluon_r2n2.training.scaling import WorkingCopy
from gluon_r2n2.training.update import Updater
from gluon_r2n2_tools import train

WEIGHT = 0.5
OPTIONS = ["--adversarial", "0.25", "--steps", "6", "--checkpoint-every", "2", "--validate-every", "3"]


def make_net(contexts=None, **options):
    net = gluon_r2n2.get_model("gru_3", width=1 / 16, input_size=SIZE, resolution=RESOLUTION, **options)
    gluon_r2n2.initialise(net, contexts or [mx.cpu()], 1)
    return net


def make_updater(net, contexts=None, **options):
    config = TrainingConfig.from_recipe(**{"batch_size": 4, "steps": 100, "warmup": 0.0, "clip": 0.0, "seed": 3,
                                           "optimizer": "sgd", "learning_rate": 0.01, "adversarial": WEIGHT, **options})
    return Updater(net, config, contexts or [mx.cpu()])


def make_batch(views, seed=0, size=4):
    random = np.random.RandomState(seed)
    return types.SimpleNamespace(images=random.randint(0, 256, (views, size, 3, SIZE, SIZE)).astype(np.uint8),
                                 voxels=(random.rand(size, *[RESOLUTION] * 3) < 0.3).astype(np.uint8),
                                 keys=[f"object{number}" for number in range(size)])


def values(net):
    return {name: array.copy() for name, array in get_parameters(net).items()}


def judging(updater):
    """The values of an updater's discriminator, as a checkpoint holds them."""
    start = "parameter.discriminator."
    return {name[len(start):]: array.copy() for name, array in updater.state()[0].items() if name.startswith(start)}


def imperative(net, batch):
    """What a network that nothing has compiled makes of a batch: logits and truth; to be recorded."""
    images = mx.nd.array(batch.images.astype(np.float32) / 255)
    return net(images), mx.nd.array(batch.voxels.astype(np.float32))


@pytest.mark.parametrize("options", [{}, {"recompute": True}, {"dtype": "float16"}])
def test_the_gradient_is_that_of_one_loss(options, monkeypatch):
    """Beside one recorded graph of network, voxel loss and discriminator, for a number of views that changes."""
    # the CPU has no float16: the copy that the network would be run in is one of float32
    monkeypatch.setattr(update, "WorkingCopy", functools.partial(WorkingCopy, dtype="float32"))
    net, plain = make_net(), make_net()
    updater, judge = make_updater(net, **options), discriminator_of(net.config)
    for number, views in enumerate((2, 1, 3), start=1):
        batch = make_batch(views, number)
        set_parameters(plain, values(net), [mx.cpu()], source="the network")
        found = updater.update(batch, number).read()
        set_parameters(judge, judging(updater), [mx.cpu()], source="the discriminator")  # it has learnt first
        with autograd.record():
            logits, truth = imperative(plain, batch)
            voxel = -mx.nd.pick(mx.nd.log_softmax(logits, axis=1), truth, axis=1).mean(axis=(1, 2, 3))
            term = mx.nd.log(1 + mx.nd.exp(-judge(mx.nd.softmax(logits, axis=1)[:, 1])))
            total = (voxel + WEIGHT * term).sum()
        total.backward()
        assert found["loss"] == pytest.approx(voxel.mean().asscalar(), rel=1e-5)
        assert found["adversarial_loss"] == pytest.approx(term.mean().asscalar(), rel=1e-4)
        for name, parameter in named_parameters(net).items():
            wanted = named_parameters(plain)[name].grad().asnumpy()
            np.testing.assert_allclose(parameter.grad().asnumpy(), wanted, rtol=1e-3,
                                       atol=1e-4 * max(1e-3, np.abs(wanted).max()), err_msg=name)


def test_the_term_is_part_of_the_gradient():
    """Else the test before could compare two gradients of the voxel loss alone."""
    found = []
    for weight in (0.0, WEIGHT):
        net = make_net()
        make_updater(net, adversarial=weight).update(make_batch(2), 1)
        found.append(net.decoder.logits.weight.grad().asnumpy())
    assert np.abs(found[1] - found[0]).max() > 0.01 * np.abs(found[0]).max()


def test_the_discriminator_learns_up_to_the_gate():
    """From a batch of which it tells at most 80 % rightly, as counted here beside it; always judged by what it was."""
    net, plain = make_net(), make_net()
    updater, judge = make_updater(net), discriminator_of(net.config)
    batch, learnt = make_batch(2), []
    for number in range(1, 25):
        before = judging(updater)
        for block, arrays in ((plain, values(net)), (judge, before)):
            set_parameters(block, arrays, [mx.cpu()], source="here")
        with autograd.record():  # with the statistics of each batch
            logits, truth = imperative(plain, batch)
            right = (judge(truth) > 0).sum() + (judge(mx.nd.softmax(logits, axis=1)[:, 1]) <= 0).sum()
        found = updater.update(batch, number).read()
        assert found["accuracy"] == right.asscalar() / 8
        after = judging(updater)
        moved = any((after[name] != array).sum().asscalar() for name, array in before.items()
                    if not name.endswith(("running_mean", "running_var")))
        assert moved == bool(found["discriminator_updates"]) == (found["accuracy"] <= 0.8)
        learnt.append(moved)
    assert {True, False} == set(learnt)
    assert updater.state()[1] == {"discriminator_updates": sum(learnt)}


def test_several_devices_share_one_verdict():
    """Two devices with the same half of a batch each do what one does with that half."""
    half = make_batch(2, size=2)
    twins = types.SimpleNamespace(images=np.concatenate([half.images] * 2, axis=1),
                                  voxels=np.concatenate([half.voxels] * 2), keys=half.keys * 2)
    contexts = [mx.cpu(0), mx.cpu(1)]
    one, two = make_net(), make_net(contexts)
    single, double = make_updater(one, batch_size=2), make_updater(two, contexts)
    for number in (1, 2):
        alone, shared = single.update(half, number).read(), double.update(twins, number).read()
        assert shared == pytest.approx(alone, rel=1e-5)
    for name, array in judging(single).items():
        np.testing.assert_allclose(judging(double)[name].asnumpy(), array.asnumpy(), rtol=1e-5, atol=1e-7)
    for name, array in values(one).items():
        np.testing.assert_allclose(values(two)[name].asnumpy(), array.asnumpy(), rtol=1e-4, atol=1e-6, err_msg=name)
        for context in contexts:
            np.testing.assert_array_equal(named_parameters(two)[name].data(context).asnumpy(),
                                          named_parameters(two)[name].data(contexts[0]).asnumpy())


def test_what_is_refused():
    for bad in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ModelError, match="adversarial must be at least 0"):
            TrainingConfig(adversarial=bad)
    with pytest.raises(ModelError, match="judges whole batches, which --accumulate 2 divides; leave one of them out"):
        TrainingConfig(adversarial=0.1, accumulate=2)
    exchange = Exchange()
    exchange.size = 2
    with pytest.raises(ModelError, match="learns in one process alone; leave it out, or train with --kv-store local"):
        Updater(make_net(), TrainingConfig(adversarial=0.1), [mx.cpu()], exchange)


def test_a_loss_that_is_not_finite_is_named():
    updater = make_updater(make_net())
    start = "parameter.discriminator."
    arrays, told = updater.state()
    broken = {name: array * np.nan if name.startswith(start + "score") else array for name, array in arrays.items()}
    updater.restore(broken, told, update=0)
    measurement = updater.update(make_batch(1), 1)
    assert measurement.fault(measurement.read()) == "the adversarial loss at step 1 is nan, not finite"


def test_a_plan_of_the_memory_counts_it():
    net = make_net()
    options = {"batch_size": 4, "views": (1, 2)}
    without, judged = (plan_training(net, TrainingConfig.from_recipe(adversarial=weight, **options))
                       for weight in (0.0, 1.0))
    assert without.group("discriminator") == 0
    # kernels of 4^3: 1 -> 16 channels with biases, 16 -> 32 normalised, 32 -> 1; four arrays of them
    numbers = 64 * (1 * 16 + 16 * 32 + 32) + 16 + 2 * 32 + 1
    states, grids = (item.size for item in judged.items if item.group == "discriminator")
    assert states == 4 * 4 * numbers
    maps = 4 * 4 * (16 * 8**3 + 32 * 4**3)  # bytes of what the two stages make of 4 objects, twice each: before and
    assert 4 * maps <= grids <= 12 * maps   # after LeakyReLU, of true and made ones; gradients and normalisation beside
    assert judged.peak - without.peak >= states + grids


# runs -------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def straight(data, tmp_path_factory):
    """Six steps without an interruption."""
    run = tmp_path_factory.mktemp("straight") / "run"
    assert run_tool(data, run, *OPTIONS) == 0
    return run


def told(run):
    lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    return [{name: line[name] for name in ("step", "loss", "adversarial_loss", "discriminator_loss", "accuracy",
                                           "discriminator_updates")} for line in lines if line["event"] == "step"]


def test_an_interrupted_run_ends_with_the_same_bits(data, straight, tmp_path, monkeypatch):
    run, make = tmp_path / "run", training.Trainer._update

    def failing(self, batch):
        if self.step == 3:
            raise KeyboardInterrupt
        make(self, batch)

    monkeypatch.setattr(training.Trainer, "_update", failing)
    assert run_tool(data, run, *OPTIONS) == 130
    monkeypatch.setattr(training.Trainer, "_update", make)
    assert resume_tool(data, run) == 0
    assert content(run, 6) == content(straight, 6)
    assert told(run) == told(straight) and [line["step"] for line in told(run)] == [2, 4, 6]
    again = tmp_path / "again"  # and its own file of options repeats it
    assert train.main(["--config", str(straight / "config.yaml"), "--run", str(again)]) == 0
    assert content(again, 6) == content(straight, 6)


def test_several_devices_resume_with_the_same_parameters(data, tmp_path):
    """Checkpoints have the mean over devices of batch normalisation's running statistics; nothing learns by them."""
    options = {"contexts": [mx.cpu(0), mx.cpu(1)], "adversarial": 0.25, "schedule": "constant", "warmup": 0.0}
    make_trainer(data, tmp_path / "straight", steps=4, checkpoint_every=2, **options).fit()
    make_trainer(data, tmp_path / "run", steps=2, **options).fit()
    resumed = make_trainer(data, tmp_path / "run", steps=4, **options)
    resumed.resume(training.newest_checkpoint(tmp_path / "run"))
    resumed.fit()
    assert content(tmp_path / "run", 4)["network.params"] == content(tmp_path / "straight", 4)["network.params"]
    first, second = (training.newest_checkpoint(tmp_path / name).optimiser() for name in ("straight", "run"))
    for name, array in first.items():
        exact = not name.endswith(("running_mean", "running_var"))
        np.testing.assert_allclose(second[name].asnumpy(), array.asnumpy(), rtol=0 if exact else 1e-5, err_msg=name)


def test_the_discriminator_is_in_the_state_of_the_training_alone(straight):
    saved = training.newest_checkpoint(straight)
    net, info = training.load_network(straight)
    assert set(saved.parameters()) == set(named_parameters(net)) and info["training"]["adversarial"] == 0.25
    arrays = saved.optimiser()
    for name in named_parameters(discriminator_of(net.config)):
        assert f"parameter.discriminator.{name}" in arrays
        assert (f"mean.discriminator.{name}" in arrays) is not name.endswith(("running_mean", "running_var"))
    assert 0 < saved.state["discriminator_updates"] <= 6


def test_a_weight_of_0_changes_no_bit(data, tmp_path):
    for name, more in (("without", []), ("zero", ["--adversarial", "0"])):
        assert run_tool(data, tmp_path / name, "--steps", "2", "--validate-every", "0", *more) == 0
    assert content(tmp_path / "zero", 2) == content(tmp_path / "without", 2)
    assert b"discriminator" not in b"".join(content(tmp_path / "zero", 2).values())


def test_another_weight_is_another_run(data, straight, capsys):
    assert train.main(command(data, straight, "--resume", "--adversarial", "0.5")) == 2
    assert "training adversarial was 0.25 and is now 0.5" in capsys.readouterr().err


def test_a_dry_run_and_the_lines_of_a_training_tell_of_it(data, tmp_path, capsys):
    assert run_tool(data, tmp_path / "run", *OPTIONS, "--dry-run", "--memory-report") == 0
    text = capsys.readouterr().out
    assert "judged by a discriminator of 0.04 million parameters, Adam at 0.0002" in text
    assert "true and made grids" in text and not (tmp_path / "run").exists()
    assert run_tool(data, tmp_path / "run", "--adversarial", "0.25", "--steps", "2", "--validate-every", "0") == 0
    line, = (line for line in capsys.readouterr().out.splitlines() if line.startswith("step 2/2"))
    assert ", adversarial " in line and "% accuracy" in line
