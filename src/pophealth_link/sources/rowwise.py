"""What is done with each row of a file before it is read as a row of a table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from pophealth_link.sources import lookups
from pophealth_link.sources.comparing import without_blanks
from pophealth_link.sources.layout import Layout
from pophealth_link.sources.shape import AUXILIARY, Part

NOT_OF_TABLE, NOT_IN_CODELIST, DAMAGED_CODE, NO_VALUE = (
    "not_of_table", "not_in_codelist", "damaged_code", "no_value",
)  # fmt: skip
STACKED, SEVERAL_CONDITIONS, SEVERAL_LOOKED_UP = (
    "stacked", "several_conditions", "several_looked_up",
)  # fmt: skip
# Of a table whose wide rows are stacked and may be submitted again: the number of the wide row, and
# whether it held no value at all. Such a row still takes the place of a former submission.
WIDE, EMPTY = f"{AUXILIARY}@wide", f"{AUXILIARY}@empty"
# A clinical code that a spreadsheet has taken for a number, and cut.
SCIENTIFIC = r"^\d(?:\.\d+)?[eE]\+?\d+$"


@dataclass(slots=True, repr=False, eq=False)
class Tallied:
    """Rows that were left out or made, by reason."""

    left_out: Counter[str] = field(default_factory=Counter)
    added: Counter[str] = field(default_factory=Counter)

    def leave(self, reason: str, rows: int) -> None:
        """Count rows left out."""
        if rows:
            self.left_out[reason] += rows

    def add(self, reason: str, rows: int) -> None:
        """Count rows made of others."""
        if rows:
            self.added[reason] += rows


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Steps:
    """What is done with the rows of one file: its layout, and the other tables that it needs."""

    layout: Layout
    looked: tuple[pl.DataFrame, ...] = ()
    codes: pl.DataFrame | None = None

    @classmethod
    def of(cls, layout: Layout, codes: pl.DataFrame | None) -> Steps:
        """Return the steps for a file, its lookups read."""
        return cls(layout, tuple(lookups.read(each, layout.part) for each in layout.looked), codes)


def shape(frame: pl.DataFrame, steps: Steps, told: Tallied) -> pl.DataFrame:
    """Return the rows of `frame` that are of the table, under contract names, as text.

    `frame` holds `ROW` and what the layout reads. Columns that the whole table is put together by
    stay, under `file:` names. Rows left out and made are counted in `told`.
    """
    layout, part = steps.layout, steps.layout.part
    rows = without_blanks(frame, part.missing)
    for looked, known in zip(layout.looked, steps.looked, strict=True):
        before = rows.height
        # Keys that the lookup must have are filled in it: only those that may lack meet empty ones.
        rows = rows.join(
            known, on=list(looked.keys), how="left", nulls_equal=True, maintain_order="left_right"
        )
        told.add(SEVERAL_LOOKED_UP, rows.height - before)
    rows = rows.with_columns(pl.col(column).alias(n) for n, column in layout.named.items())
    rows = _chosen(rows, part.where, told)
    rows = rows.with_columns(
        *(_combined(items).alias(name) for name, items in layout.combined.items()),
        *(pl.lit(text).alias(n) for n, text in part.constants.items() if n not in rows.columns),
    )
    rows = rows.with_columns(
        _padded(pl.col(name), width).alias(name)
        for name, width in part.pad.items()
        if name in rows.columns
    )
    rows = _stacked(rows, layout, told)
    rows = _coded(rows, layout.code, steps.codes, told)
    return rows.with_columns(
        _meaning(pl.col(name), values).alias(name)
        for name, values in part.values.items()
        if name in rows.columns and rows.schema[name] == pl.String
    )


def required(frame: pl.DataFrame, part: Part, told: Tallied) -> pl.DataFrame:
    """Return the rows that fill what `part` requires; the others are none of the table."""
    needed = [pl.lit(value=name in frame.columns) for name in part.require]
    needed += [pl.col(name).is_not_null() for name in part.require if name in frame.columns]
    if part.require_any:
        held = {*part.require_any, *(f"{AUXILIARY}{name}" for name in part.require_any)}
        found = [pl.col(name).is_not_null() for name in frame.columns if name in held]
        needed.append(pl.any_horizontal(pl.lit(value=False), *found))
    if not needed:
        return frame
    kept = frame.filter(pl.all_horizontal(needed))
    told.leave(NOT_OF_TABLE, frame.height - kept.height)
    return kept


def _padded(text: pl.Expr, width: int) -> pl.Expr:
    """Return a number with the first 0 that it lost, so that it has all its digits again."""
    short = text.str.contains(rf"^\d{{{width - 1}}}$")
    return pl.when(short).then(pl.lit("0") + text).otherwise(text)


def _chosen(rows: pl.DataFrame, where: Mapping[str, Sequence[str]], told: Tallied) -> pl.DataFrame:
    kept = rows
    for name, values in where.items():
        column = f"{AUXILIARY}{name}"
        text = pl.col(column) if column in rows.columns else pl.lit(None, dtype=pl.String)
        kept = kept.filter(_fits(text, values))
    told.leave(NOT_OF_TABLE, rows.height - kept.height)
    return kept


def _fits(text: pl.Expr, values: Sequence[str]) -> pl.Expr:
    """Return whether a text is one of `values`, begins as one that ends in `*`, or is missing."""
    lower = text.str.to_lowercase()
    plain = [each.strip().lower() for each in values if not each.endswith("*")]
    begins = [each.removesuffix("*").strip().lower() for each in values if each.endswith("*")]
    tests = [lower.is_in(plain), *(lower.str.starts_with(each) for each in begins)]
    return pl.any_horizontal(tests).fill_null(value="" in plain)


def _combined(items: Sequence[str]) -> pl.Expr:
    """Return columns joined by `-`, each in its place; nothing where all are missing."""
    joined = pl.concat_str([pl.col(each).fill_null("") for each in items], separator="-")
    text = joined.str.strip_chars_end("-")
    return pl.when(text != "").then(text)


def _stacked(rows: pl.DataFrame, layout: Layout, told: Tallied) -> pl.DataFrame:
    """Return one row for each filled column of the one contract column that is stacked.

    A wide row without any stays where the table needs to know of it: where it has `WIDE`.
    """
    for name, columns in layout.stacked.items():
        if not columns or name in layout.places:
            continue
        others = [each for each in rows.columns if each not in columns]
        place = {column: str(number) for number, column in enumerate(columns, start=1)}
        long = rows.with_row_index("@at").unpivot(
            list(columns), index=["@at", *others], variable_name="@from", value_name=name
        )
        filled = long.drop_nulls(name).with_columns(
            pl.col("@from").replace_strict(place, return_dtype=pl.String).alias("@place")
        )
        filled = _each_value(filled, name, layout.part.apart) if layout.part.apart else filled
        held = filled["@at"].n_unique()
        told.add(STACKED, filled.height - held)
        if WIDE in rows.columns:
            filled = pl.concat([filled, _valueless(long, filled)])
        else:
            told.leave(NO_VALUE, rows.height - held)
        position = layout.part.position
        filled = filled.sort("@at", pl.col("@place").cast(pl.Int64))
        named = filled.with_columns(pl.col("@place").alias(position)) if position else filled
        rows = named.drop("@at", "@from", "@place")
    return rows


def _each_value(filled: pl.DataFrame, name: str, apart: str) -> pl.DataFrame:
    """Return one row for each value that the characters `apart` set apart, numbered in turn."""
    values = pl.col(name).str.extract_all(f"[^{re.escape(apart)}]+").alias(name)
    each = filled.sort("@at", pl.col("@place").cast(pl.Int64)).with_columns(values).explode(name)
    named = each.with_columns(pl.col(name).str.strip_chars()).filter(pl.col(name) != "")
    return named.with_columns(
        pl.int_range(1, pl.len() + 1).over("@at").cast(pl.String).alias("@place")
    )


def _valueless(long: pl.DataFrame, filled: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each wide row that holds no value, marked as such."""
    none = long.join(filled, on="@at", how="anti").unique("@at", keep="first")
    place = pl.lit(None, dtype=pl.String).alias("@place")
    return none.with_columns(place, pl.lit(value=True).alias(EMPTY)).select(filled.columns)


