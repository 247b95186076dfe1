"""Before the network, on the user's photographs: the object by a segmentation network that the user has on disk.

Any file of the U2-Net kind will do: the `u2net.onnx`, `u2netp.onnx` or `silueta.onnx` that the program rembg keeps in
`~/.u2net`. Nothing is ever downloaded.
"""
from __future__ import annotations

import os
from pathlib import Path
from typing import Optional, Union

import cv2
import numpy as np

from gluon_r2n2.errors import ModelError

FILE = "u2net.onnx"
SIDE = 320  # pixels, where the file leaves it open; what U2-Net was trained on
MEAN = np.array([0.485, 0.456, 0.406], np.float32)  # of ImageNet's RGB, as rembg's session for U2-Net subtracts it
DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
HELP = "give a file of the U2-Net kind, such as the u2net.onnx that rembg keeps in ~/.u2net"


def find_segmentation(path: Union[str, Path, None] = None) -> Optional[Path]:
    """The file of the segmentation model: *path*, or u2net.onnx where rembg keeps it, or None where there is none.

    rembg's places are $U2NET_HOME, or .u2net in $XDG_DATA_HOME or in the home folder (its `BaseSession.u2net_home`).

    Raises:
        ModelError: *path* is given and no file.
    """
    if path is not None:
        if not Path(path).is_file():
            raise ModelError(f"{path}: no such file; {HELP}")
        return Path(path)
    home = os.environ.get("U2NET_HOME") or os.path.join(os.environ.get("XDG_DATA_HOME") or "~", ".u2net")
    found = Path(os.path.expanduser(home), FILE)
    return found if found.is_file() else None


class Segmentation:
    """A U2-Net-type ONNX file, run by onnxruntime on the processor; may be used by several threads.

    Args:
        path: the file. Its first input must be an image (1, 3, S, S) float32, its first output a map (1, 1, S, S).
        threads: of the processor; None leaves it to onnxruntime.

    Raises:
        ModelError: onnxruntime is not installed, or the file is no such network.
    """

    def __init__(self, path: Union[str, Path], *, threads: Optional[int] = None):
        try:
            import onnxruntime
        except ImportError:
            raise ModelError(f"{path}: it needs onnxruntime to run: pip install 'gluon-r2n2[onnx]'") from None
        self.path = Path(path)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # errors only: a foreign file's warnings are not the user's to mend
        options.intra_op_num_threads = threads or 0
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has a dozen types of its own for what a file can be wrong in
            reason = str(error).split("\n")[0][:200]
            raise ModelError(f"{path}: onnxruntime cannot load it ({reason}); {HELP}") from None
        self._side = self._check()

    def alpha(self, image: np.ndarray) -> np.ndarray:
        """Where the object is in *image* (H, W, 3) uint8 RGB: (H, W) uint8, 255 on it.

        Raises:
            ModelError: the network gives no map of the picture's form, or one of a single value.
        """
        height, width = image.shape[:2]
        small = cv2.resize(image, (self._side, self._side), interpolation=cv2.INTER_AREA).astype(np.float32)
        colours = (small / max(float(small.max()), 1e-6) - MEAN) / DEVIATION
        batch = np.ascontiguousarray(colours.transpose(2, 0, 1)[None])  # (1, 3, S, S)
        try:
            found = self._session.run(None, {self._session.get_inputs()[0].name: batch})[0]
        except Exception as error:  # see above
            reason = str(error).split("\n")[0][:200]
            raise ModelError(f"{self.path}: it fails on a picture ({reason}); {HELP}") from None
        if found.shape != (1, 1, self._side, self._side) or not np.isfinite(found).all():
            raise ModelError(f"{self.path}: wanted a finite map (1, 1, {self._side}, {self._side}), its first output "
                             f"has the shape {found.shape}, or NaN in it; {HELP}")
        found = found[0, 0].astype(np.float32)
        span = found.max() - found.min()
        if span <= 0:
            return np.zeros((height, width), np.uint8)  # sees nothing that stands out
        levels = (found - found.min()) * (255 / span)
        return cv2.resize(levels, (width, height), interpolation=cv2.INTER_LINEAR).round().astype(np.uint8)

    def _check(self) -> int:
        """The side of the network's input, once input and output are of the right form."""
        inputs, output = self._session.get_inputs(), self._session.get_outputs()[0]
        if len(inputs) != 1:
            raise ModelError(f"{self.path}: wanted one input, an image, it has {len(inputs)}; {HELP}")
        shape = inputs[0].shape
        # sizes that the file leaves open are None or a name
        side = next((length for length in shape[2:] if isinstance(length, int)), SIDE) if len(shape) == 4 else SIDE
        for what, value, wanted in (("input", inputs[0], (1, 3, side, side)), ("output", output, (1, 1, side, side))):
            fits = len(value.shape) == 4 and all(length == expected for length, expected in zip(value.shape, wanted)
                                                 if isinstance(length, int))
            if value.type != "tensor(float)" or not fits:
                raise ModelError(f"{self.path}: wanted its {what} as float32 {wanted}, it is {value.type} "
                                 f"{tuple(value.shape)}; {HELP}")
        return side
