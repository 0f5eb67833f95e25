"""The same counts in hand-written Polars: one pass over the events, each person once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from pophealth_link.indicators.catalogue import Catalogue
from pophealth_link.indicators.declaration import Indicator
from pophealth_link.schema.codes import AGE_BAND_STARTS
from pophealth_link.schema.strata import FAMILIES, Family

_FAMILIES = [*FAMILIES.values()]


def count(
    folder: Path,
    footprints: pl.DataFrame,
    listed: Catalogue,
    as_of: date,
    period: tuple[date, date],
) -> pl.DataFrame:
    """Return footprint, indicator, stratum, numerator and denominator, as an analyst writes it.

    The people of each condition are found in one streaming pass over the Parquet files, joined to
    people and PCNs, and counted by stratum.
    """
    pcn = footprints.filter(footprint_type="pcn").select("unit", pcn="footprint_code")
    people = pl.read_parquet(folder / "people.parquet").join(
        pcn, left_on="registered_unit", right_on="unit"
    )
    strata = [_stratum(each).alias(each.name) for each in _FAMILIES]
    ages = pl.col("age_band").replace_strict(AGE_BAND_STARTS, return_dtype=pl.Int64)
    people = people.select(
        "person_id", "pcn", "current", *strata, years=ages,
        all=pl.lit("all"), whole=pl.lit("whole"),
        days=(pl.col("person_years") * 365.25).round(0).cast(pl.Int64),
    )  # fmt: skip
    cases = _cases(folder, as_of, period).join(people, on="person_id")
    found = [_counts(each, cases, people) for each in listed]
    return pl.concat(found)


def _cases(folder: Path, as_of: date, period: tuple[date, date]) -> pl.DataFrame:
    """Return person_id and condition, each once, of those who have it by the catalogue's rules."""
    rows = pl.scan_parquet(folder / "events" / "*.parquet")
    day, end, condition = pl.col("recorded_date"), pl.col("resolved_date"), pl.col("condition")
    undoing = condition.str.ends_with("_resolved")
    undoable = undoing | condition.is_in(["depression", "anxiety"])
    counts = [day <= as_of, ~undoable | end.is_null() | (end > as_of)]
    counts += [(condition != "self_harm") | day.is_between(*period)]
    last = (
        rows.filter(*counts)
        .group_by("person_id", "condition")
        .agg(day.max().alias("last"))
        .collect(engine="streaming")
    )
    undone = last.filter(undoing).select(
        "person_id", condition.str.strip_suffix("_resolved"), undone="last"
    )
    held = last.filter(~undoing).join(undone, on=["person_id", "condition"], how="left")
    return held.filter(pl.col("undone").is_null() | (pl.col("last") > pl.col("undone")))


def _counts(each: Indicator, cases: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    most = 200 if each.max_age is None else each.max_age
    who = pl.col("years").is_between(each.min_age or 0, most)
    weight = pl.len()
    if each.statistic == "rate":
        weight, who = pl.col("days").sum(), who & (pl.col("days") > 0)
    else:
        who = who & pl.col("current")
    rule = each.events[0]
    case = (pl.col("condition") == rule.where["condition"][0]) & who
    if rule.since:
        case = case & (pl.col("last") >= rule.since)
    mine, everyone = cases.filter(case), people.filter(who)
    further = [family.name for family in each.families]
    cells = [("pcn", name) for name in ("all", "quintile") if name == "all" or name in further]
    cells += [("whole", name) for name in ("all", *further)]
    parts = []
    for place, name in cells:
        key = [pl.col(place).alias("footprint_code"), pl.col(name).alias("stratum")]
        under = everyone.group_by(key).agg(weight.alias("denominator"))
        over = mine.group_by(key).agg(pl.len().alias("numerator"))
        both = under.join(over, on=["footprint_code", "stratum"], how="left")
        parts.append(both.with_columns(footprint_type=pl.lit(place)))
    scale = 365.25 if each.statistic == "rate" else 1
    found = pl.concat(parts).filter(pl.col("stratum").is_in(each.all_strata))
    return found.select(
        "footprint_type",
        "footprint_code",
        "stratum",
        pl.lit(each.id).alias("indicator"),
        pl.col("numerator").fill_null(0),
        pl.col("denominator") / scale,
    )


def _stratum(family: Family) -> pl.Expr:
    values = {value: f"{family.name}_{g}" for g, vs in family.groups.items() for value in vs}
    rest = None if family.within else f"{family.name}_unknown"
    column = pl.col(family.column).cast(pl.String)
    return column.replace_strict(values, default=rest, return_dtype=pl.String)
