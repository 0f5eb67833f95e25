"""Pieces of Markdown: paragraphs, bullets, tables, and blocks of aligned figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def text(value: object) -> str:
    r"""Return free text on one line, so that it is neither HTML nor the border of a table.

    >>> text("a <b>\nc")
    'a &lt;b> c'
    """
    return " ".join(str(value).split()).replace("|", "\\|").replace("<", "&lt;")


def paragraphs(*sentences: str) -> str:
    """Return sentences as one paragraph each, empty ones left out."""
    return "\n\n".join(each.strip() for each in sentences if each.strip())


def bullets(lines: Iterable[str]) -> str:
    """Return lines as a list."""
    return "\n".join(f"* {text(line)}" for line in lines)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table, or nothing where it has no rows.

    >>> print(table(("a", "b"), [("1", "2")]))
    | a | b |
    | --- | --- |
    | 1 | 2 |
    """
    told = list(rows)
    if not told:
        return ""
    lines = [head, ["---"] * len(head), *told]
    return "\n".join("| " + " | ".join(text(cell) for cell in line) + " |" for line in lines)


def block(lines: Sequence[tuple[str, str, str]]) -> str:
    """Return lines of words, a figure and a share, aligned, as a block of plain text."""
    wide = [max(len(line[place]) for line in lines) for place in range(3)]
    rows = [
        f"{what:<{wide[0]}}  {count:>{wide[1]}}  {share:>{wide[2]}}".rstrip()
        for what, count, share in lines
    ]
    return "\n".join(["```text", *(row.replace("```", "'''") for row in rows), "```"])
