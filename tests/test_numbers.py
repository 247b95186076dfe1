"""Numbers under control: schedules, which layers learn, batches in parts, averaged parameters, float16."""
from __future__ import annotations

import functools
import json
import types

import mxnet as mx
import numpy as np
import pytest
from mxnet import gluon
from tiny_data import SIZE

import gluon_r2n2
from gluon_r2n2 import ModelError, training
from gluon_r2n2.distributed import Exchange
from gluon_r2n2.training import TrainingConfig
from gluon_r2n2.training import update as update_module
from gluon_r2n2.training.arrays import get_parameters, named_parameters
from gluon_r2n2.training.averaging import Average
from gluon_r2n2.training.layers import matching
from gluon_r2n2.training.optimiser import get_state
from gluon_r2n2.training.passes import Pass
from gluon_r2n2.training.scaling import DOUBLE_AFTER, LossScale, WorkingCopy
from gluon_r2n2.training.schedule import learning_rate
from gluon_r2n2.training.update import Updater
from gluon_r2n2_tools import train

RESOLUTION = 16
SMALL = ["--width", "0.0625", "--image-size", str(SIZE), "--batch-size", "4", "--views", "1-3", "--seed", "1",
         "--log-every", "1", "--threads", "1", "--validate-every", "0", "--no-tensorboard"]


def run_tool(data, run, *more):
    return train.main(["--data", str(data), "--run", str(run), *SMALL, *more])


def make_net(contexts=None, model="gru_3", **options):
    net = gluon_r2n2.get_model(model, width=1 / 16, input_size=SIZE, resolution=RESOLUTION, **options)
    gluon_r2n2.initialise(net, contexts or [mx.cpu()], 1)
    return net


def make_updater(net, contexts=None, **options):
    config = TrainingConfig.from_recipe(**{"batch_size": 4, "steps": 100, "warmup": 0.0, **options})
    return Updater(net, config, contexts or [mx.cpu()], Exchange())


def make_batch(views, seed=0, size=4):
    random = np.random.RandomState(seed)
    return types.SimpleNamespace(images=random.randint(0, 256, (views, size, 3, SIZE, SIZE)).astype(np.uint8),
                                 voxels=(random.rand(size, *[RESOLUTION] * 3) < 0.3).astype(np.uint8),
                                 keys=[f"object{number}" for number in range(size)])


def values(net):
    return {name: array.asnumpy() for name, array in get_parameters(net).items()}


def gradients(net):
    return {name: parameter.grad(parameter.list_ctx()[0]).asnumpy() for name, parameter in named_parameters(net).items()
            if parameter.grad_req != "null"}


# schedules --------------------------------------------------------------------------------------

@pytest.mark.parametrize("schedule", ["cosine", "poly", "constant"])
@pytest.mark.parametrize("warmup", [0.0, 0.05, 0.3])
def test_schedules_are_those_of_gluoncv(schedule, warmup):
    """gluon-cv counts the first step as 0; its linear rise ends one step before the schedule begins."""
    from gluoncv.utils import LRScheduler, LRSequential

    steps, rate, final = 200, 3e-3, 0.1 if schedule != "constant" else 0.01
    config = TrainingConfig(steps=steps, learning_rate=rate, schedule=schedule, warmup=warmup, final_lr=final)
    rise = round(warmup * steps)
    parts = [LRScheduler("linear", base_lr=0.0, target_lr=rate * (rise - 1) / rise, niters=rise)] if rise else []
    parts.append(LRScheduler(schedule, base_lr=rate, target_lr=rate * final, niters=steps - rise + 1, power=0.9))
    oracle = LRSequential(parts)
    ours = [learning_rate(config, update) for update in range(1, steps + 1)]
    np.testing.assert_allclose(ours, [oracle(update) for update in range(1, steps + 1)], rtol=1e-12)
    assert max(ours) <= rate and ours[-1] == pytest.approx(rate * final if schedule != "constant" else rate)