def _coded(
    rows: pl.DataFrame, code: str, codes: pl.DataFrame | None, told: Tallied
) -> pl.DataFrame:
    """Return the rows whose code is in the codelist, with its condition; one row for each."""
    if not code or codes is None:
        return rows
    damaged = rows.filter(pl.col(code).str.contains(SCIENTIFIC)).height
    numbered = rows.with_row_index("@at")
    found = numbered.join(codes, left_on=code, right_on="code", how="inner", maintain_order="left")
    held = found["@at"].n_unique()
    told.leave(DAMAGED_CODE, damaged)
    told.leave(NOT_IN_CODELIST, rows.height - held - damaged)
    told.add(SEVERAL_CONDITIONS, found.height - held)
    return found.drop("@at")


def _meaning(text: pl.Expr, values: Mapping[str, str]) -> pl.Expr:
    """Return the code that a value means: exactly, else by the longest beginning, else any other.

    A value that means nothing stays as it is.
    """
    upper = text.str.strip_chars().str.to_uppercase()
    exact = {k.strip().upper(): v for k, v in values.items() if not k.endswith("*")}
    begins = {k.removesuffix("*").strip().upper(): v for k, v in values.items() if k.endswith("*")}
    found = [upper.replace_strict(exact, default=None, return_dtype=pl.String)] if exact else []
    for start in sorted(begins, key=lambda each: (-len(each), each)):
        found.append(pl.when(upper.str.starts_with(start)).then(pl.lit(begins[start])))
    return pl.coalesce(*found, text) if found else text
