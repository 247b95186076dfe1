"""The process that decodes: picture bytes -> network input and thumbnails, and grids -> files."""
from __future__ import annotations

import dataclasses
import traceback
from typing import Any, Dict, List, Tuple

import cv2
import numpy as np

from gluon_r2n2.deployment import Preprocessing, prepare
from gluon_r2n2.errors import ModelError
from gluon_r2n2.serving.config import Codecs, Limits, PictureRefused
from gluon_r2n2.serving.workers import wire
from gluon_r2n2.serving.workers.limits import be_worker, confine

THUMBNAIL = 256  # pixels, longest side of the picture that shows the foreground

REASONS = {"prepare": "bad_picture", "encode": "no_surface"}  # codes of the refusals

Answer = Tuple[Dict[str, Any], List[bytes]]


def main(connection, codecs: Codecs, limits: Limits) -> None:
    """Answer the front until its end of the pipe closes; target of a `WorkerProcess`."""
    be_worker()
    cv2.setNumThreads(1)
    confine(limits.decode_bytes)
    wire.send(connection, {})
    tasks = {"prepare": prepare_picture, "encode": encode_grid}
    while True:
        try:
            header, blobs = wire.receive(connection)
        except (EOFError, OSError):
            return
        wire.send(connection, *answer(tasks[header["task"]], header, blobs, codecs, limits))


def answer(task, header, blobs, codecs: Codecs, limits: Limits) -> Answer:
    """What *task* gives, or why it was refused, or (a defect) the traceback, which the standard error would lose."""
    try:
        return task(header, blobs, codecs, limits)
    except PictureRefused as error:
        refused = {"message": str(error), "reason": error.reason, "status": error.status}
    except MemoryError:
        refused = {"message": "it takes too much memory; scale it down", "reason": "memory", "status": 413}
    except ModelError as error:
        refused = {"message": str(error), "reason": REASONS[header["task"]], "status": 422}
    except cv2.error as error:
        many = error.code == cv2.Error.STS_NO_MEM
        refused = {"message": "it takes too much memory; scale it down" if many else "it cannot be prepared",
                   "reason": "memory" if many else REASONS[header["task"]], "status": 413 if many else 422}
    except Exception:
        return {"failed": traceback.format_exc()}, []
    return {"refused": refused}, []


def prepare_picture(header, blobs, codecs: Codecs, limits: Limits) -> Answer:
    """One picture's bytes -> its (S, S, 3) uint8 network input; as PNG files too where "show" is set."""
    rgba = codecs.decode(blobs[0], pixels=limits.pixels, side=limits.side)
    view = prepare(rgba, Preprocessing(**header["rules"]), foreground=header["foreground"])
    facts = {"note": view.note, "method": view.method, "warnings": list(view.warnings)}
    results = [view.image.tobytes()]
    if header["show"]:
        results += [codecs.encode_png(thumbnail(rgba, view.alpha)), codecs.encode_png(view.image)]
    return facts, results


def thumbnail(rgba: np.ndarray, alpha) -> np.ndarray:
    """The picture (H, W, 4) at most THUMBNAIL pixels a side, transparent where *alpha* (H, W), if known, says so."""
    if alpha is not None:
        rgba = np.dstack([rgba[..., :3], alpha])
    height, width = rgba.shape[:2]
    scale = THUMBNAIL / max(height, width)
    if scale < 1:
        # by area, so that the colour of hidden pixels bleeds a little into the edge: it is only looked at
        rgba = cv2.resize(rgba, (max(1, round(width * scale)), max(1, round(height * scale))),
                          interpolation=cv2.INTER_AREA)
    return rgba


def encode_grid(header, blobs, codecs: Codecs, limits: Limits) -> Answer:
    """A grid -> one file. The grid is (V, V, V) float32, or uint8 in 255ths; views (T, S, S, 3) uint8 may follow."""
    side = header["resolution"]
    if header["type"] == "uint8":
        grid = np.frombuffer(blobs[0], np.uint8).reshape(side, side, side).astype(np.float32) / np.float32(255)
    else:
        grid = np.frombuffer(blobs[0], np.float32).reshape(side, side, side)
    views = None
    if len(blobs) > 1:
        size = header["input_size"]
        views = np.frombuffer(blobs[1], np.uint8).reshape(-1, size, size, 3)
    return {}, [codecs.encode_result(grid, header["kind"], threshold=header["threshold"], views=views,
                                     **header["options"])]


def rules_of(preprocessing: Preprocessing) -> Dict[str, Any]:
    """The "rules" of a prepare message."""
    return dataclasses.asdict(preprocessing)
