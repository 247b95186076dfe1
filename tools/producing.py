"""What the tools that write a layout share: flags, the models in it, one set of options per folder, a split."""
from __future__ import annotations

import json
from pathlib import Path
from typing import Dict, List, Union

from gluon_r2n2_tools import cli
from recordio.errors import DataError
from recordio.files import atomic_file
from recordio.layouts import ModelPaths, make_split, scan, write_split
from recordio.layouts.shapenet import RENDERINGS, SPLIT, VOXELS
from recordio.records.format import MAX_IMAGE_SIDE, MAX_VOXEL_SIDE  # more could not be packed


def sample_flags(parser: cli.Parser):
    """Add the group of flags that say what a sample is; returns it for more."""
    group = parser.add_argument_group("samples")
    group.add_argument("--views", metavar="N", type=cli.positive_int, default=24, help="pictures per model")
    group.add_argument("--image-size", metavar="PIXELS", type=cli.integer(1, MAX_IMAGE_SIDE), default=137,
                       help="side of a picture")
    group.add_argument("--resolution", metavar="CELLS", type=cli.integer(1, MAX_VOXEL_SIDE), default=32,
                       help="side of the voxel grid")
    return group


def running_flags(parser: cli.Parser):
    """Add the group of flags that say how to run; returns it for more."""
    group = parser.add_argument_group("running")
    group.add_argument("--jobs", metavar="N", type=cli.positive_int, default=cli.available_cpus(),
                       help="processes; the output is the same for any number")
    return group


def complete_models(out: Path) -> List[ModelPaths]:
    """The complete samples in a layout that may not exist yet."""
    if not all((out / name).is_dir() for name in (RENDERINGS, VOXELS)):
        return []
    try:
        return scan(out).models
    except DataError:  # none complete
        return []


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


def split_models(out: Path) -> int:
    """Write the split of all complete models in the layout *out*; returns how many there are.

    Where there are none, a split that is there goes.
    """
    models = complete_models(out)
    if models:
        write_split(out / SPLIT, make_split(models))
    elif (out / SPLIT).exists():
        (out / SPLIT).unlink()
    return len(models)


def printable(text: str) -> str:
    """*text* on one line, with what UTF-8 has no bytes for spelled out: names of files may hold anything."""
    text = text.encode("utf-8", errors="backslashreplace").decode("utf-8")
    return text.replace("\n", "\\n").replace("\r", "\\r")
