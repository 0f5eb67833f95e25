"""What is done with all rows of a table together: resubmissions, open ends, spells, overlaps.

Rows come with the columns of the table, those that the preset names (`file:` …), `PART` (which part
of the table they are of) and `PLACE` (their order over all files).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from pophealth_link.schema import Table
from pophealth_link.sources.comparing import ordered_by
from pophealth_link.sources.dates import DEFAULT_FORMATS, read_dates
from pophealth_link.sources.overlaps import without_told
from pophealth_link.sources.rowwise import EMPTY, NO_VALUE
from pophealth_link.sources.shape import Latest, OpenEnds, Spells, Whole, key_of, may_lack
from pophealth_link.sources.submissions import Order, latest

PART, PLACE = "@part", "@place"
SUPERSEDED, DUPLICATE, PART_OF_SPELL = "superseded", "duplicate", "part_of_spell"
DOUBLE_COUNTED, SPLIT, CLOSED = "double_counted", "split", "closed_with_its_submission"
TOLD_BEFORE = "told_before"
# The month numbered 1 of the Mental Health Services Data Set is April 1900.
_MONTHS_BEFORE = 1900 * 12 + 2


@dataclass(slots=True, repr=False, eq=False)
class Gathered:
    """The rows of a table put together, and what became of the others."""

    frame: pl.DataFrame
    left_out: Counter[str] = field(default_factory=Counter)
    added: Counter[str] = field(default_factory=Counter)
    filled: Counter[tuple[str, str]] = field(default_factory=Counter)


def gather(frame: pl.DataFrame, whole: Whole, table: Table, formats: Sequence[str]) -> Gathered:
    """Return the rows that count, in the order of the files, with the counts of the others.

    `formats` are those of the days by which submissions are ordered.
    """
    made = Gathered(frame)
    if whole.latest:
        by = tuple(key_of(name, table) for name in whole.latest.by)
        _latest(made, whole, whole.latest, table, Order(by, PLACE, formats))
    if whole.open:
        _close(made, whole, whole.open, table, formats)
    if whole.spells:
        _spells(made, whole.spells, table, formats)
    if whole.priority:
        rule = whole.priority
        before = made.frame.height
        told = without_told(made.frame, rule, [key_of(name, table) for name in rule.of], PART)
        made.left_out[DOUBLE_COUNTED] += told.covered
        made.added[SPLIT] += told.frame.height - before + told.covered
        made.frame = told.frame
    made.frame = made.frame.sort(PLACE, maintain_order=True)
    return made


def _latest(made: Gathered, whole: Whole, rule: Latest, table: Table, order: Order) -> None:
    """Keep of the rows with the same key the latest; those without a key stay."""
    if made.frame.is_empty():
        return
    # Parts that tell of the same days do so each for itself: `priority` says which counts.
    part = PART if whole.priority and PART in made.frame.columns else None
    found = latest(made.frame, rule, table, order, part)
    own = [name for name in table.names if name in made.frame.columns]
    same = found.left.join(found.kept, on=own, how="semi", nulls_equal=True).height
    made.left_out[DUPLICATE] += same
    made.left_out[SUPERSEDED] += found.left.height - same
    for column, values in found.told_before.items():
        made.filled[column, TOLD_BEFORE] += values
    made.frame = found.kept
    if EMPTY in made.frame.columns:
        made.frame = found.kept.filter(~pl.col(EMPTY))
        made.left_out[NO_VALUE] += found.kept.height - made.frame.height


def _close(
    made: Gathered, whole: Whole, rule: OpenEnds, table: Table, formats: Sequence[str]
) -> None:
    """End what is open in a submission that is not the newest on the last day of that one."""
    submitted = _submitted(made.frame, rule, table, formats)
    if submitted is None or rule.end not in made.frame.columns:
        return
    told = made.frame.with_columns(submitted.alias("@day"))
    within = [k for name in rule.within if (k := key_of(name, table)) in told.columns]
    newest = pl.col("@day").max().over(within) if within else pl.col("@day").max()
    old = pl.col(rule.end).is_null() & (pl.col("@day") < newest)
    made.filled[rule.end, CLOSED] += told.filter(old).height
    ended = pl.when(old).then("@day").otherwise(rule.end).alias(rule.end)
    made.frame = told.with_columns(ended).drop("@day")


def _submitted(
    frame: pl.DataFrame, rule: OpenEnds, table: Table, formats: Sequence[str]
) -> pl.Expr | None:
    """Return the last day of the submission that a row is of; null where no column tells it."""
    days = [
        read_dates(pl.col(key), formats or DEFAULT_FORMATS)
        for name in rule.until
        if (key := key_of(name, table)) in frame.columns
    ]
    days += [
        _end_of_month(pl.col(key))
        for name in rule.month
        if (key := key_of(name, table)) in frame.columns
    ]
    return pl.coalesce(days) if days else None


def _end_of_month(number: pl.Expr) -> pl.Expr:
    """Return the last day of a month numbered from April 1900, null outside 1900 to 2199.

    >>> frame = pl.DataFrame({"month": ["1465", "x"]})
    >>> frame.select(day=_end_of_month(pl.col("month")))["day"].to_list()
    [datetime.date(2022, 4, 30), None]
    """
    whole = number.cast(pl.Float64, strict=False).cast(pl.Int32, strict=False)
    month = pl.when(whole.is_between(1, 3600)).then(whole + _MONTHS_BEFORE)
    return pl.date(month // 12, month % 12 + 1, 1).dt.month_end()


def _spells(made: Gathered, rule: Spells, table: Table, formats: Sequence[str]) -> None:
    """Make one row of the episodes of a spell; those without a key stay as they are."""
    loose, spells, episodes = made.frame, [], 0
    for of in (rule.of, rule.otherwise):
        keys = [k for name in of if (k := key_of(name, table)) in loose.columns]
        known = pl.all_horizontal(_known(name, keys, table) for name in of) if of else pl.lit(0) > 0
        keyed, loose = loose.filter(known), loose.filter(~known)
        if not keyed.is_empty():
            by = [key_of(name, table) for name in rule.order]
            spells.append(_as_one(ordered_by(keyed, by, PLACE, formats), keys, rule))
            episodes += keyed.height - spells[-1].height
    made.left_out[PART_OF_SPELL] += episodes
    made.frame = pl.concat([*spells, loose]).sort(PLACE)


def _known(name: str, keys: Sequence[str], table: Table) -> pl.Expr:
    key = key_of(name, table)
    if may_lack(name):
        return pl.lit(value=True)
    return pl.col(key).is_not_null() if key in keys else pl.lit(value=False)


def _as_one(ordered: pl.DataFrame, keys: list[str], rule: Spells) -> pl.DataFrame:
    others = [name for name in ordered.columns if name not in keys]
    # Without an order of groups the answer would depend on the number of threads.
    spells = ordered.group_by(keys, maintain_order=True).agg(_told(name, rule) for name in others)
    return spells.select(ordered.columns)


def _told(name: str, rule: Spells) -> pl.Expr:
    column = pl.col(name)
    if name == PLACE:
        return column.min()
    if name in rule.last:
        return column.last()
    if name in rule.greatest:
        return column.max()
    return column.drop_nulls().first()
