"""Memory: recomputed gradients against recorded ones; plans against counts by hand, MXNet's plan, measurements."""
from __future__ import annotations

import functools
import importlib.util
import json
import math
import shutil
import subprocess
import sys
import types
from pathlib import Path

import mxnet as mx
import numpy as np
import pytest
from mxnet import autograd
from tiny_runs import content, run_tool

import gluon_r2n2
from gluon_r2n2.config import ModelConfig
from gluon_r2n2.encoder import PlainStage, ResidualStage
from gluon_r2n2.memory import plan_training
from gluon_r2n2.memory.graph import activations
from gluon_r2n2.training import TrainingConfig, update
from gluon_r2n2.training.arrays import named_parameters
from gluon_r2n2.training.recompute import Recomputation
from gluon_r2n2.training.scaling import WorkingCopy

ROOT = Path(__file__).resolve().parent.parent
MIB = 2**20


def network(name="res3d_gru_3", *, seed=3, **options):
    net = gluon_r2n2.get_model(name, width=1 / 16, input_size=32, resolution=16, **options)
    gluon_r2n2.initialise(net, [mx.cpu()], seed)
    for parameter in learning(net).values():
        parameter.grad_req = "add"
    return net


def learning(net):
    return {name: parameter for name, parameter in named_parameters(net).items() if parameter.grad_req != "null"}


def sequences(*views, batch=2):
    """A batch of random pictures and voxels for each number of views."""
    for count in views:
        yield (mx.nd.array(np.random.rand(count, batch, 3, 32, 32)),
               mx.nd.array(np.random.rand(batch, 16, 16, 16) > 0.7))


def view_by_view(net, images):
    codes = mx.nd.concat(*[net.encoder(view) for view in images], dim=0)
    state = net.begin_state(images.shape[1])
    for code in net.project(codes, len(images)):
        state = net.absorb(code, state)
    return net.decode(state)


def gradients(net, voxels, logits, after=lambda: None):
    """The gradients of the loss of what the function *logits* returns, and the loss."""
    for parameter in learning(net).values():
        parameter.zero_grad()
    with autograd.record():
        loss = gluon_r2n2.VoxelLoss()(logits(), voxels)
    loss.backward()
    after()
    return {name: parameter.grad().asnumpy() for name, parameter in learning(net).items()}, loss.asnumpy()


def recorded(net, images, voxels):
    return gradients(net, voxels, lambda: net(images))


def recomputed(net, images, voxels):
    recomputation = Recomputation(net, images)
    return gradients(net, voxels, recomputation.logits, recomputation.backward)


def check_equal(found, wanted):
    assert found[1] == pytest.approx(wanted[1], rel=1e-5)
    for name, gradient in wanted[0].items():
        assert np.abs(found[0][name] - gradient).max() <= 1e-5 * max(np.abs(gradient).max(), 1e-3), name


# recomputation -------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["res3d_gru_3", "gru_3", "lstm_3"])
def test_gradients_are_those_of_the_recorded_network(name):
    """Hybridised as in training, the number of views changing, against the imperative network."""
    plain, net = network(name), network(name)
    net.hybridize(static_alloc=True)
    for images, voxels in sequences(3, 1, 5):
        check_equal(recomputed(net, images, voxels), recorded(plain, images, voxels))


def test_gradients_add_up_and_a_frozen_encoder_has_none():
    net = network("gru_3")
    (images, voxels), = sequences(2)
    once = recomputed(net, images, voxels)[0]
    recomputation = Recomputation(net, images)
    with autograd.record():
        loss = gluon_r2n2.VoxelLoss()(recomputation.logits(), voxels)
    loss.backward()
    recomputation.backward()
    for name, parameter in learning(net).items():
        np.testing.assert_allclose(parameter.grad().asnumpy(), 2 * once[name], rtol=1e-4, atol=1e-6)
    for parameter in net.encoder.collect_params().values():
        parameter.grad_req = "null"
    frozen = recomputed(net, images, voxels)[0]
    assert not any(name.startswith("encoder") for name in frozen)
    for name, gradient in frozen.items():
        np.testing.assert_allclose(gradient, once[name], rtol=1e-4, atol=1e-6)


def test_batch_norm_sees_each_view_once():
    """As where one records view after view; the running statistics take each view in once."""
    plain, net = network(norm="batch"), network(norm="batch")
    wanted = np.zeros(16, np.float32)  # of the first layer
    for images, voxels in sequences(3, 1, 2, batch=3):
        check_equal(recomputed(net, images, voxels),
                    gradients(plain, voxels, functools.partial(view_by_view, plain, images)))
        convolution, norm = net.encoder.stages[0].conv_a
        for view in images:
            wanted = 0.9 * wanted + 0.1 * convolution(view).asnumpy().mean(axis=(0, 2, 3))
        np.testing.assert_allclose(norm.running_mean.data().asnumpy(), wanted, rtol=1e-4, atol=1e-6)


