"""Set-up: chooses a Python that mxnet runs on and makes .venv with all the project needs; `make` calls it.

Stdlib only and written for Python 3.6 or newer, because any python3 of a fresh machine may run it (hence no
`from __future__ import annotations`). Run again it reuses the environment; a half-made, moved or outdated one is
built anew.
"""
import argparse
import contextlib
import fcntl
import glob
import hashlib
import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OLDEST, NEWEST = (3, 8), (3, 11)  # setup.py: python_requires; mxnet 1.9.1 with NumPy 1.23
NAMES = ["python3.11", "python3.10", "python3.9", "python3.8", "python3", "python"]
STAMP = "gluon-r2n2.json"  # inside the environment: what it was made from, and whether it was finished

# Run by each candidate: a pyenv shim exists for versions that are not selected, so only running it tells.
PROBE = """
import json, platform, sys
try:
    import ensurepip, venv
    has_venv = True
except ImportError:
    has_venv = False
print(json.dumps({"version": list(sys.version_info[:3]), "executable": sys.executable, "venv": has_venv,
                  "implementation": platform.python_implementation(), "bits": 64 if sys.maxsize > 2**32 else 32}))
"""
CHECK = "import runpy; runpy.run_path({path!r})['require']('mxnet', 'cv2')"


class SetupError(Exception):
    """What stops the set-up, as one sentence that says what to do."""


def probe(path):
    """Return what the interpreter at *path* says about itself, or None where it does not run."""
    try:
        result = subprocess.run([path, "-I", "-c", PROBE], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                stdin=subprocess.DEVNULL, timeout=60)
        return json.loads(result.stdout.decode()) if result.returncode == 0 else None
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None


def problem(found):
    """Say in a few words why the interpreter *found* will not do; an empty string where it will."""
    version = tuple(found["version"][:2])
    if version < OLDEST:
        return "too old"
    if version > NEWEST:
        return "too new"
    if found["implementation"] != "CPython" or found["bits"] != 64:
        return "not a 64-bit CPython"
    if not found["venv"]:
        return "has no venv module; Debian and Ubuntu: apt-get install python{}.{}-venv".format(*version)
    return ""


def describe(found):
    """Return `3.11.2 at /usr/bin/python3.11`."""
    return "{} at {}".format(".".join(map(str, found["version"])), found["executable"])


