"""Tables: each layout against literal text; the published numbers against those printed in the papers."""
from __future__ import annotations

import csv

import numpy as np
import pytest
from tiny_results import make_result

from gluon_r2n2 import evaluation
from gluon_r2n2.evaluation import published
from gluon_r2n2.evaluation.tables import Table, as_csv, as_latex, as_markdown, as_text

TABLE = Table("A & B", ("class", "objects", "1 view", "3 views"), (("50 % car_s", 1, 0.25, 0.5),
              ("a|b", 12, 1.0, 2 / 3)), (("mean (micro)", 13, 0.9, 0.65),), ("A note.",))
WORDS = Table("Words", ("measure", "mean", "1 view"), (("F", "macro", "0.10*"), ("G", "micro", "-0.2 ")))


def test_text():
    assert as_text([TABLE]) == """A & B

                           1      3
class         objects   view  views
-----------------------------------
50 % car_s          1  0.250  0.500
a|b                12  1.000  0.667
-----------------------------------
mean (micro)       13  0.900  0.650
A note.
"""
    assert as_text([WORDS]).splitlines()[2:] == [  # words at the left, numbers at the right, also as strings
        "                    1", "measure  mean    view", "---------------------", "F        macro  0.10*",
        "G        micro  -0.2"]



def test_markdown():
    assert as_markdown([TABLE]) == r"""## A & B

| class | objects | 1 view | 3 views |
| :-- | --: | --: | --: |
| 50 % car_s | 1 | 0.250 | 0.500 |
| a\|b | 12 | 1.000 | 0.667 |
| mean (micro) | 13 | 0.900 | 0.650 |

A note.
"""


def test_latex():
    assert as_latex([TABLE]) == r"""% \usepackage{booktabs}

\begin{table}
\centering
\caption{A \& B}
\begin{tabular}{lrrr}
\toprule
class & objects & 1 view & 3 views \\
\midrule
50 \% car\_s & 1 & 0.250 & 0.500 \\
a|b & 12 & 1.000 & 0.667 \\
\midrule
mean (micro) & 13 & 0.900 & 0.650 \\
\bottomrule
\end{tabular}
\par\smallskip\footnotesize A note.
\end{table}
"""
    escaped = as_latex([Table("t", (r"\{}$#^~",), (("x",),))])
    assert r"\textbackslash{}\{\}\$\#\textasciicircum{}\textasciitilde{} \\" in escaped


def test_csv_holds_all_digits_and_leaves_words_out():
    other = Table("C", ("network", "5 views"), (("x", 0.1),))
    rows = list(csv.reader(as_csv([TABLE, WORDS, other]).splitlines()))
    assert rows == [["table", "row", "objects", "1 view", "3 views", "5 views"],
                    ["A & B", "50 % car_s", "1", "0.25", "0.5", ""], ["A & B", "a|b", "12", "1.0", repr(2 / 3), ""],
                    ["A & B", "mean (micro)", "13", "0.9", "0.65", ""], ["C", "x", "", "", "", "0.1"]]


@pytest.fixture
def content():
    return make_result({"03001627/a": (0.25, 0.5), "03001627/b": (0.5, 0.5), "02828884/c": (0.75, 1.0)})


def test_a_result_as_tables(content):
    content["baselines"] = {name: {"micro": 0.1, "macro": 0.2, "classes": {"02828884": 0.3, "03001627": 0.4}}
                            for name in ("mean_shape", "class_mean")}
    iou, cross_entropy, precision = evaluation.result_tables(content)
    assert iou.columns == ("class", "objects", "mean shape", "class mean", "1 view", "3 views")
    assert iou.rows == (("bench", 1, 0.3, 0.3, 0.75, 1.0), ("chair", 2, 0.4, 0.4, 0.375, 0.5))
    assert iou.means == (("mean (macro)", 3, 0.2, 0.2, 0.5625, 0.75), ("mean (micro)", 3, 0.1, 0.1, 0.5, 2 / 3))
    assert iou.notes == ("IoU at threshold 0.4 (chosen); 3 objects of split test.",)
    assert cross_entropy.columns == ("class", "objects", "1 view", "3 views") and cross_entropy.decimals == 4
    assert precision.title == "Average precision"


def test_surfaces_have_tables_too(content):
    table = content["iou"]
    content["surfaces"] = {"measures": {"chamfer_squared": table, "f_score_0.01": table, "emd": table}}
    assert [table.title for table in evaluation.result_tables(content)[3:]] == [
        "Chamfer distance, squared", "F-score at 0.01", "Earth Mover's distance"]
    rows = evaluation.overview(content).rows
    assert ("F-score at 0.01", "macro", "0.562", "0.750") in rows
    assert ("IoU at 0.3", "micro", "0.500", "0.667") in rows
    assert ("IoU, 95% from", "micro", "0.000", "0.000") in rows
    assert ("IoU, 95% to", "micro", "1.000", "1.000") in rows


def test_all_view_counts_fit_into_a_terminal():
    """Nine view counts and both baselines in 100 columns, as text."""
    content = make_result({"03001627/a": np.full(9, 0.25), "02828884/c": np.full(9, 0.75)}, views=evaluation.VIEWS)
    content["baselines"] = {name: content["iou"]["1"] for name in ("mean_shape", "class_mean")}
    table = as_text([evaluation.result_tables(content)[0], evaluation.overview(content)])
    lines = [line for line in table.splitlines() if not line.startswith("IoU at threshold")]
    assert max(map(len, lines)) <= 100 and "12     16     20" in table


def test_predictions_without_a_view_count_have_one_column():
    content = make_result({"03001627/a": (0.25,)}, views=(0,))
    assert evaluation.result_tables(content)[0].columns == ("class", "objects", "stored")


def test_published_numbers_stand_apart(content):
    networks, classes = evaluation.published_tables(content)
    for table in (networks, classes):
        assert "published, ShapeNet" in table.title
        assert "other data (3 objects; classes: 2): they cannot be compared" in table.notes[0]
    rows = {row[0]: row[1:] for row in networks.rows}
    assert rows["3D-R2N2"][4] == 0.634 and rows["AttSets"][-1] == 0.693  # at 5 and at 20 views
    assert rows["Pix2Vox++"][0] == 0.670 and rows["LRGT"][8] == 0.779
    assert all(np.diff(row).min() >= 0 for row in rows.values())  # more views never hurt
    assert ("watercraft", 0.513, 0.610) in classes.rows and len(classes.rows) == 13
    # two tables of one paper, written down apart: the mean over the classes is the headline at 1 view, and near at 5
    assert np.mean([row[1] for row in classes.rows]) == pytest.approx(rows["3D-R2N2"][0], abs=5e-4)
    assert np.mean([row[2] for row in classes.rows]) == pytest.approx(rows["3D-R2N2"][4], abs=4e-3)


def test_published_numbers_beside_their_own_split(content):
    content["classes"] = dict.fromkeys(published.CLASSES, {"name": "", "samples": 1})
    content["data"]["samples"] = 8770
    assert "as many objects" in evaluation.published_tables(content)[0].notes[0]
