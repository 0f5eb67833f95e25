"""Blocking: which pairs are compared. Named rules of equal columns, each within a budget.

A rule leaves alone what some kind of mistake leaves alone, so that a true pair lost by one is
found by another; what all lose is estimated in `evaluate.blocking_loss`.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    left = rows.expand(register).lazy()
    right = rows.expand(others, swapped=True).lazy()
    met = [
        left.join(
            right.select(rule.right).drop_nulls().unique(),
            left_on=rule.left,
            right_on=rule.right,
            how="semi",
        ).select("rid")
        for rule in RULES
    ]
    return register.join(
        pl.concat(pl.collect_all(met)).unique(), on="rid", how="semi", maintain_order="left"
    )


def comparisons_per_rule(left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Return `rule`, `pairs`: how many pairs of rows each rule proposes, before overlap.

    `left` and `right` are prepared records.
    """
    sides = rows.expand(left), rows.expand(right, swapped=True)
    counted = [_pairs_of(*sides, rule) for rule in RULES]
    return pl.DataFrame({"rule": [rule.name for rule in RULES], "pairs": counted})


def _pairs_of(left: pl.DataFrame, right: pl.DataFrame, rule: Rule) -> int:
    a = _counted(left, rule.left).rename({"count": "count_l"})
    b = _counted(right, rule.right).rename({"count": "count_r"})
    both = a.join(b, left_on=list(rule.left), right_on=list(rule.right))
    return int(both.select((pl.col("count_l") * pl.col("count_r")).sum()).item() or 0)


def _counted(side: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    keys = side.lazy().select(columns).drop_nulls().group_by(columns)
    return keys.agg(pl.len().cast(pl.Int64).alias("count")).collect()
