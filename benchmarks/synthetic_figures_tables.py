"""Tables of figures as they stand in the page and in the committed results."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Table = dict[str, Any]
_WORDS = {"gp": "GP", "childrens": "children's", "copd": "COPD", "asian": "Asian", "black": "Black",
          "white": "White"}  # fmt: skip
FIFTHS = ("1 (most deprived)", "2", "3", "4", "5 (least deprived)")


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    return {"columns": list(columns), "rows": [list(row) for row in rows]}


def percent(share: float, digits: int = 1) -> str:
    """
    >>> percent(0.1234), percent(0.0004, 2)
    ('12.3 %', '0.04 %')
    """
    return f"{100 * share:.{digits}f} %"


def number(value: float, digits: int = 0) -> str:
    return f"{value:,.{digits}f}"


def markdown(of: Table) -> str:
    """Return a table in Markdown; columns after the first are right-aligned where they are figures.

    >>> print(markdown(table(["a", "b"], [["x", "1 %"]])))
    | a | b |
    |---|---:|
    | x | 1 % |
    """
    figures = [all(_is_figure(row[i]) for row in of["rows"]) for i in range(len(of["columns"]))]
    rule = "|".join("---:" if right else "---" for right in figures)
    lines = [of["columns"], *of["rows"]]
    body = ["| " + " | ".join(line) + " |" for line in lines]
    return "\n".join([body[0], f"|{rule}|", *body[1:]])


def _is_figure(text: str) -> bool:
    return text in ("", "–") or text.lstrip("≈<> ")[:1].isdigit()


def words(name: str) -> str:
    """
    >>> words("childrens_social_care")
    "children's social care"
    """
    return " ".join(_WORDS.get(word, word) for word in name.split("_"))
