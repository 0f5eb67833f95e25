"""Scoring from files, and the score as text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

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
        if path.suffix == ".csv":
            return pl.read_csv(path, infer_schema=False)
        return pl.read_parquet(path / "*.parquet" if path.is_dir() else path)
    except (OSError, pl.exceptions.PolarsError):
        known = is_file(path) or is_folder(path)
    state = "is neither Parquet nor CSV" if known else "does not exist"
    raise DataError(f"the {what} file {shown(path)} {state}.")


def _lines(scored: pl.DataFrame) -> list[str]:
    head = f"{'by':<14}{'group':<26}{'linkable':>9}{'recall':>26}{'linked':>9}{'false links':>26}"
    rows = [
        f"{row['dimension']:<14}{row['group']:<26}{row['linkable']:>9,}"
        f"{_interval(row, 'recall'):>26}{row['linked']:>9,}{_interval(row, 'false_links'):>26}"
        for row in scored.iter_rows(named=True)
    ]
    return [head, *rows]


def _interval(row: dict[str, float | None], name: str) -> str:
    value, lower, upper = row[name], row[f"{name}_lower"], row[f"{name}_upper"]
    if value is None or lower is None or upper is None:
        return "-"
    return f"{value:.4f} ({lower:.4f} to {upper:.4f})"
