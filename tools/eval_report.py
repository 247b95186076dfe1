"""tools/eval.py: the best, median and worst objects, reconstructed once more for the page of --report."""
from __future__ import annotations

from typing import Any, Dict, List, Mapping

import numpy as np

from gluon_r2n2 import evaluation
from gluon_r2n2.evaluation.page import ShownObject, build, choose
from recordio.loading import TEST, Loader, RecordDataset
from recordio.records import read_manifest

PICTURES = 5  # shown of an object whose prediction was stored, of which the views are not known


def page(subject, options, data: RecordDataset, content: Mapping[str, Any]) -> str:
    """The page as HTML. A short sweep over the objects it shows gives to the bit what the long one gave."""
    places = dict(choose(content, options.report_objects))
    chosen = data.without(set(data.keys) - set(places))
    views, shown = tuple(content["views"]), {}
    pictures = loaded_pictures(options, chosen) if views == (evaluation.NO_VIEWS,) else {}

    def keep(batch, occupied: List[np.ndarray]) -> None:
        for place in range(len(occupied[0])):
            key, synset = batch.keys[place], batch.synsets[place]
            # (T, B, 3, S, S) -> T times (S, S, 3); copied, because a view of them would keep whole batches in memory
            images = pictures.get(key) or [image.transpose(1, 2, 0).copy() for image in batch.images[:, place]]
            iou = content["objects"][key]["iou"]
            shown[key] = ShownObject(
                key, synset, content["classes"][synset]["name"], places[key], images, views,
                np.stack([grids[place] for grids in occupied]), batch.voxels[place].astype(bool),
                [iou[str(count)] for count in views])

    threshold = content["threshold"]["value"]
    subject.measure(chosen, options, views, [threshold], watch=keep, what="objects shown")
    return build(content, [shown[key] for key in places], names=read_manifest(options.data).classes)


def loaded_pictures(options, data: RecordDataset) -> Dict[str, List[np.ndarray]]:
    """A few views of each object by its key, (S, S, 3) uint8."""
    loader = Loader(data, batch_size=1, views=min(PICTURES, data.view_count), seed=options.seed, by_key=True,
                    augmentation=TEST, shuffle=False, drop_last=False, threads=0)
    return {batch.keys[0]: [image.transpose(1, 2, 0) for image in batch.images[:, 0]] for batch in loader.epoch(0)}
