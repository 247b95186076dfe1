"""Serving, the data side: what the server's worker processes call to read pictures and to write results."""
from __future__ import annotations

import io
import warnings
from typing import Optional, Sequence

import numpy as np
from PIL import Image

from gluon_r2n2.serving.config import Codecs, PictureRefused
from gluon_r2n2.surfaces import Size
from gluon_r2n2_tools.results import FILES, encode_result
from recordio.errors import DataError
from recordio.layouts import encode_png, read_rgba

# how files begin, by Pillow's name of the format: neither a name nor a Content-Type is believed
TAKEN = {
    "PNG": (b"\x89PNG\r\n\x1a\n",), "JPEG": (b"\xff\xd8\xff",), "GIF": (b"GIF87a", b"GIF89a"), "BMP": (b"BM",),
    "WEBP": (b"RIFF",), "TIFF": (b"II*\0", b"MM\0*"),
}
OTHERS = {
    b"%PDF": "a PDF document", b"PK\3\4": "a ZIP archive or office document", b"<": "a web page, XML or SVG drawing",
    b"\x1f\x8b": "a gzip archive", b"glTF": "a 3D model", b"\0asm": "a program", b"\x7fELF": "a program",
    b"MZ": "a program",
}
ADVICE = "send a PNG, JPEG, WebP, BMP, TIFF or GIF picture"


def decode_picture(data: bytes, *, pixels: int, side: int) -> np.ndarray:
    """Bytes of unknown origin -> (H, W, 4) uint8 RGBA; the header is read and judged before anything is decoded.

    What follows a picture in its file, or hides in parts of it that are no pixels, is never looked at.

    Args:
        pixels, side: the most that are decoded, in all and along one side.

    Raises:
        PictureRefused: no picture of a known type, damaged, animated, or too large.
    """
    kind = _kind(data)
    if kind is None:
        raise PictureRefused(f"it is {_other(data)}; {ADVICE}", reason="unknown_type", status=415)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's remarks on odd files
        try:
            with Image.open(io.BytesIO(data), formats=[kind]) as picture:
                width, height = picture.size
                animated = kind != "TIFF" and kind != "JPEG" and getattr(picture, "is_animated", False)
        except (Image.DecompressionBombError, Image.DecompressionBombWarning):
            raise PictureRefused(_too_many(pixels, side), reason="too_many_pixels", status=413) from None
        except Exception:  # Pillow's header readers raise anything on damaged files
            raise PictureRefused("its header is damaged; write or copy it again") from None
        if width * height > pixels or max(width, height) > side:
            raise PictureRefused(_too_many(pixels, side), reason="too_many_pixels", status=413)
        if animated:
            raise PictureRefused("it is animated; send still pictures, one for each view", reason="animated")
        try:
            return read_rgba(data, max_pixels=pixels, formats=(kind,))
        except DataError:  # its reason is for whoever has the file, and may tell of libraries
            raise PictureRefused("it is damaged or cut short; write or copy it again") from None


def encode_file(grid: np.ndarray, kind: str, *, threshold: float, views: Optional[Sequence[np.ndarray]] = None,
                height: Optional[float] = None, units: str = "m", ground: bool = False, **surface) -> bytes:
    """One reconstruction -> the bytes of a file; see `results.encode_result` and `gluon_r2n2.surfaces.Size`."""
    return encode_result(grid, kind, threshold=threshold, views=views,
                         size=Size(height=height, units=units, ground=ground), **surface)


CODECS = Codecs(decode=decode_picture, encode_png=encode_png, encode_result=encode_file, formats=FILES)


def _kind(data: bytes) -> Optional[str]:
    for kind, heads in TAKEN.items():
        if data.startswith(heads) and (kind != "WEBP" or data[8:12] == b"WEBP"):
            return kind
    return None


def _other(data: bytes) -> str:
    if not data:
        return "empty"
    if data[4:8] == b"ftyp":
        return "a HEIC or AVIF picture or a film, which are not read"
    for head, what in OTHERS.items():
        if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(head):
            return what
    return "no picture of a known type"


def _too_many(pixels: int, side: int) -> str:
    return (f"it has too many pixels, at most {pixels:,} and {side:,} along a side are decoded; "
            "scale it down")
