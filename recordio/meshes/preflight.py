"""Meshes, OBJ / OFF / STL: refuse what a parser would choke on, and mend what trimesh does not read.

Counts that a header declares are held against the size of the file before anything is allocated.
"""
from __future__ import annotations

import codecs
import re
import struct
from typing import List

from recordio.errors import DataError

ENCODINGS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
             (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))  # UTF-32's marks begin like UTF-16's


def decode(path, data: bytes) -> str:
    """Text of UTF-8, or of UTF-16 or UTF-32 with a byte order mark; other single bytes survive as surrogates."""
    encoding = next((name for mark, name in ENCODINGS if data.startswith(mark)), None)
    try:
        if encoding is not None:
            return data.decode(encoding)
    except UnicodeDecodeError:
        raise DataError(f"{path}: its {encoding} text is damaged; save it as UTF-8") from None
    if b"\0" in data[:4096]:
        raise DataError(f"{path}: it is not a text file (it has zero bytes; UTF-16 needs a byte order mark); "
                        f"save it as UTF-8")
    return data.decode("utf-8", errors="surrogateescape")  # names in other encodings still find their files


def prepare_obj(path, data: bytes) -> str:
    """The text of an OBJ file, spelled as trimesh wants it, all indices absolute.

    Raises:
        DataError: no text, index 0, a relative index that points before the first entry.
    """
    text = decode(path, data).replace("\r\n", "\n").replace("\r", "\n")
    if re.search(r"^[ \t]+[vfu]|^(?:v|vt|vn|f|usemtl)(?:\t|  )", text, re.MULTILINE):  # trimesh wants "v ", "f "
        text = re.sub(r"^[ \t]*(v|vt|vn|f|usemtl|mtllib|o|g|s)[ \t]+", r"\1 ", text, flags=re.MULTILINE)
    if re.search(r"^[vf].*#", text, re.MULTILINE):
        text = re.sub(r"^([vf][^#\n]*)#.*", r"\1", text, flags=re.MULTILINE)
    if re.search(r"^f(?:.* )0+(?:[ /]|$)", text, re.MULTILINE):
        raise DataError(f"{path}: a face refers to vertex 0, but OBJ counts from 1; export it again")
    if re.search(r"^f.*[ /]-\d", text, re.MULTILINE):
        text = _absolute(path, text)
    return text


def _absolute(path, text: str) -> str:
    """Replace relative (negative) indices, which count back from where they stand; trimesh counts from the end."""
    seen = {"v": 0, "vt": 0, "vn": 0}
    lines: List[str] = text.split("\n")
    for number, line in enumerate(lines):
        word = line[:3].split(" ", 1)[0]
        if word in seen:
            seen[word] += 1
        elif word == "f" and "-" in line:
            corners = []
            for corner in line.split()[1:]:
                parts = corner.split("/")
                for place, (part, count) in enumerate(zip(parts, seen.values())):
                    if part.startswith("-"):
                        parts[place] = str(count + 1 + int(part))
                        if int(parts[place]) < 1:
                            raise DataError(f"{path}: line {number + 1} refers {-int(part)} entries back, "
                                            f"but only {count} came before it; export it again")
                corners.append("/".join(parts))
            lines[number] = "f " + " ".join(corners)
    return "\n".join(lines)


def prepare_off(path, data: bytes) -> str:
    """The text of an OFF file. Raises DataError: no (text) OFF file, or more rows declared than it can hold."""
    text = decode(path, data)
    if "OFF" not in text[:1000]:
        raise DataError(f"{path}: it does not begin with OFF; it is no OFF file")
    if "BINARY" in text[:1000].split("\n", 1)[0]:
        raise DataError(f"{path}: binary OFF is not read; save it as text")
    words = re.sub(r"#.*", "", text[text.index("OFF") + 3:][:4096]).split()[:2]
    if len(words) < 2 or not all(word.isdigit() for word in words):
        raise DataError(f"{path}: its header declares no numbers of vertices and faces; it is cut short or damaged")
    check_declared(path, len(data), 6, vertices=int(words[0]), faces=int(words[1]))  # "0 0 0\n" is the shortest row
    return text


def prepare_stl(path, data: bytes) -> bytes:
    """Binary STL cut to the triangles it declares, or text STL as UTF-8. Raises DataError as `prepare_obj` does."""
    count = struct.unpack_from("<I", data, 80)[0] if len(data) >= 84 else 0
    needed = 84 + 50 * count
    if len(data) == needed or (len(data) > needed > 84 and b"facet" not in data[:1024]):  # some append a trailer
        return data[:needed]
    if re.search(rb"(?i)facet", data):
        return decode(path, data).encode("utf-8", errors="replace")  # trimesh guesses other encodings
    if data.lstrip()[:5].lower() == b"solid":
        raise DataError(f"{path}: there are no triangles in it; only surfaces can be rendered")
    raise DataError(f"{path}: its header declares {count:,} triangles ({needed:,} bytes), but the file has "
                    f"{len(data):,} bytes; it is cut short or no STL file")


def check_declared(path, size: int, shortest: int, **counts: int) -> None:
    """Raise DataError if *size* bytes cannot hold the declared *counts* of rows of at least *shortest* bytes."""
    for name, count in counts.items():
        if count * shortest > size:
            raise DataError(f"{path}: its header declares {count:,} rows of {name}, but only {size:,} bytes hold them; "
                            f"it is cut short or damaged")
