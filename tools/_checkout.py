"""Imported first by every script of this folder when it runs as a file: makes the checkout's packages importable.

An installed console command (r2n2-train, ...) never needs it. The scripts' folder itself goes to the end of the path,
so that names such as `export` or `eval` here never shadow other modules; it stays there because the worker processes
of a script import the script, and so this module, again.
"""
import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

sys.path.append(sys.path[0])
sys.path[0] = str(ROOT)
if "gluon_r2n2_tools" not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        "gluon_r2n2_tools", str(ROOT / "tools" / "__init__.py"), submodule_search_locations=[str(ROOT / "tools")]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["gluon_r2n2_tools"] = module
    spec.loader.exec_module(module)
