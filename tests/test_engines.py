"""Engines behind the Reconstructor: what the base class makes of three parts, their numbers, and which one is taken."""
from __future__ import annotations

import importlib.util
import json
import logging
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import mxnet as mx
import numpy as np
import pytest
from conftest import ROOT
from tiny_data import RESOLUTION, SIZE
from tiny_exports import exported, run_folder, tiny

from gluon_r2n2.deployment import Reconstructor, available_engines, onnx_graphs, open_model
from gluon_r2n2.deployment.engines import Engine, choosing
from gluon_r2n2.deployment.engines.base import AT_ONCE
from gluon_r2n2.deployment.preprocess import network_input
from gluon_r2n2.errors import ModelError
from gluon_r2n2.evaluation.page.facts import facts
from gluon_r2n2_tools import eval as eval_tool

INSTALLED = available_engines()
OTHERS = [name for name in INSTALLED if name != "mxnet"]
CONVERTS = pytest.mark.skipif(not (OTHERS and onnx_graphs.can_convert()),
                              reason="onnx, or all of onnxruntime and OpenVINO, are not installed")


class Adding(Engine):
    """The code of a view is its mean, a state is halved and added to, and the grid shows the state."""

    name, state = "adding", (2,)

    def __init__(self):
        self.most = 0

    def encode(self, images):
        self.most = max(self.most, len(images))
        return images.mean(axis=(1, 2, 3))

    def absorb(self, codes, state):
        return state / 2 + codes[:, None]

    def decode(self, state):
        return state.reshape(-1, 2, 1, 1).astype(np.float32)


def grid_of(views):
    """What `Adding` makes of an object, written out."""
    state = 0.0
    for view in views:
        state = state / 2 + view.mean()
    return np.full((2, 1, 1), state, np.float32)


@pytest.mark.parametrize("lengths", [[1], [3], [2, 5, 1, 5, 3], [1] * 20])
def test_many_objects_are_what_each_is_alone(lengths):
    random, engine = np.random.RandomState(0), Adding()
    objects = [random.uniform(size=(length, 3, 4, 4)).astype(np.float32) for length in lengths]
    expected = [grid_of(views) for views in objects]
    np.testing.assert_allclose(engine.run_many(objects), expected, rtol=1e-5)
    assert engine.most == min(AT_ONCE, sum(lengths))  # views of all objects together, and no more than that
    np.testing.assert_allclose(engine.run(objects[-1]), expected[-1], rtol=1e-5)
    for count, grid in enumerate(engine.stream(objects[0]), 1):
        np.testing.assert_allclose(grid, grid_of(objects[0][:count]), rtol=1e-5)
    together = np.stack([objects[0]] * 9, axis=1)  # (T, B, 3, S, S)
    counts = sorted({1, lengths[0]})
    for count, grids in zip(counts, engine.prefixes(together, counts)):
        np.testing.assert_allclose(grids, [grid_of(objects[0][:count])] * 9, rtol=1e-5)


@pytest.mark.parametrize("name", ["res3d_gru_3", "lstm_1"])
def test_mxnet_gives_the_bits_of_the_step_graph(name, tmp_path):
    net = tiny(name, norm="batch")
    _, engine = open_model(exported(net, tmp_path / "model"), engine="mxnet")
    step = mx.gluon.SymbolBlock(mx.sym.load(str(tmp_path / "model" / "r2n2-symbol.json")),
                                [mx.sym.var(name, dtype="float32") for name in ("data0", "data1")])
    step.collect_params().load(str(tmp_path / "model" / "r2n2-0000.params"), cast_dtype=True, dtype_source="current")
    views = np.random.uniform(size=(3, 3, 32, 32)).astype(np.float32)
    state = net.begin_state(1)
    for view, found in zip(views, engine.stream(views)):
        probabilities, state = step(mx.nd.array(view[None]), state)
        np.testing.assert_array_equal(found, probabilities[0].asnumpy())
    np.testing.assert_array_equal(engine.run(views), found)


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """An exported model, with ONNX graphs where they can be made."""
    return exported(tiny(input_size=SIZE, resolution=RESOLUTION), tmp_path_factory.mktemp("engines") / "model",
                    onnx=onnx_graphs.can_convert())


def pictures(count):
    random = np.random.RandomState(1)
    return [random.randint(0, 256, (127, 127, 3)).astype(np.uint8) for _ in range(count)]


def close(found, expected, tolerance=1e-5):
    """By the largest difference over the largest probability."""
    return found.dtype == np.float32 and np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


