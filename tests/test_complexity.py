"""Parameters and operations counted from the graph, against formulas over the layers' shapes and published figures."""
from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import mxnet as mx
import pytest

from gluon_r2n2 import get_model, initialise, list_models
from gluon_r2n2.complexity import complexity_of, operations
from gluon_r2n2.model_zoo import model_title

ROOT = Path(__file__).resolve().parent.parent

# Res3D-GRU-3 and 3D-GRU-3 written out from the paper and its code: lists of (pixels or voxels, kernel elements,
# channels in, channels out), one entry per layer. 127x127 pictures, padded pooling: 127, 64, 33, 17, 9, 5 and 3.
RESIDUAL_ENCODER = [
    (127**2, 49, 3, 96), (127**2, 9, 96, 96),
    (64**2, 9, 96, 128), (64**2, 9, 128, 128), (64**2, 1, 96, 128),
    (33**2, 9, 128, 256), (33**2, 9, 256, 256), (33**2, 1, 128, 256),
    (17**2, 9, 256, 256), (17**2, 9, 256, 256),
    (9**2, 9, 256, 256), (9**2, 9, 256, 256), (9**2, 1, 256, 256),
    (5**2, 9, 256, 256), (5**2, 9, 256, 256),
    (1, 1, 256 * 3 * 3, 1024),
]
PLAIN_ENCODER = [
    (127**2, 49, 3, 96), (64**2, 9, 96, 128), (33**2, 9, 128, 256), (17**2, 9, 256, 256), (9**2, 9, 256, 256),
    (5**2, 9, 256, 256), (1, 1, 256 * 3 * 3, 1024),
]
GRU = [(1, 1, 1024, 3 * 128 * 4**3)] + 3 * [(4**3, 27, 128, 128)]
# an unpooled grid has as many values that are not zero as the grid before it
RESIDUAL_DECODER = [
    (4**3, 27, 128, 128), (8**3, 27, 128, 128),
    (8**3, 27, 128, 128), (16**3, 27, 128, 128),
    (16**3, 27, 128, 64), (32**3, 27, 64, 64), (16**3, 1, 128, 64),
    (32**3, 27, 64, 32), (32**3, 27, 32, 32), (32**3, 27, 32, 32),
    (32**3, 27, 32, 2),
]
PLAIN_DECODER = [
    (4**3, 27, 128, 128), (8**3, 27, 128, 128), (16**3, 27, 128, 64), (32**3, 27, 64, 32), (32**3, 27, 32, 2),
]


def by_hand(layers) -> int:
    return sum(2 * places * kernel * before * after for places, kernel, before, after in layers)


@pytest.mark.parametrize("name, encoder, recurrence, decoder", [
    ("res3d_gru_3", RESIDUAL_ENCODER, GRU, RESIDUAL_DECODER), ("gru_3", PLAIN_ENCODER, GRU, PLAIN_DECODER)])
def test_operations_are_those_of_the_layers(name, encoder, recurrence, decoder):
    cost = complexity_of(get_model(name))
    assert (cost.encoder, cost.recurrence, cost.decoder) == (by_hand(encoder), by_hand(recurrence), by_hand(decoder))
    assert cost.per_view == by_hand(encoder) + by_hand(recurrence)
    assert cost.forward(5) == 5 * cost.per_view + cost.decoder


@pytest.mark.parametrize("name, count", [
    ("res3d_gru_3", 35968706), ("gru_3", 32207266), ("lstm_3", 32207266), ("lstm_1", 30929314), ("gru_1", 30929314)])
def test_published_sizes(name, count):
    assert complexity_of(get_model(name)).parameters == count


def test_counting_needs_no_values_and_changes_none():
    net = get_model("gru_3", width=1 / 16, norm="batch")
    cost = complexity_of(net)
    initialise(net)
    net.hybridize(static_alloc=True)
    before = net(mx.nd.ones((1, 1, 3, 127, 127))).asnumpy()
    assert complexity_of(net) == cost
    assert (net(mx.nd.ones((1, 1, 3, 127, 127))).asnumpy() == before).all()