def test_with_one_view_batch_norm_is_that_of_the_plain_pass():
    plain, net = network(norm="batch"), network(norm="batch")
    (images, voxels), = sequences(1, batch=4)
    check_equal(recomputed(net, images, voxels), recorded(plain, images, voxels))
    for one, other in zip(named_parameters(plain).values(), named_parameters(net).values()):
        np.testing.assert_allclose(other.data().asnumpy(), one.data().asnumpy(), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("options, contexts", [({}, 1), ({"accumulate": 2}, 2), ({"dtype": "float16"}, 1)])
def test_updates_are_those_without(options, contexts, monkeypatch):
    """Parts of a batch, several devices and the working copy come on top; sgd, as Adam would blow rounding up."""
    # the CPU has no float16: the copy that the network would be run in is one of float32
    monkeypatch.setattr(update, "WorkingCopy", functools.partial(WorkingCopy, dtype="float32"))
    found = []
    contexts = [mx.cpu(number) for number in range(contexts)]
    for recompute in (False, True):
        net = gluon_r2n2.get_model("gru_3", width=1 / 16, input_size=32, resolution=16)
        gluon_r2n2.initialise(net, contexts, 3)
        config = TrainingConfig.from_recipe(optimizer="sgd", learning_rate=0.1, batch_size=4, recompute=recompute,
                                            **(options if recompute else {}))
        updater = update.Updater(net, config, contexts)
        random = np.random.default_rng(0)
        for number, views in enumerate((2, 1, 3), start=1):
            batch = types.SimpleNamespace(images=random.integers(0, 256, (views, 4, 3, 32, 32), np.uint8),
                                          voxels=random.integers(0, 2, (4, 16, 16, 16), np.uint8), keys=list("abcd"))
            loss = updater.update(batch, number).read()["loss"]
        found.append((loss, {name: parameter.data(contexts[0]).asnumpy()
                             for name, parameter in named_parameters(net).items()}))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-5)
    for name, array in found[0][1].items():
        np.testing.assert_allclose(found[1][1][name], array, rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.slow
def test_resumed_bit_for_bit(data, tmp_path):
    straight, resumed = tmp_path / "straight", tmp_path / "resumed"
    flags = ["--recompute", "--norm", "batch", "--steps", "4", "--checkpoint-every", "2", "--validate-every", "0"]
    assert run_tool(data, straight, *flags) == 0
    shutil.copytree(straight, resumed)
    shutil.rmtree(resumed / "checkpoints" / "step-00000004")
    assert run_tool(data, resumed, *flags, "--resume") == 0
    assert content(resumed, 4)["network.params"] == content(straight, 4)["network.params"]
    assert content(resumed, 4)["trainer.states"] == content(straight, 4)["trainer.states"]


def test_a_run_keeps_its_kind_of_pass(data, tmp_path, capsys):
    assert run_tool(data, tmp_path / "run", "--steps", "1", "--validate-every", "0") == 0
    assert run_tool(data, tmp_path / "run", "--steps", "2", "--resume", "--recompute") == 2
    assert "recompute was False and is now True" in capsys.readouterr().err


# plans ---------------------------------------------------------------------------------------------

def test_a_plain_stage_counted_by_hand():
    stage = PlainStage(16, 3, 3, ModelConfig())
    found = activations(stage(mx.sym.var("x")), lambda name: name.rpartition("_")[0], fixed=("x",), x=(2, 3, 9, 9))
    # convolution 16 x 9 x 9, pool and LeakyReLU 16 x 5 x 5, of two pictures of four bytes per number
    wide, small = 2 * 16 * 81 * 4, 2 * 16 * 25 * 4
    assert sorted(found.layers.values()) == [small, small, wide]
    assert found.passing == 0
    assert found.backward == small + wide  # into the pool, and out of it
    assert found.scratch == 2 * 3 * 81 * 4 + wide


def test_a_residual_stage_counted_by_hand():
    stage = ResidualStage(16, 8, 3, ModelConfig(), skip="convolution")
    found = activations(stage(mx.sym.var("x")), lambda name: "all", fixed=("x",), x=(1, 8, 9, 9))
    wide, small = 16 * 81 * 4, 16 * 25 * 4
    # two convolutions, two LeakyReLU and the sum are read backwards; the skip is not
    assert found.layers == {"all": 5 * wide + small}
    assert found.passing == wide
    # the pool hands the sum's gradient on to both branches; on its way down, the second convolution adds one
    assert found.backward == 2 * wide
    half = activations(stage(mx.sym.var("x")), lambda name: "all", itemsize=2, fixed=("x",), x=(1, 8, 9, 9))
    assert 2 * half.kept == found.kept


@pytest.mark.parametrize("name", ["res3d_gru_3", "gru_3"])
def test_kept_arrays_are_as_large_as_mxnet_makes_them(name):
    net = network(name)
    symbol = net.encoder(mx.sym.var("x"))
    executor = symbol.get_internals().simple_bind(mx.cpu(), grad_req="write", x=(3, 3, 32, 32))
    executor.forward(is_train=True)
    inputs = set(symbol.list_arguments())
    skips = {f"{stage.conv_skip[0].name}_fwd_output" for stage in net.encoder.stages
             if getattr(stage, "conv_skip", None) is not None}
    sizes = [array.asnumpy().nbytes for name, array in zip(symbol.get_internals().list_outputs(), executor.outputs)
             if name not in inputs and name not in skips]
    assert activations(symbol, lambda name: "all", x=(3, 3, 32, 32)).layers == {"all": sum(sizes)}


@pytest.mark.parametrize("name, part", [("res3d_gru_3", "encoder"), ("gru_3", "encoder"), ("res3d_gru_3", "decoder"),
                                        ("gru_3", "decoder")])
def test_mxnets_own_planner_is_near(name, part):
    """What an executor of the same graph allocates, whose arrays MXNet places itself."""
    net = gluon_r2n2.get_model(name)
    symbol = getattr(net, part)(mx.sym.var("x"))
    shape = (2, 3, 127, 127) if part == "encoder" else (2, 128, 4, 4, 4)
    requests = {argument: "null" if argument == "x" else "write" for argument in symbol.list_arguments()}
    text = symbol.simple_bind(mx.cpu(), grad_req=requests, x=shape).debug_str()
    allocated = int(text.rpartition("Total ")[0].rpartition("Total ")[2].split()[0])
    found = activations(symbol, lambda name: "all", fixed=("x",), x=shape)
    assert (found.kept + found.passing + found.backward) / MIB == pytest.approx(allocated, rel=0.3)


def plan(net=None, *, devices=1, on_cpu=True, **options):
    net = net or gluon_r2n2.get_model("res3d_gru_3")
    return plan_training(net, TrainingConfig.from_recipe(**{"batch_size": 4, "views": (1, 5), **options}),
                         devices=devices, on_cpu=on_cpu)


def size_of(plan, name):
    return sum(item.size for item in plan.items if item.name == name)


def test_parameters_are_all_counted():
    net = network(norm="batch")
    parameters = [parameter.data() for parameter in net.collect_params().values()]
    learning = [parameter.grad() for parameter in net.collect_params().values() if parameter.grad_req != "null"]
    stored, learnt = sum(4 * array.size for array in parameters), sum(4 * array.size for array in learning)
    assert learnt < stored  # running statistics
    for optimizer, arrays in (("adamw", 2), ("adam", 2), ("sgd", 1)):
        found = plan(net, optimizer=optimizer, ema=0.99)
        assert size_of(found, "parameters") == stored
        assert size_of(found, "gradients") == size_of(found, "moving average") == learnt
        assert size_of(found, f"optimiser, {optimizer}") == arrays * learnt
    assert not size_of(plan(net), "moving average")
    for parameter in net.encoder.collect_params().values():
        parameter.grad_req = "null"
    assert size_of(plan(net), "gradients") == learnt - sum(
        4 * math.prod(parameter.shape) for name, parameter in net.encoder.collect_params().items()
        if not name.endswith(("running_mean", "running_var")))


def test_recomputation_frees_the_plan_of_the_views():
    one, many = plan(views=(1, 1), recompute=True), plan(views=(24, 24), recompute=True)
    assert one.group("encoder") == many.group("encoder")
    assert many.peak - one.peak < 200 * MIB  # recurrence, pictures and the loader remain
    plain = plan(views=(24, 24))
    assert plain.group("encoder") == pytest.approx(24 * many.group("encoder"))
    assert plain.peak > 5 * 10**9 > many.peak
    assert plan(views=(1, 1)).group("encoder") == one.group("encoder")


def test_parts_and_devices_share_the_batch():
    whole, parts = plan(batch_size=8), plan(batch_size=8, accumulate=4)
    for group in ("encoder", "decoder"):
        assert whole.group(group) == pytest.approx(4 * parts.group(group), rel=1e-3)  # some are of no object
    shared = plan(batch_size=8, devices=2)
    assert shared.group("encoder") == pytest.approx(whole.group("encoder") / 2, rel=1e-3)
    assert shared.peak == 2 * shared.device + sum(item.size for item in shared.host)
    on_gpus = plan(batch_size=8, devices=2, on_cpu=False)
    assert on_gpus.peak == on_gpus.device < shared.device
    assert plan(dtype="float16").group("encoder") == plan().group("encoder") / 2


def test_what_is_frozen_in_front_keeps_nothing():
    net = gluon_r2n2.get_model("res3d_gru_3")
    for name, parameter in named_parameters(net).items():
        if name.startswith(("encoder.stages.0", "encoder.stages.1")):
            parameter.grad_req = "null"
    whole, part = plan(), plan(net)
    assert size_of(part, "encoder.stages.0") == 0
    assert 0 < size_of(part, "encoder.stages.1") < size_of(whole, "encoder.stages.1") / 4  # what the next stage reads
    assert size_of(part, "encoder.stages.2") == size_of(whole, "encoder.stages.2")


def test_every_layer_has_its_line():
    text = plan(gluon_r2n2.get_model("resnet18_gru_3", width=0.25)).table()
    for line in ("encoder.stages.backbone", "encoder.dense", "cell, 5 times", "decoder.tail", "loader, 4 batches ahead",
                 "optimiser, adamw", "peak"):
        assert f"  {line} " in text, text
    assert "other" not in text


def test_planning_changes_nothing():
    net = network(norm="batch")
    net.hybridize(static_alloc=True)
    (images, voxels), = sequences(2)
    before = net(images).asnumpy()
    assert plan(net) == plan(net)
    assert (net(images).asnumpy() == before).all()


# measurements --------------------------------------------------------------------------------------

GROWTH = """
import sys, json, types
import gluon_r2n2
import mxnet as mx, numpy as np
from gluon_r2n2.memory import Peak, plan_training
from gluon_r2n2.training import TrainingConfig
from gluon_r2n2.training.update import Updater
config = TrainingConfig.from_recipe(batch_size=4, views=(1, 8), recompute=json.loads(sys.argv[1]))
peak = Peak([mx.cpu()])
net = gluon_r2n2.get_model("res3d_gru_3", width=0.25, resolution=16)
gluon_r2n2.initialise(net)
updater = Updater(net, config, [mx.cpu()])
found = []
for number, views in enumerate((1, 8), start=1):
    batch = types.SimpleNamespace(images=np.zeros((views, 4, 3, 127, 127), np.uint8),
                                  voxels=np.zeros((4, 16, 16, 16), np.uint8), keys=list("abcd"))
    updater.update(batch, number).read()
    mx.nd.waitall()
    found.append(peak.read())
print(json.dumps([*found, plan_training(net, config).peak]))
"""


@pytest.mark.slow
def test_measured_memory_grows_less_when_recomputed():
    """And the plans, which are of eight views, are near."""
    growth = {}
    for recompute in (False, True):
        result = subprocess.run([sys.executable, "-c", GROWTH, json.dumps(recompute)], cwd=ROOT, text=True,
                                capture_output=True, timeout=300)
        assert result.returncode == 0, result.stderr
        first, last, planned = json.loads(result.stdout.splitlines()[-1])
        growth[recompute] = last - first
        assert planned == pytest.approx(last, rel=0.3)
    assert growth[False] > 200 * MIB
    assert growth[True] < growth[False] / 3, growth


def test_the_report_of_the_tool(data, tmp_path, capsys):
    flags = ["--steps", "2", "--validate-every", "0", "--memory-report"]
    assert run_tool(data, tmp_path / "run", *flags, "--recompute") == 0
    out = capsys.readouterr().out
    assert "memory plan, MiB: 4 objects with 3 views, recomputed" in out
    assert "MiB planned, " in out and " MiB measured at most" in out
    assert run_tool(data, tmp_path / "none", *flags, "--dry-run") == 0
    assert "memory plan, MiB: 4 objects with 3 views\n" in capsys.readouterr().out
    assert not (tmp_path / "none").exists()
    assert "memory-report" not in (tmp_path / "run" / "config.yaml").read_text()


def test_the_benchmark_holds_its_limit(monkeypatch, capsys):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    spec = importlib.util.spec_from_file_location("memory_benchmark", ROOT / "benchmarks" / "memory.py")
    benchmark = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(benchmark)
    monkeypatch.setattr(benchmark, "alone", lambda *given: {"seconds": 1.0, "peak": 5 * 10**9})
    assert benchmark.main(["--limit", "6"]) == 0
    assert benchmark.main(["--limit", "4"]) == 1
    assert "not within 4 GB" in capsys.readouterr().out
    monkeypatch.setattr(benchmark, "available", lambda: 10**9)  # skipped is not shown to fit
    assert benchmark.main([]) == 1
