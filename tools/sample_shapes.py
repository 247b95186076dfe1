"""tools/sample.py, what was generated: shapes and the ways between them, with what is known of each."""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import numpy as np

from gluon_r2n2.deployment import PreparedView
from gluon_r2n2.metrics import iou, voxel_counts
from gluon_r2n2_tools.sample_latents import Latents, Way
from gluon_r2n2_tools.sample_neighbours import Neighbour
from gluon_r2n2_tools.sample_options import Term

MOST_SHOWN = 64  # samples that pictures and the page show


@dataclass
class Shape:
    """One generated shape; all of them at one threshold."""

    kind: str  # 'samples', 'images' or 'arithmetic'
    name: str  # that the user calls it by: 3, a, or 3 - 5 + 8
    stem: str  # of its files, below the output's folder
    grid: np.ndarray  # (V, V, V) float32 probabilities
    threshold: float
    neighbour: Optional[Neighbour] = None
    path: Optional[Path] = None  # of the picture it was encoded from
    view: Optional[PreparedView] = None
    terms: Sequence[Term] = ()

    @property
    def title(self) -> str:
        return {"samples": "sample ", "images": "picture ", "arithmetic": ""}[self.kind] + self.name

    @property
    def solid(self) -> np.ndarray:
        """(V, V, V) bool."""
        return self.grid >= np.float32(self.threshold)

    def facts(self, files: Dict[str, str]) -> Dict[str, Any]:
        """What samples.json says of it."""
        near = self.neighbour and {"key": self.neighbour.key, "class": self.neighbour.name, "iou": self.neighbour.iou}
        facts = {"name": self.name, "files": files, "occupied": int(self.solid.sum()), "voxels": self.grid.size,
                 "largest_probability": float(self.grid.max()), "nearest_training_object": near}
        if self.view is not None:
            facts.update(image=str(self.path), prepared=self.view.note, warnings=list(self.view.warnings))
        return facts


@dataclass
class Shapes:
    """Everything that one call of the tool generated."""

    threshold: float
    shapes: List[Shape]  # samples, then pictures, then sums
    ways: List[Way]
    frames: List[np.ndarray]  # (steps, V, V, V) of each way

    def of(self, kind: str) -> List[Shape]:
        return [shape for shape in self.shapes if shape.kind == kind]

    @property
    def shown(self) -> List[Shape]:
        """The samples that pictures and the page show."""
        return self.of("samples")[:MOST_SHOWN]

    def named(self, name: str) -> Shape:
        """A sample or a picture."""
        return next(shape for shape in self.shapes if shape.name == name and shape.kind != "arithmetic")


def collect(latents: Latents, grids: np.ndarray, threshold: float) -> Shapes:
    """Put names to the grids (n, V, V, V) of `all_latents`."""
    grids, shapes = iter(grids), []
    shapes += [Shape("samples", name, f"samples/{int(name):04d}", next(grids), threshold) for name in latents.samples]
    shapes += [Shape("images", name, f"images/{name}", next(grids), threshold, path=path, view=view)
               for name, (path, view) in latents.views.items()]
    shapes += [Shape("arithmetic", name, f"arithmetic/{number}", next(grids), threshold, terms=latents.terms[name])
               for number, name in enumerate(latents.sums)]
    frames = [np.stack([next(grids) for _ in way.latents]) for way in latents.ways]
    return Shapes(threshold, shapes, latents.ways, frames)


def all_latents(latents: Latents) -> List[np.ndarray]:
    """Every latent vector, in the order of `collect`."""
    return [*latents.samples.values(), *latents.images.values(), *latents.sums.values(),
            *(latent for way in latents.ways for latent in way.latents)]


def iou_with_end(frames: np.ndarray, threshold: float) -> List[float]:
    """Of each shape (n, V, V, V) along a way: its IoU with the last."""
    end = np.broadcast_to(frames[-1] >= np.float32(threshold), frames.shape)
    return iou(*voxel_counts(frames, end, thresholds=(threshold,)))[:, 0].tolist()


def oddities(shapes: Shapes) -> List[str]:
    """Sentences about shapes that are none."""
    sentences = []
    for words, advice, found in (
            ("empty: no voxel reaches the threshold {:g}", "no mesh is written; a lower --threshold may show something",
             [shape for shape in shapes.shapes if not shape.solid.any()]),
            ("full: every voxel reaches the threshold {:g}", "a higher --threshold may show something",
             [shape for shape in shapes.shapes if shape.solid.all()])):
        if found:
            titles = ", ".join(shape.title for shape in found[:5])
            more = f" and {len(found) - 5} more" if len(found) > 5 else ""
            sentences.append(f"{titles}{more}: {words.format(shapes.threshold)}; {advice}, or the network is untrained "
                             "or has collapsed")
    return sentences
