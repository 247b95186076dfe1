"""The demo's one HTML page: headline numbers, objects before and after, tables, commands. Asks nothing of a network.

Pictures are embedded, and turning objects are film strips moved by CSS, so that the file can be mailed around.
"""
from __future__ import annotations

import base64
import html
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import cv2
import numpy as np

from recordio.layouts import encode_png, on_background

FRAMES = 24  # pictures of a turning object
STYLE = Path(__file__).with_name("demo_page.css")


@dataclass(frozen=True)
class ObjectCard:
    """One held-out object on the page; all pictures are (H, W, 3 or 4) uint8."""

    name: str  # of the class
    key: str  # of the object
    views: Sequence[np.ndarray]  # T pictures that the network was given
    growth: Sequence[np.ndarray]  # T pictures: the voxels after each view
    iou: Sequence[float]  # T: intersection over union after each view
    prediction_turning: Sequence[np.ndarray]  # FRAMES pictures of the final mesh, from all around
    truth_turning: Sequence[np.ndarray]  # the same of the true shape
    files: Sequence[Tuple[str, str]]  # (label, path relative to the page) of the meshes


def build(results: Dict[str, Any], cards: Sequence[ObjectCard]) -> str:
    """Return the page as HTML.

    Args:
        results: the content of the demo's results.json.
        cards: the objects to show.
    """
    best = results["iou"][str(results["headline_views"])]
    body = "\n".join([
        _header(results, cards), _numbers(results, best), _gallery(results, cards), _by_views(results),
        _by_class(results), _stages(results), _going_on(),
    ])
    return (f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>gluon-r2n2 demo: IoU {best:.3f}'
            f'</title>\n<meta name="viewport" content="width=device-width, initial-scale=1">\n<style>\n'
            f'{STYLE.read_text(encoding="utf-8")}</style></head>\n<body>\n{body}\n</body></html>\n')


def _header(results, cards) -> str:
    card = max(cards, key=lambda card: card.iou[-1])  # the opening picture may be the best one; the gallery is not
    pictures = "".join(_image(view, f"input view {number}") for number, view in enumerate(card.views[:3], 1))
    training = sum(stage["seconds"] for stage in results["stages"] if stage["name"] == "train")
    return f"""<header><div class="wrap hero">
<div><p class="brand">gluon-r2n2</p><h1>Photographs in,<br>a 3D model out.</h1>
<p class="lead">A recurrent network looked at {results['data']['train']:,} procedural objects of
{results['data']['classes']} classes for {_duration(training)} on a CPU. Below is what it makes of objects that it has
never seen.</p></div>
<div class="hero-show"><div class="hero-views">{pictures}</div><div class="arrow" aria-hidden="true">&#8594;</div>
{_turning(card.prediction_turning, "its reconstruction, turning", "hero-turn")}</div>
</div></header>"""


def _numbers(results, best) -> str:
    views = results["headline_views"]
    tiles = [
        ("network", f"{best:.3f}", f"this network, {views} views",
         "trained in this run on a reduced size and few steps"),
        ("", f"{results['class_mean_iou']:.3f}", "mean shape of the true class",
         "a baseline that is told the class and always answers with its average"),
        ("", f"{results['mean_shape_iou']:.3f}", "mean training shape",
         "a baseline that looks at nothing and always answers the same"),
    ]
    inner = "".join(f'<div class="tile {kind}"><div class="figure">{figure}</div><div class="what">{what}</div>'
                    f'<div class="why">{why}</div></div>' for kind, figure, what, why in tiles)
    return f"""<main class="wrap"><section><div class="tiles">{inner}</div>
<p class="note">IoU, intersection over union, on {results['data']['test']} unseen test objects: the volume shared by
prediction and truth over the volume covered by either. 1 is perfect. Thresholds were chosen on the validation
objects ({results['threshold']:g} for the network).</p></section>"""


