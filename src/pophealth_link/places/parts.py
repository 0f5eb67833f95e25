"""Shared practices split person by person: parts of a practice that are in footprints of their own.

A practice of which some patients belong to one footprint and some to another has several units:
its parts. Which part a patient is in follows from the branch surgery or from the LSOA.
"""

from __future__ import annotations

import narwhals as nw
import polars as pl

from pophealth_link.engine import Frame, collect, lazy
from pophealth_link.places.frames import TEXT, Plan

PARTS = ("practice_code", "site_code", "lsoa_code", "unit")
PART_MARK = "@"
# Every other site or LSOA of the practice: an empty key, for a missing one matches nothing.
_OTHER = ""
_PLACE = ["practice_code", "site_code", "lsoa_code"]
# Office for National Statistics and NHS England, ODS codes: a branch surgery (K81003001) is the
# six characters of its practice (K81003) and three digits.
_BRANCH, _MAIN = 9, 6


def practice_parts(rules: pl.DataFrame) -> pl.DataFrame:
    """Return PARTS: the unit of a practice's patients by site and LSOA, empty for every other.

    `rules`: see `named.Named`. A site's footprint goes before the LSOA's. The unit is the practice
    where no rule says otherwise, else the practice with the footprints that rules give, such as
    `G83006@icp=LCN01`. Sorted.

    >>> rules = pl.DataFrame({"practice_code": ["P"], "site_code": [None], "lsoa_code": ["L"],
    ...     "footprint_type": ["icp"], "footprint_code": ["F"], "footprint_name": ["East"]})
    >>> practice_parts(rules)["lsoa_code", "unit"].rows()
    [('', 'P'), ('L', 'P@icp=F')]
    """
    if rules.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(PARTS, pl.String))
    ruled = _ruled(rules).sort(*_PLACE, "footprint_type")
    label = pl.format("{}={}", "footprint_type", "footprint_code").drop_nulls().str.join("+")
    parts = ruled.group_by(_PLACE, maintain_order=True).agg(label.alias("label"))
    own, code = pl.col("label") == "", pl.col("practice_code")
    unit = pl.when(own).then(code).otherwise(pl.concat_str(code, "label", separator=PART_MARK))
    return parts.with_columns(unit.alias("unit")).select(PARTS).sort(PARTS)


def part_footprints(rules: pl.DataFrame, parts: pl.DataFrame) -> pl.DataFrame:
    """Return unit, practice_code and the footprints that rules give each part."""
    if rules.is_empty():
        empty = ("unit", "practice_code", "footprint_type", "footprint_code", "footprint_name")
        return pl.DataFrame(schema=dict.fromkeys(empty, pl.String))
    given = _ruled(rules).drop_nulls("footprint_code").join(parts, on=_PLACE)
    name = pl.col("footprint_name").min()
    key = ["unit", "practice_code", "footprint_type", "footprint_code"]
    return given.group_by(key).agg(name).sort(key)


def _ruled(rules: pl.DataFrame) -> pl.DataFrame:
    """Return the footprint of each type at each site and LSOA that a rule of the practice names."""
    filled = rules.with_columns(pl.col("site_code", "lsoa_code").fill_null(_OTHER))
    practice, kind = pl.col("practice_code"), "footprint_type"
    grid = filled.select(practice, kind).unique()
    for name in ("site_code", "lsoa_code"):
        named = filled.select(practice, name)
        other = named.select("practice_code").unique().with_columns(pl.lit(_OTHER).alias(name))
        grid = grid.join(pl.concat([named, other]).unique(), on="practice_code")
    codes = ["footprint_code", "footprint_name"]
    for name in ("site_code", "lsoa_code"):
        own = filled.filter(pl.col(name) != _OTHER).select(
            practice, kind, name, *(pl.col(c).alias(f"{c}_{name}") for c in codes)
        )
        grid = grid.join(own.unique(), on=["practice_code", kind, name], how="left")
    chosen = [pl.coalesce(f"{c}_site_code", f"{c}_lsoa_code").alias(c) for c in codes]
    return grid.select(*_PLACE, kind, *chosen)


def with_unit(plan: Plan, codes: Frame | None, parts: Frame | None) -> Plan:
    """Add `__unit` and `__closed` to rows of practice_code and, for parts, lsoa_code.

    `codes`: see `Registration`; a practice that closed without successor has no unit and is marked
    by 1. A branch surgery is its practice, or one of the practice's parts.
    """
    code = nw.col("practice_code").cast(TEXT)
    plan = plan.with_columns(code.alias("__site"), code.alias("__unit"), __closed=nw.lit(0))
    if codes is None and parts is None:
        return plan.drop("__site")
    plan = plan.with_columns(_main(code).alias("__unit"))
    if codes is not None:
        plan = _renamed(plan, lazy(codes))
    if parts is not None and collect(lazy(parts).select(nw.len())).item():
        plan = _parted(plan, lazy(parts))
    return plan.drop("__site")


def _main(code: nw.Expr) -> nw.Expr:
    branch = code.str.len_chars() == _BRANCH
    return nw.when(branch).then(code.str.slice(0, _MAIN)).otherwise(code)


def _renamed(plan: Plan, codes: Plan) -> Plan:
    known = codes.select(
        nw.col("code").alias("__unit"),
        nw.col("practice_code").alias("__now"),
        nw.lit(1).alias("__told"),
    )
    joined = plan.join(known, on="__unit", how="left")
    told = ~nw.col("__told").is_null()
    ended = told & nw.col("__now").is_null()
    return joined.with_columns(
        nw.when(told).then(nw.col("__now")).otherwise(nw.col("__unit")).alias("__unit"),
        nw.when(ended).then(nw.lit(1)).otherwise(nw.lit(0)).alias("__closed"),
    ).drop("__now", "__told")


def _parted(plan: Plan, parts: Plan) -> Plan:
    held = parts.rename({"practice_code": "__practice", "unit": "__part"})
    for column, name in (("__site", "site_code"), ("lsoa_code", "lsoa_code")):
        key = held.filter(nw.col(name) != _OTHER).select("__practice", name).unique()
        key = key.select("__practice", nw.col(name).alias("__at"), nw.col(name).alias(f"__{name}"))
        plan = plan.join(
            key, left_on=["__unit", column], right_on=["__practice", "__at"], how="left"
        )
        given = nw.col(f"__{name}")
        filled = nw.when(given.is_null()).then(nw.lit(_OTHER)).otherwise(given)
        plan = plan.with_columns(filled.alias(f"__{name}"))
    place = ["__unit", "__site_code", "__lsoa_code"]
    plan = plan.join(
        held, left_on=place, right_on=["__practice", "site_code", "lsoa_code"], how="left"
    )
    part = nw.col("__part")
    unit = nw.when(part.is_null()).then(nw.col("__unit")).otherwise(part)
    return plan.with_columns(unit.alias("__unit")).drop("__site_code", "__lsoa_code", "__part")