def test_drops_are_those_of_gluoncv():
    from gluoncv.utils import LRScheduler

    config = TrainingConfig(steps=100, schedule="step", learning_rate=0.5, warmup=0.1, lr_drops=(30, 31, 80),
                            lr_drop_factor=0.2)
    # it drops before the update of that number, counted from 0: ours after it, counted from 1
    oracle = LRScheduler("step", base_lr=0.5, niters=101, step_iter=[31, 32, 81], step_factor=0.2)
    for update in range(10, 101):
        assert learning_rate(config, update) == pytest.approx(oracle(update), rel=1e-12)
    assert [learning_rate(config, update) for update in (1, 5)] == [pytest.approx(0.05), pytest.approx(0.25)]


@pytest.mark.parametrize("options, message", [
    (dict(lr_drops=(5, 5), schedule="step"), "lr_drops must be ascending"),
    (dict(lr_drops=(0,), schedule="step"), "lr_drops must be ascending"),
    (dict(lr_drop_factor=0.0, schedule="step"), "lr_drop_factor must be above 0"),
    (dict(final_lr=1.5), "final_lr is a share"),
    (dict(final_lr=0.5, schedule="step"), "final_lr belongs to schedule cosine or poly, this run has 'step'"),
    (dict(lr_drops=(5,), schedule="cosine"), "lr_drops belongs to schedule step"),
    (dict(ema=1.0), "ema is a decay from 0 to below 1"),
    (dict(accumulate=0), "accumulate must be an integer of at least 1"),
    (dict(dtype="float61"), "unknown dtype 'float61'; did you mean 'float16'"),
])
def test_values_that_no_run_can_have(options, message):
    with pytest.raises(ModelError, match=message):
        TrainingConfig(**options)


# layers -----------------------------------------------------------------------------------------

def test_patterns_mean_blocks_and_parameters():
    names = list(named_parameters(make_net(upsample="trilinear")))
    assert matching("encoder", names, flag="-") == [name for name in names if name.startswith("encoder.")]
    assert matching("*.bias", names, flag="-") == [name for name in names if name.endswith(".bias")]
    assert matching("decoder.stages.0.conv_a", names, flag="-") == ["decoder.stages.0.conv_a.0.weight",
                                                                    "decoder.stages.0.conv_a.0.bias"]
    assert matching("cell.gates.weight", names, flag="-") == ["cell.gates.weight"]
    assert matching("upsampling", names, flag="-") == [f"decoder.stages.{stage}.interpolate.weight" for stage in (0, 1)]
    with pytest.raises(ModelError, match="--freeze encodr: no parameter .* nearest name is 'encoder'"):
        matching("encodr", names, flag="--freeze")
    with pytest.raises(ModelError, match="--freeze backbone: this network has no encoder.stages.backbone"):
        matching("backbone", names, flag="--freeze")


@pytest.mark.parametrize("optimizer", training.OPTIMISERS)
def test_frozen_layers_keep_their_bits(optimizer):
    net = make_net(norm="batch")
    updater = make_updater(net, optimizer=optimizer, freeze=("encoder.stages.0", "decoder", "*.beta"))
    before = values(net)
    for number in (1, 2, 3):
        updater.update(make_batch(number, number), number)
    frozen, after = ("encoder.stages.0.", "decoder."), values(net)
    for name, array in after.items():
        if name.startswith(frozen) or name.endswith(".beta"):  # running statistics included
            np.testing.assert_array_equal(array, before[name], name)
            assert named_parameters(net)[name].grad_req == "null"
        elif not name.endswith("0.bias"):  # in front of normalisation a bias has no gradient but rounding
            assert (array != before[name]).any(), name
    assert any(name.endswith("running_mean") and not name.startswith(frozen) for name in after)


def test_a_frozen_backbone_runs_as_in_inference():
    """Its gradient is not computed, and its normalisation uses the stored statistics in training too."""
    net = make_net(model="resnet18_gru_3")
    updater = make_updater(net, freeze=("backbone",))
    before = values(net)
    images = mx.nd.random.uniform(shape=(2, 3, SIZE, SIZE))
    with mx.autograd.record():
        trained = net.encoder.stages.backbone(images)
    np.testing.assert_allclose(trained.asnumpy(), net.encoder.stages.backbone(images).asnumpy(), rtol=1e-3)
    with pytest.raises(mx.MXNetError), mx.autograd.record():
        net.encoder.stages.backbone(images).backward()  # nothing to differentiate
    updater.update(make_batch(2), 1)
    for name, array in values(net).items():
        assert (array == before[name]).all() == name.startswith("encoder.stages.backbone."), name


