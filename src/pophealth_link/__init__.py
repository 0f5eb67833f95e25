"""Join GP, hospital and council records, place people in footprints, make a baseline of need."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Imported at once, so that `link` names the function and not the package of that name.
from pophealth_link.link import DeterministicPass, Links, LinkSpec, People, link, people
from pophealth_link.version import __version__

if TYPE_CHECKING:
    from pophealth_link import (
        disclosure,
        evaluate,
        indicators,
        need,
        places,
        prepare,
        reference,
        stats,
        synthetic,
    )
    from pophealth_link.job import run


# Imported when first asked for, so that the import stays light.
_MODULES = (
    "disclosure", "evaluate", "indicators", "need", "places", "prepare", "reference", "stats",
    "synthetic",
)  # fmt: skip

__all__ = [
    "DeterministicPass",
    "LinkSpec",
    "Links",
    "People",
    "__version__",
    "disclosure",
    "evaluate",
    "indicators",
    "link",
    "need",
    "people",
    "places",
    "prepare",
    "reference",
    "run",
    "stats",
    "synthetic",
]


def __getattr__(name: str) -> Any:
    if name == "run":
        return import_module("pophealth_link.job").run
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