def candidates():
    """Yield the path of everything that looks like a Python: on PATH, then all versions that pyenv keeps."""
    folders = [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    for name in NAMES:
        for folder in folders:
            path = os.path.join(folder, name)
            if os.access(path, os.X_OK) and not os.path.isdir(path):
                yield path
    # with an empty home folder the shims on PATH still lead to pyenv's versions
    roots = [os.environ.get("PYENV_ROOT", ""), os.path.expanduser("~/.pyenv")]
    roots += [os.path.dirname(folder) for folder in map(os.path.normpath, folders) if folder.endswith("/shims")]
    for root in filter(None, roots):
        yield from sorted(glob.glob(os.path.join(root, "versions", "*", "bin", "python")))


def choose(wanted=None):
    """Return (interpreter, reason): the one *wanted* where it is given, else the newest suitable one found.

    Raises:
        SetupError: there is none; names what was found and why it will not do.
    """
    if wanted:
        path = shutil.which(wanted) or wanted
        found = probe(path)
        if found is None:
            raise SetupError("PYTHON={}: it does not run; give the path of a Python 3.8 to 3.11".format(wanted))
        if problem(found):
            raise SetupError("PYTHON={} is Python {} ({}): Python 3.8 to 3.11 is needed, mxnet 1.9.1 runs on no other"
                             .format(wanted, describe(found), problem(found)))
        return found, "as PYTHON says"
    seen = {}  # real executable -> interpreter, in the order found
    for path in candidates():
        found = probe(path)
        if found:
            seen.setdefault(os.path.realpath(found["executable"]), found)
    suitable = [found for found in seen.values() if not problem(found)]
    if suitable:
        # minor version first; among equals the first on PATH, which is what the user selected
        best = max(suitable, key=lambda found: found["version"][:2])
        return best, "the newest of Python 3.8 to 3.11 here, {} found in all".format(len(seen))
    listed = "; ".join("{} ({})".format(describe(found), problem(found)) for found in seen.values()) or "none"
    raise SetupError(
        "no Python 3.8 to 3.11 with venv found, and mxnet 1.9.1 runs on no other. Found: {}. Install one (Debian 12: "
        "apt-get install python3.11 python3.11-venv; anywhere: pyenv install 3.11), or name one: "
        "make PYTHON=/path/to/python3.11 venv".format(listed))


def fingerprint(extras):
    """Return a hash of what decides the environment's content: setup.py, the extras and where the checkout lies."""
    digest = hashlib.sha256(repr((extras, ROOT)).encode())
    with open(os.path.join(ROOT, "setup.py"), "rb") as handle:
        digest.update(handle.read())
    return digest.hexdigest()


def read_stamp(venv):
    """Return the stamp of the environment *venv*: None where there is none, {} where it cannot be read."""
    try:
        with open(os.path.join(venv, STAMP)) as handle:
            stamp = json.load(handle)
        return stamp if isinstance(stamp, dict) else {}
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        return {}


def write_stamp(venv, stamp):
    """Replace the stamp in one step."""
    path = os.path.join(venv, STAMP)
    with open(path + ".new", "w") as handle:
        json.dump(stamp, handle, indent=1)
    os.replace(path + ".new", path)


def outdated(venv, stamp, wanted, extras):
    """Say why the environment *venv* cannot be reused; an empty string where it can."""
    if not os.path.lexists(venv):
        return "there is none yet"
    if stamp is None:
        return "it was not made by this project"
    if not stamp.get("complete"):
        return "it was left half-made"
    if stamp.get("fingerprint") != fingerprint(extras):
        return "setup.py, the extras or the folder of the checkout changed"
    found = probe(os.path.join(venv, "bin", "python"))
    if found is None or found["version"] != stamp.get("version"):
        return "its Python is gone or was updated"
    if wanted and found["version"][:2] != choose(wanted)[0]["version"][:2]:
        return "it has Python {}, PYTHON says otherwise".format(".".join(map(str, found["version"])))
    return ""


def run(command, failure):
    """Run *command*; raises SetupError with the sentence *failure* where it fails."""
    # PIP_USER would send packages to the home folder, past the environment
    environment = dict(os.environ, PIP_USER="0", PIP_DISABLE_PIP_VERSION_CHECK="1", PIP_NO_INPUT="1")
    if subprocess.run(command, env=environment, cwd=ROOT).returncode:
        raise SetupError(failure)


def build(venv, interpreter, extras):
    """Make the environment *venv* and install the project into it; the stamp says complete only at the very end."""
    os.makedirs(venv)
    stamp = {"complete": False, "works": False, "fingerprint": fingerprint(extras), "version": interpreter["version"]}
    write_stamp(venv, stamp)  # before anything else: from here on a leftover is known as ours and unfinished
    run([interpreter["executable"], "-m", "venv", venv],
        "{} could not make a virtual environment in {}; its own words are above".format(describe(interpreter), venv))
    python = os.path.join(venv, "bin", "python")
    pip = [python, "-m", "pip", "install", "--quiet", "--prefer-binary"]
    failure = "pip could not install what the project needs; its own words are above (is the package index reachable?)"
    run(pip + ["pip>=21.3"], failure)  # the first with editable installs by pyproject.toml
    run(pip + ["--editable", "{}[{}]".format(ROOT, extras)], failure)
    write_stamp(venv, dict(stamp, complete=True))


def check(venv):
    """Import mxnet and OpenCV once in the new environment, where a missing system library shows."""
    code = CHECK.format(path=os.path.join(ROOT, "gluon_r2n2", "environment.py"))
    result = subprocess.run([os.path.join(venv, "bin", "python"), "-c", code], stderr=subprocess.PIPE, cwd=ROOT)
    if result.returncode:
        words = result.stderr.decode(errors="replace").strip() or "mxnet cannot be imported: it crashed"
        raise SetupError(words.splitlines()[-1].split("EnvironmentProblem: ")[-1])
    write_stamp(venv, dict(read_stamp(venv), works=True))


def make(venv, wanted, extras):
    """Reuse or build the environment *venv*, saying which Python it has and why."""
    stamp = read_stamp(venv)
    reason = outdated(venv, stamp, wanted, extras)
    if not reason:
        print("{}: Python {}, made before, reused".format(venv, ".".join(map(str, stamp["version"]))))
    else:
        interpreter, choice = choose(wanted)
        if stamp is None and os.path.lexists(venv):  # somebody's own: never delete it
            number = next(n for n in range(1, 1000) if not os.path.lexists("{}.before-{}".format(venv, n)))
            os.rename(venv, "{}.before-{}".format(venv, number))
            print("{}: {}; moved to {}.before-{}".format(venv, reason, venv, number))
        elif os.path.lexists(venv):
            print("{}: {}, so it is built anew".format(venv, reason))
            shutil.rmtree(venv)
        print("{}: Python {}: {}".format(venv, describe(interpreter), choice))
        print("{}: installing the project with its extras {}; about a minute".format(venv, extras), flush=True)
        build(venv, interpreter, extras)
    if not read_stamp(venv).get("works"):
        check(venv)


@contextlib.contextmanager
def locked():
    """Let one set-up work at a time: two `make` at once would remove each other's half-made environment."""
    descriptor = os.open(ROOT, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def main(argv=None):
    """Parse the flags and make the environment; returns the exit code."""
    parser = argparse.ArgumentParser(description="Make the project's virtual environment, or reuse it.",
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--venv", default=os.path.join(ROOT, ".venv"), metavar="DIR", help="where it is made")
    parser.add_argument("--python", default="", metavar="PATH", help="the Python to use; empty: the newest suitable")
    parser.add_argument("--extras", default="cpu,onnx,openvino,serve,test,lint", metavar="LIST",
                        help="extras of setup.py to install")
    options = parser.parse_args(argv)
    try:
        with locked():
            make(os.path.abspath(options.venv), options.python, options.extras)
    except SetupError as error:
        print("bootstrap: error: {}".format(error), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bootstrap: interrupted; run it again to start over", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