def test_normalisation_with_nothing_to_learn_trains_as_it_infers():
    """Parameters frozen by name, statistics not mentioned: MXNet would normalise by the batch and keep none."""
    net = make_net(norm="batch")
    make_updater(net, freeze=("encoder.*.weight", "encoder.*.bias", "encoder.*.gamma", "encoder.*.beta"))
    images = mx.nd.random.uniform(shape=(2, 3, SIZE, SIZE))
    with mx.autograd.record():
        trained = net.encoder(images)
    np.testing.assert_allclose(trained.asnumpy(), net.encoder(images).asnumpy(), rtol=1e-4)


def test_nothing_left_to_learn():
    with pytest.raises(ModelError, match=r"--freeze \*: leaves nothing"):
        make_updater(make_net(), freeze=("*",))


@pytest.mark.parametrize("optimizer", training.OPTIMISERS)
def test_a_factor_is_another_learning_rate(optimizer):
    """The parameters of the pattern are those of a run at a tenth of the rate, the others those of the whole rate."""
    found = {}
    for name, options in (("mixed", dict(lr_mult=("*=2", "cell=0.1"))), ("tenth", dict(learning_rate=1e-4)),
                          ("double", dict(learning_rate=2e-3))):
        net = make_net(upsample="trilinear_frozen")
        updater = make_updater(net, **{"optimizer": optimizer, "learning_rate": 1e-3, "weight_decay": 0.3, **options})
        updater.update(make_batch(2), 1)  # one update: from the second on the gradients differ
        found[name] = values(net)
    start = values(make_net(upsample="trilinear_frozen"))
    for name, array in found["mixed"].items():
        truth = found["tenth" if name.startswith("cell.") else "double"][name]
        assert (truth == start[name]).all() == ("interpolate" in name), name  # what the network freezes stays so
        np.testing.assert_allclose(array, truth, rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("entry", ["encoder", "encoder=", "=2", "encoder=0", "encoder=-1", "encoder=x", "cell=nan"])
def test_factors_that_are_none(entry):
    with pytest.raises(ModelError, match="--lr-mult .* a pattern and a factor above 0"):
        make_updater(make_net(), lr_mult=(entry,))


# batches in parts -------------------------------------------------------------------------------

@pytest.mark.slow
@pytest.mark.parametrize("model, devices, parts", [("res3d_gru_3", 1, 2), ("gru_3", 1, 4), ("res3d_gru_3", 2, 2),
                                                   ("lstm_1", 2, 2)])
def test_parts_give_the_gradients_of_the_whole_batch(model, devices, parts):
    """Of hybridised networks, with another number of views from batch to batch."""
    contexts = [mx.cpu(number) for number in range(devices)]
    whole, divided = make_net(model=model), make_net(contexts, model=model)
    one = make_updater(whole, clip=0.0)
    many = make_updater(divided, contexts, clip=0.0, accumulate=parts)
    for number, views in enumerate((2, 3, 1, 3, 2), 1):
        same = {name: array.copy() for name, array in get_parameters(whole).items()}
        training.set_parameters(divided, same, contexts, source="the other")
        batch = make_batch(views, number)
        expected, found = one.update(batch, number), many.update(batch, number)
        assert found.read() == pytest.approx(expected.read(), rel=1e-5)
        truth, actual = gradients(whole), gradients(divided)
        for name, gradient in truth.items():
            assert views == 1 or np.abs(gradient).max() > 0  # the first view meets a state of zeros
            assert np.abs(actual[name] - gradient).max() <= 1e-5 * max(1, np.abs(gradient).max()), name
        np.testing.assert_allclose(np.concatenate([score.asnumpy() for score in found.scores], axis=1),
                                   expected.scores[0].asnumpy(), rtol=1e-5)  # in the order of the keys


def test_parts_that_a_batch_has_not(data, tmp_path, capsys):
    assert run_tool(data, tmp_path / "run", "--accumulate", "3", "--steps", "1") == 2
    assert "a batch of 4 cannot be shared equally by 1 devices, each in 3 parts" in capsys.readouterr().err


def test_the_guard_names_the_batch_of_all_parts(data, tmp_path, monkeypatch, capsys):
    """A loss that is not finite in one part on one device; two devices, two parts."""
    devices = [mx.cpu(0), mx.cpu(1)]
    monkeypatch.setattr(training, "contexts", lambda gpus: devices)
    backward, calls = Pass.backward, []

    def poisoned(self):
        scores = backward(self)
        calls.append(self.truth.context)
        return scores * np.nan if len(calls) == 11 else scores  # the third part of the third update

    monkeypatch.setattr(Pass, "backward", poisoned)
    options = ["--steps", "6", "--checkpoint-every", "2", "--accumulate", "2"]
    assert run_tool(data, tmp_path / "run", *options) == 1
    message = capsys.readouterr().err.splitlines()[-1]
    assert calls[:4] == devices * 2
    assert "the loss at step 3 is nan" in message and message.count("/train") == 4 and "step-00000002" in message


# averaged parameters ----------------------------------------------------------------------------

def test_the_average_is_its_formula():
    net, decay = make_net(norm="batch"), 0.9
    updater = make_updater(net, ema=decay)
    truth = {name: array.astype(np.float64) for name, array in values(net).items()}
    for number in range(1, 101):
        if number in (1, 2, 3):
            updater.update(make_batch(2, number), number)
        else:  # as if: it takes many to reach the decay
            updater.average.update(number)
        d = min(decay, (1 + number) / (10 + number))
        now = values(net)
        truth = {name: d * before + (1 - d) * now[name] for name, before in truth.items()}
    assert (1 + 100) / (10 + 100) > decay
    running = [name for name in now if name.endswith(("running_mean", "running_var"))]
    for name, array in updater.average.arrays().items():
        wanted = now[name] if name in running else truth[name]
        np.testing.assert_allclose(array.asnumpy(), wanted, rtol=1e-5, atol=1e-7, err_msg=name)
    averaged = updater.average.network([mx.cpu()])
    images = mx.nd.random.uniform(shape=(2, 1, 3, SIZE, SIZE))
    first = averaged(images).asnumpy()  # the network of its own is used, and the average goes on
    updater.update(make_batch(1), 101)
    assert np.abs(updater.average.network([mx.cpu()])(images).asnumpy() - first).max() > 0
    np.testing.assert_array_equal(averaged(images).asnumpy(), first)


def test_frozen_layers_are_not_averaged():
    net = make_net(upsample="trilinear_frozen")
    updater = make_updater(net, ema=0.9, freeze=("encoder",))
    assert set(updater.average._averages) == {name for name in values(net)
                                              if not name.startswith("encoder.") and "interpolate" not in name}


@pytest.mark.slow
def test_an_averaged_run_resumes_to_the_bit_and_is_used_averaged(data, tmp_path, monkeypatch):
    options = ["--ema", "0.95", "--norm", "batch", "--validate-every", "2", "--checkpoint-every", "2", "--steps", "6"]
    assert run_tool(data, tmp_path / "whole", *options) == 0
    update = training.Trainer._update

    def failing(self, batch):
        if self.step == 3:
            raise KeyboardInterrupt  # as a second Ctrl-C: nothing is saved
        update(self, batch)

    monkeypatch.setattr(training.Trainer, "_update", failing)
    assert run_tool(data, tmp_path / "parts", *options) == 130
    monkeypatch.setattr(training.Trainer, "_update", update)
    assert train.main(["--data", str(data), "--run", str(tmp_path / "parts"), "--resume"]) == 0
    first, second = (tmp_path / name / "checkpoints" / "step-00000006" for name in ("whole", "parts"))
    assert {path.name for path in first.iterdir()} == {"network.params", "trainer.states", "average.params",
                                                       "state.json"}
    for path in first.iterdir():
        assert path.read_bytes() == (second / path.name).read_bytes(), path.name

    checkpoint = training.read_checkpoint(first)
    assert set(json.loads((first / "state.json").read_text())["files"]) >= {"average.params"}
    net, info = training.load_network(first)
    average, live = checkpoint.average(), checkpoint.parameters()
    assert info["averaged"] and info["weights_sha256"] == checkpoint.weights_sha256
    for name, array in values(net).items():
        np.testing.assert_array_equal(array, average[name].asnumpy())
    assert np.abs((average["cell.gates.weight"] - live["cell.gates.weight"]).asnumpy()).max() > 0
    damaged = first / "average.params"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelError, match="average.params"):
        training.read_checkpoint(first)


