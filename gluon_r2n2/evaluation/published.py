"""Results that others published, to be shown beside ours and never mixed with them: they are of other data."""
from __future__ import annotations

from typing import Any, Dict, List, Mapping, NamedTuple, Tuple

from gluon_r2n2.evaluation.tables import Table, views_label

MARK = "published, ShapeNet"
VIEWS = (1, 2, 3, 4, 5, 8, 12, 16, 20)
CHOY = "Choy et al., ECCV 2016"
TEST_OBJECTS = 8770  # of the 13 classes, in the split that the later papers share


class Published(NamedTuple):
    """The mean IoU of one paper at VIEWS."""

    name: str
    source: str
    iou: Tuple[float, ...]


ROWS = (
    Published("3D-R2N2", f"{CHOY}; 8 views and more as the later papers give them",
              (.560, .603, .617, .625, .634, .635, .636, .636, .636)),
    Published("AttSets", "Yang et al., IJCV 2020", (.642, .662, .670, .675, .677, .685, .688, .692, .693)),
    Published("Pix2Vox++", "Xie et al., IJCV 2020", (.670, .695, .704, .708, .711, .715, .717, .718, .719)),
    Published("LRGT", "Yang et al., ICCV 2023", (.696, .746, .759, .765, .769, .774, .777, .778, .779)),
)
# 3D-R2N2 (CHOY): synset -> IoU at 1 view and at 5
CLASSES: Dict[str, Tuple[str, float, float]] = {
    "02691156": ("airplane", .513, .561), "02828884": ("bench", .421, .527), "02933112": ("cabinet", .716, .772),
    "02958343": ("car", .798, .836), "03001627": ("chair", .466, .550), "03211117": ("display", .468, .565),
    "03636649": ("lamp", .381, .421), "03691459": ("loudspeaker", .662, .717), "04090263": ("rifle", .544, .600),
    "04256520": ("sofa", .628, .706), "04379243": ("table", .513, .580), "04401088": ("telephone", .661, .754),
    "04530566": ("watercraft", .513, .610),
}


def published_tables(content: Mapping[str, Any]) -> List[Table]:
    """The published numbers, in tables of their own, and one sentence on what they have to do with a result."""
    data = content["data"]
    if set(content["classes"]) == set(CLASSES) and data["samples"] == TEST_OBJECTS and data["split"] == "test":
        relation = (f"The result above is of as many objects of these classes ({TEST_OBJECTS}) as the published split; "
                    "whether the pictures are the published ones, its data set tells.")
    else:
        relation = (f"These are numbers of ShapeNet's 13 classes ({TEST_OBJECTS} test objects), the result above is of "
                    f"other data ({data['samples']} objects; classes: {len(content['classes'])}): they cannot be "
                    "compared.")
    sources = "; ".join(f"{row.name}: {row.source}" for row in ROWS)
    notes = (relation, f"Sources: {sources}. The papers do not agree on macro or micro means.")
    return [
        Table(f"Mean IoU ({MARK})", ("network", *map(views_label, VIEWS)), tuple((row.name, *row.iou) for row in ROWS),
              notes=notes),
        Table(f"IoU of 3D-R2N2 by class ({MARK})", ("class", views_label(1), views_label(5)),
              tuple(sorted(CLASSES.values())), notes=(relation, f"Source: {ROWS[0].name}, {CHOY}.")),
    ]
