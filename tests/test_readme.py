"""The documents against the project: their links lead somewhere, their commands exist with these flags."""
from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in
               [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/**/*.md")])


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), f"{page}: {target} is not there"


@pytest.mark.parametrize("page", PAGES)
def test_commands_exist_with_these_flags(page, capsys):
    text = (ROOT / page).read_text(encoding="utf-8").replace("\\\n", " ")
    for script, arguments in re.findall(r"python tools/(\w+)\.py([^\n`#]*)", text):
        tool = importlib.import_module(f"gluon_r2n2_tools.{script}")
        with pytest.raises(SystemExit):
            tool.main(["--help"])
        known = capsys.readouterr().out
        for flag in re.findall(r"(?<=\s)--[\w-]+", arguments):
            assert flag in known, f"{page}: {script} has no {flag}"
    for script in re.findall(r"python (benchmarks/\w+\.py)", text):
        assert (ROOT / script).is_file(), f"{page}: {script} is not there"


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_exist(page):
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for target in re.findall(r"^ {4}make ([\w-]+)|`make ([\w-]+)[^`]*`", (ROOT / page).read_text(encoding="utf-8")):
        assert "".join(target) in targets, f"{page}: make {''.join(target)}"


def test_the_frozen_commands_are_in_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in ("make demo", "make test", "make venv", "libgl1 libglib2.0-0 libgomp1 libquadmath0"):
        assert command in text
