"""A result (format 2) -> tables in the layout of the papers, and each as text, Markdown, LaTeX or CSV."""
from __future__ import annotations

import csv
import dataclasses
import io
import re
from typing import Any, Callable, Dict, List, Mapping, Sequence, Tuple, Union

from gluon_r2n2.evaluation.result import FIXED_THRESHOLDS

Cell = Union[str, int, float]
MEASURES = {  # name in the result -> title, decimals
    "iou": ("IoU", 3),
    "cross_entropy": ("Cross-entropy", 4),
    "average_precision": ("Average precision", 3),
    "chamfer_squared": ("Chamfer distance, squared", 5),
    "chamfer_plain": ("Chamfer distance, plain", 4),
    "normal_consistency": ("Normal consistency", 3),
    "emd": ("Earth Mover's distance", 4),
}
NUMBER = re.compile(r"[-+]?[\d.]+(e[-+]\d+)?\*? ?$")
BASELINES = {"mean_shape": "mean shape", "class_mean": "class mean"}


@dataclasses.dataclass(frozen=True)
class Table:
    """Rows of cells; numbers are still numbers."""

    title: str
    columns: Tuple[str, ...]
    rows: Tuple[Tuple[Cell, ...], ...]
    means: Tuple[Tuple[Cell, ...], ...] = ()  # rows below a rule
    notes: Tuple[str, ...] = ()  # sentences below the table
    decimals: int = 3


def named(measure: str) -> Tuple[str, int]:
    """Title and decimals of a measure; one that a later version measures goes by its own name."""
    if measure.startswith("f_score_"):
        return f"F-score at {measure[len('f_score_'):]}", 3
    return MEASURES.get(measure, (measure, 3))


def views_label(count: Union[int, str]) -> str:
    """The heading of a view count: "3 views", "1 view"; "stored" where the count is not known."""
    return "stored" if int(count) == 0 else f"{count} view{'s' if int(count) > 1 else ''}"


def measured(content: Mapping[str, Any]) -> Dict[str, Dict[str, Any]]:
    """By the name of the measure the means by view count that a result holds."""
    found = {name: content[name] for name in ("iou", "cross_entropy", "average_precision")}
    return {**found, **(content["surfaces"]["measures"] if content["surfaces"] else {})}


def result_tables(content: Mapping[str, Any]) -> List[Table]:
    """A table per measure: a row per class, then macro and micro; a column per baseline (IoU only) and view count."""
    threshold, data = content["threshold"], content["data"]
    notes = (f"IoU at threshold {threshold['value']:g} ({threshold['source']}); {data['samples']} objects of split "
             f"{data['split']}.",)
    tables = []
    for name, by_views in measured(content).items():
        columns = {views_label(count): by_views[count] for count in map(str, content["views"])}
        if name == "iou" and content["baselines"]:
            columns = {**{label: content["baselines"][key] for key, label in BASELINES.items()}, **columns}
        title, decimals = named(name)
        tables.append(_by_class(title, columns, content["classes"], notes if name == "iou" else (), decimals))
    return tables


def _by_class(title: str, columns: Mapping[str, Mapping[str, Any]], classes: Mapping[str, Mapping[str, Any]],
              notes: Tuple[str, ...], decimals: int) -> Table:
    """Lay out *columns*, entries with micro, macro and classes by heading; *classes*: name and samples by synset."""
    rows = tuple((entry["name"], entry["samples"], *(column["classes"][synset] for column in columns.values()))
                 for synset, entry in sorted(classes.items(), key=lambda item: item[1]["name"]))
    total = sum(entry["samples"] for entry in classes.values())
    means = tuple((f"mean ({mean})", total, *(column[mean] for column in columns.values()))
                  for mean in ("macro", "micro"))
    return Table(title, ("class", "objects", *columns), rows, means, notes, decimals)


def overview(content: Mapping[str, Any]) -> Table:
    """All measures in one table: micro and macro means of each, a column per view count."""
    counts = [str(count) for count in content["views"]]
    rows: List[Tuple[Cell, ...]] = []
    level = f"{content['bootstrap']['level']:.0%}"
    for mean in ("macro", "micro"):
        for end, place in (("from", 0), ("to", 1)):  # in rows of their own: columns of both would be too wide
            rows.append((f"IoU, {level} {end}", mean,
                         *(f"{content['iou'][count]['intervals'][mean][place]:.3f}" for count in counts)))
    for mean in ("macro", "micro"):
        for fixed in map(str, FIXED_THRESHOLDS):
            rows.append((f"IoU at {fixed}", mean,
                         *(f"{content['iou'][count]['at'][fixed][mean]:.3f}" for count in counts)))
    for name, by_views in measured(content).items():
        title, decimals = named(name)
        if name != "iou":
            rows += [(title, mean, *(f"{by_views[count][mean]:.{decimals}f}" for count in counts))
                     for mean in ("macro", "micro")]
    return Table("Other measures", ("measure", "mean", *map(views_label, counts)), tuple(rows))


