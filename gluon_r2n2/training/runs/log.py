"""What happens in a run -> log.jsonl, a line of JSON for each event."""
from __future__ import annotations

import json
from pathlib import Path

LOG = "log.jsonl"


class RunLog:
    """Appends JSON lines to the log of a run."""

    def __init__(self, run: Path):
        self._path = run / LOG

    def write(self, event: str, step: int, **values) -> None:
        """Append one line, `{"event": event, "step": step, ...}`."""
        with open(self._path, "a", encoding="utf-8") as handle:
            handle.write(json.dumps({"event": event, "step": step, **values}) + "\n")
