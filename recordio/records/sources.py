"""Records, what is packed: a layout folder, or the two archives that ShapeNet comes as."""
from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from recordio.errors import DataError
from recordio.layouts.shapenet import RENDERINGS, SPLIT
from recordio.records import format, manifest
from recordio.records.archives import SUFFIXES
from recordio.records.plan import PackOptions
from recordio.records.selection import Selection

_EDGE = 1 << 20  # bytes at each end of an archive that tell it from another of the same size


@dataclass(frozen=True)
class Archives:
    """The two archives; `tree` names the voxels' folder in the second, None for any ShapeNetVox<side>.

    `root` stands for both in messages, and holds ShapeNet.json where there is one.
    """

    root: Path
    renderings: Path
    voxels: Path
    tree: Optional[str] = None

    @property
    def split_path(self) -> Path:
        return self.root / SPLIT

    @property
    def size(self) -> int:
        """Bytes of both."""
        return self.renderings.stat().st_size + self.voxels.stat().st_size

    def token(self, options: PackOptions, selection: Selection) -> str:
        """SHA-256 over sizes and both ends of the archives, the options and the selection; names do not matter.

        Raises:
            OSError: an archive cannot be read.
        """
        facts = [manifest.VERSION, format.VERSION, dataclasses.asdict(options), selection.describe(self.split_path),
                 self.tree]
        digest = hashlib.sha256(json.dumps(facts).encode())
        for path in (self.renderings, self.voxels):
            size = path.stat().st_size
            with open(path, "rb") as handle:
                digest.update(f"{size}\n".encode() + handle.read(_EDGE))
                handle.seek(max(0, size - _EDGE))
                digest.update(handle.read(_EDGE))
        return digest.hexdigest()

    def source(self, token: str) -> str:
        """What the manifest says of where the data came from."""
        return f"{self.renderings.name} + {self.voxels.name} {token[:16]}".rstrip()


def find_archives(root: Path, *, renderings: Optional[Path] = None, voxels: Optional[Path] = None,
                  tree: Optional[str] = None) -> Optional[Archives]:
    """The archives in the folder *root*, or those given; None where *root* has the folders themselves.

    Raises:
        DataError: one of the two is given or there, and the other is not.
    """
    if renderings is None and voxels is None and (root / RENDERINGS).is_dir():
        return None
    found = renderings or _find(root, RENDERINGS), voxels or _find(root, tree or "ShapeNetVox*")
    if found[0] is None and found[1] is None:
        return None  # scanning the folder says what is missing
    if found[0] is None or found[1] is None:
        absent, flag = ((RENDERINGS, "--renderings"), (tree or "ShapeNetVox32", "--voxel-archive"))[found[1] is None]
        raise DataError(f"{root}: {absent}.tgz missing beside {(found[0] or found[1])}; put both archives into one "
                        f"folder, or name it with {flag}")
    return Archives(root, found[0], found[1], tree)


def _find(root: Path, name: str) -> Optional[Path]:
    found = sorted(path for suffix in SUFFIXES for path in root.glob(f"{name}{suffix}") if path.is_file())
    preferred = [path for path in found if path.name.startswith(("ShapeNetVox32.", RENDERINGS))]
    if len(found) > 1 and len(preferred) != 1:
        raise DataError(f"{root}: {found[0].name} and {found[1].name} are both there; name the one to read with "
                        f"--renderings or --voxel-archive")
    return (preferred or found or [None])[0]
