"""Generative measures: what was measured of each set of shapes -> the result of tools/eval.py, and tables."""
from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from gluon_r2n2.evaluation.generative.recognition import COST
from gluon_r2n2.evaluation.tables import Cell, Table

FORMAT = 1
# the sets, by their names in the result: what is asked about, and three to read it by
SUBJECTS = {
    "samples": "samples",
    "training_shapes": "training shapes",
    "mean_plus_noise": "mean plus noise",
    "references": "references",
}

DEFINITIONS = {
    "samples": "grids of the generator for latent vectors drawn from its prior, occupied where the probability is >= "
               "the threshold",
    "references": "objects of the split, of the classes measured, drawn without replacement, as many as there are "
                  "samples or all that there are",
    "training_shapes": "as many training objects of these classes as there are samples, or all, drawn without "
                       "replacement: the best that a generator can be expected to do",
    "mean_plus_noise": "as many grids as samples whose voxels are occupied independently, each with the share of the "
                       "training objects of these classes that occupy it: the worst that a generator should do",
    "frechet": "squared Frechet distance of the Gaussians fitted to features of the set and of the references; the "
               "features are those of `shape_features`: means and maxima of the maps of three fixed random "
               "convolutions; it falls with the number of shapes, also for equal distributions",
    "iou": "distance 1 - intersection over union",
    "chamfer": "mean squared distance from a surface point to the other surface, both ways added, in edges of the "
               "grid; marching cubes at 0.5, points drawn evenly by area",
    "coverage": "share of the references that are the nearest of at least one shape of the set",
    "minimum_matching_distance": "mean over the references of the distance to the nearest shape of the set",
    "two_sample_accuracy": "how often the nearest neighbour of a shape, among as many of the set as of the references, "
                           "is of its own set (1-NNA): of both together, of the set's own shapes (samples) and of the "
                           "references; 0.5 is the ideal of each, a tie counts one half",
    "nearest_training_iou": "mean over the set of the IoU with the training object of these classes that is most like "
                            "it; of samples well above that of the references: memorised training objects",
    "empty": "share of the set without an occupied voxel",
    "largest_part": "mean over the set of the share of occupied voxels in the largest part joined by faces",
    "occupied": "mean number of occupied voxels",
    "classifier": f"scikit-learn's LinearSVC, one class against the rest, C = {COST:g}, fitted on the train split and "
                  "right on this share of the split's objects, on max-pooled maps of the discriminator and on voxels",
}
# row of the table -> where its number is in a subject's entry, and what would be best
ROWS: Tuple[Tuple[str, Callable[[Mapping[str, Any]], Any], str], ...] = (
    ("Frechet distance", lambda entry: entry["frechet"], "0"),
    ("coverage, IoU", lambda entry: entry["coverage"]["iou"], "1"),
    ("coverage, Chamfer", lambda entry: entry["coverage"]["chamfer"], "1"),
    ("minimum matching distance, 1 - IoU", lambda entry: entry["minimum_matching_distance"]["iou"], "0"),
    ("minimum matching distance, Chamfer", lambda entry: entry["minimum_matching_distance"]["chamfer"], "0"),
    ("1-NN accuracy, IoU", lambda entry: entry["two_sample_accuracy"]["iou"]["both"], "0.5"),
    ("1-NN accuracy, set alone, IoU", lambda entry: entry["two_sample_accuracy"]["iou"]["samples"], "0.5"),
    ("1-NN accuracy, Chamfer", lambda entry: entry["two_sample_accuracy"]["chamfer"]["both"], "0.5"),
    ("1-NN accuracy, set alone, Chamfer", lambda entry: entry["two_sample_accuracy"]["chamfer"]["samples"], "0.5"),
    ("IoU with the nearest training object", lambda entry: entry["nearest_training_iou"], "as references"),
    ("share that is empty", lambda entry: entry["empty"], "0"),
    ("share in the largest part", lambda entry: entry["largest_part"], "as references"),
    ("occupied voxels", lambda entry: entry["occupied"], "as references"),
)


def build_generative_result(subjects: Mapping[str, Mapping[str, Any]], *, threshold: float, source: str, points: int,
                            origin: Mapping[str, Any], classifier: Optional[Mapping[str, Any]] = None
                            ) -> Dict[str, Any]:
    """Put together what is written.

    Args:
        subjects: by name of SUBJECTS, what was measured of each set.
        threshold, source: of the samples, and how it was chosen, in words.
        points: on each surface.
        origin: ``version``, ``git``, ``command``, ``model`` and ``data``.
        classifier: the accuracies of a linear classifier; None: it was not asked for.
    """
    return {"format": FORMAT, "kind": "generative", "definitions": DEFINITIONS, **origin,
            "threshold": {"value": threshold, "source": source}, "points": points,
            "subjects": {name: dict(entry) for name, entry in subjects.items()},
            "classifier": classifier and dict(classifier)}


def generative_tables(content: Mapping[str, Any]) -> List[Table]:
    """A row per measure and a column per set; and, where it was measured, the linear classifier's accuracies."""
    subjects, threshold, data = content["subjects"], content["threshold"], content["data"]
    columns = {SUBJECTS[name]: entry for name, entry in subjects.items()}
    rows: List[Tuple[Cell, ...]] = [("shapes", *(entry["count"] for entry in columns.values()), "")]
    for title, number, best in ROWS:
        rows.append((title, *(_cell(number, entry) for entry in columns.values()), best))
    classes = ", ".join(sorted(data["classes"].values()))
    notes = (f"References: {subjects['references']['count']} objects of split {data['split']} ({classes}). Samples at "
             f"threshold {threshold['value']:g} ({threshold['source']}). Chamfer distances are squared, "
             f"{content['points']} points on each surface.",)
    tables = [Table("Generated shapes", ("measure", *columns, "ideal"), tuple(rows), notes=notes, decimals=4)]
    if content["classifier"]:
        tables.append(_classifier_table(content["classifier"], content["classifier"]["classes"]))
    return tables


def _cell(number: Callable[[Mapping[str, Any]], Any], entry: Mapping[str, Any]) -> Cell:
    """A number of an entry; the references are not compared with themselves."""
    try:
        return float(number(entry))
    except KeyError:
        return "-"


def _classifier_table(classifier: Mapping[str, Any], names: Mapping[str, str]) -> Table:
    by_input = {"discriminator's features": classifier["features"], "voxels": classifier["voxels"]}
    synsets = sorted(classifier["features"]["by_class"], key=lambda synset: names[synset])
    rows = tuple((names[synset], *(entry["by_class"][synset] for entry in by_input.values())) for synset in synsets)
    means = (("all objects", *(entry["accuracy"] for entry in by_input.values())),)
    notes = (f"Share of {classifier['tested']} objects that a linear classifier, fitted on {classifier['fitted']} "
             "training objects, is right on.",)
    return Table("Linear classifier", ("class", *by_input), rows, means, notes)
