"""The trained models that come with the package: exported models in float16, each with its model card (README.md)."""
from __future__ import annotations

from pathlib import Path
from typing import List

FOLDER = Path(__file__).resolve().parent.parent / "pretrained"


def list_pretrained() -> List[str]:
    """The names of the models."""
    return sorted(path.name for path in FOLDER.iterdir() if path.is_dir()) if FOLDER.is_dir() else []


def pretrained_path(name: str) -> Path:
    """The folder of one of `list_pretrained`: an exported model."""
    return FOLDER / name
