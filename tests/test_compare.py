"""Comparison of two results: paired differences against NumPy, intervals of known cases, and what is refused."""
from __future__ import annotations

import json

import numpy as np
import pytest
from tiny_results import make_result

from gluon_r2n2 import ModelError, evaluation
from gluon_r2n2.evaluation import result
from gluon_r2n2_tools import eval as evaluation_tool

CLASSES = {"03001627": 30, "02828884": 10}


@pytest.fixture
def pair():
    """A, and B that is better by about 0.1 at 1 view and the same at 3, with objects far more different than that."""
    random = np.random.default_rng(0)
    first, second = {}, {}
    for synset, count in CLASSES.items():
        for number in range(count):
            key, value = f"{synset}/{number:02d}", random.uniform(0.1, 0.8)
            first[key] = (value, value)
            second[key] = (value + random.uniform(0.05, 0.15), value)
    return make_result(first), make_result(second)


def values(content, measure="iou", count="1"):
    return np.array([scores[measure][count] for scores in content["objects"].values()])


def test_differences_are_paired(pair):
    first, second = pair
    compared = evaluation.compare(first, second)
    entry = compared["measures"]["iou"]["1"]
    differences = values(second) - values(first)
    assert entry["micro"]["difference"] == pytest.approx(differences.mean())
    assert entry["micro"]["a"] == first["iou"]["1"]["micro"] and entry["micro"]["b"] == second["iou"]["1"]["micro"]
    chairs = np.array([key.startswith("03001627") for key in second["objects"]])
    assert entry["classes"]["03001627"]["difference"] == pytest.approx(differences[chairs].mean())
    assert entry["macro"]["difference"] == pytest.approx(
        (differences[chairs].mean() + differences[~chairs].mean()) / 2)
    low, high = entry["micro"]["interval"]
    assert 0.05 < low < differences.mean() < high < 0.15
    # the normal approximation, as the values are far from heavy-tailed
    assert high - low == pytest.approx(2 * 1.96 * differences.std() / len(differences) ** 0.5, rel=0.1)
    assert compared["measures"]["iou"]["3"]["micro"] == {
        "a": first["iou"]["3"]["micro"], "b": first["iou"]["3"]["micro"], "difference": 0, "interval": [0, 0]}
    assert compared["objects"] == 40 and compared["classes"]["02828884"] == {"name": "bench", "samples": 10}


def test_the_other_way_round_is_the_opposite(pair):
    one, other = evaluation.compare(*pair), evaluation.compare(*pair[::-1])
    for mean in ("micro", "macro"):
        a, b = one["measures"]["iou"]["1"][mean], other["measures"]["iou"]["1"][mean]
        assert a["difference"] == pytest.approx(-b["difference"])
        # not to the bit: the percentiles are of draws from values in the opposite order
        assert a["interval"] == pytest.approx([-b["interval"][1], -b["interval"][0]], abs=0.003)


def test_only_what_both_have_is_compared(pair):
    first, second = pair
    first = make_result({key: (scores["iou"]["3"],) for key, scores in first["objects"].items()
                         if key.startswith("03001627")}, views=(3,))
    compared = evaluation.compare(first, second)
    assert compared["views"] == [3] and compared["objects"] == 30 and compared["left_out"] == {"a": 0, "b": 10}
    assert list(compared["classes"]) == ["03001627"] and list(compared["measures"]["iou"]) == ["3"]
    assert list(compared["measures"]) == ["iou", "cross_entropy", "average_precision"]


def test_surfaces_are_compared_only_where_taken_alike(pair):
    for content, points in zip(pair, (100, 100)):
        content["surfaces"] = {"points": points, "seed": 0, "emd_points": 0, "measures": {"chamfer_plain": {}}}
        for scores in content["objects"].values():
            scores["chamfer_plain"] = scores["iou"]
    compared = evaluation.compare(*pair)
    assert compared["measures"]["chamfer_plain"] == compared["measures"]["iou"]
    pair[1]["surfaces"]["points"] = 200
    assert "chamfer_plain" not in evaluation.compare(*pair)["measures"]


