"""Serving, what a browser gets first: the files of this folder, by the paths under which a server offers them."""
from __future__ import annotations

from pathlib import Path
from typing import Dict, NamedTuple

FOLDER = Path(__file__).resolve().parent
INDEX = "index.html"
MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".webp": "image/webp",
}


class PageFile(NamedTuple):
    """The content of one file and its media type."""

    content: bytes
    media_type: str


def page_files() -> Dict[str, PageFile]:
    """Return all files of the page by URL path: "/" and "/static/NAME".

    The page addresses everything relative to itself, so that a proxy may put it under any prefix. It runs under a
    content security policy that admits 'self' for scripts, styles and connections, and pictures also from data: and
    blob: addresses.
    """
    return {"/" if path.name == INDEX else f"/static/{path.name}":
            PageFile(path.read_bytes(), MEDIA_TYPES[path.suffix])
            for path in sorted(FOLDER.iterdir()) if path.suffix in MEDIA_TYPES}
