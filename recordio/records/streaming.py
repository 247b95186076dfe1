"""Records, packing the two archives of ShapeNet as they are: one pass over each, the bytes of packing the folders.

The voxel archive is read first; its grids go to a file without a name, which vanishes with the process. Then the
pictures come model by model; worker threads encode them, and the records wait in the spool until the archive ends and
the plan is known. From there on it is the ordinary packing, with records from the spool.
"""
from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import Dict, List, Tuple

from recordio.layouts import ModelPaths
from recordio.records.archive_models import ArchiveReader, OnBytes
from recordio.records.manifest import PROGRESS, Manifest
from recordio.records.plan import PackOptions, Plan, plan_layout
from recordio.records.progress import Progress, prepare, remove_ours, write_progress
from recordio.records.samples import Encoded
from recordio.records.selection import Selection
from recordio.records.sources import Archives
from recordio.records.spool import Spool
from recordio.records.writer import hold_strict, pack

logger = logging.getLogger(__name__)


def pack_archives(archives: Archives, out: str | Path, options: PackOptions, selection: Selection, *,
                  workers: int = 2, strict: bool = False, overwrite: bool = False,
                  on_bytes: OnBytes = lambda count: None) -> Tuple[Manifest, bool]:
    """Pack the models of two archives into the folder *out*; an interrupted call goes on where it stopped.

    The shards are those of the unpacked folders, byte for byte. At most a few models per worker are in memory; beside
    the data set *out* holds its records once more until the end.

    Args:
        workers, strict, overwrite: as for `writer.pack`.
        on_bytes: called with a number of bytes of the archives after they were read; `Archives.size` in all.

    Returns:
        The manifest, and whether the same data set was complete already.

    Raises:
        DataError: an archive is damaged, its order scatters the models' files, and what `writer.pack` raises.
        OSError: the disk is full or read-only; what is finished stays.
    """
    out, token = Path(out), archives.token(options, selection)
    source = archives.source(token)
    complete = prepare(out, overwrite, None,
                       lambda there, date_ns: "" if there.source == source else "other input")
    if complete:
        hold_strict(complete.skipped, strict)
        return complete, True
    with Spool(out, token) as spool:
        if spool.entries:
            logger.info("%d models are encoded already and kept", len(spool.entries))
        if not (out / PROGRESS).exists():
            write_progress(token, out, Progress({}))

        def keep(model: ModelPaths, sizes: List[int], encoded: Encoded) -> None:
            spool.put(model, sizes, encoded)
            hold_strict([{"key": model.key, "reason": encoded.reason}] if encoded.reason else [], strict)

        try:
            with tempfile.TemporaryFile(dir=out) as grids:
                reader = ArchiveReader(archives, options, selection, grids, str(out), keep, known=set(spool.entries))
                layout = reader.read(workers, on_bytes, names=lambda key: spool.entries[key].names)
        except BaseException:
            if not spool.entries:  # such as a damaged archive: its good copy may come next
                remove_ours(out)
            raise
        plan = plan_layout(layout, options, selection, facts=spool.facts, source=source, token=token)
        manifest, _ = pack(plan, out, workers=1, strict=strict, encode=spool.get)
    spool.path.unlink()
    return manifest, False


def survey_archives(archives: Archives, options: PackOptions, selection: Selection, *, workers: int = 2,
                    samples: int = 8, on_bytes: OnBytes = lambda count: None) -> Tuple[Plan, List[Encoded]]:
    """Read the archives through and write nothing: the plan of packing them, and the first *samples* records."""
    facts: Dict[str, List[int]] = {}
    encoded: List[Encoded] = []

    def keep(model: ModelPaths, sizes: List[int], result: Encoded) -> None:
        facts[model.key] = sizes
        encoded.extend([result] if result.payload else [])

    with tempfile.TemporaryFile() as grids:
        reader = ArchiveReader(archives, options, selection, grids, tempfile.gettempdir(), keep, most=samples)
        layout = reader.read(workers, on_bytes)
    return plan_layout(layout, options, selection, facts=lambda model: (facts[model.key], 0),
                       source=archives.source(""), token=""), encoded
