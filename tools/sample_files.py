"""tools/sample.py, last step: everything that was generated -> one folder, written whole or not at all."""
from __future__ import annotations

import io
from pathlib import Path
from typing import Any, Dict, List

import numpy as np
from tqdm import tqdm

from gluon_r2n2.files import atomic_directory, write_json
from gluon_r2n2.surfaces import MESH_FORMATS
from gluon_r2n2_tools import sample_pictures
from gluon_r2n2_tools.results import make_result
from gluon_r2n2_tools.sample_latents import Latents
from gluon_r2n2_tools.sample_page import make_page
from gluon_r2n2_tools.sample_shapes import Shape, Shapes
from recordio.errors import DataError
from recordio.layouts import encode_png

FORMAT = 1  # of samples.json


def check_free(out: Path) -> None:
    """Raise a DataError where *out* is there and is no empty folder, or cannot be replaced by a whole one."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"--out {out}: exists already and is not an empty folder; choose another one")
    if out.is_mount() or out.resolve() == Path.cwd():
        raise DataError(f"--out {out}: is a place that no finished folder can be moved to, a mounted one or the one "
                        f"you are in; name a folder inside of it, such as {out / 'samples'}")


def write(out: Path, latents: Latents, shapes: Shapes, facts: Dict[str, Any], formats: List[str]) -> None:
    """Write the folder.

    Args:
        facts: what samples.json and the page say of the network, the draw and the data.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with atomic_directory(out) as folder:
        listed: Dict[str, List] = {"samples": [], "images": [], "arithmetic": []}
        for shape in tqdm(shapes.shapes, desc="writing", unit="shape", disable=None):
            listed[shape.kind].append(shape.facts(_write_shape(folder, shape, formats)))
        shots = sample_pictures.drawn(tqdm([shape.grid for shape in shapes.shown], desc="drawing", unit="shape",
                                           disable=None), shapes.threshold)
        pictures = _write_pictures(folder, shapes, shots)
        ways, strips = _write_ways(folder, shapes)
        for entry, shape in zip(listed["arithmetic"], shapes.of("arithmetic")):
            entry["terms"] = [{"sign": sign, "name": name} for sign, name in shape.terms]
        _write_npz(folder / "latents.npz", {
            "samples": _stacked(latents.samples, facts), "images": _stacked(latents.images, facts),
            "arithmetic": _stacked(latents.sums, facts),
            **{f"interpolation_{way.first}_{way.second}": way.latents for way in latents.ways}})
        (folder / "index.html").write_text(make_page(shapes, facts, strips), encoding="utf-8")
        write_json(folder / "samples.json", {"format": FORMAT, **facts, "pictures": pictures, "latents": "latents.npz",
                                             **listed, "interpolations": ways})


def _write_shape(folder: Path, shape: Shape, formats: List[str]) -> Dict[str, str]:
    """The files of a shape, by format; an empty one has no meshes."""
    result, files = make_result(shape.grid, threshold=shape.threshold), {}
    for kind in formats:
        if not (kind in MESH_FORMATS and result.empty):
            files[kind] = f"{shape.stem}.{kind}"
            path = folder / files[kind]
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(result.encode(kind))
    return files


def _write_pictures(folder: Path, shapes: Shapes, shots: List[np.ndarray]) -> List[str]:
    """The sheets; returns their names."""
    samples, images, made = shapes.shown, shapes.of("images"), {}
    if samples:
        made["sheet.png"] = sample_pictures.contact_sheet(samples, shots)
    if any(shape.neighbour for shape in samples):
        made["neighbours.png"] = sample_pictures.beside_neighbours(samples, shots)
    if images:
        made["images.png"] = sample_pictures.from_images(images)
    for shape in shapes.of("arithmetic"):
        made[f"{shape.stem}.png"] = sample_pictures.sum_row(shape, shapes)
    for name, picture in made.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(encode_png(picture))
    return list(made)


def _write_ways(folder: Path, shapes: Shapes):
    """The files of each way; returns what samples.json says of it, and the pictures of its frames."""
    listed, strips = [], []
    for way, frames in zip(shapes.ways, shapes.frames):
        stem = f"interpolation/{way.first}_{way.second}"
        (folder / stem).parent.mkdir(exist_ok=True)
        strips.append(sample_pictures.drawn(frames, shapes.threshold))
        (folder / f"{stem}.png").write_bytes(encode_png(sample_pictures.strip(way.first, way.second, strips[-1])))
        _write_npz(folder / f"{stem}.npz", {"probabilities": frames, "latents": way.latents,
                                            "threshold": np.float32(shapes.threshold)})
        listed.append({"from": way.first, "to": way.second, "path": way.path, "steps": len(way.latents),
                       "occupied": [int(count) for count in (frames >= np.float32(shapes.threshold)).sum((1, 2, 3))],
                       "files": {"npz": f"{stem}.npz", "png": f"{stem}.png"}})
    return listed, strips


def _stacked(latents: Dict[str, np.ndarray], facts: Dict[str, Any]) -> np.ndarray:
    """(n, L) float32."""
    return np.stack(list(latents.values())) if latents else np.zeros((0, facts["model"]["latent"]), np.float32)


def _write_npz(path: Path, arrays: Dict[str, np.ndarray]) -> None:
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    path.write_bytes(content.getvalue())
