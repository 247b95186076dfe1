"""What the tools that write a layout share: which models are complete, and that one folder has one set of options."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, Set, Tuple, Union

from recordio.errors import DataError
from recordio.files import atomic_file
from recordio.layouts import scan
from recordio.layouts.shapenet import RENDERINGS, VOXELS


def complete_models(out: Path) -> Set[Tuple[str, str]]:
    """{(synset, model id)} of the complete samples in a layout that may not exist yet."""
    if not all((out / name).is_dir() for name in (RENDERINGS, VOXELS)):
        return set()
    try:
        return {(model.synset, model.model_id) for model in scan(out).models}
    except DataError:  # none complete
        return set()


def hold_options(path: Path, options: Dict[str, Union[int, str]], *, replace: bool = False) -> None:
    """Write *options* (flag name without dashes -> value) to the file *path*, or hold that it has the same ones.

    With *replace*, for samples that are made anew, what it has does not matter.

    Raises:
        DataError: the folder of *path* was made with other options, or by something else.
        OSError: the folder cannot be made or written.
    """
    if path.is_file() and not replace:
        try:
            before = dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError):
            raise DataError(f"{path}: damaged; remove {path.parent} or give another folder") from None
        for name, value in options.items():
            if before.get(name) != value:
                raise DataError(f"{path.parent}: its samples were made with --{name} {before.get(name)}, now it is "
                                f"{value}; give another folder or the same options")
        return
    if complete_models(path.parent) and not replace:
        raise DataError(f"{path.parent}: holds a layout that this tool did not make (no {path.name}); "
                        f"give an empty folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path, "w") as handle:
        json.dump(options, handle, indent=1)
        handle.write("\n")
