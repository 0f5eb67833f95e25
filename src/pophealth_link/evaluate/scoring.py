"""Scoring from files, and the score as text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from pophealth_link.errors import DataError
from pophealth_link.evaluate.accuracy import score
from pophealth_link.folders import is_file, is_folder, shown


def score_files(links: Path, truth: Path, *, by: Sequence[str] = (), as_json: bool = False) -> str:
    """Return the score of a person index (Parquet) against a truth file (Parquet or CSV).

    A table for reading, or with `as_json` a list of objects. Raises `DataError` where a file is
    absent or is not one of these.
    """
    scored = score(_read(links, "links"), _read(truth, "truth"), by=by)
    if as_json:
        return json.dumps(scored.to_dicts(), indent=2)
    return "\n".join(_lines(scored))


def _read(path: Path, what: str) -> pl.DataFrame:
    try:
        if path.suffix.lower() == ".csv":
            return pl.read_csv(path, infer_schema=False)
        return pl.read_parquet(path / "*.parquet" if path.is_dir() else path)
    except (OSError, pl.exceptions.PolarsError):
        known = is_file(path) or is_folder(path)
    state = "is neither Parquet nor CSV" if known else "does not exist"
    raise DataError(f"the {what} file {shown(path)} {state}.")


def _lines(scored: pl.DataFrame) -> list[str]:
    """Return the score as lines: names to the left, numbers to the right, columns aligned."""
    rows = [_HEAD, *(_cells(row) for row in scored.iter_rows(named=True))]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join(_aligned(row, widths)).rstrip() for row in rows]


_HEAD = ("by", "group", "linkable", "recall", "linked", "false links", "precision", "F1")


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    named = [cell.ljust(width) for cell, width in zip(row[:2], widths[:2], strict=True)]
    return named + [cell.rjust(width) for cell, width in zip(row[2:], widths[2:], strict=True)]


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["dimension"],
        row["group"],
        f"{row['linkable']:,}",
        _interval(row, "recall"),
        f"{row['linked']:,}",
        _interval(row, "false_links"),
        _interval(row, "precision"),
        "-" if row["f1"] is None else f"{row['f1']:.4f}",
    )


def _interval(row: Mapping[str, Any], name: str) -> str:
    value, lower, upper = row[name], row[f"{name}_lower"], row[f"{name}_upper"]
    if value is None or lower is None or upper is None:
        return "-"
    return f"{value:.4f} ({lower:.4f} to {upper:.4f})"