def test_validation_measures_the_average(data, tmp_path, monkeypatch):
    used = []
    measure = training.Validation.measure

    def watched(self, net, contexts):
        used.append((net, values(net)))
        return measure(self, net, contexts)

    monkeypatch.setattr(training.Validation, "measure", watched)
    options = ["--steps", "2", "--validate-every", "1"]
    assert run_tool(data, tmp_path / "run", *options, "--ema", "0.9") == 0
    average = training.newest_checkpoint(tmp_path / "run").average()
    for name, array in used[1][1].items():
        np.testing.assert_array_equal(array, average[name].asnumpy(), name)
    trained = values(used[0][0])
    assert run_tool(data, tmp_path / "plain", *options) == 0  # a run without is the same but for that
    plain, averaged = (training.newest_checkpoint(tmp_path / name).parameters() for name in ("plain", "run"))
    for name, array in plain.items():
        np.testing.assert_array_equal(array.asnumpy(), averaged[name].asnumpy(), name)
    assert any(np.abs(trained[name] - array.asnumpy()).max() > 0 for name, array in plain.items())
    assert not training.newest_checkpoint(tmp_path / "plain").averaged
    assert not training.load_network(tmp_path / "plain")[1]["averaged"]


# float16 ----------------------------------------------------------------------------------------

