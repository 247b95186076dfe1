"""setup.py against what the source really holds, and the set-up of a fresh machine against stand-in Pythons."""
from __future__ import annotations

import ast
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import setuptools

from gluon_r2n2_tools import bootstrap

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"gluon_r2n2": "gluon_r2n2", "operators": "operators", "recordio": "recordio", "gluon_r2n2_tools": "tools"}
# module that is imported -> distribution that brings it, where the names differ
DISTRIBUTIONS = {"cv2": "opencv-python", "skimage": "scikit-image", "PIL": "Pillow", "yaml": "PyYAML",
                 "fast_simplification": "fast-simplification", "prometheus_client": "prometheus-client",
                 "python_multipart": "python-multipart", "sklearn": "scikit-learn", "pydantic": "fastapi",
                 "starlette": "fastapi"}  # fastapi's parts
# What an extra brings may be imported here only: everything else works without it.
EXTRA_USERS = {"onnx": ("gluon_r2n2/deployment/",), "openvino": ("gluon_r2n2/deployment/",),
               "serve": ("gluon_r2n2/serving/", "tools/serve"), "classify": ("gluon_r2n2/evaluation/generative/",)}
OURS = set(PACKAGES) | {"_checkout"}


@pytest.fixture(scope="module")
def metadata():
    """The arguments that setup.py gives to setuptools."""
    kept = {}
    patch = pytest.MonkeyPatch()
    patch.setattr(setuptools, "setup", lambda **arguments: kept.update(arguments))
    patch.chdir(ROOT)
    runpy.run_path(str(ROOT / "setup.py"))
    patch.undo()
    return kept


def test_every_package_is_shipped(metadata):
    there = {".".join([package, *path.parent.relative_to(ROOT / folder).parts])
             for package, folder in PACKAGES.items() for path in (ROOT / folder).rglob("__init__.py")}
    assert set(metadata["packages"]) == there


def test_every_folder_of_modules_is_a_package():
    folders = {path.parent for folder in PACKAGES.values() for path in (ROOT / folder).rglob("*.py")}
    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def test_other_files_of_packages_are_shipped(metadata):
    patterns = metadata["package_data"][""]
    for folder in PACKAGES.values():
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix not in (".py", ".pyc", ".nbi", ".nbc"):
                assert any(path.match(pattern) for pattern in patterns), f"{path} is in no wheel"


def test_every_command_has_its_tool(metadata):
    commands = dict(line.split(" = ") for line in metadata["entry_points"]["console_scripts"])
    assert {"r2n2-pack", "r2n2-train", "r2n2-eval", "r2n2-export", "r2n2-reconstruct"} <= set(commands)
    for command, target in commands.items():
        module, function = target.split(":")
        path = ROOT / "tools" / (module.split(".")[1] + ".py")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert function in [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
        sources = [path, path.with_name(f"{path.stem}_options.py")]  # where the parser may be
        text = "".join(source.read_text(encoding="utf-8") for source in sources if source.is_file())
        assert f'prog="{command}"' in text, f"{path.name} calls itself something else"


def test_every_tool_has_its_command(metadata):
    tools = {line.split(" = ")[1].split(":")[0].split(".")[1] for line in metadata["entry_points"]["console_scripts"]}
    scripts = {path.stem for path in (ROOT / "tools").glob("*.py") if '__name__ == "__main__"' in path.read_text()}
    assert scripts - {"bootstrap"} == tools


def test_every_import_is_required(metadata):
    extras = metadata["extras_require"]
    always = _names(metadata["install_requires"] + extras["cpu"])
    standard = getattr(sys, "stdlib_module_names", None)  # since Python 3.10
    if standard is None:
        pytest.skip("this Python does not list its standard library")
    for folder in PACKAGES.values():
        for path in (ROOT / folder).rglob("*.py"):
            place = path.relative_to(ROOT).as_posix()
            declared = always.union(*(_names(extras[extra]) for extra, users in EXTRA_USERS.items()
                                      if place.startswith(users)))
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
                for name in {name.split(".")[0] for name in names} - set(standard) - OURS:
                    assert DISTRIBUTIONS.get(name, name).lower() in declared, f"{path} imports {name}"


def _names(requirements):
    """The distributions' names of *requirements*."""
    return {re.split("[><=]", requirement)[0].lower() for requirement in requirements}


def test_versions_agree(metadata):
    import gluon_r2n2

    assert metadata["version"] == gluon_r2n2.__version__
    assert metadata["python_requires"] == ">=3.8,<3.12"
    assert "mxnet==1.9.1" in metadata["extras_require"]["cpu"]
    assert "mxnet-cu112==1.9.1" in metadata["extras_require"]["cu112"]


def test_the_built_tree_works_away_from_the_checkout(tmp_path):
    library = tmp_path / "library"
    command = [sys.executable, "-W", "ignore", "setup.py", "--quiet", "build_py", "--build-lib", str(library)]
    build = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert build.returncode == 0, build.stderr
    variables = dict(os.environ, PYTHONPATH=str(library))
    code = "import sys, gluon_r2n2_tools.contact_sheet as tool; print(tool.__file__); tool.main(['--help'])"
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=variables, capture_output=True, text=True,
                            timeout=120)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(str(library)) and "usage:" in result.stdout