def test_operations_of_single_layers():
    x, w = mx.sym.var("x"), mx.sym.var("w")
    grouped = mx.sym.Convolution(x, w, kernel=(3, 3), stride=(2, 2), pad=(1, 1), num_filter=8, num_group=4,
                                 no_bias=True)
    assert operations(grouped, x=(1, 4, 10, 6)) == 2 * (5 * 3) * 9 * 1 * 8  # one input channel per filter
    doubled = mx.sym.Deconvolution(mx.sym.relu(x), w, kernel=(4, 4, 4), stride=(2, 2, 2), pad=(1, 1, 1), num_filter=3,
                                   no_bias=True)
    assert operations(doubled, x=(1, 2, 5, 6, 7)) == 2 * (5 * 6 * 7) * 64 * 2 * 3
    repeated = mx.sym.Convolution(x, mx.sym.tile(w, reps=(8, 1, 1)), kernel=(1,), num_filter=16, no_bias=True)
    assert operations(repeated, x=(1, 4, 10), w=(2, 4, 1)) == 2 * 10 * 4 * 2


# 3D-GAN and 3D-VAE-GAN at 64^3, written out from the paper's supplement; both directions have the same doublings
DOUBLINGS = [(4**3, 64, 512, 256), (8**3, 64, 256, 128), (16**3, 64, 128, 64)]
GENERATOR = [(1, 64, 200, 512), *DOUBLINGS, (32**3, 64, 64, 2)]
DISCRIMINATOR = [(32**3, 64, 1, 64), *[(places, 64, after, before) for places, _, before, after in DOUBLINGS],
                 (1, 64, 512, 1)]
IMAGE_ENCODER = [(64**2, 121, 3, 64), (32**2, 25, 64, 128), (16**2, 25, 128, 256), (8**2, 25, 256, 512),
                 (1, 64, 512, 400)]  # 256x256 pictures, the paper's


def test_operations_of_the_generative_networks():
    cost = complexity_of(get_model("3d_vae_gan", input_size=256))
    assert (cost.encoder, cost.recurrence) == (by_hand(IMAGE_ENCODER), 0)
    assert (cost.decoder, cost.discriminator) == (by_hand(GENERATOR), by_hand(DISCRIMINATOR))
    plain = complexity_of(get_model("3d_gan"))
    assert (plain.encoder, plain.recurrence, plain.decoder, plain.discriminator) == (
        0, 0, cost.decoder, cost.discriminator)
    assert complexity_of(get_model("gru_1")).discriminator == 0


@pytest.mark.parametrize("name, published", [("resnet18_v1b", 1.8e9), ("mobilenetv2_1.0", 3.0e8)])
def test_backbones_cost_what_their_papers_say(name, published):
    """Multiply-adds of a 224x224 picture: He et al. (2015), table 1; Sandler et al. (2018), table 4."""
    net = get_model("gru_3", encoder=name, input_size=224, width=1 / 16)
    backbone = net.encoder.stages.backbone.features
    assert operations(backbone(mx.sym.var("image")), image=(1, 3, 224, 224)) / 2 == pytest.approx(published, rel=0.02)


# options -------------------------------------------------------------------------------------------

def test_hidden_and_kernel_cost_what_they_should():
    cost = complexity_of(get_model("gru_3", hidden=48, kernel=5))
    assert cost.recurrence == by_hand([(1, 1, 1024, 3 * 48 * 64)] + 3 * [(64, 125, 48, 48)])
    assert cost.encoder == by_hand(PLAIN_ENCODER)
    assert cost.decoder == by_hand([(4**3, 27, 48, 128)] + PLAIN_DECODER[1:])
    lstm = complexity_of(get_model("lstm_3", hidden=48, kernel=5))
    assert lstm.recurrence == cost.recurrence  # three gates each