def test_the_scale():
    scale = LossScale()
    assert scale.scale == 65536
    assert not any(scale.skips(finite=True) for _ in range(DOUBLE_AFTER - 1)) and scale.scale == 65536
    assert not scale.skips(finite=True) and scale.scale == 2 * 65536
    assert scale.skips(finite=False) and scale.scale == 65536 and scale.skipped == 1
    assert LossScale(**json.loads(json.dumps(scale.as_dict()))) == scale
    for _ in range(16):
        assert scale.skips(finite=False)
    assert scale.scale == 1 and not scale.skips(finite=False)  # none of the scale's doing: the run stops
    assert scale.skipped == 17


@pytest.fixture
def scaled(monkeypatch):
    """What --dtype float16 does, in a working copy of float32, which the CPU can run."""
    monkeypatch.setattr(update_module, "WorkingCopy", functools.partial(WorkingCopy, dtype="float32"))


@pytest.mark.slow
@pytest.mark.parametrize("options", [{"recompute": True}, {"optimizer": "sgd", "accumulate": 2},
                                     {"clip": 0.01, "freeze": ("encoder",)}])
def test_a_scale_changes_no_bit(scaled, options):
    """A power of two rounds nothing; the running statistics come back too. On two devices."""
    contexts = [mx.cpu(0), mx.cpu(1)]
    plain, copied = make_net(contexts, norm="batch"), make_net(contexts, norm="batch")
    first = make_updater(plain, contexts, **options)
    second = make_updater(copied, contexts, **options, dtype="float16")
    for number in (1, 2, 3):
        batch = make_batch(number, number)
        assert first.update(batch, number).read() == second.update(batch, number).read()
    found, states = values(copied), get_state(second.optimiser, second._names)
    for name, array in values(plain).items():
        np.testing.assert_array_equal(array, found[name], name)
    for name, array in get_state(first.optimiser, first._names).items():
        np.testing.assert_array_equal(array.asnumpy(), states[name].asnumpy(), name)


