"""tools/reconstruct.py, the steps of one object of a batch: its pictures -> prepared views -> numbers -> its folder."""
from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from typing import List, Optional, Tuple

import cv2
import numpy as np

from gluon_r2n2.deployment import PreparedView
from gluon_r2n2.errors import ModelError
from gluon_r2n2.files import atomic_directory
from gluon_r2n2_tools.cli import explain_os_error
from gluon_r2n2_tools.reconstruct_files import Reconstruction, cut_out, empty_sentence, files_of
from gluon_r2n2_tools.reconstruct_inputs import Item
from gluon_r2n2_tools.reconstruct_manifest import RECORD, Record, finished_record, remove_object
from recordio.errors import DataError
from recordio.layouts import read_rgba

COLOUR_SIDE = 512  # pixels; pictures kept to take colours from are scaled down to this


@dataclasses.dataclass(frozen=True)
class Ready:
    """An object whose pictures are prepared, as far as they can be used."""

    item: Item
    images: List[Record]  # what the manifest says of each picture
    views: List[PreparedView]
    colours: List[np.ndarray]
    seconds: float


class Batch:
    """What the steps of a batch share."""

    def __init__(self, reconstructor, segmentation, threshold: float, head: Record, options):
        self.reconstructor, self.segmentation, self.threshold = reconstructor, segmentation, threshold
        self.head, self.options = head, options

    def finished(self, item: Item) -> Optional[Record]:
        return finished_record(self.options.out / item.id, item, self.head["made_with"])

    def prepare(self, item: Item) -> Ready:
        """Read and prepare the pictures of an object; what is wrong with one is kept with it."""
        start, images, views, colours = time.monotonic(), [], [], []
        for path, name in zip(item.images, item.names):
            entry: Record = {"file": name, "sha256": None}
            try:
                if not path.is_file() and path.exists() and not path.is_dir():
                    raise DataError(f"{name}: it is a device or a pipe; give a file")  # reading may never end
                data = path.read_bytes()
                entry["sha256"] = hashlib.sha256(data).hexdigest()
                picture = read_rgba(data, name)
                view, = self.reconstructor.prepare([picture], crop_to_object=not self.options.no_crop,
                                                   foreground=self.options.foreground, segmentation=self.segmentation)
                entry.update(note=view.note, method=view.method, warnings=list(view.warnings))
                if self.options.colours:
                    colours.append(_small(cut_out(picture, view)))
                views.append(dataclasses.replace(view, alpha=None))  # of the picture's size: it would fill the memory
            except DataError as error:
                entry["error"] = str(error)
            except ModelError as error:
                entry["error"] = f"{name}: {error}"
            except OSError as error:
                entry["error"] = explain_os_error(OSError(error.errno, error.strerror, name))
            images.append(entry)
        return Ready(item, images, views, colours, time.monotonic() - start)

    def compute(self, group: List[Ready]) -> List[Tuple[Ready, Optional[Reconstruction]]]:
        """Run the network on a group; None for an object without a usable picture."""
        usable = [ready for ready in group if ready.views]
        growths = [[grid.copy() for grid in self.reconstructor.stream(ready.views)] if self.options.each_view else ()
                   for ready in usable]
        grids = ([growth[-1] for growth in growths] if self.options.each_view else
                 self.reconstructor.reconstruct_many([ready.views for ready in usable]))
        found = {}
        for ready, grid, growth in zip(usable, grids, growths):
            singles = (self.reconstructor.reconstruct_many([[view] for view in ready.views])
                       if self.options.check_views else ())
            found[ready.item.id] = Reconstruction(ready.views, grid, growth, singles,
                                                  ready.colours if self.options.colours else None)
        return [(ready, found.get(ready.item.id)) for ready in group]

    def write(self, ready: Ready, found: Optional[Reconstruction], seconds: float) -> Record:
        """Write an object's folder, whole or not at all; returns its record."""
        start, record = time.monotonic(), {"id": ready.item.id, "status": "failed", "images": ready.images}
        if found is None:
            remove_object(self.options.out / ready.item.id)
            return {**record, "reason": "none of its pictures can be used: " + ready.images[0]["error"]}
        try:
            result = found.result(self.threshold, self.options)
        except ModelError as error:
            raise DataError(f"{ready.item.id}: {error}") from error
        warnings, sums = [*found.warnings(self.threshold), *result.warnings], {}
        if result.empty:
            warnings.append(empty_sentence(found.grid, self.threshold))
        usable = [image for image in ready.images if "error" not in image]
        for image, fit in zip(usable, result.fits):
            image["fit"] = fit.sentence
        folder = self.options.out / ready.item.id
        folder.parent.mkdir(parents=True, exist_ok=True)
        with atomic_directory(folder) as temporary:
            for name, data, _ in files_of(found, result, self.options):
                if data is None:
                    continue
                (temporary / name).parent.mkdir(exist_ok=True)
                (temporary / name).write_bytes(data)
                sums[name] = hashlib.sha256(data).hexdigest()
            record.update(
                status="done", warnings=warnings, threshold=self.threshold,
                occupied=int((found.grid >= self.threshold).sum()),
                expected_iou=round(found.expected_iou(self.threshold), 4), files=sums,
                made_with=self.head["made_with"], seconds=round(ready.seconds + seconds + time.monotonic() - start, 3))
            (temporary / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        return record


def _small(picture: np.ndarray) -> np.ndarray:
    scale = COLOUR_SIDE / max(picture.shape[:2])
    if scale >= 1:
        return picture
    return cv2.resize(picture, [max(1, round(side * scale)) for side in picture.shape[1::-1]],
                      interpolation=cv2.INTER_AREA)
