"""Layouts: the 13 ShapeNet classes of the original, their synset numbers and the names people give them."""
from __future__ import annotations

CLASSES = {
    "02691156": "airplane",
    "02828884": "bench",
    "02933112": "cabinet",
    "02958343": "car",
    "03001627": "chair",
    "03211117": "display",
    "03636649": "lamp",
    "03691459": "loudspeaker",
    "04090263": "rifle",
    "04256520": "sofa",
    "04379243": "table",
    "04401088": "telephone",
    "04530566": "watercraft",
}
ALIASES = {
    "aeroplane": "airplane",
    "boat": "watercraft",
    "cellphone": "telephone",
    "couch": "sofa",
    "gun": "rifle",
    "monitor": "display",
    "phone": "telephone",
    "plane": "airplane",
    "speaker": "loudspeaker",
    "vessel": "watercraft",
}
_SYNSETS = {name: synset for synset, name in CLASSES.items()}


def synset_of(name: str) -> str:
    """The synset number of a class name (or of its plain synonym); *name* itself for a class beyond the 13."""
    plain = name.strip().lower()
    return _SYNSETS.get(ALIASES.get(plain, plain), name)


def class_name(synset: str) -> str:
    """The class name of a synset number; *synset* itself for a class beyond the 13."""
    return CLASSES.get(synset, synset)
