"""Days that two parts of a table tell of, such as two versions of a data set: counted once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from pophealth_link.sources.shape import Priority

# Days as numbers since 1970: an open end lies beyond them all.
_OPEN = (date.max - date(1970, 1, 1)).days
_FROM, _TO = "@from", "@to"


@dataclass(frozen=True, slots=True, repr=False, eq=False)
class Untold:
    """The rows with only the days that are theirs, and how many rows have none left."""

    frame: pl.DataFrame
    covered: int


def without_told(frame: pl.DataFrame, rule: Priority, keys: Sequence[str], part: str) -> Untold:
    """Take off rows of a later `part` the days that rows of earlier ones with the same keys tell.

    A row may be cut short, cut in two, or have nothing left. Rows without a first day, without a
    key, or that end before they begin are left as they are. Days run from `start` up to the day
    before `end`, or through it where `end_counts`.
    """
    days = _numbered(frame, rule)
    order = frame[part].unique().sort().to_list()
    if not order:
        return Untold(frame, 0)
    kept, covered = days.filter(pl.col(part) == order[0]), 0
    for number in order[1:]:
        own = days.filter(pl.col(part) == number)
        cut = _cut(own, _merged(kept, keys), keys)
        covered += own.height - cut["@row"].n_unique()
        kept = pl.concat([kept, cut])
    return Untold(_dated(kept, rule).select(frame.columns), covered)


def _numbered(frame: pl.DataFrame, rule: Priority) -> pl.DataFrame:
    """Add the first day and the day after the last, as numbers; and a number for each row."""
    first = pl.col(rule.start).to_physical().cast(pl.Int64)
    last = pl.col(rule.end).to_physical().cast(pl.Int64) + int(rule.end_counts)
    return frame.with_row_index("@row").with_columns(
        first.alias(_FROM), last.fill_null(_OPEN).alias(_TO)
    )


def _dated(days: pl.DataFrame, rule: Priority) -> pl.DataFrame:
    """Return the days of rows that were cut as dates again."""
    end = (pl.col(_TO) - int(rule.end_counts)).cast(pl.Int32).cast(pl.Date)
    return days.with_columns(
        pl.col(_FROM).cast(pl.Int32).cast(pl.Date).alias(rule.start),
        pl.when(pl.col(_TO) < _OPEN).then(end).alias(rule.end),
    )


def _sound(keys: Sequence[str]) -> pl.Expr:
    known = pl.all_horizontal(pl.col(key).is_not_null() for key in keys)
    return known & (pl.col(_FROM) <= pl.col(_TO)).fill_null(value=False)


def _merged(days: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Return the days told of by key, as spans that neither overlap nor touch."""
    rows = days.filter(_sound(keys) & (pl.col(_FROM) < pl.col(_TO))).sort(*keys, _FROM, _TO)
    reach = pl.col(_TO).cum_max().over(keys).shift(1).over(keys)
    begins = (reach.is_null() | (pl.col(_FROM) > reach)).cast(pl.Int64)
    numbered = rows.with_columns(begins.cum_sum().over(keys).alias("@span"))
    return numbered.group_by(*keys, "@span", maintain_order=True).agg(
        pl.col(_FROM).min().alias("@told_from"), pl.col(_TO).max().alias("@told_to")
    )


def _cut(days: pl.DataFrame, told: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Return the pieces of rows that no span of `told` covers."""
    sound = days.filter(_sound(keys))
    empty = pl.col(_FROM) == pl.col(_TO)
    meets = (pl.col("@told_from") < pl.col(_TO)) | (empty & (pl.col("@told_from") <= pl.col(_FROM)))
    pairs = sound.join(told, on=list(keys), how="inner").filter(
        meets & (pl.col("@told_to") > pl.col(_FROM))
    )
    whole = days.join(pairs, on="@row", how="anti", maintain_order="left")
    if pairs.is_empty():
        return whole
    spans = pairs.sort("@row", "@told_from")
    reached = pl.col("@told_to").shift(1).over("@row")
    before = spans.with_columns(
        pl.coalesce(reached, _FROM).alias(_FROM), pl.col("@told_from").alias(_TO)
    )
    after = spans.unique("@row", keep="last", maintain_order=True).with_columns(
        pl.col("@told_to").alias(_FROM)
    )
    pieces = pl.concat([before, after]).filter(pl.col(_FROM) < pl.col(_TO)).select(days.columns)
    return pl.concat([whole, pieces]).sort("@row", _FROM)
