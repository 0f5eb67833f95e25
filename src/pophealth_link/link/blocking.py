"""Blocking: which pairs are compared. Named rules of equal columns, each within a budget.

A rule leaves alone what some kind of mistake leaves alone, so that a true pair lost by one is
found by another; what all lose is estimated in `evaluate.blocking_loss`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from pophealth_link.link import rows


@dataclass(frozen=True, slots=True)
class Rule:
    """A named rule: columns of rows that must be filled and equal, on the left and the right."""

    name: str
    left: tuple[str, ...]
    right: tuple[str, ...]

    @property
    def sql(self) -> str:
        """The rule as a condition over `l` and `r`."""
        pairs = zip(self.left, self.right, strict=True)
        return " and ".join(f"l.{a} = r.{b}" for a, b in pairs)


def _same(name: str, *columns: str) -> Rule:
    return Rule(name, columns, columns)


RULES = (
    _same("birth", "birth_key"),
    Rule("birth_swapped", ("birth_key",), ("birth_swapped",)),
    _same("sounds", "sound_given", "sound_family"),
    _same("starts", "given_start", "family_start"),
    _same("uprn", "uprn"),
    _same("dwelling", "home", "house"),
    _same("home_and_given", "home", "sound_given"),
    _same("home_and_family", "home", "sound_family"),
    _same("home_and_year", "home", "birth_year"),
    _same("home_and_day", "home", "month_day"),
    _same("family_and_year", "sound_family", "birth_year"),
    _same("family_and_day", "sound_family", "month_day"),
    _same("family_and_house", "sound_family", "house", "outward"),
    _same("family_and_outward", "sound_family", "outward", "given_initial"),
    _same("given_and_year", "first_given", "birth_year", "family_initial"),
    _same("given_and_day", "sound_given", "month_day"),
    _same("month_and_initials", "year_month", "given_initial", "family_initial"),
    _same("day_and_initials", "month_day", "given_initial", "family_initial"),
    _same("year_day_and_initials", "year_day", "given_initial", "family_initial"),
    _same("year_and_starts", "birth_year", "given_initial", "family_start"),
    _same("given_and_house", "first_given", "house", "outward"),
    Rule(
        "middle_and_initials",
        ("birth_year", "middle_initial", "family_initial"),
        ("birth_year", "given_initial", "family_initial"),
    ),
    Rule("middle_and_year", ("middle_first", "birth_year"), ("first_given", "birth_year")),
)


def candidates(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Return `rid_l`, `rid_r`: the distinct pairs of prepared records that a rule proposes."""
    import duckdb

    with duckdb.connect() as connection:
        connection.register("l", rows.expand(left).to_arrow())
        connection.register("r", rows.expand(right, swapped=True).to_arrow())
        found = " union ".join(
            f"select l.rid as rid_l, r.rid as rid_r from l join r on {rule.sql}" for rule in RULES
        )
        return pl.DataFrame(connection.sql(f"select * from ({found}) order by rid_l, rid_r").pl())


def near(register: pl.DataFrame, others: pl.DataFrame) -> pl.DataFrame:
    """Return the register's records of which some row meets a rule with a row of the others.

    The others' candidates are all among them: few where few records are asked about.
    """
    left, right = rows.expand(register), rows.expand(others, swapped=True)
    met = _met(left, right, [(rule.left, rule.right) for rule in RULES])
    return register.join(met, on="rid", how="semi", maintain_order="left")


def met_by_none(others: pl.DataFrame, register: pl.DataFrame) -> pl.DataFrame:
    """Return `rid` of the others of which no row meets a rule with a row of the register."""
    left, right = rows.expand(register), rows.expand(others, swapped=True)
    met = _met(right, left, [(rule.right, rule.left) for rule in RULES])
    return others.select("rid").unique().join(met, on="rid", how="anti")


def _met(
    side: pl.DataFrame, other: pl.DataFrame, keys: Sequence[tuple[Sequence[str], Sequence[str]]]
) -> pl.DataFrame:
    """Return `rid` of the rows of a side that agree with the other in any of the keys."""
    found = [
        side.lazy().join(
            other.lazy().select(theirs).drop_nulls().unique(),
            left_on=list(ours),
            right_on=list(theirs),
            how="semi",
        )
        for ours, theirs in keys
    ]
    return pl.concat(pl.collect_all(each.select("rid") for each in found)).unique()


def comparisons_per_rule(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Return `rule`, `pairs`: how many pairs of rows each rule proposes, before overlap.

    `left` and `right` are prepared records.
    """
    sides = rows.expand(left), rows.expand(right, swapped=True)
    counted = [proposed(*sides, rule)["pairs"].sum() for rule in RULES]
    return pl.DataFrame({"rule": [rule.name for rule in RULES], "pairs": counted})


def proposed(
    left: pl.DataFrame,
    right: pl.DataFrame,
    rule: Rule,
    by: Sequence[str] = (),
    same: str | None = None,
) -> pl.DataFrame:
    """Return `pairs`, the number of pairs of rows that meet a rule, for each of some groups.

    A group is of rows alike in the columns `by`, which come back ending in `_l` and `_r`. With
    `same`, one of these columns, only pairs count whose two rows are the same in it.
    """
    keys = [f"key {place}" for place in range(len(rule.left))]
    sides = [
        _counted(side, dict(zip(keys, columns, strict=True)), by, letter)
        for side, columns, letter in ((left, rule.left, "l"), (right, rule.right, "r"))
    ]
    left_on, right_on = ([*keys, *([f"{same}_{s}"] if same else [])] for s in "lr")
    both = sides[0].join(sides[1], left_on=left_on, right_on=right_on)
    pairs = (pl.col("rows_l") * pl.col("rows_r")).sum().alias("pairs")
    groups = [f"{name}_{s}" for s in "lr" for name in by if name != same]
    return both.group_by(groups).agg(pairs) if groups else both.select(pairs)


def _counted(
    side: pl.DataFrame, columns: Mapping[str, str], by: Sequence[str], letter: str
) -> pl.DataFrame:
    """Return how many rows have each key, by group: `rows_l` or `rows_r`."""
    keys = [pl.col(column).alias(key) for key, column in columns.items()]
    held = side.lazy().select(*keys, *(pl.col(name).alias(f"{name}_{letter}") for name in by))
    whole = [*columns, *(f"{name}_{letter}" for name in by)]
    counted = held.drop_nulls(list(columns)).group_by(whole)
    return counted.agg(pl.len().cast(pl.Int64).alias(f"rows_{letter}")).collect()
