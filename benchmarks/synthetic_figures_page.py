"""The marked blocks of docs/synthetic.md."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.synthetic_figures_tables import markdown
from pophealth_link.errors import DataError

PAGE = Path(__file__).parents[1] / "docs" / "synthetic.md"
_MARK = re.compile(r"(<!-- figures: ([^>]+?) -->\n).*?(<!-- end of figures -->)", re.S)


def filled(text: str, tables: Mapping[str, Any]) -> str:
    """Return a page with each marked block replaced by its table.

    Raises `DataError` where a block names no table.
    """
    unknown = sorted(set(marks(text)) - set(tables))
    if unknown:
        raise DataError(
            f"the page has {len(unknown)} marked blocks without figures: {', '.join(unknown)}.",
            fix="name one of the tables, or measure again.",
        )
    return _MARK.sub(lambda m: f"{m[1]}{markdown(tables[m[2]])}\n{m[3]}", text)


def marks(text: str) -> list[str]:
    """Return the names of the marked blocks, in order."""
    return [found[2] for found in _MARK.finditer(text)]


def write(figures: Mapping[str, Any]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(filled(text, figures["tables"]), encoding="utf-8")
