"""Imports run one way, and making data never loads mxnet; read from the source by `ast`, and once from a real run."""
from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, Set, Tuple

import pytest

ROOT = Path(__file__).resolve().parent.parent

FOLDERS = {"operators": "operators", "recordio": "recordio", "gluon_r2n2": "gluon_r2n2", "tools": "gluon_r2n2_tools"}
MAY_IMPORT = {
    "operators": {"operators"},
    "recordio": {"recordio"},
    "gluon_r2n2": {"gluon_r2n2", "operators"},
    "gluon_r2n2_tools": {"gluon_r2n2_tools", "gluon_r2n2", "recordio"},
}
# inside gluon_r2n2: a module imports from its own storey or from below
STOREYS = {
    "gluon_r2n2.encoder": 0, "gluon_r2n2.recurrence": 0, "gluon_r2n2.decoder": 0,
    "gluon_r2n2.network": 1,
    "gluon_r2n2.model_zoo": 2,
}
# contact_sheet makes none, it draws what is there
DATA_TOOLS = ["make_shapes", "render_meshes", "import_dataset", "pack_rec", "check_rec"]
LEARNING = {"mxnet", "gluoncv", "gluon_r2n2", "operators"}  # what no data tool may load


def source_files() -> Iterator[Tuple[str, Path]]:
    """Yield (dotted module name, file) of all our modules, tests excepted."""
    for folder, package in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = [package, *path.relative_to(ROOT / folder).with_suffix("").parts]
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


FILES: Dict[str, Path] = dict(source_files())
SOURCES: Dict[str, str] = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
TREES: Dict[str, ast.Module] = {name: ast.parse(source) for name, source in SOURCES.items()}


def imports(module: str) -> Set[str]:
    """The dotted names that *module* imports anywhere in its source; `from a import b` gives a.b where that exists."""
    found: Set[str] = set()
    package = module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:  # relative: each further dot goes one package up
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join(above + ([node.module] if node.module else []))
            for alias in node.names:
                name = f"{base}.{alias.name}"
                found.add(name if name in FILES else base)
    return found


def test_the_walk_sees_what_is_there():
    assert {"operators", "recordio.errors", "gluon_r2n2.network", "gluon_r2n2_tools.cli"} <= set(FILES)
    assert "recordio.errors" in imports("gluon_r2n2_tools.cli")
    assert "mxnet" in imports("gluon_r2n2.network")


@pytest.mark.parametrize("module", FILES)
def test_packages_import_one_way(module):
    ours = {name for name in imports(module) if name.split(".")[0] in MAY_IMPORT}
    allowed = MAY_IMPORT[module.split(".")[0]]
    wrong = sorted(name for name in ours if name.split(".")[0] not in allowed)
    assert not wrong, f"{module} imports {', '.join(wrong)}; it may import from {', '.join(sorted(allowed))}"


@pytest.mark.parametrize("module", STOREYS)
def test_networks_import_downwards(module):
    storey = STOREYS[module]
    wrong = sorted(name for name in imports(module) if STOREYS.get(name, -1) >= storey and name != module)
    assert not wrong, f"{module} imports {', '.join(wrong)}, of its own storey or above"


def test_no_import_goes_in_a_circle():
    done: Set[str] = set()

    def visit(module: str, trail: List[str]) -> None:
        assert module not in trail, " -> ".join(trail[trail.index(module):] + [module])
        if module not in done:
            for name in imports(module):
                # a package that gathers its own modules, and a module that names its package, are no circle
                if name in FILES and not module.startswith(name):
                    visit(name, trail + [module])
            done.add(module)

    for module in FILES:
        visit(module, [])


@pytest.mark.parametrize("module", [name for name in FILES if name.startswith("recordio")])
def test_recordio_names_no_mxnet(module):
    assert not {name.split(".")[0] for name in imports(module)} & LEARNING


@pytest.mark.parametrize("tool", DATA_TOOLS)
def test_data_tools_reach_no_mxnet(tool):
    seen: Set[str] = set()
    waiting = [f"gluon_r2n2_tools.{tool}"]
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        # _environment asks gluon_r2n2 for an explanation only when an import has failed already
        if module in FILES and module != "gluon_r2n2_tools._environment":
            waiting.extend(imports(module))
            waiting.extend(name.rpartition(".")[0] for name in imports(module) if name in FILES and "." in name)
    assert not {name for name in seen if name.split(".")[0] in LEARNING}


def test_making_data_loads_no_mxnet():
    modules = [name for name in FILES if name.startswith("recordio")] + [f"gluon_r2n2_tools.{t}" for t in DATA_TOOLS]
    code = (f"import sys; sys.path[0] = {str(ROOT / 'tools')!r}; import _checkout, importlib\n"
            f"for name in {modules!r}: importlib.import_module(name)\n"
            "print(sorted(name for name in sys.modules if name in ('mxnet', 'gluoncv', 'gluon_r2n2', 'operators')))")
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("module", FILES)
def test_every_module_says_where_it_stands(module):
    assert ast.get_docstring(TREES[module]), f"{FILES[module]}: no docstring"


@pytest.mark.parametrize("module", FILES)
def test_syntax_is_that_of_python_3_8(module):
    # 3.6 for the script that any python3 may run
    version = (3, 6) if module == "gluon_r2n2_tools.bootstrap" else (3, 8)
    ast.parse(SOURCES[module], feature_version=version)


@pytest.mark.parametrize("module", [name for name, path in FILES.items() if path.name == "__init__.py"])
def test_packages_only_hand_names_on(module):
    for statement in TREES[module].body[1:]:
        assigned = [target.id for target in getattr(statement, "targets", []) if isinstance(target, ast.Name)]
        assert isinstance(statement, (ast.Import, ast.ImportFrom)) or assigned in (["__all__"], ["__version__"]), \
            f"{FILES[module]}, line {statement.lineno}: a package only imports, and names __all__"