def _gallery(results, cards) -> str:
    return f"""<section><h2>Objects it has never seen</h2>
<p class="intro">Of every class shown, the test object with the <b>median</b> score: neither the best nor the worst.
Top: what the network was shown, one picture after the other. Below: its belief after each of them.
<span class="key prediction">reconstruction</span> <span class="key truth">truth</span></p>
{"".join(_card(card) for card in cards)}</section>"""


def _card(card: ObjectCard) -> str:
    steps = "".join(
        f'<figure>{_image(view, f"view {number}")}{_image(grown, f"voxels after {number} views")}'
        f'<figcaption>after {number}<b>{score:.2f}</b></figcaption></figure>'
        for number, (view, grown, score) in enumerate(zip(card.views, card.growth, card.iou), 1))
    files = " ".join(f'<a href="{html.escape(path)}" download>{html.escape(label)}</a>' for label, path in card.files)
    return f"""<article class="card"><h3>{html.escape(card.name)}<span class="id">{html.escape(card.key)}</span>
<span class="score">IoU {card.iou[-1]:.2f}</span>
<span class="files">{files}</span></h3>
<div class="steps">{steps}
<figure class="final">{_turning(card.prediction_turning, "reconstruction, turning")}
{_turning(card.truth_turning, "true shape, turning")}<figcaption>smooth mesh, truth</figcaption></figure>
</div></article>
"""


def _by_views(results) -> str:
    points = sorted((int(views), score) for views, score in results["iou"].items())
    rows = "".join(f"<tr><td>{views}</td><td>{score:.3f}</td><td>{results['iou_macro'][str(views)]:.3f}</td></tr>"
                   for views, score in points)
    return f"""<section class="two"><div><h2>By number of pictures</h2>
{_plot(points, results)}</div><div><table>
<thead><tr><th>views</th><th>mean IoU</th><th>mean of classes</th></tr></thead>
<tbody>{rows}</tbody></table></div></section>"""


def _plot(points: List[Tuple[int, float]], results) -> str:
    """Inline SVG: IoU over the number of views, and the two baselines as dashed lines."""
    baselines = [("mean of the true class", results["class_mean_iou"]), ("mean shape", results["mean_shape_iou"])]
    values = [score for _, score in points] + [value for _, value in baselines]
    low, high = np.floor(min(values) * 20 - 0.5) / 20, np.ceil(max(values) * 20 + 0.5) / 20  # steps of 0.05
    left, top, width, height = 44, 12, 500, 220

    def x(views):
        span = max(points[-1][0] - points[0][0], 1)
        return left + 30 + (width - 60) * (views - points[0][0]) / span

    def y(value):
        return top + height * (1 - (value - low) / (high - low))

    ticks = np.arange(low, high + 1e-9, 0.05 if high - low < 0.4 else 0.1)
    marks = "".join(f'<line x1="{left}" x2="{left + width}" y1="{y(tick):.1f}" y2="{y(tick):.1f}" class="grid"/>'
                    f'<text x="{left - 8}" y="{y(tick) + 4:.1f}" class="axis end">{tick:.2f}</text>' for tick in ticks)
    lines = "".join(f'<line x1="{left}" x2="{left + width}" y1="{y(value):.1f}" y2="{y(value):.1f}" class="base"/>'
                    f'<text x="{left + width - 4}" y="{y(value) - 6:.1f}" class="axis end">{name} {value:.3f}</text>'
                    for name, value in baselines)
    path = " ".join(f"{x(views):.1f},{y(score):.1f}" for views, score in points)
    dots = "".join(f'<circle cx="{x(views):.1f}" cy="{y(score):.1f}" r="5"/>'
                   f'<text x="{x(views):.1f}" y="{y(score) - 11:.1f}" class="value">{score:.3f}</text>'
                   f'<text x="{x(views):.1f}" y="{top + height + 20}" class="axis mid">{views}</text>'
                   for views, score in points)
    return (f'<svg viewBox="0 0 {left + width + 8} {top + height + 44}" role="img" aria-label="IoU by number of views">'
            f'{marks}{lines}<polyline points="{path}"/>{dots}'
            f'<text x="{left + width / 2}" y="{top + height + 40}" class="axis mid">number of views</text></svg>')


