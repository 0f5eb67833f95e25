"""The need index of footprints: ranks with their intervals, and loadings where it has any."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from pophealth_link.report import words
from pophealth_link.report.exhibits import NONE, Exhibit, Grid, Picture
from pophealth_link.report.forest import Frame, Mark, forest
from pophealth_link.report.inputs import ReportInputs, indicator_text

_MOST = 60


def index_exhibits(inputs: ReportInputs) -> tuple[Exhibit, ...]:
    """Return what the tables `index_members` and `index_ranks` show; nothing without either."""
    names = ("index_members", "index_ranks")
    if all(inputs.tables.get(name) is None for name in names):
        return ()
    return tuple(each for each in (_loadings(inputs), _ranks(inputs)) if each is not None)


def _loadings(inputs: ReportInputs) -> Exhibit | None:
    """Return the loadings of a factor model; none where weights are equal and stated."""
    held = inputs.tables.get("index_members")
    if held is None or held["loading_1"].drop_nulls().is_empty():
        return None
    lines = tuple(_loading(row, inputs.catalogue) for row in held.iter_rows(named=True))
    heads = ("Indicator", "First factor", "Second factor", "Variance accounted for", "Note")
    caption = "Correlation of each indicator with the factors"
    return Exhibit("Loadings", grid=Grid(caption, heads, lines, texts=(4,)))


def _loading(row: Mapping[str, Any], catalogue: Mapping[str, Any]) -> tuple[str, ...]:
    note = row["left_out"] or ("runs against the others" if row["against"] else "")
    share = row["communality"]
    return (
        indicator_text(catalogue, row["indicator"], "").title,
        words.number(row["loading_1"], 2) or NONE,
        words.number(row["loading_2"], 2) or NONE,
        words.number(None if share is None else 100 * share, 0, "%") or NONE,
        str(note),
    )


def _ranks(inputs: ReportInputs) -> Exhibit:
    title = "Ranks with their intervals"
    held = inputs.tables.get("index_ranks")
    kept = None if held is None else held.filter(pl.col("area_type") != "lsoa")
    if kept is None or kept.is_empty():
        return Exhibit(title, absent="No footprint is ranked by the index.")
    several = [kind for kind in _types(kept) if 2 <= _count(kept, kind) <= _MOST]
    pictures = tuple(
        Picture(_chart(kept.filter(pl.col("area_type") == kind), kind), words.type_heading(kind))
        for kind in several
    )
    return Exhibit(
        title,
        words=(
            "1 is most need. Bars: the ranks that fit, had the index been made of another draw of "
            "the areas’ parts. Where bars overlap, the order is not certain.",
        ),
        pictures=pictures,
        caption="Ranks of LSOAs are in index_ranks.csv.",
        folded=(_grid(kept),),
    )


def _types(rows: pl.DataFrame) -> list[str]:
    return sorted(rows["area_type"].unique().to_list(), key=words.type_order)


def _count(rows: pl.DataFrame, kind: str) -> int:
    return rows.filter(pl.col("area_type") == kind).height


def _chart(rows: pl.DataFrame, kind: str) -> Any:
    marks = [
        Mark(row["name"], row["rank"], row["rank_lower"], row["rank_upper"])
        for row in _named(rows).iter_rows(named=True)
    ]
    frame = Frame(title="Rank, 1 = most need", span=(1.0, float(max(2, rows.height))))
    label = f"Ranks of {words.type_plural(kind)} by the need index. The numbers are in the table."
    return forest(marks, label, frame)


def _named(rows: pl.DataFrame) -> pl.DataFrame:
    name = pl.coalesce("area_name", "area_code").alias("name")
    return rows.with_columns(name).sort("rank", "name")


def _grid(rows: pl.DataFrame) -> Grid:
    lines = (
        (
            row["name"],
            words.type_short(kind),
            words.number(row["index"], 2),
            f"{row['rank']} of {row['areas']}",
            f"{row['rank_lower']} to {row['rank_upper']}",
        )
        for kind in _types(rows)
        for row in _named(rows.filter(pl.col("area_type") == kind)).iter_rows(named=True)
    )
    heads = ("Footprint", "Type", "Index", "Rank", "Interval of the rank")
    return Grid("Need index of footprints", heads, tuple(lines), texts=(1,))
