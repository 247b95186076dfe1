"""A layout folder small enough to pack many times in a test, archives of it, and how a tool refuses bad arguments."""
from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Dict, List, Optional

import numpy as np

from recordio.geometry.camera import Camera
from recordio.layouts import VoxelGrid, write_sample, write_split

SYNSETS = {"02691156": "airplane", "03001627": "chair"}
MODELS, VIEWS = 7, 3


def picture(random, height=20, width=24):
    """A blob of random colours on a transparent ground."""
    rgba = np.zeros((height, width, 4), np.uint8)
    top, left = random.randint(0, height - 8), random.randint(0, width - 8)
    rgba[top:top + 8, left:left + 8] = random.randint(0, 256, (8, 8, 4))
    return rgba


def make_layout(root: Path, *, models: int = MODELS) -> Path:
    """2 classes of *models* (7), 3 views of 24x20, a grid of 8^3; of 7 there are 4, 1 and 2 in train, val and test."""
    random, split = np.random.RandomState(1), []
    for synset, class_name in SYNSETS.items():
        names = [f"model{number}" for number in range(models)]
        for name in names:
            images = np.stack([picture(random) for _ in range(VIEWS)])
            cameras = [Camera(10.0 * view, 25.5, 0.75) for view in range(VIEWS)]
            voxels = random.rand(8, 8, 8) < 0.3
            write_sample(root, synset, name, images, cameras, VoxelGrid(voxels, (-0.5, -0.25, -0.5), 1.5))
        split.append({"taxonomy_id": synset, "taxonomy_name": class_name, "train": names[:-3], "val": names[-3:-2],
                      "test": names[-2:]})
    write_split(root / "ShapeNet.json", split)
    return root


def tar_of(root: Path, tree: str, target: Path, *, prefix: str = "", shuffle: Optional[int] = None,
           extra: List[tarfile.TarInfo] = (), folders: bool = True) -> Path:
    """Write the folder *tree* of *root* into the archive *target*, its models in an order drawn by *shuffle*."""
    paths = sorted((root / tree).rglob("*"))
    if shuffle is not None:  # models anywhere, the files of each together
        random = np.random.RandomState(shuffle)
        draws = {path.relative_to(root).parts[1:3]: random.rand() for path in paths}
        paths.sort(key=lambda path: draws[path.relative_to(root).parts[1:3]])
    with tarfile.open(target, "w:gz" if target.name.endswith("gz") else "w") as archive:
        for info in extra:
            archive.addfile(info, io.BytesIO(bytes(info.size)) if info.isreg() else None)
        for path in paths:
            if folders or path.is_file():
                archive.add(path, prefix + path.relative_to(root).as_posix(), recursive=False)
    return target


def hashes(folder: Path, *, ignore_source: bool = False) -> Dict[str, str]:
    """SHA-256 of every file; with *ignore_source* the manifest counts without what names the source."""
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    if ignore_source and "manifest.json" in found:
        content = json.loads(found["manifest.json"])
        found["manifest.json"] = json.dumps({**content, "source": "", "sha256": ""}).encode()
    return {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}


def hold_refusal(main, arguments, words, capsys):
    """A tool's *main* must end with 2 and one line that has *words* in it."""
    try:
        code = main(arguments)
    except SystemExit as stop:  # argparse's own way out
        code = stop.code
    assert code == 2
    message = capsys.readouterr().err
    assert words in message and len(message.splitlines()) == 1