def _by_class(results) -> str:
    views = results["headline_views"]
    rows = "".join(
        f'<tr><td>{html.escape(name)}</td><td>{entry["count"]}</td><td class="bar"><i style="width:'
        f'{100 * entry["iou"][str(views)]:.1f}%"></i><u style="left:{100 * entry["class_mean_iou"]:.1f}%"></u></td>'
        f'<td><b>{entry["iou"][str(views)]:.3f}</b></td><td>{entry["iou"]["1"]:.3f}</td>'
        f'<td>{entry["class_mean_iou"]:.3f}</td><td>{entry["mean_shape_iou"]:.3f}</td></tr>'
        for name, entry in sorted(results["classes"].items()))
    return f"""<section><h2>By class</h2><div class="scroll"><table><thead><tr><th>class</th><th>objects</th>
<th class="bar">IoU; the mark is the mean shape of the class</th><th>{views} views</th><th>1 view</th>
<th>class mean</th><th>mean shape</th></tr></thead><tbody>{rows}</tbody></table></div></section>"""


def _stages(results) -> str:
    rows = "".join(f'<tr><td>{html.escape(stage["name"])}</td><td><code>{html.escape(stage["command"])}</code></td>'
                   f'<td>{_duration(stage["seconds"])}</td></tr>' for stage in results["stages"])
    facts = results["model"]
    return f"""<section><h2>How it was made</h2>
<p class="intro">{html.escape(facts['name'])} at {facts['width']:g} of the published width:
{facts['parameters'] / 1e6:.1f} million parameters, {facts['input_size']}&times;{facts['input_size']} input,
{facts['resolution']}<sup>3</sup> voxels, {facts['steps']:,} training steps. All in all
{_duration(results['seconds'])} on {html.escape(results['machine'])}.</p>
<div class="scroll"><table class="stages"><thead><tr><th>stage</th><th>command</th><th>time</th></tr></thead>
<tbody>{rows}</tbody></table></div></section>"""


def _going_on() -> str:
    steps = [
        ("Your own pictures, this network", "python tools/reconstruct.py demo/model photo1.jpg photo2.jpg --out mine"),
        ("Your own meshes (one folder per class)", "python tools/render_meshes.py MESHES mydata"),
        ("ShapeNet, as the original was trained (ShapeNetRendering and ShapeNetVox32 in one folder)",
         "python tools/pack_rec.py SHAPENET data"),
        ("The full-size network", "python tools/train.py --data data --run run --model res3d_gru_3 --gpus 0"),
    ]
    items = "".join(f"<li>{title}<code>{command}</code></li>" for title, command in steps)
    return f"""<section><h2>Where to go from here</h2>
<p class="intro">This network is small, was trained for minutes and knows only procedural shapes: real photographs
need real training data. The same commands take it.</p><ol class="next">{items}</ol></section></main>
<footer class="wrap">Made by <code>make demo</code>. Numbers: <a href="results.json">results.json</a>.</footer>"""


def _image(picture: np.ndarray, alt: str) -> str:
    data = base64.b64encode(encode_png(picture)).decode()
    height, width = picture.shape[:2]
    return (f'<img src="data:image/png;base64,{data}" width="{width}" height="{height}" loading="lazy" '
            f'alt="{html.escape(alt)}">')


def _turning(frames: Sequence[np.ndarray], label: str, kind: str = "") -> str:
    """FRAMES square pictures as a film strip behind a window that CSS moves along it."""
    strip = on_background(np.concatenate(frames, axis=1), 255)
    done, data = cv2.imencode(".webp", cv2.cvtColor(strip, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, 82])
    if not done:
        raise ValueError(f"cv2 cannot encode a film strip of shape {strip.shape}")
    source = f"data:image/webp;base64,{base64.b64encode(data).decode()}"
    return (f'<div class="turn {kind}" role="img" aria-label="{html.escape(label)}" '
            f'style="background-image:url({source})"></div>')


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds // 60:.0f} min {seconds % 60:.0f} s"