# ---- the set-up: stand-ins for Python that answer as the real ones do, and keep a log of what they were asked

STAND_IN = """#!/bin/sh
echo "$*" >> {folder}/log
case "$*" in
    *bootstrap.py*|*"sys.exit("*) exec {real} "$@" ;;
    *ensurepip*) sed "s#HERE#$0#" {folder}/{version}.json ;;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
    *"pip install"*) test ! -e {folder}/offline ;;
    *"'require'"*) test ! -e {folder}/no-libgomp || {{ echo "x.EnvironmentProblem: no libgomp" >&2; exit 1; }} ;;
    *) exit 1 ;;
esac
"""


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A fresh machine: an empty home, PATH holding the tools of make alone; machine(name, version) adds a Python."""
    (tmp_path / "home").mkdir()
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "mkdir", "cp", "make", "sed"):
        if shutil.which(name):
            (folder / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("PYENV_ROOT", raising=False)

    def add(name, version, *, venv=True, where=folder):
        where.mkdir(parents=True, exist_ok=True)
        path = where / name
        answer = {"version": version, "executable": "HERE", "venv": venv, "implementation": "CPython", "bits": 64}
        label = ".".join(map(str, version))
        (tmp_path / f"{label}.json").write_text(json.dumps(answer))
        path.write_text(STAND_IN.format(real=sys.executable, folder=tmp_path, version=label))
        path.chmod(0o755)
        return path

    add.folder, add.venv, add.log = tmp_path, tmp_path / "venv", tmp_path / "log"
    return add


def set_up(machine, *flags):
    return bootstrap.main(["--venv", str(machine.venv), *flags])


def test_the_newest_suitable_python_is_chosen(machine, capsys):
    machine("python3.13", [3, 13, 1])
    machine("python3", [3, 12, 4])
    machine("python3.9", [3, 9, 18])
    best = machine("python3.10", [3, 10, 2])
    assert set_up(machine) == 0
    assert f"Python 3.10.2 at {best}: the newest" in capsys.readouterr().out


def test_a_shim_that_fails_is_passed_over_and_pyenv_is_searched(machine, capsys, monkeypatch):
    root = machine.folder / "elsewhere" / "pyenv"  # the home folder is empty: only PATH leads here
    shim = machine("python3.11", [3, 11, 0], where=root / "shims")
    shim.write_text("#!/bin/sh\necho 'pyenv: python3.11: command not found' >&2\nexit 127\n")
    monkeypatch.setenv("PATH", f"{root / 'shims'}{os.pathsep}{os.environ['PATH']}")
    kept = machine("python", [3, 8, 18], where=root / "versions" / "3.8.18" / "bin")
    assert set_up(machine) == 0
    assert f"Python 3.8.18 at {kept}" in capsys.readouterr().out


def test_no_suitable_python_names_what_was_found(machine, capsys):
    machine("python3", [3, 12, 4])
    machine("python3.11", [3, 11, 2], venv=False)
    machine("python3.8", [3, 7, 1])
    assert set_up(machine) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1 and not machine.venv.exists()
    for words in ("3.12.4", "too new", "3.11.2", "apt-get install python3.11-venv", "3.7.1", "too old", "PYTHON="):
        assert words in message


@pytest.mark.parametrize("name, words", [("python3.12", "too new"), ("absent", "does not run")])
def test_an_unsuitable_wish_is_refused(machine, capsys, name, words):
    machine("python3.11", [3, 11, 2])
    machine("python3.12", [3, 12, 4])
    assert set_up(machine, "--python", name) == 2
    message = capsys.readouterr().err
    assert words in message and f"PYTHON={name}" in message and message.count("\n") == 1


def test_a_second_run_reuses_and_a_wish_for_another_python_rebuilds(machine, capsys):
    machine("python3.11", [3, 11, 2])
    machine("python3.9", [3, 9, 18])
    assert set_up(machine) == 0
    installs = machine.log.read_text().count("pip install")
    assert set_up(machine) == 0 and "reused" in capsys.readouterr().out
    assert machine.log.read_text().count("pip install") == installs
    assert set_up(machine, "--python", "python3.9") == 0
    assert "built anew" in capsys.readouterr().out
    assert set_up(machine) == 0 and "Python 3.9.18, made before, reused" in capsys.readouterr().out


def test_a_half_made_environment_is_built_anew(machine, capsys):
    machine("python3.11", [3, 11, 2])
    (machine.folder / "offline").touch()
    assert set_up(machine) == 2 and "pip could not install" in capsys.readouterr().err
    (machine.folder / "offline").unlink()
    assert set_up(machine) == 0
    assert "half-made" in capsys.readouterr().out
    assert json.loads((machine.venv / bootstrap.STAMP).read_text())["complete"] is True


@pytest.mark.parametrize("harm, words", [
    (lambda venv: (venv / bootstrap.STAMP).write_text("{"), "half-made"),
    (lambda venv: (venv / "bin" / "python").unlink(), "its Python is gone"),
    (lambda venv: (venv / bootstrap.STAMP).write_text(
        json.dumps(dict(json.loads((venv / bootstrap.STAMP).read_text()), fingerprint="0"))), "setup.py"),
])
def test_a_harmed_environment_is_built_anew(machine, capsys, harm, words):
    machine("python3.11", [3, 11, 2])
    assert set_up(machine) == 0
    harm(machine.venv)
    assert set_up(machine) == 0
    assert words in capsys.readouterr().out
    assert set_up(machine) == 0 and "reused" in capsys.readouterr().out


def test_somebodys_own_environment_is_moved_never_deleted(machine, capsys):
    machine("python3.11", [3, 11, 2])
    machine.venv.mkdir()
    (machine.venv / "precious").write_text("kept")
    assert set_up(machine) == 0
    assert "not made by this project" in capsys.readouterr().out
    assert (machine.folder / "venv.before-1" / "precious").read_text() == "kept"


def test_a_missing_system_library_is_said_until_it_is_there(machine, capsys):
    machine("python3.11", [3, 11, 2])
    (machine.folder / "no-libgomp").touch()
    for _ in range(2):
        assert set_up(machine) == 2
        assert capsys.readouterr().err == "bootstrap: error: no libgomp\n"
    (machine.folder / "no-libgomp").unlink()
    assert set_up(machine) == 0 and "reused" in capsys.readouterr().out  # nothing installed twice


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_make_finds_a_python_for_the_set_up(machine):
    shim = machine("python3", [3, 11, 2])
    shim.write_text("#!/bin/sh\nexit 127\n")
    machine("python3.10", [3, 10, 2])
    command = ["make", "-C", str(ROOT), "--no-print-directory", "venv", f"VENV={machine.venv}"]
    variables = {name: os.environ[name] for name in ("HOME", "PATH")}  # none of an outer make's variables
    result = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    assert "Python 3.10.2" in result.stdout
    (machine.folder / "bin" / "python3.10").unlink()
    result = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60)
    assert result.returncode == 2 and "no Python 3 found" in result.stderr
