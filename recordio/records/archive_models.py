"""Records, reading archives: the members of both -> the records of their models, and the layout that they are.

A model is complete when another one follows and no view of its list is missing; until then its files are in memory.
"""
from __future__ import annotations

import logging
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, AbstractSet, Callable, Deque, Dict, List, Optional, Set, Tuple

from recordio.errors import DataError
from recordio.layouts import Layout, ModelPaths
from recordio.layouts.shapenet import METADATA, NAMES, RENDERINGS, make_layout, view_names
from recordio.records.archives import Member, read_members
from recordio.records.plan import PackOptions
from recordio.records.samples import Encoded, encode_model
from recordio.records.selection import Selection
from recordio.records.sources import Archives
from recordio.records.writer import AHEAD

MAX_WAITING = 256 << 20  # bytes of models whose files have not all come; 2,000 models that lack a view

Key = Tuple[str, str]  # (synset, model id)
OnBytes = Callable[[int], object]

logger = logging.getLogger(__name__)


@dataclass
class _Open:
    """A model whose files are coming: content of each by name, or None for those that are not wanted."""

    files: Dict[str, Optional[bytes]] = field(default_factory=dict)
    sizes: Dict[str, int] = field(default_factory=dict)
    has_rendering: bool = False


class ArchiveReader:
    """One pass over each archive; hands every selected model's record to *keep*, from the calling thread.

    Args:
        grids, grids_name: a file for the content of the binvox files, and where it is in messages.
        known: keys of models that need no encoding any more.
        most: how many models to encode; of the others *keep* gets the sizes and an empty record. None for all.
    """

    def __init__(self, archives: Archives, options: PackOptions, selection: Selection, grids: IO[bytes],
                 grids_name: str, keep: Callable[[ModelPaths, List[int], Encoded], None], *,
                 known: AbstractSet[str] = frozenset(), most: Optional[int] = None):
        self._archives, self._options, self._selection, self._keep = archives, options, selection, keep
        self._grids, self._grids_name, self._known, self._left = grids.fileno(), grids_name, known, most
        split = selection.read(archives.split_path)
        self._chosen = None if split is None else {
            (entry["taxonomy_id"], model) for entry in split for part in ("train", "val", "test")
            for model in entry[part]}
        self._tree = archives.tree or ""
        self._places: Dict[Key, Optional[Tuple[int, int]]] = {}  # where the grid lies; None without model.binvox
        self._models: List[ModelPaths] = []
        self._incomplete: List[Tuple[str, str]] = []
        self._open: Dict[Key, _Open] = {}
        self._waiting = 0  # bytes of the open models
        self._closed: Set[Key] = set()
        self._futures: Deque[Tuple[ModelPaths, List[int], Future]] = deque()

    def read(self, workers: int, on_bytes: OnBytes, *, names: Callable[[str], tuple] = lambda key: ()) -> Layout:
        """Read both archives; the layout of what they hold. *names* gives the views of a `known` model."""
        self._read_grids(on_bytes)
        with ThreadPoolExecutor(workers, thread_name_prefix="pack") as pool:
            try:
                self._read_pictures(pool, AHEAD * workers, on_bytes, names)
                self._drain(0)
            finally:
                for _, _, future in self._futures:
                    future.cancel()
        self._incomplete += [("/".join(key), f"no {RENDERINGS}/{'/'.join(key)}") for key in self._places
                             if key not in self._closed]
        return make_layout(self._archives.root, self._models, self._incomplete)

    def _read_grids(self, on_bytes: OnBytes) -> None:
        end, foreign = 0, None
        for member in read_members(self._archives.voxels, on_bytes):
            tree, rest = _below(member, lambda name: name == self._archives.tree or (
                self._archives.tree is None and name.startswith("ShapeNetVox")))
            if tree is None:
                foreign = foreign or "/".join(member.parts)
                continue
            if self._tree not in ("", tree):
                raise DataError(f"{self._archives.voxels}: it holds {self._tree} and {tree}; choose one with --voxels")
            self._tree = tree
            key = _key(rest, member, self._archives.voxels)
            if key:
                self._places.setdefault(key, None)
            if key and rest[2:] == ("model.binvox",) and not member.is_folder:
                content = member.read()
                _write(self._grids, content, end, self._grids_name)
                self._places[key] = (end, len(content))
                end += len(content)
        if not self._places:
            raise DataError(f"{self._archives.voxels}: no {self._archives.tree or 'ShapeNetVox32'}/synset/model in it"
                            + (f", it holds {foreign}" if foreign else "") + "; give the archive of the voxels")

    def _read_pictures(self, pool, ahead: int, on_bytes: OnBytes, names) -> None:
        current, foreign = None, None
        for member in read_members(self._archives.renderings, on_bytes):
            tree, rest = _below(member, lambda name: name == RENDERINGS)
            key = _key(rest, member, self._archives.renderings) if tree else None
            if tree is None:
                foreign = foreign or "/".join(member.parts)
            if key is None:
                continue
            if key != current and current in self._open:
                self._close_if_whole(current, pool, names)
                self._drain(ahead)
            current = key
            self._take(key, rest[2:], member)
            if self._waiting > MAX_WAITING:
                raise DataError(f"{self._archives.renderings}: the files of {len(self._open)} models are too large or "
                                f"scattered over the archive; sort it (tar --sort=name), or unpack it and give the "
                                f"folder")
        for key in list(self._open):
            self._close(key, pool, names)
            self._drain(ahead)
        if not self._closed:
            raise DataError(f"{self._archives.renderings}: no {RENDERINGS}/synset/model in it"
                            + (f", it holds {foreign}" if foreign else "") + "; give the archive of the pictures")

    def _take(self, key: Key, rest: Tuple[str, ...], member: Member) -> None:
        if key in self._closed:
            if not member.is_folder and rest[:1] == ("rendering",):
                raise DataError(f"{self._archives.renderings}: {'/'.join(member.parts)} comes apart from the other "
                                f"files of its model; sort the archive (tar --sort=name), or unpack it and give the "
                                f"folder")
            return
        model = self._open.setdefault(key, _Open())
        if rest[:1] == ("rendering",) and (member.is_folder or len(rest) > 1):
            model.has_rendering = True
        if rest[:1] == ("rendering",) and len(rest) == 2 and not member.is_folder:
            name = rest[1]
            wanted = name == NAMES or (self._wanted(key) and (name == METADATA or name.lower().endswith(".png")))
            self._waiting -= len(model.files.get(name) or b"")  # of a file that comes twice the last one counts
            model.files[name] = member.read() if wanted else None
            self._waiting += len(model.files[name] or b"")
            model.sizes[name] = member.size

    def _wanted(self, key: Key) -> bool:
        """Whether the files of a model are read: it has voxels, may be in the split, and is not encoded yet."""
        chosen = key in self._chosen if self._chosen is not None else self._selection.may_take(*key)
        return chosen and bool(self._places.get(key)) and "/".join(key) not in self._known

    def _close_if_whole(self, key: Key, pool, names) -> None:
        """Close a model that others follow; one that lacks files of its list goes on waiting for them."""
        model = self._open[key]
        if not model.has_rendering or not view_names(model.files, lambda: model.files[NAMES] or b"")[1]:
            self._close(key, pool, names)

    def _close(self, key: Key, pool, names) -> None:
        model, name = self._open.pop(key), "/".join(key)
        self._closed.add(key)
        self._waiting -= sum(len(content) for content in model.files.values() if content)
        views, wrong = view_names(model.files, lambda: model.files[NAMES] or b"")
        if not model.has_rendering:
            wrong = "no rendering/ folder"
        if not wrong and self._places.get(key) is None:
            wrong = f"no {self._tree}/{name}/model.binvox"
        if wrong:
            self._incomplete.append((name, wrong))
            return
        if name in self._known:
            views = names(name)  # one tuple for all models
        paths = ModelPaths(*key, f"{RENDERINGS}/{name}/rendering", views, Path(self._tree, name, "model.binvox"))
        self._models.append(paths)
        if self._wanted(key):
            sizes = [self._places[key][1], model.sizes.get(METADATA, -1), *(model.sizes[view] for view in views)]
            if self._left is None or self._left > 0:
                self._futures.append((paths, sizes, pool.submit(self._encode, paths, key, model.files)))
                self._left = None if self._left is None else self._left - 1
            else:
                self._keep(paths, sizes, Encoded())

    def _encode(self, paths: ModelPaths, key: Key, files: Dict[str, Optional[bytes]]) -> Encoded:
        def read(path: Path) -> bytes:
            if path == paths.voxels:
                start, length = self._places[key]
                return os.pread(self._grids, length, start)
            content = files.get(path.name)
            if content is None:
                raise FileNotFoundError(path)
            return content

        try:
            return encode_model(paths, self._options, read=read)
        except DataError as error:
            return Encoded(reason=str(error))

    def _drain(self, most: int) -> None:
        """Hand on finished records until at most *most* are under way."""
        while len(self._futures) > most:
            paths, sizes, future = self._futures.popleft()
            encoded = future.result()
            if encoded.reason:
                logger.warning("left out %s: %s", paths.key, encoded.reason)
            self._keep(paths, sizes, encoded)


def _below(member: Member, is_tree: Callable[[str], bool]) -> Tuple[Optional[str], Tuple[str, ...]]:
    """(name of the tree's folder, the parts below it), or (None, ()); up to two folders may lie above it."""
    for place, name in enumerate(member.parts[:3]):
        if is_tree(name):
            return name, member.parts[place + 1:]
    return None, ()


def _key(rest: Tuple[str, ...], member: Member, path: Path) -> Optional[Key]:
    """The model that a member belongs to; None for files beside the models, and for hidden ones as in a folder."""
    if len(rest) < 2 or (len(rest) == 2 and not member.is_folder) or any(part.startswith(".") for part in rest[:2]):
        return None
    try:
        "/".join(rest).encode("utf-8")
    except UnicodeEncodeError:
        raise DataError(f"{path}: the name {'/'.join(rest)!a} is not UTF-8; rename it and make the archive "
                        f"again") from None
    return rest[0], rest[1]


def _write(descriptor: int, content: bytes, start: int, name: str) -> None:
    view = memoryview(content)
    try:
        while view:
            view = view[os.pwrite(descriptor, view, start + len(content) - len(view)):]
    except OSError as error:
        error.filename = name  # the file has none; such as a full disk: say where
        raise
