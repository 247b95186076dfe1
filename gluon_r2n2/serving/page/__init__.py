"""The page of the web application: HTML, style, script and example pictures, handed over as bytes."""
from __future__ import annotations

from gluon_r2n2.serving.page.files import PageFile, page_files

__all__ = ["PageFile", "page_files"]
