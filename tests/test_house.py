"""The house keeps its shape: arrows go one way, and nothing evaluates or unpickles."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MAY_IMPORT = {
    "nwb_schema": {"nwb_schema"},
    "pipeline": {"pipeline", "nwb_schema"},
    "app": {"app", "pipeline", "nwb_schema"},
    "fluorite": {"fluorite", "app", "pipeline", "nwb_schema"},
}
DASH = {"dash", "dash_bootstrap_components", "dash_ag_grid", "plotly", "flask"}
FORBIDDEN_CALLS = {"eval", "exec", "pickle.load", "pickle.loads", "dill.load", "dill.loads", "marshal.loads"}
MODULES = sorted(path for package in MAY_IMPORT for path in (ROOT / package).rglob("*.py"))


def tree(path: Path) -> ast.AST:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def imported_packages(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield (node.module or "").split(".")[0]


def imported_modules(path: Path, known: Collection[str]) -> set[str]:
    """Which of the modules `known` it imports, those inside functions, too."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            # A name is a module of the package or something in the module.
            full = (f"{node.module}.{alias.name}" for alias in node.names)
            found |= {name if name in known else str(node.module) for name in full}
    return found & set(known)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    imported = set(imported_packages(path))

    assert not (imported & set(MAY_IMPORT)) - MAY_IMPORT[package]
    if package in ("pipeline", "nwb_schema"):
        assert not imported & DASH, "Dash belongs in app"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_evaluates_or_unpickles(path: Path) -> None:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            assert name not in FORBIDDEN_CALLS, f"{path}:{node.lineno}: {name}"
            assert not name.endswith((".query", ".eval")), f"{path}:{node.lineno}: {name}"
            assert not any((keyword.arg or "").startswith("dangerously_") for keyword in node.keywords)
            assert not any(
                keyword.arg == "allow_pickle" and getattr(keyword.value, "value", None) is not False
                for keyword in node.keywords
            ), f"{path}:{node.lineno}: allow_pickle"


def test_no_module_imports_itself_by_way_of_others() -> None:
    """Imports inside functions count: they hide that two modules are one, or that a third is missing."""
    paths = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in MODULES}
    imports = {name: sorted(imported_modules(path, paths) - {name}) for name, path in paths.items()}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of imports: {' -> '.join(error.args[1])}")


def test_only_nwb_schema_writes_nwb() -> None:
    writers = [
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        if path.relative_to(ROOT).parts[0] != "nwb_schema" and "pynwb" in set(imported_packages(path))
    ]
    assert writers == []
