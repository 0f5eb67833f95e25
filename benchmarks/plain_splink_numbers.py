"""The yardstick's first step: links by NHS number, where the demographics do not contradict it."""

from __future__ import annotations

import duckdb
import polars as pl

# The people of a number are the same where the day of birth is, or nearly is and one name agrees,
# or where both names agree whatever the day of birth.
_CHECKED = """
    with compared as (
        select
            o.record_id,
            r.record_id as register_record_id,
            o.dob = r.dob as same_day,
            levenshtein(o.dob, r.dob) <= 1 or o.dob = r.day_month or o.year_day = r.year_day
                or o.year_month = r.year_month or o.month_day = r.month_day as near_day,
            jaro_winkler_similarity(o.given, r.given) > 0.88
                or len(list_intersect(o.given_parts, r.given_parts)) > 0
                or len(list_intersect(o.nicknames, r.given_parts)) > 0
                or len(list_intersect(o.given_parts, r.nicknames)) > 0 as given_agrees,
            jaro_winkler_similarity(o.family, r.family) > 0.88
                or len(list_intersect(o.family_parts, r.family_parts)) > 0 as family_agrees,
            o.given = r.family and o.family = r.given as swapped
        from others o join register r using (nhs_number)
    )
    select distinct record_id, register_record_id
    from compared
    where same_day
        or (near_day and (given_agrees or family_agrees))
        or (given_agrees and family_agrees)
        or swapped
    order by all
"""


def by_number(register: pl.DataFrame, others: pl.DataFrame, *, once: bool) -> pl.DataFrame:
    """Return `record_id`, `register_record_id` of the records that a number links.

    A number that two people of the register hold links nobody, nor does one of two records of a
    source that holds each person `once`.
    """
    sole = register.filter(pl.col("record_id").n_unique().over("nhs_number") == 1)
    asking = others
    if once:
        asking = others.filter(pl.col("record_id").n_unique().over("nhs_number") == 1)
    with duckdb.connect() as connection:
        connection.register("register", sole.drop_nulls("nhs_number").to_arrow())
        connection.register("others", asking.drop_nulls("nhs_number").to_arrow())
        found = pl.DataFrame(connection.sql(_CHECKED).to_arrow_table())
    return found.select(pl.col("record_id", "register_record_id").cast(pl.String))
