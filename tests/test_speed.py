"""The speed benchmark: its subjects compute the same, and its verdicts and layer tables are right on literal input."""
from __future__ import annotations

import importlib.util
import sys

import numpy as np
import pytest
from conftest import ROOT

from gluon_r2n2.complexity import Layer, layers
from gluon_r2n2.model_zoo import get_model

sys.path.insert(0, str(ROOT / "benchmarks"))
import layers as layers_script  # noqa: E402
import speed  # noqa: E402
import speed_sides  # noqa: E402
from processes import alone  # noqa: E402


def outputs(side, case, weights):
    kind, options = speed_sides.SIDES[side]
    subject = kind(case, weights, **options)
    subject.run()
    return subject.outputs()


@pytest.mark.slow
@pytest.mark.parametrize("side", ["as first written", "PyTorch", "PyTorch, views in one batch"])
def test_subjects_compute_the_same(side, tmp_path):
    """Logits and all gradients at full width, each in a process of its own."""
    if side.startswith("PyTorch") and not importlib.util.find_spec("torch"):
        pytest.skip("torch is not installed")
    alone(speed.prepare, ["res3d_gru_3"], str(tmp_path))
    params, arrays = tmp_path / "res3d_gru_3-32.params", tmp_path / "res3d_gru_3-32.npz"
    for mode, tolerance in speed.TOLERANCES.items():
        case = speed_sides.Case("res3d_gru_3", mode, 1, 2)
        ours = alone(outputs, "gluon-r2n2", case, params)
        theirs = alone(outputs, side, case, arrays if side.startswith("PyTorch") else params)
        assert set(ours) == set(theirs) and len(ours) == (1 if mode == "forward" else 64)
        for name, array in ours.items():
            assert np.linalg.norm(theirs[name] - array) <= tolerance * np.linalg.norm(array), (mode, name)


def row(who, mode, batch, views, seconds, peak=100, **more):
    return {"model": "res3d_gru_3", "who": who, "mode": mode, "batch": batch, "views": views, "seconds": seconds,
            "peak": peak, **more}


def test_verdicts_compare_with_the_faster_form_of_pytorch():
    rows = [row("gluon-r2n2", "forward", 1, 5, 2.0), row("PyTorch", "forward", 1, 5, 3.0),
            row("PyTorch, views in one batch", "forward", 1, 5, 2.1)]
    (verdict,) = speed.verdicts(rows)
    assert verdict["reached"] == pytest.approx(1.05) and not verdict["met"]  # at least 1.1 is wanted
    assert speed.verdicts(rows[:1]) == []  # nothing to compare with

    rows = [row("gluon-r2n2", "step", 4, 3, 2.0, loss_seconds=0.05),
            row("gluon-r2n2, recomputed", "step", 4, 3, 2.4, 90),
            row("PyTorch", "step", 4, 3, 3.0, 80), row("PyTorch, views in one batch", "step", 4, 3, 3.5, 70)]
    assert [(round(verdict["reached"], 3), verdict["met"]) for verdict in speed.verdicts(rows)] == [
        (1.5, True), (1.25, True), (1.125, False), (0.025, False)]


VERBOSE = """dnnl_verbose,info,cpu,runtime:OpenMP,nthr:2
dnnl_verbose,exec,cpu,convolution,brgconv:avx512_core,forward_inference,src_f32::blocked:acdb:f0,,alg:convolution_direct,mb1_ic96oc128_ih64oh64kh3sh1dh0ph1_iw64ow64kw3sw1dw0pw1,4
dnnl_verbose,exec,cpu,convolution,brgconv:avx512_core,backward_weights,src_f32::blocked:acdb:f0,,alg:convolution_direct,mb1_ic96oc128_ih64oh64kh3sh1dh0ph1_iw64ow64kw3sw1dw0pw1,6
dnnl_verbose,exec,cpu,deconvolution,jit:avx512_common,forward_inference,src_f32::blocked:aBcde16b:f0,,alg:deconvolution_direct,mb1_ic128oc64_id16od32kd3sd2dd0pd1_ih16oh32kh3sh2dh0ph1_iw16ow32kw3sw2dw0pw1,8
dnnl_verbose,exec,cpu,inner_product,x64:gemm:jit,forward_inference,src_f32::blocked:ab:f0,,,mb1ic2304oc1024,1
dnnl_verbose,exec,cpu,reorder,jit:uni,undef,src_f32::blocked:acdeb:f0 dst_f32::blocked:abcde:f0,,,1x64x32x32x32,3
=== measured 0.015
"""  # noqa: E501


def test_a_budget_is_added_up_by_layer():
    names = {"(96, 128, 64, 64, 3)": "conv2a", "(128, 64, 16, 32, 3)": "conv9a", "(2304, 1024)": "fc7"}
    found, total = layers_script.budget(VERBOSE, names, runs=2)
    assert total == pytest.approx(15)
    assert found == {"conv2a": 5, "conv9a": 4, "fc7": 0.5, "layouts changed (reorders)": 1.5,
                     "MXNet's own operators, and between them": pytest.approx(4)}


def test_layers_of_a_graph():
    import mxnet as mx

    net = get_model("gru_3")
    found = list(layers(net.decoder(mx.sym.var("state")), state=(1, 128, 4, 4, 4)))
    assert [layer.operator for layer in found] == 3 * ["Deconvolution"] + 2 * ["Convolution"]
    assert found[2] == Layer(found[2].weight, "Deconvolution", (128, 64), (16, 32), 3, 2 * 27 * 128 * 64 * 16**3)
    assert found[4][2:5] == ((32, 16), (32, 32), 3)  # computed as a block of 16
    (dense,) = layers(net.projection(mx.sym.var("code")), code=(1, 1024))
    assert dense[1:] == ("FullyConnected", (1024, 24576), (1, 1), 1, 2 * 1024 * 24576)