def test_a_finer_output_costs_one_more_stage():
    """64^3 at width 1: the fourth doubling has half of the third's channels, the tail and the logits follow it."""
    cost = complexity_of(get_model("gru_3", resolution=64))
    assert cost.decoder == by_hand(PLAIN_DECODER[:3] + [(32**3, 27, 64, 32), (64**3, 27, 32, 32), (64**3, 27, 32, 2)])
    assert complexity_of(get_model("gru_3", resolution=16)).decoder == by_hand(
        PLAIN_DECODER[:2] + [(16**3, 27, 128, 32), (16**3, 27, 32, 2)])


def test_upsampling_costs_what_it_should():
    trilinear = [(4**3, 64, 1, 128), (8**3, 27, 128, 128), (8**3, 64, 1, 128), (16**3, 27, 128, 128),
                 (16**3, 64, 1, 128), (32**3, 27, 128, 64)] + PLAIN_DECODER[3:]
    assert complexity_of(get_model("gru_3", upsample="trilinear")).decoder == by_hand(trilinear)
    dense = [(4**3, 64, 128, 128), (8**3, 64, 128, 128), (16**3, 64, 128, 64)] + PLAIN_DECODER[3:]
    assert complexity_of(get_model("gru_3", upsample="deconv")).decoder == by_hand(dense)


# what is written down ------------------------------------------------------------------------------

def rows(page: str, columns: int):
    """The rows of all tables of *page* with as many columns: lists of cells."""
    lines = [line.strip().strip("|").split("|") for line in page.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line] for line in lines if len(line) == columns]


def counted(cells):
    """`35,968,706` `8.51` `21.07` -> numbers."""
    return int(cells[0].replace(",", "")), float(cells[1]), float(cells[2])


def expected(net):
    cost = complexity_of(net)
    return cost.parameters, round(cost.per_view / 1e9, 2), round(cost.decoder / 1e9, 2)


def test_the_documents_tables_are_what_is_counted():
    page = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")
    zoo = {cells[1].strip("`"): cells for cells in rows(page, 8) if cells[1].startswith("`")}
    assert sorted(zoo) == list_models("recurrent")
    for name, cells in zoo.items():
        assert cells[0] == model_title(name)
        assert counted(cells[2:5]) == expected(get_model(name)), name
    options = [cells for cells in rows(page, 4) if cells[0].startswith("`res3d_gru_3")]
    assert len(options) > 10
    for cells in options:
        assert counted(cells[1:]) == expected(named(cells[0])), cells[0]
    generative = [cells for cells in rows(page, 5) if cells[0].startswith("`3d_")]
    assert {"`3d_gan`", "`3d_vae_gan`"} <= {cells[0] for cells in generative} and len(generative) > 10
    for cells in generative:
        net = named(cells[0])
        assert counted(cells[1:4]) == expected(net), cells[0]
        assert float(cells[4]) == round(complexity_of(net).discriminator / 1e9, 2), cells[0]


def named(cell):
    """The network of a cell such as `res3d_gru_3, width=0.5`."""
    name, *given = cell.strip("`").split(", ")
    return get_model(name, **{key: json.loads(value) for key, value in (pair.split("=") for pair in given)})


@pytest.mark.slow
def test_the_zoos_script_measures_what_it_is_asked_for(tmp_path):
    """One small thing end to end: the file says what the console says, and the size is the parameters' four bytes."""
    result = subprocess.run([sys.executable, str(ROOT / "benchmarks" / "zoo.py"), "--models", "gru_1", "--runs", "1",
                             "--json", str(tmp_path / "zoo.json")], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    (row,) = json.loads((tmp_path / "zoo.json").read_text())["models"]
    assert row["title"] == "3D-GRU-1" and row["parameters"] == 30929314
    assert row["seconds"]["5"] > 0 and row["bytes"] == pytest.approx(4 * row["parameters"], rel=1e-3)
    assert f"| 3D-GRU-1 | `gru_1` | 30,929,314 | {row['gflop_per_view']:.2f} |" in result.stdout
