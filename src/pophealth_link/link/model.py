"""A linkage model of our own: m and u per named level, free of any SQL dialect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pophealth_link.errors import LinkageError
from pophealth_link.link.comparisons import COMPARISONS

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Level:
    """How likely a named level of agreement is: `m` among true pairs, `u` among others."""

    name: str
    m: float
    u: float


@dataclass(frozen=True, slots=True)
class Model:
    """m and u of every level, the share of records expected to be on the register, provenance."""

    levels: Mapping[str, tuple[Level, ...]]
    on_register: float
    provenance: Mapping[str, Any]

    def __post_init__(self) -> None:
        problems = [line for name in COMPARISONS for line in _check(name, self.levels.get(name))]
        if not 0 < self.on_register < 1:
            problems.append("on_register must lie between 0 and 1.")
        if problems:
            raise LinkageError("the linkage model cannot be used.", *problems)

    def prior(self, register_size: int) -> float:
        """Return the probability that a record and a register person taken at random match."""
        return self.on_register / max(register_size, 2)


def _check(name: str, levels: tuple[Level, ...] | None) -> list[str]:
    declared = tuple(level.name for level in COMPARISONS[name].levels)
    if levels is None or tuple(level.name for level in levels) != declared:
        return [f"{name}: its levels must be {', '.join(declared)}, in that order."]
    bad = [f"{name}.{v.name}" for v in levels if not (0 < v.m < 1 and 0 < v.u < 1)]
    return [f"{', '.join(bad)}: m and u must lie between 0 and 1."] if bad else []


def save(model: Model, path: Path) -> None:
    """Write the model as JSON."""
    levels = {name: [asdict(level) for level in each] for name, each in model.levels.items()}
    body = {
        "format": FORMAT,
        "on_register": model.on_register,
        "comparisons": levels,
        "provenance": dict(model.provenance),
    }
    path.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")


def load(source: str | Path) -> Model:
    """Return the shipped model (`default`) or one saved before.

    Raises `LinkageError` where the file is absent, is not such a model, or lacks a level.

    >>> load("default").on_register > 0.5
    True
    """
    path = Path(__file__).with_name("default_model.json") if source == "default" else Path(source)
    body = _parse(path)
    if body is None:
        raise LinkageError(
            f"the linkage model {path.name} could not be read.",
            f"It must be a JSON file of format {FORMAT}, as written by an earlier run.",
            fix='set link.model = "default", or name a model file.',
        )
    return body


def _parse(path: Path) -> Model | None:
    """Return the model in the file, or null where the file does not hold one."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        if body["format"] != FORMAT:
            return None
        levels = {
            name: tuple(Level(**level) for level in each)
            for name, each in body["comparisons"].items()
        }
        return Model(levels, body["on_register"], body["provenance"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
