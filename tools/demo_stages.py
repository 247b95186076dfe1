"""The demo's stages: each runs once, is timed, remembered in stages.json and reused as long as its command holds."""
from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

from gluon_r2n2.files import write_json
from gluon_r2n2.training import newest_checkpoint
from gluon_r2n2_tools import cli

STAGES = "stages.json"


class StageFailed(Exception):
    """A tool ended with an error, which it has told the user."""

    def __init__(self, message: str, code: int):
        super().__init__(message)
        self.code = code


class Pipeline:
    """Runs stages one after the other and remembers the finished ones in stages.json.

    A stage is done again when its command changed or when one before it was done anew; *fresh* does all again.
    """

    def __init__(self, out: Path, *, fresh: bool = False):
        self.out = out
        self._path, self._fresh = out / STAGES, fresh
        try:
            self._known = {stage["name"]: stage for stage in json.loads(self._path.read_text(encoding="utf-8"))}
        except (OSError, ValueError, TypeError, KeyError):
            self._known = {}
        self.finished: List[Dict[str, Any]] = []
        write_json(self._path, list(self._known.values()))  # from now on the folder is known as a demo

    def command(self, name: str, tool: str, arguments: List[Any], product: Path) -> None:
        """Run one of the tools in a process of its own and let the user see how it was called."""
        words = [str(argument) for argument in arguments]
        script = Path(__file__).with_name(f"{tool}.py")
        # installed as a package, the tools are modules; in a checkout they are files
        program = [str(script)] if script.parent.name == "tools" else ["-m", f"gluon_r2n2_tools.{tool}"]
        shown = shlex.join(["python", f"tools/{tool}.py", *words])
        same = not self._fresh and self._known.get(name, {}).get("command") == shown
        resumed = tool == "train" and same and (product / "config.json").is_file()

        def work() -> None:
            process = subprocess.Popen([sys.executable, *program, *words, *(["--resume"] if resumed else [])])
            try:
                code = process.wait()
            except KeyboardInterrupt:  # the terminal sent it to the tool as well, which now tidies up
                process.wait()
                raise
            if code:
                raise StageFailed(f"the demo stopped: {tool}.py ended with exit code {code}; "
                                  "run the same command again to go on from here", code)
            if tool == "train" and not trained(product):  # a signal ends it with 0
                raise StageFailed("the demo stopped: the training was interrupted; run the same command again to go on "
                                  "from here", cli.INTERRUPTED)

        self._stage(name, shown, work, product, keep=resumed)

    def call(self, name: str, what: str, work: Callable[[], None], product: Path) -> None:
        """Run one stage in this process."""
        self._stage(name, what, work, product)

    def _stage(self, name, command, work, product: Path, keep: bool = False) -> None:
        known = self._known.get(name, {})
        print(f"\n[{name}] {command}", flush=True)
        if not self._fresh and known.get("done") and known["command"] == command and product.exists():
            print(f"  done before, in {known['seconds']:.0f} s", flush=True)
            self.finished.append(known)
            return
        self._fresh = True
        if not keep:
            _remove(product)
        before = known.get("seconds", 0.0) if keep else 0.0
        stage = {"name": name, "command": command, "done": False, "seconds": before}
        start = time.monotonic()
        try:
            self._save(stage)
            work()
            stage["done"] = True
        finally:
            stage["seconds"] = round(before + time.monotonic() - start, 1)
            self._save(stage)
        self.finished.append(stage)

    def _save(self, stage) -> None:
        self._known[stage["name"]] = stage
        write_json(self._path, list(self._known.values()))


def trained(run: Path) -> bool:
    """Whether a run has made all of its steps."""
    checkpoint = newest_checkpoint(run)
    return checkpoint is not None and checkpoint.state["step"] >= checkpoint.state["training"]["steps"]


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()
