"""The report's head: what was measured, with what, and the headline numbers beside what a baseline reaches."""
from __future__ import annotations

from typing import Any, List, Mapping, Tuple

from gluon_r2n2.evaluation.page.markup import interval, number, text, views_of
from gluon_r2n2.model_zoo import config_from_dict, model_name, model_title

SHORT = 12  # letters of a fingerprint that are shown; the whole one is its tooltip


def title(result: Mapping[str, Any]) -> str:
    """What the report is of, as text."""
    return f"Evaluation: {subject(result)}"


def subject(result: Mapping[str, Any]) -> str:
    """The network's title, or that there was none."""
    if not result.get("model"):
        return "Stored predictions"
    name = model_name(config_from_dict(result["model"]["config"]))
    return "A custom network" if name == "custom" else model_title(name)


def header(result: Mapping[str, Any]) -> str:
    """Title, one sentence with the main result, and the facts."""
    largest = max(result["views"])
    data, best = result["data"], result["iou"][str(largest)]["micro"]
    seen = "" if largest == 0 else f" from {views_of(largest)}"
    rows = "".join(f"<div><dt>{term}</dt><dd>{value}</dd></div>" for term, value in facts(result))
    command = result.get("command")
    if command:
        words = command if isinstance(command, str) else " ".join(command)
        rows += f'<div class="whole"><dt>command</dt><dd><code>{text(words)}</code></dd></div>'
    return f"""<header><div class="wrap"><p class="brand">gluon-r2n2 evaluation report</p>
<h1>{text(subject(result))}</h1>
<p class="lead">{data['samples']:,} objects of {len(result['classes'])} classes, reconstructed{seen}: on average
<b>{number(best)}</b> of the volume that reconstruction or truth cover is covered by both (IoU).</p>
<dl class="facts">{rows}</dl></div></header>"""


def facts(result: Mapping[str, Any]) -> List[Tuple[str, str]]:
    """Terms and their HTML."""
    model, data, threshold = result.get("model"), result["data"], result["threshold"]
    rows = []
    if model:
        config = config_from_dict(model["config"])
        rows += [("network", f"{text(model_name(config))}, {config.width:g} of the published width, "
                             f"{config.input_size}&times;{config.input_size} pixels to {config.resolution}<sup>3</sup> "
                             f"voxels"),
                 ("checkpoint", f"{text(model['checkpoint'])}"
                                + ("" if model["step"] is None else f", step {model['step']:,}")
                                + (", averaged parameters" if model.get("averaged") else "")),
                 ("weights", fingerprint(model["weights_sha256"]))]
        if model.get("engine"):
            rows.append(("run by", text(f"{model['engine']} in {model['precision']}")))
        if model["trained_on"]:  # an exported network may not say what it was trained on, nor for how many steps
            same = " (this data set)" if model["trained_on"] == data.get("fingerprint") else ""
            rows.append(("trained on", fingerprint(model["trained_on"]) + same))
    split = f", keys {fingerprint(data['split_sha256'])}" if data.get("split_sha256") else ""
    packed = f", {fingerprint(data['fingerprint'])}" if data.get("fingerprint") else ""
    rows += [("data", text(data["path"]) + packed),
             ("objects", f"{data['samples']:,} of split {text(data['split'])}{split}{_left_out(data)}"),
             ("threshold", f"{threshold['value']:g}: {text(threshold['source'])}")]
    bootstrap, git = result.get("bootstrap"), result.get("git")
    if bootstrap:
        rows.append(("intervals", f"{100 * bootstrap['level']:g} %, bootstrap over objects, "
                                  f"{bootstrap['resamples']:,} resamples, seed {bootstrap['seed']}"))
    code = f"version {text(result['version'])}"
    if git:
        code += f", {fingerprint(git['revision'])}" + (" with changes" if git.get("dirty") else "")
    return [*rows, ("code", code)]


def fingerprint(value: str) -> str:
    """The beginning of a hash."""
    return f'<code title="{text(value)}">{text(str(value)[:SHORT])}</code>'


def tiles(result: Mapping[str, Any]) -> str:
    """The headline numbers: micro and macro IoU at the largest view count with intervals, and the baselines."""
    largest = max(result["views"])
    best = result["iou"][str(largest)]
    intervals, baselines = best.get("intervals") or {}, result.get("baselines")
    entries = [("network", best[mean], intervals.get(mean), f"IoU, mean over {of}", f"{mean}, {views_of(largest)}")
               for mean, of in (("micro", "objects"), ("macro", "classes"))]
    if baselines:
        entries += [("", baselines["class_mean"]["micro"], None, "mean shape of the true class",
                     "is told the class and answers with its average"),
                    ("", baselines["mean_shape"]["micro"], None, "mean training shape",
                     "looks at nothing and always answers the same")]
    inner = "".join(f'<div class="tile {kind}"><div class="figure">{number(value)}</div>'
                    f'<div class="interval">{interval(bounds)}</div>'
                    f'<div class="what">{what}</div><div class="why">{why}</div></div>'
                    for kind, value, bounds, what, why in entries)
    level = result.get("bootstrap")
    note = f"In brackets: {100 * level['level']:g} % bootstrap intervals. " if level and intervals else ""
    beside = "Beside them what an answer without looking reaches, micro IoU each. " if baselines else ""
    return f"""<section id="numbers" aria-label="headline numbers"><div class="tiles">{inner}</div>
<p class="note">IoU, intersection over union: 1 is perfect, 0 shares nothing. {note}{beside}</p></section>"""


def _left_out(data: Mapping[str, Any]) -> str:
    return f"; {len(data['left_out'])} left out as bad records" if data.get("left_out") else ""