@CONVERTS
@pytest.mark.parametrize("engine", OTHERS)
def test_every_engine_gives_the_numbers_of_mxnet(engine, model):
    images, exact = pictures(5), Reconstructor(model, engine="mxnet")
    ours = Reconstructor(model, engine=engine)
    assert (ours.engine, ours.precision, ours.facts) == (engine, "float32", exact.facts)
    expected = list(exact.stream(images))
    assert close(ours.reconstruct(images), expected[-1])
    for found, wanted in zip(ours.reconstruct_many([images[:2], images, images[:1]]),
                             [expected[1], expected[4], expected[0]]):
        assert close(found, wanted)
    assert ours.reconstruct_many([]) == []
    # two streams in turn, with a batch between: each keeps its own state, and what it gave stays as it was
    streams, given = (ours.stream(images), ours.stream(images[::-1])), ([], [])
    backwards = list(exact.stream(images[::-1]))
    for _ in images:
        for stream, grids in zip(streams, given):
            grids.append(next(stream))
        ours.reconstruct_many([images[2:3]] * 3)
    for found, wanted in zip(given[0] + given[1], expected + backwards):
        assert close(found, wanted)


class Alone(Adding):
    """An engine that two threads are never in at once."""

    inside = False

    def encode(self, images):
        assert not self.inside
        self.inside = True
        time.sleep(0.001)  # lets another thread run
        self.inside = False
        return super().encode(images)


def test_threads_take_turns(model):
    reconstructor = Reconstructor(model, engine="mxnet")
    reconstructor._engine = Alone()
    views = reconstructor.prepare(pictures(5))

    def work(number):
        if number % 3 == 0:
            return list(reconstructor.stream(views))[-1]
        return reconstructor.reconstruct(views) if number % 3 == 1 else reconstructor.reconstruct_many([views] * 2)[1]

    with ThreadPoolExecutor(3) as pool:
        for grid in pool.map(work, range(30)):
            np.testing.assert_allclose(grid, grid_of(network_input([view.image for view in views])[:, 0]), rtol=1e-5)


@CONVERTS
def test_models_without_graphs_are_converted_when_they_are_loaded(tmp_path):
    """An earlier export, a run and one of its checkpoints, of a network whose statistics matter."""
    net = tiny("gru_3", norm="batch")
    run = run_folder(net, tmp_path / "run")
    [checkpoint] = (run / "checkpoints").iterdir()
    images = pictures(2)
    expected = Reconstructor(run, engine="mxnet").reconstruct(images)
    for path in (exported(net, tmp_path / "model"), run, checkpoint):
        before = sorted(tmp_path.rglob("*"))
        assert close(Reconstructor(path, engine=OTHERS[0]).reconstruct(images), expected)
        assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif("openvino" not in OTHERS, reason="OpenVINO is not installed")
def test_bfloat16_is_near_and_a_processor_without_it_is_told(model, monkeypatch, caplog):
    from gluon_r2n2.deployment.engines import openvino_engine

    class Old:  # beside the one of this process, not another one, for the reason that it states
        compile_model = openvino_engine.core().compile_model

        def get_property(self, *_):
            return ["FP32", "INT8"]

    images = pictures(3)
    exact = Reconstructor(model, engine="mxnet").reconstruct(images)
    with caplog.at_level(logging.WARNING):
        rounded = Reconstructor(model, precision="bfloat16")
        native = not caplog.records
        monkeypatch.setattr(openvino_engine, "core", Old)
        Reconstructor(model, precision="bfloat16")
    assert (rounded.engine, rounded.precision) == ("openvino", "bfloat16")
    grid = rounded.reconstruct(images)
    assert close(grid, exact, 2e-2)
    assert not native or not close(grid, exact, 1e-4)  # it was really computed with fewer digits
    assert "no bfloat16 of its own" in caplog.text


@pytest.mark.slow
@pytest.mark.parametrize("engine", OTHERS)
def test_a_signal_after_a_model_was_let_go_by_another_thread(model, engine):
    """OpenVINO unmaps the stack for signals of the thread that loaded it, if it can."""
    done = subprocess.run([sys.executable, "-c", f"""
import os, signal, threading
from gluon_r2n2.deployment import Reconstructor
models = [Reconstructor({str(model)!r}, engine={engine!r})]
thread = threading.Thread(target=models.clear)
thread.start()
thread.join()
try:
    os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    print("as usual")
"""], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout) == (0, "as usual\n"), done.stderr


