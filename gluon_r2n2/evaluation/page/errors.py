"""The report's error analysis: where IoU is lost and which views win it; the numbers are `evaluation.analysis`'s."""
from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Sequence

from gluon_r2n2.evaluation.page.error_plots import columns, difference, matrix, rose
from gluon_r2n2.evaluation.page.markup import number, table, text, views_of

LISTED = 12  # groups of a ranking that are shown


def analysis(result: Mapping[str, Any], others: Mapping[str, str]) -> str:
    """The whole section; nothing where the result holds no analysis. *others*: names of classes it did not measure."""
    found = result.get("analysis")
    if not found:
        return ""
    names = {**others, **{synset: facts["name"] for synset, facts in result["classes"].items()}}
    parts = [f'<div class="two">{_occupancy(found)}{_angle(found)}</div>', _class_means(found, names),
             _confusion(found, names), _steps_and_ranks(found)]
    return f"""<section id="errors"><h2>Where it errs</h2>
<p class="intro">At threshold {found['threshold']:g}, on {found['objects']:,} objects. Whiskers are one standard
error.</p>{"".join(parts)}</section>"""


def _occupancy(found: Mapping[str, Any]) -> str:
    part = found["occupancy"]
    bins = [each for each in part["bins"] if each["count"]]
    middles = [50 * (each["from"] + each["to"]) for each in bins]
    labels = [f"{middle:.1f}" if middle < 10 else f"{middle:.0f}" for middle in middles]
    overall, within = part["spearman"]["rho"], part["within_classes"]["rho"]
    words = "" if overall is None else (
        f"Rank correlation of the two: {number(overall, 2)} over all objects"
        + ("" if within is None else f", {number(within, 2)} within classes") + ".")
    picture = columns(bins, labels, xlabel="share of cells that the object fills, %", ylabel="IoU",
                      label="IoU by occupancy, in bins of equally many objects")
    return (f"<figure><h3>By how much the object fills</h3>{picture}"
            f"<figcaption>{views_of(part['views'])}. {words}</figcaption></figure>")


def _angle(found: Mapping[str, Any]) -> str:
    part = found["angle"]
    if not part["azimuth"]:
        return f"<figure><h3>By where the view is from</h3><p class=\"note\">{_sentence(part['note'])}</p></figure>"
    known = [each for each in part.get("elevation") or [] if each["count"]]
    words = "; ".join(f"{each['from']:.0f} to {each['to']:.0f}&deg; up: {number(each['mean'])}" for each in known)
    return (f"<figure><h3>By where the view is from</h3>{rose(part['azimuth'], label='IoU by azimuth, from above')}"
            f"<figcaption>{views_of(part['views'])}; the length is the mean IoU. {words}</figcaption></figure>")


def _class_means(found: Mapping[str, Any], names: Mapping[str, str]) -> str:
    part = found["classes"]
    if not part:
        return ""
    below = ", ".join(text(names.get(synset, synset)) for synset in part["below"])
    words = f"Classes below it: {below}." if below else "No class is below it."
    return (f'<h3>Against the mean shape of the class</h3><p class="intro">{100 * part["beat"]:.0f} % of the '
            f'objects, {views_of(part["views"])} each, are better reconstructed than by the average training shape of '
            f"their class. {words}</p>")


def _confusion(found: Mapping[str, Any], names: Mapping[str, str]) -> str:
    part = found["confusion"]
    if not part:
        return ""
    figures = []
    rows, heads = ([names.get(synset, synset) for synset in part[side]] for side in ("rows", "columns"))
    own = [part["columns"].index(synset) if synset in part["columns"] else None for synset in part["rows"]]
    for kind, title in (("prediction", "Reconstructions"), ("truth", "True shapes: the most that can be expected")):
        entry = part[kind]
        picture = matrix(entry["counts"], entry["none"], rows, heads, own=own,
                         label=f"{kind}: true class by the class of the nearest mean shape")
        figures.append(f'<figure><h4>{title}</h4><div class="scroll bare" tabindex="0" role="region" '
                       f'aria-label="matrix">{picture}</div><figcaption>{100 * entry["own"]:.0f} % lie nearest to '
                       f"their own class.</figcaption></figure>")
    return (f'<h3>Which mean shape they look most like</h3><p class="intro">Rows are true classes, columns the class '
            f"whose mean training shape overlaps most ({views_of(part['views'])}). For {100 * part['same']:.0f} % of "
            f'the objects reconstruction and truth have the same answer.</p><div class="two">{"".join(figures)}</div>')


def _steps_and_ranks(found: Mapping[str, Any]) -> str:
    added = found["added"]
    if added["steps"]:
        steps = added["steps"]
        picture = columns(steps, [str(step["views"]) for step in steps], xlabel="the n-th view", ylabel="gain in IoU",
                          label="what the n-th view adds")
        gains = f"{picture}<figcaption>Mean gain over one view fewer.</figcaption>"
    else:
        gains = f'<p class="note">{_sentence(added["note"])}</p>'
    shared = bool(found.get("shared_cameras"))
    return (f'<div class="two"><div><figure><h3>What one more view adds</h3>{gains}</figure>'
            f'{_ranking("Views by how far one alone gets", found["first"], shared)}</div>'
            f'{_ranking("Views by what they add", added, shared, apart=True)}</div>')


def _ranking(title: str, part: Mapping[str, Any], shared_cameras: bool, apart: bool = False) -> str:
    """Views, or where they have no common cameras directions, from the most to the least useful."""
    groups: Optional[List[Dict[str, Any]]] = part["view"] if shared_cameras else part["azimuth"]
    if not groups:
        return f'<figure><h3>{title}</h3><p class="note">{_sentence(part.get("note"))}</p></figure>'
    listed = _ranked_table(title, "view" if shared_cameras else "from", groups)
    more = ""
    if apart and part.get("apart"):
        more = ("<p class=\"note\">The same by the angle to the nearest earlier view:</p>"
                + _ranked_table(f"{title}, by angle", "apart", part["apart"][:LISTED // 2]))
    return f'<figure><h3>{title}</h3>{listed}{more}</figure>'


def _ranked_table(title: str, heading: str, groups: Sequence[Mapping[str, Any]]) -> str:
    largest = max((abs(each["relative"]) for each in groups if each["relative"] is not None), default=0.0)
    rows = [[_label(each), f'<td class="wide">{difference(each["relative"], largest)}</td>',
             "" if each["relative"] is None else f"{round(each['relative'], 3) + 0.0:+.3f}",
             f"<small>&plusmn; {number(each['relative_error'])}</small>", f"{each['count']:,}"]
            for each in groups[:LISTED]]
    headings = [heading, '<span class="unseen">bar</span>', "IoU more than usual", "error", "cases"]
    return table(title, headings, rows, kind="ranking")


def _label(group: Mapping[str, Any]) -> str:
    return str(group["view"]) if "view" in group else f"{group['from']:.0f}&ndash;{group['to']:.0f}&deg;"


def _sentence(note: Optional[str]) -> str:
    words = text(note or "not known")
    return words[:1].upper() + words[1:] + "."
