"""The systems under test: each a module that is run in a process of its own.

    python -m benchmarks.NAME DATA ANSWER.parquet [--train DATA ...]

To add one, write a module that answers as `benchmarks/answer.py` says, and a row here.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from pophealth_link.errors import JobError, nearest


@dataclass(frozen=True, slots=True)
class System:
    """A system: `trained` ones learn from data with truth; `needs` names optional packages."""

    name: str
    label: str
    module: str
    trained: bool = False
    needs: tuple[str, ...] = ()

    def command(self, data: Path, answer: Path, train: tuple[Path, ...]) -> tuple[str, ...]:
        """Return the words that follow `python` to ask this system."""
        learn = ("--train", *map(str, train)) if self.trained else ()
        return ("-m", self.module, str(data), str(answer), *learn)

    def lacking(self) -> str | None:
        """Return why the system cannot be run here, or None."""
        absent = [name for name in self.needs if not _installed(name)]
        if absent:
            names = ", ".join(absent)
            return f"needs {names}, not installed here (pip install 'pophealth_link[bench]')"
        if importlib.util.find_spec(self.module) is None:
            return f"its module {self.module} is not there"
        return None


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


SYSTEMS = (
    System("pophealth_link", "pophealth_link", "benchmarks.pophealth"),
    System("plain_splink", "plain Splink (the yardstick)", "benchmarks.plain_splink"),
    System("recordlinkage", "recordlinkage", "benchmarks.record_linkage", needs=("recordlinkage",)),
    System("deterministic_only", "exact rules only", "benchmarks.deterministic_only"),
    System("nhs_number_only", "NHS number only", "benchmarks.nhs_number_only"),
    System(
        "ceiling",
        "the ceiling (supervised)",
        "benchmarks.ceiling",
        trained=True,
        needs=("scikit-learn",),
    ),
)


def find(name: str) -> System:
    """Return the system of that name. Raises `JobError` where there is none."""
    for system in SYSTEMS:
        if system.name == name:
            return system
    names = [system.name for system in SYSTEMS]
    raise JobError(
        f"{name} is no system.{nearest(name, names)}", fix=f"name one of {', '.join(names)}."
    )