@pytest.mark.slow
def test_an_overflow_skips_the_update(scaled, data, tmp_path, monkeypatch):
    """Parameters and optimiser stay, the scale is halved, the log says so, and a resumed run knows it all."""
    monkeypatch.setattr("gluon_r2n2.training.trainer.check_dtype", lambda config, contexts: None)
    add, seen = WorkingCopy.add_gradients, []

    def overflowing(self, context):
        add(self, context)
        parameter = next(parameter for parameter, _ in self._pairs)
        seen.append({name: array.asnumpy() for name, array in get_parameters(self.net).items()})
        if len(seen) in (3, 6):
            parameter.grad(context)[:] = np.inf

    monkeypatch.setattr(WorkingCopy, "add_gradients", overflowing)
    options = ["--dtype", "float16", "--schedule", "constant", "--warmup", "0", "--ema", "0.9"]
    assert run_tool(data, tmp_path / "whole", *options, "--steps", "8") == 0
    for name, array in seen[3].items():  # of the parameters in the next update
        np.testing.assert_array_equal(array, seen[2][name], name)
    assert any((array != seen[4][name]).any() for name, array in seen[3].items())
    lines = [json.loads(line) for line in (tmp_path / "whole" / "log.jsonl").read_text().splitlines()]
    assert [(line["step"], line["loss_scale"]) for line in lines if line["event"] == "skipped"] == [(3, 2.0 ** 16),
                                                                                                    (6, 2.0 ** 15)]
    assert [line["gradient_norm"] == 0 for line in lines if line["event"] == "step"] == [number in (3, 6)
                                                                                         for number in range(1, 9)]
    seen.clear()
    assert run_tool(data, tmp_path / "parts", *options, "--steps", "4") == 0
    assert train.main(["--data", str(data), "--run", str(tmp_path / "parts"), "--resume", "--steps", "8"]) == 0
    first, second = (training.newest_checkpoint(tmp_path / name) for name in ("whole", "parts"))
    assert first.state["loss_scale"] == second.state["loss_scale"] == {"scale": 2.0 ** 14, "good": 2, "skipped": 2}
    for kind in ("parameters", "optimiser", "average"):
        for name, array in getattr(first, kind)().items():
            np.testing.assert_array_equal(array.asnumpy(), getattr(second, kind)()[name].asnumpy(), name)