@pytest.mark.parametrize("installed, options, wanted", [
    (("openvino", "onnxruntime", "mxnet"), {}, "openvino"), (("onnxruntime", "mxnet"), {}, "onnxruntime"),
    (("mxnet",), {}, "mxnet"), (("openvino", "mxnet"), {"graphs": False}, "mxnet"),
    (("openvino", "mxnet"), {"gpu": True}, "mxnet"), (("openvino", "mxnet"), {"engine": "mxnet"}, "mxnet"),
    (("openvino", "onnxruntime", "mxnet"), {"engine": "onnxruntime"}, "onnxruntime"),
    (("openvino", "mxnet"), {"precision": "bfloat16"}, "openvino"),
    (("mxnet",), {"engine": "openvino"}, "pip install 'gluon-r2n2[openvino]'"),
    (("mxnet",), {"engine": "onnxruntime"}, "pip install 'gluon-r2n2[onnx]'"),
    (("mxnet",), {"precision": "bfloat16"}, "pip install 'gluon-r2n2[openvino]'"),
    (("openvino", "mxnet"), {"engine": "mxnet", "precision": "bfloat16"}, "take the engine openvino, or float32"),
    (("openvino", "mxnet"), {"engine": "openvino", "gpu": True}, "take the engine mxnet for a GPU"),
    (("openvino", "mxnet"), {"engine": "openvino", "graphs": False}, "tools/export.py --onnx"),
    (("mxnet",), {"engine": "onnxrt"}, "did you mean 'onnxruntime'"), (("mxnet",), {"precision": "fp16"}, "bfloat16"),
])
def test_the_engine_that_is_taken(installed, options, wanted, monkeypatch):
    monkeypatch.setattr(choosing, "available_engines", lambda: installed)
    if wanted in choosing.ENGINES:
        assert choosing.choose(options.pop("engine", None), **options) == wanted
        return
    with pytest.raises(ModelError) as caught:
        choosing.choose(options.pop("engine", None), **options)
    assert wanted in str(caught.value) and "\n" not in str(caught.value)


def test_without_onnx_a_model_without_graphs_runs_by_mxnet(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_graphs, "can_convert", lambda: False)
    folder = exported(tiny("gru_1"), tmp_path / "model")
    assert Reconstructor(folder).engine == "mxnet"
    for name in OTHERS:
        with pytest.raises(ModelError, match="export it with tools/export.py --onnx"):
            Reconstructor(folder, engine=name)


def test_the_best_engine_is_taken_and_named(model):
    assert Reconstructor(model).engine == (INSTALLED[0] if onnx_graphs.can_convert() else "mxnet")
    assert set(INSTALLED) == {name for name in ("openvino", "onnxruntime", "mxnet") if importlib.util.find_spec(name)}


def test_threads_of_mxnet_are_those_it_was_loaded_with(model, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    Reconstructor(model, engine="mxnet", threads=2)
    with pytest.raises(ModelError, match="set OMP_NUM_THREADS=3"):
        Reconstructor(model, engine="mxnet", threads=3)


@CONVERTS
@pytest.mark.parametrize("engine", OTHERS)
def test_threads_are_taken_by_the_others(engine, model):
    images = pictures(1)
    assert close(Reconstructor(model, engine=engine, threads=1).reconstruct(images),
                 Reconstructor(model, engine="mxnet").reconstruct(images))


def test_what_is_not_asked_for_is_not_loaded(model):
    code = ("import sys; from gluon_r2n2.deployment import Reconstructor; "
            f"Reconstructor({str(model)!r}, engine='mxnet'); "
            "print(sorted(set(sys.modules) & {'openvino', 'onnxruntime'}))")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert result.stdout.strip() == "[]", result.stderr


@pytest.mark.slow
@CONVERTS
@pytest.mark.parametrize("engine", OTHERS)
def test_an_evaluation_runs_by_another_engine(engine, model, data, tmp_path, capsys):
    common = ["--checkpoint", str(model), "--data", str(data), "--views", "1,3", "--threshold", "0.5"]
    assert eval_tool.main([*common, "--json", str(tmp_path / "mxnet.json")]) == 0
    assert eval_tool.main([*common, "--engine", engine, "--json", str(tmp_path / "other.json")]) == 0
    assert f"run by {engine} in float32" in capsys.readouterr().out
    expected, found = (json.loads((tmp_path / f"{name}.json").read_text()) for name in ("mxnet", "other"))
    assert ("run by", f"{engine} in float32") in facts(found) and "run by" not in dict(facts(expected))  # of the report
    assert found["model"].pop("engine") == engine and found["model"].pop("precision") == "float32"
    assert found["model"] == expected["model"]
    first, second = ({views: content["cross_entropy"][views]["macro"] for views in ("1", "3")}
                     for content in (expected, found))
    assert second == pytest.approx(first, rel=1e-5) and first["1"] != pytest.approx(first["3"], rel=1e-4)
    for views in ("1", "3"):  # the same voxels but for those within rounding of the threshold
        assert found["iou"][views]["macro"] == pytest.approx(expected["iou"][views]["macro"], abs=1e-3)


@pytest.mark.parametrize("flags", [["--engine", "openvino"], ["--precision", "bfloat16"]])
def test_stored_predictions_have_no_engine(flags, data, tmp_path, capsys):
    with pytest.raises(SystemExit):
        eval_tool.main(["--predictions", str(tmp_path), "--data", str(data), *flags])
    assert f"{flags[0]} is not for --predictions" in capsys.readouterr().err