@pytest.mark.parametrize("name, value, words", [
    ("fingerprint", "e" * 64, "the data set is ffffffffffff... in a.json and eeeeeeeeeeee... in b.json"),
    ("split", "val", "the split is 'test' in a.json and 'val' in b.json"),
    ("split_sha256", "1" * 64, "the list of the split's objects is 000000000000... in a.json"),
    ("seed", 7, "the seed of the views is 0 in a.json and 7 in b.json"),
])
def test_other_data_are_refused(pair, name, value, words):
    pair[1]["data"][name] = value
    with pytest.raises(ModelError) as caught:
        evaluation.compare(*pair, names=("a.json", "b.json"))
    assert words in str(caught.value) and "measure both on the same" in str(caught.value)


def test_nothing_in_common_is_refused(pair):
    with pytest.raises(ModelError, match="no view count is in both .A has 1, 3, B 2"):
        evaluation.compare(pair[0], make_result({"03001627/00": (0.5,)}, views=(2,)))
    with pytest.raises(ModelError, match="no object is in both"):
        evaluation.compare(pair[0], make_result({"03001627/other": (0.5, 0.5)}))


def test_the_tool_compares(pair, tmp_path, capsys):
    paths = [tmp_path / "A.json", tmp_path / "B.json"]
    for path, content in zip(paths, pair):
        path.write_text(json.dumps(content))
    out = [tmp_path / "c.json", tmp_path / "c.csv"]
    command = ["--compare", *map(str, paths), "--json", str(out[0]), "--table", str(out[1])]
    assert evaluation_tool.main(command) == 0
    told = capsys.readouterr().out
    entry = evaluation.compare(*pair)["measures"]["iou"]["1"]["micro"]
    line = next(line for line in told.splitlines() if line.startswith("mean (micro)"))
    assert line.split() == ["mean", "(micro)", "40", f"{entry['difference']:+.3f}*", "+0.000"]
    assert "40 objects in both" in told and f"B is {paths[1]}" in told
    assert json.loads(out[0].read_text())["measures"]["iou"]["1"]["micro"] == entry
    assert f"mean (micro),40,{entry['a']!r},{entry['b']!r},{entry['difference']!r}," in out[1].read_text()
    assert evaluation_tool.main(["--compare", *map(str, paths), "--json", str(paths[0])]) == 2
    assert "is one of the results to compare" in capsys.readouterr().err
    pair[1]["data"]["split"] = "val"
    paths[1].write_text(json.dumps(pair[1]))
    assert evaluation_tool.main(command) == 2
    refusal = capsys.readouterr().err
    assert "the split is 'test' in" in refusal and len(refusal.splitlines()) == 1
    for more in (["--data", str(tmp_path)], ["--classes", "chair"], ["--surfaces"], ["--views", "1"]):
        with pytest.raises(SystemExit):
            evaluation_tool.main([*command, *more])
        assert f"{more[0]} is not for --compare" in capsys.readouterr().err


def mutants(content):
    """Copies of *content*, each with one value that is missing or of another kind."""
    def places(value, path=()):
        for step in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            yield path + (step,)
            yield from places(value[step], path + (step,))

    for path in places(content):
        for value in (None, "x", [], {}, [[1]], 10 ** 400, float("nan"), "missing"):
            copy = json.loads(json.dumps(content))
            holder = copy
            for step in path[:-1]:
                holder = holder[step]
            if value == "missing":
                del holder[path[-1]]
            else:
                holder[path[-1]] = value
            yield copy


def test_a_file_changed_by_hand_is_refused_or_compared(tmp_path, monkeypatch):
    """Every value of a result in turn removed or replaced: one sentence, or tables; never another exception."""
    monkeypatch.setitem(result.BOOTSTRAP, "resamples", 2)
    whole = make_result({"03001627/a": (0.25,), "02828884/c": (0.75,)}, views=(1,))
    whole["surfaces"] = {"points": 9, "seed": 0, "emd_points": 0, "measures": {"f_score_0.01": whole["iou"]}}
    for scores in whole["objects"].values():
        scores["f_score_0.01"] = scores["iou"]
    del whole["definitions"], whole["iou"]["1"]["intervals"], whole["iou"]["1"]["at"]  # that nobody compares
    whole["definitions"], refused, compared = {}, 0, 0
    for content in mutants(json.loads(json.dumps(whole))):
        (tmp_path / "a.json").write_text(json.dumps(content))
        try:
            read = evaluation.read_result(tmp_path / "a.json")
            evaluation.comparison_tables(evaluation.compare(whole, read))
            compared += 1
        except ModelError as error:
            assert len(str(error).splitlines()) == 1
            refused += 1
    assert refused > 200 and compared > 50
