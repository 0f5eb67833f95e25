"""Layers, imports and sizes: the rules of the architecture, read from the source."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "src" / "pophealth_link"
MODULES = sorted(PACKAGE.rglob("*.py"))

RANKS = {
    "errors": 0,
    "version": 0,
    "schema": 1,
    "published": 1,
    "folders": 1,
    "engine": 2,
    "stats": 2,
    "privacy": 2,
    "reference": 2,
    "sources": 3,
    "prepare": 3,
    "places": 3,
    "disclosure": 3,
    "link": 4,
    "indicators": 4,
    "need": 5,
    "evaluate": 5,
    "synthetic": 5,
    "report": 6,
    "job": 7,
    "true_counts": 8,
    "demo": 9,
    "cli": 10,
    "__main__": 11,
    "__init__": 11,
}
# Heavy or dangerous packages have one door each.
DOORS = {
    "splink": "link/probabilistic.py",
    "geopandas": "places/geometry.py",
    "shapely": "places/geometry.py",
    "pydantic": "job/spec.py",
    "click": "cli.py",
}


def part_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imports_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def test_every_part_has_a_rank():
    assert {part_of(path) for path in MODULES} <= set(RANKS)


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_imports_go_down(path):
    own = part_of(path)
    for name in imports_of(path):
        parts = name.split(".")
        if parts[0] != "pophealth_link" or len(parts) < 2 or parts[1] not in RANKS:
            continue
        if parts[1] != own:
            assert RANKS[parts[1]] < RANKS[own], f"{own} imports {parts[1]}"


@pytest.mark.parametrize("package", DOORS)
def test_each_heavy_package_has_one_door(package):
    users = {
        path.relative_to(PACKAGE).as_posix()
        for path in MODULES
        if any(name.split(".")[0] == package for name in imports_of(path))
    }
    assert users == {DOORS[package]}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_sizes(path):
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 350
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno <= 60, node.name


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_no_print_and_no_assert(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        assert not isinstance(node, ast.Assert)
        called = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        assert not (called and node.func.id == "print")


def test_import_is_light():
    heavy = ["splink", "geopandas", "shapely", "scipy", "pydantic", "duckdb"]
    script = (
        "import sys, pophealth_link as phl; phl.link; phl.people;"
        f"print([m for m in {heavy!r} if m in sys.modules])"
    )
    seen = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert seen.stdout.strip() == "[]"