def _shown(cell: Cell, table: Table) -> str:
    return f"{cell:.{table.decimals}f}" if isinstance(cell, float) else str(cell)


def _cells(table: Table) -> List[List[str]]:
    return [list(table.columns)] + [[_shown(cell, table) for cell in row] for row in (*table.rows, *table.means)]


def as_text(tables: Sequence[Table]) -> str:
    """For a terminal."""
    parts = []
    for table in tables:
        headings, *rows = _cells(table)
        below = [max((len(row[place]) for row in rows), default=0) for place in range(len(headings))]
        head = [headings]
        if any(" " in heading and len(heading) > width for heading, width in zip(headings, below)):
            # in two lines, no wider than their columns: nine view counts shall fit into a terminal
            head = list(map(list, zip(*(heading.rpartition(" ")[::2] for heading in headings))))
        rows = [*head, *rows]
        widths = [max(len(row[place]) for row in rows) for place in range(len(headings))]
        left = _words(table)
        lines = ["  ".join(cell.ljust(width) if place in left else cell.rjust(width)
                           for place, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in rows]
        rule = "-" * max(map(len, lines))
        below_rows = len(head) + len(table.rows)
        body = [*lines[:len(head)], rule, *lines[len(head):below_rows]]
        if table.means:
            body += [rule, *lines[below_rows:]]
        parts.append("\n".join([table.title, "", *body, *table.notes]) + "\n")
    return "\n".join(parts)


def as_markdown(tables: Sequence[Table]) -> str:
    """Sections with pipe tables."""
    parts = []
    for table in tables:
        left = _words(table)
        rows = [[cell.replace("|", "\\|") for cell in row] for row in _cells(table)]
        rule = [":--" if place in left else "--:" for place in range(len(table.columns))]
        lines = ["| " + " | ".join(row) + " |" for row in [rows[0], rule, *rows[1:]]]
        notes = [part for note in table.notes for part in ("", note)]
        parts.append("\n".join([f"## {table.title}", "", *lines, *notes]) + "\n")
    return "\n".join(parts)


def as_latex(tables: Sequence[Table]) -> str:
    """One floating table each; they want \\usepackage{booktabs}."""
    parts = ["% \\usepackage{booktabs}\n"]
    for table in tables:
        left, rows = _words(table), [" & ".join(map(_escaped, row)) + r" \\" for row in _cells(table)]
        columns = "".join("l" if place in left else "r" for place in range(len(table.columns)))
        lines = [r"\begin{table}", r"\centering", rf"\caption{{{_escaped(table.title)}}}",
                 rf"\begin{{tabular}}{{{columns}}}", r"\toprule", rows[0], r"\midrule", *rows[1:1 + len(table.rows)]]
        if table.means:
            lines += [r"\midrule", *rows[1 + len(table.rows):]]
        lines += [r"\bottomrule", r"\end{tabular}"]
        if table.notes:
            lines += [r"\par\smallskip\footnotesize " + " ".join(map(_escaped, table.notes))]
        parts.append("\n".join([*lines, r"\end{table}"]) + "\n")
    return "\n".join(parts)


def as_csv(tables: Sequence[Table]) -> str:
    """All tables as one, numbers in full: its columns are table, row and then those of any of the tables.

    Tables without numbers, which repeat in words what others hold, are left out.
    """
    tables = [table for table in tables if any(isinstance(cell, float) for row in table.rows for cell in row)]
    columns = list(dict.fromkeys(name for table in tables for name in table.columns[1:]))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["table", "row", *columns])
    for table in tables:
        for first, *row in (*table.rows, *table.means):
            cells = dict(zip(table.columns[1:], row))
            writer.writerow([table.title, first, *(cells.get(name, "") for name in columns)])
    return text.getvalue()


def _words(table: Table) -> Sequence[int]:
    """The first columns, as far as they hold words, which stand at the left."""
    rows, place = (*table.rows, *table.means), 0
    while place < len(table.columns) and not any(NUMBER.match(str(row[place])) for row in rows):
        place += 1
    return range(place)


_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
          **{sign: "\\" + sign for sign in "&%$#_{}"}}


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in text)


LAYOUTS: Dict[str, Callable[[Sequence[Table]], str]] = {
    ".txt": as_text, ".md": as_markdown, ".tex": as_latex, ".csv": as_csv}
