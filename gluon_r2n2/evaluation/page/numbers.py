"""The report's tables: IoU by views and class, precision and recall, the other measures, and the definitions."""
from __future__ import annotations

from typing import Any, List, Mapping, Sequence, Tuple

from gluon_r2n2.evaluation.page import plots
from gluon_r2n2.evaluation.page.markup import clipped, interval, number, table, text, views_of

MEASURES = {  # of surfaces: what they are called and whether more is better
    "chamfer_squared": ("Chamfer distance, squared", "down"), "chamfer_plain": ("Chamfer distance, plain", "down"),
    "emd": ("Earth Mover's distance", "down"), "normal_consistency": ("normal consistency", "up"),
}
ARROWS = {"up": '<span title="more is better">&uarr;</span>', "down": '<span title="less is better">&darr;</span>'}


def by_views(result: Mapping[str, Any]) -> str:
    """IoU over the number of views and precision over recall, side by side."""
    columns = []
    if len(result["views"]) > 1:
        keys = '<span class="key first">mean over objects, with its interval</span> ' \
               '<span class="key second">mean over classes</span>'
        for name, title in plots.BASELINES.items() if result.get("baselines") else ():
            keys += f' <span class="key base {name}">{title} {number(result["baselines"][name]["micro"])}</span>'
        columns.append(f"<figure><h3>IoU by number of views</h3>{plots.iou_by_views(result)}"
                       f'<figcaption class="keys">{keys}</figcaption></figure>')
    if result.get("precision_recall"):
        counts = result["views"]
        keys = " ".join(f'<span class="key curve"><svg viewBox="0 0 16 8" aria-hidden="true"><path d="M0 4h16" '
                        f'stroke-opacity="{plots.strength_of(place, len(counts)):.2f}"/></svg>{views_of(count)}'
                        f"{_pooled(result, count)}</span>" for place, count in enumerate(counts))
        columns.append(f"<figure><h3>Precision and recall of voxels</h3>{plots.precision_recall(result)}"
                       f'<figcaption class="keys">{keys}<br>In brackets: average precision over all voxels of all '
                       f"objects. The dots lie at the threshold.</figcaption></figure>")
    heading = "By number of views" if len(result["views"]) > 1 else "At all thresholds"
    return f"""<section id="views"><h2>{heading}</h2><div class="two">{"".join(columns)}</div>
{_all_counts(result)}</section>"""


def _pooled(result: Mapping[str, Any], count: int) -> str:
    entry = (result.get("average_precision") or {}).get(str(count))
    return f" ({number(entry['pooled'])})" if entry and entry.get("pooled") is not None else ""


def _all_counts(result: Mapping[str, Any]) -> str:
    """IoU of all view counts, and at the fixed thresholds."""
    fixed = sorted(result["iou"][str(result["views"][0])].get("at") or {}, key=float)
    rows = []
    for count in result["views"]:
        entry = result["iou"][str(count)]
        intervals = entry.get("intervals") or {}
        rows.append([views_of(count)]
                    + [f"<td><b>{number(entry[mean])}</b> <small>{interval(intervals.get(mean))}</small></td>"
                       for mean in ("micro", "macro")]
                    + [number(entry["at"][at]["micro"]) for at in fixed])
    headings = ["views", "mean over objects", "mean over classes", *(f"objects, at {float(at):g}" for at in fixed)]
    return table("IoU at the threshold with intervals, and at fixed thresholds", headings, rows)


def by_class(result: Mapping[str, Any]) -> str:
    """A table of the classes for each view count, of which the page's script shows one."""
    counts = result["views"]
    options = "".join(f'<option value="{count}"{" selected" if count == counts[-1] else ""}>{views_of(count)}</option>'
                      for count in counts)
    tables = "".join(f'<div data-choice="classes" data-value="{count}"{"" if count == counts[-1] else " hidden"}>'
                     f"{_classes(result, count)}</div>" for count in counts)
    chooser = (f'<label class="chooser" hidden>from <select data-chooses="classes">{options}</select></label>'
               if len(counts) > 1 else "")
    keys = '<span class="key prediction">IoU</span> <span class="key whisker">its interval</span>'
    keys += ' <span class="key mark">mean shape of the class</span>' if result.get("baselines") else ""
    return f"""<section id="classes"><h2>By class</h2><div class="line">{chooser}<p class="keys">{keys}</p></div>
{tables}</section>"""


def _classes(result: Mapping[str, Any], count: int) -> str:
    entry, baselines = result["iou"][str(count)], result.get("baselines")
    intervals = (entry.get("intervals") or {}).get("classes") or {}
    rows = []
    for synset, facts in sorted(result["classes"].items(), key=lambda item: (item[1]["name"], item[0])):
        value, band = entry["classes"].get(synset), intervals.get(synset)
        informed = baselines and baselines["class_mean"]["classes"].get(synset)
        without = ([number(informed), number(baselines["mean_shape"]["classes"].get(synset))] if baselines else [])
        rows.append([text(clipped(facts["name"])), f"<b>{number(value)}</b>",
                     f'<td class="wide">{plots.bar(value, band=band, mark=informed)}</td>',
                     f"<small>{interval(band)}</small>", *without, f"{facts['samples']:,}"])
    headings = ["class", "IoU", '<span class="unseen">bar</span>', "interval",
                *(["class mean", "mean shape"] if baselines else []), "objects"]
    return table(f"IoU by class, {views_of(count)}", headings, rows, kind="sortable")


def other_measures(result: Mapping[str, Any]) -> str:
    """Cross-entropy, average precision and, where measured, surfaces: a row each, a column per view count."""
    rows: List[Tuple[str, str, Mapping[str, Mapping[str, float]]]] = []
    if result.get("cross_entropy"):
        rows.append(("cross-entropy", "down", result["cross_entropy"]))
    if result.get("average_precision"):
        rows.append(("average precision", "up", result["average_precision"]))
    surfaces = result.get("surfaces")
    for name, values in (surfaces["measures"] if surfaces else {}).items():
        share = name.rpartition("_")[2]
        rows.append((f"F-score at {100 * float(share):g} %", "up", values) if name.startswith("f_score_")
                    else (*MEASURES.get(name, (name, "")), values))
    if not rows:
        return ""
    sampled = (f" Surfaces by marching cubes, {surfaces['points']:,} points sampled on each (seed {surfaces['seed']})."
               if surfaces else "")
    return f"""<section id="measures"><h2>Other measures</h2>
<p class="intro">Means over objects.{sampled} Arrows: whether more or less is better.</p>
{table("Other measures", ["measure", *(views_of(count) for count in result["views"])],
       [_measure(result["views"], *row) for row in rows])}</section>"""


def _measure(counts: Sequence[int], name: str, direction: str, values: Mapping[str, Mapping[str, float]]) -> List[str]:
    digits = 5 if name.endswith("squared") else 4
    return [f"{text(name)} {ARROWS.get(direction, '')}",
            *(number((values.get(str(count)) or {}).get("micro"), digits) for count in counts)]


def definitions(result: Mapping[str, Any]) -> str:
    """The words of the result file."""
    rows = "".join(f"<div><dt>{text(term.replace('_', ' '))}</dt><dd>{text(words)}</dd></div>"
                   for term, words in (result.get("definitions") or {}).items())
    return f'<section id="definitions"><h2>Definitions</h2><dl class="facts wide">{rows}</dl></section>' if rows else ""
