"""The results of the coverage benchmark as JSON and as a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl

_ETHNIC = "ethnic_"
_ABOUT = (
    "Cells: every footprint, basis and stratum of the indicators named in "
    "`benchmarks/coverage.py`, with a true count of 20 or more. Coverage: the share of cells whose "
    "95 % limits hold the true count, with the standard error between replicates. Counted wrong: "
    "the share of cells whose count as linked is not the true one. Share changed: the share of "
    "cells that any draw changes; coverage of changed: that of those cells alone. A cell that no "
    "draw changes has no record at risk: its limits are the count itself, and that is nearly "
    "always right. So where most cells are such, coverage of all cells is near 1, and that of the "
    "changed ones tells more. Made with `python -m benchmarks.coverage`."
)
_TOLERANCE = 1e-6
_FIFTHS = ("fewest numbers", "second", "third", "fourth", "most numbers")


def report(parts: Path, out: Path) -> None:
    """Read the judged cells of all replicates and write `coverage.json` and `coverage.md`."""
    cells = _covered(_read(parts))
    body = {
        "replicates": _counted(cells),
        "people": sorted(cells["people"].unique().to_list()),
        "tables": {name: _tables(part) for name, part in _by_numbers(cells).items()},
    }
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(body, indent=2, sort_keys=True) + "\n"
    (out / "coverage.json").write_text(text, encoding="utf-8")
    (out / "coverage.md").write_text(_page(body), encoding="utf-8")


def _read(parts: Path) -> pl.DataFrame:
    files = sorted(parts.glob("*.parquet"))
    return pl.concat((pl.read_parquet(file) for file in files), how="diagonal_relaxed")


def _counted(cells: pl.DataFrame) -> dict[str, int]:
    rows = cells.group_by("numbers").agg(pl.col("seed").n_unique()).sort("numbers")
    return dict(rows.iter_rows())


def _by_numbers(cells: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {
        str(name): part for (name,), part in cells.partition_by("numbers", as_dict=True).items()
    }


def _covered(cells: pl.DataFrame) -> pl.DataFrame:
    """Add for each interval whether it holds the true count, and its width."""
    true = pl.col("true_numerator")
    ways = [name for name in ("own", "oracle", "naive") if f"{name}_lower" in cells.columns]
    told = [_within(true, name, "lower", "upper").alias(f"{name}_holds") for name in ways]
    told += [(pl.col(f"{n}_upper") - pl.col(f"{n}_lower")).alias(f"{n}_width") for n in ways]
    same = true * pl.col("denominator") / pl.col("true_denominator")
    told.append(_within(same, "own", "ratio_lower", "ratio_upper").alias("value_holds"))
    rank = pl.col("completeness").rank("average").over("numbers") / pl.len().over("numbers")
    fifth = (rank * len(_FIFTHS)).ceil().clip(1, len(_FIFTHS)).cast(pl.Int64)
    return cells.with_columns(*told, fifth.alias("fifth"))


def _within(true: pl.Expr, name: str, low: str, high: str) -> pl.Expr:
    return true.is_between(
        pl.col(f"{name}_{low}") - _TOLERANCE, pl.col(f"{name}_{high}") + _TOLERANCE
    )


def _tables(cells: pl.DataFrame) -> dict[str, list[dict[str, Any]]]:
    ethnic = cells.filter(pl.col("stratum").str.starts_with(_ETHNIC))
    return {
        "all": _rows(cells.with_columns(group=pl.lit("all cells"))),
        "moved": _rows(
            cells.filter(pl.col("own_width") > 0).with_columns(
                group=pl.lit("cells that a draw changes")
            )
        ),
        "basis": _rows(cells.with_columns(group=pl.col("basis"))),
        "footprint": _rows(cells.with_columns(group=pl.col("footprint_type"))),
        "ethnic group": _rows(
            ethnic.with_columns(group=pl.col("stratum").str.strip_prefix(_ETHNIC))
        ),
        "fifth of number completeness": _rows(
            cells.with_columns(group=pl.format("{} of 5", "fifth"))
        ),
        "indicator": _rows(cells.with_columns(group=pl.col("indicator"))),
        "two intervals beside it": _rivals(cells),
    }


def _rows(cells: pl.DataFrame) -> list[dict[str, Any]]:
    by_seed = cells.group_by("group", "seed").agg(pl.col("own_holds").mean().alias("share"))
    spread = by_seed.group_by("group").agg(
        (pl.col("share").std() / pl.len().sqrt()).alias("standard_error")
    )
    told = cells.group_by("group").agg(
        pl.len().alias("cells"),
        pl.col("own_holds").mean().alias("coverage"),
        pl.col("value_holds").mean().alias("coverage_of_value"),
        pl.col("own_width").mean().alias("width"),
        pl.col("true_numerator").mean().alias("true_count"),
        (pl.col("numerator") - pl.col("true_numerator")).mean().alias("count_less_true"),
        ((pl.col("numerator") - pl.col("true_numerator")).abs() > _TOLERANCE)
        .mean()
        .alias("counted_wrong"),
        (pl.col("own_width") > 0).mean().alias("share_changed"),
        pl.col("own_holds").filter(pl.col("own_width") > 0).mean().alias("coverage_of_changed"),
    )
    return _plain(told.join(spread, on="group").sort("group"))


def _rivals(cells: pl.DataFrame) -> list[dict[str, Any]]:
    if "oracle_lower" not in cells.columns:
        return []
    both = cells.filter(pl.col("oracle_lower").is_not_null())
    if both.is_empty():
        return []
    ways = {
        "own": "as a run makes it",
        "oracle": "error rates known",
        "naive": "match probabilities alone",
    }
    scale = both["oracle_width"].mean() or float("nan")
    return [
        {
            "group": words,
            "cells": both.height,
            "coverage": round(float(both[f"{name}_holds"].mean() or 0.0), 4),  # type: ignore[arg-type]
            "width": round(float(both[f"{name}_width"].mean() or 0.0), 3),  # type: ignore[arg-type]
            "width_to_known": round(float(both[f"{name}_width"].mean() or 0.0) / float(scale), 3),  # type: ignore[arg-type]
        }
        for name, words in ways.items()
    ]


def _plain(rows: pl.DataFrame) -> list[dict[str, Any]]:
    return rows.with_columns(pl.selectors.float().round(4)).to_dicts()


def _page(body: dict[str, Any]) -> str:
    told = ", ".join(f"{n} with numbers held {name}" for name, n in body["replicates"].items())
    lines = [
        "# Coverage of the limits from linkage",
        "",
        f"Replicates: {told}; of {body['people'][0]:,} synthetic people each, preset hard. "
        + _ABOUT,
    ]
    for numbers, tables in sorted(body["tables"].items()):
        lines += ["", f"## Numbers held {numbers}"]
        for name, rows in tables.items():
            lines += ["", f"### {name.capitalize()}", "", *_table(rows)]
    return "\n".join(lines) + "\n"


def _table(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return ["Not made."]
    names = list(rows[0])
    head = ["| " + " | ".join(name.replace("_", " ") for name in names) + " |"]
    head.append("| " + " | ".join("---" for _ in names) + " |")
    return head + ["| " + " | ".join(_cell(row[name]) for name in names) + " |" for row in rows]


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4f}" if abs(value) < 1 else f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