@pytest.mark.slow
def test_a_gradient_that_overflows_at_every_scale_stops(scaled, data, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("gluon_r2n2.training.trainer.check_dtype", lambda config, contexts: None)
    add = WorkingCopy.add_gradients

    def overflowing(self, context):
        add(self, context)
        self._pairs[0][0].grad(context)[:] = np.nan

    monkeypatch.setattr(WorkingCopy, "add_gradients", overflowing)
    assert run_tool(data, tmp_path / "run", "--dtype", "float16", "--steps", "30", "--views", "1") == 1
    assert "the gradient at step 17 is not finite; the batch held" in capsys.readouterr().err


class Tiny(gluon.Block):
    """A network without products of matrices, which the CPU has in float16: mean picture x weight + bias."""

    def __init__(self, config=None):
        super().__init__()
        self.config = config
        self.weight = self.params.get("weight", shape=(1, 2, *[RESOLUTION] * 3), init=mx.init.Normal(1.0))
        self.bias = self.params.get("bias", shape=(1, 2, 1, 1, 1), init=mx.init.Zero())

    def forward(self, images):
        grey = images.reshape((0, 0, -1)).mean(axis=(0, 2)).reshape((-1, 1, 1, 1, 1))
        return mx.nd.broadcast_add(mx.nd.broadcast_mul(grey, self.weight.data(images.context)),
                                   self.bias.data(images.context))


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", training.OPTIMISERS)
def test_float16_keeps_its_weights_in_float32(optimizer):
    """Really in float16: updates far below its resolution add up, and the result is near that of float32."""
    nets, steps = [], 40
    for dtype in training.DTYPES:
        net = Tiny()
        mx.random.seed(3)
        net.initialize()
        rate = 3e-6 if optimizer != "sgd" else 3e-2
        updater = make_updater(net, optimizer=optimizer, learning_rate=rate, dtype=dtype, schedule="constant")
        start = values(net)
        measured = [updater.update(make_batch(1, number), number) for number in range(1, steps + 1)]
        assert all(np.isfinite(list(each.read().values())).all() for each in measured)
        nets.append(net)
    kept = [each.overflow for each in measured]
    assert kept[0] is None  # 65536 x a mean over 4096 voxels is within range
    single, half = (values(net) for net in nets)
    assert updater._copy.net.weight.data().dtype == np.float16
    for name, array in half.items():
        assert array.dtype == np.float32
        moved = np.abs(single[name] - start[name])
        assert 0 < moved.max() < (5e-3 if name == "weight" else 1)
        assert np.abs(array - single[name]).max() < 0.05 * moved.max(), name


def test_float16_overflows_and_finds_its_scale():
    """A bias, whose gradient is the sum over all voxels and objects: beyond 65504 until the scale is small enough."""
    net = Tiny()
    net.initialize()
    updater = make_updater(net, dtype="float16", batch_size=8)
    updater._copy.scale.scale = 2.0 ** 22
    found = [updater.update(make_batch(1, number, size=8), number) for number in range(1, 12)]
    skipped = [each.overflow for each in found if each.overflow is not None]
    assert skipped and skipped == [2.0 ** (22 - count) for count in range(len(skipped))]
    assert updater._copy.scale.scale == 2.0 ** (22 - len(skipped)) and found[-1].overflow is None
    assert updater.optimiser.optimizer.num_update == len(found) - len(skipped)


def test_normalisation_stays_in_float32():
    net = make_net(norm="batch")
    copy = make_updater(net, dtype="float16")._copy.net
    for name, parameter in named_parameters(copy).items():
        wanted = np.float32 if name.endswith(("gamma", "beta", "running_mean", "running_var")) else np.float16
        assert parameter.data().dtype == wanted, name
    assert {parameter.data().dtype for parameter in named_parameters(net).values()} == {np.float32}


def test_float16_is_refused_on_the_cpu(data, tmp_path, capsys):
    assert run_tool(data, tmp_path / "run", "--dtype", "float16", "--steps", "1") == 2
    assert "--dtype float16 is for GPUs" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


# the tool ---------------------------------------------------------------------------------------

@pytest.mark.slow
def test_the_flags_reach_the_run(data, tmp_path, capsys):
    run = tmp_path / "run"
    options = ["--steps", "2", "--schedule", "step", "--lr-drops", "1", "7", "--lr-drop-factor", "0.5", "--warmup", "0",
               "--lr-mult", "encoder=0.5", "cell=2", "--freeze", "*.bias", "--freeze", "decoder.logits",
               "--accumulate", "2", "--ema", "0.99", "--lr", "0.01"]
    assert run_tool(data, run, *options) == 0
    facts = json.loads((run / "config.json").read_text())["training"]
    wanted = {"lr_drops": [1, 7], "lr_drop_factor": 0.5, "warmup": 0, "lr_mult": ["encoder=0.5", "cell=2"],
              "freeze": ["*.bias", "decoder.logits"], "accumulate": 2, "ema": 0.99, "dtype": "float32"}
    assert {name: facts[name] for name in wanted} == wanted
    rates = [line["learning_rate"] for line in map(json.loads, (run / "log.jsonl").read_text().splitlines())
             if line["event"] == "step"]
    assert rates == [0.01, 0.005]
    repeat = ["--config", str(run / "config.yaml"), "--run", str(tmp_path / "again")]
    assert train.main(repeat) == 0  # the file of its options says the same
    assert json.loads((tmp_path / "again" / "config.json").read_text())["training"] == facts
    assert train.main([*repeat[:2], "--run", str(tmp_path / "third"), "--steps", "1", "--freeze", "cell"]) == 0
    assert json.loads((tmp_path / "third" / "config.json").read_text())["training"]["freeze"] == ["cell"]
    command = ["--data", str(data), "--run", str(run), "--resume", "--steps", "3"]
    assert train.main(command) == 0
    assert train.main([*command, "--freeze", "encoder"]) == 2
    assert "training freeze was ['*.bias', 'decoder.logits'] and is now ['encoder']" in capsys.readouterr().err
    assert train.main([*command, "--ema", "0.5"]) == 2
    assert "training ema was 0.99 and is now 0.5" in capsys.readouterr().err


def test_a_pattern_that_matches_nothing_is_named(data, tmp_path, capsys):
    for flag, value in (("--freeze", "encodre"), ("--lr-mult", "encodre=0.1")):
        assert run_tool(data, tmp_path / "run", flag, value, "--steps", "1") == 2
        message = capsys.readouterr().err
        assert f"{flag} encodre: no parameter" in message and "'encoder'" in message
        assert not (tmp_path / "run").exists()


def test_an_average_of_its_own():
    """Without the tool: the arrays put back go on, on two devices."""
    contexts = [mx.cpu(0), mx.cpu(1)]
    net = make_net(contexts)
    average = Average(net, 0.5)
    doubled = {name: array * 2 for name, array in average.arrays().items()}
    average.load(doubled)
    average.update(1)  # decay 2 / 11
    for name, array in values(net).items():
        np.testing.assert_allclose(average.arrays()[name].asnumpy(), array * (1 + 2 / 11), rtol=1e-6, err_msg=name)
