"""Records, before planning: which models are packed, and into which part - split file or rule, and the filters."""
from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Iterable, List, Optional, Sequence, Set, Tuple

from recordio.errors import DataError, nearest
from recordio.layouts import class_name, make_split, original_split, read_split, split_keys, synset_of
from recordio.layouts.splits import PARTS, SHOWN, Split

RULES: Dict[str, Callable[[Iterable], Split]] = {"hashed": make_split, "original": original_split}


@dataclass(frozen=True)
class Selection:
    """What is packed of a source.

    Attributes:
        split_file: default ShapeNet.json in the source, or where that is absent the rule `hashed`.
        split_rule: one of RULES, instead of a file: `hashed` (70, 10 and 20 % of each class by name) or `original`
            (the first 80 % of each class by name, the rest for test, none for validation).
        classes: synsets or class names; None for all.
        models: "synset/model" keys; None for all.
        limit: at most so many models of the split, drawn by their names' hashes; a larger limit only adds models.
        ignore_missing: pass over models that the split or `models` names and the source lacks.
    """

    split_file: Optional[Path] = None
    split_rule: Optional[str] = None
    classes: Optional[Tuple[str, ...]] = None
    models: Optional[Tuple[str, ...]] = None
    limit: Optional[int] = None
    ignore_missing: bool = False

    def __post_init__(self):
        if self.split_rule is not None and self.split_rule not in RULES:
            raise DataError(f"--split-rule: unknown rule {self.split_rule!r}{nearest(self.split_rule, RULES)}; choose "
                            f"from {', '.join(RULES)}")
        if self.split_rule is not None and self.split_file is not None:
            raise DataError("--split and --split-rule exclude each other; give one of them")

    def read(self, default: Path) -> Optional[Split]:
        """The split of the file, chosen and limited; None where a rule over all models takes its place.

        Raises:
            DataError, OSError: no usable split file, an unknown class or model.
        """
        if self.split_rule is not None or (self.split_file is None and not default.is_file()):
            return None
        return self._filtered(read_split(self.split_file or default))

    def make(self, models: Iterable) -> Split:
        """The split of *models* (with `.synset` and `.model_id`) by the rule, chosen and limited."""
        return self._filtered(RULES[self.split_rule or "hashed"](models))

    def may_take(self, synset: str, model_id: str) -> bool:
        """Whether the filters leave a model of a split that is not known yet."""
        classes = None if self.classes is None else {synset_of(name) for name in self.classes} | set(self.classes)
        return ((classes is None or bool({synset, class_name(synset)} & classes))
                and (self.models is None or f"{synset}/{model_id}" in self.models))

    def _filtered(self, split: Split) -> Split:
        if self.classes is not None:
            split = _choose(split, self.classes)
        if self.models is not None:
            wanted = set(self.models)
            self._hold_models(split, wanted)
            split = _keep(split, wanted)
        if self.limit is not None:
            keys = sorted(_keys(split), key=lambda key: hashlib.sha256(key.encode()).digest())
            split = _keep(split, set(keys[:self.limit]))
        return split

    def _hold_models(self, split: Split, wanted: Set[str]) -> None:
        absent = sorted(wanted.difference(_keys(split)))
        if absent and not self.ignore_missing:
            named = ", ".join(absent[:SHOWN]) + (", ..." if len(absent) > SHOWN else "")
            raise DataError(f"--models names {len(absent)} model{'s'[:len(absent) > 1]} that the split does not have "
                            f"({named}); correct the list, or pass over them with --ignore-missing")

    def describe(self, default: Path) -> str:
        """Text that differs for every other selection; it holds the content of the split file."""
        path = self.split_file or default
        content = path.read_bytes() if self.split_rule is None and path.is_file() else b""
        return json.dumps([hashlib.sha256(content).hexdigest(), self.split_rule, self.classes, self.models, self.limit,
                           self.ignore_missing])


def read_keys(path: Path) -> Tuple[str, ...]:
    """The lines `synset/model` of a file, without blank ones and what follows a #.

    Raises:
        DataError: a line of another form, or none at all.
        OSError: the file cannot be read.
    """
    keys: List[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
        key = line.split("#")[0].strip()
        if key and key.count("/") != 1:
            raise DataError(f"{path}: line {number} should be synset/model, got {line[:60]!r}; correct it")
        if key:
            keys.append(key)
    if not keys:
        raise DataError(f"{path}: no line synset/model; write one model on each line")
    return tuple(keys)


def _choose(split: Split, classes: Sequence[str]) -> Split:
    """The entries of *split* whose synset or name is in *classes*."""
    known = {entry["taxonomy_id"]: entry["taxonomy_name"] for entry in split}
    for name in classes:
        if synset_of(name) not in known and name not in known.values():
            names = sorted(set(known.values()) | set(known))
            raise DataError(f"--classes: the split has no class {name!r}{nearest(name, names)}; it has "
                            f"{', '.join(sorted(set(known.values())))}")
    wanted = {synset_of(name) for name in classes} | set(classes)
    return [entry for entry in split if {entry["taxonomy_id"], entry["taxonomy_name"]} & wanted]


def _keep(split: Split, keys: Set[str]) -> Split:
    return [{**entry, **{part: [model for model in entry[part] if f"{entry['taxonomy_id']}/{model}" in keys]
                         for part in PARTS}} for entry in split]


def _keys(split: Split) -> List[str]:
    return ["/".join(pair) for part in PARTS for pair in split_keys(split, part)]
