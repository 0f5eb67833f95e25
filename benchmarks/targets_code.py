"""What an answer depends on: the code that a module imports, and the contents it is asked about.

Answers are kept under a fingerprint of both, so that a system is run again after a change to its
own code or data, and not after one elsewhere.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.datasets import ROOT

DIGITS = 12
_PACKAGES = ("polars", "duckdb", "splink", "numpy", "scipy", "scikit-learn", "nicknames")
# Their `__init__` imports all there is; a module names what it needs itself.
_ROOTS = ("benchmarks", "pophealth_link")


@dataclass(frozen=True, slots=True)
class Depends:
    """The module of a system, and the modules whose effect on it is hashed in another way."""

    module: str
    apart_from: tuple[str, ...] = ()


# How files are read shows in the contents that are read (`contents`). Of the library the yardstick
# uses nothing but that.
SYSTEMS: Mapping[str, Depends] = {
    "pophealth_link": Depends("benchmarks.pophealth", ("benchmarks.extracts",)),
    "plain_splink": Depends("benchmarks.plain_splink", ("benchmarks.extracts", "pophealth_link")),
    "ceiling": Depends("benchmarks.ceiling", ("benchmarks.extracts",)),
}


def contents(facts: Mapping[str, Any]) -> str:
    """Return a fingerprint of what a system is given: every record, and how sources are declared.

    `facts` are those of `accuracy_results.data_facts`.
    """
    told = json.dumps([facts["sha256"], facts["sources"]], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:DIGITS]


def of(system: str, root: Path = ROOT) -> str:
    """Return a fingerprint of the code of a system, of its data files and of the packages."""
    depends = SYSTEMS[system]
    digest = hashlib.sha256(" ".join([platform.python_version(), *_versions()]).encode())
    for path in files(depends.module, depends.apart_from, root):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:DIGITS]


def _versions() -> Iterator[str]:
    for name in _PACKAGES:
        try:
            yield f"{name}={importlib.metadata.version(name)}"
        except importlib.metadata.PackageNotFoundError:
            yield f"{name}=none"


def files(module: str, apart_from: tuple[str, ...] = (), root: Path = ROOT) -> list[Path]:
    """Return the files of a module and of all that it imports, directly or not, in the project.

    Imports within functions count, and so do the data files that lie beside a module; the modules
    `apart_from`, with what lies in them, do not.
    """
    found: dict[str, Path] = {}
    ahead = [module]
    while ahead:
        name = ahead.pop()
        path = None if _left_out(name, apart_from) or name in found else _path(name, root)
        if path is not None:
            found[name] = path
            ahead += [*_parents(name), *_imported(path)]
    beside = {each for path in found.values() for each in _beside(path.parent)}
    return sorted({*found.values(), *beside})


def _left_out(name: str, apart_from: tuple[str, ...]) -> bool:
    inside = any(name == each or name.startswith(f"{each}.") for each in apart_from)
    return inside or name in _ROOTS or name.split(".", maxsplit=1)[0] not in _ROOTS


def _path(name: str, root: Path) -> Path | None:
    for base in (root, root / "src"):
        place = base.joinpath(*name.split("."))
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                return path
    return None


def _parents(name: str) -> Iterator[str]:
    words = name.split(".")
    yield from (".".join(words[:count]) for count in range(1, len(words)))


def _imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{each.name}" for each in node.names)


def _beside(folder: Path) -> Iterator[Path]:
    """Yield the data files of a package: in its folder, and in those below that hold no code.

    What a tool leaves there, under a name with a dot, is none; nor is what lies in `benchmarks`.
    """
    kept = () if folder.name in _ROOTS[:1] else folder.iterdir()
    for each in (path for path in kept if not path.name.startswith((".", "__pycache__"))):
        if each.is_dir() and not (each / "__init__.py").is_file():
            yield from (path for path in each.rglob("*") if path.is_file())
        elif each.is_file() and each.suffix not in (".py", ".pyc"):
            yield each
