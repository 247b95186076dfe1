"""Layouts: picture files of any kind -> RGBA arrays, and RGBA arrays -> PNG bytes that never vary."""
from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Optional, Tuple, Union

import cv2
import numpy as np
from PIL import Image, ImageFile, ImageOps

from recordio.errors import DataError

PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
MAX_PIXELS = 64_000_000  # refused before decoding: a small file may unpack to any size
_PLAIN_HEADER = bytes([8, 6, 0, 0, 0])  # 8 bits, RGBA, the only compression and filter method, not interlaced
_PLAIN_CHUNKS = (b"IHDR", b"IDAT", b"pHYs", b"gAMA", b"sRGB", b"cHRM", b"sBIT", b"tIME")
PNG_LEVEL = 3  # zlib level: 1 to 9; renders shrink little beyond this


def read_rgba(source: Union[str, Path, bytes, memoryview], name: Optional[str] = None, *,
              max_pixels: int = MAX_PIXELS, formats: Optional[Tuple[str, ...]] = None) -> np.ndarray:
    """Decode a picture from a path or from its bytes; *name* stands for the bytes in error messages.

    Any bit depth, grey, palette, alpha or interlacing; JPEG and the other formats of Pillow too, turned upright.
    *formats*, in Pillow's names, keeps to these: a file may be a picture in two formats at once.

    Returns:
        (H, W, 4) uint8 sRGB with straight alpha, 255 where the picture has none.

    Raises:
        DataError: no picture, cut short, damaged, or more than *max_pixels*.
        OSError: the file cannot be read.
    """
    if isinstance(source, (bytes, bytearray, memoryview)):
        name, data = name or "image bytes", bytes(source)
    else:
        name, data = name or str(source), Path(source).read_bytes()
    if data.startswith(PNG_MAGIC) and _check_png(data, name):
        rgba = _decode_plain(data, max_pixels)
        if rgba is not None:
            return rgba
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # of the whole process; importing gluon-cv switches it on
    try:
        with Image.open(io.BytesIO(data), formats=formats) as picture:
            width, height = picture.size
            if width * height > max_pixels:
                raise DataError(f"{name}: {width} x {height} pixels are too many, at most {max_pixels} are read; "
                                f"scale the picture down")
            picture.load()
            return _to_rgba(ImageOps.exif_transpose(picture), data[24] if data.startswith(PNG_MAGIC) else 8)
    except DataError:
        raise
    except Image.UnidentifiedImageError:
        raise DataError(f"{name}: not an image ({_describe(data)}); give a PNG or JPEG picture") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:  # Pillow's own, larger limit
        raise DataError(f"{name}: too many pixels, at most {max_pixels} are read ({error}); "
                        f"scale the picture down") from None
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, OverflowError, TypeError,
            struct.error) as error:  # what Pillow's decoders raise on damaged files
        raise DataError(f"{name}: the image is damaged or cut short ({error}); write or copy it again") from None


def on_background(rgba: np.ndarray, grey: int) -> np.ndarray:
    """Lay a picture (H, W, 4) uint8 with straight alpha over a grey of 0 to 255: (H, W, 3) uint8."""
    colour, alpha = rgba[..., :3].astype(np.float32), rgba[..., 3:].astype(np.float32) / 255
    return np.rint(colour * alpha + grey * (1 - alpha)).astype(np.uint8)


def encode_png(rgba: np.ndarray) -> bytes:
    """PNG bytes of an (H, W, 4) or (H, W, 3) uint8 RGB(A) picture; equal pictures give equal bytes."""
    rgba = np.ascontiguousarray(rgba, np.uint8)
    order = cv2.COLOR_RGBA2BGRA if rgba.shape[2] == 4 else cv2.COLOR_RGB2BGR
    options = [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_DEFAULT]
    done, data = cv2.imencode(".png", cv2.cvtColor(rgba, order), options)
    if not done:
        raise ValueError(f"cv2 cannot encode a picture of shape {rgba.shape}")
    return data.tobytes()


def _check_png(data, name):
    """Hold every chunk's checksum and the end mark, which Pillow passes over.

    -> Whether it is a plain one, as renderings are: 8-bit RGBA, and nothing in it that could turn or tint the picture.
    """
    start, plain = len(PNG_MAGIC), data[12:16] == b"IHDR" and data[24:29] == _PLAIN_HEADER
    while start + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[start:start + 8])
        end = start + 12 + length
        if end > len(data):
            break
        if zlib.crc32(data[start + 4:end - 4]) != struct.unpack(">I", data[end - 4:end])[0]:
            raise DataError(f"{name}: the image is damaged (checksum of its {kind!r} part); write or copy it again")
        if kind == b"IEND":
            return plain
        plain = plain and (kind in _PLAIN_CHUNKS or (kind == b"tEXt" and not data.startswith(b"Raw", start + 8)))
        start = end
    raise DataError(f"{name}: the image is cut short after {len(data)} bytes; write or copy it again")


def _decode_plain(data, max_pixels):
    """The (H, W, 4) picture of a plain PNG, in half of Pillow's time; None where Pillow should say what is wrong."""
    width, height = struct.unpack(">II", data[16:24])
    if not 0 < width * height <= max_pixels:
        return None
    try:
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:  # such as sides above its own limit
        return None
    if picture is None or picture.shape != (height, width, 4) or picture.dtype != np.uint8:
        return None
    return cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA)


def _to_rgba(picture, depth):
    """Pillow's picture -> (H, W, 4) uint8; *depth* is the bits per channel of a PNG, 8 for others."""
    clear = picture.info.get("transparency")
    if picture.mode.startswith("I") or picture.mode == "F":  # 16-bit grey: Pillow's own conversion would clip
        values = np.asarray(picture).astype(np.float64)
        grey = np.clip(np.rint(values * (255.0 if picture.mode == "F" else 255.0 / 65535.0)), 0, 255).astype(np.uint8)
        alpha = np.where(values == (clear if isinstance(clear, int) else -1), 0, 255).astype(np.uint8)
        return np.dstack([grey, grey, grey, alpha])
    # Pillow leaves the transparent colour in the file's depth but brings the pixels to 8 bits
    if picture.mode in ("L", "1") and isinstance(clear, int) and depth < 8:
        picture.info["transparency"] = clear * 255 // (2 ** depth - 1)
    elif picture.mode == "RGB" and isinstance(clear, tuple) and depth == 16:
        picture.info["transparency"] = tuple(channel >> 8 for channel in clear)
    if picture.mode in ("CMYK", "YCbCr", "LAB", "HSV"):  # Pillow has no direct way from these
        picture = picture.convert("RGB")
    return np.array(picture.convert("RGBA"))


def _describe(data):
    if data.startswith(PNG_MAGIC):
        return "a PNG whose header is damaged"
    return f"it begins with {data[:8]!r}" if data else "it is empty"
